"""The main job in a few lines of Python, as another program does it."""

from __future__ import annotations

import json
import pickle
import pkgutil
import subprocess
import sys
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import corecore as cc
from corecore.app.diagnose import EXTRAS
from corecore.base.html import figures_html
from corecore.base.notice import NOTICE
from corecore.document.fields import known
from corecore.study.batch.columns import plan_record

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_volumes" / "right_medium.nii.gz"


@pytest.fixture(scope="module")
def hip() -> cc.Hip:
    return cc.load(f"{SAMPLE}:1", f"{SAMPLE}:2", case_id="<b>&")


#: What a Python user finds; a name more or less is a promise made or broken.
NAMES = [
    "Anatomy",
    "AnatomyError",
    "BatchResults",
    "CancelledError",
    "CorecoreError",
    "Evaluation",
    "Execution",
    "GuideFiles",
    "Hip",
    "InputError",
    "LesionTransform",
    "Measures",
    "MissingExtraError",
    "OutputError",
    "Picture",
    "Plan",
    "Planner",
    "Region",
    "Spec",
    "Tunnel",
    "Verification",
    "__version__",
    "assess",
    "batch",
    "candidates",
    "export",
    "guide",
    "load",
    "measure",
    "open_plan",
    "plan",
    "read_results",
    "register",
    "save",
    "summary",
    "synth",
    "verify",
]


def test_every_name_is_there_and_no_other() -> None:
    assert cc.__all__ == NAMES
    assert all(getattr(cc, name) is not None for name in cc.__all__)
    assert set(dir(cc)) == set(cc.__all__)
    # No function hides behind a room of its name, whichever is imported first.
    rooms = {module.name for module in pkgutil.iter_modules(cc.__path__)}
    assert rooms.isdisjoint(cc.__all__)
    with pytest.raises(AttributeError, match="no attribute 'plam'"):
        cc.plam  # noqa: B018


@pytest.mark.parametrize(
    ("earlier", "now"),
    [("make_plan", "plan"), ("judge_path", "assess"), ("check", "verify"), ("draw", "Plan.picture")],
)
def test_a_name_of_an_earlier_version_says_what_it_is_now(earlier: str, now: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"corecore\.{earlier}: corecore\.{now} is its name now") as caught:
        function = getattr(cc, earlier)
    assert caught[0].filename == __file__
    assert earlier not in cc.__all__
    if now != "Plan.picture" and now != "plan":
        assert function is getattr(cc, now)


@pytest.mark.slow
def test_six_lines_plan_save_and_verify(hip: cc.Hip, tmp_path: Path) -> None:
    plan = cc.plan(hip, stage="ARCO 3A", physis="open", imaging_date=date.today())
    assert plan.status == "planned"
    assert {"late_stage", "open_physis"} <= {warning.code for warning in plan.warnings}
    path = plan.save(tmp_path / "plan", pictures=False)
    assert cc.verify(path).agrees
    with pytest.raises(cc.CorecoreError, match="holds a plan already"):
        cc.save(plan, tmp_path / "plan", pictures=False)
    assert len(repr(plan)) < 200
    shown = plan._repr_html_()
    assert f"{plan.totals.removed_fraction:.1%} of the necrosis" in shown
    assert f"{plan.tunnels[0].length_mm:.1f} mm long" in shown
    assert NOTICE in shown
    assert shown.count("<iframe") == 1
    # The planner's own tunnel, evaluated as a path of one's own, exceeds nothing and removes the same.
    tunnel = plan.tunnels[0]
    own = cc.assess(hip, tunnel.entry, tunnel.tip, 10.0)
    assert own.status == "manual"
    assert not own.violations
    assert own.tunnels[0].figures.removed_fraction == pytest.approx(tunnel.figures.removed_fraction, abs=1e-3)
    # What the file says, the plan says, before and after.
    told = json.loads(path.read_text())
    opened = cc.open_plan(path)
    for one in (plan, opened):
        for place, tunnel in zip(told["tunnels"], one.tunnels, strict=True):
            for key in ("entry", "tip", "direction"):
                assert np.allclose(getattr(tunnel, key), place[key], atol=2e-6)
        content = one.to_dict()
        assert content["totals"] == told["totals"]
        assert content["tunnels"] == told["tunnels"]
        assert one.totals.removed_fraction == told["totals"]["removed_fraction"]
        assert one.measures.figures.signs.stage == plan.document.necrosis.signs.stage
        assert one.measures.figures.signs.image_age.days == 0
        assert [warning.code for warning in one.warnings] == [warning["code"] for warning in told["warnings"]]
        frame = one.to_frame()
        assert frame["length_mm"] == [tunnel["length_mm"] for tunnel in told["tunnels"]]
        assert frame["entry.x"] == [tunnel["entry"][0] for tunnel in told["tunnels"]]
        assert {len(column) for column in frame.values()} == {len(told["tunnels"])}
    with pytest.raises(cc.InputError, match="was opened from its folder"):
        opened.save(tmp_path / "other")
    assert opened.measures.figures.volume_ml == plan.measures.figures.volume_ml
    # It travels whole, as to a worker and back.
    again = pickle.loads(pickle.dumps(plan))
    assert again.tunnels[0].figures == plan.tunnels[0].figures
    assert np.array_equal(again.tunnels[0].entry, plan.tunnels[0].entry)


