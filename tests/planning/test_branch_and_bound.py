"""The bound is never beaten: by random lines of a box, by climbs, on shapes with a known optimum."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from support.bound_attack import beaten, boxes_round
from support.shared import shared

from corecore.base.grid import FloatArray
from corecore.base.interpolation import across
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.proof.affine_field import affine_bounds
from corecore.planning.proof.box_geometry import (
    Frame,
    build_box,
    build_frame,
    greatest_depth,
    least_depth,
    least_margin,
    least_margin_along,
    ring_drift,
)
from corecore.planning.proof.branch_and_bound import bounded, box_of, prove, root_box
from corecore.planning.proof.entry_bounds import entry_heights, least_incidence_sine
from corecore.planning.search import single
from corecore.planning.search.batched import climb_many, evaluate_many
from corecore.planning.search.line_geometry import COUNT, entry_gaps, find_entry, line_of, margin_at, ring_points
from corecore.planning.search.problem import Problem, build_problem
from corecore.planning.search.single import SearchResult, best_tunnel, lattice, tunnel_of_line
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import RING_POINTS, RING_STEP_MM, assess
from corecore.tunnels.limits import Reason, violations

#: The bound's kernels take a minute to compile, which only these tests would ask of a fresh machine.
pytestmark = pytest.mark.slow

SPEC = Spec(diameter_mm=8.0)
RING = ring_points(RING_POINTS)


class Case(NamedTuple):
    hip: Hip
    problem: Problem
    frame: Frame
    feasible: FloatArray
    best: Tunnel


def case_of(hip: Hip, spec: Spec) -> Case:
    problem = build_problem(hip, spec)
    lines = lattice(problem, offset_step=2.0, slope_step=0.044)
    reasons, _, _ = evaluate_many(problem, lines, RING, RING_STEP_MM)
    found = shared.best_tunnel(hip, spec)
    assert found.tunnel is not None
    return Case(hip, problem, build_frame(problem), lines[reasons == Reason.OK], found.tunnel)


@pytest.fixture(scope="module")
def case(sample_hip: Hip) -> Case:
    found = case_of(sample_hip, SPEC)
    assert len(found.feasible) > 30
    return found


def test_no_line_of_a_box_removes_more_than_its_bound(case: Case) -> None:
    worse, feasible = beaten(case, case.problem, 25, 0, 0.0)
    assert feasible > 300
    assert worse == 0


def test_what_a_cut_closes_is_at_most_the_cut(case: Case) -> None:
    assert beaten(case, case.problem, 20, 1, 0.15)[0] == 0


@pytest.mark.parametrize("fault", [{"radius": 3.5}, {"joint_margin": 6.0}, {"entry_proximal": 10.0}])
def test_the_check_sees_a_wrong_bound(case: Case, fault: dict[str, Any]) -> None:
    assert beaten(case, case.problem._replace(**fault), 25, 0, 0.0)[0] > 0


def test_every_line_of_a_box_lies_in_a_child_or_is_closed(case: Case) -> None:
    # Only halves of the box are looked at whose parts may still beat the cut; none is cut here.
    for box, lines in boxes_round(case, 15, 2):
        _, _, counts = evaluate_many(case.problem, lines, RING, RING_STEP_MM)
        children, closed = bounded(case.problem, case.frame, box[None], 0)
        better = box_of(case.frame, lines[counts > closed])
        kept = children[0]
        assert len(better) == 0 or len(kept)
        for line in better:
            assert (np.abs(line - kept[:, :4]) <= kept[:, 4:8] + 1e-9).all(axis=1).any()


def test_fields_are_enclosed_in_a_ball(case: Case) -> None:
    problem, frame, rng = case.problem, case.frame, np.random.default_rng(3)
    size = (np.array(problem.distance.shape) - 1) * problem.spacing
    plane = np.zeros(5)
    planes = pieces = 0
    for _ in range(300):
        centre = rng.uniform(-5.0, size + 5.0) if rng.random() < 0.2 else rng.uniform(0.0, size)
        (x, y, z), reach = centre, 10.0 ** rng.uniform(-2.0, 0.7)
        turn = rng.standard_normal((40, 3))
        shift = reach * turn / np.linalg.norm(turn, axis=1, keepdims=True) * rng.random((40, 1)) ** 0.2
        depth = case.hip.bone.distance(centre + shift)
        assert greatest_depth(problem, frame, x, y, z, reach) >= depth.max() - 1e-4
        assert least_depth(problem, frame, x, y, z, reach) <= depth.min() + 1e-4
        margins = [margin_at(problem, a, b, c)[0] for a, b, c in centre + shift]
        assert least_margin(problem, x, y, z, reach) <= min(margins)
        # Round a piece of a line, beside each region's edge too.
        u, along = turn[0] / np.linalg.norm(turn[0]), 10.0 ** rng.uniform(-1.5, 0.5)
        edge = problem.head_center - rng.choice((0.5, 2.0)) * problem.head_radius * problem.neck_frame[0]
        middle = centre if rng.random() < 0.3 else edge + rng.normal(0.0, 0.4 * problem.head_radius, 3)
        for a, b, c in middle + shift + rng.uniform(-along, along, (40, 1)) * u:
            told = least_margin_along(problem, middle, u, along, reach)
            assert told <= margin_at(problem, a, b, c)[0]
            pieces += told > least_margin(problem, middle[0], middle[1], middle[2], reach + along)
        if affine_bounds(problem.distance, problem.spacing, x, y, z, reach, plane):
            planes += 1
            assert (plane[3] + shift @ plane[:3] >= depth - 1e-3).all()
            assert (plane[4] + shift @ plane[:3] <= depth + 1e-3).all()
            # What is left between the two is the field's curvature: next to nothing within a few hundredths of a voxel.
            assert reach > 0.02 or plane[3] - plane[4] < 0.02
    assert planes > 100
    assert pieces > 50


def test_the_entries_of_a_box_lie_where_said_and_are_no_flatter(case: Case) -> None:
    problem, frame, gaps = case.problem, case.frame, np.zeros(COUNT)
    widths = []
    for box, lines in boxes_round(case, 60, 8):
        half = box[4:8]
        line_box = build_box(problem, frame, box[:4], half)
        low, high = entry_heights(problem, frame, line_box)
        sine = least_incidence_sine(problem, frame, line_box, low, high)
        for p, q, a, b in lines:
            start, u = line_of(problem, p, q, a, b)
            entry = find_entry(problem, start, u)
            if entry > 0.0:
                continue
            height = entry * float(u @ problem.neck_frame[0])
            assert low - 1e-3 <= height <= high + 1e-3
            kept = entry_gaps(problem, start, u, entry, gaps)
            if sine <= 1.0:
                assert sine <= kept + 1e-6
            else:
                assert gaps[Reason.INCIDENCE] < 0.0 or gaps[Reason.ENTRY_NORMAL] < 0.0
        if half.max() < 0.1:
            widths.append(high - low)
    # Small boxes are told closely: what the portal's end, and so every wall near it, rests on.
    assert len(widths) > 5
    assert np.median(widths) < 0.3


def test_rings_turn_no_further_than_said() -> None:
    rng = np.random.default_rng(4)
    angle = 2.0 * np.pi * np.arange(RING_POINTS) / RING_POINTS
    for _ in range(400):
        u = rng.standard_normal(3)
        u /= np.linalg.norm(u)
        v = u + 10.0 ** rng.uniform(-3, -0.7) * rng.uniform(-1, 1, 3)
        v /= np.linalg.norm(v)
        if np.argmin(np.abs(u)) != np.argmin(np.abs(v)):
            continue
        bases = across(u[0], u[1], u[2]), across(v[0], v[1], v[2])
        rings = [np.cos(angle)[:, None] * e + np.sin(angle)[:, None] * f for e, f in bases]
        moved = float(np.linalg.norm(rings[0] - rings[1], axis=1).max())
        apart = np.linalg.norm(rings[0][:, None] - rings[1][None], axis=2).min(axis=1).max()
        turn = float(np.linalg.norm(u - v))
        assert min(moved, float(apart)) <= ring_drift(True, turn) + 1e-12
        assert apart <= ring_drift(False, turn) + 1e-12


def test_the_root_holds_every_line_that_touches_the_lesion(case: Case) -> None:
    root = root_box(case.problem, case.frame)
    lines = lattice(case.problem)
    _, _, counts = evaluate_many(case.problem, lines[::7], ring_points(16), 1.0)
    touching = box_of(case.frame, lines[::7][counts > 0])
    assert len(touching) > 20
    assert (np.abs(touching - root[:4]) <= root[4:8]).all()


def test_a_lesion_within_one_tunnel_is_proven_at_once(case: Case) -> None:
    """All of it can be removed, so the bound is the whole, and a gap of nothing."""
    inside = case.best.contains(case.hip.lesion.points_mm)
    hip = replace(case.hip, lesion=case.hip.lesion.kept(inside))
    proof = prove(build_problem(hip, SPEC), int(inside.sum()))
    assert proof.upper_bound_fraction == 1.0
    assert proof.stopped_by == "gap"


def ball_in_tunnel(hip: Hip, tunnel: Tunnel, radius: float) -> Hip:
    """The hip with a ball for a lesion, centred on a tunnel and wholly before its tip."""
    centre = tunnel.tip - (radius + 0.2) * tunnel.direction
    lattice_mm = np.arange(-radius, radius + 1e-9, 0.4)
    cube = np.stack(np.meshgrid(lattice_mm, lattice_mm, lattice_mm), axis=-1).reshape(-1, 3)
    return replace(hip, lesion=replace(hip.lesion, points_mm=centre + cube[np.linalg.norm(cube, axis=1) <= radius]))


def test_a_ball_on_a_feasible_axis_is_enclosed(case: Case) -> None:
    """The best tunnel passes the ball's centre: 1 - (1 - (r/R)^2)^1.5 of it, and the bound lies above."""
    share = 1.0 - (1.0 - (SPEC.radius_mm / 6.0) ** 2) ** 1.5
    problem = build_problem(ball_in_tunnel(case.hip, case.best, 6.0), SPEC)
    total = problem.points.shape[1]
    proof = prove(problem, int(share * total), gap=0.1, effort=1_500)
    assert proof.upper_bound_fraction >= share * 0.995
    # A line has no more than this of the ball anywhere, so far less than all of it must be proven soon.
    assert proof.upper_bound_fraction < 1.0


