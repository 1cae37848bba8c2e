"""Bone, lesion and tunnels as coloured bodies.

The shading is worked out here and not by a renderer: where a surface is seen square on it is light and
lets one look through, towards its rim it turns dark and dense. So a bone keeps its outline on paper, and
every renderer gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.mesh import CYLINDER_SIDES, TriangleMesh, joined, poly_data, revolved
from corecore.report import captions, palette
from corecore.report.pictures.clearance_colors import CLEAR, NEAR, PORTAL, stretches
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
#: How dark a tunnel of several is near a margin, against its own colour (engineering choice).
NEAR_SHADE = 0.4
#: Longest edge of a tunnel's triangles along its outline, mm: long slivers are slow to paint without a graphics card.
STEP_MM = 2.0
#: Distance between the rings whose clearance is judged, mm.
JUDGED_MM = 1.0
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
        for number, tunnel in enumerate(scene.tunnels):
            color = captions.color_of(scene, number)
            drawn.append(Body(solid_of(tunnel), color, darker(color, 0.6), TUNNEL_ALONG_OPACITY))
    elif scene.tunnels:
        drawn += [Body(mesh, color, darker(color, 0.6), TUNNEL_OPACITY) for color, mesh in painted_tunnels(scene)]
    return drawn


def painted_tunnels(scene: Scene) -> list[tuple[str, TriangleMesh]]:
    """All tunnels by colour: their portals, where they are clear, and where they come near a margin.

    Of several each has its own colour, and a darker one near a margin; one that exceeds a limit is red throughout.
    """
    broken, parts = captions.broken_tunnels(scene), dict[str, list[TriangleMesh]]()
    for number, tunnel in enumerate(scene.tunnels):
        if number in broken:
            parts.setdefault(palette.VIOLATION, []).append(solid_of(tunnel))
            continue
        colors = band_colors(scene, number)
        fine = tunnel.outline(JUDGED_MM)
        outline, kinds = _thinned(fine, np.array(stretches(scene, tunnel, fine)))
        whole = revolved(tunnel.tip, tunnel.direction, outline)
        # Rings run from the back. A lid belongs to the stretch at its end: between two stretches it would show through.
        stretch = np.minimum(whole.triangles.min(axis=1) // CYLINDER_SIDES, len(kinds) - 1)
        for kind in dict.fromkeys(kinds.tolist()):
            mesh = TriangleMesh(whole.points_mm, whole.triangles[kinds[stretch] == kind])
            parts.setdefault(colors[kind], []).append(mesh)
    return [(color, joined(meshes)) for color, meshes in parts.items()]


def band_colors(scene: Scene, index: int) -> dict[str, str]:
    """Colours of the stretches of a tunnel that exceeds no limit, counted from 0."""
    if len(scene.tunnels) == 1:
        return BAND_COLORS
    own = palette.tunnel_color(index)
    return {PORTAL: palette.TUNNEL_PORTAL, CLEAR: own, NEAR: darker(own, NEAR_SHADE)}


def _thinned(outline: FloatArray, kinds: npt.NDArray[np.str_]) -> tuple[FloatArray, npt.NDArray[np.str_]]:
    """An outline (N, 3) without rings that lie straight between two of one kind, no two further apart than a step.

    ``kinds``: of its stretches from the back on; those of the stretches that are left.
    """
    rings = outline[::-1][outline[::-1, 1] > 0.0]
    kept = [0]
    for here in range(1, len(rings) - 1):
        before, after = rings[kept[-1], :2], rings[here + 1, :2]
        way, part = after - before, rings[here, :2] - before
        straight = abs(way[0] * part[1] - way[1] * part[0]) < 1e-9
        if not straight or kinds[here - 1] != kinds[here] or np.hypot(*way) > STEP_MM + 1e-9:
            kept.append(here)
    kept.append(len(rings) - 1)
    return rings[kept][::-1], kinds[kept[:-1]]


def solid_of(tunnel: DrawnTunnel) -> TriangleMesh:
    """What the instrument takes, as a closed body."""
    return revolved(tunnel.tip, tunnel.direction, tunnel.outline(STEP_MM))


def darker(color: str, factor: float) -> str:
    return "#" + "".join(f"{round(v * 255 * factor):02X}" for v in palette.rgb(color))
