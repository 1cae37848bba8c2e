"""The ``measures.json`` beside a plan: every figure of it is the plan's own, and it was written with the plan."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from corecore.base.errors import InputError
from corecore.document.content import content_of
from corecore.document.fields import listed
from corecore.document.read import read_measures
from corecore.document.stated import StatedPlan
from corecore.verification.report import Check

NAME = "measures.json"
#: Keys of ``measures.json`` by the place in the plan that must say the same.
FROM_PLAN = {
    "case": "case", "corecore_version": "corecore_version", "coordinate_system": "coordinate_system", "units": "units",
    "head_center": "anatomy.head_center", "head_radius_mm": "anatomy.head_radius_mm", "sources": "anatomy.sources",
}  # fmt: skip
#: Of the file alone: its kind, and what it is not.
ALONE = ("schema", "notice")
#: The measures are written this long after the plan was made at most, s: the time that pictures take (engineering
#: choice; on the slowest machine tried they took a minute).
TOGETHER_S = 1800.0


def measures_checks(plan: StatedPlan, content: Mapping[str, Any]) -> list[Check]:
    """``content``: the plan as plain JSON. Nothing where the plan lists no such file, or it cannot be read."""
    if NAME not in {one.path for one in listed(plan.file.plan.outputs)}:
        return []
    try:
        measured = content_of(read_measures(plan.path.parent / NAME))
    except InputError:
        # Missing or damaged: its fingerprint says so.
        return []
    checks = []
    for key, value in measured.items():
        if key == "created":
            checks.append(_together(content.get("created"), value))
        elif key == "warnings":
            told = [one.get("code") for one in content["warnings"]]
            missing = [one.get("code") for one in value if one not in content["warnings"] and one.get("code") in told]
            lost = [one.get("code") for one in value if one.get("code") not in told] + missing
            checks.append(_same(f"{NAME}: warnings", "in the plan", "in the plan" if not lost else f"{lost[0]}"))
        elif key not in ALONE:
            place: Any = content if key in FROM_PLAN else content["necrosis"]
            for name in FROM_PLAN.get(key, key).split("."):
                place = place.get(name)
            differing = _first_difference(place, value, key)
            checks.append(_same(f"{NAME}: {key}", "as in the plan", differing or "as in the plan"))
    return checks


def _same(name: str, stated: str, found: str) -> Check:
    return Check(name, stated, found, 0.0, "", stated == found, cross=True)


def _together(made: Any, written: Any) -> Check:
    try:
        moments = [datetime.datetime.fromisoformat(one) for one in (made, written)]
        apart = abs((moments[1] - moments[0]).total_seconds())
    except (TypeError, ValueError):
        return _same("created (that of measures.json)", str(made)[:40], str(written)[:40])
    return Check("created (that of measures.json)", 0.0, apart, TOGETHER_S, "s", apart <= TOGETHER_S, cross=True)


def _first_difference(plan: Any, measures: Any, path: str) -> str | None:
    """The path of the first value that is not the same."""
    if isinstance(plan, Mapping) and isinstance(measures, Mapping):
        for key in {**plan, **measures}:
            found = _first_difference(plan.get(key), measures.get(key), f"{path}.{key}")
            if found is not None:
                return found
        return None
    return None if plan == measures else path
