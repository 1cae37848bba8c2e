"""The best set of up to K tunnels: candidates, greedy, exchange, joint refinement.

One tunnel after another: the set of k is looked for from that of k - 1, from greedy and from
several other starts, and the best is refined. So more tunnels never do less, and a set never
does less than greedy; a set is returned only if ``corecore.tunnel`` and ``corecore.holes``
find no rule broken. Deterministic, and independent of the number of threads.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from corecore.hip import Hip
from corecore.holes import set_violations
from corecore.search.infeasible import Infeasible, Reached, Relaxation
from corecore.search.one import Found, best_tunnel
from corecore.search.sets_climb import Climber, climber
from corecore.search.sets_exchange import Members, exchanged, greedy, seeds, value
from corecore.search.sets_pool import Pool, build_pool
from corecore.spec import Spec
from corecore.tunnel import Tunnel, TunnelFigures, assess, violations

_log = logging.getLogger(__name__)

#: A further tunnel that adds less than this share of the lesion is left out (contract §2).
WORTH_ADDING = 0.005
#: How many starts are exchanged, and how many of the sets found are refined (small sets, larger ones).
STARTS = 8
REFINED_SMALL, REFINED_LARGE, SMALL_SET = 2, 1, 3
#: How often the exchange is begun again without the tunnels that the last judgement refused.
BAN_ROUNDS = 6

Pairs = tuple[tuple[Tunnel, TunnelFigures], ...]


@dataclass(frozen=True, eq=False)
class FoundSet:
    """The best set with its tunnels' figures, most removed first, or why there is none.

    ``greedy_fraction``: what the greedy set of as many tunnels from the same candidates removes.
    ``fewer``: why there are fewer tunnels than asked for, in words; ``None`` where there are not.
    """

    tunnels: Pairs
    infeasible: Infeasible | None
    removed_fraction: float
    greedy_fraction: float
    fewer: str | None
    lines_judged: int
    compile_s: float


def best_set(hip: Hip, spec: Spec, *, progress: Callable[[float], None] | None = None) -> FoundSet:
    """At most ``spec.tunnels`` tunnels within all rules that together remove most of the lesion.

    ``spec.pattern``: ``fan`` (one portal), ``separate`` (no shared portal), ``parallel`` (one
    direction) or ``any``. With ``spec.remove_fraction_min`` it ends with the first set that removes as
    much: the fewest tunnels found. ``progress`` is told the share of the work done, 0 to 1.
    """
    tell = progress or (lambda share: None)
    single = best_tunnel(hip, spec, progress=lambda share: tell(0.3 * share))
    if single.tunnel is None or single.figures is None:
        return FoundSet((), single.infeasible, 0.0, 0.0, None, single.lines_judged, single.compile_s)
    asked = spec.remove_fraction_min
    if spec.tunnels == 1 or 0.0 < asked <= single.figures.removed_fraction:
        return _answer(spec, ((single.tunnel, single.figures),), single.figures.removed_fraction, single)
    search = _Search(hip, spec, single.tunnel, single.figures)
    chosen, fraction, greedy_fraction, fewer = [0], single.figures.removed_fraction, 0.0, None
    greedy_fraction = fraction
    for count in range(2, spec.tunnels + 1):
        tell(0.3 + 0.7 * (count - 1) / spec.tunnels)
        found = search.next(chosen, count)
        if found is None:
            fewer = "the rules between tunnels leave no room for another"
            break
        better, more, by_greedy = found
        if more - fraction < WORTH_ADDING:
            fewer = f"another would add under {WORTH_ADDING:.1%} of the lesion"
            break
        chosen, fraction, greedy_fraction = better, more, by_greedy
        if 0.0 < asked <= fraction:
            break
        search.open_up(chosen)
    tell(1.0)
    pairs = [search.pair(i) for i in chosen]
    order = sorted(range(len(pairs)), key=lambda n: -pairs[n][1].removed_fraction)
    return _answer(
        spec, tuple(pairs[n] for n in order), fraction, single,
        greedy_fraction=greedy_fraction, fewer=fewer, judged=search.judged,
    )  # fmt: skip


def _answer(
    spec: Spec,
    tunnels: Pairs,
    fraction: float,
    single: Found,
    *,
    greedy_fraction: float | None = None,
    fewer: str | None = None,
    judged: int = 0,
) -> FoundSet:
    """A set found; none, and why, where it removes less than was asked for."""
    lines, by_greedy = single.lines_judged + judged, fraction if greedy_fraction is None else greedy_fraction
    asked = spec.remove_fraction_min
    if fraction >= asked:
        return FoundSet(tunnels, None, fraction, by_greedy, fewer, lines, single.compile_s)
    # Rounded down, so that what is named is reached.
    reached = math.floor(100.0 * fraction) / 100.0
    many = "1 tunnel" if len(tunnels) == 1 else f"{len(tunnels)} tunnels"
    text = (
        f"{many} of {spec.diameter_mm:g} mm remove {fraction:.1%} of the lesion, {asked:.1%} were asked for;"
        f" {fewer or f'no more than {spec.tunnels} are allowed'}"
    )
    way = Relaxation("remove_fraction_min", asked, reached, asked - reached, 0.01)
    why = Infeasible("removed_fraction", text, (way,), reached=Reached(len(tunnels), fraction))
    return FoundSet((), why, 0.0, 0.0, None, lines, single.compile_s)


class _Search:
    """Candidates of one hip and what is known of them."""

    def __init__(self, hip: Hip, spec: Spec, first: Tunnel, figures: TunnelFigures) -> None:
        self.hip, self.spec, self.pattern = hip, spec, spec.pattern
        self.sharing = spec.pattern in ("any", "fan")
        self.pool: Pool = build_pool(hip, spec, first, spec.pattern)
        self.initial = len(self.pool.lines)
        self.initial_families = len(self._families())
        self.climber: Climber = climber(hip, spec, sharing=self.sharing, parallel=self.pattern == "parallel")
        self.known: dict[int, tuple[Tunnel, TunnelFigures, bool]] = {0: (first, figures, True)}
        self.fractions: dict[tuple[int, ...], float] = {}
        if self._families():
            self._families()[0] = np.append(0, self._families()[0])

    @property
    def judged(self) -> int:
        """How many lines were judged."""
        return self.pool.judged + self.climber.judged

    def pair(self, i: int) -> tuple[Tunnel, TunnelFigures]:
        """A candidate as tunnel with its figures."""
        if i not in self.known:
            tunnel = self.pool.shapes.tunnel(i)
            figures = assess(self.hip, tunnel, self.spec)
            self.known[i] = tunnel, figures, not violations(figures, self.spec)
        return self.known[i][:2]

    def next(self, before: list[int], count: int) -> tuple[list[int], float, float] | None:
        """The best set of ``count``, what it removes, and what the greedy set does; ``None`` where none fits."""
        finalists = self._finalists(before, count)
        by_greedy = max((self._fraction(s) for s in self._greedy(count)), default=0.0)
        best: list[int] = []
        most = -1.0
        for chosen in finalists:
            for trial in (self._refined(chosen), chosen):
                if trial is not None and (fraction := self._fraction(trial)) > most:
                    best, most = trial, fraction
        # The exact count may rank otherwise than the thinned one did: what must not be undercut is counted too.
        for chosen in (*self._greedy(count), *self._extended(before, count)):
            if len(chosen) == count and (fraction := self._fraction(chosen)) > most:
                best, most = chosen, fraction
        if not best:
            return None
        _log.info("set of %d: %.4f of the lesion, greedy %.4f", count, most, by_greedy)
        return best, most, by_greedy

    def open_up(self, chosen: Sequence[int]) -> None:
        """Add candidates that go with a set just found: fans at its entries, lines along its direction."""
        if self.pattern == "parallel":
            self.pool.add_direction(self.pool.lines[chosen[0], 2:], chosen)
        elif self.pattern == "fan":
            self.pool.add_fan(self.pool.shapes.entry[chosen[0]], chosen)
        elif self.pattern == "any":
            entries: list[int] = []
            for i in chosen:
                if not entries or not self.pool.shares(i, np.array(entries)).any():
                    entries.append(i)
            for i in entries:
                at = self.pool.shapes.entry[i]
                self.pool.add_fan(at, [j for j in chosen if self.pool.shares(i, np.array([j]))[0]])

    def _families(self) -> list[np.ndarray]:
        return {"fan": self.pool.fans, "parallel": self.pool.directions}.get(self.pattern, [])

    def _groups(self) -> list[Members]:
        """The sets of candidates that may be combined: all, or each fan, or each direction."""
        if self.pattern in ("fan", "parallel"):
            return [Members(self.pool, family, sharing=self.sharing) for family in self._families()]
        return [Members(self.pool, np.arange(len(self.pool.lines)), sharing=self.sharing)]

    def _finalists(self, before: list[int], count: int) -> list[list[int]]:
        """The best few sets of ``count`` by the thinned count that the last judgement lets pass."""
        wanted = REFINED_SMALL if count <= SMALL_SET else REFINED_LARGE
        for _ in range(BAN_ROUNDS):
            options = [s for members in self._groups() for s in self._options(members, before, count)]
            full = [s for s in options if len(s) == count]
            ranked = _distinct(sorted(full, key=lambda s: -value(self.pool, s)))
            passed, refused = [], False
            for chosen in ranked:
                if self._kept(chosen):
                    passed.append(chosen)
                else:
                    refused = True
                if len(passed) == wanted:
                    break
            # What was refused is banned now, and the exchange may do without it.
            if passed or not refused:
                return passed
        return []

    def _options(self, members: Members, before: list[int], count: int) -> list[list[int]]:
        """Sets from several starts, each exchanged."""
        starts: list[list[int]] = [[]]
        if np.all(np.isin(before, members.members)):
            starts.append(before)
        if self.pattern in ("any", "separate"):
            starts += [[seed] for seed in seeds(members, STARTS)]
            for fan in self.pool.fans if self.sharing else []:
                starts.append(greedy(Members(self.pool, fan), count))
        return [exchanged(members, start, count) for start in starts]

    def _kept(self, chosen: Sequence[int]) -> bool:
        """Whether a set keeps every rule; tunnels that break one of their own are banned."""
        fine = True
        for i in chosen:
            self.pair(i)
            if not self.known[i][2]:
                self.pool.banned[i] = True
                fine = False
        return fine and not set_violations(self.hip, [self.pair(i)[0] for i in chosen], self.spec)

    def _greedy(self, count: int) -> list[list[int]]:
        """Greedy sets of the candidates there were at the beginning."""
        if self.pattern in ("fan", "parallel"):
            families = self._families()[: self.initial_families]
        else:
            families = [np.arange(self.initial)]
        sets = [greedy(Members(self.pool, f, sharing=self.sharing), count) for f in families]
        sets = sorted((s for s in sets if len(s) == count), key=lambda s: -value(self.pool, s))
        return [s for s in sets[:REFINED_SMALL] if self._kept(s)]

    def _extended(self, before: list[int], count: int) -> list[list[int]]:
        """The set before, with what adds most."""
        groups = [members for members in self._groups() if np.all(np.isin(before, members.members))]
        sets = [greedy(members, count, before) for members in groups]
        return [s for s in sets if len(s) == count and self._kept(s)]

    def _refined(self, chosen: list[int]) -> list[int] | None:
        """A set climbed, as new candidates; ``None`` where that broke a rule."""
        index = np.array(chosen)
        lines, shapes = self.climber.climbed(self.pool.lines[index], self.pool.shapes.take(index))
        added = [int(i) for i in self.pool.add(lines, shapes)]
        if self._kept(added):
            return added
        self.pool.banned[added] = True
        return None

    def _fraction(self, chosen: Sequence[int]) -> float:
        """Share of the whole lesion that a set removes."""
        key = tuple(sorted(chosen))
        if key not in self.fractions:
            points = self.hip.lesion.points_mm
            hit = np.zeros(len(points), dtype=bool)
            for i in chosen:
                hit |= self.pair(i)[0].contains(points)
            self.fractions[key] = float(np.mean(hit))
        return self.fractions[key]


def _distinct(options: Sequence[list[int]]) -> list[list[int]]:
    return [list(s) for s in dict.fromkeys(tuple(sorted(s)) for s in options)]
