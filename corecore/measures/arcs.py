"""The arc of the head's surface under which the lesion lies, in a plane through the head.

The figure behind Kerboul's angle, the necrotic index, the anterior necrotic angle and the
angles preserved. An angle runs from the plane's ``up`` (0°) towards its ``forward`` (90°).

The anterior necrotic angle: from the neck's axis to the lesion's anterior edge.

Kubo 2018, Int Orthop (113 hips): apex at the head's centre, on the mid-oblique slice, taken here
as the plane of the neck's axis and the antero-posterior direction; 0° is the neck's axis
prolonged through the head. From 79° on, with the lateral edge in the middle third, 5 of 5
collapsed, below it 1 of 27.

The modified Kerboul angle: the arcs of the mid-coronal and the mid-sagittal plane, added.

Ha, Jung, Kim et al. 2006, J Bone Joint Surg Am 88 Suppl 3:35 (37 hips). Apex at the head's
centre; each plane passes through it, the coronal one with the shaft's axis, the sagittal one
square on it.

The index of necrotic extent: (A / 180) (B / 180) 100, of two arcs in degrees.

Original: A and B on the mid-coronal and the mid-sagittal plane (Koo, Kim 1995, J Bone Joint Surg
Br 77:875). Modified: on the coronal and the sagittal slice in which the lesion is largest
(Cherian 2003, J Bone Joint Surg Am 85:309), about the middle of the head in that slice.

The planes of the head in which arcs are measured.

The combined preserved angle: how much living surface is left lateral and anterior of the lesion.

J Bone Joint Surg Am 2022 (PMID 35389905; 180 hips, 89 collapsed): lateral and anterior preserved
angle added, cut-off 118.7°. Its drawing is not confirmed from the paper: here each angle runs
about the head's centre from the lesion's edge to where the head ends, at the plane 0.5 R
from the centre; lateral in the mid-coronal plane, anterior in that of the neck's axis, as a
frog-leg film shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.hip.anatomy.zones import HEAD_PLANE_RADII
from corecore.hip.head_surface import surface_along
from corecore.measures.necrosis import Necrosis

#: Step between rays, degrees: a quarter of the 1° asked for.
STEP_DEG = 0.25


@dataclass(frozen=True)
class Arc:
    """The involved arc in a plane, degrees.

    ``first_deg`` and ``last_deg`` bound the smallest arc that holds all that is involved, and
    ``hull_deg`` is its size; ``union_deg`` leaves out what is living between two foci.
    ``head_first_deg`` and ``head_last_deg`` bound the head's own surface. The bounds of the lesion are ``None``, and
    its sizes 0, where none of the surface is involved.
    """

    hull_deg: float
    union_deg: float
    first_deg: float | None
    last_deg: float | None
    head_first_deg: float
    head_last_deg: float


@dataclass(frozen=True, eq=False)
class ArcPlane:
    """Rays (N, 3) in a plane of the head, their angles (N,) degrees, and where each meets the bone surface (N,) mm."""

    center: FloatArray
    rays: FloatArray
    angles_deg: FloatArray
    surface_mm: FloatArray
    on_head: BoolArray


def arc_plane(necrosis: Necrosis, up: FloatArray, forward: FloatArray, *, beside_mm: float = 0.0) -> ArcPlane:
    """The plane through the head's centre spanned by femoral unit vectors ``up`` and ``forward`` (3,).

    ``beside_mm`` moves it, and the point from which its rays leave, along its normal
    forward x up.
    """
    anatomy = necrosis.hip.anatomy
    angles = np.arange(-180.0, 180.0, STEP_DEG) + STEP_DEG / 2
    turn = np.radians(angles)[:, None]
    rays = necrosis.to_local(np.cos(turn) * up + np.sin(turn) * forward)
    beside = beside_mm * necrosis.to_local(np.cross(forward, up))
    center = anatomy.head_center + beside
    surface = surface_along(necrosis.hip.bone, center, rays, anatomy.head_radius_mm)
    along = (surface[:, None] * rays + beside) @ anatomy.neck_axis
    # A ray that finds no end within 1.3 R runs down the neck.
    on_head = (
        (along >= -HEAD_PLANE_RADII * anatomy.head_radius_mm)
        & (surface > 0.0)
        & (surface < 1.29 * anatomy.head_radius_mm)
    )
    return ArcPlane(center, rays, angles, surface, on_head)


def involved_arc(necrosis: Necrosis, plane: ArcPlane) -> Arc:
    """The arc of a plane's head surface that has lesion within the subchondral depth below it."""
    met = np.zeros(len(plane.rays), dtype=bool)
    head = plane.on_head
    met[head] = necrosis.meets(plane.center, plane.rays[head], plane.surface_mm[head])
    head_first, head_last = _hull(plane.angles_deg[head])
    if not met.any():
        return Arc(0.0, 0.0, None, None, head_first, head_last)
    first, last = _hull(plane.angles_deg[met])
    return Arc(last - first, float(np.count_nonzero(met)) * STEP_DEG, first, last, head_first, head_last)


