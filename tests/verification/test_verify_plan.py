"""Plans that are true by closed form are confirmed; each figure moved past its tolerance is refused by name."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from support.plan_factory import (
    NECK,
    SPEC,
    Pose,
    Shot,
    aim,
    in_bone,
    plan_of,
    portal_length,
    unit,
    write_masks,
    write_plan,
)

from corecore.base.errors import InputError
from corecore.document import stated as plan_file
from corecore.verification import recalculation
from corecore.verification.cylinder import Cylinder, DrilledCylinder, bore_of
from corecore.verification.drilled_volume import measure
from corecore.verification.frame import frame_of
from corecore.verification.hip import Hip, load_hip
from corecore.verification.landmarks import landmark_checks
from corecore.verification.quantities import necrosis_checks, total_checks
from corecore.verification.recalculation import verify_plan
from corecore.verification.report import Check, Verification, at_most
from corecore.verification.sets import set_checks
from corecore.verification.tunnel_checks import constraint_checks, figure_checks

POSES = {
    "right": Pose(),
    "left-turned": Pose(side="left", turn_deg=(8.0, -5.0, 12.0), spacing=(0.9, 0.9, 0.9)),
    "thick-slices": Pose(turn_deg=(3.0, 4.0, -6.0), spacing=(0.7, 0.7, 3.0)),
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with masks of the standing right hip, and its true plan."""
    folder = tmp_path_factory.mktemp("right")
    return folder, plan_of(write_masks(folder, POSES["right"]), POSES["right"])


@pytest.fixture(scope="module")
def base(case: tuple[Path, dict[str, Any]]) -> tuple[Verification, Hip]:
    """The true plan's verification, and the hip that was rebuilt for it."""
    path = write_plan(*case)
    return verify_plan(path), load_hip(plan_file.read_stated(path))


Judge = Callable[[dict[str, Any]], Verification]


@pytest.fixture
def judge(base: tuple[Verification, Hip], tmp_path: Path) -> Judge:
    """Judge an edited plan on the hip already rebuilt: the masks are the same, only figures change."""
    return lambda plan: recalculation.judge(plan_file.read_stated(write_plan(tmp_path, plan)), base[1])


def tunnel_names(plan: dict[str, Any], hip: Hip, folder: Path) -> set[str]:
    """Names of the checks of the first tunnel that fail, without those of totals and landmarks."""
    read = plan_file.read_stated(write_plan(folder, plan))
    frame, spacing = frame_of(read.anatomy, read.side), hip.bone.grid.spacing_mm
    tunnel = read.tunnels[0]
    found = measure(bore_of(tunnel), hip, frame, read.spec)
    checks = figure_checks("tunnels[0]", tunnel, found, read, frame, spacing)
    for judged in constraint_checks("tunnels[0]", tunnel, found, read, spacing).values():
        checks += judged
    return {check.name for check in checks if not check.ok}


def names(result: Verification) -> set[str]:
    return {check.name for check in result.disagreements}


def place(plan: dict[str, Any], name: str) -> tuple[Any, Any]:
    """Container and key of the figure that a check's name points to."""
    keys: list[Any] = [int(k) if k.isdigit() else k for k in re.findall(r"[^.\[\]]+", name)]
    node: Any = plan
    for key in keys[:-1]:
        node = node[key]
    return node, keys[-1]


def stated_figures(plan: dict[str, Any], result: Verification) -> list[Check]:
    """The checks of a figure that stands in the plan under the check's own name."""
    chosen = []
    for check in result.checks:
        if check.cross or check.relation != "=" or " " in check.name:
            continue
        if isinstance(check.stated, str) or check.stated is None:
            continue
        node, key = place(plan, check.name)
        if isinstance(node[key], float) and check.name != "tunnels[0].diameter_mm":
            chosen.append(check)
    return chosen


@pytest.mark.parametrize("name", list(POSES))
def test_a_true_plan_is_confirmed(name: str, tmp_path: Path) -> None:
    pose = POSES[name]
    result = verify_plan(write_plan(tmp_path, plan_of(write_masks(tmp_path, pose), pose)))
    assert not result.disagreements
    assert result.agrees
    # Of a version that seals nothing, and lists no files.
    assert [message.split(":")[0] for message in result.messages] == ["no seal", "no list of files"]
    assert len(result.checks) > 60


