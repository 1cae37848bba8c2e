"""The femur's solid: what is called its truth holds for the surface itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from corecore.base.grid import FloatArray
from corecore.study.phantom.femur import SHAFT_TAPER, Femur
from corecore.study.phantom.primitives import ball, round_cone, smooth_union
from corecore.study.phantom.sampling import SLOPE_MAX, level_on_grid
from corecore.study.phantom.shape import FemurShape

Points = npt.NDArray[np.float64]


def _drawn(n: int) -> list[Femur]:
    rng = np.random.default_rng(2024)
    return [Femur(FemurShape.drawn(rng, "male" if i % 2 else "female")) for i in range(n)]


FEMORA = [Femur(FemurShape()), *_drawn(5)]


def _sphere(n: int) -> FloatArray:
    z = 1.0 - (2.0 * np.arange(n) + 1.0) / n
    angle = np.pi * (1.0 + np.sqrt(5.0)) * np.arange(n)
    flat = np.sqrt(1.0 - z**2)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)


@pytest.mark.parametrize("femur", FEMORA)
def test_head_is_an_exact_sphere_away_from_the_neck(femur: Femur) -> None:
    unit = _sphere(4000)
    level = femur.level_mm(unit * femur.head_radius_mm)
    assert np.all(level > -1e-9)  # the sphere lies wholly in the bone: lesion volumes need that
    articular = unit @ femur.neck_axis > 0.2
    assert np.max(np.abs(level[articular])) < 1e-9
    # A negative twin: towards the neck it is no sphere.
    assert level[unit @ femur.neck_axis < -0.8].min() > 1.0


@pytest.mark.parametrize("femur", FEMORA[:4])
def test_lesser_trochanter_tip_is_the_most_prominent_point_of_its_bump(femur: Femur) -> None:
    tip, height = femur.lesser_trochanter_tip, femur.shape.lesser_trochanter_height_mm
    assert abs(femur.level_mm(tip[None])[0]) < 0.1
    reach = np.arange(10.0, 50.0, 0.2)
    farthest, at = [], []
    for z in np.arange(height - 20.0, height + 8.0, 1.0):
        for turn in np.radians(np.arange(-30.0, 31.0, 4.0)):
            out = femur.lesser_trochanter_direction
            ray = np.array(
                [out[0] * np.cos(turn) - out[1] * np.sin(turn), out[0] * np.sin(turn) + out[1] * np.cos(turn), 0.0]
            )
            start = np.array([*femur.shaft_point[:2], z])
            outside = np.flatnonzero(femur.level_mm(start + reach[:, None] * ray) < 0.0)
            farthest.append(reach[outside[0]])
            at.append(start + farthest[-1] * ray)
    best = at[int(np.argmax(farthest))]
    assert np.linalg.norm(best - tip) < 2.0  # the search's own raster is about 1 mm
    # It stands well out of the shaft, as a bump that can be found.
    assert np.max(farthest) > 0.5 * femur.shape.shaft_diameter_mm + 10.0 * femur.scale


@pytest.mark.parametrize("femur", FEMORA)
def test_greater_trochanter_tip_is_its_highest_point(femur: Femur) -> None:
    tip = femur.greater_trochanter_tip
    assert abs(femur.level_mm(tip[None])[0]) < 0.05
    assert tip[2] == pytest.approx(femur.shape.greater_trochanter_above_mm)
    side = np.arange(-18.0, 18.1, 1.0)
    x, y = (grid.ravel() for grid in np.meshgrid(side, side, indexing="ij"))
    for above in (0.2, 1.0, 3.0):
        lateral = np.stack([tip[0] + x, tip[1] + y, np.full_like(x, tip[2] + above)], axis=1)
        own = np.linalg.norm(lateral, axis=1) > femur.head_radius_mm + 8.0 * femur.scale
        assert np.all(femur.level_mm(lateral[own]) < 0.0)


@pytest.mark.parametrize("femur", FEMORA)
def test_shaft_sections_lie_on_the_shaft_axis(femur: Femur) -> None:
    side = np.arange(-30.0, 30.1, 0.5)
    x, y = (grid.ravel() for grid in np.meshgrid(side, side, indexing="ij"))
    for below in (20.0, 40.0, 80.0, 120.0):
        z = femur.shape.lesser_trochanter_height_mm - below
        points = np.stack([femur.shaft_point[0] + x, femur.shaft_point[1] + y, np.full_like(x, z)], axis=1)
        section = points[femur.level_mm(points) > 0.0]
        assert np.linalg.norm(section[:, :2].mean(axis=0) - femur.shaft_point[:2]) < 0.15
        assert np.ptp(section[:, 0]) == pytest.approx(
            femur.shape.shaft_diameter_mm - 2.0 * SHAFT_TAPER * below, abs=1.2
        )


@pytest.mark.parametrize("femur", FEMORA)
def test_neck_axis_by_definition_is_the_design_s(femur: Femur) -> None:
    center, area = femur.smallest_neck_section()
    axis = -center / np.linalg.norm(center)
    assert np.degrees(np.arccos(np.clip(axis @ femur.neck_axis, -1.0, 1.0))) < 0.5
    assert 0.8 * femur.head_radius_mm < np.linalg.norm(center) < 1.8 * femur.head_radius_mm
    # The head's fillet reaches a thick neck's section; nothing can make it smaller but the raster.
    assert 0.985 < area / femur.neck_section_area_mm2 < 1.06


def test_neck_section_is_an_oval_turned_forward() -> None:
    femur = Femur(FemurShape())
    n, up, front = femur.neck_frame
    side = np.arange(-20.0, 20.1, 0.25)
    u, v = (grid.ravel() for grid in np.meshgrid(side, side, indexing="ij"))
    points = femur.neck_center + u[:, None] * up + v[:, None] * front
    inside = femur.level_mm(points) > 0.0
    variance, axes = np.linalg.eigh(np.cov(u[inside], v[inside]))
    long = axes[:, 1] * np.sign(axes[0, 1])
    turn = np.degrees(np.arctan2(long[1], long[0]))
    assert turn == pytest.approx(femur.shape.neck_turn_isthmus_deg, abs=1.5)
    assert 4.0 * np.sqrt(variance[1]) == pytest.approx(femur.shape.neck_long_diameter_mm, abs=0.5)
    assert 4.0 * np.sqrt(variance[0]) == pytest.approx(femur.shape.neck_short_diameter_mm, abs=0.5)
    assert front[1] > 0.9  # anterior
    assert n @ np.cross(front, up) == pytest.approx(-n @ np.cross(up, front))


def test_angles_and_offset_are_those_asked_for() -> None:
    shape = FemurShape(neck_shaft_angle_deg=131.0, anteversion_deg=20.0, offset_mm=40.0)
    femur = Femur(shape)
    down = np.array([0.0, 0.0, -1.0])
    assert np.degrees(np.arccos(femur.neck_axis @ down)) == pytest.approx(131.0)
    assert np.degrees(np.arctan2(femur.neck_axis[1], -femur.neck_axis[0])) == pytest.approx(20.0)
    # The shaft axis passes behind the neck axis by the anterior offset, at the offset's distance.
    between = np.cross(femur.neck_axis, -down)
    between /= np.linalg.norm(between)
    assert abs(femur.shaft_point @ between) == pytest.approx(shape.neck_anterior_offset_mm)
    assert np.hypot(*femur.shaft_point[:2]) == pytest.approx(np.hypot(40.0, shape.neck_anterior_offset_mm))
    assert femur.shaft_point[1] < (-femur.neck_axis * 40.0)[1]


@pytest.mark.parametrize("femur", FEMORA[:3])
def test_blocks_judged_whole_are_judged_right(femur: Femur) -> None:
    # The oracle is every voxel evaluated; the shortcut must give the same mask.
    rng = np.random.default_rng(9)
    matrix = np.eye(4)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    matrix[:3, :3] = turn * [2.0, 1.7, 3.0]
    shape = (46, 55, 40)
    matrix[:3, 3] = np.array([25.0, -15.0, -40.0]) - turn @ (np.array(shape) * [1.0, 0.85, 1.5])
    index = np.indices(shape).reshape(3, -1).T
    dense = femur.level_mm(index @ matrix[:3, :3].T + matrix[:3, 3]).reshape(shape)
    quick = level_on_grid(femur.level_mm, matrix, shape, band_mm=5.0)
    assert (dense > 0.0).any()
    assert np.array_equal(dense > 0.0, quick > 0.0)
    near = np.abs(dense) < 5.0
    assert np.allclose(dense[near], quick[near], atol=1e-4)


@pytest.mark.parametrize("femur", FEMORA)
def test_level_is_nowhere_steeper_than_the_blocks_allow(femur: Femur) -> None:
    rng = np.random.default_rng(5)
    points = rng.uniform([-35.0, -65.0, -180.0], [90.0, 40.0, 35.0], (20_000, 3))
    away = rng.standard_normal(points.shape)
    away *= rng.choice([0.01, 1.0, 4.0], len(points))[:, None] / np.linalg.norm(away, axis=1)[:, None]
    first, second = femur.level_mm(points - away), femur.level_mm(points + away)
    slope = np.abs(second - first) / (2.0 * np.linalg.norm(away, axis=1))
    assert np.max(slope[np.minimum(first, second) < 10.0]) < SLOPE_MAX


def test_round_cone_is_the_hull_of_its_balls() -> None:
    points = np.random.default_rng(1).uniform(-12.0, 22.0, (3000, 3))
    start, end = np.array([0.0, 1.0, 2.0]), np.array([8.0, 6.0, 4.0])
    swept = np.max(
        [ball(points, start + s * (end - start), 6.0 + s * (2.5 - 6.0)) for s in np.linspace(0.0, 1.0, 2001)], axis=0
    )
    level = round_cone(points, start, 6.0, end, 2.5)
    assert np.max(np.abs(level - swept)) < 1e-3
    with pytest.raises(ValueError, match="holds the other"):
        round_cone(points, start, 20.0, end, 1.0)


def test_fillets_only_add_and_only_near_the_joint() -> None:
    first, second = np.random.default_rng(2).uniform(-10.0, 10.0, (2, 5000))
    joined = smooth_union(first, second, 4.0)
    plain = np.maximum(first, second)
    assert np.all(joined >= plain)
    assert np.all(joined <= plain + 1.0)  # a quarter of the width
    apart = np.abs(first - second) >= 4.0
    assert np.array_equal(joined[apart], plain[apart])
    assert np.all(joined[~apart] > plain[~apart])


def test_lateral_wall_leans_as_an_entry_zone_should() -> None:
    # Going up from the lesser trochanter's level the lateral wall moves outward, without a step.
    femur = Femur(FemurShape())
    reach = np.arange(0.0, 60.0, 0.05)
    wall = []
    for above in np.arange(0.0, 26.0, 1.0):
        start = np.array([*femur.shaft_point[:2], femur.shape.lesser_trochanter_height_mm + above])
        outside = np.flatnonzero(femur.level_mm(start + reach[:, None] * np.array([1.0, 0.0, 0.0])) < 0.0)
        wall.append(reach[outside[0]])
    steps = [b - a for a, b in pairwise(wall)]
    assert min(steps) > 0.0
    assert max(steps) < 1.0  # flatter than 45 degrees
