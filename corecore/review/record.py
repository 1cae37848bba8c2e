"""``review.json`` beside the plan: every step of its reviews, one after the other; it only ever grows.

One JSON, rewritten whole with each addition (a new file takes the old one's name), so that a crash at any moment
leaves the old one or the new one. Each entry holds the hash of the one before it: what was taken out, put in or
changed since is told at the next opening. What is to be added to is compared with what was read first.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from corecore.base.errors import InputError, OutputError
from corecore.base.input_file import bytes_of, first_line, parsed_json
from corecore.base.version import __version__
from corecore.document.fields import Part, Vector
from corecore.document.plan import SignedPart
from corecore.document.seal import digest
from corecore.io.files import STAGE, atomic_write_bytes, check_unclaimed
from corecore.review.session import NAME_MAX, Add, Line, Session, Signature, after, written

SCHEMA: Final = "corecore.review/2"
#: Of versions that kept no history: read as the first entry of one.
WITHOUT_HISTORY: Final = "corecore.review/1"
NAME = "review.json"
#: Folder beside the plan that holds the reviewed one, numbered from the second on.
FOLDER = "reviewed"
#: A record that cannot be read is set aside under the first such name that is free; so many are kept.
ASIDE, ASIDE_MAX = "review-unreadable-{}.json", 99
#: Largest record, bytes (engineering choice): some thirty thousand steps of one tunnel, four thousand of sixteen.
SIZE_LIMIT_BYTES = 16 * 1024 * 1024
#: What is hashed of an entry: all but its own hash.
NOT_HASHED = ("hash",)

Event = Literal["move", "note", "acceptance", "signature", "lapse", "save", "earlier"]
#: A step's number: what a page still counts exactly.
Revision = Annotated[int, Meta(ge=0, le=2**53 - 1)]
#: A plan's hash, of which versions without history kept eight digits.
PlanHash = Annotated[str, Meta(pattern="^[0-9a-f]{8,64}$")]


class LinePart(Part, frozen=True):
    """A tunnel as it was moved about: world RAS mm."""

    entry: Vector
    tip: Vector
    diameter_mm: float
    cavity_diameter_mm: float = 0.0
    cavity_length_mm: float = 0.0


class SignaturePart(Part, frozen=True):
    """Who signed, when, and at which step."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
    day: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    rev: Revision


class Entry(Part, frozen=True, kw_only=True):
    """One event: what happened, and all that stood after it.

    ``revision``: step of the session; ``plan``: hash of the plan under review; ``words``: the command, what lapsed,
    or what was saved; ``earlier``: what a version without history had kept.
    """

    time: str
    revision: Revision
    plan: PlanHash
    corecore_version: str
    event: Event
    words: str
    side: Literal["left", "right"]
    tunnels: list[LinePart]
    notes: str
    accepted: str | None
    signed: SignaturePart | None
    previous: str
    hash: str = ""

    def is_of(self, plan_hash: str) -> bool:
        """Whether the plan under review was this one; versions without history kept eight digits of its hash."""
        return self.plan == plan_hash or (self.event == "earlier" and plan_hash.startswith(self.plan))


class _Earlier(Part, frozen=True, kw_only=True):
    """``review.json`` of a version without history."""

    plan: PlanHash
    rev: Revision = 0
    side: Literal["left", "right"] = "right"
    tunnels: list[LinePart]
    notes: str = ""
    accepted: str | None = None
    signed: SignaturePart | None = None


class _File(Part, frozen=True, kw_only=True):
    schema: Literal["corecore.review/2"]
    coordinate_system: Literal["RAS"]
    units: Literal["mm"]
    history: list[Entry]


