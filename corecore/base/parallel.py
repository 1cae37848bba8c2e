"""Work shared out over as many threads as the machine has.

Each piece is worked for itself and written to its own place, so that no result depends on the
number of threads. What is worked must release the interpreter's lock.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from corecore.base.cancellation import ASKED_EVERY_S, check_wanted, is_cancellable

#: Lines are handed out in this many parts a thread, so that no thread waits long for another.
PARTS_PER_THREAD = 8


def thread_count() -> int:
    """``CORECORE_THREADS`` where set, else the cores this process may use."""
    given = os.environ.get("CORECORE_THREADS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parts(count: int, work: Callable[[slice], object]) -> None:
    """Call ``work`` for slices that cover ``range(count)``, on all threads. ``work`` itself must not call this.

    Raises ``CancelledError`` where the caller may call it off and has: what waits is dropped, and nobody waits for
    what runs.
    """
    check_wanted()
    threads, watched = thread_count(), is_cancellable()
    if threads == 1 and count and not watched:
        work(slice(0, count))
        return
    size = max(1, -(-count // (threads * PARTS_PER_THREAD)))
    parts = [slice(first, min(first + size, count)) for first in range(0, count, size)]
    running = [_workers(threads, os.getpid()).submit(work, part) for part in parts]
    try:
        for one in running:
            while watched:
                check_wanted()
                if wait((one,), ASKED_EVERY_S).done:
                    break
            one.result()
    except BaseException:
        for one in running:
            one.cancel()
        raise


@functools.cache
def _workers(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads that stay: begun anew they cost more than most calls. A forked process has none of its parent's."""
    return ThreadPoolExecutor(threads, thread_name_prefix="corecore")
