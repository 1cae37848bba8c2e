"""A synthetic hip: masks, images and the truth about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, Image, Mask, transform
from corecore.study.phantom.femur import Femur
from corecore.study.phantom.image import Times, ct_image, mr_image
from corecore.study.phantom.lesion import ANTEROSUPERIOR, KINDS, Kind, Lesion, lesion_of
from corecore.study.phantom.pose import Pose, Side
from corecore.study.phantom.relief import Relief
from corecore.study.phantom.sampling import euler_rotation, grid_around, voxels_inside
from corecore.study.phantom.shape import FemurShape, Sex
from corecore.study.phantom.truth import LesionTruth, NeckSection, Triple, Truth

#: Most times the usual noise or blur of an image (engineering choice).
TIMES_MAX = 10.0
#: Background left around the bone, mm. The planner's smoothing and exact distances reach 4 mm.
PAD_MM = 4.0
#: Shaft in view below the lesser trochanter's tip, mm; fits use it from 20 to 120 mm.
SHAFT_BELOW_MM = 124.0
#: Half the edge of the MR-like image's cube about the head, head radii (engineering choice).
MR_HALF_RADII = 1.45
#: Shares of the sphere drawn, log-uniform (clinical reference, section 6.4: 3 to 45 %).
DRAWN_FRACTION = (0.03, 0.45)
#: Spread of a drawn lesion's direction and of the pose, degrees (engineering choices).
DRAWN_DIRECTION_SD_DEG = 12.0
DRAWN_TURN_SD_DEG = (6.0, 3.0, 8.0)
#: How often each kind of lesion is drawn (engineering choice: most necroses are wedges and lenses).
DRAWN_KINDS: dict[Kind, float] = {"wedge": 0.4, "lens": 0.3, "cap": 0.15, "ball": 0.1, "two_foci": 0.05}


@dataclass(frozen=True)
class HipRecipe:
    """Everything that decides a synthetic hip; the same recipe gives the same bytes.

    ``spacing_mm`` are the voxel edges along R, A, S before the grid is turned by
    ``grid_turn_deg`` (about x, y, z). With ``mr`` the lesion is outlined on the MR-like image's
    own grid, turned by ``mr_turn_deg`` against the world, as a second file. ``noise`` and ``blur`` multiply
    those of the images. ``sex`` is only told. ``seed`` decides the noise and the sub-voxel place of the grid.
    """

    shape: FemurShape = field(default_factory=FemurShape)
    side: Side = "right"
    lesion: Kind = "wedge"
    sphere_fraction: float = 0.15
    direction: tuple[float, float, float] = ANTEROSUPERIOR
    pose: Pose = field(default_factory=Pose)
    spacing_mm: tuple[float, float, float] = (0.8, 0.8, 0.8)
    grid_turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shaft_below_mm: float = SHAFT_BELOW_MM
    ct: bool = False
    mr: bool = False
    mr_spacing_mm: tuple[float, float, float] = (0.8, 0.8, 0.8)
    mr_turn_deg: tuple[float, float, float] = (12.0, -18.0, 27.0)
    seed: int = 0
    sex: Sex | None = None
    relief: Relief | None = None
    noise: float = 1.0
    blur: float = 1.0

    def __post_init__(self) -> None:
        if self.side not in get_args(Side):
            raise InputError(f"side {self.side!r}; left or right is accepted", code="recipe-value")
        if self.lesion not in KINDS:
            raise InputError(f"lesion kind {self.lesion!r}; one of {', '.join(KINDS)} is accepted", code="recipe-value")
        if not -20.0 <= self.shaft_below_mm <= 250.0:
            raise InputError(f"shaft_below_mm is {self.shaft_below_mm!r}; -20 to 250 is accepted", code="recipe-value")
        for name in ("noise", "blur"):
            if not 0.0 <= getattr(self, name) <= TIMES_MAX:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; 0 to {TIMES_MAX} is accepted", code="recipe-value"
                )

    @staticmethod
    def drawn(seed: int, *, sex: Sex | None = None, side: Side | None = None) -> HipRecipe:
        """A recipe drawn from the published spread of femora and necroses.

        ``sex`` and ``side`` fix what is otherwise tossed. The draw depends on ``seed`` alone.
        """
        rng = np.random.default_rng([seed, 0])
        tossed_sex: Sex = "male" if rng.random() < 0.5 else "female"
        tossed_side: Side = "left" if rng.random() < 0.5 else "right"
        shape = FemurShape.drawn(rng, sex or tossed_sex)
        kind = KINDS[int(rng.choice(len(KINDS), p=[DRAWN_KINDS[k] for k in KINDS]))]
        low, high = np.log(DRAWN_FRACTION)
        fraction = float(np.exp(rng.uniform(low, high)))
        tilt = rng.normal(0.0, DRAWN_DIRECTION_SD_DEG, 3)
        axis = euler_rotation(tilt) @ (np.asarray(ANTEROSUPERIOR) / np.linalg.norm(ANTEROSUPERIOR))
        turns = rng.normal(0.0, DRAWN_TURN_SD_DEG)
        center = rng.uniform([78.0, -40.0, -200.0], [96.0, 60.0, 200.0])
        direction = (float(axis[0]), float(axis[1]), float(axis[2]))
        try:
            lesion_of(kind, fraction, shape.head_radius_mm, direction)
        except InputError:
            # Large two-foci lesions would meet, and then they are one.
            kind = "lens"
        return HipRecipe(
            shape=shape,
            side=side or tossed_side,
            lesion=kind,
            sphere_fraction=fraction,
            direction=direction,
            pose=Pose((float(center[0]), float(center[1]), float(center[2])), *(float(turn) for turn in turns)),
            seed=seed,
            sex=sex or tossed_sex,
        )


@dataclass(frozen=True, eq=False)
class SyntheticHip:
    """Masks and images of a recipe.

    ``femur`` is the whole bone, the lesion within. ``lesion`` lies on the same grid, or on the MR-like
    image's grid where the recipe asks for one. ``truth`` has the figures, positions in RAS mm.
    """

    recipe: HipRecipe
    femur: Mask
    lesion: Mask
    ct: Image | None
    mr: Image | None
    truth: Truth

    def labels(self) -> npt.NDArray[np.uint8]:
        """Label map on the femur's grid: 1 femur, 2 lesion. Raises ``InputError`` where the grids differ."""
        if not self.lesion.grid.same_as(self.femur.grid):
            raise InputError(
                "femur and lesion lie on different grids; one label map cannot hold both", code="grid-mismatch"
            )
        return self.femur.voxels.astype(np.uint8) + (self.lesion.voxels & self.femur.voxels).astype(np.uint8)


