"""Files that are whole and say something absurd: one line, exit code 2, nothing written."""

from __future__ import annotations

import gzip
import os
import re
import resource
import signal
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from support import format_files as files

from corecore.app.cli import main
from corecore.base.errors import InputError, OutputError
from corecore.base.grid import Mask
from corecore.base.input_file import MAX_SHOWN
from corecore.hip.case import case_from_masks
from corecore.hip.hip import build_hip
from corecore.io import bounded
from corecore.io.bounded import check_claim, reading, shown
from corecore.io.files import atomic_write_bytes
from corecore.io.nifti import label_names, read_volume
from corecore.io.references import read_mask

AFFINE = files.oblique()


def labels() -> np.ndarray:
    values = np.zeros((9, 8, 7), dtype=np.uint8)
    values[2:7, 2:6, 2:5] = 1
    values[4, 4, 3] = 2
    return values


def header_with(path: Path, **fields: object) -> Path:
    """A small label map whose header says something else."""
    image = nib.Nifti1Image(labels(), AFFINE)
    image.set_qform(AFFINE, code=1)
    data = bytearray(image.to_bytes())
    header = nib.Nifti1Header(bytes(data[:348]), check=False)
    for key, value in fields.items():
        header[key] = value
    path.write_bytes(header.binaryblock + bytes(data[348:]))
    return path


ONE_VOXEL = np.zeros((9, 8, 7), dtype=np.uint8)
ONE_VOXEL[4, 4, 4] = 1


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"sform_code": 0, "qform_code": 0}, "neither sform nor qform"),
        ({"sform_code": 0, "pixdim": [1, 0, 1, 1, 1, 1, 1, 1]}, "voxel size"),
        ({"sform_code": 0, "pixdim": [1, -1, 1, 1, 1, 1, 1, 1]}, "voxel size"),
        ({"sform_code": 0, "quatern_b": 4.0}, "not readable|finite|quaternion"),
        ({"srow_x": [0, 0, 0, 0]}, "voxel size|sheared"),
        ({"srow_x": [np.inf, 0, 0, 0]}, "finite"),
        ({"srow_y": [np.nan, 0, 0, 0]}, "finite"),
        ({"srow_z": [*AFFINE[2, :3], 1e7]}, "from the origin"),
        ({"srow_x": [0.8, 0.2, 0, 0]}, "sheared"),
        ({"vox_offset": 1e9}, "puts the voxels at byte"),
        ({"vox_offset": np.nan}, "puts the voxels at byte"),
        ({"vox_offset": 0}, "puts the voxels at byte"),
        ({"dim": [3, 30000, 30000, 30000, 1, 1, 1, 1]}, "from the origin|at most"),
        ({"dim": [3, 900, 900, 7, 1, 1, 1, 1]}, "cannot hold"),
        ({"dim": [4, 3, 8, 7, 3, 1, 1, 1]}, "three dimensions"),
        ({"dim": [2, 9, 56, 1, 1, 1, 1, 1]}, "three dimensions"),
        ({"dim": [3, -9, 8, 7, 1, 1, 1, 1]}, "three dimensions|not readable"),
        ({"dim": [9, 9, 8, 7, 1, 1, 1, 1]}, "not readable|puts the voxels"),
        ({"datatype": 32, "bitpix": 64}, "complex64"),
        ({"datatype": 128, "bitpix": 24}, "values of type"),
        ({"datatype": 4711}, "not readable"),
        ({"scl_slope": 0.3, "scl_inter": 0.1}, "grey values .* scl_slope 0.3, scl_inter 0.1"),
        ({"scl_slope": 1.0, "scl_inter": np.inf}, "intercept inf"),
        ({"xyzt_units": 1}, "'meter'"),
    ],
)  # fmt: skip
def test_an_absurd_header_is_refused(tmp_path: Path, fields: dict[str, object], word: str) -> None:
    path = header_with(tmp_path / "odd.nii", **fields)
    with pytest.raises(InputError, match=word) as caught:
        read_mask(f"{path}:1")
    assert "odd.nii" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sound_header_written_the_same_way_is_read(tmp_path: Path) -> None:
    assert np.array_equal(read_mask(f"{header_with(tmp_path / 'even.nii')}:1").voxels, labels() == 1)


