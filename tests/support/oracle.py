"""An oracle that judges a tunnel by the words of the contract alone: masks, points, and nothing of the planner.

It imports no room of the package. Bone is a mask with its affine; its surface the half level of the mask blurred by
0.7 voxels, as points with normals where edges of the grid cross it, and no deeper than the centres of the voxels that
are no bone. A tunnel is thousands of points; which margin a
point keeps is asked point by point. Lengths mm, world RAS. Slow (about a second a tunnel) and plain on purpose.

Tolerances, each an engineering choice, are what two sound estimates of one surface may differ by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Two estimates of the surface of one mask, mm and in voxels: a quarter of a voxel either way.
SURFACE_MM, SURFACE_VOXELS = 0.25, 0.35
#: The same, for the least distance to a region that is the user's mask: as the surface, half a voxel.
REGION_VOXELS = 0.75
#: Two normals of one surface, averaged over a drill's mouth by different weights, degrees: 5.0 at most in 200 places
#: of real and drawn hips, most below the trochanters (times the voxel's edge above 1 mm).
NORMAL_DEG = 5.5
#: Angles between directions that both stand in the plan, degrees; lengths and heights likewise, mm.
DIRECTION_DEG, LENGTH_MM = 0.1, 0.1
#: The mid-line of a section by two rasters, mm.
MIDLINE_MM = 0.6
#: Removed share of the lesion by two sets of sample points.
SHARE = 0.004
#: Edge of the postero-superior quarter: the planner's rings step over it by up to a quarter millimetre.
QUARTER_MM = 0.2

BLUR_VOXELS = 0.7
#: Distance between sample points of a wall, mm.
STEP = 0.25
OUTWARD = 80.0
FAR = 1e9


def unit(vector: npt.ArrayLike) -> Array:
    array = np.asarray(vector, dtype=np.float64)
    return np.asarray(array / np.linalg.norm(array))


def degrees(a: Array, b: Array) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), np.dot(a, b))))


class Solid:
    """A mask as a solid in the world: how deep points lie below its surface."""

    def __init__(self, voxels: Bools, affine: npt.ArrayLike) -> None:
        """``voxels`` (I, J, K), ``affine`` (4, 4) from index to world; beyond the array there is nothing."""
        pad = 4
        low = np.maximum(np.array([w.min() for w in np.nonzero(voxels)]) - pad, 0)
        high = np.array([w.max() for w in np.nonzero(voxels)]) + pad + 1
        part = voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        level = np.pad(part.astype(np.float32), pad)
        self.affine = np.array(affine, dtype=np.float64)
        self.affine[:3, 3] += self.affine[:3, :3] @ (low - pad)
        self.level = ndimage.gaussian_filter(level, BLUR_VOXELS)
        self.voxel = float(np.linalg.norm(self.affine[:3, :3], axis=0).max())
        self.points, self.normals = self._surface()
        self.tree = cKDTree(self.points)
        # A voxel that the mask says is no bone is none at its centre, also where the blur closes it.
        closed = np.argwhere((level < 0.5) & (self.level >= 0.5)) @ self.affine[:3, :3].T + self.affine[:3, 3]
        self.closed = cKDTree(closed) if len(closed) else None

    def _surface(self) -> tuple[Array, Array]:
        """Points (N, 3) where edges of the grid cross the half level, and outward normals (N, 3)."""
        found = []
        for axis in range(3):
            ahead = np.moveaxis(self.level, axis, 0)
            at = np.argwhere((ahead[:-1] >= 0.5) != (ahead[1:] >= 0.5))
            a, b = ahead[tuple(at.T)], ahead[tuple((at + np.array([1, 0, 0])).T)]
            place = at.astype(np.float64)
            place[:, 0] += (0.5 - a) / (b - a)
            found.append(np.insert(place[:, 1:], axis, place[:, 0], axis=1))
        index = np.concatenate(found)
        slope = np.stack(
            [
                self._level(index + 0.5 * step) - self._level(index - 0.5 * step)
                for step in np.eye(3)
            ],
            axis=1,
        )  # fmt: skip
        outward = -slope @ np.linalg.inv(self.affine[:3, :3])
        return index @ self.affine[:3, :3].T + self.affine[:3, 3], outward / np.linalg.norm(outward, axis=1)[:, None]

    def _level(self, index: Array) -> Array:
        return np.asarray(ndimage.map_coordinates(self.level, index.T, order=1, cval=0.0), dtype=np.float64)

    def level_at(self, points: Array) -> Array:
        inverse = np.linalg.inv(self.affine)
        return self._level(points @ inverse[:3, :3].T + inverse[:3, 3])

    def inside(self, points: Array) -> Bools:
        return np.asarray(self.level_at(points) >= 0.5)

    def depth(self, points: Array) -> Array:
        """Distance of points (N, 3) to the surface (N,), positive inside; near it measured along the normal."""
        away, nearest = self.tree.query(points)
        plain = np.abs(np.einsum("ij,ij->i", points - self.points[nearest], self.normals[nearest]))
        depth = np.where(self.inside(points), 1.0, -1.0) * np.where(away < 1.0, plain, away)
        return np.asarray(depth if self.closed is None else np.minimum(depth, self.closed.query(points)[0]))

    def mouth_normal(self, point: Array) -> Array:
        """Outward normal (3,) of the surface averaged over a drill's mouth."""
        near = self.tree.query_ball_point(point, 7.5)
        weight = np.exp(-0.5 * np.sum((self.points[near] - point) ** 2, axis=1) / 2.5**2)
        return unit(weight @ self.normals[near])


