"""A plan for other programs: 3D Slicer, DICOM, STL, 3MF, NIfTI, CSV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from corecore.base.errors import InputError, OutputError
from corecore.exports.csv import export_csv
from corecore.exports.dicom import export_dicom, ready
from corecore.exports.export_context import ExportContext
from corecore.exports.meshes import export_3mf, export_stl
from corecore.exports.nifti import export_nifti
from corecore.exports.slicer import export_slicer

#: What ``--to`` takes besides dicom, which asks for more.
WRITERS: dict[str, Callable[[ExportContext, Path], list[Path]]] = {
    "slicer": export_slicer,
    "stl": export_stl,
    "3mf": export_3mf,
    "nifti": export_nifti,
    "csv": export_csv,
}
FORMATS = ("slicer", "dicom", "stl", "3mf", "nifti", "csv")
#: Those that make a folder.
FOLDERS = ("slicer", "dicom", "stl")


def export_plan(
    plan_file: Path,
    to: str,
    out: Path,
    *,
    accept_violations: str | None = None,
    series: Path | None = None,
    identity: str | None = None,
    guide: Path | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write a plan in another program's format; the files appear whole or not at all. Returns their paths.

    ``series``, ``identity`` and ``guide`` belong to dicom (``corecore.exports.dicom``). Raises
    ``InputError`` for an unknown format, for options that another format asks for, for what is there
    already without ``overwrite``, and as ``corecore.exports.opened.open_for_export``.
    """
    if to not in FORMATS:
        raise InputError(f"--to {to!r}; one of {', '.join(FORMATS)} is accepted", code="option-value")
    given = {"--series": series, "--identity": identity, "--guide": guide}
    strange = [name for name, value in given.items() if value is not None]
    if to != "dicom" and strange:
        raise InputError(f"{strange[0]} belongs to --to dicom, not to {to}", code="options-conflict")
    if out.exists() and out.is_dir() != (to in FOLDERS):
        raise OutputError(
            f"{out}: is {'a folder' if out.is_dir() else 'a file'}; {to} makes the other", code="output-kind"
        )
    if not overwrite and out.exists() and (to not in FOLDERS or any(out.iterdir())):
        raise OutputError(f"{out}: is there already; choose another place, or give --overwrite", code="output-exists")
    if to == "dicom":
        # Before the hip is built again, which takes seconds.
        folder, kept = ready(series, identity)
        return export_dicom(
            ExportContext.of(plan_file, accept_violations), out, series=folder, identity=kept, guide=guide
        )
    return WRITERS[to](ExportContext.of(plan_file, accept_violations), out)


__all__ = ["FORMATS", "ExportContext", "export_plan"]
