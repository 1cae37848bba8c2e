"""A batch: rows, settings and a folder to one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from corecore.base.errors import InputError, OutputError
from corecore.study.batch.case import changed_file, lost_case, run_case
from corecore.study.batch.cluster import run_cluster
from corecore.study.batch.entry import Entry
from corecore.study.batch.failure_kinds import failure_kind
from corecore.study.batch.journal import Journal, opened
from corecore.study.batch.local import run_local
from corecore.study.batch.manifest import Row
from corecore.study.batch.settings import Settings, header_of
from corecore.study.batch.table import arrow, write_tables

JOURNAL, PARQUET, CSV = "journal.jsonl", "results.parquet", "results.csv"
#: Most ids named of one kind of failure.
NAMED_MAX = 20

#: What a row is handed to.
Work: TypeAlias = Callable[[Row, Settings], Entry]


@dataclass(frozen=True)
class Execution:
    """How a batch is carried out, which shows in no figure of it.

    ``workers`` processes of this machine, or those of the Dask scheduler at the address ``scheduler``. With
    ``resume`` rows that the journal has are not run again.
    """

    workers: int = 1
    scheduler: str | None = None
    resume: bool = False

    def check(self) -> None:
        """Raise ``InputError`` for what cannot be."""
        if self.workers < 1:
            raise InputError(f"--workers {self.workers}; 1 or more is accepted", code="option-value")


@dataclass
class Outcome:
    """What became of a batch: records by status, and ids by the kind of failure."""

    rows: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    failures: dict[str, tuple[int, list[str]]] = field(default_factory=dict)

    def count(self, entry: Entry) -> None:
        """Take in a finished row."""
        self.rows += 1
        for record in entry.records:
            status = str(record["status"])
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == "failed":
                kind = failure_kind(str(record["cause"]))
                number, ids = self.failures.get(kind, (0, []))
                self.failures[kind] = (number + 1, ids if len(ids) == NAMED_MAX else [*ids, str(record["id"])])


def run_batch(
    rows: list[Row],
    settings: Settings,
    out: Path,
    *,
    base: Path,
    execution: Execution = Execution(),
    progress: Callable[[int, int, int], None] = lambda done, total, failed: None,
    work: Work = run_case,
) -> Outcome:
    """Plan every row, and write the journal, ``results.parquet`` and ``results.csv`` into ``out``.

    ``base`` is the folder that the rows' paths are seen from. ``progress`` is told how many rows of how many are done
    in this run, and how many records of all have failed. Raises ``InputError`` for settings that cannot be, a journal
    of another run, a file that has changed since its row was planned; ``OutputError`` where ``out`` holds a batch and
    ``resume`` is not asked for; ``MissingExtraError`` without the libraries.
    """
    arrow()
    settings.check()
    execution.check()
    journal_path = out / JOURNAL
    if journal_path.exists() and not execution.resume:
        raise OutputError(
            f"{out}: holds a batch already; --resume, or another folder, is accepted", code="output-exists"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be made ({error.strerror or error})", code="output-unwritable") from error
    outcome = Outcome()
    with opened(journal_path, header_of(rows, settings, base)) as journal:
        for row in sorted(journal.finished):
            entry = journal.entry(row)
            _check_unchanged(rows[row], entry)
            outcome.count(entry)
        left = [row for row in rows if row.number not in journal.finished]
        for done, entry in enumerate(_shared_out(left, settings, work, execution), start=1):
            journal.append(entry)
            outcome.count(entry)
            progress(done, len(left), outcome.statuses.get("failed", 0))
        _write(journal, out)
    return outcome


def _shared_out(rows: list[Row], settings: Settings, work: Work, execution: Execution) -> Iterator[Entry]:
    if not rows:
        return iter(())
    task = partial(_call, work, settings)

    def lost(row: Row, cause: str) -> Entry:
        return lost_case(row, settings, cause)

    if execution.scheduler is not None:
        return run_cluster(rows, task, lost, execution.scheduler)
    return run_local(rows, task, lost, min(execution.workers, len(rows)))


def _call(work: Work, settings: Settings, row: Row) -> Entry:
    return work(row, settings)


def _check_unchanged(row: Row, entry: Entry) -> None:
    changed = changed_file(row, entry.files)
    if changed is not None:
        raise InputError(
            f"{changed}: not the file that row {row.id!r} was planned on; begin anew in another --out",
            code="input-changed",
        )


def _write(journal: Journal, out: Path) -> None:
    write_tables(journal, out / PARQUET, out / CSV)
