"""The proof: no tunnel within the constraints removes more than this.

Branch and bound over the four numbers of a line. Boxes are taken in waves of fixed size,
the largest bound first; each is bounded for itself, so the outcome does not depend on the
number of threads. ``docs/design/search.md`` states the problem and proves the bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.parallel import in_parts
from corecore.planning.proof.box_geometry import SLOPE_LIMIT, Frame, build_frame
from corecore.planning.proof.node_bound import sector_table
from corecore.planning.proof.tile_bound import BOX_ROW, LAST, MOST_CHILDREN, bound_boxes
from corecore.planning.search.line_geometry import fine_ring
from corecore.planning.search.problem import Problem

#: Boxes bounded together; the order of the boxes, and so the outcome, depends on it.
WAVE = 256
#: Boxes bounded at most unless told otherwise (engineering choice: some minutes on two cores).
EFFORT = 1_000_000

Ended = Literal["gap", "effort", "time"]


@dataclass(frozen=True)
class Proof:
    """A proven bound: no plan within the limits removes more; how it is proven: ``docs/design/search.md``.

    Parameters
    ----------
    upper_bound_fraction : float
        Greatest share of the necrosis that any tunnel, or set, may remove, 0 to 1.
    stopped_by : {"gap", "effort", "time"}
        Why the proof ended: nothing left exceeds the gap asked for, as many nodes bounded as allowed, or time is up.
    boxes_bounded : int
        Number of branch-and-bound nodes.
    """

    upper_bound_fraction: float
    stopped_by: Ended
    boxes_bounded: int


def prove(
    problem: Problem,
    best: int,
    *,
    gap: float = 0.01,
    effort: int | None = EFFORT,
    until: float | None = None,
    better: Callable[[FloatArray, int], int] | None = None,
    most: int | None = None,
) -> Proof:
    """Bound the number of lesion points any tunnel removes, given one that removes ``best`` (0: none known).

    ``better`` is shown the middle lines (N, 4) of the boxes still open and what the best tunnel removes, and
    tells what the best removes then: where bounds are high a better tunnel may lie, and with it the cut rises.
    No tunnel removes more than ``most`` (P34), where that is known.
    Ends where the bound is within ``gap`` of it, after ``effort`` boxes (``None``: no limit),
    or at the time ``until`` (of ``time.perf_counter``). ``problem`` is without slack or fuzz.
    """
    total = problem.points.shape[1]
    most = total if most is None else max(most, best)
    frame = build_frame(problem)
    cut = min(int(best * (1.0 + gap)), total)
    if most <= cut:
        return Proof(min(most, total) / total, "gap", 0)
    pending = root_box(problem, frame)[None]
    closed, boxes = best, 0
    stopped: Ended = "gap"
    while len(pending):
        if effort is not None and boxes >= effort:
            stopped = "effort"
            break
        if until is not None and time.perf_counter() > until:
            stopped = "time"
            break
        order = np.argsort(-pending[:, LAST], kind="stable")
        now, pending = pending[order[:WAVE]], pending[order[WAVE:]]
        if better is not None:
            best = better(lines_of(frame, now[:, :4]), best)
            cut = min(int(best * (1.0 + gap)), total)
        children, least = bounded(problem, frame, now, cut)
        closed = max(closed, least, best)
        pending = np.concatenate([pending, *children])
        boxes += len(now)
    # (P30): what is open may still reach its bound.
    reached = max(closed, int(pending[:, LAST].max())) if len(pending) else closed
    return Proof(min(reached, most, total) / total, stopped, boxes)


def bounded(problem: Problem, frame: Frame, boxes: FloatArray, cut: int) -> tuple[list[FloatArray], int]:
    """The children (M, BOX_ROW) of each of boxes (N, BOX_ROW) that may beat ``cut`` points.

    And the largest bound of what was dropped (P29).
    """
    ring, sectors, n = fine_ring(problem), sector_table(), len(boxes)
    children = np.empty((n, MOST_CHILDREN, BOX_ROW))
    emitted, closed, looked_at = (np.zeros(n, dtype=np.int64) for _ in range(3))
    in_parts(
        n,
        lambda p: bound_boxes(
            problem, frame, boxes[p], cut, ring, sectors, children[p], emitted[p], closed[p], looked_at[p]
        ),
    )
    return [children[i, : emitted[i]] for i in range(n)], int(closed.max(initial=0))


def root_box(problem: Problem, frame: Frame) -> FloatArray:
    """A box (BOX_ROW,) that holds every line within the slopes allowed which touches the lesion (P28)."""
    points = problem.points.astype(np.float64).T + (problem.head_center - problem.neck_center)
    across = points @ problem.neck_frame[1:].T
    away = max(frame.lesion_high - frame.lesion_plane, frame.lesion_plane - frame.lesion_low)
    # The line's place at the height of a point it removes lies within radius times its length per unit of height.
    grow = 1.5 * problem.radius + SLOPE_LIMIT * away
    low, high = across.min(axis=0) - grow, across.max(axis=0) + grow
    half = 0.5 * (high - low)
    lever = SLOPE_LIMIT * (frame.lesion_plane - frame.entry_plane)
    middle = 0.5 * (low + high)
    return np.concatenate([middle, middle, half, half + lever, [float(len(points))]])


def box_of(frame: Frame, lines: FloatArray) -> FloatArray:
    """Lines (N, 4) as offsets on the two planes (N, 4)."""
    return np.concatenate(
        [lines[:, :2] + frame.lesion_plane * lines[:, 2:], lines[:, :2] + frame.entry_plane * lines[:, 2:]], axis=1
    )


def lines_of(frame: Frame, offsets: FloatArray) -> FloatArray:
    """Offsets on the two planes (N, 4) as lines (N, 4)."""
    slopes = (offsets[:, :2] - offsets[:, 2:]) / (frame.lesion_plane - frame.entry_plane)
    return np.ascontiguousarray(np.concatenate([offsets[:, :2] - frame.lesion_plane * slopes, slopes], axis=1))
