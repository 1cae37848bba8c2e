"""Grids against ``affine @ [i, j, k, 1]`` over all 48 axis orders and oblique ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Mask, transform

RNG = np.random.default_rng(11)


def orders() -> list[tuple[tuple[int, int, int], tuple[int, int, int]]]:
    return [
        (p, s)  # type: ignore[misc]
        for p in itertools.permutations(range(3))
        for s in itertools.product((1, -1), repeat=3)
    ]


def oblique() -> Grid:
    matrix = np.eye(4)
    turn = Rotation.from_euler("xyz", (10, -15, 20), degrees=True).as_matrix()
    matrix[:3, :3] = turn @ np.diag((0.7, 0.9, 2.0))
    matrix[:3, 3] = (12.0, -34.0, 56.0)
    return Grid((5, 6, 7), matrix)


@pytest.mark.parametrize(("order", "step"), orders())
def test_reordering_leaves_every_voxel_where_it_is(order: tuple[int, int, int], step: tuple[int, int, int]) -> None:
    grid = oblique()
    voxels = RNG.random(grid.shape) < 0.3
    before = {tuple(np.round(p, 6)) for p in transform(grid.world_from_index, np.argwhere(voxels))}
    mask = Mask(grid, voxels).reordered(order, step)
    index = np.argwhere(mask.voxels)
    # The definition itself, not a round trip: affine @ [i, j, k, 1].
    after = {tuple(np.round((mask.grid.world_from_index @ [*ijk, 1.0])[:3], 6)) for ijk in index}
    assert before == after
    assert len(before) == int(voxels.sum()) > 0


@pytest.mark.parametrize(("order", "step"), orders())
def test_every_storage_order_has_the_same_canonical_array(
    order: tuple[int, int, int], step: tuple[int, int, int]
) -> None:
    mask = Mask(oblique(), RNG.random((5, 6, 7)) < 0.5)
    reference, canonical = mask.canonical(), mask.reordered(order, step).canonical()
    assert np.array_equal(reference.voxels, canonical.voxels)
    assert np.allclose(reference.grid.world_from_index, canonical.grid.world_from_index, atol=1e-9)
    assert np.linalg.det(canonical.grid.world_from_index) > 0
    assert np.all(np.diag(canonical.grid.world_from_index) > 0)


def test_canonical_arrays_of_mirrored_volumes_are_equal() -> None:
    mask = Mask(oblique(), RNG.random((5, 6, 7)) < 0.5)
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    stored = Mask(Grid(mask.grid.shape, mirror @ mask.grid.world_from_index), mask.voxels)
    again = Mask(Grid(stored.grid.shape, mirror @ stored.grid.world_from_index), stored.voxels)
    assert np.array_equal(mask.canonical().voxels, again.canonical().voxels)
    assert not np.array_equal(mask.canonical().voxels, stored.canonical().voxels)


@given(st.tuples(*[st.integers(0, 2)] * 3), st.tuples(*[st.integers(3, 5)] * 3))
def test_cropping_keeps_positions(start: tuple[int, ...], stop: tuple[int, ...]) -> None:
    grid = oblique()
    cropped = grid.cropped(start, stop)
    offset = np.array(start, dtype=np.int64)
    inside = np.array([1, 0, 1]) % np.array(cropped.shape)
    here = transform(cropped.world_from_index, inside)
    assert np.allclose(here, transform(grid.world_from_index, np.asarray(inside + offset)), atol=1e-9)


def test_contains_asks_the_voxel_that_holds_the_point() -> None:
    mask = Mask(oblique(), RNG.random((5, 6, 7)) < 0.5)
    index = np.argwhere(np.ones(mask.grid.shape, dtype=bool))
    nudge = RNG.uniform(-0.49, 0.49, index.shape)
    points = transform(mask.grid.world_from_index, index + nudge)
    assert np.array_equal(mask.contains(points), mask.voxels[tuple(index.T)])
    beyond = np.array([[-0.51, 0, 0], [0, 0, 6.51], [99, 0, 0]])
    assert not mask.contains(transform(mask.grid.world_from_index, beyond)).any()


def bad(change: dict[tuple[int, int], float]) -> np.ndarray:
    matrix = np.eye(4)
    for place, value in change.items():
        matrix[place] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "word"),
    [
        (bad({(0, 0): np.nan}), "finite"),
        (bad({(1, 3): np.inf}), "finite"),
        (bad({(0, 0): 0.0}), "voxel size"),
        (bad({(2, 2): 40.0}), "voxel size"),
        (bad({(0, 1): 0.02}), "sheared"),
        (bad({(0, 3): 1e7}), "origin"),
        (bad({(3, 0): 1.0}), "last row"),
        (np.eye(3), "4 x 4"),
    ],
)
def test_unusable_affines_are_refused(matrix: np.ndarray, word: str) -> None:
    with pytest.raises(InputError, match=word):
        Grid((4, 4, 4), matrix)


def test_rounding_of_single_precision_is_no_shear() -> None:
    Grid((4, 4, 4), oblique().world_from_index.astype(np.float32).astype(float))


def test_a_grid_does_not_change_with_the_array_it_was_made_from() -> None:
    matrix = np.eye(4)
    grid = Grid((4, 4, 4), matrix)
    matrix[0, 3] = 5.0
    assert grid.world_from_index[0, 3] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        grid.world_from_index[0, 3] = 1.0


def test_same_grid_notices_a_hundredth_of_a_millimetre() -> None:
    grid = oblique()
    moved = np.eye(4)
    moved[0, 3] = 0.01
    assert grid.same_as(grid.moved(np.eye(4)))
    assert not grid.same_as(grid.moved(moved))
    assert not grid.same_as(grid.cropped((0, 0, 0), (5, 6, 6)))


def test_an_empty_mask_has_no_bounds() -> None:
    with pytest.raises(InputError, match="empty"):
        Mask(oblique(), np.zeros((5, 6, 7), dtype=bool)).bounds()
