"""The lattice: its vector built again, its points even in each coordinate, its means better than chance's."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.base.grid import FloatArray
from corecore.tunnels.risk.lattice import POINTS, VECTOR, shifted_lattice


def test_vector_is_the_one_that_building_it_component_by_component_gives() -> None:
    candidates = np.arange(1, POINTS // 2, 2)
    x = np.outer(np.arange(POINTS), candidates) / POINTS % 1.0
    kernel = 2.0 * np.pi**2 * (x * x - x + 1.0 / 6.0)
    product, free, chosen = np.ones(POINTS), np.ones(len(candidates), dtype=bool), []
    for j in range(163):
        # Every six numbers weigh alike, the next six less.
        weight = 0.1 / (1 + j // 6)
        error = (product[:, None] * (1.0 + weight * kernel)).mean(axis=0)
        best = 0 if j == 0 else int(np.argmin(np.where(free, np.round(error, 12), np.inf)))
        free[best] = False
        chosen.append(int(candidates[best]))
        product *= 1.0 + weight * kernel[:, best]
    assert tuple(chosen) == VECTOR
    assert len(set(VECTOR)) == len(VECTOR) == 163
    assert all(z % 2 for z in VECTOR)


def test_each_coordinate_has_one_point_in_each_of_1024_steps() -> None:
    points = shifted_lattice(163, np.random.default_rng(3))
    assert points.shape == (POINTS, 163)
    assert points.min() >= 0.0
    assert points.max() < 1.0
    for count in (1024, 512, 64):
        gaps = np.diff(np.sort(points[:count], axis=0), axis=0)
        np.testing.assert_allclose(gaps, 1.0 / count, atol=1e-12)


@pytest.mark.parametrize("first", [0, 30, 90])
def test_means_err_less_than_those_of_chance(first: int) -> None:
    def value(u: FloatArray) -> float:
        return float(np.prod(1.0 + 0.5 * (u[:, first : first + 6] - 0.5), axis=1).mean())

    lattice = [value(shifted_lattice(96, np.random.default_rng(s))) for s in range(100)]
    chance = [value(np.random.default_rng(s).random((POINTS, 96))) for s in range(100)]
    assert np.mean(lattice) == pytest.approx(1.0, abs=float(4.0 * np.std(lattice) / 10.0 + 1e-9))
    assert np.std(lattice) < np.std(chance) / 4.0


def test_too_many_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="164 dimensions"):
        shifted_lattice(164, np.random.default_rng(0))
    with pytest.raises(ValueError, match="4 dimensions asked for; 1 to 3"):
        shifted_lattice(4, np.random.default_rng(0), 160)
