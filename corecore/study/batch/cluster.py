"""Cases shared out over a Dask cluster that stands already."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from corecore.base.errors import CorecoreError, InputError, MissingExtraError
from corecore.study.batch.limits import UNLIMITED, CaseLimits
from corecore.study.batch.local import run_local

Case = TypeVar("Case")

#: Cases handed to the scheduler ahead of the workers, per thread of theirs: none waits for the next, and the
#: scheduler's memory does not grow with the batch.
AHEAD = 2
#: How long the scheduler may take to answer, s.
TIMEOUT_S = 20


def run_cluster(
    cases: Iterable[Case],
    work: Callable[[Case], Any],
    lost: Callable[[Case, CorecoreError], Any],
    address: str,
    *,
    limits: CaseLimits = UNLIMITED,
) -> Iterator[Any]:
    """``work`` of every case, as they are done, on the workers of the scheduler at ``address``.

    A worker does its cases in a process beside itself, which is ended where a case takes more than ``limits`` allow.
    ``lost``, which must be importable like ``work``, makes the result of such a case, of one whose process died, and of
    one that the scheduler has given up, its workers having died. Raises
    ``MissingExtraError`` without Dask, ``InputError`` where no scheduler answers or none has workers,
    ``CorecoreError`` where the workers cannot run a case at all.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError as error:
        raise MissingExtraError(
            "--scheduler needs Dask: pip install 'corecore[cluster]'", code="extra-missing"
        ) from error
    try:
        client = Client(address, timeout=TIMEOUT_S, set_as_default=False)
        client.wait_for_workers(1, timeout=TIMEOUT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"--scheduler {address}: no scheduler with workers there ({error or 'timeout'})",
            code="scheduler-unreachable",
        ) from error
    with client:
        task = partial(_alone, pickle.dumps((work, lost, limits)))
        waiting = iter(cases)
        running: dict[Any, Case] = {}
        done = as_completed(loop=client.loop)

        def fill() -> None:
            threads = sum(client.nthreads().values())
            while len(running) < AHEAD * max(1, threads):
                case = next(waiting, None)
                if case is None:
                    return
                future = client.submit(task, case, pure=False)
                running[future.key] = case
                done.add(future)

        fill()
        for future in done:
            case = running.pop(future.key)
            fault = future.exception()
            if fault is None:
                result = future.result()
            elif isinstance(fault, KilledWorker):
                died = "the worker died on this case, as often as the scheduler allows"
                result = lost(case, CorecoreError(died, code="case-lost"))
            else:
                # A case catches its own errors: this one is the cluster's.
                raise CorecoreError(
                    f"--scheduler {address}: a worker cannot run a case ({fault!r})", code="worker-failed"
                )
            # Let go of, or the scheduler keeps every result.
            future.release()
            fill()
            yield result


@dataclass
class _Beside:
    """The process beside a worker's thread: what it was started for, the next case, and its results."""

    task: bytes
    case: Any = None
    results: Iterator[Any] | None = None


_mine = threading.local()


def _alone(task: bytes, case: Any) -> Any:
    """What ``task`` (work, lost and limits, pickled) makes of a case, in the process beside this thread."""
    beside: _Beside | None = getattr(_mine, "beside", None)
    if beside is None or beside.task != task:
        beside = _mine.beside = _Beside(task)
        work, lost, limits = pickle.loads(task)
        # Dask's workers are daemons, which multiprocessing lets have no children; this one ends with its parent.
        multiprocessing.process.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
        beside.results = run_local(iter(lambda: beside.case, None), work, lost, 1, limits=limits)
    beside.case = case
    assert beside.results is not None
    try:
        return next(beside.results)
    except BaseException:
        # Its results have ended with the error.
        del _mine.beside
        raise
