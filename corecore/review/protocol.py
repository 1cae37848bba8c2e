"""What the page and the planner say to each other: one type a message, from which the page's own types are made.

``ENDPOINTS`` is the table of what may be asked. ``python -m corecore.review.protocol`` writes its JSON Schema anew;
``npm run types`` in ``web/`` makes TypeScript of that.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, cast

import msgspec
from msgspec import Meta

from corecore.base.errors import InputError
from corecore.base.input_file import parsed_json, short
from corecore.document.fields import Part, Vector
from corecore.document.misfit import misfit_of
from corecore.document.schema import SchemaNode
from corecore.report.page import Body, BodyAxes, Label, Marker, Polyline, View
from corecore.report.report_content import Judged, Warnings
from corecore.review import case_messages, session
from corecore.review.session import End, Point

SCHEMA_FILE = Path(__file__).with_name("protocol.schema.json")
#: Longer than any coordinate or step can be, mm (engineering choice).
FAR_MM = 1e6
Length = Annotated[float, Meta(ge=-FAR_MM, le=FAR_MM)]
Place = Annotated[list[Length], Meta(min_length=3, max_length=3)]
#: Units of a drawing.
Pixels = Annotated[list[float], Meta(min_length=2, max_length=2)]

#: A page's own name, drawn by chance each time that it is opened.
PageName = Annotated[str, Meta(max_length=64)]

T = TypeVar("T", bound=Part)


# ---- what the page asks ----
class Asked(Part, frozen=True, kw_only=True):
    """What every question may hold: the page's own count of it, and which set is to be shown beside what stands."""

    seq: int | None = None
    against: int | None = None
    page: PageName = ""


class Look(Asked, frozen=True, kw_only=True):
    """What stands. ``take``: to write here from now on, in place of another page."""

    rev: int | None = None
    take: bool = False


class Watch(Part, frozen=True, kw_only=True):
    """Whether anything has changed; ``leave``: the page is closed."""

    page: PageName
    leave: bool = False


class Nothing(Part, frozen=True):
    """A question without words."""


class Preview(Asked, frozen=True, kw_only=True):
    """A tunnel where a hand holds it, world RAS mm; ``rev``: the step that it was dragged from."""

    rev: int
    tunnel: int
    entry: Place
    tip: Place


class Cuts(Part, frozen=True, kw_only=True):
    """The slices: of what stands, or of a tunnel where a hand holds it (all four of the last)."""

    draft: bool = False
    seq: int | None = None
    rev: int | None = None
    tunnel: int | None = None
    entry: Place | None = None
    tip: Place | None = None


class Step(Asked, frozen=True, kw_only=True, tag_field="do"):
    """A command, made for a step of the session."""

    rev: int


class MoveStep(Step, frozen=True, kw_only=True, tag="move"):
    """Put a tunnel somewhere."""

    tunnel: int
    entry: Place
    tip: Place


class NudgeStep(Step, frozen=True, kw_only=True, tag="nudge"):
    """Move an end, or both, along the tunnel's own axes, mm."""

    tunnel: int
    end: End
    inward: Length = 0.0
    up: Length = 0.0
    front: Length = 0.0


class AddStep(Step, frozen=True, kw_only=True, tag="add"):
    """One more tunnel."""

    entry: Place
    tip: Place
    diameter: Length


class ResizeStep(Step, frozen=True, kw_only=True, tag="resize"):
    """Another drill."""

    tunnel: int
    diameter: Length


class RemoveStep(Step, frozen=True, kw_only=True, tag="remove"):
    """One tunnel less."""

    tunnel: int


class SelectStep(Step, frozen=True, kw_only=True, tag="select"):
    """Look at a tunnel."""

    tunnel: int


class SnapStep(Step, frozen=True, kw_only=True, tag="snap"):
    """To the best tunnel nearby."""

    tunnel: int


class TakeStep(Step, frozen=True, kw_only=True, tag="take"):
    """The plan's tunnels, or an alternative's."""

    which: int


class UndoStep(Step, frozen=True, kw_only=True, tag="undo"):
    """One step back."""


class RedoStep(Step, frozen=True, kw_only=True, tag="redo"):
    """One step forward again."""


class AcceptStep(Step, frozen=True, kw_only=True, tag="accept"):
    """Accept broken limits, with a reason."""

    reason: str


class NoteStep(Step, frozen=True, kw_only=True, tag="note"):
    """Other notes."""

    text: str


class Shown(Part, frozen=True, kw_only=True):
    """The steps that figures and pictures on the page are of.

    ``None``: of none, or of a tunnel where a hand held it; of ``space``, that the page has no scene.
    """

    figures: int | None
    slices: int | None
    films: int | None
    space: int | None


class SignStep(Step, frozen=True, kw_only=True, tag="sign"):
    """Sign for what stands; the side is typed."""

    name: str
    side: str
    shown: Shown