def make_hip(recipe: HipRecipe | int) -> SyntheticHip:
    """The hip of a recipe, or of the recipe drawn with a seed.

    Raises ``InputError`` for a recipe whose lesion does not fit its head.
    """
    if isinstance(recipe, (int, np.integer)):
        recipe = HipRecipe.drawn(int(recipe))
    femur = Femur(recipe.shape, recipe.relief)
    lesion = lesion_of(recipe.lesion, recipe.sphere_fraction, femur.head_radius_mm, recipe.direction)
    world_from_femoral = recipe.pose.world_from_femoral(recipe.side)
    femoral_from_world: FloatArray = np.asarray(np.linalg.inv(world_from_femoral), dtype=np.float64)
    # Streams of their own, so that asking for one image does not change another.
    place, ct_noise, mr_noise = (np.random.default_rng([recipe.seed, stream]) for stream in (1, 2, 3))
    shift = place.uniform(0.0, 1.0, 6)

    grid = _femur_grid(femur, recipe, world_from_femoral, shift[:3])
    bone = _mask(femur, grid, femoral_from_world)
    start, stop = bone.bounds(pad=0)
    pad = np.ceil(PAD_MM / grid.spacing_mm).astype(np.int64)
    bone = bone.cropped(np.maximum(start - pad, 0), np.minimum(stop + pad, grid.shape))

    mr_grid = _mr_grid(femur, recipe, world_from_femoral, shift[3:]) if recipe.mr else None
    necrosis = _mask(lesion, mr_grid or bone.grid, femoral_from_world)
    times = Times(recipe.noise, recipe.blur)
    ct = ct_image(femur, lesion, bone.grid, femoral_from_world, ct_noise, times) if recipe.ct else None
    mr = mr_image(femur, lesion, mr_grid, femoral_from_world, mr_noise, times) if mr_grid is not None else None
    return SyntheticHip(recipe, bone, necrosis, ct, mr, _truth(recipe, femur, lesion, necrosis))


def _mask(solid: Femur | Lesion, grid: Grid, femoral_from_world: FloatArray) -> Mask:
    return Mask(grid, voxels_inside(solid.level_mm, femoral_from_world @ grid.world_from_index, grid.shape))


def _turn(degrees: tuple[float, float, float], side: Side) -> FloatArray:
    """Voxel axes in the world; a left hip's grid is turned the mirror-image way."""
    rotation = euler_rotation(degrees)
    return np.diag([-1.0, 1.0, 1.0]) @ rotation @ np.diag([-1.0, 1.0, 1.0]) if side == "left" else rotation


