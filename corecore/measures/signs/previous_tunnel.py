"""A channel drilled before, as the femur's mask shows it: a straight hole, walled all round.

Looked for in the mask as it was given, for cleaning fills small holes. A point of a bore has bone
within reach on both sides in every direction but the bore's own; a point of the trochanteric
fossa or beside the neck looks out over half of the directions.

A straight channel in the femur: what a mask's hole and a CT's cylinder are both judged as.

A channel drilled before, as a CT shows it: a straight cylinder with an edge on all sides.

Points that are darker (or brighter) than all of a ring around them vote for the lines up the neck
on which they may lie. The best lines are fitted and judged on the image itself: averaged along the
line, every sector must show an edge at the same radius. Ward's triangle has no such wall, a
trabecular bundle fades out, a vessel is thin and bends, a cyst is short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.grid import BoolArray, FloatArray, Image, inverse, transform
from corecore.document.signs import PreviousTunnelPart
from corecore.hip.anatomy.model import Anatomy, PlanWarning
from corecore.hip.hip import Hip
from corecore.hip.hounsfield import sampled_at

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


#: Widths of what is drilled into a hip, mm: small pins to fibular grafts' reamers are 3 to 19; above 14 a
#: hole is no longer told from a cavity (engineering choice).
WIDTH_RANGE_MM = (2.4, 14.5)
#: Shortest channel reported, mm (engineering choice): an eighth of a core's way, longer than a nutrient canal.
LENGTH_MIN_MM = 25.0
#: A drilled way points up the neck: at most this far from the neck axis, degrees, and against the distal shaft
#: within this range (``shaft_angle_min_deg`` to ``shaft_angle_max_deg`` of a plan, widened; engineering choice).
NECK_ANGLE_MAX_DEG = 40.0
SHAFT_ANGLE_RANGE_DEG = (100.0, 155.0)
#: … and comes at least this near to the neck's smallest section, mm (engineering choice).
NECK_REACHED_MM = 5.0


@dataclass(frozen=True, eq=False)
class Channel:
    """A straight channel up the neck: a previous tunnel, screw or nail.

    Parameters
    ----------
    source : {"mask", "image"}
        Seen as a hole in the femur mask, or as a cylinder in the CT.
    start : ndarray, shape (3,)
        Its lateral end, local mm.
    end : ndarray, shape (3,)
        Its end towards the head, local mm.
    width_mm : float
        Its width, mm.
    contrast_hu : float, optional
        Of a CT: inside less outside, Hounsfield units.
    """

    source: Literal["mask", "image"]
    start: FloatArray
    end: FloatArray
    width_mm: float
    contrast_hu: float | None = None

    @property
    def length_mm(self) -> float:
        """Distance between the ends, mm."""
        return float(np.linalg.norm(self.end - self.start))

    @property
    def direction(self) -> FloatArray:
        """Unit vector from the lateral end towards the head, shape (3,), local."""
        return np.asarray((self.end - self.start) / max(self.length_mm, 1e-9))

    @property
    def warning(self) -> PlanWarning:
        """The warning."""
        kind = "hole in the femur mask" if self.source == "mask" else (
            "dense cylinder in the CT" if (self.contrast_hu or 0.0) > 0 else "cylinder of low density in the CT"
        )  # fmt: skip
        return PlanWarning(
            "previous_tunnel",
            f"a straight {kind}, {self.width_mm:.0f} mm wide and {self.length_mm:.0f} mm long, runs up the neck: a"
            " tunnel, screw or nail may have been there before (limits of width and length: engineering choices);"
            " nothing is planned around it",
        )

    def part(self, hip: Hip) -> PreviousTunnelPart:
        """For ``measures.json``; ends in world RAS mm."""
        start, end = hip.to_world(self.start), hip.to_world(self.end)
        return PreviousTunnelPart(
            source=self.source, start=[round(float(v), 1) for v in start],
            end=[round(float(v), 1) for v in end], width_mm=round(self.width_mm, 1),
            length_mm=round(self.length_mm, 1),
            contrast_hu=None if self.contrast_hu is None else round(self.contrast_hu),
        )  # fmt: skip


def runs_up_the_neck(anatomy: Anatomy, direction: FloatArray) -> bool:
    """Whether a unit vector towards the head has the direction of a drilled way."""
    neck = float(np.degrees(np.arccos(np.clip(direction @ anatomy.neck_axis, -1.0, 1.0))))
    shaft = float(np.degrees(np.arccos(np.clip(-(direction @ anatomy.shaft_axis), -1.0, 1.0))))
    return neck <= NECK_ANGLE_MAX_DEG and SHAFT_ANGLE_RANGE_DEG[0] <= shaft <= SHAFT_ANGLE_RANGE_DEG[1]


def is_channel(channel: Channel, anatomy: Anatomy) -> bool:
    """Whether width, length, direction and place are those of a drilled way."""
    if not WIDTH_RANGE_MM[0] <= channel.width_mm <= WIDTH_RANGE_MM[1] or channel.length_mm < LENGTH_MIN_MM:
        return False
    if not runs_up_the_neck(anatomy, channel.direction):
        return False
    # It comes from the lateral side and goes up into the neck: its ends lie on either side of the smallest section.
    level = float((anatomy.neck_center - anatomy.head_center) @ anatomy.neck_axis)
    start, end = ((point - anatomy.head_center) @ anatomy.neck_axis for point in (channel.start, channel.end))
    return bool(start <= level and end >= level - NECK_REACHED_MM)


#: The box looked at, along the neck axis from the head's centre (head radii above, mm below) and to either side, mm.
ABOVE_RADII, BELOW_MM, ASIDE_MM = 0.6, 85.0, 24.0
#: Radii of cylinders looked for, mm.
RADII_MM = (1.5, 2.5, 4.0, 5.5, 7.0)
#: A voting point differs from the ring around it by this, HU (engineering choice).
VOTE_HU = 35.0
#: A vote weighs as much as the difference, up to this, HU, or one speck of metal decides (engineering choice).
VOTE_MAX_HU = 150.0
#: Slopes of lines against the neck axis, and the cells in which their votes meet, mm.
SLOPE_MAX, SLOPE_STEP, CELL_MM = 0.84, 0.07, 2.0
#: Fewest votes for a line to be judged: half of the shortest channel's slices; most lines judged of one radius;
#: how near two of them are the same, slope and mm.
VOTES_MIN, LINES_MAX = 13, 24
SAME_SLOPE, SAME_MM = 0.15, 4.0
#: Sectors around a line; sampled radii, mm; an edge is the step between EDGE_MM inside and outside a radius.
SECTORS = 12
EDGE_MM = (0.5, 1.5)
#: The step, averaged along the line, in the mean of all sectors and in the weakest but one, HU (engineering
#: choices: a third of the difference between cancellous bone of 132 HU and scar or fluid, and less).
EDGE_MEAN_HU, EDGE_LEAST_HU = 45.0, 25.0
#: … and the weakest but one has at least this share of the mean: drilled walls are even (painted bores 0.5 to 0.9,
#: the marrow beside the calcar 0.25 and less; engineering choice).
EDGE_EVEN = 0.4
#: Bone that must lie around a cylinder, mm: the cortex is itself a bright line with an edge on all sides.
COVER_MM = 3.0
#: Share of the line's places that show the step by themselves, with half the contrast.
HELD_SHARE = 0.85


def find_channel_in_image(hip: Hip, image: Image) -> Channel | None:
    """The straight cylinder of other density that runs up the neck in a CT (Hounsfield units), or ``None``."""
    axes = _neck_axes(hip)
    values, depth, origin = _box(hip, image, axes)
    best: tuple[float, Channel] | None = None
    for sign in (-1.0, 1.0):
        for radius in RADII_MM:
            votes = _votes(values * sign, depth >= radius + COVER_MM - 0.5, radius)
            # Few votes in wide neighbourhoods find a thin cylinder among grain, many a wide one.
            for line in (*_lines(votes[votes[:, 4] > 0.0, :4]), *_lines(votes[:, :4])):
                judged = _judged(hip, image, line, origin, axes, sign)
                if judged is not None and (best is None or judged[0] > best[0]):
                    best = judged
    return None if best is None else best[1]


def _neck_axes(hip: Hip) -> FloatArray:
    """Rows (3, 3): down the neck, up across it, and the third."""
    down = -hip.anatomy.neck_axis
    up = hip.anatomy.shaft_axis - (hip.anatomy.shaft_axis @ down) * down
    up = up / np.linalg.norm(up)
    return np.stack([down, up, np.cross(down, up)])


def _box(hip: Hip, image: Image, axes: FloatArray) -> tuple[npt.NDArray[np.float32], FloatArray, FloatArray]:
    """The image on a 1 mm lattice along the neck, the depth in bone there, and the lattice's origin in local mm."""
    start = np.array([-ABOVE_RADII * hip.anatomy.head_radius_mm, -ASIDE_MM, -ASIDE_MM])
    counts = [int(BELOW_MM - start[0]) + 1, int(2 * ASIDE_MM) + 1, int(2 * ASIDE_MM) + 1]
    lattice = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    points = hip.anatomy.head_center + (lattice + start) @ axes
    values = sampled_at(image, hip, points, outside=np.nan).reshape(counts)
    depth = np.where(np.isfinite(values), hip.bone.distance(points).reshape(counts), -np.inf)
    filled = np.where(np.isfinite(values), values, 0.0).astype(np.float32)
    return filled, depth, hip.anatomy.head_center + start @ axes


