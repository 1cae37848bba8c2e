"""A synthetic hip as files: NIfTI volumes and the truth beside them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import msgspec

from corecore.base.errors import OutputError
from corecore.io.files import atomic_write_text
from corecore.io.nifti import write_image, write_labels, write_mask
from corecore.study.phantom.hip import HipRecipe, SyntheticHip


def write_hip(hip: SyntheticHip, folder: Path, name: str) -> list[Path]:
    """Write a hip into ``folder`` (made where it is missing); returns the files, in order of writing.

    ``<name>.nii.gz`` holds the labels 1 femur and 2 lesion; where the lesion lies on a grid of its own
    there are ``<name>_femur.nii.gz`` and ``<name>_lesion.nii.gz`` instead. Images are ``<name>_ct.nii.gz``
    and ``<name>_mr.nii.gz``, the truth ``<name>_truth.json``. The same hip gives the same bytes.
    Raises ``OutputError`` where a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror or error})", code="output-unwritable") from error
    written: list[Path] = []

    def path(ending: str) -> Path:
        written.append(folder / f"{name}{ending}")
        return written[-1]

    if hip.lesion.grid.same_as(hip.femur.grid):
        write_labels(path(".nii.gz"), hip.femur.grid, hip.labels())
    else:
        write_mask(path("_femur.nii.gz"), hip.femur)
        write_mask(path("_lesion.nii.gz"), hip.lesion)
    if hip.ct is not None:
        write_image(path("_ct.nii.gz"), hip.ct)
    if hip.mr is not None:
        write_image(path("_mr.nii.gz"), hip.mr)
    atomic_write_text(path("_truth.json"), truth_text(hip))
    return written


def truth_text(hip: SyntheticHip) -> str:
    """The text of a truth file: the hip's truth, then its recipe without what it does not ask for.

    So a truth's bytes stay when recipes learn more.
    """
    plain, later = HipRecipe(), ("sex", "relief", "noise", "blur")
    told = asdict(hip.recipe)
    recipe = {k: v for k, v in told.items() if k not in later or getattr(hip.recipe, k) != getattr(plain, k)}
    content = {**msgspec.to_builtins(hip.truth), "recipe": recipe}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
