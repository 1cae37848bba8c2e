"""The lesion round a box's centre line as tables, and what they leave any tunnel of a part of the box to remove.

Heights run along the neck axis, mm. A point's rim depth is its distance from the centre line less
the tunnel's radius: how far outside the centre line's wall it lies, mm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.jit_cache import compiled
from corecore.planning.proof.box_geometry import EPS, Frame, LineBox
from corecore.planning.proof.dual_prices import MOST_ROWS, dual_bound, gather_wall_rows
from corecore.planning.proof.linear_bounds import greatest_change
from corecore.planning.search.shaped_end import is_shaped, place_behind_tip

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: Sectors round the axis, slabs along it, steps of rim depth, steps of height at the tip.
SECTORS, SLABS, DEPTHS, TIPS = 24, 6, 48, 40
#: Steps of the tip's height when a lower tip is weighed against the shift.
TIP_STEPS = 12


class LesionTables(NamedTuple):
    """The lesion's points round a centre line, counted; ``fill_tables`` fills the arrays.

    A point's tip height is the least that a tip has whose body holds it (P33): its own height where the end is flat.
    Points with tip heights up to ``split`` lie in slabs by their own, from ``low`` on; the tip's steps are steps of
    tip height from ``split`` to ``stop``. Rim depths reach from ``-wide`` to ``wide``. ``away``: how much nearer than
    to the centre line a point may lie to any other, mm. ``ahead``, ``rise``: how far above its tip height a point may
    lie, and how far below. ``core`` (SLABS,): points that every line of the box removes, where its
    tip lies beyond them. ``body`` (SLABS, SECTORS, DEPTHS): points up to a rim depth. ``tip``
    (SECTORS, TIPS, DEPTHS): points up to a tip height and a rim depth.
    """

    low: float
    split: float
    stop: float
    wide: float
    away: float
    ahead: float
    rise: float
    core: npt.NDArray[np.int64]
    body: npt.NDArray[np.int32]
    tip: npt.NDArray[np.int32]


class LocalModel(NamedTuple):
    """All that bounds the parts of one small box.

    ``tables``: the lesion. ``sectors`` (SECTORS, 4): ``sector_table``. ``normals`` (SECTORS, 4): each sector's
    outward direction, then its tangent, in the two directions across the neck axis. ``lean``: how far beyond a
    tip's height a point it removes may have its own, mm (P20). ``slope``: at least any line's against the neck
    axis; ``slope_1``, ``slope_2``: the centre line's. ``walls``, ``trades``: rows of
    ``linear_bounds``, the first so many of them. ``safe_height``: a tunnel that ends below cannot
    beat the cut. ``foot``: what the trades know no lower tip of.
    """

    tables: LesionTables
    radius: float
    sectors: FloatArray
    normals: FloatArray
    lean: float
    slope: float
    slope_1: float
    slope_2: float
    walls: FloatArray
    wall_count: int
    trades: FloatArray
    trade_count: int
    safe_height: float
    foot: float


def sector_table() -> FloatArray:
    """Cosine and sine of the middle, sine and cosine of the half-width, of sectors of equal diamond angle."""
    v = np.arange(SECTORS + 1) * 4.0 / SECTORS
    q = np.floor(v)
    edge = 0.5 * np.pi * q + np.arctan2(v - q, 1.0 - (v - q))
    middle, wide = 0.5 * (edge[1:] + edge[:-1]), 0.5 * np.diff(edge) + 1e-6
    return np.ascontiguousarray(np.stack([np.cos(middle), np.sin(middle), np.sin(wide), np.cos(wide)], axis=1))


@compiled()
def sector_of(first: float, second: float) -> int:
    """The sector of a direction across the line, by its diamond angle: no arc functions, and monotone in the angle."""
    total = abs(first) + abs(second) + 1e-12
    if second >= 0.0:
        diamond = second / total if first >= 0.0 else 1.0 - first / total
    else:
        diamond = 2.0 - second / total if first < 0.0 else 3.0 + first / total
    return min(int(diamond * (SECTORS / 4)), SECTORS - 1)


@compiled()
def fill_tables(problem: Problem, box: LineBox, tables: LesionTables) -> None:
    """Count the lesion's points by slab, sector and rim depth; those at the tip by tip height too."""
    low, split, stop, wide = tables.low, tables.split, tables.stop, tables.wide
    core, body, tip = tables.core, tables.body, tables.tip
    core[:] = 0
    body[:] = 0
    tip[:] = 0
    u, ring_1, ring_2, stretch, radius = box.direction, box.ring_1, box.ring_2, box.stretch, problem.radius
    slabs_per_mm = SLABS / (split + tables.ahead - low)
    shaped = is_shaped(problem)
    most_stretch, least_stretch = stretch + box.turn, max(1.0, stretch - box.turn)
    tips_per_mm = TIPS / (stop - split)
    depths_per_mm = DEPTHS / (2.0 * wide)
    from_x = box.point[0] - problem.head_center[0]
    from_y = box.point[1] - problem.head_center[1]
    from_z = box.point[2] - problem.head_center[2]
    outer = radius + wide
    inner = max(radius - wide, 0.0)
    for brick in range(problem.brick_center.shape[0]):
        dx = problem.brick_center[brick, 0] - box.point[0]
        dy = problem.brick_center[brick, 1] - box.point[1]
        dz = problem.brick_center[brick, 2] - box.point[2]
        along = dx * u[0] + dy * u[1] + dz * u[2]
        size = problem.brick_radius[brick] + 1e-5
        square = dx * dx + dy * dy + dz * dz - along * along
        if (along - size) > (stop + tables.ahead) * stretch or square > (outer + size) ** 2:
            continue
        begin, end = problem.brick_start[brick], problem.brick_start[brick + 1]
        if inner > size and square < (inner - size) ** 2 and along + size < (split - tables.rise) * stretch:
            core[min(max(int(((along - size) / stretch - low) * slabs_per_mm), 0), SLABS - 1)] += end - begin
            continue
        for i in range(begin, end):
            x, y, z = problem.points[0, i] - from_x, problem.points[1, i] - from_y, problem.points[2, i] - from_z
            along = x * u[0] + y * u[1] + z * u[2]
            square = x * x + y * y + z * z - along * along
            if square > outer * outer:
                continue
            height = along / stretch
            tip_height = height
            if shaped:
                nearest = max(0.0, math.sqrt(max(square, 0.0)) - tables.away)
                back = place_behind_tip(problem, nearest * nearest)
                tip_height += back / (most_stretch if back > 0.0 else least_stretch) - EPS
            if tip_height <= split and square < inner * inner:
                core[min(max(int((height - low) * slabs_per_mm), 0), SLABS - 1)] += 1
                continue
            if tip_height > stop:
                continue
            first = x * ring_1[0] + y * ring_1[1] + z * ring_1[2]
            second = x * ring_2[0] + y * ring_2[1] + z * ring_2[2]
            sector = sector_of(first, second)
            rim_depth = math.sqrt(max(square, 0.0)) - radius
            depth = min(max(int((rim_depth + wide) * depths_per_mm), 0), DEPTHS - 1)
            if tip_height <= split:
                body[min(max(int((height - low) * slabs_per_mm), 0), SLABS - 1), sector, depth] += 1
            else:
                tip[sector, min(int((tip_height - split) * tips_per_mm), TIPS - 1), depth] += 1
    # From counts at a depth (and height) to counts up to it.
    for slab in range(SLABS):
        for sector in range(SECTORS):
            total = 0
            for depth in range(DEPTHS):
                total += body[slab, sector, depth]
                body[slab, sector, depth] = total
    for sector in range(SECTORS):
        for step in range(TIPS):
            total = 0
            for depth in range(DEPTHS):
                total += tip[sector, step, depth]
                tip[sector, step, depth] = total + (tip[sector, step - 1, depth] if step > 0 else 0)


