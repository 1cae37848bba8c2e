"""How much of the loaded part of the head is dead.

The loaded cap is a cone about the load's pole with its apex at the head's centre. Pole in
gait: mean of ten instrumented hips (Bergmann 2016, PLoS ONE 11:e0155612). Half-angle 55°:
the standing weight-bearing surface of 1,219 to 1,871 mm² (J Orthop Surg Res 2020,
doi:10.1186/s13018-020-01927-9) on a head of 24 mm radius is a cap of 48 to 61°.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.grid import FloatArray
from corecore.hip import Hip
from corecore.spec import Spec

#: Load pole in level walking, femoral frame (x lateral, y anterior, z proximal).
GAIT_POLE = (-0.27, 0.10, 0.96)
#: Directions that sample the cap; each stands for the same area.
DIRECTIONS = 6000
#: Step along a radius, mm.
RADIAL_STEP_MM = 0.25


@dataclass(frozen=True)
class WeightBearing:
    """The lesion's share of the loaded cap.

    ``surface_fraction``: area of the cap whose radius meets lesion within
    ``subchondral_depth_mm`` of the bone surface, over the cap's area. ``volume_fraction``:
    lesion in the cap's cone over the lesion. ``depth_mm``: least bone between lesion and
    surface in the cap, ``None`` where no lesion lies in the cone.
    """

    cap_half_angle_deg: float
    subchondral_depth_mm: float
    pole: tuple[float, float, float]
    surface_fraction: float
    volume_fraction: float
    depth_mm: float | None


def measure_weight_bearing(
    hip: Hip, spec: Spec, pole: tuple[float, float, float] = GAIT_POLE
) -> WeightBearing:
    """Measure the cap about ``pole`` (femoral frame; need not be of unit length)."""
    axis = cap_axis(hip, pole)
    rays = cap_directions(axis, spec.cap_half_angle_deg)
    surface = head_surface_radius(hip, rays)
    steps = np.arange(RADIAL_STEP_MM / 2, spec.subchondral_depth_mm, RADIAL_STEP_MM)
    met = np.zeros(len(rays), dtype=bool)
    for depth in steps:
        points = hip.anatomy.head_center + (surface - depth)[:, None] * rays
        met |= hip.lesion.covers(points)
    inside = in_cone(hip, spec, pole)
    covered = inside & hip.lesion.covers(hip.lesion.points_mm)
    depths = hip.bone.distance(hip.lesion.points_mm[covered])
    return WeightBearing(
        cap_half_angle_deg=spec.cap_half_angle_deg,
        subchondral_depth_mm=spec.subchondral_depth_mm,
        pole=pole,
        surface_fraction=float(np.mean(met)),
        volume_fraction=float(np.mean(inside)),
        depth_mm=float(max(0.0, depths.min())) if len(depths) else None,
    )


def cap_axis(hip: Hip, pole: tuple[float, float, float] = GAIT_POLE) -> FloatArray:
    """The pole as a unit vector in the local frame."""
    unit = np.asarray(pole, dtype=np.float64) / np.linalg.norm(pole)
    return np.asarray(hip.anatomy.femoral_from_local[:3, :3].T @ unit, dtype=np.float64)


def in_cone(hip: Hip, spec: Spec, pole: tuple[float, float, float] = GAIT_POLE) -> np.ndarray:
    """Which lesion sample points (N,) lie in the cone about the pole."""
    offset = hip.lesion.points_mm - hip.anatomy.head_center
    length = np.maximum(np.linalg.norm(offset, axis=1), 1e-9)
    return np.asarray(offset @ cap_axis(hip, pole) >= np.cos(np.radians(spec.cap_half_angle_deg)) * length)


def cap_directions(axis: FloatArray, half_angle_deg: float, count: int = DIRECTIONS) -> FloatArray:
    """Unit vectors (count, 3) spread evenly over a cap, by the golden-angle spiral."""
    height = 1.0 - (np.arange(count) + 0.5) / count * (1.0 - np.cos(np.radians(half_angle_deg)))
    turn = np.arange(count) * np.pi * (3.0 - np.sqrt(5.0))
    side = np.sqrt(np.maximum(0.0, 1.0 - height**2))
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    return np.asarray(
        height[:, None] * axis + side[:, None] * (np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second)
    )


def head_surface_radius(hip: Hip, rays: FloatArray) -> FloatArray:
    """Distance from the head's centre to the bone surface along unit vectors (N, 3), mm.

    The last point in bone up to 1.3 R: a pit of the fovea or a cyst on the way does not end
    the ray. A ray that never leaves bone there gives 1.3 R.
    """
    radius = hip.anatomy.head_radius_mm
    steps = np.arange(0.0, 1.3 * radius + RADIAL_STEP_MM, RADIAL_STEP_MM)
    depth = np.stack([hip.bone.distance(hip.anatomy.head_center + s * rays) for s in steps], axis=1)
    inside = depth > 0.0
    last = inside.shape[1] - 1 - np.argmax(inside[:, ::-1], axis=1)
    after = np.minimum(last + 1, len(steps) - 1)
    rows = np.arange(len(rays))
    a, b = depth[rows, last], depth[rows, after]
    weight = np.where(after > last, a / np.maximum(a - b, 1e-9), 0.0)
    return np.asarray(steps[last] + np.clip(weight, 0.0, 1.0) * RADIAL_STEP_MM, dtype=np.float64)
