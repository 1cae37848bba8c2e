"""The grid of a stack of DICOM planes, proven from their positions, never from what a header says of thickness.

The slices of a tilted gantry are parallel and evenly spaced, but each lies a little beside the one below it. Such a
stack is refused, or, where asked for, resampled upright: each slice stays in its own plane and is shifted within it,
so nothing is interpolated from slice to slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid
from corecore.io.bounded import shown
from corecore.io.transform import RAS_SIGNS

#: Planes nearer to each other than this lie at the same place, mm (engineering choice).
SAME_PLACE_MM = 0.01
#: A plane further than this from its place in an even stack makes the stack uneven, mm. Scanners
#: write positions to 0.001 mm or finer; rounding to 0.01 mm over a stack stays below (engineering choice).
EVEN_TOLERANCE_MM = 0.05
#: No gantry tilts further, degrees: scanners reach 30 (engineering choice).
MAX_TILT_DEG = 35.0
#: Two planes are parallel when no number of their orientations differs by more.
PARALLEL_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Plane:
    """One plane: place of its first pixel's centre (3,) and its two directions (2, 3), LPS; pixel edges (2,) mm.

    ``directions[0]`` runs along a row (growing column), ``directions[1]`` down a column;
    ``spacing_mm`` is that between columns, then that between rows. ``shape`` counts columns, rows.
    """

    position: FloatArray
    directions: FloatArray
    spacing_mm: FloatArray
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Stacking:
    """How planes make a volume: its grid, the planes' order along it, and their shifts in it where they are slanted.

    ``shifts`` (N, 2): by how many columns and rows the grid's slice begins before the plane that belongs there;
    ``None`` where the stack is upright.
    """

    grid: Grid
    order: list[int]
    shifts: FloatArray | None = None
    tilt_deg: float = 0.0


def plane_from(position: FloatArray, orientation: FloatArray, edges: FloatArray, shape: tuple[int, int]) -> Plane:
    """A plane from ImagePositionPatient (3,), ImageOrientationPatient (6,) and PixelSpacing (2,), rows first."""
    return Plane(position, orientation.reshape(2, 3), edges[::-1].copy(), shape)


def check_alike(planes: list[Plane], path: Path) -> None:
    """Raise ``InputError`` unless all planes are parallel, of one shape and one pixel size."""
    first = planes[0]
    for plane in planes:
        if plane.shape != first.shape:
            raise InputError(
                f"{shown(path)}: slices of {first.shape} and {plane.shape} pixels; one shape is accepted",
                code="slices-uneven",
            )
        if np.max(np.abs(plane.spacing_mm - first.spacing_mm)) > 1e-4:
            raise InputError(
                f"{shown(path)}: slices with pixels of {first.spacing_mm.tolist()} and {plane.spacing_mm.tolist()} mm;"
                " one pixel size is accepted",
                code="slices-uneven",
            )
        if np.max(np.abs(plane.directions - first.directions)) > PARALLEL_TOLERANCE:
            raise InputError(
                f"{shown(path)}: its slices are not parallel; one stack of parallel slices is accepted",
                code="slices-uneven",
            )
    lengths = np.linalg.norm(first.directions, axis=1)
    if np.any(np.abs(lengths - 1.0) > 1e-3) or abs(float(first.directions[0] @ first.directions[1])) > 1e-3:
        raise InputError(
            f"{shown(path)}: ImageOrientationPatient is no pair of unit vectors at right angles", code="dicom-invalid"
        )


def normal_of(plane: Plane) -> FloatArray:
    """The unit normal, LPS: row direction times column direction."""
    normal = np.cross(plane.directions[0], plane.directions[1])
    return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)


def stacked(planes: list[Plane], path: Path, *, straighten: bool = False) -> Stacking:
    """The grid (columns, rows, slices) of an even stack, and the planes' order along it.

    Raises ``InputError`` for fewer than two slices, slices that are doubled, missing or uneven,
    and, without ``straighten``, for a tilted gantry.
    """
    check_alike(planes, path)
    if len(planes) < 2:
        raise InputError(f"{shown(path)}: one slice; a stack of two or more is accepted", code="slices-uneven")
    along = np.array([plane.position for plane in planes]) @ normal_of(planes[0])
    order = [int(i) for i in np.argsort(along, kind="stable")]
    steps = np.diff(along[order])
    doubled = int(np.count_nonzero(steps < SAME_PLACE_MM))
    if doubled:
        raise InputError(
            f"{shown(path)}: {doubled} slice(s) lie where another lies; one slice at each place is accepted"
            " (several phases or echoes in one series?)",
            code="slices-uneven",
        )
    step = float(np.median(steps))
    gap = int(np.argmax(np.abs(steps - step)))
    if abs(steps[gap] - step) > EVEN_TOLERANCE_MM:
        ratio = steps[gap] / step
        whole = round(ratio) >= 2 and abs(ratio - round(ratio)) < 0.05
        found = f"{round(ratio) - 1} slice(s) missing" if whole else "uneven slices"
        raise InputError(
            f"{shown(path)}: {found}: {steps[gap]:.3f} mm between slices {gap + 1} and {gap + 2},"
            f" {step:.3f} mm between most; even steps within {EVEN_TOLERANCE_MM:g} mm are accepted",
            code="slices-uneven",
        )
    ordered = [planes[i] for i in order]
    mean = (ordered[-1].position - ordered[0].position) / (len(ordered) - 1)
    return _stacking(ordered, order, mean, path, straighten=straighten)


def _stacking(ordered: list[Plane], order: list[int], step: FloatArray, path: Path, *, straighten: bool) -> Stacking:
    first, normal = ordered[0], normal_of(ordered[0])
    slant = step - (step @ normal) * normal
    aside = float(np.linalg.norm(slant))
    tilt = float(np.degrees(np.arctan2(aside, float(step @ normal))))
    tilted = aside * (len(ordered) - 1) > EVEN_TOLERANCE_MM
    if tilted and tilt > MAX_TILT_DEG:
        raise InputError(
            f"{shown(path)}: the slices are stacked at a slant of {tilt:.2f}°; up to {MAX_TILT_DEG:g}° is accepted",
            code="slices-uneven",
        )
    if tilted and not straighten:
        raise InputError(
            f"{shown(path)}: the slices are stacked at a slant of {tilt:.2f}° (tilted gantry);"
            " a stack at right angles is accepted, or this one resampled upright with --straighten",
            code="slices-uneven",
        )
    if not tilted:
        # Upright to the last digit: what rounding of the positions left aside is within the tolerance.
        step = float(step @ normal) * normal
    place = np.array([plane.position for plane in ordered])
    expected = first.position + np.arange(len(ordered))[:, None] * step
    off = float(np.max(np.linalg.norm(place - expected, axis=1)))
    if off > EVEN_TOLERANCE_MM:
        raise InputError(
            f"{shown(path)}: a slice lies {off:.3f} mm beside its place in an even stack;"
            f" up to {EVEN_TOLERANCE_MM:g} mm is accepted",
            code="slices-uneven",
        )
    if not tilted:
        return Stacking(grid_of(first, step, len(ordered), path), order)
    return _upright(first, step, slant, Stacking(grid_of(first, step - slant, len(ordered), path), order), tilt, path)


def _upright(first: Plane, step: FloatArray, slant: FloatArray, narrow: Stacking, tilt: float, path: Path) -> Stacking:
    """The upright grid that holds every slice of a slanted stack, on the lattice of the first slice's pixels."""
    count = narrow.grid.shape[2]
    per_slice = first.directions @ slant / first.spacing_mm
    beside = np.arange(count)[:, None] * per_slice
    # A hair off a whole pixel is rounding of the positions.
    low = np.floor(beside.min(axis=0) + 1e-3).astype(int)
    high = np.ceil(beside.max(axis=0) - 1e-3).astype(int)
    columns, rows = np.array(first.shape) + high - low
    place = first.position + (low * first.spacing_mm) @ first.directions
    corner = Plane(place, first.directions, first.spacing_mm, (int(columns), int(rows)))
    # To a millionth of a pixel: a last pixel must not fall off the edge by the last digit.
    return Stacking(grid_of(corner, step - slant, count, path), narrow.order, np.round(low - beside, 6), tilt)


