"""The JSON Schemas of ``plan.json`` and ``measures.json``, made from their types.

``python -m corecore.document.schema`` renews the files that ship with the package.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypedDict, cast

import msgspec

from corecore.document.fields import ABSENT_MARK, DIGEST_FORM
from corecore.document.measures import MEASURES_SCHEMA, MeasuresDocument
from corecore.document.plan import PLAN_SCHEMA, PlanDocument

FOLDER = Path(__file__).resolve().parent / "schemas"
DOCUMENTS = {"plan": (PLAN_SCHEMA, PlanDocument), "measures": (MEASURES_SCHEMA, MeasuresDocument)}

#: An object of a JSON Schema, by what msgspec writes of a type.
SchemaNode = TypedDict(
    "SchemaNode",
    {
        "$ref": str,
        "$defs": dict[str, "SchemaNode"],
        "type": str,
        "enum": list[object],
        "anyOf": list["SchemaNode"],
        "minimum": float,
        "maximum": float,
        "pattern": str,
        "items": "SchemaNode",
        "minItems": int,
        "maxItems": int,
        "properties": dict[str, "SchemaNode"],
        "required": list[str],
        "additionalProperties": "SchemaNode | bool",
    },
    total=False,
)


@cache
def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of ``plan`` or ``measures``, as they are written today."""
    title, kind = DOCUMENTS[name]
    made = _made(name)
    for part in made["$defs"].values():
        keys = part.get("properties", {})
        # Readers put up with absent keys of other versions; what is written today has them all.
        part["required"] = sorted(key for key, told in keys.items() if not told.pop(ABSENT_MARK, False))
    root = made["$defs"].pop(kind.__name__)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "title": title, "$defs": made["$defs"]}


@cache
def readers_schema(name: str) -> SchemaNode:
    """The same with those keys required only that no reader can do without: what the reader lets pass."""
    made = _made(name)
    for node in _objects(made):
        node.pop(ABSENT_MARK, None)
        if node.get("pattern") == DIGEST_FORM:
            del node["pattern"]
    return cast(SchemaNode, made)


def _made(name: str) -> dict[str, Any]:
    made = msgspec.json.schema(DOCUMENTS[name][1])
    for node in _objects(made):
        node.pop("default", None)
    return made


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _objects(inner)


def schema_text(name: str) -> str:
    """A schema as text."""
    return json.dumps(json_schema(name), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for each in DOCUMENTS:
        (FOLDER / f"{each}.schema.json").write_text(schema_text(each), encoding="utf-8")
