"""Necroses of the head with volumes and centroids in closed form.

A lesion lies in the head's sphere, which lies wholly in the bone. Its frame is the femoral one
(origin at the head centre; x lateral, y anterior, z proximal; mm). It is given by a share of
the sphere and a direction; ``lesion_of`` solves for the parameter that gives the share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray

Kind = Literal["wedge", "cap", "lens", "ball", "two_foci"]
KINDS: tuple[Kind, ...] = ("wedge", "cap", "lens", "ball", "two_foci")

#: Where necroses sit: forward and up, a little medial, in the femoral frame. The superior
#: octants carry most (34.2 and 29.6 %; scirp 64951, 34 hips), the anterior-medial-superior one
#: first (JOSR 2024 05058-3, 150 hips); the angles are engineering choices.
ANTEROSUPERIOR: tuple[float, float, float] = (-0.10, 0.45, 0.89)
#: Second of two foci: posterior, superior, medial, the octant affected second most often
#: (JOSR 2020 01786-4); the angles are engineering choices.
SECOND_FOCUS: tuple[float, float, float] = (-0.75, -0.65, 0.10)
#: Share of a two-foci lesion that the first focus takes (engineering choice).
FIRST_FOCUS_SHARE = 0.75
#: Inner end of a wedge, head radii from the centre (engineering choice: necroses rarely reach the centre).
WEDGE_INNER = 0.25
#: Radius of the lens's second surface, head radii (engineering choice).
LENS_RADIUS = 1.0
#: Bone between a ball lesion and the head's surface, head radii (engineering choice, 1 mm on a 48 mm head).
BALL_GAP = 0.04
#: Bone left between two foci, mm: two voxels of a clinical scan, so that they stay two components
#: (engineering choice).
FOCI_GAP_MM = 2.0
#: Smallest and largest share of the sphere accepted.
FRACTION_RANGE = (0.001, 0.60)


@dataclass(frozen=True)
class Wedge:
    """Cone from the head centre of half-angle ``angle`` (rad), clipped between two radii (mm)."""

    axis: FloatArray
    angle: float
    inner_mm: float
    outer_mm: float

    @property
    def volume_ml(self) -> float:
        """2/3 pi (1 - cos angle) (outer^3 - inner^3)."""
        return float(2.0 / 3.0 * np.pi * (1.0 - np.cos(self.angle)) * (self.outer_mm**3 - self.inner_mm**3) / 1000.0)

    @property
    def centroid_mm(self) -> FloatArray:
        """Centroid (3,)."""
        along = 0.375 * (1.0 + np.cos(self.angle))
        along *= (self.outer_mm**4 - self.inner_mm**4) / (self.outer_mm**3 - self.inner_mm**3)
        return np.asarray(along * self.axis)

    def level_mm(self, points: FloatArray) -> FloatArray:
        """Signed distance, positive inside; exact near each face."""
        size = np.linalg.norm(points, axis=1)
        along = points @ self.axis
        across = np.sqrt(np.maximum(size**2 - along**2, 0.0))
        side = along * np.sin(self.angle) - across * np.cos(self.angle)
        return np.asarray(np.minimum(side, np.minimum(self.outer_mm - size, size - self.inner_mm)))


@dataclass(frozen=True)
class Lens:
    """Common part of the head's sphere (radius ``head_mm`` about the origin) and a second ball."""

    axis: FloatArray
    head_mm: float
    ball_mm: float
    distance_mm: float

    def _caps(self) -> tuple[float, float]:
        """Heights of the two caps that make the lens: the head's and the ball's."""
        plane = (self.distance_mm**2 + self.head_mm**2 - self.ball_mm**2) / (2.0 * self.distance_mm)
        return self.head_mm - plane, self.ball_mm - (self.distance_mm - plane)

    @property
    def volume_ml(self) -> float:
        """Sum of the two caps, each pi h^2 (3 r - h) / 3."""
        head, ball = self._caps()
        return (_cap_volume(self.head_mm, head) + _cap_volume(self.ball_mm, ball)) / 1000.0

    @property
    def centroid_mm(self) -> FloatArray:
        """Centroid (3,)."""
        head, ball = self._caps()
        first, second = _cap_volume(self.head_mm, head), _cap_volume(self.ball_mm, ball)
        moment = first * _cap_centroid(self.head_mm, head)
        moment += second * (self.distance_mm - _cap_centroid(self.ball_mm, ball))
        return np.asarray(moment / (first + second) * self.axis)

    def level_mm(self, points: FloatArray) -> FloatArray:
        """Signed distance, positive inside; exact near each face."""
        other = np.linalg.norm(points - self.distance_mm * self.axis, axis=1)
        return np.asarray(np.minimum(self.head_mm - np.linalg.norm(points, axis=1), self.ball_mm - other))


