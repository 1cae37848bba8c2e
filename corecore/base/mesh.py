"""Triangle meshes: the bone and the lesion as surfaces, for files and pictures.

The surface is the half level of :func:`corecore.base.distance_field.smoothed_level`, so that a picture
shows the very surface that clearances are measured to. Unlike the distance field, a mesh is
closed where the scan cuts the bone, since an STL file with holes is no solid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corecore.base.distance_field import SMOOTHING_VOXELS, smoothed_level
from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray, across_axes, transform

if TYPE_CHECKING:
    # Loaded where a mesh is made: it takes a second.
    import pyvista

IntArray = npt.NDArray[np.int64]

#: The smoothed mask's level that is the bone surface (``corecore.base.distance_field``).
SURFACE_LEVEL = 0.5
#: A nudge of voxels whose level is exactly the surface's, in levels. There contouring would put several
#: vertices on one point and leave triangles of no area; 1e-4 moves the surface by under 0.001 voxel
#: (engineering choice).
LEVEL_NUDGE = 1e-4
#: Corners of a turned solid's circles: the prism of a cylinder has 0.16 % less volume.
CYLINDER_SIDES = 64


@dataclass(frozen=True, eq=False)
class TriangleMesh:
    """A triangle surface in a right-handed millimetre frame.

    ``points_mm`` (N, 3) float64; ``triangles`` (M, 3) int64 index into it, counter-clockwise
    seen from outside. Raises ``InputError`` for points that are not finite and for triangles
    that name points which do not exist.
    """

    points_mm: FloatArray
    triangles: IntArray

    def __post_init__(self) -> None:
        points = np.array(self.points_mm, dtype=np.float64).reshape(-1, 3)
        triangles = np.array(self.triangles, dtype=np.int64).reshape(-1, 3)
        if not np.all(np.isfinite(points)):
            raise InputError(
                "a mesh has points that are not finite numbers; finite millimetres are accepted",
                code="geometry-invalid",
            )
        if len(triangles) and (triangles.min() < 0 or triangles.max() >= len(points)):
            raise InputError(
                f"a mesh of {len(points)} points has a triangle naming point {int(triangles.max())};"
                " triangles of existing points are accepted",
                code="geometry-invalid",
            )
        points.setflags(write=False)
        triangles.setflags(write=False)
        object.__setattr__(self, "points_mm", points)
        object.__setattr__(self, "triangles", triangles)

    @property
    def corners_mm(self) -> FloatArray:
        """Corners of every triangle, (M, 3 corners, 3) mm."""
        return np.asarray(self.points_mm[self.triangles], dtype=np.float64)

    @property
    def normals(self) -> FloatArray:
        """Outward unit normal of every triangle, (M, 3); zero where a triangle has no area."""
        a, b, c = np.moveaxis(self.corners_mm, 1, 0)
        cross = np.cross(b - a, c - a)
        length = np.linalg.norm(cross, axis=1, keepdims=True)
        return np.asarray(cross / np.where(length > 0, length, 1.0), dtype=np.float64)

    @property
    def area_mm2(self) -> float:
        """Area of the surface, mm²."""
        a, b, c = np.moveaxis(self.corners_mm, 1, 0)
        return float(np.sum(np.linalg.norm(np.cross(b - a, c - a), axis=1))) / 2.0

    @property
    def volume_ml(self) -> float:
        """Volume enclosed, ml, by the divergence theorem; negative where the mesh is inside out.

        Means something only for a closed mesh (see ``is_closed``).
        """
        if len(self.triangles) == 0:
            return 0.0
        # About the mesh's own middle: far from the origin the terms would cancel badly.
        a, b, c = np.moveaxis(self.corners_mm - self.points_mm.mean(axis=0), 1, 0)
        return float(np.sum(np.einsum("ij,ij->i", a, np.cross(b, c)))) / 6.0 / 1000.0

    @property
    def is_closed(self) -> bool:
        """Whether every edge is met once in each direction: watertight, and wound alike all over."""
        if len(self.triangles) == 0:
            return False
        t = self.triangles
        edges = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
        size = len(self.points_mm)
        forth = np.sort(edges[:, 0] * size + edges[:, 1])
        back = np.sort(edges[:, 1] * size + edges[:, 0])
        return bool(np.all(forth[1:] != forth[:-1]) and np.array_equal(forth, back))

    def transformed(self, target_from_source: npt.ArrayLike) -> TriangleMesh:
        """The mesh carried through a 4 x 4 matrix; a reflection turns the triangles, so normals stay outward."""
        matrix = np.asarray(target_from_source, dtype=np.float64)
        mirrored = np.linalg.det(matrix[:3, :3]) < 0
        triangles = self.triangles[:, ::-1] if mirrored else self.triangles
        return TriangleMesh(transform(matrix, self.points_mm), triangles)

    def decimated(self, triangles: int) -> TriangleMesh:
        """A mesh of about ``triangles`` triangles at most, by quadric edge collapse; itself where it has no more.

        Raises ``ValueError`` where fewer than four triangles are asked for.
        """
        if triangles < 4:
            raise ValueError(f"{triangles} triangles asked for; a closed surface has four or more")
        return self if len(self.triangles) <= triangles else _decimated(self, triangles)


# A bone takes half a second: whoever knows early that a page will be written asks early.
@lru_cache(maxsize=4)
def _decimated(mesh: TriangleMesh, triangles: int) -> TriangleMesh:
    # A float64 mesh far from the origin loses the quadric's digits: work about the middle.
    middle = mesh.points_mm.mean(axis=0)
    reduced = poly_data(TriangleMesh(mesh.points_mm - middle, mesh.triangles)).decimate(
        1.0 - triangles / len(mesh.triangles), volume_preservation=True
    )
    result = triangle_mesh(reduced)
    return TriangleMesh(result.points_mm + middle, result.triangles)


def surface_mesh(voxels: BoolArray, spacing_mm: npt.ArrayLike) -> TriangleMesh:
    """The closed surface of a mask (nx, ny, nz) in the local frame; voxel (i, j, k) lies at (i, j, k) * ``spacing_mm``.

    Where the mask meets the array's edge the surface is closed half a voxel beyond the last
    centre, as the voxels end there. Raises ``InputError`` for a mask without voxels, or one so
    small that smoothing leaves nothing of it.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if not voxels.any():
        raise InputError("the mask is empty: it has no surface", code="mask-empty")
    # Only where the mask is: a mesh of a small lesion need not visit a whole pelvis.
    reach = int(np.ceil(4.0 * SMOOTHING_VOXELS * float(np.cbrt(np.prod(spacing))) / float(np.min(spacing)))) + 1
    occupied = [np.flatnonzero(voxels.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    start = np.array([max(0, int(line[0]) - reach) for line in occupied])
    stop = np.array([min(n, int(line[-1]) + 1 + reach) for n, line in zip(voxels.shape, occupied, strict=True)])
    part = voxels[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]]

    level = np.asarray(smoothed_level(part, spacing), dtype=np.float64)
    close = np.abs(level - SURFACE_LEVEL) < LEVEL_NUDGE
    level[close] = SURFACE_LEVEL + LEVEL_NUDGE
    for axis in range(3):
        low, high = np.take(level, [0], axis=axis), np.take(level, [-1], axis=axis)
        # The mirror image about the half level puts the lid half a voxel outside, whatever the level there.
        # Voxels that are out must stay out, or the lid would have a rim that stands off the bone.
        level = np.concatenate([np.minimum(1.0 - low, low), level, np.minimum(1.0 - high, high)], axis=axis)
    mesh = _contour(level, spacing)
    if len(mesh.triangles) == 0:
        raise InputError(
            f"the mask has {int(voxels.sum())} voxels, too thin or too few for a surface", code="mask-empty"
        )
    return TriangleMesh(mesh.points_mm + (start - 1) * spacing, mesh.triangles)


def _contour(level: FloatArray, spacing: FloatArray) -> TriangleMesh:
    """The half level of a padded array by flying edges, first voxel at the origin."""
    import pyvista

    image = pyvista.ImageData(dimensions=level.shape, spacing=spacing)
    image["level"] = level.ravel(order="F")
    mesh = triangle_mesh(image.contour([SURFACE_LEVEL], "level", compute_scalars=False, method="flying_edges"))
    # Flying edges winds either way by version; the volume's sign says which this was.
    return mesh if mesh.volume_ml >= 0 else TriangleMesh(mesh.points_mm, mesh.triangles[:, ::-1])


def revolved(tip_mm: npt.ArrayLike, direction: npt.ArrayLike, meridian: npt.ArrayLike) -> TriangleMesh:
    """A closed solid of revolution about a straight line.

    Its points lie on the solid's surface, to float64; the prism of a cylinder has 0.16 % less volume. An end with a
    radius is a flat lid whose triangles meet in its middle.

    Parameters
    ----------
    tip_mm : array_like, shape (3,)
        Where the line's place 0 is, mm.
    direction : array_like, shape (3,)
        Unit vector towards negative places.
    meridian : array_like, shape (N, 2 or more)
        The outline from the front backward: place behind ``tip_mm`` and radius, mm. Further columns are not looked at.

    Returns
    -------
    TriangleMesh
        A ring of points for every row with a radius, in the rows' order from the back, then the ends' middles.

    Raises
    ------
    ValueError
        Without a length or a radius.
    """
    tip, way = np.asarray(tip_mm, dtype=np.float64), np.asarray(direction, dtype=np.float64)
    outline = np.asarray(meridian, dtype=np.float64)[::-1]
    length, widest = float(np.ptp(outline[:, 0])), float(outline[:, 1].max())
    if not (length > 0.0 and widest > 0.0):
        raise ValueError(f"a solid of length {length:g} and radius {widest:g}; both must be positive")
    # A point of the axis at an end is the middle of a lid, or a pointed end.
    back, front = outline[0, 0], outline[-1, 0]
    outline = outline[outline[:, 1] > 0.0]
    u, v = across_axes(way)
    turn = 2.0 * np.pi * np.arange(CYLINDER_SIDES) / CYLINDER_SIDES
    rim = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
    axis = tip - outline[:, :1] * way
    rings = axis[:, None] + outline[:, 1, None, None] * rim
    points = np.concatenate([rings.reshape(-1, 3), [tip - back * way, tip - front * way]])
    here, there = np.arange(CYLINDER_SIDES), np.roll(np.arange(CYLINDER_SIDES), -1)
    base = CYLINDER_SIDES * np.arange(len(outline) - 1)[:, None]
    a, b = (base + here).ravel(), (base + there).ravel()
    first, last, top = len(points) - 2, len(points) - 1, CYLINDER_SIDES * (len(outline) - 1)
    triangles = np.concatenate(
        [
            np.stack([a, b, b + CYLINDER_SIDES], axis=1),
            np.stack([a, b + CYLINDER_SIDES, a + CYLINDER_SIDES], axis=1),
            np.stack([np.full(CYLINDER_SIDES, first), there, here], axis=1),
            np.stack([np.full(CYLINDER_SIDES, last), top + here, top + there], axis=1),
        ]
    )
    return TriangleMesh(points, triangles)


def cylinder(stops_mm: npt.ArrayLike, radius_mm: float) -> TriangleMesh:
    """A closed flat-ended cylinder about a straight line, with a ring of points at each of ``stops_mm`` (N, 3).

    Raises ``ValueError`` without a length or a radius.
    """
    stops = np.asarray(stops_mm, dtype=np.float64)
    way = stops[-1] - stops[0]
    length = float(np.linalg.norm(way))
    if length <= 0 or radius_mm <= 0:
        raise ValueError(f"a cylinder of length {length:g} and radius {radius_mm:g}; both must be positive")
    places = (stops[-1] - stops) @ way / length
    return revolved(stops[-1], way / length, np.stack([places, np.full(len(places), radius_mm)], axis=1)[::-1])


def joined(meshes: Sequence[TriangleMesh]) -> TriangleMesh:
    """Several meshes as one."""
    first = np.cumsum([0] + [len(mesh.points_mm) for mesh in meshes[:-1]])
    triangles = [mesh.triangles + start for mesh, start in zip(meshes, first, strict=True)]
    return TriangleMesh(np.concatenate([mesh.points_mm for mesh in meshes]), np.concatenate(triangles))


def poly_data(surface: TriangleMesh) -> pyvista.PolyData:
    """A triangle mesh as PyVista takes it: float64 points in the mesh's own frame and mm, triangles in their order.

    Raises nothing: a mesh without triangles becomes one without cells.
    """
    import pyvista

    # Copies of its own: PyVista changes arrays in place, and a mesh does not change.
    return pyvista.PolyData.from_regular_faces(surface.points_mm.copy(), surface.triangles, deep=True)


def triangle_mesh(data: pyvista.PolyData) -> TriangleMesh:
    """The triangles of a PyVista surface, points that none of them names left out.

    Raises ``InputError`` for points that are not finite, ``ValueError`` for polygons of more corners.
    """
    triangles = np.array(data.regular_faces, dtype=np.int64).reshape(-1, 3)
    used, renamed = np.unique(triangles, return_inverse=True)
    return TriangleMesh(np.asarray(data.points, dtype=np.float64)[used], renamed.reshape(-1, 3))
