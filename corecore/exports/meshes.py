"""Bone, lesion and tunnels as STL files, LPS mm, a folder.

Bone, lesion and tunnels as one 3MF file: named bodies in millimetres.
"""

from __future__ import annotations

from pathlib import Path

from corecore.exports.export_context import ExportContext, folder_for
from corecore.io.files import atomic_write_text
from corecore.io.stl import NOTE_LENGTH, write_stl
from corecore.io.threemf import Body, write_3mf


def export_stl(parcel: ExportContext, out: Path) -> list[Path]:
    """``femur.stl``, ``lesion.stl``, ``tunnel_N.stl`` (``cavity_N.stl``) and ``README.md`` in ``out``.

    The folder gets all of them or none.
    """
    with folder_for(out) as stage:
        names = write_bodies(parcel, stage)
        atomic_write_text(stage / "README.md", parcel.about())
    return [out / name for name in [*names, "README.md"]]


def write_bodies(parcel: ExportContext, folder: Path) -> list[str]:
    """The bodies as STL files in a folder; their names."""
    femur, lesion = parcel.surfaces
    note = parcel.stamp.header(NOTE_LENGTH)
    names = []
    for name, mesh in [("femur", femur), ("lesion", lesion), *parcel.tunnel_bodies]:
        write_stl(mesh, folder / f"{name}.stl", note=note)
        names.append(f"{name}.stl")
    return names


def export_3mf(parcel: ExportContext, out: Path) -> list[Path]:
    """One object a body; identity and frame stand in the title and the description."""
    femur, lesion = parcel.surfaces
    bodies = [Body(name, mesh) for name, mesh in [("femur", femur), ("lesion", lesion), *parcel.tunnel_bodies]]
    description = f"Frame: LPS, mm. {parcel.stamp.text()}"
    write_3mf(bodies, out, title=parcel.stamp.who, description=description)
    return [out]
