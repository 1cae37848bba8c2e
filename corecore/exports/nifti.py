"""A label map with the tunnels painted in, on the grid the femur was drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, Grid, inverse, transform
from corecore.exports.export_context import ExportContext
from corecore.hip.hip import Hip
from corecore.io.nifti import write_labels
from corecore.tunnels.cylinder import Tunnel

#: Labels of the map; tunnel N has FIRST_TUNNEL + N - 1.
FEMUR, LESION, FIRST_TUNNEL = 1, 2, 3
#: Voxels painted at a time: memory stays small on a whole pelvis.
SLAB_VOXELS = 2_000_000


def export_nifti(parcel: ExportContext, out: Path) -> list[Path]:
    """A uint8 NIfTI: 1 femur, 2 residual lesion, 3 and up the tunnels with their cavities.

    A voxel belongs to a tunnel where its centre lies inside, in bone or not; where two tunnels meet,
    the later one is painted over. Raises ``InputError`` for a name that is no NIfTI's.
    """
    if not out.name.endswith((".nii", ".nii.gz")):
        raise InputError(f"{out}: a name ending in .nii or .nii.gz is accepted for a NIfTI file", code="output-name")
    femur = parcel.hip.case.original_femur
    assert femur is not None
    labels = paint(parcel.hip, parcel.tunnels, femur.grid)
    write_labels(out, femur.grid, labels, note=parcel.stamp.text(), names=label_names(parcel))
    return [out]


def label_names(parcel: ExportContext) -> dict[int, str]:
    """What each label of the map is."""
    tunnels = {FIRST_TUNNEL + i: f"tunnel_{i + 1}" for i in range(len(parcel.tunnels))}
    return {FEMUR: "femur", LESION: "lesion", **tunnels}


def paint(hip: Hip, tunnels: Sequence[Tunnel], grid: Grid) -> npt.NDArray[np.uint8]:
    """The labels on a grid in world RAS mm; ``tunnels`` in the hip's local frame."""
    femur, lesion = hip.case.original_femur, hip.case.original_lesion
    assert femur is not None
    assert lesion is not None
    labels = np.zeros(grid.shape, dtype=np.uint8)
    local_from_index = inverse(hip.world_from_local) @ grid.world_from_index
    rows = max(1, SLAB_VOXELS // (grid.shape[1] * grid.shape[2]))
    for first in range(0, grid.shape[0], rows):
        last = min(first + rows, grid.shape[0])
        slab = labels[first:last]
        index = np.indices(slab.shape).reshape(3, -1).T + np.array([first, 0, 0])
        world = transform(grid.world_from_index, index)
        flat = np.zeros(len(index), dtype=np.uint8)
        flat[femur.contains(world)] = FEMUR
        flat[lesion.contains(world)] = LESION
        points = transform(local_from_index, index)
        for number, tunnel in enumerate(tunnels):
            body = tunnel.body
            near = _near(points, tunnel.entry, tunnel.tip - body.front_mm * tunnel.direction, body.widest_mm)
            flat[near[tunnel.contains(points[near])]] = FIRST_TUNNEL + number
        labels[first:last] = flat.reshape(slab.shape)
    return labels


def _near(points: FloatArray, entry: FloatArray, tip: FloatArray, radius_mm: float) -> npt.NDArray[np.int64]:
    """Indices of the points in the box around a tunnel."""
    low, high = np.minimum(entry, tip) - radius_mm, np.maximum(entry, tip) + radius_mm
    return np.flatnonzero(np.all((points >= low) & (points <= high), axis=1))