def test_either_byte_order_is_read(tmp_path: Path) -> None:
    image = nib.Nifti1Image(labels().astype(">i2"), AFFINE, nib.Nifti1Header(endianness=">"))
    image.set_data_dtype(">i2")
    nib.save(image, tmp_path / "big.nii")
    assert (tmp_path / "big.nii").read_bytes()[:4] == b"\0\0\x01\x5c"
    assert np.array_equal(read_mask(f"{tmp_path / 'big.nii'}:2").voxels, labels() == 2)
    second = nib.Nifti2Image(labels(), AFFINE)
    nib.save(second, tmp_path / "second.nii.gz")
    assert np.array_equal(read_mask(f"{tmp_path / 'second.nii.gz'}:2").voxels, labels() == 2)
    mha = files.metaimage(tmp_path / "l.mha", labels().astype(np.int16), AFFINE, compressed=False).read_bytes()
    head, mark, body = mha.partition(b"ElementDataFile = LOCAL\n")
    swapped = head.replace(b"BinaryDataByteOrderMSB = False", b"BinaryDataByteOrderMSB = True")
    (tmp_path / "b.mha").write_bytes(swapped + mark + np.frombuffer(body, "<i2").byteswap().tobytes())
    assert swapped != head
    assert np.array_equal(read_mask(f"{tmp_path / 'b.mha'}:2").voxels, labels() == 2)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (ONE_VOXEL, "too small|proximal femur"),
        (np.zeros_like(ONE_VOXEL), "empty|no label"),
        (labels() * 0 + 1, "femur|too small"),
    ],
)
def test_masks_of_nothing_and_of_everything_plan_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], values: np.ndarray, word: str
) -> None:
    path = files.nifti(tmp_path / "m.nii.gz", values, AFFINE)
    whole = files.nifti(tmp_path / "w.nii.gz", labels(), AFFINE)
    out = tmp_path / "plan"
    for femur, lesion in ((f"{path}", f"{whole}:2"), (f"{whole}:1", f"{path}")):
        assert main(["plan", "--femur", femur, "--lesion", lesion, "--out", str(out)]) == 2
        told = capsys.readouterr()
        assert told.err.count("\n") == 1
        assert re.search(word, told.err)
        assert not out.exists()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["m.nii.gz", "w.nii.gz"]


@pytest.mark.parametrize(
    "text",
    ['<Label Key="1"><![CDATA[', "<Label ", '<Label Key="1">', "<Label Key=", '<Label Key="1">     ', "<![CDATA["],
)
def test_a_header_extension_of_beginnings_takes_no_time(text: str) -> None:
    started = time.process_time()
    assert label_names((text * 400_000)[: 4 << 20].encode()) == {}
    assert time.process_time() - started < 3.0


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = files.nifti(tmp_path / "locked.nii.gz", labels(), AFFINE)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("whoever runs this may read everything")
    with pytest.raises(InputError, match=r"locked\.nii\.gz: cannot be read \(Permission denied\)"):
        read_mask(f"{path}:1")


def test_a_claim_is_judged_before_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert check_claim(path, (10, 10, 10), 2, 2000) == 2000
    for shape, size, stored, packing, word in (
        ((10, 10, 10), 2, 1999, "raw", "cannot hold"), ((1040, 1, 100), 1, 99, "gzip", "cannot hold"),
        ((10**9, 10**9, 10**9), 1, 10**30, "raw", "at most"), ((10, -1, 10), 1, 10**6, "raw", "one voxel or more"),
        ((400, 1000, 1000), 8, 10**12, "raw", "at most"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=word):
            check_claim(path, shape, size, stored, packing)


def test_no_packing_shrinks_further_than_is_allowed_for() -> None:
    """The bound from which a claim is impossible lies above what the densest streams reach."""
    import bz2
    import zlib

    zeros = bytes(10_000_000)
    assert len(zeros) / len(gzip.compress(zeros)) < bounded.GREATEST_RATIO["gzip"]
    assert len(zeros) / len(zlib.compress(zeros, 9)) < bounded.GREATEST_RATIO["zlib"]
    assert len(zeros) / len(zlib.compress(zeros, 9)) > 0.95 * bounded.GREATEST_RATIO["zlib"]
    assert len(zeros) / len(bz2.compress(zeros)) < bounded.GREATEST_RATIO["bzip2"]


def test_a_readers_own_error_becomes_one_line_and_ours_passes(tmp_path: Path) -> None:
    path = tmp_path / "a\nb"
    with (
        pytest.raises(InputError, match=r"a.b: not readable \(.first.*; good files is accepted") as caught,
        reading(path, "good files"),
    ):
        raise KeyError("first\nsecond")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"^mine$"), reading(path, "good files"):
        raise InputError("mine")
    with pytest.raises(MemoryError), reading(path, "good files"):
        raise MemoryError


def test_names_are_shown_in_one_printable_line() -> None:
    assert shown("a\nb\x1b[31m\udcff") == "a?b?[31m?"
    assert len(shown("x" * 9999)) == MAX_SHOWN


def test_a_lesion_larger_than_the_head_is_no_lesion() -> None:
    values, grid = read_volume(Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz")
    bone = Mask(grid, values != 0)
    with pytest.raises(InputError, match="no femoral head around the lesion"):
        build_hip(case_from_masks(bone, bone, label_map=False))


def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """The system itself refuses the bytes: what a process may write to one file is limited."""
    old = tmp_path / "plan.json"
    old.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        with pytest.raises(OutputError, match="cannot be written"):
            atomic_write_bytes(old, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, heard)
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]
