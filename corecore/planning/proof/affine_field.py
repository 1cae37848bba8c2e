"""Affine functions above and below the interpolated field in a ball: they err by its curvature, not by the radius."""

from __future__ import annotations

import math

import numpy as np

from corecore.base.interpolation import sample
from corecore.base.jit_cache import compiled

#: In a ball of at most so many voxels' radius the cells are cut where the ball's box ends; larger ones take them whole.
MOST_CUTS = 2.0
#: Places along an axis at most: a small ball's two ends and the samples between, a large ball's samples.
PLACES = 48


@compiled()
def places(x, reach, step, size, cut, at):
    """Places of samples, in steps, that cover an interval round ``x``: how many, 0 beyond the array or too many."""
    low, high = (x - reach) / step, (x + reach) / step
    if low < 0.0 or high > size - 1:
        return 0
    first, last = math.floor(low), min(math.floor(high) + 1, size - 1)
    if last - first + 1 > at.shape[0]:
        return 0
    for i in range(last - first + 1):
        at[i] = first + i
    if cut:
        at[0], at[last - first] = low, high
    return last - first + 1


@compiled()
def affine_bounds(field, spacing, x, y, z, reach, out):
    """Slope (3) and values at the centre of parallel affine functions nowhere below and nowhere above, in a ball.

    In a part of a cell with faces along the array's axes the interpolant is a mean of its values at
    that part's corners. So an affine function that is above the field at the corners of all parts
    which the cells cut from the ball's box is above it in the ball. False where the ball leaves
    the array.
    """
    cut = reach <= MOST_CUTS * min(spacing[0], spacing[1], spacing[2])
    at0, at1, at2 = np.empty(PLACES), np.empty(PLACES), np.empty(PLACES)
    n0 = places(x, reach, spacing[0], field.shape[0], cut, at0)
    n1 = places(y, reach, spacing[1], field.shape[1], cut, at1)
    n2 = places(z, reach, spacing[2], field.shape[2], cut, at2)
    if n0 == 0 or n1 == 0 or n2 == 0:
        return False
    m0, m1, m2 = at0[:n0].mean(), at1[:n1].mean(), at2[:n2].mean()
    value = np.empty((n0, n1, n2))
    a = b = c = aa = bb = cc = 0.0
    for i in range(n0):
        for j in range(n1):
            for k in range(n2):
                if cut:
                    v = sample(field, spacing, at0[i] * spacing[0], at1[j] * spacing[1], at2[k] * spacing[2])
                else:
                    v = float(field[int(at0[i]), int(at1[j]), int(at2[k])])
                value[i, j, k] = v
                a += (at0[i] - m0) * v
                b += (at1[j] - m1) * v
                c += (at2[k] - m2) * v
                aa += (at0[i] - m0) ** 2
                bb += (at1[j] - m1) ** 2
                cc += (at2[k] - m2) ** 2
    a, b, c = a / aa, b / bb, c / cc
    ox, oy, oz = x / spacing[0], y / spacing[1], z / spacing[2]
    most, least = -1e9, 1e9
    for i in range(n0):
        for j in range(n1):
            for k in range(n2):
                rest = value[i, j, k] - a * (at0[i] - ox) - b * (at1[j] - oy) - c * (at2[k] - oz)
                most, least = max(most, rest), min(least, rest)
    out[0], out[1], out[2], out[3], out[4] = a / spacing[0], b / spacing[1], c / spacing[2], most, least
    return True
