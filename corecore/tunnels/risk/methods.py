"""How exactly a tunnel is drilled: error models by method of guidance.

Entry, angle and depth errors are independent and normal; a tail multiplies all of them. A method that looks is
corrected by two fluoroscopic views. The figures are fitted to measured ones, or engineering choices, as
``docs/design/risk.md`` says for each; ``benchmarks/risk.py`` sets predictions beside what was published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.input_file import toml_of
from corecore.base.spec import METHOD_NAME

#: Factor on the angular error by drill diameter, mm: fluoroscopy-navigated drills and wires of
#: 5.0, 3.2, 2.8 and 2.5 mm ended 3.2, 5.7, 8.2 and 9.3 mm off (24 each, synthetic femora; J
#: Bone Joint Surg Br 92-B Supp II 353).
DRIFT_DIAMETERS_MM = (2.5, 2.8, 3.2, 5.0)
DRIFT_FACTORS = (9.3 / 3.2, 8.2 / 3.2, 5.7 / 3.2, 1.0)


@dataclass(frozen=True)
class Method:
    """Errors of a guidance method: independent normal errors, a tail, and what two views correct.

    Parameters
    ----------
    name : str
        Name of the method.
    entry_mm : float
        Standard deviation in each of two directions on the bone's surface, mm, 0 to 20.
    angle_deg : float
        Standard deviation about each of two axes across the drill, degrees, 0 to 20.
    depth_mm : float
        Standard deviation along the drill, mm, 0 to 20.
    tail_share : float, default 0
        Share of drillings with larger errors, 0 to 1.
    tail_factor : float, default 1
        Their errors are this many times as large, 1 to 10.
    redirect_mm : float, default 0
        A pin seen this far off its target in the antero-posterior or lateral view, or outside the outline there, is
        redirected, mm, 0 to 50. 0: nobody looks.
    reading_mm : float, default 0
        Standard deviation of where the target is taken to be in each view, mm, 0 to 20.
    outline_mm : float, default 0
        Standard deviation of where the bone's outline is taken to be in each view, mm, 0 to 20.

    Raises
    ------
    InputError
        For a value out of range.

    Examples
    --------
    >>> METHODS["fluoroscopy"].looks, METHODS["robot"].looks
    (True, False)
    """

    name: str
    entry_mm: float
    angle_deg: float
    depth_mm: float
    tail_share: float = 0.0
    tail_factor: float = 1.0
    redirect_mm: float = 0.0
    reading_mm: float = 0.0
    outline_mm: float = 0.0

    @property
    def looks(self) -> bool:
        """Whether two views correct the drilling."""
        return self.redirect_mm > 0.0

    def __post_init__(self) -> None:
        ranges = {
            "entry_mm": (0.0, 20.0), "angle_deg": (0.0, 20.0), "depth_mm": (0.0, 20.0),
            "tail_share": (0.0, 1.0), "tail_factor": (1.0, 10.0),
            "redirect_mm": (0.0, 50.0), "reading_mm": (0.0, 20.0), "outline_mm": (0.0, 20.0),
        }  # fmt: skip
        for key, (low, high) in ranges.items():
            value = getattr(self, key)
            # NaN is within no limits, and a whole number may be too long to become a float.
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise InputError(
                    f"method {self.name}: {key} {repr(value)[:40]}; {low:g} to {high:g} is accepted",
                    code="methods-invalid",
                )


#: Sources of each, what was fitted to what, and what is an engineering choice: ``docs/design/risk.md``.
METHODS: dict[str, Method] = {
    "fluoroscopy": Method(
        "fluoroscopy", 1.5, 3.0, 1.0, tail_share=0.05, tail_factor=2.0, redirect_mm=3.0, reading_mm=2.0, outline_mm=1.0
    ),
    "guide": Method("guide", 2.5, 1.3, 1.0),
    "guide_best": Method("guide_best", 0.5, 0.65, 0.5),
    "navigated": Method("navigated", 0.5, 1.25, 1.5),
    "robot": Method("robot", 1.2, 1.0, 1.0),
}


#: What built-in methods were called in earlier versions, and are called now.
RENAMED = {"freehand": "fluoroscopy"}


#: What a plan may be robust against beside the methods: an error of the lesion's outline.
OUTLINE = "outline"


def drift_factor(diameter_mm: float) -> float:
    """By how much a thin drill's angular error exceeds that of one of 5 mm and more."""
    return float(np.interp(diameter_mm, DRIFT_DIAMETERS_MM, DRIFT_FACTORS))


def read_methods(path: Path) -> dict[str, Method]:
    """Methods of a TOML file, a table ``[methods.NAME]`` each with the keys of ``Method``, beside the built-in ones.

    Raises ``InputError`` for anything else.
    """
    try:
        content = toml_of(path, "a TOML file of methods")
    except ValueError as error:
        reason = type(error).__name__
        raise InputError(
            f"{path}: {reason}; a TOML file with [methods.NAME] tables is accepted", code="methods-invalid"
        ) from None
    tables = content.get("methods")
    if not isinstance(tables, Mapping) or not tables:
        raise InputError(f"{path}: no [methods.NAME] table", code="methods-invalid")
    taken = sorted(set(tables) & {*METHODS, OUTLINE})
    if taken:
        raise InputError(
            f"{path}: {taken[0]} is built in; a name of its own is accepted for a method", code="methods-invalid"
        )
    return {**METHODS, **{name: _method(name, table, path) for name, table in tables.items()}}


def check_robust(robust: str | None, methods: Mapping[str, Method], tunnels: int) -> None:
    """Raise ``InputError`` for a robust plan for a method that is none, or of several tunnels."""
    if robust in RENAMED and robust not in methods:
        raise InputError(
            f"--robust {robust!r}: from 0.3.0 on the method is called {RENAMED[robust]}", code="option-value"
        )
    if robust == OUTLINE:
        return
    if robust is not None and robust not in methods:
        raise InputError(f"--robust {robust!r}; accepted: {', '.join(methods)}, {OUTLINE}", code="option-value")
    if robust is not None and tunnels > 1:
        raise InputError(
            f"--robust: a robust plan of {tunnels} tunnels; one tunnel is accepted", code="options-conflict"
        )


def _method(name: str, table: Any, path: Path) -> Method:
    known = {item.name for item in fields(Method)} - {"name"}
    if not METHOD_NAME.fullmatch(name):
        raise InputError(
            f"{path}: method {repr(name)[:40]}; letters, digits, - and _ are accepted, at most 40",
            code="methods-invalid",
        )
    if not isinstance(table, Mapping):
        raise InputError(f"{path}: methods.{name} is no table", code="methods-invalid")
    strange = sorted(set(table) - known)
    if strange:
        raise InputError(
            f"{path}: methods.{name} has {repr(strange[0])[:40]}; {', '.join(sorted(known))} are accepted",
            code="methods-invalid",
        )
    lacking = sorted({"entry_mm", "angle_deg", "depth_mm"} - set(table))
    if lacking:
        raise InputError(f"{path}: methods.{name} lacks {lacking[0]}", code="methods-invalid")
    try:
        return Method(name, **table)
    except InputError as error:
        raise InputError(f"{path}: {error}", code="methods-invalid") from None
