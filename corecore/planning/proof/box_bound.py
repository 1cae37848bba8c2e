"""Whether a box of lines may hold a tunnel at all, how deep it may end, and how much it may remove at most.

Coarse tests by slopes of the field; ``corecore.planning.proof.tile_bound`` looks closer at small boxes.
"""

from __future__ import annotations

import math

from corecore.base.interpolation import across
from corecore.base.jit_cache import compiled
from corecore.planning.proof.box_geometry import (
    EPS,
    HALF_STEP,
    SLOPE_LIMIT,
    axis_depth,
    axis_of,
    helper_unique,
    least_margin,
    reach_at,
    ring_drift,
    upper_depth,
)
from corecore.planning.proof.entry_bounds import entry_allowed, entry_between, least_sine
from corecore.tunnels.figures import PORTAL_EXTRA_MM


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
    entry_low, entry_high = entry_between(prob, fr, half, point, w, size, turn)
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
