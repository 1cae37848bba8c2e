"""What the page is told of a session, as plain data: figures first, then slices, films and the scene to turn."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from corecore.document.numbers import number
from corecore.report.fluoroscopy import fluoroscopy
from corecore.report.page import scene_data
from corecore.report.pictures.bodies import darker, tunnel_color
from corecore.report.report_content import judged_content, report_content
from corecore.report.slices import DRAFT_PIXEL_MM, PIXEL_MM, UNITS_PER_MM, Plane, slices
from corecore.review import comparison
from corecore.review.model import ReviewModel
from corecore.review.session import Line, Session

#: A tunnel's edge in space, as dark against its face as on the preview page.
EDGE_SHADE = 0.6


def about(desk: ReviewModel) -> dict[str, Any]:
    """What no step changes: whose hip, which plan, its warnings."""
    content = to_builtins(report_content(desk.scene))
    told = {key: content[key] for key in ("side", "id", "imaged", "warnings", "notice")}
    return {**told, "plan": desk.scene.hash, "sets": [name for name, _ in desk.sets]}


def figures(desk: ReviewModel, session: Session, *, against: int | None = None) -> dict[str, Any]:
    """Where the session stands, its tunnels on the bone, and every figure against its limit.

    ``against``: also beside which of ``Desk.sets``. Raises ``InputError`` where a line is no tunnel.
    """
    scene = desk.shown(session.lines)
    color = tunnel_color(scene)
    found: dict[str, Any] = {
        "rev": session.rev,
        "selected": session.selected,
        "lines": [_bare(line) for line in session.lines],
        "tunnels": _bores(desk, session.lines),
        "undo": bool(session.past),
        "redo": bool(session.future),
        "accepted": session.accepted,
        "signed": None if session.signed is None else {"name": session.signed.name, "day": session.signed.day},
        "notes": session.notes,
        **to_builtins(judged_content(scene)),
        "color": {"face": color, "edge": darker(color, EDGE_SHADE)},
        "against": None,
    }
    if against is not None and session.lines:
        name, lines = desk.sets[against]
        found["against"] = {
            "which": against,
            "name": name,
            "tunnels": _bores(desk, lines),
            "rows": comparison.compared(desk, session.lines, lines),
        }
    return found


def cuts(desk: ReviewModel, session: Session, *, draft: bool = False) -> list[dict[str, Any]]:
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
        {"svg": str(drawing), "caption": words, "place": place, "tunnel": found.number - 1}
        for (drawing, words), place in zip(found.drawings, places, strict=True)
    ]


def films(desk: ReviewModel, session: Session) -> list[dict[str, str]]:
    """The simulated fluoroscopy of a session."""
    return [
        {"title": film.arm.title, "words": ". ".join([film.stance, *film.caption]), "svg": str(film.drawing)}
        for film in fluoroscopy(desk.shown(session.lines), desk.tissue)
    ]


def now(desk: ReviewModel, session: Session) -> dict[str, Any] | None:
    """What stands, as a line of that table; ``None`` without a tunnel."""
    return comparison.row(desk, "as it stands", session.lines) if session.lines else None


def space(desk: ReviewModel) -> dict[str, Any]:
    """Bone, lesion and axes to turn, about the head's centre; the tunnels come with each answer."""
    return {"origin": [number(c) for c in desk.scene.head_center], **to_builtins(scene_data(desk.scene, tunnels=False))}


def _bare(line: Line) -> dict[str, Any]:
    return {"entry": line.entry, "tip": line.tip, "diameter_mm": line.diameter_mm}


def _bores(desk: ReviewModel, lines: tuple[Line, ...]) -> list[dict[str, Any]]:
    """The tunnels as they lie in the bone, RAS mm."""
    return [
        {
            "entry": [number(c) for c in desk.hip.to_world(tunnel.entry)],
            "tip": [number(c) for c in desk.hip.to_world(tunnel.tip)],
            "diameter_mm": tunnel.diameter_mm,
            "cavity_diameter_mm": tunnel.cavity_diameter_mm,
            "cavity_length_mm": tunnel.cavity_length_mm,
        }
        for tunnel, _ in desk.drilled(lines)
    ]


def _place(plane: Plane, entry: Any, tip: Any) -> dict[str, Any]:
    ends = plane.place([entry, tip])
    return {
        "entry": [round(float(c), 2) for c in ends[0]],
        "tip": [round(float(c), 2) for c in ends[1]],
        "right": [number(c) for c in plane.right],
        "up": [number(c) for c in plane.up],
        "units_per_mm": UNITS_PER_MM,
    }
