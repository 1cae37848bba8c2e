"""Hips of closed form with a tunnel made by hand, and the plan.json that is true of them.

A ball for the head, an oblique cylinder for the neck, an upright one for the shaft, a ball
for the lesion. Nothing here uses the package: bone is known by its formulas, distances are to
a dense cloud on those formulas, volumes are counted on a fine lattice. Files are written once a run (``shared``).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import nibabel as nib
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from support.shared import shared

Array = npt.NDArray[np.float64]

HEAD_RADIUS = 24.0
NECK_RADIUS = 14.0
SHAFT_RADIUS = 16.0
NECK_SHAFT_DEG = 125.0
ANTEVERSION_DEG = 14.0
#: Horizontal distance of the shaft axis from the head's centre, and the shaft's ends, mm.
OFFSET = 43.0
SHAFT_TOP, SHAFT_BOTTOM = -12.0, -150.0
TROCHANTER_HEIGHT = -50.0
LESION_RADIUS = 9.0
LESION_CENTER = np.array([-3.0, 5.0, 10.0])
#: The scan ends here, so that it cuts the shaft.
SCAN_BOTTOM = -135.0

SPEC: dict[str, Any] = {
    "preset": "core-10",
    "diameter_mm": 10.0,
    "tunnels": 1,
    "cortical_margin_mm": 3.0,
    "posterosuperior_margin_mm": 5.0,
    "joint_margin_mm": 5.0,
    "incidence_min_deg": 30.0,
    "shaft_angle_min_deg": 110.0,
    "shaft_angle_max_deg": 145.0,
    "length_max_mm": 130.0,
    "entry_normal_max_deg": 60.0,
    "entry_ap_max_mm": 8.0,
    "entry_distal_mm": 5.0,
    "entry_proximal_mm": 25.0,
    "bridge_min_mm": 3.0,
    "cap_half_angle_deg": 55.0,
    "subchondral_depth_mm": 5.0,
}
POLE = np.array([-0.274, 0.163, 0.948])


def unit(vector: npt.ArrayLike) -> Array:
    array = np.asarray(vector, dtype=np.float64)
    return np.asarray(array / np.linalg.norm(array))


def degrees_between(a: Array, b: Array) -> float:
    return float(np.degrees(np.arccos(np.clip(np.dot(unit(a), unit(b)), -1.0, 1.0))))


_tilt, _turn = np.radians(NECK_SHAFT_DEG - 90.0), np.radians(ANTEVERSION_DEG)
#: To the head, in the femoral frame (x lateral, y anterior, z proximal).
NECK = np.array([-np.cos(_tilt) * np.cos(_turn), np.cos(_tilt) * np.sin(_turn), np.sin(_tilt)])
SHAFT_XY = OFFSET * np.array([np.cos(_turn), -np.sin(_turn)])
NECK_LENGTH = OFFSET / float(np.cos(_tilt))


def in_head_ball(points: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(np.einsum("ij,ij->i", points, points) <= HEAD_RADIUS**2)


def in_neck_cylinder(points: Array) -> npt.NDArray[np.bool_]:
    distal = -(points @ NECK)
    across = np.einsum("ij,ij->i", points, points) - distal**2
    return np.asarray((distal >= 0.0) & (distal <= NECK_LENGTH) & (across <= NECK_RADIUS**2))


def in_shaft(points: Array) -> npt.NDArray[np.bool_]:
    across = np.sum((points[:, :2] - SHAFT_XY) ** 2, axis=1)
    return np.asarray((across <= SHAFT_RADIUS**2) & (points[:, 2] <= SHAFT_TOP) & (points[:, 2] >= SHAFT_BOTTOM))


def in_bone(points: Array) -> npt.NDArray[np.bool_]:
    """Whether points (N, 3) of the femoral frame lie in bone."""
    return np.asarray(in_head_ball(points) | in_neck_cylinder(points) | in_shaft(points))


def in_lesion(points: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(np.sum((points - LESION_CENTER) ** 2, axis=1) <= LESION_RADIUS**2)


def in_head_region(points: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(in_head_ball(points) & (points @ NECK >= -0.5 * HEAD_RADIUS))


@lru_cache(maxsize=1)
def surface_tree() -> cKDTree:
    """A cloud on the bone's surface, 0.35 mm apart: 4 mm away it is 0.004 mm too far."""
    step = 0.35
    count = int(4 * np.pi * HEAD_RADIUS**2 / step**2)
    k = np.arange(count) + 0.5
    polar, turn = np.arccos(1 - 2 * k / count), np.pi * (1 + 5**0.5) * k
    ball = HEAD_RADIUS * np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    u = unit(np.cross(NECK, [0.0, 0.0, 1.0]))
    v = np.cross(NECK, u)
    angle = np.arange(0, 2 * np.pi, step / NECK_RADIUS)
    ring = NECK_RADIUS * (np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v)
    neck = (ring[None] - np.arange(0, NECK_LENGTH, step)[:, None, None] * NECK).reshape(-1, 3)
    angle = np.arange(0, 2 * np.pi, step / SHAFT_RADIUS)
    height = np.arange(SHAFT_BOTTOM, SHAFT_TOP, step)
    a, h = (grid.ravel() for grid in np.meshgrid(angle, height))
    shaft = np.stack([SHAFT_XY[0] + SHAFT_RADIUS * np.cos(a), SHAFT_XY[1] + SHAFT_RADIUS * np.sin(a), h], axis=1)
    disc = np.arange(-SHAFT_RADIUS, SHAFT_RADIUS, step)
    x, y = (grid.ravel() for grid in np.meshgrid(disc, disc))
    keep = x**2 + y**2 < SHAFT_RADIUS**2
    top = np.stack([SHAFT_XY[0] + x[keep], SHAFT_XY[1] + y[keep], np.full(keep.sum(), SHAFT_TOP)], axis=1)
    cloud = np.concatenate(
        [
            ball[~in_neck_cylinder(ball) & ~in_shaft(ball)],
            neck[~in_head_ball(neck) & ~in_shaft(neck)],
            shaft[~in_head_ball(shaft) & ~in_neck_cylinder(shaft)],
            top[~in_head_ball(top) & ~in_neck_cylinder(top)],
        ]
    )
    return cKDTree(cloud)


