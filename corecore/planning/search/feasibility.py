"""Compiled judgement of one line: is there a tunnel along it within all constraints, how deep, how much.

``corecore.tunnels.figures.assess`` is the same judgement in plain numpy; the tests hold one against
the other. Lengths in mm; ``t`` runs along the line from its point on the neck plane towards
the head.
"""

from __future__ import annotations

import math

import numpy as np

from corecore.base.interpolation import OUTSIDE, across, sample
from corecore.base.jit_cache import compiled
from corecore.planning.search.cavity import best_cavity
from corecore.planning.search.keep_out import free_until
from corecore.planning.search.lesion_counts import reached_along, removed_along
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
    NORMAL,
    OK,
    OUTWARD,
    PORTAL,
    PROXIMAL,
    SHAFT_MAX,
    SHAFT_MIN,
    disc_gap,
    entry_gaps,
    find_entry,
    line_of,
    margin_at,
    outward_free,
    ring_breaks,
    wall_reach,
)
from corecore.tunnels.figures import OUTWARD_MM, PORTAL_EXTRA_MM


@compiled()
def judge(prob, p, q, a, b, ring, step, need, gaps):
    """Judge one line: (reason, entry t, tip t, lesion points removed). Reason ``OK`` means all constraints are kept.

    ``ring`` (M, 2) holds cosines and sines round the wall, ``step`` the distance between
    rings; ``gaps`` is scratch space of length ``COUNT``. A line that cannot remove ``need``
    points is given up early as ``MISSES``.
    """
    point, u = line_of(prob, p, q, a, b)
    centre_depth = sample(prob.distance, prob.spacing, point[0], point[1], point[2])
    # Where the line passes the neck its whole ring is there, so the axis keeps radius + margin.
    if centre_depth < prob.radius + prob.cortical_margin:
        return CORTICAL, 0.0, 0.0, 0
    e, f = across(u[0], u[1], u[2])
    why = ring_breaks(prob, point[0], point[1], point[2], e, f, prob.radius, ring, True)
    if why != OK:
        return why, 0.0, 0.0, 0
    entry = find_entry(prob, point, u)
    sine = entry_gaps(prob, point, u, entry, gaps)
    for reason in (
        ENTRY_FIXED, DIRECTION_FIXED, SHAFT_MIN, SHAFT_MAX, DISTAL, PROXIMAL, AP, NORMAL, INCIDENCE, FIELD_OF_VIEW,
        PORTAL,
    ):  # fmt: skip
        if gaps[reason] < 0.0:
            return reason, entry, 0.0, 0
    cosine = math.sqrt(max(0.0, 1.0 - sine * sine))
    portal = entry + (prob.cortical_margin + prob.radius * cosine) / sine + PORTAL_EXTRA_MM
    mouth = prob.radius * cosine / sine + PORTAL_EXTRA_MM
    if portal > 0.0:
        return PORTAL, entry, 0.0, 0
    deepest = min(prob.head_radius * 4.0, entry + prob.length_max)
    if need > 1:
        # The centre of the flat end keeps its margin too, so no tunnel on this line goes past
        # the last place where the axis does: a cheap bound on what it can remove.
        bound = deepest
        lowest = min(prob.cortical_margin, prob.joint_margin)
        while bound > 0.0:
            x, y, z = point[0] + bound * u[0], point[1] + bound * u[1], point[2] + bound * u[2]
            margin, _ = margin_at(prob, x, y, z)
            depth = sample(prob.distance, prob.spacing, x, y, z)
            if depth >= margin:
                break
            bound -= 1.0 if depth == OUTSIDE else max(0.05, 0.9 * (lowest - depth))
        wide = max(prob.radius, prob.cavity_radius) + prob.reach
        count, _ = removed_along(prob, point, u, entry - prob.reach, bound + 0.1 + prob.reach, wide)
        if count < need:
            return MISSES, entry, 0.0, 0
    # Outward in two walks, so that a ring stands exactly where the portal ends: there the wall is nearest.
    _, why = wall_reach(prob, point, u, e, f, ring, 0.0, portal, step, portal)
    if why != OK:
        return why, entry, 0.0, 0
    _, why = wall_reach(prob, point, u, e, f, ring, portal - 1e-9, entry + mouth, step, portal)
    if why != OK:
        return why, entry, 0.0, 0
    tip, why = wall_reach(prob, point, u, e, f, ring, 0.0, deepest, step, portal)
    if why != OK:
        # Between the last good ring and the first bad one, halve.
        good, bad = tip, tip + step
        for _ in range(8):
            middle = 0.5 * (good + bad)
            x, y, z = point[0] + middle * u[0], point[1] + middle * u[1], point[2] + middle * u[2]
            if ring_breaks(prob, x, y, z, e, f, prob.radius, ring, True) == OK:
                good = middle
            else:
                bad = middle
        tip = good
    if prob.avoid_margin >= 0.0 or prob.pelvis_margin >= 0.0:
        _, why = free_until(prob, point, u, e, f, ring, 0.0, entry - OUTWARD_MM, prob.radius)
        if why != OK:
            return why, entry, 0.0, 0
        free, why = free_until(prob, point, u, e, f, ring, 0.0, tip, prob.radius)
        if why != OK:
            tip = free
            if tip <= 0.0:
                return why, entry, tip, 0
    if prob.cavity_radius > 0.0:
        if not outward_free(prob, point, u, e, f, ring, entry, mouth):
            return OUTWARD, entry, tip, 0
        return best_cavity(prob, point, u, e, f, ring, step, entry, portal, tip, need)
    # The flat end may come nearer to the joint than its rim: draw back until it does not.
    for _ in range(200):
        x, y, z = point[0] + tip * u[0], point[1] + tip * u[1], point[2] + tip * u[2]
        gap, why = disc_gap(prob, x, y, z, e, f, ring, prob.radius)
        if gap >= 0.0:
            break
        tip += min(gap, -0.02)
        if tip <= 0.0:
            return why, entry, tip, 0
    else:
        return why, entry, tip, 0
    count, last = removed_along(prob, point, u, entry, tip, prob.radius)
    if count == 0:
        return MISSES, entry, tip, 0
    if prob.reach > 0.0:
        count, last = reached_along(prob, point, u, entry, tip, last)
    # No deeper than the lesion's end; a hair more, so that its last point stays inside.
    drawn = min(tip, last + 1e-3)
    if drawn < tip:
        x, y, z = point[0] + drawn * u[0], point[1] + drawn * u[1], point[2] + drawn * u[2]
        gap, why = disc_gap(prob, x, y, z, e, f, ring, prob.radius)
        if gap >= 0.0:
            tip = drawn
    if not outward_free(prob, point, u, e, f, ring, entry, mouth):
        return OUTWARD, entry, tip, 0
    return OK, entry, tip, count


