"""The data dictionary knows every column that a plan gives, and what it says of a unit agrees with the name."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from corecore.base.errors import InputError
from corecore.document.plan import PlanDocument
from corecore.document.read import parsed
from corecore.study.batch.columns import GROUPS, LEAD, plan_record
from corecore.study.batch.dictionary import KEY_UNIT, Column, check_choice, chosen, column_of, columns

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_what_the_types_say() -> None:
    listed = runpy.run_path(str(DOCS / "list_columns.py"))
    assert listed["PAGE"].read_text(encoding="utf-8") == listed["page"]()
    assert list(listed["GROUP_WORDS"]) == ["record", *GROUPS]


def test_every_column_of_a_plan_is_in_the_dictionary_and_can_be_chosen(written_plan: Path) -> None:
    content = json.loads((written_plan / "plan.json").read_text(encoding="utf-8"))
    record = plan_record(parsed(content, PlanDocument, "plan.json"))
    assert len(record) > 400
    for name in record:
        column = column_of(name)
        assert column.meaning, name
        assert (column.tunnel is None) == (not name.startswith("tunnels."))
        check_choice([name, column.name, column.group])
        assert all(chosen(name, [path]) for path in (name, column.name, column.group))
    assert {one.group for one in columns()} == {"record", *GROUPS}


def test_names_and_descriptions_agree_on_units() -> None:
    said = re.compile(r", (?:RAS )?(mm2|mm|deg|ml|HU)\b")
    compared = 0
    for one in columns():
        ends, told = KEY_UNIT.search(one.name.rpartition(".")[2]), said.search(one.meaning)
        if ends and ends[1] and told:
            compared += 1
            assert told[1].lower() == ends[1], one
    assert compared > 80


@pytest.mark.parametrize(
    ("name", "tunnel", "unit"),
    [
        ("tunnels.12.entry.y", 12, "mm"),
        ("tunnels.1.direction.y", 1, ""),
        ("tunnels.2.frame_range.ap_angle_deg.1", 2, "deg"),
        ("totals.risk.guide.standard_errors.clearance_p05_mm", None, "mm"),
        ("totals.risk.guide.standard_errors.removed_fraction_mean", None, "1"),
        ("totals.optimality_gap", None, "1"),
        ("necrosis.repeatability.figures.kerboul.coronal_deg.one_mm.2", None, "deg"),
        ("necrosis.repeatability.figures.volume_ml.half_voxel.1", None, "ml"),
        ("necrosis.repeatability.figures.octants.ASM.one_mm.1", None, "1"),
        ("necrosis.frame_range.octants.ASM.2", None, "1"),
        ("necrosis.frame_range.necrotic_index.original.1", None, ""),
        ("necrosis.repeatability.classes.kerboul.grade.one_mm.1", None, ""),
        ("necrosis.lateral_pillar.widths.3", None, "1"),
        ("anatomy.neck_min_area_mm2", None, "mm2"),
        ("truth.head_center.z", None, "mm"),
        ("truth.neck_axis.z", None, ""),
        ("truth.smallest_neck_section.neck_axis.x", None, ""),
        ("timings.search_s", None, "s"),
        ("timings.boxes_bounded", None, ""),
        ("necrosis.signs.image_age.days", None, "d"),
        ("spec.incidence_min_deg", None, "deg"),
        ("id", None, ""),
    ],
)
def test_the_unit_of_a_column(name: str, tunnel: int | None, unit: str) -> None:
    column = column_of(name)
    assert (column.tunnel, column.unit) == (tunnel, unit)


def test_what_no_column_is_called_is_refused_in_one_line() -> None:
    check_choice(["record", *LEAD, "tunnels", "tunnels.3", "tunnels.tip", "truth.any.thing", "totals.risk.new.poses"])
    for path in (
        "total",
        "totals.removed",
        "tunnels.length",
        "necrosis.kerboul.x",
        "id.x",
        "totals.removed_fraction.x",
    ):
        with pytest.raises(InputError, match="--columns") as caught:
            check_choice([path])
        assert "\n" not in str(caught.value)


def test_a_column_is_a_value() -> None:
    assert column_of("tunnels.1.length_mm") == Column("tunnels.length_mm", 1, "tunnels", "mm", "Entry to tip, mm")
