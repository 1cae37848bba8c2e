"""The tables of a long batch: ``python benchmarks/tables.py RUN --n 10000``.

Repeats the records of a batch's journal (RUN/journal.jsonl) under other names until there are ``--n``, and writes the
four tables. Prints seconds, the most memory that writing added, and the files' sizes.
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


def main() -> None:
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


if __name__ == "__main__":
    main()
