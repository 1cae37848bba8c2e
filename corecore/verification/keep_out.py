"""Regions that a bore must keep out of: a mask's surface as triangles, and how near the bore comes to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray, Grid, Mask, transform
from corecore.verification.cylinder import Cylinder
from corecore.verification.mesh import BoneMesh, mesh_of

#: Background put round a mask, so that its surface closes where the mask ends, voxels.
ROOM_VOXELS = 8
#: Spacing of points within a bore, mm; its walls are sampled as finely as elsewhere.
POINT_SPACING_MM = 0.7
#: Edge of the parts that a voxel is cut into where smoothing would leave nothing of it.
PARTS = 3
#: Smoothing may take the rest of a region's volume, no more.
KEPT_SHARE = 0.93


@dataclass(frozen=True, eq=False)
class Region:
    """A closed surface in world RAS mm, and the voxel edges (3,) of the mask it was made from."""

    mesh: BoneMesh
    spacing_mm: FloatArray

    def clearance_mm(self, solids: Sequence[Cylinder], also: FloatArray | None = None) -> float:
        """The least distance of solid cylinders, and of points (N, 3) ``also``, to the region, mm.

        Negative by how deep they enter it.
        """
        points = np.concatenate([
            part
            for solid in solids
            for part in (
                solid.wall(0.0, solid.length_mm), solid.disc(0.0), solid.disc(solid.length_mm),
                solid.inner_points(POINT_SPACING_MM)[0],
            )
        ])  # fmt: skip
        points = points if also is None else np.concatenate([points, also])
        inside = self.mesh.inside(points)
        if inside.any():
            return -float(self.mesh.distance(points[inside]).max())
        return self.mesh.least_gap(points)


def region_of(mask: Mask) -> Region:
    """The region that a mask marks. No part of it is lost, however thin. Raises ``InputError`` for an empty mask."""
    part = mask.cropped(*mask.bounds())
    mesh = mesh_of(_with_room(part))
    if not _holds(mesh, part):
        mesh = mesh_of(_with_room(_cut(part)))
    return Region(mesh, mask.grid.spacing_mm)


def _with_room(mask: Mask) -> Mask:
    shape = np.array(mask.grid.shape)
    grid = mask.grid.cropped(np.full(3, -ROOM_VOXELS), shape + ROOM_VOXELS)
    return Mask(grid, np.pad(mask.voxels, ROOM_VOXELS))


def _holds(mesh: BoneMesh, mask: Mask) -> bool:
    """Whether every voxel of the mask has something enclosed in or beside it, and hardly any volume is lost."""
    inside = mesh.level >= 0.5
    index = np.rint(transform(mesh.index_from_world, mask.positions_mm())).astype(np.int64)
    near = ndimage.maximum_filter(inside.astype(np.uint8), size=3)
    held = bool(near[tuple(np.clip(index, 0, np.array(near.shape) - 1).T)].all())
    lattice_ml = abs(float(np.linalg.det(np.linalg.inv(mesh.index_from_world)[:3, :3]))) / 1000.0
    return held and bool(np.count_nonzero(inside) * lattice_ml > KEPT_SHARE * mask.volume_ml)


def _cut(mask: Mask) -> Mask:
    voxels = np.kron(mask.voxels, np.ones((PARTS,) * 3, dtype=bool))
    matrix = mask.grid.world_from_index.copy()
    matrix[:3, :3] /= PARTS
    # The corner of the first voxel stays where it is.
    matrix[:3, 3] -= mask.grid.world_from_index[:3, :3] @ np.full(3, 0.5 - 0.5 / PARTS)
    n = voxels.shape
    return Mask(Grid((n[0], n[1], n[2]), matrix), voxels)
