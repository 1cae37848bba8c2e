"""A plan that a review saved, handed on: its report to the browser, other formats beside it on disk."""

from __future__ import annotations

import re
from pathlib import Path

from corecore.base.errors import InputError
from corecore.base.input_file import bytes_of
from corecore.base.language import say
from corecore.document.fields import known
from corecore.document.read import read_plan
from corecore.review.case_messages import HandedOver, HandOver

#: Plans that a review writes beside its own, and the folder that exports of them go to.
WRITTEN = re.compile(r"(reviewed(?:-\d{1,2})?)/plan\.json")
EXPORTS = "exports"
REPORT, REPORT_MAX_BYTES = "report", 64 * 1024 * 1024
#: Formats that need no word of another system, and what they are called on disk.
NAMES = {"slicer": "slicer", "stl": "stl", "3mf": "plan.3mf", "nifti": "labels.nii.gz", "csv": "plan.csv"}


def hand_over(folder: Path, asked: HandOver) -> HandedOver:
    """The report of a plan that was saved in ``folder``, or the plan in a format beside it.

    Raises ``InputError`` for a plan that no review saved there and for an unknown format, and as ``export_plan``.
    """
    named = WRITTEN.fullmatch(asked.written)
    plan_file = folder / asked.written
    if named is None or not plan_file.is_file():
        raise InputError("no saved plan of that name here; save the plan first", code="review-refused")
    if asked.to == REPORT:
        name = f"{REPORT}.pdf"
        return HandedOver(name, "", bytes_of(plan_file.parent / name, "the report of a plan", REPORT_MAX_BYTES))
    if asked.to not in NAMES:
        raise InputError(f"{asked.to[:20]!r}; {', '.join((REPORT, *NAMES))} is accepted", code="option-value")
    # The writers bring the libraries of their formats along.
    from corecore.exports.formats import export_plan

    review = known(read_plan(plan_file).plan.review)
    place = folder / EXPORTS / named[1]
    place.mkdir(parents=True, exist_ok=True)
    out = place / NAMES[asked.to]
    export_plan(plan_file, asked.to, out, accept_violations=None if review is None else review.accepted, overwrite=True)
    return HandedOver(out.name, say("written: {place}", place=str(out)), None)
