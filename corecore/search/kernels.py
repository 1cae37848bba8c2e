"""Compiled judgement of one line: is there a tunnel along it within all constraints, how deep, how much.

``corecore.tunnel.assess`` is the same judgement in plain numpy; the tests hold one against
the other. Lengths in mm; ``t`` runs along the line from its point on the neck plane towards
the head.
"""

from __future__ import annotations

import math

import numpy as np

from corecore.compiled import compiled
from corecore.fields import OUTSIDE, across, sample
from corecore.tunnel import ENTRY_OFF_SURFACE_MM, NUMBER_OF_REASONS, OUTWARD_MM, PORTAL_EXTRA_MM, Reason

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
def disc_gap(prob, cx, cy, cz, e, f, ring):
    """Least (depth - margin) over the flat end."""
    margin, why = margin_at(prob, cx, cy, cz)
    least, reason = sample(prob.distance, prob.spacing, cx, cy, cz) - margin, why
    for share in (0.25, 0.5, 0.75, 1.0):
        gap, why = ring_gap(prob, cx, cy, cz, e, f, share * prob.radius, ring)
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
        if sample(
            prob.distance, prob.spacing, point[0] + middle * u[0], point[1] + middle * u[1], point[2] + middle * u[2]
        ) > 0.0:
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
    gaps[NORMAL] = degrees * (
        math.acos(prob.entry_normal_min_cosine) - math.acos(min(1.0, max(-1.0, lateral)))
    )
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
def removed_along(prob, point, u, first, last):
    """Number of lesion points within the cylinder from ``first`` to ``last``, and the ``t`` of the deepest."""
    count, deepest = 0, -1e9
    px, py, pz = point[0] - prob.head_center[0], point[1] - prob.head_center[1], point[2] - prob.head_center[2]
    square = np.float32(prob.radius * prob.radius)
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
        if away > (prob.radius + reach) ** 2:
            continue
        begin, end = prob.brick_start[brick], prob.brick_start[brick + 1]
        inner = prob.radius - reach
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
def judge(prob, p, q, a, b, ring, step, need, gaps):
    """Judge one line: (reason, entry t, tip t, lesion points removed). Reason ``OK`` means all constraints are kept.

    ``ring`` (M, 2) holds cosines and sines round the wall, ``step`` the distance between
    rings; ``gaps`` is scratch space of length ``COUNT``. A line that cannot remove ``need``
    points is given up early as ``MISSES``.
    """
    point, u = line_of(prob, p, q, a, b)
    centre_depth = sample(prob.distance, prob.spacing, point[0], point[1], point[2])
    # Where the line passes the neck its whole ring is there, so the axis keeps radius + margin.
    if centre_depth < prob.radius + prob.cortical_margin:
        return CORTICAL, 0.0, 0.0, 0
    e, f = across(u[0], u[1], u[2])
    why = ring_breaks(prob, point[0], point[1], point[2], e, f, prob.radius, ring, True)
    if why != OK:
        return why, 0.0, 0.0, 0
    entry = find_entry(prob, point, u)
    sine = entry_gaps(prob, point, u, entry, gaps)
    for reason in (SHAFT_MIN, SHAFT_MAX, DISTAL, PROXIMAL, AP, NORMAL, INCIDENCE, FIELD_OF_VIEW, PORTAL):
        if gaps[reason] < 0.0:
            return reason, entry, 0.0, 0
    cosine = math.sqrt(max(0.0, 1.0 - sine * sine))
    portal = entry + (prob.cortical_margin + prob.radius * cosine) / sine + PORTAL_EXTRA_MM
    mouth = prob.radius * cosine / sine + PORTAL_EXTRA_MM
    if portal > 0.0:
        return PORTAL, entry, 0.0, 0
    deepest = min(prob.head_radius * 4.0, entry + prob.length_max)
    if need > 1:
        # The centre of the flat end keeps its margin too, so no tunnel on this line goes past
        # the last place where the axis does: a cheap bound on what it can remove.
        bound = deepest
        lowest = min(prob.cortical_margin, prob.joint_margin)
        while bound > 0.0:
            x, y, z = point[0] + bound * u[0], point[1] + bound * u[1], point[2] + bound * u[2]
            margin, _ = margin_at(prob, x, y, z)
            depth = sample(prob.distance, prob.spacing, x, y, z)
            if depth >= margin:
                break
            bound -= 1.0 if depth == OUTSIDE else max(0.05, 0.9 * (lowest - depth))
        count, _ = removed_along(prob, point, u, entry, bound + 0.1)
        if count < need:
            return MISSES, entry, 0.0, 0
    # Outward in two walks, so that a ring stands exactly where the portal ends: there the wall is nearest.
    _, why = wall_reach(prob, point, u, e, f, ring, 0.0, portal, step, portal)
    if why != OK:
        return why, entry, 0.0, 0
    _, why = wall_reach(prob, point, u, e, f, ring, portal - 1e-9, entry + mouth, step, portal)
    if why != OK:
        return why, entry, 0.0, 0
    tip, why = wall_reach(prob, point, u, e, f, ring, 0.0, deepest, step, portal)
    if why != OK:
        # Between the last good ring and the first bad one, halve.
        good, bad = tip, tip + step
        for _ in range(8):
            middle = 0.5 * (good + bad)
            x, y, z = point[0] + middle * u[0], point[1] + middle * u[1], point[2] + middle * u[2]
            if ring_breaks(prob, x, y, z, e, f, prob.radius, ring, True) == OK:
                good = middle
            else:
                bad = middle
        tip = good
    # The flat end may come nearer to the joint than its rim: draw back until it does not.
    for _ in range(200):
        x, y, z = point[0] + tip * u[0], point[1] + tip * u[1], point[2] + tip * u[2]
        gap, why = disc_gap(prob, x, y, z, e, f, ring)
        if gap >= 0.0:
            break
        tip += min(gap, -0.02)
        if tip <= 0.0:
            return why, entry, tip, 0
    else:
        return why, entry, tip, 0
    count, last = removed_along(prob, point, u, entry, tip)
    if count == 0:
        return MISSES, entry, tip, 0
    # No deeper than the lesion's end; a hair more, so that its last point stays inside.
    drawn = min(tip, last + 1e-3)
    if drawn < tip:
        x, y, z = point[0] + drawn * u[0], point[1] + drawn * u[1], point[2] + drawn * u[2]
        gap, why = disc_gap(prob, x, y, z, e, f, ring)
        if gap >= 0.0:
            tip = drawn
    if not outward_free(prob, point, u, e, f, ring, entry, mouth):
        return OUTWARD, entry, tip, 0
    return OK, entry, tip, count


