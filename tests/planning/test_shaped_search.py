"""The search with instruments whose end is not flat: kernels against the plain road, and plans that verify."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.shared import shared

import corecore as cc
from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.instrument import Instrument, Step, library
from corecore.base.spec import Spec, preset
from corecore.hip.hip import Hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.constraint_gaps import survey_gaps
from corecore.planning.search.line_geometry import OK, PIN, fine_ring
from corecore.planning.search.problem import build_problem
from corecore.planning.search.shallow import shallowest
from corecore.planning.search.single import sweep, tunnel_of_line
from corecore.review.model import ReviewModel
from corecore.review.session import Move, Resize, after
from corecore.study.samples import sample
from corecore.tunnels.figures import RING_STEP_MM, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.objective import objective_fraction

#: A point, a flat end and a point over a pin, a ball, and steps with a point.
INSTRUMENTS = (
    library()["drill-4.5-118"], library()["trephine-10"], library()["reamer-8"], library()["tantalum-10"],
    Instrument("stepped", "a", 9.0, "cone", 118.0, steps=(Step(8.0, 5.0), Step(14.0, 7.0))),
)  # fmt: skip


def spec_of(instrument: Instrument, **also: object) -> Spec:
    return Spec().with_values({"instrument": instrument, **also})


def carried(hip: Hip, spec: Spec, most: int = 12) -> FloatArray:
    """Lines (N, 4) of the sweep that carry a tunnel, evenly through them."""
    passing = sweep(hip, spec).passing
    return np.asarray(passing[np.unique(np.linspace(0, len(passing) - 1, most).astype(int))])


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda one: one.name)
@pytest.mark.parametrize("target", ["lesion", "reached"])
def test_kernel_and_plain_road_agree_on_the_deepest_tunnel(
    sample_hip: Hip, instrument: Instrument, target: str
) -> None:
    spec = spec_of(instrument, target=target)
    problem, lines = build_problem(sample_hip, spec), carried(sample_hip, spec)
    reasons, ends, counts = evaluate_many(problem, lines, fine_ring(problem), RING_STEP_MM)
    total, checked = len(sample_hip.lesion.points_mm), 0
    for i in np.flatnonzero(counts > 0):
        assert reasons[i] == OK
        tunnel = tunnel_of_line(spec, problem, lines[i], *ends[i])
        figures = assess(sample_hip, tunnel, spec)
        assert all(abs(one.value - one.limit) < 0.03 for one in violations(figures, spec)), violations(figures, spec)
        assert objective_fraction(sample_hip, [tunnel], spec) == pytest.approx(counts[i] / total, abs=3.0 / total)
        # A tip as deep as it may be: a little deeper breaks a limit, or does no more.
        deeper = tunnel_of_line(spec, problem, lines[i], ends[i, 0], ends[i, 1] + 0.15)
        more = objective_fraction(sample_hip, [deeper], spec) - counts[i] / total
        assert violations(assess(sample_hip, deeper, spec), spec) or more < 3.0 / total
        checked += 1
    assert checked >= 5


@pytest.mark.parametrize("instrument", INSTRUMENTS[2:], ids=lambda one: one.name)
def test_the_shallowest_tunnel_for_a_share_removes_it_and_a_shallower_one_does_not(
    sample_hip: Hip, instrument: Instrument
) -> None:
    spec = spec_of(instrument)
    problem, lines = build_problem(sample_hip, spec), carried(sample_hip, spec)
    ring = fine_ring(problem)
    _, _, most = evaluate_many(problem, lines, ring, RING_STEP_MM)
    need = int(0.8 * np.median(most))
    ends, counts = shallowest(problem, lines, ring, RING_STEP_MM, need)
    points, checked = sample_hip.lesion.points_mm, 0
    for i in np.flatnonzero(most > need):
        assert counts[i] >= need
        tunnel = tunnel_of_line(spec, problem, lines[i], *ends[i])
        assert np.count_nonzero(tunnel.contains(points)) == pytest.approx(counts[i], abs=3)
        shallower = tunnel_of_line(spec, problem, lines[i], ends[i, 0], ends[i, 1] - 0.05)
        broken = violations(assess(sample_hip, shallower, spec), spec)
        assert broken or np.count_nonzero(shallower.contains(points)) < need + 3
        checked += 1
    assert checked >= 3


def test_flat_ends_go_through_the_same_kernels_without_an_end(sample_hip: Hip) -> None:
    for name in ("core-10", "acd"):
        named, plain = preset(name), replace(preset(name), instrument=None)
        one, other = build_problem(sample_hip, named), build_problem(sample_hip, plain)
        assert len(one.end_rings) == 0
        assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(one, other, strict=True))


def test_a_pin_that_runs_far_ahead_holds_the_tip_back_and_is_named(sample_hip: Hip) -> None:
    short = Instrument("short", "a", 8.0, pin_diameter_mm=2.8, pin_overshoot_mm=1.0)
    far = replace(short, name="far", pin_overshoot_mm=15.0)
    lines = carried(sample_hip, spec_of(short))
    depths = []
    for one in (short, far):
        problem = build_problem(sample_hip, spec_of(one))
        _, ends, counts = evaluate_many(problem, lines, fine_ring(problem), RING_STEP_MM)
        depths.append(ends[:, 1])
        for i in np.flatnonzero(counts > 0):
            tunnel = tunnel_of_line(spec_of(one), problem, lines[i], *ends[i])
            pin = assess(sample_hip, tunnel, spec_of(one)).pin_clearance_mm
            assert pin is not None
            assert pin > one.pin_margin_mm - 0.03
    assert np.all(depths[1][counts > 0] < depths[0][counts > 0] - 3.0)
    # Where the lesion is reached only with the pin through the joint, the pin's limit is what breaks.
    survey = survey_gaps(build_problem(sample_hip, spec_of(replace(far, pin_overshoot_mm=30.0))), lines)
    assert (survey.gaps[:, PIN] < 0.0).any()
    broken = violations(
        assess(sample_hip, tunnel_of_line(spec_of(far), problem, lines[0], ends[0, 0], depths[0][0]), spec_of(far)),
        spec_of(far),
    )
    assert "pin_margin_mm" in {one.key for one in broken}


@pytest.fixture(scope="module")
def hip() -> cc.Hip:
    return cc.load(f"{sample()}:1", f"{sample()}:2")


def verified(hip: cc.Hip, folder: Path, instrument: Instrument, **also: object) -> cc.Plan:
    """A plan that the independent recalculation agrees with, opened again as it was."""
    # The most and the safest are of one search.
    with shared.in_package():
        plan = cc.plan(hip, instrument=instrument, **also)  # type: ignore[arg-type]
    path = plan.save(folder, pictures=False)
    found = cc.verify(path)
    assert [one for one in found.checks if not one.ok] == []
    again = cc.open_plan(path)
    assert again.spec.instrument == instrument
    for name in ("removed_fraction", "joint_clearance_mm", "end_to_joint_mm"):
        one, other = getattr(again.tunnels[0].figures, name), getattr(plan.tunnels[0].figures, name)
        assert one == pytest.approx(other, abs=1e-4)
    return plan


def test_a_plan_with_a_reamer_over_a_pin_verifies(hip: cc.Hip, sample_hip: Hip, tmp_path: Path) -> None:
    plan = verified(hip, tmp_path / "plan", library()["reamer-10"], objective="most")
    part = plan.to_dict()["tunnels"][0]
    assert part["pin_to_joint_mm"] == pytest.approx(part["end_to_joint_mm"] - 2.0, abs=1e-5)
    assert part["pin_clearance_mm"] >= 3.0
    assert part["joint_clearance_mm"] >= 5.0
    # In a review a move keeps the instrument, and another diameter is not its own.
    desk = ReviewModel.open(tmp_path / "plan" / "plan.json")
    session = desk.session()
    line = session.lines[0]
    shorter = (line.tip[0] + 0.02 * (line.entry[0] - line.tip[0]), *line.tip[1:])
    ((moved, figures),) = desk.drilled(after(session, Move(0, line.entry, shorter)))
    assert moved.instrument == library()["reamer-10"]
    assert figures.pin_clearance_mm is not None
    with pytest.raises(InputError, match="the plan's instrument 'reamer-10' has 10 mm"):
        desk.drilled(after(session, Resize(0, 8.0)))
    # The point lets the rim stay where a flat end would have to stop.
    flat = shared.best_tunnel(sample_hip, Spec()).figures
    assert flat is not None
    assert part["end_to_joint_mm"] < flat.end_to_joint_mm


@pytest.mark.slow
@pytest.mark.parametrize(
    "instrument",
    # The stepped one ends in a point as the drill does.
    [pytest.param(INSTRUMENTS[0], marks=pytest.mark.long), library()["reamer-10"], INSTRUMENTS[4]],
    ids=lambda one: one.name,
)
def test_safest_plans_with_a_drill_a_reamer_and_a_stepped_one_verify(
    hip: cc.Hip, instrument: Instrument, tmp_path: Path
) -> None:
    plan = verified(hip, tmp_path / "plan", instrument)
    assert plan.document.tradeoff
