"""A plan's figures against its own other figures: sums, shares, classes, choices, error models, warnings due.

These need no hip: what can be derived from figures that stand beside it is derived again here. A rule whose figures an
older plan has not does not apply.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import UnsetType

from corecore.base.instrument import library
from corecore.document.fields import entries, known
from corecore.document.necrosis import NecrosisPart
from corecore.document.plan import PlanDocument
from corecore.document.risk import RiskPart
from corecore.document.seal import since
from corecore.document.spec import InstrumentPart
from corecore.document.tunnels import PlannedTunnelPart
from corecore.verification import tolerance
from corecore.verification.derivation import CLASSES, CUT, METHOD_KEYS, METHODS, PRESETS, RULES, Rule
from corecore.verification.due_warning import due_checks
from corecore.verification.evidence import evidence_checks
from corecore.verification.figure_path import AbsentError, at, has, places
from corecore.verification.headline import headline_checks
from corecore.verification.report import Check, compared, is_number

#: What a landmark given by the user must come from: by its source, an input or a figure that says it.
GIVEN = {
    "head_center": (),
    "neck_axis": (),
    "shaft_axis": (),
    "lesser_trochanter": (),
    "greater_trochanter": (),
    "vastus_ridge": (),
    "x_axis": ("anatomy.anteversion_deg",),
}


#: What a limit holds back, by its parameter: the tunnel's own figure.
HELD = {
    "cortical_margin_mm": "cortical_clearance_mm", "posterosuperior_margin_mm": "posterosuperior_clearance_mm",
    "joint_margin_mm": "joint_clearance_mm", "incidence_min_deg": "incidence_deg",
    "shaft_angle_min_deg": "shaft_angle_deg", "shaft_angle_max_deg": "shaft_angle_deg", "length_max_mm": "length_mm",
    "entry_normal_max_deg": "entry_normal_deg",
}  # fmt: skip


def own_checks(plan: PlanDocument) -> list[Check]:
    """Every rule that applies to a plan."""
    checks = [
        check
        for place, rules in RULES.items()
        for prefix, part in places(plan, place)
        for rule in rules
        for check in _judged(rule, prefix, part, plan)
    ]
    checks += [*_choices(plan), *_methods(plan), *_limits(plan), *_alone(plan)]
    return [*checks, *_sums(plan), *due_checks(plan), *_bounds(plan), *evidence_checks(plan), *headline_checks(plan)]


def _judged(rule: Rule, prefix: str, part: object, plan: PlanDocument) -> Iterator[Check]:
    name = f"{prefix}.{rule.key}"
    try:
        stated = at(part, rule.key)
        cut = name in CLASSES and at(plan, f"necrosis.{CUT}")
        found = (
            None
            if cut
            else rule.of(*(at(plan, key[1:]) if key.startswith("/") else at(part, key) for key in rule.needs))
        )
    except AbsentError:
        return
    except (ArithmeticError, LookupError, TypeError, ValueError):
        # Figures out of which nothing can be made: none that a planner writes.
        found = "cannot be derived"
    yield compared(name, stated, found, rule.slack, rule.unit)


def _instrument(stated: InstrumentPart) -> Iterator[Check]:
    """An instrument of the library's name has the library's sizes; one of the user's own is what he says."""
    own = library().get(stated.name)
    held = msgspec.to_builtins(stated)
    for key, value in ({} if own is None else own.as_dict()).items():
        yield compared(f"spec.instrument.{key}", held[key], value, 0.0)


