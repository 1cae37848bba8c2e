"""One label map in every format: the same grid and the same voxels, whichever reader reads it."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  (its own custom)
from support import format_files as files

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.grid import transform
from corecore.hip.case import load_case
from corecore.io.detect import kind_of
from corecore.io.nifti import read_volume
from corecore.io.references import MaskReference, read_image, read_mask

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_volumes" / "right_medium.nii.gz"
FORMATS = [
    "nifti", "nifti_uncompressed", "totalsegmentator_map", "totalsegmentator_folder", "nnunet", "nrrd", "nhdr",
    "seg_nrrd", "layered", "mha", "mhd", "dicom_seg", "dicom_labelmap", "rtstruct",
]  # fmt: skip
#: The contract's word for world-exact, mm.
EXACT_MM = 1e-4


def blocks() -> np.ndarray:
    """A femur with a lesion, the lesion with a hole in it, and no symmetry anywhere."""
    values = np.zeros((20, 18, 14), dtype=np.uint8)
    values[4:15, 3:14, 3:11] = 1
    values[2:4, 5, 6:12] = 1
    values[6:10, 6:10, 5:8] = 2
    values[8, 8, 6] = 1
    return values


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    return files.every_format(tmp_path_factory.mktemp("formats"), blocks(), files.oblique())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_grid_and_voxels(written: dict[str, tuple[str, str]], name: str) -> None:
    corners = np.array(np.meshgrid([0, 20], [0, 18], [0, 14])).reshape(3, -1).T
    for reference, label in zip(written[name], (1, 2), strict=True):
        mask = read_mask(reference)
        assert mask.grid.shape == (20, 18, 14)
        gap = transform(mask.grid.world_from_index, corners) - transform(files.oblique(), corners)
        assert np.max(np.abs(gap)) < EXACT_MM
        assert np.array_equal(mask.voxels, blocks() == label)


def test_no_format_is_left_out(written: dict[str, tuple[str, str]]) -> None:
    assert set(written) == set(FORMATS)


@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
def test_other_implementations_put_every_voxel_where_these_readers_do(
    tmp_path: Path, flip: tuple[int, int, int], order: tuple[int, int, int]
) -> None:
    affine = files.oblique()[:, (*order, 3)] @ np.diag([*flip, 1.0])
    values = blocks()
    for name, path in (
        ("mha", files.metaimage(tmp_path / "a.mha", values, affine)),
        ("nrrd", files.metaimage(tmp_path / "a.nrrd", values, affine)),
        ("nii", files.metaimage(tmp_path / "a.nii.gz", values, affine)),
    ):
        mask = read_mask(f"{path}:2")
        other = sitk.ReadImage(str(path))
        for index in np.argwhere(mask.voxels)[::7]:
            point = transform(mask.grid.world_from_index, index)
            lps = other.TransformIndexToPhysicalPoint([int(i) for i in index])
            assert np.max(np.abs(point - np.array(lps) * [-1, -1, 1])) < EXACT_MM, name
            assert other[[int(i) for i in index]] == 2


def test_spaces_other_than_lps_are_the_same_place(tmp_path: Path) -> None:
    affine = files.oblique()
    for space, signs in (("right-anterior-superior", (1, 1, 1)), ("LAS", (-1, 1, 1))):
        turn = np.diag([*signs, 1.0]) @ affine
        header = {"space": space, "space directions": turn[:3, :3].T, "space origin": turn[:3, 3]}
        nrrd.write(str(tmp_path / "a.nrrd"), blocks(), header)
        assert np.allclose(read_mask(f"{tmp_path / 'a.nrrd'}:2").grid.world_from_index, affine, atol=1e-9)


def test_overlapping_segments_are_masks_of_their_own(tmp_path: Path) -> None:
    bone, dead = blocks() > 0, blocks() == 2
    path = files.layered_seg_nrrd(tmp_path / "o.seg.nrrd", [bone, dead], ["Bone", "Dead"], files.oblique())
    assert np.array_equal(read_mask(f"{path}:bone").voxels, bone)
    assert np.array_equal(read_mask(f"{path}:DEAD").voxels, dead)
    with pytest.raises(InputError, match="label 1 is that of 2 segments"):
        read_mask(f"{path}:1")


@pytest.mark.parametrize(
    "label", ["femur_right", "Femur Right", "71341001", "SCT:71341001", "Femur", "right femur", "Segment_1", "1"]
)
def test_a_segment_is_named_by_number_name_or_code(tmp_path: Path, label: str) -> None:
    path = files.seg_nrrd(tmp_path / "s.seg.nrrd", blocks(), files.oblique())
    assert np.array_equal(read_mask(f"{path}:{label}").voxels, blocks() == 1)


@pytest.mark.parametrize("label", ["Femur Left", "2812003", "femu", "3"])
def test_a_segment_that_is_not_there_is_not_guessed(tmp_path: Path, label: str) -> None:
    path = files.seg_nrrd(tmp_path / "s.seg.nrrd", blocks(), files.oblique())
    with pytest.raises(InputError, match=r"not in the file \(labels 1 femur_right, 2 lesion\)"):
        read_mask(f"{path}:{label}")


def test_nnunet_names_regions_and_the_older_way_round(tmp_path: Path) -> None:
    path = files.nnunet(tmp_path / "n", blocks(), files.oblique())
    assert np.array_equal(read_mask(f"{path}:whole").voxels, blocks() > 0)
    (tmp_path / "n" / "dataset.json").write_text('{"labels": {"0": "background", "1": "bone", "2": "dead"}}')
    assert np.array_equal(read_mask(f"{path}:dead").voxels, blocks() == 2)


def test_a_label_may_hold_colons_and_so_may_a_file(tmp_path: Path) -> None:
    path = files.seg_nrrd(tmp_path / "a:b.seg.nrrd", blocks(), files.oblique())
    assert MaskReference.parse(str(path)) == MaskReference(path)
    assert MaskReference.parse(f"{path}:SCT:71341001") == MaskReference(path, "SCT:71341001")
    assert MaskReference.parse(f"{path}:2") == MaskReference(path, 2)


def test_the_name_of_a_file_does_not_decide_what_it_is(tmp_path: Path) -> None:
    mha = files.metaimage(tmp_path / "a.mha", blocks(), files.oblique())
    liar = mha.rename(tmp_path / "really.nii.gz")
    assert kind_of(liar) == "metaimage"
    assert np.array_equal(read_mask(f"{liar}:2").voxels, blocks() == 2)


def test_images_agree_between_formats(tmp_path: Path) -> None:
    values = np.linspace(-1000, 3000, 20 * 18 * 14).reshape(20, 18, 14).astype(np.int16)
    affine = files.oblique()
    files.dicom_series(tmp_path / "ct", values, affine)
    for path in (
        files.nifti(tmp_path / "i.nii.gz", values, affine),
        files.plain_nrrd(tmp_path / "i.nrrd", values, affine, "bzip2"),
        files.plain_nrrd(tmp_path / "big.nrrd", values.astype(">i2"), affine, "raw", endian="big"),
        files.metaimage(tmp_path / "i.mha", values, affine),
        tmp_path / "ct",
    ):
        image = read_image(path)
        assert np.array_equal(image.values, values.astype(np.float32)), path
        assert np.max(np.abs(image.grid.world_from_index - affine)) < 1e-6


def test_segments_of_one_file_that_exclude_each_other_are_a_label_map(tmp_path: Path) -> None:
    values, grid = read_volume(SAMPLE)
    apart = files.layered_seg_nrrd(
        tmp_path / "apart.seg.nrrd", [values == 1, values == 2], ["femur", "lesion"], grid.world_from_index
    )
    over = files.layered_seg_nrrd(
        tmp_path / "over.seg.nrrd", [values != 0, values == 2], ["femur", "lesion"], grid.world_from_index
    )
    first = load_case(f"{SAMPLE}:1", f"{SAMPLE}:2")
    exclusive = load_case(f"{apart}:femur", f"{apart}:lesion")
    overlapping = load_case(f"{over}:femur", f"{over}:lesion")
    assert (first.label_map, exclusive.label_map, overlapping.label_map) == (True, True, False)
    for case in (exclusive, overlapping):
        assert np.array_equal(case.femur.voxels, first.femur.voxels)
        assert np.array_equal(case.lesion.voxels, first.lesion.voxels)
    assert exclusive.id == first.id


def damaged(tmp_path: Path, kind: str) -> Path:
    """Files that must be refused, each wrong in one way."""
    good = files.plain_nrrd(tmp_path / "good.nrrd", blocks(), files.oblique(), "gzip").read_bytes()
    head, _, body = good.partition(b"\n\n")
    lines = {
        "truncated": (head, body[:-9]),
        "bit": (head, body[:60] + bytes([body[60] ^ 4]) + body[61:]),
        "more": (head, gzip.compress(gzip.decompress(body) + bytes(3 << 20))),
        "less": (head, gzip.compress(gzip.decompress(body)[:-5])),
        "claims": (head.replace(b"sizes: 20 18 14", b"sizes: 20 9999 14"), body),
        "huge": (head.replace(b"sizes: 20 18 14", b"sizes: 20000 20000 20000"), body),
        "nan": (head.replace(b"space origin: (", b"space origin: (nan,1,2)#"), body),
        "unit": (head + b'\nspace units: "cm" "cm" "cm"', body),
        "twice": (head + b"\nsizes: 20 18 14", body),
        "nowhere": (head.replace(b"space: left-posterior-superior", b"#"), body),
        "zero": (head.replace(b"sizes: 20 18 14", b"sizes: 0 18 14"), body),
        "elsewhere": (head + b"\ndata file: ../../secret.raw", b""),
        "list": (head + b"\ndata file: LIST", b"a.raw\n"),
        "absent": (head + b"\ndata file: absent.raw", b""),
        "text": (head.replace(b"encoding: gzip", b"encoding: text"), b"1 2 3"),
        "block": (head.replace(b"type: uint8", b"type: block"), body),
    }
    path = tmp_path / f"{kind}.nrrd"
    path.write_bytes(lines[kind][0] + b"\n\n" + lines[kind][1])
    return path


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("truncated", "not readable"), ("bit", "not readable"), ("more", "more than its header says"),
        ("less", "early"), ("claims", "cannot hold"), ("huge", "at most"), ("nan", "finite|vector"), ("unit", "'cm'"),
        ("twice", "twice"), ("nowhere", "space is 'not stated'"), ("zero", "one voxel or more|shape"),
        ("elsewhere", "same folder"), ("list", "same folder"), ("absent", "no such file"), ("text", "encoding"),
        ("block", "type is"),
    ],
)  # fmt: skip
def test_a_damaged_nrrd_is_refused_in_one_line(tmp_path: Path, kind: str, word: str) -> None:
    path = damaged(tmp_path, kind)
    with pytest.raises(InputError, match=word) as caught:
        read_mask(f"{path}:1")
    assert f"{kind}.nrrd" in str(caught.value) or kind == "absent"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (b"NDims = 3", b"NDims = 4", "NDims"),
        (b"DimSize = 20 18 14", b"DimSize = 20 18 9999999", "DimSize"),
        (b"DimSize = 20 18 14", b"DimSize = 20 9999 14", "cannot hold"),
        (b"DimSize = 20 18 14", b"DimSize = 20 18 1.5", "DimSize"),
        (b"MET_UCHAR", b"MET_STRING", "ElementType"),
        (b"ElementSpacing = 0.8", b"ElementSpacing = 0.00000000", "ElementSpacing|voxel size"),
        (b"ElementSpacing = 0.8", b"ElementSpacing = nan", "ElementSpacing"),
        (b"TransformMatrix = -0", b"TransformMatrix = -3", "length 1"),
        (b"ElementDataFile = LOCAL", b"ElementDataFile = /etc/hostname", "same folder"),
        (b"ElementDataFile = LOCAL", b"ElementDataFil = LOCAL", "ElementDataFile"),
        (b"CompressedData = True", b"CompressedData = False", "cannot hold"),
    ],
)
def test_a_damaged_metaimage_is_refused_in_one_line(tmp_path: Path, before: bytes, after: bytes, word: str) -> None:
    path = files.metaimage(tmp_path / "a.mha", blocks(), files.oblique())
    data = path.read_bytes()
    assert before in data
    path.write_bytes(data.replace(before, after))
    with pytest.raises(InputError, match=word) as caught:
        read_mask(f"{path}:1")
    assert "a.mha" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_turned_bit_in_a_packed_volume_is_seen(tmp_path: Path) -> None:
    """Half a packed stream's bits change no length and raise nothing: only its checksum tells."""
    raw = gzip.decompress(files.nifti(tmp_path / "a.nii.gz", blocks(), files.oblique()).read_bytes())
    stored = zlib.compressobj(level=0, wbits=31)
    data = bytearray(stored.compress(raw) + stored.flush())
    data[900] ^= 1
    path = tmp_path / "turned.nii.gz"
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="CRC"):
        read_mask(f"{path}:1")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "line\nbreak.nii").write_text("no volume")
    (tmp_path / "page.nii.gz").write_text("<html>not found</html>")
    for name, word in (
        ("pipe", "a pipe or a device"), ("loop", "cannot be read|no such file"), ("dangling", "no such file"),
        ("empty", "an empty file"), ("line\nbreak.nii", "a text file"), ("page.nii.gz", "XML or HTML"),
        ("x" * 5000, "cannot be read|no such file"), ("a\0b", "cannot be read|no such file"),
    ):  # fmt: skip
        for read in (lambda path: read_mask(str(path)), read_image):
            with pytest.raises(InputError, match=word) as caught:
                read(tmp_path / name)
            assert "\n" not in str(caught.value)


