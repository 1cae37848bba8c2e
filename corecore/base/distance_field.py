"""The bone surface between the voxels, and the signed distance to it.

The surface is the half level of the mask smoothed by a Gaussian of one voxel. A distance
transform of the mask itself measures to voxel centres and is 0.2 to 0.3 voxel short on
oblique walls; this one is within 0.1 (``docs/design/surface.md``).

Everything here lives in the *local* frame of a case: millimetres along the array's axes,
origin at the centre of the first voxel, right-handed, left hips mirrored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from pykdtree.kdtree import KDTree
from scipy import ndimage

from corecore.base.cells import Cells
from corecore.base.grid import BoolArray, FloatArray

#: Width of the smoothing Gaussian, voxels. One voxel removes the stairs of an oblique wall
#: (RMS error 0.2 voxel); more would shrink curved bone.
SMOOTHING_VOXELS = 1.0
#: Width of the lighter smoothing that pits are looked for with, voxels: the half level then follows what is one or two
#: voxels wide. On clean masks it lies within 0.27 voxel of the other (``docs/design/surface.md``).
PIT_SMOOTHING_VOXELS = 0.7
#: So far the two may differ, voxels; where the lighter one lies deeper, it is the surface but for so much.
PIT_ALLOWANCE_VOXELS = 0.3
#: Around a pit distances are corrected this far, mm: beyond every margin that can be asked for but the joint's, where a
#: pit's half voxel is the least of the doubts (engineering choice).
PIT_REACH_MM = 16.0
#: Outside the bone the distance is exact this far, mm; beyond it is that of the centres of every second voxel.
EXACT_OUTSIDE_MM = 4.0
#: Deeper than this (and two voxels) the distance is interpolated, mm: beyond every default margin.
DEEP_MM = 8.0
#: Width (sd) of the average that gives the surface normal at an entry, mm: half the mouth of a
#: 10 mm drill, so that a voxel's step cannot turn the incidence by degrees (engineering choice).
MOUTH_WIDTH_MM = 2.5
#: Distances beyond this play no part in that average, mm.
MOUTH_BAND_MM = 12.0
#: Half-step of the differences that give a normal, mm.
NORMAL_STEP_MM = 1.0


@dataclass(frozen=True, eq=False)
class Bone:
    """A femur as a signed distance field, in the local frame of its hip.

    The surface is the half level of the mask smoothed by a Gaussian of one voxel; against closed forms its bias is
    within 0.04 voxel and its RMS error 0.07 to 0.09 voxel (``docs/design/surface.md``).

    Parameters
    ----------
    distance_mm : ndarray of float32, shape (nx, ny, nz)
        Distance to the bone surface, mm, positive inside; the edge of the field of view counts as surface. Voxel
        (i, j, k) lies at (i, j, k) * ``spacing_mm``.
    spacing_mm : ndarray, shape (3,)
        Voxel edges, mm.
    surface_points_mm : ndarray, shape (N, 3)
        Samples of the surface proper, local mm; the scan's edge is not among them.
    surface_normals : ndarray, shape (N, 3)
        Outward unit normals there, local.
    cut_points_mm : ndarray, shape (M, 3)
        Where the scan's edge cuts the bone, local mm; M = 0 where it does not.
    pits_mm : ndarray, shape (P, 3)
        Points of pits of the mask that the smooth surface closes, local mm; ``distance_mm`` knows them. P = 0 on clean
        masks, and where pits were not looked for.
    pit_depths_mm : ndarray, shape (P,)
        How deep below the smooth surface they lie, mm: what clearances would be overstated by.
    """

    distance_mm: npt.NDArray[np.float32]
    spacing_mm: FloatArray
    surface_points_mm: FloatArray
    surface_normals: FloatArray
    cut_points_mm: FloatArray
    pits_mm: FloatArray = field(default_factory=lambda: np.zeros((0, 3)))
    pit_depths_mm: FloatArray = field(default_factory=lambda: np.zeros(0))

    def distance(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Signed distance of points to the bone surface, trilinear.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3)
            Local positions, mm.

        Returns
        -------
        ndarray, shape (N,)
            Distance, mm, positive in bone; -1000 outside the array.
        """
        index = np.asarray(points_mm, dtype=np.float64) / self.spacing_mm
        return np.asarray(
            ndimage.map_coordinates(self.distance_mm, index.T, order=1, mode="constant", cval=-1000.0),
            dtype=np.float64,
        )

    def inside(self, points_mm: npt.ArrayLike) -> BoolArray:
        """Whether points lie in bone.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3)
            Local positions, mm.

        Returns
        -------
        ndarray of bool, shape (N,)
            True in bone.
        """
        points = np.asarray(points_mm, dtype=np.float64)
        return self._cells.hold(points / self.spacing_mm, lambda rows: self.distance(points[rows]) > 0.0)

    @cached_property
    def _cells(self) -> Cells:
        return Cells.of(self.distance_mm > 0.0)

    def mouth_normal(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Outward normal of the surface at entry points, averaged over a drill's mouth.

        The gradient of ``mouth_field`` by central differences over 1 mm either way.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3) or (3,)
            Local positions, mm.

        Returns
        -------
        ndarray, shape (N, 3)
            Unit normals, local.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        gradient = np.empty_like(points)
        for axis in range(3):
            step = np.zeros(3)
            step[axis] = NORMAL_STEP_MM
            ahead = (points + step) / self.spacing_mm
            behind = (points - step) / self.spacing_mm
            gradient[:, axis] = ndimage.map_coordinates(
                self.mouth_field, ahead.T, order=1, mode="nearest"
            ) - ndimage.map_coordinates(self.mouth_field, behind.T, order=1, mode="nearest")
        return np.asarray(-gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-12))

    def mouth_depth(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Depth of points below the surface averaged over a drill's mouth.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3) or (3,)
            Local positions, mm.

        Returns
        -------
        ndarray, shape (N,)
            Depth, mm, positive in bone.
        """
        index = np.atleast_2d(np.asarray(points_mm, dtype=np.float64)) / self.spacing_mm
        return np.asarray(ndimage.map_coordinates(self.mouth_field, index.T, order=1, mode="nearest"), dtype=np.float64)

    @cached_property
    def mouth_field(self) -> npt.NDArray[np.float32]:
        """Distance smoothed over a drill's mouth, shape (nx, ny, nz), mm; its gradient is a steady normal."""
        limited = np.clip(self.distance_mm, -MOUTH_BAND_MM, MOUTH_BAND_MM)
        return np.asarray(ndimage.gaussian_filter(limited, sigma=MOUTH_WIDTH_MM / self.spacing_mm, mode="nearest"))

    def distance_to_cut(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Distance of points to where the scan's edge cuts the bone.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3) or (3,)
            Local positions, mm.

        Returns
        -------
        ndarray, shape (N,)
            Distance, mm; infinite where nothing is cut.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        if len(self.cut_points_mm) == 0:
            return np.full(len(points), np.inf)
        return np.asarray(KDTree(self.cut_points_mm).query(points)[0], dtype=np.float64)


def bone_from_voxels(
    voxels: BoolArray, spacing_mm: npt.ArrayLike, *, open_faces: npt.ArrayLike | None = None, pits: bool = False
) -> Bone:
    """The distance field of bone voxels.

    ``open_faces`` (3, 2) bool tells which faces of the array (low, high along each axis) are
    the edge of the field of view; by default all are. With ``pits`` no distance exceeds by more than
    ``PIT_ALLOWANCE_VOXELS`` that to the surface of a lighter smoothing, in which pits of a rough mask show, nor that
    to the centre of a voxel without bone. Raises ``ValueError`` for a mask
    without bone or without background, for which there is no surface.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    faces = np.ones((3, 2), dtype=bool) if open_faces is None else np.asarray(open_faces, dtype=bool)
    if not voxels.any() or voxels.all():
        raise ValueError("a bone surface needs both bone and background")
    level = smoothed_level(voxels, spacing)
    points, normals = _crossings(level, spacing)
    inside = level >= 0.5

    reach = int(np.ceil(EXACT_OUTSIDE_MM / float(np.min(spacing))))
    near = ndimage.binary_dilation(inside, iterations=reach) | inside
    distance = np.asarray(-_far_outside(inside, spacing), dtype=np.float32)
    tree = KDTree(points)
    deep, depth = _deep_inside(inside, spacing, tree)
    distance[deep] = depth
    near &= ~deep
    size = distance_along_normals(np.argwhere(near) * spacing, tree, points, normals, float(spacing.max()))
    distance[near] = np.where(inside[near], size, -size)
    pit_points, pit_depths = np.zeros((0, 3)), np.zeros(0)
    if pits:
        pit_points, pit_depths = _lower_at_pits(distance, voxels, spacing)

    cuts = []
    for axis in range(3):
        for end in range(2):
            if not faces[axis, end]:
                continue
            # The field of view ends half a voxel beyond the last centre.
            ramp = (np.arange(voxels.shape[axis]) + 0.5) * spacing[axis]
            if end:
                ramp = ramp[::-1]
            shape = [1, 1, 1]
            shape[axis] = len(ramp)
            distance = np.minimum(distance, ramp.reshape(shape).astype(np.float32), out=distance, where=inside)
            last = voxels.shape[axis] - 1 if end else 0
            touched = np.argwhere(np.take(inside, [last], axis=axis))
            if len(touched):
                touched = touched.astype(np.float64)
                touched[:, axis] = last + (0.5 if end else -0.5)
                cuts.append(touched * spacing)
    cut_points = np.concatenate(cuts) if cuts else np.zeros((0, 3))
    return Bone(distance, spacing, points, normals, cut_points, pit_points, pit_depths)


def _lower_at_pits(
    distance: npt.NDArray[np.float32], voxels: BoolArray, spacing: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Lower distances in place to what pits allow: points (P, 3) mm of these, and how deep they lie (P,) mm.

    A pit is where the surface of a lighter smoothing lies deeper below the other's than the two may differ; or the
    centre of a voxel that is no bone does, of which even the lighter one closes some.
    """
    light = smoothed_level(voxels, spacing, PIT_SMOOTHING_VOXELS)
    allowance = PIT_ALLOWANCE_VOXELS * float(spacing.max())
    surface = _points_at_half(light, spacing)
    centres = np.argwhere(~voxels & (distance > allowance)) * spacing
    depth = ndimage.map_coordinates(distance, (surface / spacing).T, order=1, mode="nearest").astype(np.float64)
    crossed = surface[depth > allowance]
    depths = np.concatenate([depth[depth > allowance], distance[~voxels & (distance > allowance)]])
    pits = np.concatenate([crossed, centres])
    if len(pits) == 0:
        return pits, depths
    low = np.maximum(np.floor((pits.min(axis=0) - PIT_REACH_MM) / spacing), 0).astype(int)
    high = np.ceil((pits.max(axis=0) + PIT_REACH_MM) / spacing).astype(int) + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    part, bone = distance[box], light[box] >= 0.5

    def lower(where: BoolArray, to: FloatArray, more_mm: float, sign: float = 1.0) -> None:
        at = np.argwhere(where)
        if len(at) == 0 or len(to) == 0:
            return
        away = KDTree(to).query((at + low) * spacing, distance_upper_bound=PIT_REACH_MM)[0]
        part[tuple(at.T)] = np.minimum(part[tuple(at.T)], more_mm + sign * away)

    # Below the smooth surface alone: outside it nothing is measured to a pit.
    below = (part > 0.0) & (part < PIT_REACH_MM)
    lower(below & bone, crossed, allowance)
    lower(below, centres, 0.0)
    # Within a pit: how far its own wall is.
    lower((part > 0.0) & ~bone, surface, allowance, -1.0)
    return pits, depths


def _far_outside(inside: BoolArray, spacing: FloatArray) -> npt.NDArray[np.float32]:
    """Distance to the nearest bone voxel's centre, from every second voxel; exact nowhere, near enough far away."""
    sparse = inside[::2, ::2, ::2]
    if not sparse.any():
        return np.asarray(ndimage.distance_transform_edt(~inside, sampling=spacing), dtype=np.float32)
    distance = ndimage.distance_transform_edt(~sparse, sampling=2.0 * spacing).astype(np.float32)
    return _doubled(distance, inside.shape)


def distance_along_normals(
    query: FloatArray, tree: KDTree, points: FloatArray, normals: FloatArray, voxel_mm: float
) -> FloatArray:
    """Distance of points (N, 3) to the surface that ``points`` and ``normals`` sample, (N,) mm."""
    direct, nearest = tree.query(query)
    # The nearest sample lies up to half a voxel beside the foot point: measure along its
    # normal, but never below what that half voxel allows.
    along = np.abs(np.einsum("ij,ij->i", query - points[nearest], normals[nearest]))
    return np.asarray(np.clip(along, np.sqrt(np.maximum(direct**2 - 0.25 * voxel_mm**2, 0.0)), direct))


def _deep_inside(inside: BoolArray, spacing: FloatArray, tree: KDTree) -> tuple[BoolArray, npt.NDArray[np.float32]]:
    """The voxels deeper than ``DEEP_MM`` and their depths, interpolated from every second voxel.

    So deep, the nearest of many equally near points takes longest to find and matters least:
    no margin reaches there, and the distance hardly bends (0.05 mm over two voxels).
    """
    coarse = tuple(slice(0, None, 2) for _ in range(3))
    sparse = np.zeros(inside[coarse].shape, dtype=np.float32)
    at = np.argwhere(inside[coarse])
    sparse[tuple(at.T)] = tree.query(at * (2.0 * spacing))[0]
    every = _doubled(sparse, inside.shape)
    # Two voxels of grace: where a neighbour lies outside, its zero would pull the depth down.
    deep = inside & (every > DEEP_MM + 2.0 * float(spacing.max()))
    return deep, every[deep]


def _doubled(sparse: npt.NDArray[np.float32], shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Values on every second voxel, linearly in between, on a grid of ``shape``."""
    result = sparse
    for axis, size in enumerate(shape):
        after = np.take(result, np.minimum(np.arange(result.shape[axis]) + 1, result.shape[axis] - 1), axis=axis)
        both = np.stack([result, 0.5 * (result + after)], axis=axis + 1)
        merged = [*result.shape[:axis], 2 * result.shape[axis], *result.shape[axis + 1 :]]
        result = np.take(both.reshape(merged), np.arange(size), axis=axis)
    return result


def surface_points(voxels: BoolArray, spacing_mm: npt.ArrayLike) -> FloatArray:
    """Points (N, 3) mm of the surface of voxels, those of ``Bone.surface_points_mm``, without the distance field."""
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    return _points_at_half(smoothed_level(voxels, spacing), spacing)


def smoothed_level(
    voxels: BoolArray, spacing_mm: FloatArray, width_voxels: float = SMOOTHING_VOXELS
) -> npt.NDArray[np.float32]:
    """The mask smoothed by a Gaussian of one voxel; the bone surface is its half level."""
    width = width_voxels * float(np.cbrt(np.prod(spacing_mm))) / spacing_mm
    # "nearest" continues the bone beyond the scan's edge, so the edge makes no surface.
    return np.asarray(ndimage.gaussian_filter(voxels.astype(np.float32), sigma=width, mode="nearest", truncate=4.0))


def _gradient(level: npt.NDArray[np.float32], spacing: FloatArray, at: npt.NDArray[np.int64]) -> FloatArray:
    """Gradient of the level at voxels (N, 3), central differences, one-sided at the array's faces."""
    result = np.empty(at.shape)
    for axis in range(3):
        ahead, behind = at.copy(), at.copy()
        ahead[:, axis] = np.minimum(ahead[:, axis] + 1, level.shape[axis] - 1)
        behind[:, axis] = np.maximum(behind[:, axis] - 1, 0)
        rise = level[tuple(ahead.T)].astype(np.float64) - level[tuple(behind.T)]
        result[:, axis] = rise / ((ahead - behind)[:, axis] * spacing[axis])
    return result


def _edges_at_half(
    level: npt.NDArray[np.float32],
) -> Iterator[tuple[int, npt.NDArray[np.int64], FloatArray, FloatArray]]:
    """Grid edges that cross the half level: axis, first voxels (N, 3), how far along (N,), and where (N, 3), voxels."""
    for axis in range(3):
        low = [slice(None)] * 3
        high = [slice(None)] * 3
        low[axis], high[axis] = slice(0, -1), slice(1, None)
        below, above = level[tuple(low)], level[tuple(high)]
        first = np.argwhere((below >= 0.5) != (above >= 0.5))
        a, b = below[tuple(first.T)].astype(np.float64), above[tuple(first.T)].astype(np.float64)
        weight = (0.5 - a) / (b - a)
        place = first.astype(np.float64)
        place[:, axis] += weight
        yield axis, first, weight, place


def _points_at_half(level: npt.NDArray[np.float32], spacing: FloatArray) -> FloatArray:
    """Where grid edges cross the half level, (N, 3) mm."""
    return np.concatenate([place for *_, place in _edges_at_half(level)]) * spacing


def _crossings(level: npt.NDArray[np.float32], spacing: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where grid edges cross the half level: points (N, 3) mm and outward unit normals (N, 3)."""
    points, normals = [], []
    for axis, first, weight, place in _edges_at_half(level):
        second = first.copy()
        second[:, axis] += 1
        points.append(place * spacing)
        here, there = _gradient(level, spacing, first), _gradient(level, spacing, second)
        normals.append(-(here * (1.0 - weight[:, None]) + there * weight[:, None]))
    normal = np.concatenate(normals)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.concatenate(points), normal / np.maximum(length, 1e-12)
