"""Why there is no tunnel: what is named as needed gives one, a step less none; each limit by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.keep_out import ball

from corecore.base.grid import FloatArray, inverse
from corecore.base.language import say, spoken
from corecore.base.limits import LIMITS, RELAXABLE
from corecore.base.recorded import say_recorded
from corecore.base.spec import Spec, accepted_range
from corecore.hip.hip import Hip
from corecore.hip.keep_out import KeepOutRegion
from corecore.planning.search import infeasible
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.constraint_gaps import Survey
from corecore.planning.search.infeasible import Infeasible, Relaxation, _single_text
from corecore.planning.search.line_geometry import COUNT, ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.relaxation import (
    REASON_OF,
    Relaxed,
    least_relaxation,
    most_relaxed,
    most_relaxed_value,
    relaxed_value,
    step_of,
)
from corecore.planning.search.single import best_tunnel, lattice
from corecore.tunnels.figures import assess
from corecore.tunnels.limits import violations

#: For each limit, parameters under which it alone is in the way on the sample.
BREAKING: dict[str, dict[str, float]] = {
    "cortical_margin_mm": {"cortical_margin_mm": 12.0, "diameter_mm": 6.0},
    "posterosuperior_margin_mm": {"posterosuperior_margin_mm": 14.0},
    "joint_margin_mm": {"joint_margin_mm": 24.0},
    "incidence_min_deg": {"incidence_min_deg": 88.0},
    "shaft_angle_min_deg": {"shaft_angle_min_deg": 143.0},
    "shaft_angle_max_deg": {"shaft_angle_min_deg": 90.0, "shaft_angle_max_deg": 96.0},
    "length_max_mm": {"length_max_mm": 40.0},
    "entry_normal_max_deg": {"entry_normal_max_deg": 5.0},
    "entry_ap_max_mm": {"diameter_mm": 12.0, "entry_ap_max_mm": 0.5, "entry_distal_mm": 8.0},
    "entry_distal_mm": {"entry_distal_mm": 24.0},
    "entry_proximal_mm": {"entry_distal_mm": -20.0, "entry_proximal_mm": -10.0},
    "lateral_wall_share_max": {"lateral_wall_share_max": 0.08},
}


def explained(hip: Hip, spec: Spec) -> Infeasible:
    found = best_tunnel(hip, spec)
    assert found.tunnel is None
    assert found.infeasible is not None
    return found.infeasible


@pytest.mark.parametrize("key", [pytest.param(key, marks=pytest.mark.long) for key in BREAKING])
def test_planning_with_what_is_needed_finds_a_tunnel_and_a_step_less_finds_none(sample_hip: Hip, key: str) -> None:
    spec = Spec().with_values(BREAKING[key])
    told = explained(sample_hip, spec)
    names = [way.key for way in told.relaxations]
    assert key in names
    assert told.binding == names[0]
    way = told.relaxations[names.index(key)]
    sign = RELAXABLE[key].sense
    assert way.step == step_of(key)
    assert way.amount == pytest.approx(sign * (way.needed - way.limit)) and way.amount > 0.0  # noqa: PT018
    helped = best_tunnel(sample_hip, spec.with_values({key: way.needed}))
    assert helped.tunnel is not None
    assert not violations(assess(sample_hip, helped.tunnel, spec.with_values({key: way.needed})), spec.with_values(
        {key: way.needed}
    ))  # fmt: skip
    less = round(way.needed - sign * way.step, 6)
    if less != way.limit:
        assert best_tunnel(sample_hip, spec.with_values({key: less})).tunnel is None


def test_every_limit_that_can_be_set_is_looked_at() -> None:
    # The two others are tested where a hip has what they ask of: test_neck_share.py, test_lateral_wall.py.
    given = {"neck_area_share_max": 0.2, "entry_below_ridge_mm": 2.0}
    assert {*BREAKING, *given} == set(REASON_OF)
    spec = Spec().with_values({**given, "lateral_wall_share_max": 0.3})
    for key in REASON_OF:
        low, high = accepted_range(key)
        assert relaxed_value(spec, key, 1e3) == (low if RELAXABLE[key].at_least else high)
        # Looser for one is looser for the other road: the widest limits refuse nothing the usual ones accept.
        assert (getattr(most_relaxed(spec), key) >= getattr(spec, key)) == (not RELAXABLE[key].at_least)


def test_squeezed_lines_keep_every_other_limit_and_random_ones_go_no_further(sample_hip: Hip) -> None:
    """Against half a million random lines: none passes with the limit two steps nearer than the squeezed one."""
    spec = replace(Spec(), entry_distal_mm=24.0)
    lines = lattice(build_problem(sample_hip, most_relaxed(spec)), offset_step=2.0, slope_step=0.05)
    found = {one.key: one for one in least_relaxation(sample_hip, spec, lines)}
    one = found["entry_distal_mm"]
    assert most_relaxed_value(spec, one.key) < one.value < spec.entry_distal_mm
    kept = build_problem(sample_hip, replace(spec, entry_distal_mm=one.value))
    _, _, counts = evaluate_many(kept, one.lines, ring_points(16), 1.0)
    assert np.all(counts > 0)
    past = build_problem(sample_hip, replace(spec, entry_distal_mm=one.value + 2 * step_of(one.key)), slack_mm=0.1)
    mesh, rng = lattice(past), np.random.default_rng(0)
    random = mesh[rng.integers(len(mesh), size=500_000)] + rng.uniform(-1, 1, (500_000, 4)) * (0.5, 0.5, 0.011, 0.011)
    assert evaluate_many(past, random, ring_points(16), 1.0)[2].max() == 0


@pytest.mark.long
def test_two_limits_that_only_give_way_together_are_named_together(sample_hip: Hip) -> None:
    spec = Spec().with_values({"entry_distal_mm": 22.0, "shaft_angle_max_deg": 111.0})
    told = explained(sample_hip, spec)
    assert told.relaxations == ()
    assert len(told.together) >= 2
    assert "no single" in told.text
    helped = best_tunnel(sample_hip, spec.with_values({way.key: way.needed for way in told.together}))
    assert helped.tunnel is not None


@pytest.mark.long
def test_a_lesion_nothing_reaches_is_told(sample_hip: Hip) -> None:
    """A lesion moved to the lesser trochanter: no line through the neck meets it."""
    tip = sample_hip.anatomy.lesser_trochanter_tip
    assert tip is not None
    points = tip + np.random.default_rng(0).uniform(-1, 1, (500, 3)) - 3.0 * sample_hip.anatomy.shaft_axis
    hip = replace(sample_hip, lesion=replace(sample_hip.lesion, points_mm=points))
    assert explained(hip, replace(Spec(), diameter_mm=3.0)).binding == "misses_lesion"


@pytest.mark.slow
def test_what_is_not_confirmed_is_what_was_squeezed_and_says_so(sample_hip: Hip) -> None:
    spec = replace(Spec(), entry_distal_mm=24.0)
    told = best_tunnel(sample_hip, spec, confirm=False).infeasible
    assert told is not None
    way = next(way for way in told.relaxations if way.key == "entry_distal_mm")
    lines = lattice(build_problem(sample_hip, most_relaxed(spec)), offset_step=2.0, slope_step=0.05)
    coarse = {one.key: one for one in least_relaxation(sample_hip, spec, lines)}["entry_distal_mm"]
    # Another lattice comes as far, to a few steps; a limit is looser than where lines passed by less than a step.
    assert abs(way.needed - coarse.value) < 1.0
    assert way.needed < spec.entry_distal_mm
    assert {way.part().confirmed for way in told.relaxations} == {False}
    assert "not planned with" in told.text


def test_a_value_is_found_in_strides_where_the_climbs_came_short() -> None:
    """Against a planner that is a threshold: the nearest step is found wherever it lies, in few plans."""
    for threshold in (1, 2, 3, 9, 50, 83, 84):
        asked: list[float] = []

        def again(
            spec: Spec, lines: FloatArray | None, shrunk_mm: float = 0.0, least: int = threshold,
            asked: list[float] = asked,
        ) -> bool:  # fmt: skip
            asked.append(spec.entry_distal_mm)
            return round((24.0 - spec.entry_distal_mm) / 0.1) >= least

        found = infeasible._confirmed(
            replace(Spec(), entry_distal_mm=24.0), Relaxed("entry_distal_mm", 24.0 - 8.4, np.zeros((1, 4))), again
        )
        assert found is not None
        assert found.amount == pytest.approx(0.1 * threshold)
        assert len(asked) <= 14
        if threshold >= 83:
            assert len(asked) <= 5


def test_one_limit_alone_is_never_told_as_none_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Squeezing found no line, yet the nearest line breaks a single limit, and planning with it succeeds."""
    gaps = np.full((1, COUNT), 1e9)
    gaps[0, REASON_OF["length_max_mm"]] = -3.21
    near = Survey(np.zeros((1, 4)), np.array([3.21]), gaps)
    monkeypatch.setattr(infeasible, "nearest_lines", lambda problem, survey: near)

    def again(spec: Spec, lines: FloatArray | None, shrunk_mm: float = 0.0) -> bool:
        return spec.length_max_mm >= 45.15

    spec = replace(Spec(), length_max_mm=40.0)
    told = infeasible._several(None, near, spec, again)  # type: ignore[arg-type]
    assert [way.key for way in told.relaxations] == ["length_max_mm"]
    assert told.binding == "length_max_mm"
    assert told.together == ()
    assert "no single" not in told.text
    # What is named gives a plan, a step less none.
    way = told.relaxations[0]
    assert again(replace(spec, length_max_mm=way.needed), None)
    assert way.step is not None
    assert not again(replace(spec, length_max_mm=way.needed - way.step), None)
    # Two limits broken are still told together.
    gaps[0, REASON_OF["entry_ap_max_mm"]] = -1.0
    both = infeasible._several(None, near, spec, lambda spec, lines, shrunk_mm=0.0: True)  # type: ignore[arg-type]
    assert len(both.together) == 2
    assert "no single limit is responsible" in both.text


