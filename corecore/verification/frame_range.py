"""The ranges of figures that hang on an uncertain frame, found again in frames made anew from the plan's own axes.

The rays of the whole head are cast once; what each frame sees of them is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from corecore.base.grid import FloatArray
from corecore.document.stated import StatedPlan, StatedTunnel
from corecore.verification import tolerance
from corecore.verification.cylinder import DrilledCylinder
from corecore.verification.drilled_volume import anterior_of_midline, portal_length
from corecore.verification.frame import Frame, angle_deg, unit
from corecore.verification.hip import Hip
from corecore.verification.quantities import in_cone, octants
from corecore.verification.rays import ARC_STEP_DEG, OUTLINES, dead_below, hull_deg
from corecore.verification.report import Check, equal

#: Lateral by the neck alone lies within this of its own in 19 people of 20, degrees (docs/design/anatomy.md).
LATERAL_DEG = 19.0
#: Frames stand for an ellipsoid of turns and tilts from so far outside it (docs/design/anatomy.md).
OUTSIDE = 1.05
#: Directions over the head: one in 0.3 square degrees, so that one lies within half a degree of any.
DIRECTIONS = 40_000
#: Points of the lesion that are looked at in every frame: a share errs by 0.001, a least depth by a voxel's part.
POINTS = 60_000
#: An assumed level of the lesser trochanter lies within this in 19 femora of 20, head diameters (PMID 20069639).
LEVEL_DIAMETERS = 0.24

Range = tuple[float, float]


def other_frames(plan: StatedPlan, frame: Frame) -> list[Frame]:
    """The frames that the femur may have besides the stated one; none where it is certain."""
    neck_alone = plan.anatomy.sources.get("x_axis") == "neck"
    tilt = OUTSIDE * (plan.anatomy.shaft_range_deg or 0.0)
    turn = (OUTSIDE if tilt else 1.0) * LATERAL_DEG if neck_alone else 0.0
    steps = [np.zeros(3)]
    for axis in np.flatnonzero([turn, tilt, tilt]):
        steps = [step + sign * np.eye(3)[axis] for step in steps for sign in (-1.0, 0.0, 1.0)]
    found = []
    for step in steps:
        size = float(np.linalg.norm(step))
        if size == 0.0:
            continue
        for share in (0.25, 0.5, 0.75, 1.0) if not tilt else (1.0,) if size > 1.0 else (0.5, 1.0):
            about, lateral, forward = step / size * share * (turn, tilt, tilt)
            # Lateral that was given may have been by the neck's turn or by a line in space.
            ways = (True,) if neck_alone or not tilt else (True, False)
            found += [_moved(frame, about, lateral, forward, with_neck) for with_neck in ways]
    return found


def _moved(frame: Frame, about_deg: float, lateral_deg: float, forward_deg: float, with_neck: bool) -> Frame:
    """The frame with its shaft's axis leaning so far and its lateral axis turned forward about it."""
    lean = float(np.hypot(lateral_deg, forward_deg))
    z = frame.z
    if lean > 0.0:
        way = (lateral_deg * frame.x + forward_deg * frame.y) / lean
        z = np.cos(np.radians(lean)) * frame.z + np.sin(np.radians(lean)) * way
    x = unit(frame.x - np.dot(frame.x, z) * z)
    turn = about_deg
    if with_neck:
        turn += _version_deg(frame) - _version_deg(_about(frame, x, z))
    y = _about(frame, x, z).y
    return _about(frame, np.cos(np.radians(turn)) * x + np.sin(np.radians(turn)) * y, z)


def _about(frame: Frame, x: FloatArray, z: FloatArray) -> Frame:
    hand = float(np.sign(np.dot(np.cross(frame.z, frame.x), frame.y)))
    return replace(frame, x=x, y=hand * np.cross(z, x), z=z)


def _version_deg(frame: Frame) -> float:
    """How far the neck turns forward of medial, seen along the shaft."""
    return float(np.degrees(np.arctan2(np.dot(frame.neck, frame.y), -np.dot(frame.neck, frame.x))))