AnyStep = (
    MoveStep | NudgeStep | AddStep | ResizeStep | RemoveStep | SelectStep | SnapStep | TakeStep | UndoStep | RedoStep
    | AcceptStep | NoteStep | SignStep
)  # fmt: skip
STEPS: Final[dict[str, type[Step]]] = {str(kind.__struct_config__.tag): kind for kind in AnyStep.__args__}


class Save(Part, frozen=True, kw_only=True):
    """Save what stands at a step; ``broken``: also where it breaks limits, having been asked."""

    rev: int
    page: PageName = ""
    broken: bool = False


# ---- what the planner answers ----
class StandingLine(Part, frozen=True):
    """A tunnel as it is moved about: its entry need not lie on the bone."""

    entry: Vector
    tip: Vector
    diameter_mm: float


class Tunnel(StandingLine, frozen=True):
    """A tunnel as it lies in the bone; without a cavity both of its sizes are 0."""

    cavity_diameter_mm: float
    cavity_length_mm: float


class Signed(Part, frozen=True):
    """Who signed, and when."""

    name: str
    day: str


class TunnelColors(Part, frozen=True):
    """A tunnel's face and its edge in space."""

    face: str
    edge: str


class Beside(Part, frozen=True):
    """Another set beside what stands; rows: name, here, there, difference."""

    which: int
    name: str
    tunnels: list[Tunnel]
    rows: list[list[str]]


class Figures(Judged, frozen=True, kw_only=True):
    """Where the session stands, and every figure of its tunnels.

    ``preview``: of a tunnel that is being dragged, the session stays as it was.
    """

    rev: int
    seq: int | None
    selected: int | None
    lines: list[StandingLine]
    tunnels: list[Tunnel]
    undo: bool
    redo: bool
    accepted: str | None
    signed: Signed | None
    notes: str
    colors: list[TunnelColors]
    against: Beside | None
    preview: bool


class CaseDetails(Part, frozen=True):
    """What no step changes; ``plan``: its hash, ``sets``: names in the order that ``take`` and ``against`` count.

    ``hip``: the side in the page's language.
    """

    side: str
    hip: str
    id: str
    imaged: str
    warnings: Warnings
    notice: str
    plan: str
    sets: list[str]


class Permission(Part, frozen=True):
    """Whether a page may write, and why not; ``may_take``: it can be made the one that does."""

    state: Literal["writes", "other_page", "other_server", "replaced", "ended"]
    words: str
    may_take: bool


class Watched(Part, frozen=True):
    """Where the session stands."""

    rev: int
    permission: Permission


class ReviewState(Figures, frozen=True, kw_only=True):
    """All of it."""

    case: CaseDetails
    permission: Permission


class SlicePlace(Part, frozen=True):
    """How a slice's plane lies in the patient; ends in units of the drawing."""

    entry: Pixels
    tip: Pixels
    right: Vector
    up: Vector
    units_per_mm: float


class Slice(Part, frozen=True):
    """One of the three slices along a tunnel; the one across it has no place."""

    svg: str
    caption: str
    place: SlicePlace | None
    tunnel: int


class Slices(Part, frozen=True):
    """The slices of a step; ``rev`` is ``None`` for a tunnel where a hand holds it."""

    rev: int | None
    seq: int | None
    slices: list[Slice]


class Film(Part, frozen=True):
    """A simulated fluoroscopic view."""

    title: str
    words: str
    svg: str


class SetSummary(Part, frozen=True):
    """What a set of tunnels does, as it is printed; ``share``: of the lesion, to rank by."""

    name: str
    share: float
    removes: str
    room: str
    held: str
    risk: str
    keeps: bool


class RankedSet(SetSummary, frozen=True, kw_only=True):
    """A set that may be taken."""

    which: int


class Films(Part, frozen=True):
    """The films of a step, and what stands as a line of the ranked table; ``None`` without a tunnel."""

    rev: int
    films: list[Film]
    now: SetSummary | None


class Ranked(Part, frozen=True):
    """What may be taken instead, best first."""

    rows: list[RankedSet]


class Space(Part, frozen=True):
    """What the tunnels lie in, mm about ``origin``, the head's centre in world RAS mm."""

    origin: Vector
    axes: BodyAxes
    bodies: list[Body]
    lines: list[Polyline]
    markers: list[Marker]
    labels: list[Label]
    views: list[View]


class Written(Part, frozen=True):
    """Where the reviewed plan is; or the limits that it breaks, which are to be confirmed first."""

    rev: int
    written: str | None
    breaks: list[str]


