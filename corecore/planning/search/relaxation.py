"""The smallest relaxation of one limit that lets a line pass, all others kept.

A line that passes once a limit is as loose as it may be set has broken that limit and no other,
so one sweep sorts a lattice by the limit to blame. The lines that pass are kept while the limit
is drawn in again; when the last of them fails, they are moved, by steps that shrink, to where
the limit can be drawn in further. The kernel of the search judges every one of them.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec, accepted_range
from corecore.hip.hip import Hip
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import build_problem
from corecore.tunnels.limits import REASON_KEYS, Reason

_log = logging.getLogger(__name__)

#: Limits that can be set, with the reason the kernel gives for a line that breaks one.
REASON_OF = {
    REASON_KEYS[reason]: reason
    for reason in (
        Reason.CORTICAL, Reason.POSTEROSUPERIOR, Reason.JOINT, Reason.INCIDENCE, Reason.SHAFT_ANGLE_MIN,
        Reason.SHAFT_ANGLE_MAX, Reason.LENGTH, Reason.ENTRY_NORMAL, Reason.ENTRY_AP, Reason.ENTRY_DISTAL,
        Reason.ENTRY_PROXIMAL,
    )
}  # fmt: skip
#: Limits of which more is looser.
UPPER = {"shaft_angle_max_deg", "length_max_mm", "entry_normal_max_deg", "entry_ap_max_mm", "entry_proximal_mm"}
#: The tip is drawn back for these, and a line then fails for want of lesion; the first makes the portal longer too.
_TIP = {"cortical_margin_mm", "posterosuperior_margin_mm", "joint_margin_mm", "length_max_mm"}
#: How exactly a relaxation is told, mm or degrees (engineering choice).
STEP_MM, STEP_DEG = 0.1, 0.2
#: Room asked of every margin, mm: a way so narrow that no search gets through helps nobody (engineering choice).
ROOM_MM = 0.1
#: About so many of the lesion's points tell whether a line meets it.
POINTS = 4000
#: Rings of the judgement, as in the sweep; lines moved at a time; least size of a move, in compass steps.
RING, RING_STEP_MM = 16, 1.0
MOVED, MOVE_FIRST, MOVE_LEAST = 24, 1.0, 0.03
#: A limit this many steps beyond the lattice's lines is far off: 5 mm or 10°, several times the lattice's mesh.
FAR_STEPS = 50


@dataclass(frozen=True, eq=False)
class Relaxed:
    """A limit drawn in as far as it goes: its value, and lines (N, 4) that keep it and all other limits."""

    key: str
    value: float
    lines: FloatArray


def step_of(key: str) -> float:
    """To which step a limit's relaxation is told."""
    return STEP_DEG if key.endswith("_deg") else STEP_MM


def relaxed_value(spec: Spec, key: str, amount: float) -> float:
    """A limit after it has given way by ``amount``, within what is accepted."""
    low, high = accepted_range(key)
    sign = 1.0 if key in UPPER else -1.0
    return round(min(max(float(getattr(spec, key)) + sign * amount, low), high), 6)


def most_relaxed_value(spec: Spec, key: str) -> float:
    """As loose as a limit may be set, and as it makes a difference."""
    low, high = accepted_range(key)
    if key == "posterosuperior_margin_mm":
        low = max(low, spec.cortical_margin_mm)
    return high if key in UPPER else low


def most_relaxed(spec: Spec) -> Spec:
    """The parameters with every limit as loose as it may be set."""
    return replace(spec, **{key: accepted_range(key)[key in UPPER] for key in REASON_OF})  # type: ignore[arg-type]


