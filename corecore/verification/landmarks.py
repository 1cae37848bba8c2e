"""A plan's landmarks against the bone: head sphere, side, axes.

Only what was *fitted* is fitted again; what the user gave or a rule assumed is checked for
consistency, since the plan says so itself.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.optimize import least_squares

from corecore.base.grid import FloatArray
from corecore.document.stated import StatedPlan
from corecore.verification import tolerance
from corecore.verification.condyles import condylar_check
from corecore.verification.frame import Frame, angle_deg, unit
from corecore.verification.hip import Hip
from corecore.verification.report import Check, at_least, at_most, equal, same_text

#: Surface this near to the stated sphere takes part in the fit, head radii.
SPHERE_BAND_RADII = 0.2
#: The articular half begins here along the neck axis from the head's centre, head radii.
ARTICULAR_FROM_RADII = 0.0
#: Residual beyond which a surface point counts less (fovea, osteophytes, collapse), mm.
SPHERE_SOFT_MM = 0.5
#: Sections of the shaft: from this far distal of the lesser trochanter to this far, over at least, mm (contract §1).
SHAFT_FROM_MM, SHAFT_TO_MM, SHAFT_LEAST_MM = 20.0, 120.0, 20.0
SHAFT_STEP_MM = 2.0
#: A usual shaft's curvature forward and away from the neck, 1/mm: taken off, so that a part of the span tells all of
#: it (docs/design/anatomy.md).
BOW_FORWARD, BOW_LATERAL = 0.8e-3, 0.6e-3
#: The axis lies within this of the whole shaft's in 19 femora of 20, degrees: where 20 mm are in view; where nearly all
#: is; assumed; assumed where the scan ends so many mm above the trochanter's usual level (docs/design/anatomy.md).
SHORT_DEG, NEARLY_DEG, ASSUMED_DEG, HIGH_DEG, HIGH_MM = 3.5, 1.0, 14.0, 25.0, 20.0
#: The neck's smallest section lies between these distances from the head's centre, head radii (contract §1).
NECK_FROM_RADII, NECK_TO_RADII = 0.8, 1.8
NECK_STEP_MM, NECK_RASTER_MM = 1.0, 0.75
#: Turn of x back from the neck where the condyles are not in view, degrees (contract §1).
ANTEVERSION_DEG = 14.0


def landmark_checks(plan: StatedPlan, hip: Hip, frame: Frame) -> list[Check]:
    """All checks of the anatomy."""
    anatomy = plan.anatomy
    sources = anatomy.sources
    checks = [_side(plan, hip, frame), *_frame(plan, frame), *_head(plan, hip, frame), *_tips(plan, hip)]
    if sources.get("neck_axis", "fitted") == "fitted":
        neck = _neck_section(hip, frame)
        turn = None if neck is None else angle_deg(frame.center - neck[0], frame.neck)
        checks.append(equal("anatomy.neck_axis", 0.0, turn, tolerance.NECK_AXIS_DEG, "deg"))
        if anatomy.neck_min_area_mm2 is not None:
            stated, area = anatomy.neck_min_area_mm2, None if neck is None else neck[1]
            checks.append(equal("anatomy.neck_min_area_mm2", stated, area, tolerance.NECK_AREA * stated, "mm²"))
    if sources.get("x_axis") == "condyles":
        checks.append(condylar_check(hip, frame))
    if anatomy.shaft_range_deg is not None:
        checks.append(_shaft_range(plan, hip, frame))
    if sources.get("shaft_axis") == "fitted":
        shaft = _shaft_axis(plan, hip, frame)
        turn = None if shaft is None else angle_deg(shaft, frame.z)
        checks.append(equal("anatomy.shaft_axis", 0.0, turn, tolerance.SHAFT_AXIS_DEG, "deg"))
    return checks


def _side(plan: StatedPlan, hip: Hip, frame: Frame) -> Check:
    """The head lies medial of the rest of the femur; the world tells which way medial is."""
    positions = hip.bone.positions_mm()
    rest = positions[np.linalg.norm(positions - frame.center, axis=1) > 1.2 * frame.radius_mm]
    lateral = float(np.mean(rest[:, 0])) - float(frame.center[0]) if len(rest) else 0.0
    return same_text("case.side", plan.side, "right" if lateral > 0.0 else "left")


def _frame(plan: StatedPlan, frame: Frame) -> list[Check]:
    anatomy = plan.anatomy
    lateral = float(frame.x[0]) * (1.0 if plan.side == "right" else -1.0)
    checks = [
        equal("anatomy.x_axis (square to the shaft)", 0.0, float(np.dot(unit(anatomy.x_axis), frame.z)), 2e-3, ""),
        at_least("anatomy.x_axis (lateral)", 0.0, lateral, 0.0, ""),
        at_least("anatomy.shaft_axis (proximal)", 0.0, float(frame.z[2]), 0.0, ""),
    ]
    if anatomy.neck_shaft_angle_deg is not None:
        found = angle_deg(frame.neck, -frame.z)
        checks.append(
            equal("anatomy.neck_shaft_angle_deg", anatomy.neck_shaft_angle_deg, found, tolerance.DIRECTION_DEG, "deg")
        )
    if anatomy.lesser_trochanter_tip is not None:
        found = frame.height(anatomy.lesser_trochanter_tip)
        checks.append(
            equal(
                "anatomy.lesser_trochanter_height_mm",
                anatomy.lesser_trochanter_height_mm,
                found,
                tolerance.HEIGHT_MM,
                "mm",
            )
        )
    if anatomy.sources.get("x_axis") == "neck":
        outward = -(frame.neck - np.dot(frame.neck, frame.z) * frame.z)
        # Positive where the neck points forward of the head's medial side.
        turn = float(np.degrees(np.arctan2(-np.dot(outward, frame.y), np.dot(outward, frame.x))))
        checks.append(equal("anatomy.x_axis (anteversion)", ANTEVERSION_DEG, turn, tolerance.ANTEVERSION_DEG, "deg"))
    return checks


def _head(plan: StatedPlan, hip: Hip, frame: Frame) -> list[Check]:
    radius = frame.radius_mm
    surface = _articular(hip.mesh.vertices_mm, frame.center, frame)
    residual = None
    if len(surface):
        residual = float(np.median(np.abs(np.linalg.norm(surface - frame.center, axis=1) - radius)))
    spacing = tolerance.clearance_mm(hip.bone.grid.spacing_mm)
    slack = max(0.0, spacing - tolerance.CLEARANCE_MM)
    checks = [
        at_most("anatomy.head_center (surface on the sphere)", 0.0, residual, tolerance.HEAD_RESIDUAL_MM + slack, "mm")
        if residual is not None
        else equal("anatomy.head_center (surface on the sphere)", 0.0, None, tolerance.HEAD_RESIDUAL_MM, "mm")
    ]
    if plan.anatomy.sources.get("head_center") == "fitted":
        fitted = _sphere(hip, frame)
        gap = None if fitted is None else float(np.linalg.norm(fitted[0] - frame.center))
        checks.append(equal("anatomy.head_center", 0.0, gap, tolerance.HEAD_CENTER_MM + slack, "mm"))
        checks.append(
            equal(
                "anatomy.head_radius_mm",
                radius,
                None if fitted is None else fitted[1],
                tolerance.HEAD_RADIUS_MM + slack,
                "mm",
            )
        )
    return checks


def _tips(plan: StatedPlan, hip: Hip) -> list[Check]:
    """A lesser trochanter's tip that was fitted lies on the bone's surface."""
    tip = plan.anatomy.lesser_trochanter_tip
    if tip is None or plan.anatomy.sources.get("lesser_trochanter") != "fitted":
        return []
    slack = max(tolerance.TIP_MM, float(hip.bone.grid.spacing_mm.max()))
    gap = float(hip.mesh.surface_gap(tip[None], 2.0 * slack)[0])
    return [at_most("anatomy.lesser_trochanter_tip (on the surface)", 0.0, gap, slack, "mm")]


def _articular(points: FloatArray, center: FloatArray, frame: Frame) -> FloatArray:
    offset = points - center
    near = np.abs(np.linalg.norm(offset, axis=1) - frame.radius_mm) < SPHERE_BAND_RADII * frame.radius_mm
    half = offset @ frame.neck > ARTICULAR_FROM_RADII * frame.radius_mm
    return np.asarray(points[near & half], dtype=np.float64)


def _sphere(hip: Hip, frame: Frame) -> tuple[FloatArray, float] | None:
    """Sphere through the articular half by soft least squares; the half is chosen anew about each result."""
    center, radius = frame.center, frame.radius_mm
    for _ in range(3):
        surface = _articular(hip.mesh.vertices_mm, center, frame)
        if len(surface) < 100:
            return None
        surface = surface[:: max(1, len(surface) // 4000)]

        def residual(guess: FloatArray, surface: FloatArray = surface) -> FloatArray:
            return np.asarray(np.linalg.norm(surface - guess[:3], axis=1) - guess[3], dtype=np.float64)

        fit = least_squares(residual, [*center, radius], loss="soft_l1", f_scale=SPHERE_SOFT_MM)
        center, radius = np.asarray(fit.x[:3], dtype=np.float64), float(fit.x[3])
    return center, radius


def _neck_section(hip: Hip, frame: Frame) -> tuple[FloatArray, float] | None:
    """The smallest section across the stated neck axis: its centroid (3,) world mm, its area mm²."""
    reach = 1.8 * frame.radius_mm
    ticks = np.arange(-reach, reach, NECK_RASTER_MM)
    u = unit(np.cross(frame.neck, frame.x))
    v = np.cross(frame.neck, u)
    raster = (ticks[:, None, None] * u + ticks[None, :, None] * v).reshape(-1, 3)
    best: tuple[FloatArray, float] | None = None
    for distance in np.arange(NECK_FROM_RADII * frame.radius_mm, NECK_TO_RADII * frame.radius_mm, NECK_STEP_MM):
        points = frame.center - distance * frame.neck + raster
        inside = hip.mesh.inside(points).reshape(len(ticks), len(ticks))
        labels, count = ndimage.label(inside)
        if count == 0:
            continue
        # The section that the axis runs through, or else the one nearest to it.
        away = np.where(labels > 0, np.hypot(ticks[:, None], ticks[None, :]), np.inf)
        section = labels == labels.flat[int(np.argmin(away))]
        area = float(section.sum()) * NECK_RASTER_MM**2
        if best is None or area < best[1]:
            best = points[section.ravel()].mean(axis=0), area
    return best


def _shaft_range(plan: StatedPlan, hip: Hip, frame: Frame) -> Check:
    """How far off the shaft's axis may be, by how it was found and how much of it is in view."""
    anatomy = plan.anatomy
    source, slack = anatomy.sources.get("shaft_axis"), 0.0
    found = 0.0
    whole, least = SHAFT_TO_MM - SHAFT_FROM_MM, SHAFT_LEAST_MM
    top = anatomy.lesser_trochanter_height_mm - SHAFT_FROM_MM
    lowest = _lowest(hip, frame, frame.z, top)
    if source == "assumed":
        # Near the level that parts the two either is right.
        level = HIGH_MM - 2.0 * frame.radius_mm
        found = ASSUMED_DEG if lowest <= level else HIGH_DEG
        if abs(lowest - level) < tolerance.SHAFT_END_MM:
            slack = HIGH_DEG - ASSUMED_DEG
    elif source == "fitted":
        missing = (whole - (top - lowest)) / (whole - least)
        slack = tolerance.SHAFT_RANGE_DEG
        if missing > 0.0:
            found = NEARLY_DEG + (SHORT_DEG - NEARLY_DEG) * min(missing, 1.0)
        if abs(whole - (top - lowest)) < tolerance.SHAFT_END_MM:
            slack = NEARLY_DEG + tolerance.SHAFT_RANGE_DEG
    assert anatomy.shaft_range_deg is not None
    return equal("anatomy.shaft_range_deg", anatomy.shaft_range_deg, found, slack, "deg")


