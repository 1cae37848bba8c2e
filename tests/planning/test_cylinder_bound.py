"""What a cylinder holds at most: against balls of closed form, and against lines drawn by chance, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.base.grid import FloatArray, Grid, Mask
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.hip.lesion import Lesion, sampled
from corecore.planning.proof.box_geometry import SLOPE_LIMIT
from corecore.planning.proof.branch_and_bound import prove
from corecore.planning.proof.cylinder_bound import greatest_extent, most_in_a_cylinder
from corecore.planning.search.problem import build_problem

AXIS = np.array([0.0, 0.6, 0.8])


def ellipsoid(semi: tuple[float, float, float], spacing: tuple[float, float, float]) -> Lesion:
    """A lesion with these half axes, mm, about the origin; one whose last is 0 is a layer one voxel thick."""
    size = [int(n) for n in np.ceil(2.0 * np.asarray(semi) / spacing) + 3]
    index = np.moveaxis(np.indices(size), 0, -1) - (np.array(size) - 1) / 2.0
    world = np.eye(4)
    world[:3, :3] = np.diag(spacing)
    world[:3, 3] = -np.asarray(spacing) * (np.array(size) - 1) / 2.0
    away = index * spacing / np.maximum(semi, np.asarray(spacing) / 2.0)
    return sampled(Mask(Grid((size[0], size[1], size[2]), world), (away**2).sum(axis=-1) <= 1.0))


def across(axis: FloatArray) -> tuple[FloatArray, FloatArray]:
    first = np.cross(axis, [1.0, 0.0, 0.0])
    first /= np.linalg.norm(first)
    return first, np.cross(axis, first)


@pytest.mark.parametrize("spacing", [(0.8, 0.8, 0.8), (0.5, 0.7, 3.0)])
@pytest.mark.parametrize("semi", [(9.0, 9.0, 9.0), (14.0, 4.0, 7.0), (3.0, 11.0, 11.0), (12.0, 9.0, 0.0)])
@pytest.mark.parametrize("radius", [1.6, 5.0])
def test_no_line_holds_more(
    semi: tuple[float, float, float], spacing: tuple[float, float, float], radius: float
) -> None:
    lesion = ellipsoid(semi, spacing)
    most = most_in_a_cylinder(lesion, radius, AXIS)
    rng = np.random.default_rng(3)
    first, second = across(AXIS)
    held = 0
    for slopes in rng.uniform(-SLOPE_LIMIT, SLOPE_LIMIT, (40, 2)):
        way = AXIS + slopes[0] * first + slopes[1] * second
        way /= np.linalg.norm(way)
        offset = lesion.points_mm - rng.uniform(-2.0, 2.0, 3)
        held = max(held, int((np.linalg.norm(np.cross(offset, way), axis=1) <= radius).sum()))
    assert 0 < held <= most <= len(lesion.points_mm)


def test_of_a_ball_it_is_nearly_the_cylinder_s_volume() -> None:
    lesion = ellipsoid((20.0, 20.0, 20.0), (0.8, 0.8, 0.8))
    most_ml = most_in_a_cylinder(lesion, 5.0, AXIS) * lesion.point_ml
    exact_ml = np.pi * 25.0 * 40.0 / 1000.0
    assert exact_ml < most_ml < 1.25 * exact_ml


def test_the_longest_way_is_that_of_a_direction_allowed() -> None:
    """A rod of 60 mm across the axis shows 60 mm times the sine of what directions may lean, and along it all."""
    first, _ = across(AXIS)
    within = float(np.arctan(np.sqrt(2.0) * SLOPE_LIMIT))
    for way, expected in ((first, 60.0 * np.sin(within)), (AXIS, 60.0)):
        rod = np.linspace(-30.0, 30.0, 61)[:, None] * way
        box = np.concatenate([rod + side for side in 1e-6 * np.eye(3)])
        assert greatest_extent(box, AXIS, within) == pytest.approx(expected, abs=0.01)


def test_a_proof_that_ends_at_once_says_no_more(sample_hip: Hip) -> None:
    spec = Spec()
    problem = build_problem(sample_hip, spec)
    most = most_in_a_cylinder(sample_hip.lesion, spec.radius_mm, sample_hip.anatomy.neck_axis)
    total = len(sample_hip.lesion.points_mm)
    assert most < total
    assert prove(problem, 1, effort=0, most=most).upper_bound_fraction == most / total
    assert prove(problem, most, gap=0.01, effort=0, most=most).stopped_by == "gap"
