"""How numbers are written in every JSON file."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np


def rounded(value: Any) -> Any:
    """Numbers in nested parts, lists and tables rounded as in ``plan.json``; not-finite ones become null."""
    if isinstance(value, msgspec.Struct):
        return type(value)(**{key: rounded(getattr(value, key)) for key in value.__struct_fields__})
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float | np.floating):
        return number(float(value))
    return value


def finite(value: float) -> float:
    """A number to 1e-6 of a figure that there always is."""
    return round(float(value), 6)


def number(value: float | None) -> float | None:
    """A number to 1e-6; ``None`` for what is not finite (no such part)."""
    return None if value is None or not np.isfinite(value) else round(float(value), 6)
