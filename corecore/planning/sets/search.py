"""The best set of up to K tunnels: candidates, greedy, exchange, joint refinement.

One tunnel after another: the set of k is looked for from that of k - 1, from greedy and from
several other starts, and the best is refined. So more tunnels never do less, and a set never
does less than greedy; a set is returned only if ``corecore.tunnels.figures`` and ``corecore.tunnels.tunnel_set``
find no rule broken. Deterministic, and independent of the number of threads.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.limits import LIMITS, WIDE_HOLE_MM
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.proof.branch_and_bound import EFFORT, Proof
from corecore.planning.search.infeasible import Infeasible, Reached, Relaxation
from corecore.planning.search.single import NO_LINES, SearchResult, best_tunnel, provable
from corecore.planning.sets.bound import prove_set
from corecore.planning.sets.candidates import Pool, build_pool
from corecore.planning.sets.entry_hole import better_entry_holes
from corecore.planning.sets.exchange import Members, exchanged, greedy, seeds, value
from corecore.planning.sets.refine import Climber, climber
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.existing_tunnels import Pairs, kept_tunnels
from corecore.tunnels.figures import TunnelFigures, assess, wall_share
from corecore.tunnels.limits import violations
from corecore.tunnels.objective import objective_fraction, objective_points, points_counted
from corecore.tunnels.plan_metrics import neck_area_share
from corecore.tunnels.tunnel_set import (
    set_violations,
)

_log = logging.getLogger(__name__)

#: A further tunnel that adds less than this share of the lesion is left out (contract §2).
WORTH_ADDING = 0.005
#: How many starts are exchanged, and how many of the sets found are refined: of small sets, of those that began
#: without a seed where there are several fans, of larger sets.
STARTS = 8
REFINED_SMALL, REFINED_PLAIN, REFINED_LARGE, SMALL_SET = 6, 2, 2, 3
#: How often the exchange is begun again without the tunnels that the last judgement refused.
BAN_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class SetSearchResult:
    """The best set with its tunnels' figures, most removed first, or why there is none.

    ``removed_fraction``: the share of the lesion removed, or the value of another target
    (``corecore.tunnels.objective``); ``greedy_fraction``: that of the greedy set of as many tunnels from
    the same candidates.
    ``fewer``: why there are fewer tunnels than asked for, in words; ``None`` where there are not.
    ``proof``: what no set removes, where that was asked for. ``passing`` (N, 4): lines of the first tunnel's sweep
    that carry a tunnel.
    """

    tunnels: Pairs
    infeasible: Infeasible | None
    removed_fraction: float
    greedy_fraction: float
    fewer: str | None
    lines_judged: int
    compile_s: float
    proof: Proof | None = None
    passing: FloatArray = field(default_factory=lambda: NO_LINES)


def best_set(
    hip: Hip,
    spec: Spec,
    *,
    progress: Callable[[float], None] | None = None,
    gap: float | None = None,
    seconds: float | None = None,
    effort: int = EFFORT,
    confirm: bool = True,
) -> SetSearchResult:
    """At most ``spec.tunnels`` tunnels within all rules that together remove most of the lesion.

    ``spec.pattern``: ``fan`` (one portal), ``separate`` (no shared portal), ``parallel`` (one
    direction) or ``any``. With ``spec.remove_fraction_min`` it ends with the first set that removes as
    much: the fewest tunnels found. ``progress`` is told the share of the work done, 0 to 1. ``gap``,
    ``seconds`` and ``effort`` ask for a proof as for one tunnel, ``confirm`` for what would give one where there
    is none.
    """
    started = time.perf_counter()
    tell = progress or (lambda share: None)
    kept = kept_tunnels(hip, spec)
    fraction, fewer = objective_fraction(hip, [tunnel for tunnel, _ in kept], spec), None
    if len(kept) == spec.tunnels:
        return SetSearchResult(tuple(kept), None, fraction, fraction, None, 0, 0.0)
    single = _first(hip, spec, kept, lambda share: tell(0.3 * share), confirm)
    if single.tunnel is None or single.figures is None:
        if kept:
            fewer = "there is no further tunnel within the constraints that adds to those kept"
            return _answer(spec, tuple(kept), fraction, single, fewer=fewer)
        return SetSearchResult((), single.infeasible, fraction, fraction, None, single.lines_judged, single.compile_s)
    asked = spec.remove_fraction_min
    search = _Search(hip, spec, kept, single.tunnel, single.figures)
    chosen, greedy_fraction = search.kept, fraction
    if not kept:
        chosen = [0]
        fraction = greedy_fraction = search.fraction(chosen)
        if spec.tunnels == 1 or 0.0 < asked <= fraction:
            return _with_shares(hip, spec, _answer(spec, ((single.tunnel, single.figures),), fraction, single), confirm)
    for count in range(len(chosen) + 1, spec.tunnels + 1):
        tell(0.3 + 0.7 * (count - 1) / spec.tunnels)
        found = search.next(chosen, count)
        if found is None:
            fewer = f"{_what_is_full(hip, spec, [search.pair(i)[0] for i in chosen])} no space for another"
            break
        better, more, by_greedy = found
        if more - fraction < WORTH_ADDING:
            fewer = f"another would add under {WORTH_ADDING:.1%} of the lesion"
            break
        chosen, fraction, greedy_fraction = better, more, by_greedy
        if 0.0 < asked <= fraction:
            break
        search.open_up(chosen)
    proof = None
    if (gap is not None or seconds is not None) and provable(spec):
        until = None if seconds is None else started + single.compile_s + seconds
        removed = round(fraction * len(hip.lesion.points_mm))
        limit = effort if until is None else None
        proof = prove_set(search.pool, removed, gap=0.05 if gap is None else gap, effort=limit, until=until)
    tell(1.0)
    added = sorted((i for i in chosen if i not in search.kept), key=lambda i: -search.pair(i)[1].removed_fraction)
    answer = _answer(
        spec, tuple(search.pair(i) for i in (*search.kept, *added)), fraction, single,
        greedy_fraction=greedy_fraction, fewer=fewer, judged=search.judged, proof=proof,
    )  # fmt: skip
    return _with_shares(hip, spec, answer, confirm)


def _first(hip: Hip, spec: Spec, kept: Pairs, tell: Callable[[float], None], confirm: bool) -> SearchResult:
    """The best single tunnel for what the kept ones leave, with its figures in the whole hip."""
    if not kept:
        return best_tunnel(hip, spec, progress=tell, confirm=confirm)
    left = np.ones(len(hip.lesion.points_mm), dtype=bool)
    for tunnel, _ in kept:
        left &= ~points_counted(tunnel, hip.lesion.points_mm, spec)
    if not left.any():
        return SearchResult(None, None, None, 0, 0, {}, 0.0)
    # Why there is no further one is not asked.
    found = best_tunnel(replace(hip, lesion=hip.lesion.kept(left)), spec, progress=tell, confirm=False)
    return found if found.tunnel is None else replace(found, figures=assess(hip, found.tunnel, spec))


def _answer(
    spec: Spec,
    tunnels: Pairs,
    fraction: float,
    single: SearchResult,
    *,
    greedy_fraction: float | None = None,
    fewer: str | None = None,
    judged: int = 0,
    proof: Proof | None = None,
) -> SetSearchResult:
    """A set found; none, and why, where it removes less than was asked for."""
    lines, by_greedy = single.lines_judged + judged, fraction if greedy_fraction is None else greedy_fraction
    asked = spec.remove_fraction_min
    if fraction >= asked:
        return SetSearchResult(
            tunnels, None, fraction, by_greedy, fewer, lines, single.compile_s, proof, single.passing
        )
    # Rounded down, so that what is named is reached.
    reached = math.floor(100.0 * fraction) / 100.0
    many = "1 tunnel" if len(tunnels) == 1 else f"{len(tunnels)} tunnels"
    text = (
        f"{many} of {spec.diameter_mm:g} mm remove {fraction:.1%} of the lesion, {asked:.1%} were asked for;"
        f" {fewer or f'no more than {spec.tunnels} are allowed'}"
    )
    way = Relaxation("remove_fraction_min", asked, reached, asked - reached, 0.01)
    why = Infeasible("removed_fraction", text, (way,), reached=Reached(len(tunnels), fraction))
    return SetSearchResult((), why, 0.0, 0.0, None, lines, single.compile_s)


def _what_is_full(hip: Hip, spec: Spec, tunnels: list[Tunnel]) -> str:
    """Which rule leaves no room: the neck's share where not even a tunnel straight along the neck would keep it."""
    most, least = spec.neck_area_share_max, math.pi * spec.radius_mm**2 / hip.anatomy.neck_min_area_mm2
    if most is not None and neck_area_share(hip, tunnels) + least > most:
        return f"neck_area_share_max {most:g} leaves"
    if spec.lateral_wall_share_max is not None:
        return f"the rules between tunnels, with lateral_wall_share_max {spec.lateral_wall_share_max:g}, leave"
    return "the rules between tunnels leave"


