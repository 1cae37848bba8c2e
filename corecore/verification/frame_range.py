"""The ranges of figures that hang on an uncertain frame, found again in frames made anew from the plan's own axes.

The rays of the whole head are cast once; what each frame sees of them is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from corecore.base.grid import FloatArray
from corecore.document.fields import known
from corecore.document.stated import StatedPlan, StatedTunnel
from corecore.verification import tolerance
from corecore.verification.cylinder import DrilledCylinder
from corecore.verification.derivation import PILLAR_WIDTHS
from corecore.verification.drilled_volume import anterior_of_midline, portal_length
from corecore.verification.frame import Frame, angle_deg, unit
from corecore.verification.hip import Hip
from corecore.verification.quantities import octants
from corecore.verification.rays import OUTLINES, arc_rays, arcs_deg, head_below, lesion_share
from corecore.verification.report import Check, equal

#: Lateral by the neck alone lies within this of its own in 19 people of 20, degrees (docs/design/anatomy.md).
LATERAL_DEG = 20.0
#: Frames stand for an ellipsoid of turns and tilts from so far outside it (docs/design/anatomy.md).
OUTSIDE = 1.05
#: The load's own axis lies within this of its usual lean from the shaft in 19 femora of 20, to the side and forward,
#: degrees (docs/design/anatomy.md).
LOAD_DEG = (2.0, 4.0)
#: A pole that the user gives is one of the femoral frame, whatever the load's own axis.
USERS_POLE = "weight_bearing.poles.given"
#: Directions over the head: one in 0.3 square degrees, so that one lies within half a degree of any.
DIRECTIONS = 40_000
#: Points of the lesion that are looked at in every frame: a share errs by 0.001, a least depth by a voxel's part.
POINTS = 60_000
#: Spacing of the points in the head's mid-coronal plane, mm: some 4,000.
PILLAR_POINT_MM = 0.7
#: Turns of the head that the osteotomies try, degrees (docs/measures.md).
ROTATION_DEG = np.arange(-90.0, 91.0, 10.0)
TILT_DEG = np.arange(-30.0, 31.0, 5.0)
#: An assumed level of the lesser trochanter lies within this in 19 femora of 20, head diameters (PMID 20069639).
LEVEL_DIAMETERS = 0.24

Range = tuple[float, float]
#: Poles of loads, femoral, and the frames in which each may be meant, by the path of what is stated about it.
Poles = dict[str, tuple[FloatArray, list[Frame]]]


def other_frames(plan: StatedPlan, frame: Frame, own_axis_deg: Range = (0.0, 0.0)) -> list[Frame]:
    """The frames that the femur may have besides the stated one; none where it is certain.

    ``own_axis_deg``: by how much more the frames' axis may lean to the side and forward, where it is not the shaft's.
    """
    neck_alone = plan.anatomy.sources.get("x_axis") == "neck"
    of_shaft = plan.anatomy.shaft_range_deg or 0.0
    to_side, to_front = (OUTSIDE * float(np.sqrt(of_shaft**2 + own**2)) for own in own_axis_deg)
    tilt = max(to_side, to_front)
    turn = (OUTSIDE if tilt else 1.0) * LATERAL_DEG if neck_alone else 0.0
    steps = [np.zeros(3)]
    for axis in np.flatnonzero([turn, to_side, to_front]):
        steps = [step + sign * np.eye(3)[axis] for step in steps for sign in (-1.0, 0.0, 1.0)]
    found = []
    for step in steps:
        size = float(np.linalg.norm(step))
        if size == 0.0:
            continue
        for share in (0.25, 0.5, 0.75, 1.0) if not tilt else (1.0,) if size > 1.0 else (0.5, 1.0):
            about, lateral, forward = step / size * share * (turn, to_side, to_front)
            # Lateral that was given may have been by the neck's turn or by a line in space.
            ways = (True,) if neck_alone else (True, False) if of_shaft else (False,)
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
    """Ranges of what lies under the loads, Kerboul's arcs, osteotomies, pillars, octants and the centroid.

    Those of the angles from the neck's axis, of JIC's share and of the modified index are not taken again: where an
    arc ends, where the acetabulum is and in which slice the lesion is largest is not looked for here.
    """
    if plan.anatomy.shaft_range_deg is None:
        return []
    frames, loaded = [frame, *other_frames(plan, frame)], [frame, *other_frames(plan, frame, LOAD_DEG)]
    slack = tolerance.fraction(hip.bone.grid.spacing_mm) + 2e-3
    points = hip.lesion_points_mm[:: max(1, len(hip.lesion_points_mm) // POINTS)]
    poles = {name: (pole, frames if name == USERS_POLE else loaded) for name, pole in _poles(plan).items()}
    poles = {name: (pole, seen_in) for name, (pole, seen_in) in poles.items() if len(seen_in) > 1}
    checks = _cone_ranges(plan, hip, poles, points, slack)
    rays = _all_round()
    if plan.necrosis.subchondral_depth_mm is not None:
        dead, on_head = head_below(hip, frame, rays, plan.necrosis.subchondral_depth_mm)
        checks += _cap_ranges(plan, hip, poles, rays[on_head], dead[on_head])
    if len(frames) == 1:
        return checks
    if plan.necrosis.subchondral_depth_mm is not None:
        checks += _arc_ranges(plan, hip, frames, rays, dead)
    stated = plan.necrosis.frame_range
    shares = [octants(one, points) for one in frames]
    for key in plan.necrosis.octants:
        checks += _both(
            f"necrosis.frame_range.octants.{key}", stated.get(f"octants.{key}"), [s[key] for s in shares], slack, ""
        )
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
    return checks + _pillar_ranges(plan, hip, frames)


def _poles(plan: StatedPlan) -> dict[str, FloatArray]:
    """The loads' poles, femoral unit vectors, by the path of what is stated about each: the headline's and every one's.

    None where the plan states no cap.
    """
    told = plan.necrosis
    if told.pole is None or told.cap_half_angle_deg is None or not np.any(told.pole):
        return {}
    others = plan.file.plan.necrosis.weight_bearing.poles
    poles = {f"weight_bearing.poles.{name}": known(part.pole) for name, part in others.items()}
    return {
        "weight_bearing": unit(told.pole),
        **{name: unit(pole) for name, pole in poles.items() if pole is not None and np.any(pole)},
    }


def _cone_ranges(plan: StatedPlan, hip: Hip, poles: Poles, points: FloatArray, slack: float) -> list[Check]:
    """Shares of the lesion under each load, and the least bone over it there."""
    told, checks = plan.necrosis, list[Check]()
    if not poles or told.cone_fraction is None or told.cap_half_angle_deg is None:
        return []
    depth_ends = [end for key, ends in told.frame_range.items() if key.endswith(".depth_mm") for end in ends]
    # Deeper points than the deepest stated have no say, but to show that there is nothing above them.
    bound = max(depth_ends, default=0.0) + 2.0
    gap = np.minimum(hip.mesh.surface_gap(points, bound), bound)
    gap[~hip.mesh.inside(points)] = np.nan
    edge = max(1.0, float(hip.bone.grid.spacing_mm.max()), float(hip.lesion.grid.spacing_mm.max()))
    depth_slack = tolerance.clearance_mm(hip.bone.grid.spacing_mm) + 0.5 * edge
    reach, offset = np.cos(np.radians(told.cap_half_angle_deg)), points - next(iter(poles.values()))[1][0].center
    reach = reach * np.linalg.norm(offset, axis=1)
    for name, (pole, frames) in poles.items():
        cones = [offset @ (pole @ np.stack([one.x, one.y, one.z])) >= reach for one in frames]
        shares = [float(np.mean(cone)) for cone in cones]
        key = f"{name}.volume_fraction"
        checks += _both(f"necrosis.frame_range.{key}", told.frame_range.get(key), shares, slack, "")
        # A lesion out of the bone by its outline alone lies at the surface.
        least = [float(np.fmin.reduce(gap[cone], initial=np.inf)) for cone in cones if cone.any()]
        key = f"{name}.depth_mm"
        if least:
            depths = [value if np.isfinite(value) else 0.0 for value in least]
            checks += _both(f"necrosis.frame_range.{key}", told.frame_range.get(key), depths, depth_slack, "mm")
    return checks


def _pillar_ranges(plan: StatedPlan, hip: Hip, frames: Sequence[Frame]) -> list[Check]:
    """Dead shares of the head's three pillars, counted on a lattice in each frame's mid-coronal plane."""
    # Of several foci the largest alone has a type of place.
    if len(plan.necrosis.foci) > 1 or not isinstance(plan.file.plan.necrosis.lateral_pillar.central_share, float):
        return []
    radius = frames[0].radius_mm
    line = np.arange(-radius, radius, PILLAR_POINT_MM) + 0.5 * PILLAR_POINT_MM
    lateral, proximal = (grid.ravel()[:, None] for grid in np.meshgrid(line, line, indexing="ij"))
    numbers = np.searchsorted(np.cumsum(PILLAR_WIDTHS)[:2], (lateral[:, 0] + radius) / (2.0 * radius), side="right")
    dead = np.zeros((3, len(frames), len(OUTLINES)))
    for place, one in enumerate(frames):
        points = one.center + lateral * one.x + proximal * one.z
        head = one.in_head(points)
        head[head] = hip.mesh.inside(points[head])
        share, number = lesion_share(hip, points[head]), numbers[head]
        area = np.maximum(1, np.bincount(number, minlength=3))
        for column, outline in enumerate(OUTLINES):
            dead[:, place, column] = np.bincount(number[share >= outline], minlength=3) / area
    limit = tolerance.CAP_SHARE * max(1.0, float(hip.lesion.grid.spacing_mm.max()))
    return [
        check
        for name, shares in zip(("medial", "central", "lateral"), dead, strict=True)
        for key in (f"lateral_pillar.{name}_share",)
        for check in _by_outline(f"necrosis.frame_range.{key}", plan.necrosis.frame_range.get(key), shares, limit, "")
    ]


def _arc_ranges(plan: StatedPlan, hip: Hip, frames: Sequence[Frame], rays: FloatArray, dead: FloatArray) -> list[Check]:
    """Kerboul's arcs, looked up among rays (N, 3) with the lesion's share below each (N,)."""
    told = plan.necrosis
    edge = max(1.0, float(hip.bone.grid.spacing_mm.max()), float(hip.lesion.grid.spacing_mm.max()))
    tree = cKDTree(rays)
    arcs: dict[str, list[FloatArray]] = {"kerboul.coronal_deg": [], "kerboul.sagittal_deg": []}
    for one in frames:
        for key, forward in zip(arcs, (one.x, one.y), strict=True):
            planes = [dead[tree.query(plane)[1]] for plane in arc_rays(hip, one, forward)]
            arcs[key].append(np.array(arcs_deg(planes)))
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
    return checks


def _cap_ranges(plan: StatedPlan, hip: Hip, poles: Poles, rays: FloatArray, dead: FloatArray) -> list[Check]:
    """Dead shares of each load's cap, and the most that the osteotomies bring under it, by rays through the head."""
    told, checks = plan.necrosis, list[Check]()
    if "weight_bearing" not in poles or told.rays.get("weight_bearing.surface_fraction") is None:
        return checks
    limit = tolerance.CAP_SHARE * max(
        1.0, float(hip.bone.grid.spacing_mm.max()), float(hip.lesion.grid.spacing_mm.max())
    )
    seen = _Seen(rays, dead, float(np.cos(np.radians(told.cap_half_angle_deg or 0.0))))
    gait, loaded = poles["weight_bearing"]
    for name, (pole, frames) in poles.items():
        key = f"{name}.surface_fraction"
        caps = np.array([seen.caps(one, pole[None])[0, :-1] for one in frames])
        checks += _by_outline(f"necrosis.frame_range.{key}", told.frame_range.get(key), caps, limit, "")
    for name, turns in (("rotation", ROTATION_DEG), ("tilt", TILT_DEG)):
        key = f"osteotomy.{name}.best_intact_fraction"
        if known(getattr(plan.file.plan.necrosis.osteotomy, name).best_intact_fraction) is not None:
            best = []
            for one in loaded:
                axis = one.femoral(one.center + one.neck) if name == "rotation" else np.array([0.0, -1.0, 0.0])
                curve = seen.caps(one, np.array([_turned(gait, axis, -turn) for turn in turns]))
                best.append((np.minimum(1.0, curve[:, -1:]) - curve[:, :-1]).max(axis=0))
            checks += _by_outline(f"necrosis.frame_range.{key}", told.frame_range.get(key), np.array(best), limit, "")
    return checks


