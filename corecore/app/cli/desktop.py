"""An entry in the desktop's menu that opens the planning page: a file in the user's own folder, and nothing else."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from corecore.base.errors import OutputError
from corecore.io.files import atomic_write_text

NAME = "corecore"
COMMENT = "Plan core decompression of the femoral head (not a medical device)"


def write_entry(folder: Path | None, language: str) -> Path:
    """Write the entry, for a folder of cases and a language, and return its path.

    On Linux a ``.desktop`` file, on macOS a ``.command`` file under Applications, on Windows a ``.cmd`` file in the
    start menu. Raises ``OutputError`` where it cannot be written.
    """
    words = [sys.executable, "-m", "corecore", "open"]
    if folder is not None:
        words.append(str(folder.resolve()))
    words += ["--language", language]
    path, text = entry(words, sys.platform)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_text(path, text)
        if not sys.platform.startswith("win"):
            os.chmod(path, 0o755)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", code="output-unwritable") from error
    return path


def entry(words: list[str], platform: str) -> tuple[Path, str]:
    """Where the entry of a command belongs on a platform (``sys.platform``), and its text."""
    if platform.startswith("win"):
        menu = Path(os.environ.get("APPDATA") or Path.home()) / "Microsoft" / "Windows" / "Start Menu" / "Programs"
        # In a batch file a per cent sign begins a variable.
        command = subprocess.list2cmdline(words).replace("%", "%%")
        return menu / f"{NAME}.cmd", f"@echo off\r\n{command}\r\n"
    if platform == "darwin":
        return Path.home() / "Applications" / f"{NAME}.command", f"#!/bin/sh\nexec {shlex.join(words)}\n"
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    lines = (
        "[Desktop Entry]", "Type=Application", f"Name={NAME}", f"Comment={COMMENT}",
        f"Exec={' '.join(_quoted(word) for word in words)}", "Terminal=false", "Categories=Science;MedicalSoftware;",
    )  # fmt: skip
    return data / "applications" / f"{NAME}.desktop", "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    """A word of ``Exec`` as the Desktop Entry Specification quotes it; a line's end ends the key, so none may stay."""
    plain = "".join(c for c in word if c.isprintable())
    for sign in ("\\", '"', "`", "$"):
        plain = plain.replace(sign, f"\\{sign}")
    # The value itself is a string, in which a backslash is written twice; a per cent sign begins a field.
    return '"' + plain.replace("\\", "\\\\").replace("%", "%%") + '"'