#: Limits of what all tunnels of a set take together, and what they take.
SHARES: dict[str, Callable[[Hip, Sequence[Tunnel]], float | None]] = {
    "neck_area_share_max": neck_area_share,
    "lateral_wall_share_max": lambda hip, tunnels: wall_share(hip.anatomy, tunnels),
}


def _with_shares(hip: Hip, spec: Spec, found: SetSearchResult, confirm: bool) -> SetSearchResult:
    """Of a share of the lesion that was not reached: the share of neck or wall that a set which reaches it takes."""
    for key, taken_of in SHARES.items():
        why, limit = found.infeasible, getattr(spec, key)
        if why is None or limit is None or not confirm:
            continue
        free = best_set(hip, replace(spec, **{key: None}), confirm=False)  # type: ignore[arg-type]
        if free.infeasible is not None:
            continue
        taken, row = taken_of(hip, [tunnel for tunnel, _ in free.tunnels]), LIMITS[key]
        if taken is None:
            continue
        if taken <= limit:
            return free
        needed = round(math.ceil(taken / row.step - 1e-9) * row.step, 6)
        if needed > row.high:
            continue
        way = Relaxation(row.key, limit, needed, needed - limit, None)
        instead = f"with {row.key} at {needed:g} instead of {limit:g}"
        text = f"{why.text}; {instead} a set of {len(free.tunnels)} removes as much"
        found = replace(found, infeasible=replace(why, text=text, relaxations=(*why.relaxations, way)))
    return found


