"""The lesion's points in bricks, so that a drilled tunnel counts what it holds in microseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.grid import FloatArray

#: About so many of the lesion's points stand for it.
FEW_POINTS = 16_000
#: Edge of a brick, mm.
BRICK_MM = 4.0


@dataclass(frozen=True, eq=False)
class Bricks:
    """Points (3, M) float32 brick by brick; ``starts`` (B + 1,) where each begins; ``balls`` (4, B) around them."""

    points: npt.NDArray[np.float32]
    starts: npt.NDArray[np.uint64]
    balls: npt.NDArray[np.float32]


def bricked(points_mm: FloatArray) -> Bricks:
    """Every n-th of points (N, 3), about ``FEW_POINTS`` of them, sorted into bricks."""
    step = max(1, len(points_mm) // FEW_POINTS)
    # Points come voxel by voxel, a fixed number in each: a step without its small factors takes all parts of a voxel.
    while math.gcd(step, 210) > 1:
        step += 1
    few = points_mm[::step]
    cell = np.floor((few - few.min(axis=0)) / BRICK_MM).astype(np.int64)
    size = cell.max(axis=0) + 1
    key = (cell[:, 0] * size[1] + cell[:, 1]) * size[2] + cell[:, 2]
    order = np.argsort(key, kind="stable")
    few, key = few[order], key[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1, [len(few)]])
    low, high = np.minimum.reduceat(few, starts[:-1]), np.maximum.reduceat(few, starts[:-1])
    # A hair wider, for what single precision rounds away.
    radius = 0.5 * np.linalg.norm(high - low, axis=1) + 1e-3
    balls = np.column_stack([0.5 * (low + high), radius])
    return Bricks(
        np.ascontiguousarray(few.T, dtype=np.float32),
        starts.astype(np.uint64),
        np.ascontiguousarray(balls.T, dtype=np.float32),
    )
