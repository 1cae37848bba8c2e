"""The safest of the nearly best beside the most, on every real hip and for each guidance: removed, perforation, time.

``python benchmarks/safest.py [NAME ...] [--guidance NAME ...] [--random N]``; the hips are found as by the tests
(``CORECORE_REAL_HIPS``, or ../shared/real_hips beside the repository). Times are of the processor, both in this run,
kernels compiled before: the curve beside the search for the most, and a whole plan of ``safest`` beside one of
``most``, measures included.
``--random N`` draws so many tunnels that remove at least 95 % of the most, under fluoroscopy, and compares the
twenty of them that ever longer looks find safest with the plan's own by 20,480 other drillings each. Ends with 1 where
a safest plan perforates oftener than the most, removes less than 95 % of it or breaks a limit, or where a random tunnel
is safer by more than two standard errors.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip
from corecore.measures.model import measure
from corecore.planning.search.drilled import Drill, softened
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.shallow import shallowest
from corecore.planning.search.single import best_tunnel, tunnel_of_line
from corecore.planning.tradeoff import Tradeoff, tradeoff_of
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
#: Lines drawn at once, and how far those around tunnels found before lie from them, as a part of ``AROUND``.
BATCH, NEARER = 20_000, 0.4
#: Drillings of the first look at a random tunnel; cells of entry and tip that it shares them in, mm.
FEW, CELL_MM = 64, 4.0
#: How many are looked at again, each time by so many drillings, and how many are held against the plan's own.
AGAIN, LAST = ((3000, 256), (300, 2048), (60, 10_240)), 20
#: Seeds of the draws by which they are: neither the plan's, nor the search's, nor those they were chosen by.
SEEDS = (3, 4)
T = TypeVar("T")


def timed(make: Callable[[], T]) -> tuple[T, float]:
    """What a function makes, and its processor time, s."""
    started = time.process_time()
    made = make()
    return made, time.process_time() - started


def rows(hip: Hip, name: str, count: int, methods: Sequence[Method]) -> tuple[list[list[str]], bool]:
    """The rows of one hip, and whether all is as it should be."""
    spec, found, fair = Spec(objective="most"), [], True
    most, search_s = timed(lambda: best_tunnel(hip, spec))
    if most.tunnel is None:
        return [[name, "", "infeasible", *[""] * 7]], True
    measures_s = timed(lambda: measure(hip, spec))[1] + sum(
        value for key, value in hip.timings.items() if key.endswith("_s")
    )
    for method in methods:
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
    drawn, tunnels = random_tunnels(hip, spec, curve.most.removed_fraction, passing, count)
    chosen = curve.points[curve.chosen].tunnels[0]
    # A first look by the drillings of one tunnel of each cell, carried along; then ever fewer by more of their own.
    drill = Drill(hip, spec, method, seed=2)
    left = [tunnels[i] for i in np.argsort(first_look(drill, tunnels), kind="stable")[: AGAIN[0][0]]]
    for keep, poses in AGAIN:
        left = [left[i] for i in np.argsort([drill.drilled(t, poses).measure for t in left[:keep]], kind="stable")]
    left = [one for one in left[:LAST] if not violations(assess(hip, one, spec), spec)]
    own, safer, least = perforated(hip, spec, method, chosen), 0, np.inf
    for tunnel in left:
        more = perforated(hip, spec, method, tunnel) - own
        parts = more.reshape(len(SEEDS) * SHIFTS, -1).mean(axis=1)
        error = max(float(parts.std(ddof=1)) / len(parts) ** 0.5, 1.5 / len(own))
        safer += parts.mean() < -2.0 * error
        least = min(least, float(np.mean(own + more)))
    words = f"{len(tunnels)} random tunnels of {drawn} lines: the safest {least:.2%}, the plan's {np.mean(own):.2%}"
    return f"{words}; {safer} of {len(left)} safer by more than two standard errors", safer == 0


def random_tunnels(hip: Hip, spec: Spec, most: float, passing: FloatArray, count: int) -> tuple[int, list[Tunnel]]:
    """How many random lines were drawn, and as many as asked for of the tunnels on them that remove enough.

    Half of the lines lie around those of the sweep, wherever one removes three quarters of what is asked for and
    more; the others around tunnels found before, whichever: no more often around safe ones.
    """
    problem, rng = build_problem(hip, spec), np.random.default_rng(5)
    need = int(np.ceil(NEAR * most * problem.points.shape[1]))
    swept = passing[shallowest(problem, passing, ring_points(16), 1.0, need)[1] >= 0.75 * need]
    drawn, found, tunnels = 0, np.zeros((0, 4)), list[Tunnel]()
    while len(tunnels) < count and drawn < 400 * count:
        lines = swept[rng.integers(len(swept), size=BATCH)] + rng.uniform(-1.0, 1.0, (BATCH, 4)) * AROUND
        if len(found):
            near = found[rng.integers(len(found), size=BATCH)] + rng.uniform(-1.0, 1.0, (BATCH, 4)) * AROUND * NEARER
            lines[BATCH // 2 :] = near[BATCH // 2 :]
        drawn += len(lines)
        ends, counts = shallowest(problem, lines, ring_points(16), 1.0, need)
        good = np.flatnonzero(counts >= need)[: count - len(tunnels)]
        tunnels += [tunnel_of_line(spec, problem, lines[i], *ends[i]) for i in good]
        found = np.concatenate([found, lines[good]])
    return drawn, tunnels


def first_look(drill: Drill, tunnels: list[Tunnel]) -> FloatArray:
    """The search's measure of each tunnel (N,), by the errors of one tunnel of its cell of entry and tip."""
    cells: dict[tuple[int, ...], list[int]] = {}
    for i, tunnel in enumerate(tunnels):
        cells.setdefault(tuple(np.floor(np.concatenate([tunnel.entry, tunnel.tip]) / CELL_MM).astype(int)), []).append(
            i
        )
    scores = np.zeros(len(tunnels))
    for members in cells.values():
        first = drill.drilled(tunnels[members[0]], FEW)
        for at in range(0, len(members), 512):
            part = members[at : at + 512]
            scores[part] = softened(drill.carried(first, [tunnels[i] for i in part]))
    return scores


def perforated(hip: Hip, spec: Spec, method: Method, tunnel: Tunnel) -> FloatArray:
    """Which drillings perforate (N,), by draws that nothing was chosen by: 1 or 0."""
    found = []
    for seed in SEEDS:
        entries, tips = perturbed(hip, [tunnel], method, seed=seed)
        found.append(clearances_of_poses(hip, [tunnel], spec, entries, tips, farthest_mm=1.0)[:, 0] < 0.0)
    return np.concatenate(found).astype(np.float64)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--guidance", choices=sorted(METHODS), nargs="*", default=list(METHODS))
    asked = parser.parse_args()
    methods = [METHODS[name] for name in asked.guidance]
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
            rows(hip, name, 0, methods)
            warm = False
        table, well = rows(hip, name, asked.random, methods)
        fair &= well
        for row in table:
            sys.stdout.write("| " + " | ".join(row) + " |\n")
            sys.stdout.flush()
    return 0 if fair else 1


if __name__ == "__main__":
    sys.exit(main())
