"""Tunnels to choose from by an objective of one's own: lines of the sweep, each assessed in full, all within limits.

The search for the best tunnel knows the objectives of ``Spec.target`` alone. What it sweeps on its way is the whole
neck on a mesh, so whoever ranks by anything else chooses from the same lines.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.planner import resolve_entry
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import fine_ring
from corecore.planning.search.problem import build_problem
from corecore.planning.search.single import sweep, tunnel_of_line
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_STEP_MM, TunnelFigures, assess
from corecore.tunnels.limits import violations

#: By how much every margin grows while lines are judged by rings, mm: the rings pass over the finest pits.
SLACK_MM = 0.02


def candidate_tunnels(hip: Hip, spec: Spec, most: int) -> list[tuple[Tunnel, TunnelFigures]]:
    """At most ``most`` tunnels within all limits, local mm, with their figures; what does most for the target first.

    Each is drilled along its line to where it does most. Of more lines than asked for, the best one and then always
    that which lies farthest from those chosen, in meshes, are taken. Empty where no line of the mesh carries a tunnel.

    Raises ``InputError`` for a number that is none, and for tunnels kept, a cavity or a least share removed.
    """
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InputError(f"most {most!r}; a whole number of 1 and above is accepted", code="option-value")
    if spec.tunnels != 1 or spec.keep or spec.cavity_diameter_mm > 0.0 or spec.remove_fraction_min:
        raise InputError(
            "candidates of several tunnels, beside kept ones, with a cavity or a least share removed; one straight"
            " tunnel by itself is accepted",
            code="options-conflict",
        )
    spec, _ = resolve_entry(hip, spec)
    swept = sweep(hip, spec)
    if len(swept.passing) == 0:
        return []
    problem = build_problem(hip, spec, slack_mm=SLACK_MM)
    _, ends, counts = evaluate_many(problem, swept.passing, fine_ring(problem), RING_STEP_MM)
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    lines, ends, counts = swept.passing[order], ends[order], counts[order]
    offset, slope = swept.mesh
    found: list[tuple[int, tuple[Tunnel, TunnelFigures]]] = []
    for i in _farthest_first(lines / (offset, offset, slope, slope)):
        if len(found) == most:
            break
        tunnel = tunnel_of_line(spec, problem, lines[i], float(ends[i, 0]), float(ends[i, 1]))
        figures = assess(hip, tunnel, spec)
        if not violations(figures, spec):
            found.append((i, (tunnel, figures)))
    return [pair for _, pair in sorted(found, key=lambda one: one[0])]


def _farthest_first(points: FloatArray) -> Iterator[int]:
    """The first of points (N, 4), then always the one farthest from those before; of equals the first."""
    away = np.full(len(points), np.inf)
    for _ in range(len(points)):
        chosen = int(np.argmax(away))
        yield chosen
        away = np.minimum(away, np.abs(points - points[chosen]).max(axis=1))
        away[chosen] = -1.0
