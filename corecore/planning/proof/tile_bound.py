"""A small box of lines bounded by a local model: the lesion round the centre line, walls and tips as planes.

The points near the wall of the centre line's tunnel are counted once, by slab along the
axis, sector round it and distance from the wall. What any line of the box, or of a part of
it, removes is then bounded from the tables alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.jit_cache import compiled
from corecore.planning.proof.box_bound import Enclosure, count_whole_bricks, enclose
from corecore.planning.proof.box_geometry import (
    EPS,
    Frame,
    LineBox,
    build_box,
    end_rise,
    greatest_reach,
    pin_rise,
)
from corecore.planning.proof.dual_prices import tip_limit
from corecore.planning.proof.linear_bounds import (
    MOST_TIPS,
    MOST_TRADES,
    MOST_WALLS,
    TIP_ROW,
    TRADE_ROW,
    WALL_HEIGHT,
    WALL_ROOM,
    WALL_ROW,
    end_planes,
    tip_height_rows,
    wall_planes,
)
from corecore.planning.proof.node_bound import (
    DEPTHS,
    SECTORS,
    SLABS,
    TIPS,
    LesionTables,
    LocalModel,
    fill_tables,
    node_bound,
)

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: A box whose lines stay within this of its centre line, mm, in the lesion is bounded by a local model.
TILE_REACH = 5.0
#: And whose slopes differ from its centre line's by no more than this: so far the wall's shift is proven (P19).
TILE_TURN = 0.7
#: How often a box is halved before its parts are boxes of their own.
LEVELS = 4
MOST_CHILDREN = 2**LEVELS
#: How much further a part is halved, from the same tables, before it counts as one that may beat the cut.
LOOK_AHEAD = 4
#: A millimetre by the lateral cortex moves a tunnel in the lesion less than one there: it is halved later.
ENTRY_WEIGHT = 0.22
#: A box's row: centre (4), half-widths (4), then its bound so far; a part's has how often it was halved instead.
BOX_ROW, LAST = 9, 8


class Workspace(NamedTuple):
    """Scratch space of one thread, and the rings and sectors that every box is looked at by.

    ``ring`` (M, 2): cosines and sines round a wall; ``sectors`` (SECTORS, 4): ``node_bound.sector_table``. The rest
    as ``LesionTables``, ``LocalModel`` and ``linear_bounds`` have it; ``parts`` (., BOX_ROW): parts still to look at.
    """

    ring: FloatArray
    sectors: FloatArray
    core: npt.NDArray[np.int64]
    body: npt.NDArray[np.int32]
    tip: npt.NDArray[np.int32]
    walls: FloatArray
    tips: FloatArray
    trades: FloatArray
    normals: FloatArray
    parts: FloatArray


@compiled()
def widest_number(half_widths: FloatArray) -> int:
    """Which of a box's four numbers to halve."""
    best, which = -1.0, 0
    for i in range(4):
        size = half_widths[i] * (1.0 if i < 2 else ENTRY_WEIGHT)
        if size > best:
            best, which = size, i
    return which


@compiled()
def fill_sector_normals(problem: Problem, box: LineBox, sectors: FloatArray, normals: FloatArray) -> None:
    """Fill each sector's outward direction and tangent (SECTORS, 4), in the two directions across the neck axis."""
    axes = problem.neck_frame
    for j in range(SECTORS):
        c, s = sectors[j, 0], sectors[j, 1]
        normals[j] = 0.0
        for i in range(3):
            outward = c * box.ring_1[i] + s * box.ring_2[i]
            tangent = -s * box.ring_1[i] + c * box.ring_2[i]
            normals[j, 0] += outward * axes[1, i]
            normals[j, 1] += outward * axes[2, i]
            normals[j, 2] += tangent * axes[1, i]
            normals[j, 3] += tangent * axes[2, i]


@compiled()
def safe_tip_height(tables: LesionTables, lean: float, cut: int) -> tuple[float, int]:
    """A height below which no tunnel of the box ends that beats ``cut``, and the most that those remove (P25)."""
    slab_height = (tables.split + tables.ahead - tables.low) / SLABS
    # (P33): a guide pin removes what lies so far beyond the tip.
    beyond = lean + tables.ahead + EPS
    safe, upto, most = tables.low - beyond, 0, 0
    for slab in range(SLABS):
        upto += tables.core[slab]
        for j in range(SECTORS):
            upto += tables.body[slab, j, DEPTHS - 1]
        if upto > cut:
            break
        safe = tables.low + (slab + 1) * slab_height - beyond
        most = upto
    return safe, most


