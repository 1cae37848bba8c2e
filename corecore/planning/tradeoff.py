"""The tunnel that perforates least often among those that remove nearly the most, and the curve of both.

How much is removed is given, how seldom it perforates is looked for: on every line the tunnel is as short as the share
asked for allows, so a search has the line's four numbers left. Every trial is drilled with the same errors, others
than those that the figures come from, and what it is judged by stays smooth where nothing perforates, so that the
search goes on to more clearance. One share follows from the next: the curve costs little more than its chosen point.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise, zip_longest

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.line_geometry import fine_ring, ring_points
from corecore.planning.search.local_search import line_through
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.shallow import shallowest
from corecore.planning.search.single import WIDE_MESH, best_of_neighbourhoods, tunnel_of_line
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_STEP_MM, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.objective import objective_fraction, objective_points, points_counted
from corecore.tunnels.risk.drilling import SHIFTS, perturbed
from corecore.tunnels.risk.execution import clearances_of_poses
from corecore.tunnels.risk.methods import Method
from corecore.tunnels.tunnel_set import SHARED_PORTAL_MM, set_violations

_log = logging.getLogger(__name__)

#: Shares of the most at which the curve is looked for, below the share that is asked for and, of what lies between it
#: and the most, above it (engineering choices).
BELOW, ABOVE = (0.85, 0.65, 0.4, 0.15), (0.4, 0.75)
#: Points of a curve where the bone allows different ones, and how many shares are tried between others for it.
POINTS, BETWEEN = 8, 4
#: Errors drawn for a trial: to rank the starts, along the curve, and for the point that is chosen.
FEW, SOME, MANY = 64, 128, 512
#: Starts that climb a little, and those of them that climb on.
STARTS, FINALISTS = 8, 3
#: Starts are looked for among so many of the sweep's lines, those that remove at least this part of the share.
RANKED, NEARLY = 400, 0.9
#: A clearance counts as perforation in part where it is about so small, mm: the search's measure is smooth over it.
SOFT_MM = 0.4
#: Clearances beyond this are all one to the search, mm.
FARTHEST_MM = 3.0
#: Slopes are taken over this part of a step; steps are of these parts of their size; of those that should help most so
#: many are drilled, at most so many times as many held against the limits; where none helps they shrink.
SLOPE_PART, PARTS, TRIED, CHECKS, SHRINK = 0.4, (1.0, 0.6, 0.3), 3, 8, 0.4
#: Rounds over the tunnels of a set at each share.
ROUNDS = 1
#: Steps of a climb at most.
STEPS_MAX = 12
#: First step of the last climb to the chosen point.
LAST_SIZE = 0.3
#: A step is taken where it makes the measure less by more than this part.
GAIN = 0.002
#: Room beyond every margin in the climbs, whose rings are coarse, and in the last one, mm.
SLACK_MM, FINE_SLACK_MM = 0.1, 0.01
RING, STEP_MM = 16, 1.0
#: Draws of the search, other than those the plan's figures come from.
SEARCH_SEED = 1
#: What a climb minimises is at least this where the share asked for is not reached.
SHORT = 1.0


@dataclass(frozen=True, eq=False)
class TradeoffPoint:
    """Tunnels, what they remove, and how often drilling them perforates.

    Parameters
    ----------
    tunnels : tuple of Tunnel
        The tunnels, local mm.
    removed_fraction : float
        The objective's share, 0 to 1, as ``corecore.tunnels.objective.objective_fraction`` measures it.
    perforation_probability : float
        Probability that any of the tunnels perforates cortex or joint, 0 to 1, of 10,240 simulated drillings.
    clearance_p05_mm : float
        5th percentile of the least clearance of those drillings, mm, negative where it perforates.
    """

    tunnels: tuple[Tunnel, ...]
    removed_fraction: float
    perforation_probability: float
    clearance_p05_mm: float


@dataclass(frozen=True, eq=False)
class Tradeoff:
    """Removed share against perforation, and the safest point that removes nearly the most.

    Parameters
    ----------
    points : tuple of TradeoffPoint
        From least perforation to most removed: strictly rising in what is removed, never falling in perforation.
        Points of equal perforation differ in clearance.
    chosen : int
        Index of the safest point that removes at least the share asked for of the most.
    most : TradeoffPoint
        The point that removes most; the last of ``points``, but for where the chosen one surpasses it.
    trials : int
        Tunnels, or sets, that the search simulated.
    """

    points: tuple[TradeoffPoint, ...]
    chosen: int
    most: TradeoffPoint
    trials: int


def tradeoff_of(
    hip: Hip,
    spec: Spec,
    method: Method,
    most: Sequence[Tunnel],
    passing: FloatArray,
    *,
    near_best_share: float = 0.95,
    progress: Callable[[float], None] | None = None,
) -> Tradeoff:
    """Search the safest of the tunnels that remove nearly the most, and the curve between risk and removal.

    Every point keeps every limit as ``corecore.tunnels.figures.assess`` measures it. Deterministic, and independent of
    the number of threads.

    Parameters
    ----------
    hip : Hip
        The hip.
    spec : Spec
        Parameters in force.
    method : Method
        The guidance method by which the tunnels are drilled.
    most : sequence of Tunnel
        The tunnel that removes most within the limits, local mm.
    passing : ndarray, shape (N, 4)
        Lines of the sweep that carry a tunnel, most removed first (``SearchResult.passing``).
    near_best_share : float, default 0.95
        Share of the most that the chosen point removes at least, 0 to 1.
    progress : callable, optional
        Told the share of the work done, 0 to 1.

    Returns
    -------
    Tradeoff
        The curve with its chosen point.

    Raises
    ------
    ValueError
        Without a tunnel.

    Notes
    -----
    The errors' model has no cavity: of a tunnel with one the shaft is simulated, to its tip.
    """
    if not most:
        raise ValueError("no tunnel; at least one is needed")
    tell = progress or (lambda share: None)
    curve = _Curve(hip, spec, method, most, near_best_share)
    if len(most) == 1 and not spec.keep:
        trials = _draw_lines(curve, _Lines(hip, spec, method, most[0], passing), tell)
    else:
        trials = _draw_sets(curve, _Sets(hip, spec, method, most), tell)
    tell(1.0)
    _log.info("tradeoff: %d trials, %d points", trials, len(curve.found))
    return curve.tradeoff(trials)


def _draw_lines(curve: _Curve, search: _Lines, tell: Callable[[float], None]) -> int:
    """One tunnel: the share asked for, then those below and above it, each from the last. How many were simulated."""
    asked = curve.share
    shares = [asked]
    first = _taken(curve, search, asked, search.best_start(asked))
    tell(0.5)
    line = first
    for below in BELOW:
        # Where nothing perforates, nothing is safer for removing less.
        if line is None or curve.found[-1].point.perforation_probability == 0.0:
            break
        shares.append(asked * below)
        line = _taken(curve, search, shares[-1], search.from_line(line, shares[-1]))
    tell(0.8)
    for above in ABOVE:
        shares.append(asked + (1.0 - asked) * above)
        _taken(curve, search, shares[-1], search.between(first, above, shares[-1]))
    tell(0.9)
    for _ in range(BETWEEN if first is not None else 0):
        share = curve.gap(shares)
        if share is None:
            break
        shares.append(share)
        _taken(curve, search, share, search.from_line(search.nearest(share), share))
    return search.trials


def _taken(curve: _Curve, search: _Lines, share: float, line: FloatArray | None) -> FloatArray | None:
    """A line whose tunnel was judged; ``None`` where it carries none that keeps every limit."""
    tunnel = None if line is None else search.tunnel(line, share)
    if tunnel is None:
        return None
    curve.take([tunnel])
    return line


def _draw_sets(curve: _Curve, search: _Sets, tell: Callable[[float], None]) -> int:
    """A set: from the most downwards, each share from the last. How many were simulated."""
    asked = curve.share
    shares = [*(asked + (1.0 - asked) * part for part in reversed(ABOVE)), asked, *(asked * part for part in BELOW)]
    tunnels = curve.most.point.tunnels
    for done, share in enumerate(shares, start=1):
        found = search.safer(tunnels, share)
        if found is not None:
            tunnels = found
            if curve.take(tunnels).perforation_probability == 0.0 and share <= asked:
                break
        tell(done / len(shares))
    return search.trials


@dataclass(frozen=True, eq=False)
class _Evaluated:
    """A point with its least clearance in each of the standard drillings (N,), mm."""

    point: TradeoffPoint
    clearances: FloatArray


class _Curve:
    """The points found, judged by the draws that the plan's figures come from."""

    def __init__(self, hip: Hip, spec: Spec, method: Method, most: Sequence[Tunnel], share: float) -> None:
        self.hip, self.spec, self.method, self.share = hip, spec, method, share
        self.most = self._evaluated(tuple(most))
        self.found: list[_Evaluated] = [self.most]

    def take(self, tunnels: Sequence[Tunnel]) -> TradeoffPoint:
        """Judge tunnels by the draws of the plan's figures, and keep them."""
        self.found.append(self._evaluated(tuple(tunnels)))
        return self.found[-1].point

    def _evaluated(self, tunnels: tuple[Tunnel, ...]) -> _Evaluated:
        entries, tips = perturbed(self.hip, list(tunnels), self.method)
        found = clearances_of_poses(self.hip, list(tunnels), self.spec, entries, tips, farthest_mm=math.inf)
        least = np.asarray(found.min(axis=1))
        removed = objective_fraction(self.hip, tunnels, self.spec)
        point = TradeoffPoint(tunnels, removed, float(np.mean(least < 0.0)), float(np.percentile(least, 5.0)))
        return _Evaluated(point, least)

    def gap(self, tried: Sequence[float]) -> float | None:
        """A share that a point is wanting at; ``None`` where there are points enough, or nothing is between them."""
        points = self._points()
        return None if len(points) >= POINTS else self._widest(points, tried)

    def _widest(self, points: list[_Evaluated], tried: Sequence[float]) -> float | None:
        """A share of the most, not tried yet, in the middle of the widest gap of perforation and removal."""
        most = self.most.point
        best, at = 0.0, None
        for low, high in pairwise(points):
            a, b = low.point, high.point
            risk = (b.perforation_probability - a.perforation_probability) / max(most.perforation_probability, 1e-9)
            wide = risk + (b.removed_fraction - a.removed_fraction) / most.removed_fraction
            share = 0.5 * (a.removed_fraction + b.removed_fraction) / most.removed_fraction
            if wide > best and min(abs(share - one) for one in tried) > 1e-3:
                best, at = wide, share
        return at

    def _chosen(self) -> _Evaluated:
        """The safest that removes enough; of ties the one with more clearance, then the one that removes more."""
        most = self.most.point
        enough = [
            one for one in self.found
            if one.point.removed_fraction >= self.share * most.removed_fraction
            and one.point.perforation_probability <= most.perforation_probability
        ]  # fmt: skip
        safest = min(enough, key=lambda one: one.point.perforation_probability)
        ties = [one for one in enough if _alike(one, safest)]
        return max(ties, key=lambda one: (one.point.clearance_p05_mm, one.point.removed_fraction))

    def _points(self) -> list[_Evaluated]:
        """The chosen point and those that nothing surpasses, by what they remove."""
        chosen, most = self._chosen(), self.most
        kept: list[_Evaluated] = []
        # From the most downwards: what removes less must perforate no oftener, and where no less often, clear more.
        for one in sorted(self.found, key=lambda one: (-one.point.removed_fraction, one.point.perforation_probability)):
            more = one.point.removed_fraction - chosen.point.removed_fraction
            if one.point.removed_fraction > most.point.removed_fraction:
                continue
            # What would surpass the chosen one lies within the simulation's error of it.
            if more > 0.0 and one is not most and _surpasses(one, chosen):
                continue
            if kept and one is not chosen and not _surpasses(one, kept[-1]):
                continue
            if one is chosen and kept and kept[-1].point.removed_fraction == one.point.removed_fraction:
                kept.pop()
            kept.append(one)
        return kept[::-1]

    def tradeoff(self, trials: int) -> Tradeoff:
        """The curve as it is handed out."""
        points, chosen = self._points(), self._chosen()
        return Tradeoff(tuple(one.point for one in points), points.index(chosen), self.most.point, trials)


