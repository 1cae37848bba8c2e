"""Fluoroscopy: points where similar triangles put them, sums as long as the chord, the patient not mirrored."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy import ndimage
from support.view_phantom import (
    HEAD,
    NECK_RADIUS_MM,
    infeasible_scene,
    manual_scene,
    neck_axis,
    parallel_to_neck,
    phantom_scene,
    phantom_tissue,
)

from corecore.base.grid import FloatArray, Grid, Image, transform
from corecore.document.content import content_of
from corecore.report.c_arm import (
    FROG_FLEXION_DEG,
    FROG_TURN_DEG,
    CArm,
    anteroposterior,
    c_arm,
    frog_leg,
    in_profile,
    stance,
    stance_words,
)
from corecore.report.fluoroscopy import (
    exposed,
    fluoroscopy,
    neck_gap,
    seen_angle,
    sphere_outline,
    sums,
    tunnel_outline,
)
from corecore.report.rays import ray_sums
from corecore.report.scene import Scene
from corecore.report.svg import overlap
from corecore.report.tissue import Tissue, painted

#: Steel balls: to the patient's right, left, front, back, up and down of the head's centre, each by its own way.
BALLS = np.array([[38, 5, 2], [-31, 8, 4], [3, 28, -6], [6, -33, 3], [-4, 2, 41], [2, -5, -44.0]])
BALL_MM = 2.5


def of_image(values: FloatArray, affine: FloatArray) -> Tissue:
    """Volumes of which the film takes the image as CT; all else is empty."""
    grid = Grid((values.shape[0], values.shape[1], values.shape[2]), affine)
    depth, none = (Image(grid, np.full(grid.shape, value, dtype=np.float32)) for value in (10.0, 0.0))
    return Tissue(depth, none, Image(grid, values.astype(np.float32)), None)


def block(solid: Callable[[FloatArray], FloatArray], *, turn_deg: float = 0.0) -> Tissue:
    """A CT of 1 mm voxels round the head, its axes turned about the body's long axis; ``solid(points)`` in HU."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    affine[:3, 3] = HEAD - affine[:3, :3] @ np.full(3, 60.0)
    index = np.stack(np.meshgrid(*(np.arange(121.0),) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    values = solid(transform(affine, index))
    return of_image(np.asarray(values).reshape(121, 121, 121), affine)


def steel(ball: FloatArray, points: FloatArray) -> FloatArray:
    """A ball of steel in water, its surface voxels counted in part."""
    inside = np.clip(BALL_MM + 0.5 - np.linalg.norm(points - ball, axis=1), 0, 1)
    return np.asarray(80.0 + 2000.0 * inside)


def views(scene: Scene) -> list[CArm]:
    slanted = np.array([0.4, 0.8, 0.35]) / np.linalg.norm([0.4, 0.8, 0.35])
    return [anteroposterior(scene), frog_leg(scene), c_arm("slanted", HEAD, slanted, scene.proximal)]


@pytest.mark.parametrize("turn_deg", [0.0, 17.0])
def test_steel_balls_land_where_similar_triangles_put_them(turn_deg: float) -> None:
    balls = HEAD + BALLS
    for number, ball in enumerate(balls):
        tissue = block(partial(steel, ball), turn_deg=turn_deg)
        arm = views(phantom_scene())[number % 3]
        film = sums(tissue, arm, step_mm=0.5)
        row, column = ndimage.center_of_mass(film)
        # By hand: the ray from the source through the ball, followed to the detector's plane.
        away = (ball - arm.source) @ arm.beam
        hit = arm.source + (ball - arm.source) * 1000.0 / away
        wanted = (hit - arm.detector) / (230.0 / 512)
        assert column == pytest.approx(255.5 + wanted @ arm.right, abs=0.5)
        assert row == pytest.approx(255.5 - wanted @ arm.up, abs=0.5)
        assert arm.project(ball)[0] == pytest.approx([column, row], abs=0.5)


def test_a_sum_is_density_times_chord() -> None:
    radius = 30.0
    tissue = block(lambda p: 80.0 + 700.0 * np.clip(radius + 0.5 - np.linalg.norm(p - HEAD, axis=1), 0, 1))
    for arm in views(phantom_scene()):
        film = sums(tissue, arm, step_mm=0.5)
        for offset in ([0, 0, 0], [9.0, 4, -7], [-3.0, 14, 12]):
            column, row = np.rint(arm.project(HEAD + np.array(offset))[0]).astype(int)
            pixel = arm.corner + arm.pixel_mm * (column * arm.right - row * arm.up)
            way = (pixel - arm.source) / np.linalg.norm(pixel - arm.source)
            beside = np.linalg.norm(np.cross(HEAD - arm.source, way))
            chord = 2 * np.sqrt(radius**2 - beside**2)
            assert film[row, column] == pytest.approx(700 * chord, rel=0.005)


def test_the_kernel_is_the_plain_sum() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(7, 9, 6)).astype(np.float32)
    spacing = np.array([1.5, 0.8, 2.0])
    source, corner = np.array([-20.0, 3.0, 2.5]), np.array([15.0, 0.5, 0.2])
    across, down = np.array([0.05, 0.4, 0.1]), np.array([0.0, -0.1, 0.3])
    found = np.empty((20, 22))
    ray_sums(values, spacing, source, corner, across, down, 0.37, found, 0, 20)
    for row, column in itertools.product(range(0, 20, 3), range(0, 22, 3)):
        way = corner + column * across + row * down - source
        inside = np.linspace(0, 1, 40001)
        at = source + inside[:, None] * way
        keep = np.all((at >= 0) & (at <= np.array(values.shape) - 1), axis=1)
        if not keep.any():
            assert found[row, column] == 0.0
            continue
        first, last = inside[keep][[0, -1]]
        mm = np.linalg.norm(way * spacing)
        steps = int(np.ceil((last - first) * mm / 0.37))
        middles = first + (np.arange(steps) + 0.5) / steps * (last - first)
        plain = ndimage.map_coordinates(values, (source + middles[:, None] * way).T, order=1).sum()
        assert found[row, column] == pytest.approx(plain * (last - first) * mm / steps, abs=0.02)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_patient_is_not_mirrored(side: str) -> None:
    """A dense ball to the patient's right, in front of and above the head's centre, in either hip."""
    scene = phantom_scene(side)
    ball = HEAD + np.array([15.0, 12.0, 14.0])
    tissue = block(lambda p: 80.0 + 2000.0 * (np.linalg.norm(p - ball, axis=1) < 4))
    middle = {arm.title: arm.project(HEAD)[0] for arm in views(scene)}
    place = {}
    for arm in views(scene):
        row, column = ndimage.center_of_mass(sums(tissue, arm))
        place[arm.title] = np.array([column, row]) - middle[arm.title]
    assert place["AP"][0] < -20
    assert place["AP"][1] < -20
    # Turned outward the thigh shows its inner side: of a right hip the front then lies on the film's left.
    assert (place["Frog-leg lateral"][0] < 0) == (side == "right")
    film = fluoroscopy(scene, phantom_tissue(side))[0]
    words = dict(film.drawing.labels)
    assert words["R"][0] < 256 < words["L"][0]
    assert words["S"][1] < 256 < words["I"][1]


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_beam_of_the_frog_leg_is_upright_once_the_thigh_is_laid(side: str) -> None:
    """The thigh turned outward and flexed as a rigid body: then the beam runs from back to front."""
    scene = phantom_scene(side)
    turn, flexion = np.radians(FROG_TURN_DEG), np.radians(FROG_FLEXION_DEG)
    outward = scene.lateral
    front, up = scene.anterior, scene.proximal
    # Turned outward, the femur's front points outward; flexed, its lower end comes to the front.
    turned = np.stack([outward, front, up]).T @ np.array(
        [[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1.0]]
    )
    flexed = np.array([[1, 0, 0], [0, np.cos(flexion), -np.sin(flexion)], [0, np.sin(flexion), np.cos(flexion)]])
    laid = np.stack([outward, front, up]).T @ flexed @ np.stack([outward, front, up]) @ turned
    carried = laid @ np.stack([outward, front, up])
    knee = carried @ -up
    assert knee @ front > 0
    assert carried @ front @ outward > 0
    assert carried @ frog_leg(scene).beam == pytest.approx(front, abs=1e-9)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("above_mm", [3.0, 6.0])
def test_the_smallest_clearance_is_found_and_seen_edge_on(side: str, above_mm: float) -> None:
    scene = parallel_to_neck(side, above_mm)
    tunnel = scene.tunnels[0]
    gap = neck_gap(scene, phantom_tissue(side), tunnel)
    assert gap is not None
    assert gap.clearance_mm == pytest.approx(NECK_RADIUS_MM - above_mm - 5, abs=0.4)
    axis = neck_axis(side)
    assert gap.direction @ np.array([axis[0], 0.0, -axis[2]]) > 0.99
    arm = in_profile(scene, tunnel.direction, gap.direction)
    assert arm.beam @ gap.direction == pytest.approx(0, abs=1e-9)
    assert arm.beam @ scene.anterior > 0
    assert arm.beam @ tunnel.direction == pytest.approx(0, abs=np.sin(np.radians(30)) + 1e-9)
    # Across the beam nothing is foreshortened.
    wall, surface = arm.project(np.stack([gap.wall, gap.surface]))
    seen = np.linalg.norm(surface - wall) / arm.pixels_per_mm(gap.wall)
    assert seen == pytest.approx(gap.clearance_mm, rel=0.01)
    # The wall there is the tunnel's outline, and the surface the bone's: beyond it the film is dark.
    outline = tunnel_outline(arm, tunnel)
    assert distance_to_polygon(wall, outline) < 1.0
    film = sums(phantom_tissue(side), arm)
    step = (surface - wall) / np.linalg.norm(surface - wall)
    inside, outside = surface - 6 * step, surface + 8 * step
    # Over the neck's upper side there is nothing but air, and a trace of the rim's voxels.
    assert film[round(outside[1]), round(outside[0])] < 0.03 * film[round(inside[1]), round(inside[0])]


def distance_to_polygon(point: FloatArray, corners: FloatArray) -> float:
    a, b = corners, np.roll(corners, -1, axis=0)
    t = np.clip(np.sum((point - a) * (b - a), axis=1) / np.sum((b - a) ** 2, axis=1), 0, 1)
    return float(np.linalg.norm(a + t[:, None] * (b - a) - point, axis=1).min())


def test_a_wall_outside_the_neck_is_shown_too() -> None:
    scene = parallel_to_neck("right", 11.5)
    gap = neck_gap(scene, phantom_tissue(), scene.tunnels[0])
    assert gap is not None
    assert gap.clearance_mm == pytest.approx(-1.5, abs=0.5)
    assert "mm outside the neck's surface" in gap.words
    axis = neck_axis("right")
    assert gap.direction @ np.array([axis[0], 0.0, -axis[2]]) > 0.95
    film = fluoroscopy(scene, phantom_tissue())[2]
    assert f"{gap.clearance_mm:.1f} mm" in dict(film.drawing.labels)


def test_a_tunnel_that_is_not_in_the_neck_has_no_gap_to_show() -> None:
    stated = content_of(parallel_to_neck("right", 3.0).plan.tunnels[0])
    tunnel = {**stated, "entry": HEAD.tolist()}
    scene = phantom_scene(tunnels=[tunnel])
    assert neck_gap(scene, phantom_tissue(), scene.tunnels[0]) is None
    assert len(fluoroscopy(scene, phantom_tissue())) == 2


def test_outlines_are_the_shadows_of_their_solids() -> None:
    scene = phantom_scene()
    tunnel = scene.tunnels[0]
    rng = np.random.default_rng(3)
    for arm in views(scene):
        directions = rng.normal(size=(4000, 3))
        ball = HEAD + 23.0 * directions / np.linalg.norm(directions, axis=1)[:, None]
        shadow, outline = arm.project(ball), sphere_outline(arm, HEAD, 23.0)
        for turn in np.linspace(0, 2 * np.pi, 12):
            way = np.array([np.cos(turn), np.sin(turn)])
            assert (shadow @ way).max() == pytest.approx((outline @ way).max(), abs=0.6)
        across = np.cross(tunnel.direction, rng.normal(size=(4000, 3)))
        wall = tunnel.entry + rng.uniform(0, 1, (4000, 1)) * (tunnel.tip - tunnel.entry)
        wall = wall + 5.0 * across / np.linalg.norm(across, axis=1)[:, None]
        shadow, outline = arm.project(wall), tunnel_outline(arm, tunnel)
        for turn in np.linspace(0, 2 * np.pi, 12):
            way = np.array([np.cos(turn), np.sin(turn)])
            assert (shadow @ way).max() <= (outline @ way).max() + 1e-6
            assert (shadow @ way).max() == pytest.approx((outline @ way).max(), abs=3.0)


def test_the_angle_seen_from_the_front_is_that_of_the_plane_drawing() -> None:
    scene = parallel_to_neck("right", 0.0)
    # In the plane across the beam perspective changes no angle: neck and shaft lie in it, 135 degrees apart.
    assert seen_angle(anteroposterior(scene), scene.tunnels[0], scene.proximal) == pytest.approx(135.0, abs=0.5)


def test_the_stance_is_told_in_words_of_the_hip() -> None:
    for side in ("right", "left"):
        scene = phantom_scene(side)
        assert stance_words(scene, anteroposterior(scene)) == "detector in front"
        beam = np.cos(np.radians(20)) * scene.anterior + np.sin(np.radians(20)) * scene.lateral
        arm = c_arm("x", HEAD, beam, scene.proximal)
        assert stance(scene, arm) == pytest.approx((20.0, 0.0))
        assert stance_words(scene, arm) == "detector in front, turned 20° laterally"


def test_a_thigh_that_moves_leaves_the_pelvis_behind() -> None:
    """A ball far from the femur is on the AP film and not on the frog-leg film; one within the femur is on both."""
    scene, bone = phantom_scene(), phantom_tissue()
    pelvis, nail = HEAD + np.array([-30.0, 0, 30.0]), HEAD + np.array([4.0, 0, 3.0])
    for ball, seen in ((pelvis, False), (nail, True)):
        image = block(partial(steel, ball)).image
        tissue = Tissue(bone.depth, bone.lesion, image, None)
        assert sums(tissue, anteroposterior(scene)).max() > 5000
        assert (sums(tissue, frog_leg(scene)).max() > 5000) == seen


def test_a_mirrored_detector_is_refused() -> None:
    arm = anteroposterior(phantom_scene())
    with pytest.raises(ValueError, match="unmirrored"):
        CArm("mirrored", arm.source, arm.detector, -arm.right, arm.up)


def test_paint_is_cortex_outside_cancellous_inside_and_nothing_beyond() -> None:
    depth = np.array([-3.0, -0.6, 0.0, 1.0, 6.0], dtype=np.float32)
    assert painted(depth, 1.0) == pytest.approx([0, 0, 600, 1200, 150])


@pytest.mark.parametrize("scene", [phantom_scene(), manual_scene("left"), infeasible_scene()])
def test_every_plan_has_its_films_and_no_label_covers_another(scene: Scene) -> None:
    films = fluoroscopy(scene, phantom_tissue(scene.side))
    assert [film.arm.title for film in films][:2] == ["AP", "Frog-leg lateral"]
    for film in films:
        assert film.pixels.shape == (512, 512)
        assert np.mean(film.pixels > 60) > 0.05
        for (one, a), (other, b) in itertools.combinations(film.drawing.labels, 2):
            assert not overlap(a, b), (film.arm.title, one, other)
        text = str(film.drawing)
        assert ("FF6B6B" in text) == (scene.status == "manual")


def test_a_film_takes_under_two_seconds() -> None:
    arm = anteroposterior(phantom_scene())
    sums(phantom_tissue(), arm)
    started = time.process_time()
    exposed(sums(phantom_tissue(), arm))
    assert time.process_time() - started < 2.0
