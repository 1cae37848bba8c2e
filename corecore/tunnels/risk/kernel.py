"""The lesion's points in bricks, so that a drilled tunnel counts what it holds in microseconds.

Compiled evaluation of drilled poses: how near the surface, where it leaves the bone, how much it holds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corecore.base.body import End
from corecore.base.distance_field import NORMAL_STEP_MM
from corecore.base.grid import FloatArray
from corecore.base.interpolation import OUTSIDE, across, sample
from corecore.base.jit_cache import compiled
from corecore.tunnels.figures import PORTAL_EXTRA_MM

#: About so many of the lesion's points stand for it.
FEW_POINTS = 16_000
#: Edge of a brick, mm.
BRICK_MM = 4.0


class Bricks(NamedTuple):
    """Points (3, M) float32 brick by brick; ``starts`` (B + 1,) where each begins; ``balls`` (4, B) around them."""

    points: npt.NDArray[np.float32]
    starts: npt.NDArray[np.uint64]
    balls: npt.NDArray[np.float32]


def sort_into_bricks(points_mm: FloatArray) -> Bricks:
    """Every n-th of points (N, 3), about ``FEW_POINTS`` of them, sorted into bricks."""
    step = max(1, len(points_mm) // FEW_POINTS)
    # Points come voxel by voxel, a fixed number in each: a step without its small factors takes all parts of a voxel.
    while math.gcd(step, 210) > 1:
        step += 1
    few = points_mm[::step]
    cell = np.floor((few - few.min(axis=0)) / BRICK_MM).astype(np.int64)
    size = cell.max(axis=0) + 1
    key = (cell[:, 0] * size[1] + cell[:, 1]) * size[2] + cell[:, 2]
    order = np.argsort(key, kind="stable")
    few, key = few[order], key[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1, [len(few)]])
    low, high = np.minimum.reduceat(few, starts[:-1]), np.maximum.reduceat(few, starts[:-1])
    # A hair wider, for what single precision rounds away.
    radius = 0.5 * np.linalg.norm(high - low, axis=1) + 1e-3
    balls = np.column_stack([0.5 * (low + high), radius])
    return Bricks(
        np.ascontiguousarray(few.T, dtype=np.float32),
        starts.astype(np.uint64),
        np.ascontiguousarray(balls.T, dtype=np.float32),
    )


class BoneArrays(NamedTuple):
    """A hip's bone as the kernels take it (local mm).

    ``distance``, ``mouth_field`` (voxels): depth below the surface, and the same averaged over a drill's width.
    ``spacing`` (3,) mm. ``frame`` (5, 3): the head's centre, neck axis, superior, anterior, and three times
    the head's radius. ``cortical_margin`` mm.
    """

    distance: npt.NDArray[np.float32]
    mouth_field: npt.NDArray[np.float32]
    spacing: FloatArray
    frame: FloatArray
    cortical_margin: float


class DrillArrays(NamedTuple):
    """What K tunnels are drilled with: ``radii`` (K,) mm, and which have an end that is not flat, ``shaped`` (K,).

    ``sines`` (K,): the flattest incidence that lengthens the entry segment. ``end``: what lies before the shaft of
    those that are shaped, which are drilled with one instrument.
    """

    radii: FloatArray
    sines: FloatArray
    shaped: npt.NDArray[np.bool_]
    end: End


class GridRing(NamedTuple):
    """A ring of wall points on the array: centre (3,), two vectors across (3,) of 1 mm, in voxels; radius mm.

    ``turned``: which of ``CIRCLE`` stands on it.
    """

    x: float
    y: float
    z: float
    across_1: FloatArray
    across_2: FloatArray
    radius: float
    turned: int


#: Where a wall or end point lies, or that it is of a pin that runs ahead. The neck's quarters are seen along its axis.
HEAD, SUPERIOR, ANTERIOR, INFERIOR, POSTERIOR, LATERAL, PIN = range(7)
#: Distance between rings of wall points where the wall is near the surface, mm.
STEP_MM = 1.0
#: Points a ring. Rings stand half a point turned against their neighbours, so that 32 angles
#: are looked at within 2 mm: on a 10 mm tunnel 0.02 mm of clearance can hide between them.
#: Wider tunnels take both on every ring, so that points stay 2 mm apart.
RING = 16
WIDE_RADIUS_MM = 5.0
_TURN = 2.0 * np.pi * np.arange(2 * RING) / (2 * RING)
CIRCLE = np.stack([np.stack([np.cos(_TURN[k::2]), np.sin(_TURN[k::2])], axis=1) for k in range(2)])
#: A drilled line meets the bone within this distance of the point aimed at, or misses it, mm.
REACH_MM = 20.0
#: Clearances end here, mm: farther out the field's distances are coarse, and it makes no difference.
CLEARANCE_LEAST_MM = -20.0
ONE = np.uintp(1)
#: Columns of what is found of a pose: its clearance (mm), 1 where it breaches, and which place is nearest.
CLEARANCE, JOINT, CORTEX, WHERE = range(4)


@compiled()
def grid_depth(field: npt.NDArray[np.float32], x: float, y: float, z: float) -> np.float32:
    """Trilinear value of a field at an index position, in single precision; ``OUTSIDE`` beyond the array.

    ``corecore.base.interpolation.sample`` without its three divisions: two thirds of the time went there.
    """
    nx, ny, nz = field.shape
    if not (x >= 0.0 and y >= 0.0 and z >= 0.0 and x <= nx - 1 and y <= ny - 1 and z <= nz - 1):
        return np.float32(OUTSIDE)
    left, front, low = min(int(x), nx - 2), min(int(y), ny - 2), min(int(z), nz - 2)
    u, v, w = np.float32(x - left), np.float32(y - front), np.float32(z - low)
    # Unsigned indices spare the question whether they count from the end.
    i, j, k = np.uintp(left), np.uintp(front), np.uintp(low)
    p, q, r = i + ONE, j + ONE, k + ONE
    c00 = field[i, j, k] + (field[i, j, r] - field[i, j, k]) * w
    c01 = field[i, q, k] + (field[i, q, r] - field[i, q, k]) * w
    c10 = field[p, j, k] + (field[p, j, r] - field[p, j, k]) * w
    c11 = field[p, q, k] + (field[p, q, r] - field[p, q, k]) * w
    c0, c1 = c00 + (c01 - c00) * v, c10 + (c11 - c10) * v
    depth: np.float32 = c0 + (c1 - c0) * u
    return depth


@compiled()
def distance_to_bone(
    distance: npt.NDArray[np.float32], x: float, y: float, z: float, ux: float, uy: float, uz: float
) -> float:
    """How far along a line it first meets the bone, mm; infinite: it misses.

    Its point (x, y, z) is an index position, its direction (ux, uy, uz) in voxels a mm.
    """
    t = before = -REACH_MM
    while True:
        depth = grid_depth(distance, x + t * ux, y + t * uy, z + t * uz)
        if depth > 0.0:
            break
        before = t
        # Outside the bone the distance is coarse: half of it is a safe step.
        t += 0.5 if depth <= OUTSIDE else max(-0.5 * float(depth), 0.1)
        if t > REACH_MM:
            return np.inf
    while t - before > 1e-3:
        middle = 0.5 * (before + t)
        if grid_depth(distance, x + middle * ux, y + middle * uy, z + middle * uz) > 0.0:
            t = middle
        else:
            before = middle
    return t


@compiled()
def sine_of_incidence(bone: BoneArrays, x: float, y: float, z: float, ux: float, uy: float, uz: float) -> float:
    """Sine of the angle between a line (unit direction) and the surface averaged over a drill's width (local mm)."""
    h, field, spacing = NORMAL_STEP_MM, bone.mouth_field, bone.spacing
    gx = sample(field, spacing, x + h, y, z) - sample(field, spacing, x - h, y, z)
    gy = sample(field, spacing, x, y + h, z) - sample(field, spacing, x, y - h, z)
    gz = sample(field, spacing, x, y, z + h) - sample(field, spacing, x, y, z - h)
    return abs(gx * ux + gy * uy + gz * uz) / max(math.sqrt(gx * gx + gy * gy + gz * gz), 1e-12)


