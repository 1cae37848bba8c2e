"""A CT series about the hip of the exports, whose slices are oblique to world and masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support import export_phantom as phantom

pydicom = pytest.importorskip("pydicom")

#: Spacing of slices, rows, columns of the test's series, mm.
SPACING = (1.7, 0.9, 1.1)
NAME = "Doe^Jane"


def make_series(folder: Path, hip: Any, *, skip: int | None = None, away_mm: float = 0.0) -> Path:
    """A CT series about the head and the tunnels, its axes turned against those of world and masks."""
    folder.mkdir()
    turn = np.radians(9.0)
    axes = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1.0]]) @ phantom.TURN
    columns, rows, slices = axes
    middle = hip.to_world(0.5 * (hip.anatomy.head_center + hip.anatomy.shaft_point)) + away_mm
    shape = (90, 110, 100)
    first = middle - 0.5 * (
        shape[0] * SPACING[0] * slices + shape[1] * SPACING[1] * rows + shape[2] * SPACING[2] * columns
    )
    lps = np.array([-1.0, -1.0, 1.0])
    study, series, frame = (pydicom.uid.generate_uid() for _ in range(3))
    for k in range(shape[0]):
        if k == skip:
            continue
        meta = pydicom.dataset.FileMetaDataset()
        meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        image = pydicom.dataset.FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, frame
        image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = NAME, "HN-4711", "19700101", "F"
        image.AccessionNumber, image.InstitutionName, image.StudyDate, image.StudyTime = "A1", "Clinic", "20260102", ""
        image.StudyID, image.ReferringPhysicianName = "S1", "Roe^Richard"
        image.Modality, image.SeriesNumber, image.InstanceNumber = "CT", 2, k + 1
        image.ImageOrientationPatient = [*(columns * lps), *(rows * lps)]
        image.ImagePositionPatient = list((first + k * SPACING[0] * slices) * lps)
        image.PixelSpacing, image.SliceThickness = [SPACING[1], SPACING[2]], SPACING[0]
        image.Rows, image.Columns, image.SamplesPerPixel = shape[1], shape[2], 1
        image.PhotometricInterpretation, image.BitsAllocated, image.BitsStored = "MONOCHROME2", 16, 16
        image.HighBit, image.PixelRepresentation, image.RescaleSlope, image.RescaleIntercept = 15, 1, 1, 0
        image.PixelData = b"\0" * (2 * shape[1] * shape[2])
        # The names run backwards: nothing may hang on their order.
        image.save_as(folder / f"{999 - k:03d}.dcm", enforce_file_format=True)
    (folder / "notes.txt").write_text("no DICOM")
    return folder
