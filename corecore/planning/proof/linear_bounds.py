"""Walls and tips of a small box of lines as planes: what a sample's margin is at most, as the line moves.

The interpolated field lies below an affine function in a ball wherever it does at the
corners of the ball's cells. A wall sample moves with its line by an affine function and a
small rest. Together: depth less margin is at most c + g.shift for every line of the box,
and a line where that is negative breaks the margin.
"""

from __future__ import annotations

import math

import numpy as np

from corecore.base.interpolation import across, sample
from corecore.base.jit_cache import compiled
from corecore.planning.proof.affine_field import affine_bounds
from corecore.planning.proof.box_geometry import (
    ARC,
    EPS,
    HALF_STEP,
    axis_depth,
    helper_unique,
    least_margin,
    least_margin_along,
    reach_at,
    ring_drift,
)

#: Rooms for planes: of walls (height, c, g), of tips (c, g, fall, height, half-thickness).
MOST_WALLS, WALL_ROW = 1024, 6
MOST_TIPS, TIP_ROW = 64, 8
#: Rows that trade the tip's height against the shift, one an octant.
MOST_TRADES = 8
#: A slice of the tip's height is so thick, as a share of the box's reach.
TIP_SLICE = 0.15
#: In boxes that reach no further than the first, mm, stations of the walls are looked at closer than a millimetre
#: apart, by the second as a share of the reach, and their margins told along the piece of the axis where they may
#: lie: where bone is rough such boxes are closed only by the one station at which their lines break a margin.
FINE_REACH, STEP_SHARE, LEAST_STEP = 0.1, 5.0, 0.1


@compiled()
def plane_of(prob, fr, z, x, n, t, share, u, size, turn, twist, margin, reach, along, slope, row):
    """Fill ``row`` (c, gA1, gA2, gB1, gB2) for a sample ``x`` of the centre line's wall or flat end.

    ``n``, ``t``: outward and round the ring; ``turn``, ``twist``: how far directions and
    rings of the box turn; ``along``: how far its station may lie off. ``slope`` receives the
    affine function. False where the field is not known all round.
    """
    if not affine_bounds(prob.distance, prob.spacing, x[0], x[1], x[2], reach, slope):
        return False
    frame = prob.neck_frame
    length = fr.high - fr.low
    lam = (z - fr.low) / length
    g1 = g2 = gu = gt = n1 = n2 = whole = 0.0
    for i in range(3):
        g1 += slope[i] * frame[1, i]
        g2 += slope[i] * frame[2, i]
        gu += slope[i] * u[i]
        gt += slope[i] * t[i]
        n1 += n[i] * frame[1, i]
        n2 += n[i] * frame[2, i]
        whole += slope[i] * slope[i]
    whole = math.sqrt(whole)
    rho = share * prob.radius
    # A ring tilts with its direction: to first order its sample moves along the axis.
    tilt = -rho * gu / (size * length)
    bend = 4.0 * turn * turn + (0.0 if twist < turn else 0.5 * twist * twist + twist * turn)
    row[0] = slope[3] - margin + rho * (abs(gt) * twist + whole * bend) + along * (abs(gu) + whole * turn) + EPS
    row[1], row[2] = lam * g1 + tilt * n1, lam * g2 + tilt * n2
    row[3], row[4] = (1.0 - lam) * g1 - tilt * n1, (1.0 - lam) * g2 - tilt * n2
    return True


@compiled()
def swing(row, first, half):
    """By how much a plane's value changes within a box's half-widths."""
    return (
        abs(row[first]) * half[0]
        + abs(row[first + 1]) * half[1]
        + abs(row[first + 2]) * half[2]
        + abs(row[first + 3]) * half[3]
    )


@compiled()
def wall_planes(prob, fr, half, point, w, start, stop, ring, walls):
    """Planes of the walls between two heights: how many, and the lowest height no line of the box passes."""
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    u = w / size
    turn = math.sqrt((half[0] + half[2]) ** 2 + (half[1] + half[3]) ** 2) / (fr.high - fr.low)
    e, f = across(u[0], u[1], u[2])
    unique = helper_unique(u[0], u[1], u[2], turn)
    drift = prob.radius * ring_drift(unique, turn)
    twist = 0.7072 * turn if unique else ARC
    slope, x, n, t, row = np.zeros(5), np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(5)
    count = 0
    octant = ring.shape[0] // 8
    hardest = max(prob.joint_margin, prob.posterosuperior_margin)
    z = start
    while z < stop:
        near = reach_at(fr, half, z) + drift + HALF_STEP * turn + EPS
        reach = near + HALF_STEP
        step = 1.0 if near > FINE_REACH else max(LEAST_STEP, STEP_SHARE * near)
        # Deep inside no wall is near: leaving a station out only raises the bound.
        if axis_depth(prob, point, w, z) > prob.radius + hardest + 1.2 * reach:
            z += step
            continue
        for part in range(8):
            best, which, margin = 1.3 * reach, -1, 0.0
            for k in range(part * octant, (part + 1) * octant):
                for i in range(3):
                    x[i] = point[i] + z * w[i] + prob.radius * (ring[k, 0] * e[i] + ring[k, 1] * f[i])
                depth = sample(prob.distance, prob.spacing, x[0], x[1], x[2])
                if depth - hardest >= best:
                    continue
                if near < FINE_REACH:
                    least = least_margin_along(prob, x, u, HALF_STEP, near)
                else:
                    least = least_margin(prob, x[0], x[1], x[2], reach)
                if depth - least < best:
                    best, which, margin = depth - least, k, least
            if which < 0 or count == walls.shape[0]:
                continue
            for i in range(3):
                n[i] = ring[which, 0] * e[i] + ring[which, 1] * f[i]
                t[i] = -ring[which, 1] * e[i] + ring[which, 0] * f[i]
                x[i] = point[i] + z * w[i] + prob.radius * n[i]
            if not plane_of(prob, fr, z, x, n, t, 1.0, u, size, turn, twist, margin, reach, HALF_STEP, slope, row):
                continue
            wide = swing(row, 1, half)
            if row[0] + wide < 0.0:
                return count, z
            if row[0] < wide:
                walls[count, 0] = z
                walls[count, 1:] = row
                count += 1
        z += step
    return count, stop


