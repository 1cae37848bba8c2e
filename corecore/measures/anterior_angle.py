"""The anterior necrotic angle: from the neck's axis to the lesion's anterior edge.

Kubo 2018, Int Orthop (113 hips): apex at the head's centre, on the mid-oblique slice, taken here
as the plane of the neck's axis and the antero-posterior direction; 0° is the neck's axis
prolonged through the head. From 79° on, with the lateral edge in the middle third, 5 of 5
collapsed, below it 1 of 27.
"""

from __future__ import annotations

from corecore.measures.arcs import Arc

#: The angle from which collapse was seen, degrees.
FLAG_DEG = 79.0


def anterior_necrotic_angle(neck: Arc) -> float | None:
    """The angle in degrees, negative for a lesion wholly behind the neck's axis; ``None`` where none is involved."""
    return neck.last_deg
