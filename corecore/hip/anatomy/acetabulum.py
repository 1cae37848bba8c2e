"""The acetabulum in the mid-coronal plane of a femur: its edge, its middle, and where they come from.

The mid-coronal plane holds the head's centre, the shaft's axis and lateral. An angle in it is
seen from the head's centre, 0° along the shaft's axis, positive laterally, as an arc's.

The middle P follows the Japanese criteria (2001, doi:10.1007/s007760200108): the perpendicular
bisector of the line from the lateral edge E to the lowest point T of the teardrop meets the
acetabulum there, and the weight-bearing surface is what lies lateral of P.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.model import Anatomy, PlanWarning

#: What edge and middle rest on.
Basis = Literal["pelvis", "landmarks", "population"]

#: Bone of the head to bone of the acetabulum, where the acetabulum itself is not seen, mm: two layers
#: of cartilage (engineering choice; 2 mm more turn the middle by under 1°).
JOINT_GAP_MM = 3.5
#: Lateral edge from the body's vertical: mean centre-edge angle of 200 hips aged 20 to 30 (Fowkes et al.
#: 2011, Skeletal Radiol 40:1427).
POPULATION_EDGE_DEG = 36.3
#: Middle from the body's vertical: across the line ET, which the same 200 hips have at 38.8° from horizontal;
#: taken through the head's centre.
POPULATION_MIDDLE_DEG = -38.8
#: The body's vertical from the femur's shaft, seen from the front: the knee stands medial of the shaft's
#: prolongation, so the shaft leans outward going up (engineering choice; people differ by 2° or 3°, and a
#: leg that lies abducted on the table by more). The world's axes must not decide it (contract).
VERTICAL_DEG = -6.0
#: A lateral edge is believed between these angles: dysplasia with hardly a roof, and a head sunk in (engineering
#: choices).
EDGE_RANGE_DEG = (-20.0, 75.0)
#: The smallest arc from middle to edge that can be divided in thirds (engineering choice).
ARC_MIN_DEG = 20.0
#: A landmark is believed this far from the head's centre, head radii, and this far before or behind the plane.
LANDMARK_RADII = (0.9, 2.2)
LANDMARK_BESIDE_RADII = 1.0


@dataclass(frozen=True, eq=False)
class Acetabulum:
    """The acetabulum in the mid-coronal plane of a femoral head.

    Angles in that plane are seen from the head's centre: 0° along the shaft's axis, positive laterally.

    Parameters
    ----------
    edge_mm : ndarray, shape (3,), or None
        Superolateral edge E, local mm; ``None`` where a population's mean is used.
    teardrop_mm : ndarray, shape (3,), or None
        Lowest point T of the teardrop, local mm, likewise.
    radius_mm : float
        Radius of the acetabular circle about the head's centre, mm.
    edge_deg : float
        Angle of E, degrees.
    middle_deg : float
        Angle of P, the medial end of the weight-bearing surface, degrees: where the perpendicular bisector of ET meets
        the acetabulum [1].
    basis : {"pelvis", "landmarks", "population"}
        What edge and middle rest on; the population's means are those of 200 hips [2].
    vertical_deg : float
        Angle of the body's vertical, degrees: an estimate (engineering choice).
    warnings : tuple of PlanWarning
        What a reader must know.

    References
    ----------
    1. Japanese Investigation Committee 2001, doi:10.1007/s007760200108.
    2. Fowkes 2011, Skeletal Radiol 40:1427.
    """

    edge_mm: FloatArray | None
    teardrop_mm: FloatArray | None
    radius_mm: float
    edge_deg: float
    middle_deg: float
    basis: Basis
    vertical_deg: float = VERTICAL_DEG
    warnings: tuple[PlanWarning, ...] = field(default=())

    @property
    def arc_deg(self) -> float:
        """Weight-bearing arc from the middle P to the edge E, degrees."""
        return self.edge_deg - self.middle_deg


def in_plane(anatomy: Anatomy, points_mm: FloatArray) -> FloatArray:
    """Lateral and proximal offset of local points (N, 3) or (3,) from the head's centre, (N, 2) or (2,) mm."""
    axes = np.stack([anatomy.x_axis, anatomy.shaft_axis])
    return np.asarray((points_mm - anatomy.head_center) @ axes.T, dtype=np.float64)


def angle_deg(offset: FloatArray) -> float:
    """Angle of an offset (lateral, proximal) from proximal, positive laterally, above -180 to 180 degrees."""
    return float(np.degrees(np.arctan2(offset[0], offset[1])))


def bisector_deg(edge: FloatArray, teardrop: FloatArray, radius_mm: float) -> float | None:
    """Angle at which the perpendicular bisector of ET meets the circle about the head's centre, proximally.

    ``edge`` and ``teardrop`` (2,) are offsets lateral and proximal; ``None`` where the bisector misses the circle.
    """
    along = edge - teardrop
    length = float(np.linalg.norm(along))
    if length < 1e-6:
        return None
    along = along / length
    # Of the two directions across ET the one that leads from the joint up and medially into the bone.
    across = np.array([-along[1], along[0]])
    beside = float(0.5 * (edge + teardrop) @ along)
    if abs(beside) >= radius_mm:
        return None
    return angle_deg(beside * along + np.sqrt(radius_mm**2 - beside**2) * across)


