"""What a plan must respect: tunnel sizes and hard constraints, with their defaults.

The names are those of ``plan.json``'s ``spec``. Each default's source is in
``docs/design/constraints.md``; numbers in comments refer to primary papers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from corecore.base.errors import InputError
from corecore.base.input_file import first_line, short, toml_of
from corecore.base.instrument import Instrument, find_instrument, library, own_instrument
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
    "outline_error_mm": (0.0, 2.0),
    "weight_bearing_weight": (1, 20),
    "cavity_diameter_mm": (0.0, 30.0),
    "cavity_length_mm": (0.0, 60.0),
    "remove_fraction_min": (0.0, 1.0),
    "near_best_share": (0.5, 1.0),
}


def accepted_range(name: str) -> tuple[float, float]:
    """Least and greatest accepted value of a parameter.

    Parameters
    ----------
    name : str
        A numeric parameter of ``Spec``.

    Returns
    -------
    tuple of float
        Both ends, in the parameter's unit; both are accepted.

    Raises
    ------
    KeyError
        For a parameter without a range.

    Examples
    --------
    >>> accepted_range("joint_margin_mm")
    (3.0, 25.0)
    """
    return _RANGES[name]


#: Sizes that an instrument has of its own.
SIZES = ("diameter_mm", "cavity_diameter_mm", "cavity_length_mm")
PATTERNS = ("any", "fan", "separate", "parallel")
TARGETS = ("lesion", "weight-bearing", "reached", "expected")
OBJECTIVES = ("safest", "most")
#: What a guidance method may be called.
METHOD_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
#: Where the lesser trochanter is not in view its level is assumed, and the entry zone begins
#: higher by this share of the head's diameter (contract §1; the ratio's sd, 200 femora).
ASSUMED_LEVEL_RAISE = 0.12


@dataclass(frozen=True)
class Kept:
    """An existing tunnel, or one that the surgeon insists on; without a cavity.

    Parameters
    ----------
    entry : tuple of float
        Cortical entry, world RAS mm.
    tip : tuple of float
        Middle of the flat end, world RAS mm; 1 mm or more from the entry.
    diameter_mm : float
        Diameter, mm, 1 to 20.
    """

    entry: Vector
    tip: Vector
    diameter_mm: float


@dataclass(frozen=True)
class Spec:
    """Every parameter of a plan: drill, limits and objective, checked on creation.

    Values are finite, in range and consistent with one another. Positions and directions are in world RAS.

    Parameters
    ----------
    preset : str
        Name of the preset that the values started from.
    diameter_mm : float
        Diameter of the drill, mm, 1 to 20. Conventional tunnels have 8 to 10 mm, multiple small ones 3.0 to 3.6 mm [1].
    tunnels : int
        Most tunnels of the plan, 1 to 16; tunnels of ``keep`` count.
    cortical_margin_mm : float
        Least clearance of the wall to the cortex beyond the entry hole, mm, 0 to 15. A perforated neck cortex raises
        the peak stress by 17 to 76 % [2]; the 3 mm are an engineering choice.
    posterosuperior_margin_mm : float
        The same in the neck's postero-superior quarter, mm, 0 to 15. The superior retinacular canals are 62 % of
        the vessels' area [3]; the 5 mm are an engineering choice.
    joint_margin_mm : float
        Least clearance to the articular bone surface, mm, 3 to 25. Engineering choice, on the 3 to 5 mm that large-core
        reaming leaves.
    incidence_min_deg : float
        Least drill–cortex angle, degrees, 5 to 90 (90: perpendicular). Engineering choice: a flatter drill skids.
    shaft_angle_min_deg, shaft_angle_max_deg : float
        Angle between the tunnel and the distal shaft, degrees, 90 to 180. The neck-shaft angle is 127° (sd 6) [4];
        the band about it is an engineering choice.
    length_max_mm : float
        Greatest length from entry to tip, mm, 20 to 250. Engineering choice: reach of common drills.
    entry_normal_max_deg : float
        Greatest deviation of the entry's surface normal from lateral, degrees, 5 to 90. Engineering choice.
    entry_ap_max_mm : float
        Greatest AP offset of the entry from the mid-lateral line, mm, 0.5 to 30. Engineering choice.
    entry_distal_mm : float
        Least height of the entry hole's inferior margin above the lesser trochanter's level, mm, -30 to 60. Of
        osteoporotic model femora with three screws, an entry distal to it, 3 of 10 fractured, of others none of 20 [5].
    entry_proximal_mm : float
        Greatest height of the hole's superior margin above that level, mm, -30 to 80. Engineering choice.
    bridge_min_mm : float
        Least bone between two entry holes, mm, 0 to 20; entries within 0.5 mm share one hole. Engineering choice.
    pattern : {"any", "fan", "separate", "parallel"}
        How the tunnels of a set lie to each other; a fan has one entry hole.
    cap_half_angle_deg : float
        Half-angle of the weight-bearing zone, a cone about the load's pole, degrees, 5 to 90. The standing
        weight-bearing area on a head of 24 mm radius is a cap of 48 to 61° [6].
    subchondral_depth_mm : float
        Necrosis within this depth counts as under the surface, mm, 0.5 to 20. Engineering choice.
    breach_probability_max : float
        Of a plan made robust: greatest probability of cortical perforation, and of joint penetration, 0.0001 to 0.5.
        Engineering choice.
    avoid_margin_mm : float
        Least clearance of a tunnel, prolonged outward by 80 mm, to the regions to keep out of, mm, 0 to 10.
        Engineering choice: they do not touch.
    entry_fixed : tuple of float, optional
        Where every tunnel enters, world RAS mm; kept to 0.5 mm.
    direction_fixed : tuple of float, optional
        Direction of every tunnel from entry to tip, world RAS, any length; kept to 0.1°.
    keep : tuple of Kept
        Tunnels that are part of the plan already.
    target : {"lesion", "weight-bearing", "reached", "expected"}
        What is maximised: necrosis removed, the same with a greater weight in the weight-bearing zone, necrosis
        within ``reach_mm`` of a tunnel, or necrosis removed on average where its outline errs.
    reach_mm : float
        Distance from a tunnel within which necrosis counts as reached, mm, 0.5 to 10. Engineering choice.
    outline_error_mm : float
        Mean distance between the outline as segmented and the true one, mm, 0 to 2; 0: not simulated. Networks lie
        0.76 mm off [7]; that people do no better is an engineering choice.
    weight_bearing_weight : int
        Weight of necrosis in the weight-bearing zone, elsewhere 1; 1 to 20. Engineering choice.
    cavity_diameter_mm : float
        Diameter of a wider coaxial part at the tip, as an expandable reamer cuts it, mm, 0 to 30; 0: none.
    cavity_length_mm : float
        Length of that part, mm, 0 to 60; 0: none.
    remove_fraction_min : float
        Ask for the fewest tunnels that remove this share of the necrosis, 0 to 1; 0: for what removes most.
    neck_area_share_max : float, optional
        Most of the neck's smallest section that all tunnels together may take, share, 0.01 to 1; ``None``: not asked.
    lateral_wall_share_max : float, optional
        Largest lateral-wall defect of all holes together, share of its width, 0.05 to 1; ``None``: not asked.
    entry_below_ridge_mm : float, optional
        Least distance of a hole's upper edge below the vastus ridge, mm, -20 to 40; ``None``: not asked.
    guidance : str, optional
        Guidance method by which the plan will be drilled: fluoroscopy, guide, navigated, robot, or one of your own.
        ``None``: not known, as of a plan of an earlier version.
    objective : {"safest", "most"}
        ``most``: the tunnels that do most for ``target``. ``safest``: of the tunnels that remove at least
        ``near_best_share`` of the most, those that ``guidance`` perforates cortex or joint with least often.
    near_best_share : float
        Least share of the most removed that a safest plan removes, 0.5 to 1. Engineering choice.
    instrument : Instrument, optional
        What is drilled with; its sizes are those above. ``None``: a flat-ended cylinder of those sizes.

    Raises
    ------
    InputError
        For a value out of range or not finite, and for values that contradict each other; it names the parameter.

    References
    ----------
    1. Mont 2004, Clin Orthop Relat Res 429:131.
    2. Yuan 2022, BioMed Res Int, article 3667891 (finite elements).
    3. J Orthop Surg Res 2019, article 1480 (100 femora).
    4. PMC4775021 (1,070 femora).
    5. Clin Orthop Relat Res 2020, PMID 32229749.
    6. J Orthop Surg Res 2020, doi:10.1186/s13018-020-01927-9.
    7. Uemura 2025, doi:10.1016/j.arth.2025.05.126.

    Examples
    --------
    >>> spec = Spec(diameter_mm=8.0, tunnels=3, pattern="fan")
    >>> spec.radius_mm, spec.joint_margin_mm
    (4.0, 5.0)
    >>> Spec(entry_distal_mm=30.0)
    Traceback (most recent call last):
    corecore.base.errors.InputError: entry_distal_mm must be below entry_proximal_mm
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
    #: How far the outline of the lesion lies off on average, mm; 0: not simulated.
    outline_error_mm: float = 0.76
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
    #: The same of the lateral wall's width; and how far below the vastus ridge holes end, mm; ``None``: not asked for.
    lateral_wall_share_max: float | None = None
    entry_below_ridge_mm: float | None = None
    #: How it will be drilled, and what is planned for that: ``docs/design/guidance.md``.
    guidance: str | None = "fluoroscopy"
    objective: str = "safest"
    near_best_share: float = 0.95
    #: What is drilled with; ``None``: a flat-ended cylinder of the sizes above.
    instrument: Instrument | None = None

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
        if self.target == "expected" and self.outline_error_mm == 0.0:
            raise InputError(
                "target: 'expected' with outline_error_mm 0; above 0 it is accepted", code="parameters-conflict"
            )
        if self.objective not in OBJECTIVES:
            raise InputError(
                f"objective: {self.objective!r}; {' or '.join(OBJECTIVES)} is accepted", code="parameter-value"
            )
        if self.guidance is not None and METHOD_NAME.fullmatch(self.guidance) is None:
            raise InputError(
                f"guidance: {self.guidance[:40]!r}; letters, digits, - and _ are accepted, at most 40",
                code="parameter-value",
            )
        if self.guidance is None and self.objective == "safest":
            raise InputError(
                "objective: 'safest' without a guidance method; with guidance it is accepted",
                code="parameters-conflict",
            )
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
        if self.instrument is not None:
            for name in SIZES:
                _check_size(name, getattr(self, name), self.instrument)
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
        """Half the drill's diameter, mm."""
        return self.diameter_mm / 2.0

    @property
    def quarter_margin_mm(self) -> float:
        """Margin in the postero-superior quarter of the neck, mm: there the cortical one holds too."""
        return max(self.posterosuperior_margin_mm, self.cortical_margin_mm)

    @property
    def shaped(self) -> bool:
        """Whether the instrument has a pointed, round or stepped end, or a pin ahead of it."""
        return self.instrument is not None and not self.instrument.plain

    @property
    def pin_margin_mm(self) -> float | None:
        """Margin of the guide pin that runs ahead of the instrument, mm; ``None`` without one."""
        one = self.instrument
        return None if one is None or one.pin_overshoot_mm == 0.0 else one.pin_margin_mm

    @property
    def cavity_radius_mm(self) -> float:
        """Half the cavity's diameter, mm; 0 where there is none."""
        return self.cavity_diameter_mm / 2.0

    def with_sizes(self, diameter_mm: float, cavity_diameter_mm: float = 0.0, cavity_length_mm: float = 0.0) -> Spec:
        """Copy the parameters for a tunnel of other sizes; its instrument stays where the sizes are its own.

        Parameters
        ----------
        diameter_mm, cavity_diameter_mm, cavity_length_mm : float
            The sizes, mm; 0 for a cavity that is not there.

        Returns
        -------
        Spec
            The new parameters, checked.

        Raises
        ------
        InputError
            For sizes out of range.

        Examples
        --------
        >>> preset("core-8").with_sizes(8.0).instrument.name, preset("core-8").with_sizes(9.0).instrument
        ('core-8', None)
        """
        sizes: dict[str, Any] = dict(zip(SIZES, (diameter_mm, cavity_diameter_mm, cavity_length_mm), strict=True))
        same = all(getattr(self, name) == value for name, value in sizes.items())
        return replace(self, **sizes, instrument=self.instrument if same else None)

    def with_values(self, values: Mapping[str, object], *, origin: str = "--set") -> Spec:
        """Copy the parameters with some of them replaced.

        Parameters
        ----------
        values : mapping of str to object
            New values by parameter name; numbers may be text, a position may be ``"x,y,z"``, an instrument its name.
            An instrument brings its sizes; other sizes take the place of a preset's flat-ended cylinder.
        origin : str, default "--set"
            Where the values come from, for the message of an error.

        Returns
        -------
        Spec
            The new parameters, checked.

        Raises
        ------
        InputError
            For an unknown name, or a value that is not accepted.

        Examples
        --------
        >>> Spec().with_values({"diameter_mm": "8", "entry_fixed": "60,-5,700"}).entry_fixed
        (60.0, -5.0, 700.0)
        """
        known = {f.name: f.type for f in fields(self) if f.name != "preset"}
        changed: dict[str, Any] = {}
        if values.get("instrument") is not None:
            one = _instrument(values["instrument"], f"{origin} instrument".strip())
            changed = {"instrument": one, **{name: getattr(one, name) for name in SIZES}}
        diameter = values.get("diameter_mm", changed.get("diameter_mm", self.diameter_mm))
        for name, raw in values.items():
            if name not in known:
                raise InputError(
                    f"{origin}: unknown parameter {name!r}; accepted: {', '.join(sorted(known))}",
                    code="parameter-unknown",
                )
            if name == "instrument":
                changed.setdefault(name, None)
                continue
            if known[name] == "str" or (known[name] == "str | None" and raw is not None):
                changed[name] = str(raw)
                continue
            if name in ("entry_fixed", "direction_fixed"):
                changed[name] = None if raw is None else vector(raw, f"{origin} {name}".strip())
                continue
            if name == "keep":
                changed[name] = tuple(_kept(one, diameter, f"{origin} keep".strip()) for one in _listed(raw))
                continue
            if raw is None and known[name] in ("float | None", "str | None"):
                changed[name] = None
                continue
            changed[name] = number(name, raw, whole=known[name] == "int", origin=origin)
        own = self.instrument
        other = any(changed.get(name, getattr(self, name)) != getattr(self, name) for name in SIZES)
        if other and own is not None and own.plain:
            # Other sizes than a preset's are another flat-ended cylinder.
            changed.setdefault("instrument", None)
        return replace(self, **changed)

    def as_dict(self) -> dict[str, Any]:
        """Every parameter in force, as in ``plan.json``.

        Returns
        -------
        dict
            Values by parameter name; a limit that is not asked for is left out, and so are guidance that is not known
            and an instrument that is none.
        """
        values = {**asdict(self), "instrument": self.instrument and self.instrument.as_dict()}
        idle = {limit.key for limit in SETTABLE} | {"guidance", "instrument"}
        return {name: value for name, value in values.items() if value is not None or name not in idle}


