"""Bone, lesion and tunnels as coloured bodies.

The shading is worked out here and not by a renderer: where a surface is seen square on it is light and
lets one look through, towards its rim it turns dark and dense. So a bone keeps its outline on paper, and
every renderer gives the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.mesh import TriangleMesh, cylinder, joined, poly_data
from corecore.report import captions, palette
from corecore.report.pictures.clearance_colors import CLEAR, NEAR, PORTAL, bands
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
#: Longest edge of a tunnel's triangles, mm: long slivers are slow to paint without a graphics card.
STEP_MM = 2.0
#: Along a tunnel one looks through it at what it removes.
TUNNEL_ALONG_OPACITY = (0.35, 0.35)


@dataclass(frozen=True, eq=False)
class Body:
    """One mesh, world RAS mm, painted from ``face`` where it is seen square on to ``edge`` at its rim.

    ``opacity``: at the face and at the rim, 0..1. ``nearer_mm``: how much nearer than it lies it is painted.
    """

    mesh: TriangleMesh
    face: str
    edge: str
    opacity: tuple[float, float]
    nearer_mm: float = 0.0

    @cached_property
    def normals(self) -> FloatArray:
        """Outward unit normals at the points, (N, 3)."""
        data = poly_data(self.mesh).compute_normals(
            cell_normals=False, split_vertices=False, consistent_normals=False, auto_orient_normals=False
        )
        return np.asarray(data.point_normals, dtype=np.float64)

    def shade(self, into: FloatArray) -> FloatArray:
        """How far each point's colour has gone from face to rim, (N,) in 0..1, seen along ``into`` (3,)."""
        return np.asarray((1.0 - np.clip(-(self.normals @ into), 0.0, 1.0)) ** 2)

    def colors(self, shade: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Red, green, blue and opacity in 0..1 of shades (...), shape (..., 4)."""
        face, edge = (
            np.array([*palette.rgb(color), opacity], dtype=np.float32)
            for color, opacity in zip((self.face, self.edge), self.opacity, strict=True)
        )
        return np.asarray(face + shade[..., None].astype(np.float32) * (edge - face))


def bodies(scene: Scene, *, along: bool) -> list[Body]:
    """What is painted: bone, lesion, and the tunnels; ``along``: as seen down a tunnel."""
    lesion_edge = darker(palette.LESION, 0.55)
    drawn = [
        Body(scene.femur, palette.BONE, palette.BONE_EDGE, BONE_OPACITY),
        Body(scene.lesion, palette.LESION, lesion_edge, LESION_OPACITY, LESION_NEARER_MM),
    ]
    if along and scene.tunnels:
        color = tunnel_color(scene)
        together = joined([solid for tunnel in scene.tunnels for solid in solids(tunnel)])
        drawn.append(Body(together, color, darker(color, 0.6), TUNNEL_ALONG_OPACITY))
    elif scene.tunnels:
        drawn += [Body(mesh, color, darker(color, 0.6), TUNNEL_OPACITY) for color, mesh in painted_tunnels(scene)]
    return drawn


def painted_tunnels(scene: Scene) -> list[tuple[str, TriangleMesh]]:
    """All tunnels by colour: their portals, where they are clear, and where they come near a margin; else all red."""
    if captions.violations(scene):
        return [(palette.VIOLATION, joined([solid for tunnel in scene.tunnels for solid in solids(tunnel)]))]
    parts: dict[str, list[TriangleMesh]] = {kind: [] for kind in BAND_COLORS}
    for tunnel in scene.tunnels:
        for start_mm, radius_mm in _cylinders(tunnel):
            found = bands(scene, tunnel, radius_mm, start_mm)
            ends = [end for _, end, _ in found]
            whole = _cylinder(tunnel, start_mm, radius_mm, ends)
            # Lids belong to the stretches at the ends: between two stretches they would show through.
            along = (whole.corners_mm.mean(axis=1) - tunnel.entry) @ tunnel.direction
            stretch = np.minimum(np.searchsorted(ends, along), len(found) - 1)
            for number, (_, _, kind) in enumerate(found):
                parts[kind].append(TriangleMesh(whole.points_mm, whole.triangles[stretch == number]))
    return [(BAND_COLORS[kind], joined(meshes)) for kind, meshes in parts.items() if meshes]


def solids(tunnel: DrawnTunnel) -> list[TriangleMesh]:
    """The drilled cylinder, and the cavity where there is one."""
    return [_cylinder(tunnel, start_mm, radius_mm) for start_mm, radius_mm in _cylinders(tunnel)]


def _cylinder(tunnel: DrawnTunnel, start_mm: float, radius_mm: float, stops_mm: Sequence[float] = ()) -> TriangleMesh:
    """A tunnel's cylinder from ``start_mm`` after the entry to the tip, with rings at ``stops_mm`` among others."""
    length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
    steps = np.linspace(start_mm, length, max(2, int(np.ceil((length - start_mm) / STEP_MM)) + 1))
    stops = np.unique([*steps, *stops_mm])
    # Rings closer than this are one: the lengths of stretches are sums.
    stops = stops[np.append(np.diff(stops) > 1e-6, True)]
    return cylinder(tunnel.entry + stops[:, None] * tunnel.direction, radius_mm)


def _cylinders(tunnel: DrawnTunnel) -> list[tuple[float, float]]:
    """Where each of a tunnel's cylinders begins, mm from the entry, and its radius, mm; all end at the tip."""
    found = [(0.0, tunnel.diameter_mm / 2)]
    if tunnel.cavity_diameter_mm > 0:
        length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
        found.append((max(length - tunnel.cavity_length_mm, 0.0), tunnel.cavity_diameter_mm / 2))
    return found


def tunnel_color(scene: Scene) -> str:
    """Blue, and red where the plan breaks a constraint."""
    return palette.VIOLATION if captions.violations(scene) else palette.TUNNEL


def darker(color: str, factor: float) -> str:
    return "#" + "".join(f"{round(v * 255 * factor):02X}" for v in palette.rgb(color))