def test_a_segmentation_cut_to_its_segments_has_its_room_back(tmp_path: Path) -> None:
    """Slicer's cut is not the scan's end: the bone's open faces are those of the whole volume."""
    values, grid = read_volume(SAMPLE)
    at = np.argwhere(values != 0)
    start, stop = at.min(axis=0), at.max(axis=0) + 1
    # The scan ends where the shaft does, and far from the head.
    room = np.array([[12, 12], [12, 12], [0, 12]])
    whole = np.pad(values[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))], room)
    affine = grid.cropped(start - room[:, 0], stop + room[:, 1]).world_from_index
    cut = grid.cropped(start, stop).world_from_index
    words = ";".join(f"{v:.17g}" for v in affine.ravel()) + ";" + ";".join(f"0;{n - 1}" for n in whole.shape)
    path = files.seg_nrrd(
        tmp_path / "cut.seg.nrrd",
        values[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))].astype(np.uint8),
        cut,
        Segmentation_ConversionParameters=f"Smoothing|1|x.&Reference image geometry|{words};|Geometry.&",
    )
    bare = files.seg_nrrd(tmp_path / "bare.seg.nrrd", whole[12:-12, 12:-12, :-12].astype(np.uint8), cut)
    expected = load_case(*(f"{files.nifti(tmp_path / 'w.nii.gz', whole.astype(np.uint8), affine)}:{n}" for n in (1, 2)))
    found = load_case(f"{path}:1", f"{path}:2")
    assert np.array_equal(found.open_faces, expected.open_faces)
    assert found.open_faces.sum() == 1
    assert np.array_equal(found.femur.voxels, expected.femur.voxels)
    assert np.max(np.abs(found.femur.grid.world_from_index - expected.femur.grid.world_from_index)) < EXACT_MM
    assert load_case(f"{bare}:1", f"{bare}:2").open_faces.sum() > 1


