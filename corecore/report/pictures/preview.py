"""The preview picture: three views of the plan, and the figures a surgeon asks for first."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corecore.io.files import atomic_write_bytes
from corecore.report.pictures.bodies import layers
from corecore.report.pictures.camera import Camera, cameras
from corecore.report.pictures.caption import HEADER_IN, LEGEND_IN, CaptionStrip
from corecore.report.pictures.panels import draw_panel
from corecore.report.pictures.renderers import Picture, paint_all
from corecore.report.scene import Scene

#: Dots per inch of the picture, and its width in inches: 1800 pixels, a page's width at 220 dpi.
DPI = 150
WIDTH_IN = 12.0
PANEL_IN = (3.8, 4.5)
#: Height of a panel's title above it, inches.
TITLE_IN = 0.28
#: Each panel is painted this much larger and shrunk, which smooths its edges.
OVERSAMPLING = 2


@dataclass(frozen=True)
class PreviewResult:
    """Where the picture is, which painter made it (``vtk (...)`` or ``software``), and its views without the words.

    ``views`` (h, w, 3) uint8: the panels with their titles and the legend.
    """

    path: Path
    renderer: str
    views: Picture


def draw_preview(scene: Scene, path: Path) -> PreviewResult:
    """Draws the picture as PNG; it appears whole or not at all.

    From the front, from the hip's outer side, and along the first tunnel, each with letters for
    the patient's sides and a scale in mm. Raises ``OutputError`` where it cannot be written.
    """
    views = cameras(scene, PANEL_IN[0] / PANEL_IN[1])
    width, height = (round(inch * DPI) * OVERSAMPLING for inch in PANEL_IN)
    jobs = [layers(scene, camera, width, height, along=k == 2) for k, camera in enumerate(views)]
    painted, renderer = paint_all(jobs, width, height)
    title = f"{scene.side} hip: core decompression plan {scene.hash}"
    data, panels = _drawn(compose(scene, views, [_shrunk(p) for p in painted]), title)
    atomic_write_bytes(Path(path), data)
    return PreviewResult(Path(path), renderer, panels)


def _shrunk(picture: Picture) -> Picture:
    n = OVERSAMPLING
    total = sum(picture[i::n, j::n].astype(np.float32) for i in range(n) for j in range(n))
    return np.asarray(np.rint(total / n**2), dtype=np.uint8)


def compose(scene: Scene, views: tuple[Camera, Camera, Camera], painted: list[Picture]) -> Any:
    """The sheet as a matplotlib figure: the panels with their letters, and the words above and below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    strip = CaptionStrip(scene)
    top, bottom = HEADER_IN, strip.height_in
    height = top + PANEL_IN[1] + bottom
    figure = Figure(figsize=(WIDTH_IN, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    gap = (WIDTH_IN - 3 * PANEL_IN[0]) / 4
    for k, (camera, picture) in enumerate(zip(views, painted, strict=True)):
        left = gap + k * (PANEL_IN[0] + gap)
        box = (left / WIDTH_IN, bottom / height, PANEL_IN[0] / WIDTH_IN, PANEL_IN[1] / height)
        axes = figure.add_axes(box)
        draw_panel(axes, scene, camera, picture, along=k == 2)
    strip.write(figure)
    return figure


def _drawn(figure: Any, title: str) -> tuple[bytes, Picture]:
    """A sheet as PNG bytes with its title, and the panels' part of it with titles and legend."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # An id in a script that the font lacks is drawn as boxes; the page shows it in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(stream, format="png", metadata={"Software": None, "Title": title})
    rows = slice(round((HEADER_IN - TITLE_IN) * DPI), round((HEADER_IN + PANEL_IN[1] + LEGEND_IN) * DPI))
    return stream.getvalue(), np.array(np.asarray(figure.canvas.buffer_rgba())[rows, :, :3])
