"""Whether what a saved plan says of its review is what the record of that review holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from corecore.base.errors import InputError
from corecore.base.input_file import bytes_of, first_line, parsed_json
from corecore.document.fields import known
from corecore.document.plan import ReviewPart
from corecore.document.seal import digest, since
from corecore.document.stated import StatedPlan
from corecore.verification.report import Check, compared, same_text

#: The record lies beside the plan that was reviewed: one folder up from the one that was saved.
RECORD = "review.json"
SCHEMA: Final = "corecore.review/2"
#: From this version on a plan says whose signature has lapsed.
LAPSES_FROM = (0, 3)
#: Largest record, bytes: the largest that a review writes (engineering choice).
SIZE_LIMIT_BYTES = 16 * 1024 * 1024


def review_checks(plan: StatedPlan) -> tuple[list[Check], list[str]]:
    """Every check of a plan's ``review`` against the record, and what is to be said; nothing without a review."""
    review = known(plan.file.plan.review)
    if review is None:
        return [], []
    path = plan.path.resolve().parent.parent / RECORD
    try:
        entries = _entries(path)
    except InputError as error:
        if error.code != "file-missing":
            return [same_text("review.record", "readable", "not readable")], [f"record of the review: {error}"]
        entries = []
    except ValueError as error:
        told = f"record of the review: {RECORD} {error}"
        return [same_text("review.record", "as written", "changed since")], [told]
    if not any(entry.get("plan") == review.plan for entry in entries):
        told = "record of the review: not beside the plan, so what the plan says of its review is not checked"
        return [], [told]
    saved = next((entry for entry in entries if _is_save(entry, review.record or "", plan.file.hash)), None)
    if saved is None:
        told = f"record of the review: {RECORD} does not hold that this plan was saved"
        return [same_text("review.record", "holds this plan", "does not hold it")], [told]
    before = [entry for entry in entries[: entries.index(saved)] if _is_of(entry, review.plan)]
    checks = list(_against(review, saved))
    if since(known(plan.file.plan.corecore_version) or "", LAPSES_FROM):
        checks.append(_lapsed(review, before))
    return checks, []


def _is_of(entry: Mapping[str, Any], plan_hash: str) -> bool:
    told = str(entry.get("plan"))
    return told == plan_hash or (entry.get("event") == "earlier" and plan_hash.startswith(told))


def _is_save(entry: Mapping[str, Any], head: str, plan_hash: str) -> bool:
    words = str(entry.get("words"))
    return entry.get("event") == "save" and entry.get("previous") == head and words.endswith(f", plan {plan_hash}")


def _against(review: ReviewPart, saved: Mapping[str, Any]) -> list[Check]:
    """What the plan says beside what the entry of its save says."""
    signed = saved.get("signed")
    stated = review.signed
    checks = [
        same_text("review.record", "holds this plan", "holds this plan"),
        compared("review.revision", review.revision, saved.get("revision"), 0.0),
        compared("review.plan", review.plan, saved.get("plan"), 0.0),
        compared("review.notes", review.notes, saved.get("notes"), 0.0),
        compared("review.accepted", review.accepted, saved.get("accepted"), 0.0),
    ]
    if stated is None or not isinstance(signed, Mapping):
        here, there = ("nobody" if one is None else "signed" for one in (stated, signed))
        return [*checks, compared("review.signed", here, there, 0.0)]
    return [
        *checks,
        compared("review.signed.name", stated.name, signed.get("name"), 0.0),
        compared("review.signed.day", stated.day, signed.get("day"), 0.0),
        compared("review.signed.side", stated.side, saved.get("side"), 0.0),
    ]


def _lapsed(review: ReviewPart, before: list[dict[str, Any]]) -> Check:
    """The signature that the plan says has lapsed beside the last one that the record holds, where nobody signs."""
    stated = known(review.lapsed)
    here = "nobody" if stated is None else f"{stated.name}, {stated.day}, {stated.side}"
    there = "nobody"
    if review.signed is None:
        for entry in reversed(before):
            signed = entry.get("signed")
            if isinstance(signed, Mapping):
                there = f"{signed.get('name')}, {signed.get('day')}, {entry.get('side')}"
                break
    return compared("review.lapsed", here, there, 0.0)


def _entries(path: Path) -> list[dict[str, Any]]:
    """The entries of a record whose chain of hashes holds; none of one without history.

    Raises ``InputError`` where it cannot be read, ``ValueError`` where an entry is not as it was written.
    """
    data = bytes_of(path, "a review.json", SIZE_LIMIT_BYTES)
    try:
        content = parsed_json(data)
    except ValueError as error:
        raise InputError(f"{RECORD} is not readable ({first_line(error)})", code="review-unreadable") from error
    entries = content.get("history") if isinstance(content, dict) and content.get("schema") == SCHEMA else None
    if not isinstance(entries, list):
        return []
    before = ""
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict) or entry.get("previous") != before:
            raise ValueError(f"is not as it was written from entry {number} on")
        before = digest(entry, ("hash",))
        if entry.get("hash") != before:
            raise ValueError(f"is not as it was written from entry {number} on")
    return entries
