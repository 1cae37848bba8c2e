"""What to keep out of: the search against closed forms, and the second road on a plan that does not."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from support.keep_out import BALL_MM, ball
from support.plan_factory import Pose, plan_of, write_masks, write_plan
from support.shared import shared

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Mask, inverse
from corecore.base.limits import OUTWARD_MM
from corecore.base.spec import Spec
from corecore.document import stated as plan_file
from corecore.hip.case import load_case
from corecore.hip.hip import Hip
from corecore.hip.keep_out import KeepOutRegion, Role, barrier_of
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.constraint_gaps import survey_gaps
from corecore.planning.search.infeasible import explain
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.single import best_tunnel, lattice, tunnel_of_line
from corecore.study.samples import sample
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import (
    RING_POINTS,
    RING_STEP_MM,
    assess,
)
from corecore.tunnels.limits import Reason, violations
from corecore.verification import recalculation
from corecore.verification.hip import load_hip
from corecore.verification.recalculation import verify_plan

SPEC = Spec(diameter_mm=6.0, avoid_margin_mm=1.5)


def barrier(hip: Hip, middle: FloatArray, role: Role = "avoid", radius: float = BALL_MM) -> KeepOutRegion:
    """A ball about a local point, as a barrier of the hip."""
    size = hip.bone.spacing_mm * hip.bone.distance_mm.shape
    found = barrier_of(role, ball(hip.to_world(middle), radius), inverse(hip.world_from_local), size)
    assert found is not None
    return found


def clearance(tunnel: Tunnel, middle: FloatArray, radius: float = BALL_MM) -> float:
    """Closed form: from a tunnel prolonged outward to a ball."""
    along = float((middle - tunnel.entry) @ tunnel.direction)
    across = float(np.linalg.norm(middle - tunnel.entry - along * tunnel.direction))
    beyond = max(0.0, -OUTWARD_MM - along, along - tunnel.length_mm)
    return float(np.hypot(max(0.0, across - tunnel.radius_mm), beyond)) - radius


@pytest.fixture(scope="module")
def free(sample_hip: Hip) -> Tunnel:
    tunnel = shared.best_tunnel(sample_hip, SPEC).tunnel
    assert tunnel is not None
    return tunnel


@pytest.mark.parametrize(("role", "margin"), [("avoid", 1.5), ("pelvis", 0.0)])
def test_the_kernel_lets_pass_what_closed_form_does(sample_hip: Hip, free: Tunnel, role: Role, margin: float) -> None:
    middle = free.entry - 12.0 * free.direction + 3.0 * free.ring_basis()[0]
    region = barrier(sample_hip, middle, role)
    hip = replace(sample_hip, avoid=region) if role == "avoid" else replace(sample_hip, pelvis=region)
    plain, problem = build_problem(sample_hip, SPEC), build_problem(hip, SPEC)
    rng = np.random.default_rng(0)
    lines = lattice(problem)
    lines = lines[rng.choice(len(lines), 20_000, replace=False)]
    ring = ring_points(RING_POINTS)
    _, before, counts = evaluate_many(plain, lines, ring, RING_STEP_MM)
    lines, before = lines[counts > 0], before[counts > 0]
    reasons, after, _ = evaluate_many(problem, lines, ring, RING_STEP_MM)
    kept = broken = 0
    for i in range(len(lines)):
        true = clearance(tunnel_of_line(SPEC, problem, lines[i], *before[i]), middle)
        if reasons[i] == Reason.OK:
            assert true > margin - 0.4
            assert np.allclose(after[i], before[i])
            kept += 1
        else:
            assert reasons[i] == (Reason.AVOID if role == "avoid" else Reason.PELVIS)
            assert true < margin + 0.4
            broken += 1
    assert kept > 20
    assert broken > 20


@pytest.mark.long
def test_a_region_in_the_head_ends_the_tunnel_before_it(sample_hip: Hip, free: Tunnel) -> None:
    middle = free.tip - 4.0 * free.direction
    problem = build_problem(replace(sample_hip, avoid=barrier(sample_hip, middle, radius=2.5)), SPEC)
    lines = lattice(problem)
    _, ends, counts = evaluate_many(problem, lines, ring_points(16), 1.0)
    tunnels = [tunnel_of_line(SPEC, problem, lines[i], *ends[i]) for i in np.flatnonzero(counts)]
    gaps = np.array([clearance(tunnel, middle, 2.5) for tunnel in tunnels])
    assert gaps.min() > 1.5 - 0.4
    # Some end right before the margin.
    assert np.count_nonzero(np.abs(gaps - 1.5) < 0.3) > 5


@pytest.mark.long
def test_the_best_tunnel_keeps_away(sample_hip: Hip, free: Tunnel) -> None:
    middle = free.entry - 10.0 * free.direction
    hip = replace(sample_hip, avoid=barrier(sample_hip, middle, radius=2.5))
    assert "avoid" in {item.key for item in violations(assess(hip, free, SPEC), SPEC)}
    found = best_tunnel(hip, SPEC)
    assert found.tunnel is not None
    assert found.figures is not None
    assert found.figures.avoid_clearance_mm == pytest.approx(clearance(found.tunnel, middle, 2.5), abs=0.4)
    assert not violations(found.figures, SPEC)
    assert 0.0 < found.figures.removed_fraction < assess(hip, free, SPEC).removed_fraction


@pytest.mark.long
def test_where_the_region_covers_every_way_in_it_is_named(sample_hip: Hip, free: Tunnel) -> None:
    hip = replace(sample_hip, avoid=barrier(sample_hip, free.entry - 14.0 * free.direction, radius=26.0))
    problem = build_problem(hip, SPEC)
    lines = lattice(problem, offset_step=3.0, slope_step=0.06)
    reasons, _, counts = evaluate_many(problem, lines, ring_points(16), 1.0)
    assert not counts.any()
    assert np.count_nonzero(reasons == Reason.AVOID) > 10
    asked: list[float] = []

    def again(spec: Spec, lines: FloatArray | None, shrunk_mm: float = 0.0) -> bool:
        """A planner that needs three millimetres more than the lines that came nearest."""
        asked.append(shrunk_mm)
        return shrunk_mm >= asked[0] + 3.0

    survey = survey_gaps(problem, lines)
    way = next(way for way in explain(SPEC, problem, survey, [], again).relaxations if way.key == "avoid")
    assert way.limit == 1.5
    # Not what lines came to, but what was planned with, to a step.
    assert way.amount == pytest.approx(asked[0] + 3.0, abs=0.11)
    assert way.part().confirmed
    # Where planning never succeeds nothing is named; where nobody plans it is said so.
    assert "avoid" not in {
        one.key for one in explain(SPEC, problem, survey, [], lambda spec, lines, shrunk_mm=0.0: False).relaxations
    }
    plain = next(
        one for one in explain(SPEC, problem, survey, [], again, confirm=False).relaxations if one.key == "avoid"
    )
    assert not plain.part().confirmed


def test_a_smaller_region_lies_further_away(sample_hip: Hip) -> None:
    middle = sample_hip.anatomy.head_center
    region = barrier(sample_hip, middle, radius=6.0)
    smaller, points = region.shrunk(1.5), middle + np.outer(np.linspace(0.0, 12.0, 9), [0.6, 0.0, 0.8])
    assert smaller.distance(points) == pytest.approx(region.distance(points) + 1.5, abs=1e-4)
    assert smaller.field == pytest.approx(region.field + 1.5, abs=1e-4)
    assert region.shrunk(0.0).field is region.field


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], FloatArray]:
    """A hip of closed form, its true plan, and a point 15 mm before the entry on the axis."""
    folder, pose = tmp_path_factory.mktemp("avoid"), Pose()
    plan = plan_of(write_masks(folder, pose), pose)
    tunnel = plan["tunnels"][0]
    return folder, plan, np.array(tunnel["entry"]) - 15.0 * np.array(tunnel["direction"])


def with_mask(folder: Path, plan: dict[str, Any], mask: Mask, role: str) -> dict[str, Any]:
    path = folder / f"{role}.nii.gz"
    nib.save(nib.Nifti1Image(mask.voxels.astype(np.uint8), mask.grid.world_from_index), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    given = {"role": role, "path": path.name, "sha256": digest, "label": None}
    plan = copy.deepcopy(plan)
    plan["case"]["inputs"].append(given)
    return plan


@pytest.mark.parametrize("role", ["avoid", "pelvis"])
def test_the_second_road_refuses_a_plan_that_goes_through(
    case: tuple[Path, dict[str, Any], FloatArray], role: str
) -> None:
    folder, plan, point = case
    plan = with_mask(folder, plan, ball(point), role)
    result = verify_plan(write_plan(folder, plan, f"{role}.json"))
    assert {check.name for check in result.disagreements} == {f"tunnels[0] {role}"}


@pytest.mark.slow
def test_the_second_road_confirms_a_stated_clearance_and_refuses_a_wrong_one(
    case: tuple[Path, dict[str, Any], FloatArray],
) -> None:
    folder, plan, point = case
    # Beside the path: the ball's middle 14 mm off the axis, a drill of 10 mm.
    aside = np.cross(np.array(plan["tunnels"][0]["direction"]), [0.0, 0.0, 1.0])
    plan = with_mask(folder, plan, ball(point + 14.0 * aside / np.linalg.norm(aside)), "avoid")
    plan["tunnels"][0]["avoid_clearance_mm"] = 14.0 - 5.0 - BALL_MM
    plan["spec"]["avoid_margin_mm"] = 3.0
    read = plan_file.read_stated(write_plan(folder, plan))
    hip = load_hip(read)
    assert not recalculation.judge(read, hip).disagreements
    for key, value, name in (
        ("stated", 5.2, "tunnels[0].avoid_clearance_mm"),
        ("margin", 5.0, "tunnels[0] avoid"),
    ):
        wrong = copy.deepcopy(plan)
        if key == "stated":
            wrong["tunnels"][0]["avoid_clearance_mm"] = value
        else:
            wrong["spec"]["avoid_margin_mm"] = value
        result = recalculation.judge(plan_file.read_stated(write_plan(folder, wrong)), hip)
        assert name in {check.name for check in result.disagreements}


def test_a_mask_to_avoid_is_read_with_the_case_and_an_empty_one_is_an_error(tmp_path: Path) -> None:
    path = sample()
    mask = ball(np.zeros(3))
    file = tmp_path / "avoid.nii.gz"
    nib.save(nib.Nifti1Image(3 * mask.voxels.astype(np.uint8), mask.grid.world_from_index), file)
    case = load_case(f"{path}:1", f"{path}:2", avoid=f"{file}:3")
    assert case.avoid is not None
    assert case.avoid.voxels.sum() == mask.voxels.sum()
    assert [source.role for source in case.sources] == ["femur", "lesion", "avoid"]
    with pytest.raises(InputError, match="label 2"):
        load_case(f"{path}:1", f"{path}:2", avoid=f"{file}:2")
