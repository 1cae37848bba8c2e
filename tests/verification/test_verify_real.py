"""Real hips: the planner's own plans are confirmed by the second road, and edits of them are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.shared import shared

from corecore.verification.recalculation import verify_plan
from corecore.verification.report import Verification

# Ten seconds each, and the same figures on phantoms are judged by the fast tests.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plan_folder(real_hips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a plan of the base hip, made by the planner."""
    from corecore.base.spec import Spec
    from corecore.exports.plan_folder import write_plan
    from corecore.hip.case import load_case
    from corecore.planning.planner import plan_hip

    path = real_hips / "h01_right_wedge15.nii.gz"
    hip, spec = shared.build_hip(load_case(f"{path}:1", f"{path}:2", case_id="h01")), Spec()
    folder = tmp_path_factory.mktemp("real") / "plan"
    with shared.in_package():
        write_plan(plan_hip(hip, spec, shared.measure(hip, spec)), folder, pictures=False)
    return folder


@pytest.fixture(scope="module")
def confirmed(plan_folder: Path) -> Verification:
    return verify_plan(plan_folder / "plan.json")


def test_the_planner_s_plan_is_confirmed(confirmed: Verification) -> None:
    assert not confirmed.disagreements
    assert confirmed.agrees
    assert len(confirmed.checks) > 60


def edited(folder: Path, key: str, value: Any) -> set[str]:
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    plan["tunnels"][0][key] = value(plan["tunnels"][0])
    path = folder / "edited.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    return {check.name for check in verify_plan(path).disagreements}


def test_a_tip_one_millimetre_deeper_breaks_the_plan(plan_folder: Path) -> None:
    broken = edited(plan_folder, "tip", lambda t: (np.array(t["tip"]) + np.array(t["direction"])).tolist())
    assert {"tunnels[0].length_mm", "tunnels[0].joint_clearance_mm", "tunnels[0] joint_margin_mm"} <= broken
    assert {"tunnels[0].removed_fraction", "totals.removed_fraction"} <= broken


def test_a_wider_drill_breaks_the_plan(plan_folder: Path) -> None:
    broken = edited(plan_folder, "diameter_mm", lambda t: t["diameter_mm"] + 1.0)
    assert {"tunnels[0].diameter_mm", "totals.graft_volume_ml"} <= broken
    # Its wall is nearer to some surface: to which one depends on where the safest tunnel lies.
    assert broken & {f"tunnels[0].{what}_clearance_mm" for what in ("cortical", "posterosuperior", "joint")}
