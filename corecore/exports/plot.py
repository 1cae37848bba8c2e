"""The interactive picture: blocks of a hip or a plan on a PyVista plotter.

Bodies are drawn from the inside outwards, each without its back faces: tunnels, then the lesion, then the femur. So
translucent bodies blend as they should without depth peeling, which blanks them under software OpenGL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyvista as pv

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.report import palette

View = Literal["ap", "lateral", "tunnel"]
VIEWS: tuple[View, ...] = ("ap", "lateral", "tunnel")

#: Pixels of the window.
WINDOW_SIZE = (1150, 900)
#: Share of the window's width at its right that is left to words.
PANEL_SHARE = 0.3
#: How far away the camera stands, mm: outlines are looked for from its place, and the projection is parallel.
AWAY_MM = 5000.0
#: Opacities; those of tunnels let the lesion behind them be seen (engineering choices, judged by eye).
FEMUR_OPACITY, LESION_OPACITY, TUNNEL_OPACITY, ALONG_OPACITY = 0.32, 0.55, 1.0, 0.45
#: Triangles of the femur on the screen at most: smooth without a graphics card.
FEMUR_TRIANGLES = 60_000
#: How far below the head's centre the view reaches, and its border, mm.
BELOW_HEAD_MM, BORDER_MM = 85.0, 12.0
#: Directions closer to the line of sight than this cosine have no letter: it would lie in the middle of the picture.
ALONG_SIGHT = 0.8
#: How far outside its entry hole the word stands, mm.
ENTRY_LABEL_MM = 6.0
#: How far beyond its tip the number of one of several tunnels stands, mm.
NUMBER_MM = 3.0
#: Numbers nearer to each other than this share a label, pixels times two: about twice a letter's height.
NUMBER_APART = 2 * 44.0
#: Length of the scale, mm.
SCALE_MM = 20.0


@dataclass(frozen=True, eq=False)
class _Camera:
    """A parallel camera: its middle, where it looks, what is up, and half the height in view, mm."""

    middle: FloatArray
    into: FloatArray
    up: FloatArray
    half_height_mm: float

    @property
    def right(self) -> FloatArray:
        return np.asarray(np.cross(self.into, self.up), dtype=np.float64)


def plotter_of(
    blocks: pv.MultiBlock,
    *,
    view: View = "ap",
    off_screen: bool | None = None,
    window_size: tuple[int, int] = WINDOW_SIZE,
    **options: Any,
) -> pv.Plotter:
    """A plotter with the scene in it, to which a caller may add.

    Parameters
    ----------
    blocks : pyvista.MultiBlock
        Of ``hip_blocks`` or ``plan_blocks``.
    view : {"ap", "lateral", "tunnel"}, default "ap"
        AP view, lateral view, or along the first tunnel (without one, along the neck); the femur's own
        frame decides, not the scanner's.
    off_screen : bool, optional
        Draw without a window. Default: PyVista's own setting.
    window_size : tuple of int, default (1150, 900)
        Width and height, pixels.
    **options
        Further ones of ``pyvista.Plotter``.

    Returns
    -------
    pyvista.Plotter
        Ready to be shown; the projection is parallel.

    Raises
    ------
    InputError
        For an unknown view, and for blocks that are of no hip.
    """
    if view not in VIEWS:
        raise InputError(f"view {view!r}; {', '.join(VIEWS)} are accepted", code="option-value")
    if "femur" not in set(blocks.keys()) or "lateral" not in set(blocks.field_data.keys()):
        raise InputError(
            "blocks without a femur and its frame; those of hip_blocks or plan_blocks are accepted", code="option-value"
        )
    camera = _camera(blocks, view, _aspect(window_size))
    plotter = pv.Plotter(off_screen=off_screen, window_size=[*window_size], **options)
    plotter.set_background("white")
    _bodies(plotter, blocks, along=view == "tunnel")
    _lines(plotter, blocks)
    _letters(plotter, blocks, camera, along=view == "tunnel")
    _scale(plotter, camera)
    _words(plotter, blocks)
    plotter.camera.parallel_projection = True
    plotter.camera.focal_point = tuple(camera.middle)
    plotter.camera.position = tuple(camera.middle - AWAY_MM * camera.into)
    plotter.camera.up = tuple(camera.up)
    # The scene stands left of the words, and turns about its own middle.
    plotter.camera.SetWindowCenter(PANEL_SHARE, 0.0)
    plotter.camera.parallel_scale = camera.half_height_mm
    plotter.renderer.reset_camera_clipping_range()
    return plotter


def plot(
    blocks: pv.MultiBlock,
    *,
    view: View = "ap",
    off_screen: bool | None = None,
    screenshot: str | Path | bool | None = None,
    jupyter_backend: str | None = None,
    window_size: tuple[int, int] = WINDOW_SIZE,
    **show: Any,
) -> Any:
    """Show the scene in a window or a notebook, or write it as a picture.

    Parameters
    ----------
    blocks : pyvista.MultiBlock
        Of ``hip_blocks`` or ``plan_blocks``.
    view : {"ap", "lateral", "tunnel"}, default "ap"
        AP view, lateral view, or along the first tunnel.
    off_screen : bool, optional
        Draw without a window. Default: PyVista's own setting.
    screenshot : str, pathlib.Path or bool, optional
        Where to write the picture; ``True`` returns it as an array.
    jupyter_backend : str, optional
        PyVista's: ``"trame"``, ``"html"``, ``"static"``, ``"none"``.
    window_size : tuple of int, default (1150, 900)
        Width and height, pixels.
    **show
        Further arguments of ``pyvista.Plotter.show``.

    Returns
    -------
    object
        What ``pyvista.Plotter.show`` returns: ``None``, a notebook's widget, or the picture (height, width, 3) uint8.

    Raises
    ------
    InputError
        For an unknown view, and for blocks that are of no hip.
    """
    plotter = plotter_of(blocks, view=view, off_screen=off_screen, window_size=window_size)
    return plotter.show(screenshot=screenshot, jupyter_backend=jupyter_backend, **show)


def _aspect(window_size: Sequence[int]) -> float:
    """Width over height of what the scene has of a window."""
    return (1.0 - PANEL_SHARE) * window_size[0] / window_size[1]


def _text(blocks: pv.DataObject, name: str) -> str:
    return str(blocks.field_data[name][0]) if name in set(blocks.field_data.keys()) else ""


def _vector(blocks: pv.MultiBlock, name: str) -> FloatArray:
    return np.asarray(blocks.field_data[name], dtype=np.float64)


def _named(blocks: pv.MultiBlock, start: str, end: str = "") -> dict[str, pv.PolyData]:
    return {name: blocks[name] for name in [*blocks.keys()] if name.startswith(start) and name.endswith(end)}


def _drilled(blocks: pv.MultiBlock) -> dict[str, pv.PolyData]:
    """Bodies of tunnels and cavities."""
    bodies = {**_named(blocks, "tunnel "), **_named(blocks, "cavity ")}
    return {name: mesh for name, mesh in bodies.items() if not name.endswith("axis")}


def _axes(blocks: pv.MultiBlock) -> list[FloatArray]:
    """Entry and tip (2, 3) of each tunnel."""
    return [np.asarray(mesh.points, dtype=np.float64) for mesh in _named(blocks, "tunnel ", " axis").values()]


def _camera(blocks: pv.MultiBlock, view: View, aspect: float) -> _Camera:
    center, radius = _vector(blocks, "head_center"), float(blocks.field_data["head_radius_mm"][0])
    lateral, front, up = (_vector(blocks, name) for name in ("lateral", "anterior", "proximal"))
    axes = _axes(blocks)
    if view == "tunnel":
        ends = axes[0] if axes else np.asarray(blocks["neck axis"].points, dtype=np.float64)
        into = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        above = up - (up @ into) * into
        return _Camera(center, into, above / np.linalg.norm(above), 1.9 * radius / min(aspect, 1.0))
    into = -front if view == "ap" else -lateral
    right = np.cross(into, up)
    femur = np.asarray(blocks["femur"].points, dtype=np.float64)
    near = femur[(femur - center) @ up > -BELOW_HEAD_MM]
    seen = np.concatenate([near, *axes])
    across, above = seen @ right, seen @ up
    middle = 0.5 * ((across.max() + across.min()) * right + (above.max() + above.min()) * up) + (center @ into) * into
    half = 0.5 * max(np.ptp(above), np.ptp(across) / aspect) + BORDER_MM
    return _Camera(np.asarray(middle), into, up, float(half))


def _bodies(plotter: pv.Plotter, blocks: pv.MultiBlock, *, along: bool) -> None:
    """From the inside outwards, as the blending of translucent bodies needs it."""
    for name, mesh in _drilled(blocks).items():
        opacity = ALONG_OPACITY if along else TUNNEL_OPACITY
        plotter.add_mesh(mesh, scalars="rgb", rgb=True, opacity=opacity, culling="back", name=name)
    foci = _named(blocks, "focus ") or {"lesion": blocks["lesion"]}
    for name, mesh in foci.items():
        color = _text(mesh, "color")
        plotter.add_mesh(mesh, color=color, opacity=LESION_OPACITY, culling="back", smooth_shading=True, name=name)
    femur = blocks["femur"]
    if femur.n_cells > FEMUR_TRIANGLES:
        femur = femur.decimate(1.0 - FEMUR_TRIANGLES / femur.n_cells, volume_preservation=True)
    rim = {"color": palette.BONE_EDGE, "line_width": 1.5, "decimate": 0.85}
    plotter.add_mesh(
        femur, color=palette.BONE, opacity=FEMUR_OPACITY, culling="back", smooth_shading=True, silhouette=rim,
        name="femur",
    )  # fmt: skip


def _lines(plotter: pv.Plotter, blocks: pv.MultiBlock) -> None:
    for name, width in (("weight-bearing zone", 3), ("neck axis", 2), ("shaft axis", 2)):
        plotter.add_mesh(blocks[name], color=_text(blocks[name], "color"), line_width=width, name=name)


def _letters(plotter: pv.Plotter, blocks: pv.MultiBlock, camera: _Camera, *, along: bool) -> None:
    """R L A P S I about the bone, in the femur's frame: they turn with the scene."""
    lateral, front, up = (_vector(blocks, name) for name in ("lateral", "anterior", "proximal"))
    right = lateral if _text(blocks, "side") == "right" else -lateral
    half_height = camera.half_height_mm
    half_width = half_height * _aspect(plotter.window_size)
    places, letters = [], []
    for axis, plus, minus in ((right, "R", "L"), (front, "A", "P"), (up, "S", "I")):
        if abs(axis @ camera.into) > ALONG_SIGHT:
            continue
        # To the picture's edge along this direction.
        reach = 0.89 / max(abs(axis @ camera.right) / half_width, abs(axis @ camera.up) / half_height)
        for sign, letter in ((1.0, plus), (-1.0, minus)):
            places.append(camera.middle + sign * reach * axis)
            letters.append(letter)
    _labels(plotter, np.array(places), letters, name="sides", font_size=22)
    numbers = _numbers(_axes(blocks), camera, camera.half_height_mm * NUMBER_APART / plotter.window_size[1])
    if len(_axes(blocks)) > 1:
        _labels(
            plotter, np.array([at for at, _ in numbers]), [text for _, text in numbers], name="numbers", font_size=16
        )
    # Below the entry hole and a little outside the bone, where neither tunnel nor a side's letter stands.
    outside = [
        ends[0] - 0.8 * ENTRY_LABEL_MM * up - ENTRY_LABEL_MM * (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        for ends in _axes(blocks)
    ]
    if len(outside) == 1 and not along:
        _labels(plotter, np.array(outside), ["entry"], name="entries", font_size=14)


def _numbers(axes: list[FloatArray], camera: _Camera, apart_mm: float) -> list[tuple[FloatArray, str]]:
    """Each tunnel's number beyond its tip; numbers that would hide one another as they are seen share a label."""
    across = np.eye(3) - np.outer(camera.into, camera.into)
    found: list[tuple[FloatArray, str]] = []
    for number, ends in enumerate(axes, start=1):
        place = ends[1] + NUMBER_MM * (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        for index, (at, text) in enumerate(found):
            # A label that is shared is as much wider.
            if np.linalg.norm(across @ (at - place)) < apart_mm * (1.0 + 0.5 * text.count(" ")):
                found[index] = at, f"{text} {number}"
                break
        else:
            found.append((place, str(number)))
    return found


def _labels(plotter: pv.Plotter, places: FloatArray, texts: list[str], *, name: str, font_size: int) -> None:
    if not len(places):
        return
    plotter.add_point_labels(
        places, texts, name=name, font_size=font_size, text_color=palette.INK, bold=True, shape=None, show_points=False,
        always_visible=True, justification_horizontal="center", justification_vertical="center",
    )  # fmt: skip


def _scale(plotter: pv.Plotter, camera: _Camera) -> None:
    """Twenty millimetres at the lower edge: a body of the scene, so that it zooms with it."""
    half_width = camera.half_height_mm * _aspect(plotter.window_size)
    start = camera.middle - 0.94 * half_width * camera.right - 0.93 * camera.half_height_mm * camera.up
    ends = np.stack([start, start + SCALE_MM * camera.right])
    plotter.add_mesh(pv.lines_from_points(ends), color=palette.INK, line_width=5, name="scale")
    above = ends.mean(axis=0) + 0.03 * camera.half_height_mm * camera.up
    _labels(plotter, above[None], [f"{SCALE_MM:g} mm"], name="scale words", font_size=14)


def _words(plotter: pv.Plotter, blocks: pv.MultiBlock) -> None:
    """Whose hip and which plan, and what the colours are."""
    parts = [f"{_text(blocks, 'side').upper()} HIP", _text(blocks, "case_id")]
    digest, status = _text(blocks, "plan_hash"), _text(blocks, "status")
    if digest:
        parts.append(f"plan {digest[:8]}, {status}")
    broken = _text(blocks, "limits_broken")
    if broken:
        parts.append("EXCEEDS LIMITS")
    color = palette.VIOLATION if broken else palette.INK
    left, small = 1.0 - PANEL_SHARE + 0.01, 7
    plotter.add_text("\n".join(parts), position=(left, 0.86), viewport=True, font_size=10, color=color, name="who")
    rows = _legend(blocks)
    plotter.add_legend(
        [[name, color] for name, color in rows.items()], bcolor=None, border=False, face="rectangle",
        loc="center right", size=(0.85 * PANEL_SHARE, 0.035 * len(rows)),
    )  # fmt: skip
    notice = _text(blocks, "notice").replace("; ", "\n")
    plotter.add_text(
        f"letters: the patient's sides,\nin the femur's frame\n{notice}", position=(left, 0.03), viewport=True,
        font_size=small, color=palette.FAINT_INK, name="notice",
    )  # fmt: skip


def _legend(blocks: pv.MultiBlock) -> Mapping[str, str]:
    """What each colour means."""
    foci = _named(blocks, "focus ") or {"necrosis": blocks["lesion"]}
    rows = {"femur": palette.BONE_EDGE, **{name: _text(mesh, "color") for name, mesh in foci.items()}}
    drilled = _drilled(blocks)
    if drilled and _text(blocks, "limits_broken"):
        rows["tunnel, exceeds limits"] = palette.VIOLATION
    elif drilled:
        rows |= {
            "tunnel": palette.TUNNEL, "within 2 mm of a margin": palette.TUNNEL_NEAR,
            "entry hole": palette.TUNNEL_PORTAL,
        }  # fmt: skip
    names = ("weight-bearing zone", "neck axis", "shaft axis")
    return {**rows, **{name: _text(blocks[name], "color") for name in names}}


class BlocksAccessor:
    """``blocks.corecore``: what corecore adds to PyVista's blocks, where PyVista knows accessors (0.48)."""

    def __init__(self, blocks: pv.MultiBlock) -> None:
        self._blocks = blocks

    def plot(self, **options: Any) -> Any:
        """Show the scene: ``corecore.exports.plot.plot``."""
        return plot(self._blocks, **options)

    def plotter(self, **options: Any) -> pv.Plotter:
        """The scene on a plotter: ``corecore.exports.plot.plotter_of``."""
        return plotter_of(self._blocks, **options)


if hasattr(pv, "register_dataset_accessor"):
    pv.register_dataset_accessor("corecore", pv.MultiBlock)(BlocksAccessor)
