"""Compiled geometry of one line in the bone: margins on rings and ends, the entry and its rules, the way outward.

Lengths in mm; ``t`` runs along the line from its point on the neck plane towards the head.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.interpolation import across, sample
from corecore.base.jit_cache import compiled
from corecore.base.limits import ENTRY_OFF_SURFACE_MM, OUTWARD_MM
from corecore.tunnels.figures import BESIDE_PLANE_MM, LEAN_LEAST, ring_count
from corecore.tunnels.limits import NUMBER_OF_REASONS, Reason

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

OK = int(Reason.OK)
CORTICAL = int(Reason.CORTICAL)
POSTEROSUPERIOR = int(Reason.POSTEROSUPERIOR)
JOINT = int(Reason.JOINT)
PORTAL = int(Reason.PORTAL)
INCIDENCE = int(Reason.INCIDENCE)
SHAFT_MIN = int(Reason.SHAFT_ANGLE_MIN)
SHAFT_MAX = int(Reason.SHAFT_ANGLE_MAX)
LENGTH = int(Reason.LENGTH)
NORMAL = int(Reason.ENTRY_NORMAL)
AP = int(Reason.ENTRY_AP)
DISTAL = int(Reason.ENTRY_DISTAL)
PROXIMAL = int(Reason.ENTRY_PROXIMAL)
FIELD_OF_VIEW = int(Reason.FIELD_OF_VIEW)
OUTWARD = int(Reason.OUTWARD)
MISSES = int(Reason.MISSES_LESION)
PELVIS = int(Reason.PELVIS)
ENTRY_FIXED = int(Reason.ENTRY_FIXED)
DIRECTION_FIXED = int(Reason.DIRECTION_FIXED)
NECK_SHARE = int(Reason.NECK_AREA_SHARE)
PIN = int(Reason.PIN)
WALL_SHARE = int(Reason.LATERAL_WALL_SHARE)
RIDGE = int(Reason.ENTRY_BELOW_RIDGE)
COUNT = NUMBER_OF_REASONS


class Axis(NamedTuple):
    """A tunnel's axis (local mm): its point on the neck plane, unit direction to the head, two unit vectors across."""

    point: FloatArray
    direction: FloatArray
    across_1: FloatArray
    across_2: FloatArray


@compiled()
def margin_at(problem: Problem, x: float, y: float, z: float) -> tuple[float, int]:
    """The margin that a wall point must keep, mm, and the reason it belongs to."""
    dx, dy, dz = x - problem.head_center[0], y - problem.head_center[1], z - problem.head_center[2]
    axes = problem.neck_frame
    along = dx * axes[0, 0] + dy * axes[0, 1] + dz * axes[0, 2]
    radius, fuzz = problem.head_radius, problem.fuzz
    square = dx * dx + dy * dy + dz * dz
    # The plane alone decides: a wall that leaves the head sideways has left it through the joint.
    if along >= -0.5 * radius - fuzz:
        return problem.joint_margin, JOINT
    if -along >= 0.5 * radius - fuzz and -along <= 2.0 * radius + fuzz:
        toward = problem.posterosuperior
        back = fuzz + dx * toward[0] + dy * toward[1] + dz * toward[2]
        if back >= 0.0 and 2.0 * back * back >= square - along * along:
            return problem.posterosuperior_margin, POSTEROSUPERIOR
    return problem.cortical_margin, CORTICAL


@compiled()
def ring_gap(problem: Problem, axis: Axis, t: float, radius: float, ring: FloatArray) -> tuple[float, int]:
    """Least (depth - margin) over a ring of ``radius`` mm at ``t``, mm, and its reason."""
    least, reason = 1e9, CORTICAL
    u, e, f = axis.direction, axis.across_1, axis.across_2
    cx, cy, cz = axis.point[0] + t * u[0], axis.point[1] + t * u[1], axis.point[2] + t * u[2]
    for m in range(ring.shape[0]):
        c, s = radius * ring[m, 0], radius * ring[m, 1]
        x, y, z = cx + c * e[0] + s * f[0], cy + c * e[1] + s * f[1], cz + c * e[2] + s * f[2]
        margin, why = margin_at(problem, x, y, z)
        gap = sample(problem.distance, problem.spacing, x, y, z) - margin
        if gap < least:
            least, reason = gap, why
    return least, reason


