"""A given entry, a given direction, and tunnels that stand already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.shared import shared

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.parsing import Vector
from corecore.base.spec import Kept, Spec
from corecore.hip.hip import Hip
from corecore.planning.planner import resolve_entry
from corecore.planning.search.batched import evaluate_many
from corecore.planning.search.fixed_lines import fixed_lines
from corecore.planning.search.infeasible import Infeasible
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import build_problem
from corecore.planning.search.single import TIE_SHARE, best_tunnel
from corecore.planning.sets.candidates import lines_through
from corecore.planning.sets.search import best_set
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.existing_tunnels import kept_tunnels
from corecore.tunnels.figures import assess
from corecore.tunnels.limits import violations
from corecore.tunnels.tunnel_set import conflicts, set_violations, shapes_of_tunnels, shared_volume
from corecore.tunnels.user_constraints import fixed_direction, fixed_entry

SPEC = Spec(diameter_mm=6.0)


def world(hip: Hip, point: FloatArray) -> Vector:
    x, y, z = (float(value) for value in hip.to_world(point))
    return x, y, z


def heading(hip: Hip, direction: FloatArray, length: float = 1.0) -> Vector:
    x, y, z = (float(value) * length for value in hip.direction_to_world(direction))
    return x, y, z


@pytest.fixture(scope="module")
def free(sample_hip: Hip) -> Tunnel:
    tunnel = shared.best_tunnel(sample_hip, SPEC).tunnel
    assert tunnel is not None
    return tunnel


def test_an_entry_is_put_on_the_surface_and_one_far_off_is_told_how_far(sample_hip: Hip, free: Tunnel) -> None:
    normal = sample_hip.bone.mouth_normal(free.entry)[0]
    for off in (-1.5, 0.0, 1.5):
        spec = replace(SPEC, entry_fixed=world(sample_hip, free.entry + off * normal))
        entry = fixed_entry(sample_hip, spec)
        assert entry is not None
        assert abs(float(sample_hip.bone.distance(entry[None])[0])) < 1e-3
        assert np.linalg.norm(entry - free.entry) < 0.5
        settled_spec, warnings = resolve_entry(sample_hip, spec)
        assert settled_spec.entry_fixed is not None
        assert np.allclose(settled_spec.entry_fixed, sample_hip.to_world(entry), atol=1e-3)
        assert {c.code for c in warnings} == ({"entry_moved"} if off else set())
    for off in (-6.0, 3.0, 30.0):
        with pytest.raises(InputError, match=rf"{abs(off) - 0.5:.0f}|{abs(off):.0f}|{abs(off) + 0.4:.0f}.* mm off"):
            fixed_entry(sample_hip, replace(SPEC, entry_fixed=world(sample_hip, free.entry + off * normal)))


def test_a_direction_of_any_length_and_one_past_the_head_is_an_error(sample_hip: Hip, free: Tunnel) -> None:
    for length in (1.0, 250.0):
        found = fixed_direction(sample_hip, replace(SPEC, direction_fixed=heading(sample_hip, free.direction, length)))
        assert found is not None
        assert np.allclose(found, free.direction)
    with pytest.raises(InputError, match="neck's axis"):
        fixed_direction(sample_hip, replace(SPEC, direction_fixed=heading(sample_hip, -free.direction)))
    with pytest.raises(InputError, match="direction_fixed"):
        replace(SPEC, direction_fixed=(0.0, 0.0, 0.0))


def test_a_left_hip_and_a_moved_patient_take_it_along(sample_hip: Hip, free: Tunnel) -> None:
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = turn * np.sign(np.linalg.det(turn)), [50.0, -20.0, 7.0]
    for frame in (moved, np.diag([-1.0, 1.0, 1.0, 1.0])):
        hip = replace(sample_hip, world_from_local=frame @ sample_hip.world_from_local)
        spec = replace(SPEC, entry_fixed=world(hip, free.entry), direction_fixed=heading(hip, free.direction))
        entry, direction = fixed_entry(hip, spec), fixed_direction(hip, spec)
        assert entry is not None
        assert direction is not None
        assert np.allclose(entry, free.entry, atol=1e-3)
        assert np.allclose(direction, free.direction, atol=1e-9)


def test_the_best_tunnel_through_an_entry_beats_every_other_through_it(sample_hip: Hip, free: Tunnel) -> None:
    # A neighbour of the free optimum's entry, so that the slopes have to be found anew.
    at = free.entry - 2.0 * sample_hip.anatomy.shaft_axis
    off = float(sample_hip.bone.distance(at[None])[0])
    at = at + off * sample_hip.bone.mouth_normal(at)[0]
    spec = replace(SPEC, entry_fixed=world(sample_hip, at))
    found = best_tunnel(sample_hip, spec)
    assert found.tunnel is not None
    assert found.figures is not None
    assert np.linalg.norm(found.tunnel.entry - at) <= 0.5
    assert not violations(found.figures, spec)
    plain = build_problem(sample_hip, SPEC)
    slopes = np.random.default_rng(1).uniform(-0.5, 0.5, (60_000, 2))
    lines = lines_through(plain, fixed_entry(sample_hip, spec), slopes)  # type: ignore[arg-type]
    _, ends, counts = evaluate_many(plain, lines, ring_points(32), 0.5)
    same = np.linalg.norm(entries(sample_hip, lines, ends) - at, axis=1) < 0.5
    assert np.count_nonzero(counts[same]) > 20
    share = counts[same].max() / len(sample_hip.lesion.points_mm)
    assert share <= found.figures.removed_fraction * 1.01
    assert found.figures.removed_fraction <= assess(sample_hip, free, SPEC).removed_fraction * 1.001


def entries(hip: Hip, lines: FloatArray, ends: FloatArray) -> FloatArray:
    n, center = build_problem(hip, SPEC).neck_frame, hip.anatomy.neck_center
    direction = n[0] + lines[:, 2:3] * n[1] + lines[:, 3:] * n[2]
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.asarray(center + lines[:, :1] * n[1] + lines[:, 1:2] * n[2] + ends[:, :1] * direction)


def test_the_best_tunnel_along_a_direction_beats_every_other_along_it(sample_hip: Hip, free: Tunnel) -> None:
    turned = free.direction + 0.03 * free.ring_basis()[0]
    turned /= np.linalg.norm(turned)
    spec = replace(SPEC, direction_fixed=heading(sample_hip, turned))
    found = best_tunnel(sample_hip, spec)
    assert found.tunnel is not None
    assert found.figures is not None
    # By the cross product: rounding takes the cosine of nearly equal directions over one.
    assert np.degrees(np.arcsin(np.linalg.norm(np.cross(found.tunnel.direction, turned)))) <= 0.1
    plain = build_problem(sample_hip, SPEC)
    slopes = plain.neck_frame @ turned
    offsets = np.random.default_rng(1).uniform(-15.0, 15.0, (40_000, 2))
    lines = np.concatenate([offsets, np.tile(slopes[1:] / slopes[0], (len(offsets), 1))], axis=1)
    _, _, counts = evaluate_many(plain, lines, ring_points(32), 0.5)
    assert np.count_nonzero(counts) > 20
    assert counts.max() / len(sample_hip.lesion.points_mm) <= found.figures.removed_fraction * 1.01


def test_both_fixed_leave_one_line(sample_hip: Hip, free: Tunnel) -> None:
    spec = replace(
        SPEC, entry_fixed=world(sample_hip, free.entry), direction_fixed=heading(sample_hip, free.direction, 3.0)
    )
    assert len(fixed_lines(build_problem(sample_hip, spec))) == 1
    found = best_tunnel(sample_hip, spec)
    assert found.tunnel is not None
    assert np.linalg.norm(found.tunnel.tip - free.tip) < 0.1


@pytest.mark.parametrize("fixed", ["direction", pytest.param("entry", marks=pytest.mark.slow), "entry direction"])
def test_a_tunnel_between_limits_is_found_again_where_it_is_a_speck(sample_hip: Hip, free: Tunnel, fixed: str) -> None:
    """All limits drawn close about the best tunnel: of its direction, or entry, next to nothing else keeps them."""
    measured = assess(sample_hip, free, SPEC)
    room = 0.012
    tight = replace(
        SPEC,
        cortical_margin_mm=measured.cortical_clearance_mm - room,
        joint_margin_mm=measured.joint_clearance_mm - room,
        entry_distal_mm=measured.entry_edge_low_mm - 0.002,
        entry_proximal_mm=measured.entry_edge_high_mm + 0.002,
        entry_ap_max_mm=abs(measured.entry_anterior_mm) + 0.002,
    )
    assert not violations(assess(sample_hip, free, tight), tight)
    # As a file has them.
    entry = as_in_a_file(world(sample_hip, free.entry)) if "entry" in fixed else None
    way = as_in_a_file(heading(sample_hip, free.direction)) if "direction" in fixed else None
    spec = replace(tight, entry_fixed=entry, direction_fixed=way)
    found = best_tunnel(sample_hip, spec, confirm=False)
    assert found.figures is not None
    assert not violations(found.figures, spec)
    assert found.figures.removed_fraction >= measured.removed_fraction * (1.0 - TIE_SHARE)


def as_in_a_file(vector: Vector) -> Vector:
    x, y, z = (round(value, 6) for value in vector)
    return x, y, z


@pytest.mark.long
def test_an_entry_out_of_the_zone_is_infeasible_and_says_which_limit(sample_hip: Hip, free: Tunnel) -> None:
    anatomy = sample_hip.anatomy
    at = free.entry + 30.0 * -anatomy.shaft_axis
    for _ in range(20):
        at = at + float(sample_hip.bone.distance(at[None])[0]) * sample_hip.bone.mouth_normal(at)[0]
    found = best_tunnel(sample_hip, replace(SPEC, entry_fixed=world(sample_hip, at)))
    assert found.tunnel is None
    assert isinstance(found.infeasible, Infeasible)
    assert found.infeasible.binding in ("entry_distal_mm", "shaft_angle_max_deg", "length_max_mm", "misses_lesion")


def kept_of(hip: Hip, tunnel: Tunnel) -> Kept:
    return Kept(world(hip, tunnel.entry), world(hip, tunnel.tip), tunnel.diameter_mm)


@pytest.mark.long
def test_a_kept_tunnel_stays_and_others_are_added_around_it(sample_hip: Hip, free: Tunnel) -> None:
    spec = replace(SPEC, diameter_mm=4.0, tunnels=2, keep=(kept_of(sample_hip, free),))
    found = best_set(sample_hip, spec)
    assert len(found.tunnels) == 2
    first, second = (tunnel for tunnel, _ in found.tunnels)
    assert np.allclose(first.entry, free.entry, atol=1e-3)
    assert np.allclose(first.tip, free.tip, atol=1e-6)
    assert (first.diameter_mm, second.diameter_mm) == (6.0, 4.0)
    assert not violations(assess(sample_hip, second, spec), spec)
    assert not set_violations(sample_hip, [first, second], spec)
    points = sample_hip.lesion.points_mm
    union = float(np.mean(first.contains(points) | second.contains(points)))
    assert found.removed_fraction == pytest.approx(union, abs=1e-12)
    assert union > float(np.mean(first.contains(points))) + 0.005


def test_kept_tunnels_alone_need_no_search_and_count_in_k(sample_hip: Hip, free: Tunnel) -> None:
    spec = replace(SPEC, keep=(kept_of(sample_hip, free),))
    found = best_set(sample_hip, spec)
    assert [tunnel.diameter_mm for tunnel, _ in found.tunnels] == [6.0]
    assert found.lines_judged == 0
    with pytest.raises(InputError, match="2 tunnels kept of 1"):
        replace(spec, keep=(spec.keep[0], spec.keep[0]))


def test_a_kept_tunnel_that_breaks_a_limit_is_an_error_naming_it(sample_hip: Hip, free: Tunnel) -> None:
    deeper = Tunnel(free.entry, free.tip + 2.0 * free.direction, free.diameter_mm)
    outside = Tunnel(free.entry, free.tip + 40.0 * free.direction, free.diameter_mm)
    afar = Tunnel(free.entry - 5.0 * free.direction, free.tip, free.diameter_mm)
    up = np.array([0.0, 0.0, 4.0])
    beside = Tunnel(free.entry + up, free.tip + up, 3.0)
    for tunnel, word in ((deeper, "joint_margin_mm"), (outside, "outside the femur"), (afar, "5.0 mm from the entry")):
        with pytest.raises(InputError, match=word):
            kept_tunnels(sample_hip, replace(SPEC, keep=(kept_of(sample_hip, tunnel),)))
    loose = replace(SPEC, tunnels=2, joint_margin_mm=3.0, cortical_margin_mm=0.0, posterosuperior_margin_mm=0.0)
    both = replace(loose, keep=tuple(kept_of(sample_hip, t) for t in (free, beside)))
    with pytest.raises(InputError, match=r"together exceed|existing tunnel 2"):
        kept_tunnels(sample_hip, both)


def test_the_quick_rules_hold_between_drills_of_two_sizes(sample_hip: Hip, free: Tunnel) -> None:
    rng = np.random.default_rng(5)
    spec = replace(SPEC, tunnels=2)
    seen = set()
    for _ in range(30):
        tip = free.tip + rng.normal(0, 3.0, 3)
        other = Tunnel(free.entry + 0.05, tip, float(rng.choice([3.0, 9.0])))
        one, another = (shapes_of_tunnels(sample_hip, spec, [tunnel]) for tunnel in (other, free))
        quick = bool(conflicts(one, another, spec)[0])
        share = shared_volume(sample_hip, free, other, spec)
        if abs(share - 0.485) > 0.06:
            assert quick == (share > 0.485)
            seen.add(quick)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("1,2,3:4,5,60", True), ("1,2,3:4,5,60:3.2", True), ("1,2,3", False), ("1,2:3,4,5", False),
        ("1,2,3:4,5,60:x", False), ("1,2,3:1,2,3.5", False), ("1,2,3:4,5,60:99", False), ("1,2,3:4,5,nan", False),
    ],
)  # fmt: skip
def test_kept_tunnels_are_read_from_text(text: str, accepted: bool) -> None:
    if not accepted:
        with pytest.raises(InputError, match="keep"):
            Spec().with_values({"keep": text})
        return
    kept = Spec().with_values({"keep": [text], "diameter_mm": 8.0}).keep
    assert kept == (Kept((1.0, 2.0, 3.0), (4.0, 5.0, 60.0), 3.2 if text.endswith("3.2") else 8.0),)


def test_a_spec_read_back_from_its_own_table_is_the_same() -> None:
    spec = Spec(keep=(Kept((1.0, 2.0, 3.0), (4.0, 5.0, 60.0), 3.2),), entry_fixed=(1.0, 2.0, 3.0), tunnels=2)
    table = {key: value for key, value in spec.as_dict().items() if key != "preset"}
    assert Spec().with_values(table) == spec