@dataclass(frozen=True)
class Marks:
    """Landmarks of a hip, world mm: what a plan states of its anatomy."""

    center: Array
    radius: float
    neck: Array
    lateral: Array
    anterior: Array
    proximal: Array
    shaft_point: Array
    trochanter_mm: float
    level_raised: bool = False

    def height(self, point: Array) -> float:
        return float((point - self.center) @ self.proximal)

    def above_plane(self, points: Array) -> Array:
        """Above the plane that ends the head, mm (N,)."""
        return np.asarray((points - self.center) @ self.neck + 0.5 * self.radius)

    def in_quarter(self, points: Array) -> Bools:
        """In the postero-superior quarter of the neck."""
        offset = points - self.center
        along = offset @ self.neck
        across = offset - along[:, None] * self.neck
        up = unit(self.proximal - (self.proximal @ self.neck) * self.neck)
        back = np.cross(self.neck, up)
        back = unit(back if back @ self.anterior < 0 else -back)
        turned = np.degrees(np.arctan2(across @ back, across @ up))
        neck = (along <= -0.5 * self.radius) & (along >= -2.0 * self.radius)
        return np.asarray(neck & (turned >= 0.0) & (turned <= 90.0))


def within_joint(voxels: Bools, affine: npt.ArrayLike, marks: Marks) -> Bools:
    """The voxels of a bone within its joint surface (I, J, K).

    Where the mask stands more than 1.5 mm outside the head's sphere, the sphere is the joint surface; what lies more
    than a third of a radius outside is trochanter.
    """
    matrix = np.asarray(affine, dtype=np.float64)
    at = np.argwhere(voxels)
    offset = at @ matrix[:3, :3].T + matrix[:3, 3] - marks.center
    size = np.linalg.norm(offset, axis=1)
    beyond = (size > marks.radius) & (offset @ marks.neck >= -0.5 * marks.radius) & (size < 1.3 * marks.radius)
    at, ray = at[beyond], offset[beyond] / size[beyond, None]
    level = ndimage.gaussian_filter(voxels.astype(np.float32), BLUR_VOXELS)
    inverse = np.linalg.inv(matrix)
    far = np.zeros(len(at))
    for reach in np.arange(marks.radius, 1.3 * marks.radius, 0.1):
        index = (marks.center + reach * ray) @ inverse[:3, :3].T + inverse[:3, 3]
        far[ndimage.map_coordinates(level, index.T, order=1, cval=0.0) >= 0.5] = reach
    kept = voxels.copy()
    kept[tuple(at[far > marks.radius + 1.5].T)] = False
    return kept