@compiled()
def ring_reason(problem: Problem, axis: Axis, t: float, radius: float, ring: FloatArray, keeps_margin: bool) -> int:
    """The rule that a ring of ``radius`` mm at ``t`` breaks first, or ``OK``.

    Within the entry segment (not ``keeps_margin``) the wall must only lie in bone.
    """
    u, e, f = axis.direction, axis.across_1, axis.across_2
    cx, cy, cz = axis.point[0] + t * u[0], axis.point[1] + t * u[1], axis.point[2] + t * u[2]
    for m in range(ring.shape[0]):
        c, s = radius * ring[m, 0], radius * ring[m, 1]
        x, y, z = cx + c * e[0] + s * f[0], cy + c * e[1] + s * f[1], cz + c * e[2] + s * f[2]
        depth = sample(problem.distance, problem.spacing, x, y, z)
        if not keeps_margin:
            if depth < 0.0:
                return PORTAL
        else:
            margin, why = margin_at(problem, x, y, z)
            if depth < margin:
                return why
    return OK


@compiled()
def plane_gap(problem: Problem, x: float, y: float, z: float) -> tuple[float, int]:
    """(Depth - margin) at a point on the head's plane, which belongs to both sides, mm, and the reason."""
    axis = problem.neck_frame
    bx, by, bz = BESIDE_PLANE_MM * axis[0, 0], BESIDE_PLANE_MM * axis[0, 1], BESIDE_PLANE_MM * axis[0, 2]
    margin, why = margin_at(problem, x + bx, y + by, z + bz)
    other, other_why = margin_at(problem, x - bx, y - by, z - bz)
    if other > margin:
        margin, why = other, other_why
    return sample(problem.distance, problem.spacing, x, y, z) - margin, why


@compiled()
def above_head_plane(problem: Problem, x: float, y: float, z: float) -> float:
    """Height of a point above the plane that ends the head, mm."""
    axis, centre = problem.neck_frame, problem.head_center
    along = (x - centre[0]) * axis[0, 0] + (y - centre[1]) * axis[0, 1] + (z - centre[2]) * axis[0, 2]
    return float(along + 0.5 * problem.head_radius)


@compiled()
def wall_on_plane(
    problem: Problem, axis: Axis, ring: FloatArray, start: float, stop: float, radius: float
) -> tuple[float, int]:
    """How far from ``start`` to ``stop`` a wall may go for the margins where it crosses the head's plane, and why not.

    A ring's place on either side says nothing of the place between, where the joint's margin begins.
    """
    u, e, f, normal = axis.direction, axis.across_1, axis.across_2, problem.neck_frame
    rise = u[0] * normal[0, 0] + u[1] * normal[0, 1] + u[2] * normal[0, 2]
    if rise <= 0.0:
        return stop, OK
    last, reason = stop, OK
    above = above_head_plane(problem, axis.point[0], axis.point[1], axis.point[2])
    spread = radius * math.sqrt(max(0.0, 1.0 - rise * rise))
    if (-above - spread) / rise > stop or (spread - above) / rise < start:
        return stop, OK
    for m in range(ring.shape[0]):
        c, s = radius * ring[m, 0], radius * ring[m, 1]
        x, y, z = (
            axis.point[0] + c * e[0] + s * f[0],
            axis.point[1] + c * e[1] + s * f[1],
            axis.point[2] + c * e[2] + s * f[2],
        )
        t = -above_head_plane(problem, x, y, z) / rise
        if t < start or t > last:
            continue
        gap, why = plane_gap(problem, x + t * u[0], y + t * u[1], z + t * u[2])
        if gap < 0.0:
            last, reason = t, why
    return last, reason


