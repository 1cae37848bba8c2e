"""The second bone surface against closed forms, and its distances against VTK's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import Grid, Mask
from corecore.verification.mesh import BoneMesh, distance_to_triangles, mesh_of

Array = npt.NDArray[np.float64]
Depth = Callable[[Array], Array]


def voxelised(depth: Depth, spacing: tuple[float, float, float], reach: float = 32.0) -> Mask:
    size = np.asarray(spacing)
    shape = np.ceil(2 * reach / size).astype(int)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -shape * size / 2
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    inside = depth(index * size + affine[:3, 3]) > 0.0
    return Mask(Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine), inside.reshape(shape))


def ball(center: Array, radius: float = 24.0) -> Depth:
    return lambda points: np.asarray(radius - np.linalg.norm(points - center, axis=1))


def rod(center: Array, axis: Array, radius: float = 12.0) -> Depth:
    def depth(points: Array) -> Array:
        offset = points - center
        along = offset @ axis
        across = np.sqrt(np.maximum(np.sum(offset**2, axis=1) - along**2, 0.0))
        return np.asarray(np.minimum(radius - across, 22.0 - np.abs(along)))

    return depth


def unit_rows(rng: np.random.Generator, count: int) -> Array:
    rows = rng.normal(size=(count, 3))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


# Errors in voxels of the largest edge: bias, root mean square, worst (contract §5 on isotropic voxels).
@pytest.mark.parametrize(
    ("spacing", "limits"),
    [((1.0, 1.0, 1.0), (0.1, 0.25, 0.75)), ((0.7, 0.7, 3.0), (0.1, 0.25, 0.75))],
)
def test_distances_to_balls_and_oblique_rods_are_within_the_contract(
    spacing: tuple[float, float, float], limits: tuple[float, float, float]
) -> None:
    rng = np.random.default_rng(3)
    errors = []
    for _ in range(4):
        center = rng.uniform(-0.5, 0.5, 3) * spacing
        ways = unit_rows(rng, 600)
        below = rng.uniform(2.0, 6.0, 600)
        errors.append(
            mesh_of(voxelised(ball(center), spacing)).distance(center + (24.0 - below)[:, None] * ways) - below
        )
        axis = unit_rows(rng, 1)[0]
        across = np.cross(ways, axis)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        points = center + rng.uniform(-12, 12, 600)[:, None] * axis + (12.0 - below)[:, None] * across
        errors.append(mesh_of(voxelised(rod(center, axis), spacing)).distance(points) - below)
    error = np.concatenate(errors) / max(spacing)
    bias, rms, worst = limits
    assert abs(error.mean()) <= bias
    assert np.sqrt(np.mean(error**2)) <= rms
    assert np.abs(error).max() <= worst


@pytest.fixture(scope="module")
def mesh() -> BoneMesh:
    return mesh_of(voxelised(ball(np.array([0.2, -0.3, 0.1]), 18.0), (1.0, 1.0, 1.0), 24.0))


def test_distances_are_those_of_vtk(mesh: BoneMesh) -> None:
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkDoubleArray, vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

    surface, corners, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
    corners.SetData(numpy_to_vtk(mesh.vertices_mm, deep=True))
    offsets = np.arange(len(mesh.triangles) + 1, dtype=np.int64) * 3
    cells.SetData(
        numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(mesh.triangles.ravel(), deep=True)
    )
    surface.SetPoints(corners)
    surface.SetPolys(cells)
    oracle = vtkImplicitPolyDataDistance()
    oracle.SetInput(surface)
    rng = np.random.default_rng(5)
    points = unit_rows(rng, 3000) * rng.uniform(10.0, 23.0, 3000)[:, None]
    found = vtkDoubleArray()
    oracle.FunctionValue(numpy_to_vtk(points, deep=True), found)
    # VTK counts outside as positive.
    assert np.abs(mesh.distance(points) + vtk_to_numpy(found)).max() < 1e-3


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 3.0)])
def test_inside_is_where_the_level_between_voxels_says_so(spacing: tuple[float, float, float]) -> None:
    # The rod runs out of the scan: beyond its edge is no bone, though the lattice goes on.
    def endless(points: Array) -> Array:
        return np.asarray(12.0 - np.linalg.norm(points[:, :2] - 0.3, axis=1))

    mesh = mesh_of(voxelised(endless, spacing, 24.0))
    rng = np.random.default_rng(8)
    spread = rng.uniform(-40.0, 40.0, (20_000, 3))
    near = mesh.vertices_mm[rng.integers(0, len(mesh.vertices_mm), 20_000)] + rng.normal(0.0, 0.3, (20_000, 3))
    points = np.concatenate([spread, near, mesh.vertices_mm[:500], mesh.cut_points_mm, mesh.cut_points_mm + 1e-9])
    inside = mesh.inside(points)
    assert np.array_equal(inside, (mesh.level_at(points) >= 0.5) & (mesh.depth_in_view(points) > 0.0))
    assert 0.05 < inside.mean() < 0.95


def test_the_least_distance_is_the_smallest_of_all(mesh: BoneMesh) -> None:
    rng = np.random.default_rng(6)
    for low, high in ((0.0, 16.0), (2.0, 17.5), (10.0, 23.0)):
        points = unit_rows(rng, 2000) * rng.uniform(low, high, 2000)[:, None]
        least = mesh.least_distance(points)
        assert least is not None
        assert least == pytest.approx(float(mesh.distance(points).min()), abs=1e-9)
    assert mesh.least_distance(np.zeros((0, 3))) is None


def test_deeper_than_is_distance_compared(mesh: BoneMesh) -> None:
    rng = np.random.default_rng(7)
    points = unit_rows(rng, 4000) * rng.uniform(0.0, 20.0, 4000)[:, None]
    deep = mesh.deeper_than(points, 5.0)
    assert 0 < deep.sum() < len(points)
    assert np.array_equal(deep, mesh.distance(points) > 5.0)


def test_a_sliver_is_no_nearer_than_its_edges() -> None:
    a, b = np.array([[0.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 0.0]])
    assert distance_to_triangles(np.array([[0.5, 2.0, 0.0]]), a, b, a)[0] == pytest.approx(2.0)
    c = np.array([[0.0, 1.0, 0.0]])
    assert distance_to_triangles(np.array([[0.2, 0.2, 3.0]]), a, b, c)[0] == pytest.approx(3.0)
    assert distance_to_triangles(np.array([[-3.0, 0.5, 4.0]]), a, b, c)[0] == pytest.approx(5.0)


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_normals_point_out_on_left_and_right_handed_grids(flip: float) -> None:
    mask = voxelised(ball(np.zeros(3), 14.0), (1.0, 1.0, 1.0), 20.0)
    affine = np.diag([flip, 1.0, 1.0, 1.0]) @ mask.grid.world_from_index
    turned = mesh_of(Mask(Grid(mask.grid.shape, affine), mask.voxels))
    outward = turned.vertices_mm[turned.triangles].mean(axis=1)
    assert np.all(np.einsum("ij,ij->i", turned.triangle_normals, outward) > 0.0)
    for way in np.eye(3):
        assert np.dot(turned.mouth_normal(14.0 * way), way) > np.cos(np.radians(1.5))


def test_the_scan_s_edge_is_no_surface_but_counts_as_not_bone() -> None:
    whole = voxelised(rod(np.zeros(3), np.array([0.0, 0.0, 1.0])), (1.0, 1.0, 1.0), 26.0)
    cut = mesh_of(whole.cropped([0, 0, 0], [52, 52, 30]))
    # The last slice's outer face lies at index 29.5.
    face = float((whole.grid.world_from_index @ [0.0, 0.0, 29.5, 1.0])[2])
    assert cut.distance(np.array([[0.0, 0.0, face - 1.5]]))[0] == pytest.approx(1.5)
    assert not cut.inside(np.array([[0.0, 0.0, face + 0.1]]))[0]
    inner = cut.vertices_mm[np.hypot(cut.vertices_mm[:, 0], cut.vertices_mm[:, 1]) < 8.0]
    assert np.all(inner[:, 2] < face - 5.0)
    assert np.allclose(cut.cut_points_mm[:, 2], face, atol=0.01)
    assert len(mesh_of(whole).cut_points_mm) == 0


@pytest.mark.parametrize("fill", [True, False])
def test_a_mask_without_surface_is_refused(fill: bool) -> None:
    with pytest.raises(InputError):
        mesh_of(Mask(Grid((9, 9, 9), np.eye(4)), np.full((9, 9, 9), fill)))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.8, 2.4)])
def test_no_distance_exceeds_that_to_a_voxel_of_no_bone(spacing: tuple[float, float, float]) -> None:
    """Pits one voxel wide, which the smoothed level closes, count as they lie in the mask."""
    clean = voxelised(ball(np.zeros(3)), spacing)
    rng = np.random.default_rng(4)
    voxels = clean.voxels.copy()
    shell = np.argwhere(voxels & ~ndimage.binary_erosion(voxels))
    for at in shell[rng.choice(len(shell), 40, replace=False)]:
        inward = np.where(np.abs(at - np.array(voxels.shape) / 2) > 4, np.sign(np.array(voxels.shape) / 2 - at), 0)
        axis = int(np.argmax(np.abs(at - np.array(voxels.shape) / 2)))
        for deep in range(2):
            voxels[tuple(at + (deep * inward * np.eye(3)[axis]).astype(int))] = False
    found = mesh_of(Mask(clean.grid, voxels))
    assert len(found.pits_mm) > 0
    centre = np.argwhere(voxels & (ndimage.distance_transform_edt(voxels, sampling=spacing) < 9.0))
    to_centre = ndimage.distance_transform_edt(voxels, sampling=spacing)[tuple(centre.T)]
    points = centre * np.asarray(spacing) + clean.grid.world_from_index[:3, 3]
    distance = found.distance(points)
    inside = distance > 0.0
    near = np.min(np.linalg.norm(points[inside, None] - found.pits_mm[None], axis=2), axis=1)
    assert np.all(distance[inside] <= near + 1e-9)
    if spacing[2] < 2.0:
        assert float((distance - to_centre)[inside].max()) < 0.25
    some = points[inside][::50]
    assert found.least_gap(some) == pytest.approx(float(distance[inside][::50].min()), abs=1e-9)
    assert np.allclose(found.surface_gap(some, 30.0), distance[inside][::50]) or not found.in_view(some).all()