@dataclass(frozen=True)
class Shape:
    """The end of an instrument, by its radius at each place behind the tip; mm and degrees."""

    diameter: float
    tip: str = "flat"
    angle: float = 0.0
    steps: tuple[tuple[float, float], ...] = ()
    pin: float = 0.0
    ahead: float = 0.0

    @property
    def front(self) -> float:
        return 0.5 * (self.steps[0][1] if self.steps else self.diameter)

    @property
    def long(self) -> float:
        """How far behind the tip the shaft begins."""
        tip = {"flat": 0.0, "round": self.front}.get(self.tip)
        tip = self.front / np.tan(np.radians(0.5 * self.angle)) if tip is None else tip
        return float(max([tip, *(to for to, _ in self.steps)]))

    def radius_at(self, back: Array) -> Array:
        """Radii (N,) at places (N,) behind the tip; 0 where there is nothing."""
        wide = np.full(len(back), 0.5 * self.diameter)
        for to, diameter in reversed(self.steps):
            wide[back < to] = 0.5 * diameter
        if self.tip == "cone":
            wide = np.minimum(wide, np.maximum(back, 0.0) * np.tan(np.radians(0.5 * self.angle)))
        if self.tip == "round":
            ball = np.sqrt(np.maximum(2.0 * self.front * back - back**2, 0.0))
            wide = np.where(back < self.front, np.minimum(wide, ball), wide)
        wide = np.where(back < 0.0, 0.0, wide)
        return np.where(back >= -self.ahead, np.maximum(wide, 0.5 * self.pin if self.ahead else 0.0), 0.0)

    def outline(self) -> tuple[Array, Array, Bools]:
        """Places and radii of its end from the axis in front to the shaft's rim, and which of them are the pin's."""
        breaks = np.array([-self.ahead, 0.0, self.long, *(to for to, _ in self.steps)])
        even = np.arange(-self.ahead, self.long, 0.05)
        back = np.unique(np.concatenate([breaks - 1e-7, breaks + 1e-7, even]))
        back = back[(back >= -self.ahead - 1e-6) & (back <= self.long + 1e-6)]
        radius = self.radius_at(back)
        pin = (radius <= 0.5 * self.pin + 1e-9) & (back < self.long) & (self.ahead > 0.0)
        return back, radius, pin


@dataclass(frozen=True)
class Path:
    """A tunnel as a plan states it."""

    entry: Array
    tip: Array
    diameter: float
    cavity_diameter: float = 0.0
    cavity_length: float = 0.0
    shape: Shape | None = None

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.tip - self.entry))

    @property
    def way(self) -> Array:
        return unit(self.tip - self.entry)

    def cylinders(self) -> Iterator[tuple[Array, float, float]]:
        """Start, length and radius of tunnel and cavity."""
        yield self.entry, self.length, 0.5 * self.diameter
        if self.cavity_diameter > 0.0:
            length = min(self.cavity_length, self.length)
            yield self.tip - length * self.way, length, 0.5 * self.cavity_diameter

    def contains(self, points: Array) -> Bools:
        if self.shape is not None:
            along = (points - self.entry) @ self.way
            off = np.sqrt(np.maximum(np.sum((points - self.entry) ** 2, axis=1) - along**2, 0.0))
            wide = self.shape.radius_at(self.length - along)
            return np.asarray((along >= 0.0) & (wide > 0.0) & (off <= wide))
        inside = np.zeros(len(points), dtype=bool)
        for start, length, radius in self.cylinders():
            along = (points - start) @ self.way
            off = np.sum((points - start) ** 2, axis=1) - along**2
            inside |= (along >= 0.0) & (along <= length) & (off <= radius**2)
        return inside


def wall_of(start: Array, way: Array, length: float, radius: float, marks: Marks | None = None) -> Array:
    """Points (N, 3) all over a cylinder's wall; with ``marks`` also where lines along it cross the head's plane."""
    u = unit(np.cross(way, np.eye(3)[int(np.argmin(np.abs(way)))]))
    turn = np.linspace(0.0, 2.0 * np.pi, max(48, int(2.0 * np.pi * radius / STEP)), endpoint=False)
    rim = start + radius * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * np.cross(way, u))
    at = np.linspace(0.0, length, int(length / STEP) + 2)
    points = (rim[None] + at[:, None, None] * way).reshape(-1, 3)
    if marks is None or abs(way @ marks.neck) < 1e-6:
        return points
    cross = -marks.above_plane(rim) / (way @ marks.neck)
    on = (cross >= 0.0) & (cross <= length)
    return np.concatenate([points, both_sides(rim[on] + cross[on, None] * way, marks)])


