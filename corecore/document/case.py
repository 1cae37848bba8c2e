"""Which hip a document is of, from which files, and what its reader is warned of."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from corecore.document.fields import MAY_BE_ABSENT, Digest, Part


class InputPart(Part, frozen=True):
    """One input of ``case.inputs``: a file, or a volume that was given in memory."""

    role: Annotated[str | UnsetType, Meta(description="femur, lesion, pelvis, avoid, knee, image, ...")] = UNSET
    path: Annotated[
        str | UnsetType | None,
        Meta(description="Where it lies; a relative path counts from the document; null: in memory"),
    ] = UNSET
    sha256: Annotated[
        Digest | UnsetType, Meta(description="SHA-256 of the file, in memory of voxels and affine, hex")
    ] = UNSET
    label: Annotated[
        int | str | UnsetType | None, Meta(description="Label of a label map, by number or name; null: a mask")
    ] = UNSET
    original_sha256: Annotated[
        str | UnsetType,
        Meta(description="SHA-256 of the user's file or volume that this copy was made of"),
        MAY_BE_ABSENT,
    ] = UNSET
    given: Annotated[
        Literal["array", "nibabel", "SimpleITK"] | UnsetType,
        Meta(description="What it, or the original of this copy, was given as in memory; absent: a file"),
        MAY_BE_ABSENT,
    ] = UNSET


class LesionTransformPart(Part, frozen=True):
    """How a lesion drawn on another scan came into the femur's world."""

    method: Annotated[str | UnsetType, Meta(description="given or registered"), MAY_BE_ABSENT] = UNSET
    world_from_lesion: Annotated[
        list[list[float]] | UnsetType, Meta(description="4 x 4 matrix, RAS mm"), MAY_BE_ABSENT
    ] = UNSET
    moved_mm: Annotated[float | UnsetType, Meta(description="How far the lesion's centre moved, mm"), MAY_BE_ABSENT] = (
        UNSET
    )
    turned_deg: Annotated[float | UnsetType, Meta(description="How far the lesion was turned, deg"), MAY_BE_ABSENT] = (
        UNSET
    )
    residual_mm: Annotated[
        float | UnsetType | None,
        Meta(description="How far the halves of a registration place the lesion apart, mm; null: unknown"),
        MAY_BE_ABSENT,
    ] = UNSET
    information: Annotated[
        float | UnsetType | None,
        Meta(description="What the registered images share, over chance; null: not registered"),
        MAY_BE_ABSENT,
    ] = UNSET


class CasePart(Part, kw_only=True, frozen=True):
    """``case``: the hip and its files."""

    id: Annotated[str | UnsetType, Meta(description="Name of the case; never a patient's")] = UNSET
    side: Annotated[Literal["left", "right"], Meta(description="Side of the patient's body")]
    inputs: Annotated[list[InputPart], Meta(description="Files that the document was made from")] = field(
        default_factory=list
    )
    lesion_transform: Annotated[
        LesionTransformPart | UnsetType | None,
        Meta(description="How a lesion drawn on another scan was moved"),
        MAY_BE_ABSENT,
    ] = UNSET
    imaging_date: Annotated[
        str | UnsetType | None, Meta(description="Day of the imaging, where a document names it here"), MAY_BE_ABSENT
    ] = UNSET
    surgeon: Annotated[str | UnsetType, Meta(description="Who operates; absent: not given"), MAY_BE_ABSENT] = UNSET
    operation_date: Annotated[
        str | UnsetType, Meta(description="Day of the operation, ISO 8601; absent: not given"), MAY_BE_ABSENT
    ] = UNSET


class WarningPart(Part, frozen=True):
    """One warning; codes are listed in ``docs/messages.md``."""

    code: Annotated[str | UnsetType, Meta(description="Stable code")] = UNSET
    text: Annotated[str | UnsetType, Meta(description="The warning in words")] = UNSET
