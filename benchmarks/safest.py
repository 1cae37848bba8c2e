"""The safest of the nearly best beside the most, on every real hip and for each guidance: removed, perforation, time.

``python benchmarks/safest.py [NAME ...] [--random N]``; the hips are found as by the tests (``CORECORE_REAL_HIPS``, or
../shared/real_hips beside the repository). Times are of the processor, both in this run, kernels compiled before:
the curve beside the search for the most, and a whole plan of ``safest`` beside one of ``most``, measures included.
``--random N`` draws so many tunnels that remove at least 95 % of the most, under fluoroscopy, and compares the
twenty of them that a first look finds safest with the plan's own by 10,240 other drillings each. Ends with 1 where a
safest plan perforates oftener than the most, removes less than 95 % of it or breaks a limit, or where a random tunnel
is safer by more than two standard errors.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip
from corecore.measures.model import measure
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.shallow import shallowest
from corecore.planning.search.single import best_tunnel, tunnel_of_line
from corecore.planning.tradeoff import Tradeoff, softened, tradeoff_of
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess
from corecore.tunnels.limits import violations
from corecore.tunnels.risk.drilling import SHIFTS, perturbed
from corecore.tunnels.risk.execution import clearances_of_poses
from corecore.tunnels.risk.methods import METHODS, Method

ROOT = Path(__file__).resolve().parent.parent
NEAR = 0.95
COLUMNS = (
    "hip", "guidance", "most removed", "perforates", "safest removed", "of the most", "perforates", "points",
    "curve / search", "plan / plan",
)  # fmt: skip
#: How far random lines lie from those of the sweep and from the plan's own: offsets, mm, and slopes.
AROUND = np.array([1.5, 1.5, 0.033, 0.033])
#: Drillings of the first look at a random tunnel, and how many are looked at again.
FEW, AGAIN = 64, 20
T = TypeVar("T")


def timed(make: Callable[[], T]) -> tuple[T, float]:
    """What a function makes, and its processor time, s."""
    started = time.process_time()
    made = make()
    return made, time.process_time() - started


def rows(hip: Hip, name: str, count: int) -> tuple[list[list[str]], bool]:
    """The rows of one hip, and whether all is as it should be."""
    spec, found, fair = Spec(objective="most"), [], True
    most, search_s = timed(lambda: best_tunnel(hip, spec))
    if most.tunnel is None:
        return [[name, "", "infeasible", *[""] * 7]], True
    measures_s = timed(lambda: measure(hip, spec))[1] + sum(
        value for key, value in hip.timings.items() if key.endswith("_s")
    )
    for method in METHODS.values():
        curve, curve_s = timed(partial(tradeoff_of, hip, spec, method, [most.tunnel], most.passing))
        point = curve.points[curve.chosen]
        share = point.removed_fraction / curve.most.removed_fraction
        broken = any(violations(assess(hip, one.tunnels[0], spec), spec) for one in curve.points)
        fair &= not broken and share >= NEAR - 1e-9
        fair &= point.perforation_probability <= curve.most.perforation_probability
        found.append(
            [
                name, method.name, f"{curve.most.removed_fraction:.2%}", f"{curve.most.perforation_probability:.2%}",
                f"{point.removed_fraction:.2%}", f"{share:.1%}", f"{point.perforation_probability:.2%}",
                str(len(curve.points)), f"{curve_s / search_s:.2f}",
                f"{(measures_s + search_s + curve_s) / (measures_s + search_s):.2f}",
            ]
        )  # fmt: skip
        if count and method.name == "fluoroscopy":
            words, safe = against_random(hip, spec, method, curve, most.passing, count)
            found.append([name, words, *[""] * 8])
            fair &= safe
    return found, fair


def against_random(
    hip: Hip, spec: Spec, method: Method, curve: Tradeoff, passing: FloatArray, count: int
) -> tuple[str, bool]:
    """Random tunnels that remove enough beside the plan's own, in words, and whether none is safer."""
    problem, rng = build_problem(hip, spec), np.random.default_rng(5)
    need = int(np.ceil(NEAR * curve.most.removed_fraction * problem.points.shape[1]))
    drawn, scores, tunnels = 0, [], list[Tunnel]()
    while len(tunnels) < count and drawn < 400 * count:
        lines = passing[:300][rng.integers(min(300, len(passing)), size=50_000)]
        lines = lines + rng.uniform(-1.0, 1.0, lines.shape) * AROUND
        drawn += len(lines)
        ends, counts = shallowest(problem, lines, ring_points(16), 1.0, need)
        for i in np.flatnonzero(counts >= need)[: count - len(tunnels)]:
            tunnels.append(tunnel_of_line(spec, problem, lines[i], *ends[i]))
            clear = clearances(hip, spec, method, tunnels[-1], seed=2, poses=FEW)
            scores.append(float(softened(clear[:, None])[0]))
    own = clearances(hip, spec, method, curve.points[curve.chosen].tunnels[0], seed=3) < 0.0
    safer, least = 0, np.inf
    for i in np.argsort(scores)[:AGAIN]:
        if violations(assess(hip, tunnels[i], spec), spec):
            continue
        more = (clearances(hip, spec, method, tunnels[i], seed=3) < 0.0).astype(float) - own
        parts = more.reshape(SHIFTS, -1).mean(axis=1)
        error = max(float(parts.std(ddof=1)) / SHIFTS**0.5, 1.5 / len(own))
        safer += parts.mean() < -2.0 * error
        least = min(least, float(np.mean(own + more)))
    words = f"{len(tunnels)} random tunnels of {drawn} lines: the safest {least:.2%}, the plan's {np.mean(own):.2%}"
    return f"{words}; {safer} safer by more than two standard errors", safer == 0


def clearances(
    hip: Hip, spec: Spec, method: Method, tunnel: Tunnel, *, seed: int, poses: int | None = None
) -> FloatArray:
    """The least clearance of each drilling (N,), mm."""
    given = {} if poses is None else {"poses": poses}
    entries, tips = perturbed(hip, [tunnel], method, seed=seed, **given)
    return clearances_of_poses(hip, [tunnel], spec, entries, tips, farthest_mm=3.0)[:, 0]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--random", type=int, default=0)
    asked = parser.parse_args()
    folder = Path(os.environ.get("CORECORE_REAL_HIPS") or ROOT.parent / "shared" / "real_hips")
    truths = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    sys.stdout.write("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|\n")
    fair, warm = True, True
    for name in asked.names or sorted(truths):
        masks = (f"{folder / name}.nii.gz:1", f"{folder / name}.nii.gz:2")
        if name == "h14":
            masks = str(folder / "h14_femur_mask.nii.gz"), str(folder / "h14_lesion_mask_oblique_grid.nii.gz")
        hip = build_hip(load_case(*masks))
        if warm:
            rows(hip, name, 0)
            warm = False
        table, well = rows(hip, name, asked.random)
        fair &= well
        for row in table:
            sys.stdout.write("| " + " | ".join(row) + " |\n")
            sys.stdout.flush()
    return 0 if fair else 1


if __name__ == "__main__":
    sys.exit(main())
