"""A plan opened again: hip, parameters and tunnels rebuilt from its file and the masks it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import cast

import numpy as np
from msgspec import UnsetType

from corecore.base.errors import InputError
from corecore.base.limits import SETTABLE
from corecore.base.spec import Spec
from corecore.document.case import LesionTransformPart
from corecore.document.fields import known
from corecore.document.inputs import input_fingerprints
from corecore.document.read import PlanFile
from corecore.document.stated import StatedPlan, read_stated
from corecore.hip.anatomy.model import Landmarks, PlanWarning
from corecore.hip.belonging import AT_READING
from corecore.hip.case import Source, read_case
from corecore.hip.hip import Hip, build_hip
from corecore.hip.inputs import HipInputs
from corecore.hip.lesion_transform import METHODS, Move
from corecore.io.references import MaskReference
from corecore.measures.signs.clinician_input import parse_theatre
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, assess

#: A plan rebuilt differs from its file by rounding only: head centre, mm, and removed fraction.
SAME_MM, SAME_FRACTION = 1e-3, 1e-4
#: Parameters that plans before 0.3.0 do not have.
BY_GUIDANCE = {"guidance", "objective", "near_best_share"}


@dataclass(frozen=True, eq=False)
class OpenedPlan:
    """A plan's hip, parameters and tunnels in the local frame, with its file as it stands."""

    hip: Hip
    spec: Spec
    tunnels: tuple[tuple[Tunnel, TunnelFigures], ...]
    file: PlanFile


def open_plan(path: Path, *, image: bool = False) -> OpenedPlan:
    """Rebuild a plan's hip from its inputs; with ``image``, the image too, where the plan has one at hand.

    Raises ``InputError`` for a plan that cannot be read, for inputs that are missing or changed,
    and where what is rebuilt is not what the plan says (edited, or made by another version).
    """
    plan = read_stated(Path(path))
    content = plan.file.content
    messages = [one.message for one in input_fingerprints(plan) if one.message is not None]
    if messages:
        raise InputError(f"{path}: {messages[0]}", code="input-changed")
    spec = _spec(path, cast(Mapping[str, object], content["spec"]))
    femur, lesion = (_reference(plan, role) for role in ("femur", "lesion"))
    pelvis, avoid, knee = (_reference(plan, role) if plan.input(role) else None for role in ("pelvis", "avoid", "knee"))
    given = _landmarks(plan)
    seen = plan.input("image") if image else None
    shown = seen.path if seen is not None and seen.path.is_file() else None
    told_case = plan.file.plan.case
    inputs = HipInputs(
        femur, lesion, plan.side, known(told_case.id), given, shown, pelvis, avoid, knee=knee,
        theatre=parse_theatre(known(told_case.surgeon), known(told_case.operation_date)),
    )  # fmt: skip
    case = read_case(inputs)
    marked = plan.input("landmarks")
    if marked is not None:
        # No copy of the file is kept: the places that were used of it stand in the plan.
        case = replace(case, sources=(*case.sources, Source("landmarks", marked.path, marked.sha256, None)))
    told = known(plan.file.plan.case.lesion_transform)
    if told is not None:
        # The lesion's mask lies in the femur's world by now; how surely it does goes into the risk again.
        move = move_told(told)
        case = replace(case, move=move, warnings=(*case.warnings, move.warning))
    hip = build_hip(case)
    hip = replace(hip, warnings=(*_told_at_reading(plan, hip), *hip.warnings))
    gap = float(np.linalg.norm(hip.to_world(hip.anatomy.head_center) - plan.anatomy.head_center))
    if gap > SAME_MM:
        raise InputError(
            f"{path}: the head's centre found again lies {gap:.2f} mm from the plan's;"
            " an unedited plan of this version is accepted",
            code="plan-edited",
        )
    tunnels = []
    for index, item in enumerate(plan.tunnels):
        # What is kept already was drilled with a flat-ended cylinder.
        sizes = item.diameter_mm, item.cavity_diameter_mm or 0.0, item.cavity_length_mm or 0.0
        own = replace(spec, keep=(), instrument=None) if index < len(spec.keep) else spec
        tunnel = Tunnel.planned_with(own.with_sizes(*sizes), hip.to_local(item.entry), hip.to_local(item.tip))
        figures = assess(hip, tunnel, spec)
        stated = item.figures["removed_fraction"]
        if stated is None or abs(figures.removed_fraction - stated) > SAME_FRACTION:
            raise InputError(
                f"{path}: tunnels[{index}] removes {figures.removed_fraction:.4f} of the lesion, not {stated};"
                " corecore verify shows the fault",
                code="plan-edited",
            )
        tunnels.append((tunnel, figures))
    return OpenedPlan(hip, spec, tuple(tunnels), plan.file)


