"""Report and preview page in other languages: every word comes from the catalogue, every figure stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.five_scenes import five_scenes
from support.pseudo import CODE, shown, words_outside, write_catalogue
from support.report_plan import full_scene
from support.view_phantom import phantom_tissue

from corecore.base import language
from corecore.base.language import spoken
from corecore.report.page import scene_html
from corecore.report.pictures.camera import cameras
from corecore.report.pictures.sheet import PANEL_PIXELS, compose
from corecore.report.report import Views, report_data, report_html, report_pdf, views_of
from corecore.report.scene import Scene

#: Words of the phantom's record that are no text of the program, and ids.
RECORDED = ("case-17", "phantom", "core-10", "37 hips", "hips failed", "the shaft is short", "ARCO 2019 II", "case-1")


@pytest.fixture
def pseudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    write_catalogue(tmp_path)
    monkeypatch.setenv(language.FOLDER_VARIABLE, str(tmp_path))
    with spoken(CODE):
        yield


def scenes() -> dict[str, Scene]:
    return {
        "full": full_scene(),
        "three": full_scene(tunnels=3),
        **five_scenes(),
    }


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("name", ["full", "three", "cavity", "broken", "none"])
def test_no_word_of_report_and_page_is_outside_the_catalogue(name: str) -> None:
    scene = scenes()[name]
    # Slices and films take long: of two scenes.
    tissue = phantom_tissue(side=scene.side) if name in ("full", "three") else None
    data = report_data(scene, views_of(scene, tissue))
    for page in (report_html(data), scene_html(scene)):
        assert not words_outside(shown(page), *RECORDED, scene.case_id)
    assert len(report_pdf(data)) > 10_000


def figures(page: str) -> list[str]:
    return sorted(re.findall(r"\d+(?:\.\d+)?", " ".join(shown(page))))


@pytest.mark.parametrize("name", ["full", "three", "broken", "none"])
def test_german_has_every_figure_of_english_and_says_what_it_is(name: str) -> None:
    scene = scenes()[name]

    def pages() -> list[str]:
        return [report_html(report_data(scene, Views([], None, "", ""))), scene_html(scene)]

    english = pages()
    with spoken("de"):
        german = pages()
    for ours, theirs in zip(english, german, strict=True):
        assert figures(ours) == figures(theirs)
        assert '<html lang="en">' in ours
        assert '<html lang="de">' in theirs
        assert "machine translation, not reviewed" not in ours
        assert "Maschinelle Übersetzung, nicht geprüft (machine translation, not reviewed)" in theirs
    sheets = german[0].count('class="sheet"')
    assert german[0].count("machine translation, not reviewed") >= sheets
    assert pages() == english


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("name", ["full", "three", "cavity", "broken", "none"])
def test_no_word_of_the_picture_is_outside_the_catalogue(name: str) -> None:
    from matplotlib.text import Text

    scene = scenes()[name]
    pixels = np.zeros((*PANEL_PIXELS[::-1], 3), dtype=np.uint8)
    figure = compose(scene, cameras(scene, PANEL_PIXELS[0] / PANEL_PIXELS[1]), [pixels] * 3)
    said = [found.get_text() for found in figure.findobj(Text) if found.get_text().strip()]
    # Long sentences are set in lines, which may part a bracket from its end.
    lines = [text for text in said if text.count("⟦") == text.count("⟧")]
    assert len(lines) > 20
    assert not words_outside(lines, *RECORDED, scene.case_id)
