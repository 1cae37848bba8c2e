"""DICOM segmentations: BINARY, FRACTIONAL (half and more counts) and LABELMAP, frames left out or not."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Grid
from corecore.io.bounded import check_claim, reading, short, shown
from corecore.io.dicom.files import SEGMENTATION, first_item, numbers, origin_of, pixel_frames, read_dataset, whole
from corecore.io.dicom.planes import EVEN_TOLERANCE_MM, SAME_PLACE_MM, check_alike, grid_of, normal_of
from corecore.io.dicom.series import find_series
from corecore.io.dicom.stacks import frame_planes
from corecore.io.segmentation import ROOM_MM, Remark, Segment, Segmentation, place_in

WHAT = "a DICOM segmentation"
#: Most slices of a series from one stored frame to the next (engineering choice).
MAX_LEFT_OUT = 10


@dataclass(frozen=True, eq=False)
class Lattice:
    """Where each frame lies: slice numbers (frames,) on a grid of ``slices`` planes, and that grid."""

    grid: Grid
    slices: list[int]
    #: Whether the grid reaches as far as the scan does.
    extent_known: bool = True

    def finer(self, count: int) -> Lattice:
        """The same frames, ``count`` slices from each place to the next."""
        if count == 1:
            return self
        nx, ny, nz = self.grid.shape
        matrix = self.grid.world_from_index.copy()
        matrix[:3, 2] /= count
        return Lattice(Grid((nx, ny, (nz - 1) * count + 1), matrix), [slot * count for slot in self.slices])


def read_segmentation(path: Path) -> Segmentation:
    """The segments of a DICOM SEG file. Raises ``InputError`` for anything else."""
    with reading(path, WHAT):
        dataset = read_dataset(path)
        if dataset.SOPClassUID not in SEGMENTATION:
            raise InputError(
                f"{shown(path)}: a DICOM {short(dataset.SOPClassUID.name)}; {WHAT} is accepted", code="file-kind"
            )
        lattice = _lattice(dataset, path)
        pixels = pixel_frames(dataset, path)
        frames = pixels[None] if pixels.ndim == 2 else pixels
        kind = str(dataset.get("SegmentationType", "BINARY"))
        shares: npt.NDArray[Any] | None = None
        if kind == "FRACTIONAL":
            largest = whole(dataset, "MaximumFractionalValue", path, 255)
            if not 1 <= largest <= 255 or frames.max(initial=0) > largest:
                raise InputError(
                    f"{shown(path)}: fractions up to {frames.max(initial=0)} of MaximumFractionalValue {largest};"
                    " 1 to 255, and no fraction above it, are accepted",
                    code="dicom-invalid",
                )
            if not np.isin(frames, (0, largest)).all():
                shares = frames / largest
            frames = frames >= 0.5 * largest
        elif kind not in ("BINARY", "LABELMAP"):
            raise InputError(
                f"{shown(path)}: SegmentationType is {short(kind)}; BINARY, FRACTIONAL, LABELMAP accepted",
                code="dicom-packing",
            )
        owners = None if kind == "LABELMAP" else [_segment_of(dataset, frame, path) for frame in _frames(dataset)]
        lattice = _whole_stack(dataset, path, lattice, not frames.any(axis=(1, 2)).all())
        check_claim(path, lattice.grid.shape, 1, int(np.prod(lattice.grid.shape)))
        if owners is not None and len(set(zip(owners, lattice.slices, strict=True))) < len(owners):
            raise InputError(
                f"{shown(path)}: a segment has two frames in one place; one is accepted", code="dicom-invalid"
            )
        segments = tuple(_segments(dataset, path))
        nameless = set(owners or ()) - {segment.number for segment in segments}
        if nameless:
            raise InputError(
                f"{shown(path)}: a frame of segment {min(nameless)}, which the file does not list; frames of its own"
                " segments are accepted",
                code="dicom-invalid",
            )

    remarks: list[Remark] = []

    def voxels_of(segment: Segment) -> BoolArray:
        if shares is not None and owners is not None:
            mine = shares[np.array(owners) == segment.number]
            lower, half, higher = (np.count_nonzero(mine >= s) * lattice.grid.voxel_ml for s in (0.4, 0.5, 0.6))
            text = (
                f"fractions of a half and more were taken: {half:.2f} ml; from 0.4 {lower:.2f} ml, 0.6 {higher:.2f} ml"
            )
            remarks.append(Remark("mask_thresholded", text))
        voxels = np.zeros(lattice.grid.shape, dtype=np.bool_)
        for number, slot in enumerate(lattice.slices):
            if owners is None:
                voxels[:, :, slot] = (frames[number] == segment.number).T
            elif owners[number] == segment.number:
                voxels[:, :, slot] = (frames[number] != 0).T
        return voxels

    origin = replace(origin_of(dataset, path), extent_known=lattice.extent_known)
    return Segmentation(path, lattice.grid, segments, voxels_of, origin, remarks)


def _frames(dataset: Any) -> Any:
    return dataset.PerFrameFunctionalGroupsSequence


def _segment_of(dataset: Any, frame: Any, path: Path) -> int:
    item = first_item(frame, "SegmentIdentificationSequence")
    if item is None:
        item = first_item(first_item(dataset, "SharedFunctionalGroupsSequence"), "SegmentIdentificationSequence")
    if item is None:
        raise InputError(f"{shown(path)}: a frame that names no segment; one a frame is accepted", code="dicom-invalid")
    return whole(item, "ReferencedSegmentNumber", path)


def _segments(dataset: Any, path: Path) -> list[Segment]:
    segments = []
    for item in dataset.get("SegmentSequence") or []:
        words = [str(item.get("SegmentDescription") or ""), str(item.get("TrackingID") or "")]
        for name in ("SegmentedPropertyTypeCodeSequence", "AnatomicRegionSequence"):
            words += coded_words(first_item(item, name), "SegmentedPropertyTypeModifierCodeSequence")
        number, label = whole(item, "SegmentNumber", path), str(item.get("SegmentLabel") or "").strip()
        segments.append(Segment(number, label, tuple(word for word in words if word)))
    # Label maps may list their background.
    segments = [segment for segment in segments if segment.number > 0]
    if len({segment.number for segment in segments}) < len(segments):
        raise InputError(f"{shown(path)}: two segments of one number; one each is accepted", code="dicom-invalid")
    return segments


def coded_words(item: Any, modifier: str) -> list[str]:
    """Code, scheme and code, meaning of a coded entry, and its meaning with its modifier's."""
    if item is None:
        return []
    code, meaning = str(item.get("CodeValue") or ""), str(item.get("CodeMeaning") or "")
    words = [code, f"{item.get('CodingSchemeDesignator') or ''}:{code}" if code else "", meaning]
    side = first_item(item, modifier)
    if side is not None and side.get("CodeMeaning"):
        words += [f"{side.CodeMeaning} {meaning}", f"{meaning} {side.CodeMeaning}"]
    return words


