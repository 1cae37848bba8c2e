"""Where lateral is, the lateral cortex's mid-line, and the zone where a tunnel may enter."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import NamedTuple

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

#: The vastus ridge stands out of the chord along the flare by this at least, and the most lateral bone lies so far
#: within the view, mm (engineering choices: 0.9 to 1.7 mm on the bones at hand).
RIDGE_STANDS_OUT_MM, RIDGE_BEYOND_MM = 0.5, 3.0


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


class LateralWall(NamedTuple):
    """The lateral part of a femur by height: rows (N,) in mm from the head's centre.

    ``heights`` along z, ``middle`` in y of the part of the section lateral of the shaft's axis, its ``width`` in y, and
    how far ``lateral`` of the head's centre it reaches; ``complete``: whether all that entries need is in view.
    """

    heights: FloatArray
    middle: FloatArray
    width: FloatArray
    lateral: FloatArray
    complete: bool


def lateral_wall(
    bone: Bone, center: FloatArray, shaft: Shaft, x_axis: FloatArray, lesser_height: float, lowest: float
) -> LateralWall:
    """The lateral part of a femur, section by section.

    At each height the mid-point is half-way between the foremost and the hindmost bone of
    the part of the section lateral of the shaft's axis. Where no height is in view the table
    has two rows a millimetre apart, the axis itself, without a width.
    """
    y_axis = np.cross(shaft.axis, x_axis)
    heights = np.arange(-MIDLINE_BELOW_MM, MIDLINE_ABOVE_MM + 1e-6, MIDLINE_STEP_MM) + lesser_height
    kept: list[float] = []
    rows: list[tuple[float, float, float]] = []
    for at in heights[heights >= lowest]:
        here = _lateral_part(bone, center, shaft, x_axis, float(at))
        if here is not None:
            kept.append(float(at))
            rows.append(here)
    if not kept:
        ends = np.array([lesser_height - 0.5 * MIDLINE_STEP_MM, lesser_height + 0.5 * MIDLINE_STEP_MM])
        axis = np.array([(on_line(shaft, center, float(at)) - center) @ y_axis for at in ends])
        return LateralWall(ends, axis, np.full(2, np.nan), np.full(2, np.nan), False)
    needed = (heights >= lesser_height) & (heights <= lesser_height + MIDLINE_NEEDED_MM)
    complete = bool(np.isin(heights[needed], kept).all())
    sigma = MIDLINE_SMOOTHING_MM / MIDLINE_STEP_MM
    middle, width, lateral = (
        np.asarray(ndimage.gaussian_filter1d(np.array(row), sigma, mode="nearest"), dtype=np.float64)
        for row in zip(*rows, strict=True)
    )
    return LateralWall(np.array(kept), middle, width, lateral, complete)


def _lateral_part(
    bone: Bone, center: FloatArray, shaft: Shaft, x_axis: FloatArray, at: float
) -> tuple[float, float, float] | None:
    """Of the lateral part of the section at a height: mid-point and width in y, and reach in x, mm.

    ``None`` where it is not in view.
    """
    base = on_line(shaft, center, at)
    cut = section(bone, base, shaft.axis, u=x_axis, half_width_mm=50.0)
    if cut is None or not cut.complete:
        return None
    whole = np.where(cut.inside | (cut.depth_mm <= 0.0), cut.depth_mm, -1.0)
    depth = whole[cut.across_mm > 0.0]
    front, back = _extent(depth, cut.across_mm), _extent(depth[:, ::-1], -cut.across_mm[::-1])
    lateral = _extent(whole.T, cut.across_mm)
    if front is None or back is None or lateral is None:
        return None
    middle = 0.5 * (front - back) + float((base - center) @ np.cross(shaft.axis, x_axis))
    return middle, front + back, lateral + float((base - center) @ x_axis)


def vastus_ridge(wall: LateralWall, lesser_height: float) -> float | None:
    """Height of the vastus ridge: where the flare from the shaft to the greater trochanter ends on the lateral side.

    From the lesser trochanter's level to the most lateral bone above it the profile rises; the ridge is the place that
    stands out furthest from the chord between the two. ``None`` where it stands out by under ``RIDGE_STANDS_OUT_MM``,
    or where the profile is not in view from that level to ``RIDGE_BEYOND_MM`` above its most lateral place.
    """
    heights, lateral = wall.heights, wall.lateral
    above = (heights >= lesser_height - 1e-6) & np.isfinite(lateral)
    if np.count_nonzero(above) < 10 or heights[above][0] > lesser_height + MIDLINE_STEP_MM:
        return None
    z, x = heights[above], lateral[above]
    top = int(np.argmax(x))
    if np.any(np.diff(z) > 1.5 * MIDLINE_STEP_MM) or top < 5 or z[-1] - z[top] < RIDGE_BEYOND_MM:
        return None
    chord = x[0] + (x[top] - x[0]) * (z[: top + 1] - z[0]) / (z[top] - z[0])
    # Square on the chord, so that a steep flare and a flat one are told alike.
    out = (x[: top + 1] - chord) * (z[top] - z[0]) / np.hypot(z[top] - z[0], x[top] - x[0])
    place = int(np.argmax(out))
    return float(z[place]) if out[place] >= RIDGE_STANDS_OUT_MM else None


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


def possible_frames(anatomy: Anatomy, further_deg: tuple[float, float] = (0.0, 0.0)) -> tuple[Anatomy, ...]:
    """The anatomy in other frames that its bone may have; none where condyles or the user and a whole shaft tell it.

    ``further_deg``: by how much a further axis may lean from the shaft's to the side and forward, degrees; the frames
    are then those of that axis, whose lean is one more error that knows nothing of the others.

    A turn of the lateral axis and two tilts of the shaft's err independently, each within its range in 19 femora of
    20: the frames lie on the ellipsoid of the three, where a figure that hangs on them evenly reaches the ends of its
    own 19 of 20, and half-way, where one may reach further that does not.
    """
    aside, forward = (OUTSIDE * float(np.hypot(anatomy.shaft_range_deg, further)) for further in further_deg)
    tilt = aside > 0.0 or forward > 0.0
    turn = lateral_range_deg(anatomy) * (OUTSIDE if tilt else 1.0)
    # Where lateral was given it may have been by the neck's turn or by a line in space.
    ways = (True,) if turn else (True, False) if anatomy.shaft_range_deg else (False,)
    steps = {
        (a / size * share, b / size * share, c / size * share)
        for a, b, c in product((-1.0, 0.0, 1.0), repeat=3)
        if (size := float(np.sqrt(a * a + b * b + c * c))) > 0.0 and (turn or a == 0.0) and (tilt or b == c == 0.0)
        for share in (TURNS_ALONE if not tilt else (0.5, 1.0) if size == 1.0 else (1.0,))
    }
    return tuple(
        anatomy.tilted(b * aside, c * forward, with_neck=way).turned_about_shaft(a * turn)
        for a, b, c in sorted(steps)
        for way in ways
    )


def with_midline_at(bone: Bone, anatomy: Anatomy, height_mm: float) -> Anatomy:
    """The anatomy with its mid-line seen anew at one height; NaN there where it is not in view."""
    shaft = Shaft(anatomy.shaft_point, anatomy.shaft_axis, 0.0)
    here = _lateral_part(bone, anatomy.head_center, shaft, anatomy.x_axis, height_mm)
    return replace(
        anatomy,
        midline_heights_mm=np.array([height_mm]),
        midline_y_mm=np.array([np.nan if here is None else here[0]]),
        wall_width_mm=None,
        wall_lateral_mm=None,
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
