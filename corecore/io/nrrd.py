"""NRRD volumes, and 3D Slicer's ``.seg.nrrd`` segmentations, which are NRRD with named segments.

Written here, not through a library: a header is forty lines of text, and the voxels are to be
unpacked only as far as the header says, which the readers at hand do not.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Grid, Image
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
from corecore.io.grey import grey_values, whole_numbers
from corecore.io.segmentation import ROOM_MM, Segment, Segmentation, label_map, place_in

WHAT = "an NRRD volume (.nrrd, .seg.nrrd, .nhdr)"
#: Signs that turn a position in the file's space into RAS.
RAS_SIGNS = {
    "right-anterior-superior": (1.0, 1.0, 1.0), "ras": (1.0, 1.0, 1.0),
    "left-posterior-superior": (-1.0, -1.0, 1.0), "lps": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (-1.0, 1.0, 1.0), "las": (-1.0, 1.0, 1.0),
}  # fmt: skip
#: The format's names of its types, and numpy's.
TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}  # fmt: skip
#: The fields that say what the voxels are and where they lie; others say nothing here.
FIELDS = {
    "dimension", "sizes", "type", "endian", "encoding", "space", "space units", "space directions", "space origin",
    "data file", "datafile", "line skip", "lineskip", "byte skip", "byteskip",
}  # fmt: skip
PACKINGS = {"raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}
#: How far the reference geometry is looked for among Slicer's parameters, characters.
CONVERSION_CHARS = 64 * 1024
#: Most layers of overlapping segments; Slicer writes as many as segments overlap (engineering choice).
MAX_LAYERS = 256


@dataclass(frozen=True, eq=False)
class Header:
    """A header's fields (lower case) and key/value pairs, and the byte after its end."""

    fields: dict[str, str]
    pairs: dict[str, str]
    end: int


def read_image(path: Path) -> Image:
    """A CT or MR image. Raises ``InputError`` for what is no three-dimensional NRRD volume of finite values."""
    values, grid, _ = _read(path, layers=False)
    return Image(grid, finite_values(path, values[0]))


def read_segmentation(path: Path) -> Segmentation:
    """The segments of a ``.seg.nrrd`` (also of overlapping layers), or the labels of a plain label map."""
    values, grid, header = _read(path, layers=True)
    numbers = sorted({int(m[1]) for key in header.pairs if (m := re.fullmatch(r"Segment(\d{1,4})_ID", key))})
    if not numbers:
        if len(values) > 1:
            raise InputError(
                f"{shown(path)}: {len(values)} layers and no segments; one volume is accepted", code="volume-shape"
            )
        return label_map(path, values[0], grid)
    for layer in values:
        if whole_numbers(path, layer) is None:
            raise grey_values(path, layer, "")
    places = {}
    segments = []
    for number in numbers:
        segment, layer_number = _segment(path, header.pairs, number, len(values))
        # Layers repeat the same label values, so a segment is known by its own number where they do.
        places[segment] = layer_number
        segments.append(segment)

    roomy, before, after = _with_room(grid, header.pairs)

    def voxels_of(segment: Segment) -> BoolArray:
        return np.pad(values[places[segment]] == segment.values[0], np.stack([before, after], axis=1))

    return Segmentation(path, roomy, tuple(segments), voxels_of)


