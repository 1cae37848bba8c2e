"""A plan and its two surfaces, checked and ready to be drawn. Everything in world RAS mm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import WORLD_EXTENT_MM, FloatArray
from corecore.base.mesh import TriangleMesh
from corecore.document.seal import plan_hash
from corecore.io.stl import read_stl

#: Largest plan.json read, bytes: hundreds of alternatives, and far from an input bomb (engineering choice).
SIZE_LIMIT_BYTES = 64 * 1024 * 1024
#: Nothing of a tunnel lies further from the head's centre, mm (engineering choice): a picture of it would be endless.
REACH_MM = 400.0
STATUSES = ("planned", "infeasible", "manual")


@dataclass(frozen=True, eq=False)
class DrawnTunnel:
    """A tunnel as it is drawn: RAS mm; ``direction`` is a unit vector from entry to tip.

    ``cavity_diameter_mm`` and ``cavity_length_mm`` are zero where there is no cavity.
    ``figures`` is the tunnel's part of the plan.
    """

    entry: FloatArray
    tip: FloatArray
    diameter_mm: float
    cavity_diameter_mm: float
    cavity_length_mm: float
    figures: Mapping[str, Any]

    @property
    def direction(self) -> FloatArray:
        """Unit vector from entry to tip."""
        way = self.tip - self.entry
        return np.asarray(way / np.linalg.norm(way), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Scene:
    """A plan (the content of ``plan.json``) with the femur and the lesion in world RAS mm.

    Raises ``InputError`` where the plan lacks what a picture needs: status, side, head, axes,
    and entry, tip and diameter of each tunnel.
    """

    plan: Mapping[str, Any]
    femur: TriangleMesh
    lesion: TriangleMesh

    def __post_init__(self) -> None:
        for name, mesh in (("femur", self.femur), ("lesion", self.lesion)):
            if len(mesh.triangles) == 0:
                raise InputError(f"the {name}'s mesh has no triangles; a surface is needed", code="geometry-invalid")
        # Asked for once here, so that a broken plan fails before anything is drawn.
        _ = (self.status, self.side, self.head_center, self.head_radius_mm, self.lateral, self.neck_axis, self.tunnels)
        _ = self.hash

    @classmethod
    def load(cls, plan_path: Path) -> Scene:
        """Reads ``plan.json`` and, beside it, ``femur.stl`` and ``lesion.stl``."""
        plan_path = Path(plan_path)
        try:
            if plan_path.stat().st_size > SIZE_LIMIT_BYTES:
                raise InputError(
                    f"{plan_path}: over {SIZE_LIMIT_BYTES} bytes; a plan.json is accepted", code="file-too-large"
                )
            plan = json.loads(plan_path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(
                f"{plan_path}: cannot be read ({error.strerror}); a plan.json is accepted", code="file-unreadable"
            ) from error
        except (ValueError, RecursionError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{plan_path}: not JSON ({reason}); a plan.json is accepted", code="plan-malformed"
            ) from error
        if not isinstance(plan, dict):
            raise InputError(
                f"{plan_path}: holds a {type(plan).__name__}; a plan.json is accepted", code="plan-malformed"
            )
        try:
            return cls(plan, read_stl(plan_path.parent / "femur.stl"), read_stl(plan_path.parent / "lesion.stl"))
        except InputError as error:
            text = str(error)
            raise InputError(
                text if str(plan_path.parent) in text else f"{plan_path}: {text}", code=error.code
            ) from error

    @cached_property
    def hash(self) -> str:
        """First eight digits of ``plan_hash``."""
        return plan_hash(self.plan)[:8]

    @property
    def status(self) -> str:
        """planned, infeasible or manual."""
        value = self.plan.get("status")
        if value not in STATUSES:
            raise InputError(f"status is {value!r}; one of {', '.join(STATUSES)} is accepted", code="plan-malformed")
        return str(value)

    @property
    def side(self) -> str:
        """left or right."""
        value = self._part("case").get("side")
        if value not in ("left", "right"):
            raise InputError(f"case.side is {value!r}; left or right is accepted", code="plan-malformed")
        return str(value)

    @property
    def case_id(self) -> str:
        """The case's id as given."""
        return str(self._part("case").get("id", "?"))

    @property
    def head_center(self) -> FloatArray:
        """Centre of the head, (3,) RAS mm."""
        return _vector(self._part("anatomy"), "head_center", "anatomy")

    @property
    def head_radius_mm(self) -> float:
        """Radius of the head's sphere."""
        return _length(self._part("anatomy"), "head_radius_mm", "anatomy")

    @property
    def proximal(self) -> FloatArray:
        """Unit vector along the shaft, upwards."""
        return _unit(self._part("anatomy"), "shaft_axis")

    @property
    def neck_axis(self) -> FloatArray:
        """Unit vector along the neck, to the head."""
        return _unit(self._part("anatomy"), "neck_axis")

    @property
    def lateral(self) -> FloatArray:
        """Unit vector away from the mid-line of the body, across the shaft."""
        axis = _unit(self._part("anatomy"), "x_axis")
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
        given = self._part("anatomy").get("shaft_point")
        if given is not None:
            return _vector(self._part("anatomy"), "shaft_point", "anatomy"), self.proximal
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
        entries = self.plan.get("tunnels", [])
        if not isinstance(entries, list) or not all(isinstance(t, Mapping) for t in entries):
            raise InputError(
                "tunnels is not a list of objects; the names of plan.json are accepted", code="plan-malformed"
            )
        drawn = []
        for number, figures in enumerate(entries):
            where = f"tunnels[{number}]"
            entry, tip = _vector(figures, "entry", where), _vector(figures, "tip", where)
            if np.linalg.norm(tip - entry) < 1e-6:
                raise InputError(f"{where}: entry and tip are one point; a tunnel has a length", code="plan-malformed")
            far = max(float(np.linalg.norm(point - self.head_center)) for point in (entry, tip))
            if far > REACH_MM:
                raise InputError(
                    f"{where} lies {far:.3g} mm from the head's centre; up to {REACH_MM:g} mm is accepted",
                    code="plan-malformed",
                )
            cavity = [0.0, 0.0]
            for k, name in enumerate(("cavity_diameter_mm", "cavity_length_mm")):
                if figures.get(name):
                    cavity[k] = _length(figures, name, where)
            diameter = _length(figures, "diameter_mm", where)
            drawn.append(DrawnTunnel(entry, tip, diameter, cavity[0], cavity[1], figures))
        return tuple(drawn)

    def _part(self, name: str) -> Mapping[str, Any]:
        value = self.plan.get(name)
        if not isinstance(value, Mapping):
            raise InputError(f"the plan has no {name!r}; the names of plan.json are accepted", code="plan-malformed")
        return value


def _vector(part: Mapping[str, Any], name: str, where: str) -> FloatArray:
    value = part.get(name)
    try:
        result = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        result = np.full(0, np.nan)
    if result.shape != (3,) or not np.all(np.isfinite(result)) or np.max(np.abs(result)) > WORLD_EXTENT_MM:
        raise InputError(f"{where}.{name} is {value!r}; three finite numbers are accepted", code="plan-malformed")
    return result


def _unit(part: Mapping[str, Any], name: str) -> FloatArray:
    result = _vector(part, name, "anatomy")
    size = float(np.linalg.norm(result))
    if abs(size - 1.0) > 0.01:
        raise InputError(f"anatomy.{name} has length {size:.3g}; a unit vector is accepted", code="plan-malformed")
    return np.asarray(result / size, dtype=np.float64)


def _length(part: Mapping[str, Any], name: str, where: str) -> float:
    value = part.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1000:
        raise InputError(
            f"{where}.{name} is {value!r}; a positive number of millimetres is accepted", code="plan-malformed"
        )
    return float(value)
