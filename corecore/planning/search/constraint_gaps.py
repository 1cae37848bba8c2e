"""How far a line is from carrying a tunnel: its breaks of all constraints at once.

Measured for the shallowest tunnel on the line that reaches the lesion. The lines that come
nearest are then moved until they come no nearer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.interpolation import sample
from corecore.base.jit_cache import compiled
from corecore.base.limits import OUTWARD_MM
from corecore.base.parallel import in_parts
from corecore.planning.search.keep_out import keep_out_gap, section_gap
from corecore.planning.search.line_geometry import (
    AP,
    COUNT,
    DIRECTION_FIXED,
    DISTAL,
    ENTRY_FIXED,
    FIELD_OF_VIEW,
    INCIDENCE,
    LENGTH,
    MISSES,
    NECK_SHARE,
    NORMAL,
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
    line_of,
    margin_at,
    outward_is_free,
    ring_points,
)
from corecore.planning.search.shaped_end import lower_end_gaps
from corecore.tunnels.figures import (
    PORTAL_EXTRA_MM,
)

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: How deep into the lesion the shallowest useful tunnel ends, mm.
TOUCH_MM = 3.0
#: Gaps smaller than this count as kept, mm or degrees.
KEPT = 1e-6
#: How many lines of the lattice are measured against all constraints; the nearest are then moved.
SURVEYED = 16_000
#: Degrees weigh a fifth of a millimetre in the sum of breaks, so that neither drowns the other.
WEIGHTS = np.ones(COUNT)
WEIGHTS[[INCIDENCE, NORMAL, SHAFT_MIN, SHAFT_MAX, DIRECTION_FIXED]] = 0.2
#: A hundredth of the neck's section, or of the wall's width, weighs as a millimetre.
WEIGHTS[[NECK_SHARE, WALL_SHARE]] = 100.0


@dataclass(frozen=True, eq=False)
class Survey:
    """Lines (N, 4), their summed breaks (N,) and how far each keeps each constraint (N, COUNT)."""

    lines: FloatArray
    totals: FloatArray
    gaps: FloatArray


@compiled()
def fill_gaps(problem: Problem, line: FloatArray, ring: FloatArray, step: float, gaps: FloatArray) -> float:
    """Fill ``gaps`` (COUNT,) with how far a line's shallowest tunnel that reaches the lesion keeps each constraint.

    Negative is broken, in mm or degrees. Returns the summed breaks, a large number where
    the line (4,) is not in bone at the neck or misses the lesion. ``ring`` (M, 2), ``step`` mm: places looked at.
    """
    gaps[:] = 1e9
    point, u = line_of(problem, line[0], line[1], line[2], line[3])
    if sample(problem.distance, problem.spacing, point[0], point[1], point[2]) <= 0.0:
        return 1e6
    first = first_lesion(problem, point, u)
    if first > 1e8:
        gaps[MISSES] = -1.0
        return 1e5
    tip = max(first, 0.0) + TOUCH_MM
    axis = axis_of(point, u)
    entry = find_entry(problem, point, u)
    sine = entry_gaps(problem, point, u, entry, gaps)
    cosine = math.sqrt(max(0.0, 1.0 - sine * sine))
    rim = problem.radius * cosine / sine + PORTAL_EXTRA_MM
    segment_end = entry + (problem.cortical_margin + problem.radius * cosine) / sine + PORTAL_EXTRA_MM
    gaps[LENGTH] = problem.length_max - (tip - entry)
    if gaps[FIELD_OF_VIEW] < 0.0:
        # The axis leaves through the scan's edge: of the entry nothing is known.
        for reason in (INCIDENCE, NORMAL, DISTAL, PROXIMAL, AP, LENGTH, PORTAL, ENTRY_FIXED, WALL_SHARE, RIDGE):
            gaps[reason] = 1e9
        rim = problem.radius
    elif not outward_is_free(problem, axis, ring, entry, rim):
        gaps[OUTWARD] = -1.0
    # A flat end stands at the tip, or where an end of another shape begins.
    lower_wall_gaps(problem, axis, ring, step, entry + rim, segment_end, tip - problem.end_length, gaps)
    lower_end_gaps(problem, axis, ring, step, tip, gaps)
    if problem.cavity_radius > 0.0:
        lower_cavity_gaps(problem, axis, ring, step, segment_end, tip, gaps)
    lower_keep_out_gaps(problem, axis, ring, entry - OUTWARD_MM, tip - problem.end_length, gaps)
    total = 0.0
    for reason in range(1, COUNT):
        if gaps[reason] < -KEPT:
            total += WEIGHTS[reason] * -gaps[reason]
    return total


@compiled()
def first_lesion(problem: Problem, point: FloatArray, u: FloatArray) -> float:
    """The ``t`` of the first lesion point within the tunnel's or the cavity's radius of a line, 1e9 without any."""
    first = 1e9
    widest = max(problem.radius, problem.cavity_radius)
    centre = problem.head_center
    px, py, pz = point[0] - centre[0], point[1] - centre[1], point[2] - centre[2]
    points = problem.few_points
    for n in range(points.shape[1]):
        dx, dy, dz = points[0, n] - px, points[1, n] - py, points[2, n] - pz
        t = dx * u[0] + dy * u[1] + dz * u[2]
        if t < first and dx * dx + dy * dy + dz * dz - t * t <= widest * widest:
            first = t
    return first


@compiled()
def lower_wall_gaps(
    problem: Problem,
    axis: Axis,
    ring: FloatArray,
    step: float,
    start: float,
    segment_end: float,
    tip: float,
    gaps: FloatArray,
) -> None:
    """Lower ``gaps`` to how far the wall from ``start`` and the flat end at ``tip`` keep their margins.

    Before ``segment_end``, in the entry segment, the wall must only lie in bone.
    """
    point, u, e, f = axis.point, axis.direction, axis.across_1, axis.across_2
    t = start
    while True:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        rings = 4 if t >= tip else 1
        for level in range(rings):
            radius = problem.radius * (1.0 - 0.25 * level)
            for m in range(ring.shape[0]):
                c, s = radius * ring[m, 0], radius * ring[m, 1]
                wall_x, wall_y, wall_z = x + c * e[0] + s * f[0], y + c * e[1] + s * f[1], z + c * e[2] + s * f[2]
                depth = sample(problem.distance, problem.spacing, wall_x, wall_y, wall_z)
                if t < segment_end:
                    gaps[PORTAL] = min(gaps[PORTAL], depth)
                else:
                    margin, why = margin_at(problem, wall_x, wall_y, wall_z)
                    gaps[why] = min(gaps[why], depth - margin)
        if t >= tip:
            break
        t = min(t + step, tip)


@compiled()
def lower_cavity_gaps(
    problem: Problem, axis: Axis, ring: FloatArray, step: float, segment_end: float, tip: float, gaps: FloatArray
) -> None:
    """Lower ``gaps`` to how far the wall and both ends of a cavity to ``tip`` keep their margins."""
    point, u, e, f = axis.point, axis.direction, axis.across_1, axis.across_2
    back = max(tip - problem.cavity_length, segment_end)
    t = tip
    while True:
        rings = 4 if t in (tip, back) else 1
        for level in range(rings):
            radius = problem.cavity_radius * (1.0 - 0.25 * level)
            for m in range(ring.shape[0]):
                c, s = radius * ring[m, 0], radius * ring[m, 1]
                x = point[0] + t * u[0] + c * e[0] + s * f[0]
                y = point[1] + t * u[1] + c * e[1] + s * f[1]
                z = point[2] + t * u[2] + c * e[2] + s * f[2]
                margin, why = margin_at(problem, x, y, z)
                gaps[why] = min(gaps[why], sample(problem.distance, problem.spacing, x, y, z) - margin)
        if t <= back:
            break
        t = max(t - step, back)


@compiled()
def lower_keep_out_gaps(
    problem: Problem, axis: Axis, ring: FloatArray, start: float, tip: float, gaps: FloatArray
) -> None:
    """Lower ``gaps`` to how far a tunnel from ``start`` to ``tip`` keeps out of the regions."""
    if problem.avoid_margin < 0.0 and problem.pelvis_margin < 0.0:
        return
    if problem.cavity_radius > 0.0:
        back = tip - problem.cavity_length
        parts, radii = np.array([start, back, tip]), np.array([problem.radius, problem.cavity_radius])
    else:
        parts, radii = np.array([start, tip]), np.array([problem.radius])
    point, u = axis.point, axis.direction
    for k in range(radii.shape[0]):
        t = parts[k]
        while True:
            x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
            room, why = keep_out_gap(problem, x, y, z)
            if room < radii[k]:
                room, why = section_gap(problem, axis, t, radii[k], ring, 2.5)
                gaps[why] = min(gaps[why], room)
                t += 1.5
            else:
                gaps[why] = min(gaps[why], room - radii[k])
                t += max(1.5, room - radii[k])
            if t >= parts[k + 1]:
                break


@compiled(nogil=True)
def fill_gaps_of_lines(
    problem: Problem, lines: FloatArray, ring: FloatArray, step: float, totals: FloatArray, every: FloatArray
) -> None:
    """``fill_gaps`` for lines (N, 4), into summed breaks (N,) and gaps (N, COUNT)."""
    for i in range(lines.shape[0]):
        totals[i] = fill_gaps(problem, lines[i], ring, step, every[i])


@compiled(nogil=True)
def approach_lines(
    problem: Problem,
    lines: FloatArray,
    ring: FloatArray,
    step: float,
    only: int,
    result: FloatArray,
    totals: FloatArray,
    every: FloatArray,
) -> None:
    """Move lines (N, 4) until their summed breaks shrink no more; with ``only``, all other breaks weigh tenfold.

    Fills the lines reached (N, 4), their summed breaks (N,) and gaps (N, COUNT).
    """
    gaps = np.zeros(COUNT)
    trial = np.zeros(4)
    moves = problem.moves
    for i in range(lines.shape[0]):
        best = lines[i].copy()
        least, size, move, moved = 1e12, 0.5, -1, False
        while size >= 0.01 and least > 0.0:
            trial[:] = best
            # Move -1 is the start itself.
            if move >= 0:
                trial += size * moves[move]
            total = fill_gaps(problem, trial, ring, step, gaps)
            if only > 0:
                total += 9.0 * (total - WEIGHTS[only] * max(0.0, -gaps[only]))
            if total < least - 1e-9:
                least = total
                best[:] = trial
                every[i] = gaps
                moved = move >= 0
            move += 1
            if move == moves.shape[0]:
                if not moved:
                    size *= 0.5
                move, moved = 0, False
        result[i] = best
        totals[i] = least


def survey_gaps(problem: Problem, lines: FloatArray) -> Survey:
    """About ``SURVEYED`` of lines (N, 4), evenly taken, against all constraints at once."""
    # Drawn, not counted out: a fixed step could keep time with the lattice's sides.
    lines = lines[np.sort(np.random.default_rng(0).permutation(len(lines))[:SURVEYED])]
    totals, gaps = np.zeros(len(lines)), np.zeros((len(lines), COUNT))
    ring = ring_points(12)
    in_parts(len(lines), lambda p: fill_gaps_of_lines(problem, lines[p], ring, 1.5, totals[p], gaps[p]))
    return Survey(lines, totals, gaps)


def approach(problem: Problem, lines: FloatArray, only: int) -> Survey:
    """Lines (N, 4) moved nearest to keeping all constraints; with ``only``, one may stay broken (0: none)."""
    reached, totals, every = np.zeros((len(lines), 4)), np.zeros(len(lines)), np.zeros((len(lines), COUNT))
    ring = ring_points(24)
    in_parts(
        len(lines),
        lambda p: approach_lines(problem, lines[p], ring, 0.5, only, reached[p], totals[p], every[p]),
    )
    return Survey(reached, totals, every)


def nearest_lines(problem: Problem, survey: Survey, *, keep: int = 24) -> Survey:
    """The surveyed lines nearest to keeping every constraint, moved nearer still (summed breaks 0: feasible)."""
    moved = approach(problem, survey.lines[np.argsort(survey.totals, kind="stable")[:keep]], 0)
    rank = np.argsort(moved.totals, kind="stable")
    return Survey(moved.lines[rank], moved.totals[rank], moved.gaps[rank])
