"""A small box of lines bounded by a local model: the lesion round the centre line, walls and tips as planes.

The points near the wall of the centre line's tunnel are counted once, by slab along the
axis, sector round it and distance from the wall. What any line of the box, or of a part of
it, removes is then bounded from the tables alone.
"""

from __future__ import annotations

import math

import numpy as np

from corecore.base.interpolation import across
from corecore.base.jit_cache import compiled
from corecore.planning.proof.box_bound import brick_bound, enclose
from corecore.planning.proof.box_geometry import EPS, axis_of, reach_at
from corecore.planning.proof.dual_prices import tip_limit
from corecore.planning.proof.linear_bounds import (
    MOST_TIPS,
    MOST_TRADES,
    MOST_WALLS,
    TIP_ROW,
    WALL_ROW,
    tip_planes,
    tip_trade,
    wall_planes,
)
from corecore.planning.proof.node_bound import DEPTHS, SECTORS, SLABS, TIPS, histograms, node_bound

#: A box whose lines stay within this of its centre line, mm, in the lesion is bounded by a local model.
TILE_REACH = 5.0
#: How often a box is halved before its parts are boxes of their own.
LEVELS = 4
MOST_CHILDREN = 2**LEVELS
#: How much further a part is halved, from the same tables, before it counts as one that may beat the cut.
LOOK_AHEAD = 4
#: A millimetre by the lateral cortex moves a tunnel in the lesion less than one there: it is halved later.
ENTRY_WEIGHT = 0.22


@compiled()
def split_along(half):
    """Which number of a box to halve."""
    best, which = -1.0, 0
    for i in range(4):
        size = half[i] * (1.0 if i < 2 else ENTRY_WEIGHT)
        if size > best:
            best, which = size, i
    return which


@compiled()
def bound_tile(prob, fr, centre, half, cut, ring, sectors, encl, work, children):
    """Bound a small box: how many children may beat ``cut``, the largest bound of what cannot, nodes looked at."""
    core, body, tip, walls, tips, trade, shift, stack = work
    point, w, m1, m2 = axis_of(prob, fr, centre)
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    e, f = across(w[0] / size, w[1] / size, w[2] / size)
    length = fr.high - fr.low
    turn = math.sqrt((half[0] + half[2]) ** 2 + (half[1] + half[3]) ** 2) / length
    radius, frame = prob.radius, prob.neck_frame
    slope = math.sqrt(m1 * m1 + m2 * m2) + turn
    reach = max(reach_at(fr, half, fr.lesion_low - 2.0 * radius), reach_at(fr, half, encl[0] + radius))
    wide = reach + (radius + reach + 0.1) * turn * turn + turn * reach * slope + 2.0 * EPS
    lean = reach * slope + (radius + wide) * turn + EPS
    wall_count, passed = wall_planes(prob, fr, half, point, w, encl[3], encl[0], ring, walls)
    if passed + lean < fr.lesion_low:
        return 0, 0, 1
    tip_count, high, foot = tip_planes(prob, fr, half, point, w, min(passed, encl[0]), ring, tips)
    bound = brick_bound(prob, fr, centre, half, high)
    if bound <= cut:
        return 0, bound, 1
    trade_count = 0
    if high - foot > 1e-6:
        trade_count = tip_trade(prob, fr, half, point, w, foot, high, ring, trade)
    split, stop = foot - lean - 0.02, high + lean + 0.02
    low = min(fr.lesion_low - 0.5, split - 1.0)
    histograms(prob, fr, point, w, low, split, stop, wide, core, body, tip)
    for j in range(SECTORS):
        c, s = sectors[j, 0], sectors[j, 1]
        shift[j] = 0.0
        for i in range(3):
            n, t = c * e[i] + s * f[i], -s * e[i] + c * f[i]
            shift[j, 0] += n * frame[1, i]
            shift[j, 1] += n * frame[2, i]
            shift[j, 2] += t * frame[1, i]
            shift[j, 3] += t * frame[2, i]
    # A tunnel that ends below ``safe`` cannot beat the cut; of the others every wall up to there counts.
    slab = (split - low) / SLABS
    safe, prefix, closed = low - lean - EPS, 0, 0
    for s in range(SLABS):
        prefix += core[s]
        for j in range(SECTORS):
            prefix += body[s, j, DEPTHS - 1]
        if prefix > cut:
            break
        safe = low + (s + 1) * slab - lean - EPS
        closed = prefix
    part = (low, split, stop, lean, radius, slope, wide, m1, m2)
    stack[0, :4] = 0.0
    stack[0, 4:8] = half
    stack[0, 8] = 0
    top, emitted, nodes, floor = 1, 0, 0, 0
    while top > 0:
        top -= 1
        node, level = stack[top], int(stack[top, 8])
        nodes += 1
        highest = tip_limit(node, tip_count, tips, high)
        for k in range(wall_count):
            room = walls[k, 1]
            for i in range(4):
                room += walls[k, 2 + i] * node[i] + abs(walls[k, 2 + i]) * node[4 + i]
            if room < 0.0:
                highest = min(highest, walls[k, 0])
                break
        bound = node_bound(
            fr,
            node,
            part,
            highest,
            sectors,
            shift,
            core,
            body,
            tip,
            walls,
            wall_count,
            safe,
            cut,
            trade,
            trade_count,
            foot,
        )
        if bound <= cut:
            closed = max(closed, bound)
            continue
        if level == LEVELS:
            # Emitted below, if any of its own parts survives.
            floor = top
            children[emitted, :4] = centre + node[:4]
            children[emitted, 4:8] = node[4:8]
            children[emitted, 8] = bound
        if level == LEVELS + LOOK_AHEAD:
            emitted += 1
            top = floor
            continue
        halve(stack, top, level)
        top += 2
    return emitted, closed, nodes