def _votes(values: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_], radius: float) -> FloatArray:
    """Lattice places higher than every pair of opposite places on a ring around them (N, 5).

    Index (3), by how much, and whether none higher lies within the cylinder's width.
    """
    middle = ndimage.gaussian_filter(values, max(0.7, 0.4 * radius))
    ring = ndimage.gaussian_filter(values, 0.8)
    above = np.full(values.shape, np.inf, dtype=np.float32)
    out = radius + 1.5
    for turn in np.pi * np.arange(4) / 4:
        du, dv = round(out * np.cos(turn)), round(out * np.sin(turn))
        pair = 0.5 * (np.roll(ring, (du, dv), axis=(1, 2)) + np.roll(ring, (-du, -dv), axis=(1, 2)))
        above = np.minimum(above, middle - pair)
    above = np.where(inside, above, -np.inf)
    pad = int(np.ceil(out))
    above[:, :pad], above[:, -pad:], above[:, :, :pad], above[:, :, -pad:] = (-np.inf,) * 4
    peak = ndimage.maximum_filter(above, size=(1, 3, 3))
    at = np.argwhere((above >= VOTE_HU) & (above == peak))
    own = above[tuple(at.T)]
    wide = 2 * int(np.ceil(radius)) + 1
    top = own == ndimage.maximum_filter(above, size=(1, wide, wide))[tuple(at.T)]
    return np.column_stack([at, np.minimum(own, VOTE_MAX_HU), top]).astype(np.float64)


