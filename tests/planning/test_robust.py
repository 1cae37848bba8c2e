"""Plans for a method's errors: the limit holds on errors never seen, the cost is stated, what cannot be met says so."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.shared import shared

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.hip.hip import Hip
from corecore.planning.document import document
from corecore.planning.planner import Plan, plan_hip
from corecore.planning.request import Search
from corecore.planning.robust import WORTH, robust_tunnel
from corecore.tunnels.limits import violations
from corecore.tunnels.risk.execution import execution_risk
from corecore.tunnels.risk.methods import METHODS, Method, check_robust

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"
MASKS = ["--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2"]


@pytest.fixture(scope="module")
def steady(sample_hip: Hip) -> Plan:
    """Planned for navigation, whose errors break the plain plan's limit."""
    return plan_hip(sample_hip, Spec(), shared.measure(sample_hip, Spec()), Search(robust="navigated"))


@pytest.mark.long
def test_the_limit_holds_on_errors_never_seen_and_the_plan_keeps_every_constraint(
    sample_hip: Hip, steady: Plan
) -> None:
    found = steady.robust
    assert found is not None
    assert found.met
    limit = Spec().breach_probability_max
    assert max(found.plain_risk.cortex_breach.value, found.plain_risk.joint_breach.value) > limit
    assert violations(found.figures, Spec()) == []
    for seed in (11, 12):
        risk = execution_risk(sample_hip, [found.tunnel], Spec(), METHODS["navigated"], seed=seed)[0][0]
        for breach in (risk.cortex_breach, risk.joint_breach):
            assert breach.value <= limit + 3.0 * breach.standard_error
    # It costs something, and not everything.
    mean, plain = (risk.removed_fraction_mean.value for risk in (found.risk, found.plain_risk))
    assert 0.6 * plain < mean <= plain + 0.001
    assert steady.tunnels == ((found.tunnel, found.figures),)


@pytest.mark.long
def test_the_document_states_what_it_costs(steady: Plan) -> None:
    content: dict[str, Any] = json.loads(json.dumps(content_of(document(steady))))
    schema = resources.files("corecore.document") / "schemas" / "plan.schema.json"
    jsonschema.validate(content, json.loads(schema.read_text()))
    robust = content["robust"]
    gone = robust["plain"]["removed_fraction"] - content["tunnels"][0]["removed_fraction"]
    assert robust["cost_removed_fraction"] == pytest.approx(gone, abs=1e-5)
    assert robust["risk"] == content["tunnels"][0]["risk"]["navigated"]
    assert robust["limit_met"] is True
    assert content["spec"]["breach_probability_max"] == 0.01
    assert content["risk_methods"]["navigated"]["angle_deg"] == 1.5


@pytest.mark.long
def test_a_limit_out_of_reach_gives_the_least_risk_and_says_so(sample_hip: Hip) -> None:
    rough = Method("rough", 3.0, 4.0, 3.0)
    plan = plan_hip(
        sample_hip, Spec(), shared.measure(sample_hip, Spec()), Search(robust="rough", methods={"rough": rough})
    )
    found = plan.robust
    assert found is not None
    assert not found.met
    worst = max(found.risk.cortex_breach.value, found.risk.joint_breach.value)
    assert 0.01 < worst < max(found.plain_risk.cortex_breach.value, found.plain_risk.joint_breach.value)
    assert found.figures.removed_fraction >= WORTH * found.plain_figures.removed_fraction * 0.999
    warning = next(warning for warning in plan.warnings if warning.code == "breach_limit_not_met")
    assert f"{found.risk.cortex_breach.value:.2%}" in warning.text


@pytest.mark.long
def test_an_exact_method_costs_nothing(sample_hip: Hip, steady: Plan) -> None:
    assert steady.robust is not None
    plain = (steady.robust.plain_tunnel, steady.robust.plain_figures)
    exact = robust_tunnel(sample_hip, Spec(), Method("exact", 0.0, 0.0, 0.0), plain)
    assert exact.met
    # The search counts every n-th point of the lesion: a hundredth lies between the two counts.
    assert exact.figures.removed_fraction >= plain[1].removed_fraction * 0.985


def test_a_method_that_is_none_or_a_set_is_refused() -> None:
    check_robust(None, METHODS, 5)
    check_robust("robot", METHODS, 1)
    with pytest.raises(InputError, match="fluoroscopy, guide, guide_best, navigated, robot"):
        check_robust("telepathy", METHODS, 1)
    with pytest.raises(InputError, match="is called fluoroscopy"):
        check_robust("freehand", METHODS, 1)
    # A reader may call a method of his own so.
    check_robust("freehand", {"freehand": METHODS["robot"]}, 1)
    with pytest.raises(InputError, match="5 tunnels"):
        check_robust("robot", METHODS, 5)


def test_the_limit_is_a_parameter_with_a_range() -> None:
    assert replace(Spec(), breach_probability_max=0.05).as_dict()["breach_probability_max"] == 0.05
    for value in (0.0, 0.6, float("nan")):
        with pytest.raises(InputError, match="breach_probability_max"):
            replace(Spec(), breach_probability_max=value)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--robust", "telepathy"], "telepathy"),
        (["--robust", "guide", "--tunnels", "2"], "2 tunnels"),
        (["--methods", "no.toml"], "no.toml"),
        (["--robust", "guide", "--set", "breach_probability_max=2"], "breach_probability_max"),
    ],
)
def test_bad_wishes_end_in_one_line_before_any_work(
    options: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *MASKS, *options, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert word in error


@pytest.mark.long
def test_a_users_method_stands_in_plan_and_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = tmp_path / "mine.toml"
    toml.write_text("[methods.mine]\nentry_mm = 0.5\nangle_deg = 0.5\ndepth_mm = 0.5\n")
    options = ["--methods", str(toml), "--no-pictures", "--out", str(tmp_path / "plan")]
    assert main(["plan", *MASKS, *options]) == 0
    assert "mine" in capsys.readouterr().out
    plan = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert set(plan["tunnels"][0]["risk"]) == {*METHODS, "mine"}
    assert plan["risk_methods"]["mine"]["entry_mm"] == 0.5
