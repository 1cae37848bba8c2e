"""Five plans of the drawn phantom that between them show everything a picture can."""

from __future__ import annotations

import numpy as np

from corecore.report.scene import Scene
from support.report_plan import full_plan
from support.view_phantom import HEAD, LESION_OFFSET, phantom_scene

LOADED = {"weight_bearing": {"pole": [-0.27, 0.1, 0.96], "cap_half_angle_deg": 55.0}}


def five_scenes() -> dict[str, Scene]:
    """A tunnel, a fan in a left hip, a cavity, a path that breaks a limit, and none."""
    fan = full_plan("left")
    entry = HEAD + np.array([-58.0, 0, -44])
    tips = HEAD + LESION_OFFSET + np.array([[0, 0, 0], [0, 6, 2], [0, -6, -1], [5, 2, 5], [-4, 1, -5.0]])
    thin = [{**fan["tunnels"][0], "entry": entry.tolist(), "tip": tip.tolist(), "diameter_mm": 3.2} for tip in tips]
    cavity = {**full_plan()["tunnels"][0], "diameter_mm": 9.0, "cavity_diameter_mm": 18.0, "cavity_length_mm": 14.0}
    broken = [{"key": "joint_margin_mm", "limit": 5.0, "value": 3.94}]
    return {
        "one": phantom_scene(**full_plan(necrosis=LOADED)),
        "fan": phantom_scene("left", **{**fan, "tunnels": thin, "necrosis": LOADED}),
        "cavity": phantom_scene(**full_plan(tunnels=1, necrosis=LOADED) | {"tunnels": [cavity]}),
        "broken": phantom_scene("left", **full_plan("left", status="manual", violations=broken, necrosis=LOADED)),
        "none": phantom_scene(**full_plan(status="infeasible", necrosis=LOADED) | {"tunnels": [], "totals": {}}),
    }