def lattice(low: npt.ArrayLike, high: npt.ArrayLike, step: float) -> Array:
    axes = [np.arange(a + step / 2, b, step) for a, b in zip(np.asarray(low), np.asarray(high), strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


@lru_cache(maxsize=1)
def lesion_points() -> Array:
    points = lattice(LESION_CENTER - LESION_RADIUS - 0.2, LESION_CENTER + LESION_RADIUS + 0.2, 0.2)
    # Shaken, so that no layer lies on a plane of the frame.
    points = points + np.random.default_rng(7).uniform(-0.1, 0.1, points.shape)
    return np.asarray(points[in_lesion(points)])


@lru_cache(maxsize=1)
def head_volume_ml() -> float:
    points = lattice([-HEAD_RADIUS] * 3, [HEAD_RADIUS] * 3, 0.5)
    return float(in_head_region(points).sum()) * 0.5**3 / 1000.0


@dataclass(frozen=True)
class Pose:
    """Where the hip lies in the world: side, a turn of the patient, a shift, voxel size."""

    side: Literal["left", "right"] = "right"
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift: tuple[float, float, float] = (71.3, -18.6, 402.9)
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def world(self, points: npt.ArrayLike) -> Array:
        return np.asarray(self.direction(points) + np.asarray(self.shift))

    def direction(self, vectors: npt.ArrayLike) -> Array:
        a, b, c = np.radians(self.turn_deg)
        x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
        mirror = np.diag([1.0 if self.side == "right" else -1.0, 1.0, 1.0])
        return np.asarray(np.asarray(vectors, dtype=np.float64) @ (z @ y @ x @ mirror).T)

    def femoral(self, points: Array) -> Array:
        # The rows of ``direction(identity)`` are the femoral axes in the world.
        return np.asarray((points - np.asarray(self.shift)) @ self.direction(np.eye(3)).T)


@dataclass(frozen=True)
class Shot:
    """A tunnel in the femoral frame: aimed from a height on the lateral cortex through a point, to a tip depth."""

    height: float = -37.5
    through: tuple[float, float, float] = (-1.0, 2.0, 4.0)
    #: Turn of the entry round the shaft from straight lateral, degrees (negative: behind).
    round_deg: float = -14.0
    #: Joint clearance of the end disc's rim, mm.
    joint: float = 5.6
    diameter: float = 10.0


@dataclass
class Tunnel:
    entry: Array
    tip: Array
    diameter: float
    figures: dict[str, float | None] = field(default_factory=dict)

    @property
    def axis(self) -> Array:
        return unit(self.tip - self.entry)

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.tip - self.entry))

    def distance(self, points: Array) -> Array:
        along = (points - self.entry) @ self.axis
        across = np.sqrt(np.maximum(np.sum((points - self.entry) ** 2, axis=1) - along**2, 0.0))
        beyond = np.maximum(np.maximum(-along, along - self.length), 0.0)
        return np.asarray(np.hypot(np.maximum(across - self.diameter / 2, 0.0), beyond))


