"""What happens to a plan under review: commands in, a new session out; nothing here draws, measures or listens.

A session is a value. Every command that changes a tunnel is one step back for undo and raises
``rev``; a command that was made for an older ``rev`` is refused. Acceptance of broken limits and
sign-off are given to exactly the tunnels that stand: they lapse when anything moves, by undo too,
and undo does not bring them back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.spec import accepted_range

Point = tuple[float, float, float]
End = Literal["entry", "tip", "both"]

#: Tunnels shorter or longer than this are slips of the hand, mm.
LENGTH_MM = (5.0, 250.0)
#: One nudge moves no end further than this, mm.
NUDGE_MAX_MM = 50.0
#: Most tunnels (contract §2), and most steps that undo remembers.
TUNNELS_MAX, STEPS_MAX = 16, 500
#: Longest reason, name and notes, characters.
REASON_MAX, NAME_MAX, NOTES_MAX = 400, 80, 2000


@dataclass(frozen=True)
class Line:
    """A tunnel as it is moved about: world RAS mm."""

    entry: Point
    tip: Point
    diameter_mm: float
    cavity_diameter_mm: float = 0.0
    cavity_length_mm: float = 0.0


@dataclass(frozen=True)
class Room:
    """Where points may lie (a box, RAS mm), the hip's side, and which way is up and to the front (unit vectors)."""

    low: Point
    high: Point
    side: Literal["left", "right"]
    up: Point
    front: Point


@dataclass(frozen=True)
class Signature:
    """Who signed the tunnels as they stand at ``rev``; ``day`` as ISO date."""

    name: str
    day: str
    rev: int


@dataclass(frozen=True)
class Session:
    """The tunnels as they stand, what was before and after them, and what was said of exactly them."""

    room: Room
    lines: tuple[Line, ...]
    rev: int = 0
    selected: int | None = None
    past: tuple[tuple[Line, ...], ...] = ()
    future: tuple[tuple[Line, ...], ...] = ()
    accepted: str | None = None
    signed: Signature | None = None
    notes: str = ""


@dataclass(frozen=True)
class Move:
    """Put a tunnel's entry and tip somewhere."""

    number: int
    entry: Point
    tip: Point


@dataclass(frozen=True)
class Nudge:
    """Move an end, or both, along the tunnel's own axes, mm: inward, upward across it, to the front across it."""

    number: int
    end: End
    inward_mm: float = 0.0
    up_mm: float = 0.0
    front_mm: float = 0.0


@dataclass(frozen=True)
class Resize:
    """Another drill for a tunnel."""

    number: int
    diameter_mm: float


@dataclass(frozen=True)
class Add:
    """One more tunnel, beside the others."""

    line: Line


@dataclass(frozen=True)
class Remove:
    """One tunnel less."""

    number: int


@dataclass(frozen=True)
class Take:
    """Other tunnels instead of all that stand: the plan's own again, or one of its alternatives."""

    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Select:
    """Look at a tunnel; moves nothing."""

    number: int | None


@dataclass(frozen=True)
class Undo:
    """One step back."""


@dataclass(frozen=True)
class Redo:
    """One step forward again."""


@dataclass(frozen=True)
class Accept:
    """Accept that limits are broken, and say why."""

    reason: str


@dataclass(frozen=True)
class Note:
    """Other notes instead of those that stood; no words: none. A sign-off was of what stood, notes among it."""

    text: str


@dataclass(frozen=True)
class SignOff:
    """Sign for the tunnels as they stand; the side is typed, so that nobody signs for the other hip.

    ``broken``: whether a limit is broken, as measured: then an acceptance must stand.
    """

    name: str
    side_typed: str
    day: str
    broken: bool


Command = Move | Nudge | Resize | Add | Remove | Take | Select | Undo | Redo | Accept | Note | SignOff


