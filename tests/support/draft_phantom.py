"""CT-like images of a whole hip: femur and hip bone with a joint space between, soft parts, fat and air."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray, Grid, Image, Mask, transform
from corecore.study.phantom.femur import Femur
from corecore.study.phantom.hip import HipRecipe
from corecore.study.phantom.image import CT_BLUR_MM, HU_MUSCLE, HU_NOISE, Times, ct_image
from corecore.study.phantom.lesion import lesion_of
from corecore.study.phantom.pelvis import PelvisShape
from corecore.study.phantom.pose import Pose
from corecore.study.phantom.sampling import grid_around, level_on_grid, voxels_inside
from support.shared import shared

#: Of the hip bone: cortex and its thickness, cancellous bone; fat under the skin and air.
HU_PELVIS_CORTEX, PELVIS_CORTEX_MM, HU_PELVIS = 900.0, 1.8, 220.0
HU_FAT, HU_AIR = -100.0, -1000.0


@dataclass(frozen=True, eq=False)
class Whole:
    """A CT with the masks that are true of it."""

    ct: Image
    femur: Mask
    lesion: Mask
    center: FloatArray
    radius_mm: float


def whole_hip(seed: int, **how: Any) -> Whole:
    """The hip of a seed, made once a run; see ``_whole_hip``."""
    return shared.once(f"whole hip {seed} {sorted(how.items())!r}", lambda: _whole_hip(seed, **how))


def _whole_hip(
    seed: int, *, gap_mm: float = 3.0, density: float = 1.0, noise: float = 1.0, blur: float = 1.0,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0), turn: FloatArray | None = None, below_mm: float = 110.0,
) -> Whole:  # fmt: skip
    """The hip of a seed; ``density`` is the share of the usual contrast of bone against muscle."""
    recipe = replace(HipRecipe.drawn(seed), spacing_mm=spacing)
    femur = Femur(recipe.shape)
    lesion = lesion_of(recipe.lesion, recipe.sphere_fraction, femur.head_radius_mm, recipe.direction)
    world = recipe.pose.world_from_femoral(recipe.side)
    femoral = np.linalg.inv(world)
    corners = np.array(np.meshgrid([-80.0, 85.0], [-65.0, 60.0], [-below_mm, 70.0])).reshape(3, -1).T
    grid = grid_around(transform(world, corners), np.array(spacing), rotation=turn)
    rng = np.random.default_rng([seed, 5])
    bone = ct_image(femur, lesion, grid, femoral, rng, Times(0.0, blur)).values.astype(np.float64)
    shape = PelvisShape(head_radius_mm=femur.head_radius_mm, gap_mm=gap_mm)
    # The pelvis keeps straight while the femur is turned in its socket.
    straight = Pose(recipe.pose.head_center_mm).world_from_femoral(recipe.side)
    level = level_on_grid(shape.level_mm, np.linalg.inv(straight) @ grid.world_from_index, grid.shape, band_mm=6.0)
    share = np.clip(level + 0.5, 0.0, 1.0)
    cortex = np.clip((PELVIS_CORTEX_MM - level) / 0.8 + 0.5, 0.0, 1.0)
    own = HU_PELVIS + (HU_PELVIS_CORTEX - HU_PELVIS) * cortex
    sigma = blur * CT_BLUR_MM / grid.spacing_mm
    share, own_share = ndimage.gaussian_filter(share, sigma), ndimage.gaussian_filter(share * own, sigma)
    values = bone * (1.0 - share) + own_share
    values = HU_MUSCLE + density * (values - HU_MUSCLE)
    values = np.where(values < HU_MUSCLE - 25.0, np.minimum(values, -40.0), values)
    # A thigh and a buttock: fat beyond, air beyond that.
    at = transform(femoral @ grid.world_from_index, np.indices(grid.shape).reshape(3, -1).T)
    away = np.hypot((at[:, 0] - 5.0) / 78.0, at[:, 1] / 58.0).reshape(grid.shape)
    outside = (level < -4.0) & (bone < HU_MUSCLE + 20.0) & (bone > HU_MUSCLE - 20.0)
    values = np.where(outside & (away > 1.0), HU_FAT, values)
    values = np.where(outside & (away > 1.12), HU_AIR, values)
    values += noise * HU_NOISE * rng.standard_normal(grid.shape)
    ct = Image(grid, np.rint(values).astype(np.float32))

    def mask(solid: object) -> Mask:
        inside = voxels_inside(solid.level_mm, femoral @ grid.world_from_index, grid.shape)  # type: ignore[attr-defined]
        return Mask(Grid(grid.shape, grid.world_from_index), inside)

    return Whole(ct, mask(femur), mask(lesion), world[:3, 3], femur.head_radius_mm)
