"""The best single tunnel: an exhaustive sweep of lines, then continuous refinement of the best.

The sweep visits every line of a four-dimensional lattice that passes the neck, so no basin
wider than its mesh is missed, and a finer one where few lines pass; the refinement climbs from
the best of each neighbourhood with shrinking steps. Both are deterministic and independent of the number of threads.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.limits import MARGINS
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.proof.branch_and_bound import EFFORT, Proof, prove
from corecore.planning.proof.cylinder_bound import most_in_a_cylinder
from corecore.planning.search.batched import climb_many, evaluate_many
from corecore.planning.search.constraint_gaps import nearest_lines, survey_gaps
from corecore.planning.search.fixed_lines import best_fixed, fixed_lines, is_fixed
from corecore.planning.search.infeasible import Infeasible, explain
from corecore.planning.search.line_geometry import fine_ring, line_of, ring_points
from corecore.planning.search.problem import Problem, build_problem, thinned
from corecore.planning.search.relaxation import REASON_OF, Relaxed, least_relaxation, most_relaxed
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_STEP_MM, TunnelFigures, assess
from corecore.tunnels.limits import Reason, violations
from corecore.tunnels.objective import objective_fraction

_log = logging.getLogger(__name__)

#: Mesh of the sweep: offsets in the neck plane, mm, and slopes (a slope of 0.0175 is 1 degree; one step moves the tip
#: and the entry by about 1.5 mm). Thirteen real hips lose nothing by it (docs/validation.md).
WIDE_MESH = 1.5, 0.033
#: The finer mesh, which is swept where fewer than ``FEW_PASSING`` lines of the other carry a tunnel.
OFFSET_STEP_MM = 1.0
SLOPE_STEP = 0.022
FEW_PASSING = 64
#: Largest slope against the neck axis that the sweep visits (35 degrees): the femoral neck is
#: twice as long as it is wide, so no tunnel of 5 mm and more leans further.
SLOPE_MAX = 0.7
#: Ring points and ring spacing of the sweep, and of the refinement.
SWEEP_RING, SWEEP_STEP_MM = 16, 1.0
REFINE_RING, REFINE_STEP_MM = 16, 1.0
#: The last climb samples like the final judgement: where the postero-superior quarter begins
#: the margin jumps, and a coarser ring would step over the edge.
FINAL_STEP_MM = RING_STEP_MM
#: How many lines are refined, and how many of those to the finest step; the starts are the best of their
#: neighbourhoods, of this width in meshes, among so many of the sweep's best.
STARTS, FINALISTS = 24, 6
NEIGHBOURHOOD, RANKED = 1.5, 2000
#: Margins grow by the first figure in the coarse climb and by the second in the fine one, mm.
#: The coarse rings miss up to a quarter of a millimetre, and a climb that starts inside the
#: constraints gets along their edge, one that starts outside may not get in.
SLACKS_MM = ((0.3, 0.01), (0.15, 0.01), (0.0, 0.01), (0.1, 0.1))
QUICK_SLACKS_MM = SLACKS_MM[2:3]
#: Where fewer lines of the sweep carry a tunnel than this, passages are narrow, between pits of a rough mask say: the
#: first grown margin may close the best of them, so all the climbs down to no growth are made and compared. (A clean
#: real hip has 600 lines and more, the dirty one 113 and loses 3.9 % by the first climb alone; engineering choice.)
NARROW_PASSING = 300
#: Growth of the margins, mm, where entry or direction is fixed: without any where a speck is too small to shrink.
FIXED_SLACKS_MM = 0.01, 0.0
#: Half the distance between the coarse climb's ring points, mm.
FUZZ_MM = 0.7
#: Lesion points that stand for the lesion until the last climb, where there is a cavity.
CAVITY_POINTS = 12_000
#: Mesh on which it is looked for why there is no tunnel, mm and slope.
WIDE_OFFSET_MM, WIDE_SLOPE = 1.5, 0.033
#: How many lines that the proof comes upon climb together.
BETTER = 4
NO_LINES = np.zeros((0, 4))
#: Two tunnels whose removed volumes differ by less than this share are a tie (then clearance decides).
TIE_SHARE = 0.0005
#: Rooms that differ by less are a tie too, mm (then less healthy bone decides; engineering choice).
TIE_CLEARANCE_MM = 0.05


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Result of the search for one tunnel.

    Parameters
    ----------
    tunnel : Tunnel or None
        The best tunnel, local mm; ``None`` where there is none.
    figures : TunnelFigures or None
        Its figures.
    infeasible : Infeasible or None
        Why there is none.
    lines_judged, lines_feasible : int
        Lines of the sweep, and those that carry a tunnel.
    reasons : dict of Reason to int
        Lines of the sweep by the first limit that they exceed.
    compile_s : float
        Seconds spent on compiling kernels.
    proof : Proof, optional
        The proven bound, where one was asked for.
    passing : ndarray, shape (N, 4)
        Lines of the sweep that carry a tunnel, most removed first: offsets in the neck's plane, mm, and slopes.
    """

    tunnel: Tunnel | None
    figures: TunnelFigures | None
    infeasible: Infeasible | None
    lines_judged: int
    lines_feasible: int
    reasons: dict[Reason, int]
    compile_s: float
    proof: Proof | None = None
    passing: FloatArray = field(default_factory=lambda: NO_LINES)