def _instrument(raw: Any, origin: str) -> Instrument:
    """An instrument itself, by its name or file, or from a table of its sizes."""
    if isinstance(raw, Instrument):
        return raw
    if isinstance(raw, Mapping):
        return own_instrument(raw, str(raw.get("name", "own")), origin)
    if isinstance(raw, str):
        return find_instrument(raw)
    raise InputError(
        f"{origin}: {short(repr(raw))}; a name, a .toml file or a table of sizes is accepted", code="instrument-invalid"
    )


def _check_size(name: str, value: float, one: Instrument) -> None:
    """Raise ``InputError`` for a size that is not the instrument's."""
    own = getattr(one, name)
    if value != own:
        raise InputError(
            f"{name}: {value:g} with instrument {one.name!r}, which has {own:g}; either by itself is accepted",
            code="parameters-conflict",
        )


def _preset(name: str, **values: object) -> Spec:
    """The parameters of the instrument of that name, and what else differs from the defaults."""
    return Spec(preset=name).with_values({"instrument": library()[name], **values})


#: Named starting points (contract §2).
PRESETS: dict[str, Spec] = {
    "core-10": _preset("core-10"),
    "core-8": _preset("core-8"),
    # Number and joint margin: engineering choices. How the holes lie to each other is left open (docs/presets.md).
    "multi-3.2": _preset("multi-3.2", tunnels=5, joint_margin_mm=3.0),
    # An expandable reamer. Its sizes are not confirmed by a paper: the plan says so.
    "acd": _preset("acd"),
}


def preset(name: str) -> Spec:
    """Look up a preset by name.

    Parameters
    ----------
    name : {"core-10", "core-8", "multi-3.2", "acd"}
        Name of the preset.

    Returns
    -------
    Spec
        Its parameters.

    Raises
    ------
    InputError
        For an unknown name.

    Examples
    --------
    >>> preset("multi-3.2").tunnels
    5
    """
    if name not in PRESETS:
        raise InputError(f"preset {name!r}; accepted: {', '.join(PRESETS)}", code="preset-unknown")
    return PRESETS[name]


def read_config(path: Path) -> dict[str, object]:
    """Read parameters from a TOML file.

    Parameters
    ----------
    path : pathlib.Path
        A flat table of ``Spec``'s parameter names, and ``preset``.

    Returns
    -------
    dict
        The table, unchecked.

    Raises
    ------
    InputError
        For a file that is not readable as TOML.
    """
    try:
        return toml_of(path, "a TOML file of parameters")
    except ValueError as error:
        raise InputError(f"{path}: not readable as TOML ({first_line(error)})", code="config-unreadable") from error


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
