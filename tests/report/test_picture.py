"""The preview picture: whole, not blank, and the patient not mirrored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.view_phantom import hue, infeasible_scene, manual_scene, middle, phantom_scene

from corecore.base.errors import OutputError
from corecore.report import palette
from corecore.report.pictures.bodies import bodies
from corecore.report.pictures.camera import cameras
from corecore.report.pictures.caption import HEADER_IN
from corecore.report.pictures.plain import PlainRenderer
from corecore.report.pictures.preview import CHOICE_VARIABLE, draw_preview
from corecore.report.pictures.sheet import DPI, PANEL_IN, WIDTH_IN
from corecore.report.pictures.surface import Picture, painted
from corecore.report.scene import Scene

SIZE = 160


def pixels(path: Path) -> Picture:
    from matplotlib.image import imread

    return np.asarray(np.rint(np.asarray(imread(path))[:, :, :3] * 255), dtype=np.uint8)


def panel(picture: Picture, number: int) -> Picture:
    """One of the three panels of the drawn picture, without its frame."""
    w, h = (round(v * DPI) for v in PANEL_IN)
    gap = (WIDTH_IN - 3 * PANEL_IN[0]) / 4 * DPI
    left, top = round(gap + number * (w + gap)), round(HEADER_IN * DPI)
    return picture[top + 3 : top + h - 3, left + 3 : left + w - 3]


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_lesion_is_seen_on_its_own_side(side: str) -> None:
    """It lies to the patient's right, in front of and above the head's centre, in either hip."""
    scene: Scene = phantom_scene(side)
    views = cameras(scene, 1.0)
    shown = [bodies(scene, along=k == 2) for k in range(3)]
    renderer = PlainRenderer()
    pictures = [
        painted(seen, renderer.surfaces(seen, camera, (SIZE, SIZE))) for seen, camera in zip(shown, views, strict=True)
    ]
    for k, (camera, picture) in enumerate(zip(views, pictures, strict=True)):
        center = camera.project(scene.head_center[None])[0]
        scale = SIZE / camera.width_mm
        head = np.array([SIZE / 2 - center[1] * scale, SIZE / 2 + center[0] * scale])
        row, column = middle(hue(picture, palette.LESION)) - head
        assert row < -3
        if k == 0:
            assert column < -3, "from the front the patient's right is on the left"
        elif side == "right":
            assert column > 3, "from a right hip's outer side the front is on the right"
        else:
            assert column < -3, "from a left hip's outer side the front is on the left"
        # The tunnel comes from the outer side.
        if k == 0:
            outer = middle(hue(picture, palette.TUNNEL)) - head
            assert (outer[1] < 0) == (side == "right")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    path = tmp_path_factory.mktemp("view") / "preview.png"
    result = draw_preview(phantom_scene(), path)
    assert result.path == path
    assert result.renderer.startswith(("pyvista", "plain"))
    assert [p.name for p in path.parent.iterdir()] == ["preview.png"]
    return pixels(path)


def test_every_panel_shows_bone_and_necrosis(planned: Picture) -> None:
    assert planned.shape[1] == round(WIDTH_IN * DPI)
    for number in range(3):
        part = panel(planned, number)
        assert hue(part, palette.LESION).sum() > 500
        assert np.mean(part.min(axis=2) < 250) > 0.2
        assert hue(part, palette.TUNNEL).sum() > 200
        # All is in the frame, not at its edge.
        row, column = middle(hue(part, palette.LESION)) / part.shape[:2]
        assert 0.05 < row < 0.7
        assert 0.1 < column < 0.9


def test_words_are_written_below_and_none_run_out_of_the_picture(planned: Picture) -> None:
    below = planned[round((HEADER_IN + PANEL_IN[1]) * DPI) + 5 :]
    assert np.mean(below.min(axis=2) < 128) > 0.01
    for edge in (planned[:, :8], planned[:, -8:], planned[:8], planned[-8:]):
        assert edge.min() == 255


def test_red_is_for_plans_that_break_the_rules(
    planned: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "plain")
    draw_preview(manual_scene(), tmp_path / "manual.png")
    draw_preview(infeasible_scene("left"), tmp_path / "none.png")
    manual, none = pixels(tmp_path / "manual.png"), pixels(tmp_path / "none.png")
    assert hue(planned, palette.VIOLATION).sum() < 50
    for number in range(3):
        assert hue(panel(planned, number), palette.VIOLATION).sum() < 50
        assert hue(panel(manual, number), palette.VIOLATION).sum() > 200
        assert hue(panel(manual, number), palette.TUNNEL).sum() < 50
        assert hue(panel(none, number), palette.LESION).sum() > 500
        assert hue(panel(none, number), palette.TUNNEL).sum() < 50
    for picture in (manual, none):
        assert hue(picture[:10], palette.VIOLATION).mean() > 0.3


def test_odd_names_are_drawn_and_not_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "plain")
    scene = phantom_scene(case={"id": r"$\frac{", "side": "right"}, warnings=[{"code": "x", "text": "大腿骨 $x_$"}] * 9)
    draw_preview(scene, tmp_path / "odd.png")
    assert (tmp_path / "odd.png").stat().st_size > 10_000


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "plain")
    with pytest.raises(OutputError, match="cannot be written"):
        draw_preview(infeasible_scene(), tmp_path / "absent" / "preview.png")
    assert list(tmp_path.iterdir()) == []
