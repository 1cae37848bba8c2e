"""``corecore series``: what lies on a patient's disc."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson

if TYPE_CHECKING:
    from corecore.io.dicom.listing import ListedSeries, Listing

#: Slices nearer to an axis than this are told by the view alone, degrees (engineering choice).
OBLIQUE_DEG = 5.0
HEAD = ("number", "modality", "description", "size", "spacing, mm", "orientation", "date", "files")


def series(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A patient's disc, or any folder of DICOM files.")],
    as_json: AsJson = False,
) -> int:
    """List the CT and MR series under a folder. FOLDER:NUMBER then selects one wherever an image is accepted."""
    from corecore.io.dicom.listing import list_series

    found = list_series(folder)
    if as_json:
        content = {"folder": str(folder), **asdict(found)}
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
        return DONE
    for line in told(found):
        typer.echo(line)
    return DONE


def told(found: Listing) -> list[str]:
    """The table of the series, what is amiss with one below it, and what else lies in the folder."""
    rows = [HEAD, *(_cells(one) for one in found.series)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEAD))]
    lines = []
    for row, one in zip(rows, (None, *found.series), strict=True):
        lines.append("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        if one is not None:
            lines.append(f"  {one.uid}{f':{one.stack}' if one.stacks > 1 else ''}")
            if one.problem is not None:
                lines.append(f"  no volume: {one.problem}")
    if not found.series:
        lines = ["no CT or MR series"]
    others = [
        f"{count} {what}"
        for count, what in (
            (found.other_files, "file(s) that are no DICOM"),
            (found.other_objects, "DICOM object(s) that are no CT or MR image"),
            (found.copies, "exact copies"),
            (found.unreadable, "DICOM file(s) that cannot be read"),
        )
        if count
    ]
    return [*lines, *([f"ignored: {', '.join(others)}"] if others else [])]


def _cells(one: ListedSeries) -> tuple[str, ...]:
    size = " x ".join(map(str, one.size)) if one.size else "?"
    spacing = " x ".join("?" if v is None else f"{v:.4g}" for v in one.spacing_mm) if one.spacing_mm else "?"
    view = one.orientation or "?"
    if one.oblique_deg is not None and one.oblique_deg > OBLIQUE_DEG:
        view += f", {one.oblique_deg:.0f}° oblique"
    what = one.description or "-"
    if one.localizer:
        what += " (localizer)"
    return (one.number, one.modality or "?", what, size, spacing, view, one.date or "?", str(one.files))
