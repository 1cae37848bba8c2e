"""A plan as ``plan.json``: every figure by name, positions in world RAS mm."""

from __future__ import annotations

import time

from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from corecore.base.spec import Spec
from corecore.base.version import __version__
from corecore.document.anatomy import AnatomyPart
from corecore.document.headline import headline_of
from corecore.document.numbers import finite, number, rounded
from corecore.document.plan import (
    PLAN_SCHEMA,
    AlternativePart,
    DifferencePart,
    GivenPart,
    PlanDocument,
    RobustPart,
)
from corecore.document.risk import MethodPart, OutlineRiskPart, RiskPart
from corecore.document.spec import InstrumentPart, KeptPart, SpecPart, StepPart
from corecore.document.totals import BoneLeftPart, OtherTotalsPart, TotalsPart
from corecore.document.tradeoff import TradeoffPart, TradeoffTunnelPart
from corecore.document.tunnels import (
    NearestTunnelPart,
    OtherTunnelPart,
    PlainTunnelPart,
    PlannedTunnelPart,
    TunnelPart,
)
from corecore.hip.hip import Hip
from corecore.measures.document import case_part, direction, now, place, position, sources_part, warning_parts
from corecore.planning.alternatives import Alternative
from corecore.planning.planner import ManualPath, Plan
from corecore.planning.proof.branch_and_bound import Proof
from corecore.planning.robust import RobustPlan
from corecore.planning.search.local_search import NearbyTunnel
from corecore.planning.tradeoff import Tradeoff
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures
from corecore.tunnels.frame_range import tunnel_frame_range
from corecore.tunnels.path_bone import ct_of, path_bone
from corecore.tunnels.plan_metrics import PlanMetrics, totals_of
from corecore.tunnels.risk.execution import by_method


def document(plan: Plan) -> PlanDocument:
    """The content of ``plan.json`` (contract §4), world RAS mm."""
    content = _content(plan)
    return replace(content, headline=headline_of(content))


def _content(plan: Plan) -> PlanDocument:
    """All but the headline, which weighs it."""
    hip, given, near = plan.hip, plan.given, None if plan.given is None else plan.given.nearest
    started = time.perf_counter()
    drilled = [tunnel for tunnel, _ in plan.tunnels]
    risks: list[dict[str, RiskPart]] = [{} for _ in drilled]
    risk_together: dict[str, RiskPart] = {}
    if plan.spec.cavity_diameter_mm == 0.0:
        risks, risk_together = by_method(hip, drilled, plan.spec, dict(plan.methods))
    risk_s = time.perf_counter() - started
    ct = ct_of(hip) if drilled else None
    return PlanDocument(
        schema=PLAN_SCHEMA,
        created=now(),
        corecore_version=__version__,
        coordinate_system="RAS",
        units="mm",
        status=plan.status,
        violations=[] if given is None else list(given.violations),
        warnings=warning_parts(plan.warnings),
        case=case_part(hip),
        anatomy=anatomy_part(hip),
        necrosis=rounded(plan.measures.part()),
        spec=spec_part(plan.spec),
        tunnels=[
            PlannedTunnelPart(
                **asdict(_tunnel(hip, tunnel, figures)),
                kept=count < len(plan.spec.keep),
                path_bone=path_bone(hip, tunnel, ct).part(),
                risk=risk,
                explanation=told,
            )
            for count, ((tunnel, figures), risk, told) in enumerate(
                zip(plan.tunnels, risks, plan.explanations, strict=True)
            )
        ],
        totals=_totals_part(plan, risk_together),
        alternatives=[_alternative(plan, one) for one in plan.others],
        tradeoff=UNSET if plan.tradeoff is None else tradeoff_parts(hip, plan.tradeoff),
        risk_methods={name: MethodPart(**vars(method)) for name, method in plan.methods.items()},
        timings={
            **{key: round(value, 3) for key, value in plan.timings.items()},
            "risk_s": round(risk_s, 3),
            "poses_judged": plan.poses_judged,
            "boxes_bounded": plan.proof.boxes_bounded if plan.proof else 0,
        },
        robust=UNSET if plan.robust is None else _robust(hip, plan.robust),
        given=UNSET if given is None else _given(given),
        nearest=UNSET if given is None else None if near is None else _nearest(hip, near),
        nearest_reason=UNSET if given is None else given.nearest_reason,
        infeasible=UNSET if plan.infeasible is None else plan.infeasible.part(),
        review=UNSET if plan.review is None else plan.review,
    )


def _totals_part(plan: Plan, risk: dict[str, RiskPart]) -> TotalsPart:
    """What the tunnels of a plan do together."""
    left = None if plan.standing is None else rounded(plan.standing.part())
    outline = UNSET if plan.outline is None else plan.outline.part()
    most = plan.most_fraction
    # A proof bounds the most that any plan removes.
    aim = plan.totals.removed_fraction if plan.tradeoff is None else most
    return TotalsPart(
        **asdict(_totals(plan.totals, plan.proof, aim=aim, bone_left=left, risk=risk, outline=outline)),
        removed_share_of_best=number(plan.totals.target_fraction / most) if most else None,
    )


