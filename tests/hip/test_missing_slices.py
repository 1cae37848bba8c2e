"""Missing slices of a mask against closed forms and thinned bodies; two foci one above the other are none."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, Grid, Mask
from corecore.hip.missing_slices import check_slices, missing_slices

SHAPE = (40, 40, 44)
STEP = (0.8, 1.0, 1.2)
#: Pairs of foci, and single foci with a gap, that are drawn.
DRAWN = int(os.environ.get("CORECORE_FOCI", "50"))


def mask(voxels: BoolArray, step: Sequence[float] | np.ndarray = STEP) -> Mask:
    return Mask(Grid(voxels.shape, np.diag([*step, 1.0])), voxels)


def ellipsoid(center: tuple[float, ...], radii: tuple[float, ...], shape: tuple[int, ...] = SHAPE) -> BoolArray:
    index = np.indices(shape).transpose(1, 2, 3, 0)
    return np.asarray(np.sum(((index - np.array(center)) / np.array(radii)) ** 2, axis=-1) <= 1.0)


def without(voxels: BoolArray, axis: int, drop: list[int]) -> BoolArray:
    thinned = voxels.copy()
    thinned[(slice(None),) * axis + (drop,)] = False
    return thinned


def test_of_a_box_exactly_the_dropped_slices_are_missing() -> None:
    box = np.zeros(SHAPE, dtype=bool)
    box[5:25, 6:30, 4:40] = True
    found = missing_slices(mask(without(box, 1, [10, 20, 21])))
    assert found.slices == {"coronal": 3}
    assert found.missing_ml == pytest.approx(20 * 36 * 3 * np.prod(STEP) / 1000)
    assert found.drawn_ml + found.missing_ml == pytest.approx(box.sum() * np.prod(STEP) / 1000)
    # Three pieces: 4, 9 and 8 slices of 20 by 36 voxels.
    assert found.cut_off_ml == pytest.approx((4 + 8) * 20 * 36 * np.prod(STEP) / 1000)
    assert not missing_slices(mask(box)).slices


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("keep", [(1, 2), (2, 3), (1, 3), (3, 4)])
def test_a_thinned_ball_is_told_along_every_axis_of_storage(axis: int, keep: tuple[int, int]) -> None:
    whole = ellipsoid((20, 20, 20), (14, 13, 12))
    filled = np.flatnonzero(whole.any(axis=tuple({0, 1, 2} - {axis})))
    drop = [int(s) for n, s in enumerate(filled) if n % keep[1] >= keep[0]]
    left = without(whole, axis, drop)
    ends = np.flatnonzero(left.any(axis=tuple({0, 1, 2} - {axis})))
    between = [s for s in drop if ends[0] < s < ends[-1]]
    lost_ml = np.moveaxis(whole, axis, 0)[between].sum() * np.prod(STEP) / 1000
    # Stored in another order and direction, the same is said of the same planes.
    for order, step in (((0, 1, 2), (1, 1, 1)), ((2, 0, 1), (-1, 1, -1))):
        found = missing_slices(mask(left).reordered(order, step))
        assert set(found.slices) == {("sagittal", "coronal", "axial")[axis]}
        # Next to a pole of one voxel the estimate has nothing to hold to.
        assert len(between) >= sum(found.slices.values()) >= 0.7 * len(between)
        assert found.missing_ml == pytest.approx(lost_ml, rel=0.15)


@given(
    st.tuples(*[st.floats(4.0, 11.0)] * 3), st.tuples(*[st.floats(4.0, 9.0)] * 3),
    st.tuples(*[st.floats(-3.0, 3.0)] * 2), st.integers(1, 8), st.integers(0, 2),
)  # fmt: skip
def test_two_foci_in_a_row_are_no_gap(
    upper: tuple[float, ...], lower: tuple[float, ...], aside: tuple[float, ...], empty: int, axis: int
) -> None:
    first = ellipsoid((20, 20, 12), upper, (40, 40, 60))
    second = ellipsoid((20 + aside[0], 20 + aside[1], 12), lower, (40, 40, 60))
    top = np.flatnonzero(first.any(axis=(0, 1)))[-1]
    second = np.roll(second, top + 1 + empty - np.flatnonzero(second.any(axis=(0, 1)))[0], axis=2)
    both = np.moveaxis(first | second, 2, axis)
    assert not missing_slices(mask(both, (1.0, 1.0, 1.0))).slices


def focus(rng: np.random.Generator, step: np.ndarray, least_mm: float, most_mm: float) -> BoolArray:
    """An ellipsoid of drawn radii, turned, smooth or lumpy, on slices of ``step[2]``, cropped to what it fills."""
    shape = [int(number) for number in np.ceil(2.4 * most_mm / step)]
    at = (np.indices(shape).transpose(1, 2, 3, 0) + rng.uniform(-0.5, 0.5, 3)) * step
    turn = Rotation.random(random_state=int(rng.integers(1 << 31))).as_matrix()
    unit = (at - 1.2 * most_mm) @ turn / rng.uniform(least_mm, most_mm, 3)
    lumps = [np.sin(3.0 * unit @ rng.normal(size=3) + rng.uniform(0.0, 6.3)) for _ in range(3)]
    body = np.linalg.norm(unit, axis=-1) * (1.0 + rng.choice([0.0, 0.15]) * np.mean(lumps, axis=0)) <= 1.0
    return cropped(body) if np.count_nonzero(body) * np.prod(step) > 100.0 else focus(rng, step, least_mm, most_mm)


def cropped(body: BoolArray) -> BoolArray:
    at = np.argwhere(body)
    return body[tuple(slice(low, high + 1) for low, high in zip(at.min(axis=0), at.max(axis=0), strict=True))]


def drawn_steps(rng: np.random.Generator) -> np.ndarray:
    return np.array([*[rng.uniform(0.5, 1.0)] * 2, rng.uniform(0.6, 4.0)])


def drawn_pairs() -> Iterator[Mask]:
    """Two foci one above the other, 1 to 10 mm of empty slices between them, up to 5 mm aside."""
    rng = np.random.default_rng(1)
    for _ in range(DRAWN):
        step = drawn_steps(rng)
        lower, upper = focus(rng, step, 3.0, 11.0), focus(rng, step, 3.0, 11.0)
        empty = int(rng.integers(1, max(2, int(10.0 / step[2]) + 1)))
        aside = np.round(rng.uniform(-5.0, 5.0, 2) / step[:2]).astype(int)
        both = np.zeros((90, 90, lower.shape[2] + empty + upper.shape[2]), dtype=bool)
        for body, bottom, shift in ((lower, 0, np.zeros(2, dtype=int)), (upper, lower.shape[2] + empty, aside)):
            i, j = 45 + shift - np.array(body.shape[:2]) // 2
            both[i : i + body.shape[0], j : j + body.shape[1], bottom : bottom + body.shape[2]] = body
        yield mask(cropped(both), step)


def drawn_gaps() -> Iterator[tuple[Mask, float]]:
    """One focus that lacks one to three slices in a row, and the share that is missing."""
    rng = np.random.default_rng(2)
    count = 0
    while count < DRAWN:
        step = drawn_steps(rng)
        whole = focus(rng, step, 5.0, 15.0)
        start, empty = int(rng.integers(1, whole.shape[2])), int(rng.integers(1, 4))
        if start + empty >= whole.shape[2]:
            continue
        count += 1
        left = without(whole, 2, list(range(start, start + empty)))
        yield mask(left, step), 1.0 - np.count_nonzero(left) / np.count_nonzero(whole)


def outcome(drawn: Mask) -> str:
    try:
        caution = check_slices(drawn, "lesion")
    except InputError:
        return "refused"
    return "silent" if caution is None else "told"


def test_drawn_pairs_of_foci_are_not_refused(record_property: Callable[[str, object], None]) -> None:
    ends = [outcome(drawn) for drawn in drawn_pairs()]
    record_property("ends", dict(Counter(ends)))
    assert ends.count("refused") <= 0.004 * len(ends)
    assert ends.count("told") <= 0.08 * len(ends)


def test_a_gap_in_a_drawn_focus_is_refused(record_property: Callable[[str, object], None]) -> None:
    ends = [outcome(drawn) for drawn, missing in drawn_gaps() if missing > 0.05]
    record_property("ends", dict(Counter(ends)))
    assert ends.count("refused") >= 0.8 * len(ends)
    assert ends.count("silent") <= 0.15 * len(ends)


def test_a_gap_that_two_foci_explain_as_well_is_told_and_not_refused(
    record_property: Callable[[str, object], None],
) -> None:
    """Three slices that narrow a little, an empty one, and three that widen aside of it: either reading stands."""
    sections = [(12, 0), (12, 0), (11, 0), None, (10, 4), (11, 4), (12, 4)]
    voxels = np.zeros((32, 32, len(sections)), dtype=bool)
    for z, section in enumerate(sections):
        if section is not None:
            half, aside = section[0] // 2, section[1]
            voxels[16 - half : 16 + half, 16 - half + aside : 16 + half + aside, z] = True
    drawn = mask(voxels, (1.0, 1.0, 3.5))
    found = missing_slices(drawn)
    assert found.share > 0.05
    assert found.sure_ml == 0.0
    caution = check_slices(drawn, "lesion")
    assert caution is not None
    assert "unless separate foci" in caution.text
    # A bone has no foci.
    with pytest.raises(InputError, match="slices"):
        check_slices(drawn, "femur", in_one_piece=True)
    # Two gaps are a pattern of drawing.
    twice = mask(np.concatenate([voxels, np.zeros((32, 32, 1), dtype=bool), voxels[..., :3]], axis=2), (1.0, 1.0, 3.5))
    with pytest.raises(InputError, match="slices"):
        check_slices(twice, "lesion")


def test_a_focus_below_the_flat_end_of_another_is_no_gap() -> None:
    flat = ellipsoid((20, 20, 30), (14, 14, 10))
    flat[:, :, :26] = False
    assert not missing_slices(mask(flat | ellipsoid((20, 20, 16), (6, 6, 5)))).slices


def test_a_gap_in_one_of_two_hips_is_told() -> None:
    shape = (100, 30, 30)
    left, right = ellipsoid((15, 15, 15), (10, 10, 10), shape), ellipsoid((85, 15, 15), (10, 10, 10), shape)
    assert not missing_slices(mask(left | right)).slices
    assert missing_slices(mask(without(left, 2, [15]) | right)).slices == {"axial": 1}


def test_specks_and_far_pieces_make_no_gap() -> None:
    body = ellipsoid((20, 20, 12), (10, 10, 8))
    speck = body.copy()
    speck[20, 20, 22:24] = True
    assert not missing_slices(mask(speck)).slices
    column = np.zeros((20, 20, 60), dtype=bool)
    column[5:15, 5:15, :10] = column[5:15, 5:15, 40:] = True
    assert not missing_slices(mask(column)).slices


def test_little_is_a_warning_and_more_is_refused() -> None:
    column = np.zeros((20, 20, 60), dtype=bool)
    column[5:15, 5:15] = True
    caution = check_slices(mask(without(column, 2, [20])), "lesion")
    assert caution is not None
    assert caution.code == "slices_missing"
    assert "the lesion: 1 axial slice between drawn ones is empty" in caution.text
    assert check_slices(mask(column), "lesion") is None
    with pytest.raises(InputError, match=r"4 axial slices .* 0\.38 ml \(7 %\) are missing; up to 5 %") as caught:
        check_slices(mask(without(column, 2, [10, 20, 30, 40])), "lesion")
    assert caught.value.code == "slices-missing"


def test_a_bone_is_refused_for_what_a_gap_cuts_off() -> None:
    column = np.zeros((20, 20, 60), dtype=bool)
    column[5:15, 5:15] = True
    cut = mask(without(column, 2, [20]))
    with pytest.raises(InputError, match=r"1\.9 ml lie beyond"):
        check_slices(cut, "femur", in_one_piece=True)
    assert check_slices(mask(without(column, 2, [1])), "femur", in_one_piece=True) is not None
