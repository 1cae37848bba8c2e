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

from corecore.base.errors import InputError
from corecore.base.limits import LIMITS, SETTABLE, default_of
from corecore.base.parsing import Vector, number, vector

#: Allowed range of each parameter: outside it a value is a slip of the pen, not a wish.
_RANGES: dict[str, tuple[float, float]] = {
    "diameter_mm": (1.0, 20.0),
    "tunnels": (1, 16),
    **{limit.key: (limit.low, limit.high) for limit in SETTABLE},
    "cap_half_angle_deg": (5.0, 90.0),
    "subchondral_depth_mm": (0.5, 20.0),
    "breach_probability_max": (0.0001, 0.5),
    "avoid_margin_mm": (0.0, 10.0),
    "reach_mm": (0.5, 10.0),
    "weight_bearing_weight": (1, 20),
    "cavity_diameter_mm": (0.0, 30.0),
    "cavity_length_mm": (0.0, 60.0),
    "remove_fraction_min": (0.0, 1.0),
}


def accepted_range(name: str) -> tuple[float, float]:
    """The least and the most that a parameter may be set to."""
    return _RANGES[name]


PATTERNS = ("any", "fan", "separate", "parallel")
TARGETS = ("lesion", "weight-bearing", "reached")
#: Where the lesser trochanter is not in view its level is assumed, and the entry zone begins
#: higher by this share of the head's diameter (contract §1; the ratio's sd, 200 femora).
ASSUMED_LEVEL_RAISE = 0.12


@dataclass(frozen=True)
class Kept:
    """A tunnel that stands already, or on which the surgeon insists: world RAS mm; no cavity."""

    entry: Vector
    tip: Vector
    diameter_mm: float


