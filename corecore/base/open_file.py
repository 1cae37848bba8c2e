"""How files are opened and locked where systems differ: POSIX has flags and ``flock``, Windows ``msvcrt``.

Nothing else in corecore names these flags or these modules (``tests/base/test_other_systems.py``).
"""

from __future__ import annotations

import errno
import importlib
import os
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def _flag(name: str) -> int:
    """A flag of ``os.open``; 0 where the system has none of that name."""
    return int(getattr(os, name, 0))


#: To read, to write, and to make a file that may be there; the bytes are the file's, no pipe is waited for, and no
#: child inherits the handle.
PLAIN = _flag("O_CLOEXEC") | _flag("O_NONBLOCK") | _flag("O_BINARY") | _flag("O_NOINHERIT")
TO_READ = os.O_RDONLY | PLAIN
TO_MAKE = os.O_RDWR | os.O_CREAT | PLAIN
#: Added to those: a link is not followed.
NO_LINK = _flag("O_NOFOLLOW")
#: The byte that Windows locks, beyond what a lock's file says: what is locked there nobody else can read.
LOCKED_BYTE = 2**31 - 2


def lock(handle: int, *, shared: bool = False) -> None:
    """Lock an open file, until it is closed, without waiting.

    Parameters
    ----------
    handle : int
        Of a file that is open.
    shared : bool, default False
        Beside others that ask for the same. Windows has no such lock: there it is held alone.

    Raises
    ------
    BlockingIOError
        Where another program holds it.
    OSError
        Where the file's system knows no locks.
    """
    if fcntl is not None:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        return
    try:
        windows: Any = importlib.import_module("msvcrt")
    except ImportError:
        raise OSError(errno.ENOSYS, "no locks on this system") from None
    place = os.lseek(handle, 0, os.SEEK_CUR)
    try:
        os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
        windows.locking(handle, windows.LK_NBLCK, 1)
    except PermissionError as error:
        raise BlockingIOError(errno.EAGAIN, "locked by another program") from error
    finally:
        os.lseek(handle, place, os.SEEK_SET)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Wait until the disk has a folder's list of files. Raises ``OSError``; does nothing where no folder is opened."""
    if not _flag("O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | _flag("O_DIRECTORY") | _flag("O_CLOEXEC"))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
