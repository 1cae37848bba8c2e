"""Joint refinement of a set: each tunnel, each fan's entry and each common direction moved against the rest.

A move is kept where the union removes more and every rule holds. Tunnels of a fan turn about
their common entry; alone, a tunnel moves in all four numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import fine_ring
from corecore.planning.search.problem import Problem, build_problem, compass_moves, thinned
from corecore.planning.sets.candidates import CLIMB_POINTS, SLACK_MM, line_points, lines_through, shapes_on
from corecore.planning.sets.exchange import SAFE_NECK_SHARE
from corecore.tunnels.figures import RING_STEP_MM
from corecore.tunnels.objective import objective_points, points_counted
from corecore.tunnels.tunnel_set import Shapes, conflicts, portals_of

#: Sizes of the moves, in units of the compass steps (1 mm or 0.03 of slope).
SIZES = (1.0, 0.5, 0.25, 0.12, 0.06)
#: At most so many kept moves of one part at one size before the others have their turn.
MOVES_MAX = 4
#: Turns of all parts at one size.
TURNS_MAX = 3


@dataclass(eq=False)
class Climber:
    """What a climb needs of a hip, made once: the problem and its thinned points."""

    hip: Hip
    spec: Spec
    problem: Problem
    points_mm: FloatArray
    sharing: bool
    parallel: bool
    judged: int = 0

    def climbed(self, lines: FloatArray, shapes: Shapes, still: Sequence[int] = ()) -> tuple[FloatArray, Shapes]:
        """Lines (K, 4) and shapes that do at least as much for the thinned points, within the same rules.

        The tunnels numbered in ``still`` stay where they are.
        """
        state = _State(self, lines.copy(), shapes, still)
        for size in SIZES:
            for _ in range(TURNS_MAX):
                if not state.turn(size):
                    break
        return state.lines, state.shapes


def climber(hip: Hip, spec: Spec, *, sharing: bool, parallel: bool) -> Climber:
    """A climber for a hip. ``sharing`` false keeps portals apart; ``parallel`` keeps directions equal."""
    small = thinned(hip, CLIMB_POINTS)
    problem = build_problem(small, spec, slack_mm=SLACK_MM)
    return Climber(hip, spec, problem, objective_points(small, spec), sharing, parallel)


def leaned(problem: Problem, lines: FloatArray, entries: FloatArray, size: float) -> FloatArray:
    """Lines (T, K, 4) of a set with all its directions leaned alike; ``entries`` (K, 3) are where it begins.

    Once about where each passes the neck plane, once about the entries.
    """
    slopes = size * _slope_moves()
    trial = np.repeat(lines[None], 2 * len(slopes), axis=0)
    trial[:, :, 2:] += np.concatenate([slopes, slopes])[:, None, :]
    heights = (entries - problem.neck_center) @ problem.neck_frame[0]
    trial[len(slopes) :, :, :2] -= heights[None, :, None] * slopes[:, None, :]
    return trial


def shifted(problem: Problem, lines: FloatArray, tips: FloatArray, size: float) -> FloatArray:
    """Lines (T, M, 4) of a fan with its entry moved over the surface, directions kept or turned about tips (M, 3)."""
    moves = compass_moves()
    offsets = moves[np.all(moves[:, 2:] == 0.0, axis=1)][:, :2] * size
    lead = np.repeat(lines[0][None], len(offsets), axis=0)
    lead[:, :2] += offsets
    _, ends, counts = evaluate_many(problem, lead, fine_ring(problem), RING_STEP_MM)
    good = counts > 0
    point, direction = line_points(problem, lead[good])
    entries = point + ends[good, :1] * direction
    trial = np.empty((2 * len(entries), len(lines), 4))
    for n, entry in enumerate(entries):
        trial[n] = lines_through(problem, entry, lines[:, 2:])
        heading = (tips - entry) @ problem.neck_frame.T
        trial[len(entries) + n] = lines_through(problem, entry, heading[:, 1:] / heading[:, :1])
    return trial


def _slope_moves() -> FloatArray:
    moves = compass_moves()
    return np.asarray(moves[np.all(moves[:, :2] == 0.0, axis=1)][:, 2:])


class _State:
    """A set on its way."""

    def __init__(self, climber: Climber, lines: FloatArray, shapes: Shapes, still: Sequence[int]) -> None:
        self.of, self.lines, self.shapes, self.still = climber, lines, shapes, set(still)
        self.inside = np.stack(
            [points_counted(shapes.tunnel(i), climber.points_mm, climber.spec) for i in range(len(shapes))]
        )
        self.value = int(np.count_nonzero(self.inside.any(axis=0)))
        self.moves = climber.problem.moves

    def turn(self, size: float) -> bool:
        """Every part once; whether anything moved."""
        moved = False
        portals = portals_of(self.shapes.entry)
        for portal in sorted(set(portals)):
            members = [i for i, p in enumerate(portals) if p == portal]
            if len(members) > 1:
                for i in members:
                    if i not in self.still:
                        moved |= self._repeat(partial(self._turned, i), [i], size)
                if not self.still.intersection(members):
                    moved |= self._repeat(partial(self._shifted, members), members, size)
            elif (i := members[0]) not in self.still:
                moved |= self._repeat(partial(self._alone, i), [i], size)
        if self.of.parallel and len(portals) > 1 and not self.still:
            everyone = list(range(len(portals)))
            moved |= self._repeat(self._leaned, everyone, size)
        return moved

    def _alone(self, i: int, size: float) -> FloatArray:
        moves = self.moves
        if self.of.parallel and len(self.lines) > 1:
            moves = moves[np.all(moves[:, 2:] == 0.0, axis=1)]
        return np.asarray((self.lines[i] + size * moves)[:, None, :])

    def _turned(self, i: int, size: float) -> FloatArray:
        slopes = _slope_moves()
        return lines_through(self.of.problem, self.shapes.entry[i], self.lines[i, 2:] + size * slopes)[:, None, :]

    def _leaned(self, size: float) -> FloatArray:
        return leaned(self.of.problem, self.lines, self.shapes.entry, size)

    def _shifted(self, members: list[int], size: float) -> FloatArray:
        part = self.shapes.take(members)
        tips = part.entry + part.length[:, None] * part.direction
        return shifted(self.of.problem, self.lines[members], tips, size)

    def _repeat(self, propose: Callable[[float], FloatArray], members: list[int], size: float) -> bool:
        moved = False
        for _ in range(MOVES_MAX):
            if not self._best_of(propose(size), members):
                break
            moved = True
        return moved

    def _best_of(self, trials: FloatArray, members: list[int]) -> bool:
        """Keep the best of trials (T, M, 4) for the members' lines, if it is better than what there is."""
        if len(trials) == 0:
            return False
        of, size = self.of, len(members)
        flat = trials.reshape(-1, 4)
        _, ends, counts = evaluate_many(of.problem, flat, fine_ring(of.problem), RING_STEP_MM)
        of.judged += len(flat)
        feasible = np.flatnonzero(np.all((counts > 0).reshape(-1, size), axis=1))
        if len(feasible) == 0:
            return False
        others = [i for i in range(len(self.lines)) if i not in members]
        base = self.inside[others].any(axis=0) if others else np.zeros(self.inside.shape[1], dtype=bool)
        left = of.points_mm[~base]
        need = self.value - int(np.count_nonzero(base))
        shapes = shapes_on(of.hip, of.spec, of.problem, flat, ends)
        values = [self._union(shapes, int(t) * size, size, left) for t in feasible]
        for n in np.argsort(-np.array(values), kind="stable"):
            if values[n] <= need:
                return False
            first = int(feasible[n]) * size
            part = shapes.take(slice(first, first + size))
            if self._legal(part, members, others):
                self._set(members, flat[first : first + size], part)
                return True
        return False

    def _union(self, shapes: Shapes, first: int, size: int, points: FloatArray) -> int:
        hit: BoolArray = np.zeros(len(points), dtype=bool)
        for i in range(first, first + size):
            hit |= points_counted(shapes.tunnel(i), points, self.of.spec)
        return int(np.count_nonzero(hit))

    def _legal(self, part: Shapes, members: list[int], others: list[int]) -> bool:
        of = self.of
        most = of.spec.neck_area_share_max
        if most is not None:
            share = float(self.shapes.take(others).joined(part).neck_shares(of.hip.anatomy).sum())
            if share > most * SAFE_NECK_SHARE:
                return False
        wall = of.spec.lateral_wall_share_max
        if wall is not None:
            every = self.shapes.take(others).joined(part)
            share = every.take([0]).wall_shares(of.hip.anatomy, every.take(slice(1, None)))[0]
            if not share <= wall * SAFE_NECK_SHARE:
                return False
        for m in range(len(members)):
            one = part.take([m])
            # A fan stays one: apart, its members would be further holes.
            if len(members) > 1 and not of.parallel and np.linalg.norm(part.entry[m] - part.entry[0]) > 0.2:
                return False
            if len(members) == 1 and self._leaves_portal(members[0], part.entry[0]):
                return False
            rest = self.shapes.take(others).joined(part.take(slice(m + 1, None)))
            if len(rest) and conflicts(rest, one, of.spec, sharing=of.sharing).any():
                return False
        return True

    def _leaves_portal(self, i: int, entry: FloatArray) -> bool:
        """Whether a member of a fan would leave its entry."""
        gaps = np.linalg.norm(self.shapes.entry - self.shapes.entry[i], axis=1)
        fan = (gaps <= 0.5) & (np.arange(len(gaps)) != i)
        now = np.linalg.norm(self.shapes.entry - entry, axis=1)
        return bool(np.any(now[fan] > 0.3))

    def _set(self, members: list[int], lines: FloatArray, part: Shapes) -> None:
        keep = [i for i in range(len(self.lines)) if i not in members]
        order = np.argsort([*keep, *members], kind="stable")
        self.shapes = self.shapes.take(keep).joined(part).take(order)
        self.lines[members] = lines
        for m, i in enumerate(members):
            self.inside[i] = points_counted(part.tunnel(m), self.of.points_mm, self.of.spec)
        self.value = int(np.count_nonzero(self.inside.any(axis=0)))