def test_separate_masks_and_two_tunnels_are_confirmed(tmp_path: Path) -> None:
    shots = (
        Shot(height=-33.0, diameter=4.0, through=(-2.0, 1.0, 6.0), round_deg=-8.0),
        Shot(height=-42.0, diameter=4.0, through=(-1.0, 4.0, 2.0), round_deg=-20.0),
    )
    spec = {"diameter_mm": 4.0, "tunnels": 2}
    plan = plan_of(write_masks(tmp_path, POSES["right"], separate=True), POSES["right"], shots, spec=spec)
    result = verify_plan(write_plan(tmp_path, plan))
    assert not result.disagreements
    assert any(check.name.endswith("bridge_min_mm") and check.ok for check in result.checks)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_every_figure_past_its_tolerance_is_refused_by_name_and_none_within_it(
    sign: float,
    case: tuple[Path, dict[str, Any]],
    base: tuple[Verification, Hip],
    judge: Judge,
) -> None:
    figures = stated_figures(case[1], base[0])
    keys = {check.name for check in figures}
    # Every figure of the contract that can be computed twice is among them.
    assert {f"tunnels[0].{key}" for key in plan_file.TUNNEL_FIGURES} <= keys
    assert {f"totals.{key}" for key in plan_file.TOTALS_REQUIRED} <= keys
    assert {"necrosis.volume_ml", "necrosis.head_fraction", "anatomy.head_radius_mm"} <= keys
    # These feed other checks (portal length, sphere, upper bound), so they are moved alone, below.
    feeding = {"tunnels[0].incidence_deg", "anatomy.head_radius_mm", "totals.removed_fraction"}
    feeding |= {"anatomy.lesser_trochanter_height_mm", "anatomy.neck_min_area_mm2"}
    for size, refused in ((1.05, True), (0.95, False)):
        plan = copy.deepcopy(case[1])
        moved = set()
        for check in figures:
            if check.name in feeding:
                continue
            assert isinstance(check.found, float)
            node, key = place(plan, check.name)
            value = check.found + sign * size * check.tolerance
            node[key] = value if value >= 0.0 or check.found < 0.0 else check.found + size * check.tolerance
            moved.add(check.name)
        assert names(judge(plan)) == (moved if refused else set())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_figures_that_feed_others_are_refused_too(sign: float, case: tuple[Path, dict[str, Any]], judge: Judge) -> None:
    amounts = {
        "tunnels[0].incidence_deg": 1.3,
        "tunnels[0].diameter_mm": 1.0,
        "anatomy.head_radius_mm": 1.4,
        "anatomy.lesser_trochanter_height_mm": 0.2,
        "anatomy.neck_min_area_mm2": 60.0,
        "totals.removed_fraction": 0.2,
    }
    plan = copy.deepcopy(case[1])
    for name, amount in amounts.items():
        node, key = place(plan, name)
        node[key] += sign * amount
    assert amounts.keys() <= names(judge(plan))


@pytest.mark.parametrize("amount", [0.008, -0.008])
def test_another_removed_fraction_is_refused_alone(
    amount: float, case: tuple[Path, dict[str, Any]], base: tuple[Verification, Hip], tmp_path: Path
) -> None:
    plan = copy.deepcopy(case[1])
    plan["totals"]["removed_fraction"] += amount
    expected = {"totals.removed_fraction", "totals.optimality_gap"}
    if amount > 0.0:
        expected.add("totals.upper_bound_fraction (above the plan)")
    read = plan_file.read_stated(write_plan(tmp_path, plan))
    bores = [bore_of(tunnel) for tunnel in read.tunnels]
    checks = total_checks(read, base[1], frame_of(read.anatomy, read.side), bores)
    assert {check.name for check in checks if not check.ok} == expected


def shifted(key: str, vector: tuple[float, float, float]) -> Callable[[dict[str, Any]], None]:
    def edit(plan: dict[str, Any]) -> None:
        node, last = place(plan, key)
        node[last] = (np.array(node[last]) + vector).tolist()

    return edit


def turned(key: str, toward: tuple[float, float, float], degrees: float) -> Callable[[dict[str, Any]], None]:
    def edit(plan: dict[str, Any]) -> None:
        node, last = place(plan, key)
        axis = unit(node[last])
        across = unit(np.array(toward) - np.dot(toward, axis) * axis)
        node[last] = (np.cos(np.radians(degrees)) * axis + np.sin(np.radians(degrees)) * across).tolist()

    return edit


