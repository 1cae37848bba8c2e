"""One straight tunnel: its geometry in the bone, its figures, and the constraints it breaks.

The plain road: every figure is measured by dense sampling with numpy, as the contract words
it. The search's compiled kernels are held against this module by the tests, and the figures
of a plan come from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from corecore.barrier import EXACT_MM, Barrier
from corecore.fixed import fixed_direction, fixed_entry
from corecore.grid import BoolArray, FloatArray
from corecore.spec import ASSUMED_LEVEL_RAISE, DIRECTION_KEPT_DEG, ENTRY_KEPT_MM, Spec

if TYPE_CHECKING:
    from corecore.anatomy import Anatomy
    from corecore.hip import Hip

#: Sampling of a tunnel's wall: points round the ring and distance between rings, mm. On a
#: 10 mm tunnel the flat between two points is 0.006 mm, the ring spacing a quarter voxel.
RING_POINTS = 64
RING_STEP_MM = 0.2
#: Extra length of the portal beyond where geometry puts it, mm (contract §1).
PORTAL_EXTRA_MM = 2.0
#: An entry lies within this distance of the surface averaged over a drill's mouth, mm. Further
#: in is the bottom of a pit in the mask, further out a spur: no cortex to start from
#: (engineering choice).
ENTRY_OFF_SURFACE_MM = 1.0
#: How far outward a tunnel must be free of bone, mm (contract §1).
OUTWARD_MM = 80.0


class Reason(IntEnum):
    """Why a line carries no tunnel: the constraint it breaks first."""

    OK = 0
    CORTICAL = 1
    POSTEROSUPERIOR = 2
    JOINT = 3
    PORTAL = 4
    INCIDENCE = 5
    SHAFT_ANGLE_MIN = 6
    SHAFT_ANGLE_MAX = 7
    LENGTH = 8
    ENTRY_NORMAL = 9
    ENTRY_AP = 10
    ENTRY_DISTAL = 11
    ENTRY_PROXIMAL = 12
    FIELD_OF_VIEW = 13
    OUTWARD = 14
    MISSES_LESION = 15
    AVOID = 16
    PELVIS = 17
    ENTRY_FIXED = 18
    DIRECTION_FIXED = 19


NUMBER_OF_REASONS = len(Reason)

#: The parameter (contract §2) behind each reason.
REASON_KEYS: dict[Reason, str] = {
    Reason.CORTICAL: "cortical_margin_mm",
    Reason.POSTEROSUPERIOR: "posterosuperior_margin_mm",
    Reason.JOINT: "joint_margin_mm",
    Reason.PORTAL: "portal",
    Reason.INCIDENCE: "incidence_min_deg",
    Reason.SHAFT_ANGLE_MIN: "shaft_angle_min_deg",
    Reason.SHAFT_ANGLE_MAX: "shaft_angle_max_deg",
    Reason.LENGTH: "length_max_mm",
    Reason.ENTRY_NORMAL: "entry_normal_max_deg",
    Reason.ENTRY_AP: "entry_ap_max_mm",
    Reason.ENTRY_DISTAL: "entry_distal_mm",
    Reason.ENTRY_PROXIMAL: "entry_proximal_mm",
    Reason.FIELD_OF_VIEW: "field_of_view",
    Reason.OUTWARD: "outward_path",
    Reason.MISSES_LESION: "misses_lesion",
    Reason.AVOID: "avoid",
    Reason.PELVIS: "pelvis",
    Reason.ENTRY_FIXED: "entry_fixed",
    Reason.DIRECTION_FIXED: "direction_fixed",
}


@dataclass(frozen=True, eq=False)
class Tunnel:
    """A flat-ended cylinder from ``entry`` to ``tip`` (local mm), and maybe a wider one at its tip end, a cavity."""

    entry: FloatArray
    tip: FloatArray
    diameter_mm: float
    cavity_diameter_mm: float = 0.0
    cavity_length_mm: float = 0.0

    @property
    def radius_mm(self) -> float:
        """Half the diameter."""
        return self.diameter_mm / 2.0

    @property
    def length_mm(self) -> float:
        """Distance from entry to tip."""
        return float(np.linalg.norm(self.tip - self.entry))

    @property
    def direction(self) -> FloatArray:
        """Unit vector from entry to tip."""
        return np.asarray((self.tip - self.entry) / np.linalg.norm(self.tip - self.entry), dtype=np.float64)

    @property
    def cavity(self) -> Tunnel | None:
        """The cavity as a cylinder of its own; it begins no further out than the tunnel."""
        if self.cavity_diameter_mm <= 0.0:
            return None
        length = min(self.cavity_length_mm, self.length_mm)
        return Tunnel(self.tip - length * self.direction, self.tip, self.cavity_diameter_mm)

    @property
    def solids(self) -> tuple[Tunnel, ...]:
        """Its cylinders."""
        cavity = self.cavity
        return (self,) if cavity is None else (replace(self, cavity_diameter_mm=0.0, cavity_length_mm=0.0), cavity)

    def contains(self, points_mm: FloatArray, *, grown_mm: float = 0.0) -> BoolArray:
        """Whether points (N, 3) lie in tunnel or cavity, or within ``grown_mm`` of them."""
        if self.cavity_diameter_mm > 0.0:
            parts = [solid.contains(points_mm, grown_mm=grown_mm) for solid in self.solids]
            return np.asarray(np.any(parts, axis=0))
        offset = points_mm - self.entry
        along = offset @ self.direction
        across = np.sqrt(np.maximum(np.einsum("ij,ij->i", offset, offset) - along**2, 0.0))
        beside = np.maximum(across - self.radius_mm, 0.0)
        before = np.maximum(np.maximum(-along, along - self.length_mm), 0.0)
        return np.asarray(beside**2 + before**2 <= grown_mm**2 if grown_mm > 0.0 else (beside <= 0) & (before <= 0))

    def ring_basis(self) -> tuple[FloatArray, FloatArray]:
        """Two unit vectors across the axis."""
        return across_axes(self.direction)


def across_axes(direction: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two unit vectors perpendicular to a unit vector and to each other."""
    helper = np.zeros(3)
    helper[int(np.argmin(np.abs(direction)))] = 1.0
    first = np.cross(direction, helper)
    first /= np.linalg.norm(first)
    return first, np.cross(direction, first)