def tradeoff_parts(hip: Hip, found: Tradeoff) -> list[TradeoffPart]:
    """The curve as in ``plan.json``: probabilities to four digits, as far as they are known."""
    return [
        TradeoffPart(
            removed_fraction=finite(point.removed_fraction),
            perforation_probability=round(point.perforation_probability, 4),
            entry=place(hip, point.tunnels[0].entry),
            tip=place(hip, point.tunnels[0].tip),
            clearance_p05_mm=finite(round(point.clearance_p05_mm, 4)),
            chosen=index == found.chosen,
            tunnels=UNSET if len(point.tunnels) == 1 else [
                TradeoffTunnelPart(place(hip, tunnel.entry), place(hip, tunnel.tip)) for tunnel in point.tunnels
            ],
        )
        for index, point in enumerate(found.points)
    ]  # fmt: skip


def spec_part(spec: Spec) -> SpecPart:
    """The parameters in force."""
    values = {**spec.as_dict(), "keep": [KeptPart(**vars(one)) for one in spec.keep]}
    if spec.instrument is not None:
        own = spec.instrument.as_dict()
        values["instrument"] = InstrumentPart(**{**own, "steps": [StepPart(**step) for step in own["steps"]]})
    return SpecPart(**values)


def anatomy_part(hip: Hip) -> AnatomyPart:
    """The landmarks of a hip, world RAS mm."""
    anatomy, marked = hip.anatomy, hip.case.landmarks
    return AnatomyPart(
        head_center=place(hip, anatomy.head_center),
        head_radius_mm=finite(anatomy.head_radius_mm),
        neck_center=place(hip, anatomy.neck_center),
        neck_axis=direction(hip, anatomy.neck_axis),
        neck_shaft_angle_deg=finite(anatomy.neck_shaft_angle_deg),
        neck_min_area_mm2=finite(anatomy.neck_min_area_mm2),
        shaft_point=place(hip, anatomy.shaft_point),
        shaft_axis=direction(hip, anatomy.shaft_axis),
        shaft_range_deg=round(anatomy.shaft_range_deg, 3),
        x_axis=direction(hip, anatomy.x_axis),
        lesser_trochanter_tip=position(hip, anatomy.lesser_trochanter_tip),
        lesser_trochanter_height_mm=finite(anatomy.lesser_trochanter_height_mm),
        greater_trochanter_tip=position(hip, anatomy.greater_trochanter_tip),
        vastus_ridge=position(hip, anatomy.vastus_ridge),
        anteversion_deg=UNSET if marked.anteversion_deg is None else finite(marked.anteversion_deg),
        acetabular_edge=UNSET if marked.acetabular_edge is None else rounded(marked.acetabular_edge.tolist()),
        teardrop=UNSET if marked.teardrop is None else rounded(marked.teardrop.tolist()),
        sources=sources_part(hip),
    )


def _robust(hip: Hip, found: RobustPlan) -> RobustPart:
    """The robust plan beside the plain one, and what it costs; fractions of the lesion."""
    expected = found.plain_risk.removed_fraction_mean, found.risk.removed_fraction_mean
    return RobustPart(
        method=found.method.name,
        breach_probability_max=found.limit,
        limit_met=found.met,
        risk=found.risk.part(),
        plain=PlainTunnelPart(
            **asdict(_tunnel(hip, found.plain_tunnel, found.plain_figures)), risk=found.plain_risk.part()
        ),
        cost_removed_fraction=finite(found.plain_figures.removed_fraction - found.figures.removed_fraction),
        cost_expected_fraction=finite(round(expected[0].value, 4) - round(expected[1].value, 4)),
        trials=found.trials,
    )


def _given(given: ManualPath) -> GivenPart:
    return GivenPart(
        entry=rounded(given.entry_mm.tolist()),
        tip=rounded(given.tip_mm.tolist()),
        entry_moved_mm=finite(given.entry_moved_mm),
    )


def _nearest(hip: Hip, near: NearbyTunnel) -> NearestTunnelPart:
    return NearestTunnelPart(
        **asdict(_tunnel(hip, near.tunnel, near.figures)),
        entry_moved_mm=finite(near.entry_moved_mm),
        tip_moved_mm=finite(near.tip_moved_mm),
        turned_deg=finite(near.turned_deg),
    )