@dataclass(frozen=True)
class Spec:
    """Every parameter of a plan, checked on creation (finite, in range, consistent).

    Lengths in mm, angles in degrees. Raises ``InputError`` naming the parameter.
    """

    preset: str = "core-10"
    diameter_mm: float = 10.0
    tunnels: int = 1
    # Ranges, defaults and sources of the limits: corecore.base.limits.
    cortical_margin_mm: float = default_of("cortical_margin_mm")
    posterosuperior_margin_mm: float = default_of("posterosuperior_margin_mm")
    joint_margin_mm: float = default_of("joint_margin_mm")
    incidence_min_deg: float = default_of("incidence_min_deg")
    shaft_angle_min_deg: float = default_of("shaft_angle_min_deg")
    shaft_angle_max_deg: float = default_of("shaft_angle_max_deg")
    length_max_mm: float = default_of("length_max_mm")
    entry_normal_max_deg: float = default_of("entry_normal_max_deg")
    entry_ap_max_mm: float = default_of("entry_ap_max_mm")
    entry_distal_mm: float = default_of("entry_distal_mm")
    entry_proximal_mm: float = default_of("entry_proximal_mm")
    bridge_min_mm: float = default_of("bridge_min_mm")
    #: How the tunnels of a set stand to each other: any, fan (one portal), separate, parallel.
    pattern: str = "any"
    cap_half_angle_deg: float = 55.0
    subchondral_depth_mm: float = 5.0
    #: Of a plan made robust against a method's errors: how often cortex or joint may be breached (engineering choice).
    breach_probability_max: float = 0.01
    #: How near a tunnel, prolonged outward, may come to the regions to keep out of (engineering choice: not touch).
    avoid_margin_mm: float = 0.0
    #: Where every tunnel enters and how it runs, if the surgeon insists: world RAS mm, and any length.
    entry_fixed: Vector | None = None
    direction_fixed: Vector | None = None
    #: Tunnels that are part of the plan already; ``tunnels`` counts them.
    keep: tuple[Kept, ...] = ()
    #: What is to be as much as can be: ``docs/design/targets.md``.
    target: str = "lesion"
    reach_mm: float = 3.0
    #: What lesion under the loaded surface counts for, other lesion being 1 (engineering choice). A
    #: whole number, so that sums are exact.
    weight_bearing_weight: int = 3
    #: A wider, coaxial part at the tip end, as an expandable reamer cuts it; 0 by 0: none.
    cavity_diameter_mm: float = 0.0
    cavity_length_mm: float = 0.0
    #: Ask for the fewest tunnels that remove so much of the lesion; 0: for what removes most.
    remove_fraction_min: float = 0.0
    #: Most of the neck's smallest section that all tunnels together may take, share; ``None``: not asked for.
    neck_area_share_max: float | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is None and name in LIMITS and LIMITS[name].default is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise InputError(f"{name}: {value!r}; a finite number is accepted", code="parameter-value")
            if not low <= value <= high:
                raise InputError(f"{name}: {value:g}; {low:g} to {high:g} is accepted", code="parameter-value")
        if self.pattern not in PATTERNS:
            raise InputError(f"pattern: {self.pattern!r}; accepted: {', '.join(PATTERNS)}", code="parameter-value")
        if self.target not in TARGETS:
            raise InputError(f"target: {self.target!r}; accepted: {', '.join(TARGETS)}", code="parameter-value")
        if self.remove_fraction_min > 0.0 and self.target != "lesion":
            raise InputError(
                f"remove_fraction_min: with target {self.target!r}; with target 'lesion' it is accepted",
                code="parameters-conflict",
            )
        if self.remove_fraction_min > 0.0 and self.keep:
            raise InputError(
                "remove_fraction_min: with tunnels kept; without them it is accepted", code="parameters-conflict"
            )
        self._check_places()
        if self.shaft_angle_min_deg >= self.shaft_angle_max_deg:
            raise InputError("shaft_angle_min_deg must be below shaft_angle_max_deg", code="parameters-conflict")
        if self.entry_distal_mm >= self.entry_proximal_mm:
            raise InputError("entry_distal_mm must be below entry_proximal_mm", code="parameters-conflict")

    def _check_places(self) -> None:
        """Cavity, fixed entry and direction, and kept tunnels."""
        if (self.cavity_diameter_mm > 0.0) != (self.cavity_length_mm > 0.0):
            raise InputError(
                f"cavity_diameter_mm {self.cavity_diameter_mm:g} with cavity_length_mm {self.cavity_length_mm:g};"
                " both above 0, or both 0, are accepted",
                code="parameters-conflict",
            )
        if 0.0 < self.cavity_diameter_mm <= self.diameter_mm:
            raise InputError(
                f"cavity_diameter_mm: {self.cavity_diameter_mm:g};"
                f" more than the tunnel's {self.diameter_mm:g} is accepted",
                code="parameters-conflict",
            )
        if self.entry_fixed is not None:
            _finite(self.entry_fixed, "entry_fixed")
        if self.direction_fixed is not None and not any(_finite(self.direction_fixed, "direction_fixed")):
            raise InputError(
                "direction_fixed: 0, 0, 0; a direction from entry to tip is accepted", code="parameter-value"
            )
        low, high = _RANGES["diameter_mm"]
        for kept in self.keep:
            entry, tip = _finite(kept.entry, "keep"), _finite(kept.tip, "keep")
            if math.dist(entry, tip) < 1.0:
                raise InputError(
                    f"keep: entry and tip {math.dist(entry, tip):.2g} mm apart; 1 mm or more is accepted",
                    code="parameter-value",
                )
            if not low <= kept.diameter_mm <= high:
                raise InputError(
                    f"keep: diameter {kept.diameter_mm:g}; {low:g} to {high:g} is accepted", code="parameter-value"
                )
        if len(self.keep) > self.tunnels:
            raise InputError(
                f"keep: {len(self.keep)} tunnels kept of {self.tunnels}; as many or fewer are accepted",
                code="parameters-conflict",
            )

    @property
    def radius_mm(self) -> float:
        """Half the drill's diameter."""
        return self.diameter_mm / 2.0

    @property
    def cavity_radius_mm(self) -> float:
        """Half the cavity's diameter; 0 where there is none."""
        return self.cavity_diameter_mm / 2.0

    def with_values(self, values: Mapping[str, Any], *, origin: str = "--set") -> Spec:
        """A copy with parameters replaced. Raises ``InputError`` for an unknown name or a bad value."""
        known = {f.name: f.type for f in fields(self) if f.name != "preset"}
        diameter = values.get("diameter_mm", self.diameter_mm)
        changed: dict[str, Any] = {}
        for name, raw in values.items():
            if name not in known:
                raise InputError(
                    f"{origin}: unknown parameter {name!r}; accepted: {', '.join(sorted(known))}",
                    code="parameter-unknown",
                )
            if known[name] == "str":
                changed[name] = str(raw)
                continue
            if name in ("entry_fixed", "direction_fixed"):
                changed[name] = None if raw is None else vector(raw, f"{origin} {name}".strip())
                continue
            if name == "keep":
                changed[name] = tuple(_kept(one, diameter, f"{origin} keep".strip()) for one in _listed(raw))
                continue
            if raw is None and known[name] == "float | None":
                changed[name] = None
                continue
            changed[name] = number(name, raw, whole=known[name] == "int", origin=origin)
        return replace(self, **changed)

    def as_dict(self) -> dict[str, Any]:
        """Every parameter in force, for ``plan.json``; a limit that is not asked for is left out."""
        idle = {limit.key for limit in SETTABLE if getattr(self, limit.key) is None}
        return {name: value for name, value in asdict(self).items() if name not in idle}


