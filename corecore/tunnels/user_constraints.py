"""Where the surgeon insists that tunnels enter, and how they run: from world to the local frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pykdtree.kdtree import KDTree

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.spec import Spec

if TYPE_CHECKING:
    from corecore.hip.hip import Hip

#: A given entry further than this from the bone's surface is a slip, mm (engineering choice: two voxels).
ENTRY_OFF_MM = 2.0
#: A direction further than this from the neck's axis leads past the head, degrees (engineering choice).
FROM_NECK_DEG = 80.0


def fixed_entry(hip: Hip, spec: Spec) -> FloatArray | None:
    """The fixed entry put on the bone's surface, (3,) local mm; ``None`` where the entry is free.

    Raises ``InputError`` for one further than ``ENTRY_OFF_MM`` from the surface.
    """
    if spec.entry_fixed is None:
        return None
    given = hip.to_local(np.array(spec.entry_fixed))
    bone = hip.bone
    point = given
    for _ in range(20):
        depth = float(bone.distance(point[None])[0])
        if not 1e-5 < abs(depth) <= 2.0 * ENTRY_OFF_MM:
            break
        point = point + depth * _outward(hip, point)
    moved = float(np.linalg.norm(point - given))
    if not (moved <= ENTRY_OFF_MM and abs(float(bone.distance(point[None])[0])) < 1e-3):
        off = float(KDTree(bone.surface_points_mm).query(given[None])[0][0])
        x, y, z = spec.entry_fixed
        raise InputError(
            f"entry_fixed {x:g},{y:g},{z:g} lies {off:.1f} mm off the femur's surface;"
            f" up to {ENTRY_OFF_MM:g} mm are accepted (RAS mm)",
            code="place-off-bone",
        )
    return point


def fixed_direction(hip: Hip, spec: Spec) -> FloatArray | None:
    """The fixed direction as a unit vector from entry to tip, (3,) local; ``None`` where it is free.

    Raises ``InputError`` for one that does not lead towards the head.
    """
    if spec.direction_fixed is None:
        return None
    world = np.array(spec.direction_fixed) / np.linalg.norm(spec.direction_fixed)
    # A rotation, with the mirror of a left hip: its inverse is its transpose.
    direction = np.asarray(hip.world_from_local[:3, :3].T @ world, dtype=np.float64)
    angle = float(np.degrees(np.arccos(np.clip(direction @ hip.anatomy.neck_axis, -1.0, 1.0))))
    if angle > FROM_NECK_DEG:
        raise InputError(
            f"direction_fixed runs at {angle:.0f} degrees to the neck's axis;"
            f" up to {FROM_NECK_DEG:g} is accepted (RAS, from entry to tip)",
            code="direction-refused",
        )
    return direction


def _outward(hip: Hip, point: FloatArray) -> FloatArray:
    """Unit vector (3,) along which the depth falls, from differences over half a voxel."""
    step = 0.5 * float(hip.bone.spacing_mm.min())
    ends = np.concatenate([point + step * np.eye(3), point - step * np.eye(3)])
    depth = hip.bone.distance(ends)
    gradient = depth[3:] - depth[:3]
    return np.asarray(gradient / max(float(np.linalg.norm(gradient)), 1e-12))