@dataclass(frozen=True, eq=False)
class Sweep:
    """The lines of a lattice that carry a tunnel, at the precision of the sweep.

    Parameters
    ----------
    problem : Problem
        What the lines were judged by.
    mesh : (float, float)
        Steps of the lattice: offset, mm, and slope.
    passing : ndarray, shape (N, 4)
        Lines that carry a tunnel, most removed first: offsets in the neck's plane, mm, and slopes.
    lines_judged, lines_feasible : int
        Lines of all lattices that were swept, and those of the last that carry a tunnel.
    reasons : dict of Reason to int
        Lines of the last lattice by the first limit that they exceed.
    """

    problem: Problem
    mesh: tuple[float, float]
    passing: FloatArray
    lines_judged: int
    lines_feasible: int
    reasons: dict[Reason, int]


def best_tunnel(
    hip: Hip,
    spec: Spec,
    *,
    progress: Callable[[float], None] | None = None,
    gap: float | None = None,
    seconds: float | None = None,
    effort: int = EFFORT,
    confirm: bool = True,
) -> SearchResult:
    """The single tunnel within all constraints that removes most of the lesion; if asked, a bound on what any removes.

    ``progress`` is told the share of the work done, 0 to 1. The tunnel returned keeps every
    constraint as ``corecore.tunnels.figures.assess`` measures it, or none is returned. A ``gap`` or
    ``seconds`` ask for the proof: it ends within ``gap`` (0.01) of the tunnel, after ``effort``
    boxes or, where ``seconds`` are given, so long after the search began. Without ``confirm`` what would give
    a tunnel, where there is none, is not planned with: a fifth of the time.
    """
    started = time.perf_counter()
    problem = build_problem(hip, spec)
    proving = (gap is not None or seconds is not None) and provable(spec)
    _warm_up(problem, proving)
    compile_s = time.perf_counter() - started
    until = None if seconds is None else time.perf_counter() + seconds
    found = _search(hip, spec, progress or (lambda share: None), confirm=confirm)
    found = replace(found, compile_s=compile_s)
    if not proving:
        return found
    total, pairs = len(hip.lesion.points_mm), list[tuple[Tunnel, TunnelFigures]]()
    best = round(found.figures.removed_fraction * total) if found.figures is not None else 0

    def better(lines: FloatArray, best: int) -> int:
        """Climb from those of the lines that remove more than the best, and keep what keeps every constraint."""
        _, _, counts = evaluate_many(problem, lines, fine_ring(problem), FINAL_STEP_MM)
        order = np.argsort(-counts, kind="stable")[:BETTER]
        starts = lines[order[counts[order] > best]]
        pair, _ = refined(hip, spec, starts, lambda share: None, QUICK_SLACKS_MM)
        if pair is None or (count := round(pair[1].removed_fraction * total)) <= best:
            return best
        _log.info("the proof came upon a tunnel that removes %.4f, %.4f before", count / total, best / total)
        pairs.append(pair)
        return count

    limit = effort if until is None else None
    most = most_in_a_cylinder(hip.lesion, spec.radius_mm, hip.anatomy.neck_axis)
    proof = prove(problem, best, gap=0.01 if gap is None else gap, effort=limit, until=until, better=better, most=most)
    found = replace(found, proof=proof)
    return replace(found, tunnel=pairs[-1][0], figures=pairs[-1][1], infeasible=None) if pairs else found


