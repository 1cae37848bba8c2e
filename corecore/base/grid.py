"""Grids, masks and images: arrays that know where they lie.

World is RAS+ millimetres with the voxel-centre convention of NIfTI. Matrices are named
target-from-source, so ``a_from_b @ b_from_c`` cancels by eye. An *index* is a voxel's
place in an array; a *position* (``_mm``) is a place in a millimetre frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.origin import UNKNOWN, Origin

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

#: So many dot products of three numbers OpenBLAS takes on one thread.
ONE_THREAD = 1 << 16


def transform(target_from_source: npt.ArrayLike, points: npt.ArrayLike) -> FloatArray:
    """Carry points through a 4 x 4 matrix.

    Parameters
    ----------
    target_from_source : array_like, shape (4, 4)
        The matrix, named target-from-source: ``a_from_b @ b_from_c`` is ``a_from_c``.
    points : array_like, shape (N, 3) or (3,)
        Positions in the source frame.

    Returns
    -------
    ndarray, same shape as ``points``
        Positions in the target frame.

    Examples
    --------
    >>> transform([[0.8, 0, 0, -10], [0, 0.8, 0, 0], [0, 0, 2.0, 5], [0, 0, 0, 1]], [1, 2, 3]).round(6).tolist()
    [-9.2, 1.6, 11.0]
    """
    matrix = np.asarray(target_from_source, dtype=np.float64)
    return turned(matrix[:3, :3], points) + matrix[:3, 3]


def turned(target_from_source: FloatArray, vectors: npt.ArrayLike) -> FloatArray:
    """Carry vectors through a 3 x 3 matrix.

    By einsum: numpy's matmul takes ten times as long for many short rows.

    Parameters
    ----------
    target_from_source : ndarray, shape (3, 3)
        The matrix.
    vectors : array_like, shape (N, 3) or (3,)
        Vectors in the source frame.

    Returns
    -------
    ndarray, same shape as ``vectors``
        Vectors in the target frame.
    """
    result = np.einsum("...j,kj->...k", np.asarray(vectors, dtype=np.float64), target_from_source)
    return np.asarray(result, dtype=np.float64)


def dots(points: FloatArray, ways: FloatArray) -> FloatArray:
    """Dot products of many points with a few vectors.

    In pieces that the linear algebra library multiplies on one thread: for so few columns its threads wait for each
    other longer than they work.

    Parameters
    ----------
    points : ndarray, shape (N, 3)
        Points or vectors.
    ways : ndarray, shape (K, 3)
        Vectors.

    Returns
    -------
    ndarray, shape (N, K)
        Product of every point with every vector.
    """
    result = np.empty((len(points), len(ways)))
    size = max(1, ONE_THREAD // max(1, len(ways)))
    for first in range(0, len(points), size):
        np.matmul(points[first : first + size], ways.T, out=result[first : first + size])
    return result


def inverse(target_from_source: FloatArray) -> FloatArray:
    """Invert a 4 x 4 matrix.

    Parameters
    ----------
    target_from_source : ndarray, shape (4, 4)
        The matrix.

    Returns
    -------
    ndarray, shape (4, 4)
        ``source_from_target``.
    """
    return np.asarray(np.linalg.inv(target_from_source), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular lattice of voxels in a millimetre frame.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along the three array axes.
    world_from_index : ndarray, shape (4, 4)
        Carries voxel indices to the centres of voxels. In a case the target is world RAS mm, in a ``Lesion`` or
        ``Hip.bone_mask`` the local frame.

    Raises
    ------
    InputError
        For an affine that is not finite, singular, sheared (cosine above 1e-4 between axes) or absurd in scale: voxel
        edges outside 0.05 to 10 mm, or voxels 100 m from the origin.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid((64, 64, 40), np.diag([0.5, 0.5, 2.0, 1.0]))
    >>> grid.spacing_mm.tolist(), round(grid.voxel_ml, 6)
    ([0.5, 0.5, 2.0], 0.0005)
    >>> grid.cropped([10, 10, 0], [20, 20, 40]).world_from_index[:3, 3].tolist()
    [5.0, 5.0, 0.0]
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
        """Voxel edges along the array axes, shape (3,), mm, to 1e-5.

        Files hold affines in single precision, so the same volume turned has edges that differ in the seventh digit;
        rounded, it is the same to the last bit.
        """
        return np.asarray(np.round(np.linalg.norm(self.world_from_index[:3, :3], axis=0), 5), dtype=np.float64)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml."""
        return float(np.prod(self.spacing_mm)) / 1000.0

    @cached_property
    def index_from_world(self) -> FloatArray:
        """Inverse of ``world_from_index``, shape (4, 4)."""
        found = inverse(self.world_from_index)
        found.setflags(write=False)
        return found

    def same_as(self, other: Grid) -> bool:
        """Whether both grids put every voxel at the same place.

        Parameters
        ----------
        other : Grid
            The other grid.

        Returns
        -------
        bool
            Same shape, and corners within 0.001 mm.
        """
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T * (np.array(self.shape) - 1)
        gap = transform(self.world_from_index, corners) - transform(other.world_from_index, corners)
        return bool(np.max(np.abs(gap)) < SAME_GRID_TOLERANCE_MM)

    def cropped(self, start: npt.ArrayLike, stop: npt.ArrayLike) -> Grid:
        """Cut a box out of the grid.

        Parameters
        ----------
        start, stop : array_like of int, shape (3,)
            First index, and one past the last. Either may lie outside the grid: then it grows.

        Returns
        -------
        Grid
            The box; its voxels stay where they were.
        """
        first = np.asarray(start, dtype=np.int64)
        matrix = self.world_from_index.copy()
        matrix[:3, 3] = transform(self.world_from_index, first)
        n = np.asarray(stop, dtype=np.int64) - first
        return Grid((int(n[0]), int(n[1]), int(n[2])), matrix)

    def moved(self, target_from_world: npt.ArrayLike) -> Grid:
        """See the same lattice from another frame.

        Parameters
        ----------
        target_from_world : array_like, shape (4, 4)
            From this grid's frame to the other.

        Returns
        -------
        Grid
            The same voxels, placed in the other frame.
        """
        return Grid(self.shape, np.asarray(target_from_world, dtype=np.float64) @ self.world_from_index)

    def canonical_order(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Find the axis order that brings the array nearest to R, A, S.

        The result is right-handed, so that positions in millimetres along the reordered axes are a rotation away from
        world, never a reflection.

        Returns
        -------
        order : tuple of int
            For each new axis, the old one.
        step : tuple of int
            For each new axis 1, or -1 where it is reversed.
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
        """Permute and reverse the axes of the lattice.

        Parameters
        ----------
        order : tuple of int
            For each new axis, the old one.
        step : tuple of int
            For each new axis 1, or -1 to reverse it.

        Returns
        -------
        Grid
            The same voxels with other indices.
        """
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
    """A set of voxels of a grid.

    Parameters
    ----------
    grid : Grid
        Where the voxels lie.
    voxels : ndarray of bool, shape ``grid.shape``
        Which voxels belong to the set.
    origin : Origin, optional
        What its file says of frame, patient and names; masks made of it have none.

    Raises
    ------
    InputError
        Where array and grid differ in shape.

    Examples
    --------
    >>> import numpy as np
    >>> mask = Mask(Grid((4, 4, 4), np.diag([2.0, 2.0, 2.0, 1.0])), np.ones((4, 4, 4), dtype=bool))
    >>> round(mask.volume_ml, 6)
    0.512
    >>> mask.contains([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0]]).tolist()
    [True, False]
    """

    grid: Grid
    voxels: BoolArray
    origin: Origin = field(default=UNKNOWN, repr=False)

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
        """Bring the array nearest to R, A, S order.

        Returns
        -------
        Mask
            The same set of voxels.
        """
        order, step = self.grid.canonical_order()
        return self.reordered(order, step)

    def reordered(self, order: tuple[int, int, int], step: tuple[int, int, int]) -> Mask:
        """Permute and reverse the axes of the array.

        Parameters
        ----------
        order : tuple of int
            For each new axis, the old one.
        step : tuple of int
            For each new axis 1, or -1 to reverse it.

        Returns
        -------
        Mask
            The same set of voxels.
        """
        voxels = np.transpose(self.voxels, order)[:: step[0], :: step[1], :: step[2]]
        return Mask(self.grid.reordered(order, step), np.ascontiguousarray(voxels))

    def cropped(self, start: npt.ArrayLike, stop: npt.ArrayLike) -> Mask:
        """Cut a box out of the mask.

        Parameters
        ----------
        start, stop : array_like of int, shape (3,)
            First index, and one past the last, within the grid.

        Returns
        -------
        Mask
            The part in the box.
        """
        a, b = np.asarray(start), np.asarray(stop)
        return Mask(self.grid.cropped(a, b), self.voxels[a[0] : b[0], a[1] : b[1], a[2] : b[2]])

    def bounds(self, pad: int = 0) -> tuple[FloatArray, FloatArray]:
        """Find the box that holds the mask.

        Parameters
        ----------
        pad : int, default 0
            Voxels by which the box is widened, within the grid.

        Returns
        -------
        start, stop : ndarray of int, shape (3,)
            First index, and one past the last.

        Raises
        ------
        InputError
            For an empty mask.
        """
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
        """Centres of the voxels in the mask.

        Returns
        -------
        ndarray, shape (N, 3)
            Positions in the grid's frame, mm.
        """
        return transform(self.grid.world_from_index, np.argwhere(self.voxels))

    def contains(self, points_mm: npt.ArrayLike) -> BoolArray:
        """Whether points lie in a voxel of the mask.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3)
            Positions in the grid's frame, mm.

        Returns
        -------
        ndarray of bool, shape (N,)
            False outside the grid.
        """
        i, j, k = np.rint(transform(self.grid.index_from_world, points_mm)).astype(np.int64).T
        nx, ny, nz = self.grid.shape
        # Column by column: along rows of three numpy takes ten times as long.
        inside = np.flatnonzero((i >= 0) & (i < nx) & (j >= 0) & (j < ny) & (k >= 0) & (k < nz))
        result = np.zeros(len(i), dtype=np.bool_)
        result[inside] = self.voxels[i[inside], j[inside], k[inside]]
        return result


@dataclass(frozen=True, eq=False)
class Image:
    """Intensities on a grid: CT in Hounsfield units, or MR.

    Parameters
    ----------
    grid : Grid
        Where the voxels lie.
    values : ndarray of float32, shape ``grid.shape``
        Intensities.
    origin : Origin, optional
        What its file says of frame and patient; parts that are cut out of it have none.
    straightened_deg : float, default 0
        Tilt of the gantry that the slices were resampled upright from, degrees; 0 where they are as stored.

    Raises
    ------
    InputError
        Where array and grid differ in shape.
    """

    grid: Grid
    values: npt.NDArray[np.float32]
    origin: Origin = field(default=UNKNOWN, repr=False)
    straightened_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise InputError(
                f"image of shape {self.values.shape} on a grid of shape {self.grid.shape}", code="grid-mismatch"
            )
        object.__setattr__(self, "values", np.asarray(self.values, dtype=np.float32))

    def around(self, mask: Mask, room_mm: float) -> Image:
        """Cut out the part with a mask and a border on every side.

        Parameters
        ----------
        mask : Mask
            A mask in the image's frame, on any grid.
        room_mm : float
            Width of the border, mm.

        Returns
        -------
        Image
            The part; less border where the image ends.

        Raises
        ------
        InputError
            Where the image does not reach the mask.
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
        return Image(self.grid.cropped(low, high), part, straightened_deg=self.straightened_deg)


def across_axes(direction: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two unit vectors perpendicular to a unit vector and to each other."""
    helper = np.zeros(3)
    helper[int(np.argmin(np.abs(direction)))] = 1.0
    first = np.cross(direction, helper)
    first /= np.linalg.norm(first)
    return first, np.cross(direction, first)
