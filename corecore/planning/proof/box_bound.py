"""Whether a box of lines may hold a tunnel at all, how deep it may end, and how much it may remove at most.

Coarse tests by slopes of the field; ``corecore.planning.proof.tile_bound`` looks closer at small boxes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from corecore.base.grid import FloatArray
from corecore.base.jit_cache import compiled
from corecore.planning.proof.box_geometry import (
    END_BACK,
    END_PIN,
    END_RADIUS,
    EPS,
    HALF_STEP,
    SLOPE_LIMIT,
    Frame,
    LineBox,
    axis_depth,
    end_margin,
    end_off,
    end_reach,
    end_rise,
    greatest_depth,
    greatest_reach,
    pin_rise,
    reach_at,
    ring_drift,
)
from corecore.planning.proof.entry_bounds import entry_heights, entry_may_be_allowed, least_incidence_sine
from corecore.tunnels.figures import PORTAL_EXTRA_MM

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: Distance along the neck axis between the heights at which the walls of a box are looked at, mm.
COARSE_STEP_MM = 2.0


class Enclosure(NamedTuple):
    """What the tunnels of a box have in common: heights along the neck axis, mm.

    ``possible``: whether there may be any; the rest says nothing where not. ``tip_high``: none
    ends above. ``entry_low``, ``entry_high``: they enter between. ``wall_start``: from here on
    every wall keeps its margins.
    """

    possible: bool
    tip_high: float
    entry_low: float
    entry_high: float
    wall_start: float


@compiled()
def enclose(problem: Problem, frame: Frame, box: LineBox, ring: FloatArray, full: bool) -> Enclosure:
    """Whether a box may hold a feasible line, and where its tunnels then enter and end.

    ``ring`` (M, 2): cosines and sines round the wall. Without ``full`` only the tests that cost
    least, for boxes about to be halved.
    """
    # (P9): slopes and angle to the shaft.
    length = frame.lesion_plane - frame.entry_plane
    turn_1 = (box.half_widths[0] + box.half_widths[2]) / length
    turn_2 = (box.half_widths[1] + box.half_widths[3]) / length
    if abs(box.slope_1) - turn_1 > SLOPE_LIMIT or abs(box.slope_2) - turn_2 > SLOPE_LIMIT:
        return Enclosure(False, 0.0, 0.0, 0.0, 0.0)
    least_stretch = max(1.0, box.stretch - box.turn)
    shaft, u = problem.femoral_frame[2], box.direction
    angle = math.acos(min(1.0, max(-1.0, -(u[0] * shaft[0] + u[1] * shaft[1] + u[2] * shaft[2]))))
    arc = 2.0 * math.asin(min(1.0, 0.5 * box.turn))
    if angle + arc < problem.shaft_angle_min - 1e-6 or angle - arc > problem.shaft_angle_max + 1e-6:
        return Enclosure(False, 0.0, 0.0, 0.0, 0.0)
    # (P10): the axis is in bone from entry to tip, and the neck plane lies between.
    point = box.point
    if greatest_depth(problem, frame, point[0], point[1], point[2], reach_at(frame, box.half_widths, 0.0)) <= -EPS:
        return Enclosure(False, 0.0, 0.0, 0.0, 0.0)
    if not full:
        return Enclosure(True, frame.lesion_high + problem.radius + problem.end_length, 0.0, 0.0, 0.0)
    entry_low, entry_high = entry_heights(problem, frame, box)
    if not entry_may_be_allowed(problem, frame, box, entry_low, entry_high, angle, arc):
        return Enclosure(False, 0.0, 0.0, 0.0, 0.0)
    sine = max(problem.incidence_min_sine, least_incidence_sine(problem, frame, box, entry_low, entry_high))
    if sine > 1.0:
        return Enclosure(False, 0.0, 0.0, 0.0, 0.0)
    # (P15): the entry segment is longest where the incidence is flattest.
    cosine = math.sqrt(1.0 - sine * sine)
    segment = (problem.cortical_margin + problem.radius * cosine) / sine + PORTAL_EXTRA_MM + HALF_STEP + EPS
    wall_start = min(2.0 * HALF_STEP, entry_high + segment / least_stretch)
    drift = ring_drift(box.ring_steady, box.turn)
    # (P32): deeper than so a tip removes no more, for its shaft is then beyond the lesion.
    top = frame.lesion_high + problem.radius + end_rise(problem, box)
    top = min(top, entry_high + problem.length_max / least_stretch + EPS)
    tip = first_blocked_height(problem, frame, box, ring, wall_start, top, problem.radius * drift)
    tip = highest_end(problem, frame, box, ring, tip, drift)
    least = frame.lesion_low - problem.radius - pin_rise(problem, box)
    return Enclosure(tip > 0.0 and tip > least, tip, entry_low, entry_high, wall_start)


@compiled()
def ring_is_blocked(
    problem: Problem, frame: Frame, box: LineBox, ring: FloatArray, z: float, radius: float, pin: float, reach: float
) -> bool:
    """Whether every line of a box breaks a margin at some sample of the ring of ``radius`` mm at height ``z``.

    (P3) with (P5): somewhere the greatest depth within ``reach`` mm is less than the least margin there, which is the
    guide pin's where ``pin`` is 1.
    """
    x = box.point[0] + z * box.per_height[0]
    y = box.point[1] + z * box.per_height[1]
    h = box.point[2] + z * box.per_height[2]
    for k in range(ring.shape[0] if radius > 0.0 else 1):
        c, s = radius * ring[k, 0], radius * ring[k, 1]
        wall_x = x + c * box.ring_1[0] + s * box.ring_2[0]
        wall_y = y + c * box.ring_1[1] + s * box.ring_2[1]
        wall_z = h + c * box.ring_1[2] + s * box.ring_2[2]
        depth = greatest_depth(problem, frame, wall_x, wall_y, wall_z, reach)
        if depth < end_margin(problem, pin, wall_x, wall_y, wall_z, reach):
            return True
    return False


@compiled()
def first_blocked_height(
    problem: Problem, frame: Frame, box: LineBox, ring: FloatArray, start: float, top: float, drift: float
) -> float:
    """The lowest tip told by a height from ``start`` on that no tunnel's wall passes, ``top`` where there is none.

    (P16), and by (P32) for a tip so far beyond.
    """
    hardest = max(problem.joint_margin, problem.posterosuperior_margin)
    rise = end_rise(problem, box)
    z = start
    while z + rise < top:
        reach = reach_at(frame, box.half_widths, z) + drift + HALF_STEP + EPS
        # Where the axis is deep no wall breaks: leaving a ring out only raises the bound.
        near = axis_depth(problem, box, z) < problem.radius + hardest - 0.7 * reach
        if near and ring_is_blocked(problem, frame, box, ring, z, problem.radius, 0.0, reach):
            return z + rise
        z += COARSE_STEP_MM
    return top


@compiled()
def highest_end(problem: Problem, frame: Frame, box: LineBox, ring: FloatArray, tip: float, drift: float) -> float:
    """The greatest height up to ``tip`` at which a tunnel's end may keep its margins, slice by slice (P17, P31)."""
    rings, ahead = frame.end_rings, pin_rise(problem, box)
    while tip > frame.lesion_low - problem.radius - ahead:
        half_slice = min(0.25, max(0.05, 0.25 * reach_at(frame, box.half_widths, tip)))
        z = tip - half_slice
        blocked = False
        for m in range(rings.shape[0]):
            back, radius = rings[m, END_BACK], rings[m, END_RADIUS]
            height = z - back / box.stretch
            reach = end_reach(frame, box, height, half_slice + end_off(box, back)) + radius * drift
            if ring_is_blocked(problem, frame, box, ring, height, radius, rings[m, END_PIN], reach):
                blocked = True
                break
        if not blocked:
            break
        tip -= 2.0 * half_slice
    return tip


@compiled()
def count_whole_bricks(problem: Problem, frame: Frame, box: LineBox, tip_high: float) -> int:
    """At least the number of lesion points that any tunnel of the box removes, whole bricks counted (P18)."""
    u, radius = box.direction, problem.radius
    reach = greatest_reach(frame, box.half_widths, frame.lesion_low - 2.0 * radius, frame.lesion_high + 2.0 * radius)
    lean = reach * math.sqrt(box.slope_1 * box.slope_1 + box.slope_2 * box.slope_2)
    last = (tip_high + pin_rise(problem, box)) * box.stretch + radius * box.turn + lean + EPS
    wide = radius + reach + EPS
    count = 0
    for brick in range(problem.brick_center.shape[0]):
        dx = problem.brick_center[brick, 0] - box.point[0]
        dy = problem.brick_center[brick, 1] - box.point[1]
        dz = problem.brick_center[brick, 2] - box.point[2]
        along = dx * u[0] + dy * u[1] + dz * u[2]
        room = wide + problem.brick_radius[brick]
        if along - problem.brick_radius[brick] <= last and dx * dx + dy * dy + dz * dz - along * along <= room * room:
            count += problem.brick_start[brick + 1] - problem.brick_start[brick]
    return count
