"""Painting triangles with VTK, as a program of its own that reads two lines: the paths of a job and of its result.

Where neither EGL nor OSMesa is installed VTK does not raise, it kills the process. So this file
is run as a child, imports nothing of corecore, and leaves no picture when it dies. It loads VTK
and opens a window before it reads, so that it can be started while the job is still being made;
where it reads no job it ends.

The job holds ``size`` (width, height in pixels), ``layers`` (a count n_k for each picture k), and for
i < n_k ``points_k_i`` (N, 3) as pixels right, pixels down and depth in mm, ``triangles_k_i`` (M, 3)
and ``shade_k_i`` (N,) in 0..1. The result holds each layer's nearest surface: ``pixel_k_i`` (n,),
row * width + column, ascending, ``depth_k_i`` (n,), ``shade_k_i`` (n,).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers the OpenGL window
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import VTK_UNSIGNED_CHAR, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkPolyDataMapper,
    vtkRenderer,
    vtkRenderWindow,
    vtkWindowToImageFilter,
)

#: Distance of the camera before the nearest point, and of the far plane behind the farthest, mm.
ROOM_MM = 10.0


def main(job_path: str, result_path: str) -> None:
    """Paints one job."""
    result: dict[str, Any] = {}
    with np.load(job_path) as job:
        width, height = (int(n) for n in job["size"])
        window = _window(width, height)
        for k, count in enumerate(job["layers"]):
            for i in range(int(count)):
                points, triangles, shade = (job[f"{name}_{k}_{i}"] for name in ("points", "triangles", "shade"))
                grey, depth = _render(window, points, triangles, shade, width, height)
                pixel = np.flatnonzero(np.isfinite(depth))
                result[f"pixel_{k}_{i}"] = pixel
                result[f"depth_{k}_{i}"] = depth[pixel]
                result[f"shade_{k}_{i}"] = grey[pixel] / np.float32(255.0)
    np.savez(result_path, **result)


def _window(width: int, height: int) -> Any:
    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    # One sample a pixel, so that colour and depth belong together; the caller paints larger and shrinks.
    window.SetMultiSamples(0)
    window.SetSize(width, height)
    return window


def _render(window: Any, points: Any, triangles: Any, shade: Any, width: int, height: int) -> tuple[Any, Any]:
    """One body, opaque: shade (height * width,) 0..255, and depth in mm, infinite where nothing is."""
    renderer = vtkRenderer()
    renderer.AddActor(_actor(points, triangles, shade))
    nearest, farthest = float(points[:, 2].min()), float(points[:, 2].max())
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    camera.SetFocalPoint(width / 2, -height / 2, -nearest)
    camera.SetPosition(width / 2, -height / 2, -nearest + 2 * ROOM_MM)
    camera.SetViewUp(0.0, 1.0, 0.0)
    camera.SetParallelScale(height / 2)
    span = farthest - nearest + 2 * ROOM_MM
    camera.SetClippingRange(ROOM_MM, ROOM_MM + span)
    window.AddRenderer(renderer)
    window.Render()
    grabbed = []
    for kind in ("RGB", "ZBuffer"):
        grab = vtkWindowToImageFilter()
        grab.SetInput(window)
        getattr(grab, f"SetInputBufferTypeTo{kind}")()
        grab.ReadFrontBufferOff()
        grab.ShouldRerenderOff()
        grab.Update()
        pixels = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars()).reshape(height, width, -1)
        # VTK's first row is the lowest.
        grabbed.append(pixels[::-1, :, 0].ravel())
    window.RemoveRenderer(renderer)
    grey, buffer = grabbed
    # A parallel camera's depth buffer is linear between its two planes.
    return grey, np.where(buffer < 1.0, nearest - ROOM_MM + buffer.astype(np.float64) * span, np.inf)


def _actor(points: Any, triangles: Any, shade: Any) -> Any:
    # y down becomes y up, depth runs away from a camera at +z: a turn about x, no mirror.
    place = np.stack([points[:, 0], -points[:, 1], -points[:, 2]], axis=1)
    corners = vtkPoints()
    corners.SetDataTypeToDouble()
    corners.SetData(numpy_to_vtk(np.ascontiguousarray(place), deep=True))
    cells = vtkCellArray()
    cells.SetData(
        numpy_to_vtkIdTypeArray(np.arange(0, 3 * len(triangles) + 1, 3, dtype=np.int64), deep=True),
        numpy_to_vtkIdTypeArray(np.ascontiguousarray(triangles, dtype=np.int64).ravel(), deep=True),
    )
    data = vtkPolyData()
    data.SetPoints(corners)
    data.SetPolys(cells)
    grey = np.repeat(np.rint(shade * 255).astype(np.uint8)[:, None], 3, axis=1)
    data.GetPointData().SetScalars(numpy_to_vtk(grey, deep=True, array_type=VTK_UNSIGNED_CHAR))
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(data)
    actor = vtkActor()
    actor.SetMapper(mapper)
    # The shading is in the scalars, so that both painters give the same picture.
    actor.GetProperty().LightingOff()
    actor.GetProperty().BackfaceCullingOn()
    actor.ForceOpaqueOn()
    return actor


def warm_up() -> None:
    """Loads what painting takes, and has the driver compile its shaders, on a window of a few pixels."""
    corners = np.array([[0.0, 0.0, 0.0], [0.0, 4.0, 0.0], [4.0, 0.0, 1.0]])
    _render(_window(8, 8), corners, np.array([[0, 1, 2]]), np.ones(3), 8, 8)


if __name__ == "__main__":
    warm_up()
    paths = [line.rstrip("\n") for line in sys.stdin]
    if len(paths) == 2:
        main(*paths)
