"""``necrosis`` of a plan, which is also the content of ``measures.json``; defined in ``docs/measures.md``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from corecore.document.fields import ALWAYS_FALSE, MAY_BE_ABSENT, Count, Fraction, FractionPair, Pair, Part, Vector
from corecore.document.signs import SignsPart, SummaryPart

Extent = Annotated[str, Meta(pattern="^[ABC](/[ABC])*$")]
Basis = Literal["pelvis", "landmarks", "population"]
Octant = Literal["ASM", "ASL", "PSM", "PSL", "AIM", "AIL", "PIM", "PIL"]
FloatChange = Annotated[list[float | None], Meta(min_length=2, max_length=2)]
ClassChange = Annotated[list[int | str | None], Meta(min_length=2, max_length=2)]


#: The classes of size and location, by path: none is given where the edge of a scan cuts the head or the lesion.
CLASSES = (
    "steinberg", "steinberg_sphere", "kerboul.grade", "jic.type", "jic.type_range", "arco_type.type",
    "lateral_pillar.type",
)  # fmt: skip


class ComponentPart(Part, frozen=True):
    """A focus: a connected piece of the lesion; the largest comes first."""

    volume_ml: Annotated[float | UnsetType, Meta(description="Its volume, ml")] = UNSET
    # Plans of the first version told the volume alone.
    number: Annotated[Count | UnsetType, Meta(description="Its number, 1 the largest"), MAY_BE_ABSENT] = UNSET
    fraction: Annotated[Fraction | UnsetType, Meta(description="Its share of the lesion, 0 to 1"), MAY_BE_ABSENT] = (
        UNSET
    )
    octant: Annotated[
        Octant | UnsetType, Meta(description="Octant of the head that holds its centre of mass"), MAY_BE_ABSENT
    ] = UNSET
    place: Annotated[str | UnsetType, Meta(description="The octant in words"), MAY_BE_ABSENT] = UNSET
    surface_fraction: Annotated[
        Fraction | UnsetType, Meta(description="Share of the weight-bearing area over it, 0 to 1"), MAY_BE_ABSENT
    ] = UNSET
    centroid: Annotated[Vector | UnsetType, Meta(description="Its centre of mass, RAS mm"), MAY_BE_ABSENT] = UNSET
    covered_share: Annotated[
        float | UnsetType | None,
        Meta(description="Its lateral end, 0 at the middle, 1 at the edge; null: not in the mid-coronal plane"),
        MAY_BE_ABSENT,
    ] = UNSET


class HeadShare(Part, frozen=True):
    """The lesion's share of the head by one definition of the head."""

    head_ml: Annotated[float | UnsetType, Meta(description="Volume of the head, ml")] = UNSET
    lesion_ml: Annotated[float | UnsetType, Meta(description="Volume of the lesion in it, ml")] = UNSET
    fraction: Annotated[Fraction | UnsetType, Meta(description="The one over the other, 0 to 1")] = UNSET


class LoadedPart(Part, frozen=True):
    """The lesion under the cap about one load pole."""

    cap_half_angle_deg: Annotated[float | UnsetType, Meta(description="Half-angle of the cap, deg")] = UNSET
    subchondral_depth_mm: Annotated[
        float | UnsetType, Meta(description="How deep lesion still counts as under the surface, mm")
    ] = UNSET
    pole: Annotated[Vector | UnsetType, Meta(description="The load's direction, femoral frame")] = UNSET
    surface_fraction: Annotated[Fraction | UnsetType, Meta(description="Share of the cap over lesion, 0 to 1")] = UNSET
    volume_fraction: Annotated[Fraction | UnsetType, Meta(description="Share of the lesion under the cap, 0 to 1")] = (
        UNSET
    )
    depth_mm: Annotated[
        float | UnsetType | None, Meta(description="Least bone over the lesion there, mm; null: no lesion there")
    ] = UNSET


class WeightBearingPart(LoadedPart, frozen=True):
    """The cap about the load in gait, and about the other poles."""

    poles: Annotated[dict[str, LoadedPart], Meta(description="The same about each pole by name")] = field(
        default_factory=dict
    )


