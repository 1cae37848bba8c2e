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
#: Points of a ring that are judged.
RING_POINTS = 24


@lru_cache(maxsize=2)
def _tree(scene: Scene) -> KDTree:
    return KDTree(scene.femur.points_mm)


def stretches(scene: Scene, tunnel: DrawnTunnel, outline: FloatArray) -> list[str]:
    """The kind of each stretch between two rings of a tunnel's outline, from the entry on; (N - 1,) kinds.

    ``outline`` (N, 3): as of ``DrawnTunnel.outline``; a row without a radius is no ring. Judged by the distance to the
    drawn surface's points: for colour, not for figures. Without margins in the plan all is clear.
    """
    rings = outline[::-1][outline[::-1, 1] > 0.0]
    along, radii = tunnel.length_mm - rings[:, 0], rings[:, 1]
    portal = known(tunnel.figures.portal_length_mm)
    mouth = portal if portal is not None and 0 <= portal < tunnel.length_mm else 0.0
    kinds = [PORTAL if 0.5 * (a + b) < mouth else CLEAR for a, b in pairwise(along)]
    near = _near(scene, tunnel, along, radii)
    # A guide pin keeps a margin of its own.
    pin = [bool(a or b) for a, b in pairwise(rings[:, 2] > 0.0)]
    return [
        NEAR if close and kind == CLEAR and not of_pin else kind
        for kind, close, of_pin in zip(kinds, near, pin, strict=True)
    ]


def _near(scene: Scene, tunnel: DrawnTunnel, along: FloatArray, radii: FloatArray) -> list[bool]:
    """Whether the wall between two rings comes near the margin of the zone it lies in."""
    u, v = across_axes(tunnel.direction)
    turn = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
    ring = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
    wall = (tunnel.entry + along[:, None] * tunnel.direction)[:, None] + radii[:, None, None] * ring
    distance = np.asarray(_tree(scene).query(wall.reshape(-1, 3))[0], dtype=np.float64).reshape(wall.shape[:2])
    head, quarter = zones(scene, wall)
    joint, posterosuperior, cortical = (np.inf if m is None else m for m in margins(scene))
    margin = np.where(head, joint, np.where(quarter, posterosuperior, cortical))
    close = np.any(distance < margin + NEAR_MM, axis=1) & np.all(np.isfinite(margin), axis=1)
    return [bool(a or b) for a, b in pairwise(close)]