class _Search:
    """Candidates of one hip and what is known of them."""

    def __init__(self, hip: Hip, spec: Spec, kept: Pairs, first: Tunnel, figures: TunnelFigures) -> None:
        self.hip, self.spec, self.pattern = hip, spec, spec.pattern
        self.sharing = spec.pattern in ("any", "fan")
        # Thin drills hardly overlap in the lesion: where they begin makes no difference that a climb does not find.
        self.wide = spec.diameter_mm > WIDE_HOLE_MM
        self.kept = list(range(len(kept)))
        given = [*kept, (first, figures)]
        self.pool: Pool = build_pool(hip, spec, [tunnel for tunnel, _ in given], spec.pattern)
        self.initial = len(self.pool.lines)
        #: Which of the fans begin at portals that were moved.
        self.moved: set[int] = set()
        self.initial_families = len(self._families())
        self.climber: Climber = climber(hip, spec, sharing=self.sharing, parallel=self.pattern == "parallel")
        #: Where tunnels may share an entry, sets that do not are looked for besides, as if none might: of the same
        #: candidates, climbed apart, so that what may be shared never does less than what may not.
        self.apart = replace(self.climber, sharing=False) if self.pattern == "any" else None
        self.unshared = np.setdiff1d(np.arange(self.initial), np.concatenate([[-1], *self.pool.fans]))
        self.unshared = np.union1d(np.arange(len(given)), self.unshared)
        self.known: dict[int, tuple[Tunnel, TunnelFigures, bool]] = {
            i: (tunnel, measured, True) for i, (tunnel, measured) in enumerate(given)
        }
        self.points = objective_points(hip, spec)
        self.fractions: dict[tuple[int, ...], float] = {}
        if self._families():
            self._families()[0] = np.concatenate([self._alike(len(given)), self._families()[0]])

    def _alike(self, given: int) -> np.ndarray:
        """Those given that share the first one's portal, or its direction."""
        if self.pattern == "fan":
            alike = self.pool.shares(0, np.arange(given))
        else:
            alike = np.linalg.norm(self.pool.lines[:given, 2:] - self.pool.lines[0, 2:], axis=1) < 1e-6
        return np.flatnonzero(alike)

    @property
    def judged(self) -> int:
        """How many lines were judged."""
        return self.pool.judged + self.climber.judged + (self.apart.judged if self.apart is not None else 0)

    def pair(self, i: int) -> tuple[Tunnel, TunnelFigures]:
        """A candidate as tunnel with its figures."""
        if i not in self.known:
            tunnel = self.pool.shapes.tunnel(i)
            figures = assess(self.hip, tunnel, self.spec)
            self.known[i] = tunnel, figures, not violations(figures, self.spec)
        return self.known[i][:2]

    def next(self, before: list[int], count: int) -> tuple[list[int], float, float] | None:
        """The best set of ``count``, what it removes, and what the greedy set does; ``None`` where none fits."""
        if self.pattern == "fan" and self.wide and not self.kept and count <= SMALL_SET:
            for entry in better_entry_holes(self.pool, self.pool.fans, count):
                self.moved.add(len(self.pool.fans))
                self.pool.add_fan(entry)
        finalists = self._finalists(before, count)
        by_greedy = max((self.fraction(s) for s in self._greedy(count)), default=0.0)
        best: list[int] = []
        most = -1.0
        climbs = [(self.climber, chosen) for chosen in finalists]
        if self.apart is not None:
            climbs += [(self.apart, chosen) for chosen in self._without_sharing(count)]
        for by, chosen in climbs:
            for trial in (self._refined(chosen, by), chosen):
                if trial is not None and (fraction := self.fraction(trial)) > most:
                    best, most = trial, fraction
        # The exact count may rank otherwise than the thinned one did: what must not be undercut is counted too.
        for chosen in (*self._greedy(count), *self._extended(before, count)):
            if len(chosen) == count and (fraction := self.fraction(chosen)) > most:
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
        for _ in range(BAN_ROUNDS):
            # Of one fan only the best, its others climb to the same; but a set that does less may climb further.
            groups = self._groups()
            seeded = [self._full(members, self._seeded(members), count) for members in groups]
            full = [
                self._full(members, self._starts(members, before), count)
                for n, members in enumerate(groups)
                if n not in self.moved
            ]
            most, few = (REFINED_SMALL, REFINED_PLAIN) if count <= SMALL_SET else (REFINED_LARGE, 1)
            if len(groups) > 1:
                passed, refused = self._passed([sets[:1] for sets in seeded], most)
                plain, more = self._passed(full, few)
                passed, refused = _distinct([*passed, *plain]), refused or more
            else:
                passed, refused = self._passed([*full, *seeded], most)
            # What was refused is banned now, and the exchange may do without it.
            if passed or not refused:
                return passed
        return []

    def _without_sharing(self, count: int) -> list[list[int]]:
        """The best few sets of ``count`` of which no two tunnels share an entry, where any may."""
        members = Members(self.pool, self.unshared, sharing=False)
        sets = self._full(members, [list(self.kept), *self._seeded(members)], count)
        return self._passed([sets], REFINED_SMALL if count <= SMALL_SET else REFINED_LARGE)[0]

    def _passed(self, sets: Sequence[list[list[int]]], wanted: int) -> tuple[list[list[int]], bool]:
        """At most ``wanted`` of the sets, the best first, and whether one was refused."""
        passed: list[list[int]] = []
        refused = False
        for chosen in _distinct(self._ranked([s for some in sets for s in some])):
            if len(passed) == wanted:
                break
            if self._kept(chosen):
                passed.append(chosen)
            else:
                refused = True
        return passed, refused

    def _ranked(self, sets: list[list[int]]) -> list[list[int]]:
        return sorted(sets, key=lambda s: -value(self.pool, s))

    def _full(self, members: Members, starts: list[list[int]], count: int) -> list[list[int]]:
        """Starts exchanged that reach ``count``, the best first."""
        return self._ranked([s for start in starts if len(s := exchanged(members, start, count, self.kept)) == count])

    def _starts(self, members: Members, before: list[int]) -> list[list[int]]:
        """None but what is kept, the set before, and the greedy sets of fans where they may be mixed with others."""
        if not np.all(np.isin(self.kept, members.members)):
            return []
        starts: list[list[int]] = [list(self.kept)]
        if np.all(np.isin(before, members.members)):
            starts.append(before)
        if self.pattern in ("any", "separate"):
            fans = self.pool.fans if self.sharing else []
            starts += [greedy(Members(self.pool, fan), len(before) + 1, self.kept) for fan in fans]
        return starts

    def _seeded(self, members: Members) -> list[list[int]]:
        """What is kept with one candidate more, of several that differ."""
        if not np.all(np.isin(self.kept, members.members)):
            return []
        fits = set(members.members[members.allowed(self.kept)].tolist()) if self.kept else None
        return [[*self.kept, seed] for seed in seeds(members, STARTS) if fits is None or seed in fits]

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
        families = [f for f in families if np.all(np.isin(self.kept, f))]
        sets = [greedy(Members(self.pool, f, sharing=self.sharing), count, self.kept) for f in families]
        sets = sorted((s for s in sets if len(s) == count), key=lambda s: -value(self.pool, s))
        return [s for s in sets[:REFINED_SMALL] if self._kept(s)]

    def _extended(self, before: list[int], count: int) -> list[list[int]]:
        """The set before, with what adds most."""
        groups = [members for members in self._groups() if np.all(np.isin(before, members.members))]
        sets = [greedy(members, count, before) for members in groups]
        return [s for s in sets if len(s) == count and self._kept(s)]

    def _refined(self, chosen: list[int], climber: Climber) -> list[int] | None:
        """A set climbed, as new candidates; ``None`` where that broke a rule."""
        index = np.array(chosen)
        still = [n for n, i in enumerate(chosen) if i in self.kept]
        lines, shapes = climber.climbed(self.pool.lines[index], self.pool.shapes.take(index), still)
        free = [n for n in range(len(chosen)) if n not in still]
        added = [int(i) for i in self.pool.add(lines[free], shapes.take(free))]
        refined = [*(chosen[n] for n in still), *added]
        if self._kept(refined):
            if climber is self.apart:
                self.unshared = np.union1d(self.unshared, added)
            return refined
        self.pool.banned[added] = True
        return None

    def fraction(self, chosen: Sequence[int]) -> float:
        """The target's value of a set, over the whole lesion."""
        key = tuple(sorted(chosen))
        if key not in self.fractions:
            hit = np.zeros(len(self.points), dtype=bool)
            for i in chosen:
                hit |= points_counted(self.pair(i)[0], self.points, self.spec)
            self.fractions[key] = float(np.mean(hit))
        return self.fractions[key]


def _distinct(options: Sequence[list[int]]) -> list[list[int]]:
    return [list(s) for s in dict.fromkeys(tuple(sorted(s)) for s in options)]
