"""The shaft's axis: a robust line through the centroids of the sections below the lesser trochanter."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.head import Head
from corecore.hip.anatomy.scan_end import HALF_WIDTH_MM, lowest_whole
from corecore.hip.anatomy.section import section

_log = logging.getLogger(__name__)

#: Sections from this far distal of the lesser trochanter's tip … to this far, mm (contract).
BEGIN_BELOW_LT_MM = 20.0
END_BELOW_LT_MM = 120.0
#: … over at least this length of axis, mm (contract).
MIN_LENGTH_MM = 20.0
#: … of which sections are taken over this much at least: where voxels are coarse, the scan's rim takes the rest.
LEAST_SPAN_MM = 12.0
LEAST_SECTIONS = 5
#: Distance between sections, mm.
STEP_MM = 3.5
#: Sections begin this far above the scan's end, voxels: the smoothed surface rounds a cut's rim.
RIM_VOXELS = 2.0
#: A centroid further than this from the line counts less and less, mm (Huber).
HUBER_MM = 0.7
#: A femur bows: its centroids' line bends about its middle by so much forward and laterally, per mm. Forward 0.8 per
#: metre (a bow of 8.7° over the shaft, PMID 31520108); laterally, where the metaphysis flares towards the lesser
#: trochanter, half of what three real bones show below it (engineering choice; docs/design/anatomy.md).
BOW_FORWARD_PER_MM, BOW_LATERAL_PER_MM = 0.8e-3, 0.6e-3
#: The line through a part of the shaft lies within this of that through the whole span in 19 femora of 20: degrees at
#: the contract's 20 mm, and where little is missing (docs/design/anatomy.md).
SHORT_RANGE_DEG, NEARLY_RANGE_DEG = 3.5, 1.0
#: Shafts have sections between these areas, mm²: 18 to 55 mm across (engineering choice).
AREA_RANGE_MM2 = (250.0, 2400.0)
#: The axis has settled when it turns by less than this, degrees.
SETTLED_DEG = 0.05
MAX_ROUNDS = 10


@dataclass(frozen=True, eq=False)
class Shaft:
    """A line in local mm: ``point`` (3,), ``axis`` (3,) unit, proximal; and the length it was fitted over."""

    point: FloatArray
    axis: FloatArray
    length_mm: float


def height(point: FloatArray, origin: FloatArray, axis: FloatArray) -> float:
    """How far ``point`` lies along ``axis`` from ``origin``, mm."""
    return float((point - origin) @ axis)


def on_line(shaft: Shaft, origin: FloatArray, at_height: float) -> FloatArray:
    """The point of the shaft's line whose height along it from ``origin`` is ``at_height``."""
    return np.asarray(
        shaft.point + (at_height - height(shaft.point, origin, shaft.axis)) * shaft.axis, dtype=np.float64
    )


def lowest_complete(bone: Bone, shaft: Shaft, origin: FloatArray) -> float:
    """Height from ``origin`` of the lowest section that the scan shows whole and unrounded by its end, mm."""
    return lowest_whole(bone, on_line(shaft, origin, 0.0), shaft.axis) + rim_mm(bone)


def rim_mm(bone: Bone) -> float:
    """How far above a scan's end its rim still rounds the sections, mm."""
    return RIM_VOXELS * float(np.cbrt(np.prod(bone.spacing_mm)))


def usual_bow(neck_axis: FloatArray, shaft_axis: FloatArray) -> FloatArray:
    """The curvature (3,) of a usual shaft, 1/mm, towards its convex side: forward and away from the neck."""
    away = -(neck_axis - (neck_axis @ shaft_axis) * shaft_axis)
    away = away / max(float(np.linalg.norm(away)), 1e-9)
    return np.asarray(BOW_LATERAL_PER_MM * away + BOW_FORWARD_PER_MM * np.cross(shaft_axis, away), dtype=np.float64)


def straightened(centroids: FloatArray, heights: FloatArray, top: float, bow: FloatArray) -> FloatArray:
    """Centroids (N, 3) at heights (N,) less a usual bow, so that a short piece tells the whole span's line.

    ``top`` is where the contract's span begins. Over all of it the bow, a parabola less its mean and symmetric about
    the middle, leaves the line as it is.
    """
    span = END_BELOW_LT_MM - BEGIN_BELOW_LT_MM
    from_middle = heights - (top - 0.5 * span)
    return np.asarray(centroids + 0.5 * (from_middle**2 - span**2 / 12.0)[:, None] * bow, dtype=np.float64)