#: Named starting points (contract §2).
PRESETS: dict[str, Spec] = {
    "core-10": Spec(),
    "core-8": Spec(preset="core-8", diameter_mm=8.0),
    # Number, one portal and joint margin: engineering choices.
    "multi-3.2": Spec(preset="multi-3.2", diameter_mm=3.2, tunnels=5, joint_margin_mm=3.0, pattern="fan"),
    # An expandable reamer. Its sizes are not confirmed by a paper: the plan says so.
    "acd": Spec(preset="acd", diameter_mm=9.0, cavity_diameter_mm=21.0, cavity_length_mm=20.0),
}


def preset(name: str) -> Spec:
    """The preset of that name. Raises ``InputError`` for an unknown one."""
    if name not in PRESETS:
        raise InputError(f"preset {name!r}; accepted: {', '.join(PRESETS)}", code="preset-unknown")
    return PRESETS[name]


def read_config(path: Path) -> dict[str, Any]:
    """Parameters from a TOML file: a flat table of this module's names, and ``preset``."""
    try:
        with path.open("rb") as stream:
            table = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: not readable as TOML ({str(error).splitlines()[0]})", code="config-unreadable"
        ) from error
    return table


def _finite(values: Vector, name: str) -> Vector:
    return vector(values, f"{name}:")


def _listed(raw: Any) -> list[Any]:
    return [raw] if isinstance(raw, str | Mapping) else list(raw or ())


def _kept(raw: Any, diameter: Any, origin: str) -> Kept:
    """A kept tunnel from ``x,y,z:x,y,z[:DIAMETER]`` or a table; the diameter is the plan's where none is given."""
    if isinstance(raw, Kept):
        return raw
    if isinstance(raw, Mapping) and "entry" in raw and "tip" in raw:
        parts = [raw["entry"], raw["tip"], raw.get("diameter_mm", diameter)]
    elif isinstance(raw, str):
        parts = raw.split(":")
        parts += [diameter] if len(parts) == 2 else []
    else:
        parts = []
    if len(parts) != 3:
        raise InputError(
            f"{origin} {raw!r}; entry:tip or entry:tip:DIAMETER, each x,y,z, is accepted", code="parameter-value"
        )
    size = number("diameter", parts[2], whole=False, origin=origin)
    return Kept(vector(parts[0], origin), vector(parts[1], origin), float(size))


#: Most alternatives to a plan.
ALTERNATIVES_MAX = 8


def check_effort(gap: float | None, seconds: float | None, alternatives: int = 0, tunnels: int = 1) -> None:
    """Raise ``InputError`` for a gap, a time of proof or a number of alternatives that is none."""
    for name, value, most in (("--gap", gap, 1.0), ("--seconds", seconds, 86_400.0)):
        if value is not None and not 0.0 <= value <= most:
            raise InputError(f"{name} {value!r}; 0 to {most:g} is accepted", code="option-value")
    if not 0 <= alternatives <= ALTERNATIVES_MAX:
        raise InputError(f"--alternatives {alternatives}; 0 to {ALTERNATIVES_MAX} is accepted", code="option-value")
    if alternatives and tunnels > 1:
        raise InputError(
            f"--alternatives with {tunnels} tunnels; for one tunnel it is accepted", code="options-conflict"
        )
