"""Which side a femur is of: by where its neck points in the world, and by its own shape.

The shape tells front from back by itself: the trochanters lie behind the neck, the neck passes in front of the
shaft, and the shaft bows forward. In the mirror image all of them change over, so each is a cue of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from corecore.base.distance_field import Bone
from corecore.base.errors import AnatomyError
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.head import Head
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.anatomy.neck import Neck, fit_neck, neck_in_part
from corecore.hip.anatomy.shaft import Shaft, lowest_complete, provisional_shaft, section_centroids
from corecore.hip.anatomy.trochanters import greater_trochanter, handedness

Side = Literal["left", "right"]

#: The neck must point this far to one side, as a share of its length across the shaft: 0.17 is
#: 10° off straight ahead (engineering choice).
MIN_SIDEWAYS = 0.17
#: A cue smaller than this says nothing, mm (engineering choices; docs/design/anatomy.md has what femora show).
LEAST_MM = {"lesser trochanter": 3.0, "greater trochanter": 3.0, "neck": 3.0, "bow": 1.0}
#: In a femur of the other side …
CONTRARY = {
    "lesser trochanter": "the lesser trochanter lies before the neck",
    "greater trochanter": "the greater trochanter lies before the head",
    "neck": "the neck passes behind the shaft",
    "bow": "the shaft bows backward",
}
#: The bow is looked at from this far below the head's centre, head diameters, over at least this and at most that, mm.
BOW_FROM_DIAMETERS = 1.2
BOW_OVER_MM = (70.0, 200.0)
BOW_STEP_MM = 7.0
#: A shape that this many more cues speak against than for is that of the other side.
DECISIVE = 2


@dataclass(frozen=True)
class Shape:
    """How the shape speaks for a right femur, cue by cue, mm: positive for it, negative for a left one.

    What is not in view is left out.
    """

    cues: dict[str, float]

    def against(self, side: Side) -> list[str]:
        """The cues that speak against a side."""
        sign = 1.0 if side == "right" else -1.0
        return [name for name, value in self.cues.items() if sign * value <= -LEAST_MM[name]]

    def contradicts(self, side: Side) -> bool:
        """Whether the shape is that of the other side."""
        return len(self.against(side)) - len(self.against(other(side))) >= DECISIVE


def other(side: Side) -> Side:
    """The other side."""
    return "left" if side == "right" else "right"


def shape_of(bone: Bone, head: Head, neck: Neck, shaft: Shaft, *, fitted: bool = True) -> Shape:
    """The cues of a femur in a frame that does not mirror.

    ``fitted`` says that the shaft's line was: an assumed one follows a right femur's template and cannot
    tell on which side of it the neck passes.
    """
    cues: dict[str, float] = {}
    lateral = -(neck.axis - (neck.axis @ shaft.axis) * shaft.axis)
    lateral = lateral / np.linalg.norm(lateral)
    front = np.cross(shaft.axis, lateral)
    lowest = lowest_complete(bone, shaft, head.center)
    bulge = handedness(bone, head, neck, shaft, lowest)
    if bulge is not None:
        cues["lesser trochanter"] = bulge
    greater = greater_trochanter(bone, head, neck, shaft)
    if greater is not None:
        cues["greater trochanter"] = -float((greater - head.center) @ front)
    if not fitted:
        return Shape(cues)
    cues["neck"] = float((head.center - shaft.point) @ front)
    top = -BOW_FROM_DIAMETERS * 2.0 * head.radius_mm
    bottom = max(lowest, top - BOW_OVER_MM[1])
    if top - bottom >= BOW_OVER_MM[0]:
        heights = np.arange(top, bottom, -BOW_STEP_MM)
        centroids, kept = section_centroids(bone, shaft, head.center, heights)
        if len(kept) >= 0.8 * len(heights):
            bend = np.polyfit(kept, (centroids - head.center) @ front, 2)[0]
            # How far the middle stands out before the chord.
            cues["bow"] = -float(bend) * float(np.ptp(kept)) ** 2 / 4.0
    return Shape(cues)


def checked_shape(shape: Shape, side: Side) -> list[PlanWarning]:
    """A warning where the shape, in the mirrored local frame, speaks against the side.

    Raises ``AnatomyError`` where it is that of the other side on two cues or more.
    """
    # Every hip looks like a right one here.
    against, speak_for = shape.against("right"), shape.against("left")
    if not against or len(speak_for) > len(against):
        return []
    seen = ", ".join(CONTRARY[name] for name in against)
    if shape.contradicts("right"):
        raise AnatomyError(
            f"the bone has the shape of a {other(side)} femur ({seen}), but it was taken for a {side} one by"
            " its position or by what was stated: the file mirrors, or the patient's position in it is wrong; a bone"
            f" whose shape, position and --side agree is accepted (--side {other(side)} if only the position is wrong)",
            code="bone-mirrored",
        )
    text = (
        f"the bone may be a {other(side)} femur: {seen}; check that the file does not mirror,"
        " that the patient's position in it is right (prone recorded as supine looks like this), and the side"
    )
    return [PlanWarning("mirrored_bone", text)]


def guess_side(bone_unmirrored: Bone, head: Head, local_from_world: FloatArray) -> Side:
    """The side of a femur from the world's x axis: its head lies medial of its shaft.

    ``bone_unmirrored`` and ``head`` are in a local frame that is a rotation of the world, given
    by ``local_from_world`` (4, 4). Raises ``AnatomyError`` where the neck points straight
    ahead or back, so that the side cannot be told.
    """
    neck = fit_neck(bone_unmirrored, head) or neck_in_part(bone_unmirrored, head)
    shaft = provisional_shaft(bone_unmirrored, head)
    turn = np.asarray(local_from_world, dtype=np.float64)[:3, :3]
    # Without a shaft in view the world's z serves: only the sign of one component is asked.
    axis = turn @ np.array([0.0, 0.0, 1.0]) if shaft is None else shaft.axis
    medial = neck.axis - (neck.axis @ axis) * axis
    sideways = float(medial @ (turn @ np.array([1.0, 0.0, 0.0]))) / max(float(np.linalg.norm(medial)), 1e-9)
    if abs(sideways) < MIN_SIDEWAYS:
        raise AnatomyError(
            f"the femoral neck points {np.degrees(np.arcsin(sideways)):.0f}° to the right of straight ahead: the side"
            f" cannot be determined; --side left or --side right is accepted, or a neck 10° or more to one side",
            code="side-unclear",
        )
    return "right" if sideways < 0.0 else "left"


def shape_unmirrored(bone_unmirrored: Bone, head: Head) -> Shape | None:
    """The shape of a femur whose side is not known yet; ``None`` where too little shaft is in view."""
    neck = fit_neck(bone_unmirrored, head)
    shaft = provisional_shaft(bone_unmirrored, head)
    return None if neck is None or shaft is None else shape_of(bone_unmirrored, head, neck, shaft)
