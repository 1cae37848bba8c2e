"""What the parts of ``plan.json`` and ``measures.json`` are made of.

A key without a default is one that no reader can do without. Every other key may be absent in a plan of
another version (``UNSET``); whatever is written today has it, and the JSON Schema demands it, unless it is
marked ``MAY_BE_ABSENT``. Keys that no part names are let pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, UnsetType

#: Marks a key that today's documents have only where it applies; it never reaches the schema.
ABSENT_MARK = "x-may-be-absent"
MAY_BE_ABSENT = Meta(extra_json_schema={ABSENT_MARK: True})
#: Marks a flag that is written false only: a definition not confirmed from its original text.
ALWAYS_FALSE = Meta(extra_json_schema={"const": False})

Fraction = Annotated[float, Meta(ge=0, le=1)]
AtLeastZero = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]
CountOrNone = Annotated[int, Meta(ge=0)]
#: Three coordinates: RAS mm for a point, no unit for a direction.
Vector = Annotated[list[float], Meta(min_length=3, max_length=3)]
Pair = Annotated[list[float], Meta(min_length=2, max_length=2)]
FractionPair = Annotated[list[Fraction], Meta(min_length=2, max_length=2)]
#: The reader takes any text: one that is no digest is told from the file's as any other that differs.
DIGEST_FORM = "^[0-9a-f]{64}$"
Digest = Annotated[str, Meta(extra_json_schema={"pattern": DIGEST_FORM})]

T = TypeVar("T")


class Part(msgspec.Struct, frozen=True):
    """An object of a document; its fields are the keys, in the order in which they are written."""


def entries(node: object) -> dict[str, object]:
    """The keys that a part or a table has, with their values; none of anything else."""
    if isinstance(node, Part):
        held = {key: getattr(node, key) for key in node.__struct_fields__}
        return {key: value for key, value in held.items() if not isinstance(value, UnsetType)}
    return dict(node) if isinstance(node, Mapping) else {}


def known(value: T | UnsetType | None) -> T | None:
    """A value of a document; ``None`` where the key is absent or null."""
    return None if isinstance(value, UnsetType) else value


def listed(value: list[T] | UnsetType | None) -> list[T]:
    """A list of a document; empty where the key is absent or null."""
    return [] if value is None or isinstance(value, UnsetType) else value
