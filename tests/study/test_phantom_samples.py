"""The sample volumes in the repository are the ones the code writes."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from corecore.base.grid import transform
from corecore.io.nifti import read_volume
from corecore.study.phantom.samples import SAMPLES, write_samples

FOLDER = Path(__file__).resolve().parents[2] / "sample_volumes"
#: The zlib that compressed the files in the repository; another may pack the same volume otherwise.
ZLIB = "1.2.13"
SIZE_MAX_BYTES = 3_000_000


@pytest.mark.slow
def test_samples_are_written_anew_bit_for_bit(tmp_path: Path) -> None:
    written = write_samples(tmp_path)
    names = sorted(path.name for path in written)
    assert names == sorted(path.name for path in FOLDER.iterdir())
    for name in names:
        ours, theirs = (tmp_path / name).read_bytes(), (FOLDER / name).read_bytes()
        if name.endswith(".gz"):
            assert gzip.decompress(ours) == gzip.decompress(theirs), name
        if not name.endswith(".gz") or zlib.ZLIB_RUNTIME_VERSION == ZLIB:
            assert ours == theirs, name


def test_samples_are_small_and_cropped_tightly() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < SIZE_MAX_BYTES
    for name in ("right_medium", "left_small", "right_slices", "left_large_femur"):
        stored, grid = read_volume(FOLDER / f"{name}.nii.gz")
        labels = stored.astype(np.uint8)
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            filled = np.flatnonzero((labels > 0).any(axis=others))
            margins = np.array([filled[0], labels.shape[axis] - 1 - filled[-1]]) * grid.spacing_mm[axis]
            assert margins.max() <= 6.0 + 1e-6


@pytest.mark.parametrize("name", [name for name, recipe in SAMPLES.items() if not recipe.mr])
def test_label_maps_agree_with_their_truths(name: str) -> None:
    labels, grid = read_volume(FOLDER / f"{name}.nii.gz")
    truth = json.loads((FOLDER / f"{name}_truth.json").read_text(encoding="utf-8"))
    assert set(np.unique(labels)) == {0, 1, 2}
    volume = np.count_nonzero(labels == 2) * grid.voxel_ml
    assert volume == pytest.approx(truth["lesion"]["volume_ml"], rel=0.02)
    centroid = transform(grid.world_from_index, np.argwhere(labels == 2)).mean(axis=0)
    assert np.linalg.norm(centroid - truth["lesion"]["centroid"]) < 0.3
    assert (centroid[0] > 0.0) == (truth["side"] == "right")


def test_the_table_tells_the_truths() -> None:
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "python -m corecore.study.phantom.samples sample_volumes" in table
    for name in SAMPLES:
        truth = json.loads((FOLDER / f"{name}_truth.json").read_text(encoding="utf-8"))
        row = next(line for line in table.splitlines() if line.startswith(f"| {name} "))
        assert f"{truth['lesion']['volume_ml']:.3f}" in row
        assert ", ".join(f"{v:.2f}" for v in truth["head_center"]) in row


def test_the_samples_cover_what_they_should() -> None:
    recipes = SAMPLES.values()
    assert {recipe.side for recipe in recipes} == {"left", "right"}
    shares = sorted(recipe.sphere_fraction for recipe in recipes)
    assert shares[0] == pytest.approx(0.05)
    assert shares[-1] == pytest.approx(0.35)
    assert SAMPLES["right_medium"].sphere_fraction == pytest.approx(0.15)
    assert any(recipe.spacing_mm[2] == 3.0 for recipe in recipes)
