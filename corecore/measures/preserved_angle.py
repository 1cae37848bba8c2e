"""The combined preserved angle: how much living surface is left lateral and anterior of the lesion.

J Bone Joint Surg Am 2022 (PMID 35389905; 180 hips, 89 collapsed): lateral and anterior preserved
angle added, cut-off 118.7°. Its drawing is not confirmed from the paper: here each angle runs
about the head's centre from the lesion's edge to where the head ends, at the plane 0.5 R
from the centre; lateral in the mid-coronal plane, anterior in that of the neck's axis, as a
frog-leg film shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from corecore.measures.arcs import Arc

#: The study's cut-off, degrees.
CUTOFF_DEG = 118.7


@dataclass(frozen=True)
class PreservedAngle:
    """Angles in degrees; ``None`` where the lesion does not reach the surface in that plane."""

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