@compiled()
def line_over_counts(
    counts: npt.NDArray[np.int32], first: int, last: int, middle: float, half: float, wide: float, depths_per_mm: float
) -> tuple[float, float]:
    """Value in the middle and slope of a straight line nowhere below a sector's counts (DEPTHS,) (P22).

    Over rim depths within ``half`` of ``middle``, whose steps are ``first`` to ``last``.
    """
    rate = 0.0
    if last > first:
        rate = (counts[last] - counts[first]) / (2.0 * half)
    most = counts[first] + rate * half
    for depth in range(first + 1, last + 1):
        most = max(most, counts[depth] - rate * max(depth / depths_per_mm - wide - middle, -half))
    return most, rate


@compiled()
def node_bound(frame: Frame, node: FloatArray, highest: float, model: LocalModel, cut: int) -> int:
    """At least the number of points that any tunnel of a part of the box removes.

    ``node``: shift (4,) of the part's middle from the box's, then its half-widths (4,), mm.
    ``highest``: no tunnel of it ends above. ``cut``: a bound at most this may be left as loose as it is.

    Each sector's count is bounded by a straight line of its shift (P22), the shifts are affine in
    the line's four numbers (P1), and so is their sum: only its greatest value within the walls'
    planes counts (P26), not every sector's own.
    """
    tables, radius, slope = model.tables, model.radius, model.slope
    split, wide = tables.split, tables.wide
    shift_a1, shift_a2, shift_b1, shift_b2 = node[0], node[1], node[2], node[3]
    half_a1, half_a2, half_b1, half_b2 = node[4], node[5], node[6], node[7]
    length = frame.lesion_plane - frame.entry_plane
    slab_height, depths_per_mm = (split + tables.ahead - tables.low) / SLABS, DEPTHS / (2.0 * wide)
    tips_per_mm = TIPS / (tables.stop - split)
    # Slopes against the centre line's: the middle's, and what the part's lines differ from it.
    lean_1, lean_2 = (shift_a1 - shift_b1) / length, (shift_a2 - shift_b2) / length
    lean_half_1, lean_half_2 = (half_a1 + half_b1) / length, (half_a2 + half_b2) / length
    turn = math.sqrt((abs(lean_1) + lean_half_1) ** 2 + (abs(lean_2) + lean_half_2) ** 2)
    tip_heights, first_depths = np.full(SECTORS, -1e9), np.zeros(SECTORS, dtype=np.int64)
    total, gain_a1, gain_a2, gain_b1, gain_b2 = 0.0, 0.0, 0.0, 0.0, 0.0
    for slab in range(SLABS + 1):
        if slab < SLABS:
            bottom, middle = tables.low + slab * slab_height, tables.low + (slab + 0.5) * slab_height
            half_height = 0.5 * slab_height
            if slab == 0:
                bottom = -1e9
        else:
            # Of tip heights; the points' own lie up to so far below and above.
            bottom, middle = split + tables.ahead, 0.5 * (split - tables.rise + tables.stop + tables.ahead)
            half_height = 0.5 * (tables.stop + tables.ahead - split + tables.rise)
        # (P20): what lies further along than any tip reaches is not removed.
        if bottom > highest + tables.ahead + model.lean:
            break
        # (P1): the part's lines in the slab's middle, from the centre line.
        lesion_share = (middle - frame.entry_plane) / length
        entry_share = 1.0 - lesion_share
        move_1 = lesion_share * shift_a1 + entry_share * shift_b1
        move_2 = lesion_share * shift_a2 + entry_share * shift_b2
        half_1 = abs(lesion_share) * half_a1 + abs(entry_share) * half_b1
        half_2 = abs(lesion_share) * half_a2 + abs(entry_share) * half_b2
        far = math.sqrt((abs(move_1) + half_1) ** 2 + (abs(move_2) + half_2) ** 2) + half_height * turn
        # (P19): what turning adds, of second order.
        second_order = (radius + far) * turn * turn + turn * far * slope + EPS
        if slab < SLABS:
            total += tables.core[slab]
        else:
            # (P20): how far beyond its tip a tunnel may remove points, along the centre line.
            slope_1, slope_2 = model.slope_1 + lean_1, model.slope_2 + lean_2
            least_square = 1.0 + max(0.0, abs(slope_1) - lean_half_1) ** 2 + max(0.0, abs(slope_2) - lean_half_2) ** 2
            rise = (
                move_1 * slope_1
                + move_2 * slope_2
                + half_1 * (abs(slope_1) + lean_half_1)
                + half_2 * (abs(slope_2) + lean_half_2)
                + abs(move_1) * lean_half_1
                + abs(move_2) * lean_half_2
                + half_height * turn * slope
            )
            rise = max(rise, 0.0) / least_square if rise > 0.0 else rise / (1.0 + slope * slope)
        for sector in range(SECTORS):
            out_1, out_2 = model.normals[sector, 0], model.normals[sector, 1]
            round_1, round_2 = model.normals[sector, 2], model.normals[sector, 3]
            sine, cosine = model.sectors[sector, 2], model.sectors[sector, 3]
            out_lean, round_lean = out_1 * lean_1 + out_2 * lean_2, round_1 * lean_1 + round_2 * lean_2
            widest_1, widest_2 = abs(out_1) + abs(round_1) * sine, abs(out_2) + abs(round_2) * sine
            if slab < SLABS:
                counts = tables.body[slab, sector]
            else:
                lift = (
                    max(max(-out_lean, -out_lean * cosine) + abs(round_lean) * sine + widest_1 * lean_half_1
                        + widest_2 * lean_half_2, 0.0)
                    * (radius + wide)
                )  # fmt: skip
                tip_height = highest + rise + lift / least_square + EPS
                if tip_height < split:
                    continue
                counts = tables.tip[sector, min(int((tip_height - split) * tips_per_mm + 1e-9), TIPS - 1)]
            if counts[DEPTHS - 1] == 0:
                continue
            # (P21): the wall's shift in any direction of the sector, at any height of the slab.
            out_move, round_move = out_1 * move_1 + out_2 * move_2, round_1 * move_1 + round_2 * move_2
            out_half = abs(out_1) * half_1 + abs(out_2) * half_2
            round_half = abs(round_1) * half_1 + abs(round_2) * half_2
            slack = (
                (1.0 - cosine) * max(0.0, out_half - out_move)
                + (abs(round_move) + round_half) * sine
                + half_height
                * (abs(out_lean) + abs(round_lean) * sine + widest_1 * lean_half_1 + widest_2 * lean_half_2)
                + second_order
            )
            rim = out_move + slack
            first = min(max(int((rim - out_half + wide) * depths_per_mm), 0), DEPTHS - 1)
            if slab == SLABS:
                tip_heights[sector], first_depths[sector] = tip_height, first
            last = min(max(int((rim + out_half + wide) * depths_per_mm), 0), DEPTHS - 1)
            most, rate = line_over_counts(counts, first, last, rim, out_half, wide, depths_per_mm)
            total += most
            gain_a1 += rate * lesion_share * out_1
            gain_a2 += rate * lesion_share * out_2
            gain_b1 += rate * entry_share * out_1
            gain_b2 += rate * entry_share * out_2
    # The tip's height is a fifth number: lower tips remove less, and the tips' planes tie it to the shift.
    rows, half_widths, gain = np.zeros((MOST_ROWS, 6)), np.zeros(5), np.zeros(5)
    half_widths[:4] = node[4:8]
    gain[0], gain[1], gain[2], gain[3] = gain_a1, gain_a2, gain_b1, gain_b2
    count = gather_wall_rows(node, model.walls, model.wall_count, model.safe_height, rows)
    lowest = lowest_tip(node, highest, model)
    if highest - lowest > 1e-6:
        rate, extra = spared_below(tables, tip_heights, first_depths, highest, lowest)
        half_widths[4] = 0.5 * (highest - lowest)
        gain[4] = rate
        count = gather_tip_rows(node, highest, lowest, model, rows, count)
        base = total + extra - rate * half_widths[4]
        coupled = base + dual_bound(half_widths, gain, rows, count, base - cut)
        return max(int(min(coupled, total + greatest_change(gain, 0, node[4:8])) + 1e-6), 0)
    return int(total + dual_bound(half_widths, gain, rows, count, total - cut) + 1e-6)


