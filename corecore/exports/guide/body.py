"""The guide's solid, in the seat's frame: a block on the bone, a sleeve for each drill, lettering.

Where a bore runs out through the seat at a slant it would leave an edge as thin as a blade. A ball
about the entry is therefore taken out, as wide as the wall there needs: its surface meets bore and
seat about square, and the hollow lets chips out and the drill's start be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.exports.guide.design import Design
from corecore.exports.guide.letters import PITCH, lettering
from corecore.exports.guide.seat import CORNER_MM, STEP_MM, Seat, without_fins
from corecore.exports.guide.solids import ball, cylinder, library, slab, under

#: Depth of the lettering, mm (engineering choice: six layers of 0.1 mm).
LETTER_DEPTH_MM = 0.6
#: What is planned over the least wall, mm: for the facets of round things.
WALL_SPARE_MM = 0.3
#: How far a sleeve stands out of the block at least, mm, so that a drill's stop meets the sleeve and not the block.
SLEEVE_OUT_MM = 2.0
#: Hollows nearer to each other than this are made one, mm: no fin is left between them.
HOLLOWS_APART_MM = 5.0
#: Least capital that the block is made high enough for on its front, mm, and lettering's distance from edges, mm.
FRONT_CAPITAL_MM, LETTER_EDGE_MM = 2.2, 1.5
#: Height of the strip kept free for lettering proximal of the sleeves, mm.
LETTERS_MM = 14.0
#: Parts of a guide smaller than this share of it are crumbs of the cutting, and dropped.
CRUMB = 0.005


@dataclass(frozen=True, eq=False)
class Sleeve:
    """A sleeve to be: seat's frame, mm. ``outward`` is a unit vector from the entry along the drill."""

    number: int
    entry: FloatArray
    outward: FloatArray
    bore_mm: float
    drill_mm: float
    sine: float
    tunnel_mm: float

    def hollow_mm(self, design: Design) -> float:
        """Radius of the hollow about the entry."""
        return (self.bore_mm / 2.0 + design.wall_min_mm + WALL_SPARE_MM) / self.sine

    def outer_mm(self, design: Design) -> float:
        """Radius of the sleeve's outside."""
        return self.bore_mm / 2.0 + design.sleeve_wall_mm

    def least_mm(self, design: Design, block_top_mm: float) -> float:
        """From the entry to the sleeve's top, along the drill, at least."""
        rise = max(float(self.outward[2]), 1e-3)
        lean = float(np.sqrt(max(0.0, 1.0 - rise**2)))
        clear = (block_top_mm + SLEEVE_OUT_MM + self.outer_mm(design) * lean - float(self.entry[2])) / rise
        return max(self.hollow_mm(design) + design.guided_mm, clear)


def stop_mm(sleeves: Sequence[Sleeve], design: Design, block_top_mm: float) -> float:
    """Length of drill from a sleeve's top to its tunnel's tip, one for all sleeves, so that none can be mistaken."""
    longest = max(sleeve.least_mm(design, block_top_mm) + sleeve.tunnel_mm for sleeve in sleeves)
    step = design.stop_step_mm
    return longest if step <= 0.0 else float(np.ceil(longest / step - 1e-9) * step)


def block_top_mm(seat: Seat, sleeves: Sequence[Sleeve], design: Design, front_lines: int) -> float:
    """Height of the block: over the highest bone, over every hollow, and so that its front can be read."""
    hollows = [float(s.entry[2]) + s.hollow_mm(design) + design.wall_min_mm + WALL_SPARE_MM for s in sleeves]
    letters = _front(seat)[2] + FRONT_CAPITAL_MM * (PITCH * (front_lines - 1) + 1.0) + LETTER_EDGE_MM
    return max(seat.top_of_bone_mm + design.plate_mm, letters, *hollows)


def _front(seat: Seat) -> tuple[float, float, float]:
    """Where the front wall takes lettering: from and to along y, and the height it begins at."""
    low, high = CORNER_MM + 1.0 - seat.distal_mm, seat.proximal_mm - CORNER_MM - 1.0
    return low, high, seat.rim_mm(seat.front, low, high) + LETTER_EDGE_MM


def plain_body(seat: Seat, sleeves: Sequence[Sleeve], design: Design, top: float) -> Any:
    """The guide without lettering, its block up to height ``top``. Raises ``InputError`` where it falls apart."""
    stop = stop_mm(sleeves, design, top)
    solid = slab(seat.half_width_mm, -seat.distal_mm, seat.proximal_mm, seat.floor_mm - 1.0, top, CORNER_MM)
    bores = []
    for sleeve in sleeves:
        end = sleeve.entry + (stop - sleeve.tunnel_mm) * sleeve.outward
        solid = solid + cylinder(sleeve.entry, end, sleeve.outer_mm(design))
        bores.append(cylinder(sleeve.entry - 5.0 * sleeve.outward, end + 1.0 * sleeve.outward, sleeve.bore_mm / 2.0))
    solid = solid - _bone(seat, sleeves, design, solid)
    for part in [*_hollows(sleeves, design), *bores]:
        solid = solid - part
    return _one(solid)


