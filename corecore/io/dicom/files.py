"""DICOM files opened with care: pydicom where it is installed, bounded, and every fault one line."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError, MissingExtraError
from corecore.base.grid import FloatArray
from corecore.base.origin import Origin, Patient
from corecore.io.bounded import check_claim, first_line, opened, reading, regular_file, short, shown
from corecore.io.dicom.unpack import Unpacker

WHAT = "a DICOM file"
#: Largest DICOM file read, bytes: 1.6 times a multi-frame CT of a whole leg (engineering choice).
MAX_FILE_BYTES = 2_000_000_000
#: No place, length or scale of a scan is a larger number (engineering choice).
LARGEST = 1e6
#: Most files looked at in one folder (engineering choice).
MAX_FILES = 20_000
#: The transfer syntax that packs a whole file: unpacked without a bound, so not read.
DEFLATED = "1.2.840.10008.1.2.1.99"
#: JPEG extended (12 bits), lossless process 14, and its SV1: what GDCM unpacks and no other decoder at hand.
GDCM_UNPACKS = ("1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
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


def has_mark(path: Path) -> bool:
    """Whether a file carries DICOM's mark. Raises ``InputError`` where it cannot be read."""
    with opened(path, WHAT) as stream, reading(path, WHAT):
        return stream.read(132)[128:132] == b"DICM"


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
    if np.max(np.abs(found)) > LARGEST:
        raise InputError(
            f"{shown(path)}: {name} is {short(value)}; numbers up to {LARGEST:,.0f} are accepted", code="dicom-invalid"
        )
    return found


def lengths(dataset: Any, name: str, count: int, path: Path) -> FloatArray:
    """``numbers`` above zero. A negative length would mirror what is measured by it."""
    found = numbers(dataset, name, count, path)
    if np.any(found <= 0.0):
        raise InputError(
            f"{shown(path)}: {name} is {short(dataset.get(name))}; lengths above 0 are accepted", code="dicom-invalid"
        )
    return found


def points(dataset: Any, name: str) -> FloatArray:
    """A data element of any count of places (N, 3), from its text as it is stored: some hold millions of numbers.

    One longer than an explicit length can say is stored without its kind. Raises ``ValueError`` for anything else than
    finite numbers, three a place, up to ``LARGEST``.
    """
    item = dataset.get_item(name)
    value = item.value if item is not None else None
    if isinstance(value, bytes):
        text = value.strip(b" \0")
        found = np.array(text.split(b"\\") if text else [], dtype=np.float64)
    else:
        found = np.array([float(v) for v in value or []])
    if len(found) % 3 or not np.all(np.abs(found) <= LARGEST):
        raise ValueError(f"{len(found)} numbers, not three finite ones up to {LARGEST:,.0f} a place")
    return found.reshape(-1, 3)


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


def origin_of(dataset: Any, path: Path) -> Origin:
    """Frame of reference and patient of a data set; of contours, the frame that they say they are drawn in."""
    # An element is parsed when it is asked for, and may be damaged.
    with reading(path, WHAT):
        referenced = first_item(dataset, "ReferencedFrameOfReferenceSequence") or {}
        frame = str(referenced.get("FrameOfReferenceUID") or dataset.get("FrameOfReferenceUID") or "")
        told = [str(dataset.get(name) or "").strip() for name in ("PatientID", "PatientName", "PatientBirthDate")]
    return Origin(frame.strip(), Patient(*told))


def pixel_frames(dataset: Any, path: Path, unpacker: Unpacker | None = None) -> Any:
    """Decoded pixels as pydicom gives them. Raises ``InputError`` where no decoder for the packing is installed.

    An ``unpacker`` is the process that GDCM works in, for many files; without it each has its own.
    """
    rows, columns = whole(dataset, "Rows", path), whole(dataset, "Columns", path)
    frames = whole(dataset, "NumberOfFrames", path, 1)
    bits = whole(dataset, "BitsAllocated", path)
    if whole(dataset, "SamplesPerPixel", path, 1) != 1:
        raise InputError(f"{shown(path)}: a picture in colour; one value a pixel is accepted", code="dicom-packing")
    if bits not in (1, 8, 16, 32):
        raise InputError(f"{shown(path)}: {bits} bits a pixel; 1, 8, 16 or 32 are accepted", code="dicom-packing")
    stored_bits = whole(dataset, "BitsStored", path, bits)
    high = whole(dataset, "HighBit", path, stored_bits - 1)
    if high != stored_bits - 1 or not 1 <= stored_bits <= bits:
        raise InputError(
            f"{shown(path)}: {stored_bits} of {bits} bits stored, the highest at {high}; the lowest bits, up to all of"
            " them, are accepted",
            code="dicom-packing",
        )
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
    own = _decoders(str(syntax)) if syntax.is_compressed else ("",)
    refusal: Exception | None = None
    for plugin in own:
        try:
            dataset.pixel_array_options(decoding_plugin=plugin)
            return dataset.pixel_array
        except (RuntimeError, NotImplementedError) as error:
            refusal = error
    if str(syntax) in GDCM_UNPACKS:
        with contextlib.nullcontext(unpacker) if unpacker is not None else Unpacker() as apart:
            return apart.frames(path, (rows, columns) if frames == 1 else (frames, rows, columns))
    raise InputError(
        f"{shown(path)}: its pixels are packed as {short(syntax.name)} and cannot be unpacked here"
        f" ({first_line(refusal) if refusal is not None else 'no decoder'}); unpacked DICOM is accepted",
        code="dicom-packing",
    ) from refusal


def _decoders(syntax: str) -> tuple[str, ...]:
    """The decoders at hand for a packing, without GDCM: that one works in a process of its own."""
    try:
        found = pydicom().pixels.get_decoder(syntax).available_plugins
    except NotImplementedError:
        return ()
    return tuple(name for name in found if name != "gdcm")
