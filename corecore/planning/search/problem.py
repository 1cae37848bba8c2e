"""The one-tunnel problem as plain arrays, for the compiled kernels.

A line is four numbers: offsets (p, q) in the plane across the neck axis through the centroid
of the neck's smallest section, and slopes (a, b) against the neck axis. Every tunnel from the
lateral femur to the head passes that plane, and inside the bone there, so the offsets that
matter are few.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from corecore.base.body import FLAT_END, body_of
from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.limits import DIRECTION_KEPT_DEG, ENTRY_KEPT_MM
from corecore.base.spec import (
    Spec,
)
from corecore.hip.hip import Hip
from corecore.hip.keep_out import KeepOutRegion
from corecore.hip.lesion import Lesion
from corecore.tunnels.figures import level_raise_mm
from corecore.tunnels.objective import objective_points, reach_of
from corecore.tunnels.user_constraints import fixed_direction, fixed_entry

#: Bricks of lesion points have this edge, mm: whole bricks in or out of a tunnel cost one test.
BRICK_MM = 2.0
#: Resolution of the mid-line table handed to the kernels, mm.
MIDLINE_STEP_MM = 0.5
#: About so many points show where a line meets the lesion.
FEW_POINTS = 2000
#: Size of one unit step in each of a line's four numbers: 1 mm of offset, or the slope that
#: moves the line by about 1 mm half-way to the entry and to the tip.
SCALE = np.array([1.0, 1.0, 0.03, 0.03])
#: Points sorted by brick, the first of each brick and the end, brick centres and radii.
Bricks: TypeAlias = tuple[FloatArray, npt.NDArray[np.int64], FloatArray, FloatArray]
#: Bricks of the lesions at hand: a plan asks for a dozen problems of one lesion.
_SORTED: WeakKeyDictionary[Lesion, Bricks] = WeakKeyDictionary()
#: The search keeps what is fixed to this share of what is allowed.
KEPT_SHARE = 0.2


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
    #: Lesion this near to a tunnel counts too, mm; 0: only what is removed.
    reach: float
    cavity_radius: float
    cavity_length: float
    #: An instrument's end before its shaft, as ``corecore.base.body.End``; none where it is flat. How long it is
    #: behind the tip, how far a pin runs ahead, and the pin's margin, mm.
    end_pieces: FloatArray
    end_rings: FloatArray
    end_length: float
    end_ahead: float
    pin_margin: float
    #: Regions to keep out of: distance (positive outside), its voxels, (3, 4) from local mm to mm
    #: along its axes, and the margin; negative: no such region.
    avoid: npt.NDArray[np.float32]
    avoid_spacing: FloatArray
    avoid_frame: FloatArray
    avoid_margin: float
    pelvis: npt.NDArray[np.float32]
    pelvis_spacing: FloatArray
    pelvis_frame: FloatArray
    pelvis_margin: float
    #: Where every line must enter and how run, and how nearly (mm, degrees); negative: free.
    entry_fixed: FloatArray
    entry_kept: float
    direction_fixed: FloatArray
    direction_kept: float
    #: Share of the neck's smallest section that a tunnel along the neck takes, and the most allowed; negative: free.
    neck_share_along: float
    neck_share_max: float
    #: AP width of the lateral wall at the mid-line's heights, mm, and the most of it that a hole may take; negative:
    #: free.
    wall_width: FloatArray
    wall_share_max: float
    #: Height that a hole's upper edge stays below, mm from the head's centre; 1e9: free.
    ridge_height: float
    #: Unit steps (M, 4) of a climb: along each number of a line and each pair of them, or those that
    #: keep what is fixed.
    moves: FloatArray


def build_problem(hip: Hip, spec: Spec, *, slack_mm: float = 0.0, fuzz_mm: float = 0.0) -> Problem:
    """The problem of one hip.

    ``slack_mm`` is added to every margin and ``fuzz_mm`` widens the regions of larger margin,
    both on the safe side, for searches whose rings are coarse.
    """
    anatomy = hip.anatomy
    end = FLAT_END if spec.instrument is None else body_of(spec.instrument).end
    up = anatomy.shaft_axis - np.dot(anatomy.shaft_axis, anatomy.neck_axis) * anatomy.neck_axis
    up /= np.linalg.norm(up)
    heights = np.arange(anatomy.midline_heights_mm[0], anatomy.midline_heights_mm[-1] + 1e-9, MIDLINE_STEP_MM)
    points, start, center, radius = _bricks_of(hip, objective_points(hip, spec))
    frame = np.stack([anatomy.neck_axis, up, np.cross(anatomy.neck_axis, up)])
    entry, direction = fixed_entry(hip, spec), fixed_direction(hip, spec)
    avoid, avoid_spacing, avoid_frame = _field(hip.avoid)
    pelvis, pelvis_spacing, pelvis_frame = _field(hip.pelvis)
    return Problem(
        distance=hip.bone.distance_mm,
        mouth_field=hip.bone.mouth_field,
        spacing=hip.bone.spacing_mm,
        head_center=anatomy.head_center,
        head_radius=anatomy.head_radius_mm,
        neck_center=anatomy.neck_center,
        neck_frame=frame,
        posterosuperior=anatomy.posterosuperior,
        femoral_frame=np.stack([anatomy.x_axis, anatomy.y_axis, anatomy.shaft_axis]),
        midline_start=float(heights[0]),
        midline_y=anatomy.midline_y(heights),
        trochanter_height=anatomy.lesser_trochanter_height_mm,
        cut_points=np.ascontiguousarray(hip.bone.cut_points_mm),
        radius=spec.radius_mm,
        cortical_margin=spec.cortical_margin_mm + slack_mm,
        posterosuperior_margin=spec.quarter_margin_mm + slack_mm,
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
        reach=reach_of(spec),
        cavity_radius=spec.cavity_radius_mm,
        cavity_length=spec.cavity_length_mm,
        end_pieces=end.pieces,
        end_rings=end.rings,
        end_length=end.length_mm,
        end_ahead=end.ahead_mm,
        pin_margin=0.0 if spec.pin_margin_mm is None else spec.pin_margin_mm + slack_mm,
        avoid=avoid,
        avoid_spacing=avoid_spacing,
        avoid_frame=avoid_frame,
        avoid_margin=-1.0 if hip.avoid is None else spec.avoid_margin_mm + slack_mm,
        pelvis=pelvis,
        pelvis_spacing=pelvis_spacing,
        pelvis_frame=pelvis_frame,
        pelvis_margin=-1.0 if hip.pelvis is None else slack_mm,
        entry_fixed=np.zeros(3) if entry is None else entry,
        entry_kept=-1.0 if entry is None else KEPT_SHARE * ENTRY_KEPT_MM,
        direction_fixed=np.zeros(3) if direction is None else direction,
        direction_kept=-1.0 if direction is None else KEPT_SHARE * DIRECTION_KEPT_DEG,
        neck_share_along=float(np.pi * spec.radius_mm**2 / anatomy.neck_min_area_mm2),
        neck_share_max=-1.0 if spec.neck_area_share_max is None else spec.neck_area_share_max,
        # Where the wall is not in view any hole takes all of it.
        wall_width=np.nan_to_num(anatomy.wall_width(heights), nan=1e-6),
        wall_share_max=-1.0 if spec.lateral_wall_share_max is None else spec.lateral_wall_share_max,
        ridge_height=ridge_ceiling_mm(hip, spec),
        moves=_moves(frame, anatomy.neck_center, entry, direction),
    )


def ridge_ceiling_mm(hip: Hip, spec: Spec) -> float:
    """Height that a hole's upper edge stays below for the vastus ridge's sake, mm from the head's centre; 1e9: free.

    Raises ``InputError`` where the limit is asked for and the ridge is not found.
    """
    ridge = hip.anatomy.vastus_ridge_height_mm
    if spec.entry_below_ridge_mm is None:
        return 1e9
    if ridge is None:
        raise InputError(
            f"entry_below_ridge_mm {spec.entry_below_ridge_mm:g}: the vastus ridge does not stand out on this femur, or"
            " is not in view from the lesser trochanter's level on; entry_proximal_mm, above that level, is accepted",
            code="ridge-not-found",
        )
    return ridge - spec.entry_below_ridge_mm


def _field(barrier: KeepOutRegion | None) -> tuple[npt.NDArray[np.float32], FloatArray, FloatArray]:
    if barrier is None:
        return np.zeros((2, 2, 2), dtype=np.float32), np.ones(3), np.ascontiguousarray(np.eye(4)[:3])
    return barrier.field, barrier.spacing_mm, np.ascontiguousarray(barrier.field_from_local[:3])


def _moves(frame: FloatArray, center: FloatArray, entry: FloatArray | None, direction: FloatArray | None) -> FloatArray:
    """The steps of a climb that keep what is fixed; one step of nothing where a line is fixed altogether."""
    if entry is None and direction is None:
        return compass_moves()
    if entry is not None and direction is not None:
        return np.zeros((1, 4))
    moves = compass_moves()
    if direction is not None:
        return np.ascontiguousarray(moves[np.all(moves[:, 2:] == 0.0, axis=1)])
    assert entry is not None
    moves = moves[np.all(moves[:, :2] == 0.0, axis=1)]
    # A line that turns about the entry moves where it passes the neck's plane.
    moves[:, :2] = -float(frame[0] @ (entry - center)) * moves[:, 2:]
    return np.ascontiguousarray(moves)


def compass_moves() -> FloatArray:
    """Unit steps (32, 4) along each number of a line and each pair of them, both ways."""
    moves = []
    for i in range(4):
        for j in range(i, 4):
            for si in (-1.0, 1.0):
                for sj in (-1.0, 1.0):
                    if i == j and sj < 0.0:
                        continue
                    move = np.zeros(4)
                    move[i] += si * SCALE[i]
                    if j != i:
                        move[j] += sj * SCALE[j]
                    moves.append(move)
    return np.array(moves)


def thinned(hip: Hip, count: int) -> Hip:
    """The hip with about ``count`` of its lesion points, evenly taken."""
    step = max(1, len(hip.lesion.points_mm) // count)
    # A step that shares a factor with the points in a voxel would take the same corner of each.
    while step > 1 and any(step % prime == 0 for prime in (2, 3, 5)):
        step += 1
    keep = np.zeros(len(hip.lesion.points_mm), dtype=bool)
    keep[::step] = True
    return replace(hip, lesion=hip.lesion.kept(keep))


def _bricks_of(hip: Hip, points: FloatArray) -> Bricks:
    """The bricks of points (N, 3), sorted once where these are the lesion's own."""
    if points is not hip.lesion.points_mm:
        return _bricks(points)
    if hip.lesion not in _SORTED:
        _SORTED[hip.lesion] = _bricks(points)
    return _SORTED[hip.lesion]


def _bricks(points: FloatArray) -> Bricks:
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
