"""3D Slicer plane markups (``.mrk.json``, schema 1.0.3), in LPS mm as ``corecore.io.markups`` writes lines.

A plane of the kind ``pointNormal`` has its middle as its one control point. Its axes are the columns
of ``baseToNode``, of which Slicer ignores the translation; in an LPS file the first two rows of
that matrix change sign.

3D Slicer markups (``.mrk.json``, schema 1.0.3): tunnels as lines, landmarks as points.

Files are written in LPS, which Slicer takes when nothing is said; every position read is
turned into world RAS mm.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, Struct, UnsetType, field, to_builtins

from corecore.base.errors import InputError
from corecore.base.grid import WORLD_EXTENT_MM, FloatArray
from corecore.base.input_file import first_line, json_of
from corecore.io.files import atomic_write_text

#: How dense a plane is drawn: one sees the bone through it (engineering choice).
OPACITY = 0.35


@dataclass(frozen=True, eq=False)
class MarkupPlane:
    """A named square in world RAS mm: its middle (3,), three unit axes (3, 3) as rows, the last its normal."""

    name: str
    center: FloatArray
    axes: FloatArray
    width_mm: float
    note: str = ""


def write_planes(planes: Sequence[MarkupPlane], path: Path) -> None:
    """Writes each as a Slicer Plane markup in LPS mm; the file appears whole or not at all.

    Raises ``InputError`` for axes that are no right-handed frame of unit vectors.
    """
    _write([_plane(plane) for plane in planes], path)


def _plane(plane: MarkupPlane) -> PlaneMarkup:
    axes = np.asarray(plane.axes, dtype=np.float64)
    if not np.allclose(axes @ axes.T, np.eye(3), atol=1e-6) or np.linalg.det(axes) < 0.0:
        raise InputError(
            f"plane {plane.name!r}: its axes are no right-handed frame of unit vectors", code="geometry-invalid"
        )
    signs = np.array(RAS_SIGNS["LPS"])
    # Rows of the matrix are the file's axes, columns the plane's.
    turn = signs[:, None] * axes.T + 0.0
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    point = control_point(1, plane.name, plane.note, plane.center)
    half = float(plane.width_mm) / 2.0
    return PlaneMarkup(
        type="Plane",
        name=plane.name,
        locked=True,
        last_used_control_point_number=1,
        center=point.position,
        normal=[float(v) for v in turn[:, 2]],
        base_to_node=[float(v) for v in matrix.ravel()],
        size=[float(plane.width_mm), float(plane.width_mm), 0.0],
        plane_bounds=[-half, half, -half, half],
        control_points=[point],
        display=Display(opacity=OPACITY, point_labels_visibility=False),
    )


SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
#: Signs that turn a position in the file's frame into RAS. Slicer before 5.0 wrote numbers: 0 is RAS, 1 is LPS.
RAS_SIGNS = {"LPS": (-1.0, -1.0, 1.0), "RAS": (1.0, 1.0, 1.0), "1": (-1.0, -1.0, 1.0), "0": (1.0, 1.0, 1.0)}
#: Largest file accepted, bytes: ten thousand points, and far from an input bomb (engineering choice).
SIZE_LIMIT_BYTES = 16 * 1024 * 1024
#: Okabe-Ito vermilion, legible on bone and to the colour-blind.
LINE_COLOR = (0.835, 0.369, 0.0)


class ControlPoint(Struct, frozen=True, kw_only=True, rename="camel"):
    """A point of a markup as Slicer writes it; position and the markup's own frame in LPS mm."""

    id: str
    label: str
    description: str
    associated_node: str = field(default="", name="associatedNodeID")
    position: list[float]
    orientation: tuple[float, ...] = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
    selected: bool = True
    locked: bool = False
    visibility: bool = True
    #: Without this Slicer draws nothing in its slices.
    position_status: str = "defined"


