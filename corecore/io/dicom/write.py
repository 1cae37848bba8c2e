"""DICOM objects that belong to a series of images: a segmentation (SEG), an encapsulated STL file and PDF.

Patient coordinates of DICOM are LPS mm. What a new object says of patient and study it takes from
the series, or, where no identity may leave, from nobody: then every UID is new as well.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError, MissingExtraError
from corecore.base.grid import BoolArray, Grid
from corecore.base.version import __version__
from corecore.io.dicom.files import SINGLE_FRAME, read_dataset
from corecore.io.dicom.series import find_series, ordered_series
from corecore.io.dicom.stacks import choose, survey
from corecore.io.files import atomic_write_bytes
from corecore.io.references import image_place

ENCAPSULATED_PDF, ENCAPSULATED_STL = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.104.3"
#: What the report is: no standard list of document titles has it.
REPORT_CODE = ("plan-report", "99CORECORE", "Core decompression plan report")
#: All that a segmentation needs to know of an image to lie on it; the rest tells of a person.
GEOMETRY = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
    "PositionReferenceIndicator", "Modality", "ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing",
    "SliceThickness", "SpacingBetweenSlices", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "InstanceNumber",
)  # fmt: skip
UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
#: What an object says of the patient; empty where the series says nothing.
PERSON = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
#: SNOMED CT codes (SCT) by (value, meaning).
HEAD_OF_FEMUR, FEMUR, NECROSIS = ("2812003", "Head of femur"), ("71341001", "Femur"), ("6574001", "Necrosis")
ABNORMAL = ("49755003", "Morphologically Abnormal Structure")
SPATIAL = ("309825002", "Spatial and Relational Concept")
SIDES = {"left": ("7771000", "Left"), "right": ("24028007", "Right")}


@dataclass(frozen=True, eq=False)
class Series:
    """A CT or MR series as a stack: its data sets without pixels, in the order of ``grid``'s first axis.

    ``grid`` runs over slices, rows, columns, in world RAS mm.
    """

    folder: Path
    images: tuple[Any, ...]
    grid: Grid


@dataclass(frozen=True, eq=False)
class Segment:
    """A part of a segmentation: voxels (slices, rows, columns), a name, and whether it is necrosis or a plan."""

    name: str
    voxels: BoolArray
    necrosis: bool


def libraries() -> tuple[Any, Any]:
    """pydicom and highdicom. Raises ``MissingExtraError`` where they are not installed."""
    try:
        import highdicom
        import pydicom
    except ImportError as error:
        raise MissingExtraError(
            "DICOM needs pydicom and highdicom: pip install 'corecore[dicom]'", code="extra-missing"
        ) from error
    return pydicom, highdicom


def read_series(folder: Path) -> Series:
    """The one CT or MR series of a folder, or the one chosen as ``FOLDER:NUMBER``, one file a slice.

    Raises ``InputError`` for a folder without one, with several, or whose slices are no even stack.
    """
    libraries()
    place, choice = image_place(folder)
    if not place.is_dir():
        raise InputError(f"{folder}: no folder; the folder of a CT or MR series is accepted", code="series-not-single")
    found = find_series(place) if choice is None else ordered_series(choose(survey(place), choice), place)
    images = tuple(read_dataset(path, pixels=False) for path in found.files)
    for path, image in zip(found.files, images, strict=True):
        if image.SOPClassUID not in SINGLE_FRAME:
            raise InputError(
                f"{path}: a multi-frame file; the folder of a series of single slices is accepted",
                code="series-not-single",
            )
        for name in UIDS:
            if image.get(name) in (None, ""):
                raise InputError(
                    f"{path}: has no {name}; slices that know their series are accepted", code="dicom-invalid"
                )
    # A segmentation counts slices first, then rows, then columns.
    return Series(folder, images, Grid(found.grid.shape[::-1], found.grid.world_from_index[:, [2, 1, 0, 3]]))


def anonymous(series: Series, case_id: str) -> Series:
    """The same stack with new UIDs and nothing that tells of a person but the case's id."""
    pydicom, _ = libraries()
    new: dict[str, str] = {}
    images = []
    for image in series.images:
        bare = pydicom.Dataset()
        for name in GEOMETRY:
            if name in image:
                setattr(bare, name, getattr(image, name))
        for name in UIDS:
            setattr(bare, name, new.setdefault(str(getattr(image, name)), pydicom.uid.generate_uid()))
        bare.PatientID = case_id
        images.append(bare)
    return Series(series.folder, tuple(images), series.grid)


def _ready(series: Series) -> list[Any]:
    """Copies of the images in which every name that an object copies is there, if empty."""
    pydicom, _ = libraries()
    images = []
    for image in series.images:
        copy = pydicom.Dataset()
        copy.update(image)
        for name in PERSON:
            if name not in copy:
                setattr(copy, name, "")
        # Ours are texts of any language.
        copy.SpecificCharacterSet = "ISO_IR 192"
        images.append(copy)
    return images


