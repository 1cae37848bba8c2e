"""The femoral head in a CT: the sphere that the falling edges of its surface agree on, and the way to its neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corecore.base.errors import AnatomyError
from corecore.base.grid import BoolArray, FloatArray, transform
from corecore.hip.anatomy.head import directions
from corecore.hip.draft.field import Field, box_around

#: Radii of a head, mm; a sphere that is followed may end one beyond, as far as ``corecore.hip.anatomy.head`` accepts.
RADII_MM = (16.0, 34.0)
#: Falls are looked for this far on either side of a sphere, and are its own within the second, mm.
BESIDE_MM, AT_SURFACE_MM = 5.0, 1.25
#: The centre lies this near to the point in the head, in radii.
POINT_RADII = 0.95
#: Spheres that are followed from the vote, and how far apart they lie, mm.
FOLLOWED, APART_MM = 16, 3.0
#: Smoothing before gradients, mm; the weakest gradient that votes, HU/mm; the share of the steepest that does.
SMOOTH_MM, WEAKEST, STEEPEST_SHARE = 1.0, 30.0, 0.2
#: Cells of the vote, mm.
CELL_MM = 2.0
#: An edge is the sphere's within these distances, mm, tightening, and faces it within this angle.
SHELLS_MM = (3.5, 3.0, 2.5, 2.0, 1.75, 1.5, 1.5, 1.5)
FACING_DEG = 35.0
#: Way of the neck from the head: lateral, posterior, inferior (world, a right hip), and how far it may lie from
#: there. Turned thighs and flexed hips are within.
NECK_WAY, NECK_REACH_DEG = (0.72, -0.15, -0.68), 40.0
#: The neck is bone in a cap of this half angle from the first to the second of these radii.
CAP_DEG, CAP_RADII = 24.0, (0.85, 1.75)
#: Where the neck leaves the head there is no edge within about this angle; ways that are looked along.
OPEN_DEG, WAYS = 30.0, 1500
#: It is a neck where all of these caps hold so much of bone's contrast in the mean. Phantoms: 1.1 and more, a ball
#: without a neck nothing.
NECK_SHARE_MIN = 0.5


@dataclass(frozen=True, eq=False)
class Sphere:
    """Centre (3,) in world RAS mm, radius; ``neck`` (3,): the unit vector into the neck; ``side`` that it tells."""

    center: FloatArray
    radius_mm: float
    neck: FloatArray
    side: str


def head_sphere(field: Field, point_mm: FloatArray, side: str | None = None) -> Sphere:
    """The head around a point (3,) in it. Raises ``AnatomyError`` where no sphere of a head's size is found."""
    edges = _edges(field, point_mm)
    best: tuple[float, FloatArray, float] | None = None
    for start, start_radius in _voted(*edges, point_mm):
        found = _refined(*edges, start, start_radius)
        if found is None or np.linalg.norm(found[0] - point_mm) > POINT_RADII * found[1]:
            continue
        score = _roundness(field, *found)
        if best is None or score > best[0]:
            best = score, *found
    if best is None:
        raise AnatomyError(
            "no femoral head around the point: no sphere of a head's size has its edge there",
            code="draft-failed",
        )
    return Sphere(best[1], best[2], *_neck(field, best[1], best[2], side))


def _refined(
    points: FloatArray, ways: FloatArray, weight: FloatArray, center: FloatArray, radius: float
) -> tuple[FloatArray, float] | None:
    """Least squares on the edges near the last sphere, in a shell that tightens; ``None``: no head's."""
    for shell in SHELLS_MM:
        offset = points - center
        size = np.linalg.norm(offset, axis=1)
        gap = size - radius
        facing = -np.einsum("ij,ij->i", offset, ways) > np.cos(np.radians(FACING_DEG)) * size
        kept = facing & (np.abs(gap) < shell)
        if np.count_nonzero(kept) < 200:
            return None
        unit = offset[kept] / size[kept, None]
        trust = weight[kept] * (1.0 - (gap[kept] / shell) ** 2) ** 2
        root = np.sqrt(trust)[:, None]
        columns = np.column_stack([unit, np.ones(len(unit))])
        move = np.linalg.lstsq(columns * root, gap[kept] * root[:, 0], rcond=None)[0]
        center, radius = center + move[:3], radius + float(move[3])
        if not RADII_MM[0] - 1.0 <= radius <= RADII_MM[1] + 1.0:
            return None
    return center, radius


def _roundness(field: Field, center: FloatArray, radius: float) -> float:
    """The share of ways out of a sphere along which its surface is an edge.

    A sphere through the head's surface here and the acetabulum's outer one there has most of its falls beside it.
    """
    return float(np.mean(_edged(field, center, radius, directions(WAYS))))


def _edged(field: Field, center: FloatArray, radius: float, ways: FloatArray) -> BoolArray:
    """Along which ways (N, 3) values fall most steeply, from bone, right at the sphere's surface."""
    size = radius + np.arange(-BESIDE_MM, BESIDE_MM + 0.1, 0.5)
    values = field.sampled(center + ways[:, None, :] * size[:, None])
    shown = np.clip(np.where(np.isfinite(values), values, field.muscle_hu), field.muscle_hu - 50.0, 900.0)
    smooth = ndimage.gaussian_filter1d(shown, 1.0, axis=1)
    fall = smooth[:, :-2] - smooth[:, 2:]
    top = np.argmax(fall, axis=1)
    rows = np.arange(len(fall))
    steep = fall[rows, top] > 0.3 * (field.bone_hu - field.muscle_hu)
    here = np.abs(size[top + 1] - radius) <= AT_SURFACE_MM
    return np.asarray(steep & here & (smooth[rows, top] > 0.5 * (field.bone_hu + field.muscle_hu)))


