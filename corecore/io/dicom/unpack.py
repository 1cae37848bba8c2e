"""Packed pixels that only GDCM unpacks: JPEG Lossless and 12-bit JPEG. It works in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError, MissingExtraError
from corecore.io.bounded import short, shown

CHILD = Path(__file__).with_name("gdcm_process.py")
#: What the process ends with where GDCM is not installed.
NOT_INSTALLED = 3
#: Longest wait for one file, s: a multi-frame CT of a leg takes some ten (engineering choice).
PATIENCE_S = 120.0
#: How long the process may take to end by itself, s.
GRACE_S = 2.0


class Unpacker:
    """One process that unpacks file after file; begun when the first is asked for, ended with the block."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._said = contextlib.ExitStack()

    def __enter__(self) -> Unpacker:
        return self

    def __exit__(self, *left: object) -> None:
        self._end()
        self._said.close()

    def frames(self, path: Path, shape: tuple[int, ...]) -> Any:
        """The decoded pixels of a file, which must have that shape.

        Raises ``InputError`` where GDCM fails or says anything of damage, ``MissingExtraError`` where it is not
        installed.
        """
        child, words = self._started()
        assert child.stdin is not None
        assert child.stdout is not None
        before = os.fstat(words.fileno()).st_size
        limit = threading.Timer(PATIENCE_S, child.kill)
        limit.start()
        try:
            child.stdin.write(json.dumps(os.path.abspath(path)).encode() + b"\n")
            child.stdin.flush()
            line = child.stdout.readline()
            told = json.loads(line) if line else {}
            found = tuple(told.get("shape", ()))
            data = child.stdout.read(_size(shape, told["dtype"])) if found == shape else b""
        except (OSError, ValueError, TypeError, KeyError):
            told, found, data = {}, (), b""
        finally:
            limit.cancel()
        words.seek(before)
        said = words.read(400).decode("utf-8", "replace").strip()
        # The process, which waits by now, writes on from where this handle stands.
        words.seek(0, os.SEEK_END)
        if found == shape and not said and len(data) == _size(shape, told["dtype"]):
            return np.frombuffer(data, dtype=np.dtype(told["dtype"])).reshape(shape)
        ended = self._end()
        if ended == NOT_INSTALLED:
            raise MissingExtraError(
                f"{shown(path)}: its pixels are packed in a way that needs GDCM: pip install 'corecore[dicom]'",
                code="extra-missing",
            )
        why = told.get("error") or (
            said.splitlines()[0] if said else f"shape {found}" if found not in ((), shape) else "it broke off"
        )
        raise InputError(
            f"{shown(path)}: its pixels cannot be unpacked ({short(why, 120)}); a whole file is accepted",
            code="dicom-packing",
        )

    def _started(self) -> tuple[subprocess.Popen[bytes], Any]:
        if self._child is None:
            self._words = self._said.enter_context(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115  (the stack closes it)
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-W", "ignore", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=self._words,
            )  # fmt: skip
        return self._child, self._words

    def _end(self) -> int | None:
        """End the process; what it ended with by itself, where it did."""
        child, self._child = self._child, None
        if child is None:
            return None
        for stream in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        try:
            return child.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            return None


def _size(shape: tuple[int, ...], kind: str) -> int:
    """Bytes of an array of that shape and of that type of NumPy."""
    return int(np.prod(shape)) * int(np.dtype(kind).itemsize)
