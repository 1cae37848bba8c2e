"""``corecore pipe``: another program asks, line by line, and this process keeps its plan open."""

from __future__ import annotations

from corecore.app.cli.options import LanguageOption
from corecore.base.language import chosen, spoken


def pipe(language: LanguageOption = None) -> int:
    """Answer requests, one line of JSON each, on standard input: for 3D Slicer and other programs."""
    from corecore.app.cli.pipe import serve

    with spoken(chosen(language)):
        return serve()
