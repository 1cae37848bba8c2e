"""Bone, lesion and tunnels as STL files, LPS mm, a folder."""

from __future__ import annotations

from pathlib import Path

from corecore.export.parcel import Parcel, folder_for
from corecore.io.files import atomic_write_text
from corecore.io.stl import NOTE_LENGTH, write_stl


def export_stl(parcel: Parcel, out: Path) -> list[Path]:
    """``femur.stl``, ``lesion.stl``, ``tunnel_N.stl`` (``cavity_N.stl``) and ``README.md`` in ``out``.

    The folder gets all of them or none.
    """
    with folder_for(out) as stage:
        names = write_bodies(parcel, stage)
        atomic_write_text(stage / "README.md", parcel.about())
    return [out / name for name in [*names, "README.md"]]


def write_bodies(parcel: Parcel, folder: Path) -> list[str]:
    """The bodies as STL files in a folder; their names."""
    femur, lesion = parcel.surfaces
    note = parcel.stamp.header(NOTE_LENGTH)
    names = []
    for name, mesh in [("femur", femur), ("lesion", lesion), *parcel.tunnel_bodies]:
        write_stl(mesh, folder / f"{name}.stl", note=note)
        names.append(f"{name}.stl")
    return names