def _told_at_reading(plan: StatedPlan, hip: Hip) -> tuple[PlanWarning, ...]:
    """What the plan tells of the files it was made from: their copies beside it do not tell it again."""
    there = {warning.code for warning in hip.warnings}
    told = ((known(item.code) or "", known(item.text) or "") for item in plan.file.plan.warnings)
    return tuple(PlanWarning.told(code, text) for code, text in told if code in AT_READING - there)


def _reference(plan: StatedPlan, role: str) -> MaskReference:
    item = plan.input(role)
    assert item is not None
    return MaskReference.parse(str(item.path) if item.label is None else f"{item.path}:{item.label}")


def _spec(path: Path, values: Mapping[str, object]) -> Spec:
    """The parameters of a plan; one that names no objective was made for the most, with no guidance in view."""
    if not BY_GUIDANCE & set(values):
        values = {**values, "guidance": None, "objective": "most", "near_best_share": Spec().near_best_share}
    known = {field.name for field in fields(Spec)}
    strange = sorted(set(values) - known)
    if strange:
        raise InputError(
            f"{path}: spec.{strange[0]} is unknown; a plan of this version is accepted", code="plan-version"
        )
    # Nothing was simulated by plans before 0.3.0.
    values = {"outline_error_mm": 0.0, **values}
    # A limit that is not asked for is left out of a plan.
    idle = {"guidance", "instrument"} | {limit.key for limit in SETTABLE if limit.default is None}
    lacking = sorted(known - set(values) - idle)
    if lacking:
        raise InputError(f"{path}: spec lacks {lacking[0]}; a plan of this version is accepted", code="plan-version")
    rest = {name: value for name, value in values.items() if name != "preset"}
    # Guidance that is not known and an instrument that is none are left out of a plan.
    return Spec(preset=str(values["preset"])).with_values({"guidance": None, **rest}, origin=f"{path}: spec")


def _landmarks(plan: StatedPlan) -> Landmarks:
    """Those landmarks that the user gave; the others are fitted again."""
    source, given, kept = plan.anatomy.sources, plan.anatomy, plan.file.plan.anatomy
    edge, teardrop = known(kept.acetabular_edge), known(kept.teardrop)
    head, shaft = source.get("head_center") == "given", source.get("shaft_axis") == "given"
    return Landmarks(
        head_center=given.head_center if head else None,
        head_radius_mm=given.head_radius_mm if head else None,
        neck_center=np.array(kept.neck_center) if source.get("neck_axis") == "given" else None,
        shaft_point=given.shaft_point if shaft else None,
        shaft_axis=given.shaft_axis if shaft else None,
        x_axis=given.x_axis if source.get("x_axis") == "given" else None,
        anteversion_deg=known(kept.anteversion_deg),
        lesser_trochanter_tip=given.lesser_trochanter_tip if source.get("lesser_trochanter") == "given" else None,
        greater_trochanter_tip=given.greater_trochanter_tip if source.get("greater_trochanter") == "given" else None,
        acetabular_edge=None if edge is None else np.array(edge),
        teardrop=None if teardrop is None else np.array(teardrop),
        vastus_ridge=given.vastus_ridge if source.get("vastus_ridge") == "given" else None,
    )


def move_told(told: LesionTransformPart) -> Move:
    """The move that a plan tells of, without its files. Raises ``InputError`` for what is none."""
    method, rows, residual, information = told.method, told.world_from_lesion, told.residual_mm, told.information
    moved, turned = told.moved_mm, told.turned_deg
    if (
        isinstance(method, str) and method in METHODS
        and isinstance(rows, list) and [len(row) for row in rows] == [4] * 4
        and isinstance(moved, float) and isinstance(turned, float)
        and not isinstance(residual, UnsetType) and not isinstance(information, UnsetType)
    ):  # fmt: skip
        return Move(method, np.array(rows, dtype=np.float64), moved, turned, residual, information, ())
    raise InputError(
        "case.lesion_transform is none that a plan of this version writes; an unedited plan is accepted",
        code="plan-malformed",
    )
