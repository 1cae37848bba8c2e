"""A flattened head is measured; a round one, a real one and one whose fovea is deep are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from support.signs_phantom import flattened, sound_hip

from corecore.hip.head_surface import FOVEA
from corecore.measures.signs.collapse import (
    LIMIT_MM,
    Collapse,
    depressions,
    judged_directions,
    measure_collapse,
)


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
    rays = judged_directions(hip)
    cosine = rays @ axis
    near = cosine > np.cos(np.radians(20.0))
    local = rays[near] @ hip.anatomy.femoral_from_local[:3, :3]
    depth, known = depressions(hip, local)
    radius = hip.anatomy.head_radius_mm
    assert known.all()
    assert np.sqrt(np.mean((depth - (radius - (radius - 3.0) / cosine[near])) ** 2)) < 0.4


def test_the_fovea_is_not_looked_at() -> None:
    rays = judged_directions(sound_hip())
    fovea = np.asarray(FOVEA) / np.linalg.norm(FOVEA)
    assert np.degrees(np.arccos(rays @ fovea)).min() >= 35.0
    assert rays[:, 2].min() >= 0.2


def test_a_head_uneven_everywhere_needs_more_than_that_over_its_lesion() -> None:
    hip = sound_hip()
    even = measure_collapse(hip)
    assert even.rest_p95_mm is not None
    assert Collapse(1.6, 0.3, 0.4, LIMIT_MM, None).found
    assert not Collapse(1.6, 1.0, 1.4, 1.75, None).found
    assert Collapse(None, None, None, LIMIT_MM, None).warning is None
