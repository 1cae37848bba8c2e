"""Slices re-cut to a tunnel: two planes through its axis, and what a probe in it would see from entry to tip.

On the image where there is one, else on the mask painted grey. Bone, lesion and tunnels are outlined,
and the lines that the drill's wall must not cross stand inside the bone at each margin's distance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from contourpy import contour_generator
from scipy import ndimage

from corecore.base.grid import BoolArray, FloatArray, Image
from corecore.base.language import say
from corecore.base.limits import MARGINS
from corecore.document.fields import known
from corecore.report.captions import color_on_dark
from corecore.report.pictures.camera import direction_letters
from corecore.report.scene import DrawnTunnel, Scene
from corecore.report.svg import Drawing
from corecore.report.tissue import CANCELLOUS_HU, CORTEX_HU, Tissue, painted
from corecore.report.zones import margins, zones

#: Pixel of a slice, mm, and units of the drawing to a millimetre.
PIXEL_MM, UNITS_PER_MM = 0.4, 5.0
#: Pixel of a slice drawn while a tunnel is being moved, mm: a quarter of the work (engineering choice).
DRAFT_PIXEL_MM = 0.8
#: Room around head and entry in a slice, mm.
ROOM_MM = 10.0
#: Window of a CT, HU, and share of an MR left to saturate at either end (engineering choices).
CT_WINDOW_HU, MR_SATURATED = (-200.0, 1000.0), 0.01
#: Grey of what is painted where there is no image: beyond the bone, and the range from cancellous bone to cortex.
PAINTED_GREYS = (20, 110, 205)
#: Cross-sections in the strip, their width, mm, and where the first lies, mm from the entry.
STRIP_TILES, TILE_MM, STRIP_FIRST_MM = 8, 44.0, 4.0
#: Pixel of a strip beside the first, mm: half the letters of a page (engineering choice).
STRIP_PIXEL_MM = 0.6
#: Coronal sections through a focus lie so far apart, mm, and so many foci have their own.
FOCUS_STEP_MM, MOST_FOCI = 4.0, 4
#: Room between tiles, and for their titles, units.
TILE_GAP, TILE_TITLE = 6.0, 30.0
#: Marks along the axis every so many mm, and numbers at every second.
MARK_MM = 10.0
LABEL_SIZE, LETTER_SIZE, NUMBER_SIZE = 21.0, 30.0, 20.0
#: Half the square about entry and tip that no label covers, units.
END_FREE = 12.0
BONE, LESION, MARGIN, WORDS = "#F3EAD3", "#F5B830", "#9FE8B8", "#FFFFFF"


@dataclass(frozen=True, eq=False)
class Plane:
    """A rectangle in the patient, RAS mm: its middle, its unit vectors on the picture, and its size.

    ``right`` x ``up`` points at the onlooker.
    """

    title: str
    middle: FloatArray
    right: FloatArray
    up: FloatArray
    width_mm: float
    height_mm: float
    pixel_mm: float = PIXEL_MM

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its pixels."""
        return round(self.height_mm / self.pixel_mm), round(self.width_mm / self.pixel_mm)

    @property
    def corner(self) -> FloatArray:
        """Centre of the upper left pixel, (3,) mm."""
        rows, columns = self.shape
        across, above = 0.5 * (columns - 1) * self.pixel_mm, 0.5 * (rows - 1) * self.pixel_mm
        return np.asarray(self.middle - across * self.right + above * self.up, dtype=np.float64)

    def points(self) -> FloatArray:
        """Centres of the pixels, (rows, columns, 3) mm."""
        rows, columns = (np.arange(n) * self.pixel_mm for n in self.shape)
        return np.asarray(
            self.corner - rows[:, None, None] * self.up + columns[None, :, None] * self.right, dtype=np.float64
        )

    def cut(self, image: Image, outside: float) -> npt.NDArray[np.float32]:
        """The image in this plane, trilinear, (rows, columns)."""
        index_from_world = image.grid.index_from_world
        turn = index_from_world[:3, :3]
        down, across = turn @ (-self.pixel_mm * self.up), turn @ (self.pixel_mm * self.right)
        steps = np.stack([down, across, np.zeros(3)], axis=1)
        start = turn @ self.corner + index_from_world[:3, 3]
        values = ndimage.affine_transform(
            image.values, steps, start, output_shape=(*self.shape, 1), order=1, mode="constant", cval=outside
        )
        return np.asarray(values[:, :, 0], dtype=np.float32)

    def place(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Where world points (N, 3) fall on the drawing, (N, 2) units from its upper left corner."""
        offset = np.atleast_2d(np.asarray(points_mm, dtype=np.float64)) - self.middle
        x = 0.5 * self.width_mm + offset @ self.right
        y = 0.5 * self.height_mm - offset @ self.up
        return np.stack([x, y], axis=1) * UNITS_PER_MM


@dataclass(frozen=True, eq=False)
class Slices:
    """The slices along one tunnel: number and what they lie on, and three drawings with their captions.

    ``planes``: where the first two lie, which run along the tunnel.
    """

    number: int
    ground: str
    drawings: tuple[tuple[Drawing, str], ...]
    planes: tuple[Plane, ...] = ()


def slices(scene: Scene, tissue: Tissue, number: int | None = None, *, pixel_mm: float = PIXEL_MM) -> Slices | None:
    """The slices along a tunnel, by default the one with least room over its margins; ``None`` without a tunnel."""
    if not scene.tunnels:
        return None
    number = tightest(scene) if number is None else number
    tunnel = scene.tunnels[number]
    grey = _Grey(tissue)
    drawn, cut = [], []
    for plane, caption in planes(scene, tunnel):
        plane = replace(plane, pixel_mm=pixel_mm)
        cut.append(plane)
        drawing = Drawing(plane.width_mm * UNITS_PER_MM, plane.height_mm * UNITS_PER_MM, f"{plane.title}; {caption}")
        seen = _ground(drawing, scene, tissue, grey, plane)
        # The edges first: their letters stay where they are, and the other labels keep clear of them.
        _edges(drawing, scene, plane)
        several = len(scene.tunnels) > 1
        _axis(drawing, plane, tunnel, color_on_dark(scene, number), f"{number + 1}: " if several else "")
        ends = plane.place(np.stack([tunnel.entry, tunnel.tip]))
        _numbers(drawing, scene, {one: part for one, part in seen.items() if one != number}, ends[1] - ends[0])
        drawn.append((drawing, caption))
    drawn.append(_strip(scene, tissue, grey, tunnel, pixel_mm))
    if tissue.image is not None:
        ground = say("the image")
    else:
        ground = say("the mask in grey: {reason}", reason=say(str(tissue.why_painted)))
    return Slices(number + 1, ground, tuple(drawn), tuple(cut))


@dataclass(frozen=True, eq=False)
class Strip:
    """A row of sections of its own: of a tunnel (``number`` from 1), or of a focus."""

    kind: Literal["tunnel", "focus"]
    number: int
    drawing: Drawing
    caption: str


def strips(scene: Scene, tissue: Tissue, shown: int | None, *, pixel_mm: float = STRIP_PIXEL_MM) -> list[Strip]:
    """Sections along every tunnel but the one already ``shown`` (from 1), and through every focus of several."""
    grey, found = _Grey(tissue), []
    for number, tunnel in enumerate(scene.tunnels, start=1):
        if number != shown:
            drawing, caption = _strip(
                scene, tissue, grey, tunnel, pixel_mm, name=say("Tunnel {number}: ", number=number)
            )
            found.append(Strip("tunnel", number, drawing, caption))
    foci = scene.plan.necrosis.components
    for number, focus in enumerate(foci[:MOST_FOCI] if len(foci) > 1 else [], start=1):
        centroid = known(focus.centroid)
        if centroid is not None:
            drawing, caption = _focus_strip(
                scene, tissue, grey, np.asarray(centroid, dtype=np.float64), number, pixel_mm
            )
            found.append(Strip("focus", number, drawing, caption))
    return found


def _focus_strip(
    scene: Scene, tissue: Tissue, grey: _Grey, middle: FloatArray, number: int, pixel_mm: float
) -> tuple[Drawing, str]:
    """Coronal sections through a focus, from back to front, seen from the front as in AP."""
    up = scene.proximal
    right = np.cross(up, scene.anterior)
    size = TILE_MM * UNITS_PER_MM
    drawing = _tiles(say("Focus {number}: coronal sections through it, posterior to anterior", number=number))
    for place, at in enumerate(FOCUS_STEP_MM * (np.arange(STRIP_TILES) - 0.5 * (STRIP_TILES - 1))):
        plane = Plane(f"{at:+.0f} mm", middle + at * scene.anterior, right, up, TILE_MM, TILE_MM, pixel_mm)
        words = f"{abs(at):.0f} mm {say('anterior') if at > 0 else say('posterior')}"
        _tile(drawing, scene, tissue, grey, plane, place * (size + TILE_GAP), words, lettered=place == 0)
    return drawing, say("Coronal sections about the focus's centre, AP view; each 44 mm wide")


def tightest(scene: Scene) -> int:
    """Index of the tunnel with the least room over its margins, by the plan's figures."""
    spec = scene.plan.spec

    def room(tunnel: DrawnTunnel) -> float:
        told = tunnel.figures
        pairs = ((known(getattr(told, row.figure)), known(getattr(spec, row.key))) for row in MARGINS)
        return min((left - limit for left, limit in pairs if left is not None and limit is not None), default=np.inf)

    return int(np.argmin([room(tunnel) for tunnel in scene.tunnels]))


class FemurFrame(Protocol):
    """The femur's own axes and head, RAS mm: of a scene, or of a hip."""

    @property
    def head_center(self) -> FloatArray:
        """Centre of the head, (3,)."""

    @property
    def head_radius_mm(self) -> float:
        """Radius of the head's sphere."""

    @property
    def proximal(self) -> FloatArray:
        """Unit vector along the shaft, upwards."""

    @property
    def anterior(self) -> FloatArray:
        """Unit vector to the front."""

    @property
    def patient_right(self) -> FloatArray:
        """Unit vector to the patient's right."""


class DrillPath(Protocol):
    """A drilling path, RAS mm."""

    @property
    def entry(self) -> FloatArray:
        """Where it begins, (3,)."""

    @property
    def tip(self) -> FloatArray:
        """Where it ends, (3,)."""

    @property
    def direction(self) -> FloatArray:
        """Unit vector from entry to tip."""


def planes(scene: FemurFrame, tunnel: DrillPath) -> list[tuple[Plane, str]]:
    """The plane through the axis that stands upright, and the one through the axis across it."""
    way = tunnel.direction
    above = scene.proximal - (scene.proximal @ way) * way
    above = above / np.linalg.norm(above)
    toward = np.cross(way, above)
    if toward @ scene.anterior < 0:
        toward = -toward
    first = _around(scene, tunnel, say("Upright along the tunnel"), np.cross(scene.proximal, toward), scene.proximal)
    left = way if way @ scene.patient_right < 0 else -way
    second = _around(scene, tunnel, say("Level along the tunnel"), left, toward)
    return [(first, say("AP view; marks every 10 mm from the entry")), (second, say("Inferior view"))]


def _around(scene: FemurFrame, tunnel: DrillPath, title: str, right: FloatArray, up: FloatArray) -> Plane:
    """A plane through the tunnel that holds head and entry."""
    right, up = right / np.linalg.norm(right), up / np.linalg.norm(up)
    r = scene.head_radius_mm
    seen = [scene.head_center + r * (a * right + b * up) for a in (-1, 1) for b in (-1, 1)]
    seen += [tunnel.entry - 12.0 * tunnel.direction, tunnel.tip, tunnel.entry - 12.0 * up, tunnel.entry + 12.0 * up]
    offset = np.array(seen) - tunnel.entry
    flat = np.stack([offset @ right, offset @ up], axis=1)
    low, high = flat.min(axis=0) - ROOM_MM, flat.max(axis=0) + ROOM_MM
    middle = 0.5 * (low + high)
    center = tunnel.entry + middle[0] * right + middle[1] * up
    return Plane(title, center, right, up, float(high[0] - low[0]), float(high[1] - low[1]))


class _Grey:
    """Grey values of a plane: of the image by its window, else painted."""

    def __init__(self, tissue: Tissue) -> None:
        self.tissue, self.low, self.high = tissue, *CT_WINDOW_HU
        if tissue.image is not None and tissue.why_painted is not None:
            shares = (MR_SATURATED, 1.0 - MR_SATURATED)
            self.low, self.high = (float(v) for v in np.quantile(tissue.image.values[::2, ::2, ::2], shares))

    def of(self, plane: Plane, depth: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        if self.tissue.image is not None:
            values = plane.cut(self.tissue.image, self.low)
            share = (values - self.low) / max(self.high - self.low, 1e-6)
            return np.asarray(np.rint(255 * np.clip(share, 0, 1)), dtype=np.uint8)
        beyond, low, high = PAINTED_GREYS
        paint = painted(depth, plane.pixel_mm)
        share = np.clip((paint - CANCELLOUS_HU) / (CORTEX_HU - CANCELLOUS_HU), 0, 1)
        covered = np.clip(depth / plane.pixel_mm + 0.5, 0, 1)
        return np.asarray(np.rint(beyond + covered * (low - beyond + (high - low) * share)), dtype=np.uint8)


def _ground(
    drawing: Drawing, scene: Scene, tissue: Tissue, grey: _Grey, plane: Plane, at: tuple[float, float] = (0, 0)
) -> dict[int, FloatArray]:
    """The grey picture with its outlines, its upper left corner ``at`` on the drawing.

    Returns each tunnel's outline (N, 2) that is in it, by its number from 0.
    """
    depth, lesion = plane.cut(tissue.depth, -1000.0), plane.cut(tissue.lesion, 0.0)
    x, y = at
    box = (x, y, x + plane.width_mm * UNITS_PER_MM, y + plane.height_mm * UNITS_PER_MM)
    drawing.picture(grey.of(plane, depth), box)
    points = plane.points()
    head, quarter = zones(scene, points)
    joint, posterosuperior, cortical = margins(scene)

    def lines(values: npt.NDArray[Any], level: float, keep: BoolArray | None = None) -> list[FloatArray]:
        field = np.asarray(values, dtype=np.float64)
        seen = field if keep is None else field[keep]
        # Most tiles hold few of these lines: the level is looked for before the lines are traced.
        if not seen.size or not seen.min() <= level <= seen.max():
            return []
        shown = field if keep is None else np.ma.masked_array(field, ~keep)
        found = contour_generator(z=shown).lines(level)
        pixel = UNITS_PER_MM * plane.pixel_mm
        return [np.asarray(part) * pixel + 0.5 * pixel + np.array(at) for part in found]

    for margin, zone in ((cortical, ~head & ~quarter), (posterosuperior, quarter), (joint, head)):
        if margin is not None:
            for part in lines(depth, margin, zone):
                drawing.path(part, MARGIN, 1.4, dash=(6, 4))
    for part in lines(depth, 0.0):
        drawing.path(part, BONE, 1.4, halo="#000000")
    for part in lines(lesion, 0.5):
        drawing.path(part, LESION, 2.4, halo="#000000")
    seen: dict[int, FloatArray] = {}
    for number, tunnel in enumerate(scene.tunnels):
        for part in lines(_outside(tunnel, points), 0.0):
            drawing.path(part, color_on_dark(scene, number), 2.2, halo="#000000")
            seen[number] = part if number not in seen or len(part) > len(seen[number]) else seen[number]
    return seen


def _numbers(drawing: Drawing, scene: Scene, seen: Mapping[int, FloatArray], way: FloatArray | None = None) -> None:
    """Numbers of several tunnels beside their outlines in a plane; towards ``way`` (2,) where it is given."""
    if len(scene.tunnels) < 2:
        return
    for number, part in seen.items():
        at = part.mean(axis=0) if way is None else part[np.argmax(part @ way)]
        words, color = str(number + 1), color_on_dark(scene, number)
        drawing.label(at, words, size=NUMBER_SIZE, bold=True, gap=13.0, color=color, toward=way)


def _outside(tunnel: DrawnTunnel, points: FloatArray) -> FloatArray:
    """Distance beyond a tunnel's wall and ends (..., 3) mm, negative inside; right at the wall."""
    offset = points - tunnel.entry
    along = offset @ tunnel.direction
    across = np.linalg.norm(offset - along[..., None] * tunnel.direction, axis=-1)
    body, length = tunnel.body, tunnel.length_mm
    back = length - along
    beside = across - body.radius_at(back, length)
    return np.asarray(np.maximum(np.maximum(beside, body.front_mm - back), -along), dtype=np.float64)


def _axis(drawing: Drawing, plane: Plane, tunnel: DrawnTunnel, color: str, name: str) -> None:
    """The drill's axis with its depth in mm from the entry."""
    outside = tunnel.entry - 20.0 * tunnel.direction
    drawing.path(plane.place(np.stack([outside, tunnel.tip])), color, 1.0, dash=(14, 3, 2, 3))
    length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
    entry, tip = plane.place(np.stack([tunnel.entry, tunnel.tip]))
    way = (tip - entry) / np.linalg.norm(tip - entry)
    side = np.array([-way[1], way[0]])
    if side[1] < 0:
        side = -side
    half = 0.5 * tunnel.diameter_mm * UNITS_PER_MM
    for number in range(1, int(length / MARK_MM) + 1):
        at = entry + (number * MARK_MM * UNITS_PER_MM) * way
        drawing.path([at - 5 * side, at + 5 * side], WORDS, 1.4)
        if number % 2 == 0:
            x, y = at + (half + 20) * side
            drawing.text(x, y + 0.36 * LABEL_SIZE, f"{number * MARK_MM:g}", size=LABEL_SIZE - 3, anchor="middle")
    # A label on the tip would hide what it names.
    for end in (entry, tip):
        drawing.keep_free((end[0] - END_FREE, end[1] - END_FREE, end[0] + END_FREE, end[1] + END_FREE))
    drawing.label(entry, say("entry"), size=LABEL_SIZE, color=color, gap=14.0, toward=-way)
    told = name + say("tip {length:.1f} mm", length=length)
    drawing.label(tip, told, size=LABEL_SIZE, color=color, gap=14.0, bold=True, toward=way)


def _edges(drawing: Drawing, scene: Scene, plane: Plane) -> None:
    """Letters at the edges, and a ruler along the lower and the left one."""
    w, h = drawing.width, drawing.height
    for way, x, y, anchor in (
        (-plane.right, 14, h / 2 + 10, "start"),
        (plane.right, w - 12, h / 2 + 10, "end"),
        (plane.up, w / 2, 32, "middle"),
        (-plane.up, w / 2, h - 18, "middle"),
    ):
        drawing.text(x, y, direction_letters(scene, way), size=LETTER_SIZE, bold=True, anchor=anchor)
    for number in range(1, int(plane.width_mm / 10) + 1):
        x = number * 10 * UNITS_PER_MM
        drawing.path([(x, h), (x, h - (12 if number % 5 == 0 else 7))], WORDS, 1.4)
    for number in range(1, int(plane.height_mm / 10) + 1):
        y = h - number * 10 * UNITS_PER_MM
        drawing.path([(0, y), (12 if number % 5 == 0 else 7, y)], WORDS, 1.4)
    drawing.path([(18, h - 22), (18 + 10 * UNITS_PER_MM, h - 22)], WORDS, 4.0)
    drawing.text(18, h - 32, "10 mm", size=LABEL_SIZE - 2)


def _strip(
    scene: Scene, tissue: Tissue, grey: _Grey, tunnel: DrawnTunnel, pixel_mm: float, name: str = ""
) -> tuple[Drawing, str]:
    """Cross-sections from entry to tip, seen along the drill."""
    way = tunnel.direction
    up = scene.proximal - (scene.proximal @ way) * way
    up = up / np.linalg.norm(up)
    right = np.cross(way, up)
    length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
    size = TILE_MM * UNITS_PER_MM
    drawing = _tiles(name + say("Across the tunnel, from entry to tip, viewed along the drill"))
    for number, at in enumerate(np.linspace(STRIP_FIRST_MM, length, STRIP_TILES)):
        # The tip's own section would show no drill: just short of it.
        middle = tunnel.entry + min(at, length - 0.2) * way
        plane = Plane(f"{at:.0f} mm", middle, right, up, TILE_MM, TILE_MM, pixel_mm)
        words = say("{depth:.1f} mm, tip", depth=at) if number == STRIP_TILES - 1 else f"{at:.0f} mm"
        _tile(drawing, scene, tissue, grey, plane, number * (size + TILE_GAP), words, lettered=number == 0)
    return drawing, say("Across the tunnel at these depths from the entry, seen along the drill; each 44 mm wide")


def _tiles(title: str) -> Drawing:
    """A row for the sections of a strip."""
    size = TILE_MM * UNITS_PER_MM
    return Drawing(STRIP_TILES * (size + TILE_GAP) - TILE_GAP, size + TILE_TITLE, title)


def _tile(
    drawing: Drawing,
    scene: Scene,
    tissue: Tissue,
    grey: _Grey,
    plane: Plane,
    left: float,
    words: str,
    *,
    lettered: bool,
) -> None:
    """One section with its title; ``lettered``: with the patient's sides."""
    size = TILE_MM * UNITS_PER_MM
    seen = _ground(drawing, scene, tissue, grey, plane, (left, TILE_TITLE))
    middle, above = left + size / 2, TILE_TITLE - 8
    drawing.text(middle, above, words, size=22, bold=True, color="#111111", halo=None, anchor="middle")
    for vector, x, y, anchor in (
        ()
        if not lettered
        else (
            (-plane.right, left + 8, TILE_TITLE + size / 2 + 8, "start"),
            (plane.right, left + size - 8, TILE_TITLE + size / 2 + 8, "end"),
            (plane.up, middle, TILE_TITLE + 28, "middle"),
            (-plane.up, middle, TILE_TITLE + size - 12, "middle"),
        )
    ):
        drawing.text(x, y, direction_letters(scene, vector), size=24, bold=True, anchor=anchor)
    _numbers(drawing, scene, seen)
