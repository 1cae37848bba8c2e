"""Missing slices of a mask: empty ones between drawn ones, along any axis of storage.

Segmentations drawn on every second slice, contours forgotten on one, frames left out of a DICOM file: the mask
then lacks volume that nobody sees in it. Two foci one above the other leave empty slices too. What tells them
apart is how the mask ends on either side: a body narrows towards its end, a gap cuts through it. Where a single gap
can be read both ways, it is a warning and never refused.
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
#: What only a gap explains. The root of a convex body's section area is concave (Brunn-Minkowski): neither end, carried
#: on across the empty slices, falls short of the other by more than the first, a share of the larger root. And the
#: smaller section lies over the larger by the second. Of 1,500 drawn pairs of foci 0.1 % meet both, of single gaps in
#: drawn lesions over 90 % (engineering choices; docs/validation.md).
BENT_MAX, OVER_MIN = 0.1, 0.65
#: The planes across each world axis.
PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class MissingSlices:
    """The gaps of a mask: in which planes, how many slices, and the volume they lack by interpolation.

    ``sure_ml`` is the part of ``missing_ml`` that foci one above the other cannot explain, ``cut_off_ml`` what lies
    beyond gaps, away from the mask's largest piece.
    """

    slices: dict[str, int]
    missing_ml: float
    sure_ml: float
    drawn_ml: float
    cut_off_ml: float

    @property
    def share(self) -> float:
        """The missing volume's share of the whole."""
        return self.missing_ml / (self.drawn_ml + self.missing_ml) if self.missing_ml else 0.0

    @property
    def sure_share(self) -> float:
        """The share of the whole that is missing for certain."""
        return self.sure_ml / (self.drawn_ml + self.sure_ml) if self.sure_ml else 0.0

    def __str__(self) -> str:
        told = " and ".join(f"{count} {plane} slice{'s' * (count > 1)}" for plane, count in self.slices.items())
        several = sum(self.slices.values()) > 1
        return (
            f"{told} between drawn ones {'are' if several else 'is'} empty; by interpolation"
            f" {self.missing_ml:.2f} ml ({100 * self.share:.0f} %) are missing"
        )


@dataclass(frozen=True)
class _Gap:
    """Empty slices ``start`` to ``stop`` (exclusive), the voxels they lack, whether two foci explain them as well."""

    start: int
    stop: int
    lost: float
    doubtful: bool


@dataclass(frozen=True)
class _Run:
    """Filled slices ``start`` to ``stop`` (exclusive), their volume in voxels."""

    start: int
    stop: int
    voxels: int


def check_slices(mask: Mask, name: str, *, in_one_piece: bool = False) -> PlanWarning | None:
    """The warning about a mask's missing slices, if it has any.

    ``in_one_piece`` is for a bone: it has no foci, and what a gap cuts off is lost with it. Raises ``InputError``
    where more than 5 % of the volume is missing for certain, or cut off.
    """
    found = missing_slices(mask)
    if not found.slices:
        return None
    cut = in_one_piece and found.cut_off_ml > MISSING_SHARE_MAX * found.drawn_ml
    share = found.share if in_one_piece else found.sure_share
    if share > MISSING_SHARE_MAX or cut:
        beyond = f", and {found.cut_off_ml:.1f} ml lie beyond" if cut else ""
        raise InputError(
            f"the {name}: {found}{beyond}; up to {100 * MISSING_SHARE_MAX:g} % is accepted:"
            " fill between the slices where it was drawn",
            code="slices-missing",
        )
    both_readings = not in_one_piece and found.sure_ml < found.missing_ml
    or_foci = ", unless separate foci lie one beyond the other there" if both_readings else ""
    return PlanWarning("slices_missing", f"the {name}: {found}{or_foci}")


def missing_slices(mask: Mask) -> MissingSlices:
    """The gaps of a mask along each axis of its array, for each part that stands apart in the projection."""
    voxels, grid = mask.voxels, mask.grid
    slices: dict[str, int] = {}
    missing_ml = sure_ml = cut_off_ml = 0.0
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
                gaps, cut = _gaps(part, float(grid.spacing_mm[axis]), across)
                for gap in gaps:
                    empty.update(range(gap.start, gap.stop))
                    missing_ml += gap.lost * grid.voxel_ml
                    # Two foci leave one gap; a drawing on every second slice leaves many.
                    sure_ml += gap.lost * grid.voxel_ml if len(gaps) > 1 or not gap.doubtful else 0.0
                cut_off_ml += cut * grid.voxel_ml
            if empty:
                slices[_plane(grid, axis)] = len(empty)
    return MissingSlices(slices, missing_ml, sure_ml, mask.volume_ml, cut_off_ml)


def _plane(grid: Grid, axis: int) -> str:
    order, _ = grid.canonical_order()
    return PLANES[order.index(axis)]


def _gaps(part: BoolArray, step_mm: float, across_mm: npt.NDArray[np.float64]) -> tuple[list[_Gap], int]:
    """The gaps along the first axis, and the voxels beyond them."""
    area = np.count_nonzero(part, axis=(1, 2))
    runs = _runs(area)
    speck = SPECK_ML * 1000.0 / (step_mm * float(np.prod(across_mm)))
    if len(runs) < 2 or area.sum() < speck:
        return [], 0
    runs = [run for run in runs if run.voxels >= speck] or runs
    gaps: list[_Gap] = []
    # Pieces of one body, which gaps cut apart.
    bodies = [[runs[0].voxels]]
    for before, after in pairwise(runs):
        count = after.start - before.stop
        if count * step_mm > GAP_MAX_MM or not _continues(part, area, before, after, step_mm, across_mm):
            bodies.append([after.voxels])
            continue
        first, last = float(area[before.stop - 1]), float(area[after.start])
        # The frustum over both sections.
        lost = count * (first + np.sqrt(first * last) + last) / 3.0
        gaps.append(_Gap(before.stop, after.start, lost, _doubtful(part, area, before, after)))
        bodies[-1].append(after.voxels)
    return gaps, sum(sum(pieces) - max(pieces) for pieces in bodies)


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


def _doubtful(part: BoolArray, area: npt.NDArray[np.int64], before: _Run, after: _Run) -> bool:
    """Whether two foci explain the empty slices between two runs as well as a gap in one convex body does."""
    i, j = before.stop - 1, after.start
    over = np.count_nonzero(part[i] & part[j]) / min(area[i], area[j])
    root = np.sqrt(area[[i, j]])
    carried = [
        root[0] + (root[0] - np.sqrt(area[i - 1])) * (j - i) if i > before.start else np.inf,
        root[1] + (root[1] - np.sqrt(area[j + 1])) * (j - i) if j + 1 < after.stop else np.inf,
    ]
    bent = max(root[1] - carried[0], root[0] - carried[1]) / root.max()
    return bool(over < OVER_MIN or bent > BENT_MAX)
