"""A hip with another region to avoid: bone, lesion and anatomy stay, the region's field alone is new."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from corecore.base.grid import inverse
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.belonging import Part, check_together
from corecore.hip.case import CALLED, Source, picked
from corecore.hip.hip import AVOID_FAR, Hip
from corecore.hip.keep_out import barrier_of
from corecore.hip.missing_slices import check_slices
from corecore.io.references import MaskReference

#: Roles whose sources stand behind that of the region.
BEHIND = ("knee", "image", "landmarks")


def avoiding(hip: Hip, region: MaskReference) -> Hip:
    """The hip as it is read with this mask to avoid, in place of its own region.

    What is to be said of how the mask was read stands last among the warnings. Raises ``InputError`` for a mask that
    cannot be read, is empty, or is of another patient or frame.
    """
    case, reference = hip.case, region.in_file()
    on = None if case.image is None else case.image.grid
    mask, remarks = picked(reference.segmentation(on), reference, CALLED["avoid"])
    parts = [Part("femur", Path(), case.femur), Part("avoid", reference.path, mask)]
    doubts = [*check_together(parts, case.femur), *remarks]
    gap = check_slices(mask, CALLED["avoid"])
    doubts += [] if gap is None else [gap]
    size = hip.bone_mask.grid.spacing_mm * hip.bone_mask.grid.shape
    barrier = barrier_of("avoid", mask, inverse(hip.world_from_local), size)
    if barrier is None:
        doubts.append(PlanWarning("avoid_far", AVOID_FAR))
    others = [one for one in case.sources if one.role != "avoid"]
    at = next((place for place, one in enumerate(others) if one.role in BEHIND), len(others))
    sources = (*others[:at], Source.of_mask("avoid", reference), *others[at:])
    kept, own = [one for one in hip.warnings if one.code != "avoid_far"], len(hip.anatomy.warnings)
    front = len(kept) - own
    return replace(
        hip, case=replace(case, avoid=mask, sources=sources), avoid=barrier,
        warnings=(*kept[:front], *doubts, *kept[front:]),
    )  # fmt: skip
