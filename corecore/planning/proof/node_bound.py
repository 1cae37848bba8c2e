"""The lesion round a box's centre line as tables, and what they leave any tunnel of a node to remove."""

from __future__ import annotations

import math

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.interpolation import across
from corecore.base.jit_cache import compiled
from corecore.planning.proof.box_geometry import EPS
from corecore.planning.proof.dual_prices import MOST_ROWS, gather_rows, least_dual
from corecore.planning.proof.linear_bounds import swing

#: Sectors round the axis, slabs along it, steps of distance from the wall, steps of height at the tip.
SECTORS, SLABS, DEPTHS, TIPS = 24, 6, 48, 40
#: Steps of the tip's height when a lower tip is weighed against the shift.
TIP_STEPS = 12


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
    ox, oy, oz = (point[0] - prob.head_center[0], point[1] - prob.head_center[1], point[2] - prob.head_center[2])
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
def node_bound(
    fr, node, part, highest, sectors, shift, core, body, tip, walls, count, safe, cut, trade, trade_count, foot
):
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
    tops, firsts = np.full(SECTORS, -1e9), np.zeros(SECTORS, dtype=np.int64)
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
                v1 * mm1
                + v2 * mm2
                + h1 * (abs(mm1) + em1)
                + h2 * (abs(mm2) + em2)
                + abs(v1) * em1
                + abs(v2) * em2
                + thick * dm * slope
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
                (1.0 - cosine) * max(0.0, hn - nv)
                + (abs(tv) + ht) * sine
                + thick * (abs(nm) + abs(tm) * sine + w1 * em1 + w2 * em2)
                + second
            )
            base = nv + slack
            first = min(max(int((base - hn + wide) * depth_per), 0), DEPTHS - 1)
            if s == SLABS:
                tops[j], firsts[j] = top, first
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
    # The tip's height is a fifth number: lower tips remove less, and the tips' planes tie it to the shift.
    rows, half, grow = np.zeros((MOST_ROWS, 6)), np.zeros(5), np.zeros(5)
    half[:4] = node[4:8]
    grow[0], grow[1], grow[2], grow[3] = g1, g2, g3, g4
    number = gather_rows(node, walls, count, safe, rows)
    lowest = highest
    for k in range(trade_count):
        level = trade[k, 0] - swing(trade[k], 1, node[4:8])
        for i in range(4):
            level += trade[k, 1 + i] * node[i]
        lowest = min(lowest, level)
    lowest = max(lowest, foot)
    if highest - lowest > 1e-6:
        least = np.zeros(TIP_STEPS + 1)
        for m in range(TIP_STEPS + 1):
            height = highest - (highest - lowest) * m / TIP_STEPS
            for j in range(SECTORS):
                if tops[j] >= split:
                    k1 = min(int((tops[j] - split) * tip_per + 1e-9), TIPS - 1)
                    lower = tops[j] - (highest - height)
                    least[m] += tip[j, k1, firsts[j]]
                    if lower >= split:
                        least[m] -= tip[j, min(int((lower - split) * tip_per + 1e-9), TIPS - 1), firsts[j]]
        rate = least[TIP_STEPS] / (highest - lowest)
        extra = 0.0
        for m in range(TIP_STEPS):
            # Between two steps at least what the higher one spares, at most what the lower one is asked for.
            extra = max(extra, rate * (highest - lowest) * (m + 1) / TIP_STEPS - least[m])
        half[4] = 0.5 * (highest - lowest)
        grow[4] = rate
        middle = highest - half[4]
        for k in range(trade_count):
            room = trade[k, 0] - middle
            for i in range(4):
                room += trade[k, 1 + i] * node[i]
            # A row that asks for a tip below the lowest only asks for the lowest.
            short = max(0.0, lowest - (room + middle - swing(trade[k], 1, node[4:8])))
            rows[number, 0] = room + short
            rows[number, 1:5] = trade[k, 1:5]
            rows[number, 5] = -1.0
            number += 1
        base = total + extra - rate * half[4]
        coupled = base + least_dual(half, grow, rows, number, base - cut)
        return max(int(min(coupled, total + swing(grow, 0, node[4:8])) + 1e-6), 0)
    return int(total + least_dual(half, grow, rows, number, total - cut) + 1e-6)
