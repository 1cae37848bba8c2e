"""The JIC type: how far lateral the lesion reaches under the acetabulum's weight-bearing surface.

Criteria of the Japanese Investigation Committee (2001, doi:10.1007/s007760200108): on the coronal
slice through the middle of the head the weight-bearing surface runs from its middle P (see
``corecore.anatomy.acetabulum``) to the lateral edge E. A: the lesion ends in its medial third or lies only
medial of P; B: in the second third; C1: in the last; C2: beyond E. Of 212 hips without
collapse 0, 8, 37 and 85 % collapsed within five years (Kuroda et al. 2019,
doi:10.1302/2046-3758.810.BJR-2019-0022.R1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from corecore.anatomy.acetabulum import Acetabulum, Basis
from corecore.measures.arcs import Arc
from corecore.measures.necrosis import Necrosis

JicType = Literal["A", "B", "C1", "C2"]
#: Where the lesion's lateral end was read: under the bone surface, or deeper in the same plane.
SeenAt = Literal["surface", "depth"]

#: Upper limits of A, B and C1, shares of the arc from P to E; the limit itself belongs to the next type.
TYPE_LIMITS = (1.0 / 3.0, 2.0 / 3.0, 1.0)
#: Half the thickness of the mid-coronal slice in which a deep lesion is looked for, mm: sample points
#: lie no further apart than twice that.
SLICE_HALF_MM = 0.4
#: A deep lesion's angle counts outside this part of the radius: about the centre it says nothing (engineering choice).
DEEP_FROM_RADII = 0.5
#: Share of the deep points left out at the lateral end, so that one sample decides nothing (engineering choice).
DEEP_TAIL = 0.01


@dataclass(frozen=True)
class LateralEnd:
    """Angle of the lesion's lateral end in the mid-coronal plane, degrees; both ``None`` where it does not meet it."""

    angle_deg: float | None
    seen_at: SeenAt | None


@dataclass(frozen=True)
class Jic:
    """The type, and the figures it rests on: angles in degrees as ``Acetabulum``'s.

    ``covered_share`` is how far from P (0) to E (1) the lesion's lateral end ``lesion_deg`` lies; below 0 it
    lies medial of P. ``type`` is ``None`` where the lesion does not meet the mid-coronal plane.
    """

    type: JicType | None
    basis: Basis
    covered_share: float | None
    middle_deg: float
    edge_deg: float
    lesion_deg: float | None
    seen_at: SeenAt | None


def jic_type(covered_share: float) -> JicType:
    """Type of a share of the arc from P to E."""
    types: tuple[JicType, ...] = ("A", "B", "C1", "C2")
    return types[sum(covered_share >= limit for limit in TYPE_LIMITS)]


def lateral_end(necrosis: Necrosis, coronal: Arc) -> LateralEnd:
    """The lesion's lateral end: of its arc under the surface, else of what lies deeper in the mid-coronal plane."""
    if coronal.last_deg is not None:
        # Told on the same turn as the head's own end, so that a lesion across 180° is medial.
        turns = np.ceil((coronal.last_deg - coronal.head_last_deg - 1e-6) / 360.0)
        return LateralEnd(float(coronal.last_deg - 360.0 * turns), "surface")
    inner = DEEP_FROM_RADII * necrosis.hip.anatomy.head_radius_mm
    points = necrosis.points
    at = points[(np.abs(points[:, 1]) <= SLICE_HALF_MM) & (np.hypot(points[:, 0], points[:, 2]) >= inner)]
    if len(at) == 0:
        return LateralEnd(None, None)
    angles = np.degrees(np.arctan2(at[:, 0], at[:, 2]))
    return LateralEnd(float(np.quantile(angles, 1.0 - DEEP_TAIL)), "depth")


def measure_jic(necrosis: Necrosis, coronal: Arc, acetabulum: Acetabulum) -> Jic:
    """The type of a lesion from its arc in the mid-coronal plane."""
    end = lateral_end(necrosis, coronal)
    share = None if end.angle_deg is None else (end.angle_deg - acetabulum.middle_deg) / acetabulum.arc_deg
    return Jic(
        type=None if share is None else jic_type(share),
        basis=acetabulum.basis,
        covered_share=share,
        middle_deg=acetabulum.middle_deg,
        edge_deg=acetabulum.edge_deg,
        lesion_deg=end.angle_deg,
        seen_at=end.seen_at,
    )
