"""The report: nothing lost, nothing invented, nothing from outside, and the same on page and print."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins
from support.chromium import Page, find_chromium
from support.report_plan import full_plan, full_scene
from support.view_phantom import phantom_scene, phantom_tissue

from corecore.base.errors import InputError
from corecore.document.necrosis import CLASSES
from corecore.document.text import chance
from corecore.report import limits
from corecore.report.fluoroscopy import others_on_film
from corecore.report.report import Views, report_data, report_html, report_pdf, views_of, write_report
from corecore.report.report_content import report_content
from corecore.report.scene import Scene

NO_VIEWS = Views([], None, "", "not drawn")
CUT = "the edge of the scan cuts the head or the lesion"
VIOLATION = {"key": "joint_margin_mm", "limit": 5.0, "value": 4.9996}


def pages(pdf: bytes) -> list[str]:
    """The words of each page, white space as single blanks."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


class Words(HTMLParser):
    """A page's text, and its tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.style = ""
        self._open = ""
        self.feed(text)
        self.words = " ".join(" ".join(self.said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "style":
            self.style += data
        else:
            self.said.append(data)


def made(scene: Scene, views: Views = NO_VIEWS) -> tuple[Words, list[str]]:
    """Page and print of a plan, as words."""
    data = report_data(scene, views, None)
    return Words(report_html(data)), pages(report_pdf(data))


@pytest.fixture(scope="module")
def seen() -> Views:
    return views_of(full_scene(), phantom_tissue())


def test_two_pages_and_the_provenance_each_signed(seen: Views) -> None:
    scene = full_scene()
    page, printed = made(scene, seen)
    assert len(printed) == 3
    for part in printed:
        for words in ("RIGHT HIP", "case-17", "2026-10-02", scene.hash, "Not a medical device"):
            assert words in part
    assert "plan summary" in printed[0]
    assert "Operative data" in printed[1]
    assert scene.full_hash in printed[2].replace(" ", "")
    assert page.words.count("RIGHT HIP") == 3
    assert page.words.count("Not a medical device") == 3


def test_page_and_print_say_the_plans_figures(seen: Views) -> None:
    page, printed = made(full_scene(), seen)
    told = {
        0: ["34.5 % of the necrosis (0.31 of 0.90 ml)", "no tunnel removes more than 34.8 %", "4.1 mm", "5.2 mm",
            "6.2 mm", "48°", "132°", "110 to 145°", "6.3 mm", "11.3 %", "17.6 %", "169°", "61.0 %", "ARCO 2019 II",
            "C2", "estimated", "0.8 to 1.1 ml", "15 to 19 %", "Hips failed.", "doi:10.1/x; 37 hips",
            "Physeal status not specified"],
        1: ["10 mm", "12.3 mm", "41.7 mm", "1.9 mm posterior", "127°", "9° posterior", "6.1 ml", "5.4 ml", "0.59 ml",
            "51.1 % / 63.3 %", "28.8 %", "1.21 %", "under 0.03 %", "31.1 % (25.0 %)", "30.0 % (-4.5)",
            "0.8 mm (+0.5)", "18.0 % (-10.0)", "AP", "Frog-leg lateral"],
        2: ["ab" * 32, "cortical_margin_mm", "3 mm", "fitted"],
    }  # fmt: skip
    for number, texts in told.items():
        for text in texts:
            assert text in page.words, text
            assert text.replace(" ", "") in printed[number].replace(" ", ""), text
    entry = full_plan()["tunnels"][0]["entry"]
    assert "  ".join(f"{c:.1f}" for c in entry).replace("  ", " ") in page.words


def test_what_keeps_a_limit_and_what_breaks_it() -> None:
    rows = {row.what: row for row in limits.limit_rows(full_scene())}
    assert rows["Wall to the cortex"].tone == limits.KEEPS
    assert rows["Tip and wall to the joint"].tone == limits.JUST
    tunnel = {**full_plan()["tunnels"][0], "joint_clearance_mm": 4.9996}
    told = [VIOLATION, {"key": "portal", "limit": 0.0, "value": -1.2}]
    rows = {
        row.what: row
        for row in limits.limit_rows(
            phantom_scene(**full_plan(status="manual", violations=told) | {"tunnels": [tunnel]})
        )
    }
    joint = rows["Tip and wall to the joint"]
    # A figure that breaks its limit is never printed as the limit.
    assert (joint.tone, joint.verdict, joint.value) == (limits.BREAKS, "EXCEEDS LIMIT", "4.9996 mm")
    assert rows["wall inside the bone beyond the entry hole"].tone == limits.BREAKS


@given(value=st.floats(0, 50), limit=st.floats(0.5, 30), at_least=st.booleans())
def test_the_verdict_is_the_comparison(value: float, limit: float, at_least: bool) -> None:
    tone = limits.tone_of(value, limit, at_least=at_least, just=0.25)
    kept = value >= limit if at_least else value <= limit
    assert (tone != limits.BREAKS) == kept
    # Past the limit by a rounding error only, a near miss says so; never the other way round.
    if tone == limits.JUST:
        assert abs(value - limit) <= 0.25
    text = limits.shown(value, limit, "mm", tone == limits.BREAKS)
    if tone == limits.BREAKS and abs(value - limit) > 1e-4:
        assert float(text.removesuffix(" mm")) != limit


@pytest.mark.parametrize(("value", "tone"), [(5.01, "just"), (4.995, "just"), (4.95, "breaks"), (6.0, "keeps")])
def test_rounding_alone_breaks_no_limit(value: float, tone: str) -> None:
    tunnels = copy.deepcopy(full_plan()["tunnels"])
    tunnels[0]["joint_clearance_mm"] = value
    rows = {row.what: row for row in limits.limit_rows(changed(tunnels))}
    assert rows["Tip and wall to the joint"].tone == tone


def test_of_several_tunnels_the_worst_is_judged() -> None:
    rows = {row.what: row for row in limits.limit_rows(full_scene(tunnels=4))}
    assert rows["Tip and wall to the joint (tunnel 4)"].value == "5.2 mm"
    page, printed = made(full_scene(tunnels=4))
    assert "worst tunnel of each" in page.words
    assert len(printed) == 3
    for number in range(1, 5):
        x = full_plan(tunnels=4)["tunnels"][number - 1]["entry"][1]
        assert f"{x:.1f}" in printed[1]


def test_a_margin_with_nothing_near_is_kept() -> None:
    tunnels = copy.deepcopy(full_plan()["tunnels"])
    tunnels[0]["cortical_clearance_mm"] = None
    del tunnels[0]["entry_normal_deg"]
    rows = {row.what: row for row in limits.limit_rows(changed(tunnels))}
    assert (rows["Wall to the cortex"].value, rows["Wall to the cortex"].tone) == ("none within range", limits.KEEPS)
    # Any other figure that is absent is not known, and is not said to be kept.
    assert rows["Entry normal, deviation from lateral"].tone == limits.UNTOLD


def changed(tunnels: list[dict[str, Any]]) -> Scene:
    return phantom_scene(**{**full_plan(), "tunnels": tunnels})


def test_a_path_that_breaks_limits_is_red_and_says_which() -> None:
    page, printed = made(full_scene(status="manual", violations=[VIOLATION]))
    for words in (page.words, printed[0]):
        assert "SURGEON-MODIFIED, EXCEEDS 1 LIMIT" in words
        assert "Tip and wall to the joint: 5 mm, the limit is 5 mm" not in words
        assert "Tip and wall to the joint: " in words
    assert "not approved, limits exceeded" in printed[1]
    body = next(attrs for tag, attrs in page.tags if tag == "body")
    assert (body["class"] or "").split() == ["breaks", "weighs-red"]
    assert next(attrs for tag, attrs in made(full_scene())[0].tags if tag == "body")["class"] == "keeps weighs-amber"


CORECORE = Path(__file__).resolve().parents[2] / "corecore"
GREEN, AMBER, RED = "#006b4e", "#7a4b00", "#a8001c"


@pytest.mark.parametrize(
    ("tone", "color", "shown"),
    [
        ("keeps", "green", GREEN), ("keeps", "amber", AMBER), ("keeps", "red", RED), ("breaks", "red", RED),
        ("keeps", "of_the_future", AMBER),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("sheet", "top", "mark"),
    [
        ("report/static/report.css", [".sheet", "body{} .sheet"], ".weighs-{}"),
        ("review/static/review.css", ["body", "body{}"], '[data-weighs="{}"]'),
    ],
)
def test_the_bar_on_top_is_as_the_headline(
    sheet: str, top: list[str], mark: str, tone: str, color: str, shown: str
) -> None:
    css = (CORECORE / sheet).read_text(encoding="utf-8")
    named = dict(re.findall(r"(--\w+): (#[0-9a-f]{6})", css))
    met = {top[0], top[1].format(mark.format(color)), top[1].format(f".{tone}")}
    bar = ""
    for selectors, rule in re.findall(r"^([^@{}]+)\{([^}]*)\}", css, flags=re.MULTILINE):
        if met & {one.strip() for one in selectors.split(",")}:
            found = re.search(r"border-top(?:-color)?:[^;]*?(?:var\((--\w+)\)|(#\w{6}))", rule)
            bar = bar if found is None else str(found[2] or named[found[1]])
    assert bar == shown


def test_without_a_tunnel_the_report_says_why() -> None:
    ways = [{"key": "joint_margin_mm", "limit": 5.0, "needed": 3.8, "confirmed": True}]
    why = {"text": "joint_margin_mm binds", "relaxations": ways}
    views = views_of(full_scene(), None)
    page, printed = made(none(why), views)
    for words in (page.words, " ".join(printed)):
        assert "NO FEASIBLE TUNNEL" in words
        assert "joint_margin_mm binds." in words
        assert "3.8" in words
        assert "planned with it" in words
        assert "No tunnel: " in words
        assert "masks are not available" in words
    assert len(printed) == 3


def none(why: dict[str, Any]) -> Scene:
    return phantom_scene(**{**full_plan(), "status": "infeasible", "tunnels": [], "infeasible": why, "totals": {}})


HOSTILE = "</style><script>alert(1)</script> #panic() $x$ *b* _i_ \\ \" ' {{ 7*7 }} {% raw %} `code` <svg> &amp; #sys"


def test_what_stands_in_a_plan_is_shown_and_not_obeyed() -> None:
    plan = full_plan(warnings=[{"code": "x", "text": HOSTILE}], corecore_version=HOSTILE)
    plan["case"]["id"] = HOSTILE
    plan["necrosis"]["summary"]["speaks_against"][0]["text"] = HOSTILE
    plan["totals"]["risk"] = {HOSTILE: plan["totals"]["risk"]["guide"]}
    plan["spec"][HOSTILE] = HOSTILE
    scene = phantom_scene(**plan)
    page, printed = made(scene, views_of(scene, phantom_tissue()))
    assert "script" not in {tag for tag, _ in page.tags}
    assert HOSTILE[:30] in page.words
    assert "{{ 7*7 }}" in page.words
    assert "#panic()$x$*b*" in printed[2].replace(" ", "")
    assert len(printed) == 3


def test_the_page_needs_nothing_from_outside(seen: Views) -> None:
    data = report_data(full_scene(), seen, np.full((60, 140, 3), 200, dtype=np.uint8))
    page = Words(report_html(data))
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "img", "base")
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in ("href", "src"):
                assert str(value).startswith("data:image/png;base64,")
    policy = next(a for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in str(policy["content"])
    assert "default-src 'none'" in str(policy["content"])


def test_no_file_name_enters(seen: Views) -> None:
    page, printed = made(full_scene(), seen)
    for text in (page.words, *printed):
        assert "Smith" not in text
        assert ".nii" not in text


def test_the_same_plan_gives_the_same_files(tmp_path: Path, seen: Views) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_report(full_scene(), seen, np.zeros((40, 90, 3), dtype=np.uint8), tmp_path / name)
    for name in ("report.html", "report.pdf"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    other = full_scene(warnings=[])
    write_report(other, seen, None, tmp_path / "b")
    assert (tmp_path / "a" / "report.pdf").read_bytes() != (tmp_path / "b" / "report.pdf").read_bytes()


def test_a_plan_that_says_too_much_still_has_two_pages_and_loses_nothing() -> None:
    many = [{"code": "x", "text": f"warning {number}, " + "and so on " * 12} for number in range(40)]
    plan = full_plan(tunnels=16, warnings=many)
    text = {"text": "hips failed " * 20, "source": "doi:10.1/x", "cohort": "37 hips"}
    plan["necrosis"]["summary"] = {key: [text] * 9 for key in ("speaks_against", "speaks_for", "expected")}
    plan["alternatives"] = plan["alternatives"] * 8
    broken = [{"key": f"limit_{number}", "limit": 5.0, "value": 4.0} for number in range(9)]
    scene = phantom_scene(**{**plan, "status": "manual", "violations": broken})
    _, printed = made(scene, views_of(scene, phantom_tissue()))
    assert "plan summary" in printed[0]
    assert "limit_8" in printed[0]
    assert "Operative data" in printed[1]
    assert "Execution-error simulation" in printed[1]
    assert "Provenance" in " ".join(printed[2:])
    assert all(f"Tunnel {number}" in " ".join(printed[2:]) for number in range(1, 16))
    assert "Warning 39" in " ".join(printed[2:])
    assert sum("Operative data" in part for part in printed) == 1


def test_none_in_so_many_drillings_is_not_never() -> None:
    assert chance(0.0, 10000) == "under 0.03 %"
    assert chance(0.0004, 10000) == "0.04 %"
    assert chance(0.237, 10000) == "24 %"
    assert chance(None, None) == "–"


@pytest.mark.parametrize(
    ("shift", "told"), [(0.72, "drawn on another scan, of 0.72 mm"), (None, "is unknown and not included")]
)
def test_the_risk_says_whether_it_counts_where_the_lesion_lies(shift: float | None, told: str) -> None:
    plan = full_plan()
    plan["totals"]["risk"] = {"guide": {**plan["totals"]["risk"]["guide"], "lesion_shift_mm": shift}}
    here, elsewhere = made(phantom_scene(**plan)), dict(plan["case"], lesion_transform={"method": "registered"})
    page, printed = made(phantom_scene(**{**plan, "case": elsewhere}))
    assert told in page.words
    assert told in " ".join(printed)
    assert "another scan" not in here[0].words


def places(content: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path to a part of a document."""
    if at:
        yield at
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in parts:
        yield from places(value, (*at, key))


