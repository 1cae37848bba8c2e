"""The best single tunnel: an exhaustive sweep of lines, then continuous refinement of the best.

The sweep visits every line of a four-dimensional lattice that passes the neck, so no basin
wider than its mesh is missed; the refinement climbs from the best of them with shrinking
steps. Both are deterministic and independent of the number of threads.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from corecore.grid import FloatArray
from corecore.hip import Hip
from corecore.search.bound import EFFORT, Proof, prove
from corecore.search.infeasible import Infeasible, explain, nearest_lines
from corecore.search.kernels import line_of, ring_points
from corecore.search.problem import Problem, build_problem, thinned
from corecore.search.threads import climb_many, judge_many
from corecore.spec import Spec
from corecore.target import target_fraction
from corecore.tunnel import RING_POINTS, RING_STEP_MM, Reason, Tunnel, TunnelFigures, assess, violations

_log = logging.getLogger(__name__)

#: Mesh of the sweep: offsets in the neck plane, mm, and slopes (a slope of 0.0175 is 1 degree; one step moves the tip
#: and the entry by about 1 mm).
OFFSET_STEP_MM = 1.0
SLOPE_STEP = 0.022
#: Largest slope against the neck axis that the sweep visits (35 degrees): the femoral neck is
#: twice as long as it is wide, so no tunnel of 5 mm and more leans further.
SLOPE_MAX = 0.7
#: Mesh of the lines left where entry or direction is fixed: two numbers are free, so it can be fine.
FIXED_OFFSET_STEP_MM, FIXED_SLOPE_STEP, FIXED_SLOPE_MAX = 0.25, 0.006, 1.2
#: Ring points and ring spacing of the sweep, and of the refinement.
SWEEP_RING, SWEEP_STEP_MM = 16, 1.0
REFINE_RING, REFINE_STEP_MM = 16, 1.0
#: The last climb samples like the final judgement: where the postero-superior quarter begins
#: the margin jumps, and a coarser ring would step over the edge.
FINAL_RING, FINAL_STEP_MM = RING_POINTS, RING_STEP_MM
#: How many of the sweep's best are refined, and how many of those to the finest step.
STARTS, FINALISTS = 64, 6
#: Margins grow by the first figure in the coarse climb and by the second in the fine one, mm.
#: The coarse rings miss up to a quarter of a millimetre, and a climb that starts inside the
#: constraints gets along their edge, one that starts outside may not get in.
SLACKS_MM = ((0.3, 0.01), (0.15, 0.01), (0.0, 0.01), (0.1, 0.1))
#: Half the distance between the coarse climb's ring points, mm.
FUZZ_MM = 0.7
#: Lesion points that stand for the lesion until the last climb, where there is a cavity.
CAVITY_POINTS = 12_000
#: Two tunnels whose removed volumes differ by less than this share are a tie (then clearance decides).
TIE_SHARE = 0.0005


@dataclass(frozen=True, eq=False)
class Found:
    """The best tunnel with its figures, or why there is none; ``reasons`` counts the sweep's lines by outcome."""

    tunnel: Tunnel | None
    figures: TunnelFigures | None
    infeasible: Infeasible | None
    lines_judged: int
    lines_feasible: int
    reasons: dict[Reason, int]
    compile_s: float
    proof: Proof | None = None


def best_tunnel(
    hip: Hip,
    spec: Spec,
    *,
    progress: Callable[[float], None] | None = None,
    gap: float | None = None,
    seconds: float | None = None,
    effort: int = EFFORT,
) -> Found:
    """The single tunnel within all constraints that removes most of the lesion; if asked, a bound on what any removes.

    ``progress`` is told the share of the work done, 0 to 1. The tunnel returned keeps every
    constraint as ``corecore.tunnel.assess`` measures it, or none is returned. A ``gap`` or
    ``seconds`` ask for the proof: it ends within ``gap`` (0.01) of the tunnel, after ``effort``
    boxes or, where ``seconds`` are given, so long after the search began.
    """
    started = time.perf_counter()
    problem = build_problem(hip, spec)
    proving = (gap is not None or seconds is not None) and provable(spec)
    _warm_up(problem, proving)
    compile_s = time.perf_counter() - started
    until = None if seconds is None else time.perf_counter() + seconds
    found = replace(_searched(hip, spec, problem, progress or (lambda share: None)), compile_s=compile_s)
    if not proving:
        return found
    total = len(hip.lesion.points_mm)
    best = round(found.figures.removed_fraction * total) if found.figures is not None else 0
    limit = effort if until is None else None
    return replace(found, proof=prove(problem, best, gap=0.01 if gap is None else gap, effort=limit, until=until))


