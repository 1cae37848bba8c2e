"""Compiled: the shallowest tunnel on a line that still removes as many points as are asked for.

Of two tunnels on a line the shorter is drilled out of the bone less often, so where a share of the lesion is
asked for, and no more, depth is no number to search over: it follows from the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.jit_cache import compiled
from corecore.base.parallel import in_parts
from corecore.planning.search.cavity import cavity_reason, count_with_cavity
from corecore.planning.search.feasibility import evaluate_line
from corecore.planning.search.lesion_counts import count_along, reached_along, removed_along
from corecore.planning.search.line_geometry import COUNT, OK, Axis, axis_of, flat_end_gap, line_of
from corecore.planning.search.shaped_end import count_shaped, end_gap, is_shaped

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: How nearly the shallowest tip is found, mm.
TIP_MM = 0.02


@compiled()
def count_to(problem: Problem, axis: Axis, entry: float, tip: float) -> int:
    """What a tunnel on a line does for the target when its tip lies at ``tip``: points removed, or reached."""
    if problem.cavity_radius > 0.0:
        return count_with_cavity(problem, axis, entry, tip)
    if is_shaped(problem):
        return count_shaped(problem, axis.point, axis.direction, entry, tip)
    if problem.reach == 0.0:
        return count_along(problem, axis.point, axis.direction, entry, tip, problem.radius)
    count, last = removed_along(problem, axis.point, axis.direction, entry, tip, problem.radius)
    if count > 0:
        count, _ = reached_along(problem, axis.point, axis.direction, entry, tip, last)
    return count


@compiled()
def end_fits(problem: Problem, axis: Axis, ring: FloatArray, step: float, tip: float) -> bool:
    """Whether the end of a tunnel at ``tip``, which its wall allows, keeps its margins too."""
    if problem.cavity_radius > 0.0:
        return cavity_reason(problem, axis, ring, step, tip) == OK
    if is_shaped(problem):
        gap, _ = end_gap(problem, axis, tip, ring, step)
        return gap >= 0.0
    gap, _ = flat_end_gap(problem, axis, tip, problem.radius, ring)
    return gap >= 0.0


@compiled()
def shallowest_tip(
    problem: Problem, axis: Axis, ring: FloatArray, step: float, entry: float, tip: float, count: int, need: int
) -> tuple[float, int]:
    """The shallowest tip up to ``tip`` that does ``need`` for the target, and what it does; by halving.

    ``count`` is what ``tip`` does. Neither end nor cavity loses its margins on the way.
    """
    least = problem.cavity_length if problem.cavity_radius > 0.0 else 0.0
    shallow, deep = max(0.0, entry + least), tip
    while deep - shallow > TIP_MM:
        middle = 0.5 * (shallow + deep)
        found = count_to(problem, axis, entry, middle)
        if found >= need and end_fits(problem, axis, ring, step, middle):
            deep, count = middle, found
        else:
            shallow = middle
    return deep, count


@compiled(nogil=True)
def evaluate_shallow(
    problem: Problem,
    lines: FloatArray,
    ring: FloatArray,
    step: float,
    need: int,
    ends: FloatArray,
    counts: npt.NDArray[np.int64],
) -> None:
    """Entries and shallowest tips (N, 2) of lines (N, 4), and what they do (N,).

    Where a line does less than ``need`` that is its most; 0: it carries no tunnel.
    """
    gaps = np.zeros(COUNT)
    for i in range(lines.shape[0]):
        reason, entry, tip, count = evaluate_line(problem, lines[i], ring, step, 1, gaps)
        if reason != OK:
            counts[i] = 0
            continue
        if count > need:
            point, u = line_of(problem, lines[i, 0], lines[i, 1], lines[i, 2], lines[i, 3])
            tip, count = shallowest_tip(problem, axis_of(point, u), ring, step, entry, tip, count, need)
        ends[i, 0], ends[i, 1], counts[i] = entry, tip, count


def shallowest(
    problem: Problem, lines: FloatArray, ring: FloatArray, step_mm: float, need: int
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """``evaluate_shallow`` on all threads: entries and tips (N, 2), counts (N,)."""
    ends, counts = np.zeros((len(lines), 2)), np.zeros(len(lines), dtype=np.int64)
    in_parts(len(lines), lambda p: evaluate_shallow(problem, lines[p], ring, step_mm, need, ends[p], counts[p]))
    return ends, counts
