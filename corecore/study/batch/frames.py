"""A batch's tables read back: frames of pandas or polars, a table of Arrow, or a mapping of columns."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from corecore.base.errors import CorecoreError, InputError, MissingExtraError
from corecore.base.input_file import first_line, opened
from corecore.study.batch.table import LONG, LONG_PARQUET, PARQUET, arrow

#: What a table may be handed out as.
Frame: TypeAlias = Literal["pandas", "polars", "arrow", "mapping"]
#: Columns that a wide table must have to be a batch's.
NEEDED = ("id", "variant", "status", "cause")


@dataclass(frozen=True)
class BatchResults:
    """The tables of one batch; made by `read_results`.

    Attributes
    ----------
    folder : pathlib.Path
        The batch's folder.
    frame : {"pandas", "polars", "arrow", "mapping"}
        What ``wide`` and ``long`` are handed out as.
    units : dict of str to str
        Unit of each column of the wide table: ``mm``, ``mm2``, ``ml``, ``deg``, ``s``, ``d``, ``HU``; ``1`` for a
        share, a probability or a ratio; empty for a count, a class, a text or a flag.
    """

    folder: Path
    frame: Frame
    units: dict[str, str]

    @property
    def wide(self) -> Any:
        """A row per record (a hip and a set of parameters), a column per figure.

        A pandas frame has the units in ``attrs["units"]``, an Arrow table in its fields' metadata.
        """
        return self._read(PARQUET, NEEDED)

    @property
    def long(self) -> Any:
        """A row per record and figure.

        Columns are ``id``, ``variant``, ``preset``, ``group``, ``name``, ``tunnel``, ``value``, ``text``, ``unit`` and
        ``kind``: ``kind`` is ``number``, ``flag`` (``value`` 1 or 0) or ``text`` (in ``text``). Raises ``InputError``
        where the batch has no long table.
        """
        return self._read(LONG_PARQUET, LONG)

    def _read(self, name: str, needed: tuple[str, ...]) -> Any:
        with parquet_file(self.folder / name, needed) as stored:
            table = stored.read()
        if self.frame == "polars":
            # Theirs who ask for it: no library that corecore itself needs.
            return importlib.import_module("polars").from_arrow(table)
        if self.frame == "pandas":
            frame = table.to_pandas()
            if name == PARQUET:
                frame.attrs["units"] = dict(self.units)
            return frame
        return table if self.frame == "arrow" else _mapping(table)


def read_results(path: Path | str, *, frame: Frame | None = None) -> BatchResults:
    """The tables that ``corecore batch`` wrote.

    Parameters
    ----------
    path : path-like
        The batch's folder, or its ``results.parquet``.
    frame : {"pandas", "polars", "arrow", "mapping"}, optional
        What tables are handed out as. Default: pandas where it is installed, else a mapping: a dictionary of columns
        by name, numbers as arrays with NaN for what is missing, anything else as lists with ``None``, which
        ``pandas.DataFrame`` and ``polars.DataFrame`` take.

    Returns
    -------
    BatchResults
        With the tables ``wide`` and ``long``, read when they are asked for, and the columns' ``units``.

    Raises
    ------
    InputError
        Where there is no batch's table.
    MissingExtraError
        Without pyarrow, or without the library of the frame asked for.
    """
    if frame is None:
        frame = "pandas" if importlib.util.find_spec("pandas") else "mapping"
    if frame not in get_args(Frame):
        raise InputError(f"frame {frame!r}; accepted: {', '.join(get_args(Frame))}", code="option-value")
    if frame in ("pandas", "polars") and importlib.util.find_spec(frame) is None:
        raise MissingExtraError(f"a frame of {frame} needs it: pip install {frame}", code="extra-missing")
    folder = Path(path)
    if not folder.is_dir():
        if folder.exists() and folder.name not in (PARQUET, LONG_PARQUET):
            raise InputError(
                f"{folder}: the folder of corecore batch, or {PARQUET} in it, is accepted", code="results-unusable"
            )
        folder = folder.parent if folder.name in (PARQUET, LONG_PARQUET) else folder
    with parquet_file(folder / PARQUET, NEEDED) as stored:
        units = {field.name: _unit(field) for field in stored.schema_arrow}
    return BatchResults(folder, frame, units)


@contextlib.contextmanager
def parquet_file(path: Path, needed: tuple[str, ...]) -> Iterator[Any]:
    """A table of a batch, opened. Raises ``InputError`` for a file that is none, or has not the columns needed."""
    parquet = arrow().parquet
    try:
        with opened(path, "a table of corecore batch") as stream:
            stored = parquet.ParquetFile(stream)
            names = set(stored.schema_arrow.names)
            missing = [name for name in needed if name not in names]
            if missing:
                raise InputError(
                    f"{path}: no column {missing[0]!r}; a table of corecore batch, as written, is accepted",
                    code="results-unusable",
                )
            yield stored
    except (CorecoreError, MemoryError):
        raise
    # pyarrow answers a broken file with errors of nearly every kind.
    except Exception as error:
        raise InputError(f"{path}: not readable as Parquet ({first_line(error)})", code="results-unusable") from error


def _unit(field: Any) -> str:
    return (field.metadata or {}).get(b"unit", b"").decode()  # type: ignore[no-any-return]


def _mapping(table: Any) -> dict[str, Any]:
    """Columns by name: numbers as arrays, what is missing NaN; all else as lists, what is missing ``None``."""
    types = arrow().types
    found = {}
    for name in table.column_names:
        column = table[name]
        number = types.is_floating(column.type) or types.is_integer(column.type)
        found[name] = column.to_numpy() if number else column.to_pylist()
    return found
