"""Axes, trochanters and the femoral frame: against bones of closed form."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.anatomy_bones import Posed, Stick, degrees_between, posed, unit

from corecore.base.distance_field import Bone
from corecore.base.errors import AnatomyError
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.fit import fit_anatomy
from corecore.hip.anatomy.frame import entry_zone, neck_axis_turned
from corecore.hip.anatomy.head import fit_head
from corecore.hip.anatomy.model import Anatomy, Landmarks
from corecore.hip.anatomy.side import Shape, checked_shape, guess_side

LESION = np.array([-3.0, 5.0, 12.0])
UP = np.array([0.0, 0.0, 1.0])
SHAPES = [
    Stick(),
    Stick(neck_shaft_deg=118.0, version_deg=25.0),
    Stick(radius=20.0, neck_radius=10.5, neck_shaft_deg=136.0, version_deg=2.0, offset=38.0),
]


@cache
def pose(index: int, shape: int = 0, spread_deg: float = 30.0) -> Posed:
    rng = np.random.default_rng(100 + index)
    return posed(SHAPES[shape], Rotation.from_euler("xyz", rng.uniform(-1, 1, 3) * spread_deg, True), rng, spacing=1.6)


@cache
def fitted(truth: Posed, bone: Bone | None = None, given: Landmarks | None = None) -> Anatomy:
    """Fitted once a bone: bones and landmarks are told apart by identity."""
    near = truth.at(LESION)
    return fit_anatomy(truth.bone if bone is None else bone, near, side="right", superior=UP, given=given)


def lateral_from_neck(stick: Stick) -> FloatArray:
    """Lateral as the contract has it where no condyles are in view: 14° of version, whatever the bone's own."""
    excess = np.radians(stick.version_deg - 14.0)
    return np.array([np.cos(excess), -np.sin(excess), 0.0])


#: A stick has no bow. The usual one is taken off a shaft that is in view in part: here 0.001 per mm, over up to 50 mm
#: that the scan does not show, half of it in the axis.
STRAIGHT_DEG = 1.6


@pytest.mark.parametrize(("index", "shape"), [(0, 0), (1, 0), (0, 1), (0, 2)])
def test_axes_and_landmarks_of_a_ball_on_a_stick(index: int, shape: int) -> None:
    truth, stick = pose(index, shape), SHAPES[shape]
    found = fitted(truth)
    assert set(found.sources) == {
        "head_center", "neck_axis", "shaft_axis", "lesser_trochanter", "greater_trochanter", "x_axis",
    }  # fmt: skip
    assert found.sources["x_axis"] == "neck"
    assert {v for k, v in found.sources.items() if k != "x_axis"} == {"fitted"}
    assert found.warnings == ()
    assert degrees_between(found.neck_axis, truth.along(stick.neck_axis)) < 1.0
    assert degrees_between(found.shaft_axis, truth.along(UP)) < STRAIGHT_DEG
    assert degrees_between(found.x_axis, truth.along(lateral_from_neck(stick))) < 1.0
    assert found.neck_shaft_angle_deg == pytest.approx(stick.neck_shaft_deg, abs=1.0)
    assert found.lesser_trochanter_tip is not None
    assert np.linalg.norm(found.lesser_trochanter_tip - truth.at(stick.lesser_tip)) < 2.0
    assert found.lesser_trochanter_height_mm == pytest.approx(-2.0 * stick.radius, abs=1.0)
    assert found.neck_min_area_mm2 == pytest.approx(np.pi * stick.neck_radius**2, rel=0.04)
    assert found.greater_trochanter_tip is not None
    tip = truth.at(np.array([stick.joint[0] + 6.0, stick.joint[1] - 8.0, 4.0]))
    assert np.linalg.norm(found.greater_trochanter_tip - tip) < 1.5


def test_the_neck_points_medially_and_anteriorly_and_the_bump_is_behind() -> None:
    truth = pose(0)
    found = fitted(truth)
    seen = np.array([found.x_axis, found.y_axis, found.shaft_axis]) @ found.neck_axis
    assert seen[0] < -0.5
    assert np.degrees(np.arctan2(seen[1], -seen[0])) == pytest.approx(14.0, abs=1e-6)
    assert found.lesser_trochanter_tip is not None
    assert (found.lesser_trochanter_tip - found.shaft_point) @ found.y_axis < -5.0
    assert (found.lesser_trochanter_tip - found.shaft_point) @ found.x_axis < -5.0


def test_anteversion_turns_the_neck_forward() -> None:
    neck = unit(np.array([-np.cos(np.radians(14.0)), np.sin(np.radians(14.0)), 1.0]))
    assert np.allclose(neck_axis_turned(neck, UP), [1.0, 0.0, 0.0])


def test_what_superior_says_does_not_touch_a_fitted_axis() -> None:
    truth = pose(1)
    leaning = unit(np.array([0.5, -0.5, 1.0]))
    one = fitted(truth)
    other = fit_anatomy(truth.bone, truth.at(LESION), side="right", superior=leaning)
    assert np.array_equal(one.shaft_axis, other.shaft_axis)
    assert np.array_equal(one.x_axis, other.x_axis)