@dataclass(frozen=True)
class TunnelFigures:
    """What is measured of one tunnel; lengths mm, angles degrees, volumes ml.

    ``removed_fraction``: share of the lesion inside. ``cortical_clearance_mm``: wall to bone
    surface beyond the portal and outside the head; ``posterosuperior_clearance_mm`` the part
    of it in the neck's postero-superior quarter; ``joint_clearance_mm``: wall or flat end to
    bone surface in the head; each infinite where the tunnel has no such part.
    ``wall_depth_min_mm``: least depth of the wall from where it must be inside the bone.
    ``nearest_to_cut_mm``: entry to the scan's edge in the bone. ``outward_free``: prolonged
    outward it meets no bone. ``entry_off_surface_mm``: entry to the surface averaged over a
    drill's mouth. ``avoid_clearance_mm`` and ``pelvis_clearance_mm``: from any part, the
    prolongation among them, to the region; ``None`` where there is none. ``entry_from_fixed_mm``
    and ``direction_from_fixed_deg``: from what the surgeon insists on, ``None`` if free. Heights
    are along the femoral z axis; ``entry_edge_low_mm`` is less the raise for an assumed level.
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
    avoid_clearance_mm: float | None = None
    pelvis_clearance_mm: float | None = None
    entry_from_fixed_mm: float | None = None
    direction_from_fixed_deg: float | None = None


def first_exit(hip: Hip, inside: FloatArray, outward: FloatArray) -> FloatArray | None:
    """Where a ray from a point in bone first leaves it (local mm), to 0.001 mm; ``None`` if it never does.

    Steps as long as the distance to the surface allows, so thin gaps are not jumped over.
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
    """Measure a tunnel in a hip. ``entry`` is taken as given (see ``first_exit``)."""
    bone, anatomy = hip.bone, hip.anatomy
    direction, radius = tunnel.direction, tunnel.radius_mm
    normal = bone.mouth_normal(tunnel.entry)[0]
    sine = _sine_of_incidence(normal, direction)
    portal, mouth = portal_lengths(hip, tunnel, spec)

    stations = _stations(0.0, tunnel.length_mm)
    wall = _rings(tunnel, stations)
    at = np.repeat(stations, RING_POINTS)
    depth = bone.distance(wall)
    end = _end_disc(tunnel)
    end_depth = bone.distance(end)
    beyond = at >= portal
    in_head, end_in_head = anatomy.in_head(wall), anatomy.in_head(end)
    cortex = beyond & ~in_head
    quarter = anatomy.in_posterosuperior_quarter(wall)
    joint = min(_least(depth[in_head & (at >= mouth)]), _least(end_depth[end_in_head]))
    cortical = min(_least(depth[cortex]), _least(end_depth[~end_in_head]))
    superior = _least(depth[cortex & quarter])
    wall_depth = _least(depth[at >= mouth])
    if tunnel.cavity is not None:
        wide = np.concatenate([_wall_of(tunnel.cavity), _end_disc(tunnel.cavity), _end_disc(tunnel.cavity, back=True)])
        depth, in_head = bone.distance(wide), anatomy.in_head(wide)
        joint, cortical = min(joint, _least(depth[in_head])), min(cortical, _least(depth[~in_head]))
        superior = min(superior, _least(depth[~in_head & anatomy.in_posterosuperior_quarter(wide)]))
        wall_depth = min(wall_depth, _least(depth))
    fixed, heading_fixed = fixed_entry(hip, spec), fixed_direction(hip, spec)

    femoral = anatomy.femoral_from_local
    entry = femoral[:3, :3] @ tunnel.entry + femoral[:3, 3]
    heading = femoral[:3, :3] @ direction
    shaft_angle = _degrees_between(direction, -anatomy.shaft_axis)
    rise = radius / max(float(np.sin(np.radians(shaft_angle))), 1e-6)
    trochanter = anatomy.lesser_trochanter_height_mm
    greater = anatomy.greater_trochanter_tip
    removed = tunnel.contains(hip.lesion.points_mm)
    return TunnelFigures(
        removed_fraction=float(np.mean(removed)),
        length_mm=tunnel.length_mm,
        portal_length_mm=portal,
        cortical_clearance_mm=cortical,
        posterosuperior_clearance_mm=superior,
        joint_clearance_mm=joint,
        wall_depth_min_mm=wall_depth,
        incidence_deg=float(np.degrees(np.arcsin(sine))),
        entry_normal_deg=_degrees_between(normal, anatomy.x_axis),
        shaft_angle_deg=shaft_angle,
        ap_angle_deg=float(np.degrees(np.arctan2(-heading[0], -heading[2])) % 360.0),
        lateral_tilt_deg=float(np.degrees(np.arcsin(np.clip(heading[1], -1.0, 1.0)))),
        entry_edge_low_mm=entry[2] - rise - trochanter - level_raise_mm(hip.anatomy),
        entry_edge_high_mm=entry[2] + rise - trochanter,
        entry_above_lesser_trochanter_mm=entry[2] - trochanter,
        entry_below_greater_trochanter_mm=(
            None if greater is None else float(femoral[2, :3] @ greater + femoral[2, 3] - entry[2])
        ),
        entry_anterior_mm=float(entry[1] - anatomy.midline_y(entry[2])),
        nearest_to_cut_mm=min(
            float(bone.distance_to_cut(tunnel.entry)[0]),
            # Where no whole section is in view the mid-line is unknown, and so is the entry.
            np.inf if anatomy.midline_known(entry[2]) else 0.0,
        ),
        outward_free=_outward_free(hip, tunnel, mouth),
        entry_off_surface_mm=float(abs(bone.mouth_depth(tunnel.entry)[0])),
        avoid_clearance_mm=None if hip.avoid is None else clearance_mm(hip.avoid, tunnel),
        pelvis_clearance_mm=None if hip.pelvis is None else clearance_mm(hip.pelvis, tunnel),
        entry_from_fixed_mm=None if fixed is None else float(np.linalg.norm(tunnel.entry - fixed)),
        direction_from_fixed_deg=None if heading_fixed is None else _degrees_between(direction, heading_fixed),
    )


