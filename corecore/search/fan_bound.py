"""The proof for a fan: no K tunnels through one portal remove more than this.

The entries of a fan lie within half a millimetre of one another. So space around the lateral
surface is cut into cubes, and for each cube the Lagrangian bound of ``corecore.search.sets_bound``
is taken over the lines that enter in or by it, with prices of the cube's own: lines through one
place differ in direction only, so prices fit them better and the proof of what one line is worth
has less to search. A cube whose prices cannot be good enough is cut into eight. The bound is the
largest of all cubes'.
"""

from __future__ import annotations

import heapq
import logging
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.grid import FloatArray
from corecore.hip import Hip
from corecore.search.bound import EFFORT, Ended, Proof, prove
from corecore.search.enclosure import SLOPE_LIMIT, TABLE_MM, Frame, build_frame
from corecore.search.kernels import ring_points
from corecore.search.one import FINAL_RING, FINAL_STEP_MM, SWEEP_RING, SWEEP_STEP_MM
from corecore.search.pricing import PARTS, Prices, cheapened, covers_of, priced_hip, whole_parts
from corecore.search.problem import Problem, build_problem
from corecore.search.sets_pool import Index, best_in_cells, lines_through, shapes_on
from corecore.search.threads import climb_many, judge_many
from corecore.spec import Spec
from corecore.tunnel import ENTRY_OFF_SURFACE_MM

_log = logging.getLogger(__name__)

#: Entries within this share a portal, mm (contract §2).
SHARED_PORTAL_MM = 0.5
#: Edge of the first cubes, and of the least, mm.
CUBE_MM, LEAST_CUBE_MM = 2.5, 0.6
#: Mesh of the lines through a cube: entries, mm, and slopes.
ENTRY_STEP_MM, SLOPE_STEP = 0.8, 0.03
#: Lines that prices are made from at first, that join in each round, and the rounds.
FIRST, JOINING, ROUNDS = 120, 16, 4
#: Steps of the prices at first and in later rounds.
FIRST_STEPS, STEPS = 150, 80
#: Rounds end where the lines found add less than this to the bound.
SETTLED = 0.004
#: Boxes that one cube may take before it is cut, and the least room for its proof, of a tunnel's worth.
CUBE_BOXES, LEAST_ROOM = 6_000, 0.01
#: Prices serve a cube where the dearest line known leaves this share of what is allowed.
SERVES = 0.985


@dataclass(frozen=True, eq=False)
class Cube:
    """A cube of space along the array's axes (local mm) that one entry of a fan lies in."""

    center: FloatArray
    edge_mm: float

    @property
    def reach_mm(self) -> float:
        """How far from the centre any entry of such a fan lies at most."""
        return 0.5 * float(np.sqrt(3.0)) * self.edge_mm + SHARED_PORTAL_MM

    def eighths(self) -> list[Cube]:
        """The eight cubes it is made of."""
        quarter = 0.25 * self.edge_mm
        signs = np.array(np.meshgrid([-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0])).reshape(3, -1).T
        return [Cube(self.center + quarter * sign, 0.5 * self.edge_mm) for sign in signs]


@dataclass(frozen=True, eq=False)
class Family:
    """Lines (M, 4) that enter by a cube and carry a tunnel, with the problem that admits no others."""

    problem: Problem
    root: tuple[Frame, FloatArray]
    lines: FloatArray


