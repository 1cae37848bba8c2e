"""Risk of execution: closed forms in a straight bone, brute force in a real shape, and honest errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import ncx2, norm
from support.risk_twin import neck_tunnel, plainly_judged

from corecore.base.distance_field import Bone
from corecore.base.instrument import Instrument, Step
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.hip.lesion_transform import PHANTOM_ERROR_MM, Move
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess
from corecore.tunnels.risk.drilling import SHIFTS, lesion_shifts, perturbed
from corecore.tunnels.risk.execution import Risk, by_method, execution_risk, risk_of_poses
from corecore.tunnels.risk.kernel import CLEARANCE, CORTEX, JOINT, sort_into_bricks
from corecore.tunnels.risk.lattice import POINTS
from corecore.tunnels.risk.methods import METHODS, Method, drift_factor

BONE_RADIUS, BONE_LOW, BONE_HIGH = 12.0, 20.0, 100.0
EXACT = Method("exact", 0.0, 0.0, 0.0)
#: Blind, and with a tail.
BLIND = Method("blind", 3.0, 3.0, 2.0, tail_share=0.05, tail_factor=2.0)


@pytest.fixture(scope="module")
def rod(sample_hip: Hip) -> Hip:
    """A straight cylinder of bone along z with flat ends, in oblong voxels, its distance exact; above is a joint."""
    spacing = np.array([0.8, 1.0, 1.25])
    axes = [np.arange(np.ceil(size / edge) + 1) * edge for size, edge in zip((70, 70, 130), spacing, strict=True)]
    x, y, z = np.meshgrid(axes[0] - 35.0, axes[1] - 35.0, axes[2], indexing="ij")
    beside, beyond = np.hypot(x, y) - BONE_RADIUS, np.maximum(BONE_LOW - z, z - BONE_HIGH)
    outside = np.hypot(np.maximum(beside, 0.0), np.maximum(beyond, 0.0))
    depth = np.where(outside > 0.0, -outside, -np.maximum(beside, beyond)).astype(np.float32)
    nothing = np.zeros((0, 3))
    bone = Bone(depth, spacing, nothing, nothing, nothing)
    points = np.random.default_rng(1).uniform([25, 25, 60], [45, 45, 90], (20_000, 3))
    anatomy = replace(
        sample_hip.anatomy, head_center=np.array([35.0, 35.0, 95.0]), head_radius_mm=12.0,
        neck_axis=np.array([0.0, 0.0, 1.0]), shaft_axis=np.array([0.8, 0.0, 0.6]), x_axis=np.array([0.6, 0.0, -0.8]),
    )  # fmt: skip
    return replace(sample_hip, bone=bone, anatomy=anatomy, lesion=replace(sample_hip.lesion, points_mm=points))


def along_rod(*, tip_z: float = 80.0, diameter_mm: float = 6.0) -> Tunnel:
    return Tunnel(np.array([35.0, 35.0, BONE_LOW]), np.array([35.0, 35.0, tip_z]), diameter_mm)


def risk_of(hip: Hip, tunnel: Tunnel, method: Method, *, seed: int = 0) -> Risk:
    return execution_risk(hip, [tunnel], Spec(), method, seed=seed)[0][0]


def close(risk: Risk, cortex: float, joint: float) -> None:
    """Within four standard errors, and 0.002 for the surface between the voxels."""
    assert risk.cortex_breach.value == pytest.approx(cortex, abs=4 * risk.cortex_breach.standard_error + 0.002)
    assert risk.joint_breach.value == pytest.approx(joint, abs=4 * risk.joint_breach.standard_error + 0.002)


@pytest.mark.parametrize("error", [3.0, 4.0, 6.0])
def test_only_lateral_error_breaks_the_wall_as_often_as_a_rayleigh_tail(rod: Hip, error: float) -> None:
    expected = np.exp(-0.5 * ((BONE_RADIUS - 3.0) / error) ** 2)
    risk = risk_of(rod, along_rod(), Method("m", error, 0.0, 0.0))
    close(risk, expected, 0.0)
    assert risk.cortex_breach.standard_error < 0.006


def tilt_tail(tunnel: Tunnel, error_deg: float) -> float:
    """Chance that the end's rim is tilted through the rod's side."""
    r, length = tunnel.radius_mm, tunnel.length_mm
    limit = brentq(lambda a: length * np.sin(a) + r * np.cos(a) - BONE_RADIUS, 0.0, 1.0)
    return float(np.exp(-0.5 * (limit / np.radians(error_deg)) ** 2))


@pytest.mark.parametrize(("error_deg", "diameter"), [(4.0, 6.0), (6.0, 8.0), (2.0, 3.2), (2.0, 2.5)])
def test_only_angular_error_breaks_the_wall_where_the_end_leaves_it_and_thin_drills_drift(
    rod: Hip, error_deg: float, diameter: float
) -> None:
    tunnel = along_rod(diameter_mm=diameter)
    expected = tilt_tail(tunnel, error_deg * drift_factor(diameter))
    close(risk_of(rod, tunnel, Method("m", 0.0, error_deg, 0.0)), expected, 0.0)


@pytest.mark.parametrize(("gap", "error"), [(5.0, 3.0), (5.0, 5.0), (2.0, 5.0)])
def test_only_depth_error_breaks_the_end_wall_as_often_as_a_normal_tail(rod: Hip, gap: float, error: float) -> None:
    risk = risk_of(rod, along_rod(tip_z=BONE_HIGH - gap), Method("m", 0.0, 0.0, error))
    close(risk, 0.0, norm.sf(gap / error))
    assert risk.breach_places["joint"] == 1.0
    assert risk.clearance_p50_mm.value == pytest.approx(min(gap, 5.0), abs=0.2)
    assert risk.clearance_p05_mm.value == pytest.approx(gap - norm.isf(0.05) * error, abs=0.3)


def test_a_tail_is_the_mixture_of_two_errors(rod: Hip) -> None:
    tunnel, gap = along_rod(tip_z=BONE_HIGH - 5.0), 5.0
    risk = risk_of(rod, tunnel, Method("m", 0.0, 0.0, 3.0, tail_share=0.3, tail_factor=2.0))
    close(risk, 0.0, 0.7 * norm.sf(gap / 3.0) + 0.3 * norm.sf(gap / 6.0))
    whole = risk_of(rod, tunnel, Method("m", 0.0, 0.0, 3.0, tail_share=1.0, tail_factor=2.0))
    assert whole == risk_of(rod, tunnel, Method("m", 0.0, 0.0, 6.0))


@pytest.mark.parametrize(("error", "diameter"), [(2.5, 6.0), (3.5, 6.0), (3.0, 10.0)])
def test_a_coaxial_tunnel_breaks_out_within_half_a_percentage_point_of_the_closed_form(
    rod: Hip, error: float, diameter: float
) -> None:
    """Gaussian errors of entry and of angle, one at a time: Rayleigh tails in both."""
    tunnel = along_rod(diameter_mm=diameter)
    beside = risk_of(rod, tunnel, Method("m", error, 0.0, 0.0)).cortex_breach.value
    assert abs(beside - np.exp(-0.5 * ((BONE_RADIUS - diameter / 2.0) / error) ** 2)) < 0.005
    tilted = risk_of(rod, tunnel, Method("m", 0.0, error, 0.0)).cortex_breach.value
    assert abs(tilted - tilt_tail(tunnel, error)) < 0.005


def test_a_wider_drill_and_a_nearer_wall_are_greater_risks(rod: Hip) -> None:
    method = Method("m", 2.0, 2.0, 2.0)
    by_diameter = [risk_of(rod, along_rod(diameter_mm=d), method) for d in (5.0, 7.0, 9.0, 11.0)]
    breach = [risk.cortex_breach.value for risk in by_diameter]
    clearance = [risk.clearance_p05_mm.value for risk in by_diameter]
    assert breach == sorted(breach)
    assert breach[0] < breach[-1]
    assert clearance == sorted(clearance, reverse=True)
    # Planned with less margin to the wall beside it, and to the wall before it.
    beside = []
    for margin in (7.0, 5.0, 3.0, 1.0):
        shift = np.array([BONE_RADIUS - 3.0 - margin, 0.0, 0.0])
        tunnel = along_rod()
        beside.append(risk_of(rod, Tunnel(tunnel.entry + shift, tunnel.tip + shift, 6.0), method).cortex_breach.value)
    assert beside == sorted(beside)
    assert beside[0] < beside[-1]
    before = [risk_of(rod, along_rod(tip_z=BONE_HIGH - gap), method).joint_breach.value for gap in (6.0, 4.0, 2.0)]
    assert before == sorted(before)
    assert before[0] < before[-1]


def plainly_simulated(hip: Hip, tunnel: Tunnel, spec: Spec, method: Method, count: int) -> tuple[float, float]:
    """Shares of cortex and joint breaches by numpy alone: another generator, no kernel, every wall point looked at."""
    rng = np.random.Generator(np.random.PCG64(20))
    bone, anatomy = hip.bone, hip.anatomy
    scale = np.where(rng.random(count) < method.tail_share, method.tail_factor, 1.0)[:, None]
    normal = bone.mouth_normal(tunnel.entry)[0]

    def across(axis: Any) -> Any:
        first = np.cross(axis, [0.36, 0.48, 0.8])
        first = first / np.linalg.norm(first)
        return np.stack([first, np.cross(axis, first)])

    entry = tunnel.entry + method.entry_mm * scale * rng.normal(size=(count, 2)) @ across(normal)
    turn = np.radians(method.angle_deg * drift_factor(tunnel.diameter_mm)) * scale * rng.normal(size=(count, 2))
    angle = np.linalg.norm(turn, axis=1, keepdims=True)
    way = np.cos(angle) * tunnel.direction + np.sin(angle) * (turn / angle) @ across(tunnel.direction)
    length = tunnel.length_mm + method.depth_mm * scale[:, 0] * rng.normal(size=count)
    cortex = joint = 0
    flat = np.sin(np.radians(spec.incidence_min_deg))
    circle = np.stack([np.cos(np.arange(32) * np.pi / 16), np.sin(np.arange(32) * np.pi / 16)], axis=1)
    for point, axis, deep in zip(entry, way, length, strict=True):
        walk = np.arange(-20.0, 20.0, 0.05)
        met = walk[bone.distance(point + walk[:, None] * axis) > 0.0]
        if len(met) == 0:
            cortex += 1
            continue
        sine = max(abs(float(bone.mouth_normal(point + met[0] * axis)[0] @ axis)), flat)
        mouth = met[0] + tunnel.radius_mm * np.sqrt(1.0 - sine**2) / sine + 2.0
        ring = tunnel.radius_mm * circle @ across(axis)
        at = np.arange(mouth, deep, 0.5)
        wall = (point + at[:, None] * axis)[:, None] + ring
        end = point + deep * axis + np.linspace(0.0, 1.0, 4)[:, None, None] * ring
        points = np.concatenate([wall.reshape(-1, 3), end.reshape(-1, 3)])
        out = points[bone.distance(points) < 0.0]
        proximal = (out - anatomy.head_center) @ anatomy.neck_axis >= -0.5 * anatomy.head_radius_mm
        joint += bool(proximal.any())
        cortex += bool((~proximal).any())
    return cortex / count, joint / count


def test_breaches_agree_with_an_independent_simulation_within_the_standard_error(sample_hip: Hip) -> None:
    tunnel, spec = neck_tunnel(sample_hip, diameter_mm=10.0, tip_beyond_mm=14.0), Spec()
    count = 1500
    found = risk_of(sample_hip, tunnel, BLIND)
    plain = plainly_simulated(sample_hip, tunnel, spec, BLIND, count)
    for estimate, share in zip((found.cortex_breach, found.joint_breach), plain, strict=True):
        # Three standard errors of the two together; the plain one's is binomial.
        error = np.hypot(estimate.standard_error, np.sqrt(share * (1.0 - share) / count))
        assert 0.02 < share < 0.9
        assert abs(estimate.value - share) < 3.0 * error


def test_a_drill_that_misses_the_bone_breaches_it(rod: Hip) -> None:
    entry = np.array([[[35.0 + 14.0, 35.0, BONE_LOW]], [[35.0, 35.0, BONE_LOW]]])
    found, share = risk_of_poses(rod, [along_rod()], Spec(), entry, entry + np.array([0.0, 0.0, 60.0]))
    assert found[0, 0, [CLEARANCE, JOINT, CORTEX]].tolist() == [-20.0, 0.0, 1.0]
    assert found[1, 0, CORTEX] == 0.0
    assert share[0, 0] < share[1, 0]


def test_without_error_the_risk_is_the_plans_own_figures(sample_hip: Hip) -> None:
    spec = Spec()
    for beyond, side in ((8.0, 0.0), (15.0, 2.0), (0.0, -3.0)):
        tunnel = neck_tunnel(sample_hip, tip_beyond_mm=beyond, side_mm=side)
        figures = assess(sample_hip, tunnel, spec)
        risk = risk_of(sample_hip, tunnel, EXACT)
        clearance = min(figures.cortical_clearance_mm, figures.joint_clearance_mm)
        assert risk.clearance_p05_mm.value == pytest.approx(clearance, abs=0.1)
        assert risk.clearance_p50_mm.value == risk.clearance_p05_mm.value
        assert risk.removed_fraction_p05.value == pytest.approx(figures.removed_fraction, rel=0.005, abs=0.0005)
        assert risk.cortex_breach.value == float(figures.wall_depth_min_mm < 0.0)
        assert risk.joint_breach.value == 0.0
        assert risk.removed_fraction_mean.standard_error < 1e-12


def test_every_pose_is_judged_as_by_brute_force(sample_hip: Hip) -> None:
    """The worst method, so that walls and ends break out on every side."""
    spec, tunnel = Spec(), neck_tunnel(sample_hip, tip_beyond_mm=15.0)
    entries, tips = perturbed(sample_hip, [tunnel], Method("worst", 3.0, 4.0, 4.0, 0.1, 2.0))
    rows = np.random.default_rng(3).choice(len(entries), 80, replace=False)
    found, share = risk_of_poses(sample_hip, [tunnel], spec, entries[rows], tips[rows])
    normal = sample_hip.bone.mouth_normal(tunnel.entry)[0]
    sine = min(float(abs(normal @ tunnel.direction)), np.sin(np.radians(spec.incidence_min_deg)))
    sure = compared = 0
    for row, (entry, tip) in enumerate(zip(entries[rows, 0], tips[rows, 0], strict=True)):
        plain = plainly_judged(sample_hip, spec, entry, tip, tunnel.radius_mm, sine, sample_hip.lesion.points_mm)
        # In the portal a wall counts only where it is outside: on the edge either answer is right.
        if min(abs(plain.joint_depth_mm), abs(plain.cortex_depth_mm)) > 0.15:
            compared += 1
            assert found[row, 0, CLEARANCE] == pytest.approx(plain.clearance_mm, abs=0.3)
        for flag, depth in ((JOINT, plain.joint_depth_mm), (CORTEX, plain.cortex_depth_mm)):
            if abs(depth) > 0.15:
                sure += 1
                assert found[row, 0, flag] == float(depth < 0.0), (row, depth)
        assert share[row, 0] == pytest.approx(plain.removed, abs=0.003)
    assert sure > 125
    assert compared > 60
    assert 0.1 < found[:, 0, JOINT].mean() < 0.9
    assert 0.03 < found[:, 0, CORTEX].mean() < 0.9


def test_a_set_removes_the_union_and_breaks_where_any_tunnel_does(sample_hip: Hip) -> None:
    spec = Spec()
    tunnels = [neck_tunnel(sample_hip, side_mm=side, diameter_mm=6.0) for side in (-5.0, -2.0, 2.0)]
    entries, tips = perturbed(sample_hip, tunnels, METHODS["fluoroscopy"])
    entries, tips = entries[:40], tips[:40]
    _, share = risk_of_poses(sample_hip, tunnels, spec, entries, tips)
    points = sample_hip.lesion.points_mm
    for row in range(40):
        held = [Tunnel(e, t, 6.0).contains(points) for e, t in zip(entries[row], tips[row], strict=True)]
        for k in range(3):
            assert share[row, k] == pytest.approx(np.mean(held[k]), abs=0.003)
        assert share[row, 3] == pytest.approx(np.mean(np.any(held, axis=0)), abs=0.004)
    each, together = execution_risk(sample_hip, tunnels, spec, METHODS["fluoroscopy"])
    assert together.cortex_breach.value >= max(risk.cortex_breach.value for risk in each)
    assert together.clearance_p50_mm.value <= min(risk.clearance_p50_mm.value for risk in each)
    assert together.removed_fraction_mean.value >= max(risk.removed_fraction_mean.value for risk in each)


@pytest.mark.slow
def test_the_standard_error_is_honest(rod: Hip) -> None:
    """The spread of independent runs is what each run states, for a probability and for a percentile."""
    method = Method("m", 4.0, 2.0, 2.0, 0.05, 2.0)
    risks = [risk_of(rod, along_rod(tip_z=95.0), method, seed=seed) for seed in range(16)]
    for name in ("cortex_breach", "joint_breach", "clearance_p05_mm", "removed_fraction_p05", "removed_fraction_mean"):
        values = np.array([getattr(risk, name).value for risk in risks])
        stated = np.sqrt(np.mean([getattr(risk, name).standard_error ** 2 for risk in risks]))
        assert len(set(values)) > 8
        assert 0.5 * stated < values.std(ddof=1) < 1.7 * stated, name


def test_never_in_so_many_drillings_is_not_called_certain(rod: Hip) -> None:
    risk = risk_of(rod, along_rod(), Method("m", 0.5, 0.2, 0.5))
    assert risk.poses == SHIFTS * POINTS == 10_240
    assert risk.cortex_breach.value == 0.0
    assert risk.cortex_breach.standard_error == pytest.approx(1.5 / 10_240)
    assert risk.breach_places == {}


def test_greater_errors_are_greater_risks(sample_hip: Hip) -> None:
    tunnel = neck_tunnel(sample_hip)
    sizes = (0.5, 1.5, 3.0)
    for name in ("entry_mm", "angle_deg", "depth_mm", "tail_factor"):
        start = Method("m", 2.0, 2.0, 2.0, tail_share=0.3)
        changes: list[dict[str, Any]] = [{name: size if name != "tail_factor" else 1.0 + size} for size in sizes]
        risks = [risk_of(sample_hip, tunnel, replace(start, **change)) for change in changes]
        breach = [risk.cortex_breach.value + risk.joint_breach.value for risk in risks]
        clearance = [risk.clearance_p05_mm.value for risk in risks]
        assert breach == sorted(breach)
        assert clearance == sorted(clearance, reverse=True)
        assert clearance[0] > clearance[-1]
    built_in = [risk_of(sample_hip, tunnel, METHODS[name]) for name in ("guide_best", "navigated", "guide")]
    low = [risk.removed_fraction_p05.value for risk in built_in]
    assert low == sorted(low, reverse=True)


def test_the_number_of_threads_changes_nothing(sample_hip: Hip, monkeypatch: pytest.MonkeyPatch) -> None:
    tunnels = [neck_tunnel(sample_hip), neck_tunnel(sample_hip, side_mm=3.0, diameter_mm=3.2)]
    monkeypatch.setenv("CORECORE_THREADS", "1")
    one = execution_risk(sample_hip, tunnels, Spec(), METHODS["fluoroscopy"])
    monkeypatch.setenv("CORECORE_THREADS", "2")
    assert execution_risk(sample_hip, tunnels, Spec(), METHODS["fluoroscopy"]) == one


def test_the_documents_tables_name_what_the_contract_names(sample_hip: Hip) -> None:
    each, together = by_method(sample_hip, [neck_tunnel(sample_hip)], Spec())
    assert len(each) == 1
    assert set(each[0]) == set(together) == set(METHODS)
    for risk in each[0].values():
        assert {"cortex_breach_probability", "joint_breach_probability", "removed_fraction_p05"} <= set(
            risk.__struct_fields__
        )
    # One tunnel is its own set.
    assert each[0] == together
    assert by_method(sample_hip, [], Spec()) == ([], {})
    with pytest.raises(ValueError, match="no tunnel"):
        execution_risk(sample_hip, [], Spec(), EXACT)


def shifted(hip: Hip, residual_mm: float | None) -> Hip:
    """The same hip with a lesion that was registered, or moved by a transform of unknown fit."""
    method = "given" if residual_mm is None else "registered"
    move = Move(method, np.eye(4), 0.0, 0.0, residual_mm, None if residual_mm is None else 1.0, ())
    return replace(hip, case=replace(hip.case, move=move))


def of_points(hip: Hip, points: np.ndarray) -> Hip:
    return replace(hip, lesion=replace(hip.lesion, points_mm=points))


@pytest.mark.parametrize("residual", [0.8, 3.0, 9.0])
def test_a_ball_that_lies_elsewhere_is_removed_as_the_noncentral_chi_square_says(rod: Hip, residual: float) -> None:
    """Without errors of drilling each point is held as often as its shifted place lies in the cylinder."""
    tunnel, sd = along_rod(), residual / np.sqrt(3.0)
    rng = np.random.default_rng(4)
    ball = rng.normal(size=(4000, 3))
    ball *= (4.0 * rng.uniform(size=(4000, 1)) ** (1 / 3)) / np.linalg.norm(ball, axis=1, keepdims=True)
    points = ball + np.array([36.0, 35.0, 78.0])
    beside = np.hypot(points[:, 0] - 35.0, points[:, 1] - 35.0)
    across = ncx2.cdf((tunnel.radius_mm / sd) ** 2, 2, (beside / sd) ** 2)
    along = norm.cdf((80.0 - points[:, 2]) / sd) - norm.cdf((BONE_LOW - points[:, 2]) / sd)
    risk = risk_of(shifted(of_points(rod, points), residual), tunnel, EXACT)
    mean = risk.removed_fraction_mean
    assert mean.value == pytest.approx(float(np.mean(across * along)), abs=4.0 * mean.standard_error + 0.002)
    assert risk.lesion_shift_mm == residual
    still = risk_of(of_points(rod, points), tunnel, EXACT)
    assert abs(still.removed_fraction_mean.value - mean.value) > 8.0 * mean.standard_error


def test_the_fifth_percentile_of_a_row_of_points_is_the_normal_one(rod: Hip) -> None:
    """A row along the axis, half of it beyond the tip: only the shift along the axis counts."""
    z = np.linspace(70.0, 90.0, 8001)
    row = np.column_stack([np.full_like(z, 35.0), np.full_like(z, 35.0), z])
    risk = risk_of(shifted(of_points(rod, row), 2.0), along_rod(diameter_mm=16.0), EXACT)
    sd = 2.0 / np.sqrt(3.0) / 20.0
    for found, quantile in ((risk.removed_fraction_p05, 0.05), (risk.removed_fraction_p50, 0.5)):
        assert found.value == pytest.approx(0.5 + sd * norm.ppf(quantile), abs=4.0 * found.standard_error + 0.001)


def test_a_lesion_that_lies_elsewhere_changes_no_breach(sample_hip: Hip) -> None:
    """The bone is the scan's: only what is removed differs. Residuals below what phantoms erred by count as that."""
    entry, middle = neck_tunnel(sample_hip).entry, sample_hip.lesion.centroid_mm
    tunnels = [Tunnel(entry, middle + np.array([0.0, side, 0.0]), 8.0) for side in (0.0, 2.0)]
    plain = execution_risk(sample_hip, tunnels, Spec(), METHODS["navigated"])
    unknown = execution_risk(shifted(sample_hip, None), tunnels, Spec(), METHODS["navigated"])
    moved = execution_risk(shifted(sample_hip, 4.0), tunnels, Spec(), METHODS["navigated"])
    least = execution_risk(shifted(sample_hip, 0.03), tunnels, Spec(), METHODS["navigated"])[1]
    removed = ("removed_fraction_mean", "removed_fraction_p05", "removed_fraction_p50")
    for one, other, third in zip([*plain[0], plain[1]], [*moved[0], moved[1]], [*unknown[0], unknown[1]], strict=True):
        assert replace(third, lesion_shift_mm=0.0) == one
        assert third.part().lesion_shift_mm is None
        assert replace(other, **{name: getattr(one, name) for name in (*removed, "lesion_shift_mm")}) == one
        assert other.removed_fraction_p05.value < one.removed_fraction_p05.value
    assert least.lesion_shift_mm == PHANTOM_ERROR_MM
    assert moved[1].removed_fraction_p05.value < least.removed_fraction_p05.value


