"""The lesion's points in bricks, so that a drilled tunnel counts what it holds in microseconds.

Compiled judgement of drilled poses: how near the surface, where it leaves the bone, how much it holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corecore.base.distance_field import NORMAL_STEP_MM
from corecore.base.grid import FloatArray
from corecore.base.interpolation import OUTSIDE, across, sample
from corecore.base.jit_cache import compiled
from corecore.tunnels.figures import PORTAL_EXTRA_MM

#: About so many of the lesion's points stand for it.
FEW_POINTS = 16_000
#: Edge of a brick, mm.
BRICK_MM = 4.0


@dataclass(frozen=True, eq=False)
class Bricks:
    """Points (3, M) float32 brick by brick; ``starts`` (B + 1,) where each begins; ``balls`` (4, B) around them."""

    points: npt.NDArray[np.float32]
    starts: npt.NDArray[np.uint64]
    balls: npt.NDArray[np.float32]


def bricked(points_mm: FloatArray) -> Bricks:
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


#: Where a wall or end point lies. The neck's quarters are seen along its axis.
HEAD, SUPERIOR, ANTERIOR, INFERIOR, POSTERIOR, LATERAL = range(6)
#: Distance between rings of wall points where the wall is near the surface, mm.
STEP_MM = 1.0
#: Points a ring. Rings stand half a point turned against their neighbours, so that 32 angles
#: are looked at within 2 mm: on a 10 mm tunnel 0.02 mm of clearance can hide between them.
RING = 16
_TURN = 2.0 * np.pi * np.arange(2 * RING) / (2 * RING)
CIRCLE = np.stack([np.stack([np.cos(_TURN[k::2]), np.sin(_TURN[k::2])], axis=1) for k in range(2)])
#: A drilled line meets the bone within this distance of the point aimed at, or misses it, mm.
REACH_MM = 20.0
#: Clearances end here, mm: farther out the field's distances are coarse, and it makes no difference.
CLEARANCE_LEAST_MM = -20.0
ONE = np.uintp(1)
#: Columns of what is found of a pose.
CLEARANCE, JOINT, CORTEX, WHERE = range(4)


@compiled()
def depth_at(field, x, y, z):
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
    return c0 + (c1 - c0) * u


@compiled()
def meets(distance, x, y, z, ux, uy, uz):
    """How far along a line (index position, index direction a mm) it first meets the bone, mm; infinite: it misses."""
    t = before = -REACH_MM
    while True:
        depth = depth_at(distance, x + t * ux, y + t * uy, z + t * uz)
        if depth > 0.0:
            break
        before = t
        # Outside the bone the distance is coarse: half of it is a safe step.
        t += 0.5 if depth <= OUTSIDE else max(-0.5 * depth, 0.1)
        if t > REACH_MM:
            return np.inf
    while t - before > 1e-3:
        middle = 0.5 * (before + t)
        if depth_at(distance, x + middle * ux, y + middle * uy, z + middle * uz) > 0.0:
            t = middle
        else:
            before = middle
    return t


@compiled()
def sine_of_incidence(mouth, spacing, x, y, z, ux, uy, uz):
    """Sine of the angle between a line and the surface averaged over a drill's mouth (all local)."""
    h = NORMAL_STEP_MM
    gx = sample(mouth, spacing, x + h, y, z) - sample(mouth, spacing, x - h, y, z)
    gy = sample(mouth, spacing, x, y + h, z) - sample(mouth, spacing, x, y - h, z)
    gz = sample(mouth, spacing, x, y, z + h) - sample(mouth, spacing, x, y, z - h)
    return abs(gx * ux + gy * uy + gz * uz) / max(math.sqrt(gx * gx + gy * gy + gz * gz), 1e-12)


@compiled()
def noted(spacing, frame, fx, fy, fz, depth, counts, found):
    """Take the depth at an index position into ``found``; unless ``counts``, only in the head or outside bone."""
    dx, dy, dz = fx * spacing[0] - frame[0, 0], fy * spacing[1] - frame[0, 1], fz * spacing[2] - frame[0, 2]
    along = dx * frame[1, 0] + dy * frame[1, 1] + dz * frame[1, 2]
    head_radius = frame[4, 0]
    # A point outside the bone has left the head's sphere: only the plane tells where it came from.
    proximal = along >= -0.5 * head_radius
    if depth < 0.0:
        found[JOINT if proximal else CORTEX] = 1.0
    elif not counts and not (proximal and dx * dx + dy * dy + dz * dz <= head_radius * head_radius):
        return
    if depth >= found[CLEARANCE]:
        return
    found[CLEARANCE] = depth
    if proximal:
        found[WHERE] = HEAD
        return
    if -along > 2.0 * head_radius:
        found[WHERE] = LATERAL
        return
    up = dx * frame[2, 0] + dy * frame[2, 1] + dz * frame[2, 2]
    front = dx * frame[3, 0] + dy * frame[3, 1] + dz * frame[3, 2]
    if abs(up) >= abs(front):
        found[WHERE] = SUPERIOR if up >= 0.0 else INFERIOR
    else:
        found[WHERE] = ANTERIOR if front >= 0.0 else POSTERIOR


