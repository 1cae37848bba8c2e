"""A batch of synthetic hips, measured: ``python benchmarks/batch.py FOLDER --n 200 --workers 8``.

Draws a population into FOLDER/hips (what is there already stays), spoils one file in a hundred, and runs
``corecore batch`` three times: through; then with the driver killed again and again and the run resumed;
then with one worker process killed. Prints hips per second, memory of driver and workers at several lengths,
whether every spoilt file and no other was named, and whether all tables are the same, times apart.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

COMMAND = [sys.executable, "-c", "import sys; from corecore.app.cli import main; sys.exit(main())"]
#: How often a process's memory is looked at, s.
LOOK_S = 0.2


def spoil(path: Path, way: int) -> None:
    """Make a volume unreadable or senseless, in one of four ways."""
    data = path.read_bytes()
    if way == 0:
        path.write_bytes(data[: len(data) // 2])
    elif way == 1:
        path.write_bytes(b"no volume")
    elif way == 2:
        # The header alone: an image without its voxels.
        path.write_bytes(gzip.compress(gzip.decompress(data)[:352]))
    else:
        plain = gzip.decompress(data)
        path.write_bytes(gzip.compress(plain[:352] + bytes(len(plain) - 352)))


def population(folder: Path, number: int, workers: int, share: float) -> set[str]:
    """Draw the hips that are missing, spoil some, and return the spoilt ones' ids."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in range(number) if not (folder / f"hip_{seed:06d}_truth.json").exists()]
    if missing:
        options = ["--n", str(number - missing[0]), "--seed", str(missing[0]), "--workers", str(workers)]
        subprocess.run([*COMMAND, "synth", "--out", str(folder), *options], check=True, stdout=subprocess.DEVNULL)
    every = max(1, round(1.0 / share)) if share > 0.0 else number + 1
    bad = {f"hip_{seed:06d}" for seed in range(every // 2, number, every)}
    for place, name in enumerate(sorted(bad)):
        if (folder / f"{name}.spoilt").exists():
            continue
        spoil(folder / f"{name}.nii.gz", place % 4)
        (folder / f"{name}.spoilt").touch()
    return bad


def children(pid: int) -> list[int]:
    """Processes that a process has started, and theirs."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        try:
            number, parent = int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        parents.setdefault(parent, []).append(number)
    found, waiting = [], [pid]
    while waiting:
        mine = parents.get(waiting.pop(), [])
        found += mine
        waiting += mine
    return found


def resident_mb(pid: int) -> float:
    """Resident memory of a process; 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024.0 for line in lines if line.startswith("VmRSS")), 0.0)


class Rows:
    """How many rows a journal has, read on from where it was read to."""

    def __init__(self, path: Path) -> None:
        self._path, self._place, self._lines = path, 0, 0

    def __call__(self) -> int:
        if self._path.exists():
            with self._path.open("rb") as stream:
                stream.seek(self._place)
                while part := stream.read(1 << 20):
                    self._lines += part.count(b"\n")
                    self._place += len(part)
        return max(0, self._lines - 1)


def run(hips: Path, out: Path, workers: int, watch: Callable[[subprocess.Popen[bytes], int], None]) -> int:
    """Run or resume a batch; ``watch`` is called now and then with the process and the rows done."""
    rows = Rows(out / "journal.jsonl")
    options = ["batch", str(hips), "--out", str(out), "--workers", str(workers), "--resume"]
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        watch(process, rows())
        time.sleep(LOOK_S)
    return process.returncode


def table(out: Path) -> list[dict[str, Any]]:
    """A batch's table without what a clock says."""
    stored = pq.read_table(out / "results.parquet")
    rows: list[dict[str, Any]] = stored.select(
        [name for name in stored.column_names if not name.startswith("timings.")]
    ).to_pylist()
    return rows


def main() -> None:
    """Draw, run, kill, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--spoil", type=float, default=0.01, help="share of spoilt files")
    parser.add_argument("--kills", type=int, default=3, help="how often the driver is killed in the second run")
    given = parser.parse_args()
    hips = given.folder / "hips"
    bad = population(hips, given.n, given.workers, given.spoil)
    outs = [given.folder / name for name in ("through", "killed", "worker")]
    for out in outs:
        shutil.rmtree(out, ignore_errors=True)

    peaks: dict[int, tuple[float, float]] = {}
    driver, worker = 0.0, 0.0

    def measure(process: subprocess.Popen[bytes], rows: int) -> None:
        nonlocal driver, worker
        driver = max(driver, resident_mb(process.pid))
        worker = max([worker, *(resident_mb(pid) for pid in children(process.pid))])
        for mark in (given.n // 10, given.n // 5, given.n // 2, given.n):
            if rows >= mark:
                peaks.setdefault(mark, (driver, worker))

    started = time.perf_counter()
    code = run(hips, outs[0], given.workers, measure)
    seconds = time.perf_counter() - started
    peaks[given.n] = (driver, worker)
    rows = table(outs[0])
    failed = {row["id"] for row in rows if row["status"] == "failed"}
    say = sys.stdout.write
    say(f"{given.n} hips, {given.workers} workers: {seconds:.0f} s, {given.n / seconds:.2f} hips/s, exit code {code}\n")
    say(f"spoilt {len(bad)}, failed {len(failed)}, the same: {bad == failed}; no cause missing:")
    say(f" {all(row['cause'] for row in rows if row['status'] == 'failed')}\n")
    for mark, (one, other) in sorted(peaks.items()):
        say(f"peak after {mark} rows: driver {one:.0f} MB, largest worker {other:.0f} MB\n")

    goals = [(i + 1) * given.n // (given.kills + 1) for i in range(given.kills)]
    for goal in goals:

        def kill(process: subprocess.Popen[bytes], rows: int, goal: int = goal) -> None:
            if rows >= goal:
                process.send_signal(signal.SIGKILL)

        run(hips, outs[1], given.workers, kill)
    code = run(hips, outs[1], given.workers, lambda process, rows: None)
    say(f"driver killed {given.kills} times, resumed: exit code {code}, same table: {table(outs[1]) == rows}\n")

    killed: list[int] = []

    def kill_worker(process: subprocess.Popen[bytes], rows: int) -> None:
        if rows >= given.n // 3 and not killed:
            found = [pid for pid in children(process.pid) if resident_mb(pid) > 100.0]
            for pid in found[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    code = run(hips, outs[2], given.workers, kill_worker)
    say(f"{len(killed)} worker killed: exit code {code}, same table: {table(outs[2]) == rows}\n")


if __name__ == "__main__":
    main()
