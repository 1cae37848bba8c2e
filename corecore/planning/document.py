"""A plan as ``plan.json``: every figure by name, positions in world RAS mm."""

from __future__ import annotations

import datetime
import time
from dataclasses import asdict
from typing import Any

from corecore.base.version import __version__
from corecore.document.numbers import number, rounded
from corecore.hip.hip import Hip
from corecore.measures.document import case_document, direction, position
from corecore.planning.alternatives import METHOD, Alternative
from corecore.planning.planner import ManualPath, Plan
from corecore.planning.proof.branch_and_bound import Proof
from corecore.planning.robust import RobustPlan
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures
from corecore.tunnels.plan_metrics import PlanMetrics, totals_of
from corecore.tunnels.risk.execution import by_method

SCHEMA = "corecore.plan/1"


def document(plan: Plan) -> dict[str, Any]:
    """The content of ``plan.json`` (contract §4), world RAS mm."""
    hip, anatomy = plan.hip, plan.hip.anatomy
    started = time.perf_counter()
    drilled = [tunnel for tunnel, _ in plan.tunnels]
    risks: list[dict[str, Any]] = [{} for _ in drilled]
    risk_together: dict[str, Any] = {}
    if plan.spec.cavity_diameter_mm == 0.0:
        risks, risk_together = by_method(hip, drilled, plan.spec, dict(plan.methods))
    risk_s = time.perf_counter() - started
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "corecore_version": __version__,
        "coordinate_system": "RAS",
        "units": "mm",
        "status": plan.status,
        "violations": [] if plan.given is None else rounded(plan.given.violations),
        "warnings": [{"code": c.code, "text": c.text} for c in plan.warnings],
        "case": case_document(hip),
        "anatomy": {
            "head_center": position(hip, anatomy.head_center),
            "head_radius_mm": number(anatomy.head_radius_mm),
            "neck_center": position(hip, anatomy.neck_center),
            "neck_axis": direction(hip, anatomy.neck_axis),
            "neck_shaft_angle_deg": number(anatomy.neck_shaft_angle_deg),
            "neck_min_area_mm2": number(anatomy.neck_min_area_mm2),
            "shaft_point": position(hip, anatomy.shaft_point),
            "shaft_axis": direction(hip, anatomy.shaft_axis),
            "x_axis": direction(hip, anatomy.x_axis),
            "lesser_trochanter_tip": position(hip, anatomy.lesser_trochanter_tip),
            "lesser_trochanter_height_mm": number(anatomy.lesser_trochanter_height_mm),
            "greater_trochanter_tip": position(hip, anatomy.greater_trochanter_tip),
            "sources": anatomy.sources,
        },
        "necrosis": rounded(plan.measures.as_dict()),
        "spec": plan.spec.as_dict(),
        "tunnels": [
            {**_tunnel(hip, tunnel, figures), "kept": number < len(plan.spec.keep), "risk": risk, "explanation": told}
            for number, ((tunnel, figures), risk, told) in enumerate(
                zip(plan.tunnels, risks, plan.explanations, strict=True)
            )
        ],
        "totals": {
            **_totals_document(plan.totals, plan.proof),
            "bone_left": None if plan.standing is None else rounded(plan.standing.as_dict()),
            "risk": risk_together,
        },
        "alternatives": [_alternative(plan, one) for one in plan.others],
        "risk_methods": {name: asdict(method) for name, method in plan.methods.items()},
        "timings": {
            **{key: round(value, 3) for key, value in plan.timings.items()},
            "risk_s": round(risk_s, 3),
            "poses_judged": plan.poses_judged,
            "boxes_bounded": plan.proof.boxes_bounded if plan.proof else 0,
        },
    }
    if plan.robust is not None:
        result["robust"] = _robust_document(hip, plan.robust)
    if plan.given is not None:
        result.update(_given_document(hip, plan.given))
    if plan.infeasible is not None:
        result["infeasible"] = plan.infeasible.as_dict()
    return result


