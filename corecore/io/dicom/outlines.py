"""Outlines drawn on one plane, and the voxels that they enclose.

A voxel lies inside an outline when its centre does. An outline within another is a hole. One that stands twice counts
once: as a hole in itself it would be nothing. Outlines that cross leave open what they enclose; how many voxels is
counted, and where it is told or refused is for the reader to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray

#: Corners are taken to this share of a voxel, so that the last digit of a file decides no voxel.
CORNER_DIGITS = 5
#: Most crossings of an outline with rows of voxels; a drawn one has some thousands (engineering choice).
MAX_CROSSINGS = 20_000_000
#: Two outlines nowhere further from each other than this are one, voxels: no ring so thin is a finding
#: (engineering choice).
SAME_VOXELS = 0.5
#: Of two outlines that cross, one is a hole with a slip of the hand where this share of it lies in the other, and it is
#: no larger than that share of it; else both are drawn for one (engineering choices).
HOLE_SHARE, HOLE_MAX = 0.9, 0.5
#: Points along an outline that another is held against stand this close, voxels, and are no more than these.
SAME_STEP, SAME_POINTS_MAX = 0.1, 200_000
#: Most pairs of outlines on one plane that may touch; a drawn plane has some tens (engineering choice).
MAX_PAIRS = 20_000


@dataclass(frozen=True)
class Filled:
    """The voxels inside the outlines of a plane (nx, ny); outlines that stood twice; voxels that crossings leave open.

    Open are voxels inside both of two outlines that cross, what stands out of a hole, and voxels that one outline
    runs round twice, or the other way than the rest. They count as inside.
    """

    voxels: BoolArray
    doubled: int
    open_voxels: int


@dataclass(frozen=True)
class _Area:
    """The inside of one outline in a box of the plane that begins at ``start`` (2,)."""

    start: npt.NDArray[np.int64]
    inside: BoolArray
    open_voxels: int

    @property
    def box(self) -> tuple[slice, slice]:
        x, y = self.start
        return slice(x, x + self.inside.shape[0]), slice(y, y + self.inside.shape[1])


def fill(outlines: Sequence[FloatArray], shape: tuple[int, int], *, parity: bool = False) -> Filled:
    """The voxels of a plane (nx, ny) inside outlines (corners, 2), in voxels.

    ``parity`` is for outlines that are meant to cross: a voxel inside an odd number of them belongs. Raises
    ``InputError`` for more outlines, or longer ones, than anybody draws.
    """
    rounded = [np.round(outline, CORNER_DIGITS) for outline in outlines]
    kept = _singles(rounded)
    areas = [area for corners in kept if (area := _area(corners, shape, parity)) is not None]
    doubled = len(rounded) - len(kept)
    left = sum(area.open_voxels for area in areas)
    overlaps = []
    again: set[int] = set()
    for a, b in [] if parity else _pairs([(area.start, area.start + area.inside.shape) for area in areas], 0.0):
        box, first, second = _shared(areas[a], areas[b])
        both = first & second
        common = int(np.count_nonzero(both))
        small, large = sorted(int(np.count_nonzero(areas[n].inside)) for n in (a, b))
        if 0 < common == small == large:
            again.add(b)
        elif HOLE_SHARE * small <= common and small <= HOLE_MAX * large:
            left += small - common
        elif 0 < common < small:
            left += common
            overlaps.append((box, both))
    voxels = np.zeros(shape, dtype=np.bool_)
    for number, area in enumerate(areas):
        if number not in again:
            voxels[area.box] ^= area.inside
    for box, both in overlaps:
        voxels[box] |= both
    return Filled(voxels, doubled + len(again), left)


def winding(corners: FloatArray, shape: tuple[int, int]) -> npt.NDArray[np.int32]:
    """How often an outline (corners, 2) runs round the centre of each voxel of a plane (nx, ny); back is negative.

    An edge crosses the rows from its lower end up to, not including, its upper end, so that a corner counts once; a
    centre on a left edge is inside, one on a right edge is not.
    """
    start, end = corners, np.roll(corners, -1, axis=0)
    swap = start[:, 1] > end[:, 1]
    low, high = np.where(swap[:, None], end, start), np.where(swap[:, None], start, end)
    columns, rows = shape
    first = np.clip(np.ceil(low[:, 1]), 0, rows).astype(np.int64)
    count = np.maximum(np.clip(np.ceil(high[:, 1]), 0, rows).astype(np.int64) - first, 0)
    if int(count.sum()) > MAX_CROSSINGS:
        raise InputError(
            f"a contour crosses rows of voxels {int(count.sum()):,} times; up to {MAX_CROSSINGS:,} accepted",
            code="contours-unusable",
        )
    edge = np.repeat(np.arange(len(corners)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    rise = high[edge, 1] - low[edge, 1]
    x = low[edge, 0] + (row - low[edge, 1]) * (high[edge, 0] - low[edge, 0]) / rise
    column = np.clip(np.ceil(np.round(x, CORNER_DIGITS)), 0, columns).astype(np.int64)
    steps = np.zeros((columns + 1, rows), dtype=np.int32)
    np.add.at(steps, (column, row), np.where(swap[edge], 1, -1).astype(np.int32))
    return np.asarray(np.cumsum(steps, axis=0, dtype=np.int32)[:-1])


def _area(corners: FloatArray, shape: tuple[int, int], parity: bool) -> _Area | None:
    limit = np.array(shape)
    start = np.clip(np.floor(corners.min(axis=0)), 0, limit).astype(np.int64)
    stop = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, limit).astype(np.int64)
    if np.any(stop <= start):
        return None
    width, height = (stop - start).tolist()
    turns = winding(corners - start, (width, height))
    if parity:
        return _Area(start, turns % 2 == 1, 0)
    # A simple outline, and a keyhole, runs round each voxel once at most, and round all the same way.
    inside = turns != 0
    simple = max(int(np.count_nonzero(turns == 1)), int(np.count_nonzero(turns == -1)))
    return _Area(start, inside, int(np.count_nonzero(inside)) - simple)


def _shared(a: _Area, b: _Area) -> tuple[tuple[slice, slice], BoolArray, BoolArray]:
    """The box that two areas share, and the inside of each there."""
    start = np.maximum(a.start, b.start)
    stop = np.minimum(a.start + a.inside.shape, b.start + b.inside.shape)
    first, second = (
        area.inside[tuple(slice(s - o, e - o) for s, e, o in zip(start, stop, area.start, strict=True))]
        for area in (a, b)
    )
    return (slice(start[0], stop[0]), slice(start[1], stop[1])), first, second


def _pairs(boxes: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]], apart: float) -> list[tuple[int, int]]:
    """Pairs of boxes (low, high) that overlap, or lie no further apart. Raises ``InputError`` for too many."""
    low, high = (np.array([box[end] for box in boxes], dtype=np.float64).reshape(-1, 2) for end in (0, 1))
    pairs: list[tuple[int, int]] = []
    for n in range(len(boxes) - 1):
        meet = np.all((low[n + 1 :] <= high[n] + apart) & (low[n] <= high[n + 1 :] + apart), axis=1)
        pairs += [(n, n + 1 + int(m)) for m in np.flatnonzero(meet)]
        if len(pairs) > MAX_PAIRS:
            raise InputError(
                f"more than {MAX_PAIRS:,} pairs of contours lie on one another on one plane; fewer are accepted",
                code="contours-unusable",
            )
    return pairs


def _singles(outlines: list[FloatArray]) -> list[FloatArray]:
    """The outlines without those that repeat an earlier one."""
    boxes = [(outline.min(axis=0), outline.max(axis=0)) for outline in outlines]
    again: set[int] = set()
    alike = [
        (a, b)
        for a, b in _pairs(boxes, SAME_VOXELS)
        if max(np.max(np.abs(boxes[a][end] - boxes[b][end])) for end in (0, 1)) <= SAME_VOXELS
    ]
    for a, b in alike:
        if a not in again and b not in again and _same(outlines[a], outlines[b]):
            again.add(b)
    return [outline for n, outline in enumerate(outlines) if n not in again]


def _same(a: FloatArray, b: FloatArray) -> bool:
    """Whether no point of either outline lies further from the other than ``SAME_VOXELS``."""
    first, second = _dense(a), _dense(b)
    if first is None or second is None:
        return False
    reach = SAME_VOXELS + SAME_STEP / 2.0
    return all(
        bool(np.all(np.isfinite(cKDTree(to).query(of, distance_upper_bound=reach)[0])))
        for of, to in ((first, second), (second, first))
    )


def _dense(outline: FloatArray) -> FloatArray | None:
    """Points along an outline; ``None`` for one too long to be held against another."""
    along = np.roll(outline, -1, axis=0) - outline
    lengths = np.linalg.norm(along, axis=1)
    if lengths.sum() / SAME_STEP + len(outline) > SAME_POINTS_MAX:
        return None
    counts = np.maximum(np.ceil(lengths / SAME_STEP), 1).astype(np.int64)
    edge = np.repeat(np.arange(len(outline)), counts)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(outline[edge] + along[edge] * (step / counts[edge])[:, None])
