"""What may be taken instead: the plan and its alternatives ranked, and any of them beside what stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.language import later, say
from corecore.base.limits import LIMITS, MARGINS
from corecore.document.plan import ViolationPart
from corecore.document.text import error_text
from corecore.planning.explain import limiting_constraints
from corecore.planning.search.single import spare_clearance_mm
from corecore.review.model import ReviewModel
from corecore.review.protocol import RankedSet, SetSummary
from corecore.review.session import Line
from corecore.tunnels.figures import TunnelFigures
from corecore.tunnels.risk.drilling import perturbed
from corecore.tunnels.risk.execution import risk_of_poses
from corecore.tunnels.risk.kernel import CORTEX, JOINT

#: Limiting constraints shown of a set; and what is shown where a figure is not available.
HOLDS_MOST, UNTOLD = 2, "–"
#: Margins, and what keeps them, where no limit is near.
CLEARANCES = tuple((limit.key, limit.figure) for limit in MARGINS)
#: Figures set side by side: words, name, unit, digits, and which of several tunnels' counts.
SIDE_BY_SIDE: tuple[tuple[str, str, str, int, Callable[[FloatArray], float]], ...] = (
    *((limit.figure_name, limit.figure, " mm", 1, np.min) for limit in MARGINS),
    (later("Clearance to the region to avoid"), "avoid_clearance_mm", " mm", 1, np.min),
    (LIMITS["incidence_min_deg"].figure_name, "incidence_deg", "°", 0, np.min),
    (later("Shaft angle, 3-D"), "shaft_angle_deg", "°", 0, np.min),
    (later("Entry to tip, longest"), "length_mm", " mm", 1, np.max),
    (later("Entry above the lesser trochanter's level, lowest"), "entry_above_lesser_trochanter_mm", " mm", 1, np.min),
    (later("AP offset of the entry from the mid-lateral line"), "entry_anterior_mm", " mm", 1, np.min),
)


def ranked(desk: ReviewModel) -> list[RankedSet]:
    """The plan's tunnels and each alternative's: those within every limit first, then by what they remove.

    ``which`` numbers them as in ``Desk.sets``.
    """
    rows = []
    for which, (name, lines) in enumerate(desk.sets):
        if not lines:
            continue
        try:
            found = row(desk, name, lines)
        except InputError as error:
            # Named all the same, last, with what is amiss.
            found = SetSummary(name, -1.0, UNTOLD, UNTOLD, error_text(error), UNTOLD, keeps=False)
        rows.append(RankedSet(**msgspec.structs.asdict(found), which=which))
    rows.sort(key=lambda one: (not one.keeps, -one.share))
    return rows


def row(desk: ReviewModel, name: str, lines: Sequence[Line]) -> SetSummary:
    """One set of tunnels in a line: what it removes, its spare clearance, its limiting constraints, its risk."""
    pairs = desk.drilled(lines)
    broken = desk.broken(pairs)
    share = desk.removed_fraction(lines)
    room = min(spare_clearance_mm(figures, desk.spec) for _, figures in pairs)
    return SetSummary(
        name=name,
        share=share,
        removes=f"{100 * share:.1f} %",
        room=f"{room:.1f} mm" if np.isfinite(room) else UNTOLD,
        held=held(desk, [figures for _, figures in pairs], broken),
        risk=risk(desk, lines),
        keeps=not broken,
    )


def held(desk: ReviewModel, measured: Sequence[TunnelFigures], broken: Sequence[ViolationPart]) -> str:
    """The limits exceeded, else those reached, else the margin with the least spare clearance."""
    if broken:
        keys = list(dict.fromkeys(str(item.key) for item in broken))
        return say("exceeds: {limits}", limits=_several([_words(key) for key in keys]))
    keys = list(dict.fromkeys(limit.key for figures in measured for limit in limiting_constraints(figures, desk.spec)))
    if keys:
        return _several([_words(key) for key in keys])
    rooms = {
        key: min(float(getattr(figures, name)) for figures in measured) - float(getattr(desk.spec, key))
        for key, name in CLEARANCES
    }
    pins = [one.pin_clearance_mm for one in measured if one.pin_clearance_mm is not None]
    if pins and desk.spec.pin_margin_mm is not None:
        rooms["pin_margin_mm"] = min(pins) - desk.spec.pin_margin_mm
    return say("nearest: {limit}", limit=_words(min(rooms, key=lambda key: rooms[key])))


def risk(desk: ReviewModel, lines: Sequence[Line]) -> str:
    """How often any of the tunnels perforates cortex or joint by the plan's guidance method."""
    tunnels = [tunnel for tunnel, _ in desk.drilled(lines)]
    entries, tips = perturbed(desk.hip, tunnels, desk.guidance)
    found, _ = risk_of_poses(desk.hip, tunnels, desk.spec, entries, tips)
    breach = found[:, :, [CORTEX, JOINT]].max(axis=(1, 2))
    # None in so many drillings is not never.
    return f"{100 * breach.mean():.1f} %" if breach.any() else say("under {share}", share=f"{300 / len(breach):.2g} %")


def compared(desk: ReviewModel, lines: Sequence[Line], others: Sequence[Line]) -> list[list[str]]:
    """The current tunnels and another set, a row a figure: its name, here, there, and the difference."""
    here, there = desk.drilled(lines), desk.drilled(others)
    share, other = desk.removed_fraction(lines), desk.removed_fraction(others)
    total = desk.hip.lesion.volume_ml
    rows = [
        _row(say("Necrosis removed"), 100 * share, 100 * other, " %", 1),
        _row(say("Necrosis removed"), share * total, other * total, " ml", 2),
        [say("Tunnels"), str(len(here)), str(len(there)), f"{len(here) - len(there):+d}"],
    ]
    for words, name, unit, digits, which in SIDE_BY_SIDE:
        mine, theirs = ([getattr(figures, name) for _, figures in pairs] for pairs in (here, there))
        if None not in mine and None not in theirs:
            rows.append(_row(say(words), float(which(np.array(mine))), float(which(np.array(theirs))), unit, digits))
    if len(here) == len(there) == 1:
        first, second = here[0][0], there[0][0]
        turned = np.degrees(np.arccos(np.clip(first.direction @ second.direction, -1.0, 1.0)))
        apart = (np.linalg.norm(first.entry - second.entry), np.linalg.norm(first.tip - second.tip))
        rows.append([say("Distance of entries, of tips"), "", "", f"{apart[0]:.1f} mm, {apart[1]:.1f} mm"])
        rows.append([say("Angular difference"), "", "", f"{turned:.1f}°"])
    return rows


def _row(words: str, here: float, there: float, unit: str, digits: int) -> list[str]:
    known = [f"{value:.{digits}f}{unit}" if np.isfinite(value) else say("none within range") for value in (here, there)]
    # Of the figures as they are printed, so that a reader's subtraction comes out.
    less = round(here, digits) - round(there, digits)
    return [words, *known, f"{less:+.{digits}f}{unit}" if np.isfinite(less) else UNTOLD]


def _several(words: list[str]) -> str:
    more = len(words) - HOLDS_MOST
    return ", ".join(words[:HOLDS_MOST]) + (say(" and {count} more", count=more) if more > 0 else "")


def _words(key: str) -> str:
    return say(LIMITS[key].short) if key in LIMITS else key
