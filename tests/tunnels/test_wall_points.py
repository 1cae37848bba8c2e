"""Points on a wall: none further apart than told, and some exactly where the head's plane cuts wall and ends."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.base.grid import FloatArray
from corecore.hip.anatomy.model import Anatomy
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_GAP_MM, RING_POINTS, ring_count, wall_and_end
from corecore.verification.cylinder import Cylinder

R = 24.0
NECK = np.array([-0.6, 0.0, 0.8])
ANATOMY = Anatomy(
    "right", np.zeros(3), R, -28.0 * NECK, NECK, 500.0, np.zeros(3), np.array([0.0, 0.0, 1.0]),
    np.array([1.0, 0.0, 0.0]), None, -44.0, None, np.array([-60.0, -30.0]), np.array([0.0, 3.0]), {},
)  # fmt: skip


def tunnels() -> list[Tunnel]:
    """Tunnels of 3 to 20 mm that lean by up to 30 degrees and end about the head's plane, on either side."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(60):
        way = NECK + 0.5 * rng.uniform(-1.0, 1.0, 3)
        way /= np.linalg.norm(way)
        tip = -0.5 * R * NECK + rng.uniform(-6.0, 6.0, 3)
        found.append(Tunnel(tip - 60.0 * way, tip, float(rng.uniform(3.0, 20.0))))
    return found


def farthest(points: FloatArray) -> float:
    """How far from the head's centre points reach proximal of its plane; 0 where none is."""
    return float(np.linalg.norm(points, axis=1)[ANATOMY.above_head_plane(points) >= 0.0].max(initial=0.0))


def dense(tunnel: Tunnel) -> FloatArray:
    """A wall and an end of points a twentieth of a millimetre apart about the plane."""
    a, b = tunnel.ring_basis()
    turn = np.linspace(0.0, 2.0 * np.pi, 1400, endpoint=False)
    ring = np.cos(turn)[:, None] * a + np.sin(turn)[:, None] * b
    at = np.arange(tunnel.length_mm - 30.0, tunnel.length_mm, 0.05)
    wall = (tunnel.entry + at[:, None, None] * tunnel.direction + tunnel.radius_mm * ring).reshape(-1, 3)
    return np.concatenate([wall, tunnel.tip + tunnel.radius_mm * ring])


@pytest.mark.parametrize("part", range(3))
def test_what_reaches_farthest_on_either_side_of_the_plane_is_seen(part: int) -> None:
    """In a ball the clearance is what is left of the radius: closed form but for the twin's own points."""
    missed = []
    for tunnel in tunnels()[part::3]:
        truth, points = farthest(dense(tunnel)), wall_and_end(ANATOMY, tunnel)[0]
        # The twin's points lie up to 0.05 mm short of the plane.
        assert truth - 0.01 <= farthest(points) <= truth + 0.06 or truth == 0.0
        solid = Cylinder(tunnel.entry, tunnel.direction, tunnel.length_mm, tunnel.radius_mm)
        second = np.concatenate([solid.wall(20.0, 60.0), solid.disc(60.0), solid.on_plane(-0.5 * R * NECK, NECK)])
        assert abs(farthest(second) - farthest(points)) <= 0.02
        # The plane's own points belong to both sides.
        above = ANATOMY.above_head_plane(points)
        on = np.abs(above) < 1e-5
        assert np.count_nonzero(above[on] > 0.0) == np.count_nonzero(above[on] < 0.0)
        missed.append(truth - farthest(points[~on]))
    # Without the points on the plane some would be a tenth of a millimetre short, and more.
    assert max(missed) > 0.1


def test_no_two_points_of_a_ring_lie_further_apart_than_told() -> None:
    for radius in np.linspace(0.5, 15.0, 59):
        count = ring_count(float(radius))
        assert count % 8 == 0
        assert count >= RING_POINTS
        assert 2.0 * np.pi * radius / count <= RING_GAP_MM + 1e-9
    # The usual drills are looked at as they always were.
    assert ring_count(5.0) == RING_POINTS


def test_rings_stand_where_rules_begin_and_the_end_counts_everywhere() -> None:
    tunnel = tunnels()[0]
    points, at = wall_and_end(ANATOMY, tunnel, (7.77, 13.131, 500.0))
    for mark in (7.77, 13.131):
        assert np.count_nonzero(np.abs(at - mark) < 1e-12) == ring_count(tunnel.radius_mm)
    assert np.isfinite(points).all()
    end = points[~np.isfinite(at)]
    assert len(end) > 500
    assert np.abs((end - tunnel.tip) @ tunnel.direction).max() < 1e-5
