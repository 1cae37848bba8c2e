"""``totals``: what the tunnels of a plan do together, and what bone they leave."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from corecore.document.fields import MAY_BE_ABSENT, Count, Fraction, Part
from corecore.document.risk import OutlineRiskPart, RiskPart

#: A bound that prints as 100.0 % excludes nothing, and is no proof of anything.
TRIVIAL_BOUND = 0.9995


def says_something(bound: float | None) -> bool:
    """Whether a proven bound excludes that everything is removed."""
    return bound is not None and bound < TRIVIAL_BOUND


class BoneLeftPart(Part, frozen=True):
    """Residual bone stock: femoral neck and lateral wall after drilling."""

    neck_share_max: Annotated[
        Fraction | UnsetType | None, Meta(description="Maximum neck cross-section loss, 0 to 1")
    ] = UNSET
    neck_share_at_mm: Annotated[
        float | UnsetType | None, Meta(description="Where that is along the neck, mm from the head's centre")
    ] = UNSET
    hole_above_lesser_trochanter_mm: Annotated[
        float | UnsetType,
        Meta(description="Inferior margin of the lowest entry hole above the lesser trochanter's level, mm"),
    ] = UNSET
    bridge_mm: Annotated[
        float | UnsetType | None, Meta(description="Least bone between separate holes, mm; null: one hole")
    ] = UNSET
    lateral_wall_share: Annotated[
        Fraction | UnsetType | None, Meta(description="Lateral-wall defect, share of its width, 0 to 1")
    ] = UNSET
    neck_bridge_mm: Annotated[
        float | UnsetType | None,
        Meta(description="Least bone between two tunnels' walls in the neck, mm; null: no two pass it"),
        MAY_BE_ABSENT,
    ] = UNSET
    holes: Annotated[Count | UnsetType, Meta(description="Entry holes in the lateral cortex")] = UNSET
    pattern: Annotated[
        Literal["single", "fan", "parallel", "separate"] | UnsetType, Meta(description="Arrangement of the tunnels")
    ] = UNSET
    spread_deg: Annotated[
        float | UnsetType | None, Meta(description="Greatest angle between two tunnels, deg; null: one tunnel")
    ] = UNSET


class OtherTotalsPart(Part, kw_only=True, frozen=True):
    """Totals of an alternative; fractions of the lesion."""

    removed_fraction: Annotated[Fraction | UnsetType, Meta(description="Share removed, 0 to 1")] = UNSET
    reachable_fraction: Annotated[
        Fraction | UnsetType, Meta(description="Share deeper than the joint margin, 0 to 1")
    ] = UNSET
    removed_weight_bearing_fraction: Annotated[
        Fraction | UnsetType | None,
        Meta(description="Share removed of the lesion in the weight-bearing sector, 0 to 1; null: none there"),
    ] = UNSET
    reached_3mm_fraction: Annotated[Fraction | UnsetType, Meta(description="Share within 3 mm of a wall, 0 to 1")] = (
        UNSET
    )
    reached_5mm_fraction: Annotated[Fraction | UnsetType, Meta(description="Share within 5 mm of a wall, 0 to 1")] = (
        UNSET
    )
    target_fraction: Annotated[
        Fraction | UnsetType, Meta(description="Share by the target of the search, 0 to 1"), MAY_BE_ABSENT
    ] = UNSET
    foci_removed_fraction: Annotated[
        list[Fraction] | UnsetType, Meta(description="Share removed of each focus by number, 0 to 1"), MAY_BE_ABSENT
    ] = UNSET
    necrosis_removed_ml: Annotated[float | UnsetType, Meta(description="Lesion removed, ml")] = UNSET
    necrosis_left_ml: Annotated[float | UnsetType, Meta(description="Lesion residual, ml")] = UNSET
    healthy_bone_removed_ml: Annotated[float | UnsetType, Meta(description="Viable bone removed, ml")] = UNSET
    graft_volume_ml: Annotated[float | UnsetType, Meta(description="Graft volume required, ml")] = UNSET
    neck_area_share: Annotated[
        float | UnsetType, Meta(description="Share of the neck's smallest cross-section removed, 0 to 1")
    ] = UNSET
    discretisation_error_fraction: Annotated[
        float | UnsetType, Meta(description="How exact the removed share is, 0 to 1")
    ] = UNSET
    upper_bound_fraction: Annotated[
        Fraction | UnsetType | None, Meta(description="Proven bound of the removed share, 0 to 1; null: none")
    ] = UNSET
    optimality_gap: Annotated[
        float | UnsetType | None, Meta(description="Bound over removed share, less 1; null: no bound")
    ] = UNSET
    stopped_by: Annotated[Literal["gap", "effort", "time"] | UnsetType, Meta(description="What ended the proof")] = (
        UNSET
    )
    bone_left: Annotated[
        BoneLeftPart | UnsetType | None, Meta(description="Bone that stays; null: no tunnel"), MAY_BE_ABSENT
    ] = UNSET
    risk: Annotated[dict[str, RiskPart] | UnsetType, Meta(description="Risk of all together by method")] = UNSET
    outline: Annotated[
        OutlineRiskPart | UnsetType, Meta(description="What an error of the lesion's outline does"), MAY_BE_ABSENT
    ] = UNSET


class TotalsPart(OtherTotalsPart, kw_only=True, frozen=True):
    """Totals of the plan; fractions of the lesion."""

    target_fraction: Annotated[Fraction | UnsetType, Meta(description="Share by the target of the search, 0 to 1")] = (
        UNSET
    )
    removed_share_of_best: Annotated[
        Fraction | UnsetType | None,
        Meta(description="Share by the target over the most that was found, 0 to 1; null: not searched"),
        MAY_BE_ABSENT,
    ] = UNSET
