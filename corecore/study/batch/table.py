"""The tables of a batch: from its journal to Parquet and CSV, a part at a time.

The wide table has a row per record (a hip and a set of parameters) and a column per figure; the long one has a
row per record and figure.
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from corecore.base.errors import MissingExtraError, OutputError
from corecore.io.spreadsheet import text_cell
from corecore.study.batch.columns import LEAD, Cell, Record, order
from corecore.study.batch.dictionary import Column, chosen, column_of
from corecore.study.batch.journal import Journal

PARQUET, CSV = "results.parquet", "results.csv"
LONG_PARQUET, LONG_CSV = "results_long.parquet", "results_long.csv"
#: Records held as such while writing; and those of one row group, held as columns. The file's index grows with the
#: number of groups (2 MB each, with 700 columns), so they are larger.
PART, GROUP = 256, 4096
#: Records turned into rows of the long table at once, and rows of one row group of it, some 15 MB as columns.
LONG_PART, LONG_GROUP = 32, 131_072
#: Kinds of columns, narrow to wide; a column is as wide as its widest cell.
KINDS = ("none", "bool", "int", "float", "text")
#: The same as the long table names them.
LONG_KINDS = {"bool": "flag", "int": "number", "float": "number", "text": "text"}
#: What every row of the long table repeats of its record, and its other columns.
IDENTITY = ("id", "variant", "preset")
LONG = (*IDENTITY, "group", "name", "tunnel", "value", "text", "unit", "kind")

#: A row of the long table; ``value`` as it is in the record.
LongRow = tuple[Cell, Cell, Cell, str, str, int | None, Cell, str | None, str, str]


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


def write_tables(journal: Journal, out: Path, columns: Sequence[str] = ()) -> int:
    """Write every finished row, in the order of the manifest: all four files whole, or none.

    ``columns`` are groups, names of columns or beginnings of them; every table has the leading ones, and without a
    choice all. Returns the number of records. Raises ``OutputError`` where a file cannot be written.
    """
    kinds = {name: kind for name, kind in _kinds(journal).items() if chosen(name, columns)}
    names = order(list(kinds))
    about = {name: column_of(name) for name in names}
    count = 0
    files = [out / name for name in (PARQUET, CSV, LONG_PARQUET, LONG_CSV)]
    with _replacing(files) as parts, contextlib.ExitStack() as stack:
        parquet, long_parquet = (
            _ParquetFile(path, part, schema, group)
            for path, part, schema, group in (
                (files[0], parts[0], _wide_schema(names, kinds, about), GROUP),
                (files[2], parts[2], _long_schema(), LONG_GROUP),
            )
        )
        wide_csv, long_csv = _CsvFile(files[1], parts[1], names), _CsvFile(files[3], parts[3], LONG)
        for sheet in (parquet, long_parquet, wide_csv, long_csv):
            stack.enter_context(contextlib.closing(sheet))
        for records in _parts(journal):
            count += len(records)
            parquet.write([[_typed(record.get(name), kinds[name]) for record in records] for name in names])
            wide_csv.write([_csv_cell(record.get(name), kinds[name]) for name in names] for record in records)
            for some in (records[i : i + LONG_PART] for i in range(0, len(records), LONG_PART)):
                rows = [row for record in some for row in _long_rows(record, names, kinds, about)]
                long_csv.write(_long_csv_row(row) for row in rows)
                long_parquet.write(_long_columns(rows))
        # Closed within the block: what the disk does not take is an error of the file that it is found in.
        for sheet in (parquet, long_parquet, wide_csv, long_csv):
            sheet.finish()
    return count


class _CsvFile:
    """A CSV file that is written row by row; ``path`` is what it will be called."""

    def __init__(self, path: Path, part: Path, heads: Sequence[str]) -> None:
        self._path = path
        with _told(path):
            self._stream = part.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._stream, lineterminator="\n")
        self.write([heads])

    def write(self, rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> None:
        """Append rows of cells as they are to be read."""
        with _told(self._path):
            self._writer.writerows(rows)

    def finish(self) -> None:
        """Hand all of it to the disk."""
        with _told(self._path):
            self._stream.close()

    def close(self) -> None:
        """Let go of it, whatever came of it."""
        with contextlib.suppress(OSError):
            self._stream.close()


class _ParquetFile:
    """A Parquet file that is written in row groups of ``group`` rows and more; ``path`` is what it will be called."""

    def __init__(self, path: Path, part: Path, schema: Any, group: int) -> None:
        self._path, self._schema, self._group = path, schema, group
        self._pa = arrow()
        with _told(path):
            self._writer = self._pa.parquet.ParquetWriter(part, schema, compression="zstd")
        self._waiting: list[Any] = []

    def write(self, columns: Sequence[Sequence[Cell]]) -> None:
        """Append rows, given as columns in the schema's order."""
        arrays = [self._pa.array(cells, type=field.type) for cells, field in zip(columns, self._schema, strict=True)]
        self._waiting.append(self._pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        if sum(batch.num_rows for batch in self._waiting) >= self._group:
            self._flush()

    def finish(self) -> None:
        """Write what waits, and the file's index."""
        if self._waiting:
            self._flush()
        with _told(self._path):
            self._writer.close()

    def close(self) -> None:
        """Let go of it, whatever came of it."""
        with contextlib.suppress(OSError):
            self._writer.close()

    def _flush(self) -> None:
        table = self._pa.Table.from_batches(self._waiting, self._schema)
        self._waiting = []
        with _told(self._path):
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))


