"""A cavity at the tip: volumes by closed form, the kernel against its twin, and the preset of the reamer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.head_phantom import RADIUS, ball_hip

from corecore.base.errors import InputError
from corecore.base.spec import Spec, preset
from corecore.exports.plan_folder import tunnel_mesh
from corecore.hip.hip import Hip
from corecore.planning.planner import _cavity_cautions
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.single import lattice, provable, tunnel_of_line
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_POINTS, RING_STEP_MM, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.plan_metrics import bone_volume_ml

ACD = preset("acd")
#: Sizes that fit the sample's head at many places.
SMALL = Spec(diameter_mm=6.0, cavity_diameter_mm=12.0, cavity_length_mm=10.0)


def volume_mm3(tunnel: Tunnel) -> float:
    """Of tunnel and cavity together, closed form."""
    wide, long = tunnel.cavity_diameter_mm / 2, tunnel.cavity_length_mm
    return float(np.pi * (tunnel.radius_mm**2 * (tunnel.length_mm - long) + wide**2 * long))


def test_points_in_tunnel_and_cavity_are_as_many_as_their_volume() -> None:
    tunnel = Tunnel(np.array([1.0, 2.0, 3.0]), np.array([21.0, 32.0, 43.0]), 8.0, 18.0, 14.0)
    low, high = np.array([-14.0, -14.0, -14.0]), np.array([36.0, 47.0, 58.0])
    points = np.random.default_rng(1).uniform(low, high, (600_000, 3))
    assert np.mean(tunnel.contains(points)) * np.prod(high - low) == pytest.approx(volume_mm3(tunnel), rel=0.02)
    along = (points - tunnel.entry) @ tunnel.direction
    across = np.linalg.norm(points - tunnel.entry - along[:, None] * tunnel.direction, axis=1)
    back = tunnel.length_mm - 14.0
    true = (along >= 0) & (along <= tunnel.length_mm) & ((across <= 4.0) | ((across <= 9.0) & (along >= back)))
    assert np.array_equal(tunnel.contains(points), true)


def test_the_graft_of_a_tunnel_in_the_middle_of_bone_is_its_volume(sample_hip: Hip) -> None:
    hip = ball_hip(sample_hip, 4)
    middle = hip.anatomy.head_center
    up = np.array([0.0, 0.0, 1.0])
    tunnel = Tunnel(middle - (RADIUS - 8.0) * up, middle + 9.0 * up, 6.0, 16.0, 12.0)
    first, second = tunnel.solids
    graft = bone_volume_ml(hip, first, []) + bone_volume_ml(hip, second, [first])
    assert graft == pytest.approx(volume_mm3(tunnel) / 1000.0, rel=0.005)


def test_the_mesh_of_a_tunnel_has_both_bodies(sample_hip: Hip) -> None:
    tunnel = Tunnel(np.zeros(3), np.array([0.0, 0.0, 60.0]), 6.0, 16.0, 12.0)
    alone = replace(tunnel, cavity_diameter_mm=0.0, cavity_length_mm=0.0)
    mesh, thin = tunnel_mesh(tunnel, sample_hip), tunnel_mesh(alone, sample_hip)
    assert len(mesh.triangles) == 2 * len(thin.triangles)
    local = sample_hip.to_local(mesh.points_mm)
    assert np.hypot(local[:, 0], local[:, 1]).max() == pytest.approx(8.0)
    assert local[np.hypot(local[:, 0], local[:, 1]) > 5.0, 2].min() == pytest.approx(48.0)


@pytest.mark.long
def test_the_kernel_and_the_twin_agree_on_cavities(sample_hip: Hip) -> None:
    problem = build_problem(sample_hip, SMALL)
    rng = np.random.default_rng(0)
    lines = lattice(problem)
    lines = lines[rng.choice(len(lines), 12_000, replace=False)]
    lines = lines + rng.uniform(-1, 1, lines.shape) * (0.5, 0.5, 0.01, 0.01)
    _, ends, counts = evaluate_many(problem, lines, ring_points(RING_POINTS), RING_STEP_MM)
    feasible = np.flatnonzero(counts)
    assert len(feasible) > 20
    loose = replace(SMALL, cortical_margin_mm=2.9, posterosuperior_margin_mm=4.8, joint_margin_mm=4.9)
    better = 0
    for i in feasible[:15]:
        tunnel = tunnel_of_line(SMALL, problem, lines[i], *ends[i])
        assert (tunnel.cavity_diameter_mm, tunnel.cavity_length_mm) == (12.0, 10.0)
        assert not violations(assess(sample_hip, tunnel, loose), loose)
        points = sample_hip.lesion.points_mm
        exact = int(np.count_nonzero(tunnel.contains(points)))
        assert abs(exact - counts[i]) <= max(3, 0.001 * exact)
        # No other tip on this line does more within the limits: brute force, every millimetre.
        for back in np.arange(-3.0, 15.0, 1.0):
            other = replace(tunnel, tip=tunnel.tip - back * tunnel.direction)
            more = int(np.count_nonzero(other.contains(points)))
            if more > exact * 1.01 + 10 and not violations(assess(sample_hip, other, SMALL), SMALL):
                better += 1
    assert better == 0


def test_a_cavity_that_comes_too_near_is_seen_though_its_tunnel_does_not(sample_hip: Hip) -> None:
    problem = build_problem(sample_hip, Spec(diameter_mm=6.0))
    lines = lattice(problem, offset_step=3.0, slope_step=0.06)
    _, ends, counts = evaluate_many(problem, lines, ring_points(16), 1.0)
    i = int(np.argmax(counts))
    thin = tunnel_of_line(Spec(diameter_mm=6.0), problem, lines[i], *ends[i])
    loose = replace(SMALL, cortical_margin_mm=2.5, posterosuperior_margin_mm=4.5, joint_margin_mm=4.7)
    assert not violations(assess(sample_hip, thin, loose), loose)
    wide = replace(thin, cavity_diameter_mm=26.0, cavity_length_mm=30.0)
    assert {"joint_margin_mm"} <= {item.key for item in violations(assess(sample_hip, wide, loose), loose)}


def test_the_reamers_preset_says_that_its_sizes_are_not_confirmed() -> None:
    assert (ACD.diameter_mm, ACD.cavity_diameter_mm, ACD.cavity_length_mm, ACD.tunnels) == (9.0, 21.0, 20.0, 1)
    assert {"cavity_unconfirmed", "risk_without_cavity"} == {c.code for c in _cavity_cautions(ACD)}
    assert {"risk_without_cavity"} == {c.code for c in _cavity_cautions(SMALL)}
    assert not provable(ACD)
    assert provable(Spec())
    assert not provable(Spec(target="reached"))


@pytest.mark.parametrize("sizes", [(21.0, 0.0), (0.0, 20.0), (8.0, 20.0)])
def test_half_a_cavity_or_one_narrower_than_its_tunnel_is_an_error(sizes: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="cavity_diameter_mm"):
        Spec(cavity_diameter_mm=sizes[0], cavity_length_mm=sizes[1])
