"""Grids, masks and images: arrays that know where they lie.

World is RAS+ millimetres with the voxel-centre convention of NIfTI. Matrices are named
target-from-source, so ``a_from_b @ b_from_c`` cancels by eye. An *index* is a voxel's
place in an array; a *position* (``_mm``) is a place in a millimetre frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Largest cosine between two voxel axes that still counts as orthogonal. 1e-4 is 0.02 mm
#: over a 200 mm bone; files written in float32 reach about 1e-7.
SHEAR_TOLERANCE = 1e-4
#: Voxel edges accepted, mm. Below: finer than any clinical scanner. Above: a head has no shape.
SPACING_RANGE_MM = (0.05, 10.0)
#: Largest distance of a voxel from the world's origin, mm; beyond it an affine is absurd.
WORLD_EXTENT_MM = 1e5
#: Two grids whose corners differ by less than this are the same grid, mm.
SAME_GRID_TOLERANCE_MM = 1e-3


def transform(target_from_source: npt.ArrayLike, points: npt.ArrayLike) -> FloatArray:
    """Points (N, 3) or (3,) carried through a 4 x 4 matrix."""
    matrix = np.asarray(target_from_source, dtype=np.float64)
    return turned(matrix[:3, :3], points) + matrix[:3, 3]


def turned(target_from_source: FloatArray, vectors: npt.ArrayLike) -> FloatArray:
    """Vectors (N, 3) or (3,) carried through a 3 x 3 matrix.

    By einsum: numpy's matmul takes ten times as long for many short rows.
    """
    result = np.einsum("...j,kj->...k", np.asarray(vectors, dtype=np.float64), target_from_source)
    return np.asarray(result, dtype=np.float64)


def inverse(target_from_source: FloatArray) -> FloatArray:
    """``source_from_target`` of a 4 x 4 matrix."""
    return np.asarray(np.linalg.inv(target_from_source), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular lattice of voxels in a millimetre frame.

    ``shape`` counts voxels along the three array axes; ``world_from_index`` (4, 4) carries
    indices to RAS mm. Raises ``InputError`` for an affine that is not finite, singular,
    sheared, or absurd in scale.
    """

    shape: tuple[int, int, int]
    world_from_index: FloatArray

    def __post_init__(self) -> None:
        matrix = np.array(self.world_from_index, dtype=np.float64)
        shape = tuple(int(n) for n in self.shape)
        if len(shape) != 3 or min(shape) < 1:
            raise InputError(
                f"grid of shape {self.shape!r}; three axes of one voxel or more are accepted", code="volume-shape"
            )
        if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)):
            raise InputError("the affine is not a finite 4 x 4 matrix", code="affine-invalid")
        if not np.array_equal(matrix[3], [0.0, 0.0, 0.0, 1.0]):
            raise InputError(
                f"the affine's last row is {matrix[3].tolist()}; 0 0 0 1 is accepted", code="affine-invalid"
            )
        spacing = np.linalg.norm(matrix[:3, :3], axis=0)
        low, high = SPACING_RANGE_MM
        if np.any(spacing < low) or np.any(spacing > high):
            raise InputError(
                f"voxel size {np.round(spacing, 4).tolist()} mm; {low} to {high} mm is accepted (is the unit mm?)",
                code="voxel-size",
            )
        unit = matrix[:3, :3] / spacing
        shear = float(np.max(np.abs(unit.T @ unit - np.eye(3))))
        if shear > SHEAR_TOLERANCE:
            raise InputError(
                f"the affine is sheared (cosine {shear:.2g} between voxel axes, at most {SHEAR_TOLERANCE:g} accepted);"
                " resample the volume onto an orthogonal grid",
                code="affine-sheared",
            )
        corners = transform(matrix, np.array(shape) * np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T)
        if np.max(np.abs(corners)) > WORLD_EXTENT_MM:
            raise InputError(
                f"the affine places voxels {np.max(np.abs(corners)):.3g} mm from the origin", code="affine-invalid"
            )
        matrix.setflags(write=False)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "world_from_index", matrix)

    @property
    def spacing_mm(self) -> FloatArray:
        """Voxel edges along the array axes, (3,) mm, to 1e-5.

        Files hold affines in single precision, so the same volume turned has edges that differ
        in the seventh digit; rounded, it is the same to the last bit.
        """
        return np.asarray(np.round(np.linalg.norm(self.world_from_index[:3, :3], axis=0), 5), dtype=np.float64)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml."""
        return float(np.prod(self.spacing_mm)) / 1000.0

    @property
    def index_from_world(self) -> FloatArray:
        """Inverse of ``world_from_index``, (4, 4)."""
        return inverse(self.world_from_index)

    def same_as(self, other: Grid) -> bool:
        """Whether both grids put every voxel at the same place (0.001 mm)."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T * (np.array(self.shape) - 1)
        gap = transform(self.world_from_index, corners) - transform(other.world_from_index, corners)
        return bool(np.max(np.abs(gap)) < SAME_GRID_TOLERANCE_MM)

    def cropped(self, start: npt.ArrayLike, stop: npt.ArrayLike) -> Grid:
        """The part of the grid from index ``start`` up to, not including, ``stop``."""
        first = np.asarray(start, dtype=np.int64)
        matrix = self.world_from_index.copy()
        matrix[:3, 3] = transform(self.world_from_index, first)
        n = np.asarray(stop, dtype=np.int64) - first
        return Grid((int(n[0]), int(n[1]), int(n[2])), matrix)

    def moved(self, target_from_world: npt.ArrayLike) -> Grid:
        """The same lattice seen from another frame."""
        return Grid(self.shape, np.asarray(target_from_world, dtype=np.float64) @ self.world_from_index)

    def canonical_order(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """The axis permutation and the step (1 or -1) of each that bring the array nearest to R, A, S.

        The result is right-handed, so that positions in millimetres along the reordered axes
        are a rotation away from world, never a reflection.
        """
        unit = self.world_from_index[:3, :3] / self.spacing_mm
        best: tuple[float, tuple[int, int, int], tuple[int, int, int]] | None = None
        for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
            columns = unit[:, order]
            for flips in range(8):
                step = (1 - 2 * (flips & 1), 1 - 2 * (flips >> 1 & 1), 1 - 2 * (flips >> 2 & 1))
                turned = columns * np.array(step)
                if np.linalg.det(turned) < 0:
                    continue
                # Rounded, so that float32 noise in a file cannot decide a tie.
                score = round(float(np.trace(turned)), 4)
                if best is None or score > best[0]:
                    best = (score, order, step)
        assert best is not None
        return best[1], best[2]

    def reordered(self, order: tuple[int, int, int], step: tuple[int, int, int]) -> Grid:
        """The same lattice with its axes permuted and, where ``step`` is -1, reversed."""
        matrix = np.eye(4)
        offset = np.zeros(3)
        turn = np.zeros((3, 3))
        for new, old in enumerate(order):
            turn[old, new] = step[new]
            if step[new] < 0:
                offset[old] = self.shape[old] - 1
        matrix[:3, :3] = turn
        matrix[:3, 3] = offset
        shape = (self.shape[order[0]], self.shape[order[1]], self.shape[order[2]])
        return Grid(shape, self.world_from_index @ matrix)


@dataclass(frozen=True, eq=False)
class Mask:
    """A set of voxels of a grid."""

    grid: Grid
    voxels: BoolArray

    def __post_init__(self) -> None:
        if self.voxels.shape != self.grid.shape:
            raise InputError(
                f"mask of shape {self.voxels.shape} on a grid of shape {self.grid.shape}", code="grid-mismatch"
            )
        object.__setattr__(self, "voxels", np.asarray(self.voxels, dtype=np.bool_))

    @property
    def volume_ml(self) -> float:
        """Voxel count times voxel volume, ml."""
        return int(np.count_nonzero(self.voxels)) * self.grid.voxel_ml

    def canonical(self) -> Mask:
        """The same mask with its array nearest to R, A, S order."""
        order, step = self.grid.canonical_order()
        return self.reordered(order, step)

    def reordered(self, order: tuple[int, int, int], step: tuple[int, int, int]) -> Mask:
        """The same mask with its array axes permuted and reversed (see ``Grid.reordered``)."""
        voxels = np.transpose(self.voxels, order)[:: step[0], :: step[1], :: step[2]]
        return Mask(self.grid.reordered(order, step), np.ascontiguousarray(voxels))

    def cropped(self, start: npt.ArrayLike, stop: npt.ArrayLike) -> Mask:
        """The part from index ``start`` up to, not including, ``stop``."""
        a, b = np.asarray(start), np.asarray(stop)
        return Mask(self.grid.cropped(a, b), self.voxels[a[0] : b[0], a[1] : b[1], a[2] : b[2]])

    def bounds(self, pad: int = 0) -> tuple[FloatArray, FloatArray]:
        """First and one-past-last index of the voxels in the mask, widened by ``pad`` within the grid."""
        start, stop = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            line = np.flatnonzero(self.voxels.any(axis=others))
            if len(line) == 0:
                raise InputError("the mask is empty", code="mask-empty")
            start[axis] = max(0, line[0] - pad)
            stop[axis] = min(self.grid.shape[axis], line[-1] + 1 + pad)
        return start, stop  # type: ignore[return-value]

    def positions_mm(self) -> FloatArray:
        """Centres of the voxels in the mask, (N, 3) mm in the grid's frame."""
        return transform(self.grid.world_from_index, np.argwhere(self.voxels))

    def contains(self, points_mm: npt.ArrayLike) -> BoolArray:
        """Whether each point (N, 3) lies in a voxel of the mask; outside the grid it does not."""
        index = np.rint(transform(self.grid.index_from_world, points_mm)).astype(np.int64)
        inside = np.all((index >= 0) & (index < np.array(self.grid.shape)), axis=-1)
        result = np.zeros(len(index), dtype=np.bool_)
        i, j, k = index[inside].T
        result[inside] = self.voxels[i, j, k]
        return result


@dataclass(frozen=True, eq=False)
class Image:
    """Intensities (CT in Hounsfield units, or MR) on a grid."""

    grid: Grid
    values: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise InputError(
                f"image of shape {self.values.shape} on a grid of shape {self.grid.shape}", code="grid-mismatch"
            )
        object.__setattr__(self, "values", np.asarray(self.values, dtype=np.float32))

    def around(self, mask: Mask, room_mm: float) -> Image:
        """The part of the image that holds a mask and ``spare_clearance_mm`` more on every side.

        Raises ``InputError`` where the image does not reach the mask.
        """
        start, stop = mask.bounds()
        ends = np.stack(np.meshgrid(*zip(start, stop - 1, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
        corners = transform(self.grid.index_from_world @ mask.grid.world_from_index, ends)
        room = room_mm / self.grid.spacing_mm
        low = np.maximum(np.floor(corners.min(axis=0) - room), 0).astype(np.int64)
        high = np.minimum(np.ceil(corners.max(axis=0) + room).astype(np.int64) + 1, self.grid.shape)
        if np.any(low >= high):
            raise InputError("the image does not show the femur: the two do not overlap", code="image-misses-femur")
        part = self.values[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        return Image(self.grid.cropped(low, high), part)
