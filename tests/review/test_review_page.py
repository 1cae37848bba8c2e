"""The review page in a browser: looked at, dragged, compared, signed and saved; and refused to other pages.

Screenshots go to the folder that ``CORECORE_ARTEFACTS`` names, else to the test's own.
"""

from __future__ import annotations

import csv
import functools
import html
import http.server
import json
import os
import statistics
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.pseudo import CODE, words_outside, write_catalogue
from support.review_case import TOKEN, sample_table, served

from corecore.base.language import FOLDER_VARIABLE
from corecore.exports.formats import export_plan
from corecore.io.files import atomic_write_text
from corecore.review import record
from corecore.review.controller import ReviewController
from corecore.review.record import Record

pytest.importorskip("starlette")
pytestmark = pytest.mark.browser

#: The page must be readable at these sizes, CSS pixels: a laptop, a tablet.
LAPTOP, TABLET = (1280, 800), (1024, 768)
#: Moves that are timed: told, not judged, for the machine may do other work too.
MOVES = 36
RED = "rgb(168, 0, 28)"
#: The headline's colours, as the page computes them.
COLORS = f"{{green: 'rgb(0, 107, 78)', amber: 'rgb(122, 75, 0)', red: '{RED}'}}"
#: Longest wait for anything, ms: a plan's folder is written with all its pictures.
PATIENCE_MS = 150_000
#: Part of a driver's remark about screenshots, where there is no graphics card.
NOISE = "ReadPixels"

#: Pairs of words or controls in view that share more than a pixel, but for those that are in one another.
OVERLAPS = """() => {
  const wanted = "button, select, input, textarea, label, header p, h2, figcaption, #stage span, td, th, .hint,"
    + " svg text";
  const seen = [];
  for (const one of document.querySelectorAll(wanted)) {
    const words = (one.textContent || one.value || one.id || "").trim().slice(0, 40);
    const box = one.getBoundingClientRect();
    if (!words || one.closest("[hidden]") || box.width < 1 || box.height < 1) continue;
    const room = one.closest("#pictures, aside, header").getBoundingClientRect();
    const [top, bottom] = [Math.max(box.top, room.top), Math.min(box.bottom, room.bottom)];
    if (bottom > top) seen.push({ one, words, top, bottom, left: box.left, right: box.right });
  }
  const pairs = [];
  seen.forEach((a, k) => seen.slice(k + 1).forEach((b) => {
    if (a.one.contains(b.one) || b.one.contains(a.one)) return;
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 1 && down > 1) pairs.push([a.words, b.words]);
  }));
  return { count: seen.length, pairs };
}"""
#: The first limit that is broken, that none is, and all limits as they are read.
BROKEN = "document.querySelector('#limits tr.breaks')"
NONE_BREAKS = f"document.querySelector('#limits tr') && !{BROKEN}"
LIMITS = "document.querySelector('#limits').innerText"
UNSIGNED = "document.querySelector('#signed').innerText.startsWith('Not signed')"
#: From a pointer's move to new figures and to new slices on the page, ms.
CLOCK = """() => {
  window.took = { figures: [], slices: [] };
  let moved = 0;
  document.querySelector("#stage").addEventListener("pointermove", () => { moved = performance.now(); }, true);
  const watch = (id, name) => new MutationObserver(() => {
    if (moved) took[name].push(performance.now() - moved);
  }).observe(document.querySelector(id), { childList: true });
  watch("#limits", "figures");
  watch('figure[data-slice="0"]', "slices");
}"""


@pytest.fixture
def address(table: ReviewController) -> Iterator[str]:
    with served(table) as found:
        yield found


class Seen:
    """A page with what its console and its network said."""

    def __init__(self, browser: Any, size: tuple[int, int], *, touch: bool = False) -> None:
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=touch)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning") and NOISE not in message.text:
            self.problems.append(message.text)

    def open(self, address: str) -> Any:
        """The page with all that it draws by itself."""
        self.page.goto(f"{address}#{TOKEN}")
        self.page.wait_for_selector("body[data-films]")
        return self.page


def until(page: Any, condition: str) -> None:
    """Waits for a JavaScript expression to hold.

    What is argued of anything that the page draws anew stands in one such expression: between finding
    an element and reading it the page may put another in its place.
    """
    page.wait_for_function(f"() => {condition}")


