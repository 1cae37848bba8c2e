"""The planning page in a browser: from an empty folder to a signed plan that is saved, no terminal after the start.

Screenshots go to the folder that ``CORECORE_ARTEFACTS`` names, else to the test's own.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from support.review_case import TOKEN

from corecore.base.errors import CancelledError
from corecore.base.grid import Mask, transform
from corecore.document.fields import known
from corecore.document.plan import InfeasiblePart, RelaxationPart
from corecore.document.read import read_plan
from corecore.exports.workflow import Finished
from corecore.hip.hip import Hip
from corecore.io.nifti import write_mask
from corecore.io.references import read_mask
from corecore.measures.signs.clinician_input import ClinicianInput
from corecore.planning.document import document
from corecore.planning.planner import Plan
from corecore.planning.request import PlanRequest
from corecore.review.case_controller import CaseController
from corecore.review.case_pictures import FEMUR_RGB, LESION_RGB
from corecore.review.plan_job import Planner
from corecore.review.readable import Roots
from corecore.review.server import case_application
from corecore.review.volume import BONE, SOFT
from corecore.study.samples import DEMO, DEMO_CT, sample

pytest.importorskip("starlette")
pytestmark = pytest.mark.browser

LAPTOP, DESKTOP, TABLET = (1280, 800), (1920, 1080), (1024, 768)
#: Longest wait for anything, ms.
PATIENCE_MS = 150_000
#: Part of a driver's remark about screenshots, where there is no graphics card.
NOISE = "ReadPixels"
#: Words or controls of the page that share more than a pixel, and those that are wider than their place.
CROWDED = """() => {
  const wanted = "button, select, input, label, h1, h2, h3, header p, figcaption, .hint, td, th, li, summary, legend";
  const seen = [];
  for (const one of document.querySelectorAll(wanted)) {
    const words = (one.textContent || one.value || one.id || "").trim().slice(0, 40);
    const box = one.getBoundingClientRect();
    const room = (one.closest("main > section") ?? document.body).getBoundingClientRect();
    const [top, bottom] = [Math.max(box.top, room.top), Math.min(box.bottom, room.bottom)];
    if (!one.checkVisibility() || !words || box.width < 1 || bottom <= top || one.closest("[hidden], #bar")) continue;
    seen.push({ one, words, top, bottom, left: box.left, right: box.right, room });
  }
  const found = [];
  for (const a of seen) {
    if (!a.one.closest(".scroll") && a.right > a.room.right + 1) found.push(["wider than its place", a.words]);
  }
  seen.forEach((a, k) => seen.slice(k + 1).forEach((b) => {
    if (a.one.contains(b.one) || b.one.contains(a.one)) return;
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 1 && down > 1) found.push([a.words, b.words]);
  }));
  return { count: seen.length, found, sideways: document.documentElement.scrollWidth > innerWidth };
}"""


@contextlib.contextmanager
def served(desk: CaseController, language: str = "en") -> Iterator[str]:
    """The page's address while it is served; it may end by itself."""
    uvicorn = pytest.importorskip("uvicorn")
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(case_application(desk, TOKEN, port, language), log_level="error", access_log=False)
    )

    def end() -> None:
        server.should_exit = True

    desk.end_server = end
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}/#{TOKEN}"
    finally:
        end()
        thread.join(timeout=20)
        desk.close()
        assert not thread.is_alive()


@contextlib.contextmanager
def page_of(browser: Any, size: tuple[int, int]) -> Iterator[tuple[Any, list[str]]]:
    """A page of a size, and what its console complained of."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    page, problems = context.new_page(), []
    page.on(
        "console",
        lambda one: problems.append(one.text) if one.type in ("error", "warning") and NOISE not in one.text else None,
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page, problems
    context.close()


def until(page: Any, condition: str) -> None:
    """Waits for a condition; the page's policy lets no driver wait in it."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise AssertionError(f"never came true: {condition}; {page.inner_text('#problem')}")
        time.sleep(0.05)


def check_room(page: Any) -> None:
    told = page.evaluate(CROWDED)
    assert told["count"] > 10
    assert not told["found"]
    assert not told["sideways"]


def infeasible(plan: Plan) -> Any:
    """The plan's document, as of one that found no tunnel."""
    part = InfeasiblePart(
        text="no tunnel of 10 mm is within every limit; limiting: Tip and wall to the joint (25 mm)",
        relaxations=[RelaxationPart(key="joint_margin_mm", limit=25.0, needed=21.3, step=0.1, confirmed=True)],
    )
    content = document(plan)
    kept = {key: getattr(content, key) for key in content.__struct_fields__}
    return type(content)(**{**kept, "status": "infeasible", "tunnels": [], "infeasible": part, "alternatives": []})


