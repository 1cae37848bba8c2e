"""The renderer by PyVista: bodies one by one before a parallel camera, without a window.

Imported by the drawing process alone: where OpenGL is broken, a plotter takes its process down.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyvista.plotting.plotter import Plotter

from corecore.base.mesh import cylinder, poly_data
from corecore.report.pictures.bodies import Body
from corecore.report.pictures.camera import Camera
from corecore.report.pictures.surface import Surface

#: Distance of the near plane before the nearest point, and of the far plane behind the farthest, mm.
ROOM_MM = 10.0
#: Samples of a pixel, which smooth the edges; the most that Mesa's software driver takes.
SAMPLES = 4


class PlotterRenderer:
    """A PyVista plotter that is opened once. Raises ``RuntimeError`` where its OpenGL paints nothing."""

    def __init__(self) -> None:
        self._plotter = Plotter(off_screen=True, window_size=[64, 64], lighting="none")
        self._plotter.set_background("black")
        self._plotter.enable_parallel_projection()
        self._plotter.enable_anti_aliasing("msaa", multi_samples=SAMPLES)
        self._plotter.show(auto_close=False)
        self.name = f"pyvista ({self._plotter.render_window.GetClassName()})"
        self._check()

    def surfaces(self, bodies: Sequence[Body], camera: Camera, size: tuple[int, int]) -> list[Surface]:
        """The nearest surface of each body, as ``surface.Renderer`` says."""
        if tuple(self._plotter.window_size) != size:
            self._plotter.window_size = list(size)
        return [self._surface(body, camera) for body in bodies]

    def _surface(self, body: Body, camera: Camera) -> Surface:
        depth = camera.project(body.mesh.points_mm)[:, 2]
        nearest, farthest = float(depth.min()) - ROOM_MM, float(depth.max()) + ROOM_MM
        view = self._plotter.camera
        view.focal_point = camera.center
        view.position = camera.center + (nearest - ROOM_MM) * camera.into
        view.up = camera.up
        view.parallel_scale = camera.height_mm / 2
        view.clipping_range = (ROOM_MM, ROOM_MM + farthest - nearest)

        data = poly_data(body.mesh)
        # Red: the shade. Green: full, so that a pixel's green is the share that the body covers.
        red = np.rint(255 * body.shade(camera.into)).astype(np.uint8)
        data["color"] = np.stack([red, np.full_like(red, 255), np.zeros_like(red)], axis=1)
        self._plotter.add_mesh(
            data, scalars="color", rgb=True, lighting=False, culling="back", name="body", copy_mesh=False,
            reset_camera=False, render=False,
        )  # fmt: skip
        # The depth first: only its filter renders anew.
        away = self._plotter.get_image_depth(fill_value=np.inf, reset_camera_clipping_range=False)
        image = np.asarray(self._plotter.screenshot(return_img=True), dtype=np.float32)
        covered = image[..., 1]
        # PyVista counts away from the camera as negative.
        behind = np.where(np.isfinite(away), nearest - ROOM_MM - away, np.inf).astype(np.float32)
        shade = (image[..., 0] / np.maximum(covered, 1)).astype(np.float32)
        return Surface(covered / np.float32(255), shade, behind)

    def _check(self) -> None:
        """A broken driver answers with an empty picture, or with a depth that is full everywhere: a rod seen end on."""
        rod = Body(cylinder([[0, 0, 0], [0, 0, 8]], 10.0), "#000000", "#FFFFFF", (1.0, 1.0))
        x, y, z = np.eye(3)
        seen = self.surfaces([rod], Camera("check", np.zeros(3), x, y, -z, 40.0, 40.0), (64, 64))[0]
        if abs(float(seen.cover.mean()) - np.pi / 16) > 0.01 or not np.allclose(seen.depth[24:40, 24:40], -8, atol=0.1):
            raise RuntimeError(f"{self.name} does not paint what it is told to")
