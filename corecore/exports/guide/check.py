"""A guide measured back from its mesh: bores, walls, and what it shares with the bone."""

from __future__ import annotations

from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, inverse, transform
from corecore.base.mesh import TriangleMesh
from corecore.exports.guide.seat import distance_about
from corecore.exports.guide.solids import to_mesh
from corecore.hip.hip import Hip

#: Faces are sampled this densely for walls and bone, mm.
SAMPLE_MM = 1.0
#: Two faces that look away from each other to within this are a wall; those of an edge are not, degrees.
WALL_ANGLE_DEG = 45.0
#: A wall is looked for this far, mm.
WALL_REACH_MM = 30.0
#: Faces within this of where a bore's wall should be belong to it, mm.
BORE_BAND_MM = 0.4


def bore_of(
    mesh: TriangleMesh, start: FloatArray, outward: FloatArray, radius_mm: float, first_mm: float, last_mm: float
) -> tuple[FloatArray, FloatArray, float]:
    """Axis of a bore as its faces have it: a point (3,), a unit vector outward (3,), its radius, mm.

    The faces are those that look at the expected axis from about ``radius_mm``, between two places along
    it; the axis is fitted to nothing but them. Raises ``InputError`` where there are none.
    """
    corners = mesh.corners_mm
    middle = corners.mean(axis=1)
    along = (middle - start) @ outward
    across = middle - start - along[:, None] * outward
    size = np.linalg.norm(across, axis=1)
    inward = np.einsum("ij,ij->i", mesh.normals, across) < 0.0
    wall = inward & (np.abs(size - radius_mm) < BORE_BAND_MM) & (along > first_mm) & (along < last_mm)
    wall &= np.abs(mesh.normals @ outward) < 0.2
    if np.count_nonzero(wall) < 12:
        raise InputError(
            "a sleeve has no bore in the finished guide; sleeves further apart are accepted", code="guide-unbuildable"
        )
    weight = 0.5 * np.linalg.norm(
        np.cross(corners[wall, 1] - corners[wall, 0], corners[wall, 2] - corners[wall, 0]), axis=1
    )
    normals = mesh.normals[wall]
    # The axis is what no normal has a part along.
    axis = np.linalg.eigh((normals * weight[:, None]).T @ normals)[1][:, 0]
    axis = axis if axis @ outward > 0.0 else -axis
    points = corners[wall].reshape(-1, 3)
    origin = points.mean(axis=0)
    frame = np.linalg.svd(axis[None])[2][1:]
    flat = (points - origin) @ frame.T
    rows = np.column_stack([2.0 * flat, np.ones(len(flat))])
    solution = np.linalg.lstsq(rows, np.einsum("ij,ij->i", flat, flat), rcond=None)[0]
    radius = float(np.sqrt(solution[2] + solution[:2] @ solution[:2]))
    return origin + solution[:2] @ frame, axis, radius


def off_axis(point: FloatArray, axis: FloatArray, entry: FloatArray, tip: FloatArray) -> tuple[float, float]:
    """How far a measured axis is from a tunnel's: mm, the larger of that at entry and at tip, and degrees."""
    into = (tip - entry) / np.linalg.norm(tip - entry)
    gaps = [float(np.linalg.norm(np.cross(end - point, axis))) for end in (entry, tip)]
    # By the cross product: the cosine of a small angle has no digits left.
    return max(gaps), float(np.degrees(np.arcsin(np.clip(np.linalg.norm(np.cross(axis, into)), 0.0, 1.0))))


def least_wall_mm(solid: Any) -> float:
    """The thinnest wall of a solid, mm: from every face straight in, to a face that looks the other way.

    Faces are sampled every millimetre; those that meet in an edge at more than 45 degrees are no wall.
    """
    mesh = to_mesh(solid.refine_to_length(SAMPLE_MM))
    middles, normals = mesh.corners_mm.mean(axis=1), mesh.normals
    limit = -np.cos(np.radians(WALL_ANGLE_DEG))
    least = WALL_REACH_MM
    for middle, normal in zip(middles, normals, strict=True):
        if not normal.any():
            continue
        hits = solid.ray_cast(tuple(middle - 1e-4 * normal), tuple(middle - least * normal))
        if hits and float(np.dot(hits[0].normal, normal)) < limit:
            least = min(least, float(np.linalg.norm(np.asarray(hits[0].position) - middle)))
    return least


def deepest_in_bone_mm(solid: Any, world_from_solid: FloatArray, hip: Hip) -> float:
    """How deep the guide reaches into the bone, mm, by the bone's own distance field; negative where it stays off."""
    mesh = to_mesh(solid.refine_to_length(SAMPLE_MM))
    points = np.concatenate([mesh.points_mm, mesh.corners_mm.mean(axis=1)])
    local = transform(inverse(hip.world_from_local) @ world_from_solid, points)
    return float(distance_about(hip, local).max())
