"""A plan's seal: a fingerprint of its content that shows an edit by hand.

It guards against slips, not against intent: whoever edits a plan can seal it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from corecore.base.errors import InputError

#: Parts of a plan that the seal leaves out: when and how fast it was made, and the seal itself.
NOT_SEALED = ("created", "timings", "seal")


def seal_of(content: Mapping[str, Any]) -> str:
    """SHA-256 (64 hex digits) of a plan's canonical JSON: keys sorted, no spaces, UTF-8.

    Raises ``InputError`` for what JSON cannot say.
    """
    sealed = {key: value for key, value in content.items() if key not in NOT_SEALED}
    try:
        text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"the plan is not plain JSON ({error}); finite numbers and text are accepted", code="plan-malformed"
        ) from error


#: Parts of a plan that say when and how fast it was made, not what it is.
NOT_HASHED = ("created", "timings")


def plan_hash(plan: Mapping[str, Any]) -> str:
    """SHA-256 (64 hex digits) of the plan's canonical JSON; the first 8 stand on every picture.

    Canonical: keys sorted, no spaces, UTF-8, without ``created`` and ``timings``, so that the
    same plan made twice has the same hash. Raises ``InputError`` for what JSON cannot say.
    """
    content = {key: value for key, value in plan.items() if key not in NOT_HASHED}
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the plan is not plain JSON ({error}); finite numbers and text are accepted", code="plan-malformed"
        ) from error
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
