"""Several tunnels in one bone: portals they share, bridges between their holes, bone taken twice.

Two roads. ``set_violations`` judges a finished set as the contract words it. ``Shapes`` and
``conflicts`` are the search's quick road over thousands of tunnels at once; it errs on the
safe side, so what it lets pass the slow road does too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from corecore.base.grid import BoolArray, FloatArray, across_axes
from corecore.base.limits import LIMITS, OVERLAP_MAX, WIDE_HOLE_MM, WIDE_HOLES_MAX
from corecore.base.spec import Spec
from corecore.hip.anatomy.model import Anatomy
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import (
    LEAN_LEAST,
    PORTAL_EXTRA_MM,
    neck_area_share,
    portal_lengths,
    wall_share,
    wall_shares,
)
from corecore.tunnels.limits import Violation, violation

#: Entries as near as this share a portal, mm (contract §2).
SHARED_PORTAL_MM = 0.5
#: The search's own limits, this much inside: its overlap takes oblique sections for circles.
SAFE_SHARED_MM, SAFE_OVERLAP, SAFE_BRIDGE_MM = 0.4, 0.47, 0.05
#: Points on the rim of a hole, and spacing of points for the shared volume, mm.
RIM_POINTS, OVERLAP_SPACING_MM = 180, 0.4
#: Stations along a tunnel where the search's overlap is added up.
STATIONS = 40


@dataclass(frozen=True, eq=False)
class Shapes:
    """N tunnels: entries, unit directions (N, 3), lengths, portals and radii (N,), mm.

    ``ellipses`` (N, 2, 3) are the semi-axes of their holes on the surface, as vectors;
    ``cavity_mm`` (N, 2) the diameters and lengths of their cavities; ``instrument`` (N,) what each is drilled with.
    """

    entry: FloatArray
    direction: FloatArray
    length: FloatArray
    portal: FloatArray
    ellipses: FloatArray
    radius_mm: FloatArray
    cavity_mm: FloatArray
    instrument: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.length)

    def take(self, index: Any) -> Shapes:
        """Those of an index array or slice."""
        return Shapes(
            self.entry[index], self.direction[index], self.length[index],
            self.portal[index], self.ellipses[index], self.radius_mm[index], self.cavity_mm[index],
            self.instrument[index],
        )  # fmt: skip

    def joined(self, other: Shapes) -> Shapes:
        """These and others after them."""
        return Shapes(
            np.concatenate([self.entry, other.entry]), np.concatenate([self.direction, other.direction]),
            np.concatenate([self.length, other.length]), np.concatenate([self.portal, other.portal]),
            np.concatenate([self.ellipses, other.ellipses]), np.concatenate([self.radius_mm, other.radius_mm]),
            np.concatenate([self.cavity_mm, other.cavity_mm]), np.concatenate([self.instrument, other.instrument]),
        )  # fmt: skip

    def neck_shares(self, anatomy: Anatomy) -> FloatArray:
        """Share of the neck's smallest section that each takes, as it leans; (N,)."""
        lean = np.maximum(np.abs(self.direction @ anatomy.neck_axis), LEAN_LEAST)
        return np.asarray(np.pi * self.radius_mm**2 / lean / anatomy.neck_min_area_mm2)

    def wall_shares(self, anatomy: Anatomy, beside: Shapes) -> FloatArray:
        """Share of the lateral wall's width that each takes together with all of ``beside``; (N,), NaN out of view."""
        count = len(self)

        def sets(own: FloatArray, others: FloatArray) -> FloatArray:
            return np.concatenate([own[:, None], np.broadcast_to(others, (count, *others.shape))], axis=1)

        return wall_shares(
            anatomy, sets(self.entry, beside.entry), sets(self.direction, beside.direction),
            sets(self.radius_mm, beside.radius_mm),
        )  # fmt: skip

    def tunnel(self, i: int) -> Tunnel:
        """One of them."""
        tip = self.entry[i] + self.length[i] * self.direction[i]
        cavity, length = (float(size) for size in self.cavity_mm[i])
        return Tunnel(self.entry[i], tip, 2.0 * float(self.radius_mm[i]), cavity, length, self.instrument[i])


