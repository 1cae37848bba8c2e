"""``corecore draft``: a first femur mask from a CT."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from corecore.app.cli import DONE
from corecore.app.cli.options import AsJson, Straighten
from corecore.app.cli.progress import steps
from corecore.base.errors import InputError
from corecore.base.parsing import vector
from corecore.hip.inputs import parse_side

if TYPE_CHECKING:
    from corecore.hip.draft.make import DraftAccount


def draft(
    out: Annotated[Path, typer.Option(help="The mask's .nii.gz; a picture and a JSON file are written next to it.")],
    image: Annotated[
        Path | None,
        typer.Option(help="The CT, in Hounsfield units: a file, or a DICOM folder; FOLDER:NUMBER takes one series."),
    ] = None,
    lesion: Annotated[str | None, typer.Option(help="Necrosis mask in the CT's world: FILE, or FILE:LABEL.")] = None,
    point: Annotated[
        str | None, typer.Option(help="Instead of --lesion: a point in the femoral head, x,y,z, RAS mm.")
    ] = None,
    side: Annotated[str, typer.Option(help="auto, left or right.")] = "auto",
    checked: Annotated[
        Path | None, typer.Option(help="A draft that you have checked: it is written again without the draft mark.")
    ] = None,
    straighten: Straighten = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing draft.")] = False,
    as_json: AsJson = False,
) -> int:
    """Draft a femur mask from a CT. Check and correct it before you plan on it."""
    from corecore.hip.belonging import Part, check_together
    from corecore.hip.draft.write import check_target, draft_files, write_checked
    from corecore.io.references import MaskReference, read_image, read_mask

    parse_side(side)
    check_target(out, overwrite=overwrite)
    if checked is not None:
        if image is not None or lesion is not None or point is not None:
            raise InputError(
                "--checked with --image, --lesion or --point; alone it is accepted",
                code="options-conflict",
            )
        write_checked(checked, out)
        typer.echo(json.dumps({"written": [str(out)]}) if as_json else f"written: {out}")
        return DONE
    if image is None:
        raise InputError(
            "--image is missing; a CT, or --checked with a draft that you have checked, is accepted",
            code="option-missing",
        )
    at = None if point is None else vector(point, "--point")
    with steps(quiet=as_json) as step:
        step("reading")
        seen = read_image(image, straighten=straighten)
        dead = None if lesion is None else read_mask(lesion, seen.grid)
        doubts = () if dead is None else check_together(
            [Part("image", image, seen), Part("lesion", MaskReference.parse(str(lesion)).path, dead)], dead
        )  # fmt: skip
        step("finding the head, the joint and the femur")
        from corecore.hip.draft.make import draft_femur

        made = draft_femur(seen, lesion=dead, point_mm=at, side=None if side == "auto" else side)  # type: ignore[arg-type]
        made = replace(made, warnings=(*doubts, *made.warnings))
        step("drawing")
        account, written = draft_files(made, out)
    names = [str(path) for path in written]
    if as_json:
        typer.echo(
            json.dumps({**to_builtins(account), "written": names}, indent=1, ensure_ascii=False, allow_nan=False)
        )
    else:
        for line in _told(account):
            typer.echo(line)
        typer.echo("written: " + "  ".join(names))
    return DONE


def _told(account: DraftAccount) -> list[str]:
    """The draft's account in lines."""
    lines = [
        f"draft of the {account.side} femur: {account.volume_ml:.0f} ml, head radius"
        f" {account.head_radius_mm:.1f} mm, neck-shaft angle {account.neck_shaft_angle_deg:.0f}°",
        f"the joint space is clear on {account.joint_clear_share:.0%} of the head's surface, an acetabulum seen"
        f" before {account.acetabulum_share:.0%}; bone is what exceeds {account.bone_hu:.0f} HU",
    ]
    lines += [f"note ({warning.code}): {warning.text}" for warning in account.warnings]
    return [*lines, account.notice]
