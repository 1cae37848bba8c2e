"""DICOM series, segmentations and contours: what is read, where it lies, and what is refused."""

from __future__ import annotations

import builtins
import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813  (its own custom)
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.tag import Tag
from support import format_files as files

from corecore.base.errors import InputError, MissingExtraError
from corecore.base.grid import Grid, transform
from corecore.io.dicom.series import find_series
from corecore.io.references import read_image, read_mask, read_segmentation

SHAPE = (12, 10, 9)
AFFINE = files.oblique()


def values() -> np.ndarray:
    return np.random.default_rng(3).integers(-900, 1500, SHAPE).astype(np.int16)


def labels() -> np.ndarray:
    result = np.zeros(SHAPE, dtype=np.uint8)
    result[2:9, 2:8, 3:7] = 1
    result[4:7, 4:6, 4:6] = 2
    return result


@pytest.fixture
def series(tmp_path: Path) -> tuple[Path, list[Dataset]]:
    return tmp_path / "ct", files.dicom_series(tmp_path / "ct", values(), AFFINE)


def test_a_series_lies_where_itk_puts_it(series: tuple[Path, list[Dataset]]) -> None:
    image = read_image(series[0])
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series[0])))
    other = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(other).T, image.values)
    for index in ((0, 0, 0), (11, 0, 0), (0, 9, 0), (3, 4, 8)):
        lps = np.array(other.TransformIndexToPhysicalPoint(index))
        assert np.max(np.abs(transform(image.grid.world_from_index, index) - lps * [-1, -1, 1])) < 1e-4


def test_slices_are_ordered_by_place_not_by_name_or_number(series: tuple[Path, list[Dataset]]) -> None:
    found = find_series(series[0])
    heights = [float(pydicom.dcmread(path).ImagePositionPatient[2]) for path in found.files]
    assert heights == sorted(heights)
    assert [path.name for path in found.files] != sorted(path.name for path in found.files)


def changed(folder: Path, which: slice, change: Callable[[Dataset], Any]) -> None:
    """Alter some slices of a series, counted along the stack."""
    for path in find_series(folder).files[which]:
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(path)


def moved(offset: np.ndarray) -> Callable[[Dataset], None]:
    def move(dataset: Dataset) -> None:
        dataset.ImagePositionPatient = [
            float(v) + float(o) for v, o in zip(dataset.ImagePositionPatient, offset, strict=True)
        ]

    return move


def tilt(dataset: Dataset) -> None:
    """As a gantry tilted by 15° stacks its slices: each shifted along its columns."""
    number = dataset.InstanceNumber
    turn = np.array([float(v) for v in dataset.ImageOrientationPatient])
    moved(turn[3:] * np.tan(np.radians(15.0)) * 1.5 * number)(dataset)


def stacking() -> np.ndarray:
    """One step from slice to slice, LPS mm."""
    return np.asarray((files.LPS @ AFFINE)[:3, 2])


def other_series(dataset: Dataset) -> None:
    dataset.SeriesInstanceUID = "1.2.3"


def other_frame(dataset: Dataset) -> None:
    dataset.FrameOfReferenceUID = "1.2.3"


def other_size(dataset: Dataset) -> None:
    dataset.PixelSpacing = ["1.1", "1.1"]


def without_place(dataset: Dataset) -> None:
    del dataset.ImagePositionPatient


def short_of_pixels(dataset: Dataset) -> None:
    dataset.PixelData = dataset.PixelData[:40]


def colour(dataset: Dataset) -> None:
    dataset.PhotometricInterpretation = "MONOCHROME1"


def huge(dataset: Dataset) -> None:
    dataset.Rows = dataset.Columns = 60000


def nameless(dataset: Dataset) -> None:
    dataset.RescaleSlope = None
    dataset.ImageOrientationPatient = [1, 0, 0, 1, 0, 0]


def without(paths: tuple[Path, ...]) -> None:
    for path in paths:
        path.unlink()


