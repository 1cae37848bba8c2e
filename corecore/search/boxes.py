"""Whether a box of lines may hold a tunnel at all, how deep it may end, and how much it may remove at most.

Coarse tests by slopes of the field; ``corecore.search.tile`` looks closer at small boxes.
"""

from __future__ import annotations

import math

import numpy as np

from corecore.compiled import compiled
from corecore.fields import across
from corecore.search.enclosure import (
    EPS,
    HALF_STEP,
    SLOPE_LIMIT,
    TABLE_MM,
    axis_depth,
    axis_of,
    helper_unique,
    least_margin,
    lip_at,
    lower_depth,
    reach_at,
    ring_drift,
    spread,
    upper_depth,
)
from corecore.tunnel import PORTAL_EXTRA_MM


@compiled()
def enclose(prob, fr, centre, half, ring, out, full):
    """Whether a box may hold a feasible line; ``out``: highest tip, entry from and to, where its walls surely start.

    Without ``full`` only the tests that cost least, for boxes about to be halved.
    """
    length = fr.high - fr.low
    point, w, m1, m2 = axis_of(prob, fr, centre)
    hm1, hm2 = (half[0] + half[2]) / length, (half[1] + half[3]) / length
    if abs(m1) - hm1 > SLOPE_LIMIT or abs(m2) - hm2 > SLOPE_LIMIT:
        return False
    turn = math.sqrt(hm1 * hm1 + hm2 * hm2)
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    least_size = max(1.0, size - turn)
    ux, uy, uz = w[0] / size, w[1] / size, w[2] / size
    z_axis = prob.femoral_frame[2]
    angle = math.acos(min(1.0, max(-1.0, -(ux * z_axis[0] + uy * z_axis[1] + uz * z_axis[2]))))
    arc = 2.0 * math.asin(min(1.0, 0.5 * turn))
    if angle + arc < prob.shaft_angle_min - 1e-6 or angle - arc > prob.shaft_angle_max + 1e-6:
        return False
    # The axis is in bone from entry to tip, and the neck plane lies between.
    if upper_depth(prob, fr, point[0], point[1], point[2], reach_at(fr, half, 0.0)) <= -EPS:
        return False
    if not full:
        out[0] = fr.lesion_high + prob.radius
        return True
    # Where the entry may lie.
    z, bottom = 0.0, -6.0 * prob.head_radius
    while z > bottom:
        x0, x1, x2 = point[0] + z * w[0], point[1] + z * w[1], point[2] + z * w[2]
        reach = reach_at(fr, half, z)
        free = lower_depth(prob, fr, x0, x1, x2, reach + 2.0) + 2.0 * lip_at(prob, fr, x0, x1, x2, reach + 2.0)
        if free <= 0.02:
            break
        z -= min(2.0, free / lip_at(prob, fr, x0, x1, x2, reach + 2.0)) / (size + turn)
    entry_high = z
    while z > bottom:
        x0, x1, x2 = point[0] + z * w[0], point[1] + z * w[1], point[2] + z * w[2]
        if upper_depth(prob, fr, x0, x1, x2, reach_at(fr, half, z)) < -EPS:
            break
        z -= 0.5
    entry_low = z
    if not entry_allowed(prob, fr, half, point, w, entry_low, entry_high, angle, arc):
        return False
    sine = max(prob.incidence_min_sine, least_sine(prob, fr, half, point, w, entry_low, entry_high, turn))
    if sine > 1.0:
        return False
    cosine = math.sqrt(1.0 - sine * sine)
    portal = (prob.cortical_margin + prob.radius * cosine) / sine + PORTAL_EXTRA_MM + HALF_STEP + EPS
    start = min(2.0 * HALF_STEP, entry_high + portal / least_size)
    e, f = across(ux, uy, uz)
    unique = helper_unique(ux, uy, uz, turn)
    drift = prob.radius * ring_drift(unique, turn)
    top = min(fr.lesion_high + prob.radius, entry_high + prob.length_max / least_size + EPS)
    tip = top
    hardest = max(prob.joint_margin, prob.posterosuperior_margin)
    z = start
    while z < top:
        reach = reach_at(fr, half, z) + drift + HALF_STEP + EPS
        x0, x1, x2 = point[0] + z * w[0], point[1] + z * w[1], point[2] + z * w[2]
        blocked = False
        # Where the axis is deep no wall breaks: leaving a ring out only raises the bound.
        if axis_depth(prob, point, w, z) < prob.radius + hardest - 0.7 * reach:
            for k in range(ring.shape[0]):
                c, s = prob.radius * ring[k, 0], prob.radius * ring[k, 1]
                y0, y1, y2 = x0 + c * e[0] + s * f[0], x1 + c * e[1] + s * f[1], x2 + c * e[2] + s * f[2]
                if upper_depth(prob, fr, y0, y1, y2, reach) < least_margin(prob, y0, y1, y2, reach):
                    blocked = True
                    break
        if blocked:
            tip = z
            break
        z += 2.0
    # The flat end, drawn back until it may keep its margins.
    while tip > fr.lesion_low - prob.radius:
        thin = min(0.25, max(0.05, 0.25 * reach_at(fr, half, tip)))
        z = tip - thin
        x0, x1, x2 = point[0] + z * w[0], point[1] + z * w[1], point[2] + z * w[2]
        base = reach_at(fr, half, z) + thin * (size + turn) + EPS
        blocked = upper_depth(prob, fr, x0, x1, x2, base) < least_margin(prob, x0, x1, x2, base)
        reach = base + drift
        if not blocked:
            for k in range(ring.shape[0]):
                c, s = prob.radius * ring[k, 0], prob.radius * ring[k, 1]
                y0, y1, y2 = x0 + c * e[0] + s * f[0], x1 + c * e[1] + s * f[1], x2 + c * e[2] + s * f[2]
                if upper_depth(prob, fr, y0, y1, y2, reach) < least_margin(prob, y0, y1, y2, reach):
                    blocked = True
                    break
        if not blocked:
            break
        tip -= 2.0 * thin
    out[0], out[1], out[2], out[3] = tip, entry_low, entry_high, start
    return tip > 0.0 and tip > fr.lesion_low - prob.radius


