"""A femur of simple shapes with a one-sided lesion, for the tests of pictures and pages.

The lesion sits to the patient's right of the head's centre, in front of it and above it, on
both sides of the body: a picture that mirrors the patient puts it on the wrong side.
"""

from __future__ import annotations

import colorsys
import json
from functools import cache
from typing import Any

import numpy as np

from corecore.base.distance_field import bone_from_voxels
from corecore.base.grid import BoolArray, FloatArray, Grid, Image
from corecore.base.mesh import TriangleMesh, surface_mesh
from corecore.document.plan import PlanDocument
from corecore.document.read import parsed
from corecore.document.seal import plan_hash
from corecore.report import palette
from corecore.report.pictures.surface import Picture
from corecore.report.scene import Scene
from corecore.report.tissue import Tissue

HEAD = np.array([80.0, 120.0, -800.0])
RADIUS_MM = 23.0
#: From the head's centre to the lesion's, RAS mm: right, front, up.
LESION_OFFSET = np.array([8.0, 9.0, 9.0])
SPACING = np.full(3, 2.0)


START = HEAD - np.array([80.0, 50.0, 130.0])
NECK_RADIUS_MM = 15.0


def neck_axis(side: str) -> FloatArray:
    """From the head down the neck, a unit vector."""
    return np.asarray(np.array([1.0 if side == "right" else -1.0, 0.0, -1.0]) / np.sqrt(2), dtype=np.float64)


@cache
def _solids(side: str) -> tuple[BoolArray, BoolArray]:
    """Bone and lesion on the phantom's grid."""
    outward = 1.0 if side == "right" else -1.0
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in (80, 50, 85)), indexing="ij"), axis=-1) * SPACING + START
    offset = grid - HEAD
    head = np.sum(offset**2, axis=-1) <= RADIUS_MM**2
    along = offset @ neck_axis(side)
    neck = (along > 0) & (along < 65) & (np.sum(offset**2, axis=-1) - along**2 <= NECK_RADIUS_MM**2)
    shaft = ((offset[..., 0] - outward * 46) ** 2 + offset[..., 1] ** 2 <= 14**2) & (offset[..., 2] < -30)
    lesion = np.sum((offset - LESION_OFFSET) ** 2, axis=-1) <= 9.0**2
    return head | neck | shaft, lesion


@cache
def _meshes(side: str) -> tuple[TriangleMesh, TriangleMesh]:
    place = np.eye(4)
    place[:3, 3] = START
    femur, lesion = (surface_mesh(solid, SPACING).transformed(place) for solid in _solids(side))
    return femur, lesion


@cache
def phantom_tissue(side: str = "right") -> Tissue:
    """The phantom's volumes, without an image."""
    bone, lesion = _solids(side)
    field = bone_from_voxels(bone, SPACING).distance_mm
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = START
    grid = Grid((field.shape[0], field.shape[1], field.shape[2]), affine)
    return Tissue(Image(grid, field), Image(grid, lesion.astype(np.float32)), None, "no image was given")


def phantom_plan(side: str = "right", **changes: Any) -> dict[str, Any]:
    """A plan with one 10 mm tunnel from the outer side into the lesion."""
    outward = 1.0 if side == "right" else -1.0
    entry, tip = HEAD + np.array([outward * 58, 0, -44]), HEAD + LESION_OFFSET
    length = float(np.linalg.norm(tip - entry))
    tunnel = {
        "entry": entry.tolist(),
        "tip": tip.tolist(),
        "direction": ((tip - entry) / length).tolist(),
        "diameter_mm": 10.0,
        "length_mm": length,
        "removed_fraction": 0.345,
        "cortical_clearance_mm": 4.1,
        "joint_clearance_mm": 5.2,
        "incidence_deg": 48.2,
        "shaft_angle_deg": 131.7,
    }
    plan = {
        "schema": "corecore.plan/1",
        "created": "2026-11-21T00:00:00Z",
        "corecore_version": "0.1.0",
        "coordinate_system": "RAS",
        "units": "mm",
        "status": "planned",
        "violations": [],
        "warnings": [],
        "case": {"id": "phantom", "side": side, "inputs": []},
        "anatomy": {
            "head_center": HEAD.tolist(),
            "head_radius_mm": RADIUS_MM,
            "shaft_axis": [0.0, 0.0, 1.0],
            "neck_axis": [-outward / np.sqrt(2), 0.0, 1 / np.sqrt(2)],
            "x_axis": [outward, 0.0, 0.0],
            "neck_shaft_angle_deg": 135.0,
            "sources": {"shaft_axis": "fitted"},
        },
        "necrosis": {"volume_ml": 0.9},
        "spec": {"preset": "core-10"},
        "tunnels": [tunnel],
        "totals": {"removed_fraction": 0.345, "necrosis_removed_ml": 0.3, "upper_bound_fraction": 0.348},
        "timings": {"search_s": 1.0},
    }
    return {**plan, **changes}


def scene_of(plan: dict[str, Any], femur: TriangleMesh, lesion: TriangleMesh) -> Scene:
    """The scene of a plan.json's content."""
    content = json.loads(json.dumps(plan))
    return Scene(parsed(content, PlanDocument, "plan.json"), femur, lesion, plan_hash(plan))


def phantom_scene(side: str = "right", **changes: Any) -> Scene:
    """The phantom's scene; ``changes`` replace parts of its plan."""
    return scene_of(phantom_plan(side, **changes), *_meshes(side))


def infeasible_scene(side: str = "right") -> Scene:
    """The phantom without a tunnel."""
    text = "joint_margin_mm binds: it would have to give way by 1.2 mm"
    return phantom_scene(side, status="infeasible", tunnels=[], totals={}, infeasible={"text": text})


def manual_scene(side: str = "right") -> Scene:
    """The phantom with a tunnel that breaks a constraint."""
    broken = [{"key": "joint_margin_mm", "limit": 5.0, "value": 3.94}]
    return phantom_scene(side, status="manual", violations=broken)


def parallel_to_neck(side: str, above_mm: float) -> Scene:
    """A 10 mm tunnel along the neck, moved up across its axis: the bone above it is known."""
    axis = neck_axis(side)
    up = np.array([axis[0], 0.0, -axis[2]])
    tunnel = dict(phantom_plan(side)["tunnels"][0])
    tunnel["entry"] = (HEAD + 62 * axis + above_mm * up).tolist()
    tunnel["tip"] = (HEAD - 5 * axis + above_mm * up).tolist()
    tunnel["portal_length_mm"] = 8.0
    return phantom_scene(side, tunnels=[tunnel])


def hue(picture: Picture, color: str) -> BoolArray:
    """Pixels of about a colour's hue, whatever bone lies over it."""
    wanted = colorsys.rgb_to_hsv(*palette.rgb(color))[0]
    unit = picture.reshape(-1, 3) / 255.0
    high, low = unit.max(axis=1), unit.min(axis=1)
    chroma = high - low
    r, g, b = unit.T
    safe = np.where(chroma > 0, chroma, 1.0)
    turn = np.where(high == r, (g - b) / safe % 6, np.where(high == g, (b - r) / safe + 2, (r - g) / safe + 4)) / 6
    away = np.abs((turn - wanted + 0.5) % 1.0 - 0.5)
    return np.asarray(((away < 0.03) & (chroma > 0.25)).reshape(picture.shape[:2]))


def middle(mask: BoolArray) -> FloatArray:
    """Mean row and column of a colour's pixels."""
    assert mask.sum() > 20, "the colour is not in the picture"
    return np.asarray(np.argwhere(mask).mean(axis=0), dtype=np.float64)
