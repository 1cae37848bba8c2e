"""Kernels over many lines, on all threads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.parallel import in_parts
from corecore.planning.search.feasibility import climb_lines, evaluate_lines
from corecore.planning.search.problem import Problem


def evaluate_many(
    problem: Problem, lines: FloatArray, ring: FloatArray, step: float
) -> tuple[npt.NDArray[np.int8], FloatArray, npt.NDArray[np.int64]]:
    """Reasons (N,), entries and tips (N, 2) and counts (N,) of lines (N, 4)."""
    n = len(lines)
    reasons, ends, counts = np.zeros(n, dtype=np.int8), np.zeros((n, 2)), np.zeros(n, dtype=np.int64)
    in_parts(n, lambda p: evaluate_lines(problem, lines[p], ring, step, reasons[p], ends[p], counts[p]))
    return reasons, ends, counts


def climb_many(
    problem: Problem, lines: FloatArray, ring: FloatArray, step: float, size: float, smallest: float
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64], int]:
    """Lines reached from lines (N, 4), their ends (N, 2) and counts (N,), and how many lines were judged."""
    # Climbs that end on one summit go on as one.
    first, same = _distinct(lines)
    lines = np.ascontiguousarray(lines[first])
    n = len(lines)
    reached, ends = np.zeros((n, 4)), np.zeros((n, 2))
    counts, tried = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    in_parts(
        n,
        lambda p: climb_lines(problem, lines[p], ring, step, size, smallest, reached[p], ends[p], counts[p], tried[p]),
    )
    return reached[same], ends[same], counts[same], int(tried[same].sum())


def _distinct(lines: FloatArray) -> tuple[list[int], list[int]]:
    """Where each different one of lines (N, 4) stands first (M,), and which of those each of them is (N,)."""
    places: dict[bytes, int] = {}
    first, same = list[int](), list[int]()
    for at, line in enumerate(lines):
        place = places.setdefault(line.tobytes(), len(first))
        if place == len(first):
            first.append(at)
        same.append(place)
    return first, same
