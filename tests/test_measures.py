"""The measures against closed forms: caps, cones and shells in a ball for a head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from corecore.grid import Grid, Mask
from corecore.hip import Hip
from corecore.lesion import sampled
from corecore.measures import measure
from corecore.measures.steinberg import steinberg_class, steinberg_range
from corecore.measures.volume import head_volume_ml
from corecore.measures.weight_bearing import cap_axis, cap_directions, head_surface_radius
from corecore.spec import Spec
from corecore.surface import bone_from_voxels

RADIUS = 24.0
CENTER = np.array([40.0, 41.3, 39.6])


@pytest.fixture(scope="module")
def ball_hip(sample_hip: Hip) -> Hip:
    """A hip whose bone is one ball: its head; the frame turned against the voxels."""
    index = np.moveaxis(np.indices((80, 80, 80), dtype=float), 0, -1)
    voxels = np.linalg.norm(index - CENTER, axis=-1) <= RADIUS
    turn = np.linalg.qr(np.random.default_rng(4).standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    anatomy = replace(
        sample_hip.anatomy, head_center=CENTER, head_radius_mm=RADIUS, x_axis=turn[0], shaft_axis=turn[2],
        neck_axis=-0.6 * turn[0] + 0.8 * turn[2],
    )  # fmt: skip
    bone = bone_from_voxels(voxels, np.ones(3), open_faces=np.zeros((3, 2), dtype=bool))
    mask = Mask(Grid((80, 80, 80), np.eye(4)), voxels)
    return replace(sample_hip, bone=bone, bone_mask=mask, anatomy=anatomy, world_from_local=np.eye(4))


def with_lesion(hip: Hip, inside: np.ndarray) -> Hip:
    return replace(hip, lesion=sampled(Mask(hip.bone_mask.grid, inside & hip.bone_mask.voxels)))


def offsets() -> tuple[np.ndarray, np.ndarray]:
    index = np.moveaxis(np.indices((80, 80, 80), dtype=float), 0, -1) - CENTER
    return index, np.linalg.norm(index, axis=-1)


def test_head_volume_is_the_ball_cut_by_a_plane(ball_hip: Hip) -> None:
    """A ball less the cap beyond the plane 0.5 R from its centre."""
    height = 0.5 * RADIUS
    exact = (4 / 3 * np.pi * RADIUS**3 - np.pi * height**2 * (RADIUS - height / 3)) / 1000
    assert head_volume_ml(ball_hip.bone, ball_hip.anatomy) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("half_angle", [25.0, 40.0, 60.0])
def test_a_cone_about_the_pole(ball_hip: Hip, half_angle: float) -> None:
    """Volume (1 - cos a) / 2 of the sphere; of the cap of 55°, (1 - cos a) / (1 - cos 55°) is met."""
    index, distance = offsets()
    axis = cap_axis(ball_hip)
    hip = with_lesion(ball_hip, index @ axis >= np.cos(np.radians(half_angle)) * distance)
    found = measure(hip, Spec())
    cone = 1 - np.cos(np.radians(half_angle))
    cap = 1 - np.cos(np.radians(55.0))
    assert found.volumes.sphere_fraction == pytest.approx(cone / 2, abs=0.01)
    assert found.weight_bearing.surface_fraction == pytest.approx(min(1.0, cone / cap), abs=0.02)
    assert found.weight_bearing.volume_fraction == pytest.approx(min(1.0, cap / cone), abs=0.01)
    assert found.weight_bearing.depth_mm is not None
    assert found.weight_bearing.depth_mm < 0.5
    assert found.volumes.outside_head_ml == pytest.approx(0.0, abs=0.02 * found.volumes.volume_ml)


def test_a_ball_at_the_centre_bears_nothing_and_a_shell_all(ball_hip: Hip) -> None:
    _, distance = offsets()
    ball = measure(with_lesion(ball_hip, distance <= 5.0), Spec())
    assert ball.weight_bearing.surface_fraction == 0.0
    assert ball.weight_bearing.depth_mm == pytest.approx(RADIUS - 5.0, abs=0.6)
    assert ball.volumes.volume_ml == pytest.approx(4 / 3 * np.pi * 0.125, rel=0.02)
    shell = measure(with_lesion(ball_hip, distance >= RADIUS - 4.0), Spec())
    assert shell.weight_bearing.surface_fraction == 1.0


def test_a_lesion_deeper_than_the_subchondral_depth_is_not_under_the_surface(ball_hip: Hip) -> None:
    _, distance = offsets()
    hip = with_lesion(ball_hip, distance <= RADIUS - 6.5)
    assert measure(hip, Spec()).weight_bearing.surface_fraction == 0.0
    assert measure(hip, replace(Spec(), subchondral_depth_mm=9.0)).weight_bearing.surface_fraction == 1.0


def test_rays_meet_the_ball_at_its_radius(ball_hip: Hip) -> None:
    reach = head_surface_radius(ball_hip, cap_directions(np.array([0.0, 0.0, 1.0]), 180.0, 2000))
    assert reach.mean() == pytest.approx(RADIUS, abs=0.1)
    assert np.abs(reach - RADIUS).max() < 0.6


def test_cap_directions_are_even() -> None:
    """Equal area: the mean height over a cap of half-angle a is (1 + cos a) / 2."""
    rays = cap_directions(np.array([0.0, 0.6, 0.8]), 55.0, 4000)
    height = rays @ [0.0, 0.6, 0.8]
    assert np.allclose(np.linalg.norm(rays, axis=1), 1.0)
    assert height.min() >= np.cos(np.radians(55.0))
    assert height.mean() == pytest.approx((1 + np.cos(np.radians(55.0))) / 2, abs=1e-3)


@pytest.mark.parametrize(
    ("fraction", "letter"), [(0.0, "A"), (0.1499, "A"), (0.15, "B"), (0.30, "B"), (0.3001, "C"), (0.9, "C")]
)
def test_steinberg_limits(fraction: float, letter: str) -> None:
    assert steinberg_class(fraction) == letter


def test_both_classes_are_named_when_the_outline_leaves_it_open() -> None:
    assert steinberg_range(0.149, 0.135, 0.163) == "A/B"
    assert steinberg_range(0.20, 0.18, 0.22) == "B"
    assert steinberg_range(0.31, 0.29, 0.33) == "B/C"


def test_the_outline_moved_by_half_a_voxel(ball_hip: Hip) -> None:
    """A ball of radius r: half a voxel more or less is a shell of that thickness."""
    _, distance = offsets()
    volumes = measure(with_lesion(ball_hip, distance <= 14.0), Spec()).volumes
    high = 4 / 3 * np.pi * (14.5**3) / 1000 / volumes.head_volume_ml
    low = 4 / 3 * np.pi * (13.5**3) / 1000 / volumes.head_volume_ml
    cut = volumes.head_fraction / (volumes.volume_ml / volumes.head_volume_ml)
    assert volumes.head_fraction_high - volumes.head_fraction == pytest.approx((high - low) / 2, rel=0.2)
    assert volumes.head_fraction - volumes.head_fraction_low == pytest.approx((high - low) / 2, rel=0.2)
    assert 0.9 < cut <= 1.0