#: Where commands go: each has a type of its own.
COMMANDS: Final = "/api/do"
#: What may be asked of the review of a plan, by path: the question's type and the answer's.
OF_A_REVIEW: Final[dict[str, tuple[Any, type[Part]]]] = {
    "/api/look": (Look, ReviewState),
    COMMANDS: (AnyStep, Figures),
    "/api/preview": (Preview, Figures),
    "/api/slices": (Cuts, Slices),
    "/api/films": (Nothing, Films),
    "/api/ranked": (Nothing, Ranked),
    "/api/scene": (Nothing, Space),
    "/api/write": (Save, Written),
    "/api/watch": (Watch, Watched),
    "/api/hand-over": (case_messages.HandOver, case_messages.HandedOver),
}
#: The same of the cases of a user.
OF_CASES: Final[dict[str, tuple[Any, type[Part]]]] = {
    "/api/welcome": (Nothing, case_messages.Welcome),
    "/api/browse": (case_messages.Browse, case_messages.Browsed),
    "/api/begin": (case_messages.Begin, case_messages.Begun),
    "/api/rename": (case_messages.Rename, case_messages.Begun),
    "/api/contents": (case_messages.CaseAsked, case_messages.CaseContents),
    "/api/picture": (case_messages.Picture, case_messages.Thumbnail),
    "/api/check": (case_messages.Check, case_messages.Checked),
    "/api/settings": (case_messages.CaseAsked, case_messages.Settings),
    "/api/plan": (case_messages.MakePlan, case_messages.JobState),
    "/api/job": (case_messages.CaseAsked, case_messages.JobState),
    "/api/cancel": (case_messages.JobAsked, case_messages.JobState),
    "/api/keep": (case_messages.JobAsked, case_messages.Opened),
    "/api/open-plan": (case_messages.OpenPlan, case_messages.Opened),
    "/api/end": (Nothing, case_messages.Ended),
}
#: The volume of a case: what is answered is bytes, this before them.
VOLUME: Final = "/api/volume"
OF_VOLUMES: Final[dict[str, tuple[Any, type[Part]]]] = {
    VOLUME: (case_messages.CaseAsked, case_messages.VolumeHeader),
}
#: What is sent as it is; the answer alone has a type of JSON.
SEND: Final = "/api/send"
ENDPOINTS: Final = {**OF_A_REVIEW, **OF_CASES, **OF_VOLUMES}


# ---- reading ----
def question(path: str, data: bytes) -> Part:
    """What a page asks at a path; no words: an empty object. Raises ``InputError`` for anything else than its type."""
    try:
        content = parsed_json(data) if data else {}
    except ValueError as error:
        raise InputError("a command that is no JSON; an object is accepted", code="review-command") from error
    if not isinstance(content, dict):
        raise InputError("a command that is no object; an object is accepted", code="review-command")
    kind: type[Part] = ENDPOINTS[path][0]
    if path == COMMANDS:
        do = content.get("do")
        if not isinstance(do, str) or do not in STEPS:
            raise InputError(f"do is {short(repr(do), 40)}; accepted: {', '.join(STEPS)}", code="review-command")
        kind = STEPS[do]
    return _converted(content, kind)


def _converted(content: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        found = misfit_of(content, _schema_of(kind))
        if found is None:
            raise InputError(f"a command: {str(error).splitlines()[0]}", code="review-command") from error
        told = "is missing" if found.accepted is None else f"is {short(repr(found.value), 40)}; {found.accepted}"
        words = f"{found.path} {told}" + ("" if found.accepted is None else " is accepted")
        raise InputError(words, code="review-command") from error


@cache
def _schema_of(kind: type[Part]) -> SchemaNode:
    return cast(SchemaNode, msgspec.json.schema(kind))


def point(place: list[float]) -> Point:
    """A place as the session has it."""
    x, y, z = place
    return x, y, z


def command(step: Step) -> session.Command:
    """The session's command of a step that needs neither plan nor figures."""
    match step:
        case MoveStep():
            return session.Move(step.tunnel, point(step.entry), point(step.tip))
        case NudgeStep():
            return session.Nudge(step.tunnel, step.end, step.inward, step.up, step.front)
        case AddStep():
            return session.Add(session.Line(point(step.entry), point(step.tip), step.diameter))
        case ResizeStep():
            return session.Resize(step.tunnel, step.diameter)
        case RemoveStep():
            return session.Remove(step.tunnel)
        case SelectStep():
            return session.Select(step.tunnel)
        case UndoStep():
            return session.Undo()
        case RedoStep():
            return session.Redo()
        case AcceptStep():
            return session.Accept(step.reason)
        case NoteStep():
            return session.Note(step.text)
    raise TypeError(f"{type(step).__name__} needs the plan")


# ---- the schema ----
def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of all that may be asked and answered, by path."""
    kinds = [kind for asked, answered in ENDPOINTS.values() for kind in (asked, answered)]
    made, parts = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    for part in parts.values():
        for told in part.get("properties", {}).values():
            told.pop("default", None)
        # What is sent is spelled out; a reader lets other keys pass.
        part["additionalProperties"] = False
    table = {path: _object({"body": made[2 * row], "answer": made[2 * row + 1]}) for row, path in enumerate(ENDPOINTS)}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Endpoints"}
    return {**head, **_object(table), "$defs": parts}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