@compiled()
def take_depth(
    bone: BoneArrays, x: float, y: float, z: float, depth: np.float32, all_places: bool, outcome: FloatArray
) -> None:
    """Take the depth at an index position into a pose's ``outcome`` (4,).

    Unless ``all_places``, only proximal of the head's plane or outside the bone.
    """
    spacing, frame = bone.spacing, bone.frame
    dx, dy, dz = x * spacing[0] - frame[0, 0], y * spacing[1] - frame[0, 1], z * spacing[2] - frame[0, 2]
    along = dx * frame[1, 0] + dy * frame[1, 1] + dz * frame[1, 2]
    head_radius = frame[4, 0]
    # The plane alone decides: what leaves the head sideways has left it through the joint.
    proximal = along >= -0.5 * head_radius
    if depth < 0.0:
        outcome[JOINT if proximal else CORTEX] = 1.0
    elif not all_places and not proximal:
        return
    if depth >= outcome[CLEARANCE]:
        return
    outcome[CLEARANCE] = depth
    if proximal:
        outcome[WHERE] = HEAD
        return
    if -along > 2.0 * head_radius:
        outcome[WHERE] = LATERAL
        return
    up = dx * frame[2, 0] + dy * frame[2, 1] + dz * frame[2, 2]
    front = dx * frame[3, 0] + dy * frame[3, 1] + dz * frame[3, 2]
    if abs(up) >= abs(front):
        outcome[WHERE] = SUPERIOR if up >= 0.0 else INFERIOR
    else:
        outcome[WHERE] = ANTERIOR if front >= 0.0 else POSTERIOR


