"""``corecore doctor`` and ``corecore schema``: what works here, and what the files look like."""

from __future__ import annotations

import json
from enum import StrEnum
from importlib.resources import files
from typing import Annotated

import typer

from corecore.app.cli import BAD_INPUT, DONE
from corecore.app.cli.commands import app
from corecore.app.cli.options import AsJson


class Schema(StrEnum):
    """The files that have a schema."""

    plan = "plan"
    measures = "measures"


@app.command()
def doctor(as_json: AsJson = False) -> int:
    """What works on this machine, and how to mend what does not. Exit code 2 where the main job cannot run."""
    from dataclasses import asdict

    from corecore.app.diagnose import examine, versions

    findings = examine()
    if as_json:
        content = {"versions": versions(), "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            typer.echo(f"{'works' if finding.ok else 'LACKS':6} {finding.name:{width}}  {finding.found}")
            if not finding.ok:
                typer.echo(f"{'':7}{'':{width}}  -> {finding.mend}")
    return DONE if all(finding.ok for finding in findings if finding.needed) else BAD_INPUT


@app.command()
def schema(name: Annotated[Schema, typer.Argument(help="Which file's.")] = Schema.plan) -> int:
    """Print the JSON Schema of plan.json or measures.json."""
    typer.echo(
        files("corecore.document.schemas").joinpath(f"{name.value}.schema.json").read_text(encoding="utf-8"), nl=False
    )
    return DONE
