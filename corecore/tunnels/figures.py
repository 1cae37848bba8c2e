"""One straight tunnel: its geometry in the bone, its figures, and the constraints it breaks.

The plain road: every figure is measured by dense sampling with numpy, as the contract words
it. The search's compiled kernels are held against this module by the tests, and the figures
of a plan come from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.limits import OUTWARD_MM
from corecore.base.spec import ASSUMED_LEVEL_RAISE, Spec
from corecore.hip.keep_out import EXACT_MM, KeepOutRegion
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.user_constraints import fixed_direction, fixed_entry

if TYPE_CHECKING:
    from corecore.hip.anatomy.model import Anatomy
    from corecore.hip.hip import Hip

#: Sampling of a tunnel's wall: least number of points round a ring, greatest distance between them, mm, and between
#: rings, mm: a half and a quarter of a voxel. On a 10 mm tunnel the flat between two points is 0.006 mm (engineering
#: choices).
RING_POINTS = 64
RING_GAP_MM = 0.5
RING_STEP_MM = 0.2
#: Points where the head's plane cuts a wall or an end are looked at this far on either side of it, mm: the plane's own
#: points belong to both.
BESIDE_PLANE_MM = 1e-6
#: Extra length of the portal beyond where geometry puts it, mm (contract §1).
PORTAL_EXTRA_MM = 2.0
#: A tunnel across the neck would take an endless share of its section: its cosine to the neck axis counts as this.
LEAN_LEAST = 0.1


@dataclass(frozen=True)
class TunnelFigures:
    """What is measured of one tunnel; lengths mm, angles degrees.

    Clearances run from the wall, or the flat end, to the bone surface, and are infinite where the tunnel has no such
    part. Heights are along the femoral z axis.

    Parameters
    ----------
    removed_fraction : float
        Share of the necrosis inside the tunnel, 0 to 1.
    length_mm : float
        From entry to tip.
    portal_length_mm : float
        Length of the entry hole along the axis, in which the wall is near the cortex of its own hole.
    cortical_clearance_mm : float
        Least clearance to the cortex beyond the entry hole, outside the head.
    posterosuperior_clearance_mm : float
        Least clearance in the neck's postero-superior quarter.
    joint_clearance_mm : float
        Least clearance in the head.
    wall_depth_min_mm : float
        Least depth of the wall where it must lie in bone.
    incidence_deg : float
        Drill–cortex angle (90°: perpendicular), against the surface averaged over a drill's mouth.
    entry_normal_deg : float
        Deviation of the entry's surface normal from lateral.
    shaft_angle_deg : float
        Angle to the distal shaft.
    ap_angle_deg : float
        The same projected on the coronal plane, 0 to 360.
    lateral_tilt_deg : float
        Sagittal angulation, positive forward.
    entry_edge_low_mm : float
        Inferior margin of the entry hole above the lesser trochanter's level, less the raise where that is assumed.
    entry_edge_high_mm : float
        Superior margin of the hole above that level.
    entry_above_lesser_trochanter_mm : float
        Entry above that level.
    entry_below_greater_trochanter_mm : float or None
        Entry below the greater trochanter's tip; ``None`` where it is not in view.
    entry_anterior_mm : float
        AP offset of the entry from the mid-lateral line, positive in front.
    nearest_to_cut_mm : float
        Entry to where the scan's edge cuts the bone.
    outward_free : bool
        Whether the tunnel, prolonged outward by 80 mm, meets no bone.
    entry_off_surface_mm : float
        Entry to the surface averaged over a drill's mouth.
    neck_area_share : float
        Share of the neck's smallest section that the tunnel takes, cut as it leans.
    lateral_wall_share : float or None
        Width of the hole in the lateral view over that of the bone lateral of the shaft's axis at the entry's height;
        ``None`` where no section is in view.
    entry_edge_below_ridge_mm : float or None
        Superior margin of the hole below the vastus ridge; ``None`` where the ridge is not found.
    avoid_clearance_mm, pelvis_clearance_mm : float or None
        From any part, prolonged outward, to the region to keep out of and to the pelvis; ``None`` where there is none.
    entry_from_fixed_mm : float or None
        From the entry that the surgeon insists on; ``None`` where it is free.
    direction_from_fixed_deg : float or None
        From the direction that the surgeon insists on, likewise.
    end_to_joint_mm : float or None
        Along the axis from the tip to where it leaves the bone, as fluoroscopy shows it; ``None`` for a tip outside.
    pin_to_joint_mm : float or None
        The same from the end of a guide pin that runs ahead, negative beyond the bone; ``None`` without such a pin.
    pin_clearance_mm : float or None
        Least clearance of that pin to the bone's surface, likewise.
    """

    removed_fraction: float
    length_mm: float
    portal_length_mm: float
    cortical_clearance_mm: float
    posterosuperior_clearance_mm: float
    joint_clearance_mm: float
    wall_depth_min_mm: float
    incidence_deg: float
    entry_normal_deg: float
    shaft_angle_deg: float
    ap_angle_deg: float
    lateral_tilt_deg: float
    entry_edge_low_mm: float
    entry_edge_high_mm: float
    entry_above_lesser_trochanter_mm: float
    entry_below_greater_trochanter_mm: float | None
    entry_anterior_mm: float
    nearest_to_cut_mm: float
    outward_free: bool
    entry_off_surface_mm: float
    neck_area_share: float
    lateral_wall_share: float | None = None
    entry_edge_below_ridge_mm: float | None = None
    avoid_clearance_mm: float | None = None
    pelvis_clearance_mm: float | None = None
    entry_from_fixed_mm: float | None = None
    direction_from_fixed_deg: float | None = None
    end_to_joint_mm: float | None = None
    pin_to_joint_mm: float | None = None
    pin_clearance_mm: float | None = None


def first_exit(hip: Hip, inside: FloatArray, outward: FloatArray) -> FloatArray | None:
    """Find where a ray from a point in bone first leaves it.

    Steps are as long as the distance to the surface allows, so thin gaps are not jumped over.

    Parameters
    ----------
    hip : Hip
        The hip.
    inside : ndarray, shape (3,)
        A point in bone, local mm.
    outward : ndarray, shape (3,)
        Unit vector, local.

    Returns
    -------
    ndarray, shape (3,), or None
        The exit to 0.001 mm, local; ``None`` where the ray never leaves bone or starts outside it.
    """
    at, step_min = 0.0, 0.05
    depth = float(hip.bone.distance(inside[None])[0])
    if depth <= 0.0:
        return None
    for _ in range(100_000):
        ahead = at + max(0.9 * depth, step_min)
        depth_ahead = float(hip.bone.distance((inside + ahead * outward)[None])[0])
        if depth_ahead <= 0.0:
            low, high = at, ahead
            while high - low > 1e-4:
                middle = 0.5 * (low + high)
                if float(hip.bone.distance((inside + middle * outward)[None])[0]) > 0.0:
                    low = middle
                else:
                    high = middle
            return np.asarray(inside + 0.5 * (low + high) * outward, dtype=np.float64)
        at, depth = ahead, depth_ahead
    return None


def assess(hip: Hip, tunnel: Tunnel, spec: Spec) -> TunnelFigures:
    """Measure a tunnel in a hip.

    Parameters
    ----------
    hip : Hip
        The hip.
    tunnel : Tunnel
        The tunnel, local mm; its entry is taken as given (see ``first_exit``).
    spec : Spec
        Margins, and what the surgeon insists on.

    Returns
    -------
    TunnelFigures
        Its figures.
    """
    bone, anatomy = hip.bone, hip.anatomy
    direction, radius = tunnel.direction, tunnel.radius_mm
    normal = bone.mouth_normal(tunnel.entry)[0]
    sine = _sine_of_incidence(normal, direction)
    portal, mouth = portal_lengths(hip, tunnel, spec)

    surface = surface_of(hip, tunnel, portal, mouth)
    fixed, heading_fixed = fixed_entry(hip, spec), fixed_direction(hip, spec)

    femoral = anatomy.femoral_from_local
    entry = femoral[:3, :3] @ tunnel.entry + femoral[:3, 3]
    in_frame = frame_figures(normal, anatomy, tunnel)
    along_shaft = shaft_figures(anatomy, tunnel)
    shaft_angle = along_shaft["shaft_angle_deg"]
    rise = radius / max(float(np.sin(np.radians(shaft_angle))), 1e-6)
    trochanter, ridge = anatomy.lesser_trochanter_height_mm, anatomy.vastus_ridge_height_mm
    removed = tunnel.contains(hip.lesion.points_mm)
    ahead = first_exit(hip, tunnel.tip, direction)
    to_joint = None if ahead is None else float(np.linalg.norm(ahead - tunnel.tip))
    overshoot = -tunnel.body.front_mm
    return TunnelFigures(
        removed_fraction=float(np.mean(removed)),
        length_mm=tunnel.length_mm,
        portal_length_mm=portal,
        cortical_clearance_mm=_least(surface.depth_mm[surface.cortical]),
        posterosuperior_clearance_mm=surface.posterosuperior_mm(anatomy),
        joint_clearance_mm=_least(surface.depth_mm[surface.proximal & surface.beyond_mouth & ~surface.pin]),
        wall_depth_min_mm=_least(surface.depth_mm[surface.beyond_mouth & ~surface.end]),
        incidence_deg=float(np.degrees(np.arcsin(sine))),
        entry_normal_deg=in_frame["entry_normal_deg"],
        shaft_angle_deg=shaft_angle,
        ap_angle_deg=in_frame["ap_angle_deg"],
        lateral_tilt_deg=in_frame["lateral_tilt_deg"],
        entry_edge_low_mm=entry[2] - rise - trochanter - level_raise_mm(hip.anatomy),
        entry_edge_high_mm=entry[2] + rise - trochanter,
        entry_above_lesser_trochanter_mm=along_shaft["entry_above_lesser_trochanter_mm"],
        entry_below_greater_trochanter_mm=along_shaft.get("entry_below_greater_trochanter_mm"),
        entry_anterior_mm=in_frame["entry_anterior_mm"],
        nearest_to_cut_mm=min(
            float(bone.distance_to_cut(tunnel.entry)[0]),
            # Where no whole section is in view the mid-line is unknown, and so is the entry.
            np.inf if anatomy.midline_known(entry[2]) else 0.0,
        ),
        outward_free=_outward_free(hip, tunnel, mouth),
        entry_off_surface_mm=float(abs(bone.mouth_depth(tunnel.entry)[0])),
        neck_area_share=neck_area_share(anatomy, tunnel),
        lateral_wall_share=wall_share(anatomy, [tunnel]),
        entry_edge_below_ridge_mm=None if ridge is None else ridge - entry[2] - rise,
        avoid_clearance_mm=None if hip.avoid is None else clearance_mm(hip.avoid, tunnel),
        pelvis_clearance_mm=None if hip.pelvis is None else clearance_mm(hip.pelvis, tunnel),
        entry_from_fixed_mm=None if fixed is None else float(np.linalg.norm(tunnel.entry - fixed)),
        direction_from_fixed_deg=None if heading_fixed is None else _degrees_between(direction, heading_fixed),
        end_to_joint_mm=to_joint,
        pin_to_joint_mm=None if to_joint is None or overshoot == 0.0 else to_joint - overshoot,
        pin_clearance_mm=None if overshoot == 0.0 else _least(surface.depth_mm[surface.pin]),
    )


def neck_area_share(anatomy: Anatomy, tunnel: Tunnel) -> float:
    """Share of the neck's smallest section that a tunnel takes, cut as it leans (at most tenfold)."""
    lean = max(abs(float(np.dot(tunnel.direction, anatomy.neck_axis))), LEAN_LEAST)
    return float(np.pi * tunnel.radius_mm**2 / lean / anatomy.neck_min_area_mm2)


