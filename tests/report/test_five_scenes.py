"""Five scenes as they were when last looked at, and their labels apart from each other.

A picture may differ from the one kept by ``MEAN_LEVELS`` grey levels on average, and by more than
``FAR_LEVELS`` in ``FAR_SHARE`` of its pixels: less than two millimetres of lesion make. After a
change that is meant, look at the new ones and keep them: ``CORECORE_KEEP_PICTURES=1``.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.chromium import Page, find_chromium
from support.five_scenes import five_scenes
from support.view_phantom import hue

from corecore.base.language import spoken
from corecore.report import palette
from corecore.report.page import write_scene_html
from corecore.report.pictures.bodies import bodies
from corecore.report.pictures.camera import cameras
from corecore.report.pictures.plain import PlainRenderer
from corecore.report.pictures.sheet import compose
from corecore.report.pictures.surface import Picture, painted
from corecore.report.scene import Scene
from corecore.report.svg import overlap, png

PICTURES = Path(__file__).resolve().parent / "pictures"
SIZE = (96, 114)
MEAN_LEVELS, FAR_LEVELS, FAR_SHARE = 1.0, 24, 0.005
NAMES = ("one", "fan", "cavity", "broken", "none")


@pytest.fixture(scope="module")
def scenes() -> dict[str, Scene]:
    return five_scenes()


def three_views(scene: Scene) -> Picture:
    """The three views side by side, by the renderer that needs no OpenGL."""
    views = []
    for number, camera in enumerate(cameras(scene, SIZE[0] / SIZE[1])):
        seen = bodies(scene, along=number == 2)
        views.append(painted(seen, PlainRenderer().surfaces(seen, camera, SIZE)))
    return np.concatenate(views, axis=1)


def kept(name: str) -> Picture:
    from matplotlib.image import imread

    return np.asarray(np.rint(np.asarray(imread(PICTURES / f"{name}.png"))[:, :, :3] * 255), dtype=np.uint8)


def alike(one: Picture, other: Picture) -> bool:
    apart = np.abs(one.astype(np.int64) - other.astype(np.int64)).max(axis=2)
    return bool(apart.mean() <= MEAN_LEVELS and np.mean(apart > FAR_LEVELS) <= FAR_SHARE)


@pytest.mark.parametrize("name", NAMES)
def test_a_scene_looks_as_it_did(scenes: dict[str, Scene], name: str) -> None:
    picture = three_views(scenes[name])
    if os.environ.get("CORECORE_KEEP_PICTURES") == "1":
        (PICTURES / f"{name}.png").write_bytes(png(picture))
    assert alike(picture, kept(name))


def test_a_lesion_out_of_its_place_is_seen(scenes: dict[str, Scene]) -> None:
    scene = scenes["none"]
    moved = scene.lesion.transformed(np.array([[1, 0, 0, 2.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    assert not alike(three_views(replace(scene, lesion=moved)), kept("none"))
    assert not alike(np.ascontiguousarray(kept("one")[:, ::-1]), kept("one"))


@pytest.mark.parametrize("code", ["en", "de"])
@pytest.mark.parametrize("name", NAMES)
def test_no_words_of_the_picture_cover_others(scenes: dict[str, Scene], name: str, code: str) -> None:
    """Every text of the drawn sheet, as it is set; the letters within a panel keep off its scale and numbers too."""
    scene = scenes[name]
    blank = np.full((60, 50, 3), 255, dtype=np.uint8)
    with spoken(code):
        figure = compose(scene, cameras(scene, 3.8 / 4.5), [blank] * 3)
    # A legend is laid out when it is drawn.
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = [text for axes in figure.axes for text in [*axes.texts, axes.title]] + list(figure.texts)
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    boxes = []
    for text in texts:
        if text.get_text():
            box = text.get_window_extent(renderer)
            # A line's box holds its descenders: a fifth of it is air.
            room = 0.12 * box.height
            boxes.append((text.get_text(), (box.x0, box.y0 + room, box.x1, box.y1 - room)))
    width, height = figure.canvas.get_width_height()
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        assert not overlap(a, b), (one, other)
    for words, box in boxes:
        assert box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height, words  # noqa: PT018


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here")
    with Page(program, tmp_path_factory.mktemp("profile"), 1280, 800) as page:
        yield page


#: Words over the scene whose boxes share an area, and those that leave it.
COVERED = """(() => {
  const stage = document.querySelector('#stage').getBoundingClientRect();
  const spans = [...document.querySelectorAll('#stage span')].filter(s => !s.hidden && s.textContent);
  const boxes = spans.map(s => [s.textContent, s.getBoundingClientRect()]);
  const covered = boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) =>
    p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom).map(([b]) => a + ' | ' + b));
  const out = boxes.filter(([a, p]) => p.left < stage.left || p.right > stage.right || p.top < stage.top ||
    p.bottom > stage.bottom).map(([a]) => a + ' leaves');
  return [...covered, ...out];
})()"""


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_in_a_browser_no_label_covers_another(
    browser: Page, scenes: dict[str, Scene], tmp_path: Path, name: str
) -> None:
    write_scene_html(scenes[name], tmp_path / "preview.html")
    browser.open(tmp_path / "preview.html")
    for view in ("front", "side", "top", "along"):
        browser.run(f"document.querySelector('[data-view={view}]').click()")
        browser.settle()
        assert browser.run(COVERED) == [], view
    assert browser.problems == []


@pytest.mark.browser
def test_in_a_browser_the_scale_measures_the_lesion(browser: Page, scenes: dict[str, Scene], tmp_path: Path) -> None:
    """A lesion of 18 mm, seen from the front."""
    write_scene_html(scenes["none"], tmp_path / "preview.html")
    browser.open(tmp_path / "preview.html")
    for part in ("bone", "axes", "head", "cap"):
        browser.run(f"document.querySelector('[data-part={part}]').click()")
    words, pixels = browser.run(
        "(s => [s.textContent, s.getBoundingClientRect().width])(document.querySelector('.scale'))"
    )
    stage = int(browser.run("document.querySelector('#stage').clientWidth"))
    shown = hue(browser.screenshot(tmp_path / "lesion.png")[:, :stage], palette.LESION)
    seen = np.flatnonzero(shown.any(axis=0))
    assert (seen[-1] - seen[0] + 1) / pixels * float(words.removesuffix(" mm")) == pytest.approx(18.0, abs=0.8)
