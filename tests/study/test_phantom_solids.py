"""Simple solids: the masks others test against are themselves right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.base.grid import transform
from corecore.study.phantom import solids
from corecore.study.phantom.solids import SolidOnGrid

#: Contract: shapes with a closed form, 20 random offsets and orientations, features of 10 voxels and more.
DRAWS = 20
MEAN_VOLUME_ERROR = 0.005
EACH_VOLUME_ERROR = 0.02


def _ball(rng: np.random.Generator) -> SolidOnGrid:
    return solids.ball(12.0, 1.0, rng)


def _cylinder(rng: np.random.Generator) -> SolidOnGrid:
    return solids.cylinder(8.0, 30.0, (0.8, 0.8, 1.5), rng)


def _cone(rng: np.random.Generator) -> SolidOnGrid:
    return solids.cone_in_ball(50.0, 24.0, 0.9, rng, inner_mm=6.0)[1]


@pytest.mark.parametrize("make", [_ball, _cylinder, _cone])
def test_volume_of_the_mask_is_the_closed_form(make: Callable[[np.random.Generator], SolidOnGrid]) -> None:
    errors = []
    for seed in range(DRAWS):
        solid = make(np.random.default_rng(seed))
        assert solid.volume_ml is not None
        errors.append(solid.mask.volume_ml / solid.volume_ml - 1.0)
    assert abs(np.mean(errors)) < MEAN_VOLUME_ERROR
    assert np.max(np.abs(errors)) < EACH_VOLUME_ERROR


def test_cone_takes_its_share_of_the_ball() -> None:
    whole, cone = solids.cone_in_ball(60.0, 24.0, 0.8, np.random.default_rng(1))
    assert whole.volume_ml is not None
    assert cone.volume_ml == pytest.approx(0.25 * whole.volume_ml)  # (1 - cos 60) / 2
    assert not np.any(cone.mask.voxels & ~whole.mask.voxels)


def test_half_space_has_its_plane_where_it_says() -> None:
    solid = solids.half_space(30.0, 1.0, np.random.default_rng(4))
    inside = solid.mask.positions_mm()
    depth = (solid.center_mm - inside) @ solid.axis
    assert depth.min() > 0.0
    assert depth.min() < 0.2
    outside = transform(solid.mask.grid.world_from_index, np.argwhere(~solid.mask.voxels))
    assert np.all((solid.center_mm - outside) @ solid.axis <= 0.0)


@pytest.mark.parametrize("make", [_ball, _cylinder])
def test_level_is_the_distance_to_the_surface(make: Callable[[np.random.Generator], SolidOnGrid]) -> None:
    # An exact distance has slope 1, and stepping by it along its gradient lands on the surface.
    solid = make(np.random.default_rng(7))
    points = np.random.default_rng(8).uniform(-14.0, 14.0, (2000, 3))
    level = solid.level_mm(points)
    step = 1e-5
    gradient = np.stack(
        [(solid.level_mm(points + step * e) - solid.level_mm(points - step * e)) / (2 * step) for e in np.eye(3)],
        axis=1,
    )
    smooth = np.abs(np.linalg.norm(gradient, axis=1) - 1.0) < 1e-3
    assert smooth.mean() > 0.98  # not on the middle and the edges, where the nearest face changes
    landed = solid.level_mm(points[smooth] - level[smooth, None] * gradient[smooth])
    assert np.max(np.abs(landed)) < 1e-3


def test_same_state_same_solid_and_another_state_another() -> None:
    first, same, other = (solids.cylinder(5.0, 20.0, 1.0, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first.mask.grid.same_as(same.mask.grid)
    assert np.array_equal(first.mask.voxels, same.mask.voxels)
    assert not np.allclose(first.axis, other.axis)


def test_directions_are_even() -> None:
    rng = np.random.default_rng(0)
    axes = np.array([solids.random_axis(rng) for _ in range(4000)])
    assert np.max(np.abs(axes.mean(axis=0))) < 0.03
    assert np.allclose(axes.T @ axes / len(axes), np.eye(3) / 3.0, atol=0.03)


def test_impossible_sizes_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="radius_mm is -1"):
        solids.ball(-1.0, 1.0, rng)
    with pytest.raises(InputError, match="half_angle_deg is 91"):
        solids.cone_in_ball(91.0, 20.0, 1.0, rng)
    with pytest.raises(InputError, match="inner_mm"):
        solids.cone_in_ball(30.0, 20.0, 1.0, rng, inner_mm=20.0)