PLACES = sorted(places(full_plan(tunnels=2)), key=str)
JUNK: list[Any] = [None, "x", "", True, -1, 1e300, -1e300, float("nan"), [], [1], {}, {"a": 1}, [[]], "a" * 5000]


def spoilt(where: list[tuple[Any, ...]], junk: Any) -> dict[str, Any]:
    """The plan with junk in some places."""
    plan: dict[str, Any] = json.loads(json.dumps(full_plan(tunnels=2)))
    for path in where:
        spot = plan
        try:
            for key in path[:-1]:
                spot = spot[key]
            spot[path[-1]] = junk
        except (KeyError, TypeError, IndexError):
            continue
    return plan


@given(where=st.lists(st.sampled_from(PLACES), min_size=1, max_size=4), junk=st.sampled_from(JUNK))
def test_a_broken_plan_ends_in_one_error_or_in_a_report(where: list[tuple[Any, ...]], junk: Any) -> None:
    try:
        scene = phantom_scene(**spoilt(where, junk))
    except InputError:
        return
    assert "hip" in report_html(report_data(scene, NO_VIEWS))


#: What films and slices read beyond what a scene has checked.
SEEN_THROUGH = [
    place
    for place in PLACES
    if place[0] in ("anatomy", "spec", "alternatives") or (place[0] == "tunnels" and len(place) == 3)
]


