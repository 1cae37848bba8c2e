"""What ``plan``, ``assess``, ``measure`` and ``demo`` do with a hip, once their options are read."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import msgspec
import typer

from corecore.app.cli import DONE, INFEASIBLE
from corecore.app.cli.progress import run_log, steps
from corecore.app.cli.tables import print_measures, print_plan
from corecore.base.errors import InputError
from corecore.base.grid import Mask
from corecore.base.spec import Spec
from corecore.document.content import json_text
from corecore.exports.workflow import Watch, open_hip, run
from corecore.hip.inputs import HipInputs
from corecore.io.files import atomic_write_text, check_unclaimed
from corecore.io.folder_search import find, side_of
from corecore.io.references import MaskReference, read_image, read_mask
from corecore.measures.signs.clinician_input import ClinicianInput
from corecore.planning.request import PlanRequest


def plan_and_report(request: PlanRequest, *, as_json: bool) -> int:
    """Measure, plan (or evaluate the path given), write the folder and print the plan; the exit code."""
    folder = request.output.folder
    with run_log() as log, steps(quiet=as_json) as step:
        finished = run(request, watching(step, log, quiet=as_json))
    if as_json:
        typer.echo(json_text(finished.content), nl=False)
    elif folder is not None:
        print_plan(finished.content, folder)
    return INFEASIBLE if finished.plan.status == "infeasible" else DONE


def measure_and_report(
    inputs: HipInputs,
    clinician: ClinicianInput,
    *,
    pole: tuple[float, float, float] | None,
    out: Path | None,
    keep_names: bool,
    as_json: bool,
) -> int:
    """Measure a hip and print, and write where asked, what was found; the exit code."""
    with steps(quiet=as_json) as step, ThreadPoolExecutor(1) as beside:
        # What is needed later is loaded beside the work of the moment.
        beside.submit(import_module, "corecore.measures.document")
        hip = open_hip(inputs, watching(step, quiet=as_json))
        step("measuring")
        from corecore.measures.document import measures_document
        from corecore.measures.model import measure

        measures = measure(hip, Spec(), pole=pole, answers=clinician)
    measured = measures_document(hip, measures)
    if not keep_names:
        nameless = [msgspec.structs.replace(source, path=None) for source in measured.case.inputs]
        measured = msgspec.structs.replace(measured, case=msgspec.structs.replace(measured.case, inputs=nameless))
    text = json_text(measured)
    if out is not None:
        check_unclaimed(out.parent)
        atomic_write_text(out, text)
    if as_json:
        typer.echo(text, nl=False)
    else:
        print_measures(measured, measures.summary(measured).text())
        if out is not None:
            typer.echo(f"written: {out}")
    return DONE


def watching(step: Callable[..., None], log: Callable[[], str] = str, *, quiet: bool) -> Watch:
    """What the command line wants told; folders in place of files are searched, and what was found is printed."""
    return Watch(step, log, partial(from_folders, quiet=quiet))


def from_folders(inputs: HipInputs, *, quiet: bool) -> HipInputs:
    """The files that a folder named as femur, lesion or image means; each found is printed unless ``quiet``.

    Raises ``InputError`` where none or several fit.
    """
    femur, lesion, image, side = str(inputs.femur), str(inputs.lesion), inputs.image, inputs.side
    found: list[tuple[str, str]] = []
    if os.path.isdir(lesion):
        reference = find(Path(lesion), "lesion", side)
        # A lesion that names its side chooses the femur of that side.
        side = (side_of(reference) or side) if side == "auto" else side
        lesion = str(reference)
        found.append(("lesion", lesion))
    if isinstance(image, str | Path) and os.path.isdir(image):
        named, image = str(image), str(find(Path(image), "image"))
        # The folder of a series is that series: nothing was chosen.
        if image != named:
            found.append(("image", str(image)))
    if os.path.isdir(femur):
        femur = str(find(Path(femur), "femur", side, _lesion_of(replace(inputs, lesion=lesion, image=image))))
        found.insert(0, ("femur", femur))
    pelvis = inputs.pelvis
    if pelvis is not None and os.path.isdir(str(pelvis)):
        # As TotalSegmentator names the hip bones.
        of_bone = side_of(MaskReference.parse(femur)) or (side if side in ("left", "right") else None)
        if of_bone is not None:
            pelvis = str(MaskReference(Path(str(pelvis)), f"hip_{of_bone}").in_file())
            found.append(("pelvis", pelvis))
    if not quiet:
        for role, text in found:
            typer.echo(f"{role}: {text}")
    return replace(inputs, femur=femur, lesion=lesion, image=image, pelvis=pelvis)


def _lesion_of(inputs: HipInputs) -> Callable[[], Mask] | None:
    """What reads the lesion in the femur's world; nothing for one of another scan, which says nothing of its place."""
    if inputs.from_another_scan:
        return None

    def read() -> Mask:
        try:
            return read_mask(inputs.lesion)
        except InputError as error:
            if error.code != "contours-without-series" or inputs.image is None:
                raise
        return read_mask(inputs.lesion, read_image(inputs.image, straighten=inputs.straighten).grid)

    return read