def planner_of(plan: Plan) -> Callable[[Hip, ClinicianInput], Planner]:
    """A planner that has planned already, and finds nothing with a great joint margin."""

    def planner(request: PlanRequest, stop: threading.Event, progress: Callable[[float], None]) -> Finished:
        for share in range(8):
            progress(share / 8)
            if stop.wait(0.1):
                raise CancelledError("called off", code="cancelled")
        if request.checked().joint_margin_mm > 20.0:
            return Finished(plan, infeasible(plan))
        return Finished(plan, document(plan))

    return lambda hip, answers: planner


@pytest.mark.slow
def test_from_files_to_a_signed_plan(browser: Any, tmp_path: Path, artefacts: Path, sample_plan: Plan) -> None:
    # Two masks and the CT, as another program leaves them, under names that say what they are but for one.
    given = tmp_path / "given"
    given.mkdir()
    bone, dead = (read_mask(f"{sample(DEMO)}:{label}") for label in (1, 2))
    write_mask(given / "femur.nii.gz", Mask(bone.grid, bone.voxels | dead.voxels))
    write_mask(given / "avn.nii.gz", dead)
    (given / "ct.nii.gz").write_bytes(sample(DEMO_CT).read_bytes())
    (given / "all.zip").write_bytes(b"PK\x03\x04")
    desk = CaseController(tmp_path / "home", Roots.of(given), planner_of=planner_of(sample_plan))
    with served(desk) as address, page_of(browser, LAPTOP) as (page, problems):
        page.goto(address)
        page.wait_for_selector("body[data-ready=cases]")
        assert TOKEN not in page.url
        page.screenshot(path=artefacts / "open_1_welcome.png")
        page.fill("#label", "<b>first</b>")
        page.set_input_files("#files", sorted(given.iterdir()))
        page.wait_for_selector("body[data-pictures]")
        assert "a ZIP archive" in page.inner_text("#problem")
        assert page.inner_text("#where") == "<b>first</b>"
        choices = {
            one.get_attribute("aria-label"): one.input_value() for one in page.query_selector_all(".item select")
        }
        assert choices == {"role of avn": "lesion", "role of ct": "image", "role of femur": "femur"}
        assert len(page.query_selector_all(".item img")) == 3
        # Corrected by hand, wrongly: refused in words; and back.
        page.select_option('[aria-label="role of avn"]', "femur")
        page.click("#check")
        page.wait_for_selector("#check-state.bad")
        assert "necrosis" in page.inner_text("#check-state")
        page.select_option('[aria-label="role of avn"]', "lesion")
        page.select_option('[aria-label="role of femur"]', "femur")
        assert page.is_disabled("#make")
        page.click("#check")
        page.wait_for_selector("#check-state.good, #check-state.bad")
        assert page.inner_text("#check-state") == "✓ RIGHT HIP: the inputs belong together."
        until(page, "!document.querySelector('#planes').hidden")
        assert page.is_hidden("#check-pictures"), "the browser cuts the planes itself"
        check_room(page)
        page.screenshot(path=artefacts / "open_2_checked.png")

        # A margin that no tunnel keeps, by keyboard; cancelled, then explained where the slider is.
        field = page.locator("#set-joint_margin_mm")
        field.fill("99")
        field.press("Tab")
        assert field.input_value() == "5", "outside the range"
        field.fill("25")
        field.press("Tab")
        assert page.evaluate("document.querySelector('#set-joint_margin_mm').previousElementSibling.value") == "25"
        page.click("#make")
        page.wait_for_selector("#cancel:not([hidden])")
        page.click("#cancel")
        page.wait_for_selector("body[data-job=cancelled]")
        page.click("#make")
        page.wait_for_selector("#why:not([hidden])")
        assert "limiting: Tip and wall to the joint" in page.inner_text("#why")
        assert page.is_hidden("#keep")
        assert page.is_visible(".setting.blamed #set-joint_margin_mm")
        page.screenshot(path=artefacts / "open_3_why.png")
        page.click("#why button")
        assert field.input_value() == "21.3"
        page.click("#defaults")
        page.click("#make")
        page.wait_for_selector("body[data-job=done] #keep:not([hidden]):not([disabled])")
        assert page.is_hidden("#why")
        assert len(page.query_selector_all("#curve circle")) == len(page.query_selector_all("#points li")) > 1
        check_room(page)
        page.screenshot(path=artefacts / "open_4_planned.png")
        # What is there is of other settings as soon as one is touched.
        page.locator("#set-tunnels").fill("2")
        page.locator("#set-tunnels").press("Tab")
        assert page.is_disabled("#keep")
        page.click("#defaults")
        page.click("#make")
        page.wait_for_selector("body[data-job=running]")
        page.wait_for_selector("body[data-job=done] #keep:not([disabled])")

        page.click("#keep")
        page.wait_for_selector("body[data-films]")
        page.fill("#name", "A. Surgeon")
        page.fill("#typed", "right")
        page.click("#sign:not([disabled])")
        page.wait_for_selector("#signed.is")
        page.click("#write")
        until(page, "document.querySelector('#written').innerText.includes('plan.json')")
        with page.expect_popup() as report:
            page.click("text=report (PDF)")
        assert report.value.url.startswith("blob:http://127.0.0.1:")
        page.click("text=CSV")
        until(page, "document.querySelector('#handed').innerText.includes('plan.csv')")
        page.click("#back")
        page.wait_for_selector("#plans button")
        rows = [one.inner_text() for one in page.query_selector_all("#plans button")]
        assert [row.partition(":")[0] for row in rows] == ["plan-1", "plan-1/reviewed"]
        assert "signed by A. Surgeon" in rows[1]
        page.click("#end")
        until(page, "document.body.innerText.startsWith('corecore has ended')")
        assert not problems or all("422" in one for one in problems), "a refused file is told by the network's log"
    (case,) = (tmp_path / "home").iterdir()
    saved = read_plan(case / "plan-1" / "reviewed" / "plan.json")
    review = known(saved.plan.review)
    assert review is not None
    assert review.signed is not None
    assert (review.signed.name, review.signed.side, saved.sealed) == ("A. Surgeon", "right", True)
    assert (case / "plan-1" / "exports" / "reviewed" / "plan.csv").is_file()
    assert not list((case / "inputs").glob("*zip*"))
    assert np.allclose(saved.plan.tunnels[0].entry, document(sample_plan).tunnels[0].entry, atol=0.1)


