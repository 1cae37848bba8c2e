"""A hip as Python users have it: landmarks and masks in world RAS mm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from corecore.app.facade import Drawn, Frame, fixed, frame
from corecore.base.grid import FloatArray, Mask
from corecore.document.content import content_of
from corecore.hip import hip as inner
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.anatomy.side import Side
from corecore.hip.lesion_transform import Move
from corecore.measures.document import case_part
from corecore.planning.document import anatomy_part
from corecore.study.batch.columns import flattened
from corecore.tunnels import cylinder

if TYPE_CHECKING:
    import pyvista as pv

    from corecore.app.plan import Tunnel
    from corecore.exports.planes import TunnelSlice


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Landmarks and axes of a femur, world RAS mm; axes are unit vectors.

    Parameters
    ----------
    head_center : ndarray, shape (3,)
        Centre of the femoral head's best-fit sphere, RAS mm.
    head_radius_mm : float
        Its radius, mm.
    neck_center : ndarray, shape (3,)
        Centroid of the neck's smallest section, RAS mm.
    neck_axis : ndarray, shape (3,)
        From there to the head's centre.
    neck_shaft_angle_deg : float
        Angle between neck and distal shaft, degrees.
    neck_min_area_mm2 : float
        Area of the neck's smallest section, mm².
    shaft_point : ndarray, shape (3,)
        A point on the shaft's axis, RAS mm.
    shaft_axis : ndarray, shape (3,)
        Along the shaft, proximal.
    lateral, anterior : ndarray, shape (3,)
        Perpendicular to the shaft: away from the body's middle on either side, and to the front.
    lesser_trochanter_tip, greater_trochanter_tip : ndarray, shape (3,), or None
        Tips of the trochanters, RAS mm; ``None`` where the scan does not show one.
    vastus_ridge : ndarray, shape (3,), or None
        Most lateral point at the vastus ridge, RAS mm; ``None`` where it does not stand out or is not in view.
    sources : dict of str to str
        Per landmark: ``fitted``, ``given`` or ``assumed``.
    """

    head_center: FloatArray
    head_radius_mm: float
    neck_center: FloatArray
    neck_axis: FloatArray
    neck_shaft_angle_deg: float
    neck_min_area_mm2: float
    shaft_point: FloatArray
    shaft_axis: FloatArray
    lateral: FloatArray
    anterior: FloatArray
    lesser_trochanter_tip: FloatArray | None
    greater_trochanter_tip: FloatArray | None
    vastus_ridge: FloatArray | None
    sources: dict[str, str]


