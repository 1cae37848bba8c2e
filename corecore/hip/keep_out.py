"""Regions that a tunnel must keep out of: a mask of the surgeon's, or the pelvis.

The surface of a region is found as that of the bone (``corecore.base.distance_field``): the half level of
the smoothed mask. The field keeps the mask's own axes, so that no resampling moves it, and
reaches far enough beyond the region that whatever lies outside the field is clear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from pykdtree.kdtree import KDTree
from scipy import ndimage

from corecore.base.distance_field import bone_from_voxels, distance_along_normals, smoothed_level
from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, Mask, inverse, transform
from corecore.base.resampling import near_isotropic

#: Beyond its mask a field reaches this far, mm: more than the widest cavity's radius and margin together.
PAD_MM = 27.0
#: Outside a region the distance is exact this far, mm: beyond every margin; further out it is a lower bound.
EXACT_MM, EXACT_PELVIS_MM = 10.5, 2.0
#: By how many voxels the distance to every second voxel's centre may be too long.
COARSE_VOXELS = 2.6
#: Voxels are split in so many along each edge where the smoothing would wipe a thin region out:
#: a sheet or a line of one voxel then keeps its size.
SPLIT = 3
#: So they are where it would leave less than this share of a region, too, if the field stays below so many voxels.
LEFT_MIN, SPLIT_MAX = 0.93, 2e7
#: A tunnel is prolonged 80 mm; what lies further from the bone than this is out of reach, mm.
REACH_MM = 110.0

#: Voxels of a field at most: about a gigabyte while it is made.
FIELD_MAX = 4e7
#: Of the pelvis at most so many, about two seconds' work; a finer mask is taken at every second voxel.
PELVIS_MAX = 1e7

Role = Literal["avoid", "pelvis"]


@dataclass(frozen=True, eq=False)
class KeepOutRegion:
    """A region that tunnels keep out of, as a distance field made on first use.

    Parameters
    ----------
    role : {"avoid", "pelvis"}
        A mask of the surgeon's, or the pelvis.
    mask : Mask
        What was given, cropped, world RAS mm.
    local_from_world : ndarray, shape (4, 4)
        From world RAS mm to the hip's local frame.
    shrunk_mm : float, default 0
        By how much the region is taken to be smaller than its mask, all round, mm.
    """

    role: Role
    mask: Mask
    local_from_world: FloatArray
    shrunk_mm: float = 0.0

    def shrunk(self, by_mm: float) -> KeepOutRegion:
        """The region smaller all round by so many mm, as if its mask ended so far within.

        Parameters
        ----------
        by_mm : float
            By how much, mm.

        Returns
        -------
        KeepOutRegion
            The smaller region.
        """
        smaller = replace(self, shrunk_mm=self.shrunk_mm + by_mm)
        smaller.__dict__["_made"] = self._made
        return smaller

    @cached_property
    def field(self) -> npt.NDArray[np.float32]:
        """Distance to the region's surface, shape (nx, ny, nz), mm, negative inside; beyond 10.5 mm a lower bound."""
        field, shrunk = self._made[0], np.float32(self.shrunk_mm)
        return field + shrunk if self.shrunk_mm else field

    @property
    def spacing_mm(self) -> FloatArray:
        """Voxel edges of the field, shape (3,), mm."""
        return self._made[1].spacing_mm

    @cached_property
    def field_from_local(self) -> FloatArray:
        """Matrix from local mm to mm along the field's axes from its first voxel, shape (4, 4)."""
        grid = self._made[1]
        along = np.diag([*grid.spacing_mm, 1.0])
        return np.asarray(along @ grid.index_from_world @ inverse(self.local_from_world), dtype=np.float64)

    def distance(self, points_mm: FloatArray) -> FloatArray:
        """Distance of points to the region, from the field.

        Parameters
        ----------
        points_mm : ndarray, shape (N, 3)
            Local positions, mm.

        Returns
        -------
        ndarray, shape (N,)
            Distance, mm, negative inside; off the field 27 mm, a lower bound.
        """
        index = transform(self.field_from_local, points_mm) / self.spacing_mm
        return np.asarray(
            ndimage.map_coordinates(self.field, index.T, order=1, mode="constant", cval=PAD_MM), dtype=np.float64
        )

    def far_distance(self, points_mm: FloatArray) -> FloatArray:
        """Distance of points outside the region to samples of its surface, however far.

        Parameters
        ----------
        points_mm : ndarray, shape (N, 3)
            Local positions, mm.

        Returns
        -------
        ndarray, shape (N,)
            Distance, mm.
        """
        at = transform(self.field_from_local, points_mm)
        return np.asarray(self._tree.query(at)[0] + self.shrunk_mm, dtype=np.float64)

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self._made[2])

    @cached_property
    def _made(self) -> tuple[npt.NDArray[np.float32], Grid, FloatArray]:
        mask = self.mask
        if self.role == "pelvis":
            # Thick, and far from a tunnel: half a coarse voxel more or less decides nothing.
            while np.prod(np.array(mask.grid.shape) + 2 * PAD_MM / mask.grid.spacing_mm) > PELVIS_MAX:
                mask = _halved(mask)
        mask = _sturdy(mask)
        pad = np.ceil(PAD_MM / mask.grid.spacing_mm).astype(int) + 1
        grid = mask.grid.cropped(-pad, np.array(mask.grid.shape) + pad)
        size = float(np.prod(grid.shape, dtype=np.float64))
        if size > FIELD_MAX:
            raise InputError(
                f"the {self.role} mask takes a field of {size:.0f} voxels near the hip,"
                f" up to {FIELD_MAX:.0f} are accepted; resample it to larger voxels, or thicken its thin parts",
                code="mask-too-fine",
            )
        voxels = np.pad(mask.voxels, list(zip(pad, pad, strict=True)))
        spacing = grid.spacing_mm
        closed = np.zeros((3, 2), dtype=bool)
        solid = bone_from_voxels(voxels, spacing, open_faces=closed)
        field, slack = -solid.distance_mm, COARSE_VOXELS * float(spacing.max())
        # Of the pelvis no margin is asked for.
        exact = EXACT_MM if self.role == "avoid" else EXACT_PELVIS_MM
        shell = (field > 0.0) & (field <= exact + slack)
        field = np.where(field > exact, np.maximum(field - slack, exact), field)
        field[shell] = distance_along_normals(
            np.argwhere(shell) * spacing, KDTree(solid.surface_points_mm), solid.surface_points_mm,
            solid.surface_normals, float(spacing.max()),
        )  # fmt: skip
        return np.ascontiguousarray(field, dtype=np.float32), grid, solid.surface_points_mm