def _hull(angles_deg: FloatArray) -> tuple[float, float]:
    """First and last angle of the smallest arc that holds rays at these ascending angles, each half a step wide."""
    gaps = np.diff(angles_deg, append=angles_deg[0] + 360.0)
    widest = int(np.argmax(gaps))
    first, last = angles_deg[(widest + 1) % len(angles_deg)], angles_deg[widest]
    if last < first:
        # The arc passes 180°: its end is told beyond it, or its beginning before -180°, whichever is nearer up.
        first, last = (first - 360.0, last) if abs(last) < abs(first) else (first, last + 360.0)
    return float(first - STEP_DEG / 2), float(last + STEP_DEG / 2)


#: The angle from which collapse was seen, degrees.
FLAG_DEG = 79.0


def anterior_necrotic_angle(neck: Arc) -> float | None:
    """The angle in degrees, negative for a lesion wholly behind the neck's axis; ``None`` where none is involved."""
    return neck.last_deg


#: Upper limits of grades 1 to 3, degrees; 300° and more is grade 4.
GRADE_LIMITS_DEG = (200.0, 250.0, 300.0)


@dataclass(frozen=True)
class Kerboul:
    """The modified Kerboul angle: arcs of the mid-coronal and the mid-sagittal plane, and their sum [1].

    Parameters
    ----------
    coronal_deg, sagittal_deg : float
        Smallest arc that holds all of the surface with lesion under it, seen from the head's centre, degrees.
    combined_deg : float
        Their sum, degrees.
    coronal_union_deg, sagittal_union_deg : float
        The arcs without viable surface between two foci, degrees.
    grade : int or None
        1 below 200°, 2 below 250°, 3 below 300°, else 4; ``None`` where neither plane is involved.

    References
    ----------
    1. Ha 2006, J Bone Joint Surg Am 88 Suppl 3:35, doi:10.2106/JBJS.F.00535 (37 hips).
    """

    coronal_deg: float
    sagittal_deg: float
    combined_deg: float
    coronal_union_deg: float
    sagittal_union_deg: float
    grade: int | None


def kerboul_grade(combined_deg: float) -> int | None:
    """Grade of a combined angle; ``None`` for 0°, where the lesion meets neither plane."""
    if combined_deg <= 0.0:
        return None
    return 1 + sum(combined_deg >= limit for limit in GRADE_LIMITS_DEG)


def measure_kerboul(coronal: Arc, sagittal: Arc) -> Kerboul:
    """The angle from the arcs of the two mid-planes; each is the hull of what is involved."""
    combined = coronal.hull_deg + sagittal.hull_deg
    return Kerboul(
        coronal.hull_deg, sagittal.hull_deg, combined, coronal.union_deg, sagittal.union_deg, kerboul_grade(combined)
    )


#: Thickness of the slices in which the lesion's area is compared, mm: that of the protocol most
#: often read (coronal, 2 mm; docs/measures.md).
SLICE_MM = 2.0
#: No slice further from the middle than this share of the radius: its head would be a button.
FARTHEST = 0.9


@dataclass(frozen=True)
class NecroticIndex:
    """The index of necrotic extent, (A/180) (B/180) 100, of two arcs A and B in degrees.

    Parameters
    ----------
    original : float
        On the mid-coronal and the mid-sagittal plane, 0 to 400 [1].
    modified : float
        On the coronal and the sagittal slice in which the lesion is largest, 0 to 400 [2].
    coronal_slice_mm : float or None
        How far in front of the head's centre that coronal slice lies, mm; ``None`` without a lesion.
    sagittal_slice_mm : float or None
        How far lateral of the centre that sagittal slice lies, mm.

    References
    ----------
    1. Koo, Kim 1995, J Bone Joint Surg Br 77:875.
    2. Cherian 2003, J Bone Joint Surg Am 85:309.
    """

    original: float
    modified: float
    coronal_slice_mm: float | None
    sagittal_slice_mm: float | None


