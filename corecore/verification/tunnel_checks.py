"""One tunnel of a plan against the figures found here, and against the hard constraints."""

from __future__ import annotations

import math

import numpy as np

from corecore.base.grid import FloatArray
from corecore.document.fields import known
from corecore.document.stated import StatedPlan, StatedTunnel
from corecore.verification import tolerance
from corecore.verification.drilled_volume import DrilledFigures, portal_length
from corecore.verification.frame import Frame, angle_deg
from corecore.verification.report import Check, at_least, at_most, equal

#: Joint margins below this are refused, mm (contract §2).
JOINT_MARGIN_FLOOR_MM = 3.0
#: What a surgeon fixes is kept to this: entry, mm; direction, degrees; a kept tunnel's entry moves by no more, mm.
ENTRY_KEPT_MM, DIRECTION_KEPT_DEG, KEPT_ENTRY_MM = 0.5, 0.1, 2.0
#: A surface met flatter than this is not told more coarsely on that account: the sine of 20 degrees.
AXIAL_SINE_LEAST = 0.34
#: A region further away than this need not be spoken of, mm.
OUT_OF_REACH_MM = 25.0
#: Where the lesser trochanter is not in view, the entry zone begins this much higher, head diameters (contract §1).
ASSUMED_TROCHANTER_RAISE = 0.12


def figure_checks(
    name: str, tunnel: StatedTunnel, found: DrilledFigures, plan: StatedPlan, frame: Frame, spacing_mm: FloatArray
) -> list[Check]:
    """The tunnel's stated figures, each beside the one found."""
    stated = tunnel.figures
    length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
    clearance = tolerance.clearance_mm(spacing_mm)
    angle = tolerance.surface_angle_deg(spacing_mm)
    sine = math.sin(math.radians(found.incidence_deg))
    portal = None
    if stated["incidence_deg"]:
        portal = portal_length(stated["incidence_deg"], tunnel.diameter_mm / 2.0, plan.spec["cortical_margin_mm"])
    checks = [
        equal(f"{name}.length_mm", stated["length_mm"], length, tolerance.SEGMENT_MM, "mm"),
        equal(f"{name}.direction (length)", 1.0, float(np.linalg.norm(tunnel.direction)), tolerance.UNIT_VECTOR, ""),
        equal(
            f"{name}.direction",
            0.0,
            angle_deg(tunnel.direction, tunnel.tip - tunnel.entry),
            tolerance.DIRECTION_DEG,
            "deg",
        ),
        equal(f"{name}.entry (from the tip)", length, found.exit_mm, tolerance.entry_mm(spacing_mm) / sine, "mm"),
        equal(
            f"{name}.removed_fraction",
            stated["removed_fraction"],
            found.removed_fraction,
            tolerance.fraction(spacing_mm),
            "",
        ),
        equal(f"{name}.incidence_deg", stated["incidence_deg"], found.incidence_deg, angle, "deg"),
        equal(
            f"{name}.shaft_angle_deg", stated["shaft_angle_deg"], found.shaft_angle_deg, tolerance.DIRECTION_DEG, "deg"
        ),
        equal(f"{name}.portal_length_mm", stated["portal_length_mm"], portal, tolerance.PORTAL_MM, "mm"),
    ]
    # Where the axis meets the surface aslant, a surface that is off by so much is met by more.
    axial = tolerance.entry_mm(spacing_mm) / max(found.exit_sine, AXIAL_SINE_LEAST)
    heading = np.array([np.dot(tunnel.tip - tunnel.entry, axis) for axis in (frame.x, frame.y, frame.z)]) / length
    avoid = found.avoid_clearance_mm
    # Of a region out of a tunnel's reach a plan states nothing.
    if avoid is not None and avoid > OUT_OF_REACH_MM and stated.get("avoid_clearance_mm") is None:
        avoid = None
    others: list[tuple[str, float | None, float]] = [
        ("cortical_clearance_mm", found.cortical_clearance_mm, clearance),
        ("posterosuperior_clearance_mm", found.posterosuperior_clearance_mm, clearance),
        ("joint_clearance_mm", found.joint_clearance_mm, clearance),
        ("end_to_joint_mm", found.end_to_joint_mm, axial),
        ("pin_to_joint_mm", found.pin_to_joint_mm, axial),
        ("pin_clearance_mm", found.pin_clearance_mm, clearance),
        ("avoid_clearance_mm", avoid, found.region_slack_mm),
        (
            "entry_above_lesser_trochanter_mm",
            found.entry_height_mm - plan.anatomy.lesser_trochanter_height_mm,
            tolerance.HEIGHT_MM,
        ),
        ("entry_anterior_mm", found.entry_anterior_mm, max(tolerance.MIDLINE_MM, clearance)),
        ("entry_normal_deg", found.entry_normal_deg, max(tolerance.NORMAL_DEG, angle)),
        # In the frontal plane against the distal shaft, and out of that plane (positive: forward).
        ("ap_angle_deg", math.degrees(math.atan2(-heading[0], -heading[2])) % 360.0, tolerance.DIRECTION_DEG),
        ("lateral_tilt_deg", math.degrees(math.asin(max(-1.0, min(1.0, heading[1])))), tolerance.DIRECTION_DEG),
    ]
    if plan.anatomy.greater_trochanter_tip is not None:
        below = frame.height(plan.anatomy.greater_trochanter_tip) - found.entry_height_mm
        others.append(("entry_below_greater_trochanter_mm", below, tolerance.HEIGHT_MM))
    if plan.anatomy.vastus_ridge is not None:
        ridge = frame.height(plan.anatomy.vastus_ridge)
        edge = ridge - found.entry_height_mm - found.hole_half_height_mm
        others.append(("entry_edge_below_ridge_mm", edge, tolerance.HEIGHT_MM))
    units = {key: "deg" if key.endswith("_deg") else "mm" for key, _, _ in others}
    checks += [
        equal(f"{name}.{key}", stated[key], value, limit, units[key]) for key, value, limit in others if key in stated
    ]
    return checks