def prove_fan(
    hip: Hip,
    spec: Spec,
    removed: int,
    *,
    gap: float = 0.05,
    effort: int | None = EFFORT,
    until: float | None = None,
) -> Proof:
    """Bound the number of lesion points that ``spec.tunnels`` tunnels through one portal remove.

    One fan removes ``removed``. Ends where the bound is within ``gap`` of it, after ``effort`` boxes,
    or at ``until`` (``time.perf_counter``). Every cube's bound holds by itself, so the largest holds
    whenever it ends.
    """
    problem = build_problem(hip, spec)
    frame = build_frame(problem)
    total = len(hip.lesion.points_mm)
    target = removed * (1.0 + gap)
    # Largest bound first; the number breaks ties.
    queue = [(-float(total), number, cube) for number, cube in enumerate(portal_cubes(problem))]
    heapq.heapify(queue)
    boxes, number, closed = 0, len(queue), float(removed)
    known: list[tuple[Cube, Prices]] = []
    stopped: Ended = "gap"
    while queue and -queue[0][0] > target:
        if effort is not None and boxes >= effort:
            stopped = "effort"
            break
        if until is not None and time.perf_counter() > until:
            stopped = "time"
            break
        above, _, cube = heapq.heappop(queue)
        bound, taken = _bound_of_cube(hip, spec, problem, frame, cube, known, target)
        bound, boxes = min(bound, -above), boxes + taken
        _log.info("fan: cube of %.2f mm: %.4f of %.4f allowed, %d boxes, %d in all; %d cubes left", cube.edge_mm,
                  bound / total, target / total, taken, boxes, len(queue))  # fmt: skip
        if bound <= target:
            closed = max(closed, bound)
        elif cube.edge_mm <= LEAST_CUBE_MM:
            # Smaller ones would not help: this is as good as the prices can be.
            closed, stopped = max(closed, bound), "effort"
        else:
            for part in cube.eighths():
                if may_enter(problem, part):
                    number += 1
                    heapq.heappush(queue, (-bound, number, part))
    most = max(closed, -queue[0][0]) if queue else closed
    return Proof(min(most, total) / total, stopped, boxes)


def portal_cubes(problem: Problem) -> list[Cube]:
    """Cubes along the array's axes that hold every place where a tunnel may enter."""
    axes, half = problem.femoral_frame, 0.5 * CUBE_MM
    wide = 6.0 * problem.head_radius
    # A hole's edges reach at least a radius above and below its centre.
    low = problem.trochanter_height + problem.entry_distal + problem.radius
    high = problem.trochanter_height + problem.entry_proximal - problem.radius
    front = problem.midline_y.min() - problem.entry_ap_max, problem.midline_y.max() + problem.entry_ap_max
    corners = np.stack(np.meshgrid((-wide, wide), front, (low, high), indexing="ij"), axis=-1).reshape(-1, 3)
    span = problem.head_center + corners @ axes
    ticks = [np.arange(a + half, b + half, CUBE_MM) for a, b in zip(span.min(axis=0), span.max(axis=0), strict=True)]
    centers = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, 3)
    _, y, z = ((centers - problem.head_center) @ axes.T).T
    grow = half * np.abs(axes).sum(axis=1)
    centers, y, z = (array[(z >= low - grow[2]) & (z <= high + grow[2])] for array in (centers, y, z))
    heights = problem.midline_start + 0.5 * np.arange(len(problem.midline_y))
    beside = np.abs(y[:, None] - problem.midline_y)
    beside[np.abs(z[:, None] - heights) > grow[2] + 0.5] = np.inf
    near = centers[beside.min(axis=1) <= problem.entry_ap_max + grow[1] + TABLE_MM]
    return [cube for cube in (Cube(center, CUBE_MM) for center in near) if may_enter(problem, cube)]


def may_enter(problem: Problem, cube: Cube) -> bool:
    """Whether the bone's surface may pass through a cube, and face laterally enough there.

    Within a cell both fields lie between their values at its corners, and the parts of the mouth's normal,
    differences over two millimetres, between the steps of the field round about.
    """
    depth = _part(problem.distance, problem.spacing, cube, 0.0)
    if depth is None or depth.min() > 0.0 or depth.max() < 0.0:
        return False
    mouth = _part(problem.mouth_field, problem.spacing, cube, 1.0)
    if mouth is None or mouth.min() > ENTRY_OFF_SURFACE_MM or mouth.max() < -ENTRY_OFF_SURFACE_MM:
        return False
    steps = [-np.diff(mouth, axis=axis) / problem.spacing[axis] for axis in range(3)]
    least, most = (np.array([f(step) for step in steps]) for f in (np.min, np.max))
    lateral = problem.femoral_frame[0]
    facing = float(np.sum(np.maximum(least * lateral, most * lateral)))
    short = float(np.linalg.norm(np.clip(0.0, least, most)))
    return facing >= problem.entry_normal_min_cosine * short - 1e-6


