"""What several commands do: open a hip, plan or judge, verify. Heavy imports stand where they are needed."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from corecore.app.cli import DISAGREES, DONE, INFEASIBLE


def path_given(entry: str | None, tip: str | None, line: Path | None) -> tuple[Any, Any]:
    """Entry and tip (3,), world RAS mm, from the two options or from a line."""
    from corecore.base.errors import InputError

    if line is not None and entry is None and tip is None:
        from corecore.io.markups import read_line

        return read_line(line)
    if line is not None or entry is None or tip is None:
        raise InputError(
            "a path is needed: --entry x,y,z and --tip x,y,z, or --line FILE alone, is accepted", code="option-missing"
        )
    from corecore.base.parsing import vector

    return vector(entry, "--entry"), vector(tip, "--tip")


def check_femur(femur: str, lesion: str, image: Path | None) -> None:
    """Raise ``InputError`` without a femur; where there is an image, name what drafts one from it."""
    from corecore.base.errors import InputError

    if femur:
        return
    how = "a mask of the femur is needed" if image is None else (
        f"draft one with corecore draft --image {image} --lesion {lesion} --out femur_draft.nii.gz,"
        " look at every slice of it, and give it as --femur"
    )  # fmt: skip
    raise InputError(f"--femur is missing; {how}", code="option-missing")


def check_side(side: str) -> None:
    """Raise ``InputError`` for a side that is none."""
    from corecore.base.errors import InputError

    if side not in ("auto", "left", "right"):
        raise InputError(f"--side {side!r}; auto, left or right is accepted", code="option-value")


def clinician_input(stage: str | None, physis: str, imaging_date: str | None) -> Any:
    """What the surgeon said, as the signs take it."""
    from corecore.measures.signs.clinician_input import ClinicianInput, parse_physis
    from corecore.measures.signs.image_age import parse_date
    from corecore.measures.signs.stage import parse_stage

    return ClinicianInput(
        stage=None if stage is None else parse_stage(stage),
        physis=parse_physis(physis),
        imaging_date=None if imaging_date is None else parse_date(imaging_date),
    )


def open_hip(
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
    """The hip of masks named on the command line, its surface and anatomy; ``step`` is told what is being done."""
    from corecore.hip.anatomy.landmarks import read_landmarks
    from corecore.hip.case import load_case
    from corecore.hip.hip import build_hip

    check_side(side)
    step("reading")
    from corecore.app.cli.folders import from_folders

    femur, lesion, image = from_folders(femur, lesion, image, side, quiet=quiet)
    given = read_landmarks(landmarks) if landmarks else None
    case = load_case(
        femur, lesion, side=side, landmarks=given, case_id=case_id, pelvis=pelvis, image=image,  # type: ignore[arg-type]
        avoid=avoid, **(other or {}),
    )  # fmt: skip
    step("bone surface and anatomy")
    return build_hip(case)


def plan_and_report(
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
    """Measure, plan (or judge the ``path`` given) and write the folder; the exit code."""
    import time
    from concurrent.futures import ThreadPoolExecutor

    from corecore.app.cli.progress import run_log, steps
    from corecore.base.errors import InputError
    from corecore.base.parsing import parse_settings
    from corecore.base.spec import check_effort, preset, read_config

    table = read_config(config) if config else {}
    spec = preset(str(preset_name or table.pop("preset", None) or "core-10"))
    table.pop("preset", None)
    spec = spec.with_values(table, origin=str(config))
    spec = spec.with_values(values or {}, origin="").with_values(parse_settings(settings or []))
    check_effort(gap, seconds, alternatives, spec.tunnels)
    from corecore.tunnels.risk.methods import METHODS, check_robust, read_methods

    methods = METHODS if methods_file is None else read_methods(methods_file)
    check_robust(robust, methods, spec.tunnels)

    timings: dict[str, float] = {}
    # What is needed later is loaded, and the surfaces for the files are made, beside the work of the moment.
    with run_log() as log, steps(quiet=as_json) as step, ThreadPoolExecutor(2) as beside:
        from corecore.exports.plan_folder import check_target, prepared_meshes, write_plan

        check_target(out, overwrite=overwrite)
        if keep_names and any((other or {}).values()):
            raise InputError(
                "--keep-names with a lesion from another scan; its moved mask is kept in the folder",
                code="options-conflict",
            )
        beside.submit(import_module, "corecore.planning.document" if path is None else "corecore.planning.manual")
        started = time.perf_counter()
        hip = open_hip(
            femur, lesion, side, landmarks, case_id, step, pelvis=pelvis, image=image, avoid=avoid, quiet=as_json,
            other=other,
        )  # fmt: skip
        timings["load_s"] = time.perf_counter() - started - sum(hip.timings.values())
        surfaces = beside.submit(prepared_meshes, hip, pictures=pictures)
        from corecore.measures.model import Measures
        from corecore.measures.model import measure as measure_hip

        def measured() -> Measures:
            started = time.perf_counter()
            result = measure_hip(hip, spec, answers=answers)
            timings["measures_s"] = time.perf_counter() - started
            return result

        measuring = beside.submit(measured)
        step("measuring; searching (the first run compiles for about half a minute)")
        from corecore.planning.planner import plan_hip

        if path is None:
            result = plan_hip(
                hip, spec, measuring.result, gap=gap, seconds=seconds, explain=explain, others=alternatives,
                methods=methods, robust=robust, progress=lambda share: step("searching", share),
            )  # fmt: skip
        else:
            from corecore.planning.manual import assess_path

            result = assess_path(hip, spec, measuring.result, *path, methods=methods)
        step("writing and drawing" if pictures else "writing")
        written = write_plan(
            result,
            out,
            pictures=pictures,
            keep_names=keep_names,
            log_text=log,
            timings=timings,
            surfaces=surfaces.result(),
        )
    from corecore.document.content import content_of

    content = content_of(written)
    if as_json:
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        from corecore.app.cli.tables import print_plan

        print_plan(content, out)
    return INFEASIBLE if result.status == "infeasible" else DONE


def verify_and_report(plan_file: Path, *, as_json: bool, brief: bool = False) -> int:
    """Check a plan by the second road and print what was found; the exit code."""
    from dataclasses import asdict

    from corecore.app.cli.progress import steps
    from corecore.app.cli.tables import print_verification
    from corecore.verification.recalculation import verify_plan

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
