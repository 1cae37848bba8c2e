"""A straight flat-ended tunnel as a solid: a cylinder, with a wider coaxial one at its tip where there is a cavity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from corecore.base.grid import BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class Tunnel:
    """A flat-ended cylinder from ``entry`` to ``tip`` (local mm), and maybe a wider one at its tip end, a cavity."""

    entry: FloatArray
    tip: FloatArray
    diameter_mm: float
    cavity_diameter_mm: float = 0.0
    cavity_length_mm: float = 0.0

    @property
    def radius_mm(self) -> float:
        """Half the diameter."""
        return self.diameter_mm / 2.0

    @property
    def length_mm(self) -> float:
        """Distance from entry to tip."""
        return float(np.linalg.norm(self.tip - self.entry))

    @property
    def direction(self) -> FloatArray:
        """Unit vector from entry to tip."""
        return np.asarray((self.tip - self.entry) / np.linalg.norm(self.tip - self.entry), dtype=np.float64)

    @property
    def cavity(self) -> Tunnel | None:
        """The cavity as a cylinder of its own; it begins no further out than the tunnel."""
        if self.cavity_diameter_mm <= 0.0:
            return None
        length = min(self.cavity_length_mm, self.length_mm)
        return Tunnel(self.tip - length * self.direction, self.tip, self.cavity_diameter_mm)

    @property
    def solids(self) -> tuple[Tunnel, ...]:
        """Its cylinders."""
        cavity = self.cavity
        return (self,) if cavity is None else (replace(self, cavity_diameter_mm=0.0, cavity_length_mm=0.0), cavity)

    def contains(self, points_mm: FloatArray, *, grown_mm: float = 0.0) -> BoolArray:
        """Whether points (N, 3) lie in tunnel or cavity, or within ``grown_mm`` of them."""
        if self.cavity_diameter_mm > 0.0:
            parts = [solid.contains(points_mm, grown_mm=grown_mm) for solid in self.solids]
            return np.asarray(np.any(parts, axis=0))
        offset = points_mm - self.entry
        along = offset @ self.direction
        across = np.sqrt(np.maximum(np.einsum("ij,ij->i", offset, offset) - along**2, 0.0))
        beside = np.maximum(across - self.radius_mm, 0.0)
        before = np.maximum(np.maximum(-along, along - self.length_mm), 0.0)
        return np.asarray(beside**2 + before**2 <= grown_mm**2 if grown_mm > 0.0 else (beside <= 0) & (before <= 0))

    def ring_basis(self) -> tuple[FloatArray, FloatArray]:
        """Two unit vectors across the axis."""
        return across_axes(self.direction)


def across_axes(direction: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two unit vectors perpendicular to a unit vector and to each other."""
    helper = np.zeros(3)
    helper[int(np.argmin(np.abs(direction)))] = 1.0
    first = np.cross(direction, helper)
    first /= np.linalg.norm(first)
    return first, np.cross(direction, first)