#: Of a plane's canvas: the grey values about its middle, and how many pixels of a colour lie in its halves.
MIDDLE = """k => {
  const canvas = document.querySelectorAll("#cuts canvas")[k], half = Math.floor(canvas.width / 2);
  return [...canvas.getContext("2d").getImageData(half - 1, half - 1, 3, 3).data].filter((_, n) => n % 4 === 0);
}"""
HALVES = """([k, red, green, blue]) => {
  const canvas = document.querySelectorAll("#cuts canvas")[k], size = canvas.width;
  const data = canvas.getContext("2d").getImageData(0, 0, size, size).data;
  const found = { left: 0, right: 0, top: 0, bottom: 0 };
  for (let n = 0; n < size * size; n++) {
    const off = Math.abs(data[4 * n] - red) + Math.abs(data[4 * n + 1] - green) + Math.abs(data[4 * n + 2] - blue);
    if (off > 12) continue;
    found[n % size < size / 2 ? "left" : "right"] += 1;
    found[n < (size * size) / 2 ? "top" : "bottom"] += 1;
  }
  return found;
}"""


def redrawn(page: Any, act: Callable[[], object]) -> None:
    """Acts, and waits until the planes are drawn anew."""
    before = page.evaluate("document.body.dataset.drawn")
    act()
    until(page, f"document.body.dataset.drawn !== {before!r}")


