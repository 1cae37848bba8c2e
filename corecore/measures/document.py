"""The content of ``measures.json``, and how figures and places are written in every JSON file."""

from __future__ import annotations

import datetime
from typing import Any

from corecore.base.grid import FloatArray
from corecore.base.version import __version__
from corecore.document.numbers import number, rounded
from corecore.hip.hip import Hip
from corecore.measures.model import SCHEMA, Measures


def measures_document(hip: Hip, measures: Measures) -> dict[str, Any]:
    """The content of ``measures.json`` (contract §4)."""
    return {
        "schema": SCHEMA,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "corecore_version": __version__,
        "coordinate_system": "RAS",
        "units": "mm",
        "case": case_document(hip),
        **rounded(measures.as_dict()),
        "head_center": position(hip, hip.anatomy.head_center),
        "head_radius_mm": number(hip.anatomy.head_radius_mm),
        "sources": hip.anatomy.sources,
        "warnings": [{"code": c.code, "text": c.text} for c in (*hip.warnings, *measures.warnings)],
        "notice": "For research and for review by a surgeon. Not a medical device.",
    }


def case_document(hip: Hip) -> dict[str, Any]:
    """Which hip, from which files; and how its lesion came there, where it was drawn on another scan."""
    case = {"id": hip.case.id, "side": hip.side, "inputs": [s.as_dict() for s in hip.case.sources]}
    return case if hip.case.move is None else {**case, "lesion_transform": rounded(hip.case.move.as_dict())}


def position(hip: Hip, point: FloatArray | None) -> list[float] | None:
    """A local position in world RAS mm."""
    return None if point is None else [round(float(c), 6) for c in hip.to_world(point)]


def direction(hip: Hip, vector: FloatArray) -> list[float]:
    """A local direction in world axes."""
    # Nine digits: a direction is multiplied by lengths of a hundred millimetres.
    return [round(float(c), 9) for c in hip.direction_to_world(vector)]