@dataclass(frozen=True)
class Cap:
    """Cap of the head's sphere beyond a plane across ``axis``, ``height_mm`` deep."""

    axis: FloatArray
    head_mm: float
    height_mm: float

    @property
    def volume_ml(self) -> float:
        """pi h^2 (3 R - h) / 3."""
        return _cap_volume(self.head_mm, self.height_mm) / 1000.0

    @property
    def centroid_mm(self) -> FloatArray:
        """Centroid (3,)."""
        return np.asarray(_cap_centroid(self.head_mm, self.height_mm) * self.axis)

    def level_mm(self, points: FloatArray) -> FloatArray:
        """Signed distance, positive inside; exact near each face."""
        beyond = points @ self.axis - (self.head_mm - self.height_mm)
        return np.asarray(np.minimum(self.head_mm - np.linalg.norm(points, axis=1), beyond))


@dataclass(frozen=True)
class Ball:
    """A ball inside the head."""

    center_mm: FloatArray
    radius_mm: float

    @property
    def volume_ml(self) -> float:
        """4/3 pi r^3."""
        return 4.0 / 3.0 * np.pi * self.radius_mm**3 / 1000.0

    @property
    def centroid_mm(self) -> FloatArray:
        """Centre (3,)."""
        return self.center_mm

    def level_mm(self, points: FloatArray) -> FloatArray:
        """Exact signed distance, positive inside."""
        return np.asarray(self.radius_mm - np.linalg.norm(points - self.center_mm, axis=1))


@dataclass(frozen=True)
class TwoFoci:
    """A wedge and a ball that do not touch."""

    first: Wedge
    second: Ball

    @property
    def volume_ml(self) -> float:
        """Sum of the two."""
        return self.first.volume_ml + self.second.volume_ml

    @property
    def centroid_mm(self) -> FloatArray:
        """Common centroid (3,)."""
        moment = self.first.volume_ml * self.first.centroid_mm + self.second.volume_ml * self.second.centroid_mm
        return np.asarray(moment / self.volume_ml)

    def level_mm(self, points: FloatArray) -> FloatArray:
        """Signed distance to the nearer focus, positive inside."""
        return np.maximum(self.first.level_mm(points), self.second.level_mm(points))


Lesion = Wedge | Cap | Lens | Ball | TwoFoci


