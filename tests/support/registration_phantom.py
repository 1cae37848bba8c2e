"""CT and MR of one synthetic hip, the MR taken after a known motion of the femur."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray, Grid, Image, Mask, inverse, transform
from corecore.study.phantom.femur import Femur
from corecore.study.phantom.hip import HipRecipe
from corecore.study.phantom.image import ct_image, mr_image
from corecore.study.phantom.lesion import lesion_of
from corecore.study.phantom.sampling import euler_rotation, grid_around, voxels_inside
from support.shared import shared

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


def pair(seed: int, *, clutter: bool | None = None) -> Pair:
    """A drawn hip and its lesion in another world, made once a run."""
    return shared.once(f"pair {seed} {clutter}", lambda: _pair(seed, clutter=clutter))


def _pair(seed: int, *, clutter: bool | None) -> Pair:
    """A drawn hip, moved by up to 15° and 20 mm; every other one among soft parts that did not move along."""
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
    moved = rigid(rng, dead.positions_mm().mean(axis=0), float(rng.uniform(0, 15)), float(rng.uniform(0, 20)))
    lesion_grid = mr_grid.moved(moved)
    result = Pair(
        ct, mask(femur, ct_grid), Image(lesion_grid, mr.values), Mask(lesion_grid, dead.voxels), inverse(moved)
    )
    return _cluttered(result, rng) if (seed % 2 == 1 if clutter is None else clutter) else result


def _cluttered(hip: Pair, rng: np.random.Generator) -> Pair:
    """The same among bone, muscle and fat that moved otherwise than the femur, the MR shaded as by a coil."""
    grid = hip.ct.grid
    room = 30
    texture = ndimage.gaussian_filter(rng.normal(size=np.array(grid.shape) + 2 * room), 6.0)
    texture /= texture.std()
    away = ndimage.distance_transform_edt(~hip.femur.voxels, sampling=grid.spacing_mm)

    def tissue(world: FloatArray, bone: float, fat: float, muscle: float) -> FloatArray:
        index = transform(grid.index_from_world, world) + room
        level = ndimage.map_coordinates(texture, index.T, order=1, mode="nearest")
        return np.where(level > 0.8, bone, np.where(level < -0.8, fat, muscle))

    ct = hip.ct.values.copy()
    outside = away > 2.5
    ct[outside] = tissue(transform(grid.world_from_index, np.argwhere(outside)), 400.0, -90.0, 55.0)
    ct[outside] += rng.normal(0.0, 14.0, int(outside.sum())).astype(np.float32)

    world = transform(hip.mr.grid.world_from_index, np.indices(hip.mr.grid.shape).reshape(3, -1).T)
    home = transform(grid.index_from_world @ hip.world_from_lesion, world)
    apart = ndimage.map_coordinates(away, home.T, order=1, mode="constant", cval=99.0) > 2.5
    other = rigid(rng, hip.femur.positions_mm().mean(axis=0), 4.0, 6.0)
    mr = hip.mr.values.copy().ravel()
    mr[apart] = tissue(transform(other, world[apart]), 500.0, 900.0, 280.0)
    mr[apart] += rng.normal(0.0, 22.0, int(apart.sum())).astype(np.float32)
    x, y = (np.linspace(-1.0, 1.0, n) for n in hip.mr.grid.shape[:2])
    shading = 1.0 + 0.35 * x[:, None, None] - 0.2 * y[None, :, None]
    values = (mr.reshape(hip.mr.grid.shape) * shading).astype(np.float32)
    return replace(hip, ct=Image(grid, ct), mr=Image(hip.mr.grid, values))
