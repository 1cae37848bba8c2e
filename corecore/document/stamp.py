"""What every file made of a plan says of itself: case, side, plan, and that it is no medical device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from corecore.base.notice import NOTICE_IN_LINE, NOTICE_SHORT
from corecore.document.fields import known
from corecore.document.plan import PlanDocument, ReviewPart, ViolationPart

#: Longest id printed, characters; DICOM's patient id holds 64 (engineering choice).
ID_LONGEST = 64


@dataclass(frozen=True)
class Provenance:
    """Identity of an output. ``plan_hash``: first eight digits; ``accepted``: why broken limits were let pass.

    Without ``accepted`` a file of the plan's own folder says no more than that limits are broken.
    """

    case_id: str
    side: str
    plan_hash: str
    imaged: str | None
    violations: tuple[str, ...]
    accepted: str | None
    #: The review that the plan comes from, if it comes from one.
    review: ReviewPart | None = None

    @classmethod
    def of(cls, plan: PlanDocument, full_hash: str, accepted: str | None = None) -> Provenance:
        """That of a plan by its hash."""
        told = tuple(told_violations(plan.violations))
        imaged = known(plan.case.imaging_date) or known(plan.necrosis.signs.image_age.imaging_date)
        return cls(
            _plain(known(plan.case.id) or ""), plan.case.side, full_hash[:8],
            None if imaged is None else _plain(imaged), told, accepted if told else None,
            known(plan.review),
        )  # fmt: skip

    @property
    def who(self) -> str:
        """Case, side and plan, short: for a line of 80 characters and less."""
        return f"{self.case_id} {self.side.upper()} plan {self.plan_hash}"

    def rows(self) -> list[tuple[str, str]]:
        """(name, value) pairs, all that is to be said; the names are column names too."""
        rows = [("case_id", self.case_id), ("side", self.side.upper()), ("plan_hash", self.plan_hash)]
        if self.imaged:
            rows.append(("imaging_date", self.imaged))
        if self.review is not None:
            signed = self.review.signed
            rows.append(("review_step", str(self.review.revision)))
            rows.append(("signed", "not signed" if signed is None else signed.words))
            if self.review.notes:
                rows.append(("notes", self.review.notes_line))
        rows.append(("notice", NOTICE_IN_LINE))
        if self.violations:
            rows.append(("limits_broken", "; ".join(self.violations)))
            rows.append(("accepted_because", self.accepted or ""))
        return rows

    def text(self) -> str:
        """All of it in one line."""
        parts = [f"case {self.case_id}", self.side.upper(), f"plan {self.plan_hash}"]
        if self.imaged:
            parts.append(f"imaged {self.imaged}")
        if self.review is not None:
            parts.append(self.review.words)
            if self.review.notes:
                parts.append(f"notes: {self.review.notes_line}")
        if self.violations:
            reason = f", accepted because: {self.accepted}" if self.accepted else ""
            parts.append(f"EXCEEDS LIMITS: {', '.join(self.violations)}{reason}")
        parts.append(NOTICE_IN_LINE)
        return "; ".join(parts)

    def header(self, length: int) -> str:
        """As much as fits into ``length`` ASCII characters: exceeded limits first, then who, then the notice."""
        reason = f", accepted: {self.accepted}" if self.accepted else ""
        alarm = f"LIMITS EXCEEDED{reason}" if self.violations else ""
        short = [self.who, NOTICE_SHORT, alarm]
        line = "; ".join(part for part in short if part)
        if len(line) > length and alarm:
            line = f"{self.who}; {NOTICE_SHORT}; LIMITS EXCEEDED"
        if len(line) > length:
            # A long id is shortened; side and plan are not.
            room = max(0, length - len(line) + len(self.case_id) - 1)
            line = line.replace(self.case_id, self.case_id[:room] + "~", 1)
        return line.encode("ascii", "replace").decode("ascii")[:length]


def told_violations(found: Iterable[ViolationPart]) -> Iterable[str]:
    """Each exceeded limit in words."""
    for item in found:
        value, limit = known(item.value), known(item.limit)
        shown = "not measurable" if value is None else f"{value:.3g}"
        against = "" if limit is None else f" (limit {limit:g})"
        yield f"{item.key} {shown}{against}"


def _plain(text: str) -> str:
    """A case's id as one line that fits a file's title."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= ID_LONGEST else line[: ID_LONGEST - 1] + "~"
