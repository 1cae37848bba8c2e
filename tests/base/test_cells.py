"""What the corners of a lattice's cells say of points, against the level between the voxels itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from corecore.base.cells import Cells


@pytest.mark.parametrize("seed", range(4))
def test_points_are_there_where_the_level_between_voxels_says_so(seed: int) -> None:
    rng = np.random.default_rng(seed)
    level = ndimage.gaussian_filter(rng.random((9, 14, 11)), 1.2).astype(np.float32)
    half = float(np.median(level))
    index = np.concatenate([
        rng.uniform(-3.0, 16.0, (4000, 3)), rng.integers(-1, 15, (2000, 3)).astype(np.float64),
        np.array([[8.0, 13.0, 10.0], [8.0 + 1e-12, 13.0, 10.0], [-1e-12, 0.0, 0.0], [0.0, 0.0, 0.0]]),
    ])  # fmt: skip
    asked = []

    def between(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return np.asarray(ndimage.map_coordinates(level, index[rows].T, order=1, mode="constant", cval=-9.0) >= half)

    there = Cells.of(level >= half).hold(index, between)
    expected = ndimage.map_coordinates(level, index.T, order=1, mode="constant", cval=-9.0) >= half
    assert np.array_equal(there, expected)
    # Where the corners agree nothing was looked up, and something was there.
    assert 0 < sum(asked) < len(index)
    assert 0 < there.sum() < len(index)


def test_no_point_is_in_an_empty_lattice_and_none_outside_a_full_one() -> None:
    index = np.array([[1.2, 1.1, 1.9], [5.0, 1.0, 1.0], [-0.1, 1.0, 1.0]])

    def never(rows: np.ndarray) -> np.ndarray:
        assert len(rows) == 0
        return np.zeros(0, dtype=bool)

    assert not Cells.of(np.zeros((4, 4, 4), dtype=bool)).hold(index, never).any()
    assert Cells.of(np.ones((4, 4, 4), dtype=bool)).hold(index, never).tolist() == [True, False, False]
