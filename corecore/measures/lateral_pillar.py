"""The lesion in three pillars of the head, after the types of the China-Japan Friendship Hospital.

The head in the mid-coronal plane is divided by lines along the shaft's axis. M: the lesion lies in the medial
pillar; C: in the central one too; L1: in the lateral one, part of which is left; L2: the lateral
one is dead and part of the others; L3: the whole head is. The pillars' widths and what counts as
whole are not confirmed from the original (both are parameters), so the result is told as
"CJFH-like".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from corecore.errors import InputError
from corecore.measures.necrosis import Necrosis

PillarType = Literal["M", "C", "L1", "L2", "L3"]

#: Widths of the medial, central and lateral pillar, shares of the head's diameter (unconfirmed).
WIDTHS = (0.30, 0.40, 0.30)
#: A pillar with less of its area dead is spared, one with more is wholly dead (engineering choices).
INVOLVED_SHARE, WHOLE_SHARE = 0.02, 0.90
#: Spacing of the lattice in the plane, mm: some 6,000 points, 0.1 % of a pillar each.
LATTICE_MM = 0.5


@dataclass(frozen=True)
class LateralPillar:
    """The type, and which share of each pillar's area in the mid-coronal plane is dead.

    ``type`` is ``None`` where the lesion does not meet that plane.
    """

    type: PillarType | None
    medial_share: float
    central_share: float
    lateral_share: float
    widths: tuple[float, float, float]
    involved_share: float = INVOLVED_SHARE
    whole_share: float = WHOLE_SHARE
    confirmed: bool = False


def pillar_type(medial: float, central: float, lateral: float) -> PillarType | None:
    """Type of three pillars' dead shares."""
    if lateral >= WHOLE_SHARE:
        return "L3" if min(medial, central) >= WHOLE_SHARE else "L2"
    if lateral >= INVOLVED_SHARE:
        return "L1"
    if central >= INVOLVED_SHARE:
        return "C"
    return "M" if medial >= INVOLVED_SHARE else None


def measure_lateral_pillar(
    necrosis: Necrosis, *, widths: tuple[float, float, float] = WIDTHS
) -> LateralPillar:
    """The pillars of a lesion, counted on a lattice in the head's mid-coronal section.

    Raises ``InputError`` for widths that are not positive or do not add up to 1.
    """
    if not (min(widths) > 0.0 and abs(sum(widths) - 1.0) < 1e-6):
        raise InputError(
            f"pillar widths {widths!r}; three positive shares that add up to 1 are accepted", code="parameter-value"
        )
    hip, anatomy = necrosis.hip, necrosis.hip.anatomy
    radius = anatomy.head_radius_mm
    count = int(np.ceil(2.0 * radius / LATTICE_MM))
    line = (np.arange(count) + 0.5) * (2.0 * radius / count) - radius
    lateral, proximal = (grid.ravel() for grid in np.meshgrid(line, line, indexing="ij"))
    points = anatomy.head_center + lateral[:, None] * anatomy.x_axis + proximal[:, None] * anatomy.shaft_axis
    head = anatomy.in_head(points)
    head[head] = hip.bone.inside(points[head])
    dead = np.zeros(len(points), dtype=bool)
    if len(necrosis.lesion.points_mm):
        dead[head] = necrosis.lesion.covers(points[head])
    place = (lateral + radius) / (2.0 * radius)
    pillar = (place >= widths[0]).astype(int) + (place >= widths[0] + widths[1])
    area = np.bincount(pillar[head], minlength=3)
    medial, central, outer = (
        float(n) / max(1, int(whole)) for n, whole in zip(np.bincount(pillar[dead], minlength=3), area, strict=True)
    )
    return LateralPillar(pillar_type(medial, central, outer), medial, central, outer, widths)
