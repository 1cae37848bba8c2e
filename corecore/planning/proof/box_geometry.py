"""A box of lines: where its lines lie at any height, how far they turn, and the depth and margin round them.

A line is given by its offsets A and B on two planes across the neck axis, one through the
lesion's middle and one by the lateral cortex: at any height along the neck axis its place is
then a mean of the two, and a box of lines moves there by at most a mean of the two half-widths
(P1). ``docs/design/search.md`` states the problem and proves the inequalities (P1) to (P33) that
this room names. Leaving any test out only raises the bound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.interpolation import OUTSIDE, across, sample
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
#: A station lies within this of any place on a wall, mm, and a sample within this angle of any on its ring (wide
#: drills have more samples).
HALF_STEP = 0.5 * RING_STEP_MM
ARC = math.pi / RING_POINTS
#: Blocks of so many voxels share one bound of the field's slope.
SLOPE_BLOCK = 8
#: Rings of an instrument's end that a box is looked at by: at most, and how far apart its corners and other places
#: must lie for it, mm. Leaving one out only raises the bound.
MOST_END_RINGS, CORNERS_APART_MM, RINGS_APART_MM = 8, 0.5, 1.5
#: A row of them: how far behind the tip, radius, both mm, and 1 where the guide pin drills it.
END_BACK, END_RADIUS, END_PIN = 0, 1, 2
#: The plane by the lateral cortex, in head radii from the neck plane; any choice gives a valid bound.
ENTRY_PLANE = -2.1


class Frame(NamedTuple):
    """Heights along the neck axis (mm from the neck plane), and how steep the distance field is.

    ``lesion_plane`` and ``entry_plane``: the planes where a line's offsets A and B are counted.
    ``block_slopes`` (blocks along three axes): at least the interpolant's slope in each block of
    voxels and in those around it; ``steepest``: the greatest of them. ``end_rings`` (M, 3): samples of a tunnel's end.
    """

    entry_plane: float
    lesion_plane: float
    lesion_low: float
    lesion_high: float
    block_slopes: npt.NDArray[np.float32]
    steepest: float
    end_rings: FloatArray


class LineBox(NamedTuple):
    """A box of lines and its centre line (lengths mm, local frame).

    ``centre``, ``half_widths`` (4,): offsets A1, A2 on the lesion's plane and B1, B2 on the entry's.
    ``point`` (3,): the centre line on the neck plane. ``per_height`` (3,): its direction, a
    millimetre along the neck axis long there; ``direction`` the same of unit length, ``stretch``
    the length lost. ``slope_1``, ``slope_2``: its slopes against the neck axis. ``turn``: at least
    how far any line's direction lies off the centre line's (P2). ``ring_1``, ``ring_2`` (3,): the
    basis of the centre line's ring; ``ring_steady``: every line's has the same array axis for it.
    """

    centre: FloatArray
    half_widths: FloatArray
    point: FloatArray
    per_height: FloatArray
    direction: FloatArray
    stretch: float
    slope_1: float
    slope_2: float
    turn: float
    ring_1: FloatArray
    ring_2: FloatArray
    ring_steady: bool


def build_frame(problem: Problem) -> Frame:
    """The planes of one hip and the slopes of its field."""
    points = problem.points.astype(np.float64).T + (problem.head_center - problem.neck_center)
    heights = points @ problem.neck_frame[0]
    slopes = block_slopes(problem.distance, problem.spacing)
    return Frame(
        entry_plane=ENTRY_PLANE * problem.head_radius,
        lesion_plane=float(np.median(heights)),
        lesion_low=float(heights.min()),
        lesion_high=float(heights.max()),
        block_slopes=slopes,
        steepest=float(slopes.max()),
        end_rings=end_rings(problem),
    )


def end_rings(problem: Problem) -> FloatArray:
    """Rings (M, 3) of a tunnel's end that keep their margins: a flat end's, or some of its instrument's outline (P31).

    Of an outline the corners first, each the farthest from those taken, then places between.
    """
    outline = problem.end_rings
    if len(outline) == 0:
        return np.array([(0.0, problem.radius, 0.0), (0.0, 0.5 * problem.radius, 0.0), (0.0, 0.0, 0.0)])
    outline = outline[looked_at(outline)]
    corner = outline[:, 3] > 0.0
    taken = [len(outline) - 1]
    apart = np.hypot(*(outline[:, :2] - outline[-1, :2]).T)
    for among, least in ((corner, CORNERS_APART_MM), (np.ones(len(outline), dtype=bool), RINGS_APART_MM)):
        while len(taken) < MOST_END_RINGS:
            farthest = int(np.argmax(np.where(among, apart, -1.0)))
            if apart[farthest] < least:
                break
            taken.append(farthest)
            apart = np.minimum(apart, np.hypot(*(outline[:, :2] - outline[farthest, :2]).T))
    return np.ascontiguousarray(outline[sorted(taken), :3])


def looked_at(outline: FloatArray) -> BoolArray:
    """Which rings (M,) of an outline the search looks at with its finest step: the last evaluation looks at all."""
    found, before = np.zeros(len(outline), dtype=bool), -np.inf
    for k, (back, radius, _, corner) in enumerate(outline):
        if corner > 0.0 or radius == 0.0 or back - before >= RING_STEP_MM - 1e-6:
            found[k], before = True, back
    return found


def block_slopes(field: npt.NDArray[np.float32], spacing: FloatArray) -> npt.NDArray[np.float32]:
    """At least the slope of the interpolant in each block of voxels and its neighbours (P3).

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
        total = np.maximum.reduceat(total, np.arange(0, total.shape[axis], SLOPE_BLOCK), axis=axis)
    for axis in range(3):
        padded = np.pad(total, [(1, 1) if a == axis else (0, 0) for a in range(3)])
        n = total.shape[axis]
        total = np.maximum.reduce([np.take(padded, np.arange(k, k + n), axis) for k in range(3)])
    return np.ascontiguousarray(np.sqrt(total) * np.float32(1.00001))


