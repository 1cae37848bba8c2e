"""The proof for a set: prices on the lesion, so that no set of at most K tunnels removes more than this.

For prices between 0 and 1 on the lesion's points, a set of K tunnels removes at most the sum of
what the prices leave of each point, and K times the most that one tunnel is worth at these
prices (the Lagrangian bound of maximum coverage). Good prices are found over the dearest lines
known; the worth of one tunnel at them is proven by the branch and bound for one, so the bound
holds whatever the prices. ``docs/design/sets.md`` says more.
"""

from __future__ import annotations

import logging
import time

import numpy as np

from corecore.base.grid import FloatArray
from corecore.planning.proof.branch_and_bound import EFFORT, Proof, prove
from corecore.planning.proof.cylinder_bound import most_in_a_cylinder
from corecore.planning.search.batched import climb_many, evaluate_many
from corecore.planning.search.line_geometry import fine_ring, ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.single import FINAL_STEP_MM, SWEEP_RING, SWEEP_STEP_MM, lattice
from corecore.planning.sets.candidates import Pool, best_in_cells, shapes_on
from corecore.planning.sets.pricing import PARTS, Prices, covers_of, priced_hip, reduced_prices, whole_parts

_log = logging.getLogger(__name__)

#: Tunnels of the pool with which the prices are begun, most removed first, and of those found last.
FIRST, LATEST = 250, 60
#: How many lines are looked for in a round, how many of them climb to the end and join, at most so many rounds.
JOINING, FINE, ROUNDS = 60, 32, 8
#: Steps of the prices in the first round and in each later one.
FIRST_STEPS, STEPS = 300, 150
#: Lines below this share of the dearest one's worth leave.
STAYING = 0.9
#: Prices are good enough where lines looked for add less than this to the bound.
SETTLED = 0.003
#: Mesh of the sweep that looks for dear lines, mm and slope.
OFFSET_STEP_MM, SLOPE_STEP = 1.25, 0.0275
#: Margins grow by this in the coarse climb, mm, whose rings miss as much.
COARSE_SLACK_MM = 0.15
#: Least room above the dearest line known at which the branch and bound is cut, of its worth.
LEAST_ROOM = 0.002


def prove_set(
    pool: Pool,
    removed: int,
    *,
    gap: float = 0.05,
    effort: int | None = EFFORT,
    until: float | None = None,
) -> Proof:
    """Bound the number of lesion points that a set of at most ``spec.tunnels`` removes (S1); one removes ``removed``.

    ``pool`` holds the candidates that the set was chosen from. The bound is for any tunnels that each
    keep every constraint of their own: rules between tunnels are dropped, which only loosens it.
    Ends like ``corecore.planning.proof.branch_and_bound.prove``.
    """
    hip, spec, total = pool.hip, pool.spec, len(pool.hip.lesion.points_mm)
    prices, dear = converged_prices(pool, until=until)
    parts = whole_parts(prices, hip.lesion.points_mm)
    left = total - parts.sum() / PARTS
    priced = build_problem(priced_hip(hip, parts), spec)
    _, _, counts, _ = climb_many(priced, dear, fine_ring(priced), FINAL_STEP_MM, 0.3, 0.02)
    dearest = int(counts.max(initial=0))
    allowed = (removed * (1.0 + gap) - left) * PARTS / spec.tunnels
    _log.info("dual prices leave %.4f; the dearest tunnel is worth %.4f, %.4f allowed", left / total,
              dearest / PARTS / total, allowed / PARTS / total)  # fmt: skip
    room = max(allowed / dearest - 1.0, LEAST_ROOM) if dearest else LEAST_ROOM
    proof = prove(priced, dearest, gap=room, effort=effort, until=until)
    worth = proof.upper_bound_fraction * priced.points.shape[1]
    # (S1), the dearest tunnel bounded on the priced lesion (S2).
    alone = most_in_a_cylinder(hip.lesion, spec.radius_mm, hip.anatomy.neck_axis)
    bound = min(left + spec.tunnels * worth / PARTS, spec.tunnels * alone, total)
    # (S4): the branch and bound may end where its own gap is met and the set's is not, and the other way round.
    met = bound <= removed * (1.0 + gap)
    stopped = "gap" if met else "effort" if proof.stopped_by == "gap" else proof.stopped_by
    return Proof(max(bound, removed) / total, stopped, proof.boxes_bounded)


