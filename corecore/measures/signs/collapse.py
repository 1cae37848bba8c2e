"""Collapse of the head, seen as its outline lying below the fitted sphere.

Rays from the head's centre meet the bone surface; how much nearer than the sphere's radius they
meet it is the depression there. A healthy head is no exact sphere either, so what lies over the
lesion is held against the rest of the same head. A flattened cap drops out of the sphere's fit,
so the sphere stays where the cap was. The fovea is a pit of every head: it is looked for by its
place and size and left out; a dent elsewhere in the weight-bearing zone is a flattening.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pykdtree.kdtree import KDTree

from corecore.base.grid import BoolArray, FloatArray
from corecore.document.signs import CollapsePart, FoveaPart
from corecore.hip.anatomy.head import directions
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.head_surface import (
    MISSING_FROM_RADII,
    PATCH_MM2,
    Fovea,
    connected,
    disc_means,
    find_fovea,
    place_on_head,
)  # fmt: skip
from corecore.hip.hip import Hip
from corecore.measures.weight_bearing import GAIT_POLE

#: Rays over the whole sphere; each stands for some 2.4 mm² of a head of 24 mm radius.
DIRECTIONS = 3000
#: The part judged: proximal of the equator across the neck axis, and no lower than this share of the
#: radius above the centre. Below it the head falls away to the neck on every hip (engineering choice).
LOWEST = 0.2
#: A ray runs over the lesion where it meets it within this depth, mm (``subchondral_depth_mm``).
SUBCHONDRAL_MM = 5.0
#: The rest of the head begins this far from the lesion, degrees: a collapse may tilt its rim.
APART_DEG = 12.0
#: Rays are followed between these shares of the radius, in steps of STEP_MM.
NEAR, FAR, STEP_MM = 0.55, 1.15, 0.5
#: Detection limit: the largest of a floor, a share of the longest voxel edge, and what 95 % of the rest of
#: the head keeps plus a margin. Healthy heads reach 0.6 mm over the lesion and 1.0 mm elsewhere, 1.5 mm
#: at 3 mm voxels (engineering choice; docs/design/signs.md).
LIMIT_MM = 1.5
LIMIT_VOXELS = 0.75
ABOVE_REST_MM = 0.75
#: The weight-bearing zone: half-angle about the load in gait, degrees (as for the measures of the loaded cap).
LOADED_DEG = 55.0
#: ARCO 2019 parts IIIA (up to) from IIIB (above) at this depression, mm (Yoon 2020).
ARCO_IIIB_MM = 2.0


@dataclass(frozen=True)
class Collapse:
    """Collapse of the head: how far its surface lies below the fitted sphere.

    Parameters
    ----------
    over_lesion_mm : float or None
        Largest depression over the lesion, mean over a disc of 3 mm radius, mm; ``None`` where no lesion lies under
        the part that is measured.
    rest_p95_mm, rest_max_mm : float or None
        95th percentile and largest depression on the rest of that part, mm.
    limit_mm : float
        Detection limit, mm (engineering choice; ``docs/design/signs.md``).
    direction : tuple of float or None
        Where the depression is largest, seen from the head's centre: unit vector, femoral frame.
    fovea : Fovea
        The fovea, which is left out.
    flattening_mm : float or None
        Largest such depression in the weight-bearing zone away from lesion and fovea, where it exceeds
        ``flattening_limit_mm`` over 30 mm² and more, mm; else ``None``.
    flattening_limit_mm : float
        Detection limit of a flattening, mm: 1.5 or 0.75 of the longest voxel edge (engineering choice).
    flattening_direction : tuple of float or None
        Where it is largest, likewise.

    References
    ----------
    ARCO 2019 parts IIIA from IIIB at 2 mm: Yoon 2020, doi:10.1016/j.arth.2019.11.029.
    """

    over_lesion_mm: float | None
    rest_p95_mm: float | None
    rest_max_mm: float | None
    limit_mm: float
    direction: tuple[float, float, float] | None
    fovea: Fovea
    flattening_mm: float | None
    flattening_limit_mm: float
    flattening_direction: tuple[float, float, float] | None

    @property
    def found(self) -> bool:
        """Whether the depression over the lesion exceeds the detection limit."""
        return self.over_lesion_mm is not None and self.over_lesion_mm > self.limit_mm

    @property
    def warning(self) -> PlanWarning | None:
        """The warning, or ``None``."""
        if not self.found or self.over_lesion_mm is None:
            return None
        rest = "" if self.rest_p95_mm is None else f"; 95 % of the rest of the head within {self.rest_p95_mm:.1f} mm"
        grade = "above" if self.over_lesion_mm > ARCO_IIIB_MM else "within"
        return PlanWarning(
            "collapse",
            f"the head's outline lies up to {self.over_lesion_mm:.1f} mm below its sphere over the lesion (detection"
            f" limit {self.limit_mm:.1f} mm, engineering choice{rest}): it may have collapsed."
            f" {ARCO_IIIB_MM:g} mm separate ARCO IIIA from IIIB (Yoon 2020, doi:10.1016/j.arth.2019.11.029);"
            f" this is {grade}."
            " Core decompression is not supported in a collapsed head",
        )

    @property
    def flattening(self) -> PlanWarning | None:
        """The warning of a flattening away from the lesion, or ``None``."""
        if self.flattening_mm is None or self.flattening_direction is None:
            return None
        return PlanWarning(
            "flattening",
            f"the head's outline lies up to {self.flattening_mm:.1f} mm below its sphere away from the lesion, in the"
            f" weight-bearing zone ({place_on_head(np.asarray(self.flattening_direction))}; detection limit"
            f" {self.flattening_limit_mm:.1f} mm, engineering choice): flattening, a sign of collapse, unless bone is"
            " labelled pelvis or not segmented there; check the images",
        )

    def part(self) -> CollapsePart:
        """For ``measures.json``; ``direction`` in the femoral frame."""

        def rounded(value: float | None) -> float | None:
            return None if value is None else round(value, 2)

        return CollapsePart(
            over_lesion_mm=rounded(self.over_lesion_mm), rest_p95_mm=rounded(self.rest_p95_mm),
            rest_max_mm=rounded(self.rest_max_mm), limit_mm=round(self.limit_mm, 2), found=self.found,
            direction=_unit(self.direction), flattening_mm=rounded(self.flattening_mm),
            flattening_limit_mm=round(self.flattening_limit_mm, 2),
            flattening_direction=_unit(self.flattening_direction),
        )  # fmt: skip

    def fovea_part(self) -> FoveaPart:
        """Describe the fovea for ``measures.json``.

        Returns
        -------
        FoveaPart
            Whether it was found or assumed, its direction in the femoral frame, half-angle (degrees) and depth (mm).
        """
        depth = self.fovea.depth_mm
        return FoveaPart(
            source="assumed" if depth is None else "found", direction=_unit(self.fovea.direction),
            half_angle_deg=round(self.fovea.half_angle_deg, 1), depth_mm=None if depth is None else round(depth, 2),
        )  # fmt: skip


def measure_collapse(hip: Hip) -> Collapse:
    """Measure the depression of the head's outline below its sphere."""
    lattice, radius = directions(DIRECTIONS), hip.anatomy.head_radius_mm
    below, seen = depressions(hip, lattice @ hip.anatomy.femoral_from_local[:3, :3])
    up = lattice @ (hip.anatomy.femoral_from_local[:3, :3] @ hip.anatomy.neck_axis)
    fovea = find_fovea(
        lattice, disc_means(lattice, below, radius, DIRECTIONS), seen & (up >= MISSING_FROM_RADII), radius
    )
    flat_limit = _limit(hip, None)
    at = np.flatnonzero(seen & (up > 0.0) & (lattice[:, 2] >= LOWEST) & ~fovea.covers(lattice))
    rays, depth = lattice[at], below[at]
    if len(rays) == 0:
        return Collapse(None, None, None, flat_limit, None, fovea, None, flat_limit, None)
    mean = disc_means(rays, depth, radius, DIRECTIONS)
    dead = _over_lesion(hip, rays, depth)
    rest = ~dead
    if dead.any():
        rest &= KDTree(rays[dead]).query(rays)[0] > 2.0 * np.sin(np.radians(APART_DEG) / 2.0)
    p95 = float(np.percentile(mean[rest], 95)) if rest.any() else None
    limit = _limit(hip, p95)
    over_lesion = float(mean[dead].max()) if dead.any() else None
    collapsed = over_lesion is not None and over_lesion > limit
    flat = _flattening(at, rays, mean, rest, dead if collapsed else np.zeros_like(dead), flat_limit, radius)
    return Collapse(
        over_lesion_mm=over_lesion,
        rest_p95_mm=p95,
        rest_max_mm=float(mean[rest].max()) if rest.any() else None,
        limit_mm=limit,
        direction=_as_triple(rays[dead][int(np.argmax(mean[dead]))]) if dead.any() else None,
        fovea=fovea,
        flattening_mm=None if flat is None else float(mean[flat]),
        flattening_limit_mm=flat_limit,
        flattening_direction=None if flat is None else _as_triple(rays[flat]),
    )


