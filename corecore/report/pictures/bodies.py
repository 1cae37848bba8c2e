"""Bone, lesion and tunnels as coloured triangles before a camera.

The shading is worked out here and not by the painter: where a surface is seen square on it is
light and lets one look through, towards its rim it turns dark and dense. So a bone keeps its
outline on paper, and every painter gives the same picture.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.mesh import TriangleMesh
from corecore.report import captions, palette
from corecore.report.pictures.camera import Camera
from corecore.report.pictures.clearance_colors import CLEAR, NEAR, PORTAL, bands
from corecore.report.pictures.shapes import cylinder
from corecore.report.pictures.software_renderer import Layer
from corecore.report.scene import DrawnTunnel, Scene

#: Opacity of the bone seen square on and at its rim (engineering choice, judged by eye).
BONE_OPACITY = (0.36, 1.0)
LESION_OPACITY = (0.72, 1.0)
#: The lesion is painted this much nearer, mm: where it reaches the bone's surface the two coincide,
#: and their mixture would be mottled.
LESION_NEARER_MM = 0.8
#: A cavity may hold the whole lesion: one must see it inside.
TUNNEL_OPACITY = (0.78, 0.95)
#: Colours of a tunnel's stretches.
BAND_COLORS = {PORTAL: palette.TUNNEL_PORTAL, CLEAR: palette.TUNNEL, NEAR: palette.TUNNEL_NEAR}
#: Along a tunnel one looks through it at what it removes.
TUNNEL_ALONG_OPACITY = (0.35, 0.35)


def layers(scene: Scene, camera: Camera, width: int, height: int, *, along: bool) -> list[Layer]:
    """Bone, lesion and tunnels as a painter takes them."""
    drawn = [
        _layer(scene.femur, camera, width, height, palette.BONE, palette.BONE_EDGE, BONE_OPACITY),
        _nearer(
            _layer(scene.lesion, camera, width, height, palette.LESION, darker(palette.LESION, 0.55), LESION_OPACITY)
        ),
    ]
    if along and scene.tunnels:
        color = tunnel_color(scene)
        together = _joined([solid for tunnel in scene.tunnels for solid in solids(tunnel)])
        drawn.append(_layer(together, camera, width, height, color, darker(color, 0.6), TUNNEL_ALONG_OPACITY))
    elif scene.tunnels:
        for color, mesh in painted_tunnels(scene):
            drawn.append(_layer(mesh, camera, width, height, color, darker(color, 0.6), TUNNEL_OPACITY))
    return drawn


def painted_tunnels(scene: Scene) -> list[tuple[str, TriangleMesh]]:
    """All tunnels by colour: their portals, where they are clear, and where they come near a margin; else all red."""
    if captions.violations(scene):
        return [(palette.VIOLATION, _joined([solid for tunnel in scene.tunnels for solid in solids(tunnel)]))]
    parts: dict[str, list[TriangleMesh]] = {kind: [] for kind in BAND_COLORS}
    for tunnel in scene.tunnels:
        cylinders = [(0.0, tunnel.diameter_mm / 2)]
        length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
        if tunnel.cavity_diameter_mm > 0:
            cylinders.append((max(length - tunnel.cavity_length_mm, 0.0), tunnel.cavity_diameter_mm / 2))
        for begin, radius in cylinders:
            found = bands(scene, tunnel, radius, begin)
            for number, (start, end, kind) in enumerate(found):
                ends = [tunnel.entry + at * tunnel.direction for at in (start, end)]
                # Lids only where the drill ends: between two stretches they would show through.
                lids = {"first_lid": number == 0, "last_lid": number == len(found) - 1}
                parts[kind].append(cylinder(ends[0], ends[1], radius, **lids))
    return [(BAND_COLORS[kind], _joined(meshes)) for kind, meshes in parts.items() if meshes]


def solids(tunnel: DrawnTunnel) -> list[TriangleMesh]:
    """The drilled cylinder, and the cavity where there is one."""
    result = [cylinder(tunnel.entry, tunnel.tip, tunnel.diameter_mm / 2)]
    if tunnel.cavity_diameter_mm > 0:
        start = tunnel.tip - tunnel.cavity_length_mm * tunnel.direction
        result.append(cylinder(start, tunnel.tip, tunnel.cavity_diameter_mm / 2))
    return result


def tunnel_color(scene: Scene) -> str:
    """Blue, and red where the plan breaks a constraint."""
    return palette.VIOLATION if captions.violations(scene) else palette.TUNNEL


def _layer(
    mesh: TriangleMesh, camera: Camera, width: int, height: int, face: str, edge: str, opacity: tuple[float, float]
) -> Layer:
    """A mesh before a camera: its colour goes from ``face`` where seen square on to ``edge`` at its rim."""
    place = camera.project(mesh.points_mm)
    scale = width / camera.width_mm
    pixels = np.stack([width / 2 + place[:, 0] * scale, height / 2 - place[:, 1] * scale, place[:, 2]], axis=1)
    square = np.clip(-(_point_normals(mesh) @ camera.into), 0.0, 1.0)
    ends = np.array([[*palette.rgb(face), opacity[0]], [*palette.rgb(edge), opacity[1]]])
    return Layer(pixels, mesh.triangles, (1.0 - square) ** 2, ends)


def _point_normals(mesh: TriangleMesh) -> FloatArray:
    """Unit normals at the points, (N, 3): the mean over the triangles that meet there, by area."""
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    face = np.cross(b - a, c - a)
    total = np.zeros_like(mesh.points_mm)
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(mesh.triangles[:, corner], face[:, axis], len(total))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.where(length > 0, length, 1.0), dtype=np.float64)


def _joined(meshes: list[TriangleMesh]) -> TriangleMesh:
    first = np.cumsum([0] + [len(mesh.points_mm) for mesh in meshes[:-1]])
    triangles = [mesh.triangles + start for mesh, start in zip(meshes, first, strict=True)]
    return TriangleMesh(np.concatenate([mesh.points_mm for mesh in meshes]), np.concatenate(triangles))


def _nearer(layer: Layer) -> Layer:
    return replace(layer, points=layer.points - np.array([0.0, 0.0, LESION_NEARER_MM]))


def darker(color: str, factor: float) -> str:
    return "#" + "".join(f"{round(v * 255 * factor):02X}" for v in palette.rgb(color))
