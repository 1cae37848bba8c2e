"""The best tunnel near a path: a search that never leaves the path's neighbourhood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.constraint_gaps import nearest_lines, survey_gaps
from corecore.planning.search.line_geometry import OK, fine_ring, ring_points
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.single import tunnel_of_line
from corecore.planning.sets.candidates import line_of_tunnel, line_points
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_STEP_MM, TunnelFigures, assess
from corecore.tunnels.limits import violations

#: Steps of the seeds either way at entry and tip: 9 to the fourth lines, those out of reach left out.
SEED_STEPS = 4
#: Seeds that are climbed from, and those of them climbed to the finest step.
STARTS, FINALISTS = 12, 4
#: Ring and spacing of seeds and first climb.
COARSE_RING, COARSE_STEP_MM = 16, 1.0
#: Room kept beyond each margin in the first climb and in the last, mm: as in the search of the whole neck.
SLACKS_MM = ((0.3, 0.01), (0.0, 0.01), (0.1, 0.1))
#: Half the distance between the first climb's ring points, mm.
FUZZ_MM = 0.7
#: A path that leans further from the neck's axis does not run along it (cosine; 60 degrees).
LEAN_COSINE_MIN = 0.5

#: Which of lines (N, 4), with entries and tips (N, 2) along them, may be taken; (N,).
Allowed = Callable[[FloatArray, FloatArray], BoolArray]


@dataclass(frozen=True, eq=False)
class NearbyTunnel:
    """The best tunnel found near a path.

    Parameters
    ----------
    tunnel : Tunnel
        The tunnel, local mm.
    figures : TunnelFigures
        Its figures.
    entry_moved_mm, tip_moved_mm : float
        Between the entries, and between the tips, mm.
    turned_deg : float
        Between the directions, degrees.
    """

    tunnel: Tunnel
    figures: TunnelFigures
    entry_moved_mm: float
    tip_moved_mm: float
    turned_deg: float


def best_near(
    hip: Hip, spec: Spec, path: Tunnel, *, reach_mm: float, allowed: Allowed | None = None
) -> NearbyTunnel | None:
    """The tunnel within all constraints that removes most, among those whose axis passes within reach of a path.

    Reach is measured across the tunnel, at the path's entry and at its tip; how deep it goes is
    free. ``allowed`` may refuse more. ``None`` where nothing feasible was found, or where the
    path does not run along the neck. A path that keeps every constraint is never beaten by
    what is returned.
    """
    plain = build_problem(hip, spec)
    line = line_through(plain, path)
    if line is None:
        return None

    def within(lines: FloatArray, ends: FloatArray) -> BoolArray:
        near = off_path(plain, lines, path) <= reach_mm
        if allowed is not None and near.any():
            near[near] = allowed(lines[near], ends[near])
        return near

    seeds = _seeds(plain, path, reach_mm)
    lines = np.concatenate([line[None], seeds])
    for coarse, fine in SLACKS_MM:
        wide = build_problem(hip, spec, slack_mm=coarse, fuzz_mm=FUZZ_MM if coarse else 0.0)
        tight = build_problem(hip, spec, slack_mm=fine)
        starts = _best_seeds(wide, lines, within)
        if len(starts) == 0 and coarse == 0.0:
            # A passage may be narrower than the mesh: move the nearest lines towards it before giving up.
            near = nearest_lines(wide, survey_gaps(wide, lines))
            starts = near.lines[near.totals <= 0.0]
        if len(starts) == 0:
            continue
        climbed, _, counts = _climb(wide, starts, ring_points(COARSE_RING), COARSE_STEP_MM, 0.5, 0.1, within)
        climbed = np.concatenate([line[None], climbed[np.argsort(-counts, kind="stable")[:FINALISTS]]])
        climbed, ends, counts = _climb(tight, climbed, fine_ring(tight), RING_STEP_MM, 0.3, 0.008, within)
        tunnels = [tunnel_of_line(spec, tight, climbed[i], *ends[i]) for i in np.flatnonzero(counts)]
        found = _evaluated(hip, spec, tunnels)
        if found is not None:
            return _compared(path, *_better(hip, spec, path, found))
    figures = assess(hip, path, spec)
    if violations(figures, spec) or figures.removed_fraction <= 0.0:
        return None
    return _compared(path, path, figures)


def line_through(problem: Problem, path: Tunnel) -> FloatArray | None:
    """The four numbers (4,) of the line a path lies on; ``None`` where it does not run along the neck."""
    if float(path.direction @ problem.neck_frame[0]) < LEAN_COSINE_MIN:
        return None
    return line_of_tunnel(problem, path)


def off_path(problem: Problem, lines: FloatArray, path: Tunnel) -> FloatArray:
    """How far lines (N, 4) pass from a path's entry or tip, whichever is more, mm (N,)."""
    point, way = line_points(problem, lines)
    gaps = [np.linalg.norm(np.cross(end - point, way), axis=1) for end in (path.entry, path.tip)]
    return np.asarray(np.maximum(*gaps), dtype=np.float64)


