"""The cases of a user and what is done with them: begun, looked at, checked, planned, and opened for review.

What a page asks names its case, and a review its plan, so that two windows never act on each other's.
"""

from __future__ import annotations

import asyncio
import datetime
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from corecore.base.errors import CorecoreError, InputError
from corecore.base.input_file import shown
from corecore.base.language import ENGLISH, later, say, say_plural, spoken
from corecore.base.notice import notice_caption
from corecore.document.text import error_text, one_line, sentence, warning_text
from corecore.exports.plan_folder import write_plan
from corecore.exports.workflow import Watch, open_hip
from corecore.hip.hip import Hip
from corecore.hip.inputs import HipInputs
from corecore.io.contents import Contents, Item, contents
from corecore.io.contents import Part as Role
from corecore.measures.signs.clinician_input import ClinicianInput, parse_clinician_input
from corecore.planning.request import Parameters, PlanRequest
from corecore.review import case_pictures
from corecore.review.case_folder import SEND_MAX_BYTES, CaseFile, CaseFolder
from corecore.review.case_messages import (
    Begin,
    Begun,
    Browse,
    Browsed,
    CaseAsked,
    CaseContents,
    CaseRow,
    Check,
    Checked,
    Ended,
    ItemRow,
    JobAsked,
    JobState,
    MakePlan,
    Opened,
    OpenPlan,
    Picture,
    Received,
    Rename,
    Settings,
    Thumbnail,
    Welcome,
)
from corecore.review.controller import ReviewController
from corecore.review.model import ReviewModel
from corecore.review.plan_job import PlanJob, Planner, planner_of
from corecore.review.protocol import Nothing
from corecore.review.readable import Roots
from corecore.review.settings import settings, spec_values
from corecore.review.volume import volume_of

#: Cases whose hip, and plans whose review, are kept open at a time; a hip takes some 100 MB.
OPEN_MAX = 4
SIDES = {"left": later("left"), "right": later("right")}
NO_JOB = JobState(0, "none", "", None, None)


@dataclass
class OpenCase:
    """What is known of a case while the server runs."""

    folder: CaseFolder
    found: Contents | None = None
    #: The hip that was checked, and the inputs that it was made of.
    hip: Hip | None = None
    inputs: HipInputs | None = None
    #: Its planner, and what the surgeon said when that was made.
    planner: Planner | None = None
    answers: ClinicianInput | None = None
    job: PlanJob | None = None
    jobs: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def forget(self) -> None:
        """Lets go of the hip, and of the plan that was made of it."""
        if self.job is not None:
            self.job.cancel()
        self.hip = self.inputs = self.planner = self.answers = self.job = None


