"""What a plan states, as arrays and figures by name: all that computing it again needs, and in range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn

import msgspec
import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.instrument import Instrument, instrument_of
from corecore.base.limits import SETTABLE
from corecore.document.fields import Part, known, listed
from corecore.document.read import PlanFile, malformed, missing, read_plan
from corecore.document.risk import MethodPart, RiskPart
from corecore.document.seal import since
from corecore.document.tunnels import TunnelPart

#: Parameters of ``spec`` that the constraints need (contract §2): of the limits those of one tunnel that are always on.
SPEC_KEYS = (
    "diameter_mm",
    "tunnels",
    *(limit.key for limit in SETTABLE if limit.default is not None and not limit.of_set),
)
SPEC_OPTIONAL = (
    *(limit.key for limit in SETTABLE if limit.default is None or limit.of_set),
    "cavity_diameter_mm", "cavity_length_mm", "avoid_margin_mm", "reach_mm", "weight_bearing_weight",
)  # fmt: skip
#: The bridge between separate holes where ``spec`` does not name it, mm (contract §2).
BRIDGE_MIN_MM = 3.0
TUNNEL_FIGURES = ("length_mm", "portal_length_mm", "removed_fraction", "incidence_deg", "shaft_angle_deg")
TUNNEL_OPTIONAL = (
    "cortical_clearance_mm",
    "joint_clearance_mm",
    "end_to_joint_mm",
    "pin_to_joint_mm",
    "pin_clearance_mm",
    "entry_above_lesser_trochanter_mm",
    "entry_below_greater_trochanter_mm",
    "entry_anterior_mm",
    "entry_edge_below_ridge_mm",
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
NECROSIS = ("head_fraction", "sphere_fraction", "head_volume_ml", "sphere_volume_ml", "outside_head_ml")
#: Figures of risk that are computed again.
JUDGED = (
    "cortex_breach_probability",
    "joint_breach_probability",
    "perforation_probability",
    "removed_fraction_mean",
    "removed_fraction_p05",
    "removed_fraction_p50",
)
#: Plans have this one from that version on.
PERFORATION, PERFORATION_FROM = "perforation_probability", (0, 3)
#: A lesion that was registered lies elsewhere by this at least, mm (root mean square; ``docs/design/risk.md``).
SHIFT_LEAST_MM = 0.5

Figures = dict[str, float | None]


@dataclass(frozen=True)
class InputFile:
    """A mask that the plan was made from; with ``moved_from`` it was found beside the plan, not where the plan says.

    With ``given`` it was given in memory, as that; ``path`` is then where a copy would lie.
    """

    role: str
    path: Path
    sha256: str
    label: int | str | None
    moved_from: Path | None = None
    given: str | None = None


@dataclass(frozen=True, eq=False)
class StatedAnatomy:
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
    #: How far the shaft's axis may lie off; ``None`` in plans that do not state it.
    shaft_range_deg: float | None = None
    vastus_ridge: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class StatedTunnel:
    """One tunnel as the plan states it, world RAS mm."""

    entry: FloatArray
    tip: FloatArray
    direction: FloatArray
    diameter_mm: float
    cavity_diameter_mm: float | None
    cavity_length_mm: float | None
    figures: Figures
    kept: bool = False
    #: Least and greatest of figures that hang on an uncertain frame.
    frame_range: dict[str, tuple[float, float]] = field(default_factory=dict)
    #: What it is drilled with, where that has an end that is not flat.
    instrument: Instrument | None = None


@dataclass(frozen=True, eq=False)
class StatedFocus:
    """One focus of the lesion: volume, octant by name, centre of mass (3,) RAS mm."""

    volume_ml: float
    octant: str
    centroid: FloatArray


@dataclass(frozen=True, eq=False)
class StatedNecrosis:
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
    #: Least and greatest of figures that hang on an uncertain frame, by their path under ``necrosis``.
    frame_range: dict[str, tuple[float, float]] = field(default_factory=dict)
    #: The largest first; none in plans that tell a focus's volume alone.
    foci: tuple[StatedFocus, ...] = ()
    #: How much of the largest focus each mid-plane shows; none in plans of earlier versions.
    plane_shares: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Errors:
    """Standard deviations of a method: entry (each of two directions), angle (about each of two axes), depth."""

    entry_mm: float
    angle_deg: float
    depth_mm: float
    tail_share: float
    tail_factor: float
    #: What two views correct: a pin seen so far off is redirected (0: nobody looks), and their reading errors, mm.
    redirect_mm: float = 0.0
    reading_mm: float = 0.0
    outline_mm: float = 0.0


@dataclass(frozen=True)
class StatedRisk:
    """Figures of ``JUDGED`` by name, and their standard errors, for one tunnel or for all together.

    Plans before 0.3.0 have no ``perforation_probability``.
    """

    figures: dict[str, float]
    standard_errors: dict[str, float]
    #: How far the lesion lay elsewhere, mm (root mean square); ``None`` where the plan says unknown.
    lesion_shift_mm: float | None = 0.0
    #: Whether the plan says anything of it: those of earlier versions do not.
    shift_told: bool = False


@dataclass(frozen=True)
class PlanRisk:
    """Methods by name; risk by method of each tunnel and of all together. Empty in plans that state none.

    ``lesion_shift_mm`` follows from how the lesion came into the femur's world: not at all (0), by a registration
    with its residual, or by a transform whose fit nobody knows (``None``).
    """

    methods: dict[str, Errors] = field(default_factory=dict)
    tunnels: tuple[dict[str, StatedRisk], ...] = ()
    totals: dict[str, StatedRisk] = field(default_factory=dict)
    lesion_shift_mm: float | None = 0.0


@dataclass(frozen=True, eq=False)
class StatedPlan:
    """A whole plan."""

    file: PlanFile
    side: Literal["left", "right"]
    inputs: tuple[InputFile, ...]
    anatomy: StatedAnatomy
    necrosis: StatedNecrosis
    spec: dict[str, float]
    target: str
    tunnels: tuple[StatedTunnel, ...]
    totals: Figures
    violations: tuple[str, ...]
    #: Absent in plans of earlier versions.
    bone_left: Figures
    nearest: StatedTunnel | None
    #: What the surgeon insists on, where he does: entry, direction, and tunnels as (entry, tip, diameter).
    entry_fixed: FloatArray | None = None
    direction_fixed: FloatArray | None = None
    keep: tuple[tuple[FloatArray, FloatArray, float], ...] = ()
    risk: PlanRisk = field(default_factory=PlanRisk)
    #: Share removed of each focus.
    foci_removed: tuple[float, ...] = ()

    @property
    def path(self) -> Path:
        """Where the plan lies."""
        return self.file.path

    @property
    def status(self) -> str:
        """planned, infeasible or manual."""
        return self.file.plan.status

    @property
    def version(self) -> str:
        """The version that wrote it."""
        return known(self.file.plan.corecore_version) or "unknown"

    @property
    def sealed(self) -> bool | None:
        """Whether its content is as it was written; ``None``: it carries no seal."""
        return self.file.sealed

    def input(self, role: str) -> InputFile | None:
        """The input of that role, or ``None``."""
        return next((item for item in self.inputs if item.role == role), None)


def read_stated(path: Path) -> StatedPlan:
    """Read a plan.json. Raises ``InputError``, one line with the JSON path, for anything amiss."""
    file = read_plan(path)
    return _Reading(file).plan()


@dataclass(frozen=True)
class _Reading:
    """One plan being read; every failure names the file and the JSON path."""

    file: PlanFile

    def plan(self) -> StatedPlan:
        plan = self.file.plan
        for key in ("schema", "coordinate_system", "units"):
            self.needed(plan, key, "")
        inputs = tuple(self._input(index) for index in range(len(plan.case.inputs)))
        for role in ("femur", "lesion"):
            if sum(item.role == role for item in inputs) != 1:
                raise InputError(
                    f"{self.file.path}: case.inputs has no single {role!r}; one of each is accepted",
                    code="plan-malformed",
                )
        spec, feasible = self._spec(), plan.status != "infeasible"
        tunnels = tuple(self._tunnel(one, f"tunnels[{index}]", spec) for index, one in enumerate(plan.tunnels))
        for index, one in enumerate(plan.tunnels):
            # Either may be null (no wall there), neither may be left out.
            for key in ("cortical_clearance_mm", "joint_clearance_mm"):
                self.needed(one, key, f"tunnels[{index}]")
        if feasible and not tunnels:
            self.fail("tunnels", [], f"one tunnel or more in a plan that is {plan.status!r}")
        left, nearest = known(plan.totals.bone_left) if feasible else None, known(plan.nearest)
        return StatedPlan(
            file=self.file,
            side=plan.case.side,
            inputs=inputs,
            anatomy=self._anatomy(),
            necrosis=self._necrosis(),
            spec=spec,
            target=known(plan.spec.target) or "lesion",
            tunnels=tunnels,
            totals=self.figures(plan.totals, "totals", TOTALS_REQUIRED if feasible else (), TOTALS_OPTIONAL),
            violations=tuple(
                str(self.needed(one, "key", f"violations[{index}]")) for index, one in enumerate(plan.violations)
            ),
            bone_left={} if left is None else self.figures(left, "totals.bone_left", (), BONE_LEFT),
            nearest=None if nearest is None else self._tunnel(nearest, "nearest", spec),
            entry_fixed=_array(known(plan.spec.entry_fixed)),
            direction_fixed=_array(known(plan.spec.direction_fixed)),
            keep=tuple(
                (
                    np.array(one.entry),
                    np.array(one.tip),
                    self.within(one.diameter_mm, f"spec.keep[{index}].diameter_mm", 0.5, 60.0),
                )
                for index, one in enumerate(listed(plan.spec.keep))
            ),
            risk=self._risk() if feasible else PlanRisk(),
            foci_removed=tuple(listed(plan.totals.foci_removed_fraction)) if feasible else (),
        )

    def fail(self, path: str, found: object, accepted: str) -> NoReturn:
        malformed(self.file.path, path, found, accepted)

    def needed(self, part: Part, key: str, path: str) -> object:
        """The value of a key that must be there."""
        value: object = getattr(part, key)
        if isinstance(value, msgspec.UnsetType):
            missing(self.file.path, f"{path}.{key}".lstrip("."))
        return value

    def number(self, part: Part, key: str, path: str) -> float:
        """A number that must be there."""
        value = self.needed(part, key, path)
        if not isinstance(value, int | float):
            self.fail(f"{path}.{key}", value, "a finite number")
        return float(value)

    def within(self, value: float, path: str, low: float, high: float) -> float:
        """A number within bounds."""
        if not low <= value <= high:
            self.fail(path, value, f"{low:g} to {high:g}")
        return value

    def bounded(self, part: Part, key: str, path: str, low: float, high: float) -> float | None:
        """A number within bounds, or ``None`` where there is none."""
        value = getattr(part, key)
        return None if known(value) is None else self.within(self.number(part, key, path), f"{path}.{key}", low, high)

    def figures(self, part: Part, path: str, required: tuple[str, ...], optional: tuple[str, ...]) -> Figures:
        """Numbers by name: the required ones must be there; an optional one may be null, and is left out if absent."""
        found: Figures = {key: self.number(part, key, path) for key in required}
        for key in optional:
            value = getattr(part, key)
            if not isinstance(value, msgspec.UnsetType):
                found[key] = None if value is None else float(value)
        return found

    def _input(self, index: int) -> InputFile:
        item, where = self.file.plan.case.inputs[index], f"case.inputs[{index}]"
        named, role, sha256 = (self.needed(item, key, where) for key in ("path", "role", "sha256"))
        given = known(item.given)
        if named is None and given is not None:
            named = f"input_{Path(str(role)).name}.nii.gz"
        if not isinstance(named, str):
            self.fail(f"{where}.path", named, "a text")
        folder, path, moved_from = self.file.path.parent, Path(named), None
        if not path.is_absolute():
            path = folder / path
        beside = folder / path.name
        if not path.exists() and beside.exists():
            path, moved_from = beside, path
        label = None if isinstance(item.label, msgspec.UnsetType) else item.label
        return InputFile(str(role), path, str(sha256), label, moved_from, given)

    def _spec(self) -> dict[str, float]:
        part = self.file.plan.spec
        spec = {key: self.number(part, key, "spec") for key in SPEC_KEYS}
        for key in SPEC_OPTIONAL:
            value = known(getattr(part, key))
            if value is not None:
                spec[key] = float(value)
        spec.setdefault("bridge_min_mm", BRIDGE_MIN_MM)
        return spec

    def _unit(self, key: str) -> FloatArray:
        value = getattr(self.file.plan.anatomy, key)
        vector = np.array(value, dtype=np.float64)
        if not 0.99 <= float(np.linalg.norm(vector)) <= 1.01:
            self.fail(f"anatomy.{key}", value, "a unit vector")
        return vector

    def _anatomy(self) -> StatedAnatomy:
        part, where = self.file.plan.anatomy, "anatomy"
        height = self.number(part, "lesser_trochanter_height_mm", where)
        return StatedAnatomy(
            head_center=np.array(part.head_center),
            head_radius_mm=self.within(part.head_radius_mm, f"{where}.head_radius_mm", 5.0, 60.0),
            shaft_axis=self._unit("shaft_axis"),
            shaft_point=np.array(self.needed(part, "shaft_point", where)),
            neck_axis=self._unit("neck_axis"),
            x_axis=self._unit("x_axis"),
            neck_min_area_mm2=self.bounded(part, "neck_min_area_mm2", where, 1.0, 1e5),
            neck_shaft_angle_deg=self.bounded(part, "neck_shaft_angle_deg", where, 0.0, 180.0),
            lesser_trochanter_tip=_array(known(part.lesser_trochanter_tip)),
            lesser_trochanter_height_mm=self.within(height, f"{where}.lesser_trochanter_height_mm", -300.0, 300.0),
            greater_trochanter_tip=_array(known(part.greater_trochanter_tip)),
            vastus_ridge=_array(known(part.vastus_ridge)),
            sources=msgspec.to_builtins(part.sources),
            shaft_range_deg=self.bounded(part, "shaft_range_deg", where, 0.0, 45.0),
        )

    def _tunnel(self, part: TunnelPart, where: str, spec: Mapping[str, float]) -> StatedTunnel:
        diameter = self.bounded(part, "cavity_diameter_mm", where, 0.5, 60.0)
        length = self.bounded(part, "cavity_length_mm", where, 0.0, 200.0)
        if (diameter is None) != (length is None):
            self.fail(
                where,
                msgspec.to_builtins(part),
                "a cavity with both cavity_diameter_mm and cavity_length_mm, or neither,",
            )
        direction = np.array(self.needed(part, "direction", where), dtype=np.float64)
        if float(np.linalg.norm(direction)) < 1e-6:
            self.fail(f"{where}.direction", direction.tolist(), "a direction")
        entry, tip = np.array(part.entry), np.array(part.tip)
        if float(np.linalg.norm(tip - entry)) < 1.0:
            self.fail(f"{where}.tip", part.tip, "a tip 1 mm or more from the entry")
        return StatedTunnel(
            entry=entry,
            tip=tip,
            direction=direction,
            diameter_mm=self.within(part.diameter_mm, f"{where}.diameter_mm", 0.5, 60.0),
            # A preset with a reamer may state its sizes once, in the spec.
            cavity_diameter_mm=spec.get("cavity_diameter_mm") if diameter is None else diameter,
            cavity_length_mm=spec.get("cavity_length_mm") if length is None else length,
            figures=self.figures(part, where, TUNNEL_FIGURES, TUNNEL_OPTIONAL),
            kept=getattr(part, "kept", False) is True,
            frame_range=_pairs(known(part.frame_range)),
            instrument=self._instrument(part),
        )

    def _instrument(self, part: TunnelPart) -> Instrument | None:
        """The plan's instrument, of a tunnel drilled with it: not of one kept, nor of one of another diameter."""
        stated = known(self.file.plan.spec.instrument)
        if stated is None or getattr(part, "kept", False) is True or part.diameter_mm != stated.diameter_mm:
            return None
        try:
            found = instrument_of(msgspec.to_builtins(stated), stated.name)
        except InputError as error:
            self.fail("spec.instrument", stated.name, f"an instrument ({error})")
        return None if found.plain else found

    def _necrosis(self) -> StatedNecrosis:
        part, where = self.file.plan.necrosis, "necrosis"
        volume = self.number(part, "volume_ml", where)
        if volume < 0.0:
            self.fail(f"{where}.volume_ml", volume, "0 to inf")
        loaded, inside = part.weight_bearing, f"{where}.weight_bearing"
        rays = {
            "kerboul.coronal_deg": known(part.kerboul.coronal_deg),
            "kerboul.sagittal_deg": known(part.kerboul.sagittal_deg),
            "weight_bearing.surface_fraction": known(loaded.surface_fraction),
            "weight_bearing.depth_mm": known(loaded.depth_mm),
        }
        extents = {key: known(getattr(part, key)) for key in ("steinberg", "steinberg_sphere")}
        return StatedNecrosis(
            volume_ml=volume,
            figures=self.figures(part, where, (), NECROSIS),
            centroid=_array(known(part.centroid)),
            pole=_array(known(loaded.pole)),
            cap_half_angle_deg=self.bounded(loaded, "cap_half_angle_deg", inside, 0.0, 180.0),
            cone_fraction=known(loaded.volume_fraction),
            octants=msgspec.to_builtins(part.octants),
            rays={key: value for key, value in rays.items() if value is not None},
            subchondral_depth_mm=self.bounded(loaded, "subchondral_depth_mm", inside, 0.0, 50.0),
            frame_range=_pairs(known(part.frame_range)),
            extents={key: value for key, value in extents.items() if value is not None},
            foci=tuple(self._foci()),
            plane_shares=msgspec.to_builtins(known(part.plane_shares) or {}),
        )

    def _foci(self) -> Iterator[StatedFocus]:
        for one in self.file.plan.necrosis.components:
            volume, octant, centroid = known(one.volume_ml), known(one.octant), known(one.centroid)
            if volume is None or octant is None or centroid is None:
                return
            yield StatedFocus(volume, octant, np.array(centroid))

    def _risk(self) -> PlanRisk:
        """The risk of a plan. Raises ``InputError`` where it names a method that it does not describe."""
        plan = self.file.plan
        described = known(plan.risk_methods)
        if described is None:
            return PlanRisk()
        methods = {name: self._errors(one, f"risk_methods.{name}") for name, one in described.items()}
        tunnels = tuple(
            self._by_method(known(one.risk), f"tunnels[{index}].risk", methods)
            for index, one in enumerate(plan.tunnels)
        )
        moved = known(plan.case.lesion_transform)
        shift: float | None = 0.0
        if moved is not None:
            shift = self.bounded(moved, "residual_mm", "case.lesion_transform", 0.0, 50.0)
            shift = None if shift is None else max(shift, SHIFT_LEAST_MM)
        return PlanRisk(methods, tunnels, self._by_method(known(plan.totals.risk), "totals.risk", methods), shift)

    def _errors(self, part: MethodPart, where: str) -> Errors:
        def number(key: str, low: float, high: float) -> float:
            return self.within(self.number(part, key, where), f"{where}.{key}", low, high)

        return Errors(
            entry_mm=number("entry_mm", 0.0, 20.0),
            angle_deg=number("angle_deg", 0.0, 20.0),
            depth_mm=number("depth_mm", 0.0, 20.0),
            tail_share=number("tail_share", 0.0, 1.0),
            tail_factor=number("tail_factor", 1.0, 10.0),
            # Methods of earlier versions did not look.
            redirect_mm=self.bounded(part, "redirect_mm", where, 0.0, 50.0) or 0.0,
            reading_mm=self.bounded(part, "reading_mm", where, 0.0, 20.0) or 0.0,
            outline_mm=self.bounded(part, "outline_mm", where, 0.0, 20.0) or 0.0,
        )

    def _by_method(
        self, risk: Mapping[str, RiskPart] | None, where: str, methods: Mapping[str, Errors]
    ) -> dict[str, StatedRisk]:
        if risk is None:
            return {}
        if not set(risk) <= set(methods):
            self.fail(where, sorted(risk), "an object of the methods in risk_methods")
        return {name: self._stated(one, f"{where}.{name}") for name, one in risk.items()}

    def _stated(self, part: RiskPart, where: str) -> StatedRisk:
        later = since(known(self.file.plan.corecore_version) or "unknown", PERFORATION_FROM)
        judged = [key for key in JUDGED if key != PERFORATION or later or known(getattr(part, key)) is not None]
        for key in judged:
            if key not in part.standard_errors:
                missing(self.file.path, f"{where}.standard_errors.{key}")
        errors = {
            key: self.within(part.standard_errors[key], f"{where}.standard_errors.{key}", 0.0, 1.0) for key in judged
        }
        told = not isinstance(part.lesion_shift_mm, msgspec.UnsetType)
        shift = self.bounded(part, "lesion_shift_mm", where, 0.0, 50.0) if told else 0.0
        return StatedRisk({key: self.number(part, key, where) for key in judged}, errors, shift, told)


def _pairs(value: dict[str, list[float]] | None) -> dict[str, tuple[float, float]]:
    return {key: (low, high) for key, (low, high) in (value or {}).items()}


def _array(value: list[float] | None) -> FloatArray | None:
    return None if value is None else np.array(value, dtype=np.float64)
