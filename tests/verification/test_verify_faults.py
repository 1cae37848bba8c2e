"""Faults planted in a true plan are each caught by its figures, though the plan is sealed again; honest plans pass."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from support.plan_factory import Pose, Shot, plan_of, write_masks, write_plan

from corecore.base.errors import InputError
from corecore.document.seal import seal_of
from corecore.io.files import sha256_of
from corecore.verification.recalculation import verify_plan
from corecore.verification.report import Verification

SHOTS = (
    Shot(height=-33.0, diameter=4.0, through=(-2.0, 1.0, 6.0), round_deg=-8.0),
    Shot(height=-42.0, diameter=4.0, through=(-1.0, 4.0, 2.0), round_deg=-20.0),
)
Plan = dict[str, Any]


@pytest.fixture(scope="module")
def true_plan(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    """A folder with masks and the plan of two tunnels that is true of them by closed form."""
    folder = tmp_path_factory.mktemp("true")
    plan = plan_of(write_masks(folder, Pose()), Pose(), SHOTS, spec={"diameter_mm": 4.0, "tunnels": 2})
    return folder, plan


def planted(true_plan: tuple[Path, Plan], folder: Path, fault: Callable[[Plan, Path], None]) -> Verification:
    """The verification of a copy with a fault, sealed after it, so that the seal tells nothing."""
    shutil.copy(true_plan[0] / "seg.nii.gz", folder)
    plan = copy.deepcopy(true_plan[1])
    fault(plan, folder)
    plan["seal"] = seal_of(plan)
    return verify_plan(write_plan(folder, plan))


def shift(part: Plan, key: str, millimetres: float, way: Any) -> None:
    part[key] = (np.array(part[key]) + millimetres * np.array(way)).tolist()


def tip_moved(plan: Plan, folder: Path) -> None:
    shift(plan["tunnels"][0], "tip", 1.0, plan["tunnels"][0]["direction"])


def entry_moved(plan: Plan, folder: Path) -> None:
    shift(plan["tunnels"][0], "entry", 2.0, [0.0, 0.0, 1.0])


def wider(plan: Plan, folder: Path) -> None:
    plan["tunnels"][0]["diameter_mm"] += 1.0


def removes_more(plan: Plan, folder: Path) -> None:
    plan["totals"]["removed_fraction"] += 0.02


def clearer(plan: Plan, folder: Path) -> None:
    plan["tunnels"][1]["cortical_clearance_mm"] += 1.0


def more_graft(plan: Plan, folder: Path) -> None:
    plan["totals"]["graft_volume_ml"] *= 1.2


def head_moved(plan: Plan, folder: Path) -> None:
    shift(plan["anatomy"], "head_center", 3.0, [0.0, 0.6, 0.8])


def rewritten(plan: Plan, folder: Path, change: Callable[[Any, Any], tuple[Any, Any]]) -> None:
    """Another mask under the same name, and its fingerprint in the plan."""
    image = nib.load(folder / "seg.nii.gz")
    labels, affine = change(np.asarray(image.dataobj).copy(), image.affine.copy())
    nib.save(nib.Nifti1Image(labels, affine), folder / "seg.nii.gz")
    for item in plan["case"]["inputs"]:
        item["sha256"] = sha256_of(folder / "seg.nii.gz")


def other_mask(plan: Plan, folder: Path) -> None:
    def change(labels: Any, affine: Any) -> tuple[Any, Any]:
        labels[((labels == 2) | np.roll(labels == 2, 2, axis=0)) & (labels > 0)] = 2
        return labels, affine

    rewritten(plan, folder, change)


def other_side(plan: Plan, folder: Path) -> None:
    plan["case"]["side"] = "left"


def flipped(plan: Plan, folder: Path) -> None:
    def change(labels: Any, affine: Any) -> tuple[Any, Any]:
        affine[0, 3] += affine[0, 0] * (labels.shape[0] - 1)
        affine[0, 0] *= -1.0
        return labels, affine

    rewritten(plan, folder, change)


def dropped(plan: Plan, folder: Path) -> None:
    plan["tunnels"].pop()


def margin_edited(plan: Plan, folder: Path) -> None:
    plan["spec"]["cortical_margin_mm"] -= 1.0


def hash_changed(plan: Plan, folder: Path) -> None:
    plan["case"]["inputs"][0]["sha256"] = "0" * 64


def bound_too_low(plan: Plan, folder: Path) -> None:
    plan["totals"]["upper_bound_fraction"] = plan["totals"]["removed_fraction"] - 0.001


def focus_grown(plan: Plan, folder: Path) -> None:
    plan["necrosis"]["components"][0]["volume_ml"] *= 1.1


def focus_elsewhere(plan: Plan, folder: Path) -> None:
    plan["necrosis"]["components"][0]["octant"] = "PSM"


def focus_untouched(plan: Plan, folder: Path) -> None:
    plan["totals"]["foci_removed_fraction"][0] = 0.0


def focus_made_up(plan: Plan, folder: Path) -> None:
    plan["necrosis"]["components"] *= 2


FAULTS: dict[Callable[[Plan, Path], None], str] = {
    tip_moved: "tunnels[0].length_mm",
    entry_moved: "tunnels[0].entry_above_lesser_trochanter_mm",
    wider: "tunnels[0].diameter_mm",
    removes_more: "totals.removed_fraction",
    clearer: "tunnels[1].cortical_clearance_mm",
    more_graft: "totals.graft_volume_ml",
    head_moved: "anatomy.head_center",
    other_mask: "necrosis.volume_ml",
    other_side: "case.side",
    flipped: "anatomy.head_center",
    dropped: "totals.removed_fraction",
    margin_edited: "tunnels[0].portal_length_mm",
    hash_changed: "case.inputs[0].sha256 (femur)",
    focus_grown: "necrosis.components[0].volume_ml",
    focus_elsewhere: "necrosis.components[0].octant",
    focus_untouched: "totals.foci_removed_fraction[0]",
    focus_made_up: "necrosis.components (number)",
    bound_too_low: "totals.upper_bound_fraction (above the plan)",
}


def test_the_plan_is_true_before_any_fault(true_plan: tuple[Path, Plan], tmp_path: Path) -> None:
    result = planted(true_plan, tmp_path, lambda plan, folder: None)
    assert result.agrees, result.disagreements
    assert "plan.json (seal)" in {check.name for check in result.checks}
    # Of a version that lists none.
    assert [message.split(":")[0] for message in result.messages] == ["no list of files"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_caught_by_name(
    fault: Callable[[Plan, Path], None], true_plan: tuple[Path, Plan], tmp_path: Path
) -> None:
    result = planted(true_plan, tmp_path, fault)
    assert not result.agrees
    assert FAULTS[fault] in {check.name for check in result.disagreements}


def test_an_edit_that_no_figure_shows_breaks_the_seal(true_plan: tuple[Path, Plan], tmp_path: Path) -> None:
    shutil.copy(true_plan[0] / "seg.nii.gz", tmp_path)
    plan = {**copy.deepcopy(true_plan[1])}
    plan["seal"] = seal_of(plan)
    # A margin that the tunnel keeps with room to spare leaves no trace in any figure.
    plan["spec"]["posterosuperior_margin_mm"] -= 1.0
    result = verify_plan(write_plan(tmp_path, plan))
    assert {check.name for check in result.disagreements} == {"plan.json (seal)"}
    assert any(message.startswith("plan edited") for message in result.messages)


def test_the_seal_knows_content_from_time_and_order(true_plan: tuple[Path, Plan]) -> None:
    plan = true_plan[1]
    seal = seal_of(plan)
    assert seal_of({**plan, "created": "later", "timings": {"load_s": 9.0}, "seal": "x"}) == seal
    assert seal_of(dict(reversed(plan.items()))) == seal
    assert seal_of(json.loads(json.dumps(plan))) == seal
    assert seal_of({**plan, "status": "manual"}) != seal
    with pytest.raises(InputError):
        seal_of({"figure": float("nan")})


def test_a_moved_file_an_exchanged_one_and_a_lost_one_are_told_apart(
    true_plan: tuple[Path, Plan], tmp_path: Path
) -> None:
    shutil.copy(true_plan[0] / "seg.nii.gz", tmp_path)
    plan = copy.deepcopy(true_plan[1])
    for item in plan["case"]["inputs"]:
        item["path"] = "/elsewhere/seg.nii.gz"
    plan["seal"] = seal_of(plan)
    path = write_plan(tmp_path, plan)
    result = verify_plan(path)
    assert result.agrees
    assert sorted(message.split(":")[0] for message in result.messages) == ["input moved"] * 2 + ["no list of files"]
    (tmp_path / "seg.nii.gz").unlink()
    with pytest.raises(InputError, match="moved or lost"):
        verify_plan(path)


def test_two_masks_exchanged_say_which_is_which(tmp_path: Path) -> None:
    plan = plan_of(write_masks(tmp_path, Pose(), separate=True), Pose())
    first, second = plan["case"]["inputs"]
    first["path"], second["path"] = second["path"], first["path"]
    result = verify_plan(write_plan(tmp_path, plan))
    assert not result.agrees
    assert [message.split(":")[0] for message in result.messages] == ["input exchanged"] * 2
    assert "lesion's file" in result.messages[0]


def test_plans_of_other_versions_open_or_say_why_not(true_plan: tuple[Path, Plan], tmp_path: Path) -> None:
    shutil.copy(true_plan[0] / "seg.nii.gz", tmp_path)
    # The factory's plan has none of the newer keys, and opens; keys that nobody knows do no harm.
    plan = {**copy.deepcopy(true_plan[1]), "novelty": {"figure": 1.0}}
    assert not {"seal", "nearest"} & set(plan)
    assert verify_plan(write_plan(tmp_path, plan)).agrees
    plan["totals"]["graft_volume_ml"] *= 1.2
    result = verify_plan(write_plan(tmp_path, plan))
    assert any(message.startswith("other version: corecore 0 ") for message in result.messages)
    words = {"corecore.plan/2": "another version", "corecore.measures/1": "accepted", "x": "accepted"}
    for schema, word in words.items():
        with pytest.raises(InputError, match=word) as caught:
            verify_plan(write_plan(tmp_path, {**plan, "schema": schema}))
        assert "\n" not in str(caught.value)


SEEDS = range(100, 150)
REAL = [
    "h01_right_wedge15", "h02_right_medial15", "h03_left_small05", "h04_left_posterior15", "h05_right_short_scan",
    "h06_left_full_femur", "h07_left_170mm", "h08_h01_oblique", "h09_h01_aniso_3mm", "h10_h01_sagittal_order",
    "h11_h01_mirrored", "h12_h01_dirty", "h13_right_ct_3mm", "h14",
]  # fmt: skip


def honest(femur: str, lesion: str, out: Path) -> Verification:
    """The verification of the planner's own plan, feasible or not."""
    from corecore.base.spec import Spec
    from corecore.exports.plan_folder import write_plan as write_folder
    from corecore.hip.case import load_case
    from corecore.hip.hip import build_hip
    from corecore.measures.model import measure
    from corecore.planning.planner import plan_hip

    hip = build_hip(load_case(femur, lesion))
    write_folder(plan_hip(hip, Spec(), measure(hip, Spec())), out, pictures=False)
    return verify_plan(out / "plan.json")


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_an_honest_plan_of_a_phantom_passes(seed: int, tmp_path: Path) -> None:
    from corecore.study.phantom.files import write_hip
    from corecore.study.phantom.hip import make_hip

    write_hip(make_hip(seed), tmp_path, "hip")
    result = honest(f"{tmp_path / 'hip.nii.gz'}:1", f"{tmp_path / 'hip.nii.gz'}:2", tmp_path / "plan")
    assert result.agrees, result.disagreements
    assert not result.messages


@pytest.mark.long
@pytest.mark.parametrize("name", REAL)
def test_an_honest_plan_of_a_real_hip_passes(name: str, real_hips: Path, tmp_path: Path) -> None:
    files = (f"{real_hips / name}.nii.gz:1", f"{real_hips / name}.nii.gz:2")
    if name == "h14":
        files = str(real_hips / "h14_femur_mask.nii.gz"), str(real_hips / "h14_lesion_mask_oblique_grid.nii.gz")
    result = honest(*files, tmp_path / "plan")
    assert result.agrees, result.disagreements
    assert not result.messages