@compiled()
def first_closed_height(part: FloatArray, walls: FloatArray, count: int, highest: float) -> float:
    """The tip height told by the first wall that every line of a part breaks, ``highest`` where there is none (P16)."""
    for k in range(count):
        room = walls[k, WALL_ROOM]
        for i in range(4):
            room += walls[k, 2 + i] * part[i] + abs(walls[k, 2 + i]) * part[4 + i]
        if room < 0.0:
            height: float = walls[k, WALL_HEIGHT]
            return min(highest, height)
    return highest


@compiled()
def bound_tile(
    problem: Problem,
    frame: Frame,
    box: LineBox,
    enclosure: Enclosure,
    cut: int,
    work: Workspace,
    children: FloatArray,
) -> tuple[int, int, int]:
    """Bound a small box: how many children may beat ``cut``, the largest bound of what cannot, parts looked at.

    Fills ``children`` (MOST_CHILDREN, BOX_ROW).
    """
    ring, parts, radius, half_widths = work.ring, work.parts, problem.radius, box.half_widths
    slope = math.sqrt(box.slope_1 * box.slope_1 + box.slope_2 * box.slope_2) + box.turn
    ahead = pin_rise(problem, box)
    # A point that is removed lies within the radius of its tunnel's axis, and its foot on the centre line no further
    # from its own height than it lies from that line.
    last = min(frame.lesion_high, enclosure.tip_high + ahead + radius)
    span = radius + greatest_reach(frame, half_widths, frame.lesion_low - radius, last + radius)
    reach = greatest_reach(frame, half_widths, frame.lesion_low - span, last + span)
    wide = reach + (radius + reach + 0.1) * box.turn * box.turn + box.turn * reach * slope + 2.0 * EPS
    # (P20)
    lean = reach * slope + (radius + wide) * box.turn + EPS
    wall_count, passed = wall_planes(problem, frame, box, enclosure.wall_start, enclosure.tip_high, ring, work.walls)
    lean_share = math.sqrt(box.slope_1 * box.slope_1 + box.slope_2 * box.slope_2) / box.stretch
    # A point beside the line has its foot lower than itself where the line leans: none lies below this.
    lowest_foot = frame.lesion_low - (radius + wide) * lean_share - EPS
    if passed + ahead + lean < lowest_foot:
        return 0, 0, 1
    tip_count, high, foot = end_planes(problem, frame, box, min(passed, enclosure.tip_high), ring, work.tips)
    bound = count_whole_bricks(problem, frame, box, high)
    if bound <= cut:
        return 0, bound, 1
    trade_count = 0
    if high - foot > 1e-6:
        trade_count = tip_height_rows(problem, frame, box, foot, high, ring, work.trades)
    split, stop = foot - lean - 0.02, high + lean + 0.02
    low = min(lowest_foot, split - 1.0)
    rise = end_rise(problem, box)
    tables = LesionTables(low, split, stop, wide, reach + EPS, ahead, rise, work.core, work.body, work.tip)
    fill_tables(problem, box, tables)
    fill_sector_normals(problem, box, work.sectors, work.normals)
    safe_height, closed = safe_tip_height(tables, lean, cut)
    model = LocalModel(
        tables,
        radius,
        work.sectors,
        work.normals,
        lean,
        slope,
        box.slope_1,
        box.slope_2,
        work.walls,
        wall_count,
        work.trades,
        trade_count,
        safe_height,
        foot,
    )
    parts[0, :4] = 0.0
    parts[0, 4:8] = half_widths
    parts[0, LAST] = 0
    top, emitted, looked_at, first_of_child = 1, 0, 0, 0
    while top > 0:
        top -= 1
        part, level = parts[top], int(parts[top, LAST])
        looked_at += 1
        highest = tip_limit(part, work.tips, tip_count, high)
        highest = first_closed_height(part, work.walls, wall_count, highest)
        bound = node_bound(frame, part, highest, model, cut)
        # (P29): what cannot beat the cut is dropped, and the largest such bound kept.
        if bound <= cut:
            closed = max(closed, bound)
            continue
        if level == LEVELS:
            # Emitted below, if any of its own parts survives.
            first_of_child = top
            children[emitted, :4] = box.centre + part[:4]
            children[emitted, 4:8] = part[4:8]
            children[emitted, LAST] = bound
        if level == LEVELS + LOOK_AHEAD:
            emitted += 1
            top = first_of_child
            continue
        halve_row(parts, top, level)
        top += 2
    return emitted, closed, looked_at