def test_all_tunnels_meet_the_lesion_at_one_place(sample_hip: Hip) -> None:
    """Drilled sets against points carried along, and the law that the shifts follow."""
    tunnels = [neck_tunnel(sample_hip, side_mm=side, diameter_mm=6.0) for side in (-3.0, 3.0)]
    entries, tips = (array[:40] for array in perturbed(sample_hip, tunnels, METHODS["navigated"]))
    shifts = lesion_shifts(4.0, poses=40)
    _, share = risk_of_poses(sample_hip, tunnels, Spec(), entries, tips, shifts=shifts)
    points = sample_hip.lesion.points_mm
    for row in range(40):
        held = [Tunnel(e, t, 6.0).contains(points + shifts[row]) for e, t in zip(entries[row], tips[row], strict=True)]
        for k in range(2):
            assert share[row, k] == pytest.approx(np.mean(held[k]), abs=0.003)
        assert share[row, 2] == pytest.approx(np.mean(np.any(held, axis=0)), abs=0.004)
    every = lesion_shifts(4.0)
    assert np.sqrt(np.mean(np.sum(every**2, axis=1))) == pytest.approx(4.0, rel=0.01)
    np.testing.assert_allclose(every.mean(axis=0), 0.0, atol=0.02)
    np.testing.assert_allclose(np.corrcoef(every.T), np.eye(3), atol=0.03)