def _part(
    field: npt.NDArray[np.float32], spacing: FloatArray, cube: Cube, grow_mm: float
) -> npt.NDArray[np.float64] | None:
    """The field at the corners of all cells that a cube, grown on all sides, meets; ``None`` where it meets none."""
    reach = 0.5 * cube.edge_mm + grow_mm
    first = np.maximum(np.floor((cube.center - reach) / spacing).astype(int), 0)
    last = np.minimum(np.floor((cube.center + reach) / spacing).astype(int) + 2, field.shape)
    if np.any(last - first < 2):
        return None
    return field[tuple(slice(a, b) for a, b in zip(first, last, strict=True))].astype(np.float64)


def _through(problem: Problem, frame: Frame, cube: Cube) -> tuple[Problem, tuple[Frame, FloatArray]]:
    """The problem of the lines that enter by a cube, and planes, one through the cube, and a box that holds them."""
    offset = problem.neck_frame @ (cube.center - problem.neck_center)
    here = problem._replace(entry_fixed=cube.center, entry_kept=cube.reach_mm)
    planes = frame._replace(low=float(offset[0]))
    # Between the entry and the plane through the centre a line moves sideways by its slope at most.
    beside = cube.reach_mm * float(np.sqrt(1.0 + SLOPE_LIMIT**2))
    lever = beside + SLOPE_LIMIT * (planes.high - planes.low)
    box = np.concatenate([offset[1:], offset[1:], [lever, lever, beside, beside, float(problem.points.shape[1])]])
    return here, (planes, box)


def _bound_of_cube(
    hip: Hip,
    spec: Spec,
    problem: Problem,
    frame: Frame,
    cube: Cube,
    known: list[tuple[Cube, Prices]],
    target: float,
) -> tuple[float, int]:
    """At least the points that a fan through a cube removes, and the boxes taken; prices found join ``known``."""
    here, root = _through(problem, frame, cube)
    lines = _lines_by(here, cube)
    _, _, counts = judge_many(here, lines, ring_points(SWEEP_RING), SWEEP_STEP_MM)
    family = Family(here, root, lines[counts > 0])
    prices = np.ones(len(hip.lesion.points_mm), dtype=np.float32)
    bound, taken = np.inf, 0
    if known:
        prices = min(known, key=lambda pair: float(np.linalg.norm(pair[0].center - cube.center)))[1]
        bound, taken = _proven(hip, spec, family, prices, family.lines, target)
    if bound > target and len(family.lines):
        prices, dear = _priced(hip, spec, family, counts[counts > 0], prices, target)
        known.append((cube, prices))
        again, more = _proven(hip, spec, family, prices, dear, target)
        bound, taken = min(bound, again), taken + more
    elif not known:
        bound, taken = _proven(hip, spec, family, prices, family.lines, target)
    return bound, taken


def _proven(
    hip: Hip, spec: Spec, family: Family, prices: Prices, dear: FloatArray, target: float
) -> tuple[float, int]:
    """The bound of a cube at prices, and the boxes taken; no proof is tried where a line known is dearer than allowed.

    ``dear`` (M, 4): lines among which the dearest is looked for.
    """
    total, count = len(prices), spec.tunnels
    parts = whole_parts(prices, hip.lesion.points_mm)
    left = float(total - parts.sum() / PARTS)
    priced = _priced_problem(hip, spec, family, parts)
    allowed = (target - left) * PARTS / count
    worths = judge_many(priced, dear, ring_points(SWEEP_RING), SWEEP_STEP_MM)[2] if len(dear) else np.zeros(1)
    dearest = int(worths.max(initial=0))
    if dearest > SERVES * allowed:
        return np.inf, 0
    # The cut lies where the bound is met, whatever is known below it.
    proof = prove(priced, int(allowed), gap=0.0, effort=CUBE_BOXES, root=family.root)
    worth = proof.upper_bound_fraction * priced.points.shape[1]
    return left + count * worth / PARTS, proof.boxes_bounded


