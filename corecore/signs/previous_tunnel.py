"""A channel drilled before, as the femur's mask shows it: a straight hole, walled all round.

Looked for in the mask as it was given, for cleaning fills small holes. A point of a bore has bone
within reach on both sides in every direction but the bore's own; a point of the trochanteric
fossa or beside the neck looks out over half of the directions.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from corecore.grid import BoolArray, FloatArray, inverse, transform
from corecore.hip import Hip
from corecore.signs.channel import LENGTH_MIN_MM, Channel, is_channel

#: Bone is looked for this far, mm: the widest channel's diameter and a voxel.
REACH_MM = 16.0
#: Pitch of the points that are looked at, mm at most where voxels allow: three lie across the narrowest channel.
PITCH_MM = 1.7
#: Directions over half a sphere, and the share of them with bone on both sides that a point of a bore has. On
#: the axis of the widest, 14 mm in 16 mm of reach, all beyond 26° of the axis have: 0.90 (engineering choice).
DIRECTIONS = 24
WALLED_SHARE = 0.75
#: Directions across a channel at which its wall is looked for, and the share of them that must find it.
AROUND = 16
AROUND_SHARE = 0.85
#: Step along a channel, mm, and the largest gap in its wall, as where it crosses an older hole.
STEP_MM = 1.0
GAP_MM = 4.0
#: Fewest points of a channel that is long enough; more points than that would be a hollow bone are still judged.
POINTS_MIN = 12
#: The region looked at in the femoral frame, mm about the head's centre: lateral, front and back, above; below,
#: to this far under the lesser trochanter.
LATERAL_MM, DEEP_MM, ABOVE_MM, BELOW_TROCHANTER_MM = 95.0, 60.0, 8.0, 25.0


def find_channel_in_mask(hip: Hip) -> Channel | None:
    """The longest straight channel in the femur's mask that runs up the neck, or ``None``."""
    bone, local_from_index = _region(hip)
    if min(bone.shape) < 3:
        return None
    spacing = np.linalg.norm(local_from_index[:3, :3], axis=0)
    stride = np.maximum(1, np.floor(PITCH_MM / spacing)).astype(np.int64)
    at = np.argwhere(_walled_on_two_axes(bone[:: stride[0], :: stride[1], :: stride[2]], spacing * stride)) * stride
    at = at[~_in_lesion(hip, transform(local_from_index, at))]
    if len(at) < POINTS_MIN:
        return None
    at = at[_walled(bone, at, local_from_index)]
    best: Channel | None = None
    for part in _parts(at, stride, bone.shape):
        if len(part) < POINTS_MIN:
            continue
        channel = _channel_of(hip, bone, transform(local_from_index, part), local_from_index)
        if channel is None or not is_channel(channel, hip.anatomy):
            continue
        if best is None or channel.length_mm > best.length_mm:
            best = channel
    return best


def _region(hip: Hip) -> tuple[BoolArray, FloatArray]:
    """Bone voxels of the mask as given about the proximal femur, and the matrix that leads from them to local mm."""
    anatomy, case = hip.anatomy, hip.case
    original = case.original_femur
    if original is None:
        grid, voxels, local_from_index = hip.bone_mask.grid, hip.bone_mask.voxels, hip.bone_mask.grid.world_from_index
    else:
        grid, voxels = original.grid, original.voxels
        local_from_index = inverse(hip.world_from_local) @ grid.world_from_index
    radius = anatomy.head_radius_mm
    low = np.array([-radius - ABOVE_MM, -DEEP_MM, anatomy.lesser_trochanter_height_mm - BELOW_TROCHANTER_MM])
    high = np.array([LATERAL_MM, DEEP_MM, radius + ABOVE_MM])
    corners = np.array(np.meshgrid(*np.stack([low, high], axis=1), indexing="ij")).reshape(3, -1).T
    index = transform(inverse(anatomy.femoral_from_local @ local_from_index), corners)
    start = np.clip(np.floor(index.min(axis=0)), 0, grid.shape).astype(np.int64)
    stop = np.clip(np.ceil(index.max(axis=0)) + 1, start, grid.shape).astype(np.int64)
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    bone = voxels[box]
    lesion = case.original_lesion
    if original is not None and case.label_map and lesion is not None and lesion.voxels.shape == voxels.shape:
        bone = bone | lesion.voxels[box]
    matrix = local_from_index.copy()
    matrix[:3, 3] = transform(local_from_index, start)
    return bone, matrix


def _walled_on_two_axes(bone: BoolArray, spacing: FloatArray) -> BoolArray:
    """Not-bone with bone within reach on both sides along two of the array's axes or more."""
    walled = np.zeros(bone.shape, dtype=np.int8)
    for axis in range(3):
        n = bone.shape[axis]
        shape = [1, 1, 1]
        shape[axis] = n
        place = np.arange(n, dtype=np.int16).reshape(shape)
        reach = int(REACH_MM / spacing[axis]) + 1
        before = np.maximum.accumulate(np.where(bone, place, np.int16(-20000)), axis=axis)
        after = np.flip(np.minimum.accumulate(np.flip(np.where(bone, place, np.int16(20000)), axis), axis=axis), axis)
        walled += (place - before <= reach) & (after - place <= reach)
    return np.asarray((walled >= 2) & ~bone)


