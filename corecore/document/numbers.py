"""How numbers are written in every JSON file."""

from __future__ import annotations

from typing import Any

import numpy as np


def rounded(value: Any) -> Any:
    """Numbers in nested lists and tables rounded as in ``plan.json``; not-finite ones become null."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float | np.floating):
        return number(float(value))
    return value


def number(value: float | None) -> float | None:
    """A number to 1e-6; ``None`` for what is not finite (no such part)."""
    return None if value is None or not np.isfinite(value) else round(float(value), 6)