def drilled(*, tip_z: float = 80.0, **shape: Any) -> Tunnel:
    one = Instrument("a", "a", 6.0, **shape)
    return Tunnel.drilled_with(one, np.array([35.0, 35.0, BONE_LOW]), np.array([35.0, 35.0, tip_z]))


@pytest.mark.parametrize(("gap", "ahead", "error"), [(5.0, 0.0, 3.0), (5.0, 2.0, 3.0), (9.0, 6.0, 2.0)])
def test_a_point_or_a_pin_breaks_the_end_wall_as_often_as_a_normal_tail(
    rod: Hip, gap: float, ahead: float, error: float
) -> None:
    """By depth error alone the foremost place of the instrument decides, and where a pin is that, it is told so."""
    pin = {"pin_diameter_mm": 2.0, "pin_overshoot_mm": ahead} if ahead else {}
    tunnel = drilled(tip_z=BONE_HIGH - gap, tip="cone", tip_angle_deg=118.0, **pin)
    risk = risk_of(rod, tunnel, Method("m", 0.0, 0.0, error))
    close(risk, 0.0, norm.sf((gap - ahead) / error))
    assert risk.breach_places["pin" if ahead else "joint"] == 1.0


@pytest.mark.parametrize("error_deg", [4.0, 6.0])
def test_a_pin_ahead_leaves_a_rod_sideways_where_its_own_rim_does(rod: Hip, error_deg: float) -> None:
    """By angular error alone: the shaft's rim at its end, or the pin's rim farther ahead, whichever is out first."""
    tunnel = drilled(tip_z=70.0, pin_diameter_mm=2.0, pin_overshoot_mm=20.0)
    length = tunnel.length_mm

    def limit(reach: float, radius: float) -> float:
        return float(brentq(lambda a: reach * np.sin(a) + radius * np.cos(a) - BONE_RADIUS, 0.0, 1.0))

    first = min(limit(length, 3.0), limit(length + 20.0, 1.0))
    risk = risk_of(rod, tunnel, Method("m", 0.0, error_deg, 0.0))
    either = risk.cortex_breach.value + risk.joint_breach.value
    assert risk.perforation.value == pytest.approx(np.exp(-0.5 * (first / np.radians(error_deg)) ** 2), abs=0.012)
    assert either >= risk.perforation.value


