"""The acetabulum: edge, teardrop and middle against closed forms, from a mask, from landmarks, from a population."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.shared import shared

from corecore.base.errors import AnatomyError, InputError
from corecore.base.grid import FloatArray, Mask, transform
from corecore.hip.anatomy.acetabulum import (
    VERTICAL_DEG,
    angle_deg,
    bisector_deg,
    from_landmarks,
    from_points,
    from_population,
    in_plane,
)
from corecore.hip.anatomy.landmarks import read_landmarks
from corecore.hip.anatomy.model import Landmarks
from corecore.hip.anatomy.pelvis import SLAB_MM
from corecore.hip.case import load_case
from corecore.hip.hip import Hip
from corecore.measures.jic import acetabulum_of
from corecore.study.phantom.pelvis import PelvisOnGrid, PelvisShape, pelvis_on_grid
from corecore.study.phantom.pose import Pose
from corecore.study.phantom.sampling import euler_rotation

SAMPLES = Path(__file__).resolve().parents[2] / "sample_volumes"
#: Voxel axes of the pelvis mask, turned about x, y, z against the world.
TURNS = [(0.0, 0.0, 0.0), (20.0, -15.0, 30.0), (-25.0, 10.0, -20.0), (0.0, 0.0, 45.0)]


@pytest.fixture(scope="module")
def left_hip() -> Hip:
    path = SAMPLES / "left_small.nii.gz"
    return shared.build_hip(load_case(f"{path}:1", f"{path}:2"))


def around(hip: Hip, shape: PelvisShape, *, turn: tuple[float, float, float] = (0.0, 0.0, 0.0), seed: int = 0,
           spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> PelvisOnGrid:  # fmt: skip
    """A hip bone about a hip's head, itself turned a little against the femur and on a grid of its own."""
    center = hip.to_world(hip.anatomy.head_center) * (-1.0 if hip.side == "left" else 1.0, 1.0, 1.0)
    pose = Pose((center[0], center[1], center[2]), flexion_deg=3.0, adduction_deg=-2.0, internal_rotation_deg=5.0)
    return pelvis_on_grid(
        shape, pose, hip.side, spacing_mm=spacing, rotation=euler_rotation(turn),
        shift=np.random.default_rng(seed).random(3),
    )  # fmt: skip


def truth(hip: Hip, pelvis: PelvisOnGrid) -> tuple[FloatArray, FloatArray]:
    """Edge and teardrop in the hip's mid-coronal plane, local mm."""
    normal = hip.direction_to_world(hip.anatomy.y_axis) @ pelvis.world_from_pelvis[:3, :3]
    edge, teardrop = pelvis.shape.edge_mm(normal), pelvis.shape.teardrop_point_mm(normal)
    return (
        hip.to_local(transform(pelvis.world_from_pelvis, edge)),
        hip.to_local(transform(pelvis.world_from_pelvis, teardrop)),
    )


def shape_of(hip: Hip, **changes: float) -> PelvisShape:
    return PelvisShape(head_radius_mm=hip.anatomy.head_radius_mm, **changes)  # type: ignore[arg-type]


def test_the_bisector_through_the_centre_is_square_on_the_line() -> None:
    """Edge and teardrop equally far from the centre: the bisector passes through it."""
    edge = 27.0 * np.array([np.sin(0.6), np.cos(0.6)])
    teardrop = 27.0 * np.array([np.sin(-2.0), np.cos(-2.0)])
    assert bisector_deg(edge, teardrop, 27.0) == pytest.approx(np.degrees(0.5 * (0.6 - 2.0)))


@pytest.mark.parametrize("missed_mm", [0.0, 2.0, 4.0])
def test_a_bisector_that_misses_the_centre_moves_the_middle_by_an_arcsine(missed_mm: float) -> None:
    """A line ET at 38.8° from horizontal, its middle ``missed_mm`` medial: -(38.8° + asin(e / r))."""
    slope = np.radians(38.8)
    along = np.array([np.cos(slope), np.sin(slope)])
    across = np.array([-np.sin(slope), np.cos(slope)])
    middle = -missed_mm * along - 7.0 * across
    found = bisector_deg(middle + 30.0 * along, middle - 30.0 * along, 26.0)
    assert found == pytest.approx(-(38.8 + np.degrees(np.arcsin(missed_mm / 26.0))))


