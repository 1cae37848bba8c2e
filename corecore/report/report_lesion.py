"""What the report says of the necrosis: its figures with their classes, and what became of such hips."""

from __future__ import annotations

from msgspec import Struct

from corecore.document.fields import known, listed
from corecore.document.necrosis import NecrosisPart
from corecore.document.plan import PlanDocument
from corecore.document.text import one_line, percent, quantity, sentence, text_of

#: Foci that page one describes.
MOST_FOCI = 4
QUESTIONS = {
    "stage": "Stage not given: from stage III on core decompression is not supported.",
    "physis": "Physeal status not specified: an open physis must not be crossed.",
}
JIC_WORDS = (
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
    least = "at least " if known(n.lower_bound) is True else ""
    rows = [FigureRow("Volume", least + quantity(n.volume_ml, "{:.1f} ml"), _spread(n))]
    if len(n.components) > 1:
        rows.append(FigureRow("Foci", str(len(n.components)), _foci(plan)))
    half = known(n.head_fraction_half_voxel)
    between = ""
    if half is not None:
        between = f"; {100 * half[0]:.0f} to {100 * half[1]:.0f} %, segmentation uncertainty ± ½ voxel"
    rows.append(
        FigureRow(
            "Share of the head",
            percent(n.head_fraction),
            (
                f"{_no_class(n, 'steinberg')}Share of the head that the scan shows"
                if n.steinberg is None
                else f"Lesion size grade (Steinberg) {text_of(n.steinberg)}: A under 15 %, B 15 to 30 %, C over 30 %"
            )
            + between
            + _why_range(n, "steinberg"),
        )
    )
    jic = n.jic
    basis = {
        "population": "; estimated, acetabulum not segmented: population mean used",
        "pelvis": "; from the pelvis",
        "landmarks": "; from landmarks",
    }
    rows.append(
        FigureRow(
            "Lesion location (JIC type)",
            text_of(known(jic.type_range) or jic.type),
            _no_class(n, "jic.type") + JIC_WORDS + basis.get(str(jic.basis), "") + _why_range(n, "jic.type"),
        )
    )
    kerboul = n.kerboul
    rows.append(
        FigureRow(
            "Combined necrotic angle",
            least + quantity(kerboul.combined_deg, "{:.0f}°"),
            _no_class(n, "kerboul.grade")
            + (
                ""
                if kerboul.grade is None
                else f"modified Kerboul grade {_grades(n)} (1 under 200°, 2 to 250°, 3 to 300°, 4 above)"
                + _why_range(n, "kerboul.grade")
            ),
        )
    )
    loaded = n.weight_bearing
    rows.append(
        FigureRow(
            "Weight-bearing area involved",
            least + percent(loaded.surface_fraction),
            f"of the {quantity(loaded.cap_half_angle_deg, '{:g}')}° cap about the load in gait;"
            f" least bone over the necrosis there {quantity(loaded.depth_mm, '{:.1f} mm')}",
        )
    )
    uncertain = _frame_note(n)
    if uncertain:
        rows.append(FigureRow("Lateral axis", "uncertain", uncertain))
    stage = known(n.signs.stage)
    label = None if stage is None else known(stage.label)
    told = "not given" if label is None else one_line(label, 40)
    rows.append(FigureRow("Stage", told, "as the surgeon reads it; never derived from the masks"))
    return rows


def _foci(plan: PlanDocument) -> str:
    """Each focus in words: place, volume, weight-bearing area, and how much of it the tunnels remove."""
    removed, told = listed(plan.totals.foci_removed_fraction) if plan.tunnels else [], []
    for index, focus in enumerate(plan.necrosis.components[:MOST_FOCI]):
        line = f"{index + 1}: {text_of(focus.place)}, {quantity(focus.volume_ml, '{:.2f} ml')}"
        if known(focus.surface_fraction) is not None:
            line += f", {quantity(focus.surface_fraction, '{:.0f} %', 100.0)} of the weight-bearing area"
        if index < len(removed):
            line += f", {percent(removed[index])} removed"
        told.append(line)
    if len(plan.necrosis.components) > MOST_FOCI:
        told.append(f"{len(plan.necrosis.components) - MOST_FOCI} more in plan.json")
    return "; ".join(told) + ". Location types are those of focus 1 alone"


def _no_class(necrosis: NecrosisPart, path: str) -> str:
    """Why a class is missing, before what the classes mean; nothing where it is not."""
    reason = necrosis.missing.get(path)
    return "" if reason is None else f"not classifiable: {one_line(reason, 200)}. "


def _grades(necrosis: NecrosisPart) -> str:
    """Kerboul's grade, or all that it may be."""
    kinds = (known(necrosis.classes) or {}).get("kerboul.grade")
    return text_of(necrosis.kerboul.grade) if kinds is None or not kinds.range else "/".join(reversed(kinds.range))


def _why_range(necrosis: NecrosisPart, path: str) -> str:
    """What leaves a class open; nothing where it is one."""
    kinds = (known(necrosis.classes) or {}).get(path)
    return f"; a range: {one_line(', '.join(kinds.because), 300)}" if kinds is not None and kinds.because else ""


def _frame_note(necrosis: NecrosisPart) -> str:
    """The ranges that an uncertain lateral axis leaves; empty where it is known."""
    ranges, classes = known(necrosis.frame_range), known(necrosis.frame_classes)
    if not ranges:
        return ""
    told = []
    for key, words, form, times in (
        ("weight_bearing.surface_fraction", "weight-bearing area", "{:.0f} to {:.0f} %", 100.0),
        ("kerboul.combined_deg", "combined angle", "{:.0f} to {:.0f}°", 1.0),
    ):
        if key in ranges:
            told.append(f"{words} {form.format(*(times * value for value in ranges[key]))}")
    types = (classes or {}).get("jic.type", [])
    # Of a plane that does not show the lesion no type is told, whatever the frame.
    if len(types) > 1 and necrosis.jic.type is not None:
        told.append(f"JIC type {' or '.join('none' if kind is None else one_line(str(kind), 4) for kind in types)}")
    return "no condyles in view: " + ", ".join(told)


def _spread(necrosis: NecrosisPart) -> str:
    change, volume = necrosis.repeatability.figures.get("volume_ml"), known(necrosis.volume_ml)
    values = [] if change is None else [value for value in listed(change.half_voxel) if value is not None]
    if volume is not None and len(values) == 1 and "repeatability.half_voxel.inward" in necrosis.missing:
        return f"segmentation uncertainty ± ½ voxel: none inward, {volume + values[0]:.1f} ml outward"
    if volume is None or len(values) < 2:
        return ""
    ends = sorted(volume + value for value in values)
    return f"{ends[0]:.1f} to {ends[-1]:.1f} ml, segmentation uncertainty ± ½ voxel"


def arguments(plan: PlanDocument) -> list[Arguments]:
    """Factors against and favouring decompression, and natural history; each sentence with its source."""
    summary = plan.necrosis.summary
    groups = []
    for found, title in (
        (summary.speaks_against, "Factors against decompression"),
        (summary.speaks_for, "Factors favouring decompression"),
        (summary.expected, "Reported natural history"),
    ):  # fmt: skip
        told = [
            Argument(
                sentence(one_line(known(item.text) or "", 400)),
                one_line(f"{known(item.source) or ''}; {known(item.cohort) or ''}", 300),
            )
            for item in found
        ]
        if told:
            groups.append(Arguments(title, told))
    return groups


def disagreements(plan: PlanDocument) -> list[str]:
    """Published statements above that contradict each other."""
    return [sentence(one_line(line, 400)) for line in listed(plan.necrosis.summary.disagreements)]


def asked(plan: PlanDocument) -> list[str]:
    """What the surgeon has not answered."""
    return [QUESTIONS[key] for key in plan.necrosis.summary.asks if key in QUESTIONS]
