"""The part of a CT around a hip, on voxels as long as wide, and what its values say of bone and soft parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, Image, transform
from corecore.hip.hounsfield import METAL_HU

# All figures of this room are engineering choices, tried on phantoms and on one real CT (docs/validation.md).
#: What is looked at around the point in the head, mm: to either side, to front and back, above and below.
ROOM_MM = ((95.0, 95.0), (75.0, 75.0), (230.0, 70.0))
#: Voxels worked on, mm, and the longest that are drafted from: in thicker slices a joint space of 3 mm does not show.
WORK_MM, SLICE_MAX_MM = (0.8, 1.0), 2.0
#: A CT holds fat or air: values below this, HU, in this share of its voxels at least.
BELOW_HU, BELOW_SHARE = -30.0, 0.005
#: Where muscle is looked for, HU.
MUSCLE_HU = (0.0, 120.0)
#: More metal near the head than this spoils a draft, ml.
METAL_MAX_ML = 0.05
#: Bone against muscle: at this share of the way to the middle of the bright values, and at least this far, HU.
LEVEL_SHARE, LEVEL_ABOVE_HU = 0.3, 80.0
#: Bright: this far above muscle, HU.
BRIGHT_ABOVE_HU = 150.0


@dataclass(frozen=True, eq=False)
class Field:
    """Values on a grid whose axes lie near R, A, S.

    ``muscle_hu``: the soft parts' level. ``bone_hu``: what counts as bone above it.
    """

    grid: Grid
    values: npt.NDArray[np.float32]
    muscle_hu: float
    bone_hu: float

    @property
    def spacing_mm(self) -> FloatArray:
        """Voxel edges, (3,) mm."""
        return self.grid.spacing_mm

    def sampled(self, points_mm: FloatArray) -> FloatArray:
        """Values at world points (..., 3), NaN outside."""
        index = np.moveaxis(transform(self.grid.index_from_world, points_mm), -1, 0)
        return np.asarray(
            ndimage.map_coordinates(self.values, index, order=1, mode="constant", cval=np.nan, output=np.float64)
        )


def field_around(image: Image, point_mm: FloatArray) -> Field:
    """The CT around a point (3,) in the femoral head, world RAS mm.

    Raises ``InputError`` where the image does not hold the point, is no CT in Hounsfield units,
    has slices too thick, or shows no bone.
    """
    spacing = image.grid.spacing_mm
    if float(spacing.max()) > SLICE_MAX_MM:
        raise InputError(
            f"the CT has voxels of {spacing.max():g} mm; up to {SLICE_MAX_MM:g} mm are drafted from",
            code="draft-image",
        )
    order, step = image.grid.canonical_order()
    grid = image.grid.reordered(order, step)
    values = np.transpose(image.values, order)[:: step[0], :: step[1], :: step[2]]
    at = transform(grid.index_from_world, point_mm)
    if np.any(at < 0.0) or np.any(at > np.array(grid.shape) - 1.0):
        raise InputError(
            "the point in the head lies outside the CT; a lesion or --point inside it is accepted",
            code="option-value",
        )
    below, above = (np.array([pair[k] for pair in ROOM_MM]) for k in (0, 1))
    start, stop = box_around(grid, point_mm, below, above)
    grid = grid.cropped(start, stop)
    part = np.ascontiguousarray(values[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))])
    if float(np.mean(part < BELOW_HU)) < BELOW_SHARE:
        raise InputError("no fat and no air in the image; a CT in Hounsfield units is accepted", code="draft-image")
    grid, part = _isotropic(grid, part)
    muscle, bone = _levels(part)
    return Field(grid, part, muscle, bone)


def box_around(
    grid: Grid, point_mm: FloatArray, below_mm: float | FloatArray, above_mm: float | FloatArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First voxel and the one past the last (3,) of the box that reaches so far from a point along each axis."""
    at = transform(grid.index_from_world, point_mm)
    start = np.clip(np.floor(at - below_mm / grid.spacing_mm), 0, None).astype(np.int64)
    return start, np.minimum(np.ceil(at + above_mm / grid.spacing_mm).astype(np.int64) + 1, grid.shape)


def check_metal(field: Field, center_mm: FloatArray, reach_mm: float) -> None:
    """Raise ``InputError`` for metal near the head: its streaks look like bone and like joint."""
    at = np.argwhere(field.values >= METAL_HU)
    near = np.linalg.norm(transform(field.grid.world_from_index, at) - center_mm, axis=1) <= reach_mm
    ml = float(np.count_nonzero(near)) * field.grid.voxel_ml
    if ml > METAL_MAX_ML:
        raise InputError(
            f"{ml:.2f} ml of metal within {reach_mm:.0f} mm of the head; a CT without it is accepted",
            code="draft-image",
        )


def _isotropic(grid: Grid, values: npt.NDArray[np.float32]) -> tuple[Grid, npt.NDArray[np.float32]]:
    """Voxels as long as wide; those that are so already stay as they are."""
    spacing = grid.spacing_mm
    edge = float(np.clip(spacing.min(), *WORK_MM))
    if np.all(np.abs(spacing / edge - 1.0) < 0.1):
        return grid, values
    ratio = edge / spacing
    # Finer voxels are averaged before they are left out.
    smooth = ndimage.gaussian_filter(values, np.where(ratio > 1.2, 0.4 * ratio, 0.0))
    shape = np.maximum(np.floor((np.array(values.shape) - 1) / ratio).astype(np.int64) + 1, 1)
    # What is left over is shared between both ends, so that neither end of the scan moves by a voxel.
    rest = 0.5 * ((np.array(values.shape) - 1) - (shape - 1) * ratio)
    matrix = grid.world_from_index @ np.diag([*ratio, 1.0])
    matrix[:3, 3] = transform(grid.world_from_index, rest)
    fine = ndimage.affine_transform(smooth, ratio, offset=rest, output_shape=tuple(shape), order=1, mode="nearest")
    x, y, z = (int(n) for n in shape)
    return Grid((x, y, z), matrix), np.asarray(fine, dtype=np.float32)


def _levels(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """What muscle measures, and from where on it is bone, HU."""
    few = values[::2, ::2, ::2]
    soft = few[(few > MUSCLE_HU[0]) & (few < MUSCLE_HU[1])]
    if soft.size < 1000:
        raise InputError("no muscle in the image; a CT of the hip in Hounsfield units is accepted", code="draft-image")
    # The most frequent value: marrow and partly filled voxels lie on either side of it.
    count, edges = np.histogram(soft, bins=24, range=MUSCLE_HU)
    top = int(np.argmax(np.convolve(count, np.ones(3), mode="same")))
    muscle = float(np.median(soft[np.abs(soft - 0.5 * (edges[top] + edges[top + 1])) < 15.0]))
    bright = few[few > muscle + BRIGHT_ABOVE_HU]
    if bright.size < 1000:
        raise InputError(
            "no bone in the image around the point; a CT of the hip in Hounsfield units is accepted",
            code="draft-image",
        )
    level = muscle + max(LEVEL_ABOVE_HU, LEVEL_SHARE * float(np.median(bright) - muscle))
    return muscle, level
