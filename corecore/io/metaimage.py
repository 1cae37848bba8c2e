"""MetaImage volumes (``.mha``, and ``.mhd`` with its voxels beside it), as ITK and elastix write them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, Image
from corecore.io.bounded import (
    MAX_HEADER_BYTES,
    check_claim,
    finite_values,
    opened,
    read_array,
    reading,
    regular_file,
    short,
    shown,
    unpacked,
)
from corecore.io.nrrd import neighbour
from corecore.io.segmentation import Segmentation, label_map
from corecore.io.transform import RAS_SIGNS

WHAT = "a MetaImage volume (.mha, .mhd)"
TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
#: The fields that say what the voxels are and where they lie.
FIELDS = {
    "NDims", "DimSize", "ElementSpacing", "Offset", "Position", "Origin", "TransformMatrix", "Rotation",
    "Orientation", "ElementType", "ElementNumberOfChannels", "BinaryData", "BinaryDataByteOrderMSB",
    "ElementByteOrderMSB", "CompressedData", "HeaderSize", "ElementDataFile",
}  # fmt: skip
TRUE, FALSE = ("true", "1"), ("false", "0")
#: Longest axis, voxels.
MAX_SIDE = 100_000


def read_image(path: Path) -> Image:
    """A CT or MR image. Raises ``InputError`` for what is no three-dimensional MetaImage of finite values."""
    values, grid = read_volume(path)
    return Image(grid, finite_values(path, values))


def read_segmentation(path: Path) -> Segmentation:
    """The labels of a label map; the format has no names for them."""
    values, grid = read_volume(path)
    return label_map(path, values, grid)


def read_volume(path: Path) -> tuple[npt.NDArray[np.generic], Grid]:
    """The values, as stored, and the grid. Raises ``InputError`` for what is no volume with a place in space."""
    size = regular_file(path, WHAT)
    with reading(path, WHAT), opened(path, WHAT) as file:
        fields, start = parse_header(path, file.read(MAX_HEADER_BYTES))
        grid = _grid(path, fields)
        dtype = _dtype(path, fields)
        compressed = _flag(path, fields, "CompressedData")
        packing = "zlib" if compressed else "raw"
        data = file
        with contextlib.ExitStack() as stack:
            if fields["ElementDataFile"] != "LOCAL":
                beside = neighbour(path, fields["ElementDataFile"])
                size, start = regular_file(beside, WHAT), 0
                data = stack.enter_context(opened(beside, WHAT))
            check_claim(path, grid.shape, dtype.itemsize, size - start, packing)
            data.seek(start)
            return read_array(unpacked(data, packing), grid.shape, dtype, packing), grid


def data_file(path: Path) -> Path | None:
    """The file beside a header that holds its voxels; ``None`` where the header's own does. Raises ``InputError``."""
    with reading(path, WHAT), opened(path, WHAT) as file:
        named = parse_header(path, file.read(MAX_HEADER_BYTES))[0]["ElementDataFile"]
    return None if named == "LOCAL" else neighbour(path, named)


def parse_header(path: Path, data: bytes) -> tuple[dict[str, str], int]:
    """The fields up to ``ElementDataFile``, which is the last, and the byte after them.

    Programs write what else they know between them, under any name and over several lines: ITK copies the header of
    the file that it converted, or DICOM's elements, and leaves bytes of its own in comments of 64 KB. Only fields of
    the format count.
    """
    fields: dict[str, str] = {}
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        line = data[at:end]
        at = end + 1
        key, mark, value = line.decode("utf-8", errors="replace").partition("=")
        name = key.strip()
        if not mark or name not in FIELDS:
            continue
        if name in fields:
            raise InputError(f"{shown(path)}: the header says {name} twice; once is accepted", code="header-invalid")
        fields[name] = value.strip()
        if name == "ElementDataFile":
            return fields, at
    raise InputError(
        f"{shown(path)}: the header does not end in ElementDataFile; {WHAT} is accepted", code="header-invalid"
    )


