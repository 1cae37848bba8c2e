"""A femur in the world: turned as hips turn it is accepted, upside down it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from corecore.base.errors import InputError
from corecore.hip.anatomy.model import Anatomy
from corecore.hip.position import check_position

NECK = np.array([-0.77, 0.0, 0.64])
UPRIGHT = Anatomy(
    "right", np.zeros(3), 24.0, -30.0 * NECK, NECK, 700.0, np.zeros(3), np.array([0.0, 0.0, 1.0]),
    np.array([1.0, 0.0, 0.0]), None, -48.0, None, np.array([-60.0, -30.0]), np.array([0.0, 3.0]), {},
)  # fmt: skip
UP = np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize("turn", [(0, 0, 0), (30, 0, 0), (90, 0, 0), (-20, 25, -30), (0, 0, 180), (0, 60, 90)])
@pytest.mark.parametrize("shaft", ["fitted", "assumed"])
def test_a_patient_who_turns_is_accepted(turn: tuple[float, ...], shaft: str) -> None:
    up = Rotation.from_euler("xyz", turn, degrees=True).inv().apply(UP)
    check_position(replace(UPRIGHT, sources={"shaft_axis": shaft}), up)


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("shaft", ["fitted", "assumed"])
def test_a_head_below_its_shaft_is_refused(axis: str, shaft: str) -> None:
    up = Rotation.from_euler(axis, 180.0, degrees=True).inv().apply(UP)
    with pytest.raises(InputError, match="upside down") as caught:
        check_position(replace(UPRIGHT, sources={"shaft_axis": shaft}), up)
    assert caught.value.code == "patient-position"
