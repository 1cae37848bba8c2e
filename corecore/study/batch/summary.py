"""A batch's table in sum: one page that needs nothing else, and the same as text."""

from __future__ import annotations

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

import numpy as np

from corecore.base.notice import NOTICE
from corecore.base.version import __version__
from corecore.study.batch.figures import (
    EVERY,
    NO_CLASS,
    SPREADS,
    STATUSES,
    Records,
    breaches,
    causes,
    reason,
    spreads,
    statuses,
)
from corecore.study.batch.intervals import Interval, differences, groups, mean_interval
from corecore.study.batch.layout import plan_folder
from corecore.study.batch.manifest import ID_FORM


class Linked(NamedTuple):
    """A cell that leads to a file, by its address seen from the page."""

    text: str
    address: str


Line: TypeAlias = tuple[str | Linked, ...]
Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]

#: Sorts a table by the column whose head is pressed; the buttons are made here, for without a script they do nothing.
SCRIPT = """
"use strict";
const number = /^[+-]?\\d+(\\.\\d+)?%?( to .*)?$/;
const words = new Intl.Collator("en", { numeric: true });
function sort(table, head, column) {
  const down = head.getAttribute("aria-sort") === "ascending";
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, text: row.cells[column].textContent.trim() }));
  const told = rows.filter((one) => one.text !== "");
  const numbers = told.every((one) => number.test(one.text));
  const order = numbers
    ? (a, b) => parseFloat(a.text) - parseFloat(b.text)
    : (a, b) => words.compare(a.text, b.text);
  told.sort(down ? (a, b) => order(b, a) : order);
  for (const one of head.parentNode.cells) one.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...told.map((one) => one.row), ...rows.filter((one) => one.text === "").map((one) => one.row));
}
for (const table of document.querySelectorAll("table")) {
  if (table.tBodies[0].rows.length < 2) continue;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(table, head, column));
    head.replaceChildren(button);
  });
}
"""
STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "h1{overflow-wrap:anywhere}h2{margin:2rem 0 .3rem}a{color:#0b57a4}img{max-width:100%}"
    "nav ul{columns:20rem;padding-left:1.2rem;margin:.3rem 0}nav h2{font-size:1rem;margin:1rem 0 0}"
    ".wide{overflow-x:auto;margin:.5rem 0 1.5rem}.wide:focus-visible,button:focus-visible{outline:3px solid #e69f00}"
    "table{border-collapse:collapse}th,td{padding:.25rem .7rem;text-align:right;vertical-align:top;"
    "border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "th{white-space:normal;vertical-align:bottom}td.w{white-space:normal;min-width:14rem}"
    "th:first-child,td:first-child,th.t,td.t,th.w,td.w{text-align:left}"
    "th:first-child,td:first-child{position:sticky;left:0;background:#fff}"
    "@media(max-width:600px){td:first-child{white-space:normal;overflow-wrap:anywhere;min-width:7rem}}"
    "tbody tr:hover td{background:#f3f6fa}th button{font:inherit;font-weight:bold;background:none;border:0;padding:0;"
    "color:inherit;cursor:pointer;text-align:inherit}th button::after{content:'\\2195';color:#767676;margin-left:.3em}"
    "th[aria-sort=ascending] button::after{content:'\\2191';color:#000}"
    "th[aria-sort=descending] button::after{content:'\\2193';color:#000}"
    "footer{color:#555;margin-top:3rem}@media print{th button::after{content:''}}"
)
#: Where a lesion's class comes from, in words.
CLASS_WORDS = {
    "truth.lesion.kind": "form of the synthetic lesion",
    "necrosis.steinberg": "Steinberg's lesion size grade, by share of the head",
    "": NO_CLASS,
}
COUNTS = tuple(f"n {status}" for status in STATUSES)
CI, WHY = "95 % CI", "cause or limiting constraint"
#: Columns of texts, to the left, by their class: words, and what may run over lines.
TEXTS = {"lesion": "t", "guidance method": "t", "plan": "t", "status": "t", "report": "t", "ids": "w", WHY: "w"}
#: Most records that the page lists one by one: some 5 MB (engineering choice).
CASES_MAX = 10_000
#: Of a plan's folder what a case leads to: the first that is there.
CASE_FILES = ("report.html", "plan.json")


