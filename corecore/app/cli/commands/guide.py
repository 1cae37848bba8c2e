"""``corecore guide``: a drill guide for a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins

from corecore.app.cli import DONE
from corecore.app.cli.commands.export import AcceptViolations
from corecore.app.cli.options import AsJson, PlanFile
from corecore.app.cli.progress import steps
from corecore.base.parsing import parse_settings
from corecore.exports.guide.design import Design


def guide(
    plan_file: PlanFile,
    out: Annotated[Path, typer.Option(help="The guide's STL; a 3MF and a text file are written next to it.")],
    accept_violations: AcceptViolations = None,
    tunnel: Annotated[
        list[int] | None, typer.Option("--tunnel", help="A tunnel that gets a sleeve, may be repeated; default: all.")
    ] = None,
    pin: Annotated[float | None, typer.Option(help="Sleeves for guide pins of this diameter, mm.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A size of the guide, KEY=VALUE, may be repeated.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing guide.")] = False,
    as_json: AsJson = False,
) -> int:
    """Make a patient-specific drill guide, measured back from its mesh. Not validated clinically."""
    from corecore.exports.guide.write import guide_plan, page

    sizes = {**parse_settings(setting or []), **({} if pin is None else {"pin_mm": str(pin)})}
    with steps(quiet=as_json) as step:
        step("opening the plan, making the guide")
        made, stamp, paths = guide_plan(
            plan_file, out, accept_violations=accept_violations, tunnels=tunnel, sizes=sizes, overwrite=overwrite
        )
    names = [str(path) for path in paths]
    if as_json:
        content = {**dict(stamp.rows()), **to_builtins(made.figures()), "written": names}
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(page(made, stamp, Design().with_values(sizes)) + "written: " + "  ".join(names))
    return DONE