def _lattice(dataset: Any, path: Path) -> Lattice:
    """The frames on an even stack by their positions, which outrank what the file says of its step."""
    planes = frame_planes(dataset, path)
    check_alike(planes, path)
    normal = normal_of(planes[0])
    along = np.array([plane.position for plane in planes]) @ normal
    low = int(np.argmin(along))
    gaps = np.diff(np.unique(np.round(along, 4)))
    gaps = gaps[gaps > SAME_PLACE_MM]
    stated = _stated(dataset, "SpacingBetweenSlices", path)
    nearest = float(gaps.min()) if len(gaps) else stated
    if nearest <= 0:
        raise InputError(
            f"{shown(path)}: one slice and no SpacingBetweenSlices; a stack of slices is accepted", code="slices-uneven"
        )
    # Frames of every second and third slice are a slice apart nowhere.
    steps = (nearest, stated, nearest / 2, nearest / 3)
    step = next((s for s in steps if 0 < s <= 1.01 * nearest and _beside(along, s) <= EVEN_TOLERANCE_MM), nearest)
    slots = np.rint((along - along[low]) / step).astype(int)
    span = int(slots.max())
    if span:
        # The mean over the stack is finer than a step written in a few digits.
        step = float(along.max() - along[low]) / span
    expected = planes[low].position + slots[:, None] * (step * normal)
    off = float(np.max(np.linalg.norm(np.array([p.position for p in planes]) - expected, axis=1)))
    if off > EVEN_TOLERANCE_MM:
        raise InputError(
            f"{shown(path)}: a frame lies {off:.3f} mm beside its place in an even upright stack;"
            f" up to {EVEN_TOLERANCE_MM:g} mm is accepted",
            code="slices-uneven",
        )
    finer = _slices_per_step(dataset, path, slots, step)
    check_claim(path, (*planes[low].shape, finer * span + 1), 1, int(np.prod(planes[low].shape)) * (finer * span + 1))
    return Lattice(grid_of(planes[low], step * normal, span + 1, path), [int(s) for s in slots]).finer(finer)


