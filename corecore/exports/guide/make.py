"""From a plan's tunnels to a guide: seat, solid, lettering, and the measurements that let it pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from msgspec import Struct

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray, transform
from corecore.base.mesh import TriangleMesh
from corecore.document.stamp import Provenance
from corecore.exports.guide.body import (
    LETTERS_MM,
    Lettering,
    Sleeve,
    block_top_mm,
    lettered,
    plain_body,
    room_mm,
    sleeves_end_mm,
    stop_mm,
)
from corecore.exports.guide.check import bore_of, deepest_in_bone_mm, least_wall_mm, off_axis
from corecore.exports.guide.design import Design
from corecore.exports.guide.hold import Hold
from corecore.exports.guide.seat import Seat, find_seat, frame_at
from corecore.exports.guide.solids import to_mesh
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel

#: A pin as thick as an instrument's guide pin, within this, mm, is that pin.
PIN_ALIKE_MM = 0.051
#: What a finished guide may be off by: axis, mm and degrees, and depth in bone, mm (engineering choices: a tenth
#: of what a guided drill is off by in phantoms, 1.4 mm and 1.1°, doi:10.1186/s41205-024-00208-z).
AXIS_MM, AXIS_DEG, BONE_MM = 0.1, 0.1, 0.2
#: A bore's axis is measured over this part of the sleeve, from its top, mm.
MEASURED_MM = 1.0


@dataclass(frozen=True)
class SleeveFigures:
    """A sleeve as measured on the mesh.

    ``tunnel_mm``: from the entry to the drill's end. ``stop_mm``: length of drill from the sleeve's top to that end.
    Where the sleeve guides an instrument's own guide pin, the end is the pin's.
    """

    tunnel: int
    drill_mm: float
    bore_mm: float
    sleeve_mm: float
    tunnel_mm: float
    stop_mm: float
    guided_mm: float
    play_deg: float
    axis_off_mm: float
    axis_off_deg: float

    def rounded(self) -> SleeveFigures:
        """To 1e-4, as they are written."""
        measured = {name: round(float(value), 4) for name, value in vars(self).items()}
        return SleeveFigures(**{**measured, "tunnel": self.tunnel})  # type: ignore[arg-type]


class GuideFigures(Struct, frozen=True):
    """A guide as measured; slips are null where the seat holds without end."""

    sleeves: list[SleeveFigures]
    lettering: Lettering
    contact_mm2: float
    stability: float
    weakest: str
    slip_mm: float | None
    slip_deg: float | None
    least_wall_mm: float
    deepest_in_bone_mm: float
    volume_ml: float


@dataclass(frozen=True, eq=False)
class Guide:
    """A guide in world RAS mm with its figures; ``plain`` is the same without lettering: walls are measured on it."""

    mesh: TriangleMesh
    plain: TriangleMesh
    sleeves: tuple[SleeveFigures, ...]
    lettering: Lettering
    contact_mm2: float
    hold: Hold
    clearance_mm: float
    wall_mm: float
    bone_mm: float
    volume_ml: float

    @property
    def slip_mm(self) -> float:
        """How far the motion that the seat holds least goes before the clearance is used up, mm."""
        return self.clearance_mm / self.hold.closing if self.hold.closing > 0.0 else float("inf")

    @property
    def slip_deg(self) -> float:
        """The same in degrees where it is a turn; 0 where it is none."""
        return float(np.degrees(self.slip_mm / self.hold.turn_radius_mm))

    def figures(self) -> GuideFigures:
        """The figures as they are written."""
        return GuideFigures(
            sleeves=[sleeve.rounded() for sleeve in self.sleeves],
            lettering=replace(self.lettering, capital_mm=round(float(self.lettering.capital_mm), 2)),
            contact_mm2=round(float(self.contact_mm2), 1),
            stability=round(float(self.hold.stability), 4),
            weakest=self.hold.weakest,
            slip_mm=round(float(self.slip_mm), 2) if np.isfinite(self.slip_mm) else None,
            slip_deg=round(float(self.slip_deg), 2) if np.isfinite(self.slip_deg) else None,
            least_wall_mm=round(float(self.wall_mm), 3),
            deepest_in_bone_mm=round(float(self.bone_mm), 3),
            volume_ml=round(float(self.volume_ml), 2),
        )


def make_guide(
    hip: Hip, tunnels: Sequence[Tunnel], stamp: Provenance, design: Design, *, numbers: Sequence[int] | None = None
) -> Guide:
    """A guide for tunnels (local mm) of a hip.

    ``numbers`` are the tunnels' in the plan, 1 and up. Raises ``InputError`` where the lesser trochanter's level
    is assumed, where there is no stable seat, and where the finished guide is not as it must be: in one
    piece, closed, its walls thick enough, its bores on the tunnels' axes, outside the bone.
    """
    if hip.anatomy.sources["lesser_trochanter"] == "assumed":
        raise InputError(
            "the lesser trochanter is not in view and its level is assumed: no guide is made;"
            " --landmarks with its tip, and a plan made with it, are accepted",
            code="guide-needs-landmark",
        )
    numbers = list(numbers or range(1, len(tunnels) + 1))
    frame = frame_at(hip, tuple(tunnels), design)
    sleeves = [_sleeve(hip, frame, tunnel, n, design) for tunnel, n in zip(tunnels, numbers, strict=True)]
    # How many lines there will be settles how high the block is, and that how deep the drill's stop.
    lines = len(_text(stamp, sleeves, 0.0).front)

    def height(found: Seat) -> float:
        return block_top_mm(found, sleeves, design, lines)

    def letters(found: Seat) -> float:
        return sleeves_end_mm(sleeves, design, height(found)) + LETTERS_MM

    seat = find_seat(hip, frame, design, room_mm(sleeves, design), letters)
    top = height(seat)
    stop = stop_mm(sleeves, design, top)
    body = plain_body(seat, sleeves, design, top)
    wall = least_wall_mm(body)
    if wall < design.wall_min_mm:
        raise InputError(
            f"the guide's thinnest wall is {wall:.2f} mm; {design.wall_min_mm:g} mm (wall_min_mm) and more are"
            " accepted: a guide for one tunnel (--tunnel N), thinner pins (--pin) or a larger sleeve_wall_mm may do",
            code="guide-unbuildable",
        )
    solid, text = lettered(body, seat, sleeves, design, top, _text(stamp, sleeves, stop))
    deepest = deepest_in_bone_mm(solid, seat.world_from_seat, hip)
    if deepest > BONE_MM:
        raise InputError(
            f"the guide would reach {deepest:.2f} mm into the bone; {BONE_MM:g} mm at most are accepted",
            code="guide-unbuildable",
        )
    mesh = _snapped(solid, seat)
    figures = tuple(
        _measured(mesh, hip, tunnel, sleeve, stop - sleeve.tunnel_mm, design)
        for tunnel, sleeve in zip(tunnels, sleeves, strict=True)
    )
    plain = to_mesh(body).transformed(seat.world_from_seat)
    return Guide(
        mesh, plain, figures, text, seat.contact_mm2, seat.hold, design.clearance_mm, wall, deepest, mesh.volume_ml
    )


def _sleeve(hip: Hip, frame: FloatArray, tunnel: Tunnel, number: int, design: Design) -> Sleeve:
    seat_from_local = np.linalg.inv(frame) @ hip.world_from_local
    outward = seat_from_local[:3, :3] @ -tunnel.direction
    drill = tunnel.diameter_mm if design.pin_mm is None else design.pin_mm
    if drill > tunnel.diameter_mm:
        raise InputError(
            f"pin_mm = {drill:g} is wider than tunnel {number} ({tunnel.diameter_mm:g} mm); a thinner pin is accepted",
            code="guide-size",
        )
    normal = hip.bone.mouth_normal(tunnel.entry)[0]
    sine = min(abs(float(normal @ tunnel.direction)), float(outward[2]))
    if sine < 0.3:
        raise InputError(
            f"tunnel {number} meets the seat at {np.degrees(np.arcsin(max(sine, 0.0))):.0f}°;"
            " 18° and more are accepted",
            code="guide-unbuildable",
        )
    entry = transform(seat_from_local, tunnel.entry)
    return Sleeve(number, entry, outward, drill + design.play_mm, drill, sine, _reach_mm(tunnel, design))


def _reach_mm(tunnel: Tunnel, design: Design) -> float:
    """From the entry to where what the sleeve guides ends: the instrument's tip, or the guide pin that runs ahead."""
    one = tunnel.instrument
    pin = one is not None and design.pin_mm is not None and abs(design.pin_mm - one.pin_diameter_mm) < PIN_ALIKE_MM
    return tunnel.length_mm + (one.pin_overshoot_mm if pin and one is not None else 0.0)


