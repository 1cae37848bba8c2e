"""Femora of closed form and real ones, in the local frame, for the tests of the anatomy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from corecore.base.distance_field import Bone, bone_from_voxels
from corecore.base.grid import BoolArray, FloatArray, Grid, Mask, transform
from corecore.base.resampling import near_isotropic

CLOSED = np.zeros((3, 2), dtype=bool)


def unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float64)


def degrees_between(a: FloatArray, b: FloatArray) -> float:
    return float(np.degrees(np.arccos(np.clip(unit(a) @ unit(b), -1.0, 1.0))))


@dataclass(frozen=True)
class Stick:
    """A ball on a stick: head, waisted neck, shaft, two trochanters, in the femoral frame (C at 0, mm).

    Everything the fits look for is known: the neck leaves the shaft's axis ``joint`` at
    ``neck_shaft_deg`` and is turned forward by ``version_deg``.
    """

    radius: float = 23.0
    neck_radius: float = 12.0
    neck_shaft_deg: float = 127.0
    version_deg: float = 14.0
    offset: float = 44.0
    shaft_radius: float = 14.0
    bottom: float = -135.0
    condyles_deg: float | None = None

    @property
    def neck_axis(self) -> FloatArray:
        lean, turn = np.radians(180.0 - self.neck_shaft_deg), np.radians(self.version_deg)
        return np.array([-np.sin(lean) * np.cos(turn), np.sin(lean) * np.sin(turn), np.cos(lean)])

    @property
    def joint(self) -> FloatArray:
        """Where the neck's axis meets the shaft's."""
        length = self.offset / float(np.hypot(self.neck_axis[0], self.neck_axis[1]))
        return -length * self.neck_axis

    @property
    def lesser_tip(self) -> FloatArray:
        """Tip of the ball that is the lesser trochanter: 45° behind the neck, one diameter below C."""
        behind = np.radians(self.version_deg)
        medial = np.array([-np.cos(behind), np.sin(behind), 0.0])
        spoke = (medial + np.cross([0.0, 0.0, 1.0], medial)) / np.sqrt(2.0)
        tip = np.array([self.joint[0], self.joint[1], -2.0 * self.radius]) + 30.0 * spoke
        return np.asarray(tip, dtype=np.float64)

    def level(self, p: FloatArray) -> FloatArray:
        """Positive inside, at points (N, 3) of the femoral frame. Near the walls about a distance, mm."""
        head = self.radius - np.linalg.norm(p, axis=1)
        along = -(p @ self.neck_axis)
        across = np.linalg.norm(p + along[:, None] * self.neck_axis, axis=1)
        waist = self.neck_radius + 0.006 * (along - 1.2 * self.radius) ** 2
        neck = np.minimum(np.minimum(waist - across, along), np.linalg.norm(self.joint) - along)
        axis = self.joint[:2]
        shaft_across = np.linalg.norm(p[:, :2] - axis, axis=1)
        shaft = np.minimum(self.shaft_radius - shaft_across, np.minimum(p[:, 2] - self.bottom, -15.0 - p[:, 2]))
        greater = 14.0 - np.linalg.norm(p - np.array([axis[0] + 6.0, axis[1] - 8.0, -10.0]), axis=1)
        tip = np.array([self.lesser_tip[0], self.lesser_tip[1]]) - axis
        ball = np.array([*(axis + tip * (22.0 / 30.0)), -2.0 * self.radius])
        lesser = 8.0 - np.linalg.norm(p - ball, axis=1)
        parts = [head, neck, shaft, greater, lesser]
        if self.condyles_deg is not None:
            turn = np.radians(self.condyles_deg)
            line = np.array([np.cos(turn), np.sin(turn)])
            for sign in (-1.0, 1.0):
                place = np.array([*(axis + 25.0 * sign * line), self.bottom])
                parts.append(20.0 - np.linalg.norm(p - place, axis=1))
            bar = p[:, :2] - axis
            length, width = bar @ line, bar @ np.array([-line[1], line[0]])
            parts.append(
                np.minimum(np.minimum(25.0 - abs(length), 14.0 - abs(width)), 15.0 - abs(p[:, 2] - self.bottom))
            )
        return np.asarray(np.max(parts, axis=0), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Posed:
    """A stick placed on voxels: ``local_from_femoral`` (4, 4) is the truth."""

    bone: Bone
    voxels: BoolArray
    spacing: float
    local_from_femoral: FloatArray

    def at(self, point: FloatArray) -> FloatArray:
        return transform(self.local_from_femoral, point)

    def along(self, direction: FloatArray) -> FloatArray:
        return np.asarray(self.local_from_femoral[:3, :3] @ direction, dtype=np.float64)

    def without(self, removed: BoolArray) -> Bone:
        return bone_from_voxels(self.voxels & ~removed, [self.spacing] * 3, open_faces=CLOSED)

    def positions(self) -> FloatArray:
        """Every voxel's centre in the femoral frame, (N, 3)."""
        points = np.indices(self.voxels.shape).reshape(3, -1).T * self.spacing
        return transform(np.linalg.inv(self.local_from_femoral), points)


