"""Cases shared out over processes of this machine, one thread each."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

from corecore.base.errors import CorecoreError
from corecore.study.batch.limits import UNLIMITED, CaseLimits, memory_mib

Case = TypeVar("Case")

#: A worker is renewed after so many cases, so that nothing that libraries keep adds up (engineering choice:
#: starting one costs about as much as half a case).
RECYCLE = 50
#: A case whose worker dies is tried so often: the machine may have been short of memory just then.
TRIES = 2
#: So many workers in a row that end before they are ready are no accident.
UNBORN = 3
#: How often a worker looks whether it is still wanted, and how often it is looked at, s.
ORPHAN_S, LOOK_S = 0.5, 0.1
#: A worker that is not ready after so long counts as one that ended, s; and how long its end is waited for.
START_S, END_S = 300.0, 10.0
#: A worker's first word.
READY = "ready"
#: Whatever shares out work by itself is told not to: the cases are the shares.
ONE_THREAD = (
    "CORECORE_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
    "VTK_SMP_MAX_THREADS",
)  # fmt: skip


@dataclass(eq=False)
class _Worker(Generic[Case]):
    process: SpawnProcess
    pipe: Connection
    case: Case | None = None
    done: int = 0
    ready: bool = False
    #: When it was started, or its case was begun; a clock that nobody sets.
    since: float = field(default_factory=time.monotonic)


def run_local(
    cases: Iterable[Case],
    work: Callable[[Case], Any],
    lost: Callable[[Case, CorecoreError], Any],
    workers: int,
    *,
    limits: CaseLimits = UNLIMITED,
    recycle: int = RECYCLE,
) -> Iterator[Any]:
    """``work`` of every case, as they are done, in ``workers`` processes.

    ``work`` must be importable, or a ``functools.partial`` of what is. ``lost`` makes the result of a case
    whose worker died ``TRIES`` times, or was ended because it took more than ``limits`` allow. An error that ``work``
    raises ends the run; so does, as ``CorecoreError``, that workers cannot be started. Workers end with this process,
    however it ends.
    """
    waiting = iter(cases)
    again: deque[Case] = deque()
    deaths: dict[int, int] = {}
    pool: list[_Worker[Case]] = []
    unborn = 0
    try:
        while True:
            _feed(pool, waiting, again, work, workers)
            if not pool:
                return
            for worker, error in _overrun(pool, limits):
                pool.remove(worker)
                _kill(worker)
                _end_of(worker)
                assert worker.case is not None
                yield lost(worker.case, error)
            by_pipe = {worker.pipe: worker for worker in pool}
            for pipe in wait(list(by_pipe), timeout=LOOK_S):
                worker = by_pipe[pipe]  # type: ignore[index]
                case = worker.case
                assert case is not None
                try:
                    answer = worker.pipe.recv()
                except (EOFError, OSError):
                    pool.remove(worker)
                    how = _end_of(worker)
                    if not worker.ready:
                        # Not the case's fault: it was not yet looked at.
                        unborn += 1
                        if unborn >= UNBORN:
                            raise CorecoreError(f"workers cannot be started ({how})", code="worker-failed") from None
                        again.append(case)
                        continue
                    deaths[id(case)] = deaths.get(id(case), 0) + 1
                    if deaths[id(case)] < TRIES:
                        again.append(case)
                    else:
                        died = f"the worker died {TRIES} times on this case ({how})"
                        yield lost(case, CorecoreError(died, code="case-lost"))
                    continue
                if answer == READY:
                    worker.ready, worker.since, unborn = True, time.monotonic(), 0
                    continue
                good, result = answer
                worker.case, worker.done = None, worker.done + 1
                if not good:
                    raise result
                if worker.done >= recycle:
                    pool.remove(worker)
                    _end_of(worker)
                yield result
    finally:
        for worker in pool:
            _kill(worker)
            _end_of(worker)


def _overrun(pool: list[_Worker[Case]], limits: CaseLimits) -> list[tuple[_Worker[Case], CorecoreError]]:
    """The workers whose case takes too much, each with what is said of it; one that does not get ready is ended."""
    found = []
    for worker in pool:
        took = time.monotonic() - worker.since
        if not worker.ready:
            if took > START_S:
                _kill(worker)
            continue
        error = None
        if took > limits.seconds:
            error = CorecoreError(f"not done after {limits.seconds:g} s; ended (--case-seconds)", code="case-seconds")
        elif limits.memory_mib is not None and (held := memory_mib(worker.process.pid or 0)) > limits.memory_mib:
            error = CorecoreError(
                f"took {held:.0f} MiB of memory, over {limits.memory_mib}; ended (--case-memory)", code="case-memory"
            )
        # What has answered, or died, meanwhile is no overrun.
        if error is not None and not worker.pipe.poll():
            found.append((worker, error))
    return found


def _kill(worker: _Worker[Any]) -> None:
    """End a worker and whatever it has started."""
    # Its group is its own once it serves; Windows has no groups, and ends the process alone.
    with contextlib.suppress(OSError):
        if worker.ready and hasattr(os, "killpg"):
            os.killpg(worker.process.pid or 0, signal.SIGKILL)
    worker.process.kill()


def _feed(
    pool: list[_Worker[Case]], waiting: Iterator[Case], again: deque[Case], work: Callable[[Case], Any], workers: int
) -> None:
    """Give every idle worker a case, start what workers are missing, and end those for whom there is none."""
    for worker in list(pool):
        if worker.case is None and not _give(worker, waiting, again):
            pool.remove(worker)
            _end_of(worker)
    while len(pool) < workers:
        case = _next(waiting, again)
        if case is None:
            return
        worker = _started(work)
        pool.append(worker)
        _send(worker, case)


def _give(worker: _Worker[Case], waiting: Iterator[Case], again: deque[Case]) -> bool:
    case = _next(waiting, again)
    if case is None:
        return False
    _send(worker, case)
    return True


def _next(waiting: Iterator[Case], again: deque[Case]) -> Case | None:
    return again.popleft() if again else next(waiting, None)


def _send(worker: _Worker[Case], case: Case) -> None:
    worker.case, worker.since = case, time.monotonic()
    # One that died meanwhile is found when its answer is waited for.
    with contextlib.suppress(OSError):
        worker.pipe.send(case)


def _started(work: Callable[[Any], Any]) -> _Worker[Any]:
    # Not forked: libraries with threads of their own do not survive that.
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs, work, os.getpid()), daemon=True)
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        process.start()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    theirs.close()
    return _Worker(process, ours)


def _serve(pipe: Connection, work: Callable[[Any], Any], parent: int) -> None:
    """A worker's life: cases in, results out, until the other end is closed."""
    # A group of its own, which ends as one. Ctrl-C does not reach it: who started the workers ends them.
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with contextlib.suppress(OSError):
        pipe.send(READY)
    while True:
        try:
            case = pipe.recv()
        except (EOFError, OSError):
            # Closed, or cut off: the other process was killed.
            return
        try:
            answer: tuple[bool, Any] = (True, work(case))
        except Exception as error:
            answer = (False, error)
        try:
            pipe.send(answer)
        except OSError:
            return


def _end_with(parent: int) -> None:
    """End this process when the one that started it has ended, in the middle of a case too: nobody wants the result."""
    started_by = multiprocessing.parent_process()
    # On Windows a process whose parent has ended keeps the parent's number.
    while os.getppid() == parent and (started_by is None or started_by.is_alive()):
        time.sleep(ORPHAN_S)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _end_of(worker: _Worker[Any]) -> str:
    """Close a worker and say how it ended."""
    worker.pipe.close()
    worker.process.join(timeout=END_S)
    if worker.process.exitcode is None:
        _kill(worker)
        # One that waits for a disk ends when that answers.
        worker.process.join(timeout=END_S)
    code = worker.process.exitcode or 0
    return f"signal {-code}" if code < 0 else f"exit code {code}"