def apply(session: Session, command: Command, *, rev: int) -> Session:
    """The session after a command. Raises ``InputError`` for a stale ``rev`` and for what cannot be."""
    if rev != session.rev:
        raise stale(rev, session)
    if isinstance(command, Select):
        if command.number is not None:
            _at(session, command.number)
        return replace(session, selected=command.number)
    if isinstance(command, Accept):
        return replace(session, accepted=_words(command.reason, "the reason", REASON_MAX), rev=rev + 1, signed=None)
    if isinstance(command, Note):
        return replace(session, notes=written(command.text), rev=rev + 1, signed=None)
    if isinstance(command, SignOff):
        return _signed(session, command)
    if isinstance(command, Undo):
        if not session.past:
            raise InputError("nothing to undo", code="review-refused")
        past, future = session.past[:-1], (session.lines, *session.future)
        return _stands(session, session.past[-1], past=past, future=future)
    if isinstance(command, Redo):
        if not session.future:
            raise InputError("nothing to redo", code="review-refused")
        past, future = (*session.past, session.lines), session.future[1:]
        return _stands(session, session.future[0], past=past, future=future)
    lines = after(session, command)
    return _stands(session, lines, past=(*session.past, session.lines)[-STEPS_MAX:], future=())


def stale(rev: int, session: Session) -> InputError:
    """What is said of anything that was asked of another step."""
    return InputError(
        f"made for step {rev} of the session, which is at {session.rev}; look again, then move", code="review-refused"
    )


def after(session: Session, command: Move | Nudge | Resize | Add | Remove | Take) -> tuple[Line, ...]:
    """The tunnels as a command would leave them, the session unchanged: what a drag shows before it is let go."""
    lines = list(session.lines)
    if isinstance(command, Take):
        if len(command.lines) > TUNNELS_MAX:
            raise InputError(f"{len(command.lines)} tunnels; up to {TUNNELS_MAX} are accepted", code="review-refused")
        return tuple(_checked(session.room, line) for line in command.lines)
    if isinstance(command, Add):
        if len(lines) >= TUNNELS_MAX:
            raise InputError(f"{len(lines)} tunnels already; up to {TUNNELS_MAX} are accepted", code="review-refused")
        lines.append(_checked(session.room, command.line))
        return tuple(lines)
    line = _at(session, command.number)
    if isinstance(command, Remove):
        del lines[command.number]
        return tuple(lines)
    if isinstance(command, Move):
        line = replace(line, entry=_point(command.entry, "entry"), tip=_point(command.tip, "tip"))
    elif isinstance(command, Resize):
        line = replace(line, diameter_mm=command.diameter_mm)
    else:
        line = _nudged(session.room, line, command)
    lines[command.number] = _checked(session.room, line)
    return tuple(lines)


