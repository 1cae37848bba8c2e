"""Guidance first: the safest of the nearly best, what it costs, and what asks for the most instead."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.plan_factory import Pose, plan_of
from support.shared import shared

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.spec import Spec, preset
from corecore.document.content import content_of
from corecore.hip.hip import Hip
from corecore.planning.document import document
from corecore.planning.open_plan import _spec
from corecore.planning.planner import Plan, plan_hip, resolve_objective
from corecore.planning.request import Search
from corecore.tunnels.limits import violations
from corecore.tunnels.risk.execution import execution_risk
from corecore.tunnels.risk.methods import METHODS, Method

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"
MASKS = ["--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2"]


@pytest.fixture(scope="module")
def safest(sample_hip: Hip) -> Plan:
    """The sample planned for the least perforation under fluoroscopy of what removes nearly the most."""
    spec = replace(Spec(), objective="safest")
    with shared.in_package():
        return plan_hip(sample_hip, spec, shared.measure(sample_hip, spec))


@pytest.fixture(scope="module")
def most(sample_hip: Hip) -> Plan:
    """The sample planned for the most."""
    spec = replace(Spec(), objective="most")
    with shared.in_package():
        return plan_hip(sample_hip, spec, shared.measure(sample_hip, spec))


def test_it_is_the_safest_of_what_removes_95_per_cent_of_the_most(sample_hip: Hip, safest: Plan, most: Plan) -> None:
    curve = safest.tradeoff
    assert curve is not None
    at = curve.points[curve.chosen]
    assert tuple(tunnel for tunnel, _ in safest.tunnels) == at.tunnels
    assert at.removed_fraction >= 0.95 * most.totals.removed_fraction
    assert curve.most.removed_fraction == pytest.approx(most.totals.removed_fraction, abs=1e-12)
    assert all(not violations(figures, safest.spec) for _, figures in safest.tunnels)
    # By the drillings that the plan's risk is of, and by others: no more perforations than what does most.
    for seed in (0, 5):
        here, there = (
            execution_risk(
                sample_hip, [tunnel for tunnel, _ in plan.tunnels], Spec(), METHODS["fluoroscopy"], seed=seed
            )[1]
            for plan in (safest, most)
        )
        for name in ("cortex_breach", "joint_breach"):
            safer, other = getattr(here, name), getattr(there, name)
            assert safer.value <= other.value + 3.0 * (safer.standard_error + other.standard_error), name


def test_the_document_holds_the_curve_and_the_share_of_the_most(safest: Plan) -> None:
    content = content_of(document(safest))
    points, totals = content["tradeoff"], content["totals"]
    (at,) = (point for point in points if point["chosen"])
    assert [at["entry"], at["tip"]] == [content["tunnels"][0]["entry"], content["tunnels"][0]["tip"]]
    assert at["removed_fraction"] == pytest.approx(totals["removed_fraction"], abs=2e-6)
    share = totals["removed_fraction"] / points[-1]["removed_fraction"]
    assert totals["removed_share_of_best"] == pytest.approx(share, abs=1e-4)
    assert all(a["removed_fraction"] < b["removed_fraction"] for a, b in pairwise(points))
    assert content["spec"]["guidance"] == "fluoroscopy"
    assert content["spec"]["objective"] == "safest"


def test_the_most_is_what_the_search_finds_and_has_no_curve(sample_hip: Hip, most: Plan) -> None:
    found = shared.best_tunnel(sample_hip, replace(Spec(), objective="most"), confirm=True)
    assert found.tunnel is not None
    tunnel = most.tunnels[0][0]
    assert np.array_equal(tunnel.entry, found.tunnel.entry)
    assert np.array_equal(tunnel.tip, found.tunnel.tip)
    content = content_of(document(most))
    assert "tradeoff" not in content
    assert content["totals"]["removed_share_of_best"] == 1.0


def test_a_proof_bounds_the_most_and_not_the_safer_plan(safest: Plan) -> None:
    from corecore.planning.proof.branch_and_bound import Proof

    assert safest.tradeoff is not None
    bound = 1.004 * safest.tradeoff.most.removed_fraction
    proof = Proof(upper_bound_fraction=bound, boxes_bounded=9, stopped_by="gap")
    told = document(replace(safest, proof=proof)).totals
    assert told.optimality_gap == pytest.approx(0.004, abs=1e-5)


@pytest.mark.parametrize("name", ["core-10", "core-8", "multi-3.2"])
def test_every_preset_without_a_cavity_may_be_safest(name: str) -> None:
    spec = replace(preset(name), objective="safest")
    assert resolve_objective(spec) == (spec, [])


def test_what_cannot_be_safest_does_most_and_says_so() -> None:
    spec, (told,) = resolve_objective(replace(preset("acd"), objective="safest"))
    assert (spec.objective, told.code) == ("most", "objective_most")
    assert resolve_objective(replace(preset("acd"), objective="most")) == (replace(preset("acd"), objective="most"), [])
    existing = Spec(tunnels=1, objective="safest").with_values({"keep": ["60,0,700:20,5,730"]})
    assert resolve_objective(existing)[0].objective == "most"


def test_a_robust_plan_has_its_own_objective_and_guidance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, told = resolve_objective(Spec(), "navigated")
    assert (spec.objective, spec.guidance, told) == ("most", "navigated", [])
    for other in (["--objective", "safest"], ["--guidance", "robot"]):
        out = tmp_path / "plan"
        assert main(["plan", *MASKS, "--robust", "navigated", *other, "--out", str(out)]) == 2
        assert "[options-conflict]" in capsys.readouterr().err
        assert not out.exists()


def test_guidance_is_a_method_at_hand_one_of_your_own_too() -> None:
    with pytest.raises(InputError, match="fluoroscopy"):
        Search().check(Spec(guidance="by-eye"))
    Search(methods={**METHODS, "by-eye": Method("by-eye", 4.0, 4.0, 3.0)}).check(Spec(guidance="by-eye"))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"objective": "best"}, "safest or most"),
        ({"near_best_share": 0.4}, "0.5 to 1"),
        ({"guidance": "by eye"}, "letters"),
        ({"guidance": None, "objective": "safest"}, "guidance method"),
    ],
)
def test_parameters_that_cannot_be_are_refused(values: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        Spec().with_values(values)


def test_plans_of_earlier_versions_open_as_planned_for_the_most(tmp_path: Path) -> None:
    before = {
        key: value for key, value in Spec().as_dict().items() if key not in ("guidance", "objective", "near_best_share")
    }
    opened = _spec(tmp_path / "plan.json", before)
    assert (opened.objective, opened.guidance) == ("most", None)
    # And what is written of it again does not name a guidance that nobody chose.
    assert "guidance" not in opened.as_dict()
    assert _spec(tmp_path / "plan.json", opened.as_dict()) == opened
    assert _spec(tmp_path / "plan.json", Spec().as_dict()) == Spec()


def test_an_earlier_plan_is_not_asked_for_a_curve(tmp_path: Path) -> None:
    from corecore.document.stated import read_stated
    from corecore.verification.tradeoff import curve_checks

    inputs = [{"role": role, "path": f"{role}.nii.gz", "sha256": "0" * 64} for role in ("femur", "lesion")]
    plan = plan_of(inputs, Pose())
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    assert curve_checks(read_stated(tmp_path / "plan.json")) == []
    # Today's safest plan is.
    plan["spec"] |= {"objective": "safest", "guidance": "fluoroscopy", "near_best_share": 0.95}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    assert "tradeoff (of a safest plan)" in {
        one.name for one in curve_checks(read_stated(tmp_path / "plan.json")) if not one.ok
    }
