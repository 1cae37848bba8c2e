"""The one door for files from anywhere: only regular files, only so many bytes, and every fault one line.

No other module of corecore opens a file that a user, a header or a plan names (``tests/end_to_end/test_structure.py``).
A pipe, a device and a file larger than any hip needs are refused before a byte is read or hashed; numbers of thousands
of digits and nests of thousands of levels before anything is made of them.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import stat
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from corecore.base.errors import CorecoreError, InputError
from corecore.base.open_file import TO_READ

#: Largest file read or hashed, bytes: 1.6 times a multi-frame CT of a whole leg (engineering choice).
MAX_FILE_BYTES = 2_000_000_000
#: Largest JSON text, bytes, where nothing else is said; and largest TOML: its parser's time grows with the square of
#: a dotted key's length, and one of this length takes 3 s (engineering choices).
MAX_TEXT_BYTES = 16 * 1024 * 1024
MAX_TOML_BYTES = 32 * 1024
#: Longest whole number, digits, and deepest nest of a text; a seed has 39 and a plan 8 (engineering choices).
MAX_DIGITS, MAX_DEPTH = 40, 64
#: Half of a character: JSON can say it, and no file can hold it and nothing print it.
HALF = re.compile("[\ud800-\udfff]")
#: Most characters of a file's name in a message; the end tells more than the beginning.
MAX_SHOWN = 300


def shown(path: Path | str) -> str:
    """A file's name as part of one line, whatever characters it holds."""
    text = str(path)
    # A surrogate stands for a byte that is no text; it can be printed nowhere.
    plain = text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
    return plain if len(plain) <= MAX_SHOWN else "..." + plain[3 - MAX_SHOWN :]


def short(value: object, length: int = 60) -> str:
    """A value found in a file, as part of one line."""
    text = "".join(c if c.isprintable() else "?" for c in str(value))
    return text if len(text) <= length else text[: length - 3] + "..."


def first_line(error: BaseException) -> str:
    """A library's message as part of one line."""
    text = str(error).strip()
    return short(text.splitlines()[0] if text else type(error).__name__, 200)


@contextlib.contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turns whatever goes wrong inside into one ``InputError`` that names the file and ``what`` is accepted.

    Readers of other projects answer a broken file with exceptions of nearly every kind, so all
    are caught here; those of this project pass, and so does ``MemoryError``.
    """
    try:
        with warnings.catch_warnings():
            # A reader's doubts about a broken file are not the user's: it is read or refused.
            warnings.simplefilter("ignore")
            yield
    except (CorecoreError, MemoryError):
        raise
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise InputError(
            f"{shown(path)}: cannot be read ({short(reason)}); {what} is accepted", code="file-unreadable"
        ) from error
    except Exception as error:
        raise InputError(
            f"{shown(path)}: not readable ({first_line(error)}); {what} is accepted", code="file-damaged"
        ) from error


def regular_file(path: Path, what: str, limit: int = MAX_FILE_BYTES) -> int:
    """The size of a file, bytes.

    Raises ``InputError`` for what is missing, a folder, a pipe, a device, or larger than ``limit``.
    """
    try:
        state = os.stat(path)
    except FileNotFoundError as error:
        raise InputError(f"{shown(path)}: no such file", code="file-missing") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise InputError(
            f"{shown(path)}: cannot be read ({short(reason)}); {what} is accepted", code="file-unreadable"
        ) from error
    return _checked(path, state, what, limit)


def _checked(path: Path, state: os.stat_result, what: str, limit: int) -> int:
    if stat.S_ISDIR(state.st_mode):
        raise InputError(f"{shown(path)}: is a folder; {what} is accepted", code="file-unreadable")
    if not stat.S_ISREG(state.st_mode):
        raise InputError(f"{shown(path)}: is a pipe or a device; {what} is accepted", code="file-unreadable")
    if state.st_size > limit:
        raise InputError(
            f"{shown(path)}: {state.st_size:,} bytes; {what} up to {limit:,} bytes is accepted", code="file-too-large"
        )
    return state.st_size


@contextlib.contextmanager
def opened(path: Path, what: str, limit: int = MAX_FILE_BYTES) -> Iterator[BinaryIO]:
    """A regular file of at most ``limit`` bytes, open for reading. Raises ``InputError`` as ``regular_file``."""
    regular_file(path, what, limit)
    try:
        # What has become a pipe since is opened without waiting for a writer, and refused.
        handle = os.open(path, TO_READ)
    except OSError as error:
        raise InputError(
            f"{shown(path)}: cannot be read ({short(error.strerror or error)}); {what} is accepted",
            code="file-unreadable",
        ) from error
    with os.fdopen(handle, "rb") as stream:
        _checked(path, os.fstat(handle), what, limit)
        yield stream


def bytes_of(path: Path, what: str, limit: int = MAX_TEXT_BYTES) -> bytes:
    """A file's content. Raises ``InputError`` as ``regular_file``, and for a file that grows while it is read."""
    with opened(path, what, limit) as stream, reading(path, what):
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise InputError(
            f"{shown(path)}: over {limit:,} bytes; {what} up to {limit:,} bytes is accepted", code="file-too-large"
        )
    return data


def json_of(path: Path, what: str, limit: int = MAX_TEXT_BYTES) -> Any:
    """The content of a JSON file. Raises ``InputError`` as ``bytes_of``, ``ValueError`` as ``parsed_json``."""
    return parsed_json(bytes_of(path, what, limit))


def parsed_json(data: bytes | str) -> Any:
    """Plain, finite JSON, each key of an object once: of two, one reader takes the first and another the last.

    Raises ``ValueError``, one line, for anything else, and for what is too long or too deep.
    """
    text = data if isinstance(data, str) else data.decode("utf-8-sig")
    try:
        return _shallow(
            json.loads(
                text, parse_constant=_not_finite, parse_float=_finite, parse_int=_whole, object_pairs_hook=_single
            )
        )
    except RecursionError:
        raise _too_deep() from None


def toml_of(path: Path, what: str, limit: int = MAX_TOML_BYTES) -> dict[str, object]:
    """The content of a TOML file. Raises ``InputError`` as ``bytes_of``, ``ValueError`` for what is no TOML."""
    text = bytes_of(path, what, limit).decode("utf-8-sig")
    try:
        table: dict[str, object] = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        # The interpreter's own words on whole numbers of over 4,300 digits.
        raise ValueError(f"a whole number of over {MAX_DIGITS} digits") from error
    _shallow(table)
    return table


def _shallow(content: Any) -> Any:
    """The same content. Raises ``ValueError`` where it is nested too deep, or holds too long a number."""
    level = [content]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
                below += item
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and not item.isascii() and HALF.search(item):
                raise ValueError("a text holds half a character (a lone surrogate)")
            elif isinstance(item, int) and item.bit_length() > 4 * MAX_DIGITS:
                raise ValueError(f"a whole number of over {MAX_DIGITS} digits")
        level = below
        if not level:
            return content
    raise _too_deep()


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in table if names.count(name) > 1)
        raise ValueError(f"the key {short(twice)!r} occurs twice in one object")
    return table


def _too_deep() -> ValueError:
    return ValueError(f"nested over {MAX_DEPTH} deep")


def _not_finite(name: str) -> NoReturn:
    raise ValueError(f"holds {name}; finite numbers are accepted")


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _not_finite(digits[:20])


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a whole number of {len(digits)} digits")
    return int(digits)