def _lowest(hip: Hip, frame: Frame, axis: FloatArray, top: float) -> float:
    """Height along an axis of the lowest section that the scan does not cut."""
    height = (hip.bone.positions_mm() - frame.center) @ axis
    cuts = (hip.mesh.cut_points_mm - frame.center) @ axis
    cuts = cuts[cuts < top - SHAFT_LEAST_MM]
    return max(float(height.min()), float(cuts.max()) if len(cuts) else -np.inf)


def _bow(frame: Frame, axis: FloatArray, below_top: FloatArray) -> FloatArray:
    """How far the centroids of a usual shaft lie off its line (N, 3), the other way, at heights from the span's top."""
    hand = float(np.sign(np.dot(np.cross(frame.z, frame.x), frame.y)))
    away = unit(np.dot(frame.neck, axis) * axis - frame.neck)
    curve = BOW_LATERAL * away + BOW_FORWARD * hand * np.cross(axis, away)
    return 0.5 * (below_top + 0.5 * (SHAFT_TO_MM - SHAFT_FROM_MM))[:, None] ** 2 * curve


def _shaft_axis(plan: StatedPlan, hip: Hip, frame: Frame) -> FloatArray | None:
    """Proximal unit vector of the line through the shaft sections' centroids; ``None`` where it is too short."""
    positions = hip.bone.positions_mm()
    axis = frame.z
    for _ in range(2):
        height = (positions - frame.center) @ axis
        top = plan.anatomy.lesser_trochanter_height_mm - SHAFT_FROM_MM
        bottom = max(top + SHAFT_FROM_MM - SHAFT_TO_MM, _lowest(hip, frame, axis, top) + SHAFT_STEP_MM)
        if top - bottom < SHAFT_LEAST_MM - 2.0 * SHAFT_STEP_MM:
            return None
        edges = np.arange(bottom, top, SHAFT_STEP_MM)
        section = np.digitize(height, edges)
        centroids = np.array(
            [positions[section == k].mean(axis=0) for k in range(1, len(edges)) if np.any(section == k)]
        )
        if len(centroids) < 3:
            return None
        centroids = centroids + _bow(frame, axis, (centroids - frame.center) @ axis - top)
        direction = np.linalg.svd(centroids - centroids.mean(axis=0))[2][0]
        axis = unit(direction * np.sign(np.dot(direction, axis)))
    return axis
