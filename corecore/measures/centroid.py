"""Where the lesion's centre of mass lies in the head.

Latitude and longitude after J Orthop Res 2002;20:130 (65 hips: small lesions with an anterosuperior
centroid collapsed more often).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.measures.necrosis import Necrosis


@dataclass(frozen=True)
class CentroidInHead:
    """The centre of mass in the femoral frame.

    ``position_mm`` from the head's centre: lateral, anterior, proximal. ``latitude_deg`` is
    its height above the plane across the shaft's axis (90: straight above the centre),
    ``longitude_deg`` its direction in that plane (0 lateral, 90 anterior, 180 medial, -90
    posterior), ``depth_mm`` its depth below the bone surface, ``from_center_share`` its
    distance from the centre in head radii.
    """

    position_mm: tuple[float, float, float]
    latitude_deg: float
    longitude_deg: float
    depth_mm: float
    from_center_share: float


def measure_centroid(necrosis: Necrosis) -> CentroidInHead:
    """Measure the centroid; the lesion must have points."""
    place = necrosis.points.mean(axis=0)
    size = float(np.linalg.norm(place))
    local = necrosis.lesion.centroid_mm
    return CentroidInHead(
        position_mm=(float(place[0]), float(place[1]), float(place[2])),
        latitude_deg=float(np.degrees(np.arcsin(np.clip(place[2] / max(size, 1e-9), -1.0, 1.0)))),
        longitude_deg=float(np.degrees(np.arctan2(place[1], place[0]))),
        depth_mm=float(necrosis.hip.bone.distance(local[None])[0]),
        from_center_share=size / necrosis.hip.anatomy.head_radius_mm,
    )