def _text(stamp: Provenance, sleeves: Sequence[Sleeve], stop_mm: float) -> Lettering:
    """What is engraved."""
    case = stamp.case_id if len(stamp.case_id) <= 28 else stamp.case_id[:27] + "~"
    front = [case, f"{stamp.side.upper()} {stamp.plan_hash}"]
    if stamp.imaged:
        front.append(f"IMAGED {stamp.imaged}")
    if stamp.violations:
        front.append("LIMITS EXCEEDED, ACCEPTED")
    drills = " / ".join(f"{drill:g}" for drill in sorted({sleeve.drill_mm for sleeve in sleeves}))
    front.append(f"DRILL {drills} STOP {stop_mm:.4g}")
    return Lettering((f"{stamp.side.upper()} ↑", stamp.plan_hash), tuple(front))


def _snapped(solid: Any, seat: Seat) -> TriangleMesh:
    """The solid in world RAS mm, its points where single precision can put them, still closed.

    A file holds single precision: points that fall together there must be one point here.
    """
    mesh = to_mesh(solid.simplify(1e-3)).transformed(seat.world_from_seat)
    points = mesh.points_mm.astype(np.float32).astype(np.float64)
    kept, renamed = np.unique(points, axis=0, return_inverse=True)
    triangles = renamed.reshape(-1)[mesh.triangles]
    a, b, c = triangles.T
    result = TriangleMesh(kept, triangles[(a != b) & (b != c) & (a != c)])
    if not result.is_closed or result.volume_ml <= 0.0:
        raise InputError(
            "the finished guide is not watertight; another guided_mm or plate_mm may be", code="guide-unbuildable"
        )
    return result


