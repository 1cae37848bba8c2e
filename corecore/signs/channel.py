"""A straight channel in the femur: what a mask's hole and a CT's cylinder are both judged as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from corecore.anatomy.model import Anatomy, Caution
from corecore.grid import FloatArray
from corecore.hip import Hip

#: Widths of what is drilled into a hip, mm: small pins to fibular grafts' reamers are 3 to 19; above 14 a
#: hole is no longer told from a cavity (engineering choice).
WIDTH_RANGE_MM = (2.4, 14.5)
#: Shortest channel reported, mm (engineering choice): an eighth of a core's way, longer than a nutrient canal.
LENGTH_MIN_MM = 25.0
#: A drilled way points up the neck: at most this far from the neck axis, degrees, and against the distal shaft
#: within this range (``shaft_angle_min_deg`` to ``shaft_angle_max_deg`` of a plan, widened; engineering choice).
NECK_ANGLE_MAX_DEG = 40.0
SHAFT_ANGLE_RANGE_DEG = (100.0, 155.0)
#: … and comes at least this near to the neck's smallest section, mm (engineering choice).
NECK_REACHED_MM = 5.0


@dataclass(frozen=True, eq=False)
class Channel:
    """A straight channel, local mm: from its lateral end ``start`` towards the head, ``end``."""

    source: Literal["mask", "image"]
    start: FloatArray
    end: FloatArray
    width_mm: float
    contrast_hu: float | None = None

    @property
    def length_mm(self) -> float:
        """Distance between the ends, mm."""
        return float(np.linalg.norm(self.end - self.start))

    @property
    def direction(self) -> FloatArray:
        """Unit vector (3,) from the lateral end towards the head."""
        return np.asarray((self.end - self.start) / max(self.length_mm, 1e-9))

    @property
    def caution(self) -> Caution:
        """The warning."""
        kind = "hole in the femur mask" if self.source == "mask" else (
            "dense cylinder in the CT" if (self.contrast_hu or 0.0) > 0 else "cylinder of low density in the CT"
        )  # fmt: skip
        return Caution(
            "previous_tunnel",
            f"a straight {kind}, {self.width_mm:.0f} mm wide and {self.length_mm:.0f} mm long, runs up the neck: a"
            " tunnel, screw or nail may have been there before (limits of width and length: engineering choices);"
            " nothing is planned around it",
        )

    def as_dict(self, hip: Hip) -> dict[str, Any]:
        """For ``measures.json``; ends in world RAS mm."""
        start, end = hip.to_world(self.start), hip.to_world(self.end)
        return {"source": self.source, "start": [round(float(v), 1) for v in start],
                "end": [round(float(v), 1) for v in end], "width_mm": round(self.width_mm, 1),
                "length_mm": round(self.length_mm, 1),
                "contrast_hu": None if self.contrast_hu is None else round(self.contrast_hu)}  # fmt: skip


def runs_up_the_neck(anatomy: Anatomy, direction: FloatArray) -> bool:
    """Whether a unit vector towards the head has the direction of a drilled way."""
    neck = float(np.degrees(np.arccos(np.clip(direction @ anatomy.neck_axis, -1.0, 1.0))))
    shaft = float(np.degrees(np.arccos(np.clip(-(direction @ anatomy.shaft_axis), -1.0, 1.0))))
    return neck <= NECK_ANGLE_MAX_DEG and SHAFT_ANGLE_RANGE_DEG[0] <= shaft <= SHAFT_ANGLE_RANGE_DEG[1]


def is_channel(channel: Channel, anatomy: Anatomy) -> bool:
    """Whether width, length, direction and place are those of a drilled way."""
    if not WIDTH_RANGE_MM[0] <= channel.width_mm <= WIDTH_RANGE_MM[1] or channel.length_mm < LENGTH_MIN_MM:
        return False
    if not runs_up_the_neck(anatomy, channel.direction):
        return False
    # It comes from the lateral side and goes up into the neck: its ends lie on either side of the smallest section.
    level = float((anatomy.neck_center - anatomy.head_center) @ anatomy.neck_axis)
    start, end = ((point - anatomy.head_center) @ anatomy.neck_axis for point in (channel.start, channel.end))
    return bool(start <= level and end >= level - NECK_REACHED_MM)
