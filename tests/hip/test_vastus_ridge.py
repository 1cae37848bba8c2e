"""The vastus ridge: a corner of closed form, profiles without one, and real femora stored in several ways."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import real_hips as real

from corecore.app.cli import main
from corecore.base.errors import AnatomyError
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.frame import LateralWall, vastus_ridge
from corecore.hip.anatomy.model import Landmarks
from corecore.hip.hip import Hip, build_hip

SAMPLE = Path(__file__).resolve().parents[2] / "sample_volumes" / "right_medium.nii.gz"
HEIGHTS = np.arange(-60.0, 0.1, 1.0)
LESSER = -50.0


def wall(lateral: np.ndarray) -> LateralWall:
    nothing = np.zeros(len(HEIGHTS))
    return LateralWall(HEIGHTS, nothing, nothing + 30.0, lateral, True)


def flare(corner: float, top: float, slope: float = 0.5) -> np.ndarray:
    """A straight shaft that flares from the lesser trochanter to a corner, then rises slowly to its widest."""
    up = np.interp(HEIGHTS, [LESSER, corner, top, 0.0], [0.0, slope * (corner - LESSER), 0.0, 0.0])
    rise = slope * (corner - LESSER) + 0.05 * (np.minimum(HEIGHTS, top) - corner)
    return 40.0 + np.where(
        HEIGHTS < LESSER, 0.0, np.where(corner >= HEIGHTS, up, rise - 0.4 * np.maximum(HEIGHTS - top, 0))
    )


@pytest.mark.parametrize("corner", [-32.0, -28.0, -24.0])
def test_the_corner_of_a_flare_is_the_ridge(corner: float) -> None:
    assert vastus_ridge(wall(flare(corner, -14.0)), LESSER) == pytest.approx(corner)


def test_a_profile_without_a_corner_or_out_of_view_has_none() -> None:
    straight = 40.0 + 0.3 * np.minimum(HEIGHTS - LESSER, 36.0)
    assert vastus_ridge(wall(straight), LESSER) is None
    assert vastus_ridge(wall(np.full(len(HEIGHTS), 40.0)), LESSER) is None
    # Still rising where the view ends; and a table that begins above the lesser trochanter.
    assert vastus_ridge(wall(40.0 + np.sqrt(np.maximum(HEIGHTS - LESSER, 0.0))), LESSER) is None
    full = wall(flare(-28.0, -14.0))
    late = LateralWall(full.heights[15:], full.middle[15:], full.width[15:], full.lateral[15:], True)
    assert vastus_ridge(late, LESSER) is None
    gone = [20, 21, 22]
    holed = LateralWall(np.delete(full.heights, gone), full.middle, full.width, np.delete(full.lateral, gone), True)
    assert vastus_ridge(holed, LESSER) is None


#: Millimetres above the lesser trochanter's tip, as read off the lateral profile by eye: the shoulder of the flare.
READ = {"h01_right_wedge15": 22.0, "h03_left_small05": 25.0, "h06_left_full_femur": 18.0, "h05_right_short_scan": 20.0}


@pytest.mark.parametrize("name", READ)
def test_on_real_femora_it_is_the_flares_shoulder(name: str, real_hips: Path) -> None:
    hip = real.built(real_hips, name)
    height, level = hip.anatomy.vastus_ridge_height_mm, hip.anatomy.lesser_trochanter_height_mm
    assert height is not None
    assert height - level == pytest.approx(READ[name], abs=2.0)


def test_it_stays_where_it_is_however_the_volume_is_stored(real_hips: Path) -> None:
    places = []
    for name in ("h01_right_wedge15", "h08_h01_oblique", "h09_h01_aniso_3mm"):
        hip = real.built(real_hips, name)
        assert hip.anatomy.vastus_ridge is not None
        places.append(hip.to_world(hip.anatomy.vastus_ridge))
    assert np.ptp(np.array(places), axis=0).max() <= 1.5


def test_an_assumed_level_has_no_ridge(real_hips: Path) -> None:
    assert real.built(real_hips, "h13_right_ct_3mm").anatomy.vastus_ridge is None


def test_one_that_is_given_is_taken_and_one_away_from_the_bone_refused(sample_hip: Hip) -> None:
    """The drawn femur's flank is straight: it shows none of its own."""
    assert sample_hip.anatomy.vastus_ridge is None
    a = sample_hip.anatomy
    outer = sample_hip.bone.surface_points_mm
    level = (outer - a.head_center) @ a.shaft_axis - a.lesser_trochanter_height_mm
    at = outer[np.abs(level - 20.0) < 1.0]
    given = at[np.argmax((at - a.head_center) @ a.x_axis)]

    def hip_with(point: FloatArray) -> Hip:
        case = replace(sample_hip.case, landmarks=Landmarks(vastus_ridge=sample_hip.to_world(point)))
        return build_hip(case)

    hip = hip_with(given)
    assert hip.anatomy.vastus_ridge == pytest.approx(given, abs=1e-6)
    assert hip.anatomy.sources["vastus_ridge"] == "given"
    for off in (given + 9.0 * a.x_axis, at[np.argmin((at - a.head_center) @ a.x_axis)]):
        with pytest.raises(AnatomyError, match="vastus_ridge lies") as told:
            hip_with(off)
        assert told.value.code == "landmark-implausible"


@pytest.mark.slow
def test_a_plan_keeps_below_a_ridge_that_is_given_and_verification_agrees(
    sample_hip: Hip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = sample_hip.anatomy
    outer = sample_hip.bone.surface_points_mm
    level = (outer - a.head_center) @ a.shaft_axis - a.lesser_trochanter_height_mm
    at = outer[np.abs(level - 20.0) < 1.0]
    ridge = sample_hip.to_world(at[np.argmax((at - a.head_center) @ a.x_axis)])
    marks, out = tmp_path / "marks.json", tmp_path / "plan"
    marks.write_text(json.dumps({"vastus_ridge": ridge.tolist()}))
    case = ["--femur", f"{SAMPLE}:1", "--lesion", f"{SAMPLE}:2", "--landmarks", str(marks), "--no-pictures"]
    assert main(["plan", *case, "--set", "entry_below_ridge_mm=4", "--out", str(out)]) == 0
    plan = json.loads((out / "plan.json").read_text())
    assert plan["anatomy"]["sources"]["vastus_ridge"] == "given"
    assert plan["anatomy"]["vastus_ridge"] == pytest.approx(ridge, abs=1e-3)
    assert plan["tunnels"][0]["entry_edge_below_ridge_mm"] >= 4.0 - 1e-6
    assert main(["verify", str(out / "plan.json")]) == 0, capsys.readouterr().out
