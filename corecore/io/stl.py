"""Binary STL files in LPS millimetres.

STL carries neither frame nor unit. 3D Slicer reads such a file as LPS mm, so that is what
is written, and the header says so. Inside, meshes are in world RAS mm.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from corecore.base.errors import InputError
from corecore.base.input_file import reading
from corecore.base.mesh import TriangleMesh
from corecore.io.bounded import opened, regular_file
from corecore.io.files import atomic_write_bytes
from corecore.io.transform import LPS_FROM_RAS

WHAT = "a binary STL file"
#: Largest file read, bytes: ten million triangles (engineering choice).
SIZE_LIMIT_BYTES = 500_000_084
#: The 80 bytes that open the file. They must not begin with "solid", by which readers know text files.
HEADER = b"LPS mm, corecore"
#: Room for a note after it, characters.
NOTE_LENGTH = 80 - len(HEADER) - 1
#: One triangle on disk: normal, three corners, two unused bytes, 50 bytes in all.
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
#: Bytes before the first triangle: the header and the count.
PREAMBLE_BYTES = 84


def write_stl(mesh: TriangleMesh, path: Path, *, note: str = "") -> None:
    """Writes a mesh given in world RAS mm as a binary STL file in LPS mm; it appears whole or not at all.

    ``note`` follows in the header as far as 80 characters of ASCII reach. Raises ``InputError`` for a
    mesh without triangles, ``OutputError`` where it cannot be written.
    """
    if len(mesh.triangles) == 0:
        raise InputError(f"{path}: a mesh without triangles cannot be written as STL", code="geometry-invalid")
    turned = mesh.transformed(LPS_FROM_RAS)
    records = np.zeros(len(turned.triangles), dtype=RECORD)
    records["normal"] = turned.normals
    records["corners"] = turned.corners_mm
    count = len(records).to_bytes(4, "little")
    header = HEADER + (f" {note}" if note else "").encode("ascii", "replace")
    atomic_write_bytes(Path(path), header[:80].ljust(80, b" ") + count + records.tobytes())


def read_stl(path: Path) -> TriangleMesh:
    """A binary STL file in LPS mm as a mesh in world RAS mm, equal corners joined.

    A header that names RAS, as 3D Slicer writes on request (``SPACE=RAS``), is obeyed. Raises
    ``InputError`` for text STL and for a file whose length does not fit its count.
    """
    path = Path(path)
    with reading(path, WHAT):
        # The length is known before the content is: a false count takes no memory.
        size = regular_file(path, WHAT, SIZE_LIMIT_BYTES)
        with opened(path, WHAT, SIZE_LIMIT_BYTES) as file:
            preamble = file.read(PREAMBLE_BYTES)
            count = int.from_bytes(preamble[80:84], "little")
            if len(preamble) < PREAMBLE_BYTES or size != PREAMBLE_BYTES + count * RECORD.itemsize:
                kind = "text STL" if preamble[:5].lower() == b"solid" else f"{size} bytes for {count} triangles"
                raise InputError(
                    f"{path}: {kind}; a binary STL file of 84 + 50 bytes a triangle is accepted", code="file-damaged"
                )
            records = np.frombuffer(file.read(), dtype=RECORD, count=count)
    corners = records["corners"].reshape(-1, 3).astype(np.float64)
    if not np.all(np.isfinite(corners)):
        raise InputError(
            f"{path}: has corners that are not finite numbers; finite millimetres are accepted", code="file-damaged"
        )
    points, named = np.unique(corners, axis=0, return_inverse=True)
    mesh = TriangleMesh(points, named.reshape(-1, 3))
    return mesh if b"SPACE=RAS" in preamble[:80] else mesh.transformed(LPS_FROM_RAS)