def shapes_of(hip: Hip, spec: Spec, entry: FloatArray, direction: FloatArray, length: FloatArray) -> Shapes:
    """Shapes of the plan's own tunnels, given by entries and unit directions (N, 3) and lengths (N,)."""
    count = len(entry)
    cavity = np.tile([spec.cavity_diameter_mm, spec.cavity_length_mm], (count, 1))
    instrument = np.full(count, spec.instrument, dtype=object)
    return _shapes(hip, spec, entry, direction, length, np.full(count, spec.radius_mm), cavity, instrument)


def shapes_of_tunnels(hip: Hip, spec: Spec, tunnels: Sequence[Tunnel]) -> Shapes:
    """Shapes of given tunnels, each with its own diameter and cavity."""
    return _shapes(
        hip, spec,
        np.array([t.entry for t in tunnels]), np.array([t.direction for t in tunnels]),
        np.array([t.length_mm for t in tunnels]), np.array([t.radius_mm for t in tunnels]),
        np.array([[t.cavity_diameter_mm, t.cavity_length_mm] for t in tunnels]),
        np.array([t.instrument for t in tunnels], dtype=object),
    )  # fmt: skip


def _shapes(
    hip: Hip, spec: Spec, entry: FloatArray, direction: FloatArray, length: FloatArray, radius: FloatArray,
    cavity: FloatArray, instrument: npt.NDArray[np.object_],
) -> Shapes:  # fmt: skip
    if len(entry) == 0:
        none = np.zeros(0)
        return Shapes(entry, direction, length, none, np.zeros((0, 2, 3)), radius, np.zeros((0, 2)), instrument)
    normal = hip.bone.mouth_normal(entry)
    sine = np.clip(np.abs(np.einsum("ij,ij->i", normal, direction)), 1e-6, 1.0)
    portal = (spec.cortical_margin_mm + radius * np.sqrt(1.0 - sine**2)) / sine + PORTAL_EXTRA_MM
    ellipses = _ellipses(normal, direction, sine, radius)
    return Shapes(entry, direction, length, portal, ellipses, radius, cavity, instrument)


def conflicts(shapes: Shapes, other: Shapes, spec: Spec, *, sharing: bool = True) -> BoolArray:
    """Which of N tunnels may not stand beside another one (``other`` holds one); (N,).

    With ``sharing`` false even a shared portal is a conflict. Bridges are measured along the
    line between the entries' centres, which never overstates them.
    """
    away = shapes.entry - other.entry[0]
    apart = np.linalg.norm(away, axis=1)
    along = away / np.maximum(apart, 1e-9)[:, None]
    reach = np.sqrt(np.einsum("nkj,nj->nk", shapes.ellipses, along) ** 2 @ np.ones(2))
    reach += np.sqrt((along @ other.ellipses[0].T) ** 2 @ np.ones(2))
    clear = apart - reach >= spec.bridge_min_mm + SAFE_BRIDGE_MM
    shared = apart <= SAFE_SHARED_MM
    allowed = clear | shared if sharing else clear
    # Far apart at the entry they may still cross, so the volume is looked at wherever holes allow.
    bad = ~allowed
    look = np.flatnonzero(allowed)
    bad[look] = _quick_overlap(shapes.take(look), other) >= SAFE_OVERLAP
    return np.asarray(bad)


def shares_portal(shapes: Shapes, other: Shapes) -> BoolArray:
    """Which of N tunnels begin where another one does; (N,)."""
    return np.asarray(np.linalg.norm(shapes.entry - other.entry[0], axis=1) <= SAFE_SHARED_MM)


def portals_of(entries: FloatArray) -> list[int]:
    """For each of N entries (N, 3) the first one whose portal it shares."""
    result: list[int] = []
    for j in range(len(entries)):
        near = [i for i in range(j) if np.linalg.norm(entries[i] - entries[j]) <= SHARED_PORTAL_MM]
        result.append(result[near[0]] if near else j)
    return result


