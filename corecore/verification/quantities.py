"""Volumes and fractions of necrosis and plan, from points of lesion and bone."""

from __future__ import annotations

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.document.fields import listed
from corecore.document.stated import StatedPlan
from corecore.verification import tolerance
from corecore.verification.cylinder import Cylinder, DrilledCylinder
from corecore.verification.foci import foci_checks
from corecore.verification.frame import Frame
from corecore.verification.hip import Hip, points_in_box
from corecore.verification.report import Check, at_least, equal, same_text
from corecore.verification.turned import Turned

#: Steinberg's extents A, B and C meet at these shares of the head; 15 % belongs to B (contract §4).
STEINBERG_LIMITS = (0.15, 0.30)
#: "Reached" is within these distances of a bore, mm (contract §4).
REACH_MM = (3.0, 5.0)
#: Points of the lesion whose depth is judged: their share errs by 0.001 at most.
DEPTH_POINTS = 200_000
#: Spacing of points for the bone that bores take away, mm.
GRAFT_POINT_SPACING_MM = 0.4


def necrosis_checks(plan: StatedPlan, hip: Hip, frame: Frame) -> list[Check]:
    """Volume, fractions, centroid and octants of the lesion."""
    stated, points = plan.necrosis, hip.lesion_points_mm
    lesion = hip.lesion_ml
    box, box_ml = points_in_box(frame.center, frame.radius_mm)
    head = int(hip.mesh.inside(box[frame.in_head(box)]).sum()) * box_ml
    in_head = int(frame.in_head(points).sum()) * hip.point_ml
    in_sphere = int(np.sum(np.linalg.norm(points - frame.center, axis=1) <= frame.radius_mm)) * hip.point_ml
    sphere = 4.0 / 3.0 * np.pi * frame.radius_mm**3 / 1000.0
    slack = tolerance.fraction(hip.bone.grid.spacing_mm)
    found: dict[str, tuple[float | None, float, str]] = {
        "head_volume_ml": (head, tolerance.HEAD_VOLUME * head, "ml"),
        "outside_head_ml": (lesion - in_head, max(tolerance.VOLUME_ML, tolerance.LESION_VOLUME * lesion), "ml"),
        "head_fraction": (in_head / head if head else None, slack, ""),
        "sphere_fraction": (in_sphere / sphere, slack, ""),
        "sphere_volume_ml": (sphere, tolerance.LESION_VOLUME * sphere, "ml"),
    }
    checks = [
        equal("necrosis.volume_ml", stated.volume_ml, lesion, tolerance.LESION_VOLUME * stated.volume_ml, "ml"),
        *(
            equal(f"necrosis.{key}", value, found[key][0], found[key][1], found[key][2])
            for key, value in stated.figures.items()
        ),
    ]
    for key, fraction in (("steinberg", found["head_fraction"][0]), ("steinberg_sphere", found["sphere_fraction"][0])):
        if key in stated.extents and fraction is not None:
            # At a limit either class is right.
            classes = {_extent(fraction - slack), _extent(fraction + slack)}
            named = stated.extents[key]
            verdict = named if classes & set(named.split("/")) else _extent(fraction)
            checks.append(same_text(f"necrosis.{key}", named, verdict))
    if stated.centroid is not None:
        gap = float(np.linalg.norm(points.mean(axis=0) - stated.centroid))
        checks.append(equal("necrosis.centroid", 0.0, gap, tolerance.CENTROID_MM, "mm"))
    cone = in_cone(plan, frame, points)
    if cone is not None and stated.cone_fraction is not None:
        checks.append(
            equal(
                "necrosis.weight_bearing.volume_fraction",
                stated.cone_fraction,
                float(cone.mean()),
                slack,
                "",
            )
        )
    shares = octants(frame, points)
    checks += [
        equal(f"necrosis.octants.{key}", value, shares.get(key), slack, "") for key, value in stated.octants.items()
    ]
    return checks


def _extent(fraction: float) -> str:
    return "A" if fraction < STEINBERG_LIMITS[0] else "B" if fraction <= STEINBERG_LIMITS[1] else "C"