def provable(spec: Spec) -> bool:
    """Whether the bound holds: for removing lesion by any instrument without a cavity, and no tunnel kept."""
    return spec.target == "lesion" and spec.cavity_diameter_mm == 0.0 and not spec.keep


def _search(
    hip: Hip,
    spec: Spec,
    tell: Callable[[float], None],
    *,
    explaining: bool = True,
    confirm: bool = True,
    keys: Collection[str] = tuple(REASON_OF),
) -> SearchResult:
    """The best tunnel of sweep and climbs, or why there is none (left open unless ``explaining``).

    ``keys``: limits that are squeezed for a way through where the sweep finds none.
    """
    swept = sweep(hip, spec, tell)
    passing, feasible = swept.passing, swept.lines_feasible
    problem = swept.problem
    starts = best_of_neighbourhoods(passing, swept.mesh)
    wide, survey = NO_LINES, None
    squeezes: list[Relaxed] = []
    best, evaluated = _best_fixed(hip, spec) if is_fixed(problem) else (None, 0)
    if best is None and len(starts) == 0:
        # A passage may be narrower than the mesh: move the nearest lines towards it before giving up.
        wide = _wide_lattice(hip, spec)
        survey = survey_gaps(problem, wide)
        near = nearest_lines(problem, survey)
        starts = near.lines[near.totals <= 0.0]
    if best is None:
        best, more = refined(hip, spec, starts, tell, compare=feasible < NARROW_PASSING)
        evaluated += more
    if best is None:
        wide = wide if len(wide) else _wide_lattice(hip, spec)
        for one in least_relaxation(hip, spec, wide, keys, far_too=explaining):
            squeezes.append(one)
            if one.value == getattr(spec, one.key):
                # No limit need give way: the lines squeezed keep them all.
                best, more = refined(hip, spec, one.lines, tell, QUICK_SLACKS_MM)
                evaluated += more
            if best is not None:
                break
    why: Infeasible | None = None
    asked = spec
    if best is None and explaining:

        def again(spec: Spec, lines: FloatArray | None, shrunk_mm: float = 0.0) -> bool:
            """Whether there is a tunnel with other limits, by the same search or only from lines given."""
            there = hip if hip.avoid is None or not shrunk_mm else replace(hip, avoid=hip.avoid.shrunk(shrunk_mm))
            if lines is not None:
                return refined(there, spec, lines, lambda share: None, QUICK_SLACKS_MM)[0] is not None
            # Squeezing what has given way finds what squeezing any limit would, in a fraction of the time.
            given = [key for key in REASON_OF if getattr(spec, key) != getattr(asked, key)]
            tried = _search(there, spec, lambda share: None, explaining=False, keys=given)
            return tried.tunnel is not None

        survey = survey_gaps(problem, wide) if survey is None else survey
        why = explain(spec, problem, survey, squeezes, again, confirm=confirm)
    tell(1.0)
    tunnel, figures = best if best is not None else (None, None)
    return SearchResult(
        tunnel, figures, why, swept.lines_judged + evaluated, feasible, swept.reasons, 0.0, passing=passing
    )


def sweep(hip: Hip, spec: Spec, tell: Callable[[float], None] = lambda share: None) -> Sweep:
    """Sweep the lattice's lines, and where few of them carry a tunnel those of a finer one."""
    problem, judged = build_problem(_with_few_points(hip, spec), spec), 0
    for mesh in (WIDE_MESH, (OFFSET_STEP_MM, SLOPE_STEP)):
        lines = lattice(problem, offset_step=mesh[0], slope_step=mesh[1])
        reasons, counts = _sweep(problem, lines, tell)
        judged += len(lines)
        tally = {Reason(r): int(n) for r, n in enumerate(np.bincount(reasons, minlength=len(Reason))) if n}
        feasible = int(np.count_nonzero(counts))
        _log.info("sweep: %d lines, %d feasible", len(lines), feasible)
        order = np.argsort(-counts, kind="stable")
        passing = lines[order[counts[order] > 0]]
        if feasible >= FEW_PASSING or is_fixed(problem):
            break
    return Sweep(problem, mesh, passing, judged, feasible, tally)