def test_an_end_holds_what_its_body_holds_wherever_it_is_drilled(rod: Hip) -> None:
    tunnel = drilled(tip="round", steps=(Step(9.0, 3.0), Step(15.0, 4.0)), pin_diameter_mm=1.0, pin_overshoot_mm=4.0)
    entries, tips = perturbed(rod, [tunnel], METHODS["guide"])
    few = slice(0, 200)
    _, share = risk_of_poses(rod, [tunnel], Spec(), entries[few], tips[few])
    bricks = sort_into_bricks(rod.lesion.points_mm).points.T.astype(np.float64)
    for n in range(200):
        moved = replace(tunnel, entry=entries[n, 0], tip=tips[n, 0])
        assert share[n, 0] == pytest.approx(np.mean(moved.contains(bricks)), abs=1.5 / len(bricks))
    # Beside a flat-ended one each holds its own, and together what either holds.
    flat = along_rod(diameter_mm=6.0)
    both = np.repeat(entries[few], 2, axis=1), np.repeat(tips[few], 2, axis=1)
    _, shares = risk_of_poses(rod, [tunnel, flat], Spec(), *both)
    assert np.array_equal(shares[:, 0], share[:, 0])
    assert np.all(shares[:, 2] >= np.maximum(shares[:, 0], shares[:, 1]))
    with pytest.raises(ValueError, match="2 instruments"):
        risk_of_poses(rod, [tunnel, drilled(tip="round")], Spec(), *both)
