"""Each statement of evidence: its data, its interval, where it is made and where not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from corecore.document.necrosis import NecrosisPart
from corecore.measures.evidence import Evidence, evidence_of, exact_interval, statements
from corecore.measures.signs.stage import parse_stage
from corecore.verification.evidence import exact_interval as own_interval

SHOWN = {"coronal": 1.0, "sagittal": 1.0}


def hip(**figures: Any) -> NecrosisPart:
    return msgspec.convert({"plane_shares": SHOWN, **figures}, NecrosisPart)


def told(measures: NecrosisPart, stage: str | None = None, *, collapse: bool = False) -> Evidence:
    return evidence_of(measures, None if stage is None else parse_stage(stage), collapse_seen=collapse)


def codes(found: Evidence) -> set[str]:
    return {item.code for item in found.items}


def by_jic(share: float, **more: Any) -> NecrosisPart:
    jic = {"basis": "pelvis", "middle_deg": -40.0, "edge_deg": 35.0, "covered_share": share}
    return hip(jic=jic, head_fraction=0.1, **more)


def by_angle(angle: float, **more: Any) -> NecrosisPart:
    return hip(kerboul={"coronal_deg": angle / 2, "sagittal_deg": angle / 2, "combined_deg": angle}, **more)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_are_exact_by_two_other_ways(counts: tuple[int, int]) -> None:
    events, n = counts
    found = binomtest(events, n).proportion_ci(0.95, method="exact")
    assert exact_interval(events, n) == pytest.approx((found.low, found.high), abs=1e-9)
    assert own_interval(events, n) == pytest.approx((found.low, found.high), abs=1e-7)


@given(st.floats(0.01, 0.99), st.integers(2, 400))
def test_intervals_of_shares_whose_hips_are_not_counted_agree_too(share: float, n: int) -> None:
    assert own_interval(share * n, n) == pytest.approx(exact_interval(share * n, n), abs=1e-7)


@pytest.mark.parametrize(("events", "n"), [(1, 0), (3, 2), (-1, 4)])
def test_counts_that_are_none_are_refused(events: int, n: int) -> None:
    with pytest.raises(ValueError, match="of"):
        exact_interval(events, n)


def test_every_statement_is_whole() -> None:
    found = statements()
    assert len({one.code for one in found}) == len(found)
    for one in found:
        assert one.group in ("course", "against", "for")
        assert one.direction in ("favourable", "unfavourable", "neutral")
        assert one.group != "for" or one.direction != "unfavourable"
        assert one.applies
        assert one.cohort
        assert ("{effect}" in one.text) is (one.effect is not None)
        assert one.disagrees_with is None or one.disagrees_with in {other.code for other in found}
        if one.effect is not None and one.effect.kind != "share":
            assert one.effect.low is not None
            assert one.effect.high is not None
            assert one.effect.low <= one.effect.value <= one.effect.high


@pytest.mark.parametrize(
    ("code", "low", "high"),
    [
        ("small_angle", 0.0, 0.602),
        ("large_lesion", 0.0015, 0.287),
        ("small_lesion", 0.768, 1.0),
        ("kerboul_course_1", 0.0, 0.522),
    ],
)
def test_intervals_that_the_clinical_notes_give(code: str, low: float, high: float) -> None:
    effect = next(one.effect for one in statements() if one.code == code)
    assert effect is not None
    assert [effect.low, effect.high] == pytest.approx([low, high], abs=6e-4)


@pytest.mark.parametrize(("share", "kind"), [(0.1, "A"), (0.5, "B"), (0.8, "C1"), (1.2, "C2")])
def test_the_course_of_each_jic_type(share: float, kind: str) -> None:
    found = {item.code for item in told(by_jic(share)).of("course")}
    assert found - {"jic_course_C1_other"} == {f"jic_course_{kind}"}


def test_the_share_of_the_head_is_told_as_a_result_given_size() -> None:
    small, large = told(hip(head_fraction=0.15)), told(hip(head_fraction=0.27))
    text = {item.code: item.text for item in (*small.items, *large.items)}
    assert "below 21 %, 14 of 14 (100 %, 95 % interval 77 to 100 %) did well" in text["small_lesion"]
    assert "above 21 %, 1 of 17 (6 %, 95 % interval 0.1 to 29 %) did well" in text["large_lesion"]


def test_the_anterior_angle_speaks_of_type_b_alone() -> None:
    for share in (0.1, 0.8, 1.2):
        assert not {"anterior_extent", "anterior_small"} & codes(told(by_jic(share, anterior_necrotic_angle_deg=90.0)))
    assert "anterior_extent" in codes(told(by_jic(0.5, anterior_necrotic_angle_deg=90.0)))
    assert "anterior_small" in codes(told(by_jic(0.5, anterior_necrotic_angle_deg=70.0)))


@pytest.mark.parametrize("stage", ["ARCO IIIA", "Ficat III", "Steinberg IV", "JIC 3B"])
def test_series_of_hips_before_collapse_say_nothing_after_it(stage: str) -> None:
    measures = by_jic(0.1, anterior_necrotic_angle_deg=90.0)
    found = codes(told(measures, stage))
    assert found == {"late_stage", "survival_III"}
    assert codes(told(measures, collapse=True)) == {"collapse"}
    assert "jic_course_A" in codes(told(measures, "Ficat I"))


def test_no_series_of_stage_iii_speaks_of_stage_iv() -> None:
    assert codes(told(by_jic(0.1), "ARCO IV")) == set()


def test_stage_three_by_its_angle() -> None:
    assert {"late_stage_small"} <= codes(told(by_angle(200.0), "Ficat III"))
    assert {"late_stage_large"} <= codes(told(by_angle(260.0), "Ficat III"))
    assert "late_stage_large" not in codes(told(by_angle(200.0), "Ficat III"))


def test_a_favourable_statement_needs_the_whole_range() -> None:
    near = {"figures": {"head_fraction": {"half_voxel": [-0.01, 0.01], "outline": [-0.02, 0.02]}}}
    found = told(hip(head_fraction=0.2, repeatability=near))
    assert "small_lesion" not in codes(found)
    assert "large_lesion" in codes(found)
    assert [one.code for one in found.withheld] == ["small_lesion"]
    assert not next(item for item in found.items if item.code == "large_lesion").certain


def test_a_range_of_types_is_told_from_the_worst() -> None:
    jic = {"basis": "population", "middle_deg": -44.8, "edge_deg": 30.3, "covered_share": 0.3}
    course = told(hip(jic=jic, head_fraction=0.1)).of("course")
    assert [item.code for item in course] == ["jic_course_B", "jic_course_A"]
    assert all("JIC type may be A to B" in item.text for item in course)


def test_a_focus_that_no_plane_shows_withholds_comfort_and_nothing_else() -> None:
    hidden = [{"covered_share": 0.1, "surface_fraction": 0.1}, {"covered_share": None, "surface_fraction": 0.2}]
    found = told(by_jic(0.1, components=hidden))
    assert "jic_course_A" not in codes(found)
    assert "focus 2 lies under the weight-bearing area" in found.withheld[0].reason
    assert "jic_course_C2" in codes(told(by_jic(1.2, components=hidden)))
    beneath = [hidden[0], {"covered_share": None, "surface_fraction": 0.0}]
    assert "jic_course_A" in codes(told(by_jic(0.1, components=beneath)))


def test_contradictions_are_named_and_ranges_are_none() -> None:
    angle = {"coronal_deg": 70.0, "sagittal_deg": 70.0, "combined_deg": 140.0}
    found = told(by_jic(1.2, kerboul=angle))
    assert any("Kuroda 2019 (JIC type C2)" in line and "Ha 2006" in line for line in found.disagreements)
    assert told(by_jic(0.1, kerboul=angle)).disagreements == ()
    (line,) = told(by_jic(0.8)).disagreements
    assert line == "Kuroda 2019 (JIC type C1) and He 2023 (JIC type C1) disagree: 36.6 % and 68.1 %"


def test_a_cut_scan_is_told_nothing_of_size_and_place() -> None:
    cut = by_jic(0.1, lower_bound=True, anterior_necrotic_angle_deg=90.0, weight_bearing={"depth_mm": 0.2})
    assert codes(told(cut)) == {"natural_course"}


def test_nothing_measured_says_nothing() -> None:
    assert told(NecrosisPart()) == Evidence((), (), ())
