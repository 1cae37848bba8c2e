"""The limits of a tunnel: what each bounds, and which of them a tunnel exceeds."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from corecore.base.spec import DIRECTION_KEPT_DEG, ENTRY_KEPT_MM, Spec
from corecore.tunnels.figures import ENTRY_OFF_SURFACE_MM, OUTWARD_MM, TunnelFigures


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


NUMBER_OF_REASONS = len(Reason)

#: The parameter (contract §2) behind each reason.
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
}


def violations(figures: TunnelFigures, spec: Spec) -> list[dict[str, Any]]:
    """Every hard constraint that a tunnel breaks, as ``{key, limit, value}``."""
    broken: list[dict[str, Any]] = []

    def at_least(key: str, value: float, limit: float) -> None:
        if not value >= limit:
            broken.append({"key": key, "limit": limit, "value": value})

    def at_most(key: str, value: float, limit: float) -> None:
        if not value <= limit:
            broken.append({"key": key, "limit": limit, "value": value})

    at_least("cortical_margin_mm", figures.cortical_clearance_mm, spec.cortical_margin_mm)
    at_least("posterosuperior_margin_mm", figures.posterosuperior_clearance_mm, spec.posterosuperior_margin_mm)
    at_least("joint_margin_mm", figures.joint_clearance_mm, spec.joint_margin_mm)
    at_least("portal", figures.wall_depth_min_mm, 0.0)
    at_least("incidence_min_deg", figures.incidence_deg, spec.incidence_min_deg)
    at_least("shaft_angle_min_deg", figures.shaft_angle_deg, spec.shaft_angle_min_deg)
    at_most("shaft_angle_max_deg", figures.shaft_angle_deg, spec.shaft_angle_max_deg)
    at_most("length_max_mm", figures.length_mm, spec.length_max_mm)
    at_most("entry_normal_max_deg", figures.entry_normal_deg, spec.entry_normal_max_deg)
    at_most("entry_ap_max_mm", abs(figures.entry_anterior_mm), spec.entry_ap_max_mm)
    at_least("entry_distal_mm", figures.entry_edge_low_mm, spec.entry_distal_mm)
    at_most("entry_proximal_mm", figures.entry_edge_high_mm, spec.entry_proximal_mm)
    at_least("field_of_view", figures.nearest_to_cut_mm, spec.radius_mm + spec.cortical_margin_mm)
    at_most("portal", figures.entry_off_surface_mm, ENTRY_OFF_SURFACE_MM)
    if not figures.outward_free:
        broken.append({"key": "outward_path", "limit": OUTWARD_MM, "value": 0.0})
    if figures.avoid_clearance_mm is not None:
        at_least("avoid", figures.avoid_clearance_mm, spec.avoid_margin_mm)
    if figures.pelvis_clearance_mm is not None:
        at_least("pelvis", figures.pelvis_clearance_mm, 0.0)
    if figures.entry_from_fixed_mm is not None:
        at_most("entry_fixed", figures.entry_from_fixed_mm, ENTRY_KEPT_MM)
    if figures.direction_from_fixed_deg is not None:
        at_most("direction_fixed", figures.direction_from_fixed_deg, DIRECTION_KEPT_DEG)
    return broken
