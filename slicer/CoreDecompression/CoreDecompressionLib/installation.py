"""corecore installed beside Slicer's own libraries, in a folder of its own, on consent."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .companion import install_command, outer_environment
from .errors import PersonError


class Installation:
    """pip at work. ``poll`` tells when it has ended; nothing is installed where it is not begun."""

    def __init__(self, target: Path, source: str = "corecore") -> None:
        self.target = Path(target)
        self.command = install_command(self.target, source)
        self._process: subprocess.Popen[str] | None = None
        self._log: Any = None

    def begin(self) -> None:
        """Starts pip. Raises ``PersonError`` where it does not start."""
        self.target.mkdir(parents=True, exist_ok=True)
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        try:
            self._process = subprocess.Popen(
                self.command, stdout=self._log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, encoding="utf-8"
            )
        except OSError as error:
            self._log.close()
            raise PersonError(f"{self.command[0]} does not start: {error.strerror or error}.") from error

    def poll(self, done: Callable[[], None], failed: Callable[[str], None]) -> bool:
        """Whether it has ended; then one of the two has been called."""
        assert self._process is not None
        code = self._process.poll()
        if code is None:
            return False
        if code == 0:
            done()
        else:
            self._log.seek(0)
            lines = [line.strip() for line in self._log.read().splitlines() if line.strip()]
            failed(f"corecore could not be installed: {' '.join(lines[-3:])[-500:]}")
        self._log.close()
        return True

    def stop(self) -> None:
        """Ends pip."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
            self._log.close()


def environment_for(own: Path, command: list[str], outside: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment in which a command finds corecore: Slicer's own for its own Python, else that outside Slicer."""
    if "-c" in command and (own / "corecore").is_dir() and command[0].startswith(_home()):
        return {**os.environ, "PYTHONPATH": str(own), "PYTHONNOUSERSITE": "1"}
    return outer_environment(outside)


def _home() -> str:
    from .companion import own_python

    return own_python()
