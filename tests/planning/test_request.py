"""What is asked of the planner: where the parameters come from, and an instrument among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.planning.request import Parameters


def test_an_instrument_may_be_named_in_every_place_and_the_later_goes_before_the_earlier(tmp_path: Path) -> None:
    config = tmp_path / "plan.toml"
    config.write_text("instrument = 'reamer-8'\n")
    own = tmp_path / "mine.toml"
    own.write_text("[drill]\ndiameter_mm = 4\ntip = 'round'\n")
    for parameters, name in [
        (Parameters(config=config), "reamer-8"),
        (Parameters(config=config, values={"instrument": "reamer-9"}), "reamer-9"),
        (Parameters(config=config, settings=["instrument=trephine-8"]), "trephine-8"),
        (Parameters(values={"instrument": "reamer-9"}, overrides={"instrument": "pin-3.0"}), "pin-3.0"),
        (Parameters(values={"instrument": f"{own}:drill"}), "drill"),
        (Parameters("core-8"), "core-8"),
    ]:
        instrument = parameters.spec().instrument
        assert instrument is not None
        assert instrument.name == name


@pytest.mark.parametrize(
    "parameters",
    [
        Parameters(values={"instrument": "reamer-10", "diameter_mm": 9}),
        Parameters(values={"diameter_mm": 9}, settings=["instrument=reamer-10"]),
        Parameters(values={"instrument": "reamer-10"}, settings=["diameter_mm=9"]),
        Parameters(settings={"diameter_mm": "9"}, overrides={"instrument": "core-10"}),
        Parameters(values={"instrument": "core-10"}, settings=["diameter_mm=9"]),
        Parameters("acd", values={"instrument": "reamer-9"}, settings=["cavity_diameter_mm=21", "cavity_length_mm=20"]),
    ],
)
def test_sizes_beside_an_instrument_are_its_own_wherever_they_stand(parameters: Parameters) -> None:
    with pytest.raises(InputError, match="instrument"):
        parameters.spec()


def test_equal_sizes_beside_an_instrument_are_accepted() -> None:
    spec = Parameters(values={"instrument": "reamer-10", "diameter_mm": 10}, settings=["cavity_diameter_mm=0"]).spec()
    assert spec.instrument is not None
    assert spec.diameter_mm == 10.0


def test_an_instrument_that_reaches_necrosis_is_planned_to_reach_it_unless_a_target_is_stated() -> None:
    trocar = {"instrument": "trocar-3.0"}
    assert Parameters(values=trocar).spec().target == "reached"
    assert Parameters(values={**trocar, "target": "lesion"}).spec().target == "lesion"
    assert Parameters(values={"target": "weight-bearing"}, settings=["instrument=trocar-3.0"]).spec().target == (
        "weight-bearing"
    )
    assert Parameters(values={"instrument": "reamer-8"}).spec().target == "lesion"


@pytest.mark.parametrize("given", [[], ["--diameter", "9", "--instrument", "reamer-10"], ["--instrument", "spoon"]])
def test_a_path_of_your_own_needs_a_drill_that_is_one(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plan"
    masks = ["--femur", "seg.nii.gz:1", "--lesion", "seg.nii.gz:2"]
    assert main(["assess", *masks, "--entry", "60,0,0", "--tip", "0,0,0", *given, "--out", str(out)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "instrument" in message
    assert not out.exists()
