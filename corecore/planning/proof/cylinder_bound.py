"""What one tunnel removes at most, whatever the limits: the volume of a cylinder as long as the lesion is deep.

A bound of arithmetic, in no time: the branch and bound begins from it, and no proof that ends early says more.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from corecore.base.grid import FloatArray
from corecore.hip.lesion import Lesion, sample_counts
from corecore.planning.proof.box_geometry import EPS, SLOPE_LIMIT

#: Corners of the lesion's hull compared at once.
TOGETHER = 500


def most_in_a_cylinder(lesion: Lesion, radius_mm: float, axis: FloatArray) -> int:
    """Bound the number of a lesion's sample points that one straight tunnel removes (P34).

    Parameters
    ----------
    lesion : Lesion
        Sample points, one in the middle of each cell of its voxels.
    radius_mm : float
        Greatest radius of the tunnel, mm.
    axis : ndarray, shape (3,)
        Unit neck axis, local; a line's slopes against it are within ``SLOPE_LIMIT``.

    Returns
    -------
    int
        At least what any such tunnel removes.
    """
    edges = lesion.mask.grid.world_from_index[:3, :3] / sample_counts(lesion.mask.grid)
    signs = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [1, -1, -1]])
    half = 0.5 * float(np.linalg.norm(signs @ edges.T, axis=1).max())
    longest = greatest_extent(lesion.points_mm, axis, float(np.arctan(np.sqrt(2.0) * SLOPE_LIMIT)))
    volume = np.pi * (radius_mm + half + EPS) ** 2 * (longest + 2.0 * (half + EPS))
    return min(int(volume / abs(np.linalg.det(edges))), len(lesion.points_mm))


def greatest_extent(points: FloatArray, axis: FloatArray, within: float) -> float:
    """The longest that points (N, 3) are along any direction within an angle, radians, of a unit axis."""
    corners = _corners(points)
    longest = 0.0
    for first in range(0, len(corners), TOGETHER):
        way = corners[first : first + TOGETHER, None] - corners[None]
        along = np.abs(way @ axis)
        far = np.linalg.norm(way, axis=-1)
        # Of the directions allowed the one nearest to the way between two corners shows it longest.
        off = np.maximum(np.arccos(np.minimum(along / np.maximum(far, 1e-12), 1.0)) - within, 0.0)
        longest = max(longest, float((far * np.cos(off)).max()))
    return longest


def _corners(points: FloatArray) -> FloatArray:
    """Points whose hull holds all points; of flat lesions the corners of a box round them."""
    try:
        return np.asarray(points[ConvexHull(points).vertices])
    except (QhullError, ValueError):
        low, high = points.min(axis=0), points.max(axis=0)
        return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
