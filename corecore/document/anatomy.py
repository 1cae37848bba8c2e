"""``anatomy``: landmarks and axes of the femur, world RAS mm."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from corecore.document.fields import MAY_BE_ABSENT, AtLeastZero, Part, Vector

Found = Literal["fitted", "given", "assumed"]


class SourcesPart(Part, frozen=True):
    """Where each landmark comes from."""

    head_center: Annotated[Found | UnsetType, Meta(description="Source of centre and radius of the head")] = UNSET
    neck_axis: Annotated[str | UnsetType, Meta(description="Source of the neck's axis"), MAY_BE_ABSENT] = UNSET
    shaft_axis: Annotated[Found | UnsetType, Meta(description="Source of the shaft's axis")] = UNSET
    lesser_trochanter: Annotated[Found | UnsetType, Meta(description="Source of the lesser trochanter's level")] = UNSET
    greater_trochanter: Annotated[
        str | UnsetType, Meta(description="Source of the greater trochanter's tip"), MAY_BE_ABSENT
    ] = UNSET
    vastus_ridge: Annotated[
        Literal["given"] | UnsetType,
        Meta(description="Source of the vastus ridge; absent: looked for on the bone"),
        MAY_BE_ABSENT,
    ] = UNSET
    x_axis: Annotated[
        Literal["condyles", "neck", "given"] | UnsetType, Meta(description="What the lateral axis rests on")
    ] = UNSET


class AnatomyPart(Part, kw_only=True, frozen=True):
    """Landmarks as they are used; axes are unit vectors."""

    head_center: Annotated[Vector, Meta(description="Centre of the head's sphere, RAS mm")]
    head_radius_mm: Annotated[float, Meta(description="Radius of the head's sphere, mm")]
    neck_center: Annotated[Vector | UnsetType, Meta(description="Centroid of the neck's smallest section, RAS mm")] = (
        UNSET
    )
    neck_axis: Annotated[Vector, Meta(description="Unit vector along the neck, to the head")]
    neck_shaft_angle_deg: Annotated[float | UnsetType, Meta(description="Angle of neck and shaft axes, deg")] = UNSET
    neck_min_area_mm2: Annotated[float | UnsetType, Meta(description="Area of the neck's smallest section, mm2")] = (
        UNSET
    )
    shaft_point: Annotated[Vector | UnsetType, Meta(description="A point of the shaft's axis, RAS mm")] = UNSET
    shaft_axis: Annotated[Vector, Meta(description="Unit vector along the shaft, upwards")]
    shaft_range_deg: Annotated[
        AtLeastZero | UnsetType,
        Meta(description="How far the whole shaft's axis may lie off in 19 femora of 20, deg"),
        MAY_BE_ABSENT,
    ] = UNSET
    x_axis: Annotated[Vector, Meta(description="Unit vector to the lateral side")]
    lesser_trochanter_tip: Annotated[
        Vector | UnsetType | None, Meta(description="Tip of the lesser trochanter, RAS mm; null: not in view")
    ] = UNSET
    lesser_trochanter_height_mm: Annotated[
        float | UnsetType, Meta(description="Lesser trochanter's level above the head's centre along the shaft, mm")
    ] = UNSET
    greater_trochanter_tip: Annotated[
        Vector | UnsetType | None, Meta(description="Tip of the greater trochanter, RAS mm; null: not in view")
    ] = UNSET
    vastus_ridge: Annotated[
        Vector | UnsetType | None,
        Meta(description="Most lateral bone at the vastus ridge, RAS mm; null: it does not stand out, or not in view"),
        MAY_BE_ABSENT,
    ] = UNSET
    anteversion_deg: Annotated[
        float | UnsetType,
        Meta(description="Anteversion as it was stated, deg; the lateral axis rests on it"),
        MAY_BE_ABSENT,
    ] = UNSET
    acetabular_edge: Annotated[
        Vector | UnsetType, Meta(description="Edge of the acetabulum as it was given, RAS mm"), MAY_BE_ABSENT
    ] = UNSET
    teardrop: Annotated[
        Vector | UnsetType, Meta(description="Lowest point of the teardrop as it was given, RAS mm"), MAY_BE_ABSENT
    ] = UNSET
    sources: Annotated[SourcesPart, Meta(description="Where each landmark comes from")] = field(
        default_factory=SourcesPart
    )