@pytest.mark.long
@pytest.mark.parametrize("key", [*BREAKING, "avoid"])
def test_every_relaxation_named_gives_a_plan_when_it_is_taken(sample_hip: Hip, key: str) -> None:
    hip, spec = sample_hip, Spec().with_values(BREAKING.get(key, {}))
    if key == "avoid":
        free = best_tunnel(hip, spec).tunnel
        assert free is not None
        middle = hip.to_world(free.entry - 14.0 * free.direction)
        wall = KeepOutRegion("avoid", ball(middle, 26.0), inverse(hip.world_from_local))
        hip, spec = replace(hip, avoid=wall), replace(spec, avoid_margin_mm=1.5)
    told = explained(hip, spec)
    assert told.relaxations or told.together
    for way in told.relaxations:
        if way.step is None:
            continue
        if way.key == "avoid":
            assert hip.avoid is not None
            there = replace(hip, avoid=hip.avoid.shrunk(way.amount))
            assert best_tunnel(there, spec).tunnel is not None
        else:
            assert best_tunnel(hip, spec.with_values({way.key: way.needed})).tunnel is not None, way


@pytest.mark.parametrize("step", [None, 0.1])
@pytest.mark.parametrize("key", [limit.key for limit in LIMITS.values() if limit.relaxable])
def test_a_sentence_has_the_limit_s_name_and_unit_in_every_language(key: str, step: float | None) -> None:
    """No parameter's key where a surgeon reads, in the language of the record nor in another."""
    unit = LIMITS[key].unit
    text = _single_text(Spec(), Relaxation(key, 5.0, 3.6, 1.4, step))
    assert LIMITS[key].figure_name in text
    assert "_" not in text
    assert {"mm": "3.6 mm", "deg": "3.6°", "share": "360 %"}[unit] in text
    with spoken("de"):
        told = say_recorded("", text)
        assert not told.startswith("„")
        assert say(LIMITS[key].figure_name) in told
    assert LIMITS[key].figure_name not in told
