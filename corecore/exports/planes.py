"""Slices along a tunnel and radiographs of a plan, as arrays with their geometry in world RAS mm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyvista as pv

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.hip.hip import Hip
from corecore.report.c_arm import CArm, anteroposterior, c_arm, frog_leg, in_profile, middle_of
from corecore.report.fluoroscopy import neck_gap, sums
from corecore.report.scene import Scene
from corecore.report.slices import PIXEL_MM, Plane, planes
from corecore.report.tissue import Tissue
from corecore.tunnels.cylinder import Tunnel

RadiographView = Literal["ap", "lateral", "frog-leg", "profile"]
SliceView = Literal["upright", "level"]
#: Labels of a slice's pixels.
BONE, LESION, TUNNEL = 1, 2, 3
#: Label of a pixel beyond the arrays.
_OUTSIDE_MM = -1000.0


@dataclass(frozen=True, eq=False)
class TunnelSlice:
    """A plane through a tunnel's axis, world RAS mm.

    Attributes
    ----------
    array : ndarray of float32, shape (rows, columns)
        Values of the image (CT in HU, or MR), trilinear, NaN beyond it; without an image ``labels``.
    labels : ndarray of uint8, shape (rows, columns)
        0 outside, 1 bone, 2 necrosis, 3 within the tunnel or its cavity.
    ground : {"image", "labels"}
        What ``array`` holds.
    origin : ndarray, shape (3,)
        Centre of pixel (0, 0), the upper left one, mm.
    down, right : ndarray, shape (3,)
        Unit vectors from one row to the next, and from one column to the next.
    spacing_mm : float
        From one pixel's centre to the next, mm.
    """

    array: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]
    ground: Literal["image", "labels"]
    origin: FloatArray
    down: FloatArray
    right: FloatArray
    spacing_mm: float

    @property
    def affine(self) -> FloatArray:
        """From (row, column, 0, 1) to RAS mm, shape (4, 4); its third column is the plane's unit normal."""
        matrix = np.eye(4)
        step = self.spacing_mm
        matrix[:3] = np.stack([step * self.down, step * self.right, np.cross(self.down, self.right), self.origin], 1)
        return matrix

    def to_pyvista(self) -> pv.ImageData:
        """The slice where it lies in the patient, with ``array`` and ``labels`` as point data."""
        rows, columns = self.array.shape
        turn = self.affine[:3, :3] / np.array([self.spacing_mm, self.spacing_mm, 1.0])
        image = pv.ImageData(
            dimensions=(rows, columns, 1), spacing=(self.spacing_mm, self.spacing_mm, 1.0), origin=tuple(self.origin),
            direction_matrix=turn,
        )  # fmt: skip
        image.point_data["labels"] = self.labels.ravel(order="F")
        image.point_data["array"] = self.array.ravel(order="F")
        image.field_data["units"], image.field_data["coordinate_system"] = np.array(["mm"]), np.array(["RAS"])
        return image


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A digitally reconstructed radiograph, world RAS mm.

    Attributes
    ----------
    array : ndarray, shape (512, 512)
        Line integrals of density above soft tissue, HU mm: of the CT, or of the mask with nominal HU.
    ground : {"image", "mask"}
        What the rays went through.
    arm : CArm
        ``source`` and ``detector`` (3,), ``right``, ``up`` and ``beam`` unit vectors, ``pixel_mm``, and
        ``project(points)``, which gives column and row of points (N, 3). Row 0 is on top; seen from the detector, the
        patient's right lies on the picture's left in the AP view.
    """

    array: FloatArray
    ground: Literal["image", "mask"]
    arm: CArm


@dataclass(frozen=True, eq=False)
class _WorldFrame:
    """A hip's own axes in world RAS mm."""

    head_center: FloatArray
    head_radius_mm: float
    proximal: FloatArray
    anterior: FloatArray
    patient_right: FloatArray

    @classmethod
    def of(cls, hip: Hip) -> _WorldFrame:
        anatomy = hip.anatomy
        lateral = hip.direction_to_world(anatomy.x_axis)
        return cls(
            hip.to_world(anatomy.head_center), anatomy.head_radius_mm, hip.direction_to_world(anatomy.shaft_axis),
            hip.direction_to_world(anatomy.y_axis), lateral if hip.side == "right" else -lateral,
        )  # fmt: skip


