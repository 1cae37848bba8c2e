"""The lesion: its voxels as boxes, and the sample points that stand for its volume."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.grid import BoolArray, FloatArray, Grid, Mask, transform
from corecore.surface import smoothed_level
from corecore.upsample import near_isotropic

#: Sample points per voxel edge are chosen so that they lie no further apart than this, mm.
#: A 10 mm tunnel's removed volume then errs by about 0.1 %, below the 0.5 % asked for.
SAMPLE_SPACING_MM = 0.4


@dataclass(frozen=True, eq=False)
class Lesion:
    """Dead bone in the local frame.

    ``mask`` lies on its own grid, whose affine leads to the local frame. ``points_mm``
    (N, 3) are several points a voxel, each standing for ``point_ml``; their sum is the
    volume by voxel count less what was cut off outside the bone.
    """

    mask: Mask
    points_mm: FloatArray
    point_ml: float

    @property
    def volume_ml(self) -> float:
        """Volume of the dead bone, ml."""
        return len(self.points_mm) * self.point_ml

    @property
    def centroid_mm(self) -> FloatArray:
        """Centre of mass, (3,) local mm."""
        return np.asarray(self.points_mm.mean(axis=0), dtype=np.float64)

    @cached_property
    def outline(self) -> tuple[Grid, npt.NDArray[np.float32]]:
        """The mask brought to near-isotropic voxels and smoothed; its half level is the outline between voxels."""
        # Background all round, so that the outline closes.
        grid = self.mask.grid.cropped((-3, -3, -3), np.array(self.mask.grid.shape) + 3)
        padded = Mask(grid, np.pad(self.mask.voxels, 3))
        fine = near_isotropic(padded)
        return fine.grid, smoothed_level(fine.voxels, fine.grid.spacing_mm)

    def covers(self, points_mm: FloatArray) -> BoolArray:
        """Whether local points (N, 3) lie within the outline between voxels: no half voxel too much."""
        grid, level = self.outline
        index = transform(grid.index_from_world, points_mm)
        return np.asarray(ndimage.map_coordinates(level, index.T, order=1, mode="constant", cval=0.0) >= 0.5)

    def kept(self, keep: BoolArray) -> Lesion:
        """The lesion with only the sample points that ``keep`` (N,) marks."""
        return Lesion(self.mask, self.points_mm[keep], self.point_ml)


def sample_counts(grid: Grid) -> npt.NDArray[np.int64]:
    """Sample points per voxel along each array axis, (3,)."""
    return np.maximum(1, np.ceil(grid.spacing_mm / SAMPLE_SPACING_MM - 1e-6)).astype(np.int64)


def sampled(mask: Mask) -> Lesion:
    """Divide each voxel of a mask (local frame) evenly into sample points."""
    counts = sample_counts(mask.grid)
    offsets = np.stack(
        np.meshgrid(*[(np.arange(n) + 0.5) / n - 0.5 for n in counts], indexing="ij"), axis=-1
    ).reshape(-1, 3)
    index = np.argwhere(mask.voxels)[:, None, :] + offsets[None, :, :]
    points = transform(mask.grid.world_from_index, index.reshape(-1, 3))
    return Lesion(mask, points, mask.grid.voxel_ml / int(np.prod(counts)))