@pytest.mark.slow
@given(
    where=st.lists(st.sampled_from(SEEN_THROUGH), min_size=1, max_size=3), junk=st.sampled_from([*JUNK, [1, 2, "x"]])
)
def test_a_broken_plan_ends_in_one_error_or_in_films_and_slices(where: list[tuple[Any, ...]], junk: Any) -> None:
    try:
        scene = phantom_scene(**spoilt(where, junk))
    except InputError:
        return
    assert len(views_of(scene, phantom_tissue()).films) >= 2


@pytest.mark.parametrize("far", [[1e4, 0.0, 0.0], [0.0, 0.0, -99999.0]])
def test_a_tunnel_out_of_all_reach_is_refused_before_it_is_drawn(far: list[float]) -> None:
    tunnels = copy.deepcopy(full_plan()["tunnels"])
    tunnels[0]["entry"] = far
    with pytest.raises(InputError, match="from the head's centre"):
        changed(tunnels)


def test_content_is_plain_json() -> None:
    assert json.loads(json.dumps(to_builtins(report_content(full_scene())), allow_nan=False))["side"] == "RIGHT"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here")
    with Page(program, tmp_path_factory.mktemp("profile"), 1280, 800) as page:
        yield page


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["planned", "several", "broken", "none"])
def test_in_a_browser_the_report_opens_without_a_complaint(browser: Page, tmp_path: Path, kind: str) -> None:
    scene = {
        "planned": full_scene(),
        "several": full_scene("left", tunnels=5),
        "broken": full_scene(status="manual", violations=[VIOLATION]),
        "none": none({"text": "joint_margin_mm binds"}),
    }[kind]
    views = views_of(scene, phantom_tissue(scene.side))
    write_report(scene, views, np.full((60, 140, 3), 200, dtype=np.uint8), tmp_path)
    browser.requests.clear()
    browser.load(tmp_path / "report.html")
    assert browser.problems == []
    outside = [r for r in browser.requests if not r.startswith(("file:", "data:"))]
    assert outside == []
    # Picture, films, slices, strips, and two other tunnels on two films; colours beside words are no drawings.
    drawings = 1 + len(views.films) + (3 if views.slices else 0) + len(views.strips) + 2 * 2
    assert browser.run("document.querySelectorAll('svg:not([aria-hidden])').length") == drawings
    # Nothing is wider than the window, and no label in a drawing covers another.
    assert browser.run("document.documentElement.scrollWidth") <= 1280
    covered = browser.run(OVERLAPS)
    assert covered == []
    # A verdict has the colour of its mark, whatever the page's own colour is.
    verdicts = browser.run(VERDICTS)
    assert {mark for mark, _ in verdicts} >= ({"▲"} if kind == "none" else {"✓", "▲"})
    assert ("✗" in {mark for mark, _ in verdicts}) == (kind in ("broken", "none"))
    assert [pair for pair in verdicts if pair[1] != VERDICT_COLORS[pair[0]]] == []
    for tone, mark in (("breaks", "✗"), ("warned", "▲"), ("keeps", "✓")):
        assert browser.run(RECOLORED.replace("TONE", tone)) == VERDICT_COLORS[mark]


