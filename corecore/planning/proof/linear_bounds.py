"""Walls and ends of a small box of lines as planes: what a sample has beyond its margin, as the line moves.

A plane is a row (c, gA1, gA2, gB1, gB2): depth less margin is at most c + g.shift for every line of
the box (P8), its shift (4,) counted from the centre line, mm. A line where that is negative breaks
the margin.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.interpolation import sample
from corecore.base.jit_cache import compiled
from corecore.planning.proof.affine_field import AFFINE_ROW, UPPER, affine_bounds
from corecore.planning.proof.box_geometry import (
    END_BACK,
    END_PIN,
    END_RADIUS,
    EPS,
    HALF_STEP,
    Frame,
    LineBox,
    axis_depth,
    end_margin,
    end_off,
    end_reach,
    end_rise,
    least_margin,
    least_margin_along,
    pin_rise,
    reach_at,
    ring_drift,
    ring_twist,
)

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: Rooms for planes: of walls (tip height from which they count, c, g), of ends (c, g, fall, height, half a slice).
MOST_WALLS, WALL_ROW = 1024, 6
WALL_HEIGHT, WALL_ROOM = 0, 1
MOST_TIPS, TIP_ROW = 64, 8
TIP_FALL, TIP_HEIGHT, TIP_HALF_SLICE = 5, 6, 7
#: Rows that trade the tip's height against the shift, one an octant: (height, gA1, gA2, gB1, gB2).
MOST_TRADES, TRADE_ROW = 8, 5
#: A slice of the tip's height is so thick, as a share of the box's reach.
TIP_SLICE = 0.15
#: Least fall of a plane, mm of depth a mm of height, by which it is told as a row of the tip's height.
LEAST_TRADE_FALL = 0.2
#: In boxes that reach no further than the first, mm, stations of the walls are looked at closer than a millimetre
#: apart, by the second as a share of the reach, and their margins told along the piece of the axis where they may
#: lie: where bone is rough such boxes are closed only by the one station at which their lines break a margin.
FINE_REACH, STEP_SHARE, LEAST_STEP = 0.1, 5.0, 0.1


class WallSample(NamedTuple):
    """A place on the centre line's wall or end.

    ``position`` (3,) mm; ``outward``, ``tangent`` (3,): unit vectors from the axis and round the
    ring; ``height`` along the neck axis; ``radius``: its ring's, mm.
    ``margin``: the least that any line's sample keeps there. ``reach``: how far from ``position`` any line's sample
    may lie, mm; ``station_off``: how far along its line, mm.
    """

    position: FloatArray
    outward: FloatArray
    tangent: FloatArray
    height: float
    radius: float
    margin: float
    reach: float
    station_off: float


@compiled()
def place_on_ring(box: LineBox, z: float, radius: float, cosine: float, sine: float, position: FloatArray) -> None:
    """Fill ``position`` (3,) with a place on the centre line's ring of ``radius`` mm at height ``z``."""
    for i in range(3):
        around = cosine * box.ring_1[i] + sine * box.ring_2[i]
        position[i] = box.point[i] + z * box.per_height[i] + radius * around


@compiled()
def set_on_ring(
    box: LineBox,
    z: float,
    radius: float,
    cosine: float,
    sine: float,
    position: FloatArray,
    outward: FloatArray,
    tangent: FloatArray,
) -> None:
    """Fill position, outward and tangent directions (3,) of a place on the centre line's ring at height ``z``."""
    for i in range(3):
        outward[i] = cosine * box.ring_1[i] + sine * box.ring_2[i]
        tangent[i] = -sine * box.ring_1[i] + cosine * box.ring_2[i]
        position[i] = box.point[i] + z * box.per_height[i] + radius * outward[i]


@compiled()
def fill_plane(
    problem: Problem, frame: Frame, box: LineBox, place: WallSample, affine: FloatArray, row: FloatArray
) -> bool:
    """Fill ``row`` (c, gA1, gA2, gB1, gB2) for a sample (P8) and ``affine`` with the field's enclosure round it.

    False where the field is not known all round.
    """
    x = place.position
    if not affine_bounds(problem.distance, problem.spacing, x[0], x[1], x[2], place.reach, affine):
        return False
    axes = problem.neck_frame
    length = frame.lesion_plane - frame.entry_plane
    lesion_share = (place.height - frame.entry_plane) / length
    slope_1 = slope_2 = slope_along = slope_round = outward_1 = outward_2 = square = 0.0
    for i in range(3):
        slope_1 += affine[i] * axes[1, i]
        slope_2 += affine[i] * axes[2, i]
        slope_along += affine[i] * box.direction[i]
        slope_round += affine[i] * place.tangent[i]
        outward_1 += place.outward[i] * axes[1, i]
        outward_2 += place.outward[i] * axes[2, i]
        square += affine[i] * affine[i]
    steepness = math.sqrt(square)
    # A ring tilts with its direction: to first order its sample moves along the axis.
    tilt = -place.radius * slope_along / (box.stretch * length)
    turn, twist = box.turn, ring_twist(box)
    bend = 4.0 * turn * turn + (0.0 if twist < turn else 0.5 * twist * twist + twist * turn)
    row[0] = (
        affine[UPPER]
        - place.margin
        + place.radius * (abs(slope_round) * twist + steepness * bend)
        + place.station_off * (abs(slope_along) + steepness * turn)
        + EPS
    )
    row[1], row[2] = lesion_share * slope_1 + tilt * outward_1, lesion_share * slope_2 + tilt * outward_2
    row[3], row[4] = (
        (1.0 - lesion_share) * slope_1 - tilt * outward_1,
        (1.0 - lesion_share) * slope_2 - tilt * outward_2,
    )
    return True


