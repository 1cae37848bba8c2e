"""Bone left standing: closed forms in a bone of cylinders, and what each tunnel more takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.risk_twin import neck_tunnel

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.anatomy.frame import lateral_wall
from corecore.hip.anatomy.shaft import Shaft
from corecore.hip.hip import Hip
from corecore.tunnels.bone_stock import bone_left, neck_bridge_mm, neck_share
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess, wall_share, wall_shares

SHAFT, NECK, HEAD = 14.0, 13.0, 22.0
CENTER = np.array([30.0, 60.0, 90.0])


@pytest.fixture(scope="module")
def made(sample_hip: Hip) -> Hip:
    """A ball with a straight neck (local +x is lateral) into a straight shaft along z; distances exact near walls."""
    spacing = np.array([1.0, 0.9, 1.1])
    axes = [np.arange(n) * edge for n, edge in zip((110, 130, 110), spacing, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) - CENTER
    ball = HEAD - np.linalg.norm(points, axis=-1)
    x, y, z = np.moveaxis(points, -1, 0)
    neck = np.minimum(NECK - np.hypot(y, z), np.minimum(x, 55.0 - x))
    shaft = np.minimum(SHAFT - np.hypot(x - 55.0, y), 20.0 - z)
    depth = np.maximum(np.maximum(ball, neck), shaft).astype(np.float32)
    nothing = np.zeros((0, 3))
    anatomy = replace(
        sample_hip.anatomy, head_center=CENTER, head_radius_mm=HEAD, neck_center=CENTER + np.array([30.0, 0.0, 0.0]),
        neck_axis=np.array([-1.0, 0.0, 0.0]), shaft_axis=np.array([0.0, 0.0, 1.0]), x_axis=np.array([1.0, 0.0, 0.0]),
        shaft_point=CENTER + np.array([55.0, 0.0, -40.0]), lesser_trochanter_height_mm=-60.0,
    )  # fmt: skip
    bone = Bone(depth, spacing, nothing, nothing, nothing)
    wall = lateral_wall(bone, CENTER, Shaft(anatomy.shaft_point, anatomy.shaft_axis, 0.0), anatomy.x_axis, -60.0, -75.0)
    anatomy = replace(
        anatomy, midline_heights_mm=wall.heights, midline_y_mm=wall.middle, wall_width_mm=wall.width,
        wall_lateral_mm=wall.lateral,
    )  # fmt: skip
    return replace(sample_hip, bone=bone, anatomy=anatomy)


def across(*, y: float = 0.0, z: float = 0.0, diameter: float = 8.0, lean: float = 0.0) -> Tunnel:
    """From the lateral wall along the neck; ``lean`` degrees forward, about the point 30 mm from the head's centre."""
    turn = np.radians(lean)
    way = np.array([-np.cos(turn), np.sin(turn), 0.0])
    middle = CENTER + np.array([30.0, y, z])
    return Tunnel(middle - 39.0 * way, middle + 35.0 * way, diameter)


@pytest.mark.parametrize(("y", "z", "lean"), [(0.0, 0.0, 0.0), (4.0, -3.0, 0.0), (0.0, 0.0, 12.0)])
def test_the_neck_s_share_is_the_ellipse_over_the_circle(made: Hip, y: float, z: float, lean: float) -> None:
    share, away = neck_share(made, [across(y=y, z=z, lean=lean)])
    assert share == pytest.approx(4.0**2 / np.cos(np.radians(lean)) / NECK**2, rel=0.02)
    assert away is not None
    assert 0.8 * HEAD <= away <= 1.8 * HEAD


def test_two_tunnels_take_the_sum_and_the_same_twice_takes_it_once(made: Hip) -> None:
    one = neck_share(made, [across(z=6.0)])[0]
    assert one is not None
    assert neck_share(made, [across(z=6.0), across(z=-6.0)])[0] == pytest.approx(2.0 * one, rel=0.02)
    assert neck_share(made, [across(z=6.0), across(z=6.0)])[0] == pytest.approx(one, rel=1e-9)


def test_the_wall_s_share_is_the_drill_over_the_shaft(made: Hip) -> None:
    anatomy, width = made.anatomy, 2.0 * SHAFT
    assert anatomy.wall_width([-60.0, -30.0, -12.0]) == pytest.approx(width, abs=0.1)
    assert wall_share(anatomy, []) is None
    assert wall_share(anatomy, [across()]) == pytest.approx(8.0 / width, rel=0.005)
    forward = wall_share(anatomy, [across(lean=12.0)])
    assert forward == pytest.approx(8.0 / np.cos(np.radians(12.0)) / width, rel=0.005)
    # Side by side at one height they add up, over each other by what they cover; one above the other the wider counts.
    beside = wall_share(anatomy, [across(y=-6.0, diameter=5.0), across(y=6.0, diameter=5.0)])
    assert beside == pytest.approx(10.0 / width, rel=0.005)
    meeting = wall_share(anatomy, [across(y=-1.0, diameter=5.0), across(y=2.0, diameter=5.0), across(y=0.0, z=9.0)])
    assert meeting == pytest.approx(8.0 / width, rel=0.005)
    same = wall_share(anatomy, [across(), across(), across()])
    assert same == pytest.approx(8.0 / width, rel=0.005)
    above = wall_share(anatomy, [across(z=8.0, diameter=5.0), across(z=-8.0, diameter=7.0)])
    assert above == pytest.approx(7.0 / width, rel=0.005)
    # A hole half over the other's height takes its chord there.
    chord = wall_share(anatomy, [across(y=-8.0, diameter=6.0), across(y=8.0, z=2.0, diameter=6.0)])
    assert chord == pytest.approx((6.0 + 2.0 * np.sqrt(9.0 - 4.0)) / width, rel=0.005)


