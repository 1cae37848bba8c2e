"""Work that its caller may call off: asked at every call of a kernel, and between the steps of an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from corecore.base.errors import CancelledError

#: What says that an answer is not wanted any more: an event that is set, or a function that returns something true.
Stop: TypeAlias = threading.Event | Callable[[], object]

#: So often it is asked while kernels run on other threads, s.
ASKED_EVERY_S = 0.05

# Of the thread that waits for the answer; threads that only run kernels know nothing of it.
_stop: ContextVar[Stop | None] = ContextVar("stop", default=None)


@contextmanager
def cancellable(stop: Stop | None) -> Iterator[None]:
    """Inside, ``check_wanted`` raises ``CancelledError`` once ``stop`` says so; ``None``: as outside."""
    before = _stop.set(_stop.get() if stop is None else stop)
    try:
        yield
    finally:
        _stop.reset(before)


def is_cancellable() -> bool:
    """Whether what runs here may be called off."""
    return _stop.get() is not None


def check_wanted() -> None:
    """Raise ``CancelledError`` where the answer is not wanted any more."""
    stop = _stop.get()
    if stop is not None and (stop.is_set() if isinstance(stop, threading.Event) else stop()):
        raise CancelledError("called off by its caller; ask again", code="cancelled")
