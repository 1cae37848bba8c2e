"""What the report says, as plain tables and sentences: the page and the print are two settings of one text.

Made from ``plan.json`` alone, each part of which may be absent. Nothing from an input file's name or
header enters: a case is called by its id.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, UnsetType

from corecore.base.language import ENGLISH, as_recorded, language, later, say, say_plural, translation_note
from corecore.base.limits import LIMITS, UNITS, figure_name
from corecore.base.messages import Severity, severity_of
from corecore.base.notice import NOTICE_CAPTION
from corecore.base.recorded import say_recorded
from corecore.document.content import content_of
from corecore.document.fields import Part, known, listed
from corecore.document.headline import GROUPS, MARKS, NECK, WALL, Color, HeadlineRowPart, shown_headline
from corecore.document.plan import PlanDocument
from corecore.document.risk import RiskPart
from corecore.document.text import UNKNOWN, chance, guidance_text, one_line, percent, quantity, sentence
from corecore.document.totals import BoneLeftPart, TotalsPart, says_something
from corecore.document.tunnels import ExplanationPart, TunnelPart
from corecore.report import captions
from corecore.report.density_strip import cortex_words
from corecore.report.limits import JudgedLimit, Tone, limit_rows
from corecore.report.report_lesion import Arguments, FigureRow, arguments, asked, disagreements, necrosis_rows
from corecore.report.scene import DrawnTunnel, Scene
from corecore.report.theatre import AIM_NOTE, RANGE_NOTE, Aim, Header, Instruments, aims, header, instruments

#: Warnings by their weight, in the order in which they are printed.
MARKED: dict[Severity, str] = {"stop": "✗", "caution": "▲", "note": "·"}
#: Rows of other tunnels and of tunnels that are printed.
MOST_ALTERNATIVES, MOST_TUNNELS = 8, 16
#: Roles of inputs, landmarks, and where those come from, in words.
ROLES = {
    "femur": later("femur"),
    "lesion": later("lesion"),
    "image": later("image"),
    "pelvis": later("pelvis"),
    "avoid": later("region to avoid"),
    "landmarks": later("landmarks"),
    "knee": later("knee"),
    "lesion_image": later("lesion's image"),
    "lesion_transform": later("lesion's transform"),
}
LANDMARKS = {
    "head_center": later("head center"),
    "neck_axis": later("neck axis"),
    "shaft_axis": later("shaft axis"),
    "lesser_trochanter": later("lesser trochanter"),
    "greater_trochanter": later("greater trochanter"),
    "x_axis": later("lateral axis"),
}
SOURCES = {
    "fitted": later("fitted"),
    "given": later("given"),
    "assumed": later("assumed"),
    "condyles": later("condyles"),
    "neck": later("neck"),
}
#: Walls that an explanation names, and their sides.
WALLS = {"joint": later("the joint"), "neck": later("the cortex of the neck ({side})")}
SIDES = {
    "superior": later("superior"),
    "anterior": later("anterior"),
    "inferior": later("inferior"),
    "posterior": later("posterior"),
    "lateral": later("lateral"),
    "head": later("head"),
}
#: Explanations and ways out that are printed.
MOST_HOLDS, MOST_WAYS = 3, 5


class Status(Part, frozen=True):
    """What a plan is in a word, how it weighs in a colour and a sentence, and the sentences under it.

    ``tone``: whether limits are kept. ``color`` is the headline's (``docs/headline.md``).
    """

    word: str
    tone: Literal["breaks", "keeps"]
    lines: list[str]
    color: Color
    mark: str
    sentence: str


class Weighed(Part, frozen=True):
    """Rows of the headline of one group."""

    title: str
    rows: list[JudgedLimit]


class WayOut(Struct, frozen=True):
    """A limit that would have to give way: its value, the one with a tunnel, and how sure that is."""

    what: str
    limit: str
    needed: str
    how: str


class Warnings(Part, frozen=True):
    """All of them, the gravest first."""

    lines: list[str]


class Transcription(Part, frozen=True):
    """Numbers to carry to the theatre, a row a tunnel."""

    columns: list[str]
    rows: list[list[str]]
    level_assumed: bool


class InputRow(Struct, frozen=True):
    """An input by its role and its fingerprint, never by its name."""

    role: str
    sha256: str


class Origins(Struct, frozen=True):
    """Where a plan comes from: inputs, every parameter in force, and the source of each landmark."""

    inputs: list[InputRow]
    parameters: list[tuple[str, str]]
    sources: list[tuple[str, str]]


class Judged(Part, frozen=True):
    """The part of the report that changes with the tunnels."""

    status: Status
    limits: list[JudgedLimit]
    violations: list[str]
    transcription: Transcription
    weighed: list[Weighed]


class ReportContent(Judged, kw_only=True, frozen=True):
    """Everything the report says in words and figures; ``hash`` is short, ``full_hash`` has 64 digits."""

    side: str
    hip: str
    title: str
    id: str
    imaged: str
    header: Header
    instruments: list[Instruments]
    aims: list[Aim]
    aim_note: str
    colors: list[str]
    hash: str
    full_hash: str
    version: str
    created: str
    notice: str
    translation: str
    necrosis: list[FigureRow]
    ways: list[WayOut]
    holds: list[str]
    arguments: list[Arguments]
    disagreements: list[str]
    warnings: Warnings
    all_warnings: list[str]
    bone: list[tuple[str, str]]
    risk: list[list[str]]
    risk_note: str
    alternatives: list[list[str]]
    provenance: Origins


def report_content(scene: Scene) -> ReportContent:
    """Everything the report says in words and figures."""
    plan, judged = scene.plan, judged_content(scene)
    return ReportContent(
        status=judged.status,
        limits=judged.limits,
        violations=judged.violations,
        transcription=judged.transcription,
        weighed=judged.weighed,
        side=scene.side.upper(),
        hip=captions.hip_name(scene),
        title=say(
            "{hip}, {id}: core decompression report {plan}",
            hip=captions.hip_in_title(scene),
            id=one_line(scene.case_id, 60),
            plan=scene.hash,
        ),
        id=one_line(scene.case_id, 60),
        imaged=captions.imaging_date(scene) or say("date not given"),
        header=header(scene),
        instruments=instruments(scene)[:MOST_TUNNELS],
        aims=aims(scene)[:MOST_TUNNELS],
        aim_note=say(AIM_NOTE) + (" " + say(RANGE_NOTE) if any("(" in aim.leg for aim in aims(scene)) else ""),
        colors=[captions.color_of(scene, number) for number in range(len(scene.tunnels))],
        hash=scene.hash,
        full_hash=scene.full_hash,
        version=one_line(known(plan.corecore_version) or UNKNOWN, 30),
        created=one_line(known(plan.created) or UNKNOWN, 40),
        notice=say(NOTICE_CAPTION),
        translation=translation_note(),
        necrosis=necrosis_rows(plan),
        ways=_ways(plan),
        holds=_holds(scene),
        arguments=arguments(plan),
        disagreements=disagreements(plan),
        warnings=_warnings(scene),
        all_warnings=[sentence(line) for line in (*captions.warnings(scene), *asked(plan))],
        bone=_bone(scene),
        risk=_risk(scene),
        risk_note=_risk_note(scene),
        alternatives=_alternatives(scene),
        provenance=_provenance(scene),
    )


def judged_content(scene: Scene) -> Judged:
    """What changes with the tunnels."""
    return Judged(
        _status(scene), limit_rows(scene), captions.violations(scene), _transcription(scene), _weighed(scene.plan)
    )


def _weighed(plan: PlanDocument) -> list[Weighed]:
    """Gain, risk and factors against, beside one another; warnings have a list of their own."""
    rows = shown_headline(plan).rows
    return [
        Weighed(say(title), [_as_limit(row) for row in rows if row.group == group and not row.warns])
        for group, title in GROUPS.items()
    ]


def _as_limit(row: HeadlineRowPart) -> JudgedLimit:
    tones: dict[Color, Tone] = {"green": "keeps", "amber": "warned", "red": "breaks"}
    return JudgedLimit(row.what, row.value, row.limit, row.color, MARKS[row.color], tones[row.color])


def _status(scene: Scene) -> Status:
    """The answer in a word, a tone, and the sentences under it."""
    plan, broken = scene.plan, captions.violations(scene)
    totals, headline = plan.totals, shown_headline(scene.plan)
    weighs = (headline.color, MARKS[headline.color], one_line(headline.sentence, captions.LONGEST))
    if scene.status == "infeasible":
        return Status(captions.headline(scene), "breaks", [sentence(captions.reason(scene))], *weighs)
    count = len(scene.tunnels)
    sizes = sorted({f"{tunnel.diameter_mm:g}" for tunnel in scene.tunnels})
    drill = say_plural(
        "{count} tunnel of {sizes} mm", "{count} tunnels of {sizes} mm", count, sizes=say(" and ").join(sizes)
    )
    cavity = next((t for t in scene.tunnels if t.cavity_diameter_mm), None)
    if cavity is not None:
        drill += say(
            ", with a cavity of {width:g} × {length:g} mm at the tip",
            width=cavity.cavity_diameter_mm,
            length=cavity.cavity_length_mm,
        )
    lines = [
        say_plural(
            "{drill}: removes {share} of the necrosis ({removed} of {volume}); {reachable} lies deeper than the joint"
            " margin and can be reached.",
            "{drill}: remove {share} of the necrosis ({removed} of {volume}); {reachable} lies deeper than the joint"
            " margin and can be reached.",
            count,
            drill=drill,
            share=percent(totals.removed_fraction),
            removed=quantity(totals.necrosis_removed_ml, "{:.2f}"),
            volume=quantity(plan.necrosis.volume_ml, "{:.2f} ml"),
            reachable=percent(totals.reachable_fraction),
        ),
        _bound(totals, count),
    ]
    if scene.status == "manual":
        lines[1] = say("Surgeon-modified; evaluated, not optimised.")
        lines[1] += "" if broken else " " + say("It is within every limit.")
        lines += _nearest(plan)
        review = known(plan.review)
        if review is not None:
            lines.append(sentence(one_line(say_recorded("", review.words), captions.LONGEST)))
    lines[1:1] = _guidance(plan)
    robust = known(plan.robust)
    if robust is not None:
        method, limit = guidance_text(known(robust.method) or UNKNOWN), percent(robust.breach_probability_max)
        lines.append(
            say("Planned for the errors of: {method}; limit of perforation {limit} met.", method=method, limit=limit)
            if robust.limit_met is True
            else say(
                "Planned for the errors of: {method}; limit of perforation {limit} NOT met.",
                method=method,
                limit=limit,
            )
        )
    return Status(captions.headline(scene), "breaks" if broken else "keeps", lines, *weighs)


def _guidance(plan: PlanDocument) -> list[str]:
    """How it will be drilled, how often that perforates, and what it was planned for; nothing of plans without it."""
    guidance = known(plan.spec.guidance)
    if guidance is None:
        return []
    line = say("Guidance: {guidance}.", guidance=guidance_text(guidance))
    told = (known(plan.totals.risk) or {}).get(guidance)
    poses = None if told is None else known(told.poses)
    at = next((point for point in listed(plan.tradeoff) if point.chosen), None)
    if at is not None:
        often = chance(at.perforation_probability, poses)
        line += " " + say(
            "It perforates cortex or joint in {often} of simulated drillings (a model, not patients).", often=often
        )
    elif told is not None:
        cortex, joint = (
            chance(known(p), poses) for p in (told.cortex_breach_probability, told.joint_breach_probability)
        )
        line += " " + say(
            "It perforates the cortex in {cortex} and the joint in {joint} of simulated drillings (a model).",
            cortex=cortex,
            joint=joint,
        )
    if at is None:
        return [line]
    return [
        line,
        say(
            "Removes {share} of the most found; the safest of the plans found that remove at least {least} of that.",
            share=percent(plan.totals.removed_share_of_best),
            least=quantity(plan.spec.near_best_share, "{:g} %", 100.0),
        ),
    ]


def _bound(totals: TotalsPart, count: int) -> str:
    if known(totals.upper_bound_fraction) is None:
        return say("Optimality not proven.")
    if not says_something(known(totals.upper_bound_fraction)):
        return say("Optimality not proven: the proof ended too early to exclude anything.")
    return say_plural(
        "Within these limits no tunnel removes more than {share} (proven).",
        "Within these limits no {count} tunnels remove more than {share} (proven).",
        count,
        share=percent(totals.upper_bound_fraction),
    )


def _ways(plan: PlanDocument) -> list[WayOut]:
    """What would have to give way for a tunnel: the limit, its value, the one with a tunnel, and how sure that is."""
    rows: list[WayOut] = []
    told = known(plan.infeasible)
    if told is None:
        return rows
    for ways, how in ((told.relaxations, say("by itself")), (told.together, say("all together"))):
        for way in ways[:MOST_WAYS]:
            name = one_line(str(way.key), 60)
            sure = say("planned with it") if way.confirmed is True else say("not planned with it")
            rows.append(
                WayOut(
                    what=say(LIMITS[name].figure_name) if name in LIMITS and not LIMITS[name].settable else name,
                    limit=quantity(way.limit, "{:g}"),
                    needed=quantity(way.needed, "{:g}"),
                    how=f"{how}; {sure}",
                )
            )
    return rows


def _nearest(plan: PlanDocument) -> list[str]:
    near = known(plan.nearest)
    if near is None:
        why = known(plan.nearest_reason)
        return (
            [say("No tunnel near it is within every limit: {reason}.", reason=say_recorded("", one_line(why, 200)))]
            if why
            else []
        )
    return [
        say(
            "The best tunnel near it within every limit removes {share}: entry moved by {entry} mm, tip by {tip} mm,"
            " turned by {angle}°.",
            share=percent(near.removed_fraction),
            entry=quantity(near.entry_moved_mm),
            tip=quantity(near.tip_moved_mm),
            angle=quantity(near.turned_deg),
        )
    ]


def _holds(scene: Scene) -> list[str]:
    """What limits each tunnel: the explanation without the figures that stand in tables."""
    found = []
    for number, told in enumerate(scene.plan.tunnels[:MOST_TUNNELS], start=1):
        why = known(told.explanation)
        text = None if why is None else known(why.text)
        if why is not None and text is not None:
            text = text[max(text.find("Nearest to "), 0) :]
            if language() != ENGLISH:
                # Of a plan without the parts, in its own words.
                text = _explained(why) if why.nearest or why.limits else as_recorded(text)
            start = say("Tunnel {number}: ", number=number) if len(scene.tunnels) > 1 else ""
            found.append(one_line(start + text, captions.LONGEST))
    more = len(found) - MOST_HOLDS
    return found if more <= 0 else [*found[:MOST_HOLDS], say("{count} more in plan.json", count=more) + "."]


def _explained(why: ExplanationPart) -> str:
    """An explanation from its parts, in the language spoken."""
    told = [
        say(
            "Nearest to {wall}: {clearance} mm, {depth} from the entry.",
            wall=say(WALLS[wall.what], side=say(SIDES[wall.where])),
            clearance=quantity(wall.clearance_mm),
            depth=quantity(wall.depth_mm, "{:.0f} mm"),
        )
        for wall in why.nearest
        if wall.what in WALLS and wall.where in SIDES
    ]
    for held in why.limits:
        key, unit = str(held.key), UNITS.get(str(held.unit), "")
        figures = {
            "name": say(figure_name(key)),
            "limit": quantity(held.limit, "{:g}") + unit,
            "value": quantity(held.value) + unit,
        }
        gain, step = known(held.gain_fraction), known(held.step)
        told.append(
            say("Limited by: {name}, limit {limit}, here {value}.", **figures)
            if gain is None or step is None
            else say(
                "Limited by: {name}, limit {limit}, here {value}; relaxed by {step} it would gain {gain} of the"
                " necrosis.",
                **figures,
                step=f"{step:g}{unit}",
                gain=percent(gain),
            )
        )
    if not why.limits:
        told.append(say("No limit of position or direction is reached: it ends where the necrosis ends."))
    return " ".join(told)


def _warnings(scene: Scene) -> Warnings:
    """Every warning, those that stop a reader first; what the surgeon has not answered asks for care."""
    told = [(severity_of(known(item.code) or "?"), line) for item, line in captions.coded_warnings(scene)]
    told += [("caution", line) for line in asked(scene.plan)]
    lines = [f"{mark} {sentence(line)}" for weight, mark in MARKED.items() for given, line in told if given == weight]
    return Warnings(lines)


def _transcription(scene: Scene) -> Transcription:
    """The numbers to carry to the theatre: for one tunnel a list, for several a table with a row each."""
    rows, ends = [], (say("anterior"), say("posterior"))
    for number, tunnel in enumerate(scene.tunnels[:MOST_TUNNELS], start=1):
        f = tunnel.figures
        size = f"{tunnel.diameter_mm:g} mm"
        if tunnel.cavity_diameter_mm:
            size += say(
                "; cavity {width:g} × {length:g} mm", width=tunnel.cavity_diameter_mm, length=tunnel.cavity_length_mm
            )
        tilt, front = known(f.lateral_tilt_deg), known(f.entry_anterior_mm)
        rows.append(
            [
                (say("Tunnel"), str(number)),
                (say("Drill ⌀"), size),
                *_instrument(scene, tunnel),
                (say("Entry to tip (depth stop)"), quantity(f.length_mm, "{:.1f} mm")),
                (
                    say("Entry above the lesser trochanter's level"),
                    quantity(f.entry_above_lesser_trochanter_mm, "{:.1f} mm"),
                ),
                (
                    say("Entry below the greater trochanter's tip"),
                    quantity(f.entry_below_greater_trochanter_mm, "{:.1f} mm"),
                ),
                *_below_ridge(f),
                (say("AP offset from the mid-lateral line"), _either(front, *ends, "mm", 1)),
                (
                    say("Angle to the shaft, AP view"),
                    quantity(f.ap_angle_deg, "{:.0f}°") + _frame_ends(f, several=len(scene.tunnels) > 1),
                ),
                (say("Sagittal angulation"), _either(tilt, *ends, "°", 0)),
                (say("Angle to the shaft, 3-D"), quantity(f.shaft_angle_deg, "{:.0f}°")),
                (say("Drill–cortex angle"), quantity(f.incidence_deg, "{:.0f}°")),
                (say("Entry, RAS mm"), _point(tunnel.entry.tolist())),
                (say("Tip, RAS mm"), _point(tunnel.tip.tolist())),
            ]
        )
    return Transcription(
        columns=[label for label, _ in rows[0]] if rows else [],
        rows=[[value for _, value in row] for row in rows],
        level_assumed=scene.plan.anatomy.sources.lesser_trochanter == "assumed",
    )


def _instrument(scene: Scene, tunnel: DrawnTunnel) -> list[tuple[str, str]]:
    """What a tunnel is drilled with, and how far tip and pin lie from the joint; nothing where all ends are flat."""
    if scene.instrument is None or scene.instrument.plain:
        return []
    f, one = tunnel.figures, tunnel.instrument
    told, pin = say("flat-ended cylinder"), say("none")
    if one is not None:
        point = say("{angle:g}° point", angle=one.tip_angle_deg) if one.tip not in ("flat", "round") else ""
        parts = [point or (say("flat tip") if one.tip == "flat" else say("round tip"))]
        parts += [
            say("{width:g} mm for {length:g} mm", width=step.diameter_mm, length=step.to_mm) for step in one.steps
        ]
        if one.pin_diameter_mm:
            parts.append(
                say("{width:g} mm guide pin {ahead:g} mm ahead", width=one.pin_diameter_mm, ahead=one.pin_overshoot_mm)
            )
        parts += [say("depth stop")] if one.depth_stop else []
        told = f"{one.name}: {', '.join(parts)}"
        if one.pin_overshoot_mm:
            pin = quantity(known(f.pin_to_joint_mm), "{:.1f} mm")
    return [
        (say("Instrument"), told),
        (say("Tip to the joint, on the axis"), quantity(known(f.end_to_joint_mm), "{:.1f} mm")),
        (say("Guide pin to the joint, on the axis"), pin),
    ]


def _below_ridge(figures: TunnelPart) -> list[tuple[str, str]]:
    """How far the hole's upper edge lies below the vastus ridge, where the ridge is found."""
    below = known(figures.entry_edge_below_ridge_mm)
    if below is None:
        return []
    return [(say("Hole's upper edge to the vastus ridge"), _either(below, say("below it"), say("above it"), "mm", 1))]


