"""What the planes of a box leave to a part of it: how high its tips reach, and prices that bound its gain.

A part is a row: (A1, A2, B1, B2) from the box's middle, then its half-widths, mm.
"""

from __future__ import annotations

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.jit_cache import compiled
from corecore.planning.proof.linear_bounds import (
    MOST_TRADES,
    TIP_FALL,
    TIP_HALF_SLICE,
    TIP_HEIGHT,
    WALL_HEIGHT,
    WALL_ROOM,
    greatest_change,
)

#: Planes that limit one part at most; leaving one out only raises the bound.
MOST_WALL_ROWS = 40
MOST_ROWS = MOST_WALL_ROWS + MOST_TRADES
#: Least fall of an end's plane, mm of depth a mm of height, by which a lack of room is told as a lower tip.
LEAST_FALL = 0.05


@compiled()
def tip_limit(part: FloatArray, tips: FloatArray, count: int, high: float) -> float:
    """The greatest height at which a line of a part may end, by ``count`` planes of slices from ``high`` down (P23).

    ``tips`` (MOST_TIPS, TIP_ROW) as ``linear_bounds.end_planes`` fills them.
    """
    k = 0
    limit = high
    while k < count:
        z, half_slice = tips[k, TIP_HEIGHT], tips[k, TIP_HALF_SLICE]
        highest_here = z + half_slice
        while k < count and tips[k, TIP_HEIGHT] == z:
            room, fall = tips[k, 0] + greatest_change(tips[k], 1, part[4:8]), tips[k, TIP_FALL]
            for i in range(4):
                room += tips[k, 1 + i] * part[i]
            if room + half_slice * abs(fall) < 0.0:
                highest_here = z - half_slice
            elif fall > LEAST_FALL:
                # Room at the slice's middle allows so much more height, a lack of it asks for so much less.
                highest_here = min(highest_here, z + room / fall)
            k += 1
        limit = min(limit, max(highest_here, z - half_slice))
        if highest_here > z - half_slice:
            break
    return limit


@compiled()
def gather_wall_rows(part: FloatArray, walls: FloatArray, count: int, safe_height: float, rows: FloatArray) -> int:
    """Fill ``rows`` (room, g) of a part's shift with the walls' planes that cut it; how many (P25).

    Only planes up to ``safe_height``: a wall beyond a tunnel's tip does not count.
    """
    number = 0
    for k in range(count):
        if walls[k, WALL_HEIGHT] > safe_height or number == MOST_WALL_ROWS:
            break
        room = walls[k, WALL_ROOM]
        for i in range(4):
            room += walls[k, 2 + i] * part[i]
        if room < greatest_change(walls[k], 2, part[4:8]):
            rows[number, 0] = room
            rows[number, 1:5] = walls[k, 2:]
            rows[number, 5] = 0.0
            number += 1
    return number


@compiled()
def dual_bound(half_widths: FloatArray, gain: FloatArray, rows: FloatArray, count: int, spare: float) -> float:
    """At least the most that ``gain`` . shift reaches, shift within ``half_widths``, each row's room + g.shift >= 0.

    Any prices on the ``count`` rows (room, g) give such a bound (P26, weak duality); each price is set
    in turn to where the bound is least. Done as soon as it is below ``-spare``.
    """
    size = half_widths.shape[0]
    prices = np.zeros(count)
    priced_gain = gain.copy()
    best = 0.0
    for i in range(size):
        best += abs(priced_gain[i]) * half_widths[i]
    paid = 0.0
    for _ in range(3):
        before = best
        for k in range(count):
            price = prices[k]
            better_price, better = price, best
            # Convex and piecewise linear in one price: least where a gain vanishes, or at no price.
            for i in range(size + 1):
                trial = 0.0
                if i < size:
                    if rows[k, 1 + i] == 0.0:
                        continue
                    trial = price - priced_gain[i] / rows[k, 1 + i]
                if trial < 0.0:
                    continue
                total = paid + (trial - price) * rows[k, 0]
                for m in range(size):
                    total += abs(priced_gain[m] + (trial - price) * rows[k, 1 + m]) * half_widths[m]
                if total < better - 1e-9:
                    better_price, better = trial, total
            if better_price != price:
                paid += (better_price - price) * rows[k, 0]
                for m in range(size):
                    priced_gain[m] += (better_price - price) * rows[k, 1 + m]
                prices[k] = better_price
                best = better
                if spare + best < 0.0:
                    return best
        if best > before - 1e-3 * abs(before):
            break
    return best
