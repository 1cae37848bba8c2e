"""The words around the panels: who and what above, legend, figures and warnings below."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from corecore.base.language import later, say
from corecore.base.notice import notice_caption
from corecore.document.headline import MARKS, shown_headline
from corecore.report import captions, palette
from corecore.report.pictures.cap import cap_outline
from corecore.report.pictures.clearance_colors import NEAR_MM
from corecore.report.pictures.panels import HEAD_DASHES, NECK_DASHES, SHAFT_DASHES
from corecore.report.scene import Scene

#: Height of the header, of a line, and of the legend, inches.
HEADER_IN = 0.95
LINE_IN = 0.215
LEGEND_IN = 0.62
MARGIN_IN = 0.16
#: Rows of tunnels and lines of warnings that are printed; the rest is in plan.json, and the picture says so.
MOST_ROWS = 16
MOST_LINES = 5
#: Characters of a sentence that fit on a line, also where they are wide.
LINE_CHARACTERS = 135
BOLD_LINE_CHARACTERS = 110
#: Left edges of the table's columns, inches.
COLUMNS_IN = (0.16, 0.80, 2.30, 3.25, 4.20, 5.20, 6.15, 7.10, 8.20)
#: Type sizes of the legend: the first that fits.
LEGEND_SIZES = (9.5, 8.8, 8.1, 7.4)
#: Room kept between two columns, inches.
COLUMN_GAP_IN = 0.08
#: The same for the totals.
TOTALS_IN = (0.16, 2.30, 3.55, 4.75, 6.60, 8.85)


class CaptionStrip:
    """Header and caption of one picture; ``height_in`` is the caption's height, inches."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.blocks = _blocks(scene)
        self.height_in = LEGEND_IN + LINE_IN * len(self.blocks) + LINE_IN * 1.6 + MARGIN_IN

    def write(self, figure: Any) -> None:
        """Writes both into a matplotlib figure."""
        width, height = (float(v) for v in figure.get_size_inches())

        def text(x: float, y: float, words: str, *, room: float = np.inf, **style: Any) -> float:
            """Words at a place, smaller where they are wider than their room, inches; where they end."""
            style.setdefault("color", palette.INK)
            # Ids come from outside: a dollar sign in one is no formula.
            drawn = figure.text(x / width, y / height, words, va="baseline", parse_math=False, **style)
            extent = drawn.get_window_extent(figure.canvas.get_renderer())
            wide = float(extent.width) / float(figure.dpi)
            if wide > room:
                drawn.set_fontsize(drawn.get_fontsize() * room / wide)
            return x + min(wide, room)

        scene = self.scene
        alarm = scene.status == "infeasible" or bool(captions.violations(scene))
        end = text(MARGIN_IN, height - 0.36, captions.hip_name(scene), fontsize=19, fontweight="bold")
        left = max(1.95, end + 0.2)
        text(left, height - 0.36, say("core decompression plan"), fontsize=13, color=palette.FAINT_INK)
        rows = [f"{label} {value}" for label, value in captions.identity(scene)]
        text(left, height - 0.58, "   ·   ".join(rows), fontsize=10.5)
        weighs = shown_headline(scene.plan).color
        color = palette.VIOLATION if alarm or weighs == "red" else palette.INK
        headline = f"{MARKS[weighs]} {captions.headline(scene)}"
        text(width - MARGIN_IN, height - 0.36, headline, color=color, ha="right", fontsize=14, fontweight="bold")
        if alarm:
            _frame(figure, width, height)

        y = self.height_in - LEGEND_IN + 0.05
        self._legend(figure, width, height, y)
        y -= LINE_IN * 1.15
        for cells, emphasis in self.blocks:
            size = 9.0 if emphasis == "heading" else 9.8
            weight = "bold" if emphasis in ("alarm", "strong") else "normal"
            ink = {"alarm": palette.VIOLATION, "heading": palette.FAINT_INK}.get(emphasis, palette.INK)
            if len(cells) == 1:
                text(MARGIN_IN, y, cells[0], color=ink, fontsize=size, fontweight=weight)
            else:
                columns = COLUMNS_IN if len(cells) == len(COLUMNS_IN) else TOTALS_IN
                for x, cell, edge in zip(columns, cells, (*columns[1:], width), strict=True):
                    text(x, y, cell, color=ink, fontsize=size, fontweight=weight, room=edge - x - COLUMN_GAP_IN)
            y -= LINE_IN
        where = say("lengths in mm; R L A P S I are the patient's own sides, in the femur's frame")
        end = text(MARGIN_IN, MARGIN_IN, where, fontsize=8.5, color=palette.FAINT_INK)
        room = width - end - 2 * MARGIN_IN
        text(width - MARGIN_IN, MARGIN_IN, notice_caption(), ha="right", fontsize=9.5, fontweight="bold", room=room)

    def _legend(self, figure: Any, width: float, height: float, y: float) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        scene = self.scene
        handles: list[Any] = [
            Patch(fc=palette.BONE, ec=palette.BONE_EDGE, label=say("bone")),
            Patch(fc=palette.LESION, ec=palette.BONE_EDGE, label=say("necrosis")),
        ]
        if scene.tunnels:
            several, broken = len(scene.tunnels) > 1, bool(captions.violations(scene))
            for color, name in tunnel_legend(scene):
                handles.append(Patch(fc=color, ec=color, label=name))
            if not broken:
                words = (
                    later("darker: within {distance:g} mm of a margin")
                    if several
                    else later("within {distance:g} mm of a margin")
                )
                near, hole = say(words, distance=NEAR_MM), say("cortical entry hole")
                dark = palette.FAINT_INK if several else palette.TUNNEL_NEAR
                handles.append(Patch(fc=dark, ec=dark if several else palette.TUNNEL, label=near))
                handles.append(Patch(fc=palette.TUNNEL_PORTAL, ec=palette.TUNNEL_PORTAL, label=hole))
            edge = palette.INK if several else captions.color_of(scene, 0)
            ring = Line2D([], [], marker="o", ms=7, mfc="white", mec=edge, mew=2, ls="", label=say("entry"))
            handles.append(ring)
        assumed = scene.plan.anatomy.sources.shaft_axis == "assumed"
        shaft = say("shaft axis (assumed)") if assumed else say("shaft axis")
        handles += [
            Line2D([], [], color=palette.HEAD, lw=1.1, ls=HEAD_DASHES, label=say("head, fitted sphere")),
            Line2D([], [], color=palette.NECK, lw=1.5, ls=NECK_DASHES, label=say("neck axis")),
            Line2D([], [], color=palette.SHAFT, lw=1.5, ls=SHAFT_DASHES, label=shaft),
        ]
        if cap_outline(scene) is not None:
            handles.append(Line2D([], [], color=palette.CAP, lw=1.8, label=say("weight-bearing zone")))
        for size in LEGEND_SIZES:
            legend = figure.legend(
                handles=handles,
                loc="center",
                bbox_to_anchor=(0.5, (y + 0.22) / height),
                ncols=(len(handles) + 1) // 2,
                frameon=False,
                fontsize=size,
                handlelength=2.6,
                columnspacing=1.6,
                borderpad=0,
            )
            wide = float(legend.get_window_extent(figure.canvas.get_renderer()).width) / float(figure.dpi)
            if wide <= width - 2 * MARGIN_IN or size == LEGEND_SIZES[-1]:
                return
            legend.remove()


