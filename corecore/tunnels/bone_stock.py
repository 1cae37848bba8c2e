"""The bone a plan leaves standing: simple proxies, each with the study it comes from (``docs/design/standing.md``).

None of them predicts a fracture. They say how much of the neck and of the lateral wall the
drill takes, and where its holes lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray, across_axes
from corecore.base.spec import Spec
from corecore.document.totals import BoneLeftPart
from corecore.hip.anatomy.zones import HEAD_PLANE_RADII, NECK_END_RADII, NECK_SECTION_RADII
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, level_raise_mm, wall_share
from corecore.tunnels.tunnel_set import SHARED_PORTAL_MM, bridge_mm, portals_of

#: Distance between sections, and raster of a section, mm.
SECTION_STEP_MM, RASTER_MM = 1.0, 0.5
#: Half-width of a section's raster, head radii.
REACH_RADII = 1.8
#: Tunnels whose directions differ by less are parallel, degrees (engineering choice).
PARALLEL_DEG = 2.0


@dataclass(frozen=True)
class BoneStock:
    """Residual bone stock: how much of neck and lateral wall the tunnels take; none of it predicts a fracture.

    Sources of the figures: ``docs/design/standing.md``.

    Parameters
    ----------
    neck_share_max : float or None
        Maximum neck cross-section loss, 0 to 1; ``None`` where there is no section.
    neck_share_at_mm : float or None
        How far from the head's centre that section lies, mm.
    hole_above_lesser_trochanter_mm : float
        Inferior margin of the lowest entry hole above the lesser trochanter's level, mm.
    bridge_mm : float or None
        Least bone between two separate holes, mm; ``None`` where there are no two.
    lateral_wall_share : float or None
        Lateral-wall defect: width of the holes over that of the bone lateral of the shaft's axis, at the height where
        it is greatest.
    neck_bridge_mm : float or None
        Least bone between the walls of two tunnels in the neck, mm, negative where they meet; ``None`` where no two
        pass it.
    holes : int
        Number of separate entry holes.
    pattern : {"single", "fan", "parallel", "separate"}
        How the tunnels lie to each other.
    spread_deg : float or None
        Greatest angle between two tunnels, degrees.
    """

    neck_share_max: float | None
    neck_share_at_mm: float | None
    hole_above_lesser_trochanter_mm: float
    bridge_mm: float | None
    lateral_wall_share: float | None
    neck_bridge_mm: float | None
    holes: int
    pattern: str
    spread_deg: float | None

    def part(self) -> BoneLeftPart:
        """As in ``plan.json``."""
        return BoneLeftPart(**vars(self))


def bone_left(hip: Hip, spec: Spec, tunnels: Sequence[tuple[Tunnel, TunnelFigures]]) -> BoneStock:
    """The proxies of a plan's tunnels. Raises ``ValueError`` without a tunnel."""
    if not tunnels:
        raise ValueError("no tunnel; at least one is needed")
    drilled = [tunnel for tunnel, _ in tunnels]
    share, at_mm = neck_share(hip, drilled)
    portals = portals_of(np.array([tunnel.entry for tunnel in drilled]))
    turns = [_angle_deg(first.direction, second.direction) for first, second in combinations(drilled, 2)]
    spread = max(turns, default=None)
    return BoneStock(
        neck_share_max=share,
        neck_share_at_mm=at_mm,
        hole_above_lesser_trochanter_mm=lowest_hole_mm(hip, [figures for _, figures in tunnels]),
        bridge_mm=least_bridge_mm(hip, drilled),
        lateral_wall_share=wall_share(hip.anatomy, drilled),
        neck_bridge_mm=neck_bridge_mm(hip, drilled),
        holes=len(set(portals)),
        pattern=_pattern(len(drilled), len(set(portals)), spread),
        spread_deg=spread,
    )


def lowest_hole_mm(hip: Hip, measured: Sequence[TunnelFigures]) -> float:
    """Height of the lowest hole's lowest edge above the lesser trochanter's level."""
    # The raise of an assumed level belongs to the limit, not to where the hole lies.
    return min(figures.entry_edge_low_mm for figures in measured) + level_raise_mm(hip.anatomy)


