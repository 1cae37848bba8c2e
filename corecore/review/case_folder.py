"""The cases of a user on disk: a folder each, with what was sent to it, what was chosen, and its plans.

What is sent is kept under a name made from the one given; nothing is unpacked, and no name leads out of the folder.
"""

from __future__ import annotations

import datetime
import os
import re
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import field

from corecore.base.errors import CorecoreError, InputError, OutputError
from corecore.base.input_file import MAX_FILE_BYTES, json_of, reading, shown
from corecore.base.language import later, say
from corecore.document.fields import Part, known
from corecore.document.plan import PlanDocument
from corecore.document.read import read_plan
from corecore.document.text import percent
from corecore.io.contents import PLAN_FILE
from corecore.io.contents import Part as Role
from corecore.io.detect import STRANGERS
from corecore.io.files import atomic_write_bytes
from corecore.review.case_messages import PlanRow, Side

#: Where cases are kept instead of ``corecore`` in the user's own folder.
HOME_VARIABLE = "CORECORE_HOME"
NAME, INPUTS, PLANS = "case.json", "inputs", "plan-{}"
SCHEMA = "corecore.case/1"
#: Most that is sent to one case, bytes and files; deepest place, and longest name of a part (engineering choices).
SEND_MAX_BYTES, SEND_MAX_FILES, DEPTH_MAX, PART_MAX = 4_000_000_000, 20_000, 6, 100
#: Most of the disk that a case's own file may take, bytes.
CASE_MAX_BYTES = 64 * 1024
#: Names of cases, as they are made here.
CASE_NAME = re.compile(r"\d{4}-\d{2}-\d{2}-\d{1,4}")
#: Folders of a case's plans, as they are made here and by reviews.
PLAN_PATH = re.compile(r"plan-\d{1,4}(/reviewed(-\d{1,2})?){0,5}")
WHAT = "a case of corecore"
STATES = {"planned": later("planned"), "infeasible": later("no feasible tunnel"), "manual": later("reviewed")}


class CaseFile(Part, frozen=True, kw_only=True):
    """What a case remembers: its label, the folder that it is read from, and what was chosen there.

    ``source``: a folder that is read where it lies; nothing: what was sent. ``roles``: references by role.
    """

    schema: str = SCHEMA
    label: str = ""
    source: str = ""
    roles: dict[Role, str] = field(default_factory=dict)
    side: Side = "auto"
    values: dict[str, float | str] = field(default_factory=dict)


def home_folder() -> Path:
    """Where the user's cases are kept."""
    return Path(os.environ.get(HOME_VARIABLE) or Path.home() / "corecore")