@compiled()
def ring_judged(distance, spacing, frame, fx, fy, fz, e, f, radius, turned, counts, found):
    """Take a ring of points round an index position into ``found``."""
    for m in range(RING):
        c, s = radius * CIRCLE[turned, m, 0], radius * CIRCLE[turned, m, 1]
        x, y, z = fx + c * e[0] + s * f[0], fy + c * e[1] + s * f[1], fz + c * e[2] + s * f[2]
        depth = depth_at(distance, x, y, z)
        if depth < 0.0 or depth < found[CLEARANCE]:
            noted(spacing, frame, x, y, z, depth, counts, found)


@compiled()
def judge_pose(distance, mouth, spacing, frame, entry, tip, radius, margin, sine_least, found):
    """Judge wall and end of one drilled tunnel: least clearance, breach of joint, of cortex, and where.

    As in the plan, the wall counts from the portal on, in the head from the portal's part where
    it may lie outside the bone; a wall outside the bone behind that part is a breach wherever
    it is. Both lengths follow from where, and how flat, the drilled line really meets the bone;
    flatter than ``sine_least`` does not make them longer. A line that misses the bone breaches
    the cortex, on the lateral side.
    """
    found[CLEARANCE], found[JOINT], found[CORTEX], found[WHERE] = 1e9, 0.0, 0.0, LATERAL
    length = math.sqrt((tip[0] - entry[0]) ** 2 + (tip[1] - entry[1]) ** 2 + (tip[2] - entry[2]) ** 2)
    ux, uy, uz = (tip[0] - entry[0]) / length, (tip[1] - entry[1]) / length, (tip[2] - entry[2]) / length
    # Positions and directions on the array, so that nothing is divided by the spacing a million times.
    x, y, z = entry[0] / spacing[0], entry[1] / spacing[1], entry[2] / spacing[2]
    vx, vy, vz = ux / spacing[0], uy / spacing[1], uz / spacing[2]
    met = meets(distance, x, y, z, vx, vy, vz)
    if met == np.inf:
        found[CLEARANCE], found[CORTEX] = CLEARANCE_LEAST_MM, 1.0
        return
    sine = max(
        sine_of_incidence(mouth, spacing, entry[0] + met * ux, entry[1] + met * uy, entry[2] + met * uz, ux, uy, uz),
        sine_least,
    )
    overhang = radius * math.sqrt(max(1.0 - sine * sine, 0.0))
    portal = met + (margin + overhang) / sine + PORTAL_EXTRA_MM
    e, f = across(ux, uy, uz)
    e, f = e / spacing, f / spacing
    ex, ey, ez = x + length * vx, y + length * vy, z + length * vz
    noted(spacing, frame, ex, ey, ez, depth_at(distance, ex, ey, ez), True, found)
    ring_judged(distance, spacing, frame, ex, ey, ez, e, f, 0.5 * radius, 0, True, found)
    for turned in range(2):
        ring_judged(distance, spacing, frame, ex, ey, ez, e, f, radius, turned, True, found)
    t, turned = met + overhang / sine + PORTAL_EXTRA_MM, 0
    while t < length:
        cx, cy, cz = x + t * vx, y + t * vy, z + t * vz
        # The depth changes by a millimetre a millimetre at most. Rings are passed over that can
        # neither come nearer than what is found nor leave the bone: every breach is seen, on either side.
        room = depth_at(distance, cx, cy, cz) - radius - max(found[CLEARANCE], 0.0)
        if room <= 0.0:
            ring_judged(distance, spacing, frame, cx, cy, cz, e, f, radius, turned, t >= portal, found)
            turned = 1 - turned
        step = max(STEP_MM, 0.9 * room)
        # Where the wall begins to count it is often nearest: a ring stands right there.
        t = portal if t < portal < t + step else t + step
    found[CLEARANCE] = max(found[CLEARANCE], CLEARANCE_LEAST_MM)


@compiled(fastmath={"reassoc"})
def total(held, first, last):
    """How many are marked. Zeros and ones add up exactly in any order, so several are added at once."""
    count = np.float32(0.0)
    for i in range(first, last):
        count += held[i]
    return count


