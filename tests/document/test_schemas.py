"""The JSON Schemas that ship with the package hold for what is written, and refuse what is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.schemas import schema

from corecore.document.content import content_of
from corecore.hip.hip import Hip
from corecore.measures.document import measures_document
from corecore.planning.document import document
from corecore.planning.planner import Plan


@pytest.fixture(scope="module")
def documents(sample_hip: Hip, sample_plan: Plan) -> dict[str, Any]:
    measures = sample_plan.measures
    return {
        "plan": json.loads(json.dumps(content_of(document(sample_plan)))),
        "measures": json.loads(json.dumps(content_of(measures_document(sample_hip, measures)))),
    }


def test_schemas_are_schemas() -> None:
    for name in ("plan", "measures"):
        jsonschema.Draft202012Validator.check_schema(schema(name))


def test_documents_keep_their_schema(documents: dict[str, Any]) -> None:
    jsonschema.validate(documents["plan"], schema("plan"))
    jsonschema.validate(documents["measures"], schema("measures"))
    assert documents["plan"]["status"] == "planned"


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("schema",), "corecore.plan/2"),
        (("status",), "good"),
        (("case", "side"), "up"),
        (("tunnels", 0, "tip"), [1.0, 2.0]),
        (("tunnels", 0, "length_mm"), "90"),
        (("tunnels", 0, "risk", "guide", "cortex_breach_probability"), 1.2),
        (("totals", "risk", "fluoroscopy", "poses"), 0),
        (("totals", "removed_fraction"), 1.2),
        (("anatomy", "sources", "shaft_axis"), "guessed"),
    ],
)
def test_a_wrong_document_is_refused(documents: dict[str, Any], where: tuple[Any, ...], value: Any) -> None:
    wrong = copy.deepcopy(documents["plan"])
    part = wrong
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema("plan"))


def test_every_key_of_the_measures_is_defined_in_the_documentation(documents: dict[str, Any]) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "measures.md").read_text()
    header = {"schema", "created", "corecore_version", "coordinate_system", "units", "case", "notice", "warnings"}
    content = {key: value for key, value in documents["measures"].items() if key not in header}
    # The changes repeat the paths of figures defined on their own.
    content["sources"] = {}  # names of landmarks, no figures
    content |= {"frame_range": {}, "frame_classes": {}}  # paths of figures again
    changes = {"": {"half_voxel": 0, "one_mm": 0}}
    content["repeatability"] = {**content["repeatability"], "figures": changes, "classes": changes}
    missing = sorted(key for key in set(keys(content)) if f"`{key}`" not in text)
    assert not missing


def keys(value: Any) -> Iterator[str]:
    """Every name of a figure in nested tables."""
    if isinstance(value, dict):
        yield from (key for key in value if key)
        for item in value.values():
            yield from keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)