def test_a_bisector_beside_the_circle_meets_nothing() -> None:
    assert bisector_deg(np.array([80.0, 80.0]), np.array([40.0, 40.0]), 26.0) is None
    assert bisector_deg(np.array([8.0, 8.0]), np.array([8.0, 8.0]), 26.0) is None


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("center_edge", [20.0, 36.0, 45.0])
@pytest.mark.parametrize("side", ["right", "left"])
def test_edge_teardrop_and_middle_are_found_on_a_mask(
    sample_hip: Hip, left_hip: Hip, side: str, center_edge: float, turn: tuple[float, float, float]
) -> None:
    hip = left_hip if side == "left" else sample_hip
    shape = shape_of(hip, center_edge_deg=center_edge)
    pelvis = around(hip, shape, turn=turn, seed=int(center_edge))
    edge, teardrop = truth(hip, pelvis)
    exact = from_points(hip.anatomy, edge, teardrop, shape.radius_mm, "pelvis")
    found = acetabulum_of(hip, pelvis.mask)
    assert found.basis == "pelvis"
    assert found.warnings == ()
    assert found.edge_mm is not None
    assert found.teardrop_mm is not None
    assert np.linalg.norm(found.edge_mm - edge) < 0.5
    assert np.linalg.norm(found.teardrop_mm - teardrop) < 1.0
    assert found.radius_mm == pytest.approx(shape.radius_mm, abs=0.3)
    assert found.edge_deg == pytest.approx(exact.edge_deg, abs=0.5)
    assert found.middle_deg == pytest.approx(exact.middle_deg, abs=1.0)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (0.8, 0.8, 3.0), (3.0, 0.8, 0.8)])
def test_coarse_and_thick_voxels_cost_two_degrees_at_most(sample_hip: Hip, spacing: tuple[float, float, float]) -> None:
    shape = shape_of(sample_hip)
    pelvis = around(sample_hip, shape, turn=TURNS[1], spacing=spacing)
    exact = from_points(sample_hip.anatomy, *truth(sample_hip, pelvis), shape.radius_mm, "pelvis")
    found = acetabulum_of(sample_hip, pelvis.mask)
    assert found.basis == "pelvis"
    assert found.edge_deg == pytest.approx(exact.edge_deg, abs=2.0)
    assert found.middle_deg == pytest.approx(exact.middle_deg, abs=2.0)


def test_the_mirrored_hip_has_the_mirrored_acetabulum(sample_hip: Hip) -> None:
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    pelvis = around(sample_hip, shape_of(sample_hip), turn=TURNS[2]).mask
    other = replace(sample_hip, side="left", world_from_local=mirror @ sample_hip.world_from_local)
    right = acetabulum_of(sample_hip, pelvis)
    left = acetabulum_of(other, Mask(pelvis.grid.moved(mirror), pelvis.voxels))
    assert left.edge_deg == pytest.approx(right.edge_deg, abs=1e-9)
    assert left.middle_deg == pytest.approx(right.middle_deg, abs=1e-9)


def test_a_patient_who_turns_takes_the_acetabulum_along(sample_hip: Hip) -> None:
    moved = np.eye(4)
    moved[:3, :3] = euler_rotation([35.0, -50.0, 80.0])
    moved[:3, 3] = [12.0, -70.0, 33.0]
    pelvis = around(sample_hip, shape_of(sample_hip)).mask
    other = replace(sample_hip, world_from_local=moved @ sample_hip.world_from_local)
    here, there = acetabulum_of(sample_hip, pelvis), acetabulum_of(other, Mask(pelvis.grid.moved(moved), pelvis.voxels))
    assert there.edge_deg == pytest.approx(here.edge_deg, abs=1e-6)
    assert there.middle_deg == pytest.approx(here.middle_deg, abs=1e-6)


