"""What a plan must respect: tunnel sizes and hard constraints, with their defaults.

The names are those of ``plan.json``'s ``spec``. Each default's source is in
``docs/design/constraints.md``; numbers in comments refer to primary papers.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from corecore.errors import InputError

#: Allowed range of each parameter: outside it a value is a slip of the pen, not a wish.
_RANGES: dict[str, tuple[float, float]] = {
    "diameter_mm": (1.0, 20.0),
    "tunnels": (1, 16),
    "bridge_min_mm": (0.0, 20.0),
    "cortical_margin_mm": (0.0, 15.0),
    "posterosuperior_margin_mm": (0.0, 15.0),
    "joint_margin_mm": (3.0, 25.0),
    "incidence_min_deg": (5.0, 90.0),
    "shaft_angle_min_deg": (90.0, 180.0),
    "shaft_angle_max_deg": (90.0, 180.0),
    "length_max_mm": (20.0, 250.0),
    "entry_normal_max_deg": (5.0, 90.0),
    "entry_ap_max_mm": (0.5, 30.0),
    "entry_distal_mm": (-30.0, 60.0),
    "entry_proximal_mm": (-30.0, 80.0),
    "cap_half_angle_deg": (5.0, 90.0),
    "subchondral_depth_mm": (0.5, 20.0),
    "remove_fraction_min": (0.0, 1.0),
}


def accepted_range(name: str) -> tuple[float, float]:
    """The least and the most that a parameter may be set to."""
    return _RANGES[name]


PATTERNS = ("any", "fan", "separate", "parallel")


@dataclass(frozen=True)
class Spec:
    """Every parameter of a plan, checked on creation (finite, in range, consistent).

    Lengths in mm, angles in degrees. Raises ``InputError`` naming the parameter.
    """

    preset: str = "core-10"
    diameter_mm: float = 10.0
    tunnels: int = 1
    # FE: a breached neck cortex raises peak stress by 17 to 76 % (Yuan 2022, BioMed Res Int
    # 3667891); 3 mm and 5 mm are engineering choices on top of that.
    cortical_margin_mm: float = 3.0
    posterosuperior_margin_mm: float = 5.0
    joint_margin_mm: float = 5.0
    incidence_min_deg: float = 30.0
    shaft_angle_min_deg: float = 110.0
    shaft_angle_max_deg: float = 145.0
    length_max_mm: float = 130.0
    entry_normal_max_deg: float = 60.0
    entry_ap_max_mm: float = 8.0
    # Entries distal to the lesser trochanter: 3 of 10 osteoporotic femora broke below the
    # trochanters, none of 20 otherwise (CORR 2020, PMID 32229749).
    entry_distal_mm: float = 5.0
    entry_proximal_mm: float = 25.0
    bridge_min_mm: float = 3.0
    #: How the tunnels of a set stand to each other: any, fan (one portal), separate, parallel.
    pattern: str = "any"
    cap_half_angle_deg: float = 55.0
    subchondral_depth_mm: float = 5.0
    #: Ask for the fewest tunnels that remove so much of the lesion; 0: for what removes most.
    remove_fraction_min: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise InputError(f"{name}: {value!r}; a finite number is accepted")
            if not low <= value <= high:
                raise InputError(f"{name}: {value:g}; {low:g} to {high:g} is accepted")
        if self.pattern not in PATTERNS:
            raise InputError(f"pattern: {self.pattern!r}; accepted: {', '.join(PATTERNS)}")
        if self.shaft_angle_min_deg >= self.shaft_angle_max_deg:
            raise InputError("shaft_angle_min_deg must be below shaft_angle_max_deg")
        if self.entry_distal_mm >= self.entry_proximal_mm:
            raise InputError("entry_distal_mm must be below entry_proximal_mm")

    @property
    def radius_mm(self) -> float:
        """Half the drill's diameter."""
        return self.diameter_mm / 2.0

    def with_values(self, values: Mapping[str, Any], *, origin: str = "--set") -> Spec:
        """A copy with parameters replaced. Raises ``InputError`` for an unknown name or a bad value."""
        known = {f.name: f.type for f in fields(self) if f.name != "preset"}
        changed: dict[str, Any] = {}
        for name, raw in values.items():
            if name not in known:
                raise InputError(f"{origin}: unknown parameter {name!r}; accepted: {', '.join(sorted(known))}")
            if known[name] == "str":
                changed[name] = str(raw)
                continue
            changed[name] = _number(name, raw, whole=known[name] == "int", origin=origin)
        return replace(self, **changed)

    def as_dict(self) -> dict[str, Any]:
        """Every parameter in force, for ``plan.json``."""
        return asdict(self)


#: Named starting points (contract §2).
PRESETS: dict[str, Spec] = {
    "core-10": Spec(),
    "core-8": Spec(preset="core-8", diameter_mm=8.0),
    # Number, one portal and joint margin: engineering choices.
    "multi-3.2": Spec(preset="multi-3.2", diameter_mm=3.2, tunnels=5, joint_margin_mm=3.0, pattern="fan"),
}


def preset(name: str) -> Spec:
    """The preset of that name. Raises ``InputError`` for an unknown one."""
    if name not in PRESETS:
        raise InputError(f"preset {name!r}; accepted: {', '.join(PRESETS)}")
    return PRESETS[name]


def read_config(path: Path) -> dict[str, Any]:
    """Parameters from a TOML file: a flat table of this module's names, and ``preset``."""
    try:
        with path.open("rb") as stream:
            table = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as TOML ({str(error).splitlines()[0]})") from error
    return table


def parse_settings(texts: list[str]) -> dict[str, str]:
    """``KEY=VALUE`` texts as a table. Raises ``InputError`` for a text without ``=``."""
    result: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set {text!r}; KEY=VALUE is accepted")
        result[key.strip()] = value.strip()
    return result


def _number(name: str, raw: Any, *, whole: bool, origin: str) -> float | int:
    try:
        value = float(raw) if not isinstance(raw, bool) else math.nan
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value) or (whole and value != int(value)):
        raise InputError(f"{origin} {name}: {raw!r}; a {'whole' if whole else 'finite'} number is accepted")
    return int(value) if whole else value


#: Most alternatives to a plan.
ALTERNATIVES_MAX = 8


def check_effort(gap: float | None, seconds: float | None, alternatives: int = 0, tunnels: int = 1) -> None:
    """Raise ``InputError`` for a gap, a time of proof or a number of alternatives that is none."""
    for name, value, most in (("--gap", gap, 1.0), ("--seconds", seconds, 86_400.0)):
        if value is not None and not 0.0 <= value <= most:
            raise InputError(f"{name} {value!r}; 0 to {most:g} is accepted")
    if not 0 <= alternatives <= ALTERNATIVES_MAX:
        raise InputError(f"--alternatives {alternatives}; 0 to {ALTERNATIVES_MAX} is accepted")
    if alternatives and tunnels > 1:
        raise InputError(f"--alternatives with {tunnels} tunnels; for one tunnel it is accepted")
