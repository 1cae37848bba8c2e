"""``corecore plan``: the best tunnels of one hip."""

from __future__ import annotations

from typing import Annotated

import typer

from corecore.app.cli.answers import check_femur, check_lesion_options, key_of, methods_of
from corecore.app.cli.options import (
    AnteversionOption,
    AsJson,
    AvoidMask,
    CaseId,
    ConfigFile,
    Diameter,
    DirectionOption,
    EntryOption,
    Femur,
    GuidanceOption,
    ImageFile,
    ImagingDate,
    InstrumentOption,
    KeepNames,
    KeepOption,
    KneeMask,
    LandmarkFile,
    LanguageOption,
    Lesion,
    LesionImage,
    LesionTransform,
    MethodsFile,
    NoPictures,
    ObjectiveOption,
    OperationDate,
    OutlineError,
    Overwrite,
    PelvisMask,
    PhysisOption,
    PlanFolder,
    Preset,
    Register,
    SettingOption,
    SideOption,
    SignKey,
    StageOption,
    Straighten,
    SurgeonOption,
    TargetOption,
    TransformInverse,
    TransformKind,
    Tunnels,
)
from corecore.base.language import chosen
from corecore.hip.inputs import HipInputs
from corecore.measures.signs.clinician_input import parse_clinician_input, parse_theatre
from corecore.planning.request import Output, Parameters, PlanRequest, Search, check_robust_objective

#: As many tunnels may be needed to remove a stated share, unless fewer are asked for.
MOST_TUNNELS = 16


def plan(
    lesion: Lesion,
    out: PlanFolder,
    femur: Femur = "",
    side: SideOption = "auto",
    landmarks: LandmarkFile = None,
    anteversion: AnteversionOption = None,
    knee: KneeMask = None,
    preset: Preset = None,
    tunnels: Tunnels = None,
    diameter: Diameter = None,
    instrument: InstrumentOption = None,
    remove: Annotated[
        float | None,
        typer.Option(help="Plan the fewest tunnels that remove at least this share of the necrosis, 0 to 1."),
    ] = None,
    pelvis: PelvisMask = None,
    avoid: AvoidMask = None,
    entry: EntryOption = None,
    direction: DirectionOption = None,
    keep: KeepOption = None,
    target: TargetOption = None,
    guidance: GuidanceOption = None,
    objective: ObjectiveOption = None,
    image: ImageFile = None,
    lesion_transform: LesionTransform = None,
    transform_kind: TransformKind = None,
    transform_inverse: TransformInverse = None,
    lesion_image: LesionImage = None,
    register: Register = False,
    straighten: Straighten = False,
    imaging_date: ImagingDate = None,
    surgeon: SurgeonOption = None,
    operation_date: OperationDate = None,
    stage: StageOption = None,
    physis: PhysisOption = "unknown",
    config: ConfigFile = None,
    setting: SettingOption = None,
    gap: Annotated[
        float | None, typer.Option(help="Prove optimality within this gap (0.01: 1 %; takes minutes).")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Time limit of the proof, s.")] = None,
    robust: Annotated[
        str | None,
        typer.Option(help="Plan for errors: of fluoroscopy, guide, navigated, robot, or your own method; or outline."),
    ] = None,
    outline_error: OutlineError = None,
    methods: MethodsFile = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Measure what each limiting constraint costs (takes seconds).")
    ] = False,
    alternatives: Annotated[int, typer.Option(help="Number of alternatives to search for, each Pareto-optimal.")] = 0,
    no_pictures: NoPictures = False,
    language: LanguageOption = None,
    case_id: CaseId = None,
    keep_names: KeepNames = False,
    overwrite: Overwrite = False,
    sign_key: SignKey = None,
    as_json: AsJson = False,
) -> int:
    """Measure, search for the best tunnels, and write the plan's folder. Exit code 3: no feasible tunnel."""
    from corecore.app.cli.work import plan_and_report

    check_femur(femur, lesion, image)
    if remove is not None and tunnels is None:
        tunnels = MOST_TUNNELS
    values = {
        "tunnels": tunnels, "diameter_mm": diameter, "instrument": instrument, "target": target,
        "entry_fixed": entry, "direction_fixed": direction, "keep": keep or None,
        "remove_fraction_min": remove, "outline_error_mm": outline_error, "guidance": guidance,
        "objective": objective,
    }  # fmt: skip
    check_robust_objective(robust, values)
    check_lesion_options(lesion_transform, lesion_image, register, transform_kind, transform_inverse)
    request = PlanRequest(
        HipInputs(
            femur, lesion, side, case_id, landmarks, image, pelvis, avoid, lesion_transform, lesion_image,
            transform_kind, transform_inverse, straighten, anteversion, knee,
            parse_theatre(surgeon, operation_date),
        ),
        parse_clinician_input(stage, physis, imaging_date),
        Parameters(preset, config, {key: value for key, value in values.items() if value is not None}, setting or ()),
        Search(gap, seconds, robust, methods_of(methods), explain, alternatives),
        Output(out, not no_pictures, keep_names, overwrite, key_of(sign_key), chosen(language)),
    )  # fmt: skip
    return plan_and_report(request, as_json=as_json)
