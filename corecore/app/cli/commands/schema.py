"""``corecore schema``: what the files look like."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files
from typing import Annotated

import typer

from corecore.app.cli import DONE


class Schema(StrEnum):
    """The files that have a schema."""

    plan = "plan"
    measures = "measures"


def schema(name: Annotated[Schema, typer.Argument(help="Which file's.")] = Schema.plan) -> int:
    """Print the JSON Schema of plan.json or measures.json."""
    typer.echo(
        files("corecore.document.schemas").joinpath(f"{name.value}.schema.json").read_text(encoding="utf-8"), nl=False
    )
    return DONE