@dataclass
class CaseController:
    """The cases of a user: ``home`` keeps them, ``roots`` may be read, ``sample`` is copied where it is asked for."""

    home: Path
    roots: Roots
    sample: tuple[Path, ...] = ()
    #: Makes the planner of a hip that was checked.
    planner_of: Callable[[Hip, ClinicianInput], Planner] = planner_of
    #: Called when the server is to end.
    end_server: Callable[[], None] = lambda: None
    cases: dict[str, OpenCase] = field(default_factory=dict)
    reviews: dict[str, ReviewController] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    # ---- where a case begins ----
    async def welcome(self, _: Nothing) -> Welcome:
        """Where a case may begin."""
        return await asyncio.to_thread(self._welcome)

    def _welcome(self) -> Welcome:
        return Welcome(
            home=str(self.home),
            roots=self.roots.folders(),
            cases=[_row(one) for one in CaseFolder.all_of(self.home)],
            sample=bool(self.sample),
            notice=notice_caption(),
            send_mb=SEND_MAX_BYTES // 1_000_000,
        )

    async def browse(self, asked: Browse) -> Browsed:
        """The folders in one that may be read."""
        return await asyncio.to_thread(self.roots.browse, asked.root, asked.path)

    async def begin(self, asked: Begin) -> Begun:
        """A new case."""
        label = one_line(asked.label, 60).strip()
        source = ""
        if asked.source == "folder":
            source = str(self.roots.resolve(asked.root, asked.path))
        elif asked.source == "sample":
            if not self.sample:
                raise InputError("the sample volume is not installed; a folder is accepted", code="sample-missing")
            source, label = str(self.sample[0].parent), label or say("sample")
        folder = await asyncio.to_thread(CaseFolder.begin, self.home, CaseFile(label=label, source=source))
        return Begun(folder.name)

    async def rename(self, asked: Rename) -> Begun:
        """Another label."""
        case = self._case(asked.case)
        label = one_line(asked.label, 60).strip()
        case.folder.keep(msgspec.structs.replace(case.folder.kept(), label=label))
        return Begun(asked.case)

    async def receive(self, case: str, name: str, size: int | None, chunks: AsyncIterator[bytes]) -> Received:
        """A file that is sent to a case."""
        open_case = self._case(case)
        kept = await open_case.folder.receive(name, size, chunks)
        open_case.found = None
        return Received(kept, round(open_case.folder.sent()[1] / 1e6, 1))

    # ---- what it holds ----
    async def contents(self, asked: CaseAsked) -> CaseContents:
        """What the case has to choose from."""
        case = self._case(asked.case)
        async with case.lock:
            return await asyncio.to_thread(self._contents, case)

    def _found(self, case: OpenCase) -> Contents:
        if case.found is None:
            if self._is_sample(case):
                # Beside it in a checkout lie other hips.
                parts = [contents(path) for path in self.sample]
                case.found = Contents(tuple(item for part in parts for item in part.items), 0)
            else:
                case.found = contents(case.folder.inputs)
        return case.found

    def _is_sample(self, case: OpenCase) -> bool:
        return bool(self.sample) and case.folder.kept().source == str(self.sample[0].parent)

    def _contents(self, case: OpenCase) -> CaseContents:
        found, kept = self._found(case), case.folder.kept()
        numbers = {item.reference: number for number, item in enumerate(found.items)}
        roles = {role: numbers[reference] for role, reference in kept.roles.items() if reference in numbers}
        roles = roles or found.roles(kept.side)
        return CaseContents(
            case=case.folder.name,
            label=kept.label,
            folder=shown(case.folder.inputs),
            items=[_item(one) for one in found.items],
            roles=roles,
            side=kept.side,
            others=found.others,
            remarks=_remarks(found, roles),
            plans=case.folder.plans(),
            checked=case.hip is not None,
        )

    async def picture(self, asked: Picture) -> Thumbnail:
        """The middle slice of an item."""
        case = self._case(asked.case)
        async with case.lock:
            item = self._item(case, asked.item)
            if item.problem or item.kind == "plan":
                return Thumbnail(None, item.problem)
            try:
                return Thumbnail(await asyncio.to_thread(case_pictures.thumbnail, item), "")
            except CorecoreError as error:
                return Thumbnail(None, error_text(error))

    def _item(self, case: OpenCase, number: int) -> Item:
        items = self._found(case).items
        if number >= len(items):
            raise InputError(f"item {number}; 0 to {len(items) - 1} is accepted", code="review-command")
        return items[number]

    # ---- do the inputs belong together? ----
    async def check(self, asked: Check) -> Checked:
        """Reads the inputs, and says whether they belong together."""
        case = self._case(asked.case)
        async with case.lock:
            return await asyncio.to_thread(self._check, case, asked)

    def _check(self, case: OpenCase, asked: Check) -> Checked:
        chosen = {role: self._item(case, number) for role, number in asked.roles.items()}
        references = {role: item.reference for role, item in chosen.items()}
        kept = msgspec.structs.replace(case.folder.kept(), roles=references, side=asked.side)
        case.folder.keep(kept)
        missing = [role for role in ("femur", "lesion") if role not in references]
        if missing:
            words = say("Choose the mask of the femur.") if "femur" in missing else say(
                "Choose the mask of the necrosis.")  # fmt: skip
            return Checked(words, "", [], [], [])
        inputs = _inputs(references, asked.side, case.folder.name)
        try:
            if case.hip is None or case.inputs != inputs:
                case.forget()
                # Its warnings are a record's.
                with spoken(ENGLISH):
                    case.hip, case.inputs = open_hip(inputs, Watch()), inputs
        except CorecoreError as error:
            case.forget()
            return Checked(sentence(error_text(error)), "", [], [], [])
        self._keep_few()
        return _checked(case.hip)

    async def volume(self, asked: CaseAsked) -> bytes:
        """Image and masks of the hip that was checked, for the browser to cut."""
        case = self._case(asked.case)
        async with case.lock:
            if case.hip is None:
                raise InputError("the inputs are not checked yet; check them first", code="review-refused")
            return await asyncio.to_thread(volume_of, case.hip)

    def _keep_few(self) -> None:
        """Lets go of the hips of cases not used lately, but for those that are being planned."""
        held = [one for one in self.cases.values() if one.hip is not None]
        for one in held[:-OPEN_MAX]:
            if one.job is None or one.job.state != "running":
                one.forget()

    # ---- a plan ----
    async def settings(self, asked: CaseAsked) -> Settings:
        """What may be asked of a plan."""
        return settings(self._case(asked.case).folder.kept().values)

    async def plan(self, asked: MakePlan) -> JobState:
        """Begins a plan; one under way ends."""
        case = self._case(asked.case)
        async with case.lock:
            if case.hip is None or case.inputs is None:
                raise InputError("the inputs are not checked yet; check them, then plan", code="review-refused")
            answers, values = spec_values(asked.values)
            imaged = self._imaged(case)
            clinician = parse_clinician_input(answers.get("stage") or None, answers.get("physis", "unknown"), imaged)
            request = PlanRequest(case.inputs, clinician, Parameters(values=values))
            # What cannot be is said before anything begins.
            request.checked()
            case.folder.keep(msgspec.structs.replace(case.folder.kept(), values=asked.values))
            if case.job is not None:
                case.job.cancel()
            case.jobs += 1
            if case.planner is None or case.answers != clinician:
                case.planner, case.answers = self.planner_of(case.hip, clinician), clinician
            case.job = PlanJob(case.hip, request, case.jobs, case.planner)
            case.job.start()
            return case.job.told()

    def _imaged(self, case: OpenCase) -> str | None:
        """The day of imaging, where the image says it."""
        chosen = case.folder.kept().roles.get("image")
        return next((item.date for item in self._found(case).items if item.reference == chosen and item.date), None)

    async def job(self, asked: CaseAsked) -> JobState:
        """How far the plan is."""
        job = self._case(asked.case).job
        return NO_JOB if job is None else job.told()

    async def cancel(self, asked: JobAsked) -> JobState:
        """Ends a plan under way."""
        job = self._case(asked.case).job
        if job is None or job.number != asked.number:
            raise InputError(f"plan {asked.number} is not under way", code="review-refused")
        job.cancel()
        return job.told()

    async def keep(self, asked: JobAsked) -> Opened:
        """Writes the plan that was found into the case's folder, and opens it for review."""
        case = self._case(asked.case)
        async with case.lock:
            job = case.job
            if job is None or job.number != asked.number or job.finished is None or not job.finished.plan.tunnels:
                raise InputError(f"plan {asked.number} has no tunnel to review", code="review-refused")
            folder = case.folder.next_plan()
            with spoken(ENGLISH):
                await asyncio.to_thread(write_plan, job.finished.plan, folder, pictures=False)
        return await self._open(folder / "plan.json")

    # ---- a review ----
    async def open_plan(self, asked: OpenPlan) -> Opened:
        """Opens a plan of the case for review."""
        case = self._case(asked.case)
        if asked.item is None:
            return await self._open(case.folder.plan_file(asked.plan))
        item = self._item(case, asked.item)
        if item.kind != "plan":
            raise InputError(f"item {asked.item} is no plan; a plan.json is accepted", code="review-command")
        return await self._open(Path(item.reference))

    async def _open(self, plan_file: Path) -> Opened:
        async with self.lock:
            for key, table in self.reviews.items():
                # One that was replaced on disk meanwhile is opened anew.
                if table.access.plan_file == plan_file and not table.access.replaced():
                    return Opened(key)
            table = await asyncio.to_thread(lambda: ReviewController.open(ReviewModel.open(plan_file), plan_file))
            while len(self.reviews) >= OPEN_MAX:
                self.reviews.pop(next(iter(self.reviews))).access.release()
            key = secrets.token_hex(8)
            self.reviews[key] = table
            return Opened(key)

    def review(self, key: str | None) -> ReviewController:
        """The review that a page is of. Raises ``InputError`` for one that is not open any more."""
        found = self.reviews.get(key or "")
        if found is None:
            raise InputError("this plan is not open any more; open it again from its case", code="review-refused")
        return found

    async def end(self, _: Nothing) -> Ended:
        """Ends the server, and what is under way."""
        self.close()
        self.end_server()
        return Ended(True)

    def close(self) -> None:
        """Cancels what is under way, and lets go of the reviews."""
        for case in self.cases.values():
            if case.job is not None:
                case.job.cancel()
        for table in self.reviews.values():
            table.access.release()

    def _case(self, name: str) -> OpenCase:
        """A case by its name, the one used last at the end."""
        found = self.cases.pop(name, None)
        if found is None:
            found = OpenCase(CaseFolder.find(self.home, name))
        self.cases[name] = found
        return found


