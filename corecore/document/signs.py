"""``signs`` and ``summary``: what outline and image show, what the surgeon said, and the evidence for both."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from corecore.document.fields import MAY_BE_ABSENT, Part


class CollapsePart(Part, frozen=True):
    """How deep the head's surface lies below its sphere."""

    over_lesion_mm: Annotated[
        float | UnsetType | None, Meta(description="Greatest depth over the lesion, mm; null: not evaluated")
    ] = UNSET
    rest_p95_mm: Annotated[float | UnsetType | None, Meta(description="Depth that 95 % of the rest stay under, mm")] = (
        UNSET
    )
    rest_max_mm: Annotated[float | UnsetType | None, Meta(description="Greatest depth over the rest, mm")] = UNSET
    limit_mm: Annotated[float | UnsetType, Meta(description="Depth from which it counts, mm")] = UNSET
    found: Annotated[bool | UnsetType, Meta(description="Whether it is beyond the limit")] = UNSET
    direction: Annotated[
        list[float] | UnsetType | None, Meta(description="Where it is deepest: femoral frame, unit vector")
    ] = UNSET
    flattening_mm: Annotated[
        float | UnsetType | None,
        Meta(description="Depth of a dent in the weight-bearing zone away from lesion and fovea, mm; null: none"),
        MAY_BE_ABSENT,
    ] = UNSET
    flattening_limit_mm: Annotated[
        float | UnsetType, Meta(description="Depth from which that counts, mm"), MAY_BE_ABSENT
    ] = UNSET
    flattening_direction: Annotated[
        list[float] | UnsetType | None,
        Meta(description="Where that is deepest: femoral frame, unit vector"),
        MAY_BE_ABSENT,
    ] = UNSET


class FoveaPart(Part, frozen=True):
    """The pit of the ligament on the head."""

    source: Annotated[
        Literal["found", "assumed"] | UnsetType,
        Meta(description="Whether it was seen on the surface, or assumed at its usual position"),
        MAY_BE_ABSENT,
    ] = UNSET
    direction: Annotated[
        list[float] | UnsetType | None, Meta(description="Its middle: femoral frame, unit vector"), MAY_BE_ABSENT
    ] = UNSET
    half_angle_deg: Annotated[
        float | UnsetType, Meta(description="Cone that counts as fovea, half-angle, degrees"), MAY_BE_ABSENT
    ] = UNSET
    depth_mm: Annotated[
        float | UnsetType | None, Meta(description="Depth below the sphere, mm; null: assumed"), MAY_BE_ABSENT
    ] = UNSET


class PreviousTunnelPart(Part, frozen=True):
    """A straight channel in mask or CT."""

    source: Annotated[str | UnsetType, Meta(description="mask or image"), MAY_BE_ABSENT] = UNSET
    start: Annotated[list[float] | UnsetType, Meta(description="Distal end, RAS mm"), MAY_BE_ABSENT] = UNSET
    end: Annotated[list[float] | UnsetType, Meta(description="Proximal end, RAS mm"), MAY_BE_ABSENT] = UNSET
    width_mm: Annotated[float | UnsetType, Meta(description="Width, mm"), MAY_BE_ABSENT] = UNSET
    length_mm: Annotated[float | UnsetType, Meta(description="Length, mm"), MAY_BE_ABSENT] = UNSET
    contrast_hu: Annotated[
        float | UnsetType | None,
        Meta(description="Contrast to the bone about it, HU; null: from the mask"),
        MAY_BE_ABSENT,
    ] = UNSET


class MetalPart(Part, frozen=True):
    """Metal in a CT near the hip."""

    volume_ml: Annotated[float | UnsetType, Meta(description="Volume, ml"), MAY_BE_ABSENT] = UNSET
    parts: Annotated[int | UnsetType, Meta(description="Pieces"), MAY_BE_ABSENT] = UNSET
    distance_mm: Annotated[
        float | UnsetType, Meta(description="Least distance from the head's centre, mm"), MAY_BE_ABSENT
    ] = UNSET
    centroid: Annotated[list[float] | UnsetType, Meta(description="Centre of mass, RAS mm"), MAY_BE_ABSENT] = UNSET
    share_in_femur: Annotated[float | UnsetType, Meta(description="Share inside the femur, 0 to 1"), MAY_BE_ABSENT] = (
        UNSET
    )
    threshold_hu: Annotated[float | UnsetType, Meta(description="Density from which it counts, HU"), MAY_BE_ABSENT] = (
        UNSET
    )


class ImageAgePart(Part, frozen=True):
    """How old the image is."""

    imaging_date: Annotated[str | UnsetType | None, Meta(description="YYYY-MM-DD; null: not known")] = UNSET
    days: Annotated[int | UnsetType | None, Meta(description="Days from imaging to plan; null: not known")] = UNSET
    limit_days: Annotated[int | UnsetType, Meta(description="Days beyond which there is a warning")] = UNSET
    note: Annotated[str | UnsetType | None, Meta(description="Why the age is not evaluated"), MAY_BE_ABSENT] = UNSET