def _surpasses(one: _Evaluated, other: _Evaluated) -> bool:
    """Whether a point is safer than another: perforates less often, or as often with more clearance."""
    mine, its = one.point, other.point
    if mine.removed_fraction == its.removed_fraction:
        return False
    if mine.perforation_probability != its.perforation_probability:
        return mine.perforation_probability < its.perforation_probability
    return mine.clearance_p05_mm > its.clearance_p05_mm


def _alike(one: _Evaluated, safest: _Evaluated) -> bool:
    """Whether a point perforates no oftener than the safest by more than the simulation can tell."""
    more = (one.clearances < 0.0).astype(np.float64) - (safest.clearances < 0.0)
    parts = more.reshape(SHIFTS, -1).mean(axis=1)
    error = max(float(parts.std(ddof=1)) / math.sqrt(SHIFTS), 1.5 / len(more))
    return float(more.mean()) <= error


class _Lines:
    """The search for one tunnel: lines, each drilled no deeper than the share asked for."""

    def __init__(
        self, hip: Hip, spec: Spec, method: Method, most: Tunnel, passing: FloatArray, beside: _Beside | None = None
    ) -> None:
        self.hip, self.spec, self.method, self.passing, self.beside = hip, spec, method, passing, beside
        self.coarse: Problem = build_problem(hip, spec, slack_mm=SLACK_MM)
        self.fine: Problem = build_problem(hip, spec, slack_mm=FINE_SLACK_MM)
        own = line_through(self.fine, most)
        self.most: FloatArray = np.zeros(4) if own is None else own
        self.count: float = objective_fraction(hip, [most], spec) * self.fine.points.shape[1]
        self.free = free_moves(self.fine)
        self.trials = 0
        #: Lines found, by their shares.
        self.lines: dict[float, FloatArray] = {1.0: self.most}

    def need(self, share: float) -> int:
        """Points that a share of the most is; one more, for what single precision counts."""
        return max(1, math.ceil(share * float(self.count)) + 1)

    def best_start(self, share: float) -> FloatArray | None:
        """The line of least perforation for a share, from the most's own line and from the sweep's."""
        need = self.need(share)
        reached = [self._climb(line, need, FEW, 0.8, 0.8) for line in self._starts(share)]
        reached.sort(key=lambda pair: pair[1])
        lines = np.stack([self._climb(line, need, SOME, 0.8, 0.2)[0] for line, _ in reached[:FINALISTS]])
        # Few drillings hold a handful of perforations: they do not tell which of two lines is the safer.
        best = lines[int(np.argmin(self._scores(lines, need, MANY)))]
        return self._finished(best, share, MANY, thorough=True)

    def from_line(self, line: FloatArray, share: float) -> FloatArray | None:
        """The line of least perforation for a share, from one of a share nearby."""
        line, _ = self._climb(line, self.need(share), SOME, 1.5, 0.3)
        return self._finished(line, share, SOME)

    def between(self, line: FloatArray | None, part: float, share: float) -> FloatArray | None:
        """The same from the way between a line and the most's."""
        if line is None:
            return None
        starts = np.stack([line, (1.0 - part) * line + part * self.most, self.most])
        best = int(np.argmin(self._scores(starts, self.need(share), SOME)))
        line, _ = self._climb(starts[best], self.need(share), SOME, 0.4, 0.1)
        return self._finished(line, share, SOME)

    def nearest(self, share: float) -> FloatArray:
        """The line found for the share nearest to one, of those above it."""
        return self.lines[min(one for one in self.lines if one >= share)]

    def tunnel(self, line: FloatArray, share: float) -> Tunnel | None:
        """The tunnel on a line for a share; ``None`` where it breaks a limit."""
        tunnel = self.tunnel_on(line, self.need(share))
        return tunnel if tunnel and not violations(assess(self.hip, tunnel, self.spec), self.spec) else None

    def tunnel_on(self, line: FloatArray, need: int) -> Tunnel | None:
        """The shallowest tunnel on a line that removes so many points; ``None`` where none does."""
        ends, counts = self._shallowest(line[None], need, fine=True)
        if counts[0] < need:
            return None
        return tunnel_of_line(self.spec, self.fine, line, float(ends[0, 0]), float(ends[0, 1]))

    def climbed(self, need: int) -> tuple[FloatArray, float]:
        """The line of least perforation for so many points, from the most's own, and its measure."""
        line, _ = self._climb(self.most, need, SOME, 0.8, 0.2)
        return self._climb(line, need, SOME, 0.15, 0.1, fine=True)

    def _shallowest(
        self, lines: FloatArray, need: int, *, fine: bool = False
    ) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        problem = self.fine if fine else self.coarse
        ring, step = (fine_ring(problem), RING_STEP_MM) if fine else (ring_points(RING), STEP_MM)
        return shallowest(problem, np.ascontiguousarray(lines), ring, step, need)

    def _starts(self, share: float) -> FloatArray:
        """The most's own line, and the sweep's that remove nearly enough, safest of their neighbourhoods first."""
        lines, need = self.passing[:RANKED], self.need(share)
        if len(lines) == 0:
            return self.most[None]
        ends, counts = self._shallowest(lines, math.floor(NEARLY * need))
        able = counts >= math.floor(NEARLY * need)
        lines, ends, counts = lines[able], ends[able], counts[able]
        if len(lines) == 0:
            return self.most[None]
        tunnels = [tunnel_of_line(self.spec, self.coarse, lines[i], *ends[i]) for i in range(len(lines))]
        # All as safe as they can be for the same share, a little less than what is asked for.
        order = np.argsort(softened(self._drilled(tunnels, FEW)), kind="stable")
        apart = best_of_neighbourhoods(lines[order], WIDE_MESH)[: STARTS - 1]
        return np.concatenate([self.most[None], apart])

    def _finished(self, line: FloatArray, share: float, poses: int, *, thorough: bool = False) -> FloatArray | None:
        """The last climb, by the rings of the last judgement; ``None`` where the share is not reached."""
        size = LAST_SIZE if thorough else 0.15
        line, score = self._climb(line, self.need(share), poses, size, 0.1, fine=True, thorough=thorough)
        if score >= SHORT:
            return None
        self.lines[share] = line
        return line

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

        Around a line the clearance of every drilling is taken as linear in the line's numbers, the steps that make
        the measure least by that are tried, and the best is taken. Where none helps the steps of a compass are tried
        if the climb is to be ``thorough``, else, or if they do not help, steps shrink.
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
            # One way suffices for a slope, where there is one.
            one_way = [i if i in tunnels else i + len(self.free) for i in range(1, len(self.free) + 1)]
            taken = [0, *(i for i in one_way if i in tunnels)]
            errors = _Errors(tunnels[0], *self._errors_of(tunnels[0], poses))
            found = self._clearances([tunnels[i] for i in taken], errors)
            score = float(softened(found[:, :1])[0])
            if len(self.free) == 0:
                # Entry and direction are fixed: only the depth is left, and the share decides it.
                return line, score
            if score < best[1]:
                best = line, score
            else:
                # The errors carried along promised more than the line's own keep.
                line, size = best[0], size * SHRINK
                if size < smallest:
                    break
                continue
            slopes = np.zeros((len(self.free), len(found)))
            for column, i in enumerate(taken[1:], start=1):
                way = 1.0 if i <= len(self.free) else -1.0
                slopes[(i - 1) % len(self.free)] = way * (found[:, column] - found[:, 0]) / (SLOPE_PART * size)
            moved = None
            while moved is None and size >= smallest:
                steps = size * _mesh(len(self.free))
                guessed = softened(found[:, :1] + (steps @ slopes).T)
                order = np.argsort(guessed, kind="stable")[: CHECKS * TRIED]
                promising = line + steps[order[guessed[order] < score]] @ self.free
                moved = self._best_of(promising, need, errors, score, TRIED, fine=fine)
                if moved is None and thorough:
                    moved = self._best_of(line + size * problem.moves, need, errors, score, 32, fine=fine)
                if moved is None:
                    size *= SHRINK
            if moved is None:
                break
            line = moved
        return best

    def _errors_of(self, tunnel: Tunnel, poses: int) -> tuple[FloatArray, FloatArray]:
        others, at = ([], 0) if self.beside is None else (list(self.beside.others), self.beside.place)
        among = [*others[:at], tunnel, *others[at:]]
        entries, tips = perturbed(self.hip, among, self.method, seed=SEARCH_SEED, poses=poses)
        return entries[:, at], tips[:, at]

    def _best_of(
        self, lines: FloatArray, need: int, errors: _Errors, score: float, tried: int, *, fine: bool
    ) -> FloatArray | None:
        """The best of the first ``tried`` of lines (N, 4) within the limits, if it is better than ``score``."""
        able, tunnels = self._within_limits(lines, need, tried, fine=fine)
        if not able:
            return None
        scores = softened(self._clearances(tunnels, errors))
        best = int(np.argmin(scores))
        return able[best] if scores[best] < (1.0 - GAIN) * score else None

    def _within_limits(
        self, lines: FloatArray, need: int, tried: int, *, fine: bool
    ) -> tuple[list[FloatArray], list[Tunnel]]:
        """The first few of lines (N, 4) that carry a tunnel for the share, and those tunnels."""
        problem, able, tunnels = self.fine if fine else self.coarse, list[FloatArray](), list[Tunnel]()
        for first in range(0, len(lines), tried):
            part = lines[first : first + tried]
            ends, counts = self._shallowest(part, need, fine=fine)
            for i in np.flatnonzero(counts >= need)[: tried - len(able)]:
                able.append(part[i])
                tunnels.append(tunnel_of_line(self.spec, problem, part[i], float(ends[i, 0]), float(ends[i, 1])))
            if len(able) == tried:
                break
        return able, tunnels

    def _scores(self, lines: FloatArray, need: int, poses: int) -> FloatArray:
        """The measure of lines (N, 4); 1 and more: it removes too little."""
        ends, counts = self._shallowest(lines, need)
        scores, good = SHORT + 1.0 - counts / need, np.flatnonzero(counts >= need)
        if len(good):
            tunnels = [tunnel_of_line(self.spec, self.coarse, lines[i], *ends[i]) for i in good]
            scores[good] = softened(self._drilled(tunnels, poses))
        return np.asarray(scores)

    def _drilled(self, tunnels: list[Tunnel], poses: int) -> FloatArray:
        """Clearances (N, K) of tunnels drilled with errors of their own, the same draws for each, mm."""
        drilled = [perturbed(self.hip, [tunnel], self.method, seed=SEARCH_SEED, poses=poses) for tunnel in tunnels]
        entries, tips = (np.concatenate([pair[k] for pair in drilled], axis=1) for k in range(2))
        self.trials += len(tunnels)
        return clearances_of_poses(self.hip, tunnels, self.spec, entries, tips, farthest_mm=FARTHEST_MM)

    def _clearances(self, tunnels: list[Tunnel], errors: _Errors) -> FloatArray:
        """Clearances (N, K) of tunnels drilled with the errors of one nearby, mm."""
        self.trials += len(tunnels)
        entries, tips = errors.carried_to(tunnels)
        found = clearances_of_poses(self.hip, tunnels, self.spec, entries, tips, farthest_mm=FARTHEST_MM)
        return found if self.beside is None else np.minimum(found, self.beside.clearances[: len(found), None])


