"""Digests of a plan's content: the hash that names it, the seal that shows an edit, the signature that no other makes.

A plan that lists its ``outputs`` is sealed whole: only the seal and the signature stand outside. Its hash leaves out
what stands on no picture (when and how fast it was made, the list of files, seal and signature), so that every file
beside the plan can carry the hash and still be listed in it. A plan of an earlier version lists no outputs; its
seal left out when and how fast it was made.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from pathlib import Path

from corecore.base.errors import InputError
from corecore.base.input_file import bytes_of

#: Parts of a plan that say when and how fast it was made, not what it is.
NOT_HASHED = ("created", "timings")
#: What a plan says of itself and of the files beside it.
OF_ITSELF = ("seal", "signature")
#: From this version on every plan is sealed and lists the files beside it, and an input's fingerprint covers all files
#: that it is read from.
SEALS_FROM = (0, 2)
VERSION = re.compile(r"\d+(\.\d+)*")
#: Shortest and longest key, bytes: half of what SHA-256 gives, and far more than any (engineering choices).
KEY_LEAST_BYTES, KEY_MOST_BYTES = 16, 4096


def since(version: str, first: tuple[int, ...]) -> bool:
    """Whether a version is that one or a later one; one that is no version's name is held to what is asked today."""
    match = VERSION.match(version)
    return match is None or tuple(int(part[:6]) for part in match[0].split(".")) >= first


def seals(version: str) -> bool:
    """Whether that version seals every plan."""
    return since(version, SEALS_FROM)


def plan_hash(content: Mapping[str, object]) -> str:
    """Names a plan; its first eight digits stand on every picture. The same plan made twice has the same."""
    return digest(content, (*NOT_HASHED, "outputs", *OF_ITSELF) if "outputs" in content else NOT_HASHED)


def seal_of(content: Mapping[str, object]) -> str:
    """Shows an edit by hand. It guards against slips, not against intent: whoever edits a plan can seal it again."""
    return digest(content, OF_ITSELF if "outputs" in content else (*NOT_HASHED, *OF_ITSELF))


def signature_of(seal: str, key: bytes) -> str:
    """HMAC-SHA256 (64 hex digits) of a seal: who has not the key can make none, and who has it can."""
    return hmac.new(key, b"corecore.plan/1 " + seal.encode("utf-8"), hashlib.sha256).hexdigest()


def same_digest(one: str, other: str) -> bool:
    """Whether two digests are the same; how long that takes tells nothing of either."""
    return hmac.compare_digest(one.encode("utf-8"), other.encode("utf-8"))


def read_key(path: Path) -> bytes:
    """The key of a file: its bytes without white space at the ends.

    Raises ``InputError`` for a file that cannot be read, and for a key too short to guard anything; what the file
    holds is never part of a message.
    """
    key = bytes_of(Path(path), "a key file", KEY_MOST_BYTES).strip()
    if len(key) < KEY_LEAST_BYTES:
        raise InputError(
            f"{path}: a key of {len(key)} bytes; {KEY_LEAST_BYTES} to {KEY_MOST_BYTES} bytes are accepted",
            code="key-invalid",
        )
    return key


def digest(content: Mapping[str, object], left_out: tuple[str, ...]) -> str:
    """SHA-256 (64 hex digits) of canonical JSON: keys sorted, no spaces, UTF-8, without some keys of the top.

    Raises ``InputError`` for what JSON cannot say.
    """
    kept = {key: value for key, value in content.items() if key not in left_out}
    try:
        text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"the plan is not plain JSON ({error}); finite numbers and text are accepted", code="plan-malformed"
        ) from error
