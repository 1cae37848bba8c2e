"""Tunnels as flat-ended cylinders: what lies in them, and points all over their walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.instrument import Instrument
from corecore.document.stated import StatedTunnel
from corecore.verification.frame import across, unit
from corecore.verification.turned import Turned, outline_of

#: Spacing of wall samples along and around a tunnel at most, mm. Against a curved wall of 12 mm radius
#: the nearest sample misses the nearest point by under 0.01 mm.
WALL_STEP_MM = 0.4
#: How far beside a plane its own points stand, mm: far less than any figure is told to.
BESIDE_MM = 1e-6
#: Turn between two seeds of a sunflower, radians.
GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
#: Points judged at once.
CHUNK = 1 << 18


@dataclass(frozen=True, eq=False)
class Cylinder:
    """A flat-ended cylinder from ``start`` (3,) along unit ``axis`` (3,), world mm."""

    start: FloatArray
    axis: FloatArray
    length_mm: float
    radius_mm: float

    def distance(self, points_mm: FloatArray) -> FloatArray:
        """Distance of points (N, 3) to the solid cylinder, mm; 0 inside."""
        result = np.empty(len(points_mm))
        for first in range(0, len(points_mm), CHUNK):
            offset = points_mm[first : first + CHUNK] - self.start
            along = offset @ self.axis
            radial = np.sqrt(np.maximum(np.einsum("ij,ij->i", offset, offset) - along**2, 0.0))
            beside = np.maximum(radial - self.radius_mm, 0.0)
            beyond = np.maximum(np.maximum(-along, along - self.length_mm), 0.0)
            result[first : first + CHUNK] = np.hypot(beside, beyond)
        return result

    def contains(self, points_mm: FloatArray) -> BoolArray:
        """Whether points (N, 3) lie in the cylinder."""
        return np.asarray(self.distance(points_mm) == 0.0)

    def wall(self, start_mm: float, stop_mm: float) -> FloatArray:
        """Points (N, 3) on the wall between two positions along the axis (from ``start``), mm."""
        if stop_mm <= start_mm:
            return np.zeros((0, 3))
        along = np.linspace(start_mm, stop_mm, max(2, int(np.ceil((stop_mm - start_mm) / WALL_STEP_MM)) + 1))
        ring = self._ring(self.radius_mm)
        centres = self.start + along[:, None] * self.axis
        return np.asarray((centres[:, None, :] + ring[None, :, :]).reshape(-1, 3), dtype=np.float64)

    def on_plane(self, point: FloatArray, normal: FloatArray) -> FloatArray:
        """Points (N, 3) where a plane through ``point`` across unit ``normal`` cuts the wall and both ends.

        Each stands twice, a hair on either side: the plane's own points belong to both.
        """
        u, v = across(self.axis)
        height, rise = float((self.start - point) @ normal), float(self.axis @ normal)
        tilt = np.array([u @ normal, v @ normal])
        found = []
        if abs(rise) > 1e-9:
            rim = self._ring(self.radius_mm)
            along = -(height + rim @ normal) / rise
            on = (along >= 0.0) & (along <= self.length_mm)
            found.append(self.start + rim[on] + along[on, None] * self.axis)
        for end in (0.0, self.length_mm):
            steep = float(np.linalg.norm(tilt))
            foot = -(height + end * rise) / steep if steep > 1e-9 else np.inf
            if abs(foot) < self.radius_mm:
                half = float(np.sqrt(self.radius_mm**2 - foot**2))
                chord = np.linspace(-half, half, 2 * int(np.ceil(half / WALL_STEP_MM)) + 1)[:, None]
                up, side = (tilt[0] * u + tilt[1] * v) / steep, (tilt[0] * v - tilt[1] * u) / steep
                found.append(self.start + end * self.axis + foot * up + chord * side)
        points = np.concatenate(found) if found else np.zeros((0, 3))
        return np.concatenate([points + BESIDE_MM * normal, points - BESIDE_MM * normal])

    def disc(self, position_mm: float) -> FloatArray:
        """Points (N, 3) of the cross-section at a position along the axis, rim included."""
        centre = self.start + position_mm * self.axis
        radii = np.linspace(0.0, self.radius_mm, max(2, int(np.ceil(self.radius_mm / WALL_STEP_MM)) + 1))
        return np.concatenate([centre + self._ring(float(radius)) for radius in radii])

    def inner_points(self, spacing_mm: float) -> tuple[FloatArray, float]:
        """Points (N, 3) that fill the cylinder evenly, and the ml that each stands for."""
        count = max(1, int(np.ceil(np.pi * self.radius_mm**2 / spacing_mm**2)))
        layers = max(1, int(np.ceil(self.length_mm / spacing_mm)))
        # A sunflower's seeds: each stands for the same area, and no ring of them for a radius.
        seed = np.arange(count) + 0.5
        radius, turn = self.radius_mm * np.sqrt(seed / count), GOLDEN_ANGLE * seed
        u, v = across(self.axis)
        flat = (radius * np.cos(turn))[:, None] * u + (radius * np.sin(turn))[:, None] * v
        along = (np.arange(layers) + 0.5) * self.length_mm / layers
        points = (self.start + along[:, None] * self.axis)[:, None, :] + flat[None, :, :]
        volume = np.pi * self.radius_mm**2 * self.length_mm / 1000.0
        return points.reshape(-1, 3), volume / (count * layers)

    def prolonged(self, outward_mm: float) -> Cylinder:
        """The same wall from ``outward_mm`` before the start up to the start."""
        return Cylinder(self.start - outward_mm * self.axis, self.axis, outward_mm, self.radius_mm)

    def _ring(self, radius_mm: float) -> FloatArray:
        count = max(1, int(np.ceil(2.0 * np.pi * radius_mm / WALL_STEP_MM)))
        turn = np.arange(count) * 2.0 * np.pi / count
        u, v = across(self.axis)
        return np.asarray(radius_mm * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class DrilledCylinder:
    """A tunnel with its cavity, if any: what the drill takes away.

    With a ``head`` the tunnel is the shaft behind it, down to where the head begins.
    """

    tunnel: Cylinder
    cavity: Cylinder | None
    head: Turned | None = None

    @property
    def bodies(self) -> tuple[Cylinder | Turned, ...]:
        """Its cylinders, and its head where it has one."""
        return self.solids if self.head is None else (*self.solids, self.head)

    @property
    def tip(self) -> FloatArray:
        """The instrument's deepest point (3,) on the axis."""
        end = self.tunnel.start + self.tunnel.length_mm * self.tunnel.axis
        return end if self.head is None else self.head.tip

    @property
    def length_mm(self) -> float:
        """From entry to tip."""
        return float(np.linalg.norm(self.tip - self.tunnel.start))

    @property
    def ahead_mm(self) -> float:
        """How far a guide pin runs ahead of the tip."""
        return 0.0 if self.head is None else max(float(self.head.outline[0, 0]), 0.0)

    @property
    def solids(self) -> tuple[Cylinder, ...]:
        """Its cylinders."""
        return (self.tunnel,) if self.cavity is None else (self.tunnel, self.cavity)

    def distance(self, points_mm: FloatArray) -> FloatArray:
        """Distance of points (N, 3) to the bore, mm; 0 inside."""
        parts = [solid.distance(points_mm) for solid in self.bodies]
        return np.asarray(np.min(parts, axis=0), dtype=np.float64)

    def contains(self, points_mm: FloatArray) -> BoolArray:
        """Whether points (N, 3) lie in the bore."""
        return np.asarray(self.distance(points_mm) == 0.0)

    @property
    def cavity_surface(self) -> tuple[FloatArray, ...]:
        """Points (N, 3) of the cavity's wall and of both its ends; none without one."""
        if self.cavity is None:
            return ()
        length = self.cavity.length_mm
        return self.cavity.wall(0.0, length), self.cavity.disc(0.0), self.cavity.disc(length)

    def surface_beyond(self, position_mm: float, plane: tuple[FloatArray, FloatArray]) -> FloatArray:
        """Points (N, 3) of walls and flat ends farther than ``position_mm`` along the tunnel.

        Some stand exactly where ``plane`` (a point and its unit normal) cuts them, on either side.
        """
        parts = [self.tunnel.wall(position_mm, self.tunnel.length_mm)]
        if self.head is None:
            parts.append(self.tunnel.disc(self.tunnel.length_mm))
        else:
            points, pin = self.head.surface(plane)
            parts.append(points[~pin])
        if self.cavity is not None:
            parts += [*self.cavity_surface, self.cavity.on_plane(*plane)]
        cut = self.tunnel.on_plane(*plane)
        parts.append(cut[(cut - self.tunnel.start) @ self.tunnel.axis >= position_mm])
        return np.concatenate(parts)