def _priced(
    hip: Hip, spec: Spec, family: Family, counts: Index, prices: Prices, target: float
) -> tuple[Prices, FloatArray]:
    """Prices for the lines of a family that remove ``counts``, and the dearest lines (M, 4) at them."""
    count = spec.tunnels
    _, ends, _ = judge_many(family.problem, family.lines, ring_points(SWEEP_RING), SWEEP_STEP_MM)
    shapes = shapes_on(hip, spec, family.problem, family.lines, ends)
    lines, covers = covers_of(hip, spec, family.problem, family.lines[best_in_cells(shapes, counts)[:FIRST]])
    best, least, dear = prices, np.inf, family.lines
    for number in range(ROUNDS):
        prices, known = cheapened(prices, covers, count, STEPS if number else FIRST_STEPS)
        found, found_covers = covers_of(hip, spec, family.problem, _dearest(hip, spec, family, prices))
        lines, covers = np.concatenate([lines, found]), np.concatenate([covers, found_covers])
        worth = covers @ prices
        bound = float((1.0 - prices).sum() + count * worth.max(initial=0.0))
        if bound < least:
            best, least, dear = prices, bound, lines[np.argsort(-worth, kind="stable")[:JOINING]]
        if bound < known * (1.0 + SETTLED) or known > target or bound < SERVES * target:
            break
    return best, dear


def _dearest(hip: Hip, spec: Spec, family: Family, prices: Prices) -> FloatArray:
    """Lines (M, 4) of a family that are worth most at prices, climbed."""
    priced = _priced_problem(hip, spec, family, whole_parts(prices, hip.lesion.points_mm))
    ring = ring_points(SWEEP_RING)
    _, ends, counts = judge_many(priced, family.lines, ring, SWEEP_STEP_MM)
    shapes = shapes_on(hip, spec, priced, family.lines, ends)
    apart = family.lines[best_in_cells(shapes, counts)[:JOINING]]
    lines, _, _, _ = climb_many(priced, apart, ring_points(FINAL_RING), FINAL_STEP_MM, 0.4, 0.05)
    return lines


def _priced_problem(hip: Hip, spec: Spec, family: Family, parts: Index) -> Problem:
    problem = build_problem(priced_hip(hip, parts), spec)
    return problem._replace(entry_fixed=family.problem.entry_fixed, entry_kept=family.problem.entry_kept)


def _lines_by(problem: Problem, cube: Cube) -> FloatArray:
    """Lines (M, 4) of a mesh of entries in a cube, near the surface, and of slopes."""
    step = min(ENTRY_STEP_MM, 0.5 * cube.edge_mm)
    ticks = np.arange(-0.5 * cube.edge_mm, 0.5 * cube.edge_mm + 1e-9, step)
    entries = cube.center + np.stack(np.meshgrid(ticks, ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 3)
    depth = ndimage.map_coordinates(problem.distance, (entries / problem.spacing).T, order=1, mode="nearest")
    entries = entries[np.abs(depth) <= 0.6 * step]
    size = np.arange(-np.floor(SLOPE_LIMIT / SLOPE_STEP), np.floor(SLOPE_LIMIT / SLOPE_STEP) + 1) * SLOPE_STEP
    slopes = np.stack(np.meshgrid(size, size, indexing="ij"), axis=-1).reshape(-1, 2)
    if len(entries) == 0:
        return np.zeros((0, 4))
    return np.concatenate([lines_through(problem, entry, slopes) for entry in entries])