def tables(results: Records) -> list[Table]:
    """Every table of the summary: title, heads, rows of texts. The first head's column is text."""
    whole = statuses(results, [EVERY] * len(results))
    found: list[Table] = [
        (
            "Records", ("plan", *COUNTS, "n"),
            [(plan, *_counts(counts), str(sum(counts.values()))) for (plan, _), counts in whole.items()],
        )
    ]  # fmt: skip
    found += _compared(results)
    counted = _counted(results)
    several = len(counted) > len(whole)
    heads = ("plan", *(("lesion",) if several else ()), *COUNTS, "n with figure", "mean", CI, "min", "Q1", "median",
             "Q3", "max")  # fmt: skip
    for title, name, factor, unit in SPREADS:
        spread = {(one.plan, EVERY): one for one in spreads(results, name, factor, by_class=False)}
        if not spread:
            continue
        if several:
            spread.update({(one.plan, one.group): one for one in spreads(results, name, factor)})
        rows: list[tuple[str, ...]] = []
        for (plan, kind), counts in counted.items():
            group = (kind,) if several else ()
            one = spread.get((plan, kind))
            told: tuple[str, ...] = ("",) * 7
            if one is not None:
                mean = mean_interval(one.values)
                ends = "" if np.isnan(mean.low) else f"{mean.low:.2f} to {mean.high:.2f}"
                told = (f"{mean.value:.2f}", ends, *(f"{value:.2f}" for value in one.quantiles))
            rows.append((plan, *group, *_counts(counts), str(0 if one is None else one.count), *told))
        found.append((f"{title}, {unit}", heads, rows))
    risk: list[tuple[str, ...]]
    risk = [
        (plan, method, *_counts(whole[plan, EVERY]), f"{cortex:.2%}", f"{joint:.2%}")
        for plan, method, cortex, joint in breaches(results)
    ]
    if risk:
        heads = ("plan", "guidance method", *COUNTS, "cortical perforation", "joint penetration")
        found.append(("Execution-error simulation, mean probability of a plan", heads, risk))
    failed: list[tuple[str, ...]] = [
        (status, text, str(count), ", ".join(ids) + (" …" if count > len(ids) else ""))
        for status, text, count, ids in causes(results)
    ]
    if failed:
        found.append(("Without a plan", ("status", WHY, "n", "ids"), failed))
    return found


def _counted(results: Records) -> dict[tuple[str, str], Counter[str]]:
    """Records by plan and class of lesion, of every plan first those of all classes; where there is one class alone,
    these only."""
    kinds = results.classes[1]
    found = statuses(results, [EVERY] * len(results))
    if len(set(kinds)) > 1:
        found.update(statuses(results, kinds))
    return dict(sorted(found.items(), key=lambda item: (item[0][0], item[0][1] != EVERY, item[0][1])))