def least_bridge_mm(hip: Hip, tunnels: Sequence[Tunnel]) -> float | None:
    """Least bone between two separate holes; ``None`` where there are no two."""
    apart = [
        bridge_mm(hip, first, second)
        for first, second in combinations(tunnels, 2)
        if np.linalg.norm(first.entry - second.entry) > SHARED_PORTAL_MM
    ]
    return min(apart, default=None)


def neck_bridge_mm(hip: Hip, tunnels: Sequence[Tunnel]) -> float | None:
    """Least bone between two tunnels' walls in the neck, 0.5 to 2 R from the head's centre; ``None`` without two there.

    Of their shafts: what an instrument's tip or cavity is wider by does not count. Negative where walls meet.
    """
    anatomy = hip.anatomy
    parts = []
    for tunnel in tunnels:
        # Along the axis the distance from the head's centre falls evenly.
        ends = np.stack([tunnel.entry, tunnel.tip])
        away = -(ends - anatomy.head_center) @ anatomy.neck_axis / anatomy.head_radius_mm
        if away[0] - away[1] < 1e-9:
            continue
        first, last = np.clip((away[0] - np.array([NECK_END_RADII, HEAD_PLANE_RADII])) / (away[0] - away[1]), 0.0, 1.0)
        if last > first:
            way = ends[1] - ends[0]
            parts.append((ends[0] + first * way, ends[0] + last * way, tunnel.radius_mm))
    gaps = [
        _segments_apart(first[0], first[1], second[0], second[1]) - first[2] - second[2]
        for first, second in combinations(parts, 2)
    ]
    return min(gaps, default=None)


def _segments_apart(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> float:
    """Least distance between the segments from ``a`` to ``b`` and from ``c`` to ``d``, (3,) each, mm."""
    u, v, w = b - a, d - c, a - c
    uu, uv, vv, uw, vw = u @ u, u @ v, v @ v, u @ w, v @ w
    square = uu * vv - uv * uv
    s = float(np.clip((uv * vw - vv * uw) / square, 0.0, 1.0)) if square > 1e-12 * uu * vv else 0.0
    # The nearest place of the second segment to it, and of the first to that.
    t = float(np.clip((uv * s + vw) / vv, 0.0, 1.0))
    s = float(np.clip((uv * t - uw) / uu, 0.0, 1.0))
    return float(np.linalg.norm(w + s * u - t * v))


def neck_share(hip: Hip, tunnels: Sequence[Tunnel]) -> tuple[float | None, float | None]:
    """The greatest share of a section across the neck that tunnels take, and how far from the head's centre, mm."""
    anatomy = hip.anatomy
    radius, axis = anatomy.head_radius_mm, anatomy.neck_axis
    ticks = np.arange(-REACH_RADII * radius, REACH_RADII * radius, RASTER_MM)
    u, v = across_axes(axis)
    raster = (ticks[:, None, None] * u + ticks[None, :, None] * v).reshape(-1, 3)
    best: tuple[float | None, float | None] = (None, None)
    # Where the smallest one is looked for.
    low, high = NECK_SECTION_RADII
    for away in np.arange(low * radius, high * radius + 1e-9, SECTION_STEP_MM):
        points = anatomy.head_center - away * axis + raster
        inside = (hip.bone.distance(points) > 0.0).reshape(len(ticks), -1)
        labels, count = ndimage.label(inside)
        if count == 0:
            continue
        # The part of the bone that the neck's axis runs through, or else the one nearest to it.
        gap = np.where(labels > 0, np.hypot(ticks[:, None], ticks[None, :]), np.inf)
        section = points[(labels == labels.flat[int(np.argmin(gap))]).ravel()]
        taken = np.any([tunnel.contains(section) for tunnel in tunnels], axis=0)
        share = float(np.mean(taken))
        if best[0] is None or share > best[0]:
            best = share, float(away)
    return best


def _pattern(tunnels: int, holes: int, spread_deg: float | None) -> str:
    if tunnels == 1:
        return "single"
    if spread_deg is not None and spread_deg < PARALLEL_DEG:
        return "parallel"
    return "fan" if holes == 1 else "separate"


def _angle_deg(a: FloatArray, b: FloatArray) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