def with_text(tag: int, kind: str, text: str) -> Callable[[Dataset], None]:
    """A data element as a file holds it, whatever its kind allows."""

    def write(dataset: Dataset) -> None:
        dataset[tag] = RawDataElement(Tag(tag), kind, 0, text.encode(), 0, False, True)

    return write


def another_patient(dataset: Dataset) -> None:
    dataset.PatientID, dataset.PatientName = "P2", "C^D"


def high_bit(dataset: Dataset) -> None:
    dataset.BitsStored, dataset.HighBit = 12, 15


def few_bits(dataset: Dataset) -> None:
    dataset.BitsStored, dataset.HighBit = 20, 19


REFUSED: list[tuple[str, Callable[[Path], Any], str]] = [
    ("missing", lambda f: find_series(f).files[4].unlink(), r"1 slice\(s\) missing: 3\.000 mm between slices 4 and 5"),
    ("uneven", lambda f: changed(f, slice(4, 5), moved(0.2 * stacking())), "uneven slices"),
    ("doubled", lambda f: changed(f, slice(4, 5), moved(stacking())), "lie where another lies"),
    ("aside", lambda f: changed(f, slice(4, 5), moved(AFFINE[:3, 0] * [-1, -1, 1])), "beside its place"),
    ("tilted", lambda f: changed(f, slice(None), tilt), r"slant of 15\.00°"),
    ("mixed", lambda f: changed(f, slice(0, 3), other_series), "2 series"),
    ("frames", lambda f: changed(f, slice(0, 1), other_frame), "frames of reference"),
    ("sizes", lambda f: changed(f, slice(0, 1), other_size), "one pixel size"),
    ("placeless", lambda f: changed(f, slice(0, 1), without_place), "ImagePositionPatient is not there"),
    ("short", lambda f: changed(f, slice(0, 1), short_of_pixels), "40 bytes of pixels"),
    ("inverted", lambda f: changed(f, slice(0, 1), colour), "MONOCHROME1"),
    ("bomb", lambda f: changed(f, slice(None), huge), "at most|cannot hold|origin"),
    ("turned", lambda f: changed(f, slice(None), nameless), "unit vectors"),
    ("negative", lambda f: changed(f, slice(None), with_text(0x00280030, "DS", "-0.9\\0.8")), "lengths above 0"),
    ("no size", lambda f: changed(f, slice(None), with_text(0x00280030, "DS", "0\\0.8")), "lengths above 0"),
    ("no number", lambda f: changed(f, slice(None), with_text(0x00280030, "DS", "nan\\1")), "2 numbers are accepted"),
    ("far", lambda f: changed(f, slice(4, 5), with_text(0x00200032, "DS", "1e300\\0\\0")), "up to 1,000,000"),
    ("flat", lambda f: changed(f, slice(4, 5), with_text(0x00281053, "DS", "0")), "a slope above 0"),
    ("upside down", lambda f: changed(f, slice(None), with_text(0x00281053, "DS", "-1")), "a slope above 0"),
    ("shifted", lambda f: changed(f, slice(4, 5), with_text(0x00281052, "DS", "1e300")), "up to 1,000,000"),
    ("two patients", lambda f: changed(f, slice(4, 5), another_patient), "slices of two patients"),
    ("high bit", lambda f: changed(f, slice(4, 5), high_bit), "12 of 16 bits stored, the highest at 15"),
    ("more bits", lambda f: changed(f, slice(4, 5), few_bits), "20 of 16 bits stored"),
    ("one", lambda f: without(find_series(f).files[1:]), "one slice"),
    ("none", lambda f: without(find_series(f).files), "holds no CT or MR image"),
]


@pytest.mark.parametrize(("break_it", "word"), [item[1:] for item in REFUSED], ids=[item[0] for item in REFUSED])
def test_a_stack_that_is_not_even_is_refused(
    series: tuple[Path, list[Dataset]], break_it: Callable[[Path], Any], word: str
) -> None:
    read_image(series[0])
    break_it(series[0])
    with pytest.raises(InputError, match=word) as caught:
        read_image(series[0])
    assert "\n" not in str(caught.value)


