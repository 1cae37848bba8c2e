"""What is made once a run and read by every test and every worker: hips, measures, searches, written folders.

The first that asks makes it, under a lock, in a folder of the run; every later one reads a copy of its own,
so that a test may change what it got. What is taken is what the package made: nothing here knows a figure.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pytest

from corecore.base.errors import CorecoreError
from corecore.base.open_file import lock
from corecore.base.spec import Spec
from corecore.document.content import content_of
from corecore.document.risk import RiskPart
from corecore.document.stated import StatedPlan
from corecore.exports.plan_folder import _with_copies
from corecore.hip.case import Case
from corecore.hip.hip import Hip, build_hip
from corecore.measures.model import Measures, measure
from corecore.planning.planner import _outline, of_search
from corecore.planning.search.single import SearchResult, best_tunnel
from corecore.planning.sets.search import SetSearchResult, best_set
from corecore.planning.tradeoff import Tradeoff, tradeoff_of
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.outline_error import OutlineRisk
from corecore.tunnels.plan_metrics import PlanMetrics, totals_of
from corecore.tunnels.risk.execution import by_method
from corecore.tunnels.risk.methods import METHODS, Method
from corecore.verification.hip import Hip as VerifiedHip
from corecore.verification.recalculation import judge
from corecore.verification.report import Verification
from corecore.verification.risk import _drillings

#: Names the run's folder to its workers, and to commands that a test starts.
VARIABLE = "CORECORE_TESTS_SHARED"
#: What a process that a test starts needs on its path, so that workers of its batches take part.
STARTED = os.pathsep.join(
    str(Path(__file__).resolve().parents[up] / place) for up, place in enumerate(("started", "", ""))
)
#: How often it is looked whether another process has made what is asked for, s.
POLL_S = 0.02
T = TypeVar("T")


class _Pickler(pickle.Pickler):
    """Leaves out what the reader has at hand: known objects stand by their names."""

    def __init__(self, file: io.BytesIO, known: Mapping[str, object]) -> None:
        super().__init__(file, protocol=5)
        self._names = {id(value): name for name, value in known.items() if value is not None}

    def persistent_id(self, obj: object) -> str | None:
        return self._names.get(id(obj))


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, known: Mapping[str, object]) -> None:
        super().__init__(file)
        self._known = known

    def persistent_load(self, pid: Any) -> object:
        return self._known[pid]


def _digest(text: str | bytes) -> str:
    return hashlib.blake2b(text.encode() if isinstance(text, str) else text, digest_size=16).hexdigest()


def _of_tunnels(tunnels: Iterable[Tunnel]) -> str:
    return _digest(b"".join(pickle.dumps(tunnel, protocol=5) for tunnel in tunnels))


class Shared:
    """A folder of things made once. Every name stands for one thing: two that differ need two names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: The hips that came from here, by what they were built from.
        self._hips: WeakKeyDictionary[Hip, str] = WeakKeyDictionary()
        #: Whether this process makes the run's first search.
        self._alone = False
        #: Whether anything stands in, and the room whose own functions do not.
        self._active, self._argued = False, ""
        self._stand_ins: list[tuple[str, Any, Any]] = [
            self._stand_in(build_hip, self.build_hip), self._stand_in(measure, self.measure),
            self._stand_in(best_tunnel, self.best_tunnel), self._stand_in(best_set, self.best_set),
            self._stand_in(_drillings, self.drillings), self._stand_in(tradeoff_of, self.tradeoff_of),
            self._stand_in(judge, self.judge), self._stand_in(by_method, self.by_method),
            self._stand_in(_outline, self._outline), self._stand_in(totals_of, self.totals_of),
            self._stand_in(_with_copies, self._with_copies),
        ]  # fmt: skip

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        with (self.folder / f"{name}.lock").open("w") as stream:
            while True:
                try:
                    lock(stream.fileno())
                    break
                except BlockingIOError:
                    time.sleep(POLL_S)
            yield

    def once(self, name: str, make: Callable[[], T], known: Mapping[str, object] | None = None) -> T:
        """What ``make`` returns, made by the first that asks; a copy, but for the objects ``known`` to both."""
        path = self.folder / f"{_digest(name)}.pickle"
        if not path.exists():
            with self._lock(path.stem):
                if not path.exists():
                    stream = io.BytesIO()
                    _Pickler(stream, known or {}).dump(make())
                    path.with_suffix(".part").write_bytes(stream.getbuffer())
                    path.with_suffix(".part").replace(path)
        return _Unpickler(io.BytesIO(path.read_bytes()), known or {}).load()  # type: ignore[no-any-return]

    def written(self, name: str, make: Callable[[Path], object]) -> Path:
        """The folder that ``make`` writes, written by the first that asks. To be read; who changes it copies it."""
        path = self.folder / _digest(name)
        mark = path.with_suffix(".written")
        if not mark.exists():
            with self._lock(path.name):
                if not mark.exists():
                    path.mkdir()
                    make(path)
                    mark.touch()
        return path

    def build_hip(self, case: Case) -> Hip:
        """``corecore.hip.hip.build_hip``, once for the same masks and landmarks, whatever their files' names.

        The image takes no part in it, nor do names that say the side which the hip has.
        """
        nameless = replace(case, named=())
        plain = replace(
            nameless, id="", sources=(), side_origin="", original_femur=None, original_lesion=None, image=None
        )
        key = f"hip {_digest(pickle.dumps(plain, protocol=5))}"
        masks = ("femur", "lesion", "pelvis", "avoid")
        known = {"case": case, **{name: getattr(case, name) for name in masks}}
        try:
            hip = self.once(key, lambda: replace(build_hip(nameless), case=case), known)
        except CorecoreError:
            # A name that contradicts is told before anything else that is wrong.
            if not case.named:
                raise
            return build_hip(case)
        if any(one.side != hip.side for one in case.named):
            return build_hip(case)
        self._hips[hip] = key
        return hip

    def _with_copies(self, hip: Hip, stage: Path) -> Hip:
        """``corecore.exports.plan_folder._with_copies``: the same hip, with sources that lie elsewhere."""
        copied = _with_copies(hip, stage)
        if hip in self._hips:
            self._hips[copied] = self._hips[hip]
        return copied

    def of_hip(self, name: str, hip: Hip, make: Callable[[], T]) -> T:
        """Something made of a hip; made anew of a hip that did not come from here."""
        key = self._hips.get(hip)
        if key is None:
            return make()
        parts = ("case", "bone", "bone_mask", "lesion", "anatomy")
        return self.once(f"{key} {name}", make, {"hip": hip, **{part: getattr(hip, part) for part in parts}})

    def measure(self, hip: Hip, spec: Spec, *, pole: Any = None, answers: Any = None) -> Measures:
        """``corecore.measures.model.measure``, once for the same hip, answers and parameters that it reads."""
        seen, made = hip.case.image, (hip.case.original_femur, hip.case.original_lesion)
        read = (spec.cap_half_angle_deg, spec.subchondral_depth_mm, spec.outline_error_mm)
        name = f"measures {read!r} {pole!r} {answers!r} {_digest(pickle.dumps((seen, made), protocol=5))}"
        found = self.of_hip(name, hip, lambda: measure(hip, spec, pole=pole, answers=answers))
        return replace(found, necrosis=replace(found.necrosis, spec=spec))

    def best_tunnel(self, hip: Hip, spec: Spec, **options: Any) -> SearchResult:
        """``corecore.planning.search.single.best_tunnel``, once for the same hip and parameters."""
        return self._search(best_tunnel, hip, spec, options)

    def best_set(self, hip: Hip, spec: Spec, **options: Any) -> SetSearchResult:
        """``corecore.planning.sets.search.best_set``, once for the same hip and parameters."""
        return self._search(best_set, hip, spec, options)

    def _search(self, search: Callable[..., T], hip: Hip, spec: Spec, options: dict[str, Any]) -> T:
        # What stops by the clock is another each time.
        if options.get("seconds") is not None:
            return search(hip, spec, **options)
        # What is asked for by default is the same search as what is asked for in words.
        defaults = {name: one.default for name, one in signature(search).parameters.items()}
        asked = {key: value for key, value in sorted(options.items()) if key != "progress" and value != defaults[key]}
        # Only where there is no tunnel is anything confirmed: what was found is the same.
        confirm = asked.pop("confirm", True)
        name = f"{search.__name__} {of_search(spec)!r} {asked!r}"

        def make() -> tuple[bool, Any]:
            with self._compiling():
                return confirm, search(hip, spec, **options)

        confirmed, found = self.of_hip(name, hip, make)
        if found.infeasible is not None and confirmed != confirm:
            confirmed, found = self.of_hip(f"{name} {confirm}", hip, make)
        return found  # type: ignore[no-any-return]

    def tradeoff_of(self, hip: Hip, spec: Spec, method: Any, most: Any, passing: Any, **options: Any) -> Tradeoff:
        """``corecore.planning.tradeoff.tradeoff_of``, once for the same hip, parameters, method and tunnels."""
        asked = {key: value for key, value in sorted(options.items()) if key != "progress"}
        given = _digest(pickle.dumps((of_search(spec), method, tuple(most), passing, asked), protocol=5))
        return self.of_hip(f"tradeoff {given}", hip, lambda: tradeoff_of(hip, spec, method, most, passing, **options))

    def by_method(
        self, hip: Hip, tunnels: list[Tunnel], spec: Spec, methods: dict[str, Method] = METHODS
    ) -> tuple[list[dict[str, RiskPart]], dict[str, RiskPart]]:
        """``corecore.tunnels.risk.execution.by_method``, once for the same hip, tunnels, parameters and methods."""
        name = f"risk {of_search(spec)!r} {methods!r} {_of_tunnels(tunnels)}"
        return self.of_hip(name, hip, lambda: by_method(hip, tunnels, spec, methods))

    def _outline(self, hip: Hip, spec: Spec, tunnels: Any, timings: dict[str, float], *given: Any) -> Any:
        """``corecore.planning.planner._outline``, once for the same hip, tunnels and error."""

        def make() -> tuple[OutlineRisk | None, dict[str, float]]:
            taken: dict[str, float] = {}
            return _outline(hip, spec, tunnels, taken, *given), taken

        name = f"outline {spec.outline_error_mm!r} {_of_tunnels(tunnel for tunnel, _ in tunnels)}"
        found, taken = self.of_hip(name, hip, make)
        timings.update(taken)
        return found

    def totals_of(self, hip: Hip, spec: Spec, tunnels: list[Tunnel]) -> PlanMetrics:
        """``corecore.tunnels.plan_metrics.totals_of``, once for the same hip, parameters and tunnels."""
        name = f"totals {of_search(spec)!r} {_of_tunnels(tunnels)}"
        return self.of_hip(name, hip, lambda: totals_of(hip, spec, tunnels))

    def drillings(self, plan: Any, index: int, *given: Any) -> Any:
        """The drillings that ``verify`` draws of a tunnel, once for the same bone, tunnel and draw."""
        errors, hip, frame, around, lesion, poses, rng, shifts, views = given
        tunnel = plan.tunnels[index]
        place = (tunnel.entry, tunnel.tip, tunnel.diameter_mm, plan.spec["incidence_min_deg"])
        drawn = (errors, hip.bone, frame, around, lesion, poses, rng.bit_generator.state, shifts, views)

        def make() -> Any:
            return _drillings(plan, index, *given), rng.bit_generator.state

        found, after = self.once(f"drillings {_digest(pickle.dumps((place, drawn), protocol=5))}", make)
        rng.bit_generator.state = after
        return found

    def judge(self, plan: StatedPlan, hip: VerifiedHip) -> Verification:
        """``corecore.verification.recalculation.judge``, once for the same content and masks.

        Neither the case's name and time nor where its files lie take part in it.
        """
        content = content_of(plan.file.plan)
        for name in ("created", "timings", "seal", "signature", "outputs"):
            content.pop(name, None)
        files = [(item.role, item.sha256, item.label, item.path.is_file()) for item in plan.inputs]
        content["case"] = {**content["case"], "id": "", "inputs": files}
        return self.once(f"judged {_digest(json.dumps(content, sort_keys=True))}", lambda: judge(plan, hip))

    @contextmanager
    def _compiling(self) -> Iterator[None]:
        """The run's first search is made alone: it compiles the kernels that all others load."""
        mark = self.folder / "compiled"
        # A set's search asks for a tunnel's.
        if self._alone or mark.exists():
            yield
            return
        with self._lock("compiled"):
            self._alone = True
            try:
                yield
                mark.touch()
            finally:
                self._alone = False

    @contextmanager
    def in_package(self, argued: str = "") -> Iterator[None]:
        """Inside, the package's commands take from here what was made, but for the room that is argued about."""
        before = self._active, self._argued
        with pytest.MonkeyPatch.context() as patch:
            for function, original, stand_in in self._stand_ins:
                for name, module in list(sys.modules.items()):
                    if name.startswith("corecore.") and vars(module).get(function) is original:
                        patch.setattr(module, function, stand_in)
            self._active, self._argued = True, argued
            try:
                yield
            finally:
                self._active, self._argued = before

    def join(self) -> None:
        """``in_package`` for as long as this process lives."""
        # Held, for what nobody holds ends.
        self._joined = self.in_package()
        self._joined.__enter__()

    def _stand_in(self, original: Any, made_once: Any) -> tuple[str, Any, Any]:
        room = original.__module__.split(".")[1]

        # A module first loaded inside keeps it for good; outside it is the original.
        def stand_in(*given: Any, **named: Any) -> Any:
            stands = self._active and room != self._argued
            return (made_once if stands else original)(*given, **named)

        return original.__name__, original, stand_in


#: The run's own. ``conftest.py`` makes the folder and takes it away.
shared = Shared(Path(os.environ[VARIABLE]))