class KerboulPart(Part, frozen=True):
    """Kerboul's necrotic angles, modified."""

    coronal_deg: Annotated[float | UnsetType, Meta(description="Arc in the mid-coronal plane, deg")] = UNSET
    sagittal_deg: Annotated[float | UnsetType, Meta(description="Arc in the mid-sagittal plane, deg")] = UNSET
    combined_deg: Annotated[float | UnsetType, Meta(description="Their sum, deg")] = UNSET
    coronal_union_deg: Annotated[
        float | UnsetType, Meta(description="Coronal arc without viable surface between foci, deg")
    ] = UNSET
    sagittal_union_deg: Annotated[
        float | UnsetType, Meta(description="Sagittal arc without viable surface between foci, deg")
    ] = UNSET
    grade: Annotated[
        Annotated[int, Meta(ge=1, le=4)] | UnsetType | None, Meta(description="Grade 1 to 4; null: not involved")
    ] = UNSET


class NecroticIndexPart(Part, frozen=True):
    """The index of necrosis, from the two arcs."""

    original: Annotated[float | UnsetType, Meta(description="By the mid-planes, 0 to 400")] = UNSET
    modified: Annotated[float | UnsetType, Meta(description="By the slices with most lesion, 0 to 400")] = UNSET
    coronal_slice_mm: Annotated[
        float | UnsetType | None, Meta(description="That coronal slice, in front of the head's centre, mm")
    ] = UNSET
    sagittal_slice_mm: Annotated[
        float | UnsetType | None, Meta(description="That sagittal slice, lateral of the head's centre, mm")
    ] = UNSET


class PreservedAnglePart(Part, frozen=True):
    """The preserved angle of the head's surface."""

    lateral_deg: Annotated[float | UnsetType | None, Meta(description="In the mid-coronal plane, deg")] = UNSET
    anterior_deg: Annotated[float | UnsetType | None, Meta(description="In the neck's plane, deg")] = UNSET
    combined_deg: Annotated[float | UnsetType | None, Meta(description="Their sum, deg")] = UNSET
    confirmed: Annotated[bool | UnsetType, Meta(description="Definition not confirmed"), ALWAYS_FALSE] = UNSET


class JicPart(Part, frozen=True):
    """Type of the Japanese Investigation Committee."""

    type: Annotated[
        Literal["A", "B", "C1", "C2", None] | UnsetType, Meta(description="Type; null: not in that plane")
    ] = UNSET
    basis: Annotated[Basis | UnsetType, Meta(description="What the acetabulum rests on")] = UNSET
    covered_share: Annotated[
        float | UnsetType | None, Meta(description="Lesion's lateral end, 0 at the middle, 1 at the edge")
    ] = UNSET
    middle_deg: Annotated[float | UnsetType, Meta(description="Middle of the weight-bearing surface, deg")] = UNSET
    edge_deg: Annotated[float | UnsetType, Meta(description="Edge of the acetabulum, deg")] = UNSET
    lesion_deg: Annotated[float | UnsetType | None, Meta(description="Lateral end of the lesion, deg")] = UNSET
    seen_at: Annotated[
        Literal["surface", "depth", None] | UnsetType, Meta(description="Where the lesion's end was seen")
    ] = UNSET
    type_range: Annotated[
        str | UnsetType | None, Meta(description="Types that outline, acetabulum, frame and other foci may mean")
    ] = UNSET


class ArcoTypePart(Part, frozen=True):
    """Type by the place of the lateral end."""

    type: Annotated[Literal[1, 2, 3, None] | UnsetType, Meta(description="Type; null: not in that plane")] = UNSET
    basis: Annotated[Basis | UnsetType, Meta(description="What the acetabulum rests on")] = UNSET
    apex_deg: Annotated[float | UnsetType, Meta(description="Apex of the head, deg")] = UNSET
    edge_deg: Annotated[float | UnsetType, Meta(description="Edge of the acetabulum, deg")] = UNSET
    lesion_deg: Annotated[float | UnsetType | None, Meta(description="Lateral end of the lesion, deg")] = UNSET
    confirmed: Annotated[bool | UnsetType, Meta(description="Definition not confirmed"), ALWAYS_FALSE] = UNSET