def _wide_schema(names: Sequence[str], kinds: dict[str, str], about: dict[str, Column]) -> Any:
    pa = arrow()
    types = {"none": pa.float64(), "bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "text": pa.string()}
    return pa.schema(
        [
            pa.field(name, types[kinds[name]], metadata={"unit": about[name].unit, "meaning": about[name].meaning})
            for name in names
        ]
    )


def _long_schema() -> Any:
    pa = arrow()
    types = {"tunnel": pa.int64(), "value": pa.float64()}
    return pa.schema([(name, types.get(name, pa.string())) for name in LONG])


def _long_rows(
    record: Record, names: Sequence[str], kinds: dict[str, str], about: dict[str, Column]
) -> Iterator[LongRow]:
    """A row for each figure that a record has; a figure that it does not have has none."""
    identity = (record.get("id"), record.get("variant"), record.get("preset"))
    for name in names:
        value = record.get(name)
        if value is None or name in IDENTITY:
            continue
        one, kind = about[name], kinds[name]
        text = kind == "text"
        yield (
            *identity, one.group, one.name, one.tunnel, None if text else _typed(value, kind),
            _text(value, kind) if text else None, one.unit, LONG_KINDS[kind],
        )  # fmt: skip


def _long_columns(rows: Sequence[LongRow]) -> list[Sequence[Cell]]:
    """Columns of the long table: numbers as such, 1 for yes and 0 for no."""
    if not rows:
        return [[] for _ in LONG]
    columns: list[Sequence[Cell]] = list(zip(*rows, strict=True))
    place = LONG.index("value")
    columns[place] = [None if value is None else float(value) for value in columns[place]]
    for place in range(len(IDENTITY)):
        columns[place] = [None if value is None else _text(value, "text") for value in columns[place]]
    return columns


def _long_csv_row(row: LongRow) -> list[str]:
    *identity, group, name, tunnel, value, text, unit, kind = row
    number = "" if value is None else repr(int(value) if isinstance(value, bool) else value)
    return [
        *(_csv_cell(cell, "text") for cell in identity), _safe(group), _safe(name),
        "" if tunnel is None else str(tunnel), number, "" if text is None else _safe(text), unit, kind,
    ]  # fmt: skip


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
    return _safe(value) if isinstance(value, str) else _text(value, kind)


@lru_cache(maxsize=8192)
def _safe(text: str) -> str:
    # Most texts stand in thousands of rows.
    return text_cell(text).replace("\r", " ")


def _text(value: Cell, kind: str) -> str:
    """A cell as text: empty where there is none, numbers to the last digit."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value)) if kind == "float" else str(value)


@contextlib.contextmanager
def _replacing(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Hidden files beside ``paths`` that take their places when the block ends without an error."""
    parts = [path.with_name(f".{path.name}.part") for path in paths]
    try:
        yield parts
        for part, path in zip(parts, paths, strict=True):
            with _told(path):
                os.replace(part, path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """An error of the disk is told of the file that it is an error of."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", code="output-unwritable") from error