@pytest.mark.parametrize(
    "words",
    ["", "1;2;3", "nan;" * 22, "9;" * 22, "1e999;" * 22, "1;0;0;0;0;1;0;0;0;0;1;0;0;0;0;1;0;5;0;5;0;5"],
)
def test_words_of_slicers_that_make_no_sense_change_nothing(tmp_path: Path, words: str) -> None:
    path = files.seg_nrrd(
        tmp_path / "s.seg.nrrd", blocks(), files.oblique(),
        Segmentation_ConversionParameters=f"Reference image geometry|{words}|x",
    )  # fmt: skip
    assert read_mask(f"{path}:1").grid.shape == blocks().shape


@pytest.mark.slow
def test_two_formats_give_the_same_plan(tmp_path: Path) -> None:
    """Contract §5: file formats, the same plan to 0.01 mm."""
    import json

    values, grid = read_volume(SAMPLE)
    written = files.every_format(tmp_path / "f", values.astype(np.uint8), grid.world_from_index)
    tunnels = []
    for name in ("nifti", "rtstruct"):
        femur, lesion = written[name]
        out = tmp_path / name
        assert main(["plan", "--femur", femur, "--lesion", lesion, "--out", str(out), "--no-pictures"]) == 0
        assert main(["verify", str(out / "plan.json")]) == 0
        tunnels.append(json.loads((out / "plan.json").read_text())["tunnels"][0])
    for other in tunnels[1:]:
        for key in ("entry", "tip"):
            assert np.max(np.abs(np.subtract(other[key], tunnels[0][key]))) < 0.01


