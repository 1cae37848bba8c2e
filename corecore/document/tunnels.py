"""Tunnels as a plan states them: ends, sizes, figures, risk, and why they lie there; world RAS mm."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from corecore.document.fields import MAY_BE_ABSENT, AtLeastZero, Fraction, Pair, Part, Vector
from corecore.document.risk import RiskPart

Wall = Literal["cortex", "neck", "joint"]
CortexSource = Literal["ct", "ct_at_most", "mask", "none"]
WallSide = Literal["superior", "anterior", "inferior", "posterior", "lateral", "head"]


class TunnelPart(Part, kw_only=True, frozen=True):
    """One tunnel; clearances are null where there is no such wall."""

    entry: Annotated[Vector, Meta(description="Entry on the lateral cortex, RAS mm")]
    tip: Annotated[
        Vector, Meta(description="Deepest point of the instrument on the axis, RAS mm; a guide pin may run ahead")
    ]
    direction: Annotated[Vector | UnsetType, Meta(description="Unit vector from entry to tip")] = UNSET
    diameter_mm: Annotated[float, Meta(description="Diameter of the drill, mm")]
    cavity_diameter_mm: Annotated[
        float | UnsetType | None, Meta(description="Diameter of the cavity at the tip, mm; null: none"), MAY_BE_ABSENT
    ] = UNSET
    cavity_length_mm: Annotated[
        float | UnsetType | None, Meta(description="Length of the cavity at the tip, mm; null: none"), MAY_BE_ABSENT
    ] = UNSET
    length_mm: Annotated[float | UnsetType, Meta(description="Entry to tip, mm")] = UNSET
    portal_length_mm: Annotated[
        float | UnsetType,
        Meta(description="Length of the cortical entry hole, where the cortical margin does not apply, mm"),
    ] = UNSET
    removed_fraction: Annotated[float | UnsetType, Meta(description="Share of the lesion it removes, 0 to 1")] = UNSET
    cortical_clearance_mm: Annotated[
        float | UnsetType | None, Meta(description="Least distance of its wall to the cortex, mm")
    ] = UNSET
    posterosuperior_clearance_mm: Annotated[
        float | UnsetType | None, Meta(description="Least distance of its wall to the postero-superior neck, mm")
    ] = UNSET
    joint_clearance_mm: Annotated[
        float | UnsetType | None, Meta(description="Least distance of wall and end to the joint's surface, mm")
    ] = UNSET
    end_to_joint_mm: Annotated[
        float | UnsetType | None,
        Meta(description="Along its axis from the tip to the bone's surface, as fluoroscopy shows it, mm"),
        MAY_BE_ABSENT,
    ] = UNSET
    pin_to_joint_mm: Annotated[
        float | UnsetType | None,
        Meta(description="The same from the end of a guide pin that runs ahead, mm; absent: none"),
        MAY_BE_ABSENT,
    ] = UNSET
    pin_clearance_mm: Annotated[
        float | UnsetType | None,
        Meta(description="Least distance of that pin to the bone's surface, mm; absent: none"),
        MAY_BE_ABSENT,
    ] = UNSET
    avoid_clearance_mm: Annotated[
        float | UnsetType | None, Meta(description="Least distance to the regions to avoid, mm"), MAY_BE_ABSENT
    ] = UNSET
    incidence_deg: Annotated[float | UnsetType, Meta(description="Drill–cortex angle, 90 perpendicular, deg")] = UNSET
    entry_normal_deg: Annotated[float | UnsetType, Meta(description="Entry normal, deviation from lateral, deg")] = (
        UNSET
    )
    shaft_angle_deg: Annotated[float | UnsetType, Meta(description="Angle of its axis to the shaft, 3-D, deg")] = UNSET
    ap_angle_deg: Annotated[float | UnsetType, Meta(description="Angle to the shaft in the AP view, deg")] = UNSET
    lateral_tilt_deg: Annotated[float | UnsetType, Meta(description="Sagittal angulation, anterior positive, deg")] = (
        UNSET
    )
    entry_above_lesser_trochanter_mm: Annotated[
        float | UnsetType, Meta(description="Entry above the lesser trochanter's level, mm")
    ] = UNSET
    entry_below_greater_trochanter_mm: Annotated[
        float | UnsetType | None, Meta(description="Entry below the greater trochanter's tip, mm")
    ] = UNSET
    entry_anterior_mm: Annotated[
        float | UnsetType | None,
        Meta(description="AP offset of the entry from the mid-lateral line, anterior positive, mm"),
    ] = UNSET
    entry_edge_below_ridge_mm: Annotated[
        float | UnsetType | None,
        Meta(description="Hole's upper edge below the vastus ridge, mm; null: the ridge is not found"),
        MAY_BE_ABSENT,
    ] = UNSET
    frame_range: Annotated[
        dict[str, Pair] | UnsetType,
        Meta(description="Least and greatest of each figure that depends on an uncertain lateral axis"),
        MAY_BE_ABSENT,
    ] = UNSET


class WallPart(Part, frozen=True):
    """A wall that the tunnel comes near to."""

    what: Annotated[Wall | UnsetType, Meta(description="Which wall")] = UNSET
    where: Annotated[WallSide | UnsetType, Meta(description="On which side of the tunnel")] = UNSET
    clearance_mm: Annotated[float | UnsetType, Meta(description="Bone left there, mm")] = UNSET
    depth_mm: Annotated[AtLeastZero | UnsetType, Meta(description="How far from the entry, mm")] = UNSET


class HeldLimitPart(Part, frozen=True):
    """A limit that holds the tunnel where it is."""

    key: Annotated[str | UnsetType, Meta(description="Parameter of spec")] = UNSET
    limit: Annotated[float | UnsetType, Meta(description="The limit, in its unit")] = UNSET
    value: Annotated[float | UnsetType, Meta(description="The tunnel's figure, in its unit")] = UNSET
    unit: Annotated[Literal["mm", "deg"] | UnsetType, Meta(description="Unit of limit, value and step")] = UNSET
    step: Annotated[
        float | UnsetType | None, Meta(description="By how much the limit was moved to measure the gain; null: not")
    ] = UNSET
    gain_fraction: Annotated[
        Fraction | UnsetType | None, Meta(description="Share of the lesion that more is removed then, 0 to 1")
    ] = UNSET


class ExplanationPart(Part, frozen=True):
    """Why a tunnel lies where it lies."""

    text: Annotated[str | UnsetType, Meta(description="The explanation in words")] = UNSET
    nearest: Annotated[list[WallPart], Meta(description="Walls it comes nearest to")] = field(default_factory=list)
    limits: Annotated[list[HeldLimitPart], Meta(description="Limits that hold it")] = field(default_factory=list)


class DensityStretchPart(Part, frozen=True):
    """CT density on a part of a tunnel's axis."""

    from_mm: Annotated[float | UnsetType, Meta(description="Where it begins, mm from the entry")] = UNSET
    to_mm: Annotated[float | UnsetType, Meta(description="Where it ends, mm from the entry")] = UNSET
    mean_hu: Annotated[float | UnsetType, Meta(description="Mean density, HU")] = UNSET
    least_hu: Annotated[float | UnsetType, Meta(description="Least density, HU")] = UNSET
    greatest_hu: Annotated[float | UnsetType, Meta(description="Greatest density, HU")] = UNSET


