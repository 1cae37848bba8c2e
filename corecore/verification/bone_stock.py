"""The bone left standing, found again from the mesh: sections across the neck, the lateral wall, the holes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from corecore.document.stated import StatedPlan
from corecore.verification import tolerance
from corecore.verification.cylinder import DrilledCylinder
from corecore.verification.drilled_volume import SECTION_REACH_MM, SECTION_STEP_MM, DrilledFigures
from corecore.verification.frame import HEAD_PLANE_RADII, NECK_END_RADII, Frame, across, angle_deg
from corecore.verification.hip import Hip
from corecore.verification.landmarks import NECK_FROM_RADII, NECK_RASTER_MM, NECK_STEP_MM, NECK_TO_RADII
from corecore.verification.report import Check, equal
from corecore.verification.sets import bridges

#: Distance of points along an axis, mm.
AXIS_STEP_MM = 0.1


def standing_checks(
    plan: StatedPlan, hip: Hip, frame: Frame, bores: list[DrilledCylinder], figures: list[DrilledFigures]
) -> list[Check]:
    """``totals.bone_left`` of a plan that states it."""
    stated = plan.bone_left
    if not stated:
        return []
    above = [found.entry_height_mm - found.hole_half_height_mm for found in figures]
    level = plan.anatomy.lesser_trochanter_height_mm
    turns = [angle_deg(a.tunnel.axis, b.tunnel.axis) for a, b in combinations(bores, 2)]
    spacing = hip.bone.grid.spacing_mm
    found: dict[str, tuple[float | None, float, str]] = {
        "neck_share_max": (_neck_share(hip, frame, bores), tolerance.NECK_SHARE_MAX, ""),
        "hole_above_lesser_trochanter_mm": (min(above) - level, tolerance.HEIGHT_MM, "mm"),
        "bridge_mm": (min(bridges(bores, hip.mesh), default=None), tolerance.BRIDGE_MM, "mm"),
        "lateral_wall_share": (wall_share(hip, frame, bores), tolerance.wall_share(spacing), ""),
        "neck_bridge_mm": (_neck_bridge(frame, bores), tolerance.NECK_BRIDGE_MM, "mm"),
        "spread_deg": (max(turns, default=None), tolerance.DIRECTION_DEG, "deg"),
    }
    return [
        equal(f"totals.bone_left.{key}", stated[key], value, slack, unit)
        for key, (value, slack, unit) in found.items()
        if key in stated
    ]


def _neck_bridge(frame: Frame, bores: list[DrilledCylinder]) -> float | None:
    """Least distance between two walls in the neck, by points along both axes."""
    parts = []
    for bore in bores:
        at = np.linspace(0.0, bore.tunnel.length_mm, max(2, int(bore.tunnel.length_mm / AXIS_STEP_MM)))
        axis = bore.tunnel.start + at[:, None] * bore.tunnel.axis
        away = -(axis - frame.center) @ frame.neck / frame.radius_mm
        inside = axis[(away >= HEAD_PLANE_RADII) & (away <= NECK_END_RADII)]
        if len(inside):
            parts.append((inside, bore.tunnel.radius_mm))
    gaps = [
        float(cKDTree(one).query(other)[0].min()) - radius - other_radius
        for (one, radius), (other, other_radius) in combinations(parts, 2)
    ]
    return min(gaps, default=None)


def _neck_share(hip: Hip, frame: Frame, bores: list[DrilledCylinder]) -> float | None:
    """The greatest share of a section across the neck that lies in a bore."""
    reach = 1.8 * frame.radius_mm
    ticks = np.arange(-reach, reach, NECK_RASTER_MM)
    u, v = across(frame.neck)
    raster = (ticks[:, None, None] * u + ticks[None, :, None] * v).reshape(-1, 3)
    shares = []
    for away in np.arange(NECK_FROM_RADII * frame.radius_mm, NECK_TO_RADII * frame.radius_mm, NECK_STEP_MM):
        points = frame.center - away * frame.neck + raster
        labels, count = ndimage.label(hip.mesh.inside(points).reshape(len(ticks), len(ticks)))
        if count == 0:
            continue
        gap = np.where(labels > 0, np.hypot(ticks[:, None], ticks[None, :]), np.inf)
        section = points[(labels == labels.flat[int(np.argmin(gap))]).ravel()]
        shares.append(float(np.mean(np.min([bore.distance(section) for bore in bores], axis=0) == 0.0)))
    return max(shares, default=None)


def wall_share(hip: Hip, frame: Frame, bores: list[DrilledCylinder]) -> float | None:
    """Width of the holes over the width of the lateral bone, at the height of the entry where it is most.

    A hole's width is that of its cylinder cut by the plane through the entry, not of an ellipse by formula.
    """
    ticks = np.arange(-SECTION_REACH_MM, SECTION_REACH_MM + 1e-9, SECTION_STEP_MM)
    lateral = ticks[ticks >= 0.0]
    shares = []
    for bore in bores:
        middle = frame.shaft_at(frame.height(bore.tunnel.start))
        points = middle + lateral[:, None, None] * frame.x + ticks[None, :, None] * frame.y
        inside = hip.mesh.level_at(points.reshape(-1, 3)).reshape(len(lateral), len(ticks)) >= 0.5
        labels, count = ndimage.label(inside)
        if count == 0:
            continue
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        bone = np.any(labels == int(np.argmax(sizes)), axis=0)
        hit = np.zeros(len(ticks), dtype=bool)
        for other in bores:
            # The line across the wall through that bore's entry, in this section's plane.
            wall = middle + np.dot(other.tunnel.start - middle, frame.x) * frame.x + ticks[:, None] * frame.y
            offset = wall - other.tunnel.start
            along = offset @ other.tunnel.axis
            hit |= np.linalg.norm(offset - along[:, None] * other.tunnel.axis, axis=1) <= other.tunnel.radius_mm
        shares.append(min(float(hit.sum()) / float(bone.sum()), 1.0))
    return max(shares, default=None)
