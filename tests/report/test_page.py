"""The preview page: one file, nothing from outside, the patient not mirrored; and in a browser, what it shows."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from support.chromium import Page, find_chromium
from support.view_phantom import (
    HEAD,
    LESION_OFFSET,
    hue,
    infeasible_scene,
    manual_scene,
    middle,
    phantom_plan,
    phantom_scene,
    scene_of,
)

from corecore.base.mesh import TriangleMesh, surface_mesh
from corecore.report import palette
from corecore.report.page import BONE_TRIANGLES, Body, BodyAxes, scene_data, scene_html, write_scene_html
from corecore.report.scene import Scene

#: The most a page may weigh, bytes.
PAGE_BYTES = 2_500_000
SIZE = (1000, 700)


class Tags(HTMLParser):
    """Every tag with its attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        if getattr(self, "open", "") in self.inside:
            self.inside[self.open][-1] += data
        else:
            self.words += data


def decoded(body: Body) -> TriangleMesh:
    points = np.frombuffer(base64.b64decode(body.points), "<f4").reshape(-1, 3)
    return TriangleMesh(points.astype(float), np.frombuffer(base64.b64decode(body.triangles), "<u4").reshape(-1, 3))


def test_the_bundle_is_the_one_whose_hash_stands_beside_it() -> None:
    static = files("corecore.report") / "static"
    code = (static / "scene.js").read_bytes()
    recorded = (static / "scene.js.sha256").read_text(encoding="utf-8").split()[0]
    assert hashlib.sha256(code).hexdigest() == recorded
    text = code.decode("ascii")
    assert "</script" not in text.lower()
    assert not re.search(r"\beval\(|new Function\b|\bfetch\(|importScripts", text)


def test_the_page_needs_nothing_from_outside() -> None:
    page = Tags(scene_html(phantom_scene()))
    allowed = {"html", "head", "meta", "title", "style", "body", "main", "p", "aside", "h1", "h2", "table", "tr", "th"}
    allowed |= {"td", "div", "button", "label", "input", "svg", "rect", "footer", "script", "ul", "li"}
    assert {tag for tag, _ in page.tags} <= allowed
    for tag, attributes in page.tags:
        assert not {"src", "href", "style", "srcset", "action"} & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in page.inside["style"][0]
    assert "@import" not in page.inside["style"][0]