def lesion_of(
    kind: Kind, sphere_fraction: float, head_radius_mm: float, direction: npt.ArrayLike = ANTEROSUPERIOR
) -> Lesion:
    """The lesion of a kind that fills ``sphere_fraction`` of the head's sphere.

    ``direction`` (3,) points from the head centre to the lesion's middle in the femoral frame.
    Raises ``InputError`` for an unknown kind, a share out of range or one that the kind cannot hold.
    """
    axis = np.asarray(direction, dtype=np.float64)
    size = float(np.linalg.norm(axis))
    if axis.shape != (3,) or not np.isfinite(size) or size < 1e-6:
        raise InputError(
            f"lesion direction {direction!r}; a vector (x, y, z) that is not zero is accepted", code="recipe-value"
        )
    axis = axis / size
    low, high = FRACTION_RANGE
    if not low <= sphere_fraction <= high:
        raise InputError(
            f"lesion of {sphere_fraction!r} of the head's sphere; {low} to {high} is accepted", code="recipe-value"
        )
    if kind == "wedge":
        return _wedge(sphere_fraction, head_radius_mm, axis)
    if kind == "cap":
        full = 4.0 / 3.0 * np.pi * head_radius_mm**3
        height = brentq(
            lambda h: _cap_volume(head_radius_mm, h) - sphere_fraction * full, 0.0, 2.0 * head_radius_mm, xtol=1e-12
        )
        return Cap(axis, head_radius_mm, float(height))
    if kind == "lens":
        return _lens(sphere_fraction, head_radius_mm, axis)
    if kind == "ball":
        return _ball(sphere_fraction, head_radius_mm, axis)
    if kind == "two_foci":
        first = _wedge(FIRST_FOCUS_SHARE * sphere_fraction, head_radius_mm, axis)
        away = np.asarray(SECOND_FOCUS) / np.linalg.norm(SECOND_FOCUS)
        second = _ball((1.0 - FIRST_FOCUS_SHARE) * sphere_fraction, head_radius_mm, away)
        if float(np.max(first.level_mm(_sphere_points(second)))) > -FOCI_GAP_MM:
            raise InputError(
                f"two foci of {sphere_fraction!r} of the sphere about {np.round(axis, 2).tolist()} meet;"
                " a smaller share or another direction is accepted",
                code="recipe-value",
            )
        return TwoFoci(first, second)
    raise InputError(f"lesion kind {kind!r}; one of {', '.join(KINDS)} is accepted", code="recipe-value")


def _wedge(fraction: float, radius: float, axis: FloatArray) -> Wedge:
    cosine = 1.0 - 2.0 * fraction / (1.0 - WEDGE_INNER**3)
    if cosine < 0.0:
        # Beyond 90 degrees the cone's side is no longer a wall that faces the centre.
        raise InputError(
            f"a wedge of {fraction!r} of the sphere is wider than a hemisphere; use a cap or a lens",
            code="recipe-value",
        )
    return Wedge(axis, float(np.arccos(cosine)), WEDGE_INNER * radius, radius)


def _lens(fraction: float, radius: float, axis: FloatArray) -> Lens:
    full = 4.0 / 3.0 * np.pi * radius**3 / 1000.0
    ball = LENS_RADIUS * radius
    distance = brentq(
        lambda d: Lens(axis, radius, ball, d).volume_ml - fraction * full, 1e-6 * radius, radius + ball, xtol=1e-12
    )
    return Lens(axis, radius, ball, float(distance))


def _ball(fraction: float, radius: float, axis: FloatArray) -> Ball:
    size = radius * float(np.cbrt(fraction))
    place = radius * (1.0 - BALL_GAP) - size
    if place < 0.0:
        raise InputError(
            f"a ball of {fraction!r} of the sphere does not fit {BALL_GAP} radii below its surface", code="recipe-value"
        )
    return Ball(place * axis, size)


def _cap_volume(radius: float, height: float) -> float:
    return float(np.pi * height**2 * (3.0 * radius - height) / 3.0)


def _cap_centroid(radius: float, height: float) -> float:
    """Distance of a cap's centroid from its sphere's centre."""
    return float(0.75 * (2.0 * radius - height) ** 2 / (3.0 * radius - height))


def _sphere_points(ball: Ball) -> FloatArray:
    """Points all over a ball's surface (Fibonacci lattice), (N, 3)."""
    n = 2000
    z = 1.0 - (2.0 * np.arange(n) + 1.0) / n
    angle = np.pi * (1.0 + np.sqrt(5.0)) * np.arange(n)
    flat = np.sqrt(1.0 - z**2)
    unit = np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)
    return np.asarray(ball.center_mm + ball.radius_mm * unit)
