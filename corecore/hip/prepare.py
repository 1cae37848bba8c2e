"""From a scanner's study to a case folder: the image, the femora and hip bones, and what is still missing.

Bones come from TotalSegmentator where it is installed: a program of its own, run on a copy of the image that tells of
nobody. Its masks are read, held to the image's grid and written anew; nothing else of its output is kept.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corecore.base.errors import InputError, OutputError
from corecore.base.grid import Grid, Image, Mask
from corecore.io.bounded import short, shown
from corecore.io.detect import look_at
from corecore.io.dicom.series import ordered_series, read_pixels
from corecore.io.dicom.stacks import Stack, choose, survey
from corecore.io.files import staged_folder
from corecore.io.nifti import write_image, write_mask
from corecore.io.references import image_place, read_segmentation
from corecore.io.segmentation import matching

#: The program, and its task by modality (TotalSegmentator's README).
PROGRAM, TASKS = "TotalSegmentator", {"CT": "total", "MR": "total_mr"}
#: What is asked of it, and what a case folder holds of bones.
FEMORA, HIP_BONES = ("femur_left", "femur_right"), ("hip_left", "hip_right")
PARTS = (*FEMORA, *HIP_BONES)
IMAGE, LESION = "image.nii.gz", "necrosis.nii.gz"
#: A mask's corner may lie so far from the image's, mm: programs that write qforms round (engineering choice).
SAME_PLACE_MM = 0.05
#: Less of a bone than this is none, ml (engineering choice).
LEAST_ML = 1.0


@dataclass(frozen=True)
class Missing:
    """What a plan still needs, and how to get it."""

    what: str
    how: str


@dataclass(frozen=True)
class PreparedCase:
    """A case folder: its series, how many others were left out, the bones and their volumes, and what is missing."""

    folder: Path
    series: str
    other_series: int
    modality: str
    date: str | None
    straightened_deg: float
    bones_ml: dict[str, float]
    missing: tuple[Missing, ...]
    commands: tuple[str, ...]


def prepare(
    study: str,
    out: Path,
    *,
    segmentation: str | None = None,
    straighten: bool = False,
    overwrite: bool = False,
    step: Callable[[str], None] = lambda name: None,
) -> PreparedCase:
    """Write a case folder of one series of a study, whole or not at all.

    ``study`` is a DICOM folder, or ``FOLDER:NUMBER``. Without a number the only series that reads as a volume is
    taken. ``segmentation`` is an output of TotalSegmentator, a folder or a label map with names, instead of a run
    of it. Raises ``InputError`` where no series or several fit, and where the program fails or writes no masks on
    the image's grid, ``OutputError`` for a folder that holds a case already.
    """
    _check_target(out, overwrite=overwrite)
    step("looking at the files")
    stack, others, image = _series(study, straighten)
    task = TASKS.get(stack.modality.upper())
    if task is None:
        raise InputError(
            f"{shown(study)}: series {stack.number} is of modality {short(stack.modality) or 'unknown'}; CT or MR is"
            " accepted",
            code="dicom-invalid",
        )
    program = shutil.which(PROGRAM)
    with staged_folder(out) as stage:
        step("writing the image")
        write_image(stage / IMAGE, image)
        bones: dict[str, Mask] = {}
        if segmentation is not None:
            step("reading the segmentation")
            bones = _bones(Path(segmentation), None)
            _check_overlap(image, bones)
        elif program is not None:
            with tempfile.TemporaryDirectory(prefix="corecore-") as place:
                step(f"{PROGRAM} (minutes)")
                _run(program, stage / IMAGE, Path(place) / "parts", task)
                bones = _bones(Path(place) / "parts", image.grid)
        step("writing the bones")
        for name, mask in bones.items():
            write_mask(stage / f"{name}.nii.gz", mask)
    # Bones of an earlier case in this folder are not those of this image.
    for name in set(PARTS) - set(bones):
        (out / f"{name}.nii.gz").unlink(missing_ok=True)
    ran = segmentation is not None or program is not None
    return PreparedCase(
        out, str(stack), others, stack.modality, stack.date or None, image.straightened_deg,
        {name: round(mask.volume_ml, 1) for name, mask in bones.items()}, _missing(out, bones, stack.modality, ran),
        _commands(out, bones, stack.date),
    )  # fmt: skip


def _check_overlap(image: Image, bones: dict[str, Mask]) -> None:
    """Raise ``InputError`` where none of the bones lies in the image; one hip's image may show one side only."""
    refusals = []
    for mask in bones.values():
        try:
            image.around(mask, 0.0)
        except InputError as error:
            refusals.append(error)
    if refusals and len(refusals) == len(bones):
        raise refusals[0]


