"""The main job in a few lines of Python, as another program does it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import corecore as cc
from corecore.app.api import Picture
from corecore.app.diagnose import EXTRAS
from corecore.base.html import figures_html
from corecore.base.notice import NOTICE

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_volumes" / "right_medium.nii.gz"


@pytest.fixture(scope="module")
def hip() -> cc.Hip:
    return cc.load(f"{SAMPLE}:1", f"{SAMPLE}:2", case_id="<b>&")


def test_every_name_is_there_and_no_other() -> None:
    assert all(getattr(cc, name) is not None for name in cc.__all__)
    assert set(dir(cc)) == set(cc.__all__)
    with pytest.raises(AttributeError, match="no attribute 'plam'"):
        cc.plam  # noqa: B018


@pytest.mark.slow
def test_six_lines_plan_save_and_check(hip: cc.Hip, tmp_path: Path) -> None:
    plan = cc.make_plan(hip)
    assert plan.status == "planned"
    path = cc.save(plan, tmp_path / "plan", pictures=False)
    assert cc.check(path).agrees
    with pytest.raises(cc.CorecoreError, match="holds a plan already"):
        cc.save(plan, tmp_path / "plan", pictures=False)
    assert len(repr(plan)) < 200
    shown = plan._repr_html_()
    assert f"{plan.totals.removed_fraction:.1%} of the necrosis" in shown
    assert f"{plan.tunnels[0][1].length_mm:.1f} mm long" in shown
    assert NOTICE in shown
    # The planner's own tunnel, judged as a path of one's own, breaks nothing and removes the same.
    tunnel, figures = plan.tunnels[0]
    own = cc.judge_path(hip, hip.to_world(tunnel.entry).tolist(), hip.to_world(tunnel.tip).tolist(), 10.0)
    assert own.status == "manual"
    assert own.given is not None
    assert not own.given.violations
    assert own.tunnels[0][1].removed_fraction == pytest.approx(figures.removed_fraction, abs=1e-3)


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
    with pytest.raises(cc.InputError, match="its inverse"):
        cc.load(*masks, lesion_transform=cc.LesionTransform(matrix, "matrix", inverse=True))
    moved = cc.load(*masks, lesion_transform=cc.LesionTransform(matrix, kind="matrix"))
    there, here = (one.to_world(one.lesion.centroid_mm) for one in (hip, moved))
    assert np.allclose(there, here, atol=0.05)
    assert {"lesion_moved"} <= {warning.code for warning in moved.warnings}


def test_what_is_unknown_or_out_of_range_ends_in_one_line(hip: cc.Hip, tmp_path: Path) -> None:
    for wrong in ({"joint_margin_mm": 2.0}, {"no_such_key": 1}, {"tunnels": 17}):
        with pytest.raises(cc.InputError) as caught:
            cc.make_plan(hip, **wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(cc.InputError):
        cc.make_plan(hip, "core-99")
    with pytest.raises(cc.InputError):
        cc.load(tmp_path / "none.nii.gz", tmp_path / "none.nii.gz")


def test_hip_and_measures_show_themselves_with_every_word_escaped(hip: cc.Hip) -> None:
    assert "&lt;b&gt;&amp;" in hip._repr_html_()
    assert "<b>&" not in hip._repr_html_()
    measures = cc.measure(hip)
    assert len(repr(hip)) < 200
    assert len(repr(measures)) < 200
    shown = measures._repr_html_()
    assert f"{measures.as_dict()['volume_ml']:.2f} ml" in shown
    assert figures_html("a<", [("b<", "c<")], ["d<"]).count("&lt;") == 4


@pytest.mark.slow
def test_a_plan_draws_itself(hip: cc.Hip) -> None:
    picture = cc.draw(cc.make_plan(hip))
    assert isinstance(picture, Picture)
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