@dataclass(frozen=True, eq=False)
class _Beside:
    """The other tunnels of a set, the place among them of the one that moves, and their least clearances (N,), mm."""

    others: tuple[Tunnel, ...]
    place: int
    clearances: FloatArray


class _Sets:
    """The search for a set: one tunnel after another is moved, beside the others, as one alone is.

    Tunnels of a fan turn about their common entry, parallel ones keep their direction. What the others leave of the
    lesion, and what is wanting of the share, is each one's own to remove; who need not remove anything is left out.
    """

    def __init__(self, hip: Hip, spec: Spec, method: Method, most: Sequence[Tunnel]) -> None:
        self.hip, self.spec, self.method = hip, spec, method
        self.points = objective_points(hip, spec)
        self.count = objective_fraction(hip, most, spec) * len(self.points)
        self.trials = 0

    def safer(self, tunnels: tuple[Tunnel, ...], share: float) -> tuple[Tunnel, ...] | None:
        """A set with less perforation that removes a share of the most, from one of more; ``None``: none was found."""
        need, chosen = math.ceil(share * self.count) + 1, list(tunnels)
        kept = len(self.spec.keep)
        while (out := self._spare(chosen, kept, need)) is not None:
            del chosen[out]
        for _ in range(ROUNDS):
            before = list(chosen)
            # The one that perforates most often gives way first.
            for place in sorted(range(kept, len(chosen)), key=lambda k: -self._softened([chosen[k]])):
                chosen[place] = self._moved(chosen, place, need)
            if all(one is other for one, other in zip(before, chosen, strict=True)):
                break
        return tuple(chosen) if any(one is not other for one, other in zip_longest(tunnels, chosen)) else None

    def _spare(self, tunnels: list[Tunnel], kept: int, need: int) -> int | None:
        """The tunnel that can be done without, of several the one without which the rest perforates least."""
        rests = {out: [*tunnels[:out], *tunnels[out + 1 :]] for out in range(kept, len(tunnels))}
        enough = {
            out: rest for out, rest in rests.items()
            if rest and self._hit(rest).sum() >= need and not set_violations(self.hip, rest, self.spec)
        }  # fmt: skip
        return min(enough, key=lambda out: self._softened(enough[out]), default=None)

    def _moved(self, tunnels: list[Tunnel], place: int, need: int) -> Tunnel:
        """One tunnel of a set, moved to where the set perforates less and removes enough; itself where none is."""
        own, others = tunnels[place], (*tunnels[:place], *tunnels[place + 1 :])
        beside = _Beside(others, place, self._clearances(tunnels)[:, [k for k in range(len(tunnels)) if k != place]]
                         .min(axis=1, initial=FARTHEST_MM))  # fmt: skip
        left = ~self._points_hit(others)
        wanting = need - int(np.count_nonzero(self._hit(others)))
        if wanting <= 0 or not left.any():
            return own
        hip = replace(self.hip, lesion=self.hip.lesion.kept(left))
        search = _Lines(hip, self._spec(own, others), self.method, own, np.zeros((0, 4)), beside)
        before = self._softened(tunnels)
        line, score = search.climbed(wanting)
        self.trials += search.trials
        for moved in (search.tunnel_on(line, wanting), search.tunnel_on(search.most, wanting)):
            if moved is None or not score < SHORT:
                continue
            trial = [*tunnels[:place], moved, *tunnels[place + 1 :]]
            # Limits by the parameters as they are, not as they are held here.
            if violations(assess(self.hip, moved, self.spec), self.spec) or set_violations(self.hip, trial, self.spec):
                continue
            if self._hit(trial).sum() >= need and self._softened(trial) < (1.0 - GAIN) * before:
                return moved
        return own

    def _spec(self, own: Tunnel, others: Sequence[Tunnel]) -> Spec:
        """The parameters that keep a tunnel of a fan at its entry, and a parallel one in its direction."""
        shares = any(np.linalg.norm(one.entry - own.entry) <= SHARED_PORTAL_MM for one in others)
        if shares and self.spec.entry_fixed is None:
            x, y, z = (float(value) for value in self.hip.to_world(own.entry))
            return replace(self.spec, entry_fixed=(x, y, z))
        if self.spec.pattern == "parallel" and others and self.spec.direction_fixed is None:
            x, y, z = (float(value) for value in self.hip.direction_to_world(own.direction))
            return replace(self.spec, direction_fixed=(x, y, z))
        return self.spec

    def _hit(self, tunnels: Sequence[Tunnel]) -> BoolArray:
        """Which of the objective's points count with the tunnels; (N,)."""
        return self._inside(tunnels, self.points)

    def _points_hit(self, tunnels: Sequence[Tunnel]) -> BoolArray:
        """The same of the lesion's points, each once."""
        return self._inside(tunnels, self.hip.lesion.points_mm)

    def _inside(self, tunnels: Sequence[Tunnel], points_mm: FloatArray) -> BoolArray:
        hit = np.zeros(len(points_mm), dtype=bool)
        for tunnel in tunnels:
            hit |= points_counted(tunnel, points_mm, self.spec)
        return hit

    def _clearances(self, tunnels: list[Tunnel]) -> FloatArray:
        entries, tips = perturbed(self.hip, tunnels, self.method, seed=SEARCH_SEED, poses=SOME)
        self.trials += 1
        return clearances_of_poses(self.hip, tunnels, self.spec, entries, tips, farthest_mm=FARTHEST_MM)

    def _softened(self, tunnels: list[Tunnel]) -> float:
        return float(softened(self._clearances(tunnels).min(axis=1, keepdims=True))[0])


