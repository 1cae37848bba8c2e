"""A ball for a head: closed forms for every measure. The frame is turned against the voxels by a seed."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from corecore.base.distance_field import bone_from_voxels
from corecore.base.grid import FloatArray, Grid, Mask
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.hip.lesion import sampled
from corecore.measures.figures import Figures, figures_of, ground_of
from corecore.measures.jic import acetabulum_of
from corecore.measures.necrosis import necrosis_of

Scalar = TypeVar("Scalar", bound=np.generic)

RADIUS = 24.0
SIZE = 80
#: The neck's axis in the femoral frame: medial and up.
NECK = np.array([-0.6, 0.0, 0.8])
#: A direction along no axis of the voxels.
OBLIQUE = np.array([0.3, 0.2, 1.0])


def ball_hip(pattern: Hip, seed: int, spacing_mm: float = 1.0) -> Hip:
    """A hip whose bone is one ball, its centre off the voxels' and its frame turned at random."""
    rng = np.random.default_rng(seed)
    center = (np.full(3, SIZE / 2) + rng.uniform(-0.5, 0.5, 3)) * spacing_mm
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    index = np.moveaxis(np.indices((SIZE,) * 3, dtype=float), 0, -1) * spacing_mm
    voxels = np.linalg.norm(index - center, axis=-1) <= RADIUS
    anatomy = replace(
        pattern.anatomy, head_center=center, head_radius_mm=RADIUS, x_axis=turn[0], shaft_axis=turn[2],
        neck_axis=NECK @ turn,
    )  # fmt: skip
    spacing = np.full(3, spacing_mm)
    bone = bone_from_voxels(voxels, spacing, open_faces=np.zeros((3, 2), dtype=bool))
    mask = Mask(Grid((SIZE,) * 3, np.diag([*spacing, 1.0])), voxels)
    return replace(pattern, bone=bone, bone_mask=mask, anatomy=anatomy, world_from_local=np.eye(4))


def femoral(hip: Hip) -> FloatArray:
    """Every voxel's place in the femoral frame, (n, n, n, 3) mm from the head's centre."""
    index = np.moveaxis(np.indices(hip.bone_mask.grid.shape, dtype=float), 0, -1) * hip.bone_mask.grid.spacing_mm
    turned = (index - hip.anatomy.head_center) @ hip.anatomy.femoral_from_local[:3, :3].T
    return np.asarray(turned, dtype=np.float64)


def with_lesion(hip: Hip, inside: np.ndarray) -> Hip:
    """The hip with the voxels marked (n, n, n) as its lesion, cropped as a case would be."""
    voxels = inside & hip.bone_mask.voxels
    box = ndimage.find_objects(voxels.astype(np.uint8))[0]
    low = np.maximum(np.array([s.start for s in box]) - 2, 0)
    high = np.array([s.stop for s in box]) + 2
    return replace(hip, lesion=sampled(Mask(hip.bone_mask.grid, voxels).cropped(low, high)))


def cone(hip: Hip, axis: FloatArray, half_angle_deg: float) -> Hip:
    """A lesion that is a cone with its apex at the head's centre, down from the surface."""
    place = femoral(hip)
    unit = np.asarray(axis) / np.linalg.norm(axis)
    return with_lesion(hip, place @ unit >= np.cos(np.radians(half_angle_deg)) * np.linalg.norm(place, axis=-1))


def cap_overlap(first: FloatArray, first_deg: float, second: FloatArray, second_deg: float) -> float:
    """Share of the first cap that lies in the second, by even directions: an oracle for turned caps."""
    count = 400_000
    height = 1.0 - (np.arange(count) + 0.5) / count * (1.0 - np.cos(np.radians(first_deg)))
    turn = np.arange(count) * np.pi * (1.0 + np.sqrt(5.0))
    a = np.linalg.svd(np.asarray(first)[None])[2][1:]
    side = np.sqrt(1.0 - height**2)
    unit = np.asarray(first) / np.linalg.norm(first)
    rays = height[:, None] * unit + side[:, None] * (np.cos(turn)[:, None] * a[0] + np.sin(turn)[:, None] * a[1])
    return float(np.mean(rays @ (np.asarray(second) / np.linalg.norm(second)) >= np.cos(np.radians(second_deg))))


def figures(hip: Hip, spec: Spec) -> Figures:
    """The lesion's figures as ``measure`` gives them, without their repeatability and the signs."""
    necrosis = necrosis_of(hip, spec)
    return figures_of(necrosis, ground_of(necrosis, acetabulum_of(hip, hip.case.pelvis), None))


def stepped(
    values: npt.NDArray[Scalar], spacing_mm: FloatArray, step_mm: float, across: FloatArray
) -> npt.NDArray[Scalar]:
    """A mask as it is after slices of ``step_mm``, square on ``across`` (3,), were resampled by nearest neighbours."""
    normal = np.asarray(across, dtype=np.float64) / np.linalg.norm(across)
    places = np.indices(values.shape).reshape(3, -1).T * spacing_mm
    height = places @ normal
    middle = (np.floor(height / step_mm) + 0.5) * step_mm
    source = np.rint((places + (middle - height)[:, None] * normal) / spacing_mm).astype(np.int64)
    source = np.clip(source, 0, np.array(values.shape) - 1)
    found: npt.NDArray[Scalar] = values[tuple(source.T)].reshape(values.shape)
    return found
