"""Drilled poses judged the plain way: every 0.2 mm of the wall, 64 points a ring, all of the lesion's points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corecore.base.grid import FloatArray
from corecore.base.spec import Spec
from corecore.hip.hip import Hip
from corecore.tunnels.cylinder import Tunnel
from corecore.tunnels.figures import first_exit


@dataclass(frozen=True)
class Judged:
    """Clearance (mm), least depth in the joint and in the cortex, removed share, of one pose."""

    clearance_mm: float
    joint_depth_mm: float
    cortex_depth_mm: float
    removed: float


def plainly_judged(
    hip: Hip, spec: Spec, entry: FloatArray, tip: FloatArray, radius: float, sine_least: float,
    points: FloatArray, *, step_mm: float = 0.2, ring: int = 64,
) -> Judged:  # fmt: skip
    """Judge one pose by dense sampling; no path is shared with the kernel but the distance field."""
    bone, anatomy = hip.bone, hip.anatomy
    tunnel = Tunnel(entry, tip, 2.0 * radius)
    direction = tunnel.direction
    walk = np.arange(-20.0, 20.0, 0.02)
    inside = bone.distance(entry + walk[:, None] * direction) > 0.0
    removed = float(np.mean(tunnel.contains(points)))
    if not inside.any():
        return Judged(-20.0, np.inf, -1000.0, removed)
    met = float(walk[np.argmax(inside)])
    normal = bone.mouth_normal(entry + met * direction)[0]
    sine = max(float(abs(normal @ direction)), sine_least)
    overhang = radius * np.sqrt(1.0 - min(sine, 1.0) ** 2)
    mouth = met + overhang / sine + 2.0
    portal = met + (spec.cortical_margin_mm + overhang) / sine + 2.0

    a, b = tunnel.ring_basis()
    angle = 2.0 * np.pi * np.arange(ring) / ring
    circle = radius * (np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b)
    at = np.append(np.arange(mouth, tunnel.length_mm, step_mm), tunnel.length_mm)
    at = at[at >= min(mouth, tunnel.length_mm)]
    wall = (entry + at[:, None] * direction)[:, None] + circle
    end = tip + np.linspace(0.0, 1.0, 6)[:, None, None] * circle
    points_mm = np.concatenate([wall.reshape(-1, 3), end.reshape(-1, 3)])
    counted = np.concatenate([np.repeat(at >= portal, ring), np.ones(6 * ring, dtype=bool)])
    depth = bone.distance(points_mm)
    proximal = (points_mm - anatomy.head_center) @ anatomy.neck_axis >= -0.5 * anatomy.head_radius_mm
    taken = counted | (depth < 0.0) | proximal
    return Judged(
        max(float(depth[taken].min()), -20.0),
        float(np.append(depth[proximal], np.inf).min()),
        float(np.append(depth[~proximal], np.inf).min()),
        removed,
    )


def neck_tunnel(hip: Hip, *, diameter_mm: float = 8.0, tip_beyond_mm: float = 8.0, side_mm: float = 0.0) -> Tunnel:
    """A tunnel along the neck's axis, ``side_mm`` anterior of it, ending beyond the head's centre."""
    axis = hip.anatomy.neck_axis
    start = hip.anatomy.neck_center + side_mm * np.cross(axis, hip.anatomy.posterosuperior)
    entry = first_exit(hip, start, -axis)
    assert entry is not None
    tip = start + (float((hip.anatomy.head_center - start) @ axis) + tip_beyond_mm) * axis
    return Tunnel(entry, np.asarray(tip, dtype=np.float64), diameter_mm)
