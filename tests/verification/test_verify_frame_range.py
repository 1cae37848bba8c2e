"""Ranges of an uncertain frame: the frames made anew are the planner's, and an edited range is caught."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.anatomy_bones import unit

import corecore as cc
from corecore.base.grid import FloatArray
from corecore.document.fields import known
from corecore.document.stated import StatedPlan, read_stated
from corecore.exports.workflow import open_hip
from corecore.hip.anatomy.frame import possible_frames
from corecore.hip.anatomy.model import Anatomy
from corecore.hip.hip import Hip
from corecore.hip.inputs import HipInputs
from corecore.measures.weight_bearing import LONG_AXIS_RANGE_DEG
from corecore.tunnels.figures import first_exit
from corecore.verification.cylinder import bore_of
from corecore.verification.frame import Frame, frame_of
from corecore.verification.frame_range import LOAD_DEG, necrosis_range_checks, other_frames, tunnel_range_checks
from corecore.verification.hip import load_hip
from corecore.verification.landmarks import landmark_checks
from corecore.verification.report import Check

MIRROR = np.diag([-1.0, 1.0, 1.0])


class Stated:
    """What ``other_frames`` asks of a plan."""

    def __init__(self, anatomy: Anatomy) -> None:
        self.anatomy = anatomy


def sorted_axes(frames: list[tuple[FloatArray, FloatArray, FloatArray]]) -> FloatArray:
    table = np.round(np.array([np.concatenate(axes) for axes in frames]), 9) + 0.0
    return np.asarray(table[np.lexsort(table.T)])


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("source", "tilt"), [("neck", 0.0), ("neck", 9.0), ("given", 6.0), ("condyles", 0.0)])
def test_the_frames_made_anew_are_the_planners(sample_hip: Hip, side: str, source: str, tilt: float) -> None:
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
    turn *= np.linalg.det(turn)
    given = sample_hip.anatomy
    anatomy = replace(
        given, sources={**given.sources, "x_axis": source}, shaft_range_deg=tilt, x_axis=turn @ given.x_axis,
        shaft_axis=turn @ given.shaft_axis, neck_axis=unit(turn @ (given.neck_axis + 0.1 * given.y_axis)),
    )  # fmt: skip
    mirror = MIRROR if side == "left" else np.eye(3)
    frame = Frame(
        np.zeros(3), 24.0, mirror @ anatomy.x_axis, mirror @ anatomy.y_axis, mirror @ anatomy.shaft_axis,
        mirror @ anatomy.neck_axis, np.zeros(3),
    )  # fmt: skip
    assert LOAD_DEG == LONG_AXIS_RANGE_DEG
    for ranges, counts in (
        ((0.0, 0.0), {("neck", 0.0): 8, ("neck", 9.0): 32, ("given", 6.0): 24, ("condyles", 0.0): 0}),
        (LONG_AXIS_RANGE_DEG, {("neck", 0.0): 32, ("neck", 9.0): 32, ("given", 6.0): 24, ("condyles", 0.0): 12}),
    ):
        ours = [(one.x_axis, one.y_axis, one.shaft_axis) for one in possible_frames(anatomy, ranges)]
        theirs = [
            (mirror @ one.x, mirror @ one.y, mirror @ one.z)
            for one in other_frames(Stated(anatomy), frame, ranges)  # type: ignore[arg-type]
        ]
        assert len(theirs) == len(ours) == counts[source, tilt]
        if ours:
            assert np.allclose(sorted_axes(theirs), sorted_axes(ours), atol=1e-8)


def range_checks(plan: StatedPlan) -> list[Check]:
    hip, frame = load_hip(plan), frame_of(plan.anatomy, plan.side)
    checks = [check for check in landmark_checks(plan, hip, frame) if check.name == "anatomy.shaft_range_deg"]
    checks += necrosis_range_checks(plan, hip, frame)
    tunnel = plan.tunnels[0]
    return checks + tunnel_range_checks("tunnels[0]", tunnel, bore_of(tunnel), plan, hip, frame)


@pytest.mark.slow
def test_an_edited_range_is_caught(short_sample: Path, tmp_path: Path) -> None:
    hip = open_hip(HipInputs(f"{short_sample}:1", f"{short_sample}:2", case_id="short"))
    anatomy = hip.anatomy
    assert anatomy.sources["shaft_axis"] == "fitted"
    assert anatomy.shaft_range_deg == pytest.approx(3.0, abs=0.4)
    tip = anatomy.head_center + 0.3 * anatomy.head_radius_mm * anatomy.neck_axis
    entry = first_exit(hip, tip, -anatomy.neck_axis)
    assert entry is not None
    plan = cc.assess(cc.Hip._of(hip), hip.to_world(entry), hip.to_world(tip), 10.0)
    plan.save(tmp_path / "plan", pictures=False)
    stated = read_stated(tmp_path / "plan" / "plan.json")
    honest = range_checks(stated)
    assert len(honest) > 40
    assert all(check.ok for check in honest), [check for check in honest if not check.ok]

    def caught(edited: StatedPlan) -> set[str]:
        return {check.name for check in range_checks(edited) if not check.ok}

    def moved(ranges: dict[str, tuple[float, float]], key: str, by: float) -> dict[str, tuple[float, float]]:
        return {**ranges, key: (ranges[key][0], ranges[key][1] + by)}

    necrosis, tunnel = stated.necrosis, stated.tunnels[0]
    edited = necrosis.frame_range
    planted = {
        "octants.ASM": 0.02, "kerboul.coronal_deg": 15.0, "weight_bearing.surface_fraction": -0.08,
        "weight_bearing.poles.rising.surface_fraction": 0.08, "weight_bearing.poles.stance.volume_fraction": -0.03,
        "weight_bearing.depth_mm": 2.0, "weight_bearing.poles.rising.depth_mm": 2.0,
        "lateral_pillar.central_share": 0.1, "osteotomy.rotation.best_intact_fraction": -0.1,
        "osteotomy.tilt.best_intact_fraction": 0.1,
    }  # fmt: skip
    for key, by in planted.items():
        edited = moved(edited, key, by)
    edited.pop("kerboul.sagittal_deg")
    drilled = moved(moved(tunnel.frame_range, "ap_angle_deg", -0.5), "entry_anterior_mm", 1.5)
    forged = replace(
        stated, anatomy=replace(stated.anatomy, shaft_range_deg=2.0),
        necrosis=replace(necrosis, frame_range=edited), tunnels=(replace(tunnel, frame_range=drilled),),
    )  # fmt: skip
    assert "anatomy.shaft_range_deg" in caught(forged)
    forged = replace(forged, anatomy=stated.anatomy)
    assert caught(forged) == {
        *(f"necrosis.frame_range.{key} (greatest)" for key in planted),
        "necrosis.frame_range.kerboul.sagittal_deg (least)", "necrosis.frame_range.kerboul.sagittal_deg (greatest)",
        "tunnels[0].frame_range.ap_angle_deg (greatest)", "tunnels[0].frame_range.entry_anterior_mm (greatest)",
    }  # fmt: skip


@pytest.mark.slow
def test_a_frame_that_is_known_leaves_the_loads_ranges_which_are_found_again(tmp_path: Path) -> None:
    """By condyles and a whole shaft: the stated ranges are those under the load alone, and an edited one is caught."""
    path = Path(cc.__file__).parent.parent / "sample_volumes" / "right_medium.nii.gz"
    hip = open_hip(HipInputs(f"{path}:1", f"{path}:2", case_id="known"))
    sources = {**hip.anatomy.sources, "x_axis": "condyles"}
    hip = replace(hip, anatomy=replace(hip.anatomy, sources=sources, shaft_range_deg=0.0))
    tip = hip.anatomy.head_center + 0.3 * hip.anatomy.head_radius_mm * hip.anatomy.neck_axis
    entry = first_exit(hip, tip, -hip.anatomy.neck_axis)
    assert entry is not None
    plan = cc.assess(cc.Hip._of(hip), hip.to_world(entry), hip.to_world(tip), 10.0)
    plan.save(tmp_path / "plan", pictures=False)
    stated = read_stated(tmp_path / "plan" / "plan.json")
    ranges = stated.necrosis.frame_range
    assert {key.partition(".")[0] for key in ranges} == {"weight_bearing", "osteotomy"}
    assert "frame_uncertain" not in {known(one.code) for one in stated.file.plan.warnings}
    honest = range_checks(stated)
    assert len([one for one in honest if one.name.startswith("necrosis.frame_range.")]) == 2 * len(ranges)
    assert all(check.ok for check in honest), [check for check in honest if not check.ok]
    low, high = ranges["weight_bearing.surface_fraction"]
    assert high - low > 0.03
    edited = {**ranges, "weight_bearing.surface_fraction": (low, high - 0.08)}
    caught = range_checks(replace(stated, necrosis=replace(stated.necrosis, frame_range=edited)))
    assert [check.name for check in caught if not check.ok] == [
        "necrosis.frame_range.weight_bearing.surface_fraction (greatest)"
    ]


@pytest.fixture(scope="module")
def short_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample cut some 35 mm below the contract's beginning of the shaft."""
    import nibabel as nib

    root = Path(cc.__file__).parent.parent
    image = nib.load(root / "sample_volumes" / "right_medium.nii.gz")
    labels = np.asarray(image.dataobj)
    index = np.indices(labels.shape).reshape(3, -1)
    z = (image.affine[2, :3] @ index + image.affine[2, 3]).reshape(labels.shape)
    first = int(np.flatnonzero((z > z[labels == 2].mean() - 125.0).any(axis=(0, 1)))[0])
    affine = image.affine.copy()
    affine[:3, 3] += first * affine[:3, 2]
    path = tmp_path_factory.mktemp("short") / "short.nii.gz"
    nib.save(nib.Nifti1Image(labels[:, :, first:], affine), path)
    return path
