"""The vastus ridge, found again from the mesh's vertices: where the lateral flare ends at the greater trochanter."""

from __future__ import annotations

import numpy as np

from corecore.document.stated import StatedPlan
from corecore.verification import tolerance
from corecore.verification.frame import Frame
from corecore.verification.hip import Hip
from corecore.verification.report import Check, at_most, equal

#: Slabs across the shaft in which the most lateral vertex is looked for: their distance and half their height, mm.
SLAB_MM, SLAB_HALF_MM = 1.0, 0.75
#: The profile is looked at so far above the lesser trochanter's level, mm.
ABOVE_MM = 50.0
#: One that was given lies this near to the surface, mm, and as much more as the surface is known.
GIVEN_OFF_MM = 5.0
#: It stands out of the chord by this at least, mm: half of what the planner asks for, since two surfaces of one mask
#: differ by a quarter of a millimetre, and a ridge that is stated is looked for, not judged by how far it stands out.
STANDS_OUT_MM = 0.25


def ridge_checks(plan: StatedPlan, hip: Hip, frame: Frame) -> list[Check]:
    """``anatomy.vastus_ridge`` of a plan that states it: its height, by the mesh.

    Of one that was given only that it lies on the lateral side of the bone.
    """
    stated = plan.anatomy.vastus_ridge
    if stated is None:
        return []
    if plan.anatomy.sources.get("vastus_ridge") == "given":
        slack = GIVEN_OFF_MM + float(hip.bone.grid.spacing_mm.max())
        gap = float(hip.mesh.surface_gap(stated[None], 2.0 * slack)[0])
        level = frame.height(stated)
        beside = float((stated - frame.center) @ frame.x - (frame.shaft_at(level) - frame.center) @ frame.x)
        return [
            at_most("anatomy.vastus_ridge (on the surface)", 0.0, gap, slack, "mm"),
            at_most("anatomy.vastus_ridge (medial of the shaft)", 0.0, max(0.0, -beside), tolerance.RIDGE_MM, "mm"),
        ]
    found = ridge_height_mm(hip, frame, plan.anatomy.lesser_trochanter_height_mm)
    return [equal("anatomy.vastus_ridge (height)", frame.height(stated), found, tolerance.RIDGE_MM, "mm")]


def ridge_in_force_mm(plan: StatedPlan, hip: Hip, frame: Frame) -> float | None:
    """Height of the ridge that a limit counts from, mm: as it was given, or else as the mesh shows it."""
    stated = plan.anatomy.vastus_ridge
    if stated is not None and plan.anatomy.sources.get("vastus_ridge") == "given":
        return frame.height(stated)
    return ridge_height_mm(hip, frame, plan.anatomy.lesser_trochanter_height_mm)


def ridge_height_mm(hip: Hip, frame: Frame, lesser_height_mm: float) -> float | None:
    """Height of the ridge above the head's centre along the shaft, mm; ``None`` where none stands out.

    From the lesser trochanter's level to the most lateral bone above it, the place furthest out of the chord between
    the two.
    """
    offset = hip.mesh.vertices_mm - frame.center
    z, x = offset @ frame.z, offset @ frame.x
    heights = np.arange(lesser_height_mm, lesser_height_mm + ABOVE_MM + 1e-9, SLAB_MM)
    profile = []
    for height in heights:
        near = np.abs(z - height) <= SLAB_HALF_MM
        profile.append(float(x[near].max()) if near.any() else np.nan)
    reach = np.array(profile)
    if np.isnan(reach[:10]).any():
        return None
    # The scan's end above leaves no bone: only what is in view counts.
    seen = int(np.argmax(np.isnan(reach))) if np.isnan(reach).any() else len(reach)
    top = int(np.argmax(reach[:seen]))
    if top < 5:
        return None
    run, rise = heights[top] - heights[0], reach[top] - reach[0]
    ahead = reach[: top + 1] - reach[0] - rise * (heights[: top + 1] - heights[0]) / run
    out = ahead * run / np.hypot(run, rise)
    place = int(np.argmax(out))
    return float(heights[place]) if out[place] >= STANDS_OUT_MM else None
