"""Why a tunnel lies where it lies: its place in words, what is nearest, and what holds it there.

What a limit costs is measured, not guessed: the tunnel is planned again near where it is with
that limit one step further out, all else unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import BoolArray, FloatArray
from corecore.base.limits import HOLDS, RELAXABLE, UNITS
from corecore.base.spec import Spec
from corecore.document.numbers import finite, number
from corecore.document.text import quantity
from corecore.document.tunnels import ExplanationPart, HeldLimitPart, Wall, WallPart, WallSide
from corecore.hip.anatomy.zones import NECK_END_RADII
from corecore.hip.hip import Hip
from corecore.planning.search.local_search import best_near
from corecore.planning.search.problem import build_problem
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import TunnelFigures, assess, portal_lengths, surface_of, wall_and_end
from corecore.tunnels.limits import violations
from corecore.tunnels.tunnel_set import SHARED_PORTAL_MM, conflicts, shapes_of

#: A limit gives way by this much at a time, by unit, or by half where its range ends.
STEPS = {"mm": (1.0, 0.5), "deg": (1.0, 0.5), "share": (0.01,)}
#: Planned again among tunnels whose axis passes within this of the plan's own, mm: a step moves a wall by about one.
REACH_MM = 5.0
#: Wall points: round the ring, and distance between rings, mm.

#: Less than this gained is nothing, share of the lesion.
NOTHING = 0.0005
#: Quarters of the neck, seen along its axis.
QUARTERS: tuple[WallSide, ...] = ("superior", "anterior", "inferior", "posterior")


@dataclass(frozen=True)
class LimitingConstraint:
    """A limit that holds a tunnel: its value and the tunnel's own, and what one step less of it would gain.

    ``step`` (mm or degrees) and ``gain_fraction`` (of the lesion, by that step) are ``None``
    where it was not planned again, or where the limit may not give way.
    """

    key: str
    limit: float
    value: float
    unit: str
    step: float | None = None
    gain_fraction: float | None = None

    def part(self) -> HeldLimitPart:
        """As in ``plan.json``."""
        return HeldLimitPart(
            key=self.key, limit=finite(self.limit), value=finite(self.value), unit=self.unit,  # type: ignore[arg-type]
            step=self.step, gain_fraction=number(self.gain_fraction),
        )  # fmt: skip


def explanation(
    hip: Hip, spec: Spec, tunnels: Sequence[tuple[Tunnel, TunnelFigures]], index: int, *, gains: bool
) -> ExplanationPart:
    """One tunnel of a plan explained, as in ``plan.json``; with ``gains`` each limit's cost is measured (seconds)."""
    tunnel, figures = tunnels[index]
    limits = limiting_constraints(figures, spec)
    if gains and not violations(figures, spec):
        limits = _with_gains(hip, spec, [t for t, _ in tunnels], index, limits)
    near = nearest_walls(hip, tunnel, spec)
    return ExplanationPart(
        text=" ".join(_sentences(figures, near, limits, hip.lesion.volume_ml)),
        nearest=near,
        limits=[limit.part() for limit in limits],
    )


def limiting_constraints(figures: TunnelFigures, spec: Spec) -> list[LimitingConstraint]:
    """The limits that a tunnel nearly breaks: those it would break were they a little tighter."""
    found = []
    for key, row in RELAXABLE.items():
        limit = row.value(spec)
        if limit is None:
            continue
        tighter = _moved(spec, key, -row.sense * HOLDS[row.unit])
        if tighter is None:
            continue
        broken = [item for item in violations(figures, tighter) if item.key == key]
        already = any(item.key == key for item in violations(figures, spec))
        if broken and not already:
            found.append(LimitingConstraint(key, limit, float(broken[0].value), row.unit))
    return found


