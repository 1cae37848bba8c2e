"""Figures with a range where lateral is uncertain: held to the same figures with the axis stated at every turn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.head_phantom import ball_hip, cone, femoral

from corecore.base.spec import Spec
from corecore.hip.anatomy.frame import ANTEVERSION_RANGE_DEG, neck_axis_turned
from corecore.hip.hip import Hip
from corecore.measures.figures import figures_of, ground_of
from corecore.measures.frame_range import FrameRange, measure_frame_range, turned_by
from corecore.measures.jic import acetabulum_of
from corecore.measures.necrosis import necrosis_of
from corecore.study.phantom.shape import FemurShape


def sourced(hip: Hip, source: str) -> Hip:
    return replace(hip, anatomy=replace(hip.anatomy, sources={**hip.anatomy.sources, "x_axis": source}))


@pytest.fixture(scope="module")
def anterior(sample_hip: Hip) -> Hip:
    """A ball with a cone of lesion forward, up and medial: turning the frame moves it."""
    hip = ball_hip(sample_hip, 5)
    return cone(hip, np.array([-0.3, 0.4, 0.85]), 40.0)


def ranged(hip: Hip) -> FrameRange:
    necrosis = necrosis_of(hip, Spec())
    ground = ground_of(necrosis, acetabulum_of(hip, None))
    return measure_frame_range(necrosis, ground, figures_of(necrosis, ground))


def test_every_figure_measured_anew_in_a_turned_frame_lies_in_its_range(anterior: Hip) -> None:
    found = ranged(sourced(anterior, "neck"))
    assert [w.code for w in found.warnings] == ["frame_uncertain"]
    for turn in (-ANTEVERSION_RANGE_DEG, -6.0, 11.0, ANTEVERSION_RANGE_DEG):
        hip = replace(anterior, anatomy=anterior.anatomy.turned_about_shaft(turn))
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


def test_a_stated_axis_has_no_range(anterior: Hip) -> None:
    for source in ("condyles", "given"):
        assert ranged(sourced(anterior, source)) == FrameRange()
        assert FrameRange().warnings == ()


def test_turning_the_frame_is_turning_the_directions(anterior: Hip) -> None:
    necrosis = necrosis_of(anterior, Spec())
    there = turned_by(necrosis, 90.0)
    # A quarter turn forward: what lay in front now lies lateral.
    assert np.allclose(there.points[:, 0], necrosis.points[:, 1], atol=1e-9)
    assert np.allclose(there.points[:, 1], -necrosis.points[:, 0], atol=1e-9)
    assert np.allclose(there.points[:, 2], necrosis.points[:, 2], atol=1e-9)
    assert femoral(anterior).shape[-1] == 3


def test_the_range_holds_nineteen_femora_of_twenty() -> None:
    """Anteversion of drawn people about the 14 degrees assumed; 10 degrees would hold three of four."""
    drawn = [
        FemurShape.drawn(np.random.default_rng(seed), "male" if seed % 2 else "female").anteversion_deg
        for seed in range(600)
    ]
    off = np.abs(np.array(drawn) - 14.0)
    assert np.mean(off <= ANTEVERSION_RANGE_DEG) > 0.95
    assert np.mean(off <= 10.0) < 0.85


@pytest.mark.parametrize("version", [-10.0, 0.0, 30.0])
def test_a_stated_anteversion_is_the_angle_from_lateral_to_the_neck(version: float) -> None:
    up = np.array([0.0, 0.0, 1.0])
    turn = np.radians(version)
    neck = np.array([-np.cos(turn), np.sin(turn), 1.0]) / np.sqrt(2.0)
    assert np.allclose(neck_axis_turned(neck, up, version), [1.0, 0.0, 0.0])