def test_the_other_hip_and_other_bones_do_no_harm(sample_hip: Hip) -> None:
    one = around(sample_hip, shape_of(sample_hip)).mask
    voxels = np.zeros((2 * one.grid.shape[0] + 90, *one.grid.shape[1:]), dtype=bool)
    # The mirror image lies to the patient's left, towards lower x; a bridge of bone stands for the sacrum.
    voxels[: one.grid.shape[0]] = one.voxels[::-1]
    voxels[-one.grid.shape[0] :] = one.voxels
    voxels[one.grid.shape[0] : -one.grid.shape[0], :20, -40:] = True
    both = Mask(one.grid.cropped((-one.grid.shape[0] - 90, 0, 0), one.grid.shape), voxels)
    alone, together = acetabulum_of(sample_hip, one), acetabulum_of(sample_hip, both)
    assert together.edge_deg == pytest.approx(alone.edge_deg, abs=1e-9)
    assert together.middle_deg == pytest.approx(alone.middle_deg, abs=1e-9)


def test_the_pelvis_of_the_other_side_is_refused(sample_hip: Hip, left_hip: Hip) -> None:
    far = around(sample_hip, shape_of(sample_hip)).mask
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    index = np.array(far.grid.shape)
    # In one volume with the head: the grid goes on, the bone does not.
    wide = Mask(far.grid.moved(mirror).cropped((0, 0, 0), index), far.voxels)
    pad = [(0, 250), (0, 0), (0, 0)] if wide.grid.world_from_index[0, 0] > 0 else [(250, 0), (0, 0), (0, 0)]
    start = (-pad[0][0], 0, 0)
    wide = Mask(wide.grid.cropped(start, index + np.array([pad[0][1], 0, 0])), np.pad(wide.voxels, pad))
    with pytest.raises(AnatomyError, match="no bone within 25 mm"):
        acetabulum_of(sample_hip, wide)


def test_an_empty_mask_is_no_pelvis(sample_hip: Hip) -> None:
    femur = sample_hip.case.femur
    with pytest.raises(AnatomyError, match="no bone within 25 mm"):
        acetabulum_of(sample_hip, Mask(femur.grid, np.zeros_like(femur.voxels)))


def test_a_mask_in_another_frame_is_refused(sample_hip: Hip) -> None:
    """Far away, and 20 mm too low: bone about the head, no roof above it."""
    pelvis = around(sample_hip, shape_of(sample_hip)).mask
    for up_mm, word in ((400.0, "no bone within 25 mm"), (-60.0, "of the head's dome")):
        shift = np.eye(4)
        shift[2, 3] = up_mm
        if up_mm < 0.0:
            # Without its wing, so that none of it lies above the head.
            index = np.array(pelvis.grid.shape)
            top = int(transform(pelvis.grid.index_from_world, sample_hip.to_world(sample_hip.anatomy.head_center))[2])
            voxels = np.pad(pelvis.voxels[:, :, : top + 36], ((0, 0), (0, 0), (0, 120)))
            pelvis = Mask(pelvis.grid.cropped((0, 0, 0), [index[0], index[1], top + 156]), voxels)
        with pytest.raises(AnatomyError, match=word):
            acetabulum_of(sample_hip, Mask(pelvis.grid.moved(shift), pelvis.voxels))


def test_masks_that_overlap_are_told(sample_hip: Hip) -> None:
    found = acetabulum_of(sample_hip, around(sample_hip, shape_of(sample_hip, gap_mm=-1.5)).mask)
    assert found.basis == "pelvis"
    assert [c.code for c in found.warnings] == ["pelvis_touches_head"]
    assert "-1.5 mm from the head" in found.warnings[0].text


def cut(pelvis: Mask, first: tuple[float, float, float]) -> Mask:
    """The part of an unturned mask from a world position on."""
    start = np.clip(np.rint(transform(pelvis.grid.index_from_world, np.array(first))), 0, None).astype(int)
    return pelvis.cropped(start, np.array(pelvis.grid.shape))