def nearest_walls(hip: Hip, tunnel: Tunnel, spec: Spec) -> list[WallPart]:
    """Where the tunnel comes nearest to the cortex beyond its portal, to the neck's, and to the joint.

    ``depth_mm`` is measured along the axis from the entry; ``where``: a quarter of the neck, or
    lateral of it. Right behind the portal the cortex is near by the portal's definition, so the
    neck's own stands beside it.
    """
    anatomy = hip.anatomy
    portal, mouth = portal_lengths(hip, tunnel, spec)
    if tunnel.shaped:
        # The pin that runs ahead has a margin of its own.
        surface = surface_of(hip, tunnel, portal, mouth)
        points = surface.points[~surface.pin]
        depth = (points - tunnel.entry) @ tunnel.direction
    else:
        points, depth = wall_and_end(anatomy, tunnel, (mouth, portal))
    clearance, proximal = hip.bone.distance(points), anatomy.proximal_of_head_plane(points)
    cortex = ~proximal & (depth >= portal)
    neck = cortex & ((points - anatomy.head_center) @ anatomy.neck_axis >= -NECK_END_RADII * anatomy.head_radius_mm)
    found = []
    walls: tuple[tuple[Wall, BoolArray], ...] = (
        ("cortex", cortex), ("neck", neck), ("joint", proximal & (depth >= mouth)),
    )  # fmt: skip
    for what, part in walls:
        rows = np.flatnonzero(part)
        if len(rows):
            row = rows[int(np.argmin(clearance[rows]))]
            found.append(
                WallPart(
                    what=what,
                    where="head" if what == "joint" else _where(hip, points[row]),
                    clearance_mm=finite(clearance[row]),
                    depth_mm=finite(min(float(depth[row]), tunnel.length_mm)),
                )
            )
    return found


def _where(hip: Hip, point: FloatArray) -> WallSide:
    """The quarter of the neck a point lies in, or ``lateral`` beyond the neck (contract §1)."""
    anatomy = hip.anatomy
    offset, axis = point - anatomy.head_center, anatomy.neck_axis
    along = float(offset @ axis)
    if along < -NECK_END_RADII * anatomy.head_radius_mm:
        return "lateral"
    up = anatomy.shaft_axis - (anatomy.shaft_axis @ axis) * axis
    front = anatomy.y_axis - (anatomy.y_axis @ axis) * axis
    across = offset - along * axis
    # Quarter turns from superior over anterior.
    angle = np.degrees(np.arctan2(across @ front / np.linalg.norm(front), across @ up / np.linalg.norm(up)))
    return QUARTERS[round(float(angle) / 90.0) % 4]


def _with_gains(
    hip: Hip, spec: Spec, tunnels: list[Tunnel], index: int, limits: list[LimitingConstraint]
) -> list[LimitingConstraint]:
    """Limits with what a step of each would gain: the tunnel planned again, the others where they are."""
    tunnel, others = tunnels[index], tunnels[:index] + tunnels[index + 1 :]
    held = np.zeros(len(hip.lesion.points_mm), dtype=bool)
    for other in others:
        held |= other.contains(hip.lesion.points_mm)
    rest = replace(hip, lesion=hip.lesion.kept(~held)) if others else hip
    share = float(np.mean(~held))

    def removed(relaxed: Spec) -> float:
        near = best_near(rest, relaxed, tunnel, reach_mm=REACH_MM, allowed=space_beside(hip, relaxed, tunnel, others))
        return 0.0 if near is None else near.figures.removed_fraction * share

    # The plan breaks ties for clearance, so that planned again it may remove a hair more.
    base = max(assess(rest, tunnel, spec).removed_fraction * share, removed(spec))
    result = []
    for limit in limits:
        way = RELAXABLE[limit.key].sense
        for step in STEPS[limit.unit]:
            relaxed = _moved(spec, limit.key, way * step)
            if relaxed is not None:
                limit = replace(limit, step=step, gain_fraction=max(removed(relaxed) - base, 0.0))
                break
        result.append(limit)
    return result