@compiled()
def take_ring(bone: BoneArrays, ring: GridRing, all_places: bool, outcome: FloatArray) -> None:
    """Take the depths of a ring of points into a pose's ``outcome`` (4,), as ``take_depth``."""
    e, f = ring.across_1, ring.across_2
    for m in range(RING):
        c, s = ring.radius * CIRCLE[ring.turned, m, 0], ring.radius * CIRCLE[ring.turned, m, 1]
        x, y, z = ring.x + c * e[0] + s * f[0], ring.y + c * e[1] + s * f[1], ring.z + c * e[2] + s * f[2]
        depth = grid_depth(bone.distance, x, y, z)
        if depth < 0.0 or depth < outcome[CLEARANCE]:
            take_depth(bone, x, y, z, depth, all_places, outcome)


@compiled()
def evaluate_pose(
    bone: BoneArrays, entry: FloatArray, tip: FloatArray, drill: DrillArrays, k: int, outcome: FloatArray
) -> None:
    """Fill ``outcome`` (4,) of drilled tunnel ``k``, wall and end: least clearance, breach of joint, of cortex, where.

    As in the plan, the wall counts from the end of the entry segment on, in the head from that
    segment's part where it may lie outside the bone; a wall outside the bone behind that part is a
    breach wherever it is. Both lengths follow from where, and how flat, the drilled line really
    meets the bone; flatter than ``least_sine`` does not make them longer. A line that misses the
    bone breaches the cortex, on the lateral side. ``entry``, ``tip`` (3,) in local mm. A pin that runs ahead perforates
    as any other part does.
    Clearances beyond what ``outcome`` holds when it is handed in are not looked for.
    """
    distance, spacing, radius, least_sine = bone.distance, bone.spacing, drill.radii[k], drill.sines[k]
    outcome[JOINT], outcome[CORTEX], outcome[WHERE] = 0.0, 0.0, LATERAL
    length = math.sqrt((tip[0] - entry[0]) ** 2 + (tip[1] - entry[1]) ** 2 + (tip[2] - entry[2]) ** 2)
    ux, uy, uz = (tip[0] - entry[0]) / length, (tip[1] - entry[1]) / length, (tip[2] - entry[2]) / length
    # Positions and directions on the array, so that nothing is divided by the spacing a million times.
    x, y, z = entry[0] / spacing[0], entry[1] / spacing[1], entry[2] / spacing[2]
    vx, vy, vz = ux / spacing[0], uy / spacing[1], uz / spacing[2]
    contact = distance_to_bone(distance, x, y, z, vx, vy, vz)
    if contact == np.inf:
        outcome[CLEARANCE], outcome[CORTEX] = CLEARANCE_LEAST_MM, 1.0
        return
    on_x, on_y, on_z = entry[0] + contact * ux, entry[1] + contact * uy, entry[2] + contact * uz
    sine = max(sine_of_incidence(bone, on_x, on_y, on_z, ux, uy, uz), least_sine)
    overhang = radius * math.sqrt(max(1.0 - sine * sine, 0.0))
    segment_end = contact + (bone.cortical_margin + overhang) / sine + PORTAL_EXTRA_MM
    across_1, across_2 = across(ux, uy, uz)
    across_1, across_2 = across_1 / spacing, across_2 / spacing
    tip_x, tip_y, tip_z = x + length * vx, y + length * vy, z + length * vz
    if drill.shaped[k]:
        before, turned = -1e9, 0
        rings = drill.end.rings
        for m in range(rings.shape[0]):
            back, wide = rings[m, 0], rings[m, 1]
            if rings[m, 3] == 0.0 and wide > 0.0 and back - before < STEP_MM - 1e-6:
                continue
            before = back
            cx, cy, cz = tip_x - back * vx, tip_y - back * vy, tip_z - back * vz
            if grid_depth(distance, cx, cy, cz) - wide <= max(outcome[CLEARANCE], 0.0):
                nearest = outcome[CLEARANCE]
                take_ring(bone, GridRing(cx, cy, cz, across_1, across_2, wide, turned), True, outcome)
                if rings[m, 2] > 0.0 and outcome[CLEARANCE] < nearest:
                    outcome[WHERE] = PIN
                turned = 1 - turned
        # From here on it is a plain cylinder.
        length = max(length - drill.end.length_mm, 0.0)
    else:
        take_depth(bone, tip_x, tip_y, tip_z, grid_depth(distance, tip_x, tip_y, tip_z), True, outcome)
        take_ring(bone, GridRing(tip_x, tip_y, tip_z, across_1, across_2, 0.5 * radius, 0), True, outcome)
        for turned in range(2):
            take_ring(bone, GridRing(tip_x, tip_y, tip_z, across_1, across_2, radius, turned), True, outcome)
    t, turned = contact + overhang / sine + PORTAL_EXTRA_MM, 0
    while t < length:
        cx, cy, cz = x + t * vx, y + t * vy, z + t * vz
        # The depth changes by a millimetre a millimetre at most. Rings are passed over that can
        # neither come nearer than what is found nor leave the bone: every breach is seen, on either side.
        room = grid_depth(distance, cx, cy, cz) - radius - max(outcome[CLEARANCE], 0.0)
        if room <= 0.0:
            take_ring(bone, GridRing(cx, cy, cz, across_1, across_2, radius, turned), t >= segment_end, outcome)
            turned = 1 - turned
            if radius > WIDE_RADIUS_MM:
                take_ring(bone, GridRing(cx, cy, cz, across_1, across_2, radius, turned), t >= segment_end, outcome)
        step = max(STEP_MM, 0.9 * room)
        # Where the wall begins to count it is often nearest: a ring stands right there.
        t = segment_end if t < segment_end < t + step else t + step
    outcome[CLEARANCE] = max(outcome[CLEARANCE], CLEARANCE_LEAST_MM)


