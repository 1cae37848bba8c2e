"""Masks written as segments: 3D Slicer's ``.seg.nrrd``, which ``corecore.io.nrrd`` reads."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, Mask
from corecore.io.files import atomic_write_bytes
from corecore.io.nrrd import RAS_SIGNS


@dataclass(frozen=True, eq=False)
class NamedMask:
    """A mask as a segment: its name, and its colour as red, green, blue from 0 to 1."""

    name: str
    color: tuple[float, float, float]
    mask: Mask


def write_segmentation(masks: Sequence[NamedMask], path: Path) -> None:
    """Masks of one grid as a ``.seg.nrrd`` of Slicer, in LPS mm; each in a layer of its own, since they may overlap.

    The file appears whole or not at all. Raises ``InputError`` where the grids differ, or there is none.
    """
    if not masks or any(not _same_grid(one.mask.grid, masks[0].mask.grid) for one in masks):
        raise InputError(f"{path}: masks of one grid are accepted in a segmentation", code="geometry-invalid")
    grid, layers = masks[0].mask.grid, len(masks)
    signs = np.array(RAS_SIGNS["lps"])
    vectors = [_told(signs * grid.world_from_index[:3, axis]) for axis in range(3)]
    header = [
        "NRRD0004", "type: unsigned char", f"dimension: {3 + (layers > 1)}", "space: left-posterior-superior",
        f"sizes: {f'{layers} ' if layers > 1 else ''}{' '.join(str(n) for n in grid.shape)}",
        f"space directions: {'none ' if layers > 1 else ''}{' '.join(vectors)}",
        f"kinds: {'list ' if layers > 1 else ''}domain domain domain",
        "encoding: gzip", f"space origin: {_told(signs * grid.world_from_index[:3, 3])}",
    ]  # fmt: skip
    extent = " ".join(f"0 {n - 1}" for n in grid.shape)
    for number, one in enumerate(masks):
        color = " ".join(f"{share:.6g}" for share in one.color)
        header += [
            f"Segment{number}_ID:=corecore_{one.name}", f"Segment{number}_Name:={one.name}",
            f"Segment{number}_Color:={color}", f"Segment{number}_Extent:={extent}", f"Segment{number}_LabelValue:=1",
            f"Segment{number}_Layer:={number if layers > 1 else 0}",
        ]  # fmt: skip
    header += [
        "Segmentation_ContainedRepresentationNames:=Binary labelmap|",
        "Segmentation_MasterRepresentation:=Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset:=0 0 0",
    ]
    values = np.stack([one.mask.voxels for one in masks]).astype(np.uint8)
    # No time in the gzip header: the same masks give the same bytes.
    packed = gzip.compress(values.tobytes(order="F"), compresslevel=6, mtime=0)
    atomic_write_bytes(path, "\n".join([*header, "", ""]).encode("utf-8") + packed)


def _same_grid(one: Grid, other: Grid) -> bool:
    return one.shape == other.shape and np.array_equal(one.world_from_index, other.world_from_index)


def _told(vector: FloatArray) -> str:
    """A vector as the file writes it, to the last bit."""
    return f"({','.join(repr(float(value) + 0.0) for value in vector)})"
