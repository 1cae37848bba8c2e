"""The simulated fluoroscopic views as images that lie in space, where their detector stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from corecore.base.grid import FloatArray, Grid, Image
from corecore.io.files import staged_folder
from corecore.io.nifti import write_image
from corecore.report.c_arm import CArm
from corecore.report.fluoroscopy import fluoroscopy
from corecore.report.scene import Scene
from corecore.report.tissue import Tissue


def write_views(scene: Scene, tissue: Tissue, out: Path) -> list[dict[str, str]]:
    """Each view as one slice of a NIfTI volume, grey 0 to 255; name, stance and file, in the order of the report."""
    told = []
    with staged_folder(out) as stage:
        for number, drr in enumerate(fluoroscopy(scene, tissue), start=1):
            name = f"view_{number}.nii.gz"
            # Columns run to the right and rows down: the first two axes of the volume.
            values = np.asarray(drr.pixels.T[:, :, None], dtype=np.float32)
            write_image(stage / name, Image(Grid(_shape(drr.arm), place(drr.arm)), values))
            told.append({"name": f"DRR {drr.arm.title}", "stance": drr.stance, "file": str(out / name)})
    return told


def place(arm: CArm) -> FloatArray:
    """World RAS mm from (column, row, 0), 4 x 4; the third axis runs to the source, 1 mm long."""
    turn = np.stack([arm.pixel_mm * arm.right, -arm.pixel_mm * arm.up, -arm.beam], axis=1)
    result = np.eye(4)
    result[:3, :3], result[:3, 3] = turn, arm.corner
    return result


def _shape(arm: CArm) -> tuple[int, int, int]:
    return arm.pixels, arm.pixels, 1