@compiled()
def circle_on_plane(
    problem: Problem, axis: Axis, t: float, radius: float, least: float, reason: int
) -> tuple[float, int]:
    """``least`` and ``reason``, or what is less where a circle of ``radius`` mm at ``t`` crosses the head's plane.

    There, and in the middle between.
    """
    u, e, f, normal = axis.direction, axis.across_1, axis.across_2, problem.neck_frame
    x, y, z = axis.point[0] + t * u[0], axis.point[1] + t * u[1], axis.point[2] + t * u[2]
    lean_1 = e[0] * normal[0, 0] + e[1] * normal[0, 1] + e[2] * normal[0, 2]
    lean_2 = f[0] * normal[0, 0] + f[1] * normal[0, 1] + f[2] * normal[0, 2]
    lean = math.sqrt(lean_1 * lean_1 + lean_2 * lean_2)
    away = -above_head_plane(problem, x, y, z)
    if abs(away) >= lean * radius:
        return least, reason
    up = away / lean
    half = math.sqrt(radius * radius - up * up)
    for k in range(-1, 2):
        c, s = (up * lean_1 - k * half * lean_2) / lean, (up * lean_2 + k * half * lean_1) / lean
        gap, why = plane_gap(problem, x + c * e[0] + s * f[0], y + c * e[1] + s * f[1], z + c * e[2] + s * f[2])
        if gap < least:
            least, reason = gap, why
    return least, reason


@compiled()
def flat_end_gap(problem: Problem, axis: Axis, t: float, radius: float, ring: FloatArray) -> tuple[float, int]:
    """Least (depth - margin) over a flat end of ``radius`` mm at ``t``, mm, and its reason."""
    u = axis.direction
    x, y, z = axis.point[0] + t * u[0], axis.point[1] + t * u[1], axis.point[2] + t * u[2]
    margin, why = margin_at(problem, x, y, z)
    least, reason = sample(problem.distance, problem.spacing, x, y, z) - margin, why
    for share in (0.25, 0.5, 0.75, 1.0):
        gap, why = ring_gap(problem, axis, t, share * radius, ring)
        if gap < least:
            least, reason = gap, why
        least, reason = circle_on_plane(problem, axis, t, share * radius, least, reason)
    return least, reason


@compiled()
def line_of(problem: Problem, p: float, q: float, a: float, b: float) -> tuple[FloatArray, FloatArray]:
    """A line's point on the neck plane (3,) and its unit direction (3,) towards the head.

    ``p``, ``q``: offsets on that plane, mm; ``a``, ``b``: slopes against the neck axis.
    """
    axes = problem.neck_frame
    point = problem.neck_center + p * axes[1] + q * axes[2]
    u = axes[0] + a * axes[1] + b * axes[2]
    return point, u / math.sqrt(u[0] * u[0] + u[1] * u[1] + u[2] * u[2])


@compiled()
def axis_of(point: FloatArray, direction: FloatArray) -> Axis:
    """The axis through a point (3,) with a unit direction (3,)."""
    across_1, across_2 = across(direction[0], direction[1], direction[2])
    return Axis(point, direction, across_1, across_2)


@compiled()
def find_entry(problem: Problem, point: FloatArray, u: FloatArray) -> float:
    """``t`` (negative) where an axis, followed outward, first leaves the bone; 1 if ``point`` is outside."""
    field, spacing = problem.distance, problem.spacing
    depth = sample(field, spacing, point[0], point[1], point[2])
    if depth <= 0.0:
        return 1.0
    t = 0.0
    while True:
        ahead = t - max(0.9 * depth, 0.05)
        depth = sample(field, spacing, point[0] + ahead * u[0], point[1] + ahead * u[1], point[2] + ahead * u[2])
        if depth <= 0.0:
            break
        t = ahead
    outside, inside = ahead, t
    while inside - outside > 1e-4:
        middle = 0.5 * (outside + inside)
        depth = sample(field, spacing, point[0] + middle * u[0], point[1] + middle * u[1], point[2] + middle * u[2])
        if depth > 0.0:
            inside = middle
        else:
            outside = middle
    return 0.5 * (outside + inside)


@compiled()
def entry_normal(problem: Problem, x: float, y: float, z: float) -> FloatArray:
    """Outward unit normal (3,) at an entry, of the surface averaged over a drill's width."""
    field, spacing = problem.mouth_field, problem.spacing
    normal = np.array(
        [
            sample(field, spacing, x - 1.0, y, z) - sample(field, spacing, x + 1.0, y, z),
            sample(field, spacing, x, y - 1.0, z) - sample(field, spacing, x, y + 1.0, z),
            sample(field, spacing, x, y, z - 1.0) - sample(field, spacing, x, y, z + 1.0),
        ]
    )
    return normal / max(math.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2), 1e-12)