def _with_room(grid: Grid, pairs: dict[str, str]) -> tuple[Grid, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The grid, and how many empty voxels it was given at each axis's ends, (3,) twice.

    Slicer cuts segmentations to their segments and keeps the image's geometry in words: as far as
    the image reached there is room.
    """
    none = np.zeros(3, dtype=np.int64)
    words = pairs.get("Segmentation_ConversionParameters", "")
    found = re.search(r"Reference image geometry\|([-+.\deE;]{30,2000})\|", words[:CONVERSION_CHARS])
    try:
        numbers = [float(word) for word in found[1].split(";") if word] if found else []
        if not np.all(np.isfinite(numbers)):
            return grid, none, none
        matrix = np.array(numbers[:16]).reshape(4, 4)
        low, high = np.array(numbers[16:]).reshape(3, 2).T
        size = (high - low + 1).astype(np.int64)
        matrix[:3, 3] += matrix[:3, :3] @ low
        whole = Grid((int(size[0]), int(size[1]), int(size[2])), matrix)
    except (ValueError, OverflowError, InputError):
        # Words for other programs: where they say nothing usable, the file stands as it is.
        return grid, none, none
    start = place_in(whole, grid)
    if start is None:
        return grid, none, none
    room = np.ceil(ROOM_MM / grid.spacing_mm).astype(np.int64)
    before = np.minimum(room, start)
    after = np.minimum(room, np.array(whole.shape) - start - grid.shape)
    return grid.cropped(-before, np.array(grid.shape) + after), before, after


def _segment(path: Path, pairs: dict[str, str], number: int, layers: int) -> tuple[Segment, int]:
    """One segment and its layer. Slicer before 5.0 wrote neither value nor layer: each had a layer of its own."""

    def said(key: str, default: int) -> int:
        text = pairs.get(f"Segment{number}_{key}", str(default)).strip()
        if not re.fullmatch(r"-?\d{1,9}", text):
            raise InputError(
                f"{shown(path)}: Segment{number}_{key} is {short(text)}; a whole number is accepted",
                code="header-invalid",
            )
        return int(text)

    value, layer = said("LabelValue", 1), said("Layer", number if layers > 1 else 0)
    if not 0 <= layer < layers:
        raise InputError(
            f"{shown(path)}: Segment{number}_Layer is {layer}; 0 to {layers - 1} is accepted", code="header-invalid"
        )
    if value == 0:
        raise InputError(
            f"{shown(path)}: Segment{number}_LabelValue is 0, the background; another number is accepted",
            code="header-invalid",
        )
    name = pairs.get(f"Segment{number}_Name", "").strip()
    words = [pairs.get(f"Segment{number}_ID", "").strip(), *_terminology(pairs.get(f"Segment{number}_Tags", ""))]
    return Segment(value, name, tuple(word for word in words if word), (value,)), layer


def _terminology(tags: str) -> list[str]:
    """Codes and meanings of a segment's terminology entry: the type, its side, and both together."""
    entry = next((t.partition(":")[2] for t in tags.split("|") if t.startswith("TerminologyEntry:")), "")
    parts = entry.split("~")
    words: list[str] = []
    # Context, category, type, type's modifier, then the anatomic region the same way.
    for kind, modifier in ((2, 3), (5, 6)):
        coded = [part.split("^") for part in parts[kind : modifier + 1]]
        if not coded or len(coded[0]) != 3 or not coded[0][1]:
            continue
        scheme, code, meaning = coded[0]
        words += [code, f"{scheme}:{code}", meaning]
        if len(coded) > 1 and len(coded[1]) == 3 and coded[1][2]:
            words += [f"{coded[1][2]} {meaning}", f"{meaning} {coded[1][2]}"]
    return words


def _read(path: Path, *, layers: bool) -> tuple[npt.NDArray[np.generic], Grid, Header]:
    """Values (layers, nx, ny, nz), their grid, and the header."""
    size = regular_file(path, WHAT)
    with reading(path, WHAT), opened(path, WHAT) as file:
        header = parse_header(path, file.read(MAX_HEADER_BYTES))
        sizes, axes, grid = _geometry(path, header.fields)
        others = [axis for axis in range(len(sizes)) if axis not in axes]
        count = int(np.prod([sizes[axis] for axis in others])) if others else 1
        if count > (MAX_LAYERS if layers else 1):
            raise InputError(
                f"{shown(path)}: {count} layers; {f'up to {MAX_LAYERS}' if layers else 'one volume'} accepted",
                code="volume-shape",
            )
        dtype, packing = _dtype(path, header.fields), _packing(path, header.fields)
        data, start = file, header.end
        detached = _detached(header.fields)
        with contextlib.ExitStack() as stack:
            if detached is not None:
                beside = neighbour(path, detached)
                size, start = regular_file(beside, WHAT), 0
                data = stack.enter_context(opened(beside, WHAT))
            start = _skip(path, header.fields, start, size, packing, sizes, dtype)
            check_claim(path, sizes, dtype.itemsize, size - start, packing)
            data.seek(start)
            values = read_array(unpacked(data, packing), sizes, dtype, packing)
    return np.transpose(values, (*others, *axes)).reshape(count, *grid.shape), grid, header


def data_file(path: Path) -> Path | None:
    """The file beside a header that holds its voxels; ``None`` where the header's own does. Raises ``InputError``."""
    with reading(path, WHAT), opened(path, WHAT) as file:
        fields = parse_header(path, file.read(MAX_HEADER_BYTES)).fields
    named = _detached(fields)
    return None if named is None else neighbour(path, named)


def _detached(fields: dict[str, str]) -> str | None:
    return fields.get("data file", fields.get("datafile"))


def parse_header(path: Path, data: bytes) -> Header:
    """The text before the first empty line. Raises ``InputError`` for what is no NRRD header."""
    if not data.startswith(b"NRRD000"):
        raise InputError(f"{shown(path)}: does not begin as NRRD does; {WHAT} is accepted", code="file-kind")
    found = re.search(rb"\r?\n\r?\n", data)
    text = (data if found is None else data[: found.start()]).decode("utf-8", errors="replace")
    fields: dict[str, str] = {}
    pairs: dict[str, str] = {}
    # Only these ends of lines are the format's: words of a segment may hold others that Python knows.
    for line in re.split(r"\r?\n", text)[1:]:
        if line.startswith("#"):
            continue
        key, mark, value = line.partition(":")
        name, pair = key.strip().lower(), line.find(":=")
        if mark and name in FIELDS and not value.startswith("="):
            if name in fields:
                raise InputError(
                    f"{shown(path)}: the header says {short(name)!r} twice; once is accepted", code="header-invalid"
                )
            fields[name] = value.strip()
        elif pair >= 0:
            pairs[line[:pair]] = line[pair + 2 :]
    if found is None and "data file" not in fields and "datafile" not in fields:
        raise InputError(f"{shown(path)}: the header does not end; {WHAT} is accepted", code="header-invalid")
    return Header(fields, pairs, len(data) if found is None else found.end())


def neighbour(path: Path, name: str) -> Path:
    """A data file that a header names: in the same folder, never elsewhere."""
    if not name or Path(name).name != name or name in (".", "..") or "%" in name or name.upper().startswith("LIST"):
        raise InputError(
            f"{shown(path)}: its voxels are said to be in {short(name)!r}; one file in the same folder is accepted",
            code="header-invalid",
        )
    beside = path.parent / name
    # A link may lead wherever it likes, but where both header and data are links into one folder.
    if os.path.dirname(os.path.realpath(beside)) not in {
        os.path.realpath(path.parent), os.path.dirname(os.path.realpath(path)),
    }:  # fmt: skip
        raise InputError(
            f"{shown(path)}: its voxels, {short(name)!r}, are a link out of the folder; a file in the same folder is"
            " accepted",
            code="header-invalid",
        )
    return beside


def _geometry(path: Path, fields: dict[str, str]) -> tuple[tuple[int, ...], tuple[int, ...], Grid]:
    """Sizes of all axes, which of them are the three of space, and the grid of those."""
    sizes = tuple(int(n) for n in _words(path, fields, "sizes", r"\d{1,9}"))
    space = fields.get("space", "").lower()
    if space not in RAS_SIGNS:
        raise InputError(
            f"{shown(path)}: its space is {short(space) or 'not stated'!r};"
            " left-posterior-superior, right-anterior-superior or left-anterior-superior is accepted",
            code="header-invalid",
        )
    unit = set(re.findall(r'"([^"]*)"', fields.get("space units", ""))) - {"mm", "millimeter", "millimetre", ""}
    if unit:
        raise InputError(
            f"{shown(path)}: its unit of length is {short(sorted(unit)[0])!r}; mm is accepted", code="unit-not-mm"
        )
    vectors = re.findall(r"none|\([^()]*\)", fields.get("space directions", ""))
    if len(vectors) != len(sizes) or not 3 <= len(sizes) <= 4 or fields.get("dimension") != str(len(sizes)):
        raise InputError(
            f"{shown(path)}: {len(sizes)} sizes, {len(vectors)} space directions, dimension"
            f" {short(fields.get('dimension', 'not stated'))}; three axes of space and one of layers are accepted",
            code="volume-shape",
        )
    axes = tuple(axis for axis, vector in enumerate(vectors) if vector != "none")
    if len(axes) != 3:
        raise InputError(f"{shown(path)}: {len(axes)} axes of space; three are accepted", code="volume-shape")
    matrix = np.eye(4)
    signs = np.array(RAS_SIGNS[space])
    for column, axis in enumerate(axes):
        matrix[:3, column] = signs * _vector(path, vectors[axis])
    matrix[:3, 3] = signs * _vector(path, fields.get("space origin", ""))
    try:
        grid = Grid((sizes[axes[0]], sizes[axes[1]], sizes[axes[2]]), matrix)
    except InputError as error:
        raise InputError(f"{shown(path)}: {error}", code=error.code) from error
    return sizes, axes, grid


def _words(path: Path, fields: dict[str, str], key: str, form: str) -> list[str]:
    words = fields.get(key, "").split()
    if not words or not all(re.fullmatch(form, word) for word in words):
        found = short(fields.get(key, "not stated"))
        raise InputError(f"{shown(path)}: {key} is {found!r}; whole numbers are accepted", code="header-invalid")
    return words


def _vector(path: Path, text: str) -> FloatArray:
    try:
        numbers = [float(part) for part in text.strip().removeprefix("(").removesuffix(")").split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 3:
        raise InputError(
            f"{shown(path)}: {short(text or 'no origin')!r}; a vector (x,y,z) is accepted", code="header-invalid"
        )
    return np.array(numbers)


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[np.generic]:
    name = TYPES.get(fields.get("type", "").lower())
    if name is None:
        raise InputError(
            f"{shown(path)}: type is {short(fields.get('type', 'not stated'))!r}; a number is accepted",
            code="header-invalid",
        )
    dtype = np.dtype(name)
    if dtype.itemsize == 1:
        return dtype
    endian = fields.get("endian", "").lower()
    if endian not in ("little", "big"):
        raise InputError(
            f"{shown(path)}: endian is {short(endian or 'not stated')!r}; little or big is accepted",
            code="header-invalid",
        )
    return dtype.newbyteorder("<" if endian == "little" else ">")


def _packing(path: Path, fields: dict[str, str]) -> str:
    packing = PACKINGS.get(fields.get("encoding", "").lower())
    if packing is None:
        found = short(fields.get("encoding", "not stated"))
        raise InputError(f"{shown(path)}: encoding is {found!r}; raw, gzip or bzip2 is accepted", code="header-invalid")
    return packing


def _skip(
    path: Path, fields: dict[str, str], start: int, size: int, packing: str, sizes: tuple[int, ...],
    dtype: np.dtype[np.generic],
) -> int:  # fmt: skip
    """Where the voxels begin in their file."""
    lines = fields.get("line skip", fields.get("lineskip", "0"))
    skipped = fields.get("byte skip", fields.get("byteskip", "0"))
    if lines != "0" or not re.fullmatch(r"-1|\d{1,9}", skipped) or (packing != "raw" and skipped != "0"):
        raise InputError(
            f"{shown(path)}: line skip {short(lines)}, byte skip {short(skipped)}; neither is accepted",
            code="header-invalid",
        )
    if skipped == "-1":
        return max(0, size - int(np.prod([float(n) for n in sizes])) * dtype.itemsize)
    return start + int(skipped)
