"""Compiled evaluation of the cavity of an expandable reamer at a tunnel's tip: where it fits, and does most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.interpolation import sample
from corecore.base.jit_cache import compiled
from corecore.planning.search.keep_out import walk_clear
from corecore.planning.search.lesion_counts import fill_counts_along, removed_along
from corecore.planning.search.line_geometry import MISSES, OK, Axis, flat_end_gap, ring_reason, wall_on_plane

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: Distance between the tips tried for a cavity, mm.
CAVITY_STEP_MM = 1.0


@compiled()
def cavity_reason(problem: Problem, axis: Axis, ring: FloatArray, step: float, tip: float) -> int:
    """The rule that the cavity of a tunnel to ``tip`` breaks first, or ``OK``."""
    back = tip - problem.cavity_length
    radius = problem.cavity_radius
    point, u = axis.point, axis.direction
    for t in (tip, back):
        gap, why = flat_end_gap(problem, axis, t, radius, ring)
        if gap < 0.0:
            return why
    _, why = wall_on_plane(problem, axis, ring, back, tip, radius)
    if why != OK:
        return why
    hardest = max(problem.joint_margin, max(problem.posterosuperior_margin, problem.cortical_margin))
    t = tip
    while t > back:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        room = sample(problem.distance, problem.spacing, x, y, z) - radius - hardest
        if room <= 0.0:
            why = ring_reason(problem, axis, t, radius, ring, True)
            if why != OK:
                return why
        t -= max(step, room)
    if problem.avoid_margin >= 0.0 or problem.pelvis_margin >= 0.0:
        _, why = walk_clear(problem, axis, ring, back, tip, radius)
        return why
    return OK


@compiled()
def count_with_cavity(problem: Problem, axis: Axis, entry: float, tip: float) -> int:
    """Lesion points in a tunnel with its cavity, or within ``problem.reach`` of them; none where none is removed."""
    back = tip - problem.cavity_length
    point, u = axis.point, axis.direction
    narrow, _ = removed_along(problem, point, u, entry, back, problem.radius)
    wide, _ = removed_along(problem, point, u, back, tip, problem.cavity_radius)
    if problem.reach <= 0.0 or narrow + wide == 0:
        return narrow + wide
    count = 0
    px = point[0] - problem.head_center[0]
    py = point[1] - problem.head_center[1]
    pz = point[2] - problem.head_center[2]
    square = problem.reach * problem.reach
    for n in range(problem.points.shape[1]):
        gx, gy, gz = problem.points[0, n] - px, problem.points[1, n] - py, problem.points[2, n] - pz
        s = gx * u[0] + gy * u[1] + gz * u[2]
        away = math.sqrt(max(0.0, gx * gx + gy * gy + gz * gz - s * s))
        beside, beyond = max(0.0, away - problem.cavity_radius), max(0.0, max(s - tip, back - s))
        near = beside * beside + beyond * beyond <= square
        if not near:
            beside, beyond = max(0.0, away - problem.radius), max(0.0, max(s - tip, entry - s))
            near = beside * beside + beyond * beyond <= square
        if near:
            count += 1
    return count


@compiled()
def best_cavity(
    problem: Problem,
    axis: Axis,
    ring: FloatArray,
    step: float,
    entry: float,
    segment_end: float,
    deepest: float,
    need: int,
) -> tuple[int, float, float, int]:
    """As ``feasibility.evaluate_line``, for a tunnel with a cavity: its wall is good to ``deepest``.

    The tip is where the two do most. A deeper cavity does not always remove more, nor does a
    shallower one always fit, so tips are tried at even distances and the best is moved by ever
    smaller steps. What a tip would do is told sooner than whether it may, and comes first.
    """
    count, tip, reason = 0, deepest, MISSES
    first = segment_end
    per_cavity = max(1, round(problem.cavity_length / CAVITY_STEP_MM))
    width = problem.cavity_length / per_cavity
    slices = int((deepest - first) / width)
    if slices < per_cavity:
        return reason, entry, tip, 0
    narrow, wide = np.zeros(slices, dtype=np.int64), np.zeros(slices, dtype=np.int64)
    fill_counts_along(problem, axis.point, axis.direction, first, width, narrow, wide)
    for k in range(slices - 1, per_cavity - 2, -1):
        before = k - per_cavity
        found = wide[k] + (narrow[before] - wide[before] if before >= 0 else 0)
        trial = first + (k + 1) * width
        if found > 0 and problem.reach > 0.0:
            found = count_with_cavity(problem, axis, entry, trial)
        # Of tips that do as much the shallowest; a tenth may come with the smaller steps.
        if found > 0 and found >= max(count, need - need // 10):
            why = cavity_reason(problem, axis, ring, step, trial)
            if why == OK:
                count, tip = found, trial
            elif count == 0:
                reason = why
    if count == 0:
        return reason, entry, tip, 0
    count = count_with_cavity(problem, axis, entry, tip)
    size = 0.5 * width
    while size > 0.02:
        moved = False
        for sign in (-1.0, 1.0):
            trial = tip + sign * size
            if trial > deepest or trial - problem.cavity_length < segment_end:
                continue
            found = count_with_cavity(problem, axis, entry, trial)
            if found < count or (found == count and sign > 0.0):
                continue
            if cavity_reason(problem, axis, ring, step, trial) == OK:
                count, tip, moved = found, trial, True
                break
        if not moved:
            size *= 0.5
    return OK, entry, tip, count
