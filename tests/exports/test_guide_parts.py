"""Parts of a drill guide against closed forms: seat, solids, lettering, and the measurements that judge it."""

from __future__ import annotations

import numpy as np
import pytest
from support import export_phantom as phantom
from support.plan_factory import SHAFT_XY

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.exports.guide.body import Lettering, Sleeve, lettered, stop_mm
from corecore.exports.guide.check import bore_of, deepest_in_bone_mm, least_wall_mm, off_axis
from corecore.exports.guide.design import Design
from corecore.exports.guide.hold import Hold, hold_of
from corecore.exports.guide.letters import lettering
from corecore.exports.guide.seat import STEP_MM, Seat, height_field, without_fins
from corecore.exports.guide.solids import ball, cylinder, slab, to_mesh, under

pytest.importorskip("manifold3d")


@pytest.fixture(scope="module")
def world() -> phantom.World:
    return phantom.make_world()


def turned(seed: int) -> FloatArray:
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(rotation * np.sign(np.linalg.det(rotation)))


def patch(kind: str) -> tuple[FloatArray, FloatArray]:
    """Points and outward normals of a seat of closed form."""
    a, b = (grid.ravel() for grid in np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21)))
    if kind == "plane":
        return np.stack([20 * a, 20 * b, 0 * a], axis=1), np.tile([0.0, 0.0, 1.0], (a.size, 1))
    if kind == "cylinder":
        normals = np.stack([np.sin(a), 0 * a, np.cos(a)], axis=1)
        return 16 * normals + np.outer(20 * b, [0, 1.0, 0]), normals
    normals = np.stack([np.sin(a) * np.cos(b), np.sin(b), np.cos(a) * np.cos(b)], axis=1)
    if kind == "ball":
        return 16 * normals, normals
    # An egg of three different axes: no motion slides on it.
    axes = np.array([12.0, 26.0, 16.0])
    points, normals = axes * normals, normals / axes
    return points, normals / np.linalg.norm(normals, axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ["plane", "cylinder", "ball"])
def test_what_slides_on_itself_holds_nothing(kind: str) -> None:
    points, normals = patch(kind)
    assert hold_of(points, normals, np.ones(len(points))).stability < 1e-6


def test_an_egg_holds_and_a_ridge_makes_a_tube_hold() -> None:
    points, normals = patch("egg")
    assert hold_of(points, normals, np.ones(len(points))).stability > 0.02
    tube, outward = patch("cylinder")
    # A quarter of the tube's faces look up the tube and round it, as a trochanter's foot does.
    step = np.array([0.5, 0.6, 0.6245])
    bump = tube[:110] * 1.1, np.tile(step / np.linalg.norm(step), (110, 1))
    both = np.concatenate([tube, bump[0]]), np.concatenate([outward, bump[1]])
    assert hold_of(*both, np.ones(len(both[0]))).stability > 0.05


@pytest.mark.parametrize("seed", range(3))
def test_stability_is_the_same_wherever_the_bone_lies_and_whatever_its_size(seed: int) -> None:
    points, normals = patch("egg")
    area = np.random.default_rng(seed).uniform(0.5, 2.0, len(points))
    first = hold_of(points, normals, area).stability
    turn = turned(seed)
    moved = hold_of(2.5 * points @ turn.T + [100.0, -40.0, 7.0], normals @ turn.T, 3.0 * area).stability
    assert moved == pytest.approx(first, rel=1e-9)


