"""Draw the pictures of ``docs/slicer.md`` and of the extension's page: ``python docs/draw_slicer.py``.

They come from the scene of the sample hip, step by step, by 3D Slicer's own core (``make slicer-env``).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Pictures that the extension's page shows.
SCREENSHOTS = ("space", "along", "moved")


def main() -> None:
    """Writes them all."""
    sys.path.insert(0, str(ROOT / "tests"))
    with tempfile.TemporaryDirectory() as place:
        os.environ.setdefault("CORECORE_TESTS_SHARED", place)
        from support.slicer_case import run_in_slicer, write_case

        case, out = Path(place) / "case", Path(place) / "out"
        case.mkdir()
        out.mkdir()
        write_case(case, (1, 1, 1))
        run_in_slicer("slicer_pictures.py", case, out, sys.executable, ROOT)
        (ROOT / "slicer" / "Screenshots").mkdir(exist_ok=True)
        for picture in out.glob("*.png"):
            shutil.copy(picture, ROOT / "docs" / "images" / f"slicer_{picture.name}")
            if picture.stem in SCREENSHOTS:
                shutil.copy(picture, ROOT / "slicer" / "Screenshots" / picture.name)


if __name__ == "__main__":
    main()