def _beside(along: FloatArray, step: float) -> float:
    """How far places along the normal lie from those of an even step, at most."""
    from_low = along - along.min()
    slots = np.rint(from_low / step)
    return float(np.max(np.abs(from_low - slots * (from_low.max() / max(slots.max(), 1.0)))))


def _stated(dataset: Any, name: str, path: Path) -> float:
    """A length of the pixel measures that all frames share; 0 where none is stated. Its sign says nothing."""
    measures = first_item(first_item(dataset, "SharedFunctionalGroupsSequence"), "PixelMeasuresSequence")
    if measures is None or measures.get(name) is None:
        return 0.0
    return abs(float(numbers(measures, name, 1, path)[0]))


def _slices_per_step(dataset: Any, path: Path, slots: npt.NDArray[np.int64], step: float) -> int:
    """Slices of the series segmented from one frame's place to the next: 1, or more where frames of some are missing.

    Two witnesses are asked for: the instances that the frames name as their sources, where they name any, and the
    lengths that the file states. A length alone is often wrong.
    """
    lengths = [_stated(dataset, name, path) for name in ("SpacingBetweenSlices", "SliceThickness")]
    counts = [round(step / length) if length > 0 and step / length < MAX_LEFT_OUT else 0 for length in lengths]
    fits = [n for n, mm in zip(counts, lengths, strict=True) if n > 1 and abs(step / n - mm) < EVEN_TOLERANCE_MM]
    sources = _sources(dataset)
    if sources is None:
        return fits[0] if len(fits) == 2 and fits[0] == fits[1] else 1
    order = np.argsort(slots, kind="stable")
    far, apart = np.diff(sources[order]), np.diff(slots[order])
    for count in fits:
        if np.all(np.abs(far) == count * apart) and (np.all(far >= 0) or np.all(far <= 0)):
            return count
    return 1


def _sources(dataset: Any) -> npt.NDArray[np.int64] | None:
    """For each frame the number of its source among the series' instances (frames,); ``None`` where not all say."""
    series = first_item(dataset, "ReferencedSeriesSequence")
    instances = (series.get("ReferencedInstanceSequence") or []) if series is not None else []
    number = {str(item.get("ReferencedSOPInstanceUID", "")): n for n, item in enumerate(instances)}
    found = []
    for frame in _frames(dataset):
        source = first_item(first_item(frame, "DerivationImageSequence"), "SourceImageSequence")
        name = "" if source is None else str(source.get("ReferencedSOPInstanceUID", ""))
        if name not in number:
            return None
        found.append(number[name])
    return np.array(found, dtype=np.int64)


def _whole_stack(dataset: Any, path: Path, lattice: Lattice, has_empty_frame: bool) -> Lattice:
    """The lattice over the whole scan, where frames without a segment were left out."""
    source = first_item(dataset, "ReferencedSeriesSequence")
    instances = len(source.get("ReferencedInstanceSequence") or []) if source is not None else 0
    if has_empty_frame or instances == lattice.grid.shape[2]:
        return lattice
    if source is not None:
        # No series at hand, or one that cannot be read: what the segmentation says must do.
        with contextlib.suppress(InputError):
            series = find_series(path.parent, str(source.get("SeriesInstanceUID", "")))
            count = round(float(lattice.grid.spacing_mm[2] / series.grid.spacing_mm[2]))
            extended = _on(lattice.finer(min(max(count, 1), MAX_LEFT_OUT)), series.grid)
            if extended is not None:
                return extended
    # A shaft that the scan cut off is then recognised by its flat face.
    room = int(np.ceil(ROOM_MM / lattice.grid.spacing_mm[2]))
    nx, ny, nz = lattice.grid.shape
    grid = lattice.grid.cropped([0, 0, -room], [nx, ny, nz + room])
    return Lattice(grid, [slot + room for slot in lattice.slices], extent_known=False)


def _on(lattice: Lattice, series: Grid) -> Lattice | None:
    """The frames on the grid of their series, or ``None`` where they are not slices of it."""
    start = place_in(series, lattice.grid)
    if start is None or series.shape[:2] != lattice.grid.shape[:2]:
        return None
    return Lattice(series, [slot + int(start[2]) for slot in lattice.slices])
