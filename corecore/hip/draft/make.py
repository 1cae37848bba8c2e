"""A draft of the femur from a CT, checked as far as a program can, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec import Struct

from corecore.base.errors import AnatomyError, InputError
from corecore.base.grid import FloatArray, Grid, Image, Mask, transform
from corecore.base.notice import NOT_A_DEVICE
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.case import case_from_masks
from corecore.hip.draft.bone import find_femur
from corecore.hip.draft.field import Field, check_metal, field_around
from corecore.hip.draft.joint import Joint, facing_share, find_joint
from corecore.hip.draft.sphere import head_sphere
from corecore.hip.hip import Hip, build_hip

#: Volumes of a proximal femur that is in view to the lesser trochanter at least, up to a whole femur, ml.
VOLUME_ML = (45.0, 800.0)
#: The head fitted to the draft lies this near to the one seen in the image, and its radius, mm.
CENTER_MM, RADIUS_MM = 2.0, 2.0
#: Metal this near to the head's centre spoils a draft, mm.
METAL_NEAR_MM = 70.0
#: Without a lesion, a ball of this radius about the point stands for it, mm.
BALL_MM = 5.0
#: Less acetabulum than this around the head is unusual, and less clear joint than that.
FACING_MIN, CLEAR_USUAL = 0.3, 0.9
NOTICE = f"A draft: look at every slice and correct the outline before planning on it. {NOT_A_DEVICE}."


class DraftAccount(Struct, frozen=True):
    """What a draft says of itself in the JSON beside its mask; lengths in mm, positions in world RAS."""

    schema: str
    side: str
    volume_ml: float
    head_center: list[float]
    head_radius_mm: float
    neck_shaft_angle_deg: float
    image_sphere_apart_mm: float
    muscle_hu: float
    bone_hu: float
    joint_space_hu: float
    joint_clear_share: float
    acetabulum_share: float
    opened_mm: float
    warnings: list[PlanWarning]
    notice: str


@dataclass(frozen=True, eq=False)
class Draft:
    """The mask in world RAS mm, what it was found in and by, and the hip that the planner makes of it."""

    femur: Mask
    field: Field
    joint: Joint
    hip: Hip
    opened_mm: float
    facing_share: float
    warnings: tuple[PlanWarning, ...]

    def account(self) -> DraftAccount:
        """The draft's own account of itself."""
        sphere, anatomy = self.joint.sphere, self.hip.anatomy
        center = self.hip.to_world(anatomy.head_center)
        return DraftAccount(
            schema="corecore.draft/1",
            side=self.hip.side,
            volume_ml=round(float(self.femur.volume_ml), 2),
            head_center=[round(float(v), 2) for v in center],
            head_radius_mm=round(float(anatomy.head_radius_mm), 2),
            neck_shaft_angle_deg=round(float(anatomy.neck_shaft_angle_deg), 1),
            image_sphere_apart_mm=round(float(np.linalg.norm(center - sphere.center)), 2),
            muscle_hu=round(float(self.field.muscle_hu), 1),
            bone_hu=round(float(self.field.bone_hu), 1),
            joint_space_hu=round(float(self.joint.gap_hu), 1),
            joint_clear_share=round(float(self.joint.clear_share), 3),
            acetabulum_share=round(float(self.facing_share), 3),
            opened_mm=float(self.opened_mm),
            warnings=list(self.warnings),
            notice=NOTICE,
        )


def draft_femur(
    image: Image,
    *,
    lesion: Mask | None = None,
    point_mm: FloatArray | None = None,
    side: Literal["left", "right"] | None = None,
) -> Draft:
    """The femur that holds a lesion, or a point (3,) in its head, both in the CT's world, RAS mm.

    Raises ``InputError`` where the image is no CT in Hounsfield units, its voxels are too large, it
    holds metal near the head or cuts it, and where what is found is not a femur with head and neck.
    """
    if (lesion is None) == (point_mm is None):
        raise InputError(
            "a lesion or a point in the head is needed; one of --lesion and --point is accepted",
            code="option-missing",
        )
    point = lesion.positions_mm().mean(axis=0) if lesion is not None else np.asarray(point_mm, dtype=np.float64)
    field = field_around(image, point)
    sphere = head_sphere(field, point, side)
    check_metal(field, sphere.center, METAL_NEAR_MM)
    joint = find_joint(field, sphere)
    found = find_femur(field, joint)
    low, high = VOLUME_ML
    if not low <= found.mask.volume_ml <= high:
        raise AnatomyError(
            f"the draft holds {found.mask.volume_ml:.0f} ml; a proximal femur of {low:.0f} to {high:.0f} ml is"
            " accepted",
            code="draft-failed",
        )
    dead = lesion if lesion is not None else _ball(point)
    told = side or sphere.side
    case = case_from_masks(found.mask, dead, label_map=False, side=told, side_origin="the neck seen in the CT")  # type: ignore[arg-type]
    hip = build_hip(case)
    gap = float(np.linalg.norm(hip.to_world(hip.anatomy.head_center) - sphere.center))
    wider = hip.anatomy.head_radius_mm - sphere.radius_mm
    if gap > CENTER_MM or abs(wider) > RADIUS_MM:
        raise AnatomyError(
            f"the draft's head lies {gap:.1f} mm from the one in the image, its radius is {wider:+.1f} mm off;"
            f" {CENTER_MM:g} and {RADIUS_MM:g} mm are accepted; segment it manually",
            code="draft-failed",
        )
    facing = facing_share(field, joint)
    return Draft(found.mask, field, joint, hip, found.opened_mm, facing, _cautions(hip, joint, found.opened_mm, facing))


def _cautions(hip: Hip, joint: Joint, opened_mm: float, facing: float) -> tuple[PlanWarning, ...]:
    warnings = list(hip.warnings)
    if joint.clear_share < CLEAR_USUAL:
        text = f"the joint space is clear on {joint.clear_share:.0%} of the head's surface: look where it is not"
        warnings.append(PlanWarning("draft_joint_unclear", text))
    if opened_mm > 0.0:
        text = f"bridges up to {2.0 * opened_mm:.0f} mm thick to the pelvis were cut: look at the joint's edge"
        warnings.append(PlanWarning("draft_bridges_cut", text))
    if facing < FACING_MIN:
        text = f"an acetabulum is seen before {facing:.0%} of the head's surface: is the outline the head's own?"
        warnings.append(PlanWarning("draft_no_acetabulum", text))
    return tuple(warnings)


def _ball(point_mm: FloatArray) -> Mask:
    half = int(BALL_MM) + 2
    matrix = np.eye(4)
    matrix[:3, 3] = point_mm - half
    grid = Grid((2 * half + 1, 2 * half + 1, 2 * half + 1), matrix)
    index = np.indices(grid.shape).reshape(3, -1).T
    away = np.linalg.norm(transform(matrix, index) - point_mm, axis=1)
    return Mask(grid, (away <= BALL_MM).reshape(grid.shape))
