"""Stand-ins for planning, quick and sure: what workers of the batch tests do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from corecore.base.errors import CorecoreError, InputError
from corecore.io.detect import look_at
from corecore.study.batch.case import fingerprints, lost_case
from corecore.study.batch.columns import Record
from corecore.study.batch.entry import Entry
from corecore.study.batch.manifest import Row, read_rows
from corecore.study.batch.run import Execution, run_batch
from corecore.study.batch.settings import Settings


def manifest(folder: Path, count: int) -> Path:
    """A manifest of so many hips, whose files hold their number."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["id,femur,lesion"]
    for i in range(count):
        (folder / f"{i}.nii.gz").write_text(str(i))
        lines.append(f"hip{i},{i}.nii.gz:1,{i}.nii.gz:2")
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def told(row: Row, settings: Settings) -> Entry:
    """Records that only the row and the settings decide; every fifth fails, every third has one figure more."""
    records: list[Record] = []
    for variant in settings.variants:
        record: Record = {"id": row.id, "variant": variant.name, "status": "planned", "totals.x": row.number / 3.0}
        if row.number % 3 == 0:
            record["tunnels.2.length_mm"] = row.number
        if row.number % 5 == 4:
            record = {"id": row.id, "variant": variant.name, "status": "failed", "cause": f"no head in {row.number}"}
        records.append(record)
    return Entry(row.number, fingerprints(row), records)


def slowly(row: Row, settings: Settings) -> Entry:
    """``told``, after a moment."""
    time.sleep(0.02)
    return told(row, settings)


def forever(row: Row, settings: Settings) -> Entry:
    """Never done, but for the first two rows."""
    if row.number > 1:
        (Path(row.femur).parent / f"begun{row.number}").touch()
        time.sleep(600.0)
    return told(row, settings)


def unevenly(row: Row, settings: Settings) -> Entry:
    """``told``, later rows sooner."""
    time.sleep(0.2 if row.number == 0 else 0.0)
    return told(row, settings)


def dying_once(row: Row, settings: Settings) -> Entry:
    """``told``; but the worker of row 3 is killed the first time."""
    mark = Path(row.femur).parent / "died"
    if row.number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return told(row, settings)


def dying(row: Row, settings: Settings) -> Entry:
    """``told``; but every worker of row 3 is killed."""
    if row.number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return told(row, settings)


def who(row: Row) -> Entry:
    """Which process did the row, and with how many threads it may work."""
    record: Record = {"id": row.id, "status": "planned", "pid": os.getpid(), "threads": os.environ["OMP_NUM_THREADS"]}
    return Entry(row.number, {}, [record])


def broken(row: Row, settings: Settings) -> Entry:
    """No case at all: what a worker without its libraries does."""
    raise RuntimeError("this machine has no planner")


def stillborn(pipe: Any, work: Any, parent: int) -> None:
    """A worker that ends before it begins."""
    sys.exit(3)


def mended(row: Row, settings: Settings) -> Entry:
    """Planned, every row."""
    records: list[Record] = [{"id": row.id, "variant": "", "status": "planned"}]
    return Entry(row.number, fingerprints(row), records)


def named(row: Row, settings: Settings) -> Entry:
    """``mended``, once its file has been looked at.

    But the row ``forever`` is never done, nor what it starts, and ``hungry`` takes ever more memory.
    """
    try:
        look_at(row.paths()["femur"])
    except InputError as error:
        return lost_case(settings, row, error)
    if row.id == "forever":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (Path(row.femur).parent / "started").write_text(str(child.pid))
        child.wait()
    if row.id == "hungry":
        held: list[bytearray] = []
        while len(held) < 200:
            held.append(bytearray(b"x") * (20 << 20))
            time.sleep(0.02)
    return mended(row, settings)


def lost(row: Row, error: CorecoreError) -> Entry:
    """The entry of a row that took its worker along."""
    return Entry(row.number, {}, [{"id": row.id, "status": "failed", "cause": str(error)}])


if __name__ == "__main__":
    # A driver to be killed: MANIFEST OUT WORKERS WORK.
    source, out, number = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    work = {"slowly": slowly, "forever": forever}[sys.argv[4]]
    run_batch(
        read_rows(source), Settings(), out, base=source.parent, execution=Execution(number, resume=True), work=work
    )
