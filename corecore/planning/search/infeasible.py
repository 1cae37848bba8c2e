"""When no tunnel exists: which constraint binds, and how far it would have to give way.

A limit that can be set is squeezed (``corecore.planning.search.relaxation``) and the value found is planned
with: what is named as needed gives a tunnel, a step less gives none. Where no limit alone is
enough, lines of a lattice are measured against all constraints at once, for the shallowest
tunnel on each that reaches the lesion, and the nearest are moved until they come no nearer:
their breaks tell of the scan's edge, and of limits that must give way together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from msgspec import UNSET

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.language import say
from corecore.base.limits import LIMITS, UNITS, with_unit
from corecore.base.spec import Spec
from corecore.document.plan import InfeasiblePart, ReachedPart, RelaxationPart
from corecore.planning.search.constraint_gaps import KEPT, Survey, approach, nearest_lines
from corecore.planning.search.keep_out import AVOID
from corecore.planning.search.line_geometry import FIELD_OF_VIEW
from corecore.planning.search.problem import Problem
from corecore.planning.search.relaxation import REASON_OF, Relaxed, relaxed_value, step_of
from corecore.tunnels.limits import REASON_KEYS, Reason

#: The scan's edge is named only where it lacks more than this, mm: less is the moved lines' own tolerance.
EDGE_LEAST_MM = 0.5
#: So many limits that alone may give way are planned with again, the nearest first.
CONFIRMED_MOST = 3
#: How often a limit is loosened, twice as far each time, until planning with it succeeds.
LOOSENED_MAX = 6
#: So many of the nearest lines are tried with all the limits that they break given way.
PAIRS_TRIED = 3
#: Breaks this small are the moved lines' own tolerance, mm or degrees.
TOLERATED = 0.02
#: Step to which it is told how much smaller a region to keep out of would have to be, mm.
SHRUNK_STEP_MM = 0.1


class Again(Protocol):
    """Whether there is a tunnel with other limits, or with a region to keep out of that is smaller."""

    def __call__(self, spec: Spec, lines: FloatArray | None, shrunk_mm: float = 0.0) -> bool:
        """By climbs from lines (N, 4) given, or else by the whole search; the region smaller by ``shrunk_mm``."""


@dataclass(frozen=True)
class Relaxation:
    """One limit that, relaxed, gives a tunnel.

    Parameters
    ----------
    key : str
        The limit's parameter.
    limit : float
        Its value.
    needed : float
        The value at which there is a tunnel.
    amount : float
        By how much it is relaxed, in the limit's unit.
    step : float or None
        Planning with ``needed`` found a tunnel, with the limit a step nearer none; ``None`` where that was not tried.
    """

    key: str
    limit: float
    needed: float
    amount: float
    step: float | None

    def part(self) -> RelaxationPart:
        """For ``plan.json``."""
        return RelaxationPart(
            key=self.key,
            limit=self.limit,
            needed=round(self.needed, 2),
            amount=round(self.amount, 2),
            step=self.step,
            confirmed=self.step is not None,
        )


@dataclass(frozen=True)
class Reached:
    """What the best set found removes, where more was asked for.

    Parameters
    ----------
    tunnels : int
        Number of tunnels.
    removed_fraction : float
        Share of the necrosis, 0 to 1.
    """

    tunnels: int
    removed_fraction: float


@dataclass(frozen=True)
class Infeasible:
    """Why there is no tunnel.

    Parameters
    ----------
    binding : str
        Key of the limiting constraint.
    text : str
        One sentence.
    relaxations : tuple of Relaxation
        Limits that each alone give a tunnel when relaxed.
    together : tuple of Relaxation
        Where no single one does: limits that give one when all are relaxed.
    reached : Reached, optional
        What the best set removes, where more was asked for.
    """

    binding: str
    text: str
    relaxations: tuple[Relaxation, ...]
    together: tuple[Relaxation, ...] = ()
    reached: Reached | None = None

    def part(self) -> InfeasiblePart:
        """For ``plan.json``."""
        return InfeasiblePart(
            best_reached=UNSET if self.reached is None else ReachedPart(**vars(self.reached)),
            binding=self.binding,
            text=self.text,
            relaxations=[one.part() for one in self.relaxations],
            together=[one.part() for one in self.together],
        )


def explain(
    spec: Spec, problem: Problem, survey: Survey, squeezes: list[Relaxed], again: Again, *, confirm: bool = True
) -> Infeasible:
    """Name the binding constraint of a hip without a feasible tunnel.

    ``survey``: of a lattice as wide as any limit may be set; ``squeezes``: each limit that alone lets
    a line pass, drawn in as far as it goes; ``again`` plans with other limits. Without ``confirm`` single
    limits are told as they were squeezed, planned with by nobody and marked so.
    """
    if not (survey.totals < 1e5).any():
        free = spec.entry_fixed is None and spec.direction_fixed is None
        text = (
            say("no straight line through the neck reaches the lesion")
            if free
            else say("no line through the neck that is as fixed reaches the lesion")
        )
        return Infeasible("misses_lesion", text, ())
    ways: list[Relaxation | None] = []
    # The whole search has the last word on each, so only the nearest few are followed up.
    for one in sorted(squeezes, key=lambda one: _relative(spec, one)):
        way = _confirmed(spec, one, again) if confirm else _as_relaxed(spec, one)
        ways += [] if way is None else [way]
        if len(ways) == CONFIRMED_MOST:
            break
    own = spec.radius_mm + spec.cortical_margin_mm
    # More of the scan is a way out only where it cuts the bone.
    if len(problem.cut_points):
        ways.append(_relaxation_together(problem, survey, FIELD_OF_VIEW, "field_of_view", own, EDGE_LEAST_MM))
    if problem.avoid_margin >= 0.0:
        way = _relaxation_together(problem, survey, AVOID, "avoid", spec.avoid_margin_mm, TOLERATED)
        ways.append(_region_confirmed(spec, way, again) if way is not None and confirm else way)
    found = [way for way in ways if way is not None]
    if not found:
        return _several(problem, survey, spec, again)
    found.sort(key=lambda r: r.amount / max(abs(r.limit), 1.0))
    first = found[0]
    if first.key == "avoid":
        text = say(
            "no tunnel of {width:g} mm keeps {limit:g} mm from the region to avoid and is within every other limit;"
            " limiting: the region to avoid; {beside}",
            width=2 * problem.radius,
            limit=first.limit,
            beside=_beside(first),
        )
    elif first.key == "field_of_view":
        text = _field_of_view_text(problem)
    else:
        text = _single_text(spec, first)
    return Infeasible(first.key, text, tuple(found))


def _beside(way: Relaxation) -> str:
    if way.needed >= 0.0:
        return (
            say("one would exist {distance:.1f} mm from it", distance=way.needed)
            if way.step is None
            else say("there is one {distance:.1f} mm from it", distance=way.needed)
        )
    return (
        say("one would exist that cuts {depth:.1f} mm into it", depth=-way.needed)
        if way.step is None
        else say("there is one that cuts {depth:.1f} mm into it", depth=-way.needed)
    )


def _region_confirmed(spec: Spec, way: Relaxation, again: Again) -> Relaxation | None:
    """By how much smaller, to a step, the region to keep out of gives a tunnel; ``None`` where none was found."""

    def planned(steps: int, lines: FloatArray | None) -> bool:
        return again(spec, lines, steps * SHRUNK_STEP_MM)

    steps = _least_steps(max(1, math.ceil(way.amount / SHRUNK_STEP_MM - 1e-9)), planned, (None,))
    if steps is None:
        return None
    amount = steps * SHRUNK_STEP_MM
    return Relaxation(way.key, way.limit, way.limit - amount, amount, SHRUNK_STEP_MM)


def _relative(spec: Spec, found: Relaxed) -> float:
    limit = float(getattr(spec, found.key))
    return abs(found.value - limit) / max(abs(limit), 1.0)


def _confirmed(spec: Spec, found: Relaxed, again: Again) -> Relaxation | None:
    """The value nearest to the limit, to a step, with which planning succeeds; ``None`` where none was found."""
    key, step = found.key, step_of(found.key)
    limit = float(getattr(spec, key))

    def at(steps: int) -> float:
        return relaxed_value(spec, key, steps * step)

    def planned(steps: int, lines: FloatArray | None) -> bool:
        return again(spec.with_values({key: at(steps)}), lines)

    most = _steps(spec, Relaxed(key, relaxed_value(spec, key, math.inf), found.lines))
    good = _least_steps(_steps(spec, found), planned, (found.lines, None), most)
    return None if good is None else Relaxation(key, limit, at(good), abs(at(good) - limit), step)


def _least_steps(
    good: int,
    planned: Callable[[int, FloatArray | None], bool],
    roads: tuple[FloatArray | None, ...],
    most: float = math.inf,
) -> int | None:
    """The fewest steps, near ``good``, with which planning succeeds and one less fails; ``None``: none up to ``most``.

    Quick climbs from lines come near the value, the whole search (``None``, last of ``roads``) has the last word.
    """
    for lines in roads:
        for width in range(LOOSENED_MAX):
            if planned(good, lines):
                break
            if good >= most:
                return None
            good = int(min(good + 2**width, most))
        else:
            return None
    if good > 1 and planned(good - 1, None):
        # The climbs came short, mostly by a step or two: strides that double, and halves of what they passed over,
        # towards the limit itself, with which nothing was found.
        low, good, stride = 0, good - 1, 1
        while good - low > 1:
            trial = max(good - stride, (low + good) // 2)
            if planned(trial, None):
                good, stride = trial, 2 * stride
            else:
                low = trial
    return good


def _as_relaxed(spec: Spec, found: Relaxed) -> Relaxation:
    """What a limit was squeezed to, to the next step looser, planned with by nobody."""
    limit = float(getattr(spec, found.key))
    needed = relaxed_value(spec, found.key, _steps(spec, found) * step_of(found.key))
    return Relaxation(found.key, limit, needed, abs(needed - limit), None)


def _steps(spec: Spec, found: Relaxed) -> int:
    """To how many steps from the limit its value comes, the next looser one, at least one."""
    return max(1, math.ceil(abs(found.value - float(getattr(spec, found.key))) / step_of(found.key) - 1e-9))


def _relaxation_together(
    problem: Problem, survey: Survey, reason: int, key: str, limit: float, least_mm: float
) -> Relaxation | None:
    """By how much a limit in mm that is no parameter's would have to give way, where that alone is in the way."""
    own = np.maximum(-survey.gaps[:, reason], 0.0)
    near = (survey.totals < 1e5) & (own > KEPT)
    if not near.any():
        return None
    # Lines that break it most nearly alone, moved until it breaks alone and least.
    score = np.where(near, own + 10.0 * (survey.totals - own), np.inf)
    order = np.argsort(score, kind="stable")[: min(16, int(np.count_nonzero(near)))]
    gaps = approach(problem, survey.lines[order], reason).gaps
    alone = (np.delete(gaps, reason, axis=1)[:, 1:] >= -TOLERATED).all(axis=1)
    if not alone.any():
        return None
    amount = float(np.maximum(-gaps[alone, reason], 0.0).min())
    return Relaxation(key, limit, limit - amount, amount, None) if amount > least_mm else None


