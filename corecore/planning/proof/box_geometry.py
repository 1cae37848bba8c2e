"""Enclosures over a box of lines: where none of them can pass, and what none of them can remove.

A line is given by where it crosses two planes across the neck axis, one through the lesion's
middle and one by the lateral cortex: at any height along the neck axis its place is then a
mean of the two, and a box of lines moves there by at most a mean of the two half-widths.
``docs/design/search.md`` states the problem and proves the lemmas. Leaving any test out only
raises the bound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.interpolation import sample
from corecore.base.jit_cache import compiled
from corecore.tunnels.figures import RING_POINTS, RING_STEP_MM

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

#: Largest slope of a line against the neck axis in each of the two directions across it.
SLOPE_LIMIT = 0.7
#: Added wherever single precision, the entry's bisection or a table's step could matter, mm.
EPS = 1e-3
#: What the mid-line's table may differ between its steps, mm.
TABLE_MM = 0.05
#: A station lies within this of any place on a wall, mm, and a sample within this angle of any on its ring.
HALF_STEP = 0.5 * RING_STEP_MM
ARC = math.pi / RING_POINTS
#: Blocks of so many voxels share one bound of the field's slope.
LIP_BLOCK = 8
#: The plane by the lateral cortex, in head radii from the neck plane; any choice gives a valid bound.
ENTRY_PLANE = -2.1


class Frame(NamedTuple):
    """Heights along the neck axis (mm from the neck plane), and how steep the distance field is.

    ``high`` and ``low``: the planes where a line's offsets are counted. ``lip``: for each
    block of voxels at least the interpolant's slope there and in the blocks around it.
    """

    low: float
    high: float
    lesion_low: float
    lesion_high: float
    lip: npt.NDArray[np.float32]
    lip_all: float


def build_frame(problem: Problem) -> Frame:
    """The planes of one hip and the slopes of its field."""
    points = problem.points.astype(np.float64).T + (problem.head_center - problem.neck_center)
    z = points @ problem.neck_frame[0]
    lip = lipschitz_blocks(problem.distance, problem.spacing)
    low = ENTRY_PLANE * problem.head_radius
    return Frame(low, float(np.median(z)), float(z.min()), float(z.max()), lip, float(lip.max()))


def lipschitz_blocks(field: npt.NDArray[np.float32], spacing: FloatArray) -> npt.NDArray[np.float32]:
    """At least the slope of the interpolant in each block of voxels and its neighbours.

    In a cell each partial derivative is a mean of the differences along four edges, so the
    slope is at most the root of the sum of their largest squares.
    """
    total = np.zeros([n - 1 for n in field.shape], dtype=np.float32)
    for axis in range(3):
        step = np.abs(np.diff(field, axis=axis)) / np.float32(spacing[axis])
        for other in range(3):
            if other != axis:
                n = step.shape[other]
                step = np.maximum(np.take(step, np.arange(n - 1), other), np.take(step, np.arange(1, n), other))
        total += step * step
    for axis in range(3):
        total = np.maximum.reduceat(total, np.arange(0, total.shape[axis], LIP_BLOCK), axis=axis)
    for axis in range(3):
        padded = np.pad(total, [(1, 1) if a == axis else (0, 0) for a in range(3)])
        n = total.shape[axis]
        total = np.maximum.reduce([np.take(padded, np.arange(k, k + n), axis) for k in range(3)])
    return np.ascontiguousarray(np.sqrt(total) * np.float32(1.00001))


@compiled()
def lip_at(prob, fr, x, y, z, reach):
    s = prob.spacing
    if reach >= LIP_BLOCK * min(s[0], s[1], s[2]):
        return fr.lip_all
    nx, ny, nz = fr.lip.shape
    i = min(max(int(x / (s[0] * LIP_BLOCK)), 0), nx - 1)
    j = min(max(int(y / (s[1] * LIP_BLOCK)), 0), ny - 1)
    k = min(max(int(z / (s[2] * LIP_BLOCK)), 0), nz - 1)
    return float(fr.lip[i, j, k])


@compiled()
def upper_depth(prob, fr, x, y, z, reach):
    """At least the depth of every point within ``reach``."""
    s, shape = prob.spacing, prob.distance.shape
    cx = min(max(x, 0.0), (shape[0] - 1) * s[0])
    cy = min(max(y, 0.0), (shape[1] - 1) * s[1])
    cz = min(max(z, 0.0), (shape[2] - 1) * s[2])
    if abs(cx - x) > reach or abs(cy - y) > reach or abs(cz - z) > reach:
        return -1000.0
    # The point of the array nearest to one within reach lies within reach of the clamped one.
    return sample(prob.distance, s, cx, cy, cz) + lip_at(prob, fr, cx, cy, cz, reach) * reach


@compiled()
def lower_depth(prob, fr, x, y, z, reach):
    """At most the depth of every point within ``reach``; -1000 where one may lie outside the array."""
    s, shape = prob.spacing, prob.distance.shape
    if (
        x - reach < 0.0
        or y - reach < 0.0
        or z - reach < 0.0
        or x + reach > (shape[0] - 1) * s[0]
        or y + reach > (shape[1] - 1) * s[1]
        or z + reach > (shape[2] - 1) * s[2]
    ):
        return -1000.0
    return sample(prob.distance, s, x, y, z) - lip_at(prob, fr, x, y, z, reach) * reach


@compiled()
def least_margin(prob, x, y, z, reach):
    """At most the margin of every point within ``reach``."""
    dx, dy, dz = x - prob.head_center[0], y - prob.head_center[1], z - prob.head_center[2]
    n = prob.neck_frame
    along = dx * n[0, 0] + dy * n[0, 1] + dz * n[0, 2]
    radius = prob.head_radius
    square = dx * dx + dy * dy + dz * dz
    size = math.sqrt(square)
    if size + reach <= radius and along - reach >= -0.5 * radius:
        return prob.joint_margin
    head = size - reach <= radius and along + reach >= -0.5 * radius
    if -along - reach >= 0.5 * radius and -along + reach <= 2.0 * radius:
        back = dx * prob.posterosuperior[0] + dy * prob.posterosuperior[1] + dz * prob.posterosuperior[2]
        side = math.sqrt(max(square - along * along - back * back, 0.0))
        if (back - side) * 0.7071067 >= reach:
            return prob.posterosuperior_margin
    margin = min(prob.cortical_margin, prob.posterosuperior_margin)
    return min(margin, prob.joint_margin) if head else margin


@compiled()
def least_margin_along(prob, x, u, along, reach):
    """At most the margin of every point within ``reach`` of the straight piece ``x`` +- ``along`` times ``u``.

    Head and postero-superior quarter are convex: which of them holds the surroundings of both ends holds the piece's.
    """
    least = least_margin(prob, x[0], x[1], x[2], reach + along)
    a = least_margin(prob, x[0] - along * u[0], x[1] - along * u[1], x[2] - along * u[2], reach)
    b = least_margin(prob, x[0] + along * u[0], x[1] + along * u[1], x[2] + along * u[2], reach)
    # More than the cortex's is told only of what lies in one of the two; a plane keeps them apart.
    if min(a, b) <= max(least, prob.cortical_margin):
        return least
    height, rise = 0.5 * prob.head_radius, 0.0
    for i in range(3):
        height += (x[i] - prob.head_center[i]) * prob.neck_frame[0, i]
        rise += along * u[i] * prob.neck_frame[0, i]
    return min(a, b) if (height - rise >= 0.0) == (height + rise >= 0.0) else least


@compiled()
def ring_drift(unique, turn):
    """At least how far a ring's sample moves on the unit circle when the direction turns."""
    free = turn + 2.0 * math.sin(0.5 * ARC)
    if not unique:
        return free
    return min(free, min(2.54 * turn, 1.2248 * turn + 3.0 * turn * turn))


