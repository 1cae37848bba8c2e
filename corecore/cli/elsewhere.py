"""Options for a lesion that was drawn on another scan than the femur."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

LesionTransform = Annotated[
    Path | None,
    typer.Option(
        help="Carries the lesion into the femur's world: ITK .tfm, .txt, .mat, .h5, or a 4 x 4 matrix in RAS."
    ),
]
LesionImage = Annotated[
    Path | None, typer.Option(help="The MR the lesion was drawn on, where it is not --image; with --register.")
]
Register = Annotated[
    bool, typer.Option("--register", help="Find the transform: --lesion-image onto --image, rigid, at the femur.")
]


def elsewhere(transform: Path | None, image: Path | None, register: bool) -> dict[str, Any]:
    """What ``load_case`` is to know of it. Raises ``InputError`` for options that do not go together."""
    from corecore.errors import InputError

    if register and transform is not None:
        raise InputError("--register and --lesion-transform; one of them is accepted", code="options-conflict")
    if register and image is None:
        raise InputError(
            "--register needs --lesion-image, the image the lesion was drawn on, and --image, the femur's",
            code="option-missing",
        )
    if image is not None and not register:
        raise InputError(
            "--lesion-image without --register; --register, or --lesion-transform instead, is accepted",
            code="options-conflict",
        )
    return {"lesion_transform": transform, "lesion_image": image}