@compiled()
def entry_gaps(problem: Problem, point: FloatArray, u: FloatArray, entry: float, gaps: FloatArray) -> float:
    """Fill ``gaps`` (COUNT,) with how far each rule of entry and direction is kept, mm, degrees or share;
    returns the sine of incidence.

    ``point``, ``u`` (3,): the axis, which enters at ``t`` = ``entry``.
    """
    x, y, z = point[0] + entry * u[0], point[1] + entry * u[1], point[2] + entry * u[2]
    frame = problem.femoral_frame
    normal = entry_normal(problem, x, y, z)
    sine: float = min(max(abs(normal[0] * u[0] + normal[1] * u[1] + normal[2] * u[2]), 1e-6), 1.0)
    degrees = 180.0 / math.pi
    gaps[INCIDENCE] = degrees * (math.asin(sine) - math.asin(problem.incidence_min_sine))
    lateral = normal[0] * frame[0, 0] + normal[1] * frame[0, 1] + normal[2] * frame[0, 2]
    gaps[NORMAL] = degrees * (math.acos(problem.entry_normal_min_cosine) - math.acos(min(1.0, max(-1.0, lateral))))
    cosine = -(u[0] * frame[2, 0] + u[1] * frame[2, 1] + u[2] * frame[2, 2])
    angle = math.acos(min(1.0, max(-1.0, cosine)))
    gaps[SHAFT_MIN] = degrees * (angle - problem.shaft_angle_min)
    gaps[SHAFT_MAX] = degrees * (problem.shaft_angle_max - angle)
    dx, dy, dz = x - problem.head_center[0], y - problem.head_center[1], z - problem.head_center[2]
    height = dx * frame[2, 0] + dy * frame[2, 1] + dz * frame[2, 2]
    front = dx * frame[1, 0] + dy * frame[1, 1] + dz * frame[1, 2]
    rise = problem.radius / max(math.sin(angle), 1e-6)
    gaps[DISTAL] = height - rise - problem.trochanter_height - problem.entry_distal
    gaps[PROXIMAL] = problem.entry_proximal - (height + rise - problem.trochanter_height)
    at = min(max((height - problem.midline_start) / 0.5, 0.0), problem.midline_y.shape[0] - 1.0)
    low = min(int(at), problem.midline_y.shape[0] - 2)
    middle = problem.midline_y[low] + (at - low) * (problem.midline_y[low + 1] - problem.midline_y[low])
    gaps[AP] = problem.entry_ap_max - abs(front - middle)
    gaps[PORTAL] = ENTRY_OFF_SURFACE_MM - abs(sample(problem.mouth_field, problem.spacing, x, y, z))
    gaps[FIELD_OF_VIEW] = 1e9
    for c in range(problem.cut_points.shape[0]):
        gx, gy, gz = problem.cut_points[c, 0] - x, problem.cut_points[c, 1] - y, problem.cut_points[c, 2] - z
        gap = math.sqrt(gx * gx + gy * gy + gz * gz) - problem.radius - problem.cortical_margin
        gaps[FIELD_OF_VIEW] = min(gaps[FIELD_OF_VIEW], gap)
    # Where no whole section is in view the mid-line is unknown, and so is the entry.
    end = problem.midline_start + 0.5 * (problem.midline_y.shape[0] - 1)
    gaps[FIELD_OF_VIEW] = min(gaps[FIELD_OF_VIEW], min(height - problem.midline_start, end - height) + 0.5)
    gaps[ENTRY_FIXED], gaps[DIRECTION_FIXED], gaps[NECK_SHARE], gaps[WALL_SHARE] = 1e9, 1e9, 1e9, 1e9
    gaps[RIDGE] = problem.ridge_height - (height + rise)
    if problem.wall_share_max >= 0.0:
        width = problem.wall_width[low] + (at - low) * (problem.wall_width[low + 1] - problem.wall_width[low])
        forward = u[0] * frame[1, 0] + u[1] * frame[1, 1] + u[2] * frame[1, 2]
        taken = 2.0 * problem.radius / math.sqrt(max(1.0 - forward * forward, 1e-9)) / width
        gaps[WALL_SHARE] = problem.wall_share_max - min(taken, 1.0)
    if problem.neck_share_max >= 0.0:
        neck = problem.neck_frame
        lean = abs(u[0] * neck[0, 0] + u[1] * neck[0, 1] + u[2] * neck[0, 2])
        gaps[NECK_SHARE] = problem.neck_share_max - problem.neck_share_along / max(lean, LEAN_LEAST)
    if problem.entry_kept >= 0.0:
        fx, fy, fz = x - problem.entry_fixed[0], y - problem.entry_fixed[1], z - problem.entry_fixed[2]
        gaps[ENTRY_FIXED] = problem.entry_kept - math.sqrt(fx * fx + fy * fy + fz * fz)
    if problem.direction_kept >= 0.0:
        d = problem.direction_fixed
        # By the sine of small angles: near 1 a cosine knows no thousandths of a degree.
        cx, cy, cz = u[1] * d[2] - u[2] * d[1], u[2] * d[0] - u[0] * d[2], u[0] * d[1] - u[1] * d[0]
        turned = math.asin(min(1.0, math.sqrt(cx * cx + cy * cy + cz * cz)))
        if u[0] * d[0] + u[1] * d[1] + u[2] * d[2] < 0.0:
            turned = math.pi - turned
        gaps[DIRECTION_FIXED] = problem.direction_kept - degrees * turned
    return sine