def constraint_checks(
    name: str, tunnel: StatedTunnel, found: DrilledFigures, plan: StatedPlan, spacing_mm: FloatArray
) -> dict[str, list[Check]]:
    """The hard constraints on one tunnel, judged by the figures found here, by the key each bears."""
    spec = plan.spec
    clearance = tolerance.clearance_mm(spacing_mm)
    angle = tolerance.surface_angle_deg(spacing_mm)
    raised = 0.0
    if plan.anatomy.sources.get("lesser_trochanter") == "assumed":
        raised = ASSUMED_TROCHANTER_RAISE * 2.0 * plan.anatomy.head_radius_mm
    above = found.entry_height_mm - plan.anatomy.lesser_trochanter_height_mm
    low, high = above - found.hole_half_height_mm, above + found.hole_half_height_mm
    # Where no section tells the mid-line, the entry is not in view: it keeps neither limit.
    unknown = found.entry_anterior_mm is None
    off_midline = math.inf if found.entry_anterior_mm is None else abs(found.entry_anterior_mm)
    length = float(np.linalg.norm(tunnel.tip - tunnel.entry))

    def floor(key: str, value: float | None, slack: float, unit: str, limit: float | None = None) -> list[Check]:
        return [at_least(f"{name} {key}", spec[key] if limit is None else limit, value, slack, unit)]

    def ceiling(key: str, value: float | None, slack: float, unit: str, limit: float | None = None) -> list[Check]:
        return [at_most(f"{name} {key}", spec[key] if limit is None else limit, value, slack, unit)]

    in_view = tunnel.diameter_mm / 2.0 + spec["cortical_margin_mm"]
    return {
        "cortical_margin_mm": floor("cortical_margin_mm", found.cortical_clearance_mm, clearance, "mm"),
        "posterosuperior_margin_mm": floor(
            "posterosuperior_margin_mm", found.posterosuperior_clearance_mm, clearance, "mm"
        ),
        "joint_margin_mm": floor("joint_margin_mm", found.joint_clearance_mm, clearance, "mm"),
        "portal": floor("portal", found.wall_depth_mm, clearance, "mm", 0.0),
        "incidence_min_deg": floor("incidence_min_deg", found.incidence_deg, angle, "deg"),
        "shaft_angle_min_deg": floor("shaft_angle_min_deg", found.shaft_angle_deg, tolerance.DIRECTION_DEG, "deg"),
        "shaft_angle_max_deg": ceiling("shaft_angle_max_deg", found.shaft_angle_deg, tolerance.DIRECTION_DEG, "deg"),
        "length_max_mm": ceiling("length_max_mm", length, tolerance.SEGMENT_MM, "mm"),
        "entry_normal_max_deg": ceiling(
            "entry_normal_max_deg", found.entry_normal_deg, max(tolerance.NORMAL_DEG, angle), "deg"
        ),
        "entry_ap_max_mm": ceiling("entry_ap_max_mm", off_midline, max(tolerance.MIDLINE_MM, clearance), "mm"),
        "entry_distal_mm": floor("entry_distal_mm", low, tolerance.HEIGHT_MM, "mm", spec["entry_distal_mm"] + raised),
        "entry_proximal_mm": ceiling("entry_proximal_mm", high, tolerance.HEIGHT_MM, "mm"),
        "field_of_view": floor("field_of_view", 0.0 if unknown else found.cut_distance_mm, clearance, "mm", in_view),
        "outward_path": ceiling("outward_path", found.outward_depth_mm, clearance, "mm", 0.0),
        "misses_lesion": floor("misses_lesion", found.removed_fraction, 0.0, "", 1e-6),
        "pelvis": _kept_out(f"{name} pelvis", 0.0, found.pelvis_clearance_mm, found),
        "avoid": _kept_out(f"{name} avoid", spec.get("avoid_margin_mm", 0.0), found.avoid_clearance_mm, found),
        **_insisted(name, tunnel, plan),
        **_pin_margin(name, tunnel, found, clearance),
    }


