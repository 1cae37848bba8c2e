"""The joint space in a CT against the femur mask: painted hips whose head is drawn as it is, or too wide."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from support.signs_phantom import built, sound_hip, synthetic, with_room

from corecore.base.grid import Mask, transform
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.hip import Hip
from corecore.measures.signs.joint_space import beyond_joint_space


def widened(side: Literal["left", "right"], by_mm: float, cone_deg: float) -> Hip:
    """The hip whose mask's head is drawn too wide: all round, or over a cone about its top."""
    made, hip = synthetic(side, 1.2, True), sound_hip(side, 1.2, True)
    grid, center = made.femur.grid, hip.to_world(hip.anatomy.head_center)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    offset = transform(grid.world_from_index, index.reshape(-1, 3)) - center
    far = np.linalg.norm(offset, axis=1)
    neck = hip.direction_to_world(hip.anatomy.neck_axis)
    more = (far > 20.0) & (far < hip.anatomy.head_radius_mm + by_mm) & (offset @ neck > -5.0)
    more &= offset[:, 2] > np.cos(np.radians(cone_deg)) * far
    return built(Mask(grid, made.femur.voxels | more.reshape(grid.shape)), made.lesion)


def told(side: Literal["left", "right"], hip: Hip) -> PlanWarning | None:
    image = synthetic(side, 1.2, True).ct
    assert image is not None
    return beyond_joint_space(hip, with_room(image))


@pytest.mark.parametrize("side", ["right", pytest.param("left", marks=pytest.mark.slow)])
def test_a_true_outline_is_not_told(side: Literal["left", "right"]) -> None:
    assert told(side, sound_hip(side, 1.2, True)) is None


@pytest.mark.parametrize("side", ["right", pytest.param("left", marks=pytest.mark.slow)])
def test_a_head_drawn_too_wide_is_told_though_it_is_a_ball(side: Literal["left", "right"]) -> None:
    hip = widened(side, 2.5, 180.0)
    assert "head_surface" not in {warning.code for warning in hip.warnings}
    found = told(side, hip)
    assert found is not None
    assert found.code == "joint_space"
    extent, area = float(found.text.split(" mm beyond")[0].split()[-1]), float(found.text.split(" mm²")[0].split()[-1])
    assert extent == pytest.approx(2.5, abs=0.8)
    assert area > 1500.0


def test_a_leak_below_what_the_sphere_tells_is_told_with_its_place() -> None:
    hip = widened("right", 1.45, 40.0)
    found = told("right", hip)
    if "head_surface" not in {warning.code for warning in hip.warnings}:
        assert found is not None
        assert "superior" in found.text
