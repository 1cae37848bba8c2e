"""A document as plain JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from corecore.document.fields import Part
from corecore.document.measures import HEADER, MeasuresDocument
from corecore.document.plan import PlanDocument


def content_of(document: Part) -> dict[str, Any]:
    """A document, or a part of one, as plain objects, lists and values, in the order in which they are written."""
    content: dict[str, Any] = msgspec.to_builtins(document)
    return {key: content[key] for key in (*HEADER, *content)} if isinstance(document, MeasuresDocument) else content


def json_text(document: PlanDocument | MeasuresDocument) -> str:
    """The text of ``plan.json`` or ``measures.json``."""
    return json.dumps(content_of(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
