"""The curve of removed share against perforation: in order, within the limits, and the plan its safest point of enough.

What each point removes and which limits it keeps is found again from its tunnels. How often it perforates is found
again for the plan's own point alone (``corecore.verification.risk``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from corecore.document.fields import known, listed
from corecore.document.plan import PlanDocument
from corecore.document.stated import StatedPlan, StatedTunnel
from corecore.document.tradeoff import TradeoffPart
from corecore.verification import tolerance
from corecore.verification.cylinder import DrilledCylinder, bore_of
from corecore.verification.drilled_volume import measure
from corecore.verification.frame import Frame, unit
from corecore.verification.hip import Hip
from corecore.verification.quantities import in_cone, target_fraction
from corecore.verification.report import Check, at_least, at_most, compared, equal, same_text
from corecore.verification.sets import set_checks
from corecore.verification.tunnel_checks import constraint_checks

#: Tunnels of the curve and of the plan are the same within this, mm: both stand in the file.
SAME_MM = 1e-3
#: Drillings of a point, and standard errors by which the safest of two may differ from what was counted.
POSES, DEVIATIONS = 10_240, 3.0


def curve_checks(plan: StatedPlan) -> list[Check]:
    """What follows from the figures of the curve, and of a plan that has none, that it needs none."""
    points = listed(plan.file.plan.tradeoff)
    checks = [*_share(plan, points), *_needed(plan.file.plan, points)]
    if points and plan.status == "planned":
        checks += [*_order(points), *_choice(plan, points)]
    return checks


def tradeoff_checks(plan: StatedPlan, hip: Hip, frame: Frame) -> list[Check]:
    """What each point removes, and that it keeps the limits."""
    checks: list[Check] = []
    lesion, slack = hip.lesion_points_mm, tolerance.fraction(hip.bone.grid.spacing_mm)
    cone = in_cone(plan, frame, lesion)
    for index, point in enumerate(listed(plan.file.plan.tradeoff)):
        drilled = _drilled(plan, point)
        bores = [bore_of(tunnel) for tunnel in drilled]
        gap = np.min([bore.distance(lesion) for bore in bores], axis=0)
        found = target_fraction(plan, gap, cone)
        checks.append(equal(f"tradeoff[{index}].removed_fraction", point.removed_fraction, found, slack, ""))
        # The plan's own tunnels are held against every limit with their figures.
        if not point.chosen:
            broken = ", ".join(sorted(_broken(plan, drilled, bores, hip, frame))) or "kept"
            checks.append(same_text(f"tradeoff[{index}] limits", "kept", broken))
    return checks


def _needed(plan: PlanDocument, points: Sequence[TradeoffPart]) -> Iterator[Check]:
    """The safest of the nearly best has a curve, and a guidance method whose errors the plan states."""
    if known(plan.spec.objective) == "safest" and plan.status == "planned":
        yield compared("tradeoff (of a safest plan)", "there", "there" if points else "missing", 0.0)
    guidance = known(plan.spec.guidance)
    if guidance is not None and plan.status != "infeasible":
        methods = known(plan.risk_methods) or {}
        yield compared("spec.guidance (of the methods)", guidance, guidance if guidance in methods else "none", 0.0)


def _share(plan: StatedPlan, points: Sequence[TradeoffPart]) -> Iterator[Check]:
    """How much of the most is removed, from what stands beside it."""
    stated, robust = plan.file.plan.totals.removed_share_of_best, known(plan.file.plan.robust)
    own = plan.totals.get("target_fraction") or plan.totals.get("removed_fraction")
    if known(stated) is None or own is None:
        return
    most: float | None = own
    if points:
        most = points[-1].removed_fraction
    elif robust is not None:
        plain = known(robust.plain)
        most = None if plain is None else known(plain.removed_fraction)
    found = None if plan.status == "manual" or not most else own / most
    yield compared("totals.removed_share_of_best", known(stated), found, tolerance.SHARE_OF_BEST)


def _order(points: Sequence[TradeoffPart]) -> Iterator[Check]:
    """Each point removes more than the one before, and perforates no less often."""
    rising = all(a.removed_fraction < b.removed_fraction for a, b in pairwise(points))
    yield compared("tradeoff (removed, in order)", "rising", "rising" if rising else "not rising", 0.0)
    undominated = all(a.perforation_probability <= b.perforation_probability for a, b in pairwise(points))
    found = "never falling" if undominated else "falling: a point surpasses another"
    yield compared("tradeoff (perforation, in order)", "never falling", found, 0.0)


def _choice(plan: StatedPlan, points: Sequence[TradeoffPart]) -> Iterator[Check]:
    """One point is the plan: it removes enough, and of those that do none perforates less often by more than chance."""
    spec = plan.file.plan.spec
    chosen = [index for index, point in enumerate(points) if point.chosen]
    yield compared("tradeoff (points chosen)", 1, len(chosen), 0.0)
    share = known(spec.near_best_share)
    if len(chosen) != 1 or share is None:
        return
    at = points[chosen[0]]
    most = points[-1].removed_fraction
    enough = max(share * most, known(spec.remove_fraction_min) or 0.0)
    name = f"tradeoff[{chosen[0]}]"
    yield at_least(f"{name} (removes enough)", enough, at.removed_fraction, tolerance.ROUNDED, "")
    safest = min(
        (one.perforation_probability for one in points if one.removed_fraction >= enough - tolerance.ROUNDED),
        default=at.perforation_probability,
    )
    likely = max(at.perforation_probability, 1.0 / POSES)
    error = DEVIATIONS * math.sqrt(likely * (1.0 - min(likely, 1.0)) / POSES)
    yield at_most(f"{name} (perforates least)", safest, at.perforation_probability, error, "")
    ends = [(tunnel.entry, tunnel.tip) for tunnel in plan.tunnels]
    drilled = [(tunnel.entry, tunnel.tip) for tunnel in _drilled(plan, at)]
    apart = math.inf
    if len(ends) == len(drilled):
        apart = float(np.abs(np.array(ends) - np.array(drilled)).max())
    yield at_most(f"{name}.chosen (the plan's tunnels)", 0.0, apart, SAME_MM, "mm")


def _drilled(plan: StatedPlan, point: TradeoffPart) -> list[StatedTunnel]:
    """The tunnels of a point: existing ones with their own size, the others with the plan's."""
    ends = [(one.entry, one.tip) for one in listed(point.tunnels)] or [(point.entry, point.tip)]
    found = []
    for index, (entry, tip) in enumerate(ends):
        kept = index < len(plan.keep)
        start, end = np.array(entry), np.array(tip)
        size = plan.keep[index][2] if kept else plan.spec["diameter_mm"]
        # The plan's own tunnels say what the others are drilled with.
        drill = None if kept else next((one.instrument for one in plan.tunnels if one.instrument), None)
        found.append(StatedTunnel(start, end, unit(end - start), size, None, None, {}, kept, instrument=drill))
    return found


def _broken(
    plan: StatedPlan, drilled: Sequence[StatedTunnel], bores: list[DrilledCylinder], hip: Hip, frame: Frame
) -> set[str]:
    """Limits that a point's tunnels clearly break, each by itself and together; ``entry``: it lies off the surface."""
    spacing, broken, portals = hip.bone.grid.spacing_mm, set(), []
    for tunnel, bore in zip(drilled, bores, strict=True):
        figures = measure(bore, hip, frame, plan.spec)
        portals.append(figures.portal_length_mm)
        verdicts = constraint_checks("", tunnel, figures, plan, spacing)
        broken |= {key for key, checks in verdicts.items() if not all(check.ok for check in checks)}
        slack = tolerance.entry_mm(spacing) / math.sin(math.radians(figures.incidence_deg))
        if figures.exit_mm is None or abs(figures.exit_mm - bore.length_mm) > slack:
            broken.add("entry")
    for key, checks in set_checks(bores, portals, hip.mesh, plan.spec["bridge_min_mm"]).items():
        if not all(check.ok for check in checks):
            broken.add(key)
    if len(drilled) > plan.spec["tunnels"]:
        broken.add("tunnels")
    return broken
