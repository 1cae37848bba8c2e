"""What a verification says of every figure of a plan: checked, derived from others, or not checked and why.

A figure counts as checked where a check of that verification bears its path. ``NAMED`` lists the paths that have such
checks where they apply; ``THROUGH`` those that are checked by what follows from them; ``NOT_CHECKED`` the rest. A
field of the documents that stands in none of the three fails a test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from corecore.verification.report import Check, Figure, State

RISK = "{tunnels[].risk.*,totals.risk.*}"
FIGURES = (
    "{length_mm,portal_length_mm,removed_fraction,cortical_clearance_mm,posterosuperior_clearance_mm,"
    "joint_clearance_mm,end_to_joint_mm,pin_to_joint_mm,pin_clearance_mm,avoid_clearance_mm,incidence_deg,entry_normal_deg,shaft_angle_deg,ap_angle_deg,"
    "lateral_tilt_deg,entry_above_lesser_trochanter_mm,entry_below_greater_trochanter_mm,entry_anterior_mm,"
    "entry_edge_below_ridge_mm}"
)
ENDS = "{entry,tip,direction,diameter_mm,cavity_diameter_mm,cavity_length_mm}"
#: Paths that a check bears, where it applies. ``[]`` is any place of a list, ``*`` any name, ``{a,b}`` either.
NAMED = (
    "case.inputs[].sha256", "outputs[].sha256", "case.side", "status", "review.{signed,lapsed}.side",
    "anatomy.{head_center,head_radius_mm,neck_axis,neck_shaft_angle_deg,neck_min_area_mm2,shaft_axis,x_axis}",
    "anatomy.{lesser_trochanter_tip,lesser_trochanter_height_mm,vastus_ridge}",
    "anatomy.sources.{head_center,neck_axis,shaft_axis,lesser_trochanter,greater_trochanter,vastus_ridge,x_axis}",
    "necrosis.{volume_ml,outside_head_ml,head_volume_ml,sphere_volume_ml,head_fraction,head_fraction_half_voxel}",
    "necrosis.{sphere_fraction,steinberg,steinberg_sphere,centroid}", "necrosis.head_definitions.*.fraction",
    "necrosis.weight_bearing.{cap_half_angle_deg,subchondral_depth_mm,pole,surface_fraction,volume_fraction,depth_mm}",
    "necrosis.kerboul.{coronal_deg,sagittal_deg,combined_deg,grade}", "necrosis.necrotic_index.original",
    "necrosis.preserved_angle.combined_deg", "necrosis.jic.{type,basis,covered_share,type_range}",
    "necrosis.arco_type.{type,basis,edge_deg,lesion_deg}",
    "necrosis.lateral_pillar.{type,widths,involved_share,whole_share}", "necrosis.octants.*",
    "necrosis.components[].{volume_ml,number,fraction,octant,place,surface_fraction,centroid}",
    "necrosis.components[].covered_share", "necrosis.plane_shares.{coronal,sagittal}",
    "necrosis.classes.*.{range,low,high,not_classifiable}",
    "necrosis.summary.{expected,speaks_for,speaks_against}[].effect.{value,low,high}",
    "headline.{color,sentence}", "headline.rows[].color",
    "necrosis.centroid_in_head.{position_mm,latitude_deg,longitude_deg,from_center_share}",
    "necrosis.osteotomy.{rotation,tilt}.{intact_fraction,best_deg,best_surface_fraction,best_intact_fraction}",
    "necrosis.resurfacing.headline_supported_fraction", "necrosis.signs.collapse.found",
    "necrosis.signs.image_age.{days,limit_days}", "{necrosis,tunnels[]}.frame_range.*",
    "necrosis.{signs,summary}.asks", "spec.preset", "spec.instrument.*", "tunnels[].kept",
    f"{{tunnels[],nearest}}.{FIGURES}",
    "{tunnels[],nearest}.{entry,direction}",
    f"{RISK}.{{cortex_breach_probability,joint_breach_probability,perforation_probability}}",
    f"{RISK}.{{removed_fraction_mean,removed_fraction_p05,removed_fraction_p50,lesion_shift_mm}}",
    "tunnels[].explanation.limits[].{limit,value}",
    "tunnels[].path_bone.{density,entry_cortex_mm,entry_cortex_from}",
    "tunnels[].path_bone.density.{mean_hu,least_hu,greatest_hu}",
    "tunnels[].path_bone.density.stretches[].{from_mm,to_mm,mean_hu,least_hu,greatest_hu}",
    "totals.{removed_fraction,reachable_fraction,removed_weight_bearing_fraction,reached_3mm_fraction}",
    "totals.{reached_5mm_fraction,target_fraction,necrosis_removed_ml,necrosis_left_ml,healthy_bone_removed_ml}",
    "totals.{graft_volume_ml,neck_area_share,discretisation_error_fraction,upper_bound_fraction,optimality_gap}",
    "totals.bone_left.{neck_share_max,hole_above_lesser_trochanter_mm,bridge_mm,lateral_wall_share,holes,spread_deg}",
    "totals.bone_left.neck_bridge_mm",
    "totals.outline.{error_mm,expected_removed_fraction,removed_fraction_p95,focus_missed_probability}",
    "alternatives[].against_plan.{removed_fraction,healthy_bone_removed_ml,breach_probability}",
    "alternatives[].{breach_method,breach_probability}",
    "alternatives[].totals.{necrosis_removed_ml,healthy_bone_removed_ml}",
    "robust.{breach_probability_max,cost_removed_fraction,cost_expected_fraction}",
    "infeasible.{relaxations,together}[].amount", "violations[].limit",
    "tradeoff[].removed_fraction", "totals.removed_share_of_best",
)  # fmt: skip
#: Paths that no check bears, and what follows from them is checked; by what.
THROUGH: dict[str, tuple[str, ...]] = {
    "all figures of the tunnel are recalculated from it": (f"{{tunnels[],nearest}}.{ENDS}",),
    "what a point of the curve removes, and which limits it keeps, is recalculated from it": (
        "tradeoff[].{entry,tip}",
        "tradeoff[].tunnels[].{entry,tip}",
    ),
    "the femoral frame rests on it": ("anatomy.shaft_point",),
    "each focus's share is found again": ("totals.foci_removed_fraction",),
    "the content must match it": ("seal",),
    "every limit broken must be listed": ("violations", "violations[].key"),
    "heights below it are recalculated": ("anatomy.greater_trochanter_tip",),
    "a plan without a tunnel has none": ("tunnels",),
    "the label is read": ("case.inputs[].label", "case.inputs[].role", "case.inputs[].path"),
}
#: Those that are derived from others of the plan; from which.
DERIVED: dict[str, tuple[str, ...]] = {
    "built-in methods must have the program's figures": (
        "risk_methods.*.{name,entry_mm,angle_deg,depth_mm,tail_share,tail_factor,redirect_mm,reading_mm,outline_mm}",
    ),
    "a warning that a figure asks for must be there": ("warnings", "warnings[].code"),
    "no class of size where it is true, and a warning": ("necrosis.lower_bound",),
    "measures.json was written with the plan": ("created",),
    "which rows must be there is derived again": ("headline.rows[].key",),
    "which statements must stand, and which must not, is derived again": (
        "necrosis.summary.{expected,speaks_for,speaks_against}[].{code,direction,certain}",
        "necrosis.summary.{expected,speaks_for,speaks_against}[].effect.{kind,events,n}",
        "necrosis.summary.withheld[].code", "necrosis.summary.withheld",
    ),
    "one point is the plan, and its tunnels must be the plan's": ("tradeoff[].chosen",),
    "it must lie in the plan's folder": ("outputs[].path",),
    "the place where it lay is compared, where this machine knows it": ("case.inputs[].original_sha256",),
    "the warnings of late stages and an open physis must be there": (
        "necrosis.signs.stage.collapsed", "necrosis.signs.physis",
    ),
    "the warning must be there": (
        "necrosis.signs.previous_tunnels[].source", "necrosis.signs.metal.volume_ml", "robust.limit_met",
        "case.lesion_transform.method",
    ),
    "a lesion's shift follows from it": ("case.lesion_transform.residual_mm",),
}  # fmt: skip
TEXT, ASKED, SEEN, SEARCH = (
    "words; the figures in them stand elsewhere in the plan",
    "what was asked for: the plan is held against it, and only the seal shows an edit that it still keeps",
    "what only an image or a user tells; the masks do not",
    "the search's own account; only the search could find it again",
)
WANDERS = "takes outlines that wander; verification has only the mean of them"
OUTLINE = "takes the lesion's outline moved, which verification does not do"
#: Paths that nothing checks but the seal; why.
NOT_CHECKED: dict[str, tuple[str, ...]] = {
    "names the kind of file": ("schema", "coordinate_system", "units", "notice"),
    "names the program, and decides what the plan must have": ("corecore_version",),
    "a name": ("case.id", "case.surgeon"),
    "only --key tells": ("signature",),
    "what was said in the review; its record is not beside the plan": (
        "review.{revision,plan,record,notes,accepted}", "review.{signed,lapsed}", "review.{signed,lapsed}.{name,day}",
    ),
    TEXT: (
        "warnings[].text", "tunnels[].explanation.text", "nearest_reason", "infeasible.{binding,text}",
        "necrosis.missing.*", "necrosis.summary.headline",
        "necrosis.summary.{expected,speaks_for,speaks_against}[].{text,source,cohort}", "necrosis.signs.notes",
        "headline.rows[].{group,what,value,limit}", "necrosis.summary.disagreements",
        "necrosis.summary.withheld[].reason", "necrosis.classes.*.because",
    ),
    WANDERS: ("totals.outline.{removed_fraction_p05,foci_missed_probability,correlation_mm,outlines}",),
    ASKED: (
        "spec.{diameter_mm,tunnels,cortical_margin_mm,posterosuperior_margin_mm,joint_margin_mm,incidence_min_deg}",
        "spec.{shaft_angle_min_deg,shaft_angle_max_deg,length_max_mm,entry_normal_max_deg,entry_ap_max_mm}",
        "spec.{entry_distal_mm,entry_proximal_mm,bridge_min_mm,pattern,cap_half_angle_deg,subchondral_depth_mm}",
        "spec.{breach_probability_max,avoid_margin_mm,entry_fixed,direction_fixed,target,reach_mm}",
        "spec.outline_error_mm",
        "spec.{weight_bearing_weight,cavity_diameter_mm,cavity_length_mm,remove_fraction_min,neck_area_share_max}",
        "spec.{lateral_wall_share_max,entry_below_ridge_mm}",
        "spec.{guidance,objective,near_best_share}",
        "spec.keep", "spec.keep[].{entry,tip,diameter_mm}", "given.{entry,tip}", "robust.method",
        "anatomy.{anteversion_deg,acetabular_edge,teardrop}",
    ),
    SEEN: (
        "case.{imaging_date,operation_date}", "case.inputs[].given", "case.lesion_transform",
        "necrosis.signs.{previous_tunnels,metal,stage}",
        "necrosis.signs.image_age.{imaging_date,note}",
        "necrosis.signs.stage.{label,system,number,letter,system_named}",
        "necrosis.signs.metal.{parts,distance_mm,centroid,share_in_femur,threshold_hu}",
        "necrosis.signs.previous_tunnels[].{start,end,width_mm,length_mm,contrast_hu}",
        "case.lesion_transform.{world_from_lesion,moved_mm,turned_deg,information}",
    ),
    SEARCH: (
        "{alternatives,nearest}", "infeasible.{relaxations,together}", "totals.stopped_by", "robust.trials",
        "robust.risk.*", "robust.plain.*", "timings.*", "given.entry_moved_mm",
        "nearest.{entry_moved_mm,tip_moved_mm,turned_deg}", "nearest.frame_range.*",
        "infeasible.best_reached.{tunnels,removed_fraction}",
        "infeasible.{relaxations,together}[].{key,limit,needed,step,confirmed}",
        "tunnels[].explanation.limits[].{key,unit,step,gain_fraction}", "violations[].{value,tunnel}",
    ),
    "another plan's; plan it and verify that": (
        "alternatives[].tunnels[].*", "alternatives[].totals.*", "alternatives[].{room_mm,against_plan.room_mm}",
    ),
    "drillings are drawn again for the plan's own point alone; on the curve it must not fall": (
        "tradeoff[].perforation_probability",
    ),
    "drillings are drawn again for perforation alone": ("tradeoff[].clearance_p05_mm",),
    "no curve was drawn": ("tradeoff",),
    "the walls nearest to a tunnel are not looked for again; its clearances are": (
        "tunnels[].explanation.nearest[].{what,where,clearance_mm,depth_mm}",
    ),
    "drillings are drawn again for perforations and removed shares alone": (
        f"{RISK}.{{clearance_p05_mm,clearance_p50_mm,poses}}", f"{RISK}.{{standard_errors,breach_places}}.*",
    ),
    "its figures are; where it is and what it is called are not": (
        "totals.bone_left.{neck_share_at_mm,pattern}", "anatomy.neck_center",
    ),
    "the spread of other femora; the ranges that follow from it are taken again": ("anatomy.shaft_range_deg",),
    OUTLINE: (
        "necrosis.repeatability.{half_voxel_mm,outline_error_mm}",
        "necrosis.repeatability.{figures,classes}.*.{half_voxel,one_mm,outline}",
    ),
    "only the shares of other definitions are derived": ("necrosis.head_definitions.*.{head_ml,lesion_ml}",),
    "only the cap about the load in gait is found again": (
        "necrosis.weight_bearing.poles.*.{cap_half_angle_deg,subchondral_depth_mm,pole}",
        "necrosis.weight_bearing.poles.*.{surface_fraction,volume_fraction,depth_mm}",
    ),
    "takes rays that verification does not cast": (
        "necrosis.kerboul.{coronal_union_deg,sagittal_union_deg}",
        "necrosis.necrotic_index.{modified,coronal_slice_mm,sagittal_slice_mm}",
        "necrosis.anterior_necrotic_angle_deg", "necrosis.preserved_angle.{lateral_deg,anterior_deg,confirmed}",
        "necrosis.osteotomy.{rotation,tilt}.{angles_deg,surface_fraction}",
        "necrosis.resurfacing.{reaming_mm,supported_fraction,dead_left_ml}", "necrosis.centroid_in_head.depth_mm",
    ),
    "the acetabulum is not found again": (
        "necrosis.jic.{middle_deg,edge_deg,lesion_deg,seen_at}", "necrosis.arco_type.{apex_deg,confirmed}",
    ),
    "the pillars' areas are not counted again": (
        "necrosis.lateral_pillar.{medial_share,central_share,lateral_share,confirmed}",
    ),
    "the head's surface over the lesion is not measured again": (
        "necrosis.signs.collapse.{over_lesion_mm,rest_p95_mm,rest_max_mm,limit_mm,direction}",
        "necrosis.signs.collapse.{flattening_mm,flattening_direction}",
        "necrosis.signs.collapse.{flattening_limit_mm,flattening_direction}",
        "necrosis.signs.fovea.{source,direction,half_angle_deg,depth_mm}",
    ),
    "classes at other turns of the axis are not read again": ("necrosis.frame_classes.*",),
}  # fmt: skip
#: Paths that a check bears which would pass many an edit; what it does not show.
PARTLY = {
    "only that it lies above every plan known here, and that a search was made; what no tunnel removes only the search"
    " proves": "totals.upper_bound_fraction",
    "only that a preset has that name": "spec.preset",
    "only that the figure lies in it; where arcs end is not looked for in other frames": (
        "necrosis.frame_range.{anterior_necrotic_angle_deg,preserved_angle.combined_deg}"
    ),
    "only that the figure lies in it; the acetabulum is not found again": "necrosis.frame_range.jic.covered_share",
    "only that the figure lies in it; the slice in which the lesion is largest is not looked for again": (
        "necrosis.frame_range.necrotic_index.modified"
    ),
}
#: What is drawn of a plan for people.
DRAWN = ("preview.html", "preview.png", "report.html", "report.pdf")
DRAWN_REASON = "drawn from the plan; the file's fingerprint is checked, the figures printed on it are not read"
#: What else is written beside it, and is not compared with the masks.
BODIES = ("femur.stl", "lesion.stl")
BODIES_REASON = "the file's fingerprint is checked, the body in it is not compared with the mask"


def figures_of(content: object, checks: Iterable[Check], files: Iterable[str] = ()) -> tuple[Figure, ...]:
    """Every figure of a plan (plain JSON), of its measures and of what is drawn, with what the checks say of it."""
    borne: dict[str, bool] = {}
    for check in checks:
        name = check.name.partition(" ")[0]
        borne[name] = borne.get(name, True) and check.cross
    names, compared = set(files), {name for name in borne if name.startswith("measures.json:")}
    figures = [_figure(path, borne) for path in leaves(content)]
    if compared:
        figures.append(Figure("measures.json", "cross_checked", "every figure of it must be the plan's"))
    elif "measures.json" in names:
        figures.append(Figure("measures.json", "not_checked", "not compared with this plan"))
    beside = [(name, DRAWN_REASON) for name in DRAWN] + [(name, BODIES_REASON) for name in BODIES]
    return (*figures, *(Figure(name, "not_checked", reason) for name, reason in beside if name in names))


def _figure(path: str, borne: Mapping[str, bool]) -> Figure:
    for pattern, reason in _partly():
        if pattern.fullmatch(path):
            return Figure(path, "not_checked", reason)
    if path in borne:
        return Figure(path, "cross_checked", "from other figures") if borne[path] else Figure(path, "checked", "again")
    for state, table in _tables():
        for pattern, reason in table:
            if pattern.fullmatch(path):
                return Figure(path, state, reason)
    return Figure(path, "not_checked", "a key that this version does not know")


def leaves(node: object, path: str = "") -> Iterator[str]:
    """The paths of a document's figures: of every value, and of every list of values as one."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from leaves(value, f"{path}.{key}".lstrip("."))
    elif isinstance(node, list) and any(isinstance(item, Mapping) for item in node):
        for index, item in enumerate(node):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path


@cache
def _tables() -> tuple[tuple[State, tuple[tuple[re.Pattern[str], str], ...]], ...]:
    named = ((_pattern(one), "no check of it applies to this plan") for one in NAMED)

    def table(reasons: Mapping[str, tuple[str, ...]]) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple((_pattern(one), reason) for reason, patterns in reasons.items() for one in patterns)

    return (
        ("checked", table(THROUGH)), ("cross_checked", table(DERIVED)), ("not_checked", table(NOT_CHECKED)),
        ("not_checked", tuple(named)),
    )  # fmt: skip


@cache
def _partly() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((_pattern(text), reason) for reason, text in PARTLY.items())


def _pattern(text: str) -> re.Pattern[str]:
    """Of ``a[].{b,c}.*``; in a path of the schema ``[]`` and ``*`` stand for themselves."""
    escaped = re.escape(text).replace(r"\[\]", r"\[\d*\]").replace(r"\*", r".+")
    return re.compile(escaped.replace(r"\{", "(?:").replace(r"\}", ")").replace(",", "|"))