def set_to(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(plan: dict[str, Any]) -> None:
        node, last = place(plan, key)
        node[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (shifted("tunnels[0].tip", (1.0, 0.0, 0.0)), "tunnels[0].length_mm"),
        (shifted("tunnels[0].tip", (0.0, 1.0, 0.0)), "tunnels[0].direction"),
        (shifted("tunnels[0].entry", (2.5, 0.0, 0.0)), "tunnels[0].entry (from the tip)"),
        (shifted("tunnels[0].entry", (0.0, 0.0, 1.0)), "tunnels[0].entry_above_lesser_trochanter_mm"),
        (set_to("tunnels[0].direction", [-0.9, 0.1, 0.5]), "tunnels[0].direction (length)"),
        (turned("tunnels[0].direction", (0, 1, 0), 0.2), "tunnels[0].direction"),
    ],
)
def test_a_tunnel_s_edit_is_refused_and_named(
    edit: Callable[[dict[str, Any]], None],
    named: str,
    case: tuple[Path, dict[str, Any]],
    base: tuple[Verification, Hip],
    tmp_path: Path,
) -> None:
    plan = copy.deepcopy(case[1])
    edit(plan)
    assert named in tunnel_names(plan, base[1], tmp_path)


def test_edits_all_over_the_plan_are_each_refused_and_named(case: tuple[Path, dict[str, Any]], judge: Judge) -> None:
    edits = (
        (shifted("necrosis.centroid", (0.0, 0.5, 0.0)), "necrosis.centroid"),
        (set_to("totals.upper_bound_fraction", 0.33), "totals.upper_bound_fraction (above the plan)"),
        (set_to("spec.cortical_margin_mm", 2.5), "tunnels[0].portal_length_mm"),
        (set_to("spec.joint_margin_mm", 2.0), "spec.joint_margin_mm"),
        (set_to("anatomy.sources.lesser_trochanter", "assumed"), "tunnels[0] entry_distal_mm"),
        (set_to("spec.tunnels", 0), "tunnels (number)"),
        (set_to("violations", [{"key": "length_max_mm", "limit": 1, "value": 2}]), "violations (number)"),
    )
    plan = copy.deepcopy(case[1])
    for edit, _ in edits:
        edit(plan)
    assert {named for _, named in edits} <= names(judge(plan))


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (shifted("anatomy.head_center", (3.0, 0.0, 0.0)), "anatomy.head_center"),
        (shifted("anatomy.head_center", (0.0, 3.0, 0.0)), "anatomy.head_center"),
        (shifted("anatomy.head_center", (0.0, 0.0, -3.0)), "anatomy.head_center"),
        (turned("anatomy.shaft_axis", (0, 1, 0), 4.0), "anatomy.shaft_axis"),
        (turned("anatomy.neck_axis", (0, 1, 0), 8.0), "anatomy.neck_axis"),
        (turned("anatomy.x_axis", (0, 1, 0), 2.0), "anatomy.x_axis (anteversion)"),
        (set_to("case.side", "left"), "case.side"),
        (turned("anatomy.x_axis", (0, 0, 1), 1.0), "anatomy.x_axis (square to the shaft)"),
        (shifted("anatomy.lesser_trochanter_tip", (0.0, 0.0, 1.0)), "anatomy.lesser_trochanter_height_mm"),
    ],
)
def test_a_landmark_off_the_bone_is_refused_and_named(
    edit: Callable[[dict[str, Any]], None],
    named: str,
    case: tuple[Path, dict[str, Any]],
    base: tuple[Verification, Hip],
    tmp_path: Path,
) -> None:
    plan = copy.deepcopy(case[1])
    edit(plan)
    read = plan_file.read_stated(write_plan(tmp_path, plan))
    checks = landmark_checks(read, base[1], frame_of(read.anatomy, read.side))
    assert named in {check.name for check in checks if not check.ok}


