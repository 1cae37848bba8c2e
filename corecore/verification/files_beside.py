"""What the files beside a plan say, against the plan: measures, markups and bodies of the tunnels.

Their fingerprints show a change; these show a file that was exchanged and listed again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from corecore.base.errors import InputError
from corecore.base.grid import FloatArray
from corecore.base.input_file import bytes_of
from corecore.base.instrument import Instrument
from corecore.document.fields import Part, entries, known, listed
from corecore.document.measures import MeasuresDocument
from corecore.document.plan import PlanDocument
from corecore.document.read import read_measures
from corecore.document.stated import StatedPlan, StatedTunnel
from corecore.io.markups import read_lines, read_points
from corecore.verification.report import Check
from corecore.verification.turned import outline_of

NAME, MARKUPS = "measures.json", "tunnels.mrk.json"
#: Every plan is written with these and a body for each tunnel; pictures can be left out.
ALWAYS = (NAME, MARKUPS, "femur.stl", "lesion.stl", "run.log")
#: Drawn together, or not at all.
PICTURES = ("preview.png", "preview.html", "report.html", "report.pdf")
#: Keys of ``measures.json`` by the place in the plan that must say the same.
FROM_PLAN = {
    "case": "case", "corecore_version": "corecore_version", "coordinate_system": "coordinate_system", "units": "units",
    "head_center": "anatomy.head_center", "head_radius_mm": "anatomy.head_radius_mm", "sources": "anatomy.sources",
}  # fmt: skip
#: Of the file alone: its kind, and what it is not.
ALONE = ("schema", "notice")
#: The measures are written this long after the plan was made at most, s: the time that pictures take (engineering
#: choice; on the slowest machine tried they took a minute).
TOGETHER_S = 1800.0
#: Ends and walls of a tunnel in files of single precision and of six digits, mm.
BODY_MM = 0.01
#: Largest body of a tunnel read, bytes: ten thousand triangles are half a megabyte (engineering choice).
STL_MAX_BYTES = 50_000_000


def file_checks(plan: StatedPlan) -> list[Check]:
    """Every such file of a plan that lists its files: one that is not listed, or cannot be read, disagrees."""
    if not isinstance(plan.file.content.get("outputs"), list):
        return []
    names, folder = {one.path for one in listed(plan.file.plan.outputs)}, plan.path.parent
    bodies = {f"tunnel_{number}.stl": tunnel for number, tunnel in enumerate(plan.tunnels, start=1)}
    due = (*ALWAYS, *bodies, *(PICTURES if names & {*PICTURES} else ()))
    checks = [_same(f"outputs ({name})", "listed", "not listed") for name in due if name not in names]
    if NAME in names:
        checks += _read(NAME, lambda: _measures(read_measures(folder / NAME), plan.file.plan))
    if MARKUPS in names:
        checks += _read(MARKUPS, partial(_lines, folder / MARKUPS, plan))
    for name, tunnel in bodies.items():
        if name in names:
            checks += _read(name, partial(_wall, name, tunnel, folder / name))
    return checks


def _read(name: str, checks: Callable[[], list[Check]]) -> list[Check]:
    """The checks of a file; that it could not be read, where a program less strict may read something else in it."""
    try:
        return checks()
    except InputError:
        return [_same(f"{name} (content)", "as corecore writes it", "not readable")]


def _wall(name: str, tunnel: StatedTunnel, file: Path) -> list[Check]:
    gap = _off(tunnel, _corners(file))
    return [Check(f"{name}: wall", 0.0, gap, BODY_MM, "mm", gap <= BODY_MM, cross=True)]


def _lines(file: Path, plan: StatedPlan) -> list[Check]:
    """The lines of the markups: as many as tunnels, each from its entry to its tip, and no other point beside them."""
    lines, tunnels = read_lines(file), plan.tunnels
    if len(lines) != len(tunnels):
        return [_same(f"{MARKUPS}: lines", str(len(tunnels)), str(len(lines)))]
    points = len(read_points(file)) if lines else 0
    gap = float(np.max(np.abs(np.array(lines) - np.array([(one.entry, one.tip) for one in tunnels])))) if lines else 0.0
    return [
        _same(f"{MARKUPS}: points", str(2 * len(tunnels)), str(points)),
        Check(f"{MARKUPS}: lines", 0.0, gap, BODY_MM, "mm", gap <= BODY_MM, cross=True),
    ]


def _corners(path: Path) -> FloatArray:
    """Corners (N, 3), RAS mm, of a binary STL file in LPS mm. Raises ``InputError`` for one that is none."""
    data = bytes_of(path, "a binary STL file", STL_MAX_BYTES)
    count = int.from_bytes(data[80:84], "little")
    if count == 0 or len(data) != 84 + 50 * count:
        raise InputError(f"{path}: no binary STL file", code="file-damaged")
    # A triangle: normal, three corners, two bytes without use.
    triangles = np.frombuffer(data, dtype=np.dtype([("rows", "<f4", (4, 3)), ("unused", "<u2")]), offset=84)
    return np.asarray(triangles["rows"][:, 1:].reshape(-1, 3) * (-1.0, -1.0, 1.0), dtype=np.float64)


def _off(tunnel: StatedTunnel, points: FloatArray) -> float:
    """How far a body's corners lie off the tunnel's walls and ends, mm, at most; and the walls off the corners."""
    axis = (tunnel.tip - tunnel.entry) / np.linalg.norm(tunnel.tip - tunnel.entry)
    length = float(np.linalg.norm(tunnel.tip - tunnel.entry))
    along = (points - tunnel.entry) @ axis
    across = np.linalg.norm(points - tunnel.entry - along[:, None] * axis, axis=1)
    if tunnel.instrument is not None:
        return _off_outline(tunnel.instrument, length, along - length, across)
    radii = [tunnel.diameter_mm / 2.0, (tunnel.cavity_diameter_mm or 0.0) / 2.0]
    widest = abs(float(across.max(initial=0.0)) - max(radii))
    ends = max(abs(float(along.min(initial=0.0))), abs(float(along.max(initial=0.0)) - length))
    beside = np.minimum(across, np.min([np.abs(across - radius) for radius in radii], axis=0))
    return max(widest, ends, float(beside.max(initial=0.0)))


def _off_outline(drill: Instrument, length: float, height: FloatArray, across: FloatArray) -> float:
    """How far a body's corners, by height above the tip and distance from the axis, lie off an instrument's outline.

    And how far the outline's own corners lie off the body's; a round tip has none of its own.
    """
    outline, _ = outline_of(drill)
    outline = np.concatenate([outline, [[-length, outline[-1, 1]], [-length, 0.0]]])
    outline = outline[outline[:, 0] >= -length]
    off = np.full(len(height), np.inf)
    for (h0, r0), (h1, r1) in pairwise(outline):
        square = (h1 - h0) ** 2 + (r1 - r0) ** 2
        share = np.clip(((height - h0) * (h1 - h0) + (across - r0) * (r1 - r0)) / max(square, 1e-12), 0.0, 1.0)
        off = np.minimum(off, np.hypot(height - h0 - share * (h1 - h0), across - r0 - share * (r1 - r0)))
    ball = -drill.front_diameter_mm / 2.0 if drill.tip == "round" else 0.0
    own = outline[(outline[:, 1] > 0.0) & ((outline[:, 0] <= ball + 1e-9) | (outline[:, 0] > 0.0))]
    missed = [float(np.hypot(height - h, across - r).min()) for h, r in own]
    return max(float(off.max()), *missed)


def _measures(measured: MeasuresDocument, plan: PlanDocument) -> list[Check]:
    """Every figure of ``measures.json`` is the plan's own, and it was written with the plan."""
    checks = []
    for key, value in entries(measured).items():
        if key == "created":
            checks.append(_together(known(plan.created), value))
        elif key == "warnings":
            told = {known(one.code) for one in plan.warnings}
            missing = [known(one.code) for one in measured.warnings if one not in plan.warnings]
            # A warning that the plan has not at all goes before one that it words otherwise.
            lost = sorted(missing, key=told.__contains__)
            checks.append(_same(f"{NAME}: warnings", "in the plan", f"{lost[0]}" if lost else "in the plan"))
        elif key not in ALONE:
            place: object = plan if key in FROM_PLAN else plan.necrosis
            for name in FROM_PLAN.get(key, key).split("."):
                place = entries(place).get(name)
            differing = _first_difference(place, value, key)
            checks.append(_same(f"{NAME}: {key}", "as in the plan", differing or "as in the plan"))
    return checks


def _same(name: str, stated: str, found: str) -> Check:
    return Check(name, stated, found, 0.0, "", stated == found, cross=True)


def _together(made: object, written: object) -> Check:
    try:
        moments = [datetime.datetime.fromisoformat(str(one)) for one in (made, written)]
        apart = abs((moments[1] - moments[0]).total_seconds())
    except (TypeError, ValueError):
        return _same("created (that of measures.json)", str(made)[:40], str(written)[:40])
    return Check("created (that of measures.json)", 0.0, apart, TOGETHER_S, "s", apart <= TOGETHER_S, cross=True)


def _first_difference(plan: object, measures: object, path: str) -> str | None:
    """The path of the first value that is not the same."""
    if isinstance(plan, Part | Mapping) and isinstance(measures, Part | Mapping):
        stated, written = entries(plan), entries(measures)
        for key in {**stated, **written}:
            found = _first_difference(stated.get(key), written.get(key), f"{path}.{key}")
            if found is not None:
                return found
        return None
    return None if plan == measures else path
