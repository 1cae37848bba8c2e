"""Compiled geometry of one line in the bone: margins on rings and ends, the entry and its rules, the way outward.

Lengths in mm; ``t`` runs along the line from its point on the neck plane towards the head.
"""

from __future__ import annotations

import math

import numpy as np

from corecore.base.interpolation import sample
from corecore.base.jit_cache import compiled
from corecore.tunnels.figures import ENTRY_OFF_SURFACE_MM, OUTWARD_MM
from corecore.tunnels.limits import NUMBER_OF_REASONS, Reason

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
COUNT = NUMBER_OF_REASONS


@compiled()
def margin_at(prob, x, y, z):
    """The margin that a wall point must keep, and the reason it belongs to."""
    dx, dy, dz = x - prob.head_center[0], y - prob.head_center[1], z - prob.head_center[2]
    n = prob.neck_frame
    along = dx * n[0, 0] + dy * n[0, 1] + dz * n[0, 2]
    radius, fuzz = prob.head_radius, prob.fuzz
    square = dx * dx + dy * dy + dz * dz
    if square <= (radius + fuzz) * (radius + fuzz) and along >= -0.5 * radius - fuzz:
        return prob.joint_margin, JOINT
    if -along >= 0.5 * radius - fuzz and -along <= 2.0 * radius + fuzz:
        back = fuzz + dx * prob.posterosuperior[0] + dy * prob.posterosuperior[1] + dz * prob.posterosuperior[2]
        if back >= 0.0 and 2.0 * back * back >= square - along * along:
            return prob.posterosuperior_margin, POSTEROSUPERIOR
    return prob.cortical_margin, CORTICAL


@compiled()
def ring_gap(prob, cx, cy, cz, e, f, radius, ring):
    """Least (depth - margin) over a ring round (cx, cy, cz), and its reason."""
    least, reason = 1e9, CORTICAL
    for m in range(ring.shape[0]):
        c, s = radius * ring[m, 0], radius * ring[m, 1]
        x, y, z = cx + c * e[0] + s * f[0], cy + c * e[1] + s * f[1], cz + c * e[2] + s * f[2]
        margin, why = margin_at(prob, x, y, z)
        gap = sample(prob.distance, prob.spacing, x, y, z) - margin
        if gap < least:
            least, reason = gap, why
    return least, reason


@compiled()
def ring_breaks(prob, cx, cy, cz, e, f, radius, ring, beyond):
    """The rule that a ring round (cx, cy, cz) breaks first, or ``OK``."""
    for m in range(ring.shape[0]):
        c, s = radius * ring[m, 0], radius * ring[m, 1]
        x, y, z = cx + c * e[0] + s * f[0], cy + c * e[1] + s * f[1], cz + c * e[2] + s * f[2]
        depth = sample(prob.distance, prob.spacing, x, y, z)
        if not beyond:
            if depth < 0.0:
                return PORTAL
        else:
            margin, why = margin_at(prob, x, y, z)
            if depth < margin:
                return why
    return OK


@compiled()
def disc_gap(prob, cx, cy, cz, e, f, ring, radius):
    """Least (depth - margin) over a flat end."""
    margin, why = margin_at(prob, cx, cy, cz)
    least, reason = sample(prob.distance, prob.spacing, cx, cy, cz) - margin, why
    for share in (0.25, 0.5, 0.75, 1.0):
        gap, why = ring_gap(prob, cx, cy, cz, e, f, share * radius, ring)
        if gap < least:
            least, reason = gap, why
    return least, reason


@compiled()
def line_of(prob, p, q, a, b):
    """A line's point on the neck plane and its unit direction towards the head."""
    n = prob.neck_frame
    point = prob.neck_center + p * n[1] + q * n[2]
    u = n[0] + a * n[1] + b * n[2]
    return point, u / math.sqrt(u[0] * u[0] + u[1] * u[1] + u[2] * u[2])


@compiled()
def find_entry(prob, point, u):
    """``t`` (negative) where the axis, followed outward, first leaves the bone; 1 if ``point`` is outside."""
    depth = sample(prob.distance, prob.spacing, point[0], point[1], point[2])
    if depth <= 0.0:
        return 1.0
    t = 0.0
    while True:
        ahead = t - max(0.9 * depth, 0.05)
        depth = sample(
            prob.distance, prob.spacing, point[0] + ahead * u[0], point[1] + ahead * u[1], point[2] + ahead * u[2]
        )
        if depth <= 0.0:
            break
        t = ahead
    low, high = ahead, t
    while high - low > 1e-4:
        middle = 0.5 * (low + high)
        if (
            sample(
                prob.distance,
                prob.spacing,
                point[0] + middle * u[0],
                point[1] + middle * u[1],
                point[2] + middle * u[2],
            )
            > 0.0
        ):
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


@compiled()
def mouth_normal(prob, x, y, z):
    """Outward unit normal at an entry, averaged over a drill's mouth."""
    f, s = prob.mouth_field, prob.spacing
    normal = np.array(
        [
            sample(f, s, x - 1.0, y, z) - sample(f, s, x + 1.0, y, z),
            sample(f, s, x, y - 1.0, z) - sample(f, s, x, y + 1.0, z),
            sample(f, s, x, y, z - 1.0) - sample(f, s, x, y, z + 1.0),
        ]
    )
    return normal / max(math.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2), 1e-12)