def test_the_policy_lets_in_exactly_this_script_and_style() -> None:
    page = Tags(scene_html(phantom_scene()))
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    block, script = page.inside["script"]
    json.loads(block)
    for name, text in (("script-src", script), ("style-src", page.inside["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"


def test_words_of_a_plan_cannot_become_markup() -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    case = {"id": evil, "side": "right", "imaging_date": evil}
    scene = phantom_scene(
        case=case, warnings=[{"code": "x", "text": evil}], violations=[{"key": evil}], status="manual"
    )
    page = Tags(scene_html(scene))
    assert "img" not in {tag for tag, _ in page.tags}
    assert len(page.inside["script"]) == 2
    assert evil in page.words


def test_the_page_tells_what_a_surgeon_asks() -> None:
    scene = phantom_scene()
    length = float(np.linalg.norm(scene.tunnels[0].tip - scene.tunnels[0].entry))
    words = Tags(scene_html(scene)).words
    for word in ("RIGHT HIP", "PLANNED", "phantom", scene.hash, "34.5 %", f"{length:.1f}", "Not a medical device"):
        assert word in words
    assert "Tip and wall to the joint: 3.94 mm, the limit is 5 mm" in Tags(scene_html(manual_scene())).words
    none = Tags(scene_html(infeasible_scene("left"))).words
    for word in ("LEFT HIP", "NO FEASIBLE TUNNEL", "give way by 1.2 mm"):
        assert word in none


@pytest.mark.parametrize("side", ["right", "left"])
def test_geometry_is_ras_about_the_head_and_turned_outward(side: str) -> None:
    scene = phantom_scene(side)
    data = scene_data(scene)
    bodies = {body.part: decoded(body) for body in data.bodies}
    assert set(bodies) == {"bone", "lesion", "tunnels"}
    assert np.allclose(bodies["lesion"].points_mm.mean(axis=0), LESION_OFFSET, atol=0.5)
    for part, source in (("bone", scene.femur), ("lesion", scene.lesion)):
        # Also inside out would show here: the volume would be negative.
        assert bodies[part].volume_ml == pytest.approx(source.volume_ml, rel=0.01)
    assert data.axes == BodyAxes(right=[1, 0, 0], anterior=[0, 1, 0], superior=[0, 0, 1])
    assert [view.key for view in data.views] == ["front", "side", "top", "along"]
    outward = 1.0 if side == "right" else -1.0
    assert np.allclose(data.views[0].into, [0, -1, 0])
    assert np.allclose(data.views[1].into, [-outward, 0, 0])


def test_a_fine_bone_is_thinned_until_the_page_is_light(tmp_path: Path) -> None:
    index = np.stack(np.meshgrid(*[np.arange(100)] * 3, indexing="ij"), axis=-1)
    fine = surface_mesh(np.sum((index - 49.5) ** 2, axis=-1) < 46**2, np.full(3, 0.5))
    place = np.eye(4)
    place[:3, 3] = HEAD - 24.75
    scene = scene_of(phantom_plan(), fine.transformed(place), phantom_scene().lesion)
    assert len(scene.femur.triangles) > BONE_TRIANGLES
    body = decoded(scene_data(scene).bodies[0])
    assert BONE_TRIANGLES * 0.9 < len(body.triangles) <= BONE_TRIANGLES
    write_scene_html(scene, tmp_path / "preview.html")
    assert (tmp_path / "preview.html").stat().st_size < PAGE_BYTES
    assert [p.name for p in tmp_path.iterdir()] == ["preview.html"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here")
    with Page(program, tmp_path_factory.mktemp("profile"), *SIZE) as opened:
        yield opened


def shown(page: Page, scene: Scene, folder: Path) -> None:
    page.problems.clear()
    page.requests.clear()
    write_scene_html(scene, folder / "preview.html")
    page.open(folder / "preview.html")


@pytest.mark.browser
@pytest.mark.parametrize("side", ["right", "left"])
def test_in_a_browser_the_lesion_is_seen_on_its_own_side(page: Page, side: str, tmp_path: Path) -> None:
    """It lies to the patient's right, in front of and above the head's centre, in either hip."""
    shown(page, phantom_scene(side), tmp_path)
    rightwards = {"front": -1, "side": 1 if side == "right" else -1, "top": 1}
    letters = {"front": "L", "side": "A" if side == "right" else "P", "top": "R"}
    for view, sign in rightwards.items():
        page.run(f"document.querySelector('[data-view={view}]').click()")
        picture = page.screenshot(tmp_path / f"{view}.png")
        width = int(page.run("document.querySelector('#stage').clientWidth"))
        column, row = (float(v) for v in page.run("document.querySelector('#stage').dataset.head").split())
        seen = middle(hue(picture[:, :width], palette.LESION)) - [row, column]
        assert seen[0] < -10, f"{view}: the lesion is not above the head's centre"
        assert sign * seen[1] > 10, f"{view}: the lesion is on the wrong side"
        assert page.run("document.querySelector('.letter.right').textContent") == letters[view]
    assert page.problems == []
    assert [r for r in page.requests if not r.startswith("file://")] == []


@pytest.mark.browser
def test_in_a_browser_parts_are_switched_off_and_on(page: Page, tmp_path: Path) -> None:
    shown(page, phantom_scene(), tmp_path)
    width = int(page.run("document.querySelector('#stage').clientWidth"))

    def count(color: str) -> int:
        return int(hue(page.screenshot(tmp_path / "now.png")[:, :width], color).sum())

    for part, color in (("lesion", palette.LESION), ("tunnels", palette.TUNNEL)):
        before = count(color)
        page.run(f"document.querySelector('[data-part={part}]').click()")
        assert count(color) < 0.05 * before
        page.run(f"document.querySelector('[data-part={part}]').click()")
        assert count(color) == before
    shade = page.screenshot(tmp_path / "bone.png")[:, :width].mean()
    page.run("document.querySelector('[data-part=bone]').click()")
    assert page.screenshot(tmp_path / "bare.png")[:, :width].mean() > shade + 1
    assert page.problems == []


@pytest.mark.browser
def test_in_a_browser_the_policy_keeps_other_scripts_out(page: Page, tmp_path: Path) -> None:
    shown(page, manual_scene(), tmp_path)
    assert page.problems == []
    picture = page.screenshot(tmp_path / "manual.png")
    assert hue(picture, palette.VIOLATION).sum() > 2000
    page.run("{const s = document.createElement('script'); s.textContent = 'window.bad = 1'; document.body.append(s)}")
    assert page.run("window.bad") is None
    page.hears("Content Security Policy")


@pytest.mark.browser
def test_in_a_browser_a_case_without_a_tunnel_is_shown(page: Page, tmp_path: Path) -> None:
    shown(page, infeasible_scene("left"), tmp_path)
    picture = page.screenshot(tmp_path / "none.png")
    assert hue(picture, palette.LESION).sum() > 500
    assert hue(picture, palette.TUNNEL).sum() < 50
    assert page.problems == []
