"""The limits of a tunnel: what each bounds, and which of them a tunnel exceeds."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from corecore.base.limits import OF_A_TUNNEL, OUTWARD_MM, Limit
from corecore.base.spec import Spec
from corecore.tunnels.figures import TunnelFigures


class Reason(IntEnum):
    """Why a line carries no tunnel: the constraint it breaks first."""

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
    NECK_SHARE = 20


NUMBER_OF_REASONS = len(Reason)

#: The limit (``corecore.base.limits``) behind each reason.
REASON_KEYS: dict[Reason, str] = {
    Reason.CORTICAL: "cortical_margin_mm",
    Reason.POSTEROSUPERIOR: "posterosuperior_margin_mm",
    Reason.JOINT: "joint_margin_mm",
    Reason.PORTAL: "portal",
    Reason.INCIDENCE: "incidence_min_deg",
    Reason.SHAFT_ANGLE_MIN: "shaft_angle_min_deg",
    Reason.SHAFT_ANGLE_MAX: "shaft_angle_max_deg",
    Reason.LENGTH: "length_max_mm",
    Reason.ENTRY_NORMAL: "entry_normal_max_deg",
    Reason.ENTRY_AP: "entry_ap_max_mm",
    Reason.ENTRY_DISTAL: "entry_distal_mm",
    Reason.ENTRY_PROXIMAL: "entry_proximal_mm",
    Reason.FIELD_OF_VIEW: "field_of_view",
    Reason.OUTWARD: "outward_path",
    Reason.MISSES_LESION: "misses_lesion",
    Reason.AVOID: "avoid",
    Reason.PELVIS: "pelvis",
    Reason.ENTRY_FIXED: "entry_fixed",
    Reason.DIRECTION_FIXED: "direction_fixed",
    Reason.NECK_SHARE: "neck_area_share_max",
}


def violations(figures: TunnelFigures, spec: Spec) -> list[dict[str, Any]]:
    """Every hard constraint that a tunnel breaks, as ``{key, limit, value}``."""
    found = (violation(limit, _figure(figures, limit), spec) for limit in OF_A_TUNNEL)
    return [item for item in found if item is not None]


def violation(limit: Limit, value: float | None, spec: Spec) -> dict[str, Any] | None:
    """How a figure breaks a limit; ``None`` where it keeps it, or where either is not asked for."""
    bound = limit.value(spec)
    if value is None or bound is None or (value >= bound if limit.at_least else value <= bound):
        return None
    return {"key": limit.key, "limit": bound, "value": value}


def _figure(figures: TunnelFigures, limit: Limit) -> float | None:
    if limit.figure == "outward_free_mm":
        return OUTWARD_MM if figures.outward_free else 0.0
    value: float | None = getattr(figures, limit.figure)
    return abs(value) if limit.size_only and value is not None else value
