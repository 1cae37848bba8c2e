"""A channel drilled before, as a CT shows it: a straight cylinder with an edge on all sides.

Points that are darker (or brighter) than all of a ring around them vote for the lines up the neck
on which they may lie. The best lines are fitted and judged on the image itself: averaged along the
line, every sector must show an edge at the same radius. Ward's triangle has no such wall, a
trabecular bundle fades out, a vessel is thin and bends, a cyst is short.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.grid import FloatArray, Image
from corecore.hip import Hip
from corecore.signs.channel import LENGTH_MIN_MM, Channel, is_channel, runs_up_the_neck
from corecore.signs.hounsfield import sampled_at

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


def _box(
    hip: Hip, image: Image, axes: FloatArray
) -> tuple[npt.NDArray[np.float32], FloatArray, FloatArray]:
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