def set_violations(hip: Hip, tunnels: Sequence[Tunnel], spec: Spec) -> list[Violation]:
    """Every rule between tunnels that a set breaks; the tunnels' own are not looked at."""
    broken: list[Violation] = []
    for j, second in enumerate(tunnels):
        for first in tunnels[:j]:
            if np.linalg.norm(first.entry - second.entry) > SHARED_PORTAL_MM:
                bridge = bridge_mm(hip, first, second)
                if bridge < spec.bridge_min_mm:
                    broken.append(Violation("bridge_min_mm", spec.bridge_min_mm, bridge))
            share = shared_volume(hip, first, second, spec)
            if share >= OVERLAP_MAX:
                broken.append(Violation("overlap", OVERLAP_MAX, share))
    portals = portals_of(np.array([tunnel.entry for tunnel in tunnels]).reshape(-1, 3))
    wide = {portal for portal, tunnel in zip(portals, tunnels, strict=True) if tunnel.diameter_mm > WIDE_HOLE_MM}
    if len(wide) > WIDE_HOLES_MAX:
        broken.append(Violation("wide_holes", WIDE_HOLES_MAX, len(wide)))
    # One tunnel's own share is among its own limits.
    together = sum(neck_area_share(hip.anatomy, tunnel) for tunnel in tunnels)
    wall = wall_share(hip.anatomy, tunnels)
    for key, value in (("neck_area_share_max", together), ("lateral_wall_share_max", wall)):
        item = violation(LIMITS[key], value, spec) if len(tunnels) > 1 else None
        broken += [] if item is None else [item]
    return broken


def bridge_mm(hip: Hip, first: Tunnel, second: Tunnel) -> float:
    """Bone between two holes' ellipses on the surface, mm; 0 where they meet."""
    a, b = _axes(hip, first), _axes(hip, second)
    turn = np.arange(RIM_POINTS) * 2.0 * np.pi / RIM_POINTS
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    rim_a, rim_b = first.entry + circle @ a, second.entry + circle @ b
    for center, axes, rim in ((first.entry, a, rim_b), (second.entry, b, rim_a)):
        share = (rim - center) @ (axes / np.sum(axes**2, axis=1, keepdims=True)).T
        if np.any(np.sum(share**2, axis=1) <= 1.0):
            return 0.0
    return float(np.linalg.norm(rim_a[:, None] - rim_b[None], axis=2).min())


def shared_volume(hip: Hip, first: Tunnel, second: Tunnel, spec: Spec) -> float:
    """Volume that both have beyond their portals, over that of the smaller."""
    beyond = []
    for tunnel in (first, second):
        portal, _ = portal_lengths(hip, tunnel, spec)
        if tunnel.length_mm <= portal:
            return 0.0
        start = tunnel.entry + portal * tunnel.direction
        # A cavity is left out; a tip of its own is not.
        beyond.append(replace(tunnel, entry=start) if tunnel.shaped else Tunnel(start, tunnel.tip, tunnel.diameter_mm))
    smaller, other = sorted(beyond, key=lambda tunnel: tunnel.length_mm * tunnel.radius_mm**2)
    return float(np.mean(other.contains(inner_points(smaller, OVERLAP_SPACING_MM))))


def inner_points(tunnel: Tunnel, spacing_mm: float) -> FloatArray:
    """Points (N, 3) that fill a tunnel on a lattice along and across its axis."""
    if tunnel.shaped:
        around = Tunnel(tunnel.entry, tunnel.tip - tunnel.body.front_mm * tunnel.direction, tunnel.diameter_mm)
        points = inner_points(around, spacing_mm)
        return np.asarray(points[tunnel.contains(points)])
    a, b = across_axes(tunnel.direction)
    half = np.arange(-tunnel.radius_mm + spacing_mm / 2, tunnel.radius_mm, spacing_mm)
    u, v = (g.ravel() for g in np.meshgrid(half, half, indexing="ij"))
    disc = np.hypot(u, v) <= tunnel.radius_mm
    cross = u[disc, None] * a + v[disc, None] * b
    count = max(1, round(tunnel.length_mm / spacing_mm))
    along = (np.arange(count) + 0.5) / count * tunnel.length_mm
    points = (tunnel.entry + along[:, None] * tunnel.direction)[:, None, :] + cross[None, :, :]
    return np.asarray(points.reshape(-1, 3))


