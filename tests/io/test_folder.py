"""A folder in place of files: what is found by name and by content, and what is left to the user."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import format_files as files

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.io.folder_search import find
from corecore.io.references import MaskReference, read_mask

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_volumes" / "right_medium.nii.gz"
CT = ROOT / "sample_volumes" / "right_medium_ct.nii.gz"
AFFINE = files.oblique()


def values() -> np.ndarray:
    result = np.zeros((12, 10, 9), dtype=np.uint8)
    result[2:10, 2:8, 3:7] = 1
    result[4:7, 4:6, 4:6] = 2
    return result


def grey() -> np.ndarray:
    return np.random.default_rng(1).integers(-900, 1500, (12, 10, 9)).astype(np.int16)


def put(folder: Path, name: str, mask: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    return files.nifti(folder / f"{name}.nii.gz", mask.astype(np.uint8), AFFINE)


def test_classes_of_a_totalsegmentator_folder_are_found_by_name(tmp_path: Path) -> None:
    for name in ("femur_right", "hip_left", "hip_right", "urinary_bladder", "necrosis"):
        put(tmp_path, name, values() == 1)
    assert find(tmp_path, "femur") == MaskReference(tmp_path / "femur_right.nii.gz")
    assert find(tmp_path, "lesion") == MaskReference(tmp_path / "necrosis.nii.gz")
    assert MaskReference.parse(f"{tmp_path}:femur_right").in_file() == MaskReference(tmp_path / "femur_right.nii.gz")
    assert read_mask(f"{tmp_path}:Hip Left").voxels.any()


def test_two_femora_are_a_question_unless_the_side_answers_it(tmp_path: Path) -> None:
    for side in ("left", "right"):
        put(tmp_path, f"femur_{side}", values() == 1)
    with pytest.raises(InputError, match=r"2 candidates.*femur_left\.nii\.gz; .*femur_right\.nii\.gz.*or the side"):
        find(tmp_path, "femur")
    assert find(tmp_path, "femur", "left").path.name == "femur_left.nii.gz"


@pytest.mark.parametrize("kind", ["seg_nrrd", "dicom", "totalsegmentator", "nnunet"])
def test_named_segments_are_found_whatever_the_file_is_called(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "case"
    series = files.dicom_series(tmp_path / "ct", grey(), AFFINE)
    folder.mkdir()
    if kind == "seg_nrrd":
        path = files.seg_nrrd(folder / "a.seg.nrrd", values(), AFFINE)
    elif kind == "dicom":
        path = files.dicom_seg(folder / "a.dcm", values(), series)
    elif kind == "totalsegmentator":
        path = files.totalsegmentator_map(folder / "a.nii.gz", values(), AFFINE)
    else:
        path = files.nnunet(folder, values(), AFFINE)
    assert find(folder, "femur") == MaskReference(path, "femur_right")
    assert find(folder, "lesion") == MaskReference(path, "lesion")


def test_of_two_labels_without_names_the_larger_is_the_femur(tmp_path: Path) -> None:
    path = files.nifti(tmp_path / "map.nii.gz", values(), AFFINE)
    files.nifti(tmp_path / "volume.nii.gz", grey(), AFFINE)
    assert find(tmp_path, "femur") == MaskReference(path, 1)
    assert find(tmp_path, "lesion") == MaskReference(path, 2)
    assert find(tmp_path, "image").path.name == "volume.nii.gz"


def test_labels_of_like_size_are_not_told_apart(tmp_path: Path) -> None:
    half = np.ones((12, 10, 9), dtype=np.uint8)
    half[5:] = 2
    files.nifti(tmp_path / "map.nii.gz", half, AFFINE)
    with pytest.raises(InputError, match=r"nothing in it is known for the femur \(it holds map\.nii\.gz\)"):
        find(tmp_path, "femur")


def test_parts_of_the_femur_are_not_the_femur(tmp_path: Path) -> None:
    for name in ("femoral_head", "femur_necrosis", "femur"):
        put(tmp_path, name, values() == 1)
    assert find(tmp_path, "femur").path.name == "femur.nii.gz"
    assert find(tmp_path, "lesion").path.name == "femur_necrosis.nii.gz"


def test_an_image_is_found_below_and_two_series_are_a_question(tmp_path: Path) -> None:
    below = tmp_path / "study" / "series"
    below.parent.mkdir()
    files.dicom_series(below, grey(), AFFINE)
    put(tmp_path, "femur", values() == 1)
    assert find(tmp_path, "image") == MaskReference(below)
    files.dicom_series(tmp_path / "study" / "other", grey(), AFFINE)
    with pytest.raises(InputError, match=r"2 series \(.*choose it by its number, as .*:3\.1"):
        find(tmp_path, "image")


def test_strangers_links_and_loops_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "femur", values() == 1)
    (tmp_path / "femur_notes.txt").write_text("the femur")
    (tmp_path / "femur_broken.nii.gz").symlink_to(tmp_path / "nowhere")
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / ".femur.nii.gz").write_bytes((tmp_path / "femur.nii.gz").read_bytes())
    assert find(tmp_path, "femur").path.name == "femur.nii.gz"


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    for role in ("femur", "lesion", "image"):
        with pytest.raises(InputError, match=f"nothing in it is known for the {role}"):
            find(tmp_path, role)
    with pytest.raises(InputError, match="no file"):
        read_mask(f"{tmp_path}:femur")
    with pytest.raises(InputError, match="is a folder"):
        read_mask(str(tmp_path))


@pytest.mark.slow
def test_the_mapping_is_printed_and_the_measures_are_those_of_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    shutil.copy(SAMPLE, folder / "labels.nii.gz")
    shutil.copy(CT, folder / "labels_ct.nii.gz")
    named, found = tmp_path / "named.json", tmp_path / "found.json"
    assert main(["measure", "--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2", "--out", str(named)]) == 0
    capsys.readouterr()
    place = str(folder)
    assert main(["measure", "--femur", place, "--lesion", place, "--image", place, "--out", str(found)]) == 0
    told = capsys.readouterr().out
    assert f"femur: {folder / 'labels.nii.gz'}:1\n" in told
    assert f"lesion: {folder / 'labels.nii.gz'}:2\n" in told
    assert f"image: {folder / 'labels_ct.nii.gz'}\n" in told
    first, second = (json.loads(path.read_text()) for path in (named, found))
    assert first["volume_ml"] == second["volume_ml"]
    assert first["kerboul"] == second["kerboul"]
