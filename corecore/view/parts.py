"""Parts of a plan that may be absent, and what is said of them: never an error, never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corecore.view.captions import UNKNOWN, one_line


def part(content: Any, *names: str) -> Mapping[str, Any]:
    """A nested object of a plan; empty where there is none."""
    for name in names:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content if isinstance(content, Mapping) else {}


def items(content: Any, name: str) -> list[Mapping[str, Any]]:
    """A list of objects of a plan; empty where there is none."""
    value = content.get(name) if isinstance(content, Mapping) else None
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def text_of(content: Mapping[str, Any], name: str) -> str:
    """A word or number of a plan as text; an en dash where there is none."""
    value = content.get(name)
    return UNKNOWN if value is None or isinstance(value, (dict, list)) else one_line(str(value), 40)


def sentence(text: str) -> str:
    """With a capital, unless it begins with the name of a parameter, and a full stop."""
    start = text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]
    return start + ("" if text.endswith((".", "!", "?")) else ".")
