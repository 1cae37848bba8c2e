"""Candidates for sets of tunnels: lines of the sweep and fans through points of the entry zone.

Each candidate has its shape (``corecore.tunnels.tunnel_set``) and the lesion points it removes, as bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import fine_ring, ring_points
from corecore.planning.search.problem import Problem, build_problem, thinned
from corecore.planning.search.single import SLOPE_MAX, SWEEP_RING, SWEEP_STEP_MM, lattice
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_STEP_MM
from corecore.tunnels.objective import objective_points, points_counted
from corecore.tunnels.tunnel_set import Shapes, conflicts, shapes_of, shapes_of_tunnels, shares_portal

#: Mesh of the sweep for candidates, mm and slope: exchange and climb do the rest.
OFFSET_STEP_MM, SLOPE_STEP = 1.25, 0.0275
#: Of the sweep's lines the best in each cell of tips and entries of these sizes, mm, and at most so many.
TIP_CELL_MM, ENTRY_CELL_MM, SWEPT_MAX = 2.5, 4.0, 3000
#: Fans: so many entry points, from cells of this size, each with at most so many lines.
FAN_ENTRIES, FAN_CELL_MM, FAMILY_MAX = 16, 2.0, 150
FAN_SLOPE_STEP = 0.022
#: Lesion points that stand for the lesion while candidates are chosen, and while a set is climbed.
POOL_POINTS, CLIMB_POINTS = 8000, 25_000
#: Margins grow by this in the search, mm: the last judgement's rings lie elsewhere along the wall.
SLACK_MM = 0.02

Bits = npt.NDArray[np.uint64]
Index = npt.NDArray[np.int64]


@dataclass(eq=False)
class Pool:
    """Candidates: lines (N, 4), shapes, bits (N, W), and which of them make up each fan and each common direction."""

    hip: Hip
    spec: Spec
    problem: Problem
    lines: FloatArray
    shapes: Shapes
    bits: Bits
    points_mm: FloatArray
    fans: list[Index]
    directions: list[Index]
    banned: BoolArray
    judged: int = 0

    def add(self, lines: FloatArray, shapes: Shapes) -> Index:
        """Append tunnels; their indices."""
        first = len(self.lines)
        self.lines = np.concatenate([self.lines, lines])
        self.shapes = self.shapes.joined(shapes)
        self.bits = np.concatenate([self.bits, bits_of(shapes, self.points_mm, self.spec)])
        self.banned = np.append(self.banned, np.zeros(len(lines), dtype=bool))
        return np.arange(first, len(self.lines))

    def emptied(self) -> Pool:
        """A pool of the same hip without candidates."""
        none = np.zeros(0, dtype=np.int64)
        return replace(
            self, lines=self.lines[none], shapes=self.shapes.take(none), bits=self.bits[none], fans=[], directions=[],
            banned=self.banned[none], judged=0,
        )  # fmt: skip

    def add_fan(self, entry: FloatArray, with_also: Sequence[int] = ()) -> None:
        """Append lines of all directions through an entry (3,), as a fan with some that the pool has already."""
        through = lines_through(self.problem, entry, _slopes())
        self._add_family(through, with_also, self.fans, lambda shapes: _near(shapes.entry, entry))

    def add_direction(self, slopes: FloatArray, with_also: Sequence[int] = ()) -> None:
        """Append parallel lines of slopes (2,), as a family with some that the pool has already."""
        reach = np.arange(-20.0, 20.1, 1.0)
        p, q = (g.ravel() for g in np.meshgrid(reach, reach, indexing="ij"))
        beside = np.stack([p, q, np.full(len(p), slopes[0]), np.full(len(p), slopes[1])], axis=1)
        self._add_family(beside, with_also, self.directions, lambda shapes: np.ones(len(shapes), dtype=bool))

    def _add_family(
        self,
        lines: FloatArray,
        with_also: Sequence[int],
        families: list[Index],
        fits: Callable[[Shapes], BoolArray],
    ) -> None:
        _, ends, counts = evaluate_many(self.problem, lines, ring_points(SWEEP_RING), SWEEP_STEP_MM)
        self.judged += len(lines)
        good = counts > 0
        best = best_in_cells(shapes_on(self.hip, self.spec, self.problem, lines[good], ends[good]), counts[good])
        lines, shapes = _exact(self.hip, self.spec, self.problem, lines[good][best[:FAMILY_MAX]])
        fit = fits(shapes)
        families.append(np.concatenate([np.array(with_also, dtype=np.int64), self.add(lines[fit], shapes.take(fit))]))

    def conflicts(self, i: int, members: Index, *, sharing: bool) -> BoolArray:
        """Which of ``members`` may not stand beside candidate ``i``."""
        return conflicts(self.shapes.take(members), self.shapes.take([i]), self.spec, sharing=sharing)

    def shares(self, i: int, members: Index) -> BoolArray:
        """Which of ``members`` begin where candidate ``i`` does."""
        return shares_portal(self.shapes.take(members), self.shapes.take([i]))


def line_points(problem: Problem, lines: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points on the neck plane and unit directions (N, 3) of lines (N, 4)."""
    n = problem.neck_frame
    point = problem.neck_center + lines[:, :1] * n[1] + lines[:, 1:2] * n[2]
    direction = n[0] + lines[:, 2:3] * n[1] + lines[:, 3:] * n[2]
    return point, direction / np.linalg.norm(direction, axis=1, keepdims=True)


