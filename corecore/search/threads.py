"""Kernels over many lines, on as many threads as the machine has.

Each line is judged for itself and written to its own place, so the result does not depend on
the number of threads. The kernels release the interpreter's lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from corecore.grid import FloatArray
from corecore.search.kernels import climb_lines, judge_lines
from corecore.search.problem import Problem

#: Lines are handed out in this many parts a thread, so that no thread waits long for another.
PARTS_PER_THREAD = 8


def thread_count() -> int:
    """``CORECORE_THREADS`` where set, else the cores this process may use."""
    given = os.environ.get("CORECORE_THREADS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parts(count: int, work: Callable[[slice], object]) -> None:
    """Call ``work`` for slices that cover ``range(count)``, on all threads."""
    threads = thread_count()
    size = max(1, -(-count // (threads * PARTS_PER_THREAD)))
    parts = [slice(first, min(first + size, count)) for first in range(0, count, size)]
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, parts):
            pass


def judge_many(
    problem: Problem, lines: FloatArray, ring: FloatArray, step: float
) -> tuple[npt.NDArray[np.int8], FloatArray, npt.NDArray[np.int64]]:
    """Reasons (N,), entries and tips (N, 2) and counts (N,) of lines (N, 4)."""
    n = len(lines)
    reasons, ends, counts = np.zeros(n, dtype=np.int8), np.zeros((n, 2)), np.zeros(n, dtype=np.int64)
    in_parts(n, lambda p: judge_lines(problem, lines[p], ring, step, reasons[p], ends[p], counts[p]))
    return reasons, ends, counts


def climb_many(
    problem: Problem, lines: FloatArray, ring: FloatArray, step: float, size: float, smallest: float
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64], int]:
    """Lines reached from lines (N, 4), their ends (N, 2) and counts (N,), and how many lines were judged."""
    n = len(lines)
    reached, ends = np.zeros((n, 4)), np.zeros((n, 2))
    counts, tried = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    in_parts(
        n,
        lambda p: climb_lines(
            problem, lines[p], ring, step, size, smallest, reached[p], ends[p], counts[p], tried[p]
        ),
    )
    return reached, ends, counts, int(tried.sum())
