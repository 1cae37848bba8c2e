"""NIfTI volumes in and out, through nibabel."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import apply_read_scaling

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Image, Mask
from corecore.base.origin import UNKNOWN, Origin
from corecore.io.bounded import (
    MAX_HEADER_BYTES,
    Readable,
    check_claim,
    finite_values,
    opened,
    read_array,
    read_bytes,
    reading,
    regular_file,
    shown,
    unpacked,
)
from corecore.io.files import atomic_write_bytes

WHAT = "a NIfTI volume (.nii, .nii.gz)"
#: Names of labels as TotalSegmentator and Connectome Workbench keep them in a header extension. Read as
#: text: nothing in it is expanded or followed.
LABEL_ENTRY = re.compile(
    r"<Label\b[^<>]{0,300}\bKey\s{0,4}=\s{0,4}[\"'](\d{1,6})[\"'][^<>]{0,300}>\s{0,20}"
    r"(?:<!\[CDATA\[(.{0,200}?)\]\]>|([^<]{0,200}?))\s{0,20}</Label>",
    re.DOTALL,
)
#: Values that span less than this are not rounded to whole numbers (engineering choice).
LEAST_SPAN = 1000.0
#: What an image's header says of a tilted gantry that it was resampled from.
STRAIGHTENED = re.compile(r"corecore straightened by (\d{1,2}\.\d\d) degrees")
#: How far such a table is looked for, bytes: 117 classes take 13,000 (engineering choice).
LABEL_BYTES = 256 * 1024


def read_volume(path: Path) -> tuple[npt.NDArray[np.generic], Grid]:
    """The values, as stored, and the grid of a NIfTI file.

    Raises ``InputError`` for what is not a three-dimensional NIfTI volume with a usable affine.
    """
    values, grid, _, _ = read_named_volume(path)
    return values, grid


def read_named_volume(path: Path) -> tuple[npt.NDArray[np.generic], Grid, dict[int, str], str]:
    """``read_volume``, the names of labels that the header's extensions hold, and words on a scaling of the values."""
    size = regular_file(path, WHAT)
    with reading(path, WHAT), opened(path, WHAT) as file:
        packing = "gzip" if file.read(2) == b"\x1f\x8b" else "raw"
        file.seek(0)
        stream = unpacked(file, packing)
        header, start, extensions = _header(path, stream)
        shape, grid = _grid(path, header)
        dtype = header.get_data_dtype()
        if dtype.kind not in "iuf":
            raise InputError(
                f"{shown(path)}: values of type {dtype}; whole or real numbers are accepted", code="header-invalid"
            )
        check_claim(path, shape, dtype.itemsize, size if packing == "gzip" else size - start, packing)
        values = read_array(stream, shape, dtype, packing)
        slope, intercept = header.get_slope_inter()
        scaling = ""
        if slope is not None and (slope, intercept) != (1.0, 0.0):
            scaling = f"; stored as {dtype}, scl_slope {slope:.6g}, scl_inter {intercept:.6g}"
            values = apply_read_scaling(values, slope, intercept)
    return values, grid, label_names(extensions), scaling


def note_of(path: Path) -> str:
    """The note in a NIfTI file's header and extensions, as ``write_labels`` leaves it; nothing in another file."""
    return note_in(*_header_alone(path))


def note_in(header: Nifti1Header, extensions: bytes) -> str:
    """The same of a header in memory and its extensions, ``extension_bytes``."""
    told = bytes(header["descrip"].item()) + b"\n" + extensions[:LABEL_BYTES]
    return told.decode("utf-8", errors="replace")


def extension_bytes(header: Nifti1Header) -> bytes:
    """The extensions of a header in memory, as a file holds them."""
    stream = io.BytesIO()
    header.extensions.write_to(stream, byteswap=False)
    return stream.getvalue()


def straightened_deg(note: str) -> float:
    """The tilt, degrees, that a header's note says an image was resampled upright from; 0 where it says none."""
    told = STRAIGHTENED.search(note)
    return float(told[1]) if told else 0.0


def origin_of(path: Path) -> Origin:
    """Both places that a NIfTI header gives its voxels, where it gives two; the format has no frame and no patient."""
    return origin_in(_header_alone(path)[0])


def origin_in(header: Nifti1Header) -> Origin:
    """The same of a header in memory."""
    sform, sform_code = header.get_sform(coded=True)
    try:
        qform, qform_code = header.get_qform(coded=True)
    except (HeaderDataError, ValueError):
        return UNKNOWN
    if sform is None or qform is None or not sform_code or not qform_code or not np.all(np.isfinite(qform)):
        return UNKNOWN
    return Origin(qform_world_from_index=np.array(qform), sform_world_from_index=np.array(sform))


def _header_alone(path: Path) -> tuple[Nifti1Header, bytes]:
    with reading(path, WHAT), opened(path, WHAT) as file:
        packing = "gzip" if file.read(2) == b"\x1f\x8b" else "raw"
        file.seek(0)
        header, _, extensions = _header(path, unpacked(file, packing))
    return header, extensions


def label_names(extension: bytes) -> dict[int, str]:
    """Names of labels in a header extension's text; none where it holds no such table."""
    text = extension[:LABEL_BYTES].decode("utf-8", errors="replace")
    return {int(key): (cdata or plain).strip() for key, cdata, plain in LABEL_ENTRY.findall(text)}


