"""The bone that an instrument takes: a solid of revolution about a tunnel's axis, of frusta and half a ball.

Places along the axis count from the tip backward (``back``, mm): 0 is the deepest point of the instrument, what a guide
pin drills ahead of it is negative. Squares of radii are quadratic along each piece, so volumes have closed forms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.instrument import Instrument

#: Distance between points of a meridian, mm, and between the angles of half a ball, radians (engineering choices: the
#: polygon lies at most 0.003 mm inside a ball of 5 mm).
MERIDIAN_MM, BALL_TURN = 0.2, 0.035


class Piece(NamedTuple):
    """A part of a body between two places: a frustum, or with ``ball_mm`` the front of a ball of that radius, mm.

    The ball touches the tip: its middle lies ``ball_mm`` back.
    """

    front_mm: float
    back_mm: float
    front_radius_mm: float
    back_radius_mm: float
    ball_mm: float = 0.0
    #: Whether the guide pin drills it, ahead of the instrument.
    pin: bool = False

    def radius_at(self, back_mm: FloatArray) -> FloatArray:
        """Radii (N,) at places (N,) within it, mm."""
        if self.ball_mm > 0.0:
            return np.asarray(np.sqrt(np.maximum(2.0 * self.ball_mm * back_mm - back_mm**2, 0.0)))
        if self.front_radius_mm == self.back_radius_mm:
            return np.full(np.shape(back_mm), self.front_radius_mm)
        share = (back_mm - self.front_mm) / (self.back_mm - self.front_mm)
        return np.asarray(self.front_radius_mm + share * (self.back_radius_mm - self.front_radius_mm))

    @property
    def square(self) -> tuple[float, float, float]:
        """The radius' square as a polynomial of the place: constant, linear and quadratic factor."""
        if self.ball_mm > 0.0:
            return 0.0, 2.0 * self.ball_mm, -1.0
        if self.front_radius_mm == self.back_radius_mm:
            return self.front_radius_mm**2, 0.0, 0.0
        slope = (self.back_radius_mm - self.front_radius_mm) / (self.back_mm - self.front_mm)
        foot = self.front_radius_mm - slope * self.front_mm
        return foot**2, 2.0 * foot * slope, slope**2

    def cut(self, length_mm: float) -> Piece | None:
        """What of it lies no further back than ``length_mm``; ``None`` where nothing does."""
        if self.front_mm >= length_mm:
            return None
        if self.back_mm <= length_mm:
            return self
        return self._replace(back_mm=length_mm, back_radius_mm=float(self.radius_at(np.array(length_mm))))

    @property
    def volume_mm3(self) -> float:
        """Its volume, mm³; infinite where it has no end."""
        if math.isinf(self.back_mm):
            return math.inf
        constant, linear, quadratic = self.square
        a, b = self.front_mm, self.back_mm
        integral = constant * (b - a) + linear * (b**2 - a**2) / 2.0 + quadratic * (b**3 - a**3) / 3.0
        return math.pi * integral

    def distance(self, back_mm: FloatArray, across_mm: FloatArray) -> FloatArray:
        """How far places (N,), and as far from the axis (N,), lie outside it, mm; 0 inside."""
        if self.ball_mm > 0.0:
            behind = np.hypot(np.maximum(back_mm - self.back_mm, 0.0), np.maximum(across_mm - self.back_radius_mm, 0.0))
            ball = np.maximum(np.hypot(back_mm - self.ball_mm, across_mm) - self.ball_mm, 0.0)
            return np.asarray(np.where(back_mm > self.back_mm, behind, ball))
        before = np.maximum(self.front_mm - back_mm, back_mm - self.back_mm)
        if self.front_radius_mm == self.back_radius_mm:
            beside = np.maximum(across_mm - self.front_radius_mm, 0.0)
            return np.asarray(np.sqrt(beside**2 + np.maximum(before, 0.0) ** 2))
        # A frustum is convex: outside it, the nearest place lies on one of its three sides.
        corners = (
            (self.front_mm, 0.0), (self.front_mm, self.front_radius_mm), (self.back_mm, self.back_radius_mm),
            (self.back_mm, 0.0),
        )  # fmt: skip
        sides = [_to_segment(back_mm, across_mm, *ends) for ends in pairwise(corners)]
        inside = (before <= 0.0) & (across_mm <= self.radius_at(back_mm))
        return np.asarray(np.where(inside, 0.0, np.min(sides, axis=0)))


def _to_segment(x: FloatArray, y: FloatArray, start: tuple[float, float], stop: tuple[float, float]) -> FloatArray:
    """Distance of places (N,), (N,) of a plane to a segment, mm."""
    way = stop[0] - start[0], stop[1] - start[1]
    square = way[0] ** 2 + way[1] ** 2
    along = ((x - start[0]) * way[0] + (y - start[1]) * way[1]) / square if square > 0.0 else np.zeros(np.shape(x))
    along = np.clip(along, 0.0, 1.0)
    return np.asarray(np.hypot(x - start[0] - along * way[0], y - start[1] - along * way[1]))


