"""What the planes of a box leave to a node of it: how high its tips reach, and prices that bound its gain.

A node is (A1, A2, B1, B2) from the box's middle, then its half-widths.
"""

from __future__ import annotations

import numpy as np

from corecore.base.jit_cache import compiled
from corecore.planning.proof.linear_bounds import MOST_TRADES, swing

#: Planes that limit one node at most; leaving one out only raises the bound.
MOST_WALL_ROWS = 40
MOST_ROWS = MOST_WALL_ROWS + MOST_TRADES


@compiled()
def tip_limit(node, count, tips, high):
    """The greatest height at which a line of a node (centre, half-widths) may end."""
    k = 0
    limit = high
    while k < count:
        z, thin = tips[k, 6], tips[k, 7]
        here = z + thin
        while k < count and tips[k, 6] == z:
            room, fall = tips[k, 0] + swing(tips[k], 1, node[4:8]), tips[k, 5]
            for i in range(4):
                room += tips[k, 1 + i] * node[i]
            if room + thin * abs(fall) < 0.0:
                here = z - thin
            elif fall > 0.05:
                # Room at the slice's middle allows so much more height, a lack of it asks for so much less.
                here = min(here, z + room / fall)
            k += 1
        limit = min(limit, max(here, z - thin))
        if here > z - thin:
            break
    return limit


@compiled()
def gather_rows(node, walls, count, safe, rows):
    """The walls' planes that cut a node, as rows (room, g) of its shift; how many."""
    number = 0
    for k in range(count):
        if walls[k, 0] > safe or number == MOST_WALL_ROWS:
            break
        room = walls[k, 1]
        for i in range(4):
            room += walls[k, 2 + i] * node[i]
        if room < swing(walls[k], 2, node[4:8]):
            rows[number, 0] = room
            rows[number, 1:5] = walls[k, 2:]
            rows[number, 5] = 0.0
            number += 1
    return number


@compiled()
def least_dual(half, grow, rows, number, above):
    """At least the most that ``grow`` times a shift within ``half`` reaches where every row keeps room + g.shift >= 0.

    Any prices on the rows give such a bound (weak duality); each price is set in turn to
    where the bound is least. Done once below ``-above``.
    """
    size = half.shape[0]
    price = np.zeros(number)
    slope = grow.copy()
    best = 0.0
    for i in range(size):
        best += abs(slope[i]) * half[i]
    paid = 0.0
    for _ in range(3):
        before = best
        for k in range(number):
            kept = price[k]
            found, value = kept, best
            # Convex and piecewise linear in one price: least where a slope vanishes, or at no price.
            for i in range(size + 1):
                trial = 0.0
                if i < size:
                    if rows[k, 1 + i] == 0.0:
                        continue
                    trial = kept - slope[i] / rows[k, 1 + i]
                if trial < 0.0:
                    continue
                total = paid + (trial - kept) * rows[k, 0]
                for m in range(size):
                    total += abs(slope[m] + (trial - kept) * rows[k, 1 + m]) * half[m]
                if total < value - 1e-9:
                    found, value = trial, total
            if found != kept:
                paid += (found - kept) * rows[k, 0]
                for m in range(size):
                    slope[m] += (found - kept) * rows[k, 1 + m]
                price[k] = found
                best = value
                if above + best < 0.0:
                    return best
        if best > before - 1e-3 * abs(before):
            break
    return best
