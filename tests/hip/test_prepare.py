"""From a study to a case folder, with a small stand-in for TotalSegmentator that takes its options and no others."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from support import format_files as files
from support.message_kit import SAMPLE

from corecore.app.cli import main
from corecore.app.cli.work import from_folders
from corecore.base.errors import InputError
from corecore.hip.inputs import HipInputs
from corecore.io.folder_search import find
from corecore.io.references import MaskReference, read_image, read_mask

AFFINE = files.oblique(spacing=(3.0, 3.0, 3.0))
SHAPE = (14, 12, 10)
#: What the program of this name takes of its own (its README, and its argument parser), and what it does with it.
STAND_IN = """#!{python}
import argparse, gzip, json, pathlib, struct
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("-i", dest="input", required=True)
parser.add_argument("-o", dest="output", required=True)
parser.add_argument("-ta", "--task", choices=["total", "total_mr"], default="total")
parser.add_argument("-rs", "--roi_subset", nargs="+")
given = parser.parse_args()
how = json.loads(pathlib.Path({settings!r}).read_text())
pathlib.Path({settings!r}).with_name("told.json").write_text(json.dumps(vars(given)))
head = bytearray(gzip.decompress(pathlib.Path(given.input).read_bytes())[:352])
nx, ny, nz = struct.unpack_from("<3h", head, 42)
struct.pack_into("<2h", head, 70, 2, 8)
struct.pack_into("<f", head, 108, 352.0)
head[348:352] = bytes(4)
for place in (268, 292):
    struct.pack_into("<f", head, place, struct.unpack_from("<f", head, place)[0] + how["off_mm"])
pathlib.Path(given.output).mkdir()
for name in given.roi_subset:
    inside = [name in how["seen"] and 1 < i < nx - 2 and 1 < j < ny - 2 and 1 < k < nz - 2
              for k in range(nz) for j in range(ny) for i in range(nx)]
    data = bytes(head) + bytes(inside)[:how.get("bytes")]
    (pathlib.Path(given.output) / (name + ".nii.gz")).write_bytes(gzip.compress(data))
if how["code"]:
    print("CUDA out of memory")
raise SystemExit(how["code"])
"""


def grey(seed: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(-900, 1500, SHAPE).astype(np.int16)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in first on the path; the file that says what it does."""
    place = tmp_path / "bin"
    place.mkdir()
    settings = place / "how.json"
    settings.write_text(json.dumps({"code": 0, "off_mm": 0.0, "seen": ["femur_left", "femur_right", "hip_right"]}))
    script = place / "TotalSegmentator"
    script.write_text(STAND_IN.format(python=sys.executable, settings=str(settings)))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return settings


@pytest.fixture
def study(tmp_path: Path) -> Path:
    files.dicom_series(tmp_path / "study", grey(), AFFINE)
    return tmp_path / "study"