@compiled()
def field_slope(problem: Problem, frame: Frame, x: float, y: float, z: float, reach: float) -> float:
    """At least the field's slope within ``reach`` mm of a point (P3)."""
    spacing = problem.spacing
    if reach >= SLOPE_BLOCK * min(spacing[0], spacing[1], spacing[2]):
        return frame.steepest
    blocks_x, blocks_y, blocks_z = frame.block_slopes.shape
    i = min(max(int(x / (spacing[0] * SLOPE_BLOCK)), 0), blocks_x - 1)
    j = min(max(int(y / (spacing[1] * SLOPE_BLOCK)), 0), blocks_y - 1)
    k = min(max(int(z / (spacing[2] * SLOPE_BLOCK)), 0), blocks_z - 1)
    return float(frame.block_slopes[i, j, k])


@compiled()
def greatest_depth(problem: Problem, frame: Frame, x: float, y: float, z: float, reach: float) -> float:
    """At least the depth of every point within ``reach`` mm (P3)."""
    spacing, shape = problem.spacing, problem.distance.shape
    near_x = min(max(x, 0.0), (shape[0] - 1) * spacing[0])
    near_y = min(max(y, 0.0), (shape[1] - 1) * spacing[1])
    near_z = min(max(z, 0.0), (shape[2] - 1) * spacing[2])
    if abs(near_x - x) > reach or abs(near_y - y) > reach or abs(near_z - z) > reach:
        return OUTSIDE
    # The point of the array nearest to one within reach lies within reach of the clamped one.
    slope = field_slope(problem, frame, near_x, near_y, near_z, reach)
    return sample(problem.distance, spacing, near_x, near_y, near_z) + slope * reach


@compiled()
def least_depth(problem: Problem, frame: Frame, x: float, y: float, z: float, reach: float) -> float:
    """At most the depth of every point within ``reach`` mm (P3); ``OUTSIDE`` where one may lie outside the array."""
    spacing, shape = problem.spacing, problem.distance.shape
    if (
        x - reach < 0.0
        or y - reach < 0.0
        or z - reach < 0.0
        or x + reach > (shape[0] - 1) * spacing[0]
        or y + reach > (shape[1] - 1) * spacing[1]
        or z + reach > (shape[2] - 1) * spacing[2]
    ):
        return OUTSIDE
    return sample(problem.distance, spacing, x, y, z) - field_slope(problem, frame, x, y, z, reach) * reach


