"""A tunnel's figures against closed forms in a bone made of simple solids."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from corecore.base.grid import transform
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess, first_exit
from corecore.tunnels.limits import REASON_KEYS, Reason, violations

RNG = np.random.default_rng(5)


def test_points_in_a_cylinder_as_many_as_its_volume() -> None:
    tunnel = Tunnel(np.array([1.0, 2.0, 3.0]), np.array([11.0, 22.0, 33.0]), 8.0)
    low, high = np.array([-8.0, -8, -8]), np.array([22.0, 32, 43])
    points = RNG.uniform(low, high, (400_000, 3))
    box = float(np.prod(high - low))
    exact = np.pi * 16 * tunnel.length_mm
    assert np.mean(tunnel.contains(points)) * box == pytest.approx(exact, rel=0.02)
    # Grown by 3 mm: a wider and longer cylinder with rounded rims (Pappus).
    grown = np.pi * 49 * tunnel.length_mm + 2 * (np.pi * 16 * 3 + np.pi**2 * 9 * 4 / 2 + 2 / 3 * np.pi * 27)
    assert np.mean(tunnel.contains(points, grown_mm=3.0)) * box == pytest.approx(grown, rel=0.03)


def test_the_first_exit_is_where_the_depth_changes_sign(sample_hip: Hip) -> None:
    anatomy = sample_hip.anatomy
    for _ in range(20):
        outward = anatomy.x_axis + RNG.normal(0, 0.2, 3)
        outward /= np.linalg.norm(outward)
        start = anatomy.neck_center
        found = first_exit(sample_hip, start, outward)
        assert found is not None
        reach = float(np.linalg.norm(found - start))
        before = start + np.linspace(0, reach - 0.01, 500)[:, None] * outward
        assert np.all(sample_hip.bone.distance(before) > 0)
        assert sample_hip.bone.distance((found + 0.01 * outward)[None])[0] <= 0


def tunnel_in(hip: Hip, *, side_mm: float = 0.0, tip_beyond_mm: float = 0.0, diameter: float = 6.0) -> Tunnel:
    """A tunnel along the neck's axis, moved sideways, ending near the head's centre."""
    anatomy = hip.anatomy
    direction = anatomy.neck_axis
    start = anatomy.neck_center + side_mm * anatomy.posterosuperior
    entry = first_exit(hip, start, -direction)
    assert entry is not None
    tip = start + (float((anatomy.head_center - start) @ direction) + tip_beyond_mm) * direction
    return Tunnel(entry, tip, diameter)


def test_clearances_against_a_brute_force_search_of_the_surface(sample_hip: Hip) -> None:
    """The wall's clearance is the distance between two clouds: wall points and bone surface points."""
    spec = Spec(diameter_mm=6.0)
    for side_mm, beyond in ((0.0, 0.0), (3.0, 8.0), (-4.0, 12.0)):
        tunnel = tunnel_in(sample_hip, side_mm=side_mm, tip_beyond_mm=beyond)
        figures = assess(sample_hip, tunnel, spec)
        along = np.linspace(figures.portal_length_mm, tunnel.length_mm, 700)
        angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        a, b = tunnel.ring_basis()
        ring = 3.0 * (np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b)
        wall = (tunnel.entry + along[:, None] * tunnel.direction)[:, None] + ring[None]
        wall = wall.reshape(-1, 3)
        gap = cKDTree(sample_hip.bone.surface_points_mm).query(wall)[0]
        outside = ~sample_hip.anatomy.proximal_of_head_plane(wall)
        assert figures.cortical_clearance_mm == pytest.approx(gap[outside].min(), abs=0.35)
        assert figures.joint_clearance_mm <= gap[~outside].min() + 0.35


def test_a_wall_that_leaves_the_head_sideways_has_left_it_through_the_joint(sample_hip: Hip) -> None:
    anatomy = sample_hip.anatomy
    tip = anatomy.head_center + (anatomy.head_radius_mm + 4.0) * anatomy.posterosuperior
    direction = (tip - anatomy.neck_center) / np.linalg.norm(tip - anatomy.neck_center)
    entry = first_exit(sample_hip, anatomy.neck_center, -direction)
    assert entry is not None
    figures = assess(sample_hip, Tunnel(entry, tip, 6.0), Spec(diameter_mm=6.0))
    assert figures.joint_clearance_mm < -4.0
    # The end lies outside the sphere, and yet it is none of the cortex's.
    assert figures.cortical_clearance_mm is not None
    assert figures.cortical_clearance_mm > figures.joint_clearance_mm + 1.0


