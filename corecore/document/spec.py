"""``spec``: every parameter in force; their sources stand in ``docs/design/constraints.md``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from corecore.document.fields import MAY_BE_ABSENT, AtLeastZero, Part, Vector

Number = Annotated[float | UnsetType, MAY_BE_ABSENT]


class KeptPart(Part, frozen=True):
    """A tunnel on which the surgeon insists."""

    entry: Annotated[Vector, Meta(description="Entry, RAS mm")]
    tip: Annotated[Vector, Meta(description="Tip, RAS mm")]
    diameter_mm: Annotated[float, Meta(description="Diameter, mm")]


class StepPart(Part, frozen=True):
    """A narrower part of an instrument behind its tip."""

    to_mm: Annotated[float, Meta(description="How far it reaches back from the tip, mm")]
    diameter_mm: Annotated[float, Meta(description="Its diameter, mm")]


class InstrumentPart(Part, frozen=True):
    """What is drilled with; lengths mm, 0 for what it has not."""

    name: Annotated[str, Meta(description="Name of the library, or of the user's own file")]
    title: Annotated[str, Meta(description="What it is")]
    diameter_mm: Annotated[float, Meta(description="Diameter of the shaft, mm")]
    tip: Annotated[Literal["flat", "cone", "round"], Meta(description="Shape of its end; round: half a ball")]
    tip_angle_deg: Annotated[float, Meta(description="Full angle of a cone's point, deg")]
    steps: Annotated[list[StepPart], Meta(description="Narrower parts, from the tip backward")]
    pin_diameter_mm: Annotated[float, Meta(description="Diameter of the guide pin, mm")]
    pin_overshoot_mm: Annotated[float, Meta(description="How far the pin runs ahead of the tip, mm")]
    pin_margin_mm: Annotated[float, Meta(description="Least bone between the pin and the bone's surface, mm")]
    depth_stop: Annotated[bool, Meta(description="Whether a stop is set to the depth")]
    cavity_diameter_mm: Annotated[float, Meta(description="Diameter of the wider part at its end, mm")]
    cavity_length_mm: Annotated[float, Meta(description="Length of that part, mm")]
    objective: Annotated[Literal["lesion", "reached"], Meta(description="Used to remove necrosis, or to reach it")]
    source: Annotated[str, Meta(description="Where its sizes are published, or unconfirmed")]
    unconfirmed: Annotated[str, Meta(description="Which of them no source was found for")]


class SpecPart(Part, frozen=True):
    """Parameters of the plan: sizes, limits and target."""

    preset: Annotated[str | UnsetType, Meta(description="Preset that the parameters began from"), MAY_BE_ABSENT] = UNSET
    diameter_mm: Annotated[Number, Meta(description="Diameter of the drill, mm")] = UNSET
    tunnels: Annotated[int | float | UnsetType, Meta(description="Tunnels asked for"), MAY_BE_ABSENT] = UNSET
    cortical_margin_mm: Annotated[Number, Meta(description="Least bone to the cortex, mm")] = UNSET
    posterosuperior_margin_mm: Annotated[Number, Meta(description="Least bone to the postero-superior neck, mm")] = (
        UNSET
    )
    joint_margin_mm: Annotated[Number, Meta(description="Least bone to the joint's surface, mm")] = UNSET
    incidence_min_deg: Annotated[Number, Meta(description="Least angle to the cortex, deg")] = UNSET
    shaft_angle_min_deg: Annotated[Number, Meta(description="Least angle to the shaft, deg")] = UNSET
    shaft_angle_max_deg: Annotated[Number, Meta(description="Greatest angle to the shaft, deg")] = UNSET
    length_max_mm: Annotated[Number, Meta(description="Greatest length, mm")] = UNSET
    entry_normal_max_deg: Annotated[Number, Meta(description="Greatest turn of the cortex at the entry, deg")] = UNSET
    entry_ap_max_mm: Annotated[Number, Meta(description="AP offset from the mid-lateral line at most, mm")] = UNSET
    entry_distal_mm: Annotated[
        Number, Meta(description="Lower end of the entry zone above the lesser trochanter, mm")
    ] = UNSET
    entry_proximal_mm: Annotated[
        Number, Meta(description="Upper end of the entry zone above the lesser trochanter, mm")
    ] = UNSET
    bridge_min_mm: Annotated[Number, Meta(description="Least bone between separate holes, mm")] = UNSET
    pattern: Annotated[str | UnsetType, Meta(description="any, fan, separate or parallel"), MAY_BE_ABSENT] = UNSET
    cap_half_angle_deg: Annotated[Number, Meta(description="Half-angle of the weight-bearing cap, deg")] = UNSET
    subchondral_depth_mm: Annotated[Number, Meta(description="How deep lesion counts as under the surface, mm")] = UNSET
    breach_probability_max: Annotated[
        Number, Meta(description="Limit of the probability of perforation of a robust plan, 0 to 1")
    ] = UNSET
    avoid_margin_mm: Annotated[
        AtLeastZero | UnsetType, Meta(description="Least distance to the regions to avoid, mm"), MAY_BE_ABSENT
    ] = UNSET
    entry_fixed: Annotated[
        Vector | UnsetType | None, Meta(description="Where every tunnel enters, RAS mm; null: free"), MAY_BE_ABSENT
    ] = UNSET
    direction_fixed: Annotated[
        Vector | UnsetType | None, Meta(description="How every tunnel runs, RAS; null: free"), MAY_BE_ABSENT
    ] = UNSET
    keep: Annotated[
        list[KeptPart] | UnsetType, Meta(description="Tunnels on which the surgeon insists"), MAY_BE_ABSENT
    ] = UNSET
    target: Annotated[
        Literal["lesion", "weight-bearing", "reached", "expected"] | UnsetType,
        Meta(description="What is to be as much as can be"), MAY_BE_ABSENT,
    ] = UNSET  # fmt: skip
    reach_mm: Annotated[
        AtLeastZero | UnsetType, Meta(description="What counts as reached about a wall, mm"), MAY_BE_ABSENT
    ] = UNSET
    outline_error_mm: Annotated[
        AtLeastZero | UnsetType, Meta(description="Mean error of the outline simulated, mm; 0: none"), MAY_BE_ABSENT
    ] = UNSET
    weight_bearing_weight: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType,
        Meta(description="Weight of lesion in the weight-bearing sector"),
        MAY_BE_ABSENT,
    ] = UNSET
    cavity_diameter_mm: Annotated[
        AtLeastZero | UnsetType, Meta(description="Diameter of the cavity at the tip, mm; 0: none"), MAY_BE_ABSENT
    ] = UNSET
    cavity_length_mm: Annotated[
        AtLeastZero | UnsetType, Meta(description="Length of the cavity at the tip, mm; 0: none"), MAY_BE_ABSENT
    ] = UNSET
    remove_fraction_min: Annotated[
        Number, Meta(description="Share to remove with the fewest tunnels, 0 to 1; 0: as much as can be")
    ] = UNSET
    neck_area_share_max: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | UnsetType, Meta(description="Most of the neck's section, share"),
        MAY_BE_ABSENT,
    ] = UNSET  # fmt: skip
    lateral_wall_share_max: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | UnsetType,
        Meta(description="Largest lateral-wall defect, share of its width"),
        MAY_BE_ABSENT,
    ] = UNSET  # fmt: skip
    entry_below_ridge_mm: Annotated[
        float | UnsetType, Meta(description="Hole's upper edge below the vastus ridge at least, mm"), MAY_BE_ABSENT
    ] = UNSET
    guidance: Annotated[
        str | UnsetType, Meta(description="Guidance method by which it will be drilled"), MAY_BE_ABSENT
    ] = UNSET
    objective: Annotated[
        Literal["safest", "most"] | UnsetType,
        Meta(description="safest: least perforation of the nearly best; most: what does most"),
        MAY_BE_ABSENT,
    ] = UNSET
    near_best_share: Annotated[
        Annotated[float, Meta(ge=0.5, le=1)] | UnsetType,
        Meta(description="Least share of the most removed that a safest plan removes, 0.5 to 1"),
        MAY_BE_ABSENT,
    ] = UNSET
    instrument: Annotated[
        InstrumentPart | UnsetType,
        Meta(description="What is drilled with; absent: a flat-ended cylinder of the sizes above"),
        MAY_BE_ABSENT,
    ] = UNSET
