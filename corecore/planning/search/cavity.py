"""Compiled judgement of the cavity of an expandable reamer at a tunnel's tip: where it fits, and does most."""

from __future__ import annotations

import math

import numpy as np

from corecore.base.interpolation import sample
from corecore.base.jit_cache import compiled
from corecore.planning.search.keep_out import free_until
from corecore.planning.search.lesion_counts import lesion_along, removed_along
from corecore.planning.search.line_geometry import MISSES, OK, disc_gap, ring_breaks

#: Distance between the tips tried for a cavity, mm.
CAVITY_STEP_MM = 1.0


@compiled()
def cavity_breaks(prob, point, u, e, f, ring, step, tip):
    """The rule that the cavity of a tunnel to ``tip`` breaks first, or ``OK``."""
    back = tip - prob.cavity_length
    radius = prob.cavity_radius
    for t in (tip, back):
        gap, why = disc_gap(prob, point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2], e, f, ring, radius)
        if gap < 0.0:
            return why
    hardest = max(prob.joint_margin, max(prob.posterosuperior_margin, prob.cortical_margin))
    t = tip
    while t > back:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        room = sample(prob.distance, prob.spacing, x, y, z) - radius - hardest
        if room <= 0.0:
            why = ring_breaks(prob, x, y, z, e, f, radius, ring, True)
            if why != OK:
                return why
        t -= max(step, room)
    if prob.avoid_margin >= 0.0 or prob.pelvis_margin >= 0.0:
        _, why = free_until(prob, point, u, e, f, ring, back, tip, radius)
        return why
    return OK


@compiled()
def cavity_value(prob, point, u, entry, tip):
    """Lesion points in a tunnel with its cavity, or within ``prob.reach`` of them; none where none is removed."""
    back = tip - prob.cavity_length
    narrow, _ = removed_along(prob, point, u, entry, back, prob.radius)
    wide, _ = removed_along(prob, point, u, back, tip, prob.cavity_radius)
    if prob.reach <= 0.0 or narrow + wide == 0:
        return narrow + wide
    count = 0
    px, py, pz = point[0] - prob.head_center[0], point[1] - prob.head_center[1], point[2] - prob.head_center[2]
    square = prob.reach * prob.reach
    for n in range(prob.points.shape[1]):
        gx, gy, gz = prob.points[0, n] - px, prob.points[1, n] - py, prob.points[2, n] - pz
        s = gx * u[0] + gy * u[1] + gz * u[2]
        away = math.sqrt(max(0.0, gx * gx + gy * gy + gz * gz - s * s))
        beside, beyond = max(0.0, away - prob.cavity_radius), max(0.0, max(s - tip, back - s))
        near = beside * beside + beyond * beyond <= square
        if not near:
            beside, beyond = max(0.0, away - prob.radius), max(0.0, max(s - tip, entry - s))
            near = beside * beside + beyond * beyond <= square
        if near:
            count += 1
    return count


@compiled()
def best_cavity(prob, point, u, e, f, ring, step, entry, portal, deepest, need):
    """As ``judge``, for a tunnel with a cavity whose wall is good up to ``deepest``: the tip where the two do most.

    A deeper cavity does not always remove more, nor does a shallower one always fit, so tips are
    tried at even distances and the best is moved by ever smaller steps. What a tip would do is
    told sooner than whether it may, and comes first.
    """
    count, tip, reason = 0, deepest, MISSES
    first = portal
    per_cavity = max(1, round(prob.cavity_length / CAVITY_STEP_MM))
    width = prob.cavity_length / per_cavity
    slices = int((deepest - first) / width)
    if slices < per_cavity:
        return reason, entry, tip, 0
    narrow, wide = np.zeros(slices, dtype=np.int64), np.zeros(slices, dtype=np.int64)
    lesion_along(prob, point, u, first, width, narrow, wide)
    for k in range(slices - 1, per_cavity - 2, -1):
        before = k - per_cavity
        found = wide[k] + (narrow[before] - wide[before] if before >= 0 else 0)
        trial = first + (k + 1) * width
        if found > 0 and prob.reach > 0.0:
            found = cavity_value(prob, point, u, entry, trial)
        # Of tips that do as much the shallowest; a tenth may come with the smaller steps.
        if found > 0 and found >= max(count, need - need // 10):
            why = cavity_breaks(prob, point, u, e, f, ring, step, trial)
            if why == OK:
                count, tip = found, trial
            elif count == 0:
                reason = why
    if count == 0:
        return reason, entry, tip, 0
    count = cavity_value(prob, point, u, entry, tip)
    size = 0.5 * width
    while size > 0.02:
        moved = False
        for sign in (-1.0, 1.0):
            trial = tip + sign * size
            if trial > deepest or trial - prob.cavity_length < portal:
                continue
            found = cavity_value(prob, point, u, entry, trial)
            if found < count or (found == count and sign > 0.0):
                continue
            if cavity_breaks(prob, point, u, e, f, ring, step, trial) == OK:
                count, tip, moved = found, trial, True
                break
        if not moved:
            size *= 0.5
    return OK, entry, tip, count