def aim(shot: Shot) -> tuple[Tunnel, Array]:
    """The tunnel without its figures, and the outward normal at its entry."""
    turn = np.radians(shot.round_deg)
    normal = np.array([np.cos(turn), np.sin(turn), 0.0])
    entry = np.array([*(SHAFT_XY + SHAFT_RADIUS * normal[:2]), shot.height])
    axis = unit(np.asarray(shot.through) - entry)
    # Rim of the flat end at HEAD_RADIUS - joint from the head's centre, on the side where it is farthest.
    steps = np.arange(20.0, 200.0, 0.01)
    centres = entry + steps[:, None] * axis
    along = centres @ axis
    beside = np.sqrt(np.maximum(np.sum(centres**2, axis=1) - along**2, 0.0))
    rim = np.hypot(along, beside + shot.diameter / 2)
    inner = np.flatnonzero(rim <= HEAD_RADIUS - shot.joint)
    return Tunnel(entry, centres[inner[-1]], shot.diameter), normal


def portal_length(tunnel: Tunnel, normal: Array, margin: float) -> float:
    theta = np.radians(90.0 - degrees_between(-normal, tunnel.axis))
    return float((margin + tunnel.diameter / 2 * np.cos(theta)) / np.sin(theta) + 2.0)


@lru_cache
def shoot(shot: Shot, margin: float) -> Tunnel:
    """The tunnel and its figures by closed form and dense sampling."""
    tunnel, normal = aim(shot)
    entry, tip, axis = tunnel.entry, tunnel.tip, tunnel.axis
    incidence = 90.0 - degrees_between(-normal, axis)
    radius = shot.diameter / 2
    portal = portal_length(tunnel, normal, margin)
    u = unit(np.cross(axis, [0.3, 0.5, -0.8]))
    v = np.cross(axis, u)
    angle = np.radians(np.arange(0, 360, 6.0))
    ring = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
    stations = np.arange(portal, tunnel.length, 0.3)
    wall = ((entry + stations[:, None] * axis)[:, None] + radius * ring[None]).reshape(-1, 3)
    disc = (tip + np.linspace(0, radius, 12)[:, None, None] * ring[None]).reshape(-1, 3)
    samples = np.concatenate([wall, disc])
    # Bounded: near the ball's centre every point of the cloud is as near as any other.
    depth = surface_tree().query(samples, distance_upper_bound=8.0)[0]
    head = samples @ NECK >= -0.5 * HEAD_RADIUS
    lesion = lesion_points()
    tunnel.figures = {
        "diameter_mm": shot.diameter,
        "length_mm": tunnel.length,
        "portal_length_mm": portal,
        "removed_fraction": float(np.mean(tunnel.distance(lesion) == 0.0)),
        "cortical_clearance_mm": float(depth[~head].min()),
        "joint_clearance_mm": float(depth[head].min()) if head.any() else None,
        "incidence_deg": incidence,
        "shaft_angle_deg": degrees_between(axis, np.array([0.0, 0.0, -1.0])),
        "entry_above_lesser_trochanter_mm": shot.height - TROCHANTER_HEIGHT,
        "entry_below_greater_trochanter_mm": SHAFT_TOP - shot.height,
        "entry_anterior_mm": float(entry[1] - SHAFT_XY[1]),
        "entry_normal_deg": abs(shot.round_deg),
        "ap_angle_deg": float(np.degrees(np.arctan2(-axis[0], -axis[2]))),
        "lateral_tilt_deg": float(np.degrees(np.arcsin(axis[1]))),
    }
    return tunnel