def test_a_scan_that_ends_before_the_edge_says_nothing_of_place(sample_hip: Hip) -> None:
    pelvis = around(sample_hip, shape_of(sample_hip)).mask
    center = sample_hip.to_world(sample_hip.anatomy.head_center)
    narrow = pelvis.cropped((0, 0, 0), [int(transform(pelvis.grid.index_from_world, center + 10.0 * np.eye(3)[0])[0]),
                                        *pelvis.grid.shape[1:]])  # fmt: skip
    found = acetabulum_of(sample_hip, narrow)
    assert found.basis == "population"
    assert [c.code for c in found.warnings] == ["acetabulum_not_in_view", "acetabulum_population"]


def test_a_teardrop_out_of_view_is_no_end_of_the_scan(sample_hip: Hip) -> None:
    shape = shape_of(sample_hip)
    pelvis = around(sample_hip, shape).mask
    center = sample_hip.to_world(sample_hip.anatomy.head_center)
    found = acetabulum_of(sample_hip, cut(pelvis, (-1e4, -1e4, center[2] - 12.0)))
    assert found.basis == "pelvis"
    assert found.teardrop_mm is None
    assert [c.code for c in found.warnings] == ["teardrop_population"]
    assert found.middle_deg == from_population(sample_hip.anatomy).middle_deg
    assert found.edge_deg == pytest.approx(acetabulum_of(sample_hip, pelvis).edge_deg, abs=0.5)


def test_a_wall_that_runs_on_down_has_no_teardrop(sample_hip: Hip) -> None:
    """As behind the notch, where the wall goes over into the ischium."""
    pelvis = around(sample_hip, shape_of(sample_hip)).mask
    center = sample_hip.to_world(sample_hip.anatomy.head_center)
    at = pelvis.grid.world_from_index[:3, 3] + np.moveaxis(np.indices(pelvis.grid.shape), 0, -1) - center
    post = (np.abs(at[..., 0] + 35.0) < 4.0) & (np.abs(at[..., 1]) < SLAB_MM + 6.0) & (at[..., 2] < -5.0)
    found = acetabulum_of(sample_hip, Mask(pelvis.grid, pelvis.voxels | post))
    assert found.teardrop_mm is None
    assert [c.code for c in found.warnings] == ["teardrop_population"]


def test_the_population_is_told_from_the_bodys_vertical(sample_hip: Hip) -> None:
    """Thirds of the arc at -14 and +11° from the vertical, which stands 6° medial of the shaft's axis."""
    found = from_population(sample_hip.anatomy)
    thirds = np.linspace(found.middle_deg, found.edge_deg, 4) - VERTICAL_DEG
    assert thirds == pytest.approx([-38.8, -13.8, 11.3, 36.3], abs=0.1)
    assert found.basis == "population"
    assert [c.code for c in found.warnings] == ["acetabulum_population"]


def with_landmarks(hip: Hip, **points: FloatArray) -> Hip:
    return replace(hip, case=replace(hip.case, landmarks=Landmarks(**points)))  # type: ignore[arg-type]


@pytest.mark.parametrize("side", ["right", "left"])
def test_landmarks_are_read_in_the_mid_coronal_plane(sample_hip: Hip, left_hip: Hip, side: str) -> None:
    hip = left_hip if side == "left" else sample_hip
    a = hip.anatomy
    edge = a.head_center + 27.0 * (np.sin(0.6) * a.x_axis + np.cos(0.6) * a.shaft_axis)
    teardrop = a.head_center + 27.0 * (np.sin(-2.0) * a.x_axis + np.cos(-2.0) * a.shaft_axis)
    given = with_landmarks(
        hip, acetabular_edge=hip.to_world(edge + 3.0 * a.y_axis), teardrop=hip.to_world(teardrop - 5.0 * a.y_axis)
    )
    found = acetabulum_of(given)
    assert found.basis == "landmarks"
    assert found.edge_deg == pytest.approx(np.degrees(0.6))
    assert found.middle_deg == pytest.approx(np.degrees(-0.7))
    assert found.edge_mm == pytest.approx(edge)
    assert found.warnings == ()
    # What is given goes before what the mask shows.
    assert acetabulum_of(given, around(hip, shape_of(hip)).mask).edge_deg == found.edge_deg