def _choices(plan: PlanDocument) -> Iterator[Check]:
    """What is chosen out of a list: the preset, the status, landmarks that are given, what the acetabulum rests on."""
    roles = {known(one.role) for one in plan.case.inputs}
    preset = known(plan.spec.preset)
    if preset is not None:
        yield compared("spec.preset", preset, preset if preset in PRESETS else "none of that name", 0.0)
    drill = known(plan.spec.instrument)
    if drill is not None:
        yield from _instrument(drill)
    review = known(plan.review)
    if review is not None and review.signed is not None:
        yield compared("review.signed.side", review.signed.side, known(plan.case.side), 0.0)
    lapsed = None if review is None else known(review.lapsed)
    if lapsed is not None:
        yield compared("review.lapsed.side", lapsed.side, known(plan.case.side), 0.0)
    if isinstance(plan.outputs, UnsetType):
        # Plans of earlier versions named no file of landmarks.
        return
    of_tunnels = "planned" if plan.tunnels else "infeasible"
    yield compared("status", known(plan.status), of_tunnels if known(plan.given) is None else "manual", 0.0)
    sources = entries(plan.anatomy.sources)
    for key, instead in GIVEN.items():
        if sources.get(key) == "given":
            told = "landmarks" in roles or any(has(plan, path) for path in instead)
            yield compared(f"anatomy.sources.{key}", "given", "given" if told else "no input gives it", 0.0)
    basis = known(plan.necrosis.jic.basis)
    if basis in ("pelvis", "landmarks"):
        yield compared("necrosis.jic.basis", basis, basis if basis in roles else "no input gives it", 0.0)
    keep = known(plan.spec.keep)
    for index, tunnel in enumerate(plan.tunnels):
        kept = known(tunnel.kept)
        if keep is not None and kept is not None:
            yield compared(f"tunnels[{index}].kept", kept, index < len(keep), 0.0)


def _methods(plan: PlanDocument) -> Iterator[Check]:
    """Error models of a built-in name are those of the version that wrote the plan."""
    version = known(plan.corecore_version) or "unknown"
    built_in = next(table for first, table in METHODS.items() if since(version, first))
    for name, method in (known(plan.risk_methods) or {}).items():
        for key, value in zip(METHOD_KEYS, built_in.get(name, ()), strict=False):
            yield compared(f"risk_methods.{name}.{key}", known(getattr(method, key)), value, tolerance.ROUNDED)


def _limits(plan: PlanDocument) -> Iterator[Check]:
    """Limits that are named with a tunnel, or as broken, are those in force, and figures beside them the tunnel's."""
    spec = entries(plan.spec)
    for index, tunnel in enumerate(plan.tunnels):
        explanation, figures = known(tunnel.explanation), entries(tunnel)
        for number, held in enumerate([] if explanation is None else explanation.limits):
            name, key = f"tunnels[{index}].explanation.limits[{number}]", known(held.key) or ""
            in_force, own = spec.get(key), figures.get(HELD.get(key, ""))
            limit, value = known(held.limit), known(held.value)
            if in_force is not None and limit is not None:
                yield compared(f"{name}.limit", limit, in_force, tolerance.ROUNDED)
            if own is not None and value is not None:
                yield compared(f"{name}.value", value, own, tolerance.ROUNDED)
    for index, broken in enumerate(plan.violations):
        in_force, limit = spec.get(known(broken.key) or ""), known(broken.limit)
        if isinstance(in_force, int | float) and limit is not None:
            yield compared(f"violations[{index}].limit", limit, in_force, tolerance.ROUNDED)


def _alone(plan: PlanDocument) -> Iterator[Check]:
    """What all tunnels do together is what the only one does."""
    if len(plan.tunnels) != 1:
        return
    share, own_share = known(plan.totals.removed_fraction), known(plan.tunnels[0].removed_fraction)
    if share is not None and own_share is not None:
        yield compared("totals.removed_fraction (of the only tunnel)", share, own_share, 1e-5)
    own_risks = known(plan.tunnels[0].risk) or {}
    for method, risk in (known(plan.totals.risk) or {}).items():
        own = entries(own_risks.get(method))
        for key, value in entries(risk).items():
            if key in own and not isinstance(value, Mapping):
                yield compared(f"totals.risk.{method}.{key}", value, own[key], 1e-3)