def test_what_is_handed_out_is_the_patients_world_and_does_not_change(sample_plan: Any) -> None:
    plan = cc.Plan._of(sample_plan)
    # Complete whatever was asked of the plan before.
    assert set(known(plan.totals.risk) or {}) >= {"guide", "robot"}
    hip, tunnel = plan.hip, plan.tunnels[0]
    assert np.allclose(hip.depth_mm(np.stack([tunnel.entry])), 0.0, atol=0.1)
    assert np.allclose(tunnel.entry + tunnel.length_mm * tunnel.direction, tunnel.tip, atol=1e-9)
    # The necrosis lies in the head, the tip in the necrosis's surroundings, lateral away from the body's middle.
    anatomy = hip.anatomy
    center = hip.lesion.positions_mm().mean(axis=0)
    assert np.linalg.norm(center - anatomy.head_center) < anatomy.head_radius_mm
    assert np.linalg.norm(tunnel.tip - anatomy.head_center) < 1.5 * anatomy.head_radius_mm
    assert anatomy.lateral[0] * (1 if hip.side == "right" else -1) > 0.7
    assert anatomy.shaft_axis[2] > 0.7
    assert anatomy.anterior[1] > 0.5
    for owner, name in ((hip, "side"), (plan, "status"), (tunnel, "tip"), (anatomy, "head_radius_mm"), (hip, "new")):
        with pytest.raises(AttributeError):
            setattr(owner, name, None)
    with pytest.raises(AttributeError):
        del plan._inner
    for array in (tunnel.entry, tunnel.direction, anatomy.head_center):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0
    assert "local" not in {name for owner in (hip, plan, tunnel) for name in dir(owner)}


def test_frames_have_a_batchs_columns(sample_plan: Any) -> None:
    plan = cc.Plan._of(sample_plan)
    for frame, name, value in (
        (plan.hip.to_frame(), "anatomy.head_radius_mm", plan.to_dict()["anatomy"]["head_radius_mm"]),
        (plan.measures.to_frame(), "necrosis.volume_ml", plan.to_dict()["necrosis"]["volume_ml"]),
    ):
        assert frame[name] == [value]
        assert {len(column) for column in frame.values()} == {1}
        assert not [cell for column in frame.values() for cell in column if isinstance(cell, list | dict)]
    record = plan_record(plan.document)
    assert set(plan.hip.to_frame()) | set(plan.measures.to_frame()) <= {*record, "id"}
    assert {f"tunnels.1.{name}" for name in plan.to_frame()} >= {
        name for name in record if name.startswith("tunnels.1.")
    }


def test_an_opened_plan_draws_and_slices_in_the_patients_world(sample_plan: Any) -> None:
    plan = cc.Plan._of(sample_plan)
    tunnel = plan.tunnels[0]
    cut = plan.hip.slice_along(tunnel, pixel_mm=1.0)
    # Both ends of the axis lie in the plane, and their pixels in the tunnel.
    for share in (0.1, 0.9):
        point = tunnel.entry + share * (tunnel.tip - tunnel.entry)
        row, column, off, _ = np.linalg.solve(cut.affine, [*point, 1.0])
        assert abs(off) < 1e-6
        assert cut.labels[round(row), round(column)] == 3


