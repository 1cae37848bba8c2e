"""The sheet of the preview: three views of the plan, and the figures a surgeon asks for first."""

from __future__ import annotations

import io
import warnings
from typing import Any, NamedTuple

import numpy as np

from corecore.base.language import say
from corecore.report import captions
from corecore.report.pictures.bodies import bodies
from corecore.report.pictures.camera import Camera, cameras
from corecore.report.pictures.caption import HEADER_IN, LEGEND_IN, CaptionStrip
from corecore.report.pictures.panels import draw_panel
from corecore.report.pictures.surface import Picture, Renderer, painted
from corecore.report.scene import Scene

#: Dots per inch of the picture, and its width in inches: 1800 pixels, a page's width at 220 dpi.
DPI = 150
WIDTH_IN = 12.0
PANEL_IN = (3.8, 4.5)
PANEL_PIXELS = (round(PANEL_IN[0] * DPI), round(PANEL_IN[1] * DPI))
#: Height of a panel's title above it, inches.
TITLE_IN = 0.28


class Sheet(NamedTuple):
    """The drawn sheet as a PNG, its views without the words (h, w, 3) uint8, and which renderer painted it.

    ``views``: the panels with their titles and the legend.
    """

    png: bytes
    views: Picture
    renderer: str


def draw_sheet(scene: Scene, renderer: Renderer) -> Sheet:
    """Three views of a plan: from the front, from the hip's outer side, and along the first tunnel.

    Each has letters for the patient's sides and a scale in mm.
    """
    views = cameras(scene, PANEL_IN[0] / PANEL_IN[1])
    apart, along = bodies(scene, along=False), bodies(scene, along=True)
    pictures = []
    for number, camera in enumerate(views):
        seen = along if number == 2 else apart
        pictures.append(painted(seen, renderer.surfaces(seen, camera, PANEL_PIXELS)))
    title = say("{hip}: core decompression plan {plan}", hip=captions.hip_in_title(scene), plan=scene.hash)
    with warnings.catch_warnings():
        # An id in a script that the font lacks is drawn as boxes; the page shows it in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        return Sheet(*_drawn(compose(scene, views, pictures), title), renderer.name)


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
    figure.savefig(stream, format="png", metadata={"Software": None, "Title": title})
    rows = slice(round((HEADER_IN - TITLE_IN) * DPI), round((HEADER_IN + PANEL_IN[1] + LEGEND_IN) * DPI))
    return stream.getvalue(), np.array(np.asarray(figure.canvas.buffer_rgba())[rows, :, :3])