@dataclass(frozen=True)
class Lettering:
    """Engraved on the top, proximal of the sleeves, and on the front wall; ``capital_mm`` is the least capital."""

    top: tuple[str, ...]
    front: tuple[str, ...]
    capital_mm: float = 0.0


def lettered(
    solid: Any, seat: Seat, sleeves: Sequence[Sleeve], design: Design, top: float, text: Lettering
) -> tuple[Any, Lettering]:
    """The guide with its lettering engraved, and the lettering with its size."""
    low, high = sleeves_end_mm(sleeves, design, top) + LETTER_EDGE_MM, seat.proximal_mm - 2.5
    section, first = lettering(text.top, 2.0 * (seat.half_width_mm - 2.5), high - low)
    engraved = section.extrude(2.0 * LETTER_DEPTH_MM)
    solid = solid - engraved.translate((0.0, 0.5 * (low + high), top - LETTER_DEPTH_MM))

    # On the front wall, read with the bone below: across runs proximally or distally, up runs outward.
    side = seat.front
    y0, y1, foot = _front(seat)
    section, second = lettering(text.front, y1 - y0, top - LETTER_EDGE_MM - foot)
    axes = np.array([[0.0, 0.0, side], [side, 0.0, 0.0], [0.0, 1.0, 0.0]])
    place = np.array(
        [side * (seat.half_width_mm - LETTER_DEPTH_MM), 0.5 * (y0 + y1), 0.5 * (foot + top - LETTER_EDGE_MM)]
    )
    engraved = section.extrude(2.0 * LETTER_DEPTH_MM).transform(np.column_stack([axes, place]))
    return solid - engraved, replace(text, capital_mm=min(first, second))


def sleeves_end_mm(sleeves: Sequence[Sleeve], design: Design, top_mm: float) -> float:
    """How far proximally the sleeves reach where they leave the block's top."""
    ends = []
    for sleeve in sleeves:
        rise = max(float(sleeve.outward[2]), 1e-3)
        middle = sleeve.entry + (top_mm - float(sleeve.entry[2])) / rise * sleeve.outward
        ends.append(float(middle[1]) + sleeve.outer_mm(design) / rise)
    return max(ends)


def room_mm(sleeves: Sequence[Sleeve], design: Design) -> float:
    """How far about the origin the footprint must reach to hold hollows and sleeves' feet."""
    reach = [float(np.hypot(*s.entry[:2])) + max(s.hollow_mm(design), s.outer_mm(design) / s.sine) for s in sleeves]
    return max(reach) + design.wall_min_mm + 2.0


def _bone(seat: Seat, sleeves: Sequence[Sleeve], design: Design, solid: Any) -> Any:
    """The bone under the seat as far as the guide reaches, and ribs too thin for a wall between it and a hollow."""
    x0, y0, _, x1, y1, _ = solid.bounding_box()
    i = (seat.x > x0 - 2.0) & (seat.x < x1 + 2.0)
    j = (seat.y > y0 - 2.0) & (seat.y < y1 + 2.0)
    if x0 < seat.x[0] or x1 > seat.x[-1] or y0 < seat.y[0] or y1 > seat.y[-1]:
        raise InputError(
            "the sleeves lean so far that they leave the bone's map; a shorter guided_mm is accepted",
            code="guide-unbuildable",
        )
    heights = seat.heights[np.ix_(i, j)]
    a, b = np.meshgrid(seat.x[i], seat.y[j], indexing="ij")
    for sleeve in sleeves:
        # A step smaller than the hollow: between two points of the field its side may not stand out of it.
        rest = (sleeve.hollow_mm(design) - STEP_MM) ** 2 - (a - sleeve.entry[0]) ** 2 - (b - sleeve.entry[1]) ** 2
        dome = float(sleeve.entry[2]) + np.sqrt(np.maximum(rest, 0.0))
        heights = np.where(rest > 0.0, np.maximum(heights, dome), heights)
    return under(seat.x[i], seat.y[j], without_fins(heights, design), seat.floor_mm - 40.0)


def _hollows(sleeves: Sequence[Sleeve], design: Design) -> list[Any]:
    groups: list[list[Sleeve]] = []
    for sleeve in sleeves:
        near = [group for group in groups if any(_apart(sleeve, other, design) for other in group)]
        merged = [sleeve, *(other for group in near for other in group)]
        groups = [group for group in groups if group not in near] + [merged]
    return [library().Manifold.batch_hull([ball(s.entry, s.hollow_mm(design)) for s in group]) for group in groups]


def _apart(one: Sleeve, other: Sleeve, design: Design) -> bool:
    """Whether two hollows come too near to be two."""
    gap = float(np.linalg.norm(one.entry - other.entry)) - one.hollow_mm(design) - other.hollow_mm(design)
    return gap < HOLLOWS_APART_MM


def _one(solid: Any) -> Any:
    """The solid in one piece, without crumbs."""
    parts = sorted(solid.decompose(), key=lambda part: -part.volume())
    if not parts:
        raise InputError(
            "nothing is left of the guide where the bone and the drills are taken out", code="guide-unbuildable"
        )
    if len(parts) > 1 and parts[1].volume() > CRUMB * parts[0].volume():
        raise InputError(
            f"the guide falls into {len(parts)} parts; sleeves on one block are accepted (--tunnel N)",
            code="guide-unbuildable",
        )
    return parts[0]
