"""A draft as files: the mask, marked as a draft, the picture to check it by, and its account of itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from msgspec import to_builtins

from corecore.base.errors import InputError, OutputError
from corecore.hip.case import DRAFT_NOTE
from corecore.hip.draft.make import Draft, DraftAccount
from corecore.hip.draft.picture import draw
from corecore.io.detect import kind_of
from corecore.io.files import atomic_write_bytes, atomic_write_text
from corecore.io.nifti import note_of, write_labels
from corecore.io.references import MaskReference, read_mask

ENDINGS = (".nii.gz", ".nii")


def beside(out: Path) -> tuple[Path, Path]:
    """The picture and the account that belong to a mask's file."""
    name = next(out.name[: -len(end)] for end in ENDINGS if out.name.endswith(end))
    return out.with_name(f"{name}.png"), out.with_name(f"{name}.json")


def check_target(out: Path, *, overwrite: bool) -> None:
    """Raise where the mask cannot be written, before anything is computed."""
    if not any(out.name.endswith(end) and out.name != end for end in ENDINGS):
        raise InputError(f"--out {out}; a name that ends in .nii.gz or .nii is accepted", code="output-name")
    if not out.parent.is_dir():
        raise OutputError(f"{out}: the folder {out.parent} is not there", code="output-unwritable")
    there = [path for path in (out, *beside(out)) if path.exists()]
    if there and not overwrite:
        raise InputError(
            f"{there[0]} is there already; another name, or --overwrite, is accepted",
            code="output-exists",
        )


def write_checked(draft: Path, out: Path) -> None:
    """A draft that was looked at, without its mark. Raises ``InputError`` for a mask that is no draft."""
    if kind_of(draft) != "nifti" or DRAFT_NOTE not in note_of(draft):
        raise InputError(
            f"{draft}: is not marked as a draft; a mask that corecore draft wrote is accepted",
            code="draft-unmarked",
        )
    mask = read_mask(MaskReference(draft))
    write_labels(out, mask.grid, mask.voxels.astype(np.uint8), note="femur drafted from CT by corecore, looked at")


def draft_files(draft: Draft, out: Path) -> tuple[DraftAccount, list[Path]]:
    """Write mask, picture and account; returns the account and the files."""
    picture, account = beside(out)
    told = draft.account()
    data = draw(draft)
    text = json.dumps(to_builtins(told), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        atomic_write_bytes(picture, data)
        atomic_write_text(account, text)
        write_labels(out, draft.femur.grid, draft.femur.voxels.astype(np.uint8), note=DRAFT_NOTE)
    except OutputError:
        # All three or none: no mask without what it is checked by, and no picture of another mask.
        for path in (picture, account, out):
            path.unlink(missing_ok=True)
        raise
    return told, [out, picture, account]
