"""Simulated fluoroscopy: what the C-arm would show of a plan, with the drill on it and the figures to hold it by.

Ray sums from a point source through the CT, or through the mask painted with stock densities where
there is none. Brightness is the sum of density above soft tissue: no scatter, no detector, no table.
One convention: as one looks at the patient, the patient's right on the picture's left from the front,
letters at every edge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from corecore.base.errors import InputError
from corecore.base.grid import WORLD_EXTENT_MM, FloatArray, across_axes, transform
from corecore.base.language import say
from corecore.base.parallel import in_parts
from corecore.document.fields import known
from corecore.report import captions
from corecore.report.c_arm import CArm, anteroposterior, frog_leg, in_profile, stance_words
from corecore.report.pictures.camera import direction_letters
from corecore.report.rays import ray_sums
from corecore.report.scene import REACH_MM, DrawnTunnel, Scene
from corecore.report.svg import Drawing
from corecore.report.tissue import Tissue

#: Longest step along a ray, mm: a voxel of most scans (engineering choice).
STEP_MM = 1.0
#: Brightest share of the film left to saturate, and the exponent of its grey scale (engineering choices).
SATURATED_SHARE, GAMMA = 0.003, 0.7
#: How far the guide pin is drawn outside the bone, mm.
PIN_OUTSIDE_MM = 35.0
#: The neck reaches from here to here, head radii from the head's centre (contract §1).
NECK_RADII = (0.5, 2.0)
#: Points round the wall and between rings, mm, where the smallest clearance is looked for.
RING_POINTS, RING_STEP_MM = 72, 0.25
#: Half-step of the differences that tell which way the surface lies, mm.
GRADIENT_STEP_MM = 0.5
#: Alternatives drawn beside the plan.
MOST_OTHERS = 3
#: Type sizes in pixels of the film: three films side by side on a page leave 7 points of them.
LABEL_SIZE, LETTER_SIZE = 21.0, 30.0
#: Colours over the dark film: those of the picture, lightened; each line also has its own dashes.
MARK, SHAFT, HEAD, NECROSIS = "#FFFFFF", "#D9B8F5", "#F5F5F5", "#F5C04A"


@dataclass(frozen=True, eq=False)
class Gap:
    """Where a tunnel comes nearest to the neck's surface, or furthest out of it.

    ``wall`` (3,) RAS mm on the tunnel; ``direction``: unit vector outward across the bone's surface;
    ``clearance_mm`` of bone between, negative where the wall lies outside.
    """

    wall: FloatArray
    direction: FloatArray
    clearance_mm: float

    @property
    def surface(self) -> FloatArray:
        """The point of the bone's surface next to the wall."""
        return np.asarray(self.wall + self.clearance_mm * self.direction, dtype=np.float64)

    @property
    def words(self) -> str:
        """What there is to see."""
        if self.clearance_mm < 0:
            return say(
                "the wall lies {depth:.1f} mm outside the neck's surface there, seen edge-on", depth=-self.clearance_mm
            )
        return say("{depth:.1f} mm of bone between wall and neck surface, seen edge-on", depth=self.clearance_mm)


@dataclass(frozen=True, eq=False)
class Drr:
    """One view: where the C-arm stands, what is read off it, its picture (n, n) uint8, and the drawing over it."""

    arm: CArm
    stance: str
    caption: list[str]
    pixels: npt.NDArray[np.uint8]
    drawing: Drawing


def fluoroscopy(scene: Scene, tissue: Tissue) -> list[Drr]:
    """AP, frog-leg lateral, and the view that shows the smallest neck clearance in profile where there is one."""
    arms: list[tuple[CArm, Gap | None]] = [(anteroposterior(scene), None), (frog_leg(scene), None)]
    gaps = [(gap, tunnel) for tunnel in scene.tunnels if (gap := neck_gap(scene, tissue, tunnel)) is not None]
    if gaps:
        gap, tunnel = min(gaps, key=lambda pair: pair[0].clearance_mm)
        arms.append((in_profile(scene, tunnel.direction, gap.direction), gap))
    return [_film(scene, tissue, arm, gap) for arm, gap in arms]


def others_on_film(scene: Scene, films: list[Drr]) -> list[tuple[str, list[Drawing]]]:
    """The plan and its alternatives side by side: AP and frog-leg film of each, drawn over the same two pictures."""
    others = [one for one in scene.plan.alternatives if one.tunnels]
    if not others or len(films) < 2:
        return []
    found = [(say("this plan"), scene.plan.tunnels)]
    found += [
        (say("other {number}", number=number), [*one.tunnels])
        for number, one in enumerate(others[:MOST_OTHERS], start=1)
    ]
    drawn = []
    for name, tunnels in found:
        try:
            variant = replace(scene, plan=msgspec.structs.replace(scene.plan, tunnels=tunnels, violations=[]))
        except InputError:
            continue
        # A quarter of a page wide: every second pixel is enough.
        drawn.append(
            (name, [_drawn(variant, film.arm, film.pixels[::2, ::2], film.stance, None) for film in films[:2]])
        )
    return drawn if len(drawn) > 1 else []


