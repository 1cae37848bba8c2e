"""Collapse of the head, seen as its outline lying below the fitted sphere.

Rays from the head's centre meet the bone surface; how much nearer than the sphere's radius they
meet it is the depression there. A healthy head is no exact sphere either, so what lies over the
lesion is held against the rest of the same head. A flattened cap drops out of the sphere's fit,
so the sphere stays where the cap was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pykdtree.kdtree import KDTree

from corecore.base.grid import BoolArray, FloatArray
from corecore.document.signs import CollapsePart
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.head_surface import FOVEA, FOVEA_HALF_ANGLE_DEG
from corecore.hip.hip import Hip

#: Rays over the whole sphere; each stands for some 2.4 mm² of a head of 24 mm radius.
DIRECTIONS = 3000
#: The part judged: proximal of the equator across the neck axis, and no lower than this share of the
#: radius above the centre. Below it the head falls away to the neck on every hip (engineering choice).
LOWEST = 0.2
#: The depression is the mean over a disc of this radius, mm, so that one voxel's step is none.
DISC_MM = 3.0
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

    References
    ----------
    ARCO 2019 parts IIIA from IIIB at 2 mm: Yoon 2020, doi:10.1016/j.arth.2019.11.029.
    """

    over_lesion_mm: float | None
    rest_p95_mm: float | None
    rest_max_mm: float | None
    limit_mm: float
    direction: tuple[float, float, float] | None

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
            f" limit {self.limit_mm:.1f} mm, engineering choice{rest}): it may have collapsed. {ARCO_IIIB_MM:g} mm part"
            f" ARCO IIIA from IIIB (Yoon 2020, doi:10.1016/j.arth.2019.11.029); this is {grade}. Core decompression is"
            " not supported in a collapsed head",
        )

    def part(self) -> CollapsePart:
        """For ``measures.json``; ``direction`` in the femoral frame."""

        def rounded(value: float | None) -> float | None:
            return None if value is None else round(value, 2)

        return CollapsePart(
            over_lesion_mm=rounded(self.over_lesion_mm), rest_p95_mm=rounded(self.rest_p95_mm),
            rest_max_mm=rounded(self.rest_max_mm), limit_mm=round(self.limit_mm, 2), found=self.found,
            direction=None if self.direction is None else [round(d, 3) for d in self.direction],
        )  # fmt: skip


def measure_collapse(hip: Hip) -> Collapse:
    """Measure the depression of the head's outline below its sphere."""
    rays = judged_directions(hip)
    depth, known = depressions(hip, rays @ hip.anatomy.femoral_from_local[:3, :3])
    rays, depth = rays[known], depth[known]
    if len(rays) == 0:
        return Collapse(None, None, None, _limit(hip, None), None)
    # Each ray's neighbours on the lattice that fall in the disc; DIRECTIONS points stand for 4 pi.
    radius = DISC_MM / hip.anatomy.head_radius_mm
    most = min(len(rays), int(np.ceil(0.25 * radius**2 * DIRECTIONS * 1.5)) + 4)
    apart, near = KDTree(rays).query(rays, k=most)
    apart, near = apart.reshape(len(rays), most), near.reshape(len(rays), most)
    weight = (apart <= radius).astype(np.float64)
    mean = (depth[near] * weight).sum(axis=1) / weight.sum(axis=1)
    dead = _over_lesion(hip, rays, depth)
    rest = ~dead
    if dead.any():
        rest &= KDTree(rays[dead]).query(rays)[0] > 2.0 * np.sin(np.radians(APART_DEG) / 2.0)
    p95 = float(np.percentile(mean[rest], 95)) if rest.any() else None
    return Collapse(
        over_lesion_mm=float(mean[dead].max()) if dead.any() else None,
        rest_p95_mm=p95,
        rest_max_mm=float(mean[rest].max()) if rest.any() else None,
        limit_mm=_limit(hip, p95),
        direction=_as_triple(rays[dead][int(np.argmax(mean[dead]))]) if dead.any() else None,
    )


def judged_directions(hip: Hip) -> FloatArray:
    """Unit vectors (N, 3) of the femoral frame over the part of the head that is judged."""
    i = np.arange(DIRECTIONS) + 0.5
    height = 1.0 - 2.0 * i / DIRECTIONS
    turn = np.pi * (1.0 + 5.0**0.5) * i
    flat = np.sqrt(1.0 - height**2)
    rays = np.column_stack([flat * np.cos(turn), flat * np.sin(turn), height])
    neck = hip.anatomy.femoral_from_local[:3, :3] @ hip.anatomy.neck_axis
    fovea = np.asarray(FOVEA) / np.linalg.norm(FOVEA)
    kept = (rays @ neck > 0.0) & (rays[:, 2] >= LOWEST) & (rays @ fovea < np.cos(np.radians(FOVEA_HALF_ANGLE_DEG)))
    return np.asarray(rays[kept])


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


def _limit(hip: Hip, rest_p95_mm: float | None) -> float:
    voxel = LIMIT_VOXELS * float(hip.case.femur.grid.spacing_mm.max())
    return max(LIMIT_MM, voxel, 0.0 if rest_p95_mm is None else rest_p95_mm + ABOVE_REST_MM)


def _as_triple(vector: FloatArray) -> tuple[float, float, float]:
    return (float(vector[0]), float(vector[1]), float(vector[2]))
