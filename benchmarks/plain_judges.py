"""Tunnels judged as one would write it first: what ``benchmarks/search.py`` holds the kernel against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from scipy import ndimage

from corecore.base.grid import BoolArray, FloatArray
from corecore.base.limits import OUTWARD_MM
from corecore.base.mesh import surface_mesh
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.planning.search.line_geometry import ring_points
from corecore.planning.search.problem import Problem
from corecore.tunnels.figures import (
    PORTAL_EXTRA_MM,
)

#: Points of a ring about the wall, and millimetres between rings.
RING, STEP_MM = 16, 1.0
Depth = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Poses:
    """Tunnels: entries, unit directions (N, 3) and lengths (N,), local mm."""

    entry: FloatArray
    direction: FloatArray
    length: FloatArray

    def part(self, index: Any) -> Poses:
        """Some of them."""
        return Poses(self.entry[index], self.direction[index], self.length[index])


class Plain:
    """All constraints in numpy, for many tunnels at once, depths from whatever map is given."""

    def __init__(self, hip: Hip, spec: Spec, problem: Problem, depth: Depth) -> None:
        self.hip, self.spec, self.problem, self.depth = hip, spec, problem, depth
        self.voxels = hip.lesion.mask.positions_mm()
        self.ring = ring_points(RING)

    def removed_at_once(self, poses: Poses) -> FloatArray:
        """Share of the lesion's voxels that each of N tunnels removes, 0 where it breaks a constraint; (N,)."""
        good = self._entered(poses) & self._free_wall(poses) & self._free_outward(poses)
        return np.asarray(np.where(good, self._share(poses), 0.0))

    def removed(self, poses: Poses, *, rays: Callable[[Poses], BoolArray] | None = None) -> FloatArray:
        """The same with cheap rules first, each on what the ones before have left; ``rays`` replaces walls' depths."""
        result = np.zeros(len(poses.length))
        left = np.flatnonzero(self._entered(poses))
        for rule in (self._free_wall if rays is None else rays, self._free_outward):
            if len(left):
                left = left[rule(poses.part(left))]
        if len(left):
            result[left] = self._share(poses.part(left))
        return result

    def _share(self, poses: Poses) -> FloatArray:
        offset = self.voxels[None] - poses.entry[:, None]
        s = np.einsum("nij,nj->ni", offset, poses.direction)
        square = np.einsum("nij,nij->ni", offset, offset) - s * s
        inside = (square <= self.spec.radius_mm**2) & (s >= 0) & (s <= poses.length[:, None])
        return np.asarray(inside.mean(axis=1))

    def _entered(self, poses: Poses) -> BoolArray:
        spec, anatomy, u, entry = self.spec, self.hip.anatomy, poses.direction, poses.entry
        normal, sine = self._normals(poses)
        angle = np.arccos(np.clip(-(u @ anatomy.shaft_axis), -1.0, 1.0))
        away = entry - anatomy.head_center
        height, rise = away @ anatomy.shaft_axis, spec.radius_mm / np.sin(angle)
        level = anatomy.lesser_trochanter_height_mm
        good = (np.degrees(angle) >= spec.shaft_angle_min_deg) & (np.degrees(angle) <= spec.shaft_angle_max_deg)
        good &= np.degrees(np.arcsin(sine)) >= spec.incidence_min_deg
        good &= normal @ anatomy.x_axis >= np.cos(np.radians(spec.entry_normal_max_deg))
        good &= np.abs(away @ anatomy.y_axis - anatomy.midline_y(height)) <= spec.entry_ap_max_mm
        good &= (height - rise - level >= self.problem.entry_distal) & (height + rise - level <= spec.entry_proximal_mm)
        return np.asarray(good & (poses.length <= spec.length_max_mm))

    def _free_wall(self, poses: Poses) -> BoolArray:
        spec, u = self.spec, poses.direction
        _, sine = self._normals(poses)
        overhang = spec.radius_mm * np.sqrt(1.0 - sine**2)
        mouth, portal = overhang / sine + PORTAL_EXTRA_MM, (spec.cortical_margin_mm + overhang) / sine + PORTAL_EXTRA_MM
        wall = walls(u, spec.radius_mm)
        along = np.arange(0.0, float(poses.length.max()) + STEP_MM, STEP_MM)
        t = np.minimum(along[None], poses.length[:, None])
        around = (poses.entry[:, None] + t[..., None] * u[:, None])[:, :, None] + wall[:, None]
        opening = np.where(t >= mouth[:, None], 0.0, -np.inf)[..., None]
        least = np.where((t >= portal[:, None])[..., None], self._margin(around), opening)
        good = np.all(self.depth(around) >= least, axis=(1, 2))
        tip = poses.entry + poses.length[:, None] * u
        disc = tip[:, None, None] + np.array([0.0, 0.5, 1.0])[None, :, None, None] * wall[:, None]
        return np.asarray(good & np.all(self.depth(disc) >= self._margin(disc), axis=(1, 2)))

    def _free_outward(self, poses: Poses) -> BoolArray:
        _, sine = self._normals(poses)
        mouth = self.spec.radius_mm * np.sqrt(1.0 - sine**2) / sine + PORTAL_EXTRA_MM
        back = np.maximum(np.arange(2.0, OUTWARD_MM, 2.0), mouth[:, None])
        outside = poses.entry[:, None] - back[..., None] * poses.direction[:, None]
        ahead = outside[:, :, None] + walls(poses.direction, self.spec.radius_mm)[:, None]
        return np.asarray(np.all(self.depth(ahead) <= 0.0, axis=(1, 2)))

    def _normals(self, poses: Poses) -> tuple[FloatArray, FloatArray]:
        normal = self.hip.bone.mouth_normal(poses.entry)
        return normal, np.clip(np.abs(np.einsum("ij,ij->i", normal, poses.direction)), 1e-6, 1.0)

    def _margin(self, points: FloatArray) -> FloatArray:
        anatomy, spec = self.hip.anatomy, self.spec
        flat = points.reshape(-1, 3)
        margin = np.full(len(flat), spec.cortical_margin_mm)
        margin[anatomy.in_posterosuperior_quarter(flat)] = spec.posterosuperior_margin_mm
        margin[anatomy.in_head(flat)] = spec.joint_margin_mm
        return margin.reshape(points.shape[:-1])