def upright(values: npt.NDArray[np.float32], stacking: Stacking) -> npt.NDArray[np.float32]:
    """The slices of a slanted stack (columns, rows, slices) on its upright grid, linear between pixels of a slice.

    Beside a slice stands the least value of all: nothing was seen there.
    """
    if stacking.shifts is None:
        return values
    result = np.empty(stacking.grid.shape, dtype=np.float32)
    least = float(values.min())
    for number, shift in enumerate(stacking.shifts):
        ndimage.affine_transform(
            values[:, :, number], [1.0, 1.0], offset=shift, output_shape=stacking.grid.shape[:2], order=1,
            mode="constant", cval=least, output=result[:, :, number],
        )  # fmt: skip
    return result


def grid_of(first: Plane, step: FloatArray, count: int, path: Path) -> Grid:
    """The RAS grid of ``count`` planes from ``first`` on, ``step`` (3,) LPS mm apart."""
    matrix = np.eye(4)
    for column, vector in enumerate((*(first.directions * first.spacing_mm[:, None]), step)):
        matrix[:3, column] = RAS_SIGNS * vector
    matrix[:3, 3] = RAS_SIGNS * first.position
    try:
        return Grid((first.shape[0], first.shape[1], count), matrix)
    except InputError as error:
        raise InputError(f"{shown(path)}: {error}", code=error.code) from error
