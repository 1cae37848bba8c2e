"""Foci: by number, place, size and load; classes of location are the largest's alone."""

from __future__ import annotations

import numpy as np
import pytest
from support.head_phantom import RADIUS, ball_hip, cap_overlap, femoral, figures, with_lesion

from corecore.base.grid import Grid, Mask
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.hip.lesion import sampled
from corecore.measures.model import Measures, measure
from corecore.measures.weight_bearing import POLES

#: Middles of two balls in the femoral frame, mm: lateral, anterior, proximal.
FRONT, LOW = np.array([0.0, 10.0, 10.0]), np.array([-14.0, -2.0, -6.0])


@pytest.fixture(scope="module")
def head(sample_hip: Hip) -> Hip:
    return ball_hip(sample_hip, 4)


def balls(hip: Hip, *each: tuple[np.ndarray, float]) -> Hip:
    place = femoral(hip)
    return with_lesion(hip, np.any([np.linalg.norm(place - c, axis=-1) <= r for c, r in each], axis=0))


@pytest.fixture(scope="module")
def two(head: Hip) -> Measures:
    return measure(balls(head, (FRONT, 7.0), (LOW, 4.0)), Spec())


def test_two_balls_are_two_foci_each_with_its_volume_and_place(two: Measures) -> None:
    written = two.as_dict()
    first, second = written["components"]
    assert [first["number"], second["number"]] == [1, 2]
    assert first["volume_ml"] == pytest.approx(4 / 3 * np.pi * 0.343, rel=0.02)
    assert second["volume_ml"] == pytest.approx(4 / 3 * np.pi * 0.064, rel=0.04)
    assert first["volume_ml"] + second["volume_ml"] == pytest.approx(written["volume_ml"], abs=1e-9)
    assert first["fraction"] + second["fraction"] == pytest.approx(1.0)
    assert first["octant"][:2] == "AS"
    assert (second["octant"], second["place"]) == ("PIM", "posterior-inferior-medial")
    anatomy = two.necrosis.hip.anatomy
    for focus, middle in ((first, FRONT), (second, LOW)):
        expected = anatomy.head_center + middle @ anatomy.femoral_from_local[:3, :3]
        assert focus["centroid"] == pytest.approx(expected.tolist(), abs=0.2)


def test_a_focus_bears_what_it_lies_under(head: Hip) -> None:
    """Two cones down from the surface: the share of each is where its cap overlaps the weight-bearing one."""
    place = femoral(head)
    far = np.linalg.norm(place, axis=-1)
    axes = np.array([0.3, 0.5, 0.8]), np.array([-0.8, -0.3, 0.5])
    inside = [
        (place @ (a / np.linalg.norm(a)) >= np.cos(np.radians(w)) * far) for a, w in zip(axes, (25, 15), strict=True)
    ]
    written = measure(with_lesion(head, (inside[0] | inside[1]) & (far > 12.0)), Spec()).as_dict()
    for focus, axis, width in zip(written["components"], axes, (25.0, 15.0), strict=True):
        expected = cap_overlap(np.array(POLES["gait"]), 55.0, axis, width)
        assert focus["surface_fraction"] == pytest.approx(expected, abs=0.012)
    both = sum(focus["surface_fraction"] for focus in written["components"])
    assert both == pytest.approx(written["weight_bearing"]["surface_fraction"], abs=0.005)


def test_classes_of_location_are_the_largest_focus_alone(head: Hip, two: Measures) -> None:
    """The small focus meets the mid-coronal plane, the large one does not: no class, and the reason names which."""
    large, small = (figures(balls(head, one), Spec()) for one in ((FRONT, 7.0), (LOW, 4.0)))
    assert large.jic.type is None
    assert small.jic.type == "A"
    written = two.as_dict()
    assert written["jic"]["type"] is written["arco_type"]["type"] is written["lateral_pillar"]["type"] is None
    assert written["missing"]["jic.type"].startswith("the largest focus does not meet")
    assert "the largest focus" in written["missing"]["lateral_pillar.type"]
    told = {warning.code: warning.text for warning in two.warnings}
    assert "2 foci: 1 " in told["several_foci"]
    assert "2 posterior-inferior-medial 0.2" in told["several_foci"]


def test_a_second_focus_changes_no_class_of_the_first(head: Hip) -> None:
    """Negative twin: the largest meets the plane, and keeps its class and angle whatever lies beside it."""
    first = (np.array([0.0, 0.0, 16.0]), 6.0)
    alone = measure(balls(head, first), Spec())
    both = measure(balls(head, first, (np.array([17.0, 0.0, -4.0]), 3.0)), Spec())
    assert both.figures.jic == alone.figures.jic
    assert both.figures.arco == alone.figures.arco
    assert both.figures.lateral_pillar == alone.figures.lateral_pillar
    assert both.repeatability.half_voxel_classes["jic.type"] == alone.repeatability.half_voxel_classes["jic.type"]
    assert "another focus reaches further laterally" in both.classes["jic.type"].because
    assert both.classes["jic.type"].range[-1] == alone.classes["jic.type"].range[-1]
    assert "several_foci" not in {warning.code for warning in alone.warnings}
    assert len(alone.as_dict()["components"]) == 1


def test_voxels_that_touch_by_a_corner_are_one_focus() -> None:
    voxels = np.zeros((8, 8, 8), dtype=bool)
    voxels[1, 1, 1] = voxels[2, 2, 2] = voxels[5, 5, 5] = True
    lesion = sampled(Mask(Grid((8, 8, 8), np.eye(4)), voxels))
    assert lesion.focus_count == 2
    assert np.count_nonzero(lesion.focus_numbers == 1) == 2 * np.count_nonzero(lesion.focus_numbers == 2)
    assert lesion.focus(2).centroid_mm == pytest.approx([5.0, 5.0, 5.0])
    assert lesion.focus(2).mask.volume_ml == pytest.approx(0.001)


def test_what_was_cut_off_the_lesion_is_in_no_focus() -> None:
    voxels = np.zeros((12, 8, 8), dtype=bool)
    voxels[1:4, 2:5, 2:5] = voxels[6:11, 2:5, 2:5] = True
    lesion = sampled(Mask(Grid((12, 8, 8), np.eye(4)), voxels))
    assert [np.count_nonzero(lesion.focus_numbers == n) * lesion.point_ml for n in (1, 2)] == pytest.approx(
        [0.045, 0.027]
    )
    cut = lesion.kept(lesion.points_mm[:, 0] < 6.5)
    # The second piece is the larger now, as one layer is left of the first.
    assert [np.count_nonzero(cut.focus_numbers == n) * cut.point_ml for n in (1, 2)] == pytest.approx([0.027, 0.009])
    assert lesion.kept(lesion.points_mm[:, 0] < 5.0).focus_count == 1


def test_a_ball_in_the_middle_of_the_head_has_a_place(head: Hip) -> None:
    """All directions at once: its centre of mass may lie anywhere about the head's centre, but it has an octant."""
    found = measure(balls(head, (np.zeros(3), RADIUS / 4)), Spec()).as_dict()["components"]
    assert len(found) == 1
    assert found[0]["surface_fraction"] == 0.0
