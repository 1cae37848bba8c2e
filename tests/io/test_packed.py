"""Packed pixels: JPEG Lossless is read to the last value, and nothing damaged is read or ends the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from support import format_files as files

from corecore.base.errors import InputError, MissingExtraError
from corecore.io.dicom.unpack import Unpacker
from corecore.io.references import read_image

SHAPE = (12, 10, 4)
#: By GDCM's name: process 14 with the first predictor, which archives write, and with any.
LOSSLESS = ("JPEGLosslessProcess14_1", "JPEGLosslessProcess14")


def grey() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).integers(-900, 1500, SHAPE).astype(np.int16)


def packed(folder: Path, kind: str) -> Path:
    """A series whose files GDCM has packed."""
    files.dicom_series(folder, grey(), files.oblique())
    for path in folder.iterdir():
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, kind)))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(path))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
    return folder


@pytest.mark.parametrize("kind", LOSSLESS)
def test_jpeg_lossless_is_read_to_the_last_value(tmp_path: Path, kind: str) -> None:
    folder = packed(tmp_path / "ct", kind)
    assert pydicom.dcmread(next(folder.iterdir())).file_meta.TransferSyntaxUID.is_compressed
    image = read_image(folder)
    assert np.array_equal(image.values, grey())
    assert np.max(np.abs(image.grid.world_from_index - files.oblique())) < 1e-6


@pytest.mark.parametrize("kept", [0.3, 0.7])
def test_a_stream_cut_short_is_refused(tmp_path: Path, kept: float) -> None:
    """GDCM fills up what is missing after a word on standard error: that is no image."""
    folder = packed(tmp_path / "ct", LOSSLESS[0])
    path = next(folder.iterdir())
    dataset = pydicom.dcmread(path)
    stream = next(generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = encapsulate([stream[: int(kept * len(stream))]])
    dataset.save_as(path)
    with pytest.raises(InputError, match="cannot be unpacked") as caught:
        read_image(folder)
    assert caught.value.code == "dicom-packing"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("program", "word"),
    [
        ("import os, sys; sys.stdin.readline(); os.abort()", "broke off"),
        ("import sys; sys.stdin.readline(); print('no JSON')", "broke off"),
        ("""import sys; sys.stdin.readline(); print('{"error": "no decoder"}')""", "no decoder"),
        ("""import sys; sys.stdin.readline(); print('{"shape": [9, 9], "dtype": "<u2"}')""", r"shape \(9, 9\)"),
        ("""import sys; sys.stdin.readline(); print('{"shape": [2, 2], "dtype": "<u2"}')""", "broke off"),
    ],
)
def test_whatever_becomes_of_the_process_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, word: str
) -> None:
    child = tmp_path / "child.py"
    child.write_text(program)
    monkeypatch.setattr("corecore.io.dicom.unpack.CHILD", child)
    with Unpacker() as unpacker, pytest.raises(InputError, match=word):
        unpacker.frames(tmp_path / "a.dcm", (2, 2))


@pytest.mark.parametrize(
    "said", ["", '{"shape": [2,', '{"shape": [2, 2], "dtype": "<i2"}\n\x00\x00'], ids=["at once", "answer", "pixels"]
)
def test_a_process_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    child = tmp_path / "child.py"
    child.write_text(f"import time; print({said!r}, end='', flush=True); time.sleep(60)")
    monkeypatch.setattr("corecore.io.dicom.unpack.CHILD", child)
    monkeypatch.setattr("corecore.io.dicom.unpack.PATIENCE_S", 0.2)
    monkeypatch.setattr("corecore.io.dicom.unpack.GRACE_S", 0.2)
    with Unpacker() as unpacker, pytest.raises(InputError, match="broke off"):
        unpacker.frames(tmp_path / "a.dcm", (2, 2))


def test_without_gdcm_one_line_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = packed(tmp_path / "ct", LOSSLESS[0])
    (tmp_path / "gdcm.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"corecore\[dicom\]"):
        read_image(folder)
