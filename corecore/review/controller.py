"""The desk and the one session on it, one command at a time; what the page asks is answered from here."""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from corecore.base.errors import InputError
from corecore.base.language import say
from corecore.document.read import read_plan
from corecore.document.text import sentence
from corecore.review import comparison, payload, record
from corecore.review.access import Access
from corecore.review.case_messages import HandedOver, HandOver
from corecore.review.hand_over import hand_over
from corecore.review.model import ReviewModel
from corecore.review.optimise import best_move
from corecore.review.protocol import (
    Asked,
    Cuts,
    Figures,
    Films,
    Look,
    Nothing,
    Preview,
    Ranked,
    RankedSet,
    ReviewState,
    Save,
    Shown,
    SignStep,
    Slices,
    SnapStep,
    Space,
    Step,
    TakeStep,
    Watch,
    Watched,
    Written,
    command,
    point,
)
from corecore.review.record import Record, resumed, set_aside
from corecore.review.session import Command, Line, Move, Session, SignOff, Take, apply, stale

if TYPE_CHECKING:
    from corecore.measures.model import Measures


#: Pictures of so many steps are remembered.
MADE_MAX = 256
#: What must be of the step that is signed.
PICTURES = {"figures": "figures", "slices": "slices", "films": "fluoroscopic views", "space": "3-D view"}