@compiled(nogil=True)
def judge_lines(prob, lines, ring, step, reasons, ends, counts):
    """``judge`` for lines (N, 4), into reasons (N,), entries and tips (N, 2), counts (N,)."""
    gaps = np.zeros(COUNT)
    for i in range(lines.shape[0]):
        reason, entry, tip, count = judge(prob, lines[i, 0], lines[i, 1], lines[i, 2], lines[i, 3], ring, step, 1, gaps)
        reasons[i] = reason
        ends[i, 0], ends[i, 1] = entry, tip
        counts[i] = count


@compiled(nogil=True)
def climb_lines(prob, lines, ring, step, size, smallest, result, ends, counts, tried):
    """Climb from each of lines (N, 4): the problem's moves, halved when none helps.

    Fills the lines reached (N, 4), their entries and tips (N, 2), their counts (0: infeasible
    throughout) and how many lines were judged for each.
    """
    gaps = np.zeros(COUNT)
    trial = np.zeros(4)
    moves = prob.moves
    for i in range(lines.shape[0]):
        best = lines[i].copy()
        count, step_size, move, moved = 0, size, -1, False
        while step_size >= smallest:
            trial[:] = best
            # Move -1 is the start itself.
            if move >= 0:
                trial += step_size * moves[move]
            why, entry, tip, found = judge(prob, trial[0], trial[1], trial[2], trial[3], ring, step, count + 1, gaps)
            tried[i] += 1
            if why == OK and found > count:
                count = found
                ends[i, 0], ends[i, 1] = entry, tip
                best[:] = trial
                moved = move >= 0
            move += 1
            if move == moves.shape[0]:
                if not moved:
                    step_size *= 0.5
                move, moved = 0, False
        result[i] = best
        counts[i] = count
