"""What a tunnel is drilled with: diameters, tip, guide pin and stop, from the library that ships along or a file.

``instruments.toml`` is the library. Which bone an instrument takes is ``corecore.base.body``; the independent
recalculation has a body of its own. Lengths in mm, angles in degrees.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from corecore.base.errors import InputError
from corecore.base.input_file import first_line, short, shown, toml_of

TIPS = ("flat", "cone", "round")
OBJECTIVES = ("lesion", "reached")
#: Said of an instrument whose sizes no source was found for.
UNCONFIRMED = "unconfirmed"
#: A guide pin that runs ahead stays this far from the bone's surface where its instrument says nothing, mm: the least
#: joint margin that any tunnel may have (engineering choice).
PIN_MARGIN_MM = 3.0
#: Longest name and text of an instrument, characters, and most steps of diameter (engineering choices).
NAME_MAX, TEXT_MAX, STEPS_MAX = 40, 400, 8
#: Accepted range of each number: outside it a value is a slip of the pen.
RANGES: dict[str, tuple[float, float]] = {
    "diameter_mm": (1.0, 20.0),
    "tip_angle_deg": (30.0, 175.0),
    "pin_diameter_mm": (0.5, 10.0),
    "pin_overshoot_mm": (0.0, 30.0),
    "pin_margin_mm": (PIN_MARGIN_MM, 25.0),
    "cavity_diameter_mm": (1.0, 30.0),
    "cavity_length_mm": (0.5, 60.0),
}


class Step(NamedTuple):
    """A narrower part behind the tip of an instrument.

    Parameters
    ----------
    to_mm : float
        How far it reaches from the tip backward, mm.
    diameter_mm : float
        Its diameter, mm.
    """

    to_mm: float
    diameter_mm: float


@dataclass(frozen=True)
class Instrument:
    """What a tunnel is drilled with, checked on creation.

    The tip is the deepest point of the instrument on its axis; a guide pin may run ahead of it.

    Parameters
    ----------
    name : str
        Name by which it is asked for: letters, digits, ``.`` and ``-``.
    title : str
        What it is, in a line.
    diameter_mm : float
        Diameter of its shaft, so of the entry hole, mm, 1 to 20.
    tip : {"flat", "cone", "round"}
        Shape of its end; a round one is half a ball.
    tip_angle_deg : float
        Full angle of a cone's point, degrees, 30 to 175; 0 for other tips.
    steps : tuple of Step
        Narrower parts from the tip backward, each wider and further back than the one before.
    pin_diameter_mm : float
        Diameter of the guide pin that it runs over, mm; 0: none.
    pin_overshoot_mm : float
        How far the pin runs ahead of the tip, mm, 0 to 30.
    pin_margin_mm : float
        How far the pin stays from the bone's surface, mm, 3 to 25 (3: engineering choice).
    depth_stop : bool
        Whether it has a stop that is set to the depth.
    cavity_diameter_mm, cavity_length_mm : float
        Of the wider part at its end, as an expandable reamer cuts it, mm; 0: none.
    objective : {"lesion", "reached"}
        What it is used for: to remove necrosis, or to reach it.
    source : str
        Where its sizes are published, or ``"unconfirmed"``.
    unconfirmed : str
        Which of them no source was found for.

    Raises
    ------
    InputError
        For sizes out of range or that contradict each other; it names the instrument.

    Examples
    --------
    >>> drill = Instrument("drill", "twist drill", 3.2, tip="cone", tip_angle_deg=118.0)
    >>> round(drill.tip_length_mm, 3)
    0.961
    >>> drill.plain
    False
    """

    name: str
    title: str
    diameter_mm: float
    tip: str = "flat"
    tip_angle_deg: float = 0.0
    steps: tuple[Step, ...] = ()
    pin_diameter_mm: float = 0.0
    pin_overshoot_mm: float = 0.0
    pin_margin_mm: float = PIN_MARGIN_MM
    depth_stop: bool = False
    cavity_diameter_mm: float = 0.0
    cavity_length_mm: float = 0.0
    objective: str = "lesion"
    source: str = UNCONFIRMED
    unconfirmed: str = ""

    def __post_init__(self) -> None:
        for name, accepted in (("tip", TIPS), ("objective", OBJECTIVES)):
            if getattr(self, name) not in accepted:
                raise self._refused(name, f"{getattr(self, name)!r}", f"{', '.join(accepted)} are accepted")
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            # Without a cone, a pin or a cavity their sizes are 0.
            if value == 0.0 and name not in ("diameter_mm", "pin_margin_mm"):
                continue
            if not low <= value <= high:
                raise self._refused(name, f"{value:g}", f"{low:g} to {high:g} is accepted")
        if (self.tip == "cone") != (self.tip_angle_deg > 0.0):
            raise self._refused(
                "tip_angle_deg", f"{self.tip_angle_deg:g} with a {self.tip} tip", "a cone has one, other tips have none"
            )
        self._check_steps()
        if self.pin_overshoot_mm > 0.0 and self.pin_diameter_mm == 0.0:
            raise self._refused("pin_overshoot_mm", "without a pin", "pin_diameter_mm beside it is accepted")
        if self.pin_diameter_mm >= self.front_diameter_mm:
            raise self._refused(
                "pin_diameter_mm", f"{self.pin_diameter_mm:g}", f"less than {self.front_diameter_mm:g} is accepted"
            )
        self._check_cavity()

    def _check_steps(self) -> None:
        before = Step(0.0, 0.0)
        for step in self.steps:
            if not step.to_mm > before.to_mm or not before.diameter_mm < step.diameter_mm < self.diameter_mm:
                raise self._refused(
                    "steps",
                    f"{step.diameter_mm:g} mm to {step.to_mm:g} mm",
                    "each further back and wider than the one before, and narrower than the shaft, are accepted",
                )
            if not RANGES["diameter_mm"][0] <= step.diameter_mm or step.to_mm > 60.0:
                raise self._refused(
                    "steps",
                    f"{step.diameter_mm:g} mm to {step.to_mm:g} mm",
                    "1 mm or wider, to 60 mm or less, are accepted",
                )
            before = step
        if self.steps and self.steps[0].to_mm < self.tip_length_mm:
            raise self._refused(
                "steps", f"the first to {self.steps[0].to_mm:g} mm", f"the tip's {self.tip_length_mm:.2f} or more"
            )

    def _check_cavity(self) -> None:
        if (self.cavity_diameter_mm > 0.0) != (self.cavity_length_mm > 0.0):
            raise self._refused(
                "cavity_diameter_mm",
                f"{self.cavity_diameter_mm:g} with cavity_length_mm {self.cavity_length_mm:g}",
                "both above 0, or both 0, are accepted",
            )
        if self.cavity_diameter_mm == 0.0:
            return
        if self.cavity_diameter_mm <= self.diameter_mm:
            raise self._refused(
                "cavity_diameter_mm", f"{self.cavity_diameter_mm:g}", f"more than {self.diameter_mm:g} is accepted"
            )
        if self.tip != "flat" or self.steps or self.pin_overshoot_mm > 0.0:
            raise self._refused(
                "cavity_diameter_mm", "with a pointed or stepped end, or a pin ahead", "a flat end is accepted"
            )

    def _refused(self, key: str, found: str, accepted: str) -> InputError:
        return InputError(f"instrument {short(self.name)!r}, {key}: {found}; {accepted}", code="instrument-invalid")

    @property
    def front_diameter_mm(self) -> float:
        """Diameter behind the tip, mm: of the first step, or of the shaft."""
        return self.steps[0].diameter_mm if self.steps else self.diameter_mm

    @property
    def tip_length_mm(self) -> float:
        """Length of the tip along the axis, mm; 0 where it is flat."""
        radius = self.front_diameter_mm / 2.0
        if self.tip == "cone":
            return radius / math.tan(math.radians(self.tip_angle_deg / 2.0))
        return radius if self.tip == "round" else 0.0

    @property
    def plain(self) -> bool:
        """Whether it drills a flat-ended cylinder, with or without a cavity, and nothing more."""
        return self.tip == "flat" and not self.steps and self.pin_overshoot_mm == 0.0

    def as_dict(self) -> dict[str, Any]:
        """As in ``plan.json``.

        Returns
        -------
        dict
            Values by name; steps as a list of ``{to_mm, diameter_mm}``.
        """
        return {**asdict(self), "steps": [step._asdict() for step in self.steps]}


def instrument_of(table: Mapping[str, Any], name: str, origin: str = "") -> Instrument:
    """Make an instrument of a table of its sizes.

    Parameters
    ----------
    table : mapping
        Values by the names of ``Instrument``.
    name : str
        Its name, where the table gives none.
    origin : str
        Where the table stands, for the message of an error.

    Returns
    -------
    Instrument
        The instrument, checked.

    Raises
    ------
    InputError
        For a name that is not known, a value of another kind, and whatever ``Instrument`` refuses.
    """
    where = f"{origin}: " if origin else ""
    kinds = {field.name: str(field.type) for field in fields(Instrument)}
    unknown = [key for key in table if key not in kinds]
    if unknown:
        raise InputError(
            f"{where}instrument {short(name)!r}: unknown {short(unknown[0])!r}; accepted: {', '.join(kinds)}",
            code="instrument-invalid",
        )
    values: dict[str, Any] = {"name": name, "title": name, **table}
    for key, value in values.items():
        read = _value(kinds[key], value)
        if read is None:
            accepted = {"float": "a finite number", "str": f"a text of up to {TEXT_MAX} characters", "bool": "true or"
                        " false"}.get(kinds[key], f"a list of up to {STEPS_MAX} {{to_mm, diameter_mm}}")  # fmt: skip
            raise InputError(
                f"{where}instrument {short(name)!r}, {key}: {short(value)!r}; {accepted} is accepted",
                code="instrument-invalid",
            )
        values[key] = read
    if "diameter_mm" not in values:
        raise InputError(f"{where}instrument {short(name)!r}: no diameter_mm", code="instrument-invalid")
    if len(values["name"]) > NAME_MAX or not all(c.isascii() and (c.isalnum() or c in ".-") for c in values["name"]):
        raise InputError(
            f"{where}instrument {short(values['name'])!r}: letters, digits, '.' and '-' make a name",
            code="instrument-invalid",
        )
    return Instrument(**values)


def _value(kind: str, value: Any) -> Any:
    """A value as a field of that kind holds it; ``None`` where it is of another."""
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if kind == "str":
        return value if isinstance(value, str) and value.isprintable() and 0 <= len(value) <= TEXT_MAX else None
    if kind == "float":
        return _finite(value)
    if not isinstance(value, list | tuple) or len(value) > STEPS_MAX:
        return None
    steps = []
    for item in value:
        if isinstance(item, Step):
            item = item._asdict()
        if not isinstance(item, Mapping) or set(item) != set(Step._fields):
            return None
        to_mm, diameter_mm = _finite(item["to_mm"]), _finite(item["diameter_mm"])
        if to_mm is None or diameter_mm is None:
            return None
        steps.append(Step(to_mm, diameter_mm))
    return tuple(steps)


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


@cache
def library() -> dict[str, Instrument]:
    """The instruments that ship along.

    Returns
    -------
    dict
        By name, in the library's order.
    """
    tables = tomllib.loads(files("corecore.base").joinpath("instruments.toml").read_text(encoding="utf-8"))
    return {name: instrument_of(table, name, "instruments.toml") for name, table in tables.items()}


def find_instrument(name_or_file: str) -> Instrument:
    """Look up an instrument of the library, or read one from a TOML file.

    Parameters
    ----------
    name_or_file : str
        A name of the library, or a file that ends in ``.toml`` with one ``[NAME]`` table; ``FILE.toml:NAME`` takes
        one of several.

    Returns
    -------
    Instrument
        The instrument.

    Raises
    ------
    InputError
        For an unknown name, an unreadable file, and an instrument that is refused.

    Examples
    --------
    >>> find_instrument("drill-3.2-118").tip
    'cone'
    """
    path, wanted = file_named(name_or_file)
    if path is not None:
        return _one_of(read_instruments(path), wanted, path)
    known = library()
    if name_or_file not in known:
        raise InputError(
            f"instrument {short(name_or_file)!r}; a .toml file, or one of: {', '.join(known)}",
            code="instrument-unknown",
        )
    return known[name_or_file]


def file_named(name_or_file: str) -> tuple[Path | None, str]:
    """The file that ``find_instrument`` reads, and which instrument of it; ``None`` for a name of the library.

    Parameters
    ----------
    name_or_file : str
        As for ``find_instrument``.

    Returns
    -------
    tuple of pathlib.Path or None, and str
        The file, and the name behind its colon.
    """
    path, _, wanted = name_or_file.rpartition(":")
    if path.lower().endswith(".toml"):
        return Path(path), wanted
    return (Path(name_or_file) if name_or_file.lower().endswith(".toml") else None), ""


def own_instrument(table: Mapping[str, Any], name: str, origin: str = "") -> Instrument:
    """Make a user's own instrument, whose name is not that of another in the library.

    Parameters
    ----------
    table, name, origin
        As for ``instrument_of``.

    Returns
    -------
    Instrument
        The instrument, checked.

    Raises
    ------
    InputError
        As ``instrument_of``; and for a name of the library with other values than the library's, by which a reader
        of the plan would know another instrument.
    """
    found = instrument_of(table, name, origin)
    held = library().get(found.name)
    if held is None or held == found:
        return found
    off = next(key for key, value in held.as_dict().items() if found.as_dict()[key] != value)
    raise InputError(
        f"{origin}{': ' if origin else ''}instrument {found.name!r} is in the library with another {off}"
        f" ({short(held.as_dict()[off])!r}, here {short(found.as_dict()[off])!r}); a name of its own is accepted",
        code="instrument-invalid",
    )


def _one_of(found: dict[str, Instrument], wanted: str, path: Path) -> Instrument:
    if wanted in found:
        return found[wanted]
    if not wanted and len(found) == 1:
        return next(iter(found.values()))
    what = f"no instrument {short(wanted)!r}" if wanted else f"{len(found)} instruments"
    raise InputError(f"{shown(path)}: {what}; FILE:NAME with one of: {', '.join(found)}", code="instrument-unknown")


def read_instruments(path: Path) -> dict[str, Instrument]:
    """Read instruments from a TOML file.

    Parameters
    ----------
    path : pathlib.Path
        A ``[NAME]`` table for each, with the names of ``Instrument``.

    Returns
    -------
    dict
        By name, in the file's order.

    Raises
    ------
    InputError
        For a file that is not readable as TOML, and an instrument that is refused.
    """
    try:
        content = toml_of(path, "a TOML file of instruments")
    except ValueError as error:
        raise InputError(
            f"{shown(path)}: not readable as TOML ({first_line(error)})", code="config-unreadable"
        ) from error
    if not content or not all(isinstance(table, dict) for table in content.values()):
        raise InputError(f"{shown(path)}: [NAME] tables of instruments are accepted", code="instrument-invalid")
    return {
        name: own_instrument(table, name, shown(path)) for name, table in content.items() if isinstance(table, Mapping)
    }