@dataclass(frozen=True, eq=False)
class _Seen:
    """Rays through the head (N, 3), the lesion's share below each (N,), and the cosine of the cap's half-angle."""

    rays: FloatArray
    dead: FloatArray
    cosine: float

    def caps(self, frame: Frame, poles: FloatArray) -> FloatArray:
        """Shares of the caps about femoral poles (P, 3): dead by each outline, and on the head; (P, outlines + 1)."""
        within = self.rays @ (poles @ np.stack([frame.x, frame.y, frame.z])).T >= self.cosine
        kinds = np.stack([*(self.dead >= outline for outline in OUTLINES), np.ones_like(self.dead, dtype=bool)])
        whole = 0.5 * (1.0 - self.cosine) * DIRECTIONS
        return np.asarray(within.T.astype(np.float32) @ kinds.T.astype(np.float32) / whole, dtype=np.float64)


def _turned(vector: FloatArray, axis: FloatArray, degrees: float) -> FloatArray:
    """A vector (3,) turned about a unit axis by the right hand."""
    return np.asarray(Rotation.from_rotvec(np.radians(degrees) * axis).apply(vector), dtype=np.float64)


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
    """The same for figures (frames, outlines and more): what the outline's width leaves open is borne.

    The second column is what was found, all others are what it might be.
    """
    checks = []
    for end, pick in enumerate((np.min, np.max)):
        low, found, *more = (float(end_of) for end_of in pick(values, axis=0))
        open_by = slack + max(abs(other - found) for other in (low, *more))
        word = ("least", "greatest")[end]
        checks.append(equal(f"{name} ({word})", None if stated is None else stated[end], found, open_by, unit_of))
    return checks
