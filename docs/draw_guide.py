"""Draw ``docs/images/guide.png``: a drill guide on the shipped sample. ``python docs/draw_guide.py PLAN.json``.

The sample's shaft is a smooth tube on which no guide is made by default: the criteria of the seat are let down
for the picture.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.mesh import TriangleMesh
from corecore.exports.guide.design import Design
from corecore.exports.guide.make import make_guide
from corecore.exports.opened import open_for_export
from corecore.report import palette
from corecore.report.pictures.renderers import paint_all
from corecore.report.pictures.software_renderer import Layer

TARGET = Path(__file__).resolve().parent / "images" / "guide.png"
SIZE, WIDTH_MM = 560, 105.0
GUIDE = "#5E8C61"


def layer(mesh: TriangleMesh, axes: FloatArray, middle: FloatArray, color: str, opacity: float) -> Layer:
    """A mesh seen along ``axes`` (right, up, into), lit from above the viewer's left shoulder."""
    # Each triangle its own corners: edges stay sharp.
    corners = mesh.corners_mm.reshape(-1, 3)
    place = (corners - middle) @ axes.T
    scale = SIZE / WIDTH_MM
    pixels = np.stack([SIZE / 2 + place[:, 0] * scale, SIZE / 2 - place[:, 1] * scale, place[:, 2]], axis=1)
    light = np.array([-0.3, 0.45, -0.84]) @ axes
    shade = np.repeat(1.0 - np.clip(mesh.normals @ light, 0.0, 1.0), 3)
    rgb = np.array(palette.rgb(color))
    ends = np.array([[*np.minimum(1.0, 1.08 * rgb), opacity], [*(0.28 * rgb), opacity]])
    return Layer(pixels, np.arange(len(corners)).reshape(-1, 3), shade, ends)


def main() -> None:
    """Write the picture."""
    from corecore.exports.plan_folder import meshes, tunnel_mesh

    plan, stamp = open_for_export(Path(sys.argv[1]))
    hip, tunnel = plan.hip, plan.tunnels[0][0]
    guide = make_guide(hip, [tunnel], stamp, Design(stability_min=0.01, slip_mm=5.0))
    femur, _ = meshes(hip)
    drill = tunnel_mesh(tunnel, hip)
    entry = hip.to_world(tunnel.entry)
    up, lateral = (hip.direction_to_world(axis) for axis in (hip.anatomy.shaft_axis, hip.anatomy.x_axis))
    front = hip.direction_to_world(hip.anatomy.y_axis)
    panels = [
        ("from the outer side", lateral, 1.0, [femur, guide.mesh]),
        ("from the front", front, 0.35, [femur, drill, guide.mesh]),
        ("front and outer side", lateral + front + 0.4 * up, 1.0, [femur, guide.mesh]),
        ("its seat", -lateral - 0.25 * up + 0.1 * front, 1.0, [guide.mesh]),
    ]
    pictures, titles = [], []
    for title, away, bone, bodies in panels:
        into = -away / np.linalg.norm(away)
        above = up - (up @ into) * into
        above /= np.linalg.norm(above)
        axes = np.stack([np.cross(into, above), above, into])
        colors = {id(femur): (palette.BONE, bone), id(drill): (palette.TUNNEL, 1.0), id(guide.mesh): (GUIDE, 1.0)}
        if title == "from the front":
            colors[id(guide.mesh)] = (GUIDE, 0.6)
        pictures.append([layer(body, axes, entry, *colors[id(body)]) for body in bodies])
        titles.append(title)
    painted, _ = paint_all(pictures, SIZE, SIZE)
    figure, panes = plt.subplots(1, len(painted), figsize=(3.3 * len(painted), 3.6), layout="constrained")
    for pane, picture, title in zip(panes, painted, titles, strict=True):
        pane.imshow(picture)
        pane.set_title(title, fontsize=11)
        pane.axis("off")
    figure.savefig(TARGET, dpi=130, metadata={"Software": None})


if __name__ == "__main__":
    main()
