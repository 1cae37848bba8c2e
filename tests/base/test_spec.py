"""Parameters: names, ranges, and what a slip of the pen ends in."""

from __future__ import annotations

from pathlib import Path

import pytest

from corecore.base.errors import InputError
from corecore.base.instrument import Instrument, find_instrument, library
from corecore.base.parsing import parse_settings
from corecore.base.spec import PRESETS, Spec, preset, read_config


def test_defaults_are_the_contracts() -> None:
    spec = preset("core-10")
    assert (spec.diameter_mm, spec.tunnels) == (10.0, 1)
    assert (spec.cortical_margin_mm, spec.posterosuperior_margin_mm, spec.joint_margin_mm) == (3.0, 5.0, 5.0)
    assert (spec.shaft_angle_min_deg, spec.shaft_angle_max_deg, spec.length_max_mm) == (110.0, 145.0, 130.0)
    assert (spec.entry_distal_mm, spec.entry_proximal_mm, spec.entry_ap_max_mm) == (5.0, 25.0, 8.0)
    assert PRESETS["core-8"].diameter_mm == 8.0


def test_values_are_read_as_numbers() -> None:
    spec = Spec().with_values({"joint_margin_mm": "4.5", "tunnels": "1"})
    assert spec.joint_margin_mm == 4.5
    assert spec.tunnels == 1
    assert isinstance(spec.tunnels, int)
    assert spec.as_dict()["joint_margin_mm"] == 4.5


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("joint_margin_mm", "2.9", "3 to 25"),
        ("joint_margin_mm", "nan", "finite"),
        ("diameter_mm", "inf", "finite"),
        ("diameter_mm", "0.2", "1 to 20"),
        ("tunnels", "1.5", "whole"),
        ("tunnels", True, "whole"),
        ("tunnels", "17", "1 to 16"),
        ("pattern", "star", "fan"),
        ("cortical_margin_mm", "three", "finite"),
        ("cortical_margin", "3", "unknown parameter"),
        ("preset", "core-8", "unknown parameter"),
        ("shaft_angle_min_deg", "150", "below"),
        ("entry_distal_mm", "30", "below"),
    ],
)
def test_bad_values_are_named(name: str, value: object, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        Spec().with_values({name: value})
    assert name in str(caught.value)


def test_settings_and_config(tmp_path: Path) -> None:
    assert parse_settings(["a=1", "b = 2=3"]) == {"a": "1", "b": "2=3"}
    with pytest.raises(InputError, match="KEY=VALUE"):
        parse_settings(["joint_margin_mm"])
    path = tmp_path / "plan.toml"
    path.write_text("preset = 'core-8'\njoint_margin_mm = 4\n")
    assert read_config(path) == {"preset": "core-8", "joint_margin_mm": 4}
    path.write_text("joint_margin_mm = = 4\n")
    with pytest.raises(InputError, match="TOML"):
        read_config(path)
    with pytest.raises(InputError, match="core-99"):
        preset("core-99")


def test_a_preset_has_the_instrument_of_its_name_and_other_sizes_another_cylinder() -> None:
    for name, spec in PRESETS.items():
        assert spec.instrument == library()[name]
    assert PRESETS["multi-3.2"].pattern == "any"
    assert preset("core-10").with_values({"diameter_mm": "9"}).instrument is None
    assert preset("core-10").with_values({"diameter_mm": 10, "joint_margin_mm": 4}).instrument == library()["core-10"]
    assert preset("acd").with_values({"cavity_length_mm": 15}).instrument is None


def test_an_instrument_brings_its_sizes() -> None:
    own = Instrument("mine", "an expandable reamer", 9.0, cavity_diameter_mm=18.0, cavity_length_mm=15.0)
    spec = Spec().with_values({"instrument": own})
    assert (spec.diameter_mm, spec.cavity_diameter_mm, spec.cavity_length_mm) == (9.0, 18.0, 15.0)
    # Of an instrument without a cavity nothing of a preset's stays.
    spec = preset("acd").with_values({"instrument": "drill-4.5-118", "keep": ["60,0,700:20,5,730"]})
    assert (spec.diameter_mm, spec.cavity_diameter_mm, spec.keep[0].diameter_mm) == (4.5, 0.0, 4.5)
    assert spec.with_sizes(4.5).instrument == find_instrument("drill-4.5-118")
    assert spec.with_sizes(3.0).instrument is None
    # As a plan has it: with every size, whatever becomes of the library.
    again = Spec().with_values({key: value for key, value in spec.as_dict().items() if key != "preset"})
    assert again.instrument == spec.instrument
    assert "instrument" not in Spec().as_dict()


@pytest.mark.parametrize(
    "values",
    [
        {"instrument": "reamer-10", "diameter_mm": 9},
        {"instrument": "reamer-10", "cavity_diameter_mm": 15, "cavity_length_mm": 10},
        {"instrument": "no-such"},
        {"instrument": 10},
        {"instrument": {"name": "mine", "diameter_mm": 10, "tip": "blunt"}},
    ],
)
def test_an_instrument_that_is_none_or_contradicts_a_size_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(InputError, match="instrument"):
        Spec().with_values(values)
    with pytest.raises(InputError, match="instrument"):
        Spec().with_values({"instrument": "reamer-10"}).with_values({"diameter_mm": 9})
