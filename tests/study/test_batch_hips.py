"""Real planning in a batch: the figures are those of the plans, and what cannot be planned is one row each."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corecore.app.cli import main
from corecore.study.batch.case import run_case
from corecore.study.batch.columns import flattened
from corecore.study.batch.manifest import Row, read_rows
from corecore.study.batch.run import JOURNAL
from corecore.study.batch.settings import Settings, Variant
from corecore.study.batch.table import PARQUET
from corecore.study.phantom.files import write_hip
from corecore.study.phantom.hip import HipRecipe, make_hip

parquet = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.slow

#: Hips that are planned quickly: coarse, short, with room for a tunnel.
SEEDS = (1, 4)
#: Rows that cannot be planned: id, cells, and what the cause must say.
BAD = {
    "gone": ("gone.nii.gz:1,gone.nii.gz:2,,", "femur: no such file"),
    "cut": ("cut.nii.gz:1,cut.nii.gz:2,,", "femur: "),
    "text": ("text.nii.gz:1,text.nii.gz:2,,", "NIfTI"),
    "label": ("hip_1.nii.gz:1,hip_1.nii.gz:7,,", "label 7"),
    "same": ("hip_1.nii.gz:1,hip_1.nii.gz:1,,", "same mask"),
    "noise": ("noise.nii.gz:1,noise.nii.gz:2,,", ""),
    "side": ("hip_1.nii.gz:1,hip_1.nii.gz:2,OTHER,", "check left and right"),
    "key": ("hip_1.nii.gz:1,hip_1.nii.gz:2,,colour=red", "colour"),
    "cells": ("hip_1.nii.gz:1,hip_1.nii.gz:2,upside,", "side 'upside'"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hips")
    lines = ["id,femur,lesion,side,overrides"]
    sides = {}
    for seed in SEEDS:
        hip = make_hip(replace(HipRecipe.drawn(seed), spacing_mm=(1.5, 1.5, 1.5), shaft_below_mm=45.0))
        write_hip(hip, made, f"hip_{seed}")
        sides[seed] = hip.recipe.side
        lines.append(f"hip_{seed},hip_{seed}.nii.gz:1,hip_{seed}.nii.gz:2,{hip.recipe.side},diameter_mm=8")
    whole = (made / "hip_1.nii.gz").read_bytes()
    (made / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    (made / "text.nii.gz").write_text("no volume")
    import nibabel as nib

    rng = np.random.default_rng(1)
    nib.save(nib.Nifti1Image(rng.integers(0, 3, (30, 30, 30)).astype(np.uint8), np.eye(4)), made / "noise.nii.gz")
    other = "left" if sides[1] == "right" else "right"
    lines += [f"{name},{cells.replace('OTHER', other)}" for name, (cells, _) in BAD.items()]
    (made / "manifest.csv").write_text("\n".join(lines) + "\n")
    return made


@pytest.fixture(scope="module")
def planned(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "two"
    assert main(["batch", str(folder / "manifest.csv"), "--out", str(out), "--workers", "2", "--plans"]) == 0
    return out


def _rows(out: Path) -> list[dict[str, Any]]:
    """The table without what a clock says."""
    table = parquet.read_table(out / PARQUET)
    return table.select([n for n in table.column_names if not n.startswith("timings.")]).to_pylist()  # type: ignore[no-any-return]


def test_every_bad_row_has_its_cause_and_every_good_one_its_plan(folder: Path, planned: Path) -> None:
    rows = {row["id"]: row for row in _rows(planned)}
    assert list(rows) == [*(f"hip_{seed}" for seed in SEEDS), *BAD]
    for name, (_, word) in BAD.items():
        assert rows[name]["status"] == "failed"
        assert rows[name]["error"] in ("InputError", "AnatomyError")
        assert word in rows[name]["cause"]
        assert str(planned.parent) not in rows[name]["cause"]
        for path in folder.glob("*.nii.gz"):
            assert path.name not in rows[name]["cause"]  # file names stay behind
        assert rows[name]["totals.removed_fraction"] is None
    for seed in SEEDS:
        assert rows[f"hip_{seed}"]["status"] == "planned"
        assert rows[f"hip_{seed}"]["spec.diameter_mm"] == 8.0


def test_the_rows_figures_are_the_plans(planned: Path) -> None:
    rows = {row["id"]: row for row in _rows(planned)}
    for seed in SEEDS:
        row = rows[f"hip_{seed}"]
        content = json.loads((planned / "plans" / f"hip_{seed}" / "plan.json").read_text(encoding="utf-8"))
        for group in ("totals", "tunnels", "anatomy", "spec"):
            for name, value in flattened(content[group], group):
                assert row[name] == value, name
        measures = json.loads((planned / "plans" / f"hip_{seed}" / "measures.json").read_text(encoding="utf-8"))
        assert row["necrosis.kerboul.combined_deg"] == measures["kerboul"]["combined_deg"]
        assert row["necrosis.volume_ml"] == measures["volume_ml"]
        assert row["inputs.femur.sha256"] == content["case"]["inputs"][0]["original_sha256"]
        assert main(["verify", str(planned / "plans" / f"hip_{seed}" / "plan.json"), "--json"]) == 0
    assert sorted(p.name for p in (planned / "plans").iterdir()) == [f"hip_{seed}" for seed in SEEDS]


def test_one_worker_and_a_resumed_run_give_the_same_rows(folder: Path, planned: Path, tmp_path: Path) -> None:
    # As if killed in the middle of a line, with one hip still to do: this worker plans it anew.
    out = tmp_path / "again"
    out.mkdir()
    lines = (planned / JOURNAL).read_bytes().splitlines(keepends=True)
    (out / JOURNAL).write_bytes(b"".join(lines[:-1]) + lines[-1][:12])
    options = ["--out", str(out), "--workers", "1", "--plans", "--resume"]
    assert main(["batch", str(folder / "manifest.csv"), *options]) == 0
    assert _rows(out) == _rows(planned)
    with (out / "results.csv").open(encoding="utf-8", newline="") as stream:
        texts = list(csv.DictReader(stream))
    assert [row["id"] for row in texts] == [row["id"] for row in _rows(out)]
    assert float(texts[0]["totals.removed_fraction"]) == _rows(out)[0]["totals.removed_fraction"]


def test_a_folder_of_synthetic_hips_brings_its_truths(folder: Path, tmp_path: Path) -> None:
    for name in ("hip_1.nii.gz", "hip_1_truth.json"):
        shutil.copy(folder / name, tmp_path / name)
    (row,) = read_rows(tmp_path)
    variants = (Variant("diameter_mm=8.0", values=(("diameter_mm", 8.0),)), Variant("steep", values=(("colour", 1),)))
    entry = run_case(row, Settings(variants))
    good, bad = entry.records
    truth = json.loads((tmp_path / "hip_1_truth.json").read_text(encoding="utf-8"))
    assert good["seed"] == bad["seed"] == 1
    assert good["truth.lesion.volume_ml"] == truth["lesion"]["volume_ml"]
    assert good["necrosis.volume_ml"] == pytest.approx(truth["lesion"]["volume_ml"], rel=0.05)
    assert good["truth.head_center.x"] == pytest.approx(good["anatomy.head_center.x"], abs=0.5)
    # A variant that cannot be fails alone.
    assert (good["status"], bad["status"], bad["error"]) == ("planned", "failed", "InputError")


def test_what_nobody_foresaw_is_a_row_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("corecore.exports.workflow.read_case", broken)
    path = f"{folder}/hip_1.nii.gz"
    (record,) = run_case(Row(0, "a", f"{path}:1", f"{path}:2"), Settings()).records
    assert (record["status"], record["error"]) == ("failed", "ZeroDivisionError")
    assert str(record["cause"]).startswith("ZeroDivisionError: division by zero (test_batch_hips.py:")


def test_what_a_study_shares_changes_no_figure(
    folder: Path, planned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hips").mkdir()
    shutil.copy(folder / "hip_1.nii.gz", tmp_path / "hips" / "hip_1.nii.gz")
    text = 'population = "hips"\n[sweep]\ndiameter_mm = [6.5, 8.0]\ntunnels = 1\nmethod = ["none"]\n'
    (tmp_path / "study.toml").write_text(text)
    assert main(["batch", "--study", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["statuses"], told["left_out"]) == ({"planned": 2}, [])
    thin, wide = _rows(tmp_path / "out")
    assert (thin["variant"], wide["variant"]) == ("diameter_mm=6.5", "diameter_mm=8.0")
    assert thin["totals.removed_fraction"] < wide["totals.removed_fraction"]
    alone = next(row for row in _rows(planned) if row["id"] == "hip_1")
    # The same file planned by itself, after no other.
    same = set(alone) & set(wide) - {"variant"}
    assert len(same) > 500
    assert {name: wide[name] for name in same} == {name: alone[name] for name in same}
    assert main(["summary", str(tmp_path / "out" / PARQUET)]) == 0
    assert "diameter_mm=6.5" in capsys.readouterr().out


def test_a_bids_dataset_in_and_a_bids_dataset_out(folder: Path, tmp_path: Path) -> None:
    import nibabel as nib

    # The masks of a hip, the label map of another, and a lesion without its femur.
    source, run = tmp_path / "masks", tmp_path / "run"
    for name in ("sub-01/ses-1/anat", "sub-02/anat"):
        (source / name).mkdir(parents=True)
    (source / "dataset_description.json").write_text(json.dumps({"Name": "masks", "BIDSVersion": "1.10.0"}))
    drawn = nib.load(folder / "hip_1.nii.gz")
    labels = np.asarray(drawn.dataobj)
    for name, voxels in (("femur", labels > 0), ("lesion", labels == 2)):
        one = nib.Nifti1Image(voxels.astype(np.uint8), drawn.affine)
        nib.save(one, source / f"sub-01/ses-1/anat/sub-01_ses-1_label-{name}_mask.nii.gz")
    shutil.copy(folder / "hip_4.nii.gz", source / "sub-02/anat/sub-02_label-lesion_mask.nii.gz")
    told = ["batch", str(source), "--out", str(run), "--diameter", "8", "--workers", "1", "--layout", "bids"]
    assert main(told) == 0
    table = parquet.read_table(run / PARQUET).to_pylist()
    assert [(one["id"], one["status"]) for one in table] == [("sub-01_ses-1", "planned"), ("sub-02", "failed")]
    anat = run / "sub-01" / "ses-1" / "anat"
    plan = anat / "sub-01_ses-1_desc-corecore_plan" / "plan.json"
    assert main(["verify", str(plan), "--own-copies"]) == 0
    content = json.loads(plan.read_text())
    # What the tunnel takes of the voxels of the necrosis is what the plan says, to what voxels of 1.5 mm can tell.
    painted = nib.load(anat / "sub-01_ses-1_desc-corecore_dseg.nii.gz")
    assert np.allclose(painted.affine, drawn.affine, atol=1e-5)
    taken = np.mean(np.asarray(painted.dataobj)[labels == 2] == 3)
    assert taken == pytest.approx(content["totals"]["removed_fraction"], abs=0.05)
    names = (anat / "sub-01_ses-1_desc-corecore_dseg.tsv").read_text().splitlines()
    assert names == ["index\tname", "1\tbone outside tunnels", "2\tnecrosis outside tunnels", "3\ttunnel 1"]
    assert json.loads((anat / "sub-01_ses-1_desc-corecore_dseg.json").read_text())["SpatialReference"] == "orig"
    # The validator of the specification matches a folder by its name without a slash.
    assert "**/*_plan" in (run / ".bidsignore").read_text().splitlines()
    assert json.loads((run / "dataset_description.json").read_text())["GeneratedBy"][0]["Name"] == "corecore"
    page = tmp_path / "summary.html"
    assert main(["summary", str(run / PARQUET), "--out", str(page)]) == 0
    assert "run/sub-01/ses-1/anat/sub-01_ses-1_desc-corecore_plan/plan.json" in page.read_text()
