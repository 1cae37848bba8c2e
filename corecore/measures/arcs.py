"""The arc of the head's surface under which the lesion lies, in a plane through the head.

The figure behind Kerboul's angle, the necrotic index, the anterior necrotic angle and the
angles preserved. An angle runs from the plane's ``up`` (0°) towards its ``forward`` (90°).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.grid import BoolArray, FloatArray
from corecore.measures.necrosis import Necrosis, surface_along

#: Step between rays, degrees: a quarter of the 1° asked for.
STEP_DEG = 0.25


@dataclass(frozen=True)
class Arc:
    """The involved arc in a plane, degrees.

    ``first_deg`` and ``last_deg`` bound the smallest arc that holds all that is involved, and
    ``hull_deg`` is its size; ``union_deg`` leaves out what is living between two foci.
    ``head_first_deg`` and ``head_last_deg`` bound the head's own surface. The bounds of the lesion are ``None``, and
    its sizes 0, where none of the surface is involved.
    """

    hull_deg: float
    union_deg: float
    first_deg: float | None
    last_deg: float | None
    head_first_deg: float
    head_last_deg: float


@dataclass(frozen=True, eq=False)
class ArcPlane:
    """Rays (N, 3) in a plane of the head, their angles (N,) degrees, and where each meets the bone surface (N,) mm."""

    center: FloatArray
    rays: FloatArray
    angles_deg: FloatArray
    surface_mm: FloatArray
    on_head: BoolArray


def arc_plane(necrosis: Necrosis, up: FloatArray, forward: FloatArray, *, beside_mm: float = 0.0) -> ArcPlane:
    """The plane through the head's centre spanned by femoral unit vectors ``up`` and ``forward`` (3,).

    ``beside_mm`` moves it, and the point from which its rays leave, along its normal
    forward x up.
    """
    anatomy = necrosis.hip.anatomy
    angles = np.arange(-180.0, 180.0, STEP_DEG) + STEP_DEG / 2
    turn = np.radians(angles)[:, None]
    rays = necrosis.to_local(np.cos(turn) * up + np.sin(turn) * forward)
    beside = beside_mm * necrosis.to_local(np.cross(forward, up))
    center = anatomy.head_center + beside
    surface = surface_along(necrosis.hip.bone, center, rays, anatomy.head_radius_mm)
    along = (surface[:, None] * rays + beside) @ anatomy.neck_axis
    # A ray that finds no end within 1.3 R runs down the neck.
    on_head = (along >= -0.5 * anatomy.head_radius_mm) & (surface > 0.0) & (surface < 1.29 * anatomy.head_radius_mm)
    return ArcPlane(center, rays, angles, surface, on_head)


def involved_arc(necrosis: Necrosis, plane: ArcPlane) -> Arc:
    """The arc of a plane's head surface that has lesion within the subchondral depth below it."""
    met = np.zeros(len(plane.rays), dtype=bool)
    head = plane.on_head
    met[head] = necrosis.meets(plane.center, plane.rays[head], plane.surface_mm[head])
    head_first, head_last = _hull(plane.angles_deg[head])
    if not met.any():
        return Arc(0.0, 0.0, None, None, head_first, head_last)
    first, last = _hull(plane.angles_deg[met])
    return Arc(last - first, float(np.count_nonzero(met)) * STEP_DEG, first, last, head_first, head_last)


def _hull(angles_deg: FloatArray) -> tuple[float, float]:
    """First and last angle of the smallest arc that holds rays at these ascending angles, each half a step wide."""
    gaps = np.diff(angles_deg, append=angles_deg[0] + 360.0)
    widest = int(np.argmax(gaps))
    first, last = angles_deg[(widest + 1) % len(angles_deg)], angles_deg[widest]
    if last < first:
        # The arc passes 180°: its end is told beyond it, or its beginning before -180°, whichever is nearer up.
        first, last = (first - 360.0, last) if abs(last) < abs(first) else (first, last + 360.0)
    return float(first - STEP_DEG / 2), float(last + STEP_DEG / 2)
