"""The femoral head: a sphere fitted robustly to the articular surface.

Surface points vote along their inward normals for a centre, one radius at a time; the best
votes are refined by least squares on the points that lie on the sphere *and* face outward.
A crater, a flattened dome, the neck and an osteophyte do neither and drop out. What makes a
sphere a head is how much of a hemisphere it covers: a shaft hugs a sphere only round a belt.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, cast

import numpy as np
from pykdtree.kdtree import KDTree

from corecore.base.distance_field import Bone
from corecore.base.errors import AnatomyError
from corecore.base.grid import BoolArray, FloatArray
from corecore.hip.anatomy.model import Landmarks, Source

_log = logging.getLogger(__name__)

#: Radii accepted as a femoral head, mm: adult heads are 40 to 51 mm across (Saengnipanthkul
#: 2012, 102 femora; 170 German femora), widened for children, dysplasia and coxa magna.
RADIUS_RANGE_MM = (15.0, 35.0)
#: The sphere's centre is looked for this near the lesion, mm: one largest radius and a crater.
SEARCH_RADIUS_MM = 40.0
#: The lesion's centroid lies within this many radii of the centre; the neck begins beyond.
LESION_REACH_RADII = 1.4
#: Share of the covered side's hemisphere that must be articular surface. Whole heads reach
#: 0.95, heads with a crater of 30 % of the sphere 0.67, shafts, trochanters and cut ends of
#: shafts at most 0.52 (measured; the limit between is an engineering choice; docs/design/anatomy.md).
MIN_HEMISPHERE_COVERAGE = 0.60
#: What counts there faces outward within this angle: tighter than for the fit, or the rim of
#: a flat cut would pass for a ball, degrees.
COVERAGE_FACING_DEG = 15.0
#: A head is a knob on a neck: share of the sphere 1.15 times as large that lies in bone.
#: Heads have 0.09 to 0.12, the end of a shaft over 0.2, a condyle 0.3 (engineering choice).
NECK_SHARE_RANGE = (0.01, 0.19)
NECK_SHELL_RADII = 1.15
#: A point is on the sphere within this distance, mm: the surface between voxels errs by a tenth of a voxel (RMS), and
#: clean heads have 88 % and more of their joint surface that near. While the head is looked for: one voxel, where more.
ON_SPHERE_MM = 1.0
#: … and faces outward within this angle of the radius, degrees.
FACING_DEG = 30.0
#: The neck joins the head within this angle of the neck's direction: not articular, degrees.
NECK_CONE_DEG = 55.0
#: Bone that stands out of the sphere by more than the first and up to the second and still faces outward is no neck:
#: a mask that leaks into the acetabulum, or an osteophyte, mm (engineering choice; contract §1 has the first).
STANDS_OUT_MM = (1.5, 8.0)
#: A wide leak may draw the sphere half-way to itself. So the head is also taken for a sphere with a second shell over a
#: cap, concentric and further out by one of these, mm: from the least that counts as a leak to the widest that a joint
#: space lets through. Caps of this half-angle are tried in so many directions, on so many points (engineering choices).
LEAK_MM, LEAK_WAYS, LEAK_CONE_DEG, LEAK_VOTERS = (1.4, 6.0), 32, 55.0, 2500
#: … from spheres that let go of the cap by these, mm; the cap may reach so far beyond its cone, degrees.
LEAK_STEPS_MM, LEAK_RIM_DEG = (1.0, 3.0), 10.0
#: … and a leak it is where both shells have this much more support than the sphere alone: clean heads gain up to 8 %,
#: leaks of 2 to 5 mm over 50 and 60° 18 % and more (five real heads; docs/validation.md).
LEAK_GAIN = 1.15
#: Support is counted within this distance, mm: less than half a leak of 2 mm (engineering choice).
SHELL_MM = 0.7
#: On voxels over the first, mm, a rough mask has less than this share of its joint surface near any sphere (0.57 on a
#: real head of 3 mm voxels, 0.88 and more on others); a voxel's tolerance averages its steps (engineering choices).
COARSE_MM, ROUND_SHARE, ROUND_SHELL_MM = 2.0, 0.60, 5.0
#: Cell of the voting grid, mm, and the most surface points that vote.
VOTE_CELL_MM = 3.0
MAX_VOTERS = 20_000
#: Directions over the sphere at which coverage is counted.
DIRECTIONS = 800


@dataclass(frozen=True, eq=False)
class Head:
    """The sphere of the femoral head in local mm, and how good the fit is.

    ``hemisphere_coverage`` is the share of the articular hemisphere that lies on the sphere,
    ``residual_mm`` the RMS distance of those points from it; both are measured also for a
    sphere that was given. ``neck_direction`` is a first guess of the unit vector from the
    centre into the neck.
    """

    center: FloatArray
    radius_mm: float
    source: Source
    hemisphere_coverage: float
    residual_mm: float
    neck_direction: FloatArray


class Voters(NamedTuple):
    """Points (N, 3) of the surface, its normals (N, 3) there, and how much each counts (N,)."""

    points: FloatArray
    normals: FloatArray
    weights: FloatArray

    def only(self, chosen: BoolArray | slice) -> Voters:
        """Those chosen."""
        return Voters(self.points[chosen], self.normals[chosen], self.weights[chosen])


def fit_head(bone: Bone, near_mm: FloatArray, *, given: Landmarks | None = None) -> Head:
    """The femoral head near ``near_mm`` (3,), the lesion's centroid in local mm.

    A centre or radius in ``given`` overrides that part of the fit. Raises ``AnatomyError``
    where no sphere of 15 to 35 mm covers enough of a hemisphere near there.
    """
    given = given or Landmarks()
    near = np.asarray(near_mm, dtype=np.float64)
    if given.head_center is not None and given.head_radius_mm is not None:
        center, radius = np.asarray(given.head_center, dtype=np.float64), float(given.head_radius_mm)
        _check_radius(radius)
        return _described(bone, center, radius, "given")

    voters = _voters(bone, near if given.head_center is None else given.head_center)
    fixed = None if given.head_center is None else np.asarray(given.head_center, dtype=np.float64)
    best: tuple[float, FloatArray, float] | None = None
    for start, start_radius in _candidates(voters, near, fixed, given.head_radius_mm):
        fit = _refined(voters, start, start_radius, _tolerance(bone), fixed, given.head_radius_mm)
        if fit is None:
            continue
        center, radius = fit
        if fixed is None and np.linalg.norm(center - near) > LESION_REACH_RADII * radius:
            continue
        share = float(np.mean(_in_neck(bone, center, radius, NECK_SHELL_RADII)))
        if not NECK_SHARE_RANGE[0] <= share <= NECK_SHARE_RANGE[1]:
            _log.debug("sphere of %.1f mm at %s is no head: %.2f of the shell around it is bone", radius, center, share)
            continue
        ball = _on_sphere(voters.points, voters.normals, center, radius, _tolerance(bone), COVERAGE_FACING_DEG)
        covered = _coverage(bone, voters.points[ball], center)[0]
        if best is None or covered > best[0]:
            best = (covered, center, radius)
    if best is None or best[0] < MIN_HEMISPHERE_COVERAGE:
        found = "no knob on a neck" if best is None else f"a sphere of {best[2]:.0f} mm covered to {best[0]:.0%}"
        raise AnatomyError(
            f"no femoral head around the lesion: {found}; a sphere of {RADIUS_RANGE_MM[0]:.0f} to"
            f" {RADIUS_RANGE_MM[1]:.0f} mm whose articular half is covered to {MIN_HEMISPHERE_COVERAGE:.0%} is"
            " accepted",
            code="head-not-found",
        )
    _, center, radius = best
    source: Source = "fitted" if fixed is None and given.head_radius_mm is None else "given"
    head = _described(bone, center, radius, source)
    # The neck's direction is known now: fit once more without the part where it joins.
    fit = _refined(voters, center, radius, _tolerance(bone), fixed, given.head_radius_mm, head.neck_direction)
    if fit is not None and source == "fitted":
        fit = _away_from_leaks(voters, *fit, bone, head.neck_direction)
    return head if fit is None else _described(bone, *fit, source)


def _check_radius(radius: float) -> None:
    low, high = RADIUS_RANGE_MM
    if not low <= radius <= high:
        raise AnatomyError(
            f"head radius {radius:.1f} mm; {low:.0f} to {high:.0f} mm is accepted", code="head-not-found"
        )


def _tolerance(bone: Bone) -> float:
    return max(ON_SPHERE_MM, float(np.max(bone.spacing_mm)))


def _voters(bone: Bone, near: FloatArray) -> Voters:
    """Surface points near the lesion, their normals, and the area each stands for (relative)."""
    reach = SEARCH_RADIUS_MM + RADIUS_RANGE_MM[1]
    chosen = np.linalg.norm(bone.surface_points_mm - near, axis=1) < reach
    points, normals = bone.surface_points_mm[chosen], bone.surface_normals[chosen]
    if len(points) > MAX_VOTERS:
        # A regular stride keeps all orientations, for the points run along each axis in turn.
        pick = np.linspace(0, len(points) - 1, MAX_VOTERS).astype(np.int64)
        points, normals = points[pick], normals[pick]
    # Grid edges cross an oblique surface more often than a square one.
    weights = 1.0 / np.maximum(np.abs(normals).sum(axis=1), 0.5)
    return Voters(points, normals, weights)


def _candidates(
    voters: Voters, near: FloatArray, fixed_center: FloatArray | None, fixed_radius: float | None
) -> list[tuple[FloatArray, float]]:
    """Centres and radii to refine: at each radius the cell where most normals meet."""
    points, normals, weights = voters
    low, high = RADIUS_RANGE_MM
    radii = np.arange(low, high + 0.5, 2.0) if fixed_radius is None else np.array([fixed_radius])
    if fixed_center is not None:
        return [(fixed_center, float(r)) for r in radii]
    cells = int(2 * SEARCH_RADIUS_MM / VOTE_CELL_MM) + 1
    found: list[tuple[float, FloatArray, float]] = []
    for radius in radii:
        votes = points - radius * normals - (near - SEARCH_RADIUS_MM)
        index = np.floor(votes / VOTE_CELL_MM).astype(np.int64)
        kept = np.all((index >= 0) & (index < cells), axis=1)
        flat = np.ravel_multi_index(tuple(index[kept].T), (cells, cells, cells))
        if len(flat) == 0:
            continue
        count = np.bincount(flat, weights=weights[kept])
        top = int(np.argmax(count))
        inside = votes[kept][flat == top]
        found.append((float(count[top]) / radius**2, inside.mean(axis=0) + near - SEARCH_RADIUS_MM, float(radius)))
    found.sort(key=lambda item: -item[0])
    return [(center, radius) for _, center, radius in found[:6]]


def _on_sphere(
    points: FloatArray, normals: FloatArray, center: FloatArray, radius: float, tolerance: float, facing_deg: float
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    offset = points - center
    size = np.linalg.norm(offset, axis=1)
    facing = np.einsum("ij,ij->i", offset, normals) > np.cos(np.radians(facing_deg)) * size
    return cast("np.ndarray[tuple[int], np.dtype[np.bool_]]", facing & (np.abs(size - radius) < tolerance))


def _refined(
    voters: Voters,
    center: FloatArray,
    radius: float,
    final_mm: float,
    fixed_center: FloatArray | None,
    fixed_radius: float | None,
    neck_direction: FloatArray | None = None,
) -> tuple[FloatArray, float] | None:
    """Least-squares sphere through the points near the last one, in a shell that tightens to ``final_mm``."""
    points, normals, weights = voters
    shells = [4.0, 4.0, 3.0, 3.0, 2.0, 2.0, 1.5, 1.5] if neck_direction is None else [2.0, 1.5]
    for tolerance in [max(s, final_mm) for s in shells] + [final_mm] * 8:
        chosen = _on_sphere(points, normals, center, radius, tolerance, FACING_DEG)
        offset = points[chosen] - center
        size = np.linalg.norm(offset, axis=1)
        if neck_direction is not None:
            articular = offset @ neck_direction < np.cos(np.radians(NECK_CONE_DEG)) * size
            offset, size = offset[articular], size[articular]
            chosen[np.flatnonzero(chosen)[~articular]] = False
        if len(size) < 30:
            return None
        unit = offset / size[:, None]
        residual = size - radius
        # Tukey's weight: what lies at the shell's edge fades out instead of switching.
        weight = weights[chosen] * (1.0 - (residual / tolerance) ** 2) ** 2
        columns = np.column_stack([unit if fixed_center is None else np.zeros_like(unit), np.ones(len(size))])
        if fixed_radius is not None:
            columns[:, 3] = 0.0
        root = np.sqrt(weight)[:, None]
        step = np.linalg.lstsq(columns * root, residual * root[:, 0], rcond=None)[0]
        # A step is never longer than the shell: beyond it the chosen points say nothing.
        step = step * min(1.0, 2.0 * tolerance / max(float(np.linalg.norm(step[:3])), 1e-12))
        center, radius = center + step[:3], radius + float(step[3])
        if not RADIUS_RANGE_MM[0] <= radius <= RADIUS_RANGE_MM[1]:
            return None
    return center, radius


def _away_from_leaks(
    voters: Voters, center: FloatArray, radius: float, bone: Bone, neck_direction: FloatArray
) -> tuple[FloatArray, float]:
    """The sphere fitted in millimetres, away from leaks; for a rough coarse mask that of a voxel's tolerance."""
    coarse = float(np.max(bone.spacing_mm)) > COARSE_MM
    sound, near, size = _without_leak(voters, center, radius, neck_direction)
    fit = _refined(sound, near, size, ON_SPHERE_MM, None, None, neck_direction)
    if fit is None or (coarse and _round_share(sound, *fit, neck_direction) < ROUND_SHARE):
        return center, radius
    return fit


