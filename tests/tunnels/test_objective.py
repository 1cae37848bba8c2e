"""What is to be as much as can be: counts of the compiled search against plain numpy, and what each target finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from corecore.base.errors import InputError
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.measures.weight_bearing import in_cone
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.single import best_tunnel, lattice, tunnel_of_line
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_POINTS, RING_STEP_MM
from corecore.tunnels.objective import objective_fraction, objective_points

REACHED = Spec(target="reached", diameter_mm=6.0)
LOADED = Spec(target="weight-bearing", diameter_mm=6.0)


def value(hip: Hip, tunnel: Tunnel, spec: Spec) -> float:
    """The target's value in plain numpy, from the words of the contract."""
    points = hip.lesion.points_mm
    along = (points - tunnel.entry) @ tunnel.direction
    across = np.linalg.norm(points - tunnel.entry - along[:, None] * tunnel.direction, axis=1)
    gap = np.hypot(
        np.maximum(across - tunnel.radius_mm, 0.0), np.maximum(np.maximum(-along, along - tunnel.length_mm), 0.0)
    )
    if spec.target == "reached":
        return float(np.mean(gap <= spec.reach_mm))
    weight = np.where(in_cone(hip, spec), spec.weight_bearing_weight, 1) if spec.target == "weight-bearing" else None
    return float(np.average(gap == 0.0, weights=weight))


@pytest.mark.long
@pytest.mark.parametrize("spec", [REACHED, LOADED, replace(LOADED, weight_bearing_weight=7)], ids=lambda s: s.target)
def test_the_search_counts_as_numpy_does(sample_hip: Hip, spec: Spec) -> None:
    problem = build_problem(sample_hip, spec)
    total = problem.points.shape[1]
    assert total == len(objective_points(sample_hip, spec))
    rng = np.random.default_rng(0)
    lines = lattice(problem)
    lines = lines[rng.choice(len(lines), 15_000, replace=False)]
    _, ends, counts = evaluate_many(problem, lines, ring_points(RING_POINTS), RING_STEP_MM)
    feasible = np.flatnonzero(counts)
    assert len(feasible) > 30
    for i in feasible[:30]:
        tunnel = tunnel_of_line(spec, problem, lines[i], *ends[i])
        true = value(sample_hip, tunnel, spec)
        assert counts[i] / total == pytest.approx(true, abs=3e-4)
        assert objective_fraction(sample_hip, [tunnel], spec) == pytest.approx(true, abs=1e-9)
        # The tip is drawn back only as far as nothing is lost.
        assert np.count_nonzero(tunnel.contains(sample_hip.lesion.points_mm)) > 0


@pytest.mark.long
def test_each_target_is_served_best_by_its_own_plan(sample_hip: Hip) -> None:
    specs = [Spec(diameter_mm=6.0), REACHED, replace(LOADED, weight_bearing_weight=5)]
    found = [best_tunnel(sample_hip, spec).tunnel for spec in specs]
    assert None not in found
    for spec, own in zip(specs, found, strict=True):
        for other in found:
            assert own is not None
            assert other is not None
            assert value(sample_hip, own, spec) >= value(sample_hip, other, spec) * 0.999


def test_a_weight_of_one_is_the_lesion_itself(sample_hip: Hip) -> None:
    spec = replace(LOADED, weight_bearing_weight=1)
    assert objective_points(sample_hip, spec) is sample_hip.lesion.points_mm
    tunnel = Tunnel(sample_hip.anatomy.neck_center, sample_hip.anatomy.head_center, 9.0)
    inside = float(np.mean(tunnel.contains(sample_hip.lesion.points_mm)))
    assert objective_fraction(sample_hip, [tunnel], spec) == inside


@pytest.mark.parametrize(
    "bad", [{"target": "most"}, {"reach_mm": "0"}, {"weight_bearing_weight": "2.5"}, {"weight_bearing_weight": "0"}]
)
def test_slips_are_named(bad: dict[str, str]) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        Spec().with_values(bad)
