"""A path set by hand: put on the bone, judged as the planner judges its own, and led to the best tunnel near it."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from support.risk_twin import neck_tunnel
from support.shared import shared

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.hip.hip import Hip
from corecore.io.markups import MarkupLine, write_lines
from corecore.measures.model import Measures
from corecore.planning.document import document
from corecore.planning.manual import NEAR_MM, assess_path, path_on_bone
from corecore.planning.planner import Plan
from corecore.planning.search.local_search import best_near, line_through, off_path
from corecore.planning.search.problem import build_problem
from corecore.tunnels.figures import assess
from corecore.tunnels.limits import violations

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"
MASKS = ["--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2"]


@pytest.fixture(scope="module")
def measures(sample_hip: Hip) -> Measures:
    return shared.measure(sample_hip, Spec())


def ends(hip: Hip, **place: float) -> tuple[FloatArray, FloatArray]:
    """Entry and tip in the world of a path along the neck."""
    tunnel = neck_tunnel(hip, diameter_mm=10.0, **place)
    return hip.to_world(tunnel.entry), hip.to_world(tunnel.tip)


@pytest.fixture(scope="module")
def judged(sample_hip: Hip, measures: Measures) -> Plan:
    """A path too near to the joint, behind the neck's middle."""
    entry, tip = ends(sample_hip, tip_beyond_mm=20.0, side_mm=-4.0)
    return assess_path(sample_hip, Spec(), measures, entry, tip)


def test_the_entry_is_where_the_axis_leaves_the_bone_wherever_on_the_line_it_was_given(sample_hip: Hip) -> None:
    entry, tip = ends(sample_hip)
    outward = (entry - tip) / np.linalg.norm(entry - tip)
    for away in (30.0, 3.0, 0.0, -10.0, -40.0):
        tunnel = path_on_bone(sample_hip, entry + away * outward, tip, 10.0)
        assert np.allclose(sample_hip.to_world(tunnel.entry), entry, atol=1e-3)
        assert np.allclose(sample_hip.to_world(tunnel.tip), tip, atol=1e-9)


def test_a_path_is_judged_by_the_planners_own_figures(sample_hip: Hip, judged: Plan) -> None:
    tunnel, figures = judged.tunnels[0]
    again = assess(sample_hip, tunnel, Spec())
    assert figures == again
    assert judged.given is not None
    assert list(judged.given.violations) == [item.part() for item in violations(again, Spec())]
    assert "joint_margin_mm" in {item.key for item in judged.given.violations}
    assert judged.status == "manual"


def test_the_nearest_tunnel_keeps_every_limit_within_reach(sample_hip: Hip, judged: Plan) -> None:
    assert judged.given is not None
    near = judged.given.nearest
    assert near is not None
    path, problem = judged.tunnels[0][0], build_problem(sample_hip, Spec())
    assert violations(assess(sample_hip, near.tunnel, Spec()), Spec()) == []
    line = line_through(problem, near.tunnel)
    assert line is not None
    assert off_path(problem, line[None], path)[0] <= NEAR_MM + 1e-6
    assert near.entry_moved_mm == pytest.approx(np.linalg.norm(near.tunnel.entry - path.entry))
    # Not only some tunnel: no line about it does better.
    rng = np.random.default_rng(2)
    best = near.figures.removed_fraction
    for _ in range(60):
        shift = rng.normal(0.0, 0.4, (2, 3))
        other = path_on_bone(
            sample_hip, sample_hip.to_world(near.tunnel.entry + shift[0]),
            sample_hip.to_world(near.tunnel.tip + shift[1]), 10.0,
        )  # fmt: skip
        found = assess(sample_hip, other, Spec())
        assert violations(found, Spec()) or found.removed_fraction <= best * 1.003


@pytest.mark.long
def test_a_narrow_reach_finds_less_than_a_wide_one_and_a_good_path_stays(sample_hip: Hip, judged: Plan) -> None:
    assert judged.given is not None
    assert judged.given.nearest is not None
    good = judged.given.nearest
    for reach in (0.5, 3.0):
        near = best_near(sample_hip, Spec(), good.tunnel, reach_mm=reach)
        assert near is not None
        assert near.figures.removed_fraction >= good.figures.removed_fraction
        assert near.entry_moved_mm < 4.0 * reach
    path = judged.tunnels[0][0]
    narrow = best_near(sample_hip, Spec(), path, reach_mm=2.0)
    assert narrow is None or narrow.figures.removed_fraction <= good.figures.removed_fraction * 1.001
    assert best_near(sample_hip, replace(Spec(), joint_margin_mm=24.0), path, reach_mm=5.0) is None


