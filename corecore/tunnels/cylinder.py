"""A straight flat-ended tunnel as a solid: a cylinder, with a wider coaxial one at its tip where there is a cavity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from corecore.base.grid import BoolArray, FloatArray, across_axes


@dataclass(frozen=True, eq=False)
class Tunnel:
    """A straight, flat-ended tunnel, with a wider coaxial cavity at its tip where there is one.

    Parameters
    ----------
    entry : ndarray, shape (3,)
        Where its axis enters the bone; local mm of a hip (``Hip.to_world`` gives RAS).
    tip : ndarray, shape (3,)
        Middle of the flat end, local mm.
    diameter_mm : float
        Diameter, mm.
    cavity_diameter_mm : float, default 0
        Diameter of the cavity, mm; 0: none.
    cavity_length_mm : float, default 0
        Length of the cavity from the tip, mm.

    Examples
    --------
    >>> import numpy as np
    >>> tunnel = Tunnel(np.zeros(3), np.array([0.0, 0.0, 80.0]), 10.0)
    >>> tunnel.length_mm, tunnel.direction.tolist()
    (80.0, [0.0, 0.0, 1.0])
    >>> tunnel.contains(np.array([[4.9, 0.0, 40.0], [0.0, 0.0, 81.0]])).tolist()
    [True, False]
    >>> tunnel.contains(np.array([[0.0, 0.0, 81.0]]), grown_mm=3.0).tolist()
    [True]
    """

    entry: FloatArray
    tip: FloatArray
    diameter_mm: float
    cavity_diameter_mm: float = 0.0
    cavity_length_mm: float = 0.0

    @property
    def radius_mm(self) -> float:
        """Half the diameter, mm."""
        return self.diameter_mm / 2.0

    @property
    def length_mm(self) -> float:
        """Distance from entry to tip, mm."""
        return float(np.linalg.norm(self.tip - self.entry))

    @property
    def direction(self) -> FloatArray:
        """Unit vector from entry to tip, shape (3,), local."""
        return np.asarray((self.tip - self.entry) / np.linalg.norm(self.tip - self.entry), dtype=np.float64)

    @property
    def cavity(self) -> Tunnel | None:
        """The cavity as a cylinder of its own, or ``None``; it begins no further out than the tunnel."""
        if self.cavity_diameter_mm <= 0.0:
            return None
        length = min(self.cavity_length_mm, self.length_mm)
        return Tunnel(self.tip - length * self.direction, self.tip, self.cavity_diameter_mm)

    @property
    def solids(self) -> tuple[Tunnel, ...]:
        """Its cylinders: the tunnel, and the cavity where there is one."""
        cavity = self.cavity
        return (self,) if cavity is None else (replace(self, cavity_diameter_mm=0.0, cavity_length_mm=0.0), cavity)

    def contains(self, points_mm: FloatArray, *, grown_mm: float = 0.0) -> BoolArray:
        """Whether points lie in the tunnel or its cavity.

        Parameters
        ----------
        points_mm : ndarray, shape (N, 3)
            Local positions, mm.
        grown_mm : float, default 0
            Points within this distance count too, mm.

        Returns
        -------
        ndarray of bool, shape (N,)
            True inside; the wall belongs to the tunnel.
        """
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
        """Two unit vectors across the axis.

        Returns
        -------
        first, second : ndarray, shape (3,)
            Perpendicular to the axis and to each other, local.
        """
        return across_axes(self.direction)
