"""What is asked of the planner: nodes of the scene and a few figures; from them, files and arguments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import geometry
from .errors import PersonError

#: How a plan is carried out, and what it is best for, as the command line names them.
GUIDANCES = ("fluoroscopy", "guide", "navigated", "robot")
OBJECTIVES = ("safest", "most")
SIDES = ("auto", "left", "right")
#: Margins of the panel: the parameter, its words, the least, the most and the usual value, mm.
MARGINS: dict[str, tuple[str, float, float, float]] = {
    "cortical_margin_mm": ("cortex", 0.0, 10.0, 3.0),
    "posterosuperior_margin_mm": ("postero-superior cortex of the neck", 0.0, 12.0, 5.0),
    "joint_margin_mm": ("joint", 0.0, 15.0, 5.0),
    "avoid_margin_mm": ("region to avoid", 0.0, 15.0, 2.0),
}
TUNNELS_MAX = 16


@dataclass(frozen=True)
class SegmentRef:
    """A segment of a segmentation node, by its id."""

    node: Any
    segment: str

    @property
    def name(self) -> str:
        """As the person reads it."""
        found = self.node.GetSegmentation().GetSegment(self.segment)
        return str(found.GetName()) if found is not None else self.segment


@dataclass
class PlanRequest:
    """The panel's answers. ``more`` are further parameters as the command line's ``--set`` takes them."""

    femur: SegmentRef | None = None
    lesion: SegmentRef | None = None
    pelvis: SegmentRef | None = None
    avoid: SegmentRef | None = None
    volume: Any = None
    landmarks: Any = None
    side: str = "auto"
    guidance: str = "fluoroscopy"
    objective: str = "safest"
    instrument: str = ""
    diameter_mm: float = 10.0
    tunnels: int = 1
    margins: Mapping[str, float] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    pictures: bool = True
    case_id: str = ""

    def check(self) -> None:
        """Raises ``PersonError`` for what no plan could be made of; looks at nothing but names and counts."""
        for name, ref in (("femur", self.femur), ("necrosis", self.lesion)):
            if ref is None or ref.node is None or not ref.segment:
                raise PersonError(f"Choose the segment of the {name}.")
        assert self.femur is not None
        assert self.lesion is not None
        if self.femur.node is self.lesion.node and self.femur.segment == self.lesion.segment:
            raise PersonError(
                f"Femur and necrosis are the same segment, '{self.femur.name}'. Choose the segment of the necrosis."
            )
        for name, value, allowed in (
            ("guidance", self.guidance, GUIDANCES), ("objective", self.objective, OBJECTIVES),
            ("side", self.side, SIDES),
        ):  # fmt: skip
            if value not in allowed:
                raise PersonError(f"{name} '{value}': {', '.join(allowed)} are accepted.")
        if not 1 <= self.tunnels <= TUNNELS_MAX:
            raise PersonError(f"{self.tunnels} tunnels: 1 to {TUNNELS_MAX} are accepted.")

    def sizes(self) -> list[str]:
        """The drill as arguments: the instrument's name, or a diameter."""
        if self.instrument.strip():
            return [f"--instrument={self.instrument.strip()}"]
        return [f"--diameter={self.diameter_mm:g}"]

    def written(self, folder: Path) -> list[str]:
        """Writes masks, image and landmarks into a folder; the arguments that name them. Raises ``PersonError``."""
        self.check()
        assert self.femur is not None
        assert self.lesion is not None
        found = []
        for role, ref in (("femur", self.femur), ("lesion", self.lesion), ("pelvis", self.pelvis)):
            if ref is not None and ref.segment:
                path = folder / f"{role}.nrrd"
                geometry.write_segment(ref.node, ref.segment, path)
                found.append(f"--{role}={path}")
        if self.volume is not None:
            path = folder / "image.nrrd"
            geometry.write_volume(self.volume, path)
            found.append(f"--image={path}")
        if self.landmarks is not None and self.landmarks.GetNumberOfControlPoints():
            path = folder / "landmarks.mrk.json"
            geometry.write_points(self.landmarks, path)
            found.append(f"--landmarks={path}")
        if self.side != "auto":
            found.append(f"--side={self.side}")
        if self.case_id.strip():
            found.append(f"--id={self.case_id.strip()}")
        return found

    def plan_arguments(self, folder: Path, out: Path) -> list[str]:
        """The command that plans, its masks written into a folder."""
        found = ["plan", *self.written(folder), *self.sizes(), f"--tunnels={self.tunnels}"]
        if self.avoid is not None and self.avoid.segment:
            path = folder / "avoid.nrrd"
            geometry.write_segment(self.avoid.node, self.avoid.segment, path)
            found.append(f"--avoid={path}")
        found += [f"--objective={self.objective}", f"--guidance={self.guidance}", *self._settings()]
        return [*found, *self._output(out)]

    def assess_arguments(self, line: Any, folder: Path, out: Path) -> list[str]:
        """The command that evaluates a line of the person's, entry first."""
        entry, tip = geometry.line_ends(line)
        found = ["assess", *self.written(folder), *self.sizes(), f"--guidance={self.guidance}", *self._settings()]
        found += [f"--entry={_told(entry)}", f"--tip={_told(tip)}"]
        return [*found, *self._output(out)]

    def _settings(self) -> list[str]:
        values = {**{name: f"{value:g}" for name, value in self.margins.items()}, **self.more}
        if self.avoid is None:
            values.pop("avoid_margin_mm", None)
        return [f"--set={name}={value}" for name, value in values.items()]

    def _output(self, out: Path) -> list[str]:
        return [f"--out={out}", "--overwrite", *([] if self.pictures else ["--no-pictures"])]


def _told(point: tuple[float, float, float]) -> str:
    if not all(math.isfinite(value) for value in point):
        raise PersonError("The line's points lie nowhere. Place its entry and its tip.")
    return ",".join(repr(value) for value in point)
