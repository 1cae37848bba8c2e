"""A small box of lines bounded by a local model: the lesion round the centre line, walls and tips as planes.

The points near the wall of the centre line's tunnel are counted once, by slab along the
axis, sector round it and distance from the wall. What any line of the box, or of a part of
it, removes is then bounded from the tables alone.
"""

from __future__ import annotations

import math

import numpy as np

from corecore.compiled import compiled
from corecore.grid import FloatArray
from corecore.search.boxes import brick_bound, enclose
from corecore.search.enclosure import EPS, axis_of, reach_at
from corecore.search.kernels import across
from corecore.search.planes import (
    MOST_TIPS,
    MOST_WALLS,
    TIP_ROW,
    WALL_ROW,
    least_dual,
    tip_limit,
    tip_planes,
    wall_planes,
)

#: Sectors round the axis, slabs along it, steps of distance from the wall, steps of height at the tip.
SECTORS, SLABS, DEPTHS, TIPS = 24, 6, 48, 40
#: A box whose lines stay within this of its centre line, mm, in the lesion is bounded by a local model.
TILE_REACH = 5.0
#: How often a box is halved before its parts are boxes of their own.
LEVELS = 4
MOST_CHILDREN = 2**LEVELS
#: How much further a part is halved, from the same tables, before it counts as one that may beat the cut.
LOOK_AHEAD = 4
#: A millimetre by the lateral cortex moves a tunnel in the lesion less than one there: it is halved later.
ENTRY_WEIGHT = 0.22


def sector_table() -> FloatArray:
    """Cosine and sine of the middle, sine and cosine of the half-width, of sectors of equal diamond angle."""
    v = np.arange(SECTORS + 1) * 4.0 / SECTORS
    q = np.floor(v)
    edge = 0.5 * np.pi * q + np.arctan2(v - q, 1.0 - (v - q))
    middle, wide = 0.5 * (edge[1:] + edge[:-1]), 0.5 * np.diff(edge) + 1e-6
    return np.ascontiguousarray(np.stack([np.cos(middle), np.sin(middle), np.sin(wide), np.cos(wide)], axis=1))


