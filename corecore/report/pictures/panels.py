"""One panel of the picture: the painted bone, and over it in mm what needs no depth."""

from __future__ import annotations

from typing import Any

import numpy as np

from corecore.base.grid import FloatArray
from corecore.report import captions, palette
from corecore.report.pictures.camera import Camera, edge_letters
from corecore.report.pictures.cap import cap_outline
from corecore.report.pictures.surface import Picture
from corecore.report.scene import DrawnTunnel, Scene

#: Dashes of the lines, told apart without colour too.
SHAFT_DASHES = (0, (9, 3))
NECK_DASHES = (0, (6, 2, 1.5, 2))
HEAD_DASHES = (0, (2, 2))
#: Length of the arrow that points at a single tunnel's entry, mm.
ARROW_MM = 16.0
#: How far beyond a tip its number stands, and how near two numbers may come, mm.
NUMBER_MM = 4.0
NUMBER_APART_MM = 6.0


def draw_panel(axes: Any, scene: Scene, camera: Camera, picture: Picture, *, along: bool) -> None:
    """Draws one view into matplotlib axes."""
    half_w, half_h = camera.width_mm / 2, camera.height_mm / 2
    axes.imshow(picture, extent=(-half_w, half_w, -half_h, half_h), interpolation="nearest", zorder=0)
    axes.set_xlim(-half_w, half_w)
    axes.set_ylim(-half_h, half_h)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(palette.FAINT_INK)
    axes.set_title(camera.title, fontsize=11.5, color=palette.INK, pad=5)

    head = camera.project(scene.head_center[None])[0]
    turn = np.linspace(0, 2 * np.pi, 121)
    r = scene.head_radius_mm
    axes.plot(head[0] + r * np.cos(turn), head[1] + r * np.sin(turn), color=palette.HEAD, lw=1.1, ls=HEAD_DASHES)
    axes.plot(head[0], head[1], marker="+", ms=9, mew=1.4, color=palette.HEAD)
    _cap(axes, scene, camera)
    if not along:
        point, axis = scene.shaft_line
        _axis_line(axes, camera, point, axis, palette.SHAFT, SHAFT_DASHES)
        _axis_line(axes, camera, scene.head_center, scene.neck_axis, palette.NECK, NECK_DASHES)
    for number, tunnel in enumerate(scene.tunnels):
        _tunnel_marks(axes, scene, camera, tunnel, captions.color_of(scene, number), along=along)
    if len(scene.tunnels) > 1:
        _numbers(axes, scene, camera)
    _edges(axes, camera, edge_letters(scene, camera))
    _scale_bar(axes, camera)


def _cap(axes: Any, scene: Scene, camera: Camera) -> None:
    """The loaded cap's edge: solid where it faces the onlooker, thin behind the head."""
    outline = cap_outline(scene)
    if outline is None:
        return
    place = camera.project(outline)
    behind = place[:, 2] > camera.project(scene.head_center[None])[0, 2]
    axes.plot(place[:, 0], place[:, 1], color=palette.CAP, lw=0.8, alpha=0.55, zorder=2)
    front = np.where(behind[:, None], np.nan, place)
    axes.plot(front[:, 0], front[:, 1], color="white", lw=3.4, alpha=0.8, zorder=2.2)
    axes.plot(front[:, 0], front[:, 1], color=palette.CAP, lw=1.8, zorder=2.3)


def _axis_line(axes: Any, camera: Camera, point: FloatArray, axis: FloatArray, color: str, dashes: Any) -> None:
    ends = camera.project(np.stack([point - 400 * axis, point + 400 * axis]))
    axes.plot(ends[:, 0], ends[:, 1], color="white", lw=3.0, alpha=0.6, zorder=2)
    axes.plot(ends[:, 0], ends[:, 1], color=color, lw=1.5, ls=dashes, zorder=2.1)