def _frame_ends(figures: TunnelPart, *, several: bool) -> str:
    """How far an uncertain lateral axis carries the angle seen from the front; empty where it is known."""
    ends = (known(figures.frame_range) or {}).get("ap_angle_deg")
    # A column of several tunnels is narrow; the note under the leg's rotation says what the brackets are.
    if ends is None:
        return ""
    told = (
        later(" ({low:.0f} to {high:.0f}°)")
        if several
        else later(" ({low:.0f} to {high:.0f}°, lateral axis uncertain)")
    )
    return say(told, low=ends[0], high=ends[1])


def _either(value: float | None, plus: str, minus: str, unit: str, digits: int) -> str:
    if value is None:
        return UNKNOWN
    text = f"{abs(value):.{digits}f}"
    space = "" if unit == "°" else " "
    return f"{text}{space}{unit}" if float(text) == 0 else f"{text}{space}{unit} {plus if value > 0 else minus}"


def _point(point: list[float]) -> str:
    return "  ".join(f"{c:.1f}" for c in point)


def _bone(scene: Scene) -> list[tuple[str, str]]:
    """Graft, what goes and what stays."""
    totals = scene.plan.totals
    if not scene.tunnels:
        return []
    left = known(totals.bone_left) or BoneLeftPart()
    rows = [
        (say("Graft volume required"), quantity(totals.graft_volume_ml, "{:.1f} ml")),
        (say("of it viable bone"), quantity(totals.healthy_bone_removed_ml, "{:.1f} ml")),
        (say("Necrosis residual"), quantity(totals.necrosis_left_ml, "{:.2f} ml")),
        (
            say("Necrosis within 3 mm / 5 mm of a wall"),
            f"{percent(totals.reached_3mm_fraction)} / {percent(totals.reached_5mm_fraction)}",
        ),
        *_outline(totals),
        (say("Necrosis removed from the weight-bearing zone"), percent(totals.removed_weight_bearing_fraction)),
        (say(NECK), percent(totals.neck_area_share)),
        (say(WALL), percent(left.lateral_wall_share)),
    ]
    cortex = [cortex_words(part) for one in scene.plan.tunnels if (part := known(one.path_bone)) is not None]
    told = [words for words in cortex if words is not None]
    if told:
        rows.append((say("Cortex at the entry"), "; ".join(told[:MOST_TUNNELS])))
    between = known(left.neck_bridge_mm)
    if between is not None:
        told_between = (
            f"{between:.1f} mm" if between >= 0.0 else say("none: walls overlap by {depth:.1f} mm", depth=-between)
        )
        rows.append((say("Bone between two walls in the neck"), told_between))
    if known(left.bridge_mm) is not None:
        rows.append((say("Bone between the holes"), quantity(left.bridge_mm, "{:.1f} mm")))
    return rows


