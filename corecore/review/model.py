"""A plan laid out for review: its tunnels measured by the planner's own functions, and judged.

No figure is computed anywhere else: the page prints what stands here.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray
from corecore.base.language import ENGLISH, say, spoken
from corecore.base.spec import Spec
from corecore.document.fields import known
from corecore.document.headline import headline_of
from corecore.document.numbers import finite, number
from corecore.document.plan import ViolationPart
from corecore.document.totals import BoneLeftPart, TotalsPart
from corecore.document.tunnels import PlannedTunnelPart
from corecore.hip.hip import Hip
from corecore.planning.evaluation import broken_limits
from corecore.planning.manual import path_on_bone
from corecore.planning.open_plan import OpenedPlan, open_plan
from corecore.report.scene import Scene
from corecore.report.tissue import Tissue
from corecore.review.session import Line, Point, Room, Session
from corecore.tunnels.bone_stock import least_bridge_mm, lowest_hole_mm
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, assess, wall_share
from corecore.tunnels.plan_metrics import neck_area_share
from corecore.tunnels.risk.methods import METHODS, Method

#: Lines whose figures are kept: the others of a set, the alternatives, and the last steps of undo.
KNOWN_MAX = 64


@dataclass(eq=False)
class Measured:
    """A line on the bone with its figures; which of the lesion's points it takes, once asked."""

    tunnel: Tunnel
    figures: TunnelFigures
    taken: BoolArray | None = None


