"""The lesion seen from the head's centre: what every measure starts from.

Rays leave the head's centre evenly in all directions; each meets the bone surface once, and may
meet lesion just below it. Cut-outs of this one map (a cap, a turned cap) are the loaded surface,
the osteotomies and the area map that a view draws.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray, dots, turned
from corecore.base.spec import Spec
from corecore.hip.anatomy.zones import HEAD_PLANE_RADII
from corecore.hip.head_surface import POINTS_AT_ONCE, surface_along
from corecore.hip.hip import Hip
from corecore.hip.lesion import Lesion

#: Rays over the whole sphere. The loaded cap then holds 4,264 of them, and a share of it errs by under 0.5 %.
RAYS = 20_000
#: Step along a ray below the surface, mm.
RADIAL_STEP_MM = 0.25


@dataclass(frozen=True, eq=False)
class HeadMap:
    """Rays from the head's centre that leave the bone through the head.

    Parameters
    ----------
    directions : ndarray, shape (N, 3)
        Unit vectors, evenly spread, in the femoral frame.
    rays : ndarray, shape (N, 3)
        The same in the local frame.
    surface_mm : ndarray, shape (N,)
        Distance from the centre to the bone surface along each, mm.
    all_directions : ndarray, shape (20000, 3)
        Directions over the whole sphere, femoral.
    """

    directions: FloatArray
    rays: FloatArray
    surface_mm: FloatArray
    all_directions: FloatArray

    def rays_in_cap(self, pole: FloatArray, cosine: float) -> int:
        """Count the whole sphere's directions in a cap.

        Parameters
        ----------
        pole : ndarray, shape (3,)
            Middle of the cap, femoral frame, any length.
        cosine : float
            Cosine of the cap's half-angle.

        Returns
        -------
        int
            Number of directions.
        """
        return int(self.rays_in_caps(pole[None], cosine)[0])

    def rays_in_caps(self, poles: FloatArray, cosine: float) -> npt.NDArray[np.int64]:
        """Count the whole sphere's directions in several caps.

        Parameters
        ----------
        poles : ndarray, shape (N, 3)
            Middles of the caps, femoral frame, any length.
        cosine : float
            Cosine of the caps' half-angle.

        Returns
        -------
        ndarray of int, shape (N,)
            Number of directions in each.
        """
        units = poles / np.linalg.norm(poles, axis=1, keepdims=True)
        return np.asarray(np.count_nonzero(dots(self.all_directions, units) >= cosine, axis=0))


@dataclass(frozen=True, eq=False)
class Necrosis:
    """The lesion of a hip seen from the head's centre.

    Coordinates are femoral, mm from the head's centre, unless a name says otherwise.

    Parameters
    ----------
    hip : Hip
        The hip.
    lesion : Lesion
        Its necrosis, or one with the outline moved; local frame.
    spec : Spec
        Cap angle and subchondral depth are used.
    head : HeadMap
        Rays through the head.
    """

    hip: Hip
    lesion: Lesion
    spec: Spec
    head: HeadMap

    @cached_property
    def points(self) -> FloatArray:
        """Sample points of the lesion, shape (N, 3), femoral mm."""
        turn = self.hip.anatomy.femoral_from_local[:3, :3]
        return turned(turn, self.lesion.points_mm - self.hip.anatomy.head_center)

    @cached_property
    def distance_mm(self) -> FloatArray:
        """Distance of each sample point from the head's centre, shape (N,), mm."""
        return np.asarray(np.linalg.norm(self.points, axis=1), dtype=np.float64)

    @cached_property
    def depth_mm(self) -> FloatArray:
        """Depth of each sample point below the bone surface, shape (N,), mm; NaN within the stairs of the outline."""
        covered = self.lesion.covers(self.lesion.points_mm)
        return np.where(covered, self.hip.bone.distance(self.lesion.points_mm), np.nan)

    @cached_property
    def under_surface(self) -> BoolArray:
        """Which of the head's rays meet lesion within the subchondral depth of the bone surface, shape (rays,)."""
        return self.meets(self.hip.anatomy.head_center, self.head.rays, self.head.surface_mm)

    def meets(self, center: FloatArray, rays: FloatArray, surface_mm: FloatArray) -> BoolArray:
        """Which rays meet lesion within the subchondral depth of a surface.

        Parameters
        ----------
        center : ndarray, shape (3,)
            Where the rays start, local mm.
        rays : ndarray, shape (N, 3)
            Unit vectors, local.
        surface_mm : ndarray, shape (N,)
            Distance to the surface along each, mm.

        Returns
        -------
        ndarray of bool, shape (N,)
            True where there is lesion.
        """
        met = np.zeros(len(rays), dtype=bool)
        depths = np.arange(RADIAL_STEP_MM / 2, self.spec.subchondral_depth_mm, RADIAL_STEP_MM)
        left, taken = np.arange(len(rays)), 0
        # Of few rays several depths at once.
        while taken < len(depths) and len(left):
            block = depths[taken : taken + max(1, POINTS_AT_ONCE // len(left))]
            points = center + (surface_mm[left] - block[:, None])[..., None] * rays[left]
            met[left] = self.lesion.covers(points.reshape(-1, 3)).reshape(len(block), len(left)).any(axis=0)
            left = left[~met[left]]
            taken += len(block)
        return met

    def of(self, lesion: Lesion) -> Necrosis:
        """Take the same head with another lesion.

        Parameters
        ----------
        lesion : Lesion
            The other lesion, local frame.

        Returns
        -------
        Necrosis
            The same hip and rays.
        """
        return replace(self, lesion=lesion)

    def to_local(self, direction: FloatArray) -> FloatArray:
        """Turn femoral directions into the local frame.

        Parameters
        ----------
        direction : ndarray, shape (3,) or (N, 3)
            Directions in the femoral frame.

        Returns
        -------
        ndarray, same shape
            Directions in the local frame.
        """
        return turned(self.hip.anatomy.femoral_from_local[:3, :3].T, direction)


def necrosis_of(hip: Hip, spec: Spec) -> Necrosis:
    """The lesion of a hip before the head's rays."""
    return Necrosis(hip, hip.lesion, spec, head_map(hip))


def head_map(hip: Hip) -> HeadMap:
    """Rays through the head: those that leave the bone proximal of the head's plane, 0.5 R from its centre."""
    anatomy = hip.anatomy
    everywhere = spread_directions(np.array([0.0, 0.0, 1.0]), 180.0, RAYS)
    directions = everywhere
    rays = turned(anatomy.femoral_from_local[:3, :3].T, directions)
    # Nearer than 0.8 R no head has its surface, so a ray this far down the neck leaves below the plane.
    chance = rays @ anatomy.neck_axis >= -HEAD_PLANE_RADII / 0.8
    directions, rays = directions[chance], rays[chance]
    surface = surface_along(hip.bone, anatomy.head_center, rays, anatomy.head_radius_mm)
    on_head = surface * (rays @ anatomy.neck_axis) >= -HEAD_PLANE_RADII * anatomy.head_radius_mm
    return HeadMap(directions[on_head], rays[on_head], surface[on_head], everywhere)


def spread_directions(axis: FloatArray, half_angle_deg: float, count: int) -> FloatArray:
    """Unit vectors (count, 3) spread evenly over a cap about ``axis``, by the golden-angle spiral."""
    height = 1.0 - (np.arange(count) + 0.5) / count * (1.0 - np.cos(np.radians(half_angle_deg)))
    turn = np.arange(count) * np.pi * (3.0 - np.sqrt(5.0))
    side = np.sqrt(np.maximum(0.0, 1.0 - height**2))
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    return np.asarray(
        height[:, None] * axis + side[:, None] * (np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second)
    )
