"""NIfTI files in and out, and files that are not what they say."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from corecore.base.errors import InputError, OutputError
from corecore.base.grid import Grid, Image, Mask
from corecore.io.nifti import read_image, read_volume, write_image, write_labels, write_mask
from corecore.io.references import MaskReference, read_mask

OBLIQUE = np.array([[0.7, -0.1, 0.0, 5], [0.1, 0.7, 0.0, -7], [0, 0, 2.0, 11], [0, 0, 0, 1]])


def labels() -> np.ndarray:
    values = np.zeros((6, 5, 4), dtype=np.uint8)
    values[1:4, 1:4, 1:3] = 1
    values[2, 2, 2] = 2
    return values


def save(path: Path, values: np.ndarray, affine: np.ndarray = OBLIQUE, unit: str = "mm") -> Path:
    image = nib.Nifti1Image(values, affine)
    image.header.set_xyzt_units(unit)
    nib.save(image, path)
    return path


def test_what_is_written_is_read_by_nibabel_with_both_forms_and_mm(tmp_path: Path) -> None:
    write_labels(tmp_path / "l.nii.gz", Grid((6, 5, 4), OBLIQUE), labels())
    image = nib.load(tmp_path / "l.nii.gz")
    assert isinstance(image, nib.Nifti1Image)
    assert np.array_equal(np.asarray(image.dataobj), labels())
    assert image.get_data_dtype() == np.uint8
    assert image.header.get_xyzt_units()[0] == "mm"
    for form, code in (image.header.get_sform(coded=True), image.header.get_qform(coded=True)):
        assert code == 1
        assert np.allclose(form, OBLIQUE, atol=1e-5)


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "another_name.nii.gz"):
        write_mask(tmp_path / name, Mask(Grid((6, 5, 4), OBLIQUE), labels() > 0))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "another_name.nii.gz").read_bytes()


def test_images_keep_their_values(tmp_path: Path) -> None:
    values = np.linspace(-1000, 3000, 120, dtype=np.float32).reshape(6, 5, 4).round()
    write_image(tmp_path / "i.nii.gz", Image(Grid((6, 5, 4), OBLIQUE), values))
    assert np.array_equal(read_image(tmp_path / "i.nii.gz").values, values)


def test_a_trailing_axis_of_one_is_no_fourth_dimension(tmp_path: Path) -> None:
    values, grid = read_volume(save(tmp_path / "t.nii", labels()[..., None]))
    assert values.shape == grid.shape == (6, 5, 4)


def test_a_reference_names_a_label(tmp_path: Path) -> None:
    path = save(tmp_path / "seg.nii.gz", labels())
    assert np.array_equal(read_mask(f"{path}:2").voxels, labels() == 2)
    assert np.array_equal(read_mask(f"{path}:1").voxels, labels() == 1)


def test_a_colon_in_a_files_name_stays_there(tmp_path: Path) -> None:
    path = save(tmp_path / "odd:3.nii", labels() // 2)
    assert MaskReference.parse(str(path)) == MaskReference(path)
    assert read_mask(str(path)).voxels.sum() == 1


@pytest.mark.parametrize(
    ("label", "word"),
    [(":7", "label 7 is not in the file"), (":femur", "whole number"), (":0", "background"), ("", "several labels")],
)
def test_wrong_labels_are_named(tmp_path: Path, label: str, word: str) -> None:
    path = save(tmp_path / "seg.nii.gz", labels())
    with pytest.raises(InputError, match=word):
        read_mask(f"{path}{label}")


def broken(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"{kind}.nii.gz"
    good = save(tmp_path / "good.nii.gz", labels())
    if kind == "text":
        path.write_text("this is no volume")
    elif kind == "truncated":
        raw = gzip.decompress(good.read_bytes())
        path.write_bytes(gzip.compress(raw[:400]))
    elif kind == "half":
        path.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    elif kind == "missing":
        pass
    elif kind == "four":
        save(path, np.zeros((4, 4, 4, 3), dtype=np.uint8))
    elif kind == "fraction":
        save(path, labels().astype(np.float32) + 0.25)
    elif kind == "nan":
        save(path, np.where(labels() == 2, np.nan, 0).astype(np.float32))
    elif kind == "empty":
        save(path, np.zeros((4, 4, 4), dtype=np.uint8))
    elif kind == "metre":
        save(path, labels(), unit="meter")
    elif kind == "sheared":
        save(path, labels(), OBLIQUE + np.array([[0, 0.05, 0, 0], [0] * 4, [0] * 4, [0] * 4]))
    elif kind == "bomb":
        header = bytearray(gzip.decompress(good.read_bytes()))
        header[40:56] = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], dtype="<i2").tobytes()
        path.write_bytes(gzip.compress(bytes(header)))
    return path


@pytest.mark.parametrize(
    "kind",
    ["text", "truncated", "half", "missing", "four", "fraction", "nan", "empty", "metre", "sheared", "bomb"],
)
def test_unusable_files_end_in_one_line_that_names_them(tmp_path: Path, kind: str) -> None:
    path = broken(tmp_path, kind)
    with pytest.raises(InputError) as caught:
        read_mask(str(path))
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_left_behind_where_nothing_can_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_mask(blocked / "m.nii.gz", Mask(Grid((6, 5, 4), OBLIQUE), labels() > 0))
    assert list(tmp_path.iterdir()) == [blocked]
