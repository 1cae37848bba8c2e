"""The commands. Heavy imports stand inside the command that needs them; what several do is in ``work``."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from corecore.app.cli import DONE
from corecore.app.cli.options import (
    AsJson,
    AvoidMask,
    CaseId,
    ConfigFile,
    Diameter,
    DirectionOption,
    EntryOption,
    Femur,
    ImageFile,
    ImagingDate,
    KeepNames,
    KeepOption,
    LandmarkFile,
    Lesion,
    LesionImage,
    LesionTransform,
    MethodsFile,
    NoPictures,
    Overwrite,
    PelvisMask,
    PhysisOption,
    PlanFile,
    PlanFolder,
    PoleOption,
    Preset,
    Register,
    SettingOption,
    SideOption,
    StageOption,
    TargetOption,
    Tunnels,
    elsewhere,
)
from corecore.app.cli.work import check_femur, clinician_input, open_hip, path_given, plan_and_report, verify_and_report

app = typer.Typer(
    name="corecore",
    help="Plans drilling paths for core decompression in osteonecrosis of the femoral head. Not a medical device.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

#: As many tunnels may be needed to remove a stated share, unless fewer are asked for.
MOST_TUNNELS = 16


def _version(wanted: bool) -> None:
    if wanted:
        from corecore.app.diagnose import versions

        typer.echo("\n".join(versions()))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo_out"),
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> int:
    """The whole job on a shipped sample volume: measure, plan, verify, pictures."""
    from corecore.study.samples import sample

    path = sample()
    code = plan_and_report(f"{path}:1", f"{path}:2", out=out, overwrite=overwrite, as_json=as_json, case_id="demo")
    if code == DONE and not as_json:
        return verify_and_report(out / "plan.json", as_json=False, brief=True)
    return code


@app.command()
def measure(
    femur: Femur,
    lesion: Lesion,
    side: SideOption = "auto",
    landmarks: LandmarkFile = None,
    pelvis: PelvisMask = None,
    image: ImageFile = None,
    lesion_transform: LesionTransform = None,
    lesion_image: LesionImage = None,
    register: Register = False,
    imaging_date: ImagingDate = None,
    stage: StageOption = None,
    physis: PhysisOption = "unknown",
    pole: PoleOption = None,
    case_id: CaseId = None,
    out: Annotated[Path | None, typer.Option(help="Write measures.json here.")] = None,
    keep_names: KeepNames = False,
    as_json: AsJson = False,
) -> int:
    """How much bone is dead, and how much of it carries weight."""
    from concurrent.futures import ThreadPoolExecutor

    from corecore.app.cli.progress import steps
    from corecore.base.parsing import direction
    from corecore.base.spec import Spec
    from corecore.io.files import atomic_write_text

    given_pole = None if pole is None else direction(pole, "--pole")
    answers = clinician_input(stage, physis, imaging_date)
    other = elsewhere(lesion_transform, lesion_image, register)
    with steps(quiet=as_json) as step, ThreadPoolExecutor(1) as beside:
        # What is needed later is loaded beside the work of the moment.
        beside.submit(
            lambda: [import_module(name) for name in ("corecore.measures.document", "corecore.app.cli.tables")]
        )
        hip = open_hip(
            femur, lesion, side, landmarks, case_id, step, pelvis=pelvis, image=image, quiet=as_json, other=other
        )  # fmt: skip
        step("measuring")
        from corecore.document.content import content_of
        from corecore.measures.document import measures_document
        from corecore.measures.model import measure as measure_hip

        measures = measure_hip(hip, Spec(), pole=given_pole, answers=answers)
    measured = measures_document(hip, measures)
    content = content_of(measured)
    if not keep_names:
        for source in content["case"]["inputs"]:
            source["path"] = None
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    if out is not None:
        atomic_write_text(out, text + "\n")
    if as_json:
        typer.echo(text)
    else:
        from corecore.app.cli.tables import print_measures

        print_measures(content, measures.summary(measured).text())
        if out is not None:
            typer.echo(f"written: {out}")
    return DONE


@app.command()
def plan(
    lesion: Lesion,
    out: PlanFolder,
    femur: Femur = "",
    side: SideOption = "auto",
    landmarks: LandmarkFile = None,
    preset: Preset = None,
    tunnels: Tunnels = None,
    diameter: Diameter = None,
    remove: Annotated[
        float | None, typer.Option(help="Fewest tunnels that remove at least this share of the necrosis, 0 to 1.")
    ] = None,
    pelvis: PelvisMask = None,
    avoid: AvoidMask = None,
    entry: EntryOption = None,
    direction: DirectionOption = None,
    keep: KeepOption = None,
    target: TargetOption = None,
    image: ImageFile = None,
    lesion_transform: LesionTransform = None,
    lesion_image: LesionImage = None,
    register: Register = False,
    imaging_date: ImagingDate = None,
    stage: StageOption = None,
    physis: PhysisOption = "unknown",
    config: ConfigFile = None,
    setting: SettingOption = None,
    gap: Annotated[
        float | None, typer.Option(help="Prove that no tunnel removes more by this share (0.01: 1 %; minutes).")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Prove as far as one comes in so many seconds.")] = None,
    robust: Annotated[
        str | None, typer.Option(help="Plan for this method's errors: guide, robot, navigated, freehand, or your own.")
    ] = None,
    methods: MethodsFile = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Measure what each limit that holds a tunnel costs (seconds).")
    ] = False,
    alternatives: Annotated[
        int, typer.Option(help="How many other tunnels to look for, that nothing beats in all that speaks for one.")
    ] = 0,
    no_pictures: NoPictures = False,
    case_id: CaseId = None,
    keep_names: KeepNames = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> int:
    """Measure, search the best tunnels, and write the plan's folder. Exit code 3: no feasible tunnel."""
    check_femur(femur, lesion, image)
    if remove is not None and tunnels is None:
        tunnels = MOST_TUNNELS
    values = {
        "tunnels": tunnels, "diameter_mm": diameter, "target": target,
        "entry_fixed": entry, "direction_fixed": direction, "keep": keep or None,
        "remove_fraction_min": remove,
    }  # fmt: skip
    return plan_and_report(
        femur,
        lesion,
        out=out,
        side=side,
        landmarks=landmarks,
        pelvis=pelvis,
        avoid=avoid,
        image=image,
        other=elsewhere(lesion_transform, lesion_image, register),
        answers=clinician_input(stage, physis, imaging_date),
        preset_name=preset,
        config=config,
        values={key: value for key, value in values.items() if value is not None},
        settings=setting or [],
        gap=gap,
        seconds=seconds,
        robust=robust,
        methods_file=methods,
        explain=explain,
        alternatives=alternatives,
        pictures=not no_pictures,
        case_id=case_id,
        keep_names=keep_names,
        overwrite=overwrite,
        as_json=as_json,
    )


