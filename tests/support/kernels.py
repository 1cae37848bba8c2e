"""Compiles what the tests would wait for, before they begin: a coarse hip is planned, proven and verified.

``python tests/support/kernels.py``. What was compiled for the same sources is loaded, in seconds.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import corecore as cc
from corecore.study.phantom.hip import HipRecipe, make_hip


def main() -> None:
    made = make_hip(replace(HipRecipe.drawn(1), spacing_mm=(1.5, 1.5, 1.5), shaft_below_mm=45.0))
    hip = cc.load(made.labels(), affine=made.femur.grid.world_from_index, labels={"femur": 1, "lesion": 2})
    plan = cc.plan(hip, diameter_mm=8.0, seconds=1.0)
    cc.plan(hip, diameter_mm=4.0, tunnels=2, objective="most")
    cc.plan(hip, instrument="reamer-8", objective="most")
    with tempfile.TemporaryDirectory() as folder:
        cc.verify(plan.save(Path(folder) / "plan", pictures=False))


if __name__ == "__main__":
    main()
