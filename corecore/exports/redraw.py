"""A plan drawn again: the pictures, the page and the report, from its file and what lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from corecore.base.errors import CorecoreError
from corecore.exports.plan_folder import draw_all
from corecore.io.files import staged_folder
from corecore.planning.open_plan import open_plan
from corecore.report.scene import Scene
from corecore.report.tissue import Tissue

#: What is drawn.
FILES = ("preview.png", "preview.html", "report.html", "report.pdf")


class Redrawn(NamedTuple):
    """What was drawn, by which renderer, and why the report lacks what is seen through the volumes."""

    written: list[Path]
    renderer: str
    missing: str | None


def draw_again(plan_file: Path, folder: Path) -> Redrawn:
    """Draws into a folder."""
    reasons: list[str] = []

    def volumes() -> Tissue | None:
        try:
            return Tissue.of(open_plan(plan_file, image=True).hip)
        except CorecoreError as error:
            # A plan whose masks are gone is drawn all the same, without them.
            reasons.append(str(error))
            return None

    scene = Scene.load(plan_file)
    with staged_folder(folder) as stage:
        result = draw_all(scene, volumes, stage)
    return Redrawn([folder / name for name in FILES], result.renderer, reasons[0] if reasons else None)