@compiled(fastmath={"reassoc"})
def count_marked(marks: npt.NDArray[np.float32], first: int, last: int) -> np.float32:
    """How many are marked. Zeros and ones add up exactly in any order, so several are added at once."""
    count = np.float32(0.0)
    for i in range(first, last):
        count += marks[i]
    return count


@compiled()
def fill_cylinders(
    entries: FloatArray, tips: FloatArray, radii: FloatArray, shift: FloatArray, cylinders: npt.NDArray[np.float32]
) -> None:
    """Fill ``cylinders`` (K, 8): entry, direction, length, radius, mm, as seen by a lesion that is shifted by (3,)."""
    for k in range(entries.shape[0]):
        lx, ly, lz = tips[k, 0] - entries[k, 0], tips[k, 1] - entries[k, 1], tips[k, 2] - entries[k, 2]
        length = math.sqrt(lx * lx + ly * ly + lz * lz)
        for axis in range(3):
            cylinders[k, axis] = entries[k, axis] - shift[axis]
        cylinders[k, 3], cylinders[k, 4], cylinders[k, 5] = lx / length, ly / length, lz / length
        cylinders[k, 6], cylinders[k, 7] = length, radii[k]


@compiled(fastmath={"reassoc"})
def count_in_cylinder(
    px: npt.NDArray[np.float32],
    py: npt.NDArray[np.float32],
    pz: npt.NDArray[np.float32],
    first: int,
    last: int,
    cylinder: npt.NDArray[np.float32],
) -> np.float32:
    """How many of the points ``first`` to ``last`` a cylinder (8,) holds.

    Bounds are unsigned: only then are several taken at once.
    """
    zero, one, c = np.float32(0.0), np.float32(1.0), cylinder
    ex, ey, ez, ux, uy, uz, length, square = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7] * c[7]
    count = zero
    for i in range(first, last):
        dx, dy, dz = px[i] - ex, py[i] - ey, pz[i] - ez
        t = dx * ux + dy * uy + dz * uz
        inside = (t >= zero) & (t <= length) & (dx * dx + dy * dy + dz * dz - t * t <= square)
        count += one if inside else zero
    return count


