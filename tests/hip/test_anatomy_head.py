"""The head's sphere: against balls of known place and size, with parts missing, and where no head is."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.anatomy_bones import CLOSED, Posed, Stick, posed

from corecore.base.distance_field import bone_from_voxels
from corecore.base.errors import AnatomyError
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.head import fit_head
from corecore.hip.anatomy.model import Landmarks

LESION = np.array([-3.0, 5.0, 12.0])


SHORT = Stick(bottom=-75.0)


@cache
def pose(seed: int = 5, stick: Stick = SHORT, spread_deg: float = 30.0) -> Posed:
    rng = np.random.default_rng(seed)
    turn = Rotation.from_euler("xyz", rng.uniform(-1, 1, 3) * spread_deg, True)
    return posed(stick, turn, rng, spacing=1.6)


@pytest.mark.parametrize("radius", [17.0, 23.0, 27.0])
def test_the_sphere_is_found_at_any_offset_and_turn(radius: float) -> None:
    truth = pose(int(radius), Stick(radius=radius, neck_radius=0.52 * radius, bottom=-75.0), spread_deg=180.0)
    head = fit_head(truth.bone, truth.at(LESION))
    assert np.linalg.norm(head.center - truth.at(np.zeros(3))) < 0.5
    assert head.radius_mm == pytest.approx(radius, abs=0.5)
    assert head.source == "fitted"
    assert head.hemisphere_coverage > 0.9


@pytest.mark.parametrize("half_angle_deg", [30.0, 45.0, 60.0])
def test_a_crater_where_the_lesion_is_missing_does_not_move_it(half_angle_deg: float) -> None:
    truth = pose()
    place = truth.positions()
    size = np.linalg.norm(place, axis=1)
    cone = (place @ LESION > np.cos(np.radians(half_angle_deg)) * size * np.linalg.norm(LESION)) & (size > 9.0)
    head = fit_head(truth.without(cone.reshape(truth.voxels.shape)), truth.at(LESION))
    assert np.linalg.norm(head.center - truth.at(np.zeros(3))) < 0.7
    assert head.radius_mm == pytest.approx(23.0, abs=0.5)


@pytest.mark.parametrize("lost_mm", [2.0, 4.0, 6.0])
def test_a_collapsed_dome_does_not_move_it(lost_mm: float) -> None:
    truth = pose()
    dome = truth.positions() @ np.array([0.0, 0.3, 0.954]) > 23.0 - lost_mm
    head = fit_head(truth.without(dome.reshape(truth.voxels.shape)), truth.at(LESION))
    assert np.linalg.norm(head.center - truth.at(np.zeros(3))) < 0.7
    assert head.radius_mm == pytest.approx(23.0, abs=0.5)


@pytest.mark.parametrize(
    ("cut", "near"),
    [(-30.0, -40.0), (-30.0, -70.0), (-60.0, -68.0)],
    ids=["trochanters left, near the cut", "trochanters left, shaft", "shaft alone"],
)
def test_a_headless_bone_is_refused(cut: float, near: float) -> None:
    truth = pose(7, Stick(bottom=-110.0))
    above = truth.positions()[:, 2] > cut
    place: FloatArray = np.array([Stick().joint[0], Stick().joint[1], near])
    with pytest.raises(AnatomyError, match="no femoral head"):
        fit_head(truth.without(above.reshape(truth.voxels.shape)), truth.at(place))


def test_a_lesion_far_from_the_head_is_refused() -> None:
    truth = pose(7, Stick(bottom=-110.0))
    with pytest.raises(AnatomyError, match="no femoral head"):
        fit_head(truth.bone, truth.at(np.array([Stick().joint[0], 0.0, -85.0])))


def test_a_ball_without_a_neck_is_no_femur() -> None:
    x = np.indices((50, 50, 50)) * 1.3 - 32.0
    ball = (x**2).sum(axis=0) < 22.0**2
    with pytest.raises(AnatomyError, match="no femoral head"):
        fit_head(bone_from_voxels(ball, [1.3] * 3, open_faces=CLOSED), np.array([32.0, 32.0, 36.0]))


def test_what_is_given_overrides_the_fit() -> None:
    truth = pose()
    place = truth.at(np.array([1.0, 0.0, 0.5]))
    both = fit_head(truth.bone, truth.at(LESION), given=Landmarks(head_center=place, head_radius_mm=25.0))
    assert both.source == "given"
    assert np.array_equal(both.center, place)
    assert both.radius_mm == 25.0
    center_only = fit_head(truth.bone, truth.at(LESION), given=Landmarks(head_center=place))
    assert np.allclose(center_only.center, place)
    assert center_only.radius_mm == pytest.approx(23.0, abs=1.0)
    with pytest.raises(AnatomyError, match="15 to 35 mm"):
        fit_head(truth.bone, truth.at(LESION), given=Landmarks(head_center=place, head_radius_mm=50.0))


def test_nothing_that_goes_in_is_changed() -> None:
    truth = pose()
    near = truth.at(LESION)
    before = near.copy(), truth.bone.surface_points_mm.copy()
    fit_head(truth.bone, near)
    assert np.array_equal(near, before[0])
    assert np.array_equal(truth.bone.surface_points_mm, before[1])
