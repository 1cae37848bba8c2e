"""The desk and the one session on it, one command at a time; what the page asks is answered from here."""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecore.review import comparison, payload, protocol, record
from corecore.review.model import ReviewModel
from corecore.review.optimise import best_move
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
    ranks: list[dict[str, Any]] | None = None

    async def look(self, body: dict[str, Any]) -> dict[str, Any]:
        """What stands, and what never changes."""
        async with self.lock:
            told = await asyncio.to_thread(payload.about, self.desk)
            return {**told, **await asyncio.to_thread(self._figures, self.session, body)}

    async def do(self, body: dict[str, Any]) -> dict[str, Any]:
        """One command: measured before it counts, and on disk before it is shown."""
        async with self.lock:
            return await asyncio.to_thread(self._do, body)

    async def preview(self, body: dict[str, Any]) -> dict[str, Any]:
        """The figures of a tunnel put somewhere, while it is being dragged; the session stays as it is."""
        async with self.lock:
            return await asyncio.to_thread(self._preview, body)

    async def cuts(self, body: dict[str, Any]) -> dict[str, Any]:
        """The slices of what stands, or of a tunnel being dragged, then with coarser pixels."""
        async with self.lock:
            session = self._seen(body)
            drawn = await asyncio.to_thread(payload.cuts, self.desk, session, draft=body.get("draft") is True)
            return {"rev": session.rev, "seq": _seq(body), "slices": drawn}

    async def films(self, _: dict[str, Any]) -> dict[str, Any]:
        """The films of what stands, and its risk; a tunnel may be moved meanwhile."""
        session = self.session
        films = await asyncio.to_thread(payload.films, self.desk, session)
        now = await asyncio.to_thread(payload.now, self.desk, session)
        return {"rev": session.rev, "films": films, "now": now}

    async def ranked(self, _: dict[str, Any]) -> dict[str, Any]:
        """What may be taken instead, best first."""
        if self.ranks is None:
            self.ranks = await asyncio.to_thread(comparison.ranked, self.desk)
        return {"rows": self.ranks}

    async def space(self, _: dict[str, Any]) -> dict[str, Any]:
        """What the tunnels lie in, to turn."""
        return await asyncio.to_thread(payload.space, self.desk)

    async def write(self, _: dict[str, Any]) -> dict[str, Any]:
        """The tunnels as they stand as a plan's folder beside the plan."""
        # The measures and the writing bring the rest of the planner along.
        from corecore.review.outcome import measured, write_outcome

        async with self.lock:
            if self.measures is None:
                self.measures = await asyncio.to_thread(measured, self.desk)
            path = await asyncio.to_thread(write_outcome, self.desk, self.session, self.measures, self.folder)
            return {"rev": self.session.rev, "written": f"{path.parent.name}/{path.name}"}

    def _figures(self, session: Session, body: dict[str, Any]) -> dict[str, Any]:
        which = None if body.get("against") is None else protocol.one_of(body, "against", len(self.desk.sets))
        return {**payload.figures(self.desk, session, against=which), "seq": _seq(body)}

    def _seen(self, body: dict[str, Any]) -> Session:
        """The session, with the tunnel where the page has it, if it says so."""
        if "entry" not in body:
            return self.session
        command = Move(protocol.count(body), protocol.triple(body, "entry"), protocol.triple(body, "tip"))
        # Made of the step that was seen: a drag that began before another tab's step goes nowhere.
        return apply(self.session, command, rev=protocol.step(body))

    def _preview(self, body: dict[str, Any]) -> dict[str, Any]:
        seen = self._seen(body)
        told = self._figures(seen, body)
        return {**told, "rev": self.session.rev, "selected": self.session.selected, "preview": True}

    def _do(self, body: dict[str, Any]) -> dict[str, Any]:
        rev = protocol.step(body)
        kind = body.get("do")
        if kind == "sign":
            broken = bool(self.desk.broken(self.desk.drilled(self.session.lines)))
            today = datetime.date.today().isoformat()
            command: Command = SignOff(protocol.text(body, "name"), protocol.text(body, "side"), today, broken)
        elif kind == "take":
            sets = self.desk.sets
            command = Take(sets[protocol.one_of(body, "which", len(sets))][1])
        elif kind == "snap":
            command = best_move(self.desk, self.session, protocol.count(body))
        else:
            command = protocol.parsed(body)
        session = apply(self.session, command, rev=rev)
        # Measured first: a line that is no tunnel in this bone is refused here, and nothing has changed.
        shown = self._figures(session, body)
        if session.rev != self.session.rev:
            record.save(session, self.plan_hash, self.folder)
        self.session = session
        return shown


def _seq(body: dict[str, Any]) -> int | None:
    """The page's own count of what it has asked, handed back."""
    given = body.get("seq")
    return given if isinstance(given, int) and not isinstance(given, bool) else None
