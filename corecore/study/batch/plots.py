"""Plots of a batch's table as SVG, the same bytes for the same table."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from corecore.study.batch.figures import Records, Spread, causes, spreads

#: Colours of plans, in order; told apart by colour-blind readers too (Okabe and Ito).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#666666")
#: Most boxes and bars of one plot: beyond, only the table is readable.
BOXES_MAX, BARS_MAX = 48, 12
#: What lies further beyond the upper quartile than so many times the quartiles' distance is counted, not drawn.
FAR_QUARTILES = 10.0
#: Longest label, characters.
LABEL_MAX = 48
#: Text is text, never a formula; ids in the file depend on its content alone.
STYLE: Any = {"svg.hashsalt": "corecore", "svg.fonttype": "path", "text.parse_math": False, "font.size": 9.0}


def box_plot(found: Sequence[Spread], axis_label: str) -> str | None:
    """Median, quartiles and extremes by class, a colour a plan; ``None`` without a group or with too many."""
    if not 0 < len(found) <= BOXES_MAX:
        return None
    plans = sorted({one.plan for one in found})
    groups = sorted({one.group for one in found})

    def draw(axes: Axes) -> None:
        width = 0.8 / len(plans)
        for place, plan in enumerate(plans):
            mine = [one for one in found if one.plan == plan]
            stats = [
                dict(zip(("whislo", "q1", "med", "q3", "whishi"), one.quantiles, strict=True), fliers=[])
                for one in mine
            ]
            at = [groups.index(one.group) + (place - 0.5 * (len(plans) - 1)) * width for one in mine]
            colour = COLOURS[place % len(COLOURS)]
            axes.bxp(
                stats, positions=at, widths=0.8 * width, showfliers=False, patch_artist=True,
                boxprops={"facecolor": colour, "alpha": 0.55, "edgecolor": colour},
                medianprops={"color": "black"}, whiskerprops={"color": colour}, capprops={"color": colour},
                manage_ticks=False,
            )  # fmt: skip
            axes.plot([], [], "s", color=colour, label=_short(plan))
        axes.set_xticks(range(len(groups)), [_short(name) for name in groups])
        axes.set_ylabel(axis_label)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        if len(plans) > 1:
            axes.legend(frameon=False, fontsize=8)

    return _svg(draw, (7.2, 3.2))


def histogram(results: Records, name: str, factor: float, axis_label: str) -> str | None:
    """How often a figure takes which value, a line a plan, few far ones left out; ``None`` where no record has it."""
    values = factor * results.numbers(name)
    plans = np.array(results.plans, dtype=object)
    good = np.isfinite(values) & (results.texts("status") == "planned")
    shown = sorted({plan for plan, one in zip(plans, good, strict=True) if one})
    if not 0 < len(shown) <= len(COLOURS):
        return None
    # One record that lay waiting for an hour would leave all others in one bar.
    quarter, three = (float(q) for q in np.quantile(values[good], (0.25, 0.75)))
    most = three + FAR_QUARTILES * (three - quarter) if three > quarter else float(values[good].max())
    far = int(np.count_nonzero(values[good] > most))
    if far:
        good &= values <= most
        axis_label += f" ({far} beyond {most:.3g} not drawn)"
    edges = np.histogram_bin_edges(values[good], bins=min(40, max(5, int(np.sqrt(np.count_nonzero(good))))))

    def draw(axes: Axes) -> None:
        for place, plan in enumerate(shown):
            mine = values[good & (plans == plan)]
            axes.hist(mine, bins=edges.tolist(), histtype="step", color=COLOURS[place], label=_short(plan))
        axes.set_xlabel(axis_label)
        axes.set_ylabel("plans")
        if len(shown) > 1:
            axes.legend(frameon=False, fontsize=8)

    return _svg(draw, (7.2, 2.6))


def cause_bars(results: Records) -> str | None:
    """The most frequent reasons for no plan; ``None`` where every record has one."""
    found = causes(results)[:BARS_MAX]
    if not found:
        return None

    def draw(axes: Axes) -> None:
        places = np.arange(len(found))[::-1]
        colours = [COLOURS[4] if status == "failed" else COLOURS[1] for status, _, _, _ in found]
        axes.barh(places, [count for _, _, count, _ in found], color=colours)
        axes.set_yticks(places, [_short(f"{status}: {text}") for status, text, _, _ in found])
        axes.set_xlabel("records")

    return _svg(draw, (7.2, 0.8 + 0.3 * len(found)))


def removed_boxes(results: Records) -> str | None:
    """Lesion removed, by class and plan."""
    return box_plot(spreads(results, "totals.removed_fraction", 100.0), "lesion removed, %")


def _svg(draw: Callable[[Axes], None], size: tuple[float, float]) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def _short(text: str) -> str:
    # A font has no sign for everything that a file's name may hold.
    clean = "".join(c if c.isprintable() and (ord(c) < 0x250 or c == "…") else "?" for c in text)
    return clean if len(clean) <= LABEL_MAX else clean[: LABEL_MAX - 1] + "…"
