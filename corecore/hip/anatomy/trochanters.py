"""The lesser trochanter's tip from the radial profile of the shaft, and the greater one's."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from pykdtree.kdtree import KDTree
from scipy import ndimage

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.head import Head
from corecore.hip.anatomy.neck import Neck
from corecore.hip.anatomy.scan_end import HALF_WIDTH_MM, scan_end
from corecore.hip.anatomy.shaft import Shaft, height, on_line

_log = logging.getLogger(__name__)

#: The lesser trochanter lies this far behind the neck's direction, seen along the shaft, degrees:
#: 37 to 50 on the bones at hand (engineering choice).
BEHIND_NECK_DEG = (15.0, 100.0)
#: … at this height below the head's centre, head diameters: 1.01 ± 0.12 (PMID 20069639), four sd.
HEIGHT_DIAMETERS = (0.55, 1.5)
#: A bump stands this far above the profile on both sides of it, mm (engineering choice: the
#: bones at hand have 10 to 14, the other side of the neck 2 to 4).
MIN_PROMINENCE_MM = 5.0
#: The profile on both sides is looked at within this angle, degrees.
FOOT_DEG = 45.0
#: Steps of the profile: angle, degrees, height and radius, mm.
STEP_DEG, STEP_MM, STEP_RADIUS_MM = 2.5, 1.0, 0.5
#: The other side's bulge is compared at these heights, head diameters below the head's centre:
#: higher up the neck's own flanks bulge.
HANDEDNESS_DIAMETERS = (0.85, 1.35)
#: Points within this of the greatest radius make the tip, mm: steadier than one sample.
TIP_MM = 1.0
#: A tip nearer than this to the scan's end may go on beyond it, mm or voxels, whichever is more.
CUT_MM, CUT_VOXELS = 3.0, 3.5
#: A spoke that leaves the bone this near to the scan's end leaves through the end, voxels.
THROUGH_END_VOXELS = 2.0
#: The greater trochanter begins this far from the head's centre towards the shaft's axis, share
#: of that offset: its tip lies 0.2 head radii lateral of the axis, within 0.1 (docs/design/anatomy.md).
GREATER_BEGIN_SHARE = 0.85
#: Where a low trochanter leaves the neck's roof the highest bone there, the tip lies past the saddle between the two:
#: the highest points are taken in strips this wide, and the bone rises from the saddle by at least this, mm.
SADDLE_STRIP_MM, SADDLE_RISE_MM = 2.0, 0.5


@dataclass(frozen=True, eq=False)
class Bump:
    """A bump of the radial profile: ``tip`` (3,) local mm and how far it stands out, mm."""

    tip: FloatArray
    prominence_mm: float


def lesser_trochanter(bone: Bone, head: Head, neck: Neck, shaft: Shaft, lowest: float) -> Bump | None:
    """The bump behind the neck about one head diameter below the head's centre.

    ``lowest`` is the height from the head's centre of the lowest section in view. ``None``
    where no bump stands out, or where it runs into the scan's end.
    """
    profile = _profile(bone, head, neck, shaft, lowest, HEIGHT_DIAMETERS, 1.0)
    if profile is None:
        return None
    core, prominence = profile.radius, profile.prominence
    most = float(prominence.max())
    if most < MIN_PROMINENCE_MM:
        return None
    # One bump: the part that holds the most prominent point.
    labels = ndimage.label(prominence > 0.5 * most)[0]
    bump = labels == labels[np.unravel_index(int(np.argmax(prominence)), prominence.shape)]
    peak = float(core[bump].max())
    i, j = np.nonzero(bump & (core > peak - TIP_MM))
    if i.min() == 0:
        # Still rising towards the neck: a flank of it, not a bump of its own.
        return None
    weight = core[i, j] - (peak - TIP_MM)
    at = float(np.average(profile.heights[i], weights=weight))
    voxel = float(np.max(bone.spacing_mm))
    nearest_end = float(profile.to_end[bump & (core > peak - TIP_MM)].min())
    if nearest_end < max(CUT_MM, CUT_VOXELS * voxel):
        return None
    angle = np.radians(float(np.average(profile.angles[j], weights=weight)))
    spoke = np.cos(angle) * profile.zero + np.sin(angle) * profile.quarter
    tip = on_line(shaft, head.center, at) + peak * spoke
    return Bump(np.asarray(tip, dtype=np.float64), most)


def handedness(bone: Bone, head: Head, neck: Neck, shaft: Shaft, lowest: float) -> float | None:
    """How much further the shaft's profile bulges behind the neck (positive) than before it, mm.

    In the mirrored local frame a femur is positive; a femur of the other side, or one in a
    file that mirrors, is negative. ``None`` where the level of the lesser trochanter is not in view.
    """
    behind = _profile(bone, head, neck, shaft, lowest, HANDEDNESS_DIAMETERS, 1.0)
    before = _profile(bone, head, neck, shaft, lowest, HANDEDNESS_DIAMETERS, -1.0)
    if behind is None or before is None or behind.heights[-1] > -1.1 * 2.0 * head.radius_mm:
        return None
    return float(behind.prominence.max() - before.prominence.max())


@dataclass(frozen=True, eq=False)
class _Profile:
    """Radius, prominence and distance to the scan's end (heights, angles) round the shaft's line, mm."""

    heights: FloatArray
    angles: FloatArray
    radius: FloatArray
    prominence: FloatArray
    to_end: FloatArray
    zero: FloatArray
    quarter: FloatArray


def _profile(
    bone: Bone,
    head: Head,
    neck: Neck,
    shaft: Shaft,
    lowest: float,
    diameters: tuple[float, float],
    turn: float,
) -> _Profile | None:
    """The profile behind the neck (``turn`` 1) or before it (-1); ``None`` where under 5 mm are in view."""
    zero = neck.axis - (neck.axis @ shaft.axis) * shaft.axis
    zero = zero / np.linalg.norm(zero)
    quarter = turn * np.cross(shaft.axis, zero)
    diameter = 2.0 * head.radius_mm
    top, bottom = -diameters[0] * diameter, max(-diameters[1] * diameter, lowest)
    if top - bottom < 5.0:
        return None
    heights = np.arange(top, bottom, -STEP_MM)
    angles = np.arange(BEHIND_NECK_DEG[0] - FOOT_DEG, BEHIND_NECK_DEG[1] + FOOT_DEG + 1e-6, STEP_DEG)
    radius = spoke_lengths(bone, head, shaft, heights, angles, zero, quarter)
    foot = round(FOOT_DEG / STEP_DEG)
    before = ndimage.minimum_filter1d(radius, foot + 1, axis=1, origin=foot // 2)
    after = ndimage.minimum_filter1d(radius, foot + 1, axis=1, origin=-(foot // 2))
    inner = slice(foot, -foot)
    prominence = (radius - np.maximum(before, after))[:, inner]
    radius, angles = radius[:, inner], angles[inner]
    to_end = np.full(radius.shape, np.inf)
    end = scan_end(bone, on_line(shaft, head.center, 0.0), shaft.axis)
    if end is not None or len(bone.cut_points_mm):
        spokes = np.cos(np.radians(angles))[:, None] * zero + np.sin(np.radians(angles))[:, None] * quarter
        bases = np.array([on_line(shaft, head.center, float(h)) for h in heights])
        walls = bases[:, None, :] + radius[:, :, None] * spokes
        if end is not None:
            to_end = np.abs(end.above(walls))
        if len(bone.cut_points_mm):
            beside = KDTree(bone.cut_points_mm).query(walls.reshape(-1, 3))[0].reshape(radius.shape)
            to_end = np.minimum(to_end, beside)
        through = to_end < THROUGH_END_VOXELS * float(np.max(bone.spacing_mm))
        prominence = np.where(through, 0.0, prominence)
    return _Profile(heights, angles, radius, prominence, to_end, zero, quarter)


def spoke_lengths(
    bone: Bone,
    head: Head,
    shaft: Shaft,
    heights: FloatArray,
    angles: FloatArray,
    zero: FloatArray,
    quarter: FloatArray,
) -> FloatArray:
    """Distance (heights, angles) from the shaft's line to where a spoke first leaves the bone, mm.

    ``angles`` in degrees from ``zero`` towards ``quarter``, unit vectors across the line. 0
    where the line itself lies outside the bone.
    """
    spokes = np.cos(np.radians(angles))[:, None] * zero + np.sin(np.radians(angles))[:, None] * quarter
    bases = np.array([on_line(shaft, head.center, float(h)) for h in heights])
    reach = np.arange(0.0, 1.6 * HALF_WIDTH_MM, STEP_RADIUS_MM)
    points = bases[:, None, None, :] + reach[None, None, :, None] * spokes[None, :, None, :]
    depth = bone.distance(points.reshape(-1, 3)).reshape(len(heights), len(angles), len(reach))
    out = depth <= 0.0
    first = np.where(out.any(axis=2), out.argmax(axis=2), len(reach) - 1)
    before = np.maximum(first - 1, 0)
    rows, columns = np.indices(first.shape)
    a, b = depth[rows, columns, before], depth[rows, columns, first]
    share = np.clip(a / np.maximum(a - b, 1e-6), 0.0, 1.0)
    return np.asarray(np.where(first > 0, reach[before] + share * STEP_RADIUS_MM, 0.0), dtype=np.float64)


def _saddle(aside: FloatArray, heights: FloatArray, offset: float) -> float:
    """How far lateral the greater trochanter begins: past the saddle, where the neck's roof is higher than its tip."""
    strip = ((aside - aside.min()) / SADDLE_STRIP_MM).astype(np.int64)
    top = np.full(int(strip.max()) + 1, -np.inf)
    np.maximum.at(top, strip, heights)
    if int(np.argmax(top)) > 1:
        return float(aside.min())
    falling = np.flatnonzero(np.minimum.accumulate(top)[:-1] + SADDLE_RISE_MM < top[1:])
    # A roof that falls on to the lateral wall without a saddle: the tip lies lateral of the axis.
    first = float(aside.min()) + SADDLE_STRIP_MM * float(falling[0]) if len(falling) else offset
    return min(first, float(aside.max()))


def greater_trochanter(bone: Bone, head: Head, neck: Neck, shaft: Shaft) -> FloatArray | None:
    """The most proximal point of the bone lateral of the neck, (3,) local mm; ``None`` where it is cut off."""
    points = bone.surface_points_mm
    lateral = -(neck.axis - (neck.axis @ shaft.axis) * shaft.axis)
    lateral = lateral / np.linalg.norm(lateral)
    offset = float((shaft.point - head.center) @ lateral)
    aside = (points - head.center) @ lateral
    beyond = aside > GREATER_BEGIN_SHARE * offset
    if not beyond.any():
        return None
    heights = (points[beyond] - head.center) @ shaft.axis
    beyond[beyond] = aside[beyond] >= _saddle(aside[beyond], heights, offset)
    heights = (points[beyond] - head.center) @ shaft.axis
    peak = float(heights.max())
    # The mean of the cap's top is steadier than the one highest sample.
    top = points[beyond][heights > peak - TIP_MM]
    tip = top.mean(axis=0)
    tip = tip + (peak - height(tip, head.center, shaft.axis)) * shaft.axis
    if float(bone.distance_to_cut(top).min()) < CUT_MM:
        return None
    return np.asarray(tip, dtype=np.float64)
