"""The lesion below the head's surface again: shares of the loaded cap, Kerboul's arcs, the bone over the lesion.

By rays from the head's centre, each in steps through the mesh's own level and the lesion's
voxels: the surface is where a ray last leaves bone within 1.3 head radii.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from corecore.base.grid import BoolArray, FloatArray, transform
from corecore.document.stated import StatedPlan
from corecore.verification import tolerance
from corecore.verification.frame import HEAD_PLANE_RADII, Frame, across, unit
from corecore.verification.hip import Hip
from corecore.verification.quantities import in_cone
from corecore.verification.report import Check, equal

#: A ray's end is looked for up to this distance from the centre, head radii (docs/measures.md).
RAY_END_RADII = 1.3
#: The outline lies where the lesion's share between voxels is a half; drawn wide and narrow, at these.
OUTLINES = (0.2, 0.5, 0.8)
#: Steps along a ray, mm, and between the rays of a plane, degrees; rings of the cap.
RAY_STEP_MM, ARC_STEP_DEG, CAP_RINGS = 0.3, 0.5, 40


def ray_checks(plan: StatedPlan, hip: Hip, frame: Frame) -> list[Check]:
    """Checks of those figures that the plan states."""
    stated, depth = plan.necrosis.rays, plan.necrosis.subchondral_depth_mm
    if depth is None:
        return []
    edge = max(1.0, float(hip.bone.grid.spacing_mm.max()), float(hip.lesion.grid.spacing_mm.max()))
    checks = []
    for key, forward in (("kerboul.coronal_deg", frame.x), ("kerboul.sagittal_deg", frame.y)):
        if stated.get(key) is not None:
            shares = [dead_below(hip, frame, rays, depth) for rays in arc_rays(hip, frame, forward)]
            low, found, high, *beside = arcs_deg(shares)
            # Where a plane just grazes the lesion the arc hangs on where exactly its outline lies.
            slack = tolerance.ARC_DEG * edge + max(abs(other - found) for other in (low, high, *beside))
            checks.append(equal(f"necrosis.{key}", stated[key], found, slack, "deg"))
    pole, half = plan.necrosis.pole, plan.necrosis.cap_half_angle_deg
    if pole is None or half is None or not np.any(pole):
        return checks
    share = stated.get("weight_bearing.surface_fraction")
    if share is not None:
        turn = np.stack([frame.x, frame.y, frame.z])
        rays = _cap(unit(pole), half) @ turn
        dead = dead_below(hip, frame, rays, depth)
        low, found, high = (float(np.mean(dead >= outline)) for outline in OUTLINES)
        slack = tolerance.CAP_SHARE * edge + max(abs(low - found), abs(high - found))
        checks.append(equal("necrosis.weight_bearing.surface_fraction", share, found, slack, ""))
    cone = in_cone(plan, frame, hip.lesion_points_mm)
    least = stated.get("weight_bearing.depth_mm")
    if least is not None and cone is not None and cone.any():
        points = hip.lesion_points_mm[cone]
        points = points[hip.mesh.inside(points)]
        found = float(hip.mesh.least_gap(points)) if len(points) else 0.0
        slack = tolerance.clearance_mm(hip.bone.grid.spacing_mm) + 0.5 * edge
        checks.append(equal("necrosis.weight_bearing.depth_mm", least, found, slack, "mm"))
    return checks


def arc_rays(hip: Hip, frame: Frame, forward: FloatArray) -> list[FloatArray]:
    """Rays (N, 3) of the plane of the shaft's axis and ``forward``, and of that moved half a voxel to either side.

    A smoothed outline rounds the lesion's edges, by up to half a voxel: where the plane runs along one, the arc hangs
    on that, and the shares between voxels in the plane itself do not show it.
    """
    turn = np.radians(np.arange(0.0, 360.0, ARC_STEP_DEG))[:, None]
    rays = np.cos(turn) * frame.z + np.sin(turn) * forward
    aside = 0.5 * float(hip.lesion.grid.spacing_mm.max()) / frame.radius_mm * np.cross(frame.z, forward)
    moved = [rays, rays - aside, rays + aside]
    return [np.asarray(one / np.linalg.norm(one, axis=1, keepdims=True), dtype=np.float64) for one in moved]


def arcs_deg(dead: Sequence[FloatArray]) -> list[float]:
    """The arcs by each of the outlines, and those by the middle one beside the plane, from the rays' shares (N,)."""
    middle, *beside = dead
    return [*(hull_deg(middle >= outline) for outline in OUTLINES), *(hull_deg(one >= OUTLINES[1]) for one in beside)]


