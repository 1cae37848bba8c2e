"""The safest of the nearly best: enough is removed, every limit kept, nothing perforates oftener than the most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.shared import shared

from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.drilled import NEAREST, Drill, softened
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.shallow import shallowest
from corecore.planning.search.single import SearchResult, best_tunnel, tunnel_of_line
from corecore.planning.sets.search import best_set
from corecore.planning.tradeoff import Tradeoff, tradeoff_of
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess
from corecore.tunnels.limits import violations
from corecore.tunnels.objective import objective_fraction
from corecore.tunnels.risk.drilling import perturbed
from corecore.tunnels.risk.execution import clearances_of_poses, execution_risk, risk_of_poses
from corecore.tunnels.risk.kernel import CLEARANCE
from corecore.tunnels.risk.methods import METHODS
from corecore.tunnels.tunnel_set import SHARED_PORTAL_MM, set_violations

NEAR = 0.95


@pytest.fixture(scope="module")
def searched(sample_hip: Hip) -> SearchResult:
    """The sample's best tunnel, and the lines that carry one."""
    return shared.best_tunnel(sample_hip, Spec())


@pytest.fixture(scope="module")
def curve(sample_hip: Hip, searched: SearchResult) -> Tradeoff:
    """The curve of the sample, navigated."""
    assert searched.tunnel is not None
    return tradeoff_of(sample_hip, Spec(), METHODS["navigated"], [searched.tunnel], searched.passing)


def test_the_chosen_point_removes_enough_and_perforates_less(curve: Tradeoff) -> None:
    chosen = curve.points[curve.chosen]
    assert chosen.removed_fraction >= NEAR * curve.most.removed_fraction
    # Of navigated drillings through the sample's most some two in a hundred perforate.
    assert chosen.perforation_probability < 0.7 * curve.most.perforation_probability
    assert chosen.clearance_p05_mm > curve.most.clearance_p05_mm


def test_the_curve_has_eight_points_that_rise(curve: Tradeoff) -> None:
    removed = [point.removed_fraction for point in curve.points]
    perforated = [point.perforation_probability for point in curve.points]
    assert len(curve.points) >= 8
    assert np.all(np.diff(removed) > 0.0)
    assert np.all(np.diff(perforated) >= 0.0)
    assert curve.points[-1] is curve.most


def test_every_point_keeps_every_limit_and_its_figures_are_the_plan_s_own(sample_hip: Hip, curve: Tradeoff) -> None:
    for point in curve.points:
        (tunnel,) = point.tunnels
        assert violations(assess(sample_hip, tunnel, Spec()), Spec()) == []
        assert point.removed_fraction == objective_fraction(sample_hip, point.tunnels, Spec())
    chosen = curve.points[curve.chosen]
    _, risk = execution_risk(sample_hip, list(chosen.tunnels), Spec(), METHODS["navigated"])
    most = risk.cortex_breach.value + risk.joint_breach.value
    assert max(risk.cortex_breach.value, risk.joint_breach.value) <= chosen.perforation_probability <= most
    assert chosen.clearance_p05_mm == pytest.approx(risk.clearance_p05_mm.value)


def fixed(hip: Hip, tunnel: Tunnel) -> Spec:
    """Entry and direction of a tunnel as a surgeon insists on them: only the depth is free."""
    entry, tip = (hip.to_world(end) for end in (tunnel.entry, tunnel.tip))
    return Spec(entry_fixed=tuple(entry.round(4)), direction_fixed=tuple(tip - entry))


@pytest.mark.slow
def test_where_a_line_is_fixed_only_its_depth_is_left(sample_hip: Hip, searched: SearchResult) -> None:
    assert searched.tunnel is not None
    spec = fixed(sample_hip, searched.tunnel)
    best = best_tunnel(sample_hip, spec)
    assert best.tunnel is not None
    found = tradeoff_of(sample_hip, spec, METHODS["fluoroscopy"], [best.tunnel], best.passing)
    assert len(found.points) > 2
    for point in found.points:
        (tunnel,) = point.tunnels
        assert violations(assess(sample_hip, tunnel, spec), spec) == []
        assert tunnel.direction @ best.tunnel.direction > np.cos(np.radians(0.2))