def test_commands_from_python_do_what_the_commands_do(written_plan: Path, tmp_path: Path) -> None:
    files = cc.export(written_plan / "plan.json", "csv", tmp_path / "tunnels.csv")
    assert [path.name for path in files] == ["tunnels.csv"]
    with pytest.raises(cc.InputError, match=r"name ending in \.stl"):
        cc.guide(written_plan / "plan.json", tmp_path / "guide.pdf")
    with pytest.raises(cc.InputError, match="no hips"):
        cc.batch(None, tmp_path / "run")
    with pytest.raises(cc.InputError, match="set them in the study's file"):
        cc.batch(None, tmp_path / "run", study=tmp_path / "study.toml", tunnels=2)
    text = cc.summary(ROOT / "notebooks" / "study_500_hips.parquet")
    assert "core-10" in text
    with pytest.raises(cc.InputError, match="one of none, ct, mr, both"):
        cc.synth(tmp_path, images="xray")  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_batch_of_a_drawn_hip_is_read_back(tmp_path: Path) -> None:
    made = cc.synth(tmp_path / "hips", seed=11)
    assert any(path.name.endswith("_truth.json") for path in made)
    outcome = cc.batch(tmp_path / "hips", tmp_path / "run", execution=cc.Execution(workers=1), preset="core-8")
    assert outcome.rows == 1
    assert outcome.statuses == {"planned": 1}
    table = cc.read_results(tmp_path / "run", frame="mapping").wide
    assert list(table["preset"]) == ["core-8"]


def test_a_lesion_of_another_scan_is_carried_as_by_the_command_line(hip: cc.Hip, tmp_path: Path) -> None:
    image = nib.load(SAMPLE)
    values, affine = np.asarray(image.dataobj), image.affine.copy()
    affine[2, 3] += 60.0
    for name, voxels, place in (("femur", values > 0, image.affine), ("lesion", values == 2, affine)):
        nib.save(nib.Nifti1Image(voxels.astype(np.uint8), place), tmp_path / f"{name}.nii")
    matrix = tmp_path / "down.mat"
    matrix.write_text("1 0 0 0\n0 1 0 0\n0 0 1 -60\n0 0 0 1\n")
    masks = tmp_path / "femur.nii", tmp_path / "lesion.nii"
    with pytest.raises(cc.InputError, match="transform-kind"):
        cc.load(*masks, lesion_transform=matrix)
    # FLIRT's matrix counts voxels of files: of an image in memory nobody knows their order there.
    flirt = cc.LesionTransform(matrix, "flirt")
    for role, images in (("image", (image, SAMPLE)), ("lesion_image", (SAMPLE, image))):
        with pytest.raises(cc.InputError, match=f"^{role}: lies in memory, and FLIRT"):
            cc.load(*masks, lesion_transform=flirt, image=images[0], lesion_image=images[1])
    with pytest.raises(cc.InputError, match="its inverse"):
        cc.load(*masks, lesion_transform=cc.LesionTransform(matrix, "matrix", inverse=True))
    moved = cc.load(*masks, lesion_transform=cc.LesionTransform(matrix, kind="matrix"))
    there, here = (one.lesion.positions_mm().mean(axis=0) for one in (hip, moved))
    assert np.allclose(there, here, atol=0.05)
    assert moved.move is not None
    assert moved.move.moved_mm == pytest.approx(60.0)
    assert {"lesion_moved"} <= {warning.code for warning in moved.warnings}


def test_the_surgeons_answers_are_the_command_lines(hip: cc.Hip) -> None:
    today = date.today()
    told = cc.measure(hip, stage="Steinberg IIIB", physis="closed", imaging_date=today.isoformat())
    assert told.to_dict()["signs"]["stage"]["label"] == "Steinberg IIIB"
    assert told.figures.signs.asks == []
    assert "late_stage" in {warning.code for warning in told.warnings}
    assert cc.measure(hip).figures.signs.asks == ["stage", "physis"]
    tip = hip.anatomy.head_center
    for wrong in (
        {"stage": "ARCO 9"}, {"stage": 3}, {"physis": "ajar"}, {"physis": None}, {"imaging_date": "yesterday"},
        {"imaging_date": 20260301},
    ):  # fmt: skip
        for call in (cc.measure, cc.plan, lambda hip, **told: cc.assess(hip, tip, tip, 10.0, **told)):
            with pytest.raises(cc.InputError, match=r"stage|physis|date") as caught:
                call(hip, **wrong)
            assert "\n" not in str(caught.value)
    with pytest.raises(cc.InputError, match="after the day of the plan"):
        cc.measure(hip, imaging_date=today + timedelta(days=1))


