"""Compiled evaluation of one line: is there a tunnel along it within all constraints, how deep, how much.

``corecore.tunnels.figures.assess`` is the same evaluation in plain numpy; the tests hold one against
the other. Lengths in mm; ``t`` runs along the line from its point on the neck plane towards
the head.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.interpolation import OUTSIDE, sample
from corecore.base.jit_cache import compiled
from corecore.base.limits import OUTWARD_MM
from corecore.planning.search.cavity import best_cavity
from corecore.planning.search.keep_out import walk_clear
from corecore.planning.search.lesion_counts import count_along, reached_along, removed_along
from corecore.planning.search.line_geometry import (
    AP,
    CORTICAL,
    COUNT,
    DIRECTION_FIXED,
    DISTAL,
    ENTRY_FIXED,
    FIELD_OF_VIEW,
    INCIDENCE,
    MISSES,
    NECK_SHARE,
    NORMAL,
    OK,
    OUTWARD,
    PORTAL,
    PROXIMAL,
    RIDGE,
    SHAFT_MAX,
    SHAFT_MIN,
    WALL_SHARE,
    Axis,
    axis_of,
    entry_gaps,
    find_entry,
    flat_end_gap,
    line_of,
    margin_at,
    outward_is_free,
    ring_reason,
    walk_wall,
    wall_on_plane,
)
from corecore.planning.search.shaped_end import best_end, deepest_pin, is_shaped
from corecore.tunnels.figures import (
    PORTAL_EXTRA_MM,
)

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: A climb remembers so many lines that it has looked at; few look at more.
SEEN_MAX = 1024


@compiled()
def evaluate_line(
    problem: Problem, line: FloatArray, ring: FloatArray, step: float, need: int, gaps: FloatArray
) -> tuple[int, float, float, int]:
    """Evaluate a line (4,): (reason, entry ``t``, tip ``t``, lesion points removed). ``OK``: all constraints are kept.

    ``ring`` (M, 2) holds cosines and sines round the wall, ``step`` the distance between rings, mm;
    ``gaps`` (COUNT,) is scratch space. A line that cannot remove ``need`` points is given up early as ``MISSES``:
    of a plain tunnel once its wall's depth is known, before its end is looked at.
    """
    point, u = line_of(problem, line[0], line[1], line[2], line[3])
    centre_depth = sample(problem.distance, problem.spacing, point[0], point[1], point[2])
    # Where the line passes the neck its whole ring is there, so the axis keeps radius + margin.
    if centre_depth < problem.radius + problem.cortical_margin:
        return CORTICAL, 0.0, 0.0, 0
    axis = axis_of(point, u)
    why = ring_reason(problem, axis, 0.0, problem.radius, ring, True)
    if why != OK:
        return why, 0.0, 0.0, 0
    entry = find_entry(problem, point, u)
    sine = entry_gaps(problem, point, u, entry, gaps)
    for reason in (
        ENTRY_FIXED, DIRECTION_FIXED, NECK_SHARE, WALL_SHARE, RIDGE, SHAFT_MIN, SHAFT_MAX, DISTAL, PROXIMAL, AP,
        NORMAL, INCIDENCE, FIELD_OF_VIEW, PORTAL,
    ):  # fmt: skip
        if gaps[reason] < 0.0:
            return reason, entry, 0.0, 0
    # The oblique hole's rim reaches so far in and out along the axis; the entry segment ends where margins begin.
    cosine = math.sqrt(max(0.0, 1.0 - sine * sine))
    segment_end = entry + (problem.cortical_margin + problem.radius * cosine) / sine + PORTAL_EXTRA_MM
    rim = problem.radius * cosine / sine + PORTAL_EXTRA_MM
    if segment_end > 0.0:
        return PORTAL, entry, 0.0, 0
    deepest = min(problem.head_radius * 4.0, entry + problem.length_max)
    plain = problem.cavity_radius == 0.0 and problem.reach == 0.0 and not is_shaped(problem)
    if need > 1 and not plain:
        # A cheap bound on what it can remove.
        if problem.end_ahead > 0.0:
            bound = deepest_pin(problem, axis, deepest + problem.end_ahead)
        else:
            bound = deepest_axis(problem, axis, deepest)
        wide = max(problem.radius, problem.cavity_radius) + problem.reach
        count, _ = removed_along(problem, point, u, entry - problem.reach, bound + 0.1 + problem.reach, wide)
        if count < need:
            return MISSES, entry, 0.0, 0
    # Outward in two walks, so that a ring stands exactly where the entry segment ends: there the wall is nearest.
    _, why = walk_wall(problem, axis, ring, 0.0, segment_end, step, segment_end)
    if why != OK:
        return why, entry, 0.0, 0
    _, why = walk_wall(problem, axis, ring, segment_end - 1e-9, entry + rim, step, segment_end)
    if why != OK:
        return why, entry, 0.0, 0
    tip, why = walk_wall(problem, axis, ring, 0.0, deepest, step, segment_end)
    if why != OK:
        # Between the last good ring and the first bad one, halve.
        good, bad = tip, tip + step
        for _ in range(8):
            middle = 0.5 * (good + bad)
            if ring_reason(problem, axis, middle, problem.radius, ring, True) == OK:
                good = middle
            else:
                bad = middle
        tip = good
    tip, crossed = wall_on_plane(problem, axis, ring, entry + rim, tip, problem.radius)
    if tip <= 0.0:
        return crossed, entry, 0.0, 0
    if problem.avoid_margin >= 0.0 or problem.pelvis_margin >= 0.0:
        _, why = walk_clear(problem, axis, ring, 0.0, entry - OUTWARD_MM, problem.radius)
        if why != OK:
            return why, entry, 0.0, 0
        clear, why = walk_clear(problem, axis, ring, 0.0, tip, problem.radius)
        if why != OK:
            tip = clear
            if tip <= 0.0:
                return why, entry, tip, 0
    if problem.cavity_radius > 0.0:
        if not outward_is_free(problem, axis, ring, entry, rim):
            return OUTWARD, entry, tip, 0
        return best_cavity(problem, axis, ring, step, entry, segment_end, tip, need)
    if is_shaped(problem):
        why, tip, count = best_end(problem, axis, ring, step, entry, tip, deepest)
        if why == OK and not outward_is_free(problem, axis, ring, entry, rim):
            return OUTWARD, entry, tip, 0
        return why, entry, tip, count
    # Its end may be drawn back, and no deeper.
    if need > 1 and plain and count_along(problem, point, u, entry, tip, problem.radius) < need:
        return MISSES, entry, tip, 0
    # The flat end may come nearer to the joint than its rim: draw back until it does not.
    for _ in range(200):
        gap, why = flat_end_gap(problem, axis, tip, problem.radius, ring)
        if gap >= 0.0:
            break
        tip += min(gap, -0.02)
        if tip <= 0.0:
            return why, entry, tip, 0
    else:
        return why, entry, tip, 0
    count, last = removed_along(problem, point, u, entry, tip, problem.radius)
    if count == 0:
        return MISSES, entry, tip, 0
    if problem.reach > 0.0:
        count, last = reached_along(problem, point, u, entry, tip, last)
    # No deeper than the lesion's end; a hair more, so that its last point stays inside.
    drawn = min(tip, last + 1e-3)
    if drawn < tip:
        gap, why = flat_end_gap(problem, axis, drawn, problem.radius, ring)
        if gap >= 0.0:
            tip = drawn
    if not outward_is_free(problem, axis, ring, entry, rim):
        return OUTWARD, entry, tip, 0
    return OK, entry, tip, count


@compiled()
def deepest_axis(problem: Problem, axis: Axis, deepest: float) -> float:
    """The last ``t`` up to ``deepest`` at which the axis keeps its own margin, told a little too deep.

    The centre of the flat end, or the point of a tip, keeps its margin too, so no tunnel on the line goes further.
    """
    point, u = axis.point, axis.direction
    t = deepest
    lowest = min(problem.cortical_margin, problem.joint_margin)
    while t > 0.0:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        margin, _ = margin_at(problem, x, y, z)
        depth = sample(problem.distance, problem.spacing, x, y, z)
        if depth >= margin:
            break
        t -= 1.0 if depth == OUTSIDE else max(0.05, 0.9 * (lowest - depth))
    return t


@compiled(nogil=True)
def evaluate_lines(
    problem: Problem,
    lines: FloatArray,
    ring: FloatArray,
    step: float,
    reasons: npt.NDArray[np.int8],
    ends: FloatArray,
    counts: npt.NDArray[np.int64],
) -> None:
    """``evaluate_line`` for lines (N, 4), into reasons (N,), entries and tips (N, 2), counts (N,)."""
    gaps = np.zeros(COUNT)
    for i in range(lines.shape[0]):
        reason, entry, tip, count = evaluate_line(problem, lines[i], ring, step, 1, gaps)
        reasons[i] = reason
        ends[i, 0], ends[i, 1] = entry, tip
        counts[i] = count


@compiled()
def stands_among(lines: FloatArray, count: int, line: FloatArray) -> bool:
    """Whether a line (4,) is one of the first ``count`` of lines (N, 4), to the last digit."""
    # A climb comes back to what it has just left.
    for n in range(count - 1, -1, -1):
        if lines[n, 0] == line[0] and lines[n, 1] == line[1] and lines[n, 2] == line[2] and lines[n, 3] == line[3]:
            return True
    return False


@compiled(nogil=True)
def climb_lines(
    problem: Problem,
    lines: FloatArray,
    ring: FloatArray,
    step: float,
    size: float,
    smallest: float,
    result: FloatArray,
    ends: FloatArray,
    counts: npt.NDArray[np.int64],
    tried: npt.NDArray[np.int64],
) -> None:
    """Climb from each of lines (N, 4): the problem's moves, from ``size`` on halved when none helps.

    Fills the lines reached (N, 4), their entries and tips (N, 2), their counts (0: infeasible
    throughout) and how many lines were looked at for each (N,), those seen before too.
    """
    gaps = np.zeros(COUNT)
    trial, seen = np.zeros(4), np.zeros((SEEN_MAX, 4))
    moves = problem.moves
    for i in range(lines.shape[0]):
        best = lines[i].copy()
        count, step_size, move, moved, known = 0, size, -1, False, 0
        while step_size >= smallest:
            trial[:] = best
            # Move -1 is the start itself.
            if move >= 0:
                trial += step_size * moves[move]
            tried[i] += 1
            # What did not help did less than is removed by now, or nothing.
            if not stands_among(seen, known, trial):
                why, entry, tip, found = evaluate_line(problem, trial, ring, step, count + 1, gaps)
                if why == OK and found > count:
                    count = found
                    ends[i, 0], ends[i, 1] = entry, tip
                    best[:] = trial
                    moved = move >= 0
                if known < SEEN_MAX:
                    seen[known] = trial
                    known += 1
            move += 1
            if move == moves.shape[0]:
                if not moved:
                    step_size *= 0.5
                move, moved = 0, False
        result[i] = best
        counts[i] = count
