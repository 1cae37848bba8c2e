"""RTSTRUCT: contours filled slice by slice on the grid of the series they were drawn on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Grid, transform
from corecore.base.origin import Patient
from corecore.io.bounded import first_line, reading, short, shown
from corecore.io.dicom.files import STRUCTURE_SET, first_item, origin_of, points, read_dataset, whole
from corecore.io.dicom.outlines import fill
from corecore.io.dicom.seg import coded_words
from corecore.io.dicom.series import find_series
from corecore.io.segmentation import Remark, Segment, Segmentation
from corecore.io.transform import RAS_SIGNS

WHAT = "an RTSTRUCT of closed planar contours"
#: A contour's point further than this from its slice's plane is not drawn on that slice, mm (engineering choice).
OFF_PLANE_MM = 0.1
#: Crossing contours may leave this share of the region open (engineering choice).
CROSSING_SHARE_MAX = 0.01
#: Where a coded structure keeps its side.
SIDE = "SegmentedPropertyTypeModifierCodeSequence"
CLOSED, CLOSED_XOR = "CLOSED_PLANAR", "CLOSEDPLANAR_XOR"


def read_segmentation(path: Path, on: Grid | None = None) -> Segmentation:
    """The regions of an RTSTRUCT on the grid of its series in the same folder, else on the grid ``on``.

    A voxel belongs to a region when its centre lies inside an odd number of the slice's
    contours: a contour within another is a hole. One that stands twice on its slice counts once. Raises ``InputError``
    where there is no grid, for contours that are open, off the slices, or cross, and for a region in another frame of
    reference than its series.
    """
    with reading(path, WHAT):
        dataset = read_dataset(path)
        if dataset.SOPClassUID != STRUCTURE_SET:
            raise InputError(
                f"{shown(path)}: a DICOM {short(dataset.SOPClassUID.name)}; {WHAT} is accepted", code="file-kind"
            )
        origin = origin_of(dataset, path)
        grid, series_frame = _series_grid(dataset, path, on, origin.patient)
        contours: dict[int, list[Any]] = {}
        for item in dataset.get("ROIContourSequence") or []:
            number = whole(item, "ReferencedROINumber", path)
            if number in contours:
                raise InputError(
                    f"{shown(path)}: two lists of contours for region {number}; one is accepted", code="dicom-invalid"
                )
            contours[number] = list(item.get("ContourSequence") or [])
        words = {
            whole(item, "ReferencedROINumber", path): [
                str(item.get("ROIObservationLabel") or ""),
                *coded_words(first_item(item, "RTROIIdentificationCodeSequence"), SIDE),
            ]
            for item in dataset.get("RTROIObservationsSequence") or []
        }
        segments = []
        for item in dataset.get("StructureSetROISequence") or []:
            number = whole(item, "ROINumber", path)
            told = tuple(word for word in words.get(number, []) if word)
            frame = str(item.get("ReferencedFrameOfReferenceUID") or "").strip()
            segments.append(Segment(number, str(item.get("ROIName") or "").strip(), told, frame=frame))

    remarks: list[Remark] = []

    def voxels_of(segment: Segment) -> BoolArray:
        stated = segment.frame or origin.frame
        if stated and series_frame and stated != series_frame:
            raise InputError(
                f"{shown(path)}: {short(str(segment))} is drawn in another frame of reference than the series that the"
                " file refers to, and no transform between them is given; contours in the frame of their series"
                " are accepted",
                code="frames-differ",
            )
        with reading(path, WHAT):
            voxels, said = filled(contours.get(segment.number, []), grid, path, str(segment))
        remarks.extend(said)
        return voxels

    # Contours that name no frame lie in that of their series.
    origin = replace(origin, frame=origin.frame or series_frame)
    return Segmentation(path, grid, tuple(segments), voxels_of, origin, remarks)


def _series_grid(dataset: Any, path: Path, on: Grid | None, patient: Patient) -> tuple[Grid, str]:
    """The grid to fill contours on, and the frame of reference of the series that it is of; no frame for ``on``.

    Raises ``InputError`` where the series is another patient's.
    """
    frame = first_item(dataset, "ReferencedFrameOfReferenceSequence")
    study = first_item(frame, "RTReferencedStudySequence")
    series = first_item(study, "RTReferencedSeriesSequence")
    uid = str(series.get("SeriesInstanceUID", "")) if series is not None else None
    try:
        series = find_series(path.parent, uid)
        if not patient.differs(series.slices[0].patient):
            return series.grid, series.slices[0].frame_of_reference
    except InputError as error:
        if on is not None:
            return on, ""
        raise InputError(
            f"{shown(path)}: contours need the grid of the series they were drawn on: put its files beside this one,"
            f" or name it as --image; {error}",
            code="contours-without-series",
        ) from error
    raise InputError(
        f"{shown(path)}: is drawn on the series of another patient, as their headers say; contours and series of one"
        " patient are accepted",
        code="patients-differ",
    )


def filled(contours: list[Any], grid: Grid, path: Path, name: str) -> tuple[BoolArray, list[Remark]]:
    """The voxels inside a region's contours, and what is to be said of these."""
    planes: dict[tuple[int, bool], list[FloatArray]] = {}
    short_ones = 0
    for contour in contours:
        kind = str(contour.get("ContourGeometricType", ""))
        if kind == "POINT":
            continue
        if kind not in (CLOSED, CLOSED_XOR):
            raise InputError(
                f"{shown(path)}: {short(name)} has a contour of type {short(kind)}; {CLOSED} is accepted",
                code="contours-unusable",
            )
        try:
            corners, offset = points(contour, "ContourData"), points(contour, "ContourOffsetVector")
        except ValueError as error:
            raise InputError(
                f"{shown(path)}: {short(name)} has a contour that is not readable ({first_line(error)}); three numbers"
                " of each of three or more corners are accepted",
                code="contours-unusable",
            ) from error
        if np.any(offset != 0.0):
            raise InputError(
                f"{shown(path)}: {short(name)} has a contour with a ContourOffsetVector, a retired element that no two"
                " programs read alike; contours drawn where they lie are accepted",
                code="contours-unusable",
            )
        if len(corners) < 3:
            short_ones += 1
            continue
        index = transform(grid.index_from_world, corners * RAS_SIGNS)
        slot = int(np.rint(np.clip(index[:, 2].mean(), -1e6, 1e6)))
        off = float(np.max(np.abs(index[:, 2] - slot))) * float(grid.spacing_mm[2])
        if off > OFF_PLANE_MM or not 0 <= slot < grid.shape[2]:
            where = "outside the series" if off <= OFF_PLANE_MM else f"{off:.2f} mm off the slices"
            raise InputError(
                f"{shown(path)}: {short(name)} has a contour {where};"
                f" contours within {OFF_PLANE_MM:g} mm of a slice of the series are accepted",
                code="contours-unusable",
            )
        planes.setdefault((slot, kind == CLOSED_XOR), []).append(index[:, :2])
    voxels = np.zeros(grid.shape, dtype=np.bool_)
    doubled = 0
    crossing: dict[int, int] = {}
    for (slot, parity), outlines in planes.items():
        try:
            plane = fill(outlines, grid.shape[:2], parity=parity)
        except InputError as error:
            raise InputError(f"{shown(path)}: {short(name)}: {error}", code="contours-unusable") from error
        voxels[:, :, slot] ^= plane.voxels
        doubled += plane.doubled
        if plane.open_voxels:
            crossing[slot] = plane.open_voxels
    return voxels, _remarks(voxels, short_ones, doubled, crossing, grid, f"{shown(path)}: {short(name)}")


def _remarks(
    voxels: BoolArray, short_ones: int, doubled: int, crossing: dict[int, int], grid: Grid, where: str
) -> list[Remark]:
    remarks = []
    if short_ones or doubled:
        parts = [f"{short_ones} of one or two points"] * bool(short_ones) + [f"{doubled} drawn twice"] * bool(doubled)
        remarks.append(Remark("contours_dropped", f"of its contours, {' and '.join(parts)} were dropped"))
    if crossing:
        left_ml, whole_ml = (n * grid.voxel_ml for n in (sum(crossing.values()), np.count_nonzero(voxels)))
        told = f"contours on {len(crossing)} plane(s) cross themselves or each other and leave {left_ml:.2f} ml open"
        if left_ml > CROSSING_SHARE_MAX * whole_ml:
            z = float(transform(grid.world_from_index, [[0.0, 0.0, float(min(crossing))]])[0, 2])
            raise InputError(
                f"{where}: {told}, first on slice {min(crossing) + 1} (z {z:.1f} mm); up to"
                f" {100 * CROSSING_SHARE_MAX:g} % of the {whole_ml:.2f} ml is accepted",
                code="contours-cross",
            )
        remarks.append(Remark("contours_cross", f"{told}; they count as inside"))
    return remarks