@pytest.mark.slow
@pytest.mark.parametrize(
    # Tunnels that keep apart are those of the next test too.
    "pattern",
    ["any", *(pytest.param(one, marks=pytest.mark.long) for one in ("separate", "fan")), "parallel"],
)
def test_a_set_s_curve_is_safer_and_each_point_keeps_the_limits_of_tunnels_and_between_them(
    sample_hip: Hip, pattern: str
) -> None:
    spec = Spec(diameter_mm=4.0, tunnels=3, pattern=pattern)
    most = [tunnel for tunnel, _ in shared.best_set(sample_hip, spec).tunnels]
    found = tradeoff_of(sample_hip, spec, METHODS["fluoroscopy"], most, np.zeros((0, 4)))
    chosen = found.points[found.chosen]
    assert chosen.removed_fraction >= NEAR * found.most.removed_fraction
    share = 1.0 if pattern == "parallel" else 0.6
    assert chosen.perforation_probability < share * found.most.perforation_probability
    assert len({point.perforation_probability for point in found.points}) >= 6
    for point in found.points:
        assert set_violations(sample_hip, point.tunnels, spec) == []
        assert all(violations(figures, spec) == [] for figures in point.figures)
        if pattern == "parallel":
            ways = np.stack([tunnel.direction for tunnel in point.tunnels])
            assert np.degrees(np.arccos(np.clip((ways @ ways.T).min(), -1.0, 1.0))) < 1.0
    if pattern == "fan":
        entries = np.stack([tunnel.entry for tunnel in chosen.tunnels])
        assert np.linalg.norm(entries - entries[0], axis=1).max() <= SHARED_PORTAL_MM


@pytest.mark.slow
def test_existing_tunnels_stand_where_they_are_in_a_set_s_curve(sample_hip: Hip) -> None:
    two = Spec(diameter_mm=4.0, tunnels=2, pattern="separate")
    first = shared.best_set(sample_hip, two).tunnels[0][0]
    ends = ":".join(",".join(f"{value:.3f}" for value in sample_hip.to_world(end)) for end in (first.entry, first.tip))
    spec = two.with_values({"keep": [f"{ends}:4"]})
    most = [tunnel for tunnel, _ in best_set(sample_hip, spec).tunnels]
    found = tradeoff_of(sample_hip, spec, METHODS["fluoroscopy"], most, np.zeros((0, 4)))
    for point in found.points:
        assert np.array_equal(point.tunnels[0].entry, most[0].entry)
        assert np.array_equal(point.tunnels[0].tip, most[0].tip)
        assert set_violations(sample_hip, point.tunnels, spec) == []
    chosen = found.points[found.chosen]
    assert chosen.removed_fraction >= NEAR * found.most.removed_fraction
    assert chosen.perforation_probability <= found.most.perforation_probability


