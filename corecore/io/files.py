"""Writing files whole or not at all, and fingerprints of what was read."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from corecore.base.errors import InputError, OutputError
from corecore.base.input_file import bytes_of, opened, reading, short
from corecore.base.open_file import NO_LINK, TO_MAKE, TO_READ, sync_folder
from corecore.base.open_file import lock as lock_file

#: What this run holds: a step within another that holds the same place does not wait for it.
_HELD: ContextVar[frozenset[str]] = ContextVar("held", default=frozenset())
#: How long a writer of some files waits for another, and how often it looks, s (engineering choices).
PATIENCE_S, POLL_S = 10.0, 0.02
#: Name, in a hidden folder, of the folder that will take its place.
STAGE = "whole"
#: Most that a lock's file says of who holds it, bytes.
HOLDER_MAX_BYTES = 300


def atomic_write_bytes(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write ``data`` to ``path`` so that a reader sees the old file or the new one, never a part.

    ``durable``: on the disk itself before this returns, whatever becomes of the machine. Raises ``OutputError`` where
    the folder cannot be written.
    """
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", code="output-unwritable") from error


def atomic_write_text(path: Path, text: str) -> None:
    """``atomic_write_bytes`` for UTF-8 text."""
    atomic_write_bytes(path, text.encode("utf-8"))


