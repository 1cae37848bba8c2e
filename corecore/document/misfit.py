"""What in a document is not of its type: the first such place, and what is accepted there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from corecore.document.schema import SchemaNode, readers_schema

KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "null": (type(None),),
    "integer": (int,), "number": (int, float),
}  # fmt: skip
WORDS = {
    "object": "an object", "array": "a list", "string": "a text", "boolean": "true or false", "null": "null",
    "integer": "a whole number", "number": "a finite number",
}  # fmt: skip


class Misfit(NamedTuple):
    """A place of a document: its path, what stands there, and what is accepted (``None``: it must not be absent)."""

    path: str
    value: object
    accepted: str | None


def first_misfit(content: object, name: str) -> Misfit | None:
    """The first place of ``plan`` or ``measures`` where the reader's type does not hold; ``None``: it holds."""
    return misfit_of(content, readers_schema(name))


def misfit_of(content: object, schema: SchemaNode) -> Misfit | None:
    """The first place where a JSON Schema made of a type does not hold; ``None``: it holds."""
    return next(_misfits(content, schema, "", schema["$defs"]), None)


def _misfits(value: Any, node: SchemaNode, path: str, parts: dict[str, SchemaNode]) -> Iterator[Misfit]:
    options = [_resolved(option, parts) for option in _resolved(node, parts).get("anyOf", [node])]
    fitting = [option for option in options if _is_a(value, option)]
    if not fitting:
        yield Misfit(path, value, " or ".join(_words(option) for option in options))
        return
    option = fitting[0]
    low, high = option.get("minimum", value), option.get("maximum", value)
    if isinstance(value, int | float) and not low <= value <= high:
        yield Misfit(path, value, _words(option))
    if isinstance(value, str) and re.search(option.get("pattern", ""), value) is None:
        yield Misfit(path, value, f"a text of the form {option['pattern']}")
    if isinstance(value, list):
        if not option.get("minItems", 0) <= len(value) <= option.get("maxItems", len(value)):
            yield Misfit(path, value, _words(option))
        for index, item in enumerate(value):
            yield from _misfits(item, option.get("items", {}), f"{path}[{index}]", parts)
    if isinstance(value, dict):
        start = f"{path}." if path else ""
        for key in option.get("required", ()):
            if key not in value:
                yield Misfit(start + key, None, None)
        others: SchemaNode | bool = option.get("additionalProperties", True)
        for key, item in value.items():
            inner = option.get("properties", {}).get(key, others)
            if inner is False:
                yield Misfit(start + key, item, f"no such key, but {', '.join(option['properties'])},")
            elif inner is not True:
                yield from _misfits(item, inner, start + key, parts)


def _resolved(node: SchemaNode, parts: dict[str, SchemaNode]) -> SchemaNode:
    reference = node.get("$ref")
    return node if reference is None else parts[reference.rpartition("/")[2]]


def _is_a(value: object, option: SchemaNode) -> bool:
    if "enum" in option:
        return type(value) is not bool and value in option["enum"]
    kind = option.get("type")
    if kind is None:
        return True
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _words(option: SchemaNode) -> str:
    if "enum" in option:
        return " or ".join("null" if word is None else repr(word) for word in option["enum"])
    kind = option.get("type", "")
    if "minimum" in option or "maximum" in option:
        low, high = option.get("minimum"), option.get("maximum")
        return f"{low:g} or more" if high is None else f"{low:g} to {high:g}"
    if kind == "array" and "minItems" in option:
        return f"a list of {option['minItems']} numbers"
    if kind == "array" and "maxItems" in option:
        return f"a list of at most {option['maxItems']}"
    return WORDS[kind]