def _without_leak(
    voters: Voters, center: FloatArray, radius: float, neck_direction: FloatArray
) -> tuple[Voters, FloatArray, float]:
    """The points but for a cap that stands out, where a sphere and a shell over it explain them clearly better.

    And the sphere's centre and radius; without such a cap those that came.
    """
    size = np.linalg.norm(voters.points - center, axis=1)
    near = voters.only((size > radius - LEAK_MM[1]) & (size < radius + 1.5 * LEAK_MM[1]))
    few = near.only(slice(None, None, max(1, len(near.points) // LEAK_VOTERS)))
    least = LEAK_GAIN * _support(few, center, radius, SHELL_MM, neck_direction)
    best: tuple[FloatArray, float, FloatArray] | None = None
    for way, step in product(directions(LEAK_WAYS), LEAK_STEPS_MM):
        if way @ neck_direction > np.cos(np.radians(NECK_CONE_DEG + 20.0)):
            continue
        rest = few.only(~_within(few, center, way, LEAK_CONE_DEG))
        fit = _refined(rest, center - step * way, radius - 0.5 * step, ON_SPHERE_MM, None, None, neck_direction)
        if fit is None or np.linalg.norm(fit[0] - center) > LEAK_MM[1]:
            continue
        cap = _within(few, fit[0], way, LEAK_CONE_DEG + LEAK_RIM_DEG)
        support, _ = _two_shells(few, *fit, cap, neck_direction)
        if support > least:
            least, best = support, (*fit, way)
    if best is None:
        return voters, center, radius
    center, radius, way = best
    sound = voters
    for _ in range(2):
        cap = _within(voters, center, way, LEAK_CONE_DEG + LEAK_RIM_DEG)
        sound = voters.only(~_two_shells(voters, center, radius, cap, neck_direction)[1])
        center, radius = _refined(sound, center, radius, ON_SPHERE_MM, None, None, neck_direction) or (center, radius)
    return sound, center, radius


def _within(voters: Voters, center: FloatArray, way: FloatArray, cone_deg: float) -> BoolArray:
    offset = voters.points - center
    return np.asarray(offset @ way > np.cos(np.radians(cone_deg)) * np.linalg.norm(offset, axis=1))


def _two_shells(
    voters: Voters, center: FloatArray, radius: float, cap: BoolArray, neck_direction: FloatArray
) -> tuple[float, BoolArray]:
    """Support of a sphere and of the best shell outside it over a cap; and which points lie nearer to that shell."""
    off = np.linalg.norm(voters.points - center, axis=1) - radius
    weights = voters.weights * _articular(voters, center, neck_direction)
    shells = np.arange(LEAK_MM[0], LEAK_MM[1], 0.2)
    most = shells[int(np.argmax([(weights * _tukey(off - shell, SHELL_MM))[cap].sum() for shell in shells]))]
    outer = cap & (off > 0.5 * most)
    support = weights * np.where(outer, _tukey(off - most, SHELL_MM), _tukey(off, SHELL_MM))
    return float(support.sum()) / radius**2, outer


def _tukey(off: FloatArray, tolerance: float) -> FloatArray:
    return np.asarray(np.maximum(1.0 - (off / tolerance) ** 2, 0.0) ** 2)


def _articular(voters: Voters, center: FloatArray, neck_direction: FloatArray) -> BoolArray:
    """Which points face outward, away from where the neck joins."""
    offset = voters.points - center
    size = np.linalg.norm(offset, axis=1)
    facing = np.einsum("ij,ij->i", offset, voters.normals) > np.cos(np.radians(FACING_DEG)) * size
    return np.asarray(facing & (offset @ neck_direction < np.cos(np.radians(NECK_CONE_DEG)) * size))


def _support(voters: Voters, center: FloatArray, radius: float, tolerance: float, neck_direction: FloatArray) -> float:
    """How much articular surface lies on a sphere, by Tukey's weight, for its size."""
    off = np.linalg.norm(voters.points - center, axis=1) - radius
    weight = voters.weights * _tukey(off, tolerance)
    return float(weight[_articular(voters, center, neck_direction)].sum()) / radius**2


def _round_share(voters: Voters, center: FloatArray, radius: float, neck_direction: FloatArray) -> float:
    """Share of the joint surface near the sphere that lies on it."""
    size = np.linalg.norm(voters.points - center, axis=1)
    near = _on_sphere(voters.points, voters.normals, center, radius, ROUND_SHELL_MM, FACING_DEG)
    near &= (voters.points - center) @ neck_direction < np.cos(np.radians(NECK_CONE_DEG)) * size
    on = near & (np.abs(size - radius) < ON_SPHERE_MM)
    return float(voters.weights[on].sum()) / max(float(voters.weights[near].sum()), 1e-12)


def directions(count: int) -> FloatArray:
    """Unit vectors spread evenly over the sphere (Fibonacci lattice), (count, 3)."""
    i = np.arange(count) + 0.5
    z = 1.0 - 2.0 * i / count
    turn = np.pi * (1.0 + 5.0**0.5) * i
    flat = np.sqrt(1.0 - z**2)
    return np.column_stack([flat * np.cos(turn), flat * np.sin(turn), z])


def _coverage(bone: Bone, articular_points: FloatArray, center: FloatArray) -> tuple[float, FloatArray]:
    """Share of the covered side's hemisphere with articular surface, and that side's pole."""
    if len(articular_points) < 30:
        return 0.0, np.array([0.0, 0.0, 1.0])
    offset = articular_points - center
    unit = offset / np.linalg.norm(offset, axis=1, keepdims=True)
    ways = directions(DIRECTIONS)
    # A direction is covered when a point lies within a voxel's diagonal of it.
    reach = 1.75 * float(np.max(bone.spacing_mm)) / float(np.mean(np.linalg.norm(offset, axis=1)))
    covered = KDTree(unit).query(ways, distance_upper_bound=reach)[0] < reach
    pole = ways[covered].sum(axis=0)
    pole = pole / max(float(np.linalg.norm(pole)), 1e-12)
    half = ways @ pole > 0.0
    return float(np.mean(covered[half])), pole


def _in_neck(bone: Bone, center: FloatArray, radius: float, shell_radii: float) -> BoolArray:
    """Over which ``directions`` bone goes on at a shell around the sphere, but for what stands out of the head."""
    ways = directions(DIRECTIONS)
    beyond = bone.inside(center + shell_radii * radius * ways)
    low, high = STANDS_OUT_MM
    surface = bone.surface_points_mm, bone.surface_normals
    caps = _on_sphere(*surface, center, radius + (low + high) / 2.0, (high - low) / 2.0, FACING_DEG)
    if not caps.any():
        return beyond
    offset = surface[0][caps] - center
    unit = offset / np.linalg.norm(offset, axis=1, keepdims=True)
    reach = 1.75 * float(np.max(bone.spacing_mm)) / (radius + low)
    return np.asarray(beyond & ~(KDTree(unit).query(ways, distance_upper_bound=reach)[0] < reach))


def _described(bone: Bone, center: FloatArray, radius: float, source: Source) -> Head:
    """The head with its quality and a first guess of the neck's direction."""
    surface = bone.surface_points_mm, bone.surface_normals
    ball = _on_sphere(*surface, center, radius, _tolerance(bone), COVERAGE_FACING_DEG)
    covered, pole = _coverage(bone, surface[0][ball], center)
    articular = surface[0][_on_sphere(*surface, center, radius, _tolerance(bone), FACING_DEG)]
    residual = np.linalg.norm(articular - center, axis=1) - radius
    rms = float(np.sqrt(np.mean(residual**2))) if len(residual) else float("nan")
    # The neck is where bone goes on beyond the sphere.
    ways = directions(DIRECTIONS)
    beyond = _in_neck(bone, center, radius, 1.2)
    neck = ways[beyond].sum(axis=0) if beyond.any() else -pole
    length = float(np.linalg.norm(neck))
    neck = neck / length if length > 1e-9 else -pole
    _log.debug("head: centre %s, radius %.2f mm, coverage %.2f, rms %.2f mm", center, radius, covered, rms)
    return Head(center, radius, source, covered, rms, neck)
