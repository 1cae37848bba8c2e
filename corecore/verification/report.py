"""The outcome of a verification: one line for each figure that was judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeGuard

Relation = Literal["=", ">=", "<="]
State = Literal["checked", "cross_checked", "not_checked"]


@dataclass(frozen=True)
class Check:
    """One figure of a plan beside the one recalculated.

    Parameters
    ----------
    name : str
        The figure's path in ``plan.json``.
    stated : float, str or None
        What the plan states: a figure, or the limit of a constraint.
    found : float, str or None
        What was recalculated.
    tolerance : float
        Accepted difference, in the figure's unit.
    unit : str
        Unit of both.
    ok : bool
        Whether *found relation stated* holds within the tolerance; a figure that is not finite where the other is
        never agrees.
    relation : {"=", ">=", "<="}
        The relation.
    cross : bool
        Whether it was derived from other figures of the plan, not from the masks.
    """

    name: str
    stated: float | str | None
    found: float | str | None
    tolerance: float
    unit: str
    ok: bool
    relation: Relation = "="
    cross: bool = False


@dataclass(frozen=True)
class Figure:
    """What a verification says of one figure.

    Parameters
    ----------
    path : str
        Its path in ``plan.json``; another file by its name.
    state : {"checked", "cross_checked", "not_checked"}
        Recalculated from the masks; derived from other figures; neither.
    reason : str
        By what, or why not.
    """

    path: str
    state: State
    reason: str

    @property
    def checked(self) -> bool:
        """Whether anything but the seal would show an edit."""
        return self.state != "not_checked"


@dataclass(frozen=True)
class Verification:
    """Independent recalculation of a plan: all checks, and what a reader must know.

    It shares no geometry with the planner; what is recalculated and what is not: ``docs/design/verify.md``.

    Parameters
    ----------
    checks : tuple of Check
        One for each figure.
    messages : tuple of str
        What a reader must know: inputs that changed, a plan of another version.
    figures : tuple of Figure
        Every figure of plan, measures and pictures: checked, derived from others, or not checked and why.

    Examples
    --------
    >>> result = Verification((Check("totals.removed_fraction", 0.21, 0.213, 0.005, "", True),))
    >>> result.agrees, result.disagreements
    (True, ())
    >>> Verification(()).agrees
    False
    """

    checks: tuple[Check, ...]
    messages: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every check holds; a verification without checks agrees with nothing."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def totals(self) -> dict[State, int]:
        """How many figures were checked, derived from others, and not checked."""
        states: tuple[State, ...] = ("checked", "cross_checked", "not_checked")
        return {state: sum(one.state == state for one in self.figures) for state in states}

    @property
    def disagreements(self) -> tuple[Check, ...]:
        """The checks that fail."""
        return tuple(check for check in self.checks if not check.ok)


def equal(name: str, stated: float | None, found: float | None, tolerance: float, unit: str) -> Check:
    """Both figures agree within the tolerance; ``None`` (nothing to measure) agrees with ``None`` only."""
    if stated is None or found is None:
        return Check(name, stated, found, tolerance, unit, stated is None and found is None)
    return Check(name, stated, found, tolerance, unit, bool(abs(stated - found) <= tolerance))


def at_least(name: str, limit: float, found: float | None, tolerance: float, unit: str) -> Check:
    """The figure found reaches the limit, less the tolerance; ``None`` means nothing can break it."""
    return Check(name, limit, found, tolerance, unit, found is None or bool(found >= limit - tolerance), ">=")


def at_most(name: str, limit: float, found: float | None, tolerance: float, unit: str) -> Check:
    """The figure found stays below the limit, plus the tolerance; ``None`` means nothing can break it."""
    return Check(name, limit, found, tolerance, unit, found is None or bool(found <= limit + tolerance), "<=")


def same_text(name: str, stated: str, found: str) -> Check:
    """Two words that must be the same."""
    return Check(name, stated, found, 0.0, "", stated == found)


def standing(check: Check) -> Literal["kept", "broken", "at the limit"]:
    """How a constraint stands: at the limit where the tolerance decides."""
    if not check.ok:
        return "broken"
    if check.found is None or isinstance(check.found, str) or not isinstance(check.stated, float):
        return "kept"
    slack = check.found - check.stated if check.relation == ">=" else check.stated - check.found
    return "kept" if slack >= check.tolerance else "at the limit"


def compared(name: str, stated: object, found: object, slack: float, unit: str = "") -> Check:
    """Numbers within the slack, lists of them in their greatest difference, words as they are."""
    if isinstance(stated, list) and isinstance(found, list) and len(stated) == len(found):
        pairs = [(a, b) for a, b in zip(stated, found, strict=True) if is_number(a) and is_number(b)]
        if len(pairs) == len(stated):
            gap = max((abs(a - b) for a, b in pairs), default=0.0)
            return Check(name, 0.0, gap, slack, unit, gap <= slack, cross=True)
    if is_number(stated) and is_number(found):
        return Check(name, stated, found, slack, unit, abs(stated - found) <= slack, cross=True)
    a, b = (", ".join(map(str, value)) if isinstance(value, list) else _word(value) for value in (stated, found))
    return Check(name, a, b, 0.0, unit, a == b, cross=True)


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _word(value: object) -> str | None:
    return None if value is None else str(value)
