"""The hip rebuilt from masks: what counts as bone, which lesion counts, and how evenly points fill it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
from support.plan_factory import HEAD_RADIUS, Pose, plan_of, write_plan

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Mask
from corecore.document.stated import InputFile, StatedPlan, read_stated
from corecore.verification.hip import Hip, check_inputs, load_hip, voxel_points

Voxels = npt.NDArray[np.bool_]

SIZE, SHIFT = 70, -35.2
AFFINE = np.diag([1.0, 1.0, 1.0, 1.0])
AFFINE[:3, 3] = SHIFT
X, Y, Z = np.stack(np.meshgrid(*[np.arange(SIZE) + SHIFT] * 3, indexing="ij"))


def ball(x: float, y: float, z: float, radius: float) -> Voxels:
    return np.asarray((X - x) ** 2 + (Y - y) ** 2 + (Z - z) ** 2 <= radius**2)


HEAD = ball(0, 0, 0, HEAD_RADIUS)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> StatedPlan:
    """A plan whose head lies at the world's origin."""
    inputs = [{"role": role, "path": "-", "sha256": "-", "label": None} for role in ("femur", "lesion")]
    return read_stated(write_plan(tmp_path_factory.mktemp("plan"), plan_of(inputs, Pose(shift=(0.0, 0.0, 0.0)))))


def save(path: Path, voxels: npt.NDArray[np.uint8], affine: npt.NDArray[np.float64] = AFFINE) -> Path:
    image = nib.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


def hip_of(plan: StatedPlan, femur: tuple[Path, int | None], lesion: tuple[Path, int | None]) -> Hip:
    files = (InputFile("femur", femur[0], "-", femur[1]), InputFile("lesion", lesion[0], "-", lesion[1]))
    return load_hip(replace(plan, inputs=files))


def label_map(plan: StatedPlan, folder: Path, femur: Voxels, lesion: Voxels) -> Hip:
    labels = femur.astype(np.uint8)
    labels[lesion] = 2
    path = save(folder / "labels.nii.gz", labels)
    return hip_of(plan, (path, 1), (path, 2))


def separate(plan: StatedPlan, folder: Path, femur: Voxels, lesion: Voxels) -> Hip:
    return hip_of(
        plan,
        (save(folder / "femur.nii.gz", femur.astype(np.uint8)), None),
        (save(folder / "lesion.nii.gz", lesion.astype(np.uint8)), None),
    )


def test_one_label_map_is_the_union_with_its_pinholes_filled(document: StatedPlan, tmp_path: Path) -> None:
    lesion = ball(5, 5, 12, 7)
    pinhole, cavity = ball(-10, 0, 0, 3), ball(0, -8, -10, 7)
    assert pinhole.sum() < 1000 < cavity.sum()
    hip = label_map(document, tmp_path, HEAD & ~lesion & ~pinhole & ~cavity, lesion)
    assert np.array_equal(hip.bone.voxels, HEAD & ~cavity)
    assert hip.lesion_ml == pytest.approx(lesion.sum() / 1000.0)


def test_specks_and_the_other_hip_are_left_out(document: StatedPlan, tmp_path: Path) -> None:
    lesion = ball(5, 5, 12, 7)
    speck, other = ball(30, 30, 30, 1.5), ball(-31, -31, -31, 9)
    stray = ball(-8, -8, 0, 1.5)
    assert stray.sum() < 50
    hip = label_map(document, tmp_path, (HEAD | speck | other) & ~lesion, lesion | stray)
    assert np.array_equal(hip.bone.voxels, HEAD)
    assert hip.lesion_ml == pytest.approx(lesion.sum() / 1000.0)


def test_separate_masks_fill_an_enclosed_hole_of_any_size(document: StatedPlan, tmp_path: Path) -> None:
    lesion = ball(3, 3, 5, 12)
    hip = separate(document, tmp_path, HEAD & ~lesion, lesion)
    assert np.array_equal(hip.bone.voxels, HEAD)