def totals(tunnels: list[Tunnel], spec: dict[str, Any]) -> dict[str, Any]:
    lesion = lesion_points()
    volume = 4 / 3 * np.pi * LESION_RADIUS**3 / 1000.0
    gap = np.min([tunnel.distance(lesion) for tunnel in tunnels], axis=0)
    corners = np.concatenate([[tunnel.entry, tunnel.tip] for tunnel in tunnels])
    box = lattice(corners.min(axis=0) - 6, corners.max(axis=0) + 6, 0.6)
    box = box + np.random.default_rng(8).uniform(-0.3, 0.3, box.shape)
    drilled = np.any([tunnel.distance(box) == 0.0 for tunnel in tunnels], axis=0)
    graft = float(in_bone(box[drilled]).sum()) * 0.6**3 / 1000.0
    removed = float(np.mean(gap == 0.0))
    cone = lesion @ unit(POLE) >= np.cos(np.radians(spec["cap_half_angle_deg"])) * np.linalg.norm(lesion, axis=1)
    deep = np.linalg.norm(lesion, axis=1) < HEAD_RADIUS - spec["joint_margin_mm"]
    return {
        "removed_fraction": removed,
        "reachable_fraction": float(np.mean(deep)),
        "removed_weight_bearing_fraction": float(np.mean(gap[cone] == 0.0)),
        "reached_3mm_fraction": float(np.mean(gap <= 3.0)),
        "reached_5mm_fraction": float(np.mean(gap <= 5.0)),
        "foci_removed_fraction": [removed],
        "necrosis_removed_ml": removed * volume,
        "necrosis_left_ml": (1 - removed) * volume,
        "healthy_bone_removed_ml": graft - removed * volume,
        "graft_volume_ml": graft,
        "upper_bound_fraction": removed * 1.008,
        "optimality_gap": 0.008,
        "neck_area_share": float(
            sum((tunnel.diameter / 2) ** 2 / abs(np.dot(tunnel.axis, NECK)) for tunnel in tunnels) / NECK_RADIUS**2
        ),
    }


def necrosis(pose: Pose) -> dict[str, Any]:
    lesion = lesion_points()
    volume = 4 / 3 * np.pi * LESION_RADIUS**3 / 1000.0
    x, y, z = lesion.T
    cone = lesion @ unit(POLE) >= np.cos(np.radians(SPEC["cap_half_angle_deg"])) * np.linalg.norm(lesion, axis=1)
    shares = {
        a + s + m: float(
            np.mean((y >= 0 if a == "A" else y < 0) & (z >= 0 if s == "S" else z < 0) & (x < 0 if m == "M" else x >= 0))
        )
        for a in "AP"
        for s in "SI"
        for m in "ML"
    }
    return {
        "volume_ml": volume,
        "head_volume_ml": head_volume_ml(),
        "outside_head_ml": 0.0,
        "head_fraction": volume / head_volume_ml(),
        "sphere_fraction": (LESION_RADIUS / HEAD_RADIUS) ** 3,
        "centroid": pose.world(LESION_CENTER).tolist(),
        "weight_bearing": {
            "pole": POLE.tolist(),
            "cap_half_angle_deg": SPEC["cap_half_angle_deg"],
            "volume_fraction": float(np.mean(cone)),
        },
        "octants": shares,
        "components": [{"volume_ml": volume, "octant": "ASM", "centroid": pose.world(LESION_CENTER).tolist()}],
    }


def write_masks(folder: Path, pose: Pose, *, separate: bool = False) -> list[dict[str, Any]]:
    """Voxelise bone (1) and lesion (2) and write them; returns ``case.inputs``."""
    made = shared.written(f"masks {pose!r} {separate}", lambda to: _write_masks(to, pose, separate=separate))
    inputs: list[dict[str, Any]] = json.loads((made / "inputs.json").read_text())
    for item in inputs:
        if not (folder / item["path"]).exists():
            shutil.copy(made / item["path"], folder)
    return inputs