@compiled()
def least_margin(problem: Problem, x: float, y: float, z: float, reach: float) -> float:
    """At most the margin of every point within ``reach`` mm (P5)."""
    dx, dy, dz = x - problem.head_center[0], y - problem.head_center[1], z - problem.head_center[2]
    axis = problem.neck_frame
    along = dx * axis[0, 0] + dy * axis[0, 1] + dz * axis[0, 2]
    radius = problem.head_radius
    square = dx * dx + dy * dy + dz * dz
    if along - reach >= -0.5 * radius:
        return problem.joint_margin
    touches_head = along + reach >= -0.5 * radius
    if -along - reach >= 0.5 * radius and -along + reach <= 2.0 * radius:
        back = dx * problem.posterosuperior[0] + dy * problem.posterosuperior[1] + dz * problem.posterosuperior[2]
        side = math.sqrt(max(square - along * along - back * back, 0.0))
        if (back - side) * 0.7071067 >= reach:
            return problem.posterosuperior_margin
    margin = min(problem.cortical_margin, problem.posterosuperior_margin)
    return min(margin, problem.joint_margin) if touches_head else margin


@compiled()
def least_margin_along(problem: Problem, x: FloatArray, direction: FloatArray, along: float, reach: float) -> float:
    """At most the margin of every point within ``reach`` of the piece ``x`` +- ``along`` times ``direction`` (P6).

    The head's side of its plane and the postero-superior quarter are convex: which of them holds the surroundings of
    both ends holds the piece's.
    """
    least = least_margin(problem, x[0], x[1], x[2], reach + along)
    behind = least_margin(
        problem, x[0] - along * direction[0], x[1] - along * direction[1], x[2] - along * direction[2], reach
    )
    ahead = least_margin(
        problem, x[0] + along * direction[0], x[1] + along * direction[1], x[2] + along * direction[2], reach
    )
    # More than the cortex's is told only of what lies in one of the two; a plane keeps them apart.
    if min(behind, ahead) <= max(least, problem.cortical_margin):
        return least
    height, rise = 0.5 * problem.head_radius, 0.0
    for i in range(3):
        height += (x[i] - problem.head_center[i]) * problem.neck_frame[0, i]
        rise += along * direction[i] * problem.neck_frame[0, i]
    return min(behind, ahead) if (height - rise >= 0.0) == (height + rise >= 0.0) else least


@compiled()
def ring_drift(steady: bool, turn: float) -> float:
    """At least how far a ring's sample moves on the unit circle when the direction turns (P7)."""
    unsteady_drift = turn + 2.0 * math.sin(0.5 * ARC)
    if not steady:
        return unsteady_drift
    return min(unsteady_drift, min(2.54 * turn, 1.2248 * turn + 3.0 * turn * turn))


@compiled()
def ring_twist(box: LineBox) -> float:
    """At least how far a ring turns round its own axis as the direction turns, radians (P7)."""
    return 0.7072 * box.turn if box.ring_steady else ARC


@compiled()
def ring_is_steady(x: float, y: float, z: float, turn: float) -> bool:
    """Whether every direction within ``turn`` of a unit vector is least along the same array axis (P7)."""
    a, b, c = abs(x), abs(y), abs(z)
    low = min(a, b, c)
    high = max(a, b, c)
    return (a + b + c - low - high) - low > 2.0 * turn


@compiled()
def spread_at(frame: Frame, half_widths: FloatArray, z: float) -> tuple[float, float]:
    """Half-widths of a box (4,) at height ``z`` along the neck axis, in the two directions across it, mm (P1)."""
    share = (z - frame.entry_plane) / (frame.lesion_plane - frame.entry_plane)
    return (
        abs(share) * half_widths[0] + abs(1.0 - share) * half_widths[2],
        abs(share) * half_widths[1] + abs(1.0 - share) * half_widths[3],
    )


