"""A plan of the drawn phantom with every figure a report may print, for the tests of the report."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from corecore.report.scene import Scene
from support.view_phantom import phantom_plan, phantom_scene

SPEC: dict[str, Any] = {
    "preset": "core-10", "diameter_mm": 10.0, "tunnels": 1, "cortical_margin_mm": 3.0,
    "posterosuperior_margin_mm": 5.0, "joint_margin_mm": 5.0, "incidence_min_deg": 30.0,
    "shaft_angle_min_deg": 110.0, "shaft_angle_max_deg": 145.0, "length_max_mm": 130.0,
    "entry_normal_max_deg": 60.0, "entry_ap_max_mm": 8.0, "entry_distal_mm": 5.0, "entry_proximal_mm": 25.0,
    "bridge_min_mm": 3.0, "avoid_margin_mm": 0.0, "keep": [], "entry_fixed": None,
}  # fmt: skip
RISK = {
    "cortex_breach_probability": 0.0121, "joint_breach_probability": 0.0, "removed_fraction_mean": 0.3111,
    "removed_fraction_p05": 0.2502, "poses": 10240,
}  # fmt: skip


def full_plan(side: str = "right", *, tunnels: int = 1, **changes: Any) -> dict[str, Any]:
    """The phantom's plan with all parts; ``changes`` replace some."""
    plan = phantom_plan(side)
    figures = {
        **plan["tunnels"][0], "portal_length_mm": 9.0, "posterosuperior_clearance_mm": 6.25, "avoid_clearance_mm": None,
        "entry_normal_deg": 12.5, "ap_angle_deg": 127.4, "lateral_tilt_deg": -8.6, "incidence_deg": 48.2,
        "entry_above_lesser_trochanter_mm": 12.3, "entry_below_greater_trochanter_mm": 41.7, "entry_anterior_mm": -1.9,
        "explanation": {"text": "Enters here. Nearest to the joint: 5.2 mm, 90 mm from the entry."},
    }  # fmt: skip
    offset = np.array([0.0, 0.7, 0.0])
    several = []
    for number in range(tunnels):
        one = copy.deepcopy(figures)
        one["entry"] = (np.array(figures["entry"]) + number * offset).tolist()
        one["joint_clearance_mm"] = 5.2 + 0.1 * (tunnels - 1 - number)
        several.append(one)
    plan["tunnels"] = several
    plan["spec"] = {**SPEC, "tunnels": tunnels}
    plan["totals"] = {
        "removed_fraction": 0.345, "reachable_fraction": 0.61, "removed_weight_bearing_fraction": 0.402,
        "reached_3mm_fraction": 0.511, "reached_5mm_fraction": 0.633, "necrosis_removed_ml": 0.31,
        "necrosis_left_ml": 0.59, "healthy_bone_removed_ml": 5.44, "graft_volume_ml": 6.13, "neck_area_share": 0.113,
        "upper_bound_fraction": 0.348, "risk": {"guide": RISK, "fluoroscopy": RISK},
        "bone_left": {"neck_share_max": 0.112, "lateral_wall_share": 0.288, "hole_above_lesser_trochanter_mm": 6.3,
                      "bridge_mm": None},
    }  # fmt: skip
    plan["necrosis"] = {
        "volume_ml": 0.9, "head_fraction": 0.176, "head_fraction_half_voxel": [0.154, 0.19], "steinberg": "B",
        "weight_bearing": {"cap_half_angle_deg": 55.0, "surface_fraction": 0.61, "depth_mm": 0.4},
        "kerboul": {"combined_deg": 168.75, "grade": 1},
        "jic": {"type": "C2", "type_range": "C2", "basis": "population"},
        "repeatability": {"figures": {"volume_ml": {"half_voxel": [-0.1, 0.2]}}},
        "signs": {"stage": {"label": "ARCO 2019 II"}, "image_age": {"imaging_date": "2026-10-02"}},
        "summary": {"asks": ["physis"], "expected": [], "speaks_for": [],
                    "speaks_against": [{"text": "hips failed", "source": "doi:10.1/x", "cohort": "37 hips"}]},
    }  # fmt: skip
    plan["warnings"] = [{"code": "x", "text": "the shaft is short"}]
    plan["case"] = {
        "id": "case-17", "side": side,
        "inputs": [{"role": "femur", "path": "/home/Smith_John/femur.nii.gz", "sha256": "ab" * 32, "label": 1}],
    }  # fmt: skip
    plan["alternatives"] = [
        {"totals": {"removed_fraction": 0.3, "healthy_bone_removed_ml": 5.0},
         "room_mm": 0.8, "breach_probability": 0.18, "tunnels": several[:1],
         "against_plan": {"removed_fraction": -0.045, "room_mm": 0.5, "healthy_bone_removed_ml": -0.4,
                          "breach_probability": -0.1}}
    ]  # fmt: skip
    return {**plan, **changes}


def full_scene(side: str = "right", *, tunnels: int = 1, **changes: Any) -> Scene:
    """That plan with the phantom's surfaces."""
    return phantom_scene(side, **full_plan(side, tunnels=tunnels, **changes))