def test_reordered_axes_turn_the_anatomy_along() -> None:
    """The same voxels seen with their axes permuted: a rigid motion without resampling."""
    truth = pose(0)
    turn = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    bone = truth.bone
    turned = Bone(
        np.ascontiguousarray(np.transpose(bone.distance_mm, (1, 2, 0))), bone.spacing_mm[[1, 2, 0]],
        bone.surface_points_mm @ turn.T, bone.surface_normals @ turn.T, bone.cut_points_mm @ turn.T,
    )  # fmt: skip
    one = fitted(truth)
    other = fit_anatomy(turned, turn @ truth.at(LESION), side="right", superior=turn @ UP)
    assert np.allclose(other.head_center, turn @ one.head_center, atol=0.02)
    assert degrees_between(other.neck_axis, turn @ one.neck_axis) < 0.1
    assert degrees_between(other.shaft_axis, turn @ one.shaft_axis) < 0.1
    assert other.lesser_trochanter_tip is not None
    assert one.lesser_trochanter_tip is not None
    assert np.allclose(other.lesser_trochanter_tip, turn @ one.lesser_trochanter_tip, atol=0.3)


@pytest.mark.parametrize("version_deg", [0.0, 30.0])
def test_the_condyles_give_lateral_where_they_are_in_view(version_deg: float) -> None:
    rng = np.random.default_rng(3)
    stick = Stick(bottom=-350.0, condyles_deg=14.0 - version_deg)
    truth = posed(stick, Rotation.from_euler("xyz", [4.0, -8.0, 10.0], True), rng, spacing=2.5)
    found = fitted(truth)
    assert found.sources["x_axis"] == "condyles"
    turn = np.radians(14.0 - version_deg)
    assert degrees_between(found.x_axis, truth.along(np.array([np.cos(turn), np.sin(turn), 0.0]))) < 1.0


def test_a_bone_cut_across_an_oblique_plane_keeps_its_shaft_axis() -> None:
    truth = pose(0)
    cut = (truth.positions() @ unit(np.array([0.35, -0.35, 1.0])) < -98.0).reshape(truth.voxels.shape)
    found = fitted(truth, truth.without(cut))
    assert found.sources["shaft_axis"] == "fitted"
    assert degrees_between(found.shaft_axis, truth.along(UP)) < STRAIGHT_DEG


@pytest.mark.parametrize(("cut", "lesser"), [(-62.0, "fitted"), (-38.0, "assumed")])
def test_a_short_scan_says_what_it_assumes(cut: float, lesser: str) -> None:
    truth = pose(0)
    found = fitted(truth, truth.without((truth.positions()[:, 2] < cut).reshape(truth.voxels.shape)))
    codes = {warning.code for warning in found.warnings}
    assert found.sources["shaft_axis"] == "assumed"
    assert "shaft_assumed" in codes
    assert found.sources["lesser_trochanter"] == lesser
    assert ("lesser_trochanter_assumed" in codes) == (lesser == "assumed")
    if lesser == "assumed":
        assert found.lesser_trochanter_tip is None
        assert found.lesser_trochanter_height_mm == pytest.approx(-2.0 * found.head_radius_mm)
    assert degrees_between(found.neck_axis, truth.along(Stick().neck_axis)) < 1.0
    # This stick is no member of the template's family: only that it is not absurd.
    assert degrees_between(found.shaft_axis, truth.along(UP)) < 15.0


def test_landmarks_given_override_and_are_said_to_be_given() -> None:
    truth = pose(0)
    given = Landmarks(
        neck_center=truth.at(-28.0 * Stick().neck_axis + np.array([0.0, 1.0, 0.0])),
        shaft_point=truth.at(np.array([45.0, 0.0, -80.0])),
        shaft_axis=truth.along(unit(np.array([0.1, 0.0, 1.0]))),
        x_axis=truth.along(np.array([1.0, 0.1, 0.2])),
        lesser_trochanter_tip=truth.at(np.array([20.0, -20.0, -50.0])),
        greater_trochanter_tip=truth.at(np.array([45.0, -5.0, 9.0])),
    )
    found = fitted(truth, given=given)
    assert found.sources == {
        "head_center": "fitted", "neck_axis": "given", "shaft_axis": "given",
        "lesser_trochanter": "given", "greater_trochanter": "given", "x_axis": "given",
    }  # fmt: skip
    assert given.shaft_axis is not None
    assert np.allclose(found.shaft_axis, given.shaft_axis)
    assert abs(found.x_axis @ found.shaft_axis) < 1e-9
    assert given.lesser_trochanter_tip is not None
    height = (given.lesser_trochanter_tip - found.head_center) @ found.shaft_axis
    assert found.lesser_trochanter_height_mm == pytest.approx(height)


