"""Where the lesion lies: JIC, ARCO and pillar types either side of every limit, in a ball for a head."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from support.head_phantom import ball_hip, cone

from corecore.base.distance_field import bone_from_voxels
from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Grid, Mask
from corecore.base.spec import Spec
from corecore.hip.anatomy.acetabulum import Acetabulum, from_population
from corecore.hip.hip import Hip
from corecore.hip.lesion import outline_of, sampled
from corecore.measures.arcs import Arc, involved_arc, mid_planes
from corecore.measures.jic import (
    acetabulum_of,
    arco_type,
    jic_type,
    lateral_end,
    measure_arco,
    measure_jic,
    measure_lateral_pillar,
    pillar_type,
)
from corecore.measures.model import measure
from corecore.measures.necrosis import Necrosis, necrosis_of
from corecore.study.phantom.pelvis import PelvisShape, pelvis_on_grid
from corecore.study.phantom.pose import Pose

RADIUS = 24.0
CENTER = np.array([28.2, 28.6, 27.7])
SHAPE = (58, 58, 58)
#: Clear of a limit by this much, degrees: the lesion's own edge on 1 mm voxels is read within 1°.
CLEAR_DEG = 1.2
NECK = np.array([-0.6, 0.0, 0.8])


@pytest.fixture(scope="module", params=[0, 1, 2])
def ball(request: pytest.FixtureRequest, sample_hip: Hip) -> Necrosis:
    """A head of closed form, its frame turned three ways against the voxels."""
    turn = np.linalg.qr(np.random.default_rng(request.param).standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    index = np.moveaxis(np.indices(SHAPE, dtype=float), 0, -1)
    voxels = np.linalg.norm(index - CENTER, axis=-1) <= RADIUS
    anatomy = replace(
        sample_hip.anatomy, head_center=CENTER, head_radius_mm=RADIUS, x_axis=turn[0], shaft_axis=turn[2],
        neck_axis=NECK @ turn,
    )  # fmt: skip
    bone = bone_from_voxels(voxels, np.ones(3), open_faces=np.zeros((3, 2), dtype=bool))
    mask = Mask(Grid(SHAPE, np.eye(4)), voxels)
    hip = replace(
        sample_hip, bone=bone, bone_mask=mask, anatomy=anatomy, lesion=sampled(mask), world_from_local=np.eye(4)
    )
    return necrosis_of(hip, Spec())


def femoral(necrosis: Necrosis) -> FloatArray:
    """Every voxel's centre in the femoral frame."""
    index = np.moveaxis(np.indices(SHAPE, dtype=float), 0, -1) - CENTER
    return np.asarray(index @ necrosis.hip.anatomy.femoral_from_local[:3, :3].T)


def dead(necrosis: Necrosis, inside: BoolArray) -> tuple[Necrosis, Arc]:
    """The head with a lesion of voxels, and the lesion's mid-coronal arc."""
    mask = necrosis.hip.bone_mask
    found = necrosis.of(sampled(Mask(mask.grid, inside & mask.voxels)))
    return found, involved_arc(found, mid_planes(found).coronal)


def wedge(necrosis: Necrosis, lateral_deg: float, half_deg: float = 20.0) -> tuple[Necrosis, Arc]:
    """A cone from the centre whose lateral edge in the mid-coronal plane lies at ``lateral_deg``."""
    at = femoral(necrosis)
    turn = np.radians(lateral_deg - half_deg)
    along = at @ np.array([np.sin(turn), 0.0, np.cos(turn)])
    return dead(necrosis, along >= np.cos(np.radians(half_deg)) * np.linalg.norm(at, axis=-1))


@pytest.fixture
def acetabulum(ball: Necrosis) -> Acetabulum:
    """Middle at -45°, edge at +30°: the thirds at -20 and +5°; the vertical at -6°."""
    return replace(from_population(ball.hip.anatomy), edge_deg=30.0, middle_deg=-45.0, basis="landmarks")


