"""The head's surface against its sphere: caps that stand out or are missing, of closed form."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.anatomy_bones import CLOSED, Stick, posed

from corecore.base.distance_field import Bone, bone_from_voxels
from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Grid, Mask, transform
from corecore.document.stated import StatedAnatomy
from corecore.hip.anatomy.head import fit_head
from corecore.hip.anatomy.model import Anatomy
from corecore.hip.head_surface import beyond_joint, examine_head, place_on_head, refuse_pelvis_in_head
from corecore.hip.lesion import Lesion, sampled
from corecore.verification.hip import beyond_joint as beyond_joint_of_verify
from corecore.verification.mesh import mesh_of

R, SIZE = 22.0, 72
CENTER = np.array([36.3, 35.8, 30.4])
NECK = np.array([-0.6, 0.0, 0.8])
ANTERIOR_SUPERIOR = np.array([0.0, 0.6, 0.8])
ANATOMY = Anatomy(
    "right", CENTER, R, CENTER - 28.0 * NECK, NECK, 500.0, CENTER, np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]),
    None, -44.0, None, np.array([-60.0, -30.0]), np.array([0.0, 3.0]), {},
)  # fmt: skip
PLACE = np.moveaxis(np.indices((SIZE,) * 3, dtype=float), 0, -1) - CENTER
FAR = np.linalg.norm(PLACE, axis=-1)
BALL = FAR <= R


def cap(axis: FloatArray, half_angle_deg: float) -> BoolArray:
    return np.asarray(PLACE @ (axis / np.linalg.norm(axis)) > np.cos(np.radians(half_angle_deg)) * FAR)


def bone_of(voxels: BoolArray) -> Bone:
    return bone_from_voxels(voxels, np.ones(3), open_faces=CLOSED)


@cache
def deep_lesion() -> Lesion:
    return sampled(Mask(Grid((SIZE,) * 3, np.eye(4)), FAR < 4.0))


def told(voxels: BoolArray, lesion: Lesion | None = None) -> str:
    found = examine_head(bone_of(voxels), lesion or deep_lesion(), ANATOMY, 1.0)
    assert {warning.code for warning in found} <= {"head_surface"}
    return found[0].text if found else ""


def figures(text: str) -> tuple[float, float]:
    """Extent, mm, and area, mm²."""
    words = text.split()
    return float(words[words.index("mm", words.index("by")) - 1]), float(words[words.index("mm²") - 1])


@pytest.mark.parametrize(("thick_mm", "cone_deg"), [(2.5, 40.0), (5.0, 25.0)])
def test_bone_beyond_the_joint_is_taken_off_to_the_sphere(thick_mm: float, cone_deg: float) -> None:
    leak = (R + thick_mm >= FAR) & cap(ANTERIOR_SUPERIOR, cone_deg)
    voxels = BALL | leak
    clipped = voxels & ~beyond_joint(bone_of(voxels), voxels, ANATOMY)
    # What a tunnel keeps from the surface under the leak is what it keeps from the true one.
    under = CENTER + np.outer([R - 10.0, R - 5.0, R - 3.0], ANTERIOR_SUPERIOR)
    assert np.allclose(bone_of(clipped).distance(under), bone_of(BALL).distance(under), atol=0.15)
    assert np.allclose(bone_of(clipped).distance(under), [10.0, 5.0, 3.0], atol=0.3)
    assert np.all(bone_of(voxels).distance(under) > np.array([10.0, 5.0, 3.0]) + 0.5)
    assert not np.any(BALL & ~clipped)
    text = told(voxels)
    extent, area = figures(text)
    assert extent == pytest.approx(thick_mm, abs=0.4)
    assert area == pytest.approx(2.0 * np.pi * R**2 * (1.0 - np.cos(np.radians(cone_deg))), rel=0.12)
    assert "(anterior superior)" in text
    assert "leaks into the acetabulum" in text


def test_the_recalculation_takes_off_the_same_bone_by_its_own_mesh() -> None:
    leak = (FAR <= R + 4.0) & cap(ANTERIOR_SUPERIOR, 30.0)
    voxels = BALL | leak
    planner = beyond_joint(bone_of(voxels), voxels, ANATOMY)
    stated = StatedAnatomy(
        CENTER, R, ANATOMY.shaft_axis, CENTER, NECK, ANATOMY.x_axis, None, None, None, -44.0, None, {}
    )
    mask = Mask(Grid((SIZE,) * 3, np.eye(4)), voxels)
    own = beyond_joint_of_verify(mask, mesh_of(mask), stated)
    assert np.count_nonzero(planner ^ own) < 0.05 * np.count_nonzero(planner)
    whole = Mask(mask.grid, BALL)
    assert not beyond_joint_of_verify(whole, mesh_of(whole), stated).any()


@pytest.mark.parametrize(
    "more",
    [
        BALL,
        (FAR <= R + 1.2) & cap(ANTERIOR_SUPERIOR, 40.0),
        # Distal of the head's plane bone may stand out: neck, trochanters, osteophytes of the neck.
        (FAR <= R + 6.0) & cap(-NECK, 50.0) & (PLACE @ NECK < -0.55 * R),
    ],
    ids=["ball", "within 1.5 mm", "neck"],
)
def test_a_sound_head_keeps_all_its_bone(more: BoolArray) -> None:
    voxels = BALL | more
    assert not beyond_joint(bone_of(voxels), voxels, ANATOMY).any()
    assert told(voxels) == ""


def test_what_stands_out_at_the_rim_is_told_as_osteophytes() -> None:
    up = PLACE @ NECK
    rim = (FAR <= R + 4.0) & (up > -0.5 * R) & (up < 0.1 * R) & (PLACE[..., 1] > 8.0)
    text = told(BALL | rim)
    assert "osteophytes" in text
    assert "leaks" not in text


def test_a_missing_cap_is_told_and_a_dome_that_sank_over_the_lesion_is_not() -> None:
    height = 14.0
    missing = height < PLACE @ NECK
    text = told(BALL & ~missing)
    extent, area = figures(text)
    assert extent == pytest.approx(R - height, abs=0.4)
    # A flat cut is missing by 2.5 mm and more where the sphere stands that high over it.
    cosine = height / (R - 2.5)
    assert area == pytest.approx(2.0 * np.pi * R**2 * (1.0 - cosine), rel=0.15)
    assert "missing inside it" in text
    assert "(superior medial)" in text
    under = sampled(Mask(Grid((SIZE,) * 3, np.eye(4)), BALL & ~missing & cap(NECK, 60.0) & (FAR > 8.0)))
    assert told(BALL & ~missing, under) == ""
    # The fovea's pit is no loss.
    pit = np.linalg.norm(PLACE - R * np.array([-0.99, 0.06, 0.08]), axis=-1) < 4.0
    assert told(BALL & ~pit) == ""


def test_a_part_of_the_head_that_is_labelled_pelvis_is_refused() -> None:
    grid = Grid((SIZE,) * 3, np.eye(4))
    socket = np.asarray((FAR > R - 1.0) & (FAR < R + 8.0) & cap(NECK, 80.0))
    # A pelvis that touches the head, or meets it by a voxel, is one.
    refuse_pelvis_in_head(Mask(grid, socket), ANATOMY, np.eye(4))
    with pytest.raises(InputError, match=r"labelled pelvis, up to \d mm deep") as caught:
        refuse_pelvis_in_head(Mask(grid, socket | (BALL & (PLACE @ NECK > 14.0))), ANATOMY, np.eye(4))
    assert caught.value.code == "head-labelled-pelvis"


def test_places_are_told_in_the_words_of_the_head() -> None:
    assert place_on_head(np.array([0.0, 0.7, 0.7])) == "anterior superior"
    assert place_on_head(np.array([-1.0, 0.1, -0.2])) == "medial"
    assert place_on_head(np.array([0.6, -0.6, -0.5])) == "posterior inferior lateral"


@cache
def ball_on_a_stick() -> tuple[BoolArray, FloatArray, FloatArray]:
    """Voxels of 1.6 mm, each one's place in the femoral frame, and the head's true centre."""
    rng = np.random.default_rng(3)
    made = posed(Stick(bottom=-75.0), Rotation.from_euler("xyz", [12.0, -20.0, 25.0], True), rng, spacing=1.6)
    return made.voxels, made.positions().reshape(*made.voxels.shape, 3), made.local_from_femoral


@pytest.mark.parametrize(
    ("thick_mm", "cone_deg", "toward"),
    [
        (5.0, 50.0, (-0.2, 0.4, 0.9)),
        # Medially a leak lies furthest from the neck, and a sphere half-way to it loses least.
        (2.0, 60.0, (-0.96, 0.0, 0.3)),
        pytest.param(2.0, 60.0, (0.0, 0.0, 1.0), marks=pytest.mark.slow),
        pytest.param(2.0, 50.0, (-0.96, 0.0, 0.3), marks=pytest.mark.slow),
        pytest.param(3.0, 60.0, (-0.96, 0.0, 0.3), marks=pytest.mark.slow),
        pytest.param(3.0, 50.0, (0.0, -0.9, 0.45), marks=pytest.mark.slow),
        pytest.param(3.0, 50.0, (-0.96, 0.0, 0.3), marks=pytest.mark.slow),
        pytest.param(6.0, 60.0, (0.0, 0.0, 1.0), marks=pytest.mark.slow),
        pytest.param(3.0, 20.0, (-0.96, 0.0, 0.3), marks=pytest.mark.slow),
    ],
)
def test_the_sphere_is_the_true_heads_where_the_mask_leaks(
    thick_mm: float, cone_deg: float, toward: tuple[float, float, float]
) -> None:
    voxels, place, local_from_femoral = ball_on_a_stick()
    size, axis = np.linalg.norm(place, axis=-1), np.array(toward) / np.linalg.norm(toward)
    leak = (place @ axis > np.cos(np.radians(cone_deg)) * size) & (size > 20.0) & (size < 23.0 + thick_mm)
    bone = bone_from_voxels(voxels | leak, np.full(3, 1.6), open_faces=CLOSED)
    head = fit_head(bone, transform(local_from_femoral, np.array([-3.0, 5.0, 12.0])))
    assert np.linalg.norm(head.center - local_from_femoral[:3, 3]) < 0.5
    assert head.radius_mm == pytest.approx(23.0, abs=0.4)


def test_a_given_sphere_is_the_one_that_counts() -> None:
    voxels = BALL | ((FAR <= R + 4.0) & cap(ANTERIOR_SUPERIOR, 30.0))
    wide = replace(ANATOMY, head_radius_mm=R + 3.0)
    assert not beyond_joint(bone_of(voxels), voxels, wide).any()