def fit_shaft(
    bone: Bone, start: Shaft, origin: FloatArray, top: float, bottom: float, neck_axis: FloatArray | None = None
) -> Shaft | None:
    """The line through the section centroids between two heights from ``origin``, mm.

    The sections are square on the line: it is fitted again until it stays. ``None`` where
    fewer than 5 usable sections or less than 20 mm of shaft are in view. With ``neck_axis`` a usual bow is taken off.
    """
    shaft = start
    for _ in range(MAX_ROUNDS):
        lowest = lowest_complete(bone, shaft, origin)
        if top - (lowest - rim_mm(bone)) < MIN_LENGTH_MM - float(np.max(bone.spacing_mm)):
            return None
        end = min(max(bottom, lowest), top - LEAST_SPAN_MM)
        heights = np.linspace(top, end, max(int((top - end) / STEP_MM) + 1, LEAST_SECTIONS))
        centroids, kept = section_centroids(bone, shaft, origin, heights)
        if len(kept) < LEAST_SECTIONS - 1 or kept.max() - kept.min() < LEAST_SPAN_MM - STEP_MM:
            return None
        if neck_axis is not None:
            centroids = straightened(centroids, kept, top, usual_bow(neck_axis, shaft.axis))
        point, axis = robust_line(centroids, kept)
        turn = float(np.degrees(np.arccos(np.clip(axis @ shaft.axis, -1.0, 1.0))))
        shaft = Shaft(point, axis, float(kept.max() - kept.min()))
        if turn < SETTLED_DEG:
            break
    return shaft


def fitted_range_deg(in_view_mm: float) -> float:
    """How far off the axis fitted to so much shaft below the contract's beginning may be in 19 femora of 20."""
    whole = END_BELOW_LT_MM - BEGIN_BELOW_LT_MM
    short = min((whole - in_view_mm) / (whole - MIN_LENGTH_MM), 1.0)
    return NEARLY_RANGE_DEG + (SHORT_RANGE_DEG - NEARLY_RANGE_DEG) * short if short > 0.0 else 0.0


def section_centroids(
    bone: Bone, shaft: Shaft, origin: FloatArray, heights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Centroids (N, 3) of the usable sections square on the line, and their heights (N,)."""
    centroids, kept = [], []
    for at in heights:
        cut = section(bone, on_line(shaft, origin, float(at)), shaft.axis, half_width_mm=HALF_WIDTH_MM)
        if cut is None or not (cut.complete and cut.framed):
            continue
        if not AREA_RANGE_MM2[0] <= cut.area_mm2 <= AREA_RANGE_MM2[1]:
            continue
        centroids.append(cut.centroid)
        kept.append(float(at))
    return np.array(centroids).reshape(-1, 3), np.array(kept)


def robust_line(points: FloatArray, along: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A point and the unit direction of the line through ``points`` (N, 3), by Huber's weights.

    The direction is that of growing ``along`` (N,).
    """
    weight = np.ones(len(points))
    mean, direction = points.mean(axis=0), np.zeros(3)
    for _ in range(15):
        mean = np.average(points, axis=0, weights=weight)
        offset = points - mean
        direction = np.linalg.eigh((offset * weight[:, None]).T @ offset)[1][:, -1]
        across = np.linalg.norm(offset - (offset @ direction)[:, None] * direction, axis=1)
        weight = np.minimum(1.0, HUBER_MM / np.maximum(across, 1e-9))
    if np.cov(points @ direction, along)[0, 1] < 0.0:
        direction = -direction
    return mean, direction


def provisional_shaft(bone: Bone, head: Head) -> Shaft | None:
    """A first axis from the bone far from the head alone; ``None`` where there is none.

    Far is beyond 3.2 radii from the head's centre, distal of the trochanters whatever way
    the bone lies; beyond 8 radii the bone bows and is left out.
    """
    points = bone.surface_points_mm
    distance = np.linalg.norm(points - head.center, axis=1)
    far = (distance > 3.2 * head.radius_mm) & (distance < 8.0 * head.radius_mm)
    if np.count_nonzero(far) < 50:
        return None
    cloud = points[far]
    reach = distance[far]
    cut = np.median(reach)
    distal, proximal = cloud[reach >= cut].mean(axis=0), cloud[reach < cut].mean(axis=0)
    gap = proximal - distal
    length = float(np.linalg.norm(gap))
    if length < 5.0:
        return None
    shaft = Shaft(proximal, gap / length, length)
    # Radii, not the lesser trochanter: it is not known yet. It lies 2.0 ± 0.24 radii below.
    top = -2.4 * head.radius_mm - BEGIN_BELOW_LT_MM
    return fit_shaft(bone, shaft, head.center, top, top - (END_BELOW_LT_MM - BEGIN_BELOW_LT_MM))