@compiled(nogil=True)
def judge_lines(prob, lines, ring, step, reasons, ends, counts):
    """``judge`` for lines (N, 4), into reasons (N,), entries and tips (N, 2), counts (N,)."""
    gaps = np.zeros(COUNT)
    for i in range(lines.shape[0]):
        reason, entry, tip, count = judge(prob, lines[i, 0], lines[i, 1], lines[i, 2], lines[i, 3], ring, step, 1, gaps)
        reasons[i] = reason
        ends[i, 0], ends[i, 1] = entry, tip
        counts[i] = count


#: Size of one unit step in each of a line's four numbers: 1 mm of offset, or the slope that
#: moves the line by about 1 mm half-way to the entry and to the tip.
SCALE = np.array([1.0, 1.0, 0.03, 0.03])


@compiled(nogil=True)
def climb_lines(prob, lines, ring, step, size, smallest, result, ends, counts, tried):
    """Climb from each of lines (N, 4): compass steps along single numbers and pairs of them, halved when none helps.

    Fills the lines reached (N, 4), their entries and tips (N, 2), their counts (0: infeasible
    throughout) and how many lines were judged for each.
    """
    gaps = np.zeros(COUNT)
    trial = np.zeros(4)
    moves = compass_moves()
    for i in range(lines.shape[0]):
        best = lines[i].copy()
        count, step_size, move, moved = 0, size, -1, False
        while step_size >= smallest:
            trial[:] = best
            # Move -1 is the start itself.
            if move >= 0:
                trial += step_size * moves[move]
            why, entry, tip, found = judge(
                prob, trial[0], trial[1], trial[2], trial[3], ring, step, count + 1, gaps
            )
            tried[i] += 1
            if why == OK and found > count:
                count = found
                ends[i, 0], ends[i, 1] = entry, tip
                best[:] = trial
                moved = move >= 0
            move += 1
            if move == moves.shape[0]:
                if not moved:
                    step_size *= 0.5
                move, moved = 0, False
        result[i] = best
        counts[i] = count


@compiled()
def compass_moves():
    """Unit steps (32, 4) along each number of a line and each pair of them, both ways."""
    moves = np.zeros((32, 4))
    n = 0
    for i in range(4):
        for j in range(i, 4):
            for si in (-1.0, 1.0):
                for sj in (-1.0, 1.0):
                    if i == j and sj < 0.0:
                        continue
                    moves[n, i] += si * SCALE[i]
                    if j != i:
                        moves[n, j] += sj * SCALE[j]
                    n += 1
    return moves


def ring_points(number: int) -> np.ndarray:
    """Cosines and sines of evenly spaced angles, (number, 2)."""
    angle = 2.0 * np.pi * np.arange(number) / number
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