def _tunnel(hip: Hip, tunnel: Tunnel, figures: TunnelFigures) -> TunnelPart:
    """What every kind of tunnel has."""
    ahead = tunnel.body.front_mm < 0.0
    return TunnelPart(
        entry=place(hip, tunnel.entry),
        tip=place(hip, tunnel.tip),
        direction=direction(hip, tunnel.direction),
        diameter_mm=finite(tunnel.diameter_mm),
        cavity_diameter_mm=number(tunnel.cavity_diameter_mm) if tunnel.cavity else None,
        cavity_length_mm=number(tunnel.cavity_length_mm) if tunnel.cavity else None,
        length_mm=finite(figures.length_mm),
        portal_length_mm=finite(figures.portal_length_mm),
        removed_fraction=finite(figures.removed_fraction),
        cortical_clearance_mm=number(figures.cortical_clearance_mm),
        posterosuperior_clearance_mm=number(figures.posterosuperior_clearance_mm),
        joint_clearance_mm=number(figures.joint_clearance_mm),
        end_to_joint_mm=number(figures.end_to_joint_mm),
        pin_to_joint_mm=number(figures.pin_to_joint_mm) if ahead else UNSET,
        pin_clearance_mm=number(figures.pin_clearance_mm) if ahead else UNSET,
        avoid_clearance_mm=number(figures.avoid_clearance_mm),
        incidence_deg=finite(figures.incidence_deg),
        entry_normal_deg=finite(figures.entry_normal_deg),
        shaft_angle_deg=finite(figures.shaft_angle_deg),
        ap_angle_deg=finite(figures.ap_angle_deg),
        lateral_tilt_deg=finite(figures.lateral_tilt_deg),
        entry_above_lesser_trochanter_mm=finite(figures.entry_above_lesser_trochanter_mm),
        entry_below_greater_trochanter_mm=number(figures.entry_below_greater_trochanter_mm),
        entry_anterior_mm=number(figures.entry_anterior_mm),
        entry_edge_below_ridge_mm=number(figures.entry_edge_below_ridge_mm),
        frame_range=rounded(tunnel_frame_range(hip, tunnel, figures)) or UNSET,
    )


def _alternative(plan: Plan, other: Alternative) -> AlternativePart:
    """Another plan with its totals, and by how much it differs from this one in what speaks for a tunnel."""
    hip = plan.hip
    risks, together = by_method(hip, [other.tunnel], plan.spec, dict(plan.methods))
    assert plan.own is not None
    return AlternativePart(
        tunnels=[OtherTunnelPart(**asdict(_tunnel(hip, other.tunnel, other.figures)), risk=risks[0])],
        totals=_totals(totals_of(hip, plan.spec, [other.tunnel]), None, risk=together),
        room_mm=number(other.spare_clearance_mm),
        breach_probability=round(other.breach_probability, 4),
        breach_method=plan.spec.guidance or UNSET,
        against_plan=DifferencePart(
            removed_fraction=number(other.figures.removed_fraction - plan.own.figures.removed_fraction),
            room_mm=number(other.spare_clearance_mm - plan.own.spare_clearance_mm),
            healthy_bone_removed_ml=number(other.healthy_bone_ml - plan.own.healthy_bone_ml),
            breach_probability=round(other.breach_probability - plan.own.breach_probability, 4),
        ),
    )


def _totals(
    totals: PlanMetrics,
    proof: Proof | None,
    *,
    aim: float | None = None,
    risk: dict[str, RiskPart] | UnsetType,
    bone_left: BoneLeftPart | UnsetType | None = UNSET,
    outline: OutlineRiskPart | UnsetType = UNSET,
) -> OtherTotalsPart:
    """What totals of a plan and of an alternative share; the gap is that of the bound over ``aim``."""
    bound = None if proof is None else proof.upper_bound_fraction
    gap = None if bound is None or not aim else bound / aim - 1.0
    return OtherTotalsPart(
        removed_fraction=finite(totals.removed_fraction),
        reachable_fraction=finite(totals.reachable_fraction),
        removed_weight_bearing_fraction=number(totals.removed_weight_bearing_fraction),
        reached_3mm_fraction=finite(totals.reached_3mm_fraction),
        reached_5mm_fraction=finite(totals.reached_5mm_fraction),
        target_fraction=finite(totals.target_fraction),
        foci_removed_fraction=[finite(share) for share in totals.foci_removed_fraction],
        necrosis_removed_ml=finite(totals.necrosis_removed_ml),
        necrosis_left_ml=finite(totals.necrosis_left_ml),
        healthy_bone_removed_ml=finite(totals.healthy_bone_removed_ml),
        graft_volume_ml=finite(totals.graft_volume_ml),
        neck_area_share=finite(totals.neck_area_share),
        discretisation_error_fraction=finite(totals.discretisation_error_fraction),
        upper_bound_fraction=number(bound),
        optimality_gap=number(gap),
        stopped_by="effort" if proof is None else proof.stopped_by,
        bone_left=bone_left,
        risk=risk,
        outline=outline,
    )
