"""A DICOM series of CT or MR slices, or one multi-frame file, as a volume."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Image
from corecore.io.bounded import check_claim, finite_values, reading, short, shown
from corecore.io.dicom.files import (
    MULTI_FRAME,
    SINGLE_FRAME,
    dicom_files,
    first_item,
    numbers,
    origin_of,
    pixel_frames,
    read_dataset,
    whole,
)
from corecore.io.dicom.planes import Plane, plane_from, stacked

WHAT = "a series of CT or MR slices"


@dataclass(frozen=True, eq=False)
class Series:
    """The slices of one series: their grid, and the files in the grid's order."""

    uid: str
    description: str
    modality: str
    grid: Grid
    files: tuple[Path, ...]


def series_in(folder: Path) -> dict[str, list[tuple[Path, Any]]]:
    """The image series in a folder by their SeriesInstanceUID, each with its files and their headers."""
    found: dict[str, list[tuple[Path, Any]]] = {}
    with reading(folder, WHAT):
        for path in dicom_files(folder):
            dataset = read_dataset(path, pixels=False)
            if dataset.SOPClassUID in (*SINGLE_FRAME, *MULTI_FRAME):
                found.setdefault(str(dataset.get("SeriesInstanceUID", "")), []).append((path, dataset))
    return found


def find_series(folder: Path, uid: str | None = None) -> Series:
    """The only image series of a folder, or the one of that SeriesInstanceUID; its pixels are not read yet.

    Raises ``InputError`` where there is none, where there are several, and for slices that make
    no even stack.
    """
    found = series_in(folder)
    if uid is not None:
        found = {uid: found[uid]} if uid in found else {}
    if not found:
        raise InputError(f"{shown(folder)}: holds no CT or MR image; {WHAT} is accepted", code="series-not-single")
    if len(found) > 1:
        with reading(folder, WHAT):
            told = "; ".join(_described(slices) for slices in list(found.values())[:8])
        raise InputError(
            f"{shown(folder)}: {len(found)} series ({told}); one series a folder is accepted", code="series-not-single"
        )
    uid, slices = next(iter(found.items()))
    files, datasets = [path for path, _ in slices], [dataset for _, dataset in slices]
    with reading(folder, WHAT):
        if len(files) == 1 and datasets[0].SOPClassUID in MULTI_FRAME:
            planes = frame_planes(datasets[0], files[0])
            grid, _ = stacked(planes, files[0])
            ordered = tuple(files)
        else:
            planes = [_plane(dataset, path) for dataset, path in zip(datasets, files, strict=True)]
            if len({str(d.get("FrameOfReferenceUID", "")) for d in datasets}) > 1:
                raise InputError(
                    f"{shown(folder)}: slices in different frames of reference; one frame is accepted",
                    code="series-not-single",
                )
            grid, order = stacked(planes, folder)
            ordered = tuple(files[i] for i in order)
        head = datasets[0]
        return Series(uid, str(head.get("SeriesDescription", "")), str(head.get("Modality", "")), grid, ordered)


def _described(slices: list[tuple[Path, Any]]) -> str:
    _, one = slices[0]
    name = short(one.get("SeriesDescription", "unnamed"), 30)
    return f"{one.get('Modality', '?')} {name}: {len(slices)} file(s)"


def read_series(folder: Path) -> Image:
    """The image of the only series in a folder, rescaled (Hounsfield units for CT). See ``find_series``."""
    return read_pixels(find_series(folder), folder)


def read_multi_frame(path: Path) -> Image:
    """The image in one multi-frame CT or MR file."""
    with reading(path, WHAT):
        dataset = read_dataset(path, pixels=False)
        if dataset.SOPClassUID in SINGLE_FRAME:
            raise InputError(
                f"{shown(path)}: one DICOM slice; {WHAT} is accepted: name its folder", code="series-not-single"
            )
        if dataset.SOPClassUID not in MULTI_FRAME:
            raise InputError(
                f"{shown(path)}: a DICOM {short(dataset.SOPClassUID.name)}; {WHAT} is accepted", code="file-kind"
            )
        grid, _ = stacked(frame_planes(dataset, path), path)
        uid = str(dataset.get("SeriesInstanceUID", ""))
        return read_pixels(Series(uid, "", str(dataset.get("Modality", "")), grid, (path,)), path)


