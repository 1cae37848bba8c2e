"""``corecore measure``: the lesion's figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli.answers import check_lesion_options
from corecore.app.cli.options import (
    AnteversionOption,
    AsJson,
    CaseId,
    Femur,
    ImageFile,
    ImagingDate,
    KeepNames,
    KneeMask,
    LandmarkFile,
    Lesion,
    LesionImage,
    LesionTransform,
    PelvisMask,
    PhysisOption,
    PoleOption,
    Register,
    SideOption,
    StageOption,
    Straighten,
    TransformInverse,
    TransformKind,
)
from corecore.base.parsing import direction
from corecore.hip.inputs import HipInputs
from corecore.measures.signs.clinician_input import parse_clinician_input


def measure(
    femur: Femur,
    lesion: Lesion,
    side: SideOption = "auto",
    landmarks: LandmarkFile = None,
    anteversion: AnteversionOption = None,
    knee: KneeMask = None,
    pelvis: PelvisMask = None,
    image: ImageFile = None,
    lesion_transform: LesionTransform = None,
    transform_kind: TransformKind = None,
    transform_inverse: TransformInverse = None,
    lesion_image: LesionImage = None,
    register: Register = False,
    straighten: Straighten = False,
    imaging_date: ImagingDate = None,
    stage: StageOption = None,
    physis: PhysisOption = "unknown",
    pole: PoleOption = None,
    case_id: CaseId = None,
    out: Annotated[Path | None, typer.Option(help="Write measures.json here.")] = None,
    keep_names: KeepNames = False,
    as_json: AsJson = False,
) -> int:
    """Measure the necrosis: volume, weight-bearing share, angles, size grade and location."""
    from corecore.app.cli.work import measure_and_report

    given_pole = None if pole is None else direction(pole, "--pole")
    answers = parse_clinician_input(stage, physis, imaging_date)
    check_lesion_options(lesion_transform, lesion_image, register, transform_kind, transform_inverse)
    inputs = HipInputs(
        femur, lesion, side, case_id, landmarks, image=image, pelvis=pelvis, lesion_transform=lesion_transform,
        lesion_image=lesion_image, transform_kind=transform_kind, transform_inverted=transform_inverse,
        straighten=straighten, anteversion_deg=anteversion, knee=knee,
    )  # fmt: skip
    return measure_and_report(inputs, answers, pole=given_pole, out=out, keep_names=keep_names, as_json=as_json)