@compiled()
def mark_in_cylinder(
    px: npt.NDArray[np.float32],
    py: npt.NDArray[np.float32],
    pz: npt.NDArray[np.float32],
    marks: npt.NDArray[np.float32],
    first: int,
    last: int,
    cylinder: npt.NDArray[np.float32],
) -> None:
    """Mark those of the points ``first`` to ``last`` that a cylinder (8,) holds by 1, the others by 0."""
    zero, one, c = np.float32(0.0), np.float32(1.0), cylinder
    ex, ey, ez, ux, uy, uz, length, square = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7] * c[7]
    for i in range(first, last):
        dx, dy, dz = px[i] - ex, py[i] - ey, pz[i] - ez
        t = dx * ux + dy * uy + dz * uz
        inside = (t >= zero) & (t <= length) & (dx * dx + dy * dy + dz * dz - t * t <= square)
        marks[i] = one if inside else zero


@compiled()
def mark_in_body(
    px: npt.NDArray[np.float32],
    py: npt.NDArray[np.float32],
    pz: npt.NDArray[np.float32],
    marks: npt.NDArray[np.float32],
    first: int,
    last: int,
    cylinder: npt.NDArray[np.float32],
    end: End,
) -> None:
    """Mark those of the points that a cylinder (8,) holds whose end has that shape by 1, the others by 0."""
    c, pieces = cylinder, end.pieces
    for i in range(first, last):
        dx, dy, dz = px[i] - c[0], py[i] - c[1], pz[i] - c[2]
        t = dx * c[3] + dy * c[4] + dz * c[5]
        square, back = dx * dx + dy * dy + dz * dz - t * t, c[6] - t
        marks[i] = 0.0
        if t < 0.0 or square > c[7] * c[7]:
            continue
        if back >= end.length_mm:
            marks[i] = 1.0
            continue
        for m in range(pieces.shape[0]):
            wide = pieces[m, 2] + back * (pieces[m, 3] + back * pieces[m, 4])
            if pieces[m, 0] <= back <= pieces[m, 1] and square <= wide:
                marks[i] = 1.0
                break


