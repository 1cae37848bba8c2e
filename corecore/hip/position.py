"""Whether the femur stands in the world as a patient's does: the head above the shaft.

A file's world axes are the patient's (superior is superior however the patient lies), so a patient who turns by any
amount that a hip can is taken as he lies. A head that points down is none: the file names a wrong position or axis.
"""

from __future__ import annotations

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.model import Anatomy

#: Most that the femur leans from upright, degrees: no flexed, turned or lying hip passes it (engineering choice).
LEAN_MAX_DEG = 110.0


def check_position(anatomy: Anatomy, superior: FloatArray) -> None:
    """Refuse a femur that stands upside down.

    ``superior`` (3,) is the world's z axis in the local frame. Without a shaft in view the neck's axis tells.
    """
    name, axis = "shaft", anatomy.shaft_axis
    if anatomy.sources.get("shaft_axis") == "assumed":
        name, axis = "neck", anatomy.neck_axis
    lean = float(np.degrees(np.arccos(np.clip(axis @ superior / np.linalg.norm(superior), -1.0, 1.0))))
    if lean > LEAN_MAX_DEG:
        raise InputError(
            f"the femur is upside down: its {name}'s axis, toward the head, lies {lean:.0f}° from superior;"
            f" up to {LEAN_MAX_DEG:.0f}° are accepted (is the patient's position in the file right?)",
            code="patient-position",
        )
