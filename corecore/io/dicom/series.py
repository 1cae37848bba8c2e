"""A DICOM series of CT or MR slices, or one multi-frame file, as a volume."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Image
from corecore.base.origin import UNKNOWN, Origin
from corecore.io.bounded import check_claim, finite_values, reading, short, shown
from corecore.io.dicom.files import MULTI_FRAME, SINGLE_FRAME, numbers, origin_of, pixel_frames, read_dataset
from corecore.io.dicom.planes import Stacking, stacked, upright
from corecore.io.dicom.stacks import Slice, Stack, Survey, choose, frame_group, survey
from corecore.io.dicom.unpack import Unpacker

WHAT = "a series of CT or MR slices"


@dataclass(frozen=True, eq=False)
class Series:
    """The slices of one series: their grid, and the files in the grid's order."""

    uid: str
    description: str
    modality: str
    stacking: Stacking
    files: tuple[Path, ...]
    slices: tuple[Slice, ...]

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        return self.stacking.grid


def find_series(folder: Path, uid: str | None = None) -> Series:
    """The only image series of one folder, or the one of that SeriesInstanceUID; its pixels are not read yet.

    Raises ``InputError`` where there is none, where there are several, and for slices that make
    no even stack.
    """
    found = survey(folder, deep=False)
    if found.broken:
        raise found.broken[0]
    if uid is not None:
        found = Survey(folder, tuple(stack for stack in found.stacks if stack.uid == uid))
    return ordered_series(choose(found, None), folder)


def ordered_series(stack: Stack, place: Path, *, straighten: bool = False) -> Series:
    """A stack with its slices in order on their grid.

    Raises ``InputError`` for slices that make no even stack, and, without ``straighten``, for a tilted one.
    """
    if stack.fault is not None:
        raise stack.fault
    with reading(place, WHAT):
        if len({one.frame_of_reference for one in stack.slices}) > 1:
            raise InputError(
                f"{shown(place)}: slices in different frames of reference; one frame is accepted",
                code="series-not-single",
            )
        if any(one.patient.differs(stack.slices[0].patient) for one in stack.slices):
            raise InputError(
                f"{shown(place)}: slices of two patients in one series, as their headers say; one patient's are"
                " accepted",
                code="patients-differ",
            )
        stacking = stacked([one.plane for one in stack.slices], place, straighten=straighten)
    slices = tuple(stack.slices[i] for i in stacking.order)
    files = tuple(dict.fromkeys(one.path for one in slices))
    return Series(stack.uid, stack.description, stack.modality, stacking, files, slices)


def read_series(place: Path, choice: str | None = None, *, straighten: bool = False) -> Image:
    """The image of a series under a folder, rescaled (Hounsfield units for CT), or of a multi-frame file.

    ``choice`` is a number of ``corecore series`` or a SeriesInstanceUID; without it there is one series only. Raises
    ``InputError`` where none or several fit, for a file that cannot be read, since it might be a slice of the
    series, and for slices that make no even stack.
    """
    if not place.is_dir():
        with reading(place, WHAT):
            dataset = read_dataset(place, pixels=False)
            if dataset.SOPClassUID in SINGLE_FRAME:
                raise InputError(
                    f"{shown(place)}: one DICOM slice; {WHAT} is accepted: name its folder", code="series-not-single"
                )
            if dataset.SOPClassUID not in MULTI_FRAME:
                raise InputError(
                    f"{shown(place)}: a DICOM {short(dataset.SOPClassUID.name)}; {WHAT} is accepted", code="file-kind"
                )
    found = survey(place)
    if found.broken:
        raise found.broken[0]
    return read_pixels(ordered_series(choose(found, choice), place, straighten=straighten), place)


def read_pixels(series: Series, place: Path) -> Image:
    """The values of a series on its grid."""
    stored = (*series.slices[0].plane.shape, len(series.slices))
    for shape in (stored, series.grid.shape):
        check_claim(place, shape, 4, 4 * int(np.prod(shape)))
    values = np.empty(stored, dtype=np.float32)
    slots: dict[Path, list[int]] = {}
    for slot, one in enumerate(series.slices):
        slots.setdefault(one.path, []).append(slot)
    with Unpacker() as unpacker:
        origin = _fill(values, series, slots, unpacker)
    image = finite_values(place, upright(values, series.stacking))
    return Image(series.grid, image, origin, series.stacking.tilt_deg)


def _fill(values: npt.NDArray[np.float32], series: Series, slots: dict[Path, list[int]], unpacker: Unpacker) -> Origin:
    """Put every slice's values, rescaled, where they belong; what the files say of frame and patient."""
    origin = UNKNOWN
    for path, here in slots.items():
        with reading(path, WHAT):
            dataset = read_dataset(path)
            if str(dataset.get("PhotometricInterpretation", "")) != "MONOCHROME2":
                found = short(dataset.get("PhotometricInterpretation", "not stated"))
                raise InputError(
                    f"{shown(path)}: PhotometricInterpretation is {found}; MONOCHROME2 is accepted",
                    code="dicom-packing",
                )
            origin = origin_of(dataset, path)
            frames = pixel_frames(dataset, path, unpacker)
            for slot in here:
                number = series.slices[slot].frame
                if number is None:
                    if frames.shape != values.shape[1::-1]:
                        raise InputError(
                            f"{shown(path)}: pixels of shape {frames.shape}; one plane is accepted",
                            code="dicom-packing",
                        )
                    values[:, :, slot] = _rescaled(frames.T, dataset, path)
                else:
                    item = dataset.PerFrameFunctionalGroupsSequence[number]
                    scale = frame_group(dataset, item, "PixelValueTransformationSequence")
                    values[:, :, slot] = _rescaled(frames[number].T, scale if scale is not None else {}, path)
    return origin


def _rescaled(pixels: npt.NDArray[np.generic], scale: Any, path: Path) -> npt.NDArray[np.float32]:
    """Stored values times RescaleSlope plus RescaleIntercept, where the file states them."""
    slope = float(numbers(scale, "RescaleSlope", 1, path)[0]) if scale.get("RescaleSlope") is not None else 1.0
    if slope <= 0.0:
        raise InputError(
            f"{shown(path)}: RescaleSlope is {slope:g}, which makes all values alike or turns them upside down;"
            " a slope above 0 is accepted",
            code="dicom-invalid",
        )
    shift = float(numbers(scale, "RescaleIntercept", 1, path)[0]) if scale.get("RescaleIntercept") is not None else 0.0
    return np.asarray(pixels.astype(np.float64) * slope + shift, dtype=np.float32)
