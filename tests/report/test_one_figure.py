"""A figure that stands in several places is one number under one name: report, screen, page and table of a plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from support.report_plan import full_plan, full_scene

from corecore.app.cli import tables
from corecore.document.headline import NECK, WALL
from corecore.report import captions
from corecore.report.report_content import report_content
from corecore.report.scene import Scene

LATE = {"label": "ARCO 2019 III", "collapsed": True}
#: Ten plans: what is changed of the full one.
PLANS: dict[str, dict[str, Any]] = {
    "one tunnel": {},
    "left": {"side": "left"},
    "two tunnels": {"tunnels": 2},
    "three tunnels": {"tunnels": 3},
    "five tunnels": {"tunnels": 5},
    "surgeon-modified": {"status": "manual"},
    "beyond a limit": {"status": "manual", "violations": [{"key": "joint_margin_mm", "limit": 5.0, "value": 3.2}]},
    "a neck above the warning": {"totals": {**full_plan()["totals"], "neck_area_share": 0.2349}},
    "stage III": {"necrosis": {**full_plan()["necrosis"], "signs": {"stage": LATE}}},
    "no figure told": {"totals": {}},
}


def told(scene: Scene) -> Iterator[tuple[str, str]]:
    """Every figure that is printed, with its name; of several tunnels the table's names say which."""
    content = report_content(scene)
    yield from ((row.what, row.value) for row in content.limits)
    yield from ((row.what, row.value) for group in content.weighed for row in group.rows)
    yield from content.bone
    yield from ((row.what, row.value) for row in content.necrosis)
    yield from captions.totals(scene)
    plan = scene.plan
    yield from tables._total_rows(plan.totals, len(plan.tunnels), plan.spec)
    yield from tables._necrosis_rows(plan.necrosis)


def number(text: str) -> str:
    """What stands before any words: the figure with its unit."""
    found = re.match(r"[^\d–]*(\d[\d.]*\s*(%|mm|ml|°)?|–)", text)
    return text if found is None else found.group(1).strip()


@pytest.mark.parametrize("name", PLANS)
def test_no_name_has_two_values(name: str) -> None:
    values: dict[str, set[str]] = {}
    for what, value in told(full_scene(**PLANS[name])):
        key = re.sub(r" \(tunnel \d+\)$", "", what).lower()
        values.setdefault(key, set()).add(number(value))
    assert {what: found for what, found in values.items() if len(found) > 1} == {}


def test_the_neck_s_share_stands_in_four_places_and_is_one() -> None:
    """Once 11 %, 11.2 % and 11.3 %: of the smallest section, and of that where most is taken."""
    scene = full_scene()
    found = [value for what, value in told(scene) if what == NECK]
    assert found == ["11.3 %"] * 4
    printed = " ".join(value for _, value in told(scene))
    assert "11.3 %" in printed
    assert "11.2 %" not in printed


def test_the_lateral_wall_s_share_is_one() -> None:
    found = [value for what, value in told(full_scene()) if what == WALL]
    assert found == ["28.8 %"] * 2
    assert any(
        "28.8 %" in value for _, value in tables._total_rows(full_scene().plan.totals, 1, full_scene().plan.spec)
    )