def clearance_mm(barrier: Barrier, tunnel: Tunnel) -> float:
    """From a tunnel with its cavity, prolonged outward, to a region, mm; negative where they meet.

    Only sections that could hold the nearest point are looked at: no point of one is nearer
    than its middle by more than its radius.
    """
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
    ends = [point for solid in solids for point in (_end_disc(solid)[::4], _end_disc(solid, back=True)[::4])]
    return float(barrier.far_distance(np.concatenate([*(_wall_of(solid)[::9] for solid in solids), *ends])).min())


def _disc_offsets(solid: Tunnel) -> FloatArray:
    """Points (N, 3) of a section about its middle, half a millimetre apart or less from rim to middle."""
    a, b = solid.ring_basis()
    angle = 2.0 * np.pi * np.arange(RING_POINTS) / RING_POINTS
    ring = np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b
    share = np.linspace(0.0, 1.0, int(np.ceil(2.0 * solid.radius_mm)) + 1)[1:]
    return np.asarray((solid.radius_mm * share[:, None, None] * ring).reshape(-1, 3))


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


def violations(figures: TunnelFigures, spec: Spec) -> list[dict[str, Any]]:
    """Every hard constraint that a tunnel breaks, as ``{key, limit, value}``."""
    broken: list[dict[str, Any]] = []

    def at_least(key: str, value: float, limit: float) -> None:
        if not value >= limit:
            broken.append({"key": key, "limit": limit, "value": value})

    def at_most(key: str, value: float, limit: float) -> None:
        if not value <= limit:
            broken.append({"key": key, "limit": limit, "value": value})

    at_least("cortical_margin_mm", figures.cortical_clearance_mm, spec.cortical_margin_mm)
    at_least("posterosuperior_margin_mm", figures.posterosuperior_clearance_mm, spec.posterosuperior_margin_mm)
    at_least("joint_margin_mm", figures.joint_clearance_mm, spec.joint_margin_mm)
    at_least("portal", figures.wall_depth_min_mm, 0.0)
    at_least("incidence_min_deg", figures.incidence_deg, spec.incidence_min_deg)
    at_least("shaft_angle_min_deg", figures.shaft_angle_deg, spec.shaft_angle_min_deg)
    at_most("shaft_angle_max_deg", figures.shaft_angle_deg, spec.shaft_angle_max_deg)
    at_most("length_max_mm", figures.length_mm, spec.length_max_mm)
    at_most("entry_normal_max_deg", figures.entry_normal_deg, spec.entry_normal_max_deg)
    at_most("entry_ap_max_mm", abs(figures.entry_anterior_mm), spec.entry_ap_max_mm)
    at_least("entry_distal_mm", figures.entry_edge_low_mm, spec.entry_distal_mm)
    at_most("entry_proximal_mm", figures.entry_edge_high_mm, spec.entry_proximal_mm)
    at_least("field_of_view", figures.nearest_to_cut_mm, spec.radius_mm + spec.cortical_margin_mm)
    at_most("portal", figures.entry_off_surface_mm, ENTRY_OFF_SURFACE_MM)
    if not figures.outward_free:
        broken.append({"key": "outward_path", "limit": OUTWARD_MM, "value": 0.0})
    if figures.avoid_clearance_mm is not None:
        at_least("avoid", figures.avoid_clearance_mm, spec.avoid_margin_mm)
    if figures.pelvis_clearance_mm is not None:
        at_least("pelvis", figures.pelvis_clearance_mm, 0.0)
    if figures.entry_from_fixed_mm is not None:
        at_most("entry_fixed", figures.entry_from_fixed_mm, ENTRY_KEPT_MM)
    if figures.direction_from_fixed_deg is not None:
        at_most("direction_fixed", figures.direction_from_fixed_deg, DIRECTION_KEPT_DEG)
    return broken