def _lines(votes: FloatArray) -> list[FloatArray]:
    """Lines on the lattice, each (2, 3): a place and a direction with first component 1; most votes first."""
    if len(votes) < VOTES_MIN:
        return []
    slopes = np.arange(-SLOPE_MAX, SLOPE_MAX + 1e-9, SLOPE_STEP)
    middle = float(np.median(votes[:, 0]))
    along = votes[:, 0] - middle
    reach = SLOPE_MAX * float(np.abs(along).max()) + 4.0 * ASIDE_MM
    cells = int(2 * reach / CELL_MM) + 2
    found: list[tuple[float, FloatArray]] = []
    for a in slopes:
        p = ((votes[:, 1] - a * along + reach) / CELL_MM).astype(np.int64)
        for b in slopes:
            q = ((votes[:, 2] - b * along + reach) / CELL_MM).astype(np.int64)
            count = np.bincount(p * cells + q, weights=votes[:, 3], minlength=cells * cells)
            top = int(np.argmax(count))
            if count[top] >= VOTES_MIN * VOTE_HU:
                cell = np.array([top // cells, top % cells])
                place = np.concatenate([[middle], (cell + 0.5) * CELL_MM - reach])
                found.append((float(count[top]), np.stack([place, [1.0, a, b]])))
    found.sort(key=lambda item: -item[0])
    kept: list[FloatArray] = []
    for _, line in found:
        if len(kept) == LINES_MAX:
            break
        if not any(_same(line, other) for other in kept):
            kept.append(line)
    return [_fitted(votes, line) for line in kept]


def _same(line: FloatArray, other: FloatArray) -> bool:
    """Whether two lines lie beside each other, both given at the same height."""
    gap = np.abs(line - other).max(axis=1)
    return bool(gap[0] <= SAME_MM and gap[1] <= SAME_SLOPE)


def _fitted(votes: FloatArray, line: FloatArray) -> FloatArray:
    """The line through the votes near it, by least squares, twice."""
    for near in (2.5, 1.5):
        along = votes[:, 0] - line[0, 0]
        off = np.linalg.norm(votes[:, 1:3] - line[0, 1:] - along[:, None] * line[1, 1:], axis=1)
        kept = off < near
        if np.count_nonzero(kept) < VOTES_MIN // 2 or np.ptp(along[kept]) < 5.0:
            break
        columns = np.column_stack([np.ones(np.count_nonzero(kept)), along[kept]])
        result = np.linalg.lstsq(columns, votes[kept, 1:3], rcond=None)[0]
        line = np.stack([np.concatenate([line[0, :1], result[0]]), np.concatenate([[1.0], result[1]])])
    return line


def _judged(
    hip: Hip, image: Image, line: FloatArray, origin: FloatArray, axes: FloatArray, sign: float
) -> tuple[float, Channel] | None:
    """How strong a channel a line is, and the channel; ``None`` where it is none."""
    direction = -(line[1] / np.linalg.norm(line[1])) @ axes
    if not runs_up_the_neck(hip.anatomy, direction):
        return None
    place = origin + line[0] @ axes
    along = np.arange(-80.0, 80.0)
    centers = place + along[:, None] * direction
    depth = hip.bone.distance(centers)
    within = depth > min(RADII_MM) + COVER_MM
    if np.count_nonzero(within) < LENGTH_MIN_MM:
        return None
    centers, depth = centers[within], depth[within]
    first = np.cross(direction, np.eye(3)[int(np.argmin(np.abs(direction)))])
    first /= np.linalg.norm(first)
    second = np.cross(direction, first)
    turn = 2.0 * np.pi * np.arange(SECTORS) / SECTORS
    rays = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    steps = np.arange(0.0, max(RADII_MM) + 2.5, 0.5)
    points = centers[:, None, None, :] + steps[None, None, :, None] * rays[None, :, None, :]
    profile = sign * sampled_at(image, hip, points.reshape(-1, 3), outside=np.nan)
    profile = profile.reshape(len(centers), SECTORS, len(steps))
    best: tuple[float, Channel] | None = None
    window = int(LENGTH_MIN_MM)
    for radius in np.arange(1.5, max(RADII_MM) + 0.1, 0.5):
        inner = (steps >= max(0.0, radius - EDGE_MM[1])) & (steps <= radius - EDGE_MM[0])
        outer = (steps >= radius + EDGE_MM[0]) & (steps <= radius + EDGE_MM[1])
        edge = profile[:, :, inner].mean(axis=2) - profile[:, :, outer].mean(axis=2)
        held = np.nan_to_num(edge.mean(axis=1), nan=-np.inf) >= 0.5 * EDGE_MEAN_HU
        run = _held_run(held & (depth >= radius + COVER_MM), window)
        if run is None:
            continue
        sectors = np.sort(edge[run[0] : run[1] + 1].mean(axis=0))
        strength = float(sectors.mean())
        even = sectors[1] >= max(EDGE_LEAST_HU, EDGE_EVEN * strength)
        if strength < EDGE_MEAN_HU or not even or (best is not None and strength <= best[0]):
            continue
        channel = Channel("image", centers[run[0]], centers[run[1]], 2.0 * float(radius), sign * strength)
        if is_channel(channel, hip.anatomy):
            best = strength, channel
    return best


def _held_run(held: npt.NDArray[np.bool_], window: int) -> tuple[int, int] | None:
    """First and last place of the longest stretch of ``window`` places or more of which HELD_SHARE hold throughout."""
    if len(held) < window:
        return None
    share = np.convolve(held.astype(np.float64), np.ones(window) / window, mode="valid")
    starts = np.flatnonzero(share >= HELD_SHARE)
    if len(starts) == 0:
        return None
    runs = np.split(starts, np.flatnonzero(np.diff(starts) > 1) + 1)
    longest = max(runs, key=len)
    places = np.flatnonzero(held[longest[0] : longest[-1] + window]) + longest[0]
    return int(places[0]), int(places[-1])
