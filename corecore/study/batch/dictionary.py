"""The data dictionary of a batch's table: group, unit and meaning of every column, read off the documents' types.

A column's name is the path of its figure in ``plan.json``. The figures of a tunnel go by one name, without the
tunnel's number: ``tunnels.1.length_mm`` and ``tunnels.2.length_mm`` are both ``tunnels.length_mm``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from corecore.base.errors import InputError
from corecore.document.plan import PlanDocument
from corecore.study.batch.columns import GROUPS, LEAD, LEFT_OUT, NAMED, VECTORS

#: The group of the leading columns.
RECORD = "record"
#: What the leading columns hold.
RECORD_MEANINGS = {
    "id": "Name of the hip, as in the manifest",
    "variant": "Combination of a study's parameters",
    "status": "planned, infeasible (no tunnel within the limits) or failed",
    "error": "Class of the error of a failed record",
    "code": "Code of the error, see messages.md",
    "cause": "Why there is no plan, in a sentence",
    "side": "left or right",
    "preset": "Preset that the parameters began from",
    "robust_method": "Guidance method of a robust plan",
    "warnings": "Codes of the warnings, joined by ;",
    "warnings_text": "The warnings in words, joined by |",
    "seed": "Seed of a synthetic hip",
}
#: Groups whose columns no document's type names: what their columns hold.
OPEN_GROUPS = {
    "truth": "Figure of a synthetic hip's truth file",
    "inputs": "SHA-256 of an input file",
    "timings": "Time on one thread, or a count of the search's work",
    "versions": "Version of the software",
}
#: Endings of a key that say a unit. Shares, probabilities and ratios have the unit 1.
KEY_UNIT = re.compile(
    r"(?:^|_)(?:(mm2|mm|deg|ml|hu|s|days)|(?:fraction|share|probability|gap)(?:_(?:mean|min|max|p\d\d))?)$"
)
#: Tables whose keys are themselves paths of figures of the same group, which have the figures' units.
OF_FIGURES = re.compile(
    r"(necrosis|tunnels)\.(?:repeatability\.figures|frame_range)\.(.+?)(?:\.(?:half_voxel|one_mm))?(?:\.\d+)?"
)
#: Keys that end like a unit and name by how far the outline was moved instead.
NO_UNIT = ("one_mm",)
#: Where a description says a unit.
SAID_UNIT = re.compile(r", (?:RAS )?(mm2|mm|deg|ml|HU)\b|\b(0 to 1|shares of)\b")
UNITS = {"hu": "HU", "days": "d", "0 to 1": "1", "shares of": "1", None: "1"}
#: Vectors that are no positions.
DIRECTIONS = ("direction", "neck_axis", "shaft_axis", "x_axis", "pole")
TUNNEL = re.compile(r"tunnels\.(\d+)\.(.+)")
AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes
    ----------
    name : str
        Path of the figure, without a tunnel's number.
    tunnel : int or None
        The tunnel's number, from 1, where the figure is one of a single tunnel's.
    group : str
        First part of the name; ``record`` for the leading columns.
    unit : str
        ``mm``, ``mm2``, ``ml``, ``deg``, ``s``, ``d``, ``HU``; ``1`` for a share, a probability or a ratio; empty
        for a count, a class, a text, a flag or a component of a unit vector.
    meaning : str
        One line.
    """

    name: str
    tunnel: int | None
    group: str
    unit: str
    meaning: str


@dataclass
class _Node:
    """A place in the documents: what is said of it, and what lies below it by key; ``*`` is any key."""

    meaning: str
    below: dict[str, _Node] = field(default_factory=dict)
    path: str = ""


def column_of(name: str) -> Column:
    """What the column of a wide table with this name holds."""
    found = TUNNEL.fullmatch(name)
    tunnel, name = (int(found[1]), f"tunnels.{found[2]}") if found else (None, name)
    if name in LEAD:
        return Column(name, None, RECORD, "", RECORD_MEANINGS[name])
    node, _ = _place(name)
    meaning = OPEN_GROUPS.get(name.partition(".")[0], "") if node is None else node.meaning
    return Column(name, tunnel, name.partition(".")[0], _unit(name, meaning), meaning)


def columns() -> Iterator[Column]:
    """Every column that can be told beforehand, in the table's order; ``*`` stands for a key or a number."""
    for name in LEAD:
        yield column_of(name)
    for group in GROUPS:
        if group in OPEN_GROUPS:
            yield Column(f"{group}.*", None, group, "", OPEN_GROUPS[group])
        else:
            yield from (column_of(name) for name in _leaves(_tree()[group]))


