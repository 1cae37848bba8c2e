"""Landmarks given by the user: a Slicer markups file, or JSON."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.input_file import first_line, json_of
from corecore.hip.anatomy.model import Landmarks
from corecore.io.markups import read_points

#: Points by name; two points make an axis.
POINTS = (
    "head_center",
    "neck_center",
    "shaft_proximal",
    "shaft_distal",
    "lesser_trochanter_tip",
    "greater_trochanter_tip",
    "condyle_medial",
    "condyle_lateral",
    "acetabular_edge",
    "teardrop",
    "vastus_ridge",
)
#: What a JSON file may hold beside the points.
OTHERS = ("head_radius_mm", "shaft_axis", "x_axis", "anteversion_deg", "coordinate_system")
#: Anteversion accepted, degrees: −24 to 49 in 1,070 femora (PMC4775021), and some more.
ANTEVERSION_ACCEPTED_DEG = (-40.0, 70.0)


def read_landmarks(path: Path) -> Landmarks:
    """Landmarks in world RAS mm from ``.mrk.json`` (control points named as in ``POINTS``) or JSON.

    JSON holds positions by those names, and may hold ``head_radius_mm``, ``shaft_axis``
    (proximal), ``x_axis`` (lateral) or ``anteversion_deg``, and ``coordinate_system`` (RAS, the default, or LPS).
    Raises ``InputError`` for an unknown name or a figure that is not finite.
    """
    if path.name.endswith(".mrk.json"):
        named: dict[str, object] = dict(read_points(path))
        unknown = sorted(set(named) - set(POINTS))
        others: dict[str, object] = {}
    else:
        table = _json(path)
        named = {key: table[key] for key in POINTS if key in table}
        others = {key: table[key] for key in OTHERS if key in table}
        unknown = sorted(set(table) - set(POINTS) - set(OTHERS))
    if unknown:
        raise InputError(
            f"{path}: unknown landmark {unknown[0]!r}; accepted: {', '.join((*POINTS, *OTHERS))}",
            code="landmarks-invalid",
        )
    system = str(others.pop("coordinate_system", "RAS"))
    if system not in ("RAS", "LPS"):
        raise InputError(f"{path}: coordinate_system {system!r}; RAS or LPS is accepted", code="landmarks-invalid")
    sign = np.array([-1.0, -1.0, 1.0]) if system == "LPS" else np.ones(3)
    points = {key: _triple(path, key, value) * sign for key, value in named.items()}
    axes = {key: _triple(path, key, others[key]) * sign for key in ("shaft_axis", "x_axis") if key in others}
    radius = others.get("head_radius_mm")
    if radius is not None and not (isinstance(radius, int | float) and 15.0 <= float(radius) <= 35.0):
        raise InputError(f"{path}: head_radius_mm {radius!r}; 15 to 35 is accepted", code="landmarks-invalid")
    shaft_axis, shaft_point = axes.get("shaft_axis"), points.get("shaft_proximal")
    if "shaft_proximal" in points and "shaft_distal" in points:
        shaft_axis = points["shaft_proximal"] - points["shaft_distal"]
    elif shaft_axis is not None and shaft_point is None:
        raise InputError(f"{path}: shaft_axis needs a point on it, shaft_proximal", code="landmarks-incomplete")
    elif shaft_axis is None and ("shaft_proximal" in points or "shaft_distal" in points):
        raise InputError(
            f"{path}: the shaft axis needs shaft_proximal and shaft_distal, or shaft_axis", code="landmarks-incomplete"
        )
    x_axis = axes.get("x_axis")
    if "condyle_medial" in points and "condyle_lateral" in points:
        x_axis = points["condyle_lateral"] - points["condyle_medial"]
    elif "condyle_medial" in points or "condyle_lateral" in points:
        raise InputError(
            f"{path}: the posterior condylar line needs condyle_medial and condyle_lateral", code="landmarks-incomplete"
        )
    landmarks = Landmarks(
        head_center=points.get("head_center"),
        head_radius_mm=None if radius is None else float(radius),
        neck_center=points.get("neck_center"),
        shaft_point=shaft_point,
        shaft_axis=None if shaft_axis is None else _unit(path, "shaft axis", shaft_axis),
        x_axis=None if x_axis is None else _unit(path, "x axis", x_axis),
        lesser_trochanter_tip=points.get("lesser_trochanter_tip"),
        greater_trochanter_tip=points.get("greater_trochanter_tip"),
        acetabular_edge=points.get("acetabular_edge"),
        teardrop=points.get("teardrop"),
        vastus_ridge=points.get("vastus_ridge"),
    )
    version = others.get("anteversion_deg")
    if version is None:
        return landmarks
    if isinstance(version, bool) or not isinstance(version, int | float):
        raise InputError(
            f"{path}: anteversion_deg {version!r}; a number of degrees is accepted", code="landmarks-invalid"
        )
    return with_anteversion(landmarks, float(version), f"{path}: anteversion_deg")


def with_anteversion(landmarks: Landmarks, degrees: float, name: str) -> Landmarks:
    """The landmarks with the anteversion stated; ``name`` says where, for messages.

    Raises ``InputError`` for what no femur has, and where the landmarks say already where lateral is.
    """
    low, high = ANTEVERSION_ACCEPTED_DEG
    if not low <= degrees <= high:
        raise InputError(f"{name} {degrees:g}; {low:g} to {high:g} degrees is accepted", code="option-value")
    if landmarks.x_axis is not None or landmarks.anteversion_deg not in (None, degrees):
        raise InputError(
            f"{name} {degrees:g}, but the landmarks say already where lateral is; one of the two is accepted",
            code="options-conflict",
        )
    return replace(landmarks, anteversion_deg=degrees)


def _json(path: Path) -> dict[str, object]:
    try:
        table = json_of(path, "a JSON file of landmarks")
    except ValueError as error:
        raise InputError(f"{path}: not readable as JSON ({first_line(error)})", code="landmarks-invalid") from error
    if not isinstance(table, dict):
        raise InputError(
            f"{path}: holds a {type(table).__name__}; a table of landmarks is accepted", code="landmarks-invalid"
        )
    return table


def _triple(path: Path, key: str, value: object) -> FloatArray:
    try:
        point = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        point = np.zeros(0)
    if point.shape != (3,) or not np.all(np.isfinite(point)) or np.abs(point).max() > 1e5:
        raise InputError(
            f"{path}: {key} is {value!r}; three finite numbers in mm are accepted", code="landmarks-invalid"
        )
    return point


def _unit(path: Path, name: str, vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    if length < 1e-6:
        raise InputError(f"{path}: the {name} has no length", code="landmarks-invalid")
    return np.asarray(vector / length, dtype=np.float64)
