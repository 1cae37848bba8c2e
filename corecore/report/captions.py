"""What is written beside the drawing, the same on the picture and on the page."""

from __future__ import annotations

from corecore.document.case import WarningPart
from corecore.document.fields import known
from corecore.document.headline import NECK
from corecore.document.text import UNKNOWN, one_line, percent, quantity
from corecore.document.totals import says_something
from corecore.report import palette
from corecore.report.scene import DrawnTunnel, Scene

#: Longest sentence of a plan that is printed, characters: a warning is never cut short, a flood is.
LONGEST = 600
#: Longest notes of a review, characters: all that its page takes, and the marks between their lines.
NOTES_LONGEST = 8000
STATUS_WORDS = {
    "planned": "PLANNED",
    "infeasible": "NO FEASIBLE TUNNEL",
    "manual": "SURGEON-MODIFIED",
}


def identity(scene: Scene) -> list[tuple[str, str]]:
    """Who, which side, which plan: (label, value) pairs."""
    rows = [("id", one_line(scene.case_id, 40)), ("side", scene.side.upper())]
    date = imaging_date(scene)
    if date:
        rows.append(("imaged", date))
    return [*rows, ("plan", scene.hash)]


def imaging_date(scene: Scene) -> str | None:
    """The day of the imaging, where the plan knows it."""
    date = known(scene.plan.case.imaging_date) or known(scene.plan.necrosis.signs.image_age.imaging_date)
    return None if date is None else one_line(date, 20)


def headline(scene: Scene) -> str:
    """The status in words, with the number of limits that a surgeon-modified path exceeds."""
    words = STATUS_WORDS[scene.status]
    broken = violations(scene)
    if broken:
        words += f", EXCEEDS {len(broken)} LIMIT{'S' if len(broken) > 1 else ''}"
    return words


def violations(scene: Scene) -> list[str]:
    """One line for each limit that the plan exceeds."""
    lines = []
    for item in scene.plan.violations:
        limit = quantity(item.limit, "{:g}")
        # As many digits as it takes to differ from the limit it breaks.
        value = next((v for n in range(3, 8) if (v := quantity(item.value, f"{{:.{n}g}}")) != limit), limit)
        where = "" if known(item.tunnel) is None else f"tunnel {item.tunnel}: "
        lines.append(one_line(f"{where}{known(item.key) or '?'} is {value}, the limit is {limit}", LONGEST))
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
    # Notes are somebody's own words, and are given whole.
    return one_line(f"notes: {text}", NOTES_LONGEST) if item.code == "notes" else one_line(text, LONGEST)


def reason(scene: Scene) -> str:
    """Why there is no tunnel: the binding constraint and how far it would have to be relaxed."""
    infeasible = known(scene.plan.infeasible)
    given = None if infeasible is None else known(infeasible.text) or known(infeasible.binding)
    return one_line(given or "the plan names no limiting constraint", LONGEST)


def tunnel_columns() -> list[str]:
    """Headings of the table of tunnels."""
    return [
        "tunnel",
        "⌀ mm",
        "length mm",
        "removes",
        "to cortex mm",
        "to joint mm",
        "cortex angle",
        "shaft angle",
        "entry above lesser trochanter mm",
    ]


def tunnel_row(number: int, tunnel: DrawnTunnel) -> list[str]:
    """A tunnel's figures in the order of ``tunnel_columns``."""
    figures = tunnel.figures
    size = f"{tunnel.diameter_mm:g}"
    if tunnel.cavity_diameter_mm:
        size += f" (cavity {tunnel.cavity_diameter_mm:g} × {tunnel.cavity_length_mm:g})"
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
            "necrosis removed",
            f"{percent(part.removed_fraction)} ({quantity(part.necrosis_removed_ml, '{:.2f} ml')})",
        ),
        ("reachable", percent(part.reachable_fraction)),
        ("residual", quantity(part.necrosis_left_ml, "{:.2f} ml")),
        ("viable bone removed", quantity(part.healthy_bone_removed_ml, "{:.2f} ml")),
        (NECK, percent(part.neck_area_share)),
        ("proven upper bound", percent(bound) if says_something(known(bound)) else UNKNOWN),
    ]
