"""The shaft's axis where the scan ends too high to show a shaft: a template of the proximal femur.

Measured in head radii, three things lie much the same in every femur: how far medial of the
shaft's axis the head's centre is, where the greater trochanter's tip is, and where the centre
of the lateral cortex's arc is at each height. The line that agrees best with those in view,
and with a usual neck-shaft angle, is the assumed axis. Figures: docs/design/anatomy.md.
"""

from __future__ import annotations

import logging

import numpy as np

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.head import Head
from corecore.hip.anatomy.neck import Neck
from corecore.hip.anatomy.shaft import Shaft, lowest_complete, on_line
from corecore.hip.anatomy.trochanters import greater_trochanter, spoke_lengths

_log = logging.getLogger(__name__)

#: The template, in head radii, x lateral (away from the neck's direction) and y anterior of
#: the shaft's axis: means over the three femora with a shaft at hand, and how far each may be
#: off, about twice their spread (engineering choice; docs/design/anatomy.md).
HEAD_XY = (-1.97, 0.33)
HEAD_SPREAD_XY = (0.10, 0.25)
GREATER_XY = (0.21, -0.05)
GREATER_SPREAD_XY = (0.10, 0.20)
#: Centre of the lateral arc: heights from the head's centre (head diameters), x and y (radii).
ARC_HEIGHTS = (-1.6, -1.3, -1.1, -0.95, -0.82, -0.69, -0.56, -0.43)
ARC_X = (0.06, 0.03, 0.03, 0.04, 0.08, 0.14, 0.20, 0.22)
ARC_Y = (-0.03, -0.07, -0.09, -0.08, -0.05, 0.00, 0.06, 0.11)
ARC_SPREAD = 0.08
#: The arcs are neighbours and err together: they count as this many independent ones.
ARC_INDEPENDENT = 5.0
#: Neck-shaft angle of this neck axis, degrees: contract's 125, ± 6.2 (Carmona, 628 patients).
NECK_SHAFT_DEG = 125.0
NECK_SHAFT_SPREAD_DEG = 6.2
#: Half the arc that is fitted, to either side of lateral, degrees, and its step.
ARC_HALF_DEG = 90.0
ARC_STEP_DEG = 5.0
#: A template that turns further than this from a patient lying straight has lost its way: two
#: standard deviations of the neck-shaft angle, and a patient turned by 30°, degrees.
MOST_FROM_START_DEG = 42.0
MAX_ROUNDS = 10
SETTLED_DEG = 0.05
#: The axis lies within this of the assumed one in 19 femora of 20, degrees, where the scan reaches to 20 mm above the
#: lesser trochanter's usual level …, and where it ends higher (docs/design/anatomy.md).
ASSUMED_RANGE_DEG = 14.0
HIGH_RANGE_DEG = 25.0
HIGH_ABOVE_MM = 20.0


def assumed_shaft(bone: Bone, head: Head, neck: Neck, superior: FloatArray) -> Shaft:
    """The line that fits the template best; ``length_mm`` 0 says that no shaft was fitted.

    ``superior`` (3,) only tells on which side of the neck axis up is, to start from.
    """
    up = superior - (superior @ neck.axis) * neck.axis
    if float(np.linalg.norm(up)) < 1e-6:
        up = np.cross(neck.axis, np.eye(3)[int(np.argmin(np.abs(neck.axis)))])
    up = up / np.linalg.norm(up)
    lean = np.radians(180.0 - NECK_SHAFT_DEG)
    axis = np.cos(lean) * neck.axis + np.sin(lean) * up
    x, y = _lateral_frame(neck, axis)
    shaft = Shaft(head.center - head.radius_mm * (HEAD_XY[0] * x + HEAD_XY[1] * y), axis, 0.0)
    start = shaft
    for _ in range(MAX_ROUNDS):
        before = shaft.axis
        shaft = _improved(bone, head, neck, shaft)
        if shaft.axis @ start.axis < np.cos(np.radians(MOST_FROM_START_DEG)):
            _log.debug("too little bone in view for the template; the plain %g° rule applies", NECK_SHAFT_DEG)
            return start
        if np.degrees(np.arccos(np.clip(before @ shaft.axis, -1.0, 1.0))) < SETTLED_DEG:
            break
    return shaft