#: Marks of verdicts and the colours they are shown in.
VERDICTS = """[...document.querySelectorAll('.verdict')].filter(cell => cell.textContent.trim()).map(cell =>
  [cell.textContent.trim()[0], getComputedStyle(cell).color])"""
#: The color of the first verdict in a row of another tone.
RECOLORED = """(() => {
  const cell = document.querySelector('tr .verdict');
  cell.parentElement.className = 'TONE';
  return getComputedStyle(cell).color;
})()"""
VERDICT_COLORS = {
    "✓": "rgb(0, 107, 78)", "≈": "rgb(122, 75, 0)", "▲": "rgb(122, 75, 0)", "✗": "rgb(168, 0, 28)",
    "–": "rgb(17, 17, 17)",
}  # fmt: skip
#: Labels of one drawing whose boxes, as the browser sets them, share an area.
OVERLAPS = """[...document.querySelectorAll('svg')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBBox()]);
  return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) =>
    p.x < q.x + q.width - 1 && q.x < p.x + p.width - 1 && p.y + p.height * 0.2 < q.y + q.height * 0.8
      && q.y + q.height * 0.2 < p.y + p.height * 0.8).map(([b]) => a + ' | ' + b));
})"""


def test_other_tunnels_stand_beside_the_plan(seen: Views) -> None:
    scene = full_scene()
    assert [name for name, _ in others_on_film(scene, seen.films)] == ["this plan", "other 1"]
    # Without a tunnel of its own an alternative cannot be drawn, and a plan alone has nothing beside it.
    assert others_on_film(full_scene(alternatives=[{"tunnels": []}, {}]), seen.films) == []
    assert others_on_film(full_scene(alternatives=[]), seen.films) == []
    moved = copy.deepcopy(full_plan()["alternatives"])
    moved[0]["tunnels"][0]["entry"][2] += 9.0
    mine, other = (drawings[0] for _, drawings in others_on_film(full_scene(alternatives=moved), seen.films))
    assert str(mine) != str(other)
    assert dict(mine.labels)["entry"] != dict(other.labels)["entry"]


