"""``corecore synth``: synthetic hips with known truth."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson
from corecore.app.cli.progress import steps
from corecore.base.errors import CorecoreError, OutputError
from corecore.study.batch.local import run_local


def synth(
    out: Annotated[Path, typer.Option(help="Folder for the volumes.")],
    n: Annotated[int, typer.Option("--n", min=1, max=100_000, help="How many hips.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="First seed; hip i has seed + i.")] = 0,
    relief: Annotated[float, typer.Option(help="Standard deviation of each bone's surface relief, mm; 0: none.")] = 0.5,
    scan: Annotated[
        str, typer.Option(help="fine (0.8 mm); or drawn: random slices of 0.5 to 4 mm, half of them oblique.")
    ] = "fine",
    images: Annotated[str, typer.Option(help="Images to write: none, ct, mr or both.")] = "none",
    sex: Annotated[str | None, typer.Option(help="male or female; default: random.")] = None,
    side: Annotated[str | None, typer.Option(help="left or right; default: random.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes of this machine.")] = 1,
    as_json: AsJson = False,
) -> int:
    """Write synthetic hips with known truth, each from its own seed."""
    from corecore.study.phantom.population import Population, write_drawn

    population = Population(relief, scan, images, sex, side)  # type: ignore[arg-type]
    work = partial(write_drawn, population, out)

    def lost(number: int, cause: CorecoreError) -> Any:
        raise OutputError(f"{out}: hip {number} was not written: {cause}", code="output-unwritable")

    seeds = range(seed, seed + n)
    written: list[str] = []
    with steps(quiet=as_json) as step:
        done = map(work, seeds) if workers == 1 else run_local(seeds, work, lost, min(workers, n))
        for count, files in enumerate(done, start=1):
            step(f"hip {count} of {n}", count / n)
            written += files
    written.sort()
    typer.echo(json.dumps({"written": written}) if as_json else "\n".join(written))
    return DONE
