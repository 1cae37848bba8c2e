"""The grid of a stack of DICOM planes, proven from their positions, never from what a header says of thickness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid
from corecore.io.bounded import shown
from corecore.io.transform import RAS_SIGNS

#: Planes nearer to each other than this lie at the same place, mm (engineering choice).
SAME_PLACE_MM = 0.01
#: A plane further than this from its place in an even stack makes the stack uneven, mm. Scanners
#: write positions to 0.001 mm or finer; rounding to 0.01 mm over a stack stays below (engineering choice).
EVEN_TOLERANCE_MM = 0.05
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


def stacked(planes: list[Plane], path: Path) -> tuple[Grid, list[int]]:
    """The grid (columns, rows, slices) of an even stack, and the planes' order along it.

    Raises ``InputError`` for fewer than two slices, slices that are doubled, missing or uneven,
    and for a tilted gantry.
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
    return _grid(ordered, mean, path), order


def _grid(ordered: list[Plane], step: FloatArray, path: Path) -> Grid:
    first, normal = ordered[0], normal_of(ordered[0])
    aside = float(np.linalg.norm(step - (step @ normal) * normal))
    if aside * (len(ordered) - 1) > EVEN_TOLERANCE_MM:
        tilt = float(np.degrees(np.arctan2(aside, float(step @ normal))))
        raise InputError(
            f"{shown(path)}: the slices are stacked at a slant of {tilt:.2f}° (tilted gantry);"
            " a stack at right angles is accepted: resample the series upright",
            code="slices-uneven",
        )
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
    return grid_of(first, step, len(ordered), path)


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
