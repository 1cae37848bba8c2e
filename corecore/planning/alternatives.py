"""Other tunnels worth a look: what removes a little less and keeps more room, takes less bone, or breaches less often.

Four things speak for a tunnel: the lesion it removes, the least of its clearances (a guide pin's too) in excess of
the margins, the healthy bone it spares, and how seldom errors of drilling would take it out of
the bone. Candidates come from searches with wider margins (what is best at each width) and from
the sweep's lines (what takes least bone and still removes a stated part of that). Each is judged
in full; what another one, or the plan, beats in all four is dropped, and of the rest those that
differ most are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.instrument import RANGES
from corecore.base.limits import MARGINS
from corecore.base.spec import Spec, accepted_range
from corecore.hip.hip import Hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import fine_ring
from corecore.planning.search.problem import build_problem
from corecore.planning.search.relaxation import LineEvaluator
from corecore.planning.search.single import refined, spare_clearance_mm, tunnel_of_line
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_STEP_MM, TunnelFigures, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.risk.drilling import perturbed
from corecore.tunnels.risk.execution import risk_of_poses
from corecore.tunnels.risk.kernel import CORTEX, JOINT
from corecore.tunnels.risk.methods import Method

#: By how much all margins are widened, mm (engineering choice).
WIDER_MM = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
#: Of what is removed at most at a width, so much must be left where least healthy bone is looked for.
SHARES = (0.9, 0.75, 0.5)
#: An alternative removes at least this share of what the plan does (engineering choice).
LEAST = 0.4
#: Lines climbed at each width, and lines tried where the finest rings refuse one.
STARTS, TRIED = 8, 4
#: Coarse and fine slack of those climbs, mm.
SLACKS_MM = ((0.15, 0.01), (0.0, 0.01))
#: Two plans nearer than this in all four, each as a share of its range, are one to a reader.
ALIKE = 0.05

Pair = tuple[Tunnel, TunnelFigures]


@dataclass(frozen=True, eq=False)
class Alternative:
    """A tunnel and the four figures by which alternatives are compared.

    Parameters
    ----------
    tunnel : Tunnel
        The tunnel, local mm.
    figures : TunnelFigures
        Its figures; ``removed_fraction`` is the first.
    spare_clearance_mm : float
        Least spare clearance beyond the margins, mm.
    healthy_bone_ml : float
        Viable bone that it takes, ml.
    breach_probability : float
        Probability of cortical perforation or joint penetration by the plan's guidance method.
    """

    tunnel: Tunnel
    figures: TunnelFigures
    spare_clearance_mm: float
    healthy_bone_ml: float
    breach_probability: float

    @property
    def scores(self) -> FloatArray:
        """The four figures, shape (4,), more is better; viable bone and perforations are negated."""
        return np.array(
            [self.figures.removed_fraction, self.spare_clearance_mm, -self.healthy_bone_ml, -self.breach_probability]
        )


def alternatives(
    hip: Hip,
    spec: Spec,
    best: Pair,
    passing: FloatArray,
    healthy_ml: Callable[[Tunnel], float],
    most: int,
    *,
    method: Method,
    ceiling: float = 0.0,
) -> tuple[Alternative, tuple[Alternative, ...]]:
    """The plan's own scores, and at most ``most`` other tunnels that nothing beats in all four.

    ``passing`` (N, 4): the sweep's lines that carry a tunnel; ``healthy_ml`` measures a tunnel; ``method``:
    the guidance method whose perforations count.
    None breaks a constraint, none removes more than ``best`` or than ``ceiling``, whichever is greater; deterministic.
    """

    def scored(pair: Pair) -> Alternative:
        tunnel, figures = pair
        return Alternative(
            tunnel,
            figures,
            spare_clearance_mm(figures, spec),
            healthy_ml(tunnel),
            breach_probability(hip, tunnel, spec, method),
        )

    plan = scored(best)
    found = [scored(pair) for pair in _candidates(hip, spec, passing)]
    least, most_removed = LEAST * plan.figures.removed_fraction, max(ceiling, plan.figures.removed_fraction)
    found = [one for one in found if least <= one.figures.removed_fraction <= most_removed]
    kept = unbeaten([plan, *found])
    return plan, tuple(spread(plan, [one for one in kept if one is not plan], most))


def beats(one: Alternative, other: Alternative) -> bool:
    """Whether one is at least as good in all four and better in one."""
    return bool(np.all(one.scores >= other.scores) and np.any(one.scores > other.scores))


def unbeaten(options: list[Alternative]) -> list[Alternative]:
    """Those that none of the options beats; of equals the first."""
    result: list[Alternative] = []
    for one in options:
        same = any(np.array_equal(one.scores, other.scores) for other in result)
        if not same and not any(beats(other, one) for other in options):
            result.append(one)
    return result


def spread(plan: Alternative, options: list[Alternative], most: int) -> list[Alternative]:
    """At most ``most`` options, each the farthest from the plan and from those chosen before; most removed first."""
    if not options:
        return []
    scores = np.stack([one.scores for one in [plan, *options]])
    width = scores.max(axis=0) - scores.min(axis=0)
    scaled = scores / np.where(width > 0.0, width, 1.0)
    chosen, away = [0], np.abs(scaled - scaled[0]).max(axis=1)
    while len(chosen) <= most and away.max() > ALIKE:
        chosen.append(int(np.argmax(away)))
        away = np.minimum(away, np.abs(scaled - scaled[chosen[-1]]).max(axis=1))
    picked = [options[i - 1] for i in chosen[1:]]
    return sorted(picked, key=lambda one: -one.figures.removed_fraction)


def breach_probability(hip: Hip, tunnel: Tunnel, spec: Spec, method: Method) -> float:
    """How often cortex or joint is breached, drilled by a guidance method: as ``execution_risk`` finds it."""
    entries, tips = perturbed(hip, [tunnel], method)
    found, _ = risk_of_poses(hip, [tunnel], spec, entries, tips)
    return float(np.mean(np.maximum(found[:, 0, CORTEX], found[:, 0, JOINT])))


def _candidates(hip: Hip, spec: Spec, passing: FloatArray) -> list[Pair]:
    judge, result = LineEvaluator(hip), []
    lines = passing
    for wider in WIDER_MM:
        tight = _wider(spec, wider)
        _, ends, counts = judge.judged(lines, tight)
        # What a margin refuses a wider one refuses too.
        keep = counts > 0
        lines, ends, counts = lines[keep], ends[keep], counts[keep]
        if len(lines) == 0:
            break
        order = np.argsort(-counts, kind="stable")
        if wider > 0.0:
            pair, _ = refined(hip, tight, lines[order[:STARTS]], lambda share: None, SLACKS_MM)
            if pair is not None:
                # Of the plan's own instrument, whose pin keeps the margin that is its own.
                tunnel = Tunnel.planned_with(spec, pair[0].entry, pair[0].tip)
                result.append((tunnel, assess(hip, tunnel, spec)))
        for share in SHARES:
            result += _least_bone(hip, spec, tight, lines, ends[:, 1] - ends[:, 0], counts, judge.point_ml, share)
    return result


def _least_bone(
    hip: Hip,
    spec: Spec,
    tight: Spec,
    lines: FloatArray,
    lengths: FloatArray,
    counts: npt.NDArray[np.int64],
    point_ml: float,
    share: float,
) -> list[Pair]:
    """The line that takes least healthy bone of those that remove so much of what the best does; none or one."""
    enough = np.flatnonzero(counts >= share * counts.max())
    # An end that is not flat holds less, and on every line as much.
    bone = np.pi * spec.radius_mm**2 * lengths / 1000.0 - counts * point_ml
    few = lines[enough[np.argsort(bone[enough], kind="stable")[:TRIED]]]
    problem = build_problem(hip, tight, slack_mm=0.02)
    _, ends, exact = evaluate_many(problem, few, fine_ring(problem), RING_STEP_MM)
    for i in np.flatnonzero(exact > 0):
        tunnel = tunnel_of_line(spec, problem, few[i], float(ends[i, 0]), float(ends[i, 1]))
        figures = assess(hip, tunnel, spec)
        if not violations(figures, spec):
            return [(tunnel, figures)]
    return []


def _wider(spec: Spec, by_mm: float) -> Spec:
    """All margins widened, a guide pin's too; a margin beyond what is accepted stays within."""
    keys, one = [limit.key for limit in MARGINS], spec.instrument
    wide = spec.with_values({key: min(getattr(spec, key) + by_mm, accepted_range(key)[1]) for key in keys})
    if one is None or spec.pin_margin_mm is None:
        return wide
    pin = min(one.pin_margin_mm + by_mm, RANGES["pin_margin_mm"][1])
    return replace(wide, instrument=replace(one, pin_margin_mm=pin))
