"""What a plan is to do as much of as it can: remove lesion, loaded lesion above all, reach it, or remove it on average.

Each target counts sample points of the lesion. Where loaded lesion weighs more, its points
are counted so often; so every sum stays a whole number, and the search counts weights as it
counts points. Where the outline is to err, points stand as densely as lesion is likely.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.measures.weight_bearing import in_cone
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.outline_error import expected_lesion


def objective_points(hip: Hip, spec: Spec) -> FloatArray:
    """The lesion's points (N, 3), local mm, each as often as it counts."""
    points = hip.lesion.points_mm
    if spec.target == "expected":
        return expected_lesion(hip, spec.outline_error_mm).points_mm
    if spec.target != "weight-bearing" or spec.weight_bearing_weight == 1:
        return points
    # Copies stand beside each other, so that every so-many-th point is still a fair sample.
    return np.repeat(points, np.where(in_cone(hip, spec), spec.weight_bearing_weight, 1), axis=0)


def reach_of(spec: Spec) -> float:
    """How far from a tunnel lesion still counts, mm; 0 where only what is removed does."""
    return spec.reach_mm if spec.target == "reached" else 0.0


def points_counted(tunnel: Tunnel, points_mm: FloatArray, spec: Spec) -> BoolArray:
    """Which of points (N, 3) count for the target where the tunnel is drilled."""
    return tunnel.contains(points_mm, grown_mm=reach_of(spec))


def objective_fraction(hip: Hip, tunnels: Sequence[Tunnel], spec: Spec) -> float:
    """The target's value of a set of tunnels: the weighted share of the lesion removed, or the share reached."""
    points = objective_points(hip, spec)
    hit = np.zeros(len(points), dtype=bool)
    for tunnel in tunnels:
        hit |= points_counted(tunnel, points, spec)
    return float(np.mean(hit)) if len(points) else 0.0