def test_positions_rounded_to_a_hundredth_are_even(series: tuple[Path, list[Dataset]]) -> None:
    def rounded(dataset: Dataset) -> None:
        dataset.ImagePositionPatient = [round(float(v), 2) for v in dataset.ImagePositionPatient]

    changed(series[0], slice(None), rounded)
    assert np.max(np.abs(read_image(series[0]).grid.world_from_index - AFFINE)) < 0.02


def test_a_single_slice_is_no_volume_and_no_mask(series: tuple[Path, list[Dataset]]) -> None:
    path = find_series(series[0]).files[0]
    with pytest.raises(InputError, match="name its folder"):
        read_image(path)
    with pytest.raises(InputError, match="CT Image Storage; a DICOM segmentation"):
        read_mask(str(path))


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
@pytest.mark.parametrize("omit", [True, False])
def test_a_segmentation_lies_on_its_series(series: tuple[Path, list[Dataset]], kind: str, omit: bool) -> None:
    more: dict[str, Any] = {"segmentation_type": kind, "omit_empty_frames": omit}
    if kind == "FRACTIONAL":
        more["fractional_type"] = "OCCUPANCY"
    path = files.dicom_seg(series[0] / "s.dcm", labels(), series[1], **more)
    for number, name in files.NAMES.items():
        mask = read_mask(f"{path}:{name}")
        assert np.array_equal(mask.voxels, labels() == number)
        assert np.max(np.abs(mask.grid.world_from_index - AFFINE)) < 1e-6


def test_fractions_are_cut_at_a_half_and_told(series: tuple[Path, list[Dataset]]) -> None:
    def softened(dataset: Dataset) -> None:
        pixels = dataset.pixel_array.copy()
        pixels[pixels > 0] = 120
        pixels[0][pixels[0] > 0] = 130
        dataset.PixelData = pixels.tobytes()

    path = files.dicom_seg(
        series[0] / "s.dcm", labels(), series[1], segmentation_type="FRACTIONAL", fractional_type="PROBABILITY",
        max_fractional_value=255,
    )  # fmt: skip
    parts = read_segmentation(damage(path, softened))
    mask = parts.pick("femur_right")
    assert mask.voxels.sum() == (labels()[:, :, 3] == 1).sum()
    (remark,) = parts.remarks
    assert remark.code == "mask_thresholded"
    assert f"{mask.volume_ml:.2f} ml; from 0.4 {(labels() == 1).sum() * mask.grid.voxel_ml:.2f} ml, 0.6 0.00 ml" in (
        remark.text
    )


def test_frames_left_out_are_not_the_scans_end(series: tuple[Path, list[Dataset]], tmp_path: Path) -> None:
    """Away from its series a sparse segmentation is given room, and every voxel stays where it was."""
    path = files.dicom_seg(tmp_path / "alone.dcm", labels(), series[1])
    mask = read_mask(f"{path}:1")
    assert not mask.voxels[:, :, :6].any()
    assert not mask.voxels[:, :, -6:].any()
    assert mask.voxels.sum() == (labels() == 1).sum()
    here = transform(AFFINE, np.argwhere(labels() == 1))
    assert np.max(np.abs(np.sort(mask.positions_mm(), axis=0) - np.sort(here, axis=0))) < 1e-6


def spaced(said: str | None, thickness: str | None = "1.6") -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        for name, value in (("SpacingBetweenSlices", said), ("SliceThickness", thickness)):
            if value is not None:
                setattr(measures, name, value)
            elif name in measures:
                delattr(measures, name)

    return change