class End(NamedTuple):
    """What lies before a body's shaft, as plain arrays: nowhere does it narrow backward.

    ``pieces`` (K, 8), from the front backward: both ends, the radius' square as a polynomial of the place, the radii of
    both ends, and the radius of a ball (0: none). ``rings`` (R, 4) all over it: place, radius, 1 where the pin drills
    it, 1 where the outline has a corner. How long it is behind the tip and how far a pin runs ahead. All mm.
    """

    pieces: FloatArray
    rings: FloatArray
    length_mm: float
    ahead_mm: float


#: Of a flat-ended cylinder.
FLAT_END = End(np.zeros((0, 8)), np.zeros((0, 4)), 0.0, 0.0)


@dataclass(frozen=True)
class Body:
    """A solid of revolution about a tunnel's axis; its last piece, the shaft, has no end of its own.

    Parameters
    ----------
    pieces : tuple of Piece
        From the front backward, each beginning where the one before ends.
    """

    pieces: tuple[Piece, ...]

    @property
    def shaft_radius_mm(self) -> float:
        """Radius of its shaft, mm."""
        return self.pieces[-1].back_radius_mm

    @property
    def head_length_mm(self) -> float:
        """How far back its shaft begins, mm: from there on it is a plain cylinder."""
        return max(self.pieces[-1].front_mm, 0.0)

    @property
    def front_mm(self) -> float:
        """Its foremost place, mm: 0, or negative where a pin runs ahead."""
        return self.pieces[0].front_mm

    @property
    def widest_mm(self) -> float:
        """Its greatest radius, mm."""
        return max(piece.back_radius_mm for piece in self.pieces)

    @property
    def plain(self) -> bool:
        """Whether it is a flat-ended cylinder."""
        return len(self.pieces) == 1

    def cut(self, length_mm: float) -> tuple[Piece, ...]:
        """Its pieces in a tunnel of that length.

        Parameters
        ----------
        length_mm : float
            From entry to tip, mm.

        Returns
        -------
        tuple of Piece
            From the front backward; none reaches beyond the entry.
        """
        found = (piece.cut(length_mm) for piece in self.pieces)
        return tuple(piece for piece in found if piece is not None)

    def volume_mm3(self, length_mm: float) -> float:
        """Volume in a tunnel of that length, mm³, what a pin drills ahead of the tip included."""
        return sum(piece.volume_mm3 for piece in self.cut(length_mm))

    def distance(self, back_mm: FloatArray, across_mm: FloatArray, length_mm: float) -> FloatArray:
        """How far places lie outside the body in a tunnel.

        Parameters
        ----------
        back_mm, across_mm : ndarray, shape (N,)
            Places from the tip backward, and how far from the axis, mm.
        length_mm : float
            From entry to tip, mm.

        Returns
        -------
        ndarray, shape (N,)
            Distance, mm; 0 inside.
        """
        return np.asarray(np.min([piece.distance(back_mm, across_mm) for piece in self.cut(length_mm)], axis=0))

    def contains(self, back_mm: FloatArray, across_mm: FloatArray, length_mm: float) -> BoolArray:
        """Whether places, as of ``distance``, lie in the body; its surface belongs to it. Shape (N,)."""
        inside = np.zeros(np.shape(back_mm), dtype=bool)
        square = across_mm**2
        for piece in self.cut(length_mm):
            constant, linear, quadratic = piece.square
            within = (back_mm >= piece.front_mm) & (back_mm <= piece.back_mm)
            inside |= within & (square <= constant + back_mm * (linear + back_mm * quadratic))
        return inside

    def radius_at(self, back_mm: FloatArray, length_mm: float) -> FloatArray:
        """Radii at places, as of ``distance``, in a tunnel.

        Parameters
        ----------
        back_mm : ndarray
            Places from the tip backward, mm, of any shape.
        length_mm : float
            From entry to tip, mm.

        Returns
        -------
        ndarray, same shape
            Radius, mm; beyond an end that of the end, at a step the wider one.
        """
        places = np.clip(back_mm, self.front_mm, length_mm)
        radius = np.zeros(np.shape(places))
        for piece in self.cut(length_mm):
            within = (places >= piece.front_mm) & (places <= piece.back_mm)
            radius = np.where(within, np.maximum(radius, piece.radius_at(places)), radius)
        return radius

    def meridian(self, length_mm: float, step_mm: float = MERIDIAN_MM) -> FloatArray:
        """Points of its outline from the axis at the front to the rim at the entry.

        Parameters
        ----------
        length_mm : float
            From entry to tip, mm.
        step_mm : float, default 0.2
            Greatest distance between two points, mm.

        Returns
        -------
        ndarray, shape (N, 3)
            Place from the tip backward, radius, both mm, and 1 where the pin drills it, else 0.
        """
        corners: list[tuple[float, float, float]] = []
        before = (self.front_mm, 0.0)
        for piece in self.cut(length_mm):
            pin = 1.0 if piece.pin else 0.0
            first = (piece.front_mm, float(piece.radius_at(np.array(piece.front_mm))))
            last = (piece.back_mm, float(piece.radius_at(np.array(piece.back_mm))))
            corners += [(*place, pin) for place in _between(before, first, step_mm)]
            if piece.ball_mm > 0.0:
                places = [
                    (piece.ball_mm * (1.0 - math.cos(turn)), piece.ball_mm * math.sin(turn))
                    for turn in _turns(first, last, piece.ball_mm)
                ]
            else:
                places = _between(first, last, step_mm)
            corners += [(*place, pin) for place in places]
            before = last
        return _without_repeats(np.array(corners))

    def head(self) -> tuple[Piece, ...]:
        """Its pieces before the shaft, from the front backward."""
        return self.pieces[:-1]

    @property
    def end(self) -> End:
        """What lies before its shaft, as plain arrays for the kernels; a flat end, or one with a cavity, has none."""
        if self.plain or self.widest_mm > self.shaft_radius_mm:
            return FLAT_END
        rows = [
            (one.front_mm, one.back_mm, *one.square, one.front_radius_mm, one.back_radius_mm, one.ball_mm)
            for one in self.head()
        ]
        outline = self.meridian(self.head_length_mm + 1.0)
        outline = outline[outline[:, 0] <= self.head_length_mm + 1e-9]
        way = np.diff(outline[:, :2], axis=0)
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        corner = np.ones(len(outline))
        corner[1:-1] = np.abs(way[:-1] - way[1:]).max(axis=1) > 1e-9
        rings = np.ascontiguousarray(np.column_stack([outline, corner]))
        return End(np.array(rows, dtype=np.float64), rings, self.head_length_mm, -self.front_mm)


