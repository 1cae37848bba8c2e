"""Limits for volumes from anywhere: what is read is bounded before memory is taken, and every fault is one line.

Opening the file itself is ``corecore.base.input_file``.
"""

from __future__ import annotations

import bz2
import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.input_file import (
    first_line as first_line,
)
from corecore.base.input_file import (
    opened as opened,
)
from corecore.base.input_file import (
    reading as reading,
)
from corecore.base.input_file import (
    regular_file as regular_file,
)
from corecore.base.input_file import (
    short as short,
)
from corecore.base.input_file import (
    shown as shown,
)

#: Most voxels read from one file. A whole-body CT of 512 x 512 x 1500 passes; a header that
#: claims more is refused before any memory is taken (engineering choice).
MAX_VOXELS = 400_000_000
#: Most bytes of voxels read from one file: those voxels at four bytes each (engineering choice).
MAX_BYTES = 4 * MAX_VOXELS
#: Longest text header read, bytes (engineering choice).
MAX_HEADER_BYTES = 4 * 1024 * 1024
#: No stream of this kind shrinks its content further: DEFLATE stops at 1032 to 1 (RFC 1951; zlib's
#: technical notes); bzip2 made 1.12 million to 1 of 200 MB of zeros, measured.
GREATEST_RATIO = {"raw": 1.0, "gzip": 1040.0, "zlib": 1040.0, "bzip2": 1.5e6}
#: Padding after the voxels that is read through to reach a stream's checksum, bytes.
MAX_PADDING_BYTES = 1 << 20
#: What a stream is read by, bytes.
CHUNK_BYTES = 1 << 20


class Readable(Protocol):
    """A stream of bytes, plain or unpacked while it is read."""

    def read(self, size: int = -1, /) -> bytes: ...


def check_claim(path: Path, shape: tuple[int, ...], itemsize: int, stored: int, packing: str = "raw") -> int:
    """Bytes of an array that a header claims.

    Raises ``InputError`` where that is more than is ever read, or more than ``stored`` bytes of
    the given packing can hold: before any of it is unpacked or allocated.
    """
    voxels = 1
    for n in shape:
        if n < 1:
            raise InputError(
                f"{shown(path)}: a volume of shape {shape}; one voxel or more along each axis is accepted",
                code="volume-shape",
            )
        voxels *= n
    if voxels > MAX_VOXELS or voxels * itemsize > MAX_BYTES:
        raise InputError(
            f"{shown(path)}: the header claims {_times(shape)} voxels of {itemsize} byte(s);"
            f" at most {MAX_VOXELS:,} voxels and {MAX_BYTES:,} bytes are accepted",
            code="file-too-large",
        )
    if voxels * itemsize > stored * GREATEST_RATIO[packing]:
        raise InputError(
            f"{shown(path)}: the header claims {_times(shape)} voxels ({voxels * itemsize:,} bytes), and the file's"
            f" {max(stored, 0):,} bytes cannot hold them; a whole file is accepted",
            code="volume-truncated",
        )
    return voxels * itemsize


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{n}" for n in shape)


def unpacked(stream: BinaryIO, packing: str) -> Readable:
    """The content of a stream, unpacked only as far as it is read."""
    if packing == "gzip":
        return gzip.GzipFile(fileobj=stream)
    if packing == "bzip2":
        return bz2.BZ2File(stream)
    if packing == "zlib":
        return _Zlib(stream)
    return stream


class _Zlib:
    """A zlib stream, unpacked as it is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._coder = stream, zlib.decompressobj()

    def read(self, size: int = -1, /) -> bytes:
        parts, left = [], size
        while left > 0 and not self._coder.eof:
            source = self._coder.unconsumed_tail or self._stream.read(CHUNK_BYTES)
            part = self._coder.decompress(source, left)
            if not source and not part:
                raise EOFError("the compressed stream ends early")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def finite_values(path: Path, values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """An image's values in single precision. Raises ``InputError`` where one is not finite there."""
    with np.errstate(over="ignore"):
        result = values.astype(np.float32, copy=False)
    if not np.all(np.isfinite(result)):
        raise InputError(f"{shown(path)}: the image holds values that are not finite", code="values-not-finite")
    return result


def read_bytes(stream: Readable, count: int) -> bytes:
    """Exactly ``count`` bytes. Raises ``EOFError`` where the stream ends before."""
    parts, left = [], count
    while left > 0:
        part = stream.read(min(left, CHUNK_BYTES))
        if not part:
            raise EOFError(f"it ends {left:,} bytes early")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_array(
    stream: Readable, shape: tuple[int, ...], dtype: np.dtype[np.generic], packing: str
) -> npt.NDArray[np.generic]:
    """An array stored first axis fastest, (shape), and the checksum that follows it where the packing has one.

    The size was checked by ``check_claim``. Raises ``EOFError`` for a stream that ends early,
    ``ValueError`` for one that goes on, and the packing's own errors.
    """
    flat = np.empty(int(np.prod(shape)), dtype=dtype)
    view = memoryview(flat.view(np.uint8).data)
    done = 0
    while done < len(view):
        part = stream.read(min(len(view) - done, CHUNK_BYTES))
        if not part:
            raise EOFError(f"it ends {len(view) - done:,} bytes early")
        view[done : done + len(part)] = part
        done += len(part)
    if packing != "raw":
        # Only the end of a stream tells whether a bit of it was turned.
        padding = 0
        while part := stream.read(CHUNK_BYTES):
            padding += len(part)
            if padding > MAX_PADDING_BYTES:
                raise ValueError("it holds more than its header says")
    return flat.reshape(shape, order="F")
