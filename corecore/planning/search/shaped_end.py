"""Compiled evaluation of an instrument's end before its shaft: tip, steps, and the pin that runs ahead.

The end is a solid of revolution that nowhere narrows backward (``corecore.base.body``): a deeper tip holds all that
a shallower one holds. Places along it count from the tip backward, mm; ``t`` runs along a line towards the head.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from corecore.base.grid import FloatArray
from corecore.base.interpolation import OUTSIDE, sample
from corecore.base.jit_cache import compiled
from corecore.planning.search.keep_out import SECTION_STEP_MM, keep_out_gap, section_gap
from corecore.planning.search.lesion_counts import removed_along
from corecore.planning.search.line_geometry import (
    JOINT,
    MISSES,
    OK,
    PIN,
    Axis,
    circle_on_plane,
    ring_gap,
    wall_on_plane,
)

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: How far the tip of a tunnel that only reaches lesion is drawn back before it is asked whether that loses any, and how
#: nearly it is then found, mm (engineering choices).
DRAWN_FIRST_MM, DRAWN_MM = 0.5, 0.02


@compiled()
def is_shaped(problem: Problem) -> bool:
    """Whether the instrument has an end that is not flat."""
    shaped: bool = problem.end_rings.shape[0] > 0
    return shaped


@compiled()
def end_gap(problem: Problem, axis: Axis, tip: float, ring: FloatArray, step: float) -> tuple[float, int]:
    """Least (depth - margin) over the end of an instrument whose tip lies at ``tip``, mm, and its reason.

    Large where no part of it comes near. Rings stand at most ``step`` mm apart, and at every corner of the outline.
    """
    least, reason = 1e9, OK
    hardest = max(
        max(problem.joint_margin, problem.posterosuperior_margin), max(problem.cortical_margin, problem.pin_margin)
    )
    regions = problem.avoid_margin >= 0.0 or problem.pelvis_margin >= 0.0
    point, u = axis.point, axis.direction
    rings, before = problem.end_rings, -1e9
    for k in range(rings.shape[0]):
        back, radius = rings[k, 0], rings[k, 1]
        if rings[k, 3] == 0.0 and back - before < step - 1e-6 and radius > 0.0:
            continue
        before = back
        t = tip - back
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        if sample(problem.distance, problem.spacing, x, y, z) - radius <= hardest:
            if rings[k, 2] > 0.0:
                gap, why = pin_ring_gap(problem, axis, t, radius, ring), PIN
            else:
                gap, why = ring_gap(problem, axis, t, radius, ring)
                gap, why = circle_on_plane(problem, axis, t, radius, gap, why)
            if gap < least:
                least, reason = gap, why
        if regions:
            gap, why = keep_out_gap(problem, x, y, z)
            if gap < radius:
                gap, why = section_gap(problem, axis, t, radius, ring, SECTION_STEP_MM)
                if gap < least:
                    least, reason = gap, why
    for k in range(problem.end_pieces.shape[0]):
        piece = problem.end_pieces[k]
        # Rings on either side of the head's plane say nothing of the wall between; the pin knows no plane.
        if piece[3] == 0.0 and piece[4] == 0.0 and piece[0] >= 0.0:
            _, why = wall_on_plane(problem, axis, ring, tip - piece[1], tip - piece[0], piece[5])
            if why != OK and least >= 0.0:
                least, reason = -DRAWN_MM, why
    return least, reason


@compiled()
def pin_ring_gap(problem: Problem, axis: Axis, t: float, radius: float, ring: FloatArray) -> float:
    """Least (depth - margin) over a ring of the pin at ``t``, mm."""
    least = 1e9
    u, e, f = axis.direction, axis.across_1, axis.across_2
    cx, cy, cz = axis.point[0] + t * u[0], axis.point[1] + t * u[1], axis.point[2] + t * u[2]
    for m in range(ring.shape[0]):
        c, s = radius * ring[m, 0], radius * ring[m, 1]
        x, y, z = cx + c * e[0] + s * f[0], cy + c * e[1] + s * f[1], cz + c * e[2] + s * f[2]
        least = min(least, sample(problem.distance, problem.spacing, x, y, z) - problem.pin_margin)
    return least


@compiled()
def deepest_pin(problem: Problem, axis: Axis, deepest: float) -> float:
    """The last ``t`` up to ``deepest`` at which the axis keeps the pin's margin, told a little too deep."""
    point, u = axis.point, axis.direction
    t = deepest
    while t > 0.0:
        depth = sample(problem.distance, problem.spacing, point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2])
        if depth >= problem.pin_margin:
            break
        t -= 1.0 if depth == OUTSIDE else max(0.05, 0.9 * (problem.pin_margin - depth))
    return t