def _sweep(
    problem: Problem, lines: FloatArray, tell: Callable[[float], None]
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    """Reasons and counts (N,) of lines (N, 4)."""
    ring = ring_points(SWEEP_RING)
    reasons, counts = np.zeros(len(lines), dtype=np.int8), np.zeros(len(lines), dtype=np.int64)
    chunk = max(1, len(lines) // 20)
    for first in range(0, len(lines), chunk):
        part = slice(first, first + chunk)
        reasons[part], _, counts[part] = evaluate_many(problem, lines[part], ring, SWEEP_STEP_MM)
        tell(0.7 * min(1.0, (first + chunk) / len(lines)))
    return reasons, counts


def best_of_neighbourhoods(ranked: FloatArray, mesh: tuple[float, float]) -> FloatArray:
    """Of lines (N, 4), best first, at most ``STARTS`` (M, 4), each the best of those near it.

    Near: within ``NEIGHBOURHOOD`` meshes in all four numbers. Climbs from neighbours end on one summit.
    """
    at = ranked[:RANKED] / (mesh[0], mesh[0], mesh[1], mesh[1])
    free = np.ones(len(at), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < STARTS and free.any():
        chosen.append(int(np.argmax(free)))
        free &= np.abs(at - at[chosen[-1]]).max(axis=1) > NEIGHBOURHOOD
    return ranked[chosen]


def _with_few_points(hip: Hip, spec: Spec) -> Hip:
    # A cavity is looked for at every depth, and a tenth of the points rank the lines as well.
    return thinned(hip, CAVITY_POINTS) if spec.cavity_diameter_mm > 0.0 else hip


def _best_fixed(hip: Hip, spec: Spec) -> tuple[tuple[Tunnel, TunnelFigures] | None, int]:
    """The best tunnel where entry or direction is fixed, judged in full, and how many lines were judged."""
    best, judged = None, 0
    for slack in FIXED_SLACKS_MM:
        problem = build_problem(hip, spec, slack_mm=slack)
        lines, ends, counts, more = best_fixed(
            build_problem(_with_few_points(hip, spec), spec, slack_mm=slack), problem
        )
        judged += more
        best = _best_of(hip, spec, problem, _with_ends(lines, ends, counts))
        if best is not None:
            break
    return best, judged


def refined(
    hip: Hip,
    spec: Spec,
    starts: FloatArray,
    tell: Callable[[float], None],
    slacks_mm: tuple[tuple[float, float], ...] = SLACKS_MM,
    *,
    compare: bool = False,
) -> tuple[tuple[Tunnel, TunnelFigures] | None, int]:
    """The best tunnel that climbs from lines (N, 4) reach, judged in full, and how many lines were judged.

    The first pair of grown margins that finds one decides; with ``compare`` the best of all pairs, of which a later
    one must do more than tie.
    """
    judged, best = 0, None
    few = _with_few_points(hip, spec)
    for coarse, fine in slacks_mm if len(starts) else ():
        if best is not None and (not compare or coarse < fine or fine > slacks_mm[0][1]):
            break
        tight = build_problem(hip, spec, slack_mm=fine)
        wide = build_problem(few, spec, slack_mm=coarse, fuzz_mm=FUZZ_MM if coarse else 0.0)
        refined, evaluated = _refine_best(wide, tight, starts, tell)
        judged += evaluated
        found = _best_of(hip, spec, tight, refined)
        if best is None or (found is not None and _does_more(hip, spec, found, best)):
            best = found
    return best, judged


def _does_more(hip: Hip, spec: Spec, one: tuple[Tunnel, TunnelFigures], other: tuple[Tunnel, TunnelFigures]) -> bool:
    """Whether one tunnel does more for the target than another, by more than a tie."""
    more, less = (objective_fraction(hip, [tunnel], spec) for tunnel, _ in (one, other))
    return more > less * (1.0 + TIE_SHARE)


def _wide_lattice(hip: Hip, spec: Spec) -> FloatArray:
    """Lines (N, 4) of a wider mesh that may carry a tunnel under any limits that are accepted."""
    return lattice(build_problem(hip, most_relaxed(spec)), offset_step=WIDE_OFFSET_MM, slope_step=WIDE_SLOPE)


def lattice(problem: Problem, *, offset_step: float = OFFSET_STEP_MM, slope_step: float = SLOPE_STEP) -> FloatArray:
    """Every line (N, 4) of the mesh whose point on the neck plane keeps radius and margin to the bone surface."""
    if is_fixed(problem):
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


def tunnel_of_line(spec: Spec, problem: Problem, line: FloatArray, entry: float, tip: float) -> Tunnel:
    """The tunnel on a line (4,) between two ``t``, drilled as the parameters say."""
    point, direction = line_of(problem, line[0], line[1], line[2], line[3])
    return Tunnel.planned_with(spec, point + entry * direction, point + tip * direction)


def _refine_best(
    coarse: Problem, fine: Problem, starts: FloatArray, tell: Callable[[float], None]
) -> tuple[list[tuple[FloatArray, float, float, int]], int]:
    """Climb from all starts to a tenth of the mesh, then from the best to a few thousandths of a millimetre."""
    lines, _, counts, first = climb_many(coarse, starts, ring_points(REFINE_RING), REFINE_STEP_MM, 0.5, 0.1)
    tell(0.85)
    lines = lines[np.argsort(-counts, kind="stable")[:FINALISTS]]
    lines, ends, counts, second = climb_many(fine, lines, fine_ring(fine), FINAL_STEP_MM, 0.3, 0.008)
    tell(0.95)
    return _with_ends(lines, ends, counts), first + second


def _with_ends(
    lines: FloatArray, ends: FloatArray, counts: npt.NDArray[np.int64]
) -> list[tuple[FloatArray, float, float, int]]:
    """Those of lines (N, 4) that carry a tunnel, most removed first, each with entry, tip and count."""
    return [
        (lines[i], float(ends[i, 0]), float(ends[i, 1]), int(counts[i]))
        for i in np.argsort(-counts, kind="stable")
        if counts[i] > 0
    ]


def _best_of(
    hip: Hip, spec: Spec, problem: Problem, found: list[tuple[FloatArray, float, float, int]]
) -> tuple[Tunnel, TunnelFigures] | None:
    """The tunnel preferred of those that keep every constraint; every one judged in full first."""
    judged: list[tuple[Tunnel, TunnelFigures]] = []
    for line, entry, tip in {(tuple(line), entry, tip): (line, entry, tip) for line, entry, tip, _ in found}.values():
        tunnel = tunnel_of_line(spec, problem, line, entry, tip)
        figures = assess(hip, tunnel, spec)
        if not violations(figures, spec):
            judged.append((tunnel, figures))
    return preferred_of_ties(hip, spec, judged) if judged else None


def preferred_of_ties(hip: Hip, spec: Spec, judged: list[tuple[Tunnel, TunnelFigures]]) -> tuple[Tunnel, TunnelFigures]:
    """The tunnel that does most for the target; of ties the one with most room, then that with least healthy bone.

    Raises ``ValueError`` for an empty list.
    """
    values = [
        figures.removed_fraction if spec.target == "lesion" else objective_fraction(hip, [tunnel], spec)
        for tunnel, figures in judged
    ]
    ties = [pair for pair, value in zip(judged, values, strict=True) if value >= max(values) * (1.0 - TIE_SHARE)]
    room = max(spare_clearance_mm(figures, spec) for _, figures in ties)
    ties = [pair for pair in ties if spare_clearance_mm(pair[1], spec) >= room - TIE_CLEARANCE_MM]

    def healthy_ml(pair: tuple[Tunnel, TunnelFigures]) -> float:
        # What the mouth has outside the bone is the same for tunnels that all but coincide.
        drilled = np.pi * pair[0].radius_mm ** 2 * pair[1].length_mm / 1000.0
        return float(drilled - pair[1].removed_fraction * hip.lesion.volume_ml)

    return min(ties, key=healthy_ml)


def spare_clearance_mm(figures: TunnelFigures, spec: Spec) -> float:
    """The least of a tunnel's clearances, and of its guide pin's, each in excess of its own margin, mm."""
    # What is in the postero-superior quarter keeps the cortex' margin as well.
    rooms = [float(getattr(figures, limit.figure) - getattr(spec, limit.key)) for limit in MARGINS]
    if figures.pin_clearance_mm is not None and spec.pin_margin_mm is not None:
        rooms.append(figures.pin_clearance_mm - spec.pin_margin_mm)
    return min(rooms)


def _warm_up(problem: Problem, proving: bool) -> None:
    """Compile (or load) the kernels outside the timed search."""
    line = np.zeros((1, 4))
    evaluate_many(problem, line, ring_points(4), 5.0)
    climb_many(problem, line, ring_points(4), 5.0, 1.0, 1.0)
    if proving:
        prove(problem, len(problem.points[0]), effort=1)
