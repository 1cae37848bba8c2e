"""A value of a JSON document that knows its own path, for errors that say where.

Parts of a plan that may be absent, and what is said of them: never an error, never a guess.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.document.text import UNKNOWN, one_line

#: Largest plan read, bytes. A plan with sixteen tunnels and its alternatives is about 0.2 MB.
SIZE_MAX_BYTES = 50_000_000


@dataclass(frozen=True)
class JsonValue:
    """``value`` at ``path`` ("tunnels[0].tip") of the document ``file``.

    Every reader raises ``InputError`` with file and path where the value is not what it asks for.
    """

    file: Path
    path: str
    value: Any

    def fail(self, accepted: str) -> NoReturn:
        """Raise: what was found here, and what is accepted."""
        found = repr(self.value)
        found = found if len(found) <= 60 else found[:57] + "..."
        raise InputError(
            f"{self.file}: {self.path or 'the document'} is {found}; {accepted} is accepted", code="plan-malformed"
        )

    def child(self, key: str) -> JsonValue:
        """The value under a key that must be there."""
        if not isinstance(self.value, dict):
            self.fail("an object")
        path = f"{self.path}.{key}" if self.path else key
        if key not in self.value:
            raise InputError(f"{self.file}: {path} is missing", code="plan-malformed")
        return JsonValue(self.file, path, self.value[key])

    def optional(self, key: str) -> JsonValue | None:
        """The value under a key, or ``None`` where the key is absent or null."""
        if not isinstance(self.value, dict):
            self.fail("an object")
        return None if self.value.get(key) is None else self.child(key)

    def items(self) -> Iterator[JsonValue]:
        """The members of a list."""
        if not isinstance(self.value, list):
            self.fail("a list")
        for index, value in enumerate(self.value):
            yield JsonValue(self.file, f"{self.path}[{index}]", value)

    def text(self, *accepted: str) -> str:
        """A text, one of ``accepted`` where any are given."""
        if not isinstance(self.value, str):
            self.fail(" or ".join(map(repr, accepted)) or "a text")
        if accepted and self.value not in accepted:
            self.fail(" or ".join(map(repr, accepted)))
        return str(self.value)

    def number(self, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number within bounds."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not math.isfinite(self.value):
            self.fail("a finite number")
        if not low <= self.value <= high:
            self.fail(f"{low:g} to {high:g}")
        return float(self.value)

    def vector(self, length: int = 3) -> FloatArray:
        """A list of finite numbers, as an array (length,)."""
        values = [item.number() for item in self.items()]
        if len(values) != length:
            self.fail(f"a list of {length} numbers")
        return np.array(values, dtype=np.float64)


def read_document(path: Path) -> JsonValue:
    """The root of a JSON file. Raises ``InputError`` for a file that is not plain, finite JSON."""
    try:
        if path.stat().st_size > SIZE_MAX_BYTES:
            raise InputError(
                f"{path}: {path.stat().st_size} bytes; a plan of up to {SIZE_MAX_BYTES} bytes is accepted",
                code="file-too-large",
            )
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})", code="file-unreadable") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text; a plan.json is accepted", code="plan-malformed") from error

    def constant(name: str) -> NoReturn:
        raise InputError(f"{path}: holds {name}; finite numbers are accepted", code="plan-malformed")

    try:
        value = json.loads(text, parse_constant=constant)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({str(error).splitlines()[0]})", code="plan-malformed") from error
    return JsonValue(path, "", value)


def part(content: Any, *names: str) -> Mapping[str, Any]:
    """A nested object of a plan; empty where there is none."""
    for name in names:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content if isinstance(content, Mapping) else {}


def items(content: Any, name: str) -> list[Mapping[str, Any]]:
    """A list of objects of a plan; empty where there is none."""
    value = content.get(name) if isinstance(content, Mapping) else None
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def text_of(content: Mapping[str, Any], name: str) -> str:
    """A word or number of a plan as text; an en dash where there is none."""
    value = content.get(name)
    return UNKNOWN if value is None or isinstance(value, (dict, list)) else one_line(str(value), 40)


def sentence(text: str) -> str:
    """With a capital, unless it begins with the name of a parameter, and a full stop."""
    start = text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]
    return start + ("" if text.endswith((".", "!", "?")) else ".")
