"""Masks by reference: a file, or one label of a label map as ``path:label``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corecore.errors import InputError
from corecore.grid import Grid, Mask
from corecore.io import nifti


@dataclass(frozen=True)
class MaskReference:
    """Which voxels are meant: all that are not 0 of ``path``, or those equal to ``label``."""

    path: Path
    label: int | None = None

    @classmethod
    def parse(cls, text: str) -> MaskReference:
        """Read ``path`` or ``path:label``; a colon that belongs to the file's name stays there."""
        path, colon, label = text.rpartition(":")
        if not colon or Path(text).is_file():
            return cls(Path(text))
        if not label.lstrip("-").isdigit():
            raise InputError(f"{text}: label {label!r}; a whole number is accepted after the colon")
        if int(label) < 1:
            raise InputError(f"{text}: label {label}; 1 and above are accepted (0 is background)")
        return cls(Path(path), int(label))

    def __str__(self) -> str:
        return str(self.path) if self.label is None else f"{self.path}:{self.label}"


def read_mask(reference: MaskReference | str) -> Mask:
    """The mask that a reference names, as stored.

    Raises ``InputError`` for a label that is not there, an empty mask, or a label map of
    which no label was named.
    """
    if isinstance(reference, str):
        reference = MaskReference.parse(reference)
    if not reference.path.exists():
        raise InputError(f"{reference.path}: no such file")
    values, grid = nifti.read_volume(reference.path)
    return mask_from_values(values, grid, reference)


def mask_from_values(values: npt.NDArray[np.generic], grid: Grid, reference: MaskReference) -> Mask:
    """Pick the referenced label out of stored values."""
    if values.dtype.kind not in "iufb":
        raise InputError(f"{reference.path}: values of type {values.dtype}; whole numbers are accepted")
    if values.dtype.kind == "f":
        if not np.all(np.isfinite(values)):
            raise InputError(f"{reference.path}: the mask holds values that are not finite")
        if np.any(values != np.rint(values)):
            raise InputError(f"{reference.path}: the values are not whole numbers; a mask or label map is accepted")
    if reference.label is not None:
        voxels = np.asarray(values == reference.label)
        if not voxels.any():
            raise InputError(
                f"{reference.path}: label {reference.label} is not in the file ({_labels(values)})"
            )
        return Mask(grid, voxels)
    present = np.unique(values[values != 0])
    if len(present) == 0:
        raise InputError(f"{reference.path}: the mask is empty")
    if len(present) > 1:
        raise InputError(
            f"{reference.path}: holds several labels ({_labels(values)}); name one as {reference.path.name}:LABEL"
        )
    return Mask(grid, np.asarray(values != 0))


def _labels(values: npt.NDArray[np.generic]) -> str:
    found = [f"{v:g}" for v in np.unique(values[values != 0])[:12].astype(float)]
    return "labels " + ", ".join(found) if found else "no label but background"