def _stations(first: float, last: float) -> FloatArray:
    count = max(2, int(np.ceil((last - first) / RING_STEP_MM)) + 1)
    return np.linspace(first, last, count)


def _rings(tunnel: Tunnel, stations: FloatArray) -> FloatArray:
    a, b = tunnel.ring_basis()
    angle = 2.0 * np.pi * np.arange(RING_POINTS) / RING_POINTS
    ring = tunnel.radius_mm * (np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b)
    axis = tunnel.entry + stations[:, None] * tunnel.direction
    return np.asarray((axis[:, None, :] + ring[None, :, :]).reshape(-1, 3), dtype=np.float64)


def _wall_of(cylinder: Tunnel) -> FloatArray:
    return _rings(cylinder, _stations(0.0, cylinder.length_mm))


def _end_disc(tunnel: Tunnel, *, back: bool = False) -> FloatArray:
    a, b = tunnel.ring_basis()
    angle = 2.0 * np.pi * np.arange(RING_POINTS) / RING_POINTS
    ring = np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b
    share = np.linspace(0.0, 1.0, 11 if tunnel.radius_mm <= 10.0 else 21)
    middle = tunnel.entry if back else tunnel.tip
    return np.asarray((middle + tunnel.radius_mm * share[:, None, None] * ring[None]).reshape(-1, 3))


def _outward_free(hip: Hip, tunnel: Tunnel, mouth: float) -> bool:
    stations = _stations(-OUTWARD_MM, -mouth)
    axis = tunnel.entry + stations[:, None] * tunnel.direction
    points = np.concatenate([_rings(tunnel, stations), axis])
    return bool(np.all(hip.bone.distance(points) <= 0.0))


def _least(values: FloatArray) -> float:
    return float(values.min()) if len(values) else float("inf")


def _degrees_between(a: FloatArray, b: FloatArray) -> float:
    return float(np.degrees(np.arccos(np.clip(np.dot(a, b), -1.0, 1.0))))
