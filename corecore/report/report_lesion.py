"""What the report says of the necrosis: its figures with their classes, and what became of such hips."""

from __future__ import annotations

from msgspec import Struct, UnsetType

from corecore.base.language import later, say
from corecore.base.recorded import say_recorded
from corecore.document.fields import known, listed
from corecore.document.necrosis import NecrosisPart
from corecore.document.plan import PlanDocument
from corecore.document.text import one_line, percent, quantity, sentence, text_of

#: Foci that page one describes.
MOST_FOCI = 4
QUESTIONS = {
    "stage": later("Stage not given: from stage III on core decompression is not supported."),
    "physis": later("Physeal status not specified: an open physis must not be crossed."),
}
#: Sides within a focus's place.
PLACES = {
    "anterior": later("anterior"),
    "posterior": later("posterior"),
    "superior": later("superior"),
    "inferior": later("inferior"),
    "medial": later("medial"),
    "lateral": later("lateral"),
}
JIC_WORDS = later(
    "A: ends in the medial third of the weight-bearing surface; B: in the middle third; C1: in the lateral third;"
    " C2: beyond the acetabular edge"
)


class FigureRow(Struct, frozen=True):
    """A figure of the lesion as text, and what it means: its class with that class's limits."""

    what: str
    value: str
    note: str


class Argument(Struct, frozen=True):
    """One sentence of what became of such hips, with its source."""

    text: str
    source: str


class Arguments(Struct, frozen=True):
    """Arguments of one kind: all of them, the worst first."""

    title: str
    items: list[Argument]


def necrosis_rows(plan: PlanDocument) -> list[FigureRow]:
    """The lesion's figures, each with its class and that class's limits."""
    n = plan.necrosis
    cut = known(n.lower_bound) is True

    def least(value: str) -> str:
        return say("at least {limit}", limit=value) if cut else value

    rows = [FigureRow(say("Volume"), least(quantity(n.volume_ml, "{:.1f} ml")), _spread(n))]
    if len(n.components) > 1:
        rows.append(FigureRow(say("Foci"), str(len(n.components)), _foci(plan)))
    half = known(n.head_fraction_half_voxel)
    between = ""
    if half is not None:
        between = "; " + say(
            "{low:.0f} to {high:.0f} %, segmentation uncertainty ± ½ voxel", low=100 * half[0], high=100 * half[1]
        )
    rows.append(
        FigureRow(
            say("Share of the head"),
            percent(n.head_fraction),
            (
                _no_class(n, "steinberg") + say("Share of the head that the scan shows")
                if n.steinberg is None
                else say(
                    "Lesion size grade (Steinberg) {grade}: A under 15 %, B 15 to 30 %, C over 30 %",
                    grade=text_of(n.steinberg),
                )
            )
            + between
            + _why_range(n, "steinberg"),
        )
    )
    jic = n.jic
    bases = {
        "population": later("estimated, acetabulum not segmented: population mean used"),
        "pelvis": later("from the pelvis"),
        "landmarks": later("from landmarks"),
    }
    basis = bases.get(str(jic.basis))
    rows.append(
        FigureRow(
            say("Lesion location (JIC type)"),
            text_of(known(jic.type_range) or jic.type),
            _no_class(n, "jic.type")
            + say(JIC_WORDS)
            + ("" if basis is None else f"; {say(basis)}")
            + _why_range(n, "jic.type"),
        )
    )
    kerboul = n.kerboul
    rows.append(
        FigureRow(
            say("Combined necrotic angle"),
            least(quantity(kerboul.combined_deg, "{:.0f}°")),
            _no_class(n, "kerboul.grade")
            + (
                ""
                if kerboul.grade is None
                else say(
                    "modified Kerboul grade {grade} (1 under 200°, 2 to 250°, 3 to 300°, 4 above)", grade=_grades(n)
                )
                + _why_range(n, "kerboul.grade")
            ),
        )
    )
    loaded = n.weight_bearing
    rows.append(
        FigureRow(
            say("Weight-bearing area involved"),
            least(percent(loaded.surface_fraction)),
            say(
                "of the {angle}° cap about the load in gait; least bone over the necrosis there {depth}",
                angle=quantity(loaded.cap_half_angle_deg, "{:g}"),
                depth=quantity(loaded.depth_mm, "{:.1f} mm"),
            ),
        )
    )
    uncertain = _frame_note(n)
    if uncertain:
        rows.append(FigureRow(say("Lateral axis"), say("uncertain"), uncertain))
    stage = known(n.signs.stage)
    label = None if stage is None else known(stage.label)
    told = say("not given") if label is None else one_line(label, 40)
    rows.append(FigureRow(say("Stage"), told, say("as the surgeon reads it; never derived from the masks")))
    return rows


