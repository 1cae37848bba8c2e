"""The set of tunnels that perforates least often among those that remove enough.

Tunnels err independently, so that a set is as safe as each of its tunnels: one after another is moved to where it
perforates less, in rounds, and what holds them together with them: the entry of a fan, the direction of parallel ones.
What the others leave of the lesion, and what is wanting of the share, is each one's own to remove; one that need not
remove anything is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.drilled import Drill, Drilled, softened
from corecore.planning.search.line_geometry import fine_ring
from corecore.planning.search.problem import build_problem
from corecore.planning.search.safest_line import FINE_SLACK_MM, GAIN, SHORT, SOME, SafestLine
from corecore.planning.search.shallow import shallowest
from corecore.planning.search.single import tunnel_of_line
from corecore.planning.sets.candidates import line_of_tunnel
from corecore.planning.sets.refine import leaned, shifted
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_STEP_MM, assess
from corecore.tunnels.limits import violations
from corecore.tunnels.objective import objective_fraction, objective_points, points_counted
from corecore.tunnels.risk.methods import Method
from corecore.tunnels.tunnel_set import SHARED_PORTAL_MM, conflicts, portals_of, set_violations, shapes_of_tunnels

#: Rounds over the tunnels of a set at each share, at most.
ROUNDS = 2
#: Sizes of a fan's and of a common direction's moves, in steps of the compass; of each size so many are kept at most,
#: and so many of the most promising are held against the limits.
SIZES, MOVES_MAX, CHECKED = (1.0, 0.4), 1, 2


class SafestSet:
    """The search for a set, from the one that removes most.

    Parameters
    ----------
    hip : Hip
        The hip.
    spec : Spec
        Parameters in force.
    method : Method
        The guidance method.
    most : sequence of Tunnel
        The set that removes most; existing tunnels, which stand still, first. Local mm.
    """

    def __init__(self, hip: Hip, spec: Spec, method: Method, most: Sequence[Tunnel]) -> None:
        self.hip, self.spec, self.method = hip, spec, method
        self.points = objective_points(hip, spec)
        self.count = objective_fraction(hip, most, spec) * len(self.points)
        self.problem = build_problem(hip, spec, slack_mm=FINE_SLACK_MM)
        self.drill = Drill(hip, spec, method)
        self.kept = len(spec.keep)
        #: Of each tunnel that was looked at how it is drilled, and which points count with it.
        self._known: dict[Tunnel, Drilled] = {}
        self._counted: dict[Tunnel, BoolArray] = {}
        self._trials = 0

    @property
    def trials(self) -> int:
        """Tunnels that were drilled."""
        return self._trials + self.drill.trials

    def safer(self, tunnels: tuple[Tunnel, ...], share: float) -> tuple[Tunnel, ...]:
        """A set that removes a share of the most and perforates less than one that removes more, or that one."""
        need, chosen = math.ceil(share * self.count) + 1, list(tunnels)
        while (out := self._spare(chosen, need)) is not None:
            del chosen[out]
        for _ in range(ROUNDS):
            before = self._measure(chosen)
            chosen = self._together(chosen, need)
            # The one that perforates most often gives way first.
            for place in sorted(range(self.kept, len(chosen)), key=lambda k: -self._drilled(chosen[k]).measure):
                chosen[place] = self._moved(chosen, place, need)
            if self._measure(chosen) >= (1.0 - 10.0 * GAIN) * before:
                break
        return tuple(chosen)

    def _spare(self, tunnels: list[Tunnel], need: int) -> int | None:
        """The tunnel that can be done without, of several the one that perforates most often."""
        enough = [
            out for out in range(self.kept, len(tunnels))
            if len(tunnels) > 1 and self._hit([*tunnels[:out], *tunnels[out + 1 :]]).sum() >= need
        ]  # fmt: skip
        return max(enough, key=lambda out: self._drilled(tunnels[out]).measure, default=None)

    def _moved(self, tunnels: list[Tunnel], place: int, need: int) -> Tunnel:
        """One tunnel of a set, moved to where it perforates less and the set removes enough; itself: none is known."""
        own, others = tunnels[place], [*tunnels[:place], *tunnels[place + 1 :]]
        left = self._left(others) if others else np.ones(len(self.hip.lesion.points_mm), dtype=bool)
        wanting = need - int(np.count_nonzero(self._hit(others)))
        if wanting <= 0 or not left.any():
            return own
        hip = replace(self.hip, lesion=self.hip.lesion.kept(left))
        rest = [shapes_of_tunnels(self.hip, self.spec, [other]) for other in others]

        def allowed(trial: Sequence[Tunnel]) -> BoolArray:
            if not trial:
                return np.zeros(0, dtype=bool)
            shapes = shapes_of_tunnels(self.hip, self.spec, trial)
            bad = [conflicts(shapes, other, self.spec) for other in rest]
            return ~np.any(bad, axis=0) if bad else np.ones(len(trial), dtype=bool)

        search = SafestLine(hip, self._held(own, others), self.method, own, np.zeros((0, 4)), allowed)
        line, score = search.nearest(wanting)
        self._trials += search.drill.trials
        if score >= SHORT:
            return own
        for found in (line, search.most):
            moved = search.shortest(found, wanting)
            # Limits by the parameters as they are, not as they are held here.
            if moved is not None and self._better([*tunnels[:place], moved, *tunnels[place + 1 :]], tunnels, need):
                return moved
        return own

    def _held(self, own: Tunnel, others: Sequence[Tunnel]) -> Spec:
        """The parameters that keep a tunnel of a fan at its entry, and a parallel one in its direction."""
        shares = any(np.linalg.norm(one.entry - own.entry) <= SHARED_PORTAL_MM for one in others)
        if shares and self.spec.entry_fixed is None:
            x, y, z = (float(value) for value in self.hip.to_world(own.entry))
            return replace(self.spec, entry_fixed=(x, y, z))
        if self.spec.pattern == "parallel" and others and self.spec.direction_fixed is None:
            x, y, z = (float(value) for value in self.hip.direction_to_world(own.direction))
            return replace(self.spec, direction_fixed=(x, y, z))
        return self.spec

    def _together(self, tunnels: list[Tunnel], need: int) -> list[Tunnel]:
        """A set with the entries of its fans, and the direction that its parallel tunnels share, moved."""
        if self.spec.entry_fixed is None:
            portals = portals_of(np.array([tunnel.entry for tunnel in tunnels]))
            for portal in sorted(set(portals)):
                members = [k for k, own in enumerate(portals) if own == portal]
                if len(members) > 1 and members[0] >= self.kept:
                    tunnels = self._stepped(tunnels, members, need, leaning=False)
        if self.spec.pattern == "parallel" and self.spec.direction_fixed is None and not self.kept and len(tunnels) > 1:
            tunnels = self._stepped(tunnels, list(range(len(tunnels))), need, leaning=True)
        return tunnels

    def _stepped(self, tunnels: list[Tunnel], members: list[int], need: int, *, leaning: bool) -> list[Tunnel]:
        """A set whose members moved as one: over the surface, or ``leaning`` alike."""
        for size in SIZES:
            for _ in range(MOVES_MAX):
                lines = np.stack([line_of_tunnel(self.problem, tunnels[k]) for k in members])
                ends = np.stack([tunnels[k].entry if leaning else tunnels[k].tip for k in members])
                better = self._best_step(
                    tunnels, members, (leaned if leaning else shifted)(self.problem, lines, ends, size), need
                )
                if better is None:
                    break
                tunnels = better
        return tunnels

    def _best_step(
        self, tunnels: list[Tunnel], members: list[int], trials: FloatArray, need: int
    ) -> list[Tunnel] | None:
        """The best set whose members lie on one of trials (T, M, 4), if it is safer and removes enough."""
        if len(trials) == 0:
            return None
        spare = need / max(int(np.count_nonzero(self._hit(tunnels))), 1)
        scores, moved = np.zeros(len(trials)), list[list[Tunnel]]()
        for m, k in enumerate(members):
            # Each removes as large a part of what it did as all together must.
            own = max(1, math.ceil(min(spare, 1.0) * np.count_nonzero(self._hit([tunnels[k]]))))
            lines = np.ascontiguousarray(trials[:, m])
            ends, counts = shallowest(self.problem, lines, fine_ring(self.problem), RING_STEP_MM, own)
            scores[counts == 0] = np.inf
            moved.append([
                tunnel_of_line(self.spec, self.problem, line, *end) if count else tunnels[k]
                for line, end, count in zip(lines, ends, counts, strict=True)
            ])  # fmt: skip
            near, rest = self._drilled(tunnels[k]).nearest()
            scores += rest + len(near.clearances) / SOME * softened(self.drill.carried(near, moved[m]))
        before = sum(self._drilled(tunnels[k]).measure for k in members)
        order = np.argsort(scores, kind="stable")[:CHECKED]
        for t in order[scores[order] < (1.0 - GAIN) * before]:
            trial = list(tunnels)
            for m, k in enumerate(members):
                trial[k] = moved[m][t]
            if self._better(trial, tunnels, need):
                return trial
        return None

    def _better(self, trial: list[Tunnel], tunnels: list[Tunnel], need: int) -> bool:
        """Whether a set removes enough, keeps every limit and perforates less than another."""
        if self._hit(trial).sum() < need or self._measure(trial) >= (1.0 - GAIN) * self._measure(tunnels):
            return False
        new = [one for one, other in zip(trial, tunnels, strict=True) if one is not other]
        if any(violations(assess(self.hip, one, self.spec), self.spec) for one in new):
            return False
        return not set_violations(self.hip, trial, self.spec)

    def _measure(self, tunnels: Sequence[Tunnel]) -> float:
        return sum(self._drilled(tunnel).measure for tunnel in tunnels[self.kept :])

    def _drilled(self, tunnel: Tunnel) -> Drilled:
        if tunnel not in self._known:
            self._known[tunnel] = self.drill.drilled(tunnel, SOME)
        return self._known[tunnel]

    def _hit(self, tunnels: Sequence[Tunnel]) -> BoolArray:
        """Which of the objective's points count with the tunnels; (N,)."""
        hit = np.zeros(len(self.points), dtype=bool)
        for tunnel in tunnels:
            if tunnel not in self._counted:
                self._counted[tunnel] = points_counted(tunnel, self.points, self.spec)
            hit |= self._counted[tunnel]
        return hit

    def _left(self, tunnels: Sequence[Tunnel]) -> BoolArray:
        """Which of the lesion's points do not count yet with the tunnels."""
        points = self.hip.lesion.points_mm
        if self.points is points:
            return ~self._hit(tunnels)
        return np.asarray(~np.any([points_counted(tunnel, points, self.spec) for tunnel in tunnels], axis=0))
