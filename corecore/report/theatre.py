"""What the theatre needs beside the figures: header, state of the signature, instruments in order, leg and C-arm."""

from __future__ import annotations

from typing import Literal

import numpy as np
from msgspec import Struct

from corecore.base.grid import FloatArray
from corecore.base.language import later, say
from corecore.document.fields import known
from corecore.document.text import one_line
from corecore.hip.anatomy.frame import ANTEVERSION_RANGE_DEG
from corecore.report.scene import DrawnTunnel, Scene

#: A line to fill in by hand.
BLANK = "____________________"

AIM_NOTE = later(
    "Supine, shaft level, from neutral: femoral condyles parallel to the floor. Rotation about the shaft axis, in the"
    " femoral frame. Turn the leg or the detector, not both; the AP view then shows the tunnel at its full length."
)
#: Said where the angles have a range.
RANGE_NOTE = later("In brackets: what the uncertain femoral frame leaves open.")


class Signature(Struct, frozen=True):
    """Whether the plan is signed, in words."""

    state: Literal["signed", "unsigned", "lapsed"]
    words: str


class Header(Struct, frozen=True):
    """Who operates, when, and whose plan it is; a blank line where it is not given."""

    surgeon: str
    operation: str
    signature: Signature


class Instruments(Struct, frozen=True):
    """What one tunnel is drilled with, in the order of use: what it is, and how deep it goes from the entry."""

    tunnel: int
    steps: list[tuple[str, str]]


class Aim(Struct, frozen=True):
    """How leg or C-arm stand for one tunnel."""

    tunnel: int
    leg: str
    c_arm: str


def header(scene: Scene) -> Header:
    """The fields of the header that a plan may leave to be filled in."""
    case = scene.plan.case
    return Header(
        one_line(known(case.surgeon) or "", 64) or BLANK,
        one_line(known(case.operation_date) or "", 20) or BLANK,
        signature(scene),
    )


def signature(scene: Scene) -> Signature:
    """Signed, unsigned, or signed once and changed since."""
    review = known(scene.plan.review)
    if review is None:
        return Signature("unsigned", say("UNSIGNED"))
    if review.signed is not None:
        who = _who(review.signed.name, review.signed.day)
        if scene.edited:
            return Signature("lapsed", say("SIGNATURE LAPSED ({who}): the file was edited since", who=who))
        return Signature("signed", say("SIGNED by {who}", who=who))
    lapsed = known(review.lapsed)
    if lapsed is not None:
        who = _who(lapsed.name, lapsed.day)
        return Signature("lapsed", say("SIGNATURE LAPSED ({who}): the plan changed since", who=who))
    return Signature("unsigned", say("UNSIGNED"))


def _who(name: str, day: str) -> str:
    return f"{one_line(name, 64)}, {one_line(day, 20)}"


def instruments(scene: Scene) -> list[Instruments]:
    """Pin, drill or reamer, cavity, and stop of each tunnel, in the order of use."""
    rows = []
    for number, tunnel in enumerate(scene.tunnels, start=1):
        kept = known(getattr(tunnel.figures, "kept", None))
        told = [(say("Existing tunnel: not drilled"), _mm(tunnel.length_mm))] if kept else _steps(tunnel)
        rows.append(Instruments(number, told))
    return rows


def _steps(tunnel: DrawnTunnel) -> list[tuple[str, str]]:
    one, length = tunnel.instrument, tunnel.length_mm
    told = []
    if one is not None and one.pin_diameter_mm:
        ahead = one.pin_overshoot_mm
        beyond = say(", {ahead:g} mm beyond the tip", ahead=ahead) if ahead else ""
        pin = say("Guide pin ⌀ {width:g} mm", width=one.pin_diameter_mm)
        told.append((pin + beyond, _mm(length + ahead)))
    name = say("Drill") if one is None or one.plain else one_line(one.title, 60)
    tip = ""
    if one is not None and one.tip != "flat":
        tip = ", " + (say("round tip") if one.tip == "round" else say("{angle:g}° point", angle=one.tip_angle_deg))
    told.append((f"{name} ⌀ {tunnel.diameter_mm:g} mm{tip}", _mm(length)))
    if tunnel.cavity_diameter_mm:
        told.append(
            (
                say(
                    "Expand to ⌀ {width:g} mm over the last {length:g} mm",
                    width=tunnel.cavity_diameter_mm,
                    length=tunnel.cavity_length_mm,
                ),
                _mm(length),
            )
        )
    told.append(
        (say("Depth stop") if one is not None and one.depth_stop else say("Stop (mark or measure)"), _mm(length))
    )
    return told


