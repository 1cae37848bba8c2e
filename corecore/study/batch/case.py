"""One case of a batch: from its files to records, whatever happens on the way."""

from __future__ import annotations

import platform
import re
import stat
import time
import traceback
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from corecore.base.errors import CorecoreError, InputError
from corecore.base.input_file import first_line, json_of
from corecore.base.version import __version__
from corecore.hip.inputs import HipInputs
from corecore.io.fingerprint import volume_files, volume_sha256
from corecore.io.references import image_place
from corecore.planning.request import Output, PlanRequest, Search
from corecore.study.batch.columns import Record, flattened, plan_record, printable
from corecore.study.batch.entry import Entry, Seen
from corecore.study.batch.layout import clear, plan_folder, write_segmentation
from corecore.study.batch.manifest import Row
from corecore.study.batch.settings import Settings, Variant

if TYPE_CHECKING:
    from corecore.base.spec import Spec
    from corecore.hip.hip import Hip
    from corecore.measures.model import Measures

#: Figures of a truth file that are no figure of the hip.
NO_TRUTH = ("schema", "coordinate_system", "units", "recipe")
#: A file that has changed this shortly before it is looked at may change again within one tick of the clock, ns
#: (engineering choice: the coarsest clock of a file system, FAT's, ticks every 2 s). Its bytes alone tell it.
FRESH_NS = 2_000_000_000
#: Longest cause kept, characters: a library may put a whole array into its message.
CAUSE_MAX = 500


def run_case(row: Row, settings: Settings) -> Entry:
    """Plan one hip with every variant of the settings.

    Never raises for what a file holds: a case that fails has records with status ``failed``, and the cause.
    """
    files = fingerprints(row)
    try:
        if row.fault is not None:
            raise InputError(row.fault, code="manifest-row")
        if settings.plans is not None:
            # Of a row that is planned again nothing old may stay.
            clear(Path(settings.plans), row.id, (one.name for one in settings.variants), settings.layout)
        started = time.perf_counter()
        hip = _hip(row)
        load_s = time.perf_counter() - started - sum(hip.timings.values())
        known = _known(row)
    # A hip that breaks something is one row of the table, not the end of the batch.
    except Exception as error:
        return Entry(row.number, files, [_failed(row, one, error, settings) for one in settings.variants])
    measured = _measuring(hip)
    records: list[Record] = []
    for variant in settings.variants:
        try:
            records.append({**_plan(row, variant, settings, hip, measured, load_s), **known, **_versions()})
        except Exception as error:
            records.append({**_failed(row, variant, error, settings), **known})
    return Entry(row.number, files, records)


def lost_case(settings: Settings, row: Row, error: CorecoreError) -> Entry:
    """The entry of a case that took its worker along, or was ended."""
    # Its files are not read again: reading them may be what it was lost on.
    files = {role: seen for role, path in row.paths().items() if (seen := _stat(path)) is not None}
    return Entry(row.number, files, [_failed(row, variant, error, settings) for variant in settings.variants])


def changed_file(row: Row, files: Mapping[str, Seen]) -> Path | None:
    """The first file of a finished row that is no longer what was planned on; its bytes decide."""
    for role, path in row.paths().items():
        then, now = files.get(role), _stat(path)
        if then is None or now is None:
            if then is now:
                continue
            return path
        same = now.changed_ns and (then.size, then.changed_ns) == (now.size, now.changed_ns)
        if not same and _sha256(row, role, path) != then.sha256:
            return path
    return None


def _hip(row: Row) -> Hip:
    # Reader and planner are loaded where a case is run, not where the batch is handed out.
    from corecore.exports.workflow import open_hip

    return open_hip(_inputs(row))


def _inputs(row: Row) -> HipInputs:
    return HipInputs(row.femur, row.lesion, side=row.side, case_id=row.id, pelvis=row.pelvis, image=row.image)


def _measuring(hip: Hip) -> Callable[[Spec], Measures]:
    """Measures by the parameters that they depend on, taken once each."""
    from corecore.measures.model import measure

    kept: dict[tuple[float, float, float], Measures] = {}

    def measured(spec: Spec) -> Measures:
        key = (spec.cap_half_angle_deg, spec.subchondral_depth_mm, spec.outline_error_mm)
        if key not in kept:
            kept[key] = measure(hip, spec)
        return kept[key]

    return measured


