"""The tables and the summary page of a long batch: ``python benchmarks/tables.py RUN --n 10000``.

Repeats the records of a batch's journal (RUN/journal.jsonl) under other names until there are ``--n``, writes the four
tables, writes the summary page, and reads the wide and the long one back by ``read_results`` (Arrow's tables). Prints
seconds, the most memory that the process has had by then, and the files' sizes. Ends with 1 where a record is missing
from what was read, or from the page.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from corecore.study.batch.columns import Record
from corecore.study.batch.entry import Entry
from corecore.study.batch.figures import read_records
from corecore.study.batch.frames import read_results
from corecore.study.batch.summary import CASES_MAX, summary_html
from corecore.study.batch.table import CSV, LONG_CSV, LONG_PARQUET, PARQUET, arrow, write_tables


class Repeated:
    """Stands for a journal of ``number`` rows, whose lines are read anew each time, as a journal's are."""

    def __init__(self, lines: list[str], number: int) -> None:
        self.finished = dict.fromkeys(range(number), 0)
        self._lines = lines

    def entry(self, row: int) -> Entry:
        """The entry of a row."""
        records: list[Record] = json.loads(self._lines[row % len(self._lines)])["records"]
        return Entry(row, {}, [{**record, "id": f"hip_{row:06d}"} for record in records])


def memory_mb() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--n", type=int, default=10_000)
    options = parser.parse_args()
    lines = (options.run / "journal.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    arrow()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        before, started, cpu = memory_mb(), time.perf_counter(), time.process_time()
        count = write_tables(Repeated(lines, options.n), out)  # type: ignore[arg-type]
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        told = [f"{count} records: {seconds:.1f} s, {cpu:.1f} s of CPU, {memory_mb() - before:.0f} MB more than before"]
        told += [
            f"  {name}: {(out / name).stat().st_size / 1e6:.1f} MB" for name in (PARQUET, CSV, LONG_PARQUET, LONG_CSV)
        ]
        sys.stdout.write("\n".join(told) + "\n")
        whole = count == options.n
        started = time.perf_counter()
        page = summary_html(read_records(out / PARQUET), out / PARQUET, out / "summary.html")
        shown = page.count(">hip_")
        whole &= shown == min(options.n, CASES_MAX)
        line = f"summary page: {shown} cases, {len(page) / 1e6:.1f} MB, {time.perf_counter() - started:.1f} s"
        sys.stdout.write(f"{line}, {memory_mb():.0f} MB at most so far\n")
        results = read_results(out, frame="arrow")
        for name in ("wide", "long"):
            started = time.perf_counter()
            table = getattr(results, name)
            ids = len(table["id"].unique())
            whole &= ids == options.n
            line = f"{name} read: {table.num_rows} rows of {ids} hips, {time.perf_counter() - started:.1f} s"
            sys.stdout.write(f"{line}, {memory_mb():.0f} MB at most so far\n")
            del table
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
