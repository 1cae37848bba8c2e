"""Is the planned tunnel the best? A million feasible random poses beside it, the best hundred refined.

``python benchmarks/random_poses.py MAP.nii.gz [MAP ...] [--poses 1000000]``: label 1 femur,
label 2 lesion. Poses are drawn round every feasible line of the sweep's lattice, evenly
within its mesh, and judged by the compiled kernel until so many are feasible. The best
hundred are then climbed by random steps that shrink (another method than the planner's), and
judged by the numpy twin. Prints what each found, as shares of the lesion.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.single import OFFSET_STEP_MM, SLOPE_STEP, best_tunnel, lattice, tunnel_of_line
from corecore.tunnels.figures import RING_POINTS, RING_STEP_MM, assess
from corecore.tunnels.limits import violations

BATCH = 100_000
HALF = np.array([OFFSET_STEP_MM, OFFSET_STEP_MM, SLOPE_STEP, SLOPE_STEP])


def random_best(problem: Problem, poses: int, rng: np.random.Generator) -> tuple[FloatArray, np.ndarray, int, int]:
    """The best hundred of ``poses`` feasible random lines: lines, counts, feasible, judged."""
    lines = lattice(problem)
    reasons, _, _ = evaluate_many(problem, lines, ring_points(16), 1.0)
    seeds = lines[reasons == 0]
    best, counts = np.zeros((0, 4)), np.zeros(0, dtype=np.int64)
    feasible = judged = 0
    while feasible < poses:
        trial = seeds[rng.integers(len(seeds), size=BATCH)] + rng.uniform(-1, 1, (BATCH, 4)) * HALF
        _, _, found = evaluate_many(problem, trial, ring_points(16), 1.0)
        feasible += int(np.count_nonzero(found))
        judged += BATCH
        best, counts = np.concatenate([best, trial]), np.concatenate([counts, found])
        order = np.argsort(-counts, kind="stable")[:100]
        best, counts = best[order], counts[order]
    return best, counts, feasible, judged


def refined(problem: Problem, lines: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Each line moved by random steps, half as wide every few rounds, kept where they remove more."""
    ring = ring_points(RING_POINTS)
    _, ends, counts = evaluate_many(problem, lines, ring, RING_STEP_MM)
    lines = lines.copy()
    for size in 0.7 * 0.75 ** np.arange(16):
        for _ in range(3):
            trial = np.repeat(lines, 8, axis=0) + size * HALF * rng.standard_normal((8 * len(lines), 4))
            _, e, c = evaluate_many(problem, trial, ring, RING_STEP_MM)
            for i in range(len(lines)):
                j = 8 * i + int(np.argmax(c[8 * i : 8 * i + 8]))
                if c[j] > counts[i]:
                    lines[i], ends[i], counts[i] = trial[j], e[j], c[j]
    return lines, ends, counts


def twin(hip: Hip, problem: Problem, lines: FloatArray, ends: FloatArray, spec: Spec) -> float:
    """Largest removed fraction of those that the numpy twin finds within all constraints (to 0.02 mm)."""
    loose = spec.with_values({"cortical_margin_mm": 2.98, "posterosuperior_margin_mm": 4.98, "joint_margin_mm": 4.98})
    best = 0.0
    for line, end in zip(lines, ends, strict=True):
        if end[1] <= end[0]:
            continue
        figures = assess(hip, tunnel_of_line(spec, problem, line, end[0], end[1]), spec)
        if not violations(figures, loose):
            best = max(best, figures.removed_fraction)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("maps", nargs="+")
    parser.add_argument("--poses", type=int, default=1_000_000)
    options = parser.parse_args()
    spec = Spec()
    sys.stdout.write("| volume | feasible | judged | best random | refined, by the twin | planned | ratio | s |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|---|\n")
    for path in options.maps:
        started = time.perf_counter()
        hip = build_hip(load_case(f"{path}:1", f"{path}:2"))
        problem = build_problem(hip, spec)
        rng = np.random.default_rng(20)
        lines, counts, feasible, judged = random_best(problem, options.poses, rng)
        total = len(hip.lesion.points_mm)
        better = twin(hip, problem, *refined(problem, lines, rng)[:2], spec)
        plan = best_tunnel(hip, spec)
        ours = plan.figures.removed_fraction if plan.figures else 0.0
        sys.stdout.write(
            f"| {path.rsplit('/', 1)[-1].split('.')[0]} | {feasible:,} | {judged:,} | {counts.max() / total:.4f}"
            f" | {better:.4f} | {ours:.4f} | {ours / better:.4f} | {time.perf_counter() - started:.0f} |\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