@pytest.mark.slow
def test_it_is_the_same_on_any_number_of_threads(
    sample_hip: Hip, searched: SearchResult, curve: Tradeoff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORECORE_THREADS", "1")
    assert searched.tunnel is not None
    again = tradeoff_of(sample_hip, Spec(), METHODS["navigated"], [searched.tunnel], searched.passing)
    assert [point.removed_fraction for point in again.points] == [point.removed_fraction for point in curve.points]
    assert np.array_equal(again.points[again.chosen].tunnels[0].tip, curve.points[curve.chosen].tunnels[0].tip)


@pytest.mark.slow
def test_no_random_tunnel_that_removes_enough_is_safer(
    sample_hip: Hip, searched: SearchResult, curve: Tradeoff
) -> None:
    spec, method, problem = Spec(), METHODS["navigated"], build_problem(sample_hip, Spec())
    rng, chosen = np.random.default_rng(5), curve.points[curve.chosen]
    need = int(np.ceil(NEAR * curve.most.removed_fraction * problem.points.shape[1]))
    half = np.array([1.5, 1.5, 0.033, 0.033])
    seeds = searched.passing[:150]
    lines = seeds[rng.integers(len(seeds), size=60_000)] + rng.uniform(-1.0, 1.0, (60_000, 4)) * half
    ends, counts = shallowest(problem, lines, ring_points(16), 1.0, need)
    tunnels = [tunnel_of_line(Spec(), problem, lines[i], *ends[i]) for i in np.flatnonzero(counts >= need)]
    assert len(tunnels) > 300
    few = []
    for tunnel in tunnels:
        entries, tips = perturbed(sample_hip, [tunnel], method, seed=2, poses=128)
        few.append(clearances_of_poses(sample_hip, [tunnel], spec, entries, tips, farthest_mm=3.0)[:, 0])
    best = np.argsort(softened(np.stack(few, axis=1)))[:10]

    def perforated(tunnel: object) -> np.ndarray:
        entries, tips = perturbed(sample_hip, [tunnel], method, seed=3)  # type: ignore[list-item]
        found = clearances_of_poses(sample_hip, [tunnel], spec, entries, tips, farthest_mm=1.0)  # type: ignore[list-item]
        return np.asarray(found[:, 0] < 0.0, dtype=np.float64)

    own = perforated(chosen.tunnels[0])
    for i in best:
        parts = (perforated(tunnels[i]) - own).reshape(10, -1).mean(axis=1)
        error = max(parts.std(ddof=1) / np.sqrt(10.0), 1.5 / len(own))
        assert parts.mean() >= -2.0 * error


def test_capped_clearances_are_the_simulation_s_own(sample_hip: Hip, searched: SearchResult) -> None:
    assert searched.tunnel is not None
    tunnels, spec = [searched.tunnel], Spec()
    entries, tips = perturbed(sample_hip, tunnels, METHODS["navigated"], poses=1024)
    found = risk_of_poses(sample_hip, tunnels, spec, entries, tips)[0][:, 0, CLEARANCE]
    whole = clearances_of_poses(sample_hip, tunnels, spec, entries, tips, farthest_mm=np.inf)[:, 0]
    assert np.array_equal(whole, found)
    # Rings stand elsewhere where more of the wall is passed over.
    capped = clearances_of_poses(sample_hip, tunnels, spec, entries, tips, farthest_mm=1.0)[:, 0]
    assert np.abs(capped - np.minimum(found, 1.0)).max() < 0.3
    assert abs(np.mean(capped < 0.0) - np.mean(found < 0.0)) < 0.002


def test_the_shallowest_tip_removes_what_is_asked_for_and_no_shallower_one_does(
    sample_hip: Hip, searched: SearchResult
) -> None:
    problem = build_problem(sample_hip, Spec())
    lines, ring = searched.passing[:20], ring_points(16)
    _, most = shallowest(problem, lines, ring, 1.0, 10**9)
    need = int(0.7 * most.max())
    ends, counts = shallowest(problem, lines, ring, 1.0, need)
    able = counts >= need
    assert np.array_equal(able, most >= need)
    for line, end in zip(lines[able], ends[able], strict=True):
        total = len(sample_hip.lesion.points_mm)
        shorter = tunnel_of_line(Spec(), problem, line, float(end[0]), float(end[1]) - 0.05)
        assert objective_fraction(sample_hip, [shorter], Spec()) * total < need + 2
        own = tunnel_of_line(Spec(), problem, line, float(end[0]), float(end[1]))
        assert objective_fraction(sample_hip, [own], Spec()) * total >= need - 2


def test_the_measure_counts_perforations_and_goes_on_to_more_clearance() -> None:
    half = np.concatenate([np.full((50, 1), -20.0), np.full((50, 1), 20.0)])
    assert softened(half)[0] == pytest.approx(0.5)
    one, other = softened(np.array([[1.0, 1.1], [2.0, 2.0]]))
    assert 0.0 < other < one < 0.5
    assert softened(np.zeros((4, 1)))[0] == 0.5


@pytest.mark.parametrize("name", ["navigated", "fluoroscopy"])
def test_carried_to_where_a_tunnel_stands_its_drillings_are_its_own(
    sample_hip: Hip, searched: SearchResult, name: str
) -> None:
    assert searched.tunnel is not None
    drill = Drill(sample_hip, Spec(), METHODS[name])
    whole = drill.drilled(searched.tunnel, 512)
    near, rest = whole.nearest()
    assert len(near.clearances) == NEAREST
    assert near.clearances.max() <= np.sort(whole.clearances)[NEAREST]
    # What is left out is added again.
    assert near.measure * NEAREST / 512 + rest == pytest.approx(whole.measure)
    again = drill.carried(near, [searched.tunnel])
    assert np.abs(again[:, 0] - near.clearances).max() < 1e-4


def test_drillings_carried_to_a_neighbour_are_nearly_those_it_would_have_itself(
    sample_hip: Hip, searched: SearchResult
) -> None:
    assert searched.tunnel is not None
    drill, own = Drill(sample_hip, Spec(), METHODS["navigated"]), searched.tunnel
    moved = Tunnel(own.entry, own.tip + np.array([0.0, 0.3, 0.2]), own.diameter_mm)
    carried = drill.carried(drill.drilled(own, 128), [moved])[:, 0]
    assert np.median(np.abs(carried - drill.drilled(moved, 128).clearances)) < 0.05


def test_nearly_all_perforations_are_of_the_few_drillings_that_err_most(
    sample_hip: Hip, searched: SearchResult
) -> None:
    assert searched.tunnel is not None
    method, tunnels = METHODS["fluoroscopy"], [searched.tunnel]
    assert Drill(sample_hip, Spec(), method).method == replace(method, tail_share=1.0)
    assert Drill(sample_hip, Spec(), METHODS["guide"]).method == METHODS["guide"]
    whole, tail = (
        execution_risk(sample_hip, tunnels, Spec(), one)[1].perforation
        for one in (method, replace(method, tail_share=1.0))
    )
    error = 3.0 * (whole.standard_error + method.tail_share * tail.standard_error)
    assert 0.7 * whole.value - error < method.tail_share * tail.value < whole.value + error


def test_without_a_tunnel_there_is_nothing_to_trade(sample_hip: Hip) -> None:
    with pytest.raises(ValueError, match="at least one"):
        tradeoff_of(sample_hip, Spec(), METHODS["guide"], [], np.zeros((0, 4)))
