"""From a hip to a plan: search, figures, totals, and the document that says it all."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from corecore import __version__
from corecore.alternatives import METHOD, Alternative, alternatives
from corecore.anatomy.model import Caution
from corecore.errors import InputError
from corecore.grid import BoolArray, FloatArray
from corecore.hip import Hip
from corecore.holes import inner_points
from corecore.lesion import sample_counts
from corecore.measures.document import direction, number, position, rounded
from corecore.measures.model import Measures
from corecore.measures.weight_bearing import in_cone
from corecore.risk.execution import by_method
from corecore.search.bound import Proof
from corecore.search.infeasible import Infeasible
from corecore.search.one import best_tunnel
from corecore.search.sets import best_set
from corecore.spec import Spec, check_effort
from corecore.tunnel import Tunnel, TunnelFigures

SCHEMA = "corecore.plan/1"
#: More of the neck's smallest section than this taken by tunnels is a warning (contract §2).
NECK_SHARE_WARNING = 0.2
#: Lattice on which a tunnel's bone volume is counted, mm.
GRAFT_LATTICE_MM = 0.25


@dataclass(frozen=True)
class Totals:
    """What the tunnels of a plan do together; fractions of the lesion, ml."""

    removed_fraction: float
    reachable_fraction: float
    removed_weight_bearing_fraction: float | None
    reached_3mm_fraction: float
    reached_5mm_fraction: float
    necrosis_removed_ml: float
    necrosis_left_ml: float
    healthy_bone_removed_ml: float
    graft_volume_ml: float
    neck_area_share: float
    discretisation_error_fraction: float


@dataclass(frozen=True, eq=False)
class Plan:
    """A planned hip: its tunnels with their figures (local frame), or why there are none."""

    hip: Hip
    spec: Spec
    measures: Measures
    tunnels: tuple[tuple[Tunnel, TunnelFigures], ...]
    infeasible: Infeasible | None
    totals: Totals
    cautions: tuple[Caution, ...]
    timings: dict[str, float]
    poses_judged: int
    proof: Proof | None = None
    #: The plan's own tunnel as its alternatives are judged, and those.
    own: Alternative | None = None
    others: tuple[Alternative, ...] = ()

    @property
    def status(self) -> str:
        """``planned`` or ``infeasible``."""
        return "planned" if self.tunnels else "infeasible"


def plan_hip(
    hip: Hip,
    spec: Spec,
    measures: Measures | Callable[[], Measures],
    *,
    progress: Callable[[float], None] | None = None,
    gap: float | None = None,
    seconds: float | None = None,
    others: int = 0,
) -> Plan:
    """Search the best tunnel of a hip, or the best set of at most ``spec.tunnels``.

    ``measures`` may be a function that gives them, called when the search is done, so that they can be
    taken beside it. With a ``gap`` or ``seconds``, prove a bound on what any one tunnel removes; with
    ``others``, look for so many alternatives. Raises ``InputError`` for a gap, a time or a number that
    is none, and where a proof or alternatives for several are asked for.
    """
    check_effort(gap, seconds, others, spec.tunnels)
    if spec.tunnels > 1 and (gap is not None or seconds is not None):
        raise InputError(f"--gap, --seconds: a proof for {spec.tunnels} tunnels; for one tunnel it is accepted")
    started = time.perf_counter()
    tunnels: tuple[tuple[Tunnel, TunnelFigures], ...] = ()
    fewer: str | None = None
    proof: Proof | None = None
    own: Alternative | None = None
    found: tuple[Alternative, ...] = ()
    if spec.tunnels == 1 and not spec.remove_fraction_min:
        one = best_tunnel(hip, spec, progress=progress, gap=gap, seconds=seconds)
        infeasible, judged, compile_s, proof = one.infeasible, one.lines_judged, one.compile_s, one.proof
        if one.tunnel is not None and one.figures is not None:
            tunnels = ((one.tunnel, one.figures),)
            if others:
                own, found = alternatives(
                    hip, spec, tunnels[0], one.passing, lambda tunnel: healthy_bone_ml(hip, tunnel), others
                )
    else:
        several = best_set(hip, spec, progress=progress)
        infeasible, judged, compile_s = several.infeasible, several.lines_judged, several.compile_s
        tunnels, fewer = several.tunnels, several.fewer
    search_s = time.perf_counter() - started - compile_s
    totals = _totals(hip, spec, [tunnel for tunnel, _ in tunnels])
    if not isinstance(measures, Measures):
        measures = measures()
    cautions = [*hip.cautions, *measures.cautions]
    if totals.neck_area_share > NECK_SHARE_WARNING:
        taken = f"{'the tunnel takes' if len(tunnels) == 1 else 'the tunnels take'} {totals.neck_area_share:.0%}"
        cautions.append(
            Caution(
                "neck_area_share",
                f"{taken} of the neck's smallest section;"
                f" above {NECK_SHARE_WARNING:.0%} the neck may be weakened",
            )
        )
    if fewer is not None:
        text = f"{len(tunnels)} of {spec.tunnels} tunnels planned: {fewer}"
        cautions.append(Caution("fewer_tunnels", text))
    timings = {**hip.timings, "search_s": search_s, "compile_s": compile_s}
    return Plan(hip, spec, measures, tunnels, infeasible, totals, tuple(cautions), timings, judged, proof, own, found)


def _totals(hip: Hip, spec: Spec, tunnels: list[Tunnel]) -> Totals:
    lesion, bone = hip.lesion, hip.bone
    removed = np.zeros(len(lesion.points_mm), dtype=bool)
    reached = {3.0: removed.copy(), 5.0: removed.copy()}
    graft = 0.0
    share = 0.0
    for index, tunnel in enumerate(tunnels):
        removed |= tunnel.contains(lesion.points_mm)
        for distance, hit in reached.items():
            hit |= tunnel.contains(lesion.points_mm, grown_mm=distance)
        graft += _bone_volume_ml(hip, tunnel, tunnels[:index])
        lean = abs(float(np.dot(tunnel.direction, hip.anatomy.neck_axis)))
        share += np.pi * tunnel.radius_mm**2 / max(lean, 0.1) / hip.anatomy.neck_min_area_mm2
    loaded = in_cone(hip, spec)
    removed_ml = float(np.count_nonzero(removed)) * lesion.point_ml
    fraction = float(np.mean(removed))
    return Totals(
        removed_fraction=fraction,
        reachable_fraction=float(np.mean(bone.distance(lesion.points_mm) >= spec.joint_margin_mm)),
        removed_weight_bearing_fraction=float(np.mean(removed[loaded])) if loaded.any() else None,
        reached_3mm_fraction=float(np.mean(reached[3.0])),
        reached_5mm_fraction=float(np.mean(reached[5.0])),
        necrosis_removed_ml=removed_ml,
        necrosis_left_ml=lesion.volume_ml - removed_ml,
        healthy_bone_removed_ml=max(0.0, graft - removed_ml),
        graft_volume_ml=graft,
        neck_area_share=float(share),
        discretisation_error_fraction=_discretisation_error(hip, tunnels, fraction),
    )


def healthy_bone_ml(hip: Hip, tunnel: Tunnel) -> float:
    """Bone without lesion that a tunnel takes, ml."""
    removed = float(np.count_nonzero(tunnel.contains(hip.lesion.points_mm))) * hip.lesion.point_ml
    return max(0.0, _bone_volume_ml(hip, tunnel, []) - removed)


def _bone_volume_ml(hip: Hip, tunnel: Tunnel, earlier: list[Tunnel]) -> float:
    """Bone inside a tunnel that no earlier one has taken, ml."""
    points = inner_points(tunnel, GRAFT_LATTICE_MM)
    taken = hip.bone.inside(points)
    for other in earlier:
        taken &= ~other.contains(points)
    # The lattice's share of bone times the exact volume of the cylinder.
    return float(np.mean(taken)) * np.pi * tunnel.radius_mm**2 * tunnel.length_mm / 1000.0


def _discretisation_error(hip: Hip, tunnels: list[Tunnel], fraction: float) -> float:
    """By how much the removed fraction moves when each sample point is divided into 125: its numerical error."""
    if not tunnels:
        return 0.0
    grid, points = hip.lesion.mask.grid, hip.lesion.points_mm
    edges = grid.world_from_index[:3, :3] / sample_counts(grid)
    reach = 0.5 * float(np.linalg.norm(edges, axis=0).sum())
    # Only points whose little box a wall may cut can change.
    wide = np.any([tunnel.contains(points, grown_mm=reach) for tunnel in tunnels], axis=0)
    sure = np.any([_deep_inside(tunnel, points, reach) for tunnel in tunnels], axis=0)
    cut = points[wide & ~sure]
    fifth = (np.arange(5) - 2.0) / 5.0
    total = 0
    for offset in np.stack(np.meshgrid(fifth, fifth, fifth), axis=-1).reshape(-1, 3):
        moved = cut + edges @ offset
        total += int(np.count_nonzero(np.any([tunnel.contains(moved) for tunnel in tunnels], axis=0)))
    fine = (np.count_nonzero(wide & sure) + total / 125.0) / len(points)
    return abs(float(fine) - fraction)


def _deep_inside(tunnel: Tunnel, points: FloatArray, depth_mm: float) -> BoolArray:
    inner = Tunnel(
        tunnel.entry + depth_mm * tunnel.direction,
        tunnel.tip - depth_mm * tunnel.direction,
        tunnel.diameter_mm - 2.0 * depth_mm,
    )
    return inner.contains(points)


def document(plan: Plan) -> dict[str, Any]:
    """The content of ``plan.json`` (contract §4), world RAS mm."""
    hip, anatomy = plan.hip, plan.hip.anatomy
    started = time.perf_counter()
    risks, risk_together = by_method(hip, [tunnel for tunnel, _ in plan.tunnels], plan.spec)
    risk_s = time.perf_counter() - started
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "corecore_version": __version__,
        "coordinate_system": "RAS",
        "units": "mm",
        "status": plan.status,
        "violations": [],
        "warnings": [{"code": c.code, "text": c.text} for c in plan.cautions],
        "case": {"id": hip.case.id, "side": hip.side, "inputs": [s.as_dict() for s in hip.case.sources]},
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
            {**_tunnel(hip, tunnel, figures), "risk": risk}
            for (tunnel, figures), risk in zip(plan.tunnels, risks, strict=True)
        ],
        "totals": {**_totals_document(plan.totals, plan.proof), "risk": risk_together},
        "alternatives": [_alternative(plan, one) for one in plan.others],
        "timings": {
            **{key: round(value, 3) for key, value in plan.timings.items()},
            "risk_s": round(risk_s, 3),
            "poses_judged": plan.poses_judged,
            "boxes_bounded": plan.proof.boxes_bounded if plan.proof else 0,
        },
    }
    if plan.infeasible is not None:
        result["infeasible"] = plan.infeasible.as_dict()
    return result


def _tunnel(hip: Hip, tunnel: Tunnel, figures: TunnelFigures) -> dict[str, Any]:
    return {
        "entry": position(hip, tunnel.entry),
        "tip": position(hip, tunnel.tip),
        "direction": direction(hip, tunnel.direction),
        "diameter_mm": number(tunnel.diameter_mm),
        "length_mm": number(figures.length_mm),
        "portal_length_mm": number(figures.portal_length_mm),
        "removed_fraction": number(figures.removed_fraction),
        "cortical_clearance_mm": number(figures.cortical_clearance_mm),
        "posterosuperior_clearance_mm": number(figures.posterosuperior_clearance_mm),
        "joint_clearance_mm": number(figures.joint_clearance_mm),
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
        "totals": {**_totals_document(_totals(hip, plan.spec, [other.tunnel]), None), "risk": together},
        "room_mm": number(other.room_mm),
        "breach_probability": round(other.breach_probability, 4),
        "breach_method": METHOD,
        "against_plan": {
            "removed_fraction": number(other.figures.removed_fraction - plan.own.figures.removed_fraction),
            "room_mm": number(other.room_mm - plan.own.room_mm),
            "healthy_bone_removed_ml": number(other.healthy_bone_ml - plan.own.healthy_bone_ml),
            "breach_probability": round(other.breach_probability - plan.own.breach_probability, 4),
        },
    }


def _totals_document(totals: Totals, proof: Proof | None) -> dict[str, Any]:
    bound = None if proof is None else proof.upper_bound_fraction
    gap = None if bound is None or totals.removed_fraction <= 0.0 else bound / totals.removed_fraction - 1.0
    return {
        **{name: number(value) for name, value in vars(totals).items()},
        "upper_bound_fraction": number(bound),
        "optimality_gap": number(gap),
        "stopped_by": "effort" if proof is None else proof.stopped_by,
    }
