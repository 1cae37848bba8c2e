"""When no tunnel exists: which constraint binds, and how far it would have to give way.

Every line of the sweep's lattice is measured against all constraints at once, for the
shallowest tunnel on it that reaches the lesion. The lines that come nearest are then moved
until they come no nearer. A line that breaks one constraint only tells how far that one
would have to give way, all others kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from corecore.compiled import compiled
from corecore.fields import across, sample
from corecore.grid import FloatArray
from corecore.search.keep_out import keep_out_gap, section_gap
from corecore.search.kernels import (
    AP,
    COUNT,
    DIRECTION_FIXED,
    DISTAL,
    ENTRY_FIXED,
    FIELD_OF_VIEW,
    INCIDENCE,
    LENGTH,
    MISSES,
    NORMAL,
    OUTWARD,
    PELVIS,
    PORTAL,
    PROXIMAL,
    SHAFT_MAX,
    SHAFT_MIN,
    entry_gaps,
    find_entry,
    line_of,
    margin_at,
    outward_free,
    ring_points,
)
from corecore.search.problem import Problem
from corecore.spec import Spec
from corecore.threads import in_parts
from corecore.tunnel import OUTWARD_MM, PORTAL_EXTRA_MM, REASON_KEYS, Reason

#: How deep into the lesion the shallowest useful tunnel ends, mm.
TOUCH_MM = 3.0
#: Gaps smaller than this count as kept, mm or degrees.
KEPT = 1e-6
#: How many lines of the lattice are measured against all constraints; the nearest are then moved.
SURVEYED = 16_000
#: What nobody can set, or insists on.
UNSETTABLE = (MISSES, PORTAL, OUTWARD, PELVIS, ENTRY_FIXED, DIRECTION_FIXED)
#: Degrees weigh a fifth of a millimetre in the sum of breaks, so that neither drowns the other.
WEIGHTS = np.ones(COUNT)
WEIGHTS[[INCIDENCE, NORMAL, SHAFT_MIN, SHAFT_MAX, DIRECTION_FIXED]] = 0.2


@dataclass(frozen=True)
class Relaxation:
    """One way out: the constraint, its limit, the value at which a tunnel exists, and by how much it gives way."""

    key: str
    limit: float
    needed: float
    amount: float

    def as_dict(self) -> dict[str, Any]:
        """For ``plan.json``."""
        return {"key": self.key, "limit": self.limit, "needed": round(self.needed, 2), "amount": round(self.amount, 2)}


@dataclass(frozen=True)
class Infeasible:
    """Why there is no tunnel: the binding constraint, a sentence, and the single relaxations that would give one."""

    binding: str
    text: str
    relaxations: tuple[Relaxation, ...]

    def as_dict(self) -> dict[str, Any]:
        """For ``plan.json``."""
        return {"binding": self.binding, "text": self.text, "relaxations": [r.as_dict() for r in self.relaxations]}


@compiled()
def all_gaps(prob, line, ring, step, gaps):
    """Fill ``gaps`` (COUNT,) with how far a line's shallowest tunnel that reaches the lesion keeps each constraint.

    Negative is broken, in mm or degrees. Returns the summed breaks, a large number where
    the line is not in bone at the neck or misses the lesion.
    """
    gaps[:] = 1e9
    point, u = line_of(prob, line[0], line[1], line[2], line[3])
    if sample(prob.distance, prob.spacing, point[0], point[1], point[2]) <= 0.0:
        return 1e6
    first = 1e9
    widest = max(prob.radius, prob.cavity_radius)
    center = prob.head_center
    px, py, pz = point[0] - center[0], point[1] - center[1], point[2] - center[2]
    for n in range(prob.few_points.shape[1]):
        dx, dy, dz = prob.few_points[0, n] - px, prob.few_points[1, n] - py, prob.few_points[2, n] - pz
        t = dx * u[0] + dy * u[1] + dz * u[2]
        if t < first and dx * dx + dy * dy + dz * dz - t * t <= widest * widest:
            first = t
    if first > 1e8:
        gaps[MISSES] = -1.0
        return 1e5
    tip = max(first, 0.0) + TOUCH_MM
    e, f = across(u[0], u[1], u[2])
    entry = find_entry(prob, point, u)
    sine = entry_gaps(prob, point, u, entry, gaps)
    cosine = math.sqrt(max(0.0, 1.0 - sine * sine))
    mouth = prob.radius * cosine / sine + PORTAL_EXTRA_MM
    portal = entry + (prob.cortical_margin + prob.radius * cosine) / sine + PORTAL_EXTRA_MM
    gaps[LENGTH] = prob.length_max - (tip - entry)
    if gaps[FIELD_OF_VIEW] < 0.0:
        # The axis leaves through the scan's edge: of the entry nothing is known.
        for reason in (INCIDENCE, NORMAL, DISTAL, PROXIMAL, AP, LENGTH, PORTAL, ENTRY_FIXED):
            gaps[reason] = 1e9
        mouth = prob.radius
    elif not outward_free(prob, point, u, e, f, ring, entry, mouth):
        gaps[OUTWARD] = -1.0
    t = entry + mouth
    while True:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        rings = 4 if t >= tip else 1
        for level in range(rings):
            radius = prob.radius * (1.0 - 0.25 * level)
            for m in range(ring.shape[0]):
                c, s = radius * ring[m, 0], radius * ring[m, 1]
                wx, wy, wz = x + c * e[0] + s * f[0], y + c * e[1] + s * f[1], z + c * e[2] + s * f[2]
                depth = sample(prob.distance, prob.spacing, wx, wy, wz)
                if t < portal:
                    gaps[PORTAL] = min(gaps[PORTAL], depth)
                else:
                    margin, why = margin_at(prob, wx, wy, wz)
                    gaps[why] = min(gaps[why], depth - margin)
        if t >= tip:
            break
        t = min(t + step, tip)
    if prob.cavity_radius > 0.0:
        cavity_gaps(prob, point, u, e, f, ring, step, portal, tip, gaps)
    keep_out_gaps(prob, point, u, e, f, ring, entry - OUTWARD_MM, tip, gaps)
    total = 0.0
    for reason in range(1, COUNT):
        if gaps[reason] < -KEPT:
            total += WEIGHTS[reason] * -gaps[reason]
    return total


@compiled()
def cavity_gaps(prob, point, u, e, f, ring, step, portal, tip, gaps):
    """Lower ``gaps`` to how far the wall and both ends of a cavity to ``tip`` keep their margins."""
    back = max(tip - prob.cavity_length, portal)
    t = tip
    while True:
        rings = 4 if t in (tip, back) else 1
        for level in range(rings):
            radius = prob.cavity_radius * (1.0 - 0.25 * level)
            for m in range(ring.shape[0]):
                c, s = radius * ring[m, 0], radius * ring[m, 1]
                x = point[0] + t * u[0] + c * e[0] + s * f[0]
                y = point[1] + t * u[1] + c * e[1] + s * f[1]
                z = point[2] + t * u[2] + c * e[2] + s * f[2]
                margin, why = margin_at(prob, x, y, z)
                gaps[why] = min(gaps[why], sample(prob.distance, prob.spacing, x, y, z) - margin)
        if t <= back:
            break
        t = max(t - step, back)


@compiled()
def keep_out_gaps(prob, point, u, e, f, ring, start, tip, gaps):
    """Fill how far a tunnel from ``start`` to ``tip`` keeps out of the regions."""
    if prob.avoid_margin < 0.0 and prob.pelvis_margin < 0.0:
        return
    if prob.cavity_radius > 0.0:
        back = tip - prob.cavity_length
        parts, radii = np.array([start, back, tip]), np.array([prob.radius, prob.cavity_radius])
    else:
        parts, radii = np.array([start, tip]), np.array([prob.radius])
    for k in range(radii.shape[0]):
        t = parts[k]
        while True:
            x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
            room, why = keep_out_gap(prob, x, y, z)
            if room < radii[k]:
                room, why = section_gap(prob, x, y, z, e, f, ring, radii[k], 2.5)
                gaps[why] = min(gaps[why], room)
                t += 1.5
            else:
                gaps[why] = min(gaps[why], room - radii[k])
                t += max(1.5, room - radii[k])
            if t >= parts[k + 1]:
                break


@compiled(nogil=True)
def measure_lines(prob, lines, ring, step, totals, every):
    """``all_gaps`` for lines (N, 4), into summed breaks (N,) and gaps (N, COUNT)."""
    for i in range(lines.shape[0]):
        totals[i] = all_gaps(prob, lines[i], ring, step, every[i])


@compiled(nogil=True)
def approach_lines(prob, lines, ring, step, only, result, totals, every):
    """Move lines until their summed breaks shrink no more; with ``only``, all other breaks weigh tenfold."""
    gaps = np.zeros(COUNT)
    trial = np.zeros(4)
    moves = prob.moves
    for i in range(lines.shape[0]):
        best = lines[i].copy()
        least, size, move, moved = 1e12, 0.5, -1, False
        while size >= 0.01 and least > 0.0:
            trial[:] = best
            # Move -1 is the start itself.
            if move >= 0:
                trial += size * moves[move]
            total = all_gaps(prob, trial, ring, step, gaps)
            if only > 0:
                total += 9.0 * (total - WEIGHTS[only] * max(0.0, -gaps[only]))
            if total < least - 1e-9:
                least = total
                best[:] = trial
                every[i] = gaps
                moved = move >= 0
            move += 1
            if move == moves.shape[0]:
                if not moved:
                    size *= 0.5
                move, moved = 0, False
        result[i] = best
        totals[i] = least


def _measure(problem: Problem, lines: FloatArray) -> tuple[FloatArray, FloatArray]:
    totals, every = np.zeros(len(lines)), np.zeros((len(lines), COUNT))
    ring = ring_points(12)
    in_parts(len(lines), lambda p: measure_lines(problem, lines[p], ring, 1.5, totals[p], every[p]))
    return totals, every


def _approach(problem: Problem, lines: FloatArray, only: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    reached, totals, every = np.zeros((len(lines), 4)), np.zeros(len(lines)), np.zeros((len(lines), COUNT))
    ring = ring_points(24)
    in_parts(
        len(lines),
        lambda p: approach_lines(problem, lines[p], ring, 0.5, only, reached[p], totals[p], every[p]),
    )
    return reached, totals, every


def _thinned(lines: FloatArray) -> FloatArray:
    """About ``SURVEYED`` of the lines, evenly through the lattice (a step without a factor of its sides)."""
    step = max(1, len(lines) // SURVEYED)
    return lines[:: step + (step % 2 == 0)]


def nearest_lines(problem: Problem, lines: FloatArray, *, keep: int = 24) -> tuple[FloatArray, FloatArray]:
    """Of lines (N, 4), those moved nearest to keeping every constraint, and their summed breaks (0: feasible)."""
    lines = _thinned(lines)
    totals, _ = _measure(problem, lines)
    order = np.argsort(totals, kind="stable")[:keep]
    moved, least, _ = _approach(problem, lines[order], 0)
    rank = np.argsort(least, kind="stable")
    return moved[rank], least[rank]


def explain(problem: Problem, lines: FloatArray, spec: Spec) -> Infeasible:
    """Name the binding constraint of a hip without a feasible tunnel."""
    lines = _thinned(lines)
    totals, gaps = _measure(problem, lines)
    reaching = totals < 1e5
    if not reaching.any():
        return Infeasible("misses_lesion", "no straight line through the neck reaches the lesion", ())
    broken = gaps < -KEPT
    broken[:, [0]] = False
    amounts = np.where(broken, -gaps, 0.0)
    found: list[Relaxation] = []
    for reason in range(1, COUNT):
        # What nobody can set is no way out, and more of the scan only where it cuts the bone.
        if reason in UNSETTABLE or (reason == FIELD_OF_VIEW and len(problem.cut_points) == 0):
            continue
        # Lines that break this constraint most nearly alone, moved until it breaks alone and least.
        own = WEIGHTS[reason] * amounts[:, reason]
        score = np.where(reaching & broken[:, reason], own + 10.0 * (totals - own), np.inf)
        order = np.argsort(score, kind="stable")[:16]
        order = order[np.isfinite(score[order])]
        if len(order) == 0:
            continue
        _, _, every = _approach(problem, lines[order], reason)
        alone = (np.delete(every, reason, axis=1)[:, 1:] >= -0.02).all(axis=1)
        if alone.any():
            amount = float(np.maximum(-every[alone, reason], 0.0).min())
            found.append(_relaxation(Reason(reason), amount, spec))
    if not found:
        return _several(totals, amounts, reaching)
    found.sort(key=lambda r: r.amount / max(abs(r.limit), 1.0))
    first = found[0]
    if first.key == "avoid":
        text = (
            f"no tunnel of {2 * problem.radius:g} mm keeps {first.limit:g} mm from the region to avoid and every other"
            f" limit: avoid binds; {_beside(first.needed)}"
        )
    elif first.key == "field_of_view":
        text = _field_of_view_text(problem)
    else:
        text = (
            f"no tunnel of {2 * problem.radius:g} mm keeps every constraint: {first.key} binds;"
            f" its limit is {first.limit:g} and a tunnel would exist at about {first.needed:.1f}"
        )
    return Infeasible(first.key, text, tuple(found))


def _beside(needed_mm: float) -> str:
    if needed_mm >= 0.0:
        return f"one would exist {needed_mm:.1f} mm from it"
    return f"one would exist that cuts {-needed_mm:.1f} mm into it"


def _several(totals: FloatArray, amounts: FloatArray, reaching: np.ndarray) -> Infeasible:
    nearest = int(np.argmin(np.where(reaching, totals, np.inf)))
    parts = [(Reason(r), float(amounts[nearest, r])) for r in range(1, COUNT) if amounts[nearest, r] > 0.0]
    if not parts:
        return Infeasible("misses_lesion", "no tunnel was found, and no single constraint is to blame", ())
    parts.sort(key=lambda part: -part[1])
    names = ", ".join(f"{REASON_KEYS[r]} by {amount:.1f}" for r, amount in parts)
    return Infeasible(
        REASON_KEYS[parts[0][0]], f"no single constraint is to blame: the nearest line breaks {names}", ()
    )


def _relaxation(reason: Reason, amount: float, spec: Spec) -> Relaxation:
    key = REASON_KEYS[reason]
    limit = float(getattr(spec, key)) if hasattr(spec, key) else 0.0
    if reason == Reason.AVOID:
        limit = spec.avoid_margin_mm
    if key == "field_of_view":
        limit = spec.radius_mm + spec.cortical_margin_mm
    upper = reason in (
        Reason.SHAFT_ANGLE_MAX, Reason.LENGTH, Reason.ENTRY_NORMAL, Reason.ENTRY_AP, Reason.ENTRY_PROXIMAL,
    )  # fmt: skip
    return Relaxation(key, limit, limit + amount if upper else limit - amount, amount)


def _field_of_view_text(problem: Problem) -> str:
    heights = (problem.cut_points - problem.head_center) @ problem.femoral_frame[2]
    lowest = float(heights.min())
    zone = problem.trochanter_height + problem.entry_distal
    return (
        f"the scan ends {-lowest:.0f} mm below the head's centre, so the lateral femur where a tunnel enters"
        f" ({-problem.trochanter_height - problem.entry_proximal:.0f} to {-zone:.0f} mm below it) is not in view;"
        f" {lowest - problem.trochanter_height:.0f} mm more of the femur are needed"
    )
