"""Plans with places and targets, written whole and judged by the second road."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from support.keep_out import ball

from corecore.base.spec import Spec, preset
from corecore.document.content import content_of
from corecore.exports.plan_folder import write_plan
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip
from corecore.measures.model import measure
from corecore.planning.planner import plan_hip
from corecore.study.samples import sample
from corecore.verification.recalculation import verify_plan

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hip, dict[str, Any]]:
    """The sample, and a thin tunnel in it."""
    path = sample()
    hip = build_hip(load_case(f"{path}:1", f"{path}:2"))
    return hip, written(hip, Spec(diameter_mm=6.0), tmp_path_factory.mktemp("first"))


def written(hip: Hip, spec: Spec, folder: Path) -> dict[str, Any]:
    plan = plan_hip(hip, spec, measure(hip, spec))
    return content_of(write_plan(plan, folder, pictures=False))


def agrees(folder: Path) -> None:
    result = verify_plan(folder / "plan.json")
    assert not result.disagreements
    assert result.agrees


def test_around_a_kept_tunnel_and_out_of_a_region(first: tuple[Hip, dict[str, Any]], tmp_path: Path) -> None:
    _, plan = first
    tunnel = plan["tunnels"][0]
    entry, heading = np.array(tunnel["entry"]), np.array(tunnel["direction"])
    aside = np.cross(heading, [0.0, 0.0, 1.0])
    mask = ball(entry - 20.0 * heading + 10.0 * aside / np.linalg.norm(aside))
    file = tmp_path / "vessel.nii.gz"
    nib.save(nib.Nifti1Image(mask.voxels.astype(np.uint8), mask.grid.world_from_index), file)
    path = sample()
    hip = build_hip(load_case(f"{path}:1", f"{path}:2", avoid=str(file)))
    kept = {"entry": tunnel["entry"], "tip": tunnel["tip"], "diameter_mm": 6.0}
    spec = Spec(diameter_mm=3.2, tunnels=2, avoid_margin_mm=1.0).with_values({"keep": [kept]})
    out = tmp_path / "out"
    content = written(hip, spec, out)
    assert [t["kept"] for t in content["tunnels"]] == [True, False]
    assert content["tunnels"][0]["avoid_clearance_mm"] == pytest.approx(10.0 - 3.0 - 5.0, abs=0.5)
    assert content["tunnels"][1]["avoid_clearance_mm"] >= 1.0
    assert {source["role"] for source in content["case"]["inputs"]} == {"femur", "lesion", "avoid"}
    agrees(out)
    # A margin that the plan does not keep, and a kept tunnel that was moved, are seen.
    for change, name in (("margin", "tunnels[0] avoid"), ("tip", "tunnels[0] kept tip")):
        wrong = json.loads((out / "plan.json").read_text())
        if change == "margin":
            wrong["spec"]["avoid_margin_mm"] = 4.0
        else:
            wrong["spec"]["keep"][0]["tip"][0] += 1.0
        (out / "wrong.json").write_text(json.dumps(wrong))
        assert name in {check.name for check in verify_plan(out / "wrong.json").disagreements}


@pytest.mark.parametrize("target", ["weight-bearing", "reached"])
def test_through_an_entry_for_another_target(first: tuple[Hip, dict[str, Any]], target: str, tmp_path: Path) -> None:
    hip, plan = first
    spec = Spec(diameter_mm=6.0, target=target, entry_fixed=tuple(plan["tunnels"][0]["entry"]))
    content = written(hip, spec, tmp_path)
    totals = content["totals"]
    assert np.linalg.norm(np.subtract(content["tunnels"][0]["entry"], plan["tunnels"][0]["entry"])) < 0.5
    assert totals["target_fraction"] > 0.0
    if target == "reached":
        assert totals["target_fraction"] == totals["reached_3mm_fraction"]
        assert totals["target_fraction"] >= plan["totals"]["reached_3mm_fraction"] - 0.002
    agrees(tmp_path)
    for change, name in (("entry", "tunnels[0] entry_fixed"), ("target", "totals.target_fraction")):
        wrong = json.loads((tmp_path / "plan.json").read_text())
        if change == "entry":
            wrong["spec"]["entry_fixed"][2] += 1.0
        else:
            wrong["totals"]["target_fraction"] += 0.02
        (tmp_path / "wrong.json").write_text(json.dumps(wrong))
        assert name in {check.name for check in verify_plan(tmp_path / "wrong.json").disagreements}


def test_the_reamers_cavity_along_a_direction(first: tuple[Hip, dict[str, Any]], tmp_path: Path) -> None:
    hip, plan = first
    heading = tuple(5.0 * np.array(plan["tunnels"][0]["direction"]))
    spec = replace(preset("acd"), cavity_diameter_mm=15.0, cavity_length_mm=12.0, direction_fixed=heading)
    content = written(hip, spec, tmp_path)
    assert content["tunnels"][0]["cavity_diameter_mm"] == 15.0
    assert content["totals"]["upper_bound_fraction"] is None
    agrees(tmp_path)
    wrong = json.loads((tmp_path / "plan.json").read_text())
    wrong["tunnels"][0]["cavity_diameter_mm"] = 19.0
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    names = {check.name for check in verify_plan(tmp_path / "wrong.json").disagreements}
    assert {"tunnels[0] cavity_diameter_mm", "totals.graft_volume_ml"} <= names