class StagePart(Part, frozen=True):
    """The stage as the surgeon reads it; never derived from the masks."""

    label: Annotated[str | UnsetType, Meta(description="As printed, such as ARCO 2019 II"), MAY_BE_ABSENT] = UNSET
    system: Annotated[str | UnsetType, Meta(description="Name of the system"), MAY_BE_ABSENT] = UNSET
    number: Annotated[int | UnsetType, Meta(description="Stage, 0 to 6"), MAY_BE_ABSENT] = UNSET
    letter: Annotated[str | UnsetType, Meta(description="A, B, C or empty"), MAY_BE_ABSENT] = UNSET
    system_named: Annotated[
        bool | UnsetType, Meta(description="Whether the surgeon named the system"), MAY_BE_ABSENT
    ] = UNSET
    collapsed: Annotated[bool | UnsetType, Meta(description="Whether it is stage III or more"), MAY_BE_ABSENT] = UNSET


class SignsPart(Part, frozen=True):
    """``signs``: what the outline or the image shows, and what only the surgeon can say."""

    collapse: Annotated[CollapsePart, Meta(description="Depression of the head's surface")] = field(
        default_factory=CollapsePart
    )
    fovea: Annotated[FoveaPart | UnsetType, Meta(description="The fovea, which is no flattening"), MAY_BE_ABSENT] = (
        UNSET
    )
    previous_tunnels: Annotated[list[PreviousTunnelPart], Meta(description="Channels of earlier drilling")] = field(
        default_factory=list
    )
    metal: Annotated[MetalPart | UnsetType | None, Meta(description="Metal near the hip; null: none seen")] = UNSET
    image_age: Annotated[ImageAgePart, Meta(description="Age of the image")] = field(default_factory=ImageAgePart)
    stage: Annotated[StagePart | UnsetType | None, Meta(description="Stage as given; null: not given")] = UNSET
    physis: Annotated[Literal["open", "closed", "unknown"] | UnsetType, Meta(description="Physeal status as given")] = (
        UNSET
    )
    asks: Annotated[list[str], Meta(description="What the surgeon has not answered: stage, physis")] = field(
        default_factory=list
    )
    notes: Annotated[list[str], Meta(description="What could not be evaluated, and why")] = field(default_factory=list)


class EffectPart(Part, frozen=True):
    """What a paper found, with its 95 % interval: shares 0 to 1, ratios as they are."""

    kind: Annotated[
        Literal["counts", "at_most", "share", "ratio"],
        Meta(description="Of counted hips; of a number of hips known from above alone; of one not known; a ratio"),
    ]
    value: Annotated[float, Meta(description="Share, 0 to 1, or ratio")]
    events: Annotated[int | UnsetType, Meta(description="Hips that had it"), MAY_BE_ABSENT] = UNSET
    n: Annotated[int | UnsetType, Meta(description="Hips at risk; of at_most: no more than these"), MAY_BE_ABSENT] = (
        UNSET
    )
    low: Annotated[float | UnsetType | None, Meta(description="Lower end; null: not known")] = UNSET
    high: Annotated[float | UnsetType | None, Meta(description="Upper end; null: not known")] = UNSET


class WithheldPart(Part, frozen=True):
    """A favourable statement that is not made, and why."""

    code: Annotated[str, Meta(description="Stable code of the statement")]
    reason: Annotated[str, Meta(description="Why it is not made")]


class ArgumentPart(Part, frozen=True):
    """A sentence of evidence with its source."""

    code: Annotated[str | UnsetType, Meta(description="Stable code")] = UNSET
    text: Annotated[str | UnsetType, Meta(description="The sentence")] = UNSET
    source: Annotated[str | UnsetType, Meta(description="Paper, by DOI or PMID")] = UNSET
    cohort: Annotated[str | UnsetType, Meta(description="Hips that the paper followed")] = UNSET
    direction: Annotated[
        Literal["favourable", "unfavourable", "neutral"] | UnsetType,
        Meta(description="What it says of such a hip"),
        MAY_BE_ABSENT,
    ] = UNSET
    certain: Annotated[
        bool | UnsetType,
        Meta(description="Whether the whole range of the hip's classes is the statement's"),
        MAY_BE_ABSENT,
    ] = UNSET
    effect: Annotated[EffectPart | UnsetType, Meta(description="What was found"), MAY_BE_ABSENT] = UNSET


class SummaryPart(Part, frozen=True):
    """``summary``: ten seconds' reading; no advice."""

    headline: Annotated[str | UnsetType, Meta(description="The lesion in one line")] = UNSET
    expected: Annotated[list[ArgumentPart], Meta(description="Reported natural history")] = field(default_factory=list)
    speaks_for: Annotated[list[ArgumentPart], Meta(description="For core decompression")] = field(default_factory=list)
    speaks_against: Annotated[list[ArgumentPart], Meta(description="Against core decompression")] = field(
        default_factory=list
    )
    asks: Annotated[list[str], Meta(description="What the surgeon has not answered: stage, physis")] = field(
        default_factory=list
    )
    disagreements: Annotated[
        list[str] | UnsetType, Meta(description="Statements above that contradict each other"), MAY_BE_ABSENT
    ] = UNSET
    withheld: Annotated[
        list[WithheldPart] | UnsetType, Meta(description="Favourable statements that are not made"), MAY_BE_ABSENT
    ] = UNSET
