"""A flattened head is measured; a round one, a real one and one whose fovea is deep are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from support.signs_phantom import dented, flattened, sound_hip

from corecore.base.grid import FloatArray
from corecore.hip.anatomy.head import directions
from corecore.hip.head_surface import FOVEA, FOVEA_HALF_ANGLE_DEG, Fovea, disc_means, find_fovea
from corecore.measures.signs.collapse import LIMIT_MM, Collapse, depressions, measure_collapse
from corecore.measures.weight_bearing import GAIT_POLE


@pytest.mark.parametrize("depth_mm", [2.0, pytest.param(3.0, marks=pytest.mark.slow), 4.0])
def test_a_flattened_cap_is_measured_within_half_a_millimetre(depth_mm: float) -> None:
    hip = flattened(depth_mm)
    found = measure_collapse(hip)
    assert found.over_lesion_mm is not None
    assert found.over_lesion_mm == pytest.approx(depth_mm, abs=0.5)
    assert found.found
    assert found.warning is not None
    assert ("above" in found.warning.text) == (found.over_lesion_mm > 2.0)
    # The rest of the head keeps its shape, and the deepest place lies in the middle of the cut.
    assert found.rest_p95_mm is not None
    assert found.rest_p95_mm < 0.5
    assert found.direction is not None
    assert np.linalg.norm(np.array([-0.10, 0.45, 0.89]) - found.direction) < 0.2


def test_the_sphere_stays_where_the_cap_was() -> None:
    flat, round_ = flattened(4.0).anatomy, sound_hip("right", 1.0).anatomy
    assert np.linalg.norm(flat.head_center - round_.head_center) < 0.5
    assert flat.head_radius_mm == pytest.approx(round_.head_radius_mm, abs=0.5)


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_round_head_has_no_depression(side: str) -> None:
    found = measure_collapse(sound_hip(side))
    assert found.warning is None
    assert found.over_lesion_mm is not None
    assert found.over_lesion_mm < 0.4
    assert found.limit_mm == pytest.approx(LIMIT_MM)


def test_rays_measure_the_cut_in_closed_form() -> None:
    """On the plane at R - d, the ray at angle t from the axis lies R - (R - d)/cos t below the sphere."""
    hip = flattened(3.0)
    axis = np.array([-0.10, 0.45, 0.89])
    axis /= np.linalg.norm(axis)
    rays = directions(3000)
    cosine = rays @ axis
    near = cosine > np.cos(np.radians(20.0))
    local = rays[near] @ hip.anatomy.femoral_from_local[:3, :3]
    depth, known = depressions(hip, local)
    radius = hip.anatomy.head_radius_mm
    assert known.all()
    assert np.sqrt(np.mean((depth - (radius - (radius - 3.0) / cosine[near])) ** 2)) < 0.4


R = 24.0
LATTICE = directions(3000)
#: Medial, a little inferior and posterior: 15° from the usual place.
PLACE = np.array([-0.97, -0.13, -0.12]) / np.linalg.norm([-0.97, -0.13, -0.12])
#: Superior, in the weight-bearing zone, away from the lesion of the synthetic hip.
LOADED = np.array([-0.35, -0.55, 0.76]) / np.linalg.norm([-0.35, -0.55, 0.76])


def pit(at: FloatArray, deep: float, wide: float) -> FloatArray:
    """How far a paraboloid's pit of that depth and radius, mm, lies below a sphere of 24 mm along each ray."""
    away = R * np.arccos(np.clip(LATTICE @ at, -1.0, 1.0))
    return np.asarray(deep * np.maximum(1.0 - (away / wide) ** 2, 0.0))


def fovea_of(*pits: FloatArray) -> Fovea:
    below = np.maximum.reduce([np.zeros(len(LATTICE)), *pits])
    return find_fovea(LATTICE, disc_means(LATTICE, below, R, len(LATTICE)), np.ones(len(LATTICE), dtype=bool), R)


def test_the_fovea_is_found_by_its_place_and_size() -> None:
    found = fovea_of(pit(PLACE, 2.5, 8.0), pit(LOADED, 4.0, 9.0))
    assert found.found
    assert np.degrees(np.arccos(PLACE @ found.direction)) < 2.0
    # A paraboloid lies as deep in the mean over a disc as at its root mean square distance.
    assert found.depth_mm == pytest.approx(2.5 * (1.0 - 0.5 * (3.0 / 8.0) ** 2), abs=0.1)
    assert found.covers(LATTICE)[pit(PLACE, 2.5, 8.0) > 0.0].all()
    assert not found.covers(LATTICE)[pit(LOADED, 4.0, 9.0) > 0.0].any()


@pytest.mark.parametrize(
    "below",
    [pit(LOADED, 2.5, 8.0), pit(PLACE, 2.5, 16.0), pit(PLACE, 7.0, 8.0), pit(PLACE, 0.6, 8.0), pit(PLACE, 2.5, 2.5)],
    ids=["elsewhere", "too wide", "too deep", "too shallow", "too small"],
)
def test_what_is_no_fovea_is_not_taken_for_one(below: FloatArray) -> None:
    found = fovea_of(below)
    assert not found.found
    assert found.half_angle_deg == FOVEA_HALF_ANGLE_DEG
    assert np.allclose(found.direction, np.asarray(FOVEA) / np.linalg.norm(FOVEA))


@pytest.mark.parametrize(
    ("fovea", "flat"), [(False, False), (True, False), (False, True), (True, True)],
    ids=["neither", "fovea", "flattening", "both"],
)  # fmt: skip
def test_fovea_and_flattening_are_told_apart_on_a_hip(fovea: bool, flat: bool) -> None:
    hip = dented([(PLACE, 3.0, 8.0)] * fovea + [(LOADED, 4.0, 10.0)] * flat)
    found = measure_collapse(hip)
    assert found.fovea.found == fovea
    if fovea:
        assert np.degrees(np.arccos(PLACE @ found.fovea.direction)) < 6.0
    assert (found.flattening is not None) == flat
    assert (found.flattening_mm is not None) == flat
    if found.flattening_direction is not None:
        assert np.degrees(np.arccos(LOADED @ found.flattening_direction)) < 12.0
    assert found.warning is None
    assert found.part().flattening_mm == (None if found.flattening_mm is None else round(found.flattening_mm, 2))
    assert found.fovea_part().source == ("found" if fovea else "assumed")


def test_a_dent_outside_the_weight_bearing_zone_is_no_flattening() -> None:
    anterior = np.array([-0.3, 0.95, 0.2]) / np.linalg.norm([-0.3, 0.95, 0.2])
    assert np.degrees(np.arccos(anterior @ np.asarray(GAIT_POLE) / np.linalg.norm(GAIT_POLE))) > 60.0
    assert measure_collapse(dented([(anterior, 4.0, 8.0)])).flattening is None


def test_a_head_uneven_everywhere_needs_more_than_that_over_its_lesion() -> None:
    hip = sound_hip()
    even = measure_collapse(hip)
    assert even.rest_p95_mm is not None
    none = (even.fovea, None, LIMIT_MM, None)
    assert Collapse(1.6, 0.3, 0.4, LIMIT_MM, None, *none).found
    assert not Collapse(1.6, 1.0, 1.4, 1.75, None, *none).found
    assert Collapse(None, None, None, LIMIT_MM, None, *none).warning is None