def least_relaxation(
    hip: Hip, spec: Spec, lines: FloatArray, keys: Collection[str] = tuple(REASON_OF), *, far_too: bool = True
) -> Iterator[Relaxed]:
    """Each limit that lets lines of a lattice (N, 4) pass when it alone gives way, drawn in as far as it goes.

    Unless ``far_too`` no lines are moved where the limit is so far off that moving them will not reach it.
    """
    judge = LineEvaluator(hip)
    reasons, _, _ = judge.judged(lines, spec)
    for key, reason in REASON_OF.items():
        if key not in keys:
            continue
        to_blame = reasons == reason
        if key in _TIP:
            to_blame |= reasons == Reason.MISSES_LESION
        if key == "cortical_margin_mm":
            to_blame |= reasons == Reason.PORTAL
        own = lines[to_blame]
        if most_relaxed_value(spec, key) == getattr(spec, key) or len(own) == 0:
            continue
        passing = judge.passing(own, replace(spec, **{key: most_relaxed_value(spec, key)}))  # type: ignore[arg-type]
        if len(passing):
            one = _least_length(judge, spec, key, passing, far_too)
            _log.info("%s: %d lines pass at its loosest, squeezed to %g", key, len(passing), one.value)
            yield one


class LineEvaluator:
    """The kernel's judgement of one hip under any limits, with few of the lesion's points: whether, not how much."""

    def __init__(self, hip: Hip) -> None:
        points = hip.lesion.points_mm
        step = max(1, len(points) // POINTS)
        # A step that shares a factor with the points in a voxel would take the same corner of each.
        while math.gcd(step, 30) > 1:
            step += 1
        self.thin = replace(hip, lesion=replace(hip.lesion, points_mm=points[::step]))
        self.ring = ring_points(RING)
        #: What one of the points stands for, ml.
        self.point_ml = hip.lesion.volume_ml / len(self.thin.lesion.points_mm)

    def judged(self, lines: FloatArray, spec: Spec) -> tuple[npt.NDArray[np.int8], FloatArray, npt.NDArray[np.int64]]:
        """Reasons (N,), entries and tips (N, 2) and counts (N,) of lines (N, 4)."""
        problem = build_problem(self.thin, spec, slack_mm=ROOM_MM)
        return evaluate_many(problem, lines, self.ring, RING_STEP_MM)

    def moves(self, spec: Spec) -> FloatArray:
        """Unit steps (M, 4) of a line that keep what is fixed."""
        return build_problem(self.thin, spec).moves

    def passing(self, lines: FloatArray, spec: Spec) -> FloatArray:
        """Those of lines (N, 4) that carry a tunnel, most removed first."""
        _, _, counts = self.judged(lines, spec)
        order = np.argsort(-counts, kind="stable")
        return lines[order[counts[order] > 0]]


def _least_length(judge: LineEvaluator, spec: Spec, key: str, lines: FloatArray, far_too: bool) -> Relaxed:
    """A limit drawn in from its loosest while any of lines (N, 4), all of which pass there, still passes."""
    limit, value, step = float(getattr(spec, key)), most_relaxed_value(spec, key), step_of(key)
    sign = 1.0 if limit > value else -1.0

    def nearer(by: float) -> float:
        return limit if abs(limit - value) <= by else value + sign * by

    def passing(trial: float, among: FloatArray) -> FloatArray:
        return judge.passing(among, replace(spec, **{key: trial}))  # type: ignore[arg-type]

    by = abs(limit - value)
    while by >= step and value != limit:
        left = passing(nearer(by), lines)
        if len(left):
            value, lines = nearer(by), left
        else:
            by *= 0.5
    if not far_too and abs(limit - value) > FAR_STEPS * step:
        return Relaxed(key, value, lines)
    moves, size, by = judge.moves(spec), MOVE_FIRST, 8.0 * step
    lines = _spread(lines)
    while size >= MOVE_LEAST and value != limit:
        left = passing(nearer(by), (lines[:, None] + size * moves).reshape(-1, 4))
        if len(left):
            value, lines = nearer(by), _spread(left)
        elif by > step:
            by *= 0.5
        else:
            size *= 0.5
    return Relaxed(key, value, lines)


def _spread(lines: FloatArray) -> FloatArray:
    """At most ``MOVED`` of lines (N, 4), evenly through them."""
    return np.asarray(lines[np.unique(np.linspace(0, len(lines) - 1, MOVED).astype(int))])