def _grid(path: Path, fields: dict[str, str]) -> Grid:
    if fields.get("NDims") != "3":
        raise InputError(
            f"{shown(path)}: NDims is {short(fields.get('NDims', 'not stated'))}; 3 is accepted", code="volume-shape"
        )
    if fields.get("ElementNumberOfChannels", "1") != "1":
        found = short(fields["ElementNumberOfChannels"])
        raise InputError(f"{shown(path)}: ElementNumberOfChannels is {found}; 1 is accepted", code="volume-shape")
    sizes = _numbers(path, fields, ("DimSize",), 3)
    spacing = _numbers(path, fields, ("ElementSpacing",), 3)
    origin = _numbers(path, fields, ("Offset", "Position", "Origin"), 3)
    # Three numbers an axis: each axis's direction, one after the other.
    turn = _numbers(path, fields, ("TransformMatrix", "Rotation", "Orientation"), 9).reshape(3, 3)
    if np.any(np.abs(np.linalg.norm(turn, axis=1) - 1.0) > 1e-3):
        raise InputError(
            f"{shown(path)}: the directions of its axes are not of length 1; unit vectors are accepted",
            code="header-invalid",
        )
    if np.any(sizes != np.rint(sizes)) or np.any(sizes < 1) or np.any(sizes > MAX_SIDE):
        raise InputError(
            f"{shown(path)}: DimSize is {short(fields['DimSize'])}; three whole numbers are accepted",
            code="header-invalid",
        )
    if np.any(spacing <= 0):
        found = short(fields["ElementSpacing"])
        raise InputError(
            f"{shown(path)}: ElementSpacing is {found}; three positive numbers are accepted", code="voxel-size"
        )
    matrix = np.eye(4)
    matrix[:3, :3] = RAS_SIGNS[:, None] * turn.T * spacing
    matrix[:3, 3] = RAS_SIGNS * origin
    try:
        return Grid((int(sizes[0]), int(sizes[1]), int(sizes[2])), matrix)
    except InputError as error:
        raise InputError(f"{shown(path)}: {error}", code=error.code) from error


def _numbers(path: Path, fields: dict[str, str], keys: tuple[str, ...], count: int) -> FloatArray:
    """The numbers under the first of several names that the format has had for one thing."""
    text = next((fields[key] for key in keys if key in fields), "")
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not np.all(np.isfinite(numbers)):
        raise InputError(
            f"{shown(path)}: {keys[0]} is {short(text or 'not stated')!r}; {count} numbers are accepted",
            code="header-invalid",
        )
    return np.array(numbers)


def _flag(path: Path, fields: dict[str, str], key: str) -> bool:
    word = fields.get(key, "False").lower()
    if word not in (*TRUE, *FALSE):
        raise InputError(f"{shown(path)}: {key} is {short(word)!r}; True or False is accepted", code="header-invalid")
    return word in TRUE


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[np.generic]:
    name = TYPES.get(fields.get("ElementType", ""))
    if name is None:
        found = short(fields.get("ElementType", "not stated"))
        raise InputError(
            f"{shown(path)}: ElementType is {found!r}; {', '.join(TYPES)} are accepted", code="header-invalid"
        )
    if "BinaryData" in fields and not _flag(path, fields, "BinaryData"):
        raise InputError(f"{shown(path)}: its voxels are text; BinaryData = True is accepted", code="header-invalid")
    if fields.get("HeaderSize", "0") != "0":
        raise InputError(
            f"{shown(path)}: HeaderSize is {short(fields['HeaderSize'])}; 0 is accepted", code="header-invalid"
        )
    big = any(_flag(path, fields, key) for key in ("BinaryDataByteOrderMSB", "ElementByteOrderMSB"))
    return np.dtype(name).newbyteorder(">" if big else "<")