def holds(page: Any, words: str, selector: str) -> None:
    """Waits for an element to hold these words, as they are read."""
    # A number keeps its unit by a space of its own kind.
    found = f"document.querySelector({json.dumps(selector)})?.innerText.replaceAll('\\u00a0', ' ')"
    until(page, f"{found}.includes({json.dumps(words)})")


def color(element: str) -> str:
    """Of an element, as the browser shows it: an expression."""
    return f"getComputedStyle({element}).color"


def stepped(page: Any, rev: int) -> None:
    """Waits for a step to be answered in full."""
    until(page, f"document.body.dataset.rev === '{rev}' && !document.body.classList.contains('waiting')")


def end_of(page: Any, end: str) -> tuple[float, float]:
    """Where an end of the tunnel is in the window, read at one moment."""
    left, top, place = page.evaluate(
        "end => (s => [s.getBoundingClientRect().left, s.getBoundingClientRect().top, s.dataset[end]])"
        "(document.querySelector('#stage'))",
        end,
    )
    x, y = (float(part) for part in place.split())
    return left + x, top + y


def overlaps(page: Any) -> list[list[str]]:
    """Pairs of words or controls in view that lie over one another."""
    found = page.evaluate(OVERLAPS)
    assert found["count"] > 40, "nothing was looked at"
    pairs: list[list[str]] = found["pairs"]
    return pairs


def assert_same_everywhere(saved: Path, name: str, day: str, step: int, folder: Path) -> None:
    """Id, side, signature, notes and step are the same in record, plan, report and export."""
    plan = json.loads(saved.read_text())
    review, who, imaged = plan["review"], plan["case"]["id"], plan["necrosis"]["signs"]["image_age"]["imaging_date"]
    last = Record.read(saved.parents[1]).entries[-1]
    assert (review["revision"], review["plan"], review["notes"]) == (last.revision, last.plan, last.notes)
    assert review["signed"] == {"name": name, "day": day, "side": "right"}
    assert last.signed is not None
    assert (last.signed.name, last.signed.day, last.side, step) == (name, day, plan["case"]["side"], last.revision)
    texts = {item["code"]: item["text"] for item in plan["warnings"]}
    signed, notes = texts["signed"], texts["notes"]
    assert signed == f"signed off by {name} on {day}, RIGHT hip"
    said = f"tep {step} of the review of plan {review['plan'][:8]}; {signed}"
    words = html.unescape((saved.parent / "report.html").read_text())
    for part in (who, "RIGHT", said, notes, imaged):
        assert part in words, part
    export_plan(saved, "csv", folder / "plan.csv", accept_violations="agreed with the family")
    with (folder / "plan.csv").open(newline="") as stream:
        row = next(csv.DictReader(stream))
    assert (row["case_id"], row["side"], row["signed"], row["notes"]) == (who, "RIGHT", signed, notes)
    assert row["imaging_date"] == imaged
    assert row["review_step"] == str(step)


