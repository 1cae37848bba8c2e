"""corecore in a process of its own: where it is, and how one asks it.

Slicer's Python may be of another version, and its VTK is another one than corecore's: nothing of corecore is imported
here. One line of JSON is a request, one line an answer (``corecore pipe``).
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import PersonError

#: Names the command where neither a setting nor the search path does.
VARIABLE = "CORECORE"
#: What is asked of a Python that has corecore.
STARTER = "import sys; from corecore.app.cli import main; sys.exit(main(sys.argv[1:]))"
#: What Slicer's launcher sets for its own Python, and another program must not see.
OF_SLICER = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "QT_PLUGIN_PATH", "PYTHONNOUSERSITE")
#: Lines of the process's own complaints that are kept for a message.
COMPLAINTS = 20
#: How long a killed process may take to go, s.
PATIENCE_S = 5.0

Event = dict[str, Any]


@dataclass(eq=False)
class Job:
    """A request on its way. ``done`` gets the answer, ``failed`` the message, ``step`` what is being done meanwhile."""

    number: int
    done: Callable[[dict[str, Any]], None]
    failed: Callable[[str], None]
    step: Callable[[str, float | None], None] = field(default=lambda name, share: None)
    ended: bool = False


def find_command(setting: str = "", own: Path | None = None) -> list[str]:
    """The command that starts corecore: the setting, ``CORECORE``, the installation of the module, the search path.

    A setting may name the command or a Python that has corecore. Raises ``PersonError`` where there is none.
    """
    for given in (setting, os.environ.get(VARIABLE, "")):
        if given.strip():
            path = Path(given.strip()).expanduser()
            if not path.is_file():
                raise PersonError(f"{path}: no such file. Name the command corecore, or a Python that has it.")
            return [str(path)] if path.name.startswith("corecore") else [str(path), "-c", STARTER]
    if own is not None and (own / "corecore" / "__init__.py").is_file():
        return [own_python(), "-c", STARTER]
    found = shutil.which("corecore", path=outer_environment().get("PATH"))
    if found is None:
        raise PersonError(
            "corecore was not found. Install it (pip install corecore, Python 3.11 or newer) and name its command under"
            " 'Where corecore is', or let the module install it."
        )
    return [found]


def own_python() -> str:
    """The Python of this Slicer, as a command: ``PythonSlicer`` beside the interpreter, where it is Slicer's."""
    beside = Path(sys.executable).with_name("PythonSlicer" + (".exe" if os.name == "nt" else ""))
    return str(beside) if beside.is_file() else sys.executable


