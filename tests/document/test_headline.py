"""The headline: each row's limits, the worst row's colour, and no green by default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecore.base.limits import NECK_SHARE_WARNING
from corecore.base.messages import catalogue, severity_of
from corecore.document import headline
from corecore.document.headline import HeadlinePart, headline_of
from corecore.document.necrosis import ClassRangePart
from corecore.document.plan import PlanDocument
from corecore.measures.classes import spelled
from corecore.verification.headline import NOTE, ROWED, STOP, headline_checks

AXES = {
    "head_center": [0.0, 0.0, 0.0], "head_radius_mm": 24.0, "neck_axis": [0.0, 0.0, 1.0], "shaft_axis": [0.0, 0.0, 1.0],
    "x_axis": [1.0, 0.0, 0.0],
}  # fmt: skip
#: A plan of which every row is green.
GOOD: dict[str, Any] = {
    "status": "planned", "case": {"id": "x", "side": "right"}, "anatomy": AXES,
    "tunnels": [{"entry": [0.0, 0.0, 0.0], "tip": [0.0, 0.0, 90.0], "diameter_mm": 10.0}],
    "spec": {"guidance": "robot"},
    "totals": {
        "removed_fraction": 0.2, "removed_weight_bearing_fraction": 0.3, "foci_removed_fraction": [0.2],
        "neck_area_share": 0.1, "bone_left": {"lateral_wall_share": 0.3},
        "risk": {"robot": {"perforation_probability": 0.001, "poses": 4096}},
    },
    "necrosis": {
        "head_fraction": 0.1, "weight_bearing": {"surface_fraction": 0.15}, "components": [{"number": 1}],
        "classes": {
            "jic.type": {"range": ["B"], "low": 0.4, "high": 0.6},
            "kerboul.grade": {"range": ["1"], "low": 100.0, "high": 120.0},
            "steinberg": {"range": ["A"], "low": 0.09, "high": 0.11},
        },
        "signs": {"stage": {"label": "ARCO 2019 II", "collapsed": False}, "physis": "closed"},
    },
}  # fmt: skip


def changed(path: str, value: Any) -> PlanDocument:
    content = msgspec.json.decode(msgspec.json.encode(GOOD))
    node = content
    *way, last = path.split("/")
    for key in way:
        node = node[int(key) if key.isdigit() else key]
    if value is None:
        node.pop(last)
    else:
        node[last] = value
    return msgspec.convert(content, PlanDocument)


def agreed(plan: PlanDocument) -> HeadlinePart:
    """The headline, which verification's own table gives too."""
    found = headline_of(plan)
    checks = list(headline_checks(msgspec.structs.replace(plan, headline=found)))
    assert [check for check in checks if not check.ok] == []
    return found


def test_green_needs_every_row() -> None:
    found = agreed(msgspec.convert(GOOD, PlanDocument))
    assert found.color == "green"
    assert found.sentence.startswith(
        "No measured or stated factor is against this plan: it removes 20.0 % of the necrosis"
    )
    assert {row.color for row in found.rows} == {"green"}


@pytest.mark.parametrize(
    ("path", "value", "key", "color"),
    [
        ("totals/removed_fraction", 0.07, "removed", "amber"),
        ("totals/removed_fraction", 0.0, "removed", "red"),
        ("totals/removed_fraction", None, "removed", "amber"),
        ("totals/removed_weight_bearing_fraction", 0.0, "removed_weight_bearing", "amber"),
        ("totals/risk", None, "perforation", "amber"),
        ("spec/guidance", None, "perforation", "amber"),
        ("spec/guidance", "guide", "perforation", "amber"),
        ("totals/risk", {"robot": {"perforation_probability": 0.01}}, "perforation", "amber"),
        ("totals/risk", {"robot": {"perforation_probability": 0.65}}, "perforation", "red"),
        ("totals/neck_area_share", 0.21, "neck", "amber"),
        ("totals/neck_area_share", None, "neck", "amber"),
        ("totals/bone_left", {"lateral_wall_share": 0.4}, "lateral_wall", "amber"),
        ("totals/bone_left", {"lateral_wall_share": 0.6}, "lateral_wall", "red"),
        ("totals/bone_left", None, "lateral_wall", "amber"),
        ("violations", [{"key": "joint_margin_mm"}], "violation_0_joint_margin_mm", "red"),
        ("tunnels", [], "removed", "red"),
        ("necrosis/signs/stage", None, "stage", "amber"),
        ("necrosis/signs/stage", {"label": "ARCO 2019 III", "collapsed": True}, "stage", "red"),
        ("necrosis/signs/physis", "unknown", "physis", "amber"),
        ("necrosis/signs/physis", "open", "physis", "red"),
        ("necrosis/lower_bound", True, "size", "red"),
        ("necrosis/classes/steinberg", {"range": ["B"], "low": 0.18, "high": 0.22}, "size", "amber"),
        ("necrosis/classes/steinberg", {"range": ["C"], "low": 0.31, "high": 0.35}, "size", "red"),
        ("necrosis/classes", None, "size", "amber"),
        ("necrosis/classes", None, "location", "amber"),
        ("necrosis/weight_bearing", {"surface_fraction": 0.31}, "weight_bearing_area", "amber"),
        ("necrosis/weight_bearing", {}, "weight_bearing_area", "amber"),
        ("necrosis/frame_range", {"weight_bearing.surface_fraction": [0.1, 0.3]}, "weight_bearing_area", "amber"),
        ("necrosis/classes/jic.type", {"range": ["C1", "B"]}, "location", "amber"),
        ("necrosis/classes/jic.type", {"range": ["C2", "C1"]}, "location", "amber"),
        ("necrosis/classes/jic.type", {"range": ["C2"]}, "location", "red"),
        ("necrosis/classes/jic.type", {"range": [], "not_classifiable": "off"}, "location", "amber"),
        ("necrosis/classes/kerboul.grade", {"range": ["1"], "low": 180.0, "high": 195.0}, "angle", "amber"),
        ("necrosis/classes/kerboul.grade", {"range": ["3"], "low": 255.0, "high": 270.0}, "angle", "red"),
        ("necrosis/classes/kerboul.grade", {"range": []}, "angle", "amber"),
        ("warnings", [{"code": "draft_femur", "text": "a draft"}], "draft_femur", "red"),
        ("warnings", [{"code": "frame_uncertain", "text": "by 20°"}], "frame_uncertain", "amber"),
        ("warnings", [{"code": "of_the_future", "text": "new"}], "of_the_future", "amber"),
    ],
)
def test_one_row_out_of_order_takes_the_green_away(path: str, value: Any, key: str, color: str) -> None:
    found = agreed(changed(path, value))
    assert next(row.color for row in found.rows if row.key == key) == color
    worst = max((row.color for row in found.rows), key=headline.ORDER.index)
    assert found.color == worst != "green"
    assert not found.sentence.startswith("Nothing")


