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
from corecore.search.counts import lesion_along, reached_along, removed_along
from corecore.search.keep_out import free_until
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
PELVIS = int(Reason.PELVIS)
ENTRY_FIXED = int(Reason.ENTRY_FIXED)
DIRECTION_FIXED = int(Reason.DIRECTION_FIXED)
COUNT = NUMBER_OF_REASONS

#: Distance between the tips tried for a cavity, mm.
CAVITY_STEP_MM = 1.0


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


@compiled()
def cavity_breaks(prob, point, u, e, f, ring, step, tip):
    """The rule that the cavity of a tunnel to ``tip`` breaks first, or ``OK``."""
    back = tip - prob.cavity_length
    radius = prob.cavity_radius
    for t in (tip, back):
        gap, why = disc_gap(prob, point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2], e, f, ring, radius)
        if gap < 0.0:
            return why
    hardest = max(prob.joint_margin, max(prob.posterosuperior_margin, prob.cortical_margin))
    t = tip
    while t > back:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        room = sample(prob.distance, prob.spacing, x, y, z) - radius - hardest
        if room <= 0.0:
            why = ring_breaks(prob, x, y, z, e, f, radius, ring, True)
            if why != OK:
                return why
        t -= max(step, room)
    if prob.avoid_margin >= 0.0 or prob.pelvis_margin >= 0.0:
        _, why = free_until(prob, point, u, e, f, ring, back, tip, radius)
        return why
    return OK


@compiled()
def cavity_value(prob, point, u, entry, tip):
    """Lesion points in a tunnel with its cavity, or within ``prob.reach`` of them; none where none is removed."""
    back = tip - prob.cavity_length
    narrow, _ = removed_along(prob, point, u, entry, back, prob.radius)
    wide, _ = removed_along(prob, point, u, back, tip, prob.cavity_radius)
    if prob.reach <= 0.0 or narrow + wide == 0:
        return narrow + wide
    count = 0
    px, py, pz = point[0] - prob.head_center[0], point[1] - prob.head_center[1], point[2] - prob.head_center[2]
    square = prob.reach * prob.reach
    for n in range(prob.points.shape[1]):
        gx, gy, gz = prob.points[0, n] - px, prob.points[1, n] - py, prob.points[2, n] - pz
        s = gx * u[0] + gy * u[1] + gz * u[2]
        away = math.sqrt(max(0.0, gx * gx + gy * gy + gz * gz - s * s))
        beside, beyond = max(0.0, away - prob.cavity_radius), max(0.0, max(s - tip, back - s))
        near = beside * beside + beyond * beyond <= square
        if not near:
            beside, beyond = max(0.0, away - prob.radius), max(0.0, max(s - tip, entry - s))
            near = beside * beside + beyond * beyond <= square
        if near:
            count += 1
    return count