@dataclass(frozen=True, eq=False)
class ReviewModel:
    """A plan laid out for review: its hip, limits and pictures."""

    hip: Hip
    spec: Spec
    scene: Scene
    tissue: Tissue
    _known: dict[Line, Measured] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def open(cls, plan_path: Path) -> ReviewModel:
        """A plan with its masks and image. Raises ``InputError`` as ``reopen`` and ``Scene.load``."""
        opened: OpenedPlan = open_plan(plan_path, image=True)
        scene = Scene.load(plan_path)
        return cls(opened.hip, opened.spec, scene, Tissue.of(opened.hip))

    def session(self) -> Session:
        """A fresh session with the plan's tunnels."""
        bounds = np.array([self.scene.femur.points_mm.min(axis=0), self.scene.femur.points_mm.max(axis=0)])
        # Entries may be named from outside the bone; further than this nothing can be meant.
        low, high = bounds[0] - 100.0, bounds[1] + 100.0
        side = "left" if self.hip.side == "left" else "right"
        room = Room(_point(low), _point(high), side, _point(self.scene.proximal, 9), _point(self.scene.anterior, 9))  # type: ignore[arg-type]
        lines = tuple(
            Line(_point(t.entry), _point(t.tip), t.diameter_mm, t.cavity_diameter_mm, t.cavity_length_mm)
            for t in self.scene.tunnels
        )
        # Of a plan that comes from a review itself, its notes go on.
        review = known(self.scene.plan.review)
        return Session(room, lines, selected=0 if lines else None, notes="" if review is None else review.notes)

    @cached_property
    def guidance(self) -> Method:
        """The plan's guidance method, with the errors that the plan states; fluoroscopy where it names none."""
        plan = self.scene.plan
        stated = (known(plan.risk_methods) or {}).get(known(plan.spec.guidance) or "")
        if stated is None:
            return METHODS["fluoroscopy"]
        given = {item.name: known(getattr(stated, item.name)) for item in fields(Method)}
        return Method(**{key: value for key, value in given.items() if value is not None})

    @cached_property
    def own(self) -> tuple[Line, ...]:
        """The plan's own tunnels."""
        return self.session().lines

    @property
    def sets(self) -> tuple[tuple[str, tuple[Line, ...]], ...]:
        """What may be taken instead of what stands, by name: the plan's own tunnels, and each alternative's."""
        return tuple(
            (say("other {number}", number=number) if number else say("the plan"), lines)
            for number, lines in self._numbered
        )

    @cached_property
    def _numbered(self) -> tuple[tuple[int, tuple[Line, ...]], ...]:
        """The sets by number, 0 the plan's own: a name would be kept in the language that asked first."""
        found = [(0, self.own)]
        for index, one in enumerate(self.scene.plan.alternatives, start=1):
            if not one.tunnels:
                continue
            try:
                variant = replace(self.scene, plan=msgspec.structs.replace(self.scene.plan, tunnels=one.tunnels))
            except InputError:
                continue
            found.append((index, replace(self, scene=variant).own))
        return tuple(found)

    def measured(self, lines: Sequence[Line]) -> list[Measured]:
        """The lines on the bone; what was measured lately is not measured again. Raises as ``drilled``."""
        # Films are drawn beside a drag: both ask here.
        with self._lock:
            found = [self._measured(index, line) for index, line in enumerate(lines, start=1)]
            while len(self._known) > max(KNOWN_MAX, len(lines)):
                del self._known[next(iter(self._known))]
        return found

    def _measured(self, index: int, line: Line) -> Measured:
        found = self._known.pop(line, None)
        if found is None:
            try:
                path = path_on_bone(self.hip, line.entry, line.tip, line.diameter_mm)
            except InputError as error:
                raise InputError(f"tunnel {index}: {error}", code=error.code) from error
            own = self.spec.with_sizes(line.diameter_mm, line.cavity_diameter_mm, line.cavity_length_mm)
            drill = self.spec.instrument
            if drill is not None and not drill.plain and own.instrument is None and not self._existing(line):
                raise InputError(
                    f"tunnel {index}: {line.diameter_mm:g} mm, but the plan's instrument {drill.name!r} has"
                    f" {drill.diameter_mm:g} mm; the instrument's own diameter is accepted",
                    code="review-refused",
                )
            tunnel = Tunnel.planned_with(own, path.entry, path.tip)
            found = Measured(tunnel, assess(self.hip, tunnel, self.spec))
        # The newest last: the first to go is the one not seen for longest.
        self._known[line] = found
        return found

    def _existing(self, line: Line) -> bool:
        """Whether a line has the size of a tunnel that was there before the plan."""
        return any(line.diameter_mm == kept.diameter_mm for kept in self.spec.keep)

    def drilled(self, lines: Sequence[Line]) -> list[tuple[Tunnel, TunnelFigures]]:
        """The tunnels on the bone with their figures. Raises ``InputError`` where a line is no tunnel in this bone."""
        return [(one.tunnel, one.figures) for one in self.measured(lines)]

    def removed_fraction(self, lines: Sequence[Line]) -> float:
        """Share of the lesion that the tunnels take together."""
        measured = self.measured(lines)
        if len(measured) == 1:
            return measured[0].figures.removed_fraction
        return float(np.mean(self.taken(lines)))

    def taken(self, lines: Sequence[Line]) -> BoolArray:
        """Which of the lesion's points (N,) the tunnels take together."""
        points = self.hip.lesion.points_mm
        together: BoolArray = np.zeros(len(points), dtype=bool)
        for one in self.measured(lines):
            if one.taken is None:
                one.taken = one.tunnel.contains(points)
            together |= one.taken
        return together

    def broken(self, drilled: Sequence[tuple[Tunnel, TunnelFigures]]) -> list[ViolationPart]:
        """Every limit that the tunnels break, each by itself and together."""
        return broken_limits(self.hip, self.spec, drilled)

    def shown(self, lines: Sequence[Line]) -> Scene:
        """The plan's scene with other tunnels in it, measured and judged."""
        drilled, share = self.drilled(lines), self.removed_fraction(lines)
        total_ml = self.hip.lesion.volume_ml
        own = self.scene.plan
        planned = tuple(lines) == self.own
        # What the search proved holds for its own tunnels; how much a drill may reach, for any.
        kept = own.totals if planned else TotalsPart(reachable_fraction=own.totals.reachable_fraction)
        totals = msgspec.structs.replace(
            kept,
            removed_fraction=finite(share),
            necrosis_removed_ml=finite(share * total_ml),
            necrosis_left_ml=finite((1.0 - share) * total_ml),
        )
        plan = msgspec.structs.replace(
            own,
            status=own.status if planned else "manual",
            violations=self.broken(drilled),
            tunnels=[_stated(self.hip, tunnel, figures) for tunnel, figures in drilled],
            totals=self._with_bone(totals, drilled),
            alternatives=[],
            nearest=UNSET,
            nearest_reason=UNSET,
            robust=UNSET,
            tradeoff=own.tradeoff if planned else UNSET,
            infeasible=own.infeasible if planned else UNSET,
            # What an earlier review said was of that one; this one says its own.
            review=UNSET,
        )
        # Weighed anew: what is not simulated of moved tunnels is told as not known.
        if not planned:
            # As the record has it; the page says it in its language.
            with spoken(ENGLISH):
                plan = msgspec.structs.replace(plan, headline=headline_of(plan))
        return replace(self.scene, plan=plan)

    def _with_bone(self, totals: TotalsPart, drilled: Sequence[tuple[Tunnel, TunnelFigures]]) -> TotalsPart:
        """With what the limits' table tells of the bone that stays."""
        if not drilled:
            return totals
        tunnels = [tunnel for tunnel, _ in drilled]
        left = BoneLeftPart(
            hole_above_lesser_trochanter_mm=finite(lowest_hole_mm(self.hip, [figures for _, figures in drilled])),
            bridge_mm=number(least_bridge_mm(self.hip, tunnels)),
            lateral_wall_share=number(wall_share(self.hip.anatomy, tunnels)),
        )
        share = finite(neck_area_share(self.hip, tunnels))
        return msgspec.structs.replace(totals, neck_area_share=share, bone_left=left)


def _stated(hip: Hip, tunnel: Tunnel, figures: TunnelFigures) -> PlannedTunnelPart:
    """A tunnel as ``plan.json`` states it."""
    names = [field.name for field in fields(figures) if field.name in PlannedTunnelPart.__struct_fields__]
    told: dict[str, Any] = {name: number(getattr(figures, name)) for name in names}
    return PlannedTunnelPart(
        **told,
        entry=[round(float(c), 6) for c in hip.to_world(tunnel.entry)],
        tip=[round(float(c), 6) for c in hip.to_world(tunnel.tip)],
        diameter_mm=tunnel.diameter_mm,
        cavity_diameter_mm=tunnel.cavity_diameter_mm or None,
        cavity_length_mm=tunnel.cavity_length_mm or None,
    )


def _point(vector: Any, digits: int = 4) -> Point:
    x, y, z = (round(float(c), digits) for c in vector)
    return x, y, z
