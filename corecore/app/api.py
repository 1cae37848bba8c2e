"""The main job for other programs and notebooks: load, measure, plan or judge, save, check.

``import corecore as cc`` offers these names; what they return shows itself in a notebook.
Each raises ``corecore.CorecoreError`` with one line that says what was found and what is accepted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from corecore.base.spec import Spec, preset
from corecore.exports.plan_folder import check_target, meshes, write_plan
from corecore.hip.anatomy.landmarks import read_landmarks
from corecore.hip.case import load_case
from corecore.hip.hip import Hip, build_hip
from corecore.measures.model import Measures
from corecore.measures.model import measure as measure_hip
from corecore.planning.document import document
from corecore.planning.manual import assess_path
from corecore.planning.planner import Plan, plan_hip
from corecore.report.pictures.preview import draw_preview
from corecore.report.scene import Scene
from corecore.verification.recalculation import verify_plan
from corecore.verification.report import Verification

PathLike = str | os.PathLike[str]


def load(
    femur: PathLike,
    lesion: PathLike,
    *,
    side: Literal["auto", "left", "right"] = "auto",
    image: PathLike | None = None,
    pelvis: PathLike | None = None,
    avoid: PathLike | None = None,
    landmarks: PathLike | None = None,
    case_id: str | None = None,
) -> Hip:
    """One hip with its anatomy, from masks or labels of label maps (``"map.nii.gz:1"``)."""

    def text(path: PathLike | None) -> str | None:
        return None if path is None else os.fspath(path)

    case = load_case(
        os.fspath(femur), os.fspath(lesion), side=side, case_id=case_id, image=text(image), pelvis=text(pelvis),
        avoid=text(avoid), landmarks=None if landmarks is None else read_landmarks(Path(landmarks)),
    )  # fmt: skip
    return build_hip(case)


def measure(hip: Hip) -> Measures:
    """How much bone is dead, and how much of it carries weight."""
    return measure_hip(hip, Spec())


def make_plan(
    hip: Hip,
    name: str = "core-10",
    *,
    gap: float | None = None,
    robust: str | None = None,
    alternatives: int = 0,
    **values: Any,
) -> Plan:
    """The best tunnels of a preset: ``make_plan(hip, "core-8", tunnels=3, pattern="fan")``.

    ``values`` are parameters of ``corecore.Spec``. With ``gap`` (0.01) a bound is proven; ``robust``
    plans for the errors of a method of drilling; so many ``alternatives`` are looked for.
    """
    spec = preset(name).with_values(values, origin="")
    return plan_hip(hip, spec, measure_hip(hip, spec), gap=gap, robust=robust, others=alternatives)


def judge_path(hip: Hip, entry: Sequence[float], tip: Sequence[float], diameter_mm: float, **values: Any) -> Plan:
    """A path of your own (world RAS mm) by all figures, with the limits it breaks and the best tunnel near it."""
    spec = Spec().with_values({**values, "diameter_mm": diameter_mm}, origin="")
    return assess_path(hip, spec, measure_hip(hip, spec), entry, tip)


def save(plan: Plan, folder: PathLike, *, pictures: bool = True, overwrite: bool = False) -> Path:
    """Write the plan's folder, whole or not at all; the path of its ``plan.json``."""
    check_target(Path(folder), overwrite=overwrite)
    write_plan(plan, Path(folder), pictures=pictures)
    return Path(folder) / "plan.json"


def check(plan_file: PathLike) -> Verification:
    """The figures of a saved plan again, by a second road."""
    return verify_plan(Path(plan_file))


@dataclass(frozen=True)
class Picture:
    """A PNG that a notebook shows by itself."""

    png: bytes = field(repr=False)

    def _repr_png_(self) -> bytes:
        return self.png


def draw(plan: Plan) -> Picture:
    """Three views of a plan: from the front, from outside, and along the first tunnel."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="corecore-") as folder:
        path = Path(folder) / "preview.png"
        draw_preview(Scene.of(document(plan), *meshes(plan.hip)), path)
        return Picture(path.read_bytes())
