"""Simple solids on a grid, for tests against closed forms.

Each function places a solid of given size at a random sub-voxel offset and orientation and returns its
mask together with the exact signed distance and the volume. The same generator state gives the
same solid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, Mask
from corecore.study.phantom.lesion import Wedge
from corecore.study.phantom.sampling import grid_around, voxels_inside

#: Background left around a bounded solid, mm; a surface's smoothing and exact distances reach 4 mm.
PAD_MM = 6.0


@dataclass(frozen=True, eq=False)
class SolidOnGrid:
    """A solid and the mask of the voxels whose centres lie in it.

    ``level_mm`` takes points (N, 3) in the mask's frame (mm) and returns the signed distance to the
    solid's surface (N,), positive inside: exact everywhere for ball, cylinder and half-space, inside and
    near each face for a cone, where it is the distance to the nearest face's continuation elsewhere.
    ``volume_ml`` is the closed form (``None`` for a half-space). ``center_mm`` is the middle of a ball or cylinder, the
    apex of a cone, a point of a half-space's plane; ``axis`` is a unit vector, outward for a half-space.
    """

    mask: Mask
    level_mm: Callable[[FloatArray], FloatArray]
    center_mm: FloatArray
    axis: FloatArray
    volume_ml: float | None


def random_axis(rng: np.random.Generator) -> FloatArray:
    """Unit vector (3,), every direction equally likely."""
    vector = rng.standard_normal(3)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float64)


def ball(radius_mm: float, spacing_mm: npt.ArrayLike, rng: np.random.Generator) -> SolidOnGrid:
    """A ball. Volume 4/3 pi r^3."""
    _positive(radius_mm=radius_mm)
    grid, center = _around(np.full(3, radius_mm), spacing_mm, rng)

    def level(points: FloatArray) -> FloatArray:
        return np.asarray(radius_mm - np.linalg.norm(points - center, axis=1))

    return _solid(grid, level, center, random_axis(rng), 4.0 / 3.0 * np.pi * radius_mm**3)


def cylinder(radius_mm: float, length_mm: float, spacing_mm: npt.ArrayLike, rng: np.random.Generator) -> SolidOnGrid:
    """A flat-ended cylinder of random orientation. Volume pi r^2 l."""
    _positive(radius_mm=radius_mm, length_mm=length_mm)
    axis = random_axis(rng)
    grid, center = _around(0.5 * length_mm * np.abs(axis) + radius_mm, spacing_mm, rng)

    def level(points: FloatArray) -> FloatArray:
        along = (points - center) @ axis
        across = np.linalg.norm(points - center - along[:, None] * axis, axis=1)
        side, end = radius_mm - across, 0.5 * length_mm - np.abs(along)
        beyond = np.hypot(np.minimum(side, 0.0), np.minimum(end, 0.0))
        return np.asarray(np.where((side > 0.0) & (end > 0.0), np.minimum(side, end), -beyond))

    return _solid(grid, level, center, axis, np.pi * radius_mm**2 * length_mm)


def half_space(
    edge_mm: float, spacing_mm: npt.ArrayLike, rng: np.random.Generator, *, axis: npt.ArrayLike | None = None
) -> SolidOnGrid:
    """The part of a box of ``edge_mm`` behind a plane near its middle; ``axis`` (3,) is its outward normal.

    The solid reaches the grid's edge, where it is cut. No closed-form volume is given.
    """
    _positive(edge_mm=edge_mm)
    normal = random_axis(rng) if axis is None else np.asarray(axis, dtype=np.float64)
    normal = normal / np.linalg.norm(normal)
    spacing = np.broadcast_to(np.asarray(spacing_mm, dtype=np.float64), (3,))
    half = np.full(3, 0.5 * edge_mm)
    grid = grid_around(np.stack([-half, half]), spacing)
    center = rng.uniform(-0.5, 0.5, 3) * spacing

    def level(points: FloatArray) -> FloatArray:
        return np.asarray((center - points) @ normal)

    return _solid(grid, level, center, normal, None)


def cone_in_ball(
    half_angle_deg: float,
    radius_mm: float,
    spacing_mm: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    inner_mm: float = 0.0,
    axis: npt.ArrayLike | None = None,
) -> tuple[SolidOnGrid, SolidOnGrid]:
    """A ball, and the cone of random direction from its centre cut out of it (beyond ``inner_mm``), on one grid.

    Volume of the cone (1 - cos a) / 2 of the ball, less that of the inner ball. ``half_angle_deg`` up to 90.
    """
    _positive(radius_mm=radius_mm, half_angle_deg=half_angle_deg)
    if half_angle_deg > 90.0:
        raise InputError(f"half_angle_deg is {half_angle_deg!r}; above 0 to 90 is accepted", code="recipe-value")
    if not 0.0 <= inner_mm < radius_mm:
        raise InputError(
            f"inner_mm is {inner_mm!r}; 0 to less than the radius {radius_mm!r} is accepted", code="recipe-value"
        )
    whole = ball(radius_mm, spacing_mm, rng)
    direction = random_axis(rng) if axis is None else np.asarray(axis, dtype=np.float64)
    wedge = Wedge(direction / np.linalg.norm(direction), float(np.radians(half_angle_deg)), inner_mm, radius_mm)

    def level(points: FloatArray) -> FloatArray:
        return wedge.level_mm(points - whole.center_mm)

    cone = _solid(whole.mask.grid, level, whole.center_mm, wedge.axis, 1000.0 * wedge.volume_ml)
    return whole, cone


def _around(half_mm: FloatArray, spacing_mm: npt.ArrayLike, rng: np.random.Generator) -> tuple[Grid, FloatArray]:
    """A grid about the origin that holds the box, and a centre within half a voxel of the origin."""
    spacing = np.broadcast_to(np.asarray(spacing_mm, dtype=np.float64), (3,))
    pad = PAD_MM + float(spacing.max())
    grid = grid_around(np.stack([-half_mm, half_mm]), spacing, pad_mm=pad)
    return grid, rng.uniform(-0.5, 0.5, 3) * spacing


def _solid(
    grid: Grid, level: Callable[[FloatArray], FloatArray], center: FloatArray, axis: FloatArray, volume: float | None
) -> SolidOnGrid:
    mask = Mask(grid, voxels_inside(level, grid.world_from_index, grid.shape))
    return SolidOnGrid(mask, level, center, axis, None if volume is None else volume / 1000.0)


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0.0):
            raise InputError(f"{name} is {value!r}; a number above 0 is accepted", code="recipe-value")
