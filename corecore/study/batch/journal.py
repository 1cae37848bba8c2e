"""A journal of finished rows: one JSON line each, on the disk before the next is taken up.

It is only ever appended to; of several lines of a row the last counts. Every line ends in a hash of its own text and of
the hash before, so that a byte changed, and a line lost, moved or put in, are seen. A run that is killed leaves
at most one torn line, the last: it has no end, or bytes that the disk never got. It counts for nothing, and
is no sign of a hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from corecore.base.errors import InputError, OutputError
from corecore.base.input_file import parsed_json, regular_file
from corecore.base.open_file import TO_MAKE, lock, sync_folder
from corecore.study.batch.entry import Entry
from corecore.study.batch.settings import JOURNAL_FORM, Header

#: Longest journal and line of it read, bytes: a hundred sets of parameters take one (engineering choices).
JOURNAL_BYTES, LINE_BYTES = 100_000_000_000, 64_000_000
#: What is said of a header's entries when they do not agree.
NAMES = {"journal": "the journal's form", "version": "corecore's version", "settings": "the settings"}
#: What stands between a line's text and its hash, and after it.
CHAIN, END = b',"chain":"', b'"}\n'


class Journal:
    """An open journal; made by ``opened``.

    ``finished`` has the place in the file of every row that is done, ``others`` the ids of rows that are not asked for.
    """

    def __init__(self, path: Path, stream: BinaryIO, rows: Mapping[str, int]) -> None:
        self.path, self._stream = path, stream
        self.finished: dict[int, int] = {}
        self.others: set[str] = set()
        self._rows = rows
        self._inputs = {number: digest for digest, number in rows.items()}
        self._chain = ""

    def append(self, entry: Entry) -> None:
        """Write the entry of a finished row, and wait until the disk has it. Raises ``OutputError`` where it cannot."""
        place = self._write(msgspec.structs.replace(entry, inputs=self._inputs[entry.row]))
        self.finished[entry.row] = place

    def entry(self, row: int) -> Entry:
        """What was written last of a finished row."""
        self._stream.seek(self.finished[row])
        content = msgspec.convert(parsed_json(self._stream.readline()), Entry)
        return msgspec.structs.replace(content, row=row)

    def recover(self, header: Header) -> None:
        """Find the finished rows; cut a torn end off, and write the header where there is none.

        Raises ``InputError`` where the header is another, and where a line is not as it was written.
        """
        end, number = 0, 0
        size = os.fstat(self._stream.fileno()).st_size
        while end < size:
            line = self._stream.readline(LINE_BYTES)
            number += 1
            # Only the last line can be torn: every other was on the disk before the next was begun.
            if end + len(line) == size and (not line.endswith(b"\n") or b"\0" in line):
                break
            if number == 1:
                _check_form(self.path, line)
            content, chain = _unchained(line, self._chain)
            try:
                if number == 1:
                    _check_header(self.path, content, header)
                else:
                    self._take(msgspec.convert(content, Entry), end)
            except msgspec.ValidationError as error:
                raise InputError(
                    f"{self.path}: line {number} is not as corecore wrote it; restore the journal, or choose"
                    " another --out",
                    code="journal-damaged",
                ) from error
            self._chain = chain
            end += len(line)
        self._stream.truncate(end)
        if end == 0:
            self._write(header)

    def _take(self, entry: Entry, place: int) -> None:
        row = self._rows.get(entry.inputs)
        if row is not None:
            self.finished[row] = place
        else:
            self.others.update(str(record.get("id")) for record in entry.records)

    def _write(self, content: Header | Entry) -> int:
        """Append a line and wait for the disk; returns its place."""
        line, chain = _chained(content, self._chain)
        place = self._stream.seek(0, os.SEEK_END)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[self._stream.write(rest) :]
            os.fsync(self._stream.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                self._stream.truncate(place)
            raise OutputError(
                f"{self.path}: cannot be written ({error.strerror or error}); finished rows are kept, and --resume"
                " continues",
                code="output-unwritable",
            ) from error
        self._chain = chain
        return place


@contextlib.contextmanager
def opened(path: Path, header: Header, rows: Mapping[str, int]) -> Iterator[Journal]:
    """The journal at ``path``, begun where there is none; ``rows``: each row's number by the fingerprint of its inputs.

    Raises ``InputError`` where its header is another, a line is not as it was written, or another run holds
    it; ``OutputError`` where it cannot be written.
    """
    try:
        new = not path.exists()
        if not new:
            regular_file(path, "a journal of corecore batch", JOURNAL_BYTES)
        # Unbuffered: what a full disk did not take is not tried again at the end.
        handle = os.open(path, TO_MAKE, 0o644)
        stream = os.fdopen(handle, "r+b", buffering=0)
        if new:
            # Not every file system can say.
            with contextlib.suppress(OSError):
                sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", code="output-unwritable") from error
    with stream:
        try:
            lock(stream.fileno())
        except BlockingIOError as error:
            raise InputError(
                f"{path}: another run is writing it; wait for that, or choose another --out", code="batch-busy"
            ) from error
        except OSError:
            pass  # a file system without locks: then nobody is warned
        journal = Journal(path, stream, rows)
        journal.recover(header)
        yield journal


def _chained(content: Header | Entry, before: str) -> tuple[bytes, str]:
    """A line, and the hash it ends in; ``before``: that of the line before."""
    text = _text(content)
    chain = _link(before, text)
    return text[:-1] + CHAIN + chain.encode() + END, chain


def _text(content: Header | Entry) -> bytes:
    """What a line holds before its hash; half a character, which no file is read with, becomes a question mark."""
    content = msgspec.to_builtins(content)
    return json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _unchained(line: bytes, before: str) -> tuple[object, str]:
    """What a line holds, ``None`` where it is not as it was written after ``before``; and its hash."""
    body, _, told = line.rpartition(CHAIN)
    text = body + b"}"
    chain = _link(before, text)
    if told != chain.encode() + END:
        return None, ""
    try:
        return parsed_json(text), chain
    except ValueError:
        return None, ""


def _link(before: str, text: bytes) -> str:
    return hashlib.sha256(before.encode() + text).hexdigest()


def _check_form(path: Path, line: bytes) -> None:
    """Raise ``InputError`` for a journal of another form, which has other hashes or none."""
    try:
        content = parsed_json(line)
    except ValueError:
        return
    told = content.get("journal") if isinstance(content, dict) else None
    if told is None or (isinstance(told, str) and told.startswith("corecore.batch/") and told != JOURNAL_FORM):
        raise _differs(path, [NAMES["journal"]])


def _check_header(path: Path, content: object, header: Header) -> None:
    found, own = (msgspec.convert(one, Header) for one in (content, parsed_json(_text(header))))
    differing = [name for key, name in NAMES.items() if getattr(found, key) != getattr(own, key)]
    if differing:
        raise _differs(path, differing)


def _differs(path: Path, names: list[str]) -> InputError:
    return InputError(
        f"{path}: begun with other inputs or settings ({', '.join(names)});"
        " the same ones, or another --out, are accepted",
        code="batch-differs",
    )
