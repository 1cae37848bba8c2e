"""What is known of a femur's anatomy: the result of the fits, or of landmarks given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.hip.anatomy.zones import HEAD_PLANE_RADII, NECK_END_RADII, QUARTER_HALF_DEG

#: Where a landmark comes from: fitted to the bone, given by the user, or assumed by rule.
Source = Literal["fitted", "given", "assumed"]


@dataclass(frozen=True)
class PlanWarning:
    """Something that a reader of a plan must know.

    Parameters
    ----------
    code : str
        Stable code; ``corecore messages CODE`` says what it means.
    text : str
        One sentence.
    """

    code: str
    text: str

    @classmethod
    def told(cls, code: str, text: str) -> PlanWarning:
        """A warning as a plan that was written tells it."""
        return cls(code, text)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks given by the user; ``None`` where nothing was given.

    The frame is world RAS mm in a file and in a ``Case``, and the local frame inside the fits.

    Parameters
    ----------
    head_center : ndarray, shape (3,), optional
        Centre of the femoral head, mm.
    head_radius_mm : float, optional
        Its radius, mm.
    neck_center : ndarray, shape (3,), optional
        Centroid of the neck's smallest section, mm.
    shaft_point : ndarray, shape (3,), optional
        A point on the shaft's axis, mm.
    shaft_axis : ndarray, shape (3,), optional
        Unit vector along the shaft, proximal.
    x_axis : ndarray, shape (3,), optional
        Lateral unit vector; on left hips lateral too.
    lesser_trochanter_tip, greater_trochanter_tip : ndarray, shape (3,), optional
        Tips of the trochanters, mm.
    anteversion_deg : float, optional
        Turn of the neck in front of the posterior condylar line, degrees; where it stands, it says where lateral is.
    acetabular_edge : ndarray, shape (3,), optional
        Superolateral edge of the acetabulum, mm.
    teardrop : ndarray, shape (3,), optional
        Lowest point of the pelvic teardrop, mm.
    vastus_ridge : ndarray, shape (3,), optional
        Most lateral point of the vastus ridge, mm.
    """

    head_center: FloatArray | None = None
    head_radius_mm: float | None = None
    neck_center: FloatArray | None = None
    shaft_point: FloatArray | None = None
    shaft_axis: FloatArray | None = None
    x_axis: FloatArray | None = None
    lesser_trochanter_tip: FloatArray | None = None
    greater_trochanter_tip: FloatArray | None = None
    anteversion_deg: float | None = None
    acetabular_edge: FloatArray | None = None
    teardrop: FloatArray | None = None
    vastus_ridge: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Landmarks and axes of one femur, in the local frame of its hip (mm, a right hip).

    The *femoral* frame has its origin at ``head_center`` and the axes ``x_axis`` (lateral), ``y_axis`` (anterior) and
    ``shaft_axis`` (z, proximal). How each is found, and how well: ``docs/design/anatomy.md``.

    Parameters
    ----------
    side : {"left", "right"}
        Side of the hip; the geometry is that of a right one.
    head_center : ndarray, shape (3,)
        Centre of the best-fit sphere of the articular surface, local mm.
    head_radius_mm : float
        Its radius R, mm.
    neck_center : ndarray, shape (3,)
        Centroid of the neck's smallest section, local mm.
    neck_axis : ndarray, shape (3,)
        Unit vector from there to the head's centre, local.
    neck_min_area_mm2 : float
        Area of that section, mm².
    shaft_point : ndarray, shape (3,)
        A point on the shaft's axis, local mm.
    shaft_axis : ndarray, shape (3,)
        Unit vector along the shaft, proximal, local.
    x_axis : ndarray, shape (3,)
        Lateral unit vector, perpendicular to the shaft, local.
    lesser_trochanter_tip : ndarray, shape (3,), or None
        Tip, local mm; ``None`` where the scan does not show it.
    lesser_trochanter_height_mm : float
        Height of that tip along z from the head's centre, mm, negative; also where it is assumed.
    greater_trochanter_tip : ndarray, shape (3,), or None
        Tip, local mm.
    midline_heights_mm, midline_y_mm : ndarray, shape (N,)
        The mid-lateral line, femoral mm: at heights along z, the mid-point in y of the section lateral of the shaft's
        axis.
    sources : dict of str to str
        Per landmark: ``fitted``, ``given`` or ``assumed``.
    wall_width_mm, wall_lateral_mm : ndarray, shape (N,), optional
        At those heights, mm: AP width of the bone lateral of the shaft's axis, and how far lateral of the head's centre
        it reaches.
    vastus_ridge : ndarray, shape (3,), optional
        Most lateral point of the bone at the vastus ridge, where the shaft's flare ends at the greater trochanter,
        local mm; ``None`` where it does not stand out or is not in view.
    shaft_range_deg : float, default 0
        The whole shaft's axis lies within this of ``shaft_axis`` in 19 femora of 20, degrees; 0 where all of the span
        that defines it is in view, and where it is given.
    warnings : tuple of PlanWarning
        What a reader must know of the fits.

    References
    ----------
    Neck-shaft angle and anteversion assumed where no shaft or condyles are in view: PMC4775021 (1,070 femora).

    Examples
    --------
    >>> import numpy as np
    >>> x, y, z = np.eye(3)
    >>> neck = (z - x) / np.sqrt(2.0)
    >>> bone = Anatomy("right", np.zeros(3), 24.0, -30.0 * neck, neck, 700.0, 40.0 * x, z, x, None, -48.0, None,
    ...                np.array([-60.0, -30.0]), np.array([0.0, 3.0]), {})
    >>> round(bone.neck_shaft_angle_deg), bone.midline_y(-45.0).tolist()
    (135, 1.5)
    >>> bone.in_head([[0.0, 0.0, 10.0], [20.0, 0.0, -20.0]]).tolist()
    [True, False]
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
    wall_width_mm: FloatArray | None = None
    wall_lateral_mm: FloatArray | None = None
    vastus_ridge: FloatArray | None = None
    shaft_range_deg: float = 0.0
    warnings: tuple[PlanWarning, ...] = field(default=())

    @property
    def y_axis(self) -> FloatArray:
        """Anterior unit vector of the femoral frame, shape (3,), local."""
        return np.asarray(np.cross(self.shaft_axis, self.x_axis), dtype=np.float64)

    @property
    def femoral_from_local(self) -> FloatArray:
        """Matrix from local mm to the femoral frame, shape (4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.stack([self.x_axis, self.y_axis, self.shaft_axis])
        matrix[:3, 3] = -matrix[:3, :3] @ self.head_center
        return matrix

    def turned_about_shaft(self, degrees: float) -> Anatomy:
        """The same bone with its lateral axis turned about the shaft's.

        Parameters
        ----------
        degrees : float
            Turn forward, degrees: so much more anteversion.

        Returns
        -------
        Anatomy
            All else as it is.
        """
        turn = np.radians(degrees)
        x_axis = np.cos(turn) * self.x_axis + np.sin(turn) * self.y_axis
        return replace(self, x_axis=np.asarray(x_axis, dtype=np.float64))

    def tilted(self, lateral_deg: float, forward_deg: float, *, with_neck: bool = True) -> Anatomy:
        """The same bone with its shaft's axis tilted about the point it stands on.

        Parameters
        ----------
        lateral_deg, forward_deg : float
            How far the axis's proximal end leans laterally and forward, degrees.
        with_neck : bool, default True
            Whether lateral keeps its turn from the neck, seen along the axis, or else its direction in space.

        Returns
        -------
        Anatomy
            All else as it is; the lesser trochanter's level where its tip is known is that tip's.
        """
        size = np.radians(np.hypot(lateral_deg, forward_deg))
        if size == 0.0:
            return self
        way = lateral_deg * self.x_axis + forward_deg * self.y_axis
        axis = np.cos(size) * self.shaft_axis + np.sin(size) * way / np.linalg.norm(way)
        x_axis = self.x_axis - (self.x_axis @ axis) * axis
        x_axis = x_axis / np.linalg.norm(x_axis)
        tip = self.lesser_trochanter_tip
        level = self.lesser_trochanter_height_mm if tip is None else float((tip - self.head_center) @ axis)
        result = replace(self, shaft_axis=axis, x_axis=x_axis, lesser_trochanter_height_mm=level)
        return result.turned_about_shaft(self.anteversion_deg - result.anteversion_deg) if with_neck else result

    @property
    def anteversion_deg(self) -> float:
        """Turn of the neck in front of lateral, seen along the shaft, degrees."""
        away = -self.neck_axis
        return float(np.degrees(np.arctan2(-(away @ self.y_axis), away @ self.x_axis)))

    @property
    def neck_shaft_angle_deg(self) -> float:
        """Angle between the neck's axis and the distal shaft, degrees."""
        return float(np.degrees(np.arccos(np.clip(np.dot(self.neck_axis, -self.shaft_axis), -1.0, 1.0))))

    def midline_y(self, heights_mm: npt.ArrayLike) -> FloatArray:
        """AP position of the mid-lateral line.

        Parameters
        ----------
        heights_mm : array_like
            Heights along z from the head's centre, mm.

        Returns
        -------
        ndarray, same shape
            Position along y, femoral mm; beyond the table that of its end.
        """
        return np.interp(np.asarray(heights_mm, dtype=np.float64), self.midline_heights_mm, self.midline_y_mm)

    def wall_width(self, heights_mm: npt.ArrayLike) -> FloatArray:
        """AP width of the bone lateral of the shaft's axis.

        Parameters
        ----------
        heights_mm : array_like
            Heights along z from the head's centre, mm.

        Returns
        -------
        ndarray, same shape
            Width, mm; beyond the table that of its end, NaN where there is no table.
        """
        heights = np.asarray(heights_mm, dtype=np.float64)
        if self.wall_width_mm is None:
            return np.full(heights.shape, np.nan)
        return np.interp(heights, self.midline_heights_mm, self.wall_width_mm)

    @property
    def vastus_ridge_height_mm(self) -> float | None:
        """Height of the vastus ridge along z from the head's centre, mm; ``None`` where it is not found."""
        if self.vastus_ridge is None:
            return None
        return float((self.vastus_ridge - self.head_center) @ self.shaft_axis)

    def midline_known(self, height_mm: float) -> bool:
        """Whether the mid-lateral line is in view at a height.

        Parameters
        ----------
        height_mm : float
            Height along z from the head's centre, mm.

        Returns
        -------
        bool
            True within the table, give or take 0.5 mm.
        """
        return bool(self.midline_heights_mm[0] - 0.5 <= height_mm <= self.midline_heights_mm[-1] + 0.5)

    def in_head(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether points lie in the head: in its sphere, proximal of the plane 0.5 R from the centre across the neck.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3)
            Local positions, mm.

        Returns
        -------
        ndarray of bool, shape (N,)
            True in the head.
        """
        offset = np.asarray(points_mm, dtype=np.float64) - self.head_center
        near = np.einsum("ij,ij->i", offset, offset) <= self.head_radius_mm**2
        return np.asarray(near & self.proximal_of_head_plane(points_mm))

    def proximal_of_head_plane(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether points lie proximal of the head's plane, where walls are held to the joint's margin.

        The plane alone decides: a wall that leaves the head sideways has left it through the joint.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3)
            Local positions, mm.

        Returns
        -------
        ndarray of bool, shape (N,)
            True on the head's side of the plane 0.5 R from its centre across the neck.
        """
        return np.asarray(self.above_head_plane(points_mm) >= 0.0)

    def above_head_plane(self, points_mm: npt.ArrayLike) -> FloatArray:
        """Height of points above the plane that ends the head.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3)
            Local positions, mm.

        Returns
        -------
        ndarray, shape (N,)
            Height, mm, positive on the head's side.
        """
        offset = np.asarray(points_mm, dtype=np.float64) - self.head_center
        return np.asarray(offset @ self.neck_axis + HEAD_PLANE_RADII * self.head_radius_mm)

    @property
    def posterosuperior(self) -> FloatArray:
        """Unit vector across the neck's axis, half-way between superior and posterior, shape (3,), local."""
        up = self.shaft_axis - np.dot(self.shaft_axis, self.neck_axis) * self.neck_axis
        up = up / np.linalg.norm(up)
        back = -self.y_axis - np.dot(-self.y_axis, self.neck_axis) * self.neck_axis
        back = back - np.dot(back, up) * up
        both = up + back / np.linalg.norm(back)
        return np.asarray(both / np.linalg.norm(both), dtype=np.float64)

    def in_posterosuperior_quarter(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether points lie in the neck's postero-superior quarter, 0.5 to 2 R from the head's centre.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3)
            Local positions, mm.

        Returns
        -------
        ndarray of bool, shape (N,)
            True in the quarter.
        """
        offset = np.asarray(points_mm, dtype=np.float64) - self.head_center
        along = -(offset @ self.neck_axis)
        across = offset + along[:, None] * self.neck_axis
        size = np.linalg.norm(across, axis=1)
        inside = across @ self.posterosuperior >= np.cos(np.radians(QUARTER_HALF_DEG)) * size
        radius = self.head_radius_mm
        return np.asarray(inside & (along >= HEAD_PLANE_RADII * radius) & (along <= NECK_END_RADII * radius))
