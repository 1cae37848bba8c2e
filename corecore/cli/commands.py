"""The commands and their options. Heavy imports stand inside the command that needs them."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from corecore.cli import DISAGREES, DONE, INFEASIBLE
from corecore.cli.elsewhere import LesionImage, LesionTransform, Register, elsewhere

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

Femur = Annotated[str, typer.Option(help="Femur mask: FILE, FILE:LABEL by number or name, or a folder.")]
Lesion = Annotated[str, typer.Option(help="Necrosis mask: FILE, FILE:LABEL by number or name, or a folder.")]
SideOption = Annotated[str, typer.Option(help="auto, left or right; checked against the bone's shape.")]
LandmarkFile = Annotated[
    Path | None, typer.Option(help="Landmarks that replace the fitted ones: Slicer .mrk.json, or JSON.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a plan that is there.")]
PelvisMask = Annotated[
    str | None, typer.Option(help="Mask of the pelvis: FILE, or FILE:LABEL; for the types of place (JIC, ARCO).")
]
AvoidMask = Annotated[
    str | None, typer.Option(help="Mask of what to keep out of: FILE, or FILE:LABEL; --set avoid_margin_mm=MM.")
]
EntryOption = Annotated[
    str | None, typer.Option("--entry", help="Where every tunnel must enter: x,y,z in RAS mm, on the bone's surface.")
]
DirectionOption = Annotated[
    str | None, typer.Option("--direction", help="How every tunnel must run, entry to tip: x,y,z in RAS, any length.")
]
KeepOption = Annotated[
    list[str] | None,
    typer.Option("--keep", help="A tunnel of the plan already: ENTRY:TIP or ENTRY:TIP:DIAMETER, x,y,z each; repeated."),
]
TargetOption = Annotated[
    str | None, typer.Option("--target", help="Do most of: lesion (removed), weight-bearing (weighted), reached.")
]
ImageFile = Annotated[
    Path | None, typer.Option(help="The CT or MR the masks were drawn on: a file, or the folder of a DICOM series.")
]
ImagingDate = Annotated[str | None, typer.Option("--imaging-date", help="Day of the imaging, YYYY-MM-DD.")]
StageOption = Annotated[
    str | None,
    typer.Option("--stage", help="Stage as the surgeon reads it: II, 'ARCO 3A', 'Steinberg IIC', 'Ficat 2'."),
]
PhysisOption = Annotated[str, typer.Option("--physis", help="Growth plate: open, closed or unknown.")]
PoleOption = Annotated[
    str | None,
    typer.Option("--pole", help="One more load pole: x,y,z of the femoral frame (lateral, anterior, proximal)."),
]
MethodsFile = Annotated[
    Path | None, typer.Option("--methods", help="TOML file with error models of your own, a table [methods.NAME] each.")
]
CaseId = Annotated[str | None, typer.Option("--id", help="Name of the case; default: a hash of its masks.")]
KeepNames = Annotated[bool, typer.Option("--keep-names", help="Refer to the input files by name instead of copying.")]


def _version(wanted: bool) -> None:
    if wanted:
        from corecore.doctor import versions

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
    from corecore.samples import sample

    path = sample()
    code = _plan(f"{path}:1", f"{path}:2", out=out, overwrite=overwrite, as_json=as_json, case_id="demo")
    if code == DONE and not as_json:
        return _verify(out / "plan.json", as_json=False, brief=True)
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

    from corecore.cli.progress import steps
    from corecore.io.files import atomic_write_text
    from corecore.spec import Spec

    given_pole = None if pole is None else _vector(pole, "--pole")
    answers = _answers(stage, physis, imaging_date)
    other = elsewhere(lesion_transform, lesion_image, register)
    with steps(quiet=as_json) as step, ThreadPoolExecutor(1) as beside:
        # What is needed later is loaded beside the work of the moment.
        beside.submit(lambda: [import_module(name) for name in ("corecore.measures.document", "corecore.cli.tables")])
        hip = _hip(
            femur, lesion, side, landmarks, case_id, step, pelvis=pelvis, image=image, quiet=as_json, other=other
        )  # fmt: skip
        step("measuring")
        from corecore.measures import measure as measure_hip
        from corecore.measures.document import measures_document

        measures = measure_hip(hip, Spec(), pole=given_pole, answers=answers)
    content = measures_document(hip, measures)
    if not keep_names:
        for source in content["case"]["inputs"]:
            source["path"] = None
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    if out is not None:
        atomic_write_text(out, text + "\n")
    if as_json:
        typer.echo(text)
    else:
        from corecore.cli.tables import print_measures

        print_measures(content, measures.summary(content).text())
        if out is not None:
            typer.echo(f"written: {out}")
    return DONE


@app.command()
def plan(
    femur: Femur,
    lesion: Lesion,
    out: Annotated[Path, typer.Option(help="Folder for the plan.")],
    side: SideOption = "auto",
    landmarks: LandmarkFile = None,
    preset: Annotated[str | None, typer.Option(help="core-10 (default), core-8, multi-3.2 or acd.")] = None,
    tunnels: Annotated[int | None, typer.Option(help="Most tunnels, 1 to 16.")] = None,
    diameter: Annotated[float | None, typer.Option(help="Drill diameter, mm.")] = None,
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
    config: Annotated[Path | None, typer.Option(help="TOML file of parameters.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE, may be repeated.")] = None,
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
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Leave the pictures out.")] = False,
    case_id: CaseId = None,
    keep_names: KeepNames = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> int:
    """Measure, search the best tunnels, and write the plan's folder. Exit code 3: no feasible tunnel."""
    if remove is not None and tunnels is None:
        tunnels = MOST_TUNNELS
    values = {
        "tunnels": tunnels, "diameter_mm": diameter, "target": target,
        "entry_fixed": entry, "direction_fixed": direction, "keep": keep or None,
        "remove_fraction_min": remove,
    }  # fmt: skip
    return _plan(
        femur,
        lesion,
        out=out,
        side=side,
        landmarks=landmarks,
        pelvis=pelvis,
        avoid=avoid,
        image=image,
        other=elsewhere(lesion_transform, lesion_image, register),
        answers=_answers(stage, physis, imaging_date),
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
    out: Annotated[Path, typer.Option(help="Folder for the plan.")],
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
    config: Annotated[Path | None, typer.Option(help="TOML file of parameters.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE, may be repeated.")] = None,
    methods: MethodsFile = None,
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Leave the pictures out.")] = False,
    case_id: CaseId = None,
    keep_names: KeepNames = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> int:
    """Judge a path set by hand by the planner's figures: what it breaks, and the best tunnel near it."""
    points = _path_given(entry, tip, line)
    return _plan(
        femur,
        lesion,
        out=out,
        side=side,
        landmarks=landmarks,
        pelvis=pelvis,
        image=image,
        other=elsewhere(lesion_transform, lesion_image, register),
        answers=_answers(stage, physis, imaging_date),
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
def explain(plan_file: Annotated[Path, typer.Argument(metavar="PLAN.json")], as_json: AsJson = False) -> int:
    """Why a plan's tunnels lie where they lie, and what each limit that holds them costs."""
    from corecore.cli.progress import steps

    with steps(quiet=as_json) as step:
        step("reading")
        from corecore.reopen import reopen

        plan = reopen(plan_file)
        from corecore.explain import explanation

        told = []
        for index in range(len(plan.tunnels)):
            step(f"tunnel {index + 1} of {len(plan.tunnels)}", index / len(plan.tunnels))
            told.append(explanation(plan.hip, plan.spec, plan.tunnels, index, gains=True))
    if as_json:
        typer.echo(json.dumps({"tunnels": told}, indent=1, ensure_ascii=False, allow_nan=False))
    elif told:
        from corecore.cli.tables import print_explanations

        print_explanations(told)
    else:
        typer.echo(plan.content["infeasible"]["text"])
    return DONE


@app.command()
def verify(plan_file: Annotated[Path, typer.Argument(metavar="PLAN.json")], as_json: AsJson = False) -> int:
    """Compute a plan's figures again by a second road. Exit code 1: they disagree."""
    return _verify(plan_file, as_json=as_json)


@app.command()
def preview(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN.json")],
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures; default: the plan's.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Open the scene in the browser.")] = False,
    as_json: AsJson = False,
) -> int:
    """Draw preview.png, the self-contained scene preview.html, and the report of a plan."""
    from corecore.cli.preview import draw_again

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


def _vector(text: str, option: str) -> tuple[float, float, float]:
    """Three finite numbers, not all zero."""
    from corecore.errors import InputError

    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        x = y = z = 0.0
    if not all(abs(value) < float("inf") for value in (x, y, z)) or x == y == z == 0.0:
        raise InputError(f"{option} {text!r}; three numbers x,y,z, not all zero, are accepted")
    return x, y, z


def _path_given(entry: str | None, tip: str | None, line: Path | None) -> tuple[Any, Any]:
    """Entry and tip (3,), world RAS mm, from the two options or from a line."""
    from corecore.errors import InputError

    if line is not None and entry is None and tip is None:
        from corecore.io.markups import read_line

        return read_line(line)
    if line is not None or entry is None or tip is None:
        raise InputError("a path is needed: --entry x,y,z and --tip x,y,z, or --line FILE alone, is accepted")
    from corecore.spec import vector

    return vector(entry, "--entry"), vector(tip, "--tip")


def _answers(stage: str | None, physis: str, imaging_date: str | None) -> Any:
    """What the surgeon said, as the signs take it."""
    from corecore.signs.asked import Answers, parse_physis
    from corecore.signs.image_age import parse_date
    from corecore.signs.stage import parse_stage

    return Answers(
        stage=None if stage is None else parse_stage(stage),
        physis=parse_physis(physis),
        imaging_date=None if imaging_date is None else parse_date(imaging_date),
    )


def _hip(
    femur: str,
    lesion: str,
    side: str,
    landmarks: Path | None,
    case_id: str | None,
    step: Any,
    *,
    pelvis: str | None = None,
    image: Path | None = None,
    avoid: str | None = None,
    quiet: bool = False,
    other: dict[str, Any] | None = None,
) -> Any:
    from corecore.anatomy.landmarks import read_landmarks
    from corecore.case import load_case
    from corecore.errors import InputError
    from corecore.hip import build_hip

    if side not in ("auto", "left", "right"):
        raise InputError(f"--side {side!r}; auto, left or right is accepted")
    step("reading")
    from corecore.cli.folders import from_folders

    femur, lesion, image = from_folders(femur, lesion, image, side, quiet=quiet)
    given = read_landmarks(landmarks) if landmarks else None
    case = load_case(
        femur, lesion, side=side, landmarks=given, case_id=case_id, pelvis=pelvis, image=image,  # type: ignore[arg-type]
        avoid=avoid, **(other or {}),
    )  # fmt: skip
    step("bone surface and anatomy")
    return build_hip(case)


def _plan(
    femur: str,
    lesion: str,
    *,
    out: Path,
    side: str = "auto",
    landmarks: Path | None = None,
    pelvis: str | None = None,
    avoid: str | None = None,
    image: Path | None = None,
    other: dict[str, Any] | None = None,
    answers: Any = None,
    preset_name: str | None = None,
    config: Path | None = None,
    values: dict[str, Any] | None = None,
    settings: list[str] | None = None,
    gap: float | None = None,
    seconds: float | None = None,
    robust: str | None = None,
    methods_file: Path | None = None,
    explain: bool = False,
    alternatives: int = 0,
    pictures: bool = True,
    case_id: str | None = None,
    keep_names: bool = False,
    overwrite: bool = False,
    as_json: bool = False,
    path: tuple[Any, Any] | None = None,
) -> int:
    import time
    from concurrent.futures import ThreadPoolExecutor

    from corecore.cli.progress import run_log, steps
    from corecore.errors import InputError
    from corecore.spec import check_effort, parse_settings, preset, read_config

    table = read_config(config) if config else {}
    spec = preset(str(preset_name or table.pop("preset", None) or "core-10"))
    table.pop("preset", None)
    spec = spec.with_values(table, origin=str(config))
    spec = spec.with_values(values or {}, origin="").with_values(parse_settings(settings or []))
    check_effort(gap, seconds, alternatives, spec.tunnels)
    from corecore.risk.methods import METHODS, check_robust, read_methods

    methods = METHODS if methods_file is None else read_methods(methods_file)
    check_robust(robust, methods, spec.tunnels)

    timings: dict[str, float] = {}
    # What is needed later is loaded, and the surfaces for the files are made, beside the work of the moment.
    with run_log() as log, steps(quiet=as_json) as step, ThreadPoolExecutor(2) as beside:
        from corecore.results import check_target, prepared_meshes, write_plan

        check_target(out, overwrite=overwrite)
        if keep_names and any((other or {}).values()):
            raise InputError("--keep-names with a lesion from another scan; its moved mask is kept in the folder")
        beside.submit(import_module, "corecore.plan_document" if path is None else "corecore.manual")
        started = time.perf_counter()
        hip = _hip(
            femur, lesion, side, landmarks, case_id, step, pelvis=pelvis, image=image, avoid=avoid, quiet=as_json,
            other=other,
        )  # fmt: skip
        timings["load_s"] = time.perf_counter() - started - sum(hip.timings.values())
        surfaces = beside.submit(prepared_meshes, hip, pictures=pictures)
        from corecore.measures import Measures
        from corecore.measures import measure as measure_hip

        def measured() -> Measures:
            started = time.perf_counter()
            result = measure_hip(hip, spec, answers=answers)
            timings["measures_s"] = time.perf_counter() - started
            return result

        measuring = beside.submit(measured)
        step("measuring; searching (the first run compiles for about half a minute)")
        from corecore.plan import plan_hip

        if path is None:
            result = plan_hip(
                hip, spec, measuring.result, gap=gap, seconds=seconds, explain=explain, others=alternatives,
                methods=methods, robust=robust, progress=lambda share: step("searching", share),
            )  # fmt: skip
        else:
            from corecore.manual import assess_path

            result = assess_path(hip, spec, measuring.result, *path, methods=methods)
        step("writing and drawing" if pictures else "writing")
        content = write_plan(
            result, out, pictures=pictures, keep_names=keep_names, log_text=log, timings=timings,
            surfaces=surfaces.result(),
        )
    if as_json:
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        from corecore.cli.tables import print_plan

        print_plan(content, out)
    return INFEASIBLE if result.status == "infeasible" else DONE


def _verify(plan_file: Path, *, as_json: bool, brief: bool = False) -> int:
    from dataclasses import asdict

    from corecore.cli.progress import steps
    from corecore.cli.tables import print_verification
    from corecore.verify import verify_plan

    with steps(quiet=as_json) as step:
        step("verifying by a second road")
        result = verify_plan(plan_file)
    if as_json:
        content = {
            "agrees": result.agrees,
            "messages": list(result.messages),
            "checks": [asdict(check) for check in result.checks],
        }
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        print_verification(result, brief=brief)
    return DONE if result.agrees else DISAGREES