def _flattening(
    at: npt.NDArray[np.intp], rays: FloatArray, mean: FloatArray, rest: BoolArray, collapsed: BoolArray, limit: float,
    radius: float,
) -> int | None:  # fmt: skip
    """The deepest ray of a dent in the weight-bearing zone that does not go on from a collapse over the lesion.

    ``at`` are the places of the rays on the lattice.
    """
    pole = np.asarray(GAIT_POLE) / np.linalg.norm(GAIT_POLE)
    loaded = rays @ pole > np.cos(np.radians(LOADED_DEG))
    low = np.zeros(DIRECTIONS, dtype=bool)
    low[at[loaded & (mean > limit)]] = True
    index = np.zeros(DIRECTIONS, dtype=np.intp)
    index[at] = np.arange(len(at))
    found = []
    for patch in connected(directions(DIRECTIONS), low):
        mine = index[patch]
        away = mine[rest[mine]]
        if collapsed[mine].any() or len(away) * 4.0 * np.pi * radius**2 / DIRECTIONS < PATCH_MM2:
            continue
        found.append(int(away[int(np.argmax(mean[away]))]))
    return max(found, key=lambda ray: float(mean[ray]), default=None)


def depressions(hip: Hip, rays: FloatArray) -> tuple[FloatArray, BoolArray]:
    """How far below the sphere local rays (N, 3) leave the bone for good, mm; and whether the scan shows that place."""
    radius = hip.anatomy.head_radius_mm
    steps = np.arange(NEAR * radius, FAR * radius + STEP_MM, STEP_MM)
    points = hip.anatomy.head_center + steps[None, :, None] * rays[:, None, :]
    level = hip.bone.distance(points.reshape(-1, 3)).reshape(len(rays), len(steps))
    inside = level > 0.0
    last = inside.shape[1] - 1 - np.argmax(inside[:, ::-1], axis=1)
    after = np.minimum(last + 1, len(steps) - 1)
    rows = np.arange(len(rays))
    a, b = level[rows, last], level[rows, after]
    share = np.where(after > last, a / np.maximum(a - b, 1e-9), 0.0)
    surface = steps[last] + np.clip(share, 0.0, 1.0) * STEP_MM
    # Beyond the array (-1000) and at the scan's edge the bone ends because the picture does.
    cut = hip.bone.distance_to_cut(hip.anatomy.head_center + surface[:, None] * rays) < 2.0 * hip.bone.spacing_mm.max()
    return np.asarray(radius - surface), np.asarray(inside.any(axis=1) & ~cut)


def _over_lesion(hip: Hip, rays: FloatArray, depth: FloatArray) -> BoolArray:
    local = rays @ hip.anatomy.femoral_from_local[:3, :3]
    surface = hip.anatomy.head_radius_mm - depth
    met = np.zeros(len(rays), dtype=bool)
    for below in np.arange(0.5, SUBCHONDRAL_MM, 0.5):
        met |= hip.lesion.covers(hip.anatomy.head_center + (surface - below)[:, None] * local)
    return met


def _unit(direction: tuple[float, float, float] | None) -> list[float] | None:
    return None if direction is None else [round(d, 3) for d in direction]


def _limit(hip: Hip, rest_p95_mm: float | None) -> float:
    voxel = LIMIT_VOXELS * float(hip.case.femur.grid.spacing_mm.max())
    return max(LIMIT_MM, voxel, 0.0 if rest_p95_mm is None else rest_p95_mm + ABOVE_REST_MM)


def _as_triple(vector: FloatArray) -> tuple[float, float, float]:
    return (float(vector[0]), float(vector[1]), float(vector[2]))
