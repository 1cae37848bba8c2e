"""The painter without OpenGL against closed forms, and VTK's against it."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.view_phantom import phantom_scene

from corecore.base.grid import FloatArray
from corecore.report.pictures import renderers
from corecore.report.pictures.bodies import layers
from corecore.report.pictures.camera import cameras
from corecore.report.pictures.software_renderer import Layer, mixed, nearest_surface

W, H = 40, 30
RED, BLUE = (1.0, 0.0, 0.0, 0.5), (0.0, 0.0, 1.0, 0.25)


def square(low: tuple[float, float], high: tuple[float, float], depth: float, color: tuple[float, ...]) -> Layer:
    """A square facing the viewer, in pixels."""
    (x0, y0), (x1, y1) = low, high
    points = np.array([[x0, y0, depth], [x1, y0, depth], [x1, y1, depth], [x0, y1, depth]])
    return Layer(points, np.array([[0, 3, 2], [0, 2, 1]]), np.zeros(4), np.tile(color, (2, 1)))


def test_a_square_covers_its_pixels_once_and_without_a_seam() -> None:
    front = nearest_surface(square((3, 5), (20, 25), 7.0, RED), W, H)
    wanted = np.zeros((H, W), dtype=bool)
    wanted[5:25, 3:20] = True
    assert np.array_equal(front.pixel, np.flatnonzero(wanted))
    assert np.allclose(front.depth, 7.0)
    assert np.allclose(front.color, RED)


def test_what_faces_away_or_lies_outside_is_not_seen() -> None:
    layer = square((3, 5), (20, 25), 7.0, RED)
    assert len(nearest_surface(replace(layer, triangles=layer.triangles[:, ::-1]), W, H).pixel) == 0
    assert len(nearest_surface(square((50, 5), (90, 25), 7.0, RED), W, H).pixel) == 0
    assert len(nearest_surface(square((-1e4, -1e4), (1e4, 1e4), 7.0, RED), W, H).pixel) == W * H


def test_the_nearer_of_two_walls_wins_whatever_their_order() -> None:
    near, far = square((0, 0), (10, 10), 1.0, RED), square((0, 0), (20, 20), 2.0, BLUE)
    for a, b in ((near, far), (far, near)):
        both = Layer(
            np.concatenate([a.points, b.points]),
            np.concatenate([a.triangles, b.triangles + 4]),
            np.repeat([0.0, 1.0], 4),
            np.stack([a.ends[0], b.ends[0]]),
        )
        front = nearest_surface(both, W, H)
        assert np.allclose(front.color[front.pixel == 0], RED)
        assert np.allclose(front.color[front.pixel == 15 * W + 15], BLUE)


def test_colour_and_depth_run_evenly_across_a_triangle() -> None:
    points = np.array([[0, 0, 0], [0, 30, 30], [40, 0, 80]], dtype=float)
    shade, ends = np.array([0.0, 0.25, 1.0]), np.array([[0.0, 1.0, 0.5, 0.2], [1.0, 0.0, 0.5, 0.6]])
    front = nearest_surface(Layer(points, np.array([[0, 1, 2]]), shade, ends), W, H)
    x, y = front.pixel % W + 0.5, front.pixel // W + 0.5
    assert len(front.pixel) == pytest.approx(W * H / 2, rel=0.03)
    assert np.allclose(front.depth, 2 * x + y)
    wanted = x / 40 + 0.25 * y / 30
    assert np.allclose(front.color[:, 0], wanted)
    assert np.allclose(front.color[:, 1], 1.0 - wanted)
    assert np.allclose(front.color[:, 2], 0.5)
    assert np.allclose(front.color[:, 3], 0.2 + 0.4 * wanted)


def test_bodies_are_mixed_by_depth_not_by_order() -> None:
    near = nearest_surface(square((0, 0), (40, 30), 1.0, RED), W, H)
    far = nearest_surface(square((0, 0), (20, 30), 2.0, BLUE), W, H)
    white: FloatArray = np.ones(3)
    behind = 0.75 * white + 0.25 * np.array([0, 0, 1])
    for order in ([near, far], [far, near]):
        picture = mixed(order, W, H)
        assert np.allclose(picture[5, 5], 0.5 * behind + 0.5 * np.array([1, 0, 0]))
        assert np.allclose(picture[5, 35], 0.5 * white + 0.5 * np.array([1, 0, 0]))
    assert np.allclose(mixed([], W, H), 1.0)


def test_a_child_that_crashes_leaves_the_painting_to_numpy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where neither EGL nor OSMesa is installed: the process is gone, and nothing is raised."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nkill -SEGV $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.delenv(renderers.CHOICE_VARIABLE, raising=False)
    renderers._dismiss()
    with caplog.at_level(logging.INFO, logger="corecore.report.pictures.renderers"):
        pictures, name = renderers.paint_all([[square((3, 5), (20, 25), 7.0, (1, 0, 0, 1))]], W, H)
    assert name == renderers.SOFTWARE
    assert np.array_equal(pictures[0][10, 10], [255, 0, 0])
    assert "ended with code -11" in caplog.text


def test_a_child_prepared_paints_once_and_one_that_is_not_asked_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    window = vtk_window()
    monkeypatch.setattr(renderers, "_windows", lambda: (window,))
    monkeypatch.delenv(renderers.CHOICE_VARIABLE, raising=False)
    renderers.prepare()
    child = renderers._waiting[window]
    pictures, name = renderers.paint_all([[square((3, 5), (20, 25), 7.0, (1, 0, 0, 1))]], W, H)
    assert name == f"vtk ({window or 'default window'})"
    assert np.array_equal(pictures[0][10, 10], [255, 0, 0])
    assert child.returncode == 0
    assert not renderers._waiting
    renderers.prepare()
    idle = renderers._waiting[window]
    renderers._dismiss()
    assert idle.returncode is not None
    assert not renderers._waiting


def vtk_window() -> str:
    """A kind of window that works here; skips where VTK can open none."""
    for window in renderers._windows():
        if renderers._paint_with_vtk([[square((3, 5), (20, 25), 7.0, RED)]], W, H, window) is not None:
            return window
    pytest.skip("VTK can open no window here: neither EGL nor OSMesa")


@pytest.mark.parametrize("side", ["right", "left"])
def test_both_painters_give_the_same_picture(side: str) -> None:
    window = vtk_window()
    scene = phantom_scene(side)
    views = cameras(scene, 1.0)
    jobs = [layers(scene, camera, 120, 120, along=k == 2) for k, camera in enumerate(views)]
    by_vtk = renderers._paint_with_vtk(jobs, 120, 120, window)
    assert by_vtk is not None
    for job, surfaces in zip(jobs, by_vtk, strict=True):
        a = mixed(surfaces, 120, 120)
        b = mixed([nearest_surface(layer, 120, 120) for layer in job], 120, 120)
        assert np.mean(np.abs(a - b)) < 0.005
        # The twin: a mirrored picture is far off.
        assert np.mean(np.abs(a - b[:, ::-1])) > 0.02
        for layer, surface in zip(job, surfaces, strict=True):
            own = nearest_surface(layer, 120, 120)
            _, i, j = np.intersect1d(own.pixel, surface.pixel, return_indices=True)
            assert len(i) > 0.95 * max(len(own.pixel), len(surface.pixel))
            assert np.median(np.abs(own.depth[i] - surface.depth[j])) < 0.05
