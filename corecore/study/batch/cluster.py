"""Cases shared out over a Dask cluster that stands already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from corecore.base.errors import CorecoreError, InputError, MissingExtraError
from corecore.study.batch.local import ONE_THREAD

Case = TypeVar("Case")

#: Cases handed to the scheduler ahead of the workers, per thread of theirs: none waits for the next, and the
#: scheduler's memory does not grow with the batch.
AHEAD = 2
#: How long the scheduler may take to answer, s.
TIMEOUT_S = 20


def run_cluster(
    cases: Iterable[Case], work: Callable[[Case], Any], lost: Callable[[Case, str], Any], address: str
) -> Iterator[Any]:
    """``work`` of every case, as they are done, on the workers of the scheduler at ``address``.

    ``lost`` makes the result of a case that the scheduler has given up, its workers having died. Raises
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
        task = partial(_alone, work)
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
                result = lost(case, "the worker died on this case, as often as the scheduler allows")
            else:
                # A case catches its own errors: this one is the cluster's.
                raise CorecoreError(
                    f"--scheduler {address}: a worker cannot run a case ({fault!r})", code="worker-failed"
                )
            # Let go of, or the scheduler keeps every result.
            future.release()
            fill()
            yield result


def _alone(work: Callable[[Case], Any], case: Case) -> Any:
    """``work`` on one thread: the cases are the shares."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    return work(case)