@contextlib.contextmanager
def claimed(target: Path, *, patience_s: float = 0.0) -> Iterator[None]:
    """Holds what lies at ``target``, or is to lie there, for one writer, until the block ends.

    A lock of the system's on a hidden file beside it: it ends with the process, however that ends. Within a block
    that holds it already nothing more is done. Raises ``OutputError`` where another writer holds it longer than
    ``patience_s``, and where nothing can be written.
    """
    place = Path(os.path.realpath(target))
    if str(place) in _HELD.get():
        yield
        return
    made = _missing_folders(place.parent)
    lock = _lock_of(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = _locked(lock, target, time.monotonic() + patience_s)
    except OSError as error:
        _remove_empty(made)
        raise OutputError(
            f"{target}: cannot be written ({error.strerror or error})", code="output-unwritable"
        ) from error
    token = _HELD.set(_HELD.get() | {str(place)})
    try:
        yield
    finally:
        _HELD.reset(token)
        _let_go(lock, handle)
        _remove_empty(made)


@dataclass(frozen=True)
class Hold:
    """A file that one program alone writes for as long as it runs; ends with ``release``, or with the program.

    The lock is that of ``claimed``; who has it stands in the lock's file.
    """

    lock: Path
    handle: int

    @classmethod
    def take(cls, target: Path, holder: str) -> Hold:
        """Takes hold of ``target``. Raises ``OutputError`` that names who has it, and where nothing can be written."""
        lock = _lock_of(Path(os.path.realpath(target)))
        try:
            handle = _locked(lock, target, 0.0)
        except OutputError as error:
            raise OutputError(f"{target}: {_holder(lock)} is writing it", code="output-busy") from error
        except OSError as error:
            raise OutputError(
                f"{target}: cannot be written ({error.strerror or error})", code="output-unwritable"
            ) from error
        # A lock left by another user is held all the same, and keeps its words.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, holder.encode("utf-8")[:HOLDER_MAX_BYTES])
        return cls(lock, handle)

    def stands(self) -> bool:
        """Whether the lock's file still bears its name: where it was taken away, another program can have its own."""
        return _is_named(self.handle, self.lock)

    def release(self) -> None:
        """Lets go."""
        _let_go(self.lock, self.handle)


def _is_named(handle: int, path: Path) -> bool:
    """Whether an open file is the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except OSError:
        return False


def _let_go(lock: Path, handle: int) -> None:
    """Remove a lock's file while it is held: whoever opened it meanwhile finds that it no longer has that name.

    One of that name that another program holds is left. Windows removes no open file: there it goes once it is
    closed, unless another has opened it.
    """
    mine = _is_named(handle, lock)
    if mine:
        with contextlib.suppress(OSError):
            os.unlink(lock)
    with contextlib.suppress(OSError):
        os.close(handle)
    if mine and os.name == "nt":
        with contextlib.suppress(OSError):
            os.unlink(lock)


def _holder(lock: Path) -> str:
    """Who has a lock, as it says itself: one line."""
    try:
        text = bytes_of(lock, "a lock", HOLDER_MAX_BYTES).decode("utf-8", "replace")
    except InputError:
        text = ""
    return short(text, HOLDER_MAX_BYTES) or "another program"


def check_unclaimed(target: Path) -> None:
    """Raise ``OutputError`` where another writer holds ``target``; for what adds one file to a folder in an instant."""
    place = Path(os.path.realpath(target))
    if str(place) in _HELD.get():
        return
    try:
        handle = os.open(_lock_of(place), TO_READ | NO_LINK)
    except OSError:
        # No lock, or none that can be looked at.
        return
    try:
        lock_file(handle, shared=True)
    except BlockingIOError as error:
        raise _busy(target) from error
    except OSError:
        return
    finally:
        os.close(handle)


def _lock_of(place: Path) -> Path:
    # Some names are too long to take an ending.
    name = place.name if len(os.fsencode(place.name)) < 200 else hashlib.sha256(os.fsencode(place.name)).hexdigest()
    return place.parent / f".{name}.lock"


def _busy(target: Path) -> OutputError:
    return OutputError(
        f"{target}: another run is writing there; wait for its end, or choose another folder", code="output-busy"
    )


def _locked(lock: Path, target: Path, until: float) -> int:
    """A locked handle of the file ``lock``. Raises ``OutputError`` where another holds it, ``OSError`` for a fault."""
    while True:
        try:
            handle = os.open(lock, TO_MAKE | NO_LINK, 0o666)
        except PermissionError:
            # Left by another user's run that was killed.
            handle = os.open(lock, TO_READ | NO_LINK)
        try:
            lock_file(handle)
            if _is_named(handle, lock):
                return handle
        except BlockingIOError as error:
            if time.monotonic() >= until:
                os.close(handle)
                raise _busy(target) from error
            time.sleep(POLL_S)
        except OSError:
            # A file system without locks: then the folder's own renaming refuses the second.
            return handle
        os.close(handle)


def _missing_folders(folder: Path) -> list[Path]:
    """Those of a folder and its parents that are not there, the innermost first."""
    return list(itertools.takewhile(lambda one: not one.exists(), (folder, *folder.parents)))


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


@contextlib.contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """A hidden folder beside ``target`` that becomes it when the block ends without an error.

    A folder that is there already takes the files over, one after the other, a ``plan.json`` last: a plan that lies
    there is whole. When the block ends with an error, the hidden folder is dropped and ``target`` is as it was. Raises
    ``OutputError`` where nothing can be written, and where another run is writing there.
    """
    with claimed(target, patience_s=PATIENCE_S):
        try:
            outer = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
            stage = outer / STAGE
            stage.mkdir()
        except OSError as error:
            raise OutputError(
                f"{target}: cannot be written ({error.strerror or error})", code="output-unwritable"
            ) from error
        try:
            yield stage
            try:
                _moved(stage, target)
            except OSError as error:
                raise OutputError(
                    f"{target}: cannot be written ({error.strerror or error})", code="output-unwritable"
                ) from error
        except OutputError as error:
            # Of the hidden folder nobody knows: the file is named as it was to be called.
            text = str(error)
            if str(stage) not in text:
                raise
            raise OutputError(text.replace(str(stage), str(target)), code=error.code) from error
        finally:
            shutil.rmtree(outer, ignore_errors=True)


def _moved(stage: Path, target: Path) -> None:
    if not os.path.lexists(target):
        try:
            os.rename(stage, target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
            raise OutputError(
                f"{target}: another run has just written there; choose another folder", code="output-busy"
            ) from error
        return
    for item in sorted(stage.iterdir(), key=lambda one: (one.name == "plan.json", one.name)):
        os.replace(item, target / item.name)


def sha256_of(path: Path) -> str:
    """Fingerprint of a file's bytes; of a folder, that of the fingerprints of all files in it, whatever their names.

    Raises ``InputError`` where it cannot be read.
    """
    if os.path.isdir(path):
        with reading(path, "a folder that you may read"):
            items = [Path(place) / name for place, _, names in os.walk(path) for name in names]
            return sha256_of_all(item for item in items if item.is_file())
    digest = hashlib.sha256()
    with opened(path, "a file as it was planned on") as stream, reading(path, "a file as it was planned on"):
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_of_all(paths: Iterable[Path]) -> str:
    """Fingerprint of several files: that of their fingerprints, whatever their names. Raises as ``sha256_of``."""
    return hashlib.sha256("".join(sorted(sha256_of(path) for path in paths)).encode()).hexdigest()