def measure_necrotic_index(necrosis: Necrosis, coronal: Arc, sagittal: Arc) -> NecroticIndex:
    """The index on the middle planes (their arcs given) and on the largest slices."""
    original = index_of(coronal.hull_deg, sagittal.hull_deg)
    if len(necrosis.points) == 0:
        return NecroticIndex(original, 0.0, None, None)
    front, side = largest_slice_mm(necrosis, 1), largest_slice_mm(necrosis, 0)
    # A plane moves along forward x up: lateral x proximal is posterior, anterior x proximal lateral.
    widest_coronal = involved_arc(necrosis, arc_plane(necrosis, PROXIMAL, LATERAL, beside_mm=-front))
    widest_sagittal = involved_arc(necrosis, arc_plane(necrosis, PROXIMAL, ANTERIOR, beside_mm=side))
    return NecroticIndex(original, index_of(widest_coronal.hull_deg, widest_sagittal.hull_deg), front, side)


def index_of(coronal_deg: float, sagittal_deg: float) -> float:
    """The index of two arcs."""
    return (coronal_deg / 180.0) * (sagittal_deg / 180.0) * 100.0


def largest_slice_mm(necrosis: Necrosis, axis: int) -> float:
    """Where along a femoral axis (0 lateral, 1 anterior) a slice holds most of the lesion, mm from the centre.

    The middle of the slices that hold within a hundredth of the most: a lesion with one and
    the same section over a length is cut in its middle.
    """
    reach = np.floor(FARTHEST * necrosis.hip.anatomy.head_radius_mm / SLICE_MM) * SLICE_MM
    at = np.arange(-reach, reach + SLICE_MM / 2, SLICE_MM)
    slices = np.floor((necrosis.points[:, axis] + reach) / SLICE_MM + 0.5).astype(np.int64)
    held = np.bincount(np.clip(slices, -1, len(at)) + 1, minlength=len(at) + 2)[1:-1]
    most = at[held >= 0.99 * held.max()]
    return float(0.5 * (most[0] + most[-1]))


LATERAL, ANTERIOR, PROXIMAL = np.eye(3)


@dataclass(frozen=True, eq=False)
class MidPlanes:
    """Planes through the head's centre; angles run from proximal (or the neck's axis) to lateral or anterior.

    ``coronal`` holds the shaft's axis and lateral, ``sagittal`` the shaft's axis and anterior,
    ``neck`` the neck's axis and anterior: the plane of a mid-oblique slice and of a frog-leg
    lateral film.
    """

    coronal: ArcPlane
    sagittal: ArcPlane
    neck: ArcPlane


def mid_planes(necrosis: Necrosis) -> MidPlanes:
    """The three planes of a hip."""
    neck = neck_axis(necrosis)
    front = ANTERIOR - (ANTERIOR @ neck) * neck
    return MidPlanes(
        coronal=arc_plane(necrosis, PROXIMAL, LATERAL),
        sagittal=arc_plane(necrosis, PROXIMAL, ANTERIOR),
        neck=arc_plane(necrosis, neck, front / np.linalg.norm(front)),
    )


def neck_axis(necrosis: Necrosis) -> FloatArray:
    """The neck's axis towards the head, (3,) femoral."""
    anatomy = necrosis.hip.anatomy
    return np.asarray(anatomy.femoral_from_local[:3, :3] @ anatomy.neck_axis, dtype=np.float64)


#: The study's cut-off, degrees.
CUTOFF_DEG = 118.7


@dataclass(frozen=True)
class PreservedAngle:
    """Viable surface between the lesion and the edge of the head [1]; the drawing is not confirmed from the paper.

    Parameters
    ----------
    lateral_deg : float or None
        In the mid-coronal plane, degrees; ``None`` where the lesion does not reach the surface there.
    anterior_deg : float or None
        In the plane of the neck's axis, degrees, likewise.
    combined_deg : float or None
        Their sum, degrees.

    References
    ----------
    1. J Bone Joint Surg Am 2022, PMID 35389905 (180 hips; cut-off 118.7°).
    """

    lateral_deg: float | None
    anterior_deg: float | None
    combined_deg: float | None


def measure_preserved_angle(coronal: Arc, neck: Arc) -> PreservedAngle:
    """The angles from the arcs of the mid-coronal plane and of the neck's plane."""
    lateral, anterior = _left(coronal), _left(neck)
    both = None if lateral is None or anterior is None else lateral + anterior
    return PreservedAngle(lateral, anterior, both)


def _left(arc: Arc) -> float | None:
    return None if arc.last_deg is None else max(0.0, arc.head_last_deg - arc.last_deg)