def outer_environment(before: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment outside Slicer: ``before``, as Slicer's ``startupEnvironment`` has it; else without its own."""
    if before:
        return dict(before)
    return {name: value for name, value in os.environ.items() if name not in OF_SLICER}


def install_command(target: Path, source: str = "corecore") -> list[str]:
    """What installs corecore into a folder of its own, so that its VTK never meets Slicer's.

    Raises ``PersonError`` where Slicer's Python is too old for it.
    """
    if sys.version_info < (3, 11):
        have = ".".join(map(str, sys.version_info[:2]))
        raise PersonError(
            f"This Slicer's Python is {have}; corecore needs 3.11. Install corecore beside Slicer, in a Python of its"
            " own, and name its command under 'Where corecore is'."
        )
    return [own_python(), "-m", "pip", "install", "--upgrade", "--target", str(target), source]


class Companion:
    """The process beside Slicer. Its answers are handed out by ``poll``, in the thread that calls it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.command = [*command, "pipe"]
        self.environment = dict(environment) if environment is not None else outer_environment()
        self._process: subprocess.Popen[str] | None = None
        self._complaints: Any = None
        self._listener: threading.Thread | None = None
        self._events: queue.Queue[tuple[int, Event]] = queue.Queue()
        self._jobs: dict[int, Job] = {}
        self._number = 0
        #: Rises with each process: what an ended one still said is no answer.
        self._generation = 0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._jobs)

    def ask(
        self,
        request: dict[str, Any],
        done: Callable[[dict[str, Any]], None],
        failed: Callable[[str], None],
        step: Callable[[str, float | None], None] | None = None,
    ) -> Job:
        """Sends a request; starts the process where there is none. Raises ``PersonError`` where it does not start."""
        if not self.running:
            self._start()
        self._number += 1
        job = Job(self._number, done, failed, step or (lambda name, share: None))
        self._jobs[job.number] = job
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"id": job.number, **request}, allow_nan=False) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            del self._jobs[job.number]
            raise PersonError(f"corecore has ended: {self._last_words() or error}") from error
        return job

    def poll(self) -> None:
        """Hands out what has been answered since; to be called again and again."""
        while True:
            try:
                generation, event = self._events.get_nowait()
            except queue.Empty:
                return
            if generation != self._generation:
                continue
            if "ended" in event:
                self._gone()
                continue
            job = self._jobs.get(event.get("id", 0))
            if job is None:
                continue
            if "step" in event:
                job.step(str(event["step"]), event.get("share"))
                continue
            del self._jobs[job.number]
            job.ended = True
            if "error" in event:
                job.failed(str(event["error"]))
            else:
                job.done(event.get("done") or {})

    def wait(self, job: Job, timeout_s: float = 1800.0) -> None:
        """Polls until a job has ended: for scripts and tests, which have no clock of their own."""
        until = time.monotonic() + timeout_s
        while not job.ended:
            self.poll()
            if time.monotonic() > until:
                self.cancel()
                raise PersonError(f"corecore has not answered within {timeout_s:g} s.")
            time.sleep(0.01)

    def cancel(self) -> None:
        """Ends the process and all it has started; whoever waits is told so."""
        self._stop(kill=True)
        self._fail_all("Cancelled.")

    def close(self) -> None:
        """Lets the process end by itself, and ends it where it does not."""
        self._stop(kill=bool(self._jobs))
        self._fail_all("Cancelled.")

    def _start(self) -> None:
        self._complaints = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        options: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            options = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        try:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints,
                env=self.environment, encoding="utf-8", errors="replace", **options,
            )  # fmt: skip
        except OSError as error:
            self._complaints.close()
            raise PersonError(f"{self.command[0]} does not start: {error.strerror or error}.") from error
        self._generation += 1
        self._listener = threading.Thread(target=self._listen, args=(self._process, self._generation), daemon=True)
        self._listener.start()

    def _listen(self, process: subprocess.Popen[str], generation: int) -> None:
        """In a thread of its own: what the process says goes into the queue, line by line."""
        assert process.stdout is not None
        for line in process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                self._events.put((generation, event))
        process.stdout.close()
        process.wait()
        self._events.put((generation, {"ended": process.returncode}))

    def _stop(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        # What it still says is no answer to anybody.
        self._generation += 1
        if process is None:
            return
        self._end(process, kill=kill)
        if self._listener is not None:
            # It ends with the process's output.
            self._listener.join(PATIENCE_S)
        self._complaints.close()

    def _end(self, process: subprocess.Popen[str], *, kill: bool) -> None:
        if process.stdin is not None:
            try:
                process.stdin.close()
            except OSError:
                kill = True
        if not kill:
            try:
                process.wait(PATIENCE_S)
                return
            except subprocess.TimeoutExpired:
                pass
        if process.poll() is None:
            if os.name == "nt":
                subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], check=False, capture_output=True)
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE_S)

    def _gone(self) -> None:
        said = self._last_words()
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process = None
        self._complaints.close()
        self._fail_all(f"corecore has ended: {said}" if said else "corecore has ended by itself.")

    def _fail_all(self, message: str) -> None:
        jobs, self._jobs = list(self._jobs.values()), {}
        for job in jobs:
            job.ended = True
            job.failed(message)

    def _last_words(self) -> str:
        """The last that the process complained of."""
        if self._complaints is None or self._complaints.closed:
            return ""
        self._complaints.seek(0)
        lines = [line.strip() for line in self._complaints.read().splitlines() if line.strip()]
        return " ".join(lines[-COMPLAINTS:])[-600:]
