"""Draw ``docs/images/guide.png``: a drill guide on the shipped sample. ``python docs/draw_guide.py PLAN.json``.

The sample's shaft is a smooth tube on which no guide is made by default: the criteria of the seat are let down
for the picture.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.mesh import TriangleMesh
from corecore.exports.guide.design import Design
from corecore.exports.guide.make import make_guide
from corecore.exports.opened import open_for_export
from corecore.report import palette
from corecore.report.pictures.bodies import Body, darker
from corecore.report.pictures.camera import Camera
from corecore.report.pictures.plotter import PlotterRenderer
from corecore.report.pictures.surface import painted

TARGET = Path(__file__).resolve().parent / "images" / "guide.png"
SIZE, WIDTH_MM = 560, 105.0
GUIDE = "#5E8C61"


@dataclass(frozen=True, eq=False)
class LitBody(Body):
    """A body lit from one side: ``light`` (3,) points away from the lamp."""

    light: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def shade(self, into: FloatArray) -> FloatArray:
        return np.asarray(1.0 - np.clip(self.normals @ self.light, 0.0, 1.0))


def lit_body(mesh: TriangleMesh, light: FloatArray, color: str, opacity: float) -> LitBody:
    """A mesh with sharp edges, each triangle with corners of its own, lit from above the viewer's left shoulder."""
    corners = mesh.corners_mm.reshape(-1, 3)
    apart = TriangleMesh(corners, np.arange(len(corners)).reshape(-1, 3))
    return LitBody(apart, color, darker(color, 0.28), (opacity, opacity), light=tuple(light))


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
        ("lateral", lateral, 1.0, [femur, guide.mesh]),
        ("AP", front, 0.35, [femur, drill, guide.mesh]),
        ("oblique", lateral + front + 0.4 * up, 1.0, [femur, guide.mesh]),
        ("seat", -lateral - 0.25 * up + 0.1 * front, 1.0, [guide.mesh]),
    ]
    renderer, pictures, titles = PlotterRenderer(), [], []
    for title, away, bone, bodies in panels:
        into = -away / np.linalg.norm(away)
        above = up - (up @ into) * into
        above /= np.linalg.norm(above)
        axes = np.stack([np.cross(into, above), above, into])
        colors = {id(femur): (palette.BONE, bone), id(drill): (palette.TUNNEL, 1.0), id(guide.mesh): (GUIDE, 1.0)}
        if title == "AP":
            colors[id(guide.mesh)] = (GUIDE, 0.6)
        camera = Camera(title, entry, axes[0], axes[1], axes[2], WIDTH_MM, WIDTH_MM)
        light = np.array([-0.3, 0.45, -0.84]) @ axes
        lit = [lit_body(body, light, *colors[id(body)]) for body in bodies]
        pictures.append(painted(lit, renderer.surfaces(lit, camera, (SIZE, SIZE))))
        titles.append(title)
    figure, panes = plt.subplots(1, len(pictures), figsize=(3.3 * len(pictures), 3.6), layout="constrained")
    for pane, picture, title in zip(panes, pictures, titles, strict=True):
        pane.imshow(picture)
        pane.set_title(title, fontsize=11)
        pane.axis("off")
    figure.savefig(TARGET, dpi=130, metadata={"Software": None})


if __name__ == "__main__":
    main()
