"""Where a scan ends across the shaft: at the array's edge, or at a flat face inside a padded volume.

The end is one plane across most of the section, with no bone below it. It is read where nothing but the shaft lies,
in columns about the shaft's line: the lesser trochanter's underside and the ridges beside it, which look distally
as a cut does, are not in them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.section import plane_axes, section

#: Columns of bone along the line, out to this far from it and this far apart, mm: the core of a shaft that is 18 mm
#: wide or more, whose line is known to a few millimetres.
CORE_MM, COLUMN_MM = 12.0, 3.0
#: A column ends in the plane when it does so within this of it, voxels: the surface errs by a third of one (RMS).
FACE_DEPTH_VOXELS = 1.5
#: Share of the columns with bone in them that end in the plane: most of a section (engineering choice).
MOST = 0.6
#: A scan's end leans less than this from square on the shaft, degrees: a thigh flexed by 45° and some more.
LEAN_MAX_DEG = 55.0
#: Half the side of the sampled square: a shaft is under 45 mm wide, its axis known to 20 mm.
HALF_WIDTH_MM = 36.0
#: Rounds of the robust fit, and the deviation beyond which a column counts less and less, mm.
ROUNDS, LEAST_MM = 20, 0.3


@dataclass(frozen=True, eq=False)
class ScanEnd:
    """The plane in which a scan ends: ``point`` (3,) local mm on the shaft's line, ``up`` (3,) unit, into the bone."""

    point: FloatArray
    up: FloatArray

    def above(self, points: FloatArray) -> FloatArray:
        """How far points (..., 3) lie above the plane, mm."""
        return np.asarray((points - self.point) @ self.up, dtype=np.float64)


def scan_end(bone: Bone, point: FloatArray, axis: FloatArray) -> ScanEnd | None:
    """The end of the scan across the line through ``point`` along ``axis`` (unit, proximal).

    ``None`` where the bone ends of itself, or leaves the line.
    """
    u, v = plane_axes(axis)
    steps = np.arange(-CORE_MM, CORE_MM + 1e-9, COLUMN_MM)
    across: FloatArray = np.array([(a, b) for a in steps for b in steps if np.hypot(a, b) <= CORE_MM])
    low, high = _reach(bone, point, axis)
    step = 0.5 * float(np.min(bone.spacing_mm))
    heights = np.arange(low - 2.0 * step, high, step)
    feet = point + across[:, :1] * u + across[:, 1:] * v
    depth = bone.distance((feet[:, None, :] + heights[None, :, None] * axis).reshape(-1, 3))
    depth = depth.reshape(len(feet), len(heights))
    inside = depth > 0.0
    inside[:, 0] = False
    met = inside.any(axis=1)
    if np.count_nonzero(met) < MOST * len(feet):
        return None
    first = np.argmax(inside, axis=1)[met]
    rows = np.flatnonzero(met)
    a, b = np.maximum(depth[rows, first - 1], -step), depth[rows, first]
    ends = heights[first] - step * b / np.maximum(b - a, 1e-9)
    plane = _plane(across[met], ends)
    off = np.abs(np.column_stack([np.ones(len(ends)), across[met]]) @ plane - ends)
    lean = float(np.hypot(plane[1], plane[2]))
    flat = off < FACE_DEPTH_VOXELS * float(np.max(bone.spacing_mm)) * np.hypot(1.0, lean)
    if np.count_nonzero(flat) < MOST * len(flat) or lean > np.tan(np.radians(LEAN_MAX_DEG)):
        return None
    up = axis - plane[1] * u - plane[2] * v
    return ScanEnd(
        np.asarray(point + plane[0] * axis, dtype=np.float64), np.asarray(up / np.linalg.norm(up), dtype=np.float64)
    )


def lowest_whole(bone: Bone, point: FloatArray, axis: FloatArray) -> float:
    """Height along ``axis`` from ``point`` of the lowest section square on it that the scan shows whole, mm."""
    end = scan_end(bone, point, axis)
    if end is None:
        return _reach(bone, point, axis)[0]
    at = float((end.point - point) @ axis)
    lean = end.up - (end.up @ axis) * axis
    tangent = float(np.linalg.norm(lean)) / float(end.up @ axis)
    if tangent < 1e-3:
        return at
    # A leaning end is highest where the section reaches furthest against its lean.
    way = -lean / np.linalg.norm(lean)
    cut = section(bone, end.point + (tangent * CORE_MM + 2.0) * axis, axis, half_width_mm=HALF_WIDTH_MM)
    reach = CORE_MM if cut is None else float(((cut.points() - point) @ way).max())
    return at + tangent * max(reach, 0.0)


def _reach(bone: Bone, point: FloatArray, axis: FloatArray) -> tuple[float, float]:
    """Lowest and highest bone near the line, heights from ``point``, mm."""
    ends = np.concatenate([bone.surface_points_mm, bone.cut_points_mm]) - point
    along = ends @ axis
    near = np.linalg.norm(ends - along[:, None] * axis, axis=1) < HALF_WIDTH_MM
    return (float(along[near].min()), float(along[near].max())) if near.any() else (0.0, 0.0)


def _plane(across: FloatArray, heights: FloatArray) -> FloatArray:
    """Height on the line and slopes (3,) of the plane that most columns end in: least absolute deviations."""
    columns = np.column_stack([np.ones(len(across)), across])
    weight = np.ones(len(across))
    plane = np.zeros(3)
    for _ in range(ROUNDS):
        root = np.sqrt(weight)
        plane = np.linalg.lstsq(columns * root[:, None], heights * root, rcond=None)[0]
        weight = 1.0 / np.maximum(np.abs(columns @ plane - heights), LEAST_MM)
    return np.asarray(plane, dtype=np.float64)
