"""Which plan a file says it was made of: the hash that stands in its header, title, note or first rows.

Every file made of a plan carries at least the first eight digits of its hash (``corecore.document.seal.plan_hash``):
a page and a print in the title, a picture in a text chunk, a mesh in its header, markups, volumes and 3MF in a note,
a table in the column ``plan_hash``, a review under ``plan``.
"""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path

from corecore.base.errors import InputError
from corecore.io.bounded import opened, reading, unpacked

#: How much is read of a file's beginning and of its end, bytes: every title, note and header lies there.
HEAD_BYTES, TAIL_BYTES = 256 * 1024, 64 * 1024
#: Where a 3MF file keeps its title.
MODEL = "3D/3dmodel.model"
NAME = rb"\b(?:plan|report|plan_hash)[\"']?[ :=]{1,3}[\"']?([0-9a-f]{64}|[0-9a-f]{8})"
NAMED = re.compile(NAME + rb"\b")
#: A text of a PNG file ends at its checksum, which may begin with a letter.
IN_PNG = re.compile(NAME)


def named_plan(path: Path) -> str | None:
    """The hash of a plan (8 or 64 hex digits) that a file names; ``None`` where it names none or cannot be read."""
    try:
        with opened(path, "a file made of a plan") as stream, reading(path, "a file made of a plan"):
            start = stream.read(4)
            stream.seek(0)
            if start.startswith(b"PK\x03\x04"):
                with zipfile.ZipFile(stream) as archive, archive.open(MODEL) as model:
                    return _found(model.read(HEAD_BYTES))
            if start.startswith(b"\x1f\x8b"):
                return _found(unpacked(stream, "gzip").read(HEAD_BYTES))
            head = stream.read(HEAD_BYTES)
            if start == b"\x89PNG":
                return _found(head, IN_PNG)
            stream.seek(max(len(head), stream.seek(0, 2) - TAIL_BYTES))
            return _column(head) if path.suffix.lower() == ".csv" else _found(head) or _found(stream.read())
    except InputError:
        return None


def _found(data: bytes, form: re.Pattern[bytes] = NAMED) -> str | None:
    match = form.search(data)
    return None if match is None else match[1].decode("ascii")


def _column(data: bytes) -> str | None:
    """The plan of a table's first row."""
    rows = csv.DictReader(data.decode("utf-8-sig", "replace").splitlines()[:2])
    return next(((row.get("plan_hash") or None) for row in rows), None)
