"""Seconds that a plan takes on each sample volume: ``make bench``, or ``python benchmarks/plan_samples.py [NAME ...]``.

Each volume is planned in a process of its own, as a user would. The first row starts with no
compiled kernels; every other finds them. ``total_s`` is the whole process from its start, ``cpu_s`` its processor
time on all threads, ``verify_cpu_s`` that of ``corecore verify``; the other columns are the plan's own ``timings``.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).resolve().parent.parent / "sample_volumes"


def masks(name: str) -> tuple[str, str]:
    """References to femur and lesion of a sample: labels 1 and 2 of one map, or two files."""
    both = SAMPLES / f"{name}.nii.gz"
    if both.is_file():
        return f"{both}:1", f"{both}:2"
    return str(SAMPLES / f"{name}_femur.nii.gz"), str(SAMPLES / f"{name}_lesion.nii.gz")


def planned(name: str, folder: Path) -> dict[str, Any]:
    """One volume planned without pictures: name, status, seconds, figures. Raises where the command fails."""
    femur, lesion = masks(name)
    out = folder / name
    options = ["--femur", femur, "--lesion", lesion, "--no-pictures", "--overwrite", "--out", str(out)]
    started = time.perf_counter()
    cpu_s = processor_s("plan", *options)
    total = time.perf_counter() - started
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    row: dict[str, Any] = {"volume": name, "status": plan["status"], "total_s": total, "cpu_s": cpu_s}
    row["verify_cpu_s"] = processor_s("verify", str(out / "plan.json"))
    return row | {key: value for key, value in plan["timings"].items() if isinstance(value, (int, float))}


def processor_s(*arguments: str) -> float:
    """Processor time of a command, s, on all its threads. Raises where it fails."""
    command = [sys.executable, "-c", "import sys; from corecore.app.cli import main; sys.exit(main())", *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if run.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(arguments)}: exit code {run.returncode}\n{run.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(names: list[str]) -> None:
    """Plan each volume and print the table."""
    known = sorted({path.name.removesuffix("_truth.json") for path in SAMPLES.glob("*_truth.json")})
    if unknown := set(names) - set(known):
        raise SystemExit(f"no sample {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = str(Path(folder) / "kernels")
        rows = [planned(name, Path(folder)) for name in [(names or known)[0], *(names or known)]]
    rows[0]["volume"] += " (cold)"
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([cell(row.get(key)) for key in columns] for row in rows)]
    sys.stdout.write(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}\n\n")
    sys.stdout.writelines("| " + " | ".join(line) + " |\n" for line in lines)


def cell(value: object) -> str:
    """A figure as a table shows it."""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main(sys.argv[1:])
