"""``corecore prepare``: from a scanner's study to a case folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson, Overwrite, Straighten
from corecore.app.cli.progress import steps

if TYPE_CHECKING:
    from corecore.hip.prepare import PreparedCase


def prepare(
    study: Annotated[
        str,
        typer.Argument(metavar="FOLDER", help="DICOM files of a patient; FOLDER:NUMBER takes one of several series."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the case.")],
    segmentation: Annotated[
        str | None,
        typer.Option(help="TotalSegmentator's output, a folder or a label map with names, instead of a run of it."),
    ] = None,
    straighten: Straighten = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> int:
    """Make a case folder from a scanner's study: image, femora, hip bones, and a list of what is missing."""
    from corecore.hip import prepare as work

    with steps(quiet=as_json) as step:
        made = work.prepare(
            study, out, segmentation=segmentation, straighten=straighten, overwrite=overwrite, step=step
        )
    if as_json:
        content = {**asdict(made), "folder": str(made.folder)}
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        for line in told(made):
            typer.echo(line)
    return DONE


def told(made: PreparedCase) -> list[str]:
    """What is in the folder, what is missing, and the next commands."""
    lines = [f"series {made.series}"]
    if made.other_series:
        lines.append(f"not used: {made.other_series} other series (corecore series lists them)")
    if made.straightened_deg:
        lines.append(f"straightened: the gantry was tilted by {made.straightened_deg:.1f}°")
    lines += [f"{name}: {volume:.0f} ml" for name, volume in made.bones_ml.items()]
    lines += [f"missing: {one.what}: {one.how}" for one in made.missing]
    lines.append(f"written: {made.folder}")
    if made.bones_ml:
        lines.append("check and correct the bone masks slice by slice in an editor: every margin depends on them")
    return [*lines, *(f"then: {command}" for command in made.commands)]
