"""A batch's table in sum: one page that needs nothing else, and the same as text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np

from corecore.base.notice import NOTICE
from corecore.base.version import __version__
from corecore.study.batch.figures import NO_CLASS, SPREADS, Records, breaches, causes, spreads, statuses
from corecore.study.batch.intervals import Interval, differences, groups

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]

#: Only what the page itself holds may be shown.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{padding:.2rem .7rem;text-align:right;"
    "border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "th,td.t{white-space:normal}th:first-child,td:first-child,"
    "th.t,td.t{text-align:left}img{max-width:100%}h2{margin-top:2rem}footer{color:#555;margin-top:3rem}"
)
#: Where a lesion's class comes from, in words.
CLASS_WORDS = {
    "truth.lesion.kind": "form of the synthetic lesion",
    "necrosis.steinberg": "Steinberg's extent, by share of the head",
    "": NO_CLASS,
}


def tables(results: Records) -> list[Table]:
    """Every table of the summary: title, heads, rows of texts. The first head's column is text."""
    kinds = sorted({status for counts in statuses(results).values() for status in counts})
    found: list[Table] = [
        (
            "Records", ("plan", *kinds, "all"),
            [
                (plan, *(str(counts[kind]) for kind in kinds), str(sum(counts.values())))
                for plan, counts in statuses(results).items()
            ],
        )
    ]  # fmt: skip
    classes = len(set(results.classes[1])) > 1
    found += _compared(results)
    heads = ("plan", *(("lesion",) if classes else ()), "plans", "mean", "least", "quarter", "median", "three quarters",
             "most")  # fmt: skip
    for title, name, factor, unit in SPREADS:
        rows = []
        for one in spreads(results, name, factor, by_class=classes):
            group = (one.group,) if classes else ()
            rows.append((one.plan, *group, str(one.count), *(_figure(v) for v in (one.mean, *one.quantiles))))
        if rows:
            found.append((f"{title}, {unit}", heads, rows))
    risk: list[tuple[str, ...]]
    risk = [(plan, method, f"{cortex:.2%}", f"{joint:.2%}") for plan, method, cortex, joint in breaches(results)]
    if risk:
        found.append(("Breaches by errors of drilling, mean", ("plan", "method", "cortex", "joint"), risk))
    failed: list[tuple[str, ...]] = [
        (status, text, str(count), ", ".join(ids) + (" …" if count > len(ids) else ""))
        for status, text, count, ids in causes(results)
    ]
    if failed:
        found.append(("Without a plan", ("status", "cause or binding limit", "records", "ids"), failed))
    return found


def _compared(results: Records) -> list[Table]:
    """What every plan removes of every hip, and which removes more on the same hips; a class by itself if several."""
    kinds = results.classes[1]
    every = [["all"] * len(results), *([kinds] if len(set(kinds)) > 1 else [])]
    rows: list[tuple[str, ...]] = [
        (
            one.plan, one.group, str(one.removed.count), *_told(one.removed), *_told(one.without),
            *(("", "") if one.breach is None else _told(one.breach)),
        )
        for classes in every for one in groups(results, classes)
    ]  # fmt: skip
    heads: tuple[str, ...]
    heads = ("plan", "lesion", "hips", "removed", "95 %", "without a tunnel", "95 %", "freehand breach", "95 %")
    found: list[Table] = []
    if rows:
        found.append(("Every hip, % (nothing removed where there is no tunnel)", heads, rows))
    pairs: list[tuple[str, ...]] = [
        (f"{one.plan} − {one.other}", one.group, str(one.more.count), *_told(one.more, signed=True))
        for classes in every for one in differences(results, classes)
    ]  # fmt: skip
    if pairs:
        heads = ("difference", "lesion", "hips", "removed", "95 %")
        found.append(("On the same hips, percentage points of the lesion", heads, pairs))
    return found


def _told(interval: Interval, *, signed: bool = False) -> tuple[str, str]:
    """A share and the ends of its interval, in per cent."""
    sign = "+" if signed else ""
    value = f"{100.0 * interval.value:{sign}.1f}"
    if not np.isfinite(interval.low):
        return value, ""
    return value, f"{100.0 * interval.low:{sign}.1f} to {100.0 * interval.high:{sign}.1f}"


def summary_text(results: Records) -> str:
    """The tables as plain text."""
    parts = []
    for title, heads, rows in tables(results):
        widths = [max(len(line[i]) for line in (heads, *rows)) for i in range(len(heads))]
        lines = [
            "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(
                zip(line, widths, strict=True)
            )).rstrip()
            for line in (heads, *rows)
        ]  # fmt: skip
        parts.append("\n".join([title, *(f"  {line}" for line in lines)]))
    return "\n\n".join(parts)


def summary_html(results: Records, source: Path) -> str:
    """The page: tables and plots, every value escaped, nothing fetched, nothing run."""
    # Drawn only here: tables as text need no plotting library.
    from corecore.study.batch.plots import cause_bars, histogram, removed_boxes

    pictures = [
        ("Lesion removed by class of lesion", removed_boxes(results)),
        ("Clearance to the cortex", histogram(results, "cortical_clearance_mm", 1.0, "smallest clearance, mm")),
        ("Proven optimality gap", histogram(results, "totals.optimality_gap", 100.0, "gap, %")),
        ("Time per plan", histogram(results, "timings.case_s", 1.0, "s")),
        ("Without a plan", cause_bars(results)),
    ]
    hips = len(set(results.texts("id")))
    versions = sorted({str(v) for v in results.texts("versions.corecore") if v is not None})
    title = f"Summary of {source.name}"
    parts = [
        "<!doctype html>", '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{hips} hips, {len(results)} records, planned with corecore {escape(', '.join(versions) or '?')}."
        f" Class of lesion: {escape(CLASS_WORDS[results.classes[0]])}."
        " Times are those of one thread, as the machine was loaded.</p>",
    ]  # fmt: skip
    for heading, svg in pictures:
        if svg is not None:
            data = base64.b64encode(svg.encode()).decode()
            words = escape(heading)
            parts.append(f'<h2>{words}</h2><img alt="{words}" src="data:image/svg+xml;base64,{data}">')
    for heading, heads, rows in tables(results):
        parts.append(f"<h2>{escape(heading)}</h2>{_html_table(heads, rows)}")
    parts.append(f"<footer>{escape(NOTICE)} corecore {escape(__version__)}</footer></body></html>")
    return "\n".join(parts) + "\n"


def _html_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    # Texts to the left; the heads that say so are the tables' own.
    left = {i for i, head in enumerate(heads) if head in ("lesion", "method", "cause or binding limit", "ids")}

    def cells(tag: str, line: Sequence[str]) -> str:
        return "".join(f"<{tag}{' class=t' if i in left else ''}>{escape(cell)}</{tag}>" for i, cell in enumerate(line))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{cells('th', heads)}</tr>{body}</table>"


def _figure(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:.2f}"