def assumed_range_deg(head: Head, lowest: float) -> float:
    """How far off the assumed axis may be in 19 femora of 20, where the bone is in view down to ``lowest``."""
    return ASSUMED_RANGE_DEG if lowest <= HIGH_ABOVE_MM - 2.0 * head.radius_mm else HIGH_RANGE_DEG


def _lateral_frame(neck: Neck, axis: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lateral (away from the neck's direction, seen along the axis) and anterior unit vectors."""
    x = -(neck.axis - (neck.axis @ axis) * axis)
    x = x / np.linalg.norm(x)
    return x, np.asarray(np.cross(axis, x), dtype=np.float64)


def _improved(bone: Bone, head: Head, neck: Neck, shaft: Shaft) -> Shaft:
    """One round: landmarks seen from the present line, and the line that fits them."""
    radius = head.radius_mm
    x, y = _lateral_frame(neck, shaft.axis)
    points, targets, spreads = [head.center], [HEAD_XY], [HEAD_SPREAD_XY]
    greater = greater_trochanter(bone, head, neck, shaft)
    if greater is not None:
        points.append(greater)
        targets.append(GREATER_XY)
        spreads.append(GREATER_SPREAD_XY)
    heights, centers = _arc_centers(bone, head, shaft, x, y)
    if len(heights):
        share = np.sqrt(max(len(heights) / ARC_INDEPENDENT, 1.0))
        diameters = heights / (2.0 * radius)
        for at, center in zip(diameters, centers, strict=True):
            points.append(center)
            targets.append((float(np.interp(at, ARC_HEIGHTS, ARC_X)), float(np.interp(at, ARC_HEIGHTS, ARC_Y))))
            spreads.append((ARC_SPREAD * share, ARC_SPREAD * share))
    place = np.array(points)
    target, spread = np.array(targets) * radius, np.array(spreads) * radius

    def line(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        axis = shaft.axis + parameters[0] * x + parameters[1] * y
        return shaft.point + parameters[2] * x + parameters[3] * y, axis / np.linalg.norm(axis)

    def residuals(parameters: FloatArray) -> FloatArray:
        point, axis = line(parameters)
        lateral, anterior = _lateral_frame(neck, axis)
        offset = place - point
        seen = np.column_stack([offset @ lateral, offset @ anterior])
        angle = np.degrees(np.arccos(np.clip(-(neck.axis @ axis), -1.0, 1.0)))
        return np.concatenate([((seen - target) / spread).ravel(), [(angle - NECK_SHAFT_DEG) / NECK_SHAFT_SPREAD_DEG]])

    from scipy import optimize  # takes a fifth of a second to load, and few scans need it

    fit = optimize.least_squares(residuals, np.zeros(4), loss="huber", f_scale=2.0)
    point, axis = line(fit.x)
    return Shaft(point, axis, 0.0)


def _arc_centers(bone: Bone, head: Head, shaft: Shaft, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Heights (N,) and centres (N, 3) of circles through the lateral cortex, as far down as it is in view."""
    diameter = 2.0 * head.radius_mm
    top = ARC_HEIGHTS[-1] * diameter
    lowest = lowest_complete(bone, shaft, head.center)
    heights = np.arange(top, max(lowest, ARC_HEIGHTS[0] * diameter), -2.0)
    if len(heights) == 0:
        return np.zeros(0), np.zeros((0, 3))
    angles = np.arange(-ARC_HALF_DEG, ARC_HALF_DEG + 1e-6, ARC_STEP_DEG)
    length = spoke_lengths(bone, head, shaft, heights, angles, x, y)
    kept, centers = [], []
    for at, spokes in zip(heights, length, strict=True):
        if np.any(spokes <= 0.0):
            continue
        flat = np.column_stack([spokes * np.cos(np.radians(angles)), spokes * np.sin(np.radians(angles))])
        system = np.column_stack([2.0 * flat, np.ones(len(flat))])
        a, b, _ = np.linalg.lstsq(system, (flat**2).sum(axis=1), rcond=None)[0]
        kept.append(float(at))
        centers.append(on_line(shaft, head.center, float(at)) + a * x + b * y)
    return np.array(kept), np.array(centers).reshape(-1, 3)