@compiled()
def halve(stack, top, level):
    """Replace the stack's row ``top`` by its two halves."""
    which = split_along(stack[top, 4:8])
    stack[top, 4 + which] *= 0.5
    stack[top, 8] = level + 1
    stack[top + 1] = stack[top]
    stack[top, which] -= stack[top, 4 + which]
    stack[top + 1, which] += stack[top, 4 + which]


@compiled()
def bound_box(prob, fr, box, cut, ring, sectors, work, children):
    """Bound one box (9,): its children that may beat ``cut``, the largest bound of what cannot, nodes looked at."""
    stack = np.zeros((LEVELS + 2, 9))
    encl = np.zeros(4)
    stack[0, :8] = box[:8]
    top, emitted, closed, nodes = 1, 0, 0, 0
    while top > 0:
        top -= 1
        centre, half, level = stack[top, :4].copy(), stack[top, 4:8].copy(), int(stack[top, 8])
        nodes += 1
        small = max(reach_at(fr, half, fr.lesion_low), reach_at(fr, half, fr.lesion_high)) <= TILE_REACH
        if not enclose(prob, fr, centre, half, ring[::4], encl, small or level == LEVELS):
            continue
        bound = brick_bound(prob, fr, centre, half, encl[0])
        if bound <= cut:
            closed = max(closed, bound)
            continue
        if level == 0 and small:
            emitted, closed, more = bound_tile(prob, fr, centre, half, cut, ring, sectors, encl, work, children)
            for i in range(emitted):
                children[i, 8] = min(children[i, 8], box[8])
            return emitted, closed, nodes + more
        if level == LEVELS or small:
            children[emitted, :8] = stack[top, :8]
            children[emitted, 8] = min(bound, box[8])
            emitted += 1
            continue
        halve(stack, top, level)
        top += 2
    return emitted, closed, nodes


@compiled(nogil=True)
def bound_boxes(prob, fr, boxes, cut, ring, sectors, children, emitted, closed, nodes):
    """``bound_box`` for boxes (N, 9): centre, half-widths, bound so far."""
    work = (
        np.zeros(SLABS, dtype=np.int64),
        np.zeros((SLABS, SECTORS, DEPTHS), dtype=np.int32),
        np.zeros((SECTORS, TIPS, DEPTHS), dtype=np.int32),
        np.zeros((MOST_WALLS, WALL_ROW)),
        np.zeros((MOST_TIPS, TIP_ROW)),
        np.zeros((MOST_TRADES, 5)),
        np.zeros((SECTORS, 4)),
        np.zeros((LEVELS + LOOK_AHEAD + 2, 9)),
    )
    for i in range(boxes.shape[0]):
        emitted[i], closed[i], nodes[i] = bound_box(prob, fr, boxes[i], cut, ring, sectors, work, children[i])
