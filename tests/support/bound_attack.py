"""Attacks on the proven bound: lines by chance within boxes of every size, which must not remove more than is bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from corecore.base.grid import FloatArray
from corecore.planning.proof.box_geometry import Frame, end_rings
from corecore.planning.proof.branch_and_bound import bounded, box_of, lines_of
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import fine_ring
from corecore.planning.search.problem import Problem
from corecore.tunnels.figures import RING_STEP_MM

#: Lines within a box unless told otherwise.
LINES = 200


class Attacked(Protocol):
    """A hip's problem, its frame, and lines (N, 4) that carry a tunnel."""

    @property
    def problem(self) -> Problem: ...
    @property
    def frame(self) -> Frame: ...
    @property
    def feasible(self) -> FloatArray: ...


def boxes_round(case: Attacked, count: int, seed: int, lines: int = LINES) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Boxes (9,) of many sizes that hold a feasible line somewhere, each with random lines (N, 4) within."""
    rng = np.random.default_rng(seed)
    offsets = box_of(case.frame, case.feasible)
    for _ in range(count):
        half = 10.0 ** rng.uniform(-2.5, 0.4) * np.array([1.0, 1.0, 2.5, 2.5]) * rng.uniform(0.3, 1.0, 4)
        middle = offsets[rng.integers(len(offsets))] + rng.uniform(-1, 1, 4) * half
        # Corners too: there a box is least like its middle.
        inside = (
            middle
            + np.where(
                rng.random((lines, 1)) < 0.3, rng.choice([-1.0, 1.0], (lines, 4)), rng.uniform(-1, 1, (lines, 4))
            )
            * half
        )
        yield np.concatenate([middle, half, [1e9]]), lines_of(case.frame, inside)


def beaten(
    case: Attacked,
    problem: Problem,
    count: int,
    seed: int,
    share: float,
    frame: Frame | None = None,
    lines_each: int = LINES,
) -> tuple[int, int]:
    """How often a line of a box removes more than the box's bound, and how many lines were feasible.

    The bound is that of ``problem``, of ``frame`` where another is given; the lines are of the case.
    """
    worse = feasible = 0
    frame = case.frame._replace(end_rings=end_rings(problem)) if frame is None else frame
    for box, lines in boxes_round(case, count, seed, lines_each):
        _, _, counts = evaluate_many(case.problem, lines, fine_ring(case.problem), RING_STEP_MM)
        cut = int(share * case.problem.points.shape[1])
        children, closed = bounded(problem, frame, box[None], cut)
        most = max([closed, *(int(child[8]) for child in children[0])])
        # What a cut closes is only known to be at most the cut.
        worse += int(counts.max()) > (max(most, cut) if cut else most)
        feasible += int(np.count_nonzero(counts))
    return worse, feasible