@pytest.mark.parametrize(
    ("limit_deg", "medial", "lateral"), [(-45.0, "A", "A"), (-20.0, "A", "B"), (5.0, "B", "C1"), (30.0, "C1", "C2")]
)
def test_jic_types_either_side_of_each_limit(
    ball: Necrosis, acetabulum: Acetabulum, limit_deg: float, medial: str, lateral: str
) -> None:
    for sign, letter in ((-1.0, medial), (1.0, lateral)):
        edge = limit_deg + sign * CLEAR_DEG
        found = measure_jic(*wedge(ball, edge), acetabulum)
        assert found.lesion_deg == pytest.approx(edge, abs=1.0)
        assert found.covered_share == pytest.approx((edge + 45.0) / 75.0, abs=1.0 / 75.0)
        assert found.type == letter
        assert found.seen_at == "surface"
        assert found.basis == "landmarks"


@pytest.mark.parametrize(("limit_deg", "medial", "lateral"), [(-6.0, 1, 2), (30.0, 2, 3)])
def test_arco_types_either_side_of_apex_and_edge(
    ball: Necrosis, acetabulum: Acetabulum, limit_deg: float, medial: int, lateral: int
) -> None:
    for sign, number in ((-1.0, medial), (1.0, lateral)):
        found = measure_arco(*wedge(ball, limit_deg + sign * CLEAR_DEG), acetabulum)
        assert found.type == number
        assert not found.confirmed


def test_limits_belong_to_the_next_type() -> None:
    assert [jic_type(share) for share in (-0.5, 0.33, 1 / 3, 0.66, 2 / 3, 0.99, 1.0, 1.4)] == [
        "A", "A", "B", "B", "C1", "C1", "C2", "C2",
    ]  # fmt: skip
    assert [arco_type(angle, -6.0, 30.0) for angle in (-6.0, -5.9, 29.9, 30.0)] == [1, 2, 2, 3]


def test_a_lesion_only_where_no_weight_is_borne_is_of_type_a(ball: Necrosis, acetabulum: Acetabulum) -> None:
    found = measure_jic(*wedge(ball, -60.0, 15.0), acetabulum)
    assert found.type == "A"
    assert found.covered_share == pytest.approx(-15.0 / 75.0, abs=0.02)


def test_the_whole_head_reaches_beyond_the_edge(ball: Necrosis, acetabulum: Acetabulum) -> None:
    """The head ends at the plane 0.5 R from its centre: at 180° - 36.87° - 60° lateral."""
    lesion, arc = dead(ball, np.ones(SHAPE, dtype=bool))
    found = measure_jic(lesion, arc, acetabulum)
    assert found.type == "C2"
    assert found.lesion_deg == pytest.approx(120.0 - np.degrees(np.arctan2(0.6, 0.8)), abs=1.0)
    assert measure_arco(lesion, arc, acetabulum).type == 3


def test_the_most_lateral_of_two_foci_decides(ball: Necrosis, acetabulum: Acetabulum) -> None:
    at = femoral(ball)
    size = np.linalg.norm(at, axis=-1)
    inside = np.zeros(SHAPE, dtype=bool)
    for angle in (-60.0, 10.0):
        axis = np.array([np.sin(np.radians(angle)), 0.0, np.cos(np.radians(angle))])
        inside |= at @ axis >= np.cos(np.radians(12.0)) * size
    found = measure_jic(*dead(ball, inside), acetabulum)
    assert found.lesion_deg == pytest.approx(22.0, abs=1.0)
    assert found.type == "C1"