@compiled()
def least_sine(prob, fr, half, point, w, low, high, turn):
    """At most the sine of incidence of any entry between two heights; 2 where none is steep enough or faces sideways.

    The mouth's normal is a difference over two millimetres, so its parts lie between the
    steps of the field round about.
    """
    z = 0.5 * (low + high)
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    reach = 0.5 * (high - low) * size + max(reach_at(fr, half, low), reach_at(fr, half, high)) + EPS
    if reach > 4.0:
        return 0.0
    field, s = prob.mouth_field, prob.spacing
    first, last = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    for i in range(3):
        x = point[i] + z * w[i]
        first[i] = math.floor((x - reach - 1.0) / s[i])
        last[i] = math.floor((x + reach + 1.0) / s[i]) + 1
        if first[i] < 0 or last[i] >= field.shape[i]:
            return 0.0
    least, most = np.full(3, 1e9), np.full(3, -1e9)
    for i in range(first[0], last[0] + 1):
        for j in range(first[1], last[1] + 1):
            for k in range(first[2], last[2] + 1):
                v = field[i, j, k]
                if i < last[0]:
                    d = (v - field[i + 1, j, k]) / s[0]
                    least[0], most[0] = min(least[0], d), max(most[0], d)
                if j < last[1]:
                    d = (v - field[i, j + 1, k]) / s[1]
                    least[1], most[1] = min(least[1], d), max(most[1], d)
                if k < last[2]:
                    d = (v - field[i, j, k + 1]) / s[2]
                    least[2], most[2] = min(least[2], d), max(most[2], d)
    dot = whole = spare = lateral = loose = 0.0
    for i in range(3):
        middle, half_range = 0.5 * (least[i] + most[i]), 0.5 * (most[i] - least[i]) + 1e-6
        dot += middle * w[i] / size
        spare += half_range * abs(w[i]) / size
        lateral += middle * prob.femoral_frame[0, i]
        loose += half_range * abs(prob.femoral_frame[0, i])
        whole += (abs(middle) + half_range) ** 2
    whole = math.sqrt(whole)
    short = 0.0
    for i in range(3):
        nearest = min(max(0.0, least[i]), most[i])
        short += nearest * nearest
    short = math.sqrt(short)
    if short > 1e-3:
        if (abs(dot) + spare) / short + turn < prob.incidence_min_sine - 1e-6:
            return 2.0
        facing = lateral + loose
        if facing / (short if facing > 0.0 else whole) < prob.entry_normal_min_cosine - 1e-6:
            return 2.0
    return max(0.0, (abs(dot) - spare) / whole - turn)


@compiled()
def entry_allowed(prob, fr, half, point, w, low, high, angle, arc):
    """Whether an entry between two heights of the neck axis may keep the entry's rules."""
    frame = prob.femoral_frame
    n = prob.neck_frame
    h1, h2 = spread(fr, half, low)
    g1, g2 = spread(fr, half, high)
    h1, h2 = max(h1, g1), max(h2, g2)
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


@compiled()
def brick_bound(prob, fr, centre, half, tip):
    """At least the number of lesion points that any tunnel of the box removes, whole bricks counted."""
    length = fr.high - fr.low
    point, w, m1, m2 = axis_of(prob, fr, centre)
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    ux, uy, uz = w[0] / size, w[1] / size, w[2] / size
    hm1, hm2 = (half[0] + half[2]) / length, (half[1] + half[3]) / length
    turn = math.sqrt(hm1 * hm1 + hm2 * hm2)
    reach = max(
        reach_at(fr, half, fr.lesion_low - 2.0 * prob.radius), reach_at(fr, half, fr.lesion_high + 2.0 * prob.radius)
    )
    last = tip * size + prob.radius * turn + reach * math.sqrt(m1 * m1 + m2 * m2) + EPS
    wide = prob.radius + reach + EPS
    count = 0
    for brick in range(prob.brick_center.shape[0]):
        dx, dy, dz = (
            prob.brick_center[brick, 0] - point[0],
            prob.brick_center[brick, 1] - point[1],
            prob.brick_center[brick, 2] - point[2],
        )
        t = dx * ux + dy * uy + dz * uz
        room = wide + prob.brick_radius[brick]
        if t - prob.brick_radius[brick] <= last and dx * dx + dy * dy + dz * dz - t * t <= room * room:
            count += prob.brick_start[brick + 1] - prob.brick_start[brick]
    return count