@compiled()
def halve_row(rows: FloatArray, top: int, level: int) -> None:
    """Replace the row ``top`` of boxes or parts by its two halves."""
    which = widest_number(rows[top, 4:8])
    rows[top, 4 + which] *= 0.5
    rows[top, LAST] = level + 1
    rows[top + 1] = rows[top]
    rows[top, which] -= rows[top, 4 + which]
    rows[top + 1, which] += rows[top, 4 + which]


@compiled()
def bound_box(
    problem: Problem, frame: Frame, row: FloatArray, cut: int, work: Workspace, children: FloatArray
) -> tuple[int, int, int]:
    """Bound one box (BOX_ROW,): its children that may beat ``cut``, the largest bound of what cannot, parts looked at.

    Fills ``children`` (MOST_CHILDREN, BOX_ROW).
    """
    boxes = np.zeros((LEVELS + 2, BOX_ROW))
    boxes[0, :8] = row[:8]
    top, emitted, closed, looked_at = 1, 0, 0, 0
    coarse_ring = work.ring[::4]
    while top > 0:
        top -= 1
        level = int(boxes[top, LAST])
        box = build_box(problem, frame, boxes[top, :4].copy(), boxes[top, 4:8].copy())
        looked_at += 1
        lesion_reach = greatest_reach(frame, box.half_widths, frame.lesion_low, frame.lesion_high)
        small = lesion_reach <= TILE_REACH and box.turn <= TILE_TURN
        enclosure = enclose(problem, frame, box, coarse_ring, small or level == LEVELS)
        if not enclosure.possible:
            continue
        bound = count_whole_bricks(problem, frame, box, enclosure.tip_high)
        if bound <= cut:
            closed = max(closed, bound)
            continue
        if level == 0 and small:
            emitted, closed, more = bound_tile(problem, frame, box, enclosure, cut, work, children)
            for i in range(emitted):
                children[i, LAST] = min(children[i, LAST], row[LAST])
            return emitted, closed, looked_at + more
        if level == LEVELS or small:
            children[emitted, :8] = boxes[top, :8]
            children[emitted, LAST] = min(bound, row[LAST])
            emitted += 1
            continue
        halve_row(boxes, top, level)
        top += 2
    return emitted, closed, looked_at


@compiled(nogil=True)
def bound_boxes(
    problem: Problem,
    frame: Frame,
    rows: FloatArray,
    cut: int,
    ring: FloatArray,
    sectors: FloatArray,
    children: FloatArray,
    emitted: npt.NDArray[np.int64],
    closed: npt.NDArray[np.int64],
    looked_at: npt.NDArray[np.int64],
) -> None:
    """``bound_box`` for boxes (N, BOX_ROW), into children (N, MOST_CHILDREN, BOX_ROW) and three numbers each (N,)."""
    work = Workspace(
        ring,
        sectors,
        np.zeros(SLABS, dtype=np.int64),
        np.zeros((SLABS, SECTORS, DEPTHS), dtype=np.int32),
        np.zeros((SECTORS, TIPS, DEPTHS), dtype=np.int32),
        np.zeros((MOST_WALLS, WALL_ROW)),
        np.zeros((MOST_TIPS, TIP_ROW)),
        np.zeros((MOST_TRADES, TRADE_ROW)),
        np.zeros((SECTORS, 4)),
        np.zeros((LEVELS + LOOK_AHEAD + 2, BOX_ROW)),
    )
    for i in range(rows.shape[0]):
        emitted[i], closed[i], looked_at[i] = bound_box(problem, frame, rows[i], cut, work, children[i])
