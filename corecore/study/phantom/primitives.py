"""The bricks of an implicit solid: levels in mm, positive inside, zero on the surface.

A *level* is a signed distance or a first-order estimate of one: its zero set is the
surface, its sign is exact, and its size is right near the surface. All functions take points
(N, 3) in mm and return levels (N,).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corecore.base.grid import FloatArray


def ball(points: FloatArray, center: npt.ArrayLike, radius: float) -> FloatArray:
    """Exact signed distance to a sphere."""
    return np.asarray(radius - np.linalg.norm(points - np.asarray(center), axis=1), dtype=np.float64)


def round_cone(
    points: FloatArray, start: npt.ArrayLike, start_radius: float, end: npt.ArrayLike, end_radius: float
) -> FloatArray:
    """Signed distance to the hull of two spheres, exact outside and near the surface.

    Raises ``ValueError`` where one sphere holds the other, for which there is no cone.
    """
    a = np.asarray(start, dtype=np.float64)
    axis = np.asarray(end, dtype=np.float64) - a
    length = float(np.linalg.norm(axis))
    drop = (start_radius - end_radius) / length if length > 0.0 else np.inf
    if not abs(drop) < 1.0:
        raise ValueError("one sphere of the round cone holds the other")
    offset = points - a
    along = offset @ (axis / length)
    across = np.sqrt(np.maximum(np.einsum("ij,ij->i", offset, offset) - along**2, 0.0))
    # The foot point lies back along the cone's slope; clamped, it falls on an end sphere.
    foot = np.clip(along - across * drop / np.sqrt(1.0 - drop**2), 0.0, length)
    radius = start_radius + (end_radius - start_radius) * foot / length
    return np.asarray(radius - np.hypot(across, along - foot), dtype=np.float64)


def ellipsoid(coordinates: FloatArray, semi_axes: FloatArray) -> FloatArray:
    """First-order distance to an ellipse or ellipsoid in its own frame.

    Both arguments (N, k): coordinates along the k axes, and the semi-axes met there (so a tube
    whose section varies along its length passes the semi-axes of each point's section).
    """
    size = np.linalg.norm(coordinates / semi_axes, axis=1)
    slope = np.linalg.norm(coordinates / np.square(semi_axes), axis=1)
    # No point lies deeper than the smallest semi-axis; without the cap the estimate would jump in the
    # very middle, where the quotient is 0/0.
    deepest = np.min(semi_axes, axis=1)
    quotient = size * (1.0 - size) / np.maximum(slope, 1e-9)
    return np.asarray(np.where(slope > 1e-9, np.minimum(quotient, deepest), deepest), dtype=np.float64)


def smooth_union(first: FloatArray, second: FloatArray, width: float | FloatArray) -> FloatArray:
    """Union whose re-entrant edge is filled by a fillet.

    Differs from the plain union only where the two levels differ by less than ``width`` (mm, one or (N,)),
    and then only adds, so either solid stays wholly inside: a sphere stays a sphere away from
    what it is joined to.
    """
    near = np.maximum(width - np.abs(first - second), 0.0) / width
    return np.asarray(np.maximum(first, second) + near**2 * (0.25 * width), dtype=np.float64)
