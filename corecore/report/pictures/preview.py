"""The preview picture: drawn by a process of its own, and plainly where that process fails."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from corecore.base.language import language
from corecore.io.files import atomic_write_bytes
from corecore.report.pictures.plain import PlainRenderer
from corecore.report.pictures.sheet import Sheet, draw_sheet
from corecore.report.pictures.surface import Picture
from corecore.report.scene import Scene

log = logging.getLogger(__name__)

#: A process that takes longer hangs, seconds (it loads in 1 to 4, draws in 1; engineering choice for a busy machine).
PATIENCE_S = 90.0
#: Set to "plain", or to "software", to leave OpenGL out.
CHOICE_VARIABLE = "CORECORE_RENDERER"


@dataclass(frozen=True)
class PreviewResult:
    """Where the picture is, which renderer made it (``pyvista (...)`` or ``plain``), and its views without the words.

    ``views`` (h, w, 3) uint8: the panels with their titles and the legend.
    """

    path: Path
    renderer: str
    views: Picture


def draw_preview(scene: Scene, path: Path) -> PreviewResult:
    """Draws the picture as PNG (``sheet.draw_sheet``); it appears whole or not at all.

    Raises ``OutputError`` where it cannot be written.
    """
    sheet = None if plain_wanted() else DRAWING.sheet(scene)
    if sheet is None:
        sheet = draw_sheet(scene, PlainRenderer())
    log.info("pictures drawn by %s", sheet.renderer)
    atomic_write_bytes(Path(path), sheet.png)
    return PreviewResult(Path(path), sheet.renderer, sheet.views)


def prepare() -> None:
    """Start the process that will draw, so that it has loaded when the scene is ready."""
    if not plain_wanted():
        with contextlib.suppress(OSError):
            DRAWING.start()


def plain_wanted() -> bool:
    """Whether ``CORECORE_RENDERER`` asks for the plain renderer."""
    return os.environ.get(CHOICE_VARIABLE) in {"plain", "software"}


class DrawingProcess:
    """The process that draws (``drawing_process``), started when it is first needed and kept for further pictures."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._renderer: str | None = None
        self._lock = threading.RLock()

    def start(self) -> subprocess.Popen[bytes]:
        """The running process, a new one where there is none. Raises ``OSError`` where it cannot be started."""
        with self._lock:
            if self._process is not None and (self._owner != os.getpid() or self._process.poll() is not None):
                # After a fork the process answers another.
                self.end()
            if self._process is None:
                # -P: the working folder may hold names that are none of Python's business.
                command = [sys.executable, "-P", "-m", "corecore.report.pictures.drawing_process"]
                environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
                self._process = subprocess.Popen(
                    command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
                self._owner, self._renderer = os.getpid(), None
            return self._process

    def renderer(self) -> str | None:
        """What the process draws with, or ``None`` where it cannot draw."""
        return self._asked(None) and self._renderer

    def sheet(self, scene: Scene) -> Sheet | None:
        """The scene drawn, or ``None`` where the process died or hung."""
        answer = self._asked(scene)
        return answer if isinstance(answer, Sheet) else None

    def end(self) -> None:
        """End the process. No process outlives a run that came to no picture."""
        with self._lock:
            if self._process is not None and self._owner == os.getpid():
                self._process.kill()
                self._process.communicate()
            self._process = None

    def _asked(self, scene: Scene | None) -> Sheet | str | None:
        """The process's answer to a scene; without one, the name of its renderer."""
        with self._lock:
            try:
                process = self.start()
            except OSError as error:
                log.info("the drawing process did not start: %s", type(error).__name__)
                return None
            limit = threading.Timer(PATIENCE_S, process.kill)
            limit.start()
            try:
                question, answers = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
                if self._renderer is None:
                    self._renderer = str(pickle.load(answers))
                if scene is None:
                    return self._renderer
                pickle.dump((scene, language()), question)
                question.flush()
                return cast(Sheet, pickle.load(answers))
            except (OSError, EOFError, pickle.UnpicklingError):
                process.kill()
                log.info("the drawing process ended with code %s", process.wait())
                self.end()
                return None
            finally:
                limit.cancel()


#: One for all pictures of this run.
DRAWING = DrawingProcess()
atexit.register(DRAWING.end)