class DensityPart(Part, frozen=True):
    """CT density on a tunnel's axis from entry to tip."""

    mean_hu: Annotated[float | UnsetType, Meta(description="Mean density, HU")] = UNSET
    least_hu: Annotated[float | UnsetType, Meta(description="Least density, HU")] = UNSET
    greatest_hu: Annotated[float | UnsetType, Meta(description="Greatest density, HU")] = UNSET
    stretches: Annotated[
        list[DensityStretchPart], Meta(description="The same by 5 mm from the entry on; the last is shorter")
    ] = field(default_factory=list)


class PathBonePart(Part, frozen=True):
    """The bone along a tunnel's axis."""

    density: Annotated[
        DensityPart | UnsetType | None, Meta(description="CT density on the axis; null: no CT that shows all of it")
    ] = UNSET
    entry_cortex_mm: Annotated[
        float | UnsetType | None,
        Meta(description="Thickness of the cortex at the entry along the surface's normal, mm; null: not to be read"),
    ] = UNSET
    entry_cortex_from: Annotated[
        CortexSource | UnsetType,
        Meta(description="Where that is read; ct_at_most: smeared by the voxels, the cortex is no thicker"),
    ] = UNSET


class PlannedTunnelPart(TunnelPart, kw_only=True, frozen=True):
    """A tunnel of the plan."""

    kept: Annotated[bool | UnsetType, Meta(description="Whether the surgeon insists on this tunnel"), MAY_BE_ABSENT] = (
        UNSET
    )
    path_bone: Annotated[
        PathBonePart | UnsetType, Meta(description="Density along its axis, and cortex at its entry"), MAY_BE_ABSENT
    ] = UNSET
    risk: Annotated[dict[str, RiskPart] | UnsetType, Meta(description="Risk by guidance method")] = UNSET
    explanation: Annotated[ExplanationPart | UnsetType, Meta(description="Why it is there"), MAY_BE_ABSENT] = UNSET


class OtherTunnelPart(PlannedTunnelPart, kw_only=True, frozen=True):
    """A tunnel of an alternative."""

    entry_anterior_mm: Annotated[
        float | UnsetType, Meta(description="AP offset of the entry from the mid-lateral line, anterior positive, mm")
    ] = UNSET


class NearestTunnelPart(TunnelPart, kw_only=True, frozen=True):
    """The best tunnel near a path set by hand that keeps every limit."""

    entry_moved_mm: Annotated[AtLeastZero | UnsetType, Meta(description="Its entry from the given one, mm")] = UNSET
    tip_moved_mm: Annotated[AtLeastZero | UnsetType, Meta(description="Its tip from the given one, mm")] = UNSET
    turned_deg: Annotated[AtLeastZero | UnsetType, Meta(description="Its direction from the given one, deg")] = UNSET


class PlainTunnelPart(TunnelPart, kw_only=True, frozen=True):
    """The tunnel that a robust plan gave up."""

    risk: Annotated[RiskPart | UnsetType, Meta(description="Its risk by the method planned for")] = UNSET
