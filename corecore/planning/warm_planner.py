"""A hip held ready: one answer after another on it, each the same as from cold, and each may be called off.

Bone surface, anatomy, measures and the outlines of the lesion do not hang on what is asked: they are made once. A
search is taken again where only the choice among what it found is asked anew (``corecore.planning.results``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from corecore.base.cancellation import ASKED_EVERY_S, Stop, cancellable, check_wanted
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.measures.model import Measures, measure
from corecore.measures.signs.clinician_input import ClinicianInput
from corecore.planning.evaluation import Evaluation, Path, evaluated, of_choice
from corecore.planning.planner import Plan, chosen_tunnels, plan_hip
from corecore.planning.request import Search
from corecore.planning.results import Results
from corecore.tunnels.outline_error import DrawnOutlines

#: Searches of so many regions to avoid stay; each holds a field of its region (engineering choice).
REGIONS = 3

Progress = Callable[[float], None]


class WarmPlanner:
    """Plans of one hip, from any thread, one at a time.

    Parameters
    ----------
    hip : Hip
        The hip.
    answers : ClinicianInput, optional
        What the surgeon said.
    """

    def __init__(self, hip: Hip, answers: ClinicianInput | None = None) -> None:
        self.hip, self.answers = hip, answers or ClinicianInput()
        self._turn = threading.Lock()
        self._common = Results()
        self._searches = Results(stay=REGIONS)

    def make_ready(self, spec: Spec) -> None:
        """Make what every answer takes: measures, and the outlines with their errors."""
        with self._its_turn(None):
            self._measures(spec)
            if spec.outline_error_mm > 0.0:
                self._outlines(spec)

    def plan(
        self,
        spec: Spec,
        search: Search | None = None,
        *,
        hip: Hip | None = None,
        stop: Stop | None = None,
        progress: Progress | None = None,
    ) -> Plan:
        """The plan that ``plan_hip`` makes from cold. Raises as that, and ``CancelledError``.

        ``hip``: this planner's own with another region to avoid.
        """
        with self._its_turn(stop):
            own, results = self._searched(hip)
            return plan_hip(own, spec, lambda: self._measures(spec), search, results=results, progress=progress)

    def tunnels(
        self,
        spec: Spec,
        search: Search | None = None,
        *,
        hip: Hip | None = None,
        stop: Stop | None = None,
        progress: Progress | None = None,
    ) -> Evaluation:
        """The tunnels of that plan, and nothing else of it."""
        with self._its_turn(stop):
            own, results = self._searched(hip)
            choice = chosen_tunnels(own, spec, search, results=results, whole=False, progress=progress)
            check_wanted()
            return of_choice(choice)

    def evaluate(
        self, spec: Spec, paths: Sequence[Path], *, hip: Hip | None = None, stop: Stop | None = None
    ) -> Evaluation:
        """Tunnels named by hand, held against the limits. Raises ``InputError`` where one is none in this bone."""
        with self._its_turn(stop):
            return evaluated(hip or self.hip, spec, paths)

    def _searched(self, hip: Hip | None) -> tuple[Hip, Results]:
        """The hip to search, and what was found on it before."""
        own = hip or self.hip

        def fresh() -> tuple[Hip, Results]:
            return own, Results(self._common)

        # The hip stands beside its results, so that its number is no other's.
        return self._searches.once("hip", id(own), fresh)

    def _measures(self, spec: Spec) -> Measures:
        # All of the parameters that measures read.
        key = spec.cap_half_angle_deg, spec.subchondral_depth_mm, spec.outline_error_mm
        return self._common.once("measures", key, lambda: measure(self.hip, spec, answers=self.answers))

    def _outlines(self, spec: Spec) -> DrawnOutlines:
        error_mm = spec.outline_error_mm
        return self._common.once("outlines", error_mm, lambda: DrawnOutlines.of(self.hip, error_mm))

    @contextmanager
    def _its_turn(self, stop: Stop | None) -> Iterator[None]:
        """One answer at a time; who waits may be called off as well."""
        with cancellable(stop):
            while not self._turn.acquire(timeout=ASKED_EVERY_S):
                check_wanted()
            try:
                check_wanted()
                yield
            finally:
                self._turn.release()
