"""The bone surface as a triangle mesh, and distances to it.

The mask is brought to near-isotropic voxels where slices are thick (cubic interpolation of
its signed distances across the slices), smoothed by a Gaussian of one voxel, and contoured
at the half level. Distances are to the triangles, not to voxels. The scan's edge makes no
surface; for distances inside the bone it counts as not-bone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, Grid, Mask, transform

#: Width of the smoothing, in (isotropic) voxels: removes the stairs of an oblique wall.
SMOOTHING_VOXELS = 1.0
#: Voxel edges that differ by more than this ratio are interpolated first.
ANISOTROPY_MAX = 1.5
#: Background kept around the bone, voxels; more than the Gaussian's reach.
PAD_VOXELS = 6
#: The scan's edge continues the bone by this many voxels, so that the edge makes no surface.
BEYOND_VOXELS = 6
#: Width (sd) of the average that gives the normal at an entry, mm: half the radius of a 10 mm drill,
#: so that one voxel's step cannot turn it by degrees.
MOUTH_WIDTH_MM = 2.5
#: Triangles judged for each point. On real bones 16 give the distance to the last digit, 8 err by 0.007 mm.
NEAREST_TRIANGLES = 16
#: Squared doubled area below which a triangle is its edges, mm^4.
SLIVER_MM4 = 1e-16
#: First guess of how near the nearest triangle is, mm.
NEAR_MM = 8.0
#: Edge of the cells whose middle is judged before their points, mm; where the nearest of all is looked for.
CELL_MM, LEAST_CELL_MM = 1.0, 2.0
#: Points judged at once; keeps the working set near 50 MB.
CHUNK = 8192
#: Points whose cell is looked up at once: few enough to be multiplied on one thread (others would spin for nothing).
LOOKED_UP = 16_384
#: What the corners of a cell tell of its points, beside 0 for not-bone; a hair, voxels.
INSIDE, UNSURE, HAIR = 1, 2, 1e-6


@dataclass(frozen=True, eq=False)
class BoneMesh:
    """A bone's surface in world RAS mm.

    ``vertices_mm`` (N, 3), ``triangles`` (M, 3) indices of them, ``triangle_normals`` (M, 3) unit and
    outward. ``level`` is the smoothed occupancy (0 to 1, half at the surface) on the lattice
    ``index_from_world`` (4, 4); ``grid`` is the mask's own, whose edge is the field of view.
    """

    grid: Grid
    level: npt.NDArray[np.float32]
    index_from_world: FloatArray
    vertices_mm: FloatArray
    triangles: npt.NDArray[np.int64]
    triangle_normals: FloatArray
    #: Centres (P, 3) of voxels that the mask says are no bone, and the smoothed surface encloses: no distance to
    #: not-bone exceeds the one to them.
    pits_mm: FloatArray = field(default_factory=lambda: np.zeros((0, 3)))

    def level_at(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Smoothed occupancy at world points (N, 3); 0 outside the field of view."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        index = transform(self.index_from_world, points)
        level = ndimage.map_coordinates(self.level, index.T, order=1, mode="constant", cval=0.0)
        return np.asarray(np.where(self.in_view(points), level, 0.0), dtype=np.float64)

    def inside(self, points_mm: npt.ArrayLike) -> BoolArray:
        """Whether each world point (N, 3) lies in bone and in the field of view."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        result = np.empty(len(points), dtype=bool)
        turn, shift = self.index_from_world[:3, :3], self.index_from_world[:3, 3:] + 1.0
        size, steps = np.array(self._cells.shape)[:, None], np.array(self._cells.strides, dtype=np.int64)
        for first in range(0, len(points), LOOKED_UP):
            part = points[first : first + LOOKED_UP]
            i, j, k = np.clip(turn @ part.T + shift, 0.0, size - 1.0).astype(np.int64)
            kind = self._cells.ravel().take(i * steps[0] + j * steps[1] + k)
            found = kind == INSIDE
            # The level is looked up between voxels only where a cell's corners disagree.
            unsure = np.flatnonzero(kind == UNSURE)
            found[unsure] = self.level_at(part[unsure]) >= 0.5
            result[first : first + LOOKED_UP] = found
        return result

    @cached_property
    def _cells(self) -> npt.NDArray[np.uint8]:
        """What the corners of each cell of the lattice tell of its points; a cell stands one further than its corner.

        Between eight corners of one kind the level is of that kind. Cells around the lattice, the last behind its
        last voxels among them, have none.
        """
        corners = self.level >= 0.5
        every, some = corners, corners
        for axis in range(3):
            low, high = (np.delete(np.arange(corners.shape[axis]), end) for end in (-1, 0))
            every = every.take(low, axis) & every.take(high, axis)
            some = some.take(low, axis) | some.take(high, axis)
        grid_from_lattice = self.grid.index_from_world @ np.linalg.inv(self.index_from_world)
        for axis, size in enumerate(self.grid.shape):
            # A hair short of the scan's edge.
            place = grid_from_lattice[axis, axis] * np.arange(corners.shape[axis]) + grid_from_lattice[axis, 3]
            seen = (place > -0.5 + HAIR) & (place < size - 0.5 - HAIR)
            every &= (seen[:-1] & seen[1:]).reshape(np.roll((-1, 1, 1), axis))
        cells = np.zeros(np.array(corners.shape) + 2, dtype=np.uint8)
        cells[1:-1, 1:-1, 1:-1] = UNSURE
        cells[1:-2, 1:-2, 1:-2] = np.where(every, INSIDE, np.where(some, UNSURE, 0))
        return cells

    def in_view(self, points_mm: npt.ArrayLike) -> BoolArray:
        """Whether each world point (N, 3) lies in the field of view (to the outer faces of the last voxels)."""
        return np.asarray(self.depth_in_view(points_mm) > 0.0)

    def depth_in_view(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Distance of world points (N, 3) to the nearest face of the field of view, mm; negative outside."""
        index = transform(self.grid.index_from_world, np.atleast_2d(np.asarray(points_mm, dtype=np.float64)))
        low = (index + 0.5) * self.grid.spacing_mm
        high = (np.array(self.grid.shape) - 0.5 - index) * self.grid.spacing_mm
        # Column by column: the least of three is slow along a row.
        x, y, z = np.minimum(low, high).T
        return np.asarray(np.minimum(np.minimum(x, y), z), dtype=np.float64)

    def distance(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Signed distance of world points (N, 3) to not-bone, mm, positive inside.

        Inside, the edge of the field of view counts as not-bone; outside, the distance is to the surface.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        size = self._unsigned(points)
        inside = self.inside(points)
        return np.asarray(np.where(inside, np.minimum(size, self.depth_in_view(points)), -size), dtype=np.float64)

    def least_distance(self, points_mm: npt.ArrayLike) -> float | None:
        """The smallest of ``distance`` over world points (N, 3), mm; ``None`` where there are none."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64)).reshape(-1, 3)
        if len(points) == 0:
            return None
        inside = self.inside(points)
        if not inside.all():
            return float(-self._unsigned(points[~inside]).max())
        return min(self.least_gap(points), float(self.depth_in_view(points).min()))

    def deeper_than(self, points_mm: FloatArray, depth_mm: float) -> BoolArray:
        """Whether points (N, 3) lie in bone, deeper than ``depth_mm`` below its surface and the scan's edge."""
        result = self.inside(points_mm) & (self.depth_in_view(points_mm) > depth_mm)
        inner = points_mm[result]
        # Depth changes by no more than the way gone, so the middle of a cell decides for most cells.
        middles, member = _in_cells(inner, CELL_MM)
        middle = self.surface_gap(middles, depth_mm + CELL_MM)[member]
        slack = 0.5 * CELL_MM * float(np.sqrt(3.0))
        deep = middle > depth_mm + slack
        unsure = ~deep & (middle > depth_mm - slack)
        deep[unsure] = self.surface_gap(inner[unsure], depth_mm) > depth_mm
        result[result] = deep
        return result

    def surface_gap(self, points_mm: FloatArray, bound_mm: float) -> FloatArray:
        """Distance (N,) of points (N, 3) to the surface, on either side, mm; infinite beyond the bound."""
        near = np.isfinite(self._rough(points_mm, bound_mm + self._reach_mm)) | (self._to_pits(points_mm) <= bound_mm)
        result = np.full(len(points_mm), np.inf)
        result[near] = self._unsigned(points_mm[near])
        result[result > bound_mm] = np.inf
        return result

    def least_gap(self, points_mm: FloatArray) -> float:
        """The smallest distance of points (N, 3) to the surface, whichever side they are on, mm."""
        # Bounded, since near the centre of a ball every triangle is as near as any other: a few points
        # bound the least distance, and only points with a centroid within that can be the nearest.
        some = points_mm[:: max(1, len(points_mm) // 200)]
        bound = NEAR_MM
        while not np.isfinite(rough := self._rough(some, bound)).any():
            bound *= 4.0
        least = float(rough.min())
        # A cell whose middle lies further off by more than to its corner holds none of them.
        middles, member = _in_cells(points_mm, LEAST_CELL_MM)
        slack = self._reach_mm + 0.5 * LEAST_CELL_MM * float(np.sqrt(3.0)) + HAIR
        near = points_mm[np.isfinite(self._rough(middles, least + slack))[member]]
        rough = self._rough(near, least + self._reach_mm)
        nearest = float(self._unsigned(near[rough <= rough.min() + self._reach_mm]).min())
        return min(nearest, float(self._to_pits(points_mm).min()))

    def _rough(self, points_mm: FloatArray, bound_mm: float) -> FloatArray:
        """Distance (N,) to the nearest centroid of a triangle, infinite beyond a bound, mm."""
        distance = self._centroid_tree.query(points_mm, distance_upper_bound=bound_mm, workers=-1)[0]
        return np.asarray(distance, dtype=np.float64)

    def mouth_normal(self, point_mm: FloatArray) -> FloatArray:
        """Outward unit normal (3,) of the surface around a hole's mouth.

        Mean over the triangles by area and by a Gaussian of ``MOUTH_WIDTH_MM`` of their distance.
        """
        centroids = self._centroid_tree.data
        near = np.array(self._centroid_tree.query_ball_point(point_mm, 3.0 * MOUTH_WIDTH_MM), dtype=np.int64)
        if len(near) == 0:
            near = np.array([self._centroid_tree.query(point_mm)[1]], dtype=np.int64)
        square = np.sum((centroids[near] - point_mm) ** 2, axis=1)
        weight = self._areas[near] * np.exp(-0.5 * (square - square.min()) / MOUTH_WIDTH_MM**2)
        total = np.sum(self.triangle_normals[near] * weight[:, None], axis=0)
        return np.asarray(total / np.linalg.norm(total), dtype=np.float64)

    @cached_property
    def cut_points_mm(self) -> FloatArray:
        """World points (K, 3) of the bone on the faces of the field of view; K = 0 where it does not reach them."""
        cuts = []
        shape = np.array(self.grid.shape)
        for axis in range(3):
            across = [a for a in range(3) if a != axis]
            u, v = (np.arange(shape[a], dtype=np.float64) for a in across)
            for end in (-0.499, shape[axis] - 0.501):
                index = np.empty((len(u), len(v), 3))
                index[..., axis] = end
                index[..., across[0]] = u[:, None]
                index[..., across[1]] = v
                points = transform(self.grid.world_from_index, index.reshape(-1, 3))
                cuts.append(points[self.inside(points)])
        return np.concatenate(cuts)

    @cached_property
    def _areas(self) -> FloatArray:
        a, b, c = (self.vertices_mm[self.triangles[:, k]] for k in range(3))
        return np.asarray(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1), dtype=np.float64)

    @cached_property
    def _centroid_tree(self) -> cKDTree:
        return cKDTree(self.vertices_mm[self.triangles].mean(axis=1))

    @cached_property
    def _reach_mm(self) -> float:
        """Farthest that a point of a triangle lies from the triangle's centroid."""
        corners = self.vertices_mm[self.triangles]
        return float(np.linalg.norm(corners - corners.mean(axis=1, keepdims=True), axis=2).max())

    def _unsigned(self, points: FloatArray) -> FloatArray:
        """Distance (N,) to the nearest triangle among those with the nearest centroids."""
        result = np.empty(len(points))
        for first in range(0, len(points), CHUNK):
            part = points[first : first + CHUNK]
            _, near = self._centroid_tree.query(part, k=min(NEAREST_TRIANGLES, len(self.triangles)), workers=-1)
            corners = self.vertices_mm[self.triangles[near.reshape(len(part), -1)]]
            each = distance_to_triangles(part[:, None], corners[:, :, 0], corners[:, :, 1], corners[:, :, 2])
            result[first : first + CHUNK] = each.min(axis=1)
        return np.minimum(result, self._to_pits(points))

    def _to_pits(self, points_mm: FloatArray) -> FloatArray:
        """Distance (N,) to the nearest pit's centre, mm; infinite where there is none."""
        if len(self.pits_mm) == 0:
            return np.full(len(points_mm), np.inf)
        return np.asarray(self._pit_tree.query(points_mm, workers=-1)[0], dtype=np.float64)

    @cached_property
    def _pit_tree(self) -> cKDTree:
        return cKDTree(self.pits_mm)


def _in_cells(points_mm: FloatArray, edge_mm: float) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Middles (M, 3) of the cubes that hold points (N, 3), and each point's cube (N,)."""
    cells = np.floor(points_mm / edge_mm).astype(np.int64)
    cells -= cells.min(axis=0) if len(cells) else 0
    span = cells.max(axis=0) + 1 if len(cells) else np.ones(3, dtype=np.int64)
    _, first, member = np.unique(np.ravel_multi_index(cells.T, span), return_index=True, return_inverse=True)
    return (np.floor(points_mm[first] / edge_mm) + 0.5) * edge_mm, member.reshape(-1)


def mesh_of(bone: Mask) -> BoneMesh:
    """The surface mesh of a bone mask. Raises ``InputError`` where there is no surface."""
    if not bone.voxels.any() or bone.voxels.all():
        raise InputError("the bone mask has no surface: it is empty, or fills its volume", code="mask-empty")
    start, stop = bone.bounds(PAD_VOXELS)
    shape = np.array(bone.grid.shape)
    # Where the crop meets the scan's edge the last slice is continued beyond it.
    before = np.where(start == 0, BEYOND_VOXELS, 0).astype(np.int64)
    after = np.where(stop == shape, BEYOND_VOXELS, 0).astype(np.int64)
    part = bone.cropped(start, stop)
    voxels = np.pad(part.voxels, list(zip(before, after, strict=True)), mode="edge")
    offset = np.asarray(start, dtype=np.float64) - before

    spacing = bone.grid.spacing_mm
    factor = np.maximum(1, np.rint(spacing / spacing.min())).astype(np.int64)
    factor[spacing / spacing.min() <= ANISOTROPY_MAX] = 1
    occupancy = voxels.astype(np.float32) if np.all(factor == 1) else _near_isotropic(voxels, spacing, factor)
    fine = spacing / factor
    sigma = SMOOTHING_VOXELS * float(np.cbrt(np.prod(fine))) / fine
    level = ndimage.gaussian_filter(occupancy, sigma=sigma, mode="nearest", truncate=4.0)

    scale = np.eye(4)
    scale[:3, :3] = np.diag(1.0 / factor)
    scale[:3, 3] = offset
    world_from_lattice = bone.grid.world_from_index @ scale
    index, triangles = _contour(level)
    vertices = transform(world_from_lattice, index)
    index_from_world = np.asarray(np.linalg.inv(world_from_lattice), dtype=np.float64)
    normals = _outward_normals(level, index_from_world, vertices, triangles, 0.5 * float(fine.min()))
    centers = np.argwhere(~voxels)
    centers = centers[level[tuple((centers * factor).T)] >= 0.5]
    pits = transform(world_from_lattice, centers * factor)
    return BoneMesh(bone.grid, level, index_from_world, vertices, triangles, normals, pits)


def _near_isotropic(voxels: BoolArray, spacing: FloatArray, factor: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Occupancy (0 to 1) on a lattice ``factor`` times finer, from the signed distances of the coarse one.

    The distances are those of voxel centres to the other kind's centres, so the zero lies
    half-way; across the slices they are interpolated by a cubic spline.
    """
    signed = ndimage.distance_transform_edt(voxels, sampling=spacing)
    signed -= ndimage.distance_transform_edt(~voxels, sampling=spacing)
    for axis in np.flatnonzero(factor > 1):
        old = np.arange(signed.shape[axis], dtype=np.float64)
        new = np.arange((signed.shape[axis] - 1) * factor[axis] + 1) / factor[axis]
        signed = CubicSpline(old, signed, axis=int(axis))(new)
    width = float(np.cbrt(np.prod(spacing / factor)))
    return np.asarray(np.clip(0.5 + signed / (2.0 * width), 0.0, 1.0), dtype=np.float32)


def _contour(level: npt.NDArray[np.float32]) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Half level of a lattice: vertices (N, 3) in lattice indices, triangles (M, 3)."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    image = vtkImageData()
    image.SetDimensions(*level.shape)
    scalars = numpy_to_vtk(level.ravel(order="F"), deep=True)
    image.GetPointData().SetScalars(scalars)
    filter_ = vtkFlyingEdges3D()
    filter_.SetInputData(image)
    filter_.SetValue(0, 0.5)
    filter_.ComputeNormalsOff()
    filter_.ComputeGradientsOff()
    filter_.ComputeScalarsOff()
    filter_.Update()
    output = filter_.GetOutput()
    if output.GetNumberOfPolys() == 0:
        raise InputError("the bone is too small for a surface", code="mask-empty")
    vertices = np.array(vtk_to_numpy(output.GetPoints().GetData()), dtype=np.float64)
    triangles = np.array(vtk_to_numpy(output.GetPolys().GetConnectivityArray()), dtype=np.int64).reshape(-1, 3)
    return vertices, triangles


def _outward_normals(
    level: npt.NDArray[np.float32],
    index_from_world: FloatArray,
    vertices_mm: FloatArray,
    triangles: npt.NDArray[np.int64],
    step_mm: float,
) -> FloatArray:
    """Unit normals of the triangles, turned to where the level falls."""
    a, b, c = (vertices_mm[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    centre = (a + b + c) / 3.0
    ahead, behind = (
        ndimage.map_coordinates(level, transform(index_from_world, centre + side * normal).T, order=1, mode="nearest")
        for side in (step_mm, -step_mm)
    )
    return np.asarray(normal * np.where(ahead <= behind, 1.0, -1.0)[:, None], dtype=np.float64)


def distance_to_triangles(points: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """Distance of points (..., 3) to triangles with corners ``a``, ``b``, ``c`` (..., 3), element by element, mm."""
    normal = np.cross(b - a, c - a)
    square = np.einsum("...i,...i", normal, normal)
    # A contour has slivers without area, whose plane means nothing: their edges are enough.
    flat = square < SLIVER_MM4
    square = np.where(flat, 1.0, square)
    offset = points - a
    w = np.einsum("...i,...i", np.cross(b - a, offset), normal) / square
    v = np.einsum("...i,...i", np.cross(offset, c - a), normal) / square
    over = ~flat & (v >= 0.0) & (w >= 0.0) & (v + w <= 1.0)
    plane = np.abs(np.einsum("...i,...i", offset, normal)) / np.sqrt(square)
    edges = np.minimum(np.minimum(_to_segment(points, a, b), _to_segment(points, b, c)), _to_segment(points, c, a))
    return np.asarray(np.where(over, plane, edges), dtype=np.float64)


def _to_segment(points: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    along = b - a
    share = np.einsum("...i,...i", points - a, along) / np.maximum(np.einsum("...i,...i", along, along), 1e-30)
    gap = points - a - np.clip(share, 0.0, 1.0)[..., None] * along
    return np.asarray(np.sqrt(np.einsum("...i,...i", gap, gap)), dtype=np.float64)