def test_the_header_s_fields_are_given_from_python(hip: cc.Hip) -> None:
    told = cc.load(f"{SAMPLE}:1", f"{SAMPLE}:2", surgeon=" A.  Surgeon ", operation_date=date(2026, 12, 3))
    case = cc.measure(told).to_dict()["case"]
    assert (case["surgeon"], case["operation_date"]) == ("A. Surgeon", "2026-12-03")
    assert "surgeon" not in cc.measure(hip).to_dict()["case"]
    for wrong in ({"surgeon": 3}, {"surgeon": "x" * 65}, {"surgeon": "a\x07b"}, {"operation_date": "soon"}):
        with pytest.raises(cc.InputError, match=r"surgeon|date") as caught:
            cc.load(f"{SAMPLE}:1", f"{SAMPLE}:2", **wrong)
        assert "\n" not in str(caught.value)


def test_what_is_unknown_or_out_of_range_ends_in_one_line(hip: cc.Hip, tmp_path: Path) -> None:
    for wrong in ({"joint_margin_mm": 2.0}, {"no_such_key": 1}, {"tunnels": 17}):
        with pytest.raises(cc.InputError) as caught:
            cc.plan(hip, **wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(cc.InputError):
        cc.plan(hip, "core-99")
    with pytest.raises(cc.InputError):
        cc.load(tmp_path / "none.nii.gz", tmp_path / "none.nii.gz")


def test_hip_and_measures_show_themselves_with_every_word_escaped(hip: cc.Hip) -> None:
    assert "&lt;b&gt;&amp;" in hip._repr_html_()
    assert "<b>&" not in hip._repr_html_()
    measures = cc.measure(hip)
    assert len(repr(hip)) < 200
    assert len(repr(measures)) < 200
    shown = measures._repr_html_()
    assert f"{measures.figures.volume_ml:.2f} ml" in shown
    assert measures.to_dict()["volume_ml"] == measures.figures.volume_ml
    with pytest.warns(DeprecationWarning, match="to_dict"):
        assert measures.as_dict()["volume_ml"] == pytest.approx(measures.figures.volume_ml, abs=1e-6)
    assert figures_html("a<", [("b<", "c<")], ["d<"]).count("&lt;") == 4


@pytest.mark.slow
def test_a_plan_draws_itself(hip: cc.Hip) -> None:
    plan = cc.plan(hip)
    picture = plan.picture()
    assert isinstance(picture, cc.Picture)
    blocks = plan.to_pyvista()
    ends = blocks["tunnel 1 axis"].points
    assert np.allclose(ends[[0, -1]], [plan.tunnels[0].entry, plan.tunnels[0].tip], atol=1e-3)
    assert set(plan.hip.to_pyvista().keys()) < set(blocks.keys())
    film = plan.drr("ap")
    assert film.array.shape == (512, 512)
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert len(picture.png) > 20_000


def test_the_doctor_knows_the_extras() -> None:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    offered = content["project"]["optional-dependencies"]
    assert set(EXTRAS) == set(offered) - {"dev", "bench", "docs"}
    for extra, (modules, _) in EXTRAS.items():
        packages = {text.split(">")[0].split("[")[0] for text in offered[extra]}
        # What is imported bears the name under which it is installed, GDCM apart.
        assert {"gdcm" if name == "python-gdcm" else name for name in packages} == set(modules), extra


#: Plans a coarse hip from arrays, asks all of it, lets go of it, and prints what of it is alive.
KEPT = """
import gc
from dataclasses import replace
import corecore as cc
from corecore.study.phantom.hip import HipRecipe, make_hip

def work():
    drawn = make_hip(replace(HipRecipe.drawn(1), spacing_mm=(1.5, 1.5, 1.5), shaft_below_mm=45.0))
    hip = cc.load(drawn.labels(), affine=drawn.femur.grid.world_from_index, labels={"femur": 1, "lesion": 2})
    plan = cc.plan(hip, diameter_mm=8.0)
    assert plan.tunnels and plan.to_dict() and plan.to_pyvista() and hip.to_pyvista()
    found = alive()
    assert {"Hip", "Plan", "TunnelFigures"} <= found, found
    return found

def alive():
    gc.collect()
    rooms = ("corecore.hip.", "corecore.planning.", "corecore.tunnels.figures", "corecore.measures.", "corecore.app.",
             "corecore.document.", "corecore.report.scene", "corecore.base.distance_field", "corecore.base.grid")
    return {type(one).__name__ for one in gc.get_objects() if str(type(one).__module__).startswith(rooms)}

before = alive()
work()
# The published statements are read once, and belong to no plan.
print(*sorted(alive() - before - {"Statement", "Effect"}))
"""


@pytest.mark.slow
def test_nothing_of_a_plan_outlives_it() -> None:
    done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