@dataclass(frozen=True)
class CaseFolder:
    """One case on disk."""

    path: Path

    @classmethod
    def begin(cls, home: Path, kept: CaseFile) -> CaseFolder:
        """A new case. Raises ``OutputError`` where none can be written."""
        day = datetime.date.today().isoformat()
        try:
            home.mkdir(parents=True, exist_ok=True)
            for count in range(1, 10_000):
                found = cls(home / f"{day}-{count}")
                try:
                    found.path.mkdir()
                except FileExistsError:
                    continue
                if not kept.source:
                    (found.path / INPUTS).mkdir()
                found.keep(kept)
                return found
        except OSError as error:
            raise OutputError(
                f"{shown(home)}: cannot be written ({error.strerror or error})", code="output-unwritable"
            ) from error
        raise OutputError(f"{shown(home)}: holds 9,999 cases of today", code="output-exists")

    @classmethod
    def find(cls, home: Path, name: str) -> CaseFolder:
        """A case by its name. Raises ``InputError`` where there is none of it."""
        found = cls(home / name)
        if CASE_NAME.fullmatch(name) is None or not (found.path / NAME).is_file():
            raise InputError(f"no case {name[:40]!r} here; one of the list is accepted", code="review-command")
        return found

    @classmethod
    def all_of(cls, home: Path) -> list[CaseFolder]:
        """The cases of a user, the one used last first."""
        if not home.is_dir():
            return []
        found = [one for one in home.iterdir() if CASE_NAME.fullmatch(one.name) and (one / NAME).is_file()]
        return [cls(one) for one in sorted(found, key=lambda one: (one / NAME).stat().st_mtime, reverse=True)]

    @property
    def name(self) -> str:
        """Its name."""
        return self.path.name

    def kept(self) -> CaseFile:
        """What it remembers. Raises ``InputError`` where its file cannot be read."""
        place = self.path / NAME
        with reading(place, WHAT):
            return msgspec.convert(json_of(place, WHAT, CASE_MAX_BYTES), CaseFile)

    def keep(self, kept: CaseFile) -> None:
        """Remembers. Raises ``OutputError`` where nothing can be written."""
        atomic_write_bytes(self.path / NAME, msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")

    @property
    def inputs(self) -> Path:
        """Where its inputs lie."""
        source = self.kept().source
        return Path(source) if source else self.path / INPUTS

    def next_plan(self) -> Path:
        """The folder of its next plan."""
        count = 1
        while (self.path / PLANS.format(count)).exists():
            count += 1
        return self.path / PLANS.format(count)

    def plans(self) -> list[PlanRow]:
        """Its plans, the newest last; of one that cannot be read, that it cannot."""
        found = []
        for depth in ("plan-*", "plan-*/reviewed*", "plan-*/reviewed*/reviewed*"):
            found += [place.parent for place in self.path.glob(f"{depth}/{PLAN_FILE}")]
        names = [place.relative_to(self.path).as_posix() for place in found]
        return [PlanRow(name, self._told(name)) for name in sorted(names, key=_numbered) if PLAN_PATH.fullmatch(name)]

    def _told(self, name: str) -> str:
        try:
            return plan_words(read_plan(self.path / name / PLAN_FILE).plan)
        except CorecoreError:
            return say("cannot be read")

    def plan_file(self, plan: str) -> Path:
        """The ``plan.json`` of one of its plans. Raises ``InputError`` for any other path."""
        place = self.path / plan / PLAN_FILE
        if PLAN_PATH.fullmatch(plan) is None or not place.is_file():
            raise InputError(f"no plan {plan[:40]!r} in this case; one of the list is accepted", code="review-command")
        return place

    def sent(self) -> tuple[int, int]:
        """How many files were sent, and their bytes."""
        found = [one for one in (self.path / INPUTS).rglob("*") if one.is_file()]
        return len(found), sum(one.stat().st_size for one in found)

    async def receive(self, name: str, size: int | None, chunks: AsyncIterator[bytes]) -> str:
        """Keeps a file that is sent, and returns its name; ``size`` is what the sender announces.

        Raises ``InputError`` for a name that leads elsewhere, a format that is no input, and more than a case may
        hold; then nothing of it is left.
        """
        kept = self.kept()
        if kept.source:
            raise InputError("this case is read from a folder; a new case takes files", code="review-refused")
        count, total = self.sent()
        room = min(MAX_FILE_BYTES, SEND_MAX_BYTES - total)
        if count >= SEND_MAX_FILES or (size or 0) > room:
            raise _too_much(name, room)
        parts = clean_parts(name)
        place = (self.path / INPUTS).joinpath(*parts)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".sent.", dir=place.parent)
        except OSError as error:
            raise OutputError(
                f"{shown(name)}: cannot be kept ({error.strerror or error})", code="output-unwritable"
            ) from error
        done = 0
        try:
            with os.fdopen(handle, "wb") as stream:
                async for chunk in chunks:
                    if done == 0:
                        _check_start(name, chunk)
                    done += len(chunk)
                    if done > room:
                        raise _too_much(name, room)
                    stream.write(chunk)
            if done == 0:
                raise InputError(f"{shown(name)}: is empty; a file with content is accepted", code="file-damaged")
            os.replace(temporary, place)
        except OSError as error:
            raise OutputError(
                f"{shown(name)}: cannot be kept ({error.strerror or error})", code="output-unwritable"
            ) from error
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
        return "/".join(parts)


def clean_parts(name: str) -> tuple[str, ...]:
    """The parts of a file's place below a case, as they are kept. Raises ``InputError`` for one that leads elsewhere.

    Examples
    --------
    >>> clean_parts("scan 1/femur<b>.nii.gz")
    ('scan 1', 'femur_b_.nii.gz')
    """
    parts = re.split(r"[/\\]", name)
    if len(parts) > DEPTH_MAX or any(part.strip(" .") == "" for part in parts) or "\0" in name:
        raise InputError(
            f"{shown(name)}: no name of a file here; one in at most {DEPTH_MAX - 1} folders, without .., is accepted",
            code="review-command",
        )
    return tuple(_clean(part) for part in parts)


def _clean(part: str) -> str:
    plain = re.sub(r"[^\w .+()=-]", "_", part, flags=re.ASCII).strip()
    plain = re.sub(r"^\.", "_", plain)
    # The end tells the format.
    return plain if len(plain) <= PART_MAX else plain[:40] + "_" + plain[41 - PART_MAX :]


def plan_words(plan: PlanDocument) -> str:
    """What a plan is in a line."""
    words = say(STATES[plan.status])
    if plan.tunnels:
        words += ", " + say("removes {share} of the necrosis", share=percent(plan.totals.removed_fraction))
    review = known(plan.review)
    if review is not None and review.signed is not None:
        words += ", " + say("signed by {name}", name=review.signed.name)
    return words


def _check_start(name: str, data: bytes) -> None:
    """Raise ``InputError`` for a file whose first bytes say that it is no input, as an archive."""
    for mark, found in STRANGERS:
        # Plans and names of labels are JSON.
        if data.startswith(mark) and mark != b"{":
            raise InputError(
                f"{shown(name)}: {found}; images, masks and plan.json are accepted, as files of their own",
                code="file-kind",
            )


def _too_much(name: str, room: int) -> InputError:
    return InputError(
        f"{shown(name)}: larger than the {max(room, 0):,} bytes that this case has left; files up to"
        f" {MAX_FILE_BYTES:,} bytes, {SEND_MAX_FILES:,} files and {SEND_MAX_BYTES:,} bytes a case are accepted",
        code="file-too-large",
    )


def _numbered(name: str) -> list[tuple[str, int]]:
    """Names in the order of their numbers."""
    found = re.findall(r"([a-z]+)-?(\d*)", name)
    return [(word, int(number or 0)) for word, number in found]
