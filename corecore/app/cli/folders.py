"""Folders given in place of files: what is taken for what, and said."""

from __future__ import annotations

import os
from pathlib import Path

import typer


def from_folders(
    femur: str, lesion: str, image: Path | None, side: str, *, quiet: bool
) -> tuple[str, str, Path | None]:
    """The files that a folder named as femur, lesion or image means; each found is printed unless ``quiet``.

    Raises ``InputError`` where none or several fit.
    """
    found: list[tuple[str, str]] = []
    if os.path.isdir(lesion):
        from corecore.io.folder_search import find, side_of

        reference = find(Path(lesion), "lesion", side)
        # A lesion that names its side chooses the femur of that side.
        side = (side_of(reference) or side) if side == "auto" else side
        lesion = str(reference)
        found.append(("lesion", lesion))
    if os.path.isdir(femur):
        from corecore.io.folder_search import find

        femur = str(find(Path(femur), "femur", side))
        found.insert(0, ("femur", femur))
    if image is not None and os.path.isdir(image):
        from corecore.io.folder_search import find

        named, image = image, find(image, "image").path
        # The folder of a series is that series: nothing was chosen.
        if image != named:
            found.append(("image", str(image)))
    if not quiet:
        for role, text in found:
            typer.echo(f"{role}: {text}")
    return femur, lesion, image