def necrosis_range_checks(plan: StatedPlan, hip: Hip, frame: Frame) -> list[Check]:
    """Ranges of the loaded surface, Kerboul's arcs and the octants."""
    if plan.anatomy.shaft_range_deg is None:
        return []
    frames = other_frames(plan, frame)
    if not frames:
        return []
    stated = plan.necrosis.frame_range
    frames = [frame, *frames]
    checks = []
    slack = tolerance.fraction(hip.bone.grid.spacing_mm) + 2e-3
    points = hip.lesion_points_mm[:: max(1, len(hip.lesion_points_mm) // POINTS)]
    shares = [octants(one, points) for one in frames]
    for key in plan.necrosis.octants:
        checks += _both(
            f"necrosis.frame_range.octants.{key}", stated.get(f"octants.{key}"), [s[key] for s in shares], slack, ""
        )
    cones = [in_cone(plan, one, points) for one in frames]
    if plan.necrosis.cone_fraction is not None and cones[0] is not None:
        values = [float(np.mean(cone)) for cone in cones if cone is not None]
        for name in _twins("weight_bearing.volume_fraction"):
            checks += _both(f"necrosis.frame_range.{name}", stated.get(name), values, slack, "")
    middles = np.array([one.femoral(hip.lesion_points_mm.mean(axis=0)[None])[0] for one in frames])
    limit = float(np.degrees(tolerance.CENTROID_MM / np.linalg.norm(middles[0])))
    latitude = np.degrees(np.arcsin(middles[:, 2] / np.linalg.norm(middles, axis=1)))
    longitude = np.degrees(np.arctan2(middles[:, 1], middles[:, 0]))
    # Longitudes go round: they count on the turn of the stated frame, and near the pole say little.
    longitude = longitude[0] + (longitude - longitude[0] + 180.0) % 360.0 - 180.0
    around = limit / max(float(np.cos(np.radians(latitude)).min()), 0.02)
    for name, turns, bearing in (
        ("centroid_in_head.latitude_deg", latitude, limit),
        ("centroid_in_head.longitude_deg", longitude, around),
    ):
        # A turn about the shaft leaves heights as they are, and the plan states no range of them.
        if plan.anatomy.shaft_range_deg or "latitude" not in name:
            checks += _both(f"necrosis.frame_range.{name}", stated.get(name), turns.tolist(), bearing, "deg")
    return checks + _ray_ranges(plan, hip, frames)


def _ray_ranges(plan: StatedPlan, hip: Hip, frames: Sequence[Frame]) -> list[Check]:
    told, depth = plan.necrosis, plan.necrosis.subchondral_depth_mm
    if depth is None:
        return []
    edge = max(1.0, float(hip.bone.grid.spacing_mm.max()), float(hip.lesion.grid.spacing_mm.max()))
    rays = _all_round()
    dead = dead_below(hip, frames[0], rays, depth)
    tree = cKDTree(rays)
    turn = np.radians(np.arange(0.0, 360.0, ARC_STEP_DEG))[:, None]
    arcs: dict[str, list[FloatArray]] = {"kerboul.coronal_deg": [], "kerboul.sagittal_deg": []}
    for one in frames:
        for key, forward in zip(arcs, (one.x, one.y), strict=True):
            seen = dead[tree.query(np.cos(turn) * one.z + np.sin(turn) * forward)[1]]
            arcs[key].append(np.array([hull_deg(seen >= outline) for outline in OUTLINES]))
    coronal, sagittal = (np.array(by_frame) for by_frame in arcs.values())
    limit, checks = tolerance.ARC_DEG * edge + 1.0, []
    if told.rays.get("kerboul.coronal_deg") is not None:
        # The index's arcs are looked at in the widest frames.
        steep = 100.0 * float(coronal.max() + sagittal.max()) / 180.0**2
        for key, values, slack in (
            ("kerboul.coronal_deg", coronal, limit),
            ("kerboul.sagittal_deg", sagittal, limit),
            ("kerboul.combined_deg", coronal + sagittal, 2.0 * limit),
            ("necrotic_index.original", 100.0 * coronal * sagittal / 180.0**2, steep * limit),
        ):
            checks += _by_outline(f"necrosis.frame_range.{key}", told.frame_range.get(key), values, slack, "deg")
    pole, half, key = told.pole, told.cap_half_angle_deg, "weight_bearing.surface_fraction"
    if pole is not None and half is not None and np.any(pole) and told.rays.get(key) is not None:
        poles = np.array([unit(pole) @ np.stack([one.x, one.y, one.z]) for one in frames])
        within = rays @ poles.T >= np.cos(np.radians(half))
        caps = np.array([[np.mean(dead[inside] >= outline) for outline in OUTLINES] for inside in within.T])
        for name in _twins(key):
            limit = tolerance.CAP_SHARE * edge
            checks += _by_outline(f"necrosis.frame_range.{name}", told.frame_range.get(name), caps, limit, "")
    return checks


def _twins(key: str) -> tuple[str, str]:
    """The headline's path and that of the same figure among all poles."""
    return key, key.replace("weight_bearing.", "weight_bearing.poles.gait.")


def _all_round() -> FloatArray:
    """Even directions (N, 3): a spiral of equal areas."""
    count = np.arange(DIRECTIONS) + 0.5
    height, turn = 1.0 - 2.0 * count / DIRECTIONS, np.pi * (1.0 + np.sqrt(5.0)) * count
    side = np.sqrt(1.0 - height**2)
    return np.stack([side * np.cos(turn), side * np.sin(turn), height], axis=1)


def tunnel_range_checks(
    name: str, tunnel: StatedTunnel, bore: DrilledCylinder, plan: StatedPlan, hip: Hip, frame: Frame
) -> list[Check]:
    """Ranges of a tunnel's angles, of its entry's place, and of its clearance in the neck's quarter."""
    anatomy = plan.anatomy
    if anatomy.shaft_range_deg is None:
        return []
    frames = other_frames(plan, frame)
    spacing = hip.bone.grid.spacing_mm
    clearance, angle = tolerance.clearance_mm(spacing), tolerance.surface_angle_deg(spacing)
    found = [_place(tunnel, plan, one) for one in (frame, *frames)]
    limits = {key: tolerance.DIRECTION_DEG if key.endswith("_deg") else tolerance.HEIGHT_MM for key in found[0]}
    if not anatomy.shaft_range_deg:
        keep = ("ap_angle_deg", "lateral_tilt_deg")
        found = [{key: one[key] for key in keep} for one in found]
    if frames:
        normal = hip.mesh.mouth_normal(tunnel.entry)
        incidence = max(90.0 - angle_deg(-normal, bore.tunnel.axis), 0.5)
        portal = portal_length(incidence, tunnel.diameter_mm / 2.0, plan.spec["cortical_margin_mm"])
        wall = bore.surface_beyond(portal, frame.head_plane)
        wall = wall[~frame.proximal(wall)]
        depth = hip.mesh.distance(wall) if len(wall) else np.zeros(0)
        for one, here in zip((frame, *frames), found, strict=True):
            here["entry_normal_deg"] = angle_deg(normal, one.x)
            anterior = anterior_of_midline(tunnel.entry, one.height(tunnel.entry), hip, one)
            if anterior is not None:
                here["entry_anterior_mm"] = anterior
            quarter = one.in_posterosuperior_neck(wall)
            if quarter.any():
                here["posterosuperior_clearance_mm"] = float(depth[quarter].min())
        # At the edge of the quarter a grain of the wall's raster more or less is in it.
        limits |= {
            "entry_normal_deg": max(tolerance.NORMAL_DEG, angle),
            "entry_anterior_mm": max(tolerance.MIDLINE_MM, clearance),
            "posterosuperior_clearance_mm": clearance + 0.2,
        }
    checks = []
    level = anatomy.sources.get("lesser_trochanter") == "assumed"
    for key in list(dict.fromkeys(key for one in found for key in one)):
        values = [one[key] for one in found if key in one]
        if not frames or len(values) < 2:
            continue
        if not (level and key == "entry_above_lesser_trochanter_mm"):
            unit_of = "deg" if key.endswith("_deg") else "mm"
            checks += _both(f"{name}.frame_range.{key}", tunnel.frame_range.get(key), values, limits[key], unit_of)
    if level:
        key = "entry_above_lesser_trochanter_mm"
        heights = [_place(tunnel, plan, one)[key] for one in (frame, *frames)]
        apart = LEVEL_DIAMETERS * 2.0 * anatomy.head_radius_mm
        low = heights[0] - float(np.hypot(heights[0] - min(heights), apart))
        high = heights[0] + float(np.hypot(max(heights) - heights[0], apart))
        checks += _both(
            f"{name}.frame_range.{key}", tunnel.frame_range.get(key), [low, high], tolerance.HEIGHT_MM, "mm"
        )
    return checks


def _place(tunnel: StatedTunnel, plan: StatedPlan, frame: Frame) -> dict[str, float]:
    """Angles and heights of a tunnel in a frame."""
    axis, height = unit(tunnel.tip - tunnel.entry), frame.height(tunnel.entry)
    lesser, greater = plan.anatomy.lesser_trochanter_tip, plan.anatomy.greater_trochanter_tip
    level = plan.anatomy.lesser_trochanter_height_mm if lesser is None else frame.height(lesser)
    heading = [float(np.dot(axis, way)) for way in (frame.x, frame.y, frame.z)]
    found = {
        "shaft_angle_deg": angle_deg(axis, -frame.z),
        "ap_angle_deg": float(np.degrees(np.arctan2(-heading[0], -heading[2])) % 360.0),
        "lateral_tilt_deg": float(np.degrees(np.arcsin(np.clip(heading[1], -1.0, 1.0)))),
        "entry_above_lesser_trochanter_mm": height - level,
    }
    if greater is not None:
        found["entry_below_greater_trochanter_mm"] = frame.height(greater) - height
    return found


def _both(name: str, stated: Range | None, values: Sequence[float], slack: float, unit_of: str) -> list[Check]:
    """Both ends of a range; a range that is missing agrees with nothing."""
    ends = (None, None) if stated is None else stated
    found = (min(values), max(values))
    return [
        equal(f"{name} ({word})", ends[k], found[k], slack, unit_of) for k, word in enumerate(("least", "greatest"))
    ]


def _by_outline(name: str, stated: Range | None, values: FloatArray, slack: float, unit_of: str) -> list[Check]:
    """The same for figures (frames, outlines): what the outline's width leaves open is borne."""
    checks = []
    for end, pick in enumerate((np.min, np.max)):
        low, found, high = (float(pick(values[:, k])) for k in range(3))
        open_by = slack + max(abs(low - found), abs(high - found))
        word = ("least", "greatest")[end]
        checks.append(equal(f"{name} ({word})", None if stated is None else stated[end], found, open_by, unit_of))
    return checks
