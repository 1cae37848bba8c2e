"""A plan and its two surfaces, checked and ready to be drawn. Everything in world RAS mm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np

from corecore.base.body import Body, body_of, plain_body
from corecore.base.errors import InputError
from corecore.base.grid import WORLD_EXTENT_MM, FloatArray
from corecore.base.instrument import Instrument, instrument_of
from corecore.base.mesh import TriangleMesh
from corecore.document.content import content_of
from corecore.document.fields import known
from corecore.document.plan import PlanDocument, Status
from corecore.document.read import read_plan
from corecore.document.seal import plan_hash
from corecore.document.tunnels import TunnelPart
from corecore.io.stl import read_stl

#: Nothing of a tunnel lies further from the head's centre, mm (engineering choice): a picture of it would be endless.
REACH_MM = 400.0


@dataclass(frozen=True, eq=False)
class DrawnTunnel:
    """A tunnel as it is drawn: RAS mm; ``direction`` is a unit vector from entry to tip.

    ``cavity_diameter_mm`` and ``cavity_length_mm`` are zero where there is no cavity.
    ``figures`` is the tunnel's part of the plan, ``instrument`` what it is drilled with, where the plan says so.
    """

    entry: FloatArray
    tip: FloatArray
    diameter_mm: float
    cavity_diameter_mm: float
    cavity_length_mm: float
    figures: TunnelPart
    instrument: Instrument | None = None

    @property
    def direction(self) -> FloatArray:
        """Unit vector from entry to tip."""
        way = self.tip - self.entry
        return np.asarray(way / np.linalg.norm(way), dtype=np.float64)

    @property
    def length_mm(self) -> float:
        """From entry to tip."""
        return float(np.linalg.norm(self.tip - self.entry))

    @property
    def body(self) -> Body:
        """The solid of revolution that it takes: its instrument's, or a flat-ended cylinder with its cavity."""
        if self.instrument is not None:
            return body_of(self.instrument)
        return plain_body(self.diameter_mm, self.cavity_diameter_mm, self.cavity_length_mm)

    def outline(self, step_mm: float) -> FloatArray:
        """Its outline from the front backward, points ``step_mm`` apart or less: ``Body.meridian``, (N, 3)."""
        return self.body.meridian(self.length_mm, step_mm)


