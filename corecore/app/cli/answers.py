"""What options say, as the work takes it: a path, a stage, a file of methods."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corecore.base.errors import InputError
from corecore.base.parsing import vector
from corecore.document.seal import read_key
from corecore.io.markups import read_line
from corecore.tunnels.risk.methods import METHODS, Method, read_methods


def path_given(entry: str | None, tip: str | None, line: Path | None) -> tuple[Any, Any]:
    """Entry and tip (3,), world RAS mm, from the two options or from a line."""
    if line is not None and entry is None and tip is None:
        return read_line(line)
    if line is not None or entry is None or tip is None:
        raise InputError(
            "a path is needed: --entry x,y,z and --tip x,y,z, or --line FILE alone, is accepted", code="option-missing"
        )
    return vector(entry, "--entry"), vector(tip, "--tip")


def key_of(path: Path | None) -> bytes | None:
    """The secret key of a file, where one is named."""
    return None if path is None else read_key(path)


def check_femur(femur: str, lesion: str, image: Path | None) -> None:
    """Raise ``InputError`` without a femur; where there is an image, name what drafts one from it."""
    if femur:
        return
    how = "a mask of the femur is needed" if image is None else (
        f"draft one with corecore draft --image {image} --lesion {lesion} --out femur_draft.nii.gz,"
        " check every slice of it, and give it as --femur"
    )  # fmt: skip
    raise InputError(f"--femur is missing; {how}", code="option-missing")


def check_lesion_options(
    transform: Path | None, image: Path | None, register: bool, kind: str | None, inverse: bool | None
) -> None:
    """Raise ``InputError`` for options of a lesion from another scan that do not go together."""
    if register and transform is not None:
        raise InputError("--register and --lesion-transform; one of them is accepted", code="options-conflict")
    if register and image is None:
        raise InputError(
            "--register needs --lesion-image, the image the lesion was drawn on, and --image, the femur's",
            code="option-missing",
        )
    if transform is None and (kind is not None or inverse is not None):
        raise InputError(
            "--transform-kind and --inverse say what --lesion-transform is; with it they are accepted",
            code="options-conflict",
        )
    if image is not None and not register and kind != "flirt":
        raise InputError(
            "--lesion-image without --register; --register, or --lesion-transform instead, is accepted",
            code="options-conflict",
        )


def methods_of(path: Path | None) -> Mapping[str, Method]:
    """The error models known, with those of a file."""
    return METHODS if path is None else read_methods(path)