def _mm(length: float) -> str:
    """A depth that no line ends in."""
    return f"{length:.1f}\u00a0mm"


def leg_rotation_deg(scene: Scene, direction: FloatArray) -> float | None:
    """Rotation of the leg that lays a direction (3,) level, degrees, internal positive; ``None`` along the shaft.

    Supine with the shaft level, the floor is the femur's own coronal plane, across ``anterior``. In the axial plane
    the tunnel's projection leaves the medial direction by atan2(anterior, medial part): the leg is rotated about
    the shaft by that angle, inward where the tunnel runs forward. The same angle lays the neck level where the
    tunnel runs along it: it is the neck's anteversion.
    """
    forward, medial = float(direction @ scene.anterior), -float(direction @ scene.lateral)
    if np.hypot(forward, medial) < 1e-6:
        return None
    return float(np.degrees(np.arctan2(forward, medial)))


def aims(scene: Scene) -> list[Aim]:
    """Leg and C-arm of each tunnel: either the one or the other, from the neutral position."""
    rows = []
    for number, tunnel in enumerate(scene.tunnels, start=1):
        angle = leg_rotation_deg(scene, tunnel.direction)
        if angle is None:
            continue
        ends = _ends(scene, tunnel.direction, angle)
        # The leg turned inward shows the tunnel as the detector does that is turned outward.
        rows.append(
            Aim(
                number,
                _turn(angle, ends, say("internal"), say("external")),
                _turn(angle, ends, say("lateral"), say("medial")),
            )
        )
    return rows


def _ends(scene: Scene, direction: FloatArray, angle: float) -> tuple[float, float] | None:
    """Least and greatest rotation that an uncertain femoral frame leaves; ``None`` where it is known."""
    anatomy = scene.plan.anatomy
    turn = ANTEVERSION_RANGE_DEG if known(anatomy.sources.x_axis) == "neck" else 0.0
    tilt = np.radians(known(anatomy.shaft_range_deg) or 0.0)
    if not turn and not tilt:
        return None
    # A shaft that lies otherwise by ``tilt`` takes the tunnel's proximal part forward or back, in or out.
    way = np.linspace(0.0, 2.0 * np.pi, 25)
    up = float(direction @ scene.proximal)
    forward = float(direction @ scene.anterior) + np.sin(tilt) * np.cos(way) * up
    medial = -float(direction @ scene.lateral) + np.sin(tilt) * np.sin(way) * up
    change = (np.degrees(np.arctan2(forward, medial)) - angle + 180.0) % 360.0 - 180.0
    return angle + float(change.min()) - turn, angle + float(change.max()) + turn


def _turn(angle: float, ends: tuple[float, float] | None, plus: str, minus: str) -> str:
    words = _side(angle, plus, minus)
    if ends is None:
        return words
    low, high = (_side(end, plus, minus) for end in ends)
    one_way = low.partition(" ")[2] == high.partition(" ")[2]
    low, high = (low.partition(" ")[0], high.partition(" ")[0]) if one_way else (low, high)
    # Of two angles to one side the smaller stands first.
    if one_way and angle < 0.0:
        low, high = high, low
    return say("{value} ({low} to {high})", value=words, low=low, high=high)


def _side(angle: float, plus: str, minus: str) -> str:
    shown = round(angle)
    return "0°" if shown == 0 else f"{abs(shown)}° {plus if shown > 0 else minus}"
