"""Small tables of figures as HTML, for results that show themselves in a notebook. Every word is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from corecore.base.notice import NOTICE


def figures_html(title: str, rows: Sequence[tuple[str, str]], notes: Sequence[str] = ()) -> str:
    """A titled table of two columns, what and how much, with notes and the caution below."""
    body = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    words = "".join(f"<div>{escape(note)}</div>" for note in (*notes, NOTICE))
    return f"<div><b>{escape(title)}</b><table>{body}</table><small>{words}</small></div>"