def _row(folder: CaseFolder) -> CaseRow:
    when = datetime.date.fromisoformat(folder.name[:10]).isoformat()
    try:
        label = folder.kept().label
    except CorecoreError:
        return CaseRow(folder.name, "", when, say("cannot be read"))
    plans = folder.plans()
    words = say("no plan yet") if not plans else say_plural("{count} plan", "{count} plans", len(plans))
    return CaseRow(folder.name, label, when, words)


def _item(one: Item) -> ItemRow:
    told = [
        one.modality,
        "" if one.size is None else " × ".join(map(str, one.size)),
        "" if one.spacing_mm is None else " × ".join(f"{mm:.3g}" for mm in one.spacing_mm) + " mm",
        one.date,
    ]
    return ItemRow(
        one.kind, one_line(one.name, 60), " · ".join(word for word in told if word), one_line(one.problem, 300),
        one.role, one.side,
    )  # fmt: skip


def _remarks(found: Contents, roles: dict[Role, int]) -> list[str]:
    """What a person must decide, or bring."""
    told = []
    fit = {role: sum(item.role == role for item in found.items) for role in ("femur", "lesion")}
    if not found.items:
        return [say("Nothing here can be read as an image, a mask or a plan.")]
    if all(item.kind == "plan" for item in found.items):
        return []
    if "femur" not in roles:
        told.append(
            say("Several masks may be the femur: choose one.") if fit["femur"]
            else say("No mask is known as the femur: choose one, or add one; TotalSegmentator and 3D Slicer make them.")
        )  # fmt: skip
    if "lesion" not in roles:
        told.append(
            say("Several masks may be the necrosis: choose one.") if fit["lesion"]
            else say("No mask is known as the necrosis: choose one, or add one that was drawn in 3D Slicer.")
        )  # fmt: skip
    if "image" not in roles:
        told.append(say("Without a CT or MR the slices show the masks alone."))
    return told


