"""The schemas made from the types accept what the first, hand-written ones accepted; so does the reader.

``data/*.schema.first.json`` are those schemas, ``data/documents.json`` real documents of every kind, shortened.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from corecore.document.fields import DIGEST_FORM
from corecore.document.misfit import first_misfit
from corecore.document.schema import DOCUMENTS, json_schema

DATA = Path(__file__).resolve().parent / "data"
EDITS = 125
#: What the first schemas left open and the types say: documents may be refused there that passed before.
TIGHTER = (
    "spec", "case.lesion_transform", "case.imaging_date", "anatomy.sources.neck_axis", "sources",
    "anatomy.sources.greater_trochanter", "necrosis.signs.metal", "necrosis.signs.stage",
    "necrosis.signs.previous_tunnels", "necrosis.repeatability.classes", "necrosis.signs.image_age.note",
    "signs.metal", "signs.stage", "signs.previous_tunnels", "repeatability.classes", "signs.image_age.note",
    "alternatives.tunnels.explanation", "alternatives.tunnels.kept", "alternatives.totals.bone_left",
    "alternatives.tunnels.avoid_clearance_mm", "alternatives.tunnels.cavity_diameter_mm",
    "alternatives.tunnels.cavity_length_mm", "alternatives.totals.target_fraction", "violations.tunnel",
    "nearest.avoid_clearance_mm", "nearest.cavity_diameter_mm", "nearest.cavity_length_mm",
    "robust.plain.avoid_clearance_mm", "robust.plain.cavity_diameter_mm", "robust.plain.cavity_length_mm",
)  # fmt: skip
#: What may be null since: of a lesion that the scan's edge cuts no size class is given.
WIDER = ("necrosis.steinberg", "steinberg")
#: Faults by the schema that the reader lets pass: what is missing (unless no reader can do without it), and a
#: definition that is said to be confirmed.
READER_PASSES = {"required", "const", "digest"}
#: Keys that no reader can do without.
READER_NEEDS = {
    "status", "case", "side", "anatomy", "head_center", "head_radius_mm", "neck_axis", "shaft_axis", "x_axis", "entry",
    "tip", "diameter_mm",
}  # fmt: skip


def first(name: str) -> Any:
    return json.loads((DATA / f"{name}.schema.first.json").read_text(encoding="utf-8"))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document but its root."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    7,
    -7,
    0,
    0.5,
    -0.5,
    1.5,
    1e6 + 0.5,
    "word",
    "",
    [],
    {},
    [1.0, 2.0],
    [None] * 3,
)


def faults_of(errors: Iterable[Any]) -> Iterator[str]:
    """Which keywords of the schema do not hold; of something that may be null, those of what else it is."""
    for error in errors:
        if error.validator == "anyOf" and not isinstance(error.instance, list | str | int | float | None):
            inner = [one for one in error.context if one.validator != "type" or one.path]
            yield from faults_of(inner) if inner else [error.validator]
        else:
            yield "digest" if error.validator_value == DIGEST_FORM else error.validator


def edited(content: dict[str, Any], chance: random.Random) -> tuple[dict[str, Any], str]:
    """A document with one place changed: removed, replaced by something odd, added to; and the place's name."""
    made = copy.deepcopy(content)
    # Whole branches first, or the many small figures deep down would take every turn.
    path = chance.choice([p for p in places(made) if len(p) <= chance.randint(1, 7)])
    owner: Any = made
    for key in path[:-1]:
        owner = owner[key]
    last, how = path[-1], chance.choice(("drop", "odd", "odd", "odd", "extra", "length"))
    if how == "drop":
        del owner[last]
    elif how == "extra" and isinstance(owner, dict):
        owner["unheard_of"] = chance.choice(ODD)
    elif how == "length" and isinstance(owner[last], list) and owner[last]:
        owner[last] = owner[last][:-1] if chance.random() < 0.5 else [*owner[last], owner[last][0]]
    else:
        owner[last] = chance.choice(ODD)
    return made, ".".join(key for key in path if isinstance(key, str))


@pytest.mark.parametrize("kind", sorted(json.loads((DATA / "documents.json").read_text(encoding="utf-8"))))
def test_old_and_new_schema_and_reader_agree(kind: str) -> None:
    name = "measures" if kind == "measures" else "plan"
    content = json.loads((DATA / "documents.json").read_text(encoding="utf-8"))[kind]
    old, new = (jsonschema.Draft202012Validator(schema) for schema in (first(name), json_schema(name)))
    chance, apart, refused = random.Random(kind), [], 0
    assert old.is_valid(content), [error.json_path for error in old.iter_errors(content)]
    for _ in range(EDITS):
        made, where = edited(content, chance)
        was, faults = old.is_valid(made), set(faults_of(new.iter_errors(made)))
        refused += not was
        known = where.startswith(TIGHTER) if was else where.startswith(WIDER)
        if was != (not faults) and not known:
            apart.append((where, was, faults))
        try:
            msgspec.convert(made, DOCUMENTS[name][1])
            decoded = True
        except msgspec.ValidationError:
            decoded = False
        # The reader is content with less: a key of another version may be absent.
        needed = "sources" not in where and where.rpartition(".")[2] in READER_NEEDS and "required" in faults
        if decoded != (faults <= READER_PASSES and not needed):
            apart.append((where, "read" if decoded else "not read", faults))
        assert (first_misfit(made, name) is None) == decoded, (where, made.get(where))
    assert not apart, apart
    assert 0.2 * EDITS < refused < 0.9 * EDITS


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_files_are_what_the_types_make(name: str) -> None:
    from corecore.document.schema import FOLDER, schema_text

    assert (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8") == schema_text(name)