class LateralPillarPart(Part, frozen=True):
    """Necrotic shares of the head's three pillars."""

    type: Annotated[
        Literal["M", "C", "L1", "L2", "L3", None] | UnsetType, Meta(description="Type; null: no pillar counts")
    ] = UNSET
    medial_share: Annotated[Fraction | UnsetType, Meta(description="Necrotic share of the medial pillar, 0 to 1")] = (
        UNSET
    )
    central_share: Annotated[Fraction | UnsetType, Meta(description="Necrotic share of the central pillar, 0 to 1")] = (
        UNSET
    )
    lateral_share: Annotated[Fraction | UnsetType, Meta(description="Necrotic share of the lateral pillar, 0 to 1")] = (
        UNSET
    )
    widths: Annotated[Vector | UnsetType, Meta(description="Widths of the pillars, shares of the head's")] = UNSET
    involved_share: Annotated[
        float | UnsetType, Meta(description="Necrotic share from which a pillar counts, 0 to 1")
    ] = UNSET
    whole_share: Annotated[
        float | UnsetType, Meta(description="Necrotic share from which a pillar counts as whole, 0 to 1")
    ] = UNSET
    confirmed: Annotated[bool | UnsetType, Meta(description="Definition not confirmed"), ALWAYS_FALSE] = UNSET


class OctantsPart(Part, forbid_unknown_fields=True, frozen=True):
    """Share of the lesion in each octant of the head, 0 to 1."""

    ASM: Annotated[Fraction | UnsetType, Meta(description="Anterior, superior, medial, 0 to 1")] = UNSET
    ASL: Annotated[Fraction | UnsetType, Meta(description="Anterior, superior, lateral, 0 to 1")] = UNSET
    PSM: Annotated[Fraction | UnsetType, Meta(description="Posterior, superior, medial, 0 to 1")] = UNSET
    PSL: Annotated[Fraction | UnsetType, Meta(description="Posterior, superior, lateral, 0 to 1")] = UNSET
    AIM: Annotated[Fraction | UnsetType, Meta(description="Anterior, inferior, medial, 0 to 1")] = UNSET
    AIL: Annotated[Fraction | UnsetType, Meta(description="Anterior, inferior, lateral, 0 to 1")] = UNSET
    PIM: Annotated[Fraction | UnsetType, Meta(description="Posterior, inferior, medial, 0 to 1")] = UNSET
    PIL: Annotated[Fraction | UnsetType, Meta(description="Posterior, inferior, lateral, 0 to 1")] = UNSET


class CentroidPart(Part, frozen=True):
    """The lesion's centre of mass in the head."""

    position_mm: Annotated[
        Vector | UnsetType, Meta(description="Lateral, anterior, proximal of the head's centre, mm")
    ] = UNSET
    latitude_deg: Annotated[float | UnsetType, Meta(description="Height above the plane across the shaft, deg")] = UNSET
    longitude_deg: Annotated[
        float | UnsetType, Meta(description="0 lateral, 90 anterior, 180 medial, -90 posterior, deg")
    ] = UNSET
    depth_mm: Annotated[float | UnsetType, Meta(description="Below the bone's surface, mm")] = UNSET
    from_center_share: Annotated[
        float | UnsetType, Meta(description="Distance from the head's centre over its radius")
    ] = UNSET


class TurnedPart(Part, frozen=True):
    """The weight-bearing zone with the head turned by a range of angles."""

    angles_deg: Annotated[list[float], Meta(description="Angles, deg")] = field(default_factory=list)
    surface_fraction: Annotated[list[Fraction], Meta(description="Necrotic share of the cap at each, 0 to 1")] = field(
        default_factory=list
    )
    intact_fraction: Annotated[list[Fraction], Meta(description="Viable share of the cap at each, 0 to 1")] = field(
        default_factory=list
    )
    best_deg: Annotated[float | UnsetType, Meta(description="Best angle, deg")] = UNSET
    best_surface_fraction: Annotated[Fraction | UnsetType, Meta(description="Necrotic share there, 0 to 1")] = UNSET
    best_intact_fraction: Annotated[Fraction | UnsetType, Meta(description="Viable share there, 0 to 1")] = UNSET


class OsteotomyPart(Part, frozen=True):
    """Osteotomy: effect of turning the head."""

    rotation: Annotated[TurnedPart, Meta(description="About the neck's axis, anterior positive")] = field(
        default_factory=TurnedPart
    )
    tilt: Annotated[TurnedPart, Meta(description="In the mid-coronal plane, varus positive")] = field(
        default_factory=TurnedPart
    )


