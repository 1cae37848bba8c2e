"""Texts as cells of a CSV file that a spreadsheet opens."""

from __future__ import annotations

#: Where a spreadsheet takes a text for a formula, or skips a sign before one; the wide forms are the same in some
#: languages (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def text_cell(text: str) -> str:
    """A text that no spreadsheet runs as a formula: an apostrophe goes before one that begins like it."""
    return "'" + text if text.startswith(FORMULA) else text
