"""``corecore batch``: many hips into one table."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from corecore.app.cli import DONE
from corecore.app.cli.options import (
    AsJson,
    Diameter,
    GuidanceOption,
    InstrumentOption,
    ObjectiveOption,
    Preset,
    SettingOption,
    Tunnels,
)
from corecore.base.errors import CorecoreError, InputError
from corecore.base.parallel import thread_count
from corecore.base.parsing import parse_settings
from corecore.planning.request import check_robust_objective
from corecore.study.batch.layout import parse_layout, plans_folder
from corecore.study.batch.limits import CASE_SECONDS, CaseLimits
from corecore.study.batch.manifest import read_rows
from corecore.study.batch.run import JOURNAL, Execution, Outcome, run_batch
from corecore.study.batch.settings import Settings, Value, Variant
from corecore.study.batch.study import read_study
from corecore.study.batch.table import CSV, LONG_CSV, LONG_PARQUET, PARQUET

#: A bar is worth its flicker for work longer than this, s.
BAR_AFTER_S = 2.0


def batch(
    out: Annotated[Path, typer.Option(help="Folder for table, journal and plans.")],
    source: Annotated[
        Path | None,
        typer.Argument(metavar="DIR|MANIFEST.csv", help="Folder of volumes, BIDS derivatives, or a table of files."),
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="TOML file of a study: every combination of parameters on every hip.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes of this machine; default: one per core.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, tcp://HOST:PORT, instead of own processes.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue an earlier run; rows whose inputs have changed run again."),
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Continue, and run failed rows again.")] = False,
    case_seconds: Annotated[
        float, typer.Option(help="Time limit of a plan, s; a row that exceeds it fails.")
    ] = CASE_SECONDS,
    case_memory: Annotated[
        int | None, typer.Option(help="Memory limit of a case, MiB; a row that exceeds it fails.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="GROUP|COLUMN,…", help="Columns of the tables; default: all. See docs/columns.md."),
    ] = None,
    preset: Preset = None,
    tunnels: Tunnels = None,
    diameter: Diameter = None,
    instrument: InstrumentOption = None,
    setting: SettingOption = None,
    guidance: GuidanceOption = None,
    objective: ObjectiveOption = None,
    gap: Annotated[float | None, typer.Option(help="Prove optimality within this gap.")] = None,
    robust: Annotated[
        str | None, typer.Option(help="Plan for the execution errors of a method: fluoroscopy, guide, …")
    ] = None,
    plans: Annotated[bool, typer.Option("--plans", help="Write each plan's folder too.")] = False,
    pictures: Annotated[bool, typer.Option("--pictures", help="Draw pictures in each plan's folder.")] = False,
    keep_names: Annotated[bool, typer.Option("--keep-names", help="Keep file names in causes and plans.")] = False,
    layout: Annotated[
        str, typer.Option(help="folders; or bids: the plans as a dataset of BIDS derivatives.")
    ] = "folders",
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Confirm relaxed limits for infeasible hips by planning with them; slow.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Plan many hips and write one table, Parquet and CSV, wide and long: a row per hip, failed ones included."""
    told = parse_layout(layout)
    folder = plans_folder(out, plans=plans, layout=told)
    left_out: tuple[tuple[str, str], ...] = ()
    if study is not None:
        of_a_plan = (preset, tunnels, diameter, instrument, setting, guidance, objective, gap, robust)
        if any(given is not None for given in of_a_plan):
            raise InputError("--study with parameters of a plan; set them in the study's file", code="options-conflict")
        found = read_study(study)
        source, left_out = source or found.population, found.left_out
        settings = Settings(found.variants, found.gap, folder, pictures, keep_names, confirm, told)
    else:
        given = (
            ("tunnels", tunnels), ("diameter_mm", diameter), ("instrument", instrument), ("guidance", guidance),
            ("objective", objective),
        )  # fmt: skip
        values: dict[str, Value] = {key: value for key, value in given if value is not None}
        check_robust_objective(robust, values)
        variant = Variant("", preset or "core-10", tuple({**values, **parse_settings(setting or [])}.items()), robust)
        settings = Settings((variant,), gap, folder, pictures, keep_names, confirm, told)
    if source is None:
        raise InputError(
            "no hips: a folder, a manifest (CSV), or a study that names its population, is accepted",
            code="option-missing",
        )
    if workers is not None and scheduler is not None:
        raise InputError(
            "--workers with --scheduler; the cluster's own workers are taken: one of the two is accepted",
            code="options-conflict",
        )
    limits = CaseLimits(case_seconds, case_memory)
    execution = Execution(thread_count() if workers is None else workers, scheduler, resume, retry_failed, limits)
    paths = tuple(part.strip() for part in (columns or "").split(",") if part.strip())
    return run(source, out, settings, execution, columns=paths, left_out=left_out, as_json=as_json)


