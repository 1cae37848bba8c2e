"""The package where there is no POSIX: every module imports, files are written, and writers keep each other out.

Windows and macOS are not at hand; Linux stands in for Windows without the modules and names that only POSIX has.
"""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace

import pytest

from corecore.base import open_file
from corecore.base.errors import OutputError
from corecore.io.files import Hold, check_unclaimed, claimed
from corecore.verification.record import is_plain_name

ROOT = Path(__file__).resolve().parents[2]
#: Modules of the standard library, and names of ``os`` and ``signal``, that Windows has not.
MODULES = {"fcntl", "grp", "pwd", "resource", "syslog", "termios", "tty"}
NAMES = {
    "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "SIGHUP", "SIGKILL", "SIGPIPE", "WNOHANG", "chown", "fork",
    "forkpty", "getegid", "geteuid", "getgid", "getloadavg", "getpgid", "getpgrp", "getuid", "kill", "killpg", "mkfifo",
    "nice", "pread", "pwrite", "sched_getaffinity", "setpgid", "setsid", "statvfs", "sysconf", "umask", "uname", "wait",
}  # fmt: skip
#: Names of those that stand in the package, each asked for before it is used or within what is caught.
ASKED = {
    "app/diagnose.py sysconf": "caught", "base/parallel.py sched_getaffinity": "asked for",
    "study/batch/limits.py sysconf": "after /proc was read", "study/batch/local.py SIGKILL": "after killpg",
    "study/batch/local.py killpg": "asked for", "study/batch/local.py setpgid": "asked for",
}  # fmt: skip


def posix_only(source: str) -> set[str]:
    """What a module names that only POSIX has: names of ``os`` and ``signal``, and modules."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in {"os", "signal"}:
            found |= {node.attr} & NAMES
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names} & (MODULES | {"select"})
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} & MODULES
            found |= {one.name for one in node.names} & NAMES if node.module in {"os", "signal"} else set()
    return found


def test_what_only_posix_has_stands_in_one_file() -> None:
    found = {
        f"{path.relative_to(ROOT / 'corecore').as_posix()} {name}"
        for path in sorted((ROOT / "corecore").rglob("*.py"))
        for name in posix_only(path.read_text(encoding="utf-8"))
    }
    assert found == {"base/open_file.py fcntl", *ASKED}


@pytest.mark.parametrize(
    ("source", "name"),
    [("os.open(p, os.O_NOFOLLOW)", "O_NOFOLLOW"), ("import select, os", "select"), ("from os import fork", "fork"),
     ("signal.signal(signal.SIGHUP, f)", "SIGHUP"), ("os.open(p, os.O_RDWR); kill()", None)],
)  # fmt: skip
def test_it_is_seen(source: str, name: str | None) -> None:
    assert posix_only(source) == ({name} if name else set())


#: Run in a process of its own: libraries first, for they ask the real system; then POSIX goes, then corecore comes.
WITHOUT_POSIX = """
import importlib, os, pkgutil, signal, sys
import matplotlib.pyplot, msgspec, multiprocessing.connection, nibabel, numba, numpy, pykdtree, pyvista, scipy.ndimage
import scipy.optimize, scipy.spatial, typer, typst
modules, names, folder = {modules!r}, {names!r}, {folder!r}
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in modules:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Finder())
for name in modules:
    sys.modules.pop(name, None)
for name in names:
    for place in (os, signal):
        if hasattr(place, name):
            delattr(place, name)
import corecore
left = []
for one in pkgutil.walk_packages(corecore.__path__, "corecore."):
    if one.name.rpartition(".")[2] in {{"__main__", "gdcm_process", "itk_process"}}:
        continue
    try:
        importlib.import_module(one.name)
    except ModuleNotFoundError as error:
        # Extras that are not installed.
        if error.name in modules:
            left.append(one.name)
assert "fcntl" not in sys.modules
from pathlib import Path
from corecore.base.input_file import bytes_of
from corecore.io.files import Hold, atomic_write_bytes, check_unclaimed, staged_folder
out = Path(folder)
atomic_write_bytes(out / "a", b"1\\r\\n2", durable=True)
assert bytes_of(out / "a", "a file") == b"1\\r\\n2"
with staged_folder(out / "b") as stage:
    (stage / "plan.json").write_bytes(b"{{}}")
hold = Hold.take(out / "a", "this")
check_unclaimed(out / "a")
hold.release()
print(len([name for name in sys.modules if name.startswith("corecore.")]), left, sorted(os.listdir(out)))
"""


@pytest.mark.slow
def test_every_module_imports_and_files_are_written_without_posix(tmp_path: Path) -> None:
    text = WITHOUT_POSIX.format(modules=sorted(MODULES), names=sorted(NAMES), folder=str(tmp_path))
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    count, left = run.stdout.split(maxsplit=1)
    assert int(count) > 250
    assert left.strip() == "[] ['a', 'b']"


class Windows(SimpleNamespace):
    """``msvcrt`` as far as locks go: a byte of a file at a handle's place, held by one handle."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        super().__init__(held={})

    def locking(self, handle: int, mode: int, count: int) -> None:
        assert (mode, count) == (self.LK_NBLCK, 1)
        told = os.fstat(handle)
        key = (told.st_ino, os.lseek(handle, 0, os.SEEK_CUR))
        if self.held.get(key, handle) != handle:
            raise PermissionError(errno.EACCES, "Permission denied")
        self.held[key] = handle


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """Locks as on Windows; they end with ``held.clear()``."""
    stand_in = Windows()
    monkeypatch.setitem(sys.modules, "msvcrt", stand_in)
    monkeypatch.setattr(open_file, "fcntl", None)
    return stand_in


def test_windows_locks_a_byte_that_nobody_reads(windows: Windows, tmp_path: Path) -> None:
    target = tmp_path / "session.json"
    hold = Hold.take(target, "the page of Ann")
    assert hold.lock.read_text() == "the page of Ann"
    assert [place for _, place in windows.held] == [open_file.LOCKED_BYTE] == [2**31 - 2]
    with pytest.raises(OutputError, match="the page of Ann is writing it"):
        Hold.take(target, "another")
    with pytest.raises(OutputError, match="another run is writing"):
        check_unclaimed(target)
    with pytest.raises(OutputError, match="another run is writing"), claimed(target):
        pass
    windows.held.clear()
    hold.release()
    with claimed(target):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_leaves_the_file_where_it_was(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b"0123456789")
    with (tmp_path / "journal").open("r+b", buffering=0) as stream:
        stream.seek(4)
        open_file.lock(stream.fileno())
        assert stream.read() == b"456789"


@pytest.mark.parametrize(
    ("name", "posix", "nt"),
    [("tunnels.json", True, True), ("", False, False), (".", False, False), ("..", False, False),
     ("a/b", False, False), ("/a", False, False), ("a\0b", False, False), ("a/", False, False),
     ("a\\b", True, False), ("C:a", True, False), ("..\\a", True, False)],
)  # fmt: skip
def test_a_name_is_of_a_file_in_the_folder_itself_on_either_system(name: str, posix: bool, nt: bool) -> None:
    assert (is_plain_name(name, PurePosixPath), is_plain_name(name, PureWindowsPath)) == (posix, nt)
