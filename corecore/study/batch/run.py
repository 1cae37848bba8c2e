"""A batch: rows, settings and a folder to one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from corecore.base.errors import InputError, OutputError
from corecore.study.batch.case import changed_file, lost_case, run_case
from corecore.study.batch.cluster import run_cluster
from corecore.study.batch.dictionary import check_choice
from corecore.study.batch.entry import Entry
from corecore.study.batch.failure_kinds import failure_kind
from corecore.study.batch.journal import opened
from corecore.study.batch.layout import check_names, describe
from corecore.study.batch.limits import CaseLimits
from corecore.study.batch.local import run_local
from corecore.study.batch.manifest import Row
from corecore.study.batch.settings import Settings, header_of, inputs_of
from corecore.study.batch.table import arrow, write_tables

JOURNAL = "journal.jsonl"
#: Most ids named of one kind of failure.
NAMED_MAX = 20

#: What a row is handed to.
Work: TypeAlias = Callable[[Row, Settings], Entry]


@dataclass(frozen=True)
class Execution:
    """How a batch is carried out, which shows in no figure of it.

    Parameters
    ----------
    workers : int, default 1
        Processes of this machine.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://HOST:PORT``, whose workers are taken instead.
    resume : bool, default False
        Go on where an earlier run ended: rows that its journal has are run again only where a file or the manifest's
        line has changed since.
    retry_failed : bool, default False
        Go on, and run the rows that failed again.
    limits : CaseLimits, optional
        What a case may take, for each plan of it; one that takes more fails. Default: 600 s, any memory.
    """

    workers: int = 1
    scheduler: str | None = None
    resume: bool = False
    retry_failed: bool = False
    limits: CaseLimits = field(default_factory=CaseLimits)

    def check(self) -> None:
        """Raise ``InputError`` for what cannot be."""
        if self.workers < 1:
            raise InputError(f"--workers {self.workers}; 1 or more is accepted", code="option-value")
        self.limits.check()


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
    columns: Sequence[str] = (),
    progress: Callable[[int, int, int], None] = lambda done, total, failed: None,
    work: Work = run_case,
) -> Outcome:
    """Plan every row, and write the journal and the tables, wide and long, into ``out``.

    ``base`` is the folder that the rows' paths are seen from. ``columns`` are the groups or columns that the tables
    hold, all without them; the journal holds every figure all the same. ``progress`` is told how many rows of how many
    are done in this run, and how many records of all have failed. Raises ``InputError`` for settings that cannot be, a
    journal that is another run's or not as it was written; ``OutputError`` where ``out`` holds a batch and
    ``resume`` is not asked for; ``MissingExtraError`` without the libraries.
    """
    arrow()
    settings.check()
    execution.check()
    check_choice(columns)
    names = (row.id for row in rows if row.fault is None)
    check_names(names, (one.name for one in settings.variants), settings.layout)
    journal_path = out / JOURNAL
    if journal_path.exists() and not (execution.resume or execution.retry_failed):
        raise OutputError(
            f"{out}: holds a batch already; --resume, or another folder, is accepted", code="output-exists"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be made ({error.strerror or error})", code="output-unwritable") from error
    outcome = Outcome()
    left: list[Row] = []
    with opened(journal_path, header_of(settings), inputs_of(rows, base, settings.variants)) as journal:
        if journal.others and not journal.finished and journal.others.isdisjoint(row.id for row in rows):
            raise InputError(
                f"{journal_path}: begun with other inputs or settings (the rows); the same ones, or another --out,"
                " are accepted",
                code="batch-differs",
            )
        for row in rows:
            entry = journal.entry(row.number) if row.number in journal.finished else None
            if entry is None or _again(row, entry, execution):
                left.append(row)
            else:
                outcome.count(entry)
        for done, entry in enumerate(_shared_out(left, settings, work, execution), start=1):
            journal.append(entry)
            outcome.count(entry)
            progress(done, len(left), outcome.statuses.get("failed", 0))
        write_tables(journal, out, columns)
    if settings.layout == "bids":
        describe(out)
    return outcome


def _again(row: Row, entry: Entry, execution: Execution) -> bool:
    """Whether a finished row is to be run again."""
    failed = any(record["status"] == "failed" for record in entry.records)
    return (execution.retry_failed and failed) or changed_file(row, entry.files) is not None


def _shared_out(rows: list[Row], settings: Settings, work: Work, execution: Execution) -> Iterator[Entry]:
    if not rows:
        return iter(())
    task, lost = partial(_call, work, settings), partial(lost_case, settings)
    limits = replace(execution.limits, seconds=execution.limits.seconds * len(settings.variants))
    if execution.scheduler is not None:
        return run_cluster(rows, task, lost, execution.scheduler, limits=limits)
    return run_local(rows, task, lost, min(execution.workers, len(rows)), limits=limits)


def _call(work: Work, settings: Settings, row: Row) -> Entry:
    return work(row, settings)
