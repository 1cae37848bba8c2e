"""The modified Kerboul angle: the arcs of the mid-coronal and the mid-sagittal plane, added.

Ha, Jung, Kim et al. 2006, J Bone Joint Surg Am 88 Suppl 3:35 (37 hips). Apex at the head's
centre; each plane passes through it, the coronal one with the shaft's axis, the sagittal one
square on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from corecore.measures.arcs import Arc

#: Upper limits of grades 1 to 3, degrees; 300° and more is grade 4.
GRADE_LIMITS_DEG = (200.0, 250.0, 300.0)


@dataclass(frozen=True)
class Kerboul:
    """Arcs and their sum in degrees, grade 1 to 4; ``None`` where neither plane has any of the surface involved.

    ``coronal_union_deg`` and ``sagittal_union_deg`` leave out living surface between two foci.
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
