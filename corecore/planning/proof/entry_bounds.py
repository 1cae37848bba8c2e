"""Where the lines of a box may leave the bone, how steeply, and whether the entry's rules allow it.

Heights run along the neck axis from the neck plane, mm; outward they fall.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.jit_cache import compiled
from corecore.planning.proof.affine_field import AFFINE_ROW, LOWER, UPPER, affine_bounds
from corecore.planning.proof.box_geometry import (
    EPS,
    TABLE_MM,
    Frame,
    LineBox,
    field_slope,
    greatest_depth,
    least_depth,
    reach_at,
    spread_at,
)

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: The entry is looked for closer where the lines of a box lie within this there, mm.
CLOSE_REACH = 4.0
#: Slices of the axis in which it is looked for, mm at least.
THINNEST = 0.05
#: Steps of the walk outward: at most, and while it is asked whether every line is outside, mm.
INWARD_STEP_MM, OUTWARD_STEP_MM = 2.0, 0.5
#: Distance between entries of the mid-line's table along the shaft, mm.
MIDLINE_STEP = 0.5
#: Told as sine of incidence where no entry is steep or lateral enough.
NO_INCIDENCE = 2.0


@compiled()
def entry_heights(problem: Problem, frame: Frame, box: LineBox) -> tuple[float, float]:
    """The lowest and the highest height at which a line of a box may first leave the bone, outward (P11)."""
    z, bottom = 0.0, -6.0 * problem.head_radius
    while z > bottom:
        x0 = box.point[0] + z * box.per_height[0]
        x1 = box.point[1] + z * box.per_height[1]
        x2 = box.point[2] + z * box.per_height[2]
        beyond = reach_at(frame, box.half_widths, z) + INWARD_STEP_MM
        slope = field_slope(problem, frame, x0, x1, x2, beyond)
        # At least the depth of every line at this height: all stay inside for depth / slope.
        depth = least_depth(problem, frame, x0, x1, x2, beyond) + INWARD_STEP_MM * slope
        if depth <= 0.02:
            break
        z -= min(INWARD_STEP_MM, depth / slope) / (box.stretch + box.turn)
    high = z
    while z > bottom:
        x0 = box.point[0] + z * box.per_height[0]
        x1 = box.point[1] + z * box.per_height[1]
        x2 = box.point[2] + z * box.per_height[2]
        if greatest_depth(problem, frame, x0, x1, x2, reach_at(frame, box.half_widths, z)) < -EPS:
            break
        z -= OUTWARD_STEP_MM
    low = z
    if max(reach_at(frame, box.half_widths, high), reach_at(frame, box.half_widths, low)) > CLOSE_REACH:
        return low, high
    # Slice by slice from inside, until some line may be outside; then on until every line is.
    slice_height = max(THINNEST, 0.25 * reach_at(frame, box.half_widths, high))
    affine = np.empty(AFFINE_ROW)
    while high > low:
        middle = high - 0.5 * slice_height
        if axis_depth_range(problem, frame, box, middle, 0.5 * slice_height, affine)[0] <= EPS:
            break
        high -= slice_height
    z = high
    while z > low:
        if axis_depth_range(problem, frame, box, z, 0.0, affine)[1] < -EPS:
            low = z
            break
        z -= slice_height
    return low, max(low, high)


@compiled()
def axis_depth_range(
    problem: Problem, frame: Frame, box: LineBox, z: float, half_slice: float, affine: FloatArray
) -> tuple[float, float]:
    """At most and at least the depth of the axes of a box within ``half_slice`` of a height (P4).

    ``affine`` (AFFINE_ROW,) is scratch space.
    """
    x0 = box.point[0] + z * box.per_height[0]
    x1 = box.point[1] + z * box.per_height[1]
    x2 = box.point[2] + z * box.per_height[2]
    half_1, half_2 = widest_spread(frame, box.half_widths, z - half_slice, z + half_slice)
    reach = math.sqrt(half_1 * half_1 + half_2 * half_2) + half_slice * box.stretch + EPS
    if not affine_bounds(problem.distance, problem.spacing, x0, x1, x2, reach, affine):
        return -1e9, 1e9
    change = affine_change(problem, affine, box, half_slice, half_1, half_2)
    return affine[LOWER] - change, affine[UPPER] + change


@compiled()
def widest_spread(frame: Frame, half_widths: FloatArray, low: float, high: float) -> tuple[float, float]:
    """Half-widths of a box that hold at every height between two, mm (P1: convex in the height)."""
    low_1, low_2 = spread_at(frame, half_widths, low)
    high_1, high_2 = spread_at(frame, half_widths, high)
    return max(low_1, high_1), max(low_2, high_2)


@compiled()
def affine_change(
    problem: Problem, affine: FloatArray, box: LineBox, half_slice: float, half_1: float, half_2: float
) -> float:
    """By how much an affine function differs from its value in the middle, among the axes of a box near a height.

    The axes lie within ``half_slice`` of it along the centre line and ``half_1``, ``half_2`` across the neck axis.
    """
    axes, w = problem.neck_frame, box.per_height
    along = affine[0] * w[0] + affine[1] * w[1] + affine[2] * w[2]
    first = affine[0] * axes[1, 0] + affine[1] * axes[1, 1] + affine[2] * axes[1, 2]
    second = affine[0] * axes[2, 0] + affine[1] * axes[2, 1] + affine[2] * axes[2, 2]
    change: float = abs(along) * half_slice + abs(first) * half_1 + abs(second) * half_2
    return change


@compiled()
def normal_range(
    problem: Problem,
    frame: Frame,
    box: LineBox,
    low: float,
    high: float,
    least: FloatArray,
    most: FloatArray,
) -> bool:
    """Fill bounds (3,) of the entry's normal, not of unit length, for entries between two heights (P13).

    It is a difference of the averaged field over two millimetres: that of two affine enclosures, whose
    slopes nearly cancel. False where there are no bounds.
    """
    z, half_slice = 0.5 * (low + high), 0.5 * (high - low)
    half_1, half_2 = widest_spread(frame, box.half_widths, low, high)
    reach = math.sqrt(half_1 * half_1 + half_2 * half_2) + half_slice * box.stretch + EPS
    if reach > CLOSE_REACH:
        return False
    behind, ahead, x = np.empty(AFFINE_ROW), np.empty(AFFINE_ROW), np.empty(3)
    for i in range(3):
        for k in range(3):
            x[k] = box.point[k] + z * box.per_height[k]
        x[i] -= 1.0
        if not affine_bounds(problem.mouth_field, problem.spacing, x[0], x[1], x[2], reach, behind):
            return False
        x[i] += 2.0
        if not affine_bounds(problem.mouth_field, problem.spacing, x[0], x[1], x[2], reach, ahead):
            return False
        for k in range(3):
            behind[k] -= ahead[k]
        change = affine_change(problem, behind, box, half_slice, half_1, half_2)
        least[i] = behind[LOWER] - ahead[UPPER] - change
        most[i] = behind[UPPER] - ahead[LOWER] + change
    return True


@compiled()
def least_incidence_sine(problem: Problem, frame: Frame, box: LineBox, low: float, high: float) -> float:
    """At most the sine of incidence of any entry between two heights (P14).

    ``NO_INCIDENCE`` where none is steep or lateral enough, 0 where nothing is known.
    """
    least, most = np.empty(3), np.empty(3)
    if not normal_range(problem, frame, box, low, high, least, most):
        return 0.0
    dot = lateral = square = off = 0.0
    for i in range(3):
        middle, half_range = 0.5 * (least[i] + most[i]), 0.5 * (most[i] - least[i]) + 1e-6
        dot += middle * box.per_height[i] / box.stretch
        lateral += middle * problem.femoral_frame[0, i]
        square += middle * middle
        off += half_range * half_range
    length, off = math.sqrt(square), math.sqrt(off)
    if off >= length:
        return 0.0
    # No normal turns further from the middle one, and no direction from the centre's.
    normal_turn = math.asin(off / length) + 1e-6
    angle = math.acos(min(1.0, abs(dot) / length))
    turn = normal_turn + 2.0 * math.asin(min(1.0, 0.5 * box.turn))
    if math.cos(max(0.0, angle - turn)) < problem.incidence_min_sine - 1e-6:
        return NO_INCIDENCE
    facing = math.acos(min(1.0, max(-1.0, lateral / length)))
    if math.cos(max(0.0, facing - normal_turn)) < problem.entry_normal_min_cosine - 1e-6:
        return NO_INCIDENCE
    return math.cos(min(0.5 * math.pi, angle + turn))


@compiled()
def entry_may_be_allowed(
    problem: Problem, frame: Frame, box: LineBox, low: float, high: float, angle: float, arc: float
) -> bool:
    """Whether an entry between two heights may keep the entry's rules (P12).

    ``angle``: the centre line's to the shaft; ``arc``: at least how far any line's differs, radians.
    """
    femoral, axes = problem.femoral_frame, problem.neck_frame
    half_1, half_2 = widest_spread(frame, box.half_widths, low, high)
    # Along shaft (proximal) and anterior, of the centre line at both heights.
    proximal, anterior = np.zeros(2), np.zeros(2)
    for side in range(2):
        z = low if side == 0 else high
        for k in range(3):
            d = box.point[k] + z * box.per_height[k] - problem.head_center[k]
            proximal[side] += d * femoral[2, k]
            anterior[side] += d * femoral[1, k]
    proximal_1 = proximal_2 = anterior_1 = anterior_2 = 0.0
    for k in range(3):
        proximal_1 += femoral[2, k] * axes[1, k]
        proximal_2 += femoral[2, k] * axes[2, k]
        anterior_1 += femoral[1, k] * axes[1, k]
        anterior_2 += femoral[1, k] * axes[2, k]
    grow = abs(proximal_1) * half_1 + abs(proximal_2) * half_2 + EPS
    lowest, highest = min(proximal[0], proximal[1]) - grow, max(proximal[0], proximal[1]) + grow
    # The hole reaches up and down the cortex by at least what the line nearest to square to it asks.
    squarest = min(max(0.5 * math.pi, angle - arc), angle + arc)
    rise = problem.radius / max(math.sin(squarest), 1e-6)
    base = problem.trochanter_height
    if highest - rise - base < problem.entry_distal or lowest + rise - base > problem.entry_proximal:
        return False
    lowest = max(lowest, base + problem.entry_distal + rise)
    highest = min(highest, base + problem.entry_proximal - rise)
    end = problem.midline_start + MIDLINE_STEP * (problem.midline_y.shape[0] - 1)
    if highest < problem.midline_start - 0.5 - EPS or lowest > end + 0.5 + EPS:
        return False
    grow = abs(anterior_1) * half_1 + abs(anterior_2) * half_2 + TABLE_MM
    back, front = min(anterior[0], anterior[1]) - grow, max(anterior[0], anterior[1]) + grow
    last = problem.midline_y.shape[0] - 1
    first = int(min(max(math.floor((lowest - problem.midline_start) / MIDLINE_STEP), 0.0), last))
    final = int(min(max(math.ceil((highest - problem.midline_start) / MIDLINE_STEP), 0.0), last))
    middle_low, middle_high = 1e9, -1e9
    for i in range(first, final + 1):
        middle_low = min(middle_low, problem.midline_y[i])
        middle_high = max(middle_high, problem.midline_y[i])
    if back - middle_high > problem.entry_ap_max or middle_low - front > problem.entry_ap_max:
        return False
    return not scan_edge_is_near(problem, box, low, high, half_1, half_2)


@compiled()
def scan_edge_is_near(problem: Problem, box: LineBox, low: float, high: float, half_1: float, half_2: float) -> bool:
    """Whether every entry between two heights lies too near to where the scan cuts the bone (P12)."""
    if problem.cut_points.shape[0] == 0:
        return False
    z = 0.5 * (low + high)
    x0 = box.point[0] + z * box.per_height[0]
    x1 = box.point[1] + z * box.per_height[1]
    x2 = box.point[2] + z * box.per_height[2]
    spread = 0.5 * (high - low) * box.stretch
    room = problem.radius + problem.cortical_margin - spread - math.sqrt(half_1 * half_1 + half_2 * half_2) - EPS
    if room > 0.0:
        for c in range(problem.cut_points.shape[0]):
            dx = problem.cut_points[c, 0] - x0
            dy = problem.cut_points[c, 1] - x1
            dz = problem.cut_points[c, 2] - x2
            if dx * dx + dy * dy + dz * dz < room * room:
                return True
    return False
