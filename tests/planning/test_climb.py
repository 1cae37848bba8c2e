"""A climb takes no line twice and looks at volumes last: it ends where the plain climb ends."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.batched import climb_many
from corecore.planning.search.feasibility import evaluate_line, stands_among
from corecore.planning.search.lesion_counts import count_along, removed_along
from corecore.planning.search.line_geometry import COUNT, OK, line_of, ring_points
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.single import best_of_neighbourhoods, sweep

RING, STEP_MM = ring_points(16), 1.0


def plain_climb(problem: Problem, line: FloatArray, size: float, smallest: float) -> tuple[FloatArray, int, int]:
    """Every move of every round evaluated in full, those seen before too."""
    gaps, best, count, tried, first = np.zeros(COUNT), line.copy(), 0, 0, True
    while size >= smallest:
        moved = False
        for move in ([np.zeros(4)] if first else []) + list(problem.moves):
            trial = best + size * move if move.any() else best.copy()
            why, _, _, found = evaluate_line(problem, trial, RING, STEP_MM, 1, gaps)
            tried += 1
            if why == OK and found > count:
                moved = moved or bool(move.any())
                best, count = trial, found
        first = False
        if not moved:
            size *= 0.5
    return best, count, tried


@pytest.mark.parametrize(
    "spec",
    [Spec(), pytest.param(Spec(target="reached"), marks=pytest.mark.slow)],
    ids=["removed", "reached"],
)
def test_a_climb_ends_where_the_plain_climb_ends(sample_hip: Hip, spec: Spec) -> None:
    swept = sweep(sample_hip, spec)
    starts = best_of_neighbourhoods(swept.passing, swept.mesh)[:2]
    problem = build_problem(sample_hip, spec, slack_mm=0.3, fuzz_mm=0.7)
    lines, ends, counts, tried = climb_many(problem, starts[[0, 1, 0]], RING, STEP_MM, 0.5, 0.2)
    plain = [plain_climb(problem, line, 0.5, 0.2) for line in starts]
    for at, (line, count, _) in zip((0, 1, 2), (*plain, plain[0]), strict=True):
        assert np.array_equal(lines[at], line)
        assert counts[at] == count
    assert np.array_equal(ends[0], ends[2])
    assert tried == sum(one[2] for one in plain) + plain[0][2]


def test_points_are_counted_the_same_with_and_without_the_deepest(sample_hip: Hip) -> None:
    problem, rng = build_problem(sample_hip, Spec()), np.random.default_rng(3)
    for _ in range(20):
        point, way = line_of(problem, *(rng.uniform(-1.0, 1.0, 4) * (6.0, 6.0, 0.3, 0.3)))
        last = float(rng.uniform(10.0, 60.0))
        found = count_along(problem, point, way, -60.0, last, 5.0)
        assert found == removed_along(problem, point, way, -60.0, last, 5.0)[0]
        center = point - problem.head_center
        gap = problem.points.T - center
        along = gap @ way
        inside = (along <= last) & (along >= -60.0) & ((gap**2).sum(axis=1) - along**2 <= 25.0)
        assert abs(found - np.count_nonzero(inside)) <= 2


def test_lines_are_known_again_to_the_last_digit() -> None:
    lines = np.array([[1.0, 2.0, 0.3, 0.4], [1.0, 2.0, 0.3, 0.5], [9.0, 9.0, 9.0, 9.0]])
    assert stands_among(lines, 2, lines[1].copy())
    assert not stands_among(lines, 2, lines[2].copy())
    assert not stands_among(lines, 2, np.nextafter(lines[0], 2.0))
