"""Writes the table of limits in docs/design/constraints.md from corecore.base.limits: python docs/list_limits.py"""

from __future__ import annotations

import re
from pathlib import Path

from corecore.base.limits import TABLE

PAGE = Path(__file__).resolve().parent / "design" / "constraints.md"
UNITS = {"mm": " mm", "deg": "°", "share": "", "": ""}
HEAD = "| key | limit | default | accepted | why |\n|---|---|---|---|---|\n"


def table() -> str:
    """The table, a row a limit."""
    rows = []
    for limit in TABLE:
        unit = UNITS[limit.unit]
        default = "not asked for" if limit.settable and limit.default is None else "–"
        if limit.default is not None:
            default = f"{limit.default:g}{unit}"
        accepted = f"{limit.low:g} to {limit.high:g}{unit}" if limit.settable else "–"
        way = "at least" if limit.at_least else "at most"
        rows.append(f"| `{limit.key}` | {limit.name}, {way} | {default} | {accepted} | {limit.source} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(re.escape(HEAD) + r"(\|[^\n]*\n)+", lambda _: table(), text), encoding="utf-8")
