"""Causes of failure by kind: the same sentence with other names and numbers is the same cause."""

from __future__ import annotations

import re

#: What differs between cases of one kind: quoted texts, paths, numbers.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_PATH = re.compile(r"(?<!\S)(?:[^\s:;,]*/)+[^\s:;,]*")
_NUMBER = re.compile(r"(?<![A-Za-z])[-−+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
_LIST = re.compile(r"…(?:[,;]? …)+")


def failure_kind(cause: str) -> str:
    """A cause without what is particular to one case."""
    text = _NUMBER.sub("…", _PATH.sub("…", _QUOTED.sub("…", cause)))
    return _LIST.sub("…", text)