@dataclass
class Record:
    """A folder's record: its entries, and what the file was when it was last read or written (``None``: no file)."""

    path: Path
    entries: list[Entry]
    seen: str | None

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Reads the record. Raises ``InputError`` for one that is damaged, or was changed after it was written."""
        path = folder / NAME
        if not path.exists():
            return cls(path, [], None)
        data = bytes_of(path, "a review.json", SIZE_LIMIT_BYTES)
        try:
            entries = _entries(parsed_json(data), path)
        except (ValueError, InputError, msgspec.ValidationError) as error:
            raise InputError(
                f"{path}: not readable ({first_line(error)}); --afresh sets it aside", code="review-unreadable"
            ) from error
        return cls(path, entries, hashlib.sha256(data).hexdigest())

    @property
    def revision(self) -> int:
        """The last step that any review in this folder has reached."""
        return max((entry.revision for entry in self.entries), default=0)

    @property
    def head(self) -> str | None:
        """Hash of the last entry."""
        return self.entries[-1].hash if self.entries else None

    def last(self, plan_hash: str) -> Entry | None:
        """The last entry on a plan."""
        return next((entry for entry in reversed(self.entries) if entry.is_of(plan_hash)), None)

    def lapsed(self, plan_hash: str) -> SignedPart | None:
        """The last signature that the record holds on a plan; it has lapsed where nobody signs now."""
        last = next((one for one in reversed(self.entries) if one.is_of(plan_hash) and one.signed is not None), None)
        return None if last is None or last.signed is None else SignedPart(last.signed.name, last.signed.day, last.side)

    def changed(self) -> bool:
        """Whether the file is another one than was last read or written here; one that is gone is written anew."""
        there = _sha256(self.path)
        return there is not None and there != self.seen

    def add(self, entries: list[Entry]) -> None:
        """Adds entries in one piece.

        Raises ``OutputError`` where the file has changed meanwhile or is full, and while another run writes the plan.
        """
        check_unclaimed(self.path.parent)
        if self.changed():
            raise OutputError(
                f"{self.path}: was changed by another program; nothing is written over it, start the review again",
                code="review-record-changed",
            )
        linked = list(self.entries)
        for entry in entries:
            linked.append(_linked(entry, linked[-1].hash if linked else ""))
        data = _text(linked).encode("utf-8")
        if len(data) > SIZE_LIMIT_BYTES:
            raise OutputError(
                f"{self.path}: would be over {SIZE_LIMIT_BYTES:,} bytes; move it elsewhere and start the review again",
                code="review-record-changed",
            )
        atomic_write_bytes(self.path, data, durable=True)
        self.entries, self.seen = linked, hashlib.sha256(data).hexdigest()

    def clear_remains(self) -> None:
        """Removes what saves that were killed have left; only for who holds the record."""
        folder = self.path.parent
        for left in (*folder.glob(f".{NAME}.????????"), *folder.glob(f".{FOLDER}*.????????")):
            # A link is not followed, and a folder of another kind is not ours.
            if (left / STAGE).is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    left.unlink()


def set_aside(folder: Path) -> Record:
    """An empty record; one that cannot be read goes under another name, none is lost."""
    free = next(
        (path for count in range(1, ASIDE_MAX + 1) if not (path := folder / ASIDE.format(count)).exists()), None
    )
    if free is None:
        raise OutputError(f"{folder}: holds {ASIDE_MAX} unreadable reviews already", code="output-unwritable")
    try:
        os.rename(folder / NAME, free)
    except OSError as error:
        raise OutputError(f"{free}: cannot be written ({error.strerror})", code="output-unwritable") from error
    return Record(folder / NAME, [], None)


def entry(session: Session, plan_hash: str, event: Event, words: str) -> Entry:
    """What stands in a session, as an entry."""
    signed = session.signed
    return Entry(
        time=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        revision=session.rev,
        plan=plan_hash,
        corecore_version=__version__,
        event=event,
        words=words,
        side=session.room.side,
        tunnels=[
            LinePart(list(a.entry), list(a.tip), a.diameter_mm, a.cavity_diameter_mm, a.cavity_length_mm)
            for a in session.lines
        ],
        notes=session.notes,
        accepted=session.accepted,
        signed=None if signed is None else SignaturePart(signed.name, signed.day, signed.rev),
        previous="",
    )


def save_entry(session: Session, plan_hash: str, path: Path, saved_hash: str) -> Entry:
    """The entry of a save: where the plan lies, and its hash, by which ``verify`` finds the entry again."""
    return entry(session, plan_hash, "save", f"{path.parent.name}/{path.name}, plan {saved_hash}")


def step_entries(last: Entry | None, session: Session, plan_hash: str, words: str) -> list[Entry]:
    """The entries of one step: what was said of other tunnels than stand now lapses, and the step itself."""
    found = []
    if last is not None and last.signed is not None and session.signed is None:
        gone = f"signature of {last.signed.name}, {last.signed.day}, step {last.signed.rev}"
        found.append(entry(session, plan_hash, "lapse", gone))
    if last is not None and last.accepted is not None and session.accepted is None:
        found.append(entry(session, plan_hash, "lapse", f"acceptance: {last.accepted}"))
    events: dict[str, Event] = {"SignOff": "signature", "Accept": "acceptance", "Note": "note"}
    return [*found, entry(session, plan_hash, events.get(words, "move"), words)]


def resumed(fresh: Session, record: Record, plan_hash: str) -> Session:
    """The session as the last entry on this plan has it; steps are counted on from the record's last.

    Acceptance and signature stand where this version made the entry: another one may measure otherwise. Without an
    entry on this plan, the session as it is. Raises ``InputError`` for notes, tunnels and a side that cannot be.
    """
    last = record.last(plan_hash)
    if last is None:
        return replace(fresh, rev=record.revision)
    try:
        if last.side != fresh.room.side:
            raise InputError(f"a {last.side} hip; the plan's is a {fresh.room.side} one", code="review-unreadable")
        found = replace(fresh, lines=(), notes=written(last.notes), rev=record.revision)
        for part in last.tunnels:
            found = replace(found, lines=after(found, Add(_line(part))))
    except InputError as error:
        raise InputError(
            f"{record.path}: its last entry cannot stand ({error}); --afresh begins with the plan's own tunnels",
            code="review-unreadable",
        ) from error
    past = () if found.lines == fresh.lines else (fresh.lines,)
    found = replace(found, past=past, selected=0 if found.lines else None)
    if last.corecore_version != __version__:
        return found
    signed = None if last.signed is None else Signature(last.signed.name, last.signed.day, last.signed.rev)
    return replace(found, accepted=last.accepted, signed=signed)


def _line(part: LinePart) -> Line:
    (ax, ay, az), (bx, by, bz) = part.entry, part.tip
    return Line((ax, ay, az), (bx, by, bz), part.diameter_mm, part.cavity_diameter_mm, part.cavity_length_mm)


def _entries(content: Any, path: Path) -> list[Entry]:
    """The entries of a file. Raises ``ValueError`` for anything else than a record whose chain holds."""
    if isinstance(content, dict) and content.get("schema") == WITHOUT_HISTORY:
        return [_linked(_earlier(msgspec.convert(content, _Earlier), path), "")]
    file = msgspec.convert(content, _File)
    before = ""
    for number, (told, one) in enumerate(zip(content["history"], file.history, strict=True), start=1):
        if one.previous != before or one.hash != digest(told, NOT_HASHED):
            raise ValueError(f"entry {number} is not as it was written")
        wrong = _impossible(file.history, number - 1)
        if wrong:
            raise ValueError(f"entry {number} cannot have happened: {wrong}")
        before = one.hash
    return file.history


def _impossible(history: list[Entry], place: int) -> str:
    """Why no review can have come to the entry at that place, whatever its hash says; empty where one can.

    Hashes show that an entry was changed by somebody who did not make them anew; this, that the story was.
    """
    one = history[place]
    before = next((history[i] for i in range(place - 1, -1, -1) if history[i].is_of(one.plan)), None)
    if place and one.revision < history[place - 1].revision:
        return f"step {one.revision} after step {history[place - 1].revision}"
    if one.event == "earlier" and place:
        return "a version without history came after one with a history"
    try:
        datetime.datetime.fromisoformat(one.time)
    except ValueError:
        return "its time is none"
    if one.event == "earlier":
        return ""
    if before is not None and before.side != one.side:
        return "the hip's side is another one"
    same = before is not None and (before.tunnels, before.notes) == (one.tunnels, one.notes)
    carried = before is not None and before.signed == one.signed and before.accepted == one.accepted and same
    if one.event == "signature":
        if one.signed is None or one.signed.rev != one.revision:
            return "a signature of another step"
    elif one.signed is not None and not carried:
        return "a signature that nobody gave for these tunnels and notes"
    # What an acceptance ends lapses first, and the acceptance stands then already.
    step = next((history[i] for i in range(place, len(history)) if history[i].event != "lapse"), one)
    given = step.event == "acceptance" and step.accepted == one.accepted
    if one.event == "acceptance" and one.accepted is None:
        return "an acceptance without a reason"
    kept = before is not None and before.accepted == one.accepted and before.tunnels == one.tunnels
    if one.accepted is not None and not given and not kept:
        return "an acceptance that nobody gave for these tunnels"
    return ""


def _earlier(old: _Earlier, path: Path) -> Entry:
    when = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC).isoformat(timespec="seconds")
    return Entry(
        time=when, revision=old.rev, plan=old.plan, corecore_version="", event="earlier",
        words="kept by a version without history; time of the file", side=old.side, tunnels=old.tunnels,
        notes=old.notes, accepted=old.accepted, signed=old.signed, previous="",
    )  # fmt: skip


def _linked(one: Entry, previous: str) -> Entry:
    one = msgspec.structs.replace(one, previous=previous)
    return msgspec.structs.replace(one, hash=digest(msgspec.to_builtins(one), NOT_HASHED))


def _text(entries: list[Entry]) -> str:
    """The file: an entry a line."""
    lines = ",\n".join(json.dumps(msgspec.to_builtins(one), ensure_ascii=False, allow_nan=False) for one in entries)
    return f'{{"schema": "{SCHEMA}", "coordinate_system": "RAS", "units": "mm", "history": [\n{lines}\n]}}\n'


def _sha256(path: Path) -> str | None:
    if not path.exists():
        return None
    return hashlib.sha256(bytes_of(path, "a review.json", SIZE_LIMIT_BYTES)).hexdigest()
