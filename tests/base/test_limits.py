"""The table of limits: complete, in agreement with the parameters, the search's kernels and the recalculation."""

from __future__ import annotations

import re
import runpy
from dataclasses import fields
from pathlib import Path

import msgspec
import pytest

from corecore.base.errors import InputError
from corecore.base.limits import LIMITS, MARGINS, OF_A_TUNNEL, RELAXABLE, SETTABLE, TABLE, by_rounding
from corecore.base.spec import Spec, accepted_range
from corecore.document.spec import SpecPart
from corecore.document.stated import SPEC_KEYS, SPEC_OPTIONAL
from corecore.tunnels.figures import TunnelFigures
from corecore.tunnels.limits import REASON_KEYS, Reason
from corecore.verification import sets as verified_sets
from corecore.verification import tunnel_checks as verified

ROOT = Path(__file__).resolve().parents[2]


def test_every_row_has_its_words_and_source() -> None:
    for limit in TABLE:
        assert limit.short and limit.name and limit.figure_name, limit.key  # noqa: PT018
        assert re.search(r"engineering choice|PMID|PMC|doi|article|contract §|as \w+", limit.source), limit.key


def test_every_figure_of_a_tunnel_is_one() -> None:
    known = {field.name for field in fields(TunnelFigures)} | {"outward_free_mm"}
    assert {limit.figure for limit in OF_A_TUNNEL} <= known


def test_parameters_take_range_and_default_from_the_table() -> None:
    names = {field.name for field in fields(Spec)}
    for limit in SETTABLE:
        assert limit.key in names
        assert getattr(Spec(), limit.key) == limit.default
        assert accepted_range(limit.key) == (limit.low, limit.high)
        for value in (limit.low - 1e-3, limit.high + 1e-3):
            with pytest.raises(InputError, match=limit.key):
                Spec().with_values({limit.key: value})


def test_a_limit_that_is_not_asked_for_is_left_out_of_the_plan() -> None:
    idle = {limit.key for limit in SETTABLE if limit.default is None}
    assert idle
    assert not idle & set(Spec().as_dict())
    asked = Spec().with_values(dict.fromkeys(idle, 0.2))
    assert idle <= set(asked.as_dict())
    assert asked.with_values(dict.fromkeys(idle)) == Spec()


def test_each_parameter_has_its_type_in_the_document() -> None:
    assert {limit.key for limit in SETTABLE} <= {field.name for field in msgspec.structs.fields(SpecPart)}
    # What verify cannot do without are the limits of one tunnel that are always on.
    assert {"cortical_margin_mm", "length_max_mm", "entry_proximal_mm"} <= set(SPEC_KEYS)
    assert {"bridge_min_mm", "neck_area_share_max"} <= set(SPEC_OPTIONAL)
    assert not set(SPEC_KEYS) & set(SPEC_OPTIONAL)


def test_each_reason_of_the_kernels_has_a_row_and_the_relaxable_ones_a_reason() -> None:
    assert [reason.value for reason in Reason] == list(range(len(Reason)))
    assert set(REASON_KEYS) == set(Reason) - {Reason.OK}
    assert set(REASON_KEYS.values()) <= set(LIMITS)
    assert {limit.key for limit in OF_A_TUNNEL} <= set(REASON_KEYS.values())
    # The kernels give the first that is broken: in the order of the table.
    order = list(dict.fromkeys(limit.key for limit in TABLE))
    assert list(REASON_KEYS.values()) == [key for key in order if key in REASON_KEYS.values()]
    assert set(RELAXABLE) <= set(REASON_KEYS.values())
    assert all(limit.settable for limit in RELAXABLE.values())


def test_the_recalculation_has_the_same_numbers() -> None:
    spec = Spec()
    assert LIMITS["entry_fixed"].value(spec) == verified.ENTRY_KEPT_MM
    assert LIMITS["direction_fixed"].value(spec) == verified.DIRECTION_KEPT_DEG
    assert LIMITS["overlap"].value(spec) == verified_sets.OVERLAP_MAX
    assert LIMITS["wide_holes"].value(spec) == verified_sets.WIDE_HOLES_MAX
    assert LIMITS["joint_margin_mm"].low == verified.JOINT_MARGIN_FLOOR_MM


def test_rounding_is_told_from_breaking_by_unit() -> None:
    assert by_rounding("joint_margin_mm", 4.99, 5.0)
    assert not by_rounding("joint_margin_mm", 4.97, 5.0)
    assert by_rounding("neck_area_share_max", 0.15 + 1e-6, 0.15)
    assert not by_rounding("neck_area_share_max", 0.16, 0.15)
    assert not by_rounding("joint_margin_mm", float("nan"), 5.0)


def test_the_margins_are_the_three_of_the_contract() -> None:
    assert [(limit.key, limit.default) for limit in MARGINS] == [
        ("cortical_margin_mm", 3.0), ("posterosuperior_margin_mm", 5.0), ("joint_margin_mm", 5.0),
    ]  # fmt: skip


def test_the_page_is_that_of_the_table() -> None:
    table = runpy.run_path(str(ROOT / "docs" / "list_limits.py"))["table"]()
    page = (ROOT / "docs" / "design" / "constraints.md").read_text(encoding="utf-8")
    assert table in page, "python docs/list_limits.py"