def _pin_margin(name: str, tunnel: StatedTunnel, found: DrilledFigures, clearance: float) -> dict[str, list[Check]]:
    """A guide pin that runs ahead keeps the margin of its instrument."""
    one = tunnel.instrument
    if one is None or one.pin_overshoot_mm == 0.0:
        return {}
    margin = at_least(f"{name} pin_margin_mm", one.pin_margin_mm, found.pin_clearance_mm, clearance, "mm")
    return {"pin_margin_mm": [margin]}


def _kept_out(name: str, margin_mm: float, found_mm: float | None, found: DrilledFigures) -> list[Check]:
    return [] if found_mm is None else [at_least(name, margin_mm, found_mm, found.region_slack_mm, "mm")]


def _insisted(name: str, tunnel: StatedTunnel, plan: StatedPlan) -> dict[str, list[Check]]:
    """The fixed entry and direction; a kept tunnel has its own."""
    entry, direction = [], []
    if plan.entry_fixed is not None and not tunnel.kept:
        apart = float(np.linalg.norm(tunnel.entry - plan.entry_fixed))
        entry.append(at_most(f"{name} entry_fixed", ENTRY_KEPT_MM, apart, tolerance.SEGMENT_MM, "mm"))
    if plan.direction_fixed is not None and not tunnel.kept:
        turned = angle_deg(tunnel.tip - tunnel.entry, plan.direction_fixed)
        direction.append(at_most(f"{name} direction_fixed", DIRECTION_KEPT_DEG, turned, tolerance.FIXED_DEG, "deg"))
    return {"entry_fixed": entry, "direction_fixed": direction}


def spec_checks(plan: StatedPlan) -> list[Check]:
    """What the plan's own parameters allow: number and width of tunnels, the floor of the joint margin."""
    spec = plan.spec
    checks = [
        at_least("spec.joint_margin_mm", JOINT_MARGIN_FLOOR_MM, spec["joint_margin_mm"], 0.0, "mm"),
        at_most("tunnels (number)", spec["tunnels"], float(len(plan.tunnels)), 0.0, ""),
    ]
    drill = known(plan.file.plan.spec.instrument)
    if drill is not None:
        for key in ("diameter_mm", "cavity_diameter_mm", "cavity_length_mm"):
            stated = getattr(drill, key)
            checks.append(equal(f"spec.{key} (its instrument's)", stated, spec.get(key, 0.0), 0.0, "mm"))
    for index, tunnel in enumerate(plan.tunnels):
        name = f"tunnels[{index}].diameter_mm"
        if plan.status == "manual":
            continue
        if tunnel.kept:
            checks += _kept_checks(index, tunnel, plan)
            continue
        checks.append(equal(name, tunnel.diameter_mm, spec["diameter_mm"], 0.0, "mm"))
        for key, stated in (("diameter", tunnel.cavity_diameter_mm), ("length", tunnel.cavity_length_mm)):
            wanted = spec.get(f"cavity_{key}_mm", stated or 0.0)
            checks.append(equal(f"tunnels[{index}] cavity_{key}_mm", stated or 0.0, wanted, 0.0, "mm"))
    kept = sum(tunnel.kept for tunnel in plan.tunnels)
    checks.append(equal("spec.keep (number)", float(len(plan.keep)), float(kept), 0.0, ""))
    return checks


def _kept_checks(index: int, tunnel: StatedTunnel, plan: StatedPlan) -> list[Check]:
    """A kept tunnel is the one asked for; its entry alone is put on the bone's surface."""
    name = f"tunnels[{index}] kept"
    if index >= len(plan.keep):
        return [at_most(f"{name} (number)", float(len(plan.keep)), index + 1.0, 0.0, "")]
    entry, tip, diameter = plan.keep[index]
    return [
        at_most(
            f"{name} entry", KEPT_ENTRY_MM, float(np.linalg.norm(tunnel.entry - entry)), tolerance.SEGMENT_MM, "mm"
        ),
        at_most(f"{name} tip", 0.0, float(np.linalg.norm(tunnel.tip - tip)), tolerance.SEGMENT_MM, "mm"),
        equal(f"{name} diameter_mm", tunnel.diameter_mm, diameter, 0.0, "mm"),
    ]
