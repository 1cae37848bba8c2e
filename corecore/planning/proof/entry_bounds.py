"""Where the lines of a box may leave the bone, how steeply, and whether the entry's rules allow it."""

from __future__ import annotations

import math

import numpy as np

from corecore.base.jit_cache import compiled
from corecore.planning.proof.affine_field import affine_bounds
from corecore.planning.proof.box_geometry import EPS, TABLE_MM, lip_at, lower_depth, reach_at, spread, upper_depth

#: The entry is looked for closer where the lines of a box lie within this there, mm.
CLOSE_REACH = 4.0
#: Slices of the axis in which it is looked for, mm at least.
THINNEST = 0.05


@compiled()
def entry_between(prob, fr, half, point, w, size, turn):
    """The lowest and the highest height at which a line of a box may first leave the bone, outward."""
    z, bottom = 0.0, -6.0 * prob.head_radius
    while z > bottom:
        x0, x1, x2 = point[0] + z * w[0], point[1] + z * w[1], point[2] + z * w[2]
        reach = reach_at(fr, half, z)
        free = lower_depth(prob, fr, x0, x1, x2, reach + 2.0) + 2.0 * lip_at(prob, fr, x0, x1, x2, reach + 2.0)
        if free <= 0.02:
            break
        z -= min(2.0, free / lip_at(prob, fr, x0, x1, x2, reach + 2.0)) / (size + turn)
    high = z
    while z > bottom:
        x0, x1, x2 = point[0] + z * w[0], point[1] + z * w[1], point[2] + z * w[2]
        if upper_depth(prob, fr, x0, x1, x2, reach_at(fr, half, z)) < -EPS:
            break
        z -= 0.5
    low = z
    if max(reach_at(fr, half, high), reach_at(fr, half, low)) > CLOSE_REACH:
        return low, high
    # Slice by slice from inside, until some line may be outside; then on until every line is.
    thin = max(THINNEST, 0.25 * reach_at(fr, half, high))
    slope = np.empty(5)
    while high > low:
        middle = high - 0.5 * thin
        if axis_range(prob, fr, half, point, w, size, middle, 0.5 * thin, slope)[0] <= EPS:
            break
        high -= thin
    z = high
    while z > low:
        if axis_range(prob, fr, half, point, w, size, z, 0.0, slope)[1] < -EPS:
            low = z
            break
        z -= thin
    return low, max(low, high)


@compiled()
def axis_range(prob, fr, half, point, w, size, z, thick, slope):
    """At most and at least the depth of the axes of a box within ``thick`` of a height."""
    x0, x1, x2 = point[0] + z * w[0], point[1] + z * w[1], point[2] + z * w[2]
    h1, h2 = widest(fr, half, z - thick, z + thick)
    reach = math.sqrt(h1 * h1 + h2 * h2) + thick * size + EPS
    if not affine_bounds(prob.distance, prob.spacing, x0, x1, x2, reach, slope):
        return -1e9, 1e9
    swing = off_axis(prob, slope, w, thick, h1, h2)
    return slope[4] - swing, slope[3] + swing


@compiled()
def widest(fr, half, low, high):
    """Half-widths of a box that hold at every height between two."""
    h1, h2 = spread(fr, half, low)
    g1, g2 = spread(fr, half, high)
    return max(h1, g1), max(h2, g2)


@compiled()
def off_axis(prob, slope, w, thick, h1, h2):
    """By how much an affine function differs from its value in the middle, among the axes of a box near a height."""
    n = prob.neck_frame
    along = slope[0] * w[0] + slope[1] * w[1] + slope[2] * w[2]
    first = slope[0] * n[1, 0] + slope[1] * n[1, 1] + slope[2] * n[1, 2]
    second = slope[0] * n[2, 0] + slope[1] * n[2, 1] + slope[2] * n[2, 2]
    return abs(along) * thick + abs(first) * h1 + abs(second) * h2


@compiled()
def normal_between(prob, fr, half, point, w, low, high, least, most):
    """Bounds (3) of the mouth's normal, not of unit length, for entries between two heights; whether there are any.

    It is a difference of the averaged field over two millimetres: that of two affine enclosures, whose
    slopes nearly cancel.
    """
    z, thick = 0.5 * (low + high), 0.5 * (high - low)
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    h1, h2 = widest(fr, half, low, high)
    reach = math.sqrt(h1 * h1 + h2 * h2) + thick * size + EPS
    if reach > CLOSE_REACH:
        return False
    back, front, x = np.empty(5), np.empty(5), np.empty(3)
    for i in range(3):
        for k in range(3):
            x[k] = point[k] + z * w[k]
        x[i] -= 1.0
        if not affine_bounds(prob.mouth_field, prob.spacing, x[0], x[1], x[2], reach, back):
            return False
        x[i] += 2.0
        if not affine_bounds(prob.mouth_field, prob.spacing, x[0], x[1], x[2], reach, front):
            return False
        for k in range(3):
            back[k] -= front[k]
        swing = off_axis(prob, back, w, thick, h1, h2)
        least[i], most[i] = back[4] - front[3] - swing, back[3] - front[4] + swing
    return True


