"""DICOM: lesion and tunnels as a segmentation of the series that was planned on; report and guide packed along."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Grid, inverse, transform
from corecore.base.input_file import bytes_of
from corecore.document.fields import known, listed
from corecore.exports.export_context import ExportContext, folder_for
from corecore.hip.case import fingerprint
from corecore.io.dicom.write import (
    Segment,
    Series,
    anonymous,
    libraries,
    read_series,
    write_encapsulated_pdf,
    write_encapsulated_stl,
    write_segmentation,
)
from corecore.io.files import atomic_write_text
from corecore.io.stl import HEADER, SIZE_LIMIT_BYTES, read_stl

IDENTITIES = ("keep", "none")
#: The print of a plan, in its folder.
REPORT = "report.pdf"
#: Share of a segment's volume that its voxels must hold, or the series does not show it (engineering choice:
#: thin tunnels on thick slices come out a few per cent wrong).
SHOWN_SHARE = 0.5


def ready(series: Path | None, identity: str | None) -> tuple[Path, str]:
    """The folder and the choice of identity, both given. Raises ``InputError`` where one is not.

    Whether a patient's name leaves with the file is for the user to say, so there is no default.
    """
    if identity not in IDENTITIES:
        raise InputError(
            f"--identity {identity}; keep (the patient and study of the series) or none must be chosen for dicom",
            code="option-missing",
        )
    if series is None:
        raise InputError(
            "--series is missing; the folder of the CT or MR series that the plan lies in is accepted",
            code="option-missing",
        )
    libraries()
    return Path(series), identity


def export_dicom(
    parcel: ExportContext, out: Path, *, series: Path, identity: str, guide: Path | None = None
) -> list[Path]:
    """``segmentation.dcm`` (lesion, tunnels), ``report.dcm`` (the plan's ``report.pdf``), and a guide's ``guide.dcm``.

    A plan without a report, one written without pictures, has none here either.

    The plan's world must be the series' patient coordinates, as where masks were drawn on it. Raises
    ``InputError`` for a series in which the plan does not lie.
    """
    stack = read_series(series)
    segments = _segments(parcel, stack)
    stl = None
    if guide is not None:
        read_stl(guide)
        stl = bytes_of(guide, "a guide's STL", SIZE_LIMIT_BYTES)
        if stl.startswith(HEADER) and f" plan {parcel.stamp.plan_hash}".encode() not in stl[:80]:
            raise InputError(
                f"{guide}: is the guide of another plan; that of plan {parcel.stamp.plan_hash} is accepted",
                code="guide-of-another-plan",
            )
    pdf = report_of(parcel)
    if identity == "none":
        stack = anonymous(stack, parcel.stamp.case_id[:64])
    short, note = parcel.stamp.header(64), parcel.stamp.text()
    with folder_for(out) as stage:
        write_segmentation(stack, segments, parcel.hip.side, stage / "segmentation.dcm", short=short, note=note)
        names = ["segmentation.dcm"]
        if pdf is not None:
            write_encapsulated_pdf(
                stack, pdf, stage / "report.dcm", title=f"Core decompression plan, {parcel.stamp.who}", short=short,
                note=note, burned_in=identity == "keep" or identifies(parcel),
            )  # fmt: skip
            names.append("report.dcm")
        if stl is not None:
            title = f"Drill guide, {parcel.stamp.who}"
            write_encapsulated_stl(stack, stl, stage / "guide.dcm", title=title, short=short, note=note)
            names.append("guide.dcm")
        atomic_write_text(stage / "README.md", parcel.about())
    return [out / name for name in [*names, "README.md"]]


def report_of(parcel: ExportContext) -> bytes | None:
    """The plan's ``report.pdf``; ``None`` where the plan lists none. Raises ``InputError`` for one that it is not."""
    listed_files = {one.path: one.sha256 for one in listed(parcel.plan.file.plan.outputs)}
    path = parcel.path.parent / REPORT
    if REPORT not in listed_files or not path.is_file():
        return None
    pdf = bytes_of(path, "a report.pdf", SIZE_LIMIT_BYTES)
    if hashlib.sha256(pdf).hexdigest() != listed_files[REPORT]:
        raise InputError(
            f"{path}: is not the report that the plan lists; corecore preview draws it again", code="plan-edited"
        )
    return pdf


def identifies(parcel: ExportContext) -> bool:
    """Whether the report's pages tell of a person: an id that was given, a date, a name, or words of a review.

    A case without any of them is called by a hash of its voxels.
    """
    case, signs = parcel.plan.file.plan.case, parcel.plan.file.plan.necrosis.signs
    told = (
        known(case.imaging_date), known(signs.image_age.imaging_date), known(case.surgeon), known(case.operation_date),
        known(parcel.plan.file.plan.review),
    )  # fmt: skip
    return any(told) or known(case.id) != fingerprint(parcel.hip.case.femur, parcel.hip.case.lesion)


def _segments(parcel: ExportContext, stack: Series) -> list[Segment]:
    hip = parcel.hip
    lesion = hip.case.original_lesion
    assert lesion is not None
    found = [Segment("necrosis", _painted(stack.grid, lesion.contains, np.eye(4)), necrosis=True)]
    local = inverse(hip.world_from_local)
    for number, tunnel in enumerate(parcel.tunnels, start=1):
        found.append(Segment(f"tunnel {number}", _painted(stack.grid, tunnel.contains, local), necrosis=False))
    wanted = [lesion.volume_ml, *(tunnel.volume_ml for tunnel in parcel.tunnels)]
    for segment, volume in zip(found, wanted, strict=True):
        held = int(np.count_nonzero(segment.voxels)) * stack.grid.voxel_ml
        if held < SHOWN_SHARE * volume:
            raise InputError(
                f"{stack.folder}: shows {held:.2f} of {volume:.2f} ml of {segment.name};"
                " the series that the plan's masks were drawn on is accepted",
                code="series-mismatch",
            )
    return found


def _painted(grid: Grid, contains: Callable[[FloatArray], BoolArray], frame_from_world: FloatArray) -> BoolArray:
    """Voxels of a grid whose centres lie inside, slice by slice: memory stays small."""
    result = np.zeros(grid.shape, dtype=np.bool_)
    matrix = frame_from_world @ grid.world_from_index
    index = np.indices((1, *grid.shape[1:])).reshape(3, -1).T
    for k in range(grid.shape[0]):
        result[k] = contains(transform(matrix, index + np.array([k, 0, 0]))).reshape(grid.shape[1:])
    return result