@pytest.mark.parametrize("said", [None, "0", "-1.5", "0.75", "4.5", "1.49", "1000", "1e-9"])
@pytest.mark.parametrize("beside", [True, False])
def test_places_of_frames_outrank_the_step_stated(
    series: tuple[Path, list[Dataset]], tmp_path: Path, said: str | None, beside: bool
) -> None:
    path = files.dicom_seg((series[0] if beside else tmp_path) / "s.dcm", labels(), series[1])
    right = read_mask(f"{path}:1")
    mask = read_mask(f"{damage(path, spaced(said))}:1")
    assert mask.grid.same_as(right.grid)
    assert np.array_equal(mask.voxels, right.voxels)
    assert right.voxels.sum() == (labels() == 1).sum()


def without_sources(dataset: Dataset) -> None:
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("witness", ["series", "sources", "lengths"])
def test_slices_without_a_frame_between_stored_ones_stay_empty(
    series: tuple[Path, list[Dataset]], tmp_path: Path, count: int, witness: str
) -> None:
    step = float(np.linalg.norm(AFFINE[:3, 2]))
    values = np.zeros(SHAPE, dtype=np.uint8)
    values[2:9, 2:8, ::count] = 1
    path = files.dicom_seg((series[0] if witness == "series" else tmp_path) / "s.dcm", values, series[1])
    if witness == "series":
        damage(path, spaced(f"{count * step:.6f}", f"{count * step:.6f}"))
    if witness == "sources":
        damage(path, spaced(f"{step:.6f}", None))
    if witness == "lengths":
        damage(damage(path, spaced(f"{step:.6f}", f"{step:.6f}")), without_sources)
    mask = read_mask(f"{path}:1")
    assert mask.grid.spacing_mm == pytest.approx(np.linalg.norm(AFFINE[:3, :3], axis=0), abs=1e-4)
    found = transform(np.linalg.inv(AFFINE) @ mask.grid.world_from_index, np.argwhere(mask.voxels))
    assert np.max(np.abs(found - np.rint(found))) < 1e-3
    assert {tuple(p) for p in np.rint(found).astype(int)} == {tuple(p) for p in np.argwhere(values)}


def test_one_length_alone_leaves_out_no_slices(series: tuple[Path, list[Dataset]], tmp_path: Path) -> None:
    step = float(np.linalg.norm(AFFINE[:3, 2]))
    path = files.dicom_seg(tmp_path / "s.dcm", labels(), series[1])
    damage(damage(path, spaced(f"{step / 2:.6f}", f"{step:.6f}")), without_sources)
    assert read_mask(f"{path}:1").voxels.sum() == (labels() == 1).sum()


def test_frames_of_every_second_and_third_slice_lie_on_one_stack(
    series: tuple[Path, list[Dataset]], tmp_path: Path
) -> None:
    values = np.zeros(SHAPE, dtype=np.uint8)
    values[2:9, 2:8, [0, 2, 5, 8]] = 1
    path = files.dicom_seg(tmp_path / "s.dcm", values, series[1])
    mask = read_mask(f"{damage(path, spaced(None, None))}:1")
    assert np.flatnonzero(mask.voxels.any(axis=(0, 1))).tolist() == [0, 2, 5, 8]


def test_a_segmentation_is_no_image(series: tuple[Path, list[Dataset]], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a DICOM Segmentation Storage; a series"):
        read_image(files.dicom_seg(tmp_path / "s.dcm", labels(), series[1]))


def test_a_segment_is_known_by_its_code_too(series: tuple[Path, list[Dataset]], tmp_path: Path) -> None:
    path = files.dicom_seg(tmp_path / "s.dcm", labels(), series[1])
    for label in ("71341001", "SCT:71341001", "femur"):
        assert read_segmentation(path).find(label).number == 1
    with pytest.raises(InputError, match="2 lesion"):
        read_mask(f"{path}:hip")


def damage(path: Path, change: Callable[[Dataset], Any]) -> Path:
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)
    return path


def frame_moved(dataset: Dataset) -> None:
    place = dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    place.ImagePositionPatient = [float(v) + 0.4 for v in place.ImagePositionPatient]


def frame_lost(dataset: Dataset) -> None:
    del dataset.PerFrameFunctionalGroupsSequence[0]