def bore_of(tunnel: StatedTunnel) -> DrilledCylinder:
    """The solids of a tunnel as stated by its entry, tip and sizes, or by its instrument."""
    if tunnel.instrument is not None:
        return drilled_with(tunnel.instrument, tunnel.entry, tunnel.tip)
    length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
    axis = unit(tunnel.tip - tunnel.entry)
    cavity = None
    if tunnel.cavity_diameter_mm is not None and tunnel.cavity_length_mm is not None:
        reach = min(tunnel.cavity_length_mm, length)
        cavity = Cylinder(tunnel.tip - reach * axis, axis, reach, tunnel.cavity_diameter_mm / 2.0)
    return DrilledCylinder(Cylinder(tunnel.entry, axis, length, tunnel.diameter_mm / 2.0), cavity)


def drilled_with(instrument: Instrument, entry: FloatArray, tip: FloatArray) -> DrilledCylinder:
    """The solids of a tunnel drilled with an instrument from ``entry`` to ``tip`` (3,), world mm."""
    length, axis = float(np.linalg.norm(tip - entry)), unit(tip - entry)
    outline, head = outline_of(instrument)
    pin_from = np.inf if instrument.pin_overshoot_mm == 0.0 else float(outline[2, 0])
    shaft = Cylinder(entry, axis, max(length - head, 0.0), instrument.diameter_mm / 2.0)
    return DrilledCylinder(shaft, None, Turned(tip, axis, outline, pin_from))
