"""All measures of one hip, as they stand in ``measures.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from corecore.grid import FloatArray
from corecore.hip import Hip
from corecore.measures.steinberg import steinberg_range
from corecore.measures.volume import Volumes, measure_volumes
from corecore.measures.weight_bearing import WeightBearing, measure_weight_bearing
from corecore.spec import Spec

SCHEMA = "corecore.measures/1"


@dataclass(frozen=True, eq=False)
class Measures:
    """What is measured of the necrosis; see ``docs/measures.md`` for each figure's definition and source."""

    volumes: Volumes
    steinberg: str
    steinberg_sphere: str
    weight_bearing: WeightBearing
    centroid: FloatArray

    def as_dict(self) -> dict[str, Any]:
        """The keys of ``measures.json`` without its header; positions in world RAS mm."""
        v, w = self.volumes, self.weight_bearing
        return {
            "volume_ml": v.volume_ml,
            "outside_head_ml": v.outside_head_ml,
            "head_volume_ml": v.head_volume_ml,
            "sphere_volume_ml": v.sphere_volume_ml,
            "head_fraction": v.head_fraction,
            "head_fraction_half_voxel": [v.head_fraction_low, v.head_fraction_high],
            "sphere_fraction": v.sphere_fraction,
            "steinberg": self.steinberg,
            "steinberg_sphere": self.steinberg_sphere,
            "weight_bearing": {**asdict(w), "pole": list(w.pole)},
            "components": [{"volume_ml": ml} for ml in v.components_ml],
            "centroid": [float(c) for c in self.centroid],
        }


def measure(hip: Hip, spec: Spec) -> Measures:
    """Measure the necrosis of a hip."""
    volumes = measure_volumes(hip)
    return Measures(
        volumes=volumes,
        steinberg=steinberg_range(volumes.head_fraction, volumes.head_fraction_low, volumes.head_fraction_high),
        steinberg_sphere=steinberg_range(
            volumes.sphere_fraction, volumes.sphere_fraction_low, volumes.sphere_fraction_high
        ),
        weight_bearing=measure_weight_bearing(hip, spec),
        centroid=np.asarray(hip.to_world(hip.lesion.centroid_mm), dtype=np.float64),
    )
