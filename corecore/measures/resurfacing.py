"""What a resurfacing would stand on: the share of the reamed dome that is living bone. Geometry only.

The head is reamed to a sphere about its centre, ``reaming_mm`` smaller in radius; the dome is the
half of it about the neck's axis, on which the component sits. No limit is known: in 202
hips with osteonecrosis a large combined necrotic angle was the only predictor of failure on
the femoral side (PMID 32071874), without a cut-off. Reaming depths are engineering choices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from corecore.measures.necrosis import Necrosis
from corecore.measures.planes import neck_axis

#: Depths tried, mm; 5 is the headline.
REAMING_MM = (3.0, 5.0, 7.0, 9.0)
HEADLINE_MM = 5.0


@dataclass(frozen=True)
class Resurfacing:
    """For each of ``reaming_mm``: the dome's share on living bone, and the dead bone that stays below the dome, ml."""

    reaming_mm: tuple[float, ...]
    supported_fraction: tuple[float, ...]
    dead_left_ml: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """As in ``measures.json``."""
        return {
            "reaming_mm": list(self.reaming_mm),
            "supported_fraction": list(self.supported_fraction),
            "dead_left_ml": list(self.dead_left_ml),
            "headline_supported_fraction": self.supported_fraction[self.reaming_mm.index(HEADLINE_MM)],
        }


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