def read_pixels(series: Series, place: Path) -> Image:
    """The values of a series on its grid."""
    check_claim(place, series.grid.shape, 4, 4 * int(np.prod(series.grid.shape)))
    values = np.empty(series.grid.shape, dtype=np.float32)
    several = series.grid.shape[2] == len(series.files)
    for number, path in enumerate(series.files):
        with reading(path, WHAT):
            dataset = read_dataset(path)
            if str(dataset.get("PhotometricInterpretation", "")) != "MONOCHROME2":
                found = short(dataset.get("PhotometricInterpretation", "not stated"))
                raise InputError(
                    f"{shown(path)}: PhotometricInterpretation is {found}; MONOCHROME2 is accepted",
                    code="dicom-packing",
                )
            frames = pixel_frames(dataset, path)
            if several:
                if frames.shape != series.grid.shape[1::-1]:
                    raise InputError(
                        f"{shown(path)}: pixels of shape {frames.shape}; one plane is accepted", code="dicom-packing"
                    )
                values[:, :, number] = _rescaled(frames.T, dataset, path)
            else:
                _, order = stacked(frame_planes(dataset, path), path)
                for slot, frame in enumerate(order):
                    item = dataset.PerFrameFunctionalGroupsSequence[frame]
                    scale = _group(dataset, item, "PixelValueTransformationSequence")
                    values[:, :, slot] = _rescaled(frames[frame].T, scale if scale is not None else {}, path)
    return Image(series.grid, finite_values(place, values), origin_of(dataset))


def frame_planes(dataset: Any, path: Path) -> list[Plane]:
    """The planes of a multi-frame file, in the frames' order."""
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    count = whole(dataset, "NumberOfFrames", path, 1)
    if len(frames) != count:
        raise InputError(
            f"{shown(path)}: places of {len(frames)} frames for {count} frames; one each is accepted",
            code="dicom-invalid",
        )
    shape = (whole(dataset, "Columns", path), whole(dataset, "Rows", path))
    planes = []
    for frame in frames:
        place = _group(dataset, frame, "PlanePositionSequence")
        turn = _group(dataset, frame, "PlaneOrientationSequence")
        sizes = _group(dataset, frame, "PixelMeasuresSequence")
        for name, item in (("PlanePosition", place), ("PlaneOrientation", turn), ("PixelMeasures", sizes)):
            if item is None:
                raise InputError(
                    f"{shown(path)}: a frame without {name}Sequence; frames with a place are accepted",
                    code="dicom-invalid",
                )
        planes.append(
            plane_from(
                numbers(place, "ImagePositionPatient", 3, path),
                numbers(turn, "ImageOrientationPatient", 6, path),
                numbers(sizes, "PixelSpacing", 2, path),
                shape,
            )
        )
    return planes


def _group(dataset: Any, frame: Any, name: str) -> Any:
    """A functional group of one frame, or the one that all share."""
    own = first_item(frame, name)
    return own if own is not None else first_item(first_item(dataset, "SharedFunctionalGroupsSequence"), name)


def _plane(dataset: Any, path: Path) -> Plane:
    return plane_from(
        numbers(dataset, "ImagePositionPatient", 3, path),
        numbers(dataset, "ImageOrientationPatient", 6, path),
        numbers(dataset, "PixelSpacing", 2, path),
        (whole(dataset, "Columns", path), whole(dataset, "Rows", path)),
    )


def _rescaled(pixels: npt.NDArray[np.generic], scale: Any, path: Path) -> npt.NDArray[np.float32]:
    """Stored values times RescaleSlope plus RescaleIntercept, where the file states them."""
    slope = float(numbers(scale, "RescaleSlope", 1, path)[0]) if scale.get("RescaleSlope") is not None else 1.0
    shift = float(numbers(scale, "RescaleIntercept", 1, path)[0]) if scale.get("RescaleIntercept") is not None else 0.0
    return np.asarray(pixels.astype(np.float64) * slope + shift, dtype=np.float32)