@compiled()
def reach_at(frame: Frame, half_widths: FloatArray, z: float) -> float:
    """At least how far any line of a box lies from its centre line at height ``z``, mm (P1)."""
    half_1, half_2 = spread_at(frame, half_widths, z)
    return math.sqrt(half_1 * half_1 + half_2 * half_2)


@compiled()
def greatest_reach(frame: Frame, half_widths: FloatArray, low: float, high: float) -> float:
    """``reach_at`` over all heights between two: convex in the height, so greatest at an end (P1)."""
    return max(reach_at(frame, half_widths, low), reach_at(frame, half_widths, high))


@compiled()
def build_box(problem: Problem, frame: Frame, centre: FloatArray, half_widths: FloatArray) -> LineBox:
    """The box of lines of a centre (4,) and half-widths (4,), mm."""
    axes = problem.neck_frame
    length = frame.lesion_plane - frame.entry_plane
    slope_1, slope_2 = (centre[0] - centre[2]) / length, (centre[1] - centre[3]) / length
    point = (
        problem.neck_center
        + (centre[0] - frame.lesion_plane * slope_1) * axes[1]
        + (centre[1] - frame.lesion_plane * slope_2) * axes[2]
    )
    per_height = axes[0] + slope_1 * axes[1] + slope_2 * axes[2]
    stretch = math.sqrt(per_height[0] * per_height[0] + per_height[1] * per_height[1] + per_height[2] * per_height[2])
    direction = per_height / stretch
    # (P2): slopes move by at most the half-widths of both ends over the planes' distance.
    turn_1, turn_2 = (half_widths[0] + half_widths[2]) / length, (half_widths[1] + half_widths[3]) / length
    turn = math.sqrt(turn_1 * turn_1 + turn_2 * turn_2)
    ring_1, ring_2 = across(direction[0], direction[1], direction[2])
    steady = ring_is_steady(direction[0], direction[1], direction[2], turn)
    return LineBox(
        centre, half_widths, point, per_height, direction, stretch, slope_1, slope_2, turn, ring_1, ring_2, steady
    )


@compiled()
def end_rise(problem: Problem, box: LineBox) -> float:
    """At least how much higher than its shaft's end any tunnel of a box has its tip, mm of height (P32)."""
    rise: float = problem.end_length / max(1.0, box.stretch - box.turn)
    return rise


@compiled()
def pin_rise(problem: Problem, box: LineBox) -> float:
    """At least how far beyond its tip any tunnel of a box drills with a guide pin, mm of height (P33)."""
    rise: float = problem.end_ahead / max(1.0, box.stretch - box.turn)
    return rise


@compiled()
def end_off(box: LineBox, back: float) -> float:
    """How far along its line any line's ring ``back`` mm behind a tip lies from the centre line's at most, mm (P31)."""
    slope = math.sqrt(box.slope_1 * box.slope_1 + box.slope_2 * box.slope_2)
    return abs(back) * box.turn * min(1.0, slope + 0.5 * box.turn)


@compiled()
def end_reach(frame: Frame, box: LineBox, height: float, off: float) -> float:
    """How far any line's axis lies from the centre line's at a height at most, its own within ``off`` of that, mm."""
    reach = greatest_reach(frame, box.half_widths, height - off, height + off)
    return reach + off * (box.stretch + box.turn) + EPS


@compiled()
def end_margin(problem: Problem, pin: float, x: float, y: float, z: float, reach: float) -> float:
    """At most the margin that a ring of the end keeps within ``reach`` mm: the guide pin has its own (P31)."""
    if pin > 0.0:
        return float(problem.pin_margin)
    return least_margin(problem, x, y, z, reach)


@compiled()
def axis_depth(problem: Problem, box: LineBox, z: float) -> float:
    """Depth of the centre line at height ``z`` along the neck axis, mm."""
    return sample(
        problem.distance,
        problem.spacing,
        box.point[0] + z * box.per_height[0],
        box.point[1] + z * box.per_height[1],
        box.point[2] + z * box.per_height[2],
    )
