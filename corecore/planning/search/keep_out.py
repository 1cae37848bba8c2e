"""Compiled walks that keep a tunnel out of the regions it must not touch (``corecore.hip.keep_out``)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.interpolation import OUTSIDE, sample
from corecore.base.jit_cache import compiled
from corecore.hip.keep_out import PAD_MM
from corecore.planning.search.line_geometry import Axis
from corecore.tunnels.limits import Reason

if TYPE_CHECKING:
    from corecore.planning.search.problem import Problem

OK, AVOID, PELVIS = int(Reason.OK), int(Reason.AVOID), int(Reason.PELVIS)

#: Sections of a tunnel, and rings in a section, are looked at so far apart where a region to keep out of is near, mm.
SECTION_STEP_MM = 0.8


@compiled()
def keep_out_gap(problem: Problem, x: float, y: float, z: float) -> tuple[float, int]:
    """Least (distance - margin) to the regions to keep out of, mm, and which one it is; large where there are none."""
    least, reason = 1e9, OK
    if problem.avoid_margin >= 0.0:
        least = region_distance(problem.avoid, problem.avoid_spacing, problem.avoid_frame, x, y, z)
        least, reason = least - problem.avoid_margin, AVOID
    if problem.pelvis_margin >= 0.0:
        gap = region_distance(problem.pelvis, problem.pelvis_spacing, problem.pelvis_frame, x, y, z)
        gap -= problem.pelvis_margin
        if gap < least:
            least, reason = gap, PELVIS
    return least, reason


@compiled()
def region_distance(
    field: npt.NDArray[np.float32], spacing: FloatArray, frame: FloatArray, x: float, y: float, z: float
) -> float:
    """Distance of a local point to a region, mm, from the region's own field; off the field it is at least ``PAD_MM``.

    ``frame`` (3, 4): from local mm to mm along the field's axes.
    """
    value = sample(
        field, spacing,
        frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z + frame[0, 3],
        frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z + frame[1, 3],
        frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z + frame[2, 3],
    )  # fmt: skip
    return PAD_MM if value == OUTSIDE else value


@compiled()
def section_gap(
    problem: Problem, axis: Axis, t: float, radius: float, ring: FloatArray, apart: float
) -> tuple[float, int]:
    """``keep_out_gap`` over a section at ``t``, on rings ``apart`` mm: a region may be thinner than the drill."""
    u, e, f = axis.direction, axis.across_1, axis.across_2
    x, y, z = axis.point[0] + t * u[0], axis.point[1] + t * u[1], axis.point[2] + t * u[2]
    least, reason = keep_out_gap(problem, x, y, z)
    rings = math.ceil(radius / apart)
    for k in range(1, rings + 1):
        size = radius * k / rings
        for m in range(ring.shape[0]):
            c, s = size * ring[m, 0], size * ring[m, 1]
            gap, why = keep_out_gap(problem, x + c * e[0] + s * f[0], y + c * e[1] + s * f[1], z + c * e[2] + s * f[2])
            if gap < least:
                least, reason = gap, why
    return least, reason


@compiled()
def walk_clear(
    problem: Problem, axis: Axis, ring: FloatArray, start: float, stop: float, radius: float
) -> tuple[float, int]:
    """Walk from ``start`` to ``stop``: the last ``t`` up to which all sections keep out, and the region met then."""
    sign = 1.0 if stop >= start else -1.0
    t, last = start, start
    point, u = axis.point, axis.direction
    while True:
        x, y, z = point[0] + t * u[0], point[1] + t * u[1], point[2] + t * u[2]
        room, _ = keep_out_gap(problem, x, y, z)
        ahead = room - radius
        if ahead < 0.0:
            gap, why = section_gap(problem, axis, t, radius, ring, SECTION_STEP_MM)
            if gap < 0.0:
                break
            ahead = 0.0
        last = t
        if t == stop:
            return stop, OK
        t += sign * max(SECTION_STEP_MM, ahead)
        if (stop - t) * sign < 0.0:
            t = stop
    if t == start:
        return start - sign * SECTION_STEP_MM, why
    good, bad = last, t
    for _ in range(10):
        middle = 0.5 * (good + bad)
        gap, _ = section_gap(problem, axis, middle, radius, ring, SECTION_STEP_MM)
        if gap >= 0.0:
            good = middle
        else:
            bad = middle
    return good, why
