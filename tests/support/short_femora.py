"""Whole femora, drawn and real, and the same bones as a scan shows them that ends so far below the head.

The drawn ones are phantoms whose lesser trochanter may stand out more or less than usual and whose shaft may bow
forward; their axes are known. Of a bowed shaft the axis is the line through the centroids that the contract names,
known in closed form too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from corecore.base.distance_field import Bone, bone_from_voxels
from corecore.base.grid import BoolArray, FloatArray
from corecore.hip.anatomy.fit import fit_anatomy
from corecore.hip.anatomy.model import Anatomy, Landmarks
from corecore.study.phantom.femur import Femur
from corecore.study.phantom.pose import Pose
from corecore.study.phantom.sampling import voxels_inside
from corecore.study.phantom.shape import FemurShape
from support.anatomy_bones import in_local_frame, read_bone, unit

#: The contract's span of the shaft below the lesser trochanter's tip, mm.
SPAN_MM = (20.0, 120.0)
#: Voxel of the drawn bones, mm: coarse, and quick.
SPACING_MM = 2.0


@dataclass(frozen=True, eq=False)
class BowedFemur(Femur):
    """A phantom whose lesser trochanter stands out ``lesser_mm`` and whose shaft bows forward by ``bow_per_m``, 1/m."""

    lesser_mm: float = 14.5
    bow_per_m: float = 0.0

    @cached_property
    def lesser_trochanter_tip(self) -> FloatArray:
        reach = 0.5 * self.shape.shaft_diameter_mm + self.lesser_mm * self.scale
        place = self._beside_shaft(0.0, 0.0, self.shape.lesser_trochanter_height_mm)
        return np.asarray(place + reach * self.lesser_trochanter_direction, dtype=np.float64)

    def forward_mm(self, z: FloatArray) -> FloatArray:
        """How far the shaft has bowed forward at heights in the femoral frame, mm: a parabola below the tip."""
        below = np.maximum(self.shape.lesser_trochanter_height_mm - z, 0.0)
        return np.asarray(-0.5e-3 * self.bow_per_m * below**2, dtype=np.float64)

    def level_mm(self, points: FloatArray) -> FloatArray:
        straight = points.copy()
        straight[:, 1] -= self.forward_mm(points[:, 2])
        return super().level_mm(straight)

    @cached_property
    def shaft_axis(self) -> FloatArray:
        """The line through the centroids of the contract's span, unit, proximal."""
        z = self.shape.lesser_trochanter_height_mm - np.linspace(*SPAN_MM, 101)
        slope = np.polyfit(z, self.forward_mm(z), 1)[0]
        return unit(np.array([0.0, slope, 1.0]))


@dataclass(frozen=True, eq=False)
class Whole:
    """A femur in view far beyond its trochanters, local mm of a right hip, and its truth."""

    name: str
    voxels: BoolArray
    spacing: FloatArray
    near: FloatArray
    superior: FloatArray
    head_center: FloatArray
    shaft_axis: FloatArray
    lesser_tip: FloatArray
    #: Lateral by the condyles, where it is known.
    x_axis: FloatArray | None

    @cached_property
    def below_head(self) -> FloatArray:
        """How far each voxel lies below the head's centre as the patient lies, mm."""
        place = np.indices(self.voxels.shape).reshape(3, -1).T * self.spacing
        return np.asarray(-((place - self.head_center) @ self.superior).reshape(self.voxels.shape), dtype=np.float64)

    def cut(self, below_mm: float, *, edge: bool = False) -> Bone:
        """The bone down to so far below the head: padded with air, or cut by the array's last slice (``edge``).

        With ``edge`` places count from that slice, the ``lift`` of the array's origin.
        """
        kept = self.voxels & (self.below_head < below_mm)
        faces = np.zeros((3, 2), dtype=bool)
        if edge:
            axis, first = self._last_slice(below_mm)
            kept = np.take(kept, range(first, kept.shape[axis]), axis=axis)
            faces[axis, 0] = True
        return bone_from_voxels(kept, self.spacing, open_faces=faces)

    def lift(self, below_mm: float) -> FloatArray:
        """Where the last slice's array begins, mm."""
        axis, first = self._last_slice(below_mm)
        place = np.zeros(3)
        place[axis] = first * self.spacing[axis]
        return place

    def _last_slice(self, below_mm: float) -> tuple[int, int]:
        axis = int(np.argmax(self.superior))
        kept = self.voxels & (self.below_head < below_mm)
        return axis, int(np.flatnonzero(kept.any(axis=tuple(i for i in range(3) if i != axis)))[0])

    def in_view_mm(self, below_mm: float) -> float:
        """How much shaft from 20 mm distal of the tip on is in view in whole sections, mm."""
        # The cut is level, the section square on the shaft: its near edge is what the cut reaches first.
        slope = float(self.shaft_axis @ self.superior)
        lean = np.sqrt(max(1.0 - slope**2, 0.0)) / slope
        tip = float((self.lesser_tip - self.head_center) @ self.shaft_axis)
        # Where the shaft's line passes the cut: from the tip's own section along the axis.
        on_axis = self.head_center + self._axis_offset + tip * self.shaft_axis
        drop = (below_mm + float((on_axis - self.head_center) @ self.superior)) / slope
        return float(drop - SPAN_MM[0] - 15.0 * lean)

    @cached_property
    def _axis_offset(self) -> FloatArray:
        """From the head's centre across to the shaft's line, by the sections below the tip."""
        place = np.argwhere(self.voxels) * self.spacing - self.head_center
        along = place @ self.shaft_axis
        tip = float((self.lesser_tip - self.head_center) @ self.shaft_axis)
        shaft = place[(along < tip - SPAN_MM[0]) & (along > tip - 60.0)]
        middle = shaft.mean(axis=0)
        return np.asarray(middle - (middle @ self.shaft_axis) * self.shaft_axis, dtype=np.float64)

    def fitted(self, below_mm: float, *, edge: bool = False, given: Landmarks | None = None) -> Anatomy:
        """The anatomy of the bone cut so far below the head."""
        near = self.near - self.lift(below_mm) if edge else self.near
        return fit_anatomy(self.cut(below_mm, edge=edge), near, side="right", superior=self.superior, given=given)