def _outline(totals: TotalsPart) -> list[tuple[str, str]]:
    """What is removed of the lesion where its outline errs."""
    outline = known(totals.outline)
    if outline is None:
        return []
    low, high = percent(outline.removed_fraction_p05), percent(outline.removed_fraction_p95)
    return [
        (
            say("Removed on average, outline error {error} (90 %)", error=quantity(outline.error_mm, "{:g} mm")),
            say("{mean} ({low} to {high})", mean=percent(outline.expected_removed_fraction), low=low, high=high),
        )
    ]


def _risk(scene: Scene) -> list[list[str]]:
    """Errors of drilling by method: breaches of cortex and joint, and what would be removed."""
    rows = []
    for method, told in _apart(scene)[:8]:
        poses = known(told.poses)
        rows.append(
            [
                one_line(method_text(method), 60),
                chance(known(told.cortex_breach_probability), poses),
                chance(known(told.joint_breach_probability), poses),
                f"{percent(told.removed_fraction_mean)} ({percent(told.removed_fraction_p05)})",
            ]
        )
    return rows


def method_text(names: str) -> str:
    """Guidance methods that err alike, in words."""
    return ", ".join(guidance_text(name) for name in names.split(", "))


def _apart(scene: Scene) -> list[tuple[str, RiskPart]]:
    """Risks by method; methods that err alike are one, by their names: plans of earlier versions have such."""
    models, found = known(scene.plan.risk_methods) or {}, dict[object, tuple[str, RiskPart]]()
    for method, told in (known(scene.plan.totals.risk) or {}).items():
        model = models.get(method)
        alike: object = method if model is None else msgspec.structs.replace(model, name="")
        before = found.get(alike)
        found[alike] = (method if before is None else f"{before[0]}, {method}", told if before is None else before[1])
    return list(found.values())


