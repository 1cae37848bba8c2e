"""How old the imaging is: necroses grow, shrink and collapse, so a plan made on old images is old."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from corecore.base.errors import InputError
from corecore.document.signs import ImageAgePart
from corecore.hip.anatomy.model import PlanWarning

#: Older imaging is warned of, days (engineering choice). At the pace of type C2 hips, 57.8 % collapsed
#: in two years (Kuroda 2019, doi:10.1302/2046-3758.810.BJR-2019-0022.R1), one in ten collapses in
#: 90 days; and over a third of lesions shrank by themselves (Mazières 1997, Ann Rheum Dis 56:747).
IMAGE_AGE_MAX_DAYS = 90


@dataclass(frozen=True)
class ImageAge:
    """Age of the imaging on the day of the plan.

    Parameters
    ----------
    imaging_date : datetime.date or None
        Day of the imaging.
    days : int or None
        Days since; ``None`` where the date is unknown.
    warning : PlanWarning or None
        Given above 90 days (engineering choice) [1].

    References
    ----------
    1. Pace of collapse: Kuroda 2019, doi:10.1302/2046-3758.810.BJR-2019-0022.R1.
    """

    imaging_date: date | None
    days: int | None
    warning: PlanWarning | None

    def part(self) -> ImageAgePart:
        """For ``measures.json``."""
        return ImageAgePart(
            imaging_date=self.imaging_date.isoformat() if self.imaging_date else None, days=self.days,
            limit_days=IMAGE_AGE_MAX_DAYS,
            note=None if self.imaging_date else "imaging date unknown: its age is not evaluated",
        )  # fmt: skip


def parse_date(text: str) -> date:
    """A date as ``2026-03-01`` or, as DICOM writes it, ``20260301``. Raises ``InputError`` for anything else."""
    word = text.strip()
    if re.fullmatch(r"\d{8}", word):
        word = f"{word[:4]}-{word[4:6]}-{word[6:]}"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", word):
        raise InputError(f"date {text[:60]!r}; a date as YYYY-MM-DD or YYYYMMDD is accepted", code="date-invalid")
    try:
        return date.fromisoformat(word)
    except ValueError as error:
        raise InputError(
            f"date {text[:60]!r}; a date as YYYY-MM-DD or YYYYMMDD is accepted", code="date-invalid"
        ) from error


def image_age(imaging_date: date | None, today: date) -> ImageAge:
    """The imaging's age on ``today``. Raises ``InputError`` for imaging of a later day."""
    if imaging_date is None:
        return ImageAge(None, None, None)
    days = (today - imaging_date).days
    if days < 0:
        raise InputError(
            f"the imaging is dated {imaging_date.isoformat()}, after the day of the plan ({today.isoformat()});"
            " a date up to that day is accepted",
            code="date-invalid",
        )
    warning = None
    if days > IMAGE_AGE_MAX_DAYS:
        warning = PlanWarning(
            "image_age",
            f"the imaging is {days} days old (of {imaging_date.isoformat()}; limit {IMAGE_AGE_MAX_DAYS} days,"
            " engineering choice): lesions grow, shrink and collapse (Kuroda 2019,"
            " doi:10.1302/2046-3758.810.BJR-2019-0022.R1; Mazières 1997, Ann Rheum Dis 56:747)",
        )
    return ImageAge(imaging_date, days, warning)