def tunnel_legend(scene: Scene) -> list[tuple[str, str]]:
    """Colours of the tunnels, each with the numbers that have it."""
    if len(scene.tunnels) == 1:
        return [
            (
                captions.color_of(scene, 0),
                say("tunnel") + (say(" (exceeds a limit)") if captions.violations(scene) else ""),
            )
        ]
    numbers: dict[str, list[str]] = {}
    for number in range(len(scene.tunnels)):
        numbers.setdefault(captions.color_of(scene, number), []).append(str(number + 1))
    told = []
    for place, (color, which) in enumerate(numbers.items()):
        # The word once: the legend has two lines.
        word = "" if place else f"{say('tunnel') if len(which) == 1 else say('tunnels')} "
        alarm = say(" (exceeds a limit)") if color == palette.VIOLATION else ""
        told.append((color, f"{word}{', '.join(which)}{alarm}"))
    return told


def _blocks(scene: Scene) -> list[tuple[list[str], str]]:
    """Lines of the caption: their cells (one, or one for each column), and how they are emphasised."""
    lines: list[tuple[list[str], str]] = []
    if scene.tunnels:
        lines.append((captions.tunnel_columns(), "heading"))
        for number, tunnel in enumerate(scene.tunnels[:MOST_ROWS], start=1):
            lines.append((captions.tunnel_row(number, tunnel), "strong" if len(scene.tunnels) == 1 else "plain"))
    else:
        lines += _wrapped(say("No tunnel is within every limit: {reason}", reason=captions.reason(scene)), "alarm")
    figures = captions.totals(scene)
    if figures:
        lines.append(([label for label, _ in figures], "heading"))
        lines.append(([value for _, value in figures], "strong"))
    lines += _some([f"{say('EXCEEDS LIMIT')}  {line}" for line in captions.violations(scene)], "alarm")
    lines += _some([say("Warning: {warning}", warning=line) for line in captions.warnings(scene)], "plain")
    return lines


def _some(lines: list[str], emphasis: str) -> list[tuple[list[str], str]]:
    shown = [row for line in lines[:MOST_LINES] for row in _wrapped(line, emphasis)]
    if len(lines) > MOST_LINES:
        shown.append(([say("… and {count} more in plan.json", count=len(lines) - MOST_LINES)], emphasis))
    return shown


def _wrapped(line: str, emphasis: str) -> list[tuple[list[str], str]]:
    """A sentence on as many lines as it needs."""
    width = LINE_CHARACTERS if emphasis == "plain" else BOLD_LINE_CHARACTERS
    return [([part], emphasis) for part in textwrap.wrap(line, width, subsequent_indent="    ")]


def _frame(figure: Any, width: float, height: float) -> None:
    """A red frame: nobody takes this picture for a plan within its limits, colour or not."""
    from matplotlib.patches import Rectangle

    edge = 0.03
    figure.add_artist(
        Rectangle(
            (edge / width, edge / height),
            1 - 2 * edge / width,
            1 - 2 * edge / height,
            fill=False,
            ec=palette.VIOLATION,
            lw=4,
        )
    )
