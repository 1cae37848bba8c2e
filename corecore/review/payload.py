"""What the page is told of a session: figures first, then slices, films and the scene to turn."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from corecore.base.grid import FloatArray
from corecore.base.language import say
from corecore.base.limits import LIMITS
from corecore.base.notice import notice_caption
from corecore.document.fields import known
from corecore.document.numbers import finite
from corecore.document.plan import ViolationPart
from corecore.document.text import UNKNOWN
from corecore.report import captions
from corecore.report.fluoroscopy import fluoroscopy
from corecore.report.limits import bound_text
from corecore.report.page import scene_data
from corecore.report.pictures.bodies import darker
from corecore.report.report_content import judged_content, report_content
from corecore.report.slices import DRAFT_PIXEL_MM, PIXEL_MM, UNITS_PER_MM, Plane, slices
from corecore.review import comparison
from corecore.review.model import ReviewModel
from corecore.review.protocol import (
    Beside,
    CaseDetails,
    Figures,
    Film,
    SetSummary,
    Signed,
    Slice,
    SlicePlace,
    Space,
    StandingLine,
    Tunnel,
    TunnelColors,
)
from corecore.review.session import Line, Session

#: A tunnel's edge in space, as dark against its face as on the preview page.
EDGE_SHADE = 0.6


def about(desk: ReviewModel) -> CaseDetails:
    """What no step changes: whose hip, which plan, its warnings."""
    content = report_content(desk.scene)
    return CaseDetails(
        side=content.side,
        hip=content.hip,
        id=content.id,
        imaged=content.imaged,
        warnings=content.warnings,
        notice=notice_caption(),
        plan=desk.scene.hash,
        sets=[name for name, _ in desk.sets],
    )


def figures(desk: ReviewModel, session: Session, *, against: int | None = None) -> Figures:
    """Where the session stands, its tunnels on the bone, and every figure against its limit.

    ``against``: also beside which of ``Desk.sets``. Raises ``InputError`` where a line is no tunnel.
    """
    scene = desk.shown(session.lines)
    own = [captions.color_of(scene, number) for number in range(len(scene.tunnels))]
    judged = judged_content(scene)
    beside = None
    if against is not None and session.lines:
        name, lines = desk.sets[against]
        beside = Beside(against, name, _bores(desk, lines), comparison.compared(desk, session.lines, lines))
    return Figures(
        **msgspec.structs.asdict(judged),
        rev=session.rev,
        seq=None,
        selected=session.selected,
        lines=[StandingLine(list(line.entry), list(line.tip), line.diameter_mm) for line in session.lines],
        tunnels=_bores(desk, session.lines),
        undo=bool(session.past),
        redo=bool(session.future),
        accepted=session.accepted,
        signed=None if session.signed is None else Signed(session.signed.name, session.signed.day),
        notes=session.notes,
        colors=[TunnelColors(color, darker(color, EDGE_SHADE)) for color in own],
        against=beside,
        preview=False,
    )


def cuts(desk: ReviewModel, session: Session, *, draft: bool = False) -> list[Slice]:
    """The three slices along the selected tunnel; a ``draft`` has coarser pixels, for as long as a hand moves it.

    Those along the tunnel say where its ends are drawn and which way a pixel of the drawing lies in the patient.
    """
    pixel_mm = DRAFT_PIXEL_MM if draft else PIXEL_MM
    scene = desk.shown(session.lines)
    found = slices(scene, desk.tissue, session.selected, pixel_mm=pixel_mm)
    if found is None:
        return []
    tunnel = scene.tunnels[found.number - 1]
    places = [_place(plane, tunnel.entry, tunnel.tip) for plane in found.planes] + [None]
    return [
        Slice(str(drawing), words, place, found.number - 1)
        for (drawing, words), place in zip(found.drawings, places, strict=True)
    ]


def films(desk: ReviewModel, session: Session) -> list[Film]:
    """The simulated fluoroscopy of a session."""
    return [
        Film(film.arm.title, ". ".join([film.stance, *film.caption]), str(film.drawing))
        for film in fluoroscopy(desk.shown(session.lines), desk.tissue)
    ]


def now(desk: ReviewModel, session: Session) -> SetSummary | None:
    """What stands, as a line of that table; ``None`` without a tunnel."""
    return comparison.row(desk, say("current plan"), session.lines) if session.lines else None


def breaks(desk: ReviewModel, session: Session) -> list[str]:
    """Every limit that the tunnels break, in a surgeon's words."""
    return [_broken(item) for item in desk.broken(desk.drilled(session.lines))]


def _broken(item: ViolationPart) -> str:
    number = known(item.tunnel)
    where = "" if number is None else say("Tunnel {number}: ", number=number)
    limit = LIMITS.get(str(item.key))
    if limit is None or item.key == "misses_lesion":
        return where + (say("misses the necrosis") if limit else str(item.key))
    value, bound = (_measure(known(one), limit.unit) for one in (item.value, item.limit))
    return f"{where}{say(limit.figure_name)}: {value}, {bound_text(bound, at_least=limit.at_least)}"


def _measure(value: float | None, unit: str) -> str:
    if value is None:
        return UNKNOWN
    return {"mm": f"{value:.1f} mm", "deg": f"{value:.0f}°", "share": f"{100 * value:.1f} %"}.get(unit, f"{value:g}")


def space(desk: ReviewModel) -> Space:
    """Bone, lesion and axes to turn, about the head's centre; the tunnels come with each answer."""
    told = msgspec.structs.asdict(scene_data(desk.scene, tunnels=False))
    return Space(origin=_numbers(desk.scene.head_center), **told)


def _bores(desk: ReviewModel, lines: Sequence[Line]) -> list[Tunnel]:
    """The tunnels as they lie in the bone, RAS mm."""
    return [
        Tunnel(
            _numbers(desk.hip.to_world(tunnel.entry)), _numbers(desk.hip.to_world(tunnel.tip)), tunnel.diameter_mm,
            tunnel.cavity_diameter_mm, tunnel.cavity_length_mm,
        )
        for tunnel, _ in desk.drilled(lines)
    ]  # fmt: skip


def _place(plane: Plane, entry: FloatArray, tip: FloatArray) -> SlicePlace:
    entry_at, tip_at = ([round(float(c), 2) for c in end] for end in plane.place([entry, tip]))
    return SlicePlace(entry_at, tip_at, _numbers(plane.right), _numbers(plane.up), UNITS_PER_MM)


def _numbers(values: FloatArray) -> list[float]:
    return [finite(c) for c in values]
