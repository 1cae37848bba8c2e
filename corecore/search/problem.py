"""The one-tunnel problem as plain arrays, for the compiled kernels.

A line is four numbers: offsets (p, q) in the plane across the neck axis through the centroid
of the neck's smallest section, and slopes (a, b) against the neck axis. Every tunnel from the
lateral femur to the head passes that plane, and inside the bone there, so the offsets that
matter are few.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corecore.grid import FloatArray
from corecore.hip import Hip
from corecore.spec import Spec
from corecore.tunnel import level_raise_mm

#: Bricks of lesion points have this edge, mm: whole bricks in or out of a tunnel cost one test.
BRICK_MM = 2.0
#: Resolution of the mid-line table handed to the kernels, mm.
MIDLINE_STEP_MM = 0.5
#: About so many points show where a line meets the lesion.
FEW_POINTS = 2000


class Problem(NamedTuple):
    """Arrays and numbers the kernels read; lengths mm in the local frame, angles as cosines."""

    distance: npt.NDArray[np.float32]
    mouth_field: npt.NDArray[np.float32]
    spacing: FloatArray
    head_center: FloatArray
    head_radius: float
    neck_center: FloatArray
    #: Rows: neck axis, first offset axis (superior), second offset axis.
    neck_frame: FloatArray
    posterosuperior: FloatArray
    #: Rows: x lateral, y anterior, z proximal.
    femoral_frame: FloatArray
    midline_start: float
    midline_y: FloatArray
    trochanter_height: float
    cut_points: FloatArray
    radius: float
    cortical_margin: float
    posterosuperior_margin: float
    joint_margin: float
    #: How far the regions of larger margin are widened, mm: coarse rings then miss no edge of them.
    fuzz: float
    incidence_min_sine: float
    shaft_angle_min: float
    shaft_angle_max: float
    length_max: float
    entry_normal_min_cosine: float
    entry_ap_max: float
    entry_distal: float
    entry_proximal: float
    #: Lesion sample points (3, N) from the head's centre, sorted by brick. Single precision is
    #: 1e-6 mm there, and twice as many fit a vector register.
    points: npt.NDArray[np.float32]
    brick_start: npt.NDArray[np.int64]
    brick_center: FloatArray
    brick_radius: FloatArray
    #: A few thousand of the points, (3, M) from the head's centre, to see where a line meets the lesion.
    few_points: npt.NDArray[np.float32]


def build_problem(hip: Hip, spec: Spec, *, slack_mm: float = 0.0, fuzz_mm: float = 0.0) -> Problem:
    """The problem of one hip.

    ``slack_mm`` is added to every margin and ``fuzz_mm`` widens the regions of larger margin,
    both on the safe side, for searches whose rings are coarse.
    """
    anatomy = hip.anatomy
    up = anatomy.shaft_axis - np.dot(anatomy.shaft_axis, anatomy.neck_axis) * anatomy.neck_axis
    up /= np.linalg.norm(up)
    heights = np.arange(anatomy.midline_heights_mm[0], anatomy.midline_heights_mm[-1] + 1e-9, MIDLINE_STEP_MM)
    points, start, center, radius = _bricks(hip.lesion.points_mm)
    return Problem(
        distance=hip.bone.distance_mm,
        mouth_field=hip.bone.mouth_field,
        spacing=hip.bone.spacing_mm,
        head_center=anatomy.head_center,
        head_radius=anatomy.head_radius_mm,
        neck_center=anatomy.neck_center,
        neck_frame=np.stack([anatomy.neck_axis, up, np.cross(anatomy.neck_axis, up)]),
        posterosuperior=anatomy.posterosuperior,
        femoral_frame=np.stack([anatomy.x_axis, anatomy.y_axis, anatomy.shaft_axis]),
        midline_start=float(heights[0]),
        midline_y=anatomy.midline_y(heights),
        trochanter_height=anatomy.lesser_trochanter_height_mm,
        cut_points=np.ascontiguousarray(hip.bone.cut_points_mm),
        radius=spec.radius_mm,
        cortical_margin=spec.cortical_margin_mm + slack_mm,
        posterosuperior_margin=max(spec.posterosuperior_margin_mm, spec.cortical_margin_mm) + slack_mm,
        joint_margin=spec.joint_margin_mm + slack_mm,
        fuzz=fuzz_mm,
        incidence_min_sine=float(np.sin(np.radians(spec.incidence_min_deg))),
        shaft_angle_min=float(np.radians(spec.shaft_angle_min_deg)),
        shaft_angle_max=float(np.radians(spec.shaft_angle_max_deg)),
        length_max=spec.length_max_mm,
        entry_normal_min_cosine=float(np.cos(np.radians(spec.entry_normal_max_deg))),
        entry_ap_max=spec.entry_ap_max_mm,
        entry_distal=spec.entry_distal_mm + level_raise_mm(anatomy),
        entry_proximal=spec.entry_proximal_mm,
        points=np.ascontiguousarray((points - anatomy.head_center).T.astype(np.float32)),
        brick_start=start,
        brick_center=center,
        brick_radius=radius,
        few_points=np.ascontiguousarray(
            (points - anatomy.head_center)[:: max(1, len(points) // FEW_POINTS)].T.astype(np.float32)
        ),
    )


def _bricks(points: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray, FloatArray]:
    """Points sorted by brick, the first point of each brick (and the end), brick centres and radii."""
    cell = np.floor((points - points.min(axis=0)) / BRICK_MM).astype(np.int64)
    size = cell.max(axis=0) + 1
    key = (cell[:, 0] * size[1] + cell[:, 1]) * size[2] + cell[:, 2]
    order = np.argsort(key, kind="stable")
    ordered = np.ascontiguousarray(points[order])
    _, first, counts = np.unique(key[order], return_index=True, return_counts=True)
    center = np.add.reduceat(ordered, first, axis=0) / counts[:, None]
    gap = np.linalg.norm(ordered - np.repeat(center, counts, axis=0), axis=1)
    radius = np.maximum.reduceat(gap, first)
    return ordered, np.append(first, len(ordered)).astype(np.int64), center, radius
