"""CT and MR of one synthetic hip, the MR taken after a known motion of the femur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.grid import FloatArray, Grid, Image, Mask, inverse, transform
from corecore.phantom.femur import Femur
from corecore.phantom.hip import HipRecipe
from corecore.phantom.image import ct_image, mr_image
from corecore.phantom.lesion import lesion_of
from corecore.phantom.sampling import euler_rotation, grid_around, voxels_inside

#: Voxels of a hip protocol: CT near 1 mm, MR in slices of 3 mm.
CT_MM = (1.0, 1.0, 1.0)
MR_MM = (0.9, 0.9, 3.0)
#: What both show below the head's centre, mm: to beneath the lesser trochanter.
BELOW_MM = 80.0


@dataclass(frozen=True, eq=False)
class Pair:
    """``femur`` and ``ct`` in the femur's world, ``lesion`` and ``mr`` in the world it was moved to."""

    ct: Image
    femur: Mask
    mr: Image
    lesion: Mask
    #: Carries the moved world back, (4, 4) RAS mm.
    world_from_lesion: FloatArray

    def error_mm(self, found: FloatArray) -> tuple[float, float]:
        """How far a transform misses the lesion's centroid, and its farthest voxel."""
        points = self.lesion.positions_mm()
        points = np.concatenate([points.mean(axis=0, keepdims=True), points])
        gap = np.linalg.norm(transform(found, points) - transform(self.world_from_lesion, points), axis=1)
        return float(gap[0]), float(gap.max())


def rigid(rng: np.random.Generator, about: FloatArray, turn_deg: float, shift_mm: float) -> FloatArray:
    """A motion (4, 4) of that size about a point, its directions at random."""
    axis, way = rng.normal(size=(2, 3))
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(turn_deg)
    matrix = np.eye(4)
    matrix[:3, :3] += np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross
    matrix[:3, 3] = about + shift_mm * way / np.linalg.norm(way) - matrix[:3, :3] @ about
    return matrix


def pair(seed: int, turn_deg: float | None = None, shift_mm: float | None = None) -> Pair:
    """A drawn hip, moved by up to 15° and 20 mm where no motion is given."""
    rng = np.random.default_rng([seed, 77])
    recipe = HipRecipe.drawn(seed)
    femur = Femur(recipe.shape)
    lesion = lesion_of(recipe.lesion, recipe.sphere_fraction, femur.head_radius_mm, recipe.direction)
    world = recipe.pose.world_from_femoral(recipe.side)
    femoral = np.linalg.inv(world)
    corners = np.array(np.meshgrid([-40.0, 75.0], [-40.0, 40.0], [-BELOW_MM, 45.0])).reshape(3, -1).T
    turn = euler_rotation((6.0, -4.0, 9.0))
    ct_grid = grid_around(transform(world, corners), np.array(CT_MM))
    mr_grid = grid_around(transform(world, corners), np.array(MR_MM), rotation=turn)

    def mask(solid: object, grid: Grid) -> Mask:
        level = solid.level_mm  # type: ignore[attr-defined]
        return Mask(grid, voxels_inside(level, femoral @ grid.world_from_index, grid.shape))

    ct = ct_image(femur, lesion, ct_grid, femoral, rng)
    mr = mr_image(femur, lesion, mr_grid, femoral, rng)
    dead = mask(lesion, mr_grid)
    moved = rigid(
        rng,
        dead.positions_mm().mean(axis=0),
        float(rng.uniform(0, 15)) if turn_deg is None else turn_deg,
        float(rng.uniform(0, 20)) if shift_mm is None else shift_mm,
    )
    return Pair(
        ct, mask(femur, ct_grid), Image(mr_grid.moved(moved), mr.values), Mask(mr_grid.moved(moved), dead.voxels),
        inverse(moved),
    )  # fmt: skip
