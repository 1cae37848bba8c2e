"""Where the time goes, stage by stage, and against another checkout: ``python benchmarks/stages.py --against PATH``.

Four works on one hip: a plan with pictures and report, measures, the start of a review, and one case of a batch. Stages
run one after another in a process of their own, those of a plan without what commands do beside each other; commands
are timed whole as well. Processor time is that of all threads and of children that have ended; a first run in each
checkout compiles its kernels and is not counted. Checkouts take turns. The table has the median of ``--repeat`` runs,
in seconds, and with ``--against`` the same there and the ratio of processor times, here over there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample_volumes" / "right_medium.nii.gz"
WORKS = ("plan", "measure", "review")
#: Functions that are a stage of their own, where they are called from: stage, module, name. One that a checkout has not
#: is passed over; its time is then the stage's around it.
INNER = [
    ("distance field", "corecore.hip.hip", "bone_from_voxels"),
    ("kernels loaded", "corecore.planning.search.single", "_warm_up"),
    ("search", "corecore.planning.planner", "best_tunnel"),
    ("risk", "corecore.planning.planner", "tradeoff_of"),
    ("risk", "corecore.planning.document", "by_method"),
    ("pictures", "corecore.exports.plan_folder", "draw_preview"),
    ("pictures", "corecore.exports.plan_folder", "write_scene_html"),
    ("report", "corecore.report.report", "views_of"),
    ("report", "corecore.report.report", "report_data"),
    ("report", "corecore.report.report", "write_data"),
]
Times = dict[str, tuple[float, float]]


def processor_s() -> float:
    """Processor time of this process and of its children that have ended, s."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Clock:
    """Time by stage; what a stage calls that is a stage of its own counts there alone."""

    def __init__(self) -> None:
        self.times: Times = {}
        self._inner: list[list[float]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what is done inside to a stage."""
        began = processor_s(), time.perf_counter()
        self._inner.append([0.0, 0.0])
        try:
            yield
        finally:
            whole = processor_s() - began[0], time.perf_counter() - began[1]
            inner, before = self._inner.pop(), self.times.get(name, (0.0, 0.0))
            self.times[name] = before[0] + whole[0] - inner[0], before[1] + whole[1] - inner[1]
            if self._inner:
                self._inner[-1][0] += whole[0]
                self._inner[-1][1] += whole[1]

    def watch(self, stage: str, module: str, name: str) -> None:
        """Count every call of a function, as a module knows it, to a stage."""
        home = import_module(module)
        function: Callable[..., Any] | None = getattr(home, name, None)
        if function is None:
            return

        def timed(*given: Any, **named: Any) -> Any:
            with self.stage(stage):
                return function(*given, **named)

        setattr(home, name, timed)


class AtOnce:
    """Stands for a pool of threads: what is handed in is done at once, so that its time is its own."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *given: Any, **named: Any) -> Future[Any]:
        """Do it now."""
        done: Future[Any] = Future()
        done.set_result(work(*given, **named))
        return done


def staged(work: str, hip_file: str, folder: Path) -> Times:
    """One work of this process, by stage: femur and lesion are labels 1 and 2 of ``hip_file``."""
    clock = Clock()
    with clock.stage("imports"):
        from corecore.base.spec import preset
        from corecore.hip.case import read_case
        from corecore.hip.hip import build_hip
        from corecore.hip.inputs import HipInputs
        from corecore.io.references import MaskReference
        from corecore.measures.model import measure

        loaded = {
            "plan": ["exports.plan_folder", "planning.planner", "planning.document", "report.report"],
            "review": ["review.model", "review.controller", "review.payload"],
        }
        for name in loaded.get(work, []):
            import_module(f"corecore.{name}")
    for stage, module, name in INNER:
        if module in sys.modules:
            clock.watch(stage, module, name)
    if work == "review":
        from corecore.review import payload
        from corecore.review.controller import ReviewController
        from corecore.review.model import ReviewModel

        with clock.stage("plan opened"):
            desk = ReviewModel.open(folder / "plan.json")
            table = ReviewController.open(desk, folder / "plan.json", afresh=True)
        with clock.stage("first figures"):
            payload.about(desk)
            payload.figures(desk, table.session, against=None)
        table.access.release()
        return clock.times
    femur, lesion = (MaskReference.parse(f"{hip_file}:{label}") for label in (1, 2))
    with clock.stage("reading"):
        case = read_case(HipInputs(femur, lesion, case_id="hip"))
    with clock.stage("anatomy"):
        hip = build_hip(case)
    spec = preset("core-10")
    with clock.stage("measures"):
        measures = measure(hip, spec)
    if work == "plan":
        from corecore.exports import plan_folder

        setattr(plan_folder, "ThreadPoolExecutor", AtOnce)  # noqa: B010
        with clock.stage("other figures"):
            plan = import_module("corecore.planning.planner").plan_hip(hip, spec, measures)
        with clock.stage("files"):
            plan_folder.write_plan(plan, folder)
    return clock.times


def commands(hip_file: str, folder: Path) -> dict[str, list[str]]:
    """The commands that are timed whole, by name."""
    masks = ["--femur", f"{hip_file}:1", "--lesion", f"{hip_file}:2"]
    manifest = folder / "one.csv"
    manifest.write_text(f"id,femur,lesion\nhip,{hip_file}:1,{hip_file}:2\n", encoding="utf-8")
    return {
        "plan --no-pictures": ["plan", *masks, "--no-pictures", "--out", str(folder / "bare")],
        "plan": ["plan", *masks, "--out", str(folder / "whole")],
        "measure": ["measure", *masks, "--out", str(folder / "measures.json")],
        "batch of one case": ["batch", str(manifest), "--workers", "1", "--out", str(folder / "batch")],
    }


def run(checkout: Path, arguments: list[str]) -> tuple[float, float, str]:
    """Processor and wall time of a Python process that sees this checkout, s, and what it printed."""
    own = {**os.environ, "PYTHONPATH": str(checkout), "OPENBLAS_NUM_THREADS": "1"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], env=own, cwd=checkout, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{checkout}: {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stdout


def measured(checkout: Path, hip_file: str, works: list[str]) -> dict[tuple[str, str], tuple[float, float]]:
    """One run of all works in a checkout: processor and wall, s, by work and stage."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for work in works:
            if work == "commands":
                for title, words in commands(hip_file, folder).items():
                    code = "import sys; from corecore.app.cli import main; sys.exit(main())"
                    found["command", title] = run(checkout, ["-c", code, *words])[:2]
                continue
            child = [
                str(Path(__file__).resolve()),
                "--child",
                work,
                "--hip",
                hip_file,
                "--folder",
                str(folder / "plan"),
            ]
            if work == "review" and not (folder / "plan").exists():
                run(checkout, [*child[:2], "plan", *child[3:]])
            told = json.loads(run(checkout, child)[2])
            found |= {(work, stage): (float(cpu), float(wall)) for stage, (cpu, wall) in told.items()}
            found[work, "all stages"] = (
                sum(float(one[0]) for one in told.values()), sum(float(one[1]) for one in told.values()),
            )  # fmt: skip
    return found


def table(runs: dict[Path, list[dict[tuple[str, str], tuple[float, float]]]]) -> list[list[str]]:
    """Medians as rows: this checkout, then the other and the ratio of processor times."""
    here, *others = runs
    head = ["work", "stage", "processor", "wall"] + (["there", "wall there", "ratio"] if others else [])
    rows = [head, ["---"] * 2 + ["---:"] * (len(head) - 2)]
    for key in dict.fromkeys(key for one in runs[here] for key in one):
        cells: list[float | None] = []
        for checkout in runs:
            of = [one[key] for one in runs[checkout] if key in one]
            cells += [statistics.median(one[k] for one in of) if of else None for k in (0, 1)]
        if others:
            cells.append(cells[0] / cells[2] if cells[0] is not None and cells[2] else None)
        rows.append([*key, *("" if one is None else f"{one:.2f}" for one in cells)])
    return rows


def main() -> None:
    """Measure, and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--against", type=Path, help="another checkout, to compare with")
    asked.add_argument("--repeat", type=int, default=3, help="runs that count")
    asked.add_argument("--hip", default=str(SAMPLE), help="label map: 1 the femur, 2 the necrosis")
    asked.add_argument("--works", nargs="+", choices=[*WORKS, "commands"], default=[*WORKS, "commands"])
    asked.add_argument("--child", choices=WORKS, help=argparse.SUPPRESS)
    asked.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.child:
        given.folder.mkdir(parents=True, exist_ok=True)
        sys.stdout.write(json.dumps(staged(given.child, given.hip, given.folder)))
        return
    if given.repeat < 1:
        raise SystemExit(f"--repeat {given.repeat}; 1 and more is accepted")
    checkouts = [ROOT] + ([] if given.against is None else [given.against.resolve()])
    for one in checkouts:
        if not (one / "corecore" / "__init__.py").is_file():
            raise SystemExit(f"{one}: no checkout of corecore")
    hip_file = str(Path(given.hip).resolve())
    runs: dict[Path, list[dict[tuple[str, str], tuple[float, float]]]] = {one: [] for one in checkouts}
    for turn in range(given.repeat + 1):
        for checkout in checkouts if turn % 2 else reversed(checkouts):
            found = measured(checkout, hip_file, given.works)
            # The first turn compiles.
            if turn:
                runs[checkout].append(found)
    load = os.getloadavg()[0]
    sys.stdout.write(f"{os.cpu_count()} cores, load {load:.1f}, median of {given.repeat}; seconds\n\n")
    sys.stdout.writelines("| " + " | ".join(row) + " |\n" for row in table(runs))


if __name__ == "__main__":
    main()