@compiled()
def least_sine(prob, fr, half, point, w, low, high, turn):
    """At most the sine of incidence of any entry between two heights; 2 where none is steep or lateral enough."""
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    least, most = np.empty(3), np.empty(3)
    if not normal_between(prob, fr, half, point, w, low, high, least, most):
        return 0.0
    dot = lateral = square = off = 0.0
    for i in range(3):
        middle, half_range = 0.5 * (least[i] + most[i]), 0.5 * (most[i] - least[i]) + 1e-6
        dot += middle * w[i] / size
        lateral += middle * prob.femoral_frame[0, i]
        square += middle * middle
        off += half_range * half_range
    length, off = math.sqrt(square), math.sqrt(off)
    if off >= length:
        return 0.0
    # No normal turns further from the middle one, and no direction from the centre's.
    loose = math.asin(off / length) + 1e-6
    angle, spare = math.acos(min(1.0, abs(dot) / length)), loose + 2.0 * math.asin(min(1.0, 0.5 * turn))
    if math.cos(max(0.0, angle - spare)) < prob.incidence_min_sine - 1e-6:
        return 2.0
    facing = math.acos(min(1.0, max(-1.0, lateral / length)))
    if math.cos(max(0.0, facing - loose)) < prob.entry_normal_min_cosine - 1e-6:
        return 2.0
    return math.cos(min(0.5 * math.pi, angle + spare))


@compiled()
def entry_allowed(prob, fr, half, point, w, low, high, angle, arc):
    """Whether an entry between two heights of the neck axis may keep the entry's rules."""
    frame = prob.femoral_frame
    n = prob.neck_frame
    h1, h2 = widest(fr, half, low, high)
    heights = np.zeros(2)
    fronts = np.zeros(2)
    for side in range(2):
        z = low if side == 0 else high
        for k in range(3):
            d = point[k] + z * w[k] - prob.head_center[k]
            heights[side] += d * frame[2, k]
            fronts[side] += d * frame[1, k]
    up1 = up2 = ant1 = ant2 = 0.0
    for k in range(3):
        up1 += frame[2, k] * n[1, k]
        up2 += frame[2, k] * n[2, k]
        ant1 += frame[1, k] * n[1, k]
        ant2 += frame[1, k] * n[2, k]
    grow = abs(up1) * h1 + abs(up2) * h2 + EPS
    lowest, highest = min(heights[0], heights[1]) - grow, max(heights[0], heights[1]) + grow
    nearest = min(max(0.5 * math.pi, angle - arc), angle + arc)
    rise = prob.radius / max(math.sin(nearest), 1e-6)
    base = prob.trochanter_height
    if highest - rise - base < prob.entry_distal or lowest + rise - base > prob.entry_proximal:
        return False
    lowest = max(lowest, base + prob.entry_distal + rise)
    highest = min(highest, base + prob.entry_proximal - rise)
    end = prob.midline_start + 0.5 * (prob.midline_y.shape[0] - 1)
    if highest < prob.midline_start - 0.5 - EPS or lowest > end + 0.5 + EPS:
        return False
    grow = abs(ant1) * h1 + abs(ant2) * h2 + TABLE_MM
    back, front = min(fronts[0], fronts[1]) - grow, max(fronts[0], fronts[1]) + grow
    last = prob.midline_y.shape[0] - 1
    first = int(min(max(math.floor((lowest - prob.midline_start) / 0.5), 0.0), last))
    final = int(min(max(math.ceil((highest - prob.midline_start) / 0.5), 0.0), last))
    middle_low, middle_high = 1e9, -1e9
    for i in range(first, final + 1):
        middle_low = min(middle_low, prob.midline_y[i])
        middle_high = max(middle_high, prob.midline_y[i])
    if back - middle_high > prob.entry_ap_max or middle_low - front > prob.entry_ap_max:
        return False
    if prob.cut_points.shape[0] > 0:
        z = 0.5 * (low + high)
        x0, x1, x2 = point[0] + z * w[0], point[1] + z * w[1], point[2] + z * w[2]
        size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
        room = prob.radius + prob.cortical_margin - 0.5 * (high - low) * size - math.sqrt(h1 * h1 + h2 * h2) - EPS
        if room > 0.0:
            for c in range(prob.cut_points.shape[0]):
                gx, gy, gz = prob.cut_points[c, 0] - x0, prob.cut_points[c, 1] - x1, prob.cut_points[c, 2] - x2
                if gx * gx + gy * gy + gz * gz < room * room:
                    return False
    return True
