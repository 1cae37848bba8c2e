"""The bound for instruments whose end is not flat: never beaten, near the plan, and wrong ones are seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from support.bound_attack import beaten
from support.shared import shared

import corecore as cc
from corecore.base.grid import FloatArray
from corecore.base.instrument import Instrument, Step, library
from corecore.base.spec import Spec
from corecore.document.fields import listed
from corecore.hip.hip import Hip
from corecore.planning.planner import plan_hip
from corecore.planning.proof.box_geometry import (
    END_BACK,
    END_PIN,
    END_RADIUS,
    MOST_END_RINGS,
    Frame,
    build_frame,
    end_rings,
)
from corecore.planning.proof.branch_and_bound import prove
from corecore.planning.request import Search
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import fine_ring
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.single import lattice, provable, tunnel_of_line
from corecore.study.samples import sample
from corecore.tunnels.figures import RING_STEP_MM
from corecore.tunnels.limits import Reason, violations
from corecore.tunnels.risk.execution import execution_risk
from corecore.tunnels.risk.methods import METHODS

#: A blunt and a sharp point, a flat end and a point over a pin, a ball, steps with a point, a ball over a pin that runs
#: far ahead.
STEPPED = Instrument("stepped", "a", 9.0, "cone", 118.0, steps=(Step(8.0, 5.0), Step(14.0, 7.0)))
FAR = Instrument("far-pin", "a", 8.0, "round", pin_diameter_mm=2.8, pin_overshoot_mm=9.0, pin_margin_mm=4.0)
NAMES = ("drill-4.5-118", "pin-3.2", "trephine-10", "reamer-10", "tantalum-10")
INSTRUMENTS = (*(library()[name] for name in NAMES), STEPPED, FAR)
#: Boxes looked at for each, and lines within each: with 750 and 2,000 ten million poses.
BOXES, EACH = int(os.environ.get("CORECORE_SHAPED_BOXES", "25")), int(os.environ.get("CORECORE_SHAPED_LINES", "200"))


class Case(NamedTuple):
    problem: Problem
    frame: Frame
    feasible: FloatArray


@pytest.fixture(scope="module")
def hip(sample_hip: Hip) -> Hip:
    """With so few of its lesion's points that a box costs little."""
    points = sample_hip.lesion.points_mm
    return replace(sample_hip, lesion=replace(sample_hip.lesion, points_mm=points[:: len(points) // 12_000]))


def case_of(hip: Hip, instrument: Instrument) -> Case:
    problem = build_problem(hip, Spec().with_values({"instrument": instrument}))
    lines = lattice(problem, offset_step=2.0, slope_step=0.044)
    reasons, _, _ = evaluate_many(problem, lines, fine_ring(problem), RING_STEP_MM)
    return Case(problem, build_frame(problem), lines[reasons == Reason.OK])


@pytest.mark.slow
@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda one: one.name)
def test_no_line_of_a_box_removes_more_than_its_bound(hip: Hip, instrument: Instrument) -> None:
    case = case_of(hip, instrument)
    worse, feasible = beaten(case, case.problem, BOXES, 0, 0.0, lines_each=EACH)
    assert feasible > 5 * BOXES
    assert worse == 0
    assert beaten(case, case.problem, BOXES // 3, 1, 0.1)[0] == 0


def drawn_out(problem: Problem) -> Problem:
    """With an end drawn out to twice its length, so that it holds less."""
    pieces = problem.end_pieces.copy()
    pieces[:, :2] *= 2.0
    pieces[:, 3] /= 2.0
    pieces[:, 4] /= 4.0
    return problem._replace(end_pieces=pieces)


def without_length(problem: Problem) -> Problem:
    """With an end of no length before its shaft, which still holds what it holds."""
    shaft = [problem.end_length, np.inf, problem.radius**2, 0.0, 0.0, problem.radius, problem.radius, 0.0]
    return problem._replace(end_length=0.0, end_pieces=np.concatenate([problem.end_pieces, [shaft]]))


#: What a careless bound would take for true.
FAULTS: dict[str, tuple[Instrument, Callable[[Problem], Problem], Callable[[Problem], FloatArray]]] = {
    "less held by the point": (library()["pin-3.2"], drawn_out, end_rings),
    "the shaft's margins to the tip": (STEPPED, without_length, end_rings),
    "a flat end at the tip": (
        library()["tantalum-10"], lambda one: one, lambda one: np.array([[0.0, one.radius, 0.0]])
    ),
    "nothing ahead of the tip": (FAR, lambda one: one._replace(end_ahead=0.0), end_rings),
    "the joint's margin for the pin": (FAR, lambda one: one._replace(pin_margin=one.joint_margin), end_rings),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_sees_a_wrong_bound(hip: Hip, fault: str) -> None:
    instrument, wrong, rings = FAULTS[fault]
    case = case_of(hip, instrument)
    problem = wrong(case.problem)
    assert beaten(case, problem, 40, 0, 0.0, case.frame._replace(end_rings=rings(problem)))[0] > 0


@pytest.mark.parametrize("instrument", library().values(), ids=lambda one: one.name)
def test_rings_of_an_end_lie_on_its_outline_and_reach_its_corners(sample_hip: Hip, instrument: Instrument) -> None:
    problem = build_problem(sample_hip, Spec().with_values({"instrument": instrument}))
    rings = end_rings(problem)
    assert len(rings) <= MOST_END_RINGS
    if instrument.plain:
        assert rings[0].tolist() == [0.0, problem.radius, 0.0]
        return
    outline = problem.end_rings
    for ring in rings:
        assert (np.abs(outline[:, :3] - ring).max(axis=1) < 1e-12).any()
    assert rings[-1, :2] == pytest.approx([problem.end_length, problem.radius], abs=1e-9)
    # The foremost rim, of the pin where one runs ahead.
    front = rings[rings[:, END_BACK] == -problem.end_ahead]
    assert front[:, END_RADIUS].max() == instrument.pin_diameter_mm / 2.0 * (problem.end_ahead > 0.0)
    assert (rings[:, END_PIN] > 0.0).any() == (problem.end_ahead > 0.0)


def test_a_bound_is_proven_for_instruments_of_any_end_without_a_cavity() -> None:
    for name, one in library().items():
        assert provable(Spec().with_values({"instrument": name})) == (one.cavity_diameter_mm == 0.0)


@pytest.mark.slow
def test_a_lesion_within_one_tunnel_is_proven_at_once(hip: Hip) -> None:
    """All that the body holds can be removed, so the bound is the whole, and a gap of nothing."""
    spec = Spec().with_values({"instrument": STEPPED})
    problem, case = build_problem(hip, spec), case_of(hip, STEPPED)
    _, ends, counts = evaluate_many(problem, case.feasible, fine_ring(problem), RING_STEP_MM)
    best = int(np.argmax(counts))
    inside = tunnel_of_line(spec, problem, case.feasible[best], *ends[best]).contains(hip.lesion.points_mm)
    few = replace(hip, lesion=replace(hip.lesion, points_mm=hip.lesion.points_mm[inside]))
    proof = prove(build_problem(few, spec), int(inside.sum()))
    assert proof.upper_bound_fraction == 1.0
    assert proof.stopped_by == "gap"


@pytest.mark.slow
def test_a_plan_with_a_bound_and_alternatives_verifies(tmp_path: Path) -> None:
    hip = cc.load(f"{sample()}:1", f"{sample()}:2")
    plan = cc.plan(hip, instrument="reamer-10", objective="most", gap=0.6, alternatives=1)
    content = plan.document
    bound, removed = content.totals.upper_bound_fraction, content.totals.removed_fraction
    assert isinstance(bound, float)
    assert isinstance(removed, float)
    assert removed < bound < 1.0
    assert "no_bound" not in {one.code for one in plan.warnings}
    others = listed(content.alternatives)
    assert others
    for other in others:
        share, room = other.totals.removed_fraction, other.room_mm
        assert isinstance(share, float)
        assert isinstance(room, float)
        assert share <= bound
        assert room >= -1e-3
    path = plan.save(tmp_path / "plan", pictures=False)
    assert [one for one in cc.verify(path).checks if not one.ok] == []


@pytest.mark.long
def test_a_plan_robust_against_errors_is_drilled_with_its_instrument(sample_hip: Hip) -> None:
    spec = Spec().with_values({"instrument": "reamer-8"})
    plan = plan_hip(sample_hip, spec, shared.measure(sample_hip, spec), Search(robust="navigated", gap=0.4))
    assert plan.robust is not None
    assert plan.robust.met
    assert plan.proof is not None
    tunnel, figures = plan.robust.tunnel, plan.robust.figures
    assert tunnel.instrument == library()["reamer-8"]
    assert violations(figures, spec) == []
    assert figures.removed_fraction <= plan.robust.plain_figures.removed_fraction <= plan.proof.upper_bound_fraction
    risk = execution_risk(sample_hip, [tunnel], spec, METHODS["navigated"], seed=11)[0][0]
    assert max(risk.cortex_breach.value, risk.joint_breach.value) < 1.5 * spec.breach_probability_max
