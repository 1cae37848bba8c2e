"""Headers as other programs fill them: what they add between the fields that matter changes nothing."""

from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  (its own custom)
from support import format_files as files

from corecore.base.errors import InputError
from corecore.base.grid import transform
from corecore.io.references import read_mask

AFFINE = files.oblique()
#: What scanners, archives and editors leave behind: DICOM's elements, notes of several lines, other alphabets.
STRANGE = {
    "0008|0005": "ISO_IR 192", "0010|0020": "", "dim[0]": "3", "pixdim[1]": "0.8", "ITK_FileNotes": "a = b: c",
    "MITK.uid": "1.2.3", "org.mitk.multilabel.segmentation.labelgroups": '[{"labels":[{"name":"femur"}]}]',
    "DICOM:PatientPosition": "HFS", "modality": "CT\x0b\x85 and\u2028more", "Название": "маска", "sform_code_name": "x",
}  # fmt: skip


def labels() -> np.ndarray:
    values = np.zeros((12, 10, 9), dtype=np.uint8)
    values[2:9, 2:8, 3:7] = 1
    values[4:7, 4:6, 4:6] = 2
    return values


def check(path: Path) -> None:
    for label in (1, 2):
        mask = read_mask(f"{path}:{label}")
        assert np.array_equal(mask.voxels, labels() == label)
        corners = np.array([[0, 0, 0], [11, 9, 8]])
        gap = transform(mask.grid.world_from_index, corners) - transform(AFFINE, corners)
        assert np.max(np.abs(gap)) < 1e-4


@pytest.mark.parametrize("ending", ["mha", "mhd", "nrrd", "nhdr"])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_nifti_file_converted_by_itk_is_read(tmp_path: Path, ending: str, compressed: bool) -> None:
    image = sitk.ReadImage(str(files.nifti(tmp_path / "m.nii.gz", labels(), AFFINE)))
    assert len(image.GetMetaDataKeys()) > 30
    path = tmp_path / f"m.{ending}"
    sitk.WriteImage(image, str(path), useCompression=compressed)
    check(path)


@pytest.mark.parametrize("ending", ["mha", "mhd", "nrrd", "nhdr"])
def test_an_image_full_of_notes_is_read(tmp_path: Path, ending: str) -> None:
    image = sitk.ReadImage(str(files.nifti(tmp_path / "m.nii.gz", labels(), AFFINE)))
    for number in range(600):
        image.SetMetaData(f"{number:04x}|0010", "x" * 200)
    for key, value in STRANGE.items():
        image.SetMetaData(key, value)
    image.SetMetaData("Comment", "a long comment; " * 4000)
    path = tmp_path / f"m.{ending}"
    sitk.WriteImage(image, str(path))
    head = path.read_bytes()
    assert head.find(b"ElementDataFile" if ending[:2] == "mh" else b"\n\n") > 150_000 or ending == "nhdr"
    check(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_metaimage_with_lines_of_any_kind_is_read(tmp_path: Path, end: str) -> None:
    path = tmp_path / "m.mha"
    sitk.WriteImage(sitk.ReadImage(str(files.nifti(tmp_path / "m.nii.gz", labels(), AFFINE))), str(path))
    head, mark, body = path.read_bytes().partition(b"ElementDataFile = LOCAL\n")
    fields = [line for line in head.decode().splitlines() if line.partition(" ")[0] in WANTED]
    notes = [f"{key} = {value}" for key, value in STRANGE.items()]
    notes += ["Comment = first line", "and a second, without a mark", "", "dim[0] = 3", "dim[0] = 3", "= nothing"]
    lines = [line for pair in zip(fields, notes, strict=False) for line in pair]
    lines += [*fields[len(notes) :], *notes[len(fields) :], *(f"key {n} = {'y' * 300}" for n in range(800))]
    path.write_bytes((end.join(lines) + end).encode() + mark + body)
    check(path)
    # A field that matters still stands once.
    path.write_bytes((end.join([*lines, "Offset = 0 0 0"]) + end).encode() + mark + body)
    with pytest.raises(InputError, match="Offset twice"):
        read_mask(f"{path}:1")


WANTED = {
    "ObjectType", "NDims", "BinaryData", "BinaryDataByteOrderMSB", "CompressedData", "CompressedDataSize",
    "TransformMatrix", "Offset", "CenterOfRotation", "AnatomicalOrientation", "ElementSpacing", "DimSize",
    "ElementType",
}  # fmt: skip


def test_a_metaimage_without_its_last_field_is_not_read_into_its_voxels(tmp_path: Path) -> None:
    path = tmp_path / "m.mha"
    sitk.WriteImage(sitk.ReadImage(str(files.nifti(tmp_path / "m.nii.gz", labels(), AFFINE))), str(path))
    path.write_bytes(path.read_bytes().replace(b"ElementDataFile", b"ElementDataPile", 1))
    with pytest.raises(InputError, match="does not end in ElementDataFile"):
        read_mask(f"{path}:1")


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_segmentation_with_pairs_of_any_kind_is_read(tmp_path: Path, end: bytes) -> None:
    header = {
        "space": "left-posterior-superior", "space directions": (files.LPS @ AFFINE)[:3, :3].T,
        "space origin": (files.LPS @ AFFINE)[:3, 3], "Segment0_ID": "Segment_1", "Segment0_Name": "femur",
        "Segment0_LabelValue": "1", "Segment0_Layer": "0", "Segment1_ID": "Segment_2", "Segment1_Name": "lesion",
        "Segment1_LabelValue": "2", "Segment1_Layer": "0", "Segmentation_ConversionParameters": "a|b" * 50_000,
        **{f"Segment0_Tags{n}": "Segmentation.Status:inprogress|" * 20 for n in range(300)},
    }  # fmt: skip
    path = tmp_path / "m.seg.nrrd"
    nrrd.write(str(path), labels(), header, custom_field_map={})
    head, _, body = path.read_bytes().partition(b"\n\n")
    more = [f"{key}:={value}" for key, value in STRANGE.items()]
    # Fields of other programs may stand more than once, and comments anywhere.
    more += ["# a comment: with a colon", "source: x", "source: y", "DICOM:x:=1", "DICOM:y:=2", "no mark at all"]
    text = end.join([*head.split(b"\n"), *(line.encode() for line in more)])
    path.write_bytes(text + end + end + body)
    check(path)
    path.write_bytes(end.join([text, b"encoding: raw"]) + end + end + body)
    with pytest.raises(InputError, match="'encoding' twice"):
        read_mask(f"{path}:1")


def test_a_header_longer_than_any_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.mha"
    path.write_bytes(b"ObjectType = Image\n" + b"key = value\n" * 500_000 + b"ElementDataFile = LOCAL\n")
    with pytest.raises(InputError, match="does not end in ElementDataFile"):
        read_mask(f"{path}:1")