def test_three_linked_planes_show_the_patient(browser: Any, tmp_path: Path, artefacts: Path) -> None:
    desk = CaseController(tmp_path / "home", Roots.of(tmp_path), (sample(DEMO), sample(DEMO_CT)))
    with served(desk) as address, page_of(browser, LAPTOP) as (page, problems):
        page.goto(address)
        page.click("#sample")
        page.wait_for_selector("body[data-pictures]")
        page.click("#check")
        page.wait_for_selector("body[data-drawn]")
        redrawn(page, lambda: page.click("#enlarge"))
        (case,) = desk.cases.values()
        assert case.hip is not None
        image = case.hip.case.image
        assert image is not None
        # The middle's grey is the image's, between the window's ends.
        middle = case.hip.case.lesion.positions_mm().mean(axis=0)
        index = transform(image.grid.index_from_world, middle[None]).T
        value = float(ndimage.map_coordinates(image.values, index, order=1)[0])
        for name, (low, high) in (("bone", BONE), ("soft tissue", SOFT)):
            redrawn(page, partial(page.click, f"#windows button:text-is('{name}')"))
            expected = 255 * min(1.0, max(0.0, (value - low) / (high - low)))
            for plane in range(3):
                assert abs(float(np.median(page.evaluate(MIDDLE, plane))) - expected) < 12, (name, plane)
        # The shaft of a right hip lies lateral of its head: on the left of the picture, and below.
        field = page.locator("#field")
        redrawn(page, lambda: field.fill("300"))
        coronal = page.evaluate(HALVES, [1, *FEMUR_RGB])
        assert coronal["left"] > 1.3 * coronal["right"]
        assert coronal["bottom"] > 2 * coronal["top"]
        assert sum(page.evaluate(HALVES, [1, *LESION_RGB]).values()) > 20
        redrawn(page, lambda: page.locator("#masks input").nth(1).click())
        assert sum(page.evaluate(HALVES, [1, *LESION_RGB]).values()) == 0, "an outline put out"
        page.screenshot(path=artefacts / "open_planes.png")
        # Linked: a press in the axial plane moves the two others, the wheel and the keys the plane itself.
        before = page.locator("#cuts figcaption").all_inner_texts()
        box = page.locator("#cuts canvas").first.bounding_box()
        assert box is not None
        redrawn(page, lambda: page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.55 * box["height"]))
        pressed = page.locator("#cuts figcaption").all_inner_texts()
        assert (pressed[0] == before[0], pressed[1] != before[1], pressed[2] != before[2]) == (True, True, True)
        assert abs(float(pressed[2].split()[1]) - (middle[0] + 0.1 * 300)) < 1.5, "the patient's right is on the left"
        redrawn(page, lambda: page.mouse.wheel(0, -100))
        turned = page.locator("#cuts figcaption").all_inner_texts()
        assert float(turned[0].split()[1]) > float(pressed[0].split()[1])
        slider = page.locator("#cuts input").first
        redrawn(page, lambda: slider.press("PageDown"))
        keyed = page.locator("#cuts figcaption").all_inner_texts()
        assert float(keyed[0].split()[1]) < float(turned[0].split()[1]) - 5.0
        assert slider.bounding_box()["height"] >= 44
        # The test itself reads pixels back.
        assert not [one for one in problems if "willReadFrequently" not in one]


def test_without_webgl_the_planner_s_pictures_stay(browser: Any, tmp_path: Path) -> None:
    desk = CaseController(tmp_path / "home", Roots.of(tmp_path), (sample(DEMO), sample(DEMO_CT)))
    with served(desk) as address, page_of(browser, LAPTOP) as (page, problems):
        page.add_init_script(
            "const own = HTMLCanvasElement.prototype.getContext;"
            "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
            " return kind === 'webgl2' ? null : own.call(this, kind, ...more); };"
        )
        page.goto(address)
        page.click("#sample")
        page.wait_for_selector("body[data-pictures]")
        page.click("#check")
        page.wait_for_selector("#check-state.good")
        page.wait_for_selector("#check-pictures img")
        assert len(page.query_selector_all("#check-pictures img")) == 3
        assert page.is_hidden("#planes")
        assert not problems


@pytest.mark.parametrize(("size", "language"), [(LAPTOP, "de"), (DESKTOP, "de"), (DESKTOP, "en"), (TABLET, "de")])
def test_the_page_has_room_for_its_words(
    browser: Any, tmp_path: Path, artefacts: Path, sample_plan: Plan, size: tuple[int, int], language: str
) -> None:
    desk = CaseController(
        tmp_path / "home", Roots.of(tmp_path), (sample(DEMO), sample(DEMO_CT)), planner_of=planner_of(sample_plan)
    )
    with served(desk, language) as address, page_of(browser, size) as (page, problems):
        page.goto(address)
        page.wait_for_selector("body[data-ready=cases]")
        check_room(page)
        page.click("#sample")
        page.wait_for_selector("body[data-pictures]")
        page.click("#check")
        page.wait_for_selector("#check-state.good")
        page.click("#make")
        page.wait_for_selector("body[data-job=done] #keep:not([disabled])")
        check_room(page)
        page.screenshot(path=artefacts / f"open_{size[0]}_{language}.png")
        page.evaluate("document.querySelector('#why').scrollIntoView()")
        check_room(page)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        check_room(page)
        assert not problems
