"""Write ``docs/messages.md`` from the catalogue: ``python docs/list_messages.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from corecore.base.messages import Kind, catalogue

PAGE = Path(__file__).resolve().parent / "messages.md"
HEAD = """# Messages

An error ends a command with exit code 2 (`unexpected`: 70) and one line on standard error: what was found, where, what is accepted, and a code in brackets. A warning is an entry under `warnings` of `plan.json` and `measures.json`, as code and text; the command continues. Codes stay the same from version to version; texts may change. `corecore messages CODE` prints cause and remedy.

```bash
corecore messages mask-empty
```
"""  # noqa: E501
#: Where an error is met that no command ends with.
ROADS = {
    "command": "",
    "row": " *(in a row of a batch's table)*",
    "review": " *(on the review page)*",
    "library": " *(from Python or another program only, or where an installation is broken)*",
}


def page() -> str:
    """The page's text."""
    return "\n".join([HEAD, "## Errors", *rows("error"), "", "## Warnings", *rows("warning"), ""])


def rows(kind: Kind) -> Iterator[str]:
    """A table's lines, by code."""
    weight = kind == "warning"
    yield "| code | weight | cause | remedy |" if weight else "| code | cause | remedy |"
    yield "|---|---|---|---|" if weight else "|---|---|---|"
    for message in sorted(catalogue().values(), key=lambda one: one.code):
        if message.kind == kind:
            weighs = f" {message.severity} |" if weight else ""
            yield f"| `{message.code}` |{weighs} {message.cause}{ROADS[message.reachable_by]} | {message.mend} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