def _risk_note(scene: Scene) -> str:
    """What of the lesion's place the risk counts; nothing where it was drawn on the femur's own scan."""
    risks = list((known(scene.plan.totals.risk) or {}).values())
    if not risks or isinstance(scene.plan.case.lesion_transform, UnsetType):
        return ""
    shift = known(risks[0].lesion_shift_mm)
    if shift is None:
        return say("The registration error of the lesion, drawn on another scan, is unknown and not included.")
    return say(
        "Includes a registration error of the lesion, drawn on another scan, of {shift:.2f} mm (root mean square).",
        shift=shift,
    )


def _alternatives(scene: Scene) -> list[list[str]]:
    rows = []
    for number, other in enumerate(scene.plan.alternatives[:MOST_ALTERNATIVES], start=1):
        totals, against = other.totals, other.against_plan
        rows.append(
            [
                str(number),
                f"{percent(totals.removed_fraction)} ({quantity(against.removed_fraction, '{:+.1f}', 100.0)})",
                f"{quantity(other.room_mm, '{:.1f} mm')} ({quantity(against.room_mm, '{:+.1f}')})",
                f"{quantity(totals.healthy_bone_removed_ml, '{:.1f} ml')}"
                f" ({quantity(against.healthy_bone_removed_ml, '{:+.1f}')})",
                f"{percent(other.breach_probability)} ({quantity(against.breach_probability, '{:+.1f}', 100.0)})",
            ]
        )
    return rows


