"""A journal of finished cases: one JSON line each, on the disk before the next is taken up.

It is only ever appended to, so that a run that is killed leaves at most one torn line, the last, which
counts for nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from corecore.base.errors import InputError, OutputError
from corecore.base.input_file import parsed_json, regular_file
from corecore.study.batch.entry import Entry
from corecore.study.batch.settings import Header

#: Longest journal and line of it read, bytes: a hundred sets of parameters take one (engineering choices).
JOURNAL_BYTES, LINE_BYTES = 100_000_000_000, 64_000_000
#: What is said of a header's entries when they do not agree.
NAMES = {
    "journal": "the journal's form",
    "version": "corecore's version",
    "rows": "the number of rows",
    "inputs": "the rows",
    "settings": "the settings",
}


class Journal:
    """An open journal; made by ``opened``. ``finished`` has the place in the file of every row that is done."""

    def __init__(self, path: Path, stream: BinaryIO, finished: dict[int, int]) -> None:
        self.path, self.finished, self._stream = path, finished, stream

    def append(self, entry: Entry) -> None:
        """Write the entry of a finished row, and wait until the disk has it.

        Raises ``OutputError`` where it cannot be written, ``ValueError`` for a row that is done already.
        """
        if entry.row in self.finished:
            raise ValueError(f"row {entry.row} is done already")
        place = _write(self.path, self._stream, entry)
        self.finished[entry.row] = place

    def entry(self, row: int) -> Entry:
        """What was written of a finished row."""
        self._stream.seek(self.finished[row])
        return msgspec.convert(parsed_json(self._stream.readline()), Entry)


@contextlib.contextmanager
def opened(path: Path, header: Header) -> Iterator[Journal]:
    """The journal at ``path``, begun where there is none.

    Raises ``InputError`` where its header is another, a line within it is damaged, or another run holds
    it; ``OutputError`` where it cannot be written.
    """
    try:
        if path.exists():
            regular_file(path, "a journal of corecore batch", JOURNAL_BYTES)
        stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o644), "r+b")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", code="output-unwritable") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{path}: another run is writing it; wait for that, or choose another --out", code="batch-busy"
            ) from error
        except OSError:
            pass  # a file system without locks: then nobody is warned
        yield Journal(path, stream, _recovered(path, stream, header))


def _recovered(path: Path, stream: BinaryIO, header: Header) -> dict[int, int]:
    """Places of the finished rows; a torn end is cut off, a header written where there is none."""
    finished: dict[int, int] = {}
    end, number, told = 0, 0, False
    size = os.fstat(stream.fileno()).st_size
    while end < size:
        line = stream.readline(LINE_BYTES)
        number += 1
        content = _content(line)
        if content is None:
            # Only the last line can be torn: every other was on the disk before the next was begun.
            if end + len(line) < size:
                raise InputError(
                    f"{path}: line {number} is damaged; choose another --out, or remove the journal",
                    code="journal-damaged",
                )
            break
        if not told:
            _check_header(path, content, header)
            told = True
        else:
            row = content.get("row")
            if not isinstance(row, int) or not 0 <= row < header.rows or row in finished:
                raise InputError(
                    f"{path}: line {number} has row {row!r}, unknown or twice; remove the journal",
                    code="journal-damaged",
                )
            finished[row] = end
        end += len(line)
    stream.truncate(end)
    stream.seek(end)
    if not told:
        _write(path, stream, header)
    return finished


def _content(line: bytes) -> dict[str, object] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        content = parsed_json(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _check_header(path: Path, found: dict[str, object], header: Header) -> None:
    wanted = json.loads(_text(header))
    differing = [name for key, name in NAMES.items() if found.get(key) != wanted[key]]
    if differing:
        raise InputError(
            f"{path}: begun with other inputs or settings ({', '.join(differing)});"
            " the same ones, or another --out, are accepted",
            code="batch-differs",
        )


def _text(content: Header | Entry) -> str:
    return json.dumps(msgspec.to_builtins(content), allow_nan=False, separators=(",", ":"))


def _write(path: Path, stream: BinaryIO, content: Header | Entry) -> int:
    """Append a line and wait for the disk; returns its place."""
    line = _text(content).encode() + b"\n"
    try:
        place = stream.seek(0, os.SEEK_END)
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", code="output-unwritable") from error
    return place