def test_lesion_in_an_open_hole_is_bone_only_in_the_sphere_and_the_closed_femur(
    document: StatedPlan, tmp_path: Path
) -> None:
    # A cleft 4 mm wide, open to the surface, is bridged by closing by 3 mm, ...
    cleft = HEAD & (np.abs(X) <= 2.0) & (np.abs(Y) <= 8.0) & (Z > 8)
    hip = separate(document, tmp_path, HEAD & ~cleft, cleft)
    assert (hip.bone.voxels & cleft).sum() > 0.9 * cleft.sum()
    assert np.array_equal(hip.bone.voxels & ~cleft, HEAD & ~cleft)
    # ... a crater 20 mm wide is not.
    crater = HEAD & (np.hypot(X, Y) <= 10.0) & (Z > 10)
    hip = separate(document, tmp_path, HEAD & ~crater, crater)
    assert (hip.bone.voxels & crater).sum() < 0.1 * crater.sum()
    assert hip.lesion_ml < 0.2 * crater.sum() / 1000.0
    # What hangs out of the bone by more than half a voxel is cut off the lesion.
    out = ball(0, 0, 22, 7)
    hip = separate(document, tmp_path, HEAD, out)
    assert (out & HEAD).sum() / 1000.0 < hip.lesion_ml < (out & ball(0, 0, 0, 24.8)).sum() / 1000.0
    assert np.array_equal(hip.bone.voxels, HEAD)


def test_masks_on_two_grids_meet_in_the_world(document: StatedPlan, tmp_path: Path) -> None:
    lesion = ball(4, -3, 8, 8)
    # The same voxels stored in another order, left-handed and shifted by whole voxels.
    turned = np.transpose(lesion, (2, 0, 1))[::-1][:, 10:]
    affine = np.zeros((4, 4))
    affine[:3, 0] = [0, 0, -1]
    affine[:3, 1] = [1, 0, 0]
    affine[:3, 2] = [0, 1, 0]
    affine[:, 3] = [SHIFT + 10, SHIFT, SHIFT + SIZE - 1, 1]
    hip = hip_of(
        document,
        (save(tmp_path / "femur.nii.gz", HEAD.astype(np.uint8)), None),
        (save(tmp_path / "lesion.nii.gz", turned.astype(np.uint8), affine), None),
    )
    assert hip.lesion_ml == pytest.approx(lesion.sum() / 1000.0)
    assert np.allclose(
        hip.lesion_points_mm.mean(axis=0), [X[lesion].mean(), Y[lesion].mean(), Z[lesion].mean()], atol=0.02
    )


def test_a_lesion_away_from_the_bone_is_an_error(document: StatedPlan, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lesion"):
        separate(document, tmp_path, HEAD, ball(30, 30, 30, 4))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 3.0)])
def test_points_fill_voxels_evenly(spacing: tuple[float, float, float]) -> None:
    voxels = np.zeros((9, 9, 9), dtype=bool)
    voxels[2:7, 2:7, 2:7] = True
    mask = Mask(Grid((9, 9, 9), np.diag([*spacing, 1.0])), voxels)
    points, point_ml = voxel_points(mask, 0.3)
    assert len(points) * point_ml == pytest.approx(mask.volume_ml)
    assert mask.contains(points).all()
    # A plane at any height splits them as it splits the volume; layers in one plane would err by 0.025.
    low, high = (np.array([1.5, 6.5])[:, None] * spacing)[:, 2]
    for height in np.linspace(low, high, 23)[1:-1]:
        assert np.mean(points[:, 2] < height) == pytest.approx((height - low) / (high - low), abs=0.012)


def test_a_changed_file_is_named(document: StatedPlan, tmp_path: Path) -> None:
    path = save(tmp_path / "femur.nii.gz", HEAD.astype(np.uint8))
    right = InputFile("femur", path, hashlib.sha256(path.read_bytes()).hexdigest(), None)
    checks, messages = check_inputs(replace(document, inputs=(right,)))
    assert [check.ok for check in checks] == [True]
    assert messages == []
    checks, messages = check_inputs(replace(document, inputs=(replace(right, sha256="ab"),)))
    assert [check.ok for check in checks] == [False]
    assert "femur.nii.gz" in messages[0]
