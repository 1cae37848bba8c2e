"""``neck_area_share_max``: no search returns a plan that takes more of the neck; where none is left, it is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.shared import shared

from corecore.base.spec import Spec
from corecore.document.seal import seal_of
from corecore.exports.plan_folder import write_plan
from corecore.hip.hip import Hip
from corecore.planning.explain import space_beside
from corecore.planning.manual import assess_path
from corecore.planning.planner import plan_hip
from corecore.planning.search.single import best_tunnel
from corecore.planning.sets.search import best_set
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess, neck_area_share
from corecore.tunnels.limits import violations
from corecore.tunnels.plan_metrics import neck_area_share as share_of_all
from corecore.tunnels.tunnel_set import set_violations, shapes_of_tunnels
from corecore.verification.recalculation import verify_plan

KEY = "neck_area_share_max"


def along_neck(hip: Hip, diameter_mm: float) -> float:
    """The least share that a tunnel of that size can take: its circle over the neck's smallest section."""
    return float(np.pi * diameter_mm**2 / 4.0 / hip.anatomy.neck_min_area_mm2)


def test_the_share_is_the_ellipse_over_the_section(sample_hip: Hip) -> None:
    axis, across = sample_hip.anatomy.neck_axis, sample_hip.anatomy.posterosuperior
    start = sample_hip.bone.surface_points_mm[0]
    for lean_deg in (0.0, 20.0, 45.0):
        lean = np.radians(lean_deg)
        way = np.cos(lean) * axis + np.sin(lean) * across
        tunnel = Tunnel(start, start + 50.0 * way, 10.0)
        share = neck_area_share(sample_hip.anatomy, tunnel)
        # Along the axis a circle; leaning, an ellipse longer by the cosine.
        assert share == pytest.approx(along_neck(sample_hip, 10.0) / np.cos(lean), rel=1e-9)
        shapes = shapes_of_tunnels(sample_hip, Spec(), [tunnel])
        assert shapes.neck_shares(sample_hip.anatomy)[0] == pytest.approx(share, rel=1e-12)
        assert share_of_all(sample_hip, [tunnel, tunnel]) == pytest.approx(2.0 * share, rel=1e-12)


def test_a_tunnel_and_a_set_that_take_more_break_it(sample_hip: Hip) -> None:
    found = shared.best_tunnel(sample_hip, Spec())
    assert found.tunnel is not None and found.figures is not None  # noqa: PT018
    share = found.figures.neck_area_share
    for limit, broken in ((share - 1e-6, True), (share + 1e-6, False)):
        spec = replace(Spec(), neck_area_share_max=limit)
        told = [item.key for item in violations(assess(sample_hip, found.tunnel, spec), spec)]
        assert (KEY in told) is broken
    pair = [found.tunnel, found.tunnel]
    for limit, broken in ((2.0 * share - 1e-6, True), (2.0 * share + 1e-6, False)):
        told = [item.key for item in set_violations(sample_hip, pair, replace(Spec(), neck_area_share_max=limit))]
        assert (KEY in told) is broken
    assert not [item for item in set_violations(sample_hip, pair, Spec()) if item.key == KEY]


@pytest.mark.slow
def test_a_tighter_share_never_removes_more_and_is_kept(sample_hip: Hip) -> None:
    free = shared.best_tunnel(sample_hip, Spec())
    assert free.figures is not None
    least, own = along_neck(sample_hip, 10.0), free.figures.neck_area_share
    removed = free.figures.removed_fraction
    for part in (0.75, 0.4):
        limit = least + part * (own - least)
        found = best_tunnel(sample_hip, replace(Spec(), neck_area_share_max=limit), confirm=False)
        if found.figures is None:
            break
        assert found.figures.neck_area_share <= limit
        assert found.figures.removed_fraction <= removed + 1e-9
        removed = found.figures.removed_fraction


@pytest.mark.slow
def test_under_the_circle_of_one_tunnel_there_is_none_and_the_limit_is_named(sample_hip: Hip) -> None:
    least = along_neck(sample_hip, 10.0)
    found = best_tunnel(sample_hip, replace(Spec(), neck_area_share_max=round(0.9 * least, 3)))
    assert found.tunnel is None and found.infeasible is not None  # noqa: PT018
    assert found.infeasible.binding == KEY
    way = found.infeasible.relaxations[0]
    assert way.key == KEY and way.needed >= least  # noqa: PT018
    helped = best_tunnel(sample_hip, replace(Spec(), neck_area_share_max=way.needed), confirm=False)
    assert helped.tunnel is not None


@pytest.mark.slow
def test_a_set_keeps_it_together(sample_hip: Hip) -> None:
    spec = Spec(diameter_mm=4.0, tunnels=2, pattern="separate")
    free = shared.best_set(sample_hip, spec)
    taken = share_of_all(sample_hip, [tunnel for tunnel, _ in free.tunnels])
    assert len(free.tunnels) == 2
    removed = free.removed_fraction
    for limit in (0.97 * taken, 0.7 * taken):
        found = best_set(sample_hip, replace(spec, neck_area_share_max=limit))
        assert found.tunnels
        assert share_of_all(sample_hip, [tunnel for tunnel, _ in found.tunnels]) <= limit
        assert found.removed_fraction <= removed + 0.005
        removed = found.removed_fraction
    # Two thirds of the share leave no room for the second.
    assert len(found.tunnels) == 1