@compiled()
def lowest_tip(node: FloatArray, highest: float, model: LocalModel) -> float:
    """The lowest height that any row of the tip's height asks of a line of the part, not below the rows' foot (P24)."""
    lowest = highest
    for k in range(model.trade_count):
        height = model.trades[k, 0] - greatest_change(model.trades[k], 1, node[4:8])
        for i in range(4):
            height += model.trades[k, 1 + i] * node[i]
        lowest = min(lowest, height)
    return max(lowest, model.foot)


@compiled()
def spared_below(
    tables: LesionTables,
    tip_heights: FloatArray,
    first_depths: npt.NDArray[np.int64],
    highest: float,
    lowest: float,
) -> tuple[float, float]:
    """Rate and offset: a tip ``drop`` mm below ``highest`` removes at least rate * drop - offset points fewer (P27).

    ``tip_heights`` (SECTORS,): how far along each sector's points are counted for the highest tip;
    ``first_depths`` (SECTORS,): the least rim depth that counts there.
    """
    split, tips_per_mm, tip = tables.split, TIPS / (tables.stop - tables.split), tables.tip
    least = np.zeros(TIP_STEPS + 1)
    for m in range(TIP_STEPS + 1):
        height = highest - (highest - lowest) * m / TIP_STEPS
        for sector in range(SECTORS):
            if tip_heights[sector] >= split:
                depth = first_depths[sector]
                least[m] += tip[sector, min(int((tip_heights[sector] - split) * tips_per_mm + 1e-9), TIPS - 1), depth]
                lower = tip_heights[sector] - (highest - height)
                if lower >= split:
                    least[m] -= tip[sector, min(int((lower - split) * tips_per_mm + 1e-9), TIPS - 1), depth]
    rate = least[TIP_STEPS] / (highest - lowest)
    offset = 0.0
    for m in range(TIP_STEPS):
        # Between two steps at least what the higher one spares, at most what the lower one is asked for.
        offset = max(offset, rate * (highest - lowest) * (m + 1) / TIP_STEPS - least[m])
    return rate, offset


@compiled()
def gather_tip_rows(
    node: FloatArray, highest: float, lowest: float, model: LocalModel, rows: FloatArray, count: int
) -> int:
    """Append to ``rows`` that the tip lies below each row of its height (P24, P27); how many rows there are then."""
    middle = highest - 0.5 * (highest - lowest)
    for k in range(model.trade_count):
        room = model.trades[k, 0] - middle
        for i in range(4):
            room += model.trades[k, 1 + i] * node[i]
        # A row that asks for a tip below the lowest only asks for the lowest.
        short = max(0.0, lowest - (room + middle - greatest_change(model.trades[k], 1, node[4:8])))
        rows[count, 0] = room + short
        rows[count, 1:5] = model.trades[k, 1:5]
        rows[count, 5] = -1.0
        count += 1
    return count
