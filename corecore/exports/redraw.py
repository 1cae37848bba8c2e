"""A plan drawn again: the pictures, the page and the report, from its file and what lies beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from corecore.base.errors import CorecoreError, OutputError
from corecore.document.fields import listed
from corecore.document.read import PlanFile, read_plan
from corecore.document.seal import seal_of
from corecore.exports.plan_folder import draw_all
from corecore.io.files import atomic_write_text, sha256_of, staged_folder
from corecore.planning.open_plan import open_plan
from corecore.report.pictures import preview
from corecore.report.scene import Scene
from corecore.report.tissue import Tissue

#: What is drawn.
FILES = ("preview.png", "preview.html", "report.html", "report.pdf")


def relisted(file: PlanFile, stage: Path) -> str:
    """The text of a plan whose list of outputs has the new fingerprints of the files in ``stage``, sealed again."""
    content = dict(file.content)
    files = {one.path: one.sha256 for one in listed(file.plan.outputs)}
    files |= {item.name: sha256_of(item) for item in stage.iterdir()}
    content["outputs"] = [{"path": name, "sha256": sha256} for name, sha256 in sorted(files.items())]
    return json.dumps({**content, "seal": seal_of(content)}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


class Redrawn(NamedTuple):
    """What was drawn, by which renderer, and why the report lacks what is seen through the volumes."""

    written: list[Path]
    renderer: str
    missing: str | None


def draw_again(plan_file: Path, folder: Path) -> Redrawn:
    """Draws into a folder, in the language spoken."""
    reasons: list[str] = []

    def volumes() -> Tissue | None:
        try:
            return Tissue.of(open_plan(plan_file, image=True).hip)
        except CorecoreError as error:
            # A plan whose masks are gone is drawn all the same, without them.
            reasons.append(str(error))
            return None

    preview.prepare()
    scene, file = Scene.load(plan_file), read_plan(plan_file)
    # Files that the plan lists are not replaced behind its back; an edited plan is left as it is.
    own = file.sealed is True and "outputs" in file.content and folder.exists() and plan_file.parent.samefile(folder)
    if own and "signature" in file.content:
        raise OutputError(
            f"{folder}: holds the plan, which is signed as it is; another folder is accepted for --out",
            code="plan-signed",
        )
    with staged_folder(folder) as stage:
        result = draw_all(scene, volumes, stage)
        if own:
            atomic_write_text(stage / plan_file.name, relisted(file, stage))
    return Redrawn([folder / name for name in FILES], result.renderer, reasons[0] if reasons else None)