def test_the_wall_s_share_of_sets_is_that_of_each_alone(made: Hip) -> None:
    rng = np.random.default_rng(5)
    sets = [
        [across(y=float(rng.uniform(-8, 8)), z=float(rng.uniform(-6, 6)), lean=float(rng.uniform(-15, 15)))
         for _ in range(3)]
        for _ in range(20)
    ]  # fmt: skip
    entry, direction = (
        np.array([[getattr(one, name) for one in few] for few in sets]) for name in ("entry", "direction")
    )
    together = wall_shares(made.anatomy, entry, direction, np.full((20, 3), 4.0))
    assert together == pytest.approx([wall_share(made.anatomy, few) for few in sets], rel=1e-12)
    for few, share in zip(sets, together, strict=True):
        assert max(wall_share(made.anatomy, [one]) or 0.0 for one in few) <= share + 1e-12
        # Against a raster of the line across the wall at each entry's height.
        ticks = np.arange(-40.0, 40.0, 0.01)
        shares = []
        for one in few:
            middle = one.entry - (one.entry - CENTER) @ made.anatomy.y_axis * made.anatomy.y_axis
            line = middle + ticks[:, None] * made.anatomy.y_axis
            hit = np.zeros(len(ticks), dtype=bool)
            for other in few:
                # In the other entry's own plane across.
                away = line - other.entry
                away -= (away @ made.anatomy.x_axis)[:, None] * made.anatomy.x_axis
                beside = away - (away @ other.direction)[:, None] * other.direction
                hit |= np.linalg.norm(beside, axis=1) <= 4.0
            height = (one.entry - CENTER) @ made.anatomy.shaft_axis
            shares.append(hit.sum() * 0.01 / float(made.anatomy.wall_width(height)))
        assert share == pytest.approx(min(max(shares), 1.0), abs=0.002)


def test_bone_between_walls_in_the_neck_is_their_distance(made: Hip) -> None:
    assert neck_bridge_mm(made, [across()]) is None
    assert neck_bridge_mm(made, [across(z=6.0), across(z=-5.0, diameter=4.0)]) == pytest.approx(11.0 - 4.0 - 2.0)
    assert neck_bridge_mm(made, [across(), across()]) == pytest.approx(-8.0)
    # A fan from the wall: nearest where the neck begins, 2 R from the head's centre.
    first, second = across(lean=5.0), across(lean=-5.0)
    entry = CENTER + np.array([69.0, 0.0, 0.0])
    fan = [replace(one, entry=entry, tip=entry + 60.0 * one.direction, diameter_mm=3.0) for one in (first, second)]
    # Along the neck's axis from the common entry to 2 R: each has gone aside by its tangent.
    expected = 2.0 * (69.0 - 2.0 * HEAD) * np.sin(np.radians(5.0)) / np.cos(np.radians(5.0))
    found = neck_bridge_mm(made, fan)
    assert found is not None
    assert found == pytest.approx(expected * np.cos(np.radians(5.0)) - 3.0, abs=0.05)
    # One that ends before the neck does not pass it.
    short = replace(across(), tip=across().entry + 20.0 * across().direction)
    assert neck_bridge_mm(made, [across(), short]) is None


def turned(tunnel: Tunnel, degrees: float) -> Tunnel:
    """The same entry, the tip turned forward."""
    way: FloatArray = tunnel.tip - tunnel.entry
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    return Tunnel(tunnel.entry, tunnel.entry + matrix @ way, tunnel.diameter_mm)


def test_heights_bridges_and_patterns(made: Hip) -> None:
    one = bone_left(made, Spec(), [(across(z=-10.0), assess(made, across(z=-10.0), Spec()))])
    # The hole's lower edge: 10 + 4 mm below the centre, 46 mm above the trochanter's level.
    assert one.hole_above_lesser_trochanter_mm == pytest.approx(46.0, abs=0.1)
    assert (one.pattern, one.holes, one.bridge_mm, one.spread_deg) == ("single", 1, None, None)
    upper, lower = across(z=8.0, diameter=5.0), across(z=-8.0, diameter=5.0)
    both = [(t, assess(made, t, Spec())) for t in (upper, lower)]
    parallel = bone_left(made, Spec(), both)
    assert (parallel.pattern, parallel.holes) == ("parallel", 2)
    assert parallel.bridge_mm == pytest.approx(11.0, abs=0.2)
    assert parallel.spread_deg == pytest.approx(0.0, abs=1e-6)
    fan = [(t, assess(made, t, Spec())) for t in (upper, turned(upper, 15.0))]
    found = bone_left(made, Spec(), fan)
    assert (found.pattern, found.holes, found.bridge_mm) == ("fan", 1, None)
    assert found.spread_deg == pytest.approx(15.0)
    apart = [(t, assess(made, t, Spec())) for t in (upper, turned(lower, 15.0))]
    assert bone_left(made, Spec(), apart).pattern == "separate"
    with pytest.raises(ValueError, match="no tunnel"):
        bone_left(made, Spec(), [])


def test_a_wider_drill_leaves_less_of_a_real_shape(sample_hip: Hip) -> None:
    found = []
    for diameter in (3.2, 6.0, 10.0):
        tunnel = neck_tunnel(sample_hip, diameter_mm=diameter)
        found.append(bone_left(sample_hip, Spec(), [(tunnel, assess(sample_hip, tunnel, Spec()))]))
    shares = [(item.neck_share_max or 0.0, item.lateral_wall_share or 0.0) for item in found]
    assert shares == sorted(shares)
    area = sample_hip.anatomy.neck_min_area_mm2
    # Along the neck's own axis the share is the circle over the smallest section.
    assert shares[-1][0] == pytest.approx(np.pi * 25.0 / area, rel=0.05)
