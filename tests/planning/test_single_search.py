"""The compiled search against its plain numpy twin, and what its answers must keep."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.shared import shared

from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.constraint_gaps import nearest_lines, survey_gaps
from corecore.planning.search.line_geometry import line_of, ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.single import SearchResult, best_tunnel, lattice, tunnel_of_line
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_POINTS, RING_STEP_MM, assess, first_exit
from corecore.tunnels.limits import REASON_KEYS, Reason, violations

SPEC = Spec()


def judged(hip: Hip, spec: Spec, count: int, seed: int = 0) -> tuple[Any, ...]:
    """Random lines of the lattice, moved off its mesh, judged by the kernel as finely as by the twin."""
    problem = build_problem(hip, spec)
    rng = np.random.default_rng(seed)
    lines = lattice(problem)
    lines = lines[rng.choice(len(lines), count, replace=False)]
    lines = lines + rng.uniform(-1, 1, (count, 4)) * (0.5, 0.5, 0.01, 0.01)
    reasons, ends, counts = evaluate_many(problem, lines, ring_points(RING_POINTS), RING_STEP_MM)
    return problem, lines, reasons, ends, counts


def test_the_kernel_and_the_twin_agree_line_by_line(sample_hip: Hip) -> None:
    spec = replace(SPEC, diameter_mm=6.0)
    problem, lines, reasons, ends, counts = judged(sample_hip, spec, 30_000)
    feasible = np.flatnonzero(reasons == Reason.OK)
    assert len(feasible) > 50
    for i in feasible[:25]:
        tunnel = tunnel_of_line(spec, problem, lines[i], *ends[i])
        figures = assess(sample_hip, tunnel, spec)
        # The twin's rings lie elsewhere along the wall, so a margin may differ by a hair.
        loose = replace(spec, cortical_margin_mm=2.9, posterosuperior_margin_mm=4.8, joint_margin_mm=4.9)
        assert not violations(figures, loose), violations(figures, loose)
        exact = int(np.count_nonzero(tunnel.contains(sample_hip.lesion.points_mm)))
        assert abs(exact - counts[i]) <= max(2, 0.0005 * exact)
        entry = first_exit(sample_hip, tunnel.tip, -tunnel.direction)
        assert entry is not None
        assert np.linalg.norm(entry - tunnel.entry) < 0.01
        # As deep as it goes: half a millimetre more breaks a margin, or finds no more lesion.
        deeper = Tunnel(tunnel.entry, tunnel.tip + 0.5 * tunnel.direction, tunnel.diameter_mm)
        more = assess(sample_hip, deeper, spec)
        assert violations(more, spec) or more.removed_fraction <= figures.removed_fraction + 2e-4


def test_lines_the_kernel_rejects_break_that_rule_in_the_twin(sample_hip: Hip) -> None:
    problem, lines, reasons, ends, _ = judged(sample_hip, SPEC, 30_000, seed=1)
    seen = set()
    for reason in (
        Reason.SHAFT_ANGLE_MIN, Reason.SHAFT_ANGLE_MAX, Reason.ENTRY_DISTAL, Reason.ENTRY_PROXIMAL, Reason.ENTRY_AP,
    ):  # fmt: skip
        for i in np.flatnonzero(reasons == reason)[:10]:
            point, direction = line_of(problem, *lines[i])
            entry = first_exit(sample_hip, point, -direction)
            assert entry is not None
            assert np.linalg.norm(entry - (point + ends[i, 0] * direction)) < 0.01
            figures = assess(sample_hip, Tunnel(entry, point + 5.0 * direction, SPEC.diameter_mm), SPEC)
            assert REASON_KEYS[reason] in {item.key for item in violations(figures, SPEC)}
            seen.add(reason)
    assert len(seen) >= 4


@pytest.fixture(scope="module")
def best(sample_hip: Hip) -> SearchResult:
    return shared.best_tunnel(sample_hip, SPEC)


def test_the_best_tunnel_keeps_every_constraint(sample_hip: Hip, best: SearchResult) -> None:
    assert best.tunnel is not None
    assert best.figures is not None
    assert not violations(assess(sample_hip, best.tunnel, SPEC), SPEC)
    assert best.figures.removed_fraction > 0.05


def test_nothing_random_beats_it(sample_hip: Hip, best: SearchResult) -> None:
    _, _, _, _, counts = judged(sample_hip, SPEC, 200_000, seed=2)
    assert best.figures is not None
    assert counts.max() / len(sample_hip.lesion.points_mm) <= best.figures.removed_fraction * 1.001
    assert np.count_nonzero(counts) > 100


def test_threads_do_not_change_the_plan(sample_hip: Hip, best: SearchResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "CORECORE_THREADS", "1")
    again = best_tunnel(sample_hip, SPEC)
    assert again.tunnel is not None
    assert best.tunnel is not None
    assert np.array_equal(again.tunnel.entry, best.tunnel.entry)
    assert np.array_equal(again.tunnel.tip, best.tunnel.tip)
    assert again.figures == best.figures


def test_a_larger_margin_never_removes_more(sample_hip: Hip, best: SearchResult) -> None:
    tighter = best_tunnel(sample_hip, replace(SPEC, joint_margin_mm=7.0))
    assert tighter.figures is not None
    assert best.figures is not None
    assert tighter.figures.removed_fraction < best.figures.removed_fraction


def test_nearest_lines_of_a_feasible_hip_are_feasible(sample_hip: Hip) -> None:
    problem = build_problem(sample_hip, SPEC)
    lines = lattice(problem, offset_step=3.0, slope_step=0.06)
    assert nearest_lines(problem, survey_gaps(problem, lines), keep=16).totals[0] == 0.0
