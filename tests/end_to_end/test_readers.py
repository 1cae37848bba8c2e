"""Whatever goes wrong inside a reader ends in one line: the inventory of readers, each with every kind of error."""

from __future__ import annotations

import ast
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from support import format_files

from corecore.base import input_file
from corecore.base.errors import InputError
from corecore.base.instrument import read_instruments
from corecore.base.spec import read_config
from corecore.document.read import read_measures, read_plan
from corecore.document.seal import read_key
from corecore.hip.anatomy.landmarks import read_landmarks
from corecore.io.detect import kind_of
from corecore.io.files import sha256_of
from corecore.io.markups import read_line, read_points
from corecore.io.metaimage import data_file as metaimage_data_file
from corecore.io.metaimage import read_volume as read_metaimage
from corecore.io.nifti import read_image as read_nifti_image
from corecore.io.nifti import read_volume as read_nifti
from corecore.io.nrrd import data_file as nrrd_data_file
from corecore.io.nrrd import read_image as read_nrrd
from corecore.io.references import dataset_names
from corecore.io.stl import read_stl
from corecore.io.transform import read_transform
from corecore.review.case_folder import NAME as CASE_FILE
from corecore.review.case_folder import CaseFolder
from corecore.review.record import NAME, Record
from corecore.review.record import _sha256 as record_sha256
from corecore.study.batch.bids import _table as labels_of
from corecore.study.batch.bids import hips_of
from corecore.study.batch.case import _known
from corecore.study.batch.frames import read_results
from corecore.study.batch.manifest import Row, read_rows
from corecore.study.batch.study import read_study
from corecore.tunnels.risk.methods import read_methods
from corecore.verification.files_beside import _corners
from corecore.verification.review import _entries

ROOT = Path(__file__).resolve().parents[2] / "corecore"
#: The doors that files come through.
DOORS = {"opened", "bytes_of", "json_of", "toml_of", "read_dataset"}
VALUES = np.zeros((4, 4, 4), dtype=np.uint8)
VALUES[1:3, 1:3, 1:3] = 1


def text(name: str, content: str) -> Callable[[Path], Path]:
    """Makes a text file in a folder."""

    def made(folder: Path) -> Path:
        (folder / name).write_text(content, encoding="utf-8")
        return folder / name

    return made


def dataset_json(folder: Path) -> Path:
    """A volume with nnU-Net's list of labels beside it."""
    text("dataset.json", '{"labels": {"background": 0, "femur": 1}}')(folder)
    return folder / "seg.nii.gz"


def parquet(folder: Path) -> Path:
    """A table of a batch."""
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    columns = {name: ["a"] for name in ("id", "variant", "status", "cause")}
    pa.parquet.write_table(pa.table(columns), folder / "results.parquet")
    return folder / "results.parquet"


def bids(folder: Path) -> Path:
    """A dataset without a hip."""
    text("dataset_description.json", '{"BIDSVersion": "1.9.0"}')(folder)
    return folder


def dicom(folder: Path) -> Path:
    """A folder of slices."""
    pytest.importorskip("pydicom")
    format_files.dicom_series(folder, VALUES.astype(np.int16), np.eye(4))
    return folder


def dicom_image(path: Path) -> object:
    from corecore.io.dicom.series import read_series

    return read_series(path)


def dicom_list(path: Path) -> object:
    from corecore.io.dicom.stacks import survey

    found = survey(path)
    # A survey goes on, and tells what it could not read.
    if found.broken:
        raise found.broken[0]
    return found


def dicom_masks(kind: str) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        from corecore.io.dicom import rtstruct, seg

        return {"seg": seg, "rtstruct": rtstruct}[kind].read_segmentation(next(path.iterdir()))

    return read


def nifti(folder: Path) -> Path:
    return format_files.nifti(folder / "a.nii.gz", VALUES, np.eye(4))


def nrrd(folder: Path) -> Path:
    return format_files.plain_nrrd(folder / "a.nrrd", VALUES, np.eye(4))


def metaimage(folder: Path) -> Path:
    pytest.importorskip("SimpleITK")
    return format_files.metaimage(folder / "a.mha", VALUES, np.eye(4))


