"""Whether an image can be read in Hounsfield units.

``Image`` does not say whether it is CT or MR, and CT also comes shifted by 1024 or scaled. On CT
the cortex is far brighter than what lies around the bone and something in view is below water; on MR
the cortex is dark and nothing is below zero.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray, Image, inverse, transform
from corecore.base.language import later, say
from corecore.hip.hip import Hip

#: The rim of the bone that is looked at, depth in mm: the cortex's outer part.
RIM_MM = (0.5, 2.0)
#: What it is held against, mm outside the bone.
AROUND_MM = (3.0, 6.0)
#: The rim's upper quartile must exceed its surroundings' median by this, HU (engineering choice; a thin
#: cortex on 3 mm slices still does).
RIM_ABOVE_MIN_HU = 80.0
#: … and lie below this: cortex measures up to some 2000 HU; shifted by 1024 it is mostly more.
RIM_MAX_HU = 2000.0
#: A CT has fat or marrow below this, HU, in at least this share of its voxels (engineering choice).
BELOW_WATER_HU, BELOW_WATER_SHARE = -10.0, 2e-4
#: Most points looked at on either side.
POINTS = 20_000


def sampled_at(image: Image, hip: Hip, points_mm: FloatArray, *, outside: float) -> FloatArray:
    """Trilinear values of a world image at local points (N, 3); ``outside`` beyond the image."""
    index = transform(inverse(image.grid.world_from_index) @ hip.world_from_local, points_mm)
    return np.asarray(
        ndimage.map_coordinates(image.values, index.T, order=1, mode="constant", cval=outside), dtype=np.float64
    )


def why_not_hounsfield(hip: Hip, image: Image) -> str | None:
    """Why the image cannot be read as CT in Hounsfield units, or ``None`` where it can."""
    step = tuple(slice(None, None, max(1, n // 96)) for n in image.values.shape)
    if float(np.mean(image.values[step] < BELOW_WATER_HU)) < BELOW_WATER_SHARE:
        return later("no value below water: not a CT in Hounsfield units")
    rim = _values_at_depth(hip, image, *RIM_MM)
    around = _values_at_depth(hip, image, -AROUND_MM[1], -AROUND_MM[0])
    if len(rim) < 50 or len(around) < 50:
        return later("the image shows too little of the femur")
    high, back = float(np.percentile(rim, 75)), float(np.median(around))
    if high - back < RIM_ABOVE_MIN_HU:
        return later("the femur's cortex is no brighter than what lies around it: no CT, or not this femur's")
    if high > RIM_MAX_HU:
        return say("the femur's cortex measures {value:.0f}: not Hounsfield units", value=high)
    return None


def _values_at_depth(hip: Hip, image: Image, low: float, high: float) -> FloatArray:
    depth = hip.bone.distance_mm
    at = np.flatnonzero((depth.ravel() > low) & (depth.ravel() < high))
    at = at[:: max(1, len(at) // POINTS)]
    points = np.column_stack(np.unravel_index(at, depth.shape)) * hip.bone.spacing_mm
    values = sampled_at(image, hip, points, outside=np.nan)
    return values[np.isfinite(values)]


#: Metal is what exceeds this, HU (engineering choice): dense cortex ends at some 2000, titanium begins
#: where 12-bit CT ends, at 3071.
METAL_HU = 2500.0
