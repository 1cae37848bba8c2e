"""The tunnel that removes most on average when it is drilled with a method's errors, and seldom breaks out.

A search over lines and depths: every trial is drilled a few hundred times with the same errors
each time, so that two trials differ by where they lie and not by luck. The limit is judged on
errors that the search has not seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import OK, fine_ring, ring_points
from corecore.planning.search.local_search import line_through
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.single import SWEEP_RING, SWEEP_STEP_MM, lattice, tunnel_of_line
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_STEP_MM, TunnelFigures, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.risk.drilling import lesion_shifts, perturbed
from corecore.tunnels.risk.execution import Risk, execution_risk, lesion_shift_mm, risk_of_poses
from corecore.tunnels.risk.kernel import CORTEX, JOINT, Bricks, sort_into_bricks
from corecore.tunnels.risk.lattice import POINTS
from corecore.tunnels.risk.methods import Method

_log = logging.getLogger(__name__)

#: Drillings a trial in the first climb and in the last.
FEW, MANY = 512, POINTS
#: Room beyond every margin at which the neck is swept for starts, mm, how many are tried at each, and drawn back by.
ROOM_MM, AT_EACH, DRAWN_MM = (0.0, 1.0, 2.0, 3.0, 4.5), 3, (0.0, 2.0, 4.0, 8.0)
#: Starts that are climbed from.
STARTS = 3
#: The limit as the search sees it, in turn, until errors it has not seen keep the limit itself: the best of many
#: trials owes something to luck.
STRICTER = (0.8, 0.6, 0.4)
#: And where it was kept at once, how near to it the search goes a second time.
LAST_SHARE = 0.9
#: A tunnel that removes less than this share of what the plain one does is no decompression (engineering choice).
WORTH = 0.25
#: Scramblings of the search, other than those the plan's figures come from.
SEARCH_SEED = 1


@dataclass(frozen=True, eq=False)
class RobustPlan:
    """A tunnel planned for the errors of a guidance method, beside the one planned without.

    Parameters
    ----------
    method : Method
        The guidance method.
    limit : float
        Greatest probability of cortical perforation, and of joint penetration, 0 to 1.
    met : bool
        Whether the tunnel keeps it.
    tunnel : Tunnel
        The robust tunnel, local mm.
    figures : TunnelFigures
        Its figures.
    risk : Risk
        Its simulation, of 10,240 drillings.
    plain_tunnel : Tunnel
        The tunnel planned without errors, local mm.
    plain_figures : TunnelFigures
        Its figures.
    plain_risk : Risk
        Its simulation.
    trials : int
        Tunnels that the search simulated.
    """

    method: Method
    limit: float
    met: bool
    tunnel: Tunnel
    figures: TunnelFigures
    risk: Risk
    plain_tunnel: Tunnel
    plain_figures: TunnelFigures
    plain_risk: Risk
    trials: int


@dataclass(frozen=True, eq=False)
class _Trial:
    """A line (4,) with its tip drawn back, mm, and how it does: better is greater."""

    line: FloatArray
    drawn_mm: float
    score: tuple[bool, float]


def robust_tunnel(
    hip: Hip,
    spec: Spec,
    method: Method,
    plain: tuple[Tunnel, TunnelFigures],
    *,
    progress: Callable[[float], None] | None = None,
) -> RobustPlan:
    """The tunnel with the most expected removal whose breaches stay below ``spec.breach_probability_max``.

    ``plain`` is the best tunnel without regard to errors. Where nothing keeps the limit, the
    tunnel of least risk among those that remove a quarter of what the plain one does. Every
    tunnel considered keeps every constraint of the spec as planned.
    """
    tell = progress or (lambda share: None)
    search = _Search(hip, spec, method, plain)
    starts = search.starts()
    tell(0.3)
    limit = spec.breach_probability_max
    judged_at: list[tuple[Tunnel, TunnelFigures, Risk]] = []
    shares = list(STRICTER)
    while shares:
        search.limit = shares.pop(0) * limit
        found = search.climbed(starts)
        tell(1.0 - 0.7 * len(shares) / len(STRICTER))
        if found is None:
            break
        trial, tunnel, figures = found
        judged_at.append((tunnel, figures, execution_risk(hip, [tunnel], spec, method)[0][0]))
        starts = [(one.line, one.drawn_mm) for one in (trial, *search.reached)]
        if _worst(judged_at[-1][2]) <= limit:
            # Room is left: once more a little nearer to the limit.
            shares = [LAST_SHARE] if search.limit < LAST_SHARE * limit else []
        elif not trial.score[0] or search.limit == LAST_SHARE * limit:
            # A limit that is out of reach is not nearer for being stricter.
            break
    judged_at.append((*plain, execution_risk(hip, [plain[0]], spec, method)[0][0]))
    plain_risk = judged_at[-1][2]
    kept = [one for one in judged_at if _worst(one[2]) <= limit]
    best = max(kept, key=lambda one: _mean(one[2])) if kept else min(judged_at, key=lambda one: _worst(one[2]))
    tell(1.0)
    _log.info("robust: %d trials", search.trials)
    return RobustPlan(
        method, limit, _worst(best[2]) <= limit, best[0], best[1], best[2], plain[0], plain[1], plain_risk,
        search.trials,
    )  # fmt: skip


def _worst(risk: Risk) -> float:
    return max(risk.cortex_breach.value, risk.joint_breach.value)


def _mean(risk: Risk) -> float:
    return risk.removed_fraction_mean.value


class _Search:
    """What the trials share: problem, points, errors, and the limit in force."""

    def __init__(self, hip: Hip, spec: Spec, method: Method, plain: tuple[Tunnel, TunnelFigures]) -> None:
        self.hip, self.spec, self.method, self.plain = hip, spec, method, plain
        # The plain road judges what is returned: a hundredth of a millimetre of room for its finer look.
        self.problem: Problem = build_problem(hip, spec, slack_mm=0.01)
        self.bricks: Bricks = sort_into_bricks(hip.lesion.points_mm)
        self.limit = spec.breach_probability_max
        self.least = WORTH * plain[1].removed_fraction
        #: Some of the lesion's points tell whether a tunnel is worth drilling.
        self.few: FloatArray = np.ascontiguousarray(self.bricks.points.T, dtype=np.float64)
        self.trials = 0
        #: Where the last climbs of few drillings ended, best first.
        self.reached: list[_Trial] = []

    def starts(self) -> list[tuple[FloatArray, float]]:
        """Lines with room to spare, those that remove most at each room, and how far each is drawn back."""
        lines = lattice(self.problem)
        found = []
        own = line_through(self.problem, self.plain[0])
        if own is not None:
            found.append(own)
        for room in ROOM_MM:
            problem = build_problem(self.hip, self.spec, slack_mm=room)
            reasons, _, counts = evaluate_many(problem, lines, ring_points(SWEEP_RING), SWEEP_STEP_MM)
            kept = np.flatnonzero((reasons == OK) & (counts > 0))
            if len(kept) == 0:
                break
            lines, counts = lines[kept], counts[kept]
            found += list(lines[np.argsort(-counts, kind="stable")[:AT_EACH]])
        return [(line, drawn) for line in found for drawn in DRAWN_MM]

    def climbed(self, starts: list[tuple[FloatArray, float]]) -> tuple[_Trial, Tunnel, TunnelFigures] | None:
        """The best tunnel reached from the starts, within every constraint; ``None`` where there is none."""
        lines, drawn = np.stack([line for line, _ in starts]), np.array([d for _, d in starts])
        first = [trial for trial in self._scored(lines, drawn, FEW, None) if trial is not None]
        first.sort(key=lambda trial: trial.score, reverse=True)
        self.reached = [self._climb(trial, FEW, 1.0, 0.2) for trial in first[:STARTS]]
        self.reached.sort(key=lambda trial: trial.score, reverse=True)
        for trial in self.reached:
            again = self._scored(trial.line[None], np.array([trial.drawn_mm]), MANY, None)[0]
            if again is None:
                continue
            last = self._climb(again, MANY, 0.4, 0.08)
            tunnel = self._tunnels(last.line[None], np.array([last.drawn_mm]))[0]
            if tunnel is not None:
                figures = assess(self.hip, tunnel, self.spec)
                if not violations(figures, self.spec):
                    return last, tunnel, figures
        return None

    def _climb(self, trial: _Trial, poses: int, size: float, smallest: float) -> _Trial:
        """Compass steps of the line and of its depth, the best of all each time, halved when none helps."""
        moves = self.problem.moves
        deeper = np.array([[0.0, 0.0, 0.0, 0.0, way] for way in (2.0, -2.0)])
        steps = np.concatenate([np.column_stack([moves, np.zeros(len(moves))]), deeper])
        while size >= smallest:
            lines = trial.line + size * steps[:, :4]
            drawn = np.maximum(trial.drawn_mm + size * steps[:, 4], 0.0)
            tried = [t for t in self._scored(lines, drawn, poses, trial) if t is not None]
            best = max(tried, key=lambda t: t.score, default=trial)
            if best.score > trial.score:
                trial = best
            else:
                size *= 0.5
        return trial

    def _scored(self, lines: FloatArray, drawn: FloatArray, poses: int, beat: _Trial | None) -> list[_Trial | None]:
        found: list[_Trial | None] = []
        for line, back, tunnel in zip(lines, drawn, self._tunnels(lines, drawn), strict=True):
            found.append(None if tunnel is None else self._drilled(line, float(back), tunnel, poses, beat))
        return found

    def _tunnels(self, lines: FloatArray, drawn: FloatArray) -> list[Tunnel | None]:
        """The tunnels on lines (N, 4), as deep as they may go less what they are drawn back (N,); ``None``: none."""
        reasons, ends, counts = evaluate_many(
            self.problem, np.ascontiguousarray(lines), fine_ring(self.problem), RING_STEP_MM
        )
        tunnels: list[Tunnel | None] = []
        for i in range(len(lines)):
            tip = float(ends[i, 1] - drawn[i])
            if reasons[i] != OK or counts[i] < self.least * len(self.hip.lesion.points_mm) or tip <= 0.0:
                tunnels.append(None)
                continue
            tunnel = tunnel_of_line(self.spec, self.problem, lines[i], float(ends[i, 0]), tip)
            worth = drawn[i] == 0.0 or float(np.mean(tunnel.contains(self.few))) >= self.least
            tunnels.append(tunnel if worth else None)
        return tunnels

    def _drilled(self, line: FloatArray, back: float, tunnel: Tunnel, poses: int, beat: _Trial | None) -> _Trial | None:
        self.trials += 1
        entries, tips = perturbed(self.hip, [tunnel], self.method, seed=SEARCH_SEED, poses=poses)
        shifts = lesion_shifts(lesion_shift_mm(self.hip) or 0.0, seed=SEARCH_SEED, poses=poses)
        found, share = risk_of_poses(self.hip, [tunnel], self.spec, entries, tips, bricks=self.bricks, shifts=shifts)
        worst = float(max(found[:, 0, CORTEX].mean(), found[:, 0, JOINT].mean()))
        score = (True, float(share[:, 0].mean())) if worst <= self.limit else (False, -worst)
        trial = _Trial(line, back, score)
        return trial if beat is None or trial.score > beat.score else None