@pytest.mark.parametrize(("range_", "said"), [(["C2", "C1"], "C1/C2"), (["C2", "C1", "B"], "B/C1/C2"), (["B"], "B")])
def test_types_are_listed_as_among_the_measures(range_: list[str], said: str) -> None:
    found = headline_of(changed("necrosis/classes/jic.type", {"range": range_}))
    assert next(row.value for row in found.rows if row.key == "location") == said
    assert spelled(ClassRangePart(range=range_)) == said


def test_a_missed_focus_is_amber_and_the_largest_red() -> None:
    for shares, color in (([0.3, 0.0], "amber"), ([0.0, 0.3], "red"), ([0.2, 0.2], "green")):
        plan = changed("necrosis/components", [{"number": 1}, {"number": 2}])
        totals = msgspec.structs.replace(plan.totals, foci_removed_fraction=shares)
        found = agreed(msgspec.structs.replace(plan, totals=totals))
        assert next(row.color for row in found.rows if row.key == "removed_per_focus") == color


def test_a_note_weighs_nothing() -> None:
    assert agreed(changed("warnings", [{"code": "entry_moved", "text": "by 1 mm"}])).color == "green"


@given(st.lists(st.sampled_from([*sorted(catalogue()), "unheard_of"]), max_size=6, unique=True))
def test_verification_weighs_every_warning_alike(codes: list[str]) -> None:
    agreed(changed("warnings", [{"code": code, "text": code} for code in codes]))


def test_verification_s_lists_are_the_catalogue_s() -> None:
    warnings = {code for code, message in catalogue().items() if message.kind == "warning"}
    stop = {code for code in warnings if severity_of(code) == "stop"}
    assert stop - ROWED == STOP
    assert {code for code in warnings if severity_of(code) == "note"} == NOTE
    assert ROWED == headline.OWN_ROW


def test_a_plan_that_tells_nothing_is_not_green() -> None:
    bare = {"status": "planned", "case": {"id": "x", "side": "right"}, "anatomy": AXES}
    assert agreed(msgspec.convert(bare, PlanDocument)).color == "red"
    assert agreed(msgspec.convert({**bare, "tunnels": GOOD["tunnels"]}, PlanDocument)).color == "amber"


def test_the_page_states_the_table() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "headline.md").read_text(encoding="utf-8")
    limits = (
        f"under {100 * headline.LITTLE_REMOVED:.0f} %", "above 1 in 128",
        f"above {100 * headline.PERFORATED_AT_MOST:.1f} %",
        f"above {100 * NECK_SHARE_WARNING:.0f} %", f"may be {100 * headline.HEAD_AMBER:.0f} % or more",
        f"surely above {100 * headline.HEAD_RED:.0f} %", f"may be above {headline.ANGLE_AMBER:.0f}°",
        f"surely {headline.ANGLE_RED:.0f}° or more", f"{100 * headline.AREA_AMBER:.0f} % or more in any frame",
    )  # fmt: skip
    assert [limit for limit in limits if limit not in text] == []
    for key in {row.key for row in headline_of(msgspec.convert(GOOD, PlanDocument)).rows}:
        assert f"(`{key}`)" in text


def test_a_warning_in_the_sentence_is_its_first_clause_and_whole_in_its_row() -> None:
    """The first sentence of page one is never cut in a word."""
    text = "no condyles in view: the axis is assumed (by 20°; or more); " + "its axis is uncertain; " * 20 + "end"
    plan = changed("warnings", [{"code": "frame_uncertain", "text": text}])
    found = headline_of(plan)
    row = next(row for row in found.rows if row.warns)
    if "no condyles" in row.value:
        assert row.value.endswith("end")
        assert "the axis is assumed (by 20°; or more)." in found.sentence
    assert "…" not in found.sentence + row.value
