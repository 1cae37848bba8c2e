"""A region to keep out of."""

from __future__ import annotations

import numpy as np

from corecore.base.grid import FloatArray, Grid, Mask, transform

BALL_MM = 5.0


def ball(middle: FloatArray, radius: float = BALL_MM) -> Mask:
    """A ball about a world point on an oblique grid."""
    turn = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    shape = int(2 * radius / 0.8) + 5
    matrix = np.eye(4)
    matrix[:3, :3] = 0.8 * turn
    matrix[:3, 3] = middle - matrix[:3, :3] @ np.full(3, (shape - 1) / 2)
    grid = Grid((shape,) * 3, matrix)
    index = np.stack(np.meshgrid(*[np.arange(shape)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.linalg.norm(transform(matrix, index) - middle, axis=1) <= radius
    return Mask(grid, inside.reshape(grid.shape))
