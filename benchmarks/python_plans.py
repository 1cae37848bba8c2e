"""Plans from Python, one after another, in a process pool and on Dask: the same results, and memory that stays flat.

``python benchmarks/python_plans.py [--n 200] [--workers 2] [--modes process pool dask] [--volumes samples|coarse]
[--objective most|safest]``.
Each plan is made from arrays, as a notebook does it: volumes by turns, loaded and planned anew every time. The volumes
are the samples, or drawn hips of 1.5 mm voxels, which take a third of the time. A result is the SHA-256 of
the plan's document without its time of day and its timings. Memory is what the system says a process holds after
each plan; its growth is the slope over the second half of a process's plans, and the largest of its second half less
the largest of its first. Ends with 1 where one result of a volume differs from another, or where memory has grown by
more than ``FLAT_MIB``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import nibabel as nib
import numpy as np
import numpy.typing as npt

import corecore as cc
from corecore.study.batch.limits import memory_mib
from corecore.study.phantom.hip import HipRecipe, make_hip

Objective: TypeAlias = Literal["most", "safest"]
SAMPLES = Path(__file__).resolve().parent.parent / "sample_volumes"
#: Label maps of the samples: 1 the femur, 2 the necrosis.
VOLUMES = ("right_medium", "left_small", "right_slices")
#: Memory counts as flat below this growth, MiB: a plan's arrays take some 40 (engineering choice).
FLAT_MIB = 40.0
#: A process's first plans fill its caches and its threads' heaps, which the system's allocator keeps: with the samples
#: it took five plans, and nothing after. They are not compared.
WARM = 6
#: Seeds of the coarse hips.
COARSE = {f"coarse_{seed}": seed for seed in (1, 4, 5)}


@dataclass(frozen=True)
class Made:
    """One plan: its volume, the digest of its document, the process that made it, and what that held then."""

    volume: str
    digest: str
    process: int
    memory_mib: float


@cache
def coarse(seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Labels and affine of a drawn hip; a process draws each once."""
    hip = make_hip(replace(HipRecipe.drawn(seed), spacing_mm=(1.5, 1.5, 1.5), shaft_below_mm=45.0))
    return hip.labels(), hip.femur.grid.world_from_index


def made(volume: str, objective: Objective) -> Made:
    """Plan a volume."""
    if volume in COARSE:
        labels, affine = coarse(COARSE[volume])
    else:
        image = nib.load(SAMPLES / f"{volume}.nii.gz")
        labels, affine = np.asarray(image.dataobj), image.affine
    hip = cc.load(labels, labels={"femur": 1, "lesion": 2}, affine=affine)
    told = cc.plan(hip, diameter_mm=8.0, objective=objective).to_dict()
    del told["created"], told["timings"]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return Made(volume, digest, os.getpid(), memory_mib(os.getpid()))


def in_process(volumes: Iterable[str], objective: Objective, workers: int) -> Iterator[Made]:
    """One after another, here."""
    return (made(volume, objective) for volume in volumes)


def in_pool(volumes: Iterable[str], objective: Objective, workers: int) -> Iterator[Made]:
    """In processes that are begun anew: a fork would take threads' locks along."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(made, volumes, repeat(objective))


def on_dask(volumes: Iterable[str], objective: Objective, workers: int) -> Iterator[Made]:
    """On a cluster of Dask's on this machine."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        # Pure functions are run once for the same arguments, and these are to be run each time.
        yield from client.gather(client.map(made, list(volumes), objective=objective, pure=False))


MODES: dict[str, Callable[[Iterable[str], Objective, int], Iterator[Made]]] = {
    "process": in_process, "pool": in_pool, "dask": on_dask,
}  # fmt: skip


def growth(held: list[float]) -> tuple[float, float]:
    """Growth of one process's memory, MiB a plan, and MiB from its first half to its second; NaN for too few plans."""
    warm = held[WARM:]
    half = len(warm) // 2
    if half < 2:
        return float("nan"), float("nan")
    late = np.array(warm[half:])
    slope = float(np.polyfit(np.arange(len(late)), late, 1)[0])
    return slope, float(late.max()) - max(warm[:half])


def main() -> int:
    """Plan by each mode and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=12, help="plans of each mode")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--volumes", choices=["samples", "coarse"], default="samples")
    parser.add_argument("--objective", choices=get_args(Objective), default="safest")
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=list(MODES))
    asked = parser.parse_args()
    chosen = VOLUMES if asked.volumes == "samples" else tuple(COARSE)
    turns = [chosen[number % len(chosen)] for number in range(asked.n)]
    digests: dict[str, set[str]] = {volume: set() for volume in chosen}
    flat = True
    sys.stdout.write("| mode | plans | processes | s | largest, MiB | MiB a plan | halves apart, MiB |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|\n")
    for mode in asked.modes:
        started = time.perf_counter()
        found = list(MODES[mode](turns, asked.objective, asked.workers))
        seconds = time.perf_counter() - started
        held: dict[int, list[float]] = {}
        for one in found:
            digests[one.volume].add(one.digest)
            held.setdefault(one.process, []).append(one.memory_mib)
        grown = [growth(one) for one in held.values()]
        slope, apart = max(pair[0] for pair in grown), max(pair[1] for pair in grown)
        flat &= not apart > FLAT_MIB
        largest = max(one.memory_mib for one in found)
        row = (mode, len(found), len(held), f"{seconds:.0f}", f"{largest:.0f}", f"{slope:.2f}", f"{apart:.1f}")
        sys.stdout.write("| " + " | ".join(map(str, row)) + " |\n")
        sys.stdout.flush()
    same = all(len(results) <= 1 for results in digests.values())
    count = sum(map(len, digests.values()))
    sys.stdout.write(f"\n{count} results of {sum(map(bool, digests.values()))} volumes: ")
    sys.stdout.write("each volume's are one and the same\n" if same else "a volume's differ\n")
    return 0 if same and flat else 1


if __name__ == "__main__":
    sys.exit(main())
