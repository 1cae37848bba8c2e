"""Compiled judgement of drilled poses: how near the wall comes to the surface, where, and what is removed."""

from __future__ import annotations

import math

import numpy as np

from corecore.compiled import compiled
from corecore.fields import OUTSIDE, across, sample

#: Regions of a wall point. The neck's quarters are seen along its axis.
HEAD, SUPERIOR, ANTERIOR, INFERIOR, POSTERIOR, LATERAL = range(6)
#: Distance between rings of wall points, mm, and points a ring.
STEP_MM = 1.0
RING = 16


@compiled()
def region_of(frame, x, y, z):
    """Region of a local point. ``frame``: head centre, neck axis, superior, anterior (rows), then the radius."""
    dx, dy, dz = x - frame[0, 0], y - frame[0, 1], z - frame[0, 2]
    along = dx * frame[1, 0] + dy * frame[1, 1] + dz * frame[1, 2]
    radius = frame[4, 0]
    if dx * dx + dy * dy + dz * dz <= radius * radius and along >= -0.5 * radius:
        return HEAD
    if -along > 2.0 * radius:
        return LATERAL
    up = dx * frame[2, 0] + dy * frame[2, 1] + dz * frame[2, 2]
    front = dx * frame[3, 0] + dy * frame[3, 1] + dz * frame[3, 2]
    if abs(up) >= abs(front):
        return SUPERIOR if up >= 0.0 else INFERIOR
    return ANTERIOR if front >= 0.0 else POSTERIOR


@compiled()
def ring_least(distance, spacing, frame, cx, cy, cz, e, f, radius, least, where):
    """Update the least depth in the head (0) and outside it (1), and the region of the latter, by a ring of points."""
    for m in range(RING):
        c, s = radius * math.cos(2.0 * math.pi * m / RING), radius * math.sin(2.0 * math.pi * m / RING)
        x, y, z = cx + c * e[0] + s * f[0], cy + c * e[1] + s * f[1], cz + c * e[2] + s * f[2]
        depth = sample(distance, spacing, x, y, z)
        if depth < least[0] or depth < least[1]:
            region = region_of(frame, x, y, z)
            side = 0 if region == HEAD else 1
            if depth < least[side]:
                least[side] = depth
                if side == 1:
                    where[0] = region


@compiled()
def judge_pose(distance, spacing, frame, entry, tip, radius, portal, least, where):
    """Least depth of wall and end beyond the portal: in the head and outside it, mm; negative where it breaches.

    The portal is counted from where the drilled line really meets the bone: up to 20 mm before
    or behind the point aimed at. A line that misses the bone there has a depth of -1000.
    """
    least[0], least[1], where[0] = 1e9, 1e9, LATERAL
    length = math.sqrt((tip[0] - entry[0]) ** 2 + (tip[1] - entry[1]) ** 2 + (tip[2] - entry[2]) ** 2)
    ux, uy, uz = (tip[0] - entry[0]) / length, (tip[1] - entry[1]) / length, (tip[2] - entry[2]) / length
    e, f = across(ux, uy, uz)
    met = -20.0
    while sample(distance, spacing, entry[0] + met * ux, entry[1] + met * uy, entry[2] + met * uz) <= 0.0:
        met += 0.5
        if met > 20.0:
            least[1] = OUTSIDE
            return
    t = met + portal
    while t < length:
        x, y, z = entry[0] + t * ux, entry[1] + t * uy, entry[2] + t * uz
        # The depth changes by a millimetre a millimetre at most: rings that cannot matter are passed over.
        room = sample(distance, spacing, x, y, z) - radius - max(least[0], least[1])
        if room <= 0.0:
            ring_least(distance, spacing, frame, x, y, z, e, f, radius, least, where)
        t += max(STEP_MM, 0.9 * room)
    for share in (0.0, 0.5, 1.0):
        ring_least(distance, spacing, frame, tip[0], tip[1], tip[2], e, f, share * radius, least, where)


@compiled(nogil=True)
def judge_poses(distance, spacing, frame, entries, tips, radii, portals, points, least, where, removed):
    """Judge sets of K drilled tunnels, N of them: entries and tips (N, K, 3).

    Fills ``least`` (N, K, 2), ``where`` (N, K), and ``removed`` (N, K + 1): how many of the points (3, M) each
    tunnel holds, and all together.
    """
    n_sets, k_tunnels = entries.shape[0], entries.shape[1]
    held = np.zeros(points.shape[1], dtype=np.uint8)
    depth, region = np.zeros(2), np.zeros(1, dtype=np.int64)
    for n in range(n_sets):
        held[:] = 0
        for k in range(k_tunnels):
            entry, tip = entries[n, k], tips[n, k]
            judge_pose(distance, spacing, frame, entry, tip, radii[k], portals[k], depth, region)
            least[n, k, 0], least[n, k, 1], where[n, k] = depth[0], depth[1], region[0]
            removed[n, k] = mark(points, held, entry, tip, radii[k])
        total = 0
        for i in range(held.shape[0]):
            total += held[i]
        removed[n, k_tunnels] = total


@compiled()
def mark(points, held, entry, tip, radius):
    """Mark the points (3, M) inside a cylinder, and count them."""
    length = math.sqrt((tip[0] - entry[0]) ** 2 + (tip[1] - entry[1]) ** 2 + (tip[2] - entry[2]) ** 2)
    ux, uy, uz = (
        np.float32((tip[0] - entry[0]) / length),
        np.float32((tip[1] - entry[1]) / length),
        np.float32((tip[2] - entry[2]) / length),
    )
    ex, ey, ez = np.float32(entry[0]), np.float32(entry[1]), np.float32(entry[2])
    last, square = np.float32(length), np.float32(radius * radius)
    count = np.int32(0)
    for i in range(points.shape[1]):
        dx, dy, dz = points[0, i] - ex, points[1, i] - ey, points[2, i] - ez
        t = dx * ux + dy * uy + dz * uz
        inside = (t >= np.float32(0.0)) & (t <= last) & (dx * dx + dy * dy + dz * dz - t * t <= square)
        held[i] |= np.uint8(inside)
        count += np.int32(inside)
    return count