def run(
    source: Path,
    out: Path,
    settings: Settings,
    execution: Execution,
    *,
    columns: tuple[str, ...],
    left_out: tuple[tuple[str, str], ...],
    as_json: bool,
) -> int:
    """Run a batch with a bar, and tell what became of it.

    ``columns``: those of the tables; ``left_out``: combinations of a study, with the reason.
    """
    rows = read_rows(source)
    started = time.perf_counter()
    try:
        with _bar(quiet=as_json) as progress:
            outcome = run_batch(
                rows, settings, out, base=source if source.is_dir() else source.parent, execution=execution,
                columns=columns, progress=progress,
            )  # fmt: skip
    except KeyboardInterrupt:
        raise CorecoreError(
            "interrupted; finished rows are kept: the same command with --resume continues", code="interrupted"
        ) from None
    _tell(outcome, out, time.perf_counter() - started, left_out, as_json=as_json)
    return DONE


def _tell(outcome: Outcome, out: Path, seconds: float, left_out: tuple[tuple[str, str], ...], *, as_json: bool) -> None:
    if as_json:
        failures = [{"cause": c, "count": n, "ids": ids} for c, (n, ids) in outcome.failures.items()]
        names = {"parquet": PARQUET, "csv": CSV, "long_parquet": LONG_PARQUET, "long_csv": LONG_CSV, "journal": JOURNAL}
        files = {key: str(out / name) for key, name in names.items()}
        content = {"rows": outcome.rows, "statuses": outcome.statuses, "failures": failures, **files}
        content["left_out"] = [{"variant": name, "cause": why} for name, why in left_out]
        typer.echo(json.dumps({**content, "seconds": round(seconds, 1)}, indent=1))
        return
    for name, why in left_out:
        typer.echo(f"not planned: {name}: {why}")
    counts = ", ".join(f"{number} {status}" for status, number in sorted(outcome.statuses.items()))
    typer.echo(f"{outcome.rows} hips in {seconds:.0f} s: {counts}")
    for cause, (number, ids) in sorted(outcome.failures.items(), key=lambda item: (-item[1][0], item[0])):
        more = f" and {number - len(ids)} more" if number > len(ids) else ""
        typer.echo(f"  failed, {number}: {cause}\n    {', '.join(ids)}{more}")
    typer.echo("written: " + "  ".join(str(out / name) for name in (PARQUET, CSV, LONG_PARQUET, LONG_CSV)))


@contextlib.contextmanager
def _bar(*, quiet: bool) -> Iterator[Callable[[int, int, int], None]]:
    """A function that is told rows done, rows in all and failures, and shows them with the time left."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total, failed: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("planning", total=None)
    started = time.perf_counter()
    shown = False

    def tell(done: int, total: int, failed: int) -> None:
        nonlocal shown
        name = f"planning ({failed} failed)" if failed else "planning"
        bar.update(task, completed=done, total=total, description=name)
        if not shown and time.perf_counter() - started > BAR_AFTER_S:
            shown = True
            bar.start()

    try:
        yield tell
    finally:
        if shown:
            bar.stop()
