"""Figures with a range where the frame is uncertain: held to the same figures in frames stated, and to whole femora."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from support.frame_truth import VERSION_DEG, drawn_femur, held
from support.head_phantom import ball_hip, cone, femoral

from corecore.base.spec import Spec
from corecore.hip.anatomy.frame import (
    ANTEVERSION_DEG,
    ANTEVERSION_RANGE_DEG,
    OUTSIDE,
    neck_axis_turned,
    possible_frames,
)
from corecore.hip.hip import Hip
from corecore.measures.figures import figures_of, ground_of
from corecore.measures.frame_range import FrameRange, in_frame, measure_frame_range
from corecore.measures.jic import acetabulum_of
from corecore.measures.necrosis import necrosis_of

#: Anteversion of 1070 femora: quartiles and median, degrees (PMC4775021).
QUARTILES_DEG = (7.4, 14.2, 20.4)


def sourced(hip: Hip, source: str) -> Hip:
    return replace(hip, anatomy=replace(hip.anatomy, sources={**hip.anatomy.sources, "x_axis": source}))


@pytest.fixture(scope="module")
def anterior(sample_hip: Hip) -> Hip:
    """A ball with a cone of lesion forward, up and medial: turning the frame moves it."""
    hip = ball_hip(sample_hip, 5)
    return cone(hip, np.array([-0.3, 0.4, 0.85]), 40.0)


def tilted(hip: Hip, degrees: float) -> Hip:
    return replace(hip, anatomy=replace(hip.anatomy, shaft_range_deg=degrees))


def ranged(hip: Hip) -> FrameRange:
    necrosis = necrosis_of(hip, Spec())
    ground = ground_of(necrosis, acetabulum_of(hip, None))
    return measure_frame_range(necrosis, ground, figures_of(necrosis, ground))


def test_every_figure_measured_anew_in_a_turned_frame_lies_in_its_range(anterior: Hip) -> None:
    found = ranged(tilted(sourced(anterior, "neck"), 8.0))
    assert [w.code for w in found.warnings] == ["frame_uncertain"]
    assert "uncertain by 20°" in found.warnings[0].text
    assert "uncertain by 8.0°" in found.warnings[0].text
    for turn, lateral, forward in ((-20.0, 0.0, 0.0), (-6.0, 3.0, -4.0), (11.0, 0.0, 6.0), (2.0, -8.0, 0.0)):
        hip = replace(anterior, anatomy=anterior.anatomy.tilted(lateral, forward).turned_about_shaft(turn))
        necrosis = necrosis_of(hip, Spec())
        figures = figures_of(necrosis, ground_of(necrosis, acetabulum_of(hip, None)))
        told = {**figures.scalars(), **{f"octants.{name}": share for name, share in figures.octants.items()}}
        told["weight_bearing.surface_fraction"] = figures.weight_bearing["gait"].surface_fraction
        told["weight_bearing.volume_fraction"] = figures.weight_bearing["gait"].volume_fraction
        for name, (low, high) in found.figures.items():
            value = told.get(name)
            if value is None:
                continue
            # Rays are cast anew: half a percent of a share, a degree and a half of an arc.
            slack = 1.5 if name.endswith("_deg") else 0.01
            assert low - slack <= value <= high + slack, (name, turn)
        for name, kind in figures.classes().items():
            if name in found.classes:
                assert kind in found.classes[name], (name, turn)
    low, high = found.figures["octants.ASM"]
    assert high - low > 0.05


def test_a_stated_axis_leaves_the_loads_range_alone(anterior: Hip) -> None:
    for source in ("condyles", "given"):
        found = ranged(sourced(anterior, source))
        assert {name.partition(".")[0] for name in found.figures} == {"weight_bearing", "osteotomy"}
        assert found.classes == {}
        assert found.warnings == FrameRange().warnings == ()


def test_a_stated_lateral_axis_leaves_the_shafts_range(anterior: Hip) -> None:
    frames = possible_frames(tilted(sourced(anterior, "given"), 8.0).anatomy)
    leans = [np.degrees(np.arccos(one.shaft_axis @ anterior.anatomy.shaft_axis)) for one in frames]
    assert max(leans) == pytest.approx(8.0 * OUTSIDE)
    # By the neck's turn or by a line in space: either may be what was given.
    assert len(frames) == 2 * 12


def test_turning_the_frame_is_turning_the_directions(anterior: Hip) -> None:
    necrosis = necrosis_of(anterior, Spec())
    there = in_frame(necrosis, anterior.anatomy.turned_about_shaft(90.0))
    # A quarter turn forward: what lay in front now lies lateral.
    assert np.allclose(there.points[:, 0], necrosis.points[:, 1], atol=1e-9)
    assert np.allclose(there.points[:, 1], -necrosis.points[:, 0], atol=1e-9)
    assert np.allclose(there.points[:, 2], necrosis.points[:, 2], atol=1e-9)
    assert femoral(anterior).shape[-1] == 3


def test_the_range_holds_nineteen_femora_of_twenty() -> None:
    """By the quartiles of 1070 femora, each side of the median a normal law of its own; 17 degrees would hold 92 %.

    What shows that the law fits: it puts 7.9 % of the femora below 0°, where the paper counts 7.8 %.
    """
    low, median, high = QUARTILES_DEG
    quartile = ndtri(0.75)

    def below(version: float) -> float:
        spread = (median - low if version < median else high - median) / quartile
        return float(ndtr((version - median) / spread))

    def within(degrees: float) -> float:
        return below(ANTEVERSION_DEG + degrees) - below(ANTEVERSION_DEG - degrees)

    assert below(0.0) == pytest.approx(0.078, abs=0.003)
    assert 0.95 < within(ANTEVERSION_RANGE_DEG - 1.0) < 0.955
    assert 0.96 < within(ANTEVERSION_RANGE_DEG) < 0.965
    assert within(17.0) < 0.93
    assert within(10.0) < 0.71


@pytest.mark.parametrize("version", [-10.0, 0.0, 30.0])
def test_a_stated_anteversion_is_the_angle_from_lateral_to_the_neck(version: float) -> None:
    up = np.array([0.0, 0.0, 1.0])
    turn = np.radians(version)
    neck = np.array([-np.cos(turn), np.sin(turn), 1.0]) / np.sqrt(2.0)
    assert np.allclose(neck_axis_turned(neck, up, version), [1.0, 0.0, 0.0])


def test_a_tilt_keeps_the_turn_from_the_neck_or_the_line_in_space(anterior: Hip) -> None:
    anatomy = anterior.anatomy
    for lateral, forward in ((6.0, 0.0), (-3.0, 9.0)):
        kept, free = anatomy.tilted(lateral, forward), anatomy.tilted(lateral, forward, with_neck=False)
        assert kept.anteversion_deg == pytest.approx(anatomy.anteversion_deg)
        for one in (kept, free):
            assert one.shaft_axis @ one.x_axis == pytest.approx(0.0, abs=1e-12)
            lean = np.degrees(np.arccos(one.shaft_axis @ anatomy.shaft_axis))
            assert lean == pytest.approx(np.hypot(lateral, forward))
        # Sideways of the old and the new axis lies the old lateral axis, unturned.
        assert free.x_axis @ np.cross(anatomy.x_axis, free.shaft_axis) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
def test_whole_femora_cut_short_lie_in_their_ranges(sample_hip: Hip) -> None:
    """Shafts assumed and in part, anteversions from the 7th to the 93rd centile; all: benchmarks/frame_range.py."""
    kept: list[bool] = []
    for seed, cut in ((2, 75.0), (3, 115.0)):
        found = held(drawn_femur(seed), cut, VERSION_DEG[0] + VERSION_DEG[1] * np.array([-1.5, 0.6, 1.5]), sample_hip)
        assert found.shaft_off_deg <= found.shaft_range_deg
        assert found.figures["shaft_angle_deg"] == [True] * 3
        kept += [one for figure in found.figures.values() for one in figure]
    assert len(kept) > 200
    assert np.mean(kept) >= 0.95
