"""What slices and fluoroscopy look through: depth below the bone's surface, lesion, and the image where there is one.

Everything in world RAS mm, on whatever grid it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, Image, transform
from corecore.base.language import later
from corecore.hip.hip import Hip
from corecore.hip.hounsfield import why_not_hounsfield

#: How much of the image around the femur is looked at, mm (as much as a plan's folder keeps).
IMAGE_ROOM_MM = 30.0
#: Bone painted where there is no CT: density of cortex and of cancellous bone above soft tissue, HU, and
#: the cortex's thickness, mm. Round figures that make a picture, not measurements (engineering choice).
CORTEX_HU, CANCELLOUS_HU, CORTEX_MM = 1200.0, 150.0, 2.0
#: CT values below this cast no shadow: air, fat and muscle are left out, so that bone stands free (engineering choice).
SOFT_TISSUE_HU = 80.0
#: Metal would outshine everything: denser voxels count as this, HU (engineering choice).
MOST_HU = 2500.0
#: What lies this near outside the femur's surface still counts as femur, mm: the mask may be a voxel short.
FEMUR_ROOM_MM = 1.0
#: Width of the lesion's smoothing, voxels, as of the bone surface.
LESION_SMOOTHING_VOXELS = 0.7


@dataclass(frozen=True, eq=False)
class Tissue:
    """Volumes of one hip. ``depth``: signed distance to the bone's surface, mm, positive inside.

    ``lesion``: its share of each voxel, 0 to 1, smoothed so that its outline is the level 0.5.
    ``image``: what the masks were drawn on, cropped to the hip. ``why_painted``: why there is
    no film of the image itself, ``None`` where there is.
    """

    depth: Image
    lesion: Image
    image: Image | None
    why_painted: str | None

    @classmethod
    def of(cls, hip: Hip) -> Tissue:
        """The volumes of a hip; its image where it has one."""
        spacing = hip.bone.spacing_mm
        shape = hip.bone.distance_mm.shape
        grid = Grid((shape[0], shape[1], shape[2]), hip.world_from_local @ np.diag([*spacing, 1.0]))
        mask = hip.lesion.mask
        low, high = mask.bounds(pad=4)
        part = mask.cropped(low, high)
        soft = ndimage.gaussian_filter(part.voxels.astype(np.float32), LESION_SMOOTHING_VOXELS)
        # A layer of one voxel: the half level then lies half a voxel from its middle, as its neighbours have 0.24.
        soft = np.maximum(soft, np.float32(0.76) * hip.lesion.thin.cropped(low, high).voxels)
        lesion = Image(part.grid.moved(hip.world_from_local), soft)
        image, why = hip.case.image, later("no image was given")
        if image is not None:
            try:
                image = image.around(hip.case.femur, IMAGE_ROOM_MM)
                why = why_not_hounsfield(hip, image) or ""
            except InputError:
                image, why = None, later("the image does not show the femur")
        return cls(Image(grid, hip.bone.distance_mm), lesion, image, why or None)

    def depth_at(self, points_mm: FloatArray) -> FloatArray:
        """Depth below the bone's surface at world points (N, 3), mm; far outside the array, -1000."""
        index = transform(self.depth.grid.index_from_world, points_mm)
        return np.asarray(
            ndimage.map_coordinates(self.depth.values, index.T, order=1, mode="constant", cval=-1000.0),
            dtype=np.float64,
        )

    @cached_property
    def density(self) -> Image:
        """What casts a shadow, HU above soft tissue: from the CT, else painted by depth; cut to where there is any."""
        if self.image is not None and self.why_painted is None:
            values = np.clip(self.image.values, SOFT_TISSUE_HU, MOST_HU) - np.float32(SOFT_TISSUE_HU)
            return _trimmed(Image(self.image.grid, values))
        return _trimmed(Image(self.depth.grid, painted(self.depth.values, float(self.depth.grid.spacing_mm.max()))))

    @cached_property
    def femur_density(self) -> Image:
        """``density`` of the femur alone: the thigh moves, the pelvis stays behind."""
        if self.image is None or self.why_painted is not None:
            return self.density
        seen = self.density
        depth_from_seen = self.depth.grid.index_from_world @ seen.grid.world_from_index
        depth = ndimage.affine_transform(
            self.depth.values, depth_from_seen[:3, :3], depth_from_seen[:3, 3],
            output_shape=seen.grid.shape, order=1, mode="constant", cval=-1000.0,
        )  # fmt: skip
        return _trimmed(Image(seen.grid, np.where(depth > -FEMUR_ROOM_MM, seen.values, np.float32(0.0))))


def painted(depth_mm: npt.NDArray[np.float32], spacing_mm: float) -> npt.NDArray[np.float32]:
    """Stock densities by depth below the surface, HU above soft tissue; the surface voxel counts in part."""
    covered = np.clip(depth_mm / np.float32(spacing_mm) + np.float32(0.5), 0.0, 1.0)
    cortex = np.clip(np.float32(CORTEX_MM + 0.5) - depth_mm, 0.0, 1.0)
    return np.asarray(covered * (CANCELLOUS_HU + np.float32(CORTEX_HU - CANCELLOUS_HU) * cortex), dtype=np.float32)


def _trimmed(image: Image) -> Image:
    """The part of an image that holds all its non-zero voxels, with a voxel of zeros around where there are some."""
    seen = image.values > 0
    low, high = np.zeros(3, dtype=np.int64), np.array(image.values.shape)
    for axis in range(3):
        line = np.flatnonzero(seen.any(axis=tuple(a for a in range(3) if a != axis)))
        if len(line):
            low[axis], high[axis] = max(0, line[0] - 1), min(image.values.shape[axis], line[-1] + 2)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return Image(image.grid.cropped(low, high), np.ascontiguousarray(image.values[box]))