def converged_prices(pool: Pool, *, until: float | None = None) -> tuple[Prices, FloatArray]:
    """Prices (N,) in 0..1 of the lesion's points, and the dearest lines (M, 4) known at them.

    By turns the prices are moved so that the bound over the lines known falls, and the sweep looks
    for lines worth more than those, which join them.
    """
    points, count = pool.hip.lesion.points_mm, pool.spec.tunnels
    problem = build_problem(pool.hip, pool.spec)
    sweep = lattice(problem, offset_step=OFFSET_STEP_MM, slope_step=SLOPE_STEP)
    order = np.argsort(-np.bitwise_count(pool.bits).sum(axis=1, dtype=np.int64), kind="stable")[:FIRST]
    begun = np.unique(np.concatenate([order, np.arange(max(0, len(pool.lines) - LATEST), len(pool.lines))]))
    lines, covers = covers_of(pool.hip, pool.spec, problem, pool.lines[begun])
    prices = np.ones(len(points), dtype=np.float32)
    best, least, dear = prices, np.inf, lines
    for number in range(ROUNDS):
        prices, known = reduced_prices(prices, covers, count, STEPS if number else FIRST_STEPS)
        worth = covers @ prices
        near = worth > STAYING * worth.max(initial=0.0)
        lines, covers = lines[near], covers[near]
        dearest = lines[np.argsort(-worth[near], kind="stable")[:FINE]]
        found, found_covers = covers_of(pool.hip, pool.spec, problem, _dear_lines(pool, prices, sweep, dearest))
        lines, covers = np.concatenate([lines, found]), np.concatenate([covers, found_covers])
        worth = covers @ prices
        bound = float((1.0 - prices).sum() + count * worth.max(initial=0.0))
        if bound < least:
            best, least, dear = prices, bound, lines[np.argsort(-worth, kind="stable")[:JOINING]]
        _log.info("dual prices, round %d: %d lines, no set of them above %.4f, with lines found since %.4f", number + 1,
                  len(lines), known / len(points), bound / len(points))  # fmt: skip
        if bound < known * (1.0 + SETTLED) or (until is not None and time.perf_counter() > until):
            break
    return best, dear


def _dear_lines(pool: Pool, prices: Prices, sweep: FloatArray, known: FloatArray) -> FloatArray:
    """Lines (M, 4) that are worth most at prices (N,), climbed from all over the sweep and from those known (K, 4)."""
    points = pool.hip.lesion.points_mm
    hip = priced_hip(pool.hip, whole_parts(prices, points))
    problem, ring = build_problem(hip, pool.spec), ring_points(SWEEP_RING)
    _, ends, counts = evaluate_many(problem, sweep, ring, SWEEP_STEP_MM)
    good = np.flatnonzero(counts > STAYING * counts.max(initial=1))
    shapes = shapes_on(pool.hip, pool.spec, problem, sweep[good], ends[good])
    apart = good[best_in_cells(shapes, counts[good])][:JOINING]
    # The last fine steps along the edge of the constraints are worth several per cent.
    roomy = build_problem(hip, pool.spec, slack_mm=COARSE_SLACK_MM)
    lines, _, counts, _ = climb_many(roomy, sweep[apart], ring, SWEEP_STEP_MM, 0.6, 0.05)
    best = np.concatenate([lines[np.argsort(-counts, kind="stable")[:FINE]], known])
    lines, _, _, _ = climb_many(problem, best, fine_ring(problem), FINAL_STEP_MM, 0.3, 0.02)
    return lines