Maker: TypeAlias = Callable[[Path], Path]
Reader: TypeAlias = Callable[[Path], object]
#: By function that goes through a door: files, and the public readers that lead to it.
READERS: dict[str, list[tuple[Maker, Reader]]] = {
    "base/instrument.py read_instruments": [(text("a.toml", "[a]\ndiameter_mm = 8"), read_instruments)],
    "base/spec.py read_config": [(text("a.toml", "tunnels = 1"), read_config), (text("a.toml", "[sweep]"), read_study)],
    "document/read.py _read": [(text("plan.json", "{}"), read_plan), (text("measures.json", "{}"), read_measures)],
    "document/seal.py read_key": [(text("key", "k" * 40), read_key)],
    "hip/anatomy/landmarks.py _json": [(text("a.json", '{"head_radius_mm": 24}'), read_landmarks)],
    "io/detect.py look_at": [(nifti, kind_of)],
    "io/dicom/files.py has_mark": [(dicom, dicom_list)],
    "io/dicom/files.py sop_class": [(dicom, dicom_masks("seg"))],
    "io/dicom/rtstruct.py read_segmentation": [(dicom, dicom_masks("rtstruct"))],
    "io/dicom/seg.py read_segmentation": [(dicom, dicom_masks("seg"))],
    "io/dicom/series.py _fill": [(dicom, dicom_image)],
    "io/dicom/series.py read_series": [(dicom, dicom_image)],
    "io/dicom/stacks.py _surveyed": [(dicom, dicom_list)],
    "io/files.py sha256_of": [(nifti, sha256_of)],
    "io/markups.py _markups": [(text("a.mrk.json", '{"markups": []}'), read_line), (text("a.json", "{}"), read_points)],
    "io/metaimage.py data_file": [(metaimage, metaimage_data_file)],
    "io/metaimage.py read_volume": [(metaimage, read_metaimage)],
    "io/nifti.py _header_alone": [(nifti, read_nifti_image)],
    "io/nifti.py read_named_volume": [(nifti, read_nifti)],
    "io/nrrd.py _read": [(nrrd, read_nrrd)],
    "io/nrrd.py data_file": [(nrrd, nrrd_data_file)],
    "io/references.py dataset_names": [(dataset_json, dataset_names)],
    "io/stl.py read_stl": [(text("a.stl", "x" * 84), read_stl)],
    "io/transform.py read_transform": [(text("a.txt", "1 0 0 0"), read_transform)],
    "review/case_folder.py kept": [(text(CASE_FILE, "{}"), lambda path: CaseFolder(path.parent).kept())],
    "review/record.py _sha256": [(text(NAME, "{}"), record_sha256)],
    "review/record.py read": [(text(NAME, "{}"), lambda path: Record.read(path.parent))],
    "study/batch/bids.py _check_description": [(bids, hips_of)],
    "study/batch/bids.py _table": [(text("a_dseg.tsv", "index\tname\n1\tfemur\n"), labels_of)],
    "study/batch/case.py _known": [(text("t.json", "{}"), lambda path: _known(Row(0, "a", truth=str(path))))],
    "study/batch/frames.py parquet_file": [(parquet, lambda path: read_results(path.parent).wide)],
    "study/batch/manifest.py _of_manifest": [(text("a.csv", "id,femur,lesion\na,b,c\n"), read_rows)],
    "tunnels/risk/methods.py read_methods": [(text("a.toml", "[methods.x]"), read_methods)],
    "verification/files_beside.py _corners": [(text("a.stl", "x" * 84), _corners)],
    "verification/review.py _entries": [(text(NAME, "{}"), _entries)],
}
#: Functions that hand on what others have read, or read for those.
OTHERS = {
    "exports/layers.py napari_reader": "no plan where it cannot be read; what reads it then says why",
    "exports/dicom.py export_dicom": "bytes of an STL that read_stl has just read",
    "exports/dicom.py report_of": "bytes of a PDF that are packed as they are, held to the hash that the plan lists",
    "document/origins.py recalled": "no places where it cannot be read",
    "io/files.py _holder": "another program where it cannot be read",
    "io/named_plan.py named_plan": "no plan where it cannot be read",
    "study/batch/settings.py _instruments_sha256": "no hash where it cannot be read; the case then says why",
    "review/hand_over.py hand_over": "bytes of the report that a review has just written",
    "io/dicom/listing.py list_series": "a slice that the survey has read",
    "io/dicom/write.py read_series": "a slice that the survey has read",
}
FAULTS: list[Callable[[], Exception]] = [
    ValueError, RecursionError, KeyError, IndexError, OverflowError, ZeroDivisionError, NotImplementedError,
    lambda: ValueError("two\nlines\x1b[2J"), lambda: struct.error("unpack"), lambda: EOFError("end"),
    lambda: OSError(5, "Input/output error"), lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
]  # fmt: skip


class Faulty:
    """A stream that breaks as soon as it is read."""

    def __init__(self, handle: int, error: Exception) -> None:
        self._handle, self._error = handle, error

    def __enter__(self) -> Faulty:
        return self

    def __exit__(self, *ended: object) -> None:
        os.close(self._handle)

    def read(self, *size: int) -> bytes:
        raise self._error

    readline = readinto = seek = tell = read
    closed = False


class System:
    """The system's functions, but for the one that hands out a stream."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fdopen(self, handle: int, mode: str) -> Faulty:
        return Faulty(handle, self._error)


def going_through_a_door() -> set[str]:
    """Functions of the package that read a file."""
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name == "base/input_file.py":
            continue
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                called = [one.func for one in ast.walk(function) if isinstance(one, ast.Call)]
                if any(isinstance(one, ast.Name) and one.id in DOORS for one in called):
                    found.add(f"{name} {function.name}")
    # Of the same name, but a journal's own.
    return found - {"study/batch/run.py run_batch"}


def test_the_inventory_is_whole() -> None:
    assert going_through_a_door() == set(READERS) | set(OTHERS)


@pytest.mark.parametrize("name", READERS)
def test_whatever_breaks_inside_is_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, (make, read) in enumerate(READERS[name]):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = make(folder)
        for fault in FAULTS:
            with monkeypatch.context() as patch:
                patch.setattr(input_file, "os", System(fault()))
                if "dicom" in name:
                    patch.setattr("pydicom.dcmread", _raising(fault))
                with pytest.raises(InputError) as caught:
                    read(path)
            told = str(caught.value)
            assert caught.value.code
            assert told
            assert told.isprintable(), told


def _raising(fault: Callable[[], Exception]) -> Callable[..., None]:
    def broken(*arguments: object, **options: object) -> None:
        raise fault()

    return broken