def _in_lesion(hip: Hip, points_mm: FloatArray) -> BoolArray:
    """Whether local points lie in the lesion: dead bone that a femur mask leaves open is no channel."""
    return hip.lesion.mask.contains(points_mm)


def _half_sphere(count: int) -> FloatArray:
    i = np.arange(count) + 0.5
    height = i / count
    turn = np.pi * (1.0 + 5.0**0.5) * i
    flat = np.sqrt(1.0 - height**2)
    return np.column_stack([flat * np.cos(turn), flat * np.sin(turn), height])


def _looked_up(bone: BoolArray, index: FloatArray) -> BoolArray:
    """Bone at rounded indices (…, 3); outside the array there is none."""
    at = np.rint(index).astype(np.int64)
    inside = np.all((at >= 0) & (at < np.array(bone.shape)), axis=-1)
    i, j, k = np.moveaxis(np.where(inside[..., None], at, 0), -1, 0)
    return np.asarray(bone[i, j, k] & inside)


def _walled(bone: BoolArray, at: np.ndarray, local_from_index: FloatArray) -> BoolArray:
    """Which points (N, 3, indices) have bone within reach on both sides in most directions."""
    index_from_local = inverse(local_from_index)[:3, :3]
    steps = np.arange(1.0, REACH_MM + 0.1, 1.5)
    share = np.zeros(len(at))
    for direction in _half_sphere(DIRECTIONS):
        offsets = steps[:, None] * (index_from_local @ direction)
        ahead = _looked_up(bone, at[:, None, :] + offsets).any(axis=1)
        # Behind is looked at only from where bone lies ahead.
        share[ahead] += _looked_up(bone, at[ahead][:, None, :] - offsets).any(axis=1)
    return np.asarray(share >= WALLED_SHARE * DIRECTIONS)


def _parts(at: np.ndarray, stride: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """The points' connected parts on their lattice."""
    lattice = np.zeros(tuple(-(-n // s) for n, s in zip(shape, stride, strict=True)), dtype=bool)
    cell = at // stride
    lattice[tuple(cell.T)] = True
    labels, count = ndimage.label(lattice, structure=np.ones((3, 3, 3)))
    own = labels[tuple(cell.T)]
    return [at[own == number] for number in range(1, count + 1)]


def _channel_of(hip: Hip, bone: BoolArray, points_mm: FloatArray, local_from_index: FloatArray) -> Channel | None:
    """The straight channel that a part of walled points makes, its walls measured across its axis."""
    middle = np.asarray(points_mm.mean(axis=0))
    axis = np.linalg.svd(points_mm - middle, full_matrices=False)[2][0]
    if axis @ hip.anatomy.neck_axis < 0:
        axis = -axis
    extent = (points_mm - middle) @ axis
    if extent.max() - extent.min() < LENGTH_MIN_MM - 2.0 * REACH_MM:
        return None
    # The walled points stop short of an open mouth: look on from them both ways.
    along = np.arange(extent.min() - REACH_MM, extent.max() + REACH_MM, STEP_MM)
    centers = middle + along[:, None] * axis
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    turn = 2.0 * np.pi * np.arange(AROUND) / AROUND
    rays = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    steps = np.arange(0.25, REACH_MM, 0.5)
    matrix = inverse(local_from_index)
    points = centers[:, None, None, :] + steps[None, None, :, None] * rays[None, :, None, :]
    met = _looked_up(bone, transform(matrix, points.reshape(-1, 3))).reshape(len(along), AROUND, len(steps))
    # A ray's wall lies half a step before the first bone found.
    wall = np.where(met.any(axis=2), steps[np.argmax(met, axis=2)] - 0.25, np.inf)
    hollow = ~_looked_up(bone, transform(matrix, centers))
    closed = hollow & (np.mean(np.isfinite(wall), axis=1) >= AROUND_SHARE)
    run = _longest_run(closed, int(GAP_MM / STEP_MM))
    if run is None:
        return None
    a, b = run
    rows = wall[a : b + 1][closed[a : b + 1]]
    opposite = rows[:, : AROUND // 2] + rows[:, AROUND // 2 :]
    width = float(np.median(opposite[np.isfinite(opposite)])) if np.isfinite(opposite).any() else np.inf
    return Channel("mask", centers[a], centers[b], width)


def _longest_run(held: BoolArray, gap: int) -> tuple[int, int] | None:
    """First and last place of the longest run of true values, gaps of up to ``gap`` places bridged."""
    places = np.flatnonzero(held)
    if len(places) == 0:
        return None
    runs = np.split(places, np.flatnonzero(np.diff(places) > gap + 1) + 1)
    longest = max(runs, key=lambda run: int(run[-1] - run[0]))
    return int(longest[0]), int(longest[-1])
