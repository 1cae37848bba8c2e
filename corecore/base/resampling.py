"""Thick slices brought near to isotropic voxels by shape-based interpolation.

Between two slices the outline is that of the interpolated in-plane signed distance
(Raya and Udupa 1990, IEEE Trans Med Imaging 9:32, doi:10.1109/42.52980). Repeating slices
instead would leave steps of a whole slice on every slanted wall.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from corecore.base.grid import Grid, Mask

#: An axis is refined when its voxels are longer than this many times the shortest edge.
ANISOTROPY_LIMIT = 1.5


def near_isotropic(mask: Mask) -> Mask:
    """The mask with every coarse axis divided into a whole number of finer slices.

    A mask whose edges differ by less than half is returned as it is.
    """
    spacing = mask.grid.spacing_mm
    finest = float(spacing.min())
    for axis in range(3):
        factor = round(float(spacing[axis]) / finest)
        if spacing[axis] > ANISOTROPY_LIMIT * finest and factor > 1:
            mask = _refined(mask, axis, factor)
    return mask


def _refined(mask: Mask, axis: int, factor: int) -> Mask:
    spacing = mask.grid.spacing_mm
    slices = np.moveaxis(mask.voxels, axis, 0)
    in_plane = np.delete(spacing, axis)
    # Beyond one slice's thickness the distance says nothing about the outline in between.
    cap = float(spacing[axis])
    depth = np.empty(slices.shape, dtype=np.float32)
    half = 0.5 * float(in_plane.mean())
    for k, section in enumerate(slices):
        if not section.any():
            depth[k] = -cap
        elif section.all():
            depth[k] = cap
        else:
            inner = ndimage.distance_transform_edt(section, sampling=in_plane)
            outer = ndimage.distance_transform_edt(~section, sampling=in_plane)
            depth[k] = np.clip(np.where(section, inner - half, half - outer), -cap, cap)
    # Fine slice j lies at (j + 1/2) / factor - 1/2 on the coarse axis.
    at = np.clip((np.arange(len(slices) * factor) + 0.5) / factor - 0.5, 0, len(slices) - 1)
    low = np.minimum(at.astype(int), len(slices) - 1)
    high = np.minimum(low + 1, len(slices) - 1)
    weight = (at - low).astype(np.float32)[:, None, None]
    fine = depth[low] * (1 - weight) + depth[high] * weight > 0.0

    scale = np.eye(4)
    scale[axis, axis] = 1.0 / factor
    scale[axis, 3] = 0.5 / factor - 0.5
    shape = list(mask.grid.shape)
    shape[axis] *= factor
    grid = Grid((shape[0], shape[1], shape[2]), mask.grid.world_from_index @ scale)
    return Mask(grid, np.ascontiguousarray(np.moveaxis(fine, 0, axis)))