def prepared(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["prepare", *map(str, arguments), "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_a_case_holds_image_femora_and_hip_bones(
    study: Path, program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = prepared(capsys, study, "--out", tmp_path / "case")
    asked = json.loads(program.with_name("told.json").read_text())
    assert asked["task"] == "total"
    assert asked["roi_subset"] == ["femur_left", "femur_right", "hip_left", "hip_right"]
    assert Path(asked["input"]).is_absolute()
    assert sorted(path.name for path in (tmp_path / "case").iterdir()) == [
        "femur_left.nii.gz", "femur_right.nii.gz", "hip_right.nii.gz", "image.nii.gz",
    ]  # fmt: skip
    image = read_image(tmp_path / "case" / "image.nii.gz")
    assert np.array_equal(image.values, grey())
    assert np.max(np.abs(image.grid.world_from_index - AFFINE)) < 1e-4
    assert told["bones_ml"] == {
        name: round(10 * 8 * 6 * 27 / 1000, 1) for name in ("femur_left", "femur_right", "hip_right")
    }
    assert [one["what"] for one in told["missing"]] == ["necrosis"]
    assert "3D Slicer" in told["missing"][0]["how"]
    assert "nnInteractive" in told["missing"][0]["how"]
    assert "--imaging-date 2026-01-02" in told["commands"][0]


def test_nothing_in_the_case_names_the_patient(
    study: Path, program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(capsys, study, "--out", tmp_path / "case")
    for path in (tmp_path / "case").iterdir():
        content = nib.load(path)
        assert b"A^B" not in content.to_bytes()
        assert not content.header.extensions


def test_an_mr_is_segmented_as_one(tmp_path: Path, program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.dicom_series(tmp_path / "mr", grey(), AFFINE, modality="MR")
    prepared(capsys, tmp_path / "mr", "--out", tmp_path / "case")
    assert json.loads(program.with_name("told.json").read_text())["task"] == "total_mr"


def test_another_modality_is_refused(tmp_path: Path, program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.dicom_series(tmp_path / "pt", grey(), AFFINE, modality="PT")
    assert main(["prepare", str(tmp_path / "pt"), "--out", str(tmp_path / "case")]) == 2
    assert "modality PT; CT or MR" in capsys.readouterr().err
    assert not (tmp_path / "case").exists()


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"code": 3}, r"ended with code 3 (CUDA out of memory)"),
        ({"off_mm": 0.2}, "on another grid than the image's"),
        ({"bytes": 100}, "wrote femur_left damaged"),
    ],
)
def test_a_program_that_fails_leaves_nothing(
    study: Path, program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: dict[str, Any], word: str
) -> None:
    program.write_text(json.dumps({**json.loads(program.read_text()), **how}))
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["prepare", str(study), "--out", str(tmp_path / "case")]) == 2
    told = capsys.readouterr().err
    assert word in told
    assert told.endswith("[segmenter-failed]\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_without_the_program_it_says_how_to_get_one(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    told = prepared(capsys, study, "--out", tmp_path / "case")
    assert [path.name for path in (tmp_path / "case").iterdir()] == ["image.nii.gz"]
    assert [one["what"] for one in told["missing"]] == ["femur", "necrosis", "hip bones"]
    assert "pip install TotalSegmentator" in told["missing"][0]["how"]
    assert "corecore draft" in told["missing"][0]["how"]


def test_a_program_that_sees_no_bone_is_told(
    study: Path, program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program.write_text(json.dumps({"code": 0, "off_mm": 0.0, "seen": []}))
    told = prepared(capsys, study, "--out", tmp_path / "case")
    assert told["bones_ml"] == {}
    assert told["missing"][0]["what"] == "femur"
    assert "pip install" not in told["missing"][0]["how"]


@pytest.mark.parametrize("name", ["-rf", "a; touch made $(touch made)", "--out"])
def test_names_are_no_options_and_no_commands(
    name: str, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files.dicom_series(tmp_path / name, grey(), AFFINE)
    monkeypatch.chdir(tmp_path)
    assert main(["prepare", "--json", f"--out={name} case", "--", name]) == 0, capsys.readouterr().err
    told = json.loads(capsys.readouterr().out)
    assert (tmp_path / f"{name} case" / "femur_left.nii.gz").is_file()
    assert not (tmp_path / "made").exists()
    # What is printed to be typed again is quoted.
    assert "'" in told["commands"][0]


def test_one_of_several_series_is_told(
    study: Path, program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.dicom_series(study / "other", grey(5), AFFINE)
    assert main(["prepare", str(study), "--out", str(tmp_path / "case")]) == 2
    assert "2 series (3.1: CT" in capsys.readouterr().err
    prepared(capsys, f"{study}:3.2", "--out", tmp_path / "case")
    values = read_image(tmp_path / "case" / "image.nii.gz").values
    assert any(np.array_equal(values, grey(seed)) for seed in (3, 5))


def test_the_only_series_that_is_a_volume_is_taken(
    study: Path, program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.dicom_series(study / "one slice", grey(5)[:, :, :1], AFFINE)
    assert prepared(capsys, study, "--out", tmp_path / "case")["other_series"] == 1
    assert np.array_equal(read_image(tmp_path / "case" / "image.nii.gz").values, grey())
    assert main(["prepare", str(study), "--out", str(tmp_path / "again")]) == 0
    assert "not used: 1 other series" in capsys.readouterr().out


def test_a_case_is_not_overwritten_unasked_and_old_bones_go(
    study: Path, program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "case"
    prepared(capsys, study, "--out", case)
    assert main(["prepare", str(study), "--out", str(case)]) == 2
    assert capsys.readouterr().err.endswith("[output-exists]\n")
    (case / "necrosis.nii.gz").write_bytes((case / "femur_left.nii.gz").read_bytes())
    program.write_text(json.dumps({"code": 0, "off_mm": 0.0, "seen": ["femur_right"]}))
    told = prepared(capsys, study, "--out", case, "--overwrite")
    assert sorted(path.name for path in case.iterdir()) == ["femur_right.nii.gz", "image.nii.gz", "necrosis.nii.gz"]
    assert [one["what"] for one in told["missing"]] == ["hip bones"]


def test_a_tilted_study_keeps_its_mark(tmp_path: Path, program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slanted = AFFINE.copy()
    slanted[:3, 2] += np.tan(np.radians(12.0)) * slanted[:3, 1]
    files.dicom_series(tmp_path / "ct", grey(), slanted)
    assert main(["prepare", str(tmp_path / "ct"), "--out", str(tmp_path / "case")]) == 2
    assert "--straighten" in capsys.readouterr().err
    told = prepared(capsys, tmp_path / "ct", "--out", tmp_path / "case", "--straighten")
    assert told["straightened_deg"] == pytest.approx(12.0, abs=0.01)
    assert read_image(tmp_path / "case" / "image.nii.gz").straightened_deg == pytest.approx(12.0, abs=0.01)


def test_values_of_a_small_span_are_kept(tmp_path: Path) -> None:
    from corecore.base.grid import Grid, Image
    from corecore.io.nifti import write_image

    values = np.linspace(0.0, 1.0, int(np.prod(SHAPE))).reshape(SHAPE)
    write_image(tmp_path / "mr.nii.gz", Image(Grid(SHAPE, AFFINE), values.astype(np.float32)))
    assert np.max(np.abs(read_image(tmp_path / "mr.nii.gz").values - values)) < 1e-6


def test_a_segmentation_of_another_place_is_refused(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "parts").mkdir()
    away = AFFINE.copy()
    away[0, 3] += 500.0
    put(tmp_path / "parts" / "femur_left.nii.gz", slice(0, 4), away)
    arguments = ["prepare", str(study), "--out", str(tmp_path / "case"), "--segmentation", str(tmp_path / "parts")]
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith("[image-misses-femur]\n")
    assert not (tmp_path / "case").exists()


# ---- a case folder as input ----


def put(path: Path, where: slice, affine: np.ndarray[Any, Any] = AFFINE) -> Path:
    values = np.zeros(SHAPE, dtype=np.uint8)
    values[where] = 1
    return files.nifti(path, values, affine)


def test_of_two_femora_the_one_with_the_lesion_is_taken(tmp_path: Path) -> None:
    put(tmp_path / "femur_left.nii.gz", slice(0, 4))
    put(tmp_path / "femur_right.nii.gz", slice(10, 14))
    for where, side in ((slice(1, 3), "left"), (slice(11, 13), "right")):
        lesion = put(tmp_path / "necrosis.nii.gz", where)
        found = find(tmp_path, "femur", lesion=lambda: read_mask(str(lesion)))  # noqa: B023
        assert found == MaskReference(tmp_path / f"femur_{side}.nii.gz")
    # The side outranks the lesion.
    assert find(tmp_path, "femur", "left", lambda: read_mask(str(lesion))).path.name == "femur_left.nii.gz"


def test_so_it_is_for_two_segments_of_one_file(tmp_path: Path) -> None:
    values = np.zeros(SHAPE, dtype=np.uint8)
    values[:4], values[10:] = 1, 2
    names = {"labels": {"femur_left": 1, "femur_right": 2}}
    folder = tmp_path / "deep" / "case"
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps(names))
    files.nifti(folder / "map.nii.gz", values, AFFINE)
    lesion = put(tmp_path / "necrosis.nii.gz", slice(11, 13))
    found = find(folder, "femur", lesion=lambda: read_mask(str(lesion)))
    assert found == MaskReference(folder / "map.nii.gz", "femur_right")


def test_lesions_in_both_femora_ask_for_the_side(tmp_path: Path) -> None:
    put(tmp_path / "femur_left.nii.gz", slice(0, 4))
    put(tmp_path / "femur_right.nii.gz", slice(10, 14))
    values = np.zeros(SHAPE, dtype=np.uint8)
    values[1:3] = values[11:13] = 1
    lesion = files.nifti(tmp_path / "necrosis.nii.gz", values, AFFINE)
    with pytest.raises(InputError, match=r"both hips.*--side") as caught:
        find(tmp_path, "femur", lesion=lambda: read_mask(str(lesion)))
    assert caught.value.code == "side-needed"


def test_the_pelvis_of_a_folder_is_the_hip_bone_of_the_femurs_side(tmp_path: Path) -> None:
    for side, where in (("left", slice(0, 4)), ("right", slice(10, 14))):
        put(tmp_path / f"femur_{side}.nii.gz", where)
        put(tmp_path / f"hip_{side}.nii.gz", where)
    put(tmp_path / "necrosis.nii.gz", slice(11, 13))
    case = str(tmp_path)
    found = from_folders(HipInputs(case, case, pelvis=case), quiet=True)
    assert found.femur == str(tmp_path / "femur_right.nii.gz")
    assert found.pelvis == str(tmp_path / "hip_right.nii.gz")
    # A lesion of another scan says nothing of its place in this one.
    with pytest.raises(InputError, match="2 candidates for the femur"):
        from_folders(HipInputs(case, case, lesion_transform=tmp_path / "t.txt"), quiet=True)


@pytest.mark.slow
def test_from_a_study_to_the_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case of the sample with another femur beside it measures as the sample's own masks do."""
    volume = nib.load(SAMPLE)
    labels, affine = np.asarray(volume.dataobj).astype(np.uint8), np.asarray(volume.affine)
    monkeypatch.setenv("PATH", "/nowhere")
    coarse = affine @ np.diag([4.0, 4.0, 4.0, 1.0])
    files.dicom_series(tmp_path / "ct", np.full([n // 4 for n in labels.shape], 40, dtype=np.int16), coarse)
    parts = tmp_path / "totalseg"
    parts.mkdir()
    files.nifti(parts / "femur_right.nii.gz", (labels > 0).astype(np.uint8), affine)
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine
    mirrored[0, 3] -= 100.0
    files.nifti(parts / "femur_left.nii.gz", (labels > 0).astype(np.uint8), mirrored)
    case = tmp_path / "case"
    assert set(prepared(capsys, tmp_path / "ct", "--out", case, "--segmentation", parts)["bones_ml"]) == {
        "femur_left", "femur_right",
    }  # fmt: skip
    files.nifti(case / "necrosis.nii.gz", (labels == 2).astype(np.uint8), affine)
    figures = []
    for femur, lesion in ((case, case), (parts / "femur_right.nii.gz", case / "necrosis.nii.gz")):
        assert main(["measure", "--femur", str(femur), "--lesion", str(lesion), "--json"]) == 0
        figures.append(json.loads(capsys.readouterr().out))
    assert figures[0]["case"]["side"] == figures[1]["case"]["side"] == "right"
    for name in ("volume_ml", "head_fraction", "kerboul"):
        assert figures[0][name] == figures[1][name]
    shutil.rmtree(parts)