def _write_masks(folder: Path, pose: Pose, *, separate: bool) -> None:
    spacing = np.asarray(pose.spacing)
    corners = lattice([-HEAD_RADIUS, -HEAD_RADIUS - 6, SCAN_BOTTOM], [62.0, HEAD_RADIUS, HEAD_RADIUS], 2.0)
    corners = pose.world(corners[in_bone(corners)])
    low, high = corners.min(axis=0) - 6.0, corners.max(axis=0) + 6.0
    # An odd start, so that no voxel lies by luck on a plane of symmetry; the scan cuts the shaft.
    low = low + np.array([0.37, 0.21, 6.0]) * spacing
    shape = np.ceil((high - low) / spacing).astype(int)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = low
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    points = pose.femoral(index * spacing + low)
    labels = in_bone(points).astype(np.uint8)
    labels[in_lesion(points)] = 2
    labels = labels.reshape(shape)
    parts: list[tuple[str, str, Any, int | None]]
    if separate:
        femur, lesion = (labels == 1).astype(np.uint8), (labels == 2).astype(np.uint8)
        parts = [("femur", "femur.nii.gz", femur, None), ("lesion", "lesion.nii.gz", lesion, None)]
    else:
        parts = [("femur", "seg.nii.gz", labels, 1), ("lesion", "seg.nii.gz", labels, 2)]
    inputs = []
    for role, name, array, label in parts:
        image = nib.Nifti1Image(array, affine)
        image.header.set_xyzt_units("mm")
        image.set_sform(affine, 1)
        image.set_qform(affine, 1)
        path = folder / name
        if not path.exists():
            nib.save(image, path)
        inputs.append(
            {"role": role, "path": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "label": label}
        )
    (folder / "inputs.json").write_text(json.dumps(inputs))


def plan_of(
    inputs: list[dict[str, Any]],
    pose: Pose,
    shots: tuple[Shot, ...] = (Shot(),),
    *,
    spec: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The plan.json (as a dictionary) that is true of a hip."""
    spec = {**SPEC, **(spec or {})}
    tunnels = [shoot(shot, spec["cortical_margin_mm"]) for shot in shots]
    return {
        "schema": "corecore.plan/1",
        "created": "2026-01-01T00:00:00Z",
        "corecore_version": "0",
        "coordinate_system": "RAS",
        "units": "mm",
        "status": "planned",
        "violations": [],
        "warnings": [],
        "case": {"id": "closed-form", "side": pose.side, "inputs": inputs},
        "anatomy": {
            "head_center": pose.world(np.zeros(3)).tolist(),
            "head_radius_mm": HEAD_RADIUS,
            "shaft_axis": pose.direction([0.0, 0.0, 1.0]).tolist(),
            "shaft_point": pose.world([*SHAFT_XY, -100.0]).tolist(),
            "neck_axis": pose.direction(NECK).tolist(),
            "x_axis": pose.direction([1.0, 0.0, 0.0]).tolist(),
            "neck_shaft_angle_deg": NECK_SHAFT_DEG,
            "neck_min_area_mm2": float(np.pi * NECK_RADIUS**2),
            "lesser_trochanter_tip": pose.world([30.0, -25.0, TROCHANTER_HEIGHT]).tolist(),
            "lesser_trochanter_height_mm": TROCHANTER_HEIGHT,
            "greater_trochanter_tip": pose.world([45.0, -12.0, SHAFT_TOP]).tolist(),
            "sources": {
                "head_center": "fitted",
                "shaft_axis": "fitted",
                "neck_axis": "fitted",
                "lesser_trochanter": "given",
                "x_axis": "neck",
            },
        },
        "necrosis": necrosis(pose),
        "spec": spec,
        "tunnels": [
            {
                "entry": pose.world(tunnel.entry).tolist(),
                "tip": pose.world(tunnel.tip).tolist(),
                "direction": pose.direction(tunnel.axis).tolist(),
                **tunnel.figures,
            }
            for tunnel in tunnels
        ],
        "totals": totals(tunnels, spec),
        "alternatives": [],
        "timings": {},
    }


def write_plan(folder: Path, plan: dict[str, Any], name: str = "plan.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(plan, indent=1), encoding="utf-8")
    return path