def _sums(plan: PlanDocument) -> Iterator[Check]:
    """Shares that make up a whole."""
    necrosis = plan.necrosis
    shares = [share for share in entries(necrosis.octants).values() if is_number(share)]
    if len(shares) == 8:
        yield compared("necrosis.octants (sum)", 1.0, math.fsum(shares), 1e-4)
    volume = known(necrosis.volume_ml)
    volumes = [one.volume_ml for one in necrosis.components if not isinstance(one.volume_ml, UnsetType)]
    if volumes and volume is not None:
        yield compared("necrosis.components (sum)", volume, math.fsum(volumes), 1e-3, "ml")
    for index, focus in enumerate(necrosis.components):
        if not isinstance(focus.number, UnsetType):
            yield compared(f"necrosis.components[{index}].number", focus.number, index + 1, 0.0)
    whole = known(necrosis.weight_bearing.surface_fraction)
    over = [one.surface_fraction for one in necrosis.components]
    areas = [area for area in over if not isinstance(area, UnsetType)]
    if areas and whole is not None:
        # Foci may lie one above the other, never beyond the whole.
        for index, area in enumerate(areas):
            name = f"necrosis.components[{index}].surface_fraction"
            yield Check(name, whole, area, tolerance.FOCUS_AREA, "", area <= whole + tolerance.FOCUS_AREA, "<=", True)
        total = math.fsum(areas)
        name = "necrosis.components (surface_fraction, sum)"
        yield Check(name, whole, total, tolerance.FOCUS_AREA, "", total >= whole - tolerance.FOCUS_AREA, ">=", True)
    parts: list[tuple[str, NecrosisPart | PlannedTunnelPart]] = [("necrosis", necrosis)]
    parts += [(f"tunnels[{index}]", tunnel) for index, tunnel in enumerate(plan.tunnels)]
    for where, part in parts:
        for key, (low, high) in (known(part.frame_range) or {}).items():
            value = at(part, key) if has(part, key) else None
            if is_number(value):
                found = min(max(value, low), high)
                yield compared(f"{where}.frame_range.{key}", value, found, tolerance.ROUNDED)
    for where, risks in _risks(plan):
        for method, risk in risks.items():
            placed = list(risk.breach_places.values())
            if any(placed):
                yield compared(f"{where}.{method}.breach_places (sum)", 1.0, math.fsum(placed), 1e-3)


def _risks(plan: PlanDocument) -> Iterator[tuple[str, Mapping[str, RiskPart]]]:
    yield "totals.risk", known(plan.totals.risk) or {}
    for index, tunnel in enumerate(plan.tunnels):
        yield f"tunnels[{index}].risk", known(tunnel.risk) or {}


def _bounds(plan: PlanDocument) -> Iterator[Check]:
    """A proven bound lies above every plan that stands beside it; without one no node was bounded."""
    totals, boxes = plan.totals, plan.timings.get("boxes_bounded")
    if boxes is not None and totals.upper_bound_fraction is None:
        yield compared("totals.upper_bound_fraction (nodes)", 0, boxes, 0.0)
    error = known(totals.discretisation_error_fraction)
    if error is not None:
        name = "totals.discretisation_error_fraction"
        yield Check(name, 0.0, error, tolerance.FRACTION, "", 0.0 <= error <= tolerance.FRACTION, cross=True)
    bound, stopped = known(totals.upper_bound_fraction), known(totals.stopped_by)
    if bound is None:
        if stopped is not None:
            yield compared("totals.stopped_by", stopped, "effort", 0.0)
        return
    others = [known(one.totals.removed_fraction) for one in plan.alternatives]
    robust = known(plan.robust)
    plain = None if robust is None else known(robust.plain)
    others.append(None if plain is None else known(plain.removed_fraction))
    most = max((value for value in others if value is not None), default=None)
    if most is not None and known(plan.spec.target) in (None, "lesion"):
        name = "totals.upper_bound_fraction (above every other plan)"
        yield Check(
            name, most, bound, tolerance.BOUND_FRACTION, "", bound >= most - tolerance.BOUND_FRACTION, ">=", True
        )
