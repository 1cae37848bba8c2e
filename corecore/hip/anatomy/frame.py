"""Where lateral is, the lateral cortex's mid-line, and the zone where a tunnel may enter."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from scipy import ndimage

from corecore.base.distance_field import Bone
from corecore.base.errors import AnatomyError
from corecore.base.grid import BoolArray, FloatArray
from corecore.hip.anatomy.model import Anatomy
from corecore.hip.anatomy.section import section
from corecore.hip.anatomy.shaft import Shaft, on_line

#: Anteversion assumed where no condyles are in view, degrees: median 14.2 in 1070 femora (PMC4775021).
ANTEVERSION_DEG = 14.0
#: … which lies within this of it in 19 femora of 20: 1.96 times the spread of 9.6° that the same femora's quartiles
#: show (7.4 and 20.4°; 328 others: 9.7°, Koerner 2013) and the 2° or so by which the neck's axis differs from one
#: definition to the next (doi:10.1186/s40634-023-00679-9), rounded up; within 10° lie 7 of 10 only, degrees.
ANTEVERSION_RANGE_DEG = 20.0
#: Frames that stand for an ellipsoid of turns and tilts lie so far outside it: the nearest of their 26 directions sees
#: 0.96 of any other on the average, and so a figure which hangs evenly on all three meets its end.
OUTSIDE = 1.05
#: Where only the turn is open it is taken in finer steps, shares of its range: a figure may reach furthest between.
TURNS_ALONE = (0.25, 0.5, 0.75, 1.0)
#: The mid-line is tabulated from this far below the lesser trochanter's level to this far above, mm.
MIDLINE_BELOW_MM, MIDLINE_ABOVE_MM, MIDLINE_STEP_MM = 10.0, 50.0, 1.0
#: … and must reach this far above for entries, mm: 25 (contract) and the hole's own edge.
MIDLINE_NEEDED_MM = 32.0
#: The table is smoothed over this length, mm: a voxel's stairs are no anatomy.
MIDLINE_SMOOTHING_MM = 1.5


def neck_axis_turned(
    neck_axis: FloatArray, shaft_axis: FloatArray, anteversion_deg: float = ANTEVERSION_DEG
) -> FloatArray:
    """Lateral unit vector from the neck's direction: away from it, turned back by the anteversion.

    The neck points medially and anteriorly, so its reverse points laterally and that much too far
    back; turning it forward, anticlockwise seen from above on a right hip, gives lateral.
    """
    away = -(neck_axis - (neck_axis @ shaft_axis) * shaft_axis)
    length = float(np.linalg.norm(away))
    if length < 1e-3:
        raise AnatomyError(
            "the neck axis runs along the shaft axis; a neck that leaves the shaft is accepted", code="neck-not-found"
        )
    away = away / length
    turn = np.radians(anteversion_deg)
    return np.asarray(np.cos(turn) * away + np.sin(turn) * np.cross(shaft_axis, away), dtype=np.float64)


def lateral_midline(
    bone: Bone, center: FloatArray, shaft: Shaft, x_axis: FloatArray, lesser_height: float, lowest: float
) -> tuple[FloatArray, FloatArray, bool]:
    """Heights (N,), mid-points (N,) in y, both from the head's centre, mm; whether all that entries need is in view.

    At each height the mid-point is half-way between the foremost and the hindmost bone of
    the part of the section lateral of the shaft's axis. Where no height is in view the table
    has two rows a millimetre apart, the axis itself.
    """
    y_axis = np.cross(shaft.axis, x_axis)
    heights = np.arange(-MIDLINE_BELOW_MM, MIDLINE_ABOVE_MM + 1e-6, MIDLINE_STEP_MM) + lesser_height
    kept, middle = [], []
    for at in heights[heights >= lowest]:
        here = _middle(bone, center, shaft, x_axis, float(at))
        if here is not None:
            kept.append(float(at))
            middle.append(here)
    if not kept:
        rows = np.array([lesser_height - 0.5 * MIDLINE_STEP_MM, lesser_height + 0.5 * MIDLINE_STEP_MM])
        return rows, np.array([(on_line(shaft, center, float(at)) - center) @ y_axis for at in rows]), False
    needed = (heights >= lesser_height) & (heights <= lesser_height + MIDLINE_NEEDED_MM)
    complete = bool(np.isin(heights[needed], kept).all())
    smooth = ndimage.gaussian_filter1d(np.array(middle), MIDLINE_SMOOTHING_MM / MIDLINE_STEP_MM, mode="nearest")
    return np.array(kept), np.asarray(smooth, dtype=np.float64), complete


def _middle(bone: Bone, center: FloatArray, shaft: Shaft, x_axis: FloatArray, at: float) -> float | None:
    """The mid-point in y of the lateral part of the section at a height, mm; ``None`` where it is not in view."""
    base = on_line(shaft, center, at)
    cut = section(bone, base, shaft.axis, u=x_axis, half_width_mm=50.0)
    if cut is None or not cut.complete:
        return None
    depth = np.where(cut.inside | (cut.depth_mm <= 0.0), cut.depth_mm, -1.0)[cut.across_mm > 0.0]
    front, back = _extent(depth, cut.across_mm), _extent(depth[:, ::-1], -cut.across_mm[::-1])
    if front is None or back is None:
        return None
    return 0.5 * (front - back) + float((base - center) @ np.cross(shaft.axis, x_axis))


def _extent(depth: FloatArray, across: FloatArray) -> float | None:
    """Largest position along the second axis where bone ends, between the samples."""
    inside = depth > 0.0
    if not inside.any():
        return None
    rows = np.flatnonzero(inside.any(axis=1))
    last = depth.shape[1] - 1 - np.argmax(inside[rows, ::-1], axis=1)
    beyond = np.minimum(last + 1, depth.shape[1] - 1)
    a, b = depth[rows, last], depth[rows, beyond]
    share = np.where(beyond > last, a / np.maximum(a - b, 1e-6), 0.0)
    step = across[1] - across[0]
    return float(np.max(across[last] + np.clip(share, 0.0, 1.0) * step))


def lateral_range_deg(anatomy: Anatomy) -> float:
    """How far lateral may be turned about the shaft: where it is known from the neck alone, else 0."""
    return ANTEVERSION_RANGE_DEG if anatomy.sources.get("x_axis") == "neck" else 0.0


def possible_frames(anatomy: Anatomy) -> tuple[Anatomy, ...]:
    """The anatomy in other frames that its bone may have; none where condyles or the user and a whole shaft tell it.

    A turn of the lateral axis and two tilts of the shaft's err independently, each within its range in 19 femora of
    20: the frames lie on the ellipsoid of the three, where a figure that hangs on them evenly reaches the ends of its
    own 19 of 20, and half-way, where one may reach further that does not.
    """
    turn, tilt = lateral_range_deg(anatomy), OUTSIDE * anatomy.shaft_range_deg
    turn *= OUTSIDE if tilt else 1.0
    # Where lateral was given it may have been by the neck's turn or by a line in space.
    ways = (True,) if turn or not tilt else (True, False)
    steps = {
        (a / size * share, b / size * share, c / size * share)
        for a, b, c in product((-1.0, 0.0, 1.0), repeat=3)
        if (size := float(np.sqrt(a * a + b * b + c * c))) > 0.0 and (turn or a == 0.0) and (tilt or b == c == 0.0)
        for share in (TURNS_ALONE if not tilt else (0.5, 1.0) if size == 1.0 else (1.0,))
    }
    return tuple(
        anatomy.tilted(b * tilt, c * tilt, with_neck=way).turned_about_shaft(a * turn)
        for a, b, c in sorted(steps)
        for way in ways
    )


def with_midline_at(bone: Bone, anatomy: Anatomy, height_mm: float) -> Anatomy:
    """The anatomy with its mid-line seen anew at one height; NaN there where it is not in view."""
    shaft = Shaft(anatomy.shaft_point, anatomy.shaft_axis, 0.0)
    middle = _middle(bone, anatomy.head_center, shaft, anatomy.x_axis, height_mm)
    return replace(
        anatomy,
        midline_heights_mm=np.array([height_mm]),
        midline_y_mm=np.array([np.nan if middle is None else middle]),
    )


def entry_zone(
    bone: Bone,
    anatomy: Anatomy,
    *,
    lower_mm: float,
    upper_mm: float,
    normal_max_deg: float,
    ap_max_mm: float,
) -> BoolArray:
    """Which of ``bone.surface_points_mm`` a tunnel may enter, (N,) bool.

    Height between ``lower_mm`` and ``upper_mm`` above the lesser trochanter's level, outward
    normal within ``normal_max_deg`` of lateral, at most ``ap_max_mm`` before or behind the
    lateral mid-line. Points lateral of the shaft's axis only, and none at a height whose
    mid-line is not in view.
    """
    offset = bone.surface_points_mm - anatomy.head_center
    z = offset @ anatomy.shaft_axis
    above = z - anatomy.lesser_trochanter_height_mm
    facing = bone.surface_normals @ anatomy.x_axis >= np.cos(np.radians(normal_max_deg))
    middle = np.abs(offset @ anatomy.y_axis - anatomy.midline_y(z)) <= ap_max_mm
    lateral = (bone.surface_points_mm - anatomy.shaft_point) @ anatomy.x_axis > 0.0
    heights = anatomy.midline_heights_mm
    known = (z >= heights[0] - MIDLINE_STEP_MM) & (z <= heights[-1] + MIDLINE_STEP_MM)
    return np.asarray((above >= lower_mm) & (above <= upper_mm) & facing & middle & lateral & known)
