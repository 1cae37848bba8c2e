"""How text of a plan is shown: one printable line."""

from __future__ import annotations

#: Written where a plan does not tell a figure.
UNKNOWN = "–"


def one_line(text: str, limit: int) -> str:
    """One line of printable characters, at most ``limit`` of them."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= limit else line[: limit - 1] + "…"
