"""Bone, lesion and tunnels as one 3MF file: named bodies in millimetres."""

from __future__ import annotations

from pathlib import Path

from corecore.export.parcel import Parcel
from corecore.io.threemf import Body, write_3mf


def export_3mf(parcel: Parcel, out: Path) -> list[Path]:
    """One object a body; identity and frame stand in the title and the description."""
    femur, lesion = parcel.surfaces
    bodies = [Body(name, mesh) for name, mesh in [("femur", femur), ("lesion", lesion), *parcel.tunnel_bodies]]
    description = f"Frame: LPS, mm. {parcel.stamp.text()}"
    write_3mf(bodies, out, title=parcel.stamp.who, description=description)
    return [out]
