"""A tunnel painted by its clearance: where its wall comes near a margin, where it does not, and its portal."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from pykdtree.kdtree import KDTree

from corecore.base.grid import FloatArray, across_axes
from corecore.document.fields import known
from corecore.report.scene import DrawnTunnel, Scene
from corecore.report.zones import margins, zones

#: Kinds of stretch.
PORTAL, CLEAR, NEAR = "portal", "clear", "near"
#: A wall with less room than this over its margin is near it, mm (engineering choice).
NEAR_MM = 2.0
#: Distance between the rings that are judged, and points of a ring.
STEP_MM, RING_POINTS = 1.0, 24


@lru_cache(maxsize=2)
def _tree(scene: Scene) -> KDTree:
    return KDTree(scene.femur.points_mm)


def bands(scene: Scene, tunnel: DrawnTunnel, radius_mm: float, start_mm: float = 0.0) -> list[tuple[float, float, str]]:
    """Stretches (from, to, kind) of a cylinder about a tunnel's axis, mm from the entry, that cover it without a gap.

    Judged by the distance to the drawn surface's points: for colour, not for figures. Without
    margins in the plan all is clear.
    """
    length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
    portal = known(tunnel.figures.portal_length_mm)
    mouth = portal if portal is not None and 0 <= portal < length else 0.0
    edges = np.linspace(start_mm, length, max(2, int(np.ceil((length - start_mm) / STEP_MM)) + 1))
    kinds = [PORTAL if 0.5 * (a + b) < mouth else CLEAR for a, b in pairwise(edges)]
    near = _near(scene, tunnel, radius_mm, edges)
    kinds = [NEAR if close and kind == CLEAR else kind for kind, close in zip(kinds, near, strict=True)]
    found: list[tuple[float, float, str]] = []
    for a, b, kind in zip(edges[:-1], edges[1:], kinds, strict=True):
        if found and found[-1][2] == kind:
            found[-1] = (found[-1][0], float(b), kind)
        else:
            found.append((float(a), float(b), kind))
    return found


def _near(scene: Scene, tunnel: DrawnTunnel, radius_mm: float, edges: FloatArray) -> list[bool]:
    """Whether the wall between two edges comes near the margin of the zone it lies in."""
    u, v = across_axes(tunnel.direction)
    turn = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
    ring = radius_mm * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v)
    wall = (tunnel.entry + edges[:, None] * tunnel.direction)[:, None] + ring
    distance = np.asarray(_tree(scene).query(wall.reshape(-1, 3))[0], dtype=np.float64).reshape(wall.shape[:2])
    head, quarter = zones(scene, wall)
    joint, posterosuperior, cortical = (np.inf if m is None else m for m in margins(scene))
    margin = np.where(head, joint, np.where(quarter, posterosuperior, cortical))
    close = np.any(distance < margin + NEAR_MM, axis=1) & np.all(np.isfinite(margin), axis=1)
    return [bool(a or b) for a, b in pairwise(close)]
