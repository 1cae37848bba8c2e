"""How much of the loaded part of the head is dead.

The loaded cap is a cone about the load's pole with its apex at the head's centre. Poles: means
of ten instrumented hips (nine for rising; Bergmann 2016, PLoS ONE 11:e0155612). Half-angle 55°:
the standing weight-bearing surface of 1,219 to 1,871 mm² (J Orthop Surg Res 2020,
doi:10.1186/s13018-020-01927-9) on a head of 24 mm radius is a cap of 48 to 61°.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.base.grid import BoolArray, FloatArray, turned
from corecore.base.spec import Spec
from corecore.document.necrosis import LoadedPart
from corecore.hip.hip import Hip
from corecore.measures.necrosis import Necrosis

Pole = tuple[float, float, float]

#: Load poles in the femoral frame (x lateral, y anterior, z proximal): level walking, standing on
#: one leg, standing up from a chair.
POLES: dict[str, Pole] = {"gait": (-0.27, 0.10, 0.96), "stance": (-0.28, 0.06, 0.96), "rising": (-0.40, 0.11, 0.91)}
GAIT_POLE = POLES["gait"]


@dataclass(frozen=True)
class WeightBearing:
    """The lesion's share of a weight-bearing zone: a cone about the load's pole, its apex at the head's centre.

    Parameters
    ----------
    cap_half_angle_deg : float
        Half-angle of the cone, degrees [2].
    subchondral_depth_mm : float
        Depth below the bone surface within which lesion counts as under it, mm.
    pole : tuple of float
        Direction of the load in the femoral frame, any length; mean of instrumented hips [1].
    surface_fraction : float
        Area of the cap under which lesion lies, over the cap's area, 0 to 1.
    volume_fraction : float
        Lesion in the cone over the lesion, 0 to 1.
    depth_mm : float or None
        Least bone between lesion and surface in the cap, mm; ``None`` where no lesion lies in the cone.

    References
    ----------
    1. Bergmann 2016, PLoS ONE 11:e0155612 (ten hips).
    2. J Orthop Surg Res 2020, doi:10.1186/s13018-020-01927-9.
    """

    cap_half_angle_deg: float
    subchondral_depth_mm: float
    pole: Pole
    surface_fraction: float
    volume_fraction: float
    depth_mm: float | None

    def part(self) -> LoadedPart:
        """As in ``measures.json``."""
        return LoadedPart(**{**vars(self), "pole": list(self.pole)})


def measure_weight_bearing(necrosis: Necrosis, pole: Pole = GAIT_POLE) -> WeightBearing:
    """Measure the cap about ``pole`` (femoral frame; need not be of unit length)."""
    spec = necrosis.spec
    inside = _cone(necrosis.points, necrosis.distance_mm, pole, spec.cap_half_angle_deg)
    # Those without a depth are NaN, which counts for nothing here.
    least = float(np.fmin.reduce(necrosis.depth_mm[inside], initial=np.inf))
    return WeightBearing(
        cap_half_angle_deg=spec.cap_half_angle_deg,
        subchondral_depth_mm=spec.subchondral_depth_mm,
        pole=pole,
        surface_fraction=dead_share(necrosis, np.asarray(pole, dtype=np.float64)),
        volume_fraction=float(np.mean(inside)) if len(inside) else 0.0,
        depth_mm=max(0.0, least) if np.isfinite(least) else None,
    )


def dead_share(necrosis: Necrosis, pole: FloatArray) -> float:
    """Share of the cap about ``pole`` (3,) under which lesion lies; what of the cap is off the head is not dead."""
    cap = np.cos(np.radians(necrosis.spec.cap_half_angle_deg))
    met = necrosis.head.directions[necrosis.under_surface] @ (pole / np.linalg.norm(pole)) >= cap
    return float(np.count_nonzero(met)) / necrosis.head.rays_in_cap(pole, cap)


def in_cone(hip: Hip, spec: Spec, pole: Pole = GAIT_POLE) -> BoolArray:
    """Which lesion sample points (N,) lie in the cone about the pole."""
    points = turned(hip.anatomy.femoral_from_local[:3, :3], hip.lesion.points_mm - hip.anatomy.head_center)
    return _cone(points, np.linalg.norm(points, axis=1), pole, spec.cap_half_angle_deg)


def _cone(points: FloatArray, distance_mm: FloatArray, pole: Pole, half_angle_deg: float) -> BoolArray:
    unit = np.asarray(pole, dtype=np.float64) / np.linalg.norm(pole)
    return np.asarray(points @ unit >= np.cos(np.radians(half_angle_deg)) * distance_mm)
