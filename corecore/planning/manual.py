"""A path set by hand: put on the bone, judged by the planner's figures, and what the search finds near it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from corecore.base.errors import InputError
from corecore.base.grid import WORLD_EXTENT_MM
from corecore.base.spec import Spec
from corecore.hip.anatomy.model import PlanWarning
from corecore.hip.hip import Hip
from corecore.measures.model import Measures
from corecore.planning.planner import ManualPath, Plan, evaluated_plan
from corecore.planning.search.local_search import best_near
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import assess, first_exit
from corecore.tunnels.limits import Violation, violations
from corecore.tunnels.risk.methods import METHODS, Method

#: The search near a path looks at tunnels whose axis passes its entry and its tip within this, mm (engineering
#: choice: further away it is another plan).
NEAR_MM = 10.0
#: A shorter path is none, mm.
LENGTH_MIN_MM = 1.0
#: An entry given further than this from where the axis leaves the bone is worth a note, mm.
ENTRY_MOVED_MM = 1.0


def path_on_bone(hip: Hip, entry_mm: npt.ArrayLike, tip_mm: npt.ArrayLike, diameter_mm: float) -> Tunnel:
    """The tunnel from the bone's surface to a tip, on the line through two world RAS points (3,).

    Its entry is where the axis, followed from the tip towards the entry given, first leaves the
    bone. Raises ``InputError`` for points that are none, no line, a tip outside the bone, or a
    line that does not leave it in view.
    """
    given_entry, given_tip = _point("entry", entry_mm), _point("tip", tip_mm)
    way = given_entry - given_tip
    apart = float(np.linalg.norm(way))
    if apart < LENGTH_MIN_MM:
        raise InputError(
            f"entry and tip lie {apart:.2f} mm apart; {LENGTH_MIN_MM:g} mm and more is accepted", code="path-off-bone"
        )
    tip, entry = hip.to_local(given_tip), hip.to_local(given_entry)
    outward = (entry - tip) / apart
    if float(hip.bone.distance(tip[None])[0]) <= 0.0:
        along = tip + np.arange(0.0, apart, 0.2)[:, None] * outward
        missed = not np.any(hip.bone.distance(along) > 0.0)
        what = "the line from entry to tip misses the femur" if missed else "the tip lies outside the femur"
        raise InputError(
            f"{what} (tip {_written(given_tip)}, RAS mm); a tip inside the bone is accepted", code="path-off-bone"
        )
    exit_mm = first_exit(hip, tip, outward)
    if exit_mm is None:
        raise InputError(
            "the line does not leave the femur in view; an entry on the bone's surface is accepted",
            code="path-off-bone",
        )
    length = float(np.linalg.norm(exit_mm - tip))
    if length < LENGTH_MIN_MM:
        raise InputError(
            f"only {length:.2f} mm of the line lie in the bone; {LENGTH_MIN_MM:g} mm and more is accepted",
            code="path-off-bone",
        )
    return Tunnel(exit_mm, tip, diameter_mm)


def assess_path(
    hip: Hip,
    spec: Spec,
    measures: Measures | Callable[[], Measures],
    entry_mm: npt.ArrayLike,
    tip_mm: npt.ArrayLike,
    *,
    methods: Mapping[str, Method] = METHODS,
) -> Plan:
    """A plan of status ``manual``: the path, every constraint it breaks, and the best tunnel near it.

    Points in world RAS mm; the drill is that of ``spec``. Raises ``InputError`` as ``path_on_bone``.
    """
    path = path_on_bone(hip, entry_mm, tip_mm, spec.diameter_mm)
    tunnel = Tunnel.planned_with(spec, path.entry, path.tip)
    figures = assess(hip, tunnel, spec)
    height = hip.anatomy.femoral_from_local[2] @ np.append(tunnel.entry, 1.0)
    if not hip.anatomy.midline_known(float(height)):
        # The table of the mid-line goes on beyond its ends; the figure must not.
        figures = replace(figures, entry_anterior_mm=float("nan"))
    broken = violations(figures, spec)
    if figures.removed_fraction <= 0.0:
        broken.append(Violation("misses_lesion", 0.0, 0.0))
    started = time.perf_counter()
    near = best_near(hip, spec, tunnel, reach_mm=NEAR_MM)
    search_s = time.perf_counter() - started
    moved = float(np.linalg.norm(hip.to_local(np.asarray(entry_mm, dtype=np.float64)) - tunnel.entry))
    given = ManualPath(
        entry_mm=np.asarray(entry_mm, dtype=np.float64),
        tip_mm=np.asarray(tip_mm, dtype=np.float64),
        entry_moved_mm=moved,
        violations=tuple(item.part() for item in broken),
        nearest=near,
        nearest_reason=None if near is not None else _why_none(hip, tunnel, spec),
    )
    return evaluated_plan(
        hip, spec, measures, [(tunnel, figures)], given=given, warnings=_cautions(hip, tunnel, moved),
        timings={"search_s": search_s}, methods=methods,
    )  # fmt: skip


def _point(name: str, value: npt.ArrayLike) -> npt.NDArray[np.float64]:
    try:
        point = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        point = np.full(0, np.nan)
    if point.shape != (3,) or not np.all(np.isfinite(point)) or float(np.max(np.abs(point))) > WORLD_EXTENT_MM:
        found = " ".join(repr(value).split())
        raise InputError(
            f"{name}: {found if len(found) <= 60 else found[:57] + '...'};"
            f" three numbers x,y,z in RAS mm within {WORLD_EXTENT_MM:g} mm are accepted",
            code="option-value",
        )
    return point


def _written(point: npt.NDArray[np.float64]) -> str:
    return ",".join(f"{value:.1f}" for value in point)


def _why_none(hip: Hip, tunnel: Tunnel, spec: Spec) -> str:
    if float(tunnel.direction @ hip.anatomy.neck_axis) < 0.5:
        return "the path does not run along the neck towards the head"
    return f"no tunnel of {spec.diameter_mm:g} mm within {NEAR_MM:g} mm of this path is within every limit"


def _cautions(hip: Hip, tunnel: Tunnel, moved_mm: float) -> list[PlanWarning]:
    found = []
    if moved_mm > ENTRY_MOVED_MM:
        found.append(
            PlanWarning(
                "entry_moved",
                f"the entry given is {moved_mm:.1f} mm from where the axis leaves the bone; the plan uses that point",
            )
        )
    center = hip.anatomy.head_center
    if np.linalg.norm(tunnel.entry - center) < np.linalg.norm(tunnel.tip - center):
        found.append(PlanWarning("ends_exchanged", "the entry lies nearer to the head than the tip: are they swapped?"))
    return found
