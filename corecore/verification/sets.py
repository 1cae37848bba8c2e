"""Several tunnels together: bridges between holes, number of wide holes, shared volume."""

from __future__ import annotations

import numpy as np

from corecore.base.grid import FloatArray
from corecore.verification import tolerance
from corecore.verification.cylinder import Cylinder, DrilledCylinder
from corecore.verification.frame import unit
from corecore.verification.mesh import BoneMesh
from corecore.verification.report import Check, at_least, at_most
from corecore.verification.turned import Turned

#: Holes wider than this are wide, mm, and at most so many may be separate (contract §2).
WIDE_HOLE_MM = 5.0
WIDE_HOLES_MAX = 2
#: Share of the smaller tunnel that two may have in common beyond their portals (contract §2).
OVERLAP_MAX = 0.5
#: Points on the rim of a hole.
RIM_POINTS = 180
#: Spacing of points for the shared volume, mm.
OVERLAP_SPACING_MM = 0.5


def set_checks(
    bores: list[DrilledCylinder], portals_mm: list[float], mesh: BoneMesh, bridge_min_mm: float
) -> dict[str, list[Check]]:
    """The hard constraints on a set of tunnels (``portals_mm``: length of each one's portal), by the key each bears."""
    bridges, overlaps = [], []
    portal = list(range(len(bores)))
    for j in range(len(bores)):
        for i in range(j):
            apart = float(np.linalg.norm(bores[i].tunnel.start - bores[j].tunnel.start))
            name = f"tunnels[{i}] and tunnels[{j}]"
            if apart <= tolerance.SHARED_PORTAL_MM:
                portal[j] = portal[i]
            else:
                gap = _bridge(bores[i].tunnel, bores[j].tunnel, mesh)
                bridges.append(at_least(f"{name} bridge_min_mm", bridge_min_mm, gap, tolerance.BRIDGE_MM, "mm"))
            common = _common(bores[i], portals_mm[i], bores[j], portals_mm[j])
            overlaps.append(at_most(f"{name} overlap", OVERLAP_MAX, common, tolerance.OVERLAP_FRACTION, ""))
    wide = {portal[k] for k, bore in enumerate(bores) if 2.0 * bore.tunnel.radius_mm > WIDE_HOLE_MM}
    holes = [at_most("tunnels (separate wide holes)", float(WIDE_HOLES_MAX), float(len(wide)), 0.0, "")]
    return {"bridge_min_mm": bridges, "overlap": overlaps, "wide_holes": holes}


def bridges(bores: list[DrilledCylinder], mesh: BoneMesh) -> list[float]:
    """Bone between every two holes that do not share a portal, mm."""
    pairs = [(a.tunnel, b.tunnel) for j, b in enumerate(bores) for a in bores[:j]]
    apart = [pair for pair in pairs if np.linalg.norm(pair[0].start - pair[1].start) > tolerance.SHARED_PORTAL_MM]
    return [_bridge(first, second, mesh) for first, second in apart]


def _rim(tunnel: Cylinder, mesh: BoneMesh) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The hole's ellipse on the surface: centre (3,), semi-axes (2, 3) as vectors, rim points (N, 3)."""
    normal = mesh.mouth_normal(tunnel.start)
    minor = np.cross(normal, tunnel.axis)
    if np.linalg.norm(minor) < 1e-6:
        minor = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    minor = unit(minor)
    sine = max(abs(float(np.dot(normal, tunnel.axis))), 1e-3)
    axes = tunnel.radius_mm * np.stack([minor, np.cross(minor, normal) / sine])
    turn = np.arange(RIM_POINTS) * 2.0 * np.pi / RIM_POINTS
    return tunnel.start, axes, tunnel.start + np.cos(turn)[:, None] * axes[0] + np.sin(turn)[:, None] * axes[1]


def _bridge(first: Cylinder, second: Cylinder, mesh: BoneMesh) -> float:
    """Bone between two holes on the surface, mm; 0 where they meet."""
    a, b = _rim(first, mesh), _rim(second, mesh)
    for (center, axes, _), (_, _, rim) in ((a, b), (b, a)):
        share = (rim - center) @ (axes / np.sum(axes**2, axis=1, keepdims=True)).T
        if np.any(np.sum(share**2, axis=1) <= 1.0):
            return 0.0
    return float(np.linalg.norm(a[2][:, None] - b[2][None], axis=2).min())


def _common(first: DrilledCylinder, first_portal_mm: float, second: DrilledCylinder, second_portal_mm: float) -> float:
    """Volume that both have beyond their portals, over the smaller's."""
    beyond = [_beyond(first, first_portal_mm), _beyond(second, second_portal_mm)]
    if not all(beyond):
        return 0.0
    filled = [[solid.inner_points(OVERLAP_SPACING_MM) for solid in solids] for solids in beyond]
    smaller = int(np.argmin([sum(len(points) * each for points, each in parts) for parts in filled]))
    other = beyond[1 - smaller]
    held = sum(each * np.any([one.contains(points) for one in other], axis=0).sum() for points, each in filled[smaller])
    return float(held / sum(len(points) * each for points, each in filled[smaller]))


def _beyond(bore: DrilledCylinder, portal_mm: float) -> list[Cylinder | Turned]:
    """The shaft beyond the portal, without a cavity, and the end before it where that is not flat."""
    shaft = bore.tunnel
    if bore.length_mm <= portal_mm:
        return []
    found: list[Cylinder | Turned] = [] if bore.head is None else [bore.head]
    if shaft.length_mm > portal_mm:
        start = shaft.start + portal_mm * shaft.axis
        found.append(Cylinder(start, shaft.axis, shaft.length_mm - portal_mm, shaft.radius_mm))
    return found