def both_sides(points: Array, marks: Marks) -> Array:
    """Points on the head's plane, a millionth of a millimetre to either side."""
    return np.concatenate([points + 1e-6 * marks.neck, points - 1e-6 * marks.neck])


def disc_of(middle: Array, way: Array, radius: float, marks: Marks) -> Array:
    """Points (N, 3) of a flat end: a square raster, its rim, and the line in which the head's plane cuts it."""
    u = unit(np.cross(way, np.eye(3)[int(np.argmin(np.abs(way)))]))
    v = np.cross(way, u)
    ticks = np.arange(-radius, radius + STEP, STEP)
    a, b = (g.ravel() for g in np.meshgrid(ticks, ticks))
    keep = a**2 + b**2 <= radius**2
    points = middle + a[keep, None] * u + b[keep, None] * v
    turn = np.linspace(0.0, 2.0 * np.pi, max(96, int(2.0 * np.pi * radius / 0.1)), endpoint=False)
    rim = middle + radius * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v)
    line = np.cross(way, marks.neck)
    if np.linalg.norm(line) < 1e-9:
        return np.concatenate([points, rim])
    line, down = unit(line), unit(np.cross(np.cross(way, marks.neck), way))
    foot = middle - float(marks.above_plane(middle[None])[0]) / float(down @ marks.neck) * down
    left = radius**2 - float(np.sum((foot - middle) ** 2))
    if left <= 0.0:
        return np.concatenate([points, rim])
    half = np.sqrt(left)
    chord = foot + np.linspace(-half, half, int(half / 0.1) + 3)[:, None] * line
    return np.concatenate([points, rim, both_sides(chord, marks)])


def end_of(path: Path, marks: Marks) -> tuple[Array, Bools]:
    """Points (N, 3) all over the end of a tunnel's instrument, and which of them the pin drills (N,)."""
    assert path.shape is not None
    back, radius, pin = path.shape.outline()
    u = unit(np.cross(path.way, np.eye(3)[int(np.argmin(np.abs(path.way)))]))
    turn = np.linspace(0.0, 2.0 * np.pi, max(64, int(np.pi * path.diameter / STEP)), endpoint=False)
    ring = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * np.cross(path.way, u)
    found, of_pin = [], []
    for k in range(len(back) - 1):
        # A face across the axis is wide: between its rims as well.
        count = 1 + int(abs(radius[k + 1] - radius[k]) / 0.1)
        share = np.linspace(0.0, 1.0, count + 1)
        place = back[k] + share * (back[k + 1] - back[k])
        wide = radius[k] + share * (radius[k + 1] - radius[k])
        points = path.tip - place[:, None, None] * path.way + wide[:, None, None] * ring
        above = marks.above_plane(points.reshape(-1, 3)).reshape(points.shape[:2])
        cut = (above[:-1] >= 0.0) != (above[1:] >= 0.0)
        part = (above[:-1][cut] / (above[:-1][cut] - above[1:][cut]))[:, None]
        on = both_sides(points[:-1][cut] + part * (points[1:][cut] - points[:-1][cut]), marks)
        found += [points.reshape(-1, 3), on]
        of_pin.append(np.full(points.shape[0] * points.shape[1] + len(on), bool(pin[k] and pin[k + 1])))
    return np.concatenate(found), np.concatenate(of_pin)


@dataclass(frozen=True)
class Judged:
    """What the oracle finds of one tunnel, mm and degrees; infinite where there is nothing to measure."""

    incidence_deg: float
    portal_mm: float
    mouth_mm: float
    joint_mm: float
    cortex_mm: float
    quarter_mm: float
    #: Least depth of what must lie in bone distal of the head's plane; proximal of it that is ``joint_mm``.
    cortex_wall_mm: float
    exit_mm: float
    outward_mm: float
    #: What fields and regions lie how far from it.
    regions_mm: dict[str, float] = field(default_factory=dict)
    #: From the tip along the axis to where it leaves the bone, and from the pin ahead to the surface.
    end_mm: float = np.inf
    pin_mm: float = np.inf