@compiled()
def count_removed(
    bricks: Bricks,
    drill: DrillArrays,
    cylinders: npt.NDArray[np.float32],
    marks: npt.NDArray[np.float32],
    union: npt.NDArray[np.float32],
    removed: npt.NDArray[np.int64],
) -> None:
    """Fill ``removed`` (K + 1,): how many points each of K cylinders holds, and all together.

    ``marks``, ``union`` (M,): scratch space.
    """
    k_tunnels, starts, balls = cylinders.shape[0], bricks.starts, bricks.balls
    px, py, pz = bricks.points[0], bricks.points[1], bricks.points[2]
    removed[:] = 0
    for b in range(starts.shape[0] - 1):
        first, last, ball, seen = starts[b], starts[b + 1], balls[3, b], False
        for k in range(k_tunnels):
            c = cylinders[k]
            dx, dy, dz = balls[0, b] - c[0], balls[1, b] - c[1], balls[2, b] - c[2]
            t = dx * c[3] + dy * c[4] + dz * c[5]
            reach = c[7] + ball
            ahead = drill.end.ahead_mm if drill.shaped[k] else 0.0
            if t < -ball or t > c[6] + ahead + ball or dx * dx + dy * dy + dz * dz - t * t > reach * reach:
                continue
            if drill.shaped[k]:
                mark_in_body(px, py, pz, marks, first, last, c, drill.end)
                if k_tunnels == 1:
                    removed[0] += int(count_marked(marks, first, last))
                    continue
            elif k_tunnels == 1:
                removed[0] += int(count_in_cylinder(px, py, pz, first, last, c))
                continue
            else:
                mark_in_cylinder(px, py, pz, marks, first, last, c)
            removed[k] += int(count_marked(marks, first, last))
            for i in range(first, last):
                union[i] = max(marks[i], union[i]) if seen else marks[i]
            seen = True
        if seen:
            removed[k_tunnels] += int(count_marked(union, first, last))
    if k_tunnels == 1:
        removed[1] = removed[0]


@compiled(nogil=True)
def evaluate_poses(
    bone: BoneArrays,
    bricks: Bricks,
    entries: FloatArray,
    tips: FloatArray,
    drill: DrillArrays,
    shifts: FloatArray,
    outcomes: FloatArray,
    removed: npt.NDArray[np.int64],
) -> None:
    """Evaluate N sets of K drilled tunnels: entries and tips (N, K, 3), mm.

    Fills ``outcomes`` (N, K, 4) and ``removed`` (N, K + 1): how many of the points each tunnel
    holds, and all together.
    ``shifts`` (N, 3): how far the points lie elsewhere in each set, mm; the bone does not.
    """
    k_tunnels, size = entries.shape[1], bricks.points.shape[1]
    marks, union = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.float32)
    cylinders = np.empty((k_tunnels, 8), dtype=np.float32)
    for n in range(entries.shape[0]):
        for k in range(k_tunnels):
            outcomes[n, k, CLEARANCE] = 1e9
            evaluate_pose(bone, entries[n, k], tips[n, k], drill, k, outcomes[n, k])
        fill_cylinders(entries[n], tips[n], drill.radii, shifts[n], cylinders)
        count_removed(bricks, drill, cylinders, marks, union, removed[n])


@compiled(nogil=True)
def evaluate_walls(
    bone: BoneArrays,
    entries: FloatArray,
    tips: FloatArray,
    drill: DrillArrays,
    farthest: float,
    clearances: FloatArray,
) -> None:
    """Fill ``clearances`` (N, K) of N sets of K drilled tunnels, ``farthest`` at most.

    As ``evaluate_poses`` finds them; what lies farther is not looked for, and nothing is counted.
    """
    outcome = np.empty(4)
    for n in range(entries.shape[0]):
        for k in range(entries.shape[1]):
            outcome[CLEARANCE] = farthest
            evaluate_pose(bone, entries[n, k], tips[n, k], drill, k, outcome)
            clearances[n, k] = outcome[CLEARANCE]
