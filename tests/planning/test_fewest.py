"""The fewest tunnels that remove a stated share, and what is said where none do."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from support.schemas import schema

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.single import best_tunnel
from corecore.planning.sets.search import best_set

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"
MASKS = ["--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2", "--no-pictures"]


def test_a_share_asked_for_is_of_the_lesion_and_of_new_tunnels() -> None:
    with pytest.raises(InputError, match="target 'reached'"):
        Spec(remove_fraction_min=0.2, target="reached")
    with pytest.raises(InputError, match="with tunnels kept"):
        Spec(remove_fraction_min=0.2, tunnels=3).with_values({"keep": "0,0,0:50,0,30:6"})


@pytest.mark.long
def test_one_tunnel_is_enough_where_the_best_one_reaches_it(sample_hip: Hip) -> None:
    best = best_tunnel(sample_hip, Spec()).figures
    assert best is not None
    spec = Spec(tunnels=16, remove_fraction_min=best.removed_fraction)
    found = best_set(sample_hip, spec)
    assert [figures for _, figures in found.tunnels] == [best]
    assert found.fewer is None


@pytest.mark.long
def test_as_many_as_are_needed_and_one_less_does_not_do(sample_hip: Hip) -> None:
    asked = 0.17
    found = best_set(sample_hip, Spec(diameter_mm=5.0, tunnels=16, remove_fraction_min=asked))
    assert found.removed_fraction >= asked
    inside = np.any([t.contains(sample_hip.lesion.points_mm) for t, _ in found.tunnels], axis=0)
    assert float(inside.mean()) == pytest.approx(found.removed_fraction, abs=1e-12)
    assert len(found.tunnels) > 1
    less = best_set(sample_hip, Spec(diameter_mm=5.0, tunnels=len(found.tunnels) - 1))
    assert less.removed_fraction < asked


@pytest.mark.long
def test_what_is_not_reached_ends_in_code_3_and_names_what_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plan"
    command = ["plan", *MASKS, "--out", str(out), "--remove", "0.9", "--tunnels", "1"]
    assert main(command) == 3
    plan = json.loads((out / "plan.json").read_text())
    jsonschema.validate(plan, schema("plan"))
    told = plan["infeasible"]
    assert plan["status"] == "infeasible"
    assert told["binding"] == "removed_fraction"
    assert plan["spec"]["remove_fraction_min"] == 0.9
    assert told["best_reached"]["tunnels"] == 1
    reached = told["best_reached"]["removed_fraction"]
    way = told["relaxations"][0]
    assert way["needed"] <= reached < way["needed"] + way["step"]
    assert "were asked for" in capsys.readouterr().out
    # What is named as reached is planned.
    again = ["plan", *MASKS, "--out", str(tmp_path / "again"), "--remove", str(way["needed"]), "--tunnels", "1"]
    assert main(again) == 0


@pytest.mark.parametrize("value", ["-0.1", "1.5", "nan"])
def test_a_share_that_is_none_is_refused(value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *MASKS, "--out", str(tmp_path / "p"), "--remove", value]) == 2
    assert "remove_fraction_min" in capsys.readouterr().err