@compiled()
def tip_planes(prob, fr, half, point, w, high, ring, tips):
    """Planes of the flat end, slice by slice from above: how many, the highest tip left, the lowest slice's foot."""
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    u = w / size
    turn = math.sqrt((half[0] + half[2]) ** 2 + (half[1] + half[3]) ** 2) / (fr.high - fr.low)
    e, f = across(u[0], u[1], u[2])
    unique = helper_unique(u[0], u[1], u[2], turn)
    twist = 0.7072 * turn if unique else ARC
    slope, x, n, t, row = np.zeros(5), np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(5)
    count, number, foot = 0, ring.shape[0], high
    while foot > fr.lesion_low - prob.radius and count + 1 < tips.shape[0]:
        thin = max(0.01, TIP_SLICE * reach_at(fr, half, foot))
        z = foot - thin
        base = max(reach_at(fr, half, foot), reach_at(fr, half, z - thin)) + thin * (size + turn) + EPS
        first = -1
        useful = closed = False
        # Two samples a slice, a quarter of the ring apart and more.
        for _ in range(2):
            best, which, share, margin, reach = 1e9, -1, 1.0, 0.0, base
            for level in range(2):
                part = 1.0 - 0.5 * level
                wide = base + part * prob.radius * ring_drift(unique, turn)
                for k in range(0, number, 1 + level):
                    if first >= 0 and 4 * min((k - first) % number, (first - k) % number) < number:
                        continue
                    for i in range(3):
                        x[i] = point[i] + z * w[i] + part * prob.radius * (ring[k, 0] * e[i] + ring[k, 1] * f[i])
                    least = least_margin(prob, x[0], x[1], x[2], wide)
                    room = sample(prob.distance, prob.spacing, x[0], x[1], x[2]) - least
                    if room < best:
                        best, which, share, margin, reach = room, k, part, least, wide
            if best > 1.2 * base:
                break
            first = which
            for i in range(3):
                n[i] = ring[which, 0] * e[i] + ring[which, 1] * f[i]
                t[i] = -ring[which, 1] * e[i] + ring[which, 0] * f[i]
                x[i] = point[i] + z * w[i] + share * prob.radius * n[i]
            if not plane_of(prob, fr, z, x, n, t, share, u, size, turn, twist, margin, reach, 0.0, slope, row):
                continue
            row[0] += math.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2) * thin * turn
            fall = -(slope[0] * w[0] + slope[1] * w[1] + slope[2] * w[2])
            wide = swing(row, 1, half)
            if row[0] + thin * abs(fall) + wide < 0.0:
                closed = True
                break
            if row[0] - thin * abs(fall) - wide < 0.0 and count < tips.shape[0]:
                useful = True
                tips[count, :5] = row
                tips[count, 5], tips[count, 6], tips[count, 7] = fall, z, thin
                count += 1
        if closed and count == 0:
            # No line of the box ends in this slice, nor above it: cut it off.
            foot = z - thin
            high = foot
            continue
        if closed or not useful:
            foot = z - thin if closed else z + thin
            break
        foot = z - thin
    return count, high, foot


@compiled()
def tip_trade(prob, fr, half, point, w, foot, high, ring, trade):
    """Rows (e0, eA1, eA2, eB1, eB2): a line of the box ends no higher than any of them, or below ``foot``; how many."""
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    u = w / size
    turn = math.sqrt((half[0] + half[2]) ** 2 + (half[1] + half[3]) ** 2) / (fr.high - fr.low)
    e, f = across(u[0], u[1], u[2])
    unique = helper_unique(u[0], u[1], u[2], turn)
    twist = 0.7072 * turn if unique else ARC
    slope, x, n, t, row = np.zeros(5), np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(5)
    z, thick = 0.5 * (foot + high), 0.5 * (high - foot)
    reach = max(reach_at(fr, half, foot), reach_at(fr, half, high)) + thick * (size + turn) + EPS
    reach += prob.radius * ring_drift(unique, turn)
    octant, count = ring.shape[0] // 8, 0
    for part in range(8):
        best, which, margin = 1e9, -1, 0.0
        for k in range(part * octant, (part + 1) * octant):
            for i in range(3):
                x[i] = point[i] + z * w[i] + prob.radius * (ring[k, 0] * e[i] + ring[k, 1] * f[i])
            least = least_margin(prob, x[0], x[1], x[2], reach)
            room = sample(prob.distance, prob.spacing, x[0], x[1], x[2]) - least
            if room < best:
                best, which, margin = room, k, least
        if best > 1.2 * reach:
            continue
        for i in range(3):
            n[i] = ring[which, 0] * e[i] + ring[which, 1] * f[i]
            t[i] = -ring[which, 1] * e[i] + ring[which, 0] * f[i]
            x[i] = point[i] + z * w[i] + prob.radius * n[i]
        if not plane_of(prob, fr, z, x, n, t, 1.0, u, size, turn, twist, margin, reach, 0.0, slope, row):
            continue
        row[0] += math.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2) * thick * turn
        fall = -(slope[0] * w[0] + slope[1] * w[1] + slope[2] * w[2])
        if fall > 0.2:
            for i in range(5):
                trade[count, i] = row[i] / fall
            trade[count, 0] += z
            count += 1
    return count