def test_a_deep_lesion_is_judged_by_where_it_lies_in_the_plane(ball: Necrosis, acetabulum: Acetabulum) -> None:
    """A ball of radius r at distance d is seen from the centre to asin(r / d) on either side."""
    place = 13.0 * np.array([np.sin(-0.3), 0.0, np.cos(-0.3)])
    lesion, arc = dead(ball, np.linalg.norm(femoral(ball) - place, axis=-1) <= 4.0)
    assert arc.last_deg is None
    found = measure_jic(lesion, arc, acetabulum)
    exact = np.degrees(-0.3 + np.arcsin(4.0 / 13.0))
    assert found.lesion_deg == pytest.approx(exact, abs=3.0)
    assert (found.type, found.seen_at) == ("B", "depth")


def test_a_lesion_off_the_plane_has_no_type(ball: Necrosis, acetabulum: Acetabulum) -> None:
    lesion, arc = dead(ball, femoral(ball)[..., 1] > 10.0)
    found = measure_jic(lesion, arc, acetabulum)
    assert (found.type, found.covered_share, found.lesion_deg, found.seen_at) == (None, None, None, None)
    assert measure_arco(lesion, arc, acetabulum).type is None
    pillars = measure_lateral_pillar(lesion)
    assert pillars.type is None
    assert (pillars.medial_share, pillars.central_share, pillars.lateral_share) == (0.0, 0.0, 0.0)


def test_an_outline_moved_in_until_nothing_is_left_has_no_type(ball: Necrosis, acetabulum: Acetabulum) -> None:
    lesion, _ = dead(ball, np.linalg.norm(femoral(ball) - [0.0, 0.0, 18.0], axis=-1) <= 2.5)
    gone = lesion.of(outline_of(lesion.lesion, ball.hip.bone).moved(-6.0))
    assert len(gone.lesion.points_mm) == 0
    arc = involved_arc(gone, mid_planes(gone).coronal)
    assert measure_jic(gone, arc, acetabulum).type is None
    assert measure_arco(gone, arc, acetabulum).type is None
    assert measure_lateral_pillar(gone).type is None


def test_an_arc_told_on_another_turn_is_the_same_end(ball: Necrosis) -> None:
    lesion, _ = wedge(ball, 0.0)
    arc = Arc(20.0, 20.0, 170.0, 190.0, -170.0, 80.0)
    assert lateral_end(lesion, arc).angle_deg == pytest.approx(-170.0)
    assert lateral_end(lesion, replace(arc, first_deg=-190.0, last_deg=-170.0)).angle_deg == pytest.approx(-170.0)


def segment(from_radii: float) -> float:
    """Area of a circle beyond a chord, in squared radii."""
    return float(np.arccos(from_radii) - from_radii * np.sqrt(1.0 - from_radii**2))


def test_a_pillars_share_is_that_of_circle_segments(ball: Necrosis) -> None:
    """The medial pillar lies beyond the chord at 0.4 R and clear of the neck's plane."""
    lesion, _ = dead(ball, femoral(ball)[..., 0] < -0.7 * RADIUS)
    found = measure_lateral_pillar(lesion)
    assert found.medial_share == pytest.approx(segment(0.7) / segment(0.4), abs=0.03)
    assert found.type == "M"
    assert not found.confirmed


@pytest.mark.parametrize(
    ("low", "high", "letter"),
    [(-1.1, -0.45, "M"), (-1.1, -0.3, "C"), (-1.1, 0.5, "L1"), (0.2, 1.1, "L2"), (-0.3, 1.1, "L2"), (-1.1, 1.1, "L3")],
)
def test_pillar_types(ball: Necrosis, low: float, high: float, letter: str) -> None:
    """Slabs across the head between two heights of x, in head radii."""
    x = femoral(ball)[..., 0] / RADIUS
    assert measure_lateral_pillar(dead(ball, (x > low) & (x < high))[0]).type == letter


def test_pillar_widths_are_a_parameter(ball: Necrosis) -> None:
    x = femoral(ball)[..., 0] / RADIUS
    lesion, _ = dead(ball, x < -0.3)
    assert measure_lateral_pillar(lesion).type == "C"
    assert measure_lateral_pillar(lesion, widths=(0.4, 0.3, 0.3)).type == "M"
    for widths in ((0.5, 0.5, 0.5), (1.0, 0.0, 0.0), (float("nan"), 0.5, 0.5)):
        with pytest.raises(InputError, match="pillar widths"):
            measure_lateral_pillar(lesion, widths=widths)


