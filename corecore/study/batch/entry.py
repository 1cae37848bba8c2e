"""What became of one row: the files that were read, and a record for each plan."""

from __future__ import annotations

import msgspec

from corecore.study.batch.columns import Record


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A file as it was read: size in bytes, time of its last change in ns, sha256 (``None``: not read).

    The time is the system's own (ctime), which no copy and no ``touch`` sets back; 0 where only the bytes can tell.
    """

    size: int
    changed_ns: int
    sha256: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """A finished row: its number, its files by role, and one record per variant.

    ``inputs`` is the fingerprint of what the manifest says of the row.
    """

    row: int
    files: dict[str, Seen]
    records: list[Record]
    inputs: str = ""
