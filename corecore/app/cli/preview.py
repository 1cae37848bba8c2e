"""A plan drawn again: the pictures, the page and the report, from its file and what lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecore.app.cli.progress import steps
from corecore.base.errors import CorecoreError
from corecore.io.files import staged_folder

if TYPE_CHECKING:
    from corecore.report.tissue import Tissue


def draw_again(plan_file: Path, folder: Path, *, quiet: bool) -> tuple[dict[str, Any], str | None]:
    """Draws into a folder; says what was written, and why the report lacks what is seen through the volumes."""
    from corecore.exports.plan_folder import draw_all
    from corecore.report.scene import Scene

    reasons: list[str] = []

    def volumes() -> Tissue | None:
        from corecore.planning.open_plan import open_plan
        from corecore.report.tissue import Tissue

        try:
            return Tissue.of(open_plan(plan_file, image=True).hip)
        except CorecoreError as error:
            # A plan whose masks are gone is drawn all the same, without them.
            reasons.append(str(error))
            return None

    with steps(quiet=quiet) as step:
        step("drawing")
        scene = Scene.load(plan_file)
        with staged_folder(folder) as stage:
            result = draw_all(scene, volumes, stage)
    names = ("preview.png", "preview.html", "report.html", "report.pdf")
    drawn = {"written": [str(folder / name) for name in names], "renderer": result.renderer}
    return drawn, reasons[0] if reasons else None
