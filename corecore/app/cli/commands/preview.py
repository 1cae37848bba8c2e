"""``corecore preview``: pictures, page and report of a plan again, from its file and what lies beside it."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson, LanguageOption, PlanFile
from corecore.app.cli.progress import steps
from corecore.base.language import chosen, spoken


def preview(
    plan_file: PlanFile,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures; default: the plan's.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Open the scene in the browser.")] = False,
    language: LanguageOption = None,
    as_json: AsJson = False,
) -> int:
    """Draw preview.png, the self-contained scene preview.html, and the report of a plan."""
    folder = plan_file.parent if out is None else out
    with spoken(chosen(language)), steps(quiet=as_json) as step:
        step("drawing")
        from corecore.exports.redraw import draw_again

        drawn = draw_again(plan_file, folder)
    written = [str(path) for path in drawn.written]
    typer.echo(json.dumps({"written": written, "renderer": drawn.renderer}) if as_json else "\n".join(written))
    if drawn.missing:
        typer.echo(f"report without fluoroscopy and slices: {drawn.missing}", err=True)
    if show and not webbrowser.open((folder / "preview.html").resolve().as_uri()):
        typer.echo("no browser could be opened here; open preview.html yourself", err=True)
    return DONE
