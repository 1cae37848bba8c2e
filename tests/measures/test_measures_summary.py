"""The summary says what its sources say, of the right class, and nothing where a figure is absent."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecore.document.content import content_of
from corecore.document.necrosis import NecrosisPart
from corecore.hip.anatomy.model import PlanWarning
from corecore.measures.signs.stage import parse_stage
from corecore.measures.summary import LINES_MAX, summarise

LARGE: dict[str, Any] = {
    "head_fraction": 0.27, "steinberg": "B", "weight_bearing": {"surface_fraction": 0.41, "depth_mm": 0.2},
    "kerboul": {"coronal_deg": 126.0, "sagittal_deg": 126.0, "combined_deg": 252.0, "grade": 3},
    "jic": {"type": "C2", "basis": "population", "covered_share": 1.3, "middle_deg": -44.8, "edge_deg": 30.3},
    "anterior_necrotic_angle_deg": 85.0,
}  # fmt: skip


def measured(figures: dict[str, Any]) -> NecrosisPart:
    return msgspec.convert(figures, NecrosisPart)


def test_a_large_lesion_speaks_against_with_a_source_each() -> None:
    summary = summarise(
        measured(LARGE), stage=parse_stage("ARCO 3A"), warnings=[PlanWarning("collapse", "x")], asks=["physis"]
    )
    late = {"late_stage", "late_stage_large", "survival_III", "collapse", "subchondral_breach"}
    assert {item.code for item in summary.speaks_against} == late
    early = summarise(measured(LARGE)).speaks_against
    large = {"large_lesion", "lateral_extent", "necrotic_angle", "subchondral_breach", "natural_course"}
    assert {item.code for item in early} == large
    assert summary.speaks_for == ()
    assert all(item.source and item.cohort for item in (*summary.expected, *summary.speaks_against))
    assert "JIC type C2 (estimated)" in summary.headline


def test_a_small_early_lesion_speaks_for() -> None:
    arcs = {"coronal_deg": 75.0, "sagittal_deg": 75.0, "combined_deg": 150.0}
    summary = summarise(measured({"head_fraction": 0.1, "kerboul": arcs}), stage=parse_stage("II"))
    assert {item.code for item in summary.speaks_for} == {"small_lesion", "small_angle", "survival_II"}
    assert {item.code for item in summary.speaks_against} == {"natural_course"}
    assert "0 of 5" in summary.expected[0].text


@pytest.mark.parametrize(("share", "code"), [(0.2099, "small_lesion"), (0.2101, "large_lesion")])
def test_the_share_of_the_head_turns_at_21_percent(share: float, code: str) -> None:
    summary = summarise(measured({"head_fraction": share}))
    found = {item.code for item in (*summary.speaks_for, *summary.speaks_against)} - {"natural_course"}
    assert found == {code}


def test_nothing_measured_says_nothing() -> None:
    summary = summarise(NecrosisPart())
    assert (summary.expected, summary.speaks_for, summary.speaks_against) == ((), (), ())
    assert summary.asks == ("stage",)
    assert "--stage" in summary.text()


@given(
    st.floats(0.0, 1.0), st.floats(0.0, 360.0), st.sampled_from([None, "A", "B", "C1", "C2"]),
    st.sampled_from([None, 1, 2, 3, 4]), st.one_of(st.none(), st.floats(0.0, 30.0)),
)  # fmt: skip
def test_whatever_is_measured_the_summary_is_short_and_plain_json(
    share: float, angle: float, kind: str | None, grade: int | None, depth: float | None
) -> None:
    lesion = {
        "head_fraction": share, "kerboul": {"combined_deg": angle, "grade": grade},
        "jic": {"type": kind, "covered_share": share, "basis": "pelvis"},
        "weight_bearing": {"depth_mm": depth},
    }  # fmt: skip
    summary = summarise(measured(lesion), stage=parse_stage("I"))
    json.dumps(content_of(summary.part()), allow_nan=False)
    assert len(summary.text().splitlines()) <= LINES_MAX


def test_the_text_keeps_within_its_lines_and_gives_no_advice() -> None:
    text = summarise(
        measured(LARGE), stage=parse_stage("Ficat III"), warnings=[PlanWarning("collapse", "x")], asks=["physis"]
    ).text()
    assert len(text.splitlines()) <= LINES_MAX
    assert not any(word in text.lower() for word in ("should", "recommend", "advise", "must "))