def test_a_plan_is_looked_at_dragged_signed_and_saved(
    browser: Any, address: str, table: ReviewController, artefacts: Path, tmp_path: Path
) -> None:
    seen = Seen(browser, LAPTOP)
    page = seen.open(address)
    assert page.evaluate("location.hash") == ""
    until(page, "document.querySelector('#side').innerText === 'RIGHT HIP'")
    until(page, "document.querySelector('#stage').dataset.ready === 'yes'")
    until(page, "document.querySelectorAll('figure.slice svg, figure.strip svg').length === 3")
    until(page, "document.querySelectorAll('figure.film svg').length === 3")
    page.screenshot(path=artefacts / "review_opened.png")

    page.get_by_label("pick other 1").click()
    stepped(page, 1)
    assert table.session.lines[0].diameter_mm == 8.0
    holds(page, "1 tunnel of 8 mm", "#answer")
    until(page, NONE_BREAKS)

    before = page.evaluate(LIMITS)
    tip = table.session.lines[0].tip
    x, y = end_of(page, "tip")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 2, y - 14, steps=6)
    until(
        page,
        f"(one => one && one.innerText.includes('EXCEEDS LIMIT') && {color('one.lastChild')} === '{RED}')({BROKEN})",
    )
    assert page.evaluate("document.body.dataset.rev") == "1", "nothing has happened before the hand lets go"
    page.screenshot(path=artefacts / "review_dragged.png")
    page.mouse.up()
    stepped(page, 2)
    until(page, f"{LIMITS} !== {json.dumps(before)}")
    moved = [b - a for a, b in zip(tip, table.session.lines[0].tip, strict=True)]
    assert moved[2] > 2.0, "the tip went up on the screen, and did not in the patient"
    until(page, "document.body.matches('.breaks')")

    page.locator("#sign").click()
    page.locator("#problem").wait_for()
    page.locator("#notes").fill("pin first <b>slowly</b>\nthen drill")
    page.locator("#reason").fill("agreed with the family")
    stepped(page, 3)
    page.locator("#accept").click()
    stepped(page, 4)
    page.locator("#name").fill("A. Surgeon")
    page.locator("#typed").fill("right")
    page.locator("#sign").click()
    stepped(page, 5)
    holds(page, "Signed by A. Surgeon", "#signed")
    kept = json.loads((table.folder / record.NAME).read_text())["history"][-1]
    assert (kept["plan"], kept["signed"]["name"], kept["notes"]) == (
        table.access.plan_hash, "A. Surgeon", "pin first <b>slowly</b>\nthen drill",
    )  # fmt: skip
    page.screenshot(path=artefacts / "review_signed.png")
    page.locator("#write").click()
    page.locator("#ask").wait_for()
    assert page.evaluate("document.activeElement.id") == "ask-no", "what is pressed by habit saves nothing"
    holds(page, "Tip and wall to the joint: 1.", "#ask-breaks")
    page.screenshot(path=artefacts / "review_asked.png")
    page.locator("#ask-no").click()
    until(page, "document.querySelector('#written').textContent === 'not saved'")
    assert not (table.folder / "reviewed").exists()
    page.locator("#write").click()
    page.locator("#ask-yes").click()
    until(page, "document.querySelector('#written').textContent.includes('reviewed/plan.json')")
    saved = table.folder / "reviewed" / "plan.json"
    written = json.loads(saved.read_text())
    signed = table.session.signed
    assert signed is not None
    holds(page, f"Signed by A. Surgeon, {signed.day}", "#signed")
    told = (written["case"]["id"], written["necrosis"]["signs"]["image_age"]["imaging_date"], "step 5")
    assert all(words in page.locator("#who").inner_text() for words in told)
    assert_same_everywhere(saved, "A. Surgeon", signed.day, 5, tmp_path)
    texts = {item["code"]: item["text"] for item in written["warnings"]}
    assert written["status"] == "manual"
    assert written["violations"]
    assert texts["notes"] == "pin first <b>slowly</b> / then drill"
    assert texts["signed"].startswith("signed off by A. Surgeon on ")

    page.locator("#side").click()
    page.keyboard.press("ArrowUp")
    stepped(page, 6)
    until(page, UNSIGNED)
    page.keyboard.press("Control+z")
    stepped(page, 7)
    until(page, UNSIGNED)  # undo brings no signature back
    # The one refusal above, which the browser notes too.
    assert len(seen.problems) == 1
    assert "422" in seen.problems[0]
    assert all(url.startswith((address, "data:")) for url in seen.requests)
    seen.context.close()


