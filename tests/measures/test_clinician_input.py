"""Stages as surgeons write them, the growth plate, and the age of the imaging."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecore.base.errors import InputError
from corecore.measures.signs.clinician_input import late_stage, open_physis, parse_physis, questions
from corecore.measures.signs.image_age import IMAGE_AGE_MAX_DAYS, image_age, parse_date
from corecore.measures.signs.stage import ROMAN, SYSTEMS, parse_stage

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("II", "ARCO 2019 II"),
        ("2", "ARCO 2019 II"),
        ("stage iiia", "ARCO 2019 IIIA"),
        ("ARCO 3A", "ARCO 2019 IIIA"),
        ("arco 2019 stage III-B", "ARCO 2019 IIIB"),
        ("ARCO III", "ARCO 2019 III"),
        ("Steinberg IIC", "Steinberg IIC"),
        ("Steinberg 2 c", "Steinberg IIC"),
        ("University of Pennsylvania VI", "Steinberg VI"),
        ("Ficat 2", "Ficat II"),
        ("Ficat-Arlet IIB", "Ficat IIB"),
        ("Ficat and Arlet: IV", "Ficat IV"),
        ("JIC 2", "JIC 2"),
        ("jic stage 3B", "JIC 3B"),
    ],
)
def test_a_stage_is_read_as_it_is_written(text: str, label: str) -> None:
    assert parse_stage(text).label == label


@pytest.mark.parametrize(
    "text",
    ["", "late", "IIII", "ARCO", "0", "V", "IIC", "ARCO 0", "ARCO IIIC", "ARCO V", "Ficat V", "JIC C2", "JIC 0",
     "JIC 3C", "Steinberg 7", "Steinberg IID", "II or III", "ARCO II Ficat II", "Kerboul 2", "-1", "2.5"],
)  # fmt: skip
def test_what_is_no_stage_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(InputError, match="accepted are I, II, IIIA") as error:
        parse_stage(text)
    assert "\n" not in str(error.value)


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(InputError) as error:
        parse_stage("x" * 5000)
    assert len(str(error.value)) < 400


@given(st.sampled_from(sorted(SYSTEMS)), st.data())
def test_a_printed_stage_is_read_as_itself(system: str, data: st.DataObject) -> None:
    title, stages = SYSTEMS[system]
    number = data.draw(st.sampled_from(sorted(stages)))
    letter = data.draw(st.sampled_from(["", *stages[number]]))
    figure = data.draw(st.sampled_from([ROMAN[number], str(number), ROMAN[number].lower()]))
    stage = parse_stage(f"{title} {figure}{letter}")
    assert (stage.system, stage.number, stage.letter) == (system, number, letter)
    assert parse_stage(stage.label) == stage
    assert stage.collapsed == (number >= 3)


def test_from_stage_three_on_the_warning_names_its_sources() -> None:
    assert late_stage(None) is None
    assert late_stage(parse_stage("Steinberg IIC")) is None
    warning = late_stage(parse_stage("Ficat III"))
    assert warning is not None
    assert warning.code == "late_stage"
    assert "Ficat III" in warning.text
    assert "10.1016/j.arth.2019.11.029" in warning.text
    assert "not supported" in warning.text


def test_an_open_growth_plate_warns_and_an_unknown_one_is_asked() -> None:
    assert open_physis("closed") is None
    assert open_physis("unknown") is None
    warning = open_physis(parse_physis(" Open "))
    assert warning is not None
    assert warning.code == "open_physis"
    assert questions(None, "unknown") == ("stage", "physis")
    assert questions(parse_stage("I"), "open") == ()
    with pytest.raises(InputError, match="open, closed or unknown"):
        parse_physis("ajar")


@given(st.integers(min_value=0, max_value=20_000))
def test_imaging_warns_from_the_day_after_the_limit(days: int) -> None:
    age = image_age(TODAY - timedelta(days=days), TODAY)
    assert age.days == days
    assert (age.warning is not None) == (days > IMAGE_AGE_MAX_DAYS)
    if age.warning:
        assert age.warning.code == "image_age"
        assert str(days) in age.warning.text


def test_an_unknown_date_warns_not_but_says_so() -> None:
    age = image_age(None, TODAY)
    assert (age.days, age.warning) == (None, None)
    assert "date unknown" in str(age.part().note)


def test_imaging_of_tomorrow_is_refused() -> None:
    with pytest.raises(InputError, match="after the day of the plan"):
        image_age(TODAY + timedelta(days=1), TODAY)


def test_dates_are_read_in_two_forms_only() -> None:
    assert parse_date("2026-03-01") == parse_date(" 20260301 ") == date(2026, 3, 1)
    for text in ("", "01.03.2026", "2026-02-30", "20261301", "2026-W01-1", "yesterday"):
        with pytest.raises(InputError, match="YYYY-MM-DD"):
            parse_date(text)