def _check_target(out: Path, *, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; a folder is accepted for --out", code="output-kind")
    if (out / "plan.json").exists():
        raise OutputError(f"{out}: holds a plan; another folder is accepted for a case", code="output-exists")
    there = [name for name in (IMAGE, *(f"{part}.nii.gz" for part in PARTS)) if (out / name).exists()]
    if there and not overwrite:
        raise OutputError(
            f"{out}: holds {there[0]} already; choose another folder, or give --overwrite", code="output-exists"
        )


def _series(study: str, straighten: bool) -> tuple[Stack, int, Image]:
    """The series of a study that is meant, how many others there are, and its image."""
    place, choice = image_place(study)
    if not place.exists():
        raise InputError(f"{shown(place)}: no such folder; a folder of DICOM files is accepted", code="file-missing")
    found = survey(place)
    if found.broken:
        raise found.broken[0]

    def reads(stack: Stack) -> bool:
        try:
            ordered_series(stack, place, straighten=straighten)
        except InputError:
            return False
        return True

    volumes = [] if choice is not None else [s for s in found.stacks if not s.localizer and reads(s)]
    stack = volumes[0] if len(volumes) == 1 else choose(found, choice)
    return stack, len(found.stacks) - 1, read_pixels(ordered_series(stack, place, straighten=straighten), place)


def _run(program: str, image: Path, into: Path, task: str) -> None:
    """Run TotalSegmentator. No shell, no word of a file's name: both paths are made here."""
    command = [
        program, "-i", str(image.absolute()), "-o", str(into.absolute()), "--task", task, "--roi_subset", *PARTS,
    ]  # fmt: skip
    try:
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise InputError(
            f"{PROGRAM} cannot be run ({error.strerror or error}); give its output as --segmentation",
            code="segmenter-failed",
        ) from error
    if run.returncode:
        lines = [line.strip() for line in f"{run.stdout}\n{run.stderr}".splitlines() if line.strip()]
        raise InputError(
            f"{PROGRAM} ended with code {run.returncode} ({short(lines[-1] if lines else 'it said nothing', 200)});"
            " run it yourself and give its output as --segmentation",
            code="segmenter-failed",
        )


def _bones(place: Path, grid: Grid | None) -> dict[str, Mask]:
    """The bones in an output of TotalSegmentator that hold something; on the image's grid, where one is given."""
    found = {}
    for name in PARTS:
        try:
            mask = _part(place, name)
        except InputError as error:
            if grid is None:
                raise
            # The file is gone when this is read: what is told is whose it was.
            raise InputError(
                f"{PROGRAM} wrote {name} damaged; whole masks are accepted", code="segmenter-failed"
            ) from error
        if mask is None:
            continue
        if grid is not None and not _alike(mask.grid, grid):
            raise InputError(
                f"{PROGRAM} wrote {name} on another grid than the image's; masks on the image's grid are accepted",
                code="segmenter-failed",
            )
        if mask.volume_ml >= LEAST_ML:
            found[name] = mask if grid is None else Mask(grid, mask.voxels)
    if not any(_written(place, name) for name in PARTS):
        raise InputError(
            f"{shown(place) if grid is None else PROGRAM}: holds none of {', '.join(PARTS)}; an output of {PROGRAM}"
            " is accepted",
            code="segmenter-failed",
        )
    return found


def _written(place: Path, name: str) -> bool:
    return place.is_file() or any(place.glob(f"{name}.*"))


def _part(place: Path, name: str) -> Mask | None:
    """One bone of a folder with a file each, or of a label map with names; ``None`` where it is not there or empty."""
    if place.is_dir():
        files = [path for path in sorted(place.glob(f"{name}.*")) if look_at(path)[0] is not None]
        if not files:
            return None
        parts = read_segmentation(files[0])
        return parts.pick(None) if parts.segments else None
    parts = read_segmentation(place)
    segments = matching(tuple(one for one in parts.segments if one.name), name)
    return parts.pick(name) if len(segments) == 1 else None


def _alike(one: Grid, other: Grid) -> bool:
    far = [
        float(abs(a - b).max())
        for a, b in ((one.world_from_index @ (*c, 1), other.world_from_index @ (*c, 1))
                     for c in ((0, 0, 0), other.shape, (other.shape[0], 0, 0), (0, other.shape[1], 0)))
    ]  # fmt: skip
    return one.shape == other.shape and max(far) < SAME_PLACE_MM


def _missing(out: Path, bones: dict[str, Mask], modality: str, ran: bool) -> tuple[Missing, ...]:
    lacks = []
    femora = [name for name in FEMORA if name in bones]
    if not femora:
        way = f"draw one in 3D Slicer on {out / IMAGE} and save it as {out / 'femur_left.nii.gz'} or femur_right.nii.gz"
        if not ran:
            way = f"pip install {PROGRAM} and prepare again, or give its output with --segmentation; or {way}"
        if modality.upper() == "CT":
            way += "; or draft one with corecore draft, once the necrosis is drawn"
        lacks.append(Missing("femur", way))
    if not (out / LESION).exists():
        lacks.append(
            Missing(
                "necrosis",
                f"draw it in 3D Slicer (Segment Editor, or its extension nnInteractive) on {out / IMAGE} and save it as"
                f" {out / LESION}; drawn on an MR of its own, it needs --lesion-transform or --register",
            )
        )
    if not any(name in bones for name in HIP_BONES):
        lacks.append(Missing("hip bones", "not needed; without them the acetabulum is that of the population"))
    return tuple(lacks)


def _commands(out: Path, bones: dict[str, Mask], date: str) -> tuple[str, ...]:
    """What to type once the necrosis lies in the folder."""
    case = shlex.quote(str(out))
    words = f"corecore plan --femur {case} --lesion {case} --image {case}"
    sides = {name.removeprefix("femur_") for name in bones} & {"left", "right"}
    if sides and all(f"hip_{side}" in bones for side in sides):
        words += f" --pelvis {case}"
    return (f"{words}{f' --imaging-date {date}' if date else ''} --out {shlex.quote(f'{out}_plan')}",)