def test_figures_follow_a_drag(
    browser: Any, address: str, table: ReviewController, artefacts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = Seen(browser, LAPTOP)
    page = seen.open(address)
    page.evaluate(CLOCK)
    x, y = end_of(page, "tip")
    page.mouse.move(x, y)
    page.mouse.down()
    for number in range(MOVES):
        counted = page.evaluate("[took.figures.length, took.slices.length]")
        page.mouse.move(x - 0.2 * number, y + 0.4 * number + (number % 2))
        until(page, f"took.figures.length > {counted[0]} && took.slices.length > {counted[1]}")
    page.mouse.up()
    stepped(page, 1)
    took = page.evaluate("took")
    figures, slices = (statistics.median(took[name][:MOVES]) for name in ("figures", "slices"))
    told = (
        f"drag to figures on the page: median {figures:.0f} ms of {MOVES} moves; to slices: {slices:.0f} ms"
        f" (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{told}\n")
    (artefacts / "review_drag.txt").write_text(told + "\n")
    assert len(took["figures"]) >= MOVES
    assert figures > 0
    # What is on the page is what the planner says of the tunnel as it was let go, to the printed digit.
    ((_, measured),) = table.desk.drilled(table.session.lines)
    holds(page, f"removes {100 * measured.removed_fraction:.1f} %", "#answer")
    holds(page, f"{measured.length_mm:.1f} mm", "#transcribed")
    assert seen.problems == []
    seen.context.close()


def test_tip_in_a_slice_comparison_and_snap(
    browser: Any, address: str, table: ReviewController, artefacts: Path
) -> None:
    seen = Seen(browser, LAPTOP)
    page = seen.open(address)
    x, y = page.evaluate(
        "(box => [box.left + box.width / 2, box.top + box.height / 2])"
        "(document.querySelector('figure[data-slice=\"0\"] .handle[data-end=tip]').getBoundingClientRect())"
    )
    length = table.desk.drilled(table.session.lines)[0][1].length_mm
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 16, y - 10, steps=4)
    page.mouse.up()
    stepped(page, 1)
    assert table.desk.drilled(table.session.lines)[0][1].length_mm > length + 2.0
    until(page, "document.body.matches('.breaks')")

    page.get_by_label("compare with the plan").click()
    page.locator("#comparison").wait_for()
    until(page, "document.querySelectorAll('#compared tr').length > 6")
    row = page.evaluate(
        "[...document.querySelectorAll('#compared tr')].find(one => one.innerText.includes("
        "'Tip and wall to the joint')).innerText.split('\t').slice(1)"
    )
    here, there, less = (float(words.split()[0]) for words in row)
    assert here - there == pytest.approx(less, abs=1e-9)
    assert less < 0
    page.locator("#comparison").scroll_into_view_if_needed()
    page.screenshot(path=artefacts / "review_compared.png")

    page.locator("#snap").click()
    stepped(page, 2)
    until(page, NONE_BREAKS)
    # Within every limit; the word has the headline's colour, which weighs more than limits.
    until(page, f"({COLORS})[document.body.dataset.weighs] === {color('document.querySelector(`#word`)')}")
    assert table.desk.broken(table.desk.drilled(table.session.lines)) == []
    page.wait_for_selector("body:not(.old-films)")
    page.screenshot(path=artefacts / "review_snapped.png")
    assert seen.problems == []
    seen.context.close()


def test_a_view_is_lit_until_the_scene_is_turned_out_of_it(browser: Any, address: str) -> None:
    seen = Seen(browser, LAPTOP)
    page = seen.open(address)
    lit = "[...document.querySelectorAll('button[data-view][aria-pressed=true]')].map(one => one.dataset.view).join()"
    until(page, f"{lit} === 'front'")
    box = page.locator("#stage").bounding_box()
    # Far from the tunnel's ends, and from the letters at the edges.
    x, y = box["x"] + 0.12 * box["width"], box["y"] + 0.85 * box["height"]
    page.mouse.move(x, y)
    # Zoomed it is still the view from the front; turned it is none.
    page.mouse.wheel(0, -120)
    page.wait_for_timeout(200)
    assert page.evaluate(lit) == "front"
    page.mouse.down()
    page.mouse.move(x + 80, y - 20, steps=4)
    page.mouse.up()
    until(page, f"{lit} === ''")
    page.locator('[data-view="front"]').click()
    until(page, f"{lit} === 'front' && document.querySelector('#stage').dataset.view === 'front'")
    assert seen.problems == []
    seen.context.close()


def test_a_tip_dragged_out_of_the_bone_is_refused_and_goes_back(
    browser: Any, address: str, table: ReviewController
) -> None:
    seen = Seen(browser, LAPTOP)
    page = seen.open(address)
    x, y = end_of(page, "tip")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 60, steps=3)
    until(page, "document.querySelector('#problem').textContent.includes('outside the femur')")
    until(page, "document.body.matches('.waiting')")  # the figures on the page are not those of this line
    page.mouse.up()
    until(page, "!document.body.classList.contains('waiting')")
    assert end_of(page, "tip") == pytest.approx((x, y), abs=1.0)
    assert table.session.rev == 0
    # Two presses are two steps, however fast.
    for _ in range(2):
        page.get_by_role("button", name="shallower").click(no_wait_after=True)
    stepped(page, 2)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    stepped(page, 4)
    assert table.session.lines == table.desk.own
    seen.context.close()