@pytest.mark.slow
def test_the_same_hip_in_every_format_is_the_same_mask(tmp_path: Path) -> None:
    """The sample volume; world-exact to 1e-4 mm."""
    values, grid = read_volume(SAMPLE)
    written = files.every_format(tmp_path / "f", values.astype(np.uint8), grid.world_from_index)
    corners = np.array(np.meshgrid(*([0, n] for n in grid.shape))).reshape(3, -1).T
    for name, references in written.items():
        for reference, label in zip(references, (1, 2), strict=True):
            mask = read_mask(reference)
            gap = transform(mask.grid.world_from_index, corners) - transform(grid.world_from_index, corners)
            assert mask.grid.shape == grid.shape, name
            assert np.max(np.abs(gap)) < EXACT_MM, name
            assert np.array_equal(mask.voxels, values == label), name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["h08_h01_oblique", "h09_h01_aniso_3mm", "h10_h01_sagittal_order"])
def test_real_hips_are_the_same_case_in_other_formats(real_hips: Path, tmp_path: Path, name: str) -> None:
    """Oblique, thick and sagittal volumes; DICOM counts its slices the other way where an array is left-handed."""
    values, grid = read_volume(real_hips / f"{name}.nii.gz")
    labels, affine = values.astype(np.uint8), grid.world_from_index
    expected = load_case(*(f"{real_hips / name}.nii.gz:{n}" for n in (1, 2)))
    image = np.zeros(labels.shape, dtype=np.int16)
    mirrored = np.linalg.det(affine[:3, :3]) < 0
    turned = labels[:, :, ::-1] if mirrored else labels
    start = (
        grid.cropped([0, 0, labels.shape[2] - 1], labels.shape).world_from_index[:3, 3] if mirrored else affine[:3, 3]
    )
    stacked = np.column_stack([affine[:, :2], -affine[:, 2] if mirrored else affine[:, 2], [*start, 1.0]])
    series = files.dicom_series(tmp_path / "ct", image[:, :, : labels.shape[2]], stacked)
    for path in (
        files.seg_nrrd(tmp_path / "s.seg.nrrd", labels, affine),
        files.metaimage(tmp_path / "m.mha", labels, affine),
        files.dicom_seg(tmp_path / "ct" / "s.dcm", turned, series),
    ):
        found = load_case(f"{path}:1", f"{path}:2")
        assert found.id == expected.id
        for mask, other in ((found.femur, expected.femur), (found.lesion, expected.lesion)):
            gap = mask.grid.world_from_index - other.grid.world_from_index
            assert np.max(np.abs(gap)) < EXACT_MM
            assert np.array_equal(mask.voxels, other.voxels)
