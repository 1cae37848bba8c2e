"""``corecore preview``: pictures, page and report of a plan again, from its file and what lies beside it."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson, PlanFile
from corecore.app.cli.progress import steps
from corecore.base.errors import CorecoreError
from corecore.io.files import staged_folder

if TYPE_CHECKING:
    from corecore.report.tissue import Tissue


def preview(
    plan_file: PlanFile,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures; default: the plan's.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Open the scene in the browser.")] = False,
    as_json: AsJson = False,
) -> int:
    """Draw preview.png, the self-contained scene preview.html, and the report of a plan."""
    folder = plan_file.parent if out is None else out
    drawn, missing = draw_again(plan_file, folder, quiet=as_json)
    typer.echo(json.dumps(drawn) if as_json else "\n".join(drawn["written"]))
    if missing:
        typer.echo(f"report without fluoroscopy and slices: {missing}", err=True)
    if show and not webbrowser.open((folder / "preview.html").resolve().as_uri()):
        typer.echo("no browser could be opened here; open preview.html by hand", err=True)
    return DONE


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
