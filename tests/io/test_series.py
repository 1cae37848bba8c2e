"""What lies on a patient's disc: series told apart, listed, chosen, and a tilted gantry straightened."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from support import format_files as files

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, transform
from corecore.io.dicom import stacks
from corecore.io.dicom.files import read_dataset
from corecore.io.dicom.listing import list_series
from corecore.io.fingerprint import volume_sha256
from corecore.io.references import image_place, read_image, read_mask

SHAPE = (12, 10, 9)


def grey(seed: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(-900, 1500, SHAPE).astype(np.int16)


def turned(affine: FloatArray) -> FloatArray:
    """The same place, sliced in another direction."""
    return affine[:, [1, 2, 0, 3]]


def altered(folder: Path, change: Callable[[Dataset], Any]) -> Path:
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(path)
    return folder


def setting(**values: Any) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        for name, value in values.items():
            setattr(dataset, name, value)

    return change


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """Two series of a disc, deep in folders, with what else lies on discs."""
    disc = tmp_path / "disc"
    deep = disc / "DICOM" / "PA000000" / "ST000000"
    deep.mkdir(parents=True)
    files.dicom_series(deep / "SE000000", grey(), files.oblique())
    altered(deep / "SE000000", setting(SeriesDescription="T1 hip for A^B, P1, Miller", PatientName="Miller^Ann"))
    files.dicom_series(deep / "SE000001", grey(5), turned(files.oblique()))
    altered(deep / "SE000001", setting(SeriesNumber=7, SeriesDescription="bone"))
    (disc / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM" + b"index")
    (disc / "viewer.exe").write_bytes(b"MZ" * 100)
    (disc / "README.TXT").write_text("Open the viewer.")
    return disc


def test_series_deep_in_a_disc_are_listed(disc: Path) -> None:
    found = list_series(disc)
    assert [(one.number, one.size, one.files) for one in found.series] == [("3", (12, 10, 9), 9), ("7", (12, 10, 9), 9)]
    assert found.series[0].spacing_mm == pytest.approx((0.8, 0.9, 1.5))
    assert found.series[0].orientation == "axial"
    assert found.series[0].date == "2026-01-02"
    assert all(one.problem is None for one in found.series)
    assert (found.other_files, found.other_objects, found.unreadable) == (2, 0, 0)


def test_no_list_tells_the_patients_name(disc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--json"]):
        assert main(["series", str(disc), *more]) == 0
        said = capsys.readouterr().out
        assert "T1 hip for" in said
        assert "miller" not in said.lower()
        assert "ann" not in said.lower()
    with pytest.raises(InputError) as caught:
        read_image(disc)
    assert "Miller" not in str(caught.value)


def test_one_is_taken_by_number_and_by_uid(disc: Path) -> None:
    first, second = list_series(disc).series
    for choice, seed in (("3", 3), (first.uid, 3), ("7", 5), (second.uid, 5)):
        assert np.array_equal(read_image(f"{disc}:{choice}").values, grey(seed))


def test_without_a_choice_the_line_lists_them(disc: Path) -> None:
    with pytest.raises(InputError, match=r"2 series \(3: CT axial .*; 7: CT .* bone, 9 slice\(s\)\).*disc:3$"):
        read_image(disc)
    with pytest.raises(InputError, match="no series 4 "):
        read_image(f"{disc}:4")


def test_series_of_one_number_are_told_apart(disc: Path) -> None:
    altered(next(disc.rglob("SE000001")), setting(SeriesNumber=3))
    numbers = [one.number for one in list_series(disc).series]
    assert numbers == ["3.1", "3.2"]
    found = {grey(seed).tobytes(): seed for seed in (3, 5)}
    seen = {found[read_image(f"{disc}:{n}").values.astype(np.int16).tobytes()] for n in numbers}
    assert seen == {3, 5}
    with pytest.raises(InputError, match=r"2 series \(3\.1"):
        read_image(f"{disc}:3")


def test_directions_of_one_series_are_stacks(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    files.dicom_series(folder, grey(), files.oblique())
    files.dicom_series(tmp_path / "b", grey(5), turned(files.oblique()))
    altered(folder, setting(SeriesInstanceUID="1.2.3"))
    altered(tmp_path / "b", setting(SeriesInstanceUID="1.2.3"))
    for path in (tmp_path / "b").iterdir():
        shutil.move(path, folder / f"b{path.name}")
    first, second = list_series(folder).series
    assert (first.number, second.number, first.stacks) == ("3.1", "3.2", 2)
    for choice, seed in (("3.1", 3), ("1.2.3:1", 3), ("3.2", 5), ("1.2.3:2", 5)):
        assert np.array_equal(read_image(f"{folder}:{choice}").values, grey(seed))
    with pytest.raises(InputError, match="2 series"):
        read_image(f"{folder}:1.2.3")


def test_echoes_at_one_place_are_stacks_where_they_say_so(tmp_path: Path) -> None:
    folder = tmp_path / "echoes"
    for echo, seed in ((4.9, 3), (2.4, 5)):
        part = tmp_path / str(echo)
        files.dicom_series(part, grey(seed), files.oblique())
        altered(part, setting(SeriesInstanceUID="1.2.3", FrameOfReferenceUID="1.2", EchoTime=echo))
        folder.mkdir(exist_ok=True)
        for path in part.iterdir():
            shutil.move(path, folder / f"{echo}{path.name}")
    told = {one.description: one.number for one in list_series(folder).series}
    assert set(told) == {"(EchoTime 4.9)", "(EchoTime 2.4)"}
    assert np.array_equal(read_image(f"{folder}:{told['(EchoTime 4.9)']}").values, grey(3))
    # The negative twin: nothing tells them apart.
    altered(folder, setting(EchoTime=1.0))
    with pytest.raises(InputError, match="lie where another lies"):
        read_image(folder)


def multi_frame(series: list[Dataset], path: Path, uid: str) -> None:
    made = hd.legacy.LegacyConvertedEnhancedCTImage(
        legacy_datasets=series, series_instance_uid=uid, series_number=4, sop_instance_uid=pydicom.uid.generate_uid(),
        instance_number=1,
    )  # fmt: skip
    path.parent.mkdir(exist_ok=True)
    made.save_as(path)


def test_a_series_in_several_multi_frame_files_is_one_stack(tmp_path: Path) -> None:
    slices = files.dicom_series(tmp_path / "ct", grey(), files.oblique())
    # Every second slice in either file: neither is the whole, both are even.
    multi_frame(slices[::2], tmp_path / "parts" / "a.dcm", "1.2.3")
    multi_frame(slices[1::2], tmp_path / "parts" / "b.dcm", "1.2.3")
    image = read_image(tmp_path / "parts")
    assert np.array_equal(image.values, grey())
    assert np.max(np.abs(image.grid.world_from_index - files.oblique())) < 1e-6


def test_multi_frame_files_at_one_place_are_stacks(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 5)):
        multi_frame(files.dicom_series(tmp_path / f"ct{name}", grey(seed), files.oblique()),
                    tmp_path / "phases" / f"{name}.dcm", "1.2.3")  # fmt: skip
        altered(tmp_path / "phases", setting(FrameOfReferenceUID="1.2"))
    seen = [read_image(f"{tmp_path / 'phases'}:{n}").values for n in ("4.1", "4.2")]
    assert np.array_equal(seen[0], grey(3))
    assert np.array_equal(seen[1], grey(5))


def test_a_localizer_does_not_stand_in_the_way(tmp_path: Path) -> None:
    files.dicom_series(tmp_path / "ct", grey(), files.oblique())
    files.dicom_series(tmp_path / "scout", grey(5), turned(files.oblique()))
    altered(tmp_path / "scout", setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SeriesNumber=1))
    assert np.array_equal(read_image(tmp_path).values, grey())
    assert np.array_equal(read_image(f"{tmp_path}:1").values, grey(5))


def test_a_broken_file_is_counted_and_stops_the_reading(disc: Path) -> None:
    broken = next(disc.rglob("SE000000")) / "IM99999"
    broken.write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    assert list_series(disc).unreadable == 1
    with pytest.raises(InputError, match="IM99999"):
        read_image(f"{disc}:3")


def test_exact_copies_on_a_disc_are_passed_over(disc: Path) -> None:
    shutil.copytree(next(disc.rglob("SE000000")), disc / "COPY")
    found = list_series(disc)
    assert [one.number for one in found.series] == ["3", "7"]
    assert found.copies == 9
    assert np.array_equal(read_image(f"{disc}:3").values, grey())
    # The negative twin: another image under the same UID is no copy.
    path = next((disc / "COPY").iterdir())
    dataset = pydicom.dcmread(path)
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(path)
    with pytest.raises(InputError, match="lie where another lies"):
        read_image(f"{disc}:3")


def test_slices_in_every_direction_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corecore.io.dicom.stacks.MAX_DIRECTIONS", 3)
    files.dicom_series(tmp_path / "fan", grey(), files.oblique())
    for k, path in enumerate(sorted((tmp_path / "fan").iterdir())):
        dataset = pydicom.dcmread(path)
        turn = np.radians(15.0 * k)
        dataset.ImageOrientationPatient = [f"{v:.8f}" for v in (np.cos(turn), np.sin(turn), 0, 0, 0, 1)]
        dataset.save_as(path)
    with pytest.raises(InputError, match="more than 3 directions"):
        read_image(tmp_path / "fan")


def test_contours_lie_on_the_straightened_slices(tmp_path: Path) -> None:
    """Outlines drawn on tilted slices are filled on the straightened image: its slices are the same planes."""
    tilted(tmp_path / "ct", 14.0, plane)
    datasets = [pydicom.dcmread(path) for path in sorted((tmp_path / "ct").iterdir())]
    image = read_image(tmp_path / "ct", straighten=True)
    slanted = files.oblique()
    column = slanted[:3, 1] / np.linalg.norm(slanted[:3, 1])
    slanted[:3, 2] += np.tan(np.radians(14.0)) * np.linalg.norm(slanted[:3, 2]) * column
    corners = np.array([[2.5, 2.5], [7.5, 2.5], [7.5, 6.5], [2.5, 6.5]])
    lines = [transform(files.LPS @ slanted, np.column_stack([corners, np.full(4, float(k))])) for k in range(9)]
    path = files.rtstruct_of(tmp_path / "ct" / "rt.dcm", {"lesion": lines}, datasets)
    mask = read_mask(f"{path}:lesion", image.grid)
    # Five columns of four rows on each slice.
    assert mask.voxels.sum(axis=(0, 1)).tolist() == [20] * 9
    middle = transform(slanted, [5.0, 4.5, 4.0])
    assert np.linalg.norm(mask.positions_mm().mean(axis=0) - middle) < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_spoilt_files_are_listed_or_counted(tmp_path: Path, seed: int) -> None:
    """Bytes turned anywhere end in a row, a count or one line, never in a traceback."""
    rng = np.random.default_rng(seed)
    files.dicom_series(tmp_path / "ct", grey()[:, :, :3], files.oblique())
    for _ in range(8):
        for path in (tmp_path / "ct").iterdir():
            data = np.frombuffer(path.read_bytes(), dtype=np.uint8).copy()
            where = rng.integers(132, 1100, 3)
            data[where] = rng.integers(0, 256, 3)
            path.write_bytes(data.tobytes())
        found = list_series(tmp_path / "ct")
        # A turned bit may make a file another kind of object, or no image; none is lost.
        seen = sum(one.files for one in found.series)
        assert seen + found.unreadable + found.other_objects + found.other_files + found.copies == 3
        with contextlib.suppress(InputError):
            read_image(tmp_path / "ct")


def test_places_with_colons(tmp_path: Path) -> None:
    folder = tmp_path / "a:3"
    folder.mkdir()
    assert image_place(folder) == (folder, None)
    assert image_place(f"{folder}:3") == (folder, "3")
    assert image_place(f"{tmp_path}:1.2.3:2") == (tmp_path, "1.2.3:2")
    assert image_place(tmp_path / "nothing:3") == (tmp_path / "nothing:3", None)


def test_a_choice_of_what_is_no_folder_of_series_is_refused(tmp_path: Path) -> None:
    path = files.nifti(tmp_path / "ct.nii.gz", grey(), files.oblique())
    with pytest.raises(InputError, match="chooses a series"):
        read_image(f"{path}:3")


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["series", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.endswith("[file-missing]\n")


# ---- a tilted gantry ----


def tilted(folder: Path, tilt_deg: float, field: Callable[[FloatArray], FloatArray]) -> None:
    """A stack whose slices are each shifted along their columns, with a field of the world (RAS mm) in it."""
    affine = files.oblique()
    slanted = affine.copy()
    step = float(np.linalg.norm(affine[:3, 2]))
    column = affine[:3, 1] / np.linalg.norm(affine[:3, 1])
    slanted[:3, 2] += np.tan(np.radians(tilt_deg)) * step * column
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    values = np.rint(field(transform(slanted, index))).astype(np.int16)
    files.dicom_series(folder, values, slanted)


def plane(points_mm: FloatArray) -> FloatArray:
    """Values that rise evenly along an oblique direction: linear interpolation keeps them."""
    return np.asarray(points_mm @ np.array([7.0, -11.0, 13.0]) + 200.0)


@pytest.mark.parametrize("tilt_deg", [-20.0, 3.0, 14.0, 30.0])
def test_a_straightened_stack_holds_the_world_where_it_was(tmp_path: Path, tilt_deg: float) -> None:
    tilted(tmp_path / "ct", tilt_deg, plane)
    image = read_image(tmp_path / "ct", straighten=True)
    assert image.straightened_deg == pytest.approx(abs(tilt_deg), abs=0.01)
    # At right angles.
    axes = image.grid.world_from_index[:3, :3] / image.grid.spacing_mm
    assert np.max(np.abs(axes.T @ axes - np.eye(3))) < 1e-9
    index = np.stack(np.meshgrid(*map(np.arange, image.grid.shape), indexing="ij"), axis=-1)
    error = np.abs(image.values - plane(transform(image.grid.world_from_index, index)))
    # Each slice shows its pixels, less at most one row that lies between two edges; the rest was never seen.
    seen = error < 2.0
    assert np.all(seen.sum(axis=(0, 1)) >= SHAPE[0] * (SHAPE[1] - 1))
    assert np.all(image.values[~seen] == image.values.min())


def test_a_tilted_stack_is_refused_without_being_asked(tmp_path: Path) -> None:
    tilted(tmp_path / "ct", 14.0, plane)
    with pytest.raises(InputError, match=r"slant of 14\.00°.*--straighten"):
        read_image(tmp_path / "ct")
    assert "--straighten" in str(list_series(tmp_path / "ct").series[0].problem)


def test_no_gantry_tilts_by_fifty_degrees(tmp_path: Path) -> None:
    tilted(tmp_path / "ct", 50.0, plane)
    with pytest.raises(InputError, match=r"up to 35°"):
        read_image(tmp_path / "ct", straighten=True)


def test_an_upright_stack_stays_as_it_is(tmp_path: Path) -> None:
    files.dicom_series(tmp_path / "ct", grey(), files.oblique())
    image = read_image(tmp_path / "ct", straighten=True)
    assert image.straightened_deg == 0.0
    assert np.array_equal(image.values, grey())


def test_the_list_as_text(disc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["series", str(disc)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "number"
    assert lines[1].startswith("3 ")
    assert "12 x 10 x 9" in lines[1]
    assert lines[-1] == "ignored: 2 file(s) that are no DICOM"
    assert main(["series", str(disc / "DICOM"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["other_files"] == 0


def test_headers_are_read_once_while_the_files_stay_as_they_are(disc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    true = read_dataset

    def counted(path: Path, *, pixels: bool = True) -> Any:
        read.append(path)
        return true(path, pixels=pixels)

    monkeypatch.setattr(stacks, "read_dataset", counted)
    first = stacks.survey(disc)
    once = len(read)
    assert once > 0
    assert stacks.survey(disc) is first
    assert len(read) == once
    changed = first.stacks[0].files[0]
    altered(changed.parent, setting(SeriesDescription="changed"))
    assert stacks.survey(disc) is not first
    assert len(read) == 2 * once


def test_the_fingerprint_of_a_chosen_series_is_that_of_its_files(disc: Path) -> None:
    one, other = stacks.survey(disc).stacks[:2]
    prints = {stack.number: volume_sha256(disc, stack.number) for stack in (one, other)}
    assert len({*prints.values(), volume_sha256(disc, None)}) == 3
    assert volume_sha256(disc, one.uid) == prints[one.number]
    # What else lies on the disc is no part of it.
    (disc / "note.txt").write_text("seen")
    dataset = pydicom.dcmread(other.files[0])
    dataset.SeriesDescription = "another"
    dataset.save_as(other.files[0])
    assert volume_sha256(disc, one.number) == prints[one.number]
    assert volume_sha256(disc, other.number) != prints[other.number]
    with pytest.raises(InputError, match="no series"):
        volume_sha256(disc, "77")


def test_a_discs_index_stands_for_its_folder(disc: Path) -> None:
    index = disc / "DICOMDIR"
    assert image_place(index) == (disc, None)
    number = stacks.survey(disc).stacks[0].number
    assert image_place(f"{index}:{number}") == (disc, number)
    assert list_series(index) == list_series(disc)
    assert np.array_equal(read_image(f"{index}:{number}").values, read_image(f"{disc}:{number}").values)
    # A folder of that name is a folder.
    (disc / "more" / "DICOMDIR").mkdir(parents=True)
    assert image_place(disc / "more" / "DICOMDIR") == (disc / "more" / "DICOMDIR", None)


@pytest.mark.parametrize("size", [0, 60, 131, 400])
@pytest.mark.parametrize("name", ["{:03d}.dcm", "IM{:03d}", "IM.{:04d}"])
def test_a_slice_cut_off_before_its_mark_is_no_stranger(tmp_path: Path, name: str, size: int) -> None:
    """The last of a series, copied in part: without it the head would end a slice early, in silence."""
    folder = tmp_path / "ct"
    files.dicom_series(folder, grey(), files.oblique())
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / name.format(number))
    last = max(folder.iterdir())
    last.write_bytes(b"\0" * size)
    with pytest.raises(InputError, match=rf"{last.name}: {size} bytes without DICOM's mark") as told:
        read_image(folder)
    assert told.value.code == "volume-truncated"
    found = list_series(folder)
    assert (found.unreadable, found.other_files) == (1, 0)


def test_what_lies_beside_a_series_is_no_part_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "ct"
    files.dicom_series(folder, grey(), files.oblique())
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"IM{number:03d}")
    (folder / "README").write_text("Open the viewer.")
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" * 30)
    assert read_image(folder).values.shape == grey().shape
    assert list_series(folder).other_files == 2
