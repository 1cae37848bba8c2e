"""The femoral neck: its smallest section, and the axis from there to the head's centre."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from corecore.base.distance_field import Bone
from corecore.base.errors import AnatomyError
from corecore.base.grid import FloatArray
from corecore.hip.anatomy.head import Head
from corecore.hip.anatomy.section import Section, section
from corecore.hip.anatomy.zones import NECK_SECTION_RADII

_log = logging.getLogger(__name__)

#: Distance between the sections tried, radii.
STEP_RADII = 0.05
#: The axis has settled when it turns by less than this, degrees; rounds at most.
SETTLED_DEG = 0.05
MAX_ROUNDS = 12
#: The smallest share of the head's own great circle that a neck's section has: less is a
#: fragment or a broken mask (whole necks have 0.3 to 0.5; engineering choice).
MIN_AREA_SHARE = 0.08
#: A section this much larger than the smallest, two steps away at most, is another part of the bone (engineering
#: choice: along a neck it is 2 to 3 %, where a trochanter joins 30 to 40 %).
JUMP = 1.1


@dataclass(frozen=True, eq=False)
class Neck:
    """``center`` (3,) local mm: centroid of the smallest section; ``axis`` (3,): unit, to the head."""

    center: FloatArray
    axis: FloatArray
    area_mm2: float


def fit_neck(bone: Bone, head: Head) -> Neck | None:
    """The smallest section across the axis that runs from its own centroid to the head's centre.

    ``None`` where no complete section of the neck is in view. Raises ``AnatomyError`` where
    the neck is all but severed.
    """
    axis = -head.neck_direction
    area = float("nan")
    for _ in range(MAX_ROUNDS):
        smallest = _smallest(bone, head, axis)
        if smallest is None:
            return None
        center, area = smallest
        narrow_axis = head.center - center
        narrow_axis = narrow_axis / np.linalg.norm(narrow_axis)
        turn = float(np.degrees(np.arccos(np.clip(narrow_axis @ axis, -1.0, 1.0))))
        axis = narrow_axis
        if turn < SETTLED_DEG:
            break
    else:
        _log.debug("neck axis still turns by %.2f degrees after %d rounds", turn, MAX_ROUNDS)
    if area < MIN_AREA_SHARE * np.pi * head.radius_mm**2:
        raise AnatomyError(
            f"the neck's smallest section is {area:.0f} mm², {area / (np.pi * head.radius_mm**2):.0%} of the head's"
            f" great circle; {MIN_AREA_SHARE:.0%} or more is accepted (is the mask broken at the neck?)",
            code="neck-not-found",
        )
    return Neck(center, axis, area)


def neck_in_part(bone: Bone, head: Head) -> Neck:
    """The axis along which bone leaves the head, for a neck that the scan's edge cuts through.

    The area is that of the smallest part of a section in view. Raises ``AnatomyError`` where
    no bone leaves the head.
    """
    axis = -head.neck_direction
    low, high = NECK_SECTION_RADII
    cuts = [
        section(bone, head.center - t * head.radius_mm * axis, axis, half_width_mm=1.6 * head.radius_mm)
        for t in np.arange(low, 0.5 * (low + high), STEP_RADII)
    ]
    seen = [cut for cut in cuts if cut is not None]
    if not seen:
        raise AnatomyError("no femoral neck is in view; a scan that shows the neck is accepted", code="neck-not-found")
    least = min(seen, key=lambda cut: cut.area_mm2)
    # The centre is the axis's own point: the centroid of a part leans away from the scan's edge.
    along = float((head.center - least.origin) @ axis)
    return Neck(np.asarray(head.center - along * axis, dtype=np.float64), axis, least.area_mm2)


def _smallest(bone: Bone, head: Head, axis: FloatArray) -> tuple[FloatArray, float] | None:
    """Centroid and area of the smallest complete section across ``axis``, between the samples."""
    low, high = NECK_SECTION_RADII
    along = np.arange(low, high + 1e-9, STEP_RADII) * head.radius_mm
    found: list[tuple[float, Section]] = []
    for distance in along:
        cut = section(bone, head.center - distance * axis, axis, half_width_mm=1.6 * head.radius_mm)
        if cut is not None and cut.complete and cut.framed:
            found.append((float(distance), cut))
    if not found:
        return None
    areas = np.array([cut.area_mm2 for _, cut in found])
    least = int(np.argmin(areas))
    # The area is flat about its minimum: the parabola through five sections keeps one voxel's
    # noise from deciding where the neck is narrowest.
    # Where a trochanter joins the section its area jumps: what lies beyond belongs to no parabola.
    near = [i for i in range(least - 2, least + 3) if 0 <= i < len(found) and areas[i] < JUMP * areas[least]]
    center, area = found[least][1].centroid, float(areas[least])
    if len(near) >= 4:
        offset = np.array([found[i][0] for i in near]) - found[least][0]
        curve = np.polyfit(offset, areas[near], 2)
        if curve[0] > 0.0:
            at = float(np.clip(-0.5 * curve[1] / curve[0], offset[0], offset[-1]))
            area = float(np.polyval(curve, at))
            centroids = np.array([found[i][1].centroid for i in near])
            line = np.polyfit(offset, centroids, 1)
            center = line[0] * at + line[1]
    return np.asarray(center, dtype=np.float64), area
