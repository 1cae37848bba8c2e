"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corecore.errors import OutputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, with its suffix; on leaving without an error it takes ``path``'s place.

    After an error nothing is left behind and what stood at ``path`` before stands there still.
    Raises ``OutputError`` where the folder does not exist or cannot be written.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); a writable folder is accepted") from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; a plan is read by whom the folder lets in.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); a writable file is accepted") from error
    finally:
        temporary.unlink(missing_ok=True)
