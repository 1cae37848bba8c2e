"""The headline of a plan: gain, risk and factors against, weighed by one table.

The colour is that of the worst row. Green is a plan of which no row is amber or red; that the search ended makes
nothing green. The table with its sources: ``docs/headline.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, field

from corecore.base.language import ENGLISH, in_sentence, language, later, say, spoken
from corecore.base.limits import LIMITS, NECK_SHARE_WARNING, figure_name
from corecore.base.messages import Severity, severity_of
from corecore.base.recorded import say_recorded
from corecore.document.fields import Part, known, listed
from corecore.document.text import chance, guidance_text, one_line, percent, warning_meaning

if TYPE_CHECKING:
    from corecore.document.plan import PlanDocument

Color = Literal["green", "amber", "red"]
Group = Literal["gained", "risked", "against"]
ORDER: tuple[Color, ...] = ("green", "amber", "red")
MARKS: dict[Color, str] = {"green": "✓", "amber": "▲", "red": "✗"}
GROUPS: dict[Group, str] = {
    "gained": later("Gain"),
    "risked": later("Risk"),
    "against": later("Factors against"),
}
#: Least share of the lesion that one 10 mm core removed of simulated lesions on real femora.
LITTLE_REMOVED = 0.08
#: Perforated heads of 128 conventional cores, one, and the upper end of its exact 95 % interval (Fairbank 1995).
PERFORATED, PERFORATED_AT_MOST = 1.0 / 128.0, 0.0428
#: Share of the lateral wall's width: engineering choices.
WALL_AMBER, WALL_RED = 1.0 / 3.0, 0.5
#: Share of the head above which one hip of 17 did well, and Steinberg's C.
HEAD_AMBER, HEAD_RED = 0.21, 0.30
#: Combined angle from which all of 25 hips collapsed, and to which none of 4 did.
ANGLE_RED, ANGLE_AMBER = 240.0, 190.0
#: Figures printed in several places, by one name.
NECK, WALL = LIMITS["neck_area_share_max"].figure_name, later("Lateral-wall defect")
#: Reasons named in the sentence; all stand in the rows.
NAMED = 3
#: Longest warning of a row, characters.
WARNING_MAX = 600
#: The growth plate in words.
PHYSIS = {"open": later("open"), "closed": later("closed"), "unknown": later("not specified")}
#: Share of the weight-bearing area under which the lesion lies: engineering choice.
AREA_AMBER = 0.25
#: Colour of a warning's severity; a note weighs nothing.
WARNED: dict[Severity, Color] = {"stop": "red", "caution": "amber", "note": "green"}
#: Warnings that have a row of their own.
OWN_ROW = frozenset({"late_stage", "open_physis", "neck_area_share"})
#: Sources, as they are printed.
FAIRBANK = later("1 of 128 conventional cores perforated the head, exact 95 % interval 0.02 to 4.3 %: PMID 7822394")
ENGINEERING = later("engineering choice")


class HeadlineRowPart(Part, frozen=True):
    """One thing weighed."""

    key: Annotated[str, Meta(description="Stable name; of a warning its code")]
    group: Annotated[Group, Meta(description="What it is to the decision")]
    what: Annotated[str, Meta(description="Name of the figure")]
    value: Annotated[str, Meta(description="What this plan has")]
    color: Annotated[Color, Meta(description="How it stands")]
    limit: Annotated[str, Meta(description="From where it is amber and red, and the source of that")] = ""

    @property
    def warns(self) -> bool:
        """Whether it is a warning of the plan: those alone have no limit."""
        return self.group == "against" and not self.limit


class HeadlinePart(Part, frozen=True):
    """The plan in one line."""

    color: Annotated[Color, Meta(description="The worst row's")]
    sentence: Annotated[str, Meta(description="In one sentence")]
    rows: Annotated[list[HeadlineRowPart], Meta(description="Everything weighed, the worst first in each group")] = (
        field(default_factory=list)
    )


def headline_of(plan: PlanDocument) -> HeadlinePart:
    """The headline of the current plan.

    Parameters
    ----------
    plan : PlanDocument
        The plan; parts that it lacks are given as not known, which is never green.

    Returns
    -------
    HeadlinePart
        Colour, sentence, and every row that was weighed.
    """
    groups: tuple[Group, ...] = ("gained", "risked", "against")
    found = [*_gained(plan), *_risked(plan), *_against(plan)]
    rows = [
        row
        for group in groups
        for row in sorted((one for one in found if one.group == group), key=lambda one: -ORDER.index(one.color))
    ]
    color: Color = max((row.color for row in rows), key=ORDER.index, default="amber")
    return HeadlinePart(color=color, sentence=_sentence(plan, color, rows), rows=rows)


def stated_headline(plan: PlanDocument) -> HeadlinePart:
    """The headline that a plan states; of plans of earlier versions, what it would be."""
    return known(plan.headline) or headline_of(plan)


def shown_headline(plan: PlanDocument) -> HeadlinePart:
    """The stated headline in the language spoken; in English as it is stated where its figures give another one."""
    stated = stated_headline(plan)
    if language() == ENGLISH:
        return stated
    with spoken(ENGLISH):
        again = headline_of(plan)
    return headline_of(plan) if again == stated else stated


def _row(key: str, group: Group, what: str, value: str, color: Color, limit: str = "") -> HeadlineRowPart:
    return HeadlineRowPart(key=key, group=group, what=what, value=value, color=color, limit=limit)


def _above(value: float, amber: float, red: float) -> Color:
    return "red" if value > red else "amber" if value > amber else "green"


def _gained(plan: PlanDocument) -> Iterator[HeadlineRowPart]:
    totals = plan.totals
    if not plan.tunnels:
        yield _row("removed", "gained", say("Necrosis removed"), say("nothing"), "red")
        return
    removed = known(totals.removed_fraction)
    color: Color = "amber" if removed is None or removed < LITTLE_REMOVED else "green"
    yield _row(
        "removed", "gained", say("Necrosis removed"), percent(removed), "red" if removed == 0.0 else color,
        say(
            "amber under {share:.0f} %: one 10 mm core removed no less of simulated lesions; no paper links it to"
            " outcome",
            share=100 * LITTLE_REMOVED,
        ),
    )  # fmt: skip
    loaded, part = known(totals.removed_weight_bearing_fraction), known(plan.necrosis.weight_bearing.volume_fraction)
    if part is None or part > 0.0:
        yield _row(
            "removed_weight_bearing", "gained", say("Removed of the weight-bearing part"), percent(loaded),
            "green" if loaded else "amber", say("amber where nothing of it is removed: engineering choice"),
        )  # fmt: skip
    shares = listed(totals.foci_removed_fraction)
    if len(plan.necrosis.components) > 1:
        missed = [number for number, share in enumerate(shares, start=1) if share == 0.0]
        told = ", ".join(f"{number}: {percent(share)}" for number, share in enumerate(shares[:4], start=1))
        more = say(", {count} more", count=len(shares) - 4) if len(shares) > 4 else ""
        yield _row(
            "removed_per_focus", "gained", say("Removed of each focus"), told + more if shares else percent(None),
            "red" if 1 in missed else "amber" if missed or not shares else "green",
            say("amber where a focus keeps all, red where the largest does: engineering choice"),
        )  # fmt: skip


def _risked(plan: PlanDocument) -> Iterator[HeadlineRowPart]:
    for number, broken in enumerate(plan.violations):
        key = one_line(str(known(broken.key) or "?"), 60)
        name = say(figure_name(key))
        yield _row(f"violation_{number}_{key}", "risked", say("Limit exceeded"), name, "red", say("a limit in force"))
    if not plan.tunnels:
        return
    guidance = known(plan.spec.guidance)
    risk = None if guidance is None else (known(plan.totals.risk) or {}).get(guidance)
    often = None if risk is None else known(risk.perforation_probability)
    what = say("Perforation") if guidance is None else say("Perforation, {guidance}", guidance=guidance_text(guidance))
    limit = say(
        "amber above 1 in 128, red above 4.3 %: {source}; a model of drilling, not patients", source=say(FAIRBANK)
    )
    if often is None or risk is None:
        yield _row("perforation", "risked", what, say("not simulated"), "amber", limit)
    else:
        yield _row(
            "perforation", "risked", what, chance(often, known(risk.poses)),
            _above(often, PERFORATED, PERFORATED_AT_MOST), limit,
        )  # fmt: skip
    neck = known(plan.totals.neck_area_share)
    yield _row(
        "neck", "risked", say(NECK), percent(neck),
        "amber" if neck is None or neck > NECK_SHARE_WARNING else "green",
        say("amber above {share:.0f} %: {source}", share=100 * NECK_SHARE_WARNING, source=say(ENGINEERING)),
    )  # fmt: skip
    left = known(plan.totals.bone_left)
    wall = None if left is None else known(left.lateral_wall_share)
    yield _row(
        "lateral_wall", "risked", say(WALL), percent(wall),
        "amber" if wall is None else _above(wall, WALL_AMBER, WALL_RED),
        say("amber above a third, red above a half: {source}", source=say(ENGINEERING)),
    )  # fmt: skip


def _against(plan: PlanDocument) -> Iterator[HeadlineRowPart]:
    necrosis = plan.necrosis
    stage = known(necrosis.signs.stage)
    late = stage is not None and known(stage.collapsed) is True
    yield _row(
        "stage", "against", say("Stage"), say("not given") if stage is None else one_line(str(known(stage.label)), 40),
        "amber" if stage is None else "red" if late else "green",
        say("red from III on: doi:10.1016/j.arth.2019.11.029, PMID 7822394; amber where it is not given"),
    )  # fmt: skip
    physis = known(necrosis.signs.physis)
    yield _row(
        "physis", "against", say("Physis"), say(PHYSIS.get(str(physis), "not specified")),
        "green" if physis == "closed" else "red" if physis == "open" else "amber",
        say("red where open, amber where not specified: engineering choice"),
    )  # fmt: skip
    yield _size(plan)
    area = known(necrosis.weight_bearing.surface_fraction)
    ends = (known(necrosis.frame_range) or {}).get("weight_bearing.surface_fraction", [])
    most = None if area is None else max([area, *ends])
    yield _row(
        "weight_bearing_area", "against", say("Weight-bearing area involved"), percent(area),
        "green" if most is not None and most < AREA_AMBER else "amber",
        say("amber from {share:.0f} % on: {source}", share=100 * AREA_AMBER, source=say(ENGINEERING)),
    )  # fmt: skip
    yield from _location(plan)
    for warning in plan.warnings:
        code = known(warning.code) or "?"
        color = WARNED[severity_of(code)]
        if color != "green" and code not in OWN_ROW:
            meaning = one_line(warning_meaning(code, known(warning.text)), WARNING_MAX)
            yield _row(code, "against", say("Warning"), meaning, color)


def _size(plan: PlanDocument) -> HeadlineRowPart:
    necrosis = plan.necrosis
    limit = say("amber where it may be above 21 %: PMID 8991993; red where it is above 30 %: PMID 7822393")
    name = say("Share of the head")
    share, kinds = known(necrosis.head_fraction), (known(necrosis.classes) or {}).get("steinberg")
    if known(necrosis.lower_bound) is True:
        return _row("size", "against", name, say("not known, the scan cuts head or lesion"), "red", limit)
    low = None if kinds is None else known(kinds.low)
    high = None if kinds is None else known(kinds.high)
    if share is None or low is None or high is None:
        return _row("size", "against", name, percent(share), "amber", limit)
    text = say("{share} ({low:.1f} to {high})", share=percent(share), low=100.0 * low, high=percent(high))
    color: Color = "red" if low > HEAD_RED else "amber" if high >= HEAD_AMBER else "green"
    return _row("size", "against", name, text, color, limit)


def _off_plane(plan: PlanDocument) -> list[int]:
    """Foci under the weight-bearing area that the mid-coronal plane does not meet."""
    return [
        number
        for number, focus in enumerate(plan.necrosis.components, start=1)
        if focus.covered_share is None and (known(focus.surface_fraction) or 0.0) > 0.0
    ]


def _location(plan: PlanDocument) -> Iterator[HeadlineRowPart]:
    classes = known(plan.necrosis.classes)
    told = {} if classes is None else classes
    jic, kerboul = told.get("jic.type"), told.get("kerboul.grade")
    name = say("Location (JIC type)")
    limit = say("amber where it may be C1 or C2, red where it is C2: doi:10.1302/2046-3758.810.BJR-2019-0022.R1")
    if jic is None or not jic.range:
        why = (
            say("not classifiable")
            if jic is None or not known(jic.not_classifiable)
            else say("not classifiable: {reason}", reason=say_recorded("", str(known(jic.not_classifiable))))
        )
        yield _row("location", "against", name, one_line(why, 160), "amber", limit)
    else:
        hidden = _off_plane(plan)
        doubtful = bool(hidden) or jic.range[0] in ("C1", "C2")
        color: Color = "red" if jic.range[-1] == "C2" else "amber" if doubtful else "green"
        # As among the measures: every class, the best first.
        types = "/".join(reversed(jic.range))
        if hidden:
            types += say(", not of focus {numbers}, which its plane does not meet", numbers=", ".join(map(str, hidden)))
        yield _row("location", "against", name, types, color, limit)
    name = say("Combined necrotic angle, range")
    limit = say("amber where it may be above 190°, red where it is 240° or more: doi:10.2106/JBJS.F.00535")
    low = None if kerboul is None else known(kerboul.low)
    high = None if kerboul is None else known(kerboul.high)
    if low is None or high is None:
        yield _row("angle", "against", name, say("not classifiable"), "amber", limit)
    else:
        color = "red" if low >= ANGLE_RED else "amber" if high > ANGLE_AMBER or _off_plane(plan) else "green"
        yield _row("angle", "against", name, say("{low:.0f} to {high:.0f}°", low=low, high=high), color, limit)


def _sentence(plan: PlanDocument, color: Color, rows: list[HeadlineRowPart]) -> str:
    """The worst by name, then gain and risk."""
    worst = [row for row in rows if row.color == color and (plan.tunnels or row.key != "removed")]
    names = list(dict.fromkeys(_named(row) for row in worst))
    more = say("; {count} more below", count=len(names) - NAMED) if len(names) > NAMED else ""
    against = "; ".join(names[:NAMED]) + more
    if not plan.tunnels:
        if not names:
            return say("No tunnel within every limit.")
        return say("No tunnel within every limit. Against one: {factors}.", factors=against)
    by_key = {row.key: row for row in rows}
    gain = say("removes {share} of the necrosis", share=by_key["removed"].value)
    risk = by_key["perforation"]
    if risk not in worst or color == "green":
        gain += f"; {_named(risk)}"
    if color == "green":
        return say("No measured or stated factor is against this plan: it {gain}.", gain=gain)
    if color == "red":
        return say("Factors against this plan: {factors}. It {gain}.", factors=against, gain=gain)
    return say("Weigh before drilling: {factors}. It {gain}.", factors=against, gain=gain)


def _named(row: HeadlineRowPart) -> str:
    """A row in a sentence; of a warning what it says first."""
    return _first_clause(row.value) if row.warns else f"{in_sentence(row.what)}: {row.value}"


def _first_clause(text: str) -> str:
    """What a sentence says before its first semicolon outside brackets."""
    first, *others = text.split("; ")
    for other in others:
        if first.count("(") <= first.count(")"):
            break
        first += f"; {other}"
    return first.rstrip(".")
