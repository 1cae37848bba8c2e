"""Cleaning the masks: specks, holes, both hips, lesions elsewhere, names that lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Mask
from corecore.hip.case import Case, case_from_masks, load_case
from corecore.io.nifti import write_labels, write_mask

SPACING = 2.0
SHAPE = (120, 40, 60)


def grid() -> Grid:
    matrix = np.diag([SPACING, SPACING, SPACING, 1.0])
    matrix[:3, 3] = (-119.0, -40.0, -60.0)
    return Grid(SHAPE, matrix)


def blob(center: tuple[int, int, int], radius: float) -> np.ndarray:
    index = np.indices(SHAPE).transpose(1, 2, 3, 0)
    return np.asarray(np.linalg.norm(index - np.array(center), axis=-1) <= radius)


LEFT, RIGHT = (25, 20, 30), (95, 20, 30)


def both_hips() -> np.ndarray:
    return np.asarray(blob(LEFT, 12) | blob(RIGHT, 12))


def case(femur: np.ndarray, lesion: np.ndarray, **options: object) -> Case:
    return case_from_masks(Mask(grid(), femur & ~lesion), Mask(grid(), lesion), **{"label_map": True, **options})  # type: ignore[arg-type]


def codes(result: Case) -> set[str]:
    return {c.code for c in result.warnings}


def test_of_two_hips_the_one_with_the_lesion_is_kept() -> None:
    for center, sign in ((LEFT, -1), (RIGHT, 1)):
        result = case(both_hips(), blob(center, 4))
        assert result.femur.volume_ml == pytest.approx(blob(center, 12).sum() * 0.008)
        assert sign * result.femur.positions_mm()[:, 0].mean() > 50
        assert not codes(result)


def test_lesions_in_both_hips_need_a_side() -> None:
    lesion = blob(LEFT, 4) | blob(RIGHT, 5)
    with pytest.raises(InputError, match="--side"):
        case(both_hips(), lesion)
    right = case(both_hips(), lesion, side="right")
    assert right.lesion.volume_ml == pytest.approx(blob(RIGHT, 5).sum() * 0.008)
    assert case(both_hips(), lesion, side="left").lesion.positions_mm()[:, 0].mean() < 0


def test_a_distal_piece_of_the_femur_is_told_and_the_other_femur_is_not() -> None:
    for center in (LEFT, RIGHT):
        head = np.asarray(blob(center, 12) & (np.indices(SHAPE)[2] > 22))
        # A shaft apart from it, below and a little medial, of over 20 ml.
        shaft = np.abs(
            np.indices(SHAPE) - np.array([center[0] - 8 * np.sign(center[0] - 60), 20, 0])[:, None, None, None]
        )
        distal = np.asarray((shaft[0] <= 9) & (shaft[1] <= 9) & (np.indices(SHAPE)[2] < 14))
        result = case(both_hips() & ~blob(center, 12) | head | distal, blob(center, 4))
        assert codes(result) == {"loose_bone"}
        text = next(c.text for c in result.warnings)
        assert text.startswith("1 loose bone component(s)")
        assert f"{distal.sum() * 0.008:.2f} ml" in text
        assert result.femur.volume_ml == pytest.approx(head.sum() * 0.008)


def test_specks_and_holes_are_counted() -> None:
    femur = blob(RIGHT, 12)
    femur[60, 3, 3] = femur[64, 3, 3] = True
    femur[95, 20, 36] = False
    result = case(femur, blob(RIGHT, 4))
    assert codes(result) == {"bone_specks", "holes_filled"}
    assert next(c.text for c in result.warnings if c.code == "bone_specks").startswith("2 bone specks")
    assert result.femur.volume_ml == pytest.approx(blob(RIGHT, 12).sum() * 0.008)


def test_a_large_hole_in_a_label_map_stays_and_is_told() -> None:
    hollow = blob(RIGHT, 12) & ~blob((95, 20, 24), 4)
    result = case(hollow, blob((95, 20, 36), 4))
    assert "hollow_bone" in codes(result)
    assert result.femur.volume_ml < blob(RIGHT, 12).sum() * 0.008
    # As separate masks the femur's enclosed holes are filled, whatever their size.
    filled = case(hollow, blob((95, 20, 36), 4), label_map=False)
    assert filled.femur.volume_ml == pytest.approx(blob(RIGHT, 12).sum() * 0.008)


@pytest.mark.parametrize(
    ("femur", "lesion", "word"),
    [
        (both_hips(), blob((60, 20, 30), 4), "outside the femur"),
        (both_hips(), blob(RIGHT, 4) | blob((60, 20, 30), 3), "outside the femur"),
        (blob(RIGHT, 4), blob(RIGHT, 2), "20 ml or more"),
        (both_hips(), blob(RIGHT, 0.5), "too small"),
    ],
)
def test_masks_that_do_not_make_a_hip_are_refused(femur: np.ndarray, lesion: np.ndarray, word: str) -> None:
    with pytest.raises(InputError, match=word):
        case(femur, lesion)


def test_cropping_remembers_which_faces_are_the_scans_edge() -> None:
    femur = np.zeros(SHAPE, dtype=bool)
    femur[80:110, 10:30, :30] = True
    result = case(femur, blob((95, 20, 20), 4))
    assert result.open_faces.tolist() == [[False, False], [False, False], [True, False]]
    assert result.femur.grid.shape[2] < SHAPE[2]


def write(tmp_path: Path, name: str = "seg.nii.gz") -> Path:
    labels = blob(RIGHT, 12).astype(np.uint8)
    labels[blob(RIGHT, 4)] = 2
    write_labels(tmp_path / name, grid(), labels)
    return tmp_path / name


def test_a_label_map_and_two_files_of_the_same_hip(tmp_path: Path) -> None:
    path = write(tmp_path)
    write_mask(tmp_path / "f.nii.gz", Mask(grid(), blob(RIGHT, 12)))
    write_mask(tmp_path / "l.nii.gz", Mask(grid(), blob(RIGHT, 4)))
    one, two = load_case(f"{path}:1", f"{path}:2"), load_case(f"{tmp_path}/f.nii.gz", f"{tmp_path}/l.nii.gz")
    assert one.label_map
    assert not two.label_map
    assert np.array_equal(one.femur.voxels, two.femur.voxels)
    assert one.id == two.id
    assert len({s.sha256 for s in (*one.sources, *two.sources)}) == 3


@pytest.mark.parametrize("name", ["hip_left.nii.gz", "LEFT-femur.nii.gz"])
def test_a_files_name_is_kept_and_a_side_asked_for_decides(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    told = load_case(f"{path}:1", f"{path}:2")
    assert told.side is None
    assert [(one.level, one.side) for one in told.named] == [("file", "left")] * 2
    assert load_case(f"{path}:1", f"{path}:2", side="right").side == "right"


def test_a_files_name_chooses_between_two_hips_and_a_labels_name_states_the_side(tmp_path: Path) -> None:
    labels = both_hips().astype(np.uint8)
    labels[blob(LEFT, 4) | blob(RIGHT, 5)] = 2
    for folder in ("named", "plain"):
        (tmp_path / folder).mkdir()
    write_labels(tmp_path / "named" / "hips_left.nii.gz", grid(), labels)
    found = load_case(*(f"{tmp_path}/named/hips_left.nii.gz:{k}" for k in (1, 2)))
    assert found.femur.positions_mm()[:, 0].mean() < 0
    assert found.side is None
    names = {1: "femur_right", 2: "lesion"}
    write_labels(tmp_path / "plain" / "hips.nii.gz", grid(), labels, names=names)
    chosen = load_case(f"{tmp_path}/plain/hips.nii.gz:femur_right", f"{tmp_path}/plain/hips.nii.gz:2")
    assert chosen.femur.positions_mm()[:, 0].mean() > 0
    assert chosen.side == "right"


def test_words_that_only_contain_a_side_say_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "bright_leftover.nii.gz")
    assert load_case(f"{path}:1", f"{path}:2").side is None


def test_the_same_mask_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(InputError, match="same mask"):
        load_case(f"{path}:1", f"{path}:1")