def space_beside(hip: Hip, spec: Spec, tunnel: Tunnel, others: list[Tunnel]) -> Any:
    """Which lines may stand beside the other tunnels of a set; ``None`` where there are none."""
    if not others:
        return None
    problem = build_problem(hip, spec)
    axis, first, second = problem.neck_frame
    entries, ways = np.stack([o.entry for o in others]), np.stack([o.direction for o in others])
    fixed = shapes_of(hip, spec, entries, ways, np.array([o.length_mm for o in others]))
    taken = fixed.neck_shares(hip.anatomy).sum()
    shares = [bool(np.linalg.norm(o.entry - tunnel.entry) <= SHARED_PORTAL_MM) for o in others]

    def allowed(lines: FloatArray, ends: FloatArray) -> BoolArray:
        way = axis + lines[:, 2:3] * first + lines[:, 3:4] * second
        way = way / np.linalg.norm(way, axis=1, keepdims=True)
        point = problem.neck_center + lines[:, :1] * first + lines[:, 1:2] * second
        shapes = shapes_of(hip, spec, point + ends[:, :1] * way, way, ends[:, 1] - ends[:, 0])
        good = np.ones(len(lines), dtype=bool)
        for k, share in enumerate(shares):
            good &= ~conflicts(shapes, fixed.take(slice(k, k + 1)), spec, sharing=share)
        if spec.neck_area_share_max is not None:
            good &= shapes.neck_shares(hip.anatomy) + taken <= spec.neck_area_share_max
        if spec.lateral_wall_share_max is not None:
            good &= shapes.wall_shares(hip.anatomy, fixed) <= spec.lateral_wall_share_max
        return good

    return allowed


def _moved(spec: Spec, key: str, amount: float) -> Spec | None:
    """The parameters with one limit moved, or ``None`` where its range ends."""
    try:
        return replace(spec, **{key: getattr(spec, key) + amount})
    except InputError:
        return None


def _sentences(
    figures: TunnelFigures, near: list[WallPart], limits: list[LimitingConstraint], volume_ml: float
) -> list[str]:
    place = [f"{figures.entry_above_lesser_trochanter_mm:.1f} mm above the lesser trochanter's level"]
    if figures.entry_below_greater_trochanter_mm is not None:
        place.append(f"{figures.entry_below_greater_trochanter_mm:.1f} mm below the greater trochanter's tip")
    if np.isfinite(figures.entry_anterior_mm):
        front = figures.entry_anterior_mm
        place.append(f"{abs(front):.1f} mm {'anterior' if front >= 0.0 else 'posterior'} to the mid-lateral line")
    tilt = figures.lateral_tilt_deg
    text = [
        f"Enters {', '.join(place)}.",
        f"Runs at {figures.ap_angle_deg:.0f}° to the shaft in the AP view and {abs(tilt):.0f}°"
        f" {'anterior' if tilt >= 0.0 else 'posterior'} in the lateral view, {figures.length_mm:.1f} mm to the tip.",
    ]
    for item in near:
        if item.what != "cortex":
            wall = "the joint" if item.what == "joint" else f"the neck's {item.where} cortex"
            depth = quantity(item.depth_mm, "{:.0f} mm")
            text.append(f"Nearest to {wall}: {quantity(item.clearance_mm)} mm, {depth} from the entry.")
    if figures.pin_clearance_mm is not None:
        text.append(f"The guide pin that runs ahead ends {figures.pin_clearance_mm:.1f} mm from the bone's surface.")
    if not limits:
        text.append("No limit of position or direction is reached: it ends where the necrosis ends.")
    idle = []
    for limit in sorted(limits, key=lambda item: -(item.gain_fraction or 0.0)):
        unit = UNITS[limit.unit]
        name = f"the {RELAXABLE[limit.key].name} ({limit.limit:g}{unit}, here {limit.value:.1f}{unit})"
        if limit.gain_fraction is None or limit.step is None:
            text.append(f"Limited by {name}.")
        elif limit.gain_fraction < NOTHING:
            idle.append(name)
        else:
            gain = f"{limit.gain_fraction:.1%} of the necrosis ({limit.gain_fraction * volume_ml:.2f} ml)"
            text.append(f"Limited by {name}: relaxed by {limit.step:g}{unit} it would gain {gain}.")
    if idle:
        text.append(f"Also at its limit, without gain if relaxed: {'; '.join(idle)}.")
    return text