def _foci(plan: PlanDocument) -> str:
    """Each focus in words: place, volume, weight-bearing area, and how much of it the tunnels remove."""
    removed, told = listed(plan.totals.foci_removed_fraction) if plan.tunnels else [], []
    for index, focus in enumerate(plan.necrosis.components[:MOST_FOCI]):
        line = f"{index + 1}: {place_text(focus.place)}, {quantity(focus.volume_ml, '{:.2f} ml')}"
        if known(focus.surface_fraction) is not None:
            share = quantity(focus.surface_fraction, "{:.0f} %", 100.0)
            line += ", " + say("{share} of the weight-bearing area", share=share)
        if index < len(removed):
            line += ", " + say("{share} removed", share=percent(removed[index]))
        told.append(line)
    if len(plan.necrosis.components) > MOST_FOCI:
        told.append(say("{count} more in plan.json", count=len(plan.necrosis.components) - MOST_FOCI))
    return "; ".join(told) + ". " + say("Location types are those of focus 1 alone")


def place_text(place: str | UnsetType | None) -> str:
    """A focus's octant in words, as ``anterior-superior-medial``."""
    return "-".join(say(PLACES[word]) if word in PLACES else word for word in text_of(place).split("-"))


def _no_class(necrosis: NecrosisPart, path: str) -> str:
    """Why a class is missing, before what the classes mean; nothing where it is not."""
    reason = necrosis.missing.get(path)
    if reason is None:
        return ""
    return say("not classifiable: {reason}", reason=say_recorded("", one_line(reason, 200))) + ". "


def _grades(necrosis: NecrosisPart) -> str:
    """Kerboul's grade, or all that it may be."""
    kinds = (known(necrosis.classes) or {}).get("kerboul.grade")
    return text_of(necrosis.kerboul.grade) if kinds is None or not kinds.range else "/".join(reversed(kinds.range))


def _why_range(necrosis: NecrosisPart, path: str) -> str:
    """What leaves a class open; nothing where it is one."""
    kinds = (known(necrosis.classes) or {}).get(path)
    if kinds is None or not kinds.because:
        return ""
    return "; " + say(
        "a range: {reasons}", reasons=one_line(", ".join(say_recorded("", why) for why in kinds.because), 300)
    )


def _frame_note(necrosis: NecrosisPart) -> str:
    """The ranges that an uncertain lateral axis leaves; empty where it is known."""
    ranges, classes = known(necrosis.frame_range), known(necrosis.frame_classes)
    if not ranges:
        return ""
    told = []
    for key, words, times in (
        ("weight_bearing.surface_fraction", later("weight-bearing area {low:.0f} to {high:.0f} %"), 100.0),
        ("kerboul.combined_deg", later("combined angle {low:.0f} to {high:.0f}°"), 1.0),
    ):
        if key in ranges:
            low, high = ranges[key]
            told.append(say(words, low=times * low, high=times * high))
    types = (classes or {}).get("jic.type", [])
    # Of a plane that does not show the lesion no type is told, whatever the frame.
    if len(types) > 1 and necrosis.jic.type is not None:
        kinds = [say("none") if kind is None else one_line(str(kind), 4) for kind in types]
        told.append(say("JIC type {types}", types=say(" or ").join(kinds)))
    if not any(key.startswith("octants.") for key in ranges):
        return say("the load's axis is that of a usual femur: {ranges}", ranges=", ".join(told))
    return say("no condyles in view: {ranges}", ranges=", ".join(told))


def _spread(necrosis: NecrosisPart) -> str:
    change, volume = necrosis.repeatability.figures.get("volume_ml"), known(necrosis.volume_ml)
    values = [] if change is None else [value for value in listed(change.half_voxel) if value is not None]
    if volume is not None and len(values) == 1 and "repeatability.half_voxel.inward" in necrosis.missing:
        return say(
            "segmentation uncertainty ± ½ voxel: none inward, {volume:.1f} ml outward", volume=volume + values[0]
        )
    if volume is None or len(values) < 2:
        return ""
    ends = sorted(volume + value for value in values)
    return say("{low:.1f} to {high:.1f} ml, segmentation uncertainty ± ½ voxel", low=ends[0], high=ends[-1])


def arguments(plan: PlanDocument) -> list[Arguments]:
    """Factors against and favouring decompression, and natural history; each sentence with its source."""
    summary = plan.necrosis.summary
    groups = []
    for found, title in (
        (summary.speaks_against, say("Factors against decompression")),
        (summary.speaks_for, say("Factors favouring decompression")),
        (summary.expected, say("Reported natural history")),
    ):  # fmt: skip
        told = [
            Argument(
                sentence(one_line(say_recorded(known(item.code) or "", known(item.text) or ""), 400)),
                one_line(_origin(known(item.code) or "", known(item.source) or "", known(item.cohort) or ""), 300),
            )
            for item in found
        ]
        if told:
            groups.append(Arguments(title, told))
    return groups


def _origin(code: str, source: str, cohort: str) -> str:
    """Paper and patients of a statement."""
    # A source with a number is a paper, and called as it is.
    own = source if "doi:" in source or "PMID" in source else say_recorded(code, source)
    return f"{own}; {say_recorded(code, cohort)}"


def disagreements(plan: PlanDocument) -> list[str]:
    """Published statements above that contradict each other."""
    return [sentence(one_line(say_recorded("", line), 400)) for line in listed(plan.necrosis.summary.disagreements)]


def asked(plan: PlanDocument) -> list[str]:
    """What the surgeon has not answered."""
    return [say(QUESTIONS[key]) for key in plan.necrosis.summary.asks if key in QUESTIONS]
