"""What no mask shows and the surgeon must say: the stage, and whether the growth plate is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, cast, get_args

from corecore.base.errors import InputError
from corecore.document.fields import known
from corecore.document.plan import PlanDocument
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.inputs import Theatre
from corecore.measures.signs.image_age import parse_date
from corecore.measures.signs.stage import Stage, parse_stage

Physis = Literal["open", "closed", "unknown"]


@dataclass(frozen=True)
class ClinicianInput:
    """What the surgeon said, and when: ``today`` is the day against which the image's age counts."""

    stage: Stage | None = None
    physis: Physis = "unknown"
    imaging_date: date | None = None
    today: date | None = None


def parse_physis(text: str) -> Physis:
    """``open``, ``closed`` or ``unknown``, in any case. Raises ``InputError`` for another word."""
    word = text.strip().lower()
    if word not in get_args(Physis):
        raise InputError(f"physis {text[:60]!r}; open, closed or unknown is accepted", code="option-value")
    return cast(Physis, word)


def parse_clinician_input(stage: str | None, physis: str, imaging_date: str | None) -> ClinicianInput:
    """What the surgeon said, from texts as an option has them. Raises ``InputError`` for what none of them can be."""
    return ClinicianInput(
        stage=None if stage is None else parse_stage(stage),
        physis=parse_physis(physis),
        imaging_date=None if imaging_date is None else parse_date(imaging_date),
    )


def parse_theatre(surgeon: str | None, operation_date: str | None) -> Theatre:
    """Who operates, and when, from texts. Raises ``InputError`` for what is no name and no date."""
    day = None if operation_date is None else parse_date(operation_date)
    return Theatre(" ".join((surgeon or "").split()), day)


def answers_in(plan: PlanDocument) -> ClinicianInput:
    """What a plan holds of the surgeon's answers; what it does not tell is not answered."""
    signs = plan.necrosis.signs
    stage, day = known(signs.stage), known(signs.image_age.imaging_date) or known(plan.case.imaging_date)
    return parse_clinician_input(None if stage is None else known(stage.label), known(signs.physis) or "unknown", day)


def late_stage(stage: Stage | None) -> PlanWarning | None:
    """The warning due at stage III and above, by whatever system.

    The boundary is ARCO's (Yoon 2020). Of heads decompressed in Ficat stage III 58 % survived without further operation
    for 5 years, 23 % for 15 (Fairbank 1995, PMID 7822394); of 68 such hips 20 did well (Mont, Jones, Pacheco,
    Hungerford).
    """
    if stage is None or not stage.collapsed:
        return None
    return PlanWarning(
        "late_stage",
        f"stage {stage.label}: the bone under the cartilage has fractured, and core decompression is not supported"
        " there (limit of stage III: Yoon 2020, doi:10.1016/j.arth.2019.11.029; of heads decompressed in stage III 58 %"
        " survived without further operation for 5 years, 23 % for 15: Fairbank 1995, PMID 7822394)",
    )


def open_physis(physis: Physis) -> PlanWarning | None:
    """The warning due where the growth plate is open; an engineering choice, for no limit here was made for a child."""
    if physis != "open":
        return None
    return PlanWarning(
        "open_physis",
        "the physis is open: a tunnel to the head crosses it, and the limits of this plan are not made for a growing"
        " hip (engineering choice)",
    )


def questions(stage: Stage | None, physis: Physis) -> tuple[str, ...]:
    """What is still to be answered, as keys: ``stage``, ``physis``."""
    return tuple(["stage"] * (stage is None) + ["physis"] * (physis == "unknown"))
