"""Affine functions above and below the interpolated field in a ball (P4).

They err by the field's curvature within the ball, not by its radius.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.interpolation import sample
from corecore.base.jit_cache import compiled

#: In a ball of at most so many voxels' radius the cells are cut where the ball's box ends; larger ones take them whole.
MOST_CUTS = 2.0
#: Places along an axis at most: a small ball's two ends and the samples between, a large ball's samples.
PLACES = 48
#: Numbers of a pair of affine functions: slope (3), the upper one's and the lower one's value in the ball's centre.
AFFINE_ROW, UPPER, LOWER = 5, 3, 4


@compiled()
def sample_places(x: float, reach: float, step: float, size: int, cut: bool, places: FloatArray) -> int:
    """Fill ``places`` (PLACES,) with the samples, in steps, that cover ``reach`` mm either side of ``x``.

    Returns how many: 0 where the interval leaves the array or asks for too many. With ``cut`` the
    outermost two are the interval's own ends.
    """
    low, high = (x - reach) / step, (x + reach) / step
    if low < 0.0 or high > size - 1:
        return 0
    first, last = math.floor(low), min(math.floor(high) + 1, size - 1)
    if last - first + 1 > places.shape[0]:
        return 0
    for i in range(last - first + 1):
        places[i] = first + i
    if cut:
        places[0], places[last - first] = low, high
    return last - first + 1


@compiled()
def affine_bounds(
    field: npt.NDArray[np.float32],
    spacing: FloatArray,
    x: float,
    y: float,
    z: float,
    reach: float,
    affine: FloatArray,
) -> bool:
    """Fill ``affine`` (AFFINE_ROW,) with parallel affine functions nowhere below and nowhere above a field in a ball.

    (P4). The field (voxels) has voxels of ``spacing`` (3,) mm; the ball has centre (x, y, z) and
    radius ``reach``, mm. False where it leaves the array.
    """
    cut = reach <= MOST_CUTS * min(spacing[0], spacing[1], spacing[2])
    places_x, places_y, places_z = np.empty(PLACES), np.empty(PLACES), np.empty(PLACES)
    count_x = sample_places(x, reach, spacing[0], field.shape[0], cut, places_x)
    count_y = sample_places(y, reach, spacing[1], field.shape[1], cut, places_y)
    count_z = sample_places(z, reach, spacing[2], field.shape[2], cut, places_z)
    if count_x == 0 or count_y == 0 or count_z == 0:
        return False
    mean_x, mean_y, mean_z = places_x[:count_x].mean(), places_y[:count_y].mean(), places_z[:count_z].mean()
    values = np.empty((count_x, count_y, count_z))
    # The slope by least squares: any slope is valid, this one is near.
    slope_x = slope_y = slope_z = square_x = square_y = square_z = 0.0
    for i in range(count_x):
        for j in range(count_y):
            for k in range(count_z):
                if cut:
                    value = sample(
                        field, spacing, places_x[i] * spacing[0], places_y[j] * spacing[1], places_z[k] * spacing[2]
                    )
                else:
                    value = float(field[int(places_x[i]), int(places_y[j]), int(places_z[k])])
                values[i, j, k] = value
                slope_x += (places_x[i] - mean_x) * value
                slope_y += (places_y[j] - mean_y) * value
                slope_z += (places_z[k] - mean_z) * value
                square_x += (places_x[i] - mean_x) ** 2
                square_y += (places_y[j] - mean_y) ** 2
                square_z += (places_z[k] - mean_z) ** 2
    slope_x, slope_y, slope_z = slope_x / square_x, slope_y / square_y, slope_z / square_z
    centre_x, centre_y, centre_z = x / spacing[0], y / spacing[1], z / spacing[2]
    upper, lower = -1e9, 1e9
    for i in range(count_x):
        for j in range(count_y):
            for k in range(count_z):
                rest = (
                    values[i, j, k]
                    - slope_x * (places_x[i] - centre_x)
                    - slope_y * (places_y[j] - centre_y)
                    - slope_z * (places_z[k] - centre_z)
                )
                upper, lower = max(upper, rest), min(lower, rest)
    affine[0], affine[1], affine[2] = slope_x / spacing[0], slope_y / spacing[1], slope_z / spacing[2]
    affine[UPPER], affine[LOWER] = upper, lower
    return True