def test_the_height_field_lies_on_the_bone_grown_by_the_clearance(world: phantom.World) -> None:
    """Over the shaft's cylinder, seen from straight lateral: the height is that of a circle."""
    hip, radius = world.hip, 16.0
    lateral = phantom.TURN @ phantom.POSE.direction([1.0, 0.0, 0.0])
    proximal = phantom.TURN @ phantom.POSE.direction([0.0, 0.0, 1.0])
    middle = np.asarray(phantom.POSE.world([*SHAFT_XY, -70.0])) @ phantom.TURN.T
    frame = np.eye(4)
    frame[:3, :3] = np.stack([np.cross(proximal, lateral), proximal, lateral], axis=1)
    frame[:3, 3] = middle
    x, y = np.arange(-11.0, 11.5, STEP_MM), np.arange(-10.0, 10.0, STEP_MM)
    for clearance in (0.0, 0.3, 1.0):
        heights = height_field(hip, frame, x, y, clearance)
        truth = np.sqrt((radius + clearance) ** 2 - x**2)[:, None]
        # The bone of 1 mm voxels is itself off by some tenths; against its own distance field the height is exact.
        assert np.abs(heights - truth).max() < 0.4
        assert abs(float((heights - truth).mean())) < 0.1
        a, b = np.meshgrid(x, y, indexing="ij")
        points = np.stack([a, b, heights], axis=-1).reshape(-1, 3) @ frame[:3, :3].T + frame[:3, 3]
        assert np.abs(hip.bone.distance(hip.to_local(points)) + clearance).max() < 0.01
    # Beside the bone there is none.
    assert np.all(height_field(hip, frame, np.array([40.0, 45.0]), y, 0.3) == -25.0)


def test_a_narrow_groove_gets_no_fin_and_a_wide_one_stays() -> None:
    heights = np.add.outer(np.linspace(0, 8, 81), np.zeros(81))
    narrow, wide = heights.copy(), heights.copy()
    narrow[:, 40:43] -= 4.0
    wide[:, 30:50] -= 4.0
    assert np.allclose(without_fins(narrow, Design())[5:-5], heights[5:-5], atol=0.4)
    assert np.allclose(without_fins(wide, Design())[5:-5, 40], wide[5:-5, 40])
    for field in (narrow, wide, np.random.default_rng(0).normal(size=(40, 40))):
        assert np.all(without_fins(field, Design()) >= field)


def test_solids_have_the_volumes_of_their_formulas() -> None:
    x, y = np.arange(0.0, 10.5, 0.5), np.arange(-3.0, 4.5, 0.5)
    plane = 2.0 + 0.3 * x[:, None] - 0.2 * y[None, :]
    solid = under(x, y, plane, -1.0)
    assert solid.volume() == pytest.approx(10 * 7 * (3.0 + 0.3 * 5.0 - 0.2 * 0.5), rel=1e-9)
    assert to_mesh(solid).is_closed
    block = slab(10.0, -20.0, 15.0, -2.0, 8.0, 5.0)
    assert block.volume() == pytest.approx(10 * (20 * 35 - (4 - np.pi) * 25), rel=1e-3)
    assert np.allclose(block.bounding_box(), [-10, -20, -2, 10, 15, 8])
    rod = cylinder(np.array([1.0, 2, 3]), np.array([4.0, 6, 15]), 5.0)
    assert rod.volume() == pytest.approx(np.pi * 25 * 13, rel=1e-3)
    assert ball(np.array([1.0, 2, 3]), 4.0).volume() == pytest.approx(4 / 3 * np.pi * 64, rel=5e-3)