def _several(problem: Problem, survey: Survey, spec: Spec, again: Again) -> Infeasible:
    """The fewest limits of the nearest lines with which a tunnel is found when all of them give way."""
    # Of an entry beyond the scan's edge nothing is known, so a line there may seem near.
    known = survey.gaps[:, FIELD_OF_VIEW] >= 0.0
    near = nearest_lines(problem, Survey(survey.lines[known], survey.totals[known], survey.gaps[known]))
    broken: BoolArray = near.gaps < -TOLERATED
    broken[:, 0] = False
    near_enough = (near.totals < 1e5) & ~broken[:, FIELD_OF_VIEW]
    if not near_enough.any():
        return Infeasible("field_of_view", say("no line that enters within the scan comes near the lesion"), ())
    # Few breaks first, then small ones.
    order = np.lexsort((near.totals, broken.sum(axis=1), ~near_enough))[: int(near_enough.sum())]
    nearest = int(order[0])
    parts = sorted(
        ((REASON_KEYS[Reason(int(r))], float(-near.gaps[nearest, r])) for r in np.flatnonzero(broken[nearest])),
        key=lambda part: -part[1],
    )
    names = "; ".join(
        say("{what} by {amount:.1f}{unit}", what=LIMITS[key].figure_name, amount=amount, unit=UNITS[LIMITS[key].unit])
        for key, amount in parts
    )
    first = parts[0][0] if parts else "misses_lesion"
    settable = [(REASON_KEYS[reason], int(reason)) for reason in REASON_OF.values()]
    among = broken[:, [reason for _, reason in settable]].sum(axis=1) == broken.sum(axis=1)
    for i in order[among[order]][:PAIRS_TRIED]:
        keys = [(key, float(-near.gaps[i, r])) for key, r in settable if broken[i, r]]
        for more in (1.0, 1.5, 2.5):
            ways = tuple(_relaxation(spec, key, more * amount) for key, amount in keys)
            if again(replace(spec, **{way.key: way.needed for way in ways}), near.lines[i : i + 1]):  # type: ignore[arg-type]
                if len(ways) == 1:
                    return _one_alone(spec, ways[0], near.lines[i : i + 1], again)
                told = "; ".join(
                    say(
                        "{what} at {needed} instead of {limit}",
                        what=LIMITS[way.key].figure_name,
                        needed=_with_unit(way.key, way.needed),
                        limit=_with_unit(way.key, way.limit),
                    )
                    for way in ways
                )
                text = say("no single limit is responsible: a tunnel was found only with {limits}", limits=told)
                return Infeasible(max(ways, key=lambda way: way.amount).key, text, (), ways)
    return Infeasible(first, say("no single limit is responsible: the nearest line exceeds {limits}", limits=names), ())