@pytest.mark.slow
def test_verify_has_the_limit_too(sample_hip: Hip, tmp_path: Path) -> None:
    free = shared.best_tunnel(sample_hip, Spec())
    assert free.figures is not None
    spec = Spec(objective="most", neck_area_share_max=round(free.figures.neck_area_share + 0.01, 3))
    plan = plan_hip(sample_hip, spec, shared.measure(sample_hip, spec))
    write_plan(plan, tmp_path / "plan", pictures=False)
    path = tmp_path / "plan" / "plan.json"
    content = json.loads(path.read_text())
    assert content["spec"][KEY] == spec.neck_area_share_max
    content["spec"][KEY] = round(content["totals"]["neck_area_share"] - 0.02, 3)
    content["seal"] = seal_of(content)
    path.write_text(json.dumps(content))
    result = verify_plan(path)
    # The files beside it are now those of another plan.
    wrong = [check.name for check in result.checks if not check.ok and not check.name.startswith("beside the plan")]
    assert wrong == [f"tunnels {KEY}"]
    # Its own share keeps the limit that was planned with.
    (own,) = (check.found for check in result.checks if check.name == wrong[0])
    assert isinstance(own, float)
    assert own <= round(free.figures.neck_area_share + 0.01, 3)


def test_beside_the_others_a_line_keeps_what_they_leave_of_the_share(sample_hip: Hip) -> None:
    found = best_tunnel(sample_hip, Spec(diameter_mm=6.0))
    assert found.tunnel is not None and found.figures is not None  # noqa: PT018
    one, own = found.tunnel, found.figures.neck_area_share
    # Along the neck from its smallest section, straight on and leaning; the other is moved down the shaft.
    lines = np.array([[0.0, 0.0, lean, 0.0] for lean in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)])
    shares = along_neck(sample_hip, 6.0) * np.hypot(1.0, lines[:, 2])
    ends = np.tile([-20.0, 20.0], (len(lines), 1))
    down = 30.0 * sample_hip.anatomy.shaft_axis
    far = replace(one, entry=one.entry - down, tip=one.tip - down)
    free = space_beside(sample_hip, Spec(diameter_mm=6.0), one, [far])(lines, ends)
    assert np.count_nonzero(free) >= 3
    told = []
    for limit in (own + 1.1 * shares[-1], own + 0.5 * (shares[2] + shares[3]), own + 0.9 * shares[0]):
        spec = Spec(diameter_mm=6.0, neck_area_share_max=float(limit))
        kept = space_beside(sample_hip, spec, one, [far])(lines, ends)
        assert kept.tolist() == (free & (own + shares <= limit)).tolist()
        told.append(int(np.count_nonzero(kept)))
    assert told[0] > told[1] > told[2] == 0


@pytest.mark.long
def test_the_fewest_keep_it_and_where_it_stands_in_the_way_it_is_named(sample_hip: Hip) -> None:
    spec = Spec(diameter_mm=5.0, tunnels=4, remove_fraction_min=0.1)
    free = best_set(sample_hip, spec)
    taken = share_of_all(sample_hip, [tunnel for tunnel, _ in free.tunnels])
    assert free.removed_fraction >= 0.1 and len(free.tunnels) > 1  # noqa: PT018
    wide = best_set(sample_hip, replace(spec, neck_area_share_max=round(taken + 0.01, 3)))
    assert wide.removed_fraction >= 0.1
    assert share_of_all(sample_hip, [tunnel for tunnel, _ in wide.tunnels]) <= taken + 0.01
    # Room for one tunnel along the neck, which does not remove so much.
    narrow = replace(spec, neck_area_share_max=round(1.3 * along_neck(sample_hip, 5.0), 3))
    found = best_set(sample_hip, narrow)
    assert found.infeasible is not None and not found.tunnels  # noqa: PT018
    assert KEY in found.infeasible.text
    (way,) = (way for way in found.infeasible.relaxations if way.key == KEY)
    assert taken <= way.needed < taken + 0.01 + 1e-9
    assert way.amount == pytest.approx(way.needed - way.limit)
    # Without being asked for what would give one, it is not looked for; the rule that leaves no room is named.
    brief = best_set(sample_hip, narrow, confirm=False).infeasible
    assert brief is not None
    assert [way.key for way in brief.relaxations] == ["remove_fraction_min"]
    assert f"{KEY} {narrow.neck_area_share_max:g} leaves no room" in brief.text


def test_a_path_set_by_hand_lists_it(sample_hip: Hip) -> None:
    found = shared.best_tunnel(sample_hip, Spec())
    assert found.tunnel is not None and found.figures is not None  # noqa: PT018
    spec = replace(Spec(), neck_area_share_max=round(found.figures.neck_area_share - 0.01, 3))
    entry, tip = (sample_hip.to_world(point) for point in (found.tunnel.entry, found.tunnel.tip))
    plan = assess_path(sample_hip, spec, shared.measure(sample_hip, spec), entry, tip)
    assert plan.given is not None
    assert KEY in {item.key for item in plan.given.violations}
