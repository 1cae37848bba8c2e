"""The whole job on one hip: open it, measure, plan or evaluate a path, write the folder.

Command line, Python API and batch all take these steps. The planner is loaded inside them, beside the reading of
the files: its compiler takes a second to load.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from corecore.base.language import spoken
from corecore.base.mesh import TriangleMesh
from corecore.base.spec import Spec
from corecore.document.plan import PlanDocument
from corecore.exports.plan_folder import check_target, prepared_meshes, write_plan
from corecore.hip.case import read_case
from corecore.hip.hip import Hip, build_hip
from corecore.hip.inputs import HipInputs, parse_side
from corecore.io.files import claimed
from corecore.planning.request import PlanRequest, Search

if TYPE_CHECKING:
    from corecore.measures.model import Measures
    from corecore.planning.planner import Plan

Step = Callable[..., None]


@dataclass(frozen=True)
class Watch:
    """What a caller wants told, and its word on the files.

    ``step(name, share)`` is told what is being done and, of a search, how much; ``log`` gives the text of ``run.log``;
    ``sources`` turns what the caller named (a folder, say) into the files that are read.
    """

    step: Step = lambda name, share=None: None
    log: Callable[[], str] = lambda: ""
    sources: Callable[[HipInputs], HipInputs] = lambda inputs: inputs


@dataclass(frozen=True, eq=False)
class Finished:
    """A plan, and the content of its ``plan.json``."""

    plan: Plan
    content: PlanDocument


@dataclass(frozen=True, eq=False)
class Prepared:
    """What was done and timed before the plan: seconds by name, and the surfaces where they are made already."""

    timings: dict[str, float]
    surfaces: Callable[[], tuple[TriangleMesh, TriangleMesh]] | None = None


SILENT = Watch()


def run(request: PlanRequest, watch: Watch = SILENT) -> Finished:
    """Carry a request out from its files to its folder.

    Raises ``CorecoreError`` for what cannot be read, measured, planned or written; parameters and folder are
    looked at before any file.
    """
    spec, output = request.checked(), request.output
    if output.folder is None:
        return _run(request, spec, watch)
    check_target(output.folder, overwrite=output.overwrite)
    with claimed(output.folder):
        # Looked at again: another run may have ended in between.
        check_target(output.folder, overwrite=output.overwrite)
        return _run(request, spec, watch)


def _run(request: PlanRequest, spec: Spec, watch: Watch) -> Finished:
    output = request.output
    timings: dict[str, float] = {}
    # What is needed later is loaded, and the surfaces for the files are made, beside the work of the moment.
    with ThreadPoolExecutor(2) as beside:
        beside.submit(import_module, f"corecore.planning.{'document' if request.path is None else 'manual'}")
        started = time.perf_counter()
        hip = open_hip(request.inputs, watch)
        timings["load_s"] = time.perf_counter() - started - sum(hip.timings.values())
        surfaces = beside.submit(prepared_meshes, hip, pictures=output.pictures)
        from corecore.measures.model import measure

        def measured() -> Measures:
            started = time.perf_counter()
            result = measure(hip, spec, answers=request.clinician)
            timings["measures_s"] = time.perf_counter() - started
            return result

        measuring = beside.submit(measured)
        watch.step("measuring; searching (the first run compiles for about half a minute)")
        return finish(hip, request, measuring.result, watch, Prepared(timings, surfaces.result))


def open_hip(inputs: HipInputs, watch: Watch = SILENT) -> Hip:
    """Read one hip's files, build its surface and fit its anatomy."""
    parse_side(inputs.side)
    watch.step("reading")
    case = read_case(watch.sources(inputs))
    watch.step("bone surface and anatomy")
    return build_hip(case)


def finish(
    hip: Hip,
    request: PlanRequest,
    measures: Measures | Callable[[], Measures],
    watch: Watch = SILENT,
    prepared: Prepared | None = None,
) -> Finished:
    """Plan an opened hip, or evaluate the request's path, and write the folder where there is to be one."""
    output, prepared = request.output, prepared or Prepared({})
    plan = plan_of(
        hip, request.checked(), measures, request.search, path=request.path,
        progress=lambda share: watch.step("searching", share),
    )  # fmt: skip
    if output.folder is None:
        from corecore.planning.document import document

        return Finished(plan, document(plan))
    watch.step("writing and drawing" if output.pictures else "writing")
    with spoken(output.language):
        content = write_plan(
            plan, output.folder, pictures=output.pictures, keep_names=output.keep_names, log_text=watch.log,
            timings=prepared.timings, surfaces=prepared.surfaces and prepared.surfaces(),
            sign_key=output.sign_key,
        )  # fmt: skip
    return Finished(plan, content)


def plan_of(
    hip: Hip,
    spec: Spec,
    measures: Measures | Callable[[], Measures],
    search: Search | None = None,
    *,
    path: tuple[Any, Any] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Plan:
    """The best tunnels of a hip; with a ``path`` (entry and tip, world RAS mm), that path evaluated."""
    search = search or Search()
    if path is None:
        from corecore.planning.planner import plan_hip

        return plan_hip(hip, spec, measures, search, progress=progress)
    from corecore.planning.manual import assess_path

    return assess_path(hip, spec, measures, *path, methods=search.methods)
