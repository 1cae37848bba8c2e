"""The sizes of a drill guide, each an engineering choice that the user may change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from corecore.base.errors import InputError
from corecore.base.parsing import number

#: Allowed range of each size: outside it a value is a slip of the pen.
_RANGES: dict[str, tuple[float, float]] = {
    "clearance_mm": (0.0, 1.5),
    "play_mm": (0.0, 1.5),
    "pin_mm": (1.0, 20.0),
    "guided_mm": (10.0, 60.0),
    "stop_step_mm": (0.0, 20.0),
    "sleeve_wall_mm": (2.0, 8.0),
    "wall_min_mm": (1.0, 5.0),
    "plate_mm": (4.0, 15.0),
    "skirt_mm": (4.0, 20.0),
    "slip_mm": (0.05, 5.0),
    "contact_min_mm2": (100.0, 2000.0),
    "stability_min": (0.01, 0.5),
}


@dataclass(frozen=True)
class Design:
    """Sizes of a guide, mm unless named otherwise. All are engineering choices.

    ``clearance_mm``: gap between seat and bone surface, for what printing adds. ``play_mm``: by how much a
    sleeve's bore is wider than the drill. ``pin_mm``: drill of every sleeve instead of the tunnels' own, as for
    guide pins. ``guided_mm``: length of bore that guides the drill, at least. ``stop_step_mm``: the drill's length
    from a sleeve's top to the tip is a multiple of this (0: whatever comes). ``sleeve_wall_mm``: about a bore.
    ``wall_min_mm``: least wall anywhere, measured. ``plate_mm``: thickness over the highest bone.
    ``skirt_mm``: how far the seat reaches down beside the entry. ``slip_mm``: the footprint grows until the
    motion that the seat holds least uses up the clearance within this, where one does. ``contact_min_mm2``,
    ``stability_min``: least seat that is accepted (``corecore.exports.guide.hold``).
    """

    clearance_mm: float = 0.1
    play_mm: float = 0.3
    pin_mm: float | None = None
    guided_mm: float = 25.0
    stop_step_mm: float = 5.0
    sleeve_wall_mm: float = 3.0
    wall_min_mm: float = 2.0
    plate_mm: float = 6.0
    skirt_mm: float = 14.0
    slip_mm: float = 0.6
    contact_min_mm2: float = 400.0
    stability_min: float = 0.06

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is None:
                continue
            if not math.isfinite(value) or not low <= value <= high:
                raise InputError(f"{name} = {value!r}; {low:g} to {high:g} is accepted", code="guide-size")
        if self.sleeve_wall_mm < self.wall_min_mm:
            raise InputError(
                f"sleeve_wall_mm = {self.sleeve_wall_mm:g} is less than wall_min_mm = {self.wall_min_mm:g};"
                " as much or more is accepted",
                code="guide-size",
            )

    def with_values(self, values: Mapping[str, float | str], *, origin: str = "--set") -> Design:
        """A copy with sizes replaced. Raises ``InputError`` for an unknown name or a bad value."""
        known = [field.name for field in fields(self)]
        changed: dict[str, float] = {}
        for name, raw in values.items():
            if name not in known:
                raise InputError(f"{origin}: unknown size {name!r}; accepted: {', '.join(known)}", code="guide-size")
            changed[name] = float(number(name, raw, whole=False, origin=origin))
        return replace(self, **changed)
