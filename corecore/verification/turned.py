"""What an instrument takes before its shaft begins, as a turned solid: by the straight segments of its outline.

The planner's body is made of frusta and a ball; here a ball is a polygon, and everything is asked of the outline.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.instrument import Instrument
from corecore.verification.frame import across

#: Turn between two corners of a round tip, degrees, and greatest distance between two points of an outline, mm.
CORNER_DEG, OUTLINE_STEP_MM = 1.0, 0.2
#: Distance between points of a ring, mm, and how far beside a plane its own points stand, mm.
RING_MM, BESIDE_MM = 0.4, 1e-6


def outline_of(instrument: Instrument) -> tuple[FloatArray, float]:
    """Corners (K, 2) of an instrument's end, and how far behind the tip its shaft begins, mm.

    Corners are heights above the tip (positive ahead of it) and radii, from the axis in front to the shaft's rim.
    """
    tip_radius = (instrument.steps[0].diameter_mm if instrument.steps else instrument.diameter_mm) / 2.0
    corners: list[tuple[float, float]] = [(0.0, 0.0)]
    if instrument.tip == "cone":
        corners.append((-tip_radius / float(np.tan(np.radians(instrument.tip_angle_deg) / 2.0)), tip_radius))
    elif instrument.tip == "round":
        turn = np.radians(np.arange(0.0, 90.0 + CORNER_DEG / 2, CORNER_DEG))
        corners += [
            (float(tip_radius * (c - 1.0)), float(tip_radius * s))
            for c, s in zip(np.cos(turn), np.sin(turn), strict=True)
        ]
    else:
        corners.append((0.0, tip_radius))
    for step, wider in zip(
        instrument.steps, [*(one.diameter_mm for one in instrument.steps[1:]), instrument.diameter_mm], strict=False
    ):
        corners += [(-step.to_mm, step.diameter_mm / 2.0), (-step.to_mm, wider / 2.0)]
    if instrument.cavity_diameter_mm > 0.0:
        wide, long = instrument.cavity_diameter_mm / 2.0, instrument.cavity_length_mm
        corners = [(0.0, 0.0), (0.0, wide), (-long, wide), (-long, tip_radius)]
    outline = np.array(corners)
    head = -float(outline[-1, 0])
    if instrument.pin_overshoot_mm > 0.0:
        outline = _with_pin(outline, instrument.pin_diameter_mm / 2.0, instrument.pin_overshoot_mm)
    return outline, head


def _with_pin(outline: FloatArray, radius: float, ahead: float) -> FloatArray:
    """The outline with a pin of that radius ahead: it begins where the outline is as wide as the pin."""
    wide = int(np.argmax(outline[:, 1] >= radius))
    (h0, r0), (h1, r1) = outline[wide - 1], outline[wide]
    meets = h1 if r1 == r0 else h0 + (radius - r0) / (r1 - r0) * (h1 - h0)
    return np.concatenate([[[ahead, 0.0], [ahead, radius], [meets, radius]], outline[wide:]])


def holds(outline: FloatArray, height: FloatArray, radius: FloatArray) -> BoolArray:
    """Whether heights above the tip and distances from the axis (N,) lie within an outline as of ``outline_of``."""
    inside = np.zeros(len(height), dtype=bool)
    for (h0, r0), (h1, r1) in pairwise(outline):
        if h0 != h1:
            inside |= (height <= h0) & (height >= h1) & (radius <= r0 + (height - h0) / (h1 - h0) * (r1 - r0))
    return inside


@dataclass(frozen=True, eq=False)
class Turned:
    """A turned solid at ``tip`` (3,) along unit ``axis`` (3,), world mm; ``outline`` as of ``outline_of``.

    What lies above ``pin_from_mm`` a guide pin drills; infinite where none runs ahead.
    """

    tip: FloatArray
    axis: FloatArray
    outline: FloatArray
    pin_from_mm: float = float("inf")

    @property
    def radius_mm(self) -> float:
        """Its greatest radius."""
        return float(self.outline[:, 1].max())

    def _flat(self, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        offset = points_mm - self.tip
        height = offset @ self.axis
        return height, np.sqrt(np.maximum(np.einsum("ij,ij->i", offset, offset) - height**2, 0.0))

    def contains(self, points_mm: FloatArray) -> BoolArray:
        """Whether points (N, 3) lie in it."""
        return holds(self.outline, *self._flat(points_mm))

    def distance(self, points_mm: FloatArray) -> FloatArray:
        """Distance of points (N, 3) to it, mm; 0 inside. What lies behind its back face is nearest to that face."""
        height, radius = self._flat(points_mm)
        corners = np.concatenate([self.outline, [[self.outline[-1, 0], 0.0]]])
        least = np.full(len(points_mm), np.inf)
        for (h0, r0), (h1, r1) in pairwise(corners):
            square = (h1 - h0) ** 2 + (r1 - r0) ** 2
            if square == 0.0:
                continue
            share = np.clip(((height - h0) * (h1 - h0) + (radius - r0) * (r1 - r0)) / square, 0.0, 1.0)
            least = np.minimum(least, np.hypot(height - h0 - share * (h1 - h0), radius - r0 - share * (r1 - r0)))
        return np.where(self.contains(points_mm), 0.0, least)

    def rings(self, step_mm: float) -> FloatArray:
        """Heights and radii (N, 2) of rings all over it, no farther apart along its outline."""
        rows = []
        for start, stop in pairwise(self.outline):
            count = max(1, int(np.ceil(np.linalg.norm(stop - start) / step_mm)))
            rows.append(np.linspace(start, stop, count + 1))
        return np.unique(np.concatenate(rows), axis=0)

    def surface(self, plane: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, BoolArray]:
        """Points (N, 3) all over it, and which of them the pin drills (N,).

        Some stand where ``plane`` (a point and its unit normal) cuts it, a hair on either side.
        """
        rows = []
        for start, stop in pairwise(self.outline):
            count = max(1, int(np.ceil(np.linalg.norm(stop - start) / OUTLINE_STEP_MM)))
            rows.append(np.linspace(start, stop, count + 1))
        u, v = across(self.axis)
        turn = np.linspace(
            0.0, 2.0 * np.pi, max(48, int(np.ceil(2.0 * np.pi * self.radius_mm / RING_MM))), endpoint=False
        )
        ring = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
        points, pin = [], []
        for row in rows:
            place = self.tip + row[:, :1, None].transpose(0, 2, 1) * self.axis + row[:, 1, None, None] * ring
            # The face about the pin's root lies as high as that and is the instrument's.
            of_pin = bool(row[:, 0].min() >= self.pin_from_mm and row[:, 1].max() <= self.outline[1, 1])
            above = (place - plane[0]) @ plane[1]
            cut = (above[:-1] >= 0.0) != (above[1:] >= 0.0)
            share = (above[:-1][cut] / (above[:-1][cut] - above[1:][cut]))[:, None]
            on = place[:-1][cut] + share * (place[1:][cut] - place[:-1][cut])
            points += [place.reshape(-1, 3), on + BESIDE_MM * plane[1], on - BESIDE_MM * plane[1]]
            pin.append(np.full(place.shape[0] * place.shape[1] + 2 * len(on), of_pin))
        return np.concatenate(points), np.concatenate(pin)

    def inner_points(self, spacing_mm: float) -> tuple[FloatArray, float]:
        """Points (N, 3) that fill it evenly, and the ml that each stands for."""
        low, high = float(self.outline[-1, 0]), float(self.outline[0, 0])
        size = spacing_mm / 2.0
        flat = np.arange(-self.radius_mm, self.radius_mm + size, size)
        height = np.arange(low, high, size) + size / 2.0
        a, b, c = (g.ravel() for g in np.meshgrid(flat, flat, height, indexing="ij"))
        u, v = across(self.axis)
        points = self.tip + a[:, None] * u + b[:, None] * v + c[:, None] * self.axis
        points = points[self.contains(points)]
        return points, self.volume_ml / max(len(points), 1)

    @property
    def volume_ml(self) -> float:
        """Volume, ml: of the outline's frusta."""
        height, radius = self.outline[:, 0], self.outline[:, 1]
        a, b = radius[:-1], radius[1:]
        return float(np.sum(-np.diff(height) * np.pi * (a * a + a * b + b * b) / 3.0)) / 1000.0