def total_checks(plan: StatedPlan, hip: Hip, frame: Frame, bores: list[DrilledCylinder]) -> list[Check]:
    """The plan's totals."""
    points, totals = hip.lesion_points_mm, plan.totals
    gap = np.min([bore.distance(points) for bore in bores], axis=0)
    removed = gap == 0.0
    share = float(removed.mean())
    removed_ml = share * hip.lesion_ml
    graft = graft_ml(hip, bores)
    deep = hip.mesh.deeper_than(points[:: max(1, len(points) // DEPTH_POINTS)], plan.spec["joint_margin_mm"])
    slack = tolerance.fraction(hip.bone.grid.spacing_mm)
    fractions: dict[str, tuple[float | None, float]] = {
        "removed_fraction": (share, slack),
        "reachable_fraction": (float(deep.mean()), tolerance.reachable_fraction(hip.bone.grid.spacing_mm)),
        **{f"reached_{d:g}mm_fraction": (float((gap <= d).mean()), slack) for d in REACH_MM},
    }
    cone = in_cone(plan, frame, points)
    if "removed_weight_bearing_fraction" in totals and cone is not None:
        in_it = float(removed[cone].mean()) if cone.any() else None
        fractions["removed_weight_bearing_fraction"] = (in_it, slack)
    if totals.get("target_fraction") is not None:
        fractions["target_fraction"] = (target_fraction(plan, gap, cone), slack)
    volumes = {
        "necrosis_removed_ml": removed_ml,
        "necrosis_left_ml": hip.lesion_ml - removed_ml,
        "healthy_bone_removed_ml": graft - removed_ml,
        "graft_volume_ml": graft,
    }
    checks = [equal(f"totals.{key}", totals[key], value, limit, "") for key, (value, limit) in fractions.items()]
    for key, value in volumes.items():
        limit = tolerance.volume_ml(hip.lesion_ml if key == "necrosis_left_ml" else value)
        checks.append(equal(f"totals.{key}", totals[key], value, limit, "ml"))
    taken, stated = neck_share(plan, frame, bores), totals.get("neck_area_share")
    if taken is not None and stated is not None:
        checks.append(equal("totals.neck_area_share", stated, taken, tolerance.NECK_SHARE, ""))
    return checks + foci_checks(plan, hip, frame, removed) + _optimality(plan, hip, bores, share, slack)


def neck_share(plan: StatedPlan, frame: Frame, bores: list[DrilledCylinder]) -> float | None:
    """Share of the neck's smallest section that all tunnels take; ``None`` where the plan states no section."""
    area = plan.anatomy.neck_min_area_mm2
    if area is None:
        return None
    # Each tunnel cuts the neck's plane in an ellipse; what two have in common counts twice.
    lean = [max(abs(float(np.dot(bore.tunnel.axis, frame.neck))), 0.1) for bore in bores]
    return (
        sum(float(np.pi) * bore.tunnel.radius_mm**2 / cosine for bore, cosine in zip(bores, lean, strict=True)) / area
    )


def target_fraction(plan: StatedPlan, gap: FloatArray, cone: BoolArray | None) -> float | None:
    """The value of the plan's target; ``gap`` (N,) is how far the lesion's points lie from the bores, mm."""
    if plan.target == "reached":
        return float((gap <= plan.spec.get("reach_mm", REACH_MM[0])).mean())
    if plan.target == "weight-bearing":
        if cone is None or "weight_bearing_weight" not in plan.spec:
            return None
        return float(np.average(gap == 0.0, weights=np.where(cone, plan.spec["weight_bearing_weight"], 1.0)))
    return float((gap == 0.0).mean())


def relaxed_fraction(plan: StatedPlan, hip: Hip, bores: list[DrilledCylinder]) -> float:
    """No set of as many tunnels as were asked for removes more: each at most its section times the lesion's length."""
    points = hip.lesion_points_mm
    across = 2.0 * float(np.linalg.norm(points - points.mean(axis=0), axis=1).max())
    widest = max(solid.radius_mm for bore in bores for solid in bore.solids)
    most = max(len(bores), int(plan.spec["tunnels"]))
    return min(1.0, most * float(np.pi) * widest**2 * across / 1000.0 / hip.lesion_ml)


def _optimality(plan: StatedPlan, hip: Hip, bores: list[DrilledCylinder], found: float, slack: float) -> list[Check]:
    """A proven bound lies above what the plan removes, by the plan's count and by the one here.

    One that is tighter than the lesion's length allows was worked for: some node was bounded.
    """
    bound, gap = plan.totals.get("upper_bound_fraction"), plan.totals.get("optimality_gap")
    stated = plan.totals["removed_fraction"]
    # With another target the bound is on weights, which the plan does not list.
    if bound is None or stated is None or plan.target != "lesion":
        return []
    # Of a safest plan it bounds the most that was found.
    curve = listed(plan.file.plan.tradeoff)
    stated = curve[-1].removed_fraction if curve else stated
    name = "totals.upper_bound_fraction"
    checks = [
        at_least(f"{name} (above the plan)", stated, bound, tolerance.BOUND_FRACTION, ""),
        at_least(f"{name} (above the count here)", found, bound, slack, ""),
    ]
    boxes, relaxed = plan.file.plan.timings.get("boxes_bounded"), relaxed_fraction(plan, hip, bores)
    if boxes is not None and bound < relaxed - slack:
        checks.append(at_least(f"{name} (nodes of a bound below {relaxed:.3f})", 1.0, float(boxes), 0.0, ""))
    if gap is not None and stated > 0.0:
        checks.append(equal("totals.optimality_gap", gap, bound / stated - 1.0, tolerance.GAP, ""))
    return checks


def graft_ml(hip: Hip, bores: list[DrilledCylinder]) -> float:
    """Bone volume of the union of all bores, ml."""
    total = 0.0
    earlier: list[Cylinder | Turned] = []
    for solid in (solid for bore in bores for solid in bore.bodies):
        points, point_ml = solid.inner_points(GRAFT_POINT_SPACING_MM)
        points = points[hip.mesh.inside(points)]
        for other in earlier:
            points = points[~other.contains(points)]
        total += len(points) * point_ml
        earlier.append(solid)
    return total


def in_cone(plan: StatedPlan, frame: Frame, points_mm: FloatArray) -> BoolArray | None:
    """Whether points (N, 3) lie in the weight-bearing cone about the head's centre; ``None`` where none is stated."""
    pole, half = plan.necrosis.pole, plan.necrosis.cap_half_angle_deg
    if pole is None or half is None or not np.any(pole):
        return None
    femoral = frame.femoral(points_mm)
    cosine = femoral @ (pole / np.linalg.norm(pole)) / np.maximum(np.linalg.norm(femoral, axis=1), 1e-9)
    return np.asarray(cosine >= np.cos(np.radians(half)))


def octants(frame: Frame, points_mm: FloatArray) -> dict[str, float]:
    """Shares of the lesion in the femoral frame's octants: anterior/posterior, superior/inferior, medial/lateral."""
    x, y, z = frame.femoral(points_mm).T
    shares = {}
    for a, front in (("A", y >= 0.0), ("P", y < 0.0)):
        for s, up in (("S", z >= 0.0), ("I", z < 0.0)):
            for m, side in (("M", x < 0.0), ("L", x >= 0.0)):
                shares[a + s + m] = float(np.mean(front & up & side))
    return shares
