"""Angles, indices and turned heads against closed forms, in a ball for a head at three orientations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.head_phantom import NECK, RADIUS, ball_hip, cap_overlap, cone, femoral, figures, with_lesion

from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.measures.arcs import kerboul_grade
from corecore.measures.model import Measures, measure
from corecore.measures.osteotomy import TILT_DEG
from corecore.measures.weight_bearing import POLES


def slow(value: float) -> Any:
    """A value for the slow tests."""
    return pytest.param(value, marks=pytest.mark.slow)


Z = np.array([0.0, 0.0, 1.0])
GAIT = np.array(POLES["gait"])
#: Where the ball's head ends in the mid-coronal plane, lateral: 0.8 cos a - 0.6 sin a = -0.5.
LATERAL_END_DEG = 120.0 - np.degrees(np.arctan2(0.6, 0.8))


@pytest.fixture(
    scope="module", params=[4, pytest.param(5, marks=pytest.mark.slow), pytest.param(6, marks=pytest.mark.long)]
)
def head(request: pytest.FixtureRequest, sample_hip: Hip) -> Hip:
    """The ball at one of three orientations."""
    return ball_hip(sample_hip, request.param)


@pytest.mark.parametrize("half_angle", [slow(20.0), 47.5, slow(62.5), slow(75.0)])
def test_a_cone_about_the_shaft(head: Hip, half_angle: float) -> None:
    """Arcs of 2 a in both planes, combined 4 a, index (2 a / 180)²; each within 1°."""
    found = figures(cone(head, Z, half_angle), Spec())
    assert found.kerboul.coronal_deg == pytest.approx(2 * half_angle, abs=1.0)
    assert found.kerboul.sagittal_deg == pytest.approx(2 * half_angle, abs=1.0)
    assert found.kerboul.combined_deg == pytest.approx(4 * half_angle, abs=1.5)
    index = (2 * half_angle / 180) ** 2 * 100
    assert found.necrotic_index.original == pytest.approx(index, rel=2 / half_angle)
    # A section of the cone beside its middle is smaller, so the largest slices are the middle ones.
    assert found.necrotic_index.modified == pytest.approx(index, rel=3 / half_angle)
    assert found.necrotic_index.coronal_slice_mm == pytest.approx(0.0, abs=2.0)
    assert found.necrotic_index.sagittal_slice_mm == pytest.approx(0.0, abs=2.0)
    lateral = max(0.0, LATERAL_END_DEG - half_angle)
    assert found.preserved_angle.lateral_deg == pytest.approx(lateral, abs=1.0)


@pytest.mark.parametrize(
    ("combined", "grade"), [(0.0, None), (1.0, 1), (199.9, 1), (200.0, 2), (250.0, 3), (299.9, 3), (300.0, 4)]
)
def test_kerboul_grades(combined: float, grade: int | None) -> None:
    assert kerboul_grade(combined) == grade


@pytest.mark.parametrize("forward", [slow(-20.0), slow(0.0), 30.0])
def test_the_anterior_edge_from_the_necks_axis(head: Hip, forward: float) -> None:
    """A cone of 35° leaning forward in the neck's plane ends 35° further; what is left reaches to 120°."""
    axis = np.cos(np.radians(forward)) * NECK + np.sin(np.radians(forward)) * np.array([0.0, 1.0, 0.0])
    found = figures(cone(head, axis, 35.0), Spec())
    assert found.anterior_necrotic_angle_deg == pytest.approx(forward + 35.0, abs=1.0)
    assert found.preserved_angle.anterior_deg == pytest.approx(120.0 - forward - 35.0, abs=1.0)


def test_two_foci_count_by_their_hull_and_by_their_union(head: Hip) -> None:
    """Two sectors of the mid-coronal plane: -50° to -20°, and 10° to 40°."""
    place = femoral(head)
    turn = np.degrees(np.arctan2(place[..., 0], place[..., 2]))
    foci = ((turn > -50) & (turn < -20)) | ((turn > 10) & (turn < 40))
    found = figures(with_lesion(head, foci & (np.linalg.norm(place, axis=-1) > 10.0)), Spec()).kerboul
    assert found.coronal_deg == pytest.approx(90.0, abs=1.5)
    assert found.coronal_union_deg == pytest.approx(60.0, abs=2.0)


