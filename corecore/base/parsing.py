"""Values as they are written: ``KEY=VALUE``, a number, three numbers."""

from __future__ import annotations

import math
from typing import Any

from corecore.base.errors import InputError

Vector = tuple[float, float, float]


def parse_settings(texts: list[str]) -> dict[str, str]:
    """``KEY=VALUE`` texts as a table. Raises ``InputError`` for a text without ``=``."""
    result: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set {text!r}; KEY=VALUE is accepted", code="parameter-value")
        result[key.strip()] = value.strip()
    return result


def vector(raw: Any, origin: str) -> Vector:
    """Three finite numbers, from a text ``x,y,z`` or a list. Raises ``InputError`` for anything else."""
    parts = raw.split(",") if isinstance(raw, str) else raw
    try:
        x, y, z = (float(part) for part in parts)
    except (TypeError, ValueError, OverflowError):
        x = y = z = math.nan
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        raise InputError(f"{origin} {raw!r}; three finite numbers x,y,z are accepted", code="parameter-value")
    return x, y, z


def direction(raw: Any, origin: str) -> Vector:
    """Three finite numbers, not all zero. Raises ``InputError`` for anything else."""
    found = vector(raw, origin)
    if not any(found):
        raise InputError(f"{origin} {raw!r}; three numbers x,y,z, not all zero, are accepted", code="parameter-value")
    return found


def number(name: str, raw: Any, *, whole: bool, origin: str) -> float | int:
    """A finite number, whole where it must be, from a text or a number. Raises ``InputError`` for anything else."""
    try:
        value = float(raw) if not isinstance(raw, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value) or (whole and value != int(value)):
        raise InputError(
            f"{origin} {name}: {raw!r}; a {'whole' if whole else 'finite'} number is accepted", code="parameter-value"
        )
    return int(value) if whole else value