def test_angles_and_lengths_follow_from_the_frame(sample_hip: Hip) -> None:
    spec = Spec(diameter_mm=6.0)
    tunnel = tunnel_in(sample_hip)
    figures = assess(sample_hip, tunnel, spec)
    anatomy = sample_hip.anatomy
    assert figures.shaft_angle_deg == pytest.approx(anatomy.neck_shaft_angle_deg, abs=1e-6)
    local = anatomy.femoral_from_local[:3, :3] @ tunnel.direction
    assert figures.ap_angle_deg == pytest.approx(np.degrees(np.arctan2(-local[0], -local[2])), abs=1e-9)
    assert figures.lateral_tilt_deg == pytest.approx(np.degrees(np.arcsin(local[1])), abs=1e-9)
    sine, cosine = np.sin(np.radians(figures.incidence_deg)), np.cos(np.radians(figures.incidence_deg))
    assert figures.portal_length_mm == pytest.approx((3.0 + 3.0 * cosine) / sine + 2.0)
    entry = transform(anatomy.femoral_from_local, tunnel.entry)
    assert figures.entry_above_lesser_trochanter_mm == pytest.approx(entry[2] - anatomy.lesser_trochanter_height_mm)
    rise = 3.0 / np.sin(np.radians(figures.shaft_angle_deg))
    assert figures.entry_edge_high_mm - figures.entry_edge_low_mm == pytest.approx(2 * rise)


def kept(hip: Hip) -> tuple[Tunnel, Spec]:
    """A tunnel and loose rules that it keeps."""
    spec = Spec(diameter_mm=6.0, entry_distal_mm=-30.0, entry_proximal_mm=60.0, entry_ap_max_mm=30.0,
                entry_normal_max_deg=89.0, posterosuperior_margin_mm=0.0, cortical_margin_mm=0.5)  # fmt: skip
    tunnel = tunnel_in(hip)
    assert not violations(assess(hip, tunnel, spec), spec)
    return tunnel, spec


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("cortical_margin_mm", 14.0, "cortical_margin_mm"),
        ("posterosuperior_margin_mm", 14.0, "posterosuperior_margin_mm"),
        ("joint_margin_mm", 24.0, "joint_margin_mm"),
        ("incidence_min_deg", 89.5, "incidence_min_deg"),
        ("shaft_angle_min_deg", 144.0, "shaft_angle_min_deg"),
        ("shaft_angle_max_deg", 111.0, "shaft_angle_max_deg"),
        ("length_max_mm", 25.0, "length_max_mm"),
        ("entry_normal_max_deg", 5.0, "entry_normal_max_deg"),
        ("entry_distal_mm", 59.0, "entry_distal_mm"),
        ("entry_proximal_mm", -29.0, "entry_proximal_mm"),
    ],
)
def test_each_constraint_alone_is_seen_when_it_is_broken(sample_hip: Hip, name: str, value: float, key: str) -> None:
    tunnel, spec = kept(sample_hip)
    strict = spec.with_values({name: value})
    broken = violations(assess(sample_hip, tunnel, strict), strict)
    assert key in {item.key for item in broken}
    item = next(i for i in broken if i.key == key)
    assert item.limit == value
    assert np.isfinite(item.value)


def test_a_tunnel_prolonged_into_bone_is_seen(sample_hip: Hip) -> None:
    """From the medial side of the head outward through the whole femur: the prolongation meets bone."""
    tunnel, spec = kept(sample_hip)
    inner = Tunnel(tunnel.tip - 5.0 * tunnel.direction, tunnel.tip, 6.0)
    assert "outward_path" in {item.key for item in violations(assess(sample_hip, inner, spec), spec)}


def test_every_reason_has_the_name_of_a_parameter() -> None:
    assert set(REASON_KEYS) == set(Reason) - {Reason.OK}
    assert len(set(REASON_KEYS.values())) == len(REASON_KEYS)
