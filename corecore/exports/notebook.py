"""A plan in a notebook: the project's own page in a frame, which turns without a server and without a network."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from corecore.report.page import scene_html
from corecore.report.scene import Scene

#: Triangles of the femur in a notebook at most: every cell that shows a plan stores them (0.2 MB, beside the
#: script's 0.6 MB).
BONE_TRIANGLES = 10_000
LESION_TRIANGLES = 3_000
HEIGHT_PX = 640


def html_of(scene: Scene, *, height_px: int = HEIGHT_PX) -> str:
    """The scene to turn with its figures, for ``_repr_html_``.

    Parameters
    ----------
    scene : Scene
        A plan's scene (``corecore.exports.blocks.scene_of``).
    height_px : int, default 640
        Height of the frame, pixels; its width is the cell's.

    Returns
    -------
    str
        An ``iframe`` that holds the page itself. It is sandboxed: its script runs, and reaches neither the notebook nor
        a network.
    """
    light = replace(scene, femur=scene.femur.decimated(BONE_TRIANGLES), lesion=scene.lesion.decimated(LESION_TRIANGLES))
    # In an attribute in single quotes nothing else can end it; the page is full of double ones.
    page = scene_html(light).replace("&", "&amp;").replace("'", "&#39;")
    title = escape(f"{scene.side} hip, {scene.case_id}: plan {scene.hash}", quote=True)
    return (
        f'<iframe title="{title}" sandbox="allow-scripts" width="100%" height="{int(height_px)}" '
        f"style='border:1px solid #ccc' srcdoc='{page}'></iframe>"
    )
