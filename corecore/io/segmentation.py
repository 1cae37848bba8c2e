"""Named parts of a segmentation, and how ``path:label`` picks one by number, name or code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, Grid, Mask, transform
from corecore.base.origin import UNKNOWN, Origin
from corecore.io.bounded import short, shown
from corecore.io.grey import LABELS_BELOW, Threshold, grey_values, is_grey, whole_numbers

#: Empty voxels put around a segmentation that was cut to its segments, mm: more than is kept around a
#: bone, so that the cut is not taken for the scan's end (engineering choice).
ROOM_MM = 10.0
#: Connected parts smaller than this are specks of the segmentation, ml (contract §1).
SPECK_ML = 0.05
#: How many labels a message lists.
LISTED = 12
#: The volume is told for a threshold this share of the largest value lower and higher (engineering choice).
SHIFTED = 0.1


@dataclass(frozen=True)
class Segment:
    """One named part: the ``number`` (-1: none) and ``name`` of its file, and further ``words`` that mean it.

    Words are terminology: codes (``71341001``, ``SCT:71341001``) and their meanings.
    ``values`` are the stored values it consists of, where it is part of a label map.
    """

    number: int
    name: str = ""
    words: tuple[str, ...] = ()
    values: tuple[int, ...] = ()
    #: FrameOfReferenceUID of its own, where the file states one a part.
    frame: str = ""

    def __str__(self) -> str:
        if not self.name:
            return f"{self.number}"
        return short(self.name, 40) if self.number < 0 else f"{self.number} {short(self.name, 40)}"


@dataclass(frozen=True)
class Remark:
    """What a user of a mask must know of how it was read: a warning's code, and what was found."""

    code: str
    text: str


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The parts of one file on their common grid; ``voxels_of`` reads the voxels of one of them.

    ``remarks`` are those of the parts read so far.
    """

    path: Path
    grid: Grid
    segments: tuple[Segment, ...]
    voxels_of: Callable[[Segment], BoolArray]
    #: What the file says of frame and patient.
    origin: Origin = UNKNOWN
    remarks: list[Remark] = field(default_factory=list)
    #: Of a volume of numbers: its values, which a threshold is held against; and why they are no labels, if so.
    values: npt.NDArray[np.generic] | None = None
    grey: InputError | None = None
    #: How a caller names a label of it; ``None``: as ``FILE:LABEL``.
    chosen: Callable[[str], str] | None = None

    def pick(self, label: int | str | None) -> Mask:
        """The mask of one part; without a label, of the only one.

        Raises ``InputError`` for a label that is not there, that several parts answer to, and
        for an empty mask. A label such as ``>0.5`` takes the voxels above that share of the largest value.
        """
        threshold = Threshold.parse(label)
        if threshold is not None and self.values is not None and (self.grey or not self._labels_only()):
            mask, remark = thresholded(self.path, self.grid, self.values, threshold)
            self.remarks.append(remark)
            return mask
        segment = self.find(label)
        voxels = self.voxels_of(segment)
        if not voxels.any():
            raise InputError(f"{shown(self.path)}: the mask is empty (segment {segment})", code="mask-empty")
        words, frame = (segment.name, *segment.words), segment.frame or self.origin.frame
        return Mask(self.grid, voxels, replace(self.origin, words=words, frame=frame))

    def _labels_only(self) -> bool:
        """Whether the numbers can be nothing but labels: several small ones."""
        numbers = [segment.number for segment in self.segments]
        return len(numbers) > 1 and max(numbers) < LABELS_BELOW

    def find(self, label: int | str | None) -> Segment:
        """The part that a label means; see ``pick``."""
        named = f"{shown(self.path.name)}:LABEL" if self.chosen is None else self.chosen("LABEL")
        if self.grey is not None:
            raise self.grey
        if label is None:
            if len(self.segments) == 1:
                return self.segments[0]
            if not self.segments:
                raise InputError(f"{shown(self.path)}: the mask is empty", code="mask-empty")
            raise InputError(
                f"{shown(self.path)}: holds several labels ({self.listing()}); name one as {named}",
                code="label-needed",
            )
        found = matching(self.segments, label)
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{shown(self.path)}: label {short(label)} is that of {len(found)} segments"
                f" ({'; '.join(str(s) for s in found[:LISTED])}); a label that is one segment's alone is accepted",
                code="label-unknown",
            )
        raise InputError(
            f"{shown(self.path)}: label {short(label)} is not in the file ({self.listing()});"
            " a whole number or a name of those is accepted",
            code="label-unknown",
        )

    def listing(self) -> str:
        """The labels as part of a message."""
        if not self.segments:
            return "no label but background"
        more = len(self.segments) - LISTED
        told = ", ".join(str(segment) for segment in self.segments[:LISTED])
        return f"labels {told}" + (f" and {more} more" if more > 0 else "")


def place_in(whole: Grid, part: Grid) -> npt.NDArray[np.int64] | None:
    """The index (3,) in ``whole`` of the first voxel of ``part``, or ``None`` where that is no block of it."""
    start = np.rint(transform(whole.index_from_world, part.world_from_index[:3, 3])).astype(np.int64)
    stop = start + part.shape
    if np.any(start < 0) or np.any(stop > whole.shape) or not whole.cropped(start, stop).same_as(part):
        return None
    return start


def matching(segments: tuple[Segment, ...], label: int | str) -> list[Segment]:
    """The parts that a label means: by number, then by name to the letter, by name in any spelling, by its words."""
    text = str(label).strip()
    if text.isascii() and text.isdigit():
        numbered = [s for s in segments if s.number == int(text)]
        if numbered:
            return numbered
    plain = spelled(text)
    for means in (
        lambda s: s.name == text,
        lambda s: bool(plain) and spelled(s.name) == plain,
        lambda s: text in s.words or (bool(plain) and plain in map(spelled, s.words)),
    ):
        found = [s for s in segments if means(s)]
        if found:
            return found
    return []


def spelled(name: str) -> str:
    """A name without case, spaces, hyphens and underscores: ``Femur Left`` and ``femur_left`` are one."""
    return re.sub(r"[\s_\-]+", " ", name).strip().casefold()


def label_map(
    path: Path,
    values: npt.NDArray[np.generic],
    grid: Grid,
    names: dict[str, tuple[int, ...]] | None = None,
    scaling: str = "",
    chosen: Callable[[str], str] | None = None,
) -> Segmentation:
    """The labels of a volume of whole numbers, with the names its file gives them.

    ``names`` may name a region of several values; ``scaling`` says how the file scales what it stores, ``chosen`` how
    a caller names a label. A volume of grey values has no labels and can only be thresholded. Raises ``InputError``
    for values that are neither.
    """
    whole = whole_numbers(path, values)
    # In the order of memory: four times as fast as picking from an array that lies the other way.
    flat = values.ravel(order="K") if whole is None else whole.ravel(order="K")
    numbers = np.unique(flat[flat != 0])
    if whole is None or is_grey(whole, numbers):
        refusal = grey_values(path, values, scaling, chosen)
        return Segmentation(path, grid, (), lambda _: np.zeros(grid.shape, dtype=np.bool_), grey=refusal, values=values)
    present = [int(v) for v in numbers]
    known = {values[0]: name for name, values in (names or {}).items() if len(values) == 1}
    parts = [Segment(value, known.get(value, ""), values=(value,)) for value in present]
    for name, region in (names or {}).items():
        if len(region) > 1 and any(value in present for value in region):
            parts.append(Segment(-1, name, values=region))

    def voxels_of(segment: Segment) -> BoolArray:
        if len(segment.values) == 1:
            return np.asarray(whole == segment.values[0])
        return np.isin(whole, segment.values)

    return Segmentation(path, grid, tuple(parts), voxels_of, values=whole, chosen=chosen)


def thresholded(path: Path, grid: Grid, values: npt.NDArray[np.generic], threshold: Threshold) -> tuple[Mask, Remark]:
    """The voxels that pass a threshold, and a word on how much hangs on it."""
    largest = float(values.max())
    if largest <= 0.0:
        raise InputError(f"{shown(path)}: the mask is empty (no value above 0)", code="mask-empty")
    mask = Mask(grid, threshold.above(values))
    if not mask.voxels.any():
        raise InputError(
            f"{shown(path)}: no voxel passes {threshold.text}; the largest value is {largest:.6g}", code="mask-empty"
        )
    lower, higher = (
        int(np.count_nonzero(threshold.above(values, shift))) * grid.voxel_ml for shift in (-SHIFTED, SHIFTED)
    )
    what = f"{threshold.text} of the largest value, {largest:.6g}" if threshold.of_largest else threshold.text
    return mask, Remark(
        "mask_thresholded",
        f"grey values were thresholded at {what}: {mask.volume_ml:.2f} ml; {100 * SHIFTED:g} % of the largest value"
        f" lower {lower:.2f} ml, higher {higher:.2f} ml",
    )