def _robust_document(hip: Hip, found: RobustPlan) -> dict[str, Any]:
    """The robust plan beside the plain one, and what it costs; fractions of the lesion."""
    risk, plain = found.risk.as_dict(), found.plain_risk.as_dict()
    return {
        "method": found.method.name,
        "breach_probability_max": found.limit,
        "limit_met": found.met,
        "risk": risk,
        "plain": {**_tunnel(hip, found.plain_tunnel, found.plain_figures), "risk": plain},
        "cost_removed_fraction": number(found.plain_figures.removed_fraction - found.figures.removed_fraction),
        "cost_expected_fraction": number(plain["removed_fraction_mean"] - risk["removed_fraction_mean"]),
        "trials": found.trials,
    }


def _given_document(hip: Hip, given: ManualPath) -> dict[str, Any]:
    near = given.nearest
    return {
        "given": {
            "entry": rounded(given.entry_mm.tolist()),
            "tip": rounded(given.tip_mm.tolist()),
            "entry_moved_mm": number(given.entry_moved_mm),
        },
        "nearest": None if near is None else {
            **_tunnel(hip, near.tunnel, near.figures),
            "entry_moved_mm": number(near.entry_moved_mm),
            "tip_moved_mm": number(near.tip_moved_mm),
            "turned_deg": number(near.turned_deg),
        },
        "nearest_reason": given.nearest_reason,
    }  # fmt: skip


def _tunnel(hip: Hip, tunnel: Tunnel, figures: TunnelFigures) -> dict[str, Any]:
    return {
        "entry": position(hip, tunnel.entry),
        "tip": position(hip, tunnel.tip),
        "direction": direction(hip, tunnel.direction),
        "diameter_mm": number(tunnel.diameter_mm),
        "cavity_diameter_mm": number(tunnel.cavity_diameter_mm) if tunnel.cavity else None,
        "cavity_length_mm": number(tunnel.cavity_length_mm) if tunnel.cavity else None,
        "length_mm": number(figures.length_mm),
        "portal_length_mm": number(figures.portal_length_mm),
        "removed_fraction": number(figures.removed_fraction),
        "cortical_clearance_mm": number(figures.cortical_clearance_mm),
        "posterosuperior_clearance_mm": number(figures.posterosuperior_clearance_mm),
        "joint_clearance_mm": number(figures.joint_clearance_mm),
        "avoid_clearance_mm": number(figures.avoid_clearance_mm),
        "incidence_deg": number(figures.incidence_deg),
        "entry_normal_deg": number(figures.entry_normal_deg),
        "shaft_angle_deg": number(figures.shaft_angle_deg),
        "ap_angle_deg": number(figures.ap_angle_deg),
        "lateral_tilt_deg": number(figures.lateral_tilt_deg),
        "entry_above_lesser_trochanter_mm": number(figures.entry_above_lesser_trochanter_mm),
        "entry_below_greater_trochanter_mm": number(figures.entry_below_greater_trochanter_mm),
        "entry_anterior_mm": number(figures.entry_anterior_mm),
    }


def _alternative(plan: Plan, other: Alternative) -> dict[str, Any]:
    """Another plan with its totals, and by how much it differs from this one in what speaks for a tunnel."""
    hip = plan.hip
    risks, together = by_method(hip, [other.tunnel], plan.spec)
    assert plan.own is not None
    return {
        "tunnels": [{**_tunnel(hip, other.tunnel, other.figures), "risk": risks[0]}],
        "totals": {**_totals_document(totals_of(hip, plan.spec, [other.tunnel]), None), "risk": together},
        "room_mm": number(other.spare_clearance_mm),
        "breach_probability": round(other.breach_probability, 4),
        "breach_method": METHOD,
        "against_plan": {
            "removed_fraction": number(other.figures.removed_fraction - plan.own.figures.removed_fraction),
            "room_mm": number(other.spare_clearance_mm - plan.own.spare_clearance_mm),
            "healthy_bone_removed_ml": number(other.healthy_bone_ml - plan.own.healthy_bone_ml),
            "breach_probability": round(other.breach_probability - plan.own.breach_probability, 4),
        },
    }


def _totals_document(totals: PlanMetrics, proof: Proof | None) -> dict[str, Any]:
    bound = None if proof is None else proof.upper_bound_fraction
    gap = None if bound is None or totals.removed_fraction <= 0.0 else bound / totals.removed_fraction - 1.0
    return {
        **{name: number(value) for name, value in vars(totals).items()},
        "upper_bound_fraction": number(bound),
        "optimality_gap": number(gap),
        "stopped_by": "effort" if proof is None else proof.stopped_by,
    }
