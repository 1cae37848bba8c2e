"""Slices along a tunnel: every pixel where it belongs, the patient not mirrored, margins at their distance."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.view_phantom import (
    HEAD,
    infeasible_scene,
    manual_scene,
    neck_axis,
    phantom_plan,
    phantom_scene,
    phantom_tissue,
)

from corecore.base.grid import FloatArray, Grid, Image
from corecore.hip.hip import Hip
from corecore.measures.document import direction, position
from corecore.report.scene import Scene
from corecore.report.slices import (
    MARGIN,
    PIXEL_MM,
    TILE_GAP,
    TILE_MM,
    TILE_TITLE,
    UNITS_PER_MM,
    Plane,
    _outside,
    planes,
    slices,
    tightest,
)
from corecore.report.svg import Drawing, overlap
from corecore.report.tissue import Tissue
from corecore.report.zones import zones

SPEC = {"cortical_margin_mm": 3.0, "posterosuperior_margin_mm": 5.0, "joint_margin_mm": 4.0}


def drawn_lines(drawing: Drawing, color: str) -> list[FloatArray]:
    """Points of every path of a colour."""
    found = []
    for data, stroke in re.findall(r'<path d="M([^"]*)" fill="[^"]*" fill-opacity="1" stroke="([^"]*)"', str(drawing)):
        if stroke == color:
            found.append(np.array([pair.split() for pair in data.rstrip("Z").split("L")], dtype=np.float64))
    return found


def test_a_slice_of_a_slope_is_the_slope_itself() -> None:
    """Trilinear cutting is exact for a linear function, whatever way the volume lies."""
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0] @ np.diag([0.9, -1.3, 0.7])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn, HEAD - turn @ np.array([60.0, 50.0, 80.0])
    grid = Grid((120, 100, 160), affine)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    slope = np.array([1.7, -0.6, 2.3])
    values = ((index @ turn.T + affine[:3, 3] - HEAD) @ slope).astype(np.float32)
    plane, _ = planes(phantom_scene(), phantom_scene().tunnels[0])[0]
    small = Plane("small", HEAD + np.array([3.0, -2, 4]), plane.right, plane.up, 40.0, 30.0)
    assert small.cut(Image(grid, values), -1e6) == pytest.approx((small.points() - HEAD) @ slope, abs=2e-3)


def test_pixels_and_places_are_of_one_mind() -> None:
    for plane, _ in planes(phantom_scene(), phantom_scene().tunnels[0]):
        rows, columns = plane.shape
        points = plane.points()
        unit = PIXEL_MM * UNITS_PER_MM
        slack = UNITS_PER_MM * np.array([plane.width_mm - columns * PIXEL_MM, plane.height_mm - rows * PIXEL_MM]) / 2
        for row, column in ((0, 0), (rows - 1, columns - 1), (17, 40)):
            wanted = np.array([(column + 0.5) * unit, (row + 0.5) * unit]) + slack
            assert plane.place(points[row, column])[0] == pytest.approx(wanted)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_planes_hold_the_tunnel_and_do_not_mirror_the_patient(side: str) -> None:
    scene = phantom_scene(side)
    tunnel = scene.tunnels[0]
    upright, level = (plane for plane, _ in planes(scene, tunnel))
    for plane in (upright, level):
        onlooker = np.cross(plane.right, plane.up)
        for point in (tunnel.entry, tunnel.tip):
            assert (point - plane.middle) @ onlooker == pytest.approx(0, abs=1e-9)
            assert np.all(plane.place(point)[0] > 0)
            assert np.all(plane.place(point)[0] < UNITS_PER_MM * np.array([plane.width_mm, plane.height_mm]))
        # What lies to the patient's right is on the left of either plane.
        assert plane.place(HEAD + 10 * scene.patient_right)[0, 0] < plane.place(HEAD)[0, 0] - 20
    assert np.cross(upright.right, upright.up) @ scene.anterior > 0.5
    assert upright.up == pytest.approx(scene.proximal)
    assert np.cross(level.right, level.up) @ scene.proximal < -0.5
    # In the level plane the front is up.
    assert level.up @ scene.anterior > 0.5


def test_zones_are_those_of_the_planner(sample_hip: Hip) -> None:
    anatomy = sample_hip.anatomy
    told = {
        "head_center": position(sample_hip, anatomy.head_center),
        "head_radius_mm": anatomy.head_radius_mm,
        "shaft_axis": direction(sample_hip, anatomy.shaft_axis),
        "neck_axis": direction(sample_hip, anatomy.neck_axis),
        "x_axis": direction(sample_hip, anatomy.x_axis),
    }
    scene = phantom_scene(sample_hip.side, anatomy=told, tunnels=[], status="infeasible")
    rng = np.random.default_rng(2)
    local = anatomy.head_center + rng.uniform(-60, 60, (20_000, 3))
    head, quarter = zones(scene, sample_hip.to_world(local))
    assert np.mean(head != anatomy.proximal_of_head_plane(local)) < 1e-4
    assert np.mean(quarter != anatomy.in_posterosuperior_quarter(local)) < 1e-4
    assert quarter.sum() > 200


def along_neck(side: str, **changes: Any) -> Scene:
    """A tunnel along the neck's axis, so that the sections of the strip are circles about it."""
    axis = neck_axis(side)
    tunnel = {
        **phantom_plan(side)["tunnels"][0],
        "entry": (HEAD + 64 * axis).tolist(),
        "tip": (HEAD - 6 * axis).tolist(),
    }
    return phantom_scene(side, tunnels=[tunnel], spec=SPEC, **changes)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_margins_lines_run_at_their_distance_below_the_surface(side: str) -> None:
    found = slices(along_neck(side), phantom_tissue(side))
    assert found is not None
    strip = found.drawings[2][0]
    # The fourth tile: 31 mm from the entry, 33 mm from the head's centre, in the bare neck.
    left = 3 * (TILE_MM * UNITS_PER_MM + TILE_GAP)
    middle = np.array([left, TILE_TITLE]) + TILE_MM * UNITS_PER_MM / 2
    radii, angles = [], []
    for line in drawn_lines(strip, MARGIN):
        offset = (line - middle) / UNITS_PER_MM
        if np.all(np.abs(offset) < TILE_MM / 2):
            radii.append(np.linalg.norm(offset, axis=1))
            angles.append(np.degrees(np.arctan2(-offset[:, 1], offset[:, 0])))
    radius, angle = np.concatenate(radii), np.concatenate(angles)
    # Seen along the drill of a right hip, inward, the back is on the left.
    behind = 135.0 if side == "right" else 45.0
    quarter = np.abs((angle - behind + 180) % 360 - 180) < 43
    other = np.abs((angle - behind + 180) % 360 - 180) > 47
    assert quarter.sum() > 10
    assert radius[quarter] == pytest.approx(15 - 5, abs=0.7)
    assert radius[other] == pytest.approx(15 - 3, abs=0.7)


