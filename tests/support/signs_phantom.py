"""Synthetic hips that were drilled, nailed or flattened, for the tests of the signs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache

import numpy as np

from corecore.base.distance_field import bone_from_voxels
from corecore.base.grid import BoolArray, FloatArray, Grid, Image, Mask, transform
from corecore.hip.case import case_from_masks
from corecore.hip.hip import Hip
from corecore.study.phantom.femur import Femur
from corecore.study.phantom.hip import HipRecipe, SyntheticHip, make_hip
from corecore.study.phantom.lesion import ANTEROSUPERIOR
from corecore.study.phantom.pose import Pose, Side
from support.shared import shared

#: CT number of scar and fluid in an old tunnel, HU: that of soft tissue.
HU_SCAR = 30.0
HU_FAT = -100.0
POSE = Pose(flexion_deg=5.0, adduction_deg=-4.0, internal_rotation_deg=9.0)


@cache
def synthetic(side: Side = "right", spacing: float = 1.2, ct: bool = False) -> SyntheticHip:
    recipe = HipRecipe(side=side, spacing_mm=(spacing, spacing, spacing), ct=ct, shaft_below_mm=45.0, pose=POSE, seed=5)
    return shared.once(f"synthetic hip {recipe!r}", lambda: make_hip(recipe))


@cache
def sound_hip(side: Side = "right", spacing: float = 1.2, ct: bool = False) -> Hip:
    made = synthetic(side, spacing, ct)
    return built(made.femur, made.lesion)


def built(femur: Mask, lesion: Mask) -> Hip:
    return shared.build_hip(case_from_masks(femur, lesion, label_map=True))


def femoral_positions(grid: Grid, side: Side) -> FloatArray:
    """The voxels' places (N, 3), femoral frame: to be read."""
    return _femoral_positions(grid.shape, grid.world_from_index.tobytes(), side)


@lru_cache(maxsize=2)
def _femoral_positions(shape: tuple[int, int, int], matrix: bytes, side: Side) -> FloatArray:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1).reshape(-1, 3)
    world_from_index = np.frombuffer(matrix).reshape(4, 4)
    return transform(np.linalg.inv(POSE.world_from_femoral(side)) @ world_from_index, index)


def with_room(image: Image, voxels: int = 8) -> Image:
    """The image with fat on all sides: painted images end close to the bone."""
    grid = image.grid.cropped((-voxels,) * 3, np.array(image.grid.shape) + voxels)
    return replace(image, grid=grid, values=np.pad(image.values, voxels, constant_values=HU_FAT))


def bore(
    grid: Grid,
    side: Side,
    diameter: float,
    *,
    rise_deg: float = 0.0,
    turn_deg: float = 0.0,
    offset: tuple[float, float] = (0.0, 0.0),
    reach: tuple[float, float] = (-8.0, 200.0),
    bend_mm: float = 0.0,
) -> BoolArray:
    """Voxels of a bore through the point 25 mm down the neck, moved by ``offset`` (up, front).

    It is tilted against the neck axis and runs from ``reach[0]`` (negative: towards the head) to
    ``reach[1]``, both from that point; ``bend_mm`` is how far it has left its line after 25 mm.
    """
    axis, up, front = Femur(HipRecipe().shape).neck_frame
    a, b = np.radians([rise_deg, turn_deg])
    down = -axis * np.cos(a) * np.cos(b) - up * np.sin(a) + front * np.sin(b)
    down = down / np.linalg.norm(down)
    points = femoral_positions(grid, side) - (-25.0 * axis + offset[0] * up + offset[1] * front)
    along = points @ down
    off = points - along[:, None] * down - (bend_mm * (along / 25.0) ** 2)[:, None] * up
    inside = (np.linalg.norm(off, axis=1) <= 0.5 * diameter) & (along >= reach[0]) & (along <= reach[1])
    return np.asarray(inside.reshape(grid.shape))


def carved(hole: BoolArray, side: Side = "right", spacing: float = 1.2) -> Hip:
    """The sound hip with a hole in its mask as it was given; nothing is fitted again."""
    hip, femur = sound_hip(side, spacing), synthetic(side, spacing).femur
    return replace(hip, case=replace(hip.case, original_femur=Mask(femur.grid, femur.voxels & ~hole)))


def painted(image: Image, voxels: BoolArray, value: float) -> Image:
    values = image.values.copy()
    values[voxels] = value
    return Image(image.grid, values)


def flattened(depth_mm: float, *, direction: tuple[float, float, float] = ANTEROSUPERIOR, side: Side = "right") -> Hip:
    """A hip whose head is cut flat so that it lies ``depth_mm`` below the sphere in the middle of the cut."""
    made = synthetic(side, 1.0)
    axis = np.asarray(direction) / np.linalg.norm(direction)
    level = Femur(made.recipe.shape).head_radius_mm - depth_mm
    points = femoral_positions(made.femur.grid, side)
    beyond = ((points @ axis) > level).reshape(made.femur.grid.shape)
    grid = made.femur.grid
    return built(Mask(grid, made.femur.voxels & ~beyond), Mask(grid, made.lesion.voxels & ~beyond))


def dented(dents: list[tuple[FloatArray, float, float]]) -> Hip:
    """The sound hip with pits of that place (femoral frame), depth and radius, mm; nothing is fitted again."""
    hip = sound_hip()
    anatomy, mask = hip.anatomy, hip.bone_mask
    at = np.argwhere(mask.voxels)
    place = at * mask.grid.spacing_mm - anatomy.head_center
    far = np.linalg.norm(place, axis=1)
    way = (place / np.maximum(far, 1e-9)[:, None]) @ anatomy.femoral_from_local[:3, :3].T
    surface = np.full(len(at), anatomy.head_radius_mm)
    for toward, deep, wide in dents:
        away = anatomy.head_radius_mm * np.arccos(np.clip(way @ toward, -1.0, 1.0))
        surface -= deep * np.maximum(1.0 - (away / wide) ** 2, 0.0)
    gone = (far > surface) & (surface < anatomy.head_radius_mm)
    voxels = mask.voxels.copy()
    voxels[tuple(at[gone].T)] = False
    return replace(hip, bone=bone_from_voxels(voxels, mask.grid.spacing_mm, open_faces=np.zeros((3, 2), dtype=bool)))
