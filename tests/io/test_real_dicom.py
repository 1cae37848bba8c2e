"""Series of real scanners: each read as GDCM reads it through SimpleITK, or refused with the reason.

The files are no part of the repository: their folder is ``../shared/real_dicom``, or ``CORECORE_REAL_DICOM``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.base.grid import Image
from corecore.io.references import read_image

HERE = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("CORECORE_REAL_DICOM") or HERE.parent / "shared" / "real_dicom")
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no real DICOM at hand")

READ = (
    "ge_explicit", "hitachi", "hyperfine", "non_isotropic", "philips_classic", "philips_enhanced",
    "siemens_multiframe", "jpeg2000", "jpeg_ls", "rle", "jpeg_lossless_sv1",
)  # fmt: skip
REFUSED = {
    "ct_gantry_tilt": r"slant of 14\.00° .*--straighten",
    "ct_uneven_steps_1": r"1 slice\(s\) missing: 10\.000 mm between slices 3 and 4, 5\.000 mm",
    "ct_uneven_steps_2": r"1 slice\(s\) missing: 1\.499 mm between slices 3 and 4, 0\.750 mm",
    "slice_orientation_mixed": r"2 series \(202: MR sagittal, 2 slice\(s\); 501: MR axial, 2 slice\(s\)\)",
    "ge_single_slice": "one slice",
}
#: mm, and units of the image.
TOLERANCE = 1e-4


def told(name: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((FOLDER / "sets.json").read_text())[name]["simpleitk"][0]
    return table


def off(image: Image, other: dict[str, Any]) -> dict[str, float]:
    """By how much an image differs from what SimpleITK reads, in mm and in values."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.grid.world_from_index
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    axes = round(len(other["direction"]) ** 0.5)
    direction = np.array(other["direction"]).reshape(axes, axes)[:3, :3]
    return {
        "size": float(np.max(np.abs(np.array(image.grid.shape) - other["size"][:3]))),
        "spacing": float(np.max(np.abs(spacing - other["spacing_mm"][:3]))),
        "origin": float(np.max(np.abs(lps[:3, 3] - other["origin_lps_mm"][:3]))),
        "direction": float(np.max(np.abs(lps[:3, :3] / spacing - direction))),
        "mean": abs(float(image.values.mean(dtype=np.float64)) - other["mean"]),
        "min": abs(float(image.values.min()) - other["min"]),
        "max": abs(float(image.values.max()) - other["max"]),
    }


def test_every_set_is_looked_at() -> None:
    assert {*READ, *REFUSED} == set(json.loads((FOLDER / "sets.json").read_text()))


@pytest.mark.parametrize("name", READ)
def test_a_series_is_read_as_simpleitk_reads_it(name: str) -> None:
    found = off(read_image(FOLDER / name), told(name))
    assert max(found.values()) <= TOLERANCE, found


def test_another_series_is_seen_to_differ() -> None:
    assert off(read_image(FOLDER / "rle"), told("hitachi"))["origin"] > 1.0


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_single_even_stack_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=REFUSED[name]):
        read_image(FOLDER / name)


def test_a_tilted_gantry_is_straightened_where_asked() -> None:
    image, other = read_image(FOLDER / "ct_gantry_tilt", straighten=True), told("ct_gantry_tilt")
    assert image.straightened_deg == pytest.approx(14.0, abs=0.01)
    # The slices keep their planes; between them lies the table's step seen along their normal.
    assert image.grid.spacing_mm == pytest.approx([0.41797, 0.41797, 5.0 * np.cos(np.radians(14.0))], abs=1e-4)
    assert image.grid.shape == (512, 512 + 9, 4)
    # Values lie between those stored.
    assert other["min"] <= image.values.min()
    assert image.values.max() <= other["max"]


def test_mixed_directions_are_listed_and_one_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    folder = FOLDER / "slice_orientation_mixed"
    assert main(["series", str(folder), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["series"]
    assert [first["number"], second["number"]] == ["202", "501"]
    assert [first["orientation"], second["orientation"]] == ["sagittal", "axial"]
    assert [first["spacing_mm"], second["spacing_mm"]] == [[0.32, 0.32, 3.3], [0.5556, 0.5556, 4.4]]
    for row in (first, second):
        for choice in (row["number"], f"{row['uid']}:{row['stack']}"):
            image = read_image(f"{folder}:{choice}")
            assert list(image.grid.shape) == row["size"]
            assert image.grid.spacing_mm == pytest.approx(row["spacing_mm"], abs=1e-4)
    assert main(["series", str(folder)]) == 0
    assert "202" in capsys.readouterr().out


def test_a_disc_of_all_sets_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["series", str(FOLDER), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unreadable"] == 0
    assert found["other_files"] == 3
    assert sum(row["files"] for row in found["series"]) == sum(
        one["files"] for one in json.loads((FOLDER / "sets.json").read_text()).values()
    )
