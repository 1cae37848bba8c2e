"""Where the files of a plan lay when it was made: remembered on this machine alone, outside every output.

A plan's folder holds copies under neutral names, and tells no file's name. So that ``corecore verify`` can say
whether the files themselves were changed since, their places are kept for this user, by the plan's hash, in
``$XDG_STATE_HOME/corecore/origins`` (``~/.local/state`` where that is not set), readable by this user alone. Where
nothing can be written nothing is kept, and ``verify`` says that it does not know.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from corecore.base.errors import CorecoreError
from corecore.base.input_file import json_of
from corecore.io.files import atomic_write_text

#: Largest record read, bytes: a few paths (engineering choice).
SIZE_MAX_BYTES = 100_000
HASH = re.compile("[0-9a-f]{64}")


def remember(plan_hash: str, places: Mapping[str, Path]) -> None:
    """Keep where a plan's inputs lie, by their SHA-256. What cannot be kept is not."""
    folder = _folder()
    table = {sha256: os.path.abspath(path) for sha256, path in places.items()}
    with contextlib.suppress(OSError, CorecoreError, UnicodeError, ValueError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{plan_hash}.json"
        atomic_write_text(path, json.dumps(table, ensure_ascii=False))
        path.chmod(0o600)


def recalled(plan_hash: str) -> dict[str, Path]:
    """Where the inputs of a plan lay, by their SHA-256; empty where this machine does not know it."""
    if HASH.fullmatch(plan_hash) is None:
        return {}
    try:
        table = json_of(_folder() / f"{plan_hash}.json", "a record of places", SIZE_MAX_BYTES)
    except (CorecoreError, ValueError):
        return {}
    if not isinstance(table, dict):
        return {}
    return {
        sha256: Path(place)
        for sha256, place in table.items()
        if HASH.fullmatch(sha256) and isinstance(place, str) and "\0" not in place
    }


def _folder() -> Path:
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path("~/.local/state").expanduser()) / "corecore" / "origins"
