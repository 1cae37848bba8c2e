"""A plan made beside the page: in a thread, with its progress, until it is done or cancelled."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from corecore.base.errors import CancelledError, CorecoreError
from corecore.base.language import ENGLISH, later, say, spoken
from corecore.base.limits import LIMITS, with_unit
from corecore.document.fields import known
from corecore.document.plan import PlanDocument
from corecore.document.text import chance, error_text, percent
from corecore.exports.plan_folder import meshes
from corecore.exports.workflow import Finished
from corecore.hip.hip import Hip
from corecore.measures.signs.clinician_input import ClinicianInput
from corecore.planning.document import document
from corecore.planning.request import PlanRequest
from corecore.planning.warm_planner import WarmPlanner
from corecore.report import captions
from corecore.report.limits import bound_text
from corecore.report.report_content import judged_content
from corecore.report.scene import Scene
from corecore.review.case_messages import CurvePoint, JobState, Result, WayRow
from corecore.review.settings import UNITS

_log = logging.getLogger(__name__)

#: What makes the plans of a hip, one at a time: told what is asked, when it is not wanted any more, and how far it is.
Planner = Callable[[PlanRequest, threading.Event, Callable[[float], None]], Finished]
#: Drillings that a plan's own curve was simulated with, as it is printed.
POSES = 10_240


def planner_of(hip: Hip, answers: ClinicianInput) -> Planner:
    """The planner of an opened hip, held ready: what a change does not touch is taken again."""
    held = WarmPlanner(hip, answers)

    def planned(request: PlanRequest, stop: threading.Event, progress: Callable[[float], None]) -> Finished:
        # The record is in English, whatever the page speaks.
        with spoken(ENGLISH):
            plan = held.plan(request.checked(), request.search, stop=stop, progress=progress)
            return Finished(plan, document(plan))

    return planned


@dataclass
class PlanJob:
    """One plan under way, or what became of it."""

    hip: Hip
    request: PlanRequest
    number: int
    planner: Planner
    state: str = "running"
    words: str = ""
    share: float | None = None
    result: Result | None = None
    finished: Finished | None = None
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begins, in the language spoken here."""
        context = contextvars.copy_context()
        self.words = say("measuring and searching")
        self._thread = threading.Thread(target=context.run, args=(self._run,), daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Asks for its end; it comes with the next step."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        """Waits for its end."""
        if self._thread is not None:
            self._thread.join(seconds)

    def told(self) -> JobState:
        """How far it is."""
        state = "cancelled" if self.state == "running" and self._stop.is_set() else self.state
        return JobState(self.number, state, self.words, self.share, self.result)  # type: ignore[arg-type]

    def _progress(self, share: float) -> None:
        self.share = share

    def _run(self) -> None:
        try:
            finished = self.planner(self.request, self._stop, self._progress)
            self.words, self.share = say("drawing the result"), None
            result = result_of(finished.content, self.hip)
        except CancelledError:
            self.state, self.words = "cancelled", say("cancelled")
        except CorecoreError as error:
            self.state, self.words = "failed", error_text(error)
        except Exception as error:
            # The thread's end would be silent, and the page wait for ever.
            _log.exception("a plan of the page failed")
            self.state = "failed"
            self.words = say(
                "unexpected error: {kind}; corecore plan on the same files writes a report", kind=type(error).__name__
            )
        else:
            if self._stop.is_set():
                self.state, self.words = "cancelled", say("cancelled")
                return
            self.finished, self.result = finished, result
            self.state, self.words = "done", ""


def result_of(plan: PlanDocument, hip: Hip) -> Result:
    """What a plan comes to, in words and figures as the report prints them."""
    scene = Scene.of(plan, *meshes(hip))
    why = known(plan.infeasible)
    return Result(
        judged=judged_content(scene),
        tunnels=[captions.tunnel_row(number, tunnel) for number, tunnel in enumerate(scene.tunnels, start=1)],
        columns=captions.tunnel_columns(),
        why="" if plan.tunnels or why is None else captions.reason(scene),
        ways=ways_of(plan),
        curve=curve_of(plan),
        warnings=captions.warnings(scene),
    )


#: How the limits of an infeasible plan would do.
ALONE, TOGETHER = later("by itself"), later("only together with the others")


def ways_of(plan: PlanDocument) -> list[WayRow]:
    """The limits that would have to be relaxed, with the setting that does it where the page has it."""
    told = known(plan.infeasible)
    rows: list[WayRow] = []
    if told is None:
        return rows
    for ways, how in ((told.relaxations, ALONE), (told.together, TOGETHER)):
        for way in ways:
            key, needed, limit = known(way.key) or "", known(way.needed), known(way.limit)
            row = LIMITS.get(key)
            if row is None or needed is None:
                continue
            now, then = (
                bound_text(None if one is None else with_unit(key, f"{one:g}"), at_least=row.at_least)
                for one in (limit, needed)
            )
            sure = say("planned with it") if way.confirmed is True else say("not planned with it")
            words = say(
                "{figure}: {then} instead of {now} ({how}; {sure})",
                figure=say(row.figure_name), then=then, now=now, how=say(how), sure=sure,
            )  # fmt: skip
            settable = row.settable and row.default is not None and row.unit in UNITS
            rows.append(WayRow(words, key if settable else None, needed if settable else None))
    return rows


def curve_of(plan: PlanDocument) -> list[CurvePoint]:
    """The trade-off curve of a plan; empty where it has none."""
    return [
        CurvePoint(
            point.removed_fraction, point.perforation_probability, point.chosen,
            say(
                "removes {removed}, perforates in {perforation}",
                removed=percent(point.removed_fraction), perforation=chance(point.perforation_probability, POSES),
            ),
        )
        for point in known(plan.tradeoff) or []
    ]  # fmt: skip