class Display(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a markup is drawn."""

    visibility: bool = True
    opacity: float
    color: tuple[float, float, float] = LINE_COLOR
    selected_color: tuple[float, float, float] = LINE_COLOR
    properties_label_visibility: bool | UnsetType = UNSET
    point_labels_visibility: bool


class Markup(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a line and a plane have in common in Slicer's file."""

    type: str
    name: str
    coordinate_system: str = "LPS"
    coordinate_units: str = "mm"
    locked: bool
    fixed_number_of_control_points: bool = False
    label_format: str = "%N-%d"
    last_used_control_point_number: int


class LineMarkup(Markup, frozen=True, kw_only=True, rename="camel"):
    """A line in Slicer's file."""

    control_points: list[ControlPoint]
    display: Display


class PlaneMarkup(Markup, frozen=True, kw_only=True, rename="camel"):
    """A plane in Slicer's file: middle, normal, axes (4 x 4), size and bounds along its own axes, LPS mm."""

    plane_type: str = "pointNormal"
    size_mode: str = "absolute"
    center: list[float]
    normal: list[float]
    base_to_node: list[float]
    size: list[float]
    plane_bounds: list[float]
    control_points: list[ControlPoint]
    display: Display


@dataclass(frozen=True, eq=False)
class MarkupLine:
    """A named line in world RAS mm: ``entry`` (3,) first, ``tip`` (3,) second; ``note`` describes its points."""

    name: str
    entry: npt.ArrayLike
    tip: npt.ArrayLike
    note: str = ""


def write_lines(lines: Sequence[MarkupLine], path: Path) -> None:
    """Writes each line as a Slicer Line markup, entry first, in LPS mm; the file appears whole or not at all.

    Raises ``InputError`` for positions that are not three finite numbers.
    """
    _write([_line(line) for line in lines], path)


def _write(markups: Sequence[Markup], path: Path) -> None:
    document = {"@schema": SCHEMA, "markups": to_builtins(markups)}
    atomic_write_text(Path(path), json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def _line(line: MarkupLine) -> LineMarkup:
    points = []
    for number, (label, value) in enumerate((("entry", line.entry), ("tip", line.tip)), start=1):
        position = np.asarray(value, dtype=np.float64)
        if position.shape != (3,) or not np.all(np.isfinite(position)):
            raise InputError(
                f"line {line.name!r}: its {label} is {value!r}; three finite numbers are accepted",
                code="geometry-invalid",
            )
        points.append(control_point(number, f"{line.name} {label}", line.note, position))
    return LineMarkup(
        type="Line",
        name=line.name,
        locked=False,
        last_used_control_point_number=2,
        control_points=points,
        display=Display(opacity=1.0, properties_label_visibility=True, point_labels_visibility=False),
    )


def control_point(number: int, label: str, note: str, position_mm: FloatArray) -> ControlPoint:
    """A markup's point at a place (3,), world RAS mm."""
    # Adding 0 turns a negative zero into zero.
    position = [float(v) for v in position_mm * RAS_SIGNS["LPS"] + 0.0]
    return ControlPoint(id=str(number), label=label, description=note, position=position)


def read_points(path: Path) -> dict[str, FloatArray]:
    """Control points of a markups file of any kind: label to position (3,) in world RAS mm, in the file's order.

    A point without a label takes its markup's name and its number, ``F-1``. Points that the
    user has not placed are left out. Raises ``InputError`` for anything else than a markups
    file in mm whose labels are unique.
    """
    path = Path(path)
    found: dict[str, FloatArray] = {}
    for markup in _markups(path):
        name = str(markup.get("name") or markup.get("type") or "markup")
        signs = _signs(path, markup)
        points = markup.get("controlPoints", [])
        if not isinstance(points, list):
            raise InputError(
                f"{path}: markup {name!r} has controlPoints {_short(points)}; a list is accepted",
                code="markups-invalid",
            )
        for number, point in enumerate(points, start=1):
            if not isinstance(point, dict):
                raise InputError(
                    f"{path}: point {number} of {name!r} is {_short(point)}; an object is accepted",
                    code="markups-invalid",
                )
            status = point.get("positionStatus", "defined")
            if status != "defined":
                continue
            label = str(point.get("label") or f"{name}-{number}")
            if label in found:
                raise InputError(
                    f"{path}: two control points are labelled {label!r}; labels must differ", code="markups-invalid"
                )
            position = _position(path, label, point.get("position"))
            found[label] = position * signs + 0.0
    return found


def read_line(path: Path) -> tuple[FloatArray, FloatArray]:
    """Entry and tip (3,) in world RAS mm: the two points of the file's only Line markup.

    Raises ``InputError`` where there is no Line, more than one, or one that has not two placed points.
    """
    lines = [markup for markup in _markups(Path(path)) if markup.get("type") == "Line"]
    if len(lines) != 1:
        raise InputError(
            f"{path}: {len(lines)} Line markups found; a file with one is accepted", code="line-not-single"
        )
    return _ends(path, lines[0])


def read_lines(path: Path) -> list[tuple[FloatArray, FloatArray]]:
    """Entry and tip (3,) in world RAS mm of every Line markup of a file. Raises ``InputError`` as ``read_line``."""
    return [_ends(path, markup) for markup in _markups(Path(path), empty=True) if markup.get("type") == "Line"]


def _ends(path: Path, line: dict[str, object]) -> tuple[FloatArray, FloatArray]:
    signs = _signs(path, line)
    points = line.get("controlPoints")
    placed = [
        _position(path, f"point {number}", point.get("position")) * signs + 0.0
        for number, point in enumerate(points if isinstance(points, list) else [], start=1)
        if isinstance(point, dict) and point.get("positionStatus", "defined") == "defined"
    ]
    if len(placed) != 2:
        raise InputError(
            f"{path}: the Line has {len(placed)} placed points; two are accepted, entry first", code="line-not-single"
        )
    return placed[0], placed[1]


def _markups(path: Path, *, empty: bool = False) -> list[dict[str, object]]:
    try:
        document = json_of(path, "a Slicer .mrk.json", SIZE_LIMIT_BYTES)
    except ValueError as error:
        raise InputError(
            f"{path}: not JSON ({first_line(error)}); a Slicer .mrk.json file is accepted", code="markups-invalid"
        ) from error
    markups = document.get("markups") if isinstance(document, dict) else None
    if not isinstance(markups, list) or not (markups or empty) or not all(isinstance(m, dict) for m in markups):
        raise InputError(
            f"{path}: no list of markups in it; a Slicer .mrk.json file is accepted", code="markups-invalid"
        )
    return markups


def _signs(path: Path, markup: dict[str, object]) -> FloatArray:
    system = markup.get("coordinateSystem", "LPS")
    if str(system) not in RAS_SIGNS:
        raise InputError(
            f"{path}: coordinateSystem is {_short(system)}; LPS or RAS is accepted", code="markups-invalid"
        )
    units = markup.get("coordinateUnits", "mm")
    # Slicer writes the unit as text or, from UCUM, as a list: ["mm", "UCUM", "millimeter"].
    unit = units[0] if isinstance(units, list) and units else units
    if unit != "mm":
        raise InputError(f"{path}: coordinateUnits is {_short(units)}; mm is accepted", code="unit-not-mm")
    return np.array(RAS_SIGNS[str(system)])


def _position(path: Path, label: str, value: object) -> FloatArray:
    numbers = value if isinstance(value, list) else []
    good = [
        float(v)
        for v in numbers
        # True is an int in Python, and a coordinate in no file; a huge int has no float.
        if isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < WORLD_EXTENT_MM and math.isfinite(v)
    ]
    if len(numbers) != 3 or len(good) != 3:
        raise InputError(
            f"{path}: position of {label!r} is {_short(value)};"
            f" three numbers within {WORLD_EXTENT_MM:g} mm of the origin are accepted",
            code="markups-invalid",
        )
    return np.array(good)


def _short(value: object) -> str:
    """A value as one short line for a message."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
