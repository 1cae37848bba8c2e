"""What more removed costs in perforations, as a small drawing: a point a plan, the plan itself marked."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from corecore.base.grid import FloatArray
from corecore.base.language import say
from corecore.document.fields import known, listed
from corecore.document.plan import PlanDocument
from corecore.document.text import chance, guidance_text, quantity
from corecore.document.tradeoff import TradeoffPart
from corecore.report import palette
from corecore.report.svg import Drawing, text_box

#: Size of the drawing, and of the room round its axes: left, top, right, bottom.
WIDTH, HEIGHT = 460.0, 236.0
LEFT, TOP, RIGHT, BOTTOM = 46.0, 30.0, 18.0, 44.0
TYPE_SIZE, LABEL_SIZE = 12.0, 13.0
#: Points drawn: a plan has a dozen, a file may have any number.
POINTS_MAX = 100
#: Fewest per cent that an axis spans: what lies closer is the same to a reader.
LEAST_SPAN = 1.0
#: Plans that remove enough to be chosen lie on this ground.
ENOUGH = "#E3F1EA"
GRID = "#D5D5D5"


class ShownCurve(Struct, frozen=True):
    """The drawing as SVG text, and what is written under it."""

    svg: str
    caption: str


def shown_curve(plan: PlanDocument) -> ShownCurve | None:
    """The curve of a plan; ``None`` where it has none."""
    points, risks = listed(plan.tradeoff)[:POINTS_MAX], known(plan.totals.risk) or {}
    guidance = known(plan.spec.guidance)
    if not points or guidance is None:
        return None
    share = known(plan.spec.near_best_share)
    poses = known(risks[guidance].poses) if guidance in risks else None
    caption = say(
        "Each point is a plan within all limits, guidance: {guidance}; the filled one is this plan. Farther right"
        " removes more; farther up perforates more often.",
        guidance=guidance_text(guidance),
    )
    if share is not None:
        caption += " " + say("Shaded: at least {share:g} % of the most.", share=100.0 * share)
    return ShownCurve(str(_drawn(points, share, poses)), caption)


def _drawn(points: list[TradeoffPart], share: float | None, poses: int | None) -> Drawing:
    drawing = Drawing(WIDTH, HEIGHT, say("Share of the necrosis removed against the probability of perforation"))
    across = np.array([100.0 * point.removed_fraction for point in points])
    up = np.array([100.0 * point.perforation_probability for point in points])
    enough = None if share is None else share * float(across.max())
    x_ticks = _ticks(min(float(across.min()), float(across.max()) if enough is None else enough), float(across.max()))
    y_ticks = _ticks(0.0, float(up.max()))
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def at(x: float, y: float) -> FloatArray:
        wide = (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0])
        high = y / y_ticks[-1]
        return np.array([LEFT + wide * (right - LEFT), bottom - high * (bottom - TOP)])

    if enough is not None:
        low = at(max(enough, x_ticks[0]), 0.0)
        drawing.path(
            [[low[0], bottom], [right, bottom], [right, TOP], [low[0], TOP]], ENOUGH, 0.0, closed=True, fill=ENOUGH
        )
    for tick in y_ticks:
        place = at(x_ticks[0], tick)
        drawing.path([[LEFT, place[1]], [right, place[1]]], GRID, 0.8)
        _text(drawing, LEFT - 6.0, place[1] + 4.0, f"{tick:g}", anchor="end")
    for tick in x_ticks:
        place = at(tick, 0.0)
        drawing.path([[place[0], bottom], [place[0], bottom + 4.0]], palette.INK, 1.0)
        _text(drawing, place[0], bottom + 17.0, f"{tick:g}", anchor="middle")
    drawing.path([[LEFT, TOP], [LEFT, bottom], [right, bottom]], palette.INK, 1.0)
    _text(drawing, 4.0, 15.0, say("Probability of perforating cortex or joint, %"))
    _text(drawing, right, HEIGHT - 8.0, say("Necrosis removed, %"), anchor="end")
    places = [at(x, y) for x, y in zip(across, up, strict=True)]
    drawing.path(places, palette.TUNNEL, 1.8)
    for place, point in zip(places, points, strict=True):
        if not point.chosen:
            drawing.dot(place, 3.2, "#FFFFFF", palette.TUNNEL)
    at_plan = next((index for index, point in enumerate(points) if point.chosen), None)
    labels = {} if at_plan in (None, len(points) - 1) else {len(points) - 1: say("most")}
    if at_plan is not None:
        drawing.dot(places[at_plan], 6.5, palette.VIOLATION, "#FFFFFF")
        labels[at_plan] = say("this plan")
    _label(
        drawing, places, {index: f"{name}: {_words(points[index], poses)}" for index, name in labels.items()}, at_plan
    )
    return drawing


def _words(point: TradeoffPart, poses: int | None) -> str:
    removed = quantity(point.removed_fraction, "{:.1f}", 100.0)
    often = chance(point.perforation_probability, poses)
    return say("{removed} %, perforates {often}", removed=removed, often=often)


def _label(drawing: Drawing, places: list[FloatArray], words: dict[int, str], bold: int | None) -> None:
    """Words left of points and above them, where a rising curve does not run, each on a line of its own.

    ``words``: by the point's index, the one farther up first.
    """
    lines: list[float] = []
    for index in words:
        lowest = lines[-1] + 1.3 * LABEL_SIZE if lines else TOP + LABEL_SIZE
        lines.append(max(float(places[index][1]) - 8.0, lowest))
    # On a flat curve they pile up rather than cover it.
    over = max((line - float(places[index][1]) + 8.0 for line, index in zip(lines, words, strict=True)), default=0.0)
    over = min(over, lines[0] - TOP - LABEL_SIZE) if lines else 0.0
    for line, (index, text) in zip(lines, words.items(), strict=True):
        box = text_box(0.0, 0.0, text, LABEL_SIZE, bold=index == bold)
        left = max(LEFT + 6.0, float(places[index][0]) - 10.0 - (box[2] - box[0]))
        _text(drawing, left, line - over, text, size=LABEL_SIZE, bold=index == bold)


def _text(
    drawing: Drawing, x: float, y: float, words: str, *, anchor: str = "start", size: float = TYPE_SIZE,
    bold: bool = False,
) -> None:  # fmt: skip
    drawing.text(x, y, words, size=size, color=palette.INK, halo="#FFFFFF", bold=bold, anchor=anchor)


def _ticks(low: float, high: float) -> list[float]:
    """Four to seven round numbers from the last below ``low`` to the first above ``high``."""
    span = max(high - low, LEAST_SPAN)
    rough = span / 4.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if power * factor >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return [round(step * count, 10) for count in range(first, last + 1)]