def nearest_depth(hip: Hip) -> tuple[FloatArray, Depth]:
    """A distance transform less half a voxel, and its nearest voxel's value."""
    spacing = hip.bone.spacing_mm
    inside = hip.bone_mask.voxels
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)
    depth = np.where(inside, depth - 0.5 * spacing.min(), -1.0)
    last = np.array(depth.shape) - 1

    def at(points: FloatArray) -> FloatArray:
        index = np.clip(np.rint(points / spacing).astype(np.int64), 0, last)
        return np.asarray(depth[index[..., 0], index[..., 1], index[..., 2]])

    return depth, at


def trilinear_depth(hip: Hip) -> Depth:
    """The planner's own field by scipy."""
    bone = hip.bone

    def at(points: FloatArray) -> FloatArray:
        index = np.moveaxis(points / bone.spacing_mm, -1, 0)
        return np.asarray(ndimage.map_coordinates(bone.distance_mm, index, order=1, mode="constant", cval=-1000.0))

    return at


def looped(hip: Hip, spec: Spec, depth: FloatArray, poses: Poses) -> list[int]:
    """Lesion voxels in each tunnel whose walls keep the cortical margin, in plain loops."""
    spacing, shape = [float(s) for s in hip.bone.spacing_mm], depth.shape
    voxels, r, result = hip.lesion.mask.positions_mm().tolist(), spec.radius_mm, []
    for n in range(len(poses.length)):
        entry, u, length = poses.entry[n].tolist(), poses.direction[n].tolist(), float(poses.length[n])
        e = np.cross(u, np.eye(3)[int(np.argmin(np.abs(u)))])
        f = np.cross(u, e)
        e, f = (e / np.linalg.norm(e)).tolist(), (f / np.linalg.norm(f)).tolist()
        kept, t = True, 10.0
        while t < length:
            for c, s in ring_points(RING).tolist():
                at = [entry[k] + t * u[k] + r * (c * e[k] + s * f[k]) for k in range(3)]
                i, j, k = (min(max(round(at[a] / spacing[a]), 0), shape[a] - 1) for a in range(3))
                kept = kept and bool(depth[i, j, k] >= spec.cortical_margin_mm)
            t += STEP_MM
        count = 0
        for x, y, z in voxels:
            d = (x - entry[0], y - entry[1], z - entry[2])
            a = d[0] * u[0] + d[1] * u[1] + d[2] * u[2]
            count += int(0.0 <= a <= length and d[0] ** 2 + d[1] ** 2 + d[2] ** 2 - a * a <= r * r)
        result.append(count if kept else 0)
    return result


def walls(u: FloatArray, radius: float) -> FloatArray:
    """Offsets (N, RING, 3) of the points of a ring about each of N directions."""
    e = np.cross(u, np.eye(3)[np.argmin(np.abs(u), axis=1)])
    e /= np.linalg.norm(e, axis=1, keepdims=True)
    ring = radius * ring_points(RING)
    return np.asarray(ring[None, :, :1] * e[:, None] + ring[None, :, 1:] * np.cross(u, e)[:, None])


def embree(hip: Hip, spec: Spec) -> Callable[[Poses], BoolArray] | None:
    """Whether sixteen rays along a wall, a margin outside it, hit nothing before the tip; ``None``: not installed.

    Each ray's first hit, from 15 mm behind the entry; one margin for all, for a ray knows no region.
    """
    try:
        trimesh, pyembree = import_module("trimesh"), import_module("trimesh.ray.ray_pyembree")
    except ImportError:
        return None
    mesh = surface_mesh(hip.bone_mask.voxels, hip.bone_mask.grid.spacing_mm)
    scene = trimesh.Trimesh(mesh.points_mm, mesh.triangles, process=False)
    caster = pyembree.RayMeshIntersector(scene)
    planes = np.column_stack([scene.face_normals, np.einsum("ij,ij->i", scene.face_normals, scene.triangles[:, 0])])

    def free(poses: Poses) -> BoolArray:
        way = np.repeat(poses.direction, RING, axis=0)
        wall = walls(poses.direction, spec.radius_mm + spec.cortical_margin_mm)
        start = (poses.entry[:, None] + 15.0 * poses.direction[:, None] + wall).reshape(-1, 3)
        hit = caster.intersects_first(start, way)
        plane = planes[np.maximum(hit, 0)]
        down = np.einsum("ij,ij->i", plane[:, :3], way)
        far = (plane[:, 3] - np.einsum("ij,ij->i", plane[:, :3], start)) / np.where(down == 0.0, 1e-9, down)
        clear = (hit >= 0).reshape(-1, RING) & (far.reshape(-1, RING) >= poses.length[:, None] - 15.0)
        return np.asarray(clear.all(axis=1))

    return free
