"""The limits of a tunnel: what each bounds, and which of them a tunnel exceeds."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from corecore.base.limits import LIMITS, OF_A_TUNNEL, OUTWARD_MM, Limit
from corecore.base.spec import Spec
from corecore.document.numbers import rounded
from corecore.document.plan import ViolationPart
from corecore.tunnels.figures import TunnelFigures


class Reason(IntEnum):
    """Why a line carries no tunnel: the limit it breaks first, by the beginning of its key."""

    OK = 0
    CORTICAL = 1
    POSTEROSUPERIOR = 2
    JOINT = 3
    PORTAL = 4
    INCIDENCE = 5
    SHAFT_ANGLE_MIN = 6
    SHAFT_ANGLE_MAX = 7
    LENGTH = 8
    ENTRY_NORMAL = 9
    ENTRY_AP = 10
    ENTRY_DISTAL = 11
    ENTRY_PROXIMAL = 12
    FIELD_OF_VIEW = 13
    OUTWARD = 14
    MISSES_LESION = 15
    AVOID = 16
    PELVIS = 17
    ENTRY_FIXED = 18
    DIRECTION_FIXED = 19
    NECK_AREA_SHARE = 20
    PIN = 21
    LATERAL_WALL_SHARE = 22
    ENTRY_BELOW_RIDGE = 23


NUMBER_OF_REASONS = len(Reason)

#: The limit (``corecore.base.limits``) behind each reason: the one whose key begins with its name.
REASON_KEYS: dict[Reason, str] = {
    reason: next(key for key in LIMITS if key.upper().startswith(reason.name))
    for reason in Reason
    if reason is not Reason.OK
}


class Violation(NamedTuple):
    """A limit (``corecore.base.limits``) that is broken: its bound and the figure beyond it, in its unit."""

    key: str
    limit: float
    value: float

    def part(self, tunnel: int | UnsetType = UNSET) -> ViolationPart:
        """As in ``plan.json``; ``tunnel``: which one breaks it, counted from 1."""
        return ViolationPart(self.key, rounded(self.limit), rounded(self.value), tunnel)


def violations(figures: TunnelFigures, spec: Spec) -> list[Violation]:
    """Every hard constraint that a tunnel breaks."""
    found = (violation(limit, _figure(figures, limit), spec) for limit in OF_A_TUNNEL)
    return [item for item in found if item is not None]


def violation(limit: Limit, value: float | None, spec: Spec) -> Violation | None:
    """How a figure breaks a limit; ``None`` where it keeps it, or where either is not asked for."""
    bound = limit.value(spec)
    if value is None or bound is None or (value >= bound if limit.at_least else value <= bound):
        return None
    return Violation(limit.key, bound, value)


def _figure(figures: TunnelFigures, limit: Limit) -> float | None:
    if limit.figure == "outward_free_mm":
        return OUTWARD_MM if figures.outward_free else 0.0
    value: float | None = getattr(figures, limit.figure)
    return abs(value) if limit.size_only and value is not None else value
