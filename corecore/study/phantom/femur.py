"""A proximal femur as an implicit solid in the femoral frame.

Origin at the head centre, x lateral, y anterior, z proximal along the shaft axis, mm; right
and left femora are the same here and differ by how they are placed in the world. The solid is
a union of a sphere, an oval tube and round cones with fillets between them. Fillets only add
and only near the joints, so the head is an exact sphere away from the neck, the shaft axis and
the neck axis are exact, and both trochanters' tips are known in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from corecore.base.grid import FloatArray
from corecore.study.phantom.primitives import ball, ellipsoid, round_cone, smooth_union
from corecore.study.phantom.relief import Relief, away_from
from corecore.study.phantom.shape import FemurShape

# Proportions below are engineering choices, set by eye and by the sections of real femora so
# that the outline is a femur's. Those in mm are for a head of REFERENCE_HEAD_MM and scale with it.
REFERENCE_HEAD_MM = 48.0
#: Where the neck is thinnest and where it starts inside the head, head radii from the head centre.
ISTHMUS_RADII = 1.15
NECK_START_RADII = 0.35
#: Widening of the neck's two diameters towards its start in the head and towards the shaft axis.
NECK_HEAD_WIDENING = 0.10
NECK_BASE_WIDENING_LONG = 0.30
NECK_BASE_WIDENING_SHORT = 0.30
#: Length over which the neck's lateral end is rounded off, up to the shaft axis.
NECK_END_MM = 18.0
#: Radius lost by the shaft per mm downward; an adult's shaft hardly tapers.
SHAFT_TAPER = 0.008
#: Front-to-back over side-to-side diameter of the shaft.
SHAFT_OVALITY = 0.94
#: Greater trochanter: radius of its tip and of its belly.
GT_TIP_RADIUS_MM = 7.5
GT_BELLY_RADIUS_MM = 15.5
#: Belly's centre from the shaft axis (lateral, anterior) and below the trochanter's tip.
GT_BELLY_LATERAL_MM = 9.0
GT_BELLY_ANTERIOR_MM = -1.0
GT_BELLY_BELOW_TIP_MM = 25.0
#: Tip's centre from the shaft axis (lateral, anterior).
GT_TIP_LATERAL_MM = 4.0
GT_TIP_ANTERIOR_MM = -8.0
#: Front end of the trochanter's ridge: from the shaft axis, and below the tip's centre.
GT_SHOULDER_LATERAL_MM = 8.0
GT_SHOULDER_ANTERIOR_MM = 4.0
GT_SHOULDER_BELOW_TIP_MM = 6.0
#: Lesser trochanter: how far its tip stands out of the shaft, which way (behind of medial), its radii.
LT_PROMINENCE_MM = 14.5
LT_BEHIND_MEDIAL_DEG = 32.0
LT_TIP_RADIUS_MM = 5.5
LT_BASE_RADIUS_MM = 12.0
#: Ridge between the trochanters at the back.
CREST_RADIUS_MM = 6.0
#: Rasters that find the smallest section and measure it, mm; how often the neck axis is turned to its
#: section (it settles in two).
SECTION_ROUGH_MM = 0.9
SECTION_FINE_MM = 0.25
SECTION_TURNS = 2
#: Fillets.
FILLET_HEAD_MM = 7.0
FILLET_NECK_MM = 14.0
FILLET_NECK_LEAST_MM = 2.0
FILLET_NECK_GROWTH_MM = 15.0
FILLET_SHAFT_MM = 10.0
FILLET_TROCHANTER_MM = 8.0
FILLET_LT_MM = 8.0
#: Where a relief leaves the bone as it is: the head's sphere, and so far around the trochanters' tips; and over
#: how much it comes in beside them, so that it tilts the surface nowhere by much. The first in head radii.
RELIEF_HEAD_WIDTH_RADII = 0.4
RELIEF_TIP_MM = 2.0
RELIEF_TIP_WIDTH_MM = 12.0


@dataclass(frozen=True, eq=False)
class Femur:
    """The solid of one ``FemurShape``; every position in the femoral frame, mm.

    ``level_mm`` is the one place where the surface is defined. With a ``relief`` head and tips of the
    trochanters stay exactly where they are; axes stay those of the bone without it.
    """

    shape: FemurShape
    relief: Relief | None = None

    @property
    def head_radius_mm(self) -> float:
        """Radius of the head's sphere about the origin, mm."""
        return self.shape.head_radius_mm

    @property
    def scale(self) -> float:
        """Size relative to the femur for which the proportions are given."""
        return self.shape.head_diameter_mm / REFERENCE_HEAD_MM

    @cached_property
    def neck_axis(self) -> FloatArray:
        """Unit vector (3,) along the neck towards the head."""
        tilt, turn = np.radians(self.shape.neck_shaft_angle_deg), np.radians(self.shape.anteversion_deg)
        return np.array([-np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), -np.cos(tilt)])

    @cached_property
    def neck_frame(self) -> FloatArray:
        """Rows (3, 3): neck axis towards the head, superior across it, anterior across it."""
        up = np.array([0.0, 0.0, 1.0]) - self.neck_axis[2] * self.neck_axis
        up /= np.linalg.norm(up)
        return np.stack([self.neck_axis, up, np.cross(self.neck_axis, up)])

    @cached_property
    def neck_center(self) -> FloatArray:
        """Centre of the neck's own smallest section, (3,) mm (``smallest_neck_section`` has the solid's)."""
        return np.asarray(-ISTHMUS_RADII * self.head_radius_mm * self.neck_axis)

    @property
    def neck_section_area_mm2(self) -> float:
        """Area of the neck's own smallest section, an ellipse, mm^2 (``smallest_neck_section`` has the solid's)."""
        return float(0.25 * np.pi * self.shape.neck_long_diameter_mm * self.shape.neck_short_diameter_mm)

    @cached_property
    def shaft_point(self) -> FloatArray:
        """Point of the shaft axis at the height where the neck axis passes in front of it, (3,) mm."""
        horizontal = self.neck_axis[:2] / np.linalg.norm(self.neck_axis[:2])
        forward = np.array([horizontal[1], -horizontal[0]])
        xy = -self.shape.offset_mm * horizontal - self.shape.neck_anterior_offset_mm * forward
        return np.array([xy[0], xy[1], self.shape.crossing_height_mm])

    @cached_property
    def lesser_trochanter_direction(self) -> FloatArray:
        """Unit vector (3,) across the shaft axis to the lesser trochanter's tip."""
        angle = np.radians(LT_BEHIND_MEDIAL_DEG)
        return np.array([-np.cos(angle), -np.sin(angle), 0.0])

    @cached_property
    def lesser_trochanter_tip(self) -> FloatArray:
        """Point of the lesser trochanter farthest from the shaft axis, (3,) mm."""
        reach = 0.5 * self.shape.shaft_diameter_mm + LT_PROMINENCE_MM * self.scale
        return self._beside_shaft(0.0, 0.0, self.shape.lesser_trochanter_height_mm) + reach * (
            self.lesser_trochanter_direction
        )

    @cached_property
    def greater_trochanter_tip(self) -> FloatArray:
        """Most proximal point of the greater trochanter, (3,) mm."""
        return self._beside_shaft(
            GT_TIP_LATERAL_MM * self.scale, GT_TIP_ANTERIOR_MM * self.scale, self.shape.greater_trochanter_above_mm
        )

    def level_mm(self, points: FloatArray) -> FloatArray:
        """Signed level at points (N, 3): positive in bone, zero on its surface, (N,) mm."""
        k = self.scale
        body = smooth_union(self._shaft(points), self._trochanter(points), FILLET_SHAFT_MM * k)
        body = smooth_union(body, self._crest(points), FILLET_TROCHANTER_MM * k)
        body = smooth_union(body, self._lesser_trochanter(points), FILLET_LT_MM * k)
        # The fillet grows from the isthmus outward, so that the neck's smallest section stays its own
        # also on a short neck close to the trochanters.
        along = (self.along_neck(points)[0] - ISTHMUS_RADII * self.head_radius_mm) / (FILLET_NECK_GROWTH_MM * k)
        width = FILLET_NECK_LEAST_MM + (FILLET_NECK_MM - FILLET_NECK_LEAST_MM) * np.clip(along, 0.0, 1.0)
        body = smooth_union(body, self._neck(points), width * k)
        level = smooth_union(body, ball(points, np.zeros(3), self.head_radius_mm), FILLET_HEAD_MM * k)
        return level if self.relief is None else level + self._relief(self.relief, points)

    def _relief(self, relief: Relief, points: FloatArray) -> FloatArray:
        radius = self.head_radius_mm
        share = away_from(points, np.zeros(3), radius, RELIEF_HEAD_WIDTH_RADII * radius)
        for tip in (self.lesser_trochanter_tip, self.greater_trochanter_tip):
            share = share * away_from(points, tip, RELIEF_TIP_MM, RELIEF_TIP_WIDTH_MM)
        return np.asarray(share * relief.level_mm(points))

    def smallest_neck_section(self) -> tuple[FloatArray, float]:
        """Centroid (3,) mm and area (mm^2) of the solid's smallest section between 0.8 and 1.8 R from C.

        By the definition of the neck axis: sections across the line from the centroid to C, found by
        turning that line until it stays. Measured on a raster: error about 1 % of the area and 0.1 mm.
        On a thick neck the head's fillet makes it up to 5 % larger than the neck's own section.
        """
        heights = np.arange(0.8, 1.8001, 0.05) * self.head_radius_mm
        axis = self.neck_axis
        center, area = self.neck_center, 0.0
        for _ in range(SECTION_TURNS):
            rough = [self._section(axis, along, SECTION_ROUGH_MM)[1] for along in heights]
            center, area = self._section(axis, heights[int(np.argmin(rough))], SECTION_FINE_MM)
            axis = -center / np.linalg.norm(center)
        return center, area

    def _section(self, axis: FloatArray, along: float, raster_mm: float) -> tuple[FloatArray, float]:
        """Centroid and area of the part about the axis of a section across it; infinite where there is none."""
        raster = np.arange(-self.head_radius_mm, self.head_radius_mm, raster_mm)
        u, v = (grid.ravel() for grid in np.meshgrid(raster, raster, indexing="ij"))
        up = np.array([0.0, 0.0, 1.0]) - axis[2] * axis
        up /= np.linalg.norm(up)
        points = u[:, None] * up + v[:, None] * np.cross(axis, up) - along * axis
        inside = (self.level_mm(points) > 0.0).reshape(len(raster), len(raster))
        # The greater trochanter may show in the same plane, beside the neck.
        parts, _ = ndimage.label(inside)
        middle = parts[len(raster) // 2, len(raster) // 2]
        if not middle:
            return -along * axis, np.inf
        part = (parts == middle).ravel()
        return points[part].mean(axis=0), float(np.count_nonzero(part)) * raster_mm**2

    def along_neck(self, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Distance from the head centre down the neck, and the offsets superior and anterior across it, (N,) mm."""
        t, up, front = (points @ self.neck_frame.T).T
        return -t, up, front

    def _beside_shaft(self, lateral: float, anterior: float, height: float) -> FloatArray:
        return np.array([self.shaft_point[0] + lateral, self.shaft_point[1] + anterior, height])

    def _shaft(self, points: FloatArray) -> FloatArray:
        height = points[:, 2] - self.shape.lesser_trochanter_height_mm
        semi = 0.5 * self.shape.shaft_diameter_mm + SHAFT_TAPER * np.minimum(height, 0.0)
        tube = ellipsoid(points[:, :2] - self.shaft_point[:2], np.stack([semi, SHAFT_OVALITY * semi], axis=1))
        # Ends inside the trochanters; below, it runs on until the scan's end cuts it.
        return np.minimum(tube, 0.25 * self.shape.trochanter_height_mm - height)

    def _neck(self, points: FloatArray) -> FloatArray:
        radius = self.head_radius_mm
        t, up, front = self.along_neck(points)
        start, isthmus = NECK_START_RADII * radius, ISTHMUS_RADII * radius
        base = self.shape.offset_mm / np.sin(np.radians(self.shape.neck_shaft_angle_deg))
        to_head = np.clip((isthmus - t) / (isthmus - start), 0.0, 1.0) ** 2
        to_base = np.clip((t - isthmus) / max(base - isthmus, 0.5 * radius), 0.0, 1.0) ** 2
        turn = np.radians(
            self.shape.neck_turn_isthmus_deg
            + (self.shape.neck_turn_base_deg - self.shape.neck_turn_isthmus_deg) * np.sqrt(to_base)
        )
        widening = 1.0 + NECK_HEAD_WIDENING * to_head
        long = 0.5 * self.shape.neck_long_diameter_mm * (widening + NECK_BASE_WIDENING_LONG * to_base)
        short = 0.5 * self.shape.neck_short_diameter_mm * (widening + NECK_BASE_WIDENING_SHORT * to_base)
        u = up * np.cos(turn) + front * np.sin(turn)
        v = -up * np.sin(turn) + front * np.cos(turn)
        # Rounded off inside the trochanter, where a flat end would show as a facet.
        end = base - NECK_END_MM * self.scale
        beyond = np.maximum(t - end, 0.0)
        tube = ellipsoid(
            np.stack([u, v, beyond], axis=1), np.stack([long, short, np.full(len(t), NECK_END_MM * self.scale)], axis=1)
        )
        return np.minimum(tube, t - start)

    def _trochanter(self, points: FloatArray) -> FloatArray:
        k, s = self.scale, self.shape
        belly = self._beside_shaft(
            GT_BELLY_LATERAL_MM * k, GT_BELLY_ANTERIOR_MM * k, s.greater_trochanter_above_mm - GT_BELLY_BELOW_TIP_MM * k
        )
        radius = GT_TIP_RADIUS_MM * k
        tip = self.greater_trochanter_tip - [0.0, 0.0, radius]
        foot = self._beside_shaft(0.5 * k, 0.0, s.lesser_trochanter_height_mm - 0.1 * s.head_diameter_mm)
        wall = round_cone(points, foot, 0.47 * s.shaft_diameter_mm, belly, GT_BELLY_RADIUS_MM * k)
        top = round_cone(points, belly, GT_BELLY_RADIUS_MM * k, tip, radius)
        # The tip is the hind end of a ridge that falls away forward.
        shoulder = self._beside_shaft(
            GT_SHOULDER_LATERAL_MM * k, GT_SHOULDER_ANTERIOR_MM * k, tip[2] - GT_SHOULDER_BELOW_TIP_MM * k
        )
        ridge = round_cone(points, belly, GT_BELLY_RADIUS_MM * k, shoulder, GT_TIP_RADIUS_MM * k)
        ridge = np.maximum(ridge, round_cone(points, tip, radius, shoulder, 0.99 * radius))
        return np.maximum(smooth_union(wall, top, 1.0), ridge)

    def _crest(self, points: FloatArray) -> FloatArray:
        k, s = self.scale, self.shape
        top = self._beside_shaft(4.0 * k, -11.5 * k, s.greater_trochanter_above_mm - 18.0 * k)
        foot = self._beside_shaft(-13.0 * k, -9.0 * k, s.lesser_trochanter_height_mm + 4.0 * k)
        return round_cone(points, top, CREST_RADIUS_MM * k, foot, CREST_RADIUS_MM * k)

    def _lesser_trochanter(self, points: FloatArray) -> FloatArray:
        radius = LT_TIP_RADIUS_MM * self.scale
        base = self._beside_shaft(0.0, 0.0, self.shape.lesser_trochanter_height_mm)
        base = base + (0.28 * self.shape.shaft_diameter_mm) * self.lesser_trochanter_direction
        tip = self.lesser_trochanter_tip - radius * self.lesser_trochanter_direction
        return round_cone(points, base, LT_BASE_RADIUS_MM * self.scale, tip, radius)