def provable(spec: Spec) -> bool:
    """Whether the bound holds: it knows neither cavities, nor other targets than removing lesion, nor tunnels kept."""
    return spec.target == "lesion" and spec.cavity_diameter_mm == 0.0 and not spec.keep


def _searched(hip: Hip, spec: Spec, problem: Problem, tell: Callable[[float], None]) -> Found:
    """The best tunnel of sweep and climbs, or why there is none."""
    lines = lattice(problem)
    ring = ring_points(SWEEP_RING)
    # A cavity is looked for at every depth, and a tenth of the points rank the lines as well.
    few = thinned(hip, CAVITY_POINTS) if spec.cavity_diameter_mm > 0.0 else hip
    problem = build_problem(few, spec)
    reasons, counts = np.zeros(len(lines), dtype=np.int8), np.zeros(len(lines), dtype=np.int64)
    chunk = max(1, len(lines) // 40)
    for first in range(0, len(lines), chunk):
        part = slice(first, first + chunk)
        reasons[part], _, counts[part] = judge_many(problem, lines[part], ring, SWEEP_STEP_MM)
        tell(0.7 * min(1.0, (first + chunk) / len(lines)))
    tally = {Reason(r): int(n) for r, n in enumerate(np.bincount(reasons, minlength=len(Reason))) if n}
    feasible = int(np.count_nonzero(counts))
    _log.info("sweep: %d lines, %d feasible", len(lines), feasible)
    order = np.argsort(-counts, kind="stable")[:STARTS]
    starts = lines[order[counts[order] > 0]]
    if len(starts) == 0:
        # A passage may be narrower than the mesh: move the nearest lines towards it before giving up.
        moved, breaks = nearest_lines(problem, lines)
        starts = moved[breaks <= 0.0]
        if len(starts) == 0:
            return Found(None, None, _explained(problem, spec), len(lines), 0, tally, 0.0)
    judged = len(lines)
    for coarse, fine in SLACKS_MM:
        tight = build_problem(hip, spec, slack_mm=fine)
        wide = build_problem(few, spec, slack_mm=coarse, fuzz_mm=FUZZ_MM if coarse else 0.0)
        refined, evaluated = _refined(wide, tight, starts, tell)
        judged += evaluated
        best = _best_of(hip, spec, tight, refined)
        if best is not None:
            tell(1.0)
            return Found(best[0], best[1], None, judged, feasible, tally, 0.0)
    return Found(None, None, _explained(problem, spec), judged, feasible, tally, 0.0)


def _explained(problem: Problem, spec: Spec) -> Infeasible:
    """Why there is no tunnel, looked for at every angle, not only those allowed.

    A tenth of a millimetre of room is asked for: a way out so narrow that no search gets
    through helps nobody.
    """
    anywhere = problem._replace(shaft_angle_min=np.pi / 2.0, shaft_angle_max=np.pi)
    room = problem._replace(
        cortical_margin=problem.cortical_margin + 0.1,
        posterosuperior_margin=problem.posterosuperior_margin + 0.1,
        entry_distal=problem.entry_distal + 0.5,
        entry_proximal=problem.entry_proximal - 0.5,
    )
    why = explain(room, lattice(anywhere), spec)
    if why.binding == "misses_lesion" and (spec.entry_fixed is not None or spec.direction_fixed is not None):
        return replace(why, text="no line through the neck that is as fixed reaches the lesion")
    return why


def lattice(problem: Problem, *, offset_step: float = OFFSET_STEP_MM, slope_step: float = SLOPE_STEP) -> FloatArray:
    """Every line (N, 4) of the mesh whose point on the neck plane keeps radius and margin to the bone surface."""
    if problem.entry_kept >= 0.0 or problem.direction_kept >= 0.0:
        return fixed_lines(problem)
    size = 1.5 * problem.head_radius
    offsets = np.arange(-np.ceil(size / offset_step), np.ceil(size / offset_step) + 1) * offset_step
    p, q = (g.ravel() for g in np.meshgrid(offsets, offsets, indexing="ij"))
    points = problem.neck_center + p[:, None] * problem.neck_frame[1] + q[:, None] * problem.neck_frame[2]
    index = np.rint(points / problem.spacing).astype(int)
    within = np.all((index >= 0) & (index < problem.distance.shape), axis=1)
    depth = np.full(len(p), -1.0)
    depth[within] = problem.distance[tuple(index[within].T)]
    # Half a mesh and a voxel of grace: the kernel judges exactly.
    near = depth > problem.radius + problem.cortical_margin - offset_step - float(problem.spacing.max())
    slopes = np.arange(-np.floor(SLOPE_MAX / slope_step), np.floor(SLOPE_MAX / slope_step) + 1) * slope_step
    a, b = (g.ravel() for g in np.meshgrid(slopes, slopes, indexing="ij"))
    n = problem.neck_frame
    direction = n[0] + a[:, None] * n[1] + b[:, None] * n[2]
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    angle = np.arccos(np.clip(-(direction @ problem.femoral_frame[2]), -1.0, 1.0))
    grace = slope_step
    allowed = (angle >= problem.shaft_angle_min - grace) & (angle <= problem.shaft_angle_max + grace)
    pq, ab = np.stack([p, q], axis=1)[near], np.stack([a, b], axis=1)[allowed]
    lines = np.empty((len(pq), len(ab), 4))
    lines[:, :, :2], lines[:, :, 2:] = pq[:, None, :], ab[None, :, :]
    return lines.reshape(-1, 4)


def fixed_lines(problem: Problem) -> FloatArray:
    """Every line (N, 4) of a fine mesh through the fixed entry, or along the fixed direction, or both."""
    n, size = problem.neck_frame, 1.5 * problem.head_radius
    slopes = _square(FIXED_SLOPE_MAX, FIXED_SLOPE_STEP)
    if problem.direction_kept >= 0.0:
        heading = n @ problem.direction_fixed
        slopes = heading[None, 1:] / heading[0]
    if problem.entry_kept >= 0.0:
        at = n @ (problem.entry_fixed - problem.neck_center)
        offsets = at[1:] - at[0] * slopes
    else:
        offsets = _square(size, FIXED_OFFSET_STEP_MM)
    count = max(len(slopes), len(offsets))
    lines = np.concatenate([np.broadcast_to(offsets, (count, 2)), np.broadcast_to(slopes, (count, 2))], axis=1)
    return np.ascontiguousarray(lines[np.all(np.abs(lines[:, :2]) <= size, axis=1)])


def _square(size: float, step: float) -> FloatArray:
    ticks = np.arange(-np.ceil(size / step), np.ceil(size / step) + 1) * step
    a, b = np.meshgrid(ticks, ticks, indexing="ij")
    return np.stack([a.ravel(), b.ravel()], axis=1)


def tunnel_of_line(problem: Problem, line: FloatArray, entry: float, tip: float) -> Tunnel:
    """The tunnel on a line (4,) between two ``t``."""
    point, direction = line_of(problem, line[0], line[1], line[2], line[3])
    cavity = 2.0 * problem.cavity_radius, problem.cavity_length
    return Tunnel(point + entry * direction, point + tip * direction, 2.0 * problem.radius, *cavity)


def _refined(
    coarse: Problem, fine: Problem, starts: FloatArray, tell: Callable[[float], None]
) -> tuple[list[tuple[FloatArray, float, float, int]], int]:
    """Climb from all starts to a tenth of the mesh, then from the best to a few thousandths of a millimetre."""
    lines, _, counts, first = climb_many(coarse, starts, ring_points(REFINE_RING), REFINE_STEP_MM, 0.5, 0.1)
    tell(0.85)
    lines = lines[np.argsort(-counts, kind="stable")[:FINALISTS]]
    lines, ends, counts, second = climb_many(fine, lines, ring_points(FINAL_RING), FINAL_STEP_MM, 0.3, 0.008)
    tell(0.95)
    found = [
        (lines[i], float(ends[i, 0]), float(ends[i, 1]), int(counts[i]))
        for i in np.argsort(-counts, kind="stable")
        if counts[i] > 0
    ]
    return found, first + second


def _best_of(
    hip: Hip, spec: Spec, problem: Problem, found: list[tuple[FloatArray, float, float, int]]
) -> tuple[Tunnel, TunnelFigures] | None:
    """The tunnel that removes most; among ties the one with most room; every one judged in full first."""
    judged: list[tuple[Tunnel, TunnelFigures]] = []
    for line, entry, tip, _ in found:
        tunnel = tunnel_of_line(problem, line, entry, tip)
        figures = assess(hip, tunnel, spec)
        if not violations(figures, spec):
            judged.append((tunnel, figures))
    if not judged:
        return None
    values = [
        figures.removed_fraction if spec.target == "lesion" else target_fraction(hip, [tunnel], spec)
        for tunnel, figures in judged
    ]
    ties = [pair for pair, value in zip(judged, values, strict=True) if value >= max(values) * (1.0 - TIE_SHARE)]
    return max(ties, key=lambda pair: min(pair[1].cortical_clearance_mm, pair[1].joint_clearance_mm))


def _warm_up(problem: Problem, proving: bool) -> None:
    """Compile (or load) the kernels outside the timed search."""
    line = np.zeros((1, 4))
    judge_many(problem, line, ring_points(4), 5.0)
    climb_many(problem, line, ring_points(4), 5.0, 1.0, 1.0)
    if proving:
        prove(problem, len(problem.points[0]), effort=1)