@compiled()
def place_behind_tip(problem: Problem, square: float) -> float:
    """The least place behind the tip at which the body is as wide as a radius with that square, mm."""
    pieces = problem.end_pieces
    for k in range(pieces.shape[0]):
        if pieces[k, 6] * pieces[k, 6] < square:
            continue
        constant, linear, quadratic = pieces[k, 2], pieces[k, 3], pieces[k, 4]
        if quadratic == 0.0 or constant + pieces[k, 0] * (linear + pieces[k, 0] * quadratic) >= square:
            return float(pieces[k, 0])
        root = math.sqrt(max(0.0, linear * linear - 4.0 * quadratic * (constant - square)))
        return float(min(max((root - linear) / (2.0 * quadratic), pieces[k, 0]), pieces[k, 1]))
    length: float = problem.end_length
    return length


@compiled()
def removed_shaped(problem: Problem, point: FloatArray, u: FloatArray, first: float, tip: float) -> tuple[int, float]:
    """Number of lesion points in a tunnel whose tip lies at ``tip``, and the shallowest tip that holds them all."""
    shaft = tip - problem.end_length
    count, deepest = removed_along(problem, point, u, first, shaft, problem.radius)
    needed = deepest - problem.end_ahead
    px = point[0] - problem.head_center[0]
    py = point[1] - problem.head_center[1]
    pz = point[2] - problem.head_center[2]
    wide = problem.radius * problem.radius
    for brick in range(problem.brick_center.shape[0]):
        dx = problem.brick_center[brick, 0] - point[0]
        dy = problem.brick_center[brick, 1] - point[1]
        dz = problem.brick_center[brick, 2] - point[2]
        t = dx * u[0] + dy * u[1] + dz * u[2]
        size = problem.brick_radius[brick]
        # What lies so far behind the tip as to stay in the shaft is counted already and holds no tip.
        if t > tip + problem.end_ahead + size or t < first - size or t + size < min(shaft, needed - problem.end_length):
            continue
        if dx * dx + dy * dy + dz * dz - t * t > (problem.radius + size) ** 2:
            continue
        for n in range(problem.brick_start[brick], problem.brick_start[brick + 1]):
            gx, gy, gz = problem.points[0, n] - px, problem.points[1, n] - py, problem.points[2, n] - pz
            s = gx * u[0] + gy * u[1] + gz * u[2]
            square = gx * gx + gy * gy + gz * gz - s * s
            if s < first or square > wide or s > tip + problem.end_ahead:
                continue
            if s <= shaft:
                if s + problem.end_length > needed:
                    needed = max(needed, s + place_behind_tip(problem, square))
                continue
            back = place_behind_tip(problem, square)
            if tip - s >= back:
                count += 1
                needed = max(needed, s + back)
    return count, needed


