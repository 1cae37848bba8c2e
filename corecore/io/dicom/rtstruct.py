"""RTSTRUCT: contours filled slice by slice on the grid of the series they were drawn on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Grid, transform
from corecore.io.bounded import reading, short, shown
from corecore.io.dicom.files import STRUCTURE_SET, first_item, origin_of, read_dataset, whole
from corecore.io.dicom.seg import coded_words
from corecore.io.dicom.series import find_series
from corecore.io.segmentation import Segment, Segmentation
from corecore.io.transform import RAS_SIGNS

WHAT = "an RTSTRUCT of closed planar contours"
#: A contour's point further than this from its slice's plane is not drawn on that slice, mm (engineering choice).
OFF_PLANE_MM = 0.1
#: Corners are taken to this share of a voxel, so that the last digit of a file decides no voxel.
CORNER_DIGITS = 5
#: Most crossings of a contour with rows of voxels; a drawn one has some thousands (engineering choice).
MAX_CROSSINGS = 20_000_000
#: Where a coded structure keeps its side.
SIDE = "SegmentedPropertyTypeModifierCodeSequence"
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


def read_segmentation(path: Path, on: Grid | None = None) -> Segmentation:
    """The regions of an RTSTRUCT on the grid of its series in the same folder, else on the grid ``on``.

    A voxel belongs to a region when its centre lies inside an odd number of the slice's
    contours: a contour within another is a hole. Raises ``InputError`` where there is no grid,
    and for contours that are open, off the slices, or missing on slices in between.
    """
    with reading(path, WHAT):
        dataset = read_dataset(path)
        if dataset.SOPClassUID != STRUCTURE_SET:
            raise InputError(
                f"{shown(path)}: a DICOM {short(dataset.SOPClassUID.name)}; {WHAT} is accepted", code="file-kind"
            )
        grid = _series_grid(dataset, path, on)
        contours = {
            whole(item, "ReferencedROINumber", path): list(item.get("ContourSequence") or [])
            for item in dataset.get("ROIContourSequence") or []
        }
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

    def voxels_of(segment: Segment) -> BoolArray:
        with reading(path, WHAT):
            return filled(contours.get(segment.number, []), grid, path, str(segment))

    return Segmentation(path, grid, tuple(segments), voxels_of, origin_of(dataset))


def _series_grid(dataset: Any, path: Path, on: Grid | None) -> Grid:
    frame = first_item(dataset, "ReferencedFrameOfReferenceSequence")
    study = first_item(frame, "RTReferencedStudySequence")
    series = first_item(study, "RTReferencedSeriesSequence")
    uid = str(series.get("SeriesInstanceUID", "")) if series is not None else None
    try:
        return find_series(path.parent, uid).grid
    except InputError as error:
        if on is not None:
            return on
        raise InputError(
            f"{shown(path)}: contours need the grid of the series they were drawn on: put its files beside this one,"
            f" or name it as --image; {error}",
            code="contours-without-series",
        ) from error


def filled(contours: list[Any], grid: Grid, path: Path, name: str) -> BoolArray:
    """The voxels inside a region's contours."""
    toggles = np.zeros((grid.shape[0] + 1, *grid.shape[1:]), dtype=np.uint8)
    slices = set()
    for contour in contours:
        kind = str(contour.get("ContourGeometricType", ""))
        if kind == "POINT":
            continue
        if kind not in CLOSED:
            raise InputError(
                f"{shown(path)}: {short(name)} has a contour of type {short(kind)}; {CLOSED[0]} is accepted",
                code="contours-unusable",
            )
        corners = np.array([float(v) for v in contour.get("ContourData") or []])
        if len(corners) < 9 or len(corners) % 3 or not np.all(np.isfinite(corners)):
            raise InputError(
                f"{shown(path)}: {short(name)} has a contour of {len(corners)} numbers; three of each of three or"
                " more corners are accepted",
                code="contours-unusable",
            )
        index = transform(grid.index_from_world, corners.reshape(-1, 3) * RAS_SIGNS)
        slot = int(np.rint(np.clip(index[:, 2].mean(), -1e6, 1e6)))
        off = float(np.max(np.abs(index[:, 2] - slot))) * float(grid.spacing_mm[2])
        if off > OFF_PLANE_MM or not 0 <= slot < grid.shape[2]:
            where = "outside the series" if off <= OFF_PLANE_MM else f"{off:.2f} mm off the slices"
            raise InputError(
                f"{shown(path)}: {short(name)} has a contour {where};"
                f" contours within {OFF_PLANE_MM:g} mm of a slice of the series are accepted",
                code="contours-unusable",
            )
        try:
            toggle(toggles[:, :, slot], np.round(index[:, :2], CORNER_DIGITS))
        except InputError as error:
            raise InputError(f"{shown(path)}: {short(name)}: {error}", code="contours-unusable") from error
        slices.add(slot)
    steps = np.diff(sorted(slices))
    if len(steps) >= 2 and float(np.median(steps)) > 1.0:
        raise InputError(
            f"{shown(path)}: {short(name)} is drawn on every {float(np.median(steps)):g}th slice only;"
            " contours on every slice are accepted (interpolate them where they were drawn)",
            code="contours-unusable",
        )
    return np.asarray(np.bitwise_xor.accumulate(toggles, axis=0)[:-1], dtype=np.bool_)


def toggle(plane: np.ndarray[Any, np.dtype[np.uint8]], corners: FloatArray) -> None:
    """Marks (columns + 1, rows), for each row, the columns from which on a polygon's inside begins or ends.

    An edge crosses the rows from its lower end up to, not including, its upper end, so that a
    corner counts once; a centre on a left edge is inside, one on a right edge is not.
    """
    start, end = corners, np.roll(corners, -1, axis=0)
    swap = start[:, 1] > end[:, 1]
    low, high = np.where(swap[:, None], end, start), np.where(swap[:, None], start, end)
    rows = plane.shape[1]
    first = np.clip(np.ceil(low[:, 1]), 0, rows).astype(np.int64)
    count = np.maximum(np.clip(np.ceil(high[:, 1]), 0, rows).astype(np.int64) - first, 0)
    if int(count.sum()) > MAX_CROSSINGS:
        raise InputError(
            f"a contour crosses rows of voxels {int(count.sum()):,} times; up to {MAX_CROSSINGS:,} accepted",
            code="contours-unusable",
        )
    edge = np.repeat(np.arange(len(corners)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    rise = high[edge, 1] - low[edge, 1]
    x = low[edge, 0] + (row - low[edge, 1]) * (high[edge, 0] - low[edge, 0]) / rise
    column = np.clip(np.ceil(np.round(x, CORNER_DIGITS)), 0, plane.shape[0] - 1).astype(np.int64)
    np.bitwise_xor.at(plane, (column, row), np.uint8(1))