def from_points(
    anatomy: Anatomy,
    edge_mm: FloatArray,
    teardrop_mm: FloatArray | None,
    radius_mm: float,
    basis: Basis,
    warnings: tuple[PlanWarning, ...] = (),
) -> Acetabulum:
    """The acetabulum of an edge and, where known, a teardrop (3,) local mm; both are seen along y.

    Without a teardrop the middle is the population's, with a caution. Raises ``InputError`` for points
    that can be no edge and teardrop of this head.
    """
    edge = in_plane(anatomy, edge_mm)
    edge_deg = angle_deg(edge)
    low, high = EDGE_RANGE_DEG
    if not low <= edge_deg - VERTICAL_DEG <= high:
        raise InputError(
            f"the acetabular edge lies {edge_deg - VERTICAL_DEG:.0f}° lateral of the body's vertical through the head's"
            f" centre; {low:g} to {high:g}° is accepted",
            code="landmark-implausible",
        )
    if teardrop_mm is None:
        middle: float | None = VERTICAL_DEG + POPULATION_MIDDLE_DEG
        text = "the teardrop is not known: the middle of the acetabulum is that of a population, so place is estimated"
        warnings = (*warnings, PlanWarning("teardrop_population", text))
    else:
        middle = bisector_deg(edge, in_plane(anatomy, teardrop_mm), radius_mm)
    if middle is None or not ARC_MIN_DEG <= edge_deg - middle < 180.0:
        raise InputError(
            f"acetabular edge and teardrop leave no weight-bearing arc of {ARC_MIN_DEG:g}° or more above the head"
            " (are they of this hip, and not exchanged?)",
            code="landmark-implausible",
        )
    return Acetabulum(
        edge_mm=_onto_plane(anatomy, edge),
        teardrop_mm=None if teardrop_mm is None else _onto_plane(anatomy, in_plane(anatomy, teardrop_mm)),
        radius_mm=radius_mm,
        edge_deg=edge_deg,
        middle_deg=middle,
        basis=basis,
        warnings=warnings,
    )


def seen_in(anatomy: Anatomy, acetabulum: Acetabulum) -> Acetabulum:
    """The same acetabulum in another frame about the same head; one of a population keeps its angles in any."""
    if acetabulum.edge_mm is None:
        return acetabulum
    try:
        return from_points(anatomy, acetabulum.edge_mm, acetabulum.teardrop_mm, acetabulum.radius_mm, acetabulum.basis)
    except InputError:
        # Where the frame carries them out of what is accepted, the arc keeps its place.
        return acetabulum


def from_landmarks(anatomy: Anatomy, edge_mm: FloatArray, teardrop_mm: FloatArray | None) -> Acetabulum:
    """The acetabulum of points given by the user, (3,) local mm.

    Raises ``InputError`` for a point that cannot belong to this hip.
    """
    for name, point in (("acetabular_edge", edge_mm), ("teardrop", teardrop_mm)):
        if point is not None:
            _believed(anatomy, name, point)
    return from_points(anatomy, edge_mm, teardrop_mm, anatomy.head_radius_mm + JOINT_GAP_MM, "landmarks")


def from_population(anatomy: Anatomy, warnings: tuple[PlanWarning, ...] = ()) -> Acetabulum:
    """The mean acetabulum of young adults about this head, where neither pelvis nor landmarks are given."""
    text = (
        "acetabulum not segmented; population mean used (200 young adults, assumed femoral shaft inclination):"
        " JIC and ARCO type are estimated"
    )
    return Acetabulum(
        edge_mm=None,
        teardrop_mm=None,
        radius_mm=anatomy.head_radius_mm + JOINT_GAP_MM,
        edge_deg=VERTICAL_DEG + POPULATION_EDGE_DEG,
        middle_deg=VERTICAL_DEG + POPULATION_MIDDLE_DEG,
        basis="population",
        warnings=(*warnings, PlanWarning("acetabulum_population", text)),
    )


def _believed(anatomy: Anatomy, name: str, point: FloatArray) -> None:
    radius = anatomy.head_radius_mm
    away = float(np.linalg.norm(in_plane(anatomy, point))) / radius
    beside = float((point - anatomy.head_center) @ anatomy.y_axis) / radius
    low, high = LANDMARK_RADII
    if not low <= away <= high or abs(beside) > LANDMARK_BESIDE_RADII:
        raise InputError(
            f"{name} lies {away:.1f} head radii from the head's centre seen from the front, {abs(beside):.1f} before or"
            f" behind it; {low:g} to {high:g}, and up to {LANDMARK_BESIDE_RADII:g}, are accepted",
            code="landmark-implausible",
        )


def _onto_plane(anatomy: Anatomy, offset: FloatArray) -> FloatArray:
    point = anatomy.head_center + offset[0] * anatomy.x_axis + offset[1] * anatomy.shaft_axis
    return np.asarray(point, dtype=np.float64)
