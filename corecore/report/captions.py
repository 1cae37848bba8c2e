"""What is written beside the drawing, the same on the picture and on the page."""

from __future__ import annotations

from corecore.base.language import later, say, say_plural
from corecore.base.limits import figure_name, with_unit
from corecore.base.recorded import say_recorded
from corecore.document.case import WarningPart
from corecore.document.fields import known
from corecore.document.headline import NECK
from corecore.document.text import UNKNOWN, one_line, percent, quantity, warning_text
from corecore.document.totals import says_something
from corecore.report import palette
from corecore.report.scene import DrawnTunnel, Scene

#: Longest sentence of a plan that is printed, characters: a warning is never cut short, a flood is.
LONGEST = 600
#: Longest notes of a review, characters: all that its page takes, and the marks between their lines.
NOTES_LONGEST = 8000
STATUS_WORDS = {
    "planned": later("PLANNED"),
    "infeasible": later("NO FEASIBLE TUNNEL"),
    "manual": later("SURGEON-MODIFIED"),
}


def identity(scene: Scene) -> list[tuple[str, str]]:
    """Who and which plan: (label, value) pairs."""
    rows = [(say("id"), one_line(scene.case_id, 40))]
    date = imaging_date(scene)
    if date:
        rows.append((say("imaged"), date))
    return [*rows, (say("plan"), scene.hash)]


def imaging_date(scene: Scene) -> str | None:
    """The day of the imaging, where the plan knows it."""
    date = known(scene.plan.case.imaging_date) or known(scene.plan.necrosis.signs.image_age.imaging_date)
    return None if date is None else one_line(date, 20)


def headline(scene: Scene) -> str:
    """The status in words, with the number of limits that a surgeon-modified path exceeds."""
    words, broken = say(STATUS_WORDS[scene.status]), len(violations(scene))
    if broken:
        words += ", " + say_plural("EXCEEDS {count} LIMIT", "EXCEEDS {count} LIMITS", broken)
    return words


def hip_name(scene: Scene) -> str:
    """The hip by its side, as the head of a page has it."""
    return say("LEFT HIP") if scene.side == "left" else say("RIGHT HIP")


def hip_in_title(scene: Scene) -> str:
    """The same within a title."""
    return say("left hip") if scene.side == "left" else say("right hip")


def violations(scene: Scene) -> list[str]:
    """One line for each limit that the plan exceeds."""
    lines = []
    for item in scene.plan.violations:
        limit = quantity(item.limit, "{:g}")
        # As many digits as it takes to differ from the limit it breaks.
        value = next((v for n in range(3, 8) if (v := quantity(item.value, f"{{:.{n}g}}")) != limit), limit)
        where = "" if known(item.tunnel) is None else say("tunnel {number}: ", number=item.tunnel)
        key = known(item.key) or "?"
        told = say(
            "{what}: {value}, the limit is {limit}",
            what=say(figure_name(key)),
            value=with_unit(key, value),
            limit=with_unit(key, limit),
        )
        lines.append(one_line(where + told, LONGEST))
    return lines


def broken_tunnels(scene: Scene) -> set[int]:
    """Tunnels, counted from 0, that are drawn red: those that a limit names, and all where one names none."""
    if not violations(scene):
        return set()
    every = set(range(len(scene.tunnels)))
    named = [known(item.tunnel) for item in scene.plan.violations]
    if len(every) < 2 or any(number is None for number in named):
        return every
    return every & {int(number) - 1 for number in named if number is not None}


def color_of(scene: Scene, index: int) -> str:
    """Colour of a tunnel, counted from 0, on white: its own, or red where it exceeds a limit."""
    return palette.VIOLATION if index in broken_tunnels(scene) else palette.tunnel_color(index)


def color_on_dark(scene: Scene, index: int) -> str:
    """The same over films and slices."""
    return palette.VIOLATION_ON_DARK if index in broken_tunnels(scene) else palette.tunnel_color(index, dark=True)


def warnings(scene: Scene) -> list[str]:
    """The plan's warnings, a line each."""
    return [line for _, line in coded_warnings(scene)]


def coded_warnings(scene: Scene) -> list[tuple[WarningPart, str]]:
    """The plan's warnings with their lines."""
    return [(item, _warning(item)) for item in scene.plan.warnings]


def _warning(item: WarningPart) -> str:
    text = known(item.text) or known(item.code) or UNKNOWN
    if item.code == "notes":
        # Somebody's own words: given whole, and in the language they were written in.
        return one_line(say("notes: {text}", text=text), NOTES_LONGEST)
    return one_line(warning_text(known(item.code) or "", text), LONGEST)


def reason(scene: Scene) -> str:
    """Why there is no tunnel: the binding constraint and how far it would have to be relaxed."""
    infeasible = known(scene.plan.infeasible)
    given = None if infeasible is None else known(infeasible.text) or known(infeasible.binding)
    return one_line(say_recorded("", given) if given else say("the plan names no limiting constraint"), LONGEST)


def tunnel_columns() -> list[str]:
    """Headings of the table of tunnels."""
    return [
        say("tunnel"),
        "⌀ mm",
        say("length mm"),
        say("removes"),
        say("to cortex mm"),
        say("to joint mm"),
        say("cortex angle"),
        say("shaft angle"),
        say("entry above lesser trochanter mm"),
    ]


def tunnel_row(number: int, tunnel: DrawnTunnel) -> list[str]:
    """A tunnel's figures in the order of ``tunnel_columns``."""
    figures = tunnel.figures
    size = f"{tunnel.diameter_mm:g}"
    if tunnel.cavity_diameter_mm:
        size += say(" (cavity {width:g} × {length:g})", width=tunnel.cavity_diameter_mm, length=tunnel.cavity_length_mm)
    return [
        str(number),
        size,
        quantity(figures.length_mm),
        percent(figures.removed_fraction),
        quantity(figures.cortical_clearance_mm),
        quantity(figures.joint_clearance_mm),
        quantity(figures.incidence_deg, "{:.0f}°"),
        quantity(figures.shaft_angle_deg, "{:.0f}°"),
        quantity(figures.entry_above_lesser_trochanter_mm),
    ]


def totals(scene: Scene) -> list[tuple[str, str]]:
    """The plan's totals as (label, value) pairs; empty where nothing is feasible."""
    part = scene.plan.totals
    if not scene.tunnels:
        return []
    bound = part.upper_bound_fraction
    return [
        (
            say("necrosis removed"),
            f"{percent(part.removed_fraction)} ({quantity(part.necrosis_removed_ml, '{:.2f} ml')})",
        ),
        (say("reachable"), percent(part.reachable_fraction)),
        (say("residual"), quantity(part.necrosis_left_ml, "{:.2f} ml")),
        (say("viable bone removed"), quantity(part.healthy_bone_removed_ml, "{:.2f} ml")),
        (say(NECK), percent(part.neck_area_share)),
        (say("proven upper bound"), percent(bound) if says_something(known(bound)) else UNKNOWN),
    ]
