"""Compiled counts of lesion points in a tunnel, along it, and near it.

Points lie from the head's centre, by bricks. Lengths in mm; ``t`` runs along a line (``point``, unit
direction ``u``, both (3,)) from its point on the neck plane towards the head.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.jit_cache import compiled

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem


@compiled()
def count_between(
    points: npt.NDArray[np.float32],
    begin: int,
    end: int,
    px: np.float32,
    py: np.float32,
    pz: np.float32,
    ux: np.float32,
    uy: np.float32,
    uz: np.float32,
    first: np.float32,
    last: np.float32,
    square: np.float32,
) -> np.int32:
    """How many of the points (3, N) from ``begin`` to ``end`` lie in the cylinder from ``first`` to ``last``.

    No branches, and indices that never count from the end, so it vectorises: (px, py, pz) is the line's point,
    ``square`` the radius' square.
    """
    count = np.int32(0)
    x, y, z = points[0], points[1], points[2]
    for n in range(np.uintp(begin), np.uintp(end)):
        dx, dy, dz = x[n] - px, y[n] - py, z[n] - pz
        t = dx * ux + dy * uy + dz * uz
        count += np.int32((t <= last) & (t >= first) & (dx * dx + dy * dy + dz * dz - t * t <= square))
    return count


@compiled()
def count_along(problem: Problem, point: FloatArray, u: FloatArray, first: float, last: float, radius: float) -> int:
    """``removed_along`` without the deepest point, which takes longer than to count."""
    count = 0
    px = point[0] - problem.head_center[0]
    py = point[1] - problem.head_center[1]
    pz = point[2] - problem.head_center[2]
    square = np.float32(radius * radius)
    fx, fy, fz = np.float32(px), np.float32(py), np.float32(pz)
    ux, uy, uz = np.float32(u[0]), np.float32(u[1]), np.float32(u[2])
    low, high = np.float32(first), np.float32(last)
    for brick in range(problem.brick_center.shape[0]):
        dx = problem.brick_center[brick, 0] - point[0]
        dy = problem.brick_center[brick, 1] - point[1]
        dz = problem.brick_center[brick, 2] - point[2]
        t = dx * u[0] + dy * u[1] + dz * u[2]
        size = problem.brick_radius[brick]
        if t > last + size or t < first - size:
            continue
        away = dx * dx + dy * dy + dz * dz - t * t
        if away > (radius + size) ** 2:
            continue
        begin, end = problem.brick_start[brick], problem.brick_start[brick + 1]
        inner = radius - size
        if inner > 0.0 and away < inner * inner and t + size < last and t - size > first:
            count += end - begin
        else:
            count += int(count_between(problem.points, begin, end, fx, fy, fz, ux, uy, uz, low, high, square))
    return count


@compiled()
def removed_along(
    problem: Problem, point: FloatArray, u: FloatArray, first: float, last: float, radius: float
) -> tuple[int, float]:
    """Number of lesion points within the cylinder from ``first`` to ``last``, and the ``t`` of the deepest."""
    count, deepest = 0, -1e9
    px = point[0] - problem.head_center[0]
    py = point[1] - problem.head_center[1]
    pz = point[2] - problem.head_center[2]
    square = np.float32(radius * radius)
    fx, fy, fz = np.float32(px), np.float32(py), np.float32(pz)
    ux, uy, uz = np.float32(u[0]), np.float32(u[1]), np.float32(u[2])
    low, high = np.float32(first), np.float32(last)
    for brick in range(problem.brick_center.shape[0]):
        dx = problem.brick_center[brick, 0] - point[0]
        dy = problem.brick_center[brick, 1] - point[1]
        dz = problem.brick_center[brick, 2] - point[2]
        t = dx * u[0] + dy * u[1] + dz * u[2]
        size = problem.brick_radius[brick]
        if t > last + size or t < first - size:
            continue
        away = dx * dx + dy * dy + dz * dz - t * t
        if away > (radius + size) ** 2:
            continue
        begin, end = problem.brick_start[brick], problem.brick_start[brick + 1]
        inner = radius - size
        if inner > 0.0 and away < inner * inner and t + size < last and t - size > first:
            count += end - begin
        else:
            count += int(count_between(problem.points, begin, end, fx, fy, fz, ux, uy, uz, low, high, square))
        if t + size > deepest:
            for n in range(begin, end):
                gx, gy, gz = problem.points[0, n] - fx, problem.points[1, n] - fy, problem.points[2, n] - fz
                s = gx * ux + gy * uy + gz * uz
                if s > deepest and s <= high and gx * gx + gy * gy + gz * gz - s * s <= square:
                    deepest = s
    return count, deepest


@compiled()
def reached_along(
    problem: Problem, point: FloatArray, u: FloatArray, first: float, last: float, needed: float
) -> tuple[int, float]:
    """Number of lesion points within ``problem.reach`` of a tunnel, and how deep its tip must lie to reach them all.

    Beyond the flat end a point is reached over the end's rim; ``needed`` is the least depth answered.
    """
    count = 0
    px = point[0] - problem.head_center[0]
    py = point[1] - problem.head_center[1]
    pz = point[2] - problem.head_center[2]
    square = problem.reach * problem.reach
    wide = problem.radius + problem.reach
    for brick in range(problem.brick_center.shape[0]):
        dx = problem.brick_center[brick, 0] - point[0]
        dy = problem.brick_center[brick, 1] - point[1]
        dz = problem.brick_center[brick, 2] - point[2]
        t = dx * u[0] + dy * u[1] + dz * u[2]
        size = problem.brick_radius[brick]
        if t > last + size + problem.reach or t < first - size - problem.reach:
            continue
        away = dx * dx + dy * dy + dz * dz - t * t
        if away > (wide + size) ** 2:
            continue
        begin, end = problem.brick_start[brick], problem.brick_start[brick + 1]
        inner = wide - size
        if inner > 0.0 and away < inner * inner and t + size < min(last, needed) and t - size > first:
            count += end - begin
            continue
        for n in range(begin, end):
            gx, gy, gz = problem.points[0, n] - px, problem.points[1, n] - py, problem.points[2, n] - pz
            s = gx * u[0] + gy * u[1] + gz * u[2]
            beside = max(0.0, math.sqrt(max(0.0, gx * gx + gy * gy + gz * gz - s * s)) - problem.radius)
            beyond = max(0.0, max(s - last, first - s))
            if beside * beside + beyond * beyond <= square:
                count += 1
                needed = max(needed, s - math.sqrt(square - beside * beside))
    return count, min(needed, last)


@compiled()
def fill_counts_along(
    problem: Problem,
    point: FloatArray,
    u: FloatArray,
    first: float,
    width: float,
    narrow: npt.NDArray[np.int64],
    wide: npt.NDArray[np.int64],
) -> None:
    """Fill how many lesion points lie before the end of each of M slices, ``width`` mm thick, from ``first`` on.

    ``narrow`` (M,) counts those within the tunnel's radius, ``wide`` (M,) those within the cavity's.
    """
    narrow[:], wide[:] = 0, 0
    px = point[0] - problem.head_center[0]
    py = point[1] - problem.head_center[1]
    pz = point[2] - problem.head_center[2]
    small, large = problem.radius * problem.radius, problem.cavity_radius * problem.cavity_radius
    for brick in range(problem.brick_center.shape[0]):
        dx = problem.brick_center[brick, 0] - point[0]
        dy = problem.brick_center[brick, 1] - point[1]
        dz = problem.brick_center[brick, 2] - point[2]
        t = dx * u[0] + dy * u[1] + dz * u[2]
        if dx * dx + dy * dy + dz * dz - t * t > (problem.cavity_radius + problem.brick_radius[brick]) ** 2:
            continue
        for n in range(problem.brick_start[brick], problem.brick_start[brick + 1]):
            gx, gy, gz = problem.points[0, n] - px, problem.points[1, n] - py, problem.points[2, n] - pz
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
