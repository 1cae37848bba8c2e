"""DICOM files opened with care: pydicom where it is installed, bounded, and every fault one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError, MissingExtraError
from corecore.base.grid import FloatArray
from corecore.base.origin import Origin, Patient
from corecore.io.bounded import first_line, opened, reading, regular_file, short, shown

WHAT = "a DICOM file"
#: Largest DICOM file read, bytes: 1.6 times a multi-frame CT of a whole leg (engineering choice).
MAX_FILE_BYTES = 2_000_000_000
#: Most files looked at in one folder (engineering choice).
MAX_FILES = 20_000
#: The transfer syntax that packs a whole file: unpacked without a bound, so not read.
DEFLATED = "1.2.840.10008.1.2.1.99"
SEGMENTATION = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
#: CT, MR, and the multi-frame kinds of both.
SINGLE_FRAME = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4")
MULTI_FRAME = (
    "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2",
    "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4",
)  # fmt: skip


def pydicom() -> Any:
    """The library. Raises ``MissingExtraError`` where it is not installed."""
    try:
        import pydicom as library
    except ImportError as error:
        raise MissingExtraError("DICOM needs pydicom: pip install 'corecore[dicom]'", code="extra-missing") from error
    return library


def read_dataset(path: Path, *, pixels: bool = True) -> Any:
    """A file's data set. Raises ``InputError`` for what is no DICOM file that can be read within bounds."""
    library = pydicom()
    regular_file(path, WHAT, MAX_FILE_BYTES)
    with reading(path, WHAT):
        syntax = str(library.filereader.read_file_meta_info(path).get("TransferSyntaxUID", ""))
        if syntax == DEFLATED:
            raise InputError(
                f"{shown(path)}: is deflated as a whole; any other transfer syntax is accepted", code="dicom-packing"
            )
        dataset = library.dcmread(path, stop_before_pixels=not pixels)
        # Values are parsed when first asked for: ask here for one that every file has.
        if not dataset.get("SOPClassUID"):
            raise InputError(
                f"{shown(path)}: names no SOP class; {WHAT} with its kind stated is accepted", code="dicom-invalid"
            )
        return dataset


def sop_class(path: Path) -> str:
    """What kind of DICOM object a file says it is, as a UID."""
    return str(read_dataset(path, pixels=False).SOPClassUID)


def dicom_files(folder: Path) -> Iterator[Path]:
    """The files of one folder that carry DICOM's mark, by name. Raises ``InputError`` for more than is looked at."""
    with reading(folder, "a folder of DICOM files"):
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    if len(entries) > MAX_FILES:
        raise InputError(
            f"{shown(folder)}: {len(entries):,} entries; up to {MAX_FILES:,} are accepted", code="folder-too-large"
        )
    for entry in entries:
        # An index of files, not an image.
        if not entry.is_file() or entry.name.upper() == "DICOMDIR":
            continue
        with opened(Path(entry.path), WHAT) as stream, reading(Path(entry.path), WHAT):
            head = stream.read(132)
        if head[128:132] == b"DICM":
            yield Path(entry.path)


def numbers(dataset: Any, name: str, count: int, path: Path) -> FloatArray:
    """A data element of so many finite numbers. Raises ``InputError`` where it is missing or something else."""
    value = dataset.get(name)
    try:
        found = np.array([float(v) for v in (value if count > 1 else [value])])
    except (TypeError, ValueError):
        found = np.array([])
    if found.shape != (count,) or not np.all(np.isfinite(found)):
        raise InputError(
            f"{shown(path)}: {name} is {short(value) if value is not None else 'not there'};"
            f" {count} number{'s are' if count > 1 else ' is'} accepted",
            code="dicom-invalid",
        )
    return found


def whole(dataset: Any, name: str, path: Path, default: int | None = None) -> int:
    """A data element that is one whole number."""
    value = dataset.get(name)
    if value is None and default is not None:
        return default
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        found = short(value) if value is not None else "not there"
        raise InputError(
            f"{shown(path)}: {name} is {found}; a whole number is accepted", code="dicom-invalid"
        ) from error


def first_item(dataset: Any, name: str) -> Any:
    """The first item of a sequence, or ``None``."""
    sequence = dataset.get(name) if dataset is not None else None
    return sequence[0] if sequence else None


def origin_of(dataset: Any) -> Origin:
    """Frame of reference and patient of a data set; of contours, the frame that they say they are drawn in."""
    referenced = first_item(dataset, "ReferencedFrameOfReferenceSequence") or {}
    frame = str(referenced.get("FrameOfReferenceUID") or dataset.get("FrameOfReferenceUID") or "")
    told = [str(dataset.get(name) or "").strip() for name in ("PatientID", "PatientName", "PatientBirthDate")]
    return Origin(frame.strip(), Patient(*told))


def pixel_frames(dataset: Any, path: Path) -> Any:
    """Decoded pixels as pydicom gives them. Raises ``InputError`` where no decoder for the packing is installed."""
    from corecore.io.bounded import check_claim

    rows, columns = whole(dataset, "Rows", path), whole(dataset, "Columns", path)
    frames = whole(dataset, "NumberOfFrames", path, 1)
    bits = whole(dataset, "BitsAllocated", path)
    if whole(dataset, "SamplesPerPixel", path, 1) != 1:
        raise InputError(f"{shown(path)}: a picture in colour; one value a pixel is accepted", code="dicom-packing")
    if bits not in (1, 8, 16, 32):
        raise InputError(f"{shown(path)}: {bits} bits a pixel; 1, 8, 16 or 32 are accepted", code="dicom-packing")
    check_claim(path, (columns, rows, frames), max(1, bits // 8), MAX_FILE_BYTES)
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        stored = len(dataset.get("PixelData") or b"")
        if stored * 8 < rows * columns * frames * bits:
            raise InputError(
                f"{shown(path)}: {stored:,} bytes of pixels for {columns} x {rows} x {frames} of {bits} bit(s);"
                " a whole file is accepted",
                code="volume-truncated",
            )
    try:
        return dataset.pixel_array
    except (RuntimeError, NotImplementedError) as error:
        raise InputError(
            f"{shown(path)}: its pixels are packed as {short(syntax.name)} and cannot be unpacked here"
            f" ({first_line(error)}); unpacked DICOM is accepted",
            code="dicom-packing",
        ) from error