@compiled()
def histograms(prob, fr, point, w, low, split, stop, wide, core, body, tip):
    """Count the lesion's points by slab, sector and distance from the wall; those at the tip by height too."""
    core[:] = 0
    body[:] = 0
    tip[:] = 0
    size = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    ux, uy, uz = w[0] / size, w[1] / size, w[2] / size
    e, f = across(ux, uy, uz)
    radius = prob.radius
    slab_per = SLABS / (split - low)
    tip_per = TIPS / (stop - split)
    depth_per = DEPTHS / (2.0 * wide)
    ox, oy, oz = (
        point[0] - prob.head_center[0], point[1] - prob.head_center[1], point[2] - prob.head_center[2]
    )
    outer = radius + wide
    inner = max(radius - wide, 0.0)
    for brick in range(prob.brick_center.shape[0]):
        dx, dy, dz = (
            prob.brick_center[brick, 0] - point[0],
            prob.brick_center[brick, 1] - point[1],
            prob.brick_center[brick, 2] - point[2],
        )
        t = dx * ux + dy * uy + dz * uz
        reach = prob.brick_radius[brick] + 1e-5
        away = dx * dx + dy * dy + dz * dz - t * t
        if (t - reach) > stop * size or away > (outer + reach) ** 2:
            continue
        begin, end = prob.brick_start[brick], prob.brick_start[brick + 1]
        if inner > reach and away < (inner - reach) ** 2 and t + reach < split * size:
            core[min(max(int(((t - reach) / size - low) * slab_per), 0), SLABS - 1)] += end - begin
            continue
        for i in range(begin, end):
            x, y, z = prob.points[0, i] - ox, prob.points[1, i] - oy, prob.points[2, i] - oz
            s = x * ux + y * uy + z * uz
            square = x * x + y * y + z * z - s * s
            if square > outer * outer:
                continue
            h = s / size
            if h <= split and square < inner * inner:
                core[min(max(int((h - low) * slab_per), 0), SLABS - 1)] += 1
                continue
            if h > stop:
                continue
            c = x * e[0] + y * e[1] + z * e[2]
            d = x * f[0] + y * f[1] + z * f[2]
            total = abs(c) + abs(d) + 1e-12
            if d >= 0.0:
                v = d / total if c >= 0.0 else 1.0 - c / total
            else:
                v = 2.0 - d / total if c < 0.0 else 3.0 + c / total
            j = min(int(v * (SECTORS / 4)), SECTORS - 1)
            b = min(max(int((math.sqrt(max(square, 0.0)) - radius + wide) * depth_per), 0), DEPTHS - 1)
            if h <= split:
                body[min(max(int((h - low) * slab_per), 0), SLABS - 1), j, b] += 1
            else:
                tip[j, min(int((h - split) * tip_per), TIPS - 1), b] += 1
    for s in range(SLABS):
        for j in range(SECTORS):
            total = 0
            for b in range(DEPTHS):
                total += body[s, j, b]
                body[s, j, b] = total
    for j in range(SECTORS):
        for k in range(TIPS):
            total = 0
            for b in range(DEPTHS):
                total += tip[j, k, b]
                tip[j, k, b] = total + (tip[j, k - 1, b] if k > 0 else 0)


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
def node_bound(fr, node, part, highest, sectors, shift, core, body, tip, walls, count, safe, cut):
    """At least the number of points that any tunnel of a node removes.

    Each sector's count is bounded by a straight line of its shift, the shifts are affine in
    the line's four numbers, and so is their sum: only its greatest value within the walls'
    planes counts, not every sector's own.
    """
    a1, a2, b1, b2 = node[0], node[1], node[2], node[3]
    ha1, ha2, hb1, hb2 = node[4], node[5], node[6], node[7]
    low, split, stop, lean, radius, slope, wide, m1, m2 = part
    length = fr.high - fr.low
    slab, depth_per, tip_per = (split - low) / SLABS, DEPTHS / (2.0 * wide), TIPS / (stop - split)
    dm1, dm2, em1, em2 = (a1 - b1) / length, (a2 - b2) / length, (ha1 + hb1) / length, (ha2 + hb2) / length
    dm = math.sqrt((abs(dm1) + em1) ** 2 + (abs(dm2) + em2) ** 2)
    total, g1, g2, g3, g4 = 0.0, 0.0, 0.0, 0.0, 0.0
    for s in range(SLABS + 1):
        if s < SLABS:
            bottom, middle, thick = low + s * slab, low + (s + 0.5) * slab, 0.5 * slab
            if s == 0:
                bottom = -1e9
        else:
            bottom, middle, thick = split, 0.5 * (split + stop), 0.5 * (stop - split)
        if bottom > highest + lean:
            break
        lam = (middle - fr.low) / length
        mu = 1.0 - lam
        v1, v2 = lam * a1 + mu * b1, lam * a2 + mu * b2
        h1, h2 = abs(lam) * ha1 + abs(mu) * hb1, abs(lam) * ha2 + abs(mu) * hb2
        far = math.sqrt((abs(v1) + h1) ** 2 + (abs(v2) + h2) ** 2) + thick * dm
        second = (radius + far) * dm * dm + dm * far * slope + EPS
        if s < SLABS:
            total += core[s]
        else:
            mm1, mm2 = m1 + dm1, m2 + dm2
            square_low = 1.0 + max(0.0, abs(mm1) - em1) ** 2 + max(0.0, abs(mm2) - em2) ** 2
            rise = (
                v1 * mm1 + v2 * mm2 + h1 * (abs(mm1) + em1) + h2 * (abs(mm2) + em2)
                + abs(v1) * em1 + abs(v2) * em2 + thick * dm * slope
            )
            rise = max(rise, 0.0) / square_low if rise > 0.0 else rise / (1.0 + slope * slope)
        for j in range(SECTORS):
            n1, n2, t1, t2 = shift[j, 0], shift[j, 1], shift[j, 2], shift[j, 3]
            sine, cosine = sectors[j, 2], sectors[j, 3]
            nm, tm = n1 * dm1 + n2 * dm2, t1 * dm1 + t2 * dm2
            w1, w2 = abs(n1) + abs(t1) * sine, abs(n2) + abs(t2) * sine
            if s < SLABS:
                table = body[s, j]
            else:
                lift = max(max(-nm, -nm * cosine) + abs(tm) * sine + w1 * em1 + w2 * em2, 0.0) * (radius + wide)
                top = highest + rise + lift / square_low + EPS
                if top < split:
                    continue
                table = tip[j, min(int((top - split) * tip_per + 1e-9), TIPS - 1)]
            if table[DEPTHS - 1] == 0:
                continue
            nv, tv = n1 * v1 + n2 * v2, t1 * v1 + t2 * v2
            hn = abs(n1) * h1 + abs(n2) * h2
            ht = abs(t1) * h1 + abs(t2) * h2
            slack = (
                (1.0 - cosine) * max(0.0, hn - nv) + (abs(tv) + ht) * sine
                + thick * (abs(nm) + abs(tm) * sine + w1 * em1 + w2 * em2) + second
            )
            base = nv + slack
            first = min(max(int((base - hn + wide) * depth_per), 0), DEPTHS - 1)
            last = min(max(int((base + hn + wide) * depth_per), 0), DEPTHS - 1)
            rate = 0.0
            if last > first:
                rate = (table[last] - table[first]) / (2.0 * hn)
            most = table[first] + rate * hn
            for b in range(first + 1, last + 1):
                most = max(most, table[b] - rate * max(b / depth_per - wide - base, -hn))
            total += most
            g1 += rate * lam * n1
            g2 += rate * lam * n2
            g3 += rate * mu * n1
            g4 += rate * mu * n2
    grow = np.array([g1, g2, g3, g4])
    return int(total + least_dual(node, grow, walls, count, safe, total - cut) + 1e-6)


@compiled()
def bound_tile(prob, fr, centre, half, cut, ring, sectors, encl, work, children):
    """Bound a small box: how many children may beat ``cut``, the largest bound of what cannot, nodes looked at."""
    core, body, tip, walls, tips, shift, stack = work
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
            fr, node, part, highest, sectors, shift, core, body, tip, walls, wall_count, safe, cut
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
        if not enclose(prob, fr, centre, half, ring[::2], encl, small or level == LEVELS):
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
        np.zeros((SECTORS, 4)),
        np.zeros((LEVELS + LOOK_AHEAD + 2, 9)),
    )
    for i in range(boxes.shape[0]):
        emitted[i], closed[i], nodes[i] = bound_box(prob, fr, boxes[i], cut, ring, sectors, work, children[i])
