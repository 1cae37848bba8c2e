"""Compiled sampling of the distance field, and the axes across a line: what every kernel stands on."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.jit_cache import compiled

#: Value of the distance field outside its array.
OUTSIDE = -1000.0


@compiled()
def sample(field: npt.NDArray[np.float32], spacing: FloatArray, x: float, y: float, z: float) -> float:
    """Trilinear value of a field (voxels of ``spacing`` (3,) mm) at a local point, mm; ``OUTSIDE`` beyond the array."""
    fx, fy, fz = x / spacing[0], y / spacing[1], z / spacing[2]
    nx, ny, nz = field.shape
    if not (fx >= 0.0 and fy >= 0.0 and fz >= 0.0 and fx <= nx - 1 and fy <= ny - 1 and fz <= nz - 1):
        return OUTSIDE
    i, j, k = min(int(fx), nx - 2), min(int(fy), ny - 2), min(int(fz), nz - 2)
    u, v, w = fx - i, fy - j, fz - k
    c00 = field[i, j, k] * (1 - w) + field[i, j, k + 1] * w
    c01 = field[i, j + 1, k] * (1 - w) + field[i, j + 1, k + 1] * w
    c10 = field[i + 1, j, k] * (1 - w) + field[i + 1, j, k + 1] * w
    c11 = field[i + 1, j + 1, k] * (1 - w) + field[i + 1, j + 1, k + 1] * w
    value: float = (c00 * (1 - v) + c01 * v) * (1 - u) + (c10 * (1 - v) + c11 * v) * u
    return value


@compiled()
def across(ux: float, uy: float, uz: float) -> tuple[FloatArray, FloatArray]:
    """Two unit vectors (3,) perpendicular to a unit vector and to each other."""
    h = np.zeros(3)
    ax, ay, az = abs(ux), abs(uy), abs(uz)
    if ax <= ay and ax <= az:
        h[0] = 1.0
    elif ay <= az:
        h[1] = 1.0
    else:
        h[2] = 1.0
    e = np.array([uy * h[2] - uz * h[1], uz * h[0] - ux * h[2], ux * h[1] - uy * h[0]])
    e /= math.sqrt(e[0] * e[0] + e[1] * e[1] + e[2] * e[2])
    f = np.array([uy * e[2] - uz * e[1], uz * e[0] - ux * e[2], ux * e[1] - uy * e[0]])
    return e, f
