"""The joint space in a CT as a second opinion on the femur mask: its surface may not lie beyond it.

A mask that is too wide all round, or leaks by less than the sphere shows, still has a head like a ball. The CT tells:
along rays from the head's centre the bone ends at the steepest fall of the values before the joint space.
"""

from __future__ import annotations

import numpy as np

from corecore.base.errors import CorecoreError
from corecore.base.grid import Image
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.draft.field import field_around
from corecore.hip.draft.joint import COUNT, find_joint
from corecore.hip.draft.sphere import Sphere
from corecore.hip.head_surface import place_on_head, surface_along
from corecore.hip.hip import Hip

#: The mask reaches into the joint space where it ends so far beyond the edge in the CT, mm. A true outline lies
#: 0.2 mm beyond it at the median and 0.8 mm at most (synthetic CT of 1 mm voxels; engineering choice).
BEYOND_MM = 1.25
#: … over at least this area, mm²: that of a disc of 5.6 mm radius (engineering choice).
AREA_MM2 = 100.0


def beyond_joint_space(hip: Hip, image: Image) -> PlanWarning | None:
    """A warning where the mask's head ends beyond the joint space that a CT (Hounsfield units) shows.

    ``None`` also where the CT shows no joint space clear enough: thick slices, a head at its edge, a fused joint.
    """
    anatomy = hip.anatomy
    center, radius = np.asarray(hip.to_world(anatomy.head_center), dtype=np.float64), anatomy.head_radius_mm
    try:
        sphere = Sphere(center, radius, -hip.direction_to_world(anatomy.neck_axis), hip.side)
        joint = find_joint(field_around(image, center), sphere)
    except CorecoreError:
        return None
    rays = joint.ways @ np.linalg.inv(hip.world_from_local[:3, :3]).T
    surface = surface_along(hip.bone, anatomy.head_center, rays, radius)
    beyond = surface - joint.radii_mm
    far = joint.articular & (beyond > BEYOND_MM)
    area = float(np.count_nonzero(far)) * 4.0 * np.pi * radius**2 / COUNT
    if area < AREA_MM2:
        return None
    middle = (rays[far] @ anatomy.femoral_from_local[:3, :3].T).mean(axis=0)
    place = "all round" if np.linalg.norm(middle) < 0.4 else place_on_head(middle)
    return PlanWarning(
        "joint_space",
        f"the femur mask ends up to {beyond[far].max():.1f} mm beyond the edge of the head that the CT shows, over"
        f" {area:.0f} mm² ({place}): it reaches into the joint space, and clearances to the joint are that much too"
        " large there; check the mask against the CT",
    )
