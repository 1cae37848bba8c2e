"""Digests of a plan's content: the hash that names it, and the seal that shows an edit by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from corecore.base.errors import InputError

#: Parts of a plan that say when and how fast it was made, not what it is.
NOT_HASHED = ("created", "timings")
#: The seal leaves itself out too.
NOT_SEALED = (*NOT_HASHED, "seal")


def plan_hash(content: Mapping[str, object]) -> str:
    """Names a plan; its first eight digits stand on every picture. The same plan made twice has the same."""
    return digest(content, NOT_HASHED)


def seal_of(content: Mapping[str, object]) -> str:
    """Shows an edit by hand. It guards against slips, not against intent: whoever edits a plan can seal it again."""
    return digest(content, NOT_SEALED)


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