def lines_through(problem: Problem, point: FloatArray, slopes: FloatArray) -> FloatArray:
    """Lines (N, 4) of slopes (N, 2) through one point (3,)."""
    at = problem.neck_frame @ (point - problem.neck_center)
    return np.concatenate([at[1:] - at[0] * slopes, slopes], axis=1)


def line_of_tunnel(problem: Problem, tunnel: Tunnel) -> FloatArray:
    """The line (4,) of a tunnel."""
    heading = problem.neck_frame @ tunnel.direction
    return np.asarray(lines_through(problem, tunnel.entry, heading[None, 1:] / heading[0])[0])


def shapes_on(hip: Hip, spec: Spec, problem: Problem, lines: FloatArray, ends: FloatArray) -> Shapes:
    """Shapes of the tunnels on lines (N, 4) between ``t`` (N, 2)."""
    point, direction = line_points(problem, lines)
    return shapes_of(hip, spec, point + ends[:, :1] * direction, direction, ends[:, 1] - ends[:, 0])


def bits_of(shapes: Shapes, points_mm: FloatArray, spec: Spec) -> Bits:
    """Which points (P, 3) count for the target with each tunnel, 64 a word, (N, W)."""
    inside = np.zeros((len(shapes), -(-len(points_mm) // 64) * 64), dtype=bool)
    for i in range(len(shapes)):
        inside[i, : len(points_mm)] = points_counted(shapes.tunnel(i), points_mm, spec)
    return np.packbits(inside, axis=1).view(np.uint64)


def build_pool(hip: Hip, spec: Spec, given: Sequence[Tunnel], pattern: str) -> Pool:
    """Candidates of a hip; the first are the kept tunnels and the best single one."""
    coarse_hip = thinned(hip, POOL_POINTS)
    problem = build_problem(coarse_hip, spec, slack_mm=SLACK_MM)
    points = objective_points(coarse_hip, spec)
    lines = lattice(problem, offset_step=OFFSET_STEP_MM, slope_step=SLOPE_STEP)
    lines_seen = lines
    ring = ring_points(SWEEP_RING)
    _, ends, counts = evaluate_many(problem, lines, ring, SWEEP_STEP_MM)
    good = counts > 0
    lines, ends, counts = lines[good], ends[good], counts[good]
    shapes = shapes_on(hip, spec, problem, lines, ends)
    chosen = best_in_cells(shapes, counts)[:SWEPT_MAX]
    start = np.stack([line_of_tunnel(problem, tunnel) for tunnel in given])
    pool = Pool(
        hip, spec, problem, start, shapes_of_tunnels(hip, spec, given), np.zeros((0, 0), dtype=np.uint64), points,
        [], [], np.zeros(len(given), dtype=bool),
    )  # fmt: skip
    pool.bits = bits_of(pool.shapes, points, spec)
    pool.add(*_exact(hip, spec, problem, lines[chosen]))
    pool.judged = len(lines_seen) + len(chosen)
    if pattern in ("any", "fan"):
        for entry in _fan_entries(pool, len(given)):
            pool.add_fan(entry)
    if pattern == "parallel":
        for slopes in _common_slopes(pool, len(given)):
            pool.add_direction(slopes)
    return pool


def _exact(hip: Hip, spec: Spec, problem: Problem, lines: FloatArray) -> tuple[FloatArray, Shapes]:
    """The lines that a fine sampling still lets pass, and their shapes."""
    _, ends, counts = evaluate_many(problem, lines, fine_ring(problem), RING_STEP_MM)
    good = counts > 0
    return lines[good], shapes_on(hip, spec, problem, lines[good], ends[good])


def _near(entries: FloatArray, entry: FloatArray) -> BoolArray:
    # A line may leave the bone elsewhere before it comes to the entry.
    return np.asarray(np.linalg.norm(entries - entry, axis=1) < 0.1)


def best_in_cells(shapes: Shapes, counts: Index) -> Index:
    """Indices of the tunnels that remove most in each cell of tips and entries, best first."""
    tips = shapes.entry + shapes.length[:, None] * shapes.direction
    order = np.argsort(-counts, kind="stable")
    cell = np.concatenate([np.floor(tips / TIP_CELL_MM), np.floor(shapes.entry / ENTRY_CELL_MM)], axis=1)
    _, first = np.unique(cell[order], axis=0, return_index=True)
    return np.asarray(order[np.sort(first)], dtype=np.int64)


def _fan_entries(pool: Pool, given: int) -> FloatArray:
    """Entry points from which most of the lesion is reached, a cell apart."""
    cell = np.floor(pool.shapes.entry / FAN_CELL_MM)
    _, group = np.unique(cell, axis=0, return_inverse=True)
    group = group.reshape(-1)
    reach = np.array([
        int(np.bitwise_count(np.bitwise_or.reduce(pool.bits[group == g], axis=0)).sum())
        for g in range(group.max() + 1)
    ])  # fmt: skip
    counts = np.bitwise_count(pool.bits).sum(axis=1)
    best = []
    for g in np.argsort(-reach, kind="stable")[: FAN_ENTRIES - 1]:
        members = np.flatnonzero(group == g)
        best.append(members[int(np.argmax(counts[members]))])
    # The entries of what is given and of the best single tunnel are always among them.
    chosen = list(dict.fromkeys([*range(given), *(int(i) for i in best)]))
    return np.asarray(pool.shapes.entry[chosen])


def _slopes() -> FloatArray:
    ticks = np.arange(-np.floor(SLOPE_MAX / FAN_SLOPE_STEP), np.floor(SLOPE_MAX / FAN_SLOPE_STEP) + 1) * FAN_SLOPE_STEP
    a, b = np.meshgrid(ticks, ticks, indexing="ij")
    return np.stack([a.ravel(), b.ravel()], axis=1)


def _common_slopes(pool: Pool, given: int) -> FloatArray:
    """Slopes (N, 2) along which the sweep's lines reach most of the lesion, and those of what is given."""
    slopes, group = np.unique(np.round(pool.lines[given:, 2:], 6), axis=0, return_inverse=True)
    group = group.reshape(-1)
    reach = np.array([
        int(np.bitwise_count(np.bitwise_or.reduce(pool.bits[given:][group == g], axis=0)).sum())
        for g in range(len(slopes))
    ], dtype=np.int64)  # fmt: skip
    best = np.argsort(-reach, kind="stable")[: FAN_ENTRIES - 1]
    return np.concatenate([pool.lines[:given, 2:], slopes[best]])
