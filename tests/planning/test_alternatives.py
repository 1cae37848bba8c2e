"""Alternatives: what nothing beats, what differs, and how ties are broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.schemas import schema
from support.shared import shared

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.spec import Spec, preset
from corecore.document.content import content_of
from corecore.hip.hip import Hip
from corecore.measures.model import Measures
from corecore.planning.alternatives import ALIKE, LEAST, Alternative, beats, breach_probability, spread, unbeaten
from corecore.planning.document import document
from corecore.planning.planner import Plan, plan_hip
from corecore.planning.request import Search
from corecore.planning.search.single import TIE_CLEARANCE_MM, TIE_SHARE, preferred_of_ties, spare_clearance_mm
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.plan_metrics import healthy_bone_ml, totals_of
from corecore.tunnels.risk.execution import execution_risk
from corecore.tunnels.risk.methods import METHODS, Method
from corecore.verification.own_figures import own_checks

TUNNEL = Tunnel(np.zeros(3), np.array([80.0, 0.0, 0.0]), 10.0)
#: What verification finds of an alternative's perforation.
BREACH = ("breach_method", "breach_probability", "against_plan.breach_probability")


def figures(**changes: Any) -> TunnelFigures:
    """Figures of some tunnel, all finite, a millimetre inside every margin."""
    names: dict[str, Any] = dict.fromkeys(TunnelFigures.__dataclass_fields__, 80.0)
    names |= {"outward_free": True, "removed_fraction": 0.1, "cortical_clearance_mm": 4.0, "joint_clearance_mm": 6.0}
    return TunnelFigures(**{**names, "posterosuperior_clearance_mm": 6.0, **changes})


def scored(removed: float, room: float, healthy: float, breach: float) -> Alternative:
    return Alternative(TUNNEL, figures(removed_fraction=removed), room, healthy, breach)


def brute(scores: FloatArray) -> set[tuple[float, ...]]:
    """The rows (N, 4) that no other row is at least as good as, everywhere, and better than somewhere."""
    result = set()
    for row in scores:
        if not any(np.all(other >= row) and tuple(other) != tuple(row) for other in scores):
            result.add(tuple(row))
    return result


#: Few values, so that ties are frequent.
SCORE = st.tuples(*[st.integers(0, 3).map(lambda n: n / 4.0)] * 4)


@given(st.lists(SCORE, min_size=1, max_size=12))
def test_what_is_left_is_the_pareto_set_of_brute_force(rows: list[tuple[float, ...]]) -> None:
    options = [scored(*row) for row in rows]
    left = unbeaten(options)
    assert {tuple(one.scores) for one in left} == brute(np.array([one.scores for one in options]))
    assert len({tuple(one.scores) for one in left}) == len(left)
    assert not any(beats(one, other) for one in left for other in left)


@given(st.lists(SCORE, min_size=2, max_size=12), st.integers(0, 8))
def test_the_spread_is_deterministic_differs_and_reaches_the_farthest(rows: list[tuple[float, ...]], most: int) -> None:
    plan, *options = [scored(*row) for row in rows]
    chosen = spread(plan, options, most)
    assert chosen == spread(plan, options, most)
    assert len(chosen) <= most
    scores = np.stack([one.scores for one in (plan, *options)])
    width = np.ptp(scores, axis=0)
    scaled = [one.scores / np.where(width > 0.0, width, 1.0) for one in (plan, *chosen)]
    for i, first in enumerate(scaled):
        assert all(np.abs(first - second).max() > ALIKE for second in scaled[:i])
    if most and np.any(np.abs(scores - scores[0]) > 0.0):
        far = np.abs((scores - scores[0]) / np.where(width > 0.0, width, 1.0)).max()
        assert max(np.abs(one - scaled[0]).max() for one in scaled[1:]) == pytest.approx(far)


def test_ties_go_to_room_and_then_to_less_healthy_bone(sample_hip: Hip) -> None:
    spec = Spec()
    short = replace(TUNNEL, tip=np.array([70.0, 0.0, 0.0]))
    most = (TUNNEL, figures(removed_fraction=0.2, cortical_clearance_mm=3.0))
    roomy = (TUNNEL, figures(removed_fraction=0.2 * (1 - 0.5 * TIE_SHARE), cortical_clearance_mm=3.4))
    spare = (short, replace(roomy[1], length_mm=70.0, cortical_clearance_mm=3.4 - 0.5 * TIE_CLEARANCE_MM))
    less = (short, figures(removed_fraction=0.2 * (1 - 3 * TIE_SHARE), cortical_clearance_mm=9.0, length_mm=60.0))
    assert spare_clearance_mm(less[1], spec) == 1.0
    assert preferred_of_ties(sample_hip, spec, [most, less]) is most
    assert preferred_of_ties(sample_hip, spec, [most, roomy, less]) is roomy
    assert preferred_of_ties(sample_hip, spec, [less, most, spare, roomy]) is spare


@pytest.mark.parametrize(("others", "tunnels"), [(-1, 1), (9, 1), (2, 3)])
def test_a_number_that_is_none_is_refused(sample_hip: Hip, others: int, tunnels: int) -> None:
    def never() -> Measures:
        raise AssertionError

    with pytest.raises(InputError, match="--alternatives"):
        plan_hip(sample_hip, replace(Spec(), tunnels=tunnels), never, Search(alternatives=others))


@pytest.mark.parametrize(
    ("spec", "asked", "word"),
    [
        (preset("acd"), {"alternatives": 2}, "--alternatives.*cavity"),
        (preset("acd"), {"robust": "guide"}, "--robust.*cavity"),
        (Spec(target="reached"), {"alternatives": 2}, "--alternatives.*removing lesion"),
        (Spec(), {"alternatives": 2, "robust": "guide"}, "--alternatives with --robust"),
    ],
    ids=["alternatives-cavity", "robust-cavity", "alternatives-reached", "both"],
)
def test_what_risk_or_comparison_does_not_know_is_refused(
    sample_hip: Hip, spec: Spec, asked: dict[str, Any], word: str
) -> None:
    def never() -> Measures:
        raise AssertionError

    with pytest.raises(InputError, match=word):
        plan_hip(sample_hip, spec, never, Search(**asked))


@pytest.fixture(scope="module")
def plan(sample_hip: Hip) -> Plan:
    spec = replace(Spec(), objective="most")
    return plan_hip(sample_hip, spec, shared.measure(sample_hip, spec), Search(alternatives=6))


@pytest.mark.long
def test_no_alternative_breaks_a_limit_beats_or_is_beaten(sample_hip: Hip, plan: Plan) -> None:
    assert plan.own is not None
    assert 3 <= len(plan.others) <= 6
    everyone = [plan.own, *plan.others]
    assert not any(beats(one, other) for one in everyone for other in everyone)
    for other in plan.others:
        assert not violations(assess(sample_hip, other.tunnel, plan.spec), plan.spec)
        assert other.figures == assess(sample_hip, other.tunnel, plan.spec)
        share = other.figures.removed_fraction / plan.own.figures.removed_fraction
        assert LEAST <= share <= 1.0
    # Room and safety are worth something: some alternative is better there.
    gains = np.max([other.scores - plan.own.scores for other in plan.others], axis=0)
    assert gains[1] > 0.2
    # The plan itself seldom perforates under fluoroscopy: half as often is worth a look.
    assert gains[3] > 0.5 * plan.own.breach_probability > 0.0


@pytest.mark.long
def test_the_document_holds_each_alternative_in_full(plan: Plan) -> None:
    content = content_of(document(plan))
    jsonschema.validate(content, schema("plan"))
    assert len(content["alternatives"]) == len(plan.others)
    for other in content["alternatives"]:
        # Told of the plan alone: why it is there, whether it was insisted on, bone along it and bone left.
        assert set(content["tunnels"][0]) - set(other["tunnels"][0]) == {"explanation", "kept", "path_bone"}
        assert set(content["totals"]) - set(other["totals"]) == {"bone_left", "outline", "removed_share_of_best"}
        difference = other["totals"]["removed_fraction"] - content["totals"]["removed_fraction"]
        assert other["against_plan"]["removed_fraction"] == pytest.approx(difference, abs=2e-6)


@pytest.mark.parametrize("name", ["guide", "navigated"])
def test_an_alternative_perforates_as_often_as_the_risk_of_its_method_says(sample_hip: Hip, name: str) -> None:
    tunnel, method = shared.best_tunnel(sample_hip, Spec()).tunnel, METHODS[name]
    assert tunnel is not None
    risk = execution_risk(sample_hip, [tunnel], Spec(), method)[1]
    assert breach_probability(sample_hip, tunnel, Spec(), method) == risk.perforation.value


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param("guide", marks=pytest.mark.long), "by-eye"])
def test_alternatives_count_perforation_by_the_plan_s_guidance(sample_hip: Hip, name: str) -> None:
    """By a method of one's own too; and verification finds each from the risks beside it."""
    spec = replace(Spec(), guidance=name, objective="most")
    methods = {**METHODS, "by-eye": Method("by-eye", 2.0, 2.5, 2.0)}
    plan = plan_hip(sample_hip, spec, shared.measure(sample_hip, spec), Search(alternatives=1, methods=methods))
    content = document(plan)
    assert plan.own is not None
    risk = content_of(content)["totals"]["risk"][name]
    assert plan.own.breach_probability == pytest.approx(risk["perforation_probability"], abs=6e-5)
    assert {one.breach_method for one in content.alternatives} == {name}
    judged = {check.name: check.ok for check in own_checks(content) if "breach" in check.name}
    assert {f"alternatives[0].{key}": True for key in BREACH}.items() <= judged.items()
    assert all(judged.values())


def test_viable_bone_counts_the_cavity_as_the_totals_do(sample_hip: Hip) -> None:
    tunnel = shared.best_tunnel(sample_hip, Spec()).tunnel
    assert tunnel is not None
    wide = replace(tunnel, cavity_diameter_mm=16.0, cavity_length_mm=12.0)
    totals = totals_of(sample_hip, Spec(), [wide])
    assert healthy_bone_ml(sample_hip, wide) == pytest.approx(totals.healthy_bone_removed_ml)
    assert healthy_bone_ml(sample_hip, wide) > healthy_bone_ml(sample_hip, tunnel) + 0.1
