"""The reviewed tunnels as a plan of their own: the whole folder, which verifies and exports like any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from corecore.base.errors import InputError
from corecore.document.content import content_of
from corecore.document.fields import known
from corecore.document.plan import PlanDocument
from corecore.exports.plan_folder import write_plan
from corecore.hip.anatomy.model import PlanWarning
from corecore.measures.model import Measures, measure
from corecore.measures.signs.clinician_input import ClinicianInput, parse_physis
from corecore.measures.signs.image_age import parse_date
from corecore.measures.signs.stage import parse_stage
from corecore.planning.planner import ManualPath, evaluated_plan
from corecore.review.model import ReviewModel
from corecore.review.session import Session

#: Folder beside the plan that holds the reviewed one, numbered from the second on.
FOLDER = "reviewed"
#: So many are kept apart.
FOLDERS_MAX = 99


def measured(desk: ReviewModel) -> Measures:
    """The lesion's measures as the plan had them: with what the surgeon said then of stage, growth plate and date."""
    return measure(desk.hip, desk.spec, answers=answers(desk.scene.plan))


def answers(plan: PlanDocument) -> ClinicianInput:
    """What a plan holds of the surgeon's answers; what it does not tell is not answered."""
    signs = plan.necrosis.signs
    stage, date = known(signs.stage), known(signs.image_age.imaging_date)
    label = None if stage is None else known(stage.label)
    return ClinicianInput(
        stage=None if label is None else parse_stage(label),
        physis=parse_physis(known(signs.physis) or "unknown"),
        imaging_date=None if date is None else parse_date(date),
    )


def write_outcome(desk: ReviewModel, session: Session, measures: Measures, folder: Path) -> Path:
    """Writes the tunnels as they stand as a plan of status ``manual``, and returns its ``plan.json``.

    Notes, acceptance and sign-off stand among its warnings. Raises ``InputError`` without a tunnel.
    """
    if not session.lines:
        raise InputError("no tunnel to write", code="review-refused")
    drilled = desk.drilled(session.lines)
    entry, tip = (np.array(point, dtype=np.float64) for point in (session.lines[0].entry, session.lines[0].tip))
    given = ManualPath(
        entry,
        tip,
        0.0,
        tuple(content_of(item) for item in desk.broken(drilled)),
        None,
        "the review looks for no other tunnel",
    )
    notes = [PlanWarning("reviewed", f"reviewed from plan {desk.scene.hash}, step {session.rev}")]
    if session.notes:
        notes.append(PlanWarning("notes", " / ".join(session.notes.split("\n"))))
    if session.accepted is not None:
        notes.append(PlanWarning("accepted", f"broken limits accepted: {session.accepted}"))
    if session.signed is not None:
        signed = f"signed off by {session.signed.name} on {session.signed.day}, {session.room.side.upper()} hip"
        notes.append(PlanWarning("signed", signed))
    # The number asked for was of the search; the hand may add.
    spec = replace(desk.spec, tunnels=max(desk.spec.tunnels, len(drilled)))
    plan = evaluated_plan(desk.hip, spec, measures, drilled, given=given, warnings=notes, timings={})
    into = free_folder(folder)
    write_plan(plan, into, log_text=lambda: "")
    return into / "plan.json"


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
