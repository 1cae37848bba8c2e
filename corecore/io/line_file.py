"""A line of 3D Slicer in a file of its own, locked and coloured: as a node of a scene keeps it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec import to_builtins

from corecore.base.grid import FloatArray
from corecore.io.files import atomic_write_text
from corecore.io.markups import LINE_COLOR, SCHEMA, Display, LineMarkup, control_point


@dataclass(frozen=True, eq=False)
class LockedLine:
    """A line that is not moved by accident: ``entry`` (3,), ``tip`` (3,) in world RAS mm; its colour from 0 to 1."""

    name: str
    entry: FloatArray
    tip: FloatArray
    note: str = ""
    color: tuple[float, float, float] = LINE_COLOR


def write_line(line: LockedLine, path: Path) -> None:
    """Writes it alone, entry first, in LPS mm, so that it comes back as it is; whole or not at all."""
    points = [
        control_point(number, f"{line.name} {label}", line.note, np.asarray(place, dtype=np.float64))
        for number, (label, place) in enumerate((("entry", line.entry), ("tip", line.tip)), start=1)
    ]
    markup = LineMarkup(
        type="Line", name=line.name, locked=True, last_used_control_point_number=2, control_points=points,
        display=Display(
            opacity=1.0, color=line.color, selected_color=line.color, properties_label_visibility=True,
            point_labels_visibility=False,
        ),
    )  # fmt: skip
    document = {"@schema": SCHEMA, "markups": to_builtins([markup])}
    atomic_write_text(path, json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
