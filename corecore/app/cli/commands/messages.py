"""``corecore messages``: an error or a warning by its code."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson
from corecore.base.errors import InputError
from corecore.base.messages import catalogue


def messages(
    code: Annotated[str | None, typer.Argument(help="As in the brackets of an error; default: all.")] = None,
    as_json: AsJson = False,
) -> int:
    """Show cause and remedy of an error or a warning, by its code."""

    known = catalogue()
    if code is not None and code not in known:
        raise InputError(f"no message {code!r}; corecore messages lists them", code="option-value")
    found = list(known.values()) if code is None else [known[code]]
    if as_json:
        typer.echo(json.dumps([asdict(message) for message in found], indent=1, ensure_ascii=False))
    else:
        for message in found:
            typer.echo(f"{message.code} ({message.kind})\n  {message.cause}\n  {message.mend}")
    return DONE
