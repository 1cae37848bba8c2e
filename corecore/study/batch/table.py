"""The table of a batch: from its journal to Parquet and CSV, a part at a time."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corecore.base.errors import MissingExtraError, OutputError
from corecore.io.spreadsheet import text_cell
from corecore.study.batch.columns import LEAD, Cell, Record, order
from corecore.study.batch.journal import Journal

#: Records held as such while writing; and those of one row group, held as columns. The file's index grows with the
#: number of groups (2 MB each, with 700 columns), so they are larger.
PART, GROUP = 256, 4096
#: Kinds of columns, narrow to wide; a column is as wide as its widest cell.
KINDS = ("none", "bool", "int", "float", "text")


def arrow() -> Any:
    """The library that writes Parquet. Raises ``MissingExtraError`` where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(
            "a batch's table needs pyarrow: pip install 'corecore[batch]'", code="extra-missing"
        ) from error
    return pyarrow


def write_tables(journal: Journal, parquet: Path, csv_file: Path) -> int:
    """Write every finished row, in the order of the manifest, each file whole or not at all.

    Returns the number of records. Raises ``OutputError`` where a file cannot be written.
    """
    kinds = _kinds(journal)
    names = order(list(kinds))
    with _replacing(csv_file) as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        count = 0
        for record in _records(journal):
            writer.writerow(_csv_cell(record.get(name), kinds[name]) for name in names)
            count += 1
    with _replacing(parquet) as part:
        _write_parquet(journal, part, names, kinds)
    return count


def _write_parquet(journal: Journal, path: Path, names: list[str], kinds: dict[str, str]) -> None:
    pa = arrow()
    types = {"none": pa.float64(), "bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "text": pa.string()}
    schema = pa.schema([(name, types[kinds[name]]) for name in names])
    with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        waiting: list[Any] = []
        for part in _parts(journal):
            columns = [
                pa.array([_typed(record.get(name), kinds[name]) for record in part], type=types[kinds[name]])
                for name in names
            ]
            waiting.append(pa.RecordBatch.from_arrays(columns, schema=schema))
            if sum(batch.num_rows for batch in waiting) >= GROUP:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))


def _records(journal: Journal) -> Iterator[Record]:
    for row in sorted(journal.finished):
        yield from journal.entry(row).records


def _parts(journal: Journal) -> Iterator[list[Record]]:
    part: list[Record] = []
    for record in _records(journal):
        part.append(record)
        if len(part) == PART:
            yield part
            part = []
    if part:
        yield part


def _kinds(journal: Journal) -> dict[str, str]:
    """Every column that any record has or every table must have, in the order they come, and what it holds."""
    widest = {name: KINDS.index("int" if name == "seed" else "text") for name in LEAD}
    for record in _records(journal):
        for name, value in record.items():
            kind = _kind(value)
            known = widest.get(name, 0)
            # A yes or no among numbers, or among texts, is neither: such a column is text.
            mixed = kind and known and kind != known and 1 in (kind, known)
            widest[name] = KINDS.index("text") if mixed else max(known, kind)
    return {name: KINDS[kind] for name, kind in widest.items()}


def _kind(value: Cell) -> int:
    for place, types in ((1, bool), (2, int), (3, float), (4, str)):
        if isinstance(value, types):
            return place
    return 0


def _typed(value: Cell, kind: str) -> Cell:
    if value is None:
        return None
    if kind == "text":
        return _text(value, kind)
    return float(value) if kind == "float" else value


def _csv_cell(value: Cell, kind: str) -> str:
    """A cell of the CSV file. Numbers stay numbers; no text is a formula, or ends the line for one who reads CR so."""
    return text_cell(value).replace("\r", " ") if isinstance(value, str) else _text(value, kind)


def _text(value: Cell, kind: str) -> str:
    """A cell as text: empty where there is none, numbers to the last digit."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value)) if kind == "float" else str(value)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A hidden file beside ``path`` that takes its place when the block ends without an error."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", code="output-unwritable") from error
    finally:
        part.unlink(missing_ok=True)
