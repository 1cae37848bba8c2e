"""A volume's fingerprint covers every file that it is read from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import format_files as files

from corecore.document.inputs import fingerprint_now
from corecore.io.files import sha256_of
from corecore.io.fingerprint import volume_files, volume_sha256
from corecore.io.references import read_mask

VALUES = np.pad(np.ones((4, 5, 6), dtype=np.uint8), 2)


def written(folder: Path, ending: str) -> Path:
    path = folder / f"m.{ending}"
    if ending in ("nrrd", "nhdr"):
        return files.plain_nrrd(path, VALUES, files.oblique(), "raw")
    return files.metaimage(path, VALUES, files.oblique(), compressed=False)


@pytest.mark.parametrize("ending", ["mhd", "nhdr"])
def test_of_a_header_with_its_data_beside_it_both_count(ending: str, tmp_path: Path) -> None:
    path = written(tmp_path, ending)
    header, data = volume_files(path)
    assert header == path
    assert data.parent == tmp_path
    assert data != path
    before, header_alone = volume_sha256(path), sha256_of(path)
    voxels = bytearray(data.read_bytes())
    voxels[len(voxels) // 2] ^= 1
    data.write_bytes(voxels)
    # Another mask under the same header.
    assert not np.array_equal(read_mask(str(path)).voxels, VALUES > 0)
    assert sha256_of(path) == header_alone
    assert volume_sha256(path) != before
    voxels[len(voxels) // 2] ^= 1
    data.write_bytes(voxels)
    assert volume_sha256(path) == before
    path.write_bytes(path.read_bytes() + b"\n")
    assert volume_sha256(path) != before


@pytest.mark.parametrize("ending", ["mha", "nrrd"])
def test_of_a_file_that_holds_its_voxels_it_alone_counts(ending: str, tmp_path: Path) -> None:
    path = written(tmp_path, ending)
    assert volume_files(path) == (path,)
    assert volume_sha256(path) == sha256_of(path)


def test_what_is_no_volume_stands_for_itself(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("ElementDataFile = /etc/passwd")
    assert volume_files(path) == (path,)
    assert volume_files(tmp_path) == (tmp_path,)
    assert volume_files(tmp_path / "nothing") == (tmp_path / "nothing",)
    assert volume_sha256(path) == sha256_of(path)


def test_a_plan_of_an_earlier_version_is_held_to_the_header_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "mhd")
    header, both = sha256_of(path), volume_sha256(path)
    assert fingerprint_now(path, None, header, "0.1.0") == header
    assert fingerprint_now(path, None, header, "0.2.0") == both
    assert fingerprint_now(path, None, "0" * 64, "0.1.0") == both