def _femur_grid(femur: Femur, recipe: HipRecipe, world_from_femoral: FloatArray, shift: FloatArray) -> Grid:
    k = femur.scale
    reach = 0.5 * femur.shape.shaft_diameter_mm
    x, y = femur.shaft_point[:2]
    bottom = femur.shape.lesser_trochanter_height_mm - recipe.shaft_below_mm
    # A loose box about every part; the mask's own bounds crop it afterwards.
    balls = [
        (np.zeros(3), femur.head_radius_mm),
        (femur.lesser_trochanter_tip, 1.0),
        (femur.greater_trochanter_tip, 12.0 * k),
        (np.array([x + 8.0 * k, y - 2.0 * k, femur.greater_trochanter_tip[2] - 25.0 * k]), 24.0 * k),
    ]
    unit = np.array(np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0])).reshape(3, -1).T
    unit = unit[np.abs(unit).sum(axis=1) > 0] / np.linalg.norm(unit[np.abs(unit).sum(axis=1) > 0], axis=1)[:, None]
    ring = np.arange(64) * (2.0 * np.pi / 64)
    section = np.stack([x + reach * np.cos(ring), y + reach * np.sin(ring), np.full(64, bottom)], axis=1)
    points = np.concatenate([*(center + 1.03 * radius * unit for center, radius in balls), section])
    spacing = np.asarray(recipe.spacing_mm, dtype=np.float64)
    axes = _turn(recipe.grid_turn_deg, recipe.side)
    world = transform(world_from_femoral, points)
    loose = grid_around(world, spacing, rotation=axes, pad_mm=2.0 * PAD_MM + 2.0 * float(spacing.max()))
    # The scan ends where the shaft does: no padding beyond the section along the axis nearest to it.
    down = -(axes.T @ world_from_femoral[:3, 2])
    axis = int(np.argmax(np.abs(down)))
    matrix = loose.world_from_index.copy()
    matrix[:3, 3] -= matrix[:3, :3] @ shift
    moved = Grid(loose.shape, matrix)
    along = transform(moved.index_from_world, transform(world_from_femoral, section))[:, axis]
    start, stop = np.zeros(3, dtype=np.int64), np.array(moved.shape)
    if down[axis] < 0.0:
        start[axis] = max(0, int(np.floor(along.min())))
    else:
        stop[axis] = min(moved.shape[axis], int(np.ceil(along.max())) + 1)
    return moved.cropped(start, stop)


def _mr_grid(femur: Femur, recipe: HipRecipe, world_from_femoral: FloatArray, shift: FloatArray) -> Grid:
    axes = _turn(recipe.mr_turn_deg, recipe.side)
    spacing = np.asarray(recipe.mr_spacing_mm, dtype=np.float64)
    half = MR_HALF_RADII * femur.head_radius_mm
    corners = half * np.array(np.meshgrid([-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0])).reshape(3, -1).T
    center = world_from_femoral[:3, 3] + axes @ ((shift - 0.5) * spacing)
    return grid_around(center + corners @ axes.T, spacing, rotation=axes)


def _truth(recipe: HipRecipe, femur: Femur, lesion: Lesion, necrosis: Mask) -> Truth:
    matrix = recipe.pose.world_from_femoral(recipe.side)

    def at(point: FloatArray) -> Triple:
        return [round(float(v), 4) for v in transform(matrix, point)]

    def along(vector: FloatArray) -> Triple:
        return [round(float(v), 6) for v in matrix[:3, :3] @ vector]

    sphere_ml = float(4.0 / 3.0 * np.pi * femur.head_radius_mm**3 / 1000.0)
    return Truth(
        side=recipe.side,
        head_center=at(np.zeros(3)),
        head_radius_mm=float(femur.head_radius_mm),
        neck_axis=along(femur.neck_axis),
        neck_center=at(femur.neck_center),
        shaft_axis=along(np.array([0.0, 0.0, 1.0])),
        shaft_point=at(femur.shaft_point),
        x_axis=along(np.array([1.0, 0.0, 0.0])),
        neck_shaft_angle_deg=recipe.shape.neck_shaft_angle_deg,
        anteversion_deg=recipe.shape.anteversion_deg,
        offset_mm=recipe.shape.offset_mm,
        smallest_neck_section=_neck_section(femur, at, along),
        lesser_trochanter_tip=at(femur.lesser_trochanter_tip),
        greater_trochanter_tip=at(femur.greater_trochanter_tip),
        lesion=LesionTruth(
            kind=recipe.lesion,
            volume_ml=round(float(lesion.volume_ml), 6),
            sphere_fraction=round(float(lesion.volume_ml) / sphere_ml, 8),
            sphere_ml=round(sphere_ml, 6),
            centroid=at(lesion.centroid_mm),
            direction=along(np.asarray(recipe.direction) / np.linalg.norm(recipe.direction)),
            voxel_volume_ml=round(float(necrosis.volume_ml), 6),
        ),
    )


def _neck_section(
    femur: Femur, at: Callable[[FloatArray], Triple], along: Callable[[FloatArray], Triple]
) -> NeckSection:
    center, area = femur.smallest_neck_section()
    axis = -center / np.linalg.norm(center)
    return NeckSection(
        center=at(center),
        area_mm2=round(float(area), 1),
        neck_axis=along(axis),
        neck_shaft_angle_deg=round(float(np.degrees(np.arccos(-axis[2]))), 3),
    )