def test_pillar_rule() -> None:
    assert pillar_type(0.0, 0.0, 0.0) is None
    assert pillar_type(0.0, 0.0, 0.3) == "L1"
    assert pillar_type(0.5, 1.0, 1.0) == "L2"
    assert pillar_type(1.0, 1.0, 0.5) == "L1"


def test_figures_go_into_json(ball: Necrosis, acetabulum: Acetabulum) -> None:
    lesion, arc = wedge(ball, 10.0)
    for table in (
        asdict(measure_jic(lesion, arc, acetabulum)),
        asdict(measure_arco(lesion, arc, acetabulum)),
        asdict(measure_lateral_pillar(lesion)),
    ):
        assert all(isinstance(v, str | int | float | bool | tuple | None) for v in table.values())


@pytest.mark.parametrize(("third", "medial", "lateral"), [(1, "A", "B"), (2, "B", "C1"), (3, "C1", "C2")])
def test_a_mask_of_the_pelvis_decides_the_type(ball: Necrosis, third: int, medial: str, lateral: str) -> None:
    """Closed-form lesions either side of the limits of a closed-form hip bone, both on 1 mm voxels."""
    anatomy = ball.hip.anatomy
    shape = PelvisShape(head_radius_mm=RADIUS)
    pose = Pose((CENTER[0], CENTER[1], CENTER[2]))
    pelvis = pelvis_on_grid(shape, pose, "right")
    # The hip bone in the femur's own frame, on the turned voxels that the head lies on.
    local_from_femoral = np.linalg.inv(anatomy.femoral_from_local)
    world_from_femoral = local_from_femoral @ np.linalg.inv(pelvis.world_from_pelvis)
    found = acetabulum_of(ball.hip, Mask(pelvis.mask.grid.moved(world_from_femoral), pelvis.mask.voxels))
    edge, teardrop = shape.edge_mm()[[0, 2]], shape.teardrop_point_mm()[[0, 2]]
    along = (edge - teardrop) / np.linalg.norm(edge - teardrop)
    beside = float(0.5 * (edge + teardrop) @ along)
    middle_deg = np.degrees(np.arctan2(-along[1], along[0]) + np.arcsin(beside / shape.radius_mm))
    limit = middle_deg + third / 3.0 * (shape.center_edge_deg - middle_deg)
    assert found.edge_deg == pytest.approx(shape.center_edge_deg, abs=1.0)
    assert found.middle_deg == pytest.approx(middle_deg, abs=1.0)
    assert measure_jic(*wedge(ball, limit - 2.0), found).type == medial
    assert measure_jic(*wedge(ball, limit + 2.0), found).type == lateral


def test_both_types_are_named_where_the_outline_leaves_it_open(sample_hip: Hip) -> None:
    """A cone whose lateral end lies 0.5° short of the edge: C1, and C2 with its outline half a voxel out."""
    head = ball_hip(sample_hip, 4)
    edge = from_population(head.anatomy).edge_deg
    acetabulum = replace(from_population(head.anatomy), basis="landmarks")
    for short, wanted in ((0.5, ["C2", "C1"]), (12.0, ["C1"])):
        found = measure(cone(head, np.array([0.0, 0.0, 1.0]), edge - short), Spec())
        assert found.figures.jic.type == "C1"
        assert found.classes["jic.type"].range == ["C2", "C1"]
        assert "acetabular edge of a population" in found.classes["jic.type"].because
        # The same with an acetabulum that is known: the outline alone decides.
        known = replace(
            found,
            acetabulum=acetabulum,
            figures=replace(found.figures, jic=replace(found.figures.jic, basis="landmarks")),
        )
        assert known.classes["jic.type"].range == wanted
