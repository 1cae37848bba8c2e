"""A tunnel's figures that hang on a femoral frame which is not known for sure: the same in the others it may be."""

from __future__ import annotations

import numpy as np

from corecore.hip.anatomy.frame import possible_frames, with_midline_at
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, frame_figures, shaft_figures, surface_of

#: An assumed level of the lesser trochanter lies within this of its own in 19 femora of 20, head diameters: twice the
#: spread of 0.12 (PMID 20069639, 200 femora).
LEVEL_RANGE_DIAMETERS = 0.24
#: Figures that hang on the shaft's axis alone.
ALONG_SHAFT = ("shaft_angle_deg", "entry_above_lesser_trochanter_mm", "entry_below_greater_trochanter_mm")

#: Figures that hang on where lateral is.
ACROSS = (
    "posterosuperior_clearance_mm", "entry_normal_deg", "ap_angle_deg", "lateral_tilt_deg", "entry_anterior_mm",
)  # fmt: skip


def tunnel_frame_range(hip: Hip, tunnel: Tunnel, figures: TunnelFigures) -> dict[str, list[float]]:
    """Least and greatest of each figure by its key; empty where condyles or the user and a whole shaft tell all."""
    anatomy = hip.anatomy
    frames = possible_frames(anatomy)
    normal = hip.bone.mouth_normal(tunnel.entry)[0]
    met = [{name: value for name in (*ALONG_SHAFT, *ACROSS) if (value := getattr(figures, name)) is not None}]
    portal = figures.portal_length_mm
    surface = surface_of(hip, tunnel, portal, portal)
    for frame in frames:
        height = float((tunnel.entry - frame.head_center) @ frame.shaft_axis)
        seen = with_midline_at(hip.bone, frame, height)
        met.append({
            **frame_figures(normal, seen, tunnel),
            "posterosuperior_clearance_mm": surface.posterosuperior_mm(frame),
            **(shaft_figures(frame, tunnel) if anatomy.shaft_range_deg else {}),
        })  # fmt: skip
    ranges = {}
    for name in met[0] if frames else ():
        values = [one[name] for one in met if name in one and np.isfinite(one[name])]
        if len(values) > 1:
            ranges[name] = [min(values), max(values)]
    if anatomy.sources.get("lesser_trochanter") == "assumed":
        name, level = "entry_above_lesser_trochanter_mm", LEVEL_RANGE_DIAMETERS * 2.0 * anatomy.head_radius_mm
        middle = figures.entry_above_lesser_trochanter_mm
        low, high = ranges.get(name, [middle, middle])
        # Level and axis err independently.
        ranges[name] = [middle - float(np.hypot(middle - low, level)), middle + float(np.hypot(high - middle, level))]
    return ranges