@compiled()
def best_cavity(prob, point, u, e, f, ring, step, entry, portal, deepest, need):
    """As ``judge``, for a tunnel with a cavity whose wall is good up to ``deepest``: the tip where the two do most.

    A deeper cavity does not always remove more, nor does a shallower one always fit, so tips are
    tried at even distances and the best is moved by ever smaller steps. What a tip would do is
    told sooner than whether it may, and comes first.
    """
    count, tip, reason = 0, deepest, MISSES
    first = portal
    per_cavity = max(1, round(prob.cavity_length / CAVITY_STEP_MM))
    width = prob.cavity_length / per_cavity
    slices = int((deepest - first) / width)
    if slices < per_cavity:
        return reason, entry, tip, 0
    narrow, wide = np.zeros(slices, dtype=np.int64), np.zeros(slices, dtype=np.int64)
    lesion_along(prob, point, u, first, width, narrow, wide)
    for k in range(slices - 1, per_cavity - 2, -1):
        before = k - per_cavity
        found = wide[k] + (narrow[before] - wide[before] if before >= 0 else 0)
        trial = first + (k + 1) * width
        if found > 0 and prob.reach > 0.0:
            found = cavity_value(prob, point, u, entry, trial)
        # Of tips that do as much the shallowest; a tenth may come with the smaller steps.
        if found > 0 and found >= max(count, need - need // 10):
            why = cavity_breaks(prob, point, u, e, f, ring, step, trial)
            if why == OK:
                count, tip = found, trial
            elif count == 0:
                reason = why
    if count == 0:
        return reason, entry, tip, 0
    count = cavity_value(prob, point, u, entry, tip)
    size = 0.5 * width
    while size > 0.02:
        moved = False
        for sign in (-1.0, 1.0):
            trial = tip + sign * size
            if trial > deepest or trial - prob.cavity_length < portal:
                continue
            found = cavity_value(prob, point, u, entry, trial)
            if found < count or (found == count and sign > 0.0):
                continue
            if cavity_breaks(prob, point, u, e, f, ring, step, trial) == OK:
                count, tip, moved = found, trial, True
                break
        if not moved:
            size *= 0.5
    return OK, entry, tip, count


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
    for reason in (
        ENTRY_FIXED, DIRECTION_FIXED, SHAFT_MIN, SHAFT_MAX, DISTAL, PROXIMAL, AP, NORMAL, INCIDENCE, FIELD_OF_VIEW,
        PORTAL,
    ):  # fmt: skip
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
        wide = max(prob.radius, prob.cavity_radius) + prob.reach
        count, _ = removed_along(prob, point, u, entry - prob.reach, bound + 0.1 + prob.reach, wide)
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
    if prob.avoid_margin >= 0.0 or prob.pelvis_margin >= 0.0:
        _, why = free_until(prob, point, u, e, f, ring, 0.0, entry - OUTWARD_MM, prob.radius)
        if why != OK:
            return why, entry, 0.0, 0
        free, why = free_until(prob, point, u, e, f, ring, 0.0, tip, prob.radius)
        if why != OK:
            tip = free
            if tip <= 0.0:
                return why, entry, tip, 0
    if prob.cavity_radius > 0.0:
        if not outward_free(prob, point, u, e, f, ring, entry, mouth):
            return OUTWARD, entry, tip, 0
        return best_cavity(prob, point, u, e, f, ring, step, entry, portal, tip, need)
    # The flat end may come nearer to the joint than its rim: draw back until it does not.
    for _ in range(200):
        x, y, z = point[0] + tip * u[0], point[1] + tip * u[1], point[2] + tip * u[2]
        gap, why = disc_gap(prob, x, y, z, e, f, ring, prob.radius)
        if gap >= 0.0:
            break
        tip += min(gap, -0.02)
        if tip <= 0.0:
            return why, entry, tip, 0
    else:
        return why, entry, tip, 0
    count, last = removed_along(prob, point, u, entry, tip, prob.radius)
    if count == 0:
        return MISSES, entry, tip, 0
    if prob.reach > 0.0:
        count, last = reached_along(prob, point, u, entry, tip, last)
    # No deeper than the lesion's end; a hair more, so that its last point stays inside.
    drawn = min(tip, last + 1e-3)
    if drawn < tip:
        x, y, z = point[0] + drawn * u[0], point[1] + drawn * u[1], point[2] + drawn * u[2]
        gap, why = disc_gap(prob, x, y, z, e, f, ring, prob.radius)
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


@compiled(nogil=True)
def climb_lines(prob, lines, ring, step, size, smallest, result, ends, counts, tried):
    """Climb from each of lines (N, 4): the problem's moves, halved when none helps.

    Fills the lines reached (N, 4), their entries and tips (N, 2), their counts (0: infeasible
    throughout) and how many lines were judged for each.
    """
    gaps = np.zeros(COUNT)
    trial = np.zeros(4)
    moves = prob.moves
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


def ring_points(number: int) -> np.ndarray:
    """Cosines and sines of evenly spaced angles, (number, 2)."""
    angle = 2.0 * np.pi * np.arange(number) / number
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