@pytest.mark.parametrize("size", [LAPTOP, TABLET], ids=["laptop", "tablet"])
def test_nothing_lies_over_anything_else(browser: Any, address: str, artefacts: Path, size: tuple[int, int]) -> None:
    seen = Seen(browser, size, touch=size == TABLET)
    page = seen.open(address)
    page.get_by_label("compare with other 1").click()
    page.locator("#comparison").wait_for()
    name = "x".join(map(str, size))
    for number in range(4):
        # Down both columns, a screen at a time.
        for column in ("#pictures", "aside"):
            page.locator(column).evaluate(f"one => {{ one.scrollTop = {number * 560}; }}")
        page.screenshot(path=artefacts / f"review_{name}_{number}.png")
        assert overlaps(page) == []
    page.evaluate("document.querySelector('#pictures').scrollTop = 0")
    for view in ("lateral", "from above", "along"):
        page.get_by_role("button", name=view, exact=True).click()
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert overlaps(page) == []
        page.locator("#space").screenshot(path=artefacts / f"review_{name}_{view.replace(' ', '_')}.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"
    page.locator("aside").evaluate("one => { one.scrollTop = 0; }")
    page.locator("#undo").evaluate("one => { one.style.transform = 'translateX(40px)'; }")
    assert overlaps(page) == [["undo", "redo"]], "the check would see one"
    assert seen.problems == []
    seen.context.close()


def test_the_keyboard_reaches_every_control(browser: Any, address: str) -> None:
    seen = Seen(browser, LAPTOP)
    page = seen.open(address)
    every = page.evaluate(
        "[...document.querySelectorAll('button, select, input, textarea')].filter(one => !one.disabled"
        " && !one.closest('[hidden], dialog')).map((one, k) => (one.dataset.mark = k, k))"
    )
    assert len(every) > 25
    reached = set()
    page.locator("#side").click()
    for _ in range(len(every) + 10):
        page.keyboard.press("Tab")
        mark = page.evaluate("document.activeElement.dataset.mark ?? ''")
        reached |= {int(mark)} if mark else set()
    assert reached == set(every)
    page.locator("#undo").evaluate("one => one.blur()")
    page.locator('[data-view="side"]').focus()
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#stage').dataset.view === 'side'")
    # One sees where one is.
    until(page, "getComputedStyle(document.activeElement).outlineStyle !== 'none'")
    seen.context.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without telling."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_page_of_another_port_gets_nothing(
    browser: Any, address: str, table: ReviewController, tmp_path: Path
) -> None:
    (tmp_path / "evil.html").write_text("<!DOCTYPE html><title>evil</title>")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seen = Seen(browser, LAPTOP)
    page = seen.page
    try:
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/evil.html")
        asked = """async ([address, mode, token]) => {
          const headers = token ? { Authorization: `Bearer ${token}` } : {};
          try {
            const body = JSON.stringify({ do: "remove", tunnel: 0, rev: 0 });
            return (await fetch(address + "api/do", { method: "POST", mode, headers, body })).status;
          } catch (error) { return "refused"; }
        }"""
        # Even one that has got hold of the token.
        assert page.evaluate(asked, [address, "cors", TOKEN]) == "refused"
        assert page.evaluate(asked, [address, "no-cors", ""]) == "refused"
        assert len(table.session.lines) == 1, "what could not be read was done all the same"
        answer = seen.context.request.post(
            address + "api/look", headers={"Origin": "http://127.0.0.1:1", "Authorization": f"Bearer {TOKEN}"}
        )
        assert answer.status == 403
        # The page itself, asked for without the token, stays empty and says why.
        page.goto(address)
        until(page, "document.querySelector('#problem').textContent.includes('no token')")
        assert page.evaluate("document.querySelector('#side').innerText") == ""
    finally:
        server.shutdown()
        server.server_close()
        seen.context.close()