def hull_deg(met: BoolArray) -> float:
    """The smallest arc that holds all involved rays of a plane, given round the circle."""
    if not met.any():
        return 0.0
    held = np.flatnonzero(met)
    free = np.diff(np.append(held, held[0] + len(met))).max() - 1
    return float((len(met) - free) * ARC_STEP_DEG)


def _cap(pole: FloatArray, half_deg: float) -> FloatArray:
    """Unit vectors (N, 3) over a cap, each standing for the same area: rings of equal height."""
    height = 1.0 - (np.arange(CAP_RINGS) + 0.5) / CAP_RINGS * (1.0 - np.cos(np.radians(half_deg)))
    turn = 2.0 * np.pi * (np.arange(2 * CAP_RINGS) + 0.5) / (2 * CAP_RINGS)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) @ across(pole)
    side = np.sqrt(1.0 - height**2)
    return np.asarray((height[:, None, None] * pole + side[:, None, None] * ring).reshape(-1, 3), dtype=np.float64)


def dead_below(hip: Hip, frame: Frame, rays: FloatArray, depth_mm: float) -> FloatArray:
    """The greatest share of lesion (0 to 1) in the last ``depth_mm`` of each ray (N, 3); 0 for rays off the head."""
    return head_below(hip, frame, rays, depth_mm)[0]


def head_below(hip: Hip, frame: Frame, rays: FloatArray, depth_mm: float) -> tuple[FloatArray, BoolArray]:
    """The same shares (N,), and which rays leave the bone through the head (N,)."""
    end = RAY_END_RADII * frame.radius_mm
    steps = np.arange(0.0, end, RAY_STEP_MM)
    points = frame.center + steps[None, :, None] * rays[:, None, :]
    inside = hip.mesh.inside(points.reshape(-1, 3)).reshape(len(rays), len(steps))
    last = len(steps) - 1 - np.argmax(inside[:, ::-1], axis=1)
    surface = steps[last] + 0.5 * RAY_STEP_MM
    on_head = inside.any(axis=1) & (surface < 0.99 * end)
    on_head &= surface * (rays @ frame.neck) >= -HEAD_PLANE_RADII * frame.radius_mm
    below = np.arange(0.5 * RAY_STEP_MM, depth_mm, RAY_STEP_MM)
    seen = frame.center + (surface[:, None] - below)[:, :, None] * rays[:, None, :]
    share = lesion_share(hip, seen.reshape(-1, 3)).reshape(len(rays), len(below)).max(axis=1)
    return np.asarray(np.where(on_head, share, 0.0), dtype=np.float64), on_head


def lesion_share(hip: Hip, points_mm: FloatArray) -> FloatArray:
    """The lesion's share between voxels at world points (N, 3), 0 to 1.

    Between voxels half and half: nearest voxels alone would count every stair of the outline. Beyond the array, which
    ends with the lesion, is none: outside its last voxels as between any two.
    """
    index = transform(hip.lesion.grid.index_from_world, points_mm)
    voxels = hip.lesion.voxels.astype(np.float32)
    return np.asarray(ndimage.map_coordinates(voxels, index.T, order=1, mode="grid-constant"))
