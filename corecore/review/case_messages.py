"""What the page of a case and the planner say to each other, from the choice of files to a plan: one type a message."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from corecore.document.fields import Part, Vector
from corecore.io.contents import Kind
from corecore.io.contents import Part as Role
from corecore.report.report_content import Judged

#: A case by its folder's name, which the server made.
CaseName = Annotated[str, Meta(max_length=40)]
#: What a case is called by a person; a folder or a plan below one that the server may read.
Label = Annotated[str, Meta(max_length=60)]
PathText = Annotated[str, Meta(max_length=1000)]
Side = Literal["auto", "left", "right"]


# ---- what the page asks ----
class Browse(Part, frozen=True, kw_only=True):
    """The folders in one that may be read: its root by number, and the path from there."""

    root: Annotated[int, Meta(ge=0)]
    path: PathText = ""


class Begin(Part, frozen=True, kw_only=True):
    """A case anew: of a folder, which is read where it lies; of the sample; or of files that will be sent."""

    source: Literal["folder", "sample", "files"]
    root: Annotated[int, Meta(ge=0)] = 0
    path: PathText = ""
    label: Label = ""


class CaseAsked(Part, frozen=True, kw_only=True):
    """A case."""

    case: CaseName


class Rename(CaseAsked, frozen=True, kw_only=True):
    """What a case is to be called."""

    label: Label


class Picture(CaseAsked, frozen=True, kw_only=True):
    """The middle slice of an item."""

    item: Annotated[int, Meta(ge=0)]


class Check(CaseAsked, frozen=True, kw_only=True):
    """Whether inputs belong together: items by role, and the side."""

    roles: dict[Role, Annotated[int, Meta(ge=0)]]
    side: Side = "auto"


class MakePlan(CaseAsked, frozen=True, kw_only=True):
    """A plan of the inputs that were checked, with these settings by their keys."""

    values: Annotated[dict[str, float | str], Meta(max_length=60)]


class JobAsked(CaseAsked, frozen=True, kw_only=True):
    """The job of a case by its number."""

    number: int


class OpenPlan(CaseAsked, frozen=True, kw_only=True):
    """A plan of a case, to be reviewed: by the path of its folder, or the item of what lies in the case's folder."""

    plan: PathText = ""
    item: Annotated[int, Meta(ge=0)] | None = None


class HandOver(Part, frozen=True, kw_only=True):
    """A plan that the review saved, in a format."""

    written: PathText
    to: Annotated[str, Meta(max_length=20)]


# ---- what the planner answers ----
class Folder(Part, frozen=True):
    """A folder that may be read."""

    root: int
    path: str
    name: str


class PlanRow(Part, frozen=True):
    """A plan of a case: the path of its folder, and what it is in a line."""

    plan: str
    words: str


class CaseRow(Part, frozen=True):
    """A case that was begun before."""

    case: str
    label: str
    when: str
    words: str


class Welcome(Part, frozen=True):
    """Where a case may begin. ``home``: where cases are kept; ``send_mb``: most that can be sent to one."""

    home: str
    roots: list[Folder]
    cases: list[CaseRow]
    sample: bool
    notice: str
    send_mb: int


class Browsed(Part, frozen=True):
    """A folder, the way to it, and the folders in it; ``files`` counts what could be an input."""

    here: Folder
    way: list[Folder]
    folders: list[Folder]
    files: int


class Begun(Part, frozen=True):
    """The case."""

    case: str


class Received(Part, frozen=True):
    """A file as it was kept."""

    name: str
    total_mb: float


class ItemRow(Part, frozen=True):
    """One thing of the case's folder; ``words``: its size and what else may be told."""

    kind: Kind
    name: str
    words: str
    problem: str
    role: Role | None
    side: str | None


class CaseContents(Part, frozen=True):
    """What a case has to choose from, and what was chosen.

    ``remarks``: what a person must decide; ``checked``: whether the hip is held ready.
    """

    case: str
    label: str
    folder: str
    items: list[ItemRow]
    roles: dict[Role, int]
    side: Side
    others: int
    remarks: list[str]
    plans: list[PlanRow]
    checked: bool


class Thumbnail(Part, frozen=True):
    """A slice as PNG; none where it cannot be read, for the reason in words."""

    png: bytes | None
    words: str


class CheckPicture(Part, frozen=True):
    """One plane through the lesion, with the outlines of the masks."""

    title: str
    png: bytes


class Checked(Part, frozen=True):
    """Whether the inputs belong together; if not, why. ``rows``: name and figure, as they are printed."""

    problem: str | None
    hip: str
    rows: list[list[str]]
    warnings: list[str]
    pictures: list[CheckPicture]


class WindowPreset(Part, frozen=True):
    """Values of an image that are black and white."""

    name: str
    low: float
    high: float


class VolumeMask(Part, frozen=True):
    """A mask of the volume: its bit, and the colour of its outline, red green blue."""

    bit: int
    name: str
    color: list[int]


class VolumeHeader(Part, frozen=True):
    """What stands before the voxels of a volume, RAS mm.

    ``index_from_world`` by rows; ``start``: where to look first; ``low`` and ``high``: the box of its voxels.
    """

    shape: list[int]
    index_from_world: list[float]
    start: Vector
    low: Vector
    high: Vector
    step_mm: float
    presets: list[WindowPreset]
    masks: list[VolumeMask]


class Option(Part, frozen=True):
    """One of several values."""

    value: str
    label: str


class Choice(Part, frozen=True):
    """A setting of several values."""

    key: str
    label: str
    group: Literal["surgeon", "main"]
    value: str
    default: str
    options: list[Option]


class Number(Part, frozen=True):
    """A setting that is a number; the range is what the planner accepts."""

    key: str
    label: str
    unit: str
    group: Literal["main", "margin", "more"]
    low: float
    high: float
    step: float
    value: float
    default: float


class Settings(Part, frozen=True):
    """What may be asked of a plan, with what holds where nothing is."""

    choices: list[Choice]
    numbers: list[Number]


class WayRow(Part, frozen=True):
    """A limit that would have to be relaxed; ``key`` and ``value``: the setting that does it, where there is one."""

    words: str
    key: str | None
    value: float | None


class CurvePoint(Part, frozen=True):
    """A point of the trade-off curve, shares 0 to 1, and the same as it is printed."""

    removed: float
    perforation: float
    chosen: bool
    words: str


class Result(Part, frozen=True):
    """What the planner found; ``why`` and ``ways`` where there is no tunnel."""

    judged: Judged
    tunnels: list[list[str]]
    columns: list[str]
    why: str
    ways: list[WayRow]
    curve: list[CurvePoint]
    warnings: list[str]


class JobState(Part, frozen=True):
    """The work of a case: how far it is, and what it came to. ``words``: the step, or why there is no result."""

    number: int
    state: Literal["none", "running", "done", "failed", "cancelled"]
    words: str
    share: float | None
    result: Result | None


class Opened(Part, frozen=True):
    """A plan that is open for review, by the key that its page asks with."""

    key: str


class HandedOver(Part, frozen=True):
    """Where the files are; of one file for the browser also its content."""

    name: str
    words: str
    content: bytes | None


class Ended(Part, frozen=True):
    """The server ends."""

    ended: bool
