"""How well the shaft's axis is found where a scan ends so far below the head: errors in degrees against length.

``python benchmarks/shaft_length.py [--real] [NAME ...]``: 14 drawn femora with small and large lesser trochanters,
flexed and turned (with ``--real`` the long ones of the tests' real hips too), cut by turns by the array's edge and
inside a padded volume every 10 mm. ``f`` fitted, ``a`` assumed; in brackets the shaft in view below the contract's
beginning, mm.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
if TYPE_CHECKING:
    from support.short_femora import Whole


CUTS_MM = range(60, 201, 10)
REAL = ("h06_left_full_femur", "h07_left_170mm", "h01_right_wedge15", "h03_left_small05")


def row(bone: Whole) -> str:
    """One bone at every length."""
    from support.anatomy_bones import degrees_between

    deepest = float(bone.below_head[bone.voxels].max())
    cells = []
    for cut in CUTS_MM:
        if cut > deepest:
            continue
        found = bone.fitted(cut, edge=cut // 10 % 2 == 1)
        off = degrees_between(found.shaft_axis, bone.shaft_axis)
        cells.append(f"{found.sources['shaft_axis'][0]} {off:4.1f} ({bone.in_view_mm(cut):.0f})")
    return f"{bone.name[:30]:32s}" + "".join(f"{cell:14s}" for cell in cells)


def main() -> None:
    """Print the table."""
    from support.short_femora import DRAWN, drawn, real

    folder = Path(os.environ.get("CORECORE_REAL_HIPS", ROOT.parent / "shared" / "real_hips"))
    names = [word for word in sys.argv[1:] if word != "--real"]
    told = sys.stdout
    told.write(f"{'cut, mm below the head':32s}" + "".join(f"{cut:<14d}" for cut in CUTS_MM) + "\n")
    for recipe in DRAWN:
        if not names or recipe.name in names:
            told.write(row(drawn(recipe)) + "\n")
    if "--real" in sys.argv:
        for name in REAL:
            if not names or name in names:
                told.write(row(real(folder, name)) + "\n")


if __name__ == "__main__":
    main()
