"""Regions to keep out of: their distances and a tunnel's clearance against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, Mask, inverse, transform
from corecore.base.limits import OUTWARD_MM
from corecore.hip import keep_out
from corecore.hip.keep_out import PAD_MM, KeepOutRegion, barrier_of
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import (
    clearance_mm,
)

RNG = np.random.default_rng(3)
SIZE = np.array([90.0, 80.0, 150.0])


def affine(spacing: float, middle: FloatArray, shape: int, turn_deg: float) -> FloatArray:
    a = np.radians(turn_deg)
    turn = np.array([[np.cos(a), -np.sin(a), 0.0], [np.sin(a), np.cos(a), 0.0], [0.0, 0.0, 1.0]])
    tilt = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(a / 2), -np.sin(a / 2)], [0.0, np.sin(a / 2), np.cos(a / 2)]])
    matrix = np.eye(4)
    matrix[:3, :3] = spacing * turn @ tilt
    matrix[:3, 3] = middle - matrix[:3, :3] @ np.full(3, (shape - 1) / 2)
    return matrix


def ball(middle: FloatArray, radius: float, *, spacing: float = 0.9, turn_deg: float = 25.0) -> Mask:
    """A ball on an oblique grid of its own, world mm."""
    shape = int(np.ceil(2 * radius / spacing)) + 3
    grid = Grid((shape,) * 3, affine(spacing, middle, shape, turn_deg))
    index = np.stack(np.meshgrid(*[np.arange(shape)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.linalg.norm(transform(grid.world_from_index, index) - middle, axis=1) <= radius
    return Mask(grid, inside.reshape(grid.shape))


#: Local from world of a left hip that lies askew: a mirror and a turn.
LOCAL = np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine(1.0, np.array([12.0, -30.0, 7.0]), 1, 17.0)


def placed(middle: FloatArray, radius: float, **grid: float) -> KeepOutRegion:
    """The barrier of a ball about a local point."""
    found = barrier_of("avoid", ball(transform(inverse(LOCAL), middle), radius, **grid), LOCAL, SIZE)
    assert found is not None
    return found


def test_distances_to_a_ball_on_a_grid_of_its_own() -> None:
    middle = np.array([40.0, 35.0, 60.0])
    region = placed(middle, 7.0)
    away = RNG.normal(size=(4000, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    radii = RNG.uniform(3.0, 60.0, 4000)
    found, true = region.distance(middle + radii[:, None] * away), radii - 7.0
    near = true < 8.0
    assert np.abs(found - true)[near].max() < 0.4
    # A ball of 8 voxels loses a little to the smoothing, as bone does.
    assert 0.0 < np.mean((found - true)[near]) < 0.25
    # Further out it is a bound from below, and off the field no more than what is certain.
    assert np.all(found[~near] <= true[~near] + 0.35)
    assert np.all(found[~near] >= np.minimum(true[~near], PAD_MM) - 7.0)
    far = true > 20.0
    assert np.abs(region.far_distance((middle + radii[:, None] * away)[far]) - true[far]).max() < 0.5


@pytest.mark.parametrize("width", [(1, 12, 12), (1, 1, 20), (1, 1, 1)], ids=["sheet", "line", "voxel"])
def test_nothing_thin_is_lost(width: tuple[int, int, int]) -> None:
    voxels = np.zeros((32, 32, 32), dtype=bool)
    voxels[1 : 1 + width[0], 1 : 1 + width[1], 1 : 1 + width[2]] = True
    grid = Grid((32, 32, 32), affine(1.0, np.array([40.0, 40.0, 60.0]), 32, 0.0))
    region = barrier_of("avoid", Mask(grid, voxels), np.eye(4), SIZE)
    assert region is not None
    at = Mask(grid, voxels).positions_mm()
    assert np.all(region.distance(at) < 0.1)
    aside = at.mean(axis=0) - np.array([4.0, 0.0, 0.0])
    assert float(region.distance(aside[None])[0]) == pytest.approx(3.5, abs=0.35)


def test_what_lies_out_of_reach_is_no_barrier_and_what_is_too_fine_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert barrier_of("avoid", ball(np.array([40.0, 40.0, 400.0]), 5.0), np.eye(4), SIZE) is None
    monkeypatch.setattr(keep_out, "FIELD_MAX", 1e4)
    region = barrier_of("avoid", ball(np.array([40.0, 40.0, 60.0]), 5.0), np.eye(4), SIZE)
    assert region is not None
    with pytest.raises(InputError, match="resample"):
        _ = region.field


def test_a_fine_pelvis_is_taken_at_every_second_voxel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_out, "PELVIS_MAX", 3e5)
    middle = np.array([40.0, 40.0, 60.0])
    region = barrier_of("pelvis", ball(middle, 15.0, spacing=0.5), np.eye(4), SIZE)
    assert region is not None
    assert region.spacing_mm.max() > 0.9
    assert float(region.distance(middle[None] + [16.0, 0.0, 0.0])[0]) == pytest.approx(1.0, abs=0.5)


def gap(tunnel: Tunnel, point: FloatArray) -> float:
    """Distance of a point to a tunnel prolonged outward, and to its cavity: closed form."""
    best, deep = np.inf, tunnel.cavity_length_mm
    for start, length, radius in (
        (tunnel.entry - OUTWARD_MM * tunnel.direction, tunnel.length_mm + OUTWARD_MM, tunnel.radius_mm),
        (tunnel.tip - deep * tunnel.direction, deep, tunnel.cavity_diameter_mm / 2),
    ):
        if radius <= 0.0:
            continue
        along = float((point - start) @ tunnel.direction)
        across = float(np.linalg.norm(point - start - along * tunnel.direction))
        best = min(best, float(np.hypot(max(0.0, across - radius), max(0.0, -along, along - length))))
    return best


@pytest.mark.parametrize("cavity", [(0.0, 0.0), (20.0, 15.0)], ids=["tunnel", "cavity"])
def test_clearance_to_a_ball_is_that_of_its_middle_less_its_radius(cavity: tuple[float, float]) -> None:
    middle = np.array([40.0, 35.0, 60.0])
    region = placed(middle, 6.0)
    for _ in range(12):
        tip = middle + RNG.uniform(-25.0, 25.0, 3)
        toward = RNG.normal(size=3)
        tunnel = Tunnel(tip - 70.0 * toward / np.linalg.norm(toward), tip, 9.0, *cavity)
        true = gap(tunnel, middle) - 6.0
        found = clearance_mm(region, tunnel)
        assert found == pytest.approx(true, abs=0.45) if true > -4.0 else found < -3.5


def test_a_region_thinner_than_the_drill_is_seen_within_it_and_far_ones_are_measured() -> None:
    tunnel = Tunnel(np.array([10.0, 30.0, 30.0]), np.array([75.0, 30.0, 30.0]), 12.0)
    inside = placed(np.array([50.0, 33.1, 30.0]), 1.2, spacing=0.6)
    assert clearance_mm(inside, tunnel) < -0.5
    outward = placed(np.array([-55.0, 27.0, 30.0]), 1.5, spacing=0.6)
    assert clearance_mm(outward, tunnel) < -0.5
    beyond = placed(np.array([130.0, 30.0, 30.0]), 5.0)
    assert clearance_mm(beyond, tunnel) == pytest.approx(50.0, abs=0.4)


def test_the_patient_moved_the_region_moves_along() -> None:
    middle = np.array([40.0, 35.0, 60.0])
    given = ball(transform(inverse(LOCAL), middle), 6.0)
    moved = affine(1.0, np.array([30.0, -80.0, 11.0]), 1, 130.0)
    there = Mask(given.grid.moved(moved), given.voxels)
    here, again = placed(middle, 6.0), barrier_of("avoid", there, LOCAL @ inverse(moved), SIZE)
    assert again is not None
    points = middle + RNG.uniform(-9.0, 9.0, (500, 3))
    assert np.allclose(here.distance(points), again.distance(points), atol=1e-3)