def test_the_largest_slice_is_found_beside_the_middle(head: Hip) -> None:
    """A ball of 8 mm, 12 mm in front: the coronal slice there, where the head's radius is sqrt(24² - 12²)."""
    place = femoral(head)
    center = np.array([0.0, 12.0, 14.0])
    found = figures(with_lesion(head, np.linalg.norm(place - center, axis=-1) <= 8.0), Spec())
    assert found.necrotic_index.coronal_slice_mm == pytest.approx(12.0, abs=1.5)
    assert found.necrotic_index.sagittal_slice_mm == pytest.approx(0.0, abs=1.5)
    assert found.necrotic_index.modified > found.necrotic_index.original


def test_a_lesion_under_no_surface_has_no_angle(head: Hip) -> None:
    found = figures(with_lesion(head, np.linalg.norm(femoral(head), axis=-1) <= 6.0), Spec())
    assert found.kerboul.combined_deg == 0.0
    assert found.kerboul.grade is None
    assert found.necrotic_index.modified == 0.0
    assert found.anterior_necrotic_angle_deg is None
    assert found.preserved_angle.combined_deg is None


def test_a_turn_about_the_neck_moves_the_cone_from_under_the_load(head: Hip) -> None:
    """The dead share is the overlap of the cap with the cone, turned with the head: forward for positive angles."""
    axis = GAIT / np.linalg.norm(GAIT) + 0.5 * np.array([0.0, 1.0, 0.0])
    found = figures(cone(head, axis, 40.0), Spec()).rotation
    for degrees in (-60.0, 0.0, 50.0):
        turned = rotated(axis, NECK, degrees)
        at = list(found.angles_deg).index(degrees)
        assert found.dead[at] == pytest.approx(cap_overlap(GAIT, 55.0, turned, 40.0), abs=0.01)
    # The lesion lies in front: turning the upper side forward takes it further away from the load.
    assert found.dead[-1] < found.dead[0]
    assert found.angles_deg[found.best] > 0
    assert rotated(Z, NECK, 20.0)[1] > 0


def test_a_varus_tilt_moves_the_upper_side_medially(head: Hip) -> None:
    axis = np.array([-0.7, 0.0, 0.7])
    found = figures(cone(head, axis, 30.0), Spec()).tilt
    for degrees in (-30.0, 15.0):
        medial = np.radians(degrees)
        turned = np.array([-np.sin(medial) + 0.0, 0.0, np.cos(medial)])
        # The axis itself, 45° medial of the shaft, turned on by the tilt.
        turned = np.array([-np.sin(np.pi / 4 + medial), 0.0, np.cos(np.pi / 4 + medial)])
        at = list(TILT_DEG).index(degrees)
        assert found.dead[at] == pytest.approx(cap_overlap(GAIT, 55.0, turned, 30.0), abs=0.01)
    assert found.dead[-1] < found.dead[0]


def test_the_intact_share_counts_what_of_the_cap_is_on_the_head(head: Hip) -> None:
    found = figures(cone(head, GAIT, 20.0), Spec()).tilt
    at = list(TILT_DEG).index(-30.0)
    pole = np.array([GAIT[0] * 1.0, GAIT[1], GAIT[2]])
    turned = rotated(pole, np.array([0.0, -1.0, 0.0]), 30.0)
    on_head = cap_overlap(turned, 55.0, NECK, 120.0)
    assert found.intact[at] + found.dead[at] == pytest.approx(on_head, abs=0.01)