def test_one_landmark_is_joined_by_the_mask_or_a_population(sample_hip: Hip) -> None:
    a = sample_hip.anatomy
    pelvis = around(sample_hip, shape_of(sample_hip)).mask
    seen = acetabulum_of(sample_hip, pelvis)
    edge = sample_hip.to_world(a.head_center + 27.0 * (np.sin(0.4) * a.x_axis + np.cos(0.4) * a.shaft_axis))
    alone = acetabulum_of(with_landmarks(sample_hip, acetabular_edge=edge))
    assert [c.code for c in alone.warnings] == ["teardrop_population"]
    joined = acetabulum_of(with_landmarks(sample_hip, acetabular_edge=edge), pelvis)
    assert joined.edge_deg == pytest.approx(np.degrees(0.4))
    assert joined.teardrop_mm == pytest.approx(seen.teardrop_mm)
    assert seen.teardrop_mm is not None
    lower = with_landmarks(sample_hip, teardrop=sample_hip.to_world(seen.teardrop_mm - 3.0 * a.shaft_axis))
    below = acetabulum_of(lower, pelvis)
    assert below.edge_deg == pytest.approx(seen.edge_deg)
    assert below.middle_deg < seen.middle_deg - 1.0
    with pytest.raises(InputError, match="teardrop is of use beside"):
        acetabulum_of(lower)


def test_landmarks_of_another_hip_are_refused(sample_hip: Hip) -> None:
    a = sample_hip.anatomy
    edge = a.head_center + 16.0 * a.x_axis + 22.0 * a.shaft_axis
    teardrop = a.head_center - 33.0 * a.x_axis - 18.0 * a.shaft_axis
    assert from_landmarks(a, edge, teardrop).arc_deg > 60.0
    with pytest.raises(InputError, match="acetabular_edge lies"):
        from_landmarks(a, edge - 150.0 * a.x_axis, teardrop)
    with pytest.raises(InputError, match="teardrop lies"):
        from_landmarks(a, edge, teardrop + 60.0 * a.y_axis)
    with pytest.raises(InputError, match="body's vertical"):
        from_landmarks(a, teardrop, edge)
    with pytest.raises(InputError, match="no weight-bearing arc"):
        from_landmarks(a, edge, a.head_center + 40.0 * a.x_axis - 10.0 * a.shaft_axis)


def test_the_new_landmarks_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    path.write_text(json.dumps({"acetabular_edge": [-1, -2, 3], "teardrop": [4, 5, 6], "coordinate_system": "LPS"}))
    given = read_landmarks(path)
    assert given.acetabular_edge == pytest.approx([1, 2, 3])
    assert given.teardrop == pytest.approx([-4, -5, 6])


def test_the_phantom_is_what_it_says() -> None:
    """Its edge is bone on one side only, and nothing of the wall lies below its teardrop."""
    shape = PelvisShape()
    edge = shape.edge_mm()
    assert angle_deg(np.array([edge[0], edge[2]])) == pytest.approx(shape.center_edge_deg)
    turn = np.radians(shape.center_edge_deg + np.array([-1.0, 1.0]))
    beside = (shape.radius_mm + 2.0) * np.stack([np.sin(turn), np.zeros(2), np.cos(turn)], axis=1)
    assert (shape.level_mm(beside) > 0).tolist() == [True, False]
    x, z = (g.ravel() for g in np.meshgrid(np.arange(-45.0, -5.0, 0.1), np.arange(-40.0, 0.0, 0.1)))
    points = np.stack([x, np.zeros_like(x), z], axis=1)
    wall = points[shape.level_mm(points) > 0]
    lowest = wall[wall[:, 2] < wall[:, 2].min() + 0.05].mean(axis=0)
    assert lowest == pytest.approx(shape.teardrop_point_mm(), abs=0.2)


def test_offsets_in_the_plane_leave_out_what_lies_before_it(sample_hip: Hip) -> None:
    a = sample_hip.anatomy
    assert in_plane(a, a.head_center + 3.0 * a.x_axis - 4.0 * a.shaft_axis + 9.0 * a.y_axis) == pytest.approx([3, -4])
