"""How much of the loaded part of the head is dead.

The loaded cap is a cone about the load's pole with its apex at the head's centre. Poles: means
of ten instrumented hips (nine for rising; Bergmann 2016, doi:10.1371/journal.pone.0155612). Half-angle
55°: the standing weight-bearing surface of 1,219 to 1,871 mm² (J Orthop Surg Res 2020,
doi:10.1186/s13018-020-01927-9) on a head of 24 mm radius is a cap of 48 to 61°.

The hips were measured in a frame whose z is the femur's long axis: from the intercondylar notch to where
shaft and neck meet. The femoral frame's z is the proximal shaft, which a femur's bow sets off from it: the
poles are turned by what is usual, and their range says by how much one femur may differ
(docs/design/anatomy.md, "The load's axis").
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

#: Load poles as measured (x lateral, y anterior, z along the femur's long axis): level walking, standing on one leg,
#: standing up from a chair.
MEASURED_POLES: dict[str, Pole] = {
    "gait": (-0.274, 0.096, 0.957),
    "stance": (-0.283, 0.059, 0.957),
    "rising": (-0.396, 0.109, 0.912),
}
#: The proximal end of the long axis lies forward of that of the proximal shaft by this, degrees: 5.2 (spread 1.8) from
#: a shaft taken 30 mm above to 110 mm below the lesser trochanter's tip in the ten hips themselves (landmarks of
#: Fischer 2021, doi:10.1016/j.jbiomech.2021.110526), less the 1.4 that a usual bow makes between that span and this
#: frame's; 6.1 on one whole femur. To the side 0.2 to 0.8: none is taken.
LONG_AXIS_FORWARD_DEG = 4.0
#: … and of 19 femora of 20 it lies within so much of that to the side and forward, degrees: twice the spreads of 0.9
#: and 1.8 in the ten hips, and what the two spans leave open.
LONG_AXIS_RANGE_DEG = (2.0, 4.0)


def _of_shaft(pole: Pole) -> Pole:
    """A pole of the long axis's frame in that of a usual femur's proximal shaft."""
    lean = np.radians(LONG_AXIS_FORWARD_DEG)
    lateral, anterior, proximal = pole
    return (
        lateral,
        round(float(np.cos(lean) * anterior + np.sin(lean) * proximal), 3),
        round(float(np.cos(lean) * proximal - np.sin(lean) * anterior), 3),
    )


#: The same in the femoral frame (x lateral, y anterior, z along the proximal shaft).
POLES: dict[str, Pole] = {name: _of_shaft(pole) for name, pole in MEASURED_POLES.items()}
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
    1. Bergmann 2016, doi:10.1371/journal.pone.0155612 (ten hips), turned from the long axis to the proximal shaft.
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
