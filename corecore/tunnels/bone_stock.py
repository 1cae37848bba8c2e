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
from corecore.hip.anatomy.zones import NECK_SECTION_RADII
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, level_raise_mm
from corecore.tunnels.tunnel_set import SHARED_PORTAL_MM, bridge_mm, portals_of

#: Distance between sections, and raster of a section, mm.
SECTION_STEP_MM, RASTER_MM = 1.0, 0.5
#: Half-width of a section's raster, head radii, and of the lateral wall's, mm.
REACH_RADII, WALL_REACH_MM = 1.8, 60.0
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
        lateral_wall_share=lateral_wall_share(hip, drilled),
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


def lateral_wall_share(hip: Hip, tunnels: Sequence[Tunnel]) -> float | None:
    """Width of the holes over that of the bone lateral of the shaft axis, at the entry's height where it is most."""
    anatomy = hip.anatomy
    ticks = np.arange(-WALL_REACH_MM, WALL_REACH_MM, RASTER_MM)
    lateral = ticks[ticks >= 0.0]
    shares = []
    for tunnel in tunnels:
        along = (tunnel.entry - anatomy.shaft_point) @ anatomy.shaft_axis
        middle = anatomy.shaft_point + along * anatomy.shaft_axis
        points = middle + lateral[:, None, None] * anatomy.x_axis + ticks[None, :, None] * anatomy.y_axis
        inside = hip.bone.distance(points.reshape(-1, 3)) > 0.0
        labels, count = ndimage.label(inside.reshape(len(lateral), -1))
        if count == 0:
            continue
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        whole = int(np.any(labels == int(np.argmax(sizes)), axis=0).sum())
        taken = np.zeros(len(ticks), dtype=bool)
        for other in tunnels:
            # Points of the wall's plane at this height, seen from the other entry: ``y`` forward, ``h`` up.
            y = ticks - float((other.entry - middle) @ anatomy.y_axis)
            h = -float((other.entry - middle) @ anatomy.shaft_axis)
            forward, up = float(other.direction @ anatomy.y_axis), float(other.direction @ anatomy.shaft_axis)
            taken |= y**2 + h**2 - (y * forward + h * up) ** 2 <= other.radius_mm**2
        shares.append(min(float(taken.sum()) / whole, 1.0))
    return max(shares, default=None)


def _pattern(tunnels: int, holes: int, spread_deg: float | None) -> str:
    if tunnels == 1:
        return "single"
    if spread_deg is not None and spread_deg < PARALLEL_DEG:
        return "parallel"
    return "fan" if holes == 1 else "separate"


def _angle_deg(a: FloatArray, b: FloatArray) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
