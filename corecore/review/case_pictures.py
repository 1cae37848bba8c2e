"""Pictures of what a case holds: the middle slice of an item, and three planes through the lesion with outlines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.grid import FloatArray, Grid, Image, Mask, transform
from corecore.base.language import later, say
from corecore.hip.hip import Hip
from corecore.io.contents import Item
from corecore.io.references import read_image, read_mask
from corecore.report.svg import png
from corecore.review.case_messages import CheckPicture

#: Longest edge of a thumbnail, pixels.
THUMBNAIL = 112
#: Field of a plane, mm, and its pixel, mm.
FIELD_MM, PIXEL_MM = 110.0, 0.4
#: Grey values below and above these percentiles are black and white, so that metal does not darken the rest.
DARK, BRIGHT = 1.0, 99.5
#: Outlines on grey, red green blue: as told apart by the colour-blind, and by the legend beside them.
FEMUR_RGB, LESION_RGB, PELVIS_RGB = (86, 180, 233), (240, 228, 66), (204, 121, 167)


class PlaneAxes(NamedTuple):
    """A plane of the patient as it is looked at: its name, and where right and top of the picture lie, RAS."""

    title: str
    right: tuple[float, float, float]
    up: tuple[float, float, float]


#: The patient's right is on the picture's left, the front on the sagittal picture's left.
PLANES = (
    PlaneAxes(later("axial"), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    PlaneAxes(later("coronal"), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    PlaneAxes(later("sagittal"), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
)


def thumbnail(item: Item) -> bytes:
    """The axial slice through the middle of an image, or where a mask is largest, as PNG.

    Raises ``InputError`` where the item cannot be read.
    """
    if item.kind == "mask":
        mask = read_mask(item.reference).canonical()
        counts = np.count_nonzero(mask.voxels, axis=(0, 1))
        picture = np.where(mask.voxels[:, :, int(np.argmax(counts))], np.uint8(235), np.uint8(30))
        spacing = mask.grid.spacing_mm
    else:
        image = read_image(item.reference)
        grid, values = upright(image)
        picture = grey(values[:, :, values.shape[2] // 2])
        spacing = grid.spacing_mm
    return png(_shrunk(picture, (float(spacing[0]), float(spacing[1]))))


def upright(image: Image) -> tuple[Grid, npt.NDArray[np.generic]]:
    """An image in the array order nearest to R, A, S."""
    order, step = image.grid.canonical_order()
    turned = image.values.transpose(order)[tuple(slice(None, None, one) for one in step)]
    return image.grid.reordered(order, step), turned


def grey(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Values as grey, 0 to 255, between their percentiles."""
    plain = np.asarray(values, dtype=np.float64)
    low, high = np.percentile(plain, [DARK, BRIGHT])
    return np.asarray(np.clip((plain - low) / max(high - low, 1e-6), 0.0, 1.0) * 255.0, dtype=np.uint8)


def _shrunk(picture: npt.NDArray[np.uint8], spacing: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """A slice (right, front) as one looks at it, square pixels, no longer than a thumbnail."""
    size = np.array(picture.shape) * np.array(spacing)
    pixel = float(size.max()) / THUMBNAIL
    columns, rows = (np.maximum(1, np.rint(size / pixel))).astype(int)
    i = np.minimum((np.arange(columns) + 0.5) * pixel / spacing[0], picture.shape[0] - 1).astype(int)
    j = np.minimum((np.arange(rows) + 0.5) * pixel / spacing[1], picture.shape[1] - 1).astype(int)
    return np.ascontiguousarray(picture[np.ix_(i[::-1], j[::-1])].T)


def check_pictures(hip: Hip) -> list[CheckPicture]:
    """Axial, coronal and sagittal plane through the lesion's middle, with the outlines of the masks."""
    case = hip.case
    middle = case.lesion.positions_mm().mean(axis=0)
    return [CheckPicture(say(axes.title), png(_plane(hip, middle, axes))) for axes in PLANES]


def _plane(hip: Hip, middle: FloatArray, axes: PlaneAxes) -> npt.NDArray[np.uint8]:
    case = hip.case
    count = int(FIELD_MM / PIXEL_MM)
    steps = (np.arange(count) - (count - 1) / 2) * PIXEL_MM
    right, up = np.array(axes.right), np.array(axes.up)
    points = middle + steps[None, :, None] * right - steps[:, None, None] * up
    if case.image is None:
        shade = np.where(_inside(case.femur, points), np.uint8(110), np.uint8(25))
    else:
        index = transform(case.image.grid.index_from_world, points.reshape(-1, 3)).T
        within = np.asarray(case.image.values, dtype=np.float32)
        values = ndimage.map_coordinates(within, index, order=1, mode="constant", cval=float(within.min()))
        shade = grey(values.reshape(count, count))
    picture = np.repeat(shade[:, :, None], 3, axis=2)
    masks = [(case.pelvis, PELVIS_RGB), (case.femur, FEMUR_RGB), (case.lesion, LESION_RGB)]
    for mask, color in masks:
        if mask is not None:
            inside = _inside(mask, points)
            picture[inside & ~ndimage.binary_erosion(inside, iterations=2)] = color
    return picture


def _inside(mask: Mask, points: FloatArray) -> npt.NDArray[np.bool_]:
    """Which points (h, w, 3), RAS mm, lie in a mask's voxels."""
    index = np.rint(transform(mask.grid.index_from_world, points.reshape(-1, 3))).astype(int)
    within = np.all((index >= 0) & (index < mask.grid.shape), axis=1)
    found = np.zeros(len(index), dtype=bool)
    i, j, k = index[within].T
    found[within] = mask.voxels[i, j, k]
    return found.reshape(points.shape[:2])