def _header(path: Path, stream: Readable) -> tuple[Nifti1Header, int, bytes]:
    """The header, where the voxels begin, and the extensions before them; the stream stands at the voxels."""
    mark = read_bytes(stream, 4)
    second = mark in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c")
    kind: type[Nifti1Header] = Nifti2Header if second else Nifti1Header
    head = mark + read_bytes(stream, kind.sizeof_hdr - len(mark))
    raw = kind(head, check=False)
    offset = float(raw["vox_offset"])
    if not kind.sizeof_hdr <= offset <= MAX_HEADER_BYTES or offset != int(offset):
        raise InputError(
            f"{shown(path)}: the header puts the voxels at byte {offset:g};"
            f" {kind.sizeof_hdr} to {MAX_HEADER_BYTES} is accepted",
            code="header-invalid",
        )
    check_place(path, raw)
    return kind(head), int(offset), read_bytes(stream, int(offset) - len(head))


def check_place(path: Path, header: Nifti1Header) -> None:
    """Raise ``InputError`` for a header that does not say where its voxels lie."""
    # The library would set sizes of zero to 1 mm, and invent a place where none is stated.
    if not header["sform_code"]:
        if not header["qform_code"]:
            raise InputError(
                f"{shown(path)}: neither sform nor qform says where the volume lies; one of them is needed",
                code="affine-invalid",
            )
        sizes = np.asarray(header["pixdim"][1:4], dtype=np.float64)
        if not np.all(np.isfinite(sizes)) or np.any(sizes <= 0):
            raise InputError(
                f"{shown(path)}: voxel size {sizes.tolist()} mm; positive numbers are accepted", code="voxel-size"
            )


def check_unit(path: Path, header: Nifti1Header) -> None:
    """Raise ``InputError`` for a header whose unit of length is not mm."""
    unit = header.get_xyzt_units()[0]
    if unit not in ("mm", "unknown"):
        raise InputError(
            f"{shown(path)}: the header's unit of length is {unit!r} (xyzt_units {int(header['xyzt_units'])});"
            " mm (2), or none stated (0), is accepted",
            code="unit-not-mm",
        )


def _grid(path: Path, header: Nifti1Header) -> tuple[tuple[int, ...], Grid]:
    shape = tuple(int(n) for n in header.get_data_shape())
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 1:
        raise InputError(
            f"{shown(path)}: a volume of shape {shape}; three dimensions are accepted", code="volume-shape"
        )
    check_unit(path, header)
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    try:
        grid = Grid((shape[0], shape[1], shape[2]), affine)
    except InputError as error:
        raise InputError(f"{shown(path)}: {error}", code=error.code) from error
    return shape, grid


def read_image(path: Path) -> Image:
    """A CT or MR image. Raises ``InputError`` as ``read_volume``, and for values that are not finite."""
    values, grid = read_volume(path)
    return Image(grid, finite_values(path, values), origin_of(path), straightened_deg(note_of(path)))


def write_mask(path: Path, mask: Mask) -> None:
    """A mask as uint8 NIfTI (0 and 1)."""
    write_labels(path, mask.grid, mask.voxels.astype(np.uint8))


def write_labels(
    path: Path, grid: Grid, labels: npt.NDArray[np.uint8], *, note: str = "", names: Mapping[int, str] | None = None
) -> None:
    """A label map as uint8 NIfTI; a note, and a table of what each label is, go into the header's extensions.

    The table has the form that Connectome Workbench and TotalSegmentator read. The first 79 characters
    of the note stand in ``descrip`` too.
    """
    _write(path, grid, np.asarray(labels, dtype=np.uint8), note, names)


def write_image(path: Path, image: Image) -> None:
    """An image as int16 NIfTI, values rounded (Hounsfield units or MR arbitrary units).

    Values that rounding would spoil, since they span little, are written as they are. That the image was
    straightened goes into the header.
    """
    low, high = float(image.values.min()), float(image.values.max())
    if low < -32768 or high > 32767:
        raise InputError(f"image values from {low:g} to {high:g} do not fit 16 bits", code="geometry-invalid")
    values: npt.NDArray[np.generic] = np.rint(image.values).astype(np.int16)
    if high - low < LEAST_SPAN and not np.array_equal(values, image.values):
        values = image.values
    note = f"corecore straightened by {image.straightened_deg:.2f} degrees" if image.straightened_deg else ""
    _write(path, image.grid, values, note)


def _write(
    path: Path,
    grid: Grid,
    values: npt.NDArray[np.generic],
    note: str = "",
    names: Mapping[int, str] | None = None,
) -> None:
    image = nib.Nifti1Image(values, grid.world_from_index)
    image.header["descrip"] = note.encode("ascii", "replace")[:79]
    if note:
        image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", note.encode("utf-8")))
    if names:
        image.header.extensions.append(nib.nifti1.Nifti1Extension(0, _label_table(names).encode("utf-8")))
    image.header.set_xyzt_units("mm")
    image.set_sform(grid.world_from_index, code=1)
    image.set_qform(grid.world_from_index, code=1)
    image.header["scl_slope"], image.header["scl_inter"] = 1.0, 0.0
    data = image.to_bytes()
    if path.name.endswith(".gz"):
        # No time and no name in the gzip header: the same volume gives the same bytes.
        data = gzip.compress(data, compresslevel=9, mtime=0)
    atomic_write_bytes(path, data)


def _label_table(names: Mapping[int, str]) -> str:
    """The names of labels as the XML that stands in a NIfTI header; colours are left to the reader."""
    rows = "".join(
        f'<Label Key="{label}" Red="0" Green="0" Blue="0" Alpha="1"><![CDATA[{name}]]></Label>\n'
        for label, name in names.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CaretExtension><VolumeInformation Index="0"><LabelTable>\n'
        f"{rows}</LabelTable><VolumeType><![CDATA[Label]]></VolumeType></VolumeInformation></CaretExtension>"
    )
