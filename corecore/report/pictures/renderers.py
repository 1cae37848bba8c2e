"""Who paints the triangles: VTK in a child process, and numpy where VTK cannot."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corecore.report.pictures.software_renderer import Layer, Surface, mixed, nearest_surface

log = logging.getLogger(__name__)

#: Kinds of OpenGL window tried in turn where there is no display: Mesa's two ways without a screen.
WINDOWS_WITHOUT_DISPLAY = ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow")
#: A child that paints longer hangs, seconds (three panels take 1 to 3; engineering choice for a busy machine).
CHILD_SECONDS = 90.0
#: Name of the painter that needs no OpenGL.
SOFTWARE = "software"
#: Set to "software" to leave VTK out.
CHOICE_VARIABLE = "CORECORE_RENDERER"

Picture = npt.NDArray[np.uint8]

#: Children that wait for a job, by the kind of window they have opened.
_waiting: dict[str, subprocess.Popen[bytes]] = {}


def prepare() -> None:
    """Start the child that will paint, so that it has loaded VTK when the first picture is ready."""
    if os.environ.get(CHOICE_VARIABLE) != SOFTWARE and not _waiting:
        window = _windows()[0]
        with contextlib.suppress(OSError):
            _waiting[window] = _start(window)


def paint_all(pictures: list[list[Layer]], width: int, height: int) -> tuple[list[Picture], str]:
    """Each list of layers as a picture (height, width, 3) uint8, and the name of the painter that did it.

    VTK in a child process: where neither EGL nor OSMesa is there it takes its process down, and
    then numpy paints. ``CORECORE_RENDERER=software`` asks for numpy from the start.
    """
    surfaces, name = None, SOFTWARE
    if os.environ.get(CHOICE_VARIABLE) != SOFTWARE:
        for window in _windows():
            surfaces = _paint_with_vtk(pictures, width, height, window)
            if surfaces is not None:
                name = f"vtk ({window or 'default window'})"
                break
    if surfaces is None:
        surfaces = [[nearest_surface(layer, width, height) for layer in layers] for layers in pictures]
    log.info("pictures painted by %s", name)
    return [_bytes(mixed(seen, width, height)) for seen in surfaces], name


def _windows() -> tuple[str, ...]:
    """Kinds of window to try; an empty name leaves VTK its own choice."""
    if not sys.platform.startswith("linux") or os.environ.get("VTK_DEFAULT_OPENGL_WINDOW"):
        return ("",)
    return ("", *WINDOWS_WITHOUT_DISPLAY) if os.environ.get("DISPLAY") else WINDOWS_WITHOUT_DISPLAY


def _paint_with_vtk(pictures: list[list[Layer]], width: int, height: int, window: str) -> list[list[Surface]] | None:
    """What is seen of each layer, or None where the child died, hung, or painted nothing."""
    with tempfile.TemporaryDirectory(prefix="corecore-") as folder:
        job, result = Path(folder) / "job.npz", Path(folder) / "result.npz"
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "size": np.array([width, height]),
            "layers": np.array([len(layers) for layers in pictures]),
        }
        for k, layers in enumerate(pictures):
            for i, layer in enumerate(layers):
                arrays[f"points_{k}_{i}"] = layer.points
                arrays[f"triangles_{k}_{i}"] = layer.triangles
                arrays[f"shade_{k}_{i}"] = layer.shade
        np.savez(job, allow_pickle=False, **arrays)
        try:
            child = _waiting.pop(window, None) or _start(window)
        except OSError as error:
            log.info("VTK with %s did not start: %s", window or "its default window", type(error).__name__)
            return None
        try:
            _, words = child.communicate(f"{job}\n{result}\n".encode(), timeout=CHILD_SECONDS)
        except subprocess.TimeoutExpired:
            _end(child)
            log.info("VTK with %s did not answer", window or "its default window")
            return None
        if child.returncode != 0 or not result.is_file():
            last = words.decode(errors="replace").strip().splitlines()[-1:]
            log.info(
                "VTK with %s ended with code %d %s", window or "its default window", child.returncode, *last or [""]
            )
            return None
        with np.load(result, allow_pickle=False) as painted:
            surfaces = [
                [
                    Surface(
                        painted[f"pixel_{k}_{i}"], painted[f"depth_{k}_{i}"], layer.colors(painted[f"shade_{k}_{i}"])
                    )
                    for i, layer in enumerate(layers)
                ]
                for k, layers in enumerate(pictures)
            ]
    # A broken driver answers with an empty screen, or with a depth buffer that is full everywhere.
    sizes = [len(surface.pixel) for seen in surfaces for surface in seen]
    if not any(sizes) or max(sizes) == width * height:
        log.info("VTK with %s painted nothing", window or "its default window")
        return None
    return surfaces


def _start(window: str) -> subprocess.Popen[bytes]:
    environment = dict(os.environ)
    if window:
        environment["VTK_DEFAULT_OPENGL_WINDOW"] = window
    # -P: the folder of the script holds names that are none of Python's business.
    command = [sys.executable, "-P", str(Path(__file__).with_name("vtk_process.py"))]
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.communicate()


@atexit.register
def _dismiss() -> None:
    """No child outlives a run that came to no picture."""
    while _waiting:
        _end(_waiting.popitem()[1])


def _bytes(picture: npt.NDArray[np.float32]) -> Picture:
    return np.rint(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8)