class Hip(Drawn[inner.Hip]):
    """One hip, ready to be measured and planned; every position is world RAS mm.

    ``load`` makes it. It does not change, and can be pickled.
    """

    @property
    def id(self) -> str:
        """Name of the case, or a hash of its voxels."""
        return self._inner.case.id

    @property
    def side(self) -> Side:
        """``left`` or ``right``."""
        return self._inner.side

    @property
    def femur(self) -> Mask:
        """The femur's voxels as cleaned, cropped; of a label map with the necrosis in them."""
        return self._inner.case.femur

    @property
    def lesion(self) -> Mask:
        """The necrosis's voxels as cleaned, cropped."""
        return self._inner.case.lesion

    @property
    def necrosis_ml(self) -> float:
        """Volume of the necrosis, ml."""
        return self._inner.lesion.volume_ml

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """What a reader must know of inputs and anatomy."""
        return self._inner.warnings

    @property
    def move(self) -> Move | None:
        """How the necrosis came into the femur's world, where it was drawn on another scan."""
        return self._inner.case.move

    @cached_property
    def anatomy(self) -> Anatomy:
        """Landmarks and axes of the femur."""
        hip, found = self._inner, self._inner.anatomy

        def place(point: FloatArray) -> FloatArray:
            return fixed(hip.to_world(point))

        def axis(direction: FloatArray) -> FloatArray:
            return fixed(hip.direction_to_world(direction))

        lesser, greater = found.lesser_trochanter_tip, found.greater_trochanter_tip
        return Anatomy(
            head_center=place(found.head_center),
            head_radius_mm=float(found.head_radius_mm),
            neck_center=place(found.neck_center),
            neck_axis=axis(found.neck_axis),
            neck_shaft_angle_deg=float(found.neck_shaft_angle_deg),
            neck_min_area_mm2=float(found.neck_min_area_mm2),
            shaft_point=place(found.shaft_point),
            shaft_axis=axis(found.shaft_axis),
            lateral=axis(found.x_axis),
            anterior=axis(found.y_axis),
            lesser_trochanter_tip=None if lesser is None else place(lesser),
            greater_trochanter_tip=None if greater is None else place(greater),
            vastus_ridge=None if found.vastus_ridge is None else place(found.vastus_ridge),
            sources=dict(found.sources),
        )

    def depth_mm(self, points: FloatArray) -> FloatArray:
        """Distance from points to the bone's surface, positive inside.

        Parameters
        ----------
        points : ndarray, shape (N, 3)
            World RAS mm.

        Returns
        -------
        ndarray, shape (N,)
            Depth, mm; negative outside the bone. Exact near the surface, at least that far elsewhere.
        """
        return self._inner.bone.distance(self._inner.to_local(np.asarray(points, dtype=np.float64)))

    def to_dict(self) -> dict[str, Any]:
        """Case and anatomy as ``plan.json`` has them.

        Returns
        -------
        dict
            ``case`` and ``anatomy``, plain values; positions in RAS mm.
        """
        return {"case": content_of(case_part(self._inner)), "anatomy": content_of(anatomy_part(self._inner))}

    def to_frame(self) -> Frame:
        """The anatomy as a table of one row.

        Returns
        -------
        dict of str to list
            Columns as in a batch's table (``anatomy.head_radius_mm``), which ``pandas.DataFrame`` and
            ``polars.DataFrame`` take.
        """
        return frame([{"id": self.id, "side": self.side, **dict(flattened(anatomy_part(self._inner), "anatomy"))}])

    def to_pyvista(self) -> pv.MultiBlock:
        """Femur, lesion, head, axes and landmarks as named meshes.

        Returns
        -------
        pyvista.MultiBlock
            Blocks by name, RAS mm, with colours, units and figures in their field data: ``docs/pyvista.md``.
        """
        from corecore.exports.blocks import hip_blocks

        return hip_blocks(self._inner)

    def slice_along(
        self, tunnel: Tunnel, view: Literal["upright", "level"] = "upright", *, pixel_mm: float = 0.4
    ) -> TunnelSlice:
        """Cut the image, or the masks, along a tunnel.

        Parameters
        ----------
        tunnel : Tunnel
            A tunnel of a plan of this hip.
        view : {"upright", "level"}, default "upright"
            The plane through the axis that stands along the shaft, seen from the front; or the one across it.
        pixel_mm : float, default 0.4
            Edge of a pixel, mm.

        Returns
        -------
        TunnelSlice
            ``array`` and ``labels`` (rows, columns), and ``affine`` (4, 4) to RAS mm.

        Raises
        ------
        InputError
            For an unknown view, and for pixels that are not 0.05 to 10 mm.
        """
        from corecore.exports.planes import slice_along

        hip = self._inner
        own = cylinder.Tunnel(
            hip.to_local(tunnel.entry), hip.to_local(tunnel.tip), tunnel.diameter_mm, tunnel.cavity_diameter_mm,
            tunnel.cavity_length_mm,
        )  # fmt: skip
        return slice_along(hip, own, view, pixel_mm=pixel_mm)

    def __repr__(self) -> str:
        return repr(self._inner)

    def _repr_html_(self) -> str:
        return self._inner._repr_html_()