def _edges(field: Field, point_mm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where values change steeply near the point: places (N, 3), unit vectors to the brighter side, weights."""
    reach = (POINT_RADII + 1.0) * RADII_MM[1] + 4.0
    start, stop = box_around(field.grid, point_mm, reach, reach)
    # Metal and air would outvote bone.
    part = np.clip(field.values[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))], -100.0, 900.0)
    smooth = ndimage.gaussian_filter(part, SMOOTH_MM / field.spacing_mm)
    gradient = np.stack(np.gradient(smooth, *field.spacing_mm), axis=-1)
    size = np.linalg.norm(gradient, axis=-1)
    steep = size > max(WEAKEST, float(np.quantile(size, 1.0 - STEEPEST_SHARE)))
    ways = gradient[steep] / size[steep, None]
    index = np.argwhere(steep)
    # The brighter side of a head's edge is bone.
    inner = ndimage.map_coordinates(smooth, (index + 2.0 * ways / field.spacing_mm).T, order=1, mode="nearest")
    bone = inner > 0.5 * (field.muscle_hu + field.bone_hu)
    unit = field.grid.world_from_index[:3, :3] / field.spacing_mm
    places = transform(field.grid.world_from_index, index[bone] + start)
    return places, ways[bone] @ unit.T, np.minimum(size[steep][bone], 300.0)


def _voted(
    points: FloatArray, ways: FloatArray, weight: FloatArray, point_mm: FloatArray
) -> list[tuple[FloatArray, float]]:
    """Centres and radii at which most edges meet, by solid angle, the best first."""
    found: list[tuple[float, FloatArray, float]] = []
    for radius in np.arange(RADII_MM[0], RADII_MM[1] + 0.5, 1.0):
        reach = POINT_RADII * radius
        votes = points + radius * ways - (point_mm - reach)
        cells = int(np.ceil(2.0 * reach / CELL_MM))
        index = np.floor(votes / CELL_MM).astype(np.int64)
        held = np.all((index >= 0) & (index < cells), axis=1)
        if not held.any():
            continue
        flat = np.ravel_multi_index(tuple(index[held].T), (cells, cells, cells))
        count = np.bincount(flat, weights=weight[held], minlength=cells**3).reshape(cells, cells, cells)
        count = ndimage.gaussian_filter(count, 1.0, mode="constant")
        summits = np.argwhere((count == ndimage.maximum_filter(count, size=5)) & (count > 0.5 * count.max()))
        for top in summits:
            score = float(count[tuple(top)]) / radius**2
            found.append((score, (top + 0.5) * CELL_MM + point_mm - reach, float(radius)))
    kept: list[tuple[FloatArray, float]] = []
    for _, center, radius in sorted(found, key=lambda item: -item[0]):
        # Head and acetabulum lie about one centre.
        if all(np.linalg.norm(center - o) > APART_MM or abs(radius - r) > APART_MM - 0.5 for o, r in kept):
            kept.append((center, radius))
        if len(kept) == FOLLOWED:
            break
    return kept


def _neck(field: Field, center: FloatArray, radius: float, side: str | None) -> tuple[FloatArray, str]:
    """The way of the neck and the side that it tells: bone goes on there without a gap, and the sphere has no edge."""
    ways = directions(WAYS)
    size = np.arange(CAP_RADII[0] * radius, CAP_RADII[1] * radius, 1.0)
    values = field.sampled(center + size[:, None, None] * ways)
    # Beyond the image is no bone; a cortex counts no more than what it encloses.
    shown = np.clip(np.where(np.isfinite(values), values, field.muscle_hu), field.muscle_hu - 100.0, 700.0)
    open_ways = ~_edged(field, center, radius, ways)
    least = field.muscle_hu + NECK_SHARE_MIN * (field.bone_hu - field.muscle_hu)
    best: tuple[float, FloatArray, str] | None = None
    for name in ("left", "right") if side is None else (side,):
        usual = np.array(NECK_WAY) * np.array([1.0 if name == "right" else -1.0, 1.0, 1.0])
        usual /= np.linalg.norm(usual)
        for way in ways[ways @ usual > np.cos(np.radians(NECK_REACH_DEG))]:
            cosine = ways @ way
            if float(shown[:, cosine > np.cos(np.radians(CAP_DEG))].mean(axis=1).min()) < least:
                continue
            weight = np.exp((cosine - 1.0) / (1.0 - np.cos(np.radians(OPEN_DEG))))
            score = float(np.sum(weight * open_ways) / np.sum(weight))
            if best is None or score > best[0]:
                best = score, way, name
    if best is None:
        raise AnatomyError(
            "a sphere without a neck: no bone continues from it laterally and distally", code="draft-failed"
        )
    mine = open_ways & (ways @ best[1] > np.cos(np.radians(2.0 * CAP_DEG)))
    middle = ways[mine].sum(axis=0) if mine.any() else best[1]
    return np.asarray(middle / np.linalg.norm(middle)), best[2]