def _plan(
    row: Row, variant: Variant, settings: Settings, hip: Hip, measured: Callable[[Spec], Measures], load_s: float
) -> Record:
    from corecore.exports.workflow import Watch, finish

    plans = None if settings.plans is None else Path(settings.plans)
    folder = None if plans is None else plan_folder(plans, row.id, variant.name, settings.layout)
    request = PlanRequest(
        _inputs(row),
        parameters=variant.parameters(row),
        search=Search(gap=settings.gap, robust=variant.robust, confirm=settings.confirm),
        output=Output(folder, settings.pictures, settings.keep_names),
    )
    spec = request.checked()
    started = time.perf_counter()
    measures = measured(spec)
    measures_s = time.perf_counter() - started
    if folder is not None:
        folder.parent.mkdir(parents=True, exist_ok=True)
    told = f"corecore {__version__}, batch, case {row.id}\n"
    finished = finish(hip, request, measures, Watch(log=lambda: told))
    plan, content = finished.plan, finished.content
    if plans is not None and settings.layout == "bids" and plan.tunnels:
        write_segmentation(plan, plans, variant.name)
    record = {"id": row.id, "variant": variant.name, "robust_method": variant.robust, **plan_record(content)}
    record["timings.load_s"] = round(load_s, 3)
    record["timings.measures_s"] = round(measures_s, 3)
    record["timings.case_s"] = round(time.perf_counter() - started, 3)
    if plan.infeasible is not None:
        record["cause"] = plan.infeasible.text
    return record


def _known(row: Row) -> Record:
    """What a synthetic hip's truth file says. Raises ``InputError`` where it is none."""
    if row.truth is None:
        return {}
    try:
        told = json_of(Path(row.truth), "a truth file of corecore synth")
    except ValueError as error:
        raise InputError(
            f"{row.truth}: not readable as a truth file ({first_line(error)})", code="truth-unreadable"
        ) from error
    if not isinstance(told, dict):
        raise InputError(f"{row.truth}: no truth file; a JSON object is accepted", code="truth-unreadable")
    record: Record = {}
    for key, value in told.items():
        if key not in NO_TRUTH:
            record.update(flattened(value, f"truth.{key}"))
    recipe = told.get("recipe")
    seed = recipe.get("seed") if isinstance(recipe, dict) else None
    record["seed"] = seed if isinstance(seed, int) else None
    return record


def _failed(row: Row, variant: Variant, error: BaseException, settings: Settings) -> Record:
    text = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, CorecoreError | MemoryError):
        frame = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {text} ({Path(frame.filename).name}:{frame.lineno})"
    if not settings.keep_names:
        # A table goes further than the files it was made from, and their names may tell a patient's.
        for role, path in row.paths().items():
            for name in (str(path), path.name):
                # A whole name alone: a file may be called "a".
                text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", role, text)
    code = error.code if isinstance(error, CorecoreError) else ""
    return _without_plan(row, variant, type(error).__name__, printable(text[:CAUSE_MAX]), code)


def _without_plan(row: Row, variant: Variant, error: str, cause: str, code: str = "") -> Record:
    return {
        "id": row.id, "variant": variant.name, "status": "failed", "error": error, "code": code or None,
        "cause": cause, "preset": variant.preset, "robust_method": variant.robust, **_versions(),
    }  # fmt: skip


def _versions() -> Record:
    names = ("numpy", "scipy", "numba")
    found = {"versions.corecore": __version__, "versions.python": platform.python_version()}
    return {**found, **{f"versions.{name}": version(name) for name in names}}


def fingerprints(row: Row) -> dict[str, Seen]:
    """Each file that is there, by role."""
    found: dict[str, Seen] = {}
    fresh = time.time_ns() - FRESH_NS
    for role, path in row.paths().items():
        seen = _stat(path)
        if seen is not None:
            # A clock set back since puts a change in its future.
            found[role] = Seen(
                seen.size,
                seen.changed_ns if seen.changed_ns < fresh else 0,
                _sha256(row, role, path),
            )
    return found


def _stat(path: Path) -> Seen | None:
    try:
        found = [one.stat() for one in volume_files(path)]
    except (OSError, ValueError):
        return None
    # A folder does not change with the files in it; of a header and its data either may.
    changed_ns = max(one.st_ctime_ns for one in found)
    return Seen(sum(one.st_size for one in found), 0 if stat.S_ISDIR(found[0].st_mode) else changed_ns)


def _sha256(row: Row, role: str, path: Path) -> str | None:
    """Fingerprint of a file; of an image, that of the series that its row chooses."""
    try:
        return volume_sha256(*image_place(row.image)) if role == "image" and row.image else volume_sha256(path)
    except CorecoreError:
        return None