def least(depth: Array, where: Bools) -> float:
    return float(depth[where].min()) if where.any() else np.inf


def judge(
    bone: Solid, marks: Marks, path: Path, margin_mm: float, *, incidence_deg: float | None = None,
    regions: dict[str, Solid] | None = None,
) -> Judged:  # fmt: skip
    """Measure a tunnel by contract §1; ``margin_mm``: the cortical margin, which the portal's length hangs on.

    Where the plan's own incidence is given the portal follows from it: a degree moves the portal's end by a fraction
    of a millimetre, and with it the clearance there.
    """
    way, radius = path.way, 0.5 * path.diameter
    found = 90.0 - degrees(-bone.mouth_normal(path.entry), way)
    theta = np.radians(max(abs(found) if incidence_deg is None else incidence_deg, 1.0))
    portal = float((margin_mm + radius * np.cos(theta)) / np.sin(theta) + 2.0)
    mouth = float(radius / np.tan(theta) + 2.0)
    length = path.length - (0.0 if path.shape is None else path.shape.long)
    wall = wall_of(path.entry, way, length, radius, marks)
    starts = [path.entry + at * way for at in (mouth, portal) if at < length]
    wall = np.concatenate([wall, *(wall_of(start, way, 0.0, radius) for start in starts)])
    at = (wall - path.entry) @ way
    pin = np.zeros((0, 3))
    if path.shape is None:
        end = disc_of(path.tip, way, radius, marks)
    else:
        end, of_pin = end_of(path, marks)
        end, pin = end[~of_pin], end[of_pin]
    for start, length, wide in list(path.cylinders())[1:]:
        end = np.concatenate(
            [end, wall_of(start, way, length, wide, marks), disc_of(start, way, wide, marks),
             disc_of(path.tip, way, wide, marks)]
        )  # fmt: skip
    points = np.concatenate([wall, end])
    at = np.concatenate([at, np.full(len(end), FAR)])
    depth, proximal = bone.depth(points), marks.above_plane(points) >= 0.0
    tight = 1e-9
    after, beyond = at >= mouth - tight, at >= portal - tight
    cortex = ~proximal & beyond
    along = np.arange(0.0, path.length + OUTWARD, 0.1)
    out = np.flatnonzero(~bone.inside(path.tip - along[:, None] * way))
    ahead = np.flatnonzero(~bone.inside(path.tip + along[:, None] * way))
    free = wall_of(path.entry - OUTWARD * way, way, max(OUTWARD - mouth, 0.0), radius)
    free = np.concatenate([free, path.entry - np.arange(mouth, OUTWARD, STEP)[:, None] * way])
    return Judged(
        incidence_deg=found,
        portal_mm=portal,
        mouth_mm=mouth,
        joint_mm=least(depth, proximal & after),
        cortex_mm=least(depth, cortex),
        quarter_mm=least(depth, cortex & marks.in_quarter(points)),
        cortex_wall_mm=least(depth, ~proximal & after),
        exit_mm=float(along[out[0]]) if len(out) else np.inf,
        outward_mm=_deepest(bone, free),
        regions_mm={name: _clear(region, path) for name, region in (regions or {}).items()},
        end_mm=float(along[ahead[0]]) if len(ahead) else np.inf,
        pin_mm=float(bone.depth(pin).min()) if len(pin) else np.inf,
    )


def _deepest(bone: Solid, points: Array) -> float:
    inside = points[bone.inside(points)]
    return float(bone.depth(inside).max()) if len(inside) else -np.inf


def _clear(region: Solid, path: Path) -> float:
    """From a tunnel with its cavity, prolonged outward, to a region, mm: whole sections, for a region may be thin."""
    far = np.inf
    parts = [(path.entry - OUTWARD * path.way, path.length + OUTWARD, 0.5 * path.diameter), *list(path.cylinders())[1:]]
    for start, length, radius in parts:
        share = np.linspace(0.0, 1.0, max(2, int(np.ceil(radius / 0.5)) + 1))
        for one in share[1:] * radius:
            far = min(far, float((-region.depth(wall_of(start, path.way, length, float(one)))).min()))
    return far


@dataclass(frozen=True)
class Broken:
    """A rule that a plan breaks, by how much beyond its limit, and what of that is the oracle's own doubt."""

    rule: str
    by: float
    doubt: float


