"""A straight tunnel as a solid: the body of its instrument, or a flat-ended cylinder with or without a cavity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from corecore.base.body import Body, body_of, plain_body
from corecore.base.grid import BoolArray, FloatArray, across_axes
from corecore.base.instrument import Instrument
from corecore.base.spec import Spec


@dataclass(frozen=True, eq=False)
class Tunnel:
    """A straight tunnel: flat-ended, with a wider coaxial cavity at its tip if there is one; or as its instrument is.

    Parameters
    ----------
    entry : ndarray, shape (3,)
        Where its axis enters the bone; local mm of a hip (``Hip.to_world`` gives RAS).
    tip : ndarray, shape (3,)
        Deepest point of the instrument on the axis, local mm; a guide pin may run ahead of it.
    diameter_mm : float
        Diameter of the shaft, so of the entry hole, mm.
    cavity_diameter_mm : float, default 0
        Diameter of the cavity, mm; 0: none.
    cavity_length_mm : float, default 0
        Length of the cavity from the tip, mm.
    instrument : Instrument, optional
        What it is drilled with; its sizes are those above (see ``drilled_with``). Without one the end is flat.

    Raises
    ------
    ValueError
        For an instrument of other sizes.

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
    instrument: Instrument | None = None

    def __post_init__(self) -> None:
        sizes = self.diameter_mm, self.cavity_diameter_mm, self.cavity_length_mm
        one = self.instrument
        if one is not None and sizes != (one.diameter_mm, one.cavity_diameter_mm, one.cavity_length_mm):
            raise ValueError(f"a tunnel of {sizes} drilled with {one.name}, which has other sizes")

    @classmethod
    def drilled_with(cls, instrument: Instrument, entry: FloatArray, tip: FloatArray) -> Tunnel:
        """A tunnel of an instrument's sizes.

        Parameters
        ----------
        instrument : Instrument
            What it is drilled with.
        entry, tip : ndarray, shape (3,)
            Where its axis enters the bone, and the instrument's deepest point, local mm.

        Returns
        -------
        Tunnel
            The tunnel.
        """
        cavity = instrument.cavity_diameter_mm, instrument.cavity_length_mm
        return cls(entry, tip, instrument.diameter_mm, *cavity, instrument)

    @classmethod
    def planned_with(cls, spec: Spec, entry: FloatArray, tip: FloatArray) -> Tunnel:
        """A tunnel of the sizes, and of the instrument, of a plan's parameters.

        Parameters
        ----------
        spec : Spec
            The parameters.
        entry, tip : ndarray, shape (3,)
            Where its axis enters the bone, and the instrument's deepest point, local mm.

        Returns
        -------
        Tunnel
            The tunnel.
        """
        return cls(entry, tip, spec.diameter_mm, spec.cavity_diameter_mm, spec.cavity_length_mm, spec.instrument)

    @property
    def body(self) -> Body:
        """The solid of revolution that it takes, as long as the tunnel is."""
        if self.shaped:
            assert self.instrument is not None
            return body_of(self.instrument)
        return plain_body(self.diameter_mm, self.cavity_diameter_mm, self.cavity_length_mm)

    @property
    def shaped(self) -> bool:
        """Whether it has a pointed, round or stepped end, or a pin ahead of it."""
        return self.instrument is not None and not self.instrument.plain

    @property
    def volume_ml(self) -> float:
        """Volume of its body, ml, in bone or not."""
        return self.body.volume_mm3(self.length_mm) / 1000.0

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
        if cavity is None:
            return (self,)
        return replace(self, cavity_diameter_mm=0.0, cavity_length_mm=0.0, instrument=None), cavity

    @property
    def parts(self) -> tuple[Tunnel, ...]:
        """What is filled with graft one by one: its cylinders, or all of it where its end has a shape of its own."""
        return (self,) if self.shaped else self.solids

    @property
    def shaft(self) -> Tunnel:
        """The plain cylinder behind its end: where it has neither tip, steps nor cavity."""
        length = max(self.length_mm - self.body.head_length_mm, 0.0)
        return Tunnel(self.entry, self.entry + length * self.direction, self.diameter_mm)

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
        if self.shaped:
            return self._body_contains(points_mm, grown_mm)
        if self.cavity_diameter_mm > 0.0:
            parts = [solid.contains(points_mm, grown_mm=grown_mm) for solid in self.solids]
            return np.asarray(np.any(parts, axis=0))
        offset = points_mm - self.entry
        along = offset @ self.direction
        across = np.sqrt(np.maximum(np.einsum("ij,ij->i", offset, offset) - along**2, 0.0))
        beside = np.maximum(across - self.radius_mm, 0.0)
        before = np.maximum(np.maximum(-along, along - self.length_mm), 0.0)
        return np.asarray(beside**2 + before**2 <= grown_mm**2 if grown_mm > 0.0 else (beside <= 0) & (before <= 0))

    def _body_contains(self, points_mm: FloatArray, grown_mm: float) -> BoolArray:
        offset = points_mm - self.entry
        along = offset @ self.direction
        across = np.sqrt(np.maximum(np.einsum("ij,ij->i", offset, offset) - along**2, 0.0))
        length = self.length_mm
        if grown_mm > 0.0:
            return np.asarray(self.body.distance(length - along, across, length) <= grown_mm)
        return self.body.contains(length - along, across, length)

    def ring_basis(self) -> tuple[FloatArray, FloatArray]:
        """Two unit vectors across the axis.

        Returns
        -------
        first, second : ndarray, shape (3,)
            Perpendicular to the axis and to each other, local.
        """
        return across_axes(self.direction)
