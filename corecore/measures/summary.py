"""What a surgeon reads in ten seconds: how large and where, what such lesions did, what speaks for and against.

Made from the content of ``measures.json`` alone, each part of which may be absent. Every sentence
that says what became of patients names its source and how many hips it rests on; none is advice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from corecore.document.fields import known
from corecore.document.necrosis import NecrosisPart
from corecore.document.signs import SummaryPart, WithheldPart
from corecore.hip.anatomy.model import PlanWarning
from corecore.measures.classes import classes_of
from corecore.measures.evidence import Item, evidence_of
from corecore.measures.signs.stage import Stage

#: Lines of the plain text, and their width.
LINES_MAX, WIDTH = 12, 118
QUESTIONS = {
    "stage": "stage not given (--stage): from III on core decompression is not supported",
    "physis": "physeal status not specified (--physis open|closed)",
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
    disagreements : tuple of str
        Statements among them that contradict each other.
    withheld : tuple of WithheldPart
        Favourable statements that are not made, and why.
    """

    headline: str
    expected: tuple[Item, ...]
    speaks_for: tuple[Item, ...]
    speaks_against: tuple[Item, ...]
    asks: tuple[str, ...]
    disagreements: tuple[str, ...] = ()
    withheld: tuple[WithheldPart, ...] = ()

    def part(self) -> SummaryPart:
        """The part ``summary`` of ``measures.json``."""
        return SummaryPart(
            headline=self.headline,
            expected=[item.part() for item in self.expected],
            speaks_for=[item.part() for item in self.speaks_for],
            speaks_against=[item.part() for item in self.speaks_against],
            asks=list(self.asks),
            disagreements=list(self.disagreements),
            withheld=list(self.withheld),
        )

    def text(self) -> str:
        """The summary as plain text; factors against decompression come first.

        Returns
        -------
        str
            At most 12 lines.
        """
        lines = [self.headline]
        parts = (
            ("Natural history", self.expected),
            ("Factors against", self.speaks_against),
            ("Factors favouring", self.speaks_for),
        )
        last = [f"Asked: {'; '.join(QUESTIONS.get(key, key) for key in self.asks)}"] if self.asks else []
        if self.disagreements:
            last.insert(0, f"Contradictory: {'; '.join(self.disagreements)}")
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
    found = evidence_of(measures, stage, collapse_seen=bool(codes & {"collapse", "flattening"}))
    open_questions = tuple(asks) or (("stage",) if stage is None else ())
    return Summary(
        _headline(measures, stage),
        found.of("course"),
        found.of("for"),
        found.of("against"),
        open_questions,
        found.disagreements,
        found.withheld,
    )


def _headline(measures: NecrosisPart, stage: Stage | None) -> str:
    """The classes in one line: location first, then size; a range from its worst class."""
    parts = []
    cut = known(measures.lower_bound) is True
    least = "at least " if cut else ""
    classes = known(measures.classes) or classes_of(measures)
    jic, extent = classes["jic.type"], classes["steinberg"]
    if cut:
        parts.append("not classifiable: the edge of the scan cuts the head or the lesion")
    elif jic.range:
        estimated = " (estimated)" if measures.jic.basis == "population" else ""
        parts.append(f"JIC type {' to '.join(dict.fromkeys((jic.range[0], jic.range[-1])))}{estimated}")
    elif known(jic.not_classifiable):
        parts.append(f"JIC type not classifiable: {known(jic.not_classifiable)}")
    share = known(measures.head_fraction)
    if share is not None:
        head = "the head in the scan" if cut else "the head"
        named = "/".join(extent.range[::-1])
        parts.append(f"{100.0 * share:.0f} % of {head}" + (f" (lesion size grade, Steinberg {named})" if named else ""))
    angle = known(measures.kerboul.combined_deg)
    if angle is not None:
        parts.append(f"combined necrotic angle {least}{angle:.0f}°")
    cap = known(measures.weight_bearing.surface_fraction)
    if cap is not None:
        parts.append(f"{least}{100.0 * cap:.0f} % of the weight-bearing area")
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
