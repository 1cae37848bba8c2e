"""Metal near the hip in a CT: it spoils outlines with streaks, and a drill must not meet it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray, Image, inverse, transform
from corecore.document.signs import MetalPart
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.hip import Hip
from corecore.hip.hounsfield import METAL_HU

#: A CT that was clipped lower saturates there. Above this cortex cannot be what saturates (engineering choice).
CLIPPED_METAL_HU = 2040.0
#: Share of the bright voxels (above 80 % of the maximum) at the very maximum that tells clipping from chance.
CLIPPED_SHARE = 0.3
#: Smallest connected volume that counts, ml: a pin of 2 mm over 16 mm; single hot voxels do not (engineering choice).
METAL_MIN_ML = 0.05
#: Metal is near within this distance of the head's centre, mm; the other hip is 170 mm away (engineering choice).
METAL_NEAR_MM = 110.0


@dataclass(frozen=True)
class Metal:
    """Metal near the hip, or contrast medium as dense.

    Parameters
    ----------
    volume_ml : float
        Its volume, ml.
    parts : int
        Number of connected parts.
    distance_mm : float
        Least distance from the head's centre, mm.
    centroid : tuple of float
        Its centroid, world RAS mm.
    share_in_femur : float
        Share of its voxels in the femur, 0 to 1.
    threshold_hu : float
        Threshold used, Hounsfield units (engineering choice).
    """

    volume_ml: float
    parts: int
    distance_mm: float
    centroid: tuple[float, float, float]
    share_in_femur: float
    threshold_hu: float

    @property
    def warning(self) -> PlanWarning:
        """The warning."""
        where = "in the femur" if self.share_in_femur >= 0.5 else "beside the femur"
        return PlanWarning(
            "metal",
            f"metal, or contrast medium as dense: {self.volume_ml:.2f} ml in {self.parts} part(s) above"
            f" {self.threshold_hu:.0f} HU (engineering choice), mostly {where}, {self.distance_mm:.0f} mm from the"
            " head's centre at the nearest; streaks may falsify the outlines, and no margin is kept from it",
        )

    def part(self) -> MetalPart:
        """For ``measures.json``."""
        return MetalPart(
            volume_ml=round(self.volume_ml, 3), parts=self.parts, distance_mm=round(self.distance_mm, 1),
            centroid=[round(c, 1) for c in self.centroid], share_in_femur=round(self.share_in_femur, 2),
            threshold_hu=self.threshold_hu,
        )  # fmt: skip


def find_metal(hip: Hip, image: Image) -> Metal | None:
    """Metal within ``METAL_NEAR_MM`` of the head's centre in a CT (Hounsfield units), ``None`` where there is none."""
    start, values = _near(hip, image)
    if values.size == 0:
        return None
    threshold = _threshold(values)
    hot = values >= threshold
    if not hot.any():
        return None
    labels, count = ndimage.label(hot, structure=np.ones((3, 3, 3)))
    volumes = np.bincount(labels.ravel(), minlength=count + 1)[1:] * image.grid.voxel_ml
    kept = np.flatnonzero(volumes >= METAL_MIN_ML) + 1
    if len(kept) == 0:
        return None
    world = transform(image.grid.world_from_index, np.argwhere(np.isin(labels, kept)) + start)
    local = hip.to_local(world)
    distance = np.linalg.norm(local - hip.anatomy.head_center, axis=1)
    if distance.min() > METAL_NEAR_MM:
        return None
    center = world.mean(axis=0)
    return Metal(
        volume_ml=float(volumes[kept - 1].sum()),
        parts=len(kept),
        distance_mm=float(distance.min()),
        centroid=(float(center[0]), float(center[1]), float(center[2])),
        share_in_femur=float(np.mean(hip.bone.inside(local))),
        threshold_hu=threshold,
    )


def _near(hip: Hip, image: Image) -> tuple[FloatArray, np.ndarray]:
    """First index and values of the part of the image within reach of the head's centre along its axes."""
    center = transform(inverse(image.grid.world_from_index), hip.to_world(hip.anatomy.head_center))
    reach = METAL_NEAR_MM / image.grid.spacing_mm
    start = np.clip(np.floor(center - reach), 0, None).astype(np.int64)
    stop = np.clip(np.ceil(center + reach) + 1, 0, image.grid.shape).astype(np.int64)
    stop = np.maximum(start, stop)
    return start.astype(np.float64), image.values[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]


def _threshold(values: np.ndarray) -> float:
    """The threshold, lowered to where a clipped image saturates."""
    top = float(values.max())
    if not CLIPPED_METAL_HU <= top < METAL_HU:
        return METAL_HU
    bright = values >= 0.8 * top
    saturated = float(np.count_nonzero(values >= top - 0.5)) / float(np.count_nonzero(bright))
    return top - 0.5 if saturated >= CLIPPED_SHARE else METAL_HU
