"""Ray sums through a volume: the compiled heart of the simulated fluoroscopy.

This file imports nothing but the compiler, so that pictures may change without compiling anew.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from corecore.base.jit_cache import compiled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from corecore.base.grid import FloatArray


@compiled(nogil=True)
def ray_sums(
    values: npt.NDArray[np.float32],
    spacing: FloatArray,
    source: FloatArray,
    corner: FloatArray,
    across: FloatArray,
    down: FloatArray,
    step_mm: float,
    sums: FloatArray,
    first: int,
    last: int,
) -> None:
    """Writes rows ``first`` to ``last`` of ``sums``: the integral of ``values`` over mm along each pixel's ray.

    ``source``, ``corner`` (the first pixel), ``across`` and ``down`` (from one pixel to the next) are in
    voxels of ``values``, whose edges are ``spacing`` mm. Trilinear between voxel centres, zero beyond them,
    sampled in the middle of equal steps of at most ``step_mm``.
    """
    nx, ny, nz = values.shape
    top = (nx - 1.0, ny - 1.0, nz - 1.0)
    for row in range(first, last):
        for column in range(sums.shape[1]):
            dx = corner[0] + column * across[0] + row * down[0] - source[0]
            dy = corner[1] + column * across[1] + row * down[1] - source[1]
            dz = corner[2] + column * across[2] + row * down[2] - source[2]
            start, end = 0.0, 1.0
            for axis in range(3):
                way = dx if axis == 0 else dy if axis == 1 else dz
                if abs(way) < 1e-12:
                    if not 0.0 <= source[axis] <= top[axis]:
                        end = -1.0
                    continue
                a, b = -source[axis] / way, (top[axis] - source[axis]) / way
                start, end = max(start, min(a, b)), min(end, max(a, b))
            if end <= start:
                sums[row, column] = 0.0
                continue
            mm = math.sqrt((dx * spacing[0]) ** 2 + (dy * spacing[1]) ** 2 + (dz * spacing[2]) ** 2)
            steps = max(1, math.ceil((end - start) * mm / step_mm))
            stride = (end - start) / steps
            total = 0.0
            for number in range(steps):
                t = start + (number + 0.5) * stride
                x, y, z = source[0] + t * dx, source[1] + t * dy, source[2] + t * dz
                i = min(max(int(x), 0), nx - 2)
                j = min(max(int(y), 0), ny - 2)
                k = min(max(int(z), 0), nz - 2)
                u, v, w = x - i, y - j, z - k
                c00 = values[i, j, k] * (1 - w) + values[i, j, k + 1] * w
                c01 = values[i, j + 1, k] * (1 - w) + values[i, j + 1, k + 1] * w
                c10 = values[i + 1, j, k] * (1 - w) + values[i + 1, j, k + 1] * w
                c11 = values[i + 1, j + 1, k] * (1 - w) + values[i + 1, j + 1, k + 1] * w
                total += (c00 * (1 - v) + c01 * v) * (1 - u) + (c10 * (1 - v) + c11 * v) * u
            sums[row, column] = total * stride * mm
