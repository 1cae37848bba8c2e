"""Plans of lesions that are no usual ones: planned or infeasible, written, drawn, and found again by verification."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from corecore.base.grid import Mask
from corecore.base.spec import Spec
from corecore.exports.plan_folder import write_plan
from corecore.hip.case import case_from_masks
from corecore.hip.hip import build_hip
from corecore.measures.model import measure
from corecore.planning.planner import plan_hip
from corecore.planning.request import Search
from corecore.study.phantom.hip import HipRecipe, make_hip

Voxels = npt.NDArray[np.bool_]


def bone_and_head() -> tuple[Mask, Voxels]:
    """A coarse femur, and its head's voxels."""
    made = make_hip(HipRecipe(spacing_mm=(2.5, 2.5, 2.5), shaft_below_mm=80.0))
    bone = made.femur
    center = (np.linalg.inv(bone.grid.world_from_index) @ [*made.truth.head_center, 1.0])[:3]
    away = np.linalg.norm(np.moveaxis(np.indices(bone.grid.shape, dtype=float), 0, -1) - center, axis=-1) * 2.5
    return bone, bone.voxels & (away <= made.truth.head_radius_mm)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["layer", "slice", "two", "whole"])
def test_any_lesion_is_planned_or_infeasible_and_its_report_is_whole(kind: str, tmp_path: Path) -> None:
    bone, head = bone_and_head()
    middle = np.rint(np.argwhere(head).mean(axis=0)).astype(int)
    where = np.moveaxis(np.indices(bone.grid.shape), 0, -1) - middle
    depth = ndimage.distance_transform_cdt(bone.voxels, "taxicab")
    lesion = {
        "layer": (depth == 2) & (where[..., 2] > 4),
        "slice": where[..., 2] == 4,
        "two": (np.linalg.norm(where - [0, 2, 4], axis=-1) < 3) | (np.linalg.norm(where - [0, -3, -3], axis=-1) < 2),
        "whole": head,
    }[kind] & head
    femur = Mask(bone.grid, bone.voxels & ~lesion)
    hip = build_hip(case_from_masks(femur, Mask(bone.grid, lesion), label_map=True))
    spec = Spec()
    plan = plan_hip(hip, spec, measure(hip, spec), Search(seconds=1.0))
    assert plan.status in {"planned", "infeasible"}
    content = write_plan(plan, tmp_path / "plan", pictures=kind in {"layer", "two"})
    removed = content.totals.foci_removed_fraction
    assert isinstance(removed, list)
    foci = content.necrosis.components
    assert len(removed) == len(foci) == (2 if kind == "two" else 1)
    # What is removed of the lesion is what is removed of its foci.
    together = sum(one.fraction * share for one, share in zip(foci, removed, strict=True))  # type: ignore[misc, operator]
    assert together == pytest.approx(content.totals.removed_fraction, abs=1e-5)
    told = {warning.code for warning in content.warnings}
    assert ("lesion_thin" in told) == (kind in {"layer", "slice"})
    assert ("several_foci" in told) == (kind == "two")
    if kind in {"layer", "two"}:
        page = (tmp_path / "plan" / "report.html").read_text(encoding="utf-8")
        assert "nan" not in page.lower().split()
        assert ("inward half of the segmentation uncertainty is missing" in page) == (kind == "layer")
        assert ("Foci" in page) == (kind == "two")
    json.loads((tmp_path / "plan" / "measures.json").read_text())