def test_every_limit_made_tighter_than_the_tunnel_is_refused_by_name(
    case: tuple[Path, dict[str, Any]], base: tuple[Verification, Hip], tmp_path: Path
) -> None:
    plan = copy.deepcopy(case[1])
    tighter = {
        "posterosuperior_margin_mm": 7.5,
        "joint_margin_mm": 6.5,
        "incidence_min_deg": 57.0,
        "shaft_angle_min_deg": 125.0,
        "shaft_angle_max_deg": 124.0,
        "length_max_mm": 86.0,
        "entry_normal_max_deg": 10.0,
        "entry_ap_max_mm": 2.5,
        "entry_distal_mm": 7.0,
        "entry_proximal_mm": 18.0,
    }
    plan["spec"].update(tighter)
    assert tunnel_names(plan, base[1], tmp_path) == {f"tunnels[0] {key}" for key in tighter}
    plan["spec"]["cortical_margin_mm"] = 7.5
    assert "tunnels[0] cortical_margin_mm" in tunnel_names(plan, base[1], tmp_path)


def test_a_tunnel_through_the_neck_s_wall_breaks_its_margins_by_the_own_figures(
    case: tuple[Path, dict[str, Any]], base: tuple[Verification, Hip], judge: Judge, tmp_path: Path
) -> None:
    # A true plan of a bad tunnel: every figure is right, the constraints are not kept.
    inputs = case[1]["case"]["inputs"]
    result = judge(plan_of(inputs, POSES["right"], (Shot(height=-37.5, through=(-1.0, -2.0, 12.0)),)))
    assert {"tunnels[0] cortical_margin_mm", "tunnels[0] posterosuperior_margin_mm"} <= names(result)
    assert not {name for name in names(result) if name.startswith(("tunnels[0].", "totals."))}
    shallow = plan_of(inputs, POSES["right"], (Shot(joint=3.5),))
    assert tunnel_names(shallow, base[1], tmp_path) == {"tunnels[0] joint_margin_mm"}


def set_names(shots: tuple[Shot, ...], hip: Hip) -> set[str]:
    """Names of the constraints that a set of tunnels breaks together."""
    bores, portals = [], []
    for shot in shots:
        made, normal = aim(shot)
        entry, tip = POSES["right"].world(made.entry), POSES["right"].world(made.tip)
        bores.append(DrilledCylinder(Cylinder(entry, unit(tip - entry), made.length, made.diameter / 2.0), None))
        portals.append(portal_length(made, normal, SPEC["cortical_margin_mm"]))
    judged = set_checks(bores, portals, hip.mesh, SPEC["bridge_min_mm"])
    return {check.name for checks in judged.values() for check in checks if not check.ok}


@pytest.mark.parametrize(
    ("shots", "broken"),
    [
        # Holes of 4 mm, 5 mm apart on the shaft: 4 / sin 55° = 4.9 mm tall, so no bridge is left.
        ((Shot(-35.0, diameter=4.0), Shot(-40.0, (-1.0, 6.0, 0.0), diameter=4.0)), "bridge_min_mm"),
        ((Shot(-35.0, diameter=4.0), Shot(-43.5, (-1.0, 6.0, -4.0), diameter=4.0)), None),
        ((Shot(diameter=4.0), Shot(through=(-1.0, 2.0, 4.3), diameter=4.0)), "overlap"),
        ((Shot(diameter=4.0), Shot(through=(-1.0, 7.0, -2.0), diameter=4.0)), None),
    ],
)
def test_holes_too_near_and_tunnels_too_alike_are_refused(
    shots: tuple[Shot, ...], broken: str | None, base: tuple[Verification, Hip]
) -> None:
    assert set_names(shots, base[1]) == (set() if broken is None else {f"tunnels[0] and tunnels[1] {broken}"})


@pytest.mark.parametrize(("diameter", "refused"), [(6.0, True), (4.9, False)])
def test_three_wide_holes_are_one_too_many(diameter: float, refused: bool, base: tuple[Verification, Hip]) -> None:
    places = ((-30.0, -14.0), (-45.0, -14.0), (-38.0, 40.0))
    shots = tuple(Shot(height, round_deg=turn, diameter=diameter) for height, turn in places)
    assert ("tunnels (separate wide holes)" in set_names(shots, base[1])) is refused