@pytest.mark.parametrize(("shift", "tilt"), [(0.0, 0.0), (0.07, 0.0), (0.3, 0.0), (0.0, 0.05), (0.0, 0.4)])
def test_a_bore_is_measured_where_it_is_and_not_where_it_should_be(shift: float, tilt: float) -> None:
    entry, tip = np.array([10.0, -4.0, 3.0]), np.array([-60.0, 20.0, 50.0])
    outward = (entry - tip) / np.linalg.norm(entry - tip)
    across = np.cross(outward, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    turn = np.cos(np.radians(tilt)) * outward + np.sin(np.radians(tilt)) * across
    start = entry + shift * across
    tube = cylinder(start, start + 40 * turn, 8.0) - cylinder(start - turn, start + 41 * turn, 5.15)
    point, axis, radius = bore_of(to_mesh(tube), entry, outward, 5.15, 5.0, 36.0)
    off_mm, off_deg = off_axis(point, axis, entry, entry - 1e-6 * outward)
    assert off_mm == pytest.approx(shift, abs=0.005)
    assert off_deg == pytest.approx(tilt, abs=0.005)
    assert radius == pytest.approx(5.15, abs=0.005)
    at_tip, _ = off_axis(point, axis, entry, tip)
    assert at_tip == pytest.approx(shift + np.tan(np.radians(tilt)) * np.linalg.norm(tip - entry), abs=0.02)


def test_a_plug_has_no_bore() -> None:
    axis = np.array([0.0, 0.0, 1.0])
    with pytest.raises(InputError, match="no bore"):
        bore_of(to_mesh(cylinder(np.zeros(3), 40 * axis, 8.0)), np.zeros(3), axis, 5.15, 5.0, 36.0)


@pytest.mark.parametrize("wall", [0.7, 1.9, 2.6])
def test_the_thinnest_wall_is_found(wall: float) -> None:
    axis = np.array([0.0, 0.6, 0.8])
    tube = cylinder(np.zeros(3), 30 * axis, 6.0 + wall) - cylinder(-axis, 31 * axis, 6.0)
    assert least_wall_mm(tube) == pytest.approx(wall, abs=0.03)
    thick = slab(15.0, -15.0, 15.0, 0.0, 9.0, 4.0)
    # A bore beside a block's wall, and one from below that leaves a floor.
    side = thick - cylinder(np.array([15.0 - wall - 3.0, 0, -1.0]), np.array([15.0 - wall - 3.0, 0, 10.0]), 3.0)
    assert least_wall_mm(side) == pytest.approx(wall, abs=0.02)
    floor = thick - cylinder(np.array([0.0, 0, -1.0]), np.array([0.0, 0, 9.0 - wall]), 3.0)
    assert least_wall_mm(floor) == pytest.approx(wall, abs=1e-3)


def test_an_edge_is_no_wall_and_a_blade_is() -> None:
    block = slab(15.0, -15.0, 15.0, 0.0, 9.0, 4.0)
    assert least_wall_mm(block) == pytest.approx(9.0, abs=1e-3)
    # A plane through the block leaves a wedge: of 60 degrees, and of 20.
    for angle, thin in ((60.0, False), (20.0, True)):
        normal = (float(np.sin(np.radians(angle))), 0.0, float(-np.cos(np.radians(angle))))
        wedge = block.trim_by_plane(normal, 0.0)
        assert (least_wall_mm(wedge) < 2.0) == thin


def test_depth_in_bone_is_that_of_the_distance_field(world: phantom.World) -> None:
    """A plate against the shaft's cylinder, moved in and out."""
    hip = world.hip
    lateral = phantom.TURN @ phantom.POSE.direction([1.0, 0.0, 0.0])
    proximal = phantom.TURN @ phantom.POSE.direction([0.0, 0.0, 1.0])
    frame = np.eye(4)
    frame[:3, :3] = np.stack([np.cross(proximal, lateral), proximal, lateral], axis=1)
    frame[:3, 3] = np.asarray(phantom.POSE.world([*SHAFT_XY, -70.0])) @ phantom.TURN.T

    def deepest(depth: float) -> float:
        return deepest_in_bone_mm(slab(12.0, -12.0, 12.0, 16.0 - depth, 26.0, 4.0), frame, hip)

    touching = deepest(0.0)
    assert abs(touching) < 0.4
    for depth in (-1.5, -0.5, 0.15, 1.0):
        assert deepest(depth) - touching == pytest.approx(depth, abs=0.05)


def test_lettering_fits_its_rectangle_and_is_refused_where_it_cannot() -> None:
    section, capital = lettering(["hip-0123456789", "LEFT ↑", "COST $5 É"], 30.0, 14.0)
    x0, y0, x1, y1 = section.bounds()
    assert x1 - x0 <= 30.0 + 1e-6
    assert y1 - y0 <= 14.0 + 0.35 * capital
    assert abs(x0 + x1) < 1.0
    assert section.area() > 20.0
    with pytest.raises(InputError, match="lettering does not fit"):
        lettering(["x" * 80], 30.0, 14.0)
    with pytest.raises(InputError, match="lettering does not fit"):
        lettering(["A"] * 9, 30.0, 14.0)


@pytest.mark.parametrize("front", [1.0, -1.0])
def test_letters_are_read_from_outside_and_not_in_a_mirror(front: float) -> None:
    """An L has its weight left and low of its box's middle, for whoever looks at it the right way up."""
    x, y = np.arange(-60.0, 60.5, STEP_MM), np.arange(-60.0, 60.5, STEP_MM)
    level, hold = np.full((len(x), len(y)), -8.0), Hold(0.1, 0.2, "", np.inf)
    seat = Seat(np.eye(4), 16.0, 28.0, 20.0, x, y, level, -10.0, 1000.0, hold, front)
    sleeve = Sleeve(1, np.zeros(3), np.array([0.0, -0.5, 0.866]), 5.3, 5.0, 0.866, 80.0)
    block = slab(16.0, -28.0, 20.0, -8.0, 12.0, 5.0)
    solid, _ = lettered(block, seat, [sleeve], Design(), 12.0, Lettering(("L",), ("L",)))
    cut = to_mesh(block - solid)
    points = cut.corners_mm.mean(axis=1)
    on_top = cut.normals[:, 2] > 0.99
    sides = {"top": (points[on_top][:, :2], _areas(cut.corners_mm[on_top]))}
    on_front = cut.normals[:, 0] * front > 0.99
    # Looking at the front wall from outside with the outward side up, y runs to the right where x is the front.
    seen = np.column_stack([front * points[on_front, 1], points[on_front, 2]])
    sides["front"] = (seen, _areas(cut.corners_mm[on_front]))
    for name, (flat, area) in sides.items():
        if name == "top":
            keep = np.abs(points[on_top][:, 2] - 12.0) < 1e-6
        else:
            keep = np.abs(points[on_front][:, 0] - front * 16.0) < 1e-6
        flat, area = flat[keep], area[keep]
        assert len(flat) > 1, name
        weight = (area[:, None] * flat).sum(axis=0) / area.sum()
        corners = cut.corners_mm[on_top if name == "top" else on_front][keep].reshape(-1, 3)
        box = corners[:, :2] if name == "top" else np.column_stack([front * corners[:, 1], corners[:, 2]])
        middle = 0.5 * (box.min(axis=0) + box.max(axis=0))
        assert np.all(weight < middle - 0.1), name


def _areas(corners: FloatArray) -> FloatArray:
    return np.asarray(
        0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    )


def test_one_stop_serves_all_sleeves_and_is_a_round_figure() -> None:
    outward = np.array([0.0, -0.5, np.sqrt(0.75)])
    sleeves = [Sleeve(n, np.zeros(3), outward, 5.3, 5.0, 0.8, length) for n, length in ((1, 83.7), (2, 91.2))]
    stop = stop_mm(sleeves, Design(), 10.0)
    assert stop % 5.0 == pytest.approx(0.0)
    for sleeve in sleeves:
        assert stop - sleeve.tunnel_mm >= sleeve.hollow_mm(Design()) + 25.0 - 1e-9
    assert stop_mm(sleeves[:1], Design(), 10.0) <= stop
    free = stop_mm(sleeves, Design(stop_step_mm=0.0), 10.0)
    assert stop - 5.0 < free <= stop


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"clearance_mm": "9"}, "clearance_mm = 9.0; 0 to 1.5"),
        ({"play_mm": "nan"}, "finite number"),
        ({"wall_min_mm": "thick"}, "a finite number is accepted"),
        ({"lid_mm": "1"}, "unknown size 'lid_mm'; accepted: clearance_mm, play_mm"),
        ({"wall_min_mm": "4"}, "sleeve_wall_mm = 3 is less than wall_min_mm = 4"),
    ],
)
def test_sizes_beyond_reason_are_refused(values: dict[str, str], word: str) -> None:
    with pytest.raises(InputError) as error:
        Design().with_values(values)
    assert word in str(error.value)
    assert "\n" not in str(error.value)
