"""A folder for 3D Slicer: the whole plan as one scene, and its lines, planes and models as files of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from corecore.base.grid import inverse
from corecore.base.mesh import TriangleMesh
from corecore.exports.export_context import ExportContext, folder_for
from corecore.exports.meshes import write_bodies
from corecore.exports.slicer_scene import NAME, Drawn, write_scene
from corecore.hip.anatomy.frame import entry_zone
from corecore.io.files import atomic_write_text
from corecore.io.markups import MarkupLine, MarkupPlane, write_lines, write_planes
from corecore.io.stl import NOTE_LENGTH, write_stl
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import level_raise_mm

#: Where across a tunnel a plane stands: shares of its length.
STATIONS = (("at the entry", 0.0), ("half-way", 0.5), ("at the tip", 1.0))
#: Edge of such a plane, in head radii: it shows head and neck whole.
PLANE_RADII = 3.0
#: The entry zone is drawn this far off the bone, mm, or the two surfaces would flicker through each other.
ZONE_LIFT_MM = 0.15


def export_slicer(parcel: ExportContext, out: Path) -> list[Path]:
    """Scene, markups and models in ``out``; ``entry_zone.stl`` is left out where the limits leave no zone.

    The folder gets all of them or none. Markups and STL are in LPS mm, as Slicer takes them.
    """
    note = parcel.stamp.text()
    with folder_for(out) as stage:
        names = write_bodies(parcel, stage)
        lines, planes = [], []
        for number, tunnel in enumerate(parcel.tunnels, start=1):
            entry, tip = parcel.ends(tunnel)
            lines.append(MarkupLine(f"tunnel {number}", entry, tip, note))
            planes += across_planes(parcel, tunnel, f"tunnel {number}", note)
        write_lines(lines, stage / "tunnels.mrk.json")
        write_planes(planes, stage / "planes.mrk.json")
        names += ["tunnels.mrk.json", "planes.mrk.json"]
        pins = pin_lines(parcel, note)
        if pins:
            write_lines(pins, stage / "pins.mrk.json")
            names.append("pins.mrk.json")
        zone = zone_mesh(parcel)
        if len(zone.triangles):
            write_stl(zone, stage / "entry_zone.stl", note=parcel.stamp.header(NOTE_LENGTH))
            names.append("entry_zone.stl")
        write_scene(parcel, Drawn(lines, pins, planes, zone), stage / NAME)
        names.append(NAME)
        atomic_write_text(stage / "README.md", parcel.about())
    return [out / name for name in [*names, "README.md"]]


def pin_lines(parcel: ExportContext, note: str) -> list[MarkupLine]:
    """What guide pins drill ahead of their instruments, each from the tunnel's tip to the pin's end."""
    lines = []
    for number, tunnel in enumerate(parcel.tunnels, start=1):
        ahead = -tunnel.body.front_mm
        if ahead > 0.0:
            entry, tip = parcel.ends(tunnel)
            end = tip + ahead * (tip - entry) / np.linalg.norm(tip - entry)
            lines.append(MarkupLine(f"guide pin {number}", tip, end, note))
    return lines


def across_planes(parcel: ExportContext, tunnel: Tunnel, name: str, note: str) -> list[MarkupPlane]:
    """Planes across a tunnel at its entry, half-way and at its tip; their normals point to the tip."""
    entry, tip = parcel.ends(tunnel)
    into = (tip - entry) / np.linalg.norm(tip - entry)
    up = parcel.hip.direction_to_world(parcel.hip.anatomy.shaft_axis)
    # A tunnel leans against the shaft by 110 degrees and more, so the two never run alike.
    second = up - (up @ into) * into
    second = second / np.linalg.norm(second)
    axes = np.stack([np.cross(second, into), second, into])
    width = PLANE_RADII * parcel.hip.anatomy.head_radius_mm
    return [
        MarkupPlane(f"{name} {where}", entry + share * (tip - entry), axes, width, note) for where, share in STATIONS
    ]


def zone_mesh(parcel: ExportContext) -> TriangleMesh:
    """The part of the bone's surface where the middle of the first tunnel's mouth may lie, world RAS mm; open.

    The hole's edges keep the bounds, so the zone is narrower than they are by half a hole, for a hole
    drilled at the first tunnel's angle to the shaft.
    """
    hip, spec, (tunnel, figures) = parcel.hip, parcel.plan.spec, parcel.plan.tunnels[0]
    femur = parcel.surfaces[0]
    middles = hip.to_local(femur.corners_mm.mean(axis=1))
    normals = femur.normals @ inverse(hip.world_from_local)[:3, :3].T
    rise = tunnel.radius_mm / float(np.sin(np.radians(figures.shaft_angle_deg)))
    allowed = entry_zone(
        replace(hip.bone, surface_points_mm=middles, surface_normals=normals),
        hip.anatomy,
        lower_mm=spec.entry_distal_mm + level_raise_mm(hip.anatomy) + rise,
        upper_mm=spec.entry_proximal_mm - rise,
        normal_max_deg=spec.entry_normal_max_deg,
        ap_max_mm=spec.entry_ap_max_mm,
    )
    allowed &= hip.bone.distance_to_cut(middles) >= spec.radius_mm + spec.cortical_margin_mm
    kept = femur.triangles[allowed]
    used, renamed = np.unique(kept, return_inverse=True)
    lift = np.zeros_like(femur.points_mm)
    for corner in range(3):
        np.add.at(lift, kept[:, corner], femur.normals[allowed])
    size = np.linalg.norm(lift[used], axis=1, keepdims=True)
    points = femur.points_mm[used] + ZONE_LIFT_MM * lift[used] / np.where(size > 0.0, size, 1.0)
    return TriangleMesh(points, renamed.reshape(-1, 3))