def slice_along(hip: Hip, tunnel: Tunnel, view: SliceView = "upright", *, pixel_mm: float = PIXEL_MM) -> TunnelSlice:
    """Cut the image, or the masks, along a tunnel.

    Parameters
    ----------
    hip : Hip
        The hip.
    tunnel : Tunnel
        A tunnel in the hip's local frame.
    view : {"upright", "level"}, default "upright"
        The plane through the axis that stands along the shaft, seen from the front; or the one across it, seen from
        below.
    pixel_mm : float, default 0.4
        Edge of a pixel, mm.

    Returns
    -------
    TunnelSlice
        It holds the head and the entry.

    Raises
    ------
    InputError
        For an unknown view, and for pixels that are not 0.05 to 10 mm.
    """
    if view not in ("upright", "level"):
        raise InputError(f"view {view!r}; upright and level are accepted", code="option-value")
    if not 0.05 <= pixel_mm <= 10.0:
        raise InputError(f"pixel_mm {pixel_mm!r}; 0.05 to 10 mm is accepted", code="option-value")
    path = Tunnel(hip.to_world(tunnel.entry), hip.to_world(tunnel.tip), tunnel.diameter_mm)
    drawn = planes(_WorldFrame.of(hip), path)
    plane = replace(drawn[0 if view == "upright" else 1][0], pixel_mm=pixel_mm)
    tissue = Tissue.of(hip)
    labels = _labels(hip, tunnel, plane, tissue)
    values = labels.astype(np.float32) if tissue.image is None else plane.cut(tissue.image, np.nan)
    return TunnelSlice(
        values, labels, "labels" if tissue.image is None else "image", plane.corner, -plane.up, plane.right, pixel_mm
    )


def _labels(hip: Hip, tunnel: Tunnel, plane: Plane, tissue: Tissue) -> npt.NDArray[np.uint8]:
    labels = np.where(plane.cut(tissue.depth, _OUTSIDE_MM) > 0.0, np.uint8(BONE), np.uint8(0))
    labels[plane.cut(tissue.lesion, 0.0) >= 0.5] = LESION
    points = hip.to_local(plane.points().reshape(-1, 3))
    labels[tunnel.contains(points).reshape(labels.shape)] = TUNNEL
    return labels


def drr(hip: Hip, scene: Scene, view: RadiographView = "ap") -> Radiograph:
    """Compute a digitally reconstructed radiograph of a plan: through its CT, else through the mask with nominal HU.

    Parameters
    ----------
    hip : Hip
        The plan's hip.
    scene : Scene
        The plan's scene (``corecore.exports.blocks.scene_of``).
    view : {"ap", "lateral", "frog-leg", "profile"}, default "ap"
        From behind with the detector in front; from the medial side, the femur alone; hip flexed 30° and externally
        rotated 60°; or across the smallest clearance in the neck, which is a tangential view of it.

    Returns
    -------
    Radiograph
        The line integrals and the C-arm.

    Raises
    ------
    InputError
        For an unknown view, and for ``profile`` where no tunnel passes the neck.
    """
    tissue = Tissue.of(hip)
    arm = _arm(scene, tissue, view)
    return Radiograph(sums(tissue, arm), "image" if tissue.why_painted is None else "mask", arm)


def _arm(scene: Scene, tissue: Tissue, view: RadiographView) -> CArm:
    if view == "ap":
        return anteroposterior(scene)
    if view == "lateral":
        return c_arm("Lateral", middle_of(scene), scene.lateral, scene.proximal, femur_alone=True)
    if view == "frog-leg":
        return frog_leg(scene)
    if view != "profile":
        raise InputError(f"view {view!r}; ap, lateral, frog-leg and profile are accepted", code="option-value")
    gaps = [(gap, tunnel) for tunnel in scene.tunnels if (gap := neck_gap(scene, tissue, tunnel)) is not None]
    if not gaps:
        raise InputError("no tunnel passes the neck; ap, lateral and frog-leg are accepted", code="option-value")
    gap, tunnel = min(gaps, key=lambda pair: pair[0].clearance_mm)
    return in_profile(scene, tunnel.direction, gap.direction)