def test_a_second_window_and_a_second_server_are_read_only_until_they_may_write(
    browser: Any, address: str, table: ReviewController, artefacts: Path
) -> None:
    seen, other = Seen(browser, LAPTOP), Seen(browser, LAPTOP)
    page, second = seen.open(address), other.open(address)
    second.wait_for_selector("body[data-permission='other_page']")
    holds(second, "READ-ONLY", "#permission")
    holds(second, "another window", "#permission")
    second.screenshot(path=artefacts / "review_read_only.png")
    second.locator("#side").click()
    second.keyboard.press("ArrowUp")
    page.get_by_role("button", name="shallower").click()
    stepped(page, 1)
    # It follows what the other does.
    stepped(second, 1)
    second.locator("#take").click()
    second.wait_for_selector("body[data-permission='writes']")
    page.wait_for_selector("body[data-permission='other_page']")
    second.get_by_role("button", name="deeper").click()
    stepped(second, 2)
    stepped(page, 2)
    assert table.session.lines == table.desk.own

    rival = sample_table(table.desk, table.folder)
    assert rival.access.hold is None
    with served(rival) as elsewhere:
        third = Seen(browser, LAPTOP)
        far = third.open(elsewhere)
        far.wait_for_selector("body[data-permission='other_server']")
        holds(far, f"process {os.getpid()}", "#permission")
        far.screenshot(path=artefacts / "review_other_server.png")
        assert far.locator("#take").is_hidden()
        third.context.close()
    # One that is left lets the first write again.
    second.goto("about:blank")
    page.wait_for_selector("body[data-permission='writes']")
    other.context.close()
    seen.context.close()


def test_a_plan_replaced_on_disk_is_said_in_large_letters(
    browser: Any, address: str, table: ReviewController, artefacts: Path
) -> None:
    seen = Seen(browser, LAPTOP)
    page = seen.open(address)
    content = json.loads(table.access.plan_file.read_text())
    atomic_write_text(table.access.plan_file, json.dumps({**content, "case": {**content["case"], "id": "another"}}))
    page.wait_for_selector("body[data-permission='replaced']")
    holds(page, "NOT THE CURRENT PLAN", "#permission")
    page.screenshot(path=artefacts / "review_replaced.png")
    assert not (table.folder / record.NAME).exists()
    seen.context.close()


#: What the page shows and says: texts, names of controls, what stands in empty fields.
SAID = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [document.title];
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("script, style")) found.push(walker.currentNode.textContent);
  }
  for (const one of document.querySelectorAll("[aria-label], [placeholder], [title], [data-earlier]"))
    for (const name of ["aria-label", "placeholder", "title", "data-earlier"]) found.push(one.getAttribute(name) || "");
  return found;
}"""


def test_no_word_of_the_page_is_outside_the_catalogue(
    browser: Any, table: ReviewController, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_catalogue(tmp_path)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with served(table, CODE) as address:
        seen = Seen(browser, LAPTOP)
        page = seen.open(address)
        page.click("button[data-against]")
        page.wait_for_selector("#compared tr")
        said = [text for text in page.evaluate(SAID) if text.strip()]
        # Keys of the keyboard are called as they are.
        assert not words_outside(
            said, "case-17", "PageUp", "PageDown", "ArrowUp", "ArrowDown", "ArrowRight", "ArrowLeft"
        )
        page.fill("#name", "A. Surgeon")
        page.fill("#typed", "⟦right⟧")
        page.click("#sign")
        page.wait_for_selector("#signed.is")
        page.close()
    assert not seen.problems


@pytest.mark.parametrize("size", [LAPTOP, TABLET])
def test_german_fits(browser: Any, table: ReviewController, size: tuple[int, int], artefacts: Path) -> None:
    with served(table, "de") as address:
        seen = Seen(browser, size)
        page = seen.open(address)
        assert page.evaluate("document.documentElement.lang") == "de"
        holds(page, "machine translation, not reviewed", ".notice")
        for place in (0, 500, 1000, 5000):
            page.evaluate("top => document.querySelector('aside').scrollTo(0, top)", place)
            assert not overlaps(page)
        page.screenshot(path=artefacts / f"review_de_{size[0]}.png")
        assert page.evaluate("(a => a.scrollWidth <= a.clientWidth)(document.querySelector('aside'))")
        page.close()
    assert not seen.problems
