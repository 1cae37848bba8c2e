"""Bores as solids: distances, samples and volumes against closed forms."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support.plan_factory import Pose, plan_of, unit, write_plan

from corecore.base.grid import Grid, Mask
from corecore.document.stated import read_stated
from corecore.verification.cylinder import Cylinder, DrilledCylinder, bore_of
from corecore.verification.hip import Hip
from corecore.verification.mesh import mesh_of
from corecore.verification.quantities import graft_ml

Array = npt.NDArray[np.float64]

AXIS = unit([0.3, -0.5, 0.8])
ROD = Cylinder(np.array([3.0, -2.0, 1.0]), AXIS, 30.0, 5.0)


def across(axis: Array) -> Array:
    return unit(np.cross(axis, [1.0, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("along", "beside", "distance"),
    [(10.0, 0.0, 0.0), (10.0, 4.99, 0.0), (10.0, 8.0, 3.0), (-4.0, 0.0, 4.0), (34.0, 8.0, 5.0), (30.0, 5.0, 0.0)],
)
def test_distance_to_the_solid(along: float, beside: float, distance: float) -> None:
    point = ROD.start + along * AXIS + beside * across(AXIS)
    assert ROD.distance(point[None])[0] == pytest.approx(distance, abs=1e-9)


def test_samples_lie_on_wall_and_end() -> None:
    wall, disc = ROD.wall(4.0, 30.0), ROD.disc(30.0)
    along = (wall - ROD.start) @ AXIS
    assert along.min() == pytest.approx(4.0)
    assert along.max() == pytest.approx(30.0)
    assert np.allclose(np.linalg.norm(wall - ROD.start - along[:, None] * AXIS, axis=1), 5.0)
    assert np.allclose((disc - ROD.start) @ AXIS, 30.0)
    assert np.linalg.norm(disc - (ROD.start + 30.0 * AXIS), axis=1).max() == pytest.approx(5.0)
    assert len(ROD.wall(30.0, 4.0)) == 0
    # No point of wall or end is farther than half a step's diagonal from a sample.
    rng = np.random.default_rng(1)
    turn, at = rng.uniform(0, 2 * np.pi, 200), rng.uniform(4.0, 30.0, 200)
    u, v = across(AXIS), np.cross(AXIS, across(AXIS))
    probes = ROD.start + at[:, None] * AXIS + 5.0 * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v)
    gaps = np.linalg.norm(probes[:, None] - wall[None], axis=2).min(axis=1)
    assert gaps.max() <= 0.4 * math.sqrt(0.5) + 0.01


def test_inner_points_fill_the_volume_evenly() -> None:
    points, point_ml = ROD.inner_points(0.4)
    assert len(points) * point_ml == pytest.approx(math.pi * 25.0 * 30.0 / 1000.0)
    assert ROD.contains(points).all()
    beside = np.linalg.norm(points - ROD.start - ((points - ROD.start) @ AXIS)[:, None] * AXIS, axis=1)
    for radius in (1.5, 2.5, 4.0):
        assert np.mean(beside <= radius) == pytest.approx((radius / 5.0) ** 2, abs=0.005)
    assert np.mean((points - ROD.start) @ AXIS <= 12.0) == pytest.approx(0.4, abs=0.01)


@pytest.fixture(scope="module")
def block() -> Hip:
    """Bone 60 mm thick, open to all sides' background."""
    voxels = np.zeros((70, 70, 70), dtype=bool)
    voxels[5:65, 5:65, 5:65] = True
    mask = Mask(Grid((70, 70, 70), np.eye(4)), voxels)
    return Hip(mask, mesh_of(mask), np.zeros((1, 3)), 0.001, mask)


def test_the_volume_of_a_union_counts_no_bone_twice(block: Hip) -> None:
    # Two rods crossing square on: the common part of equal rods is 16 r³ / 3 (Steinmetz).
    middle = np.array([34.5, 34.5, 34.5])
    rods = [Cylinder(middle - 20.0 * axis, axis, 40.0, 5.0) for axis in np.eye(3)[:2]]
    expected = (2 * math.pi * 25.0 * 40.0 - 16.0 * 125.0 / 3.0) / 1000.0
    assert graft_ml(block, [DrilledCylinder(rod, None) for rod in rods]) == pytest.approx(expected, rel=0.005)
    # A rod half out of the bone takes half its volume; the wall lies at 4.5.
    half = Cylinder(np.array([34.5, 34.5, 4.5 - 10.0]), np.array([0.0, 0.0, 1.0]), 20.0, 5.0)
    assert graft_ml(block, [DrilledCylinder(half, None)]) == pytest.approx(math.pi * 25.0 * 10.0 / 1000.0, rel=0.01)
    # A cavity adds what it has beyond its tunnel.
    cavity = Cylinder(middle, np.eye(3)[0], 20.0, 9.0)
    expected = math.pi * (25.0 * 20.0 + 81.0 * 20.0) / 1000.0
    assert graft_ml(block, [DrilledCylinder(rods[0], cavity)]) == pytest.approx(expected, rel=0.005)


INPUTS = [{"role": role, "path": "-", "sha256": "-", "label": None} for role in ("femur", "lesion")]


def test_a_cavity_stands_at_the_tip(tmp_path: Path) -> None:
    plan: dict[str, Any] = plan_of(INPUTS, Pose())
    plan["tunnels"][0] |= {"cavity_diameter_mm": 21.0, "cavity_length_mm": 20.0}
    bore = bore_of(read_stated(write_plan(tmp_path, plan)).tunnels[0])
    assert bore.cavity is not None
    assert np.allclose(bore.cavity.start + 20.0 * bore.cavity.axis, plan["tunnels"][0]["tip"])
    tip, axis = np.array(plan["tunnels"][0]["tip"]), bore.tunnel.axis
    beside = tip - 5.0 * axis + 8.0 * across(axis)
    assert bore.contains(beside[None])[0]
    assert not bore.contains((beside - 20.0 * axis)[None])[0]
    # Stated once in the spec it means the same.
    once: dict[str, Any] = copy.deepcopy(plan_of(INPUTS, Pose()))
    once["spec"] = {**once["spec"], "cavity_diameter_mm": 21.0, "cavity_length_mm": 20.0}
    other = bore_of(read_stated(write_plan(tmp_path, once)).tunnels[0])
    assert other.cavity is not None
    assert other.cavity.radius_mm == bore.cavity.radius_mm
    # Its shoulder and both ends belong to the surface that keeps its distance.
    surface = bore.surface_beyond(60.0, (np.zeros(3), np.array([0.0, 0.0, 1.0])))
    along = (surface - bore.cavity.start) @ axis
    assert np.isclose(along, 0.0).sum() > 500
    assert np.isclose(along, 20.0).sum() > 500
