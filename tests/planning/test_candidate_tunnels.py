"""Candidates: all within limits, the best line of the sweep among them, spread apart, and plans once assessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.base.spec import Spec, preset
from corecore.hip.hip import Hip
from corecore.planning.candidate_tunnels import _farthest_first, candidate_tunnels
from corecore.planning.manual import path_on_bone
from corecore.planning.planner import Plan
from corecore.tunnels.figures import assess
from corecore.tunnels.limits import violations


def test_a_candidate_keeps_all_limits_as_a_path_given_by_its_ends(sample_hip: Hip, sample_plan: Plan) -> None:
    spec = Spec()
    found = candidate_tunnels(sample_hip, spec, 16)
    assert len(found) == 16
    removed = [figures.removed_fraction for _, figures in found]
    assert removed == sorted(removed, reverse=True)
    # The search climbs from the sweep's best lines: it ends above the best of them, and not far.
    assert sample_plan.most_fraction is not None
    best = sample_plan.most_fraction
    assert 0.9 * best < removed[0] <= best
    # Unlike each other: some take far less.
    assert removed[-1] < 0.5 * removed[0]
    for tunnel, figures in found:
        ends = (sample_hip.to_world(tunnel.entry), sample_hip.to_world(tunnel.tip))
        path = path_on_bone(sample_hip, *ends, spec.diameter_mm)
        again = assess(sample_hip, path, spec)
        assert not violations(again, spec)
        assert again.removed_fraction == pytest.approx(figures.removed_fraction, abs=1e-4)
        assert again.joint_clearance_mm == pytest.approx(figures.joint_clearance_mm, abs=0.01)


def test_fewer_candidates_are_some_of_more_and_the_best_is_one(sample_hip: Hip) -> None:
    few, more = (candidate_tunnels(sample_hip, Spec(), most) for most in (1, 8))
    assert np.array_equal(few[0][0].tip, more[0][0].tip)


def test_wider_margins_leave_nothing_better_and_at_last_nothing(sample_hip: Hip) -> None:
    best = []
    for cortex in (3.0, 4.0, 5.0):
        spec = Spec().with_values({"cortical_margin_mm": cortex})
        [(_, figures)] = candidate_tunnels(sample_hip, spec, 1)
        assert figures.cortical_clearance_mm >= cortex
        best.append(figures.removed_fraction)
    assert best == sorted(best, reverse=True)
    assert candidate_tunnels(sample_hip, Spec().with_values({"diameter_mm": 20.0, "joint_margin_mm": 10.0}), 1) == []


def test_the_farthest_comes_next() -> None:
    points = np.zeros((5, 4))
    points[:, 2] = (0.0, 1.0, 10.0, 4.0, 10.0)
    # 4 lies 4 from 0 and 6 from 10; 1 then 1 from 0; the twin of 10 last, once.
    assert list(_farthest_first(points)) == [0, 2, 3, 1, 4]


@pytest.mark.parametrize("most", [0, -1, True, 2.0])
def test_a_number_that_is_none_is_refused(sample_hip: Hip, most: Any) -> None:
    with pytest.raises(InputError, match="most"):
        candidate_tunnels(sample_hip, Spec(), most)


@pytest.mark.parametrize("spec", [preset("multi-3.2"), preset("acd"), Spec().with_values({"remove_fraction_min": 0.1})])
def test_what_is_no_single_straight_tunnel_is_refused(sample_hip: Hip, spec: Spec) -> None:
    with pytest.raises(InputError, match="one straight tunnel"):
        candidate_tunnels(sample_hip, spec, 5)
