"""The real hips that tests look at, by name, and what their README says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corecore.hip.case import load_case
from corecore.hip.hip import Hip
from support.shared import shared

NAMES = [
    "h01_right_wedge15", "h02_right_medial15", "h03_left_small05", "h04_left_posterior15", "h05_right_short_scan",
    "h06_left_full_femur", "h07_left_170mm", "h08_h01_oblique", "h09_h01_aniso_3mm", "h10_h01_sagittal_order",
    "h11_h01_mirrored", "h12_h01_dirty", "h13_right_ct_3mm", "h14",
]  # fmt: skip
#: The test suite that runs at every change looks at these; all of them run with the slow tests.
QUICK = {"h05_right_short_scan", "h09_h01_aniso_3mm", "h13_right_ct_3mm", "h14"}


def masks(folder: Path, name: str) -> tuple[str, str]:
    if name == "h14":
        return str(folder / "h14_femur_mask.nii.gz"), str(folder / "h14_lesion_mask_oblique_grid.nii.gz")
    return f"{folder / name}.nii.gz:1", f"{folder / name}.nii.gz:2"


def truth_of(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / "truth.json").read_text())[name]  # type: ignore[no-any-return]


def built(folder: Path, name: str) -> Hip:
    return shared.build_hip(load_case(*masks(folder, name)))
