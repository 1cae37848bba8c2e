"""A hip's image and masks as one volume for the browser, which cuts it there: sent once, planes cost no request.

The bytes are those of a texture: a header of JSON, after its length in four bytes (little-endian), then the image in
half precision and, on the same grid, the masks as bits of a byte; the first axis runs fastest.
"""

from __future__ import annotations

import struct

import msgspec
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.grid import FloatArray, Grid, Image, Mask, transform
from corecore.base.language import later, say
from corecore.hip.hip import Hip
from corecore.hip.hounsfield import why_not_hounsfield
from corecore.review.case_messages import VolumeHeader, VolumeMask, WindowPreset
from corecore.review.case_pictures import FEMUR_RGB, LESION_RGB, PELVIS_RGB

#: How much of the image around the femur is sent, mm; more voxels along an axis than this are thinned out (engineering
#: choices: software rendering holds 256 voxels cubed, 50 MB).
ROOM_MM, MOST = 30.0, 320
#: Windows of CT, HU: least and greatest value shown (as viewers have them: width 2000 about 500, 400 about 40).
BONE, SOFT = (-500.0, 1500.0), (-160.0, 240.0)
#: Percentiles of other images, and of CT, that are black and white.
WHOLE, BRIGHT = (1.0, 99.8), (1.0, 97.0)
#: Half precision ends there.
HALF_MAX = 65_000.0
#: Bits of the masks, drawn in this order.
BITS = {"femur": (1, later("femur"), FEMUR_RGB), "lesion": (2, later("necrosis"), LESION_RGB),
        "pelvis": (4, later("pelvis"), PELVIS_RGB)}  # fmt: skip


def volume_of(hip: Hip) -> bytes:
    """Image and masks of a hip, ready to be cut by the browser; without an image the femur's mask in grey."""
    case = hip.case
    masks = {"femur": case.femur, "lesion": case.lesion, "pelvis": case.pelvis}
    given = None if case.image is None else case.image.around(case.femur, ROOM_MM)
    seen = _thinned(given or _painted(case.femur))
    bits = np.zeros(seen.grid.shape, dtype=np.uint8)
    told = []
    for key, (bit, name, color) in BITS.items():
        mask = masks[key]
        if mask is not None:
            bits[_on(mask, seen.grid)] |= bit
            told.append(VolumeMask(bit, say(name), list(color)))
    header = VolumeHeader(
        shape=list(seen.grid.shape),
        index_from_world=[float(v) for v in seen.grid.index_from_world.ravel()],
        start=_numbers(case.lesion.positions_mm().mean(axis=0)),
        low=_numbers(_corners(seen.grid).min(axis=0)),
        high=_numbers(_corners(seen.grid).max(axis=0)),
        step_mm=float(seen.grid.spacing_mm.min()),
        presets=_presets(hip, seen, painted=given is None),
        masks=told,
    )
    head = msgspec.json.encode(header)
    values = np.clip(seen.values, -HALF_MAX, HALF_MAX).astype("<f2")
    return struct.pack("<I", len(head)) + head + values.tobytes(order="F") + bits.tobytes(order="F")


def _presets(hip: Hip, image: Image, *, painted: bool) -> list[WindowPreset]:
    if painted:
        return [WindowPreset(say("mask"), 0.0, 200.0)]
    values = image.values[tuple(slice(None, None, max(1, n // 96)) for n in image.values.shape)]
    whole, bright = ([float(v) for v in np.percentile(values, percentiles)] for percentiles in (WHOLE, BRIGHT))
    found = []
    if why_not_hounsfield(hip, image) is None:
        found = [WindowPreset(say("bone"), *BONE), WindowPreset(say("soft tissue"), *SOFT)]
    else:
        found = [WindowPreset(say("MR, brighter"), bright[0], max(bright[1], bright[0] + 1e-3))]
    return [*found, WindowPreset(say("whole range"), whole[0], max(whole[1], whole[0] + 1e-3))]


def _painted(femur: Mask) -> Image:
    return Image(femur.grid, np.where(femur.voxels, np.float32(100.0), np.float32(0.0)))


def _thinned(image: Image) -> Image:
    """Every n-th voxel along axes that are too long."""
    steps = [-(-n // MOST) for n in image.grid.shape]
    if max(steps) == 1:
        return image
    values = image.values[tuple(slice(None, None, step) for step in steps)]
    i, j, k = values.shape
    return Image(Grid((i, j, k), image.grid.world_from_index @ np.diag([*steps, 1.0])), values)


def _on(mask: Mask, grid: Grid) -> npt.NDArray[np.bool_]:
    """A mask on another grid: where a voxel's middle lies in it."""
    across = mask.grid.index_from_world @ grid.world_from_index
    found = ndimage.affine_transform(
        mask.voxels.astype(np.uint8), across[:3, :3], across[:3, 3], output_shape=grid.shape, order=0
    )
    return np.asarray(found, dtype=bool)


def _corners(grid: Grid) -> FloatArray:
    ends = [(-0.5, n - 0.5) for n in grid.shape]
    return transform(grid.world_from_index, np.array(np.meshgrid(*ends, indexing="ij")).reshape(3, -1).T)


def _numbers(values: FloatArray) -> list[float]:
    return [round(float(v), 3) for v in values]
