"""The plain renderer against closed forms, the plotter against it, and what a dead OpenGL leaves."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.view_phantom import phantom_scene

from corecore.base.mesh import TriangleMesh, cylinder
from corecore.report.pictures import preview
from corecore.report.pictures.bodies import Body
from corecore.report.pictures.camera import Camera
from corecore.report.pictures.plain import PlainRenderer
from corecore.report.pictures.preview import DrawingProcess
from corecore.report.pictures.sheet import draw_sheet
from corecore.report.pictures.surface import Surface, painted

X, Y, Z = np.eye(3)
#: Looks down -Z on 40 x 30 mm, one pixel a mm.
CAMERA = Camera("above", np.zeros(3), X, Y, -Z, 40.0, 30.0)
SIZE = (40, 30)


def seen(mesh: TriangleMesh, camera: Camera = CAMERA, size: tuple[int, int] = SIZE) -> Surface:
    return PlainRenderer().surfaces([Body(mesh, "#FF0000", "#0000FF", (0.5, 1.0))], camera, size)[0]


def test_a_rod_seen_end_on_is_a_disc_at_its_near_lid() -> None:
    disc = seen(cylinder([[5, 2, 0], [5, 2, 8]], 6.0), size=(400, 300))
    assert disc.cover.sum() / 100 == pytest.approx(np.pi * 36, rel=0.02)
    rows, columns = np.nonzero(disc.cover)
    assert rows.mean() / 10 == pytest.approx(15 - 2, abs=0.1)
    assert columns.mean() / 10 == pytest.approx(20 + 5, abs=0.1)
    assert disc.depth[disc.cover > 0] == pytest.approx(-8.0, abs=1e-5)
    assert np.all(np.isinf(disc.depth[disc.cover == 0]))


def test_depth_runs_evenly_across_a_triangle_and_its_back_is_not_seen() -> None:
    corners = np.array([[-18.0, -13, 0], [18, -13, 18], [-18, 13, 9]])
    front = seen(TriangleMesh(corners, np.array([[0, 1, 2]])))
    row, column = np.nonzero(front.cover == 1)
    x, y = column + 0.5 - 20, 15 - row - 0.5
    # A pixel is as near as its nearest part, and a sample lies anywhere in it.
    assert front.depth[row, column] == pytest.approx(-((x + 18) / 2 + (y + 13) * 9 / 26), abs=0.9)
    assert front.cover.sum() == pytest.approx(36 * 26 / 2, rel=0.08)
    assert not seen(TriangleMesh(corners, np.array([[0, 2, 1]]))).cover.any()


def test_what_is_out_of_view_is_not_seen_and_what_reaches_beyond_it_is_cut() -> None:
    assert not seen(cylinder([[90, 0, 0], [90, 0, 8]], 6.0)).cover.any()
    assert seen(cylinder([[0, 0, 0], [0, 0, 8]], 60.0)).cover.all()


def test_bodies_are_mixed_by_depth_and_not_by_order() -> None:
    def plate(color: str, depth: float, opacity: float, nearer_mm: float = 0.0) -> tuple[Body, Surface]:
        mesh = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]))
        image = np.ones((2, 3), dtype=np.float32)
        return Body(mesh, color, color, (opacity, opacity), nearer_mm), Surface(image, 0 * image, depth * image)

    def mixture(*plates: tuple[Body, Surface]) -> list[int]:
        return [int(v) for v in painted(*zip(*plates, strict=True))[0, 0]]

    red, blue = plate("#FF0000", 1.0, 0.5), plate("#0000FF", 2.0, 0.2)
    wanted = [round(255 * v) for v in (0.5 * 0.8 + 0.5, 0.5 * 0.8, 0.5 * 1.0)]
    assert mixture(red, blue) == mixture(blue, red) == wanted
    # What is painted nearer than it lies comes in front.
    nearer = plate("#0000FF", 2.0, 1.0, nearer_mm=1.5)
    assert mixture(red, nearer) == [0, 0, 255]
    nothing = Surface(*(np.zeros((2, 3), dtype=np.float32),) * 2, np.full((2, 3), np.inf, dtype=np.float32))
    assert mixture((red[0], nothing)) == [255, 255, 255]


@pytest.fixture
def process() -> Iterator[DrawingProcess]:
    one = DrawingProcess()
    yield one
    one.end()


def test_a_process_that_crashes_leaves_the_plain_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, process: DrawingProcess
) -> None:
    """As where neither EGL nor OSMesa is installed: the process is gone, and nothing is raised."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nkill -SEGV $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(preview, "DRAWING", process)
    monkeypatch.delenv(preview.CHOICE_VARIABLE, raising=False)
    with caplog.at_level(logging.INFO, logger="corecore.report.pictures.preview"):
        result = preview.draw_preview(phantom_scene(), tmp_path / "preview.png")
    assert result.renderer == "plain"
    assert result.path.stat().st_size > 10_000
    assert "ended with code -11" in caplog.text
    assert process.renderer() is None


@pytest.mark.slow
def test_the_plotter_draws_the_plain_picture_and_goes_on_after_its_process_was_killed(process: DrawingProcess) -> None:
    if process.renderer() is None:
        pytest.skip("VTK can open no window here: neither EGL nor OSMesa")
    scene = phantom_scene("left")
    sheet = process.sheet(scene)
    assert sheet is not None
    assert sheet.renderer.startswith("pyvista (")
    first = process.start()
    first.kill()
    first.wait()
    again = process.sheet(scene)
    assert again is not None
    assert again.png == sheet.png
    assert process.start() is not first
    plain = draw_sheet(scene, PlainRenderer()).views.astype(np.int64)
    apart = np.abs(sheet.views.astype(np.int64) - plain)
    assert apart.mean() < 1.0
    assert np.mean(apart > 60) < 0.005
    # The twin: a mirrored picture is far off.
    assert np.abs(sheet.views[:, ::-1].astype(np.int64) - plain).mean() > 8.0