@compiled()
def shafts(entries, tips, radii, shift, cylinders):
    """Fill ``cylinders`` (K, 8) float32: entry, direction, length, radius, as seen by a lesion that is shifted."""
    for k in range(entries.shape[0]):
        lx, ly, lz = tips[k, 0] - entries[k, 0], tips[k, 1] - entries[k, 1], tips[k, 2] - entries[k, 2]
        length = math.sqrt(lx * lx + ly * ly + lz * lz)
        for axis in range(3):
            cylinders[k, axis] = entries[k, axis] - shift[axis]
        cylinders[k, 3], cylinders[k, 4], cylinders[k, 5] = lx / length, ly / length, lz / length
        cylinders[k, 6], cylinders[k, 7] = length, radii[k]


@compiled(fastmath={"reassoc"})
def counted(px, py, pz, first, last, c):
    """How many of a brick's points a cylinder holds. Bounds are unsigned: only then are several taken at once."""
    zero, one = np.float32(0.0), np.float32(1.0)
    ex, ey, ez, ux, uy, uz, length, square = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7] * c[7]
    count = zero
    for i in range(first, last):
        dx, dy, dz = px[i] - ex, py[i] - ey, pz[i] - ez
        t = dx * ux + dy * uy + dz * uz
        inside = (t >= zero) & (t <= length) & (dx * dx + dy * dy + dz * dz - t * t <= square)
        count += one if inside else zero
    return count


@compiled()
def mark(px, py, pz, held, first, last, c):
    """Mark a brick's points inside a cylinder by 1, the others by 0."""
    zero, one = np.float32(0.0), np.float32(1.0)
    ex, ey, ez, ux, uy, uz, length, square = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7] * c[7]
    for i in range(first, last):
        dx, dy, dz = px[i] - ex, py[i] - ey, pz[i] - ez
        t = dx * ux + dy * uy + dz * uz
        inside = (t >= zero) & (t <= length) & (dx * dx + dy * dy + dz * dz - t * t <= square)
        held[i] = one if inside else zero


@compiled()
def held_by(px, py, pz, starts, balls, cylinders, held, any_held, removed):
    """How many points each of K cylinders holds, and all together: ``removed`` (K + 1,)."""
    k_tunnels = cylinders.shape[0]
    removed[:] = 0
    for b in range(starts.shape[0] - 1):
        first, last, ball, seen = starts[b], starts[b + 1], balls[3, b], False
        for k in range(k_tunnels):
            c = cylinders[k]
            dx, dy, dz = balls[0, b] - c[0], balls[1, b] - c[1], balls[2, b] - c[2]
            t = dx * c[3] + dy * c[4] + dz * c[5]
            reach = c[7] + ball
            if t < -ball or t > c[6] + ball or dx * dx + dy * dy + dz * dz - t * t > reach * reach:
                continue
            if k_tunnels == 1:
                removed[0] += int(counted(px, py, pz, first, last, c))
                continue
            mark(px, py, pz, held, first, last, c)
            removed[k] += int(total(held, first, last))
            for i in range(first, last):
                any_held[i] = max(held[i], any_held[i]) if seen else held[i]
            seen = True
        if seen:
            removed[k_tunnels] += int(total(any_held, first, last))
    if k_tunnels == 1:
        removed[1] = removed[0]


@compiled(nogil=True)
def judge_poses(
    distance, mouth, spacing, frame, entries, tips, radii, margin, sines, points, starts, balls, shifts, found, removed
):
    """Judge N sets of K drilled tunnels: entries and tips (N, K, 3).

    Fills ``found`` (N, K, 4) and ``removed`` (N, K + 1): how many of the points (3, M) each tunnel
    holds, and all together. ``sines`` (K,): the flattest incidence that lengthens the portal. ``shifts``
    (N, 3): how far the points lie elsewhere in each set; the bone does not.
    """
    k_tunnels = entries.shape[1]
    held, any_held = np.empty(points.shape[1], dtype=np.float32), np.empty(points.shape[1], dtype=np.float32)
    cylinders = np.empty((k_tunnels, 8), dtype=np.float32)
    px, py, pz = points[0], points[1], points[2]
    for n in range(entries.shape[0]):
        for k in range(k_tunnels):
            judge_pose(
                distance, mouth, spacing, frame, entries[n, k], tips[n, k], radii[k], margin, sines[k], found[n, k]
            )
        shafts(entries[n], tips[n], radii, shifts[n], cylinders)
        held_by(px, py, pz, starts, balls, cylinders, held, any_held, removed[n])