class ResurfacingPart(Part, frozen=True):
    """What reaming the head for resurfacing would leave."""

    reaming_mm: Annotated[list[float], Meta(description="Depths reamed, mm")] = field(default_factory=list)
    supported_fraction: Annotated[
        list[Fraction], Meta(description="Viable share of the reamed dome at each, 0 to 1")
    ] = field(default_factory=list)
    dead_left_ml: Annotated[list[float], Meta(description="Lesion left at each, ml")] = field(default_factory=list)
    headline_supported_fraction: Annotated[Fraction | UnsetType, Meta(description="Viable share at 5 mm, 0 to 1")] = (
        UNSET
    )


class ChangePart(Part, frozen=True):
    """By how much a figure changes with the outline moved inward and outward; null where it does not exist."""

    half_voxel: Annotated[FloatChange | UnsetType, Meta(description="By half a voxel, in the figure's unit")] = UNSET
    one_mm: Annotated[FloatChange | UnsetType, Meta(description="By 1 mm, in the figure's unit")] = UNSET
    outline: Annotated[
        FloatChange | UnsetType,
        Meta(description="By the outline's error (outline_error_mm), in the figure's unit"),
        MAY_BE_ABSENT,
    ] = UNSET


class ClassesPart(Part, frozen=True):
    """The class for the outline moved inward and outward."""

    half_voxel: Annotated[ClassChange | UnsetType, Meta(description="By half a voxel")] = UNSET
    one_mm: Annotated[ClassChange | UnsetType, Meta(description="By 1 mm")] = UNSET


class RepeatabilityPart(Part, frozen=True):
    """Segmentation uncertainty of the figures: the same with the outline moved."""

    half_voxel_mm: Annotated[float | UnsetType, Meta(description="Half a voxel, mm")] = UNSET
    outline_error_mm: Annotated[
        float | UnsetType, Meta(description="How far outlines lie off on average, mm"), MAY_BE_ABSENT
    ] = UNSET
    figures: Annotated[dict[str, ChangePart], Meta(description="Changes by the figure's path")] = field(
        default_factory=dict
    )
    classes: Annotated[dict[str, ClassesPart], Meta(description="Classes by their path")] = field(default_factory=dict)


class PlaneSharesPart(Part, frozen=True):
    """Section of the largest focus in each mid-plane over its largest section along that plane's normal."""

    coronal: Annotated[Fraction | UnsetType, Meta(description="In the mid-coronal plane, 0 to 1")] = UNSET
    sagittal: Annotated[Fraction | UnsetType, Meta(description="In the mid-sagittal plane, 0 to 1")] = UNSET


class ClassRangePart(Part, frozen=True):
    """Every class that a figure may mean; evidence is given for all of them."""

    range: Annotated[
        list[str], Meta(description="Classes, the worst first; none: not classifiable, or no such figure")
    ] = field(default_factory=list)
    low: Annotated[float | UnsetType, Meta(description="Least that the figure may be, in its unit"), MAY_BE_ABSENT] = (
        UNSET
    )
    high: Annotated[float | UnsetType, Meta(description="Greatest that it may be, in its unit"), MAY_BE_ABSENT] = UNSET
    because: Annotated[list[str], Meta(description="What makes it a range")] = field(default_factory=list)
    not_classifiable: Annotated[str | UnsetType, Meta(description="Why no class is given"), MAY_BE_ABSENT] = UNSET


