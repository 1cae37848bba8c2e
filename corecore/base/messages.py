"""Every error and warning by its code: what it means, and what mends it.

Codes stay the same while words may change. Errors are raised with them (``corecore.base.errors``), warnings stand with
them in ``plan.json`` and ``measures.json``. The text lies in ``messages.toml``, ``docs/messages.md`` is made from it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

Kind = Literal["error", "warning"]
#: How much a warning weighs: it stops a reader, asks for care, or is told for the record.
Severity = Literal["stop", "caution", "note"]
#: Where a message is met: on the command line, as a row of a batch's table, on the review page, or by code only.
Road = Literal["command", "row", "review", "library"]


@dataclass(frozen=True)
class Message:
    """One error or warning: one sentence on its cause, one on its mend."""

    code: str
    kind: Kind
    cause: str
    mend: str
    reachable_by: Road = "command"
    severity: Severity = "caution"


@cache
def catalogue() -> dict[str, Message]:
    """Every message by its code, errors first, in the order of the file."""
    tables = tomllib.loads(files("corecore.base").joinpath("messages.toml").read_text(encoding="utf-8"))
    return {
        code: Message(code, cast(Kind, kind), **told)
        for kind, table in (("error", tables["errors"]), ("warning", tables["warnings"]))
        for code, told in table.items()
    }


def severity_of(code: str) -> Severity:
    """How much a warning weighs; one that this version does not know asks for care."""
    message = catalogue().get(code)
    return "caution" if message is None or message.kind != "warning" else message.severity
