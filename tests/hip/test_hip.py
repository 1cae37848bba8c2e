"""From a case to a hip: side, separate masks, craters, and lesions that lie elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Mask, transform
from corecore.hip.case import Case, case_from_masks, load_case
from corecore.hip.hip import Hip, build_hip

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"


@pytest.fixture(scope="module")
def case() -> Case:
    return load_case(f"{SAMPLE}:1", f"{SAMPLE}:2")


def separate(case: Case, femur: np.ndarray, lesion: np.ndarray) -> Case:
    grid = case.femur.grid
    return case_from_masks(Mask(grid, femur), Mask(grid, lesion), label_map=False)


def lesion_on_femur(case: Case) -> np.ndarray:
    index = np.argwhere(np.ones(case.femur.grid.shape, dtype=bool))
    points = transform(case.femur.grid.world_from_index, index)
    return case.lesion.contains(points).reshape(case.femur.grid.shape)


def test_a_side_that_the_bone_contradicts_is_an_error(case: Case) -> None:
    with pytest.raises(InputError, match="says left"):
        build_hip(replace(case, side="left", side_origin="hip_left.nii.gz"))


def test_a_femur_mask_that_holds_the_lesion_gives_the_same_hip(case: Case, sample_hip: Hip) -> None:
    hip = build_hip(separate(case, case.femur.voxels, lesion_on_femur(case)))
    assert np.allclose(hip.to_world(hip.anatomy.head_center), sample_hip.to_world(sample_hip.anatomy.head_center))
    assert hip.lesion.volume_ml == pytest.approx(sample_hip.lesion.volume_ml)
    assert np.abs(hip.bone.distance_mm - sample_hip.bone.distance_mm).max() < 1e-3


def test_a_small_lesion_missing_from_the_femur_mask_is_bone_again(case: Case) -> None:
    """A hole of 5 mm, shut inside the bone: filled. Its lesion is whole."""
    hip = build_hip(case)
    center = transform(case.femur.grid.index_from_world, hip.to_world(hip.anatomy.head_center))
    index = np.moveaxis(np.indices(case.femur.grid.shape), 0, -1)
    ball = np.linalg.norm((index - center) * case.femur.grid.spacing_mm, axis=-1) <= 5.0
    found = build_hip(separate(case, case.femur.voxels & ~ball, ball))
    assert found.bone.inside(found.lesion.points_mm).all()
    assert found.lesion.volume_ml == pytest.approx(ball.sum() * case.femur.grid.voxel_ml)


def test_lesion_outside_the_bone_is_cut_off_or_refused(case: Case) -> None:
    lesion = lesion_on_femur(case)
    lifted = np.zeros_like(lesion)
    lifted[:, :, 8:] = lesion[:, :, :-8]
    with pytest.raises(InputError, match="outside the femur"):
        build_hip(separate(case, case.femur.voxels, lesion | lifted))
    # A ridge six voxels wide along its top, two voxels high.
    nudged = lesion.copy()
    middle = int(np.argwhere(lesion)[:, 0].mean())
    nudged[middle : middle + 6, :, 2:] |= lesion[middle : middle + 6, :, :-2]
    hip = build_hip(separate(case, case.femur.voxels, nudged))
    assert "lesion_cut" in {c.code for c in hip.warnings}
    # Half a voxel for the centre, and half its diagonal to a corner.
    assert hip.bone.distance(hip.lesion.points_mm).min() >= -1.37


def test_a_lesion_in_the_shaft_is_refused_and_a_crumb_of_it_dropped(case: Case) -> None:
    lesion = lesion_on_femur(case)
    grid: Grid = case.femur.grid
    low = np.argwhere(case.femur.voxels[:, :, 20]).mean(axis=0).astype(int)
    for edge, refused in ((7, True), (5, False)):
        stray = lesion.copy()
        stray[low[0] : low[0] + edge, low[1] : low[1] + edge, 20 : 20 + edge] = True
        assert stray.sum() * grid.voxel_ml > lesion.sum() * grid.voxel_ml + 0.1
        if refused:
            with pytest.raises(InputError, match="away from the femoral head"):
                build_hip(separate(case, case.femur.voxels, stray))
        else:
            hip = build_hip(separate(case, case.femur.voxels, stray))
            assert "lesion_away" in {c.code for c in hip.warnings}
            assert hip.lesion.volume_ml == pytest.approx(lesion.sum() * grid.voxel_ml)


def test_local_and_world_agree(sample_hip: Hip) -> None:
    """A voxel of the bone mask lies where its file says, by ``affine @ [i, j, k, 1]``."""
    mask = sample_hip.bone_mask
    index = np.argwhere(mask.voxels)[::5000]
    world = sample_hip.to_world(index * mask.grid.spacing_mm)
    assert sample_hip.case.femur.contains(world).all()
    assert np.allclose(sample_hip.to_local(world), index * mask.grid.spacing_mm)