def _between(start: tuple[float, float], stop: tuple[float, float], step_mm: float) -> list[tuple[float, float]]:
    count = max(1, math.ceil(math.dist(start, stop) / step_mm))
    places = np.linspace(start, stop, count + 1)
    return [(float(back), float(radius)) for back, radius in places]


def _turns(first: tuple[float, float], last: tuple[float, float], radius: float) -> FloatArray:
    begin, end = (math.acos(max(-1.0, 1.0 - place[0] / radius)) for place in (first, last))
    return np.linspace(begin, end, max(2, math.ceil((end - begin) / BALL_TURN) + 1))


def _without_repeats(points: FloatArray) -> FloatArray:
    """Points in their order, of equal ones that follow each other the first."""
    new = np.any(np.abs(np.diff(points[:, :2], axis=0)) > 1e-12, axis=1)
    return np.asarray(points[np.concatenate([[True], new])])


# A study may sweep over diameters: a few are kept.
@lru_cache(maxsize=64)
def body_of(instrument: Instrument) -> Body:
    """The bone that an instrument takes.

    Parameters
    ----------
    instrument : Instrument
        The instrument.

    Returns
    -------
    Body
        Its body: what the pin drills ahead, the tip, steps or cavity, and the shaft.
    """
    radius, pin = instrument.diameter_mm / 2.0, instrument.pin_diameter_mm / 2.0
    front = instrument.front_diameter_mm / 2.0
    ahead = instrument.pin_overshoot_mm
    pieces: list[Piece] = []
    tip = instrument.tip_length_mm
    if tip > 0.0:
        ball = front if instrument.tip == "round" else 0.0
        cone = Piece(0.0, tip, 0.0, front, ball)
        if ahead > 0.0:
            # The pin reaches back to where the tip is as wide.
            meets = front - math.sqrt(front**2 - pin**2) if ball else pin / front * tip
            pieces.append(Piece(-ahead, meets, pin, pin, pin=True))
            cone = Piece(meets, tip, pin, front, ball)
        pieces.append(cone)
    elif ahead > 0.0:
        pieces.append(Piece(-ahead, 0.0, pin, pin, pin=True))
    at = tip
    for step in instrument.steps:
        if step.to_mm > at:
            pieces.append(Piece(at, step.to_mm, step.diameter_mm / 2.0, step.diameter_mm / 2.0))
        at = step.to_mm
    if instrument.cavity_diameter_mm > 0.0:
        wide = instrument.cavity_diameter_mm / 2.0
        pieces.append(Piece(0.0, instrument.cavity_length_mm, wide, wide))
        at = instrument.cavity_length_mm
    pieces.append(Piece(at, math.inf, radius, radius))
    return Body(tuple(pieces))


def plain_body(diameter_mm: float, cavity_diameter_mm: float = 0.0, cavity_length_mm: float = 0.0) -> Body:
    """The body of a flat-ended cylinder, with or without a cavity.

    Parameters
    ----------
    diameter_mm : float
        Of the cylinder, mm.
    cavity_diameter_mm, cavity_length_mm : float, default 0
        Of the wider part at its end, mm; 0: none.

    Returns
    -------
    Body
        Its body.
    """
    shaft = Piece(cavity_length_mm if cavity_diameter_mm else 0.0, math.inf, diameter_mm / 2.0, diameter_mm / 2.0)
    if not cavity_diameter_mm:
        return Body((shaft,))
    wide = cavity_diameter_mm / 2.0
    return Body((Piece(0.0, cavity_length_mm, wide, wide), shaft))
