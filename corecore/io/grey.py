"""Grey values where a mask is expected: probabilities and smoothed masks, recognised, and thresholded on request."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray
from corecore.io.bounded import short, shown

#: Values within this of a whole number are one: scaling by a header's slope rounds, and is no grey value.
WHOLE_TOLERANCE = 1e-4
#: Labels of a map are small numbers; below this largest value whole numbers are labels (engineering choice).
LABELS_BELOW = 16
#: Grey is what lies between these shares of the largest value: plateaus at either end say nothing (engineering choice).
BETWEEN = (0.02, 0.98)
#: So many grey levels at least, and so many pairs of neighbours that hold some (engineering choice).
LEVELS_MIN, PAIRS_MIN = 3, 20
#: Neighbours of equal value, as a share of neighbours that are not background and hold a grey value. Regions of a
#: label map have far more inside than along their borders; a slope has few. Between the two, each grey voxel must
#: have a lower and a higher neighbour, as on a slope (engineering choices).
EQUAL_GREY, EQUAL_LABELS, SLOPE_SHARE = 0.25, 0.80, 0.90
#: Planes of neighbours looked at hold so many voxels at most.
SAMPLE_VOXELS = 4_000_000
#: How many values a message lists.
LISTED = 6
THRESHOLD = re.compile(r"(>=?)\s*(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})")


@dataclass(frozen=True)
class Threshold:
    """``>0.5``, a share of the largest value that is to be exceeded, or ``>=128``, a value that is to be reached."""

    text: str
    value: float
    of_largest: bool

    @classmethod
    def parse(cls, label: int | str | None) -> Threshold | None:
        """The threshold that a label means, or ``None``. Raises ``InputError`` for one that takes all or nothing."""
        found = THRESHOLD.fullmatch(str(label).strip()) if isinstance(label, str) else None
        if found is None:
            return None
        share, value = found[1] == ">", float(found[2])
        if (share and value >= 1.0) or (not share and value == 0.0):
            raise InputError(
                f"threshold {short(label)}: a share of the largest value below 1 as >0.5, or a value above 0 as >=128,"
                " is accepted",
                code="label-unknown",
            )
        return cls(found[0], value, share)

    def above(self, values: npt.NDArray[Any], shifted: float = 0.0) -> BoolArray:
        """The voxels taken, with the threshold shifted by a share of the largest value."""
        largest = float(values.max())
        if self.of_largest:
            return np.asarray(values > (self.value + shifted) * largest)
        return np.asarray(values >= self.value + shifted * largest)


def whole_numbers(path: Path, values: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """The values as whole numbers, or ``None`` for grey ones from 0 up.

    Raises ``InputError`` for what is no number, not finite, or an image.
    """
    if values.dtype.kind not in "iufb":
        raise InputError(
            f"{shown(path)}: values of type {values.dtype}; whole numbers are accepted", code="values-not-whole"
        )
    if values.dtype.kind != "f":
        return values
    if not np.all(np.isfinite(values)):
        raise InputError(f"{shown(path)}: the mask holds values that are not finite", code="values-not-finite")
    rounded = np.rint(values)
    if np.array_equal(values, rounded):
        return values
    if np.all(np.abs(values - rounded) <= WHOLE_TOLERANCE):
        return np.asarray(rounded)
    if float(values.min()) < 0.0:
        raise InputError(
            f"{shown(path)}: the values, {float(values.min()):.4g} to {float(values.max()):.4g}, are not whole numbers"
            " and partly negative; a mask or label map is accepted",
            code="values-not-whole",
        )
    return None


def is_grey(values: npt.NDArray[Any], present: npt.NDArray[Any]) -> bool:
    """Whether whole numbers are grey values and no labels: they change from voxel to voxel, as on a slope.

    ``present`` are the values other than 0, each once.
    """
    largest = float(present[-1]) if len(present) else 0.0
    low, high = (share * largest for share in BETWEEN)
    levels = int(np.count_nonzero((present > low) & (present < high)))
    if largest < LABELS_BELOW or levels < LEVELS_MIN:
        return False
    equal = pairs = 0
    filled = values != 0
    ends = [np.flatnonzero(filled.any(axis=tuple({0, 1, 2} - {axis})))[[0, -1]] for axis in range(3)]
    part = values[tuple(slice(int(first), int(last) + 1) for first, last in ends)]
    for axis in range(3):
        along = np.moveaxis(part, axis, 0)
        planes = max(1, SAMPLE_VOXELS // max(1, along[0].size))
        count = len(along) - 1
        for n in np.unique(np.linspace(0, count - 1, min(count, planes)).astype(int)) if count > 0 else ():
            a, b = np.ascontiguousarray(along[n]), np.ascontiguousarray(along[n + 1])
            counted = (a != 0) & (b != 0) & (((a > low) & (a < high)) | ((b > low) & (b < high)))
            pairs += int(np.count_nonzero(counted))
            equal += int(np.count_nonzero(counted & (a == b)))
    if pairs < PAIRS_MIN or equal >= EQUAL_LABELS * pairs:
        return False
    return equal <= EQUAL_GREY * pairs or _slopes(part, low, high)


def _slopes(values: npt.NDArray[Any], low: float, high: float) -> bool:
    """Whether nearly all grey voxels have a lower and a higher neighbour; of a large volume, those in its middle."""
    side = int(np.cbrt(SAMPLE_VOXELS))
    part = np.pad(values[tuple(slice(max(0, (n - side) // 2), (n + side) // 2) for n in values.shape)], 1)
    grey = (part > low) & (part < high)
    lower = ndimage.minimum_filter(part, 3) < part
    higher = ndimage.maximum_filter(part, 3) > part
    return bool(grey.any() and np.mean((lower & higher)[grey]) >= SLOPE_SHARE)


def grey_values(
    path: Path, values: npt.NDArray[Any], scaling: str, chosen: Callable[[str], str] | None = None
) -> InputError:
    """The refusal of grey values: which were found, how they came about, and how to threshold them.

    ``chosen`` says how a caller names a label; default ``FILE:LABEL``.
    """
    present = np.unique(values)
    shown_values = ", ".join(f"{float(v):.4g}" for v in present[:LISTED])
    more = f" and {len(present) - LISTED:,} more" if len(present) > LISTED else ""
    largest = float(present[-1])
    text = (
        f"{shown(path)}: grey values and no mask ({shown_values}{more}, up to {largest:.6g}{scaling});"
        " whole labels are accepted"
    )
    if float(present[0]) >= 0.0:
        half = f"{max(1, round(largest / 2))}" if largest >= 2.0 else f"{largest / 2:.3g}"
        share, value = (
            f'"{shown(path.name)}:{one}"' if chosen is None else chosen(one) for one in (">0.5", f">={half}")
        )
        text += f", or a threshold: {share} (of the largest value) or {value}"
    return InputError(text, code="mask-not-binary")
