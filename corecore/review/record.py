"""The review on disk: ``review.json`` beside the plan, written after every step, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from corecore.base.errors import InputError
from corecore.base.input_file import first_line, json_of
from corecore.io.files import atomic_write_text
from corecore.review.session import Add, Line, Session, after, written

SCHEMA = "corecore.review/1"
NAME = "review.json"
#: Largest record read, bytes: sixteen tunnels take four thousand.
SIZE_LIMIT_BYTES = 1_000_000


def record(session: Session, plan_hash: str) -> dict[str, Any]:
    """What is kept of a session: the tunnels as they stand, and what was said of them; no history."""
    return {
        "schema": SCHEMA,
        "coordinate_system": "RAS",
        "units": "mm",
        "plan": plan_hash,
        "rev": session.rev,
        "side": session.room.side,
        "tunnels": [asdict(line) for line in session.lines],
        "notes": session.notes,
        "accepted": session.accepted,
        "signed": None if session.signed is None else asdict(session.signed),
    }


def save(session: Session, plan_hash: str, folder: Path) -> None:
    """Writes the record. Raises ``OutputError`` where it cannot be written."""
    text = json.dumps(record(session, plan_hash), indent=1, ensure_ascii=False, allow_nan=False)
    atomic_write_text(folder / NAME, text + "\n")


def resumed(session: Session, plan_hash: str, folder: Path) -> Session:
    """The session with tunnels and notes of an earlier review of the same plan, as one step; its signature stays there.

    Without such a record, the session as it is. Raises ``InputError`` for a record that cannot be read.
    """
    path = folder / NAME
    if not path.is_file():
        return session
    try:
        content = json_of(path, "a review.json", SIZE_LIMIT_BYTES)
        if content.get("schema") != SCHEMA or content.get("plan") != plan_hash:
            # Of another plan, or another program: left alone until the first step overwrites it.
            return session
        lines = [
            Line(**{**item, "entry": tuple(item["entry"]), "tip": tuple(item["tip"])}) for item in content["tunnels"]
        ]
        notes = written(str(content.get("notes", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not readable ({first_line(error)}); remove it, or give --afresh",
            code="review-unreadable",
        ) from error
    empty = replace(session, lines=())
    for line in lines:
        empty = replace(empty, lines=after(empty, Add(line)))
    session = replace(session, notes=notes)
    if empty.lines == session.lines:
        return session
    return replace(session, lines=empty.lines, past=(session.lines,), rev=session.rev + 1)