def barrier_of(role: Role, given: Mask, local_from_world: FloatArray, size_mm: FloatArray) -> KeepOutRegion | None:
    """The barrier that a mask in world RAS mm makes for a bone in the local box from 0 to ``size_mm`` (3,).

    ``None`` where nothing of the mask lies within a prolonged tunnel's reach.
    """
    mask = given.canonical()
    ends = zip(np.full(3, -REACH_MM), size_mm + REACH_MM, strict=True)
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1)
    index = transform(mask.grid.index_from_world @ inverse(local_from_world), corners.reshape(-1, 3))
    start = np.clip(np.floor(index.min(axis=0)), 0, mask.grid.shape).astype(int)
    stop = np.clip(np.ceil(index.max(axis=0)) + 1, 0, mask.grid.shape).astype(int)
    if np.any(start >= stop):
        return None
    mask = mask.cropped(start, stop)
    if not mask.voxels.any():
        return None
    mask = mask.cropped(*mask.bounds())
    return KeepOutRegion(role, mask, local_from_world)


def _halved(mask: Mask) -> Mask:
    voxels = np.ascontiguousarray(mask.voxels[::2, ::2, ::2])
    n = voxels.shape
    return Mask(Grid((n[0], n[1], n[2]), mask.grid.world_from_index @ np.diag([2.0, 2.0, 2.0, 1.0])), voxels)


def _sturdy(mask: Mask) -> Mask:
    """The mask with near-isotropic voxels, small enough that smoothing leaves every part of it standing."""
    # Two slices more on every side: what is one slice thick has two sides.
    room = Mask(mask.grid.cropped((-2, -2, -2), np.array(mask.grid.shape) + 2), np.pad(mask.voxels, 2))
    fine = near_isotropic(room)
    stands, left = _stands(fine, mask)
    size = float(np.prod((np.array(mask.grid.shape) + 2 * PAD_MM / mask.grid.spacing_mm) * SPLIT))
    if stands and (left > LEFT_MIN or size > SPLIT_MAX):
        return fine
    voxels = room.voxels
    for axis in range(3):
        voxels = np.repeat(voxels, SPLIT, axis=axis)
    step = np.diag([1.0 / SPLIT] * 3 + [1.0])
    # The first small voxel's centre lies a third of an edge before the large one's.
    step[:3, 3] = -(SPLIT - 1) / (2.0 * SPLIT)
    n = voxels.shape
    return near_isotropic(Mask(Grid((n[0], n[1], n[2]), room.grid.world_from_index @ step), voxels))


def _stands(fine: Mask, mask: Mask) -> tuple[bool, float]:
    """Whether every voxel of a mask lies within a voxel of what smoothing leaves, and the share of it that is left."""
    left = smoothed_level(fine.voxels, fine.grid.spacing_mm) >= 0.5
    near = ndimage.binary_dilation(left, structure=np.ones((3, 3, 3), dtype=bool))
    index = np.rint(transform(fine.grid.index_from_world, mask.positions_mm())).astype(int)
    share = int(np.count_nonzero(left)) / max(1, int(np.count_nonzero(fine.voxels)))
    return bool(near[tuple(index.T)].all()), float(share)