def test_the_other_sides_bone_is_refused() -> None:
    """A mirrored bone keeps its head, neck and shaft; where the trochanters lie betrays it."""
    truth = pose(0)
    bone = truth.bone
    size = (bone.distance_mm.shape[0] - 1) * bone.spacing_mm[0]
    flip = np.array([-1.0, 1.0, 1.0])
    shift = np.array([size, 0.0, 0.0])
    mirrored = Bone(
        np.ascontiguousarray(bone.distance_mm[::-1]), bone.spacing_mm, bone.surface_points_mm * flip + shift,
        bone.surface_normals * flip, bone.cut_points_mm,
    )  # fmt: skip
    assert "mirrored_bone" not in {c.code for c in fitted(truth).warnings}
    with pytest.raises(AnatomyError, match="lesser trochanter lies before the neck") as refused:
        fit_anatomy(mirrored, truth.at(LESION) * flip + shift, side="right", superior=UP)
    assert refused.value.code == "bone-mirrored"


@pytest.mark.parametrize(
    ("cues", "ends"),
    [
        ({"lesser trochanter": 8.0, "greater trochanter": 9.0, "neck": 5.0, "bow": 2.0}, "silent"),
        ({"lesser trochanter": -2.9, "greater trochanter": -2.9, "neck": -2.9, "bow": -0.9}, "silent"),
        ({"lesser trochanter": -8.0, "greater trochanter": 9.0, "neck": 5.0}, "silent"),
        ({"lesser trochanter": -8.0}, "warns"),
        ({"lesser trochanter": -8.0, "greater trochanter": 9.0, "neck": -5.0}, "warns"),
        ({"lesser trochanter": -8.0, "greater trochanter": -9.0}, "refuses"),
        ({"lesser trochanter": -8.0, "greater trochanter": -9.0, "neck": -5.0, "bow": 2.0}, "refuses"),
        ({}, "silent"),
    ],
)
def test_one_cue_warns_and_two_refuse(cues: dict[str, float], ends: str) -> None:
    if ends == "refuses":
        with pytest.raises(AnatomyError, match="--side right"):
            checked_shape(Shape(cues), "left")
    else:
        assert [w.code for w in checked_shape(Shape(cues), "left")] == (["mirrored_bone"] if ends == "warns" else [])


@pytest.mark.parametrize(
    "turn", [(0, 0, 0), (30, 0, 0), (0, 30, 0), (0, -30, 0), (0, 0, 30), (0, 0, -30), (20, 20, 20)]
)
def test_the_side_of_a_turned_patient(turn: tuple[float, float, float]) -> None:
    truth = pose(0, 0, 0.0)
    head = fit_head(truth.bone, truth.at(LESION))
    local_from_world = np.eye(4)
    local_from_world[:3, :3] = Rotation.from_euler("xyz", turn, True).as_matrix()
    assert guess_side(truth.bone, head, local_from_world) == "right"
    # The negative twin: a world whose x runs the other way makes the same bone a left one.
    other = np.diag([-1.0, -1.0, 1.0, 1.0])
    assert guess_side(truth.bone, head, local_from_world @ other) == "left"


def test_the_entry_zone_lies_where_its_parameters_say() -> None:
    truth = pose(0)
    found = fitted(truth)
    zone = entry_zone(truth.bone, found, lower_mm=5.0, upper_mm=25.0, normal_max_deg=60.0, ap_max_mm=8.0)
    assert zone.shape == (len(truth.bone.surface_points_mm),)
    points, normals = truth.bone.surface_points_mm[zone], truth.bone.surface_normals[zone]
    femoral = (points - found.head_center) @ np.array([found.x_axis, found.y_axis, found.shaft_axis]).T
    above = femoral[:, 2] - found.lesser_trochanter_height_mm
    assert above.min() >= 5.0
    assert above.max() <= 25.0
    assert above.max() - above.min() > 17.0
    assert np.all(normals @ found.x_axis >= 0.5)
    assert np.all(np.abs(femoral[:, 1] - found.midline_y(femoral[:, 2])) <= 8.0)
    assert np.all((points - found.shaft_point) @ found.x_axis > 0.0)
    wider = entry_zone(truth.bone, found, lower_mm=5.0, upper_mm=25.0, normal_max_deg=60.0, ap_max_mm=12.0)
    assert np.all(wider[zone])
    assert wider.sum() > zone.sum()


def test_the_midline_of_a_round_shaft_is_its_axis() -> None:
    truth = pose(1)
    found = fitted(truth)
    heights = found.midline_heights_mm
    assert heights[0] == pytest.approx(found.lesser_trochanter_height_mm - 10.0)
    # Here the section is the shaft and, medial of its axis, the lesser trochanter.
    low = heights < -48.0
    axis_y = (found.shaft_point - found.head_center) @ found.y_axis
    assert np.count_nonzero(low) >= 8
    assert np.abs(found.midline_y_mm[low] - axis_y).max() < 0.6
