"""A plan.json as figures: read strictly, every value checked for its type and range."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.document.json_reader import JsonValue, read_document
from corecore.document.risk import PlanRisk, read_risk
from corecore.document.seal import seal_of

#: Plans of this kind and this major version are read, whatever newer keys they have or lack.
SCHEMA = "corecore.plan/1"
SCHEMA_FORM = re.compile(r"corecore\.plan/(\d{1,6})")
#: Parameters of ``spec`` that the constraints need (contract §2).
SPEC_KEYS = (
    "diameter_mm",
    "tunnels",
    "cortical_margin_mm",
    "posterosuperior_margin_mm",
    "joint_margin_mm",
    "incidence_min_deg",
    "shaft_angle_min_deg",
    "shaft_angle_max_deg",
    "length_max_mm",
    "entry_normal_max_deg",
    "entry_ap_max_mm",
    "entry_distal_mm",
    "entry_proximal_mm",
)
#: The bridge between separate holes where ``spec`` does not name it, mm (contract §2).
BRIDGE_MIN_MM = 3.0
TUNNEL_FIGURES = ("length_mm", "portal_length_mm", "removed_fraction", "incidence_deg", "shaft_angle_deg")
TUNNEL_OPTIONAL = (
    "cortical_clearance_mm",
    "joint_clearance_mm",
    "entry_above_lesser_trochanter_mm",
    "entry_below_greater_trochanter_mm",
    "entry_anterior_mm",
    "posterosuperior_clearance_mm",
    "entry_normal_deg",
    "ap_angle_deg",
    "lateral_tilt_deg",
    "avoid_clearance_mm",
)
TOTALS_REQUIRED = (
    "removed_fraction",
    "reachable_fraction",
    "reached_3mm_fraction",
    "reached_5mm_fraction",
    "necrosis_removed_ml",
    "necrosis_left_ml",
    "healthy_bone_removed_ml",
    "graft_volume_ml",
)
TOTALS_OPTIONAL = (
    "removed_weight_bearing_fraction",
    "upper_bound_fraction",
    "optimality_gap",
    "neck_area_share",
    "target_fraction",
)
BONE_LEFT = (
    "neck_share_max",
    "hole_above_lesser_trochanter_mm",
    "bridge_mm",
    "lateral_wall_share",
    "spread_deg",
)

#: Figures under ``necrosis`` that rays from the head's centre give.
RAY_FIGURES = {"kerboul": ("coronal_deg", "sagittal_deg"), "weight_bearing": ("surface_fraction", "depth_mm")}

Figures = dict[str, float | None]


@dataclass(frozen=True)
class InputFile:
    """A mask that the plan was made from; with ``moved_from`` it was found beside the plan, not where the plan says."""

    role: str
    path: Path
    sha256: str
    label: int | str | None
    moved_from: Path | None = None


@dataclass(frozen=True, eq=False)
class PlanAnatomy:
    """Landmarks as the plan states them, world RAS mm, unit axes."""

    head_center: FloatArray
    head_radius_mm: float
    shaft_axis: FloatArray
    shaft_point: FloatArray
    neck_axis: FloatArray
    x_axis: FloatArray
    neck_shaft_angle_deg: float | None
    neck_min_area_mm2: float | None
    lesser_trochanter_tip: FloatArray | None
    lesser_trochanter_height_mm: float
    greater_trochanter_tip: FloatArray | None
    sources: dict[str, str]


@dataclass(frozen=True, eq=False)
class PlanTunnel:
    """One tunnel as the plan states it, world RAS mm."""

    entry: FloatArray
    tip: FloatArray
    direction: FloatArray
    diameter_mm: float
    cavity_diameter_mm: float | None
    cavity_length_mm: float | None
    figures: Figures
    kept: bool = False


@dataclass(frozen=True, eq=False)
class PlanNecrosis:
    """Those figures of the necrosis that are checked; ``None`` where the plan states none."""

    volume_ml: float
    figures: Figures
    centroid: FloatArray | None
    pole: FloatArray | None
    cap_half_angle_deg: float | None
    cone_fraction: float | None
    octants: dict[str, float]
    #: Steinberg extents by the head and by its sphere, as the plan states them ("B", "A/B").
    extents: dict[str, str]
    #: Figures by rays from the head's centre, by their path under ``necrosis``, and how deep they look.
    rays: Figures = field(default_factory=dict)
    subchondral_depth_mm: float | None = None


@dataclass(frozen=True, eq=False)
class Document:
    """A whole plan."""

    path: Path
    status: Literal["planned", "infeasible", "manual"]
    side: Literal["left", "right"]
    inputs: tuple[InputFile, ...]
    anatomy: PlanAnatomy
    necrosis: PlanNecrosis
    spec: dict[str, float]
    target: str
    tunnels: tuple[PlanTunnel, ...]
    totals: Figures
    violations: tuple[str, ...]
    #: Absent in plans of earlier versions.
    bone_left: Figures
    nearest: PlanTunnel | None
    #: The version that wrote it, and whether its content is as it was written (``None``: it carries no seal).
    version: str
    sealed: bool | None
    #: What the surgeon insists on, where he does: entry, direction, and tunnels as (entry, tip, diameter).
    entry_fixed: FloatArray | None = None
    direction_fixed: FloatArray | None = None
    keep: tuple[tuple[FloatArray, FloatArray, float], ...] = ()
    risk: PlanRisk = field(default_factory=PlanRisk)

    def input(self, role: str) -> InputFile | None:
        """The input of that role, or ``None``."""
        return next((item for item in self.inputs if item.role == role), None)


def read_plan(path: Path) -> Document:
    """Read a plan.json. Raises ``InputError``, one line with the JSON path, for anything amiss."""
    root = read_document(path)
    _check_schema(root)
    root.child("coordinate_system").text("RAS")
    root.child("units").text("mm")
    status = root.child("status").text("planned", "infeasible", "manual")
    case = root.child("case")
    side = case.child("side").text("left", "right")
    inputs = tuple(_input(item) for item in case.child("inputs").items())
    for role in ("femur", "lesion"):
        if sum(item.role == role for item in inputs) != 1:
            raise InputError(
                f"{path}: case.inputs has no single {role!r}; one of each is accepted", code="plan-malformed"
            )
    spec = _spec(root.child("spec"))
    target = root.child("spec").optional("target")
    tunnels = tuple(_tunnel(item, spec) for item in root.child("tunnels").items())
    if status != "infeasible" and not tunnels:
        root.child("tunnels").fail(f"one tunnel or more in a plan that is {status!r}")
    totals = _figures(root.child("totals"), () if status == "infeasible" else TOTALS_REQUIRED, TOTALS_OPTIONAL)
    left = None if status == "infeasible" else root.child("totals").optional("bone_left")
    nearest, seal, version = root.optional("nearest"), root.optional("seal"), root.optional("corecore_version")
    return Document(
        path=path,
        status=status,  # type: ignore[arg-type]
        side=side,  # type: ignore[arg-type]
        inputs=inputs,
        anatomy=_anatomy(root.child("anatomy")),
        necrosis=_necrosis(root.child("necrosis")),
        spec=spec,
        target="lesion" if target is None else target.text(),
        tunnels=tunnels,
        totals=totals,
        violations=tuple(item.child("key").text() for item in root.child("violations").items()),
        bone_left={} if left is None else _figures(left, (), BONE_LEFT),
        nearest=None if nearest is None else _tunnel(nearest, spec),
        version="unknown" if version is None else version.text(),
        sealed=None if seal is None else seal.text() == seal_of(root.value),
        entry_fixed=_optional_vector(root.child("spec"), "entry_fixed"),
        direction_fixed=_optional_vector(root.child("spec"), "direction_fixed"),
        keep=_keep(root.child("spec").optional("keep")),
        risk=PlanRisk() if status == "infeasible" else read_risk(root),
    )


def _optional_vector(node: JsonValue, key: str) -> FloatArray | None:
    item = node.optional(key)
    return None if item is None else item.vector()


def _keep(node: JsonValue | None) -> tuple[tuple[FloatArray, FloatArray, float], ...]:
    if node is None:
        return ()
    return tuple(
        (item.child("entry").vector(), item.child("tip").vector(), item.child("diameter_mm").number(0.5, 60.0))
        for item in node.items()
    )


def _check_schema(root: JsonValue) -> None:
    """Raise ``InputError`` for a document that is no plan, or a plan of another major version."""
    named = root.child("schema").text()
    form = SCHEMA_FORM.fullmatch(named)
    if form is None:
        root.child("schema").fail(repr(SCHEMA))
    if named != SCHEMA:
        found = root.value.get("corecore_version")
        by = f", written by corecore {found[:20]}" if isinstance(found, str) else ""
        raise InputError(
            f"{root.file}: schema is {named!r}, another version{by}; {SCHEMA!r} is accepted here", code="plan-version"
        )


def _input(node: JsonValue) -> InputFile:
    label = node.optional("label")
    value: int | str | None = None
    if label is not None:
        if isinstance(label.value, bool) or not isinstance(label.value, int | str):
            label.fail("a label's number or name")
        value = label.value
    path = Path(node.child("path").text())
    if not path.is_absolute():
        path = node.file.parent / path
    beside, moved_from = node.file.parent / path.name, None
    if not path.exists() and beside.exists():
        path, moved_from = beside, path
    return InputFile(node.child("role").text(), path, node.child("sha256").text(), value, moved_from)


def _unit(node: JsonValue) -> FloatArray:
    vector = node.vector()
    length = float(np.linalg.norm(vector))
    if not 0.99 <= length <= 1.01:
        node.fail("a unit vector")
    return vector


def _anatomy(node: JsonValue) -> PlanAnatomy:
    angle, area = node.optional("neck_shaft_angle_deg"), node.optional("neck_min_area_mm2")
    lesser, greater = node.optional("lesser_trochanter_tip"), node.optional("greater_trochanter_tip")
    sources = node.child("sources")
    if not isinstance(sources.value, dict):
        sources.fail("an object")
    return PlanAnatomy(
        head_center=node.child("head_center").vector(),
        head_radius_mm=node.child("head_radius_mm").number(5.0, 60.0),
        shaft_axis=_unit(node.child("shaft_axis")),
        shaft_point=node.child("shaft_point").vector(),
        neck_axis=_unit(node.child("neck_axis")),
        x_axis=_unit(node.child("x_axis")),
        neck_min_area_mm2=None if area is None else area.number(1.0, 1e5),
        neck_shaft_angle_deg=None if angle is None else angle.number(0.0, 180.0),
        lesser_trochanter_tip=None if lesser is None else lesser.vector(),
        lesser_trochanter_height_mm=node.child("lesser_trochanter_height_mm").number(-300.0, 300.0),
        greater_trochanter_tip=None if greater is None else greater.vector(),
        sources={key: sources.child(key).text() for key in sources.value},
    )


def _tunnel(node: JsonValue, spec: dict[str, float]) -> PlanTunnel:
    diameter, length = node.optional("cavity_diameter_mm"), node.optional("cavity_length_mm")
    if (diameter is None) != (length is None):
        node.fail("a cavity with both cavity_diameter_mm and cavity_length_mm, or neither,")
    direction = node.child("direction").vector()
    if float(np.linalg.norm(direction)) < 1e-6:
        node.child("direction").fail("a direction")
    # Either may be null (no wall there), neither may be left out.
    node.child("cortical_clearance_mm")
    node.child("joint_clearance_mm")
    entry, tip = node.child("entry").vector(), node.child("tip").vector()
    if float(np.linalg.norm(tip - entry)) < 1.0:
        node.child("tip").fail("a tip 1 mm or more from the entry")
    return PlanTunnel(
        entry=entry,
        tip=tip,
        direction=direction,
        diameter_mm=node.child("diameter_mm").number(0.5, 60.0),
        # A preset with a reamer may state its sizes once, in the spec.
        cavity_diameter_mm=spec.get("cavity_diameter_mm") if diameter is None else diameter.number(0.5, 60.0),
        cavity_length_mm=spec.get("cavity_length_mm") if length is None else length.number(0.0, 200.0),
        figures=_figures(node, TUNNEL_FIGURES, TUNNEL_OPTIONAL),
        kept=isinstance(node.value, dict) and node.value.get("kept") is True,
    )


def _necrosis(node: JsonValue) -> PlanNecrosis:
    names = ("head_fraction", "sphere_fraction", "head_volume_ml", "sphere_volume_ml", "outside_head_ml")
    cone, pole, octants = node.optional("weight_bearing"), None, node.optional("octants")
    angle = share = None
    if cone is not None:
        pole, angle, share = (
            cone.optional("pole"),
            cone.optional("cap_half_angle_deg"),
            cone.optional("volume_fraction"),
        )
    centroid = node.optional("centroid")
    shares: dict[str, float] = {}
    if octants is not None:
        if not isinstance(octants.value, dict):
            octants.fail("an object of eight shares")
        shares = {key: octants.child(key).number(0.0, 1.0) for key in octants.value}
    return PlanNecrosis(
        volume_ml=node.child("volume_ml").number(0.0),
        figures=_figures(node, (), names),
        centroid=None if centroid is None else centroid.vector(),
        pole=None if pole is None else pole.vector(),
        cap_half_angle_deg=None if angle is None else angle.number(0.0, 180.0),
        cone_fraction=None if share is None else share.number(0.0, 1.0),
        octants=shares,
        rays=_rays(node),
        subchondral_depth_mm=None
        if (deep := _below(node, "weight_bearing", "subchondral_depth_mm")) is None
        else deep.number(0.0, 50.0),
        extents={
            key: node.child(key).text() for key in ("steinberg", "steinberg_sphere") if node.optional(key) is not None
        },
    )


def _rays(node: JsonValue) -> Figures:
    found: Figures = {}
    for group, keys in RAY_FIGURES.items():
        for key in keys:
            item = _below(node, group, key)
            if item is not None:
                found[f"{group}.{key}"] = item.number()
    return found


def _below(node: JsonValue, group: str, key: str) -> JsonValue | None:
    """The figure of a group, or ``None`` where either is absent or null."""
    inner = node.optional(group)
    return None if inner is None else inner.optional(key)


def _spec(node: JsonValue) -> dict[str, float]:
    spec = {key: node.child(key).number() for key in SPEC_KEYS}
    for key in (
        "bridge_min_mm", "neck_area_share_max", "cavity_diameter_mm", "cavity_length_mm", "avoid_margin_mm",
        "reach_mm", "weight_bearing_weight",
    ):  # fmt: skip
        value = node.optional(key)
        if value is not None:
            spec[key] = value.number()
    spec.setdefault("bridge_min_mm", BRIDGE_MIN_MM)
    return spec


def _figures(node: JsonValue, required: tuple[str, ...], optional: tuple[str, ...]) -> Figures:
    """Numbers by name: the required ones must be there; an optional one may be null, and is left out if absent."""
    figures: Figures = {key: node.child(key).number() for key in required}
    for key in optional:
        if isinstance(node.value, dict) and key in node.value:
            value = node.optional(key)
            figures[key] = None if value is None else value.number()
    return figures
