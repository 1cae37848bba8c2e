"""The femur in a CT, cut off from the pelvis at the joint: bright voxels, filled, in one piece with the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corecore.base.errors import AnatomyError
from corecore.base.grid import BoolArray, FloatArray, Mask, transform
from corecore.hip.draft.field import Field, box_around
from corecore.hip.draft.joint import Joint

#: Outside the head's surface nothing is femur up to this many radii, but in the neck's cone.
BARRIER_RADII = 1.2
#: Inside the head's surface all is femur; towards the neck up to this share of the radius.
CORE_RADII = 0.75
#: Smoothing before the threshold, mm.
SMOOTH_MM = 0.6
#: Gaps in the cortex that are closed before its inside is filled, mm.
CLOSE_MM = 3.0
#: How far the mask is cut open where it reaches into the pelvis, mm, one after the other.
OPEN_MM = (0.0, 1.0, 2.0)
#: A voxel of the outer layer is bone from half-way between muscle and the brightest within this distance, mm.
CORTEX_MM, LAYER_MM = 2.2, 1.5
#: Femur lies no further medial of the head's centre than its radius and this, nor above it than its radius and
#: the second, mm: beyond it is pelvis. A greater trochanter reaches 20 mm above the head's centre.
MEDIAL_MM, ABOVE_MM = 6.0, 22.0
#: Kept around the femur, mm.
ROOM_MM = 8.0
#: Rounding of the mask, in voxels.
ROUND_VOXELS = 0.7


@dataclass(frozen=True, eq=False)
class Femur:
    """The mask, on the part of the field's grid that holds it; how far bridges to the pelvis had to be cut, mm."""

    mask: Mask
    opened_mm: float


def find_femur(field: Field, joint: Joint) -> Femur:
    """The femur of a head. Raises ``AnatomyError`` where it does not come free of the pelvis."""
    inside, barrier = _head(field, joint)
    bright = ndimage.gaussian_filter(field.values, SMOOTH_MM / field.spacing_mm) > field.bone_hu
    bright = (bright & ~barrier) | inside
    center = transform(field.grid.index_from_world, joint.sphere.center)
    for opened in OPEN_MM:
        part = np.zeros(3, dtype=np.int64), np.array(bright.shape)
        whole = bright
        if opened == 0.0:
            whole = _piece(bright, center, 0.0, field.spacing_mm)
            # The pelvis is gone by now, and most of the box with it.
            start, stop = Mask(field.grid, whole).bounds(pad=int(np.ceil(ROOM_MM / field.spacing_mm.min())))
            part = start.astype(np.int64), stop.astype(np.int64)
        box = tuple(slice(a, b) for a, b in zip(*part, strict=True))
        here = Field(field.grid.cropped(*part), field.values[box], field.muscle_hu, field.bone_hu)
        whole = _filled(whole[box], field.spacing_mm) & ~barrier[box]
        piece = _piece(whole, center - part[0], opened, field.spacing_mm)
        if not _leaks(piece, here, joint):
            return Femur(_finished(piece, inside[box], barrier[box], here), opened)
    raise AnatomyError(
        "the femur does not come free of the pelvis: the joint space is closed somewhere, or bone bridges it;"
        " segment it manually",
        code="draft-failed",
    )


def _head(field: Field, joint: Joint) -> tuple[BoolArray, BoolArray]:
    """Which voxels lie inside the head's surface, and which outside it and yet too near to be femur."""
    sphere = joint.sphere
    reach = BARRIER_RADII * sphere.radius_mm
    start, stop = box_around(field.grid, sphere.center, reach, reach)
    index = np.indices(tuple(stop - start)).reshape(3, -1).T + start
    offset = transform(field.grid.world_from_index, index) - sphere.center
    size = np.linalg.norm(offset, axis=1)
    near = size <= reach
    index, offset, size = index[near], offset[near], size[near]
    off_neck, surface = joint.off_neck(offset), joint.radius_along(offset)
    inside, barrier = np.zeros(field.grid.shape, dtype=np.bool_), np.zeros(field.grid.shape, dtype=np.bool_)
    held = np.where(off_neck, size <= surface, size <= CORE_RADII * sphere.radius_mm)
    inside[tuple(index[held].T)] = True
    barrier[tuple(index[off_neck & ~held].T)] = True
    return inside, barrier


