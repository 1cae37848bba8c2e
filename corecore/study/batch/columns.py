"""Nested documents as flat records: a column's name is the path of its figure in ``plan.json``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from corecore.document.fields import known
from corecore.document.plan import PlanDocument

Cell = bool | int | float | str | None
Record = dict[str, Cell]

#: First in every table, and there even where no row has them; texts, but for the seed.
LEAD = (
    "id", "variant", "status", "error", "code", "cause", "side", "preset", "robust_method", "warnings",
    "warnings_text", "seed",
)  # fmt: skip
#: Then these, in this order; what else there is comes after.
GROUPS = (
    "totals", "tunnels", "necrosis", "anatomy", "infeasible", "robust", "spec", "truth", "inputs", "timings",
    "versions",
)  # fmt: skip
#: Lists of three that are positions or directions.
VECTORS = {
    "entry", "tip", "direction", "head_center", "neck_center", "neck_axis", "shaft_point", "shaft_axis", "x_axis",
    "lesser_trochanter_tip", "greater_trochanter_tip", "centroid", "position_mm", "pole", "entry_fixed",
    "direction_fixed", "center",
}  # fmt: skip
#: Lists of texts and tables that are told by keys, joined: the key that names an item.
NAMED = {"limits": "key", "nearest": "what", "relaxations": "key", "together": "key", "warnings": "code"}
#: Prose, and what the same document says elsewhere in figures.
LEFT_OUT = {
    "necrosis.missing", "necrosis.summary.expected", "necrosis.summary.speaks_for", "necrosis.summary.speaks_against",
    "necrosis.summary.asks", "necrosis.signs.notes", "necrosis.signs.asks",
}  # fmt: skip
JOIN = ";"


def flattened(value: object, path: str) -> Iterator[tuple[str, Cell]]:
    """Columns of a value under a path: objects by their keys, vectors as x, y, z, other lists counted from 1.

    Objects are parts of a document, whose columns are its fields, or what a JSON file holds.
    """
    name = path.rpartition(".")[2]
    if path in LEFT_OUT or path.endswith(".explanation.text"):
        return
    inner = _keys(value)
    if inner is not None:
        for key, item in inner.items():
            yield from flattened(item, f"{path}.{printable(key)}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        items = [_keys(item) for item in value]
        if name in NAMED and None not in items:
            yield path, JOIN.join(str(item.get(NAMED[name], "")) for item in items if item is not None)
        elif value and all(isinstance(item, str) for item in value):
            yield path, cell(JOIN.join(value))
        elif name in VECTORS and len(value) == 3:
            yield from ((f"{path}.{axis}", cell(item)) for axis, item in zip("xyz", value, strict=True))
        else:
            for count, item in enumerate(value, start=1):
                yield from flattened(item, f"{path}.{count}")
    else:
        yield path, cell(value)


def _keys(value: object) -> Mapping[str, object] | None:
    """What an object holds by key; ``None`` for any other value."""
    if isinstance(value, msgspec.Struct):
        named = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: item for name, item in named if item is not msgspec.UNSET}
    return value if isinstance(value, Mapping) else None


def cell(value: object) -> Cell:
    """A value as a table holds it; what is not finite is missing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else printable(str(value))


def printable(text: str) -> str:
    """A text without what no terminal should be sent, and Parquet does not take."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def plan_record(plan: PlanDocument) -> Record:
    """A record of a plan."""
    record: Record = {
        "status": plan.status,
        "side": plan.case.side,
        "preset": known(plan.spec.preset),
        "warnings": JOIN.join(str(one.code) for one in plan.warnings),
        "warnings_text": " | ".join(str(one.text) for one in plan.warnings),
    }
    for group in GROUPS:
        part = getattr(plan, group, msgspec.UNSET)
        if part is not msgspec.UNSET:
            record.update(flattened(part, group))
    for source in plan.case.inputs:
        record[f"inputs.{source.role}.sha256"] = known(source.original_sha256) or known(source.sha256)
    return record


def order(names: Sequence[str]) -> list[str]:
    """Columns in the table's order: the leading ones, then group by group, as they first came."""
    places = {name: place for place, name in enumerate(LEAD)}
    groups = {name: place for place, name in enumerate(GROUPS)}

    def key(name: str) -> tuple[int, int, int]:
        group = name.partition(".")[0]
        if name in places:
            return (0, places[name], 0)
        number = name.split(".")[1] if group == "tunnels" else "0"
        return (1, groups.get(group, len(groups)), int(number) if number.isdigit() else 0)

    return sorted(names, key=key)