@compiled()
def walk_wall(
    problem: Problem, axis: Axis, ring: FloatArray, start: float, stop: float, step: float, segment_end: float
) -> tuple[float, int]:
    """Walk the wall from ``start`` to ``stop``: the last ``t`` with every margin kept, and the rule broken after it.

    Rings stand at most ``step`` mm apart where the wall may be near; before ``segment_end``, in the
    entry segment, no margin is asked for.
    """
    sign = 1.0 if stop >= start else -1.0
    t, last = start, start
    hardest = max(problem.joint_margin, problem.posterosuperior_margin)
    point, u = axis.point, axis.direction
    first = True
    while True:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        room = sample(problem.distance, problem.spacing, x, y, z) - problem.radius - hardest
        if room <= 0.0:
            why = ring_reason(problem, axis, t, problem.radius, ring, t >= segment_end)
            if why != OK:
                if first:
                    return start - sign * step, why
                return last, why
        first = False
        last = t
        if t == stop:
            return stop, OK
        t += sign * max(step, room)
        if (stop - t) * sign < 0.0:
            t = stop


@compiled()
def outward_is_free(problem: Problem, axis: Axis, ring: FloatArray, entry: float, rim: float) -> bool:
    """Whether the tunnel prolonged outward meets no bone, from ``rim`` mm outside its entry on."""
    point, u, e, f = axis.point, axis.direction, axis.across_1, axis.across_2
    t = entry - rim
    end = entry - OUTWARD_MM
    while t > end:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        depth = sample(problem.distance, problem.spacing, x, y, z)
        if depth > 0.0:
            return False
        if depth > -problem.radius - 1.0:
            for m in range(ring.shape[0]):
                c, s = problem.radius * ring[m, 0], problem.radius * ring[m, 1]
                wall_x, wall_y = x + c * e[0] + s * f[0], y + c * e[1] + s * f[1]
                if sample(problem.distance, problem.spacing, wall_x, wall_y, z + c * e[2] + s * f[2]) > 0.0:
                    return False
        t -= min(max(0.5, -depth - problem.radius - 1.0), 10.0)
    return True


def ring_points(number: int) -> FloatArray:
    """Cosines and sines of evenly spaced angles, (number, 2)."""
    angle = 2.0 * np.pi * np.arange(number) / number
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def fine_ring(problem: Problem) -> FloatArray:
    """Cosines and sines (M, 2) round the wall as finely as a tunnel is judged in the end."""
    return ring_points(ring_count(max(problem.radius, problem.cavity_radius)))
