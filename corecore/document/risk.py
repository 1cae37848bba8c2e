"""The errors of drilling and what they do to a tunnel."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from corecore.document.fields import MAY_BE_ABSENT, AtLeastZero, Count, Fraction, Part


class RiskPart(Part, frozen=True):
    """Risk of one tunnel, or of all together, under one guidance method."""

    cortex_breach_probability: Annotated[
        Fraction | UnsetType, Meta(description="Probability of cortical perforation, 0 to 1")
    ] = UNSET
    joint_breach_probability: Annotated[
        Fraction | UnsetType, Meta(description="Probability of joint penetration, 0 to 1")
    ] = UNSET
    perforation_probability: Annotated[
        Fraction | UnsetType, Meta(description="Probability that cortex or joint is perforated, 0 to 1"), MAY_BE_ABSENT
    ] = UNSET
    clearance_p05_mm: Annotated[
        float | UnsetType, Meta(description="Clearance that 5 % of drillings stay under, mm")
    ] = UNSET
    clearance_p50_mm: Annotated[
        float | UnsetType, Meta(description="Clearance that half of the drillings stay under, mm")
    ] = UNSET
    removed_fraction_mean: Annotated[
        Fraction | UnsetType, Meta(description="Mean share of the lesion removed, 0 to 1")
    ] = UNSET
    removed_fraction_p05: Annotated[
        Fraction | UnsetType, Meta(description="Share of the lesion that 5 % of drillings stay under, 0 to 1")
    ] = UNSET
    removed_fraction_p50: Annotated[
        Fraction | UnsetType, Meta(description="Share of the lesion that half of the drillings stay under, 0 to 1")
    ] = UNSET
    standard_errors: Annotated[
        dict[str, AtLeastZero], Meta(description="Standard error of each figure, in its unit")
    ] = field(default_factory=dict)
    breach_places: Annotated[dict[str, Fraction], Meta(description="Share of the perforations by location, 0 to 1")] = (
        field(default_factory=dict)
    )
    poses: Annotated[Count | UnsetType, Meta(description="Number of simulated drillings")] = UNSET
    lesion_shift_mm: Annotated[
        AtLeastZero | UnsetType | None,
        Meta(
            description="Root mean square position error of a lesion from another scan, mm; null: unknown, not counted"
        ),
        MAY_BE_ABSENT,
    ] = UNSET


class OutlineRiskPart(Part, frozen=True):
    """What all tunnels remove together, where the lesion's outline errs."""

    error_mm: Annotated[AtLeastZero | UnsetType, Meta(description="Mean error of the outline, mm")] = UNSET
    correlation_mm: Annotated[
        AtLeastZero | UnsetType, Meta(description="Length along which the error is alike, mm")
    ] = UNSET
    expected_removed_fraction: Annotated[
        Fraction | UnsetType, Meta(description="Mean volume removed, of the true lesion's mean volume, 0 to 1")
    ] = UNSET
    removed_fraction_p05: Annotated[
        Fraction | UnsetType, Meta(description="Share that 5 % of outlines stay under, 0 to 1")
    ] = UNSET
    removed_fraction_p95: Annotated[
        Fraction | UnsetType, Meta(description="Share that 95 % of outlines stay under, 0 to 1")
    ] = UNSET
    foci_missed_probability: Annotated[
        list[Fraction] | UnsetType, Meta(description="How often no tunnel meets each focus, by number, 0 to 1")
    ] = UNSET
    focus_missed_probability: Annotated[
        Fraction | UnsetType, Meta(description="How often a focus is missed that is met as drawn, 0 to 1")
    ] = UNSET
    outlines: Annotated[Count | UnsetType, Meta(description="Outlines simulated")] = UNSET


class MethodPart(Part, frozen=True):
    """Standard deviations of a way of drilling."""

    name: Annotated[str | UnsetType, Meta(description="Name of the method")] = UNSET
    entry_mm: Annotated[AtLeastZero | UnsetType, Meta(description="Of the entry in either direction, mm")] = UNSET
    angle_deg: Annotated[AtLeastZero | UnsetType, Meta(description="Of the angle about either axis, deg")] = UNSET
    depth_mm: Annotated[AtLeastZero | UnsetType, Meta(description="Of the depth, mm")] = UNSET
    tail_share: Annotated[AtLeastZero | UnsetType, Meta(description="Share of drillings that err more, 0 to 1")] = UNSET
    tail_factor: Annotated[AtLeastZero | UnsetType, Meta(description="How many times more those err")] = UNSET
    redirect_mm: Annotated[
        AtLeastZero | UnsetType,
        Meta(description="A pin seen so far off its target in one of two views is redirected, mm; 0: nobody looks"),
        MAY_BE_ABSENT,
    ] = UNSET
    reading_mm: Annotated[
        AtLeastZero | UnsetType, Meta(description="Of where the target is taken to be in each view, mm"), MAY_BE_ABSENT
    ] = UNSET
    outline_mm: Annotated[
        AtLeastZero | UnsetType,
        Meta(description="Of where the bone's outline is taken to be in each view, mm"),
        MAY_BE_ABSENT,
    ] = UNSET
