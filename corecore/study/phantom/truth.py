"""The truth of a synthetic hip, and its file."""

from __future__ import annotations

from typing import Final

import msgspec

from corecore.study.phantom.lesion import Kind
from corecore.study.phantom.pose import Side

#: Written in every truth file.
SCHEMA: Final = "corecore.phantom/1"
#: Coordinates of a point, world RAS mm, or of a direction.
Triple = list[float]


class NeckSection(msgspec.Struct, frozen=True):
    """The neck by the planner's definition: what a fit should find where fillets shift it off the design's axis."""

    center: Triple
    area_mm2: float
    neck_axis: Triple
    neck_shaft_angle_deg: float


class LesionTruth(msgspec.Struct, frozen=True):
    """The necrosis in closed form; ``voxel_volume_ml`` is what the voxels of its mask add up to."""

    kind: Kind
    volume_ml: float
    sphere_fraction: float
    sphere_ml: float
    centroid: Triple
    direction: Triple
    voxel_volume_ml: float


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the femur and of its lesion; positions in world RAS mm. Its fields are the keys of the file."""

    schema: str = SCHEMA
    coordinate_system: str = "RAS"
    units: str = "mm"
    side: Side
    head_center: Triple
    head_radius_mm: float
    neck_axis: Triple
    neck_center: Triple
    shaft_axis: Triple
    shaft_point: Triple
    x_axis: Triple
    neck_shaft_angle_deg: float
    anteversion_deg: float
    offset_mm: float
    smallest_neck_section: NeckSection
    lesser_trochanter_tip: Triple
    greater_trochanter_tip: Triple
    lesion: LesionTruth