def frame_twice(dataset: Dataset) -> None:
    frames = dataset.PerFrameFunctionalGroupsSequence
    frames[1].PlanePositionSequence = frames[0].PlanePositionSequence


def many_frames(dataset: Dataset) -> None:
    dataset.NumberOfFrames = 2_000_000_000


def unlisted(dataset: Dataset) -> None:
    dataset.PerFrameFunctionalGroupsSequence[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 7


def mirrored(dataset: Dataset) -> None:
    dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = ["-0.9", "0.8"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (frame_moved, "beside its place"),
        (frame_lost, "one each"),
        (frame_twice, "two frames"),
        (many_frames, "one each"),
        (unlisted, "a frame of segment 7, which the file does not list"),
        (mirrored, "lengths above 0"),
    ],
)
def test_a_damaged_segmentation_is_refused(
    series: tuple[Path, list[Dataset]], tmp_path: Path, change: Callable[[Dataset], Any], word: str
) -> None:
    path = files.dicom_seg(tmp_path / "s.dcm", labels(), series[1])
    with pytest.raises(InputError, match=word):
        read_mask(f"{damage(path, change)}:1")


@pytest.mark.parametrize("largest", [0, 100, 256])
def test_fractions_of_nothing_and_above_the_whole_are_refused(
    series: tuple[Path, list[Dataset]], tmp_path: Path, largest: int
) -> None:
    kind = hd.seg.SegmentationTypeValues.FRACTIONAL
    path = files.dicom_seg(tmp_path / "s.dcm", labels(), series[1], segmentation_type=kind)
    read_mask(f"{path}:1")
    with pytest.raises(InputError, match=f"of MaximumFractionalValue {largest}"):
        read_mask(f"{damage(path, lambda dataset: setattr(dataset, 'MaximumFractionalValue', largest))}:1")


@pytest.mark.parametrize("numbers", [("2.025", None), (None, "2.025"), ("2.025", "2.025"), ("0", "0"), ("-1.5", "1.5")])
def test_positions_outrank_every_step_that_is_stated(
    series: tuple[Path, list[Dataset]], numbers: tuple[str | None, str | None]
) -> None:
    """A step stated 1.35 times too long changes nothing, and a slice that is gone is one by the positions."""
    true = read_image(series[0])

    def state(dataset: Dataset) -> None:
        for name, text in zip(("SpacingBetweenSlices", "SliceThickness"), numbers, strict=True):
            if text is not None:
                setattr(dataset, name, text)

    changed(series[0], slice(None), state)
    image = read_image(series[0])
    assert np.array_equal(image.grid.world_from_index, true.grid.world_from_index)
    assert np.array_equal(image.values, true.values)
    find_series(series[0]).files[4].unlink()
    with pytest.raises(InputError, match=r"1 slice\(s\) missing: 3\.000 mm between slices 4 and 5, 1\.500 mm between"):
        read_image(series[0])


def test_a_contour_too_long_for_an_explicit_length_is_read(series: tuple[Path, list[Dataset]]) -> None:
    """Its text is over 64 KiB, so it is written as of unknown kind; what it holds are places all the same."""
    few = circle(3.0, 4)[::10]
    between = np.linspace(0.0, 1.0, 200, endpoint=False)[:, None]
    many = np.concatenate([one + between * (other - one) for one, other in zip(few, np.roll(few, -1, 0), strict=True)])
    text = "\\".join(f"{v:.6f}" for v in many.ravel())
    assert len(text) > 0xFFFF
    path = files.rtstruct_of(series[0] / "rt.dcm", {"x": [few]}, series[1])
    coarse = read_mask(f"{path}:x")
    damage(path, lambda d: with_text(0x30060050, "UN", text)(d.ROIContourSequence[0].ContourSequence[0]))
    assert pydicom.dcmread(path).ROIContourSequence[0].ContourSequence[0].get_item("ContourData").VR == "UN"
    assert np.array_equal(read_mask(f"{path}:x").voxels, coarse.voxels)


