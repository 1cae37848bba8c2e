"""The femoral frame and the regions of the contract, from a plan's landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray, turned
from corecore.document.stated import StatedAnatomy

#: The head ends at the plane across the neck axis this far from its centre, head radii (contract §1).
HEAD_PLANE_RADII = 0.5
#: The neck ends this far from the head's centre, head radii (contract §1).
NECK_END_RADII = 2.0
#: Half-width of the postero-superior quarter about its middle, degrees (contract §1).
QUARTER_HALF_DEG = 45.0


def unit(vector: npt.ArrayLike) -> FloatArray:
    """A vector (3,) scaled to length one."""
    array = np.asarray(vector, dtype=np.float64)
    return np.asarray(array / np.linalg.norm(array), dtype=np.float64)


def across(axis: FloatArray) -> FloatArray:
    """Two unit vectors (2, 3) at right angles to an axis (3,) and to each other."""
    first = unit(np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))]))
    return np.stack([first, np.cross(axis, first)])


def angle_deg(a: FloatArray, b: FloatArray) -> float:
    """Angle between two vectors (3,), degrees; exact near 0 and 180 too."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), np.dot(a, b))))


@dataclass(frozen=True, eq=False)
class Frame:
    """Axes in world RAS: x lateral, y anterior, z proximal, origin at the head's centre."""

    center: FloatArray
    radius_mm: float
    x: FloatArray
    y: FloatArray
    z: FloatArray
    neck: FloatArray
    shaft_point: FloatArray

    def femoral(self, points_mm: npt.ArrayLike) -> FloatArray:
        """World points (N, 3) in the femoral frame, mm."""
        offset = np.asarray(points_mm, dtype=np.float64) - self.center
        return turned(np.stack([self.x, self.y, self.z]), offset)

    def height(self, point_mm: FloatArray) -> float:
        """Height of a world point along the shaft axis, from the head's centre, mm."""
        return float(np.dot(point_mm - self.center, self.z))

    def shaft_at(self, height_mm: float) -> FloatArray:
        """World point (3,) of the shaft axis at a height."""
        return self.shaft_point + (height_mm - self.height(self.shaft_point)) * self.z

    def in_head(self, points_mm: FloatArray) -> BoolArray:
        """Whether world points (N, 3) lie in the head sphere, on the head's side of its plane."""
        offset = points_mm - self.center
        near = np.linalg.norm(offset, axis=1) <= self.radius_mm
        return np.asarray(near & (offset @ self.neck >= -HEAD_PLANE_RADII * self.radius_mm))

    @property
    def head_plane(self) -> tuple[FloatArray, FloatArray]:
        """A point (3,) of the plane that ends the head, and its unit normal (3,), towards the head."""
        return self.center - HEAD_PLANE_RADII * self.radius_mm * self.neck, self.neck

    def proximal(self, points_mm: FloatArray) -> BoolArray:
        """Whether world points (N, 3) lie on the head's side of its plane, where a wall keeps the joint's margin."""
        return np.asarray((points_mm - self.center) @ self.neck >= -HEAD_PLANE_RADII * self.radius_mm)

    def in_posterosuperior_neck(self, points_mm: FloatArray) -> BoolArray:
        """Whether world points (N, 3) lie in the neck's postero-superior quarter."""
        offset = points_mm - self.center
        distal = -(offset @ self.neck)
        across = offset + distal[:, None] * self.neck
        superior = unit(self.z - np.dot(self.z, self.neck) * self.neck)
        posterior = -self.y + np.dot(self.y, self.neck) * self.neck
        posterior = unit(posterior - np.dot(posterior, superior) * superior)
        turn = np.degrees(np.arctan2(across @ posterior, across @ superior))
        quarter = np.abs(turn - 45.0) <= QUARTER_HALF_DEG
        neck = (distal >= HEAD_PLANE_RADII * self.radius_mm) & (distal <= NECK_END_RADII * self.radius_mm)
        return np.asarray(quarter & neck)


def frame_of(anatomy: StatedAnatomy, side: Literal["left", "right"]) -> Frame:
    """The femoral frame of a plan; x is freed of what it has along z, so that the axes are square."""
    z = unit(anatomy.shaft_axis)
    x = unit(anatomy.x_axis - np.dot(anatomy.x_axis, z) * z)
    # z × x is anterior where x points to the patient's right; on left hips x points to the left.
    y = np.cross(z, x) * (1.0 if side == "right" else -1.0)
    return Frame(anatomy.head_center, anatomy.head_radius_mm, x, y, z, unit(anatomy.neck_axis), anatomy.shaft_point)
