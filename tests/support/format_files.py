"""One label map written in every format that is read, by other implementations than the project's readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel as nib
import nrrd
import numpy as np
import SimpleITK as sitk  # noqa: N813  (its own custom)
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from corecore.base.grid import BoolArray, FloatArray, transform

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
#: The names that the formats which know names are given.
NAMES = {1: "femur_right", 2: "lesion"}
FEMUR_TERMS = (
    "TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^123037004^Anatomical Structure~SCT^71341001^Femur~SCT^24028007^Right"
    "~Anatomic codes - DICOM master list~^^~^^|Segmentation.Status:inprogress"
)


def oblique(
    spacing: tuple[float, float, float] = (0.8, 0.9, 1.5), origin: tuple[float, ...] = (31.5, -47.25, 12.0)
) -> FloatArray:
    """A right-handed affine turned about all three axes."""
    a, b, c = np.radians([11.0, -7.0, 23.0])
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = z @ y @ x * np.array(spacing)
    matrix[:3, 3] = origin
    return matrix


def nifti(path: Path, values: np.ndarray[Any, Any], affine: FloatArray) -> Path:
    image = nib.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


def totalsegmentator_map(path: Path, values: np.ndarray[Any, Any], affine: FloatArray) -> Path:
    """A label map with names in a header extension, worded as TotalSegmentator words it."""
    body = "".join(
        f'<Label Key="{key}" Red="1.0" Green="0.0" Blue="0.0" Alpha="1"><![CDATA[{name}]]></Label>\n'
        for key, name in NAMES.items()
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?> <CaretExtension>  <Date><![CDATA[2013-07-14T05:45:09]]></Date>'
        f'   <VolumeInformation Index="0">   <LabelTable>\n{body}  </LabelTable>  <StudyMetaDataLinkSet>'
        "  </StudyMetaDataLinkSet>  <VolumeType><![CDATA[Label]]></VolumeType>   </VolumeInformation></CaretExtension>"
    )
    image = nib.Nifti1Image(values, affine)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(0, text.encode()))
    nib.save(image, path)
    return path


def totalsegmentator_folder(folder: Path, values: np.ndarray[Any, Any], affine: FloatArray) -> Path:
    folder.mkdir(exist_ok=True)
    for number, name in NAMES.items():
        nifti(folder / f"{name}.nii.gz", (values == number).astype(np.uint8), affine)
    return folder


def nnunet(folder: Path, values: np.ndarray[Any, Any], affine: FloatArray) -> Path:
    folder.mkdir(exist_ok=True)
    labels = {"background": 0, **{name: number for number, name in NAMES.items()}, "whole": [1, 2]}
    (folder / "dataset.json").write_text(json.dumps({"labels": labels, "file_ending": ".nii.gz"}))
    return nifti(folder / "case_000.nii.gz", values, affine)


def nrrd_fields(affine: FloatArray, *, layers: bool = False) -> dict[str, Any]:
    """Header fields in LPS, as Slicer writes them."""
    lps = LPS @ affine
    directions = lps[:3, :3].T
    return {
        "space": "left-posterior-superior",
        "space directions": np.vstack([[np.nan] * 3, directions]) if layers else directions,
        "space origin": lps[:3, 3],
        "kinds": ["list", "domain", "domain", "domain"] if layers else ["domain"] * 3,
    }


def plain_nrrd(
    path: Path, values: np.ndarray[Any, Any], affine: FloatArray, encoding: str = "gzip", **more: Any
) -> Path:
    nrrd.write(str(path), values, {**nrrd_fields(affine), "encoding": encoding, **more})
    return path


def seg_nrrd(path: Path, values: np.ndarray[Any, Any], affine: FloatArray, **more: str) -> Path:
    header = nrrd_fields(affine) | more
    for segment, (number, name) in enumerate(NAMES.items()):
        header |= {
            f"Segment{segment}_ID": f"Segment_{number}", f"Segment{segment}_Name": name,
            f"Segment{segment}_LabelValue": str(number), f"Segment{segment}_Layer": "0",
            f"Segment{segment}_Tags": FEMUR_TERMS if number == 1 else "Segmentation.Status:inprogress",
        }  # fmt: skip
    nrrd.write(str(path), values, header)
    return path


def layered_seg_nrrd(path: Path, masks: list[BoolArray], names: list[str], affine: FloatArray) -> Path:
    """Segments that may overlap: each in a layer of its own, all with label value 1."""
    header = nrrd_fields(affine, layers=True)
    for layer, name in enumerate(names):
        header |= {
            f"Segment{layer}_ID": f"S{layer}", f"Segment{layer}_Name": name,
            f"Segment{layer}_LabelValue": "1", f"Segment{layer}_Layer": str(layer),
        }  # fmt: skip
    nrrd.write(str(path), np.stack(masks).astype(np.uint8), header)
    return path


def sitk_image(values: np.ndarray[Any, Any], affine: FloatArray) -> Any:
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    return image


def metaimage(path: Path, values: np.ndarray[Any, Any], affine: FloatArray, *, compressed: bool = True) -> Path:
    sitk.WriteImage(sitk_image(values, affine), str(path), useCompression=compressed)
    return path


def dicom_series(
    folder: Path, values: np.ndarray[Any, Any], affine: FloatArray, *, modality: str = "CT"
) -> list[Dataset]:
    """A series of single slices; stored values are the given ones plus 1024, with RescaleIntercept -1024."""
    folder.mkdir(exist_ok=True)
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    written = []
    for k in range(values.shape[2]):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, dataset.file_meta.MediaStorageSOPInstanceUID
        dataset.Modality, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = modality, series, study
        dataset.FrameOfReferenceUID, dataset.SeriesNumber, dataset.InstanceNumber = frame, 3, k + 1
        dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate, dataset.PatientSex = "P1", "A^B", "", ""
        dataset.StudyID, dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber = "1", "20260102", "101010", ""
        dataset.ReferringPhysicianName, dataset.Manufacturer, dataset.PositionReferenceIndicator = "", "", ""
        dataset.Columns, dataset.Rows = values.shape[0], values.shape[1]
        dataset.ImagePositionPatient = [f"{v:.10g}" for v in transform(lps, [0, 0, k])]
        turn = (lps[:3, :2] / spacing[:2]).T.ravel()
        dataset.ImageOrientationPatient = [f"{v:.12f}"[:16] for v in turn]
        dataset.PixelSpacing = [f"{spacing[1]:.10g}", f"{spacing[0]:.10g}"]
        dataset.SliceThickness = f"{spacing[2]:.10g}"
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 0
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "-1024"
        dataset.PixelData = np.ascontiguousarray(values[:, :, k].T + 1024).astype("<u2").tobytes()
        # Names that do not follow the order in space.
        dataset.save_as(folder / f"IM{(k * 7919) % 10007:05d}", enforce_file_format=True)
        written.append(dataset)
    return written


def dicom_seg(path: Path, values: np.ndarray[Any, Any], series: list[Dataset], **more: Any) -> Path:
    """A segmentation of all labels on a series, by highdicom."""
    descriptions = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.Femur if number == 1 else codes.SCT.Necrosis,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in NAMES.items()
    ]
    kind = more.pop("segmentation_type", hd.seg.SegmentationTypeValues.BINARY)
    seg = hd.seg.Segmentation(
        source_images=series, pixel_array=np.ascontiguousarray(values.T).astype(np.uint8), segmentation_type=kind,
        segment_descriptions=descriptions, series_instance_uid=generate_uid(), series_number=9,
        sop_instance_uid=generate_uid(), instance_number=1, manufacturer="x", manufacturer_model_name="y",
        software_versions="1", device_serial_number="1", **more,
    )  # fmt: skip
    seg.save_as(path)
    return path


def loops(mask: BoolArray) -> list[FloatArray]:
    """The outlines of a mask's pixels along their edges, each (N, 2), holes included."""
    padded = np.pad(mask, 1)
    after: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, j in np.argwhere(padded):
        # Each border edge, with the pixel on its left.
        corners = ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
        for side, (di, dj) in enumerate(((0, -1), (1, 0), (0, 1), (-1, 0))):
            start, end = corners[side], corners[(side + 1) % 4]
            if not padded[i + di, j + dj]:
                after.setdefault(start, []).append(end)
    found = []
    while after:
        first = at = next(iter(after))
        line = []
        while True:
            line.append(at)
            ends = after[at]
            at = ends.pop()
            if not ends:
                del after[line[-1]]
            if at == first:
                break
        found.append(np.array(line, dtype=np.float64) - 1.5)
    return found


