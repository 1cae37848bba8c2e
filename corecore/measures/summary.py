"""What a surgeon reads in ten seconds: how large and where, what such lesions did, what speaks for and against.

Made from the content of ``measures.json`` alone, each part of which may be absent. Every sentence
that says what became of patients names its source and how many hips it rests on; none is advice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from corecore.document.fields import known
from corecore.document.necrosis import NecrosisPart
from corecore.document.signs import SummaryPart
from corecore.hip.anatomy.model import PlanWarning
from corecore.measures import evidence
from corecore.measures.evidence import Item
from corecore.measures.signs.stage import Stage

#: Lines of the plain text, and their width.
LINES_MAX, WIDTH = 12, 118
QUESTIONS = {
    "stage": "stage not given (--stage): from III on core decompression is not supported",
    "physis": "growth plate not stated (--physis open|closed)",
}


@dataclass(frozen=True)
class Summary:
    """Summary of one hip for a reader with ten seconds; no advice.

    Parameters
    ----------
    headline : str
        Size and location of the lesion, one line.
    expected : tuple of Item
        Reported natural history of such lesions.
    speaks_for, speaks_against : tuple of Item
        Factors favouring, and factors against, decompression.
    asks : tuple of str
        Keys of what the surgeon has not answered yet.
    """

    headline: str
    expected: tuple[Item, ...]
    speaks_for: tuple[Item, ...]
    speaks_against: tuple[Item, ...]
    asks: tuple[str, ...]

    def part(self) -> SummaryPart:
        """The part ``summary`` of ``measures.json``."""
        return SummaryPart(
            headline=self.headline,
            expected=[item.part() for item in self.expected],
            speaks_for=[item.part() for item in self.speaks_for],
            speaks_against=[item.part() for item in self.speaks_against],
            asks=list(self.asks),
        )

    def text(self) -> str:
        """The summary as plain text; factors against decompression come first.

        Returns
        -------
        str
            At most 12 lines.
        """
        lines = [self.headline]
        parts = (("Course", self.expected), ("Against", self.speaks_against), ("For", self.speaks_for))
        last = [f"Asked: {'; '.join(QUESTIONS.get(key, key) for key in self.asks)}"] if self.asks else []
        room = LINES_MAX - len(lines) - len(last)
        shares = _shared_out(room, [len(items) for _, items in parts])
        for (title, items), share in zip(parts, shares, strict=True):
            shown = items if len(items) <= share else items[: max(0, share - 1)]
            lines += [_cut(f"{title}: {item.text} [{item.source}; {item.cohort}]") for item in shown]
            if len(shown) < len(items) and share:
                lines.append(f"{title}: {len(items) - len(shown)} more in measures.json")
        return "\n".join([*lines, *(_cut(line) for line in last)])


def summarise(
    measures: NecrosisPart,
    *,
    stage: Stage | None = None,
    warnings: Iterable[PlanWarning] = (),
    asks: Iterable[str] = (),
) -> Summary:
    """The summary of what was measured; parts that are absent or ``null`` say nothing.

    ``cautions`` are those of the hip and its signs, of which ``collapse`` is an argument; ``asks``
    are the keys of what the surgeon has not answered.
    """
    codes = {warning.code for warning in warnings}
    expected = evidence.said(evidence.COURSE, measures)
    against = evidence.late(stage, collapse="collapse" in codes) + evidence.said(evidence.AGAINST, measures)
    favourable = evidence.said(evidence.FOR, measures) + evidence.early(stage)
    open_questions = tuple(asks) or (("stage",) if stage is None else ())
    return Summary(_headline(measures, stage), tuple(expected), tuple(favourable), tuple(against), open_questions)


def _headline(measures: NecrosisPart, stage: Stage | None) -> str:
    """The classes in one line: place first, then size."""
    parts = []
    cut = known(measures.lower_bound) is True
    least = "at least " if cut else ""
    jic = known(measures.jic.type)
    if cut:
        parts.append("not classifiable: the edge of the scan cuts the head or the lesion")
    if jic:
        estimated = " (estimated)" if measures.jic.basis == "population" else ""
        parts.append(f"JIC type {known(measures.jic.type_range) or jic}{estimated}")
    share, letter = known(measures.head_fraction), known(measures.steinberg)
    if share is not None:
        head = "the head in the scan" if cut else "the head"
        parts.append(f"{100.0 * share:.0f} % of {head}" + (f" (Steinberg extent {letter})" if letter else ""))
    angle = known(measures.kerboul.combined_deg)
    if angle is not None:
        parts.append(f"combined necrotic angle {least}{angle:.0f}°")
    cap = known(measures.weight_bearing.surface_fraction)
    if cap is not None:
        parts.append(f"{least}{100.0 * cap:.0f} % of the loaded surface")
    parts.append(f"stage {stage.label}" if stage else "stage not given")
    return ", ".join(parts)


def _shared_out(room: int, wanted: list[int]) -> list[int]:
    """Lines for each part: what it wants while there is room, one after the other in turn."""
    shares = [0] * len(wanted)
    while room > 0 and any(share < want for share, want in zip(shares, wanted, strict=True)):
        for i, want in enumerate(wanted):
            if room > 0 and shares[i] < want:
                shares[i] += 1
                room -= 1
    return shares


def _cut(line: str) -> str:
    return line if len(line) <= 2 * WIDTH else line[: 2 * WIDTH - 1] + "…"