def sums(tissue: Tissue, arm: CArm, *, step_mm: float = STEP_MM) -> FloatArray:
    """Ray sums (n, n), HU above soft tissue times mm, by row and column of the picture."""
    density = tissue.femur_density if arm.femur_alone else tissue.density
    index_from_world = density.grid.index_from_world
    turn = index_from_world[:3, :3]
    source, corner = transform(index_from_world, np.stack([arm.source, arm.corner]))
    result = np.empty((arm.pixels, arm.pixels))
    columns, rows = turn @ (arm.pixel_mm * arm.right), turn @ (-arm.pixel_mm * arm.up)
    spacing = density.grid.spacing_mm

    def part(lines: slice) -> None:
        ray_sums(density.values, spacing, source, corner, columns, rows, step_mm, result, lines.start, lines.stop)

    in_parts(arm.pixels, part)
    return result


def exposed(film: FloatArray) -> npt.NDArray[np.uint8]:
    """Ray sums as grey: bone bright, as on a film."""
    white = float(np.quantile(film, 1.0 - SATURATED_SHARE))
    share = np.clip(film / white, 0.0, 1.0) if white > 0 else np.zeros_like(film)
    return np.asarray(np.rint(255 * share**GAMMA), dtype=np.uint8)


def neck_gap(scene: Scene, tissue: Tissue, tunnel: DrawnTunnel) -> Gap | None:
    """Where a tunnel's wall comes nearest to the neck's surface beyond its portal; ``None`` if not in the neck."""
    portal = known(tunnel.figures.portal_length_mm)
    length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
    start = portal if portal is not None and 0 <= portal < length else 0.0
    at = np.arange(start, length, RING_STEP_MM)
    u, v = across_axes(tunnel.direction)
    turn = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
    ring = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
    radii = tunnel.body.radius_at(length - at, length)
    wall = ((tunnel.entry + at[:, None] * tunnel.direction)[:, None] + radii[:, None, None] * ring).reshape(-1, 3)
    below = -(wall - scene.head_center) @ scene.neck_axis / scene.head_radius_mm
    wall = wall[(below >= NECK_RADII[0]) & (below <= NECK_RADII[1])]
    if not len(wall):
        return None
    depth = tissue.depth_at(wall)
    nearest = int(np.argmin(depth))
    point = wall[nearest]
    steps = GRADIENT_STEP_MM * np.eye(3)
    outward = tissue.depth_at(point - steps) - tissue.depth_at(point + steps)
    if np.linalg.norm(outward) < 1e-6:
        return None
    outward = outward / np.linalg.norm(outward)
    return Gap(point, np.asarray(outward, dtype=np.float64), float(depth[nearest]))


def tunnel_outline(arm: CArm, tunnel: DrawnTunnel) -> FloatArray:
    """Outline (N, 2) in pixels of a tunnel's shadow.

    A frustum's shadow is the hull of its two rims. Each meets the next in the axis, so along the axis as it is seen
    their union reaches from the least to the greatest of them.
    """
    u, v = across_axes(tunnel.direction)
    turn = 2 * np.pi * np.arange(72) / 72
    circle = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
    outline = tunnel.outline(np.inf)
    axis = tunnel.tip - outline[:, :1] * tunnel.direction
    rims = arm.project((axis[:, None] + outline[:, 1, None, None] * circle).reshape(-1, 3)).reshape(len(axis), -1, 2)
    hulls = []
    for number, (first, second) in enumerate(pairwise(rims)):
        # A flat end's and a step's rings lie in the next frustum's.
        if outline[number + 1, 0] > outline[number, 0]:
            both = np.concatenate([first, second])
            hulls.append(both[ConvexHull(both).vertices])
    if len(hulls) == 1:
        return np.asarray(hulls[0], dtype=np.float64)
    ends = arm.project(np.stack([tunnel.entry, tunnel.tip]))
    way = ends[1] - ends[0]
    way = way / np.linalg.norm(way) if np.linalg.norm(way) > 1e-9 else np.array([1.0, 0.0])
    across = np.array([-way[1], way[0]])
    corners = np.concatenate(hulls) @ way
    # Just before and behind every corner: at a step the outline jumps.
    at = np.unique(np.concatenate([corners - 1e-6, corners, corners + 1e-6]))
    at = at[(at >= corners.min()) & (at <= corners.max())]
    low, high = np.full(len(at), np.inf), np.full(len(at), -np.inf)
    for hull in hulls:
        seen, beside = hull @ way, hull @ across
        inside = (at >= seen.min()) & (at <= seen.max())
        least, most = _reach(seen, beside, at[inside])
        low[inside], high[inside] = np.minimum(low[inside], least), np.maximum(high[inside], most)
    sides = [at[:, None] * way + side[:, None] * across for side in (high, low)]
    return np.asarray(np.concatenate([sides[0], sides[1][::-1]]), dtype=np.float64)


