"""The shaft's axis where a scan ends: fitted as soon as the contract's 20 mm are in view."""

from __future__ import annotations

import numpy as np
import pytest
from support.anatomy_bones import degrees_between
from support.short_femora import DRAWN, BowedFemur, Drawn, drawn

from corecore.base.distance_field import bone_from_voxels
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.assumed import ASSUMED_RANGE_DEG
from corecore.hip.anatomy.scan_end import lowest_whole, scan_end
from corecore.hip.anatomy.shaft import (
    BOW_FORWARD_PER_MM,
    BOW_LATERAL_PER_MM,
    MIN_LENGTH_MM,
    SHORT_RANGE_DEG,
    fitted_range_deg,
    robust_line,
    straightened,
    usual_bow,
)
from corecore.study.phantom.shape import FemurShape

BY_NAME = {recipe.name: recipe for recipe in DRAWN}
#: In view beyond doubt, mm: a voxel and the trochanter's level may each go half a voxel the other way.
SURE_MM = 4.0


def check(name: str, cut: float, edge: bool) -> None:
    bone = drawn(BY_NAME[name])
    seen = bone.in_view_mm(cut)
    found = bone.fitted(cut, edge=edge)
    if found.sources["shaft_axis"] == "fitted":
        off = degrees_between(found.shaft_axis, bone.shaft_axis)
        assert off < 3.5, (name, cut)
        assert off <= max(found.shaft_range_deg, 0.6), (name, cut)
        assert seen > MIN_LENGTH_MM - SURE_MM - 4.0, (name, cut)
    else:
        assert degrees_between(found.shaft_axis, bone.shaft_axis) < 1.1 * ASSUMED_RANGE_DEG, (name, cut)
        assert found.shaft_range_deg == ASSUMED_RANGE_DEG, (name, cut)
        assert f"within {ASSUMED_RANGE_DEG:.0f}°" in next(w.text for w in found.warnings if w.code == "shaft_assumed")
        assert seen < MIN_LENGTH_MM + SURE_MM, (name, cut)


@pytest.mark.parametrize(
    ("name", "cut", "edge"), [("large trochanter", 100.0, False), ("small trochanter", 70.0, True)]
)
def test_twenty_millimetres_of_shaft_are_enough(name: str, cut: float, edge: bool) -> None:
    check(name, cut, edge)


#: Of the drawn femora, every third is a slow test and the others long ones.
EVERY = [pytest.param(n, marks=pytest.mark.long if k % 3 else pytest.mark.slow) for k, n in enumerate(BY_NAME)]


@pytest.mark.parametrize("name", EVERY)
def test_at_every_length(name: str) -> None:
    for cut in range(60, 201, 20):
        check(name, float(cut), cut % 40 == 0)


def tube(slope: FloatArray, *, ledge: bool = False, radius: float = 14.0) -> tuple[object, FloatArray]:
    """A round shaft along z about (30, 30), cut by a plane at height 20 on its axis; with a shelf to one side."""
    x, y, z = np.indices((61, 61, 90)).astype(float)
    inside = (np.hypot(x - 30.0, y - 30.0) < radius) & (z > 20.0 + slope[0] * (x - 30.0) + slope[1] * (y - 30.0))
    if ledge:
        inside |= (np.abs(x - 44.0) < 12.0) & (np.abs(y - 30.0) < 10.0) & (z > 55.0)
    return bone_from_voxels(inside, [1.0] * 3), np.array([30.0, 30.0, 0.0])


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.5, 0.0), (-0.3, 0.4)])
@pytest.mark.parametrize("ledge", [False, True])
def test_the_end_is_the_plane_that_cuts_the_shaft_whatever_looks_down_above_it(
    slope: tuple[float, float], ledge: bool
) -> None:
    bone, point = tube(np.array(slope), ledge=ledge)
    up = np.array([0.0, 0.0, 1.0])
    end = scan_end(bone, point, up)  # type: ignore[arg-type]
    assert end is not None
    true = np.array([-slope[0], -slope[1], 1.0])
    assert degrees_between(end.up, true) < 1.5
    assert end.point[2] == pytest.approx(20.0, abs=0.7)
    lean = float(np.hypot(*slope))
    assert lowest_whole(bone, point, up) == pytest.approx(20.0 + 14.0 * lean, abs=1.5)  # type: ignore[arg-type]


def test_a_bone_that_ends_in_a_knob_has_no_scan_end() -> None:
    x, y, z = np.indices((61, 61, 90)).astype(float)
    inside = (np.hypot(x - 30.0, y - 30.0) < 9.0) & (z > 25.0)
    inside |= np.sqrt((x - 30.0) ** 2 + (y - 30.0) ** 2 + (z - 25.0) ** 2) < 16.0
    bone = bone_from_voxels(inside, [1.0] * 3)
    assert scan_end(bone, np.array([30.0, 30.0, 0.0]), np.array([0.0, 0.0, 1.0])) is None


@pytest.mark.parametrize(
    ("above", "neck_shaft", "offset"),
    [
        (-9.0, 140.0, 32.0),
        pytest.param(-4.0, 125.0, 42.9, marks=pytest.mark.slow),
        pytest.param(20.0, 125.0, 42.9, marks=pytest.mark.slow),
    ],
)
def test_the_greater_trochanters_tip_is_not_the_necks_roof(above: float, neck_shaft: float, offset: float) -> None:
    shape = FemurShape(
        greater_trochanter_above_mm=above,
        neck_shaft_angle_deg=neck_shaft,
        offset_mm=offset,
        lesser_trochanter_ratio=1.15,
    )
    bone = drawn(Drawn(f"greater trochanter at {above:g}", shape))
    tip = bone.fitted(150.0).greater_trochanter_tip
    assert tip is not None
    assert np.linalg.norm(tip - bone.head_center - BowedFemur(shape).greater_trochanter_tip) < 5.0


def test_a_usual_bow_taken_off_leaves_the_whole_spans_line_and_mends_a_parts() -> None:
    axis = np.array([0.0, 0.0, 1.0])
    neck = np.array([-1.0, 0.0, 1.0]) / np.sqrt(2.0)
    bow = usual_bow(neck, axis)
    assert np.allclose(bow, [BOW_LATERAL_PER_MM, BOW_FORWARD_PER_MM, 0.0])
    for length, straight_off in ((100.0, 0.0), (20.0, 40.0)):
        heights = -60.0 - np.linspace(0.0, length, 21)
        straight = np.outer(heights, axis)
        bowed = straight - 0.5 * ((heights + 110.0) ** 2)[:, None] * bow
        for centroids, off in ((bowed, 0.0), (straight, float(np.degrees(straight_off * np.linalg.norm(bow))))):
            line = robust_line(straightened(centroids, heights, -60.0, bow), heights)[1]
            assert degrees_between(line, axis) == pytest.approx(off, abs=0.2 if off else 0.05), (length, off)


def test_the_range_of_a_fitted_shaft_falls_with_what_is_in_view() -> None:
    ranges = [fitted_range_deg(length) for length in (10.0, 20.0, 60.0, 99.0, 100.0, 140.0)]
    assert ranges == [SHORT_RANGE_DEG, SHORT_RANGE_DEG, 2.25, pytest.approx(1.03, abs=0.01), 0.0, 0.0]