def wall_share(anatomy: Anatomy, tunnels: Sequence[Tunnel]) -> float | None:
    """Share of the lateral wall's width that holes take together, at the entry's height where it is most.

    ``None`` without a tunnel, and where the wall is not in view at an entry.
    """
    if not tunnels:
        return None
    share = wall_shares(
        anatomy,
        np.array([[tunnel.entry for tunnel in tunnels]]),
        np.array([[tunnel.direction for tunnel in tunnels]]),
        np.array([[tunnel.radius_mm for tunnel in tunnels]]),
    )
    return float(share[0]) if np.isfinite(share[0]) else None


def wall_shares(anatomy: Anatomy, entry: FloatArray, direction: FloatArray, radius_mm: FloatArray) -> FloatArray:
    """Shares (N,) of the lateral wall's width that N sets of K holes take, each where it is most; NaN out of view.

    ``entry`` and unit ``direction`` (N, K, 3) local, ``radius_mm`` (N, K). At each entry's height the line across the
    wall through each hole's middle is cut by its cylinder; the union of those cuts counts.
    """
    offset = entry - anatomy.head_center
    z, y = offset @ anatomy.shaft_axis, offset @ anatomy.y_axis
    up, front = direction @ anatomy.shaft_axis, direction @ anatomy.y_axis
    width = anatomy.wall_width(z)
    # Of hole j at the height of hole k: (N, k, j).
    above = z[:, :, None] - z[:, None, :]
    up, front, radius = up[:, None, :], front[:, None, :], radius_mm[:, None, :]
    a = np.maximum(1.0 - front**2, 1e-9)
    half = front * up * above
    square = half**2 - a * (above**2 * (1.0 - up**2) - radius**2)
    hit = square >= 0.0
    root = np.sqrt(np.maximum(square, 0.0))
    low = np.where(hit, y[:, None, :] + (half - root) / a, np.inf)
    high = np.where(hit, y[:, None, :] + (half + root) / a, -np.inf)
    order = np.argsort(low, axis=2)
    low, high = np.take_along_axis(low, order, axis=2), np.take_along_axis(high, order, axis=2)
    reached = np.maximum.accumulate(high, axis=2)
    before = np.concatenate([np.full((*reached.shape[:2], 1), -np.inf), reached[:, :, :-1]], axis=2)
    with np.errstate(invalid="ignore"):
        piece = np.where(np.isfinite(low), np.maximum(high - np.maximum(low, before), 0.0), 0.0)
    return np.asarray(np.minimum(piece.sum(axis=2) / width, 1.0).max(axis=1), dtype=np.float64)


