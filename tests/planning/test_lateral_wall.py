"""Limits of the lateral wall and below the vastus ridge: no search breaks them; where none is left, they are named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support import real_hips as real
from support.export_phantom import make_world, on_bone, write_by_hand
from support.shared import shared

from corecore.base.errors import InputError
from corecore.base.grid import Mask
from corecore.base.spec import Spec
from corecore.document.stated import read_stated
from corecore.hip.hip import Hip
from corecore.planning.search.line_geometry import COUNT, RIDGE, WALL_SHARE, entry_gaps
from corecore.planning.search.problem import build_problem
from corecore.planning.search.single import best_tunnel
from corecore.planning.sets.search import best_set
from corecore.tunnels.figures import assess, wall_share
from corecore.tunnels.limits import violations
from corecore.tunnels.tunnel_set import set_violations, shapes_of_tunnels
from corecore.verification import recalculation
from corecore.verification.frame import Frame
from corecore.verification.hip import load_hip
from corecore.verification.mesh import mesh_of
from corecore.verification.recalculation import judge
from corecore.verification.vastus_ridge import ridge_height_mm

WALL, BELOW = "lateral_wall_share_max", "entry_below_ridge_mm"


def with_ridge(hip: Hip, above_mm: float) -> Hip:
    """The hip with its ridge so far above the lesser trochanter's level."""
    anatomy = hip.anatomy
    height = anatomy.lesser_trochanter_height_mm + above_mm
    place = anatomy.head_center + height * anatomy.shaft_axis + 30.0 * anatomy.x_axis
    return replace(hip, anatomy=replace(anatomy, vastus_ridge=place))


def test_the_kernel_measures_what_the_figures_do(sample_hip: Hip) -> None:
    hip = with_ridge(sample_hip, 24.0)
    found = shared.best_tunnel(sample_hip, Spec())
    assert found.tunnel is not None
    tip, way, back = found.tunnel.tip, found.tunnel.direction, -found.tunnel.length_mm
    for limit in (0.1, 0.3):
        spec = Spec(lateral_wall_share_max=limit, entry_below_ridge_mm=1.5)
        figures = assess(hip, found.tunnel, spec)
        assert figures.lateral_wall_share is not None
        assert figures.entry_edge_below_ridge_mm is not None
        gaps = np.zeros(COUNT)
        entry_gaps(build_problem(hip, spec), tip, way, back, gaps)
        assert gaps[WALL_SHARE] == pytest.approx(limit - figures.lateral_wall_share, abs=1e-4)
        assert gaps[RIDGE] == pytest.approx(figures.entry_edge_below_ridge_mm - 1.5, abs=1e-6)
    free = np.zeros(COUNT)
    entry_gaps(build_problem(hip, Spec()), tip, way, back, free)
    assert min(free[WALL_SHARE], free[RIDGE]) > 1e8


def test_a_tunnel_and_a_set_that_take_more_break_it(sample_hip: Hip) -> None:
    hip = with_ridge(sample_hip, 24.0)
    found = shared.best_tunnel(sample_hip, Spec())
    assert found.tunnel is not None
    figures = assess(hip, found.tunnel, Spec())
    share, below = figures.lateral_wall_share, figures.entry_edge_below_ridge_mm
    assert share is not None
    assert below is not None
    for key, limit, broken in (
        (WALL, share - 1e-6, True),
        (WALL, share + 1e-6, False),
        (BELOW, below + 1e-6, True),
        (BELOW, below - 1e-6, False),
    ):
        spec = Spec().with_values({key: limit})
        assert (key in {item.key for item in violations(assess(hip, found.tunnel, spec), spec)}) is broken
    # Two beside each other take more than one.
    away = 9.0 * hip.anatomy.y_axis
    second = replace(found.tunnel, entry=found.tunnel.entry + away, tip=found.tunnel.tip + away)
    both = wall_share(hip.anatomy, [found.tunnel, second])
    assert both is not None
    assert both > share + 0.1
    for limit, broken in ((both - 1e-6, True), (both + 1e-6, False)):
        told = set_violations(hip, [found.tunnel, second], Spec(lateral_wall_share_max=limit))
        assert (WALL in {item.key for item in told}) is broken
    shapes = shapes_of_tunnels(hip, Spec(), [found.tunnel, second])
    assert shapes.take([0]).wall_shares(hip.anatomy, shapes.take([1])) == pytest.approx([both])


def test_a_ridge_that_is_not_found_refuses_the_limit(sample_hip: Hip) -> None:
    none = replace(sample_hip, anatomy=replace(sample_hip.anatomy, vastus_ridge=None))
    with pytest.raises(InputError, match="vastus ridge") as raised:
        best_tunnel(none, Spec(entry_below_ridge_mm=2.0))
    assert raised.value.code == "ridge-not-found"
    found = shared.best_tunnel(sample_hip, Spec())
    assert found.tunnel is not None
    assert assess(none, found.tunnel, Spec()).entry_edge_below_ridge_mm is None


