"""Outlines of a plane against the angle that they turn about every voxel's centre, which shares no code with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray
from corecore.io.dicom.outlines import fill, winding

SHAPE = (48, 44)
CENTRES = np.stack(np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[1]), indexing="ij"), axis=-1).astype(float)


def turns(outline: FloatArray) -> np.ndarray:
    """By the sum of angles, how often an outline runs round each centre."""
    total = np.zeros(SHAPE)
    for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        u, v = a - CENTRES, b - CENTRES
        total += np.arctan2(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0], (u * v).sum(axis=-1))
    return np.rint(total / (2 * np.pi)).astype(int)


def inside(outline: FloatArray) -> BoolArray:
    return np.asarray(turns(outline) != 0)


def off_centres(outline: FloatArray) -> FloatArray:
    """The outline with no centre on it, where neither answer is wrong."""
    return np.asarray(np.floor(outline) + 0.05 + 0.9 * (outline - np.floor(outline)))


@st.composite
def stars(draw: st.DrawFn) -> FloatArray:
    """A simple polygon about (23, 21): corners at growing angles, none further than half a turn from the next."""
    count = draw(st.integers(5, 14))
    gaps = np.array(draw(st.lists(st.floats(0.6, 1.0), min_size=count, max_size=count)))
    angle = np.cumsum(gaps) / gaps.sum() * 2 * np.pi
    radius = np.array(draw(st.lists(st.floats(5.0, 19.0), min_size=count, max_size=count)))
    seed = draw(st.integers(0, 10**6))
    shift = np.random.default_rng(seed).uniform(-0.5, 0.5, 2)
    return np.asarray(np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None] + [23.0, 21.0] + shift)


def circle(radius: float, center: tuple[float, float] = (23.3, 21.4), count: int = 60) -> FloatArray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([np.cos(angle), np.sin(angle)]) * radius + center


@given(stars(), st.integers(0, 13), st.booleans())
def test_a_simple_outline_holds_the_centres_it_runs_round(outline: FloatArray, start: int, back: bool) -> None:
    found = fill([outline], SHAPE)
    assert np.array_equal(found.voxels, inside(outline))
    assert (found.doubled, found.open_voxels) == (0, 0)
    again = np.roll(outline, start, axis=0)[:: -1 if back else 1]
    assert np.array_equal(fill([again], SHAPE).voxels, found.voxels)


@given(stars(), st.floats(0.0, 0.3), st.integers(0, 13), st.booleans())
def test_an_outline_drawn_twice_counts_once(outline: FloatArray, apart: float, start: int, back: bool) -> None:
    again = np.roll(outline, start, axis=0)[:: -1 if back else 1] + np.array([apart, 0.0])
    found = fill([outline, again, outline], SHAPE)
    assert np.array_equal(found.voxels, inside(outline))
    assert (found.doubled, found.open_voxels) == (2, 0)


def test_an_outline_with_more_corners_is_the_same_outline() -> None:
    square = np.array([[5.2, 5.2], [30.7, 5.2], [30.7, 28.6], [5.2, 28.6]])
    fine = np.concatenate([np.linspace(a, b, 40, endpoint=False) for a, b in zip(square, np.roll(square, -1, 0))])  # noqa: B905
    assert fill([square, fine], SHAPE).doubled == 1
    # A ring half a voxel and more wide is a ring.
    ring = fill([circle(10.0), circle(9.0)], SHAPE)
    assert (ring.doubled, ring.open_voxels) == (0, 0)
    assert np.array_equal(ring.voxels, inside(circle(10.0)) & ~inside(circle(9.0)))


@given(stars(), st.floats(0.3, 0.8), st.booleans())
def test_an_outline_within_another_is_a_hole_and_one_in_that_an_island(
    outline: FloatArray, scale: float, back: bool
) -> None:
    middle = np.array([23.0, 21.0])
    hole = ((outline - middle) * scale + middle)[:: -1 if back else 1]
    island = (outline - middle) * scale * scale + middle
    expected = inside(outline) & ~inside(hole)
    found = fill([hole, outline], SHAPE)
    assert np.array_equal(found.voxels, expected)
    assert found.open_voxels == 0
    nest = fill([outline, island, hole], SHAPE)
    assert np.array_equal(nest.voxels, expected | inside(island))
    assert nest.open_voxels == 0


def test_a_keyhole_is_a_ring() -> None:
    outer, inner = circle(15.0), circle(6.0)[::-1]
    outer, inner = (np.concatenate([line, line[:1]]) for line in (outer, np.roll(inner, 1, axis=0)))
    found = fill([np.concatenate([outer, inner])], SHAPE)
    assert np.array_equal(found.voxels, inside(circle(15.0)) & ~inside(circle(6.0)))
    assert found.open_voxels == 0
    # Round the hole the same way, the outline says no longer what the hole is.
    assert fill([np.concatenate([outer, inner[::-1]])], SHAPE).open_voxels == inside(circle(6.0)).sum()


@given(stars(), st.floats(0.3, 1.0), st.tuples(st.floats(3.0, 30.0), st.floats(-9.0, 9.0)))
def test_outlines_that_cross_leave_open_what_both_hold(
    outline: FloatArray, scale: float, shift: tuple[float, float]
) -> None:
    other = (outline - [23.0, 21.0]) * scale + [23.0, 21.0] + shift
    a, b = inside(outline), inside(other)
    common, small, large = int((a & b).sum()), min(a.sum(), b.sum()), max(a.sum(), b.sum())
    found = fill([outline, other], SHAPE)
    if common in (0, small):
        assert found.open_voxels == 0
        assert np.array_equal(found.voxels, a ^ b)
    elif common >= 0.9 * small and 2 * small <= large:
        assert found.open_voxels == small - common
        assert np.array_equal(found.voxels, a ^ b)
    else:
        assert found.open_voxels == common
        assert np.array_equal(found.voxels, a | b)
    assert np.array_equal(fill([outline, other], SHAPE, parity=True).voxels, a ^ b)
    assert fill([outline, other], SHAPE, parity=True).open_voxels == 0


def test_an_outline_drawn_anew_a_voxel_beside_the_first_is_no_hole_in_it() -> None:
    a, b = inside(circle(15.0)), inside(circle(15.0, (24.3, 21.4)))
    found = fill([circle(15.0), circle(15.0, (24.3, 21.4))], SHAPE)
    assert found.open_voxels == (a & b).sum()
    assert np.array_equal(found.voxels, a | b)


def test_an_outline_that_crosses_itself_leaves_its_smaller_lobe_open() -> None:
    bow = np.array([[5.3, 5.2], [25.6, 30.4], [25.6, 5.2], [5.3, 20.4]])
    around = turns(bow)
    assert set(np.unique(around)) == {-1, 0, 1}
    found = fill([bow], SHAPE)
    assert found.open_voxels == min((around == 1).sum(), (around == -1).sum()) > 10
    spiral = np.concatenate([circle(9.0), circle(7.0)])
    assert fill([spiral], SHAPE).open_voxels == (turns(spiral) == 2).sum() > 100


@given(stars(), st.lists(st.integers(0, 100), min_size=4, max_size=4))
def test_corners_in_any_order_are_wound_as_the_angles_say(outline: FloatArray, order: list[int]) -> None:
    mixed = outline[np.argsort([order[n % 4] * (n + 1) % 7 for n in range(len(outline))], kind="stable")]
    assert np.array_equal(winding(off_centres(mixed), SHAPE), turns(off_centres(mixed)))


def test_an_outline_over_the_edge_is_cut_off_there() -> None:
    for center in ((0.2, 0.3), (46.9, 43.1), (23.0, -4.0), (-30.0, 20.0)):
        outline = circle(8.0, center)
        assert np.array_equal(fill([outline], SHAPE).voxels, inside(outline))


def test_the_area_of_a_turned_polygon_is_the_shoelace_formula() -> None:
    """By many shifted lattices."""
    rng = np.random.default_rng(5)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 40))
    polygon = np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(15, 40, (40, 1)) + 60
    x, y = polygon.T
    area = 0.5 * abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)))
    counts = [fill([polygon + shift], (120, 120)).voxels.sum() for shift in rng.uniform(0, 1, (30, 2))]
    assert np.mean(counts) == pytest.approx(area, rel=0.005)


def test_more_than_anybody_draws_is_refused() -> None:
    zigzag = np.tile([[0.0, 0.0], [500.0, 511.0]], (50_000, 1))
    with pytest.raises(InputError, match="crosses rows of voxels"):
        fill([zigzag], (512, 512))
    with pytest.raises(InputError, match="pairs of contours"):
        fill([circle(5.0 + 0.01 * n, count=8) for n in range(300)], SHAPE)
