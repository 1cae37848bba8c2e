"""The line on which a tunnel that removes enough perforates least often.

How much is removed is given: on every line the tunnel is as short as that allows, so the line's four numbers are left.
Every trial is drilled with the same errors, and its measure stays smooth where nothing perforates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.drilled import Drill, Drilled, softened
from corecore.planning.search.line_geometry import fine_ring, ring_points
from corecore.planning.search.local_search import line_through
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.shallow import shallowest
from corecore.planning.search.single import WIDE_MESH, best_of_neighbourhoods, tunnel_of_line
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_STEP_MM
from corecore.tunnels.objective import objective_fraction
from corecore.tunnels.risk.methods import Method

#: Drillings of a trial: to rank the starts, along the curve and for sets, in the climbs from the starts, and where
#: their summits are compared.
FEW, SOME, MORE, MANY = 96, 512, 1024, 4096
#: Starts that climb, and summits that are compared by more drillings.
STARTS, FINALISTS = 8, 4
#: Starts are looked for among so many of the sweep's lines, those that remove at least this part of the share.
RANKED, NEARLY = 400, 0.85
#: Slopes are taken over this part of a step; steps are of these parts of their size; of those that should help most so
#: many are drilled, at most so many times as many held against the limits; where none helps they shrink.
SLOPE_PART, PARTS, TRIED, CHECKS, SHRINK = 0.4, (1.0, 0.6, 0.3), 3, 8, 0.4
#: Steps of a climb at most; their first and last size, from a start and by the rings of the last look.
STEPS_MAX = 12
FROM_START, LAST = (0.8, 0.2), (0.3, 0.1)
#: A step is taken where it makes the measure less by more than this part.
GAIN = 0.002
#: Room beyond every margin in the climbs, whose rings are coarse, and in the last one, mm.
SLACK_MM, FINE_SLACK_MM = 0.1, 0.01
RING, STEP_MM = 16, 1.0
#: Which of K tunnels may be taken, (K,).
Allowed = Callable[[Sequence[Tunnel]], BoolArray]
#: What a climb minimises is at least this where the share asked for is not reached.
SHORT = 1.0


class SafestLine:
    """The search for one tunnel: lines, each drilled no deeper than the points asked for need.

    Parameters
    ----------
    hip : Hip
        The hip.
    spec : Spec
        Parameters in force.
    method : Method
        The guidance method.
    most : Tunnel
        The tunnel that removes most, local mm.
    passing : ndarray, shape (N, 4)
        Lines of the sweep that carry a tunnel, most removed first.
    allowed : function, optional
        Which of some tunnels may be taken, where more than the limits decides.
    """

    def __init__(
        self, hip: Hip, spec: Spec, method: Method, most: Tunnel, passing: FloatArray, allowed: Allowed | None = None
    ) -> None:
        self.hip, self.spec, self.passing, self.allowed = hip, spec, passing, allowed
        self.drill = Drill(hip, spec, method)
        self.fine: Problem = build_problem(hip, spec, slack_mm=FINE_SLACK_MM)
        own = line_through(self.fine, most)
        self.most: FloatArray = np.zeros(4) if own is None else own
        self.count: float = objective_fraction(hip, [most], spec) * self.fine.points.shape[1]
        self.free = free_moves(self.fine)

    @cached_property
    def coarse(self) -> Problem:
        """The problem of the climbs."""
        return build_problem(self.hip, self.spec, slack_mm=SLACK_MM)

    def need(self, share: float) -> int:
        """Points that a share of the most is; one more, for what single precision counts."""
        return max(1, math.ceil(share * float(self.count)) + 1)

    def safest(self, need: int) -> FloatArray | None:
        """The safest line for so many points, from the most's own line and from the sweep's; ``None``: none was found.

        Every start climbs; the best of the summits climbs on, by the rings of the last look.
        """
        reached = [self._climb(line, need, MORE, *FROM_START) for line in self._starts(need)]
        reached.sort(key=lambda pair: pair[1])
        lines = np.stack([line for line, _ in reached[:FINALISTS]])
        # Perforations are few: it takes many drillings to tell which of two summits is the safer.
        best = lines[int(np.argmin(self._scores(lines, need, MANY)))]
        return self._finished(best, need, MANY, thorough=True)

    def nearby(self, starts: FloatArray, need: int, *, far: bool = False) -> FloatArray | None:
        """The safest line for so many points near the best of lines (N, 4); ``far``: they are of another share."""
        best = int(np.argmin(self._scores(starts, need, SOME))) if len(starts) > 1 else 0
        line, _ = self._climb(starts[best], need, SOME, *((1.5, 0.3) if far else (0.4, 0.1)))
        return self._finished(line, need, SOME)

    def nearest(self, need: int) -> tuple[FloatArray, float]:
        """The safest line for so many points near the most's own, and its measure; by the rings of the last look."""
        return self._climb(self.most, need, SOME, FROM_START[0], LAST[1], fine=True)

    def shortest(self, line: FloatArray, need: int) -> Tunnel | None:
        """The shortest tunnel on a line that removes so many points; ``None`` where none does."""
        ends, counts = self._shallowest(line[None], need, fine=True)
        if counts[0] < need:
            return None
        return tunnel_of_line(self.spec, self.fine, line, float(ends[0, 0]), float(ends[0, 1]))

    def _shallowest(
        self, lines: FloatArray, need: int, *, fine: bool = False
    ) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        problem = self.fine if fine else self.coarse
        ring, step = (fine_ring(problem), RING_STEP_MM) if fine else (ring_points(RING), STEP_MM)
        return shallowest(problem, np.ascontiguousarray(lines), ring, step, need)

    def _starts(self, need: int) -> FloatArray:
        """The most's own line, and the sweep's that remove nearly enough, safest of their neighbourhoods first."""
        lines, nearly = self.passing[:RANKED], math.floor(NEARLY * need)
        if len(lines) == 0:
            return self.most[None]
        # All as safe as they can be for the same share, a little less than what is asked for.
        ends, counts = self._shallowest(lines, nearly)
        able = counts >= nearly
        lines, ends = lines[able], ends[able]
        if len(lines) == 0:
            return self.most[None]
        tunnels = [tunnel_of_line(self.spec, self.coarse, lines[i], *ends[i]) for i in range(len(lines))]
        order = np.argsort([self.drill.drilled(tunnel, FEW).measure for tunnel in tunnels], kind="stable")
        apart = best_of_neighbourhoods(lines[order], WIDE_MESH)[: STARTS - 1]
        return np.concatenate([self.most[None], apart])

    def _finished(self, line: FloatArray, need: int, poses: int, *, thorough: bool = False) -> FloatArray | None:
        """The last climb, by the rings of the last look; ``None`` where too little is removed."""
        line, score = self._climb(line, need, poses, *LAST, fine=True, thorough=thorough)
        return line if score < SHORT else None

    def _able(self, line: FloatArray, need: int, *, fine: bool) -> FloatArray | None:
        """The line moved until it reaches the share; ``None`` where no step helps."""
        moves, size = (self.fine if fine else self.coarse).moves, 0.5
        most = int(self._shallowest(line[None], need, fine=fine)[1][0])
        while most < need and size > 0.02:
            counts = self._shallowest(line + size * moves, need, fine=fine)[1]
            best = int(np.argmax(counts))
            if counts[best] > most:
                line, most = line + size * moves[best], int(counts[best])
            else:
                size *= 0.5
        return line if most >= need else None

    def _climb(
        self, line: FloatArray, need: int, poses: int, size: float, smallest: float, *,
        fine: bool = False, thorough: bool = False,
    ) -> tuple[FloatArray, float]:  # fmt: skip
        """Where steps from a line end, and its measure; each is the best by the slopes of every drilling's clearance.

        Around a line the clearance of each of its nearest drillings is taken as linear in the line's numbers, the
        steps that make the measure least by that are tried, and the best is taken, if all drillings bear it out. Where
        none helps the steps of a compass are tried if the climb is to be ``thorough``, else, or if they do not help,
        steps shrink.
        """
        able = self._able(line, need, fine=fine)
        if able is None:
            return line, SHORT
        line, best = able, (able, math.inf)
        problem = self.fine if fine else self.coarse
        for _ in range(STEPS_MAX):
            ways = line + np.concatenate([np.zeros((1, 4)), self.free, -self.free]) * (SLOPE_PART * size)
            ends, counts = self._shallowest(ways, need, fine=fine)
            enough = np.flatnonzero(counts >= need)
            tunnels = {int(i): tunnel_of_line(self.spec, problem, ways[i], *ends[i]) for i in enough}
            here = self.drill.drilled(tunnels[0], poses)
            if len(self.free) == 0:
                # Entry and direction are fixed: only the depth is left, and the share decides it.
                return line, here.measure
            if here.measure < best[1]:
                best = line, here.measure
            else:
                # The nearest drillings promised more than all of them keep.
                line, size = best[0], size * SHRINK
                if size < smallest:
                    break
                continue
            near, rest = here.nearest()
            part = len(near.clearances) / poses
            # One way suffices for a slope, where there is one.
            one_way = [i if i in tunnels else i + len(self.free) for i in range(1, len(self.free) + 1)]
            taken = [i for i in one_way if i in tunnels]
            found = self.drill.carried(near, [tunnels[i] for i in taken])
            slopes = np.zeros((len(self.free), len(found)))
            for column, i in enumerate(taken):
                way = 1.0 if i <= len(self.free) else -1.0
                slopes[(i - 1) % len(self.free)] = way * (found[:, column] - near.clearances) / (SLOPE_PART * size)
            moved = None
            while moved is None and size >= smallest:
                steps = size * _mesh(len(self.free))
                guessed = rest + part * softened(near.clearances[:, None] + (steps @ slopes).T)
                order = np.argsort(guessed, kind="stable")[: CHECKS * TRIED]
                promising = line + steps[order[guessed[order] < here.measure]] @ self.free
                # What the nearest drillings must come to for a step to be taken.
                less = ((1.0 - GAIN) * here.measure - rest) / part
                moved = self._best_of(promising, need, near, less, TRIED, fine=fine)
                if moved is None and thorough:
                    moved = self._best_of(line + size * problem.moves, need, near, less, 32, fine=fine)
                if moved is None:
                    size *= SHRINK
            if moved is None:
                break
            line = moved
        return best

    def _best_of(
        self, lines: FloatArray, need: int, near: Drilled, less: float, tried: int, *, fine: bool
    ) -> FloatArray | None:
        """The best of the first ``tried`` of lines (N, 4) within the limits, if its measure is under ``less``."""
        able, tunnels = self._within_limits(lines, need, tried, fine=fine)
        if not able:
            return None
        scores = softened(self.drill.carried(near, tunnels))
        best = int(np.argmin(scores))
        return able[best] if scores[best] < less else None

    def _within_limits(
        self, lines: FloatArray, need: int, tried: int, *, fine: bool
    ) -> tuple[list[FloatArray], list[Tunnel]]:
        """The first few of lines (N, 4) that carry a tunnel for the share, and those tunnels."""
        problem, able, tunnels = self.fine if fine else self.coarse, list[FloatArray](), list[Tunnel]()
        for first in range(0, len(lines), tried):
            part = lines[first : first + tried]
            ends, counts = self._shallowest(part, need, fine=fine)
            good = np.flatnonzero(counts >= need)
            those = [tunnel_of_line(self.spec, problem, part[i], float(ends[i, 0]), float(ends[i, 1])) for i in good]
            may = np.ones(len(good), dtype=bool) if self.allowed is None else self.allowed(those)
            for i in np.flatnonzero(may)[: tried - len(able)]:
                able.append(part[good[i]])
                tunnels.append(those[i])
            if len(able) == tried:
                break
        return able, tunnels

    def _scores(self, lines: FloatArray, need: int, poses: int) -> FloatArray:
        """The measure of lines (N, 4); 1 and more: it removes too little."""
        ends, counts = self._shallowest(lines, need)
        scores = SHORT + 1.0 - counts / need
        for i in np.flatnonzero(counts >= need):
            scores[i] = self.drill.drilled(tunnel_of_line(self.spec, self.coarse, lines[i], *ends[i]), poses).measure
        return np.asarray(scores)


def free_moves(problem: Problem) -> FloatArray:
    """Unit steps (M, 4) along each of a line's numbers that is free, those that it takes along included."""
    moves = problem.moves
    free = moves[:, 2:] if problem.entry_kept >= 0.0 else moves[:, :2] if problem.direction_kept >= 0.0 else moves
    return np.asarray(moves[(np.count_nonzero(free, axis=1) == 1) & (free.max(axis=1) > 0.0)])


@lru_cache(maxsize=4)
def _mesh(numbers: int) -> FloatArray:
    """Steps (N, ``numbers``) of a size and of parts of it, along every number and all of them together."""
    ticks = np.array(np.meshgrid(*[[-1.0, 0.0, 1.0]] * numbers, indexing="ij")).reshape(numbers, 3**numbers)
    ways = ticks.T[np.any(ticks != 0.0, axis=0)]
    return np.asarray(np.concatenate([part * ways for part in PARTS]))