def second_list(dataset: Dataset) -> None:
    item = copy.deepcopy(dataset.ROIContourSequence[0])
    del item.ContourSequence[1:]
    dataset.ROIContourSequence.append(item)


def shifted(dataset: Dataset) -> None:
    dataset.ROIContourSequence[0].ContourSequence[0].ContourOffsetVector = [0, 0, 50]


def drawn_as(text: str) -> Callable[[Dataset], None]:
    return lambda dataset: with_text(0x30060050, "DS", text)(dataset.ROIContourSequence[0].ContourSequence[0])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (second_list, "two lists of contours for region 1"),
        (shifted, "ContourOffsetVector"),
        (another_patient, "drawn on the series of another patient"),
        (drawn_as("1\\2\\3\\4"), "4 numbers, not three finite ones"),
        (drawn_as("nan\\0\\0\\1\\0\\0\\0\\1\\0"), "9 numbers, not three finite ones"),
        (drawn_as("1e300\\0\\0\\1\\0\\0\\0\\1\\0"), "9 numbers, not three finite ones"),
        (drawn_as("a\\0\\0\\1\\0\\0\\0\\1\\0"), "not readable"),
    ],
)
def test_damaged_contours_are_refused(
    series: tuple[Path, list[Dataset]], change: Callable[[Dataset], None], word: str
) -> None:
    path = files.rtstruct_of(series[0] / "rt.dcm", {"x": [circle(3.0, 4), circle(3.0, 5)]}, series[1])
    read_mask(f"{path}:x")
    with pytest.raises(InputError, match=word) as caught:
        read_mask(f"{damage(path, change)}:x")
    assert len(str(caught.value)) < 600


def test_contours_come_back_as_the_mask_they_outline(series: tuple[Path, list[Dataset]]) -> None:
    ring = labels() == 1
    ring[5, 5, 3] = False
    path = files.rtstruct(series[0] / "rt.dcm", {"ring": ring, "lesion": labels() == 2}, AFFINE, series[1])
    assert np.array_equal(read_mask(f"{path}:ring").voxels, ring)
    assert np.array_equal(read_mask(f"{path}:2").voxels, labels() == 2)


def circle(radius_mm: float, k: int, center: tuple[float, float] = (5.3, 4.6), n: int = 400) -> np.ndarray:
    """A circle of that radius in slice k, LPS mm."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    points = np.column_stack([radius_mm * np.cos(angle) / 0.8, radius_mm * np.sin(angle) / 0.9])
    return transform(files.LPS @ AFFINE, np.column_stack([points + center, np.full(n, float(k))]))


def test_a_voxel_is_inside_when_its_centre_is(series: tuple[Path, list[Dataset]]) -> None:
    """Circles, one in the other, against the distance of every voxel's centre."""
    lines = [circle(3.1, k) for k in range(2, 6)] + [circle(1.4, k) for k in range(2, 6)]
    path = files.rtstruct_of(series[0] / "rt.dcm", {"ring": lines}, series[1])
    mask = read_mask(f"{path}:ring")
    i, j = np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[1]), indexing="ij")
    distance = np.hypot((i - 5.3) * 0.8, (j - 4.6) * 0.9)
    expected = (distance < 3.1) & (distance > 1.4)
    assert expected.any()
    for k in range(SHAPE[2]):
        assert np.array_equal(mask.voxels[:, :, k], expected if 2 <= k < 6 else np.zeros_like(expected))


def test_contours_drawn_twice_and_points_are_dropped(series: tuple[Path, list[Dataset]]) -> None:
    lines = [circle(3.1, k) for k in range(2, 6)]
    more = [lines[1], lines[2] + 1e-3, lines[3][:2], lines[3][:1]]
    path = files.rtstruct_of(series[0] / "rt.dcm", {"ball": lines, "again": lines + more}, series[1])
    parts = read_segmentation(path)
    once = parts.pick("ball")
    assert not parts.remarks
    assert np.array_equal(parts.pick("again").voxels, once.voxels)
    (remark,) = parts.remarks
    assert remark.code == "contours_dropped"
    assert remark.text == "of its contours, 2 of one or two points and 2 drawn twice were dropped"


