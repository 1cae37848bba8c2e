"""Solids drawn besides the bone: cylinders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray
from corecore.base.mesh import TriangleMesh

#: Corners of a drawn circle.
SIDES = 48
#: Longest edge of a cylinder's triangles, mm: long slivers are slow to paint without a graphics card.
STEP_MM = 2.0


def across(direction: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Two unit vectors u, v across a unit vector d, right-handed: u x v = d."""
    d = np.asarray(direction, dtype=np.float64)
    helper = np.eye(3)[int(np.argmin(np.abs(d)))]
    u = np.cross(d, helper)
    u = u / np.linalg.norm(u)
    return u, np.asarray(np.cross(d, u), dtype=np.float64)


def cylinder(
    start: npt.ArrayLike, end: npt.ArrayLike, radius_mm: float, *, first_lid: bool = True, last_lid: bool = True
) -> TriangleMesh:
    """A flat-ended cylinder from ``start`` to ``end`` (3,) mm, with or without its lids.

    Raises ``ValueError`` without a length.
    """
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    length = float(np.linalg.norm(b - a))
    if length <= 0 or radius_mm <= 0:
        raise ValueError(f"a cylinder of length {length:g} and radius {radius_mm:g}; both must be positive")
    d = (b - a) / length
    u, v = across(d)
    turn = 2 * np.pi * np.arange(SIDES) / SIDES
    circle = radius_mm * (np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v)
    rings = max(2, int(np.ceil(length / STEP_MM)) + 1)
    points = (a + np.linspace(0, length, rings)[:, None, None] * d + circle).reshape(-1, 3)
    here = np.arange(SIDES)
    there = np.roll(here, -1)
    base = (np.arange(rings - 1) * SIDES)[:, None]
    wall = np.stack(
        [base + here, base + there, base + there + SIDES, base + here, base + there + SIDES, base + here + SIDES],
        axis=-1,
    ).reshape(-1, 3)
    first, last = len(points), len(points) + 1
    top = (rings - 1) * SIDES
    faces = [wall]
    if first_lid:
        faces.append(np.stack([np.full(SIDES, first), there, here], axis=1))
    if last_lid:
        faces.append(np.stack([np.full(SIDES, last), top + here, top + there], axis=1))
    return TriangleMesh(np.concatenate([points, a[None], b[None]]), np.concatenate(faces))