@compiled()
def helper_unique(ux, uy, uz, turn):
    """Whether every direction within ``turn`` is least along the same array axis."""
    a, b, c = abs(ux), abs(uy), abs(uz)
    low = min(a, b, c)
    high = max(a, b, c)
    return (a + b + c - low - high) - low > 2.0 * turn


@compiled()
def spread(fr, half, z):
    """Half-widths of a box at height z along the neck axis."""
    share = (z - fr.low) / (fr.high - fr.low)
    return (
        abs(share) * half[0] + abs(1.0 - share) * half[2],
        abs(share) * half[1] + abs(1.0 - share) * half[3],
    )


@compiled()
def reach_at(fr, half, z):
    h1, h2 = spread(fr, half, z)
    return math.sqrt(h1 * h1 + h2 * h2)


@compiled()
def axis_of(prob, fr, centre):
    """Point on the neck plane, direction per unit of height, its length."""
    n = prob.neck_frame
    length = fr.high - fr.low
    m1, m2 = (centre[0] - centre[2]) / length, (centre[1] - centre[3]) / length
    point = prob.neck_center + (centre[0] - fr.high * m1) * n[1] + (centre[1] - fr.high * m2) * n[2]
    w = n[0] + m1 * n[1] + m2 * n[2]
    return point, w, m1, m2


@compiled()
def axis_depth(prob, point, w, z):
    return sample(prob.distance, prob.spacing, point[0] + z * w[0], point[1] + z * w[1], point[2] + z * w[2])
