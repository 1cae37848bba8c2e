"""How far a block of slices through the knee turns lateral from the whole femur's: one real femur, cut in blocks.

``python benchmarks/knee_blocks.py``: a row for every lower end of the block above the bone's own, a column for every
thickness, mm. A figure is the turn, degrees; a dash is a block that is refused.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

NAME = "h06_left_full_femur"
LOWER_MM = range(0, 65, 5)
THICK_MM = (3, 5, 10, 15, 20, 25, 30, 40)


def main() -> None:
    """Print the table."""
    from support.anatomy_bones import in_local_frame, read_bone

    from corecore.base.errors import InputError
    from corecore.base.grid import Mask
    from corecore.hip.anatomy.condyles import condylar_axis, knee_axis, knee_pieces
    from corecore.hip.anatomy.fit import fit_anatomy
    from corecore.hip.anatomy.frame import neck_axis_turned
    from corecore.hip.anatomy.shaft import Shaft

    folder = Path(os.environ.get("CORECORE_REAL_HIPS", ROOT.parent / "shared" / "real_hips"))
    mask, truth = read_bone(folder, NAME)
    hip = in_local_frame(mask, truth, "left")
    anatomy = fit_anatomy(hip.bone, hip.near, side="left", superior=hip.superior)
    shaft = Shaft(anatomy.shaft_point, anatomy.shaft_axis, 0.0)
    guess = neck_axis_turned(anatomy.neck_axis, anatomy.shaft_axis)
    whole = condylar_axis(hip.bone.surface_points_mm, shaft, guess)
    assert whole is not None
    level = (np.arange(mask.grid.shape[2]) - np.argwhere(mask.voxels)[:, 2].min()) * mask.grid.spacing_mm[2]
    sys.stdout.write(" ".join(["lower", *(f"{thick:>6}" for thick in THICK_MM)]) + "\n")
    for lower in LOWER_MM:
        cells = []
        for thick in THICK_MM:
            block = Mask(mask.grid, mask.voxels & (level >= lower) & (level < lower + thick))
            try:
                found = knee_axis(knee_pieces(block, hip.local_from_world), shaft, guess, 0.0)
            except InputError:
                cells.append(f"{'-':>6}")
                continue
            turn = np.degrees(np.arctan2(np.cross(whole, found) @ anatomy.shaft_axis, whole @ found))
            cells.append(f"{turn:6.2f}")
        sys.stdout.write(" ".join([f"{lower:>5}", *cells]) + "\n")


if __name__ == "__main__":
    main()