def test_the_drawn_wall_is_the_cylinders() -> None:
    figures = {**phantom_plan()["tunnels"][0], "cavity_diameter_mm": 18.0, "cavity_length_mm": 15.0}
    tunnel = phantom_scene(tunnels=[figures]).tunnels[0]
    rng = np.random.default_rng(4)
    points = 0.5 * (tunnel.entry + tunnel.tip) + rng.uniform(-50, 50, (20_000, 3))
    along = (points - tunnel.entry) @ tunnel.direction
    beside = np.linalg.norm(np.cross(points - tunnel.entry, tunnel.direction), axis=1)
    length = np.linalg.norm(tunnel.tip - tunnel.entry)
    bore = (beside < 5) & (along > 0) & (along < length)
    cavity = (beside < 9) & (along > length - 15) & (along < length)
    assert np.array_equal(_outside(tunnel, points) < 0, bore | cavity)
    assert (cavity & ~bore).any()


def test_the_tunnel_with_least_room_is_shown() -> None:
    first = phantom_plan()["tunnels"][0]
    second = {**first, "cortical_clearance_mm": 3.2, "joint_clearance_mm": None}
    assert tightest(phantom_scene(tunnels=[first, second], spec=SPEC)) == 1
    assert tightest(phantom_scene(tunnels=[second, first], spec=SPEC)) == 0
    assert tightest(phantom_scene(tunnels=[first, first], spec={})) == 0


def test_without_a_tunnel_there_is_nothing_to_cut_along() -> None:
    assert slices(infeasible_scene(), phantom_tissue()) is None


@pytest.mark.parametrize("scene", [along_neck("right"), along_neck("left"), manual_scene()])
def test_labels_keep_apart_and_red_is_for_broken_limits(scene: Scene) -> None:
    found = slices(scene, phantom_tissue(scene.side))
    assert found is not None
    assert found.number == 1
    assert found.ground == "the mask in grey: no image was given"
    assert len(found.drawings) == 3
    for drawing, _ in found.drawings:
        for (one, a), (other, b) in itertools.combinations(drawing.labels, 2):
            assert not overlap(a, b), (drawing.title, one, other)
        assert ("#FF6B6B" in str(drawing)) == (scene.status == "manual")
    assert [words for words, _ in found.drawings[2][0].labels][-1].endswith("tip")


def test_the_image_is_shown_where_there_is_one() -> None:
    bone = phantom_tissue()
    values = np.where(bone.depth.values > 0, 400.0, -50.0).astype(np.float32)
    with_image = slices(along_neck("right"), Tissue(bone.depth, bone.lesion, Image(bone.depth.grid, values), None))
    mr = slices(along_neck("right"), Tissue(bone.depth, bone.lesion, Image(bone.depth.grid, values), "no CT"))
    assert with_image is not None
    assert mr is not None
    assert with_image.ground == mr.ground == "the image"
    assert str(with_image.drawings[0][0]) != str(mr.drawings[0][0])


def test_three_drawings_take_under_a_second() -> None:
    started = time.process_time()
    slices(along_neck("right"), phantom_tissue())
    assert time.process_time() - started < 1.0


def test_an_image_that_does_not_show_the_femur_is_left_out(sample_hip: Hip) -> None:
    affine = np.eye(4)
    affine[:3, 3] = 5000.0
    far = Image(Grid((20, 20, 20), affine), np.zeros((20, 20, 20), dtype=np.float32))
    tissue = Tissue.of(replace(sample_hip, case=replace(sample_hip.case, image=far)))
    assert tissue.image is None
    assert tissue.why_painted == "the image does not show the femur"
    away = slices(along_neck("right"), replace(phantom_tissue(), why_painted=tissue.why_painted))
    assert away is not None
    assert away.ground == "the mask in grey: the image does not show the femur"
    assert tissue.density.values.max() > 1000
