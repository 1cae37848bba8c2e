"""What is known of a femur's anatomy: the result of the fits, or of landmarks given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray

#: Where a landmark comes from: fitted to the bone, given by the user, or assumed by rule.
Source = Literal["fitted", "given", "assumed"]


@dataclass(frozen=True)
class PlanWarning:
    """Something the reader must know: a stable code and one sentence."""

    code: str
    text: str


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks given by the user, positions in mm; ``None`` where nothing was given.

    The frame is world RAS in a file and the case's local frame inside the fits.
    ``shaft_axis`` is a proximal unit vector through ``shaft_point``; ``x_axis`` points
    laterally (left hips: laterally too). ``acetabular_edge`` is the superolateral edge of the
    acetabulum, ``teardrop`` the lowest point of the pelvic teardrop.
    """

    head_center: FloatArray | None = None
    head_radius_mm: float | None = None
    neck_center: FloatArray | None = None
    shaft_point: FloatArray | None = None
    shaft_axis: FloatArray | None = None
    x_axis: FloatArray | None = None
    lesser_trochanter_tip: FloatArray | None = None
    greater_trochanter_tip: FloatArray | None = None
    acetabular_edge: FloatArray | None = None
    teardrop: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Landmarks of one femur in the case's local frame (mm; right-handed, x lateral on both sides).

    The femoral frame has its origin at ``head_center`` and axes ``x_axis`` (lateral),
    ``y_axis`` (anterior), ``shaft_axis`` (z, proximal). ``neck_axis`` points to the head,
    from ``neck_center``, the centroid of the neck's smallest section.
    ``lesser_trochanter_height_mm`` is the height of its tip along z from the head centre
    (negative), also when the tip is not in view and the height is assumed.
    ``midline_heights_mm`` and ``midline_y_mm`` tabulate the lateral cortex's mid-line: at a
    height along z, the mid-point in y of the part of the section lateral of the shaft axis.
    """

    side: Literal["left", "right"]
    head_center: FloatArray
    head_radius_mm: float
    neck_center: FloatArray
    neck_axis: FloatArray
    neck_min_area_mm2: float
    shaft_point: FloatArray
    shaft_axis: FloatArray
    x_axis: FloatArray
    lesser_trochanter_tip: FloatArray | None
    lesser_trochanter_height_mm: float
    greater_trochanter_tip: FloatArray | None
    midline_heights_mm: FloatArray
    midline_y_mm: FloatArray
    sources: dict[str, str]
    warnings: tuple[PlanWarning, ...] = field(default=())

    @property
    def y_axis(self) -> FloatArray:
        """Anterior unit vector of the femoral frame."""
        return np.asarray(np.cross(self.shaft_axis, self.x_axis), dtype=np.float64)

    @property
    def femoral_from_local(self) -> FloatArray:
        """Rotation and translation (4, 4) from the local frame to the femoral frame."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.stack([self.x_axis, self.y_axis, self.shaft_axis])
        matrix[:3, 3] = -matrix[:3, :3] @ self.head_center
        return matrix

    @property
    def neck_shaft_angle_deg(self) -> float:
        """Angle between the neck axis and the distal shaft, degrees."""
        return float(np.degrees(np.arccos(np.clip(np.dot(self.neck_axis, -self.shaft_axis), -1.0, 1.0))))

    def midline_y(self, heights_mm: npt.ArrayLike) -> FloatArray:
        """Anterior position of the lateral mid-line at heights along z from the head centre, mm."""
        return np.interp(np.asarray(heights_mm, dtype=np.float64), self.midline_heights_mm, self.midline_y_mm)

    def midline_known(self, height_mm: float) -> bool:
        """Whether the mid-line is in view at a height along z from the head centre (half a millimetre of grace)."""
        return bool(self.midline_heights_mm[0] - 0.5 <= height_mm <= self.midline_heights_mm[-1] + 0.5)

    def in_head(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether local points (N, 3) lie in the head sphere, proximal of the plane 0.5 R from its centre."""
        offset = np.asarray(points_mm, dtype=np.float64) - self.head_center
        near = np.einsum("ij,ij->i", offset, offset) <= self.head_radius_mm**2
        return np.asarray(near & (offset @ self.neck_axis >= -0.5 * self.head_radius_mm))

    @property
    def posterosuperior(self) -> FloatArray:
        """Unit vector across the neck axis, half-way between superior and posterior."""
        up = self.shaft_axis - np.dot(self.shaft_axis, self.neck_axis) * self.neck_axis
        up = up / np.linalg.norm(up)
        back = -self.y_axis - np.dot(-self.y_axis, self.neck_axis) * self.neck_axis
        back = back - np.dot(back, up) * up
        both = up + back / np.linalg.norm(back)
        return np.asarray(both / np.linalg.norm(both), dtype=np.float64)

    def in_posterosuperior_quarter(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether local points (N, 3) lie in the neck's postero-superior quarter (0.5 to 2 R from the head centre)."""
        offset = np.asarray(points_mm, dtype=np.float64) - self.head_center
        along = -(offset @ self.neck_axis)
        across = offset + along[:, None] * self.neck_axis
        size = np.linalg.norm(across, axis=1)
        inside = across @ self.posterosuperior >= np.cos(np.radians(45.0)) * size
        radius = self.head_radius_mm
        return np.asarray(inside & (along >= 0.5 * radius) & (along <= 2.0 * radius))
