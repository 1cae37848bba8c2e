"""Synthetic hips: the truth fits the masks, sides mirror, and the same seed gives the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, transform
from corecore.io.nifti import read_volume
from corecore.study.phantom.files import write_hip
from corecore.study.phantom.hip import DRAWN_FRACTION, HipRecipe, SyntheticHip, make_hip
from corecore.study.phantom.pose import Pose
from corecore.study.phantom.shape import FemurShape
from corecore.study.phantom.truth import Truth

#: Coarse and short, so that many hips fit a fast test.
COARSE = HipRecipe(spacing_mm=(1.5, 1.5, 1.5), shaft_below_mm=40.0, seed=3)
TURNED = replace(COARSE, pose=Pose((80.0, 5.0, -30.0), 12.0, -6.0, 20.0))


@pytest.fixture(scope="module")
def coarse() -> SyntheticHip:
    return make_hip(COARSE)


@pytest.mark.parametrize("seed", range(6))
def test_truth_fits_the_masks_of_drawn_hips(seed: int) -> None:
    hip = make_hip(replace(HipRecipe.drawn(seed), spacing_mm=(1.2, 1.2, 1.2), shaft_below_mm=30.0))
    truth, lesion = hip.truth, hip.truth.lesion
    assert hip.lesion.volume_ml == pytest.approx(lesion.volume_ml, rel=0.02)
    assert np.linalg.norm(hip.lesion.positions_mm().mean(axis=0) - lesion.centroid) < 0.25
    assert DRAWN_FRACTION[0] <= lesion.sphere_fraction <= DRAWN_FRACTION[1]
    assert not np.any(hip.lesion.voxels & ~hip.femur.voxels)
    # The head's sphere, counted in the femur's mask.
    away = np.linalg.norm(hip.femur.positions_mm() - truth.head_center, axis=1)
    counted = np.count_nonzero(away < truth.head_radius_mm) * hip.femur.grid.voxel_ml
    assert counted == pytest.approx(lesion.sphere_ml, rel=0.01)
    # Half a voxel inside the landmarks there is bone, two voxels outside there is none.
    for tip, out in (
        ("lesser_trochanter_tip", _away_from_shaft(truth, "lesser_trochanter_tip")),
        ("greater_trochanter_tip", np.array(truth.shaft_axis)),
    ):
        point = np.array(getattr(truth, tip))
        assert hip.femur.contains(point - 1.5 * out[None])[0]
        assert not hip.femur.contains(point + 2.4 * out[None])[0]


def test_mean_lesion_volume_is_the_closed_form() -> None:
    # Contract: mean volume within 0.5 %. Sub-voxel places differ with the seed.
    errors = []
    for seed in range(8):
        hip = make_hip(replace(COARSE, seed=seed, spacing_mm=(1.2, 1.2, 1.2), shaft_below_mm=-20.0))
        errors.append(hip.lesion.volume_ml / hip.truth.lesion.volume_ml - 1.0)
    assert abs(np.mean(errors)) < 0.005
    assert np.max(np.abs(errors)) < 0.02
    assert np.std(errors) > 0.0  # the place does vary


@pytest.mark.parametrize("recipe", [COARSE, replace(TURNED, grid_turn_deg=(10.0, -15.0, 25.0))])
def test_left_is_the_mirror_image_of_right(recipe: HipRecipe) -> None:
    right, left = make_hip(recipe), make_hip(replace(recipe, side="left"))
    assert (right.truth.side, left.truth.side) == ("right", "left")
    assert right.truth.head_center[0] > 0.0 > left.truth.head_center[0]
    mirror = np.array([-1.0, 1.0, 1.0])
    for key in ("head_center", "lesser_trochanter_tip", "greater_trochanter_tip", "neck_axis", "shaft_axis", "x_axis"):
        assert np.array(getattr(left.truth, key)) == pytest.approx(mirror * getattr(right.truth, key), abs=1e-3)
    # Voxel by voxel: mirrored points of one lie in the other, but for those on the very edge.
    for ours, theirs in ((right.femur, left.femur), (right.lesion, left.lesion)):
        points = ours.positions_mm() * mirror
        assert theirs.contains(points).mean() > 0.95
        assert theirs.volume_ml == pytest.approx(ours.volume_ml, rel=0.01)
    # The negative twin: without the mirror they do not meet at all.
    assert not left.femur.contains(right.femur.positions_mm()).any()


def test_medial_and_front_are_where_they_belong(coarse: SyntheticHip) -> None:
    content = msgspec.to_builtins(coarse.truth)
    truth = {key: np.array(value) for key, value in content.items() if isinstance(value, list)}
    assert truth["neck_axis"] @ truth["x_axis"] < -0.5  # the head lies medially
    assert truth["x_axis"][0] > 0.99  # lateral is the patient's right
    assert truth["shaft_axis"][2] > 0.99
    assert truth["greater_trochanter_tip"][0] > truth["head_center"][0] + 25.0
    assert truth["lesser_trochanter_tip"][1] < truth["head_center"][1] - 15.0  # behind
    assert coarse.truth.lesion.centroid[1] > truth["head_center"][1]  # in front
    assert coarse.truth.lesion.centroid[2] > truth["head_center"][2]  # above


@pytest.mark.parametrize(
    ("pose", "axis", "sign"),
    [
        (Pose(flexion_deg=20.0), 1, 1.0),  # the knee comes forward
        (Pose(adduction_deg=20.0), 0, -1.0),  # a right knee goes to the left
    ],
)
def test_pose_turns_the_distal_end_as_it_says(pose: Pose, axis: int, sign: float) -> None:
    distal = -pose.world_from_femoral("right")[:3, 2]
    assert sign * distal[axis] == pytest.approx(np.sin(np.radians(20.0)))
    left = -pose.world_from_femoral("left")[:3, 2]
    assert left == pytest.approx(distal * [-1.0, 1.0, 1.0])


def test_internal_rotation_turns_the_front_inward() -> None:
    front = Pose(internal_rotation_deg=30.0).world_from_femoral("right")[:3, 1]
    assert front == pytest.approx([-0.5, np.sqrt(0.75), 0.0])


def test_a_moved_patient_has_moved_truths() -> None:
    still, moved = make_hip(COARSE), make_hip(TURNED)
    step = TURNED.pose.world_from_femoral("right") @ np.linalg.inv(COARSE.pose.world_from_femoral("right"))
    for key in ("head_center", "lesser_trochanter_tip", "greater_trochanter_tip", "shaft_point"):
        assert getattr(moved.truth, key) == pytest.approx(transform(step, getattr(still.truth, key)), abs=1e-3)
    assert moved.truth.lesion.volume_ml == still.truth.lesion.volume_ml


def test_scan_cuts_the_shaft_and_nothing_else() -> None:
    hip = make_hip(TURNED)
    voxels = hip.femur.voxels
    touched = [bool(np.take(voxels, end, axis=axis).any()) for axis in range(3) for end in (0, -1)]
    assert touched == [False, False, False, False, True, False]
    # As much shaft as asked for is in view, along the shaft.
    down = (np.array(hip.truth.lesser_trochanter_tip) - hip.femur.positions_mm()) @ hip.truth.shaft_axis
    assert down.max() > 38.0
    # Every section down to there is complete: shaft voxels do not touch the sides.
    assert not np.take(voxels, 0, axis=0).any()


def test_oblique_grid_samples_the_same_hip(coarse: SyntheticHip) -> None:
    oblique = make_hip(replace(COARSE, grid_turn_deg=(20.0, -10.0, 35.0)))
    assert oblique.truth.head_center == coarse.truth.head_center
    assert oblique.lesion.volume_ml == pytest.approx(coarse.lesion.volume_ml, rel=0.03)
    unit = oblique.femur.grid.world_from_index[:3, :3] / oblique.femur.grid.spacing_mm
    assert np.max(np.abs(unit)) < 0.95


def test_mr_has_a_grid_of_its_own_and_looks_the_part() -> None:
    hip = make_hip(replace(COARSE, mr=True, mr_spacing_mm=(1.0, 1.0, 1.0)))
    assert hip.mr is not None
    assert hip.lesion.grid.same_as(hip.mr.grid)
    assert hip.lesion.volume_ml == pytest.approx(hip.truth.lesion.volume_ml, rel=0.02)
    with pytest.raises(InputError, match="different grids"):
        hip.labels()
    depth = _depth(hip.lesion.voxels)
    core, rim = hip.mr.values[depth >= 4], hip.mr.values[depth == 1]
    points = hip.femur.positions_mm()
    marrow = points[np.linalg.norm(points - hip.truth.head_center, axis=1) < 6.0]
    index = np.rint(transform(hip.mr.grid.index_from_world, marrow)).astype(int)
    assert np.median(core) == pytest.approx(np.median(hip.mr.values[tuple(index.T)]), rel=0.25)  # isointense with fat
    assert np.median(rim) < 0.6 * np.median(core)


def test_ct_has_the_published_numbers() -> None:
    hip = make_hip(replace(COARSE, spacing_mm=(1.2, 1.2, 1.2), ct=True))
    assert hip.ct is not None

    def around(point: FloatArray, radius: float) -> float:
        assert hip.ct is not None
        grid = hip.ct.grid
        near = transform(grid.world_from_index, np.indices(grid.shape).reshape(3, -1).T) - point
        return float(hip.ct.values.ravel()[np.einsum("ij,ij->i", near, near) < radius**2].mean())

    center, neck = np.array(hip.truth.head_center), np.array(hip.truth.neck_center)
    lesion = np.array(hip.truth.lesion.centroid)
    shaft = np.array(hip.truth.shaft_point) - 55.0 * np.array(hip.truth.shaft_axis)
    side = shaft + (0.5 * FemurShape().shaft_diameter_mm - 2.7) * np.array(hip.truth.x_axis)
    assert 80.0 < around(neck, 6.0) < 260.0  # cancellous neck 132, plus part of the bundle
    assert around(center, 5.0) > around(neck, 6.0)
    assert around(side, 1.2) > 900.0  # cortex
    assert around(shaft, 4.0) < 20.0  # marrow cavity
    assert around(lesion, 4.0) == pytest.approx(around(center, 4.0), abs=120.0)  # a necrosis does not show
    assert np.array_equal(hip.ct.values, np.rint(hip.ct.values))


def test_same_recipe_same_bytes_and_another_seed_other_bytes(tmp_path: Path) -> None:
    recipe = replace(COARSE, spacing_mm=(3.0, 3.0, 3.0), ct=True)
    written = {}
    for folder, name, seed in (("a", "one", 5), ("b", "one", 5), ("c", "one", 6), ("d", "two", 5)):
        files = write_hip(make_hip(replace(recipe, seed=seed)), tmp_path / folder, name)
        written[folder] = [path.read_bytes() for path in files]
    assert written["a"] == written["b"]
    assert written["a"] == written["d"]  # the name is not in the bytes
    assert all(ours != theirs for ours, theirs in zip(written["a"], written["c"], strict=True))


def test_one_image_does_not_change_another() -> None:
    recipe = replace(COARSE, spacing_mm=(3.0, 3.0, 3.0))
    both = make_hip(replace(recipe, ct=True, mr=True, mr_spacing_mm=(3.0, 3.0, 3.0)))
    only = make_hip(replace(recipe, ct=True))
    assert both.ct is not None
    assert only.ct is not None
    assert np.array_equal(both.ct.values, only.ct.values)
    assert np.array_equal(only.femur.voxels, make_hip(recipe).femur.voxels)


def test_files_hold_what_the_hip_holds(tmp_path: Path, coarse: SyntheticHip) -> None:
    files = write_hip(coarse, tmp_path / "new" / "folder", "hip")
    assert [path.name for path in files] == ["hip.nii.gz", "hip_truth.json"]
    stored, grid = read_volume(files[0])
    labels = stored.astype(np.uint8)
    assert grid.same_as(coarse.femur.grid)
    assert np.array_equal(labels > 0, coarse.femur.voxels)
    assert np.array_equal(labels == 2, coarse.lesion.voxels)
    content = json.loads(files[1].read_text(encoding="utf-8"))
    assert content.pop("recipe")["seed"] == coarse.recipe.seed
    assert content == msgspec.to_builtins(coarse.truth)


def test_a_drawn_recipe_depends_on_the_seed_alone() -> None:
    assert HipRecipe.drawn(8) == HipRecipe.drawn(8)
    assert HipRecipe.drawn(8) != HipRecipe.drawn(9)
    assert HipRecipe.drawn(8, side="left").shape == HipRecipe.drawn(8, side="right").shape
    sides = {HipRecipe.drawn(seed).side for seed in range(20)}
    kinds = {HipRecipe.drawn(seed).lesion for seed in range(60)}
    assert sides == {"left", "right"}
    assert len(kinds) == 5


def test_a_recipe_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="left or right"):
        HipRecipe(side="both")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="lesion kind"):
        HipRecipe(lesion="star")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="shaft_below_mm"):
        HipRecipe(shaft_below_mm=900.0)


def _away_from_shaft(truth: Truth, key: str) -> FloatArray:
    axis = np.array(truth.shaft_axis)
    offset = np.array(getattr(truth, key)) - truth.shaft_point
    offset = offset - (offset @ axis) * axis
    return np.asarray(offset / np.linalg.norm(offset))


def _depth(voxels: BoolArray) -> npt.NDArray[np.int64]:
    """How many erosions a voxel survives, plus one; 0 outside."""
    depth = voxels.astype(np.int64)
    while voxels.any():
        voxels = ndimage.binary_erosion(voxels)
        depth += voxels
    return depth