def clearance_mm(barrier: KeepOutRegion, tunnel: Tunnel) -> float:
    """From a tunnel with its cavity, prolonged outward, to a region, mm; negative where they meet.

    Only sections that could hold the nearest point are looked at: no point of one is nearer
    than its middle by more than its radius.
    """
    if tunnel.shaped:
        return _shaped_clearance_mm(barrier, tunnel)
    prolonged = Tunnel(tunnel.entry - OUTWARD_MM * tunnel.direction, tunnel.tip, tunnel.diameter_mm)
    solids = (prolonged, *tunnel.solids[1:])
    least = np.inf
    for solid in solids:
        axis = solid.entry + _stations(0.0, solid.length_mm)[:, None] * solid.direction
        middle = barrier.distance(axis)
        near = axis[middle - solid.radius_mm <= min(least, float(middle.min()))]
        least = min(least, float(middle.min()))
        disc = _disc_offsets(solid)
        for centres in np.array_split(near, max(1, len(near) // 100)):
            least = min(least, float(barrier.distance((centres[:, None] + disc).reshape(-1, 3)).min()))
    if least < EXACT_MM:
        return least
    # So far away the field gives no more than a lower bound.
    ends = [end + _disc_offsets(solid)[::4] for solid in solids for end in (solid.entry, solid.tip)]
    return float(barrier.far_distance(np.concatenate([*(_wall_of(solid)[::9] for solid in solids), *ends])).min())


def _shaped_clearance_mm(barrier: KeepOutRegion, tunnel: Tunnel) -> float:
    """As ``clearance_mm``: of the shaft, prolonged outward, and of every section of what lies before it."""
    outline = tunnel.body.meridian(tunnel.length_mm)
    outline = outline[outline[:, 0] <= tunnel.body.head_length_mm + 1e-9]
    shaft = tunnel.shaft
    back = np.concatenate([outline[:, 0], tunnel.length_mm - _stations(-OUTWARD_MM, shaft.length_mm)])
    radius = np.concatenate([outline[:, 1], np.full(len(back) - len(outline), tunnel.radius_mm)])
    axis = tunnel.tip - back[:, None] * tunnel.direction
    disc = np.concatenate([np.zeros((1, 3)), _disc_offsets(shaft) / tunnel.radius_mm])
    middle = barrier.distance(axis)
    near = np.flatnonzero(middle - radius <= float(middle.min()))
    least = float(middle.min())
    for few in np.array_split(near, max(1, len(near) // 100)):
        points = axis[few][:, None] + radius[few][:, None, None] * disc
        least = min(least, float(barrier.distance(points.reshape(-1, 3)).min()))
    if least < EXACT_MM:
        return least
    # So far away the field gives no more than a lower bound.
    points = axis[::9][:, None] + radius[::9][:, None, None] * disc[-ring_count(tunnel.radius_mm) :]
    return float(barrier.far_distance(points.reshape(-1, 3)).min())


def _disc_offsets(solid: Tunnel) -> FloatArray:
    """Points (N, 3) of a section about its middle, half a millimetre apart or less from rim to middle."""
    a, b = solid.ring_basis()
    angle = _angles(ring_count(solid.radius_mm))
    ring = np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b
    share = np.linspace(0.0, 1.0, int(np.ceil(2.0 * solid.radius_mm)) + 1)[1:]
    return np.asarray((solid.radius_mm * share[:, None, None] * ring).reshape(-1, 3))


@dataclass(frozen=True, eq=False)
class TunnelSurface:
    """Points (N, 3) of a tunnel's wall, end and cavity, local mm, how deep each lies in the bone, and what it is of.

    ``proximal`` of the head's plane, ``beyond_portal``, ``beyond_mouth`` and of the flat ``end`` are (N,).
    """

    points: FloatArray
    depth_mm: FloatArray
    proximal: BoolArray
    beyond_portal: BoolArray
    beyond_mouth: BoolArray
    end: BoolArray
    #: Of the guide pin ahead of the instrument, which keeps a margin of its own.
    pin: BoolArray

    @property
    def cortical(self) -> BoolArray:
        """Which points keep the cortex' margin: the plane alone parts it from the joint (contract §1)."""
        return ~self.proximal & self.beyond_portal & ~self.pin

    def posterosuperior_mm(self, frame: Anatomy) -> float:
        """The least depth of those in the neck's postero-superior quarter, as that frame has it."""
        return _least(self.depth_mm[self.cortical & frame.in_posterosuperior_quarter(self.points)])


def surface_of(hip: Hip, tunnel: Tunnel, portal_mm: float, mouth_mm: float) -> TunnelSurface:
    """The surface of a tunnel whose portal and mouth reach so far along its axis; a cavity lies beyond both."""
    if tunnel.shaped:
        return _shaped_surface(hip, tunnel, portal_mm, mouth_mm)
    points, at = wall_and_end(hip.anatomy, tunnel, (mouth_mm, portal_mm))
    beyond_portal, beyond_mouth, end = at >= portal_mm, at >= mouth_mm, np.isinf(at)
    if tunnel.cavity is not None:
        wide = _all_over(hip.anatomy, tunnel.cavity)
        points, all_of = np.concatenate([points, wide]), np.ones(len(wide), dtype=bool)
        beyond_portal, beyond_mouth = np.append(beyond_portal, all_of), np.append(beyond_mouth, all_of)
        end = np.append(end, ~all_of)
    proximal = hip.anatomy.proximal_of_head_plane(points)
    none = np.zeros(len(points), dtype=bool)
    return TunnelSurface(points, hip.bone.distance(points), proximal, beyond_portal, beyond_mouth, end, none)


def _shaped_surface(hip: Hip, tunnel: Tunnel, portal_mm: float, mouth_mm: float) -> TunnelSurface:
    """The surface of a tunnel whose instrument has a tip, steps or a pin ahead: those keep margins anywhere."""
    shaft = tunnel.shaft
    wall, at = wall_and_end(hip.anatomy, shaft, (mouth_mm, portal_mm))
    wall, at = wall[np.isfinite(at)], at[np.isfinite(at)]
    head, pin = _head_points(hip.anatomy, tunnel)
    points = np.concatenate([wall, head])
    at = np.append(at, np.full(len(head), np.inf))
    pin = np.append(np.zeros(len(wall), dtype=bool), pin)
    proximal = hip.anatomy.proximal_of_head_plane(points)
    depth = hip.bone.distance(points)
    # No flat end of its own: all of the head is wall that must lie in bone.
    end = np.zeros(len(points), dtype=bool)
    return TunnelSurface(points, depth, proximal, at >= portal_mm, at >= mouth_mm, end, pin)


def _head_points(anatomy: Anatomy, tunnel: Tunnel) -> tuple[FloatArray, BoolArray]:
    """Points (N, 3) all over what lies before a body's shaft, and which of them the pin drills (N,).

    Rings stand along its outline, and points where lines along it cross the head's plane, on either side of it.
    """
    outline = tunnel.body.meridian(tunnel.length_mm)
    outline = outline[outline[:, 0] <= tunnel.body.head_length_mm + 1e-9]
    a, b = tunnel.ring_basis()
    angle = _angles(ring_count(tunnel.radius_mm))
    ring = np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b
    axis = tunnel.tip - outline[:, :1] * tunnel.direction
    points = axis[:, None, :] + outline[:, 1, None, None] * ring[None]
    pin = np.repeat(outline[:, 2] > 0.0, len(angle))
    above = anatomy.above_head_plane(points.reshape(-1, 3)).reshape(points.shape[:2])
    crossed = (above[:-1] >= 0.0) != (above[1:] >= 0.0)
    first, second = above[:-1][crossed], above[1:][crossed]
    share = (first / (first - second))[:, None]
    on = points[:-1][crossed] * (1.0 - share) + points[1:][crossed] * share
    # Between a point of the pin and one of the instrument it is the instrument's.
    of_pin = np.broadcast_to(((outline[:-1, 2] > 0.0) & (outline[1:, 2] > 0.0))[:, None], crossed.shape)[crossed]
    return np.concatenate([points.reshape(-1, 3), _beside_plane(anatomy, on)]), np.append(pin, np.tile(of_pin, 2))


def shaft_figures(anatomy: Anatomy, tunnel: Tunnel) -> dict[str, float]:
    """The figures that hang on the shaft's axis alone, by their keys in ``plan.json``."""
    femoral, greater = anatomy.femoral_from_local, anatomy.greater_trochanter_tip
    height = float(femoral[2, :3] @ tunnel.entry + femoral[2, 3])
    found = {
        "shaft_angle_deg": _degrees_between(tunnel.direction, -anatomy.shaft_axis),
        "entry_above_lesser_trochanter_mm": height - anatomy.lesser_trochanter_height_mm,
    }
    if greater is not None:
        found["entry_below_greater_trochanter_mm"] = float(femoral[2, :3] @ greater + femoral[2, 3] - height)
    return found


def frame_figures(normal: FloatArray, anatomy: Anatomy, tunnel: Tunnel) -> dict[str, float]:
    """The figures that hang on where lateral is, by their keys in ``plan.json``; ``normal`` (3,) is the entry's."""
    femoral = anatomy.femoral_from_local
    entry = femoral[:3, :3] @ tunnel.entry + femoral[:3, 3]
    heading = femoral[:3, :3] @ tunnel.direction
    return {
        "entry_normal_deg": _degrees_between(normal, anatomy.x_axis),
        "ap_angle_deg": float(np.degrees(np.arctan2(-heading[0], -heading[2])) % 360.0),
        "lateral_tilt_deg": float(np.degrees(np.arcsin(np.clip(heading[1], -1.0, 1.0)))),
        "entry_anterior_mm": float(entry[1] - anatomy.midline_y(entry[2])),
    }


def portal_lengths(hip: Hip, tunnel: Tunnel, spec: Spec) -> tuple[float, float]:
    """Length of the portal, and of its part where the wall may lie outside the bone, mm (contract §1)."""
    sine = _sine_of_incidence(hip.bone.mouth_normal(tunnel.entry)[0], tunnel.direction)
    overhang = tunnel.radius_mm * float(np.sqrt(1.0 - sine**2))
    return (spec.cortical_margin_mm + overhang) / sine + PORTAL_EXTRA_MM, overhang / sine + PORTAL_EXTRA_MM


def _sine_of_incidence(normal: FloatArray, direction: FloatArray) -> float:
    return float(np.clip(abs(np.dot(normal, direction)), 1e-6, 1.0))


def level_raise_mm(anatomy: Anatomy) -> float:
    """By how much the entry zone begins higher because the lesser trochanter's level is assumed, mm."""
    assumed = anatomy.sources["lesser_trochanter"] == "assumed"
    return ASSUMED_LEVEL_RAISE * 2.0 * anatomy.head_radius_mm if assumed else 0.0


def _stations(first: float, last: float) -> FloatArray:
    count = max(2, int(np.ceil((last - first) / RING_STEP_MM)) + 1)
    return np.linspace(first, last, count)


def ring_count(radius_mm: float) -> int:
    """Points round a ring: ``RING_POINTS``, or as many as leave ``RING_GAP_MM`` between them, a multiple of eight."""
    return max(RING_POINTS, 8 * int(np.ceil(2.0 * np.pi * radius_mm / RING_GAP_MM / 8.0)))


def _angles(count: int) -> FloatArray:
    return np.asarray(2.0 * np.pi * np.arange(count) / count)


def _rings(tunnel: Tunnel, stations: FloatArray, count: int) -> FloatArray:
    a, b = tunnel.ring_basis()
    angle = _angles(count)
    ring = tunnel.radius_mm * (np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b)
    axis = tunnel.entry + stations[:, None] * tunnel.direction
    return np.asarray((axis[:, None, :] + ring[None, :, :]).reshape(-1, 3), dtype=np.float64)


def _wall_of(cylinder: Tunnel) -> FloatArray:
    return _rings(cylinder, _stations(0.0, cylinder.length_mm), ring_count(cylinder.radius_mm))


def wall_and_end(anatomy: Anatomy, tunnel: Tunnel, marks: tuple[float, ...] = ()) -> tuple[FloatArray, FloatArray]:
    """Points (N, 3) all over a wall and its flat end, local mm, and how far along the axis each lies (N,).

    The end's count as infinitely far: they keep their margins wherever it lies. Rings stand exactly at ``marks`` too,
    mm, where a rule begins; there the wall is often nearest. So do points where the head's plane cuts wall and end.
    """
    count, length = ring_count(max(tunnel.radius_mm, tunnel.cavity_diameter_mm / 2.0)), tunnel.length_mm
    stations = np.unique(np.concatenate([_stations(0.0, length), [at for at in marks if at < length]]))
    crossed, end = _wall_on_plane(anatomy, tunnel, count), _end_disc(anatomy, tunnel, count)
    at = np.concatenate([np.repeat(stations, count), (crossed - tunnel.entry) @ tunnel.direction])
    return np.concatenate([_rings(tunnel, stations, count), crossed, end]), np.append(at, np.full(len(end), np.inf))


def _all_over(anatomy: Anatomy, cavity: Tunnel) -> FloatArray:
    """Points (N, 3) of a cavity's wall and both its ends."""
    back = _end_disc(anatomy, cavity, ring_count(cavity.radius_mm), back=True)
    return np.concatenate([wall_and_end(anatomy, cavity)[0], back])


def _wall_on_plane(anatomy: Anatomy, tunnel: Tunnel, count: int) -> FloatArray:
    """Points (N, 3) where lines along a wall cross the head's plane, on either side of it."""
    rise = float(tunnel.direction @ anatomy.neck_axis)
    if abs(rise) < 1e-9:
        return np.zeros((0, 3))
    rim = _rings(tunnel, np.zeros(1), count)
    at = -anatomy.above_head_plane(rim) / rise
    on = (at >= 0.0) & (at <= tunnel.length_mm)
    return _beside_plane(anatomy, rim[on] + at[on, None] * tunnel.direction)


def _beside_plane(anatomy: Anatomy, points: FloatArray) -> FloatArray:
    step = BESIDE_PLANE_MM * anatomy.neck_axis
    return np.concatenate([points + step, points - step])


def _end_disc(anatomy: Anatomy, tunnel: Tunnel, count: int, *, back: bool = False) -> FloatArray:
    """Points (N, 3) of a flat end, on circles and on the chord where the head's plane cuts it."""
    a, b = tunnel.ring_basis()
    angle, radius = _angles(count), tunnel.radius_mm
    ring = np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b
    share = np.linspace(0.0, 1.0, max(11, int(np.ceil(radius / RING_GAP_MM)) + 1))
    middle = tunnel.entry if back else tunnel.tip
    points = np.asarray((middle + radius * share[:, None, None] * ring[None]).reshape(-1, 3))
    tilt = np.array([a @ anatomy.neck_axis, b @ anatomy.neck_axis])
    steep = float(np.hypot(*tilt))
    away = -float(anatomy.above_head_plane(middle[None])[0])
    if abs(away) >= steep * radius:
        return points
    # From the chord's middle both ways, in steps of a ring's.
    half = float(np.sqrt(radius**2 - (away / steep) ** 2))
    along = np.linspace(-half, half, 2 * int(np.ceil(half / RING_GAP_MM)) + 1)
    up, side = (tilt[0] * a + tilt[1] * b) / steep, (tilt[0] * b - tilt[1] * a) / steep
    chord = middle + away / steep * up + along[:, None] * side
    return np.concatenate([points, _beside_plane(anatomy, chord)])


def _outward_free(hip: Hip, tunnel: Tunnel, mouth: float) -> bool:
    stations = _stations(-OUTWARD_MM, -mouth)
    axis = tunnel.entry + stations[:, None] * tunnel.direction
    points = np.concatenate([_rings(tunnel, stations, ring_count(tunnel.radius_mm)), axis])
    return bool(np.all(hip.bone.distance(points) <= 0.0))


def _least(values: FloatArray) -> float:
    return float(values.min()) if len(values) else float("inf")


def _degrees_between(a: FloatArray, b: FloatArray) -> float:
    return float(np.degrees(np.arccos(np.clip(np.dot(a, b), -1.0, 1.0))))
