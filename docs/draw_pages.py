"""Draw ``docs/images/report.png`` and ``review.png`` of a plan: ``python docs/draw_pages.py demo_out/plan.json``.

The report's first two pages side by side, from the plan's ``report.pdf``; and the review page as Chromium shows it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2
from PIL import Image

IMAGES = Path(__file__).resolve().parent / "images"
PAGE, WINDOW = (751, 1062), (1280, 800)
#: Colours kept: more than a page has, and the file stays small.
COLORS = 256


def report(plan: Path) -> None:
    """Two pages beside each other."""
    both = Image.new("RGB", (2 * PAGE[0], PAGE[1]), "white")
    with pypdfium2.PdfDocument(plan.parent / "report.pdf") as document:
        for number in range(2):
            page = document[number].render(scale=3.0).to_pil()
            both.paste(page.resize(PAGE, Image.Resampling.LANCZOS), (number * PAGE[0], 0))
    save(both, "report.png")


def review(plan: Path) -> None:
    """The page of ``corecore review``, from a copy of the plan's folder: a review leaves a record there."""
    chromium = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    with tempfile.TemporaryDirectory() as place:
        folder, shot = Path(place) / "plan", Path(place) / "page.png"
        shutil.copytree(plan.parent, folder)
        program = "import sys; from corecore.app.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", program, "review", str(folder / plan.name), "--no-browser"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            address = next(found[1] for line in server.stdout if (found := re.search(r"review at (\S+)", line)))
            subprocess.run(
                [
                    *(chromium, "--headless", "--no-sandbox", "--enable-unsafe-swiftshader", "--hide-scrollbars"),
                    *(f"--window-size={WINDOW[0]},{WINDOW[1]}", "--virtual-time-budget=60000"),
                    *(f"--user-data-dir={place}/profile", f"--screenshot={shot}", address),
                ],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180,
            )  # fmt: skip
            server.terminate()
        save(Image.open(shot).convert("RGB"), "review.png")


def save(picture: Image.Image, name: str) -> None:
    """A PNG of few colours; so chosen that small areas keep their red, green and orange."""
    picture.quantize(COLORS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        IMAGES / name, optimize=True
    )


if __name__ == "__main__":
    report(Path(sys.argv[1]))
    review(Path(sys.argv[1]))