def test_a_manual_plan_must_list_what_it_breaks_and_only_that(
    case: tuple[Path, dict[str, Any]], judge: Judge, tmp_path: Path
) -> None:
    plan = plan_of(case[1]["case"]["inputs"], POSES["right"], (Shot(joint=3.5),))
    plan["status"] = "manual"
    assert names(judge(plan)) == {"violations joint_margin_mm"}
    plan["violations"] = [{"key": "joint_margin_mm", "limit": 5.0, "value": 3.5}]
    result = judge(plan)
    assert result.agrees
    # The same verdict with a limit listed that the tunnel clearly keeps.
    constraints = {"length_max_mm": [at_most("tunnels[0] length_max_mm", 130.0, 86.0, 0.05, "mm")]}
    for listed, ok in (([], True), ([{"key": "length_max_mm", "limit": 80.0, "value": 86.0}], False)):
        read = plan_file.read_stated(write_plan(tmp_path, {**plan, "violations": listed}))
        assert [check.ok for check in recalculation.violation_checks(read, constraints)[0]] == [ok]


def test_an_infeasible_plan_has_no_tunnels_and_true_necrosis_figures(
    case: tuple[Path, dict[str, Any]], judge: Judge
) -> None:
    plan = copy.deepcopy(case[1])
    plan["status"] = "infeasible"
    assert names(judge(plan)) == {"tunnels (number)"}
    plan["tunnels"], plan["totals"] = [], {}
    assert judge(plan).agrees
    plan["necrosis"]["volume_ml"] *= 1.03
    assert names(judge(plan)) == {"necrosis.volume_ml"}


def test_changed_inputs_are_said_to_be_changed(case: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    plan = copy.deepcopy(case[1])
    shutil.copy(case[0] / "seg.nii.gz", tmp_path)
    plan["case"]["inputs"][1]["sha256"] = "0" * 64
    result = verify_plan(write_plan(tmp_path, plan))
    assert not result.agrees
    told = [message for message in result.messages if not message.startswith("no seal")]
    assert len(told) == 1
    assert "input changed" in told[0]
    assert "lesion" in told[0]


def flipped(image: Any) -> Any:
    """The same voxels under an affine that swaps left and right about the volume's middle."""
    affine = image.affine.copy()
    affine[0, 3] += affine[0, 0] * (image.shape[0] - 1)
    affine[0, 0] *= -1
    return nib.Nifti1Image(np.asarray(image.dataobj), affine)


def moved(image: Any) -> Any:
    affine = image.affine.copy()
    affine[:3, 3] += [2.0, -1.0, 1.0]
    return nib.Nifti1Image(np.asarray(image.dataobj), affine)


def grown(image: Any) -> Any:
    """The lesion 2 mm wider on one side."""
    labels = np.asarray(image.dataobj).copy()
    wide = (labels == 2) | np.roll(labels == 2, 2, axis=0)
    labels[wide & (labels > 0)] = 2
    return nib.Nifti1Image(labels, image.affine)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (flipped, {"anatomy.head_center", "necrosis.centroid"}),
        (moved, {"anatomy.head_center", "necrosis.centroid"}),
        (grown, {"necrosis.volume_ml", "necrosis.head_fraction"}),
    ],
)
def test_a_plan_of_another_mask_is_refused(
    change: Callable[[Any], Any], named: set[str], case: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    plan = copy.deepcopy(case[1])
    nib.save(change(nib.load(case[0] / "seg.nii.gz")), tmp_path / "seg.nii.gz")
    other = write_masks(tmp_path, POSES["right"])  # keeps the file that is there, with its fingerprint
    plan["case"]["inputs"] = other
    read = plan_file.read_stated(write_plan(tmp_path, plan))
    hip, frame = load_hip(read), frame_of(read.anatomy, read.side)
    checks = [*landmark_checks(read, hip, frame), *necrosis_checks(read, hip, frame)]
    assert named <= {check.name for check in checks if not check.ok}


def test_a_missing_input_is_an_error_that_names_it(case: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"seg\.nii\.gz"):
        verify_plan(write_plan(tmp_path, case[1]))


def test_nothing_checked_agrees_with_nothing() -> None:
    assert not Verification(()).agrees


def test_the_factory_s_neck_lies_in_its_own_bone() -> None:
    points = -np.linspace(0.0, 50.0, 11)[:, None] * NECK
    assert in_bone(points).all()
    assert not in_bone(np.array([[0.0, 0.0, 25.0]])).any()
