"""Bone left standing: closed forms in a bone of cylinders, and what each tunnel more takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.risk_twin import neck_tunnel

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.tunnels.bone_stock import bone_left, lateral_wall_share, neck_share
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess

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
    return replace(sample_hip, bone=Bone(depth, spacing, nothing, nothing, nothing), anatomy=anatomy)


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
    assert lateral_wall_share(made, [across()]) == pytest.approx(8.0 / (2.0 * SHAFT), abs=0.03)
    forward = lateral_wall_share(made, [across(lean=12.0)])
    assert forward == pytest.approx(8.0 / np.cos(np.radians(12.0)) / (2.0 * SHAFT), abs=0.03)
    # Side by side at one height they add up; one above the other the wider counts.
    beside = lateral_wall_share(made, [across(y=-6.0, diameter=5.0), across(y=6.0, diameter=5.0)])
    assert beside == pytest.approx(10.0 / (2.0 * SHAFT), abs=0.04)
    above = lateral_wall_share(made, [across(z=8.0, diameter=5.0), across(z=-8.0, diameter=7.0)])
    assert above == pytest.approx(7.0 / (2.0 * SHAFT), abs=0.03)


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
