"""``corecore export``: a plan for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson, PlanFile
from corecore.app.cli.progress import steps

AcceptViolations = Annotated[
    str | None,
    typer.Option(
        "--accept-violations", help="Reason for exporting a plan that exceeds limits; printed on every output."
    ),
]


def export(
    plan_file: PlanFile,
    to: Annotated[str, typer.Option("--to", help="slicer, dicom, stl, 3mf, nifti or csv.")],
    out: Annotated[Path, typer.Option(help="The file; for slicer, dicom and stl a folder.")],
    accept_violations: AcceptViolations = None,
    series: Annotated[
        Path | None, typer.Option(help="dicom: folder of the CT or MR series the plan lies in, or FOLDER:NUMBER.")
    ] = None,
    identity: Annotated[
        str | None, typer.Option(help="dicom: keep (the patient and study of the series) or none.")
    ] = None,
    guide: Annotated[Path | None, typer.Option(help="dicom: a drill guide's STL to include.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write a plan as 3D Slicer, DICOM, STL, 3MF, NIfTI or CSV files."""
    from corecore.exports.formats import export_plan

    with steps(quiet=as_json) as step:
        step(f"opening the plan, writing {to}")
        paths = export_plan(
            plan_file, to, out, accept_violations=accept_violations, series=series, identity=identity,
            guide=guide, overwrite=overwrite,
        )  # fmt: skip
    names = [str(path) for path in paths]
    typer.echo(json.dumps({"written": names}, ensure_ascii=False) if as_json else "\n".join(names))
    return DONE