@compiled()
def greatest_change(row: FloatArray, first: int, half_widths: FloatArray) -> float:
    """By how much a plane whose slopes begin at ``first`` changes within half-widths (4,) at most."""
    change: float = (
        abs(row[first]) * half_widths[0]
        + abs(row[first + 1]) * half_widths[1]
        + abs(row[first + 2]) * half_widths[2]
        + abs(row[first + 3]) * half_widths[3]
    )
    return change


@compiled()
def steepness_of(affine: FloatArray) -> float:
    """Length of an affine function's slope."""
    return math.sqrt(affine[0] ** 2 + affine[1] ** 2 + affine[2] ** 2)


@compiled()
def fall_of(affine: FloatArray, box: LineBox) -> float:
    """By how much an affine function falls along the centre line, a mm of height."""
    w = box.per_height
    fall: float = -(affine[0] * w[0] + affine[1] * w[1] + affine[2] * w[2])
    return fall


@compiled()
def wall_planes(
    problem: Problem,
    frame: Frame,
    box: LineBox,
    start: float,
    stop: float,
    ring: FloatArray,
    walls: FloatArray,
) -> tuple[int, float]:
    """Fill ``walls`` (MOST_WALLS, WALL_ROW) with planes of the walls from a height on, for tips up to ``stop`` (P16).

    Each counts for tips from the height on at which every shaft reaches it (P32). Returns how many, and the lowest
    height that no tip of the box passes (``stop``: none found).
    Each station gives at most one plane an octant of ``ring`` (M, 2), where least is left of the margin.
    """
    drift = problem.radius * ring_drift(box.ring_steady, box.turn)
    affine, row = np.zeros(AFFINE_ROW), np.zeros(5)
    position, outward, tangent = np.zeros(3), np.zeros(3), np.zeros(3)
    count = 0
    octant = ring.shape[0] // 8
    hardest = max(problem.joint_margin, problem.posterosuperior_margin)
    rise = end_rise(problem, box)
    z = start
    while z + rise < stop:
        near = reach_at(frame, box.half_widths, z) + drift + HALF_STEP * box.turn + EPS
        reach = near + HALF_STEP
        step = 1.0 if near > FINE_REACH else max(LEAST_STEP, STEP_SHARE * near)
        # Deep inside no wall is near: leaving a station out only raises the bound.
        if axis_depth(problem, box, z) > problem.radius + hardest + 1.2 * reach:
            z += step
            continue
        for part in range(8):
            least_room, chosen, margin = 1.3 * reach, -1, 0.0
            for k in range(part * octant, (part + 1) * octant):
                place_on_ring(box, z, problem.radius, ring[k, 0], ring[k, 1], position)
                depth = sample(problem.distance, problem.spacing, position[0], position[1], position[2])
                if depth - hardest >= least_room:
                    continue
                if near < FINE_REACH:
                    least = least_margin_along(problem, position, box.direction, HALF_STEP, near)
                else:
                    least = least_margin(problem, position[0], position[1], position[2], reach)
                if depth - least < least_room:
                    least_room, chosen, margin = depth - least, k, least
            if chosen < 0 or count == walls.shape[0]:
                continue
            set_on_ring(box, z, problem.radius, ring[chosen, 0], ring[chosen, 1], position, outward, tangent)
            place = WallSample(position, outward, tangent, z, problem.radius, margin, reach, HALF_STEP)
            if not fill_plane(problem, frame, box, place, affine, row):
                continue
            change = greatest_change(row, 1, box.half_widths)
            if row[0] + change < 0.0:
                return count, z + rise
            if row[0] < change:
                walls[count, WALL_HEIGHT] = z + rise
                walls[count, WALL_ROOM:] = row
                count += 1
        z += step
    return count, stop