@dataclass
class ReviewController:
    """The desk and the one session on it."""

    desk: ReviewModel
    session: Session
    record: Record
    access: Access
    #: Signs what is saved; shown nowhere.
    sign_key: bytes | None = field(default=None, repr=False)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: The lesion's measures, taken once when first needed.
    measures: Measures | None = None
    #: The plan and its alternatives, ranked once.
    ranks: list[RankedSet] | None = None
    #: The tunnels that figures and pictures of a step were made of.
    made: dict[tuple[str, int | None], tuple[Line, ...]] = field(default_factory=dict)

    @classmethod
    def open(
        cls, desk: ReviewModel, plan_file: Path, *, afresh: bool = False, sign_key: bytes | None = None
    ) -> ReviewController:
        """The review of a plan, from where the last one ended; ``afresh``: from the plan's own tunnels.

        Where another program is at it, to look at only. ``sign_key`` signs what is saved. Raises ``InputError`` for a
        record that cannot be read, but with ``afresh`` sets that aside.
        """
        access = Access(plan_file, desk.scene.full_hash)
        holds = access.take_hold()
        try:
            kept = Record.read(plan_file.parent)
        except InputError as error:
            if not (afresh and holds and error.code == "review-unreadable"):
                access.release()
                raise
            kept = set_aside(plan_file.parent)
        if holds:
            kept.clear_remains()
        fresh = desk.session()
        try:
            session = replaced(fresh, rev=kept.revision) if afresh else resumed(fresh, kept, access.plan_hash)
        except InputError:
            access.release()
            raise
        return cls(desk, session, kept, access, sign_key)

    @property
    def folder(self) -> Path:
        """The plan's folder."""
        return self.access.plan_file.parent

    @cached_property
    def signature_lost(self) -> str | None:
        """Why what is saved will not bear the plan's signature; ``None`` where it will, or the plan has none."""
        # The writing brings the rest of the planner along.
        from corecore.review.outcome import signature_lost

        return signature_lost(read_plan(self.access.plan_file), self.sign_key)

    async def look(self, asked: Look) -> ReviewState:
        """What stands, and what never changes."""
        async with self.lock:
            self._follow()
            self.access.take_seat(asked.page, away=asked.take)
            told = await asyncio.to_thread(payload.about, self.desk)
            lost = self.signature_lost
            if lost is not None:
                told = replace(told, warnings=replace(told.warnings, lines=[sentence(lost), *told.warnings.lines]))
            figures = await asyncio.to_thread(self._figures, self.session, asked)
            self._note_made("figures", self.session)
            return ReviewState(**asdict(figures), case=told, permission=self.access.permission(asked.page))

    async def watch(self, asked: Watch) -> Watched:
        """Whether another page, server or plan has come meanwhile."""
        async with self.lock:
            if asked.leave:
                self.access.leave(asked.page)
            else:
                self._follow()
                self.access.take_seat(asked.page)
            return Watched(self.session.rev, self.access.permission(asked.page))

    async def do(self, step: Step) -> Figures:
        """One command: measured before it counts, and on disk before it is shown."""
        async with self.lock:
            return await asyncio.to_thread(self._do, step)

    async def preview(self, asked: Preview) -> Figures:
        """The figures of a tunnel put somewhere, while it is being dragged; the session stays as it is."""
        async with self.lock:
            return await asyncio.to_thread(self._preview, asked)

    async def cuts(self, asked: Cuts) -> Slices:
        """The slices of what stands, or of a tunnel being dragged, then with coarser pixels."""
        async with self.lock:
            session, rev = self.session, self.session.rev
            if asked.rev is not None and asked.tunnel is not None and asked.entry and asked.tip:
                held = self._seen(Preview(rev=asked.rev, tunnel=asked.tunnel, entry=asked.entry, tip=asked.tip))
                return Slices(
                    None, asked.seq, await asyncio.to_thread(payload.cuts, self.desk, held, draft=asked.draft)
                )
            drawn = await asyncio.to_thread(payload.cuts, self.desk, session, draft=asked.draft)
            self._note_made("slices", session)
            return Slices(rev, asked.seq, drawn)

    async def films(self, _: Nothing) -> Films:
        """The films of what stands, and its risk; a tunnel may be moved meanwhile."""
        session = self.session
        films = await asyncio.to_thread(payload.films, self.desk, session)
        now = await asyncio.to_thread(payload.now, self.desk, session)
        self._note_made("films", session)
        return Films(session.rev, films, now)

    async def ranked(self, _: Nothing) -> Ranked:
        """What may be taken instead, best first."""
        if self.ranks is None:
            self.ranks = await asyncio.to_thread(comparison.ranked, self.desk)
        return Ranked(self.ranks)

    async def space(self, _: Nothing) -> Space:
        """What the tunnels lie in, to turn."""
        return await asyncio.to_thread(payload.space, self.desk)

    async def hand_over(self, asked: HandOver) -> HandedOver:
        """A plan that was saved here, as a report or in another format."""
        return await asyncio.to_thread(hand_over, self.folder, asked)

    async def write(self, asked: Save) -> Written:
        """The tunnels as they stand as a plan's folder beside the plan; of one that breaks limits, asks first."""
        async with self.lock:
            return await asyncio.to_thread(self._write, asked)

    def _write(self, asked: Save) -> Written:
        # The measures and the writing bring the rest of the planner along.
        from corecore.review.outcome import measured, write_outcome

        self._check_writes(asked.page)
        session = self.session
        if asked.rev != session.rev:
            raise stale(asked.rev, session)
        if session.lines and not asked.broken:
            breaks = payload.breaks(self.desk, session)
            if breaks:
                return Written(session.rev, None, breaks)
        if self.measures is None:
            self.measures = measured(self.desk)

        def enter(path: Path, name: str) -> None:
            # Before the plan is there: one that the record does not hold is none that a review has saved.
            self.record.add([record.save_entry(session, self.access.plan_hash, path, name)])

        path = write_outcome(
            self.desk, session, self.measures, self.folder, self.record.head, sign_key=self.sign_key,
            lapsed=self.record.lapsed(self.access.plan_hash), before=enter,
        )  # fmt: skip
        return Written(session.rev, f"{path.parent.name}/{path.name}", [])

    def _follow(self) -> bool:
        """Goes on from what is on the disk, where another program wrote it; whether one did."""
        if self.access.replaced():
            # Whoever reviews the plan that is there now may write.
            self.access.release()
            return False
        came = self.access.take_hold()
        changed = self.record.changed()
        if came or changed:
            self.record = Record.read(self.folder)
            self.session = resumed(self.desk.session(), self.record, self.access.plan_hash)
            self.made.clear()
        return changed

    def _check_writes(self, page: str) -> None:
        """Raises ``InputError`` where a page may not write, and where the record is not as it was left."""
        changed = self._follow()
        self.access.take_seat(page)
        self.access.check(page)
        if changed:
            raise InputError(
                f"{self.record.path.name} was changed by another program; the page shows its present state; check it",
                code="review-record-changed",
            )

    def _note_made(self, what: str, session: Session) -> None:
        self.made[what, session.rev] = session.lines
        while len(self.made) > MADE_MAX:
            del self.made[next(iter(self.made))]

    def _check_shown(self, shown: Shown) -> None:
        """Raises ``InputError`` where anything on the page is of other tunnels than stand."""
        for name, words in PICTURES.items():
            rev: int | None = getattr(shown, name)
            if name == "space" and rev is None:
                continue
            if self.made.get(("figures" if name == "space" else name, rev)) != self.session.lines:
                of = "are not of this plan yet" if rev is None else f"are of step {rev}, not of the current plan"
                raise InputError(
                    f"the {words} on the page {of}; wait until all is redrawn, check it, then sign",
                    code="sign-off-refused",
                )

    def _figures(self, session: Session, asked: Asked) -> Figures:
        against = None if asked.against is None else self._set(asked.against, "against")
        return replace(payload.figures(self.desk, session, against=against), seq=asked.seq)

    def _set(self, which: int, name: str) -> int:
        """The number of one of the sets. Raises ``InputError`` for another."""
        if not 0 <= which < len(self.desk.sets):
            raise InputError(f"{name} is {which}; 0 to {len(self.desk.sets) - 1} is accepted", code="review-command")
        return which

    def _seen(self, asked: Preview) -> Session:
        """The session, with a tunnel where the page has it."""
        # Made of the step that was seen: a drag that began before another tab's step goes nowhere.
        return apply(self.session, Move(asked.tunnel, point(asked.entry), point(asked.tip)), rev=asked.rev)

    def _preview(self, asked: Preview) -> Figures:
        told = self._figures(self._seen(asked), asked)
        return replace(told, rev=self.session.rev, selected=self.session.selected, preview=True)

    def _command(self, step: Step) -> Command:
        """The session's command of what the page asks."""
        if isinstance(step, SignStep):
            self._check_shown(step.shown)
            broken = bool(self.desk.broken(self.desk.drilled(self.session.lines)))
            return SignOff(step.name, typed_side(step.side), datetime.date.today().isoformat(), broken)
        if isinstance(step, TakeStep):
            return Take(self.desk.sets[self._set(step.which, "which")][1])
        if isinstance(step, SnapStep):
            return best_move(self.desk, self.session, step.tunnel)
        return command(step)

    def _do(self, step: Step) -> Figures:
        self._check_writes(step.page)
        if step.rev != self.session.rev:
            raise stale(step.rev, self.session)
        made = self._command(step)
        session = apply(self.session, made, rev=step.rev)
        # Measured first: a line that is no tunnel in this bone is refused here, and nothing has changed.
        shown = self._figures(session, step)
        if session.rev != self.session.rev:
            plan = self.access.plan_hash
            self.record.add(record.step_entries(self.record.last(plan), session, plan, type(made).__name__))
        self.session = session
        self._note_made("figures", session)
        return shown


def typed_side(typed: str) -> str:
    """A side as it was typed; one in the page's own words is that side."""
    word = typed.strip().lower()
    return next((side for side, own in (("left", say("left")), ("right", say("right"))) if word == own.lower()), typed)