def rules_broken(
    bone: Solid, marks: Marks, paths: Sequence[Path], figures: Sequence[dict[str, Any]], spec: dict[str, Any],
    regions: dict[str, Solid] | None = None,
) -> list[Broken]:  # fmt: skip
    """The rules of contract §2 that a plan breaks, beyond doubt.

    ``figures``: per tunnel what the plan states (``incidence_deg``, ``joint_clearance_mm`` and so on, held to what is
    found here); ``spec``: its limits; ``regions``: what ``avoid`` and ``pelvis`` are.
    """
    doubt = max(SURFACE_MM, SURFACE_VOXELS * bone.voxel)
    angle = NORMAL_DEG * max(1.0, bone.voxel)
    found: list[Broken] = []

    def hold(rule: str, by: float, slack: float) -> None:
        if by > slack:
            found.append(Broken(rule, by, slack))

    for path, told in zip(paths, figures, strict=True):
        one = judge(
            bone, marks, path, spec["cortical_margin_mm"], incidence_deg=told["incidence_deg"], regions=regions
        )  # fmt: skip
        hold("states incidence", abs(one.incidence_deg - told["incidence_deg"]), angle)
        for key, value, more in (
            ("joint_clearance_mm", one.joint_mm, 0.0), ("cortical_clearance_mm", one.cortex_mm, 0.0),
            ("posterosuperior_clearance_mm", one.quarter_mm, QUARTER_MM),
        ):  # fmt: skip
            if np.isfinite(value) and told[key] is not None and np.isfinite(told[key]):
                hold(f"states {key}", abs(told[key] - value), doubt + more)
        hold("joint_margin_mm", spec["joint_margin_mm"] - one.joint_mm, doubt)
        hold("cortical_margin_mm", spec["cortical_margin_mm"] - one.cortex_mm, doubt)
        hold("posterosuperior_margin_mm", spec["posterosuperior_margin_mm"] - one.quarter_mm, doubt + QUARTER_MM)
        hold("breach", -min(one.joint_mm, one.cortex_wall_mm), doubt)
        hold("entry on the surface", abs(one.exit_mm - path.length) * np.sin(np.radians(told["incidence_deg"])), doubt)
        hold("outward path", one.outward_mm, doubt)
        hold("incidence_min_deg", spec["incidence_min_deg"] - one.incidence_deg, angle)
        shaft = degrees(path.way, -marks.proximal)
        hold("shaft_angle_min_deg", spec["shaft_angle_min_deg"] - shaft, DIRECTION_DEG)
        hold("shaft_angle_max_deg", shaft - spec["shaft_angle_max_deg"], DIRECTION_DEG)
        hold("length_max_mm", path.length - spec["length_max_mm"], LENGTH_MM)
        turned = degrees(bone.mouth_normal(path.entry), marks.lateral)
        hold("entry_normal_max_deg", turned - spec["entry_normal_max_deg"], angle)
        rise = 0.5 * path.diameter / np.sin(np.radians(shaft))
        above = marks.height(path.entry) - marks.trochanter_mm
        raised = 0.24 * marks.radius if marks.level_raised else 0.0
        hold("entry_distal_mm", spec["entry_distal_mm"] + raised - (above - rise), LENGTH_MM)
        hold("entry_proximal_mm", above + rise - spec["entry_proximal_mm"], LENGTH_MM)
        off = abs(float((path.entry - midline(bone, marks, marks.height(path.entry))) @ marks.anterior))
        hold("entry_ap_max_mm", off - spec["entry_ap_max_mm"], max(MIDLINE_MM, doubt))
        for name, clear in one.regions_mm.items():
            margin = spec["avoid_margin_mm"] if name == "avoid" else 0.0
            hold(name, margin - clear, max(0.5, REGION_VOXELS * max(r.voxel for r in (regions or {}).values())))
    found += _of_the_set(bone, paths, figures, spec)
    return found


