"""What a page sends, made sure of: every number finite, every name known, or one line of what is accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corecore.base.errors import InputError
from corecore.review.session import (
    Accept,
    Add,
    Command,
    End,
    Line,
    Move,
    Note,
    Nudge,
    Redo,
    Remove,
    Resize,
    Select,
    Undo,
)

#: Commands that the table makes itself: they need the plan or its figures.
OF_THE_PLAN = ("take", "snap", "sign")


def parsed(body: dict[str, Any]) -> Command:
    """A command from the page's JSON. Raises ``InputError`` for anything else."""
    kinds: dict[str, Callable[[], Command]] = {
        "move": lambda: Move(count(body), triple(body, "entry"), triple(body, "tip")),
        "nudge": lambda: Nudge(count(body), end(body), *(number(body, key) for key in ("inward", "up", "front"))),
        "add": lambda: Add(Line(triple(body, "entry"), triple(body, "tip"), number(body, "diameter"))),
        "resize": lambda: Resize(count(body), number(body, "diameter")),
        "remove": lambda: Remove(count(body)),
        "select": lambda: Select(count(body)),
        "undo": Undo,
        "redo": Redo,
        "accept": lambda: Accept(text(body, "reason")),
        "note": lambda: Note(text(body, "text")),
    }
    kind = body.get("do")
    if not isinstance(kind, str) or kind not in kinds:
        raise InputError(
            f"do is {str(kind)[:40]!r}; accepted: {', '.join([*kinds, *OF_THE_PLAN])}",
            code="review-command",
        )
    return kinds[kind]()


def step(body: dict[str, Any]) -> int:
    """The step of the session that the page has seen."""
    rev = body.get("rev")
    if isinstance(rev, bool) or not isinstance(rev, int):
        raise InputError(f"rev is {str(rev)[:40]}; the step that was seen is accepted", code="review-command")
    return rev


def one_of(body: dict[str, Any], key: str, how_many: int) -> int:
    """A number from 0 to less than ``how_many``."""
    which = body.get(key)
    if isinstance(which, bool) or not isinstance(which, int) or not 0 <= which < how_many:
        raise InputError(f"{key} is {str(which)[:40]!r}; 0 to {how_many - 1} is accepted", code="review-command")
    return which


def number(body: dict[str, Any], key: str) -> float:
    """A finite number; absent: 0."""
    value = body.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e6:
        raise InputError(f"{key} is {str(value)[:40]!r}; a finite number is accepted", code="review-command")
    return float(value)


def count(body: dict[str, Any]) -> int:
    """A tunnel's number; whether there is such a one the session says."""
    value = body.get("tunnel")
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"tunnel is {str(value)[:40]!r}; a number from 0 is accepted", code="review-command")
    return value


def triple(body: dict[str, Any], key: str) -> tuple[float, float, float]:
    """A point."""
    value = body.get(key)
    if not isinstance(value, list) or len(value) != 3:
        raise InputError(f"{key} is {str(value)[:40]!r}; three finite numbers are accepted", code="review-command")
    x, y, z = (number({key: c}, key) for c in value)
    return x, y, z


def end(body: dict[str, Any]) -> End:
    """Which end of a tunnel, or both."""
    ends: dict[Any, End] = {"entry": "entry", "tip": "tip", "both": "both"}
    value = body.get("end")
    if not isinstance(value, str) or value not in ends:
        raise InputError(f"end is {str(value)[:40]!r}; entry, tip or both is accepted", code="review-command")
    return ends[value]


def text(body: dict[str, Any], key: str) -> str:
    """Words."""
    value = body.get(key)
    if not isinstance(value, str):
        raise InputError(f"{key} is {repr(value)[:40]}; text is accepted", code="review-command")
    return value