def test_contours_that_cross_a_little_are_told(series: tuple[Path, list[Dataset]]) -> None:
    lines = [circle(4.2, k) for k in range(1, 8)]
    # Over one voxel of the first, and one beyond it.
    lines.append(circle(0.9, 4, center=(10.1, 5.0)))
    parts = read_segmentation(files.rtstruct_of(series[0] / "rt.dcm", {"x": lines}, series[1]))
    mask = parts.pick("x")
    (remark,) = parts.remarks
    assert remark.code == "contours_cross"
    assert mask.voxels[:, :, 4].sum() > mask.voxels[:, :, 3].sum()


def test_contours_said_to_exclude_each_other_may_cross(series: tuple[Path, list[Dataset]]) -> None:
    lines = [circle(3.0, 4), circle(3.0, 4, center=(7.3, 4.6))]
    path = files.rtstruct_of(series[0] / "rt.dcm", {"x": lines}, series[1], "CLOSEDPLANAR_XOR")
    parts = [read_mask(f"{files.rtstruct_of(series[0] / 'one.dcm', {'x': [line]}, series[1])}:x") for line in lines]
    assert np.array_equal(read_mask(f"{path}:x").voxels, parts[0].voxels ^ parts[1].voxels)


def test_contours_lie_in_the_frame_of_the_series_they_are_drawn_on(series: tuple[Path, list[Dataset]]) -> None:
    path = files.rtstruct_of(series[0] / "rt.dcm", {"x": [circle(3.0, 4)]}, series[1])
    frame = str(series[1][0].FrameOfReferenceUID)
    assert read_mask(f"{path}:x").origin.frame == frame
    dataset = pydicom.dcmread(path)
    # Without a frame of their own they lie in that of their series.
    del dataset.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID
    del dataset.StructureSetROISequence[0].ReferencedFrameOfReferenceUID
    dataset.save_as(path)
    assert read_mask(f"{path}:x").origin.frame == frame
    for other in (dataset.ReferencedFrameOfReferenceSequence[0], dataset.StructureSetROISequence[0]):
        name = "FrameOfReferenceUID" if "RTReferencedStudySequence" in other else "ReferencedFrameOfReferenceUID"
        setattr(other, name, "1.2.3.4")
        dataset.save_as(path)
        with pytest.raises(InputError, match="another frame of reference than the series") as caught:
            read_mask(f"{path}:x")
        assert caught.value.code == "frames-differ"
        delattr(other, name)


def test_contours_that_leave_the_image_are_cut_off_there(series: tuple[Path, list[Dataset]]) -> None:
    lines = [circle(50.0, k) for k in (3, 4, 5)]
    path = files.rtstruct_of(series[0] / "rt.dcm", {"all": lines}, series[1])
    mask = read_mask(f"{path}:all")
    assert mask.voxels[:, :, 3:6].all()
    assert mask.voxels.sum() == 3 * SHAPE[0] * SHAPE[1]


@pytest.mark.parametrize(
    ("lines", "kind", "word"),
    [
        ([circle(3.0, 4) + stacking() * 0.4], "CLOSED_PLANAR", "0.60 mm off the slices"),
        ([circle(3.0, 40)], "CLOSED_PLANAR", "outside the series"),
        ([circle(3.0, 4)], "OPEN_PLANAR", "OPEN_PLANAR"),
        ([circle(3.0, 4)[:2]], "CLOSED_PLANAR", "the mask is empty"),
        ([circle(3.0, 4), circle(3.0, 4, center=(8.3, 4.6))], "CLOSED_PLANAR", "1 plane.s. cross .* first on slice 5"),
        ([circle(3.0, 4)[np.r_[0:100, 200:300, 100:200, 300:400]]], "CLOSED_PLANAR", "cross themselves"),
        ([circle(3.0, 4) * 1e6], "CLOSED_PLANAR", "off the slices|outside the series|up to 1,000,000"),
        ([circle(0.05, 4, center=(5.5, 4.5))], "CLOSED_PLANAR", "the mask is empty"),
    ],
)
def test_contours_that_say_no_mask_are_refused(
    series: tuple[Path, list[Dataset]], lines: list[np.ndarray], kind: str, word: str
) -> None:
    path = files.rtstruct_of(series[0] / "rt.dcm", {"x": lines}, series[1], kind)
    with pytest.raises(InputError, match=word):
        read_mask(f"{path}:x")