def axes(room: Room, line: Line) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit vectors inward along a tunnel, upward across it, and to the front across it."""
    way = np.subtract(line.tip, line.entry)
    way = way / np.linalg.norm(way)
    up = np.array(room.up) - np.dot(room.up, way) * way
    if np.linalg.norm(up) < 1e-3:
        # Straight up or down the body: the front decides instead.
        up = np.array(room.front) - np.dot(room.front, way) * way
    up = up / np.linalg.norm(up)
    front = np.cross(up, way)
    return way, up, front if np.dot(front, room.front) >= 0 else -front


def _nudged(room: Room, line: Line, nudge: Nudge) -> Line:
    steps = (nudge.inward_mm, nudge.up_mm, nudge.front_mm)
    if nudge.end not in ("entry", "tip", "both"):
        raise InputError(f"end {nudge.end!r}; entry, tip or both is accepted", code="review-command")
    if not all(isinstance(s, (int, float)) and abs(s) <= NUDGE_MAX_MM for s in steps):
        raise InputError(
            f"a nudge of {steps}; finite numbers up to {NUDGE_MAX_MM:g} mm are accepted", code="review-command"
        )
    shift = sum((step * axis for step, axis in zip(steps, axes(room, line), strict=True)), np.zeros(3))
    entry, tip = np.array(line.entry), np.array(line.tip)
    entry = entry + shift if nudge.end in ("entry", "both") else entry
    tip = tip + shift if nudge.end in ("tip", "both") else tip
    return replace(line, entry=_point(tuple(entry), "entry"), tip=_point(tuple(tip), "tip"))


def _stands(
    session: Session,
    lines: tuple[Line, ...],
    *,
    past: tuple[tuple[Line, ...], ...],
    future: tuple[tuple[Line, ...], ...],
) -> Session:
    """Other tunnels stand: what was said of the ones before no longer holds."""
    selected = session.selected if session.selected is not None and session.selected < len(lines) else None
    return replace(
        session,
        lines=lines,
        past=past,
        future=future,
        rev=session.rev + 1,
        selected=selected,
        accepted=None,
        signed=None,
    )


def _signed(session: Session, command: SignOff) -> Session:
    if command.side_typed.strip().lower() != session.room.side:
        raise InputError(
            f"side typed {command.side_typed!r}; this is a {session.room.side.upper()} hip", code="sign-off-refused"
        )
    if not session.lines:
        raise InputError("no tunnel to sign for", code="sign-off-refused")
    if command.broken and session.accepted is None:
        raise InputError("a limit is exceeded; sign-off needs a reason for accepting it", code="sign-off-refused")
    name = _words(command.name, "the name", NAME_MAX)
    return replace(session, signed=Signature(name, command.day, session.rev + 1), rev=session.rev + 1)


def _at(session: Session, number: int) -> Line:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(session.lines):
        raise InputError(f"tunnel {number!r}; 0 to {len(session.lines) - 1} is accepted", code="review-command")
    return session.lines[number]


def written(text: str) -> str:
    """Notes as they are kept: lines of printable characters. Raises ``InputError`` where they are too long."""
    lines = ["".join(c if c.isprintable() else " " for c in line).rstrip() for line in text.splitlines()]
    kept = "\n".join(lines).strip()
    if len(kept) > NOTES_MAX:
        raise InputError(
            f"the notes have {len(kept)} characters; up to {NOTES_MAX} are accepted",
            code="review-refused",
        )
    return kept


def _words(text: str, what: str, most: int) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not 0 < len(line) <= most:
        raise InputError(f"{what} has {len(line)} characters; 1 to {most} are accepted", code="review-command")
    return line


def _point(value: object, name: str) -> Point:
    try:
        x, y, z = (float(c) for c in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError):
        x = y = z = math.nan
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        raise InputError(f"{name}: three finite numbers are accepted", code="review-command")
    # Rounded as in a file, so that what is saved is what was judged.
    return round(x, 4), round(y, 4), round(z, 4)


def _checked(room: Room, line: Line) -> Line:
    """The tunnel, if it may stand. Raises ``InputError`` for a size or a place out of range."""
    line = replace(line, entry=_point(line.entry, "entry"), tip=_point(line.tip, "tip"))
    for name, point in (("entry", line.entry), ("tip", line.tip)):
        if not all(a <= c <= b for a, c, b in zip(room.low, point, room.high, strict=True)):
            raise InputError(
                f"{name} {point} lies outside the volume; within {room.low} to {room.high} is accepted",
                code="review-command",
            )
    length = math.dist(line.entry, line.tip)
    if not LENGTH_MM[0] <= length <= LENGTH_MM[1]:
        raise InputError(
            f"a tunnel of {length:.1f} mm; {LENGTH_MM[0]:g} to {LENGTH_MM[1]:g} mm is accepted", code="review-command"
        )
    for name in ("diameter_mm", "cavity_diameter_mm", "cavity_length_mm"):
        low, high = accepted_range(name)
        value = getattr(line, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise InputError(f"{name} {value!r}; {low:g} to {high:g} is accepted", code="review-command")
    return line
