"""The axis about which the loads were measured: where it lies in the femoral frame, and what one femur leaves open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.anatomy_bones import unit
from support.head_phantom import ball_hip, cap_overlap, cone
from support.real_hips import built

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.anatomy.frame import OUTSIDE
from corecore.hip.anatomy.model import Anatomy
from corecore.hip.hip import Hip
from corecore.measures.figures import figures_of, ground_of
from corecore.measures.frame_range import FrameRange, measure_frame_range
from corecore.measures.jic import acetabulum_of
from corecore.measures.necrosis import necrosis_of
from corecore.measures.weight_bearing import (
    GAIT_POLE,
    LONG_AXIS_FORWARD_DEG,
    LONG_AXIS_RANGE_DEG,
    MEASURED_POLES,
    POLES,
    Pole,
    dead_share,
)

#: Where the long axis passes the notch, from half-way between the hindmost points of the condyles: lateral, forward,
#: proximal, mm; mean of ten knees, spread 2 to 4 (docs/design/anatomy.md).
NOTCH_MM = np.array([3.0, 40.2, -15.7])
#: A lesion in front, half under the load: where the load lies tells how much of it. Axis, femoral, and half-angle.
FORWARD, HALF_DEG = np.array([-0.2, 0.75, 0.65]), 35.0
#: Gait as it was taken while the shaft passed for the long axis.
BEFORE: Pole = (-0.27, 0.10, 0.96)


def long_axis_of(junction: FloatArray, notch: FloatArray, condyles: FloatArray) -> FloatArray:
    """The frame of the measured loads by its definition: rows lateral, anterior, proximal."""
    z = unit(junction - notch)
    x = unit(condyles - (condyles @ z) * z)
    return np.stack([x, np.cross(z, x), z])


def known(hip: Hip) -> Hip:
    """The hip with its frame told by condyles and a whole shaft."""
    sources = {**hip.anatomy.sources, "x_axis": "condyles"}
    return replace(hip, anatomy=replace(hip.anatomy, sources=sources, shaft_range_deg=0.0))


def ranges(hip: Hip, pole: Pole | None = None) -> FrameRange:
    necrosis = necrosis_of(hip, Spec())
    ground = ground_of(necrosis, acetabulum_of(hip, None), pole)
    return measure_frame_range(necrosis, ground, figures_of(necrosis, ground))


@pytest.mark.parametrize(("neck_shaft", "version"), [(115.0, -5.0), (125.0, 14.0), (140.0, 35.0)])
def test_a_measured_pole_is_the_same_direction_in_the_femoral_frame(neck_shaft: float, version: float) -> None:
    """A femur with a knee of its own: neither its neck-shaft angle nor its anteversion has a say."""
    up, turn = np.radians(neck_shaft - 90.0), np.radians(version)
    neck = np.array([-np.cos(up) * np.cos(turn), np.cos(up) * np.sin(turn), np.sin(up)])
    junction = -50.0 * neck
    notch = junction - 390.0 * np.array([0.0, np.tan(np.radians(LONG_AXIS_FORWARD_DEG)), 1.0])
    axes = long_axis_of(junction, notch, np.array([1.0, 0.0, 0.0]))
    for name, pole in MEASURED_POLES.items():
        assert np.allclose(np.array(pole) @ axes, POLES[name], atol=6e-4)


def test_the_poles_are_not_those_of_the_shaft() -> None:
    for name, pole in MEASURED_POLES.items():
        apart = np.degrees(np.arccos(unit(np.array(pole)) @ unit(np.array(POLES[name]))))
        assert apart == pytest.approx(LONG_AXIS_FORWARD_DEG, abs=0.4)


def test_the_range_is_that_of_the_poles_which_one_femur_may_have(sample_hip: Hip) -> None:
    found = ranges(known(cone(ball_hip(sample_hip, 5), FORWARD, HALF_DEG)))
    aside, forward = (OUTSIDE * np.radians(most) for most in LONG_AXIS_RANGE_DEG)
    for name, pole in POLES.items():
        shares = [cap_overlap(np.array(pole), 55.0, FORWARD, HALF_DEG)]
        for turn in np.radians(np.arange(0.0, 360.0, 45.0)):
            lean = np.array([aside * np.cos(turn), forward * np.sin(turn), 0.0])
            # A small turn about the axis across the way that the long axis leans.
            spun = np.array(pole) + np.cross(np.array([-lean[1], lean[0], 0.0]), pole)
            shares.append(cap_overlap(spun, 55.0, FORWARD, HALF_DEG))
        low, high = found.figures[f"weight_bearing.poles.{name}.surface_fraction"]
        assert low == pytest.approx(min(shares), abs=0.015)
        assert high == pytest.approx(max(shares), abs=0.015)
        assert high - low > 0.05
    assert found.warnings == ()


def test_a_femur_turned_in_space_has_the_same_range(sample_hip: Hip) -> None:
    here, there = (ranges(known(cone(ball_hip(sample_hip, s), FORWARD, HALF_DEG))) for s in (5, 6))
    assert set(here.figures) == set(there.figures)
    for name, ends in here.figures.items():
        assert there.figures[name] == pytest.approx(ends, abs=1.0 if name.endswith("_mm") else 0.02), name


def test_a_pole_of_the_user_is_one_of_the_femoral_frame(sample_hip: Hip) -> None:
    hip = cone(ball_hip(sample_hip, 5), FORWARD, HALF_DEG)
    figures = ranges(known(hip), GAIT_POLE).figures
    assert "weight_bearing.poles.gait.surface_fraction" in figures
    assert not any(name.startswith("weight_bearing.poles.given") for name in figures)
    open_frame = replace(hip, anatomy=replace(hip.anatomy, sources={**hip.anatomy.sources, "x_axis": "neck"}))
    figures = ranges(open_frame, GAIT_POLE).figures
    own, measured = (figures[f"weight_bearing.poles.{name}.surface_fraction"] for name in ("given", "gait"))
    assert measured[0] < own[0] < own[1] < measured[1]


@pytest.mark.slow
def test_the_own_axis_of_a_whole_real_femur_lies_in_the_range(real_hips: Path) -> None:
    hip = built(real_hips, "h06_left_full_femur")
    anatomy = hip.anatomy
    assert anatomy.sources["x_axis"] == "condyles"
    own = long_axis_of(_junction(anatomy), _notch(hip), np.array([1.0, 0.0, 0.0]))
    lateral, forward = np.degrees(np.arctan2(own[2, :2], own[2, 2]))
    assert lateral == pytest.approx(0.2, abs=0.3)
    assert forward == pytest.approx(6.1, abs=0.3)
    assert abs(lateral) < LONG_AXIS_RANGE_DEG[0]
    assert abs(forward - LONG_AXIS_FORWARD_DEG) < LONG_AXIS_RANGE_DEG[1]
    necrosis = necrosis_of(hip, Spec())
    true = dead_share(necrosis, np.array(MEASURED_POLES["gait"]) @ own)
    before, now = (dead_share(necrosis, np.array(pole)) for pole in (BEFORE, GAIT_POLE))
    assert abs(now - true) < 0.5 * abs(before - true)
    low, high = ranges(hip).figures["weight_bearing.surface_fraction"]
    assert low < true < high
    assert high - low < 0.15


def _junction(anatomy: Anatomy) -> FloatArray:
    """Where the neck's axis passes the shaft's, on the shaft's, femoral mm."""
    axes = anatomy.femoral_from_local[:3, :3]
    neck, place = axes @ anatomy.neck_axis, axes @ (anatomy.neck_center - anatomy.head_center)
    shaft = axes @ (anatomy.shaft_point - anatomy.head_center)
    across = neck[:2]
    along = (shaft[:2] - place[:2]) @ across / (across @ across)
    return np.array([shaft[0], shaft[1], place[2] + along * neck[2]])


def _notch(hip: Hip) -> FloatArray:
    """Where the long axis passes the notch by the hindmost points of the condyles, femoral mm."""
    matrix = hip.anatomy.femoral_from_local
    points = hip.bone.surface_points_mm @ matrix[:3, :3].T + matrix[:3, 3]
    knee = points[points[:, 2] < points[:, 2].min() + 35.0]
    lateral = knee[:, 0] > 0.5 * (knee[:, 0].min() + knee[:, 0].max())
    hindmost = [knee[half][int(np.argmin(knee[half][:, 1]))] for half in (lateral, ~lateral)]
    return np.asarray(0.5 * (hindmost[0] + hindmost[1]) + NOTCH_MM, dtype=np.float64)
