"""Paths to the figures of a document: ``a.b``, each of a list ``a[]``, each of a table ``a.*``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from corecore.document.fields import Part, entries


class AbsentError(Exception):
    """A key that the document has not."""


def places(node: object, place: str, prefix: str = "") -> Iterator[tuple[str, object]]:
    """The parts and tables of a document at a place, with their paths."""
    head, _, rest = place.partition(".")
    key, held = head.removesuffix("[]"), entries(node)
    for name in list(held) if key == "*" else [key] if key in held else []:
        value, path = held[name], f"{prefix}.{name}".lstrip(".")
        items: list[tuple[str, object]] = [(path, value)]
        if head.endswith("[]") and isinstance(value, list):
            items = [(f"{path}[{index}]", one) for index, one in enumerate(value)]
        for where, one in items:
            if rest:
                yield from places(one, rest, where)
            elif isinstance(one, Part | Mapping):
                yield where, one


def at(node: object, path: str) -> object:
    """The value at a path; a dot in a name stands as ``\\.``. Raises ``AbsentError`` but where it ends in ``?``."""
    if path.endswith("?"):
        return at(node, path[:-1]) if has(node, path[:-1]) else None
    for name in path.replace("\\.", "\0").split("."):
        held = entries(node)
        try:
            node = held[name.replace("\0", ".")]
        except KeyError:
            raise AbsentError from None
    return node


def has(node: object, path: str) -> bool:
    try:
        return at(node, path) is not None
    except AbsentError:
        return False