def _one_alone(spec: Spec, way: Relaxation, lines: FloatArray, again: Again) -> Infeasible:
    """The one limit that gives a tunnel by itself, though squeezing it did not come upon a line that passes."""
    nearest = _confirmed(spec, Relaxed(way.key, way.needed, lines), again)
    way = replace(way, step=None) if nearest is None else nearest
    return Infeasible(way.key, _single_text(spec, way), (way,))


def _single_text(spec: Spec, way: Relaxation) -> str:
    """In a sentence, the one limit that binds and what it would have to be."""
    if way.step is None:
        return say(
            "no tunnel of {width:g} mm is within every limit; limiting: {what} ({limit}); lines pass with"
            " {needed} (not planned with)",
            width=spec.diameter_mm,
            what=LIMITS[way.key].figure_name,
            limit=_with_unit(way.key, way.limit),
            needed=_with_unit(way.key, way.needed),
        )
    return say(
        "no tunnel of {width:g} mm is within every limit; limiting: {what} ({limit}); with {needed} there is a"
        " tunnel, with a step of {step} less none was found",
        width=spec.diameter_mm,
        what=LIMITS[way.key].figure_name,
        limit=_with_unit(way.key, way.limit),
        needed=_with_unit(way.key, way.needed),
        step=_with_unit(way.key, way.step),
    )


def _with_unit(key: str, value: float) -> str:
    """A limit's value with its unit; a share in percent."""
    return f"{100.0 * value:g} %" if LIMITS[key].unit == "share" else with_unit(key, f"{value:g}")


def _relaxation(spec: Spec, key: str, amount: float) -> Relaxation:
    limit, step = float(getattr(spec, key)), step_of(key)
    needed = relaxed_value(spec, key, step * float(np.ceil(amount / step)))
    return Relaxation(key, limit, needed, abs(needed - limit), step)


def _field_of_view_text(problem: Problem) -> str:
    heights = (problem.cut_points - problem.head_center) @ problem.femoral_frame[2]
    lowest = float(heights.min())
    zone = problem.trochanter_height + problem.entry_distal
    return say(
        "the scan ends {end:.0f} mm below the head's centre, so the lateral femur where a tunnel enters ({low:.0f} to"
        " {high:.0f} mm below it) is not in view; {more:.0f} mm more of the femur are needed",
        end=-lowest,
        low=-problem.trochanter_height - problem.entry_proximal,
        high=-zone,
        more=lowest - problem.trochanter_height,
    )
