"""3MF files: several named bodies, their unit and their notes in one file.

The core specification (3MF Consortium, version 1.3) names the unit and no frame; the bodies are
written in LPS mm like the STL files, and the description says so. A 3MF file is a zip archive of
three small parts, written here without a library.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from corecore.base.errors import InputError
from corecore.base.mesh import TriangleMesh
from corecore.io.files import atomic_write_bytes
from corecore.io.transform import LPS_FROM_RAS

NAMESPACE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>\n'
)
_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Target="/3D/3dmodel.model" Id="rel0"'
    ' Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>\n'
)
#: Decimals of a coordinate: 1e-5 mm, finer than single precision holds a thousand millimetres.
DECIMALS = 5


@dataclass(frozen=True, eq=False)
class Body:
    """A closed mesh in world RAS mm with its name."""

    name: str
    mesh: TriangleMesh


def write_3mf(bodies: Sequence[Body], path: Path, *, title: str, description: str) -> None:
    """Writes bodies in LPS mm, one object each; the file appears whole or not at all.

    The same bodies give the same bytes. Raises ``InputError`` for no body, or one that is not closed:
    the specification asks for manifold meshes.
    """
    if not bodies:
        raise InputError(f"{path}: nothing to write; one body or more is accepted", code="geometry-invalid")
    for body in bodies:
        if not body.mesh.is_closed:
            raise InputError(
                f"{path}: {body.name} is not closed; a watertight body is accepted", code="geometry-invalid"
            )
    parts = [_object(number, body) for number, body in enumerate(bodies, start=1)]
    items = "".join(f'<item objectid="{number}"/>' for number in range(1, len(bodies) + 1))
    model = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<model unit="millimeter" xml:lang="en-US" xmlns="{NAMESPACE}">'
        f'<metadata name="Title">{_clean(title)}</metadata>'
        f'<metadata name="Description">{_clean(description)}</metadata>'
        '<metadata name="Application">corecore</metadata>'
        f"<resources>{''.join(parts)}</resources><build>{items}</build></model>\n"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("[Content_Types].xml", _TYPES), ("_rels/.rels", _RELATIONS), ("3D/3dmodel.model", model),
        ):  # fmt: skip
            # A fixed date: the same bodies give the same bytes.
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text.encode("utf-8"))
    atomic_write_bytes(Path(path), stream.getvalue())


def _object(number: int, body: Body) -> str:
    mesh = body.mesh.transformed(LPS_FROM_RAS)
    # Adding 0 turns a negative zero into zero.
    points = np.round(mesh.points_mm, DECIMALS) + 0.0
    vertices = "".join(f'<vertex x="{x:.5f}" y="{y:.5f}" z="{z:.5f}"/>' for x, y, z in points)
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in mesh.triangles)
    name = quoteattr("".join(c for c in body.name if c.isprintable()))
    return (
        f'<object id="{number}" type="model" name={name}><mesh>'
        f"<vertices>{vertices}</vertices><triangles>{triangles}</triangles></mesh></object>"
    )


def _clean(text: str) -> str:
    # XML 1.0 has no way to say a control character.
    return escape("".join(c if c.isprintable() else " " for c in text))
