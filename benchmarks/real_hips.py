"""Every real hip end to end: errors against its truths, the plan, the second road's verdict, seconds and memory.

``python benchmarks/real_hips.py [NAME ...]``; the hips are found as by the tests
(``CORECORE_REAL_HIPS``, or ../shared/real_hips beside the repository).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from corecore.base.spec import Spec
from corecore.exports.plan_folder import write_plan
from corecore.hip.case import load_case
from corecore.hip.hip import build_hip
from corecore.measures.model import measure
from corecore.planning.planner import plan_hip
from corecore.verification.recalculation import verify_plan

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = (
    "hip", "side", "centre mm", "radius mm", "lesion", "shaft °", "LT mm", "removed", "verify", "total s",
    "surface s", "anatomy s", "search s",
)  # fmt: skip


def row(folder: Path, name: str, truth: dict[str, object]) -> list[str]:
    """One hip, planned and verified."""
    masks = (f"{folder / name}.nii.gz:1", f"{folder / name}.nii.gz:2")
    if name == "h14":
        masks = str(folder / "h14_femur_mask.nii.gz"), str(folder / "h14_lesion_mask_oblique_grid.nii.gz")
    started = time.perf_counter()
    hip = build_hip(load_case(*masks))
    measures = measure(hip, Spec())
    plan = plan_hip(hip, Spec(), measures)
    seconds = time.perf_counter() - started - plan.timings["compile_s"]
    with tempfile.TemporaryDirectory() as out:
        write_plan(plan, Path(out) / "plan", pictures=False)
        verdict = "agrees" if verify_plan(Path(out) / "plan" / "plan.json").agrees else "DISAGREES"
    anatomy = hip.anatomy
    center, axis = hip.to_world(anatomy.head_center), hip.direction_to_world(anatomy.shaft_axis)
    shaft = level = "–"
    if truth["shaft_axis_distal"] is not None:
        distal = np.asarray(truth["shaft_axis_distal"], dtype=float)
        cosine = float(-axis @ distal / np.linalg.norm(distal))
        shaft = f"{np.degrees(np.arccos(min(1.0, cosine))):.2f}"
    if truth["lesser_trochanter_tip"] is not None:
        height = float((np.asarray(truth["lesser_trochanter_tip"], dtype=float) - center) @ axis)
        level = f"{anatomy.lesser_trochanter_height_mm - height:+.1f}"
    return [
        name,
        "ok" if hip.side == truth["side"] else "WRONG",
        f"{np.linalg.norm(center - np.asarray(truth['head_center'], dtype=float)):.2f}",
        f"{anatomy.head_radius_mm - float(truth['head_radius_mm']):+.2f}",  # type: ignore[arg-type]
        f"{measures.figures.volumes.volume_ml / float(truth['lesion_ml']) - 1:+.2%}",  # type: ignore[arg-type]
        shaft,
        level,
        f"{plan.totals.removed_fraction:.1%}" if plan.tunnels else f"infeasible: {plan.infeasible.binding}",  # type: ignore[union-attr]
        verdict,
        f"{seconds:.1f}",
        *(f"{plan.timings[key]:.1f}" for key in ("surface_s", "anatomy_s", "search_s")),
    ]


def main(names: list[str]) -> None:
    """Print the table."""
    folder = Path(os.environ.get("CORECORE_REAL_HIPS") or ROOT.parent / "shared" / "real_hips")
    truths = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    sys.stdout.write("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|\n")
    for name in names or sorted(truths):
        sys.stdout.write("| " + " | ".join(row(folder, name, truths[name])) + " |\n")
        sys.stdout.flush()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    sys.stdout.write(f"\npeak memory of the process {peak:.2f} GiB, {os.cpu_count()} cores\n")


if __name__ == "__main__":
    main(sys.argv[1:])