def _reach(x: FloatArray, y: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The least and the greatest ``y`` of a convex polygon (N,), (N,) at places ``at`` (M,) within it."""
    following = np.roll(np.arange(len(x)), -1)
    least, most = np.full(len(at), np.inf), np.full(len(at), -np.inf)
    for a, b, c, d in zip(x, y, x[following], y[following], strict=True):
        on = (at >= min(a, c)) & (at <= max(a, c))
        value = np.where(a == c, b, b + (d - b) * (at[on] - a) / (c - a if c != a else 1.0))
        least[on], most[on] = np.minimum(least[on], value), np.maximum(most[on], value)
        if a == c:
            least[on], most[on] = np.minimum(least[on], d), np.maximum(most[on], d)
    return least, most


def sphere_outline(arm: CArm, center: FloatArray, radius_mm: float) -> FloatArray:
    """Outline (N, 2) in pixels of a sphere: the circle in which rays from the source touch it."""
    way = center - arm.source
    distance = float(np.linalg.norm(way))
    way = way / distance
    u, v = across_axes(way)
    turn = np.linspace(0, 2 * np.pi, 121)
    reach = radius_mm * np.sqrt(1.0 - (radius_mm / distance) ** 2)
    circle = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
    return arm.project(center - radius_mm**2 / distance * way + reach * circle)


def seen_angle(arm: CArm, tunnel: DrawnTunnel, shaft: FloatArray) -> float:
    """Angle on the picture between the tunnel, entry to tip, and the shaft downwards, degrees."""
    middle = 0.5 * (tunnel.entry + tunnel.tip)
    a, b, c, d = arm.project(np.stack([tunnel.entry, tunnel.tip, middle, middle - 10.0 * shaft]))
    one, two = b - a, d - c
    cosine = (one @ two) / (np.linalg.norm(one) * np.linalg.norm(two))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _film(scene: Scene, tissue: Tissue, arm: CArm, gap: Gap | None) -> Drr:
    pixels = exposed(sums(tissue, arm))
    position = arm.note or stance_words(scene, arm)
    return Drr(arm, position, _caption(scene, arm, gap), pixels, _drawn(scene, arm, pixels, position, gap))


def _drawn(scene: Scene, arm: CArm, pixels: npt.NDArray[np.uint8], position: str, gap: Gap | None) -> Drawing:
    """The drawing over a film."""
    drawing = Drawing(
        arm.pixels, arm.pixels, f"{arm.title}, {position}; {captions.hip_in_title(scene)} {scene.case_id}"
    )
    drawing.picture(pixels, (0, 0, arm.pixels, arm.pixels))
    _letters(drawing, scene, arm)
    _ruler(drawing, scene, arm)
    _head_and_shaft(drawing, scene, arm)
    _lesion(drawing, scene, arm)
    _tunnels(drawing, scene, arm)
    if gap is not None:
        wall, surface = arm.project(np.stack([gap.wall, gap.surface]))
        drawing.path([wall, surface], MARK, 2.4, halo="#000000")
        words = f"{gap.clearance_mm:.1f} mm"
        drawing.label(0.5 * (wall + surface), words, size=LABEL_SIZE + 2, bold=True, color=MARK, gap=16.0)
    _landmarks(drawing, scene, arm)
    return drawing


def _letters(drawing: Drawing, scene: Scene, arm: CArm) -> None:
    n = arm.pixels
    for way, x, y, anchor in (
        (-arm.right, 12, n / 2, "start"),
        (arm.right, n - 12, n / 2, "end"),
        (arm.up, n / 2, 34, "middle"),
        (-arm.up, n / 2, n - 14, "middle"),
    ):
        drawing.text(x, y, direction_letters(scene, way), size=LETTER_SIZE, bold=True, anchor=anchor)


def _ruler(drawing: Drawing, scene: Scene, arm: CArm) -> None:
    """Twenty millimetres at the tunnel's distance: nearer the source all looks larger."""
    middle = _middle(scene)
    length = 20.0 * arm.pixels_per_mm(middle)
    y, x = arm.pixels - 14.0, 14.0
    drawing.path([(x, y), (x + length, y)], MARK, 4.0)
    drawing.text(x, y - 10, "20 mm", size=LABEL_SIZE)


def _middle(scene: Scene) -> FloatArray:
    if scene.tunnels:
        return np.asarray(0.5 * (scene.tunnels[0].entry + scene.tunnels[0].tip), dtype=np.float64)
    return np.asarray(scene.head_center - scene.head_radius_mm * scene.neck_axis, dtype=np.float64)


def _head_and_shaft(drawing: Drawing, scene: Scene, arm: CArm) -> None:
    drawing.path(sphere_outline(arm, scene.head_center, scene.head_radius_mm), HEAD, 1.2, dash=(3, 4))
    point, axis = scene.shaft_line
    foot = point + ((scene.head_center - point) @ axis) * axis
    ends = arm.project(np.stack([foot + 20.0 * axis, foot - 110.0 * axis]))
    drawing.path(ends, SHAFT, 1.4, dash=(10, 5))


def _lesion(drawing: Drawing, scene: Scene, arm: CArm) -> None:
    """The lesion's outer limit: X-rays do not show it."""
    places = arm.project(scene.lesion.points_mm)
    drawing.path(outer_limit(places), NECROSIS, 1.6, dash=(1.5, 3), closed=True)


def outer_limit(places: FloatArray) -> FloatArray:
    """Convex hull (M, 2) of points in a picture."""
    return np.asarray(places[ConvexHull(places).vertices], dtype=np.float64)


def _tunnels(drawing: Drawing, scene: Scene, arm: CArm) -> None:
    several = len(scene.tunnels) > 1
    for number, tunnel in enumerate(scene.tunnels):
        color = captions.color_on_dark(scene, number)
        outside = tunnel.entry - PIN_OUTSIDE_MM * tunnel.direction
        pin = arm.project(np.stack([outside, tunnel.tip]))
        drawing.path(pin, color, 1.0 if several else 1.3, dash=(14, 3, 2, 3))
        outline, width = tunnel_outline(arm, tunnel), 1.4 if several else 2.0
        drawing.path(outline, color, width, closed=True, fill=color, opacity=0.16, halo="#000000")
    for number, tunnel in enumerate(scene.tunnels, start=1):
        color = captions.color_on_dark(scene, number - 1)
        entry, tip = arm.project(np.stack([tunnel.entry, tunnel.tip]))
        drawing.dot(entry, 4.0, "#FFFFFF", captions.color_of(scene, number - 1))
        drawing.dot(tip, 3.0, captions.color_of(scene, number - 1), "#FFFFFF")
        if several:
            drawing.label(tip, str(number), size=LABEL_SIZE, bold=True, color=color, gap=10.0)
    if not several and scene.tunnels:
        entry, tip = arm.project(np.stack([scene.tunnels[0].entry, scene.tunnels[0].tip]))
        drawing.label(entry, say("entry"), size=LABEL_SIZE, color=color, gap=13.0, toward=entry - tip)
        drawing.label(tip, say("tip"), size=LABEL_SIZE, color=color, gap=13.0, toward=tip - entry)


def _landmarks(drawing: Drawing, scene: Scene, arm: CArm) -> None:
    anatomy = scene.plan.anatomy
    names = ((anatomy.lesser_trochanter_tip, say("lesser tr.")), (anatomy.greater_trochanter_tip, say("greater tr.")))
    for told, name in names:
        point = landmark(known(told))
        if point is None or np.linalg.norm(point - scene.head_center) > REACH_MM:
            continue
        place = arm.project(point)[0]
        if np.all((place > 12) & (place < arm.pixels - 12)):
            for turn in (np.array([1.0, 1.0]), np.array([1.0, -1.0])):
                drawing.path([place - 5 * turn, place + 5 * turn], MARK, 1.6, halo="#000000")
            drawing.label(place, name, size=LABEL_SIZE, color=MARK, gap=12.0)


def landmark(value: object) -> FloatArray | None:
    """Three finite numbers of a plan as a point (3,), or ``None``."""
    if not isinstance(value, list) or len(value) != 3:
        return None
    if not all(isinstance(c, (int, float)) and not isinstance(c, bool) and abs(c) < WORLD_EXTENT_MM for c in value):
        return None
    return np.array(value, dtype=np.float64)


def _caption(scene: Scene, arm: CArm, gap: Gap | None) -> list[str]:
    """What a surgeon reads off this view, in words."""
    lines = []
    if len(scene.tunnels) == 1:
        tunnel = scene.tunnels[0]
        length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
        ends = arm.project(np.stack([tunnel.entry, tunnel.tip]))
        seen = float(np.linalg.norm(ends[1] - ends[0])) / arm.pixels_per_mm(_middle(scene))
        lines.append(
            say(
                "Tunnel {length:.1f} mm long, {seen:.0f} mm of it seen; {angle:.0f}° to the shaft as seen here",
                length=length,
                seen=seen,
                angle=seen_angle(arm, tunnel, scene.proximal),
            )
        )
    if gap is not None:
        lines.append(gap.words)
    return lines
