"""Missing slices of a mask: empty ones between drawn ones, along any axis of storage.

Segmentations drawn on every second slice, contours forgotten on one, frames left out of a DICOM file: the mask
then lacks volume that nobody sees in it. Two foci one above the other leave empty slices too. What tells them
apart is how the mask ends on either side: a body narrows towards its end, a gap cuts through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, Grid, Mask
from corecore.hip.anatomy.model import PlanWarning
from corecore.io.segmentation import SPECK_ML

#: Above this share of the mask the missing volume is an error (contract §7).
MISSING_SHARE_MAX = 0.05
#: Empty slices over more than this are no gap of drawing, mm. Contours are drawn 10 mm apart at most
#: (engineering choice).
GAP_MAX_MM = 15.0
#: Both ends narrow to this share of the section before them: two bodies. The last but one section of a sphere over
#: two slices in radius is less than 0.75 of the one before it (closed form; engineering choice).
NARROWS = 0.8
#: One end narrows to this share, and what follows the empty slices is wider: two bodies (engineering choice).
CLOSES = 0.6
#: Sections of one body on both sides of a gap: the smaller has this share of the larger (engineering choice).
ALIKE = 0.05
#: The smaller section lies, by half, within this slope of the larger, and not further than this (engineering choice).
SLOPE, SHIFT_MAX_MM = 1.5, 5.0
#: The planes across each world axis.
PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class MissingSlices:
    """The gaps of a mask: in which planes, how many slices, and the volume they lack by interpolation.

    ``cut_off_ml`` is what lies beyond gaps, away from the mask's largest piece.
    """

    slices: dict[str, int]
    missing_ml: float
    drawn_ml: float
    cut_off_ml: float

    @property
    def share(self) -> float:
        """The missing volume's share of the whole."""
        return self.missing_ml / (self.drawn_ml + self.missing_ml) if self.missing_ml else 0.0

    def __str__(self) -> str:
        told = " and ".join(f"{count} {plane} slice{'s' * (count > 1)}" for plane, count in self.slices.items())
        several = sum(self.slices.values()) > 1
        return (
            f"{told} between drawn ones {'are' if several else 'is'} empty; by interpolation"
            f" {self.missing_ml:.2f} ml ({100 * self.share:.0f} %) are missing"
        )


@dataclass(frozen=True)
class _Run:
    """Filled slices ``start`` to ``stop`` (exclusive), their volume in voxels."""

    start: int
    stop: int
    voxels: int


def check_slices(mask: Mask, name: str, *, in_one_piece: bool = False) -> PlanWarning | None:
    """The warning about a mask's missing slices, if it has any.

    ``in_one_piece`` is for a bone: what a gap cuts off is lost with it. Raises ``InputError`` where more than 5 % of
    the volume is missing, or cut off.
    """
    found = missing_slices(mask)
    if not found.slices:
        return None
    cut = in_one_piece and found.cut_off_ml > MISSING_SHARE_MAX * found.drawn_ml
    if found.share > MISSING_SHARE_MAX or cut:
        beyond = f", and {found.cut_off_ml:.1f} ml lie beyond" if cut else ""
        raise InputError(
            f"the {name}: {found}{beyond}; up to {100 * MISSING_SHARE_MAX:g} % is accepted:"
            " fill between the slices where it was drawn",
            code="slices-missing",
        )
    return PlanWarning("slices_missing", f"the {name}: {found}")


def missing_slices(mask: Mask) -> MissingSlices:
    """The gaps of a mask along each axis of its array, for each part that stands apart in the projection."""
    voxels, grid = mask.voxels, mask.grid
    slices: dict[str, int] = {}
    missing_ml = cut_off_ml = 0.0
    if voxels.any():
        small = mask.cropped(*mask.bounds())
        voxels, grid = small.voxels, small.grid
        for axis in range(3):
            along = np.moveaxis(voxels, axis, 0)
            across = np.delete(grid.spacing_mm, axis)
            empty: set[int] = set()
            labels, _ = ndimage.label(along.any(axis=0), structure=np.ones((3, 3)))
            for number, box in enumerate(ndimage.find_objects(labels), start=1):
                part = along[(slice(None), *box)] & (labels[box] == number)
                gaps, lost, cut = _gaps(part, float(grid.spacing_mm[axis]), across)
                empty.update(gaps)
                missing_ml += lost * grid.voxel_ml
                cut_off_ml += cut * grid.voxel_ml
            if empty:
                slices[_plane(grid, axis)] = len(empty)
    return MissingSlices(slices, missing_ml, mask.volume_ml, cut_off_ml)


def _plane(grid: Grid, axis: int) -> str:
    order, _ = grid.canonical_order()
    return PLANES[order.index(axis)]


def _gaps(part: BoolArray, step_mm: float, across_mm: npt.NDArray[np.float64]) -> tuple[list[int], float, int]:
    """Empty slices of gaps along the first axis, the voxels they lack, and the voxels beyond them."""
    area = np.count_nonzero(part, axis=(1, 2))
    runs = _runs(area)
    speck = SPECK_ML * 1000.0 / (step_mm * float(np.prod(across_mm)))
    if len(runs) < 2 or area.sum() < speck:
        return [], 0.0, 0
    runs = [run for run in runs if run.voxels >= speck] or runs
    gaps: list[int] = []
    lost = 0.0
    # Pieces of one body, which gaps cut apart.
    bodies = [[runs[0].voxels]]
    for before, after in pairwise(runs):
        count = after.start - before.stop
        if count * step_mm > GAP_MAX_MM or not _continues(part, area, before, after, step_mm, across_mm):
            bodies.append([after.voxels])
            continue
        first, last = float(area[before.stop - 1]), float(area[after.start])
        gaps += range(before.stop, after.start)
        # The frustum over both sections.
        lost += count * (first + np.sqrt(first * last) + last) / 3.0
        bodies[-1].append(after.voxels)
    return gaps, float(lost), sum(sum(pieces) - max(pieces) for pieces in bodies)


def _runs(area: npt.NDArray[np.int64]) -> list[_Run]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (area > 0).astype(np.int8), [0]])))
    return [_Run(int(a), int(b), int(area[a:b].sum())) for a, b in edges.reshape(-1, 2)]


def _continues(
    part: BoolArray, area: npt.NDArray[np.int64], before: _Run, after: _Run, step_mm: float,
    across_mm: npt.NDArray[np.float64],
) -> bool:  # fmt: skip
    """Whether one body goes on across the empty slices between two runs."""
    i, j = before.stop - 1, after.start
    near, far = sorted((int(area[i]), int(area[j])))
    if near < ALIKE * far:
        return False
    # A single slice does not say whether the body narrows.
    end = area[i] / area[i - 1] if i > before.start else np.inf
    start = area[j] / area[j + 1] if j + 1 < after.stop else np.inf
    if max(end, start) <= NARROWS:
        return False
    if (end <= CLOSES and area[j] >= area[i]) or (start <= CLOSES and area[i] >= area[j]):
        return False
    small, large = (part[i], part[j]) if area[i] <= area[j] else (part[j], part[i])
    away = ndimage.distance_transform_edt(~large, sampling=across_mm)
    reach = min(SLOPE * (j - i) * step_mm, SHIFT_MAX_MM)
    return bool(np.mean(away[small] <= reach) >= 0.5)