def _piece(voxels: BoolArray, at: FloatArray, opened_mm: float, spacing: FloatArray) -> BoolArray:
    """The part that holds the seed, after what is thinner than twice ``opened_mm`` was cut through."""
    core = voxels
    if opened_mm > 0.0:
        core = ndimage.distance_transform_edt(voxels, sampling=spacing) > opened_mm
    labels, _ = ndimage.label(core)
    number = labels[tuple(np.rint(at).astype(np.int64))]
    if number == 0:
        raise AnatomyError("the middle of the head is no bone", code="draft-failed")
    piece: BoolArray = np.asarray(labels == number)
    if opened_mm > 0.0:
        grown = ndimage.distance_transform_edt(~piece, sampling=spacing) <= opened_mm + float(spacing.max())
        piece = np.asarray(grown & voxels)
    return piece


def _filled(voxels: BoolArray, spacing: FloatArray) -> BoolArray:
    """With what the cortex encloses: a hole across the shaft, or in both other planes, where gaps are closed first."""
    pad = np.ceil(CLOSE_MM / spacing).astype(np.int64) + 1
    # The scan's ends are no cortex: the mask goes on beyond them.
    wide = np.pad(voxels, [(p, p) for p in pad], mode="edge")
    grown = ndimage.distance_transform_edt(~wide, sampling=spacing) <= CLOSE_MM
    holes = [_slice_holes(grown, axis) for axis in range(3)]
    solid = grown | holes[2] | (holes[0] & holes[1])
    # Grown back by a little more, so that pits of the surface are not filled.
    core = ndimage.distance_transform_edt(solid, sampling=spacing) > CLOSE_MM + 0.5 * float(spacing.max())
    inner = tuple(slice(p, n - p) for p, n in zip(pad, wide.shape, strict=True))
    return np.asarray(ndimage.binary_fill_holes(voxels | core[inner]))


def _slice_holes(voxels: BoolArray, axis: int) -> BoolArray:
    cross = np.zeros((3, 3, 3), dtype=np.bool_)
    cross[1, 1, 1] = True
    for other in range(3):
        if other != axis:
            for step in (0, 2):
                at = [1, 1, 1]
                at[other] = step
                cross[tuple(at)] = True
    # One labelling of the background in planes: what does not touch a plane's border is a hole.
    labels, count = ndimage.label(~voxels, structure=cross)
    free = np.zeros(count + 1, dtype=np.bool_)
    free[0] = True
    for other in range(3):
        if other != axis:
            for end in (0, -1):
                at_end: list[slice | int] = [slice(None)] * 3
                at_end[other] = end
                free[np.unique(labels[tuple(at_end)])] = True
    return np.asarray(~free[labels])


def _leaks(piece: BoolArray, field: Field, joint: Joint) -> bool:
    """Whether the piece reaches where only pelvis is: medial of the head, or high above it."""
    sphere = joint.sphere
    offset = transform(field.grid.world_from_index, np.argwhere(piece)) - sphere.center
    medial = offset[:, 0] * (-1.0 if sphere.side == "right" else 1.0)
    upper = offset[:, 2] > -0.5 * sphere.radius_mm
    return bool(
        np.any(upper & (medial > sphere.radius_mm + MEDIAL_MM)) or np.any(offset[:, 2] > sphere.radius_mm + ABOVE_MM)
    )


def _finished(piece: BoolArray, inside: BoolArray, barrier: BoolArray, field: Field) -> Mask:
    """The outer layer cut back to half of the cortex's brightness, rounded, in one piece."""
    spacing = field.spacing_mm
    smooth = ndimage.gaussian_filter(field.values, 0.4 / spacing)
    width = 2 * np.rint(CORTEX_MM / spacing).astype(np.int64) + 1
    # As in the bone alone: the acetabulum's cortex is not the head's.
    brightest = ndimage.maximum_filter(np.where(piece, smooth, field.muscle_hu), size=tuple(width))
    half = np.maximum(field.muscle_hu + 0.5 * (brightest - field.muscle_hu), 0.5 * (field.muscle_hu + field.bone_hu))
    padded = np.pad(piece, 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded, sampling=spacing)[1:-1, 1:-1, 1:-1]
    kept = piece & ((depth > LAYER_MM) | (smooth > half) | inside)
    # Half a voxel's worth of bone that the threshold left out outside comes back likewise.
    beyond = ndimage.distance_transform_edt(~kept, sampling=spacing) <= 1.01 * float(spacing.max())
    kept |= beyond & (smooth > half) & ~barrier
    level = ndimage.gaussian_filter(kept.astype(np.float32), ROUND_VOXELS, mode="nearest")
    labels, count = ndimage.label(level >= 0.5)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return Mask(field.grid, np.asarray(labels == int(np.argmax(sizes))))
