"""From a hip to a plan: search, figures, totals, and the document that says it all."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from corecore import __version__
from corecore.alternatives import METHOD, Alternative, alternatives
from corecore.anatomy.model import Caution
from corecore.errors import InputError
from corecore.explain import explanation
from corecore.fixed import fixed_direction, fixed_entry
from corecore.grid import BoolArray, FloatArray
from corecore.hip import Hip
from corecore.holes import inner_points
from corecore.html import figures_html
from corecore.lesion import sample_counts
from corecore.measures.document import case_document, direction, number, position, rounded
from corecore.measures.model import Measures
from corecore.measures.weight_bearing import in_cone
from corecore.risk.execution import by_method
from corecore.risk.methods import METHODS, Method, check_robust
from corecore.robust import Robust, robust_tunnel
from corecore.search.bound import Proof
from corecore.search.infeasible import Infeasible
from corecore.search.near import Near
from corecore.search.one import best_tunnel, provable
from corecore.search.sets import best_set
from corecore.spec import Spec, check_effort, preset
from corecore.standing import BoneLeft, bone_left
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
class Given:
    """A path set by hand: the points given (3,), world RAS mm, and what judging it found.

    ``entry_moved_mm``: from the entry given to where the axis leaves the bone. ``violations``
    as in ``corecore.tunnel.violations``. ``nearest``: the best tunnel near the path; where
    there is none, ``nearest_reason`` says why.
    """

    entry_mm: FloatArray
    tip_mm: FloatArray
    entry_moved_mm: float
    violations: tuple[dict[str, Any], ...]
    nearest: Near | None
    nearest_reason: str | None


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
    given: Given | None = None
    explanations: tuple[dict[str, Any], ...] = ()
    standing: BoneLeft | None = None
    #: Error models of which the risk is told.
    methods: Mapping[str, Method] = field(default_factory=lambda: dict(METHODS))
    robust: Robust | None = None
    #: The plan's own tunnel as its alternatives are judged, and those.
    own: Alternative | None = None
    others: tuple[Alternative, ...] = ()

    @property
    def status(self) -> str:
        """``planned``, ``infeasible``, or ``manual`` for a path set by hand."""
        if self.given is not None:
            return "manual"
        return "planned" if self.tunnels else "infeasible"

    def __repr__(self) -> str:
        removed = f"{self.totals.removed_fraction:.1%}"
        return f"<Plan of hip {self.hip.case.id}: {self.status}, {len(self.tunnels)} tunnels, {removed} removed>"

    def _repr_html_(self) -> str:
        rows = [("status", self.status), ("removed", f"{self.totals.removed_fraction:.1%} of the necrosis")]
        if self.proof is not None:
            rows.append(("no plan removes more than", f"{self.proof.upper_bound_fraction:.1%}"))
        if self.infeasible is not None:
            rows.append(("what stands in the way", self.infeasible.text))
        for place, (tunnel, figures) in enumerate(self.tunnels, start=1):
            margins = f"cortex {figures.cortical_clearance_mm:.1f}, joint {figures.joint_clearance_mm:.1f} mm"
            rows.append((f"tunnel {place}", f"{tunnel.diameter_mm:g} mm, {figures.length_mm:.1f} mm long; {margins}"))
        broken = [f"breaks {one['key']}" for one in self.given.violations] if self.given is not None else []
        return figures_html(f"plan of hip {self.hip.case.id}", rows, [*broken, *(one.text for one in self.cautions)])


def plan_hip(
    hip: Hip,
    spec: Spec,
    measures: Measures | Callable[[], Measures],
    *,
    progress: Callable[[float], None] | None = None,
    gap: float | None = None,
    seconds: float | None = None,
    explain: bool = False,
    methods: Mapping[str, Method] = METHODS,
    robust: str | None = None,
    others: int = 0,
) -> Plan:
    """Search the best tunnel of a hip, or the best set of at most ``spec.tunnels``.

    ``measures`` may be a function that gives them, called when the search is done, so that they can be
    taken beside it. With a ``gap`` or ``seconds``, prove a bound on what any tunnel or set removes. With
    ``explain``, measure what each limit that holds a tunnel costs. With ``robust``, one of ``methods``,
    plan for its errors. With ``others``, look for so many alternatives. Raises ``InputError`` for a gap, a
    time or a number that is none, for an unknown method, and where a robust plan or alternatives for
    several are asked for.
    """
    check_effort(gap, seconds, others, spec.tunnels)
    check_robust(robust, methods, spec.tunnels)
    # Neither knows of a cavity, and both compare by what is removed.
    for name, asked in (("--robust", robust is not None), ("--alternatives", others > 0)):
        if asked and not provable(spec):
            raise InputError(f"{name}: accepted for removing lesion with one tunnel, not kept, and without a cavity")
    if robust is not None and others:
        raise InputError("--alternatives with --robust: each by itself is accepted")
    spec, placed = settled(hip, spec)
    started = time.perf_counter()
    tunnels: tuple[tuple[Tunnel, TunnelFigures], ...] = ()
    fewer: str | None = None
    proof: Proof | None = None
    own: Alternative | None = None
    found: tuple[Alternative, ...] = ()
    if spec.tunnels == 1 and not spec.keep and not spec.remove_fraction_min:
        one = best_tunnel(hip, spec, progress=progress, gap=gap, seconds=seconds)
        infeasible, judged, compile_s, proof = one.infeasible, one.lines_judged, one.compile_s, one.proof
        if one.tunnel is not None and one.figures is not None:
            tunnels = ((one.tunnel, one.figures),)
            if others:
                own, found = alternatives(
                    hip, spec, tunnels[0], one.passing, lambda tunnel: healthy_bone_ml(hip, tunnel), others
                )
    else:
        several = best_set(hip, spec, progress=progress, gap=gap, seconds=seconds)
        infeasible, judged, compile_s = several.infeasible, several.lines_judged, several.compile_s
        tunnels, fewer, proof = several.tunnels, several.fewer, several.proof
    search_s = time.perf_counter() - started - compile_s
    hardy: Robust | None = None
    if robust is not None and tunnels:
        hardy = robust_tunnel(hip, spec, methods[robust], tunnels[0], progress=progress)
        tunnels = ((hardy.tunnel, hardy.figures),)
    robust_s = time.perf_counter() - started - compile_s - search_s
    totals = _totals(hip, spec, [tunnel for tunnel, _ in tunnels])
    if not isinstance(measures, Measures):
        measures = measures()
    cautions = [*hip.cautions, *measures.cautions, *placed]
    if (gap is not None or seconds is not None) and not provable(spec):
        text = "no bound is proven: that is for removing lesion, without a cavity and without kept tunnels"
        cautions.append(Caution("no_bound", text))
    if spec.cavity_diameter_mm > 0.0:
        cautions += _cavity_cautions(spec)
    cautions += _neck_caution(totals, len(tunnels))
    if fewer is not None:
        text = f"{len(tunnels)} of {spec.tunnels} tunnels planned: {fewer}"
        cautions.append(Caution("fewer_tunnels", text))
    if hardy is not None and not hardy.met:
        cautions.append(_not_met(hardy))
    timings = {**hip.timings, "search_s": search_s, "compile_s": compile_s}
    if hardy is not None:
        timings["robust_s"] = robust_s
    return Plan(
        hip, spec, measures, tunnels, infeasible, totals, tuple(cautions), timings, judged, proof,
        explanations=_explained(hip, spec, tunnels, timings, gains=explain),
        standing=bone_left(hip, spec, tunnels) if tunnels else None, methods=dict(methods), robust=hardy,
        own=own, others=found,
    )  # fmt: skip


def _not_met(found: Robust) -> Caution:
    text = (
        f"limit not met: no tunnel found that {found.method.name} drills with breaches below {found.limit:.2%};"
        f" the one of least risk breaches the cortex in {found.risk.cortex_breach.value:.2%}"
        f" and the joint in {found.risk.joint_breach.value:.2%} of drillings"
    )
    return Caution("breach_limit_not_met", text)


def judged_plan(
    hip: Hip,
    spec: Spec,
    measures: Measures | Callable[[], Measures],
    tunnels: list[tuple[Tunnel, TunnelFigures]],
    *,
    given: Given,
    cautions: list[Caution],
    timings: dict[str, float],
    methods: Mapping[str, Method] = METHODS,
) -> Plan:
    """The plan of tunnels that nobody searched, with all a searched plan's figures."""
    totals = _totals(hip, spec, [tunnel for tunnel, _ in tunnels])
    if not isinstance(measures, Measures):
        measures = measures()
    notes = (*hip.cautions, *measures.cautions, *_neck_caution(totals, len(tunnels)), *cautions)
    timings = {**hip.timings, **timings}
    return Plan(
        hip, spec, measures, tuple(tunnels), None, totals, notes, timings, 0, given=given,
        explanations=_explained(hip, spec, tunnels, timings), standing=bone_left(hip, spec, tunnels),
        methods=dict(methods),
    )  # fmt: skip


def _explained(
    hip: Hip,
    spec: Spec,
    tunnels: Sequence[tuple[Tunnel, TunnelFigures]],
    timings: dict[str, float],
    *,
    gains: bool = False,
) -> tuple[dict[str, Any], ...]:
    """Every tunnel explained; the time it took is noted."""
    started = time.perf_counter()
    texts = tuple(explanation(hip, spec, tunnels, index, gains=gains) for index in range(len(tunnels)))
    timings["explain_s"] = time.perf_counter() - started
    return texts


def _neck_caution(totals: Totals, tunnels: int) -> list[Caution]:
    if totals.neck_area_share <= NECK_SHARE_WARNING:
        return []
    taken = f"{'the tunnel takes' if tunnels == 1 else 'the tunnels take'} {totals.neck_area_share:.0%}"
    text = f"{taken} of the neck's smallest section; above {NECK_SHARE_WARNING:.0%} the neck may be weakened"
    return [Caution("neck_area_share", text)]


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
        "warnings": [{"code": c.code, "text": c.text} for c in plan.cautions],
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


def _robust_document(hip: Hip, found: Robust) -> dict[str, Any]:
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


def _given_document(hip: Hip, given: Given) -> dict[str, Any]:
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