def _counts(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(str(counts[status]) for status in STATUSES)


def _compared(results: Records) -> list[Table]:
    """What every plan removes of every hip, and which removes more on the same hips; a class by itself if several."""
    kinds = results.classes[1]
    every = [[EVERY] * len(results), *([kinds] if len(set(kinds)) > 1 else [])]
    counted = _counted(results)
    rows: list[tuple[str, ...]] = [
        (
            one.plan, one.group, *_counts(counted[one.plan, one.group]), *_told(one.removed), *_told(one.without),
            *(("", "") if one.breach is None else _told(one.breach)),
        )
        for classes in every for one in groups(results, classes)
    ]  # fmt: skip
    heads: tuple[str, ...]
    heads = ("plan", "lesion", *COUNTS, "mean removed", CI, "without a tunnel", CI, "perforation under fluoroscopy", CI)
    found: list[Table] = []
    if rows:
        found.append(("Every hip, % (nothing removed where infeasible; failed ones excluded)", heads, rows))
    pairs: list[tuple[str, ...]] = [
        (f"{one.plan} − {one.other}", one.group, str(one.more.count), *_told(one.more, signed=True))
        for classes in every for one in differences(results, classes)
    ]  # fmt: skip
    if pairs:
        heads = ("difference", "lesion", "n planned or infeasible by both", "mean removed", CI)
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


def summary_html(results: Records, source: Path, page: Path | None = None) -> str:
    """The page: contents, plots, tables that can be sorted, and every case with a link to its report.

    Every value is escaped; nothing is fetched, and no script runs but the page's own. ``page`` is where it will lie:
    links to the plans' folders beside ``source`` are seen from there.
    """
    # Drawn only here: tables as text need no plotting library.
    from corecore.study.batch.plots import cause_bars, histogram, removed_boxes

    pictures = [
        ("Plot: lesion removed by class of lesion", removed_boxes(results)),
        ("Plot: cortical clearance", histogram(results, "cortical_clearance_mm", 1.0, "smallest clearance, mm")),
        ("Plot: proven optimality gap", histogram(results, "totals.optimality_gap", 100.0, "gap, %")),
        ("Plot: time per plan", histogram(results, "timings.case_s", 1.0, "s")),
        ("Plot: without a plan", cause_bars(results)),
    ]
    sections = [(title, _html_table(title, heads, rows)) for title, heads, rows in tables(results)]
    for heading, svg in pictures:
        if svg is not None:
            data = base64.b64encode(svg.encode()).decode()
            sections.append((heading, f'<img alt="{escape(heading)}" src="data:image/svg+xml;base64,{data}">'))
    sections.append(_cases(results, source.parent, (source if page is None else page).parent))
    hips = len(set(results.texts("id")))
    versions = sorted({str(v) for v in results.texts("versions.corecore") if v is not None})
    title = f"Summary of {source.name}"
    contents = "".join(f'<li><a href="#s{i}">{escape(name)}</a></li>' for i, (name, _) in enumerate(sections, start=1))
    parts = [
        "<!doctype html>", '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_policy())}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{hips} hips, {len(results)} records, planned with corecore {escape(', '.join(versions) or '?')}."
        f" Class of lesion: {escape(CLASS_WORDS[results.classes[0]])}."
        " Times are those of one thread, as the machine was loaded. A column's head sorts its table.</p>",
        f'<nav aria-label="Contents"><h2>Contents</h2><ul>{contents}</ul></nav><main>',
        *(
            f'<section id="s{i}"><h2>{escape(name)}</h2>{content}</section>'
            for i, (name, content) in enumerate(sections, start=1)
        ),
        f"</main><footer>{escape(NOTICE)} corecore {escape(__version__)}</footer>",
        f"<script>{SCRIPT}</script></body></html>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _policy() -> str:
    """Only what the page itself holds may be shown, and only its own script runs."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none';"
        " form-action 'none'"
    )


def _cases(results: Records, folder: Path, seen_from: Path) -> tuple[str, str]:
    """A title, and every record as a row with a link to its plan's report; ``folder``: the batch's."""
    several = len(set(results.classes[1])) > 1
    heads = ("case", "report", "plan", *(("lesion",) if several else ()), "status", "removed, %",
             "cortical clearance, mm", "joint clearance, mm", "gap, %", "time, s", WHY)  # fmt: skip
    figures = [
        factor * results.numbers(name)
        for name, factor in (
            ("totals.removed_fraction", 100.0), ("cortical_clearance_mm", 1.0), ("joint_clearance_mm", 1.0),
            ("totals.optimality_gap", 100.0), ("timings.case_s", 1.0),
        )
    ]  # fmt: skip
    status, plans, kinds = results.texts("status"), results.plans, results.classes[1]
    rows: list[Line] = []
    for i in range(min(len(results), CASES_MAX)):
        ident, variant = str(results.texts("id")[i]), str(results.texts("variant")[i] or "")
        told = ["" if not np.isfinite(one[i]) else f"{one[i]:.2f}" for one in figures]
        why = "" if status[i] == "planned" else reason(results, i)
        group = (kinds[i],) if several else ()
        report = _link(folder, ident, variant, seen_from)
        rows.append((ident, report, plans[i], *group, str(status[i]), *told, why))
    left = len(results) - len(rows)
    more = f"<p>{left:,} more records are in the table.</p>" if left else ""
    return "Cases", _html_table("Cases", heads, rows) + more


def _link(folder: Path, ident: str, variant: str, seen_from: Path) -> str | Linked:
    """A link to the report of a record's plan, or to the plan; nothing where there is none beside the table."""
    # A table may come from anywhere: what it calls a hip must not lead out of the folder.
    if not ID_FORM.fullmatch(ident) or variant in (".", "..") or any(mark in variant for mark in "/\\\0"):
        return ""
    places = (plan_folder(folder / "plans", ident, variant, "folders"), plan_folder(folder, ident, variant, "bids"))
    for file in (place / name for place in places for name in CASE_FILES):
        name = file.name
        try:
            if file.is_file():
                return Linked(name, quote(Path(os.path.relpath(file, seen_from)).as_posix()))
        except (OSError, ValueError):
            return ""
    return ""


def _html_table(title: str, heads: Sequence[str], rows: Sequence[Line]) -> str:
    marks = [f" class={TEXTS[head]}" if i and head in TEXTS else "" for i, head in enumerate(heads)]

    def cells(line: Line) -> str:
        return "".join(f"<td{mark}>{_cell(cell)}</td>" for mark, cell in zip(marks, line, strict=True))

    top = "".join(f"<th scope=col{mark}>{escape(head)}</th>" for mark, head in zip(marks, heads, strict=True))
    body = "".join(f"<tr>{cells(row)}</tr>" for row in rows)
    return (
        f'<div class="wide" role="region" aria-label="{escape(title)}" tabindex="0">'
        f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(cell: str | Linked) -> str:
    if isinstance(cell, str):
        return escape(cell)
    return f'<a href="{escape(cell.address)}">{escape(cell.text)}</a>'
