"""Meshes: closed, turned outward, of the volume that closed forms ask for."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecore.base.body import body_of
from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray
from corecore.base.instrument import Instrument, Step
from corecore.base.mesh import (
    CYLINDER_SIDES,
    TriangleMesh,
    cylinder,
    joined,
    poly_data,
    revolved,
    surface_mesh,
    triangle_mesh,
)


def tetrahedron() -> TriangleMesh:
    """Corners at the origin and one unit along each axis: volume 1/6 mm³, area (3 + √3)/2 mm²."""
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    return TriangleMesh(points, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))


def ball(shape: tuple[int, int, int], spacing: FloatArray, center: FloatArray, radius: float) -> BoolArray:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    return np.asarray(np.sum((index * spacing - center) ** 2, axis=-1) <= radius**2)


def test_a_tetrahedron_has_its_volume_and_area() -> None:
    mesh = tetrahedron()
    assert mesh.volume_ml == pytest.approx(1 / 6000)
    assert mesh.area_mm2 == pytest.approx((3 + np.sqrt(3)) / 2)
    assert mesh.is_closed
    assert np.allclose(mesh.normals[3], 1 / np.sqrt(3))


def test_closedness_is_refused_to_holes_and_to_turned_triangles() -> None:
    mesh = tetrahedron()
    assert not TriangleMesh(mesh.points_mm, mesh.triangles[:3]).is_closed
    turned = mesh.triangles.copy()
    turned[0] = turned[0, ::-1]
    assert not TriangleMesh(mesh.points_mm, turned).is_closed
    assert not TriangleMesh(mesh.points_mm, np.concatenate([mesh.triangles, mesh.triangles[:1]])).is_closed
    assert not TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), dtype=int)).is_closed


def test_volume_does_not_depend_on_where_the_world_begins() -> None:
    far = np.eye(4)
    far[:3, 3] = [1e4, -2e4, 3e4]
    assert tetrahedron().transformed(far).volume_ml == pytest.approx(1 / 6000, rel=1e-9)


def test_a_reflection_keeps_the_normals_outward() -> None:
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    mesh = tetrahedron().transformed(mirror)
    assert mesh.volume_ml == pytest.approx(1 / 6000)
    # Only the points mirrored would be inside out: the twin shows that the sign can tell.
    assert TriangleMesh(mesh.points_mm, tetrahedron().triangles).volume_ml == pytest.approx(-1 / 6000)


@pytest.mark.parametrize("spacing", [[0.8, 0.8, 0.8], [0.7, 0.7, 3.0], [1.0, 0.5, 0.8]])
def test_a_ball_has_its_volume_center_and_radius(spacing: list[float]) -> None:
    step, radius = np.array(spacing), 20.0
    shape = tuple(int(np.ceil(60 / s)) for s in spacing)
    center = np.array([29.13, 30.42, 30.27])
    mesh = surface_mesh(ball((shape[0], shape[1], shape[2]), step, center, radius), step)
    assert mesh.is_closed
    assert mesh.volume_ml == pytest.approx(4 / 3 * np.pi * radius**3 / 1000, rel=0.02)
    offset = mesh.points_mm - center
    distance = np.linalg.norm(offset, axis=1)
    assert abs(distance.mean() - radius) < 0.1 * step.max()
    # The frame: half a voxel of shift would show at once in the centre of the surface.
    a, b, c = np.moveaxis(mesh.corners_mm - center, 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    assert np.all(np.abs(np.average((a + b + c) / 3, axis=0, weights=area)) < 0.15 * step)
    outward = np.einsum("ij,ij->i", mesh.normals, a + b + c)
    assert np.mean(outward > 0) > 0.999


def test_a_box_that_fills_the_array_is_closed_half_a_voxel_outside() -> None:
    spacing = np.array([1.0, 2.0, 0.5])
    mesh = surface_mesh(np.ones((6, 5, 8), dtype=bool), spacing)
    assert mesh.is_closed
    assert np.allclose(mesh.points_mm.min(axis=0), -0.5 * spacing, atol=1e-3)
    assert np.allclose(mesh.points_mm.max(axis=0), (np.array([6, 5, 8]) - 0.5) * spacing, atol=1e-3)


def test_a_shaft_cut_by_the_scan_keeps_its_section_to_the_lid() -> None:
    index = np.arange(30)
    disc = (index[:, None] - 14.3) ** 2 + (index[None, :] - 15.1) ** 2 <= 10**2
    mesh = surface_mesh(np.repeat(disc[:, :, None], 20, axis=2), np.ones(3))
    assert mesh.is_closed
    assert mesh.volume_ml == pytest.approx(np.pi * 100 * 20 / 1000, rel=0.02)
    assert mesh.points_mm[:, 2].min() == pytest.approx(-0.5, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_any_mask_gives_a_closed_mesh_or_says_why_not(seed: int, share: float) -> None:
    voxels = np.random.default_rng(seed).random((7, 6, 8)) < share
    try:
        mesh = surface_mesh(voxels, np.array([0.8, 1.0, 1.3]))
    except InputError as error:
        assert "surface" in str(error)  # noqa: PT017 - either outcome is right, neither is silence
        return
    assert mesh.is_closed
    assert mesh.volume_ml > 0


def test_the_mesh_of_a_part_does_not_depend_on_the_room_around_it() -> None:
    small = ball((24, 24, 24), np.ones(3), np.array([11.6, 12.0, 12.3]), 5.0)
    large = np.zeros((60, 50, 40), dtype=bool)
    large[20:44, 13:37, 9:33] = small
    a, b = surface_mesh(small, np.ones(3)), surface_mesh(large, np.ones(3))
    # float32 positions, as contouring gives them.
    assert np.allclose(a.points_mm + np.array([20, 13, 9]), b.points_mm, atol=1e-4)


def test_decimation_keeps_the_shape_wherever_it_lies() -> None:
    mesh = surface_mesh(ball((60, 60, 60), np.ones(3), np.full(3, 29.4), 22.0), np.ones(3))
    far = np.eye(4)
    far[:3, 3] = [900.0, -1200.0, 1500.0]
    for whole in (mesh, mesh.transformed(far)):
        part = whole.decimated(2000)
        assert len(part.triangles) <= 2000
        assert part.is_closed
        assert part.volume_ml == pytest.approx(whole.volume_ml, rel=0.005)
    assert mesh.decimated(10**6) is mesh
    with pytest.raises(ValueError, match="four or more"):
        mesh.decimated(3)


@pytest.mark.parametrize("name", ["h01_right_wedge15", "h07_left_170mm", "h09_h01_aniso_3mm"])
def test_real_femora_are_closed_and_keep_their_volume(real_hips: Path, name: str) -> None:
    """h07 is cut by its last slice: the lid closes it. h09 has 3 mm slices."""
    image = nibabel.load(real_hips / f"{name}.nii.gz")
    voxels, spacing = np.asarray(image.dataobj) > 0, np.linalg.norm(image.affine[:3, :3], axis=0)
    mesh = surface_mesh(voxels, spacing)
    assert mesh.is_closed
    assert mesh.volume_ml == pytest.approx(voxels.sum() * np.prod(spacing) / 1000, rel=0.01)


def test_what_cannot_be_a_mesh_is_refused() -> None:
    with pytest.raises(InputError, match="empty"):
        surface_mesh(np.zeros((4, 4, 4), dtype=bool), np.ones(3))
    single = np.zeros((9, 9, 9), dtype=bool)
    single[4, 4, 4] = True
    with pytest.raises(InputError, match="1 voxels"):
        surface_mesh(single, np.ones(3))
    with pytest.raises(InputError, match="not finite"):
        TriangleMesh(np.array([[np.nan, 0, 0]]), np.zeros((0, 3), dtype=int))
    with pytest.raises(InputError, match="naming point 3"):
        TriangleMesh(np.zeros((3, 3)), np.array([[0, 1, 3]]))


def test_a_mesh_through_pyvista_and_back_is_the_same_to_the_last_bit() -> None:
    voxels = np.zeros((12, 14, 16), dtype=bool)
    voxels[3:9, 3:10, 4:12] = True
    mesh = surface_mesh(voxels, (0.7, 0.8, 1.1))
    data = poly_data(mesh)
    assert data.volume == pytest.approx(1000 * mesh.volume_ml, rel=1e-6)
    assert data.is_manifold
    back = triangle_mesh(data)
    assert np.array_equal(back.points_mm, mesh.points_mm)
    assert np.array_equal(back.triangles, mesh.triangles)
    # PyVista's copy is its own.
    data.points += 1.0
    assert np.array_equal(back.points_mm, mesh.points_mm)
    assert poly_data(TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64))).n_cells == 0


def test_a_cylinder_is_closed_and_has_its_volume() -> None:
    start, end = np.array([1010.0, -2020, 30]), np.array([1040.0, -1980, 30])
    sides = CYLINDER_SIDES / (2 * np.pi) * np.sin(2 * np.pi / CYLINDER_SIDES)
    for rings in (2, 9):
        solid = cylinder(start + np.linspace(0, 1, rings)[:, None] * (end - start), 5.0)
        assert solid.is_closed
        # A ring at each stop, and the middles of both ends.
        assert len(solid.points_mm) == rings * CYLINDER_SIDES + 2
        assert solid.volume_ml == pytest.approx(np.pi * 25 * 50 / 1000 * sides, rel=1e-12)
    both = joined([solid, solid.transformed(np.diag([-1.0, 1, 1, 1]))])
    assert both.volume_ml == pytest.approx(2 * solid.volume_ml)
    for ends, radius in (([start, start], 5.0), ([start, end], 0.0)):
        with pytest.raises(ValueError, match="positive"):
            cylinder(ends, radius)


def instruments() -> dict[str, tuple[Instrument, float]]:
    """Instruments with the closed form of what they take of 60 mm, mm³."""
    cone = 2.25 / np.tan(np.radians(59.0))
    return {
        "flat": (Instrument("own", "own", diameter_mm=10.0), np.pi * 25 * 60),
        "twist drill, 118°": (
            Instrument("own", "own", diameter_mm=4.5, tip="cone", tip_angle_deg=118.0),
            np.pi * 2.25**2 * (cone / 3 + 60 - cone),
        ),
        "ball": (Instrument("own", "own", diameter_mm=8.0, tip="round"), 2 / 3 * np.pi * 64 + np.pi * 16 * 56),
        "pin ahead": (
            Instrument("own", "own", diameter_mm=10.0, pin_diameter_mm=3.2, pin_overshoot_mm=12.0),
            np.pi * 25 * 60 + np.pi * 1.6**2 * 12,
        ),
        "steps": (
            Instrument("own", "own", diameter_mm=10.0, steps=(Step(15.0, 6.0), Step(40.0, 8.0))),
            np.pi * (9 * 15 + 16 * 25 + 25 * 20),
        ),
        "cavity": (
            Instrument("own", "own", diameter_mm=9.0, cavity_diameter_mm=21.0, cavity_length_mm=20.0),
            np.pi * (10.5**2 * 20 + 4.5**2 * 40),
        ),
    }


@pytest.mark.parametrize("name", instruments())
def test_a_turned_solid_has_the_volume_of_its_closed_form(name: str) -> None:
    instrument, wanted_mm3 = instruments()[name]
    body = body_of(instrument)
    assert body.volume_mm3(60.0) == pytest.approx(wanted_mm3, rel=1e-9)
    way = np.array([0.36, -0.48, 0.8])
    tip = np.array([512.0, -233.0, 71.0])
    for step in (np.inf, 1.0):
        solid = revolved(tip, way, body.meridian(60.0, step))
        assert solid.is_closed
        assert solid.volume_ml * 1000 == pytest.approx(wanted_mm3, rel=0.005)
        # Inscribed in the true solid, and not by more than the prism's sixth of a percent and the ball's chords.
        assert solid.volume_ml * 1000 < wanted_mm3
        # Every point lies on the body's surface, as far as float64 can place it.
        offset = solid.points_mm - tip
        back = -(offset @ way)
        across = np.linalg.norm(offset + back[:, None] * way, axis=1)
        assert body.distance(back, across, 60.0).max() < 1e-9


def test_a_turned_solid_that_is_none_is_refused() -> None:
    for outline in ([[0.0, 0.0], [0.0, 3.0]], [[0.0, 0.0], [9.0, 0.0]]):
        with pytest.raises(ValueError, match="positive"):
            revolved(np.zeros(3), np.array([0.0, 0, 1]), outline)