def write_segmentation(
    series: Series, segments: Sequence[Segment], side: str, path: Path, *, short: str, note: str
) -> None:
    """Writes segments on a series' grid as a binary DICOM SEG; the file appears whole or not at all.

    ``short`` (64 characters) describes the series, ``note`` (10,240) is its comment. Segments may overlap.
    """
    pydicom, highdicom = libraries()

    def code(pair: tuple[str, str], scheme: str = "SCT") -> Any:
        return highdicom.sr.CodedConcept(pair[0], scheme, pair[1])

    family = highdicom.sr.CodedConcept("123109", "DCM", "Manual Processing")
    planner = highdicom.AlgorithmIdentificationSequence("corecore", family, __version__)
    descriptions = []
    for number, segment in enumerate(segments, start=1):
        region = code(HEAD_OF_FEMUR if segment.necrosis else FEMUR)
        region.AnatomicRegionModifierSequence = [code(SIDES[side])]
        kind = code(NECROSIS) if segment.necrosis else code(("tunnel", "Planned drill tunnel"), "99CORECORE")
        descriptions.append(
            highdicom.seg.SegmentDescription(
                number,
                segment.name,
                code(ABNORMAL if segment.necrosis else SPATIAL),
                kind,
                "SEMIAUTOMATIC",
                planner,
                anatomic_regions=[region],
            )
        )
    stacked = np.stack([segment.voxels for segment in segments], axis=-1).astype(np.uint8)
    seg = highdicom.seg.Segmentation(
        _ready(series), stacked, "BINARY", descriptions,
        series_instance_uid=pydicom.uid.generate_uid(), series_number=900, sop_instance_uid=pydicom.uid.generate_uid(),
        instance_number=1, manufacturer="corecore", manufacturer_model_name="corecore", software_versions=__version__,
        device_serial_number="0", content_description=short[:64], content_label="PLAN",
        series_description=short[:64], omit_empty_frames=True,
    )  # fmt: skip
    seg.ImageComments = note[:10240]
    seg.SpecificCharacterSet = "ISO_IR 192"
    _save(seg, path)


def write_encapsulated_stl(series: Series, stl: bytes, path: Path, *, title: str, short: str, note: str) -> None:
    """Packs an STL file (LPS mm) into a DICOM object of the series' study and frame; whole or not at all.

    The object is an Encapsulated STL (DICOM PS3.3 A.85.1), unit mm by UCUM.
    """
    pydicom, _ = libraries()
    packed = _Packed(stl, ENCAPSULATED_STL, "model/stl", title, number=901, burned_in=True)
    made = _encapsulated(series, packed, short=short, note=note)
    image = series.images[0]
    made.FrameOfReferenceUID = image.FrameOfReferenceUID
    made.PositionReferenceIndicator = image.get("PositionReferenceIndicator", "")
    made.Modality = "M3D"
    made.ConceptNameCodeSequence = []
    unit = pydicom.Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "mm", "UCUM", "mm"
    made.MeasurementUnitsCodeSequence = [unit]
    made.ModelModification, made.ModelMirroring = "NO", "NO"
    _save(made, path)


def write_encapsulated_pdf(
    series: Series, pdf: bytes, path: Path, *, title: str, short: str, note: str, burned_in: bool
) -> None:
    """Packs a PDF into a DICOM object of the series' study (PS3.3 A.45.1); whole or not at all.

    ``burned_in``: whether its pages identify the patient.
    """
    pydicom, _ = libraries()
    packed = _Packed(pdf, ENCAPSULATED_PDF, "application/pdf", title, number=902, burned_in=burned_in)
    made = _encapsulated(series, packed, short=short, note=note)
    made.Modality, made.ConversionType = "DOC", "WSD"
    code = pydicom.Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = REPORT_CODE
    made.ConceptNameCodeSequence = [code]
    _save(made, path)


@dataclass(frozen=True)
class _Packed:
    """A file to be packed: its bytes, the class of the object and the type of the file, its title, its series' number.

    ``burned_in``: whether what it shows identifies the patient.
    """

    document: bytes
    kind: str
    mime: str
    title: str
    number: int
    burned_in: bool


def _encapsulated(series: Series, packed: _Packed, *, short: str, note: str) -> Any:
    """What every object that holds a file says of itself; patient and study are the series'."""
    pydicom, _ = libraries()
    image = _ready(series)[0]
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = packed.kind
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made = pydicom.dataset.FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    for name in (*PERSON, "StudyInstanceUID"):
        setattr(made, name, getattr(image, name))
    made.SeriesNumber, made.InstanceNumber = packed.number, 1
    made.SeriesInstanceUID = pydicom.uid.generate_uid()
    made.SeriesDescription = short[:64]
    made.Manufacturer = made.ManufacturerModelName = "corecore"
    made.SoftwareVersions, made.DeviceSerialNumber = __version__, "0"
    now = datetime.datetime.now()
    made.ContentDate, made.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    made.AcquisitionDateTime = ""
    made.BurnedInAnnotation, made.RecognizableVisualFeatures = "YES" if packed.burned_in else "NO", "NO"
    made.DocumentTitle, made.ImageComments = packed.title, note[:10240]
    made.MIMETypeOfEncapsulatedDocument = packed.mime
    made.EncapsulatedDocumentLength = len(packed.document)
    made.EncapsulatedDocument = packed.document + b"\0" * (len(packed.document) % 2)
    return made


def _save(dataset: Any, path: Path) -> None:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    atomic_write_bytes(path, stream.getvalue())
