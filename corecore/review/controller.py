"""The desk and the one session on it, one command at a time; what the page asks is answered from here."""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from corecore.base.errors import InputError
from corecore.review import comparison, payload, record
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
    SignStep,
    Slices,
    SnapStep,
    Space,
    Step,
    TakeStep,
    Written,
    command,
    point,
)
from corecore.review.session import Command, Move, Session, SignOff, Take, apply

if TYPE_CHECKING:
    from corecore.measures.model import Measures


@dataclass
class ReviewController:
    """The desk and the one session on it."""

    desk: ReviewModel
    session: Session
    folder: Path
    plan_hash: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: The lesion's measures, taken once when first needed.
    measures: Measures | None = None
    #: The plan and its alternatives, ranked once.
    ranks: list[RankedSet] | None = None

    async def look(self, asked: Look) -> ReviewState:
        """What stands, and what never changes."""
        async with self.lock:
            told = await asyncio.to_thread(payload.about, self.desk)
            figures = await asyncio.to_thread(self._figures, self.session, asked)
            return ReviewState(**asdict(figures), case=told)

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
            session = self.session
            if asked.rev is not None and asked.tunnel is not None and asked.entry and asked.tip:
                session = self._seen(Preview(rev=asked.rev, tunnel=asked.tunnel, entry=asked.entry, tip=asked.tip))
            drawn = await asyncio.to_thread(payload.cuts, self.desk, session, draft=asked.draft)
            return Slices(session.rev, asked.seq, drawn)

    async def films(self, _: Nothing) -> Films:
        """The films of what stands, and its risk; a tunnel may be moved meanwhile."""
        session = self.session
        films = await asyncio.to_thread(payload.films, self.desk, session)
        now = await asyncio.to_thread(payload.now, self.desk, session)
        return Films(session.rev, films, now)

    async def ranked(self, _: Nothing) -> Ranked:
        """What may be taken instead, best first."""
        if self.ranks is None:
            self.ranks = await asyncio.to_thread(comparison.ranked, self.desk)
        return Ranked(self.ranks)

    async def space(self, _: Nothing) -> Space:
        """What the tunnels lie in, to turn."""
        return await asyncio.to_thread(payload.space, self.desk)

    async def write(self, _: Nothing) -> Written:
        """The tunnels as they stand as a plan's folder beside the plan."""
        # The measures and the writing bring the rest of the planner along.
        from corecore.review.outcome import measured, write_outcome

        async with self.lock:
            if self.measures is None:
                self.measures = await asyncio.to_thread(measured, self.desk)
            path = await asyncio.to_thread(write_outcome, self.desk, self.session, self.measures, self.folder)
            return Written(self.session.rev, f"{path.parent.name}/{path.name}")

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
            broken = bool(self.desk.broken(self.desk.drilled(self.session.lines)))
            return SignOff(step.name, step.side, datetime.date.today().isoformat(), broken)
        if isinstance(step, TakeStep):
            return Take(self.desk.sets[self._set(step.which, "which")][1])
        if isinstance(step, SnapStep):
            return best_move(self.desk, self.session, step.tunnel)
        return command(step)

    def _do(self, step: Step) -> Figures:
        session = apply(self.session, self._command(step), rev=step.rev)
        # Measured first: a line that is no tunnel in this bone is refused here, and nothing has changed.
        shown = self._figures(session, step)
        if session.rev != self.session.rev:
            record.save(session, self.plan_hash, self.folder)
        self.session = session
        return shown
