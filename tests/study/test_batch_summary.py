"""The summary says what the table holds, and nothing that stands in it can do anything to the page."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.chromium import Page as Browser
from support.chromium import find_chromium

from corecore.app.cli import main
from corecore.base.errors import InputError
from corecore.study.batch.entry import Entry
from corecore.study.batch.figures import breaches, causes, read_records, spreads, statuses
from corecore.study.batch.journal import opened
from corecore.study.batch.plots import box_plot, cause_bars, histogram
from corecore.study.batch.settings import Settings, header_of
from corecore.study.batch.summary import COUNTS, SCRIPT, summary_html, summary_text, tables
from corecore.study.batch.table import write_tables

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

EVIL = "<script>alert(1)</script>&\"'$\\frac{1}$ \u202e\U0001f9b4"


def _table(folder: Path, records: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with opened(folder / "journal.jsonl", header_of(Settings()), {str(i): i for i in range(len(records))}) as journal:
        for row, record in enumerate(records):
            journal.append(Entry(row, {}, [record]))
        write_tables(journal, folder)
    return folder / "results.parquet"


def _records(evil: str = "") -> list[dict[str, Any]]:
    rng = np.random.default_rng(3)
    found: list[dict[str, Any]] = []
    for i in range(60):
        kind, plan = ("wedge", "lens" + evil)[i % 2], ("core-10", "core-8")[i // 30]
        record = {
            "id": f"hip{i}", "variant": "", "status": "planned", "cause": None, "preset": plan,
            "truth.lesion.kind": kind, "totals.removed_fraction": float(rng.uniform(0.05, 0.2)),
            "tunnels.1.cortical_clearance_mm": float(rng.uniform(3.0, 6.0)), "timings.case_s": float(rng.uniform(1, 9)),
            "totals.risk.guide.cortex_breach_probability": 0.01 * (i // 30),
            "totals.risk.guide.joint_breach_probability": 0.02, "versions.corecore": "9.9" + evil,
        }  # fmt: skip
        if i % 3 == 0:
            record["tunnels.2.cortical_clearance_mm"] = 2.5
        if i % 10 == 7:
            record = {"id": f"hip{i}{evil}", "variant": "", "status": "failed", "preset": plan}
            record["cause"] = f"no head, {i}{evil}"
        if i % 10 == 8:
            record = {
                **{k: v for k, v in record.items() if not k.startswith("t")}, "status": "infeasible",
                "infeasible.binding": "length_max_mm", "cause": f"too long by {i}",
            }  # fmt: skip
        found.append(record)
    return found


def test_spreads_are_those_of_each_group(tmp_path: Path) -> None:
    records = _records()
    results = read_records(_table(tmp_path, records))
    found = spreads(results, "totals.removed_fraction", 100.0)
    assert [(one.plan, one.group) for one in found] == [
        (plan, kind) for plan in ("core-10", "core-8") for kind in ("lens", "wedge")
    ]
    for one in found:
        values = [
            100.0 * r["totals.removed_fraction"] for r in records
            if r["status"] == "planned" and (r["preset"], r["truth.lesion.kind"]) == (one.plan, one.group)
        ]  # fmt: skip
        assert one.count == len(values) > 5
        assert one.mean == pytest.approx(sum(values) / len(values))
        assert one.quantiles[0] == min(values)
        assert one.quantiles[4] == max(values)
        assert sum(v <= one.quantiles[2] for v in values) == pytest.approx(len(values) / 2, abs=1)
    # The smallest over a plan's tunnels.
    (first, second) = spreads(results, "cortical_clearance_mm", by_class=False)
    assert first.quantiles[0] == second.quantiles[0] == 2.5
    assert sum(one.count for one in (first, second)) == 48


def test_everything_is_counted_once(tmp_path: Path) -> None:
    results = read_records(_table(tmp_path, _records()))
    assert statuses(results, [""] * 60) == {
        (plan, ""): {"planned": 24, "failed": 3, "infeasible": 3} for plan in ("core-10", "core-8")
    }
    assert [(status, text, count) for status, text, count, _ in causes(results)] == [
        ("failed", "no head, …", 6), ("infeasible", "length_max_mm", 6),
    ]  # fmt: skip
    assert causes(results)[0][3] == [f"hip{i}" for i in (7, 17, 27, 37, 47, 57)]
    assert [line[:2] for line in breaches(results)] == [("core-10", "guide"), ("core-8", "guide")]
    assert np.array([line[2:] for line in breaches(results)]) == pytest.approx(np.array([[0.0, 0.02], [0.01, 0.02]]))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name in ("src", "href"):
                self.sources.append(value or "")

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


def test_the_page_stands_alone_and_no_value_is_more_than_text(tmp_path: Path) -> None:
    results = read_records(_table(tmp_path, _records(EVIL)))
    text = summary_html(results, tmp_path / f"a{EVIL}".replace("/", ""))
    page = _Page()
    page.feed(text)
    assert page.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "img", "table", "tr", "th", "td", "footer",
        "nav", "ul", "li", "a", "main", "section", "div", "thead", "tbody", "script",
    }  # fmt: skip
    assert any("<script>alert" in cell for cell in page.cells)  # shown, as text
    inner = [source for source in page.sources if source.startswith("#")]
    assert inner == [f"#s{i}" for i in range(1, text.count("<section") + 1)]
    pictures = [source for source in page.sources if source not in inner]
    assert len(pictures) == 4
    for source in pictures:
        assert source.startswith("data:image/svg+xml;base64,")
        svg = base64.b64decode(source.partition(",")[2]).decode()
        assert "<script" not in svg
        assert not re.search(r"(?:href|src)=\"(?!#)", svg)
    assert "default-src &#x27;none&#x27;" in text
    # One script, the page's own, by its hash; values cannot be one.
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src &#x27;sha256-{digest}&#x27;" in text
    assert text.count("<script") == 1
    assert f"<script>{SCRIPT}</script>" in text
    assert summary_html(results, tmp_path / "x") == summary_html(results, tmp_path / "x")


def test_every_table_of_a_spread_counts_every_record_of_its_plan(tmp_path: Path) -> None:
    records = _records()
    # Of what failed before it was read no class is known.
    for record in records:
        if record["status"] == "failed":
            record.pop("truth.lesion.kind", None)
    results = read_records(_table(tmp_path, records))
    counted = 0
    for title, heads, rows in tables(results):
        if "n infeasible" not in heads or "lesion" not in heads:
            continue
        counted += 1
        places = [heads.index(name) for name in COUNTS]
        for plan in ("core-10", "core-8"):
            mine = [row for row in rows if row[0] == plan]
            assert [[row[i] for i in places] for row in mine if row[1] == "all"] == [["24", "3", "3"]], title
            if "median" in heads:
                classes = [[int(row[i]) for i in places] for row in mine if row[1] != "all"]
                assert np.sum(classes, axis=0).tolist() == [24, 3, 3], title
                assert heads[-6:] == ("95 % CI", "min", "Q1", "median", "Q3", "max")
    assert counted == 4


def test_a_case_leads_to_its_report_and_no_name_leads_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "run"
    names = ["a", "../a", "b", "c d", "/etc", "d"]
    variants = ["", "", "x=1", "", "", "../a"]
    for folder in (out / "plans" / "a", out / "plans" / "b" / "x=1", tmp_path / "a", out / "plans" / "d"):
        folder.mkdir(parents=True)
        (folder / "report.html").touch()
    (out / "plans" / "d" / "report.html").rename(out / "plans" / "d" / "plan.json")
    records = [
        {"id": name, "variant": variant, "status": "planned", "preset": "p", "totals.removed_fraction": 0.1}
        for name, variant in zip(names, variants, strict=True)
    ]
    table = _table(out, [*records, {**records[-1], "variant": ""}])
    page = _Page()
    page.feed(summary_html(read_records(table), table, tmp_path / "pages" / "summary.html"))
    assert [source for source in page.sources if not source.startswith(("#", "data:"))] == [
        "../run/plans/a/report.html", "../run/plans/b/x%3D1/report.html", "../run/plans/d/plan.json",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_table_is_sorted_by_the_keyboard(tmp_path: Path) -> None:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here")
    path = tmp_path / "summary.html"
    path.write_text(summary_html(read_records(_table(tmp_path, _records(EVIL))), path), encoding="utf-8")
    with Browser(program, tmp_path / "profile", 400, 800) as page:
        page.load(path)
        cases = "document.querySelector('section:last-of-type table')"
        column = "[...rows].map(row => row.cells[5].textContent)"
        given = page.run(f"(() => {{ const rows = {cases}.tBodies[0].rows; return {column} }})()")
        head = f"{cases}.tHead.rows[0].cells[5]"
        for way, sign in (("ascending", 1.0), ("descending", -1.0)):
            page.run(f"{head}.querySelector('button').focus()")
            page.press("Enter")
            assert page.run(f"{head}.getAttribute('aria-sort')") == way
            found = page.run(f"(() => {{ const rows = {cases}.tBodies[0].rows; return {column} }})()")
            numbers = [float(text) for text in given if text]
            # What has no figure comes last either way.
            assert found == [f"{value:.2f}" for value in sorted(numbers, key=lambda value: sign * value)] + [""] * 12
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
        assert page.problems == []


def test_a_record_that_lay_waiting_does_not_squeeze_the_others(tmp_path: Path) -> None:
    records = _records()
    records[0]["timings.case_s"] = 1950.0
    results = read_records(_table(tmp_path, records))
    drawn = histogram(results, "timings.case_s", 1.0, "s")
    assert drawn is not None
    assert "1 beyond" in drawn
    assert "<!-- 1500 -->" not in drawn
    usual = histogram(results, "cortical_clearance_mm", 1.0, "mm")
    assert usual is not None
    assert "beyond" not in usual


def test_plots_that_would_be_empty_or_unreadable_are_left_out(tmp_path: Path) -> None:
    results = read_records(_table(tmp_path, [{"id": "a", "variant": "", "status": "planned", "cause": None}]))
    assert box_plot([], "x") is None
    assert histogram(results, "totals.optimality_gap", 1.0, "x") is None
    assert cause_bars(results) is None
    assert "planned" in summary_text(results)
    assert summary_html(results, Path("r")).count("<img") == 0


def test_the_command_prints_the_tables_and_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = _table(tmp_path, _records()), tmp_path / "summary.html"
    assert main(["summary", str(path), "--out", str(page)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"core-10\s+24\s+3\s+3\s+30", out)
    assert page.read_text(encoding="utf-8").endswith("</html>\n")


@pytest.mark.parametrize("content", [b"", b"id,variant\n", b"PAR1PAR1", None, "columns", "texts", "empty"])
def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "results.parquet"
    columns: dict[str, list[Any]] = {name: ["x"] for name in ("id", "variant", "status", "cause")}
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "columns":
        parquet.write_table(pa.table({"id": ["a"]}), path)
    elif content == "texts":
        parquet.write_table(pa.table({**columns, "timings.case_s": [["long"]]}), path)
    elif content == "empty":
        parquet.write_table(pa.table(columns).slice(0, 0), path)
    with pytest.raises(InputError) as caught:
        read_records(path)
    assert "\n" not in str(caught.value)
    assert "results.parquet" in str(caught.value)