def test_every_number_of_the_films_caption_is_the_pictures(seen: Views) -> None:
    scene = full_scene()
    length = float(np.linalg.norm(np.subtract(scene.plan.tunnels[0].tip, scene.plan.tunnels[0].entry)))
    for film in seen.films:
        told = re.search(r"Tunnel ([\d.]+) mm long, (\d+) mm of it seen", film.caption[0])
        assert told is not None
        assert float(told[1]) == pytest.approx(length, abs=0.05)
        assert float(told[2]) <= length + 2


def test_of_what_the_scans_edge_cuts_the_report_gives_lower_bounds_and_no_class() -> None:
    whole = full_plan()["necrosis"]
    necrosis = {
        **whole, "lower_bound": True, "steinberg": None, "kerboul": {"combined_deg": 168.75, "grade": None},
        "jic": {"type": None, "type_range": None, "basis": "population"},
        "missing": dict.fromkeys(CLASSES, CUT),
    }  # fmt: skip
    rows = {row.what: row for row in report_content(full_scene(necrosis=necrosis)).necrosis}
    sound = {row.what: row for row in report_content(full_scene()).necrosis}
    for what in ("Volume", "Combined necrotic angle", "Weight-bearing area involved"):
        assert rows[what].value == f"at least {sound[what].value}"
    for what in ("Share of the head", "Lesion location (JIC type)", "Combined necrotic angle"):
        assert f"not classifiable: {CUT}" in rows[what].note.lower()
        assert "not classifiable" not in sound[what].note
    assert rows["Lesion location (JIC type)"].value == "–"