@dataclass(frozen=True, eq=False)
class Scene:
    """A plan with the femur and the lesion in world RAS mm; ``full_hash`` names the plan (``seal.plan_hash``).

    Raises ``InputError`` where a picture cannot be drawn of it: axes that are none, tunnels out of reach.
    """

    plan: PlanDocument
    femur: TriangleMesh
    lesion: TriangleMesh
    full_hash: str
    #: Whether the file was edited after it was sealed.
    edited: bool = False

    def __post_init__(self) -> None:
        for name, mesh in (("femur", self.femur), ("lesion", self.lesion)):
            if len(mesh.triangles) == 0:
                raise InputError(f"the {name}'s mesh has no triangles; a surface is needed", code="geometry-invalid")
        # Asked for once here, so that a broken plan fails before anything is drawn.
        _ = (self.head_center, self.head_radius_mm, self.lateral, self.neck_axis, self.tunnels)

    @classmethod
    def of(cls, plan: PlanDocument, femur: TriangleMesh, lesion: TriangleMesh) -> Scene:
        """The scene of a plan that was just made."""
        return cls(plan, femur, lesion, plan_hash(content_of(plan)))

    @classmethod
    def load(cls, plan_path: Path) -> Scene:
        """Reads ``plan.json`` and, beside it, ``femur.stl`` and ``lesion.stl``."""
        plan_path = Path(plan_path)
        file, folder = read_plan(plan_path), plan_path.parent
        try:
            femur, lesion = read_stl(folder / "femur.stl"), read_stl(folder / "lesion.stl")
            return cls(file.plan, femur, lesion, file.hash, edited=file.sealed is False)
        except InputError as error:
            text = str(error)
            raise InputError(text if str(folder) in text else f"{plan_path}: {text}", code=error.code) from error

    @property
    def hash(self) -> str:
        """First eight digits of the plan's hash."""
        return self.full_hash[:8]

    @property
    def status(self) -> Status:
        """planned, infeasible or manual."""
        return self.plan.status

    @property
    def side(self) -> str:
        """left or right."""
        return self.plan.case.side

    @property
    def case_id(self) -> str:
        """The case's id as given."""
        return known(self.plan.case.id) or "?"

    @property
    def head_center(self) -> FloatArray:
        """Centre of the head, (3,) RAS mm."""
        return _vector(self.plan.anatomy.head_center, "anatomy.head_center")

    @property
    def head_radius_mm(self) -> float:
        """Radius of the head's sphere."""
        return _length(self.plan.anatomy.head_radius_mm, "anatomy.head_radius_mm")

    @property
    def proximal(self) -> FloatArray:
        """Unit vector along the shaft, upwards."""
        return _unit(self.plan.anatomy.shaft_axis, "anatomy.shaft_axis")

    @property
    def neck_axis(self) -> FloatArray:
        """Unit vector along the neck, to the head."""
        return _unit(self.plan.anatomy.neck_axis, "anatomy.neck_axis")

    @property
    def lateral(self) -> FloatArray:
        """Unit vector away from the mid-line of the body, across the shaft."""
        axis = _unit(self.plan.anatomy.x_axis, "anatomy.x_axis")
        across = axis - np.dot(axis, self.proximal) * self.proximal
        if np.linalg.norm(across) < 0.1:
            raise InputError(
                "anatomy.x_axis runs along anatomy.shaft_axis; axes across each other are accepted",
                code="plan-malformed",
            )
        return np.asarray(across / np.linalg.norm(across), dtype=np.float64)

    @property
    def patient_right(self) -> FloatArray:
        """Unit vector to the patient's right in the femur's own frame."""
        return self.lateral if self.side == "right" else -self.lateral

    @property
    def anterior(self) -> FloatArray:
        """Unit vector to the front in the femur's own frame. RAS is right-handed: right x front = up."""
        return np.asarray(np.cross(self.proximal, self.patient_right), dtype=np.float64)

    @property
    def shaft_line(self) -> tuple[FloatArray, FloatArray]:
        """A point of the shaft axis and its unit vector: the point given, else one found in the femur's mesh.

        ``plan.json`` names the direction only. The middle of the bone's lower sections in view
        lies on the axis.
        """
        given = known(self.plan.anatomy.shaft_point)
        if given is not None:
            return _vector(given, "anatomy.shaft_point"), self.proximal
        offset = self.femur.points_mm - self.head_center
        height = offset @ self.proximal
        # The lowest third in view, but no farther than the isthmus, where the bone begins to bow.
        low = max(float(height.min()), -160.0)
        section = offset[(height > low) & (height < low + 0.3 * (float(height.max()) - low))]
        across = section - np.outer(section @ self.proximal, self.proximal)
        middle = 0.5 * (np.quantile(across, 0.02, axis=0) + np.quantile(across, 0.98, axis=0))
        return np.asarray(self.head_center + middle, dtype=np.float64), self.proximal

    @cached_property
    def tunnels(self) -> tuple[DrawnTunnel, ...]:
        """The plan's tunnels; none where nothing is feasible."""
        drawn, instrument = [], self.instrument
        for number, figures in enumerate(self.plan.tunnels):
            where = f"tunnels[{number}]"
            entry, tip = _vector(figures.entry, f"{where}.entry"), _vector(figures.tip, f"{where}.tip")
            if np.linalg.norm(tip - entry) < 1e-6:
                raise InputError(f"{where}: entry and tip are one point; a tunnel has a length", code="plan-malformed")
            far = max(float(np.linalg.norm(point - self.head_center)) for point in (entry, tip))
            if far > REACH_MM:
                raise InputError(
                    f"{where} lies {far:.3g} mm from the head's centre; up to {REACH_MM:g} mm is accepted",
                    code="plan-malformed",
                )
            cavity = [
                _length(size, f"{where}.{name}") if size else 0.0
                for name, size in (
                    ("cavity_diameter_mm", known(figures.cavity_diameter_mm)),
                    ("cavity_length_mm", known(figures.cavity_length_mm)),
                )
            ]
            diameter = _length(figures.diameter_mm, f"{where}.diameter_mm")
            sizes = diameter, cavity[0], cavity[1]
            # An existing tunnel, and one that was given another diameter, is a flat-ended cylinder.
            own = None if instrument is None or known(figures.kept) else instrument
            if own is not None and sizes != (own.diameter_mm, own.cavity_diameter_mm, own.cavity_length_mm):
                own = None
            drawn.append(DrawnTunnel(entry, tip, *sizes, figures, own))
        return tuple(drawn)

    @property
    def instrument(self) -> Instrument | None:
        """What the plan is drilled with, where it says so."""
        told = known(self.plan.spec.instrument)
        return None if told is None else instrument_of(msgspec.to_builtins(told), "instrument", "spec")


def _vector(value: list[float], where: str) -> FloatArray:
    result = np.asarray(value, dtype=np.float64)
    if not np.all(np.isfinite(result)) or np.max(np.abs(result)) > WORLD_EXTENT_MM:
        raise InputError(f"{where} is {value!r}; three finite numbers are accepted", code="plan-malformed")
    return result


def _unit(value: list[float], where: str) -> FloatArray:
    result = _vector(value, where)
    size = float(np.linalg.norm(result))
    if abs(size - 1.0) > 0.01:
        raise InputError(f"{where} has length {size:.3g}; a unit vector is accepted", code="plan-malformed")
    return np.asarray(result / size, dtype=np.float64)


def _length(value: float, where: str) -> float:
    if not 0 < value < 1000:
        raise InputError(f"{where} is {value!r}; a positive number of millimetres is accepted", code="plan-malformed")
    return value
