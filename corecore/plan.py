"""From a hip to a plan: search, figures, totals, and the document that says it all."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from corecore import __version__
from corecore.anatomy.model import Caution
from corecore.errors import InputError
from corecore.fixed import fixed_direction, fixed_entry
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
from corecore.search.one import best_tunnel, provable
from corecore.search.sets import best_set
from corecore.spec import Spec, check_effort, preset
from corecore.target import target_fraction
from corecore.tunnel import Tunnel, TunnelFigures

SCHEMA = "corecore.plan/1"
#: More of the neck's smallest section than this taken by tunnels is a warning (contract §2).
NECK_SHARE_WARNING = 0.2
#: A fixed entry moved further than this onto the surface is spoken of, mm.
ENTRY_MOVED_MM = 0.1
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
    target_fraction: float
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
) -> Plan:
    """Search the best tunnel of a hip, or the best set of at most ``spec.tunnels``.

    ``measures`` may be a function that gives them, called when the search is done, so that they can be
    taken beside it. With a ``gap`` or ``seconds``, prove a bound on what any one tunnel removes. Raises
    ``InputError`` for a gap or a time that is none, and where a proof for several is asked for.
    """
    check_effort(gap, seconds)
    spec, placed = settled(hip, spec)
    if spec.tunnels > 1 and (gap is not None or seconds is not None):
        raise InputError(f"--gap, --seconds: a proof for {spec.tunnels} tunnels; for one tunnel it is accepted")
    started = time.perf_counter()
    tunnels: tuple[tuple[Tunnel, TunnelFigures], ...] = ()
    fewer: str | None = None
    proof: Proof | None = None
    if spec.tunnels == 1 and not spec.keep:
        one = best_tunnel(hip, spec, progress=progress, gap=gap, seconds=seconds)
        infeasible, judged, compile_s, proof = one.infeasible, one.lines_judged, one.compile_s, one.proof
        if one.tunnel is not None and one.figures is not None:
            tunnels = ((one.tunnel, one.figures),)
    else:
        several = best_set(hip, spec, progress=progress)
        infeasible, judged, compile_s = several.infeasible, several.lines_judged, several.compile_s
        tunnels, fewer = several.tunnels, several.fewer
    search_s = time.perf_counter() - started - compile_s
    totals = _totals(hip, spec, [tunnel for tunnel, _ in tunnels])
    if not isinstance(measures, Measures):
        measures = measures()
    cautions = [*hip.cautions, *measures.cautions, *placed]
    if (gap is not None or seconds is not None) and not provable(spec):
        text = "no bound is proven: the proof holds for removing lesion with tunnels without a cavity"
        cautions.append(Caution("no_bound", text))
    if spec.cavity_diameter_mm > 0.0:
        cautions += _cavity_cautions(spec)
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
    return Plan(hip, spec, measures, tunnels, infeasible, totals, tuple(cautions), timings, judged, proof)


def settled(hip: Hip, spec: Spec) -> tuple[Spec, list[Caution]]:
    """The parameters with a fixed entry put on the bone's surface, and a word where that moved it.

    Raises ``InputError`` for an entry or a direction that cannot be kept.
    """
    fixed_direction(hip, spec)
    entry = fixed_entry(hip, spec)
    if entry is None or spec.entry_fixed is None:
        return spec, []
    x, y, z = (round(float(value), 4) for value in hip.to_world(entry))
    moved = float(np.linalg.norm(hip.to_world(entry) - np.array(spec.entry_fixed)))
    text = f"the entry given was moved by {moved:.1f} mm onto the bone's surface"
    return replace(spec, entry_fixed=(x, y, z)), [Caution("entry_moved", text)] if moved > ENTRY_MOVED_MM else []


def _cavity_cautions(spec: Spec) -> list[Caution]:
    size = f"{spec.cavity_diameter_mm:g} x {spec.cavity_length_mm:g} mm"
    given = preset("acd")
    cautions = [Caution("risk_without_cavity", "the risk of execution is not given: its model has no cavity")]
    if (spec.cavity_diameter_mm, spec.cavity_length_mm) == (given.cavity_diameter_mm, given.cavity_length_mm):
        text = f"the cavity of {size} is no instrument's confirmed size: set cavity_diameter_mm and cavity_length_mm"
        cautions.append(Caution("cavity_unconfirmed", text))
    return cautions


def _totals(hip: Hip, spec: Spec, tunnels: list[Tunnel]) -> Totals:
    lesion, bone = hip.lesion, hip.bone
    removed = np.zeros(len(lesion.points_mm), dtype=bool)
    reached = {3.0: removed.copy(), 5.0: removed.copy()}
    graft = 0.0
    share = 0.0
    earlier: list[Tunnel] = []
    for tunnel in tunnels:
        removed |= tunnel.contains(lesion.points_mm)
        for distance, hit in reached.items():
            hit |= tunnel.contains(lesion.points_mm, grown_mm=distance)
        for solid in tunnel.solids:
            graft += _bone_volume_ml(hip, solid, earlier)
            earlier.append(solid)
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
        target_fraction=target_fraction(hip, tunnels, spec),
        necrosis_removed_ml=removed_ml,
        necrosis_left_ml=lesion.volume_ml - removed_ml,
        healthy_bone_removed_ml=max(0.0, graft - removed_ml),
        graft_volume_ml=graft,
        neck_area_share=float(share),
        discretisation_error_fraction=_discretisation_error(hip, tunnels, fraction),
    )


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
    inner = [
        Tunnel(
            solid.entry + depth_mm * solid.direction,
            solid.tip - depth_mm * solid.direction,
            solid.diameter_mm - 2.0 * depth_mm,
        )
        for solid in tunnel.solids
    ]
    return np.asarray(np.any([solid.contains(points) for solid in inner], axis=0))


def document(plan: Plan) -> dict[str, Any]:
    """The content of ``plan.json`` (contract §4), world RAS mm."""
    hip, anatomy = plan.hip, plan.hip.anatomy
    started = time.perf_counter()
    drilled = [tunnel for tunnel, _ in plan.tunnels]
    risks: list[dict[str, Any]] = [{} for _ in drilled]
    risk_together: dict[str, Any] = {}
    if plan.spec.cavity_diameter_mm == 0.0:
        risks, risk_together = by_method(hip, drilled, plan.spec)
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
            {**_tunnel(hip, tunnel, figures), "kept": number < len(plan.spec.keep), "risk": risk}
            for number, ((tunnel, figures), risk) in enumerate(zip(plan.tunnels, risks, strict=True))
        ],
        "totals": {**_totals_document(plan.totals, plan.proof), "risk": risk_together},
        "alternatives": [],
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


def _totals_document(totals: Totals, proof: Proof | None) -> dict[str, Any]:
    bound = None if proof is None else proof.upper_bound_fraction
    gap = None if bound is None or totals.removed_fraction <= 0.0 else bound / totals.removed_fraction - 1.0
    return {
        **{name: number(value) for name, value in vars(totals).items()},
        "upper_bound_fraction": number(bound),
        "optimality_gap": number(gap),
        "stopped_by": "effort" if proof is None else proof.stopped_by,
    }