@compiled()
def entry_gaps(prob, point, u, entry, gaps):
    """Fill ``gaps`` with how far each rule of the entry is kept (mm, degrees); the sine of incidence."""
    x, y, z = point[0] + entry * u[0], point[1] + entry * u[1], point[2] + entry * u[2]
    frame = prob.femoral_frame
    normal = mouth_normal(prob, x, y, z)
    sine = min(max(abs(normal[0] * u[0] + normal[1] * u[1] + normal[2] * u[2]), 1e-6), 1.0)
    degrees = 180.0 / math.pi
    gaps[INCIDENCE] = degrees * (math.asin(sine) - math.asin(prob.incidence_min_sine))
    lateral = normal[0] * frame[0, 0] + normal[1] * frame[0, 1] + normal[2] * frame[0, 2]
    gaps[NORMAL] = degrees * (math.acos(prob.entry_normal_min_cosine) - math.acos(min(1.0, max(-1.0, lateral))))
    cosine = -(u[0] * frame[2, 0] + u[1] * frame[2, 1] + u[2] * frame[2, 2])
    angle = math.acos(min(1.0, max(-1.0, cosine)))
    gaps[SHAFT_MIN] = degrees * (angle - prob.shaft_angle_min)
    gaps[SHAFT_MAX] = degrees * (prob.shaft_angle_max - angle)
    dx, dy, dz = x - prob.head_center[0], y - prob.head_center[1], z - prob.head_center[2]
    height = dx * frame[2, 0] + dy * frame[2, 1] + dz * frame[2, 2]
    front = dx * frame[1, 0] + dy * frame[1, 1] + dz * frame[1, 2]
    rise = prob.radius / max(math.sin(angle), 1e-6)
    gaps[DISTAL] = height - rise - prob.trochanter_height - prob.entry_distal
    gaps[PROXIMAL] = prob.entry_proximal - (height + rise - prob.trochanter_height)
    at = min(max((height - prob.midline_start) / 0.5, 0.0), prob.midline_y.shape[0] - 1.0)
    low = min(int(at), prob.midline_y.shape[0] - 2)
    middle = prob.midline_y[low] + (at - low) * (prob.midline_y[low + 1] - prob.midline_y[low])
    gaps[AP] = prob.entry_ap_max - abs(front - middle)
    gaps[PORTAL] = ENTRY_OFF_SURFACE_MM - abs(sample(prob.mouth_field, prob.spacing, x, y, z))
    gaps[FIELD_OF_VIEW] = 1e9
    for c in range(prob.cut_points.shape[0]):
        gx, gy, gz = prob.cut_points[c, 0] - x, prob.cut_points[c, 1] - y, prob.cut_points[c, 2] - z
        gap = math.sqrt(gx * gx + gy * gy + gz * gz) - prob.radius - prob.cortical_margin
        gaps[FIELD_OF_VIEW] = min(gaps[FIELD_OF_VIEW], gap)
    # Where no whole section is in view the mid-line is unknown, and so is the entry.
    end = prob.midline_start + 0.5 * (prob.midline_y.shape[0] - 1)
    gaps[FIELD_OF_VIEW] = min(gaps[FIELD_OF_VIEW], min(height - prob.midline_start, end - height) + 0.5)
    gaps[ENTRY_FIXED], gaps[DIRECTION_FIXED] = 1e9, 1e9
    if prob.entry_kept >= 0.0:
        fx, fy, fz = x - prob.entry_fixed[0], y - prob.entry_fixed[1], z - prob.entry_fixed[2]
        gaps[ENTRY_FIXED] = prob.entry_kept - math.sqrt(fx * fx + fy * fy + fz * fz)
    if prob.direction_kept >= 0.0:
        d = prob.direction_fixed
        # By the sine of small angles: near 1 a cosine knows no thousandths of a degree.
        cx, cy, cz = u[1] * d[2] - u[2] * d[1], u[2] * d[0] - u[0] * d[2], u[0] * d[1] - u[1] * d[0]
        turned = math.asin(min(1.0, math.sqrt(cx * cx + cy * cy + cz * cz)))
        if u[0] * d[0] + u[1] * d[1] + u[2] * d[2] < 0.0:
            turned = math.pi - turned
        gaps[DIRECTION_FIXED] = prob.direction_kept - degrees * turned
    return sine


@compiled()
def wall_reach(prob, point, u, e, f, ring, start, stop, step, portal):
    """Walk the wall from ``start`` to ``stop``: the last ``t`` with every margin kept, and the rule broken after it."""
    sign = 1.0 if stop >= start else -1.0
    t, last = start, start
    hardest = max(prob.joint_margin, prob.posterosuperior_margin)
    first = True
    while True:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        room = sample(prob.distance, prob.spacing, x, y, z) - prob.radius - hardest
        if room <= 0.0:
            why = ring_breaks(prob, x, y, z, e, f, prob.radius, ring, t >= portal)
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
def outward_free(prob, point, u, e, f, ring, entry, mouth):
    """Whether the tunnel prolonged outward from its mouth meets no bone."""
    t = entry - mouth
    end = entry - OUTWARD_MM
    while t > end:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        depth = sample(prob.distance, prob.spacing, x, y, z)
        if depth > 0.0:
            return False
        if depth > -prob.radius - 1.0:
            for m in range(ring.shape[0]):
                c, s = prob.radius * ring[m, 0], prob.radius * ring[m, 1]
                if sample(
                    prob.distance, prob.spacing,
                    x + c * e[0] + s * f[0], y + c * e[1] + s * f[1], z + c * e[2] + s * f[2],
                ) > 0.0:  # fmt: skip
                    return False
        t -= min(max(0.5, -depth - prob.radius - 1.0), 10.0)
    return True


def ring_points(number: int) -> np.ndarray:
    """Cosines and sines of evenly spaced angles, (number, 2)."""
    angle = 2.0 * np.pi * np.arange(number) / number
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
