"""The cells of a lattice that lie on one side of a level altogether: there nothing need be looked up between voxels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray

#: What the corners of a cell say of its points, beside 0 for the far side.
THERE, UNSURE = 1, 2


class Cells(NamedTuple):
    """A lattice's cells by their corners; ``kinds`` has one more before the first and two behind the last of each axis.

    Trilinear values lie between those of a cell's corners: where all eight are on one side, so is every point. A
    point beyond the lattice is on the far side.
    """

    kinds: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, corners: BoolArray) -> Cells:
        """The cells of a lattice (I, J, K) that says which of its corners are there."""
        every = some = corners
        for axis in range(3):
            low, high = np.arange(corners.shape[axis] - 1), np.arange(1, corners.shape[axis])
            every = every.take(low, axis) & every.take(high, axis)
            some = some.take(low, axis) | some.take(high, axis)
        kinds = np.zeros(np.array(corners.shape) + 2, dtype=np.uint8)
        # The last corners of an axis belong to no cell that begins there.
        kinds[1:-1, 1:-1, 1:-1] = UNSURE
        kinds[1:-2, 1:-2, 1:-2] = np.where(every, THERE, np.where(some, UNSURE, 0))
        return cls(kinds)

    def hold(self, index: FloatArray, between: Callable[[npt.NDArray[np.int64]], BoolArray]) -> BoolArray:
        """Which points (N, 3) of the lattice are there; ``between`` says it of the rows that no cell decides."""
        cell = np.empty((3, len(index)))
        np.maximum(np.add(np.transpose(index), 1.0, out=cell), 0.0, out=cell)
        for axis, size in enumerate(self.kinds.shape):
            np.minimum(cell[axis], size - 1.0, out=cell[axis])
        i, j, k = cell.astype(np.int64)
        step, row = self.kinds.strides[:2]
        kind = self.kinds.ravel().take(i * step + j * row + k)
        there = kind == THERE
        rows = np.flatnonzero(kind == UNSURE)
        there[rows] = between(rows)
        return np.asarray(there)