@dataclass(frozen=True, eq=False)
class _Errors:
    """A tunnel as it was drilled: entries and tips (N, 3), local mm."""

    tunnel: Tunnel
    entries: FloatArray
    tips: FloatArray

    def carried_to(self, tunnels: Sequence[Tunnel]) -> tuple[FloatArray, FloatArray]:
        """Entries and tips (N, K, 3) of K tunnels beside it, drilled with the same errors.

        Each drilling turns and moves along with its plan, and is as much deeper.
        """
        own = self.tunnel
        entries, tips = np.empty((len(self.entries), len(tunnels), 3)), np.empty((len(self.entries), len(tunnels), 3))
        drilled = self.tips - self.entries
        way = drilled / np.linalg.norm(drilled, axis=1, keepdims=True)
        for k, tunnel in enumerate(tunnels):
            turn = _turn(own.direction, tunnel.direction)
            entries[:, k] = tunnel.entry + (self.entries - own.entry) @ turn.T
            tips[:, k] = entries[:, k] + (drilled + (tunnel.length_mm - own.length_mm) * way) @ turn.T
        return entries, tips


def _turn(one: FloatArray, other: FloatArray) -> FloatArray:
    """The smallest rotation (3, 3) from one unit vector to another that is not its opposite."""
    x, y, z = np.asarray([
        one[1] * other[2] - one[2] * other[1], one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    ])  # fmt: skip
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1.0 + float(one @ other)))


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


def softened(clearances: FloatArray) -> FloatArray:
    """Means (K,) over drillings of clearances (N, K), mm, each counted as a perforation in part: 0 far inside the bone.

    A logistic step: with perforations it counts them, without any it weighs the least clearances.
    """
    return np.asarray(np.mean(1.0 / (1.0 + np.exp(np.clip(clearances / SOFT_MM, -50.0, 50.0))), axis=0))
