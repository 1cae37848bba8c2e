"""Head and neck zones: the kernels and the recalculation, which keep their own numbers, agree with the one place."""

from __future__ import annotations

import numpy as np
import pytest

from corecore.base.spec import Spec
from corecore.hip.anatomy.zones import HEAD_PLANE_RADII, NECK_END_RADII, NECK_SECTION_RADII, QUARTER_HALF_DEG
from corecore.hip.hip import Hip
from corecore.planning.search.line_geometry import margin_at
from corecore.planning.search.problem import build_problem
from corecore.tunnels.limits import Reason
from corecore.verification import frame, landmarks


def test_the_recalculation_has_the_same_zones() -> None:
    assert frame.HEAD_PLANE_RADII == HEAD_PLANE_RADII
    assert frame.NECK_END_RADII == NECK_END_RADII
    assert frame.QUARTER_HALF_DEG == QUARTER_HALF_DEG
    assert (landmarks.NECK_FROM_RADII, landmarks.NECK_TO_RADII) == NECK_SECTION_RADII


@pytest.mark.parametrize("off", [-0.02, 0.02])
def test_the_search_changes_margin_where_the_zones_do(sample_hip: Hip, off: float) -> None:
    anatomy, problem = sample_hip.anatomy, build_problem(sample_hip, Spec())
    axis, middle, radius = anatomy.neck_axis, anatomy.posterosuperior, anatomy.head_radius_mm
    side = np.cross(axis, middle)

    def reason(along: float, turn_deg: float, away: float = 0.3) -> int:
        turn = np.radians(turn_deg)
        across = np.cos(turn) * middle + np.sin(turn) * side
        point = anatomy.head_center + radius * (-along * axis + away * across)
        told = int(margin_at(problem, *point)[1])
        assert (told == Reason.JOINT) is bool(anatomy.proximal_of_head_plane(point[None])[0])
        if told != Reason.JOINT:
            assert (told == Reason.POSTEROSUPERIOR) is bool(anatomy.in_posterosuperior_quarter(point[None])[0])
        return told

    inside, outside = off < 0.0, off > 0.0
    assert (reason(HEAD_PLANE_RADII + off, 0.0) == Reason.JOINT) is inside
    assert (reason(HEAD_PLANE_RADII + off, 0.0) == Reason.POSTEROSUPERIOR) is outside
    # The plane alone decides: also beside the sphere.
    assert (reason(HEAD_PLANE_RADII + off, 0.0, 1.2) == Reason.JOINT) is inside
    assert (reason(NECK_END_RADII + off, 0.0) == Reason.POSTEROSUPERIOR) is inside
    for sign in (-1.0, 1.0):
        at = reason(0.5 * (HEAD_PLANE_RADII + NECK_END_RADII), sign * (QUARTER_HALF_DEG + 50.0 * off))
        assert at == (Reason.POSTEROSUPERIOR if inside else Reason.CORTICAL)