def test_threads_do_not_change_the_proof(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    proofs = []
    for threads in ("1", "2", "3"):
        monkeypatch.setitem(os.environ, "CORECORE_THREADS", threads)
        proofs.append(prove(case.problem, 5_000, effort=800))
    assert proofs[0] == proofs[1] == proofs[2]
    assert proofs[0].stopped_by == "effort"
    assert proofs[0].boxes_bounded >= 800


def test_a_larger_margin_never_raises_the_bound(case: Case) -> None:
    bounds = []
    for margin in (5.0, 9.0, 14.0):
        problem = build_problem(case.hip, replace(SPEC, joint_margin_mm=margin))
        bounds.append(prove(problem, 5_000, effort=800).upper_bound_fraction)
    assert bounds[0] >= bounds[1] >= bounds[2]


@pytest.fixture(scope="module")
def from_poor(case: Case) -> tuple[SearchResult, SearchResult]:
    """A poor tunnel, as a search that missed the best would have left it, and what the proof makes of it."""
    _, ends, counts = evaluate_many(case.problem, case.feasible, RING, RING_STEP_MM)
    poor = int(np.argsort(counts)[len(counts) // 2])
    tunnel = tunnel_of_line(SPEC, case.problem, case.feasible[poor], ends[poor, 0], ends[poor, 1])
    figures = assess(case.hip, tunnel, SPEC)
    start = SearchResult(tunnel, figures, None, 1, 1, {}, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(single, "_search", lambda *args, **options: start)
        return start, best_tunnel(case.hip, SPEC, gap=0.01, effort=30_000)


def test_a_proof_that_comes_upon_a_better_tunnel_plans_it(
    case: Case, from_poor: tuple[SearchResult, SearchResult]
) -> None:
    start, found = from_poor
    assert start.figures is not None
    assert found.figures is not None
    assert found.proof is not None
    assert not violations(found.figures, SPEC)
    best = assess(case.hip, case.best, SPEC).removed_fraction
    assert start.figures.removed_fraction < 0.9 * best
    assert 0.97 * best < found.figures.removed_fraction <= found.proof.upper_bound_fraction


def test_time_ends_a_proof_and_says_so(case: Case) -> None:
    proof = prove(case.problem, 5_000, until=0.0)
    assert proof.stopped_by == "time"
    assert proof.upper_bound_fraction == 1.0


@pytest.mark.parametrize(
    "number",
    [200_000, pytest.param(10_000_000, marks=pytest.mark.long)],
)
def test_lines_by_chance_and_their_climbs_do_not_beat_the_bound(
    case: Case, from_poor: tuple[SearchResult, SearchResult], number: int
) -> None:
    rng = np.random.default_rng(5)
    proof = from_poor[1].proof
    assert proof is not None
    limit = round(proof.upper_bound_fraction * case.problem.points.shape[1])
    judged, most = 0, 0
    while judged < number:
        near = case.feasible[rng.integers(len(case.feasible), size=200_000)]
        lines = near + rng.uniform(-1, 1, near.shape) * (2.0, 2.0, 0.044, 0.044)
        _, _, counts = evaluate_many(case.problem, lines, ring_points(16), 1.0)
        top = lines[np.argsort(-counts, kind="stable")[:8]]
        _, _, climbed, _ = climb_many(case.problem, top, RING, RING_STEP_MM, 0.3, 0.02)
        most = max(most, int(climbed.max()))
        judged += len(lines)
    assert 0 < most <= limit
