"""What turning the head would do: the dead share of the loaded cap after an osteotomy. Geometry only.

Two families: rotation about the neck's axis (transtrochanteric; anterior positive: the upper
side of the head turns forward) and tilt in the mid-coronal plane (varus positive: the upper
side turns medially). The load keeps its place, the head turns under it, so the cap is read
off the head where the turn brings it from.

The literature counts the postoperative intact ratio, living surface over the acetabulum's
weight-bearing surface: 34 % at least after anterior rotation (Miyanishi, cited in J Orthop Sci
2012, doi:10.1007/s00776-012-0238-4), 33.3 % after curved varus osteotomy, below which
failures rose 11.2-fold (102 hips). The ratio here is taken over the loaded cap instead.

What a resurfacing would stand on: the share of the reamed dome that is living bone. Geometry only.

The head is reamed to a sphere about its centre, ``reaming_mm`` smaller in radius; the dome is the
half of it about the neck's axis, on which the component sits. No limit is known: in 202
hips with osteonecrosis a large combined necrotic angle was the only predictor of failure on
the femoral side (PMID 32071874), without a cut-off. Reaming depths are engineering choices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.base.grid import FloatArray, dots
from corecore.document.necrosis import ResurfacingPart, TurnedPart
from corecore.measures.arcs import ANTERIOR, neck_axis
from corecore.measures.necrosis import Necrosis
from corecore.measures.weight_bearing import GAIT_POLE

#: Turns tried, degrees (the range of the operations).
ROTATION_DEG = np.arange(-90.0, 91.0, 10.0)
TILT_DEG = np.arange(-30.0, 31.0, 5.0)
#: The ratio quoted as the least for a good result.
INTACT_LEAST = 0.34


@dataclass(frozen=True, eq=False)
class Turned:
    """The weight-bearing cap after an osteotomy turned the head, by angle; geometry only.

    Parameters
    ----------
    angles_deg : ndarray, shape (N,)
        Angles of rotation or tilt, degrees; anterior and varus positive.
    dead : ndarray, shape (N,)
        Necrotic share of the cap, 0 to 1.
    intact : ndarray, shape (N,)
        Viable articular share of the cap, 0 to 1; the rest lies off the head.

    References
    ----------
    Intact ratio of 34 % as the least for a good result: J Orthop Sci 2012, doi:10.1007/s00776-012-0238-4.
    """

    angles_deg: FloatArray
    dead: FloatArray
    intact: FloatArray

    @property
    def best(self) -> int:
        """Index of the angle with most viable surface in the cap; among equals the smallest turn."""
        most = self.intact >= self.intact.max() - 1e-9
        return int(np.argmin(np.where(most, np.abs(self.angles_deg), np.inf)))

    def part(self) -> TurnedPart:
        """As in ``measures.json``."""
        return TurnedPart(
            angles_deg=[float(a) for a in self.angles_deg],
            surface_fraction=[float(v) for v in self.dead],
            intact_fraction=[float(v) for v in self.intact],
            best_deg=float(self.angles_deg[self.best]),
            best_surface_fraction=float(self.dead[self.best]),
            best_intact_fraction=float(self.intact[self.best]),
        )


def rotation_about_neck(necrosis: Necrosis) -> Turned:
    """The curve of rotations about the neck's axis, anterior positive."""
    return _turned(necrosis, neck_axis(necrosis), ROTATION_DEG)


def tilt(necrosis: Necrosis) -> Turned:
    """The curve of tilts about the antero-posterior axis, varus positive."""
    return _turned(necrosis, -ANTERIOR, TILT_DEG)


def _turned(necrosis: Necrosis, axis: FloatArray, angles_deg: FloatArray) -> Turned:
    pole = np.asarray(GAIT_POLE) / np.linalg.norm(GAIT_POLE)
    # The head turned by an angle brings under the load what lay at the pole turned back.
    poles = _rotated(pole, axis, -angles_deg)
    cap = np.cos(np.radians(necrosis.spec.cap_half_angle_deg))
    head = necrosis.head
    within = dots(head.directions, poles) >= cap
    whole = head.rays_in_caps(poles, cap).astype(np.float64)
    dead = np.count_nonzero(within & necrosis.under_surface[:, None], axis=0) / whole
    articular = np.minimum(1.0, np.count_nonzero(within, axis=0) / whole)
    return Turned(angles_deg, dead, articular - dead)


def _rotated(vector: FloatArray, axis: FloatArray, degrees: FloatArray) -> FloatArray:
    """A vector turned about a unit axis by each of the angles (N,), by the right-hand rule (Rodrigues): (N, 3)."""
    turn = np.radians(degrees)[:, None]
    along = axis * (axis @ vector)
    return np.asarray(along + np.cos(turn) * (vector - along) + np.sin(turn) * np.cross(axis, vector))


#: Depths tried, mm; 5 is the headline.
REAMING_MM = (3.0, 5.0, 7.0, 9.0)
HEADLINE_MM = 5.0


@dataclass(frozen=True)
class Resurfacing:
    """Viable bone under a resurfacing, by reaming depth; geometry only.

    Parameters
    ----------
    reaming_mm : tuple of float
        By how much the reamed sphere is smaller in radius, mm (engineering choices).
    supported_fraction : tuple of float
        Share of the reamed dome on viable bone, 0 to 1.
    dead_left_ml : tuple of float
        Necrosis that stays below the dome, ml.

    References
    ----------
    No limit is known; a large necrotic angle predicted failure in 202 hips: PMID 32071874.
    """

    reaming_mm: tuple[float, ...]
    supported_fraction: tuple[float, ...]
    dead_left_ml: tuple[float, ...]

    def part(self) -> ResurfacingPart:
        """As in ``measures.json``."""
        return ResurfacingPart(
            reaming_mm=list(self.reaming_mm),
            supported_fraction=list(self.supported_fraction),
            dead_left_ml=list(self.dead_left_ml),
            headline_supported_fraction=self.supported_fraction[self.reaming_mm.index(HEADLINE_MM)],
        )


def measure_resurfacing(necrosis: Necrosis) -> Resurfacing:
    """Measure the reamed dome."""
    head, anatomy = necrosis.head, necrosis.hip.anatomy
    dome = head.rays[head.directions @ neck_axis(necrosis) >= 0.0]
    supported, left = [], []
    for depth in REAMING_MM:
        radius = anatomy.head_radius_mm - depth
        points = anatomy.head_center + radius * dome
        living = necrosis.hip.bone.inside(points) & ~necrosis.lesion.covers(points)
        supported.append(float(np.mean(living)))
        left.append(float(np.count_nonzero(necrosis.distance_mm < radius)) * necrosis.lesion.point_ml)
    return Resurfacing(REAMING_MM, tuple(supported), tuple(left))