@app.command()
def assess(
    femur: Femur,
    lesion: Lesion,
    diameter: Annotated[float, typer.Option(help="Drill diameter, mm.")],
    out: PlanFolder,
    entry: Annotated[str | None, typer.Option(help="Where the drill enters: x,y,z, RAS mm.")] = None,
    tip: Annotated[str | None, typer.Option(help="Deepest point of the drill's axis: x,y,z, RAS mm.")] = None,
    line: Annotated[
        Path | None, typer.Option(help="Slicer .mrk.json with one line, entry first; instead of entry and tip.")
    ] = None,
    side: SideOption = "auto",
    landmarks: LandmarkFile = None,
    preset: Annotated[str | None, typer.Option(help="Limits of this preset; default: core-10.")] = None,
    pelvis: PelvisMask = None,
    image: ImageFile = None,
    lesion_transform: LesionTransform = None,
    lesion_image: LesionImage = None,
    register: Register = False,
    imaging_date: ImagingDate = None,
    stage: StageOption = None,
    physis: PhysisOption = "unknown",
    config: ConfigFile = None,
    setting: SettingOption = None,
    methods: MethodsFile = None,
    no_pictures: NoPictures = False,
    case_id: CaseId = None,
    keep_names: KeepNames = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> int:
    """Judge a path set by hand by the planner's figures: what it breaks, and the best tunnel near it."""
    points = path_given(entry, tip, line)
    return plan_and_report(
        femur,
        lesion,
        out=out,
        side=side,
        landmarks=landmarks,
        pelvis=pelvis,
        image=image,
        other=elsewhere(lesion_transform, lesion_image, register),
        answers=clinician_input(stage, physis, imaging_date),
        preset_name=preset,
        config=config,
        values={"diameter_mm": diameter, "tunnels": 1},
        settings=setting or [],
        methods_file=methods,
        pictures=not no_pictures,
        case_id=case_id,
        keep_names=keep_names,
        overwrite=overwrite,
        as_json=as_json,
        path=points,
    )


@app.command()
def explain(plan_file: PlanFile, as_json: AsJson = False) -> int:
    """Why a plan's tunnels lie where they lie, and what each limit that holds them costs."""
    from corecore.app.cli.progress import steps

    with steps(quiet=as_json) as step:
        step("reading")
        from corecore.planning.open_plan import open_plan

        plan = open_plan(plan_file)
        import msgspec

        from corecore.document.content import content_of
        from corecore.planning.explain import explanation

        told = []
        for index in range(len(plan.tunnels)):
            step(f"tunnel {index + 1} of {len(plan.tunnels)}", index / len(plan.tunnels))
            told.append(msgspec.to_builtins(explanation(plan.hip, plan.spec, plan.tunnels, index, gains=True)))
    if as_json:
        typer.echo(json.dumps({"tunnels": told}, indent=1, ensure_ascii=False, allow_nan=False))
    elif told:
        from corecore.app.cli.tables import print_explanations

        print_explanations(told)
    else:
        typer.echo(content_of(plan.file.plan)["infeasible"]["text"])
    return DONE


@app.command()
def verify(plan_file: PlanFile, as_json: AsJson = False) -> int:
    """Compute a plan's figures again by a second road. Exit code 1: they disagree."""
    return verify_and_report(plan_file, as_json=as_json)


@app.command()
def preview(
    plan_file: PlanFile,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures; default: the plan's.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Open the scene in the browser.")] = False,
    as_json: AsJson = False,
) -> int:
    """Draw preview.png, the self-contained scene preview.html, and the report of a plan."""
    from corecore.app.cli.preview import draw_again

    folder = plan_file.parent if out is None else out
    drawn, missing = draw_again(plan_file, folder, quiet=as_json)
    typer.echo(json.dumps(drawn) if as_json else "\n".join(drawn["written"]))
    if missing:
        typer.echo(f"report without fluoroscopy and slices: {missing}", err=True)
    if show:
        import webbrowser

        if not webbrowser.open((folder / "preview.html").resolve().as_uri()):
            typer.echo("no browser could be opened here; open preview.html by hand", err=True)
    return DONE