def rtstruct(path: Path, masks: Mapping[str, BoolArray], affine: FloatArray, series: list[Dataset]) -> Path:
    """Outlines along the pixels' edges, slice by slice."""
    drawn = {}
    for name, mask in masks.items():
        drawn[name] = [
            transform(LPS @ affine, np.column_stack([line, np.full(len(line), k)]))
            for k in range(mask.shape[2])
            for line in loops(mask[:, :, k])
        ]
    return rtstruct_of(path, drawn, series)


def rtstruct_of(
    path: Path, drawn: Mapping[str, list[FloatArray]], series: list[Dataset], kind: str = "CLOSED_PLANAR"
) -> Path:
    """Contours given in LPS mm."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SOPClassUID, dataset.SOPInstanceUID = RTStructureSetStorage, dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.StructureSetLabel = "RTSTRUCT", "x"
    one, study, frame = Dataset(), Dataset(), Dataset()
    one.SeriesInstanceUID = series[0].SeriesInstanceUID
    study.RTReferencedSeriesSequence = [one]
    frame.RTReferencedStudySequence, frame.FrameOfReferenceUID = [study], series[0].FrameOfReferenceUID
    dataset.ReferencedFrameOfReferenceSequence = [frame]
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, lines) in enumerate(drawn.items(), start=1):
        region, contours = Dataset(), Dataset()
        region.ROINumber, region.ROIName = number, name
        region.ReferencedFrameOfReferenceUID, region.ROIGenerationAlgorithm = series[0].FrameOfReferenceUID, "MANUAL"
        contours.ReferencedROINumber, contours.ContourSequence = number, []
        for line in lines:
            item = Dataset()
            item.ContourGeometricType, item.NumberOfContourPoints = kind, len(line)
            item.ContourData = [f"{v:.6f}" for v in line.ravel()]
            contours.ContourSequence.append(item)
        dataset.StructureSetROISequence.append(region)
        dataset.ROIContourSequence.append(contours)
    dataset.save_as(path, enforce_file_format=True)
    return path


def every_format(folder: Path, values: np.ndarray[Any, Any], affine: FloatArray) -> dict[str, tuple[str, str]]:
    """References to femur and lesion (labels 1 and 2) by format."""
    folder.mkdir(exist_ok=True)
    image = np.where(values == 1, 700, np.where(values == 2, 200, -50)).astype(np.int16)
    series = dicom_series(folder / "ct", image, affine)
    masks = {name: values == number for number, name in NAMES.items()}

    def by(path: Path, first: str | int = "femur_right", second: str | int = "lesion") -> tuple[str, str]:
        return f"{path}:{first}", f"{path}:{second}"

    table: dict[str, Callable[[], tuple[str, str]]] = {
        "nifti": lambda: by(nifti(folder / "seg.nii.gz", values, affine), 1, 2),
        "nifti_uncompressed": lambda: by(nifti(folder / "seg.nii", values.astype(">i2"), affine), 1, 2),
        "totalsegmentator_map": lambda: by(totalsegmentator_map(folder / "multi.nii.gz", values, affine)),
        "totalsegmentator_folder": lambda: by(totalsegmentator_folder(folder / "ts", values, affine)),
        "nnunet": lambda: by(nnunet(folder / "nnunet", values, affine)),
        "nrrd": lambda: by(plain_nrrd(folder / "seg.nrrd", values, affine), 1, 2),
        "nhdr": lambda: by(plain_nrrd(folder / "seg.nhdr", values, affine, "raw"), 1, 2),
        "seg_nrrd": lambda: by(seg_nrrd(folder / "s.seg.nrrd", values, affine), 71341001, "Lesion"),
        "layered": lambda: by(
            layered_seg_nrrd(folder / "l.seg.nrrd", list(masks.values()), list(masks), affine)
        ),
        "mha": lambda: by(metaimage(folder / "seg.mha", values, affine), 1, 2),
        "mhd": lambda: by(metaimage(folder / "seg.mhd", values, affine, compressed=False), 1, 2),
        "dicom_seg": lambda: by(dicom_seg(folder / "ct" / "seg.dcm", values, series)),
        "dicom_labelmap": lambda: by(
            dicom_seg(folder / "map.dcm", values, series, segmentation_type=hd.seg.SegmentationTypeValues.LABELMAP,
                      omit_empty_frames=False), 1, 2
        ),
        "rtstruct": lambda: by(rtstruct(folder / "ct" / "rt.dcm", masks, affine, series)),
    }  # fmt: skip
    return {name: write() for name, write in table.items()}
