"""Writing files whole or not at all, and fingerprints of what was read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from corecore.base.errors import OutputError
from corecore.base.input_file import opened, reading


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a reader sees the old file or the new one, never a part.

    Raises ``OutputError`` where the folder cannot be written.
    """
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", code="output-unwritable") from error


def atomic_write_text(path: Path, text: str) -> None:
    """``atomic_write_bytes`` for UTF-8 text."""
    atomic_write_bytes(path, text.encode("utf-8"))


@contextlib.contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """A hidden folder beside ``target`` whose files move into it when the block ends without an error.

    When it ends with one, the folder is dropped and ``target`` is as it was. Raises
    ``OutputError`` where nothing can be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror or error})", code="output-unwritable"
        ) from error
    try:
        yield stage
        try:
            target.mkdir(exist_ok=True)
            for item in sorted(stage.iterdir()):
                os.replace(item, target / item.name)
        except OSError as error:
            raise OutputError(
                f"{target}: cannot be written ({error.strerror or error})", code="output-unwritable"
            ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """Fingerprint of a file's bytes; of a folder, that of its files' fingerprints, whatever their names.

    Raises ``InputError`` where it cannot be read.
    """
    if os.path.isdir(path):
        with reading(path, "a folder that you may read"):
            items = [item for item in path.iterdir() if item.is_file()]
        return hashlib.sha256("".join(sorted(sha256_of(item) for item in items)).encode()).hexdigest()
    digest = hashlib.sha256()
    with opened(path, "a file as it was planned on") as stream, reading(path, "a file as it was planned on"):
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