def _measured(
    mesh: TriangleMesh, hip: Hip, tunnel: Tunnel, sleeve: Sleeve, top_mm: float, design: Design
) -> SleeveFigures:
    entry, tip = hip.to_world(tunnel.entry), hip.to_world(tunnel.tip)
    outward = (entry - tip) / np.linalg.norm(entry - tip)
    hollow = sleeve.hollow_mm(design)
    point, axis, radius = bore_of(
        mesh, entry, outward, sleeve.bore_mm / 2.0, hollow + MEASURED_MM, top_mm - MEASURED_MM
    )
    off_mm, off_deg = off_axis(point, axis, entry, tip)
    if off_mm > AXIS_MM or off_deg > AXIS_DEG:
        raise InputError(
            f"sleeve {sleeve.number} came out {off_mm:.2f} mm and {off_deg:.2f}° off its tunnel;"
            f" {AXIS_MM:g} mm and {AXIS_DEG:g}° are accepted",
            code="guide-unbuildable",
        )
    ends = (mesh.points_mm - entry) @ outward
    beside = np.linalg.norm(mesh.points_mm - entry - ends[:, None] * outward, axis=1)
    measured_top = float(ends[beside < sleeve.outer_mm(design) + 0.1].max())
    guided = measured_top - hollow
    return SleeveFigures(
        sleeve.number, sleeve.drill_mm, 2.0 * radius, measured_top, sleeve.tunnel_mm,
        measured_top + sleeve.tunnel_mm, guided,
        float(np.degrees(np.arctan2(2.0 * radius - sleeve.drill_mm, guided))), off_mm, off_deg,
    )  # fmt: skip