@pytest.mark.slow
def test_more_may_be_refused_and_nothing_refused_is_returned(sample_hip: Hip, judged: Plan) -> None:
    path = judged.tunnels[0][0]
    assert best_near(sample_hip, Spec(), path, reach_mm=3.0, allowed=lambda lines, ends: ends[:, 0] > 0.0) is None


def test_the_document_of_a_path_keeps_the_schema_and_says_what_it_breaks(judged: Plan) -> None:
    content: dict[str, Any] = json.loads(json.dumps(content_of(document(judged))))
    schema = resources.files("corecore.document") / "schemas" / "plan.schema.json"
    jsonschema.validate(content, json.loads(schema.read_text()))
    assert content["status"] == "manual"
    assert {"key", "limit", "value"} == set(content["violations"][0])
    assert content["nearest"]["removed_fraction"] > 0.0
    assert content["nearest_reason"] is None
    assert content["tunnels"][0]["risk"].keys() == {"fluoroscopy", "guide", "guide_best", "navigated", "robot"}
    wrong = {**content, "nearest": {"entry": [0, 0, 0]}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json.loads(schema.read_text()))


def test_a_path_that_misses_the_necrosis_or_runs_the_other_way_says_so(sample_hip: Hip, measures: Measures) -> None:
    entry, tip = ends(sample_hip, tip_beyond_mm=-22.0)
    short = assess_path(sample_hip, Spec(), measures, entry, tip)
    assert short.given is not None
    assert "misses_lesion" in {item.key for item in short.given.violations}
    # Deeper along the same axis it is a tunnel.
    assert short.given.nearest is not None
    entry, tip = ends(sample_hip)
    swapped = assess_path(sample_hip, Spec(), measures, tip, entry + 0.1 * (tip - entry))
    assert swapped.given is not None
    assert swapped.given.nearest is None
    assert "neck" in str(swapped.given.nearest_reason)
    assert "ends_exchanged" in {warning.code for warning in swapped.warnings}


@pytest.mark.parametrize(
    ("entry", "tip", "word"),
    [
        ((0, 0, 0), (0, 0, 0), "apart"),
        ((0, 0, 0), (0, 0), "three numbers"),
        ((0, 0, 0), (0, float("nan"), 0), "three numbers"),
        ((0, 0, 0), ("a", 0, 0), "three numbers"),
        ((0, 0, 0), (0, 1e9, 0), "within"),
        ((0, 400, 0), (50, 400, 0), "misses the femur"),
    ],
)
def test_what_is_no_path_is_one_clear_line(sample_hip: Hip, entry: Any, tip: Any, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        path_on_bone(sample_hip, entry, tip, 10.0)
    assert "\n" not in str(caught.value)


def test_a_tip_in_front_of_the_bone_is_told_from_a_line_that_misses_it(sample_hip: Hip) -> None:
    entry, tip = ends(sample_hip)
    with pytest.raises(InputError, match="tip lies outside"):
        path_on_bone(sample_hip, entry, tip + 1.0 * (tip - entry), 10.0)


@pytest.mark.long
def test_the_command_judges_a_line_from_slicer_and_verify_agrees(
    sample_hip: Hip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = tmp_path / "surgeon.mrk.json"
    write_lines([MarkupLine("mine", *ends(sample_hip, tip_beyond_mm=20.0, side_mm=-4.0))], line)
    out = tmp_path / "path"
    arguments = ["assess", *MASKS, "--line", str(line), "--diameter", "10", "--no-pictures", "--out", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "EXCEEDS LIMIT joint_margin_mm" in printed
    assert "best tunnel near it" in printed
    assert main(["verify", str(out / "plan.json")]) == 0, capsys.readouterr().out
    # A violation that is not confessed is found.
    plan = json.loads((out / "plan.json").read_text())
    plan["violations"] = [item for item in plan["violations"] if item["key"] != "joint_margin_mm"]
    (out / "plan.json").write_text(json.dumps(plan))
    assert main(["verify", str(out / "plan.json")]) == 1
    assert "violations joint_margin_mm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ([], "--entry"),
        (["--entry", "1,2,3"], "--tip"),
        (["--entry", "1,2,3", "--tip", "1,2"], "--tip"),
        (["--entry", "1,2,3", "--tip", "1,2,3", "--line", "x.mrk.json"], "--line"),
        (["--line", "no.mrk.json"], "no.mrk.json"),
        (["--entry", "1,2,3", "--tip", "1,2,3"], "apart"),
    ],
)
def test_a_path_that_is_none_ends_in_one_line_and_code_2(
    path: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["assess", *MASKS, *path, "--diameter", "10", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert word in error
    assert not out.exists()
