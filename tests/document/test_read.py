"""The reader of ``plan.json`` and ``measures.json`` on what other programs and versions make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corecore.base.errors import InputError
from corecore.document.content import content_of
from corecore.document.measures import MeasuresDocument
from corecore.document.plan import PlanDocument
from corecore.document.read import parsed, read_plan

DATA = Path(__file__).resolve().parent / "data"
DOCUMENTS: dict[str, Any] = json.loads((DATA / "documents.json").read_text(encoding="utf-8"))


def floats(value: Any) -> Any:
    """Every whole number as 1.0."""
    if isinstance(value, dict):
        return {key: floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
def test_whole_numbers_may_be_written_as_floats(kind: str) -> None:
    made: Any = MeasuresDocument if kind == "measures" else PlanDocument
    plain = parsed(DOCUMENTS[kind], made, "plan.json")
    other = parsed(json.loads(json.dumps(floats(DOCUMENTS[kind]))), made, "plan.json")
    assert content_of(other) == content_of(plain)


def test_half_a_tunnel_is_still_refused() -> None:
    wrong = json.loads(json.dumps(DOCUMENTS["planned"]))
    wrong["necrosis"]["kerboul"]["grade"] = 1.5
    with pytest.raises(InputError) as refused:
        parsed(wrong, PlanDocument, "plan.json")
    assert "necrosis.kerboul.grade is 1.5" in str(refused.value)


def test_a_plan_rewritten_with_floats_is_read_and_told_from_the_sealed_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(floats(DOCUMENTS["planned"])), encoding="utf-8")
    assert read_plan(path).sealed is not True
