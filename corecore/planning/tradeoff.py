"""The curve of removed share against perforation, and the safest of the points that remove nearly the most.

One share follows from the next: the curve costs little more than its chosen point. Every point is evaluated by the
draws that the plan's figures come from, none that the searches saw.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.safest_line import SafestLine
from corecore.planning.sets.safest_set import SafestSet
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.objective import objective_fraction
from corecore.tunnels.risk.drilling import SHIFTS
from corecore.tunnels.risk.execution import least_clearances
from corecore.tunnels.risk.methods import Method

_log = logging.getLogger(__name__)

#: Shares of the most at which the curve is looked for, below the share that is asked for and, of what lies between it
#: and the most, above it (engineering choices).
BELOW, ABOVE = (0.85, 0.65, 0.4, 0.15), (0.4, 0.75)
#: Points of a curve where the bone allows different ones, and how many shares are tried between others for it.
POINTS, BETWEEN = 8, 4


@dataclass(frozen=True, eq=False)
class TradeoffPoint:
    """Tunnels, what they remove, and how often drilling them perforates.

    Parameters
    ----------
    tunnels : tuple of Tunnel
        The tunnels, local mm.
    figures : tuple of TunnelFigures
        Their figures.
    removed_fraction : float
        The objective's share, 0 to 1, as ``corecore.tunnels.objective.objective_fraction`` measures it.
    perforation_probability : float
        Probability that any of the tunnels perforates cortex or joint, 0 to 1, of 10,240 simulated drillings.
    clearance_p05_mm : float
        5th percentile of the least clearance of those drillings, mm, negative where it perforates.
    """

    tunnels: tuple[Tunnel, ...]
    figures: tuple[TunnelFigures, ...]
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
    whole: bool = True,
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
    whole : bool, default True
        Draw all of the curve; without, only what the chosen point is chosen among: it is the same point.
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
    curve = _Curve(hip, spec, method, most, near_best_share, whole=whole)
    if len(most) == 1 and not spec.keep:
        trials = _draw_lines(curve, SafestLine(hip, spec, method, most[0], passing), tell)
    else:
        trials = _draw_sets(curve, SafestSet(hip, spec, method, most), tell)
    tell(1.0)
    _log.info("tradeoff: %d trials, %d points", trials, len(curve.found))
    return curve.tradeoff(trials)


def _draw_lines(curve: _Curve, search: SafestLine, tell: Callable[[float], None]) -> int:
    """One tunnel: the share asked for, then those below and above it, each from the last. How many were simulated."""
    asked, lines = curve.share, {1.0: search.most}

    def taken(share: float, line: FloatArray | None) -> FloatArray | None:
        """A line whose tunnel was evaluated; ``None`` where it carries none that keeps every limit."""
        curve.tried.append(share)
        tunnel = None if line is None else search.shortest(line, search.need(share))
        if line is None or tunnel is None or curve.take([tunnel]) is None:
            return None
        lines[share] = line
        return line

    first = line = taken(asked, search.safest(search.need(asked)))
    safe = curve.found[-1].point.perforation_probability == 0.0
    tell(0.5)
    for above in ABOVE:
        if first is None:
            break
        share = asked + (1.0 - asked) * above
        starts = np.stack([first, (1.0 - above) * first + above * search.most, search.most])
        taken(share, search.nearby(starts, search.need(share)))
    curve.choose()
    tell(0.7)
    for below in BELOW if curve.whole else ():
        # Where nothing perforates, nothing is safer for removing less.
        if line is None or safe:
            break
        line = taken(asked * below, search.nearby(line[None], search.need(asked * below), far=True))
        safe = curve.found[-1].point.perforation_probability == 0.0
    tell(0.9)
    for _ in range(BETWEEN if first is not None and curve.whole else 0):
        between = curve.gap()
        if between is None:
            break
        nearest = lines[min(one for one in lines if one >= between)]
        taken(between, search.nearby(nearest[None], search.need(between), far=True))
    return search.drill.trials


def _draw_sets(curve: _Curve, search: SafestSet, tell: Callable[[float], None]) -> int:
    """A set: from the most downwards, each share from the last. How many were simulated."""
    asked, sets = curve.share, {1.0: curve.most.point.tunnels}
    shares = [*(asked + (1.0 - asked) * part for part in reversed(ABOVE)), asked, *(asked * part for part in BELOW)]

    def taken(share: float) -> float:
        """The perforation of the set found for a share, from the set of the next share above it."""
        curve.tried.append(share)
        before = sets[min(one for one in sets if one >= share)]
        sets[share] = search.safer(before, share)
        point = curve.take(sets[share]) if sets[share] != before else None
        return 1.0 if point is None else point.perforation_probability

    for done, share in enumerate(shares, start=1):
        safe = taken(share) == 0.0
        if share == asked:
            curve.choose()
        if share <= asked and (safe or not curve.whole):
            break
        tell(0.8 * done / len(shares))
    for _ in range(BETWEEN if curve.whole else 0):
        between = curve.gap()
        if between is None:
            break
        taken(between)
    return search.trials


@dataclass(frozen=True, eq=False)
class _Evaluated:
    """A point with its least clearance in each of the standard drillings (N,), mm."""

    point: TradeoffPoint
    clearances: FloatArray


class _Curve:
    """The points found, evaluated by the draws that the plan's figures come from."""

    def __init__(
        self, hip: Hip, spec: Spec, method: Method, most: Sequence[Tunnel], share: float, *, whole: bool = True
    ) -> None:
        self.hip, self.spec, self.method, self.share, self.whole = hip, spec, method, share, whole
        self.most = self._evaluated(tuple(most))
        self.found: list[_Evaluated] = [self.most]
        #: Shares of the most that were looked at.
        self.tried: list[float] = []
        self._choice: _Evaluated | None = None

    def take(self, tunnels: Sequence[Tunnel]) -> TradeoffPoint | None:
        """Evaluate tunnels by the draws of the plan's figures, and keep them; ``None`` where one breaks a limit."""
        one = self._evaluated(tuple(tunnels))
        if any(violations(figures, self.spec) for figures in one.point.figures[len(self.spec.keep) :]):
            return None
        self.found.append(one)
        return one.point

    def _evaluated(self, tunnels: tuple[Tunnel, ...]) -> _Evaluated:
        least = least_clearances(self.hip, list(tunnels), self.spec, self.method)
        removed = objective_fraction(self.hip, tunnels, self.spec)
        figures = tuple(assess(self.hip, tunnel, self.spec) for tunnel in tunnels)
        point = TradeoffPoint(tunnels, figures, removed, float(np.mean(least < 0.0)), float(np.percentile(least, 5.0)))
        return _Evaluated(point, least)

    def gap(self) -> float | None:
        """A share that a point is wanting at; ``None`` where there are points enough, or nothing is between them."""
        points = self._points()
        return None if len(points) >= POINTS else self._widest(points)

    def _widest(self, points: list[_Evaluated]) -> float | None:
        """A share of the most, not tried yet, in the middle of the widest gap of perforation and removal."""
        most = self.most.point
        best, at = 0.0, None
        for low, high in pairwise(points):
            a, b = low.point, high.point
            risk = (b.perforation_probability - a.perforation_probability) / max(most.perforation_probability, 1e-9)
            wide = risk + (b.removed_fraction - a.removed_fraction) / most.removed_fraction
            share = 0.5 * (a.removed_fraction + b.removed_fraction) / most.removed_fraction
            if wide > best and min(abs(share - one) for one in self.tried) > 1e-3:
                best, at = wide, share
        return at

    def choose(self) -> None:
        """Decide on the chosen point: what is drawn from here on fills the curve in, and is none to choose from."""
        self._choice = self._safest()

    def _chosen(self) -> _Evaluated:
        return self._safest() if self._choice is None else self._choice

    def _safest(self) -> _Evaluated:
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
