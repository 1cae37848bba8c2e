"""Compiled counts of lesion points in a tunnel, along it, and near it. Points lie from the head's centre, by bricks."""

from __future__ import annotations

import math

import numpy as np

from corecore.base.jit_cache import compiled


@compiled()
def count_between(points, begin, end, px, py, pz, ux, uy, uz, first, last, square):
    """How many of the points (3, N) from ``begin`` to ``end`` lie in the cylinder. No branches, so it vectorises."""
    count = np.int32(0)
    for n in range(begin, end):
        dx, dy, dz = points[0, n] - px, points[1, n] - py, points[2, n] - pz
        t = dx * ux + dy * uy + dz * uz
        count += np.int32((t <= last) & (t >= first) & (dx * dx + dy * dy + dz * dz - t * t <= square))
    return count


@compiled()
def removed_along(prob, point, u, first, last, radius):
    """Number of lesion points within the cylinder from ``first`` to ``last``, and the ``t`` of the deepest."""
    count, deepest = 0, -1e9
    px, py, pz = point[0] - prob.head_center[0], point[1] - prob.head_center[1], point[2] - prob.head_center[2]
    square = np.float32(radius * radius)
    fx, fy, fz = np.float32(px), np.float32(py), np.float32(pz)
    ux, uy, uz = np.float32(u[0]), np.float32(u[1]), np.float32(u[2])
    low, high = np.float32(first), np.float32(last)
    for brick in range(prob.brick_center.shape[0]):
        dx, dy, dz = (
            prob.brick_center[brick, 0] - point[0],
            prob.brick_center[brick, 1] - point[1],
            prob.brick_center[brick, 2] - point[2],
        )
        t = dx * u[0] + dy * u[1] + dz * u[2]
        reach = prob.brick_radius[brick]
        if t > last + reach or t < first - reach:
            continue
        away = dx * dx + dy * dy + dz * dz - t * t
        if away > (radius + reach) ** 2:
            continue
        begin, end = prob.brick_start[brick], prob.brick_start[brick + 1]
        inner = radius - reach
        if inner > 0.0 and away < inner * inner and t + reach < last and t - reach > first:
            count += end - begin
        else:
            count += count_between(prob.points, begin, end, fx, fy, fz, ux, uy, uz, low, high, square)
        if t + reach > deepest:
            for n in range(begin, end):
                gx, gy, gz = prob.points[0, n] - fx, prob.points[1, n] - fy, prob.points[2, n] - fz
                s = gx * ux + gy * uy + gz * uz
                if s > deepest and s <= high and gx * gx + gy * gy + gz * gz - s * s <= square:
                    deepest = s
    return count, deepest


@compiled()
def reached_along(prob, point, u, first, last, needed):
    """Number of lesion points within ``prob.reach`` of a tunnel, and how deep its tip must lie to reach them all.

    Beyond the flat end a point is reached over the end's rim; ``needed`` is the least depth answered.
    """
    count = 0
    px, py, pz = point[0] - prob.head_center[0], point[1] - prob.head_center[1], point[2] - prob.head_center[2]
    square = prob.reach * prob.reach
    wide = prob.radius + prob.reach
    for brick in range(prob.brick_center.shape[0]):
        dx, dy, dz = (
            prob.brick_center[brick, 0] - point[0],
            prob.brick_center[brick, 1] - point[1],
            prob.brick_center[brick, 2] - point[2],
        )
        t = dx * u[0] + dy * u[1] + dz * u[2]
        size = prob.brick_radius[brick]
        if t > last + size + prob.reach or t < first - size - prob.reach:
            continue
        away = dx * dx + dy * dy + dz * dz - t * t
        if away > (wide + size) ** 2:
            continue
        begin, end = prob.brick_start[brick], prob.brick_start[brick + 1]
        inner = wide - size
        if inner > 0.0 and away < inner * inner and t + size < min(last, needed) and t - size > first:
            count += end - begin
            continue
        for n in range(begin, end):
            gx, gy, gz = prob.points[0, n] - px, prob.points[1, n] - py, prob.points[2, n] - pz
            s = gx * u[0] + gy * u[1] + gz * u[2]
            beside = max(0.0, math.sqrt(max(0.0, gx * gx + gy * gy + gz * gz - s * s)) - prob.radius)
            beyond = max(0.0, max(s - last, first - s))
            if beside * beside + beyond * beyond <= square:
                count += 1
                needed = max(needed, s - math.sqrt(square - beside * beside))
    return count, min(needed, last)


@compiled()
def lesion_along(prob, point, u, first, width, narrow, wide):
    """How many lesion points lie before the end of each slice of ``width`` mm from ``first`` on.

    ``narrow`` counts those within the tunnel's radius, ``wide`` those within the cavity's.
    """
    narrow[:], wide[:] = 0, 0
    px, py, pz = point[0] - prob.head_center[0], point[1] - prob.head_center[1], point[2] - prob.head_center[2]
    small, large = prob.radius * prob.radius, prob.cavity_radius * prob.cavity_radius
    for brick in range(prob.brick_center.shape[0]):
        dx, dy, dz = (
            prob.brick_center[brick, 0] - point[0],
            prob.brick_center[brick, 1] - point[1],
            prob.brick_center[brick, 2] - point[2],
        )
        t = dx * u[0] + dy * u[1] + dz * u[2]
        if dx * dx + dy * dy + dz * dz - t * t > (prob.cavity_radius + prob.brick_radius[brick]) ** 2:
            continue
        for n in range(prob.brick_start[brick], prob.brick_start[brick + 1]):
            gx, gy, gz = prob.points[0, n] - px, prob.points[1, n] - py, prob.points[2, n] - pz
            s = gx * u[0] + gy * u[1] + gz * u[2]
            square = gx * gx + gy * gy + gz * gz - s * s
            if square <= large and s >= first:
                k = int((s - first) / width)
                if k < wide.shape[0]:
                    wide[k] += 1
                    if square <= small:
                        narrow[k] += 1
    for k in range(1, wide.shape[0]):
        narrow[k] += narrow[k - 1]
        wide[k] += wide[k - 1]
