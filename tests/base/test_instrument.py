"""Instruments: the library's, a user's own, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.instrument import UNCONFIRMED, Instrument, find_instrument, instrument_of, library, read_instruments
from corecore.base.spec import Spec


def test_the_library_has_what_is_used_for_the_operation() -> None:
    found = library().values()
    assert {8.0, 10.0} <= {one.diameter_mm for one in found if "trephine" in one.name}
    assert {118.0, 135.0} == {one.tip_angle_deg for one in found if one.name.startswith("drill")}
    drills = [one.diameter_mm for one in found if one.name.startswith("drill")]
    assert (min(drills), max(drills)) == (3.0, 4.5)
    assert {16.0, 19.0} == {one.diameter_mm for one in found if "fibula" in one.name}
    assert [one.name for one in found if one.objective == "reached"] == ["trocar-3.0"]
    over_pins = [one for one in found if one.pin_diameter_mm]
    assert all(2.8 <= one.pin_diameter_mm <= 3.2 for one in over_pins)
    assert {one.tip for one in found} == {"flat", "cone", "round"}


def test_every_size_has_a_source_or_is_called_unconfirmed() -> None:
    for one in library().values():
        assert one.source == UNCONFIRMED or any(mark in one.source for mark in ("PMID", "doi:", "356:192", "koreamed"))
        assert one.unconfirmed or one.source != UNCONFIRMED


def test_the_bodies_of_the_presets_are_plain_cylinders() -> None:
    assert all(library()[name].plain for name in ("core-10", "core-8", "multi-3.2", "acd"))


def test_an_instrument_comes_back_from_what_is_written() -> None:
    for one in library().values():
        assert instrument_of(json.loads(json.dumps(one.as_dict())), "other") == one


MINE = """
[mine]
title = "stepped drill over a pin"
diameter_mm = 9
tip = "round"
steps = [{to_mm = 15, diameter_mm = 6}]
pin_diameter_mm = 2.8
pin_overshoot_mm = 4
[other]
diameter_mm = 5
"""


def test_a_file_of_instruments_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(MINE)
    assert list(read_instruments(path)) == ["mine", "other"]
    mine = find_instrument(f"{path}:mine")
    assert (mine.front_diameter_mm, mine.tip_length_mm, mine.plain, mine.source) == (6.0, 3.0, False, UNCONFIRMED)
    with pytest.raises(InputError, match="2 instruments"):
        find_instrument(str(path))
    with pytest.raises(InputError, match="no instrument 'third'"):
        find_instrument(f"{path}:third")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a]\ntitle = 'x'", "no diameter_mm"),
        ("[a]\ndiameter_mm = 25", "1 to 20 is accepted"),
        ("[a]\ndiameter_mm = true", "a finite number is accepted"),
        ("[a]\ndiameter_mm = nan", "a finite number is accepted"),
        ("[a]\ndiameter_mm = 5\ntip = 'blunt'", "flat, cone, round are accepted"),
        ("[a]\ndiameter_mm = 5\ntip = 'cone'", "a cone has one"),
        ("[a]\ndiameter_mm = 5\ntip_angle_deg = 118", "a cone has one"),
        ("[a]\ndiameter_mm = 5\npin_overshoot_mm = 3", "without a pin"),
        ("[a]\ndiameter_mm = 5\npin_diameter_mm = 5", "less than 5"),
        ("[a]\ndiameter_mm = 5\npin_margin_mm = 2", "3 to 25 is accepted"),
        ("[a]\ndiameter_mm = 5\nsteps = [{to_mm = 5, diameter_mm = 6}]", "narrower than the shaft"),
        ("[a]\ndiameter_mm = 8\nsteps = [{to_mm = 5, diameter_mm = 6}, {to_mm = 4, diameter_mm = 7}]", "further back"),
        ("[a]\ndiameter_mm = 8\ntip='round'\nsteps = [{to_mm = 2, diameter_mm = 6}]", "the tip's 3.00 or more"),
        ("[a]\ndiameter_mm = 8\nsteps = [{to_mm = 2}]", "a list of up to 8"),
        ("[a]\ndiameter_mm = 8\ncavity_diameter_mm = 20", "both above 0"),
        ("[a]\ndiameter_mm = 8\ncavity_diameter_mm = 6\ncavity_length_mm = 9", "more than 8"),
        ("[a]\ndiameter_mm = 8\ntip='round'\ncavity_diameter_mm = 16\ncavity_length_mm = 9", "a flat end"),
        ("[a]\ndiameter_mm = 8\ncolour = 3", "unknown 'colour'"),
        ("[a]\ndiameter_mm = 8\nobjective = 'all'", "lesion, reached are accepted"),
        ("['a b']\ndiameter_mm = 8", "make a name"),
        ("diameter_mm = 8", "tables of instruments"),
        ("[a", "not readable as TOML"),
    ],
)  # fmt: skip
def test_what_is_no_instrument_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=told) as error:
        read_instruments(path)
    assert "\n" not in str(error.value)


def test_the_command_lists_names_sizes_and_sources(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["instruments"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(library()) + 1
    assert all(UNCONFIRMED in line or "PMID" in line or "doi" in line or "name" in line for line in lines)
    assert main(["instruments", "drill-4.5-135", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["tip_angle_deg"] == 135.0
    path = tmp_path / "own.toml"
    path.write_text(MINE)
    assert main(["instruments", str(path)]) == 0
    assert "6/9" in capsys.readouterr().out


def test_an_instrument_is_made_with_keywords() -> None:
    assert Instrument("a", "a", 8.0).plain
    assert not Instrument("a", "a", 8.0, tip="round").plain


def test_a_library_s_name_with_other_values_is_refused(tmp_path: Path) -> None:
    """Whoever reads the plan, and its verification, take the library's instrument by that name."""
    held = library()["drill-3.2-118"]
    path = tmp_path / "own.toml"
    path.write_text(f"['drill-3.2-118']\ndiameter_mm = {held.diameter_mm + 1.0}\n")
    with pytest.raises(InputError, match=r"own\.toml: instrument 'drill-3\.2-118' is in the library with another"):
        find_instrument(str(path))
    own = {**held.as_dict(), "diameter_mm": held.diameter_mm + 1.0}
    with pytest.raises(InputError, match="a name of its own is accepted"):
        Spec().with_values({"instrument": own})
    # The library's own values by its name, and others by another name, are no other instrument.
    assert Spec().with_values({"instrument": held.as_dict()}).instrument == held
    path.write_text("['drill-3.2-118']\ndiameter_mm = 4.5\nname = 'drill-mine'\n")
    assert find_instrument(str(path)).name == "drill-mine"
