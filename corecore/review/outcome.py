"""The reviewed tunnels as a plan of their own: the whole folder, which verifies and exports like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec import UNSET

from corecore.base.errors import InputError
from corecore.base.language import ENGLISH, say, spoken
from corecore.document.content import content_of
from corecore.document.fields import known
from corecore.document.plan import PlanDocument, ReviewPart, SignedPart
from corecore.document.read import PlanFile
from corecore.document.seal import plan_hash, same_digest, seal_of, signature_of
from corecore.exports.plan_folder import write_plan
from corecore.hip.anatomy.model import PlanWarning
from corecore.io.files import staged_folder
from corecore.measures.model import Measures, measure
from corecore.measures.signs.clinician_input import answers_in
from corecore.planning.planner import ManualPath, evaluated_plan
from corecore.review.model import ReviewModel
from corecore.review.record import FOLDER
from corecore.review.session import Session

#: Warnings of a plan's own tunnels and of how they came about: of others they are not true.
OF_THE_TUNNELS = frozenset(
    {
        "entry_moved", "ends_exchanged", "no_bound", "fewer_tunnels", "neck_area_share", "breach_limit_not_met",
        "risk_without_cavity", "focus_missed", "objective_most", "reviewed", "accepted", "notes", "signed",
    }
)  # fmt: skip
#: So many are kept apart.
FOLDERS_MAX = 99


def measured(desk: ReviewModel) -> Measures:
    """The lesion's measures as the plan had them: with what the surgeon said then of stage, growth plate and date."""
    with spoken(ENGLISH):
        return measure(desk.hip, desk.spec, answers=answers_in(desk.scene.plan))


def signature_lost(file: PlanFile, sign_key: bytes | None) -> str | None:
    """Why what a review of this plan saves will not bear the plan's signature; ``None`` where it will, or had none."""
    signature = known(file.plan.signature)
    if signature is None:
        return None
    if sign_key is None:
        return say(
            "this plan is signed with a key; a plan saved here will not be; corecore review --sign-key FILE signs what"
            " is saved"
        )
    if not same_digest(signature_of(seal_of(file.content), sign_key), signature):
        return say("this plan is signed with another key; a plan saved here will be signed with the key given")
    return None


def write_outcome(
    desk: ReviewModel,
    session: Session,
    measures: Measures,
    folder: Path,
    head: str | None,
    *,
    sign_key: bytes | None = None,
    lapsed: SignedPart | None = None,
    before: Callable[[Path, str], None] = lambda _path, _hash: None,
) -> Path:
    """Writes the tunnels as they stand as a plan of status ``manual``, and returns its ``plan.json``.

    Step, notes, acceptance and sign-off are its ``review`` (``head``: hash of the record's last entry), and stand
    among its warnings; ``sign_key`` signs it; ``lapsed``: the signature that a session without one had before.
    ``before`` is called with its path and hash when all is written and nothing is in its place; where it raises,
    nothing will be. Raises ``InputError`` without a tunnel.
    """
    if not session.lines:
        raise InputError("no tunnel to write", code="review-refused")
    drilled = desk.drilled(session.lines)
    entry, tip = (np.array(point, dtype=np.float64) for point in (session.lines[0].entry, session.lines[0].tip))
    given = ManualPath(
        entry,
        tip,
        0.0,
        tuple(desk.broken(drilled)),
        None,
        "the review looks for no other tunnel",
    )
    review = _review(desk, session, head, lapsed)
    notes = [PlanWarning("reviewed", f"reviewed from plan {desk.scene.hash}, step {session.rev}")]
    if review.notes:
        notes.append(PlanWarning("notes", review.notes_line))
    if review.accepted is not None:
        notes.append(PlanWarning("accepted", f"exceeded limits accepted: {review.accepted}"))
    if review.signed is not None:
        notes.append(PlanWarning("signed", review.signed.words))
    # The number asked for was of the search; the hand may add.
    spec = replace(desk.spec, tunnels=max(desk.spec.tunnels, len(drilled)))
    # The record is in English, whatever the page speaks.
    with spoken(ENGLISH):
        plan = evaluated_plan(desk.hip, spec, measures, drilled, given=given, warnings=notes, timings={})
    there = {warning.code for warning in plan.warnings}
    kept = tuple(warning for warning in _warnings(desk.scene.plan) if warning.code not in there | OF_THE_TUNNELS)
    plan = replace(plan, warnings=(*kept, *plan.warnings), review=review)
    into = free_folder(folder)
    path = into / "plan.json"
    with staged_folder(into) as stage:
        content = write_plan(plan, stage, sign_key=sign_key)
        before(path, plan_hash(content_of(content)))
    return path


def _review(desk: ReviewModel, session: Session, head: str | None, lapsed: SignedPart | None) -> ReviewPart:
    signed = session.signed
    return ReviewPart(
        revision=session.rev,
        plan=desk.scene.full_hash,
        record=head,
        notes=session.notes,
        accepted=session.accepted,
        signed=None if signed is None else SignedPart(signed.name, signed.day, session.room.side),
        lapsed=UNSET if lapsed is None or signed is not None else lapsed,
    )


def _warnings(plan: PlanDocument) -> list[PlanWarning]:
    return [PlanWarning.told(known(one.code) or "", known(one.text) or "") for one in plan.warnings]


def free_folder(folder: Path) -> Path:
    """Where a reviewed plan goes: ``reviewed``, or ``reviewed-2`` and so on; none written before is replaced."""
    found = (folder / (FOLDER if count == 1 else f"{FOLDER}-{count}") for count in range(1, FOLDERS_MAX + 1))
    free = next((path for path in found if not path.exists()), None)
    if free is None:
        raise InputError(
            f"{folder}: holds {FOLDERS_MAX} reviewed plans already; fewer are accepted",
            code="review-refused",
        )
    return free