def _provenance(scene: Scene) -> Origins:
    """Inputs by their fingerprints, never by their names; and every parameter in force."""
    plan = scene.plan
    inputs = []
    for item in plan.case.inputs:
        role = say(ROLES.get(str(item.role), one_line(known(item.role) or UNKNOWN, 30)))
        if known(item.label) is not None:
            role += say(", label {label}", label=one_line(str(item.label), 30))
        given = known(item.original_sha256) or known(item.sha256)
        inputs.append(InputRow(role, one_line(str(given), 64)))
    # Parameters are called by the names that a configuration file has.
    parameters = [(key, _parameter(key, value)) for key, value in content_of(plan.spec).items()]
    sources = [
        (
            say(LANDMARKS.get(key, one_line(key.replace("_", " "), 40))),
            say(SOURCES.get(str(value), one_line(str(value), 40))),
        )
        for key, value in content_of(plan.anatomy.sources).items()
    ]
    return Origins(inputs, parameters, sources)


def _parameter(key: str, value: object) -> str:
    if value is None or value == []:
        return say("none")
    unit = " mm" if key.endswith("_mm") else "°" if key.endswith("_deg") else ""
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        # An instrument's sizes stand on page two.
        return one_line(value["name"], 80)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return one_line(str(value), 80)
    return f"{value:g}{unit}"
