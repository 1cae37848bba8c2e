"""The index of necrotic extent: (A / 180) (B / 180) 100, of two arcs in degrees.

Original: A and B on the mid-coronal and the mid-sagittal plane (Koo, Kim 1995, J Bone Joint Surg
Br 77:875). Modified: on the coronal and the sagittal slice in which the lesion is largest
(Cherian 2003, J Bone Joint Surg Am 85:309), about the middle of the head in that slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.measures.arcs import Arc, arc_plane, involved_arc
from corecore.measures.necrosis import Necrosis
from corecore.measures.planes import ANTERIOR, LATERAL, PROXIMAL

#: Thickness of the slices in which the lesion's area is compared, mm: that of the protocol most
#: often read (coronal, 2 mm; docs/measures.md).
SLICE_MM = 2.0
#: No slice further from the middle than this share of the radius: its head would be a button.
FARTHEST = 0.9


@dataclass(frozen=True)
class NecroticIndex:
    """Indices 0 to 400 (a wholly involved circle counts 360°), and how far the largest slices lie from the middle.

    ``coronal_slice_mm`` is the largest coronal slice's distance in front of the head's centre,
    ``sagittal_slice_mm`` the sagittal one's lateral of it; ``None`` where there is no lesion.
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
