"""3D Slicer plane markups (``.mrk.json``, schema 1.0.3), in LPS mm as ``corecore.io.markups`` writes lines.

A plane of the kind ``pointNormal`` has its middle as its one control point. Its axes are the columns
of ``baseToNode``, of which Slicer ignores the translation; in an LPS file the first two rows of
that matrix change sign.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corecore.errors import InputError
from corecore.grid import FloatArray
from corecore.io.files import atomic_write_text
from corecore.io.markups import LINE_COLOR, RAS_SIGNS, SCHEMA, control_point

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
    document = {"@schema": SCHEMA, "markups": [_plane(plane) for plane in planes]}
    atomic_write_text(Path(path), json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def _plane(plane: MarkupPlane) -> dict[str, Any]:
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
    half = plane.width_mm / 2.0
    return {
        "type": "Plane",
        "name": plane.name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": True,
        "fixedNumberOfControlPoints": False,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": 1,
        "planeType": "pointNormal",
        "sizeMode": "absolute",
        "center": point["position"],
        "normal": [float(v) for v in turn[:, 2]],
        "baseToNode": [float(v) for v in matrix.ravel()],
        "size": [plane.width_mm, plane.width_mm, 0.0],
        "planeBounds": [-half, half, -half, half],
        "controlPoints": [point],
        "display": {
            "visibility": True,
            "opacity": OPACITY,
            "color": list(LINE_COLOR),
            "selectedColor": list(LINE_COLOR),
            "pointLabelsVisibility": False,
        },
    }