@pytest.mark.parametrize("half_angle", [30.0, slow(50.0)])
def test_a_reamed_dome_stands_on_what_is_living(head: Hip, half_angle: float) -> None:
    """A cone about the neck's axis leaves cos a of the half-sphere; below it stays its tip."""
    found = figures(cone(head, NECK, half_angle), Spec()).resurfacing
    for depth, supported, left in zip(found.reaming_mm, found.supported_fraction, found.dead_left_ml, strict=True):
        assert supported == pytest.approx(np.cos(np.radians(half_angle)), abs=0.01)
        tip = (1 - np.cos(np.radians(half_angle))) / 2 * 4 / 3 * np.pi * (RADIUS - depth) ** 3 / 1000
        assert left == pytest.approx(tip, rel=0.01)


def test_the_outline_moved_by_half_a_voxel_and_by_a_millimetre(head: Hip) -> None:
    """A ball of radius r gains a shell; a cone's arc gains what a millimetre is at the subchondral depth."""
    ball = measure(with_lesion(head, np.linalg.norm(femoral(head), axis=-1) <= 14.0), Spec())
    assert ball.repeatability.half_voxel_mm == 0.5
    for changes, step in ((ball.repeatability.half_voxel, 0.5), (ball.repeatability.one_mm, 1.0)):
        for side, sign in enumerate((-1, 1)):
            shell = 4 / 3 * np.pi * ((14.0 + sign * step) ** 3 - 14.0**3) / 1000
            assert changes["volume_ml"][side] == pytest.approx(shell, rel=0.05)
    wedge = measure(cone(head, Z, 40.0), Spec()).repeatability
    grown = 2 * np.degrees(np.arcsin(1.0 / (RADIUS - 5.0)))
    assert wedge.one_mm["kerboul.coronal_deg"][1] == pytest.approx(grown, abs=1.0)
    # Inward the shallowest rays are the last to be left: the arc loses what a millimetre is at the surface.
    shrunk = 2 * np.degrees(np.arcsin(1.0 / RADIUS))
    assert wedge.one_mm["kerboul.coronal_deg"][0] == pytest.approx(-shrunk, abs=2.0)


def test_a_lesion_lost_to_the_eraser_has_no_change_of_depth(head: Hip) -> None:
    """A disc of 1 mm: with its outline 1 mm in, nothing is left to measure; it is said, and why."""
    place = femoral(head)
    disc = (np.abs(place[..., 2] - 15.0) <= 0.9) & (np.hypot(place[..., 0], place[..., 1]) <= 8.0)
    found: Measures = measure(with_lesion(head, disc), replace(Spec(), subchondral_depth_mm=12.0))
    assert found.repeatability.one_mm["weight_bearing.poles.gait.depth_mm"][0] is None
    assert all(inward is None for inward, _ in found.repeatability.one_mm.values())
    assert all(inward is None for inward, _ in found.repeatability.one_mm_classes.values())
    assert found.repeatability.one_mm["volume_ml"][1] is not None
    assert "repeatability.one_mm.inward" in found.as_dict()["missing"]
    assert "lesion_thin" in {warning.code for warning in found.warnings}


def rotated(vector: np.ndarray, axis: np.ndarray, degrees: float) -> np.ndarray:
    """By quaternion, not by the formula under test."""
    half = np.radians(degrees) / 2
    w, v = np.cos(half), np.sin(half) * axis
    return np.asarray(vector + 2 * np.cross(v, np.cross(v, vector) + w * vector))


def test_what_is_null_says_why(head: Hip) -> None:
    found = measure(with_lesion(head, np.linalg.norm(femoral(head), axis=-1) <= 6.0), Spec()).as_dict()
    assert found["kerboul"]["grade"] is None
    assert found["missing"]["kerboul.grade"].startswith("the lesion reaches the surface in neither")
    preserved = {f"preserved_angle.{name}_deg" for name in ("lateral", "anterior", "combined")}
    # About the centre an angle says nothing of place.
    place = {*(f"jic.{name}" for name in ("type", "type_range", "covered_share", "lesion_deg", "seen_at"))}
    place |= {"arco_type.type", "arco_type.lesion_deg", "components.covered_share"}
    assert set(found["missing"]) == {"kerboul.grade", "anterior_necrotic_angle_deg", *preserved, *place}
