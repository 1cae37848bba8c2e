"""Which side a femur is of: by where its head points in the world, and by its own shape."""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np

from corecore.anatomy.head import Head
from corecore.anatomy.neck import fit_neck, neck_in_part
from corecore.anatomy.shaft import provisional_shaft
from corecore.errors import AnatomyError
from corecore.grid import FloatArray
from corecore.surface import Bone

_log = logging.getLogger(__name__)

#: The neck must point this far to one side, as a share of its length across the shaft: 0.17 is
#: 10° off straight ahead (engineering choice).
MIN_SIDEWAYS = 0.17


def guess_side(bone_unmirrored: Bone, head: Head, local_from_world: FloatArray) -> Literal["left", "right"]:
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
            f" cannot be told; give the side (10° or more is accepted)",
            code="side-unclear",
        )
    return "right" if sideways < 0.0 else "left"