def test_contours_need_a_grid(series: tuple[Path, list[Dataset]], tmp_path: Path) -> None:
    path = files.rtstruct(tmp_path / "alone.dcm", {"femur": labels() == 1}, AFFINE, series[1])
    with pytest.raises(InputError, match="--image"):
        read_mask(f"{path}:femur")
    assert np.array_equal(read_mask(f"{path}:femur", on=Grid(SHAPE, AFFINE)).voxels, labels() == 1)


def test_without_pydicom_one_line_names_the_extra(
    series: tuple[Path, list[Dataset]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "pydicom":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "pydicom")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"corecore\[dicom\]"):
        read_image(series[0])


def test_a_multi_frame_file_is_the_series_it_was_made_of(series: tuple[Path, list[Dataset]], tmp_path: Path) -> None:
    enhanced = hd.legacy.LegacyConvertedEnhancedCTImage(
        legacy_datasets=series[1], series_instance_uid="1.2.3", series_number=5, sop_instance_uid="1.2.4",
        instance_number=1,
    )  # fmt: skip
    (tmp_path / "one").mkdir()
    enhanced.save_as(tmp_path / "one" / "e.dcm")
    expected = read_image(series[0])
    for place in (tmp_path / "one" / "e.dcm", tmp_path / "one"):
        image = read_image(place)
        assert np.array_equal(image.values, expected.values)
        assert np.max(np.abs(image.grid.world_from_index - AFFINE)) < 1e-6


def test_packed_pixels_are_unpacked_or_named(series: tuple[Path, list[Dataset]]) -> None:
    expected = read_image(series[0]).values

    def packed(dataset: Dataset) -> None:
        dataset.compress(pydicom.uid.RLELossless)

    changed(series[0], slice(None), packed)
    assert np.array_equal(read_image(series[0]).values, expected)

    def unknown(dataset: Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLSLossless

    changed(series[0], slice(0, 1), unknown)
    with pytest.raises(InputError, match=r"JPEG-LS.*cannot be unpacked here|not readable"):
        read_image(series[0])


def test_a_deflated_file_is_refused_unread(series: tuple[Path, list[Dataset]]) -> None:
    def deflated(dataset: Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian

    changed(series[0], slice(0, 1), deflated)
    with pytest.raises(InputError, match="deflated as a whole"):
        read_image(series[0])


def test_fractions_of_half_and_more_count(series: tuple[Path, list[Dataset]], tmp_path: Path) -> None:
    share = np.zeros((1, *SHAPE[::-1]))[0]
    share[3:6, 2:7, 2:7] = 0.3
    share[3:6, 3:6, 3:6] = 0.7
    description = hd.seg.SegmentDescription(
        segment_number=1, segment_label="x", segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=codes.SCT.Femur,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip
    hd.seg.Segmentation(
        source_images=series[1], pixel_array=share, segmentation_type="FRACTIONAL", fractional_type="PROBABILITY",
        segment_descriptions=[description], series_instance_uid="1.2.3", series_number=9, sop_instance_uid="1.2.4",
        instance_number=1, manufacturer="x", manufacturer_model_name="y", software_versions="1",
        device_serial_number="1", omit_empty_frames=False,
    ).save_as(tmp_path / "f.dcm")  # fmt: skip
    assert read_mask(str(tmp_path / "f.dcm")).voxels.sum() == 27
