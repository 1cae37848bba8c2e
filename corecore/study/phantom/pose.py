"""How a femur lies in the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from corecore.base.grid import FloatArray
from corecore.study.phantom.sampling import euler_rotation

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Pose:
    """Place and turn of a hip, in words that mean the same for both sides.

    ``head_center_mm`` is that of a right hip in RAS mm; the left hip is its mirror image at
    x = 0. The turns (degrees) move the distal femur forward (``flexion``), toward the
    mid-line (``adduction``) and the knee inward (``internal_rotation``).
    """

    #: Half the distance between the heads is about 85 to 95 mm in an adult; the rest is where the
    #: scanner's origin happens to lie (engineering choices).
    head_center_mm: tuple[float, float, float] = (86.3, -12.7, 31.9)
    flexion_deg: float = 0.0
    adduction_deg: float = 0.0
    internal_rotation_deg: float = 0.0

    def world_from_femoral(self, side: Side) -> FloatArray:
        """Matrix (4, 4) from the femoral frame to RAS mm; on the left it holds the mirror."""
        matrix = np.eye(4)
        # On a right hip x is to the patient's right, so a positive turn about x brings the distal
        # end (at -z) forward, one about y brings it to the left, that is medially, and one about
        # z turns the front (+y) to the left, that is inward.
        matrix[:3, :3] = euler_rotation([self.flexion_deg, self.adduction_deg, 0.0]) @ euler_rotation(
            [0.0, 0.0, self.internal_rotation_deg]
        )
        matrix[:3, 3] = self.head_center_mm
        return np.diag([-1.0, 1.0, 1.0, 1.0]) @ matrix if side == "left" else matrix
