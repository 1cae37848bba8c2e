"""Where a scan ends across the shaft: at the array's edge, or at a flat face inside a padded volume."""

from __future__ import annotations

import numpy as np

from corecore.base.distance_field import Bone
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.shaft import (
    AREA_RANGE_MM2,
    HALF_WIDTH_MM,
    LATERAL_CUT_AREA_SHARE,
    LATERAL_CUT_FACING_DEG,
    Shaft,
    height,
)

#: A point belongs to a flat face when its normal is this near to the face's, degrees …
FACE_NORMAL_DEG = 20.0
#: … and it lies this near to its plane, voxels: the surface errs by a third of a voxel (RMS).
FACE_DEPTH_VOXELS = 1.5
#: How often the face's plane is fitted again and grown.
FACE_ROUNDS = 4
#: Half the width of bone that a face across the trochanters can have, mm.
FACE_REACH_MM = 60.0


def scan_end_points(bone: Bone, shaft: Shaft, origin: FloatArray, below: float, lateral: FloatArray) -> FloatArray:
    """Points (N, 3) local mm where the scan's end cuts the bone distally; N = 0 where it does not.

    A flat face is recognised on the ``lateral`` side of the shaft's line, at heights from
    ``origin`` under ``below``: nothing natural looks distally there. It is then followed to
    the medial side, where the lesser trochanter's underside would look much the same.
    """
    points, normals = bone.surface_points_mm, bone.surface_normals
    offset = points - shaft.point
    along = offset @ shaft.axis
    radial = np.linalg.norm(offset - along[:, None] * shaft.axis, axis=1)
    low = along + height(shaft.point, origin, shaft.axis) < below
    facing = normals @ -shaft.axis
    voxel = float(np.cbrt(np.prod(bone.spacing_mm)))
    area = voxel**2 / np.maximum(np.abs(normals).sum(axis=1), 0.5)
    seed = low & (radial < HALF_WIDTH_MM) & (offset @ lateral > 0.0)
    seed &= facing > np.cos(np.radians(LATERAL_CUT_FACING_DEG))
    ends = [bone.cut_points_mm[(bone.cut_points_mm - origin) @ shaft.axis < below]] if len(bone.cut_points_mm) else []
    if seed.any():
        normal = np.average(normals[seed], axis=0, weights=area[seed])
        normal = normal / np.linalg.norm(normal)
        aligned = normals @ normal > np.cos(np.radians(FACE_NORMAL_DEG))
        if (seed & aligned).any():
            # The end is the outermost face; a ledge of the bone further up may look down too.
            level = float(np.percentile(points[seed & aligned] @ normal, 85.0))
            flat = seed & aligned & (np.abs(points @ normal - level) < FACE_DEPTH_VOXELS * voxel)
            for _ in range(FACE_ROUNDS):
                if np.count_nonzero(flat) < 10:
                    break
                # The plane through what is flat so far reaches a little further each round; its
                # rounded rim and the walls beside it never join.
                middle = points[flat].mean(axis=0)
                normal = np.linalg.eigh(np.cov((points[flat] - middle).T))[1][:, 0]
                normal = normal if normal @ shaft.axis < 0.0 else -normal
                flat = low & (radial < FACE_REACH_MM) & (normals @ normal > np.cos(np.radians(FACE_NORMAL_DEG)))
                flat &= np.abs((points - middle) @ normal) < FACE_DEPTH_VOXELS * voxel
            if area[flat & seed].sum() >= LATERAL_CUT_AREA_SHARE * AREA_RANGE_MM2[0]:
                ends.append(points[flat])
    return np.concatenate(ends) if ends else np.zeros((0, 3))
