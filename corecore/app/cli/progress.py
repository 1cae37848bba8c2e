"""What the command line shows while it works, and the log of a run."""

from __future__ import annotations

import contextlib
import contextvars
import io
import logging
import platform
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from corecore.base.version import __version__

#: Who is told the steps instead of a terminal: a program that runs the commands (``corecore pipe``).
_listener: contextvars.ContextVar[Callable[..., None] | None] = contextvars.ContextVar("corecore_steps", default=None)


@contextlib.contextmanager
def told(listener: Callable[..., None]) -> Iterator[None]:
    """Inside, ``listener(name, share)`` is told every step, whether there is a terminal or not."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


@contextlib.contextmanager
def steps(*, quiet: bool = False) -> Iterator[Callable[..., None]]:
    """A function ``step(name, share)`` that shows the running step on stderr, with a bar once a share is known.

    Nothing is shown with ``quiet`` or where stderr is not a terminal.
    """
    listener = _listener.get()
    if listener is not None:
        yield listener
        return
    if quiet or not sys.stderr.isatty():
        yield lambda name, share=None: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=None)

        def step(name: str, share: float | None = None) -> None:
            progress.update(task, description=name, total=None if share is None else 1.0, completed=share or 0.0)

        yield step


@contextlib.contextmanager
def run_log() -> Iterator[Callable[[], str]]:
    """Collects what the library logs during a run; call the result for the text so far."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("corecore")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    stream.write(f"corecore {__version__}, Python {platform.python_version()}, {platform.system()}\n")
    try:
        yield stream.getvalue
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