def _inputs(references: dict[Role, str], side: str, case: str) -> HipInputs:
    return HipInputs(
        references["femur"], references["lesion"], side, case, image=references.get("image"),
        pelvis=references.get("pelvis"), lesion_image=_path(references.get("lesion_image")),
    )  # fmt: skip


def _path(reference: str | None) -> Path | None:
    return None if reference is None else Path(reference)


def _checked(hip: Hip) -> Checked:
    case, anatomy = hip.case, hip.anatomy
    rows = [
        [say("Side"), say(SIDES[hip.side])],
        [say("Necrosis"), f"{hip.lesion.volume_ml:.1f} ml"],
        [say("Femur"), f"{case.femur.volume_ml:.0f} ml"],
        [say("Head, diameter"), f"{2 * anatomy.head_radius_mm:.1f} mm"],
        [say("Neck-shaft angle"), f"{anatomy.neck_shaft_angle_deg:.0f}°"],
        [say("Image"), say("given") if case.image is not None else say("not given")],
        [say("Pelvis"), say("given") if case.pelvis is not None else say("not given")],
    ]
    told = [sentence(warning_text(one.code, one.text)) for one in hip.warnings]
    words = say("LEFT HIP") if hip.side == "left" else say("RIGHT HIP")
    return Checked(None, words, rows, told, case_pictures.check_pictures(hip))