def check_choice(paths: Sequence[str]) -> None:
    """Raise ``InputError`` for a path that no column can have, nor begin with."""
    for path in paths:
        found = TUNNEL.fullmatch(path)
        name = f"tunnels.{found[2]}" if found else path
        if name == RECORD or name in LEAD or re.fullmatch(r"tunnels\.\d+", path):
            continue
        if name.partition(".")[0] in OPEN_GROUPS or _place(name)[1]:
            continue
        raise InputError(
            f"--columns {path!r}: no column of that name; a group ({', '.join((RECORD, *GROUPS))}), or a column or the"
            " beginning of one as in totals.removed_fraction, is accepted",
            code="option-value",
        )


def chosen(name: str, paths: Sequence[str]) -> bool:
    """Whether a column of the wide table is among those chosen; without a choice and for the leading ones always."""
    if not paths or name in LEAD:
        return True
    found = TUNNEL.fullmatch(name)
    names = (f"{name}.", f"tunnels.{found[2]}.") if found else (f"{name}.",)
    return any(one.startswith(f"{path}.") for one in names for path in paths)


@cache
def _tree() -> dict[str, _Node]:
    below = _below(msgspec.inspect.type_info(PlanDocument), "")
    return {group: below[group] for group in GROUPS if group in below}


def _below(given: Any, path: str) -> dict[str, _Node]:
    """What a type holds by key, as ``columns.flattened`` makes columns of it."""
    given = _bare(given)
    name = path.rpartition(".")[2]
    inspect = msgspec.inspect
    if isinstance(given, inspect.StructType):
        found = {}
        for one in given.fields:
            inner = f"{path}.{one.encode_name}" if path else one.encode_name
            if inner not in LEFT_OUT and not inner.endswith(".explanation.text"):
                found[one.encode_name] = _Node(_said(one.type), _below(one.type, inner), inner)
        return found
    if isinstance(given, inspect.DictType):
        inner = f"{path}.*"
        return {"*": _Node(_said(given.value_type), _below(given.value_type, inner), inner)}
    if isinstance(given, inspect.ListType):
        item = _bare(given.item_type)
        if path == "tunnels":
            return _below(item, path)
        if (name in NAMED and isinstance(item, inspect.StructType)) or isinstance(item, inspect.StrType):
            return {}
        if name in VECTORS:
            return {axis: _Node("", path=f"{path}.{axis}") for axis in AXES}
        return {"*": _Node(_said(item), _below(item, f"{path}.*"), f"{path}.*")}
    return {}


def _bare(given: Any) -> Any:
    """A type without what is said of it, and without ``None`` and ``UNSET``."""
    while isinstance(given, msgspec.inspect.Metadata | msgspec.inspect.UnionType):
        if isinstance(given, msgspec.inspect.Metadata):
            given = given.type
            continue
        nothing = msgspec.inspect.NoneType
        given = next((one for one in given.types if not isinstance(one, nothing)), given.types[0])
    return given


def _said(given: Any) -> str:
    """The description of a field's type."""
    schema = (given.extra_json_schema or {}) if isinstance(given, msgspec.inspect.Metadata) else {}
    return str(schema.get("description", ""))


def _place(name: str) -> tuple[_Node | None, bool]:
    """The node that says most of a name, and whether a column can have this name or begin with it."""
    group, *keys = name.split(".")
    node = _tree().get(group)
    if node is None:
        return None, False
    said = node
    for key in keys:
        step = node.below.get(key, node.below.get("*"))
        if step is None:
            # A key of a table may itself be a path.
            return said, ".*" in node.path
        node = step
        said = node if node.meaning else said
    return said, True


def _leaves(node: _Node) -> Iterator[str]:
    if not node.below:
        yield node.path
    for one in node.below.values():
        yield from _leaves(one)


def _unit(name: str, meaning: str) -> str:
    of = OF_FIGURES.fullmatch(name)
    if of and "*" not in name:
        return column_of(f"{of[1]}.{of[2]}").unit
    keys = name.split(".")
    for key in reversed(keys):
        found = None if key in NO_UNIT else KEY_UNIT.search(key)
        if found:
            return UNITS.get(found[1], found[1])
    said = SAID_UNIT.search(meaning)
    if said is not None:
        return UNITS.get(said[1] or said[2], said[1] or said[2])
    # A truth file says no more of a vector than its name.
    position = keys[0] == "truth" and keys[-1] in AXES and keys[-2] in VECTORS and keys[-2] not in DIRECTIONS
    return "mm" if position else ""
