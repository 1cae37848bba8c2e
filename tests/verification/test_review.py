"""What a saved plan says of its review, beside the record of that review."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.plan_factory import Pose, plan_of

from corecore.base.version import __version__
from corecore.document.seal import digest, plan_hash
from corecore.document.stated import read_stated
from corecore.verification.report import Check
from corecore.verification.review import review_checks

Record = list[dict[str, Any]]
REVIEWED = "ab" * 32
SIGNED = {"name": "A. Surgeon", "day": "2026-11-30", "side": "left"}
SAYS: dict[str, Any] = {"revision": 3, "plan": REVIEWED, "notes": "slowly", "accepted": None, "signed": SIGNED}


def chained(entries: Record) -> Record:
    before = ""
    for one in entries:
        one["previous"] = before
        one["hash"] = before = digest(one, ("hash",))
    return entries


def event(name: str, words: str = "") -> dict[str, Any]:
    """An entry at step 3, signed."""
    return {
        "event": name, "words": words, "plan": REVIEWED, "revision": 3, "side": "left", "notes": "slowly",
        "accepted": None, "signed": {"name": SIGNED["name"], "day": SIGNED["day"], "rev": 3},
    }  # fmt: skip


def saved(
    folder: Path,
    *,
    plan: Callable[[dict[str, Any]], object] = lambda _: None,
    record: Callable[[Record], object] | None = lambda _: None,
) -> tuple[list[Check], list[str]]:
    """A reviewed plan and its record as they are written, then changed, every hash made anew; what is said of it."""
    entries = chained([event("signature", "SignOff")])
    inputs = [{"path": "a", "sha256": "0" * 64, "role": role, "label": 1} for role in ("femur", "lesion")]
    content = {**plan_of(inputs, Pose()), "corecore_version": __version__, "outputs": []}
    content["review"] = {**SAYS, "signed": dict(SIGNED), "record": entries[0]["hash"]}
    entries = chained([*entries, event("save", f"reviewed/plan.json, plan {plan_hash(content)}")])
    plan(content["review"])
    (folder / "reviewed").mkdir()
    (folder / "reviewed" / "plan.json").write_text(json.dumps(content))
    if record is not None:
        record(entries)
        text = {"schema": "corecore.review/2", "history": entries}
        (folder / "review.json").write_text(json.dumps(text))
    return review_checks(read_stated(folder / "reviewed" / "plan.json"))


def test_what_was_saved_is_what_the_record_holds(tmp_path: Path) -> None:
    checks, notes = saved(tmp_path)
    assert all(check.ok for check in checks)
    assert not notes
    assert {check.name for check in checks} == {
        "review.record", "review.revision", "review.plan", "review.notes", "review.accepted", "review.signed.name",
        "review.signed.day", "review.signed.side", "review.lapsed",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        lambda review: review["signed"].update(name="B. Other"),
        lambda review: review["signed"].update(day="2026-11-01"),
        lambda review: review.update(signed=None),
        lambda review: review.update(accepted="why not"),
        lambda review: review.update(notes=""),
        lambda review: review.update(revision=2),
        lambda review: review.update(lapsed=SIGNED),
        lambda review: review.update(record=None),
    ],
)
def test_a_plan_that_says_otherwise_than_the_record_is_told(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    checks, _ = saved(tmp_path, plan=change)
    assert not all(check.ok for check in checks)


@pytest.mark.parametrize(
    ("told", "version", "agrees"),
    [
        (SIGNED, __version__, True),
        (None, __version__, False),
        ({**SIGNED, "day": "2026-11-01"}, __version__, False),
        (None, "0.2.0", True),
    ],
)
def test_a_signature_that_lapsed_is_the_last_one_of_the_record(
    tmp_path: Path, told: dict[str, str] | None, version: str, agrees: bool
) -> None:
    entries = chained([event("signature", "SignOff"), {**event("lapse"), "signed": None}])
    inputs = [{"path": "a", "sha256": "0" * 64, "role": role, "label": 1} for role in ("femur", "lesion")]
    content = {**plan_of(inputs, Pose()), "corecore_version": version, "outputs": []}
    content["review"] = {**SAYS, "signed": None, "record": entries[-1]["hash"]}
    if told is not None:
        content["review"]["lapsed"] = told
    save = {**event("save", f"reviewed/plan.json, plan {plan_hash(content)}"), "signed": None}
    history = chained([*entries, save])
    (tmp_path / "reviewed").mkdir()
    (tmp_path / "reviewed" / "plan.json").write_text(json.dumps(content))
    (tmp_path / "review.json").write_text(json.dumps({"schema": "corecore.review/2", "history": history}))
    checks, _ = review_checks(read_stated(tmp_path / "reviewed" / "plan.json"))
    assert all(check.ok for check in checks) is agrees


def _resigned(past: Record) -> None:
    past[1]["signed"]["name"] = "B. Other"
    chained(past)


def _gone(past: Record) -> None:
    past.pop(0)
    chained(past)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda past: past.pop(), "does not hold that this plan was saved"),
        (_gone, "does not hold that this plan was saved"),
        (lambda past: past[0].update(notes=""), "not as it was written from entry 1 on"),
        (lambda past: past.reverse(), "not as it was written from entry 1 on"),
        (_resigned, ""),
    ],
)
def test_a_record_cut_short_or_changed_after_a_save_is_told(
    tmp_path: Path, change: Callable[[Record], object], words: str
) -> None:
    checks, notes = saved(tmp_path, record=change)
    assert not all(check.ok for check in checks)
    assert words in "".join(notes)


def test_a_record_that_is_not_beside_the_plan_is_said(tmp_path: Path) -> None:
    checks, notes = saved(tmp_path, record=None)
    assert not checks
    assert "not beside the plan, so what the plan says of its review is not checked" in notes[0]


def test_another_plan_s_record_says_nothing_of_this_one(tmp_path: Path) -> None:
    def of_another(past: Record) -> None:
        for one in past:
            one["plan"] = "cd" * 32
        chained(past)

    checks, notes = saved(tmp_path, record=of_another)
    assert not checks
    assert "not beside the plan" in notes[0]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\0" * 10])
def test_a_record_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    saved(tmp_path)
    (tmp_path / "review.json").write_text(text)
    checks, notes = review_checks(read_stated(tmp_path / "reviewed" / "plan.json"))
    assert not all(check.ok for check in checks)
    assert len(notes) == 1


def test_a_plan_that_no_review_saved_says_nothing(tmp_path: Path) -> None:
    saved(tmp_path)
    path = tmp_path / "reviewed" / "plan.json"
    content = json.loads(path.read_text())
    del content["review"]
    path.write_text(json.dumps(content))
    assert review_checks(read_stated(path)) == ([], [])
