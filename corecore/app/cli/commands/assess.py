"""``corecore assess``: a path of the surgeon's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli.answers import check_lesion_options, key_of, methods_of, path_given
from corecore.app.cli.options import (
    AnteversionOption,
    AsJson,
    CaseId,
    ConfigFile,
    Diameter,
    Femur,
    GuidanceOption,
    ImageFile,
    ImagingDate,
    InstrumentOption,
    KeepNames,
    KneeMask,
    LandmarkFile,
    Lesion,
    LesionImage,
    LesionTransform,
    MethodsFile,
    NoPictures,
    OperationDate,
    Overwrite,
    PelvisMask,
    PhysisOption,
    PlanFolder,
    Register,
    SettingOption,
    SideOption,
    SignKey,
    StageOption,
    Straighten,
    SurgeonOption,
    TransformInverse,
    TransformKind,
)
from corecore.base.errors import InputError
from corecore.hip.inputs import HipInputs
from corecore.measures.signs.clinician_input import parse_clinician_input, parse_theatre
from corecore.planning.request import Output, Parameters, PlanRequest, Search


def assess(
    femur: Femur,
    lesion: Lesion,
    out: PlanFolder,
    diameter: Diameter = None,
    instrument: InstrumentOption = None,
    entry: Annotated[str | None, typer.Option(help="Entry point: x,y,z, RAS mm.")] = None,
    tip: Annotated[str | None, typer.Option(help="Tip, the deepest point of the axis: x,y,z, RAS mm.")] = None,
    line: Annotated[
        Path | None, typer.Option(help="Slicer .mrk.json with one line, entry first; instead of --entry and --tip.")
    ] = None,
    side: SideOption = "auto",
    landmarks: LandmarkFile = None,
    anteversion: AnteversionOption = None,
    knee: KneeMask = None,
    preset: Annotated[str | None, typer.Option(help="Limits of this preset; default: core-10.")] = None,
    pelvis: PelvisMask = None,
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
    guidance: GuidanceOption = None,
    methods: MethodsFile = None,
    no_pictures: NoPictures = False,
    case_id: CaseId = None,
    keep_names: KeepNames = False,
    overwrite: Overwrite = False,
    sign_key: SignKey = None,
    as_json: AsJson = False,
) -> int:
    """Evaluate a path of your own: every figure, the limits it exceeds, and the best tunnel near it."""
    from corecore.app.cli.work import plan_and_report

    points = path_given(entry, tip, line)
    check_lesion_options(lesion_transform, lesion_image, register, transform_kind, transform_inverse)
    if diameter is None and instrument is None:
        raise InputError("no drill; --diameter or --instrument is accepted", code="option-missing")
    given = {"diameter_mm": diameter, "instrument": instrument, "tunnels": 1, "guidance": guidance}
    values: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    request = PlanRequest(
        HipInputs(
            femur, lesion, side, case_id, landmarks, image=image, pelvis=pelvis, lesion_transform=lesion_transform,
            lesion_image=lesion_image, transform_kind=transform_kind, transform_inverted=transform_inverse,
            straighten=straighten, anteversion_deg=anteversion, knee=knee,
            theatre=parse_theatre(surgeon, operation_date),
        ),
        parse_clinician_input(stage, physis, imaging_date),
        Parameters(preset, config, values, setting or ()),
        Search(methods=methods_of(methods)),
        Output(out, not no_pictures, keep_names, overwrite, key_of(sign_key)),
        path=points,
    )  # fmt: skip
    return plan_and_report(request, as_json=as_json)