def midline(bone: Solid, marks: Marks, height_mm: float) -> Array:
    """Mid-point in y (3,) of the part of a section lateral of the shaft's axis."""
    foot = marks.shaft_point + (height_mm - marks.height(marks.shaft_point)) / (
        marks.proximal @ marks.proximal
    ) * marks.proximal  # fmt: skip
    x, y = np.arange(0.0, 60.0, 0.5), np.arange(-50.0, 50.0, 0.5)
    points = foot + x[:, None, None] * marks.lateral + y[None, :, None] * marks.anterior
    pieces, count = ndimage.label(bone.inside(points.reshape(-1, 3)).reshape(len(x), len(y)))
    if count == 0:
        return foot + FAR * marks.anterior
    largest = pieces == 1 + int(np.argmax(ndimage.sum_labels(pieces > 0, pieces, np.arange(1, count + 1))))
    held = y[largest.any(axis=0)]
    return np.asarray(foot + 0.5 * (held[0] + held[-1]) * marks.anterior)


def _of_the_set(
    bone: Solid, paths: Sequence[Path], figures: Sequence[dict[str, Any]], spec: dict[str, Any]
) -> list[Broken]:
    found: list[Broken] = []
    portals = list[Array]()
    for path in paths:
        if not any(np.linalg.norm(path.entry - one) <= 0.5 for one in portals):
            portals.append(path.entry)
    if sum(path.diameter > 5.0 for path in paths) and len(portals) > 2 and max(p.diameter for p in paths) > 5.0:
        found.append(Broken("wide holes", float(len(portals) - 2), 0.0))
    for i, one in enumerate(paths):
        for k in range(i):
            other = paths[k]
            if np.linalg.norm(one.entry - other.entry) > 0.5:
                gap = np.min(np.linalg.norm(_mouth(bone, one)[:, None] - _mouth(bone, other)[None], axis=-1))
                lack = spec["bridge_min_mm"] - float(gap)
                if lack > 0.5:
                    found.append(Broken("bridge_min_mm", lack, 0.5))
            shared = _shared(one, other, figures[i]["portal_length_mm"], figures[k]["portal_length_mm"])
            if shared > 0.52:
                found.append(Broken("overlap", shared - 0.5, 0.02))
    return found


def _mouth(bone: Solid, path: Path) -> Array:
    """The hole's rim (N, 3): the wall cut by the plane of the surface at the entry."""
    normal, way = bone.mouth_normal(path.entry), path.way
    u = unit(np.cross(way, normal if abs(way @ normal) < 0.999 else np.eye(3)[int(np.argmin(np.abs(way)))]))
    turn = np.linspace(0.0, 2.0 * np.pi, 180, endpoint=False)
    rim = 0.5 * path.diameter * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * np.cross(way, u))
    return np.asarray(path.entry + rim - (rim @ normal / (way @ normal))[:, None] * way)


def _shared(one: Path, other: Path, portal: float, other_portal: float) -> float:
    """Volume that two tunnels share beyond their portals, over the smaller of what they have there."""
    parts = []
    for path, first in ((one, portal), (other, other_portal)):
        parts.append(Path(path.entry + min(first, path.length - 1e-3) * path.way, path.tip, path.diameter))
    small, large = sorted(parts, key=lambda part: part.length * part.diameter**2)
    rng = np.random.default_rng(0)
    u = unit(np.cross(small.way, np.eye(3)[int(np.argmin(np.abs(small.way)))]))
    v, turn, off = np.cross(small.way, u), rng.uniform(0, 2 * np.pi, 20_000), np.sqrt(rng.random(20_000))
    flat = 0.5 * small.diameter * off[:, None] * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v)
    return float(large.contains(small.entry + flat + rng.uniform(0, small.length, 20_000)[:, None] * small.way).mean())


def removed_share(lesion: Bools, affine: npt.ArrayLike, paths: Sequence[Path]) -> float:
    """Share of a mask's volume in the tunnels: 64 places in each voxel, no two voxels alike."""
    at = np.argwhere(lesion).astype(np.float64)
    sub = (np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), -1).reshape(-1, 3) + 0.5) / 4.0 - 0.5
    shake = np.random.default_rng(1).uniform(-0.125, 0.125, (len(at), 1, 3))
    matrix = np.asarray(affine, dtype=np.float64)
    points = (at[:, None] + sub + shake).reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    return float(np.any([path.contains(points) for path in paths], axis=0).mean()) if len(paths) else 0.0
