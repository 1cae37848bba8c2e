"""What an error of the lesion's outline does, again: from distances to the faces between lesion and living bone.

The plan draws outlines that wander and counts; here the chance of each point to be lesion follows from its distance
to the border in closed form, and so do the mean of what is removed and that of the whole.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import ndtr

from corecore.base.grid import FloatArray, transform
from corecore.document.fields import known
from corecore.document.stated import StatedPlan
from corecore.verification import tolerance
from corecore.verification.cylinder import DrilledCylinder
from corecore.verification.hip import Hip
from corecore.verification.report import Check, at_least, equal

#: Points at which the chances are taken lie this far apart, mm; chances beyond so many deviations are 0 or 1.
SPACING_MM, DEVIATIONS = 0.6, 3.0
#: Points on each face of a voxel at the border: so many along each edge.
ON_FACE = 3


def outline_checks(plan: StatedPlan, hip: Hip, bores: list[DrilledCylinder]) -> list[Check]:
    """``totals.outline`` of a plan that states it."""
    stated = known(plan.file.plan.totals.outline)
    error, expected = (
        (None, None) if stated is None else (known(stated.error_mm), known(stated.expected_removed_fraction))
    )
    removed = plan.totals.get("removed_fraction")
    if stated is None or error is None or expected is None or removed is None or not error > 0.0:
        return []
    name = "totals.outline"
    # By how much a share of the lesion differs where its outline does: a ball of its volume has so much surface.
    surface = float(np.cbrt(36.0 * np.pi / max(1000.0 * hip.lesion_ml, 1e-9)))
    slack = (
        tolerance.OUTLINE + tolerance.OUTLINE_MM * max(1.0, float(hip.bone.grid.spacing_mm.max())) * surface * removed
    )
    here = float(np.clip(removed + expected_change(hip, bores, error * float(np.sqrt(np.pi / 2.0))), 0.0, 1.0))
    checks = [equal(f"{name}.expected_removed_fraction", expected, here, slack, "")]
    low, high = known(stated.removed_fraction_p05), known(stated.removed_fraction_p95)
    if low is not None and high is not None:
        checks.append(at_least(f"{name}.removed_fraction_p95 (above the 5th percentile)", low, high, 0.0, ""))
    asked = plan.spec.get("outline_error_mm")
    if asked is not None:
        checks.append(equal(f"{name}.error_mm", error, asked, 0.0, "mm"))
    alone, whole = known(stated.foci_missed_probability), known(stated.focus_missed_probability)
    if alone is not None and whole is not None and len(alone) == len(plan.foci_removed):
        met = [chance for chance, share in zip(alone, plan.foci_removed, strict=True) if share > 0.0]
        label = f"{name}.focus_missed_probability"
        checks.append(at_least(f"{label} (of any focus)", max(met, default=0.0), whole, tolerance.ROUNDED, ""))
        checks.append(at_least(f"{label} (no more than together)", whole, sum(met), tolerance.ROUNDED, ""))
    return checks


def expected_change(hip: Hip, bores: list[DrilledCylinder], deviation: float) -> float:
    """By how much the share removed on average differs from that of the outline as drawn."""
    border = _border_points(hip)
    low, high = hip.lesion_points_mm.min(axis=0), hip.lesion_points_mm.max(axis=0)
    reach = DEVIATIONS * deviation
    axes = [np.arange(a - reach, b + reach + SPACING_MM, SPACING_MM) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    points = points[hip.bone.contains(points)]
    inside = hip.lesion.contains(points)
    gap = cKDTree(border).query(points, distance_upper_bound=reach)[0] if len(border) else np.full(len(points), np.inf)
    depth = np.where(inside, gap, -gap) / deviation
    chance = ndtr(np.clip(depth, -10.0, 10.0))
    drilled = np.min([bore.distance(points) for bore in bores], axis=0) == 0.0
    return float(chance[drilled].sum() / chance.sum() - np.mean(drilled[inside]))


def _border_points(hip: Hip) -> FloatArray:
    """Points on the faces that the lesion's voxels share with living bone, (N, 3) RAS mm."""
    grid, voxels = hip.lesion.grid, np.pad(hip.lesion.voxels, 1)
    ticks = (np.arange(ON_FACE) + 0.5) / ON_FACE - 0.5
    found = []
    for axis in range(3):
        for way in (-1, 1):
            at = np.argwhere(voxels & ~np.roll(voxels, -way, axis=axis)) - 1
            beyond = at.astype(np.float64)
            beyond[:, axis] += way
            at = at[hip.bone.contains(transform(grid.world_from_index, beyond))]
            offsets = np.zeros((ON_FACE**2, 3))
            offsets[:, axis] = 0.5 * way
            first, second = (other for other in range(3) if other != axis)
            offsets[:, first], offsets[:, second] = (part.ravel() for part in np.meshgrid(ticks, ticks))
            found.append((at[:, None, :] + offsets).reshape(-1, 3))
    return transform(grid.world_from_index, np.concatenate(found))