@compiled()
def to_segment(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Distance of a place to a segment in a plane through the axis, mm."""
    vx, vy = bx - ax, by - ay
    length = vx * vx + vy * vy
    along = 0.0
    if length > 0.0:
        along = min(max(((x - ax) * vx + (y - ay) * vy) / length, 0.0), 1.0)
    return math.hypot(x - ax - along * vx, y - ay - along * vy)


@compiled()
def distance_to_piece(piece: FloatArray, back: float, across: float) -> float:
    """How far a place ``back`` from the tip, ``across`` from the axis, lies outside a piece, mm; 0 inside."""
    front, end, square = piece[0], piece[1], across * across
    if front <= back <= end and square <= piece[2] + back * (piece[3] + back * piece[4]):
        return 0.0
    if piece[7] > 0.0:
        if back > end:
            return math.hypot(back - end, max(across - piece[6], 0.0))
        return max(math.hypot(back - piece[7], across) - float(piece[7]), 0.0)
    least = to_segment(back, across, front, 0.0, front, piece[5])
    least = min(least, to_segment(back, across, front, piece[5], end, piece[6]))
    return min(least, to_segment(back, across, end, piece[6], end, 0.0))


@compiled()
def reached_shaped(problem: Problem, point: FloatArray, u: FloatArray, first: float, tip: float) -> int:
    """Number of lesion points within ``problem.reach`` of a tunnel whose tip lies at ``tip``."""
    count, shaft = 0, tip - problem.end_length
    px = point[0] - problem.head_center[0]
    py = point[1] - problem.head_center[1]
    pz = point[2] - problem.head_center[2]
    reach, wide = problem.reach, problem.radius + problem.reach
    for brick in range(problem.brick_center.shape[0]):
        dx = problem.brick_center[brick, 0] - point[0]
        dy = problem.brick_center[brick, 1] - point[1]
        dz = problem.brick_center[brick, 2] - point[2]
        t = dx * u[0] + dy * u[1] + dz * u[2]
        size = problem.brick_radius[brick]
        if t > tip + problem.end_ahead + size + reach or t < first - size - reach:
            continue
        away = dx * dx + dy * dy + dz * dz - t * t
        if away > (wide + size) ** 2:
            continue
        begin, end = problem.brick_start[brick], problem.brick_start[brick + 1]
        inner = wide - size
        if inner > 0.0 and away < inner * inner and t + size < shaft and t - size > first:
            count += end - begin
            continue
        for n in range(begin, end):
            gx, gy, gz = problem.points[0, n] - px, problem.points[1, n] - py, problem.points[2, n] - pz
            s = gx * u[0] + gy * u[1] + gz * u[2]
            across = math.sqrt(max(0.0, gx * gx + gy * gy + gz * gz - s * s))
            beside, beyond = max(0.0, across - problem.radius), max(0.0, max(s - shaft, first - s))
            near = beside * beside + beyond * beyond <= reach * reach
            if not near and across <= wide:
                for k in range(problem.end_pieces.shape[0]):
                    if distance_to_piece(problem.end_pieces[k], tip - s, across) <= reach:
                        near = True
                        break
            if near:
                count += 1
    return count


@compiled()
def count_shaped(problem: Problem, point: FloatArray, u: FloatArray, first: float, tip: float) -> int:
    """What a tunnel does for the target when its tip lies at ``tip``: points removed, or reached if any is removed."""
    count, _ = removed_shaped(problem, point, u, first, tip)
    return reached_shaped(problem, point, u, first, tip) if problem.reach > 0.0 and count > 0 else count


@compiled()
def shallowest_reach(problem: Problem, axis: Axis, first: float, tip: float, count: int) -> float:
    """The shallowest tip, to ``DRAWN_MM``, at which a tunnel reaches as many points as at ``tip``."""
    if tip <= DRAWN_FIRST_MM or count_shaped(problem, axis.point, axis.direction, first, tip - DRAWN_FIRST_MM) < count:
        return tip
    low, high = 0.0, tip - DRAWN_FIRST_MM
    while high - low > DRAWN_MM:
        middle = 0.5 * (low + high)
        if count_shaped(problem, axis.point, axis.direction, first, middle) >= count:
            high = middle
        else:
            low = middle
    return high


@compiled()
def best_end(
    problem: Problem, axis: Axis, ring: FloatArray, step: float, entry: float, shaft: float, deepest: float
) -> tuple[int, float, int]:
    """The deepest tip at which the end keeps its margins: (reason, tip ``t``, points). Its shaft is good to ``shaft``.

    No deeper than the lesion asks for.
    """
    point, u = axis.point, axis.direction
    tip, why = min(shaft + problem.end_length, deepest), JOINT
    for _ in range(400):
        gap, why = end_gap(problem, axis, tip, ring, step)
        if gap >= 0.0:
            break
        # Beyond the scan no distance is known, and outside the bone it is coarse: half of it is a safe step.
        if gap < 0.5 * OUTSIDE:
            tip -= 1.0
        elif gap < -1.0:
            tip += 0.5 * gap
        else:
            tip += min(gap, -DRAWN_MM)
        if tip <= 0.0:
            return why, tip, 0
    else:
        return why, tip, 0
    count, needed = removed_shaped(problem, point, u, entry, tip)
    if count == 0:
        return MISSES, tip, 0
    drawn = min(tip, needed + 1e-3)
    if problem.reach > 0.0:
        count = reached_shaped(problem, point, u, entry, tip)
        drawn = shallowest_reach(problem, axis, entry, tip, count)
    if 0.0 < drawn < tip:
        gap, why = end_gap(problem, axis, drawn, ring, step)
        if gap >= 0.0:
            tip = drawn
    return OK, tip, count


@compiled()
def lower_end_gaps(problem: Problem, axis: Axis, ring: FloatArray, step: float, tip: float, gaps: FloatArray) -> None:
    """Lower ``gaps`` to how far the end of an instrument with its tip at ``tip`` keeps margins and regions."""
    regions = problem.avoid_margin >= 0.0 or problem.pelvis_margin >= 0.0
    rings, before = problem.end_rings, -1e9
    for k in range(rings.shape[0]):
        back, radius = rings[k, 0], rings[k, 1]
        if rings[k, 3] == 0.0 and back - before < step - 1e-6 and radius > 0.0:
            continue
        before = back
        if rings[k, 2] > 0.0:
            gaps[PIN] = min(gaps[PIN], pin_ring_gap(problem, axis, tip - back, radius, ring))
        else:
            gap, why = ring_gap(problem, axis, tip - back, radius, ring)
            gaps[why] = min(gaps[why], gap)
        if regions:
            gap, why = section_gap(problem, axis, tip - back, radius, ring, 2.5)
            gaps[why] = min(gaps[why], gap)