def posed(stick: Stick, rotation: Rotation, rng: np.random.Generator, *, spacing: float = 1.3) -> Posed:
    """The stick turned by ``rotation``, at a random place between the voxels."""
    low = np.array([-29.0, -32.0, stick.bottom])
    high = np.array([stick.offset + 24.0, 29.0, 29.0])
    if stick.condyles_deg is not None:
        low, high = np.array([-30.0, -48.0, stick.bottom - 22.0]), np.array([stick.offset + 48.0, 48.0, 30.0])
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    turned = rotation.apply(corners)
    start = turned.min(axis=0) - 3.0 * spacing * (1.0 + rng.random(3))
    shape = np.ceil((turned.max(axis=0) - start) / spacing).astype(int) + 3
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.as_matrix()
    matrix[:3, 3] = -start
    points = np.indices(shape).reshape(3, -1).T * spacing
    inside = stick.level(transform(np.linalg.inv(matrix), points)).reshape(shape) > 0.0
    return Posed(bone_from_voxels(inside, [spacing] * 3, open_faces=CLOSED), inside, spacing, matrix)


@dataclass(frozen=True, eq=False)
class RealHip:
    """A real hip in its local frame (left ones mirrored), with the truth in local mm."""

    bone: Bone
    mask: Mask
    side: str
    near: FloatArray
    local_from_world: FloatArray
    head_center: FloatArray
    head_radius: float
    shaft_axis: FloatArray | None
    lesser_tip: FloatArray | None

    @property
    def superior(self) -> FloatArray:
        return np.asarray(self.local_from_world[:3, :3] @ np.array([0.0, 0.0, 1.0]), dtype=np.float64)


def read_bone(folder: Path, name: str, *, coarse: int = 1) -> tuple[Mask, dict[str, Any]]:
    """Union of the labels, largest part, holes filled, every ``coarse``-th voxel; and its truth."""
    truth = json.loads((folder / "truth.json").read_text())
    image = nib.load(folder / f"{name}.nii.gz")
    labels = np.asarray(image.dataobj)
    parts, _ = ndimage.label(labels > 0)
    size = np.bincount(parts.ravel())
    size[0] = 0
    voxels = ndimage.binary_fill_holes(parts == size.argmax())[::coarse, ::coarse, ::coarse]
    grid = Grid(voxels.shape, image.affine @ np.diag([coarse, coarse, coarse, 1.0]))
    found = truth.get(name, {})
    if not found:
        at = np.argwhere(labels == 2).mean(axis=0)
        found = {"lesion_centroid": transform(image.affine, at), "head_center": [0, 0, 0], "head_radius_mm": 0.0}
    return Mask(grid, voxels), found


def in_local_frame(mask: Mask, truth: dict[str, Any], side: str) -> RealHip:
    """A mask of the world in the local frame of ``side``."""
    mirror = np.diag([-1.0 if side == "left" else 1.0, 1.0, 1.0, 1.0])
    mask = near_isotropic(Mask(Grid(mask.grid.shape, mirror @ mask.grid.world_from_index), mask.voxels).canonical())
    first, last = mask.bounds(0)
    open_faces = np.stack([first == 0, last == np.array(mask.grid.shape)], axis=1)
    mask = mask.cropped(*mask.bounds(8))
    spacing = mask.grid.spacing_mm
    local = np.diag([*spacing, 1.0]) @ mask.grid.index_from_world @ mirror
    axis, tip = truth.get("shaft_axis_distal"), truth.get("lesser_trochanter_tip")
    return RealHip(
        bone=bone_from_voxels(mask.voxels, spacing, open_faces=open_faces),
        mask=mask,
        side=side,
        near=transform(local, truth["lesion_centroid"]),
        local_from_world=local,
        head_center=transform(local, truth["head_center"]),
        head_radius=float(truth["head_radius_mm"]),
        shaft_axis=None if axis is None else unit(-local[:3, :3] @ np.array(axis)),
        lesser_tip=None if tip is None else transform(local, tip),
    )