def _seeds(problem: Problem, path: Tunnel, reach_mm: float) -> FloatArray:
    """Lines through a mesh of points about entry and tip."""
    a, b = path.ring_basis()
    ticks = np.arange(-SEED_STEPS, SEED_STEPS + 1) / SEED_STEPS * reach_mm
    u, v = (grid.ravel() for grid in np.meshgrid(ticks, ticks, indexing="ij"))
    disc = (u[:, None] * a + v[:, None] * b)[np.hypot(u, v) <= reach_mm * (1.0 + 1e-9)]
    entry = np.repeat(path.entry + disc, len(disc), axis=0)
    way = np.tile(path.tip + disc, (len(disc), 1)) - entry
    axis, first, second = problem.neck_frame
    along = way @ axis
    keep = along > LEAN_COSINE_MIN * np.linalg.norm(way, axis=1)
    entry, way = entry[keep], way[keep] / along[keep, None]
    offset = entry + ((problem.neck_center - entry) @ axis)[:, None] * way - problem.neck_center
    return np.stack([offset @ first, offset @ second, way @ first, way @ second], axis=1)


def _best_seeds(problem: Problem, lines: FloatArray, within: Allowed) -> FloatArray:
    _, ends, counts = _evaluate(problem, lines, ring_points(COARSE_RING), COARSE_STEP_MM)
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    kept = lines[order[within(lines[order], ends[order])]] if len(order) else lines[:0]
    return np.asarray(kept[:STARTS])


def _evaluate(
    problem: Problem, lines: FloatArray, ring: FloatArray, step_mm: float
) -> tuple[npt.NDArray[np.int8], FloatArray, npt.NDArray[np.int64]]:
    reasons, ends, counts = evaluate_many(problem, np.ascontiguousarray(lines), ring, step_mm)
    return reasons, ends, np.where(reasons == OK, counts, 0)


def _climb(
    problem: Problem,
    starts: FloatArray,
    ring: FloatArray,
    step_mm: float,
    size: float,
    smallest: float,
    within: Allowed,
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Compass steps from each of lines (N, 4), the best of all that are allowed; lines, ends (N, 2), counts (N,)."""
    moves, lines = problem.moves, starts.copy()
    _, ends, counts = _evaluate(problem, lines, ring, step_mm)
    counts[~within(lines, ends)] = 0
    sizes = np.full(len(lines), size)
    while (live := np.flatnonzero(sizes >= smallest)).size:
        trials = (lines[live, None] + sizes[live, None, None] * moves).reshape(-1, 4)
        _, reached, found = _evaluate(problem, trials, ring, step_mm)
        better = found > np.repeat(counts[live], len(moves))
        if better.any():
            better[better] = within(trials[better], reached[better])
        found = np.where(better, found, 0).reshape(len(live), -1)
        best = np.argmax(found, axis=1)
        at = np.arange(len(live)) * len(moves) + best
        moved = found[np.arange(len(live)), best] > 0
        lines[live[moved]], ends[live[moved]] = trials[at[moved]], reached[at[moved]]
        counts[live[moved]] = found.ravel()[at[moved]]
        sizes[live[~moved]] *= 0.5
    return lines, ends, counts


def _evaluated(hip: Hip, spec: Spec, tunnels: list[Tunnel]) -> tuple[Tunnel, TunnelFigures] | None:
    """The one that removes most, of those that keep every constraint as the plain road measures it."""
    judged = [(tunnel, assess(hip, tunnel, spec)) for tunnel in tunnels]
    kept = [pair for pair in judged if not violations(pair[1], spec) and pair[1].removed_fraction > 0.0]
    return max(kept, key=lambda pair: pair[1].removed_fraction, default=None)


def _better(hip: Hip, spec: Spec, path: Tunnel, found: tuple[Tunnel, TunnelFigures]) -> tuple[Tunnel, TunnelFigures]:
    """The path itself where it keeps every constraint and removes no less."""
    figures = assess(hip, path, spec)
    stays = not violations(figures, spec) and figures.removed_fraction >= found[1].removed_fraction
    return (path, figures) if stays else found


def _compared(path: Tunnel, tunnel: Tunnel, figures: TunnelFigures) -> NearbyTunnel:
    cosine = float(np.clip(path.direction @ tunnel.direction, -1.0, 1.0))
    return NearbyTunnel(
        tunnel,
        figures,
        float(np.linalg.norm(tunnel.entry - path.entry)),
        float(np.linalg.norm(tunnel.tip - path.tip)),
        float(np.degrees(np.arccos(cosine))),
    )