@compiled()
def end_planes(
    problem: Problem, frame: Frame, box: LineBox, high: float, ring: FloatArray, tips: FloatArray
) -> tuple[int, float, float]:
    """Fill ``tips`` (MOST_TIPS, TIP_ROW) with planes of the end, slice by slice from ``high`` down (P17, P31).

    Returns how many, the highest tip left, and the lowest slice's foot.
    """
    drift = ring_drift(box.ring_steady, box.turn)
    affine, row = np.zeros(AFFINE_ROW), np.zeros(5)
    position, outward, tangent = np.zeros(3), np.zeros(3), np.zeros(3)
    count, number, foot = 0, ring.shape[0], high
    rings, ahead = frame.end_rings, pin_rise(problem, box)
    while foot > frame.lesion_low - problem.radius - ahead and count + 1 < tips.shape[0]:
        half_slice = max(0.01, TIP_SLICE * reach_at(frame, box.half_widths, foot))
        z = foot - half_slice
        slice_reach = end_reach(frame, box, z, half_slice)
        first = -1
        useful = closed = False
        # Two samples a slice, a quarter of the ring apart and more.
        for _ in range(2):
            least_room, chosen, which, margin, reach = 1e9, -1, 0, 0.0, slice_reach
            for m in range(rings.shape[0]):
                back, radius, pin = rings[m, END_BACK], rings[m, END_RADIUS], rings[m, END_PIN]
                height = z - back / box.stretch
                ring_reach = end_reach(frame, box, height, half_slice + end_off(box, back)) + radius * drift
                for k in range(0, number if radius > 0.0 else 1, 1 if radius == problem.radius else 2):
                    if first >= 0 and 4 * min((k - first) % number, (first - k) % number) < number:
                        continue
                    place_on_ring(box, height, radius, ring[k, 0], ring[k, 1], position)
                    least = end_margin(problem, pin, position[0], position[1], position[2], ring_reach)
                    depth = sample(problem.distance, problem.spacing, position[0], position[1], position[2])
                    if depth - least < least_room:
                        least_room, chosen, which, margin, reach = depth - least, k, m, least, ring_reach
            if least_room > 1.2 * slice_reach:
                break
            first = chosen
            back, radius = rings[which, END_BACK], rings[which, END_RADIUS]
            height = z - back / box.stretch
            set_on_ring(box, height, radius, ring[chosen, 0], ring[chosen, 1], position, outward, tangent)
            place = WallSample(position, outward, tangent, height, radius, margin, reach, end_off(box, back))
            if not fill_plane(problem, frame, box, place, affine, row):
                continue
            row[0] += steepness_of(affine) * half_slice * box.turn
            fall = fall_of(affine, box)
            change = greatest_change(row, 1, box.half_widths)
            if row[0] + half_slice * abs(fall) + change < 0.0:
                closed = True
                break
            if row[0] - half_slice * abs(fall) - change < 0.0 and count < tips.shape[0]:
                useful = True
                tips[count, :5] = row
                tips[count, TIP_FALL], tips[count, TIP_HEIGHT], tips[count, TIP_HALF_SLICE] = fall, z, half_slice
                count += 1
        if closed and count == 0:
            # No line of the box ends in this slice, nor above it: cut it off.
            foot = z - half_slice
            high = foot
            continue
        if closed or not useful:
            foot = z - half_slice if closed else z + half_slice
            break
        foot = z - half_slice
    return count, high, foot


@compiled()
def tip_height_rows(
    problem: Problem,
    frame: Frame,
    box: LineBox,
    foot: float,
    high: float,
    ring: FloatArray,
    trades: FloatArray,
) -> int:
    """Fill ``trades`` (MOST_TRADES, TRADE_ROW): a line ends no higher than height + g.shift, or below ``foot`` (P24).

    Returns how many.
    """
    affine, row = np.zeros(AFFINE_ROW), np.zeros(5)
    position, outward, tangent = np.zeros(3), np.zeros(3), np.zeros(3)
    z, half_slice = 0.5 * (foot + high), 0.5 * (high - foot)
    drift = ring_drift(box.ring_steady, box.turn)
    rings, octant, count = frame.end_rings, ring.shape[0] // 8, 0
    for part in range(8):
        least_room, chosen, which, margin, reach = 1e9, -1, 0, 0.0, 0.0
        for m in range(rings.shape[0]):
            back, radius, pin = rings[m, END_BACK], rings[m, END_RADIUS], rings[m, END_PIN]
            height = z - back / box.stretch
            ring_reach = end_reach(frame, box, height, half_slice + end_off(box, back)) + radius * drift
            for k in range(part * octant, (part + 1) * octant if radius > 0.0 else part * octant + 1):
                place_on_ring(box, height, radius, ring[k, 0], ring[k, 1], position)
                least = end_margin(problem, pin, position[0], position[1], position[2], ring_reach)
                room = sample(problem.distance, problem.spacing, position[0], position[1], position[2]) - least
                if room < least_room:
                    least_room, chosen, which, margin, reach = room, k, m, least, ring_reach
        if least_room > 1.2 * reach:
            continue
        back, radius = rings[which, END_BACK], rings[which, END_RADIUS]
        height = z - back / box.stretch
        set_on_ring(box, height, radius, ring[chosen, 0], ring[chosen, 1], position, outward, tangent)
        place = WallSample(position, outward, tangent, height, radius, margin, reach, end_off(box, back))
        if not fill_plane(problem, frame, box, place, affine, row):
            continue
        row[0] += steepness_of(affine) * half_slice * box.turn
        fall = fall_of(affine, box)
        if fall > LEAST_TRADE_FALL:
            for i in range(5):
                trades[count, i] = row[i] / fall
            trades[count, 0] += z
            count += 1
    return count