class NecrosisPart(Part, kw_only=True, frozen=True):
    """Every measure of the lesion."""

    volume_ml: Annotated[float | UnsetType, Meta(description="Volume of the lesion inside the bone, ml")] = UNSET
    outside_head_ml: Annotated[float | UnsetType, Meta(description="Part of it that is not in the head, ml")] = UNSET
    head_volume_ml: Annotated[float | UnsetType, Meta(description="Volume of the head, ml")] = UNSET
    sphere_volume_ml: Annotated[float | UnsetType, Meta(description="Volume of the head's sphere, ml")] = UNSET
    head_fraction: Annotated[Fraction | UnsetType, Meta(description="Lesion over head, 0 to 1")] = UNSET
    head_fraction_half_voxel: Annotated[
        FractionPair | UnsetType, Meta(description="The same, outline half a voxel in and out, 0 to 1")
    ] = UNSET
    sphere_fraction: Annotated[Fraction | UnsetType, Meta(description="Lesion over sphere, 0 to 1")] = UNSET
    head_definitions: Annotated[dict[str, HeadShare], Meta(description="The share by each definition of the head")] = (
        field(default_factory=dict)
    )
    steinberg: Annotated[
        Extent | UnsetType | None,
        Meta(description="Lesion size grade (Steinberg) by the head; null: a scan's edge cuts"),
    ] = UNSET
    steinberg_sphere: Annotated[
        Extent | UnsetType | None,
        Meta(description="Lesion size grade (Steinberg) by the sphere; null: a scan's edge cuts"),
    ] = UNSET
    lower_bound: Annotated[
        bool | UnsetType,
        Meta(description="Whether a scan's edge cuts head or lesion: figures are lower bounds"),
        MAY_BE_ABSENT,
    ] = UNSET
    weight_bearing: Annotated[WeightBearingPart, Meta(description="Weight-bearing zone")] = field(
        default_factory=WeightBearingPart
    )
    kerboul: Annotated[KerboulPart, Meta(description="Necrotic angles")] = field(default_factory=KerboulPart)
    necrotic_index: Annotated[NecroticIndexPart, Meta(description="Index of necrosis")] = field(
        default_factory=NecroticIndexPart
    )
    anterior_necrotic_angle_deg: Annotated[
        float | UnsetType | None, Meta(description="Anterior necrotic angle, deg; null: plane not involved")
    ] = UNSET
    preserved_angle: Annotated[PreservedAnglePart, Meta(description="Preserved angle")] = field(
        default_factory=PreservedAnglePart
    )
    jic: Annotated[JicPart, Meta(description="Location: JIC type")] = field(default_factory=JicPart)
    arco_type: Annotated[ArcoTypePart, Meta(description="Location: ARCO type")] = field(default_factory=ArcoTypePart)
    lateral_pillar: Annotated[LateralPillarPart, Meta(description="Location: pillars of the head")] = field(
        default_factory=LateralPillarPart
    )
    octants: Annotated[OctantsPart, Meta(description="Shares by octant")] = field(default_factory=OctantsPart)
    components: Annotated[list[ComponentPart], Meta(description="Connected pieces")] = field(default_factory=list)
    centroid: Annotated[Vector | UnsetType, Meta(description="Centre of mass, RAS mm")] = UNSET
    centroid_in_head: Annotated[CentroidPart, Meta(description="Centre of mass in the head")] = field(
        default_factory=CentroidPart
    )
    osteotomy: Annotated[OsteotomyPart, Meta(description="Osteotomy: effect of turning the head")] = field(
        default_factory=OsteotomyPart
    )
    resurfacing: Annotated[ResurfacingPart, Meta(description="Resurfacing: bone left after reaming")] = field(
        default_factory=ResurfacingPart
    )
    repeatability: Annotated[RepeatabilityPart, Meta(description="Segmentation uncertainty of the figures")] = field(
        default_factory=RepeatabilityPart
    )
    frame_range: Annotated[
        dict[str, Pair] | UnsetType,
        Meta(description="Least and greatest of each figure that depends on an uncertain frame or load direction"),
        MAY_BE_ABSENT,
    ] = UNSET
    frame_classes: Annotated[
        dict[str, list[int | str | None]] | UnsetType,
        Meta(description="Classes that an uncertain lateral axis may mean"),
        MAY_BE_ABSENT,
    ] = UNSET
    plane_shares: Annotated[
        PlaneSharesPart | UnsetType,
        Meta(description="How much of the largest focus each mid-plane shows"),
        MAY_BE_ABSENT,
    ] = UNSET
    classes: Annotated[
        dict[str, ClassRangePart] | UnsetType,
        Meta(description="Classes with what they may be, by the figure's path; what evidence rests on"),
        MAY_BE_ABSENT,
    ] = UNSET
    missing: Annotated[dict[str, str], Meta(description="Why a figure is null, by its path")] = field(
        default_factory=dict
    )
    signs: Annotated[SignsPart, Meta(description="Other findings")] = field(default_factory=SignsPart)
    summary: Annotated[SummaryPart, Meta(description="Ten seconds' reading")] = field(default_factory=SummaryPart)