def _axes(hip: Hip, tunnel: Tunnel) -> FloatArray:
    normal, direction = hip.bone.mouth_normal(tunnel.entry), tunnel.direction[None]
    sine = np.clip(np.abs(np.einsum("ij,ij->i", normal, direction)), 1e-3, 1.0)
    return np.asarray(_ellipses(normal, direction, sine, np.array([tunnel.radius_mm]))[0])


def _ellipses(normal: FloatArray, direction: FloatArray, sine: FloatArray, radius_mm: FloatArray) -> FloatArray:
    """Semi-axes (N, 2, 3) of the sections of cylinders with planes across ``normal`` (N, 3)."""
    minor = np.cross(normal, direction)
    size = np.linalg.norm(minor, axis=1)
    # Square on, any direction in the plane will do.
    square = size < 1e-6
    minor[square] = [across_axes(n)[0] for n in normal[square]] if square.any() else minor[square]
    minor /= np.where(square, 1.0, size)[:, None]
    major = np.cross(minor, normal) / sine[:, None]
    return np.asarray(radius_mm[:, None, None] * np.stack([minor, major], axis=1))


def _quick_overlap(shapes: Shapes, other: Shapes) -> FloatArray:
    """Shared volume over the smaller's, sections taken as circles; (N,)."""
    radius, other_radius = shapes.radius_mm[:, None], float(other.radius_mm[0])
    length = np.maximum(shapes.length - shapes.portal, 0.0)
    other_length = max(float(other.length[0] - other.portal[0]), 0.0)
    share = (np.arange(STATIONS) + 0.5) / STATIONS
    stations = shapes.portal[:, None] + share * length[:, None]
    away = shapes.entry - other.entry[0]
    # All of it from dot products: no array of points.
    cosine = shapes.direction @ other.direction[0]
    along = (away @ other.direction[0])[:, None] + stations * cosine[:, None]
    square = (
        np.einsum("ij,ij->i", away, away)[:, None]
        + 2.0 * stations * np.einsum("ij,ij->i", away, shapes.direction)[:, None]
        + stations**2
    )
    gap = np.sqrt(np.maximum(square - along**2, 0.0))
    within = (along >= other.portal[0]) & (along <= other.length[0])
    if np.all(shapes.radius_mm == other_radius):
        gap = np.minimum(gap / (2.0 * other_radius), 1.0)
        lens = (2.0 / np.pi) * (np.arccos(gap) - gap * np.sqrt(1.0 - gap**2)) * within
        return np.asarray(lens.mean(axis=1) * length / np.maximum(np.minimum(length, other_length), 1e-9))
    lens = _lens(gap, radius, other_radius) * within
    smaller = np.minimum(length * shapes.radius_mm**2, other_length * other_radius**2)
    return np.asarray(lens.mean(axis=1) * length / np.maximum(np.pi * smaller, 1e-9))


def _lens(gap: FloatArray, a: FloatArray, b: float) -> FloatArray:
    """Area that circles of radii ``a`` and ``b`` have in common, middles ``gap`` apart."""
    gap = np.clip(gap, np.abs(a - b) + 1e-9, a + b)
    first = np.arccos(np.clip((gap**2 + a**2 - b**2) / (2.0 * gap * a), -1.0, 1.0))
    second = np.arccos(np.clip((gap**2 + b**2 - a**2) / (2.0 * gap * b), -1.0, 1.0))
    kite = 0.5 * np.sqrt(np.maximum((a + b + gap) * (a + b - gap) * (gap + a - b) * (gap - a + b), 0.0))
    return np.asarray(a**2 * first + b**2 * second - kite)
