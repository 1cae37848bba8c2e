"""How much bone is dead: volumes and the share of the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from corecore.anatomy import Anatomy
from corecore.grid import FloatArray, transform
from corecore.hip import Hip
from corecore.surface import Bone, bone_from_voxels

#: The head's volume is counted on a lattice of this spacing, mm (0.1 % of a head).
HEAD_LATTICE_MM = 0.5


@dataclass(frozen=True)
class Volumes:
    """Volumes in ml; fractions 0 to 1.

    ``head_fraction``: lesion in the head over the head (bone in the fitted sphere proximal of
    the plane 0.5 R from its centre). ``sphere_fraction``: lesion in the sphere over the whole
    sphere. ``*_low`` and ``*_high``: the same with the lesion's outline moved half a voxel in
    and out. ``components_ml``: the lesion's parts, largest first.
    """

    volume_ml: float
    outside_head_ml: float
    head_volume_ml: float
    sphere_volume_ml: float
    head_fraction: float
    head_fraction_low: float
    head_fraction_high: float
    sphere_fraction: float
    sphere_fraction_low: float
    sphere_fraction_high: float
    components_ml: tuple[float, ...]


def measure_volumes(hip: Hip) -> Volumes:
    """Measure the lesion against the head."""
    anatomy, lesion = hip.anatomy, hip.lesion
    in_head = anatomy.in_head(lesion.points_mm)
    in_sphere = np.linalg.norm(lesion.points_mm - anatomy.head_center, axis=1) <= anatomy.head_radius_mm
    head_ml = head_volume_ml(hip.bone, anatomy)
    sphere_ml = 4.0 / 3.0 * np.pi * anatomy.head_radius_mm**3 / 1000.0
    lesion_ml = float(np.count_nonzero(in_head)) * lesion.point_ml
    sphere_lesion_ml = float(np.count_nonzero(in_sphere)) * lesion.point_ml
    low, high = _outline_moved(hip)
    labels, count = ndimage.label(lesion.mask.voxels, structure=np.ones((3, 3, 3)))
    parts = np.bincount(labels.ravel(), minlength=count + 1)[1:] * lesion.mask.grid.voxel_ml
    return Volumes(
        volume_ml=lesion.volume_ml,
        outside_head_ml=lesion.volume_ml - lesion_ml,
        head_volume_ml=head_ml,
        sphere_volume_ml=float(sphere_ml),
        head_fraction=lesion_ml / head_ml,
        head_fraction_low=max(0.0, lesion_ml - low) / head_ml,
        head_fraction_high=min(head_ml, lesion_ml + high) / head_ml,
        sphere_fraction=sphere_lesion_ml / float(sphere_ml),
        sphere_fraction_low=max(0.0, sphere_lesion_ml - low) / float(sphere_ml),
        sphere_fraction_high=min(float(sphere_ml), sphere_lesion_ml + high) / float(sphere_ml),
        components_ml=tuple(float(v) for v in np.sort(parts)[::-1]),
    )


def head_volume_ml(bone: Bone, anatomy: Anatomy) -> float:
    """Bone in the head sphere, proximal of the plane 0.5 R from its centre, ml."""
    reach = np.arange(-anatomy.head_radius_mm, anatomy.head_radius_mm + HEAD_LATTICE_MM, HEAD_LATTICE_MM)
    x, y, z = np.meshgrid(reach, reach, reach, indexing="ij")
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3) + anatomy.head_center
    points = points[anatomy.in_head(points)]
    return float(np.count_nonzero(bone.inside(points))) * HEAD_LATTICE_MM**3 / 1000.0


def _outline_moved(hip: Hip) -> tuple[float, float]:
    """Lesion volume lost and gained (ml) when its outline moves in and out by half a voxel, within the bone."""
    grid, level = hip.lesion.outline
    spacing: FloatArray = grid.spacing_mm
    distance = bone_from_voxels(level >= 0.5, spacing, open_faces=np.zeros((3, 2), dtype=bool)).distance_mm
    step = 0.5 * float(np.cbrt(np.prod(hip.lesion.mask.grid.spacing_mm)))
    lost = float(np.count_nonzero((distance > 0) & (distance <= step))) * grid.voxel_ml
    shell = np.argwhere((distance <= 0) & (distance > -step))
    gained = float(np.count_nonzero(hip.bone.inside(transform(grid.world_from_index, shell)))) * grid.voxel_ml
    return lost, gained