@dataclass(frozen=True)
class Drawn:
    """What one drawn femur is."""

    name: str
    shape: FemurShape = field(default_factory=FemurShape)
    lesser_mm: float = 14.5
    bow_per_m: float = 0.0
    pose: Pose = field(default_factory=Pose)


#: Small and large lesser trochanters; high and low; straight and bowed; flexed, adducted and turned.
DRAWN = (
    Drawn("usual"),
    Drawn("small trochanter", lesser_mm=9.0, bow_per_m=1.0),
    Drawn("large trochanter", lesser_mm=19.0),
    Drawn("large, low trochanter", FemurShape(lesser_trochanter_ratio=1.25), 18.0, 0.8),
    Drawn("large, high trochanter", FemurShape(lesser_trochanter_ratio=0.85, offset_mm=36.0), 18.0),
    Drawn("small head", FemurShape(40.0, neck_long_diameter_mm=27.0, neck_short_diameter_mm=22.0, offset_mm=36.0, shaft_diameter_mm=25.0, anteversion_deg=22.0), 14.0, 1.0),  # noqa: E501
    Drawn("large head", FemurShape(54.0, neck_long_diameter_mm=37.0, neck_short_diameter_mm=30.0, offset_mm=50.0, shaft_diameter_mm=34.0, anteversion_deg=6.0), 15.0, 0.8),  # noqa: E501
    Drawn("varus", FemurShape(neck_shaft_angle_deg=115.0, lesser_trochanter_ratio=0.95), 16.0, 0.0, Pose(flexion_deg=10.0)),  # noqa: E501
    Drawn("valgus", FemurShape(neck_shaft_angle_deg=135.0, offset_mm=36.0, lesser_trochanter_ratio=1.12), 14.5, 1.0),
    Drawn("flexed 25", FemurShape(), 14.5, 1.0, Pose(flexion_deg=25.0)),
    Drawn("extended 15, adducted 12", FemurShape(), 17.0, 0.0, Pose(flexion_deg=-15.0, adduction_deg=12.0)),
    Drawn("abducted 20, turned out 30", FemurShape(anteversion_deg=25.0), 14.5, 0.8, Pose(adduction_deg=-20.0, internal_rotation_deg=-30.0)),  # noqa: E501
    Drawn("flexed 15, turned in 30, large", FemurShape(lesser_trochanter_ratio=1.1), 19.0, 1.0, Pose(flexion_deg=15.0, internal_rotation_deg=30.0)),  # noqa: E501
    Drawn("retroverted", FemurShape(anteversion_deg=-5.0), 14.5, 0.8, Pose(flexion_deg=8.0, adduction_deg=5.0)),
)  # fmt: skip


@cache
def drawn(recipe: Drawn, spacing_mm: float = SPACING_MM) -> Whole:
    """A drawn femur with 230 mm of it in view below the head, on voxels along the world's axes."""
    femur = BowedFemur(recipe.shape, lesser_mm=recipe.lesser_mm, bow_per_m=recipe.bow_per_m)
    world = recipe.pose.world_from_femoral("right")[:3, :3]
    x, y = femur.shaft_point[:2]
    top, bottom = femur.greater_trochanter_tip[2] + 4.0, -250.0
    ends = np.array([[x, y, bottom], [x, y + float(femur.forward_mm(np.array([bottom]))[0]), bottom], [x, y, top]])
    corners = (
        np.concatenate(
            [
                femur.head_radius_mm * np.vstack([np.eye(3), -np.eye(3)]) * 1.7,
                *(e + 45.0 * np.vstack([np.eye(3), -np.eye(3)]) for e in ends),
            ]
        )
        @ world.T
    )
    low, high = corners.min(axis=0) - 3.0 * spacing_mm, corners.max(axis=0) + 3.0 * spacing_mm
    low[2] = max(low[2], -232.0)
    shape = np.ceil((high - low) / spacing_mm).astype(int) + 1
    # A right hip in a frame whose axes are the world's.
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = world.T * spacing_mm, world.T @ low
    voxels = voxels_inside(femur.level_mm, matrix, (int(shape[0]), int(shape[1]), int(shape[2])))
    near = -low + world @ np.array([-3.0, 5.0, 12.0])
    return Whole(
        recipe.name, voxels, np.full(3, spacing_mm), near, np.array([0.0, 0.0, 1.0]),
        -low, world @ femur.shaft_axis, world @ femur.lesser_trochanter_tip - low, world @ np.array([1.0, 0.0, 0.0]),
    )  # fmt: skip


@cache
def real(folder: Path, name: str, coarse: int = 2) -> Whole:
    """A real hip of the tests' folder, every ``coarse``-th voxel."""
    mask, truth = read_bone(folder, name, coarse=coarse)
    hip = in_local_frame(mask, truth, truth["side"])
    assert hip.shaft_axis is not None
    assert hip.lesser_tip is not None
    return Whole(
        name, hip.mask.voxels, hip.mask.grid.spacing_mm, hip.near, hip.superior, hip.head_center, hip.shaft_axis,
        hip.lesser_tip, None,
    )  # fmt: skip