def _tunnel_marks(axes: Any, scene: Scene, camera: Camera, tunnel: DrawnTunnel, color: str, *, along: bool) -> None:
    """Where the drill goes in."""
    entry, tip = camera.project(np.stack([tunnel.entry, tunnel.tip]))
    several = len(scene.tunnels) > 1
    if along:
        axes.add_patch(_circle(entry[:2], tunnel.diameter_mm / 2, color))
        axes.plot(tip[0], tip[1], marker="+", ms=8, mew=1.6, color=color, zorder=5)
        return
    if not several:
        outward = camera.project((tunnel.entry - ARROW_MM * tunnel.direction)[None])[0]
        arrow = {"arrowstyle": "-|>", "color": color, "lw": 2.0, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 16}
        axes.annotate("", xy=entry[:2], xytext=outward[:2], zorder=5, arrowprops=arrow)
    axes.plot(entry[0], entry[1], marker="o", ms=5 if several else 7, mfc="white", mec=color, mew=2.0, zorder=6)


def _numbers(axes: Any, scene: Scene, camera: Camera) -> None:
    """The tunnels' numbers beyond their tips, where a fan has spread; numbers that would overlap share a label."""
    labels: list[tuple[FloatArray, list[str]]] = []
    for number, tunnel in enumerate(scene.tunnels, start=1):
        entry, tip = camera.project(np.stack([tunnel.entry, tunnel.tip]))
        place = tip[:2] - NUMBER_MM * _away(entry, tip)
        for at, numbers in labels:
            if np.linalg.norm(at - place) < NUMBER_APART_MM:
                numbers.append(str(number))
                break
        else:
            labels.append((place, [str(number)]))
    room = np.array([camera.width_mm, camera.height_mm]) / 2 - 4.0
    box = {"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.85}
    for at, numbers in labels:
        x, y = np.clip(at, -room, room)
        style = {"fontsize": 8.5, "fontweight": "bold", "ha": "center", "va": "center", "zorder": 7, "bbox": box}
        ink = captions.color_of(scene, int(numbers[0]) - 1) if len(numbers) == 1 else palette.INK
        axes.text(x, y, " ".join(numbers), color=ink, **style)


def _circle(center: FloatArray, radius: float, color: str) -> Any:
    """An open circle as matplotlib draws it."""
    from matplotlib.patches import Circle

    return Circle((float(center[0]), float(center[1])), radius, fill=False, ec=color, lw=2.2, zorder=5)


def _away(entry: FloatArray, tip: FloatArray) -> FloatArray:
    way = entry[:2] - tip[:2]
    length = float(np.linalg.norm(way))
    return way / length if length > 1e-6 else np.array([0.0, 1.0])


def _edges(axes: Any, camera: Camera, letters: dict[str, str]) -> None:
    places = {"left": (0.015, 0.5, "left"), "right": (0.985, 0.5, "right"), "top": (0.5, 0.975, "center")}
    places["bottom"] = (0.5, 0.025, "center")
    for edge, (x, y, align) in places.items():
        vertical = {"top": "top", "bottom": "bottom"}.get(edge, "center")
        axes.text(
            x,
            y,
            letters[edge],
            transform=axes.transAxes,
            ha=align,
            va=vertical,
            fontsize=15,
            fontweight="bold",
            color=palette.INK,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.85},
            zorder=8,
        )


def _scale_bar(axes: Any, camera: Camera) -> None:
    length = 20.0 if camera.width_mm > 60 else 10.0
    x, y = -camera.width_mm / 2 + 0.04 * camera.width_mm, -camera.height_mm / 2 + 0.035 * camera.height_mm
    axes.plot([x, x + length], [y, y], color=palette.INK, lw=3.5, solid_capstyle="butt", zorder=8)
    axes.text(
        x + length / 2,
        y + 0.012 * camera.height_mm,
        f"{length:g} mm",
        ha="center",
        va="bottom",
        fontsize=9,
        color=palette.INK,
        zorder=8,
        bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.85},
    )
