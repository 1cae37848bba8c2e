"""A plan in words: what is nearest and what holds a tunnel are its own figures, and a step's gain is really there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.risk_twin import neck_tunnel
from support.shared import shared

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.limits import RELAXABLE
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.exports.plan_folder import write_plan
from corecore.hip.hip import Hip
from corecore.planning.explain import explanation, limiting_constraints, nearest_walls
from corecore.planning.open_plan import open_plan
from corecore.planning.planner import Plan
from corecore.planning.search.single import best_tunnel
from corecore.planning.sets.search import best_set
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.tunnel_set import set_violations


@pytest.fixture(scope="module")
def folder(sample_plan: Plan) -> Path:
    return shared.written("sample plan", lambda out: write_plan(sample_plan, out, pictures=False))


@pytest.fixture(scope="module")
def best(folder: Path) -> tuple[Tunnel, TunnelFigures]:
    return open_plan(folder / "plan.json").tunnels[0]


def test_what_is_nearest_is_the_clearance_of_the_figures(sample_hip: Hip) -> None:
    for beyond, side in ((8.0, 0.0), (16.0, 4.0), (12.0, -5.0)):
        tunnel = neck_tunnel(sample_hip, tip_beyond_mm=beyond, side_mm=side)
        figures = assess(sample_hip, tunnel, Spec())
        near: dict[Any, Any] = {item.what: item for item in nearest_walls(sample_hip, tunnel, Spec())}
        assert near["cortex"].clearance_mm == pytest.approx(figures.cortical_clearance_mm, abs=0.01)
        assert near["joint"].clearance_mm == pytest.approx(figures.joint_clearance_mm, abs=0.01)
        assert near["neck"].clearance_mm >= near["cortex"].clearance_mm
        # At the depth named the tunnel's ring has that clearance.
        axis = tunnel.entry + near["neck"].depth_mm * tunnel.direction
        a, b = tunnel.ring_basis()
        turn = np.linspace(0.0, 2.0 * np.pi, 720)
        ring = axis + tunnel.radius_mm * (np.cos(turn)[:, None] * a + np.sin(turn)[:, None] * b)
        assert sample_hip.bone.distance(ring).min() == pytest.approx(near["neck"].clearance_mm, abs=0.05)


def test_a_tunnel_moved_forward_is_nearest_to_the_front_and_backward_to_the_back(sample_hip: Hip) -> None:
    anatomy = sample_hip.anatomy
    up = anatomy.shaft_axis - (anatomy.shaft_axis @ anatomy.neck_axis) * anatomy.neck_axis
    front = anatomy.y_axis - (anatomy.y_axis @ anatomy.neck_axis) * anatomy.neck_axis
    ways = {"superior": up, "inferior": -up, "anterior": front, "posterior": -front}
    for name, way in ways.items():
        along = neck_tunnel(sample_hip, diameter_mm=4.0)
        shift = 8.0 * way / np.linalg.norm(way)
        tunnel = Tunnel(along.entry + shift, along.tip + shift, 4.0)
        near = {item.what: item for item in nearest_walls(sample_hip, tunnel, Spec())}
        assert near["neck"].where == name


def test_a_limit_holds_where_a_little_less_room_would_break_it_and_nowhere_else(
    best: tuple[Tunnel, TunnelFigures],
) -> None:
    figures = best[1]
    held = {limit.key: limit for limit in limiting_constraints(figures, Spec())}
    assert "joint_margin_mm" in held
    assert held["joint_margin_mm"].value == pytest.approx(figures.joint_clearance_mm)
    assert "length_max_mm" not in held
    # Every limit in turn drawn up to the tunnel holds it, and broken it does not.
    value = {"length_max_mm": figures.length_mm, "incidence_min_deg": figures.incidence_deg}
    for key, at in value.items():
        way = RELAXABLE[key].sense
        for room, holds in ((0.1, True), (-0.1, False), (3.0, False)):
            spec = Spec().with_values({key: at + way * room})
            assert (key in {limit.key for limit in limiting_constraints(figures, spec)}) is holds


def explained(*given: Any, gains: bool) -> dict[str, Any]:
    return content_of(explanation(*given, gains=gains))


@pytest.mark.long
def test_a_step_gains_what_planning_all_anew_gains(sample_hip: Hip, best: tuple[Tunnel, TunnelFigures]) -> None:
    told = explained(sample_hip, Spec(), [best], 0, gains=True)
    gains = {limit["key"]: limit["gain_fraction"] for limit in told["limits"]}
    assert gains["joint_margin_mm"] > 0.005
    anew = best_tunnel(sample_hip, replace(Spec(), joint_margin_mm=4.0)).figures
    assert anew is not None
    gained = anew.removed_fraction - best[1].removed_fraction
    assert gains["joint_margin_mm"] == pytest.approx(gained, abs=0.1 * gained)
    assert "would gain" in told["text"]
    # The joint margin may not be less than 3 mm: at its floor nothing is promised.
    floor = replace(Spec(), joint_margin_mm=3.0)
    found = best_tunnel(sample_hip, floor)
    assert found.tunnel is not None
    assert found.figures is not None
    told = explained(sample_hip, floor, [(found.tunnel, found.figures)], 0, gains=True)
    limit = next(limit for limit in told["limits"] if limit["key"] == "joint_margin_mm")
    assert limit["step"] is limit["gain_fraction"] is None


@pytest.mark.long
def test_a_tunnel_of_a_set_is_planned_again_beside_the_others(sample_hip: Hip) -> None:
    spec = replace(Spec(), tunnels=2, diameter_mm=6.0)
    pair = list(best_set(sample_hip, spec).tunnels)
    assert len(pair) == 2
    assert not set_violations(sample_hip, [tunnel for tunnel, _ in pair], spec)
    points = sample_hip.lesion.points_mm
    together = float(np.mean(pair[0][0].contains(points) | pair[1][0].contains(points)))
    for index in range(2):
        for limit in explained(sample_hip, spec, pair, index, gains=True)["limits"]:
            assert limit["gain_fraction"] is None or 0.0 <= limit["gain_fraction"] < 0.5 * together


def test_a_broken_path_is_promised_no_gain(sample_hip: Hip) -> None:
    tunnel = neck_tunnel(sample_hip, tip_beyond_mm=20.0, diameter_mm=10.0)
    figures = assess(sample_hip, tunnel, Spec())
    assert violations(figures, Spec())
    told = explained(sample_hip, Spec(), [(tunnel, figures)], 0, gains=True)
    assert all(limit["gain_fraction"] is None for limit in told["limits"])
    assert told["text"].startswith("Enters ")


def test_a_plan_opened_again_is_the_plan(folder: Path, sample_hip: Hip) -> None:
    again = open_plan(folder / "plan.json")
    plan = json.loads((folder / "plan.json").read_text())
    assert again.spec == Spec()
    assert again.hip.side == sample_hip.side
    assert again.tunnels[0][1].removed_fraction == pytest.approx(plan["tunnels"][0]["removed_fraction"], abs=1e-6)
    # A default plan is explained without measuring, in no time.
    assert plan["timings"]["explain_s"] < 0.5
    told = plan["tunnels"][0]["explanation"]
    assert told["limits"]
    assert all(limit["gain_fraction"] is None for limit in told["limits"])


def edited(folder: Path, tmp_path: Path, edit: Any) -> Path:
    plan = json.loads((folder / "plan.json").read_text())
    for item in plan["case"]["inputs"]:
        item["path"] = str(folder / item["path"])
    edit(plan)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan))
    return path


@pytest.mark.slow
def test_a_plan_that_is_not_what_its_masks_give_is_not_explained(folder: Path, tmp_path: Path) -> None:
    def tip(plan: dict[str, Any]) -> None:
        plan["tunnels"][0]["tip"][2] += 1.0

    def head(plan: dict[str, Any]) -> None:
        plan["anatomy"]["head_center"][0] += 0.5

    def spec(plan: dict[str, Any]) -> None:
        plan["spec"]["wish"] = 3.0

    def mask(plan: dict[str, Any]) -> None:
        plan["case"]["inputs"][0]["sha256"] = "0" * 64

    for edit, word in ((tip, r"tunnels\[0\]"), (head, "head"), (spec, "wish"), (mask, "changed")):
        with pytest.raises(InputError, match=word) as caught:
            open_plan(edited(folder, tmp_path, edit))
        assert "\n" not in str(caught.value)


@pytest.mark.long
def test_the_command_tells_what_each_limit_costs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(folder / "plan.json"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["tunnels"][0]
    assert {limit["step"] for limit in told["limits"]} == {1.0}
    assert main(["explain", str(folder / "plan.json")]) == 0
    assert "Limited by the margin to the joint" in " ".join(capsys.readouterr().out.split())
    assert main(["explain", "no/plan.json"]) == 2