@pytest.mark.slow
def test_the_searches_keep_both_and_remove_no_more(sample_hip: Hip) -> None:
    free = shared.best_tunnel(sample_hip, Spec())
    assert free.tunnel is not None
    hip = with_ridge(sample_hip, 30.0)
    own = assess(hip, free.tunnel, Spec())
    assert own.lateral_wall_share is not None
    assert own.entry_edge_below_ridge_mm is not None
    tighter = {
        WALL: round(own.lateral_wall_share - 0.01, 3),
        BELOW: round(own.entry_edge_below_ridge_mm + 2.0, 2),
    }
    for key, limit in tighter.items():
        spec = Spec().with_values({key: limit})
        found = best_tunnel(hip, spec, confirm=False)
        assert found.figures is not None
        assert not violations(found.figures, spec)
        assert found.figures.removed_fraction <= own.removed_fraction + 1e-9


@pytest.mark.long
@pytest.mark.slow
def test_where_they_leave_no_tunnel_they_are_named(sample_hip: Hip) -> None:
    tight = best_tunnel(sample_hip, Spec(lateral_wall_share_max=0.08))
    assert tight.tunnel is None
    assert tight.infeasible is not None
    assert tight.infeasible.binding == WALL
    low = best_tunnel(with_ridge(sample_hip, 8.0), Spec(entry_below_ridge_mm=6.0))
    assert low.tunnel is None
    assert low.infeasible is not None
    assert BELOW in {way.key for way in low.infeasible.relaxations} | {low.infeasible.binding}


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["separate", pytest.param("any", marks=pytest.mark.long)])
def test_a_set_keeps_the_wall_together(sample_hip: Hip, pattern: str) -> None:
    spec = Spec(diameter_mm=4.0, tunnels=2, pattern=pattern)
    free = shared.best_set(sample_hip, spec)
    taken = wall_share(sample_hip.anatomy, [tunnel for tunnel, _ in free.tunnels])
    assert taken is not None
    limit = round(0.8 * taken, 3)
    found = best_set(sample_hip, replace(spec, lateral_wall_share_max=limit), confirm=False)
    together = wall_share(sample_hip.anatomy, [tunnel for tunnel, _ in found.tunnels])
    assert found.infeasible is not None or (together is not None and together <= limit)
    assert found.removed_fraction <= free.removed_fraction + 0.005


@pytest.mark.slow
def test_verify_judges_the_walls_limit_by_its_own_wall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    tunnel = on_bone(world.hip, world.ends[0], 10.0)
    share = assess(world.hip, tunnel, Spec()).lateral_wall_share
    assert share is not None
    limits = {"tight": share - 0.1, "wide": share + 0.1}
    content = write_by_hand(world.hip, [tunnel], tmp_path, spec=Spec(lateral_wall_share_max=limits["tight"]))
    assert WALL in {item["key"] for item in content["violations"]}
    kept = [item for item in content["violations"] if item["key"] != WALL]
    wide = {**content, "spec": {**content["spec"], WALL: limits["wide"]}, "violations": kept}
    # Of all that verify judges only its limits are looked at twice.
    monkeypatch.setattr(recalculation, "risk_checks", lambda plan, hip, frame: [])
    monkeypatch.setattr(recalculation, "ray_checks", lambda plan, hip, frame: [])
    for one, state in ((content, "broken"), (wide, "kept")):
        (tmp_path / "plan.json").write_text(json.dumps(one))
        plan = read_stated(tmp_path / "plan.json")
        (check,) = (check for check in judge(plan, load_hip(plan)).checks if check.name == f"violations {WALL}")
        assert check.ok
        assert check.found == state


def test_verify_finds_the_ridge_of_real_femora_where_the_planner_does(real_hips: Path) -> None:
    for name in ("h01_right_wedge15", "h06_left_full_femur"):
        hip = real.built(real_hips, name)
        anatomy = hip.anatomy
        place, way = hip.to_world, hip.direction_to_world
        frame = Frame(
            place(anatomy.head_center), anatomy.head_radius_mm, way(anatomy.x_axis), way(anatomy.y_axis),
            way(anatomy.shaft_axis), way(anatomy.neck_axis), place(anatomy.shaft_point),
        )  # fmt: skip
        seen = SimpleNamespace(mesh=mesh_of(Mask(hip.bone_mask.grid.moved(hip.world_from_local), hip.bone_mask.voxels)))
        found = ridge_height_mm(seen, frame, anatomy.lesser_trochanter_height_mm)  # type: ignore[arg-type]
        assert found == pytest.approx(anatomy.vastus_ridge_height_mm, abs=2.0)
